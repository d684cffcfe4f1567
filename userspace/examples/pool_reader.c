// SPDX-License-Identifier: MIT
/*
 * A reader without threads of its own: what it reads arrives in the thread pool.
 *
 *	pool_reader DEVICE    prints what comes, until Enter is pressed
 *	pool_reader           reads from a FIFO of its own, and checks what it has read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

struct reader {
	OVERLAPPED overlapped;
	HANDLE device, ended;
	PTP_IO io;
	void (*got)(const char *data, DWORD bytes);
	DWORD error; /* that has ended it */
	char buffer[4096];
};

/* Each start of I/O is announced, and taken back when no callback will come of it. */
static void reader_start(struct reader *r)
{
	StartThreadpoolIo(r->io);
	if (ReadFile(r->device, r->buffer, sizeof(r->buffer), NULL, &r->overlapped) ||
	    GetLastError() == ERROR_IO_PENDING)
		return;
	r->error = GetLastError();
	CancelThreadpoolIo(r->io);
	SetEvent(r->ended);
}

static VOID CALLBACK reader_callback(PTP_CALLBACK_INSTANCE instance, PVOID context,
				     PVOID overlapped, ULONG result, ULONG_PTR bytes, PTP_IO io)
{
	struct reader *r = (struct reader *)context;

	(void)overlapped;
	(void)io;
	if (result == NO_ERROR) {
		r->got(r->buffer, (DWORD)bytes);
		r->overlapped.Offset += (DWORD)bytes;
		reader_start(r);
	} else {
		r->error = result;
		/* Not before the callback is over: who waits will free what it uses. */
		SetEventWhenCallbackReturns(instance, r->ended);
	}
}

static BOOL reader_open(struct reader *r, const char *name,
			void (*got)(const char *data, DWORD bytes))
{
	memset(r, 0, sizeof(*r));
	r->got = got;
	r->ended = CreateEventA(NULL, TRUE, FALSE, NULL);
	r->device = CreateFileA(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
				OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
	if (!r->ended || r->device == INVALID_HANDLE_VALUE)
		return FALSE;
	r->io = CreateThreadpoolIo(r->device, reader_callback, r, NULL);
	if (!r->io)
		return FALSE;
	reader_start(r);
	return TRUE;
}

/*
 * In this order: the request, its callbacks, the file, the TP_IO. A callback may be about to start
 * the next read when the cancel comes: so it is asked for until the last has ended.
 */
static void reader_close(struct reader *r)
{
	do
		CancelIoEx(r->device, NULL);
	while (WaitForSingleObject(r->ended, 50) == WAIT_TIMEOUT);
	WaitForThreadpoolIoCallbacks(r->io, FALSE);
	CloseHandle(r->device);
	CloseThreadpoolIo(r->io);
	CloseHandle(r->ended);
}

static void print(const char *data, DWORD bytes)
{
	fwrite(data, 1, bytes, stdout);
	fflush(stdout);
}

static int read_device(const char *name)
{
	static struct reader r;

	if (!reader_open(&r, name, print)) {
		fprintf(stderr, "%s: error %u\n", name, (unsigned int)GetLastError());
		return 1;
	}
	getchar();
	reader_close(&r);
	return 0;
}

/* ---- the check ---- */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 20000

static LONG next_byte; /* two threads look at it */
static unsigned int wrong;

/* The bytes are numbered: 0, 1, 2 ... 255, 0, 1 ... */
static void compare(const char *data, DWORD bytes)
{
	LONG first = ReadAcquire(&next_byte);
	DWORD i;

	for (i = 0; i < bytes; i++)
		wrong += (unsigned char)data[i] != (unsigned char)(first + i);
	InterlockedExchangeAdd(&next_byte, (LONG)bytes);
}

static int check(void)
{
	char dir[] = "/tmp/pool_reader.XXXXXX", name[64], block[100];
	unsigned int written = 0, i, j;
	static struct reader r;
	int fd;

	if (!mkdtemp(dir))
		return 1;
	snprintf(name, sizeof(name), "%s/fifo", dir);
	if (mkfifo(name, 0600))
		return 1;
	fd = open(name, O_RDWR);
	if (fd < 0 || !reader_open(&r, name, compare))
		return 1;
	for (i = 0; i < LINES; i++) {
		unsigned int length = 1 + i % sizeof(block);

		for (j = 0; j < length; j++)
			block[j] = (char)written++;
		if (write(fd, block, length) != (ssize_t)length)
			return 1;
	}
	while ((unsigned int)ReadAcquire(&next_byte) != written)
		Sleep(1);
	reader_close(&r);
	wrong += r.error != ERROR_OPERATION_ABORTED;
	close(fd);
	unlink(name);
	rmdir(dir);
	printf("%u bytes read in the thread pool, %s\n", written,
	       wrong ? "WRONG" : "all as written");
	return wrong != 0;
}

int main(int argc, char **argv)
{
	return argc > 1 ? read_device(argv[1]) : check();
}
