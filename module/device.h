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

#include "hardware.h"
#include "request.h"
#include "restart.h"

/**
 * struct cancelio_io - one call of read or write, while its caller is in it
 * @op: CANCELIO_READ or CANCELIO_WRITE
 * @pos: where, for a device that has positions
 * @iter: the caller's memory
 * @nowait: the caller will not wait
 * @len: bytes that this step moves; the model's
 * @chunk: what a stream's write carries; the model's until submitted
 */
struct cancelio_io {
	enum cancelio_op op;
	loff_t pos;
	struct iov_iter *iter;
	bool nowait;
	size_t len;
	struct stream_chunk *chunk;
};

/**
 * struct cancelio_model - a kind of device
 * @name: for people
 * @id: CANCELIO_MODEL_*
 * @size_default: bytes, see &struct cancelio_info
 * @size_max: bytes; the least is 1
 * @fops: the front door's, with what the model has of it
 * @create: make @dev->priv for @dev->size bytes; 0 or a negative errno
 * @destroy: undo @create; no request is left
 * @begin: do what can be done at once. Returns the bytes moved, a negative
 *	errno, or -EAGAIN if the caller must wait, which is only given to a
 *	caller who will if @io is ready to be submitted. May fault, not wait
 * @submit: take a request over; see cancelio_request_submitted(). Any context
 * @finish: the request of @io has ended with 0: move the bytes. As @begin, but
 *	never -EAGAIN
 * @poll: what can be done at once; NULL if it always has to wait
 * @latency_changed: of op, after it was; process context. May be NULL
 */
struct cancelio_model {
	const char *name;
	u32 id;
	u64 size_default;
	u64 size_max;
	const struct file_operations *fops;
	int (*create)(struct cancelio_device *dev);
	void (*destroy)(struct cancelio_device *dev);
	ssize_t (*begin)(struct cancelio_device *dev, struct cancelio_io *io);
	void (*submit)(struct cancelio_request *req);
	ssize_t (*finish)(struct cancelio_device *dev, struct cancelio_io *io);
	__poll_t (*poll)(struct cancelio_device *dev, struct file *file, poll_table *wait);
	void (*latency_changed)(struct cancelio_device *dev, enum cancelio_op op);
};

/* Nanoseconds by enum cancelio_op. */
struct cancelio_latencies {
	u64 ns[3];
};

/**
 * struct cancelio_settings - how to make a device
 * @model: its kind
 * @size: bytes, see &struct cancelio_info
 * @latencies: the first ones
 */
struct cancelio_settings {
	const struct cancelio_model *model;
	u64 size;
	struct cancelio_latencies latencies;
};

/**
 * struct cancelio_device - one /dev/cancelioN
 * @dev: in sysfs; its last reference frees this
 * @cdev: in the file system
 * @link: in the list of all devices
 * @id: N
 * @model: its kind; fixed
 * @size: bytes; fixed
 * @latencies: now; READ_ONCE() and WRITE_ONCE() for each
 * @tickets: the last one given out, see &struct cancelio_request
 * @pending: requests submitted and not ended
 * @requests: requests not freed yet; the device's end waits for 0
 * @lock: guards the two below; process context
 * @opens: open files, and opens that wait
 * @published: it can be opened
 * @opener: serves opens
 * @restarts: calls that signals have interrupted
 * @priv: the model's
 */
struct cancelio_device {
	struct device dev;
	struct cdev cdev;
	struct list_head link;
	int id;

	const struct cancelio_model *model;
	u64 size;
	struct cancelio_latencies latencies;

	atomic64_t tickets;
	atomic64_t pending;
	atomic_t requests;

	spinlock_t lock;	/* opens, published */
	unsigned int opens;
	bool published;

	struct cancelio_hardware opener;
	struct cancelio_restarts restarts;
	void *priv;
};

static inline u64 cancelio_latency_ns(struct cancelio_device *dev, enum cancelio_op op)
{
	return READ_ONCE(dev->latencies.ns[op]);
}

/* device.c */
int cancelio_devices_init(void);
void cancelio_devices_exit(void);
struct cancelio_device *cancelio_device_create(const struct cancelio_settings *settings);
int cancelio_device_publish(struct cancelio_device *dev);
int cancelio_device_destroy(struct cancelio_device *dev);
int cancelio_device_get_open(struct cancelio_device *dev);
void cancelio_device_put_open(struct cancelio_device *dev);
void cancelio_device_submit_open(struct cancelio_request *req);

/* config.c */
int cancelio_config_init(void);
void cancelio_config_exit(void);

/* file.c */
extern const struct file_operations cancelio_stream_fops;
extern const struct file_operations cancelio_store_fops;

/* stream.c, store.c */
extern const struct cancelio_model cancelio_stream;
extern const struct cancelio_model cancelio_store;
void cancelio_stream_chunk_free(struct stream_chunk *chunk);

#endif /* CANCELIO_DEVICE_H */
