// SPDX-License-Identifier: GPL-2.0
/*
 * A call that a signal interrupts and the kernel restarts keeps its place
 * among those who wait.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "call_test.h"

#define CALLS		3
/* Transfers that a store serves at once. */
#define CHANNELS	64

FIXTURE(place)
{
	struct device dev;
	int fd;
	unsigned char bytes[CALLS];
	struct call calls[CALLS];
};

FIXTURE_SETUP(place)
{
	int i;

	SETUP_DEVICE(&self->dev, "stream");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	for (i = 0; i < CALLS; i++)
		self->calls[i] = (struct call){ .fd = self->fd, .buf = &self->bytes[i], .len = 1 };
	handle(SIGUSR1, SA_RESTART);
}

FIXTURE_TEARDOWN(place)
{
	device_teardown(&self->dev);
}

static void start_in_order(FIXTURE_DATA(place) *self, long (*fn)(struct call *call))
{
	int i;

	for (i = 0; i < CALLS; i++) {
		self->calls[i].fn = fn;
		call_start(&self->calls[i]);
		wait_pending(&self->dev, i + 1);
	}
}

/* Until the call waits again. */
static void restart(FIXTURE_DATA(place) *self, struct call *call)
{
	int before = handled;

	call_signal(call, SIGUSR1);
	wait_until(handled > before);
	wait_pending(&self->dev, CALLS);
}

TEST_F(place, of_a_reader)
{
	int i;

	start_in_order(self, do_read);
	restart(self, &self->calls[0]);
	restart(self, &self->calls[1]);
	restart(self, &self->calls[0]);
	for (i = 0; i < CALLS; i++) {
		ASSERT_EQ(1, write(self->fd, "abc" + i, 1));
		EXPECT_EQ(1, call_join(&self->calls[i]));
		EXPECT_EQ('a' + i, self->bytes[i]);
	}
}

TEST_F(place, of_a_writer)
{
	unsigned char *rest = malloc(self->dev.size);
	int i;

	ASSERT_EQ(self->dev.size, write(self->fd, rest, self->dev.size));
	memcpy(self->bytes, "abc", CALLS);
	start_in_order(self, do_write);
	restart(self, &self->calls[0]);
	restart(self, &self->calls[1]);
	ASSERT_EQ(self->dev.size, read(self->fd, rest, self->dev.size));
	for (i = 0; i < CALLS; i++) {
		EXPECT_EQ(1, call_join(&self->calls[i]));
		ASSERT_EQ(1, read(self->fd, rest, 1));
		EXPECT_EQ('a' + i, rest[0]);
	}
	free(rest);
}

/* Two reads of one thread: what the first was interrupted in gives the second nothing. */
static long read_twice(struct call *call)
{
	long ret = read(call->fd, call->buf, call->len);

	if (ret != -1 || errno != EINTR)
		return -1;
	return read(call->fd, call->buf, call->len);
}

TEST_F(place, is_lost_by_calling_again)
{
	static const int order[] = { 1, 2, 0 };
	int i;

	handle(SIGUSR1, 0);
	start_in_order(self, do_read);
	call_signal(&self->calls[0], SIGUSR1);
	ASSERT_EQ(-1, call_join(&self->calls[0]));
	EXPECT_EQ(EINTR, self->calls[0].err);
	wait_pending(&self->dev, 2);
	self->calls[0].fn = read_twice;
	call_start(&self->calls[0]);
	wait_pending(&self->dev, CALLS);
	call_signal(&self->calls[0], SIGUSR1);
	wait_until(handled == 2);
	wait_pending(&self->dev, CALLS);
	for (i = 0; i < CALLS; i++) {
		ASSERT_EQ(1, write(self->fd, "abc" + i, 1));
		EXPECT_EQ(1, call_join(&self->calls[order[i]]));
		EXPECT_EQ('a' + i, self->bytes[order[i]]);
	}
}

/*
 * A transfer that waits for a channel, restarted while a newer one waits
 * behind it: when a channel gets free, it is served, and the newer one then
 * keeps that channel for ever.
 */
TEST(place_of_a_transfer)
{
	struct call busy[CHANNELS], older, newer;
	unsigned char bytes[CHANNELS + 2];
	struct device dev;
	int fd, i;

	SETUP_DEVICE(&dev, "store");
	fd = open(dev.node, O_RDWR);
	ASSERT_LE(0, fd);
	handle(SIGUSR1, SA_RESTART);
	handle(SIGUSR2, 0);

	set_latency(&dev, "read_latency_ns", FOREVER);
	for (i = 0; i < CHANNELS; i++) {
		busy[i] = (struct call){ .fn = do_pread, .fd = fd, .buf = &bytes[i], .len = 1 };
		call_start(&busy[i]);
	}
	wait_pending(&dev, CHANNELS);
	older = newer = busy[0];
	older.buf = &bytes[CHANNELS];
	newer.buf = &bytes[CHANNELS + 1];
	call_start(&older);
	wait_pending(&dev, CHANNELS + 1);
	call_start(&newer);
	wait_pending(&dev, CHANNELS + 2);

	/* Once restarted, the older one needs no time but that for a channel. */
	set_latency(&dev, "read_latency_ns", 0);
	call_signal(&older, SIGUSR1);
	wait_until(handled == 1);
	wait_pending(&dev, CHANNELS + 2);
	call_signal(&busy[0], SIGUSR2);
	EXPECT_EQ(-1, call_join(&busy[0]));
	EXPECT_EQ(1, call_join(&older));

	EXPECT_EQ(CHANNELS, pending(&dev));
	call_signal(&newer, SIGUSR2);
	EXPECT_EQ(-1, call_join(&newer));
	for (i = 1; i < CHANNELS; i++) {
		call_signal(&busy[i], SIGUSR2);
		EXPECT_EQ(-1, call_join(&busy[i]));
	}
	EXPECT_EQ(0, pending(&dev));
	device_teardown(&dev);
}

/* What it has waited can only make it shorter. */
TEST(restarted_call_takes_no_longer_than_a_new_one)
{
	struct device dev;
	unsigned char byte;
	struct call call = { .fn = do_pread, .buf = &byte, .len = 1 };

	SETUP_DEVICE(&dev, "store");
	call.fd = open(dev.node, O_RDWR);
	ASSERT_LE(0, call.fd);
	handle(SIGUSR1, SA_RESTART);
	set_latency(&dev, "read_latency_ns", FOREVER);
	call_start(&call);
	wait_pending(&dev, 1);
	set_latency(&dev, "read_latency_ns", 0);
	EXPECT_EQ(1, pending(&dev));
	call_signal(&call, SIGUSR1);
	EXPECT_EQ(1, call_join(&call));
	device_teardown(&dev);
}

TEST_HARNESS_MAIN
