// SPDX-License-Identifier: MIT
/* Thread-pool I/O and BindIoCompletionCallback (W-TPIO, W-BIND). */
#include "conform.h"

static char buf[64];
static HANDLE called;
static LONG calls;
static char last_call[100];
static OVERLAPPED *expected;
static TP_IO *expected_io;
static DWORD main_thread;

static VOID CALLBACK on_io(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID ov, ULONG result,
			   ULONG_PTR count, PTP_IO io)
{
	(void)instance;
	snprintf(last_call, sizeof(last_call), "%s, result %u, %u bytes, %s, %s, %s",
		 (char *)context, (unsigned int)result, (unsigned int)count,
		 ov == expected ? "its own" : "another", io == expected_io ? "its io" : "another io",
		 GetCurrentThreadId() == main_thread ? "here" : "elsewhere");
	InterlockedIncrement(&calls);
	SetEvent(called);
}

static const char *call_seen(void)
{
	return waited(WaitForSingleObject(called, LONG_TIME));
}

static void pool_io(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL);
	TP_IO *io;

	main_thread = GetCurrentThreadId();
	called = event_new(FALSE, FALSE);
	expected = &ov;
	calls = 0;
	io = FRESH(CreateThreadpoolIo(h, on_io, "context", NULL));
	see("W-TPIO-1 create", "handle", "%s", got((HANDLE)io));
	expected_io = io;
	see("W-TPIO-1 a second one of the same file", "NULL 87", "%s",
	    got((HANDLE)FRESH(CreateThreadpoolIo(h, on_io, "context", NULL))));
	see("W-TPIO-1 one of a synchronous file", "NULL 87", "%s",
	    got((HANDLE)FRESH(CreateThreadpoolIo(w, on_io, "context", NULL))));

	StartThreadpoolIo(io);
	see("W-TPIO-2 read that waits", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	line_write(w, "pool");
	see("W-TPIO-1 the callback comes", "object 0", "%s", call_seen());
	see("W-TPIO-1 its arguments", "context, result 0, 4 bytes, its own, its io, elsewhere", "%s",
	    last_call);
	line_write(w, "now");
	StartThreadpoolIo(io);
	see("W-OVL-5 data is there", "begun", "%s", begun(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-OVL-5 the callback comes", "object 0", "%s", call_seen());
	see("W-OVL-5 its arguments", "context, result 0, 3 bytes, its own, its io, elsewhere", "%s",
	    last_call);
	StartThreadpoolIo(io);
	ReadFile(h, buf, 64, NULL, &ov);
	see("W-TPIO-3 cancel", "TRUE", "%s", did(FRESH(CancelIoEx(h, &ov))));
	see("W-TPIO-3 the callback comes", "object 0", "%s", call_seen());
	see("W-TPIO-3 its arguments", "context, result 995, 0 bytes, its own, its io, elsewhere",
	    "%s", last_call);
	see("W-TPIO-3 result", "FALSE 995 0", "%s", result_of(h, &ov, FALSE));

	/* Refused: the expected callback is taken back, and none comes. */
	StartThreadpoolIo(io);
	see("W-TPIO-2 refused", "FALSE 6", "%s",
	    did(FRESH(ReadFile(INVALID_HANDLE_VALUE, buf, 64, NULL, &ov))));
	CancelThreadpoolIo(io);
	WaitForThreadpoolIoCallbacks(io, FALSE);
	see("W-TPIO-2 no callback", "3", "%d", (int)calls);

	StartThreadpoolIo(io);
	ReadFile(h, buf, 64, NULL, &ov);
	CancelIoEx(h, NULL);
	WaitForThreadpoolIoCallbacks(io, FALSE);
	see("W-TPIO-4 all have run", "4", "%d", (int)calls);
	WaitForThreadpoolIoCallbacks(io, TRUE);
	CloseHandle(h);
	CloseThreadpoolIo(io);
	CloseHandle(called);
	CloseHandle(w);
}

static DWORD WINAPI issue_and_end(void *arg)
{
	OVERLAPPED *ov = arg;
	HANDLE h = (HANDLE)ov->Pointer;

	ov->Pointer = NULL;
	StartThreadpoolIo(expected_io);
	ReadFile(h, buf, 64, NULL, ov);
	return 0;
}

static void thread_ends(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL);

	called = event_new(FALSE, FALSE);
	expected = &ov;
	expected_io = CreateThreadpoolIo(h, on_io, "later", NULL);
	ov.Pointer = h;
	see("W-THREAD-3 the issuer ends", "ended 0", "%s", thread_end(thread_new(issue_and_end, &ov)));
	line_write(w, "after");
	see("W-THREAD-3 its callback comes", "object 0", "%s", call_seen());
	see("W-THREAD-3 its arguments", "later, result 0, 5 bytes, its own, its io, elsewhere", "%s",
	    last_call);
	WaitForThreadpoolIoCallbacks(expected_io, FALSE);
	CloseHandle(h);
	CloseThreadpoolIo(expected_io);
	CloseHandle(called);
	CloseHandle(w);
}

static VOID CALLBACK on_bound(DWORD error, DWORD count, OVERLAPPED *ov)
{
	snprintf(last_call, sizeof(last_call), "error %u, %u bytes, %s, %s", (unsigned int)error,
		 (unsigned int)count, ov == expected ? "its own" : "another",
		 GetCurrentThreadId() == main_thread ? "here" : "elsewhere");
	SetEvent(called);
}

static void bound(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL);

	main_thread = GetCurrentThreadId();
	called = event_new(FALSE, FALSE);
	expected = &ov;
	see("W-BIND-1 bind", "TRUE", "%s", did(FRESH(BindIoCompletionCallback(h, on_bound, 0))));
	see("W-BIND-1 bind again", "FALSE", "%.5s",
	    did(FRESH(BindIoCompletionCallback(h, on_bound, 0))));
	see("W-BIND-1 a synchronous file", "FALSE", "%.5s",
	    did(FRESH(BindIoCompletionCallback(w, on_bound, 0))));
	see("W-BIND-1 no file", "FALSE", "%.5s",
	    did(FRESH(BindIoCompletionCallback(NULL, on_bound, 0))));
	ReadFile(h, buf, 64, NULL, &ov);
	line_write(w, "bound");
	see("W-BIND-1 the callback comes", "object 0", "%s", call_seen());
	see("W-BIND-1 its arguments", "error 0, 5 bytes, its own, elsewhere", "%s", last_call);
	ReadFile(h, buf, 64, NULL, &ov);
	CancelIoEx(h, &ov);
	see("W-BIND-1 the callback of a cancelled read", "object 0", "%s", call_seen());
	see("W-BIND-1 its error", "error 995, 0 bytes, its own, elsewhere", "%s", last_call);
	CloseHandle(h);
	CloseHandle(called);
	CloseHandle(w);
}

static VOID CALLBACK on_work(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)instance;
	(void)work;
	InterlockedIncrement(context);
}

static DWORD WINAPI on_item(void *context)
{
	InterlockedIncrement(context);
	SetEvent(called);
	return 0;
}

static void work(void)
{
	LONG ran = 0;
	TP_WORK *it = FRESH(CreateThreadpoolWork(on_work, &ran, NULL));
	int i;

	see("W-TPIO-1 work", "handle", "%s", got((HANDLE)it));
	for (i = 0; i < 10; i++)
		SubmitThreadpoolWork(it);
	WaitForThreadpoolWorkCallbacks(it, FALSE);
	see("W-TPIO-4 ten times", "10", "%d", (int)ran);
	CloseThreadpoolWork(it);
	called = event_new(FALSE, FALSE);
	see("W-TPIO-1 QueueUserWorkItem", "TRUE", "%s",
	    did(FRESH(QueueUserWorkItem(on_item, &ran, WT_EXECUTEDEFAULT))));
	see("W-TPIO-1 the item runs", "object 0", "%s", call_seen());
	see("W-TPIO-1 once", "11", "%d", (int)ran);
	CloseHandle(called);
}

static const struct conform_case cases[] = {
	{ pool_io, 1 },
	{ thread_ends, 1 },
	{ bound, 1 },
	{ work, 0 },
};

CONFORM_MAIN(cases)
