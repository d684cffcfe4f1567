// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody polls for comes when it has looked, and does not sleep yet.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "kselftest_harness.h"
#include "stall_test.h"

#define LEN	4096

FIXTURE(poller)
{
	struct device dev;
	unsigned char buf[LEN];
	struct call call;
	int other;
};

FIXTURE_VARIANT(poller)
{
	short events;
};

FIXTURE_VARIANT_ADD(poller, in) { POLLIN };
FIXTURE_VARIANT_ADD(poller, out) { POLLOUT };

static long do_poll_held(struct call *call)
{
	struct pollfd pollfd = { .fd = call->fd, .events = (short)call->pos };

	pin(CPU_HELD);
	return poll(&pollfd, 1, -1) == 1 ? pollfd.revents : -1;
}

static void fill(int fd, const void *buf)
{
	while (write(fd, buf, LEN) > 0)
		;
}

FIXTURE_SETUP(poller)
{
	SKIP_FOR(stall_setup(false));
	MAKE_DEVICE(&self->dev, "forced", "stream");
	self->other = open(self->dev.node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	self->call = (struct call){ .fn = do_poll_held, .pos = variant->events };
	self->call.fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->call.fd);
	if (variant->events == POLLOUT)
		fill(self->other, self->buf);
}

FIXTURE_TEARDOWN(poller)
{
	stall_open_all();
	device_unmake("forced");
}

TEST_F(poller, misses_nothing)
{
	ssize_t moved;

	ASSERT_EQ(0, stall_hold("polled", 1));
	call_start(&self->call);
	stall_wait_held("polled");
	if (variant->events == POLLIN)
		moved = write(self->other, self->buf, LEN);
	else
		moved = read(self->other, self->buf, LEN);
	EXPECT_EQ(LEN, moved);
	EXPECT_TRUE(stall_is("polled", "held"));
	ASSERT_EQ(0, stall_open("polled"));
	EXPECT_EQ(variant->events, call_join(&self->call));
}

TEST_HARNESS_MAIN
