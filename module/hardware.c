// SPDX-License-Identifier: GPL-2.0
/*
 * The emulated hardware: see hardware.h.
 *
 * A started request has three who may want to end it: its timer, its abort,
 * and its own start if a cancel came first. The mark decides between them:
 * the timer ends the request if it can unmark it, the abort if it was called,
 * the start if it could not mark. The timer has a reference of its own,
 * dropped by whoever knows that it will not run any more.
 */
#include "compat.h"
#include "hardware.h"

static void hardware_run(struct cancelio_hardware *hw);

static void hardware_end(struct cancelio_request *req, int status)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;

	spin_lock_irqsave(&hw->lock, flags);
	hw->busy--;
	spin_unlock_irqrestore(&hw->lock, flags);

	cancelio_request_complete(req, status);
}

static enum hrtimer_restart hardware_expire(struct hrtimer *timer)
{
	struct cancelio_request *req = container_of(timer, struct cancelio_request, timer);
	struct cancelio_hardware *hw = req->hardware;

	if (!cancelio_request_unmark_cancelable(req)) {
		hardware_end(req, 0);
		hardware_run(hw);
	}
	cancelio_request_put(req);
	return HRTIMER_NORESTART;
}

/* The cancel routine of every started request. */
static void hardware_abort(struct cancelio_request *req)
{
	struct cancelio_hardware *hw = req->hardware;
	unsigned long flags;
	bool stopped;

	/* The lock waits for a start that has marked, but not armed, yet. */
	spin_lock_irqsave(&hw->lock, flags);
	stopped = hrtimer_try_to_cancel(&req->timer) > 0;
	spin_unlock_irqrestore(&hw->lock, flags);

	hardware_end(req, -ECANCELED);
	hardware_run(hw);
	if (stopped)
		cancelio_request_put(req);
}

/*
 * Return: -EINPROGRESS if the request is on its way, else the status with
 * which the caller must end it.
 */
static int hardware_start(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	ktime_t now, deadline;
	int err;

	lockdep_assert_held(&hw->lock);

	req->hardware = hw;
	hw->busy++;
	now = ktime_get();
	deadline = ktime_add_ns(now, req->service_ns);
	if (!req->deadline || ktime_after(req->deadline, deadline))
		req->deadline = deadline;
	if (ktime_compare(req->deadline, now) <= 0)
		return 0;

	hrtimer_setup(&req->timer, hardware_expire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	err = cancelio_request_mark_cancelable(req, hardware_abort);
	if (err)
		return err;

	cancelio_request_get(req);
	hrtimer_start(&req->timer, req->deadline, HRTIMER_MODE_ABS);
	return -EINPROGRESS;
}

/* Starts what waits while there are free channels. */
static void hardware_run(struct cancelio_hardware *hw)
{
	struct cancelio_request *req;
	unsigned long flags;
	int status;

	do {
		spin_lock_irqsave(&hw->lock, flags);
		req = NULL;
		if (hw->busy < hw->channels)
			req = cancelio_queue_remove_next(&hw->waiting, NULL);
		status = req ? hardware_start(hw, req) : -EINPROGRESS;
		spin_unlock_irqrestore(&hw->lock, flags);

		if (status != -EINPROGRESS)
			hardware_end(req, status);
	} while (req);
}

/**
 * cancelio_hardware_init - make an idle hardware
 * @hw: the hardware
 * @channels: requests that it serves at once, at least 1
 *
 * Context: any.
 */
void cancelio_hardware_init(struct cancelio_hardware *hw, unsigned int channels)
{
	spin_lock_init(&hw->lock);
	hw->channels = channels;
	hw->busy = 0;
	cancelio_queue_init(&hw->waiting, &hw->lock, NULL);
}

/**
 * cancelio_hardware_submit - have a request served
 * @hw: the hardware
 * @req: a NEW request; @req->service_ns is the time that it takes, or less if
 *	it goes on with an earlier one and has its @req->deadline already
 *
 * The request ends with 0 once it was served, or with -ECANCELED. It may have
 * ended when this returns.
 *
 * Context: any, no lock of ours held.
 */
void cancelio_hardware_submit(struct cancelio_hardware *hw, struct cancelio_request *req)
{
	unsigned long flags;
	int err;

	cancelio_request_submitted(req);

	spin_lock_irqsave(&hw->lock, flags);
	err = cancelio_queue_insert(&hw->waiting, req);
	spin_unlock_irqrestore(&hw->lock, flags);

	if (err)
		cancelio_request_complete(req, err);
	else
		hardware_run(hw);
}
