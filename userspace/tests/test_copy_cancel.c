// SPDX-License-Identifier: MIT
/*
 * A copy that is cancelled by each means, wherever it waits: by CancelSynchronousIo and a scope
 * (W-CANCELSYNC-1, -5), by the flag (W-COPY-2). To all of them it is one synchronous call.
 */
#include <cancellationscope.h>
#include <sys/ioctl.h>
#include <windows.h>

#include "copy.h"

/* One copy made in a thread of its own, and how it went. */
struct copier {
	const char *from, *to;
	DWORD flags;
	LPPROGRESS_ROUTINE routine;
	BOOL *cancel;
	HANDLE scope, thread;
	DWORD tid, error;
	BOOL ok;
};

static DWORD WINAPI copy(LPVOID arg)
{
	struct copier *c = arg;

	if (c->scope)
		CHECK(EnterCancellationScope(c->scope));
	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0xdead);
	c->ok = CopyFileExA(c->from, c->to, c->routine, c, c->cancel, c->flags);
	c->error = GetLastError();
	if (c->scope)
		CHECK(LeaveCancellationScope(c->scope));
	return 0;
}

static void start(struct copier *c)
{
	c->tid = 0;
	c->thread = CreateThread(NULL, 0, copy, c, 0, NULL);
	CHECK(c->thread);
	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void ends_with(struct copier *c, DWORD error)
{
	CHECK_EQ(WaitForSingleObject(c->thread, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(c->thread));
	CHECK_EQ(c->ok, !error);
	CHECK_EQ(c->error, error);
}

static void wait_in(const struct copier *c, long nr)
{
	host_wait_syscall(c->tid, nr, nr);
}

/* A FIFO; with a peer, one that has both ends and keeps the copy's open from waiting. */
static const char *fifo(const char *name, int *peer)
{
	const char *path = host_path(name);

	unlink(path);
	CHECK_EQ(mkfifo(path, 0600), 0);
	if (!peer)
		return path;
	*peer = open(path, O_RDWR | O_CLOEXEC);
	CHECK(*peer >= 0);
	return path;
}

enum means { BY_THREAD, BY_SCOPE, BY_FLAG, BY_TIME, MEANS };

static const DWORD error_of[MEANS] = {ERROR_OPERATION_ABORTED, ERROR_OPERATION_ABORTED,
				      ERROR_REQUEST_ABORTED, ERROR_OPERATION_ABORTED};

static BOOL flag;

static void prepare(struct copier *c, enum means by)
{
	flag = FALSE;
	c->cancel = by == BY_FLAG ? &flag : NULL;
	c->scope = by == BY_SCOPE || by == BY_TIME ? CreateCancellationScope(NULL, 0) : NULL;
}

static void cancel(struct copier *c, enum means by)
{
	switch (by) {
	case BY_THREAD:
		CHECK(CancelSynchronousIo(c->thread));
		break;
	case BY_SCOPE:
		CHECK(CancelCancellationScope(c->scope));
		break;
	case BY_FLAG:
		__atomic_store_n(&flag, TRUE, __ATOMIC_RELEASE);
		break;
	default:
		CHECK(SetCancellationScopeTimeout(c->scope, 1));
		break;
	}
	ends_with(c, error_of[by]);
	if (c->scope)
		CHECK(CloseHandle(c->scope));
}

/* What has come is copied, and the next read waits. */
static void in_a_read(void)
{
	for (int by = 0; by < MEANS; by++) {
		struct copier c = {.to = host_path("to")};
		int peer;

		c.from = fifo("fifo", &peer);
		prepare(&c, by);
		CHECK_EQ(write(peer, "abc", 3), 3);
		start(&c);
		while (size_of(c.to) != 3)
			usleep(200);
		wait_in(&c, SYS_ppoll);
		cancel(&c, by);
		CHECK(!host_exists(c.to));
		close(peer);
	}
}

/* Where there is nobody at the other end yet. */
static void in_an_open(void)
{
	for (int by = 0; by < MEANS; by++) {
		struct copier c = {.from = fifo("fifo", NULL), .to = copy_source("to", 500)};

		prepare(&c, by);
		start(&c);
		wait_in(&c, SYS_openat);
		cancel(&c, by);
		/* The target has not been touched. */
		CHECK_EQ(size_of(c.to), 500);
		c.from = c.to;
		c.to = fifo("fifo", NULL);
		prepare(&c, by);
		start(&c);
		wait_in(&c, SYS_openat);
		cancel(&c, by);
	}
}

/* A full FIFO as the target; and it stays, being no file. */
static void in_a_write(void)
{
	for (int by = 0; by < MEANS; by++) {
		struct copier c = {.from = copy_source("from", MIB)};
		int peer;

		c.to = fifo("fifo", &peer);
		prepare(&c, by);
		start(&c);
		wait_in(&c, SYS_write);
		cancel(&c, by);
		CHECK(host_exists(c.to));
		close(peer);
	}
}

/* From one FIFO to a full one: what cannot be written is not taken out of the source. */
static void loses_nothing(void)
{
	static char full[1 << 16];
	struct copier c = {0};
	int in, out, waiting;

	c.from = fifo("from", &in);
	c.to = fifo("to", &out);
	CHECK_EQ(write(out, full, sizeof(full)), sizeof(full));
	CHECK_EQ(write(in, "abc", 3), 3);
	start(&c);
	wait_in(&c, SYS_ppoll);
	CHECK(CancelSynchronousIo(c.thread));
	ends_with(&c, ERROR_OPERATION_ABORTED);
	CHECK_EQ(ioctl(in, FIONREAD, &waiting), 0);
	CHECK_EQ(waiting, 3);
}

/* It begins as cancelled, and opens nothing. */
static void in_a_cancelled_scope(void)
{
	const char *from = copy_source("from", MIB), *to = copy_source("to", 500);
	HANDLE scope = CreateCancellationScope(NULL, 0);

	CHECK(CancelCancellationScope(scope));
	CHECK(EnterCancellationScope(scope));
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(CopyFileExA(from, to, NULL, NULL, NULL, COPY_FILE_COPY_SYMLINK),
		    ERROR_OPERATION_ABORTED);
	CHECK_EQ(symlink("from", host_path("l")), 0);
	CHECK_FAILS(CopyFileExA(host_path("l"), host_path("l2"), NULL, NULL, NULL,
				COPY_FILE_COPY_SYMLINK),
		    ERROR_OPERATION_ABORTED);
	CHECK(!host_exists(host_path("l2")));
	CHECK(LeaveCancellationScope(scope));
	CHECK_EQ(size_of(to), 500);
	CHECK(CopyFileA(from, to, FALSE));
	CHECK(CloseHandle(scope));
	copy_same(from, to);
}

static DWORD WINAPI cancel_scope(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				 LARGE_INTEGER stream_done, DWORD stream, DWORD reason,
				 HANDLE source, HANDLE target, LPVOID data)
{
	struct copier *c = data;

	(void)size, (void)stream_size, (void)stream_done, (void)stream, (void)reason, (void)source;
	(void)target;
	if (done.QuadPart > 0)
		CHECK(CancelCancellationScope(c->scope));
	return PROGRESS_CONTINUE;
}

static void scope_from_the_routine(void)
{
	struct copier c = {.from = copy_source("from", 9 * MIB),
			   .to = host_path("to"),
			   .routine = cancel_scope,
			   .scope = CreateCancellationScope(NULL, 0)};

	start(&c);
	ends_with(&c, ERROR_OPERATION_ABORTED);
	CHECK(!host_exists(c.to));
	/* A copy that can be gone on with is kept: it was not the copy's caller who gave it up. */
	CHECK(CloseHandle(c.scope));
	c.scope = CreateCancellationScope(NULL, 0);
	c.flags = COPY_FILE_RESTARTABLE;
	start(&c);
	ends_with(&c, ERROR_OPERATION_ABORTED);
	CHECK(host_exists(c.to));
	CHECK(CloseHandle(c.scope));
	c.scope = NULL;
	c.routine = NULL;
	start(&c);
	ends_with(&c, 0);
	copy_same(c.from, c.to);
}

static HANDLE reached, go_on;

static DWORD WINAPI wait_there(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
			       LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
			       HANDLE target, LPVOID data)
{
	(void)size, (void)stream_size, (void)stream_done, (void)stream, (void)reason, (void)source;
	(void)target, (void)data;
	if (done.QuadPart == 0) {
		SetEvent(reached);
		WaitForSingleObject(go_on, INFINITE);
	}
	return PROGRESS_CONTINUE;
}

/* In the routine a copy is not the call that the thread is in (W-CANCELSYNC-2). */
static void in_the_routine(void)
{
	struct copier c = {.from = copy_source("from", MIB),
			   .to = host_path("to"),
			   .routine = wait_there,
			   .cancel = &flag};

	reached = host_event(FALSE, FALSE);
	go_on = host_event(FALSE, FALSE);
	start(&c);
	CHECK_EQ(WaitForSingleObject(reached, INFINITE), WAIT_OBJECT_0);
	CHECK_FAILS(CancelSynchronousIo(c.thread), ERROR_NOT_FOUND);
	CHECK(SetEvent(go_on));
	ends_with(&c, 0);
	copy_same(c.from, c.to);
	/* Nor is the flag's cancel for a call of the routine's own, however long that lasts. */
	c.to = host_path("to2");
	start(&c);
	CHECK_EQ(WaitForSingleObject(reached, INFINITE), WAIT_OBJECT_0);
	__atomic_store_n(&flag, TRUE, __ATOMIC_RELEASE);
	usleep(60000);
	CHECK_EQ(WaitForSingleObject(c.thread, 0), WAIT_TIMEOUT);
	CHECK(SetEvent(go_on));
	ends_with(&c, ERROR_REQUEST_ABORTED);
	CHECK(!host_exists(c.to));
}

static HANDLE source_handle;

static DWORD WINAPI tell_source(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				LARGE_INTEGER stream_done, DWORD stream, DWORD reason,
				HANDLE source, HANDLE target, LPVOID data)
{
	(void)size, (void)done, (void)stream_size, (void)stream_done, (void)stream, (void)reason;
	(void)target, (void)data;
	__atomic_store_n(&source_handle, source, __ATOMIC_RELEASE);
	return PROGRESS_CONTINUE;
}

/* Who knows the source's handle has another way (W-CANCELIOEX-5). */
static void by_the_source(void)
{
	struct copier c = {.to = host_path("to"), .routine = tell_source};
	int peer;

	c.from = fifo("fifo", &peer);
	start(&c);
	while (!__atomic_load_n(&source_handle, __ATOMIC_ACQUIRE))
		sched_yield();
	wait_in(&c, SYS_ppoll);
	CHECK(CancelIoEx(source_handle, NULL));
	ends_with(&c, ERROR_OPERATION_ABORTED);
	CHECK(!host_exists(c.to));
}

/*
 * At any moment of a copy that does not wait: whoever is told that there was a call to be cancelled
 * is right, but for those who came after the last byte.
 */
static void at_any_moment(void)
{
	struct copier c = {.from = copy_source("from", 24 * MIB), .to = host_path("to")};
	long rounds = host_rounds(200), cancelled = 0;

	for (long i = 0; i < rounds; i++) {
		unlink(c.to);
		start(&c);
		for (volatile long spin = i * 997 % 200000; spin > 0; spin--)
			;
		while (!CancelSynchronousIo(c.thread)) {
			CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
			if (WaitForSingleObject(c.thread, 0) == WAIT_OBJECT_0)
				break;
		}
		CHECK_EQ(WaitForSingleObject(c.thread, INFINITE), WAIT_OBJECT_0);
		CHECK(c.ok || c.error == ERROR_OPERATION_ABORTED);
		CHECK_EQ(host_exists(c.to), c.ok);
		if (c.ok)
			CHECK_EQ(size_of(c.to), 24 * MIB);
		cancelled += !c.ok;
		CHECK(CloseHandle(c.thread));
	}
	printf("# %ld of %ld cancelled\n", cancelled, rounds);
	/* valgrind lets one thread run at a time, and that may be the copy. */
	CHECK(HOST_SANITIZED || cancelled > rounds / 2);
}

static const struct tap_case cases[] = {
	CASE(in_a_read, "a read that waits, by each means"),
	CASE(in_an_open, "an open that waits, by each means"),
	CASE(in_a_write, "a write that waits, by each means"),
	CASE(loses_nothing, "nothing is lost between two streams"),
	CASE(in_a_cancelled_scope, "a scope that is cancelled already"),
	CASE(scope_from_the_routine, "a scope, from the routine"),
	CASE(in_the_routine, "not while the routine runs (W-CANCELSYNC-2)"),
	CASE(by_the_source, "by the source's handle (W-CANCELIOEX-5)"),
	CASE(at_any_moment, "at any moment"),
};

TAP_MAIN(cases)
