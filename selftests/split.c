// SPDX-License-Identifier: GPL-2.0
/*
 * A store that serves a big request in parts.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"

#define SIZE	65536
#define SEEN	64

FIXTURE(split)
{
	struct made made;
	struct counters before;
	struct call call;
	int fd;
	unsigned char buf[SIZE];
	unsigned char medium[SIZE];
};

FIXTURE_SETUP(split)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", "model=store;size=65536;split=1000"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	fill_pattern(self->medium, 0, SIZE);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->medium, SIZE, 0));
	self->call = (struct call){
		.fn = do_pread, .fd = self->fd, .buf = self->buf, .len = 2500, .pos = 100,
	};
	self->before = counters_see(&self->made);
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(split)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

#define RULE(text)	ASSERT_EQ(0, knob_put(&self->made, "faults", text))

/* A rule that lets so many parts pass: a short one that is not shorter than they are. */
#define PASS(count)	RULE("read,write short=1000000 next=" count)

/* ---- how a request is split ---- */

TEST_F(split, parts_of_a_master)
{
	static const unsigned long long lengths[] = { 2500, 1000, 1000, 500 };
	struct seen seen[SEEN];

	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	call_start(&self->call);
	wait_until(in_state(&self->made, "started") == 4);
	ASSERT_EQ(4, requests_see(&self->made, seen, SEEN));
	for (int i = 0; i < 4; i++) {
		EXPECT_STREQ("read", seen[i].op);
		EXPECT_EQ(lengths[i], seen[i].bytes);
		EXPECT_EQ(i ? seen[0].id : 0, seen[i].part_of);
		/* The master is somebody's, its parts are the device's own affair. */
		EXPECT_EQ(i ? 0 : self->call.tid, seen[i].tid);
	}
	wait_until((requests_see(&self->made, seen, SEEN), seen[0].cancelable));
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_STREQ("0 done, 4 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(split, only_what_is_longer)
{
	EXPECT_EQ(1000, pread(self->fd, self->buf, 1000, 0));
	EXPECT_STREQ("1 done, 0 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
	EXPECT_EQ(1001, pread(self->fd, self->buf, 1001, 0));
	EXPECT_STREQ("4 done, 0 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
	/* A flush has no bytes; and 0 splits nothing. */
	EXPECT_EQ(0, fsync(self->fd));
	ASSERT_EQ(0, knob_put(&self->made, "split", "0"));
	EXPECT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_STREQ("6 done, 0 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(split, all_bytes_are_moved)
{
	ASSERT_EQ(0, knob_put(&self->made, "split", "999"));
	EXPECT_EQ(SIZE - 7, pread(self->fd, self->buf, SIZE, 7));
	EXPECT_TRUE(is_pattern(self->buf, 7, SIZE - 7));
	fill_pattern(self->buf, 3, SIZE);
	EXPECT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	ASSERT_EQ(0, knob_put(&self->made, "split", "0"));
	EXPECT_EQ(SIZE, pread(self->fd, self->medium, SIZE, 0));
	EXPECT_TRUE(is_pattern(self->medium, 3, SIZE));
}

/* Parts are served at once, or as there are channels. */
TEST_F(split, parts_share_the_channels)
{
	uint64_t begun;

	ASSERT_EQ(0, knob_put(&self->made, "channels", "2"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "20000000"));
	begun = now_ns();
	EXPECT_EQ(6000, pread(self->fd, self->buf, 6000, 0));
	EXPECT_LE(3 * 20 * MSEC, now_ns() - begun);

	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	self->call.len = 5000;
	call_start(&self->call);
	wait_pending(&self->made.dev, 6);
	/* The master takes none of them. */
	wait_until(in_state(&self->made, "started") == 3);
	EXPECT_EQ(3, in_state(&self->made, "queued"));
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_STREQ("7 done, 6 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

/* 1024 parts at most: a read gives what they can be for, a write goes on. */
TEST_F(split, many_parts)
{
	ASSERT_EQ(0, knob_put(&self->made, "split", "2"));
	EXPECT_EQ(2048, pread(self->fd, self->buf, 5000, 0));
	EXPECT_TRUE(is_pattern(self->buf, 0, 2048));
	EXPECT_STREQ("1025 done, 0 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
	fill_pattern(self->buf, 9, 5000);
	EXPECT_EQ(5000, pwrite(self->fd, self->buf, 5000, 0));
	EXPECT_EQ(2048, pread(self->fd, self->medium, 5000, 5000 - 2048));
	EXPECT_TRUE(is_pattern(self->medium, 9 + 5000 - 2048, 2048));
}

/* ---- what a master has done when not all parts were ---- */

/* Begins the call, cancels it when @left of its parts hang and the others are done. */
static long cancel_some(FIXTURE_DATA(split) *self, int left)
{
	call_start(&self->call);
	wait_until(in_state(&self->made, "started") == 1 + left && pending(&self->made.dev) == 1 + left);
	call_signal(&self->call, SIGUSR1);
	return call_join(&self->call);
}

TEST_F(split, a_cancelled_read_tells_what_is_done)
{
	PASS("2");
	RULE("read hang next=1");
	EXPECT_EQ(2000, cancel_some(self, 1));
	EXPECT_TRUE(is_pattern(self->buf, 100, 2000));
	EXPECT_EQ(0, self->buf[2000]);
	EXPECT_STREQ("3 done, 1 cancelled, 0 failed, 0 pending, 1 late",
		     counters_since(&self->made, &self->before));
}

/* Those behind a part that is not done do not count, though they are done. */
TEST_F(split, a_gap_ends_what_is_done)
{
	PASS("1");
	RULE("read hang next=1");
	EXPECT_EQ(1000, cancel_some(self, 1));
	EXPECT_TRUE(is_pattern(self->buf, 100, 1000));
	EXPECT_EQ(0, self->buf[1000]);
}

TEST_F(split, nothing_done_is_cancelled)
{
	RULE("read hang next=1");
	EXPECT_EQ(-1, cancel_some(self, 1));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_EQ(0, self->buf[0]);
	EXPECT_STREQ("2 done, 2 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(split, a_cancelled_write_has_written_what_it_tells)
{
	static const struct { const char *pass; long done; } some[] = { { "1", 1000 }, { "2", 2000 } };

	self->call.fn = do_pwrite;
	memset(self->buf, 0xff, SIZE);
	for (int i = 0; i < 2; i++) {
		char rule[64];

		snprintf(rule, sizeof(rule), "write short=1000000 next=%s", some[i].pass);
		RULE(rule);
		RULE("write hang next=1");
		EXPECT_EQ(some[i].done, cancel_some(self, 1));
		EXPECT_EQ(SIZE, pread(self->fd, self->medium, SIZE, 0));
		EXPECT_TRUE(is_pattern(self->medium, 0, 100));
		EXPECT_EQ(0, memcmp(self->medium + 100, self->buf, some[i].done));
		EXPECT_TRUE(is_pattern(self->medium + 100 + some[i].done, 100 + some[i].done,
				       SIZE - 100 - some[i].done));
	}
}

TEST_F(split, parts_that_fail)
{
	RULE("read error=EIO next=1");
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(EIO, errno);
	PASS("1");
	RULE("read error=EIO next=1");
	EXPECT_EQ(1000, do_pread(&self->call));
	PASS("1");
	RULE("read short=10 next=1");
	EXPECT_EQ(1010, do_pread(&self->call));
	/* Of several errors the first one is told. */
	RULE("read error=EROFS next=1");
	RULE("read error=EIO next=2");
	EXPECT_EQ(-1, do_pread(&self->call));
	EXPECT_EQ(EROFS, errno);
	EXPECT_STREQ("9 done, 0 cancelled, 7 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

/* ---- stubborn parts ---- */

TEST_F(split, the_master_ends_when_its_last_part_has)
{
	uint64_t asked;

	ASSERT_EQ(0, knob_put(&self->made, "cancel", "slow"));
	ASSERT_EQ(0, knob_put(&self->made, "abort_latency_ns", "50000000"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	call_start(&self->call);
	wait_until(in_state(&self->made, "started") == 4);
	asked = now_ns();
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_LE(50 * MSEC, self->call.ended - asked);
	EXPECT_STREQ("0 done, 4 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(split, stubborn_parts_are_done)
{
	ASSERT_EQ(0, knob_put(&self->made, "cancel", "once-started-never"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "1000000000"));
	call_start(&self->call);
	wait_until(in_state(&self->made, "started") == 4);
	call_signal(&self->call, SIGUSR1);
	wait_until(in_cancel(&self->made) == 4);
	EXPECT_EQ(2500, call_join(&self->call));
	EXPECT_TRUE(is_pattern(self->buf, 100, 2500));
	EXPECT_STREQ("4 done, 0 cancelled, 0 failed, 0 pending, 4 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(split, parts_end_with_the_device)
{
	ASSERT_EQ(0, knob_put(&self->made, "cancel", "once-started-never"));
	ASSERT_EQ(0, knob_put(&self->made, "channels", "1"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	call_start(&self->call);
	wait_pending(&self->made.dev, 4);
	wait_until(in_state(&self->made, "started") == 2);
	EXPECT_EQ(0, config_put(&self->made, "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ENODEV, self->call.err);
	EXPECT_EQ(-1, pread(self->fd, self->buf, 1, 0));
	EXPECT_EQ(ENODEV, errno);
}

TEST_HARNESS_MAIN
