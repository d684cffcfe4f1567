// SPDX-License-Identifier: MIT
/* Cancelling synchronous calls: CancelSynchronousIo, and CancelIoEx from another thread. */
#include "sync_cancel.h"

static int peer;

static DWORD WINAPI do_write(LPVOID arg)
{
	static char big[300000];
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = WriteFile(c->file, big, sizeof(big), &c->bytes, NULL);
	c->error = GetLastError();
	return 0;
}

static DWORD WINAPI do_open(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->file = host_open(c->path, c->access, c->flags);
	c->ok = c->file != INVALID_HANDLE_VALUE;
	c->error = GetLastError();
	return 0;
}

static void blocked_read(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read);
	DWORD n;

	SetLastError(99);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(GetLastError(), 99);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(c.bytes, 0);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(ReadFile(c.file, c.buf, sizeof(c.buf), &n, NULL));
	CHECK_EQ(n, 4);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void blocked_open(void)
{
	struct call c = { .path = host_path("f"), .access = GENERIC_READ };
	struct call o = { .path = c.path, .access = GENERIC_WRITE, .flags = FILE_FLAG_OVERLAPPED };
	int before;
	HANDLE t;

	CHECK_EQ(mkfifo(c.path, 0600), 0);
	before = open_descriptors();
	t = start(do_open, &c, SYS_openat);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(open_descriptors(), before);
	/* An open is synchronous whatever the handle will be. */
	t = start(do_open, &o, SYS_openat);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(o.error, ERROR_OPERATION_ABORTED);
}

static void blocked_write(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_WRITE, 0, &peer) };
	HANDLE t = start(do_write, &c, SYS_write);
	static char back[65536];
	DWORD got = 0;
	ssize_t r;

	CHECK(CancelSynchronousIo(t));
	finish(t);
	/* What the pipe took is told: success with a part (W-RACE-4). */
	CHECK(c.ok);
	CHECK(c.bytes > 0 && c.bytes < 300000);
	CloseHandle(c.file);
	while ((r = read(peer, back, sizeof(back))) > 0)
		got += (DWORD)r;
	CHECK_EQ(got, c.bytes);
}

static void blocked_terminal(void)
{
	struct call c = { .file = host_tty(GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read);

	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
}

static void ex_reaches_synchronous_reads(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	struct call d = { .file = host_fifo("g", GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read), u = start(do_read, &d, SYS_read);
	OVERLAPPED none = { 0 };

	CHECK_FAILS(CancelIoEx(c.file, &none), ERROR_NOT_FOUND);
	CHECK(CancelIo(c.file));
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	CHECK(CancelIoEx(c.file, NULL));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(u, 20), WAIT_TIMEOUT);
	CHECK(CancelIoEx(d.file, NULL));
	finish(u);
	CHECK_EQ(d.error, ERROR_OPERATION_ABORTED);
}

static void one_request_at_a_time(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) }, d = c;
	HANDLE t = start(do_read, &c, SYS_read), u = start(do_read, &d, SYS_futex);

	/* The second waits for the first, and can be cancelled there. */
	CHECK(CancelSynchronousIo(u));
	finish(u);
	CHECK_EQ(d.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(t, 0), WAIT_TIMEOUT);
	d.tid = 0;
	u = start(do_read, &d, SYS_futex);
	CHECK_EQ(write(peer, "one", 3), 3);
	finish(t);
	CHECK(c.ok);
	CHECK_EQ(c.bytes, 3);
	CHECK_EQ(write(peer, "four", 4), 4);
	finish(u);
	CHECK_EQ(d.bytes, 4);
}

static void last_close_releases_readers(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read);

	CHECK(CloseHandle(c.file));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
}

static HANDLE gate;

static DWORD WINAPI wait_for_gate(LPVOID arg)
{
	__atomic_store_n((DWORD *)arg, GetCurrentThreadId(), __ATOMIC_RELEASE);
	WaitForSingleObject(gate, INFINITE);
	return 0;
}

static DWORD WINAPI sleep_long(LPVOID arg)
{
	__atomic_store_n((DWORD *)arg, GetCurrentThreadId(), __ATOMIC_RELEASE);
	Sleep(300);
	return 0;
}

static atomic_int stop;

static DWORD WINAPI run_free(LPVOID arg)
{
	__atomic_store_n((DWORD *)arg, GetCurrentThreadId(), __ATOMIC_RELEASE);
	while (!atomic_load(&stop))
		sched_yield();
	return 0;
}

static DWORD WINAPI read_hidden(LPVOID arg)
{
	struct call *c = arg;

	return do_read(c);
}

static HANDLE launch(DWORD(WINAPI *fn)(LPVOID), DWORD *tid)
{
	HANDLE t;

	*tid = 0;
	t = CreateThread(NULL, 0, fn, tid, 0, NULL);
	CHECK(t);
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return t;
}

static void nothing_to_cancel(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer) };
	HANDLE self, t;
	DWORD tid;

	gate = CreateEventA(NULL, TRUE, FALSE, NULL);
	t = launch(wait_for_gate, &tid);
	host_wait_syscall(tid, SYS_futex, SYS_futex);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	SetEvent(gate);
	finish(t);
	t = launch(sleep_long, &tid);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	finish(t);
	t = launch(run_free, &tid);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	atomic_store(&stop, 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	/* An overlapped pipe read without OVERLAPPED: only CancelIoEx sees it. */
	t = start(read_hidden, &c, SYS_io_uring_enter);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	CHECK(CancelIoEx(c.file, NULL));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);

	CHECK_FAILS(CancelSynchronousIo(GetCurrentThread()), ERROR_NOT_FOUND);
	self = OpenThread(THREAD_TERMINATE, FALSE, GetCurrentThreadId());
	CHECK_FAILS(CancelSynchronousIo(self), ERROR_NOT_FOUND);
}

static void needs_the_right(void)
{
	HANDLE weak = OpenThread(THREAD_QUERY_INFORMATION | SYNCHRONIZE, FALSE,
				 GetCurrentThreadId());

	CHECK(weak);
	CHECK_FAILS(CancelSynchronousIo(weak), ERROR_ACCESS_DENIED);
	CHECK_FAILS(CancelSynchronousIo(CreateEventA(NULL, TRUE, FALSE, NULL)),
		    ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelSynchronousIo(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelSynchronousIo(INVALID_HANDLE_VALUE), ERROR_INVALID_HANDLE);
}

static const struct tap_case cases[] = {
	CASE(blocked_read, "a blocked read (W-CANCELSYNC-1/5)"),
	CASE(blocked_open, "a blocked open, and no descriptor leaks (W-CREATE-1)"),
	CASE(blocked_write, "a blocked write says what was taken (W-RACE-4)"),
	CASE(blocked_terminal, "a blocked read of a terminal"),
	CASE(ex_reaches_synchronous_reads, "CancelIoEx reaches synchronous reads (W-CANCELIOEX-5, W-CANCELIO-2)"),
	CASE(one_request_at_a_time, "one request at a time, the wait can be cancelled (W-CREATE-4)"),
	CASE(last_close_releases_readers, "the last close releases a blocked reader (W-CLOSE-2)"),
	CASE(nothing_to_cancel, "nothing to cancel (W-CANCELSYNC-2/3)"),
	CASE(needs_the_right, "rights and kinds of handles (W-CANCELSYNC-3)"),
};

TAP_MAIN(cases)
