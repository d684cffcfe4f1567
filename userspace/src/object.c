// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "object.h"
#include "thread.h"
#include "wait.h"

static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER;
static struct cio_thread *to_wake; /* state lock */

void cio_state_lock(void)
{
	pthread_mutex_lock(&state);
}

void cio_wake_later(struct cio_thread *thread)
{
	/* Who is queued still has its wake-up before it, and will see what we changed. */
	if (atomic_exchange(&thread->wake_queued, true))
		return;
	cio_object_get(&thread->obj);
	thread->wake_next = to_wake;
	to_wake = thread;
}

void cio_state_unlock(void)
{
	struct cio_thread *next, *t = to_wake;

	to_wake = NULL;
	pthread_mutex_unlock(&state);
	for (; t; t = next) {
		next = t->wake_next;
		atomic_store(&t->wake_queued, false);
		cio_unpark(t);
		cio_object_put(&t->obj);
	}
}

/* The parent's other threads are gone, and with them whoever was to be woken. */
void cio_state_reinit_in_child(void)
{
	to_wake = NULL;
	pthread_mutex_unlock(&state);
}

void cio_object_init(struct cio_object *obj, const struct cio_class *class, bool signalled)
{
	obj->class = class;
	atomic_init(&obj->refs, 1);
	obj->handles = 0;
	obj->signalled = signalled;
	obj->auto_reset = false;
	cio_list_init(&obj->waiters);
}

void cio_object_get(struct cio_object *obj)
{
	atomic_fetch_add_explicit(&obj->refs, 1, memory_order_relaxed);
}

void cio_object_put(struct cio_object *obj)
{
	if (atomic_fetch_sub_explicit(&obj->refs, 1, memory_order_acq_rel) == 1)
		obj->class->destroy(obj);
}

bool cio_object_try_take(struct cio_object *obj)
{
	if (!obj->signalled)
		return false;
	if (obj->auto_reset)
		obj->signalled = false;
	return true;
}

void cio_object_add_waiter(struct cio_object *obj, struct cio_waiter *w)
{
	atomic_store_explicit(&w->done, false, memory_order_relaxed);
	cio_list_add_tail(&w->link, &obj->waiters);
}

void cio_object_signal(struct cio_object *obj)
{
	obj->signalled = true;
	cio_list_each_safe(pos, tmp, &obj->waiters) {
		struct cio_waiter *w = cio_entry(pos, struct cio_waiter, link);
		struct cio_thread *thread = w->thread;

		if (!w->watches && !cio_object_try_take(obj))
			continue;
		cio_list_del(&w->link);
		cio_wake_later(thread);
		/* From here on the waiter's stack frame may be gone. */
		atomic_store(&w->done, true);
	}
}
