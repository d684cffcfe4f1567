// SPDX-License-Identifier: GPL-2.0
/*
 * How long a device takes: latencies of three kinds, bandwidth, and the seed.
 *
 * A request takes what was drawn for it or longer, never less; so what is
 * asserted of times are lower bounds and, with lots between them, orders.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"

#define MANY	16

FIXTURE(store)
{
	struct made made;
	int fd;
	char buf[65536];
};

FIXTURE_SETUP(store)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", "model=store;size=65536"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(store)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

static const struct {
	const char *knob;
	long (*fn)(struct call *call);
	long ret;
} ops[] = {
	{ "read_latency_ns", do_pread, 100 },
	{ "write_latency_ns", do_pwrite, 100 },
	{ "flush_latency_ns", do_fsync, 0 },
	{ "open_latency_ns", do_open, 0 },
	{ "control_latency_ns", do_info, 0 },
};

/* One call after the other. Return: nanoseconds for all of them, 0 if one fails. */
static uint64_t take_turns(const struct made *made, int fd, char *buf, size_t op, int count)
{
	struct call call = {
		.fn = ops[op].fn, .fd = fd, .path = made->dev.node, .buf = buf, .len = 100,
	};
	uint64_t begun = now_ns();
	long ret;

	while (count--) {
		ret = call.fn(&call);
		if (ret < ops[op].ret)
			return 0;
		if (call.fn == do_open)
			close(ret);
	}
	return now_ns() - begun;
}

/* Each operation has its own, and none of the others'. */
TEST_F(store, fixed)
{
	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
			ASSERT_EQ(0, knob_put(&self->made, ops[i].knob, i == op ? "20000000" : DAY));
		EXPECT_LE(3 * 20 * MSEC, take_turns(&self->made, self->fd, self->buf, op, 3))
			TH_LOG("%s", ops[op].knob);
	}
}

/* As the draws depend on nothing but the seed, so does the least sum of the times. */
TEST_F(store, uniform)
{
	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		ASSERT_EQ(0, knob_put(&self->made, ops[op].knob, "uniform 0 40000000"));
		ASSERT_EQ(0, knob_put(&self->made, "seed", "1"));
		EXPECT_LE(10 * 10 * MSEC, take_turns(&self->made, self->fd, self->buf, op, 10))
			TH_LOG("%s", ops[op].knob);
	}
}

TEST_F(store, exponential)
{
	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		ASSERT_EQ(0, knob_put(&self->made, ops[op].knob, "exponential 20000000"));
		ASSERT_EQ(0, knob_put(&self->made, "seed", "1"));
		EXPECT_LE(10 * 10 * MSEC, take_turns(&self->made, self->fd, self->buf, op, 10))
			TH_LOG("%s", ops[op].knob);
	}
}

/*
 * Has many reads begin at the same moment, and measures each. The draws are
 * made before, in the order of the reads.
 */
static void read_at_once(struct __test_metadata *_metadata, FIXTURE_DATA(store) *self,
			 const char *latency, const char *seed, uint64_t ns[MANY])
{
	struct call calls[MANY];
	uint64_t begun;

	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", latency));
	ASSERT_EQ(0, knob_put(&self->made, "seed", seed));
	ASSERT_EQ(0, knob_put(&self->made, "queue", "stop"));
	calls_start(&self->made, calls, MANY, (struct call){
		.fn = do_pread, .fd = self->fd, .buf = self->buf, .len = 1,
	});
	begun = now_ns();
	ASSERT_EQ(0, knob_put(&self->made, "queue", "start"));
	for (int i = 0; i < MANY; i++) {
		EXPECT_EQ(1, call_join(&calls[i]));
		ns[i] = calls[i].ended - begun;
	}
}

/* Pairs, of MANY * (MANY - 1) / 2 = 120, of which a and b do not agree which is first. */
static int disagreements(const uint64_t a[MANY], const uint64_t b[MANY])
{
	int count = 0;

	for (int i = 0; i < MANY; i++) {
		for (int j = 0; j < i; j++)
			count += (a[i] < a[j]) != (b[i] < b[j]);
	}
	return count;
}

static uint64_t least(const uint64_t ns[MANY])
{
	uint64_t min = ns[0];

	for (int i = 1; i < MANY; i++)
		min = ns[i] < min ? ns[i] : min;
	return min;
}

static uint64_t most(const uint64_t ns[MANY])
{
	uint64_t max = ns[0];

	for (int i = 1; i < MANY; i++)
		max = ns[i] > max ? ns[i] : max;
	return max;
}

/* The order in which requests of the same moment end is that of what was drawn. */
TEST_F(store, a_seed_repeats)
{
	static const char *const latencies[] = { "uniform 50000000 800000000", "exponential 250000000" };

	for (size_t i = 0; i < ARRAY_SIZE(latencies); i++) {
		uint64_t first[MANY], again[MANY], other[MANY];

		read_at_once(_metadata, self, latencies[i], "1", first);
		read_at_once(_metadata, self, latencies[i], "1", again);
		read_at_once(_metadata, self, latencies[i], "2", other);
		EXPECT_GT(30, disagreements(first, again));
		EXPECT_LT(30, disagreements(first, other));
	}
}

TEST_F(store, a_uniform_one_has_two_ends)
{
	uint64_t ns[MANY];

	read_at_once(_metadata, self, "uniform 100000000 500000000", "3", ns);
	EXPECT_LE(100 * MSEC, least(ns));
	EXPECT_LE(350 * MSEC, most(ns));
	/* If all took the longest, there would be none of the others in between. */
	EXPECT_LE(150 * MSEC, most(ns) - least(ns));
}

/* Some take much longer than the mean: neither a fixed nor a uniform one does that. */
TEST_F(store, an_exponential_one_has_a_tail)
{
	uint64_t ns[MANY], sum = 0;

	read_at_once(_metadata, self, "exponential 150000000", "3", ns);
	for (int i = 0; i < MANY; i++)
		sum += ns[i];
	EXPECT_LE(MANY * 75 * MSEC, sum);
	EXPECT_LE(300 * MSEC, most(ns));
}

TEST_F(store, change_holds_for_later_requests)
{
	struct call slow = { .fn = do_pread, .fd = self->fd, .buf = self->buf, .len = 1 };
	struct call fast = slow;

	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", DAY));
	call_start(&slow);
	wait_state(&self->made, &slow, "started");
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "1"));
	call_start(&fast);
	EXPECT_EQ(1, call_join(&fast));
	EXPECT_STREQ("started", request_of(&self->made, &slow).state);
	EXPECT_EQ(0, config_put(&self->made, "live", "0"));
	EXPECT_EQ(-1, call_join(&slow));
	EXPECT_EQ(ENODEV, slow.err);
}

/* ---- bandwidth ---- */

TEST_F(store, bandwidth)
{
	uint64_t begun;

	ASSERT_EQ(0, knob_put(&self->made, "bandwidth", "100000"));
	begun = now_ns();
	EXPECT_EQ(10000, pread(self->fd, self->buf, 10000, 0));
	EXPECT_LE(100 * MSEC, now_ns() - begun);
	begun = now_ns();
	EXPECT_EQ(10000, pwrite(self->fd, self->buf, 10000, 0));
	EXPECT_LE(100 * MSEC, now_ns() - begun);
	/* It comes on top of the latency. */
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "50000000"));
	begun = now_ns();
	EXPECT_EQ(10000, pread(self->fd, self->buf, 10000, 0));
	EXPECT_LE(150 * MSEC, now_ns() - begun);
}

/* What moves no bytes takes none of it, and what is cut short only its share. */
TEST_F(store, bandwidth_is_for_bytes_that_move)
{
	int fd;

	ASSERT_EQ(0, knob_put(&self->made, "bandwidth", "1"));
	EXPECT_EQ(0, fsync(self->fd));
	fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	EXPECT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, knob_put(&self->made, "bandwidth", "1000"));
	ASSERT_EQ(0, knob_put(&self->made, "faults", "read short=10 next=1"));
	EXPECT_EQ(10, pread(self->fd, self->buf, sizeof(self->buf), 0));
}

/* Of each channel: those who share one wait for each other. */
TEST_F(store, bandwidth_of_a_channel)
{
	struct call calls[3];
	uint64_t begun = now_ns();

	ASSERT_EQ(0, knob_put(&self->made, "bandwidth", "100000"));
	ASSERT_EQ(0, knob_put(&self->made, "channels", "1"));
	ASSERT_EQ(0, knob_put(&self->made, "queue", "stop"));
	calls_start(&self->made, calls, 3, (struct call){
		.fn = do_pread, .fd = self->fd, .buf = self->buf, .len = 5000,
	});
	begun = now_ns();
	ASSERT_EQ(0, knob_put(&self->made, "queue", "start"));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(5000, call_join(&calls[i]));
		EXPECT_LE((i + 1) * 50 * MSEC, calls[i].ended - begun);
	}
}

FIXTURE(stream)
{
	struct made made;
	int fd;
	char buf[65536];
};

FIXTURE_SETUP(stream)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", "model=stream"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(stream)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

/* Of the line: what comes later is behind what came before, however short it is. */
TEST_F(stream, bandwidth)
{
	uint64_t begun = now_ns();

	ASSERT_EQ(0, knob_put(&self->made, "bandwidth", "50000"));
	memset(self->buf, 'a', 5000);
	ASSERT_EQ(5000, write(self->fd, self->buf, 5000));
	ASSERT_EQ(500, write(self->fd, memset(self->buf, 'b', 500), 500));
	EXPECT_EQ(5000, read(self->fd, self->buf, 5000));
	EXPECT_LE(100 * MSEC, now_ns() - begun);
	EXPECT_EQ(NULL, memchr(self->buf, 'b', 5000));
	EXPECT_EQ(500, read(self->fd, self->buf, 5000));
	EXPECT_LE(110 * MSEC, now_ns() - begun);
	EXPECT_EQ('b', self->buf[0]);
}

/* Whatever was drawn for each. */
TEST_F(stream, bytes_do_not_overtake)
{
	uint64_t begun;
	char c;

	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "uniform 0 100000000"));
	begun = now_ns();
	for (int i = 0; i < MANY; i++) {
		c = 'a' + i;
		ASSERT_EQ(1, write(self->fd, &c, 1));
	}
	for (int i = 0; i < MANY; i++) {
		EXPECT_EQ(1, read(self->fd, &c, 1));
		EXPECT_EQ('a' + i, c);
	}
	/* The last is not there before the one that takes longest. */
	EXPECT_LE(50 * MSEC, now_ns() - begun);
}

TEST_F(stream, a_write_takes_its_latency)
{
	uint64_t begun;
	char c = 'a';

	ASSERT_EQ(0, knob_put(&self->made, "write_latency_ns", "uniform 0 40000000"));
	ASSERT_EQ(0, knob_put(&self->made, "seed", "1"));
	begun = now_ns();
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(1, write(self->fd, &c, 1));
	EXPECT_LE(10 * 10 * MSEC, now_ns() - begun);
}

TEST_HARNESS_MAIN
