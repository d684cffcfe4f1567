// SPDX-License-Identifier: GPL-2.0
/*
 * A device's lifetime.
 *
 * Three things keep a device, each on its own account: it can be opened until
 * it is removed; it takes requests until it was removed and the last of them
 * is freed; its memory is there until, besides, the last file was closed and the
 * last device above it is gone.
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/cancelio.h>

#include "compat.h"
#include "device.h"
#include "file.h"

#define DEVICES_MAX	256

static DEFINE_IDA(device_ids);
static dev_t device_base;
/* Devices whose memory is not freed yet; the end of the module waits for 0. */
static atomic_t device_count;

/* What must not be done where requests end. */
struct workqueue_struct *cancelio_workqueue;

static struct class device_class = {
	.name = "cancelio",
	.dev_groups = cancelio_device_groups,
};

/**
 * cancelio_device_get - count a request that a device takes
 * @dev: the device
 *
 * Context: any.
 * Return: false: it takes no more.
 */
bool cancelio_device_get(struct cancelio_device *dev)
{
	return refcount_inc_not_zero(&dev->users);
}

/**
 * cancelio_device_put - a request was freed, or the device is removed
 * @dev: the device
 *
 * Context: any.
 */
void cancelio_device_put(struct cancelio_device *dev)
{
	if (refcount_dec_and_test(&dev->users))
		queue_work(cancelio_workqueue, &dev->end);
}

static void device_end(struct work_struct *work)
{
	struct cancelio_device *dev = container_of(work, struct cancelio_device, end);

	cancel_delayed_work_sync(&dev->watchdog);
	put_device(&dev->dev);
}

/**
 * cancelio_device_get_open - somebody opens a device
 * @dev: the device
 *
 * Context: process.
 * Return: 0, or -ENODEV if the device is not published, or not any more.
 */
int cancelio_device_get_open(struct cancelio_device *dev)
{
	bool published;

	spin_lock(&dev->lock);
	published = dev->published;
	if (published)
		get_device(&dev->dev);
	spin_unlock(&dev->lock);
	return published ? 0 : -ENODEV;
}

/**
 * cancelio_device_put_open - the open file is gone, or the open has failed
 * @dev: the device
 *
 * Context: process.
 */
void cancelio_device_put_open(struct cancelio_device *dev)
{
	put_device(&dev->dev);
}

/**
 * cancelio_device_submit - have a request served
 * @req: a NEW request, prepared by its model if it is one of the model's
 *
 * Context: any, no lock of ours held.
 */
void cancelio_device_submit(struct cancelio_request *req)
{
	if (cancelio_op_is_models(req->op)) {
		req->dev->model->submit(req);
		return;
	}
	cancelio_fate_draw_service(req->dev, req->op, 0, &req->fate);
	cancelio_hardware_submit(&req->dev->opener, req);
}

static bool match_io(struct cancelio_request *req, const void *arg)
{
	return cancelio_op_is_models(req->op);
}

/**
 * cancelio_device_order - start, stop, drain or purge a device
 * @dev: the device
 * @order: which; not for opens and controls
 *
 * Context: process, sleeps.
 */
void cancelio_device_order(struct cancelio_device *dev, enum cancelio_order order)
{
	guard(mutex)(&dev->order_lock);
	dev->order = order;
	dev->model->order(dev, order);
	/* The gate is closed: what was started before is all that is left. */
	if (order == CANCELIO_ORDER_PURGE)
		cancelio_table_cancel(&dev->table, match_io, NULL);
}

static void device_free(struct device *device)
{
	struct cancelio_device *dev = to_cancelio(device);

	cancelio_hardware_destroy(&dev->opener);
	dev->model->destroy(dev);
	if (dev->lower)
		put_device(&dev->lower->dev);
	cancelio_restarts_free(&dev->restarts);
	ida_free(&device_ids, dev->id);
	kfree(dev);
	if (atomic_dec_and_test(&device_count))
		wake_up_var(&device_count);
}

/* Everything that needs no undoing. */
static void device_init(struct cancelio_device *dev, const struct cancelio_settings *settings)
{
	dev->model = settings->model;
	dev->size = settings->size;
	dev->lower = settings->lower;
	dev->depth = dev->lower ? dev->lower->depth + 1 : 0;
	cancelio_behavior_init(&dev->behavior, &settings->knobs);
	cancelio_table_init(&dev->table);
	refcount_set(&dev->users, 1);
	spin_lock_init(&dev->lock);
	mutex_init(&dev->order_lock);
	init_waitqueue_head(&dev->room);
	cancelio_hardware_init(&dev->opener, dev, NULL, true, NULL);
	cancelio_restarts_init(&dev->restarts);
	cancelio_watchdog_init(dev);
	INIT_WORK(&dev->end, device_end);
}

/**
 * cancelio_device_create - make a device that nobody sees yet
 * @settings: what it shall be; the caller has checked them
 *
 * Context: process.
 * Return: the device, or an ERR_PTR().
 */
struct cancelio_device *cancelio_device_create(const struct cancelio_settings *settings)
{
	struct cancelio_device *dev;
	int err;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	device_init(dev, settings);

	dev->id = ida_alloc_max(&device_ids, DEVICES_MAX - 1, GFP_KERNEL);
	if (dev->id < 0) {
		err = dev->id;
		goto err_free;
	}
	err = dev->model->create(dev);
	if (err)
		goto err_id;

	atomic_inc(&device_count);
	if (dev->lower)
		get_device(&dev->lower->dev);
	device_initialize(&dev->dev);
	dev->dev.class = &device_class;
	dev->dev.devt = MKDEV(MAJOR(device_base), dev->id);
	dev->dev.release = device_free;
	err = dev_set_name(&dev->dev, "cancelio%d", dev->id);
	if (err)
		goto err_put;
	cdev_init(&dev->cdev, dev->model->fops);
	dev->cdev.owner = THIS_MODULE;
	return dev;

err_put:
	put_device(&dev->dev);
	return ERR_PTR(err);
err_id:
	ida_free(&device_ids, dev->id);
err_free:
	kfree(dev);
	return ERR_PTR(err);
}

static bool device_set_published(struct cancelio_device *dev, bool published)
{
	bool before;

	spin_lock(&dev->lock);
	before = dev->published;
	WRITE_ONCE(dev->published, published);
	spin_unlock(&dev->lock);
	return before;
}

/**
 * cancelio_device_publish - let a device be seen and opened
 * @dev: the device
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int cancelio_device_publish(struct cancelio_device *dev)
{
	int err;

	/* Who is told of it may open it. */
	device_set_published(dev, true);
	err = cdev_device_add(&dev->cdev, &dev->dev);
	if (err)
		device_set_published(dev, false);
	else
		cancelio_debug_add(dev);
	return err;
}

static bool match_all(struct cancelio_request *req, const void *arg)
{
	return true;
}

/**
 * cancelio_device_remove - take a device away, as if it were unplugged
 * @dev: the device, published or not; the caller's no more
 *
 * It is not seen any more when this returns, and its requests have ended with
 * -ENODEV, whatever cancel would have met. Those that were sent to the device
 * below are cancelled, and end when that lets them. Who has it open gets -ENODEV
 * from now on.
 *
 * Context: process, sleeps.
 */
void cancelio_device_remove(struct cancelio_device *dev)
{
	if (device_set_published(dev, false)) {
		cancelio_debug_remove(dev);
		cdev_device_del(&dev->cdev, &dev->dev);
	}
	cancelio_hardware_remove(&dev->opener);
	dev->model->remove(dev);
	cancelio_table_cancel(&dev->table, match_all, NULL);
	wake_up_all(&dev->room);
	cancelio_device_put(dev);
}

/**
 * cancelio_device_find - find a device by its name
 * @name: "cancelioN"
 *
 * Context: process, sleeps.
 * Return: the device with a reference to its @dev, or NULL.
 */
struct cancelio_device *cancelio_device_find(const char *name)
{
	struct device *dev = class_find_device_by_name(&device_class, name);

	return dev ? to_cancelio(dev) : NULL;
}

/**
 * cancelio_devices_init - before the first device
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int cancelio_devices_init(void)
{
	int err;

	cancelio_workqueue = alloc_workqueue("cancelio", WQ_UNBOUND, 0);
	if (!cancelio_workqueue)
		return -ENOMEM;
	err = cancelio_aio_init();
	if (err)
		goto err_workqueue;
	err = alloc_chrdev_region(&device_base, 0, DEVICES_MAX, "cancelio");
	if (err)
		goto err_aio;
	err = class_register(&device_class);
	if (err)
		goto err_region;
	cancelio_debug_init();
	return 0;

err_region:
	unregister_chrdev_region(device_base, DEVICES_MAX);
err_aio:
	cancelio_aio_exit();
err_workqueue:
	destroy_workqueue(cancelio_workqueue);
	return err;
}

/**
 * cancelio_devices_exit - after the last device was removed
 *
 * Context: process, sleeps.
 */
void cancelio_devices_exit(void)
{
	/* No file is open, and removed devices keep no request. */
	wait_var_event(&device_count, !atomic_read(&device_count));
	cancelio_debug_exit();
	class_unregister(&device_class);
	unregister_chrdev_region(device_base, DEVICES_MAX);
	cancelio_aio_exit();
	destroy_workqueue(cancelio_workqueue);
	ida_destroy(&device_ids);
	/* A timer's callback may be on its last instructions. */
	synchronize_rcu();
}
