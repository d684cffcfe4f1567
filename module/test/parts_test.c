// SPDX-License-Identifier: GPL-2.0
/*
 * A master and its parts: what becomes of the parts when the master is
 * cancelled, who ends the master, and with what. The test is the target to
 * which the parts are sent.
 */
#include <linux/delay.h>

#include "core_test.h"

#define PARTS	3

/* What the target does with a part that comes. */
enum target {
	TARGET_KEEPS,		/* owns it, without a look at the flag until it ends */
	TARGET_MARKS,		/* a cancel ends it at once */
	TARGET_QUEUES,		/* it waits */
};

/*
 * The parts that have come, each with a reference, and what the target does.
 * @cancel_at: at this one somebody cancels the master
 */
static struct {
	enum target target;
	unsigned int count;
	struct cancelio_request *parts[PARTS];
	struct fake *master;
	unsigned int cancel_at;
	bool found;
} sent;

static void part_cancel(struct cancelio_request *part)
{
	cancelio_request_complete(part, -ECANCELED);
}

static void core_submit(struct cancelio_request *part)
{
	struct core *core = part->dev->priv;
	int err;

	cancelio_request_get(part);
	sent.parts[sent.count++] = part;
	if (sent.count == sent.cancel_at)
		sent.found = cancelio_request_cancel(&sent.master->req);
	err = cancelio_request_accept(part);
	if (!err && sent.target == TARGET_QUEUES) {
		spin_lock_irq(&core->lock);
		err = cancelio_queue_insert(&core->queue, part);
		spin_unlock_irq(&core->lock);
		if (!err)
			return;
	}
	if (err) {
		cancelio_request_complete(part, err);
		return;
	}
	cancelio_request_start(part);
	if (sent.target == TARGET_MARKS &&
	    cancelio_request_mark_cancelable_ex(part, part_cancel) == -ECANCELED)
		cancelio_request_complete(part, -ECANCELED);
}

/* The target ends a part that it has marked or not. */
static void part_end(unsigned int index, int status, size_t bytes)
{
	struct cancelio_request *part = sent.parts[index];

	if (cancelio_request_unmark_cancelable(part) == -ECANCELED)
		return;
	part->bytes = bytes;
	cancelio_request_complete(part, status);
}

/* A STARTED master, and parts for it of 10, 20 and 30 bytes. */
static struct fake *master_new(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *master = fake_started(test);
	struct cancelio_request *part;
	int i;

	KUNIT_ASSERT_EQ(test, 0, cancelio_parts_create(&master->req, PARTS));
	for (i = 0; i < PARTS; i++)
		KUNIT_ASSERT_EQ(test, 0, cancelio_parts_add(&master->req, core->dev,
							    10 * (i + 1), &part));
	KUNIT_EXPECT_PTR_EQ(test, core->dev, cancelio_parts_target(&master->req));
	memset(&sent, 0, sizeof(sent));
	sent.master = master;
	return master;
}

static struct fake *master_sent(struct kunit *test, enum target target)
{
	struct fake *master = master_new(test);
	int i;

	sent.target = target;
	cancelio_parts_send(&master->req, cancelio_request_complete);
	KUNIT_ASSERT_EQ(test, PARTS, sent.count);
	for (i = 0; i < PARTS; i++) {
		KUNIT_EXPECT_EQ(test, master->req.ticket, cancelio_part_of(sent.parts[i]));
		KUNIT_EXPECT_TRUE(test, cancelio_part_is_split(sent.parts[i]));
	}
	return master;
}

/* As fake_check(), for a master with parts, of which nobody has anything any more. */
static void master_check(struct kunit *test, struct fake *master, int status, size_t bytes)
{
	int i;

	KUNIT_EXPECT_EQ(test, 1, master->ended);
	KUNIT_EXPECT_EQ(test, status, master->req.status);
	KUNIT_EXPECT_EQ(test, bytes, master->req.bytes);
	KUNIT_EXPECT_NULL(test, master->req.cancel);
	KUNIT_EXPECT_EQ(test, 1, kref_read(&master->req.ref));
	for (i = 0; i < sent.count; i++) {
		KUNIT_EXPECT_EQ(test, CANCELIO_DONE, sent.parts[i]->state);
		KUNIT_EXPECT_EQ(test, 1, kref_read(&sent.parts[i]->ref));
		cancelio_request_put(sent.parts[i]);
	}
	cancelio_request_put(&master->req);
}

/* D-ASSOC-2: it ends when the last has, in whatever order they do. */
static void last_part_ends_it(struct kunit *test)
{
	static const int order[PARTS] = { 2, 0, 1 };
	struct fake *master = master_sent(test, TARGET_MARKS);
	int i;

	for (i = 0; i < PARTS; i++) {
		KUNIT_EXPECT_EQ(test, 0, master->ended);
		part_end(order[i], 0, 10 * (order[i] + 1));
	}
	master_check(test, master, 0, 60);
}

/* What moved is what moved from the first on without a gap. */
static void short_part_leaves_a_gap(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_KEEPS);

	part_end(0, 0, 10);
	part_end(1, 0, 7);
	part_end(2, 0, 30);
	master_check(test, master, 0, 17);
}

static void error_after_bytes(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_KEEPS);

	part_end(2, 0, 30);
	part_end(1, -EIO, 0);
	part_end(0, 0, 10);
	master_check(test, master, 0, 10);
}

/* Nothing moved: the first error is the one that came first in the bytes, not in time. */
static void error_before_bytes(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_KEEPS);

	part_end(2, -EIO, 0);
	part_end(1, 0, 20);
	part_end(0, -ETIMEDOUT, 0);
	master_check(test, master, -ETIMEDOUT, 0);
}

/* D-ASSOC-1: its cancel finds each of them, here where they are marked. */
static void cancel_marked_parts(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_MARKS);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&master->req));
	master_check(test, master, -ECANCELED, 0);
}

static void cancel_queued_parts(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *master = master_sent(test, TARGET_QUEUES);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&master->req));
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	master_check(test, master, -ECANCELED, 0);
}

/* D-ASSOC-3: the cancel of the parts does not end it, their end does. */
static void cancel_parts_that_go_on(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_KEEPS);
	int i;

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&master->req));
	for (i = 0; i < PARTS; i++) {
		KUNIT_EXPECT_EQ(test, 0, master->ended);
		KUNIT_EXPECT_TRUE(test, cancelio_request_is_canceled(sent.parts[i]));
		part_end(i, i ? -ECANCELED : 0, i ? 0 : 10);
	}
	master_check(test, master, 0, 10);
}

/* D-ASSOC-3: what was done before the cancel counts. */
static void cancel_after_some_parts(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_MARKS);

	part_end(0, 0, 10);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&master->req));
	master_check(test, master, 0, 10);
}

static void cancel_after_all_but_the_first(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_MARKS);

	part_end(2, 0, 30);
	part_end(1, 0, 20);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&master->req));
	master_check(test, master, -ECANCELED, 0);
}

/* K-SENT-4: cancelled before it is sent, each part ends as it begins. */
static void cancel_before_send(struct kunit *test)
{
	struct fake *master = master_new(test);

	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&master->req));
	sent.target = TARGET_MARKS;
	cancelio_parts_send(&master->req, cancelio_request_complete);
	KUNIT_EXPECT_EQ(test, PARTS, sent.count);
	master_check(test, master, -ECANCELED, 0);
}

/* The same, cancelled while they are sent: the second is on its way, the third is not. */
static void cancel_while_sending(struct kunit *test)
{
	struct fake *master = master_new(test);

	sent.target = TARGET_MARKS;
	sent.cancel_at = 2;
	cancelio_parts_send(&master->req, cancelio_request_complete);
	KUNIT_EXPECT_TRUE(test, sent.found);
	KUNIT_EXPECT_EQ(test, PARTS, sent.count);
	master_check(test, master, -ECANCELED, 0);
}

/* A cancel between arming the master and the look at its flag: the routine ends it. */
static void cancel_once_armed(struct kunit *test)
{
	struct fake *master = master_new(test);
	struct canceller canceller = { .req = &master->req };

	sent.target = TARGET_QUEUES;
	core_at(CANCELIO_STALL_ARMED, core_cancel, &canceller);
	cancelio_parts_send(&master->req, cancelio_request_complete);
	KUNIT_EXPECT_TRUE(test, canceller.found);
	master_check(test, master, -ECANCELED, 0);
}

static void end_all_parts(void *arg)
{
	int i;

	for (i = 0; i < PARTS; i++)
		part_end(i, 0, 10 * (i + 1));
}

/* K-SYNC-2: the last part takes the mark back, and who cancels finds nobody to tell. */
static void last_part_between_flag_and_swap(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_MARKS);

	core_at(CANCELIO_STALL_FLAGGED, end_all_parts, NULL);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&master->req));
	KUNIT_EXPECT_EQ(test, 1, core_late(to_core(test)));
	master_check(test, master, 0, 60);
}

/* K-SYNC-2: the routine was taken, so the last part leaves the end to it. */
static void last_part_before_routine(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_MARKS);
	cancelio_cancel_fn routine;

	set_bit(CANCELIO_CANCELED, &master->req.flags);
	routine = xchg(&master->req.cancel, NULL);
	KUNIT_ASSERT_NOT_NULL(test, routine);
	/* As who cancels has one. */
	cancelio_request_get(&master->req);
	end_all_parts(NULL);
	KUNIT_EXPECT_EQ(test, 0, master->ended);
	routine(&master->req);
	KUNIT_EXPECT_EQ(test, 1, master->ended);
	cancelio_request_put(&master->req);
	master_check(test, master, 0, 60);
}

static void end_last_part(void *arg)
{
	part_end(PARTS - 1, 0, 30);
}

/* K-SYNC-3: the routine has walked some of the parts when the last of them ends by itself. */
static void last_part_while_routine_walks(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_KEEPS);
	cancelio_cancel_fn routine;

	part_end(0, 0, 10);
	part_end(1, 0, 20);
	set_bit(CANCELIO_CANCELED, &master->req.flags);
	routine = xchg(&master->req.cancel, NULL);
	KUNIT_ASSERT_NOT_NULL(test, routine);
	core_at(CANCELIO_STALL_FLAGGED, end_last_part, NULL);
	routine(&master->req);
	master_check(test, master, 0, 60);
}

/* Interleaving 3: the last part has the master back, and ends it as it was. */
static void cancel_once_taken_back(struct kunit *test)
{
	struct fake *master = master_sent(test, TARGET_KEEPS);
	struct canceller canceller = { .req = &master->req, .found = true };

	part_end(0, 0, 10);
	part_end(1, 0, 20);
	core_at(CANCELIO_STALL_UNMARKED, core_cancel, &canceller);
	part_end(2, 0, 30);
	KUNIT_EXPECT_FALSE(test, canceller.found);
	master_check(test, master, 0, 60);
}

/**
 * struct walker - ends a master by its cancel routine once its last part has ended
 * @routine: the routine, taken
 * @ready: it waits for that
 */
struct walker {
	cancelio_cancel_fn routine;
	bool ready;
};

static int walker_thread(void *arg)
{
	struct cancelio_request *part = sent.parts[PARTS - 1], *master = &sent.master->req;
	u64 start = ktime_get_mono_fast_ns();
	struct walker *walker = arg;

	WRITE_ONCE(walker->ready, true);
	while (READ_ONCE(part->state) != CANCELIO_DONE &&
	       ktime_get_mono_fast_ns() - start < CORE_PATIENCE_NS)
		cpu_relax();
	/* The part shall have told its master, and look at the mark now. */
	udelay(100);
	walker->routine(master);
	cancelio_request_put(master);
	return 0;
}

/*
 * K-SYNC-3: the last part finds the mark taken, and meanwhile the routine has
 * ended the master, of which nobody else has anything any more. A use after
 * that is for KASAN to see.
 */
static void routine_ends_it_beside_the_last_part(struct kunit *test)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, 0);
	struct core *core = to_core(test);
	struct task_struct *task;
	int i, round;

	if (other >= nr_cpu_ids)
		kunit_skip(test, "needs two processors");
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(0)));
	core->dev->behavior.knobs.race_window_ns = NSEC_PER_MSEC;
	for (round = 0; round < 20; round++) {
		struct fake *master = master_sent(test, TARGET_KEEPS);
		struct walker walker = { .routine = xchg(&master->req.cancel, NULL) };

		KUNIT_ASSERT_NOT_NULL(test, walker.routine);
		part_end(0, 0, 10);
		part_end(1, 0, 20);
		task = kthread_create(walker_thread, &walker, "cancelio_test");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		get_task_struct(task);
		kthread_bind(task, other);
		wake_up_process(task);
		while (!READ_ONCE(walker.ready))
			cond_resched();
		part_end(2, 0, 30);
		kthread_stop(task);
		put_task_struct(task);
		for (i = 0; i < PARTS; i++)
			cancelio_request_put(sent.parts[i]);
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&core->fakes));
	}
}

/* Parts that were never sent go with their master. */
static void never_sent(struct kunit *test)
{
	struct fake *master = master_new(test);

	cancelio_request_complete(&master->req, -EIO);
	KUNIT_EXPECT_EQ(test, 0, sent.count);
	master_check(test, master, -EIO, 0);
}

/* A request without parts is a part of nothing and has no target. */
static void no_parts(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_NULL(test, cancelio_parts_target(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, cancelio_part_of(&fake->req));
	KUNIT_EXPECT_FALSE(test, cancelio_part_is_split(&fake->req));
	cancelio_request_complete(&fake->req, 0);
	fake_check(test, fake, 0);
}

static struct kunit_case parts_cases[] = {
	KUNIT_CASE(last_part_ends_it),
	KUNIT_CASE(short_part_leaves_a_gap),
	KUNIT_CASE(error_after_bytes),
	KUNIT_CASE(error_before_bytes),
	KUNIT_CASE(cancel_marked_parts),
	KUNIT_CASE(cancel_queued_parts),
	KUNIT_CASE(cancel_parts_that_go_on),
	KUNIT_CASE(cancel_after_some_parts),
	KUNIT_CASE(cancel_after_all_but_the_first),
	KUNIT_CASE(cancel_before_send),
	KUNIT_CASE(cancel_while_sending),
	KUNIT_CASE(cancel_once_armed),
	KUNIT_CASE(last_part_between_flag_and_swap),
	KUNIT_CASE(last_part_before_routine),
	KUNIT_CASE(last_part_while_routine_walks),
	KUNIT_CASE(cancel_once_taken_back),
	KUNIT_CASE(routine_ends_it_beside_the_last_part),
	KUNIT_CASE(never_sent),
	KUNIT_CASE(no_parts),
	{}
};

static struct kunit_suite parts_suite = {
	.name = "cancelio_parts",
	.init = core_init,
	.exit = core_exit,
	.test_cases = parts_cases,
};
kunit_test_suite(parts_suite);
