// SPDX-License-Identifier: GPL-2.0
/*
 * Cancel-safe queues: see request.h.
 */
#include "device.h"
#include "request.h"
#include "stall.h"
#include "trace.h"

/**
 * cancelio_queue_init - make an empty queue
 * @queue: the queue
 * @lock: its owner's lock, taken with interrupts off
 * @canceled_on_queue: see &struct cancelio_queue; may be NULL
 *
 * Context: any.
 */
void cancelio_queue_init(struct cancelio_queue *queue, spinlock_t *lock,
			 void (*canceled_on_queue)(struct cancelio_request *req, int status))
{
	queue->lock = lock;
	INIT_LIST_HEAD(&queue->requests);
	queue->gate = CANCELIO_GATE_OPEN;
	queue->stopped = false;
	queue->canceled_on_queue = canceled_on_queue;
}

/*
 * Ends a request that is off the queue. One that no device has had is nobody's
 * business but ours.
 */
static void queue_end(struct cancelio_queue *queue, struct cancelio_request *req, int status)
{
	lockdep_assert_not_held(queue->lock);

	if (queue->canceled_on_queue && test_bit(CANCELIO_DELIVERED, &req->flags))
		queue->canceled_on_queue(req, status);
	else
		cancelio_request_complete(req, status);
}

/*
 * The cancel routine of every queued request. It owns the request, so nobody
 * else has unlinked it: who takes requests off the queue leaves those alone
 * whose routine is gone.
 */
static void queue_cancel(struct cancelio_request *req)
{
	struct cancelio_queue *queue = req->queue;
	unsigned long flags;

	spin_lock_irqsave(queue->lock, flags);
	list_del_init(&req->link);
	spin_unlock_irqrestore(queue->lock, flags);

	queue_end(queue, req, -ECANCELED);
}

/**
 * cancelio_queue_link - put a request in a list behind all that are older
 * @list: requests in the order of their tickets, linked by @link
 * @req: a request that is in no list
 *
 * At the end, that is, but for one that goes on or comes back.
 *
 * Context: any, with the lock that guards @list.
 */
void cancelio_queue_link(struct list_head *list, struct cancelio_request *req)
{
	struct cancelio_request *older;

	WARN_ON_ONCE(!list_empty(&req->link));
	list_for_each_entry_reverse(older, list, link) {
		if (older->ticket < req->ticket)
			break;
	}
	list_add(&req->link, &older->link);
}

static int queue_put(struct cancelio_queue *queue, struct cancelio_request *req)
{
	int err;

	req->queue = queue;
	WRITE_ONCE(req->state, CANCELIO_QUEUED);
	cancelio_queue_link(&queue->requests, req);
	trace_cancelio_queue(req);
	err = cancelio_request_mark_cancelable_ex(req, queue_cancel);
	if (err)
		list_del_init(&req->link);
	return err;
}

/**
 * cancelio_queue_insert - put a request in a queue, by its ticket
 * @queue: the queue
 * @req: a request that the caller owns, in no queue and not marked
 *
 * Context: any, @queue's lock held.
 * Return: 0: the request is the queue's, and may have ended by the time the
 * lock is dropped. -ECANCELED: a cancel was asked before; -ESHUTDOWN, -ENODEV:
 * the queue lets nothing in. With an error the request is the caller's still,
 * who must complete it once the lock is dropped.
 */
int cancelio_queue_insert(struct cancelio_queue *queue, struct cancelio_request *req)
{
	int err = cancelio_queue_refuses(queue);

	return err ? err : queue_put(queue, req);
}

/**
 * cancelio_queue_forward - hand a started request to another queue
 * @queue: where to
 * @req: a STARTED request that the caller owns and has not marked
 *
 * Context: any, @queue's lock held.
 * Return: 0: the request is the queue's. -EBUSY: it is marked, or @queue
 * lets nothing in. -ECANCELED: a cancel was asked before. With an error the
 * request is the caller's still.
 */
int cancelio_queue_forward(struct cancelio_queue *queue, struct cancelio_request *req)
{
	if (WARN_ON_ONCE(test_bit(CANCELIO_MARKED, &req->flags)) || cancelio_queue_refuses(queue))
		return -EBUSY;
	return queue_put(queue, req);
}

/**
 * cancelio_queue_requeue - give a started request back to wait again
 * @queue: where it came from
 * @req: a STARTED request that the caller owns and has not marked
 *
 * It gets the place that it had, which is before all that came after it. What
 * was let in once need not be let in again: it passes while the queue drains.
 *
 * Context: any, @queue's lock held.
 * Return: 0: the request is the queue's. -EBUSY: it is marked. -ECANCELED: a
 * cancel was asked before, or the queue was purged; -ENODEV: it was removed.
 * With an error the request is the caller's still.
 */
int cancelio_queue_requeue(struct cancelio_queue *queue, struct cancelio_request *req)
{
	lockdep_assert_held(queue->lock);

	if (WARN_ON_ONCE(test_bit(CANCELIO_MARKED, &req->flags)))
		return -EBUSY;
	switch (queue->gate) {
	case CANCELIO_GATE_PURGE:
		return -ECANCELED;
	case CANCELIO_GATE_REMOVED:
		return -ENODEV;
	default:
		return queue_put(queue, req);
	}
}

/*
 * Requests that are being cancelled are passed over: they are their cancel
 * routine's, which unlinks them as soon as it gets the lock.
 */
static struct cancelio_request *queue_take(struct cancelio_queue *queue)
{
	struct cancelio_request *req;

	lockdep_assert_held(queue->lock);

	list_for_each_entry(req, &queue->requests, link) {
		if (cancelio_request_unmark_cancelable(req))
			continue;
		list_del_init(&req->link);
		cancelio_stall(CANCELIO_STALL_DEQUEUED);
		return req;
	}
	return NULL;
}

/**
 * cancelio_queue_remove_next - take the oldest request
 * @queue: the queue
 *
 * Context: any, @queue's lock held.
 * Return: a request that is the caller's and not marked, or NULL: there is
 * none, all that are there are being cancelled, or the queue is stopped or is
 * being purged.
 */
struct cancelio_request *cancelio_queue_remove_next(struct cancelio_queue *queue)
{
	if (queue->stopped || queue->gate >= CANCELIO_GATE_PURGE)
		return NULL;
	return queue_take(queue);
}

/**
 * cancelio_queue_start - let everything in and out
 * @queue: a queue that was not removed
 *
 * Context: any, @queue's lock held. The caller sees to what waits.
 */
void cancelio_queue_start(struct cancelio_queue *queue)
{
	lockdep_assert_held(queue->lock);

	if (queue->gate == CANCELIO_GATE_REMOVED)
		return;
	queue->gate = CANCELIO_GATE_OPEN;
	queue->stopped = false;
}

/**
 * cancelio_queue_stop - let in, but give nothing out
 * @queue: a queue that was not removed
 *
 * Context: any, @queue's lock held.
 */
void cancelio_queue_stop(struct cancelio_queue *queue)
{
	lockdep_assert_held(queue->lock);

	if (queue->gate == CANCELIO_GATE_REMOVED)
		return;
	queue->gate = CANCELIO_GATE_OPEN;
	queue->stopped = true;
}

/**
 * cancelio_queue_drain - let nothing new in, give out what is there
 * @queue: a queue that was not removed
 *
 * Context: any, @queue's lock held. The caller sees to what waits.
 */
void cancelio_queue_drain(struct cancelio_queue *queue)
{
	lockdep_assert_held(queue->lock);

	if (queue->gate == CANCELIO_GATE_REMOVED)
		return;
	queue->gate = CANCELIO_GATE_DRAIN;
	queue->stopped = false;
}

/**
 * cancelio_queue_purge - let nothing in, end what is there
 * @queue: the queue
 * @gate: CANCELIO_GATE_PURGE: it is cancelled; CANCELIO_GATE_REMOVED: it ends
 *	with -ENODEV, and the queue is never opened again
 *
 * Context: process, no lock held; sleeps.
 */
void cancelio_queue_purge(struct cancelio_queue *queue, enum cancelio_gate gate)
{
	int status = gate == CANCELIO_GATE_REMOVED ? -ENODEV : -ECANCELED;
	struct cancelio_request *req;
	unsigned long flags;

	spin_lock_irqsave(queue->lock, flags);
	if (queue->gate != CANCELIO_GATE_REMOVED)
		queue->gate = gate;
	while ((req = queue_take(queue))) {
		spin_unlock_irqrestore(queue->lock, flags);
		queue_end(queue, req, status);
		cond_resched();
		spin_lock_irqsave(queue->lock, flags);
	}
	spin_unlock_irqrestore(queue->lock, flags);
}
