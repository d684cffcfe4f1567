// SPDX-License-Identifier: MIT
/*
 * cp with a progress bar, which Ctrl-C and a time limit end at once, whatever it waits for.
 *
 *	cancelcp [--restartable] [--timeout SECONDS] SOURCE TARGET
 *
 * What has been copied by then is removed, or, if the copy is restartable, kept: the same command goes
 * on with it. The exit status is 0, 1 for an error, 2 for wrong usage, 124 when the time is over, 130
 * after Ctrl-C.
 */
#include <cancellationscope.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <windows.h>

#define BAR 24

struct progress {
	ULONGLONG begun, drawn; /* in milliseconds */
	LONGLONG before;	/* what an earlier copy has left to be gone on with */
};

static LONG interrupted;

static const char *size_text(char *text, size_t room, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	int unit = 0;

	for (; bytes >= 1024 && unit < 5; unit++)
		bytes /= 1024;
	snprintf(text, room, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return text;
}

static void draw(const struct progress *p, LONGLONG size, LONGLONG done, ULONGLONG now)
{
	double seconds = (double)(now - p->begun) / 1000,
	       part = size ? (double)done / (double)size : 1;
	double rate = seconds > 0 ? (double)(done - p->before) / seconds : 0;
	char bar[BAR + 1], a[16], b[16], c[16], left[32] = "";
	int filled = (int)(part * BAR);

	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)filled);
	bar[BAR] = '\0';
	if (rate > 0 && done < size) {
		long eta = (long)((double)(size - done) / rate + 0.5);

		snprintf(left, sizeof(left), "  ETA %ld:%02ld", eta / 60, eta % 60);
	}
	fprintf(stderr, "\r%3d%% [%s] %s of %s  %s/s%s\033[K", (int)(part * 100), bar,
		size_text(a, sizeof(a), (double)done), size_text(b, sizeof(b), (double)size),
		size_text(c, sizeof(c), rate), left);
}

static DWORD WINAPI show_progress(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				  LARGE_INTEGER stream_done, DWORD stream, DWORD reason,
				  HANDLE source, HANDLE target, LPVOID data)
{
	ULONGLONG now = GetTickCount64();
	struct progress *p = data;

	(void)stream_size, (void)stream_done, (void)stream, (void)source, (void)target;
	if (reason == CALLBACK_STREAM_SWITCH) {
		p->begun = now;
		p->before = done.QuadPart;
	}
	if (now - p->drawn >= 100 || done.QuadPart == size.QuadPart) {
		draw(p, size.QuadPart, done.QuadPart, now);
		p->drawn = now;
	}
	return PROGRESS_CONTINUE;
}

/* A thread that waits for the signal may do what a handler must not. */
static DWORD WINAPI wait_for_interrupt(LPVOID scope)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	if (sigwait(&set, &sig) == 0) {
		InterlockedExchange(&interrupted, 1);
		CancelCancellationScope(scope);
	}
	return 0;
}

/* Before there is another thread, so that none takes the signal but the one that waits for it. */
static BOOL catch_interrupt(HANDLE scope)
{
	HANDLE thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	thread = CreateThread(NULL, 0, wait_for_interrupt, scope, 0, NULL);
	return thread && CloseHandle(thread);
}

static DWORD copy(const char *source, const char *target, DWORD flags, DWORD milliseconds)
{
	HANDLE scope = CreateCancellationScope(NULL, 0);
	BOOL terminal = isatty(STDERR_FILENO);
	struct progress p = {0};
	DWORD error = ERROR_SUCCESS;

	if (!scope || !catch_interrupt(scope) ||
	    !SetCancellationScopeTimeout(scope, milliseconds) || !EnterCancellationScope(scope))
		return GetLastError();
	if (!CopyFileExA(source, target, terminal ? show_progress : NULL, &p, NULL, flags))
		error = GetLastError();
	LeaveCancellationScope(scope);
	if (p.drawn)
		fputc('\n', stderr);
	return error;
}

static int report(const char *source, const char *target, DWORD error)
{
	char text[256] = "";

	if (InterlockedCompareExchange(&interrupted, 0, 0) && error == ERROR_OPERATION_ABORTED)
		return 130;
	if (error == ERROR_OPERATION_ABORTED) {
		fprintf(stderr, "cancelcp: the time is over\n");
		return 124;
	}
	if (!error)
		return 0;
	FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0,
		       text, sizeof(text), NULL);
	fprintf(stderr, "cancelcp: %s to %s: error %u: %s\n", source, target, error, text);
	return 1;
}

/* Into a directory under its own name, as cp does. */
static const char *target_of(const char *source, const char *target, char *path, size_t room)
{
	DWORD attributes = GetFileAttributesA(target);
	const char *name = strrchr(source, '/');

	if (attributes == INVALID_FILE_ATTRIBUTES || !(attributes & FILE_ATTRIBUTE_DIRECTORY))
		return target;
	snprintf(path, room, "%s/%s", target, name ? name + 1 : source);
	return path;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: cancelcp [--restartable] [--timeout SECONDS] SOURCE TARGET\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"restartable", no_argument, NULL, 'r'},
		{"timeout", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	DWORD flags = 0, milliseconds = INFINITE;
	char path[4096], *end;
	const char *target;
	double seconds;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			flags |= COPY_FILE_RESTARTABLE;
			break;
		case 't':
			seconds = strtod(optarg, &end);
			if (end == optarg || *end || !(seconds >= 0 && seconds < 4e6)) {
				usage(stderr);
				return 2;
			}
			milliseconds = (DWORD)(seconds * 1000);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (argc - optind != 2) {
		usage(stderr);
		return 2;
	}
	target = target_of(argv[optind], argv[optind + 1], path, sizeof(path));
	return report(argv[optind], target, copy(argv[optind], target, flags, milliseconds));
}
