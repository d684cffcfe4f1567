/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands of io_uring: a ring of any kind, and what became of each command. A
 * command that has to wait is pending when its submission returns, so that a test
 * needs no other state to wait for.
 */
#ifndef CANCELIO_TEST_COMMAND_H
#define CANCELIO_TEST_COMMAND_H

#include <liburing.h>
#include <poll.h>

#include "seen_test.h"

#define LEN	100
#define SLOTS	64
#define MEMORY	(SLOTS * LEN)

/* What is left of memory that nothing was read to. */
#define BLANK	0xee

/* The user_data is a slot; these are for what helps. */
enum {
	CANCEL = SLOTS - 2,
	MARK,
};

struct ring {
	struct io_uring uring;
	struct cancelio_uring_io io[SLOTS];
	/* Of each slot, LEN bytes; all of it is registered. */
	unsigned char (*buf)[LEN];
	/* Of each slot, how many completions there were, and the last one's result. */
	unsigned int count[SLOTS];
	int res[SLOTS];
};

/* Return: NULL, or why the test cannot be run. */
static inline const char *ring_setup(struct ring *ring, unsigned int flags)
{
	struct iovec fixed = { .iov_len = MEMORY };
	int err;

	/* Part of a variable may be in the program's file, which cannot be registered. */
	fixed.iov_base = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fixed.iov_base == MAP_FAILED)
		abort();
	ring->buf = memset(fixed.iov_base, BLANK, MEMORY);
	err = io_uring_queue_init(SLOTS, &ring->uring, flags);
	if (err == -ENOSYS || err == -EPERM)
		return "io_uring is not allowed here";
	if (err == -EINVAL)
		return "this kernel has no such ring";
	if (err || io_uring_register_buffers(&ring->uring, &fixed, 1))
		abort();
	return NULL;
}

#define SETUP_RING(ring, flags)	SKIP_FOR(ring_setup(ring, flags))

static inline void ring_close(struct ring *ring)
{
	io_uring_queue_exit(&ring->uring);
	munmap(ring->buf, MEMORY);
}

/* ---- submission ---- */

/* @op is CANCELIO_URING_* or CANCELIO_IOC_*. */
static inline struct io_uring_sqe *prep(struct ring *ring, int slot, int fd, unsigned int op,
					const void *arg, uint64_t tag)
{
	struct cancelio_uring_cmd cmd = { .arg = (unsigned long)arg, .tag = tag };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (!sqe)
		abort();
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = op;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	sqe->user_data = slot;
	return sqe;
}

static inline struct io_uring_sqe *prep_io(struct ring *ring, int slot, int fd, unsigned int op,
					   const void *buf, size_t len, uint64_t pos, uint64_t tag)
{
	ring->io[slot] = (struct cancelio_uring_io){
		.addr = (unsigned long)buf, .len = len, .offset = pos,
	};
	return prep(ring, slot, fd, op, &ring->io[slot], tag);
}

/* LEN bytes to or from the slot's own memory. */
static inline struct io_uring_sqe *prep_read(struct ring *ring, int slot, int fd, uint64_t tag)
{
	return prep_io(ring, slot, fd, CANCELIO_URING_READ, ring->buf[slot], LEN, 0, tag);
}

static inline struct io_uring_sqe *prep_write(struct ring *ring, int slot, int fd, uint64_t tag)
{
	return prep_io(ring, slot, fd, CANCELIO_URING_WRITE, ring->buf[slot], LEN, 0, tag);
}

static inline struct io_uring_sqe *prep_cancel(struct ring *ring, int slot, int fd,
					       unsigned int by, uint64_t value,
					       unsigned int flags)
{
	struct cancelio_uring_cancel cancel = { .value = value, .by = by, .flags = flags };
	struct io_uring_sqe *sqe = prep(ring, slot, fd, CANCELIO_URING_CANCEL, NULL, 0);

	memcpy(sqe->cmd, &cancel, sizeof(cancel));
	return sqe;
}

static inline void submit(struct ring *ring)
{
	if (io_uring_submit(&ring->uring) < 0)
		abort();
}

/* ---- completion ---- */

static inline int take(struct ring *ring, struct io_uring_cqe *cqe)
{
	int slot = cqe->user_data;

	if (cqe->user_data >= SLOTS)
		abort();
	ring->count[slot]++;
	ring->res[slot] = cqe->res;
	io_uring_cqe_seen(&ring->uring, cqe);
	return slot;
}

/* Waits for so many completions. */
static inline void reap(struct ring *ring, int count)
{
	struct io_uring_cqe *cqe;
	int err;

	while (count) {
		err = io_uring_wait_cqe(&ring->uring, &cqe);
		if (err == -EINTR)
			continue;
		if (err)
			abort();
		take(ring, cqe);
		count--;
	}
}

/* Waits until a slot has had so many. */
static inline void reap_slot(struct ring *ring, int slot, unsigned int count)
{
	while (ring->count[slot] < count)
		reap(ring, 1);
}

/* What was submitted before has had its chance to complete, and no more comes of it. */
static inline void settle(struct ring *ring)
{
	unsigned int before = ring->count[MARK];
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	io_uring_prep_nop(sqe);
	sqe->user_data = MARK;
	submit(ring);
	reap_slot(ring, MARK, before + 1);
}

/* The result that a slot has now. Return: INT_MAX if it has none, or more than one. */
static inline int result(struct ring *ring, int slot)
{
	settle(ring);
	return ring->count[slot] == 1 ? ring->res[slot] : INT_MAX;
}

/* Submits one command and waits for its result. */
static inline int run(struct ring *ring, int slot)
{
	unsigned int before = ring->count[slot];

	submit(ring);
	reap_slot(ring, slot, before + 1);
	return ring->res[slot];
}

/* How many of slots [from, to) have ended once with this result, and no more than once. */
static inline int ended(struct ring *ring, int from, int to, int res)
{
	int count = 0;

	settle(ring);
	for (int slot = from; slot < to; slot++) {
		if (ring->count[slot] > 1)
			return -1;
		count += ring->count[slot] && ring->res[slot] == res;
	}
	return count;
}

/* Slots are as if they had never been used. */
static inline void forget(struct ring *ring)
{
	memset(ring->count, 0, sizeof(ring->count));
	memset(ring->buf, BLANK, MEMORY);
}

/* ---- cancelling ---- */

static inline int cancel(struct ring *ring, int fd, unsigned int by, uint64_t value,
			 unsigned int flags)
{
	prep_cancel(ring, CANCEL, fd, by, value, flags);
	return run(ring, CANCEL);
}

static inline int cancel_tag(struct ring *ring, int fd, uint64_t tag)
{
	return cancel(ring, fd, CANCELIO_BY_TAG, tag, CANCELIO_CANCEL_ONE);
}

/* ---- devices ---- */

static const char *const command_latencies[] = {
	"read_latency_ns", "write_latency_ns", "flush_latency_ns", "control_latency_ns",
};

static inline void set_latencies(const struct device *dev, uint64_t ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_latencies); i++)
		set_latency(dev, command_latencies[i], ns);
}

static inline bool is_blank(const unsigned char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] != BLANK)
			return false;
	}
	return true;
}

/* A line that has no room, and begins with the pattern. */
static inline bool line_fill(int fd, const struct device *dev)
{
	static unsigned char fill[1 << 20];

	fill_pattern(fill, 0, dev->size);
	return write(fd, fill, dev->size) == (ssize_t)dev->size;
}

/* Nothing but that is on it. */
static inline bool line_is_fill(int fd, const struct device *dev)
{
	static unsigned char got[(1 << 20) + 1];

	return read(fd, got, sizeof(got)) == (ssize_t)dev->size && is_pattern(got, 0, dev->size);
}

static inline bool line_is_empty(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 0;
}

#endif /* CANCELIO_TEST_COMMAND_H */
