/* SPDX-License-Identifier: MIT */
/* A lock of one word, which costs two instructions while nobody else wants it. */
#ifndef CIO_LOCK_H
#define CIO_LOCK_H

#include <stdatomic.h>

#include "futex.h"

struct cio_lock {
	atomic_uint word; /* 0 free, 1 taken, 2 taken and wanted */
};

#define CIO_LOCK_INIT { 0 }

/* The rest of taking it, when it was not free. */
void cio_lock_wait(struct cio_lock *lock);

static inline void cio_lock_take(struct cio_lock *lock)
{
	unsigned int was = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->word, &was, 1, memory_order_acquire,
						     memory_order_relaxed))
		cio_lock_wait(lock);
}

static inline void cio_lock_drop(struct cio_lock *lock)
{
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		cio_futex_wake(&lock->word, 1);
}

/* After a fork: whoever wanted it is not here. */
static inline void cio_lock_reinit_in_child(struct cio_lock *lock)
{
	atomic_store(&lock->word, 0);
}

#endif
