/* SPDX-License-Identifier: MIT */
/* What the tests of locks and of those that wait for them share. */
#ifndef LOCKS_H
#define LOCKS_H

#include <windows.h>

#include "host.h"

#define THREADS 4

static inline int rounds(int n)
{
	return (int)host_rounds(HOST_SANITIZED ? n / 10 : n);
}

static inline HANDLE start(LPTHREAD_START_ROUTINE fn, void *arg, DWORD *id)
{
	HANDLE t = CreateThread(NULL, 0, fn, arg, 0, id);

	CHECK(t);
	return t;
}

static inline DWORD join(HANDLE t)
{
	DWORD code;

	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK(CloseHandle(t));
	return code;
}

static inline void run_all(LPTHREAD_START_ROUTINE fn, void *arg)
{
	HANDLE t[THREADS];

	for (int i = 0; i < THREADS; i++)
		t[i] = start(fn, arg, NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(join(t[i]), 0);
}

/* Until the thread sleeps on a futex. */
static inline void until_asleep(DWORD tid)
{
	host_wait_syscall(tid, SYS_futex, SYS_futex);
}

static CRITICAL_SECTION cs;
static SRWLOCK srw = SRWLOCK_INIT;

static inline DWORD WINAPI try_srw(LPVOID arg)
{
	DWORD got = 0;

	(void)arg;
	if (TryAcquireSRWLockShared(&srw)) {
		ReleaseSRWLockShared(&srw);
		got |= 1;
	}
	if (TryAcquireSRWLockExclusive(&srw)) {
		ReleaseSRWLockExclusive(&srw);
		got |= 2;
	}
	return got;
}

#endif
