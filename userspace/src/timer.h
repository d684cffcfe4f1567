/* SPDX-License-Identifier: MIT */
/* What is to happen at a time, without a thread of the application's that waits for it. */
#ifndef CIO_TIMER_H
#define CIO_TIMER_H

#include <stdint.h>

#include "futex.h"
#include "list.h"

struct cio_timer {
	struct cio_list link; /* by deadline; state lock */
	uint64_t deadline;
	/* Called under the state lock, when the timer has left the list. */
	void (*expired)(struct cio_timer *timer);
};

void cio_timer_init(struct cio_timer *timer, void (*expired)(struct cio_timer *timer));

/* Before a timer is set, without locks. False: there can be no thread that would look after it. */
bool cio_timers_ready(void);

/* Under the state lock. One that is set already is set anew; CIO_FOREVER: it is not set. */
void cio_timer_set(struct cio_timer *timer, uint64_t deadline);

/* What is set is the parent's. */
void cio_timers_reinit_in_child(void);

#endif
