// SPDX-License-Identifier: GPL-2.0
/*
 * A hardware of the tests' own, whose timer comes on another processor and is
 * held there before it takes the lock, while something else is done with its
 * request. The timer has one reference, whatever happens meanwhile.
 */
#include <linux/delay.h>

#include "core_test.h"

static struct cancelio_hardware hw;

static void core_submit(struct cancelio_request *req)
{
	cancelio_hardware_submit(&hw, req);
}

/* ---- a timer that is held ---- */

enum { LOOK_OPEN, LOOK_ARMED, LOOK_HELD };

static int look;

/* The next timer that comes is held until look is open, but not for ever. */
static void hold_look(enum cancelio_stall point)
{
	u64 start = ktime_get_mono_fast_ns();

	if (point != CANCELIO_STALL_LOOK || cmpxchg(&look, LOOK_ARMED, LOOK_HELD) != LOOK_ARMED)
		return;
	while (READ_ONCE(look) == LOOK_HELD &&
	       ktime_get_mono_fast_ns() - start < CORE_PATIENCE_NS)
		cpu_relax();
}

static bool wait_look_held(void)
{
	u64 start = ktime_get_mono_fast_ns();

	while (READ_ONCE(look) != LOOK_HELD && ktime_get_mono_fast_ns() - start < CORE_PATIENCE_NS)
		cpu_relax();
	return READ_ONCE(look) == LOOK_HELD;
}

/* Submits on another processor; may be held there before it is through. */
static struct {
	struct work_struct work;
	struct cancelio_request *req;
} elsewhere;

static void submit_here(struct work_struct *work)
{
	core_submit(elsewhere.req);
}

/*
 * A request that a cancel meets as @mode, started on another processor, and
 * whose timer is held there when this returns.
 */
static struct fake *fake_looked_at(struct kunit *test, enum cancelio_cancel_mode mode,
				   u64 service_ns, u64 cancel_ns)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, 0);
	struct fake *fake;

	if (other >= nr_cpu_ids)
		kunit_skip(test, "needs two processors");
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(0)));
	fake = fake_new(test);
	fake->req.fate = (struct cancelio_fate){
		.service_ns = service_ns, .cancel_ns = cancel_ns, .limit = SIZE_MAX, .cancel = mode,
	};
	WRITE_ONCE(look, LOOK_ARMED);
	elsewhere.req = &fake->req;
	INIT_WORK(&elsewhere.work, submit_here);
	queue_work_on(other, system_wq, &elsewhere.work);
	KUNIT_EXPECT_TRUE(test, wait_look_held());
	return fake;
}

/* Lets the timer go. The front door is told, and then nobody has a reference but that: the timer neither. */
static void fake_settles(struct kunit *test, struct fake *fake, int status)
{
	u64 start = ktime_get_ns();

	WRITE_ONCE(look, LOOK_OPEN);
	flush_work(&elsewhere.work);
	while (!(READ_ONCE(fake->ended) && !hrtimer_active(&fake->req.timer)) &&
	       ktime_get_ns() - start < CORE_PATIENCE_NS)
		usleep_range(200, 1000);
	while (kref_read(&fake->req.ref) > 1 && ktime_get_ns() - start < CORE_PATIENCE_NS)
		usleep_range(200, 1000);
	fake_check(test, fake, status);
}

#define DAY_NS	(24 * 3600 * NSEC_PER_SEC)

/* The abort has armed the timer again, which comes twice and drops its reference once. */
static void abort_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_SLOW, NSEC_PER_MSEC, 0);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&fake->req.timer));
	/* The core's, the timer's and ours. */
	KUNIT_EXPECT_EQ(test, 3, kref_read(&fake->req.ref));
	fake_settles(test, fake, -ECANCELED);
}

/* The timer, armed for a day, does not keep the request when that has ended. */
static void removal_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_SLOW, NSEC_PER_MSEC, DAY_NS);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&fake->req.timer));
	cancelio_hardware_remove(&hw);
	KUNIT_EXPECT_EQ(test, 1, fake->ended);
	fake_settles(test, fake, -ENODEV);
}

/* A prompt abort leaves it to the timer that has come already to drop its reference. */
static void end_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC, 0);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, fake->ended);
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fake->req.ref));
	fake_settles(test, fake, -ECANCELED);
}

/* The flag is set when the timer has come already: this look finds it. */
static void poll_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_POLL, DAY_NS, NSEC_PER_MSEC);

	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	fake_settles(test, fake, -ECANCELED);
}

/* ---- more than one serves ---- */

/* K-QST-1: all that have waited are served, by whoever; more than that one's share. */
static void many_that_take_no_time(struct kunit *test)
{
	struct fake **fakes;
	const int many = 1000;
	int i;

	fakes = kunit_kcalloc(test, many, sizeof(*fakes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fakes);
	cancelio_hardware_order(&hw, CANCELIO_ORDER_STOP);
	for (i = 0; i < many; i++) {
		fakes[i] = fake_new(test);
		fakes[i]->req.fate.limit = SIZE_MAX;
		core_submit(&fakes[i]->req);
	}
	KUNIT_EXPECT_EQ(test, 0, fakes[0]->ended);
	cancelio_hardware_order(&hw, CANCELIO_ORDER_START);
	/* The share of who starts the queue, who may be in an interrupt. */
	KUNIT_EXPECT_EQ(test, 1, fakes[0]->ended);
	for (i = 0; i < many; i++)
		flush_work(&hw.more);
	for (i = 0; i < many; i++)
		fake_check(test, fakes[i], 0);
}

static int hardware_test_init(struct kunit *test)
{
	struct core *core;
	int err = core_init(test);

	if (err)
		return err;
	core = to_core(test);
	memset(&hw, 0, sizeof(hw));
	cancelio_hardware_init(&hw, core->dev, &core->lock, true, NULL);
	WRITE_ONCE(look, LOOK_OPEN);
	WRITE_ONCE(cancelio_stall_hook, hold_look);
	return 0;
}

static struct kunit_case hardware_cases[] = {
	KUNIT_CASE(abort_under_a_timer),
	KUNIT_CASE(removal_under_a_timer),
	KUNIT_CASE(end_under_a_timer),
	KUNIT_CASE(poll_under_a_timer),
	KUNIT_CASE(many_that_take_no_time),
	{}
};

static struct kunit_suite hardware_suite = {
	.name = "cancelio_hardware",
	.init = hardware_test_init,
	.exit = core_exit,
	.test_cases = hardware_cases,
};
kunit_test_suite(hardware_suite);
