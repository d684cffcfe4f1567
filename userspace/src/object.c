// SPDX-License-Identifier: MIT
#include "object.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

struct cio_state cio_state = { .to_do_end = &cio_state.to_do };

void cio_wake_later(struct cio_thread *thread)
{
	/* Who is queued still has its wake-up before it, and will see what we changed. */
	if (atomic_exchange(&thread->wake_queued, true))
		return;
	cio_object_get(&thread->obj);
	thread->wake_next = cio_state.to_wake;
	cio_state.to_wake = thread;
}

void cio_work_later(struct cio_work *work)
{
	if (work->queued)
		return;
	work->queued = true;
	work->next = NULL;
	*cio_state.to_do_end = work;
	cio_state.to_do_end = &work->next;
}

static void wake_all(struct cio_thread *t)
{
	struct cio_thread *next;

	for (; t; t = next) {
		next = t->wake_next;
		atomic_store(&t->wake_queued, false);
		cio_unpark(t);
		cio_object_put(&t->obj);
	}
}

static void unlock_and_wake(void)
{
	struct cio_thread *wake = cio_state.to_wake;

	cio_state.to_wake = NULL;
	cio_lock_drop(&cio_state.lock);
	if (wake)
		wake_all(wake);
}

/* One at a time: until its turn comes, a piece of work may still be added to, under the lock. */
static void work_all(void)
{
	CIO_KEEP_ERRNO;
	struct cio_work *work;

	for (;;) {
		cio_lock_take(&cio_state.lock);
		work = cio_state.to_do;
		if (work) {
			cio_state.to_do = work->next;
			if (!cio_state.to_do)
				cio_state.to_do_end = &cio_state.to_do;
			work->queued = false;
		}
		unlock_and_wake();
		if (!work)
			return;
		work->run(work);
	}
}

void cio_state_unlock_gathered(void)
{
	bool work = cio_state.to_do != NULL;

	unlock_and_wake();
	if (work)
		work_all();
}

/* The parent's other threads are gone, and with them whoever was to be woken. */
void cio_state_reinit_in_child(void)
{
	cio_state.to_wake = NULL;
	cio_lock_reinit_in_child(&cio_state.lock);
}

void cio_object_init(struct cio_object *obj, const struct cio_class *class, bool signalled)
{
	obj->class = class;
	atomic_init(&obj->refs, 1);
	obj->handles = 0;
	obj->name = NULL;
	obj->signalled = signalled;
	obj->auto_reset = false;
	cio_list_init(&obj->waiters);
}

/* Of an auto-reset object the first of them leaves nothing to the others: they stay. */
void cio_object_serve(struct cio_object *obj)
{
	struct cio_list *pos = obj->waiters.next;

	while (pos != &obj->waiters) {
		struct cio_waiter *w = cio_entry(pos, struct cio_waiter, link);
		const struct cio_wait *wait = w->wait;

		/* Ending a wait unlinks all that it has here. */
		do
			pos = pos->next;
		while (pos != &obj->waiters && cio_entry(pos, struct cio_waiter, link)->wait == wait);
		cio_waiter_serve(w);
	}
}
