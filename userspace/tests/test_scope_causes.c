// SPDX-License-Identifier: MIT
/* What cancels a scope by itself: a timeout, and what is bound to it. */
#include "scope.h"

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
	CASE(timeout, "a timeout"),
	CASE(timeouts_are_set_anew, "timeouts are set anew and taken back"),
	CASE(bound_handle, "a bound event cancels, and keeps its state"),
	CASE(binding_is_exact, "what is bound anew or no more does not cancel"),
	CASE(bound_to_what_is_waited_for, "a scope bound to a scope bound to an event"),
	CASE(bound_to_a_thread, "a scope bound to a thread"),
	CASE(closed_while_inside, "closed while a thread is inside"),
	CASE(last_thread_ends, "the end of the last thread ends the process"),
};

TAP_MAIN(cases)
