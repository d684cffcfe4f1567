// SPDX-License-Identifier: GPL-2.0
/*
 * The emulated hardware: see hardware.h, and channel.c for what becomes of a
 * request that was started.
 */
#include "channel.h"
#include "compat.h"
#include "device.h"
#include "hardware.h"
#include "stall.h"

/* Requests started in one go, with interrupts off, and goes before somebody else goes on. */
#define BATCH	32
#define ROUNDS	8

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

/*
 * Gives a request that the caller owns a channel, which is free.
 * Return: -EINPROGRESS, or else the caller must have it ended.
 */
static int hardware_begin(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	int status;

	hw->busy++;
	status = hardware_has_stuck(hw) ? hardware_jam(hw, req) : hardware_start(hw, req);
	if (status == -EINPROGRESS)
		return status;
	/* One that is sent on keeps its channel. */
	if (status || !req->parts)
		hw->busy--;
	req->status = status;
	return status;
}

/* Whether one that comes now need not wait. */
static bool hardware_may_begin(struct cancelio_hardware *hw)
{
	return !hw->waiting.stopped && cancelio_queue_empty(&hw->waiting) &&
	       hardware_has_channel(hw);
}

/* Starts what waits. Those that have left again are in @left. */
static void hardware_fill(struct cancelio_hardware *hw, struct list_head *left)
{
	struct cancelio_request *req;
	int i;

	for (i = 0; i < BATCH && hardware_has_channel(hw); i++) {
		req = cancelio_queue_remove_next(&hw->waiting);
		if (!req)
			return;
		if (hardware_begin(hw, req) != -EINPROGRESS)
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

static enum hrtimer_restart hardware_timer(struct hrtimer *timer)
{
	struct cancelio_hardware *hw = container_of(timer, struct cancelio_hardware, timer);
	unsigned long flags;

	cancelio_stall(CANCELIO_STALL_LOOK);
	spin_lock_irqsave(hw->lock, flags);
	hw->armed = KTIME_MAX;
	spin_unlock_irqrestore(hw->lock, flags);
	hardware_ended(hw);
	return HRTIMER_NORESTART;
}

/* The timer has come, or comes for one that has gone: have it come for the next. */
static void hardware_rearm(struct cancelio_hardware *hw)
{
	struct timerqueue_node *next = timerqueue_getnext(&hw->due);

	lockdep_assert_held(hw->lock);

	if (!next || !ktime_before(next->expires, hw->armed))
		return;
	hw->armed = next->expires;
	hrtimer_start(&hw->timer, hw->armed, HRTIMER_MODE_ABS);
}

/**
 * cancelio_hardware_run - end what is due, and start what waits for a channel
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

	/* Who adds to either comes here afterwards, so it does not matter that both may change. */
	if (list_empty(&hw->waiting.requests) && !data_race(timerqueue_getnext(&hw->due)))
		return;
	spin_lock_irqsave(hw->lock, flags);
	hw->again = true;
	if (hw->running)
		goto out;
	hw->running = true;
	for (rounds = 0; hw->again && rounds < ROUNDS; rounds++) {
		hw->again = false;
		hardware_expire(hw, &left, BATCH);
		hw->again |= hardware_is_due(hw);
		hardware_fill(hw, &left);
		spin_unlock_irqrestore(hw->lock, flags);
		hardware_end_all(&left);
		spin_lock_irqsave(hw->lock, flags);
	}
	hw->running = false;
	if (hw->again)
		hardware_run_later(hw);
	else
		hardware_rearm(hw);
out:
	spin_unlock_irqrestore(hw->lock, flags);
}

/* A request on a stuck channel was cancelled. */
static void hardware_stuck_canceled(struct cancelio_request *req, int status)
{
	struct cancelio_hardware *hw = container_of(req->queue, struct cancelio_hardware, stuck);
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
	INIT_LIST_HEAD(&hw->apart);
	INIT_LIST_HEAD(&hw->serving);
	cancelio_queue_init(&hw->waiting, hw->lock, NULL);
	cancelio_queue_init(&hw->stuck, hw->lock, hardware_stuck_canceled);
	hw->ended = ended;
	timerqueue_init_head(&hw->due);
	hw->armed = KTIME_MAX;
	hrtimer_setup(&hw->timer, hardware_timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	INIT_WORK(&hw->more, hardware_more);
}

/**
 * cancelio_hardware_destroy - undo cancelio_hardware_init()
 * @hw: a hardware without requests, which nobody else uses any more
 *
 * Context: process, sleeps.
 */
void cancelio_hardware_destroy(struct cancelio_hardware *hw)
{
	hrtimer_cancel(&hw->timer);
}

/**
 * cancelio_hardware_passes - whether what takes no time would not wait
 * @hw: the hardware
 *
 * Then it has been served at this instant, and needs no request.
 *
 * Context: any, no lock of ours held.
 */
bool cancelio_hardware_passes(struct cancelio_hardware *hw)
{
	unsigned long flags;
	bool passes;

	spin_lock_irqsave(hw->lock, flags);
	passes = !cancelio_queue_refuses(&hw->waiting) && hardware_may_begin(hw) &&
		 !hardware_has_stuck(hw);
	spin_unlock_irqrestore(hw->lock, flags);
	return passes;
}

/**
 * cancelio_hardware_submit - have a request served
 * @hw: the hardware
 * @req: a NEW request with its fate; its deadline is set if it goes on with an
 *	earlier one
 *
 * Accepts the request and begins with it, or puts it in the queue, before anybody
 * can see it. It ends as its fate says, or with -ECANCELED, and may have when this
 * returns.
 *
 * Context: any, no lock of ours held.
 */
void cancelio_hardware_submit(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	unsigned long flags;
	bool waits = false;
	int status;

	req->bytes = min(req->len, req->fate.limit);
	spin_lock_irqsave(hw->lock, flags);
	status = cancelio_request_accept(req);
	status = status ? status : cancelio_queue_refuses(&hw->waiting);
	if (!status && hardware_may_begin(hw)) {
		status = hardware_begin(hw, req);
	} else if (!status) {
		status = cancelio_queue_insert(&hw->waiting, req);
		waits = !status;
	}
	if (!waits && status != -EINPROGRESS)
		req->status = status;
	spin_unlock_irqrestore(hw->lock, flags);

	/* Those before it may be on their way out, and nobody about to look. */
	if (waits)
		cancelio_hardware_run(hw);
	else if (status != -EINPROGRESS)
		hardware_end(req);
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
		if (hardware_marks(req) && !READ_ONCE(req->cancel))
			continue;
		if (fits && !fits(req))
			return NULL;
		if (hardware_leave(req, req->fate.error))
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

/*
 * Takes some off their channels, but those that are their cancel routine's, which sees to
 * them at once. Return: how many.
 */
static unsigned int hardware_remove_some(struct list_head *list, struct list_head *left,
					 unsigned int limit)
{
	struct cancelio_request *req, *next;
	unsigned int count = 0;

	list_for_each_entry_safe(req, next, list, link) {
		if (count == limit)
			break;
		if (!hardware_leave(req, -ENODEV))
			continue;
		list_add_tail(&req->link, left);
		count++;
	}
	return count;
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
	unsigned int count;
	LIST_HEAD(left);

	cancelio_queue_purge(&hw->waiting, CANCELIO_GATE_REMOVED);
	cancelio_queue_purge(&hw->stuck, CANCELIO_GATE_REMOVED);
	do {
		scoped_guard(spinlock_irq, hw->lock) {
			count = hardware_remove_some(&hw->serving, &left, BATCH);
			count += hardware_remove_some(&hw->apart, &left, BATCH);
		}
		hardware_end_all(&left);
		cond_resched();
	} while (count);
}
