// SPDX-License-Identifier: GPL-2.0
/*
 * The counters add up at every moment, whatever is done to a device.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define WORKERS		6
#define STORM_NS	(700 * MSEC)

/* What a storm's threads share. */
static struct storm {
	struct device dev;
	int fd;
	volatile bool over;
} storm;

struct results {
	unsigned long long calls, done, cancelled, failed;
};

FIXTURE(counted)
{
	struct call workers[WORKERS], cancellers[2];
	struct results results[WORKERS];
};

FIXTURE_VARIANT(counted)
{
	const char *model;
	const char *mode;
	bool split;
};

FIXTURE_VARIANT_ADD(counted, store_prompt) { "store", "prompt" };
FIXTURE_VARIANT_ADD(counted, store_slow) { "store", "slow" };
FIXTURE_VARIANT_ADD(counted, store_poll) { "store", "poll" };
FIXTURE_VARIANT_ADD(counted, store_never) { "store", "once-started-never" };
FIXTURE_VARIANT_ADD(counted, store_split) { "store", "prompt", true };
FIXTURE_VARIANT_ADD(counted, stream_prompt) { "stream", "prompt" };
FIXTURE_VARIANT_ADD(counted, stream_slow) { "stream", "slow" };

FIXTURE_SETUP(counted)
{
	MAKE_DEVICE(&storm.dev, "storm", variant->model);
	storm.fd = open(storm.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, storm.fd);
	ASSERT_EQ(0, set(&storm.dev, "cancel", variant->mode));
	ASSERT_EQ(0, set(&storm.dev, "read_latency_ns", "exponential 1000000"));
	ASSERT_EQ(0, set(&storm.dev, "write_latency_ns", "uniform 0 2000000"));
	ASSERT_EQ(0, set(&storm.dev, "abort_latency_ns", "uniform 0 2000000"));
	ASSERT_EQ(0, set(&storm.dev, "poll_interval_ns", "500000"));
	ASSERT_EQ(0, set(&storm.dev, "race_window_ns", "20000"));
	ASSERT_EQ(0, set(&storm.dev, "faults", "read,write error=EIO rate=100000"));
	if (variant->split)
		ASSERT_EQ(0, set(&storm.dev, "split", "100"));
	if (!strcmp(variant->model, "store"))
		ASSERT_EQ(0, set(&storm.dev, "channels", "3"));
}

FIXTURE_TEARDOWN(counted)
{
	device_unmake("storm");
}

/* Reads and writes until the storm is over. A stream is fed as much as it is read. */
static long do_work(struct call *call)
{
	struct results *r = call->buf;
	char buf[1000] = "";
	ssize_t n;

	for (; !storm.over; r->calls++) {
		if ((r->calls + call->len) & 1)
			n = pwrite(storm.fd, buf, sizeof(buf), 0);
		else
			n = pread(storm.fd, buf, sizeof(buf), 0);
		if (n == -1 && errno == ESPIPE)
			n = (r->calls + call->len) & 1 ? write(storm.fd, buf, sizeof(buf)) :
							 read(storm.fd, buf, sizeof(buf));
		r->done += n >= 0;
		r->cancelled += n == -1 && errno == ECANCELED;
		r->failed += n == -1 && errno != ECANCELED;
	}
	return 0;
}

static long do_cancel(struct call *call)
{
	long found = 0, n;

	for (; !storm.over; sched_yield()) {
		n = cancel_by(storm.fd, CANCELIO_BY_DEVICE, 0);
		if (n > 0)
			found += n;
		/* Let some of them come through. */
		pause_a_bit();
		pause_a_bit();
	}
	return found;
}

static void check_sample(struct __test_metadata *_metadata, struct counters *before)
{
	struct counters c = counters(&storm.dev);

	ASSERT_TRUE(adds_up(&c));
	/* All but the pending ones only grow. */
	ASSERT_LE(before->accepted, c.accepted);
	ASSERT_LE(before->completed, c.completed);
	ASSERT_LE(before->cancelled, c.cancelled);
	ASSERT_LE(before->failed, c.failed);
	ASSERT_LE(before->late, c.late);
	*before = c;
}

TEST_F(counted, storm)
{
	struct results sum = { 0 };
	struct counters c = { 0 };
	uint64_t begun = now_ns();

	for (int i = 0; i < WORKERS; i++) {
		self->workers[i] = (struct call){ .fn = do_work, .buf = &self->results[i], .len = i };
		call_start(&self->workers[i]);
	}
	for (int i = 0; i < 2; i++) {
		self->cancellers[i] = (struct call){ .fn = do_cancel };
		call_start(&self->cancellers[i]);
	}
	while (now_ns() - begun < STORM_NS || !c.cancelled || !c.failed)
		check_sample(_metadata, &c);
	storm.over = true;
	for (int i = 0; i < 2; i++)
		EXPECT_LT(0, call_join(&self->cancellers[i]));
	/* Who is in a call still waits for what no longer comes. */
	for (int i = 0; i < WORKERS; i++) {
		while (!call_done(&self->workers[i])) {
			cancel_by(storm.fd, CANCELIO_BY_DEVICE, 0);
			pause_a_bit();
		}
		call_join(&self->workers[i]);
		sum.calls += self->results[i].calls;
		sum.done += self->results[i].done;
		sum.cancelled += self->results[i].cancelled;
		sum.failed += self->results[i].failed;
	}
	wait_pending(&storm.dev, 0);
	c = counters(&storm.dev);
	EXPECT_TRUE(adds_up(&c));
	EXPECT_EQ(sum.calls, sum.done + sum.cancelled + sum.failed);
	/* Nobody is asked for but by cancel here, and each was counted as it ended. */
	EXPECT_EQ(c.cancelled + c.late, cancel_to_end(&storm.dev));
	if (!strcmp(variant->model, "store") && !variant->split) {
		/* Each call was one request; and there was the open. */
		EXPECT_EQ(sum.calls + 1, c.accepted);
		EXPECT_EQ(sum.done + 1, c.completed);
		EXPECT_EQ(sum.cancelled, c.cancelled);
		EXPECT_EQ(sum.failed, c.failed);
	}
	TH_LOG("%llu requests: %llu cancelled, %llu failed, %llu late", c.accepted, c.cancelled,
	       c.failed, c.late);
}

TEST_HARNESS_MAIN
