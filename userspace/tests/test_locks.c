// SPDX-License-Identifier: MIT
/* Critical sections and slim locks. */
#include <errno.h>

#include "locks.h"

static long counter;

static DWORD WINAPI try_cs(LPVOID arg)
{
	(void)arg;
	if (!TryEnterCriticalSection(&cs))
		return 1;
	LeaveCriticalSection(&cs);
	return 0;
}

static void cs_fields(void)
{
	InitializeCriticalSection(&cs);
	CHECK_EQ(cs.LockCount, -1);
	CHECK_EQ(cs.RecursionCount, 0);
	CHECK(!cs.OwningThread);
	EnterCriticalSection(&cs);
	EnterCriticalSection(&cs);
	CHECK(TryEnterCriticalSection(&cs));
	CHECK_EQ(cs.RecursionCount, 3);
	CHECK(cs.LockCount != -1);
	CHECK_EQ((ULONG_PTR)cs.OwningThread, GetCurrentThreadId());
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(join(start(try_cs, NULL, NULL)), 1);
		LeaveCriticalSection(&cs);
	}
	CHECK_EQ(cs.LockCount, -1);
	CHECK(!cs.OwningThread);
	CHECK_EQ(join(start(try_cs, NULL, NULL)), 0);
	DeleteCriticalSection(&cs);
}

static DWORD WINAPI leave_cs(LPVOID arg)
{
	(void)arg;
	LeaveCriticalSection(&cs);
	return 0;
}

static void cs_stranger(void)
{
	InitializeCriticalSection(&cs);
	EnterCriticalSection(&cs);
	CHECK_EQ(join(start(leave_cs, NULL, NULL)), 0);
	CHECK_EQ(cs.RecursionCount, 1);
	CHECK_EQ(join(start(try_cs, NULL, NULL)), 1);
	LeaveCriticalSection(&cs);
	LeaveCriticalSection(&cs);
	CHECK_EQ(join(start(try_cs, NULL, NULL)), 0);
	/* One that is deleted does not hold up who comes too late. */
	DeleteCriticalSection(&cs);
	CHECK_EQ(join(start(try_cs, NULL, NULL)), 0);
}

static void cs_spin(void)
{
	CHECK(InitializeCriticalSectionAndSpinCount(&cs, 0x80000000u | 500));
	CHECK_EQ(cs.SpinCount, 500);
	CHECK_EQ(SetCriticalSectionSpinCount(&cs, 7), 500);
	CHECK_EQ(cs.SpinCount, 7);
	CHECK(InitializeCriticalSectionEx(&cs, 4000, CRITICAL_SECTION_NO_DEBUG_INFO));
	CHECK_FAILS(InitializeCriticalSectionEx(&cs, 0, 1), ERROR_INVALID_PARAMETER);
}

static DWORD WINAPI count_cs(LPVOID arg)
{
	int n = rounds(200000);

	(void)arg;
	for (int i = 0; i < n; i++) {
		EnterCriticalSection(&cs);
		if (i % 16 == 0 && TryEnterCriticalSection(&cs))
			LeaveCriticalSection(&cs);
		counter++;
		LeaveCriticalSection(&cs);
	}
	return 0;
}

static void cs_excludes(void)
{
	for (int spin = 0; spin <= 100; spin += 100) {
		counter = 0;
		CHECK(InitializeCriticalSectionAndSpinCount(&cs, (DWORD)spin));
		run_all(count_cs, NULL);
		CHECK_EQ(counter, THREADS * (long)rounds(200000));
		CHECK_EQ(cs.LockCount, -1);
	}
}

static DWORD WINAPI enter_cs(LPVOID arg)
{
	(void)arg;
	errno = 4711;
	EnterCriticalSection(&cs);
	CHECK_EQ(errno, 4711);
	counter++;
	LeaveCriticalSection(&cs);
	return 0;
}

static void cs_wakes(void)
{
	DWORD id[THREADS];
	HANDLE t[THREADS];

	InitializeCriticalSection(&cs);
	EnterCriticalSection(&cs);
	for (int i = 0; i < THREADS; i++) {
		t[i] = start(enter_cs, NULL, &id[i]);
		until_asleep(id[i]);
	}
	LeaveCriticalSection(&cs);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(join(t[i]), 0);
	CHECK_EQ(counter, THREADS);
	CHECK_EQ(cs.LockCount, -1);
}

static void cs_after_fork(void)
{
	int status;
	pid_t pid;

	InitializeCriticalSection(&cs);
	EnterCriticalSection(&cs);
	pid = fork();
	if (pid == 0) {
		/* The child's only thread is the one that held it. */
		EnterCriticalSection(&cs);
		CHECK_EQ(cs.RecursionCount, 2);
		LeaveCriticalSection(&cs);
		LeaveCriticalSection(&cs);
		EnterCriticalSection(&cs);
		CHECK_EQ((ULONG_PTR)cs.OwningThread, GetCurrentThreadId());
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void srw_modes(void)
{
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 3);
	AcquireSRWLockShared(&srw);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 1);
	CHECK(TryAcquireSRWLockShared(&srw));
	ReleaseSRWLockShared(&srw);
	ReleaseSRWLockShared(&srw);
	AcquireSRWLockExclusive(&srw);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 0);
	CHECK(!TryAcquireSRWLockExclusive(&srw)); /* it is not recursive */
	ReleaseSRWLockExclusive(&srw);
	CHECK(!srw.Ptr);
	/* To release what nobody holds, or in the wrong way, changes nothing. */
	ReleaseSRWLockShared(&srw);
	ReleaseSRWLockExclusive(&srw);
	CHECK(!srw.Ptr);
	AcquireSRWLockExclusive(&srw);
	ReleaseSRWLockShared(&srw);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 0);
	ReleaseSRWLockExclusive(&srw);
	InitializeSRWLock(&srw);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 3);
}

static atomic_int inside;

static DWORD WINAPI count_srw(LPVOID arg)
{
	int n = rounds(100000);

	(void)arg;
	for (int i = 0; i < n; i++) {
		if (i % 4 == 0) {
			AcquireSRWLockExclusive(&srw);
			CHECK_EQ(atomic_fetch_add(&inside, 1000), 0);
			counter++;
			CHECK_EQ(atomic_fetch_sub(&inside, 1000), 1000);
			ReleaseSRWLockExclusive(&srw);
		} else if (i % 8 != 1 || TryAcquireSRWLockShared(&srw)) {
			if (i % 8 != 1)
				AcquireSRWLockShared(&srw);
			CHECK(atomic_fetch_add(&inside, 1) < 1000);
			atomic_fetch_sub(&inside, 1);
			ReleaseSRWLockShared(&srw);
		}
	}
	return 0;
}

static void srw_excludes(void)
{
	run_all(count_srw, NULL);
	CHECK_EQ(counter, THREADS * (long)((rounds(100000) + 3) / 4));
	CHECK(!((ULONG_PTR)srw.Ptr & 0x3FFFFFFF));
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 3);
}

static DWORD WINAPI write_srw(LPVOID arg)
{
	AcquireSRWLockExclusive(&srw);
	atomic_fetch_add((atomic_int *)arg, 1);
	ReleaseSRWLockExclusive(&srw);
	return 0;
}

static DWORD WINAPI read_srw(LPVOID arg)
{
	AcquireSRWLockShared(&srw);
	CHECK_EQ(atomic_load((atomic_int *)arg), 1);
	ReleaseSRWLockShared(&srw);
	return 0;
}

/* A reader that comes while a writer waits gets in after it (no writer starves). */
static void srw_writer_first(void)
{
	atomic_int wrote = 0;
	HANDLE writer, reader;
	DWORD id;

	AcquireSRWLockShared(&srw);
	writer = start(write_srw, &wrote, &id);
	until_asleep(id);
	CHECK(!TryAcquireSRWLockShared(&srw));
	reader = start(read_srw, &wrote, &id);
	until_asleep(id);
	CHECK_EQ(atomic_load(&wrote), 0);
	ReleaseSRWLockShared(&srw);
	CHECK_EQ(join(writer), 0);
	CHECK_EQ(join(reader), 0);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 3);
}

static void srw_wakes_all_readers(void)
{
	atomic_int wrote = 1;
	HANDLE t[THREADS];
	DWORD id;

	AcquireSRWLockExclusive(&srw);
	for (int i = 0; i < THREADS; i++) {
		t[i] = start(read_srw, &wrote, &id);
		until_asleep(id);
	}
	ReleaseSRWLockExclusive(&srw);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(join(t[i]), 0);
}

/* Each writer that has been let in lets the next in. */
static void srw_wakes_all_writers(void)
{
	atomic_int wrote = 0;
	HANDLE t[THREADS];
	DWORD id;

	AcquireSRWLockShared(&srw);
	for (int i = 0; i < THREADS; i++) {
		t[i] = start(write_srw, &wrote, &id);
		until_asleep(id);
	}
	ReleaseSRWLockShared(&srw);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(join(t[i]), 0);
	CHECK_EQ(atomic_load(&wrote), THREADS);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 3);
}

static const struct tap_case cases[] = {
	CASE(cs_fields, "critical section: recursion and owner"),
	CASE(cs_stranger, "critical section: leaving without having entered"),
	CASE(cs_spin, "critical section: spin counts and flags"),
	CASE(cs_excludes, "critical section: one at a time"),
	CASE(cs_wakes, "critical section: all who wait get in"),
	CASE(cs_after_fork, "critical section: held by the thread that forks"),
	CASE(srw_modes, "slim lock: shared and exclusive, Try, wrong releases"),
	CASE(srw_excludes, "slim lock: one writer or many readers"),
	CASE(srw_writer_first, "slim lock: a writer does not starve"),
	CASE(srw_wakes_all_readers, "slim lock: all readers wake"),
	CASE(srw_wakes_all_writers, "slim lock: all writers get in"),
};

TAP_MAIN(cases)
