// SPDX-License-Identifier: GPL-2.0
/*
 * A request on a channel of the emulated hardware: from its start to its end.
 *
 * A started request has several who may want to end it. Against a cancel the
 * mark decides, as always; among the others (the time, the model that takes
 * it, the device's removal) who takes it off its channel under the lock. Both
 * are one step, hardware_leave().
 *
 * What a cancel meets is in how the request is started: prompt and slow mark
 * it, with different routines; poll does not and has the hardware look at the
 * flag; never does neither.
 *
 * One timer serves all requests of a hardware. It is armed for the first that is
 * due and left as it is when that one goes: then it comes for nothing, which is
 * cheaper than to set it for each.
 */
#include "channel.h"
#include "device.h"
#include "parts.h"
#include "trace.h"

/* No model takes it any more. */
static void hardware_set_aside(struct cancelio_request *req)
{
	lockdep_assert_held(req->hardware->lock);

	req->hardware->aside++;
	req->aside = true;
	list_move(&req->link, &req->hardware->apart);
}

/* It needs to be looked at no more. */
static void hardware_untime(struct cancelio_request *req)
{
	lockdep_assert_held(req->hardware->lock);

	if (req->timed)
		timerqueue_del(&req->hardware->due, &req->due);
	req->timed = false;
}

/* Has a request looked at, at some time or, with KTIME_MAX, never. */
static void hardware_time(struct cancelio_request *req, ktime_t when)
{
	struct cancelio_hardware *hw = req->hardware;

	hardware_untime(req);
	if (when == KTIME_MAX)
		return;
	req->timed = true;
	req->due.expires = when;
	timerqueue_add(&hw->due, &req->due);
	if (!ktime_before(when, hw->armed))
		return;
	hw->armed = when;
	hrtimer_start(&hw->timer, when, HRTIMER_MODE_ABS);
}

/* Takes a request that the caller owns off its channel. */
static void hardware_unlink(struct cancelio_request *req)
{
	struct cancelio_hardware *hw = req->hardware;

	lockdep_assert_held(hw->lock);

	req->served = false;
	hardware_untime(req);
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

/* When it must be looked at next. */
static ktime_t hardware_next_look(struct cancelio_request *req, ktime_t now)
{
	ktime_t look;

	if (req->fate.cancel != CANCELIO_CANCEL_POLL)
		return req->fate.deadline;
	look = ktime_add_ns(now, req->fate.cancel_ns);
	return ktime_before(look, req->fate.deadline) ? look : req->fate.deadline;
}

/*
 * The time has come to look at a request, which is not timed any more.
 * Return: -EINPROGRESS if it goes on, else with what it ends.
 */
static int hardware_look_at(struct cancelio_request *req, ktime_t now)
{
	if (req->aborting ||
	    (req->fate.cancel == CANCELIO_CANCEL_POLL && cancelio_request_is_canceled(req)))
		return -ECANCELED;
	return ktime_before(now, req->fate.deadline) ? -EINPROGRESS : req->fate.error;
}

/**
 * hardware_expire - take off their channels some whose time has come
 * @hw: the hardware
 * @left: they are added to it, with their status
 * @limit: how many are looked at
 *
 * Context: any, the hardware's lock held.
 */
void hardware_expire(struct cancelio_hardware *hw, struct list_head *left, int limit)
{
	struct timerqueue_node *next;
	struct cancelio_request *req;
	ktime_t now;
	int status;

	lockdep_assert_held(hw->lock);

	next = timerqueue_getnext(&hw->due);
	if (!next)
		return;
	now = ktime_get();
	for (; next && !ktime_after(next->expires, now) && limit;
	     next = timerqueue_getnext(&hw->due), limit--) {
		req = container_of(next, struct cancelio_request, due);
		hardware_untime(req);
		status = hardware_look_at(req, now);
		if (status == -EINPROGRESS)
			hardware_time(req, hardware_next_look(req, now));
		else if (hardware_leave(req, status))
			list_add_tail(&req->link, left);
	}
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

/**
 * hardware_end - end a request that has left its channel, or send it on
 * @req: the request, with its status
 *
 * Context: any, no lock of ours held.
 */
void hardware_end(struct cancelio_request *req)
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

/* Ends a request that its cancel routine owns. The lock is held, and dropped. */
static void hardware_abort_unlock(struct cancelio_request *req, int status, unsigned long flags)
	__releases(req->hardware->lock)
{
	struct cancelio_hardware *hw = req->hardware;

	req->status = status;
	hardware_unlink(req);
	spin_unlock_irqrestore(hw->lock, flags);

	cancelio_request_complete(req, status);
}

/* The cancel routine of a started request that ends at once. */
static void hardware_abort(struct cancelio_request *req)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;

	trace_cancelio_abort(req);
	/* The lock waits for a start that has marked, and not linked, yet. */
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
		if (!req->aside)
			hardware_set_aside(req);
		hardware_time(req, ktime_add_ns(ktime_get(), req->fate.cancel_ns));
		spin_unlock_irqrestore(hw->lock, flags);
	}
	hardware_ended(hw);
}

/* From here on @req->fate has a deadline. */
static void hardware_set_deadline(struct cancelio_request *req, ktime_t now)
{
	ktime_t earlier = req->due.expires, deadline = KTIME_MAX;

	if (req->fate.service_ns != CANCELIO_UNTIL_TOLD) {
		deadline = ktime_add_ns(now, req->fate.service_ns);
		/* One that goes on with an earlier one is done when that would have been. */
		if (earlier && ktime_before(earlier, deadline))
			deadline = earlier;
	}
	req->fate.deadline = deadline;
	req->begun = true;
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
	ktime_t now;
	int err;

	lockdep_assert_held(hw->lock);

	cancelio_request_start(req);
	req->hardware = hw;
	if (cancelio_request_is_canceled(req))
		return -ECANCELED;
	now = req->started_at;
	hardware_set_deadline(req, now);
	if (!ktime_after(req->fate.deadline, now))
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
	hardware_time(req, hardware_next_look(req, now));
	return -EINPROGRESS;
}
