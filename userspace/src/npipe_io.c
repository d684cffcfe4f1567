// SPDX-License-Identifier: MIT
/*
 * Requests on named pipes. All is tried by calls that do not wait; only the waiting is left to the
 * ring, or to ppoll(2). So a cancel finds either a wait, in which nothing has been moved, or a
 * request that is over.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "npipe.h"
#include "op_private.h"
#include "rw.h"
#include "thread.h"

/* Whoever flushes looks that often whether the other end's process has died. */
#define FLUSH_CHECK_NS 100000000

static void cancel_on_file(struct cio_thread *thread, void *file)
{
	cio_sync_cancel(thread, file, NULL);
}

void cio_pipe_cut(struct cio_pipe *pipe)
{
	cio_ops_cut(pipe->file);
	cio_state_lock();
	cio_thread_each(cancel_on_file, pipe->file);
	cio_state_unlock();
}

/* Why an end has nobody to talk to; CIO_OK: it has. Pipe's lock. */
static DWORD state_of(const struct cio_pipe *pipe)
{
	if (pipe->state == CIO_PIPE_IS_LISTENING)
		return CIO_PIPE_LISTENING;
	if (pipe->state == CIO_PIPE_IS_DISCONNECTED)
		return pipe->cut;
	return atomic_load(&pipe->page->disconnected) ? CIO_PIPE_DISCONNECTED : CIO_OK;
}

/* Who may not wait is told how far he has come. */
static DWORD without_waiting(const struct cio_pipe *pipe, bool write, uint32_t done)
{
	if (!pipe->nowait)
		return STATUS_PENDING;
	return write || done ? CIO_OK : CIO_PIPE_EMPTY;
}

/* One attempt at a read or a write; pipe's lock. STATUS_PENDING: it has to wait. */
static DWORD try_locked(struct cio_pipe *pipe, bool write, char *buffer, uint32_t length,
			uint32_t *done)
{
	DWORD status = state_of(pipe);

	if (status != CIO_OK)
		return status;
	status = write ? cio_pipe_send(pipe, buffer, length, done) :
			 cio_pipe_receive(pipe, buffer, length, done);
	/* The end may have been our being disconnected meanwhile. */
	if (cio_status_failed(status) && state_of(pipe) == CIO_PIPE_DISCONNECTED)
		return CIO_PIPE_DISCONNECTED;
	if (status != STATUS_PENDING)
		return status;
	status = without_waiting(pipe, write, *done);
	if (status == CIO_OK && write && *done && *done < length)
		cio_pipe_end_message(pipe);
	return status;
}

/* A client that came before the call was made is told of at once (W-PIPE-3). */
static DWORD try_connect(struct cio_pipe *pipe, bool at_once)
{
	switch (pipe->state) {
	case CIO_PIPE_IS_LISTENING:
		return pipe->nowait ? CIO_PIPE_LISTENING : STATUS_PENDING;
	case CIO_PIPE_IS_CONNECTED:
		if (!at_once)
			return CIO_OK;
		return cio_pipe_peer_is_gone(pipe) ? CIO_PIPE_CLOSING : CIO_PIPE_CONNECTED;
	default:
		return CIO_PIPE_DISCONNECTED;
	}
}

/* W-RACE-4: what has been moved has been moved. */
static DWORD cut_short(struct cio_pipe *pipe, bool write, uint32_t done)
{
	if (!done)
		return CIO_CANCELLED;
	if (write)
		cio_pipe_end_message(pipe);
	return !write && pipe->by_message ? CIO_BUFFER_OVERFLOW : CIO_OK;
}

DWORD cio_pipe_cancelled(struct cio_op *op)
{
	struct cio_pipe *pipe = cio_pipe_of(op->file);
	DWORD status;

	cio_lock_take(&pipe->lock);
	if (atomic_load(&op->flags) & CIO_OP_CUT)
		status = pipe->cut;
	else
		status = cut_short(pipe, op->write, op->done);
	cio_lock_drop(&pipe->lock);
	return status;
}

DWORD cio_pipe_step(struct cio_op *op)
{
	CIO_KEEP_ERRNO;
	struct cio_pipe *pipe = cio_pipe_of(op->file);
	bool connect = op->write == CIO_PIPE_CONNECT;
	uint32_t flags;
	DWORD status;

	cio_lock_take(&pipe->lock);
	/* Under the lock: what is cut must not go on with the next connection's bytes. */
	flags = atomic_load(&op->flags);
	if (flags & CIO_OP_CUT)
		status = pipe->cut;
	else if (connect)
		status = try_connect(pipe, flags & CIO_OP_ISSUING);
	else
		status = try_locked(pipe, op->write, op->buffer, op->length, &op->done);
	cio_lock_drop(&pipe->lock);
	if (status != STATUS_PENDING)
		return status;
	if (cancel_asked(op))
		return cio_pipe_cancelled(op);
	op->polling = true;
	return cio_step_submit(op);
}

/* Waits until an attempt may have another outcome. CIO_OK, or the end. */
static DWORD sync_wait(struct cio_thread *self, struct cio_pipe *pipe, int write)
{
	struct pollfd p = { .fd = pipe->file->fd, .events = write ? POLLOUT : POLLIN };
	long ret;

	if (write == CIO_PIPE_CONNECT)
		p = (struct pollfd){ .fd = pipe->bell, .events = POLLIN };
	ret = cio_sync_call(self, SYS_ppoll, (long)&p, 1, 0, 0, 0, 0);
	return ret < 0 ? cio_errno_to_status((int)-ret) : CIO_OK;
}

DWORD cio_pipe_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes)
{
	CIO_KEEP_ERRNO;
	struct cio_pipe *pipe = cio_pipe_of(req->file);
	unsigned int connection;
	bool first = true;
	DWORD status;

	/* Begun in a scope that is cancelled. */
	if (atomic_load(&self->sync.word) & CIO_SYNC_CANCELLED)
		return CIO_CANCELLED;
	cio_lock_take(&pipe->lock);
	connection = pipe->connection;
	for (;;) {
		if (pipe->connection != connection)
			status = pipe->cut;
		else if (req->write == CIO_PIPE_CONNECT)
			status = try_connect(pipe, first);
		else
			status = try_locked(pipe, req->write, req->buffer, req->length, bytes);
		first = false;
		if (status != STATUS_PENDING)
			break;
		cio_lock_drop(&pipe->lock);
		status = sync_wait(self, pipe, req->write);
		cio_lock_take(&pipe->lock);
		if (status == CIO_OK)
			continue;
		/* A cancel may be but the means by which the connection was ended. */
		if (pipe->connection != connection)
			status = pipe->cut;
		else if (status == CIO_CANCELLED)
			status = cut_short(pipe, req->write, *bytes);
		break;
	}
	cio_lock_drop(&pipe->lock);
	return status;
}

/*
 * What the other end reads it tells, while somebody flushes. Only that its process has died nobody
 * tells: for that the sleep is not without end.
 */
static DWORD sleep_until_read(struct cio_thread *self, atomic_uint *reads, unsigned int seen)
{
	struct timespec ts = { .tv_nsec = FLUSH_CHECK_NS };
	long ret = cio_sync_call(self, SYS_futex, (long)reads, FUTEX_WAIT, seen, (long)&ts, 0, 0);

	return ret == -EINTR ? CIO_CANCELLED : CIO_OK;
}

/* Pipe's lock. STATUS_PENDING: there is something that the other end has not read. */
static DWORD look_if_read(struct cio_pipe *pipe, unsigned int connection)
{
	if (pipe->connection != connection)
		return pipe->cut;
	if (state_of(pipe) == CIO_PIPE_DISCONNECTED)
		return CIO_PIPE_DISCONNECTED;
	/* What its end has thrown away counts as nothing, too. */
	if (!cio_pipe_unread(pipe))
		return atomic_load(&pipe->page->end[pipe->server ? 1 : 0].lost) ? CIO_PIPE_BROKEN :
										  CIO_OK;
	return cio_pipe_peer_is_gone(pipe) ? CIO_PIPE_BROKEN : STATUS_PENDING;
}

static DWORD flush_connected(struct cio_thread *self, struct cio_pipe *pipe)
{
	unsigned int connection = pipe->connection, seen;
	struct cio_pipe_page *page = pipe->page;
	int peer = pipe->server ? 1 : 0;
	DWORD status, slept = CIO_OK;

	atomic_fetch_add(&page->end[peer].flushes, 1);
	for (;;) {
		/* The page is the connection's. */
		seen = pipe->connection == connection ? atomic_load(&page->end[peer].reads) : 0;
		status = look_if_read(pipe, connection);
		if (status != STATUS_PENDING || slept != CIO_OK)
			break;
		cio_lock_drop(&pipe->lock);
		slept = sleep_until_read(self, &page->end[peer].reads, seen);
		cio_lock_take(&pipe->lock);
	}
	if (pipe->connection == connection)
		atomic_fetch_sub(&page->end[peer].flushes, 1);
	return status == STATUS_PENDING ? slept : status;
}

DWORD cio_pipe_flush(struct cio_thread *self, struct cio_pipe *pipe)
{
	DWORD status = CIO_OK;

	cio_lock_take(&pipe->lock);
	/* Where nobody is, or who was is gone, there is nothing to wait for. */
	if (pipe->state == CIO_PIPE_IS_CONNECTED && !cio_pipe_peer_is_gone(pipe))
		status = flush_connected(self, pipe);
	cio_lock_drop(&pipe->lock);
	return status;
}
