// SPDX-License-Identifier: GPL-2.0
/*
 * A store above another one: its requests go down, and so do their cancels.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"

#define SIZE	65536

/* In configfs, a device above another one. */
static int make_above(struct made *made, const char *label, const char *settings,
		      const struct made *lower)
{
	int err = device_plan(made, label, settings);

	err = err ? err : config_put(made, "lower", lower->dev.name);
	return err ? err : device_go_live(made);
}

FIXTURE(stacked)
{
	struct made lower, upper;
	struct counters lower_before, upper_before;
	struct call call;
	int fd;
	unsigned char buf[SIZE];
};

FIXTURE_SETUP(stacked)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->lower, "lower", "model=store;size=65536"));
	ASSERT_EQ(0, make_above(&self->upper, "upper", "model=store", &self->lower));
	self->fd = open(self->upper.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	fill_pattern(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	memset(self->buf, 0, SIZE);
	self->call = (struct call){
		.fn = do_pread, .fd = self->fd, .buf = self->buf, .len = 1000, .pos = 5,
	};
	self->lower_before = counters_see(&self->lower);
	self->upper_before = counters_see(&self->upper);
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(stacked)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->upper));
	EXPECT_EQ(0, device_unmake(&self->lower));
}

#define LOWER(knob, value)	ASSERT_EQ(0, knob_put(&self->lower, knob, value))
#define UPPER(knob, value)	ASSERT_EQ(0, knob_put(&self->upper, knob, value))
#define EXPECT_LOWER(text)	EXPECT_STREQ(text, counters_since(&self->lower, &self->lower_before))
#define EXPECT_UPPER(text)	EXPECT_STREQ(text, counters_since(&self->upper, &self->upper_before))

/* Has the call begin, and waits until it is started below. */
static void begin(FIXTURE_DATA(stacked) *self)
{
	call_start(&self->call);
	wait_until(in_state(&self->lower, "started") == 1);
}

TEST_F(stacked, the_bytes_are_those_below)
{
	int fd = open(self->lower.dev.node, O_RDWR | O_CLOEXEC);

	EXPECT_STREQ(self->lower.dev.name, knob_get(&self->upper, "lower"));
	EXPECT_STREQ("", knob_get(&self->lower, "lower"));
	/* A size that was not set is that of the device below. */
	EXPECT_EQ(SIZE, self->upper.dev.size);
	EXPECT_EQ(SIZE, pread(fd, self->buf, SIZE, 0));
	EXPECT_TRUE(is_pattern(self->buf, 0, SIZE));
	EXPECT_EQ(3, pwrite(fd, "abc", 3, 60000));
	EXPECT_EQ(3, pread(self->fd, self->buf, 3, 60000));
	EXPECT_EQ(0, memcmp("abc", self->buf, 3));
	close(fd);
}

TEST_F(stacked, a_request_goes_down)
{
	struct seen above[2], below[2];

	LOWER("read_latency_ns", DAY);
	begin(self);
	ASSERT_EQ(1, requests_see(&self->upper, above, 2));
	ASSERT_EQ(1, requests_see(&self->lower, below, 2));
	EXPECT_STREQ("started", above[0].state);
	EXPECT_EQ(self->call.tid, above[0].tid);
	EXPECT_EQ(0, above[0].part_of);
	EXPECT_STREQ("read", below[0].op);
	EXPECT_EQ(1000, below[0].bytes);
	EXPECT_EQ(above[0].id, below[0].part_of);
	EXPECT_EQ(0, below[0].tid);
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_UPPER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_LOWER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
}

/* First above, then below. */
TEST_F(stacked, both_take_their_time)
{
	uint64_t begun = now_ns();

	UPPER("read_latency_ns", "40000000");
	LOWER("read_latency_ns", "40000000");
	EXPECT_EQ(1000, do_pread(&self->call));
	EXPECT_LE(80 * MSEC, now_ns() - begun);
	EXPECT_TRUE(is_pattern(self->buf, 5, 1000));
	EXPECT_UPPER("1 done, 0 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_LOWER("1 done, 0 cancelled, 0 failed, 0 pending, 0 late");
}

TEST_F(stacked, a_flush_goes_down)
{
	LOWER("flush_latency_ns", DAY);
	self->call.fn = do_fsync;
	begin(self);
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_LOWER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
}

/* What was sent down keeps its channel, whether it went at once or was served above first. */
TEST_F(stacked, a_channel_is_kept)
{
	static const char *const latencies[] = { "0", "1000000" };

	UPPER("channels", "1");
	LOWER("read_latency_ns", DAY);
	for (int i = 0; i < 2; i++) {
		struct call second = self->call;

		UPPER("read_latency_ns", latencies[i]);
		begin(self);
		call_start(&second);
		wait_state(&self->upper, &second, "queued");
		EXPECT_EQ(1, pending(&self->lower.dev));
		call_signal(&self->call, SIGUSR1);
		EXPECT_EQ(-1, call_join(&self->call));
		wait_until(in_state(&self->lower, "started") == 1);
		EXPECT_STREQ("started", request_of(&self->upper, &second).state);
		call_signal(&second, SIGUSR1);
		EXPECT_EQ(-1, call_join(&second));
	}
	EXPECT_LOWER("0 done, 4 cancelled, 0 failed, 0 pending, 0 late");
}

/* ---- what a cancel meets is for the device below to say ---- */

TEST_F(stacked, a_slow_lower)
{
	uint64_t asked;

	LOWER("cancel", "slow");
	LOWER("abort_latency_ns", "50000000");
	LOWER("read_latency_ns", DAY);
	begin(self);
	asked = now_ns();
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_LE(50 * MSEC, self->call.ended - asked);
	EXPECT_UPPER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_LOWER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
}

TEST_F(stacked, a_stubborn_lower)
{
	LOWER("cancel", "once-started-never");
	LOWER("read_latency_ns", "1000000000");
	begin(self);
	call_signal(&self->call, SIGUSR1);
	wait_until(in_cancel(&self->lower));
	EXPECT_EQ(1, in_cancel(&self->upper));
	EXPECT_FALSE(call_done(&self->call));
	EXPECT_EQ(1000, call_join(&self->call));
	EXPECT_TRUE(is_pattern(self->buf, 5, 1000));
	EXPECT_UPPER("1 done, 0 cancelled, 0 failed, 0 pending, 1 late");
	EXPECT_LOWER("1 done, 0 cancelled, 0 failed, 0 pending, 1 late");
}

TEST_F(stacked, a_stubborn_upper)
{
	UPPER("cancel", "once-started-never");
	LOWER("read_latency_ns", DAY);
	begin(self);
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_UPPER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_LOWER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
}

/* A stubborn upper is on its way still: then what it sends down ends there at once. */
TEST_F(stacked, cancelled_before_it_is_sent)
{
	UPPER("cancel", "once-started-never");
	UPPER("read_latency_ns", "3000000000");
	LOWER("read_latency_ns", DAY);
	call_start(&self->call);
	wait_state(&self->upper, &self->call, "started");
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_LE(3000 * MSEC, self->call.ended - self->call.started);
	EXPECT_UPPER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_LOWER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
}

/* ---- faults ---- */

TEST_F(stacked, faults_below)
{
	LOWER("faults", "read error=EREMOTEIO next=1");
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(EREMOTEIO, errno);
	EXPECT_UPPER("0 done, 0 cancelled, 1 failed, 0 pending, 0 late");
	LOWER("faults", "read short=100 next=1");
	EXPECT_EQ(100, do_pread(&self->call));
	EXPECT_UPPER("1 done, 0 cancelled, 1 failed, 0 pending, 0 late");
	EXPECT_LOWER("1 done, 0 cancelled, 1 failed, 0 pending, 0 late");
}

TEST_F(stacked, faults_above)
{
	/* What fails above does not get down. */
	UPPER("faults", "read error=EIO next=1");
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(EIO, errno);
	EXPECT_LOWER("0 done, 0 cancelled, 0 failed, 0 pending, 0 late");
	UPPER("faults", "read short=100 next=1");
	EXPECT_EQ(100, do_pread(&self->call));
	EXPECT_EQ(0, self->buf[100]);
	/* And its channel is free again. */
	UPPER("channels", "1");
	EXPECT_EQ(1000, do_pread(&self->call));
	EXPECT_UPPER("2 done, 0 cancelled, 1 failed, 0 pending, 0 late");
}

/* ---- split and stacked ---- */

TEST_F(stacked, split_above_and_below)
{
	struct seen seen[16];

	UPPER("split", "1000");
	LOWER("split", "300");
	LOWER("read_latency_ns", DAY);
	self->call.len = 2000;
	call_start(&self->call);
	/* Two parts, each of which is split below into four. */
	wait_until(in_state(&self->lower, "started") == 10);
	EXPECT_EQ(3, requests_see(&self->upper, seen, 16));
	ASSERT_EQ(10, requests_see(&self->lower, seen, 16));
	EXPECT_EQ(1000, seen[0].bytes);
	EXPECT_EQ(300, seen[1].bytes);
	EXPECT_EQ(seen[0].id, seen[1].part_of);
	EXPECT_EQ(100, seen[4].bytes);
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_UPPER("0 done, 3 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_LOWER("0 done, 10 cancelled, 0 failed, 0 pending, 0 late");
}

TEST_F(stacked, split_bytes)
{
	UPPER("split", "1000");
	LOWER("split", "300");
	EXPECT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_TRUE(is_pattern(self->buf, 0, SIZE));
	/* The third part of the second: 1000 and two of 300. */
	LOWER("faults", "read short=1000000 next=6");
	LOWER("faults", "read error=EIO next=1");
	self->call.len = 3000;
	EXPECT_EQ(1600, do_pread(&self->call));
	/* The longest is that of who splits most finely. */
	LOWER("split", "2");
	UPPER("split", "0");
	EXPECT_EQ(2048, pread(self->fd, self->buf, 5000, 0));
}

/* ---- removal ---- */

TEST_F(stacked, the_lower_is_removed)
{
	struct call second = self->call;

	LOWER("cancel", "once-started-never");
	LOWER("channels", "1");
	LOWER("read_latency_ns", DAY);
	begin(self);
	call_start(&second);
	wait_pending(&self->lower.dev, 2);
	EXPECT_EQ(0, config_put(&self->lower, "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ENODEV, self->call.err);
	EXPECT_EQ(-1, call_join(&second));
	EXPECT_EQ(ENODEV, second.err);
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, do_pwrite(&self->call));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_UPPER("0 done, 0 cancelled, 4 failed, 0 pending, 0 late");
	/* What is above does not keep its place. */
	ASSERT_EQ(0, device_go_live(&self->lower));
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(ENODEV, errno);
}

TEST_F(stacked, the_upper_is_removed)
{
	LOWER("read_latency_ns", DAY);
	begin(self);
	EXPECT_EQ(0, config_put(&self->upper, "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_TRUE(self->call.err == ECANCELED || self->call.err == ENODEV);
	EXPECT_LOWER("0 done, 1 cancelled, 0 failed, 0 pending, 0 late");
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(ENODEV, errno);
}

/* ---- which devices can be below ---- */

FIXTURE(below)
{
	struct made devs[5];
};

FIXTURE_SETUP(below)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->devs[0], "0", "model=store;size=4096"));
	ASSERT_EQ(0, device_plan(&self->devs[1], "1", "model=store"));
}

FIXTURE_TEARDOWN(below)
{
	for (int i = 4; i >= 0; i--) {
		if (self->devs[i].dir[0])
			EXPECT_EQ(0, device_unmake(&self->devs[i]));
	}
}

#define LIVE_ABOVE(name)							\
	(config_put(&self->devs[1], "lower", name) ?: device_go_live(&self->devs[1]))

TEST_F(below, nobody)
{
	EXPECT_EQ(-ENODEV, LIVE_ABOVE("cancelio255"));
	EXPECT_EQ(-ENODEV, LIVE_ABOVE("x"));
	/* It is a device's name, not a directory's. */
	EXPECT_EQ(-ENODEV, LIVE_ABOVE("stacked.0"));
	EXPECT_STREQ("0", config_get(&self->devs[1], "live"));
	/* "" takes it back. */
	EXPECT_EQ(0, LIVE_ABOVE("\n"));
	EXPECT_STREQ("", knob_get(&self->devs[1], "lower"));
}

TEST_F(below, bad_names)
{
	ASSERT_EQ(0, config_put(&self->devs[1], "lower", "123456789012345"));
	EXPECT_EQ(-EINVAL, config_put(&self->devs[1], "lower", "1234567890123456"));
	EXPECT_EQ(-EINVAL, config_put(&self->devs[1], "lower", "a\nb"));
	EXPECT_EQ(-EINVAL, config_put(&self->devs[1], "lower", "a\n\n"));
	EXPECT_STREQ("123456789012345", config_get(&self->devs[1], "lower"));
}

TEST_F(below, one_that_was_removed)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", self->devs[0].dev.name);
	ASSERT_EQ(0, config_put(&self->devs[0], "live", "0"));
	EXPECT_EQ(-ENODEV, LIVE_ABOVE(name));
}

TEST_F(below, only_a_store_and_for_a_store)
{
	ASSERT_EQ(0, config_put(&self->devs[1], "model", "stream"));
	ASSERT_EQ(0, config_put(&self->devs[1], "size", "4096"));
	EXPECT_EQ(-EINVAL, LIVE_ABOVE(self->devs[0].dev.name));
	ASSERT_EQ(0, config_put(&self->devs[1], "model", "store"));
	ASSERT_EQ(0, device_make(&self->devs[2], "2", "model=stream"));
	EXPECT_EQ(-EINVAL, LIVE_ABOVE(self->devs[2].dev.name));
	EXPECT_STREQ("0", config_get(&self->devs[1], "live"));
	EXPECT_EQ(0, LIVE_ABOVE(self->devs[0].dev.name));
}

TEST_F(below, not_a_smaller_one)
{
	ASSERT_EQ(0, config_put(&self->devs[1], "size", "4097"));
	EXPECT_EQ(-EINVAL, LIVE_ABOVE(self->devs[0].dev.name));
	ASSERT_EQ(0, config_put(&self->devs[1], "size", "1000"));
	EXPECT_EQ(0, LIVE_ABOVE(self->devs[0].dev.name));
	EXPECT_EQ(1000, self->devs[1].dev.size);
}

/* Four, one above the other, and the bytes are at the bottom. */
TEST_F(below, depth)
{
	char label[8], text[4] = "";
	int fd;

	ASSERT_EQ(0, LIVE_ABOVE(self->devs[0].dev.name));
	for (int i = 2; i < 4; i++) {
		snprintf(label, sizeof(label), "%d", i);
		ASSERT_EQ(0, make_above(&self->devs[i], label, "model=store", &self->devs[i - 1]));
	}
	EXPECT_EQ(-EINVAL, make_above(&self->devs[4], "4", "model=store", &self->devs[3]));
	fd = open(self->devs[3].dev.node, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(3, pwrite(fd, "abc", 3, 7));
	close(fd);
	fd = open(self->devs[0].dev.node, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(3, pread(fd, text, 3, 7));
	EXPECT_STREQ("abc", text);
	close(fd);
}

TEST_HARNESS_MAIN
