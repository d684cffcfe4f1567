// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits because an open file has as many requests as it may has none of its
 * own yet, and is reached all the same by whatever would end one.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define WAITERS	3

FIXTURE(quota)
{
	struct device dev;
	int fd;
	char buf[WAITERS + 1];
	struct call has;
	struct call waits[WAITERS];
};

FIXTURE_VARIANT(quota)
{
	const char *model;
	/* The calls that wait. */
	long (*fn)(struct call *call);
	long nr;
	/* Who has the room keeps it, whoever asks. */
	bool stubborn;
};

FIXTURE_VARIANT_ADD(quota, stream) { "stream", do_read, SYS_read };
FIXTURE_VARIANT_ADD(quota, store) { "store", do_read, SYS_read };
FIXTURE_VARIANT_ADD(quota, flush) { "store", do_fsync, SYS_fsync };
FIXTURE_VARIANT_ADD(quota, stream_stubborn) { "stream", do_read, SYS_read, true };
FIXTURE_VARIANT_ADD(quota, store_stubborn) { "store", do_read, SYS_read, true };

/* One has what there is, and the others wait for it. */
FIXTURE_SETUP(quota)
{
	MAKE_DEVICE(&self->dev, "quota", variant->model);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	set_latency(&self->dev, "flush_latency_ns", FOREVER);
	if (variant->stubborn)
		ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&self->dev, "max_pending", "1"));
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->has = (struct call){ .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 1 };
	call_start(&self->has);
	wait_state(&self->dev, "started", 1);
	for (int i = 0; i < WAITERS; i++) {
		self->waits[i] = self->has;
		self->waits[i].fn = variant->fn;
		self->waits[i].buf = &self->buf[i + 1];
		call_start(&self->waits[i]);
		wait_in_syscall(&self->waits[i], variant->nr);
	}
	ASSERT_EQ(1, pending(&self->dev));
}

FIXTURE_TEARDOWN(quota)
{
	device_unmake("quota");
}

#define EXPECT_ENDS(error, call)		\
	do {					\
		EXPECT_EQ(-1, call_join(call));	\
		EXPECT_EQ(error, (call)->err);	\
	} while (0)

TEST_F(quota, close)
{
	ASSERT_EQ(0, close(self->fd));
	for (int i = 0; i < WAITERS; i++)
		EXPECT_ENDS(ECANCELED, &self->waits[i]);
	EXPECT_EQ(variant->stubborn, pending(&self->dev));
	if (variant->stubborn)
		ASSERT_EQ(0, config_put("quota", "live", "0"));
	EXPECT_ENDS(variant->stubborn ? ENODEV : ECANCELED, &self->has);
}

/* Who has another descriptor of it goes on waiting. */
TEST_F(quota, close_of_one_of_two)
{
	int other = dup(self->fd);

	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(1, pending(&self->dev));
	ASSERT_EQ(0, set(&self->dev, "max_pending", "2"));
	wait_state(&self->dev, "started", 2);
	for (int i = 0; i < WAITERS; i++)
		EXPECT_FALSE(call_done(&self->waits[i]));
	EXPECT_EQ(0, close(other));
}

TEST_F(quota, more)
{
	ASSERT_EQ(0, set(&self->dev, "max_pending", "2"));
	wait_state(&self->dev, "started", 2);
	ASSERT_EQ(0, set(&self->dev, "max_pending", "16777216"));
	wait_state(&self->dev, "started", WAITERS + 1);
}

TEST_F(quota, removal)
{
	ASSERT_EQ(0, config_put("quota", "live", "0"));
	EXPECT_ENDS(ENODEV, &self->has);
	for (int i = 0; i < WAITERS; i++)
		EXPECT_ENDS(ENODEV, &self->waits[i]);
}

TEST_F(quota, signal)
{
	handle(SIGUSR1, 0);
	for (int i = 0; i < WAITERS; i++) {
		call_signal(&self->waits[i], SIGUSR1);
		EXPECT_ENDS(EINTR, &self->waits[i]);
	}
	EXPECT_FALSE(call_done(&self->has));
	EXPECT_EQ(1, pending(&self->dev));
}

/* The room's request is with the device below, which keeps it: nobody else wakes who waits. */
TEST(removal_of_who_has_sent_a_request_down)
{
	struct device lower, upper;
	char bytes[2];
	struct call has = { .fn = do_read, .buf = &bytes[0], .len = 1 }, waits;

	MAKE_DEVICE(&lower, "quota_lower", "store");
	SKIP_FOR(device_make(&upper, "quota", "store", &lower));
	ASSERT_EQ(0, set(&lower, "cancel", "once-started-never"));
	set_latency(&lower, "read_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&upper, "max_pending", "1"));
	has.fd = open(upper.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, has.fd);
	call_start(&has);
	wait_state(&lower, "started", 1);
	waits = has;
	waits.buf = &bytes[1];
	call_start(&waits);
	wait_in_syscall(&waits, SYS_read);
	ASSERT_EQ(0, config_put("quota", "live", "0"));
	EXPECT_ENDS(ENODEV, &waits);
	EXPECT_FALSE(call_done(&has));
	ASSERT_EQ(0, config_put("quota_lower", "live", "0"));
	EXPECT_ENDS(ENODEV, &has);
	close(has.fd);
	device_unmake("quota");
	device_unmake("quota_lower");
}

TEST_HARNESS_MAIN
