// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "command.h"
#include "memcheck.h"
#include "npipe.h"
#include "op_private.h"
#include "status.h"

#define MAX_TRANSFER 0x7ffff000u /* the most that the kernel moves in one call */

static DWORD step_end(struct cio_op *op, DWORD status)
{
	/*
	 * What has been moved before a cancel has been moved: that is success with a partial count
	 * (W-RACE-4). A read's error will come again, a write's may not: it is told, and the
	 * count beside it.
	 */
	if (op->done && (!op->write || status == CIO_CANCELLED))
		return CIO_OK;
	return status;
}

DWORD cio_step_cancelled(struct cio_op *op)
{
	return op->file->pipe ? cio_pipe_cancelled(op) : step_end(op, CIO_CANCELLED);
}

static void step_poll(const struct cio_op *op, struct io_uring_sqe *sqe)
{
	if (op->write == CIO_PIPE_CONNECT)
		io_uring_prep_poll_add(sqe, op->file->pipe->bell, POLLIN);
	else
		io_uring_prep_poll_add(sqe, op->file->fd, op->write ? POLLOUT : POLLIN);
}

static void step_prep(struct cio_op *op, struct io_uring_sqe *sqe)
{
	uint32_t length = op->length - op->done;
	char *buffer = op->buffer + op->done;
	uint64_t offset = op->file->seekable ? op->offset + op->done : (uint64_t)-1;

	if (op->polling)
		step_poll(op, sqe);
	else if (atomic_load(&op->command))
		cio_command_prep(op, sqe);
	else if (op->write)
		io_uring_prep_write(sqe, op->file->fd, buffer, length, offset);
	else
		io_uring_prep_read(sqe, op->file->fd, buffer, length, offset);
	if (op->append && !op->polling) {
		sqe->off = 0;
		sqe->rw_flags = RWF_APPEND;
	}
	sqe->user_data = tag_of(op);
}

DWORD cio_step_submit(struct cio_op *op)
{
	struct io_uring_sqe *sqe = cio_ring_begin(op->ring);

	if (!sqe)
		return step_end(op, CIO_QUOTA_EXCEEDED);
	step_prep(op, sqe);
	if (!cio_ring_commit(op->ring, sqe))
		return step_end(op, CIO_QUOTA_EXCEEDED);
	return STATUS_PENDING;
}

/*
 * A write to a pipe is tried by plain write(2) and only its waiting is left to the ring. The
 * ring would retry inside the issuing thread at any moment, and raise SIGPIPE there. It is not
 * libc's call, which is a point where a thread can be cancelled.
 */
static DWORD step_write_pipe(struct cio_op *op)
{
	CIO_KEEP_ERRNO;
	struct cio_sigpipe sigpipe;
	ssize_t n;
	int err;

	cio_sigpipe_block(&sigpipe);
	do {
		n = syscall(SYS_write, op->file->fd, op->buffer + op->done,
			    op->length - op->done);
		err = n < 0 ? errno : 0;
		if (n > 0)
			op->done += (uint32_t)n;
	} while ((n > 0 && op->done < op->length) || err == EINTR);
	cio_sigpipe_restore(&sigpipe, err == EPIPE);

	if (!err && !op->length && !cio_pipe_has_reader(op->file))
		err = EPIPE;
	if (!err)
		return CIO_OK;
	if (err != EAGAIN)
		return step_end(op, cio_errno_to_status(err));
	if (cancel_asked(op))
		return step_end(op, CIO_CANCELLED);
	op->polling = true;
	return cio_step_submit(op);
}

/* A read of no bytes from a pipe: until there is something, of which nothing is taken (W-RW-7). */
static bool only_waits(const struct cio_op *op)
{
	return !op->length && !op->write && op->file->type == S_IFIFO;
}

DWORD cio_step_next(struct cio_op *op)
{
	if (op->code)
		return cio_control_step(op);
	if (op->file->pipe)
		return cio_pipe_step(op);
	if (op->write && op->file->type == S_IFIFO)
		return step_write_pipe(op);
	op->polling = only_waits(op);
	return cio_step_submit(op);
}

static DWORD end_of_read(struct cio_op *op)
{
	if (op->done || !op->length)
		return CIO_OK;
	return op->file->type == S_IFIFO ? CIO_PIPE_BROKEN : CIO_END_OF_FILE;
}

static bool wants_more(struct cio_op *op, uint32_t moved)
{
	if (op->done == op->length || !moved)
		return false;
	return op->write || moved == MAX_TRANSFER;
}

DWORD cio_step_result(struct cio_op *op, int res)
{
	if (op->withdrawn)
		return cio_step_cancelled(op);
	if (op->code)
		return cio_control_result(op, res);
	if (op->polling && res >= 0) {
		if (only_waits(op))
			return step_end(op, res & POLLIN ? CIO_OK : CIO_PIPE_BROKEN);
		return cio_step_next(op);
	}
	if (res >= 0) {
		if (!op->write)
			cio_memory_filled(op->buffer + op->done, (uint32_t)res);
		op->done += (uint32_t)res;
		if (wants_more(op, (uint32_t)res))
			return cancel_asked(op) ? CIO_OK : cio_step_next(op);
		return op->write ? CIO_OK : end_of_read(op);
	}
	if (res == -EINTR || res == -ECANCELED) {
		/* Nobody asked: it was a signal, or the end of the thread that submitted. */
		return cancel_asked(op) ? cio_step_cancelled(op) : cio_step_next(op);
	}
	/*
	 * Of a pipe that is open both ways, on 6.18, io_uring now and then refuses a poll that it
	 * takes the next time.
	 */
	if (res == -EINVAL && op->polling && op->file->type == S_IFIFO)
		return cancel_asked(op) ? cio_step_cancelled(op) : cio_step_next(op);
	if (res == -EAGAIN && !op->polling) {
		if (cancel_asked(op))
			return step_end(op, CIO_CANCELLED);
		/* A command does not wait for room, and a read or write does. */
		op->polling = !atomic_exchange(&op->command, false);
		return cio_step_submit(op);
	}
	return step_end(op, cio_errno_to_status(-res));
}
