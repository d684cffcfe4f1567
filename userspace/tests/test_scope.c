// SPDX-License-Identifier: MIT
/* Cancellation scopes, which are beyond Windows: every call begun inside, whatever the timing. */
#include "scope.h"

#define CANCELLED 0xC0000120u

static HANDLE new_file(const char *name)
{
	HANDLE h = CreateFileA(host_path(name), GENERIC_READ | GENERIC_WRITE,
			       FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS, 0, NULL);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
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
	CASE(bad_input, "bad input"),
	CASE(left_in_order, "scopes are left in order"),
	CASE(what_is_no_io, "what is no I/O goes on"),
	CASE(in_a_forked_child, "a forked child"),
};

TAP_MAIN(cases)
