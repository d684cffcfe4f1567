// SPDX-License-Identifier: GPL-2.0
/*
 * The emulated hardware: see hardware.h.
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
#include "compat.h"
#include "device.h"
#include "hardware.h"
#include "parts.h"
#include "trace.h"

/* Requests started in one go, with interrupts off, and goes before somebody else goes on. */
#define BATCH	32
#define ROUNDS	8

static bool hardware_marks(struct cancelio_request *req)
{
	return req->fate.cancel == CANCELIO_CANCEL_PROMPT ||
	       req->fate.cancel == CANCELIO_CANCEL_SLOW;
}

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

/*
 * Takes a request off its channel, for the caller to end it with @status.
 * Return: false if it is somebody else's.
 */
static bool hardware_leave(struct cancelio_request *req, int status)
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

/*
 * The request is off its channel. Drops the timer's reference, unless the
 * callback runs: it waits for the lock and will drop it, or has armed the timer
 * again and is about to return, and then the timer shall not keep the request
 * for as long as it was armed for.
 */
static void hardware_stop_timer(struct cancelio_request *req)
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

static void hardware_end_all(struct list_head *left)
{
	struct cancelio_request *req, *next;

	list_for_each_entry_safe(req, next, left, link) {
		list_del_init(&req->link);
		hardware_end(req);
	}
}

/* A request has left by itself: others may go on. */
static void hardware_ended(struct cancelio_hardware *hw)
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

/*
 * Return: -EINPROGRESS if the request is on its way, else the status with
 * which the caller must end it.
 */
static int hardware_start(struct cancelio_hardware *hw, struct cancelio_request *req)
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

/* As hardware_start(), on a channel that is stuck: the request is handed back. */
static int hardware_jam(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	int err;

	cancelio_request_start(req);
	hw->jammed++;
	err = cancelio_queue_forward(&hw->stuck, req);
	if (!err)
		return -EINPROGRESS;
	hw->jammed--;
	return err;
}

static bool hardware_has_channel(struct cancelio_hardware *hw)
{
	return hw->all_channels || hw->busy < READ_ONCE(hw->dev->behavior.knobs.channels);
}

static bool hardware_has_stuck(struct cancelio_hardware *hw)
{
	return !hw->all_channels && hw->jammed < READ_ONCE(hw->dev->behavior.knobs.stuck);
}

/* Starts what waits. Those that have left again are in @left. */
static void hardware_fill(struct cancelio_hardware *hw, struct list_head *left)
{
	struct cancelio_request *req;
	int i, status;

	for (i = 0; i < BATCH && hardware_has_channel(hw); i++) {
		req = cancelio_queue_remove_next(&hw->waiting);
		if (!req)
			return;
		hw->busy++;
		status = hardware_has_stuck(hw) ? hardware_jam(hw, req) : hardware_start(hw, req);
		if (status == -EINPROGRESS)
			continue;
		if (status || !req->parts)
			hw->busy--;
		req->status = status;
		list_add_tail(&req->link, left);
	}
	hw->again |= i == BATCH;
}

/* Somebody else's turn: who runs may be in an interrupt. */
static void hardware_run_later(struct cancelio_hardware *hw)
{
	/* The reference is for the work. Without a request there is nothing to run. */
	if (cancelio_device_get(hw->dev) && !queue_work(cancelio_workqueue, &hw->more))
		cancelio_device_put(hw->dev);
}

static void hardware_more(struct work_struct *work)
{
	struct cancelio_hardware *hw = container_of(work, struct cancelio_hardware, more);

	cancelio_hardware_run(hw);
	cancelio_device_put(hw->dev);
}

/**
 * cancelio_hardware_run - start what waits while there are free channels
 * @hw: the hardware
 *
 * One who ends a request that this has started comes here again, from within:
 * then it is left to the first. Nobody serves the others for ever.
 *
 * Context: any, no lock of ours held.
 */
void cancelio_hardware_run(struct cancelio_hardware *hw)
{
	unsigned long flags;
	LIST_HEAD(left);
	int rounds;

	spin_lock_irqsave(hw->lock, flags);
	hw->again = true;
	if (hw->running)
		goto out;
	hw->running = true;
	for (rounds = 0; hw->again && rounds < ROUNDS; rounds++) {
		hw->again = false;
		hardware_fill(hw, &left);
		spin_unlock_irqrestore(hw->lock, flags);
		hardware_end_all(&left);
		spin_lock_irqsave(hw->lock, flags);
	}
	hw->running = false;
	if (hw->again)
		hardware_run_later(hw);
out:
	spin_unlock_irqrestore(hw->lock, flags);
}

/* A request on a stuck channel was cancelled. */
static void hardware_stuck_canceled(struct cancelio_request *req, int status)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;

	spin_lock_irqsave(hw->lock, flags);
	hw->jammed--;
	hw->busy--;
	spin_unlock_irqrestore(hw->lock, flags);

	cancelio_request_complete(req, status);
	hardware_ended(hw);
}

/**
 * cancelio_hardware_init - make an idle hardware
 * @hw: the hardware
 * @dev: its device
 * @lock: the owner's, or NULL
 * @all_channels: see &struct cancelio_hardware
 * @ended: the same
 *
 * Context: any.
 */
void cancelio_hardware_init(struct cancelio_hardware *hw, struct cancelio_device *dev,
			    spinlock_t *lock, bool all_channels,
			    void (*ended)(struct cancelio_hardware *hw))
{
	spin_lock_init(&hw->own_lock);
	hw->dev = dev;
	hw->lock = lock ? lock : &hw->own_lock;
	hw->all_channels = all_channels;
	INIT_LIST_HEAD(&hw->serving);
	cancelio_queue_init(&hw->waiting, hw->lock, NULL);
	cancelio_queue_init(&hw->stuck, hw->lock, hardware_stuck_canceled);
	hw->ended = ended;
	INIT_WORK(&hw->more, hardware_more);
}

/**
 * cancelio_hardware_submit - have a request served
 * @hw: the hardware
 * @req: a NEW request with its fate; its deadline is set if it goes on with an
 *	earlier one
 *
 * Accepts the request, and puts it in the queue before anybody can see that.
 * It ends as its fate says, or with -ECANCELED, and may have when this returns.
 *
 * Context: any, no lock of ours held.
 */
void cancelio_hardware_submit(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	unsigned long flags;
	int err;

	req->hardware = hw;
	req->bytes = min(req->len, req->fate.limit);
	spin_lock_irqsave(hw->lock, flags);
	err = cancelio_request_accept(req);
	err = err ? err : cancelio_queue_insert(&hw->waiting, req);
	spin_unlock_irqrestore(hw->lock, flags);

	if (err)
		cancelio_request_complete(req, err);
	else
		cancelio_hardware_run(hw);
}

/**
 * cancelio_hardware_take - take the oldest request that its model can end now
 * @hw: the hardware
 * @fits: says of the oldest whether it can; NULL: each can
 *
 * Context: any, @hw's lock held.
 * Return: a request that is the caller's, or NULL.
 */
struct cancelio_request *cancelio_hardware_take(struct cancelio_hardware *hw,
						bool (*fits)(struct cancelio_request *req))
{
	struct cancelio_request *req;

	lockdep_assert_held(hw->lock);

	list_for_each_entry(req, &hw->serving, link) {
		if (req->aside || (hardware_marks(req) && !READ_ONCE(req->cancel)))
			continue;
		if (fits && !fits(req))
			return NULL;
		if (!hardware_leave(req, req->fate.error))
			continue;
		hardware_stop_timer(req);
		return req;
	}
	return NULL;
}

/**
 * cancelio_hardware_adjust - the device's channels have changed
 * @hw: the hardware
 *
 * Requests on channels that were stuck, and are not, wait anew, and before all
 * that are younger.
 *
 * Context: any, no lock of ours held.
 */
void cancelio_hardware_adjust(struct cancelio_hardware *hw)
{
	struct cancelio_request *req;
	unsigned long flags;
	LIST_HEAD(left);

	spin_lock_irqsave(hw->lock, flags);
	while (hw->jammed > READ_ONCE(hw->dev->behavior.knobs.stuck)) {
		req = cancelio_queue_remove_next(&hw->stuck);
		if (!req)
			break;
		hw->jammed--;
		hw->busy--;
		req->status = cancelio_queue_requeue(&hw->waiting, req);
		if (req->status)
			list_add_tail(&req->link, &left);
	}
	spin_unlock_irqrestore(hw->lock, flags);

	hardware_end_all(&left);
	cancelio_hardware_run(hw);
}

/**
 * cancelio_hardware_order - start, stop, drain or purge
 * @hw: the hardware
 * @order: which
 *
 * A purge ends what waits. What was started is ended by who asks for the purge,
 * as far as it can be.
 *
 * Context: process, no lock of ours held.
 */
void cancelio_hardware_order(struct cancelio_hardware *hw, enum cancelio_order order)
{
	if (order == CANCELIO_ORDER_PURGE) {
		cancelio_queue_purge(&hw->waiting, CANCELIO_GATE_PURGE);
		cancelio_queue_purge(&hw->stuck, CANCELIO_GATE_PURGE);
		return;
	}
	scoped_guard(spinlock_irq, hw->lock) {
		if (order == CANCELIO_ORDER_START)
			cancelio_queue_start(&hw->waiting);
		else if (order == CANCELIO_ORDER_STOP)
			cancelio_queue_stop(&hw->waiting);
		else
			cancelio_queue_drain(&hw->waiting);
		cancelio_queue_start(&hw->stuck);
	}
	hardware_ended(hw);
}

/**
 * cancelio_hardware_remove - the hardware is not there any more
 * @hw: the hardware
 *
 * Everything ends with -ENODEV, stubborn or not, but for requests that were
 * sent on: those end when they come back.
 *
 * Context: process, no lock of ours held.
 */
void cancelio_hardware_remove(struct cancelio_hardware *hw)
{
	struct cancelio_request *req, *next;
	LIST_HEAD(left);

	cancelio_queue_purge(&hw->waiting, CANCELIO_GATE_REMOVED);
	cancelio_queue_purge(&hw->stuck, CANCELIO_GATE_REMOVED);
	scoped_guard(spinlock_irq, hw->lock) {
		list_for_each_entry_safe(req, next, &hw->serving, link) {
			if (!hardware_leave(req, -ENODEV))
				continue;
			hardware_stop_timer(req);
			list_add_tail(&req->link, &left);
		}
	}
	hardware_end_all(&left);
}
