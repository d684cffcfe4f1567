/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The request core: one operation's life, and the one place that decides
 * whether it was done or cancelled.
 *
 *	NEW -> QUEUED -> STARTED -> DONE(status)
 *
 * QUEUED: the request waits in a queue and can always be cancelled; cancel
 * takes it off. STARTED: a device owns it, and it can be cancelled exactly
 * while the device has marked it cancelable. A request may go from NEW to
 * STARTED without a wait.
 *
 * Two fields decide everything. The flag CANCELED says that somebody asked;
 * it is set once and never cleared. The pointer @cancel says who may be told.
 * Whoever swaps a routine out of @cancel owns the request from then on and
 * is the only one who may complete it; whoever finds NULL there has lost and
 * touches nothing. The asker sets the flag and then swaps; who arms a routine
 * sets the pointer and then looks at the flag. Both steps are full barriers,
 * so at least one side sees the other.
 *
 * A completion runs with no lock of ours held. Locks: a queue has the lock of
 * its owner (a stream or a hardware), and no two of those are ever held
 * together.
 */
#ifndef CANCELIO_REQUEST_H
#define CANCELIO_REQUEST_H

#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct cancelio_device;
struct cancelio_hardware;
struct cancelio_queue;
struct cancelio_request;
struct stream_chunk;

enum cancelio_op {
	CANCELIO_OPEN,
	CANCELIO_READ,
	CANCELIO_WRITE,
};

enum cancelio_state {
	CANCELIO_NEW,
	CANCELIO_QUEUED,
	CANCELIO_STARTED,
	CANCELIO_DONE,
};

/* Bits of cancelio_request.flags; atomic. */
enum {
	CANCELIO_CANCELED,
};

/*
 * A cancel routine: called once at most for each time it was armed, by
 * whoever cancels, in any context and with no lock of ours held. The caller
 * has a reference. The routine owns the request's completion.
 */
typedef void (*cancelio_cancel_fn)(struct cancelio_request *req);

/**
 * struct cancelio_request_ops - what a front door gives its requests
 * @done: the request has ended, @status says how. Any context, no lock of
 *	ours held. The front door may free what is its own, not the request.
 * @free: the last reference is gone. Any context.
 */
struct cancelio_request_ops {
	void (*done)(struct cancelio_request *req);
	void (*free)(struct cancelio_request *req);
};

/**
 * struct cancelio_request - one operation, however it came in
 * @ref: the submitter's reference, one of the core's from submit to complete,
 *	and one of each context that may still look (a canceller, a timer)
 * @ops: the front door's; fixed
 * @dev: the device it is for, which outlives it; fixed
 * @op: what to do; fixed
 * @len: bytes wanted; fixed once submitted
 * @service_ns: nanoseconds the device takes for it; fixed once submitted
 * @ticket: its place among the requests of @dev, the lower the older; 0 until
 *	submitted, unless the front door gave it that of an earlier request with
 *	which it goes on
 * @flags: see above; atomic bit operations
 * @cancel: see above; xchg() only
 * @state: written by the owner; DONE is final
 * @status: 0 or a negative errno; valid once DONE
 * @link: membership of @queue (under its lock), else the owner's to use
 * @queue: the queue that it is in or was last in; written under that lock
 * @hardware: the hardware that serves it; written before it is marked
 * @timer: the hardware's; runs from start to end or abort
 * @deadline: when the hardware will be done, on CLOCK_MONOTONIC: 0 until it is
 *	started there, unless it came as @ticket may
 * @chunk: what a stream's write carries; the owner's
 */
struct cancelio_request {
	struct kref ref;
	const struct cancelio_request_ops *ops;
	struct cancelio_device *dev;
	enum cancelio_op op;
	size_t len;
	u64 service_ns;
	u64 ticket;

	unsigned long flags;
	cancelio_cancel_fn cancel;
	enum cancelio_state state;
	int status;

	struct list_head link;
	struct cancelio_queue *queue;

	struct cancelio_hardware *hardware;
	struct hrtimer timer;
	ktime_t deadline;

	struct stream_chunk *chunk;
};

/**
 * struct cancelio_queue - requests that wait, each of them cancelable
 * @lock: its owner's; guards @requests and the links in it
 * @requests: oldest first
 * @canceled: a request was cancelled out of this queue and has been completed;
 *	what waits behind it may be able to go on. Any context, no lock held.
 *	May be NULL
 */
struct cancelio_queue {
	spinlock_t *lock;	/* the owner's: requests, links */
	struct list_head requests;
	void (*canceled)(struct cancelio_queue *queue);
};

/* request.c */
void cancelio_request_init(struct cancelio_request *req, struct cancelio_device *dev,
			   const struct cancelio_request_ops *ops, enum cancelio_op op);
void cancelio_request_submitted(struct cancelio_request *req);
void cancelio_request_complete(struct cancelio_request *req, int status);
bool cancelio_request_cancel(struct cancelio_request *req);
int cancelio_request_mark_cancelable(struct cancelio_request *req, cancelio_cancel_fn cancel);
int cancelio_request_unmark_cancelable(struct cancelio_request *req);
void cancelio_request_put(struct cancelio_request *req);

static inline void cancelio_request_get(struct cancelio_request *req)
{
	kref_get(&req->ref);
}

/* queue.c */
void cancelio_queue_init(struct cancelio_queue *queue, spinlock_t *lock,
			 void (*canceled)(struct cancelio_queue *queue));
int cancelio_queue_insert(struct cancelio_queue *queue, struct cancelio_request *req);
struct cancelio_request *
cancelio_queue_remove_next(struct cancelio_queue *queue,
			   bool (*fits)(struct cancelio_request *req));

static inline bool cancelio_queue_empty(struct cancelio_queue *queue)
{
	lockdep_assert_held(queue->lock);
	return list_empty(&queue->requests);
}

#endif /* CANCELIO_REQUEST_H */
