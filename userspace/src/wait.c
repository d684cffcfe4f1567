// SPDX-License-Identifier: MIT
#include <sched.h>

#include "handle.h"
#include "ring.h"
#include "status.h"
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
	bool in_time = true;

	while (!atomic_load(done)) {
		if (deadline != CIO_FOREVER && cio_now() >= deadline) {
			in_time = false;
			break;
		}
		if (ring && cio_ring_take_role(ring, self))
			park_in_ring(self, ring, deadline);
		else
			park_on_futex(self, deadline);
	}
	if (ring)
		cio_ring_drop_role(ring, self);
	return in_time;
}

static DWORD wait_for_object(struct cio_thread *self, struct cio_object *obj, DWORD milliseconds)
{
	struct cio_waiter w = { .thread = self };
	bool taken;

	cio_ring_poll();
	cio_state_lock();
	taken = cio_object_try_take(obj);
	if (!taken && milliseconds)
		cio_object_add_waiter(obj, &w);
	cio_state_unlock();
	if (taken || !milliseconds)
		return taken ? WAIT_OBJECT_0 : WAIT_TIMEOUT;

	if (cio_wait_until(self, &w.done, cio_deadline(milliseconds)))
		return WAIT_OBJECT_0;
	cio_state_lock();
	taken = atomic_load(&w.done);
	cio_list_del(&w.link);
	cio_state_unlock();
	return taken ? WAIT_OBJECT_0 : WAIT_TIMEOUT;
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_object *obj;
	DWORD result;

	if (!self)
		return WAIT_FAILED;
	obj = cio_handle_get(handle, NULL, SYNCHRONIZE);
	if (!obj)
		return WAIT_FAILED;
	result = wait_for_object(self, obj, milliseconds);
	cio_object_put(obj);
	return result;
}

VOID WINAPI Sleep(DWORD milliseconds)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	atomic_bool never = false;

	if (!milliseconds || !self) {
		sched_yield();
		return;
	}
	/* A sleeper has nothing better to do than to complete what comes meanwhile. */
	cio_wait_until(self, &never, cio_deadline(milliseconds));
}
