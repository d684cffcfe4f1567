// SPDX-License-Identifier: GPL-2.0
/*
 * Started requests, which several may want to end: the canceller that has taken
 * the routine ends it, whoever else comes before the routine has run.
 */
#include "core_test.h"

static struct canceller late_canceller;

static void core_submit(struct cancelio_request *req)
{
	cancelio_request_complete(req, -EOPNOTSUPP);
}

static struct fake *fake_served(struct kunit *test, enum cancelio_cancel_mode mode, u64 service_ns)
{
	struct fake *fake = fake_fated(test, mode, service_ns);

	cancelio_hardware_submit(&hw, &fake->req);
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, fake->req.state);
	return fake;
}

/* The first two steps of a canceller. */
static cancelio_cancel_fn take_routine(struct kunit *test, struct fake *fake)
{
	cancelio_cancel_fn routine;

	set_bit(CANCELIO_CANCELED, &fake->req.flags);
	routine = xchg(&fake->req.cancel, NULL);
	KUNIT_ASSERT_NOT_NULL(test, routine);
	return routine;
}

/* K-MARK-2: prompt is marked, never is not. */
static void modes(struct kunit *test)
{
	struct fake *prompt = fake_served(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);
	struct fake *never = fake_served(test, CANCELIO_CANCEL_NEVER, CANCELIO_UNTIL_TOLD);

	KUNIT_EXPECT_EQ(test, 2, hw.busy);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&prompt->req));
	fake_check(test, prompt, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&never->req));
	KUNIT_EXPECT_EQ(test, 0, never->ended);
	KUNIT_EXPECT_EQ(test, 1, hw.busy);
	cancelio_hardware_remove(&hw);
	fake_check(test, never, -ENODEV);
	KUNIT_EXPECT_EQ(test, 0, hw.busy);
}

/* K-SYNC-4, K-SYNC-5: the removal comes to one whose routine was taken, and leaves it alone. */
static void removed_after_swap(struct kunit *test)
{
	struct fake *first = fake_served(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);
	struct fake *second = fake_served(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);
	cancelio_cancel_fn routine = take_routine(test, first);

	cancelio_hardware_remove(&hw);
	KUNIT_EXPECT_EQ(test, 0, first->ended);
	fake_check(test, second, -ENODEV);
	routine(&first->req);
	fake_check(test, first, -ECANCELED);
	KUNIT_EXPECT_EQ(test, 0, hw.busy);
}

/* More than one goes at a time, marked, on their way out, hanging and not to be cancelled. */
static void removed_with_many(struct kunit *test)
{
	static const enum cancelio_cancel_mode modes[] = {
		CANCELIO_CANCEL_PROMPT, CANCELIO_CANCEL_SLOW, CANCELIO_CANCEL_NEVER,
	};
	const int many = 120;
	struct fake **fakes;
	int i;

	fakes = kunit_kcalloc(test, many, sizeof(*fakes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fakes);
	for (i = 0; i < many; i++) {
		fakes[i] = fake_fated(test, modes[i % 3], CANCELIO_UNTIL_TOLD);
		fakes[i]->req.fate.cancel_ns = DAY_NS;
		fakes[i]->req.fate.hang = i % 2;
		cancelio_hardware_submit(&hw, &fakes[i]->req);
		if (modes[i % 3] == CANCELIO_CANCEL_SLOW)
			KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fakes[i]->req));
	}
	/* Each third is on its way out, and of the others each second hangs. */
	KUNIT_EXPECT_EQ(test, 80, hw.aside);
	cancelio_hardware_remove(&hw);
	for (i = 0; i < many; i++)
		fake_check(test, fakes[i], -ENODEV);
}

/* K-SYNC-4: its time comes, and the timer leaves it alone. */
static void timer_after_swap(struct kunit *test)
{
	cancelio_cancel_fn routine;
	unsigned long flags;
	struct fake *fake;
	u64 start;

	/* The timer is this processor's: it does not come before the routine is taken. */
	fake = fake_fated(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_USEC);
	local_irq_save(flags);
	cancelio_hardware_submit(&hw, &fake->req);
	set_bit(CANCELIO_CANCELED, &fake->req.flags);
	routine = xchg(&fake->req.cancel, NULL);
	local_irq_restore(flags);
	KUNIT_ASSERT_NOT_NULL(test, routine);
	start = ktime_get_ns();
	while (READ_ONCE(fake->req.timed) && ktime_get_ns() - start < CORE_PATIENCE_NS)
		cond_resched();
	spin_lock_irq(&to_core(test)->lock);
	KUNIT_EXPECT_FALSE(test, fake->req.timed);
	KUNIT_EXPECT_TRUE(test, fake->req.served);
	spin_unlock_irq(&to_core(test)->lock);
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	routine(&fake->req);
	fake_check(test, fake, -ECANCELED);
}

static bool fits_then_canceled(struct cancelio_request *req)
{
	canceller_take(&late_canceller);
	return true;
}

/* Interleaving 4: cancelled when its model has found that it can end it. */
static void take_after_swap(struct kunit *test)
{
	struct core *core = to_core(test);
	struct cancelio_request *taken;
	struct fake *fake;

	canceller_create(test, &late_canceller);
	fake = fake_served(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);
	late_canceller.req = &fake->req;
	spin_lock_irq(&core->lock);
	taken = cancelio_hardware_take(&hw, fits_then_canceled);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_NULL(test, taken);
	KUNIT_EXPECT_TRUE(test, canceller_join(&late_canceller));
	KUNIT_EXPECT_PTR_EQ(test, late_canceller.task, fake->ender);
	fake_check(test, fake, -ECANCELED);
}

/* Interleaving 3: its model has it, and ends it. */
static void cancel_once_taken(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_served(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);
	struct canceller canceller = { .req = &fake->req, .found = true };
	struct cancelio_request *taken;

	core_at(CANCELIO_STALL_UNMARKED, core_cancel, &canceller);
	spin_lock_irq(&core->lock);
	taken = cancelio_hardware_take(&hw, NULL);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_PTR_EQ(test, &fake->req, taken);
	KUNIT_EXPECT_FALSE(test, canceller.found);
	cancelio_request_complete(&fake->req, fake->req.status);
	fake_check(test, fake, 0);
}

static struct kunit_case serving_cases[] = {
	KUNIT_CASE(modes),
	KUNIT_CASE(removed_after_swap),
	KUNIT_CASE(removed_with_many),
	KUNIT_CASE(timer_after_swap),
	KUNIT_CASE(take_after_swap),
	KUNIT_CASE(cancel_once_taken),
	{}
};

static struct kunit_suite serving_suite = {
	.name = "cancelio_serving",
	.init = core_hardware_init,
	.exit = core_hardware_exit,
	.test_cases = serving_cases,
};
kunit_test_suite(serving_suite);
