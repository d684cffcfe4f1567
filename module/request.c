// SPDX-License-Identifier: GPL-2.0
/*
 * A request's life and its cancellation: see request.h.
 */
#include <linux/bug.h>
#include <linux/ktime.h>

#include "compat.h"
#include "device.h"
#include "file.h"
#include "parts.h"
#include "request.h"
#include "stall.h"
#include "trace.h"

/**
 * cancelio_request_init - make a request, NEW
 * @req: zeroed memory of the front door's
 * @dev: the device, which is there until the request was accepted or freed
 * @ops: the front door's callbacks
 * @op: what it does
 *
 * Context: any. The caller gets the one reference.
 */
void cancelio_request_init(struct cancelio_request *req, struct cancelio_device *dev,
			   const struct cancelio_request_ops *ops, enum cancelio_op op)
{
	kref_init(&req->ref);
	INIT_LIST_HEAD(&req->link);
	timerqueue_init(&req->due);
	req->ops = ops;
	req->dev = dev;
	req->op = op;
	req->state = CANCELIO_NEW;
}

/**
 * cancelio_request_accept - give a request to its device
 * @req: a NEW request
 *
 * Called by a device when it gets a request, which it must complete from here
 * on, whatever this returns. The core has a reference of its own, which
 * cancelio_request_complete() drops; a submitter that looks at @req again needs
 * the one that it has.
 *
 * Context: any; a queue's lock may be held, so that the request is in the queue
 * when others can see it.
 * Return: 0, or -ENODEV if the device has ended: then the request must be
 * completed with that and is not counted.
 */
int cancelio_request_accept(struct cancelio_request *req)
{
	cancelio_request_get(req);
	if (!cancelio_device_get(req->dev))
		return -ENODEV;
	req->accepted_at = ktime_get_ns();
	cancelio_table_add(req);
	return 0;
}

/**
 * cancelio_request_start - note that a device has begun with a request
 * @req: a request that the caller, a device, owns
 *
 * Context: any.
 */
void cancelio_request_start(struct cancelio_request *req)
{
	bool at_once = req->accepted_at && req->state == CANCELIO_NEW;

	set_bit(CANCELIO_DELIVERED, &req->flags);
	req->started_at = at_once ? req->accepted_at : ktime_get_ns();
	WRITE_ONCE(req->state, CANCELIO_STARTED);
	trace_cancelio_start(req);
}

/**
 * cancelio_request_complete - end a request
 * @req: a request that the caller owns, in no queue
 * @status: 0 or a negative errno; -ECANCELED if it was cancelled
 *
 * The one end of every request. It must not be marked cancelable any more.
 * With a @status of 0, @req->bytes is what it may move, else nothing is.
 * After this call @req is gone, unless the caller has a reference.
 *
 * Context: any, with no lock of ours held: the front door is called.
 */
void cancelio_request_complete(struct cancelio_request *req, int status)
{
	WARN_ON_ONCE(READ_ONCE(req->cancel));
	WARN_ON_ONCE(!list_empty(&req->link));
	if (WARN_ON_ONCE(xchg(&req->state, CANCELIO_DONE) == CANCELIO_DONE))
		return;
	req->status = status;
	if (status)
		req->bytes = 0;
	if (req->accepted_at) {
		cancelio_table_remove(req);
		trace_cancelio_complete(req);
	}
	cancelio_stall(CANCELIO_STALL_NOTIFY);
	req->ops->done(req);
	cancelio_request_put(req);
}

/**
 * cancelio_request_want_end - say that a cancel is meant for good
 * @req: a request to which the caller has a reference, before he cancels it
 *
 * Who sleeps on a request looks at this when it has ended.
 *
 * Context: any.
 * Return: whether it had not ended; else its call may be made again.
 */
bool cancelio_request_want_end(struct cancelio_request *req)
{
	set_bit(CANCELIO_FOR_GOOD, &req->flags);
	/* Against the exchange of its end, before which it is seen, if that comes later. */
	smp_mb__after_atomic();
	return READ_ONCE(req->state) != CANCELIO_DONE;
}

/**
 * cancelio_request_cancel - ask that a request be cancelled
 * @req: a request to which the caller has a reference
 *
 * Asks, and does not wait. Whatever becomes of the request, it ends in
 * cancelio_request_complete(), with -ECANCELED or with its own result.
 *
 * Context: any, no lock of ours held: cancel routines run in it.
 * Return: true if a cancel routine was called, false if there was none: the
 * request has ended or is about to, or its device will look at the flag.
 */
bool cancelio_request_cancel(struct cancelio_request *req)
{
	cancelio_request_want_end(req);
	return cancelio_request_interrupt(req);
}

/**
 * cancelio_request_interrupt - the same, for who may make the request again
 * @req: the caller's own
 *
 * Context: as cancelio_request_cancel().
 * Return: as cancelio_request_cancel().
 */
bool cancelio_request_interrupt(struct cancelio_request *req)
{
	cancelio_cancel_fn cancel;

	cmpxchg64(&req->canceled_at, 0, ktime_get_ns());
	trace_cancelio_cancel(req);
	set_bit(CANCELIO_CANCELED, &req->flags);
	cancelio_stall(CANCELIO_STALL_FLAGGED);
	cancelio_race_window(req->dev);
	cancel = xchg(&req->cancel, NULL);
	if (cancel) {
		cancelio_stall(CANCELIO_STALL_SWAPPED);
		cancel(req);
	}
	if (READ_ONCE(req->state) != CANCELIO_DONE)
		cancelio_watchdog_watch(req->dev);
	return cancel;
}

/**
 * cancelio_request_mark_cancelable - let a request be cancelled
 * @req: a request that the caller owns, not marked
 * @cancel: is called, once, if a cancel was or will be asked
 *
 * If a cancel was asked before, @cancel runs inside this call. Who holds a lock
 * that @cancel takes uses cancelio_request_mark_cancelable_ex().
 *
 * Context: any, no lock of ours held.
 */
void cancelio_request_mark_cancelable(struct cancelio_request *req, cancelio_cancel_fn cancel)
{
	if (cancelio_request_mark_cancelable_ex(req, cancel) != -ECANCELED)
		return;
	/* As if it had been marked when the cancel came. */
	set_bit(CANCELIO_MARKED, &req->flags);
	cancel(req);
}

/**
 * cancelio_request_mark_cancelable_ex - the same, for who would rather be told
 * @req: a request that the caller owns, not marked
 * @cancel: is called, once, if a cancel comes while the request is marked
 *
 * Context: any. If @cancel takes a lock and so does the caller around this
 * call, what both touch is set up before @cancel looks: @cancel can run on
 * another CPU before this returns. It never runs inside this call.
 * Return: 0; -ECANCELED if a cancel was asked before: then the request is
 * not marked, @cancel is not called, and the caller must complete it; -EINVAL
 * if it is marked already: then nothing was changed.
 */
int cancelio_request_mark_cancelable_ex(struct cancelio_request *req, cancelio_cancel_fn cancel)
{
	if (test_and_set_bit(CANCELIO_MARKED, &req->flags))
		return -EINVAL;
	trace_cancelio_mark(req);
	cancelio_stall(CANCELIO_STALL_ARM);
	xchg(&req->cancel, cancel);
	cancelio_stall(CANCELIO_STALL_ARMED);
	if (!test_bit(CANCELIO_CANCELED, &req->flags))
		return 0;
	/* Who asked may have found the routine already: then it is running. */
	if (!xchg(&req->cancel, NULL))
		return 0;
	clear_bit(CANCELIO_MARKED, &req->flags);
	return -ECANCELED;
}

/**
 * cancelio_request_unmark_cancelable - take a request back from cancellation
 * @req: a request that the caller marked and to which it has a reference
 *
 * Context: any.
 * Return: 0: the routine will never be called, the caller owns the request.
 * -ECANCELED: it is running or will run, and owns the request; the caller
 * must leave it alone. -EINVAL: the request is not marked.
 */
int cancelio_request_unmark_cancelable(struct cancelio_request *req)
{
	if (!test_bit(CANCELIO_MARKED, &req->flags))
		return -EINVAL;
	cancelio_race_window(req->dev);
	if (!xchg(&req->cancel, NULL))
		return -ECANCELED;
	clear_bit(CANCELIO_MARKED, &req->flags);
	cancelio_stall(CANCELIO_STALL_UNMARKED);
	return 0;
}

/**
 * cancelio_request_is_canceled - look whether a cancel was asked
 * @req: a request that the caller owns and has not marked
 *
 * For a device that works on a request which it cannot let go at any moment.
 * Of a marked request only its cancel routine is told: false.
 *
 * Context: any.
 * Return: true if the caller should stop and complete it with -ECANCELED.
 */
bool cancelio_request_is_canceled(struct cancelio_request *req)
{
	return !test_bit(CANCELIO_MARKED, &req->flags) &&
	       test_bit(CANCELIO_CANCELED, &req->flags);
}

static void request_release(struct kref *ref)
{
	struct cancelio_request *req = container_of(ref, struct cancelio_request, ref);
	struct cancelio_device *dev = req->accepted_at ? req->dev : NULL;
	struct cancelio_client *client = req->client;

	cancelio_stream_chunk_free(req->chunk);
	cancelio_parts_free(req);
	req->ops->free(req);
	cancelio_client_put(client);
	if (dev)
		cancelio_device_put(dev);
}

/**
 * cancelio_request_put - drop a reference
 * @req: the request, which may be freed by this
 *
 * Context: any.
 */
void cancelio_request_put(struct cancelio_request *req)
{
	kref_put(&req->ref, request_release);
}
