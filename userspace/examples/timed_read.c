// SPDX-License-Identifier: MIT
/*
 * An overlapped read that gives up after a time, and one that gets its data.
 *
 *	timed_read DEVICE [TIMEOUT_MS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <windows.h>

static double start;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void tell(const char *what)
{
	printf("%6.2f s  %s\n", now() - start, what);
	fflush(stdout);
}

/*
 * Reads, but not for longer than timeout milliseconds. *cancel_called tells whether it came to
 * that. The result is always collected, so on return the OVERLAPPED and the buffer are free: a
 * cancel that came too late (ERROR_NOT_FOUND) means that there is data to be had.
 */
static BOOL DoCancelableRead(HANDLE file, LPVOID buffer, DWORD size, LPDWORD bytes,
			     LPOVERLAPPED overlapped, DWORD timeout, LPBOOL cancel_called)
{
	*cancel_called = FALSE;
	*bytes = 0;
	if (ReadFile(file, buffer, size, NULL, overlapped))
		return GetOverlappedResult(file, overlapped, bytes, FALSE);
	if (GetLastError() != ERROR_IO_PENDING)
		return FALSE;
	if (WaitForSingleObject(overlapped->hEvent, timeout) == WAIT_TIMEOUT) {
		*cancel_called = TRUE;
		CancelIoEx(file, overlapped);
	}
	return GetOverlappedResult(file, overlapped, bytes, TRUE);
}

struct writer {
	const char *device;
	DWORD delay;
};

static DWORD WINAPI write_later(LPVOID arg)
{
	const struct writer *w = arg;
	HANDLE device = CreateFileA(w->device, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
				    NULL, OPEN_EXISTING, 0, NULL);
	DWORD bytes;
	BOOL ok;

	if (device == INVALID_HANDLE_VALUE)
		return 1;
	Sleep(w->delay);
	tell("another thread writes 5 bytes");
	ok = WriteFile(device, "hello", 5, &bytes, NULL);
	CloseHandle(device);
	return ok ? 0 : 1;
}

static BOOL attempt(HANDLE device, DWORD timeout, char *buffer, DWORD size, DWORD *bytes)
{
	OVERLAPPED overlapped = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
	BOOL cancelled, ok;
	char line[120];
	DWORD error;

	snprintf(line, sizeof(line), "reads, for at most %u ms", timeout);
	tell(line);
	ok = DoCancelableRead(device, buffer, size, bytes, &overlapped, timeout, &cancelled);
	error = ok ? ERROR_SUCCESS : GetLastError();
	if (ok)
		snprintf(line, sizeof(line), "read %u bytes: \"%.*s\"", *bytes, (int)*bytes, buffer);
	else
		snprintf(line, sizeof(line), "no data%s: error %u%s", cancelled ? ", cancelled" : "",
			 error, error == ERROR_OPERATION_ABORTED ? " (operation aborted)" : "");
	tell(line);
	CloseHandle(overlapped.hEvent);
	SetLastError(error);
	return ok;
}

int main(int argc, char **argv)
{
	struct writer writer;
	char buffer[64];
	DWORD bytes, timeout;
	HANDLE device, thread;
	BOOL first, second;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s DEVICE [TIMEOUT_MS]\n", argv[0]);
		return 2;
	}
	start = now();
	timeout = argc > 2 ? (DWORD)strtoul(argv[2], NULL, 10) : 1000;
	device = CreateFileA(argv[1], GENERIC_READ | GENERIC_WRITE,
			     FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
			     FILE_FLAG_OVERLAPPED, NULL);
	if (device == INVALID_HANDLE_VALUE) {
		fprintf(stderr, "%s: error %u\n", argv[1], GetLastError());
		return 1;
	}

	first = attempt(device, timeout, buffer, sizeof(buffer), &bytes);
	if (first || GetLastError() != ERROR_OPERATION_ABORTED)
		return 1;

	writer.device = argv[1];
	writer.delay = timeout / 2;
	thread = CreateThread(NULL, 0, write_later, &writer, 0, NULL);
	if (!thread)
		return 1;
	second = attempt(device, timeout + 30000, buffer, sizeof(buffer), &bytes);
	WaitForSingleObject(thread, INFINITE);
	CloseHandle(thread);
	CloseHandle(device);
	return second && bytes ? 0 : 1;
}
