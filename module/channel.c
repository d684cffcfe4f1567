// SPDX-License-Identifier: GPL-2.0
/*
 * A request on a channel of the emulated hardware: from its start to its end.
 *
 * A started request has several who may want to end it. Against a cancel the
 * mark decides, as always; among the others (its timer, the model that takes
 * it, the device's removal) who takes it off its channel under the lock. Both
 * are one step, hardware_leave().
 *
 * What a cancel meets is in how the request is started: prompt and slow mark
 * it, with different routines; poll does not and has the timer look at the
 * flag; never does neither.
 */
#include "channel.h"
#include "compat.h"
#include "device.h"
#include "parts.h"
#include "stall.h"
#include "trace.h"

static void hardware_set_aside(struct cancelio_request *req)
{
	lockdep_assert_held(req->hardware->lock);

	if (!req->aside)
		req->hardware->aside++;
	req->aside = true;
}

/* Takes a request that the caller owns off its channel. */
static void hardware_unlink(struct cancelio_request *req)
{
	struct cancelio_hardware *hw = req->hardware;

	lockdep_assert_held(hw->lock);

	req->served = false;
	list_del_init(&req->link);
	if (req->aside)
		hw->aside--;
	req->aside = false;
	/* One that is sent on keeps its channel. */
	if (req->status || !req->parts)
		hw->busy--;
}

/**
 * hardware_leave - take a request off its channel
 * @req: a request that was started here
 * @status: with what the caller will end it
 *
 * Context: any, the hardware's lock held.
 * Return: false if it is somebody else's.
 */
bool hardware_leave(struct cancelio_request *req, int status)
{
	lockdep_assert_held(req->hardware->lock);

	if (!req->served)
		return false;
	/* A slow abort has its mark already, and has left it here until it is through. */
	if (hardware_marks(req) && !req->aborting && cancelio_request_unmark_cancelable(req))
		return false;
	req->status = status;
	hardware_unlink(req);
	return true;
}

/**
 * hardware_stop_timer - a request needs its timer no more
 * @req: a request that is off its channel and has not been completed
 *
 * Drops the timer's reference, unless the callback runs: it waits for the lock
 * and will drop it, or has armed the timer again and is about to return, and then
 * the timer shall not keep the request for as long as it was armed for.
 *
 * Context: any, the hardware's lock held.
 */
void hardware_stop_timer(struct cancelio_request *req)
{
	lockdep_assert_held(req->hardware->lock);

	if (!req->timed)
		return;
	if (hrtimer_try_to_cancel(&req->timer) > 0) {
		req->timed = false;
		/* It is not the last: the core has one. */
		cancelio_request_put(req);
	} else if (hrtimer_is_queued(&req->timer)) {
		hrtimer_start(&req->timer, 0, HRTIMER_MODE_ABS);
	}
}

/* When the timer of a request shall look at it next. */
static ktime_t hardware_next_look(struct cancelio_request *req, ktime_t now)
{
	ktime_t look;

	if (req->fate.cancel != CANCELIO_CANCEL_POLL)
		return req->ends_at;
	look = ktime_add_ns(now, req->fate.cancel_ns);
	return ktime_before(look, req->ends_at) ? look : req->ends_at;
}

static void hardware_start_timer(struct cancelio_request *req, ktime_t now)
{
	ktime_t look = hardware_next_look(req, now);

	lockdep_assert_held(req->hardware->lock);

	if (look == KTIME_MAX)
		return;
	if (!req->timed) {
		req->timed = true;
		cancelio_request_get(req);
	}
	hrtimer_start(&req->timer, look, HRTIMER_MODE_ABS);
}

/* A sent request is back: its channel is free. */
static void hardware_sent(struct cancelio_request *req, int status)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;

	spin_lock_irqsave(hw->lock, flags);
	hw->busy--;
	spin_unlock_irqrestore(hw->lock, flags);

	req->bytes = min(req->bytes, req->fate.limit);
	cancelio_request_complete(req, status);
	cancelio_hardware_run(hw);
}

/* Ends a request that has left its channel, or sends it on. */
static void hardware_end(struct cancelio_request *req)
{
	if (!req->status && req->parts)
		cancelio_parts_send(req, hardware_sent);
	else
		cancelio_request_complete(req, req->status);
}

/**
 * hardware_end_all - end requests that have left their channels
 * @left: requests with the status that hardware_leave() was given
 *
 * Those that are to be sent on are.
 *
 * Context: any, no lock of ours held.
 */
void hardware_end_all(struct list_head *left)
{
	struct cancelio_request *req, *next;

	list_for_each_entry_safe(req, next, left, link) {
		list_del_init(&req->link);
		hardware_end(req);
	}
}

/**
 * hardware_ended - a request has left by itself: others may go on
 * @hw: the hardware
 *
 * Context: any, no lock of ours held.
 */
void hardware_ended(struct cancelio_hardware *hw)
{
	cancelio_hardware_run(hw);
	if (hw->ended)
		hw->ended(hw);
}

static enum hrtimer_restart hardware_look(struct hrtimer *timer)
{
	struct cancelio_request *req = container_of(timer, struct cancelio_request, timer);
	struct cancelio_hardware *hw = req->hardware;
	int status = req->fate.error;
	ktime_t now = ktime_get();
	unsigned long flags;
	bool left;

	cancelio_stall(CANCELIO_STALL_LOOK);
	spin_lock_irqsave(hw->lock, flags);
	/* Armed again while this waited for the lock: the reference is for that. */
	if (hrtimer_is_queued(timer)) {
		spin_unlock_irqrestore(hw->lock, flags);
		return HRTIMER_NORESTART;
	}
	if (req->aborting ||
	    (req->fate.cancel == CANCELIO_CANCEL_POLL && cancelio_request_is_canceled(req)))
		status = -ECANCELED;
	/* The abort of a slow one may have put its end off. */
	if (req->served && ktime_before(now, req->ends_at) &&
	    (status != -ECANCELED || req->aborting)) {
		hardware_start_timer(req, now);
		spin_unlock_irqrestore(hw->lock, flags);
		return HRTIMER_NORESTART;
	}
	left = hardware_leave(req, status);
	req->timed = false;
	spin_unlock_irqrestore(hw->lock, flags);

	if (left) {
		hardware_end(req);
		hardware_ended(hw);
	}
	cancelio_request_put(req);
	return HRTIMER_NORESTART;
}

/* Ends a request that its cancel routine owns. The lock is held, and dropped. */
static void hardware_abort_unlock(struct cancelio_request *req, int status, unsigned long flags)
	__releases(req->hardware->lock)
{
	struct cancelio_hardware *hw = req->hardware;

	req->status = status;
	hardware_unlink(req);
	hardware_stop_timer(req);
	spin_unlock_irqrestore(hw->lock, flags);

	cancelio_request_complete(req, status);
}

/* The cancel routine of a started request that ends at once. */
static void hardware_abort(struct cancelio_request *req)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;

	trace_cancelio_abort(req);
	/* The lock waits for a start that has marked, but not armed the timer, yet. */
	spin_lock_irqsave(hw->lock, flags);
	hardware_abort_unlock(req, -ECANCELED, flags);
	hardware_ended(hw);
}

/* The cancel routine of a started request whose abort takes its time. */
static void hardware_abort_slowly(struct cancelio_request *req)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;

	trace_cancelio_abort(req);
	spin_lock_irqsave(hw->lock, flags);
	if (hw->waiting.gate == CANCELIO_GATE_REMOVED) {
		/* The removal has left it to us, and waits for nothing. */
		hardware_abort_unlock(req, -ENODEV, flags);
	} else {
		req->aborting = true;
		hardware_set_aside(req);
		req->ends_at = ktime_add_ns(ktime_get(), req->fate.cancel_ns);
		hardware_start_timer(req, req->ends_at);
		spin_unlock_irqrestore(hw->lock, flags);
	}
	hardware_ended(hw);
}

static ktime_t hardware_deadline(struct cancelio_request *req, ktime_t now)
{
	ktime_t deadline;

	if (req->fate.service_ns == CANCELIO_UNTIL_TOLD)
		return KTIME_MAX;
	/* One that goes on with an earlier one is done when that would have been. */
	deadline = ktime_add_ns(now, req->fate.service_ns);
	if (req->deadline && ktime_before(req->deadline, deadline))
		return req->deadline;
	return deadline;
}

/**
 * hardware_start - start a request on a channel
 * @hw: the hardware
 * @req: a request that the caller owns and has not marked
 *
 * Context: any, the hardware's lock held.
 * Return: -EINPROGRESS if the request is on its way, else the status with
 * which the caller must end it.
 */
int hardware_start(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	ktime_t now = ktime_get();
	int err;

	lockdep_assert_held(hw->lock);

	cancelio_request_start(req);
	if (cancelio_request_is_canceled(req))
		return -ECANCELED;
	req->deadline = hardware_deadline(req, now);
	req->ends_at = req->deadline;
	if (!ktime_after(req->deadline, now))
		return req->fate.error;

	if (hardware_marks(req)) {
		err = cancelio_request_mark_cancelable_ex(req,
				req->fate.cancel == CANCELIO_CANCEL_SLOW ?
				hardware_abort_slowly : hardware_abort);
		if (err)
			return err;
	}
	req->served = true;
	cancelio_queue_link(&hw->serving, req);
	if (req->fate.hang)
		hardware_set_aside(req);
	hrtimer_setup(&req->timer, hardware_look, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	hardware_start_timer(req, now);
	return -EINPROGRESS;
}
