// SPDX-License-Identifier: GPL-2.0
/*
 * Which values each knob takes, what it has at first, and where it is: in
 * configfs before the device is live, in sysfs while it is.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"

struct knob {
	const char *name;
	bool store_only;
	const char *preset;
	/* The last of them is another one for each knob. */
	const char *good[4];
	const char *bad[13];
};

#define BAD_NUMBERS	"-1", "x", "0x10", "1 ", " 1", "1.5", "18446744073709551616", "\n", "1\n\n"

#define LATENCY(_name, _store_only, _preset, _own) {					\
	_name, _store_only, _preset,							\
	{ "uniform 0 " DAY, "exponential " DAY, DAY, _own },				\
	{ BAD_NUMBERS, "86400000000001", "uniform 1 1", "exponential" },		\
}

static const struct knob knobs[] = {
	LATENCY("open_latency_ns", false, "0", "11"),
	LATENCY("read_latency_ns", false, "0", "uniform 12 13"),
	LATENCY("write_latency_ns", false, "0", "exponential 14"),
	LATENCY("flush_latency_ns", true, "0", "uniform 0 15"),
	LATENCY("control_latency_ns", false, "0", "uniform 16 17"),
	LATENCY("abort_latency_ns", false, "1000000000", "16"),
	{ "bandwidth", false, "0", { "1099511627776", "0", "1", "17" },
	  { BAD_NUMBERS, "1099511627777" } },
	{ "channels", true, "64", { "1", "65536", "2", "18" }, { BAD_NUMBERS, "0", "65537" } },
	{ "stuck", true, "0", { "65536", "1", "0", "19" }, { BAD_NUMBERS, "65537" } },
	{ "split", true, "0", { "1073741824", "1", "0", "20" }, { BAD_NUMBERS, "1073741825" } },
	{ "cancel", false, "prompt", { "prompt", "slow", "once-started-never", "poll" },
	  { "promp", "prompt ", " slow", "Slow", "0", "never", "\n", "slow\n\n" } },
	{ "poll_interval_ns", false, "10000000", { "100000", DAY, "100001", "210000" },
	  { BAD_NUMBERS, "0", "99999", "86400000000001" } },
	{ "race_window_ns", false, "0", { "1000000", "1", "0", "22" },
	  { BAD_NUMBERS, "1000001" } },
	{ "seed", false, "1", { "0", "18446744073709551615", "2", "23" }, { BAD_NUMBERS } },
	{ "max_pending", false, "1048576", { "1", "16777216", "2", "24" },
	  { BAD_NUMBERS, "0", "16777217" } },
	{ "watchdog_s", false, "300", { "0", "86400", "1", "25" }, { BAD_NUMBERS, "86401" } },
};

/* What else there is to get wrong in a latency. */
static const char *const bad_latencies[] = {
	"uniform", "uniform 1", "uniform 2 1", "uniform 0 86400000000001", "uniform 1 2 3",
	"uniform 1  2", "uniform  1 2", "uniform 1 2 ", "uniform 1,2", "uniform -1 2", "Uniform 1 2",
	"uniform 1 2\n\n", "exponential ", "exponential 1 2", "exponential -1", "exponential x",
	"exponential 86400000000001", "normal 1 2", "1 2", "fixed 1",
	"uniform 0000000000000000000000000000000000000000000000000000000000000001 2",
};

FIXTURE(knobs)
{
	struct made made;
};

FIXTURE_VARIANT(knobs)
{
	const char *model;
	bool store;
	bool live;
};

FIXTURE_VARIANT_ADD(knobs, stream_to_be) { "model=stream", false, false };
FIXTURE_VARIANT_ADD(knobs, stream) { "model=stream", false, true };
FIXTURE_VARIANT_ADD(knobs, store_to_be) { "model=store", true, false };
FIXTURE_VARIANT_ADD(knobs, store) { "model=store", true, true };

FIXTURE_SETUP(knobs)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_plan(&self->made, "a", variant->model));
	if (variant->live)
		ASSERT_EQ(0, device_go_live(&self->made));
}

FIXTURE_TEARDOWN(knobs)
{
	EXPECT_EQ(0, device_unmake(&self->made));
}

static int put(const struct made *made, bool live, const char *name, const char *text)
{
	return live ? knob_put(made, name, text) : config_put(made, name, text);
}

static const char *get(const struct made *made, bool live, const char *name)
{
	return live ? knob_get(made, name) : config_get(made, name);
}

/* Whether it can be seen here: a stream's sysfs has not those that only a store has. */
#define IS_HERE(knob)	(!(knob)->store_only || !variant->live || variant->store)

TEST_F(knobs, defaults)
{
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (IS_HERE(&knobs[i]))
			EXPECT_STREQ(knobs[i].preset, get(&self->made, variant->live, knobs[i].name));
	}
	EXPECT_STREQ("", get(&self->made, variant->live, "faults"));
	if (variant->live)
		EXPECT_STREQ("start", knob_get(&self->made, "queue"));
	if (variant->store || !variant->live)
		EXPECT_STREQ("", get(&self->made, variant->live, "lower"));
}

TEST_F(knobs, good_values)
{
	char line[64];

	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		const struct knob *knob = &knobs[i];

		if (!IS_HERE(knob))
			continue;
		for (int j = 0; j < 4; j++) {
			snprintf(line, sizeof(line), "%s%s", knob->good[j], j & 1 ? "\n" : "");
			EXPECT_EQ(0, put(&self->made, variant->live, knob->name, line))
				TH_LOG("%s to %s", line, knob->name);
			EXPECT_STREQ(knob->good[j], get(&self->made, variant->live, knob->name));
		}
	}
	/* Each is its own: the last value is one that no other knob was given. */
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (IS_HERE(&knobs[i]))
			EXPECT_STREQ(knobs[i].good[3], get(&self->made, variant->live, knobs[i].name));
	}
}

static void expect_bad(struct __test_metadata *_metadata, const struct made *made, bool live,
		       const char *name, const char *text)
{
	char before[64];

	snprintf(before, sizeof(before), "%s", get(made, live, name));
	EXPECT_EQ(-EINVAL, put(made, live, name, text))
		TH_LOG("%s to %s", text, name);
	EXPECT_STREQ(before, get(made, live, name));
}

TEST_F(knobs, bad_values_change_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		const struct knob *knob = &knobs[i];

		if (!IS_HERE(knob))
			continue;
		ASSERT_EQ(0, put(&self->made, variant->live, knob->name, knob->good[3]));
		for (int j = 0; knob->bad[j]; j++)
			expect_bad(_metadata, &self->made, variant->live, knob->name, knob->bad[j]);
		for (size_t j = 0; strstr(knob->name, "latency") && j < ARRAY_SIZE(bad_latencies); j++)
			expect_bad(_metadata, &self->made, variant->live, knob->name,
				   bad_latencies[j]);
	}
}

/* What is set before is what the device has; and then configfs takes no more. */
TEST_F(knobs, go_live_with_the_device)
{
	ASSERT_EQ(0, config_put(&self->made, "live", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++)
		ASSERT_EQ(0, config_put(&self->made, knobs[i].name, knobs[i].good[3]));
	ASSERT_EQ(0, config_put(&self->made, "faults", "read hang next=2"));
	ASSERT_EQ(0, device_go_live(&self->made));
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (variant->store || !knobs[i].store_only)
			EXPECT_STREQ(knobs[i].good[3], knob_get(&self->made, knobs[i].name));
		EXPECT_EQ(-EBUSY, config_put(&self->made, knobs[i].name, knobs[i].good[0]));
		EXPECT_STREQ(knobs[i].good[3], config_get(&self->made, knobs[i].name));
	}
	EXPECT_STREQ("read hang next=2", knob_get(&self->made, "faults"));
	EXPECT_EQ(-EBUSY, config_put(&self->made, "faults", "clear"));
	EXPECT_EQ(-EBUSY, config_put(&self->made, "lower", "cancelio0"));
}

TEST_F(knobs, only_a_store_has)
{
	ASSERT_EQ(0, device_go_live(&self->made));
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (!knobs[i].store_only)
			continue;
		EXPECT_EQ(variant->store ? 0 : -ENOENT,
			  knob_put(&self->made, knobs[i].name, knobs[i].good[3]));
	}
	EXPECT_GT(0, knob_put(&self->made, "lower", "cancelio0"));
	EXPECT_STREQ(variant->store ? "" : "?", knob_get(&self->made, "lower"));
}

TEST_F(knobs, queue)
{
	static const char *const good[] = { "stop", "drain\n", "purge", "start" };
	static const char *const bad[] = { "star", "start ", "0", "\n", "stop\n\n", "Stop" };
	char expected[8];

	ASSERT_EQ(0, device_go_live(&self->made));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, knob_put(&self->made, "queue", good[i]));
		snprintf(expected, sizeof(expected), "%.*s", (int)strcspn(good[i], "\n"), good[i]);
		EXPECT_STREQ(expected, knob_get(&self->made, "queue"));
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++)
			expect_bad(_metadata, &self->made, true, "queue", bad[j]);
	}
}

TEST_HARNESS_MAIN
