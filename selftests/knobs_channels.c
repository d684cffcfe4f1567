// SPDX-License-Identifier: GPL-2.0
/*
 * How many requests a device serves at once, and how many an open file may have.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"

#define MANY	6

FIXTURE(store)
{
	struct made made;
	struct call like;
	struct call calls[MANY];
	struct counters before;
	char byte;
};

FIXTURE_SETUP(store)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", "model=store;size=65536"));
	self->like = (struct call){ .fn = do_pread, .buf = &self->byte, .len = 1 };
	self->like.fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->like.fd);
	self->before = counters_see(&self->made);
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(store)
{
	close(self->like.fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

/* 's' for each request that is started, 'q' for one that waits, '-' for one that is not there. */
static const char *states(const FIXTURE_DATA(store) *self)
{
	static char text[MANY + 1];
	int i;

	for (i = 0; i < MANY; i++) {
		text[i] = self->calls[i].tid ?
			  request_of(&self->made, &self->calls[i]).state[0] : '-';
		text[i] = text[i] ? text[i] : '-';
	}
	return text;
}

static void cancel(struct __test_metadata *_metadata, struct call *call)
{
	call_signal(call, SIGUSR1);
	EXPECT_EQ(-1, call_join(call));
	EXPECT_EQ(EINTR, call->err);
}

/* ---- channels ---- */

TEST_F(store, channels)
{
	struct seen seen;

	ASSERT_EQ(0, knob_put(&self->made, "channels", "2"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	calls_start(&self->made, self->calls, MANY, self->like);
	EXPECT_STREQ("ssqqqq", states(self));
	seen = request_of(&self->made, &self->calls[5]);
	EXPECT_TRUE(seen.cancelable);
	EXPECT_FALSE(seen.canceled);
	/* More channels serve what waits at once; fewer take nothing back. */
	ASSERT_EQ(0, knob_put(&self->made, "channels", "4"));
	EXPECT_STREQ("ssssqq", states(self));
	ASSERT_EQ(0, knob_put(&self->made, "channels", "3"));
	EXPECT_STREQ("ssssqq", states(self));
	cancel(_metadata, &self->calls[0]);
	EXPECT_STREQ("-sssqq", states(self));
	cancel(_metadata, &self->calls[2]);
	EXPECT_STREQ("-s-ssq", states(self));
	cancel(_metadata, &self->calls[5]);
	EXPECT_STREQ("-s-ss-", states(self));
	cancel(_metadata, &self->calls[1]);
	cancel(_metadata, &self->calls[3]);
	cancel(_metadata, &self->calls[4]);
	EXPECT_STREQ("0 done, 6 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(store, who_share_a_channel_wait_for_each_other)
{
	uint64_t begun;

	ASSERT_EQ(0, knob_put(&self->made, "channels", "1"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "30000000"));
	ASSERT_EQ(0, knob_put(&self->made, "queue", "stop"));
	calls_start(&self->made, self->calls, 3, self->like);
	begun = now_ns();
	ASSERT_EQ(0, knob_put(&self->made, "queue", "start"));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(1, call_join(&self->calls[i]));
		EXPECT_LE((i + 1) * 30 * MSEC, self->calls[i].ended - begun);
	}
}

/* ---- stuck channels ---- */

TEST_F(store, a_stuck_channel_parks_what_it_gets)
{
	struct seen seen;

	ASSERT_EQ(0, knob_put(&self->made, "channels", "2"));
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "1"));
	calls_start(&self->made, self->calls, 1, self->like);
	/* It waits, though nothing takes any time and a channel is free; others go by. */
	EXPECT_EQ(1, do_pread(&self->like));
	EXPECT_EQ(1, do_pread(&self->like));
	seen = request_of(&self->made, &self->calls[0]);
	EXPECT_STREQ("queued", seen.state);
	EXPECT_TRUE(seen.cancelable);
	cancel(_metadata, &self->calls[0]);
	/* The channel is as stuck as before. */
	calls_start(&self->made, self->calls, 1, self->like);
	EXPECT_EQ(1, do_pread(&self->like));
	EXPECT_STREQ("q-----", states(self));
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "0"));
	EXPECT_EQ(1, call_join(&self->calls[0]));
	EXPECT_STREQ("4 done, 1 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
}

/* However stubborn the device is: it has given the request back. */
TEST_F(store, a_stuck_request_can_always_be_cancelled)
{
	ASSERT_EQ(0, knob_put(&self->made, "cancel", "once-started-never"));
	ASSERT_EQ(0, knob_put(&self->made, "channels", "1"));
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "1"));
	calls_start(&self->made, self->calls, 2, self->like);
	cancel(_metadata, &self->calls[0]);
	EXPECT_STREQ("-q----", states(self));
	cancel(_metadata, &self->calls[1]);
}

/* What was stuck waits anew where it was: before all that came later. */
TEST_F(store, stuck_requests_get_their_places_back)
{
	ASSERT_EQ(0, knob_put(&self->made, "channels", "2"));
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "2"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	calls_start(&self->made, self->calls, 4, self->like);
	EXPECT_STREQ("qqqq--", states(self));
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "1"));
	EXPECT_STREQ("sqqq--", states(self));
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "0"));
	EXPECT_STREQ("ssqq--", states(self));
	EXPECT_EQ(0, config_put(&self->made, "live", "0"));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(-1, call_join(&self->calls[i]));
		EXPECT_EQ(ENODEV, self->calls[i].err);
	}
}

TEST_F(store, stuck_requests_end_with_the_device)
{
	ASSERT_EQ(0, knob_put(&self->made, "stuck", "1"));
	calls_start(&self->made, self->calls, 1, self->like);
	EXPECT_EQ(0, config_put(&self->made, "live", "0"));
	EXPECT_EQ(-1, call_join(&self->calls[0]));
	EXPECT_EQ(ENODEV, self->calls[0].err);
}

/* ---- max_pending ---- */

/* Has the open file have as many requests as it may, two. */
static void fill_up(struct __test_metadata *_metadata, FIXTURE_DATA(store) *self)
{
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	ASSERT_EQ(0, knob_put(&self->made, "max_pending", "2"));
	calls_start(&self->made, self->calls, 2, self->like);
}

TEST_F(store, max_pending_or_eagain)
{
	int other = open(self->made.dev.node, O_RDWR | O_CLOEXEC);

	/* What takes no time is never outstanding. */
	ASSERT_EQ(0, knob_put(&self->made, "write_latency_ns", "1"));
	fcntl(self->like.fd, F_SETFL, O_NONBLOCK);
	fill_up(_metadata, self);
	EXPECT_EQ(-1, do_pread(&self->like));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, do_pwrite(&self->like));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, fsync(self->like.fd));
	EXPECT_EQ(EAGAIN, errno);
	/* Another open file is another matter. */
	EXPECT_EQ(1, pwrite(other, "a", 1, 0));
	close(other);
	/* Whatever ends makes room. */
	cancel(_metadata, &self->calls[0]);
	EXPECT_EQ(1, do_pwrite(&self->like));
	cancel(_metadata, &self->calls[1]);
}

TEST_F(store, max_pending_or_wait)
{
	fill_up(_metadata, self);
	self->calls[2] = self->like;
	call_start(&self->calls[2]);
	wait_in_syscall(&self->calls[2], SYS_pread64);
	EXPECT_STREQ("ss----", states(self));
	EXPECT_FALSE(call_done(&self->calls[2]));
	cancel(_metadata, &self->calls[1]);
	wait_state(&self->made, &self->calls[2], "started");
	EXPECT_EQ(2, pending(&self->made.dev));
	cancel(_metadata, &self->calls[0]);
	cancel(_metadata, &self->calls[2]);
}

TEST_F(store, waiting_for_room_is_interruptible)
{
	struct counters before;

	fill_up(_metadata, self);
	before = counters_see(&self->made);
	self->calls[2] = self->like;
	call_start(&self->calls[2]);
	wait_in_syscall(&self->calls[2], SYS_pread64);
	cancel(_metadata, &self->calls[2]);
	EXPECT_STREQ("0 done, 0 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &before));
	cancel(_metadata, &self->calls[0]);
	cancel(_metadata, &self->calls[1]);
}

/* A caller who was killed has left a request, and the place that it takes. */
TEST_F(store, a_request_that_was_left_behind_counts)
{
	pid_t pid;

	ASSERT_EQ(0, knob_put(&self->made, "cancel", "once-started-never"));
	ASSERT_EQ(0, knob_put(&self->made, "max_pending", "1"));
	ASSERT_EQ(0, knob_put(&self->made, "write_latency_ns", "1"));
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "3000000000"));
	pid = child_start(&self->like, -2);
	wait_until(in_state(&self->made, "started") == 1);
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	EXPECT_EQ(1, do_pwrite(&self->like));
	EXPECT_STREQ("2 done, 0 cancelled, 0 failed, 0 pending, 1 late",
		     counters_since(&self->made, &self->before));
}

FIXTURE(stream)
{
	struct made made;
	int fd;
};

FIXTURE_SETUP(stream)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", "model=stream;max_pending=1"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(stream)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

/* Only those who wait are counted: a write that has room goes by. */
TEST_F(stream, max_pending)
{
	char byte[2] = { 0 };
	struct call calls[2] = {
		{ .fn = do_read, .fd = self->fd, .buf = &byte[0], .len = 1 },
		{ .fn = do_read, .fd = self->fd, .buf = &byte[1], .len = 1 },
	};

	call_start(&calls[0]);
	wait_pending(&self->made.dev, 1);
	call_start(&calls[1]);
	wait_in_syscall(&calls[1], SYS_read);
	EXPECT_EQ(1, pending(&self->made.dev));
	EXPECT_EQ(1, write(self->fd, "a", 1));
	EXPECT_EQ(1, call_join(&calls[0]));
	EXPECT_EQ('a', byte[0]);
	wait_pending(&self->made.dev, 1);
	EXPECT_FALSE(call_done(&calls[1]));
	EXPECT_EQ(1, write(self->fd, "b", 1));
	EXPECT_EQ(1, call_join(&calls[1]));
	EXPECT_EQ('b', byte[1]);
}

TEST_HARNESS_MAIN
