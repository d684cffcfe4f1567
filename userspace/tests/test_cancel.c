// SPDX-License-Identifier: MIT
/* Cancelling overlapped requests: scope, answers, notification (W-CANCEL, W-RACE). */
#include <windows.h>

#include "host.h"

static char buf[256];
static int peer;

static void start_read(HANDLE h, OVERLAPPED *ov)
{
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, ov), ERROR_IO_PENDING);
}

static void check_aborted(HANDLE h, OVERLAPPED *ov)
{
	DWORD n = 9;

	CHECK_FAILS(GetOverlappedResult(h, ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(n, 0);
	CHECK_EQ(ov->Internal, 0xC0000120u);
}

static void ex_cancels_one(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED a = host_overlapped(host_manual_event()), b = host_overlapped(host_manual_event());
	DWORD n;

	start_read(h, &a);
	start_read(h, &b);
	SetLastError(55);
	CHECK(CancelIoEx(h, &a));
	CHECK_EQ(GetLastError(), 55);
	check_aborted(h, &a);
	CHECK_EQ(WaitForSingleObject(a.hEvent, 0), WAIT_OBJECT_0);
	CHECK(!HasOverlappedIoCompleted(&b));
	CHECK_EQ(WaitForSingleObject(b.hEvent, 0), WAIT_TIMEOUT);
	/* The handle stays usable, and nothing was consumed. */
	CHECK_EQ(write(peer, "data", 4), 4);
	CHECK(GetOverlappedResult(h, &b, &n, TRUE));
	CHECK_EQ(n, 4);
}

static void ex_cancels_all(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	enum { N = 100 };
	OVERLAPPED ov[N];

	for (int i = 0; i < N; i++) {
		ov[i] = host_overlapped(host_manual_event());
		start_read(h, &ov[i]);
	}
	CHECK(CancelIoEx(h, NULL));
	for (int i = 0; i < N; i++) {
		check_aborted(h, &ov[i]);
		CHECK_EQ(WaitForSingleObject(ov[i].hEvent, 0), WAIT_OBJECT_0);
	}
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
}

static void nothing_to_cancel(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	HANDLE s = host_fifo("g", GENERIC_READ, 0, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n;

	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
	CHECK_FAILS(CancelIoEx(h, &ov), ERROR_NOT_FOUND);
	CHECK_FAILS(CancelIoEx(s, NULL), ERROR_NOT_FOUND);
	SetLastError(66);
	CHECK(CancelIo(h));
	CHECK(CancelIo(s));
	CHECK_EQ(GetLastError(), 66);
	CHECK_FAILS(CancelIo(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelIoEx(INVALID_HANDLE_VALUE, NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelIoEx(host_manual_event(), NULL), ERROR_INVALID_HANDLE);
	CloseHandle(h);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelIo(h), ERROR_INVALID_HANDLE);
	h = host_fifo("i", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	CHECK_EQ(write(peer, "x", 1), 1);
	ReadFile(h, buf, 1, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_FAILS(CancelIoEx(h, &ov), ERROR_NOT_FOUND);
	CHECK_EQ(ov.Internal, 0);
	CHECK_EQ(ov.InternalHigh, 1);
}

static void a_duplicate_is_the_same_file(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	HANDLE other = host_open(host_path("f"), GENERIC_READ, FILE_FLAG_OVERLAPPED), copy;
	OVERLAPPED ov = host_overlapped(NULL);

	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	CHECK(copy != h);
	start_read(h, &ov);
	CHECK_FAILS(CancelIoEx(other, NULL), ERROR_NOT_FOUND);
	CHECK(CancelIoEx(copy, &ov));
	check_aborted(h, &ov);
}

static OVERLAPPED others;
static HANDLE shared, pended;

static DWORD WINAPI pend_and_linger(LPVOID arg)
{
	start_read(shared, &others);
	SetEvent(pended);
	WaitForSingleObject(arg, INFINITE);
	return 0;
}

static void cancelio_is_the_threads_own(void)
{
	OVERLAPPED mine = host_overlapped(NULL);
	HANDLE leave = host_manual_event(), t;

	pended = host_manual_event();
	others = host_overlapped(host_manual_event());
	shared = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	t = CreateThread(NULL, 0, pend_and_linger, leave, 0, NULL);
	CHECK_EQ(WaitForSingleObject(pended, INFINITE), WAIT_OBJECT_0);
	mine.hEvent = host_manual_event();
	start_read(shared, &mine);
	CHECK(CancelIo(shared));
	check_aborted(shared, &mine);
	CHECK(!HasOverlappedIoCompleted(&others));
	/* CancelIoEx reaches the other thread's. */
	CHECK(CancelIoEx(shared, NULL));
	check_aborted(shared, &others);
	SetEvent(leave);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void thread_exit_cancels(void)
{
	HANDLE now = CreateEventA(NULL, TRUE, TRUE, NULL), t;

	pended = host_manual_event();
	others = host_overlapped(host_manual_event());
	shared = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	t = CreateThread(NULL, 0, pend_and_linger, now, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(HasOverlappedIoCompleted(&others));
	CHECK_EQ(others.Internal, 0xC0000120u);
	CHECK_EQ(WaitForSingleObject(others.hEvent, 0), WAIT_OBJECT_0);
	CHECK_FAILS(CancelIoEx(shared, NULL), ERROR_NOT_FOUND);
}

static void *foreign(void *arg)
{
	(void)arg;
	start_read(shared, &others);
	return NULL;
}

static void foreign_thread_exit_cancels(void)
{
	pthread_t t;

	others = host_overlapped(host_manual_event());
	shared = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	CHECK_EQ(pthread_create(&t, NULL, foreign, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(HasOverlappedIoCompleted(&others));
	CHECK_EQ(others.Internal, 0xC0000120u);
}

static void close_gives_requests_back(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), copy;
	OVERLAPPED ov = host_overlapped(host_manual_event());

	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	start_read(h, &ov);
	CHECK(CloseHandle(h));
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 20), WAIT_TIMEOUT);
	CHECK(CloseHandle(copy));
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(ov.Internal, 0xC0000120u);
	CHECK_FAILS(CloseHandle(h), ERROR_INVALID_HANDLE);
}

static void closed_event_is_held_by_the_request(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	HANDLE e;

	start_read(h, &ov);
	CHECK(CloseHandle(ov.hEvent));
	e = host_manual_event();
	CHECK_EQ(write(peer, "x", 1), 1);
	while (!HasOverlappedIoCompleted(&ov))
		sched_yield();
	CHECK_EQ(ov.Internal, 0);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
}

static void cancelled_write_tells_what_was_taken(void)
{
	HANDLE h = host_fifo("f", GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	static char big[200000];
	DWORD n, got = 0;
	ssize_t r;

	CHECK_FAILS(WriteFile(h, big, sizeof(big), NULL, &ov), ERROR_IO_PENDING);
	CHECK(CancelIoEx(h, &ov));
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK(n > 0 && n < sizeof(big));
	/* A second one gets nothing in, and says so. */
	CHECK_FAILS(WriteFile(h, big, sizeof(big), NULL, &ov), ERROR_IO_PENDING);
	CHECK(CancelIoEx(h, NULL));
	check_aborted(h, &ov);
	CHECK(CloseHandle(h));
	while ((r = read(peer, big, sizeof(big))) > 0)
		got += (DWORD)r;
	CHECK_EQ(got, n);
}

static const struct tap_case cases[] = {
	CASE(ex_cancels_one, "CancelIoEx takes the one named (W-CANCELIOEX-1/2, W-CANCEL-0)"),
	CASE(ex_cancels_all, "CancelIoEx takes all (W-CANCELIOEX-1/3)"),
	CASE(nothing_to_cancel, "nothing to cancel (W-CANCELIO-2, W-CANCELIOEX-3/4)"),
	CASE(a_duplicate_is_the_same_file, "by file object, not handle or path (W-CANCELIOEX-1, W-HANDLE-1)"),
	CASE(cancelio_is_the_threads_own, "CancelIo is the calling thread's (W-CANCELIO-1/3)"),
	CASE(thread_exit_cancels, "a thread's exit cancels and waits (W-THREAD-3/4)"),
	CASE(foreign_thread_exit_cancels, "so does that of a pthread"),
	CASE(close_gives_requests_back, "the last close gives requests back (W-CLOSE-1/2/3/4)"),
	CASE(closed_event_is_held_by_the_request, "a closed event is held by the request (W-CLOSE-4)"),
	CASE(cancelled_write_tells_what_was_taken, "a cancelled write says what was taken (W-RACE-4)"),
};

TAP_MAIN(cases)
