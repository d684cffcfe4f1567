// SPDX-License-Identifier: GPL-2.0
/*
 * Devices made and removed at run time, in configfs:
 *
 *	mkdir /sys/kernel/config/cancelio/NAME		a device to be, with defaults
 *	echo store > .../NAME/model			what it shall be
 *	echo 1 > .../NAME/live				makes it; .../NAME/device says its name
 *	echo 0 > .../NAME/live				removes it, open or not
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
 * @lower: the name of the device below, or ""
 * @dev: the device, while it is live
 */
struct config {
	struct config_item item;
	struct mutex lock;	/* settings, sized, lower, dev */
	struct cancelio_settings settings;
	bool sized;
	char lower[16];
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

static ssize_t config_lower_show(struct config_item *item, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%s\n", config->lower);
}

/* Whether there is such a device is known when this one goes live. */
static ssize_t config_lower_store(struct config_item *item, const char *page, size_t count)
{
	struct config *config = to_config(item);
	size_t len = strcspn(page, "\n");

	if (len >= sizeof(config->lower) || len + (page[len] == '\n') != count)
		return -EINVAL;

	guard(mutex)(&config->lock);
	if (config->dev)
		return -EBUSY;
	memcpy(config->lower, page, len);
	config->lower[len] = '\0';
	return count;
}

static ssize_t knob_show(struct config_item *item, enum cancelio_knob knob, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return cancelio_knob_print(&config->settings.knobs, knob, page);
}

static ssize_t knob_store(struct config_item *item, enum cancelio_knob knob,
			  const char *page, size_t count)
{
	struct config *config = to_config(item);
	int err;

	guard(mutex)(&config->lock);
	if (config->dev)
		return -EBUSY;
	err = cancelio_knob_parse(&config->settings.knobs, knob, page);
	return err ? err : count;
}

#define CONFIG_KNOB_ATTR(_name, _only)							\
static ssize_t config_##_name##_show(struct config_item *item, char *page)		\
{											\
	return knob_show(item, CANCELIO_KNOB_##_name, page);				\
}											\
static ssize_t config_##_name##_store(struct config_item *item, const char *page,	\
				      size_t count)					\
{											\
	return knob_store(item, CANCELIO_KNOB_##_name, page, count);			\
}											\
CONFIGFS_ATTR(config_, _name);

CANCELIO_KNOBS(CONFIG_KNOB_ATTR)

/*
 * Finds the device below, which must be a store for a store, and not smaller.
 * A size that was not set is that device's.
 */
static int config_find_lower(struct config *config, struct cancelio_settings *settings)
{
	struct cancelio_device *lower;

	lockdep_assert_held(&config->lock);

	settings->lower = NULL;
	if (!config->lower[0])
		return 0;
	lower = cancelio_device_find(config->lower);
	if (!lower)
		return -ENODEV;
	settings->lower = lower;
	if (!config->sized)
		settings->size = lower->size;
	if (settings->model != &cancelio_store || lower->model != &cancelio_store ||
	    settings->size > lower->size || lower->depth + 1 >= CANCELIO_DEPTH_MAX)
		return -EINVAL;
	return 0;
}

static int config_create(struct config *config)
{
	struct cancelio_settings settings = config->settings;
	struct cancelio_device *dev;
	int err;

	err = config_find_lower(config, &settings);
	if (err)
		goto out;
	dev = cancelio_device_create(&settings);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto out;
	}
	err = cancelio_device_publish(dev);
	if (err)
		cancelio_device_remove(dev);
	else
		config->dev = dev;
out:
	if (settings.lower)
		put_device(&settings.lower->dev);
	return err;
}

static int config_start(struct config *config)
{
	int err;

	lockdep_assert_held(&config->lock);

	if (config->settings.size > config->settings.model->size_max)
		return -EINVAL;
	/* A directory that is depended on cannot be removed: EBUSY. */
	err = configfs_depend_item_unlocked(&config_subsystem, &config->item);
	if (err)
		return err;
	err = config_create(config);
	if (err)
		configfs_undepend_item_unlocked(&config->item);
	return err;
}

static void config_stop(struct config *config)
{
	lockdep_assert_held(&config->lock);

	cancelio_device_remove(config->dev);
	config->dev = NULL;
	configfs_undepend_item_unlocked(&config->item);
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
		config_stop(config);
	return err ? err : count;
}
CONFIGFS_ATTR(config_, model);
CONFIGFS_ATTR(config_, size);
CONFIGFS_ATTR(config_, lower);
CONFIGFS_ATTR(config_, live);

static ssize_t config_device_show(struct config_item *item, char *page)
{
	struct config *config = to_config(item);

	guard(mutex)(&config->lock);
	return sysfs_emit(page, "%s\n", config->dev ? dev_name(&config->dev->dev) : "");
}
CONFIGFS_ATTR_RO(config_, device);

#define CONFIG_KNOB_ENTRY(_name, _only)	&config_attr_##_name,
static struct configfs_attribute *config_attrs[] = {
	&config_attr_model,
	&config_attr_size,
	&config_attr_lower,
	CANCELIO_KNOBS(CONFIG_KNOB_ENTRY)
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
	cancelio_knobs_init(&config->settings.knobs);
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
