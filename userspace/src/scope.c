// SPDX-License-Identifier: MIT
/* Cancellation scopes: what they are. Why they are exact is in scope.h. */
#include <cancellationscope.h>
#include <stdlib.h>

#include "futex.h"
#include "handle.h"
#include "op.h"
#include "scope.h"
#include "status.h"
#include "thread.h"
#include "timer.h"
#include "wait.h"

/* What cancels a scope when it becomes signalled. */
struct binding {
	struct cio_list link; /* all there are; state lock */
	struct cio_wait wait;
	struct cio_waiter waiter;
	struct cio_scope *scope; /* which outlives it */
	struct cio_object *obj; /* a reference */
	struct cio_work release;
};

struct cio_scope {
	struct cio_object obj;
	atomic_bool cancelled; /* set under the state lock, and for ever */
	bool closed; /* no handle leads to it; state lock, as for all below */
	struct cio_list frames;
	struct cio_timer timer;
	struct binding *binding;
	struct cio_work cancel;
};

static struct cio_list bindings = CIO_LIST_INIT(bindings); /* state lock */

static bool scope_ready(const struct cio_object *obj, const struct cio_thread *thread)
{
	(void)thread;
	return atomic_load(&cio_entry(obj, const struct cio_scope, obj)->cancelled);
}

/* The object's reference may be the last, and its end is nothing for under the state lock. */
static void binding_release(struct cio_work *work)
{
	struct binding *b = cio_entry(work, struct binding, release);

	cio_object_put(b->obj);
	free(b);
}

/* Under the state lock, as all up to the public calls, but for what is work. */
static void binding_end(struct cio_scope *scope)
{
	struct binding *b = scope->binding;

	if (!b)
		return;
	scope->binding = NULL;
	cio_wait_unlink(&b->wait);
	cio_list_del(&b->link);
	cio_work_later(&b->release);
}

static void scope_disarm(struct cio_scope *scope)
{
	cio_timer_set(&scope->timer, CIO_FOREVER);
	binding_end(scope);
}

static bool scope_in_use(const struct cio_scope *scope)
{
	return !scope->closed || !cio_list_empty(&scope->frames);
}

/*
 * From here on it is cancelled. The rest is work: this may be in the midst of telling an object's
 * waiters, whose waits the scope's own signal could end.
 */
static void scope_cancel(struct cio_scope *scope)
{
	if (atomic_load_explicit(&scope->cancelled, memory_order_relaxed))
		return;
	atomic_store(&scope->cancelled, true);
	scope_disarm(scope);
	cio_object_get(&scope->obj);
	cio_work_later(&scope->cancel);
}

static void scope_cancel_io(struct cio_work *work)
{
	struct cio_scope *scope = cio_entry(work, struct cio_scope, cancel);

	cio_state_lock();
	cio_object_signal(&scope->obj);
	cio_list_each(pos, &scope->frames) {
		struct cio_frame *frame = cio_entry(pos, struct cio_frame, in_scope);

		if (frame->thread)
			cio_sync_cancel(frame->thread, NULL, NULL);
	}
	cio_state_unlock();
	cio_ops_cancel_scope(scope);
	cio_object_put(&scope->obj);
}

static void scope_expired(struct cio_timer *timer)
{
	scope_cancel(cio_entry(timer, struct cio_scope, timer));
}

static void scope_told(struct cio_wait *wait)
{
	scope_cancel(cio_entry(wait, struct binding, wait)->scope);
}

bool cio_frame_cancelled(const struct cio_frame *frame)
{
	for (; frame; frame = frame->outer)
		if (atomic_load(&frame->scope->cancelled))
			return true;
	return false;
}

bool cio_frame_within(const struct cio_frame *frame, const struct cio_scope *scope)
{
	for (; frame; frame = frame->outer)
		if (frame->scope == scope)
			return true;
	return false;
}

void cio_frame_put(struct cio_frame *frame)
{
	while (frame && --frame->refs == 0) {
		struct cio_frame *outer = frame->outer;
		struct cio_scope *scope = frame->scope;

		cio_list_del(&frame->in_scope);
		free(frame);
		if (!scope_in_use(scope))
			scope_disarm(scope);
		cio_object_put(&scope->obj);
		frame = outer;
	}
}

static void frame_leave(struct cio_thread *self)
{
	struct cio_frame *frame = self->frame;

	frame->thread = NULL;
	self->frame = cio_frame_get(frame->outer);
	cio_frame_put(frame);
}

void cio_scopes_leave(struct cio_thread *self)
{
	if (!self->frame)
		return;
	cio_state_lock();
	while (self->frame)
		frame_leave(self);
	cio_state_unlock();
}

static void scope_last_handle(struct cio_object *obj)
{
	struct cio_scope *scope = cio_entry(obj, struct cio_scope, obj);

	cio_state_lock();
	scope->closed = true;
	if (!scope_in_use(scope))
		scope_disarm(scope);
	cio_state_unlock();
}

static void scope_destroy(struct cio_object *obj)
{
	free(cio_entry(obj, struct cio_scope, obj));
}

static const struct cio_class scope_class = {
	.name = "cancellation scope",
	.all = CANCELLATION_SCOPE_ALL_ACCESS,
	.read = READ_CONTROL | CANCELLATION_SCOPE_QUERY_STATE,
	.write = READ_CONTROL | CANCELLATION_SCOPE_MODIFY_STATE,
	.execute = READ_CONTROL | SYNCHRONIZE | CANCELLATION_SCOPE_ENTER,
	.last_handle = scope_last_handle,
	.destroy = scope_destroy,
	.ready = scope_ready,
};

static void frame_lost(struct cio_thread *thread, void *arg)
{
	(void)arg;
	while (thread != cio_this && thread->frame)
		frame_leave(thread);
}

/* What is cancelled is so in the child; what would have cancelled it is the parent's. */
void cio_scopes_reinit_in_child(void)
{
	cio_list_each_safe(pos, tmp, &bindings) {
		struct binding *b = cio_entry(pos, struct binding, link);

		/* Its object's waiters are forgotten already. */
		cio_list_init(&b->waiter.link);
		binding_end(b->scope);
	}
	cio_thread_each(frame_lost, NULL);
}

static struct cio_scope *scope_of(HANDLE handle, DWORD access)
{
	struct cio_object *obj = cio_handle_get(handle, &scope_class, access);

	return obj ? cio_entry(obj, struct cio_scope, obj) : NULL;
}

HANDLE WINAPI CreateCancellationScope(LPSECURITY_ATTRIBUTES attributes, DWORD flags)
{
	CIO_KEEP_ERRNO;
	struct cio_scope *scope;

	(void)attributes; /* no security here, and nothing inherits */
	if (flags) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	scope = calloc(1, sizeof(*scope));
	if (!scope) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	cio_object_init(&scope->obj, &scope_class, false);
	cio_list_init(&scope->frames);
	cio_timer_init(&scope->timer, scope_expired);
	scope->cancel.run = scope_cancel_io;
	return cio_handle_give(&scope->obj, CANCELLATION_SCOPE_ALL_ACCESS);
}

BOOL WINAPI EnterCancellationScope(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_scope *scope;
	struct cio_frame *frame;

	if (!self)
		return FALSE;
	scope = scope_of(handle, CANCELLATION_SCOPE_ENTER);
	if (!scope)
		return FALSE;
	frame = malloc(sizeof(*frame));
	if (!frame) {
		cio_object_put(&scope->obj);
		return cio_fail(ERROR_NOT_ENOUGH_MEMORY);
	}
	/* The handle's reference and the thread's on the frame around it go to the new one. */
	*frame = (struct cio_frame){ .scope = scope, .thread = self, .refs = 1 };
	cio_state_lock();
	frame->outer = self->frame;
	cio_list_add_tail(&frame->in_scope, &scope->frames);
	self->frame = frame;
	cio_state_unlock();
	return TRUE;
}

BOOL WINAPI LeaveCancellationScope(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_scope *scope;
	bool inside;

	if (!self)
		return FALSE;
	scope = scope_of(handle, CANCELLATION_SCOPE_ENTER);
	if (!scope)
		return FALSE;
	inside = self->frame && self->frame->scope == scope;
	if (inside) {
		cio_state_lock();
		frame_leave(self);
		cio_state_unlock();
	}
	cio_object_put(&scope->obj);
	return inside ? TRUE : cio_fail(ERROR_NOT_OWNER);
}

BOOL WINAPI CancelCancellationScope(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_scope *scope = scope_of(handle, CANCELLATION_SCOPE_MODIFY_STATE);

	if (!scope)
		return FALSE;
	cio_state_lock();
	scope_cancel(scope);
	cio_state_unlock();
	cio_object_put(&scope->obj);
	return TRUE;
}

BOOL WINAPI IsCancellationScopeCancelled(HANDLE handle, PBOOL cancelled)
{
	CIO_KEEP_ERRNO;
	struct cio_scope *scope = scope_of(handle, CANCELLATION_SCOPE_QUERY_STATE);

	if (!scope)
		return FALSE;
	if (cancelled)
		*cancelled = atomic_load(&scope->cancelled);
	cio_object_put(&scope->obj);
	return cancelled ? TRUE : cio_fail(ERROR_INVALID_PARAMETER);
}

static void scope_set_timeout(struct cio_scope *scope, DWORD milliseconds)
{
	cio_state_lock();
	if (!milliseconds)
		scope_cancel(scope);
	else if (!atomic_load(&scope->cancelled) && scope_in_use(scope))
		cio_timer_set(&scope->timer, cio_deadline(milliseconds));
	cio_state_unlock();
}

BOOL WINAPI SetCancellationScopeTimeout(HANDLE handle, DWORD milliseconds)
{
	CIO_KEEP_ERRNO;
	struct cio_scope *scope = scope_of(handle, CANCELLATION_SCOPE_MODIFY_STATE);
	bool ok;

	if (!scope)
		return FALSE;
	ok = !milliseconds || milliseconds == INFINITE || cio_timers_ready();
	if (ok)
		scope_set_timeout(scope, milliseconds);
	cio_object_put(&scope->obj);
	return ok ? TRUE : cio_fail(ERROR_NOT_ENOUGH_MEMORY);
}

/* With an object's reference, which it takes over, also when there is no memory. */
static struct binding *binding_new(struct cio_scope *scope, struct cio_object *obj)
{
	struct binding *b = calloc(1, sizeof(*b));

	if (!b) {
		cio_object_put(obj);
		return NULL;
	}
	cio_list_init(&b->link);
	cio_wait_init(&b->wait, NULL, &b->waiter, &obj, 1);
	b->wait.told = scope_told;
	b->scope = scope;
	b->obj = obj;
	b->release.run = binding_release;
	return b;
}

/* Nothing is consumed of an object that is signalled already, nor of one that becomes so. */
static void binding_start(struct cio_scope *scope, struct binding *b)
{
	scope->binding = b;
	cio_list_add_tail(&b->link, &bindings);
	if (atomic_load(&scope->cancelled) || !scope_in_use(scope))
		binding_end(scope);
	else if (cio_object_ready(b->obj, NULL))
		scope_cancel(scope);
	else
		cio_list_add_tail(&b->waiter.link, &b->obj->waiters);
}

static DWORD scope_bind(struct cio_scope *scope, HANDLE waitable)
{
	struct binding *b = NULL;

	if (waitable) {
		struct cio_object *obj = cio_handle_get(waitable, NULL, SYNCHRONIZE);

		if (!obj)
			return GetLastError();
		if (obj->class->no_waits) {
			cio_object_put(obj);
			return ERROR_INVALID_HANDLE;
		}
		b = binding_new(scope, obj);
		if (!b)
			return ERROR_NOT_ENOUGH_MEMORY;
	}
	cio_state_lock();
	binding_end(scope);
	if (b)
		binding_start(scope, b);
	cio_state_unlock();
	return 0;
}

BOOL WINAPI SetCancellationScopeHandle(HANDLE handle, HANDLE waitable)
{
	CIO_KEEP_ERRNO;
	struct cio_scope *scope = scope_of(handle, CANCELLATION_SCOPE_MODIFY_STATE);
	DWORD error;

	if (!scope)
		return FALSE;
	error = scope_bind(scope, waitable);
	cio_object_put(&scope->obj);
	return error ? cio_fail(error) : TRUE;
}
