// SPDX-License-Identifier: MIT
/* Threads, their ends and their I/O (W-THREAD, W-HANDLE). */
#include "conform.h"

static char buf[64];

static DWORD WINAPI give(void *code)
{
	return (DWORD)(ULONG_PTR)code;
}

static DWORD WINAPI exit_with(void *code)
{
	ExitThread((DWORD)(ULONG_PTR)code + 1);
}

static DWORD WINAPI wait_for(void *event)
{
	WaitForSingleObject(event, LONG_TIME);
	return 6;
}

static void ends(void)
{
	HANDLE leave = event_new(TRUE, FALSE), thread;
	DWORD code = 0, id = 0;

	see("W-THREAD-2 returned", "ended 41", "%s", thread_end(thread_new(give, (void *)41)));
	see("W-THREAD-2 ExitThread", "ended 41", "%s", thread_end(thread_new(exit_with, (void *)40)));
	thread = FRESH(CreateThread(NULL, 0, wait_for, leave, 0, &id));
	see("W-THREAD-1 new thread", "handle", "%s", got(thread));
	see("W-THREAD-1 its id", "1", "%d", id != 0 && id == GetThreadId(thread));
	see("W-THREAD-2 while it runs", "TRUE", "%s", did(FRESH(GetExitCodeThread(thread, &code))));
	see("W-THREAD-2 STILL_ACTIVE", "259", "%u", (unsigned int)code);
	see("W-THREAD-2 not signalled", "reset", "%s", state(thread));
	SetEvent(leave);
	see("W-THREAD-2 signalled", "object 0", "%s", waited(WaitForSingleObject(thread, LONG_TIME)));
	GetExitCodeThread(thread, &code);
	see("W-THREAD-2 its code", "6", "%u", (unsigned int)code);
	see("W-THREAD-2 stays signalled", "set", "%s", state(thread));
	see("W-CLOSE-4 close", "TRUE", "%s", did(FRESH(CloseHandle(thread))));
	see("W-CLOSE-4 close again", "FALSE 6", "%s", did(FRESH(CloseHandle(thread))));
	see("W-THREAD-2 code of a closed one", "FALSE 6", "%s",
	    did(FRESH(GetExitCodeThread(thread, &code))));
	see("W-THREAD-2 code of an event", "FALSE 6", "%s",
	    did(FRESH(GetExitCodeThread(leave, &code))));
	ResetEvent(leave);
	thread = thread_new(wait_for, leave);
	see("W-CLOSE-4 closed while it runs", "TRUE", "%s", did(FRESH(CloseHandle(thread))));
	SetEvent(leave);
	Sleep(10);
	CloseHandle(leave);
}

static DWORD WINAPI set_event(void *event)
{
	SetEvent(event);
	return 0;
}

static void suspended(void)
{
	HANDLE ran = event_new(TRUE, FALSE);
	HANDLE thread = FRESH(CreateThread(NULL, 0, set_event, ran, CREATE_SUSPENDED, NULL));

	see("W-THREAD-1 created suspended", "handle", "%s", got(thread));
	see("W-THREAD-1 does not run", "timeout", "%s", waited(WaitForSingleObject(ran, 50)));
	see("W-THREAD-1 not ended", "reset", "%s", state(thread));
	see("W-THREAD-1 resumed", "1", "%u", (unsigned int)ResumeThread(thread));
	see("W-THREAD-1 runs", "object 0", "%s", waited(WaitForSingleObject(ran, LONG_TIME)));
	see("W-THREAD-1 and ends", "object 0", "%s", waited(WaitForSingleObject(thread, LONG_TIME)));
	CloseHandle(thread);
	see("W-THREAD-1 resume of an event", "4294967295 6", "%s", ({
		DWORD result = FRESH(ResumeThread(ran));
		char *text = conform_text();

		snprintf(text, 64, "%u %u", (unsigned int)result, last());
		text;
	}));
	CloseHandle(ran);
}

static void pseudo_and_opened(void)
{
	HANDLE leave = event_new(TRUE, FALSE), thread, other, real = NULL;
	DWORD id, code;

	see("W-THREAD-5 id of the pseudo handle", "1", "%d",
	    GetThreadId(GetCurrentThread()) == GetCurrentThreadId());
	see("W-THREAD-5 duplicate of it", "TRUE", "%s",
	    did(FRESH(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(),
				      &real, 0, FALSE, DUPLICATE_SAME_ACCESS))));
	see("W-THREAD-5 is this thread", "1", "%d", GetThreadId(real) == GetCurrentThreadId());
	see("W-THREAD-5 it runs", "reset", "%s", state(real));
	CloseHandle(real);
	see("W-CLOSE-4 the pseudo handle is closed", "TRUE", "%s",
	    did(FRESH(CloseHandle(GetCurrentThread()))));

	thread = CreateThread(NULL, 0, wait_for, leave, 0, &id);
	other = FRESH(OpenThread(THREAD_ALL_ACCESS, FALSE, id));
	see("W-THREAD-5 opened by id", "handle", "%s", got(other));
	see("W-THREAD-5 is that thread", "1", "%d", GetThreadId(other) == id);
	CloseHandle(other);
	other = FRESH(OpenThread(THREAD_QUERY_INFORMATION, FALSE, id));
	see("W-WAIT-2 opened without SYNCHRONIZE", "failed 5", "%s",
	    waited(FRESH(WaitForSingleObject(other, 0))));
	CloseHandle(other);
	other = FRESH(OpenThread(SYNCHRONIZE, FALSE, id));
	see("W-THREAD-5 opened only to wait", "reset", "%s", state(other));
	see("W-THREAD-5 no right to ask", "FALSE 5", "%s",
	    did(FRESH(GetExitCodeThread(other, &code))));
	SetEvent(leave);
	see("W-THREAD-2 its end is seen there", "object 0", "%s",
	    waited(WaitForSingleObject(other, LONG_TIME)));
	CloseHandle(other);
	CloseHandle(thread);
	see("W-THREAD-5 no such id", "NULL 87", "%s",
	    got(FRESH(OpenThread(THREAD_ALL_ACCESS, FALSE, 0x7ffffff0))));
	see("W-THREAD-5 id 0", "NULL 87", "%s", got(FRESH(OpenThread(THREAD_ALL_ACCESS, FALSE, 0))));
	CloseHandle(leave);
}

static void duplicates(void)
{
	HANDLE process = GetCurrentProcess(), e = event_new(TRUE, FALSE), twin = NULL, narrow = NULL;

	see("W-HANDLE-1 duplicate", "TRUE", "%s",
	    did(FRESH(DuplicateHandle(process, e, process, &twin, 0, FALSE,
				      DUPLICATE_SAME_ACCESS))));
	SetEvent(twin);
	see("W-HANDLE-1 the same object", "set", "%s", state(e));
	see("W-HANDLE-1 closes the source", "TRUE", "%s",
	    did(FRESH(DuplicateHandle(process, twin, process, &narrow, SYNCHRONIZE, FALSE,
				      DUPLICATE_CLOSE_SOURCE))));
	/* The new handle may have the source's number. */
	see("W-HANDLE-1 the source is closed", "1", "%d",
	    twin == narrow || !SetHandleInformation(twin, 0, 0));
	see("W-HANDLE-1 fewer rights", "FALSE 5", "%s", did(FRESH(ResetEvent(narrow))));
	twin = event_new(TRUE, FALSE);
	CloseHandle(twin);
	see("W-HANDLE-1 of a closed one", "FALSE 6", "%s",
	    did(FRESH(DuplicateHandle(process, twin, process, &twin, 0, FALSE,
				      DUPLICATE_SAME_ACCESS))));
	see("W-HANDLE-1 of nothing", "FALSE 6", "%s",
	    did(FRESH(DuplicateHandle(process, NULL, process, &twin, 0, FALSE,
				      DUPLICATE_SAME_ACCESS))));
	see("W-HANDLE-1 an event for a process", "FALSE 6", "%s",
	    did(FRESH(DuplicateHandle(e, e, process, &twin, 0, FALSE, DUPLICATE_SAME_ACCESS))));
	see("W-HANDLE-1 only closing", "TRUE", "%s",
	    did(FRESH(DuplicateHandle(process, narrow, NULL, NULL, 0, FALSE,
				      DUPLICATE_CLOSE_SOURCE))));
	see("W-HANDLE-1 it is closed", "FALSE 6", "%s", did(FRESH(CloseHandle(narrow))));
	see("W-HANDLE-1 the object lives", "set", "%s", state(e));
	CloseHandle(e);
}

static void information(void)
{
	HANDLE e = event_new(TRUE, FALSE);
	DWORD flags = 99;

	see("W-HANDLE-1 information", "TRUE", "%s", did(FRESH(GetHandleInformation(e, &flags))));
	see("W-HANDLE-1 no flags", "0", "%u", (unsigned int)flags);
	see("W-HANDLE-1 protect from close", "TRUE", "%s",
	    did(FRESH(SetHandleInformation(e, HANDLE_FLAG_PROTECT_FROM_CLOSE,
					   HANDLE_FLAG_PROTECT_FROM_CLOSE))));
	GetHandleInformation(e, &flags);
	see("W-HANDLE-1 protected", "2", "%u", (unsigned int)flags);
	see("W-HANDLE-1 close of a protected one", "FALSE 6", "%s", did(FRESH(CloseHandle(e))));
	SetHandleInformation(e, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0);
	see("W-HANDLE-1 close", "TRUE", "%s", did(FRESH(CloseHandle(e))));
	see("W-HANDLE-1 information on a closed one", "FALSE 6", "%s",
	    did(FRESH(GetHandleInformation(e, &flags))));
}

struct job {
	HANDLE file, event;
	OVERLAPPED ov;
};

static DWORD WINAPI issue_and_end(void *arg)
{
	struct job *job = arg;

	ReadFile(job->file, buf, 64, NULL, &job->ov);
	return 0;
}

static int routine_ran;

static VOID WINAPI routine(DWORD error, DWORD count, OVERLAPPED *ov)
{
	(void)error;
	(void)count;
	(void)ov;
	routine_ran++;
}

static DWORD WINAPI issue_ex_and_end(void *arg)
{
	struct job *job = arg;

	ReadFileEx(job->file, buf, 64, &job->ov, routine);
	return 0;
}

static void exit_cancels(void)
{
	HANDLE w = line_writer(), thread;
	struct job job = { .file = line_reader() };

	job.ov = overlapped(event_new(TRUE, FALSE));
	thread = thread_new(issue_and_end, &job);
	see("W-THREAD-3 the issuer ends", "object 0", "%s",
	    waited(WaitForSingleObject(thread, LONG_TIME)));
	see("W-THREAD-4 its read is over before", "c0000120", "%x", status_of(&job.ov));
	see("W-THREAD-3 event", "set", "%s", state(job.ov.hEvent));
	see("W-THREAD-3 result", "FALSE 995 0", "%s", result_of(job.file, &job.ov, FALSE));
	CloseHandle(thread);
	CloseHandle(job.ov.hEvent);
	job.ov = overlapped(NULL);
	thread = thread_new(issue_ex_and_end, &job);
	see("W-APC-7 the issuer ends", "ended 0", "%s", thread_end(thread));
	see("W-APC-7 its read is over", "c0000120", "%x", status_of(&job.ov));
	SleepEx(10, TRUE);
	see("W-APC-7 its routine is lost", "0", "%d", routine_ran);
	line_write(w, "next");
	job.ov = overlapped(event_new(TRUE, FALSE));
	ReadFile(job.file, buf, 64, NULL, &job.ov);
	see("W-THREAD-3 what came later is there", "TRUE 4", "%s",
	    result_of(job.file, &job.ov, TRUE));
	CloseHandle(job.ov.hEvent);
	CloseHandle(job.file);
	CloseHandle(w);
}

static DWORD WINAPI errors_of_its_own(void *unused)
{
	DWORD first = GetLastError();

	(void)unused;
	SetLastError(1234);
	return first;
}

static void last_errors(void)
{
	HANDLE thread;

	SetLastError(4321);
	thread = thread_new(errors_of_its_own, NULL);
	see("W-THREAD-6 a new thread's last error", "ended 0", "%s", thread_end(thread));
	SetLastError(4321);
	thread = thread_new(errors_of_its_own, NULL);
	WaitForSingleObject(thread, LONG_TIME);
	see("W-THREAD-6 is its own", "4321", "%u", last());
	CloseHandle(thread);
	SetLastError(0xffffffff);
	see("W-LE-2 any value", "ffffffff", "%x", last());
	SetLastError(0x20000001);
	see("W-LE-2 an application's value", "20000001", "%x", last());
}

static DWORD tls_index;

static DWORD WINAPI tls_of_its_own(void *unused)
{
	(void)unused;
	if (TlsGetValue(tls_index))
		return 1;
	TlsSetValue(tls_index, &tls_index);
	return TlsGetValue(tls_index) == &tls_index ? 0 : 2;
}

static void thread_local_storage(void)
{
	tls_index = TlsAlloc();
	TlsSetValue(tls_index, buf);
	see("W-THREAD-6 a slot in another thread", "ended 0", "%s",
	    thread_end(thread_new(tls_of_its_own, NULL)));
	SetLastError(7);
	see("W-THREAD-6 a slot of this thread", "1", "%d", TlsGetValue(tls_index) == buf);
	see("W-THREAD-6 last error", "0", "%u", last());
	see("W-THREAD-6 the slot is given back", "TRUE", "%s", did(FRESH(TlsFree(tls_index))));
	see("W-THREAD-6 a slot beyond all", "FALSE 87", "%s",
	    did(FRESH(TlsSetValue(100000, buf))));
}

static const struct conform_case cases[] = {
	{ ends, 0 },	    { suspended, 0 },	{ pseudo_and_opened, 0 }, { duplicates, 0 },
	{ information, 0 }, { exit_cancels, 1 }, { last_errors, 0 },	  { thread_local_storage, 0 },
};

CONFORM_MAIN(cases)
