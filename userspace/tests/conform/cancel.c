// SPDX-License-Identifier: MIT
/* CancelIo, CancelIoEx, CancelSynchronousIo and closing (W-CANCEL*, W-CLOSE). */
#include "conform.h"

static char buf[64];
static DWORD n;

static void nothing_pending(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL);

	see("W-CANCELIO-2 nothing is pending", "TRUE", "%s", did(FRESH(CancelIo(h))));
	see("W-CANCELIO-2 last error", "48879", "%u", last());
	see("W-CANCELIO-2 synchronous handle", "TRUE", "%s", did(FRESH(CancelIo(w))));
	see("W-CANCELIOEX-3 nothing is pending by this OVERLAPPED", "FALSE 1168", "%s",
	    did(FRESH(CancelIoEx(h, &ov))));
	see("W-CANCELIOEX-3 nothing is pending at all", "FALSE 1168", "%s",
	    did(FRESH(CancelIoEx(h, NULL))));
	see("W-CANCELIOEX-3 nothing on a synchronous handle", "FALSE 1168", "%s",
	    did(FRESH(CancelIoEx(w, NULL))));
	CloseHandle(h);
	CloseHandle(w);
}

static void bad_handles(void)
{
	HANDLE closed = line_writer(), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(NULL);

	CloseHandle(closed);
	see("W-CANCELIO-2 closed handle", "FALSE 6", "%s", did(FRESH(CancelIo(closed))));
	see("W-CANCELIO-2 no handle", "FALSE 6", "%s", did(FRESH(CancelIo(NULL))));
	see("W-CANCELIOEX-4 closed handle", "FALSE 6", "%s", did(FRESH(CancelIoEx(closed, &ov))));
	see("W-CANCELIOEX-4 closed handle, all", "FALSE 6", "%s",
	    did(FRESH(CancelIoEx(closed, NULL))));
	see("W-CANCELIOEX-4 no handle", "FALSE 6", "%s", did(FRESH(CancelIoEx(NULL, NULL))));
	see("W-CANCELIOEX-4 an event", "FALSE 6", "%s", did(FRESH(CancelIoEx(e, NULL))));
	see("W-CANCELIO-2 an event", "FALSE 6", "%s", did(FRESH(CancelIo(e))));
	see("W-CANCELSYNC-3 an event", "FALSE 6", "%s", did(FRESH(CancelSynchronousIo(e))));
	see("W-CANCELSYNC-3 closed handle", "FALSE 6", "%s",
	    did(FRESH(CancelSynchronousIo(closed))));
	see("W-CANCELSYNC-3 no handle", "FALSE 6", "%s", did(FRESH(CancelSynchronousIo(NULL))));
	CloseHandle(e);
}

static void one_of_three(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov[3];
	char c[3];
	int i;

	for (i = 0; i < 3; i++) {
		ov[i] = overlapped(event_new(TRUE, FALSE));
		ReadFile(h, &c[i], 1, NULL, &ov[i]);
	}
	see("W-CANCELIOEX-2 the second of three", "TRUE", "%s", did(FRESH(CancelIoEx(h, &ov[1]))));
	see("W-CANCELIOEX-1 its event", "object 0", "%s",
	    waited(WaitForSingleObject(ov[1].hEvent, LONG_TIME)));
	see("W-CANCELIOEX-1 its result", "FALSE 995 0", "%s", result_of(h, &ov[1], FALSE));
	see("W-CANCELIOEX-1 its status", "c0000120", "%x", status_of(&ov[1]));
	see("W-CANCELIOEX-3 it again", "FALSE 1168", "%s", did(FRESH(CancelIoEx(h, &ov[1]))));
	see("W-CANCELIOEX-1 the others", "103 103", "%x %x", status_of(&ov[0]),
	    status_of(&ov[2]));
	line_write(w, "ab");
	see("W-CANCELIOEX-1 first has its byte", "TRUE 1", "%s", result_of(h, &ov[0], TRUE));
	see("W-CANCELIOEX-1 third has its byte", "TRUE 1", "%s", result_of(h, &ov[2], TRUE));
	see("W-CANCELIOEX-1 bytes", "ab", "%c%c", c[0], c[2]);
	see("W-CANCELIOEX-3 finished", "FALSE 1168", "%s", did(FRESH(CancelIoEx(h, &ov[0]))));
	for (i = 0; i < 3; i++)
		CloseHandle(ov[i].hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static void all_of_a_file(void)
{
	HANDLE w = line_writer(), h = line_reader(), other = line_reader();
	OVERLAPPED ov[3], kept = overlapped(event_new(TRUE, FALSE));
	int i;

	ReadFile(other, buf, 1, NULL, &kept);
	for (i = 0; i < 3; i++) {
		ov[i] = overlapped(event_new(TRUE, FALSE));
		ReadFile(h, buf, 1, NULL, &ov[i]);
	}
	see("W-CANCELIOEX-1 all", "TRUE", "%s", did(FRESH(CancelIoEx(h, NULL))));
	for (i = 0; i < 3; i++) {
		char name[] = "W-CANCELIOEX-1 all: result 0";

		name[sizeof(name) - 2] = (char)('0' + i);
		see(name, "FALSE 995 0", "%s", result_of(h, &ov[i], TRUE));
	}
	see("W-CANCELIOEX-1 another open file", "103", "%x", status_of(&kept));
	see("W-CANCELIOEX-1 it is not found by this one", "FALSE 1168", "%s",
	    did(FRESH(CancelIoEx(h, &kept))));
	see("W-CANCELIO-1 all of another file", "TRUE", "%s", did(FRESH(CancelIo(other))));
	see("W-CANCELIO-3 its result", "FALSE 995 0", "%s", result_of(other, &kept, TRUE));
	for (i = 0; i < 3; i++)
		CloseHandle(ov[i].hEvent);
	CloseHandle(kept.hEvent);
	CloseHandle(other);
	CloseHandle(h);
	CloseHandle(w);
}

static void duplicated(void)
{
	HANDLE w = line_writer(), h = line_reader(), twin = NULL;
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	see("W-HANDLE-1 duplicate", "TRUE", "%s",
	    did(FRESH(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &twin, 0, FALSE,
				      DUPLICATE_SAME_ACCESS))));
	ReadFile(h, buf, 1, NULL, &ov);
	see("W-CANCELIOEX-1 by a duplicate", "TRUE", "%s", did(FRESH(CancelIoEx(twin, &ov))));
	see("W-CANCELIOEX-1 by a duplicate: result", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	ReadFile(twin, buf, 1, NULL, &ov);
	see("W-CLOSE-1 one of two handles is closed", "TRUE", "%s", did(FRESH(CloseHandle(twin))));
	see("W-CLOSE-1 its request goes on", "timeout", "%s",
	    waited(WaitForSingleObject(ov.hEvent, 50)));
	line_write(w, "x");
	see("W-CLOSE-1 and has its byte", "TRUE 1", "%s", result_of(h, &ov, TRUE));
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static void closed(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	ReadFile(h, buf, 1, NULL, &ov);
	see("W-CLOSE-2 the last handle is closed", "TRUE", "%s", did(FRESH(CloseHandle(h))));
	see("W-CLOSE-3 event", "object 0", "%s", waited(WaitForSingleObject(ov.hEvent, LONG_TIME)));
	see("W-CLOSE-2 status", "c0000120", "%x", status_of(&ov));
	see("W-CLOSE-4 closed twice", "FALSE 6", "%s", did(FRESH(CloseHandle(h))));
	CloseHandle(ov.hEvent);
	CloseHandle(w);
}

/* Cancelling is no state of the handle. */
static void not_sticky(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));
	int i, cancelled = 0;

	for (i = 0; i < 50; i++) {
		ReadFile(h, buf, 64, NULL, &ov);
		cancelled += CancelIoEx(h, i & 1 ? &ov : NULL);
		cancelled += !GetOverlappedResult(h, &ov, &n, TRUE) &&
			     GetLastError() == ERROR_OPERATION_ABORTED;
	}
	see("W-CANCEL-0 fifty reads are cancelled", "100", "%d", cancelled);
	see("W-CANCEL-0 then one", "FALSE 997", "%s", did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	line_write(w, "all of it");
	see("W-CANCEL-0 has all", "TRUE 9", "%s", result_of(h, &ov, TRUE));
	see("W-CANCEL-0 nothing was lost", "all of it", "%.9s", buf);
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

struct job {
	HANDLE file, issued, leave;
	OVERLAPPED ov;
	char buf[8];
	DWORD n, error;
	BOOL result;
};

static DWORD WINAPI issue_and_stay(void *arg)
{
	struct job *job = arg;

	ReadFile(job->file, job->buf, 1, NULL, &job->ov);
	SetEvent(job->issued);
	WaitForSingleObject(job->leave, LONG_TIME);
	return 7;
}

static void by_another_thread(void)
{
	HANDLE w = line_writer(), h = line_reader(), thread;
	OVERLAPPED mine = overlapped(event_new(TRUE, FALSE));
	struct job job = { .file = h };

	job.issued = event_new(FALSE, FALSE);
	job.leave = event_new(FALSE, FALSE);
	job.ov = overlapped(event_new(TRUE, FALSE));
	thread = thread_new(issue_and_stay, &job);
	WaitForSingleObject(job.issued, LONG_TIME);
	ReadFile(h, buf, 1, NULL, &mine);
	see("W-CANCELIO-1 the thread's own", "TRUE", "%s", did(FRESH(CancelIo(h))));
	see("W-CANCELIO-1 is cancelled", "FALSE 995 0", "%s", result_of(h, &mine, TRUE));
	see("W-CANCELIO-1 another thread's is not", "timeout", "%s",
	    waited(WaitForSingleObject(job.ov.hEvent, 50)));
	see("W-CANCELSYNC-2 nor is it a synchronous one", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(thread))));
	see("W-CANCELIOEX-1 another thread's", "TRUE", "%s", did(FRESH(CancelIoEx(h, NULL))));
	see("W-CANCELIOEX-1 another thread's: result", "FALSE 995 0", "%s",
	    result_of(h, &job.ov, TRUE));
	SetEvent(job.leave);
	see("W-THREAD-2 it ends", "ended 7", "%s", thread_end(thread));
	CloseHandle(job.issued);
	CloseHandle(job.leave);
	CloseHandle(job.ov.hEvent);
	CloseHandle(mine.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static DWORD WINAPI read_and_tell(void *arg)
{
	struct job *job = arg;

	job->n = 99;
	job->result = FRESH(ReadFile(job->file, job->buf, 5, &job->n, NULL));
	job->error = GetLastError();
	return 3;
}

/* The thread may not be in its call yet. */
static BOOL cancel_until_found(HANDLE thread)
{
	DWORD start = GetTickCount();

	while (GetTickCount() - start < LONG_TIME) {
		if (CancelSynchronousIo(thread))
			return TRUE;
		if (GetLastError() != ERROR_NOT_FOUND)
			return FALSE;
		Sleep(1);
	}
	return FALSE;
}

static DWORD cancel_until_ended(HANDLE thread, HANDLE file)
{
	DWORD start = GetTickCount();

	while (GetTickCount() - start < LONG_TIME) {
		CancelIoEx(file, NULL);
		if (WaitForSingleObject(thread, 5) == WAIT_OBJECT_0)
			break;
	}
	return WaitForSingleObject(thread, 0);
}

static void synchronous(void)
{
	struct job job = { .file = NULL };
	HANDLE w, thread;

	if (conform_on_device) {
		w = line_writer();
		job.file = line_open(GENERIC_READ, 0);
	} else if (!CreatePipe(&job.file, &w, NULL, 0)) {
		conform_setup_failed("CreatePipe");
	}
	thread = thread_new(read_and_tell, &job);
	see("W-CANCELSYNC-1 a blocked read", "TRUE", "%s",
	    did(FRESH(cancel_until_found(thread))));
	see("W-CANCELSYNC-1 the thread goes on", "object 0", "%s",
	    waited(WaitForSingleObject(thread, LONG_TIME)));
	see("W-CANCELSYNC-5 what the read returns", "0 995 0", "%d %u %u", job.result,
	    (unsigned int)job.error, (unsigned int)job.n);
	see("W-CANCELSYNC-2 an ended thread", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(thread))));
	see("W-CANCELSYNC-5 its end", "ended 3", "%s", thread_end(thread));

	thread = thread_new(read_and_tell, &job);
	line_write(w, "after");
	see("W-CANCELSYNC-1 the next read is not hit", "ended 3", "%s", thread_end(thread));
	see("W-CANCELSYNC-1 and reads", "1 5 after", "%d %u %.5s", job.result, (unsigned int)job.n,
	    job.buf);

	if (!conform_on_device) {
		thread = thread_new(read_and_tell, &job);
		CloseHandle(w);
		see("W-PIPE-1 the writer closes", "ended 3", "%s", thread_end(thread));
		see("W-PIPE-1 what the read returns", "0 109 0", "%d %u %u", job.result,
		    (unsigned int)job.error, (unsigned int)job.n);
	} else {
		CloseHandle(w);
	}
	CloseHandle(job.file);
}

static void synchronous_by_file(void)
{
	struct job job = { .file = NULL };
	HANDLE w, thread;

	if (conform_on_device) {
		w = line_writer();
		job.file = line_open(GENERIC_READ, 0);
	} else if (!CreatePipe(&job.file, &w, NULL, 0)) {
		conform_setup_failed("CreatePipe");
	}
	thread = thread_new(read_and_tell, &job);
	see("W-CANCELIOEX-5 a blocked read", "object 0", "%s",
	    waited(cancel_until_ended(thread, job.file)));
	see("W-CANCELIOEX-5 the thread ends", "ended 3", "%s", thread_end(thread));
	see("W-CANCELIOEX-5 what the read returns", "0 995 0", "%d %u %u", job.result,
	    (unsigned int)job.error, (unsigned int)job.n);
	CloseHandle(job.file);
	CloseHandle(w);
}

/* Nobody writes to the line: so to open it for reading waits. */
static DWORD WINAPI open_and_tell(void *arg)
{
	struct job *job = arg;

	job->file = FRESH(CreateFileA(conform_line, GENERIC_READ, FILE_SHARE_READ, NULL,
				      OPEN_EXISTING, 0, NULL));
	job->error = GetLastError();
	return 4;
}

static void opening(void)
{
	struct job job = { .file = NULL };
	HANDLE thread = thread_new(open_and_tell, &job);
	const char *found = "no open waits";

	while (WaitForSingleObject(thread, 1) == WAIT_TIMEOUT)
		if (CancelSynchronousIo(thread) || GetLastError() != ERROR_NOT_FOUND)
			found = "found";
	see("W-CREATE-1 a blocked open", "found", "%s", found);
	see("W-CREATE-1 the thread goes on", "ended 4", "%s", thread_end(thread));
	SetLastError(job.error);
	see("W-CANCELSYNC-5 what the open returns", "INVALID 995", "%s", got(job.file));
	CloseHandle(job.file);
}

/* An asynchronous handle of a pipe, without an OVERLAPPED: waited for, and no synchronous request. */
static void hidden_block(void)
{
	HANDLE w = line_writer(), h = line_reader(), thread;
	struct job job = { .file = h };

	line_write(w, "there");
	see("W-RW-5 data is there", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 64, &n, NULL))));
	see("W-RW-5 it is read", "5 there", "%u %.5s", (unsigned int)n, buf);
	thread = thread_new(read_and_tell, &job);
	see("W-RW-5 a read waits", "timeout", "%s", waited(WaitForSingleObject(thread, 50)));
	see("W-CANCELSYNC-2 it is no synchronous one", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(thread))));
	see("W-CANCELIOEX-5 it is found by its file", "object 0", "%s",
	    waited(cancel_until_ended(thread, h)));
	see("W-RW-5 it ends", "ended 3", "%s", thread_end(thread));
	see("W-RW-5 what it returns", "0 995 0", "%d %u %u", job.result, (unsigned int)job.error,
	    (unsigned int)job.n);
	CloseHandle(h);
	CloseHandle(w);
}

static DWORD WINAPI wait_for_leave(void *arg)
{
	struct job *job = arg;

	SetEvent(job->issued);
	return WaitForSingleObject(job->leave, LONG_TIME);
}

static DWORD WINAPI wait_for_result(void *arg)
{
	struct job *job = arg;

	ReadFile(job->file, job->buf, 1, NULL, &job->ov);
	SetEvent(job->issued);
	job->result = FRESH(GetOverlappedResult(job->file, &job->ov, &job->n, TRUE));
	job->error = GetLastError();
	return 0;
}

static void not_synchronous_io(void)
{
	struct job job = { .file = line_writer() };
	HANDLE h, thread, weak = NULL, w = job.file;
	DWORD id;

	see("W-CANCELSYNC-3 the caller itself", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(GetCurrentThread()))));
	job.issued = event_new(FALSE, FALSE);
	job.leave = event_new(FALSE, FALSE);
	thread = CreateThread(NULL, 0, wait_for_leave, &job, 0, &id);
	WaitForSingleObject(job.issued, LONG_TIME);
	Sleep(20);
	see("W-CANCELSYNC-2 a thread that waits", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(thread))));
	DuplicateHandle(GetCurrentProcess(), thread, GetCurrentProcess(), &weak,
			SYNCHRONIZE | THREAD_QUERY_INFORMATION, FALSE, 0);
	see("W-CANCELSYNC-3 without THREAD_TERMINATE", "FALSE 5", "%s",
	    did(FRESH(CancelSynchronousIo(weak))));
	CloseHandle(weak);
	weak = OpenThread(THREAD_TERMINATE, FALSE, id);
	see("W-CANCELSYNC-3 with THREAD_TERMINATE alone", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(weak))));
	CloseHandle(weak);
	SetEvent(job.leave);
	see("W-CANCELSYNC-2 its wait", "ended 0", "%s", thread_end(thread));

	h = job.file = line_reader();
	job.ov = overlapped(event_new(TRUE, FALSE));
	thread = thread_new(wait_for_result, &job);
	WaitForSingleObject(job.issued, LONG_TIME);
	Sleep(20);
	see("W-CANCELSYNC-2 a thread in GetOverlappedResult", "FALSE 1168", "%s",
	    did(FRESH(CancelSynchronousIo(thread))));
	line_write(w, "z");
	see("W-CANCELSYNC-2 it ends", "ended 0", "%s", thread_end(thread));
	see("W-CANCELSYNC-2 with its result", "1 1 z", "%d %u %c", job.result, (unsigned int)job.n,
	    job.buf[0]);
	CloseHandle(job.issued);
	CloseHandle(job.leave);
	CloseHandle(job.ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static const struct conform_case cases[] = {
	{ nothing_pending, 1 },	    { bad_handles, 0 },	      { one_of_three, 1 },
	{ all_of_a_file, 1 },	    { duplicated, 1 },	      { closed, 1 },
	{ not_sticky, 1 },
	{ by_another_thread, 1 },   { synchronous, 1 },	      { synchronous_by_file, 1 },
	{ opening, 0 },		    { hidden_block, 1 },      { not_synchronous_io, 1 },
};

CONFORM_MAIN(cases)
