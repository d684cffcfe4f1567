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

/*
 * One wait, on the stack of the thread that waits. It is ended once, under the state lock: by one
 * of its objects, by an APC, by what else ends it (cio_wait_end), or by its deadline.
 */
struct cio_wait {
	struct cio_thread *thread;
	struct cio_waiter *links; /* one for each object */
	unsigned int count;
	bool all;
	bool alertable;
	/* Set: the wait is for this request to be final; its one object only tells of changes. */
	LPOVERLAPPED overlapped;
	/* Set: nobody sleeps; it is called once, under the state lock, when an object is ready. */
	void (*told)(struct cio_wait *wait);
	DWORD result; /* WAIT_OBJECT_0 + n, WAIT_ABANDONED_0 + n, WAIT_IO_COMPLETION, WAIT_TIMEOUT */
	atomic_bool done;
};

struct cio_waiter {
	struct cio_list link;
	struct cio_wait *wait;
	struct cio_object *obj;
};

/* Fills the links; their objects are the caller's references. */
void cio_wait_init(struct cio_wait *wait, struct cio_thread *self, struct cio_waiter *links,
		   struct cio_object *const *objs, unsigned int count);

/*
 * The whole of a wait: looks, and sleeps. A timeout of 0 only looks. A signalled object beats a queued
 * APC, and that beats the timeout (W-APC-2). After WAIT_IO_COMPLETION the caller runs the APCs, once it
 * holds nothing any more: a fork in one of them finds no handle in use.
 */
DWORD cio_wait_run(struct cio_wait *wait, DWORD milliseconds);

/*
 * For a wait that needs more than objects: cio_wait_start() under the state lock arms it, unless an
 * object or (alertable) an APC ends it at once; cio_wait_sleep(), without the lock, sees it through
 * as cio_wait_run() does.
 */
void cio_wait_start(struct cio_wait *wait);
DWORD cio_wait_sleep(struct cio_wait *wait, DWORD milliseconds);

/* Under the state lock. Ends a wait that has not ended; false: it has. */
bool cio_wait_end(struct cio_wait *wait, DWORD result);
/* The same by the thread that waits: WAIT_TIMEOUT is the result. */
bool cio_wait_give_up(struct cio_wait *wait);
/* Under the state lock: looks again at one of the wait's objects. */
void cio_waiter_serve(struct cio_waiter *w);
/* Under the state lock, for a wait with `told`: it is not to be told any more. */
void cio_wait_unlink(struct cio_wait *wait);

/* Makes the thread's current or next sleep end. */
void cio_unpark(struct cio_thread *thread);

/* Waits until *done, which somebody sets before he unparks us. False: the deadline came. */
bool cio_wait_until(struct cio_thread *self, atomic_bool *done, uint64_t deadline);

uint64_t cio_deadline(DWORD milliseconds);

#endif
