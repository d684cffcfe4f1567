// SPDX-License-Identifier: MIT
/*
 * A server with a completion port: a few threads read from any number of devices, FIFOs or
 * terminals, and tell how much came from each until it ends, or until the server is stopped.
 *
 *	iocp_server DEVICE...    serves these until Enter is pressed
 *	iocp_server              serves FIFOs of its own, feeds them, and checks what it has read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define THREADS 4
#define MAX_CONNECTIONS 64

/* The OVERLAPPED comes first: its address, which the port tells, is that of the connection. */
struct connection {
	OVERLAPPED overlapped;
	HANDLE device;
	const char *name;
	char buffer[512];
	LONG64 bytes; /* a stranger may look at it meanwhile */
	unsigned int sum; /* of all bytes */
	DWORD ended; /* the error that ended it */
};

static struct connection connections[MAX_CONNECTIONS];
static HANDLE port;
static volatile LONG open_connections;
static HANDLE all_ended;

static void connection_end(struct connection *c, DWORD error)
{
	c->ended = error;
	if (InterlockedDecrement(&open_connections) == 0)
		SetEvent(all_ended);
}

/*
 * What ends here and now has nothing to tell by the port; everything else, success at once among
 * it, comes as a packet.
 */
static void connection_read(struct connection *c)
{
	if (!ReadFile(c->device, c->buffer, sizeof(c->buffer), NULL, &c->overlapped) &&
	    GetLastError() != ERROR_IO_PENDING)
		connection_end(c, GetLastError());
}

static void connection_got(struct connection *c, DWORD bytes)
{
	DWORD i;

	for (i = 0; i < bytes; i++)
		c->sum += (unsigned char)c->buffer[i];
	InterlockedExchangeAdd64(&c->bytes, bytes);
	/* Where there are no offsets, nobody looks at it. */
	c->overlapped.Offset += bytes;
	connection_read(c);
}

static DWORD WINAPI server_thread(LPVOID unused)
{
	(void)unused;
	for (;;) {
		LPOVERLAPPED overlapped;
		ULONG_PTR key;
		DWORD bytes;
		BOOL ok = GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE);

		if (!overlapped)
			return ok ? 0 : GetLastError(); /* told to stop; or the port is gone */
		if (ok)
			connection_got((struct connection *)key, bytes);
		else
			connection_end((struct connection *)key, GetLastError());
	}
}

static BOOL connection_open(struct connection *c, const char *name)
{
	c->name = name;
	c->device = CreateFileA(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
				OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
	if (c->device == INVALID_HANDLE_VALUE ||
	    !CreateIoCompletionPort(c->device, port, (ULONG_PTR)c, 0)) {
		fprintf(stderr, "%s: error %u\n", name, (unsigned int)GetLastError());
		return FALSE;
	}
	InterlockedIncrement(&open_connections);
	return TRUE;
}

static BOOL server_start(HANDLE threads[THREADS])
{
	int i;

	for (i = 0; i < THREADS; i++) {
		threads[i] = CreateThread(NULL, 0, server_thread, NULL, 0, NULL);
		if (!threads[i])
			return FALSE;
	}
	return TRUE;
}

/* One packet without an OVERLAPPED for each thread; none is lost, for a thread takes but one. */
static void server_stop(HANDLE threads[THREADS])
{
	int i;

	for (i = 0; i < THREADS; i++)
		PostQueuedCompletionStatus(port, 0, 0, NULL);
	WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
	for (i = 0; i < THREADS; i++)
		CloseHandle(threads[i]);
	CloseHandle(port);
}

/*
 * A cancel reaches what is pending, and a thread may be about to begin the next read: so it is asked
 * for until the last connection has ended.
 */
static void end_connections(int count)
{
	int i;

	do
		for (i = 0; i < count; i++)
			CancelIoEx(connections[i].device, NULL);
	while (WaitForSingleObject(all_ended, 50) == WAIT_TIMEOUT);
}

static void report(int count)
{
	int i;

	printf("%-24s %12s  %10s  %s\n", "device", "bytes", "sum", "ended by error");
	for (i = 0; i < count; i++)
		printf("%-24s %12lld  %10u  %u\n", connections[i].name, connections[i].bytes,
		       connections[i].sum, (unsigned int)connections[i].ended);
}

static int serve(int count, char **names)
{
	HANDLE threads[THREADS];
	int i;

	if (count > MAX_CONNECTIONS)
		count = MAX_CONNECTIONS;
	for (i = 0; i < count; i++)
		if (!connection_open(&connections[i], names[i]))
			return 1;
	if (!server_start(threads))
		return 1;
	for (i = 0; i < count; i++)
		connection_read(&connections[i]);
	printf("serves %d devices with %d threads; Enter ends it\n", count, THREADS);
	getchar();
	end_connections(count);
	server_stop(threads);
	report(count);
	return 0;
}

/* ---- the check: FIFOs, each with a thread that writes to it ---- */

#include <sys/stat.h>
#include <unistd.h>

#define FIFOS 8
#define BLOCKS 500

static struct feeder {
	char name[300];
	int seed;
	LONG64 bytes;
	unsigned int sum;
} feeders[FIFOS];

static DWORD WINAPI feed(LPVOID arg)
{
	struct feeder *f = (struct feeder *)arg;
	char block[700];
	HANDLE device;
	int i, j;

	/* Opens once the server has opened the other end. */
	device = CreateFileA(f->name, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			     OPEN_EXISTING, 0, NULL);
	if (device == INVALID_HANDLE_VALUE)
		return 1;
	for (i = 0; i < BLOCKS; i++) {
		DWORD length = (DWORD)(1 + (f->seed * 31 + i * 97) % sizeof(block)), bytes;

		for (j = 0; j < (int)length; j++) {
			block[j] = (char)(f->seed + i + j);
			f->sum += (unsigned char)block[j];
		}
		if (!WriteFile(device, block, length, &bytes, NULL) || bytes != length)
			return 2;
		f->bytes += bytes;
	}
	/* Half of them stay open, and are cancelled. */
	if (f->seed % 2)
		CloseHandle(device);
	return 0;
}

static BOOL all_read(void)
{
	int i;

	for (i = 0; i < FIFOS; i++)
		if (ReadAcquire64(&connections[i].bytes) != feeders[i].bytes)
			return FALSE;
	return TRUE;
}

static int check(void)
{
	HANDLE threads[THREADS], writers[FIFOS];
	char dir[] = "/tmp/iocp_server.XXXXXX";
	int i, wrong = 0;

	if (!mkdtemp(dir))
		return 1;
	for (i = 0; i < FIFOS; i++) {
		feeders[i].seed = i + 1;
		snprintf(feeders[i].name, sizeof(feeders[i].name), "%s/%d", dir, i);
		if (mkfifo(feeders[i].name, 0600))
			return 1;
		writers[i] = CreateThread(NULL, 0, feed, &feeders[i], 0, NULL);
		if (!connection_open(&connections[i], feeders[i].name))
			return 1;
	}
	if (!server_start(threads))
		return 1;
	for (i = 0; i < FIFOS; i++)
		connection_read(&connections[i]);
	WaitForMultipleObjects(FIFOS, writers, TRUE, INFINITE);
	while (!all_read())
		Sleep(1);
	end_connections(FIFOS);
	server_stop(threads);
	for (i = 0; i < FIFOS; i++) {
		DWORD end = i % 2 ? ERROR_OPERATION_ABORTED : ERROR_BROKEN_PIPE;

		wrong += connections[i].sum != feeders[i].sum || connections[i].ended != end;
		unlink(feeders[i].name);
	}
	rmdir(dir);
	report(FIFOS);
	printf("%s\n", wrong ? "WRONG" : "all as written");
	return wrong != 0;
}

int main(int argc, char **argv)
{
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	all_ended = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!port || !all_ended)
		return 1;
	return argc > 1 ? serve(argc - 1, argv + 1) : check();
}
