// SPDX-License-Identifier: GPL-2.0
/*
 * Cancel-safe queues: see request.h.
 */
#include "request.h"

/**
 * cancelio_queue_init - make an empty queue
 * @queue: the queue
 * @lock: its owner's lock, taken with interrupts off
 * @canceled: see &struct cancelio_queue
 *
 * Context: any.
 */
void cancelio_queue_init(struct cancelio_queue *queue, spinlock_t *lock,
			 void (*canceled)(struct cancelio_queue *queue))
{
	queue->lock = lock;
	INIT_LIST_HEAD(&queue->requests);
	queue->canceled = canceled;
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

	cancelio_request_complete(req, -ECANCELED);
	if (queue->canceled)
		queue->canceled(queue);
}

/* Behind all that are older: at the end, but for a request that goes on. */
static struct list_head *queue_place(struct cancelio_queue *queue, u64 ticket)
{
	struct cancelio_request *req;

	list_for_each_entry_reverse(req, &queue->requests, link) {
		if (req->ticket < ticket)
			return &req->link;
	}
	return &queue->requests;
}

/**
 * cancelio_queue_insert - put a request in a queue, by its ticket
 * @queue: the queue
 * @req: a request that the caller owns, in no queue and not marked
 *
 * Context: any, @queue's lock held.
 * Return: 0: the request is the queue's, and may have ended by the time the
 * lock is dropped. -ECANCELED: a cancel was asked before; the request is the
 * caller's still, who must complete it once the lock is dropped.
 */
int cancelio_queue_insert(struct cancelio_queue *queue, struct cancelio_request *req)
{
	int err;

	lockdep_assert_held(queue->lock);

	req->queue = queue;
	req->state = CANCELIO_QUEUED;
	list_add(&req->link, queue_place(queue, req->ticket));
	err = cancelio_request_mark_cancelable(req, queue_cancel);
	if (err)
		list_del_init(&req->link);
	return err;
}

/**
 * cancelio_queue_remove_next - take the oldest request that can go on
 * @queue: the queue
 * @fits: says of the oldest whether it can go on now; NULL: each can
 *
 * Requests that are being cancelled are passed over: they are their cancel
 * routine's, which unlinks them as soon as it gets the lock.
 *
 * Context: any, @queue's lock held.
 * Return: a request that is the caller's, STARTED and not marked, or NULL.
 */
struct cancelio_request *
cancelio_queue_remove_next(struct cancelio_queue *queue,
			   bool (*fits)(struct cancelio_request *req))
{
	struct cancelio_request *req;

	lockdep_assert_held(queue->lock);

	list_for_each_entry(req, &queue->requests, link) {
		if (!READ_ONCE(req->cancel))
			continue;
		if (fits && !fits(req))
			return NULL;
		if (cancelio_request_unmark_cancelable(req))
			continue;
		list_del_init(&req->link);
		req->state = CANCELIO_STARTED;
		return req;
	}
	return NULL;
}
