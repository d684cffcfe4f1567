// SPDX-License-Identifier: MIT
/* Files whose ends are callbacks in the thread pool (W-TPIO-*, W-BIND-1). */
#include "pool.h"

static char buf[64];
static int peer;

static HANDLE reader(void)
{
	return host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
}

struct call {
	PVOID context, overlapped;
	ULONG result;
	ULONG_PTR bytes;
	PTP_IO io;
	DWORD tid;
};
static struct call last;

static VOID CALLBACK on_io(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID overlapped,
			   ULONG result, ULONG_PTR bytes, PTP_IO io)
{
	CHECK(instance);
	last = (struct call){ context, overlapped, result, bytes, io, GetCurrentThreadId() };
	atomic_fetch_add(&calls, 1);
	CHECK(SetEvent(called));
}

static void is_called(OVERLAPPED *ov, ULONG result, ULONG_PTR bytes, PTP_IO io)
{
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
	CHECK(last.context == buf && last.overlapped == ov && last.io == io);
	CHECK_EQ(last.result, result);
	CHECK_EQ(last.bytes, bytes);
	CHECK(last.tid != GetCurrentThreadId());
}

static void start_read(HANDLE h, OVERLAPPED *ov)
{
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, ov), ERROR_IO_PENDING);
}

static void io_callbacks(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	HANDLE h = reader();
	PTP_IO io;

	called = host_event(FALSE, FALSE);
	io = CreateThreadpoolIo(h, on_io, buf, NULL);
	CHECK(io);
	StartThreadpoolIo(io);
	start_read(h, &ov);
	CHECK_EQ(write(peer, "pool", 4), 4);
	is_called(&ov, 0, 4, io);

	CHECK_EQ(write(peer, "abc", 3), 3);
	StartThreadpoolIo(io);
	CHECK(ReadFile(h, buf, sizeof(buf), NULL, &ov)); /* W-OVL-5 */
	is_called(&ov, 0, 3, io);

	StartThreadpoolIo(io);
	start_read(h, &ov);
	CHECK(CancelIoEx(h, &ov));
	is_called(&ov, ERROR_OPERATION_ABORTED, 0, io);

	StartThreadpoolIo(io);
	start_read(h, &ov);
	close(peer);
	is_called(&ov, ERROR_BROKEN_PIPE, 0, io);

	/* None comes of what was refused, so it is not expected any more (W-TPIO-2). */
	StartThreadpoolIo(io);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_BROKEN_PIPE);
	CancelThreadpoolIo(io);
	WaitForThreadpoolIoCallbacks(io, FALSE);
	CHECK_EQ(atomic_load(&calls), 4);
	CHECK(CloseHandle(h));
	CloseThreadpoolIo(io);
}

static void skip_mode(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	HANDLE h = reader();
	PTP_IO io = CreateThreadpoolIo(h, on_io, buf, NULL);

	called = host_event(FALSE, FALSE);
	CHECK(SetFileCompletionNotificationModes(h, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
	CHECK_EQ(write(peer, "abc", 3), 3);
	StartThreadpoolIo(io);
	CHECK(ReadFile(h, buf, sizeof(buf), NULL, &ov));
	CancelThreadpoolIo(io);
	WaitForThreadpoolIoCallbacks(io, FALSE);
	StartThreadpoolIo(io);
	start_read(h, &ov);
	CHECK_EQ(write(peer, "d", 1), 1);
	is_called(&ov, 0, 1, io);
	WaitForThreadpoolIoCallbacks(io, FALSE);
	CHECK_EQ(atomic_load(&calls), 1);
	CHECK(CloseHandle(h));
	CloseThreadpoolIo(io);
}

static void CALLBACK on_bound(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	last = (struct call){ buf, ov, error, bytes, NULL, GetCurrentThreadId() };
	CHECK(SetEvent(called));
}

static void bad_input(void)
{
	HANDLE h = reader(), sync = host_open("/dev/null", GENERIC_READ, 0), e = host_manual_event();
	PTP_IO io;

	SetLastError(0);
	CHECK(!CreateThreadpoolIo(h, NULL, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateThreadpoolIo(sync, on_io, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateThreadpoolIo(e, on_io, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	SetLastError(0);
	CHECK(!CreateThreadpoolIo(NULL, on_io, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	SetLastError(0);
	CHECK(!CreateThreadpoolWork(NULL, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateThreadpool((PVOID)1));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(TrySubmitThreadpoolCallback(NULL, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(QueueUserWorkItem(NULL, NULL, 0), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(BindIoCompletionCallback(h, NULL, 0), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(BindIoCompletionCallback(h, on_bound, 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(BindIoCompletionCallback(e, on_bound, 0), ERROR_INVALID_HANDLE);
	CHECK_FAILS(BindIoCompletionCallback(sync, on_bound, 0), ERROR_INVALID_PARAMETER);
	/* What failed has bound nothing; what is bound stays so (W-PORT-2). */
	io = CreateThreadpoolIo(h, on_io, NULL, NULL);
	CHECK(io);
	CHECK_FAILS(BindIoCompletionCallback(h, on_bound, 0), ERROR_INVALID_PARAMETER);
	CloseThreadpoolIo(io);
	SetLastError(0);
	CHECK(!CreateThreadpoolIo(h, on_io, NULL, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

static void bound(void)
{
	HANDLE h = reader();
	OVERLAPPED ov = host_overlapped(NULL);

	called = host_event(FALSE, FALSE);
	CHECK(BindIoCompletionCallback(h, on_bound, 0));
	for (int i = 0; i < 3; i++) {
		start_read(h, &ov);
		CHECK_EQ(write(peer, "bound", 5), 5);
		is_called(&ov, 0, 5, NULL);
	}
	start_read(h, &ov);
	CHECK(CancelIoEx(h, NULL));
	is_called(&ov, ERROR_OPERATION_ABORTED, 0, NULL);
}

/* Its end comes when the one that has closed the TP_IO is long gone: nobody is called. */
static void closed_before_its_packet(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	HANDLE h = reader(), h2;
	int first = peer;
	PTP_IO io, other;
	DWORD bytes;

	called = host_event(FALSE, FALSE);
	io = CreateThreadpoolIo(h, on_io, buf, NULL);
	CloseThreadpoolIo(io);
	h2 = host_fifo("g", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	other = CreateThreadpoolIo(h2, on_io, buf, NULL); /* the same memory, as it happens */
	StartThreadpoolIo(other);
	start_read(h, &ov);
	CHECK_EQ(write(first, "abc", 3), 3);
	CHECK(GetOverlappedResult(h, &ov, &bytes, TRUE));
	start_read(h2, &ov);
	CHECK_EQ(write(peer, "defg", 4), 4);
	is_called(&ov, 0, 4, other);
	WaitForThreadpoolIoCallbacks(other, FALSE);
	CHECK_EQ(atomic_load(&calls), 1);

	/* One that is still expected comes after the close (W-TPIO-5). */
	StartThreadpoolIo(other);
	start_read(h2, &ov);
	CloseThreadpoolIo(other);
	CHECK(CloseHandle(h2));
	is_called(&ov, ERROR_OPERATION_ABORTED, 0, other);
}

/* ---- waiting and forgetting ---- */

static void forget_io(void)
{
	OVERLAPPED ov = host_overlapped(host_manual_event());
	TP_CALLBACK_ENVIRON env;
	PTP_POOL pool = CreateThreadpool(NULL);
	HANDLE h = reader();
	PTP_WORK work;
	DWORD bytes;
	PTP_IO io;

	gate = host_manual_event();
	called = host_event(FALSE, FALSE);
	SetThreadpoolThreadMaximum(pool, 1);
	InitializeThreadpoolEnvironment(&env);
	SetThreadpoolCallbackPool(&env, pool);
	io = CreateThreadpoolIo(h, on_io, buf, &env);
	work = CreateThreadpoolWork(wait_at_gate, NULL, &env);
	SubmitThreadpoolWork(work);
	while (!atomic_load(&calls))
		usleep(200);
	/* Queued behind the other, and forgotten. */
	StartThreadpoolIo(io);
	start_read(h, &ov);
	CHECK_EQ(write(peer, "abc", 3), 3);
	CHECK(GetOverlappedResult(h, &ov, &bytes, TRUE));
	WaitForThreadpoolIoCallbacks(io, TRUE);
	/* Pending: its callback is forgotten, the request is not cancelled (W-TPIO-4). */
	StartThreadpoolIo(io);
	start_read(h, &ov);
	WaitForThreadpoolIoCallbacks(io, TRUE);
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK_EQ(write(peer, "abcd", 4), 4);
	CHECK(GetOverlappedResult(h, &ov, &bytes, TRUE));
	CHECK_EQ(bytes, 4);
	CHECK(SetEvent(gate));
	WaitForThreadpoolWorkCallbacks(work, FALSE);
	CHECK_EQ(atomic_load(&calls), 1);
	StartThreadpoolIo(io);
	start_read(h, &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	is_called(&ov, 0, 1, io);
	CHECK(CloseHandle(h));
	CloseThreadpoolIo(io);
	CloseThreadpoolWork(work);
	CloseThreadpool(pool);
}

static const struct tap_case cases[] = {
	CASE(io_callbacks, "callbacks for what pended, was there, cancelled or failed (W-TPIO-1/2/3)"),
	CASE(skip_mode, "inline success without a callback (W-TPIO-2, W-MODE-1)"),
	CASE(bad_input, "bad handles, functions and flags"),
	CASE(bound, "BindIoCompletionCallback (W-BIND-1)"),
	CASE(closed_before_its_packet, "ends that come after the close (W-TPIO-5)"),
	CASE(forget_io, "the same for I/O, which goes on (W-TPIO-4)"),
};

TAP_MAIN(cases)
