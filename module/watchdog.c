// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog: names requests that were cancelled and do not end. It only
 * names them, for who owns a request is still at work on it.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "device.h"
#include "file.h"

static void watchdog_name(struct cancelio_request *req, u64 ns)
{
	/* A part belongs to nobody. */
	if (req->client)
		dev_warn_ratelimited(&req->dev->dev,
			"%s %llu of process %d was cancelled %llu s ago and has not ended\n",
			cancelio_op_names[req->op], req->ticket, pid_nr(req->client->process),
			div_u64(ns, NSEC_PER_SEC));
	else
		dev_warn_ratelimited(&req->dev->dev,
			"%s %llu was cancelled %llu s ago and has not ended\n",
			cancelio_op_names[req->op], req->ticket, div_u64(ns, NSEC_PER_SEC));
	cancelio_table_overdue(req);
}

/* How many ns until the watchdog must look at a request again; U64_MAX: never. */
static u64 watchdog_look(struct cancelio_request *req, u64 limit)
{
	u64 asked = READ_ONCE(req->canceled_at), age;

	if (!asked || test_bit(CANCELIO_OVERDUE, &req->flags))
		return U64_MAX;
	age = max_t(s64, ktime_get_ns() - asked, 0);
	if (age < limit)
		return limit - age;
	if (!test_and_set_bit(CANCELIO_OVERDUE, &req->flags))
		watchdog_name(req, age);
	return U64_MAX;
}

static void watchdog_work(struct work_struct *work)
{
	struct cancelio_device *dev = container_of(to_delayed_work(work), struct cancelio_device,
						   watchdog);
	u64 limit = READ_ONCE(dev->behavior.knobs.watchdog_s) * NSEC_PER_SEC;
	u64 ticket = 0, wait = U64_MAX, last = cancelio_table_last(&dev->table);
	struct cancelio_request *req;

	if (!limit)
		return;
	while ((req = cancelio_table_next(&dev->table, ticket, last))) {
		ticket = req->ticket;
		wait = min(wait, watchdog_look(req, limit));
		cancelio_request_put(req);
		cond_resched();
	}
	if (wait != U64_MAX)
		mod_delayed_work(cancelio_workqueue, &dev->watchdog, nsecs_to_jiffies(wait) + 1);
}

/**
 * cancelio_watchdog_init - there is nothing to watch yet
 * @dev: the device
 */
void cancelio_watchdog_init(struct cancelio_device *dev)
{
	INIT_DELAYED_WORK(&dev->watchdog, watchdog_work);
}

/**
 * cancelio_watchdog_watch - a request was cancelled and has not ended
 * @dev: the device
 *
 * Context: any.
 */
void cancelio_watchdog_watch(struct cancelio_device *dev)
{
	u64 seconds = READ_ONCE(dev->behavior.knobs.watchdog_s);

	if (!seconds || !cancelio_device_get(dev))
		return;
	/* One that is on its way looks early enough. */
	queue_delayed_work(cancelio_workqueue, &dev->watchdog, seconds * HZ);
	cancelio_device_put(dev);
}

/**
 * cancelio_watchdog_changed - requests shall be named after another time
 * @dev: the device, not removed yet
 *
 * Context: process.
 */
void cancelio_watchdog_changed(struct cancelio_device *dev)
{
	mod_delayed_work(cancelio_workqueue, &dev->watchdog, 0);
}
