// SPDX-License-Identifier: GPL-2.0
/*
 * A request's life and its cancellation: see request.h.
 */
#include <linux/bug.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "device.h"
#include "request.h"

/**
 * cancelio_request_init - make a request, NEW
 * @req: zeroed memory of the front door's
 * @dev: the device, which waits at its end until the request was freed
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
	req->ops = ops;
	req->dev = dev;
	req->op = op;
	req->state = CANCELIO_NEW;
	atomic_inc(&dev->requests);
}

/**
 * cancelio_request_submitted - give a request to its device
 * @req: a NEW request
 *
 * Called by a device model as the first thing it does with a request. From
 * here on the core has a reference of its own, which cancelio_request_complete()
 * drops; a submitter that looks at @req again needs the one that it has.
 *
 * Context: any.
 */
void cancelio_request_submitted(struct cancelio_request *req)
{
	cancelio_request_get(req);
	if (!req->ticket)
		req->ticket = atomic64_inc_return(&req->dev->tickets);
	atomic64_inc(&req->dev->pending);
}

/**
 * cancelio_request_complete - end a request
 * @req: a request that the caller owns
 * @status: 0 or a negative errno; -ECANCELED if it was cancelled
 *
 * The one end of every request. It must not be marked cancelable any more.
 * After this call @req is gone, unless the caller has a reference.
 *
 * Context: any, with no lock of ours held: the front door is called.
 */
void cancelio_request_complete(struct cancelio_request *req, int status)
{
	WARN_ON_ONCE(READ_ONCE(req->cancel));
	req->status = status;
	if (WARN_ON_ONCE(xchg(&req->state, CANCELIO_DONE) == CANCELIO_DONE))
		return;
	atomic64_dec(&req->dev->pending);
	req->ops->done(req);
	cancelio_request_put(req);
}

/**
 * cancelio_request_cancel - ask that a request be cancelled
 * @req: a request to which the caller has a reference
 *
 * Asks, and does not wait. Whatever becomes of the request, it ends in
 * cancelio_request_complete(), with -ECANCELED or with its own result.
 *
 * Context: any that the device's cancel routines allow: those of this module
 * run everywhere. No lock of ours may be held.
 * Return: true if a cancel routine was called, false if there was none: the
 * request has ended or is about to, or its device will look at the flag.
 */
bool cancelio_request_cancel(struct cancelio_request *req)
{
	cancelio_cancel_fn cancel;

	set_bit(CANCELIO_CANCELED, &req->flags);
	cancel = xchg(&req->cancel, NULL);
	if (!cancel)
		return false;
	cancel(req);
	return true;
}

/**
 * cancelio_request_mark_cancelable - let a request be cancelled
 * @req: a request that the caller owns, not marked
 * @cancel: is called, once, if a cancel comes while the request is marked
 *
 * Context: any. If @cancel takes a lock and so does the caller around this
 * call, what both touch is set up before @cancel looks: @cancel can run on
 * another CPU before this returns. It never runs inside this call.
 * Return: 0, or -ECANCELED if a cancel was asked before: then the request is
 * not marked, @cancel is not called, and the caller must complete it.
 */
int cancelio_request_mark_cancelable(struct cancelio_request *req, cancelio_cancel_fn cancel)
{
	WARN_ON_ONCE(xchg(&req->cancel, cancel));
	if (!test_bit(CANCELIO_CANCELED, &req->flags))
		return 0;
	/* Who asked may have found the routine already: then it is running. */
	return xchg(&req->cancel, NULL) ? -ECANCELED : 0;
}

/**
 * cancelio_request_unmark_cancelable - take a request back from cancellation
 * @req: a request that the caller marked and to which it has a reference
 *
 * Context: any.
 * Return: 0: the routine will never be called, the caller owns the request.
 * -ECANCELED: it is running or will run, and owns the request; the caller
 * must leave it alone.
 */
int cancelio_request_unmark_cancelable(struct cancelio_request *req)
{
	return xchg(&req->cancel, NULL) ? 0 : -ECANCELED;
}

static void request_release(struct kref *ref)
{
	struct cancelio_request *req = container_of(ref, struct cancelio_request, ref);
	struct cancelio_device *dev = req->dev;

	req->ops->free(req);
	if (atomic_dec_and_test(&dev->requests))
		wake_up_var(&dev->requests);
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
