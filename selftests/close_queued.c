// SPDX-License-Identifier: GPL-2.0
/*
 * What a close does to requests that wait: on a device that lets nothing go
 * once it has begun, they end all the same, and only they.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

FIXTURE(queued)
{
	struct device dev;
	int fd, other;
	char buf[3][8];
};

/* @knob: why requests wait; @first: one is served, and the others wait behind it */
FIXTURE_VARIANT(queued)
{
	const char *model, *knob, *value;
	bool first;
};

FIXTURE_VARIANT_ADD(queued, behind_another) { "store", "channels", "1", true };
FIXTURE_VARIANT_ADD(queued, stuck) { "store", "stuck", "64" };
FIXTURE_VARIANT_ADD(queued, stopped_store) { "store", "queue", "stop" };
FIXTURE_VARIANT_ADD(queued, stopped_stream) { "stream", "queue", "stop" };

FIXTURE_SETUP(queued)
{
	MAKE_DEVICE(&self->dev, "close_queued", variant->model);
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&self->dev, variant->knob, variant->value));
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", FOREVER));
	self->fd = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	self->other = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(queued)
{
	device_unmake("close_queued");
}

static struct call reading(FIXTURE_DATA(queued) *self, int i, int fd)
{
	return (struct call){ .fn = do_read, .fd = fd, .buf = self->buf[i], .len = 8 };
}

static bool is_asked(const struct device *dev, int tid)
{
	struct seen seen[4];
	size_t n = see(dev, seen, 4);

	for (size_t i = 0; i < n; i++) {
		if (seen[i].tid == tid)
			return !strcmp(seen[i].canceled, "yes");
	}
	abort();
}

TEST_F(queued, ends)
{
	struct call first = reading(self, 0, self->fd);
	struct call mine = reading(self, 1, self->fd), others = reading(self, 2, self->other);

	if (variant->first) {
		call_start(&first);
		wait_state(&self->dev, "started", 1);
	}
	call_start(&mine);
	wait_state(&self->dev, "queued", 1);
	call_start(&others);
	wait_state(&self->dev, "queued", 2);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-1, call_join(&mine));
	EXPECT_EQ(ECANCELED, mine.err);
	EXPECT_FALSE(is_asked(&self->dev, others.tid));
	EXPECT_FALSE(call_done(&others));
	/* What has begun is asked, too, and does as its device does. */
	if (variant->first) {
		EXPECT_TRUE(is_asked(&self->dev, first.tid));
		EXPECT_FALSE(call_done(&first));
	}
	EXPECT_EQ(1, counters(&self->dev).cancelled);
	EXPECT_EQ(1 + variant->first, pending(&self->dev));
}

/* Who has no request yet, for want of room, waits for one that stays. */
TEST(who_waits_for_room)
{
	struct call calls[2];
	struct device dev;
	char buf[2][8];
	int fd;

	MAKE_DEVICE(&dev, "close_queued", "store");
	ASSERT_EQ(0, set(&dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&dev, "max_pending", "1"));
	ASSERT_EQ(0, set_latency(&dev, "read_latency_ns", FOREVER));
	fd = open(dev.node, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (int i = 0; i < 2; i++) {
		calls[i] = (struct call){ .fn = do_read, .fd = fd, .buf = buf[i], .len = 8 };
		call_start(&calls[i]);
		wait_in_syscall(&calls[i], SYS_read);
		wait_state(&dev, "started", 1);
	}
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-1, call_join(&calls[1]));
	EXPECT_EQ(ECANCELED, calls[1].err);
	EXPECT_FALSE(call_done(&calls[0]));
	device_unmake("close_queued");
}

TEST_HARNESS_MAIN
