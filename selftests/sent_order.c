// SPDX-License-Identifier: GPL-2.0
/*
 * What the orders of a device do to what it has sent to the one below: stop and
 * drain leave it there, a purge asks for it, and nobody is asked to wait.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

FIXTURE(sent)
{
	struct device upper, lower;
	struct call call;
	char buf[8];
};

FIXTURE_SETUP(sent)
{
	MAKE_DEVICE(&self->lower, "sent_lower", "store");
	SKIP_FOR(device_make(&self->upper, "sent_upper", "store", &self->lower));
	ASSERT_EQ(0, set_latency(&self->lower, "read_latency_ns", FOREVER));
	self->call = (struct call){
		.fn = do_read, .fd = open(self->upper.node, O_RDONLY | O_CLOEXEC),
		.buf = self->buf, .len = 8,
	};
	ASSERT_LE(0, self->call.fd);
	call_start(&self->call);
	wait_state(&self->lower, "started", 1);
}

FIXTURE_TEARDOWN(sent)
{
	device_unmake("sent_upper");
	device_unmake("sent_lower");
}

/* Of the request, or of its part. */
static bool is_asked(const struct device *dev)
{
	struct seen seen;

	if (see(dev, &seen, 1) != 1)
		abort();
	return !strcmp(seen.canceled, "yes");
}

TEST_F(sent, is_left_below)
{
	static const char *const orders[] = { "stop", "drain", "start" };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		ASSERT_EQ(0, set(&self->upper, "queue", orders[i]));
		EXPECT_FALSE(is_asked(&self->upper));
		EXPECT_FALSE(is_asked(&self->lower));
		EXPECT_EQ(1, count_state(&self->lower, "started", "yes"));
	}
	EXPECT_FALSE(call_done(&self->call));
}

TEST_F(sent, is_purged_below)
{
	ASSERT_EQ(0, set(&self->upper, "queue", "purge"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ECANCELED, self->call.err);
	EXPECT_EQ(1, counters(&self->upper).cancelled);
	EXPECT_EQ(1, counters(&self->lower).cancelled);
	EXPECT_EQ(0, pending(&self->lower));
}

/* The device below has it, and does not let it go: the purge does not wait for that. */
TEST_F(sent, is_not_waited_for)
{
	struct call second = self->call;
	char buf[8];

	ASSERT_EQ(0, set(&self->lower, "cancel", "once-started-never"));
	second.buf = buf;
	call_start(&second);
	wait_state(&self->lower, "started", 2);
	ASSERT_EQ(0, set(&self->upper, "queue", "purge"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ECANCELED, self->call.err);
	EXPECT_FALSE(call_done(&second));
	EXPECT_TRUE(is_asked(&self->upper));
	EXPECT_TRUE(is_asked(&self->lower));
	/* A purge of the lower one asks for parts, whoever has sent them: it has them. */
	ASSERT_EQ(0, set(&self->lower, "queue", "purge"));
	EXPECT_FALSE(call_done(&second));
}

/* D-CANC-4: the device below ends what it has itself, without its sender. */
TEST_F(sent, is_purged_by_the_lower)
{
	ASSERT_EQ(0, set(&self->lower, "queue", "purge"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ECANCELED, self->call.err);
	EXPECT_EQ(1, counters(&self->lower).cancelled);
	EXPECT_EQ(1, counters(&self->upper).cancelled);
	/* Nobody has asked the upper one. */
	EXPECT_EQ(0, cancel_to_end(&self->upper));
}

TEST_HARNESS_MAIN
