// SPDX-License-Identifier: MIT
#include "lock.h"
#include "object.h"
#include "service.h"
#include "timer.h"

static struct cio_list timers = CIO_LIST_INIT(timers); /* the earliest first; state lock */
static atomic_uint changes; /* of the earliest; futex */
static struct cio_lock starting = CIO_LOCK_INIT;
static atomic_bool running;

static void wake_service(struct cio_work *work)
{
	(void)work;
	cio_futex_wake(&changes, 1);
}

static struct cio_work wake = { .run = wake_service };

static struct cio_timer *earliest(void)
{
	return cio_list_empty(&timers) ? NULL : cio_entry(timers.next, struct cio_timer, link);
}

/* Until when there is nothing more to do. */
static uint64_t expire_due(void)
{
	uint64_t now = cio_now();
	struct cio_timer *t;

	while ((t = earliest()) && t->deadline <= now) {
		cio_list_del(&t->link);
		t->expired(t);
	}
	return t ? t->deadline : CIO_FOREVER;
}

static void timers_main(void *arg)
{
	(void)arg;
	for (;;) {
		unsigned int seen = atomic_load(&changes);
		uint64_t next;

		cio_state_lock();
		next = expire_due();
		cio_state_unlock();
		cio_futex_wait(&changes, seen, next);
	}
}

bool cio_timers_ready(void)
{
	bool ok;

	if (atomic_load_explicit(&running, memory_order_acquire))
		return true;
	cio_lock_take(&starting);
	ok = atomic_load(&running) || cio_service_start(timers_main, NULL);
	if (ok)
		atomic_store(&running, true);
	cio_lock_drop(&starting);
	return ok;
}

void cio_timer_init(struct cio_timer *timer, void (*expired)(struct cio_timer *timer))
{
	cio_list_init(&timer->link);
	timer->expired = expired;
}

void cio_timer_set(struct cio_timer *timer, uint64_t deadline)
{
	struct cio_list *pos;

	cio_list_del(&timer->link);
	if (deadline == CIO_FOREVER)
		return;
	pos = timers.next;
	while (pos != &timers && cio_entry(pos, struct cio_timer, link)->deadline <= deadline)
		pos = pos->next;
	timer->deadline = deadline;
	cio_list_add_tail(&timer->link, pos);
	if (earliest() == timer) {
		atomic_fetch_add(&changes, 1);
		cio_work_later(&wake);
	}
}

void cio_timers_reinit_in_child(void)
{
	cio_list_each_safe(pos, tmp, &timers)
		cio_list_del(pos);
	atomic_store(&running, false);
	cio_lock_reinit_in_child(&starting);
}
