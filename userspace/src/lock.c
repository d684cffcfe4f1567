// SPDX-License-Identifier: MIT
#include "lock.h"

#define SPINS 100

static void pause_once(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* What is done under these locks is short: who has it will mostly be done before a sleep begins. */
void cio_lock_wait(struct cio_lock *lock)
{
	for (int i = 0; i < SPINS; i++) {
		unsigned int was = atomic_load_explicit(&lock->word, memory_order_relaxed);

		if (was == 2)
			break;
		if (was == 0 && atomic_compare_exchange_weak(&lock->word, &was, 1))
			return;
		pause_once();
	}
	while (atomic_exchange(&lock->word, 2) != 0)
		cio_futex_wait(&lock->word, 2, CIO_FOREVER);
}
