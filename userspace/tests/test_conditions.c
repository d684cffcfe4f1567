// SPDX-License-Identifier: MIT
/* Conditions, one-time initialisation, waiting on an address, the Interlocked family. */
#include "locks.h"

static CONDITION_VARIABLE condition = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

/* A queue of one: producers and consumers, each wake-up for one of the other kind. */
static int item;
static long sum;
static CONDITION_VARIABLE filled = CONDITION_VARIABLE_INIT, emptied = CONDITION_VARIABLE_INIT;

static DWORD WINAPI produce(LPVOID arg)
{
	int n = rounds(20000);

	for (int i = 1; i <= n; i++) {
		EnterCriticalSection(&cs);
		while (item)
			CHECK(SleepConditionVariableCS(&emptied, &cs, INFINITE));
		item = i;
		LeaveCriticalSection(&cs);
		WakeConditionVariable(&filled);
	}
	(void)arg;
	return 0;
}

static DWORD WINAPI consume(LPVOID arg)
{
	int n = rounds(20000);

	for (int i = 1; i <= n; i++) {
		EnterCriticalSection(&cs);
		while (!item)
			CHECK(SleepConditionVariableCS(&filled, &cs, 60000));
		sum += item;
		item = 0;
		LeaveCriticalSection(&cs);
		WakeConditionVariable(&emptied);
	}
	(void)arg;
	return 0;
}

static void condition_queue(void)
{
	long n = rounds(20000);
	HANDLE t[4];

	InitializeCriticalSection(&cs);
	for (int i = 0; i < 4; i++)
		t[i] = start(i < 2 ? produce : consume, NULL, NULL);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(join(t[i]), 0);
	CHECK_EQ(sum, n * (n + 1));
}

static void condition_times_out(void)
{
	double before = host_seconds();

	InitializeCriticalSection(&cs);
	EnterCriticalSection(&cs);
	CHECK_FAILS(SleepConditionVariableCS(&condition, &cs, 0), ERROR_TIMEOUT);
	CHECK_FAILS(SleepConditionVariableCS(&condition, &cs, 50), ERROR_TIMEOUT);
	CHECK(host_seconds() - before >= 0.05);
	CHECK_EQ(cs.RecursionCount, 1);
	CHECK_EQ((ULONG_PTR)cs.OwningThread, GetCurrentThreadId());
	AcquireSRWLockShared(&srw);
	CHECK_FAILS(SleepConditionVariableSRW(&condition, &srw, 1, 2), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SleepConditionVariableSRW(&condition, &srw, 1, CONDITION_VARIABLE_LOCKMODE_SHARED),
		    ERROR_TIMEOUT);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 1);
	ReleaseSRWLockShared(&srw);
	AcquireSRWLockExclusive(&srw);
	CHECK_FAILS(SleepConditionVariableSRW(&condition, &srw, 1, 0), ERROR_TIMEOUT);
	CHECK_EQ(join(start(try_srw, NULL, NULL)), 0);
	ReleaseSRWLockExclusive(&srw);
	/* A wake-up that nobody waits for is not kept. */
	WakeConditionVariable(&condition);
	WakeAllConditionVariable(&condition);
	CHECK_FAILS(SleepConditionVariableCS(&condition, &cs, 0), ERROR_TIMEOUT);
}

static atomic_int woken;

static DWORD WINAPI sleep_srw(LPVOID arg)
{
	AcquireSRWLockShared(&srw);
	SetLastError(7);
	CHECK(SleepConditionVariableSRW(&condition, &srw, INFINITE, CONDITION_VARIABLE_LOCKMODE_SHARED));
	CHECK_EQ(GetLastError(), 7);
	atomic_fetch_add(&woken, 1);
	ReleaseSRWLockShared(&srw);
	(void)arg;
	return 0;
}

static void condition_wakes(void)
{
	HANDLE t[THREADS];
	DWORD id[THREADS];
	int one;

	for (int i = 0; i < THREADS; i++) {
		t[i] = start(sleep_srw, NULL, &id[i]);
		until_asleep(id[i]);
	}
	WakeConditionVariable(&condition);
	while (atomic_load(&woken) == 0)
		Sleep(1);
	/* The others have not been disturbed: they still sleep. */
	for (int i = one = 0; i < THREADS; i++)
		one += WaitForSingleObject(t[i], 0) == WAIT_OBJECT_0;
	CHECK(one <= 1);
	CHECK_EQ(atomic_load(&woken), 1);
	WakeAllConditionVariable(&condition);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(join(t[i]), 0);
	CHECK_EQ(atomic_load(&woken), THREADS);
}

static int made;

static BOOL CALLBACK make_once(PINIT_ONCE init, PVOID parameter, PVOID *context)
{
	CHECK(init == &once);
	Sleep(1);
	made++;
	SetLastError(4711);
	if (!parameter)
		return FALSE;
	*context = parameter;
	return TRUE;
}

static DWORD WINAPI init_once(LPVOID arg)
{
	LPVOID context = NULL;

	CHECK(InitOnceExecuteOnce(&once, make_once, arg, &context));
	CHECK(context == arg);
	CHECK_EQ(made, 1);
	return 0;
}

static void once_only(void)
{
	static long long thing;
	LPVOID context;

	CHECK_FAILS(InitOnceExecuteOnce(&once, make_once, NULL, &context), 4711);
	CHECK_EQ(made, 1);
	made = 0;
	run_all(init_once, &thing);
	/* A context must leave the two lowest bits alone. */
	InitOnceInitialize(&once);
	CHECK_FAILS(InitOnceExecuteOnce(&once, make_once, (PVOID)2, &context),
		    ERROR_INVALID_PARAMETER);
}

static void once_in_steps(void)
{
	LPVOID context = NULL;
	BOOL pending = 7;

	CHECK_FAILS(InitOnceBeginInitialize(&once, INIT_ONCE_CHECK_ONLY, &pending, &context),
		    ERROR_GEN_FAILURE);
	CHECK_FAILS(InitOnceBeginInitialize(&once, 8, &pending, &context), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(InitOnceComplete(&once, 0, NULL), ERROR_GEN_FAILURE);
	CHECK(InitOnceBeginInitialize(&once, 0, &pending, &context) && pending);
	CHECK_FAILS(InitOnceBeginInitialize(&once, INIT_ONCE_ASYNC, &pending, &context),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(InitOnceComplete(&once, INIT_ONCE_ASYNC, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(InitOnceComplete(&once, INIT_ONCE_INIT_FAILED, &cs), ERROR_INVALID_PARAMETER);
	CHECK(InitOnceComplete(&once, INIT_ONCE_INIT_FAILED, NULL));
	/* Anew, and by two at a time. */
	for (int i = 0; i < 2; i++)
		CHECK(InitOnceBeginInitialize(&once, INIT_ONCE_ASYNC, &pending, &context) && pending);
	CHECK_FAILS(InitOnceBeginInitialize(&once, 0, &pending, &context), ERROR_INVALID_PARAMETER);
	CHECK(InitOnceComplete(&once, INIT_ONCE_ASYNC, &cs));
	CHECK_FAILS(InitOnceComplete(&once, INIT_ONCE_ASYNC, &srw), ERROR_ALREADY_EXISTS);
	CHECK(InitOnceBeginInitialize(&once, INIT_ONCE_CHECK_ONLY, &pending, &context));
	CHECK(!pending && context == &cs);
}

static union {
	unsigned char byte[8];
	LONG64 all;
} cell;

static DWORD WINAPI wait_byte(LPVOID arg)
{
	unsigned char old = 0;

	CHECK(WaitOnAddress(arg, &old, 1, INFINITE));
	return (DWORD)__atomic_load_n((unsigned char *)arg, __ATOMIC_SEQ_CST);
}

static void address_values(void)
{
	LONG64 same = 0, other = -1;
	char old[8] = { 0 };

	CHECK_FAILS(WaitOnAddress(&cell, old, 3, 0), ERROR_INVALID_PARAMETER);
	for (SIZE_T size = 1; size <= 8; size *= 2) {
		CHECK(WaitOnAddress(&cell, &other, size, INFINITE));
		CHECK_FAILS(WaitOnAddress(&cell, &same, size, 0), ERROR_TIMEOUT);
		CHECK_FAILS(WaitOnAddress(&cell, &same, size, 5), ERROR_TIMEOUT);
	}
	cell.byte[4] = 1;
	CHECK_FAILS(WaitOnAddress(&cell, &same, 4, 0), ERROR_TIMEOUT);
	CHECK(WaitOnAddress(&cell, &same, 8, INFINITE));
	/* Wake-ups that nobody waits for. */
	WakeByAddressSingle(&cell);
	WakeByAddressAll(NULL);
}

/* Neighbours in one word are told apart, and a wake-up that comes for no change is one still. */
static void address_wakes(void)
{
	HANDLE t[4];
	DWORD id[4];

	for (int i = 0; i < 4; i++) {
		t[i] = start(wait_byte, &cell.byte[i < 2 ? 1 : 2], &id[i]);
		until_asleep(id[i]);
	}
	WakeByAddressSingle(&cell.byte[1]); /* the first that came; its value is as it was */
	CHECK_EQ(join(t[0]), 0);
	CHECK_EQ(WaitForSingleObject(t[1], 0), WAIT_TIMEOUT);
	__atomic_store_n(&cell.byte[2], 9, __ATOMIC_SEQ_CST);
	WakeByAddressAll(&cell.byte[2]);
	CHECK_EQ(join(t[2]), 9);
	CHECK_EQ(join(t[3]), 9);
	CHECK_EQ(WaitForSingleObject(t[1], 0), WAIT_TIMEOUT);
	WakeByAddressAll(&cell.byte[1]);
	CHECK_EQ(join(t[1]), 0);
}

static LONG ball;

static DWORD WINAPI play(LPVOID arg)
{
	LONG mine = (LONG)(LONG_PTR)arg, theirs = 1 - mine;
	int n = rounds(20000);

	for (int i = 0; i < n; i++) {
		while (__atomic_load_n(&ball, __ATOMIC_ACQUIRE) != mine)
			CHECK(WaitOnAddress(&ball, &theirs, sizeof(ball), 60000));
		InterlockedExchange(&ball, theirs);
		WakeByAddressSingle(&ball);
	}
	return 0;
}

static void address_ping_pong(void)
{
	HANDLE a = start(play, (LPVOID)0, NULL), b = start(play, (LPVOID)1, NULL);

	CHECK_EQ(join(a), 0);
	CHECK_EQ(join(b), 0);
}

static DWORD WINAPI wait_and_wake(LPVOID arg)
{
	LONG old = 0, value = 0;
	atomic_int *stop = arg;

	while (!atomic_load(stop)) {
		WaitOnAddress(&value, &old, sizeof(value), 0);
		WakeByAddressAll(&value);
	}
	return 0;
}

/* A child of a process whose threads are inside the calls can use them. */
static void address_after_fork(void)
{
	atomic_int stop = 0;
	HANDLE t = start(wait_and_wake, &stop, NULL);

	for (int i = 0; i < 50; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			LONG value = 0, old = 0;

			for (int j = 0; j < 64; j++)
				WakeByAddressAll((char *)&value + 8 * j);
			CHECK_FAILS(WaitOnAddress(&value, &old, sizeof(value), 0), ERROR_TIMEOUT);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	atomic_store(&stop, 1);
	CHECK_EQ(join(t), 0);
}

static void interlocked(void)
{
	LONG n = 5;
	LONG64 big = 1ll << 40;
	PVOID p = &n;
	SHORT s = -1;
	CHAR c = 1;

	CHECK_EQ(InterlockedIncrement(&n), 6);
	CHECK_EQ(InterlockedDecrementRelease(&n), 5);
	CHECK_EQ(InterlockedExchange(&n, 9), 5);
	CHECK_EQ(InterlockedExchangeAdd(&n, -4), 9);
	CHECK_EQ(InterlockedAdd(&n, 2), 7);
	CHECK_EQ(InterlockedCompareExchange(&n, 1, 7), 7);
	CHECK_EQ(InterlockedCompareExchangeAcquire(&n, 2, 7), 1);
	CHECK_EQ(n, 1);
	CHECK_EQ(InterlockedOr(&n, 6), 1);
	CHECK_EQ(InterlockedAnd(&n, 5), 7);
	CHECK_EQ(InterlockedXor(&n, 1), 5);
	CHECK_EQ(n, 4);
	CHECK(InterlockedBitTestAndReset(&n, 2) && !InterlockedBitTestAndSet(&n, 31));
	CHECK_EQ(n, (LONG)0x80000000u);
	CHECK_EQ(InterlockedAdd64(&big, 1), (1ll << 40) + 1);
	CHECK_EQ(InterlockedCompareExchange64(&big, 3, (1ll << 40) + 1), (1ll << 40) + 1);
	CHECK_EQ(InterlockedIncrement64(&big), 4);
	CHECK_EQ(InterlockedAnd64Acquire(&big, 6), 4);
	CHECK(InterlockedExchangePointer(&p, &big) == &n);
	CHECK(InterlockedCompareExchangePointer(&p, NULL, &n) == &big);
	CHECK(InterlockedCompareExchangePointer(&p, NULL, &big) == &big && !p);
	CHECK_EQ(InterlockedIncrement16(&s), 0);
	CHECK_EQ(InterlockedExchange8(&c, 3), 1);
	CHECK_EQ(_InterlockedExchangeAdd(&n, 1), (LONG)0x80000000u);
	CHECK_EQ(ReadAcquire(&n), (LONG)0x80000001u);
}

static const struct tap_case cases[] = {
	CASE(condition_queue, "condition: a queue of one"),
	CASE(condition_times_out, "condition: times out with 1460, the lock held again"),
	CASE(condition_wakes, "condition: wakes one, wakes all"),
	CASE(once_only, "one-time initialisation: once"),
	CASE(once_in_steps, "one-time initialisation: in two steps"),
	CASE(address_values, "WaitOnAddress: sizes, values, timeouts"),
	CASE(address_wakes, "WaitOnAddress: wakes who waits for this address"),
	CASE(address_ping_pong, "WaitOnAddress: no wake-up is lost"),
	CASE(address_after_fork, "WaitOnAddress: in a forked child"),
	CASE(interlocked, "the Interlocked family"),
};

TAP_MAIN(cases)
