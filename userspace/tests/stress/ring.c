// SPDX-License-Identifier: MIT
/* io_uring: reads, writes and polls of its own, and the commands of the module, in one ring. */
#include <cancelio.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

enum { ENTRIES = 64 };

/* In the user_data of what is no lane's. */
#define OF_CANCEL (1ULL << 62)
#define OF_TIMEOUT (1ULL << 61)

struct ring {
	struct io_uring uring;
	struct cancelio_uring_io io[SPAWN_LANES];
	struct iovec iov[SPAWN_LANES][2];
	struct __kernel_timespec limit[SPAWN_LANES];
	unsigned int helpers;	/* cancels and timeouts that have not ended */
};

static struct ring *ring_of(struct actor *actor)
{
	return actor->door_data;
}

static bool ring_open(struct actor *actor)
{
	static const unsigned int kinds[] = {
		0, IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SQPOLL,
	};
	/* The kernel's thread sleeps now and then; ms. */
	struct io_uring_params params = {
		.flags = kinds[any(&actor->rng, 4)], .sq_thread_idle = 2,
	};
	struct iovec fixed[SPAWN_LANES];
	struct ring *ring;

	if (!actor->door_data)
		actor->door_data = calloc(1, sizeof(struct ring));
	ring = actor->door_data;
	memset(ring, 0, sizeof(*ring));
	if (io_uring_queue_init_params(ENTRIES, &ring->uring, &params) &&
	    io_uring_queue_init(ENTRIES, &ring->uring, 0))
		return false;
	for (int i = 0; i < actor->count; i++)
		fixed[i] = (struct iovec){ actor->lanes[i].buf, MOST };
	return io_uring_register_buffers(&ring->uring, fixed, (unsigned int)actor->count) == 0;
}

static void ring_close(struct actor *actor)
{
	io_uring_queue_exit(&ring_of(actor)->uring);
}

static struct io_uring_sqe *sqe_get(struct ring *ring, struct lane *lane)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (!sqe)
		abort();
	if (lane)
		sqe->user_data = lane_name(lane);
	return sqe;
}

static void submit(struct ring *ring)
{
	int n;

	do
		n = io_uring_submit(&ring->uring);
	while (n == -EINTR || n == -EAGAIN);
	if (n < 0 && n != -EBUSY)
		fail("io_uring_submit: %d", n);
	/* The kernel's thread looks up descriptors later, when they may be other files'. */
	while (ring->uring.flags & IORING_SETUP_SQPOLL && io_uring_sq_ready(&ring->uring))
		sched_yield();
}

/* ---- its own operations ---- */

static void prep_uring(struct actor *actor, struct lane *lane, enum op op, struct io_uring_sqe *sqe)
{
	struct ring *ring = ring_of(actor);
	int i = (int)(lane - actor->lanes);
	bool write = op == WRITE || op == SWRITE;
	__u64 pos = op == SREAD || op == SWRITE ? (__u64)lane->first * BLOCK : 0;
	size_t cut;

	switch (op) {
	case POLL:
		io_uring_prep_poll_add(sqe, lane->fd, one_in(&actor->rng, 2) ? POLLIN : POLLOUT);
		return;
	case FLUSH:
		io_uring_prep_fsync(sqe, lane->fd, 0);
		return;
	default:
		break;
	}
	switch (any(&actor->rng, 3)) {
	case 0:
		cut = any(&actor->rng, lane->len);
		ring->iov[i][0] = (struct iovec){ lane->buf, cut };
		ring->iov[i][1] = (struct iovec){ lane->buf + cut, lane->len - cut };
		if (write)
			io_uring_prep_writev(sqe, lane->fd, ring->iov[i], 2, pos);
		else
			io_uring_prep_readv(sqe, lane->fd, ring->iov[i], 2, pos);
		break;
	case 1:
		if (write)
			io_uring_prep_write_fixed(sqe, lane->fd, lane->buf, lane->len, pos, i);
		else
			io_uring_prep_read_fixed(sqe, lane->fd, lane->buf, lane->len, pos, i);
		break;
	default:
		if (write)
			io_uring_prep_write(sqe, lane->fd, lane->buf, lane->len, pos);
		else
			io_uring_prep_read(sqe, lane->fd, lane->buf, lane->len, pos);
	}
}

static void limit(struct actor *actor, struct lane *lane, struct io_uring_sqe *limited)
{
	struct ring *ring = ring_of(actor);
	struct __kernel_timespec *ts = &ring->limit[lane - actor->lanes];
	struct io_uring_sqe *sqe = sqe_get(ring, NULL);

	limited->flags |= IOSQE_IO_LINK;
	*ts = (struct __kernel_timespec){ .tv_nsec = any(&actor->rng, 20000000) };
	io_uring_prep_link_timeout(sqe, ts, 0);
	sqe->user_data = OF_TIMEOUT;
	ring->helpers++;
	atomic_store(&lane->asked, true);
	count_cancel(BY_TIMEOUT);
}

/* ---- commands ---- */

static void prep_command(struct actor *actor, struct lane *lane, enum op op,
			 struct io_uring_sqe *sqe)
{
	static struct cancelio_info info;
	struct ring *ring = ring_of(actor);
	int i = (int)(lane - actor->lanes);
	__u64 pos = op == SREAD || op == SWRITE ? (__u64)lane->first * BLOCK : 0;
	bool write = op == WRITE || op == SWRITE;

	if (op == FLUSH) {
		cancelio_prep_flush(sqe, lane->fd, lane_name(lane));
		return;
	}
	if (op == CONTROL) {
		memset(&info, 0, sizeof(info));
		cancelio_prep_control(sqe, lane->fd, CANCELIO_IOC_INFO, &info, lane_name(lane));
		return;
	}
	ring->io[i] = cancelio_io(lane->buf, lane->len, pos);
	switch (any(&actor->rng, 3)) {
	case 0:
		ring->iov[i][0] = (struct iovec){ lane->buf, RECORD / 2 };
		ring->iov[i][1] = (struct iovec){ lane->buf + RECORD / 2, lane->len - RECORD / 2 };
		ring->io[i] = cancelio_iov(ring->iov[i], 2, pos);
		/* fallthrough */
	case 1:
		if (write)
			cancelio_prep_write(sqe, lane->fd, &ring->io[i], lane_name(lane));
		else
			cancelio_prep_read(sqe, lane->fd, &ring->io[i], lane_name(lane));
		break;
	default:
		if (write)
			cancelio_prep_write_fixed(sqe, lane->fd, &ring->io[i], lane_name(lane), i);
		else
			cancelio_prep_read_fixed(sqe, lane->fd, &ring->io[i], lane_name(lane), i);
	}
}

static int ring_start(struct actor *actor, struct lane *lane, enum op op)
{
	struct io_uring_sqe *sqe = sqe_get(ring_of(actor), NULL);
	bool command = lane->door == DOOR_COMMAND;

	if (command)
		prep_command(actor, lane, op, sqe);
	else
		prep_uring(actor, lane, op, sqe);
	sqe->user_data = lane_name(lane);
	if (!actor->closes && one_in(&actor->rng, 16) && op != POLL)
		sqe->flags |= IOSQE_ASYNC;
	if (!command && EP->cancels && atomic_load(&EP->phase) == RUN && one_in(&actor->rng, 10))
		limit(actor, lane, sqe);
	submit(ring_of(actor));
	return 0;
}

/* ---- cancelling ---- */

static void cancel_command(struct actor *actor, struct lane *lane, bool only)
{
	struct io_uring_sqe *sqe = sqe_get(ring_of(actor), NULL);

	switch (only ? 9 : any(&actor->rng, 10)) {
	case 0:
		cancelio_prep_cancel(sqe, lane->fd, CANCELIO_BY_FILE, 0, CANCELIO_CANCEL_ONE);
		break;
	case 1:
		cancelio_prep_cancel(sqe, lane->fd, CANCELIO_BY_FILE, 0, 0);
		break;
	case 2:
		cancelio_prep_cancel(sqe, lane->fd, CANCELIO_BY_OP, CANCELIO_OP_READ, 0);
		break;
	case 3:
		cancelio_prep_cancel_tag_all(sqe, lane->fd, lane_name(lane));
		break;
	default:
		cancelio_prep_cancel_tag(sqe, lane->fd, lane_name(lane));
	}
	sqe->user_data = OF_CANCEL;
	count_cancel(BY_COMMAND);
}

static void cancel_uring(struct actor *actor, struct lane *lane, bool only)
{
	struct ring *ring = ring_of(actor);
	struct io_uring_sqe *sqe = sqe_get(ring, NULL);

	switch (only ? 9 : any(&actor->rng, 10)) {
	case 0:
		io_uring_prep_cancel(sqe, NULL, (int)IORING_ASYNC_CANCEL_ANY);
		break;
	case 1:
		io_uring_prep_cancel_fd(sqe, lane->fd, IORING_ASYNC_CANCEL_ALL);
		break;
	default:
		io_uring_prep_cancel64(sqe, lane_name(lane), 0);
	}
	sqe->user_data = OF_CANCEL;
	count_cancel(BY_ASYNC_CANCEL);
}

/* In the end each is meant by itself, so that a lost cancel shows. */
static void ring_cancel(struct actor *actor, struct lane *lane)
{
	bool closed = lane->fd != atomic_load(&actor->stream) &&
		      lane->fd != atomic_load(&actor->store);
	bool only = closed || atomic_load(&EP->phase) != RUN;

	/* A command ends with its descriptor. */
	if (closed && lane->door == DOOR_COMMAND)
		return;
	if (lane->door == DOOR_COMMAND)
		cancel_command(actor, lane, only);
	else
		cancel_uring(actor, lane, only);
	ring_of(actor)->helpers++;
	submit(ring_of(actor));
}

/* ---- ends ---- */

static void helper_ended(struct actor *actor, const struct io_uring_cqe *cqe)
{
	struct ring *ring = ring_of(actor);

	if (!ring->helpers--)
		fail("a cancel or a timeout has ended twice");
	if (cqe->res >= 0 || cqe->res == -ENOENT || cqe->res == -EALREADY ||
	    cqe->res == -ETIME || cqe->res == -ECANCELED)
		return;
	if (cqe->res == -ENODEV && atomic_load(&EP->pulled))
		return;
	fail("a cancel or a timeout (%llx) ended with %d", (unsigned long long)cqe->user_data,
	     cqe->res);
}

static void take(struct actor *actor, const struct io_uring_cqe *cqe)
{
	struct lane *lane;

	if (cqe->user_data & (OF_CANCEL | OF_TIMEOUT)) {
		helper_ended(actor, cqe);
		return;
	}
	lane = lane_named(cqe->user_data, "io_uring");
	if (lane)
		lane_end(lane, cqe->res, cqe->res > 0 && lane->len ? (uint32_t)cqe->res : 0);
}

static void ring_reap(struct actor *actor, int ms)
{
	struct __kernel_timespec ts = { .tv_nsec = ms * 1000000 };
	struct ring *ring = ring_of(actor);
	struct io_uring_cqe *cqe;

	/* With an end to be taken the wait would not enter the kernel, where deferred ends are made. */
	io_uring_get_events(&ring->uring);
	if (ms)
		io_uring_wait_cqe_timeout(&ring->uring, &cqe, &ts);
	while (!io_uring_peek_cqe(&ring->uring, &cqe)) {
		take(actor, cqe);
		io_uring_cqe_seen(&ring->uring, cqe);
	}
}

const struct async ring_async = {
	.open = ring_open,
	.start = ring_start,
	.cancel = ring_cancel,
	.reap = ring_reap,
	.close = ring_close,
};
