// SPDX-License-Identifier: MIT
/*
 * The caller's flag (W-COPY-2). It is memory that anybody may set at any moment, without a word.
 * Between two chunks the copy looks at it by itself; and while a system call lasts, the thread that
 * sleeps on the library's timers does, and cancels that call.
 */
#include "copy_private.h"
#include "object.h"
#include "sync.h"

#define LOOK_EVERY_NS 20000000u

bool cio_copy_flag_is_set(const struct cio_copying *c)
{
	return c->how->cancel && __atomic_load_n(c->how->cancel, __ATOMIC_ACQUIRE);
}

/* Under the state lock. */
static void look(struct cio_timer *timer)
{
	struct cio_copy_watch *watch = cio_entry(timer, struct cio_copy_watch, timer);

	if (watch->inside && __atomic_load_n(watch->cancel, __ATOMIC_ACQUIRE))
		watch->fired |= cio_sync_cancel(watch->thread, NULL, NULL);
	cio_timer_set(timer, cio_now() + LOOK_EVERY_NS);
}

void cio_copy_watch_start(struct cio_copying *c)
{
	/* Without the timers' thread it is looked at between two chunks only. */
	if (!c->how->cancel || !cio_timers_ready())
		return;
	c->watch.cancel = c->how->cancel;
	c->watch.thread = c->self;
	cio_timer_init(&c->watch.timer, look);
	cio_state_lock();
	cio_timer_set(&c->watch.timer, cio_now() + LOOK_EVERY_NS);
	cio_state_unlock();
}

void cio_copy_watch_inside(struct cio_copying *c, bool inside)
{
	if (!c->watch.cancel)
		return;
	cio_state_lock();
	c->watch.inside = inside;
	cio_state_unlock();
}

bool cio_copy_watch_stop(struct cio_copying *c)
{
	if (!c->watch.cancel)
		return false;
	cio_state_lock();
	cio_timer_set(&c->watch.timer, CIO_FOREVER);
	cio_state_unlock();
	return c->watch.fired;
}
