// SPDX-License-Identifier: MIT
/*
 * One-time initialisation. The lowest two bits of the pointer say how far it has come, the rest is
 * the context once it is done. While it goes on, a third bit says that others wait. If another thread
 * is at it when a process forks, it goes on for ever in the child.
 */
#include <stdbool.h>

#include "futex.h"
#include "status.h"

#define STATE 3u
#define UNDONE 0u
#define GOES_ON 1u
#define DONE 2u
#define GOES_ON_ASYNC 3u /* by any number of threads, of which one will be the first */
#define WAITED_FOR 4u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the state is in the first four bytes");

static ULONG_PTR load(PINIT_ONCE once)
{
	return __atomic_load_n((ULONG_PTR *)&once->Ptr, __ATOMIC_ACQUIRE);
}

static bool move(PINIT_ONCE once, ULONG_PTR *from, ULONG_PTR to)
{
	return __atomic_compare_exchange_n((ULONG_PTR *)&once->Ptr, from, to, 0, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static void wait_for_end(PINIT_ONCE once, ULONG_PTR value)
{
	if (value & WAITED_FOR || move(once, &value, value | WAITED_FOR))
		cio_futex_wait((atomic_uint *)once, (unsigned int)(value | WAITED_FOR), CIO_FOREVER);
}

static bool take(LPVOID *context, ULONG_PTR value)
{
	if (context)
		*context = (LPVOID)(value & ~(ULONG_PTR)STATE);
	return true;
}

VOID WINAPI InitOnceInitialize(PINIT_ONCE once)
{
	once->Ptr = NULL;
}

BOOL WINAPI InitOnceBeginInitialize(LPINIT_ONCE once, DWORD flags, PBOOL pending, LPVOID *context)
{
	bool async = flags & INIT_ONCE_ASYNC;
	ULONG_PTR value = load(once);

	if (flags & ~(INIT_ONCE_CHECK_ONLY | INIT_ONCE_ASYNC) ||
	    flags == (INIT_ONCE_CHECK_ONLY | INIT_ONCE_ASYNC))
		return cio_fail(ERROR_INVALID_PARAMETER);
	for (;;) {
		*pending = (value & STATE) != DONE;
		if (!*pending)
			return take(context, value);
		if (flags & INIT_ONCE_CHECK_ONLY)
			return cio_fail(ERROR_GEN_FAILURE);
		if (value == UNDONE) {
			if (move(once, &value, async ? GOES_ON_ASYNC : GOES_ON))
				return TRUE;
			continue;
		}
		/* The two ways do not mix. */
		if (async != ((value & STATE) == GOES_ON_ASYNC))
			return cio_fail(ERROR_INVALID_PARAMETER);
		if (async)
			return TRUE;
		wait_for_end(once, value);
		value = load(once);
	}
}

BOOL WINAPI InitOnceComplete(LPINIT_ONCE once, DWORD flags, LPVOID context)
{
	bool async = flags & INIT_ONCE_ASYNC, failed = flags & INIT_ONCE_INIT_FAILED;
	ULONG_PTR value = load(once), result = failed ? UNDONE : (ULONG_PTR)context | DONE;

	if (flags & ~(INIT_ONCE_ASYNC | INIT_ONCE_INIT_FAILED) || (async && failed) ||
	    (failed && context) || (ULONG_PTR)context & STATE)
		return cio_fail(ERROR_INVALID_PARAMETER);
	do {
		if (async && (value & STATE) == DONE)
			return cio_fail(ERROR_ALREADY_EXISTS); /* another was first: its context counts */
		if ((value & STATE) == DONE || value == UNDONE)
			return cio_fail(ERROR_GEN_FAILURE);
		if (async != ((value & STATE) == GOES_ON_ASYNC))
			return cio_fail(ERROR_INVALID_PARAMETER);
	} while (!move(once, &value, result));
	if (!async && value & WAITED_FOR)
		cio_futex_wake((atomic_uint *)once, INT32_MAX);
	return TRUE;
}

BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN fn, PVOID parameter, LPVOID *context)
{
	PVOID made = NULL;
	BOOL pending;

	if (!InitOnceBeginInitialize(once, 0, &pending, context))
		return FALSE;
	if (!pending)
		return TRUE;
	if (!fn(once, parameter, &made)) {
		/* The last error is the function's, and the next that comes tries again. */
		InitOnceComplete(once, INIT_ONCE_INIT_FAILED, NULL);
		return FALSE;
	}
	if (!InitOnceComplete(once, 0, made)) {
		InitOnceComplete(once, INIT_ONCE_INIT_FAILED, NULL);
		return cio_fail(ERROR_INVALID_PARAMETER);
	}
	if (context)
		*context = made;
	return TRUE;
}
