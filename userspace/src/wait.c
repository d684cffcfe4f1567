// SPDX-License-Identifier: MIT
#include "apc.h"
#include "port.h"
#include "ring.h"
#include "thread.h"
#include "wait.h"

void cio_unpark(struct cio_thread *thread)
{
	unsigned int was = atomic_exchange(&thread->park, CIO_PARK_NOTIFIED);

	if (was == CIO_PARK_FUTEX)
		cio_futex_wake(&thread->park, 1);
	else if (was == CIO_PARK_RING && thread != cio_self_if_known())
		cio_ring_kick(cio_ring_if_made());
}

uint64_t cio_deadline(DWORD milliseconds)
{
	return milliseconds == INFINITE ? CIO_FOREVER : cio_now() + milliseconds * 1000000ull;
}

static void park_on_futex(struct cio_thread *self, uint64_t deadline)
{
	unsigned int none = CIO_PARK_NONE;

	if (atomic_compare_exchange_strong(&self->park, &none, CIO_PARK_FUTEX))
		cio_futex_wait(&self->park, CIO_PARK_FUTEX, deadline);
	atomic_store(&self->park, CIO_PARK_NONE);
}

static void park_in_ring(struct cio_thread *self, struct cio_ring *ring, uint64_t deadline)
{
	unsigned int none = CIO_PARK_NONE;

	if (atomic_compare_exchange_strong(&self->park, &none, CIO_PARK_RING)) {
		cio_ring_reap(ring);
		/* What was just reaped may have been what we wait for. */
		if (atomic_load(&self->park) == CIO_PARK_RING)
			cio_ring_sleep(ring, deadline);
		cio_ring_reap(ring);
	}
	atomic_store(&self->park, CIO_PARK_NONE);
}

bool cio_wait_until(struct cio_thread *self, atomic_bool *done, uint64_t deadline)
{
	struct cio_ring *ring = cio_ring_if_made();
	bool in_time = true, slot = false;

	while (!atomic_load(done)) {
		if (deadline != CIO_FOREVER && cio_now() >= deadline) {
			in_time = false;
			break;
		}
		if (atomic_load_explicit(&self->slot, memory_order_relaxed))
			slot = cio_port_block(self);
		if (ring && cio_ring_take_role(ring, self))
			park_in_ring(self, ring, deadline);
		else
			park_on_futex(self, deadline);
	}
	if (ring)
		cio_ring_drop_role(ring, self);
	if (slot)
		cio_port_unblock(self);
	return in_time;
}

void cio_wait_init(struct cio_wait *wait, struct cio_thread *self, struct cio_waiter *links,
		   struct cio_object *const *objs, unsigned int count)
{
	*wait = (struct cio_wait){ .thread = self, .links = links, .count = count };
	for (unsigned int i = 0; i < count; i++) {
		links[i].wait = wait;
		links[i].obj = objs[i];
		cio_list_init(&links[i].link);
	}
}

static bool is_final(LPOVERLAPPED overlapped)
{
	return __atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE) != STATUS_PENDING;
}

/* One of the wait's objects satisfies it. */
static bool try_one(struct cio_wait *wait, struct cio_waiter *w)
{
	bool abandoned;

	if (!cio_object_ready(w->obj, wait->thread))
		return false;
	abandoned = cio_object_take(w->obj, wait->thread);
	wait->result = (abandoned ? WAIT_ABANDONED_0 : WAIT_OBJECT_0) + (DWORD)(w - wait->links);
	return true;
}

/* Nothing is taken before all can be (W-WAIT-1). */
static bool try_all(struct cio_wait *wait)
{
	bool abandoned = false;

	for (unsigned int i = 0; i < wait->count; i++)
		if (!cio_object_ready(wait->links[i].obj, wait->thread))
			return false;
	for (unsigned int i = 0; i < wait->count; i++)
		abandoned |= cio_object_take(wait->links[i].obj, wait->thread);
	wait->result = abandoned ? WAIT_ABANDONED_0 : WAIT_OBJECT_0;
	return true;
}

/* A request that is final; its event is taken as by any wait. */
static bool try_overlapped(struct cio_wait *wait)
{
	if (!is_final(wait->overlapped))
		return false;
	if (cio_object_ready(wait->links[0].obj, wait->thread))
		cio_object_take(wait->links[0].obj, wait->thread);
	wait->result = WAIT_OBJECT_0;
	return true;
}

static bool wait_try(struct cio_wait *wait)
{
	if (wait->overlapped)
		return try_overlapped(wait);
	if (wait->all)
		return try_all(wait);
	for (unsigned int i = 0; i < wait->count; i++)
		if (try_one(wait, &wait->links[i]))
			return true;
	return false;
}

void cio_wait_unlink(struct cio_wait *wait)
{
	for (unsigned int i = 0; i < wait->count; i++)
		cio_list_del(&wait->links[i].link);
}

static void wait_unarm(struct cio_wait *wait)
{
	cio_wait_unlink(wait);
	if (wait->thread->alert == wait)
		wait->thread->alert = NULL;
}

static void wait_wake(struct cio_wait *wait)
{
	struct cio_thread *thread = wait->thread;

	wait_unarm(wait);
	/*
	 * From here on the waiter's stack frame may be gone; its record stays while we have the lock.
	 * The wake-up comes after: one that is on its way already must find what it is for.
	 */
	atomic_store(&wait->done, true);
	cio_wake_later(thread);
}

bool cio_wait_end(struct cio_wait *wait, DWORD result)
{
	if (atomic_load(&wait->done))
		return false;
	wait->result = result;
	wait_wake(wait);
	return true;
}

bool cio_wait_give_up(struct cio_wait *wait)
{
	if (atomic_load(&wait->done))
		return false;
	wait_unarm(wait);
	wait->result = WAIT_TIMEOUT;
	return true;
}

void cio_waiter_serve(struct cio_waiter *w)
{
	struct cio_wait *wait = w->wait;

	if (wait->told) {
		if (cio_object_ready(w->obj, NULL)) {
			cio_wait_unlink(wait);
			wait->told(wait);
		}
	} else if (wait->overlapped || wait->all ? wait_try(wait) : try_one(wait, w)) {
		wait_wake(wait);
	}
}

/* What ends the wait before it has begun; WAIT_TIMEOUT: nothing. */
static bool ends_at_once(struct cio_wait *wait)
{
	if (wait_try(wait))
		return true;
	if (!wait->alertable || cio_list_empty(&wait->thread->apcs))
		return false;
	wait->result = WAIT_IO_COMPLETION;
	return true;
}

static void wait_arm(struct cio_wait *wait)
{
	for (unsigned int i = 0; i < wait->count; i++)
		cio_list_add_tail(&wait->links[i].link, &wait->links[i].obj->waiters);
	if (wait->alertable)
		wait->thread->alert = wait;
}

void cio_wait_start(struct cio_wait *wait)
{
	if (ends_at_once(wait))
		atomic_store(&wait->done, true);
	else
		wait_arm(wait);
}

DWORD cio_wait_sleep(struct cio_wait *wait, DWORD milliseconds)
{
	struct cio_thread *self = wait->thread;

	if (!atomic_load(&wait->done) &&
	    (!milliseconds || !cio_wait_until(self, &wait->done, cio_deadline(milliseconds)))) {
		cio_state_lock();
		cio_wait_give_up(wait);
		cio_state_unlock();
	}
	return wait->result;
}

DWORD cio_wait_run(struct cio_wait *wait, DWORD milliseconds)
{
	bool ended;

	cio_ring_poll();
	cio_state_lock();
	ended = ends_at_once(wait);
	if (!ended && milliseconds)
		wait_arm(wait);
	cio_state_unlock();
	if (!ended && !milliseconds)
		return WAIT_TIMEOUT;
	if (ended)
		atomic_store_explicit(&wait->done, true, memory_order_relaxed);
	return cio_wait_sleep(wait, milliseconds);
}
