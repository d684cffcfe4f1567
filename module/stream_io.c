// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of a stream's reads and writes: what can be done at once, and what
 * is left to do when a request has ended well.
 */
#include <linux/slab.h>
#include <linux/uio.h>

#include "stream.h"

/* The caller has the turn. Copies what has arrived. */
static ssize_t stream_copy(struct stream *stream, struct cancelio_io *io)
{
	size_t want = io->bytes, done = 0, n, copied;
	struct stream_chunk *chunk;
	ssize_t ret = 0;

	while (done < want) {
		scoped_guard(spinlock_irq, &stream->lock)
			chunk = stream_arrived(stream);
		if (!chunk)
			break;
		n = min(want - done, chunk->len - chunk->read);
		copied = copy_to_iter(chunk->data + chunk->read, n, io->iter);
		chunk->read += copied;
		done += copied;
		scoped_guard(spinlock_irq, &stream->lock) {
			stream->held -= copied;
			if (chunk->read == chunk->len)
				list_del(&chunk->link);
		}
		if (chunk->read == chunk->len)
			cancelio_stream_chunk_free(chunk);
		if (copied < n) {
			ret = -EFAULT;
			break;
		}
		cond_resched();
	}
	return done ? done : ret;
}

/* The caller has the turn. Reads, and gives the turn back. */
static ssize_t stream_read(struct stream *stream, struct cancelio_io *io)
{
	ssize_t n;

	/* A thread that is killed would take the bytes with it. */
	n = cancelio_caller_killed() ? -EINTR : stream_copy(stream, io);
	stream_return_turn(stream);
	return n;
}

/*
 * What is to go wrong with this step, decided when it is known that it can go
 * on, or will wait. Nobody who does not wait meets a step that never ends.
 * Return: 0, or the error with which it ends.
 */
static int stream_draw(struct stream *stream, struct cancelio_io *io)
{
	cancelio_fate_draw(stream->dev, io->op, !io->nowait, &io->fate);
	io->bytes = min_t(size_t, io->len, io->fate.limit);
	return io->fate.hang ? -EAGAIN : io->fate.error;
}

static ssize_t stream_read_begin(struct stream *stream, struct cancelio_io *io)
{
	int err;

	io->len = iov_iter_count(io->iter);
	scoped_guard(spinlock_irq, &stream->lock) {
		err = cancelio_queue_refuses(&stream->readers.waiting);
		if (!err && !stream_readable(stream))
			err = -EAGAIN;
		if (!err)
			err = stream_draw(stream, io);
		if (err)
			return err;
		stream->turn = true;
	}
	return stream_read(stream, io);
}

/* How much of a write of @want bytes can go on the line now. Asks for the line. */
static size_t stream_write_now(struct stream *stream, size_t want)
{
	size_t room = stream_room(stream);

	if (!stream_ready(stream)) {
		stream_ask(stream);
		return 0;
	}
	if (!cancelio_hardware_idle(&stream->writers) || stream->writers.waiting.stopped)
		return 0;
	if (want <= room)
		return want;
	return want <= WRITE_WHOLE ? 0 : room;
}

static struct stream_chunk *chunk_from_iter(struct iov_iter *iter, size_t len)
{
	struct stream_chunk *chunk;
	size_t copied;

	chunk = kvmalloc(struct_size(chunk, data, len), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return ERR_PTR(-ENOMEM);
	chunk->len = len;
	chunk->read = 0;
	chunk->asks = false;
	copied = copy_from_iter(chunk->data, len, iter);
	if (copied == len)
		return chunk;
	iov_iter_revert(iter, copied);
	cancelio_stream_chunk_free(chunk);
	return ERR_PTR(-EFAULT);
}

/* Puts a chunk on the line if it can go there now. */
static bool stream_write(struct stream *stream, struct stream_chunk *chunk)
{
	scoped_guard(spinlock_irq, &stream->lock) {
		if (stream_write_now(stream, chunk->len) < chunk->len)
			return false;
		stream_append(stream, chunk);
	}
	stream_run(stream);
	return true;
}

/*
 * A step of a write is at most what the line holds, and goes on it whole. Who
 * cannot wait puts there what has room.
 * Return: 0, or the error with which the step ends.
 */
static int stream_write_length(struct stream *stream, struct cancelio_io *io)
{
	int err;

	spin_lock_irq(&stream->lock);
	err = cancelio_queue_refuses(&stream->writers.waiting);
	io->len = min_t(u64, iov_iter_count(io->iter), stream->dev->size);
	if (!err && io->nowait) {
		io->len = stream_write_now(stream, io->len);
		err = io->len ? 0 : -EAGAIN;
	}
	spin_unlock_irq(&stream->lock);
	return err;
}

static ssize_t stream_write_begin(struct stream *stream, struct cancelio_io *io)
{
	struct stream_chunk *chunk;
	int err;

	err = stream_write_length(stream, io);
	if (err)
		return err;
	chunk = chunk_from_iter(io->iter, io->len);
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	/* What cannot be written meets no fault. */
	err = stream_draw(stream, io);
	chunk->len = io->bytes;
	iov_iter_revert(io->iter, io->len - io->bytes);
	if (err && (err != -EAGAIN || io->nowait)) {
		iov_iter_revert(io->iter, io->bytes);
		cancelio_stream_chunk_free(chunk);
		return err;
	}
	if (!err && stream_write(stream, chunk))
		return io->bytes;
	if (io->nowait) {
		iov_iter_revert(io->iter, io->bytes);
		cancelio_stream_chunk_free(chunk);
	} else {
		chunk->asks = !cancelio_latency_zero(stream->dev, CANCELIO_WRITE);
		io->chunk = chunk;
	}
	return -EAGAIN;
}

ssize_t stream_begin(struct cancelio_device *dev, struct cancelio_io *io)
{
	switch (io->op) {
	case CANCELIO_READ:
		return stream_read_begin(to_stream(dev), io);
	case CANCELIO_WRITE:
		return stream_write_begin(to_stream(dev), io);
	default:
		/* As fsync(2) of what cannot be. */
		return -EINVAL;
	}
}

ssize_t stream_finish(struct cancelio_device *dev, struct cancelio_io *io)
{
	if (io->op == CANCELIO_READ)
		return stream_read(to_stream(dev), io);
	return io->bytes;
}
