// SPDX-License-Identifier: GPL-2.0
/*
 * A device's face in sysfs.
 */
#include <linux/sysfs.h>

#include "device.h"
#include "knobs.h"

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

static ssize_t lower_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct cancelio_device *lower = to_cancelio(dev)->lower;

	return sysfs_emit(buf, "%s\n", lower ? dev_name(&lower->dev) : "");
}
static DEVICE_ATTR_RO(lower);

static ssize_t pending_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct cancelio_counters counters;

	cancelio_table_counters(&to_cancelio(dev)->table, &counters);
	return sysfs_emit(buf, "%llu\n", counters.pending);
}
static DEVICE_ATTR_RO(pending);

static const char *const order_names[] = {
	[CANCELIO_ORDER_START] = "start",
	[CANCELIO_ORDER_STOP] = "stop",
	[CANCELIO_ORDER_DRAIN] = "drain",
	[CANCELIO_ORDER_PURGE] = "purge",
};

static ssize_t queue_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct cancelio_device *device = to_cancelio(dev);

	guard(mutex)(&device->order_lock);
	return sysfs_emit(buf, "%s\n", order_names[device->order]);
}

static ssize_t queue_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t count)
{
	int order = sysfs_match_string(order_names, buf);

	if (order < 0)
		return -EINVAL;
	cancelio_device_order(to_cancelio(dev), order);
	return count;
}
static DEVICE_ATTR_RW(queue);

/* The attribute's @var is the enum cancelio_knob. */
static enum cancelio_knob attr_knob(struct device_attribute *attr)
{
	return (uintptr_t)container_of(attr, struct dev_ext_attribute, attr)->var;
}

static ssize_t knob_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct cancelio_knobs knobs;

	cancelio_behavior_get(&to_cancelio(dev)->behavior, &knobs);
	return cancelio_knob_print(&knobs, attr_knob(attr), buf);
}

static ssize_t knob_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	struct cancelio_device *device = to_cancelio(dev);
	enum cancelio_knob knob = attr_knob(attr);
	int err;

	err = cancelio_behavior_set(&device->behavior, knob, buf);
	if (err)
		return err;
	if (device->model->changed)
		device->model->changed(device, knob);
	if (knob == CANCELIO_KNOB_watchdog_s)
		cancelio_watchdog_changed(device);
	if (knob == CANCELIO_KNOB_max_pending)
		wake_up_all(&device->room);
	return count;
}

#define KNOB_ATTR(_name, _only)							\
static struct dev_ext_attribute knob_attr_##_name = {					\
	__ATTR(_name, 0644, knob_show, knob_store), (void *)CANCELIO_KNOB_##_name	\
};
CANCELIO_KNOBS(KNOB_ATTR)

#define KNOB_ENTRY(_name, _only)	&knob_attr_##_name.attr.attr,
static struct attribute *device_attrs[] = {
	&dev_attr_model.attr,
	&dev_attr_size.attr,
	&dev_attr_lower.attr,
	&dev_attr_pending.attr,
	&dev_attr_queue.attr,
	CANCELIO_KNOBS(KNOB_ENTRY)
	NULL
};

#define KNOB_OF_STORE(_name, _only)	[CANCELIO_KNOB_##_name] = _only,
static const bool knob_of_store[] = { CANCELIO_KNOBS(KNOB_OF_STORE) };

static umode_t attr_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	struct cancelio_device *device = to_cancelio(kobj_to_dev(kobj));
	struct device_attribute *dev_attr = container_of(attr, struct device_attribute, attr);

	if (device->model == &cancelio_store)
		return attr->mode;
	if (attr == &dev_attr_lower.attr)
		return 0;
	return dev_attr->store == knob_store && knob_of_store[attr_knob(dev_attr)] ? 0 : attr->mode;
}

static const struct attribute_group device_group = {
	.attrs = device_attrs,
	.is_visible = attr_visible,
};

const struct attribute_group *cancelio_device_groups[] = { &device_group, NULL };
