// SPDX-License-Identifier: MIT
#include <sched.h>

#include "apc.h"
#include "handle.h"
#include "ring.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

/*
 * What is waited for, kept by its handle's pin. What the pseudo handles mean needs none: the thread
 * that waits is there, and so is its process.
 */
struct target {
	struct cio_handle *pin;
	struct cio_object *obj;
};

static struct cio_object *pseudo_object(HANDLE handle, struct cio_thread *self)
{
	if (handle == CIO_CURRENT_PROCESS)
		return &cio_process_object;
	return handle == CIO_CURRENT_THREAD ? &self->obj : NULL;
}

static void target_put(struct target *t)
{
	if (t->pin)
		cio_handle_unpin(t->pin);
}

/* FALSE with the last error set. */
static BOOL target_get(struct target *t, HANDLE handle, struct cio_thread *self)
{
	t->pin = cio_handle_pin(handle);
	t->obj = t->pin ? t->pin->obj : pseudo_object(handle, self);
	if (!t->obj || t->obj->class->no_waits) {
		target_put(t);
		return cio_fail(ERROR_INVALID_HANDLE);
	}
	if (t->pin && !(t->pin->access & SYNCHRONIZE)) {
		target_put(t);
		return cio_fail(ERROR_ACCESS_DENIED);
	}
	return TRUE;
}

static DWORD wait_for_object(struct cio_thread *self, struct cio_object *obj, DWORD milliseconds,
			     bool alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_waiter link;
	struct cio_wait wait;

	cio_wait_init(&wait, self, &link, &obj, 1);
	wait.alertable = alertable;
	return cio_wait_run(&wait, milliseconds);
}

/* What needs no waiting; WAIT_TIMEOUT: it does. */
static DWORD look_at_object(struct cio_thread *self, struct cio_object *obj)
{
	DWORD result = WAIT_TIMEOUT;

	cio_ring_poll();
	cio_state_lock();
	if (cio_object_ready(obj, self))
		result = cio_object_take(obj, self) ? WAIT_ABANDONED_0 : WAIT_OBJECT_0;
	cio_state_unlock();
	return result;
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
	return WaitForSingleObjectEx(handle, milliseconds, FALSE);
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
{
	struct cio_thread *self = cio_self();
	struct target t;
	DWORD result;

	if (!self || !target_get(&t, handle, self))
		return WAIT_FAILED;
	result = look_at_object(self, t.obj);
	if (result == WAIT_TIMEOUT && (milliseconds || alertable))
		result = wait_for_object(self, t.obj, milliseconds, alertable);
	target_put(&t);
	if (result == WAIT_IO_COMPLETION)
		cio_apcs_run(self);
	return result;
}

/* Waits for all of some objects need each of them to be another one. */
static bool has_duplicates(const struct target *targets, DWORD count)
{
	for (DWORD i = 1; i < count; i++)
		for (DWORD j = 0; j < i; j++)
			if (targets[i].obj == targets[j].obj)
				return true;
	return false;
}

static DWORD wait_for_targets(struct cio_thread *self, const struct target *targets, DWORD count,
			      BOOL all, DWORD milliseconds, BOOL alertable)
{
	struct cio_object *objs[MAXIMUM_WAIT_OBJECTS];
	struct cio_waiter links[MAXIMUM_WAIT_OBJECTS];
	struct cio_wait wait;

	for (DWORD i = 0; i < count; i++)
		objs[i] = targets[i].obj;
	cio_wait_init(&wait, self, links, objs, count);
	wait.all = all;
	wait.alertable = alertable;
	return cio_wait_run(&wait, milliseconds);
}

DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL all,
				    DWORD milliseconds)
{
	return WaitForMultipleObjectsEx(count, handles, all, milliseconds, FALSE);
}

DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL all,
				      DWORD milliseconds, BOOL alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct target targets[MAXIMUM_WAIT_OBJECTS];
	DWORD result = WAIT_FAILED, got = 0;

	if (!self)
		return WAIT_FAILED;
	if (!count || count > MAXIMUM_WAIT_OBJECTS || !handles) {
		cio_fail(count && count <= MAXIMUM_WAIT_OBJECTS ? ERROR_NOACCESS :
								  ERROR_INVALID_PARAMETER);
		return WAIT_FAILED;
	}
	while (got < count && target_get(&targets[got], handles[got], self))
		got++;
	if (got == count) {
		if (all && has_duplicates(targets, count))
			cio_fail(ERROR_INVALID_PARAMETER);
		else
			result = wait_for_targets(self, targets, count, all, milliseconds,
						  alertable);
	}
	while (got)
		target_put(&targets[--got]);
	if (result == WAIT_IO_COMPLETION)
		cio_apcs_run(self);
	return result;
}

static struct cio_handle *pin_to_release(HANDLE handle)
{
	struct cio_handle *h = cio_handle_pin(handle);

	if (h && h->obj->class->release && !(h->obj->class->release_access & ~h->access))
		return h;
	cio_fail(h && h->obj->class->release ? ERROR_ACCESS_DENIED : ERROR_INVALID_HANDLE);
	if (h)
		cio_handle_unpin(h);
	return NULL;
}

/* Both in one step: whoever the signal wakes finds this thread waiting. */
static DWORD release_and_wait(struct cio_thread *self, struct cio_object *signal,
			      struct cio_object *obj, DWORD milliseconds, BOOL alertable)
{
	struct cio_waiter link;
	struct cio_wait wait;
	DWORD error;

	cio_wait_init(&wait, self, &link, &obj, 1);
	wait.alertable = alertable;
	cio_ring_poll();
	cio_state_lock();
	error = signal->class->release(signal, self);
	if (!error)
		cio_wait_start(&wait);
	cio_state_unlock();
	if (!error)
		return cio_wait_sleep(&wait, milliseconds);
	cio_fail(error);
	return WAIT_FAILED;
}

DWORD WINAPI SignalObjectAndWait(HANDLE signal, HANDLE handle, DWORD milliseconds, BOOL alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_handle *h = self ? pin_to_release(signal) : NULL;
	DWORD result = WAIT_FAILED;
	struct target t;

	if (!h)
		return WAIT_FAILED;
	if (target_get(&t, handle, self)) {
		result = release_and_wait(self, h->obj, t.obj, milliseconds, alertable);
		target_put(&t);
	}
	cio_handle_unpin(h);
	if (result == WAIT_IO_COMPLETION)
		cio_apcs_run(self);
	return result;
}

VOID WINAPI Sleep(DWORD milliseconds)
{
	SleepEx(milliseconds, FALSE);
}

/* Who has no record, for want of memory, has no APCs, and completes nothing for others. */
static void sleep_unknown(DWORD milliseconds)
{
	uint64_t end = cio_deadline(milliseconds);
	atomic_uint word = 0;

	while (cio_now() < end)
		cio_futex_wait(&word, 0, end);
}

DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_wait wait;
	DWORD result;

	if (!self) {
		sleep_unknown(milliseconds);
		return 0;
	}
	/* A sleeper has nothing better to do than to complete what comes meanwhile. */
	cio_wait_init(&wait, self, NULL, NULL, 0);
	wait.alertable = alertable;
	result = cio_wait_run(&wait, milliseconds);
	if (result == WAIT_IO_COMPLETION) {
		cio_apcs_run(self);
		return WAIT_IO_COMPLETION;
	}
	if (!milliseconds)
		sched_yield();
	return 0;
}
