// SPDX-License-Identifier: MIT
/* CreatePipe (W-PIPE-1, W-RW-8, W-RW-9). */
#include "conform.h"

static char buf[128];
static DWORD n;

static void bytes(void)
{
	HANDLE r, w;

	see("W-PIPE-1 create", "TRUE", "%s", did(FRESH(CreatePipe(&r, &w, NULL, 0))));
	see("W-PIPE-1 type of the reader", "3", "%u", (unsigned int)GetFileType(r));
	see("W-PIPE-1 type of the writer", "3", "%u", (unsigned int)GetFileType(w));
	see("W-PIPE-1 write", "TRUE", "%s", did(FRESH(WriteFile(w, "abcdef", 6, &n, NULL))));
	see("W-PIPE-1 written", "6", "%u", (unsigned int)n);
	see("W-RW-8 a part is read", "TRUE", "%s", did(FRESH(ReadFile(r, buf, 4, &n, NULL))));
	see("W-RW-8 this part", "4 abcd", "%u %.4s", (unsigned int)n, buf);
	see("W-RW-8 more room than bytes", "TRUE", "%s", did(FRESH(ReadFile(r, buf, 100, &n, NULL))));
	see("W-RW-8 the rest", "2 ef", "%u %.2s", (unsigned int)n, buf);
	WriteFile(w, "12", 2, &n, NULL);
	WriteFile(w, "34", 2, &n, NULL);
	ReadFile(r, buf, 100, &n, NULL);
	see("W-PIPE-1 two writes are one stream", "4 1234", "%u %.4s", (unsigned int)n, buf);
	CloseHandle(r);
	CloseHandle(w);
}

static void directions(void)
{
	HANDLE r, w;

	CreatePipe(&r, &w, NULL, 4096);
	n = 7;
	see("W-CREATE-6 write to the reader", "FALSE 5", "%s",
	    did(FRESH(WriteFile(r, "x", 1, &n, NULL))));
	see("W-RW-1 its count", "0", "%u", (unsigned int)n);
	n = 7;
	see("W-CREATE-6 read from the writer", "FALSE 5", "%s",
	    did(FRESH(ReadFile(w, buf, 1, &n, NULL))));
	see("W-RW-1 its count, too", "0", "%u", (unsigned int)n);
	see("W-PORT-2 a port for a synchronous pipe", "NULL 87", "%s",
	    got(FRESH(CreateIoCompletionPort(r, NULL, 1, 0))));
	CloseHandle(r);
	CloseHandle(w);
}

static void writer_gone(void)
{
	HANDLE r, w;

	CreatePipe(&r, &w, NULL, 0);
	WriteFile(w, "last", 4, &n, NULL);
	CloseHandle(w);
	see("W-RW-9 what was written before", "TRUE", "%s",
	    did(FRESH(ReadFile(r, buf, 100, &n, NULL))));
	see("W-RW-9 is read", "4 last", "%u %.4s", (unsigned int)n, buf);
	n = 7;
	see("W-RW-9 then the pipe is broken", "FALSE 109", "%s",
	    did(FRESH(ReadFile(r, buf, 100, &n, NULL))));
	see("W-RW-9 with nothing read", "0", "%u", (unsigned int)n);
	see("W-RW-9 and stays so", "FALSE 109", "%s", did(FRESH(ReadFile(r, buf, 100, &n, NULL))));
	CloseHandle(r);
}

static void reader_gone(void)
{
	HANDLE r, w;

	CreatePipe(&r, &w, NULL, 0);
	CloseHandle(r);
	n = 7;
	see("W-RW-9 nobody reads", "FALSE 232", "%s", did(FRESH(WriteFile(w, "x", 1, &n, NULL))));
	see("W-RW-9 nothing is written", "0", "%u", (unsigned int)n);
	CloseHandle(w);
}

struct job {
	HANDLE file;
	DWORD n, error;
	BOOL result;
	const char *text;
};

static DWORD WINAPI read_once(void *arg)
{
	struct job *job = arg;

	job->result = FRESH(ReadFile(job->file, buf, sizeof(buf), &job->n, NULL));
	job->error = GetLastError();
	return 0;
}

static void blocks(void)
{
	HANDLE r, w, thread, twin;
	struct job job;

	CreatePipe(&r, &w, NULL, 0);
	job = (struct job){ .file = r };
	thread = thread_new(read_once, &job);
	see("W-PIPE-1 a read waits", "timeout", "%s", waited(WaitForSingleObject(thread, 50)));
	WriteFile(w, "go", 2, &n, NULL);
	see("W-PIPE-1 until there is something", "ended 0", "%s", thread_end(thread));
	see("W-PIPE-1 which it gets", "1 2 go", "%d %u %.2s", job.result, (unsigned int)job.n, buf);

	DuplicateHandle(GetCurrentProcess(), w, GetCurrentProcess(), &twin, 0, FALSE,
			DUPLICATE_SAME_ACCESS);
	thread = thread_new(read_once, &job);
	CloseHandle(w);
	see("W-PIPE-1 one of two writers closes", "timeout", "%s",
	    waited(WaitForSingleObject(thread, 50)));
	CloseHandle(twin);
	see("W-PIPE-1 the last one closes", "ended 0", "%s", thread_end(thread));
	see("W-PIPE-1 what the read returns", "0 109 0", "%d %u %u", job.result,
	    (unsigned int)job.error, (unsigned int)job.n);
	CloseHandle(r);
}

static char big[1 << 18];

static DWORD WINAPI write_big(void *arg)
{
	struct job *job = arg;

	job->result = FRESH(WriteFile(job->file, big, sizeof(big), &job->n, NULL));
	job->error = GetLastError();
	return 0;
}

static void whole_writes(void)
{
	HANDLE r, w, thread;
	DWORD sum = 0, wrong = 0, i;
	struct job job;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	CreatePipe(&r, &w, NULL, 0);
	job = (struct job){ .file = w };
	thread = thread_new(write_big, &job);
	while (sum < sizeof(big) && ReadFile(r, buf, sizeof(buf), &n, NULL) && n) {
		for (i = 0; i < n; i++)
			wrong += buf[i] != big[sum + i];
		sum += n;
	}
	see("W-RW-8 a large write ends when all is read", "ended 0", "%s", thread_end(thread));
	see("W-RW-8 all of it", "1 262144", "%d %u", job.result, (unsigned int)job.n);
	see("W-RW-8 all was read, and right", "262144 0", "%u %u", (unsigned int)sum,
	    (unsigned int)wrong);

	thread = thread_new(write_big, &job);
	see("W-PIPE-1 a large write waits", "timeout", "%s", waited(WaitForSingleObject(thread, 50)));
	while (!CancelSynchronousIo(thread) && GetLastError() == ERROR_NOT_FOUND &&
	       WaitForSingleObject(thread, 1) == WAIT_TIMEOUT)
		;
	see("W-CANCELSYNC-1 a write is cancelled", "ended 0", "%s", thread_end(thread));
	see("W-RACE-4 no success for all of it", "0", "%d", job.result && job.n == sizeof(big));
	CloseHandle(r);
	CloseHandle(w);
}

/* An OVERLAPPED does not make a synchronous handle asynchronous. */
static void with_overlapped(void)
{
	HANDLE r, w;
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	CreatePipe(&r, &w, NULL, 0);
	see("W-CREATE-4 write with an OVERLAPPED", "TRUE", "%s",
	    did(FRESH(WriteFile(w, "sync", 4, &n, &ov))));
	see("W-RW-3 its status", "0 4", "%x %u", status_of(&ov), count_of(&ov));
	see("W-OVL-5 its event", "set", "%s", state(ov.hEvent));
	ResetEvent(ov.hEvent);
	see("W-CREATE-4 read with an OVERLAPPED", "TRUE", "%s",
	    did(FRESH(ReadFile(r, buf, 100, &n, &ov))));
	see("W-RW-3 its status, too", "0 4", "%x %u", status_of(&ov), count_of(&ov));
	see("W-RW-3 its count", "4", "%u", (unsigned int)n);
	see("W-OVL-5 its event, too", "set", "%s", state(ov.hEvent));
	see("W-GOR-4 its result", "TRUE 4", "%s", result_of(r, &ov, TRUE));
	CloseHandle(ov.hEvent);
	CloseHandle(r);
	CloseHandle(w);
}

static void positions(void)
{
	OVERLAPPED ov = overlapped(NULL);
	HANDLE r, w;

	CreatePipe(&r, &w, NULL, 0);
	ov.Offset = 1000;
	see("W-OVL-12 an offset means nothing", "TRUE", "%s",
	    did(FRESH(WriteFile(w, "x", 1, &n, &ov))));
	ov.OffsetHigh = 0x80000000;
	see("W-OVL-12 not even a negative one", "TRUE", "%s",
	    did(FRESH(WriteFile(w, "y", 1, &n, &ov))));
	see("W-OVL-12 nor for the reader", "TRUE", "%s", did(FRESH(ReadFile(r, buf, 9, &n, &ov))));
	see("W-OVL-12 who reads both", "2 xy", "%u %.2s", (unsigned int)n, buf);
	CloseHandle(r);
	CloseHandle(w);
}

static DWORD WINAPI flush(void *arg)
{
	struct job *job = arg;

	job->result = FRESH(FlushFileBuffers(job->file));
	job->error = GetLastError();
	return 0;
}

static void flushing(void)
{
	HANDLE r, w, thread;
	struct job job;

	CreatePipe(&r, &w, NULL, 0);
	job = (struct job){ .file = w };
	see("W-FLUSH-2 an empty pipe", "TRUE", "%s", did(FRESH(FlushFileBuffers(w))));
	see("W-FLUSH-1 the end that reads", "FALSE 5", "%s", did(FRESH(FlushFileBuffers(r))));
	WriteFile(w, "unread", 6, &n, NULL);
	thread = thread_new(flush, &job);
	see("W-FLUSH-2 unread bytes", "timeout", "%s", waited(WaitForSingleObject(thread, 50)));
	ReadFile(r, buf, 3, &n, NULL);
	see("W-FLUSH-2 some are read", "timeout", "%s", waited(WaitForSingleObject(thread, 50)));
	ReadFile(r, buf, 3, &n, NULL);
	see("W-FLUSH-2 all are read", "ended 0", "%s", thread_end(thread));
	see("W-FLUSH-2 what the flush returns", "1", "%d", job.result);
	WriteFile(w, "unread", 6, &n, NULL);
	thread = thread_new(flush, &job);
	while (WaitForSingleObject(thread, 1) == WAIT_TIMEOUT && !CancelSynchronousIo(thread))
		;
	see("W-CANCELSYNC-1 a flush is cancelled", "ended 0", "%s", thread_end(thread));
	see("W-CANCELSYNC-5 what it returns", "0 995", "%d %u", job.result,
	    (unsigned int)job.error);
	ReadFile(r, buf, 64, &n, NULL);
	see("W-CANCEL-0 nothing is lost", "6 unread", "%u %.6s", (unsigned int)n, buf);
	CloseHandle(r);
	CloseHandle(w);
}

static const struct conform_case cases[] = {
	{ bytes, 0 },  { directions, 0 },   { writer_gone, 0 },	    { reader_gone, 0 },
	{ blocks, 0 }, { whole_writes, 0 }, { with_overlapped, 0 }, { positions, 0 },
	{ flushing, 0 },
};

CONFORM_MAIN(cases)
