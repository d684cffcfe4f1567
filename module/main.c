// SPDX-License-Identifier: GPL-2.0
/*
 * cancelio: a slow character device whose every operation can be cancelled.
 */
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/cancelio.h>

#include "command.h"
#include "device.h"

#define COUNT_MAX	64

static unsigned int streams = 1;
module_param(streams, uint, 0444);
MODULE_PARM_DESC(streams, "number of streams, 0 to 64 (default 1); they come first: /dev/cancelio0 ...");

static unsigned int stores = 1;
module_param(stores, uint, 0444);
MODULE_PARM_DESC(stores, "number of stores, 0 to 64 (default 1)");

static unsigned long stream_size = SZ_64K;
module_param(stream_size, ulong, 0444);
MODULE_PARM_DESC(stream_size, "bytes a stream holds before a write waits, 1 to 1 MiB (default 64 KiB)");

static unsigned long store_size = SZ_16M;
module_param(store_size, ulong, 0444);
MODULE_PARM_DESC(store_size, "bytes of each store's medium (default 16 MiB)");

static unsigned long long open_latency_ns;
module_param(open_latency_ns, ullong, 0444);
MODULE_PARM_DESC(open_latency_ns, "nanoseconds an open takes at first (default 0)");

static unsigned long long read_latency_ns;
module_param(read_latency_ns, ullong, 0444);
MODULE_PARM_DESC(read_latency_ns, "nanoseconds a read takes at first (default 0)");

static unsigned long long write_latency_ns;
module_param(write_latency_ns, ullong, 0444);
MODULE_PARM_DESC(write_latency_ns, "nanoseconds a write takes at first (default 0)");

static LIST_HEAD(devices);

static int check_range(const char *name, u64 value, u64 min, u64 max)
{
	if (value >= min && value <= max)
		return 0;
	pr_err("cancelio: %s=%llu is not in %llu..%llu\n", name, value, min, max);
	return -EINVAL;
}

static int check_params(void)
{
	int err = 0;

	err = err ?: check_range("streams", streams, 0, COUNT_MAX);
	err = err ?: check_range("stores", stores, 0, COUNT_MAX);
	err = err ?: check_range("stream_size", stream_size, 1, cancelio_stream.size_max);
	err = err ?: check_range("store_size", store_size, 1, cancelio_store.size_max);
	err = err ?: check_range("open_latency_ns", open_latency_ns, 0, CANCELIO_LATENCY_MAX_NS);
	err = err ?: check_range("read_latency_ns", read_latency_ns, 0, CANCELIO_LATENCY_MAX_NS);
	err = err ?: check_range("write_latency_ns", write_latency_ns, 0, CANCELIO_LATENCY_MAX_NS);
	return err;
}

static int create_devices(const struct cancelio_model *model, unsigned int count, u64 size)
{
	struct cancelio_settings settings = { .model = model, .size = size };

	cancelio_knobs_init(&settings.knobs);
	settings.knobs.latency[CANCELIO_OPEN].from = open_latency_ns;
	settings.knobs.latency[CANCELIO_READ].from = read_latency_ns;
	settings.knobs.latency[CANCELIO_WRITE].from = write_latency_ns;
	while (count--) {
		struct cancelio_device *dev = cancelio_device_create(&settings);

		if (IS_ERR(dev))
			return PTR_ERR(dev);
		list_add_tail(&dev->link, &devices);
	}
	return 0;
}

/*
 * The last step, and one that does not fail: once a device is seen, somebody may
 * be in the module.
 */
static void publish_devices(void)
{
	struct cancelio_device *dev, *next;
	int err;

	list_for_each_entry_safe(dev, next, &devices, link) {
		err = cancelio_device_publish(dev);
		if (!err)
			continue;
		pr_err("cancelio: no cancelio%d, error %d\n", dev->id, err);
		list_del(&dev->link);
		cancelio_device_remove(dev);
	}
}

static void remove_devices(void)
{
	struct cancelio_device *dev, *next;

	list_for_each_entry_safe(dev, next, &devices, link)
		cancelio_device_remove(dev);
}

static int __init cancelio_init(void)
{
	int err;

	err = check_params();
	if (err)
		return err;
	err = command_init();
	if (err)
		return err;
	err = cancelio_devices_init();
	if (err)
		goto err_command;
	err = create_devices(&cancelio_stream, streams, stream_size);
	err = err ?: create_devices(&cancelio_store, stores, store_size);
	err = err ?: cancelio_config_init();
	if (err)
		goto err_devices;
	publish_devices();
	return 0;

err_devices:
	remove_devices();
	cancelio_devices_exit();
err_command:
	command_exit();
	return err;
}
module_init(cancelio_init);

static void __exit cancelio_exit(void)
{
	cancelio_config_exit();
	remove_devices();
	cancelio_devices_exit();
	command_exit();
}
module_exit(cancelio_exit);

MODULE_DESCRIPTION("A slow character device whose every operation can be cancelled");
MODULE_LICENSE("GPL");
