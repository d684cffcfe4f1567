// SPDX-License-Identifier: MIT
/* Mutexes: owners, recursion, what becomes of them when the owner ends. */
#include <windows.h>

#include "host.h"

static HANDLE mutex(BOOL owned)
{
	HANDLE m = CreateMutexA(NULL, owned, NULL);

	CHECK(m);
	return m;
}

static DWORD run(LPTHREAD_START_ROUTINE fn, LPVOID arg)
{
	HANDLE t = CreateThread(NULL, 0, fn, arg, 0, NULL);
	DWORD code;

	CHECK(t);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK(CloseHandle(t));
	return code;
}

/* In a thread of its own, which gives back what it gets. */
static DWORD WINAPI try_it(LPVOID arg)
{
	DWORD result = WaitForSingleObject(arg, 0);

	if (result != WAIT_TIMEOUT)
		CHECK(ReleaseMutex(arg));
	return result;
}

static DWORD WINAPI release_it(LPVOID arg)
{
	SetLastError(0);
	return ReleaseMutex(arg) ? 0 : GetLastError();
}

static DWORD WINAPI take_and_end(LPVOID arg)
{
	CHECK_EQ(WaitForSingleObject(arg, INFINITE) & ~WAIT_ABANDONED, 0);
	return 0;
}

static void owner_and_others(void)
{
	HANDLE m = mutex(FALSE);

	CHECK_EQ(run(try_it, m), WAIT_OBJECT_0);
	CHECK_FAILS(ReleaseMutex(m), ERROR_NOT_OWNER);
	CHECK_EQ(WaitForSingleObject(m, 0), WAIT_OBJECT_0);
	CHECK_EQ(run(try_it, m), WAIT_TIMEOUT);
	CHECK_EQ(run(release_it, m), ERROR_NOT_OWNER);
	SetLastError(7);
	CHECK(ReleaseMutex(m));
	CHECK_EQ(GetLastError(), 7);
	CHECK_EQ(run(try_it, m), WAIT_OBJECT_0);
	m = mutex(TRUE);
	CHECK_EQ(run(try_it, m), WAIT_TIMEOUT);
	CHECK(ReleaseMutex(m));
	m = CreateMutexExA(NULL, NULL, CREATE_MUTEX_INITIAL_OWNER, SYNCHRONIZE);
	CHECK_EQ(run(try_it, m), WAIT_TIMEOUT);
	CHECK(ReleaseMutex(m));
}

static void recursion(void)
{
	HANDLE m = mutex(TRUE), other = mutex(FALSE), both[2] = { other, m };

	for (int i = 0; i < 1000; i++)
		CHECK_EQ(WaitForSingleObject(m, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForMultipleObjects(2, both, TRUE, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 1001; i++)
		CHECK(ReleaseMutex(m));
	CHECK_EQ(run(try_it, m), WAIT_TIMEOUT);
	CHECK(ReleaseMutex(m));
	CHECK_FAILS(ReleaseMutex(m), ERROR_NOT_OWNER);
	CHECK_EQ(run(try_it, m), WAIT_OBJECT_0);
	CHECK(ReleaseMutex(other));
}

static void bad_input(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, TRUE, NULL), m = mutex(FALSE), copy;
	HANDLE bad[] = { NULL, INVALID_HANDLE_VALUE, GetCurrentThread(), e };

	for (int i = 0; i < 4; i++)
		CHECK_FAILS(ReleaseMutex(bad[i]), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetEvent(m), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CreateMutexExA(NULL, NULL, 2, MUTEX_ALL_ACCESS) != NULL,
		    ERROR_INVALID_PARAMETER);
	copy = CreateMutexExA(NULL, NULL, 0, MUTEX_MODIFY_STATE);
	SetLastError(0);
	CHECK_EQ(WaitForSingleObject(copy, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(m));
	CHECK_FAILS(ReleaseMutex(m), ERROR_INVALID_HANDLE);
}

static void abandoned(void)
{
	HANDLE m = mutex(FALSE), e = CreateEventA(NULL, TRUE, FALSE, NULL), h[3] = { e, m };

	run(take_and_end, m);
	CHECK_EQ(WaitForSingleObject(m, 0), WAIT_ABANDONED);
	/* It is owned, and told once. */
	CHECK_EQ(run(try_it, m), WAIT_TIMEOUT);
	CHECK(ReleaseMutex(m));
	CHECK_EQ(WaitForSingleObject(m, 0), WAIT_OBJECT_0);
	CHECK(ReleaseMutex(m));

	run(take_and_end, m);
	CHECK_EQ(WaitForMultipleObjects(2, h, FALSE, 0), WAIT_ABANDONED_0 + 1);
	CHECK(ReleaseMutex(m));
	run(take_and_end, m);
	CHECK_EQ(WaitForMultipleObjects(2, h, TRUE, 0), WAIT_TIMEOUT);
	CHECK(SetEvent(e));
	CHECK_EQ(WaitForMultipleObjects(2, h, TRUE, 0), WAIT_ABANDONED_0);
	CHECK(ReleaseMutex(m));
	CHECK_EQ(WaitForMultipleObjects(2, h, TRUE, 0), WAIT_OBJECT_0);
	CHECK(ReleaseMutex(m));
	/* A lower one that is signalled is told first. */
	run(take_and_end, m);
	CHECK_EQ(WaitForMultipleObjects(2, h, FALSE, 0), WAIT_OBJECT_0);
	CHECK_EQ(SignalObjectAndWait(e, m, 0, FALSE), WAIT_ABANDONED);
	CHECK(ReleaseMutex(m));
}

struct waiter {
	HANDLE m;
	DWORD result;
};

static DWORD WINAPI wait_and_end(LPVOID arg)
{
	struct waiter *w = arg;

	w->result = WaitForSingleObject(w->m, INFINITE);
	return 0;
}

/* Each of them ends as the owner, and hands on an abandoned mutex. */
static void abandoned_to_waiters(void)
{
	enum { N = 8 };
	HANDLE m = mutex(TRUE), t[N];
	struct waiter w[N];
	int first = 0;
	DWORD tid;

	for (int i = 0; i < N; i++) {
		w[i] = (struct waiter){ m, WAIT_FAILED };
		t[i] = CreateThread(NULL, 0, wait_and_end, &w[i], 0, &tid);
		host_wait_syscall(tid, SYS_futex, SYS_futex);
	}
	CHECK(ReleaseMutex(m));
	CHECK_EQ(WaitForMultipleObjects(N, t, TRUE, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < N; i++) {
		first += w[i].result == WAIT_OBJECT_0;
		CHECK(w[i].result == WAIT_OBJECT_0 || w[i].result == WAIT_ABANDONED);
	}
	CHECK_EQ(first, 1);
	CHECK_EQ(WaitForSingleObject(m, 0), WAIT_ABANDONED);
}

/* Closing the last handle of what one owns: nothing is left of it at the thread's end. */
static DWORD WINAPI close_owned(LPVOID arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++) {
		HANDLE m = mutex(TRUE), kept = mutex(TRUE);

		CHECK(CloseHandle(m));
		CHECK(ReleaseMutex(kept) && CloseHandle(kept));
	}
	return 0;
}

static void closed_while_owned(void)
{
	HANDLE m = mutex(FALSE);

	run(close_owned, NULL);
	run(take_and_end, m);
	CHECK(CloseHandle(m));
}

static struct {
	HANDLE m;
	int inside, total; /* guarded by the mutex alone */
} critical;

enum { THREADS = 6, TURNS = 3000 };

static DWORD WINAPI enter_often(LPVOID arg)
{
	(void)arg;
	for (int i = 0; i < TURNS; i++) {
		CHECK_EQ(WaitForSingleObject(critical.m, INFINITE), WAIT_OBJECT_0);
		CHECK_EQ(critical.inside++, 0);
		critical.total++;
		CHECK_EQ(--critical.inside, 0);
		CHECK(ReleaseMutex(critical.m));
	}
	return 0;
}

static void exclusion(void)
{
	HANDLE t[THREADS];

	critical.m = mutex(FALSE);
	for (int i = 0; i < THREADS; i++)
		t[i] = CreateThread(NULL, 0, enter_often, NULL, 0, NULL);
	CHECK_EQ(WaitForMultipleObjects(THREADS, t, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(critical.total, THREADS * TURNS);
}

static atomic_int held;

static DWORD WINAPI hold(LPVOID arg)
{
	CHECK_EQ(WaitForSingleObject(arg, INFINITE), WAIT_OBJECT_0);
	atomic_store(&held, 1);
	pause();
	return 0;
}

/* What a thread of the parent's owns is nobody's in the child; what the caller owns is its own. */
static void over_fork(void)
{
	HANDLE mine = mutex(TRUE), other = mutex(FALSE);
	int status;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer does not come through a fork with threads");
	CreateThread(NULL, 0, hold, other, 0, NULL);
	while (!atomic_load(&held))
		sched_yield();
	pid = fork();
	if (pid == 0) {
		alarm(60);
		CHECK_EQ(WaitForSingleObject(other, INFINITE), WAIT_ABANDONED);
		CHECK(ReleaseMutex(mine) && ReleaseMutex(other));
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(WaitForSingleObject(other, 0), WAIT_TIMEOUT);
	CHECK(ReleaseMutex(mine));
	_exit(0);
}

static const struct tap_case cases[] = {
	CASE(owner_and_others, "the owner and others"),
	CASE(recursion, "an owner may take it again"),
	CASE(bad_input, "bad handles, rights and flags"),
	CASE(abandoned, "abandoned, in every kind of wait"),
	CASE(abandoned_to_waiters, "abandoned from one waiter to the next"),
	CASE(closed_while_owned, "closed while owned (W-CLOSE-4)"),
	CASE(exclusion, "mutual exclusion"),
	CASE(over_fork, "owners over a fork"),
};

TAP_MAIN(cases)
