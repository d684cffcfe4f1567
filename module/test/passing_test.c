// SPDX-License-Identifier: GPL-2.0
/*
 * What need not wait: a request that is started as it comes, and whether one that
 * takes no time would have been, and so needs to be none.
 */
#include "core_test.h"

static void core_submit(struct cancelio_request *req)
{
	cancelio_hardware_submit(&hw, req);
}

static void set_channels(struct kunit *test, u64 channels, u64 stuck)
{
	hw.all_channels = false;
	to_core(test)->dev->behavior.knobs.channels = channels;
	to_core(test)->dev->behavior.knobs.stuck = stuck;
}

/* Submits one that takes for ever. Return: the state that it is in then. */
static int submit_long(struct kunit *test, struct fake **fake)
{
	*fake = fake_fated(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);
	core_submit(&(*fake)->req);
	return (*fake)->req.state;
}

static void cancel_and_check(struct kunit *test, struct fake *fake)
{
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	fake_check(test, fake, -ECANCELED);
}

/* K-QST-1: whether it was started, queued or refused, what takes no time would have been the same. */
static void passes_by_the_gate(struct kunit *test)
{
	struct fake *fake;

	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &fake));
	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
	cancel_and_check(test, fake);

	cancelio_hardware_order(&hw, CANCELIO_ORDER_STOP);
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, submit_long(test, &fake));
	cancel_and_check(test, fake);

	cancelio_hardware_order(&hw, CANCELIO_ORDER_DRAIN);
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	submit_long(test, &fake);
	fake_check(test, fake, -ESHUTDOWN);

	cancelio_hardware_order(&hw, CANCELIO_ORDER_PURGE);
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	submit_long(test, &fake);
	fake_check(test, fake, -ESHUTDOWN);

	cancelio_hardware_order(&hw, CANCELIO_ORDER_START);
	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
	cancelio_hardware_remove(&hw);
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	submit_long(test, &fake);
	fake_check(test, fake, -ENODEV);
}

/* K-Q-1: as many as there are channels, and those that are stuck serve nobody. */
static void passes_by_the_channels(struct kunit *test)
{
	struct fake *fakes[3];

	set_channels(test, 2, 0);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &fakes[0]));
	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &fakes[1]));
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, submit_long(test, &fakes[2]));
	/* Whom it leaves a channel to takes it. */
	cancel_and_check(test, fakes[0]);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, fakes[2]->req.state);
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	cancel_and_check(test, fakes[1]);
	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
	cancel_and_check(test, fakes[2]);

	set_channels(test, 2, 1);
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, submit_long(test, &fakes[0]));
	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &fakes[1]));
	cancel_and_check(test, fakes[1]);
	cancel_and_check(test, fakes[0]);
}

/* Meanwhile: what one that comes between an end and the next beginning finds. */
static struct between {
	struct kunit *test;
	struct fake *late;
	bool passes;
	int state;
} between;

static void come_between(void *arg)
{
	between.passes = cancelio_hardware_passes(&hw);
	between.state = submit_long(between.test, &between.late);
}

/*
 * D-CSQ-6: a channel is free and nobody has looked yet. One that comes then does
 * not overtake the one that waits, and sees to it that this one goes on.
 */
static void nobody_overtakes_who_waits(struct kunit *test)
{
	struct fake *first, *waits;

	set_channels(test, 1, 0);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &first));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, submit_long(test, &waits));
	between = (struct between){ .test = test, .passes = true };
	core_at(CANCELIO_STALL_NOTIFY, come_between, NULL);
	cancel_and_check(test, first);
	KUNIT_EXPECT_FALSE(test, between.passes);
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, between.state);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, waits->req.state);
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, between.late->req.state);
	cancel_and_check(test, waits);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, between.late->req.state);
	cancel_and_check(test, between.late);
}

/* The same, where nobody waits: it begins on the channel that is free. */
static void comes_as_another_ends(struct kunit *test)
{
	struct fake *first;

	set_channels(test, 1, 0);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &first));
	between = (struct between){ .test = test };
	core_at(CANCELIO_STALL_NOTIFY, come_between, NULL);
	cancel_and_check(test, first);
	KUNIT_EXPECT_TRUE(test, between.passes);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, between.state);
	cancel_and_check(test, between.late);
}

/* One that waits is being cancelled, and is there still: who comes goes by it. */
static void goes_by_one_that_is_canceled(struct kunit *test)
{
	struct fake *first, *waits, *late;
	cancelio_cancel_fn routine;

	set_channels(test, 1, 0);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &first));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, submit_long(test, &waits));
	set_bit(CANCELIO_CANCELED, &waits->req.flags);
	routine = xchg(&waits->req.cancel, NULL);
	KUNIT_ASSERT_NOT_NULL(test, routine);
	cancel_and_check(test, first);
	/* Only who gets the lock knows that it is on its way out. */
	KUNIT_EXPECT_FALSE(test, cancelio_hardware_passes(&hw));
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, submit_long(test, &late));
	routine(&waits->req);
	fake_check(test, waits, -ECANCELED);
	cancel_and_check(test, late);
	KUNIT_EXPECT_TRUE(test, cancelio_hardware_passes(&hw));
}

static struct kunit_case passing_cases[] = {
	KUNIT_CASE(passes_by_the_gate),
	KUNIT_CASE(passes_by_the_channels),
	KUNIT_CASE(nobody_overtakes_who_waits),
	KUNIT_CASE(comes_as_another_ends),
	KUNIT_CASE(goes_by_one_that_is_canceled),
	{}
};

static struct kunit_suite passing_suite = {
	.name = "cancelio_passing",
	.init = core_hardware_init,
	.exit = core_hardware_exit,
	.test_cases = passing_cases,
};
kunit_test_suite(passing_suite);
