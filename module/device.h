/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device: what every model has, and what a model is.
 */
#ifndef CANCELIO_DEVICE_H
#define CANCELIO_DEVICE_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "fate.h"
#include "hardware.h"
#include "knobs.h"
#include "request.h"
#include "restart.h"
#include "table.h"

/**
 * struct cancelio_io - one call of read or write, while its caller is in it
 * @op: what it does
 * @pos: where, for a device that has positions
 * @iter: the caller's memory
 * @nowait: the caller will not wait
 * @len: bytes that this step is for; the model's
 * @bytes: of them, those that it moves
 * @fate: what the device does with it, if it was drawn; the model's
 * @chunk: what a stream's write carries; the model's until submitted
 */
struct cancelio_io {
	enum cancelio_op op;
	loff_t pos;
	struct iov_iter *iter;
	bool nowait;
	size_t len;
	size_t bytes;
	struct cancelio_fate fate;
	struct stream_chunk *chunk;
};

/**
 * struct cancelio_model - a kind of device
 * @name: for people
 * @id: CANCELIO_MODEL_*
 * @size_default: bytes, see &struct cancelio_info
 * @size_max: bytes; the least is 1
 * @fops: the front door's, with what the model has of it
 * @takes_early: a write's bytes are taken when it begins: @finish needs no memory
 * @create: make @dev->priv for @dev->size bytes; 0 or a negative errno
 * @destroy: undo @create; no request is left
 * @begin: do what can be done at once. Returns the bytes moved, a negative
 *	errno, or -EAGAIN if the caller must wait, which is only given to a
 *	caller who will if @io is ready to be submitted. May fault, not wait
 * @prepare: make the parts of a request that is NEW; 0 or -ENOMEM. Process
 *	context, of who is to be charged. May be NULL
 * @submit: take a request over; see cancelio_hardware_submit(). Any context
 * @forgo: the request ended with 0, and nobody is there to finish it. Any
 *	context, no lock held. May be NULL
 * @finish: the request of @io has ended with 0, and @io->bytes may move: move
 *	them, or, if that is 0, take back what nobody takes. As @begin, but never
 *	-EAGAIN; perhaps not the caller's context, but with its memory
 * @poll: what can be done at once; NULL if it always has to wait
 * @changed: a knob was; process context. May be NULL
 * @order: start, stop, drain or purge; process context
 * @remove: end everything with -ENODEV; process context
 */
struct cancelio_model {
	const char *name;
	u32 id;
	u64 size_default;
	u64 size_max;
	const struct file_operations *fops;
	bool takes_early;
	int (*create)(struct cancelio_device *dev);
	void (*destroy)(struct cancelio_device *dev);
	ssize_t (*begin)(struct cancelio_device *dev, struct cancelio_io *io);
	int (*prepare)(struct cancelio_request *req);
	void (*submit)(struct cancelio_request *req);
	void (*forgo)(struct cancelio_request *req);
	ssize_t (*finish)(struct cancelio_device *dev, struct cancelio_io *io);
	__poll_t (*poll)(struct cancelio_device *dev, struct file *file, poll_table *wait);
	void (*changed)(struct cancelio_device *dev, enum cancelio_knob knob);
	void (*order)(struct cancelio_device *dev, enum cancelio_order order);
	void (*remove)(struct cancelio_device *dev);
};

/**
 * struct cancelio_settings - how to make a device
 * @model: its kind
 * @size: bytes, see &struct cancelio_info
 * @knobs: the first ones
 * @lower: the device below, or NULL; only read while the device is made
 */
struct cancelio_settings {
	const struct cancelio_model *model;
	u64 size;
	struct cancelio_knobs knobs;
	struct cancelio_device *lower;
};

/* A request goes down so many devices at most. */
#define CANCELIO_DEPTH_MAX	4

/**
 * struct cancelio_device - one /dev/cancelioN
 * @dev: in sysfs; its last reference frees this
 * @cdev: in the file system
 * @link: in the list of all devices that main.c has made
 * @id: N
 * @model: its kind; fixed
 * @size: bytes; fixed
 * @lower: the device below, with a reference to its @dev, or NULL; fixed
 * @depth: devices below; fixed
 * @behavior: what it is told
 * @table: its requests
 * @users: requests that were accepted and not freed, and one until it is
 *	removed. At 0 it takes no more
 * @lock: guards @published; process context
 * @published: it can be opened; READ_ONCE() without the lock
 * @order_lock: holds two orders apart; a mutex
 * @order: the last one; under @order_lock
 * @room: who waits until an open file has fewer requests
 * @opener: serves opens and controls, which are no model's
 * @restarts: calls that signals have interrupted
 * @watchdog: looks for requests that do not end
 * @end: runs when @users is 0
 * @debug: its folder in debugfs
 * @priv: the model's
 */
struct cancelio_device {
	struct device dev;
	struct cdev cdev;
	struct list_head link;
	int id;

	const struct cancelio_model *model;
	u64 size;
	struct cancelio_device *lower;
	unsigned int depth;
	struct cancelio_behavior behavior;

	struct cancelio_table table;
	refcount_t users;

	spinlock_t lock;	/* published */
	bool published;

	struct mutex order_lock;	/* order */
	enum cancelio_order order;

	wait_queue_head_t room;
	struct cancelio_hardware opener;
	struct cancelio_restarts restarts;
	struct delayed_work watchdog;
	struct work_struct end;
	struct dentry *debug;
	void *priv;
};

/* device.c */
extern struct workqueue_struct *cancelio_workqueue;
int cancelio_devices_init(void);
void cancelio_devices_exit(void);
struct cancelio_device *cancelio_device_create(const struct cancelio_settings *settings);
int cancelio_device_publish(struct cancelio_device *dev);
void cancelio_device_remove(struct cancelio_device *dev);
struct cancelio_device *cancelio_device_find(const char *name);
bool cancelio_device_get(struct cancelio_device *dev);
void cancelio_device_put(struct cancelio_device *dev);
int cancelio_device_get_open(struct cancelio_device *dev);
void cancelio_device_put_open(struct cancelio_device *dev);
void cancelio_device_submit(struct cancelio_request *req);
void cancelio_device_order(struct cancelio_device *dev, enum cancelio_order order);

/* Whether a device that was opened is gone. Any context. */
static inline bool cancelio_device_removed(struct cancelio_device *dev)
{
	return !READ_ONCE(dev->published);
}

/* Whether the caller was killed, and takes nothing any more. */
static inline bool cancelio_caller_killed(void)
{
	/* Other signals may come as this looks. */
	return data_race(fatal_signal_pending(current));
}

static inline struct cancelio_device *to_cancelio(struct device *dev)
{
	return container_of(dev, struct cancelio_device, dev);
}

/* attributes.c */
extern const struct attribute_group *cancelio_device_groups[];

/* config.c */
int cancelio_config_init(void);
void cancelio_config_exit(void);

/* debug.c */
void cancelio_debug_init(void);
void cancelio_debug_exit(void);
void cancelio_debug_add(struct cancelio_device *dev);
void cancelio_debug_remove(struct cancelio_device *dev);

/* watchdog.c */
void cancelio_watchdog_init(struct cancelio_device *dev);
void cancelio_watchdog_watch(struct cancelio_device *dev);
void cancelio_watchdog_changed(struct cancelio_device *dev);

/* file.c */
extern const struct file_operations cancelio_stream_fops;
extern const struct file_operations cancelio_store_fops;

/* stream.c, store.c */
extern const struct cancelio_model cancelio_stream;
extern const struct cancelio_model cancelio_store;
void cancelio_stream_chunk_free(struct stream_chunk *chunk);

#endif /* CANCELIO_DEVICE_H */
