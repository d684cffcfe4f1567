// SPDX-License-Identifier: GPL-2.0
/*
 * The one timer of a hardware: what it is armed for, and what it finds when it
 * comes. It may come on another processor and be held there before it takes the
 * lock, while something else is done with the request that it has come for.
 */
#include <linux/delay.h>

#include "core_test.h"

static void core_submit(struct cancelio_request *req)
{
	cancelio_hardware_submit(&hw, req);
}

/* ---- a timer that is held ---- */

enum { LOOK_OPEN, LOOK_ARMED, LOOK_HELD };

static int look;

/* How often the timer has come. */
static atomic_t looks;

/* The next timer that comes is held until look is open, but not for ever. */
static void hold_look(enum cancelio_stall point)
{
	u64 start = ktime_get_mono_fast_ns();

	core_hook(point);
	if (point != CANCELIO_STALL_LOOK)
		return;
	atomic_inc(&looks);
	if (cmpxchg(&look, LOOK_ARMED, LOOK_HELD) != LOOK_ARMED)
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
 * A request that a cancel meets as @mode, started on another processor where the
 * timer that has come for it is held when this returns.
 */
static struct fake *fake_looked_at(struct kunit *test, enum cancelio_cancel_mode mode,
				   u64 service_ns, u64 cancel_ns)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, 0);
	struct fake *fake;

	if (other >= nr_cpu_ids)
		kunit_skip(test, "needs two processors");
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(0)));
	fake = fake_fated(test, mode, service_ns);
	fake->req.fate.cancel_ns = cancel_ns;
	WRITE_ONCE(look, LOOK_ARMED);
	elsewhere.req = &fake->req;
	INIT_WORK(&elsewhere.work, submit_here);
	queue_work_on(other, system_wq, &elsewhere.work);
	KUNIT_EXPECT_TRUE(test, wait_look_held());
	return fake;
}

/* Lets the timer go, and returns when it is through. */
static void let_look_go(void)
{
	WRITE_ONCE(look, LOOK_OPEN);
	flush_work(&elsewhere.work);
	core_timer_wait();
}

static ktime_t hw_armed(struct kunit *test)
{
	ktime_t armed;

	spin_lock_irq(&to_core(test)->lock);
	armed = hw.armed;
	spin_unlock_irq(&to_core(test)->lock);
	return armed;
}

/* It comes at that time next, or, with KTIME_MAX, never. */
static void expect_armed(struct kunit *test, ktime_t when)
{
	KUNIT_EXPECT_EQ(test, when, hw_armed(test));
	KUNIT_EXPECT_EQ(test, when != KTIME_MAX, hrtimer_is_queued(&hw.timer));
	if (when != KTIME_MAX)
		KUNIT_EXPECT_EQ(test, when, hrtimer_get_expires(&hw.timer));
}

/* Waits until the timer is armed for that. */
static void wait_armed(struct kunit *test, ktime_t when)
{
	u64 start = ktime_get_ns();

	while (hw_armed(test) != when && ktime_get_ns() - start < CORE_PATIENCE_NS)
		usleep_range(200, 1000);
	core_timer_wait();
	expect_armed(test, when);
}

/* Waits for the end of a request, of which then nobody has anything: the timer neither. */
static void fake_settles(struct kunit *test, struct fake *fake, int status)
{
	u64 start = ktime_get_ns();

	while (kref_read(&fake->req.ref) > 1 && ktime_get_ns() - start < CORE_PATIENCE_NS)
		usleep_range(200, 1000);
	fake_check(test, fake, status);
}

/* D-SCR-8: the abort has its own time now, and the timer that came for the old one is no end. */
static void abort_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_SLOW, NSEC_PER_MSEC, DAY_NS);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	let_look_go();
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	KUNIT_EXPECT_LE(test, ktime_get() + DAY_NS / 2, fake->req.due.expires);
	expect_armed(test, fake->req.due.expires);
	/* The core's and ours. */
	KUNIT_EXPECT_EQ(test, 2, kref_read(&fake->req.ref));
	cancelio_hardware_remove(&hw);
	fake_check(test, fake, -ENODEV);
}

/* The same, and it comes once more. */
static void abort_ends_after_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_SLOW, NSEC_PER_MSEC,
					   10 * NSEC_PER_MSEC);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	let_look_go();
	fake_settles(test, fake, -ECANCELED);
	wait_armed(test, KTIME_MAX);
}

/* K-SYNC-4: the removal has ended it, and the timer finds nothing. */
static void removal_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC, 0);

	cancelio_hardware_remove(&hw);
	fake_check(test, fake, -ENODEV);
	let_look_go();
	expect_armed(test, KTIME_MAX);
}

/* The same with one that was being aborted. */
static void removal_of_an_abort_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_SLOW, NSEC_PER_MSEC, DAY_NS);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	cancelio_hardware_remove(&hw);
	fake_check(test, fake, -ENODEV);
	let_look_go();
	expect_armed(test, KTIME_MAX);
}

/* A prompt abort has ended it, of which the timer has no reference. */
static void end_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC, 0);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	fake_check(test, fake, -ECANCELED);
	let_look_go();
	expect_armed(test, KTIME_MAX);
}

/* The flag is set when the timer has come already: this look finds it. */
static void poll_under_a_timer(struct kunit *test)
{
	struct fake *fake = fake_looked_at(test, CANCELIO_CANCEL_POLL, DAY_NS, NSEC_PER_MSEC);

	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	let_look_go();
	fake_settles(test, fake, -ECANCELED);
	expect_armed(test, KTIME_MAX);
}

/* It is armed for a time that is over, so that nothing new arms it: it arms itself. */
static void submit_under_a_timer(struct kunit *test)
{
	struct fake *first = fake_looked_at(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC, 0);
	struct fake *second = fake_fated(test, CANCELIO_CANCEL_PROMPT, DAY_NS);
	struct fake *third = fake_fated(test, CANCELIO_CANCEL_PROMPT, 20 * NSEC_PER_MSEC);

	core_submit(&second->req);
	core_submit(&third->req);
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(&hw.timer));
	let_look_go();
	fake_check(test, first, 0);
	fake_settles(test, third, 0);
	wait_armed(test, second->req.due.expires);
	KUNIT_EXPECT_EQ(test, 0, second->ended);
	cancelio_request_cancel(&second->req);
	fake_check(test, second, -ECANCELED);
}

/* ---- what it is armed for ---- */

/* An earlier one sets it, a later one and one that goes do not. */
static void armed_for_the_first(struct kunit *test)
{
	static const u64 days[] = { 2, 3, 1 };
	struct fake *fakes[ARRAY_SIZE(days)];
	ktime_t first;
	int i;

	expect_armed(test, KTIME_MAX);
	for (i = 0; i < ARRAY_SIZE(days); i++) {
		fakes[i] = fake_fated(test, CANCELIO_CANCEL_PROMPT, days[i] * DAY_NS);
		core_submit(&fakes[i]->req);
		expect_armed(test, fakes[i == 1 ? 0 : i]->req.due.expires);
	}
	first = fakes[2]->req.due.expires;
	for (i = ARRAY_SIZE(days); i--;) {
		KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fakes[i]->req));
		fake_check(test, fakes[i], -ECANCELED);
		expect_armed(test, first);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&looks));
}

/* One that does not end by itself is not looked at. */
static void not_armed_for_what_hangs(struct kunit *test)
{
	struct fake *fake = fake_fated(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);

	core_submit(&fake->req);
	KUNIT_EXPECT_FALSE(test, fake->req.timed);
	expect_armed(test, KTIME_MAX);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	fake_check(test, fake, -ECANCELED);
}

/*
 * Has the timer armed for a request that is gone. It is this processor's, and
 * does not come before that.
 */
static void arm_for_nothing(struct kunit *test)
{
	struct fake *fake = fake_fated(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC);
	unsigned long flags;

	local_irq_save(flags);
	core_submit(&fake->req);
	cancelio_request_cancel(&fake->req);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&hw.timer));
	local_irq_restore(flags);
	fake_check(test, fake, -ECANCELED);
}

/* The one that it was armed for is gone: it comes, leaves the others alone, and comes for them. */
static void comes_for_nothing(struct kunit *test)
{
	struct fake *later = fake_fated(test, CANCELIO_CANCEL_PROMPT, DAY_NS);

	core_submit(&later->req);
	arm_for_nothing(test);
	wait_armed(test, later->req.due.expires);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&looks));
	KUNIT_EXPECT_EQ(test, 0, later->ended);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&later->req));
	fake_check(test, later, -ECANCELED);
}

/* There is no other: it rests, and whoever is next wakes it. */
static void comes_for_nothing_and_rests(struct kunit *test)
{
	struct fake *next = fake_fated(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC);

	arm_for_nothing(test);
	wait_armed(test, KTIME_MAX);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&looks));
	core_submit(&next->req);
	fake_settles(test, next, 0);
	wait_armed(test, KTIME_MAX);
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&looks));
}

/* D-SCR-7: one that is taken out of the middle is not looked at when its time comes. */
static void taken_before_its_time(struct kunit *test)
{
	struct fake *gone = fake_fated(test, CANCELIO_CANCEL_PROMPT, 2 * NSEC_PER_MSEC);
	struct fake *before = fake_fated(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC);
	struct fake *after = fake_fated(test, CANCELIO_CANCEL_PROMPT, 3 * NSEC_PER_MSEC);
	struct cancelio_request *taken;
	unsigned long flags;

	local_irq_save(flags);
	core_submit(&gone->req);
	core_submit(&before->req);
	core_submit(&after->req);
	spin_lock(&to_core(test)->lock);
	taken = cancelio_hardware_take(&hw, NULL);
	spin_unlock(&to_core(test)->lock);
	local_irq_restore(flags);
	KUNIT_EXPECT_PTR_EQ(test, &gone->req, taken);
	fake_settles(test, before, 0);
	fake_settles(test, after, 0);
	KUNIT_EXPECT_EQ(test, 0, gone->ended);
	cancelio_request_complete(&gone->req, gone->req.status);
	fake_check(test, gone, 0);
}

/* ---- more than one serves ---- */

#define MANY	1000
/* As many one serves before it leaves the others to somebody who may take his time. */
#define SHARE	256

static struct fake **fakes_create(struct kunit *test, u64 service_ns)
{
	struct fake **fakes = kunit_kcalloc(test, MANY, sizeof(*fakes), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, fakes);
	for (i = 0; i < MANY; i++)
		fakes[i] = fake_fated(test, CANCELIO_CANCEL_PROMPT, service_ns);
	return fakes;
}

/* All have ended, of which so many by this thread, or what has interrupted it. */
static void fakes_check(struct kunit *test, struct fake **fakes, int share)
{
	int i, own = 0;

	for (i = 0; i < MANY; i++)
		flush_work(&hw.more);
	for (i = 0; i < MANY; i++) {
		own += fakes[i]->ender == current;
		fake_check(test, fakes[i], 0);
	}
	KUNIT_EXPECT_EQ(test, share, own);
}

/* K-QST-1: all that have waited are served, by whoever; more than that one's share. */
static void many_that_take_no_time(struct kunit *test)
{
	struct fake **fakes = fakes_create(test, 0);
	int i;

	cancelio_hardware_order(&hw, CANCELIO_ORDER_STOP);
	for (i = 0; i < MANY; i++)
		core_submit(&fakes[i]->req);
	KUNIT_EXPECT_EQ(test, 0, fakes[0]->ended);
	cancelio_hardware_order(&hw, CANCELIO_ORDER_START);
	fakes_check(test, fakes, SHARE);
}

/* The same of those that are due when the timer comes, which is in an interrupt. */
static void many_due_at_once(struct kunit *test)
{
	struct fake **fakes = fakes_create(test, 1);
	u64 start = ktime_get_ns();
	unsigned long flags;
	int i;

	preempt_disable();
	local_irq_save(flags);
	for (i = 0; i < MANY; i++)
		core_submit(&fakes[i]->req);
	KUNIT_EXPECT_EQ(test, 0, fakes[0]->ended);
	local_irq_restore(flags);
	/* It comes here: what it ends is ended by this thread. */
	while (!READ_ONCE(fakes[0]->ended) && ktime_get_ns() - start < CORE_PATIENCE_NS)
		cpu_relax();
	preempt_enable();
	fakes_check(test, fakes, SHARE);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&looks));
	wait_armed(test, KTIME_MAX);
}

static unsigned int ended_meanwhile;

/* Starts one, whose time comes before this returns. */
static void start_and_wait(void *arg)
{
	struct fake *fake = arg;
	u64 start = ktime_get_ns();

	core_submit(&fake->req);
	while (!atomic_read(&looks) && ktime_get_ns() - start < CORE_PATIENCE_NS)
		cpu_relax();
	core_timer_wait();
	ended_meanwhile = fake->ended;
}

/* D-CSQ-9: the timer leaves it to who serves already, who looks once more. */
static void timer_while_another_serves(struct kunit *test)
{
	struct fake *served = fake_fated(test, CANCELIO_CANCEL_PROMPT, 0);
	struct fake *timed = fake_fated(test, CANCELIO_CANCEL_PROMPT, NSEC_PER_MSEC);
	struct fake *later = fake_fated(test, CANCELIO_CANCEL_PROMPT, DAY_NS);

	core_submit(&later->req);
	cancelio_hardware_order(&hw, CANCELIO_ORDER_STOP);
	core_submit(&served->req);
	core_at(CANCELIO_STALL_NOTIFY, start_and_wait, timed);
	cancelio_hardware_order(&hw, CANCELIO_ORDER_START);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&looks));
	KUNIT_EXPECT_EQ(test, 0, ended_meanwhile);
	fake_check(test, served, 0);
	fake_check(test, timed, 0);
	expect_armed(test, later->req.due.expires);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&later->req));
	fake_check(test, later, -ECANCELED);
}

static int hardware_test_init(struct kunit *test)
{
	int err = core_hardware_init(test);

	WRITE_ONCE(look, LOOK_OPEN);
	atomic_set(&looks, 0);
	if (!err)
		WRITE_ONCE(cancelio_stall_hook, hold_look);
	return err;
}

static struct kunit_case hardware_cases[] = {
	KUNIT_CASE(abort_under_a_timer),
	KUNIT_CASE(abort_ends_after_a_timer),
	KUNIT_CASE(removal_under_a_timer),
	KUNIT_CASE(removal_of_an_abort_under_a_timer),
	KUNIT_CASE(end_under_a_timer),
	KUNIT_CASE(poll_under_a_timer),
	KUNIT_CASE(submit_under_a_timer),
	KUNIT_CASE(armed_for_the_first),
	KUNIT_CASE(not_armed_for_what_hangs),
	KUNIT_CASE(comes_for_nothing),
	KUNIT_CASE(comes_for_nothing_and_rests),
	KUNIT_CASE(taken_before_its_time),
	KUNIT_CASE(many_that_take_no_time),
	KUNIT_CASE(many_due_at_once),
	KUNIT_CASE(timer_while_another_serves),
	{}
};

static struct kunit_suite hardware_suite = {
	.name = "cancelio_hardware",
	.init = hardware_test_init,
	.exit = core_hardware_exit,
	.test_cases = hardware_cases,
};
kunit_test_suite(hardware_suite);
