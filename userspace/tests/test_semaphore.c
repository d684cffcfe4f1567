// SPDX-License-Identifier: MIT
/* Semaphores: counts, limits, who is released; and stress on waits that share them. */
#include <windows.h>

#include "host.h"

static HANDLE semaphore(LONG count, LONG maximum)
{
	HANDLE s = CreateSemaphoreA(NULL, count, maximum, NULL);

	CHECK(s);
	return s;
}

static void counts(void)
{
	HANDLE s = semaphore(2, 5);
	LONG previous = 77;

	CHECK_EQ(WaitForSingleObject(s, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_TIMEOUT);
	CHECK(ReleaseSemaphore(s, 3, &previous));
	CHECK_EQ(previous, 0);
	CHECK(ReleaseSemaphore(s, 1, NULL));
	SetLastError(7);
	CHECK(ReleaseSemaphore(s, 1, &previous));
	CHECK_EQ(GetLastError(), 7);
	CHECK_EQ(previous, 4);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 1), WAIT_TIMEOUT);
}

static void limits(void)
{
	HANDLE s = semaphore(1, 2), huge = semaphore(0x7fffffff, 0x7fffffff);
	LONG previous = 77, wrong[] = { 0, -1, (LONG)0x80000000 };

	CHECK_FAILS(ReleaseSemaphore(s, 2, &previous), ERROR_TOO_MANY_POSTS);
	CHECK_FAILS(ReleaseSemaphore(s, 0x7fffffff, &previous), ERROR_TOO_MANY_POSTS);
	for (int i = 0; i < 3; i++)
		CHECK_FAILS(ReleaseSemaphore(s, wrong[i], &previous), ERROR_INVALID_PARAMETER);
	CHECK_EQ(previous, 77);
	/* None of it has added anything. */
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_TIMEOUT);
	CHECK_FAILS(ReleaseSemaphore(huge, 1, NULL), ERROR_TOO_MANY_POSTS);
	CHECK_EQ(WaitForSingleObject(huge, 0), WAIT_OBJECT_0);
	CHECK(ReleaseSemaphore(huge, 1, &previous));
	CHECK_EQ(previous, 0x7ffffffe);
}

static void bad_input(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, TRUE, NULL), weak;
	HANDLE bad[] = { NULL, INVALID_HANDLE_VALUE, GetCurrentThread(), e };
	static const LONG wrong[][2] = { { -1, 1 }, { 0, 0 }, { 2, 1 }, { 0, -1 }, { -2, -1 } };

	for (int i = 0; i < 4; i++)
		CHECK_FAILS(ReleaseSemaphore(bad[i], 1, NULL), ERROR_INVALID_HANDLE);
	for (int i = 0; i < 5; i++)
		CHECK_FAILS(CreateSemaphoreA(NULL, wrong[i][0], wrong[i][1], NULL) != NULL,
			    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(CreateSemaphoreExA(NULL, 0, 1, NULL, 1, SEMAPHORE_ALL_ACCESS) != NULL,
		    ERROR_INVALID_PARAMETER);
	weak = CreateSemaphoreExA(NULL, 1, 2, NULL, 0, SYNCHRONIZE);
	CHECK_FAILS(ReleaseSemaphore(weak, 1, NULL), ERROR_ACCESS_DENIED);
	CHECK_EQ(WaitForSingleObject(weak, 0), WAIT_OBJECT_0);
	weak = CreateSemaphoreExA(NULL, 1, 2, NULL, 0, SEMAPHORE_MODIFY_STATE);
	CHECK(ReleaseSemaphore(weak, 1, NULL));
	SetLastError(0);
	CHECK_EQ(WaitForSingleObject(weak, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
}

static atomic_int passed;

static DWORD WINAPI pass(LPVOID arg)
{
	CHECK_EQ(WaitForSingleObject(arg, INFINITE), WAIT_OBJECT_0);
	atomic_fetch_add(&passed, 1);
	return 0;
}

static void releases_as_many(void)
{
	enum { N = 8 };
	HANDLE s = semaphore(0, 100), t[N];
	DWORD tid;

	for (int i = 0; i < N; i++) {
		t[i] = CreateThread(NULL, 0, pass, s, 0, &tid);
		host_wait_syscall(tid, SYS_futex, SYS_futex);
	}
	CHECK(ReleaseSemaphore(s, 3, NULL));
	while (atomic_load(&passed) < 3)
		sched_yield();
	CHECK_EQ(WaitForMultipleObjects(N, t, TRUE, 20), WAIT_TIMEOUT);
	CHECK_EQ(atomic_load(&passed), 3);
	/* What is more than there are waiters stays. */
	CHECK(ReleaseSemaphore(s, 7, NULL));
	CHECK_EQ(WaitForMultipleObjects(N, t, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s, 0), WAIT_TIMEOUT);
}

/*
 * Threads that wait for any or all of overlapping sets of semaphores and auto-reset events, while
 * others release. At the end each release has been taken once: what was given is what was taken
 * and what is left.
 */
enum { OBJECTS = 6, WAITERS = 6, GIVERS = 3 };

static HANDLE shared[OBJECTS], stop;
static atomic_long given[OBJECTS], taken[OBJECTS];
static long rounds;

static DWORD WINAPI take_some(LPVOID arg)
{
	unsigned int seed = (unsigned int)(ULONG_PTR)arg, first, count;
	BOOL all = seed & 1;
	HANDLE h[OBJECTS + 1];
	DWORD result;

	for (;;) {
		first = (unsigned int)rand_r(&seed) % OBJECTS;
		count = 1 + (unsigned int)rand_r(&seed) % 3;
		for (unsigned int i = 0; i < count; i++)
			h[i] = shared[(first + i) % OBJECTS];
		/* The waits for all time out: nobody promises that their sets come together. */
		h[count] = stop;
		result = WaitForMultipleObjects(all ? count : count + 1, h, all,
						(DWORD)rand_r(&seed) % 3);
		if (result == WAIT_TIMEOUT) {
			if (WaitForSingleObject(stop, 0) == WAIT_OBJECT_0)
				return 0;
			continue;
		}
		if (all) {
			CHECK_EQ(result, WAIT_OBJECT_0);
			for (unsigned int i = 0; i < count; i++)
				atomic_fetch_add(&taken[(first + i) % OBJECTS], 1);
			continue;
		}
		CHECK(result <= WAIT_OBJECT_0 + count);
		if (result == WAIT_OBJECT_0 + count)
			return 0;
		atomic_fetch_add(&taken[(first + result) % OBJECTS], 1);
	}
}

/* Semaphores count what they are given; an event is set only when the last time was taken. */
static DWORD WINAPI give_some(LPVOID arg)
{
	unsigned int seed = (unsigned int)(ULONG_PTR)arg, i;

	for (long round = 0; round < rounds; round++) {
		i = (unsigned int)rand_r(&seed) % OBJECTS;
		CHECK(ReleaseSemaphore(shared[i], 1, NULL));
		atomic_fetch_add(&given[i], 1);
		if (round % 16 == 0)
			sched_yield();
	}
	return 0;
}

static void every_release_is_taken_once(void)
{
	HANDLE w[WAITERS], g[GIVERS];

	rounds = host_rounds(4000);
	stop = CreateEventA(NULL, TRUE, FALSE, NULL);
	for (int i = 0; i < OBJECTS; i++)
		shared[i] = semaphore(0, 0x7fffffff);
	for (int i = 0; i < WAITERS; i++)
		w[i] = CreateThread(NULL, 0, take_some, (LPVOID)(ULONG_PTR)(i + 1), 0, NULL);
	for (int i = 0; i < GIVERS; i++)
		g[i] = CreateThread(NULL, 0, give_some, (LPVOID)(ULONG_PTR)(i + 100), 0, NULL);
	CHECK_EQ(WaitForMultipleObjects(GIVERS, g, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK(SetEvent(stop));
	CHECK_EQ(WaitForMultipleObjects(WAITERS, w, TRUE, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < OBJECTS; i++) {
		long left = 0;

		while (WaitForSingleObject(shared[i], 0) == WAIT_OBJECT_0)
			left++;
		CHECK_EQ(atomic_load(&taken[i]) + left, atomic_load(&given[i]));
	}
}

/*
 * Auto-reset events: one token for each, which is put back by whoever took it. Tokens are never
 * lost and never doubled, whatever sets the threads wait for.
 */
static atomic_int owners[OBJECTS];
static atomic_int turns;

static DWORD WINAPI borrow(LPVOID arg)
{
	unsigned int seed = (unsigned int)(ULONG_PTR)arg, first, count, got;
	BOOL all = seed & 1;
	HANDLE h[OBJECTS];
	DWORD result;

	for (long round = 0; round < rounds; round++) {
		first = (unsigned int)rand_r(&seed) % OBJECTS;
		count = 1 + (unsigned int)rand_r(&seed) % (OBJECTS - 1);
		for (unsigned int i = 0; i < count; i++)
			h[i] = shared[(first + i) % OBJECTS];
		result = WaitForMultipleObjects(count, h, all, INFINITE);
		CHECK(result < WAIT_OBJECT_0 + count);
		got = all ? count : 1;
		first += result;
		for (unsigned int i = 0; i < got; i++)
			CHECK_EQ(atomic_fetch_add(&owners[(first + i) % OBJECTS], 1), 0);
		for (unsigned int i = 0; i < got; i++) {
			atomic_fetch_sub(&owners[(first + i) % OBJECTS], 1);
			CHECK(SetEvent(shared[(first + i) % OBJECTS]));
		}
		atomic_fetch_add(&turns, 1);
	}
	return 0;
}

static void tokens(void)
{
	HANDLE t[WAITERS];

	rounds = host_rounds(4000);
	for (int i = 0; i < OBJECTS; i++)
		shared[i] = CreateEventA(NULL, FALSE, TRUE, NULL);
	for (int i = 0; i < WAITERS; i++)
		t[i] = CreateThread(NULL, 0, borrow, (LPVOID)(ULONG_PTR)(i + 1), 0, NULL);
	CHECK_EQ(WaitForMultipleObjects(WAITERS, t, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&turns), WAITERS * rounds);
	CHECK_EQ(WaitForMultipleObjects(OBJECTS, shared, TRUE, 0), WAIT_OBJECT_0);
}

static const struct tap_case cases[] = {
	CASE(counts, "counts, and the previous one"),
	CASE(limits, "what would be too many, or none, changes nothing"),
	CASE(bad_input, "bad handles, rights and limits"),
	CASE(releases_as_many, "as many waiters as were released"),
	CASE(every_release_is_taken_once, "any and all on overlapping sets: nothing lost (W-WAIT-1)"),
	CASE(tokens, "any and all on auto-reset events: nothing doubled (W-WAIT-1, W-EVENT-2)"),
};

TAP_MAIN(cases)
