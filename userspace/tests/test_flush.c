// SPDX-License-Identifier: MIT
/* FlushFileBuffers (W-FLUSH-1, -2). */
#include <windows.h>

#include "files.h"

static void files(void)
{
	const char *p = host_path("f");
	HANDLE h = create(p, RW, SHARE_ALL, CREATE_NEW, 0), r, a, o;
	DWORD n;

	CHECK(WriteFile(h, "abc", 3, &n, NULL));
	SetLastError(0xdead);
	CHECK(FlushFileBuffers(h));
	CHECK_EQ(GetLastError(), 0xdead);
	a = create(p, FILE_APPEND_DATA, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(FlushFileBuffers(a));
	o = create(p, RW, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	CHECK(FlushFileBuffers(o));
	/* It takes the right to write (W-FLUSH-1). */
	r = create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_FAILS(FlushFileBuffers(r), ERROR_ACCESS_DENIED);
	CHECK_FAILS(FlushFileBuffers(create(p, 0, 0, OPEN_EXISTING, 0)), ERROR_ACCESS_DENIED);
	CHECK_FAILS(FlushFileBuffers(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(FlushFileBuffers(INVALID_HANDLE_VALUE), ERROR_INVALID_HANDLE);
	CHECK_FAILS(FlushFileBuffers(CreateEventA(NULL, TRUE, FALSE, NULL)), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(h));
	CHECK_FAILS(FlushFileBuffers(h), ERROR_INVALID_HANDLE);
}

static void devices(void)
{
	int peer;
	HANDLE t = host_tty(RW, 0, &peer);

	/* There is nothing to flush, and no call for it. */
	CHECK_FAILS(FlushFileBuffers(create("NUL", RW, 0, OPEN_EXISTING, 0)),
		    ERROR_INVALID_FUNCTION);
	/* A line's output is waited for. */
	CHECK(FlushFileBuffers(t));
	/* A terminal that is the program's own is a console, and cannot be flushed (W-FLUSH-2). */
	CHECK(dup2(peer, 2) == 2);
	CHECK_FAILS(FlushFileBuffers(GetStdHandle(STD_ERROR_HANDLE)), ERROR_INVALID_HANDLE);
}

/* A flush made in a thread of its own, and how it went. */
struct call {
	HANDLE file;
	DWORD tid, error;
	BOOL ok;
};

static DWORD WINAPI do_flush(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = FlushFileBuffers(c->file);
	c->error = GetLastError();
	return 0;
}

static HANDLE start(struct call *c, long nr)
{
	HANDLE t;

	c->tid = 0;
	t = CreateThread(NULL, 0, do_flush, c, 0, NULL);
	CHECK(t);
	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(c->tid, nr, nr);
	return t;
}

static void finish(HANDLE t)
{
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
}

static void empty_pipe(void)
{
	HANDLE r, w;

	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK(FlushFileBuffers(w));
	CHECK_FAILS(FlushFileBuffers(r), ERROR_ACCESS_DENIED);
	/* What nobody can read any more is lost already. */
	CHECK(WriteFile(w, "abc", 3, &(DWORD){ 0 }, NULL));
	CHECK(CloseHandle(r));
	CHECK(FlushFileBuffers(w));
}

static void waits_for_the_reader(void)
{
	struct call c;
	HANDLE r, t;
	char buf[8];
	DWORD n;

	CHECK(CreatePipe(&r, &c.file, NULL, 0));
	CHECK(WriteFile(c.file, "abc", 3, &n, NULL));
	t = start(&c, SYS_ppoll);
	CHECK(ReadFile(r, buf, 2, &n, NULL));
	/* One byte is left, and the flush goes back to its wait. */
	CHECK_EQ(WaitForSingleObject(t, 50), WAIT_TIMEOUT);
	host_wait_syscall(c.tid, SYS_ppoll, SYS_ppoll);
	CHECK(ReadFile(r, buf, 2, &n, NULL));
	CHECK_EQ(n, 1);
	finish(t);
	CHECK(c.ok);
}

static void reader_goes_away(void)
{
	struct call c;
	HANDLE r, t;
	DWORD n;

	CHECK(CreatePipe(&r, &c.file, NULL, 0));
	CHECK(WriteFile(c.file, "abc", 3, &n, NULL));
	t = start(&c, SYS_ppoll);
	CHECK(CloseHandle(r));
	finish(t);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_BROKEN_PIPE);
}

/* A synchronous request on every handle: both cancels reach it, and no byte is lost (W-FLUSH-1). */
static void cancelled(void)
{
	DWORD flags[] = { 0, FILE_FLAG_OVERLAPPED };
	const char *names[] = { "f", "g" };

	for (int i = 0; i < 2; i++) {
		OVERLAPPED ov = host_overlapped(NULL);
		struct call c;
		char buf[8];
		HANDLE t;
		int peer;

		c.file = host_fifo(names[i], GENERIC_WRITE, flags[i], &peer);
		CHECK(WriteFile(c.file, "abc", 3, NULL, &ov));
		t = start(&c, SYS_ppoll);
		CHECK(CancelSynchronousIo(t));
		finish(t);
		CHECK(!c.ok);
		CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
		t = start(&c, SYS_ppoll);
		CHECK_FAILS(CancelIoEx(c.file, &ov), ERROR_NOT_FOUND);
		CHECK(CancelIoEx(c.file, NULL));
		finish(t);
		CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
		t = start(&c, SYS_ppoll);
		CHECK_EQ(read(peer, buf, sizeof(buf)), 3);
		finish(t);
		CHECK(c.ok);
	}
}

static void last_close_releases_it(void)
{
	struct call c;
	HANDLE r, t;
	DWORD n;

	CHECK(CreatePipe(&r, &c.file, NULL, 0));
	CHECK(WriteFile(c.file, "abc", 3, &n, NULL));
	t = start(&c, SYS_ppoll);
	CHECK(CloseHandle(c.file));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
}

/* On a synchronous handle the next request waits until the flush is over (W-CREATE-4). */
static void one_at_a_time(void)
{
	struct call c, d;
	HANDLE r, t, u;
	char buf[8];
	DWORD n;

	CHECK(CreatePipe(&r, &c.file, NULL, 0));
	CHECK(WriteFile(c.file, "abc", 3, &n, NULL));
	t = start(&c, SYS_ppoll);
	d.file = c.file;
	u = start(&d, SYS_futex);
	CHECK(CancelSynchronousIo(u));
	finish(u);
	CHECK_EQ(d.error, ERROR_OPERATION_ABORTED);
	CHECK(ReadFile(r, buf, 8, &n, NULL));
	finish(t);
	CHECK(c.ok);
}

static void leaves_no_descriptor(void)
{
	struct call c;
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;
	HANDLE r, t;
	DWORD n;

	CHECK(CreatePipe(&r, &c.file, NULL, 0));
	CHECK(WriteFile(c.file, "abc", 3, &n, NULL));
	t = start(&c, SYS_ppoll);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* The pipe's two are between them. */
	CHECK_EQ(after, before + 3);
}

static const struct tap_case cases[] = {
	CASE(files, "files, and the right to write (W-FLUSH-1)"),
	CASE(devices, "devices, lines and consoles (W-FLUSH-2)"),
	CASE(empty_pipe, "a pipe with nothing in it, or without a reader"),
	CASE(waits_for_the_reader, "a pipe: until all has been read (W-FLUSH-2)"),
	CASE(reader_goes_away, "a pipe whose reader goes away"),
	CASE(cancelled, "CancelSynchronousIo and CancelIoEx (W-FLUSH-1, W-CANCELIOEX-5)"),
	CASE(last_close_releases_it, "the last close (W-CLOSE-2)"),
	CASE(one_at_a_time, "one request at a time (W-CREATE-4)"),
	CASE(leaves_no_descriptor, "a cancelled flush leaves nothing behind"),
};

TAP_MAIN(cases)
