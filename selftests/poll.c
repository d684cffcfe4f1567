// SPDX-License-Identifier: GPL-2.0
/*
 * When a stream is ready, and who is told: poll, select and epoll.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "kselftest_harness.h"
#include "call_test.h"

#define SMALL	4096

/* Waits, for ever or not at all, for what is in @want; returns what is there. */
typedef int (*ready_fn)(int fd, int want, bool wait);

static int ready_poll(int fd, int want, bool wait)
{
	struct pollfd pollfd = { .fd = fd, .events = want };
	const struct timespec none = { 0 };

	syscall(SYS_ppoll, &pollfd, 1, wait ? NULL : &none, NULL, 8);
	return pollfd.revents;
}

static int ready_select(int fd, int want, bool wait)
{
	struct timespec none = { 0 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	if (want & POLLIN)
		FD_SET(fd, &in);
	if (want & POLLOUT)
		FD_SET(fd, &out);
	syscall(SYS_pselect6, fd + 1, &in, &out, NULL, wait ? NULL : &none, NULL);
	return (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0);
}

static int ready_epoll(int fd, int want, bool wait)
{
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = want };

	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	event.events = 0;
	syscall(SYS_epoll_pwait, set, &event, 1, wait ? -1 : 0, NULL, 8);
	close(set);
	return event.events;
}

FIXTURE(ready)
{
	struct device dev;
	int fd;
	unsigned char *buf;
	struct call call;
};

FIXTURE_VARIANT(ready)
{
	ready_fn fn;
	long nr;
};

FIXTURE_VARIANT_ADD(ready, poll) { .fn = ready_poll, .nr = SYS_ppoll };
FIXTURE_VARIANT_ADD(ready, select) { .fn = ready_select, .nr = SYS_pselect6 };
FIXTURE_VARIANT_ADD(ready, epoll) { .fn = ready_epoll, .nr = SYS_epoll_pwait };

FIXTURE_SETUP(ready)
{
	SETUP_DEVICE(&self->dev, "stream");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(2 * self->dev.size);
	fill_pattern(self->buf, 0, self->dev.size);
}

FIXTURE_TEARDOWN(ready)
{
	device_teardown(&self->dev);
}

#define BOTH		(POLLIN | POLLOUT)
#define READY(want)	variant->fn(self->fd, want, false)

/* A thread that waits until the device is ready, in @call->pos for what. */
static long wait_ready(struct call *call)
{
	ready_fn fn = call->buf;

	return fn(call->fd, call->pos, true);
}

static void start_waiting(FIXTURE_DATA(ready) *self, const FIXTURE_VARIANT(ready) *variant,
			  struct call *call, int want)
{
	*call = (struct call){
		.fn = wait_ready, .fd = self->fd, .buf = variant->fn, .pos = want,
	};
	call_start(call);
	wait_in_syscall(call, variant->nr);
}

TEST_F(ready, levels)
{
	EXPECT_EQ(POLLOUT, READY(BOTH));
	EXPECT_EQ(0, READY(POLLIN));
	ASSERT_EQ(1, write(self->fd, self->buf, 1));
	EXPECT_EQ(BOTH, READY(BOTH));
	EXPECT_EQ(BOTH, READY(BOTH));
	EXPECT_EQ(POLLIN, READY(POLLIN));
	EXPECT_EQ(1, drain(&self->dev));
	EXPECT_EQ(POLLOUT, READY(BOTH));
}

TEST_F(ready, room)
{
	ASSERT_TRUE(leave_room(self->fd, &self->dev, self->buf, SMALL));
	EXPECT_EQ(BOTH, READY(BOTH));
	ASSERT_EQ(1, write(self->fd, self->buf, 1));
	EXPECT_EQ(POLLIN, READY(BOTH));
	ASSERT_EQ(1, read(self->fd, self->buf, 1));
	EXPECT_EQ(BOTH, READY(BOTH));
}

TEST_F(ready, bytes_that_have_not_arrived)
{
	uint64_t written;
	int ready;

	set_latency(&self->dev, "read_latency_ns", 100 * MSEC);
	written = now_ns();
	ASSERT_EQ(1, write(self->fd, self->buf, 1));
	ready = READY(POLLIN);
	if (now_ns() - written < 100 * MSEC)
		EXPECT_EQ(0, ready);
	EXPECT_EQ(POLLIN, variant->fn(self->fd, POLLIN, true));
	EXPECT_LE(100 * MSEC, now_ns() - written);
	EXPECT_EQ(1, drain(&self->dev));
}

/* Asking for POLLOUT asks for the line, and it stays ready until a write. */
TEST_F(ready, line_that_is_not_ready)
{
	uint64_t begun = now_ns();

	set_latency(&self->dev, "write_latency_ns", 100 * MSEC);
	EXPECT_EQ(POLLOUT, variant->fn(self->fd, POLLOUT, true));
	EXPECT_LE(100 * MSEC, now_ns() - begun);
	EXPECT_EQ(POLLOUT, READY(BOTH));
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	EXPECT_EQ(POLLOUT, READY(BOTH));
	ASSERT_EQ(1, write(self->fd, self->buf, 1));
	EXPECT_EQ(POLLIN, READY(BOTH));
	set_latency(&self->dev, "write_latency_ns", 0);
	EXPECT_EQ(BOTH, READY(BOTH));
}

TEST_F(ready, write_wakes)
{
	start_waiting(self, variant, &self->call, POLLIN);
	ASSERT_EQ(1, write(self->fd, self->buf, 1));
	EXPECT_EQ(POLLIN, call_join(&self->call));
}

/* Less than 4096 bytes of room are not enough to wake anybody. */
TEST_F(ready, read_wakes)
{
	ASSERT_TRUE(leave_room(self->fd, &self->dev, self->buf, 0));
	start_waiting(self, variant, &self->call, POLLOUT);
	ASSERT_EQ(SMALL - 1, read(self->fd, self->buf, SMALL - 1));
	EXPECT_EQ(0, READY(POLLOUT));
	wait_in_syscall(&self->call, variant->nr);
	ASSERT_EQ(1, read(self->fd, self->buf, 1));
	EXPECT_EQ(POLLOUT, call_join(&self->call));
}

/* Many who wait for the same byte are all told of it. */
TEST_F(ready, write_wakes_all)
{
	struct call calls[4];
	int i;

	for (i = 0; i < 4; i++)
		start_waiting(self, variant, &calls[i], POLLIN);
	ASSERT_EQ(1, write(self->fd, self->buf, 1));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(POLLIN, call_join(&calls[i]));
}

/* A byte that goes to a reader who waits is not one that can be read. */
TEST_F(ready, bytes_of_another)
{
	struct call reader = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 100 };

	start_waiting(self, variant, &self->call, POLLIN);
	call_start(&reader);
	wait_pending(&self->dev, 1);
	ASSERT_EQ(1, write(self->fd, "a", 1));
	EXPECT_EQ(1, call_join(&reader));
	EXPECT_EQ(0, READY(POLLIN));
	wait_in_syscall(&self->call, variant->nr);
	EXPECT_FALSE(call_done(&self->call));
	ASSERT_EQ(1, write(self->fd, "b", 1));
	EXPECT_EQ(POLLIN, call_join(&self->call));
}

/* The rest of what a reader leaves can be. */
TEST_F(ready, bytes_that_another_leaves)
{
	struct call reader = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 4 };

	start_waiting(self, variant, &self->call, POLLIN);
	call_start(&reader);
	wait_pending(&self->dev, 1);
	ASSERT_EQ(10, write(self->fd, "0123456789", 10));
	EXPECT_EQ(4, call_join(&reader));
	EXPECT_EQ(POLLIN, call_join(&self->call));
	EXPECT_EQ(6, drain(&self->dev));
}

/* D-CR-5: when a writer gives up, whoever would have waited behind it is told. */
TEST_F(ready, writer_that_gives_up)
{
	struct call writer = { .fn = do_write, .fd = self->fd, .buf = self->buf };

	handle(SIGUSR1, 0);
	ASSERT_TRUE(leave_room(self->fd, &self->dev, self->buf, SMALL));
	writer.len = SMALL + 1;
	call_start(&writer);
	wait_pending(&self->dev, 1);
	EXPECT_EQ(POLLIN, READY(BOTH));
	start_waiting(self, variant, &self->call, POLLOUT);
	call_signal(&writer, SIGUSR1);
	EXPECT_EQ(-1, call_join(&writer));
	EXPECT_EQ(POLLOUT, call_join(&self->call));
}

TEST_F(ready, line_that_gets_ready_wakes)
{
	set_latency(&self->dev, "write_latency_ns", 50 * MSEC);
	start_waiting(self, variant, &self->call, POLLIN | POLLOUT);
	EXPECT_EQ(POLLOUT, call_join(&self->call));
	EXPECT_LE(50 * MSEC, self->call.ended - self->call.started);
}

/* ---- epoll's edge ---- */

static int edge(int set)
{
	struct epoll_event event = { 0 };

	return epoll_wait(set, &event, 1, 0) == 1 ? (int)event.events : 0;
}

TEST(edge_triggered)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct device dev;
	int fd, set = epoll_create1(EPOLL_CLOEXEC);
	char buf[100];

	SETUP_DEVICE(&dev, "stream");
	fd = open(dev.node, O_RDWR);
	ASSERT_EQ(0, epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
	EXPECT_EQ(0, edge(set));
	ASSERT_EQ(1, write(fd, "a", 1));
	EXPECT_EQ(EPOLLIN, edge(set));
	EXPECT_EQ(0, edge(set));
	ASSERT_EQ(1, write(fd, "b", 1));
	EXPECT_EQ(EPOLLIN, edge(set));
	EXPECT_EQ(0, edge(set));
	EXPECT_EQ(2, read(fd, buf, 100));
	EXPECT_EQ(0, edge(set));
	ASSERT_EQ(1, write(fd, "c", 1));
	EXPECT_EQ(EPOLLIN, edge(set));
	EXPECT_EQ(1, drain(&dev));
	device_teardown(&dev);
}

TEST_HARNESS_MAIN
