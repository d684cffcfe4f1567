// SPDX-License-Identifier: GPL-2.0
/*
 * The stream: a line. A write puts a chunk of bytes on it; the chunk arrives
 * after the line's read latency and is read from the other end, oldest first.
 *
 * Reading has a turn, which one reader at a time has: from when it is known
 * that bytes are there until they are in the reader's memory. So the copy,
 * which may fault, needs no lock, and a copy that fails takes nothing away.
 * Readers that wait are requests; the end of one with status 0 is the turn.
 *
 * Writing has a turnaround: with a write latency the line must be asked for
 * and is ready so much later, for one write. It is the line that is ready,
 * not the writer: a write that gives up leaves it so for the next, as does
 * one that would have had to wait and did not want to. In this way a write
 * that a signal interrupts and that is restarted does not start over, and
 * those who poll wait for what they then find.
 */
#include <linux/poll.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/cancelio.h>

#include "compat.h"
#include "stall.h"
#include "stream.h"

void cancelio_stream_chunk_free(struct stream_chunk *chunk)
{
	kvfree(chunk);
}

/**
 * stream_arrived - the oldest chunk, if it has arrived
 * @stream: the stream
 *
 * Context: any, the lock held.
 * Return: the chunk, or NULL.
 */
struct stream_chunk *stream_arrived(struct stream *stream)
{
	struct stream_chunk *chunk = stream->coming;
	ktime_t now;

	lockdep_assert_held(&stream->lock);

	if (chunk) {
		now = ktime_get();
		while (chunk && !ktime_after(chunk->arrives, now))
			chunk = list_is_last(&chunk->link, &stream->line) ? NULL :
				list_next_entry(chunk, link);
		stream->coming = chunk;
	}
	chunk = list_first_entry_or_null(&stream->line, struct stream_chunk, link);
	return chunk == stream->coming ? NULL : chunk;
}

/**
 * stream_readable - whether a read that comes now would not wait
 * @stream: the stream
 *
 * Context: any, the lock held.
 */
bool stream_readable(struct stream *stream)
{
	lockdep_assert_held(&stream->lock);

	return !list_empty(&stream->line) && !stream->turn &&
	       !stream->readers.waiting.stopped && cancelio_hardware_idle(&stream->readers) &&
	       stream_arrived(stream);
}

/**
 * stream_ready - whether the line takes a write now, if there is room
 * @stream: the stream
 *
 * Context: any, the lock held.
 */
bool stream_ready(struct stream *stream)
{
	lockdep_assert_held(&stream->lock);

	if (stream->asked)
		return !ktime_after(stream->ready, ktime_get());
	return cancelio_latency_zero(stream->dev, CANCELIO_WRITE);
}

/**
 * stream_ask - somebody wants to write: have the line get ready
 * @stream: the stream
 *
 * Context: any, the lock held.
 */
void stream_ask(struct stream *stream)
{
	lockdep_assert_held(&stream->lock);

	if (stream->asked || cancelio_latency_zero(stream->dev, CANCELIO_WRITE))
		return;
	stream->asked = true;
	stream->ready = ktime_add_ns(ktime_get(),
				     cancelio_latency_draw(stream->dev, CANCELIO_WRITE));
	hrtimer_start(&stream->turnaround, stream->ready, HRTIMER_MODE_ABS);
}

/**
 * stream_room - bytes that the line can take
 * @stream: the stream
 *
 * Context: any, the lock held.
 */
size_t stream_room(struct stream *stream)
{
	lockdep_assert_held(&stream->lock);

	return stream->dev->size - stream->held;
}

/* Whether the line, if it is ready, has the least room that lets a writer who polls go on. */
static bool stream_has_room(struct stream *stream)
{
	return cancelio_hardware_idle(&stream->writers) && !stream->writers.waiting.stopped &&
	       stream_room(stream) >= min_t(u64, WRITE_WHOLE, stream->dev->size);
}

/**
 * stream_append - put a chunk on the line
 * @stream: the stream, which has room
 * @chunk: is the line's from here on
 *
 * Context: any, the lock held.
 */
void stream_append(struct stream *stream, struct stream_chunk *chunk)
{
	ktime_t arrives;

	lockdep_assert_held(&stream->lock);

	/* Bytes do not overtake each other, whatever the latency. */
	arrives = ktime_add_ns(ktime_get(), cancelio_latency_draw(stream->dev, CANCELIO_READ));
	if (ktime_before(arrives, stream->last))
		arrives = stream->last;
	chunk->arrives = ktime_add_ns(arrives, cancelio_transfer_ns(stream->dev, chunk->len));
	stream->last = chunk->arrives;
	list_add_tail(&chunk->link, &stream->line);
	if (!stream->coming)
		stream->coming = chunk;
	stream->held += chunk->len;
	if (stream->asked && stream->polled) {
		stream->polled = false;
		stream->repoll = true;
	}
	stream->asked = false;
}

static bool stream_fits(struct cancelio_request *req)
{
	struct stream *stream = to_stream(req->dev);

	return req->chunk->len <= stream_room(stream) && (!req->chunk->asks || stream_ready(stream));
}

/* What those who poll can do now. Takes note of who wants to write. */
static __poll_t stream_events(struct stream *stream, bool write)
{
	__poll_t events = 0;

	lockdep_assert_held(&stream->lock);

	/* Who would be refused shall come and see. */
	if (cancelio_queue_refuses(&stream->readers.waiting))
		return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM |
		       (stream->readers.waiting.gate == CANCELIO_GATE_REMOVED ?
			EPOLLERR | EPOLLHUP : 0);
	if (stream_readable(stream))
		events |= EPOLLIN | EPOLLRDNORM;
	if (write) {
		stream->polled = true;
		if (!stream_ready(stream))
			stream_ask(stream);
		else if (stream_has_room(stream))
			events |= EPOLLOUT | EPOLLWRNORM;
	}
	return events;
}

/* Who can go on. Those that have ended are in @done. */
static void stream_serve(struct stream *stream, struct list_head *done)
{
	struct cancelio_request *req;

	lockdep_assert_held(&stream->lock);

	while ((req = cancelio_hardware_take(&stream->writers, stream_fits))) {
		if (!req->status) {
			stream_append(stream, req->chunk);
			req->chunk = NULL;
		}
		list_add_tail(&req->link, done);
	}
	while (stream_arrived(stream) && !stream->turn) {
		req = cancelio_hardware_take(&stream->readers, NULL);
		if (!req)
			break;
		/* One that fails takes no bytes, and so no turn. */
		stream->turn = !req->status;
		list_add_tail(&req->link, done);
	}
	if (stream->coming)
		hrtimer_start(&stream->arrival, stream->coming->arrives, HRTIMER_MODE_ABS);
	if (!cancelio_hardware_idle(&stream->writers))
		stream_ask(stream);
}

/* Return: whether one of them was to have had the turn. */
static bool stream_end_all(struct list_head *done)
{
	struct cancelio_request *req, *next;
	bool turn = false;

	list_for_each_entry_safe(req, next, done, link) {
		list_del_init(&req->link);
		turn |= req->op == CANCELIO_READ && !req->status;
		cancelio_request_complete(req, req->status);
	}
	return turn;
}

static void stream_wake(struct stream *stream, __poll_t events, bool repoll)
{
	/* One by one, for each may use up the one wake-up of those who poll exclusively. */
	if (events & EPOLLIN)
		wake_up_interruptible_poll(&stream->poll, EPOLLIN | EPOLLRDNORM);
	if (events & EPOLLOUT)
		wake_up_interruptible_poll(&stream->poll, EPOLLOUT | EPOLLWRNORM);
	if (repoll)
		wake_up_interruptible_all(&stream->poll);
}

/**
 * stream_run - let everybody go on who can
 * @stream: the stream
 *
 * Context: any, no lock held; whenever bytes or room or a turn have come, or a
 * request.
 */
void stream_run(struct stream *stream)
{
	unsigned long flags;
	LIST_HEAD(done);
	__poll_t events;
	bool repoll, turn;

	spin_lock_irqsave(&stream->lock, flags);
	do {
		stream_serve(stream, &done);
		events = 0;
		/* Who polls gets on the wait queue before it looks, under the lock. */
		if (waitqueue_active(&stream->poll))
			events = stream_events(stream, stream->polled);
		else
			stream->polled = false;
		repoll = stream->repoll;
		stream->repoll = false;
		spin_unlock_irqrestore(&stream->lock, flags);

		turn = stream_end_all(&done);
		stream_wake(stream, events, repoll);
		spin_lock_irqsave(&stream->lock, flags);
		/* Who was killed has left its turn to the next one. */
	} while (turn && !stream->turn);
	spin_unlock_irqrestore(&stream->lock, flags);
}

static enum hrtimer_restart stream_arrival(struct hrtimer *timer)
{
	stream_run(container_of(timer, struct stream, arrival));
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart stream_turnaround(struct hrtimer *timer)
{
	stream_run(container_of(timer, struct stream, turnaround));
	return HRTIMER_NORESTART;
}

static void stream_writer_ended(struct cancelio_hardware *hw)
{
	stream_run(container_of(hw, struct stream, writers));
}

/*
 * A read has come or gone. Unless there are bytes that concerns nobody; and who puts
 * some on the line lets everybody go on.
 */
static void stream_readers_changed(struct stream *stream)
{
	if (!list_empty(&stream->line))
		stream_run(stream);
}

static void stream_reader_ended(struct cancelio_hardware *hw)
{
	stream_readers_changed(container_of(hw, struct stream, readers));
}

/**
 * stream_return_turn - a reader has had its turn
 * @stream: the stream
 *
 * Context: any, no lock held.
 */
void stream_return_turn(struct stream *stream)
{
	unsigned long flags;

	spin_lock_irqsave(&stream->lock, flags);
	stream->turn = false;
	spin_unlock_irqrestore(&stream->lock, flags);
	stream_run(stream);
}

static void stream_submit(struct cancelio_request *req)
{
	struct stream *stream = to_stream(req->dev);

	if (!req->fate.service_ns)
		cancelio_fate_draw(req->dev, req->op, true, &req->fate);
	if (req->op == CANCELIO_READ) {
		cancelio_hardware_submit(&stream->readers, req);
		stream_readers_changed(stream);
	} else {
		cancelio_hardware_submit(&stream->writers, req);
		stream_run(stream);
	}
}

/* Called where stream_run() ends the request, which goes on with the next one. */
static void stream_forgo(struct cancelio_request *req)
{
	struct stream *stream = to_stream(req->dev);
	unsigned long flags;

	if (req->op != CANCELIO_READ)
		return;
	spin_lock_irqsave(&stream->lock, flags);
	stream->turn = false;
	spin_unlock_irqrestore(&stream->lock, flags);
}

static __poll_t stream_poll(struct cancelio_device *dev, struct file *file, poll_table *wait)
{
	struct stream *stream = to_stream(dev);
	bool write = poll_requested_events(wait) & (EPOLLOUT | EPOLLWRNORM);
	__poll_t events;

	poll_wait(file, &stream->poll, wait);
	spin_lock_irq(&stream->lock);
	events = stream_events(stream, write);
	spin_unlock_irq(&stream->lock);
	cancelio_stall(CANCELIO_STALL_POLLED);
	return events;
}

static void stream_changed(struct cancelio_device *dev, enum cancelio_knob knob)
{
	struct stream *stream = to_stream(dev);

	if (knob != CANCELIO_KNOB_write_latency_ns)
		return;
	/* A write that waits goes on as it began; else the line is asked anew. */
	scoped_guard(spinlock_irq, &stream->lock) {
		if (cancelio_hardware_idle(&stream->writers) && !stream_ready(stream))
			stream->asked = false;
	}
	stream_run(stream);
}

/* The gates have changed: who polls looks at them. */
static void stream_repoll(struct stream *stream)
{
	wake_up_interruptible_all(&stream->poll);
}

static void stream_order(struct cancelio_device *dev, enum cancelio_order order)
{
	struct stream *stream = to_stream(dev);

	cancelio_hardware_order(&stream->readers, order);
	cancelio_hardware_order(&stream->writers, order);
	stream_repoll(stream);
}

static void stream_remove(struct cancelio_device *dev)
{
	struct stream *stream = to_stream(dev);

	cancelio_hardware_remove(&stream->readers);
	cancelio_hardware_remove(&stream->writers);
	stream_repoll(stream);
}

static int stream_create(struct cancelio_device *dev)
{
	struct stream *stream;

	stream = kzalloc(sizeof(*stream), GFP_KERNEL);
	if (!stream)
		return -ENOMEM;
	stream->dev = dev;
	spin_lock_init(&stream->lock);
	INIT_LIST_HEAD(&stream->line);
	cancelio_hardware_init(&stream->readers, dev, &stream->lock, true, stream_reader_ended);
	cancelio_hardware_init(&stream->writers, dev, &stream->lock, true, stream_writer_ended);
	hrtimer_setup(&stream->arrival, stream_arrival, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	hrtimer_setup(&stream->turnaround, stream_turnaround, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	init_waitqueue_head(&stream->poll);
	dev->priv = stream;
	return 0;
}

static void stream_destroy(struct cancelio_device *dev)
{
	struct stream *stream = to_stream(dev);
	struct stream_chunk *chunk, *next;

	/* The others may start the arrival; nobody asks for the line any more. */
	hrtimer_cancel(&stream->turnaround);
	cancelio_hardware_destroy(&stream->readers);
	cancelio_hardware_destroy(&stream->writers);
	hrtimer_cancel(&stream->arrival);
	list_for_each_entry_safe(chunk, next, &stream->line, link) {
		cancelio_stream_chunk_free(chunk);
		cond_resched();
	}
	kfree(stream);
}

const struct cancelio_model cancelio_stream = {
	.name = "stream",
	.id = CANCELIO_MODEL_STREAM,
	.size_default = SZ_64K,
	.size_max = SZ_1M,
	.fops = &cancelio_stream_fops,
	.takes_early = true,
	.create = stream_create,
	.destroy = stream_destroy,
	.begin = stream_begin,
	.submit = stream_submit,
	.forgo = stream_forgo,
	.finish = stream_finish,
	.poll = stream_poll,
	.changed = stream_changed,
	.order = stream_order,
	.remove = stream_remove,
};
