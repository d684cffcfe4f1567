// SPDX-License-Identifier: MIT
#include <errno.h>

#include "control.h"
#include "futex.h"
#include "offload.h"
#include "op_private.h"
#include "service.h"
#include "status.h"
#include "sync.h"
#include "thread.h"

#define MAX_WORKERS 64
#define IDLE_NS 5000000000ull

static struct cio_list calls = CIO_LIST_INIT(calls); /* that no worker has; state lock, as below */
static unsigned int waiting, workers, idle;
static atomic_uint added; /* futex */

static struct cio_op *calls_take(void)
{
	struct cio_op *op = cio_entry(calls.next, struct cio_op, in_lane);

	cio_list_del(&op->in_lane);
	waiting--;
	return op;
}

/*
 * The synchronous call begins under the lock, and the operation is let go of under it: so while a
 * canceller finds the worker at the operation, the call that it cancels is the operation's.
 */
static struct cio_op *call_begin(struct cio_thread *self)
{
	struct cio_op *op = NULL;

	cio_state_lock();
	if (!cio_list_empty(&calls)) {
		op = calls_take();
		op->worker = self;
		cio_sync_begin(self, NULL, NULL);
	}
	cio_state_unlock();
	return op;
}

static void call_end(struct cio_thread *self, struct cio_op *op, long res)
{
	cio_state_lock();
	op->worker = NULL;
	cio_state_unlock();
	cio_sync_end(self);
	cio_op_arrived(op, (int)res);
}

/* False: there has been nothing to do for a while, and the worker is none any more. */
static bool wait_for_call(void)
{
	uint64_t deadline = cio_now() + IDLE_NS;
	bool found, late = false;

	cio_state_lock();
	idle++;
	while (cio_list_empty(&calls) && !late) {
		unsigned int seen = atomic_load(&added);

		cio_state_unlock();
		cio_futex_wait(&added, seen, deadline);
		late = cio_now() >= deadline;
		cio_state_lock();
	}
	idle--;
	found = !cio_list_empty(&calls);
	if (!found)
		workers--;
	cio_state_unlock();
	return found;
}

static void worker_main(void *arg)
{
	struct cio_thread *self = arg;
	struct cio_op *op;

	cio_thread_serve(self);
	do {
		while ((op = call_begin(self)))
			call_end(self, op, cio_control_call(self, op));
	} while (wait_for_call());
	cio_thread_served(self);
}

static bool worker_start(void)
{
	struct cio_thread *t = cio_thread_new();

	if (!t)
		return false;
	if (cio_service_start(worker_main, t))
		return true;
	cio_object_put(&t->obj);
	return false;
}

/* The next call that no worker will ever take: there is none. NULL: it is taken, or will be. */
static struct cio_op *call_left_over(void)
{
	struct cio_op *op = NULL;

	cio_state_lock();
	if (!workers && !cio_list_empty(&calls))
		op = calls_take();
	cio_state_unlock();
	return op;
}

/*
 * One worker fewer than was hoped for. If there is none now, all calls fail: also those of others, who
 * hoped for the same one. False: the caller's own is among them.
 */
static bool worker_missing(struct cio_op *own)
{
	bool left = true;
	struct cio_op *op;

	cio_state_lock();
	workers--;
	cio_state_unlock();
	while ((op = call_left_over())) {
		if (op == own)
			left = false;
		else
			cio_op_arrived(op, -ENOMEM);
	}
	return left;
}

bool cio_offload(struct cio_op *op)
{
	bool more;

	cio_state_lock();
	op->offloaded = true;
	op->worker = NULL;
	cio_list_add_tail(&op->in_lane, &calls);
	more = ++waiting > idle && workers < MAX_WORKERS;
	workers += more;
	atomic_fetch_add(&added, 1);
	cio_state_unlock();
	if (more)
		return worker_start() || worker_missing(op);
	cio_futex_wake(&added, 1);
	return true;
}

bool cio_offload_cancel(struct cio_op *op)
{
	if (op->worker)
		cio_sync_cancel(op->worker, NULL, NULL);
	if (cio_list_empty(&op->in_lane))
		return false;
	cio_list_del(&op->in_lane);
	waiting--;
	op->withdrawn = true;
	return true;
}

void cio_offload_reinit_in_child(void)
{
	cio_list_init(&calls);
	waiting = workers = idle = 0;
}
