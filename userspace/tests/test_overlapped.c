// SPDX-License-Identifier: MIT
/* Overlapped reads and writes: results, events, notification (W-OVL, W-EVT, W-RW, W-GOR). */
#include <windows.h>

#include "host.h"

static char buf[256];
static int peer;

/* Starts a read that must pend. */
static void start_read(HANDLE h, void *to, DWORD size, OVERLAPPED *ov)
{
	DWORD n = 77;

	CHECK_FAILS(ReadFile(h, to, size, &n, ov), ERROR_IO_PENDING);
	CHECK_EQ(n, 0);
	CHECK(!HasOverlappedIoCompleted(ov));
}

static void pend_then_complete(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n = 5;

	start_read(h, buf, sizeof(buf), &ov);
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, FALSE), ERROR_IO_INCOMPLETE);
	CHECK_EQ(n, 5);
	CHECK_EQ(write(peer, "hello", 5), 5);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK(HasOverlappedIoCompleted(&ov));
	CHECK_EQ(ov.Internal, 0);
	CHECK_EQ(ov.InternalHigh, 5);
	SetLastError(1234);
	CHECK(GetOverlappedResult(h, &ov, &n, FALSE));
	CHECK_EQ(GetLastError(), 1234);
	CHECK_EQ(n, 5);
	CHECK(!memcmp(buf, "hello", 5));
}

static void inline_success_notifies(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n = 0;

	CHECK_EQ(write(peer, "abc", 3), 3);
	SetLastError(4321);
	if (ReadFile(h, buf, sizeof(buf), &n, &ov)) {
		CHECK_EQ(GetLastError(), 4321);
		CHECK_EQ(n, 3);
	} else {
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	}
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 3);
}

static void inline_error_notifies_nobody(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, TRUE, NULL));
	DWORD n = 9;

	close(peer);
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), &n, &ov), ERROR_BROKEN_PIPE);
	CHECK_EQ(n, 0);
	CHECK_EQ(ov.Internal, STATUS_PENDING);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, FALSE), ERROR_IO_INCOMPLETE);
}

static void file_object_is_signalled(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n;

	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	start_read(h, buf, sizeof(buf), &ov);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(h, INFINITE), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 1);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
}

static void event_instead_of_file_object(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());

	start_read(h, buf, sizeof(buf), &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
}

static void low_bits_of_event(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), e = host_manual_event();
	OVERLAPPED ov = host_overlapped((HANDLE)((ULONG_PTR)e | 1));
	DWORD n;

	start_read(h, buf, sizeof(buf), &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
}

static void auto_event_consumed_before_result(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, FALSE, FALSE, NULL));
	DWORD n;

	start_read(h, buf, sizeof(buf), &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
}

static DWORD WINAPI write_when_asleep(LPVOID arg)
{
	DWORD tid = *(DWORD *)arg;

	host_wait_syscall(tid, SYS_io_uring_enter, SYS_io_uring_enter);
	CHECK_EQ(write(peer, "woken", 5), 5);
	return 0;
}

static void result_waits(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, FALSE, FALSE, NULL));
	DWORD n, self = GetCurrentThreadId();
	HANDLE t;

	start_read(h, buf, sizeof(buf), &ov);
	t = CreateThread(NULL, 0, write_when_asleep, &self, 0, NULL);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 5);
	/* The wait took the auto-reset event, as a wait does. */
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void nobody_waits(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);

	start_read(h, buf, sizeof(buf), &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	/* No call of the library: only the helper can complete it. */
	while (!HasOverlappedIoCompleted(&ov))
		sched_yield();
	CHECK_EQ(ov.InternalHigh, 1);
}

static void pipe_end_while_pending(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n = 3;

	start_read(h, buf, sizeof(buf), &ov);
	close(peer);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_BROKEN_PIPE);
	CHECK_EQ(n, 0);
	CHECK_EQ(ov.Internal, 0xC000014Bu);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
}

static void hidden_overlapped_on_a_pipe(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), t;
	DWORD n, self = GetCurrentThreadId();

	t = CreateThread(NULL, 0, write_when_asleep, &self, 0, NULL);
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 5);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, NULL), ERROR_INVALID_PARAMETER);
}

static void file_reads_and_writes(void)
{
	HANDLE h = CreateFileA(host_path("file"), GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_NEW,
			       FILE_FLAG_OVERLAPPED, NULL);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n;

	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_FAILS(WriteFile(h, "x", 1, &n, NULL), ERROR_INVALID_PARAMETER);
	ov.Offset = 4;
	WriteFile(h, "abcdef", 6, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 6);
	CHECK_EQ(ov.Offset, 4);
	ov.Offset = ov.OffsetHigh = 0xffffffffu;
	WriteFile(h, "ghi", 3, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	ov.Offset = 6;
	ov.OffsetHigh = 0;
	ReadFile(h, buf, sizeof(buf), &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 7);
	CHECK(!memcmp(buf, "cdefghi", 7));
	ov.Offset = 13;
	CHECK(!ReadFile(h, buf, sizeof(buf), &n, &ov));
	if (GetLastError() == ERROR_IO_PENDING)
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_HANDLE_EOF);
	else
		CHECK_EQ(GetLastError(), ERROR_HANDLE_EOF);
	CHECK_EQ(n, 0);
	ov.Offset = 0;
	ov.OffsetHigh = 0x80000000u;
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), &n, &ov), ERROR_INVALID_PARAMETER);
	/* Zero bytes: nothing happens, and it is no end of file. */
	ov.OffsetHigh = 1;
	ReadFile(h, buf, 0, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	WriteFile(h, buf, 0, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 0);
	CloseHandle(h);
	CHECK_EQ(truncate(host_path("file"), 13), 0);
}

static void offset_is_ignored_without_position(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n;

	ov.Offset = 0x12345678;
	ov.OffsetHigh = 0xfedcba98u;
	CHECK_EQ(write(peer, "x", 1), 1);
	ReadFile(h, buf, sizeof(buf), &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 1);
}

static void blocked_write_takes_all(void)
{
	HANDLE h = host_fifo("f", GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n, size = 300000, got = 0;
	char *data = malloc(size), *back = malloc(size);

	for (DWORD i = 0; i < size; i++)
		data[i] = (char)(i * 7 + i / 256);
	CHECK_FAILS(WriteFile(h, data, size, &n, &ov), ERROR_IO_PENDING);
	while (got < size) {
		ssize_t r = read(peer, back + got, size - got);

		CHECK(r > 0);
		got += (DWORD)r;
	}
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, size);
	CHECK(!memcmp(data, back, size));
	free(data);
	free(back);
}

static volatile sig_atomic_t sigpipes;

static void count_sigpipe(int sig)
{
	(void)sig;
	sigpipes++;
}

static void no_sigpipe(void)
{
	HANDLE h, s = host_fifo("g", GENERIC_WRITE, 0, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	static char big[200000];
	DWORD n;
	int first;

	signal(SIGPIPE, count_sigpipe);
	close(peer);
	CHECK_FAILS(WriteFile(s, "x", 1, &n, NULL), ERROR_NO_DATA);
	h = host_fifo("h", GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &first);
	CHECK_FAILS(WriteFile(h, big, sizeof(big), &n, &ov), ERROR_IO_PENDING);
	close(first);
	/* Part of it was taken: it has failed, and the count is told (W-GOR-5). */
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_NO_DATA);
	CHECK(n > 0 && n < sizeof(big));
	CHECK_FAILS(WriteFile(h, big, 10, &n, &ov), ERROR_NO_DATA);
	CHECK_EQ(sigpipes, 0);
	raise(SIGPIPE);
	CHECK_EQ(sigpipes, 1);
}

static atomic_int calls_done;

/* With its cancellation pending all the while: it is acted on after the calls, not in them. */
static void *cancelled_thread(void *arg)
{
	OVERLAPPED ov = host_overlapped(host_manual_event());
	int here, *there = arg;
	HANDLE h, s;
	DWORD n;

	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	h = host_open(host_path("h"), GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(WriteFile(h, "hello", 5, &n, &ov));
	atomic_fetch_add(&calls_done, 1);
	s = host_open(host_path("s"), GENERIC_WRITE, 0);
	CHECK(s != INVALID_HANDLE_VALUE);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &here);
	close(*there);
	pthread_setcancelstate(here, NULL);
	CHECK_FAILS(WriteFile(s, "x", 1, &n, NULL), ERROR_NO_DATA);
	atomic_fetch_add(&calls_done, 1);
	CHECK(CloseHandle(s));
	Sleep(1);
	atomic_fetch_add(&calls_done, 1);
	/* The sanitizers do not follow the unwinding of a cancelled thread. */
	if (!HOST_SANITIZED)
		pthread_testcancel();
	return NULL;
}

static void *return_cancelled(void *arg)
{
	GetCurrentThreadId();
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	return arg;
}

/* Nor is it acted on in what the library does at the thread's end, the next one's too. */
static void pthread_cancel_at_the_end(void)
{
	void *how;

	for (int i = 0; i < 3; i++) {
		pthread_t t;

		CHECK_EQ(pthread_create(&t, NULL, return_cancelled, &calls_done), 0);
		CHECK_EQ(pthread_join(t, &how), 0);
		CHECK(how == &calls_done);
	}
}

static void pthread_cancel_waits(void)
{
	int end[2];
	pthread_t t;
	void *how;

	CHECK_EQ(mkfifo(host_path("h"), 0600), 0);
	CHECK_EQ(mkfifo(host_path("s"), 0600), 0);
	end[0] = open(host_path("h"), O_RDWR | O_CLOEXEC);
	end[1] = open(host_path("s"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK_EQ(pthread_create(&t, NULL, cancelled_thread, &end[1]), 0);
	CHECK_EQ(pthread_join(t, &how), 0);
	CHECK_EQ(atomic_load(&calls_done), 3);
	CHECK(HOST_SANITIZED || how == PTHREAD_CANCELED);
}

static void terminal(void)
{
	HANDLE h = host_tty(GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n;

	start_read(h, buf, sizeof(buf), &ov);
	CHECK_EQ(write(peer, "k", 1), 1);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 1);
	WriteFile(h, "out", 3, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 3);
	CHECK_EQ(read(peer, buf, sizeof(buf)), 3);
	start_read(h, buf, sizeof(buf), &ov);
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
}

static const struct tap_case cases[] = {
	CASE(pend_then_complete, "a read pends and completes (W-OVL-2/3/4/8, W-GOR-1/4/5)"),
	CASE(inline_success_notifies, "inline success sets the event (W-OVL-5)"),
	CASE(inline_error_notifies_nobody, "an inline error notifies nobody (W-OVL-7, W-RW-9)"),
	CASE(file_object_is_signalled, "without an event the file object is set (W-EVT-1/2)"),
	CASE(event_instead_of_file_object, "with an event the file object stays reset (W-EVT-1)"),
	CASE(low_bits_of_event, "the event's low bits are masked (W-EVT-3)"),
	CASE(auto_event_consumed_before_result, "a consumed auto-reset event does no harm (W-EVT-6, W-GOR-3)"),
	CASE(result_waits, "GetOverlappedResult waits (W-GOR-2)"),
	CASE(nobody_waits, "an operation ends though nobody waits (W-HASOV-1)"),
	CASE(pipe_end_while_pending, "the writer goes while a read pends (W-PIPE-5)"),
	CASE(hidden_overlapped_on_a_pipe, "a pipe needs no OVERLAPPED (W-RW-5)"),
	CASE(file_reads_and_writes, "a regular file (W-CREATE-5, W-RW-4/6/7, W-OVL-12)"),
	CASE(offset_is_ignored_without_position, "a pipe ignores the offset (W-OVL-12)"),
	CASE(blocked_write_takes_all, "a pending write ends when all is taken (W-RW-8)"),
	CASE(no_sigpipe, "no SIGPIPE (W-RW-9)"),
	CASE(pthread_cancel_waits, "pthread_cancel is acted on outside the library"),
	CASE(pthread_cancel_at_the_end, "nor in the thread's end"),
	CASE(terminal, "a terminal reads, writes, cancels"),
};

TAP_MAIN(cases)
