// SPDX-License-Identifier: GPL-2.0
/*
 * The front door of io_uring's commands: see <linux/cancelio.h>. What can be done
 * at once is done here; what has to wait goes on in command.c.
 */
#include <linux/compat.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/cancelio.h>

#include "command.h"
#include "compat.h"
#include "device.h"

/* -EAGAIN would have io_uring send a worker, who would be told the same. */
static int uring_again(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	cancelio_uring_done(cmd, -EAGAIN, issue_flags);
	return -EIOCBQUEUED;
}

/* Has a command wait. @iter is its memory, if that is in pieces. */
static int uring_wait(struct io_uring_cmd *cmd, struct cancelio_io *io, struct iov_iter *iter,
		      unsigned int issue_flags)
{
	const struct cancelio_caller caller = {
		.task = cancelio_uring_task(cmd),
		.files = current->files,
		.ring = cancelio_uring_ring(cmd),
		.context = cancelio_uring_context(cmd),
	};
	struct cancelio_file *file = cmd->file->private_data;
	struct command *command;
	int err = 0;

	command = command_create(file->dev, cmd, io->op);
	if (!command) {
		cancelio_stream_chunk_free(io->chunk);
		return -ENOMEM;
	}
	if (iter)
		err = command_keep_memory(command, iter);
	if (err)
		cancelio_stream_chunk_free(io->chunk);
	else
		err = cancelio_file_enter(&command->req, cmd->file, &caller, io, true);
	if (!err)
		return command_run(command, issue_flags);
	cancelio_request_put(&command->req);
	return err == -EAGAIN ? uring_again(cmd, issue_flags) : err;
}

static int uring_flush(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct cancelio_io io = { .op = CANCELIO_FLUSH };
	int err;

	if (command_pdu(cmd)->addr)
		return -EINVAL;
	err = cancelio_file_begin(cmd->file, &io);
	return err == -EAGAIN ? uring_wait(cmd, &io, NULL, issue_flags) : err;
}

static int uring_control(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct cancelio_file *file = cmd->file->private_data;
	struct cancelio_io io = { .op = CANCELIO_CONTROL };

	if (!cancelio_device_removed(file->dev) && cancelio_control_waits(file->dev, cmd->cmd_op))
		return uring_wait(cmd, &io, NULL, issue_flags);
	return cancelio_file_control(cmd->file, cmd->cmd_op, command_pdu(cmd)->addr);
}

static int uring_cancel(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct cancelio_uring_cancel *payload = cancelio_uring_payload(cmd);
	const struct cancelio_uring_cancel cancel = {
		.value = READ_ONCE(payload->value),
		.by = READ_ONCE(payload->by),
		.flags = READ_ONCE(payload->flags),
	};

	return cancelio_file_cancel(cmd->file, &cancel, cancelio_uring_ring(cmd), issue_flags);
}

static int uring_check_io(struct io_uring_cmd *cmd, enum cancelio_op op,
			  const struct cancelio_uring_io *uio)
{
	struct cancelio_file *file = cmd->file->private_data;

	if (!(cmd->file->f_mode & (op == CANCELIO_READ ? FMODE_READ : FMODE_WRITE)))
		return -EBADF;
	if (uio->flags & ~CANCELIO_IO_VECTORED || uio->reserved || uio->offset > LLONG_MAX)
		return -EINVAL;
	if (uio->flags & CANCELIO_IO_VECTORED && cmd->flags & IORING_URING_CMD_FIXED)
		return -EINVAL;
	return uio->offset && file->dev->model->id == CANCELIO_MODEL_STREAM ? -EINVAL : 0;
}

/* @iter is the memory, and @vectored if that is in pieces. */
static int uring_io(struct io_uring_cmd *cmd, enum cancelio_op op, struct iov_iter *iter,
		    bool vectored, unsigned int issue_flags)
{
	struct cancelio_file *file = cmd->file->private_data;
	struct cancelio_io io = {
		.op = op,
		.pos = command_pdu(cmd)->pos,
		.iter = iter,
		.nowait = cmd->file->f_op->poll && cmd->file->f_flags & O_NONBLOCK,
	};
	struct iov_iter whole = *iter;
	int n;

	if (!iov_iter_count(iter))
		return 0;
	/* What is refused meets no fault. */
	if (op == CANCELIO_WRITE && file->dev->model->takes_early && cancelio_file_full(file))
		return uring_again(cmd, issue_flags);
	n = cancelio_file_begin(cmd->file, &io);
	if (n != -EAGAIN)
		return n;
	if (io.nowait)
		return uring_again(cmd, issue_flags);
	return uring_wait(cmd, &io, vectored && !io.chunk ? &whole : NULL, issue_flags);
}

/* One of a vector, in which a program's words may be shorter than ours. */
static int piece_get(struct iovec *piece, const void __user *vector, u32 i, bool compat)
{
	const struct compat_iovec __user *narrow = vector;
	const struct iovec __user *wide = vector;
	struct compat_iovec got;

	if (!compat)
		return copy_from_user(piece, wide + i, sizeof(*piece)) ? -EFAULT : 0;
	if (copy_from_user(&got, narrow + i, sizeof(got)))
		return -EFAULT;
	piece->iov_base = compat_ptr(got.iov_base);
	piece->iov_len = (compat_ssize_t)got.iov_len;
	return 0;
}

/*
 * As import_iovec(), which asks for whom the current system call is: a worker is in
 * none, and one that was made in an interrupt looks on x86 as if it were x32's.
 * Return: bytes, or a negative errno.
 */
static ssize_t pieces_get(struct iovec *pieces, const struct cancelio_uring_io *uio, bool compat)
{
	ssize_t total = 0;
	int err;

	for (u32 i = 0; i < uio->len; i++) {
		struct iovec *piece = &pieces[i];

		err = piece_get(piece, u64_to_user_ptr(uio->addr), i, compat);
		if (err)
			return err;
		if ((ssize_t)piece->iov_len < 0)
			return -EINVAL;
		if (!access_ok(piece->iov_base, piece->iov_len))
			return -EFAULT;
		piece->iov_len = min_t(size_t, piece->iov_len, MAX_RW_COUNT - total);
		total += piece->iov_len;
	}
	return total;
}

static int uring_io_vectored(struct io_uring_cmd *cmd, enum cancelio_op op,
			     const struct cancelio_uring_io *uio, unsigned int issue_flags)
{
	struct iovec fast[UIO_FASTIOV], *pieces = fast;
	struct iov_iter iter;
	ssize_t n;

	if (uio->len > UIO_MAXIOV)
		return -EINVAL;
	if (uio->len > ARRAY_SIZE(fast)) {
		pieces = kmalloc_array(uio->len, sizeof(*pieces), GFP_KERNEL);
		if (!pieces)
			return -ENOMEM;
	}
	n = pieces_get(pieces, uio, cancelio_uring_compat(cmd, issue_flags));
	if (n >= 0) {
		iov_iter_init(&iter, op == CANCELIO_READ ? READ : WRITE, pieces, uio->len, n);
		n = uring_io(cmd, op, &iter, true, issue_flags);
	}
	if (pieces != fast)
		kfree(pieces);
	return n;
}

static int uring_rw(struct io_uring_cmd *cmd, enum cancelio_op op, unsigned int issue_flags)
{
	struct command_pdu *pdu = command_pdu(cmd);
	struct cancelio_uring_io uio;
	struct iov_iter iter;
	int err;

	if (copy_from_user(&uio, u64_to_user_ptr(pdu->addr), sizeof(uio)))
		return -EFAULT;
	err = uring_check_io(cmd, op, &uio);
	if (err)
		return err;
	pdu->addr = uio.addr;
	pdu->pos = uio.offset;
	if (uio.flags & CANCELIO_IO_VECTORED)
		return uring_io_vectored(cmd, op, &uio, issue_flags);
	err = command_import(cmd, NULL, op, min_t(u32, uio.len, MAX_RW_COUNT), &iter, issue_flags);
	return err ? err : uring_io(cmd, op, &iter, false, issue_flags);
}

/* Whether it is none of the controls, which know best themselves. */
static bool uring_is_own(u32 op)
{
	return op == CANCELIO_URING_READ || op == CANCELIO_URING_WRITE ||
	       op == CANCELIO_URING_FLUSH || op == CANCELIO_URING_CANCEL;
}

static int uring_begin(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct cancelio_file *file = cmd->file->private_data;
	const struct cancelio_uring_cmd *payload;

	if (uring_is_own(cmd->cmd_op) && cancelio_device_removed(file->dev))
		return -ENODEV;
	if (cmd->cmd_op == CANCELIO_URING_CANCEL)
		return uring_cancel(cmd, issue_flags);

	payload = cancelio_uring_payload(cmd);
	*command_pdu(cmd) = (struct command_pdu){
		.addr = READ_ONCE(payload->arg),
		.tag = READ_ONCE(payload->tag),
	};
	switch (cmd->cmd_op) {
	case CANCELIO_URING_READ:
		return uring_rw(cmd, CANCELIO_READ, issue_flags);
	case CANCELIO_URING_WRITE:
		return uring_rw(cmd, CANCELIO_WRITE, issue_flags);
	case CANCELIO_URING_FLUSH:
		return uring_flush(cmd, issue_flags);
	default:
		return uring_control(cmd, issue_flags);
	}
}

/**
 * cancelio_file_uring_cmd - see <linux/cancelio.h>
 * @cmd: the command
 * @issue_flags: io_uring's
 *
 * Context: process: the submitter, a worker or thread of io_uring that stands in for
 * it, or, for a command that has waited and shall end, anybody.
 * Return: a result, or -EIOCBQUEUED: io_uring is told of the end.
 */
int cancelio_file_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	if (issue_flags & IO_URING_F_CANCEL) {
		command_abandon(cmd, issue_flags);
		return 0;
	}
	if (cancelio_uring_polls(cmd))
		return -EOPNOTSUPP;
	return cancelio_uring_result(cmd, uring_begin(cmd, issue_flags), issue_flags);
}
