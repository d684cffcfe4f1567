// SPDX-License-Identifier: MIT
/* Cancellation scopes, which are beyond Windows: every call begun inside, whatever the timing. */
#include <cancellationscope.h>
#include <stdbool.h>
#include <windows.h>

#include "host.h"

#define CANCELLED 0xC0000120u

static int peer, race_end;
static char buf[64];

static HANDLE new_scope(void)
{
	HANDLE scope = CreateCancellationScope(NULL, 0);

	CHECK(scope);
	return scope;
}

static BOOL is_cancelled(HANDLE scope)
{
	BOOL cancelled = 42;

	CHECK(IsCancellationScopeCancelled(scope, &cancelled));
	CHECK(cancelled == TRUE || cancelled == FALSE);
	return cancelled;
}

static HANDLE new_file(const char *name)
{
	HANDLE h = CreateFileA(host_path(name), GENERIC_READ | GENERIC_WRITE,
			       FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS, 0, NULL);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

/* A thread inside a scope, blocked in a read of `file`, and what becomes of that. */
struct reader {
	HANDLE scope, inner, file;
	OVERLAPPED *overlapped;
	DWORD tid, error, bytes;
	BOOL ok;
};

static DWORD WINAPI read_inside(LPVOID arg)
{
	struct reader *r = arg;

	CHECK(EnterCancellationScope(r->scope));
	if (r->inner)
		CHECK(EnterCancellationScope(r->inner));
	__atomic_store_n(&r->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	r->ok = ReadFile(r->file, buf, sizeof(buf), &r->bytes, NULL);
	r->error = GetLastError();
	if (r->inner)
		CHECK(LeaveCancellationScope(r->inner));
	CHECK(LeaveCancellationScope(r->scope));
	return 0;
}

static HANDLE start(struct reader *r)
{
	HANDLE t = CreateThread(NULL, 0, read_inside, r, 0, NULL);

	CHECK(t);
	while (!__atomic_load_n(&r->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(r->tid, SYS_read, SYS_futex);
	return t;
}

static void ends_aborted(struct reader *r, HANDLE t)
{
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
	CHECK(!r->ok);
	CHECK_EQ(r->error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(r->bytes, 0);
}

static void blocked_read(void)
{
	struct reader r = { .scope = new_scope() };
	HANDLE t;
	DWORD n;

	r.file = host_fifo("f", GENERIC_READ, 0, &peer);
	t = start(&r);
	CHECK(!is_cancelled(r.scope));
	CHECK_EQ(WaitForSingleObject(r.scope, 0), WAIT_TIMEOUT);
	CHECK(CancelCancellationScope(r.scope));
	ends_aborted(&r, t);
	CHECK(is_cancelled(r.scope));
	CHECK_EQ(WaitForSingleObject(r.scope, 0), WAIT_OBJECT_0);
	CHECK(CancelCancellationScope(r.scope));
	/* Outside, the file is as it was. */
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(ReadFile(r.file, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 4);
}

static void blocked_open(void)
{
	const char *path = host_path("f");
	HANDLE scope = new_scope(), h;

	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK(EnterCancellationScope(scope));
	CHECK(SetCancellationScopeTimeout(scope, 50));
	SetLastError(0);
	CHECK(host_open(path, GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CHECK(host_open(path, GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK(LeaveCancellationScope(scope));
	h = host_open(path, GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	CHECK(h != INVALID_HANDLE_VALUE);
}

static int calls;

static VOID WINAPI count_call(DWORD error, DWORD bytes, LPOVERLAPPED overlapped)
{
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(overlapped->Internal, CANCELLED);
	calls++;
}

/* Every call of a cancelled scope fails, and has done nothing. */
static void every_synchronous_call(void)
{
	HANDLE scope = new_scope(), file = new_file("f"), h;
	HANDLE fifo = host_fifo("p", GENERIC_READ, 0, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n = 7;

	CHECK(WriteFile(file, "12345678", 8, &n, NULL));
	CHECK_EQ(write(peer, "ready", 5), 5);
	CHECK(CancelCancellationScope(scope));
	CHECK(EnterCancellationScope(scope)); /* TRUE all the same */
	CHECK_FAILS(WriteFile(file, "x", 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK_EQ(n, 0);
	CHECK_FAILS(ReadFile(file, buf, 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(ReadFile(file, buf, 1, &n, &ov), ERROR_OPERATION_ABORTED);
	CHECK_EQ(ov.Internal, CANCELLED);
	CHECK_FAILS(ReadFile(fifo, buf, 5, &n, NULL), ERROR_OPERATION_ABORTED);
	SetLastError(0);
	h = CreateFileA(host_path("new"), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
	CHECK(h == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CHECK(access(host_path("new"), F_OK) != 0);
	/* Of a synchronous file it has been pending, so its routine is called. */
	CHECK(ReadFileEx(file, buf, 1, &ov, count_call));
	CHECK_EQ(calls, 0);
	CHECK_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(calls, 1);
	CHECK(LeaveCancellationScope(scope));

	memset(&ov, 0, sizeof(ov));
	CHECK(ReadFile(file, buf, sizeof(buf), &n, &ov));
	CHECK_EQ(n, 8);
	CHECK(!memcmp(buf, "12345678", 8));
	CHECK(ReadFile(fifo, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 5);
}

static void pending_requests(void)
{
	HANDLE scope = new_scope(), fifo = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	HANDLE other = host_fifo("g", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	enum { N = 100 };
	static OVERLAPPED in[N], out;
	static char bytes[N];
	DWORD n;

	out = host_overlapped(host_manual_event());
	CHECK_FAILS(ReadFile(other, buf, 1, NULL, &out), ERROR_IO_PENDING);
	CHECK(EnterCancellationScope(scope));
	for (int i = 0; i < N; i++) {
		in[i] = host_overlapped(host_manual_event());
		CHECK_FAILS(ReadFile(fifo, &bytes[i], 1, NULL, &in[i]), ERROR_IO_PENDING);
	}
	/* They belong to the scope, even when their thread has left. */
	CHECK(LeaveCancellationScope(scope));
	CHECK(CancelCancellationScope(scope));
	for (int i = 0; i < N; i++)
		CHECK_FAILS(GetOverlappedResult(fifo, &in[i], &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK(!HasOverlappedIoCompleted(&out));
	CHECK_EQ(write(peer, "y", 1), 1);
	CHECK(GetOverlappedResult(other, &out, &n, TRUE));
}

static void refused_requests(void)
{
	HANDLE scope = new_scope(), fifo = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	DWORD n;

	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(EnterCancellationScope(scope));
	CHECK(CancelCancellationScope(scope));
	/* An inline error, and so nothing is told (W-OVL-7). */
	CHECK_FAILS(ReadFile(fifo, buf, 4, NULL, &ov), ERROR_OPERATION_ABORTED);
	CHECK_EQ(ov.Internal, STATUS_PENDING);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	CHECK_FAILS(ReadFileEx(fifo, buf, 4, &ov, count_call), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(ReadFile(fifo, buf, 4, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK_EQ(SleepEx(0, TRUE), 0);
	CHECK_EQ(calls, 0);
	CHECK(LeaveCancellationScope(scope));
	if (!ReadFile(fifo, buf, 4, NULL, &ov))
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	CHECK(GetOverlappedResult(fifo, &ov, &n, TRUE));
	CHECK_EQ(n, 4);
}

static void routine_is_called(void)
{
	HANDLE scope = new_scope(), fifo = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);

	CHECK(EnterCancellationScope(scope));
	CHECK(ReadFileEx(fifo, buf, 1, &ov, count_call));
	CHECK_EQ(SleepEx(0, TRUE), 0);
	CHECK(CancelCancellationScope(scope));
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(calls, 1);
}

static void hidden_request(void)
{
	struct reader r = { .scope = new_scope() };
	HANDLE t;

	r.file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	t = CreateThread(NULL, 0, read_inside, &r, 0, NULL);
	while (!__atomic_load_n(&r.tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(r.tid, SYS_io_uring_enter, SYS_futex);
	CHECK(CancelCancellationScope(r.scope));
	ends_aborted(&r, t);
}

static void outer_cancels_inner(void)
{
	struct reader r = { .scope = new_scope(), .inner = new_scope() };
	HANDLE t;

	r.file = host_fifo("f", GENERIC_READ, 0, &peer);
	t = start(&r);
	CHECK(CancelCancellationScope(r.scope));
	ends_aborted(&r, t);
	CHECK(!is_cancelled(r.inner));
	CHECK_EQ(WaitForSingleObject(r.inner, 0), WAIT_TIMEOUT);
}

static void inner_spares_outer(void)
{
	HANDLE outer = new_scope(), inner = new_scope(), file = new_file("f");
	HANDLE fifo = host_fifo("p", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(host_manual_event()), in = host_overlapped(host_manual_event());
	DWORD n;

	CHECK(EnterCancellationScope(outer));
	CHECK_FAILS(ReadFile(fifo, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(EnterCancellationScope(inner));
	CHECK_FAILS(ReadFile(fifo, buf, 1, NULL, &in), ERROR_IO_PENDING);
	CHECK(WriteFile(file, "x", 1, &n, NULL));
	CHECK(CancelCancellationScope(inner));
	CHECK_FAILS(WriteFile(file, "x", 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(GetOverlappedResult(fifo, &in, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK(LeaveCancellationScope(inner));
	CHECK(WriteFile(file, "x", 1, &n, NULL));
	CHECK(CancelCancellationScope(outer));
	CHECK_FAILS(GetOverlappedResult(fifo, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(WriteFile(file, "x", 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK(LeaveCancellationScope(outer));
	CHECK(WriteFile(file, "x", 1, &n, NULL));
}

static void entered_twice(void)
{
	HANDLE scope = new_scope(), file = new_file("f");
	DWORD n;

	CHECK(EnterCancellationScope(scope));
	CHECK(EnterCancellationScope(scope));
	CHECK(CancelCancellationScope(scope));
	CHECK(LeaveCancellationScope(scope));
	CHECK_FAILS(WriteFile(file, "x", 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK(LeaveCancellationScope(scope));
	CHECK(WriteFile(file, "x", 1, &n, NULL));
	CHECK_FAILS(LeaveCancellationScope(scope), ERROR_NOT_OWNER);
}

static void several_threads(void)
{
	enum { N = 8 };
	struct reader r[N] = { { 0 } }, outside = { .scope = new_scope() };
	HANDLE t[N], o, scope = new_scope();

	for (int i = 0; i < N; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		r[i].scope = scope;
		r[i].file = host_fifo(name, GENERIC_READ, 0, &peer);
		t[i] = start(&r[i]);
	}
	outside.file = host_fifo("f", GENERIC_READ, 0, &peer);
	o = start(&outside);
	CHECK(CancelCancellationScope(scope));
	for (int i = 0; i < N; i++)
		ends_aborted(&r[i], t[i]);
	host_wait_syscall(outside.tid, SYS_read, SYS_read);
	CHECK_EQ(WaitForSingleObject(o, 0), WAIT_TIMEOUT);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(o, INFINITE), WAIT_OBJECT_0);
	CHECK(outside.ok);
}

/* The seed's first hole: nothing is under way when the cancel comes, and the next call blocks. */
struct between {
	HANDLE scope, fifo, at, go;
	DWORD error;
};

static DWORD WINAPI two_calls(LPVOID arg)
{
	struct between *b = arg;
	DWORD n;

	CHECK(EnterCancellationScope(b->scope));
	CHECK(ReadFile(b->fifo, buf, 1, &n, NULL));
	SetEvent(b->at);
	CHECK_EQ(WaitForSingleObject(b->go, INFINITE), WAIT_OBJECT_0); /* no I/O: it is not ended */
	b->error = ReadFile(b->fifo, buf, 1, &n, NULL) ? 0 : GetLastError();
	/* The thread ends inside. */
	return 0;
}

static void cancelled_between_two_calls(void)
{
	struct between b = { new_scope(), host_fifo("f", GENERIC_READ, 0, &peer), host_manual_event(),
			     host_manual_event(), 0 };
	HANDLE t;

	CHECK_EQ(write(peer, "1", 1), 1);
	t = CreateThread(NULL, 0, two_calls, &b, 0, NULL);
	CHECK_EQ(WaitForSingleObject(b.at, INFINITE), WAIT_OBJECT_0);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	CHECK(CancelCancellationScope(b.scope));
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	SetEvent(b.go);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(b.error, ERROR_OPERATION_ABORTED);
	CHECK(CloseHandle(b.scope));
}

/*
 * The second hole: the cancel comes when its call is over, and hits the next. Each round the cancel
 * races with reads inside, with leaving, and with reads outside, of which each finds a byte.
 */
static HANDLE race_scope[2];
static atomic_int race_round, race_done, race_over;

static DWORD WINAPI race_canceller(LPVOID arg)
{
	(void)arg;
	for (int i = 1;; i++) {
		/* It spins, to be there at once; but not where it has no processor of its own. */
		for (int spun = 0; atomic_load(&race_round) < i; spun++) {
			if (atomic_load(&race_over))
				return 0;
			if (spun > 1000)
				sched_yield();
		}
		for (volatile int spin = i * 7 % 2000; spin > 0; spin--)
			;
		CHECK(CancelCancellationScope(race_scope[i % 2]));
		atomic_store(&race_done, i);
	}
}

/* Whether the read inside, of the one byte that is there, was cancelled. */
static bool race_read(HANDLE fifo)
{
	DWORD n = 42;

	CHECK_EQ(write(peer, "x", 1), 1);
	if (ReadFile(fifo, buf, 1, &n, NULL)) {
		CHECK_EQ(n, 1);
		return false;
	}
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CHECK_EQ(n, 0);
	CHECK_EQ(read(race_end, buf, 1), 1);
	return true;
}

/* As many rounds as fit into a minute: on a busy machine each waits for a processor twice. */
static void race_with_leave(bool overlapped, long rounds)
{
	DWORD flags = overlapped ? FILE_FLAG_OVERLAPPED : 0;
	HANDLE fifo = host_fifo("f", GENERIC_READ, flags, &peer), t;
	int inside = 0, outside = 0, i = 0;
	double began = host_seconds();

	race_end = open(host_path("f"), O_RDONLY | O_CLOEXEC);
	CHECK(race_end >= 0);
	t = CreateThread(NULL, 0, race_canceller, NULL, 0, NULL);
	while (i < rounds && (host_seconds() - began < 60 || !inside || !outside)) {
		HANDLE scope = new_scope();
		bool aborted = false;

		race_scope[++i % 2] = scope;
		CHECK(EnterCancellationScope(scope));
		atomic_store(&race_round, i);
		for (int reads = i % 8; reads > 0; reads--) {
			bool now = race_read(fifo);

			CHECK(now || !aborted); /* it sticks */
			aborted = now;
		}
		CHECK(LeaveCancellationScope(scope));
		if (atomic_load(&race_done) < i)
			outside++;
		inside += aborted;
		do {
			CHECK(!race_read(fifo));
			sched_yield();
		} while (atomic_load(&race_done) < i);
		CHECK(CloseHandle(scope));
	}
	atomic_store(&race_over, 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	printf("# of %d rounds %d were cancelled inside, %d outside\n", i, inside, outside);
	CHECK(inside && outside);
}

static void leave_is_exact(void)
{
	race_with_leave(false, host_rounds(20000));
}

static void leave_is_exact_overlapped(void)
{
	race_with_leave(true, host_rounds(10000));
}

static void timeout(void)
{
	HANDLE scope = new_scope(), fifo = host_fifo("f", GENERIC_READ, 0, &peer);
	double before = host_seconds();
	DWORD n;

	CHECK(EnterCancellationScope(scope));
	CHECK(SetCancellationScopeTimeout(scope, 60));
	CHECK_FAILS(ReadFile(fifo, buf, 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK(host_seconds() - before >= 0.06);
	CHECK(LeaveCancellationScope(scope));
	/* What is cancelled stays so, whatever is set. */
	CHECK(SetCancellationScopeTimeout(scope, INFINITE));
	CHECK(is_cancelled(scope));
}

static void timeouts_are_set_anew(void)
{
	HANDLE a = new_scope(), b = new_scope(), c = new_scope();
	HANDLE both[2] = { a, b };
	double before = host_seconds();

	CHECK(SetCancellationScopeTimeout(a, 100000));
	CHECK(SetCancellationScopeTimeout(b, 40));
	CHECK(SetCancellationScopeTimeout(c, 20));
	CHECK(SetCancellationScopeTimeout(c, INFINITE));
	CHECK_EQ(WaitForSingleObject(b, INFINITE), WAIT_OBJECT_0);
	CHECK(host_seconds() - before >= 0.04);
	CHECK_EQ(WaitForSingleObject(a, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(c, 60), WAIT_TIMEOUT);
	CHECK(SetCancellationScopeTimeout(a, 10));
	CHECK_EQ(WaitForSingleObject(a, INFINITE), WAIT_OBJECT_0);
	CHECK(SetCancellationScopeTimeout(c, 0)); /* at once */
	CHECK(is_cancelled(c));
	for (int i = 0; i < 2; i++)
		CHECK(CloseHandle(both[i]));
}

static void bound_handle(void)
{
	HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL); /* auto-reset */
	struct reader r = { .scope = new_scope() };
	HANDLE t;

	r.file = host_fifo("f", GENERIC_READ, 0, &peer);
	CHECK(SetCancellationScopeHandle(r.scope, event));
	t = start(&r);
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	CHECK(SetEvent(event));
	ends_aborted(&r, t);
	CHECK(is_cancelled(r.scope));
	/* Its state is not changed by that. */
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
}

static void binding_is_exact(void)
{
	HANDLE a = host_manual_event(), b = host_manual_event(), s = new_scope(), u;

	CHECK(SetCancellationScopeHandle(s, a));
	CHECK(SetCancellationScopeHandle(s, b));
	CHECK(SetEvent(a));
	CHECK(!is_cancelled(s));
	CHECK(SetCancellationScopeHandle(s, NULL));
	CHECK(SetEvent(b));
	CHECK(!is_cancelled(s));
	CHECK(ResetEvent(b));
	CHECK(SetCancellationScopeHandle(s, b));
	/* A failure leaves what is bound. */
	CHECK_FAILS(SetCancellationScopeHandle(s, (HANDLE)0x7ffffff0), ERROR_INVALID_HANDLE);
	CHECK(SetEvent(b));
	CHECK(is_cancelled(s));
	/* Signalled already. */
	u = new_scope();
	CHECK(SetCancellationScopeHandle(u, b));
	CHECK(is_cancelled(u));
	CHECK_EQ(WaitForSingleObject(u, 0), WAIT_OBJECT_0);
	/* The object and the scope may be closed in either order. */
	u = new_scope();
	CHECK(SetCancellationScopeHandle(u, a = host_manual_event()));
	CHECK(CloseHandle(u));
	CHECK(SetEvent(a));
	u = new_scope();
	CHECK(SetCancellationScopeHandle(u, a = host_manual_event()));
	CHECK(CloseHandle(a));
	CHECK(!is_cancelled(u));
	CHECK(CloseHandle(u));
}

/* One wait for both the event and the scope that it cancels; one scope that cancels another. */
static DWORD WINAPI set_later(LPVOID event)
{
	Sleep(20);
	SetEvent(event);
	return 0;
}

static void bound_to_what_is_waited_for(void)
{
	HANDLE event = host_manual_event(), s = new_scope(), u = new_scope(), t;

	CHECK(SetCancellationScopeHandle(s, event));
	CHECK(SetCancellationScopeHandle(u, s));
	t = CreateThread(NULL, 0, set_later, event, 0, NULL);
	CHECK_EQ(WaitForSingleObject(u, INFINITE), WAIT_OBJECT_0);
	CHECK(is_cancelled(s));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	/* To itself: it is of no use, and of no harm. */
	u = new_scope();
	CHECK(SetCancellationScopeHandle(u, u));
	CHECK(!is_cancelled(u));
	CHECK(CloseHandle(u));
}

/* A thread's handle: the scope is cancelled when the thread ends. */
static void bound_to_a_thread(void)
{
	struct reader r = { .scope = new_scope() };
	HANDLE event = host_manual_event(), t, u;

	u = CreateThread(NULL, 0, set_later, event, 0, NULL);
	CHECK(SetCancellationScopeHandle(r.scope, u));
	r.file = host_fifo("f", GENERIC_READ, 0, &peer);
	t = CreateThread(NULL, 0, read_inside, &r, 0, NULL);
	ends_aborted(&r, t);
	CHECK_EQ(WaitForSingleObject(u, 0), WAIT_OBJECT_0);
}

/* Who is inside keeps the scope, and what would cancel it. */
static void closed_while_inside(void)
{
	struct reader r = { .scope = new_scope() };
	HANDLE event = host_manual_event(), mine, t;
	HANDLE fifo = host_fifo("g", GENERIC_READ, 0, &peer);
	DWORD n;

	CHECK(DuplicateHandle(GetCurrentProcess(), r.scope, GetCurrentProcess(), &mine, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	r.file = host_fifo("f", GENERIC_READ, 0, &peer);
	t = start(&r);
	CHECK(CancelCancellationScope(mine));
	ends_aborted(&r, t);
	CHECK(CloseHandle(mine));
	CHECK(CloseHandle(r.scope));

	r.scope = new_scope();
	CHECK(EnterCancellationScope(r.scope));
	CHECK(SetCancellationScopeHandle(r.scope, event));
	CHECK(CloseHandle(r.scope));
	CHECK_FAILS(LeaveCancellationScope(r.scope), ERROR_INVALID_HANDLE);
	t = CreateThread(NULL, 0, set_later, event, 0, NULL);
	CHECK_FAILS(ReadFile(fifo, buf, 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void bad_input(void)
{
	HANDLE event = host_manual_event(), s = new_scope(), weak, query;
	HANDLE me = GetCurrentProcess();
	BOOL b;

	SetLastError(0xdead);
	CHECK(!CreateCancellationScope(NULL, 1));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(EnterCancellationScope(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(EnterCancellationScope(event), ERROR_INVALID_HANDLE);
	CHECK_FAILS(LeaveCancellationScope(INVALID_HANDLE_VALUE), ERROR_INVALID_HANDLE);
	CHECK_FAILS(LeaveCancellationScope(s), ERROR_NOT_OWNER);
	CHECK_FAILS(CancelCancellationScope(event), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetCancellationScopeTimeout(event, 0), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetCancellationScopeHandle(event, s), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetCancellationScopeHandle(s, (HANDLE)0x7ffffff0), ERROR_INVALID_HANDLE);
	CHECK_FAILS(IsCancellationScopeCancelled(s, NULL), ERROR_INVALID_PARAMETER);
	b = 42;
	CHECK_FAILS(IsCancellationScopeCancelled(event, &b), ERROR_INVALID_HANDLE);
	CHECK_EQ(b, 42);
	CHECK_FAILS(SetEvent(s), ERROR_INVALID_HANDLE);

	CHECK(DuplicateHandle(me, s, me, &weak, SYNCHRONIZE, FALSE, 0));
	CHECK_FAILS(CancelCancellationScope(weak), ERROR_ACCESS_DENIED);
	CHECK_FAILS(EnterCancellationScope(weak), ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetCancellationScopeTimeout(weak, 0), ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetCancellationScopeHandle(weak, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(IsCancellationScopeCancelled(weak, &b), ERROR_ACCESS_DENIED);
	CHECK(DuplicateHandle(me, s, me, &query, CANCELLATION_SCOPE_QUERY_STATE, FALSE, 0));
	CHECK(!is_cancelled(query));
	CHECK_EQ(WaitForSingleObject(query, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetCancellationScopeHandle(s, query), ERROR_ACCESS_DENIED);
	CHECK(!is_cancelled(s));
}

static void left_in_order(void)
{
	HANDLE a = new_scope(), b = new_scope(), file = new_file("f");
	DWORD n;

	CHECK(EnterCancellationScope(a));
	CHECK(EnterCancellationScope(b));
	CHECK_FAILS(LeaveCancellationScope(a), ERROR_NOT_OWNER);
	CHECK(CancelCancellationScope(b));
	CHECK_FAILS(WriteFile(file, "x", 1, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK(LeaveCancellationScope(b));
	CHECK(LeaveCancellationScope(a));
	CHECK_FAILS(LeaveCancellationScope(b), ERROR_NOT_OWNER);
}

/* Neither waits nor the last error nor errno are a scope's business. */
static void what_is_no_io(void)
{
	HANDLE s = new_scope(), event = host_manual_event();

	CHECK(CancelCancellationScope(s));
	CHECK(EnterCancellationScope(s));
	CHECK_EQ(WaitForSingleObject(event, 20), WAIT_TIMEOUT);
	CHECK(SetEvent(event));
	CHECK_EQ(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
	SetLastError(77);
	CHECK(LeaveCancellationScope(s));
	CHECK(EnterCancellationScope(s));
	CHECK_EQ(GetLastError(), 77);
}

static void in_a_forked_child(void)
{
	HANDLE event = host_manual_event(), s = new_scope(), file = new_file("f");
	int status;
	DWORD n;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer starts no threads in a child");
	CHECK(EnterCancellationScope(s));
	CHECK(SetCancellationScopeHandle(s, event));
	CHECK(SetCancellationScopeTimeout(s, 100000));
	pid = fork();
	if (pid == 0) {
		alarm(60);
		/* Inside, as before; what would have cancelled it is the parent's. */
		CHECK(SetEvent(event));
		CHECK(!is_cancelled(s));
		CHECK(WriteFile(file, "x", 1, &n, NULL));
		CHECK(SetCancellationScopeTimeout(s, 20));
		CHECK_EQ(WaitForSingleObject(s, INFINITE), WAIT_OBJECT_0);
		CHECK_FAILS(WriteFile(file, "x", 1, &n, NULL), ERROR_OPERATION_ABORTED);
		CHECK(LeaveCancellationScope(s));
		CHECK(WriteFile(file, "x", 1, &n, NULL));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(!is_cancelled(s));
	CHECK(SetEvent(event));
	CHECK(is_cancelled(s));
}

/* The thread that looks after the timeouts does not keep the process. */
static void last_thread_ends(void)
{
	int status;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer has a thread of its own");
	pid = fork();
	if (pid == 0) {
		alarm(60);
		CHECK(SetCancellationScopeTimeout(new_scope(), 3600000));
		ExitThread(5);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 5);
}

static const struct tap_case cases[] = {
	CASE(blocked_read, "a blocked read is cancelled"),
	CASE(blocked_open, "a blocked open is cancelled, and the next"),
	CASE(every_synchronous_call, "cancelled before: no synchronous call does anything"),
	CASE(pending_requests, "pending requests are cancelled, also after leaving"),
	CASE(refused_requests, "cancelled before: overlapped requests fail inline"),
	CASE(routine_is_called, "a cancelled ReadFileEx has its routine called"),
	CASE(hidden_request, "a pipe's read without OVERLAPPED is cancelled"),
	CASE(outer_cancels_inner, "the outer scope cancels a call inside the inner"),
	CASE(inner_spares_outer, "the inner scope is cancelled, the outer works on"),
	CASE(entered_twice, "a scope entered twice is left twice"),
	CASE(several_threads, "several threads are inside, one is not"),
	CASE(cancelled_between_two_calls, "cancelled between two calls: the second fails"),
	CASE(leave_is_exact, "a cancel that races with leaving hits no call outside"),
	CASE(leave_is_exact_overlapped, "the same with overlapped requests"),
	CASE(timeout, "a timeout"),
	CASE(timeouts_are_set_anew, "timeouts are set anew and taken back"),
	CASE(bound_handle, "a bound event cancels, and keeps its state"),
	CASE(binding_is_exact, "what is bound anew or no more does not cancel"),
	CASE(bound_to_what_is_waited_for, "a scope bound to a scope bound to an event"),
	CASE(bound_to_a_thread, "a scope bound to a thread"),
	CASE(closed_while_inside, "closed while a thread is inside"),
	CASE(bad_input, "bad input"),
	CASE(left_in_order, "scopes are left in order"),
	CASE(what_is_no_io, "what is no I/O goes on"),
	CASE(in_a_forked_child, "a forked child"),
	CASE(last_thread_ends, "the end of the last thread ends the process"),
};

TAP_MAIN(cases)
