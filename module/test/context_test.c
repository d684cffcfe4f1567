// SPDX-License-Identifier: GPL-2.0
/*
 * Cancelled and ended from where nobody may sleep: with interrupts off, and by
 * a timer that another processor is running at that moment.
 */
#include <linux/workqueue.h>

#include "core_test.h"

/* A target of parts, which wait there. */
static void core_submit(struct cancelio_request *part)
{
	struct core *core = part->dev->priv;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&core->lock, flags);
	err = cancelio_request_accept(part);
	err = err ? err : cancelio_queue_insert(&core->queue, part);
	spin_unlock_irqrestore(&core->lock, flags);
	if (err)
		cancelio_request_complete(part, err);
}

/* Return: whether interrupts are still off afterwards. */
static bool cancel_with_interrupts_off(struct fake *fake)
{
	unsigned long flags;
	bool off;

	local_irq_save(flags);
	cancelio_request_cancel(&fake->req);
	off = irqs_disabled();
	local_irq_restore(flags);
	return off;
}

/* D-CANC-6, of the routine of a queue */
static void cancel_queued(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_accepted(test);

	KUNIT_ASSERT_EQ(test, 0, core_insert(core, &core->queue, fake));
	KUNIT_EXPECT_TRUE(test, cancel_with_interrupts_off(fake));
	fake_check(test, fake, -ECANCELED);

	fake = fake_started(test);
	KUNIT_ASSERT_EQ(test, 0, core_insert(core, &core->other, fake));
	KUNIT_EXPECT_TRUE(test, cancel_with_interrupts_off(fake));
	KUNIT_EXPECT_EQ(test, 1, core_handed);
	fake_check(test, fake, -EINTR);
}

/* D-CANC-6, of those of the hardware: a slow abort does not sleep, the timer ends it. */
static void cancel_served(struct kunit *test)
{
	struct fake *fake = fake_fated(test, CANCELIO_CANCEL_PROMPT, CANCELIO_UNTIL_TOLD);

	cancelio_hardware_submit(&hw, &fake->req);
	KUNIT_EXPECT_TRUE(test, cancel_with_interrupts_off(fake));
	fake_check(test, fake, -ECANCELED);

	fake = fake_fated(test, CANCELIO_CANCEL_SLOW, CANCELIO_UNTIL_TOLD);
	fake->req.fate.cancel_ns = 1000 * NSEC_PER_SEC;
	cancelio_hardware_submit(&hw, &fake->req);
	KUNIT_EXPECT_TRUE(test, cancel_with_interrupts_off(fake));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&hw.timer));
	cancelio_hardware_remove(&hw);
	fake_check(test, fake, -ENODEV);
}

/* D-CANC-6, of that of a master */
static void cancel_parts(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_started(test);
	struct cancelio_request *part;
	int i;

	KUNIT_ASSERT_EQ(test, 0, cancelio_parts_create(&fake->req, 3));
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, 0, cancelio_parts_add(&fake->req, core->dev, 1, &part));
	cancelio_parts_send(&fake->req, cancelio_request_complete);
	KUNIT_EXPECT_TRUE(test, cancel_with_interrupts_off(fake));
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	fake_check(test, fake, -ECANCELED);
}

static long submit(void *arg)
{
	cancelio_hardware_submit(&hw, arg);
	return 0;
}

/*
 * Returns with the lock, and with the timer's callback waiting for it elsewhere:
 * by a thread there, since a processor that is idle gives its timers away.
 */
static struct fake *lock_before_timer(struct kunit *test, enum cancelio_cancel_mode mode,
				      unsigned int cpu)
	__acquires(&to_core(test)->lock)
{
	struct core *core = to_core(test);
	u64 service_ns, start;

	/* Time enough to get there before the timer, whatever the machine. */
	for (service_ns = 50 * NSEC_PER_MSEC;; service_ns *= 2) {
		struct fake *fake = fake_fated(test, mode, service_ns);

		/* It does not come to look at one that is polled before that. */
		fake->req.fate.cancel_ns = DAY_NS;
		work_on_cpu(cpu, submit, &fake->req);
		spin_lock_irq(&core->lock);
		start = ktime_get_mono_fast_ns();
		while (fake->req.served && !core_timer_runs() &&
		       ktime_get_mono_fast_ns() - start < service_ns + CORE_PATIENCE_NS)
			cpu_relax();
		if (fake->req.served)
			return fake;
		spin_unlock_irq(&core->lock);
		core_timer_wait();
		fake_check(test, fake, 0);
	}
}

/* D-SCR-8, K-SYNC-4, K-UNMARK-3: its model has it; the timer comes second and leaves it alone. */
static void take_before_timer(struct kunit *test)
{
	static const enum cancelio_cancel_mode modes[] = {
		CANCELIO_CANCEL_PROMPT, CANCELIO_CANCEL_POLL, CANCELIO_CANCEL_NEVER,
	};
	unsigned int other = cpumask_any_but(cpu_online_mask, 0);
	int i;

	if (other >= nr_cpu_ids)
		kunit_skip(test, "needs two processors");
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(0)));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct fake *fake = lock_before_timer(test, modes[i], other);
		bool waits = core_timer_runs();
		struct cancelio_request *taken = cancelio_hardware_take(&hw, NULL);

		spin_unlock_irq(&to_core(test)->lock);
		KUNIT_EXPECT_TRUE(test, waits);
		KUNIT_EXPECT_PTR_EQ(test, &fake->req, taken);
		/* The callback has seen what there is to see. */
		core_timer_wait();
		KUNIT_EXPECT_EQ(test, 0, fake->ended);
		cancelio_request_complete(&fake->req, 0);
		fake_check(test, fake, 0);
		KUNIT_EXPECT_EQ(test, 0, hw.busy);
		KUNIT_EXPECT_EQ(test, KTIME_MAX, hw.armed);
	}
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE(cancel_queued),
	KUNIT_CASE(cancel_served),
	KUNIT_CASE(cancel_parts),
	KUNIT_CASE(take_before_timer),
	{}
};

static struct kunit_suite context_suite = {
	.name = "cancelio_context",
	.init = core_hardware_init,
	.exit = core_hardware_exit,
	.test_cases = context_cases,
};
kunit_test_suite(context_suite);
