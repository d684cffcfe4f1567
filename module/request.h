/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The request core: one operation's life, and the one place that decides
 * whether it was done or cancelled.
 *
 *	NEW -> QUEUED -> STARTED -> DONE(status, bytes)
 *
 * QUEUED: the request waits in a queue and can always be cancelled; cancel
 * takes it off. STARTED: a device owns it, and it can be cancelled exactly
 * while the device has marked it cancelable. A request may go from NEW to
 * STARTED without a wait, and from STARTED back to QUEUED.
 *
 * Two fields decide everything. The flag CANCELED says that somebody asked;
 * it is set once and never cleared. The pointer @cancel says who may be told.
 * Whoever swaps a routine out of @cancel owns the request from then on and
 * is the only one who may complete it; whoever finds NULL there has lost and
 * touches nothing. The asker sets the flag and then swaps; who arms a routine
 * sets the pointer and then looks at the flag. Both steps are full barriers,
 * so at least one side sees the other.
 *
 * A completion runs with no lock of ours held, and so does a cancel routine.
 * Locks, outer first: the lock of a queue is its owner's (a stream's or a
 * hardware's), and no two of those are ever held together; inside it may be
 * taken the device's lock of its knobs or that of its table, and nothing but a
 * wait queue's. The lock of a master's parts, and that of calls to restart, are
 * taken alone.
 */
#ifndef CANCELIO_REQUEST_H
#define CANCELIO_REQUEST_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/types.h>

#include "fate.h"

struct cancelio_client;
struct cancelio_device;
struct cancelio_hardware;
struct cancelio_parts;
struct cancelio_queue;
struct cancelio_request;
struct stream_chunk;

enum cancelio_state {
	CANCELIO_NEW,
	CANCELIO_QUEUED,
	CANCELIO_STARTED,
	CANCELIO_DONE,
};

/*
 * Bits of cancelio_request.flags; atomic.
 *	CANCELED	somebody asked; never cleared
 *	MARKED		its owner has armed @cancel and not taken it back: the
 *			owner's own note, which decides nothing
 *	DELIVERED	a device has had it: a queue that has it again must ask
 *			the device before it ends it
 *	OVERDUE		the watchdog has named it
 *	COUNTED		somebody was told that his cancel has reached it
 *	FOR_GOOD	somebody asked who wants no other in its place: one that its
 *			caller's signal cancels, too, is not restarted
 */
enum {
	CANCELIO_CANCELED,
	CANCELIO_MARKED,
	CANCELIO_DELIVERED,
	CANCELIO_OVERDUE,
	CANCELIO_COUNTED,
	CANCELIO_FOR_GOOD,
};

/*
 * A cancel routine: called once at most for each time it was armed, by
 * whoever cancels, in any context and with no lock of ours held. The caller
 * has a reference. The routine owns the request's completion.
 */
typedef void (*cancelio_cancel_fn)(struct cancelio_request *req);

/**
 * struct cancelio_request_ops - what a front door gives its requests
 * @done: the request has ended, @status and @bytes say how. Any context, no
 *	lock of ours held. The front door may free what is its own, not the
 *	request.
 * @free: the last reference is gone; parts and chunk are freed already. Any
 *	context.
 */
struct cancelio_request_ops {
	void (*done)(struct cancelio_request *req);
	void (*free)(struct cancelio_request *req);
};

/**
 * struct cancelio_request - one operation, however it came in
 * @ref: the submitter's reference, one of the core's from accept to complete,
 *	and one of each context that may still look (a canceller)
 * @status: 0 or a negative errno, once DONE; before, the owner's to note with
 *	what it will end
 * @ops: the front door's; fixed
 * @dev: the device it is for, which outlives it; fixed
 * @client: on whose behalf, with a reference; NULL for a part; fixed
 * @flags: see above; atomic bit operations
 * @cancel: see above; xchg() only
 * @op: an enum cancelio_op: what to do; fixed
 * @state: an enum cancelio_state; written by the owner; DONE is final
 * @front: the front door's to use
 * @served: it is on a channel; under the hardware's lock, as the next four
 * @timed: it is in the hardware's @due
 * @begun: @fate has a deadline
 * @aborting: it was cancelled, and ends when it is due
 * @aside: it hangs or is aborting
 * @len: bytes wanted; fixed once accepted
 * @bytes: of them, those that are to move, and at the end those that may
 * @ticket: its name, and its place among the requests of @dev: the lower the
 *	older; 0 until accepted, unless the front door gave it that of an
 *	earlier request with which it goes on
 * @accepted_at: when, in ns of CLOCK_MONOTONIC; 0 if it never was
 * @started_at: when it was last started, as @accepted_at
 * @canceled_at: when a cancel was first asked, as @accepted_at
 * @node: in the table of @dev, under its lock
 * @link: membership of @queue (under its lock), else the owner's to use
 * @queue: the queue that it is in, or was until it was started; written under
 *	that lock
 * @hardware: what serves it, from when it is started
 * @parts: the requests to send when it is started, or NULL; fixed
 * @chunk: what a stream's write carries; the owner's
 * @fate: what its device was told to do with it; the device's
 * @due: when the hardware must look at it next, on CLOCK_MONOTONIC; before it is
 *	started when it must be done, if it goes on with an earlier one, else 0
 */
struct cancelio_request {
	struct kref ref;
	int status;
	const struct cancelio_request_ops *ops;
	struct cancelio_device *dev;
	struct cancelio_client *client;

	unsigned long flags;
	cancelio_cancel_fn cancel;
	u8 op;
	u8 state;
	u8 front;
	bool served;
	bool timed;
	bool begun;
	bool aborting;
	bool aside;

	u32 len;
	u32 bytes;
	u64 ticket;
	u64 accepted_at;
	u64 started_at;
	u64 canceled_at;

	struct rb_node node;
	struct list_head link;
	union {
		struct cancelio_queue *queue;
		struct cancelio_hardware *hardware;
	};
	struct cancelio_parts *parts;
	struct stream_chunk *chunk;

	struct cancelio_fate fate;
	struct timerqueue_node due;
};

/*
 * What a queue lets in and out.
 *	OPEN	lets in, gives out
 *	DRAIN	lets nothing new in (-ESHUTDOWN), gives out what is there
 *	PURGE	lets nothing in (-ESHUTDOWN), what was there is cancelled
 *	REMOVED	lets nothing in (-ENODEV), what was there ended with -ENODEV
 */
enum cancelio_gate {
	CANCELIO_GATE_OPEN,
	CANCELIO_GATE_DRAIN,
	CANCELIO_GATE_PURGE,
	CANCELIO_GATE_REMOVED,
};

/**
 * struct cancelio_queue - requests that wait, each of them cancelable
 * @lock: its owner's; guards all the rest and the links in @requests
 * @requests: oldest first
 * @gate: what it lets in
 * @stopped: it gives nothing out, whatever the gate
 * @canceled_on_queue: a request that a device has had before was cancelled
 *	while it waited here, or the queue was purged. It is off the queue, is
 *	not marked, and is the callee's, who ends it with @status. Any context,
 *	no lock held. NULL: the queue ends such requests itself
 */
struct cancelio_queue {
	spinlock_t *lock;	/* the owner's: all that follows */
	struct list_head requests;
	enum cancelio_gate gate;
	bool stopped;
	void (*canceled_on_queue)(struct cancelio_request *req, int status);
};

/* request.c */
void cancelio_request_init(struct cancelio_request *req, struct cancelio_device *dev,
			   const struct cancelio_request_ops *ops, enum cancelio_op op);
int cancelio_request_accept(struct cancelio_request *req);
void cancelio_request_start(struct cancelio_request *req);
void cancelio_request_complete(struct cancelio_request *req, int status);
bool cancelio_request_want_end(struct cancelio_request *req);
bool cancelio_request_cancel(struct cancelio_request *req);
bool cancelio_request_interrupt(struct cancelio_request *req);
void cancelio_request_mark_cancelable(struct cancelio_request *req, cancelio_cancel_fn cancel);
int cancelio_request_mark_cancelable_ex(struct cancelio_request *req, cancelio_cancel_fn cancel);
int cancelio_request_unmark_cancelable(struct cancelio_request *req);
bool cancelio_request_is_canceled(struct cancelio_request *req);
void cancelio_request_put(struct cancelio_request *req);

static inline void cancelio_request_get(struct cancelio_request *req)
{
	kref_get(&req->ref);
}

/* When it is to be done, on CLOCK_MONOTONIC, for one that goes on with it; 0: not known. */
static inline ktime_t cancelio_request_deadline(const struct cancelio_request *req)
{
	return req->begun ? req->fate.deadline : req->due.expires;
}

/* queue.c */
void cancelio_queue_init(struct cancelio_queue *queue, spinlock_t *lock,
			 void (*canceled_on_queue)(struct cancelio_request *req, int status));
void cancelio_queue_link(struct list_head *list, struct cancelio_request *req);
int cancelio_queue_insert(struct cancelio_queue *queue, struct cancelio_request *req);
int cancelio_queue_forward(struct cancelio_queue *queue, struct cancelio_request *req);
int cancelio_queue_requeue(struct cancelio_queue *queue, struct cancelio_request *req);
struct cancelio_request *cancelio_queue_remove_next(struct cancelio_queue *queue);
void cancelio_queue_start(struct cancelio_queue *queue);
void cancelio_queue_stop(struct cancelio_queue *queue);
void cancelio_queue_drain(struct cancelio_queue *queue);
void cancelio_queue_purge(struct cancelio_queue *queue, enum cancelio_gate gate);

static inline bool cancelio_queue_empty(struct cancelio_queue *queue)
{
	lockdep_assert_held(queue->lock);
	return list_empty(&queue->requests);
}

/* Return: 0, or the errno with which @queue refuses what is new. */
static inline int cancelio_queue_refuses(struct cancelio_queue *queue)
{
	lockdep_assert_held(queue->lock);
	if (queue->gate == CANCELIO_GATE_OPEN)
		return 0;
	return queue->gate == CANCELIO_GATE_REMOVED ? -ENODEV : -ESHUTDOWN;
}

#endif /* CANCELIO_REQUEST_H */
