// SPDX-License-Identifier: MIT
/*
 * Slim locks: two words where Windows has a pointer, all zero when free.
 *
 * state counts the readers, or says that a writer is inside, and in two bits who waits. While
 * anybody waits, readers that come queue up too, so that they cannot keep a writer out for ever.
 * A writer sleeps on turn: it is not woken by readers who come and go.
 *
 * Whoever holds one must not ask for it again. A lock that another thread holds when a process
 * forks is held for ever in the child.
 */
#include <stdbool.h>
#include <windows.h>

#include "futex.h"

#define COUNT 0x3FFFFFFFu
#define WRITER COUNT
#define READERS_WAIT 0x40000000u
#define WRITERS_WAIT 0x80000000u

#define SPINS 100

/* The application knows the memory as a PSRWLOCK. */
struct __attribute__((may_alias)) srw {
	atomic_uint state;
	atomic_uint turn;
};
_Static_assert(sizeof(struct srw) == sizeof(SRWLOCK), "Windows' size");

static struct srw *srw_of(PSRWLOCK lock)
{
	return (struct srw *)lock;
}

static bool is_free(unsigned int state)
{
	return !(state & COUNT);
}

static bool admits_reader(unsigned int state)
{
	return (state & COUNT) < WRITER - 1 && !(state & (READERS_WAIT | WRITERS_WAIT));
}

static bool move(struct srw *l, unsigned int *from, unsigned int to)
{
	return atomic_compare_exchange_weak_explicit(&l->state, from, to, memory_order_acquire,
						     memory_order_relaxed);
}

/* A little while, in the hope that the writer inside is done. */
static unsigned int spin(struct srw *l)
{
	unsigned int state = atomic_load_explicit(&l->state, memory_order_relaxed);

	for (int i = 0; i < SPINS && state == WRITER; i++) {
		YieldProcessor();
		state = atomic_load_explicit(&l->state, memory_order_relaxed);
	}
	return state;
}

static void wait_shared(struct srw *l)
{
	unsigned int state = spin(l);

	for (;;) {
		if (admits_reader(state)) {
			if (move(l, &state, state + 1))
				return;
			continue;
		}
		if (!(state & READERS_WAIT) && !move(l, &state, state | READERS_WAIT))
			continue;
		cio_futex_wait(&l->state, state | READERS_WAIT, CIO_FOREVER);
		state = spin(l);
	}
}

static void wait_exclusive(struct srw *l)
{
	unsigned int state = spin(l), others = 0, turn;

	for (;;) {
		if (is_free(state)) {
			if (move(l, &state, state | WRITER | others))
				return;
			continue;
		}
		if (!(state & WRITERS_WAIT) && !move(l, &state, state | WRITERS_WAIT))
			continue;
		/* More than this one may be waiting from now on, and who wakes takes the bit away. */
		others = WRITERS_WAIT;
		turn = atomic_load_explicit(&l->turn, memory_order_acquire);
		state = atomic_load_explicit(&l->state, memory_order_relaxed);
		if (is_free(state) || !(state & WRITERS_WAIT))
			continue;
		cio_futex_wait(&l->turn, turn, CIO_FOREVER);
		state = spin(l);
	}
}

static bool wake_writer(struct srw *l)
{
	atomic_fetch_add_explicit(&l->turn, 1, memory_order_release);
	return cio_futex_wake(&l->turn, 1) > 0;
}

/*
 * The lock was just left free with somebody waiting. If another gets in first, the waking is
 * up to that one. A writer that was about to sleep, and is not found asleep, sees its turn
 * changed; but the readers must not be left to it alone.
 */
static void wake(struct srw *l, unsigned int state)
{
	if (state == WRITERS_WAIT) {
		if (atomic_compare_exchange_strong(&l->state, &state, 0)) {
			wake_writer(l);
			return;
		}
	}
	if (state == (READERS_WAIT | WRITERS_WAIT)) {
		if (!atomic_compare_exchange_strong(&l->state, &state, READERS_WAIT))
			return;
		if (wake_writer(l))
			return;
		state = READERS_WAIT;
	}
	if (state == READERS_WAIT && atomic_compare_exchange_strong(&l->state, &state, 0))
		cio_futex_wake(&l->state, INT32_MAX);
}

VOID WINAPI InitializeSRWLock(PSRWLOCK lock)
{
	lock->Ptr = NULL;
}

VOID WINAPI AcquireSRWLockExclusive(PSRWLOCK lock)
{
	unsigned int state = 0;

	if (!atomic_compare_exchange_strong_explicit(&srw_of(lock)->state, &state, WRITER,
						     memory_order_acquire, memory_order_relaxed))
		wait_exclusive(srw_of(lock));
}

BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK lock)
{
	unsigned int state = atomic_load_explicit(&srw_of(lock)->state, memory_order_relaxed);

	while (is_free(state))
		if (move(srw_of(lock), &state, state | WRITER))
			return TRUE;
	return FALSE;
}

VOID WINAPI AcquireSRWLockShared(PSRWLOCK lock)
{
	unsigned int state = atomic_load_explicit(&srw_of(lock)->state, memory_order_relaxed);

	if (!admits_reader(state) || !move(srw_of(lock), &state, state + 1))
		wait_shared(srw_of(lock));
}

BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK lock)
{
	unsigned int state = atomic_load_explicit(&srw_of(lock)->state, memory_order_relaxed);

	while (admits_reader(state))
		if (move(srw_of(lock), &state, state + 1))
			return TRUE;
	return FALSE;
}

/* To release what is not held so is the application's mistake, and harms nobody else here. */
VOID WINAPI ReleaseSRWLockExclusive(PSRWLOCK lock)
{
	struct srw *l = srw_of(lock);
	unsigned int state = atomic_load_explicit(&l->state, memory_order_relaxed);

	if ((state & COUNT) != WRITER)
		return;
	state = atomic_fetch_sub_explicit(&l->state, WRITER, memory_order_release) - WRITER;
	if (state)
		wake(l, state);
}

VOID WINAPI ReleaseSRWLockShared(PSRWLOCK lock)
{
	struct srw *l = srw_of(lock);
	unsigned int state = atomic_load_explicit(&l->state, memory_order_relaxed);

	if (is_free(state) || (state & COUNT) == WRITER)
		return;
	state = atomic_fetch_sub_explicit(&l->state, 1, memory_order_release) - 1;
	/* Readers wait only because a writer does. */
	if (is_free(state) && state & WRITERS_WAIT)
		wake(l, state);
}
