// SPDX-License-Identifier: GPL-2.0
/*
 * Who polls is told of everything that lets it go on, and when nobody wants to
 * write the line does not get ready by itself.
 */
#define _GNU_SOURCE
#include <liburing.h>
#include <poll.h>
#include <sys/epoll.h>

#include "kselftest_harness.h"
#include "call_test.h"

FIXTURE(edges)
{
	struct device dev;
	int fd;
	struct call call;
	short revents;
};

FIXTURE_SETUP(edges)
{
	SETUP_DEVICE(&self->dev, "stream");
	self->fd = open(self->dev.node, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->fd);
	self->call = (struct call){ .fd = self->fd, .buf = &self->revents };
}

FIXTURE_TEARDOWN(edges)
{
	device_teardown(&self->dev);
}

static long poll_for_room(struct call *call)
{
	struct pollfd pfd = { .fd = call->fd, .events = POLLOUT };
	long ret = poll(&pfd, 1, -1);

	*(short *)call->buf = pfd.revents;
	return ret;
}

static short ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, 0) < 0 ? -1 : pfd.revents;
}

TEST_F(edges, a_latency_that_is_taken_away_wakes)
{
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	self->call.fn = poll_for_room;
	call_start(&self->call);
	wait_in_syscall(&self->call, SYS_poll);
	set_latency(&self->dev, "write_latency_ns", 0);
	EXPECT_EQ(1, call_join(&self->call));
	EXPECT_EQ(POLLOUT, self->revents);
}

/* Who asked for the line and went away leaves no trace in later writes. */
TEST_F(edges, a_latency_that_is_lowered_holds_for_the_next_write)
{
	int fd = open(self->dev.node, O_RDWR);

	set_latency(&self->dev, "write_latency_ns", FOREVER);
	EXPECT_EQ(-1, write(self->fd, "a", 1));
	EXPECT_EQ(EAGAIN, errno);
	set_latency(&self->dev, "write_latency_ns", MSEC);
	EXPECT_EQ(1, write(fd, "a", 1));
}

TEST_F(edges, a_write_that_waits_goes_on_as_it_began)
{
	int fd = open(self->dev.node, O_RDWR);

	handle(SIGUSR1, 0);
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	self->call = (struct call){ .fn = do_write, .fd = fd, .buf = "a", .len = 1 };
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	set_latency(&self->dev, "write_latency_ns", 0);
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(0, ready(self->fd, POLLOUT));
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
}

/* Also one that waits for room only, and found the line ready. */
TEST_F(edges, a_write_that_waits_for_room_goes_on_as_it_began)
{
	unsigned char *bytes = calloc(1, self->dev.size);
	int fd = open(self->dev.node, O_RDWR);

	ASSERT_EQ(self->dev.size, write(fd, bytes, self->dev.size));
	self->call = (struct call){ .fn = do_write, .fd = fd, .buf = "a", .len = 1 };
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	EXPECT_EQ(self->dev.size, read(fd, bytes, self->dev.size));
	EXPECT_EQ(1, call_join(&self->call));
	EXPECT_EQ(1, drain(&self->dev));
	free(bytes);
}

/* The arrival of each chunk is an edge, also while older ones lie there unread. */
TEST_F(edges, each_arrival)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	uint64_t arrives;

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(1, write(self->fd, "a", 1));
	ASSERT_EQ(1, epoll_wait(ep, &event, 1, -1));
	set_latency(&self->dev, "read_latency_ns", 300 * MSEC);
	arrives = now_ns() + 300 * MSEC;
	ASSERT_EQ(1, write(self->fd, "b", 1));
	/* Its writing may be an edge, too. */
	do {
		ASSERT_EQ(1, epoll_wait(ep, &event, 1, -1));
	} while (now_ns() < arrives);
	EXPECT_EQ(2, drain(&self->dev));
}

/* A waiter for room does not use up the wake-up of one for bytes. */
TEST_F(edges, exclusive_waiters)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;

	if (io_uring_queue_init(8, &ring, 0))
		SKIP(return, "io_uring is not allowed here");
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_multishot(sqe, self->fd, POLLOUT | EPOLLEXCLUSIVE);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&ring));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, self->fd, POLLIN | EPOLLEXCLUSIVE);
	io_uring_sqe_set_data64(sqe, 2);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(1, write(self->fd, "a", 1));
	for (;;) {
		ASSERT_EQ(0, io_uring_wait_cqe(&ring, &cqe));
		if (cqe->user_data == 2)
			break;
		io_uring_cqe_seen(&ring, cqe);
	}
	EXPECT_EQ(POLLIN, cqe->res);
	io_uring_queue_exit(&ring);
}

/*
 * While somebody polls for bytes, a write that somebody once polled for has
 * the line ready for no later one. A wait that is too short here hides a
 * fault and makes none.
 */
TEST_F(edges, interest_ends_with_the_write)
{
	struct epoll_event event = { .events = EPOLLIN };
	const struct timespec ts = { .tv_nsec = 50 * MSEC };
	struct pollfd pfd = { .fd = self->fd, .events = POLLOUT };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int fd = open(self->dev.node, O_RDWR);

	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &event));
	set_latency(&self->dev, "write_latency_ns", MSEC);
	ASSERT_EQ(1, poll(&pfd, 1, -1));
	ASSERT_EQ(1, write(self->fd, "a", 1));
	ASSERT_EQ(1, write(fd, "b", 1));
	nanosleep(&ts, NULL);
	EXPECT_EQ(-1, write(self->fd, "c", 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(2, drain(&self->dev));
}

/* What somebody else took, those who poll for room ask for again. */
TEST_F(edges, a_turn_that_is_taken_comes_again)
{
	int fd = open(self->dev.node, O_RDWR);
	int i;

	set_latency(&self->dev, "write_latency_ns", MSEC);
	for (i = 0; i < 50; i++) {
		self->call.fn = poll_for_room;
		call_start(&self->call);
		EXPECT_EQ(1, write(fd, "a", 1));
		EXPECT_EQ(1, call_join(&self->call));
		EXPECT_EQ(POLLOUT, self->revents);
	}
	EXPECT_EQ(50, drain(&self->dev));
}

TEST_HARNESS_MAIN
