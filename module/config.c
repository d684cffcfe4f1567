// SPDX-License-Identifier: GPL-2.0
/*
 * Devices made and removed at run time, in configfs:
 *
 *	mkdir /sys/kernel/config/cancelio/NAME		a device to be, with defaults
 *	echo store > .../NAME/model			what it shall be
 *	echo 1 > .../NAME/live				makes it; .../NAME/device says its name
 *	echo 0 > .../NAME/live				removes it, unless it is open
 *	rmdir /sys/kernel/config/cancelio/NAME		only while it is not live
 */
#include <linux/configfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/cancelio.h>

#include "device.h"

/**
 * struct config - one directory
 * @item: in configfs
 * @lock: guards the rest
 * @settings: what the device is, or will be
 * @sized: the size was set, and is kept when the model changes
 * @dev: the device, while it is live
 */
struct config {
	struct config_item item;
	struct mutex lock;	/* settings, sized, dev */
	struct cancelio_settings settings;
	bool sized;
	struct cancelio_device *dev;
};

static struct configfs_subsystem config_subsystem;

static struct config *to_config(struct config_item *item)
{
	return container_of(item, struct config, item);
}

static ssize_t config_model_show(struct config_item *item, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%s\n", config->settings.model->name);
}

static ssize_t config_model_store(struct config_item *item, const char *page, size_t count)
{
	struct config *config = to_config(item);
	const struct cancelio_model *model;

	if (sysfs_streq(page, cancelio_stream.name))
		model = &cancelio_stream;
	else if (sysfs_streq(page, cancelio_store.name))
		model = &cancelio_store;
	else
		return -EINVAL;

	guard(mutex)(&config->lock);
	if (config->dev)
		return -EBUSY;
	config->settings.model = model;
	if (!config->sized)
		config->settings.size = model->size_default;
	return count;
}

static ssize_t config_size_show(struct config_item *item, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%llu\n", config->settings.size);
}

/* Whether the model takes it is known when the device goes live. */
static ssize_t config_size_store(struct config_item *item, const char *page, size_t count)
{
	struct config *config = to_config(item);
	u64 size;

	if (kstrtou64(page, 10, &size) || !size)
		return -EINVAL;

	guard(mutex)(&config->lock);
	if (config->dev)
		return -EBUSY;
	config->settings.size = size;
	config->sized = true;
	return count;
}

static ssize_t latency_show(struct config_item *item, enum cancelio_op op, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%llu\n", config->settings.latencies.ns[op]);
}

static ssize_t latency_store(struct config_item *item, enum cancelio_op op,
			     const char *page, size_t count)
{
	struct config *config = to_config(item);
	u64 ns;

	if (kstrtou64(page, 10, &ns) || ns > CANCELIO_LATENCY_MAX_NS)
		return -EINVAL;

	guard(mutex)(&config->lock);
	if (config->dev)
		return -EBUSY;
	config->settings.latencies.ns[op] = ns;
	return count;
}

#define CONFIG_LATENCY_ATTR(_name, _op)							\
static ssize_t config_##_name##_show(struct config_item *item, char *page)		\
{											\
	return latency_show(item, _op, page);						\
}											\
static ssize_t config_##_name##_store(struct config_item *item, const char *page,	\
				      size_t count)					\
{											\
	return latency_store(item, _op, page, count);					\
}											\
CONFIGFS_ATTR(config_, _name)

CONFIG_LATENCY_ATTR(open_latency_ns, CANCELIO_OPEN);
CONFIG_LATENCY_ATTR(read_latency_ns, CANCELIO_READ);
CONFIG_LATENCY_ATTR(write_latency_ns, CANCELIO_WRITE);

static int config_start(struct config *config)
{
	struct cancelio_device *dev;
	int err;

	lockdep_assert_held(&config->lock);

	if (config->settings.size > config->settings.model->size_max)
		return -EINVAL;
	/* A directory that is depended on cannot be removed: EBUSY. */
	err = configfs_depend_item_unlocked(&config_subsystem, &config->item);
	if (err)
		return err;
	dev = cancelio_device_create(&config->settings);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto err_undepend;
	}
	err = cancelio_device_publish(dev);
	if (err)
		goto err_destroy;
	config->dev = dev;
	return 0;

err_destroy:
	cancelio_device_destroy(dev);
err_undepend:
	configfs_undepend_item_unlocked(&config->item);
	return err;
}

static int config_stop(struct config *config)
{
	int err;

	lockdep_assert_held(&config->lock);

	err = cancelio_device_destroy(config->dev);
	if (err)
		return err;
	config->dev = NULL;
	configfs_undepend_item_unlocked(&config->item);
	return 0;
}

static ssize_t config_live_show(struct config_item *item, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%d\n", config->dev ? 1 : 0);
}

static ssize_t config_live_store(struct config_item *item, const char *page, size_t count)
{
	struct config *config = to_config(item);
	bool live;
	int err = 0;

	if (kstrtobool(page, &live))
		return -EINVAL;

	guard(mutex)(&config->lock);
	if (live && !config->dev)
		err = config_start(config);
	else if (!live && config->dev)
		err = config_stop(config);
	return err ? err : count;
}
CONFIGFS_ATTR(config_, model);
CONFIGFS_ATTR(config_, size);
CONFIGFS_ATTR(config_, live);

static ssize_t config_device_show(struct config_item *item, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%s\n", config->dev ? dev_name(&config->dev->dev) : "");
}
CONFIGFS_ATTR_RO(config_, device);

static struct configfs_attribute *config_attrs[] = {
	&config_attr_model,
	&config_attr_size,
	&config_attr_open_latency_ns,
	&config_attr_read_latency_ns,
	&config_attr_write_latency_ns,
	&config_attr_live,
	&config_attr_device,
	NULL
};

static void config_release(struct config_item *item)
{
	kfree(to_config(item));
}

static struct configfs_item_operations config_item_ops = {
	.release = config_release,
};

static const struct config_item_type config_type = {
	.ct_owner = THIS_MODULE,
	.ct_item_ops = &config_item_ops,
	.ct_attrs = config_attrs,
};

static struct config_item *config_make(struct config_group *group, const char *name)
{
	struct config *config;

	config = kzalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return ERR_PTR(-ENOMEM);
	mutex_init(&config->lock);
	config->settings.model = &cancelio_stream;
	config->settings.size = cancelio_stream.size_default;
	config_item_init_type_name(&config->item, name, &config_type);
	return &config->item;
}

static struct configfs_group_operations config_group_ops = {
	.make_item = config_make,
};

static const struct config_item_type config_root_type = {
	.ct_owner = THIS_MODULE,
	.ct_group_ops = &config_group_ops,
};

static struct configfs_subsystem config_subsystem = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "cancelio",
			.ci_type = &config_root_type,
		},
	},
};

/**
 * cancelio_config_init - let devices be made
 *
 * Context: process, sleeps.
 * Return: 0 or a negative errno.
 */
int cancelio_config_init(void)
{
	config_group_init(&config_subsystem.su_group);
	mutex_init(&config_subsystem.su_mutex);
	return configfs_register_subsystem(&config_subsystem);
}

/**
 * cancelio_config_exit - no more devices are made; none is left
 *
 * A directory holds the module, so there is none.
 *
 * Context: process, sleeps.
 */
void cancelio_config_exit(void)
{
	configfs_unregister_subsystem(&config_subsystem);
}
