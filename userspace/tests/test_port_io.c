// SPDX-License-Identifier: MIT
/* What requests hand to a completion port (W-PORT, W-MODE, W-OVL, W-THREAD-3, W-CLOSE-3). */
#include <stdbool.h>
#include <windows.h>

#include "host.h"

enum { KEY = 4711 };

static char buf[256];
static int peer;
static HANDLE port;

/* A FIFO to be read, bound to the port. */
static HANDLE bound_fifo(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);

	port = CreateIoCompletionPort(h, NULL, KEY, 0);
	CHECK(port);
	return h;
}

static void start_read(HANDLE h, OVERLAPPED *ov)
{
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, ov), ERROR_IO_PENDING);
}

/* The packet that must come: its error (0: TRUE) and bytes. */
static void expect(OVERLAPPED *ov, DWORD error, DWORD count)
{
	OVERLAPPED *got = NULL;
	ULONG_PTR key = 0;
	DWORD bytes = 99;

	SetLastError(0);
	CHECK_EQ(GetQueuedCompletionStatus(port, &bytes, &key, &got, INFINITE), error == 0);
	CHECK_EQ(GetLastError(), error);
	CHECK(got == ov);
	CHECK_EQ(key, KEY);
	CHECK_EQ(bytes, count);
}

static void expect_nothing(void)
{
	OVERLAPPED *got = (OVERLAPPED *)1;
	ULONG_PTR key;
	DWORD bytes;

	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &got, 0), WAIT_TIMEOUT);
	CHECK(!got);
}

static void association(void)
{
	HANDLE h = bound_fifo(), other = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	HANDLE sync = host_open("/dev/null", GENERIC_READ, 0), copy, fresh;
	OVERLAPPED ov = host_overlapped(NULL);
	int fd;

	/* Once and for all, for this port too (W-PORT-2). */
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(h, port, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(h, other, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(h, NULL, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(sync, port, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	fresh = host_fifo("g", GENERIC_READ, FILE_FLAG_OVERLAPPED, &fd);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(fresh, (HANDLE)0x7ffffff0, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(fresh, sync, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	/* What failed has bound nothing. */
	CHECK(CreateIoCompletionPort(fresh, other, 1, 0) == other);

	/* The file object is bound, not the handle. */
	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	start_read(copy, &ov);
	CHECK_EQ(write(peer, "abc", 3), 3);
	expect(&ov, 0, 3);
}

static void pended(void)
{
	HANDLE h = bound_fifo(), e = CreateEventA(NULL, TRUE, FALSE, NULL);
	OVERLAPPED ov = host_overlapped(e), wrong = host_overlapped(NULL);
	OVERLAPPED_ENTRY entry;
	ULONG count;

	start_read(h, &ov);
	expect_nothing();
	CHECK_EQ(write(peer, "hello", 5), 5);
	expect(&ov, 0, 5);
	CHECK(!memcmp(buf, "hello", 5));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	expect_nothing();

	start_read(h, &ov);
	CHECK(CancelIoEx(h, &ov));
	expect(&ov, ERROR_OPERATION_ABORTED, 0);
	/* Waiting for the result does not take the packet away. */
	start_read(h, &ov);
	CHECK(CancelIo(h));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &count, TRUE), ERROR_OPERATION_ABORTED);
	CHECK(GetQueuedCompletionStatusEx(port, &entry, 1, &count, 0, FALSE));
	CHECK(count == 1 && entry.lpOverlapped == &ov && entry.lpCompletionKey == KEY);
	CHECK_EQ((DWORD)ov.Internal, 0xC0000120u);

	/* Refused and not begun: nothing comes (W-OVL-7, W-PORT-11). */
	CHECK_FAILS(WriteFile(h, "x", 1, NULL, &wrong), ERROR_ACCESS_DENIED);
	start_read(h, &ov);
	close(peer);
	expect(&ov, ERROR_BROKEN_PIPE, 0);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &wrong), ERROR_BROKEN_PIPE);
	expect_nothing();
}

static void inline_success(void)
{
	HANDLE h = bound_fifo();
	OVERLAPPED ov = host_overlapped(NULL);

	CHECK_EQ(write(peer, "abc", 3), 3);
	CHECK(ReadFile(h, buf, sizeof(buf), NULL, &ov));
	expect(&ov, 0, 3); /* W-OVL-5 */

	CHECK_FAILS(SetFileCompletionNotificationModes(h, 8), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SetFileCompletionNotificationModes(h, 0xff), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SetFileCompletionNotificationModes(port, 1), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetFileCompletionNotificationModes(NULL, 1), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetFileCompletionNotificationModes(host_open("/dev/null", GENERIC_READ, 0), 1),
		    ERROR_INVALID_PARAMETER);
	CHECK_EQ(write(peer, "abc", 3), 3);
	CHECK(ReadFile(h, buf, sizeof(buf), NULL, &ov));
	expect(&ov, 0, 3);

	CHECK(SetFileCompletionNotificationModes(h, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
	CHECK(SetFileCompletionNotificationModes(h, 0)); /* clears nothing (W-MODE-1) */
	CHECK_EQ(write(peer, "abcd", 4), 4);
	CHECK(ReadFile(h, buf, sizeof(buf), NULL, &ov));
	expect_nothing();
	/* What pends comes all the same. */
	start_read(h, &ov);
	CHECK(CancelIoEx(h, &ov));
	expect(&ov, ERROR_OPERATION_ABORTED, 0);
	start_read(h, &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	expect(&ov, 0, 1);
}

static void no_signal(void)
{
	HANDLE h = bound_fifo(), e = CreateEventA(NULL, TRUE, FALSE, NULL);
	OVERLAPPED ov = host_overlapped(NULL);

	start_read(h, &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	expect(&ov, 0, 1);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK(SetFileCompletionNotificationModes(h, FILE_SKIP_SET_EVENT_ON_HANDLE));
	start_read(h, &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	expect(&ov, 0, 1);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
	ov.hEvent = e; /* W-MODE-2 */
	start_read(h, &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	expect(&ov, 0, 1);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
}

/* Whom the mode must not leave asleep: he waits for the request, by its OVERLAPPED or without one. */
static atomic_int has_read;

static DWORD WINAPI read_and_wait(LPVOID arg)
{
	HANDLE h = arg;
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n;
	char c;

	CHECK(ReadFile(h, &c, 1, &n, NULL) && n == 1 && c == 'x');
	atomic_store(&has_read, 1);
	start_read(h, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE) && n == 1);
	return 0;
}

static void waits_without_signal(void)
{
	HANDLE h = bound_fifo(), thread;
	DWORD tid;

	CHECK(SetFileCompletionNotificationModes(h, FILE_SKIP_SET_EVENT_ON_HANDLE));
	thread = CreateThread(NULL, 0, read_and_wait, h, 0, &tid);
	for (int i = 0; i < 2; i++) {
		while (atomic_load(&has_read) < i)
			usleep(200);
		host_wait_syscall(tid, SYS_io_uring_enter, SYS_futex);
		CHECK_EQ(write(peer, "x", 1), 1);
	}
	CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
}

static void CALLBACK never(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	(void)error;
	(void)bytes;
	(void)ov;
	CHECK(!"called");
}

static void without_packet(void)
{
	HANDLE h = bound_fifo(), e = CreateEventA(NULL, TRUE, FALSE, NULL);
	OVERLAPPED ov = host_overlapped((HANDLE)((ULONG_PTR)e | 1));
	DWORD bytes;

	/* The low bit: all but the packet (W-EVT-3). */
	start_read(h, &ov);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK(GetOverlappedResult(h, &ov, &bytes, TRUE));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	expect_nothing();
	/* No OVERLAPPED, no packet. */
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK(ReadFile(h, buf, sizeof(buf), &bytes, NULL));
	expect_nothing();
	/* A port or a routine, not both (W-OVL-10). */
	ov = host_overlapped(NULL);
	CHECK_FAILS(ReadFileEx(h, buf, 1, &ov, never), ERROR_INVALID_PARAMETER);
	CHECK_EQ(SleepEx(0, TRUE), 0);
	expect_nothing();
}

static void closing_the_file(void)
{
	HANDLE h = bound_fifo();
	OVERLAPPED ov = host_overlapped(NULL);

	start_read(h, &ov);
	CHECK(CloseHandle(h));
	expect(&ov, ERROR_OPERATION_ABORTED, 0);
	expect_nothing();
}

/* The file keeps the port, which throws away what comes (W-PORT-12). */
static void closing_the_port(void)
{
	HANDLE h = bound_fifo();
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD bytes;

	for (int i = 0; i < 200; i++) { /* no operation is lost on the way */
		start_read(h, &ov);
		CHECK_EQ(write(peer, "x", 1), 1);
		if (i == 100)
			CHECK(CloseHandle(port));
		CHECK(GetOverlappedResult(h, &ov, &bytes, TRUE));
		CHECK_EQ(bytes, 1);
	}
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(h, NULL, KEY, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(h));
}

/* What counts is where the file is bound when the request ends. */
static void bound_late(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);

	start_read(h, &ov);
	port = CreateIoCompletionPort(h, NULL, KEY, 0);
	CHECK_EQ(write(peer, "x", 1), 1);
	expect(&ov, 0, 1);
}

/* ---- the thread that has issued a request ends ---- */

enum { READS = 5 };
static OVERLAPPED of_thread[READS];
static char of_thread_buf[READS][4];

static DWORD WINAPI issue(LPVOID h)
{
	for (int i = 0; i < READS; i++)
		CHECK_FAILS(ReadFile(h, of_thread_buf[i], 4, NULL, &of_thread[i]),
			    ERROR_IO_PENDING);
	return 0;
}

static void issue_and_end(HANDLE h)
{
	HANDLE t;

	memset(of_thread, 0, sizeof(of_thread));
	t = CreateThread(NULL, 0, issue, h, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
	for (int i = 0; i < READS; i++)
		CHECK(!HasOverlappedIoCompleted(&of_thread[i]));
}

static void outlives_its_thread(void)
{
	HANDLE h = bound_fifo();

	for (int round = 0; round < 50; round++) {
		issue_and_end(h);
		for (int i = 0; i < READS; i++) {
			char data[5];

			snprintf(data, sizeof(data), "%02d%02d", round, i);
			CHECK_EQ(write(peer, data, 4), 4);
			expect(&of_thread[i], 0, 4);
			CHECK(!memcmp(of_thread_buf[i], data, 4));
		}
		expect_nothing();
	}
}

static void cancelled_after_its_thread(void)
{
	HANDLE h = bound_fifo();
	unsigned int ends;

	for (int round = 0; round < 50; round++) {
		issue_and_end(h);
		/* It is nobody's now. */
		CHECK(CancelIo(h));
		for (int i = 0; i < READS; i++)
			CHECK(!HasOverlappedIoCompleted(&of_thread[i]));
		CHECK(CancelIoEx(h, round & 1 ? NULL : &of_thread[2]));
		ends = round & 1 ? READS : 1;
		for (unsigned int i = 0; i < ends; i++) {
			OVERLAPPED *got;
			ULONG_PTR key;
			DWORD bytes;

			CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &got, INFINITE),
				    ERROR_OPERATION_ABORTED);
			CHECK(round & 1 || got == &of_thread[2]);
		}
		for (unsigned int i = 0; ends == 1 && i < READS; i++) {
			if (i == 2)
				continue;
			CHECK_EQ(write(peer, "data", 4), 4);
			expect(&of_thread[i], 0, 4);
		}
		expect_nothing();
	}
}

/* Data, the thread's end and a thread that waits for the packet, all at once. */
static DWORD WINAPI issue_any(LPVOID h)
{
	for (int i = 0; i < READS; i++)
		if (!ReadFile(h, of_thread_buf[i], 4, NULL, &of_thread[i]))
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	return 0;
}

static DWORD WINAPI feed(LPVOID arg)
{
	for (int i = 0; i < READS; i++)
		CHECK_EQ(write(peer, "data", 4), 4);
	(void)arg;
	return 0;
}

static void end_of_thread_against_data(void)
{
	HANDLE h = bound_fifo();

	for (int round = 0; round < 200; round++) {
		HANDLE t[2];

		memset(of_thread, 0, sizeof(of_thread));
		memset(of_thread_buf, 0, sizeof(of_thread_buf));
		t[0] = CreateThread(NULL, 0, issue_any, h, 0, NULL);
		t[1] = CreateThread(NULL, 0, feed, NULL, 0, NULL);
		for (int i = 0; i < READS; i++) {
			expect(&of_thread[i], 0, 4);
			CHECK(!memcmp(of_thread_buf[i], "data", 4));
		}
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
			CHECK(CloseHandle(t[i]));
		}
		expect_nothing();
	}
}

/* ---- a server's threads ---- */

enum { SERVERS = 3, ROUNDS = 3000 };
static atomic_uint bytes_read;
static OVERLAPPED served[2];
static char served_buf[2];

static DWORD WINAPI serve(LPVOID h)
{
	for (;;) {
		OVERLAPPED *ov;
		ULONG_PTR key;
		DWORD bytes;

		CHECK(GetQueuedCompletionStatus(port, &bytes, &key, &ov, INFINITE));
		if (!ov)
			return 0;
		atomic_fetch_add(&bytes_read, bytes);
		if (!ReadFile(h, &served_buf[ov - served], 1, NULL, ov))
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	}
}

static void a_server(void)
{
	HANDLE h = bound_fifo(), t[SERVERS];

	for (int i = 0; i < 2; i++)
		CHECK_FAILS(ReadFile(h, &served_buf[i], 1, NULL, &served[i]), ERROR_IO_PENDING);
	for (int i = 0; i < SERVERS; i++)
		t[i] = CreateThread(NULL, 0, serve, h, 0, NULL);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(write(peer, "xy", 2), 2);
	while (atomic_load(&bytes_read) < 2 * ROUNDS)
		usleep(200);
	CHECK_EQ(atomic_load(&bytes_read), 2 * ROUNDS);
	for (int i = 0; i < SERVERS; i++)
		CHECK(PostQueuedCompletionStatus(port, 0, 0, NULL));
	for (int i = 0; i < SERVERS; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(h));
	for (int i = 0; i < 2; i++) {
		OVERLAPPED *ov;
		ULONG_PTR key;
		DWORD bytes;

		CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &ov, INFINITE),
			    ERROR_OPERATION_ABORTED);
		CHECK(ov == &served[0] || ov == &served[1]);
	}
}

static const struct tap_case cases[] = {
	CASE(association, "association, once and for all (W-PORT-1/2)"),
	CASE(pended, "a packet for what pended, cancelled or not (W-PORT-5/11)"),
	CASE(inline_success, "inline success, and how to do without (W-OVL-5, W-MODE-1)"),
	CASE(no_signal, "the file object is left alone (W-MODE-2)"),
	CASE(waits_without_signal, "and who waits for a request is woken all the same"),
	CASE(without_packet, "what gives no packet (W-EVT-3, W-OVL-10, W-PORT-11)"),
	CASE(closing_the_file, "packets after the file was closed (W-CLOSE-3)"),
	CASE(closing_the_port, "ends after the port was closed (W-PORT-12)"),
	CASE(bound_late, "a file that is bound while it is being read"),
	CASE(outlives_its_thread, "a request outlives its thread (W-THREAD-3)"),
	CASE(cancelled_after_its_thread, "and can be cancelled then (W-THREAD-3)"),
	CASE(end_of_thread_against_data, "a thread's end against the data"),
	CASE(a_server, "several threads serve one port"),
};

TAP_MAIN(cases)
