// SPDX-License-Identifier: MIT
/*
 * Condition variables: two words where Windows has a pointer, all zero at first. Each wake-up
 * moves the number that the sleepers sleep on, and nothing is woken where nobody sleeps.
 *
 * In a forked child a condition that others wait for in the parent costs a needless system call.
 */
#include "futex.h"
#include "status.h"
#include "wait.h"

struct __attribute__((may_alias)) condition {
	atomic_uint number;
	atomic_uint sleepers;
};
_Static_assert(sizeof(struct condition) == sizeof(CONDITION_VARIABLE), "Windows' size");

static struct condition *condition_of(PCONDITION_VARIABLE variable)
{
	return (struct condition *)variable;
}

/* Before the lock is released: whoever takes it then and changes what we wait for will see us. */
static unsigned int announce(struct condition *c)
{
	atomic_fetch_add(&c->sleepers, 1);
	return atomic_load(&c->number);
}

static bool sleep_on(struct condition *c, unsigned int number, DWORD milliseconds)
{
	uint64_t deadline = cio_deadline(milliseconds);
	bool woken;

	while (!(woken = atomic_load(&c->number) != number)) {
		if (deadline != CIO_FOREVER && cio_now() >= deadline)
			break;
		cio_futex_wait(&c->number, number, deadline);
	}
	atomic_fetch_sub(&c->sleepers, 1);
	return woken;
}

static void wake(struct condition *c, int count)
{
	if (!atomic_load(&c->sleepers))
		return;
	atomic_fetch_add(&c->number, 1);
	cio_futex_wake(&c->number, count);
}

VOID WINAPI InitializeConditionVariable(PCONDITION_VARIABLE variable)
{
	variable->Ptr = NULL;
}

BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE variable, PCRITICAL_SECTION cs,
				     DWORD milliseconds)
{
	struct condition *c = condition_of(variable);
	unsigned int number = announce(c);
	bool woken;

	LeaveCriticalSection(cs);
	woken = sleep_on(c, number, milliseconds);
	EnterCriticalSection(cs);
	return woken ? TRUE : cio_fail(ERROR_TIMEOUT);
}

BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE variable, PSRWLOCK lock,
				      DWORD milliseconds, ULONG flags)
{
	bool shared = flags == CONDITION_VARIABLE_LOCKMODE_SHARED, woken;
	struct condition *c = condition_of(variable);
	unsigned int number;

	if (flags & ~(ULONG)CONDITION_VARIABLE_LOCKMODE_SHARED)
		return cio_fail(ERROR_INVALID_PARAMETER);
	number = announce(c);
	if (shared)
		ReleaseSRWLockShared(lock);
	else
		ReleaseSRWLockExclusive(lock);
	woken = sleep_on(c, number, milliseconds);
	if (shared)
		AcquireSRWLockShared(lock);
	else
		AcquireSRWLockExclusive(lock);
	return woken ? TRUE : cio_fail(ERROR_TIMEOUT);
}

VOID WINAPI WakeConditionVariable(PCONDITION_VARIABLE variable)
{
	wake(condition_of(variable), 1);
}

VOID WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE variable)
{
	wake(condition_of(variable), INT32_MAX);
}
