// SPDX-License-Identifier: GPL-2.0
/*
 * A read of the store is held at each step of its life, and cancelled there.
 * Whatever it meets, it ends once, as whoever owned it then says.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "stall_test.h"

#define PART	4096
#define LEN	(3 * PART)

struct knob {
	const char *name, *text;
};

/* Tells a device how to behave. Return: 0 or a negative errno. */
static int tell(const struct device *dev, const struct knob *knobs, int max)
{
	int err = 0;

	for (int i = 0; i < max && knobs[i].name && !err; i++)
		err = set(dev, knobs[i].name, knobs[i].text);
	return err;
}

/* ---- whoever makes the call is held ---- */

FIXTURE(read)
{
	struct device dev, lower;
	unsigned char buf[LEN];
	struct call read;
	struct canceller canceller;
};

/*
 * @knobs: how the device behaves, or the one below it if there is one
 * @stacked: there is
 * @point, @nth: where the read is held
 * @taken: so many requests of the device that the point is in have lost their
 *	routine to the canceller, which waits for the lock; 0: it need not wait
 * @found: what the canceller is told
 * @reads: the bytes are read, else ECANCELED
 * @requests: the read and its parts
 */
FIXTURE_VARIANT(read)
{
	struct knob knobs[3];
	bool stacked;
	const char *point;
	unsigned int nth;
	size_t taken;
	long found;
	bool reads;
	unsigned int requests, late;
};

#define HELD(point_, nth_)	.point = point_, .nth = nth_, .found = 1, .requests = 1
#define SLOW(...)	.knobs = { { "read_latency_ns", "86400000000000" }, __VA_ARGS__ }
#define QUICK(...)	.knobs = { { "read_latency_ns", "1000000" }, __VA_ARGS__ }

/* Interleaving 1: cancelled before it was armed in the queue. */
FIXTURE_VARIANT_ADD(read, queue_arm) { HELD("arm", 1), SLOW({ "queue", "stop" }) };
/* Interleaving 2: cancelled when it was, and not looked at. */
FIXTURE_VARIANT_ADD(read, queue_armed) {
	HELD("armed", 1), SLOW({ "queue", "stop" }), .taken = 1,
};
/* K-MARK-2: started, cancelled between the device's look and its mark. */
FIXTURE_VARIANT_ADD(read, start_arm) { HELD("arm", 1), SLOW() };
FIXTURE_VARIANT_ADD(read, start_armed) { HELD("armed", 1), SLOW(), .taken = 1 };
FIXTURE_VARIANT_ADD(read, slow_arm) {
	HELD("arm", 1), SLOW({ "cancel", "slow" }, { "abort_latency_ns", "1000000" }),
};
FIXTURE_VARIANT_ADD(read, slow_armed) {
	HELD("armed", 1), SLOW({ "cancel", "slow" }, { "abort_latency_ns", "1000000" }),
	.taken = 1,
};
/* K-UNMARK-1, K-SENT-6: its timer has it back, and ends it. */
FIXTURE_VARIANT_ADD(read, timer_unmarked) {
	HELD("unmarked", 1), QUICK(), .reads = true, .late = 1,
};
FIXTURE_VARIANT_ADD(read, slow_timer_unmarked) {
	HELD("unmarked", 1), QUICK({ "cancel", "slow" }), .reads = true, .late = 1,
};
/* D-CANC-3: it has ended, and whoever waits for it does not know. */
FIXTURE_VARIANT_ADD(read, notify) {
	HELD("notify", 1), QUICK(), .reads = true, .found = -ENOENT,
};
/* K-FWD-3: handed on to the queue of a channel that is stuck. */
FIXTURE_VARIANT_ADD(read, forward_arm) { HELD("arm", 1), SLOW({ "stuck", "1" }) };
FIXTURE_VARIANT_ADD(read, forward_armed) {
	HELD("armed", 1), SLOW({ "stuck", "1" }), .taken = 1,
};
/* D-ASSOC-1, K-SENT-4: the master is told, and its parts are not sent yet. */
FIXTURE_VARIANT_ADD(read, master_arm) {
	HELD("arm", 1), SLOW({ "split", "4096" }), .requests = 4,
};
FIXTURE_VARIANT_ADD(read, master_armed) {
	HELD("armed", 1), SLOW({ "split", "4096" }), .requests = 4,
};
/* The first part is sent, the others are not. */
FIXTURE_VARIANT_ADD(read, part_arm) {
	HELD("arm", 2), SLOW({ "split", "4096" }), .requests = 4,
};
FIXTURE_VARIANT_ADD(read, part_armed) {
	HELD("armed", 2), SLOW({ "split", "4096" }), .requests = 4, .taken = 2,
};
/* The last part is sent, and not marked; the abort of the first waits for it. */
FIXTURE_VARIANT_ADD(read, last_part_arm) {
	HELD("arm", 4), SLOW({ "split", "4096" }), .requests = 4, .taken = 2,
};
/* K-SYNC-2: all parts have ended, and the last of them has the master back. */
FIXTURE_VARIANT_ADD(read, master_unmarked) {
	HELD("unmarked", 4), QUICK({ "split", "4096" }), .requests = 4, .reads = true,
	.late = 1,
};
/* K-SENT-1: it goes down, and is cancelled at each step there. */
FIXTURE_VARIANT_ADD(read, sent_arm) { HELD("arm", 1), SLOW(), .stacked = true };
FIXTURE_VARIANT_ADD(read, sent_armed) { HELD("armed", 1), SLOW(), .stacked = true };
FIXTURE_VARIANT_ADD(read, lower_queue_arm) {
	HELD("arm", 2), SLOW({ "queue", "stop" }), .stacked = true,
};
FIXTURE_VARIANT_ADD(read, lower_queue_armed) {
	HELD("armed", 2), SLOW({ "queue", "stop" }), .stacked = true, .taken = 1,
};
FIXTURE_VARIANT_ADD(read, lower_start_arm) { HELD("arm", 2), SLOW(), .stacked = true };
FIXTURE_VARIANT_ADD(read, lower_start_armed) {
	HELD("armed", 2), SLOW(), .stacked = true, .taken = 1,
};
FIXTURE_VARIANT_ADD(read, upper_unmarked) {
	HELD("unmarked", 2), QUICK(), .stacked = true, .reads = true, .late = 1,
};

FIXTURE_SETUP(read)
{
	const struct device *below = NULL;

	SKIP_FOR(stall_setup(variant->taken));
	if (variant->stacked) {
		MAKE_DEVICE(&self->lower, "forced_lower", "store");
		below = &self->lower;
	}
	SKIP_FOR(device_make(&self->dev, "forced", "store", below));
	ASSERT_EQ(0, tell(below ? below : &self->dev, variant->knobs, 3));
	self->read = (struct call){ .fn = do_pread_held, .buf = self->buf, .len = LEN };
	self->read.fd = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->read.fd);
	memset(self->buf, 0xee, LEN);
	self->canceller = (struct canceller){ .by = CANCELIO_BY_FILE, .cpu = CPU_CANCELLER };
}

FIXTURE_TEARDOWN(read)
{
	stall_open_all();
	device_unmake("forced");
	device_unmake("forced_lower");
}

static bool is_filled(const unsigned char *buf, unsigned char byte)
{
	for (size_t i = 0; i < LEN; i++) {
		if (buf[i] != byte)
			return false;
	}
	return true;
}

TEST_F(read, canceled)
{
	const struct device *held = variant->stacked ? &self->lower : &self->dev;
	unsigned int ends = variant->requests;

	canceller_start(&self->canceller, self->read.fd);
	ASSERT_EQ(0, stall_hold(variant->point, variant->nth));
	call_start(&self->read);
	stall_wait_held(variant->point);
	canceller_go(&self->canceller);
	if (variant->taken) {
		wait_until(count_taken(held) == variant->taken);
		EXPECT_FALSE(call_done(&self->canceller.call));
	} else {
		wait_until(call_done(&self->canceller.call));
	}
	EXPECT_TRUE(stall_is(variant->point, "held"));
	EXPECT_FALSE(call_done(&self->read));
	ASSERT_EQ(0, stall_open(variant->point));

	EXPECT_EQ(variant->found, call_join(&self->canceller.call));
	if (variant->reads) {
		EXPECT_EQ(LEN, call_join(&self->read));
		EXPECT_TRUE(is_filled(self->buf, 0));
		EXPECT_TRUE(ended_as(&self->dev, 1, ends, 0, 0, variant->late));
		if (variant->stacked)
			EXPECT_TRUE(ended_as(&self->lower, 0, 1, 0, 0, 0));
	} else {
		EXPECT_EQ(-1, call_join(&self->read));
		EXPECT_EQ(ECANCELED, self->read.err);
		EXPECT_TRUE(is_filled(self->buf, 0xee));
		EXPECT_TRUE(ended_as(&self->dev, 1, 0, ends, 0, 0));
		if (variant->stacked)
			EXPECT_TRUE(ended_as(&self->lower, 0, 0, 1, 0, 0));
	}
	EXPECT_EQ(0, pending(&self->dev));
}

/* ---- whoever changes the device is held ---- */

FIXTURE(change)
{
	struct device dev, lower;
	unsigned char buf[LEN];
	char path[128];
	struct call read, change;
	struct canceller canceller;
};

/*
 * @before: how the device is when the read comes, or the one below it if there is one
 * @change: what is held then
 * @parts: of the read, or 0
 */
FIXTURE_VARIANT(change)
{
	struct knob before[2], change;
	const char *point;
	unsigned int nth;
	size_t taken;
	unsigned int parts;
	bool stacked;
};

#define CHANGE(before_, change_, point_, nth_)	\
	.before = { before_ }, .change = change_, .point = point_, .nth = nth_
#define STUCK	{ "stuck", "1" }
#define LOOSE	{ "stuck", "0" }
#define STOP	{ "queue", "stop" }
#define START	{ "queue", "start" }
#define DRAIN	{ "queue", "drain" }
#define PURGE	{ "queue", "purge" }

/* K-FWD-3: given back to wait again, it is not let in. */
FIXTURE_VARIANT_ADD(change, requeue_unmarked) { CHANGE(STUCK, LOOSE, "unmarked", 1) };
FIXTURE_VARIANT_ADD(change, requeue_dequeued) { CHANGE(STUCK, LOOSE, "dequeued", 1) };
FIXTURE_VARIANT_ADD(change, requeue_arm) { CHANGE(STUCK, LOOSE, "arm", 1) };
FIXTURE_VARIANT_ADD(change, requeue_armed) { CHANGE(STUCK, LOOSE, "armed", 1), .taken = 1 };
/* And from there it starts again. */
FIXTURE_VARIANT_ADD(change, requeued_dequeued) { CHANGE(STUCK, LOOSE, "dequeued", 2) };
FIXTURE_VARIANT_ADD(change, requeued_start_arm) { CHANGE(STUCK, LOOSE, "arm", 2) };
/* K-QST-1: what has waited while the queue was stopped goes on, or does not. */
FIXTURE_VARIANT_ADD(change, start_unmarked) { CHANGE(STOP, START, "unmarked", 1) };
FIXTURE_VARIANT_ADD(change, start_dequeued) { CHANGE(STOP, START, "dequeued", 1) };
FIXTURE_VARIANT_ADD(change, start_arm) { CHANGE(STOP, START, "arm", 1) };
FIXTURE_VARIANT_ADD(change, start_armed) { CHANGE(STOP, START, "armed", 1), .taken = 1 };
FIXTURE_VARIANT_ADD(change, start_dequeued_once_started_never) {
	CHANGE(STOP, START, "dequeued", 1), .before[1] = { "cancel", "once-started-never" },
};
FIXTURE_VARIANT_ADD(change, start_dequeued_poll) {
	CHANGE(STOP, START, "dequeued", 1), .before[1] = { "cancel", "poll" },
};
FIXTURE_VARIANT_ADD(change, part_dequeued) {
	CHANGE(STOP, START, "dequeued", 1), .before[1] = { "split", "4096" }, .parts = 3,
	/* The master, the part that is off the queue, and the next, which waits for the lock. */
	.taken = 3,
};
FIXTURE_VARIANT_ADD(change, lower_dequeued) {
	CHANGE(STOP, START, "dequeued", 1), .stacked = true,
};
FIXTURE_VARIANT_ADD(change, drain_dequeued) { CHANGE(STOP, DRAIN, "dequeued", 1) };
/* Interleaving 6, K-QST-2: the purge has it already. */
FIXTURE_VARIANT_ADD(change, purge_unmarked) { CHANGE(STOP, PURGE, "unmarked", 1) };
FIXTURE_VARIANT_ADD(change, purge_dequeued) { CHANGE(STOP, PURGE, "dequeued", 1) };
FIXTURE_VARIANT_ADD(change, purge_notify) { CHANGE(STOP, PURGE, "notify", 1) };
FIXTURE_VARIANT_ADD(change, purge_stuck_unmarked) { CHANGE(STUCK, PURGE, "unmarked", 1) };

FIXTURE_SETUP(change)
{
	const struct device *changed = &self->dev;

	SKIP_FOR(stall_setup(variant->taken));
	if (variant->stacked) {
		MAKE_DEVICE(&self->lower, "forced_lower", "store");
		changed = &self->lower;
	}
	SKIP_FOR(device_make(&self->dev, "forced", "store",
			     variant->stacked ? &self->lower : NULL));
	ASSERT_EQ(0, set_latency(changed, "read_latency_ns", FOREVER));
	ASSERT_EQ(0, tell(changed, variant->before, 2));
	self->read = (struct call){ .fn = do_pread, .buf = self->buf, .len = LEN };
	self->read.fd = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->read.fd);
	snprintf(self->path, sizeof(self->path), SYSFS_CLASS "/%s/%s", changed->name,
		 variant->change.name);
	self->change = (struct call){
		.fn = do_put_held, .path = self->path, .buf = (void *)variant->change.text,
	};
	self->canceller = (struct canceller){ .by = CANCELIO_BY_FILE, .cpu = CPU_CANCELLER };
}

FIXTURE_TEARDOWN(change)
{
	stall_open_all();
	device_unmake("forced");
	device_unmake("forced_lower");
}

TEST_F(change, canceled)
{
	const struct device *changed = variant->stacked ? &self->lower : &self->dev;
	unsigned int queued = variant->parts ? variant->parts : 1;
	bool gone = !strcmp(variant->point, "notify");

	call_start(&self->read);
	wait_in_syscall(&self->read, SYS_pread64);
	ASSERT_EQ(queued, count_state(changed, "queued", "yes"));
	canceller_start(&self->canceller, self->read.fd);
	ASSERT_EQ(0, stall_hold(variant->point, variant->nth));
	call_start(&self->change);
	stall_wait_held(variant->point);
	canceller_go(&self->canceller);
	if (variant->taken)
		wait_until(count_taken(changed) == variant->taken);
	else
		wait_until(call_done(&self->canceller.call));
	EXPECT_TRUE(stall_is(variant->point, "held"));
	EXPECT_FALSE(call_done(&self->read));
	ASSERT_EQ(0, stall_open(variant->point));

	EXPECT_EQ(gone ? -ENOENT : 1, call_join(&self->canceller.call));
	EXPECT_EQ(0, call_join(&self->change));
	EXPECT_EQ(-1, call_join(&self->read));
	EXPECT_EQ(ECANCELED, self->read.err);
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, 1 + variant->parts, 0, 0));
	if (variant->stacked)
		EXPECT_TRUE(ended_as(&self->lower, 0, 0, 1, 0, 0));
}

TEST_HARNESS_MAIN
