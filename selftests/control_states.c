// SPDX-License-Identifier: GPL-2.0
/*
 * What the ioctls say of requests in each state, and that parts of requests
 * are nobody's to name.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define STARTED		CANCELIO_STATE_STARTED
#define CANCELABLE	CANCELIO_STATE_CANCELABLE
#define CANCELED	CANCELIO_STATE_CANCELED

FIXTURE(states)
{
	struct device dev;
	int fd;
	char buf[8];
};

FIXTURE_SETUP(states)
{
	MAKE_DEVICE(&self->dev, "states", "store");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
}

FIXTURE_TEARDOWN(states)
{
	device_unmake("states");
}

/* The state of the one request that there is. */
static int state_of_one(FIXTURE_DATA(states) *self)
{
	struct cancelio_request_info info;
	int err = next_request(self->fd, 0, &info);

	return err ? err : (int)info.state;
}

TEST_F(states, operations)
{
	static const char *const latencies[] = {
		"open_latency_ns", "read_latency_ns", "write_latency_ns", "flush_latency_ns",
		"control_latency_ns",
	};
	struct call calls[] = {
		{ .fn = do_open, .path = self->dev.node },
		{ .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 3 },
		{ .fn = do_write, .fd = self->fd, .buf = self->buf, .len = 5 },
		{ .fn = do_fsync, .fd = self->fd },
		{ .fn = do_info, .fd = self->fd },
	};
	struct cancelio_request_info info;

	for (int i = 0; i < 5; i++) {
		set_latency(&self->dev, latencies[i], FOREVER);
		call_start(&calls[i]);
		wait_pending(&self->dev, 1);
		ASSERT_EQ(0, next_request(self->fd, 0, &info));
		EXPECT_EQ(CANCELIO_OP_OPEN + i, info.op);
		EXPECT_EQ(calls[i].len, info.length);
		EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_THREAD, calls[i].tid));
		EXPECT_EQ(-1, call_join(&calls[i]));
		EXPECT_EQ(ECANCELED, calls[i].err);
	}
}

TEST_F(states, of_a_started_request)
{
	static const struct {
		const char *mode;
		unsigned int before;
	} modes[] = {
		{ "prompt", STARTED | CANCELABLE },
		{ "slow", STARTED | CANCELABLE },
		{ "poll", STARTED },
		{ "once-started-never", STARTED },
	};

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	set_latency(&self->dev, "abort_latency_ns", FOREVER);
	set_latency(&self->dev, "poll_interval_ns", FOREVER);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 1 };

		ASSERT_EQ(0, set(&self->dev, "cancel", modes[i].mode));
		call_start(&call);
		wait_state(&self->dev, "started", 1);
		EXPECT_EQ(modes[i].before, state_of_one(self));
		EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
		if (i == 0) {
			call_join(&call);
			EXPECT_EQ(-ENOENT, state_of_one(self));
			continue;
		}
		EXPECT_EQ(STARTED | CANCELED, state_of_one(self));
		/* It does not end before the device does. */
		config_put("states", "live", "0");
		EXPECT_EQ(-1, call_join(&call));
		EXPECT_EQ(ENODEV, call.err);
		close(self->fd);
		ASSERT_EQ(0, device_live(&self->dev, "states"));
		self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
		set_latency(&self->dev, "read_latency_ns", FOREVER);
		set_latency(&self->dev, "abort_latency_ns", FOREVER);
		set_latency(&self->dev, "poll_interval_ns", FOREVER);
	}
}

/* Whatever the device does with those that it has started. */
TEST_F(states, of_a_waiting_request)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 1 };

	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&self->dev, "queue", "stop"));
	call_start(&call);
	wait_state(&self->dev, "queued", 1);
	EXPECT_EQ(CANCELABLE, state_of_one(self));
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
}

/* On a channel that is stuck it waits again. */
TEST_F(states, of_a_stuck_request)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 1 };

	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&self->dev, "stuck", "1"));
	call_start(&call);
	wait_state(&self->dev, "queued", 1);
	wait_until(state_of_one(self) == CANCELABLE);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
}

TEST_F(states, parts_are_not_to_be_named)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 8 };
	struct cancelio_request_info info;
	struct seen seen[5];

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&self->dev, "split", "2"));
	call_start(&call);
	wait_state(&self->dev, "started", 5);
	ASSERT_EQ(5, see(&self->dev, seen, 5));
	for (int i = 1; i < 5; i++) {
		EXPECT_EQ(seen[0].id, seen[i].part_of);
		EXPECT_EQ(-ENOENT, cancel_by(self->fd, CANCELIO_BY_ID, seen[i].id));
	}
	EXPECT_EQ(5, count_state(&self->dev, "started", "yes"));
	ASSERT_EQ(0, next_request(self->fd, 0, &info));
	EXPECT_EQ(seen[0].id, info.id);
	EXPECT_EQ(8, info.length);
	EXPECT_EQ(-ENOENT, next_request(self->fd, info.id, &info));
	/* A part has no process, and 0 is none. */
	EXPECT_EQ(-ENOENT, cancel_by(self->fd, CANCELIO_BY_PROCESS, 0));
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_DEVICE, 0));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
	EXPECT_EQ(5, counters(&self->dev).cancelled);
}

/* Nor is what another device has sent down: the upper one's has to be named. */
TEST_F(states, sent_down)
{
	struct call call = { .fn = do_read, .buf = self->buf, .len = 8 };
	struct device upper;

	SKIP_FOR(device_make(&upper, "upper", "store", &self->dev));
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	call.fd = open(upper.node, O_RDWR | O_CLOEXEC);
	call_start(&call);
	wait_pending(&self->dev, 1);
	EXPECT_EQ(-ENOENT, cancel_by(self->fd, CANCELIO_BY_ID, 1));
	EXPECT_EQ(-ENOENT, cancel_by(self->fd, CANCELIO_BY_DEVICE, 0));
	EXPECT_EQ(-ENOENT, state_of_one(self));
	EXPECT_EQ(1, cancel_by(call.fd, CANCELIO_BY_DEVICE, 0));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
	EXPECT_EQ(0, pending(&self->dev));
	device_unmake("upper");
}

TEST_HARNESS_MAIN
