// SPDX-License-Identifier: MIT
/* Cancel against completion: whoever wins, once and for all (W-RACE). */
#include "conform.h"

#define ROUNDS 500

static char buf[64];
static DWORD n;

struct job {
	HANDLE file, go, done;
	OVERLAPPED *ov;
	int rounds;
};

static DWORD WINAPI canceller(void *arg)
{
	struct job *job = arg;
	int i;

	for (i = 0; i < job->rounds; i++) {
		WaitForSingleObject(job->go, INFINITE);
		CancelIoEx(job->file, job->ov);
		SetEvent(job->done);
	}
	return 0;
}

/* Each round writes one byte while another thread cancels the read that waits for it. */
static void write_against_cancel(void)
{
	HANDLE w = line_writer(), h = line_reader(), thread;
	int i, lost = 0, changed = 0, unsignalled = 0, other = 0, late = 0;
	OVERLAPPED ov;
	struct job job = { .file = h, .ov = &ov, .rounds = ROUNDS };

	job.go = event_new(FALSE, FALSE);
	job.done = event_new(FALSE, FALSE);
	ov = overlapped(event_new(TRUE, FALSE));
	thread = thread_new(canceller, &job);
	for (i = 0; i < ROUNDS; i++) {
		char text[2] = { (char)('a' + i % 26), 0 };
		unsigned int status;

		buf[0] = 0;
		if (ReadFile(h, buf, 1, NULL, &ov) || GetLastError() != ERROR_IO_PENDING)
			other++;
		SetEvent(job.go);
		line_write(w, text);
		WaitForSingleObject(job.done, INFINITE);
		if (WaitForSingleObject(ov.hEvent, LONG_TIME) != WAIT_OBJECT_0)
			unsignalled++;
		status = status_of(&ov);
		if (GetOverlappedResult(h, &ov, &n, TRUE)) {
			lost += n != 1 || buf[0] != text[0];
		} else if (GetLastError() == ERROR_OPERATION_ABORTED) {
			/* The byte is still to come. */
			other += n != 0;
			ReadFile(h, buf, 1, NULL, &ov);
			lost += !GetOverlappedResult(h, &ov, &n, TRUE) || n != 1 ||
				buf[0] != text[0];
			continue;
		} else {
			other++;
		}
		changed += status_of(&ov) != status;
		late += CancelIoEx(h, &ov) || GetLastError() != ERROR_NOT_FOUND;
	}
	see("W-RACE-1 the canceller ends", "ended 0", "%s", thread_end(thread));
	see("W-RACE-4 bytes lost or wrong", "0", "%d", lost);
	see("W-RACE-1 changed after their end", "0", "%d", changed);
	see("W-RACE-2 events that never came", "0", "%d", unsignalled);
	see("W-RACE-3 found after their end", "0", "%d", late);
	see("W-RACE-1 neither read nor cancelled", "0", "%d", other);
	CloseHandle(job.go);
	CloseHandle(job.done);
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

/* The same, counted at a port: one packet a request. */
static void packets(void)
{
	HANDLE w = line_writer(), h = line_reader(), port, thread;
	int i, ends[2] = { 0, 0 }, wrong = 0, extra = 0;
	OVERLAPPED ov = overlapped(NULL), *gone;
	struct job job = { .file = h, .ov = &ov, .rounds = ROUNDS };
	ULONG_PTR key;

	port = CreateIoCompletionPort(h, NULL, 17, 0);
	job.go = event_new(FALSE, FALSE);
	job.done = event_new(FALSE, FALSE);
	thread = thread_new(canceller, &job);
	for (i = 0; i < ROUNDS; i++) {
		BOOL result;

		ReadFile(h, buf, 1, NULL, &ov);
		SetEvent(job.go);
		line_write(w, "x");
		gone = NULL;
		result = GetQueuedCompletionStatus(port, &n, &key, &gone, LONG_TIME);
		wrong += gone != &ov || key != 17 || n != (result ? 1 : 0) ||
			 (!result && GetLastError() != ERROR_OPERATION_ABORTED);
		ends[result != 0]++;
		WaitForSingleObject(job.done, INFINITE);
		extra += GetQueuedCompletionStatus(port, &n, &key, &gone, 0) || gone;
		if (!result) {
			ReadFile(h, buf, 1, NULL, &ov);
			wrong += !GetQueuedCompletionStatus(port, &n, &key, &gone, LONG_TIME) ||
				 gone != &ov || n != 1;
		}
	}
	see("W-RACE-2 the canceller ends", "ended 0", "%s", thread_end(thread));
	see("W-RACE-2 packets", "500", "%d", ends[0] + ends[1]);
	see("W-RACE-2 packets that are wrong", "0", "%d", wrong);
	see("W-RACE-2 packets too many", "0", "%d", extra);
	CloseHandle(job.go);
	CloseHandle(job.done);
	CloseHandle(h);
	CloseHandle(port);
	CloseHandle(w);
}

static int routines, routines_wrong;

static VOID WINAPI on_end(DWORD error, DWORD count, OVERLAPPED *ov)
{
	(void)ov;
	routines++;
	routines_wrong += error ? error != ERROR_OPERATION_ABORTED || count : count != 1;
}

static void routines_once(void)
{
	HANDLE w = line_writer(), h = line_reader(), thread;
	OVERLAPPED ov = overlapped(NULL);
	struct job job = { .file = h, .ov = &ov, .rounds = ROUNDS };
	int i, lost = 0, reads = 0;

	routines = routines_wrong = 0;
	job.go = event_new(FALSE, FALSE);
	job.done = event_new(FALSE, FALSE);
	thread = thread_new(canceller, &job);
	for (i = 0; i < ROUNDS; i++) {
		reads += ReadFileEx(h, buf, 1, &ov, on_end) != 0;
		SetEvent(job.go);
		line_write(w, "x");
		while (SleepEx(LONG_TIME, TRUE) != WAIT_IO_COMPLETION)
			lost++;
		WaitForSingleObject(job.done, INFINITE);
		if (status_of(&ov)) {
			reads += ReadFileEx(h, buf, 1, &ov, on_end) != 0;
			lost += SleepEx(LONG_TIME, TRUE) != WAIT_IO_COMPLETION;
		}
	}
	see("W-RACE-2 that canceller ends", "ended 0", "%s", thread_end(thread));
	see("W-RACE-2 one routine a read", "1", "%d", routines == reads);
	see("W-RACE-2 routines that never came", "0", "%d", lost);
	see("W-RACE-2 routines with wrong arguments", "0", "%d", routines_wrong);
	see("W-RACE-2 none comes later", "object 0", "%s", waited(SleepEx(20, TRUE)));
	CloseHandle(job.go);
	CloseHandle(job.done);
	CloseHandle(h);
	CloseHandle(w);
}

/* Two threads cancel the same request: at least one finds it, it ends once. */
static LONG found;

static DWORD WINAPI cancel_at(void *arg)
{
	struct job *job = arg;

	WaitForSingleObject(job->go, INFINITE);
	if (CancelIoEx(job->file, job->ov))
		InterlockedIncrement(&found);
	return 0;
}

static void two_cancellers(void)
{
	HANDLE w = line_writer(), h = line_reader();
	int i, unfound = 0, right = 0;
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));
	struct job job = { .file = h, .ov = &ov };

	job.go = event_new(TRUE, FALSE);
	for (i = 0; i < 50; i++) {
		HANDLE thread[2];

		found = 0;
		ResetEvent(job.go);
		ReadFile(h, buf, 1, NULL, &ov);
		thread[0] = thread_new(cancel_at, &job);
		thread[1] = thread_new(cancel_at, &job);
		SetEvent(job.go);
		WaitForMultipleObjects(2, thread, TRUE, LONG_TIME);
		right += !GetOverlappedResult(h, &ov, &n, TRUE) &&
			 GetLastError() == ERROR_OPERATION_ABORTED;
		unfound += found == 0;
		CloseHandle(thread[0]);
		CloseHandle(thread[1]);
	}
	see("W-RACE-1 cancelled by two", "50", "%d", right);
	see("W-CANCELIOEX-2 found by neither", "0", "%d", unfound);
	CloseHandle(job.go);
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static const struct conform_case cases[] = {
	{ write_against_cancel, 1 },
	{ packets, 1 },
	{ routines_once, 1 },
	{ two_cancellers, 1 },
};

CONFORM_MAIN(cases)
