// SPDX-License-Identifier: MIT
/*
 * Critical sections. LockCount is the lock and what its waiters sleep on; the values are those
 * that Windows has in the same three states. LockSemaphore tells the owner, by an address of its
 * own: OwningThread, which applications and debuggers look at, is a task's id, and a forked
 * child has another than the thread that it was.
 *
 * A section that another thread holds when a process forks is held for ever in the child.
 */
#include "futex.h"
#include "status.h"
#include "thread.h"

#define FREE (-1)
#define HELD (-2)
#define WANTED (-6) /* held, and somebody sleeps or is about to */

static HANDLE me(void)
{
	static __thread char mine __attribute__((tls_model("initial-exec")));

	return &mine;
}

static bool is_mine(const CRITICAL_SECTION *cs)
{
	return __atomic_load_n(&cs->LockSemaphore, __ATOMIC_RELAXED) == me();
}

static bool try_take(LPCRITICAL_SECTION cs)
{
	LONG was = FREE;

	return __atomic_compare_exchange_n(&cs->LockCount, &was, HELD, 0, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void own(LPCRITICAL_SECTION cs)
{
	__atomic_store_n(&cs->LockSemaphore, me(), __ATOMIC_RELAXED);
	__atomic_store_n(&cs->OwningThread, (HANDLE)(ULONG_PTR)GetCurrentThreadId(), __ATOMIC_RELAXED);
	cs->RecursionCount = 1;
}

static void wait_for(LPCRITICAL_SECTION cs)
{
	for (ULONG_PTR i = 0; i < cs->SpinCount; i++) {
		if (try_take(cs))
			return;
		YieldProcessor();
	}
	/* Who comes out of here cannot know whether others sleep, and says that they do. */
	while (__atomic_exchange_n(&cs->LockCount, WANTED, __ATOMIC_ACQUIRE) != FREE)
		cio_futex_wait((atomic_uint *)&cs->LockCount, (unsigned int)WANTED, CIO_FOREVER);
}

BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION cs, DWORD spin, DWORD flags)
{
	if (flags & ~(RTL_CRITICAL_SECTION_FLAG_NO_DEBUG_INFO |
		      RTL_CRITICAL_SECTION_FLAG_DYNAMIC_SPIN |
		      RTL_CRITICAL_SECTION_FLAG_STATIC_INIT))
		return cio_fail(ERROR_INVALID_PARAMETER);
	*cs = (CRITICAL_SECTION){
		.DebugInfo = (PRTL_CRITICAL_SECTION_DEBUG)(LONG_PTR)-1, /* there is none */
		.LockCount = FREE,
		.SpinCount = spin & 0x00FFFFFF, /* the upper bits are flags of long ago */
	};
	return TRUE;
}

BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION cs, DWORD spin)
{
	return InitializeCriticalSectionEx(cs, spin, 0);
}

VOID WINAPI InitializeCriticalSection(LPCRITICAL_SECTION cs)
{
	InitializeCriticalSectionEx(cs, 0, 0);
}

DWORD WINAPI SetCriticalSectionSpinCount(LPCRITICAL_SECTION cs, DWORD spin)
{
	DWORD was = (DWORD)cs->SpinCount;

	cs->SpinCount = spin & 0x00FFFFFF;
	return was;
}

VOID WINAPI EnterCriticalSection(LPCRITICAL_SECTION cs)
{
	if (is_mine(cs)) {
		cs->RecursionCount++;
		return;
	}
	if (!try_take(cs))
		wait_for(cs);
	own(cs);
}

BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION cs)
{
	if (is_mine(cs)) {
		cs->RecursionCount++;
		return TRUE;
	}
	if (!try_take(cs))
		return FALSE;
	own(cs);
	return TRUE;
}

/* By another than the owner it is a mistake of the application's, and nothing happens. */
VOID WINAPI LeaveCriticalSection(LPCRITICAL_SECTION cs)
{
	if (!is_mine(cs) || --cs->RecursionCount)
		return;
	__atomic_store_n(&cs->OwningThread, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&cs->LockSemaphore, NULL, __ATOMIC_RELAXED);
	/* The section may be gone with the exchange: a wake-up of what is there now does no harm. */
	if (__atomic_exchange_n(&cs->LockCount, FREE, __ATOMIC_RELEASE) == WANTED)
		cio_futex_wake((atomic_uint *)&cs->LockCount, 1);
}

/* Nothing was allocated. Who comes too late finds it free rather than waits for ever. */
VOID WINAPI DeleteCriticalSection(LPCRITICAL_SECTION cs)
{
	*cs = (CRITICAL_SECTION){ .LockCount = FREE };
}
