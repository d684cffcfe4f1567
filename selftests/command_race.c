// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of io_uring that are cancelled and done at the same moment, again and
 * again, and counted: each ends once, as the one who won says.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"

#define WINDOW	"50000"
#define ROUNDS	400
#define BATCH	8
/* Bytes for each batch of a line's reads. */
#define GIVEN	4

FIXTURE(race)
{
	struct device dev;
	struct ring ring, asks;
	/* The reads are of the first. */
	int fd, other;
	struct counters before;
	/* What became of them, and what those who cancelled were told. */
	unsigned int done, cancelled, reached;
};

FIXTURE_VARIANT(race)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(race, stream) { "stream" };
FIXTURE_VARIANT_ADD(race, store) { "store" };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(race)
{
	MAKE_DEVICE(&self->dev, "race", variant->model);
	SETUP_RING(&self->ring, 0);
	SETUP_RING(&self->asks, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	self->other = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, set(&self->dev, "race_window_ns", WINDOW));
	ASSERT_EQ(0, set(&self->dev, "read_latency_ns",
			 STORE ? "uniform 1000 1500000" : "uniform 0 200000"));
	self->before = counters(&self->dev);
}

FIXTURE_TEARDOWN(race)
{
	struct counters after = counters(&self->dev);

	/* Each was told what happened. */
	EXPECT_EQ(0, after.pending);
	EXPECT_EQ(self->cancelled, after.cancelled - self->before.cancelled);
	EXPECT_TRUE(adds_up(&after));
	EXPECT_LT(0, self->done);
	EXPECT_LT(0, self->cancelled);
	ring_close(&self->asks);
	ring_close(&self->ring);
	device_unmake("race");
}

/* Tells what became of a batch, of which each has ended. */
static bool count_batch(FIXTURE_DATA(race) *self, int count, int len)
{
	settle(&self->ring);
	for (int i = 0; i < count; i++) {
		if (self->ring.count[i] != 1)
			return false;
		if (self->ring.res[i] == len)
			self->done++;
		else if (self->ring.res[i] == -ECANCELED)
			self->cancelled++;
		else
			return false;
	}
	return true;
}

/* Bytes of a line, each once: those that were read, and those that are left. */
static bool each_byte_once(FIXTURE_DATA(race) *self, unsigned char first, int count)
{
	unsigned int seen[256] = { 0 };
	unsigned char left;

	for (int i = 0; i < BATCH; i++)
		seen[self->ring.buf[i][0]] += self->ring.res[i] == 1;
	/* They are on their way still, perhaps. */
	for (int i = 0; i < count; i++) {
		if (seen[(unsigned char)(first + i)])
			continue;
		if (read(self->other, &left, 1) != 1)
			return false;
		seen[left]++;
	}
	for (int i = 0; i < count; i++) {
		if (seen[(unsigned char)(first + i)] != 1)
			return false;
	}
	return line_is_empty(self->fd);
}

static void submit_batch(FIXTURE_DATA(race) *self)
{
	forget(&self->ring);
	for (int i = 0; i < BATCH; i++) {
		prep_read(&self->ring, i, self->fd, i % 3);
		self->ring.io[i].len = 1;
	}
	submit(&self->ring);
}

static void give(FIXTURE_DATA(race) *self, unsigned char first, int count)
{
	for (int i = 0; i < count; i++) {
		unsigned char byte = first + i;

		if (write(self->fd, &byte, 1) != 1)
			abort();
	}
}

/* Who submits cancels, too. */
static void cancel_by_tag(struct __test_metadata *_metadata, FIXTURE_DATA(race) *self,
			  bool store, struct ring *asks)
{
	for (int round = 0, most = rounds(ROUNDS); round < most; round++) {
		int res;

		submit_batch(self);
		if (!store)
			give(self, round * GIVEN, GIVEN);
		for (int tag = 0; tag < 3; tag++) {
			asks->count[CANCEL] = 0;
			res = cancel(asks, self->fd, CANCELIO_BY_TAG, tag,
				     round & 1 ? CANCELIO_CANCEL_ONE : 0);
			ASSERT_TRUE(res > 0 || res == -ENOENT || res == -EALREADY);
			self->reached += res > 0 ? res : 0;
		}
		/* What is left of a line's would wait for ever. */
		while (pending(&self->dev)) {
			res = cancel(asks, self->fd, CANCELIO_BY_FILE, 0, 0);
			self->reached += res > 0 ? res : 0;
		}
		for (int i = 0; i < BATCH; i++)
			reap_slot(&self->ring, i, 1);
		ASSERT_TRUE(count_batch(self, BATCH, 1));
		if (!store)
			ASSERT_TRUE(each_byte_once(self, round * GIVEN, GIVEN));
	}
}

TEST_F(race, own_ring)
{
	cancel_by_tag(_metadata, self, STORE, &self->ring);
	EXPECT_EQ(self->reached, self->cancelled);
}

TEST_F(race, another_ring)
{
	cancel_by_tag(_metadata, self, STORE, &self->asks);
	EXPECT_EQ(self->reached, self->cancelled);
}

/* ---- another thread ---- */

struct storm {
	struct call call;
	struct ring *ring;
	bool stop;
	unsigned int reached;
};

static long do_storm(struct call *call)
{
	struct storm *storm = (struct storm *)call;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_ACQUIRE)) {
		int res = cancel(storm->ring, call->fd, CANCELIO_BY_FILE, 0, 0);

		if (res < 0 && res != -ENOENT && res != -EALREADY)
			return res;
		storm->reached += res > 0 ? res : 0;
	}
	return 0;
}

TEST_F(race, another_thread)
{
	struct storm storm = { .call = { .fn = do_storm, .fd = self->fd }, .ring = &self->asks };

	call_start(&storm.call);
	for (int round = 0, most = rounds(ROUNDS * 2); round < most; round++) {
		submit_batch(self);
		if (!STORE)
			give(self, round * GIVEN, GIVEN);
		for (int i = 0; i < BATCH; i++)
			reap_slot(&self->ring, i, 1);
		ASSERT_TRUE(count_batch(self, BATCH, 1));
		if (!STORE)
			ASSERT_TRUE(each_byte_once(self, round * GIVEN, GIVEN));
	}
	__atomic_store_n(&storm.stop, true, __ATOMIC_RELEASE);
	EXPECT_EQ(0, call_join(&storm.call));
	/* Those that were asked just before they were armed are told to have begun. */
	EXPECT_LT(0, storm.reached);
	EXPECT_LE(storm.reached, self->cancelled);
}

TEST_HARNESS_MAIN
