/* SPDX-License-Identifier: MIT */
/*
 * How a thread waits. It sleeps on a word of its own, or, when operations are pending and nobody
 * does it yet, inside the ring, where it completes whatever comes until its own wait is over.
 */
#ifndef CIO_WAIT_H
#define CIO_WAIT_H

#include "futex.h"
#include "object.h"

enum cio_park {
	CIO_PARK_NONE,
	CIO_PARK_NOTIFIED, /* a wake-up has come and was not yet seen */
	CIO_PARK_FUTEX, /* asleep on the word */
	CIO_PARK_RING, /* asleep in the ring, or about to be */
};

/* Makes the thread's current or next sleep end. */
void cio_unpark(struct cio_thread *thread);

/* Waits until *done, which somebody sets before he unparks us. False: the deadline came. */
bool cio_wait_until(struct cio_thread *self, atomic_bool *done, uint64_t deadline);

uint64_t cio_deadline(DWORD milliseconds);

#endif
