// SPDX-License-Identifier: GPL-2.0
/*
 * Purges and removals that come where a cancel, an end or another order is
 * half done.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "stall_test.h"

#define LEN	100
#define READS	4

/* ---- a purge ends what waits, one after the other ---- */

FIXTURE(purge)
{
	struct device dev;
	unsigned char buf[READS][LEN];
	struct call reads[READS];
	struct call purge;
	char path[128];
};

FIXTURE_SETUP(purge)
{
	SKIP_FOR(stall_setup(false));
	MAKE_DEVICE(&self->dev, "forced", "store");
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", FOREVER));
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	for (int i = 0; i < READS; i++) {
		self->reads[i] = (struct call){
			.fn = do_pread, .fd = open(self->dev.node, O_RDONLY | O_CLOEXEC),
			.buf = self->buf[i], .len = LEN,
		};
		call_start(&self->reads[i]);
		wait_in_syscall(&self->reads[i], SYS_pread64);
	}
	snprintf(self->path, sizeof(self->path), SYSFS_CLASS "/%s/queue", self->dev.name);
	self->purge = (struct call){ .fn = do_put_held, .path = self->path, .buf = "purge" };
}

FIXTURE_TEARDOWN(purge)
{
	stall_open_all();
	device_unmake("forced");
}

/* There are channels for all that wait, and the purge has ended the first of those only. */
TEST_F(purge, starts_nothing)
{
	ASSERT_EQ(1, count_state(&self->dev, "started", NULL));
	ASSERT_EQ(0, stall_hold("notify", 1));
	call_start(&self->purge);
	stall_wait_held("notify");
	EXPECT_EQ(0, set(&self->dev, "channels", "64"));
	EXPECT_EQ(1, count_state(&self->dev, "started", NULL));
	EXPECT_EQ(READS - 2, count_state(&self->dev, "queued", NULL));
	ASSERT_EQ(0, stall_open("notify"));
	EXPECT_EQ(0, call_join(&self->purge));
	for (int i = 1; i < READS; i++) {
		EXPECT_EQ(-1, call_join(&self->reads[i]));
		EXPECT_EQ(ECANCELED, self->reads[i].err);
	}
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(READS - 1, counters(&self->dev).cancelled);
}

/* ---- a removal under somebody who cancels ---- */

FIXTURE(removal)
{
	struct device dev;
	unsigned char buf[LEN];
	struct call call;
	struct canceller canceller;
	long users;
};

FIXTURE_VARIANT(removal)
{
	const char *model;
	const char *mode;
	/* It was cancelled before the removal came, and is. */
	bool canceled;
};

FIXTURE_VARIANT_ADD(removal, store_slow) { "store", "slow" };
FIXTURE_VARIANT_ADD(removal, stream_slow) { "stream", "slow" };
FIXTURE_VARIANT_ADD(removal, store_prompt) { "store", "prompt", true };
FIXTURE_VARIANT_ADD(removal, stream_prompt) { "stream", "prompt", true };

FIXTURE_SETUP(removal)
{
	SKIP_FOR(stall_setup(false));
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "forced", variant->model);
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", FOREVER));
	ASSERT_EQ(0, set_latency(&self->dev, "abort_latency_ns", FOREVER));
	ASSERT_EQ(0, set(&self->dev, "cancel", variant->mode));
	self->call = (struct call){ .fn = do_read, .buf = self->buf, .len = LEN };
	self->call.fd = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->call.fd);
	call_start(&self->call);
	wait_state(&self->dev, "started", 1);
	/* It is the canceller that is held. */
	self->canceller = (struct canceller){ .by = CANCELIO_BY_FILE, .cpu = CPU_HELD };
}

FIXTURE_TEARDOWN(removal)
{
	stall_open_all();
	device_unmake("forced");
}

/* The canceller has the routine: the removal leaves the request to it, and it does not dawdle. */
TEST_F(removal, under_a_canceller)
{
	ASSERT_EQ(0, stall_hold("swapped", 1));
	canceller_start(&self->canceller, self->call.fd);
	canceller_go(&self->canceller);
	stall_wait_held("swapped");
	ASSERT_EQ(0, config_put("forced", "live", "0"));
	EXPECT_TRUE(stall_is("swapped", "held"));
	EXPECT_FALSE(call_done(&self->call));
	ASSERT_EQ(0, stall_open("swapped"));

	EXPECT_EQ(1, call_join(&self->canceller.call));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(variant->canceled ? ECANCELED : ENODEV, self->call.err);
	EXPECT_EQ(0, rmdir(CONFIGFS "/forced"));
	close(self->call.fd);
	/* Nothing is left of it that would hold the module. */
	wait_until(module_users() == self->users);
}

/* ---- an order, or a removal, under somebody who is served without a request ---- */

FIXTURE(passed)
{
	struct device dev;
	unsigned char buf[LEN];
	struct call call;
	long users;
};

FIXTURE_VARIANT(passed)
{
	bool write;
	/* What is written to the queue; NULL: the device is removed. */
	const char *order;
};

FIXTURE_VARIANT_ADD(passed, read_stop) { false, "stop" };
FIXTURE_VARIANT_ADD(passed, read_purge) { false, "purge" };
FIXTURE_VARIANT_ADD(passed, read_removal) { false, NULL };
FIXTURE_VARIANT_ADD(passed, write_stop) { true, "stop" };
FIXTURE_VARIANT_ADD(passed, write_drain) { true, "drain" };
FIXTURE_VARIANT_ADD(passed, write_purge) { true, "purge" };
FIXTURE_VARIANT_ADD(passed, write_removal) { true, NULL };

static long do_pwrite_held(struct call *call)
{
	pin(CPU_HELD);
	return do_pwrite(call);
}

FIXTURE_SETUP(passed)
{
	SKIP_FOR(stall_setup(false));
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "forced", "store");
	self->call = (struct call){
		.fn = variant->write ? do_pwrite_held : do_pread_held,
		.buf = self->buf, .len = LEN, .pos = 1000,
	};
	self->call.fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->call.fd);
	fill_pattern(self->buf, 0, LEN);
	if (!variant->write)
		ASSERT_EQ(LEN, pwrite(self->call.fd, self->buf, LEN, 1000));
	if (!variant->write)
		memset(self->buf, 0xee, LEN);
}

FIXTURE_TEARDOWN(passed)
{
	stall_open_all();
	device_unmake("forced");
}

/* K-QST-1: it has been served at that instant, and has its bytes whatever comes. */
TEST_F(passed, has_its_bytes)
{
	struct counters before = counters(&self->dev);
	unsigned char got[LEN];

	ASSERT_EQ(0, stall_hold("passed", 1));
	call_start(&self->call);
	stall_wait_held("passed");
	EXPECT_EQ(0, variant->order ? set(&self->dev, "queue", variant->order) :
				      config_put("forced", "live", "0"));
	EXPECT_TRUE(stall_is("passed", "held"));
	ASSERT_EQ(0, stall_open("passed"));
	EXPECT_EQ(LEN, call_join(&self->call));
	if (!variant->write)
		EXPECT_TRUE(is_pattern(self->buf, 0, LEN));
	if (variant->order) {
		EXPECT_TRUE(ended_as(&self->dev, before.completed, 1, 0, 0, 0));
		ASSERT_EQ(0, set(&self->dev, "queue", "start"));
		EXPECT_EQ(LEN, pread(self->call.fd, got, LEN, 1000));
		EXPECT_TRUE(is_pattern(got, 0, LEN));
	} else {
		EXPECT_EQ(-1, pread(self->call.fd, got, LEN, 1000));
		EXPECT_EQ(ENODEV, errno);
	}
	close(self->call.fd);
	device_unmake("forced");
	wait_until(module_users() == self->users);
}

TEST_HARNESS_MAIN
