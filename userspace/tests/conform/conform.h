/* SPDX-License-Identifier: MIT */
/*
 * Conformance programs: plain Win32, the same source for this library and for Windows. Each prints
 * what it saw, one line (TAP) a check, and nothing that differs from run to run; so the lines of two
 * systems can be compared. What the rule book wants to be seen stands beside each check.
 *
 *   PROGRAM [DIR]    DIR is for temporary files, and has a FIFO named "fifo"
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <windows.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing here takes long; who waits for so many milliseconds waits in vain. */
#define LONG_TIME 10000
/* No call leaves it behind. */
#define UNTOUCHED 0xbeef

struct conform_case {
	void (*run)(void);
	/* Pending I/O is what it is about: so it is run on the slow device as well. */
	int on_device;
};

static char conform_dir[200];
/* Where a read waits until somebody has written. */
static char conform_line[240];
static int conform_on_device, conform_seen, conform_wrong;

/* name begins with the rule, and is not used twice. */
static inline void see(const char *name, const char *want, const char *format, ...)
{
	char saw[400];
	va_list args;
	int right;

	va_start(args, format);
	vsnprintf(saw, sizeof(saw), format, args);
	va_end(args);
	right = !strcmp(saw, want);
	conform_wrong += !right;
	printf("%s %d %s%s = %s", right ? "ok" : "not ok", ++conform_seen,
	       conform_on_device ? "device " : "", name, saw);
	if (!right)
		printf(" [rule: %s]", want);
	printf("\n");
	fflush(stdout);
}

/* With what it returns and leaves as last error being its own. */
#define FRESH(call) (SetLastError(UNTOUCHED), (call))

static inline unsigned int last(void)
{
	return (unsigned int)GetLastError();
}

static inline char *conform_text(void)
{
	static char text[16][64];
	static int turn;

	return text[turn++ % 16];
}

static inline const char *conform_failure(const char *what)
{
	char *text = conform_text();

	snprintf(text, 64, "%s %u", what, last());
	return text;
}

static inline const char *did(BOOL result)
{
	return result ? "TRUE" : conform_failure("FALSE");
}

static inline const char *got(HANDLE handle)
{
	return handle == INVALID_HANDLE_VALUE ? conform_failure("INVALID") :
	       handle			      ? "handle" :
						conform_failure("NULL");
}

/* For what may be over at once or later, as it likes. */
static inline const char *begun(BOOL result)
{
	return result || GetLastError() == ERROR_IO_PENDING ? "begun" : conform_failure("FALSE");
}

static inline const char *waited(DWORD result)
{
	char *text = conform_text();

	switch (result) {
	case WAIT_TIMEOUT:
		return "timeout";
	case WAIT_IO_COMPLETION:
		return "apc";
	case WAIT_FAILED:
		return conform_failure("failed");
	}
	snprintf(text, 64, result < WAIT_ABANDONED_0 ? "object %u" : "abandoned %u",
		 (unsigned int)(result & ~WAIT_ABANDONED_0));
	return text;
}

static inline const char *state(HANDLE handle)
{
	DWORD result = WaitForSingleObject(handle, 0);

	return result == WAIT_OBJECT_0 ? "set" : result == WAIT_TIMEOUT ? "reset" : waited(result);
}

static inline HANDLE event_new(BOOL manual, BOOL set)
{
	return CreateEventA(NULL, manual, set, NULL);
}

static inline OVERLAPPED overlapped(HANDLE event)
{
	OVERLAPPED ov;

	memset(&ov, 0, sizeof(ov));
	ov.hEvent = event;
	return ov;
}

/* The status, in hexadecimal. */
static inline unsigned int status_of(const OVERLAPPED *ov)
{
	return (unsigned int)__atomic_load_n(&ov->Internal, __ATOMIC_ACQUIRE);
}

static inline unsigned int count_of(const OVERLAPPED *ov)
{
	return (unsigned int)__atomic_load_n(&ov->InternalHigh, __ATOMIC_RELAXED);
}

static inline const char *result_of(HANDLE file, OVERLAPPED *ov, BOOL wait)
{
	char *text = conform_text();
	DWORD n = 12345;
	BOOL done = FRESH(GetOverlappedResult(file, ov, &n, wait));

	if (done)
		snprintf(text, 64, "TRUE %u", (unsigned int)n);
	else
		snprintf(text, 64, "FALSE %u %u", last(), (unsigned int)n);
	return text;
}

static inline HANDLE thread_new(LPTHREAD_START_ROUTINE run, void *arg)
{
	return CreateThread(NULL, 0, run, arg, 0, NULL);
}

static inline const char *thread_end(HANDLE thread)
{
	char *text = conform_text();
	DWORD code = 0;

	if (WaitForSingleObject(thread, LONG_TIME) != WAIT_OBJECT_0)
		return "runs on";
	GetExitCodeThread(thread, &code);
	CloseHandle(thread);
	snprintf(text, 64, "ended %u", (unsigned int)code);
	return text;
}

static inline void conform_setup_failed(const char *what)
{
	printf("Bail out! %s: error %u\n", what, last());
	fflush(stdout);
	exit(1);
}

static inline HANDLE line_open(DWORD access, DWORD flags)
{
	HANDLE h = CreateFileA(conform_line, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			       OPEN_EXISTING, flags, NULL);

	if (h == INVALID_HANDLE_VALUE)
		conform_setup_failed(conform_line);
	return h;
}

/* Both directions at first, for then no open waits for another. */
static inline HANDLE line_writer(void)
{
	return line_open(GENERIC_READ | GENERIC_WRITE, 0);
}

static inline HANDLE line_reader(void)
{
	return line_open(GENERIC_READ, FILE_FLAG_OVERLAPPED);
}

static inline void line_write(HANDLE writer, const char *text)
{
	DWORD n;

	if (!WriteFile(writer, text, (DWORD)strlen(text), &n, NULL) || n != strlen(text))
		conform_setup_failed("write");
}

static inline const char *temp_path(const char *name)
{
	static char path[8][260];
	static int turn;

	turn = (turn + 1) % 8;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", conform_dir, name);
	return path[turn];
}

static inline HANDLE temp_open(const char *name, DWORD access, DWORD disposition, DWORD flags)
{
	return CreateFileA(temp_path(name), access,
			   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, disposition,
			   flags, NULL);
}

static inline HANDLE temp_new(const char *name, const char *content)
{
	HANDLE h = temp_open(name, GENERIC_READ | GENERIC_WRITE, CREATE_ALWAYS, 0);
	DWORD n;

	if (h == INVALID_HANDLE_VALUE ||
	    (*content && !WriteFile(h, content, (DWORD)strlen(content), &n, NULL)))
		conform_setup_failed(name);
	return h;
}

#ifndef _WIN32
#include <sys/stat.h>
#include <unistd.h>

static void conform_remove_dir(void)
{
	char command[sizeof(conform_dir) + 10];

	snprintf(command, sizeof(command), "rm -rf %s", conform_dir);
	if (system(command) != 0)
		perror("# rm");
}

static void conform_make_dir(void)
{
	snprintf(conform_dir, sizeof(conform_dir), "%s/conform.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(conform_dir)) {
		perror("Bail out!");
		exit(1);
	}
	atexit(conform_remove_dir);
	if (mkfifo(temp_path("fifo"), 0600) != 0)
		perror("# mkfifo");
}
#else
static void conform_make_dir(void)
{
	printf("Bail out! No directory is given\n");
	exit(1);
}
#endif

static inline int conform_main(int argc, char **argv, const struct conform_case *cases, int count)
{
	static const char device[] = "\\\\.\\cancelio0";
	HANDLE there;
	int i;

	if (argc > 1)
		snprintf(conform_dir, sizeof(conform_dir), "%s", argv[1]);
	else
		conform_make_dir();
	snprintf(conform_line, sizeof(conform_line), "%s", temp_path("fifo"));
	for (i = 0; i < count; i++)
		cases[i].run();
	there = CreateFileA(device, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
			    NULL, OPEN_EXISTING, 0, NULL);
	if (there != INVALID_HANDLE_VALUE) {
		CloseHandle(there);
		conform_on_device = 1;
		snprintf(conform_line, sizeof(conform_line), "%s", device);
		for (i = 0; i < count; i++)
			if (cases[i].on_device)
				cases[i].run();
	}
	printf("1..%d\n", conform_seen);
	fflush(stdout);
	return conform_wrong != 0;
}

#define CONFORM_MAIN(cases) \
	int main(int argc, char **argv) \
	{ \
		return conform_main(argc, argv, cases, (int)(sizeof(cases) / sizeof((cases)[0]))); \
	}

#endif
