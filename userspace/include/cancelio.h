/* SPDX-License-Identifier: MIT */
/*
 * cancelio.h: commands to a device of cancelio.ko by io_uring.
 *
 * Each function fills an SQE that io_uring_get_sqe() has given, as the
 * io_uring_prep_*() of liburing do; user_data and flags are set afterwards in
 * the same way. They need nothing of libcancelio's but this header.
 *
 * What the commands do, and with which errors they end, is in
 * <linux/cancelio.h>. The structs that are handed over by address must stay as
 * they are until the command has begun. Mostly that is before io_uring_submit()
 * returns, but not if the SQE is linked, drained or has IOSQE_ASYNC; on 6.12 the SQE of
 * a linked or drained one must stay as well. At the command's CQE it is over in any
 * case, until which the memory that is read and written must be there, too.
 *
 *	struct cancelio_uring_io io = cancelio_io(buf, sizeof(buf), offset);
 *
 *	cancelio_prep_read(io_uring_get_sqe(&ring), fd, &io, tag);
 *	io_uring_submit(&ring);
 *	...
 *	cancelio_prep_cancel_tag(io_uring_get_sqe(&ring), fd, tag);
 */
#ifndef CANCELIO_H
#define CANCELIO_H

#include <liburing.h>
#include <linux/cancelio.h>
#include <string.h>
#include <sys/uio.h>

/* @len bytes at @buf; @offset counts on a store, and is 0 for a stream. */
static inline struct cancelio_uring_io cancelio_io(const void *buf, unsigned int len,
						   __u64 offset)
{
	struct cancelio_uring_io io;

	io.addr = (unsigned long)buf;
	io.offset = offset;
	io.len = len;
	io.flags = 0;
	io.reserved = 0;
	return io;
}

/* The memory of @count elements of @iov, which must be there as the struct must. */
static inline struct cancelio_uring_io cancelio_iov(const struct iovec *iov, unsigned int count,
						    __u64 offset)
{
	struct cancelio_uring_io io = cancelio_io(iov, count, offset);

	io.flags = CANCELIO_IO_VECTORED;
	return io;
}

/* Any command: @op is CANCELIO_URING_* or CANCELIO_IOC_*, @cmd the 16 bytes of sqe->cmd. */
static inline void cancelio_prep_command(struct io_uring_sqe *sqe, int fd, unsigned int op,
					 const void *cmd)
{
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = op;
	memcpy(sqe->cmd, cmd, sizeof(struct cancelio_uring_cmd));
}

/* One of CANCELIO_IOC_*, with its argument. The result is that of ioctl(2). */
static inline void cancelio_prep_control(struct io_uring_sqe *sqe, int fd, unsigned int code,
					 void *arg, __u64 tag)
{
	struct cancelio_uring_cmd cmd;

	cmd.arg = (unsigned long)arg;
	cmd.tag = tag;
	cancelio_prep_command(sqe, fd, code, &cmd);
}

/* The result is the number of bytes read. */
static inline void cancelio_prep_read(struct io_uring_sqe *sqe, int fd,
				      struct cancelio_uring_io *io, __u64 tag)
{
	cancelio_prep_control(sqe, fd, CANCELIO_URING_READ, io, tag);
}

/* The result is the number of bytes written. */
static inline void cancelio_prep_write(struct io_uring_sqe *sqe, int fd,
				       struct cancelio_uring_io *io, __u64 tag)
{
	cancelio_prep_control(sqe, fd, CANCELIO_URING_WRITE, io, tag);
}

/* As above, within the registered buffer @index. */
static inline void cancelio_prep_read_fixed(struct io_uring_sqe *sqe, int fd,
					    struct cancelio_uring_io *io, __u64 tag, int index)
{
	cancelio_prep_read(sqe, fd, io, tag);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->buf_index = (__u16)index;
}

static inline void cancelio_prep_write_fixed(struct io_uring_sqe *sqe, int fd,
					     struct cancelio_uring_io *io, __u64 tag, int index)
{
	cancelio_prep_write(sqe, fd, io, tag);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->buf_index = (__u16)index;
}

/* The result is 0. */
static inline void cancelio_prep_flush(struct io_uring_sqe *sqe, int fd, __u64 tag)
{
	cancelio_prep_control(sqe, fd, CANCELIO_URING_FLUSH, NULL, tag);
}

/*
 * Cancels what @by, a CANCELIO_BY_*, and @value say; @flags is 0 or
 * CANCELIO_CANCEL_ONE. The result is how many it has reached, or -ENOENT, -EALREADY
 * or -EPERM: see struct cancelio_uring_cancel.
 */
static inline void cancelio_prep_cancel(struct io_uring_sqe *sqe, int fd, unsigned int by,
					__u64 value, unsigned int flags)
{
	struct cancelio_uring_cancel cancel;

	cancel.value = value;
	cancel.by = by;
	cancel.flags = flags;
	cancelio_prep_command(sqe, fd, CANCELIO_URING_CANCEL, &cancel);
}

/* The oldest command with this tag. */
static inline void cancelio_prep_cancel_tag(struct io_uring_sqe *sqe, int fd, __u64 tag)
{
	cancelio_prep_cancel(sqe, fd, CANCELIO_BY_TAG, tag, CANCELIO_CANCEL_ONE);
}

/* All commands with this tag. */
static inline void cancelio_prep_cancel_tag_all(struct io_uring_sqe *sqe, int fd, __u64 tag)
{
	cancelio_prep_cancel(sqe, fd, CANCELIO_BY_TAG, tag, 0);
}

/* All that goes on by this open file, however it was begun. */
static inline void cancelio_prep_cancel_file(struct io_uring_sqe *sqe, int fd)
{
	cancelio_prep_cancel(sqe, fd, CANCELIO_BY_FILE, 0, 0);
}

/* As above, but only those that do @op, a CANCELIO_OP_*. */
static inline void cancelio_prep_cancel_op(struct io_uring_sqe *sqe, int fd, unsigned int op)
{
	cancelio_prep_cancel(sqe, fd, CANCELIO_BY_OP, op, 0);
}

#endif /* CANCELIO_H */
