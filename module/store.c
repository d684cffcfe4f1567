// SPDX-License-Identifier: GPL-2.0
/*
 * The store: a medium of a fixed size. Each read and write is a request that
 * the hardware serves on one of its channels; the bytes move when it has
 * ended well. As with a disk, reads and writes of the same place at the same
 * time may see each other half done.
 *
 * A store that is told to split serves a big request as associated ones. One
 * above another store has no medium: when its own hardware has served a
 * request, that is sent down, and has ended when it has ended there.
 */
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/cancelio.h>

#include "device.h"
#include "parts.h"
#include "stall.h"

/**
 * struct store - one medium
 * @medium: its bytes; NULL where they are the lower device's
 * @hw: what serves its requests
 */
struct store {
	void *medium;
	struct cancelio_hardware hw;
};

static int store_create(struct cancelio_device *dev)
{
	struct store *store;

	store = kzalloc(sizeof(*store), GFP_KERNEL);
	if (!store)
		return -ENOMEM;
	if (!dev->lower) {
		/* Any size may be asked for: nobody else shall die of it. */
		store->medium = __vmalloc(dev->size, GFP_KERNEL | __GFP_ZERO |
					  __GFP_NORETRY | __GFP_NOWARN);
		if (!store->medium) {
			kfree(store);
			return -ENOMEM;
		}
	}
	cancelio_hardware_init(&store->hw, dev, NULL, false, NULL);
	dev->priv = store;
	return 0;
}

static void store_destroy(struct cancelio_device *dev)
{
	struct store *store = dev->priv;

	cancelio_hardware_destroy(&store->hw);
	vfree(store->medium);
	kfree(store);
}

/* Bytes that a request of this store may be for. */
static u64 store_longest(struct cancelio_device *dev)
{
	u64 longest = U64_MAX, split;

	for (; dev; dev = dev->lower) {
		split = READ_ONCE(dev->behavior.knobs.split);
		if (split)
			longest = min(longest, split * CANCELIO_PARTS_MAX);
	}
	return longest;
}

static ssize_t store_finish(struct cancelio_device *dev, struct cancelio_io *io);

/* Whether a request for @io would end as it begins, whatever is random. */
static bool store_takes_no_time(struct cancelio_device *dev, const struct cancelio_io *io)
{
	const struct cancelio_knobs *knobs = &dev->behavior.knobs;
	u64 split = READ_ONCE(knobs->split);

	return !dev->lower && cancelio_latency_zero(dev, io->op) &&
	       !READ_ONCE(knobs->bandwidth) && !READ_ONCE(knobs->fault_count) &&
	       (!split || io->len <= split);
}

static ssize_t store_begin(struct cancelio_device *dev, struct cancelio_io *io)
{
	struct store *store = dev->priv;

	/* What a write has returned for is on the medium already; a flush takes its time. */
	if (io->op == CANCELIO_FLUSH)
		return -EAGAIN;
	if (io->pos >= dev->size)
		return io->op == CANCELIO_READ ? 0 : -ENOSPC;
	io->len = min3((u64)iov_iter_count(io->iter), dev->size - io->pos, store_longest(dev));
	if (!store_takes_no_time(dev, io) || !cancelio_hardware_passes(&store->hw))
		return -EAGAIN;
	cancelio_table_pass(&dev->table);
	cancelio_stall(CANCELIO_STALL_PASSED);
	io->bytes = io->len;
	return store_finish(dev, io);
}

static int store_prepare(struct cancelio_request *req);

static int store_add_part(struct cancelio_request *req, struct cancelio_device *dev, size_t len)
{
	struct cancelio_request *part;
	int err;

	err = cancelio_parts_add(req, dev, len, &part);
	return err ? err : store_prepare(part);
}

static bool store_splits(struct cancelio_request *req, size_t split)
{
	return split && req->len > split && !cancelio_part_is_split(req);
}

/*
 * The parts of a request: of a big one those that it is split into, else the
 * one that goes down.
 */
static int store_prepare(struct cancelio_request *req)
{
	struct cancelio_device *dev = req->dev;
	size_t split = READ_ONCE(dev->behavior.knobs.split), left = req->len;
	bool splits = store_splits(req, split);
	unsigned int count, i;
	int err;

	if (!splits && !dev->lower)
		return 0;
	/* The split may have changed since the length was bounded: the last has the rest. */
	count = splits ? min_t(u64, DIV_ROUND_UP(left, split), CANCELIO_PARTS_MAX) : 1;
	err = cancelio_parts_create(req, count);
	for (i = 1; i <= count && !err; i++) {
		size_t len = i < count ? split : left;

		err = store_add_part(req, splits ? dev : dev->lower, len);
		left -= len;
	}
	return err;
}

/* A master that is split takes no channel itself. */
static void store_submit_split(struct cancelio_request *req)
{
	int err = cancelio_request_accept(req);

	if (err) {
		cancelio_request_complete(req, err);
		return;
	}
	cancelio_request_start(req);
	cancelio_parts_send(req, cancelio_request_complete);
}

static void store_submit(struct cancelio_request *req)
{
	struct store *store = req->dev->priv;

	if (cancelio_parts_target(req) == req->dev) {
		store_submit_split(req);
		return;
	}
	cancelio_fate_draw_service(req->dev, req->op, req->len, &req->fate);
	cancelio_hardware_submit(&store->hw, req);
}

/* Where the bytes of a device are. */
static void *store_medium(struct cancelio_device *dev)
{
	while (dev->lower)
		dev = dev->lower;
	return ((struct store *)dev->priv)->medium;
}

static ssize_t store_finish(struct cancelio_device *dev, struct cancelio_io *io)
{
	void *at = store_medium(dev) + io->pos;
	size_t done = 0, want, n;

	/* A flush, or nobody is there who could take them: then @io has no memory. */
	if (!io->bytes)
		return 0;
	do {
		want = min_t(size_t, io->bytes - done, SZ_1M);
		/* The same place may be read and written at the same time, as on a disk. */
		n = data_race(io->op == CANCELIO_READ ? copy_to_iter(at + done, want, io->iter) :
			      copy_from_iter(at + done, want, io->iter));
		done += n;
		cond_resched();
	} while (n == want && done < io->bytes && !cancelio_caller_killed());
	return done ? done : -EFAULT;
}

static void store_changed(struct cancelio_device *dev, enum cancelio_knob knob)
{
	struct store *store = dev->priv;

	cancelio_hardware_adjust(&store->hw);
}

static void store_order(struct cancelio_device *dev, enum cancelio_order order)
{
	struct store *store = dev->priv;

	cancelio_hardware_order(&store->hw, order);
}

static void store_remove(struct cancelio_device *dev)
{
	struct store *store = dev->priv;

	cancelio_hardware_remove(&store->hw);
}

const struct cancelio_model cancelio_store = {
	.name = "store",
	.id = CANCELIO_MODEL_STORE,
	.size_default = SZ_16M,
	.size_max = LONG_MAX,
	.fops = &cancelio_store_fops,
	.create = store_create,
	.destroy = store_destroy,
	.begin = store_begin,
	.prepare = store_prepare,
	.submit = store_submit,
	.finish = store_finish,
	.changed = store_changed,
	.order = store_order,
	.remove = store_remove,
};
