/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulated hardware: a number of channels, each of which serves one
 * request at a time and does with it what request->fate says.
 */
#ifndef CANCELIO_HARDWARE_H
#define CANCELIO_HARDWARE_H

#include <linux/hrtimer.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>

#include "request.h"

/**
 * struct cancelio_hardware - channels, and the requests that wait for one
 * @dev: its device
 * @lock: the owner's, or @own_lock: guards all that follows, and of each
 *	request its link in @serving or @apart, @due, served, timed and aborting. Interrupts off
 * @own_lock: for an owner without a lock
 * @all_channels: it serves what comes, whatever the device's channels
 * @busy: channels in use
 * @jammed: of them, those that are stuck
 * @aside: of them, those that no model takes: they hang, or are on their way out
 * @running: somebody starts what waits
 * @again: and shall look once more
 * @more: goes on where that has taken too long
 * @timer: comes at @armed, or earlier
 * @armed: when somebody must look at @due; KTIME_MAX if @timer does not run
 * @due: requests of @serving that will end, or be looked at, at some time
 * @apart: those of them that are aside, in no order
 * @serving: requests on the other ones that the hardware itself will end, by
 *	ticket: not those that it has sent on, and not those in @apart
 * @waiting: requests not started yet
 * @stuck: requests on channels that are stuck: handed back to wait
 * @ended: a request has left by itself; may be NULL. Any context, no lock held
 */
struct cancelio_hardware {
	struct cancelio_device *dev;
	spinlock_t *lock;	/* all that follows but own_lock */
	spinlock_t own_lock;
	bool all_channels;
	unsigned int busy;
	unsigned int jammed;
	unsigned int aside;
	bool running;
	bool again;
	struct work_struct more;
	struct hrtimer timer;
	ktime_t armed;
	struct timerqueue_head due;
	struct list_head apart;
	struct list_head serving;
	struct cancelio_queue waiting;
	struct cancelio_queue stuck;
	void (*ended)(struct cancelio_hardware *hw);
};

/* What becomes of requests that wait, and of those that come. */
enum cancelio_order {
	CANCELIO_ORDER_START,
	CANCELIO_ORDER_STOP,
	CANCELIO_ORDER_DRAIN,
	CANCELIO_ORDER_PURGE,
};

void cancelio_hardware_init(struct cancelio_hardware *hw, struct cancelio_device *dev,
			    spinlock_t *lock, bool all_channels,
			    void (*ended)(struct cancelio_hardware *hw));
void cancelio_hardware_destroy(struct cancelio_hardware *hw);
void cancelio_hardware_submit(struct cancelio_hardware *hw, struct cancelio_request *req);
bool cancelio_hardware_passes(struct cancelio_hardware *hw);
void cancelio_hardware_run(struct cancelio_hardware *hw);
struct cancelio_request *cancelio_hardware_take(struct cancelio_hardware *hw,
						bool (*fits)(struct cancelio_request *req));
void cancelio_hardware_adjust(struct cancelio_hardware *hw);
void cancelio_hardware_order(struct cancelio_hardware *hw, enum cancelio_order order);
void cancelio_hardware_remove(struct cancelio_hardware *hw);

/* Whether there is no request that its model will take. */
static inline bool cancelio_hardware_idle(struct cancelio_hardware *hw)
{
	lockdep_assert_held(hw->lock);
	return hw->busy == hw->aside && cancelio_queue_empty(&hw->waiting);
}

#endif /* CANCELIO_HARDWARE_H */
