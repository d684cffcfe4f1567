// SPDX-License-Identifier: GPL-2.0
/*
 * The store: a medium of a fixed size. Each read and write is a request that
 * the hardware serves on one of its channels; the bytes move when it has
 * ended well. As with a disk, reads and writes of the same place at the same
 * time may see each other half done.
 */
#include <linux/sizes.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/cancelio.h>

#include "device.h"

#define STORE_CHANNELS	64

/**
 * struct store - one medium
 * @medium: its bytes
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
	/* Any size may be asked for: nobody else shall die of it. */
	store->medium = __vmalloc(dev->size, GFP_KERNEL | __GFP_ZERO |
				  __GFP_NORETRY | __GFP_NOWARN);
	if (!store->medium) {
		kfree(store);
		return -ENOMEM;
	}
	cancelio_hardware_init(&store->hw, STORE_CHANNELS);
	dev->priv = store;
	return 0;
}

static void store_destroy(struct cancelio_device *dev)
{
	struct store *store = dev->priv;

	vfree(store->medium);
	kfree(store);
}

static ssize_t store_begin(struct cancelio_device *dev, struct cancelio_io *io)
{
	if (io->pos >= dev->size)
		return io->op == CANCELIO_READ ? 0 : -ENOSPC;
	io->len = min_t(u64, iov_iter_count(io->iter), dev->size - io->pos);
	return -EAGAIN;
}

static void store_submit(struct cancelio_request *req)
{
	struct store *store = req->dev->priv;

	req->service_ns = cancelio_latency_ns(req->dev, req->op);
	cancelio_hardware_submit(&store->hw, req);
}

static ssize_t store_finish(struct cancelio_device *dev, struct cancelio_io *io)
{
	struct store *store = dev->priv;
	void *at = store->medium + io->pos;
	size_t done = 0, want, n;

	do {
		want = min_t(size_t, io->len - done, SZ_1M);
		if (io->op == CANCELIO_READ)
			n = copy_to_iter(at + done, want, io->iter);
		else
			n = copy_from_iter(at + done, want, io->iter);
		done += n;
		cond_resched();
	} while (n == want && done < io->len && !fatal_signal_pending(current));
	return done ? done : -EFAULT;
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
	.submit = store_submit,
	.finish = store_finish,
};
