// SPDX-License-Identifier: MIT
/*
 * One thread that reads by APCs, and takes commands from others by the same way: it does nothing but
 * wait, and no data is shared that would need a lock.
 *
 *	apc_reader DEVICE    prints what comes from a FIFO or terminal, until Enter is pressed
 *	apc_reader           reads from a pipe of its own, and checks what it has read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

struct reader {
	OVERLAPPED overlapped;
	HANDLE device;
	void (*got)(const char *data, DWORD bytes);
	DWORD error; /* that has ended it */
	BOOL stopping, over;
	char buffer[4096];
};

static VOID CALLBACK reader_done(DWORD error, DWORD bytes, LPOVERLAPPED overlapped);

/* hEvent is the application's when the end comes as an APC: here, the way back to the reader. */
static void reader_start(struct reader *r)
{
	memset(&r->overlapped, 0, sizeof(r->overlapped));
	r->overlapped.hEvent = r;
	if (ReadFileEx(r->device, r->buffer, sizeof(r->buffer), &r->overlapped, reader_done))
		return;
	r->error = GetLastError();
	r->over = TRUE;
}

static VOID CALLBACK reader_done(DWORD error, DWORD bytes, LPOVERLAPPED overlapped)
{
	struct reader *r = (struct reader *)overlapped->hEvent;

	if (error == NO_ERROR) {
		r->got(r->buffer, bytes);
		if (!r->stopping) {
			reader_start(r);
			return;
		}
		error = ERROR_OPERATION_ABORTED;
	}
	r->error = error;
	r->over = TRUE;
}

/*
 * A command from another thread. It runs in the reader's own, between two of its APCs. The read may
 * have ended already, with data and with an APC that is still to come: then there is nothing to
 * cancel, and the flag tells that APC not to read on. In any case it is the last, and ends the loop.
 */
static VOID CALLBACK reader_stop(ULONG_PTR data)
{
	struct reader *r = (struct reader *)data;

	r->stopping = TRUE;
	CancelIo(r->device);
}

static DWORD WINAPI reader_main(LPVOID arg)
{
	struct reader *r = (struct reader *)arg;

	reader_start(r);
	while (!r->over)
		SleepEx(INFINITE, TRUE);
	return r->error;
}

static DWORD reader_run(const char *name, void (*got)(const char *data, DWORD bytes),
			void (*meanwhile)(void))
{
	struct reader r;
	DWORD error;
	HANDLE thread;

	memset(&r, 0, sizeof(r));
	r.got = got;
	r.device = CreateFileA(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			       OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
	if (r.device == INVALID_HANDLE_VALUE)
		return GetLastError();
	thread = CreateThread(NULL, 0, reader_main, &r, 0, NULL);
	if (!thread)
		exit(1);
	meanwhile();
	/* It fails if the reader has ended before, by an error. */
	QueueUserAPC(reader_stop, thread, (ULONG_PTR)&r);
	WaitForSingleObject(thread, INFINITE);
	GetExitCodeThread(thread, &error);
	CloseHandle(thread);
	CloseHandle(r.device);
	return error;
}

static void print(const char *data, DWORD bytes)
{
	printf("%.*s", (int)bytes, data);
	fflush(stdout);
}

static void wait_for_enter(void)
{
	getchar();
}

/* The check of itself: numbers go into a FIFO and must come out in order, all of them. */
#ifndef _WIN32
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS 20000

static HANDLE writer, all_read;
static int next;

static void compare(const char *data, DWORD bytes)
{
	static char part[sizeof(int)];
	static DWORD have;
	int number;

	for (DWORD i = 0; i < bytes; i++) {
		part[have++] = data[i];
		if (have < sizeof(int))
			continue;
		have = 0;
		memcpy(&number, part, sizeof(number));
		if (number != next++) {
			fprintf(stderr, "%d came instead of %d\n", number, next - 1);
			exit(1);
		}
	}
	if (next == NUMBERS)
		SetEvent(all_read);
}

static void write_numbers(void)
{
	DWORD bytes;

	for (int i = 0; i < NUMBERS; i++)
		if (!WriteFile(writer, &i, sizeof(i), &bytes, NULL))
			exit(1);
	WaitForSingleObject(all_read, INFINITE);
}

static int check(void)
{
	char dir[] = "/tmp/apc_reader.XXXXXX", name[64];
	DWORD error;

	if (!mkdtemp(dir))
		return 1;
	snprintf(name, sizeof(name), "%s/fifo", dir);
	if (mkfifo(name, 0600) != 0)
		return 1;
	all_read = CreateEventA(NULL, TRUE, FALSE, NULL);
	/* Open for both, so that it does not wait for the reader. */
	writer = CreateFileA(name, GENERIC_READ | GENERIC_WRITE,
			     FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
	error = reader_run(name, compare, write_numbers);
	CloseHandle(writer);
	unlink(name);
	rmdir(dir);
	if (next != NUMBERS || error != ERROR_OPERATION_ABORTED) {
		fprintf(stderr, "%d of %d numbers, error %u\n", next, NUMBERS, (unsigned int)error);
		return 1;
	}
	printf("%d numbers have come in order, and the reader was stopped\n", next);
	return 0;
}
#else
static int check(void)
{
	fprintf(stderr, "usage: apc_reader DEVICE\n");
	return 2;
}
#endif

int main(int argc, char **argv)
{
	DWORD error;

	if (argc != 2)
		return check();
	error = reader_run(argv[1], print, wait_for_enter);
	if (error == ERROR_OPERATION_ABORTED)
		return 0;
	fprintf(stderr, "%s: error %u\n", argv[1], (unsigned int)error);
	return 1;
}
