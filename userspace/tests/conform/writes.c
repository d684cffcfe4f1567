// SPDX-License-Identifier: MIT
/* Overlapped writes that wait for room, and both directions of one handle (W-OVL, W-RW-8, W-RW-9). */
#include "conform.h"

#define BLOCK 4096
/* More than a FIFO holds. */
#define BLOCKS 300

static char out[BLOCK], in[BLOCK];
static DWORD n;

/* A FIFO's end that writes, and one that reads when it is told to. */
static HANDLE writer, reader;

static void open_both(void)
{
	HANDLE both = line_writer();

	writer = line_open(GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	reader = line_open(GENERIC_READ, 0);
	CloseHandle(both);
}

static void close_both(void)
{
	CloseHandle(writer);
	CloseHandle(reader);
}

/* Writes until one must wait; how many were done before it. */
static int fill(OVERLAPPED *ov)
{
	int i;

	for (i = 0; i < BLOCKS; i++) {
		memset(out, 'a' + i % 26, sizeof(out));
		if (!WriteFile(writer, out, BLOCK, NULL, ov)) {
			if (GetLastError() != ERROR_IO_PENDING)
				return -1;
			if (WaitForSingleObject(ov->hEvent, 100) == WAIT_TIMEOUT)
				return i;
		}
		if (!GetOverlappedResult(writer, ov, &n, TRUE) || n != BLOCK)
			return -1;
	}
	return -1;
}

/* Reads so many blocks; how many bytes are not what was written. */
static int drain(int blocks)
{
	int i, wrong = 0;
	DWORD j, sum;

	for (i = 0; i < blocks; i++) {
		for (sum = 0; sum < BLOCK; sum += n)
			if (!ReadFile(reader, in + sum, BLOCK - sum, &n, NULL) || !n)
				return -1;
		for (j = 0; j < BLOCK; j++)
			wrong += in[j] != (char)('a' + i % 26);
	}
	return wrong;
}

static void pends_and_ends(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));
	int blocks;

	open_both();
	blocks = fill(&ov);
	see("W-OVL-4 a write waits for room", "1", "%d", blocks > 0);
	see("W-OVL-2 Internal of it", "103", "%x", status_of(&ov));
	see("W-GOR-1 polled", "FALSE 996 12345", "%s", result_of(writer, &ov, FALSE));
	see("W-OVL-3 event", "reset", "%s", state(ov.hEvent));
	see("W-RW-8 what was written before", "0", "%d", drain(blocks));
	see("W-OVL-8 there is room", "object 0", "%s",
	    waited(WaitForSingleObject(ov.hEvent, LONG_TIME)));
	see("W-RW-8 all of it is written", "TRUE 4096", "%s", result_of(writer, &ov, TRUE));
	close_both();
	CloseHandle(ov.hEvent);
}

static void cancelled(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));
	int blocks;

	open_both();
	blocks = fill(&ov);
	see("W-CANCELIOEX-2 a write that waits", "TRUE", "%s", did(FRESH(CancelIoEx(writer, &ov))));
	see("W-CANCELIOEX-1 its result", "FALSE 995 0", "%s", result_of(writer, &ov, TRUE));
	see("W-CANCELIOEX-3 once more", "FALSE 1168", "%s", did(FRESH(CancelIoEx(writer, &ov))));
	see("W-RACE-4 what was written before", "0", "%d", drain(blocks));
	memset(out, 'a', sizeof(out));
	see("W-CANCEL-0 the handle is usable", "begun", "%s",
	    begun(FRESH(WriteFile(writer, out, BLOCK, NULL, &ov))));
	see("W-CANCEL-0 it writes", "TRUE 4096", "%s", result_of(writer, &ov, TRUE));
	see("W-RACE-4 nothing of the cancelled one is there", "0", "%d", drain(1));
	see("W-CANCELIO-1 CancelIo of a write", "1", "%d", fill(&ov) > 0);
	see("W-CANCELIO-1 it is cancelled", "TRUE", "%s", did(FRESH(CancelIo(writer))));
	see("W-CANCELIO-3 its result", "FALSE 995 0", "%s", result_of(writer, &ov, TRUE));
	close_both();
	CloseHandle(ov.hEvent);
}

static void reader_closes(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	open_both();
	fill(&ov);
	CloseHandle(reader);
	see("W-RW-9 the reader closes", "object 0", "%s",
	    waited(WaitForSingleObject(ov.hEvent, LONG_TIME)));
	see("W-RW-9 result of the write", "FALSE 232 0", "%s", result_of(writer, &ov, FALSE));
	see("W-RW-9 nobody reads", "FALSE 232", "%s",
	    did(FRESH(WriteFile(writer, out, 1, NULL, &ov))));
	CloseHandle(writer);
	CloseHandle(ov.hEvent);
}

/* One handle for both: a read that waits keeps no write. */
static void both_ways(void)
{
	HANDLE h = line_open(GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	OVERLAPPED r = overlapped(event_new(TRUE, FALSE)), w = overlapped(event_new(TRUE, FALSE));

	see("W-OVL-4 read of both ways", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, in, BLOCK, NULL, &r))));
	see("W-OVL-4 write beside it", "begun", "%s", begun(FRESH(WriteFile(h, "both", 4, NULL, &w))));
	see("W-OVL-1 the write ends", "TRUE 4", "%s", result_of(h, &w, TRUE));
	see("W-OVL-1 and the read with it", "TRUE 4", "%s", result_of(h, &r, TRUE));
	see("W-RW-8 bytes", "both", "%.4s", in);
	CloseHandle(r.hEvent);
	CloseHandle(w.hEvent);
	CloseHandle(h);
}

/* Files, threads, events, mutexes and semaphores in one wait. */
static DWORD WINAPI wait_for(void *event)
{
	WaitForSingleObject(event, LONG_TIME);
	return 0;
}

static void waits_for_all_kinds(void)
{
	HANDLE w = line_writer(), h = line_reader(), leave = event_new(TRUE, FALSE), all[5];
	OVERLAPPED ov = overlapped(NULL);

	all[0] = h;
	all[1] = thread_new(wait_for, leave);
	all[2] = event_new(FALSE, FALSE);
	all[3] = CreateMutexA(NULL, FALSE, NULL);
	all[4] = CreateSemaphoreA(NULL, 1, 1, NULL);
	ReadFile(h, in, 8, NULL, &ov);
	see("W-WAIT-3 a mutex is free", "object 3", "%s",
	    waited(WaitForMultipleObjects(5, all, FALSE, 0)));
	ReleaseMutex(all[3]);
	see("W-WAIT-1 not all are set", "timeout", "%s",
	    waited(WaitForMultipleObjects(5, all, TRUE, 0)));
	line_write(w, "file");
	/* The bytes take their time to arrive. */
	WaitForSingleObject(h, LONG_TIME);
	see("W-WAIT-3 the file is set", "object 0", "%s",
	    waited(WaitForMultipleObjects(5, all, FALSE, LONG_TIME)));
	SetEvent(leave);
	SetEvent(all[2]);
	see("W-WAIT-1 all are set", "object 0", "%s",
	    waited(WaitForMultipleObjects(5, all, TRUE, LONG_TIME)));
	see("W-WAIT-1 the event is consumed", "reset", "%s", state(all[2]));
	see("W-WAIT-1 the semaphore is consumed", "reset", "%s", state(all[4]));
	see("W-WAIT-1 the mutex is owned", "TRUE", "%s", did(FRESH(ReleaseMutex(all[3]))));
	see("W-WAIT-1 the file stays set", "set", "%s", state(h));
	see("W-WAIT-1 so does the thread", "set", "%s", state(all[1]));
	CloseHandle(all[1]);
	CloseHandle(all[2]);
	CloseHandle(all[3]);
	CloseHandle(all[4]);
	CloseHandle(leave);
	CloseHandle(h);
	CloseHandle(w);
}

static const struct conform_case cases[] = {
	{ pends_and_ends, 0 }, { cancelled, 0 },	   { reader_closes, 0 },
	{ both_ways, 1 },	{ waits_for_all_kinds, 1 },
};

CONFORM_MAIN(cases)
