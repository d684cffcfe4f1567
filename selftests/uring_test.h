/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of io_uring share: a ring with one user_data for each thing
 * that is awaited, and the operations that move bytes.
 */
#ifndef CANCELIO_URING_TEST_H
#define CANCELIO_URING_TEST_H

#include <liburing.h>
#include <poll.h>

#include "call_test.h"

#define LEN		100
#define REQUESTS	3

/* The user_data. Requests have 0 to REQUESTS - 1. */
enum {
	CANCEL = REQUESTS,
	TIMEOUT,
	KINDS,
};

enum op { OP_READ, OP_READV, OP_READ_FIXED, OP_WRITE, OP_WRITEV, OP_WRITE_FIXED, OP_POLL_IN, OP_POLL_OUT };

struct ring {
	struct io_uring ring;
	unsigned char buf[REQUESTS][LEN];
	struct iovec iov[REQUESTS][2];
	/* Of each user_data, how many completions there were, and the last one's result. */
	int count[KINDS];
	int res[KINDS];
};

/* Return: NULL, or why the test cannot be run. */
static inline const char *ring_setup(struct ring *ring)
{
	struct iovec fixed = { ring->buf, sizeof(ring->buf) };
	int i, err;

	err = io_uring_queue_init(32, &ring->ring, 0);
	if (err == -ENOSYS || err == -EPERM)
		return "io_uring is not allowed here";
	if (err || io_uring_register_buffers(&ring->ring, &fixed, 1))
		abort();
	for (i = 0; i < REQUESTS; i++) {
		ring->iov[i][0] = (struct iovec){ ring->buf[i], 30 };
		ring->iov[i][1] = (struct iovec){ ring->buf[i] + 30, LEN - 30 };
	}
	return NULL;
}

#define SETUP_RING(ring)	SKIP_FOR(ring_setup(ring))

/* Prepares a request whose user_data and buffer are of number @i. */
static inline struct io_uring_sqe *prep(struct ring *ring, enum op op, int fd, int i, off_t pos)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);
	void *buf = ring->buf[i];

	switch (op) {
	case OP_READ:
		io_uring_prep_read(sqe, fd, buf, LEN, pos);
		break;
	case OP_READV:
		io_uring_prep_readv(sqe, fd, ring->iov[i], 2, pos);
		break;
	case OP_READ_FIXED:
		io_uring_prep_read_fixed(sqe, fd, buf, LEN, pos, 0);
		break;
	case OP_WRITE:
		io_uring_prep_write(sqe, fd, buf, LEN, pos);
		break;
	case OP_WRITEV:
		io_uring_prep_writev(sqe, fd, ring->iov[i], 2, pos);
		break;
	case OP_WRITE_FIXED:
		io_uring_prep_write_fixed(sqe, fd, buf, LEN, pos, 0);
		break;
	case OP_POLL_IN:
		io_uring_prep_poll_add(sqe, fd, POLLIN);
		break;
	case OP_POLL_OUT:
		io_uring_prep_poll_add(sqe, fd, POLLOUT);
		break;
	}
	sqe->user_data = i;
	return sqe;
}

static inline void submit(struct ring *ring)
{
	if (io_uring_submit(&ring->ring) < 0)
		abort();
}

/* Waits for so many completions. */
static inline void reap(struct ring *ring, int count)
{
	struct io_uring_cqe *cqe;

	for (; count; count--) {
		if (io_uring_wait_cqe(&ring->ring, &cqe) || cqe->user_data >= KINDS)
			abort();
		ring->count[cqe->user_data]++;
		ring->res[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(&ring->ring, cqe);
	}
}

/* No completion is left over. */
static inline bool reaped(struct ring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(&ring->ring, &cqe) == -EAGAIN;
}

/* Asks for a cancel by ASYNC_CANCEL; what it finds by is in @flags. */
static inline void cancel(struct ring *ring, uint64_t user_data, int fd, unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);

	io_uring_prep_cancel64(sqe, user_data, flags);
	if (flags & IORING_ASYNC_CANCEL_FD)
		sqe->fd = fd;
	sqe->user_data = CANCEL;
	submit(ring);
}

/*
 * Cancels and waits until what it cancelled has ended, for which a second is
 * the limit: the kernel looks again when the completion comes, and if it then
 * finds the worker not quite done, nothing makes it look once more.
 */
static inline int sync_cancel(struct ring *ring, uint64_t user_data, int fd, unsigned int flags)
{
	struct io_uring_sync_cancel_reg reg = {
		.addr = user_data, .fd = fd, .flags = flags, .timeout = { .tv_sec = 1 },
	};

	return io_uring_register_sync_cancel(&ring->ring, &reg);
}

/* Limits the request that was prepared last. */
static inline void link_timeout(struct ring *ring, struct io_uring_sqe *limited,
				struct __kernel_timespec *ts)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);

	limited->flags |= IOSQE_IO_LINK;
	io_uring_prep_link_timeout(sqe, ts, 0);
	sqe->user_data = TIMEOUT;
}

/* Has the timeout that limits a request come now. Has a result of its own, 0. */
static inline void expire(struct ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);
	struct __kernel_timespec soon = { .tv_nsec = 1 };

	io_uring_prep_timeout_update(sqe, &soon, TIMEOUT, IORING_LINK_TIMEOUT_UPDATE);
	sqe->user_data = CANCEL;
	submit(ring);
}

#endif /* CANCELIO_URING_TEST_H */
