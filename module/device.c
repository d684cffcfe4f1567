// SPDX-License-Identifier: GPL-2.0
/*
 * A device's lifetime, and its face in sysfs.
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/wait_bit.h>
#include <linux/cancelio.h>

#include "compat.h"
#include "device.h"

#define DEVICES_MAX	256

static DEFINE_IDA(device_ids);
static dev_t device_base;

static struct cancelio_device *to_cancelio(struct device *dev)
{
	return container_of(dev, struct cancelio_device, dev);
}

static ssize_t model_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_cancelio(dev)->model->name);
}
static DEVICE_ATTR_RO(model);

static ssize_t size_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_cancelio(dev)->size);
}
static DEVICE_ATTR_RO(size);

static ssize_t pending_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&to_cancelio(dev)->pending));
}
static DEVICE_ATTR_RO(pending);

/* The attribute's @var is the enum cancelio_op. */
static enum cancelio_op latency_op(struct device_attribute *attr)
{
	return (uintptr_t)container_of(attr, struct dev_ext_attribute, attr)->var;
}

static ssize_t latency_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", cancelio_latency_ns(to_cancelio(dev), latency_op(attr)));
}

static ssize_t latency_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct cancelio_device *device = to_cancelio(dev);
	enum cancelio_op op = latency_op(attr);
	u64 ns;

	if (kstrtou64(buf, 10, &ns) || ns > CANCELIO_LATENCY_MAX_NS)
		return -EINVAL;
	WRITE_ONCE(device->latencies.ns[op], ns);
	if (device->model->latency_changed)
		device->model->latency_changed(device, op);
	return count;
}

#define LATENCY_ATTR(_name, _op)						\
static struct dev_ext_attribute dev_attr_##_name = {				\
	__ATTR(_name, 0644, latency_show, latency_store), (void *)_op		\
}

LATENCY_ATTR(open_latency_ns, CANCELIO_OPEN);
LATENCY_ATTR(read_latency_ns, CANCELIO_READ);
LATENCY_ATTR(write_latency_ns, CANCELIO_WRITE);

static struct attribute *device_attrs[] = {
	&dev_attr_model.attr,
	&dev_attr_size.attr,
	&dev_attr_pending.attr,
	&dev_attr_open_latency_ns.attr.attr,
	&dev_attr_read_latency_ns.attr.attr,
	&dev_attr_write_latency_ns.attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(device);

static struct class device_class = {
	.name = "cancelio",
	.dev_groups = device_groups,
};

/**
 * cancelio_device_get_open - count somebody who opens a device
 * @dev: the device
 *
 * Context: process.
 * Return: 0, or -ENODEV if the device is not published, or not any more.
 */
int cancelio_device_get_open(struct cancelio_device *dev)
{
	int err = 0;

	spin_lock(&dev->lock);
	if (dev->published)
		dev->opens++;
	else
		err = -ENODEV;
	spin_unlock(&dev->lock);
	return err;
}

/**
 * cancelio_device_put_open - the open file is gone, or the open has failed
 * @dev: the device
 *
 * Context: process.
 */
void cancelio_device_put_open(struct cancelio_device *dev)
{
	spin_lock(&dev->lock);
	dev->opens--;
	spin_unlock(&dev->lock);
}

/**
 * cancelio_device_submit_open - have a request of op CANCELIO_OPEN served
 * @req: the request
 *
 * Context: any, no lock of ours held.
 */
void cancelio_device_submit_open(struct cancelio_request *req)
{
	req->service_ns = cancelio_latency_ns(req->dev, CANCELIO_OPEN);
	cancelio_hardware_submit(&req->dev->opener, req);
}

static void device_free(struct device *device)
{
	struct cancelio_device *dev = to_cancelio(device);

	dev->model->destroy(dev);
	cancelio_restarts_free(&dev->restarts);
	ida_free(&device_ids, dev->id);
	kfree(dev);
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
	dev->model = settings->model;
	dev->size = settings->size;
	dev->latencies = settings->latencies;
	spin_lock_init(&dev->lock);
	cancelio_hardware_init(&dev->opener, UINT_MAX);
	cancelio_restarts_init(&dev->restarts);

	dev->id = ida_alloc_max(&device_ids, DEVICES_MAX - 1, GFP_KERNEL);
	if (dev->id < 0) {
		err = dev->id;
		goto err_free;
	}
	err = dev->model->create(dev);
	if (err)
		goto err_id;

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

static void device_set_published(struct cancelio_device *dev, bool published)
{
	spin_lock(&dev->lock);
	dev->published = published;
	spin_unlock(&dev->lock);
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
	return err;
}

/**
 * cancelio_device_destroy - remove a device
 * @dev: the device, published or not, gone if this succeeds
 *
 * Context: process, sleeps.
 * Return: 0, or -EBUSY while it is open or somebody waits to open it.
 */
int cancelio_device_destroy(struct cancelio_device *dev)
{
	bool published;

	scoped_guard(spinlock, &dev->lock) {
		if (dev->opens)
			return -EBUSY;
		published = dev->published;
		dev->published = false;
	}
	if (published)
		cdev_device_del(&dev->cdev, &dev->dev);
	/* Without open files nobody waits, but a timer may still look. */
	wait_var_event(&dev->requests, !atomic_read(&dev->requests));
	put_device(&dev->dev);
	return 0;
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

	err = alloc_chrdev_region(&device_base, 0, DEVICES_MAX, "cancelio");
	if (err)
		return err;
	err = class_register(&device_class);
	if (err)
		unregister_chrdev_region(device_base, DEVICES_MAX);
	return err;
}

/**
 * cancelio_devices_exit - after the last device
 *
 * Context: process, sleeps.
 */
void cancelio_devices_exit(void)
{
	class_unregister(&device_class);
	unregister_chrdev_region(device_base, DEVICES_MAX);
	ida_destroy(&device_ids);
	/* A timer's callback may be on its last instructions. */
	synchronize_rcu();
}
