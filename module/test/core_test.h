/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the core's suites share: a device of no model of ours, which nobody
 * sees, a front door that notes how its requests end, and a second thread for
 * what has to wait for a lock.
 *
 * Each suite includes this once; what it keeps is the suite's own.
 */
#ifndef CANCELIO_CORE_TEST_H
#define CANCELIO_CORE_TEST_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../device.h"
#include "../parts.h"
#include "../stall.h"

/* A state that another thread has not brought about by then, it never will. */
#define CORE_PATIENCE_NS	(10 * NSEC_PER_SEC)

#define DAY_NS	(24 * 3600 * NSEC_PER_SEC)

/**
 * struct fake - a request of the tests' front door
 * @req: the request
 * @ended: how often it has
 * @ender: which thread has ended it
 * @routines: how often its cancel routine has run
 * @unmarked: what unmark said inside that
 */
struct fake {
	struct cancelio_request req;
	unsigned int ended;
	struct task_struct *ender;
	unsigned int routines;
	int unmarked;
};

/**
 * struct core - what a test works with
 * @dev: a device that nobody sees
 * @lock: of @queue and @other
 * @queue: ends itself what is cancelled in it
 * @other: hands what a device has had to core_canceled_on_queue()
 * @fakes: requests that were made and are not freed
 */
struct core {
	struct cancelio_device *dev;
	spinlock_t lock;	/* queue, other */
	struct cancelio_queue queue;
	struct cancelio_queue other;
	atomic_t fakes;
};

/* Devices whose memory is gone. */
static atomic_t core_destroyed;

static inline struct core *to_core(struct kunit *test)
{
	return test->priv;
}

static inline struct fake *to_fake(struct cancelio_request *req)
{
	return container_of(req, struct fake, req);
}

/* ---- the front door ---- */

static void fake_done(struct cancelio_request *req)
{
	struct core *core = req->dev->priv;
	struct fake *fake = to_fake(req);

	lockdep_assert_not_held(&core->lock);
	fake->ended++;
	fake->ender = current;
}

static void fake_free(struct cancelio_request *req)
{
	struct core *core = req->dev->priv;

	atomic_dec(&core->fakes);
	kfree(to_fake(req));
}

static const struct cancelio_request_ops fake_ops = {
	.done = fake_done,
	.free = fake_free,
};

/* A NEW request, and the front door's reference to it. */
static inline struct fake *fake_new(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = kzalloc(sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	atomic_inc(&core->fakes);
	cancelio_request_init(&fake->req, core->dev, &fake_ops, CANCELIO_READ);
	fake->req.len = 100;
	fake->req.bytes = 100;
	return fake;
}

/* The same, accepted. */
static inline struct fake *fake_accepted(struct kunit *test)
{
	struct fake *fake = fake_new(test);

	KUNIT_ASSERT_EQ(test, 0, cancelio_request_accept(&fake->req));
	return fake;
}

/* The same, STARTED: the test is the device that owns it. */
static inline struct fake *fake_started(struct kunit *test)
{
	struct fake *fake = fake_accepted(test);

	cancelio_request_start(&fake->req);
	return fake;
}

/* The front door is told of the end just once, and after it nobody has a reference but that. */
static inline void fake_check(struct kunit *test, struct fake *fake, int status)
{
	KUNIT_EXPECT_EQ(test, 1, fake->ended);
	KUNIT_EXPECT_EQ(test, CANCELIO_DONE, fake->req.state);
	KUNIT_EXPECT_EQ(test, status, fake->req.status);
	KUNIT_EXPECT_EQ(test, status ? 0 : 100, fake->req.bytes);
	KUNIT_EXPECT_NULL(test, fake->req.cancel);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->req.link));
	KUNIT_EXPECT_EQ(test, 1, kref_read(&fake->req.ref));
	cancelio_request_put(&fake->req);
}

/* A cancel routine as of a device that can end at once. */
static inline void fake_cancel(struct cancelio_request *req)
{
	struct fake *fake = to_fake(req);

	fake->routines++;
	fake->unmarked = cancelio_request_unmark_cancelable(req);
	cancelio_request_complete(req, -ECANCELED);
}

/* ---- the device ---- */

static void core_submit(struct cancelio_request *req);

static int core_model_create(struct cancelio_device *dev)
{
	return 0;
}

static void core_model_destroy(struct cancelio_device *dev)
{
	atomic_inc(&core_destroyed);
}

static void core_model_remove(struct cancelio_device *dev)
{
}

static const struct cancelio_model core_model = {
	.name = "test",
	.fops = &cancelio_store_fops,
	.create = core_model_create,
	.destroy = core_model_destroy,
	.submit = core_submit,
	.remove = core_model_remove,
};

/* ---- something else in between ---- */

/* Runs once when the test's thread gets to a point of stall.h. */
static struct {
	struct task_struct *task;
	enum cancelio_stall point;
	void (*fn)(void *arg);
	void *arg;
} core_between;

static inline void core_hook(enum cancelio_stall point)
{
	void (*fn)(void *arg) = core_between.fn;

	if (!fn || current != core_between.task || point != core_between.point)
		return;
	core_between.fn = NULL;
	fn(core_between.arg);
}

static inline void core_at(enum cancelio_stall point, void (*fn)(void *arg), void *arg)
{
	core_between.task = current;
	core_between.point = point;
	core_between.arg = arg;
	core_between.fn = fn;
}

/* Whether what was to come in between has come. */
static inline bool core_came(void)
{
	return !core_between.fn;
}

/* ---- a canceller in a thread of its own ---- */

/**
 * struct canceller - cancels one request, where the test has to go on meanwhile
 * @req: which
 * @found: what cancelio_request_cancel() said
 * @task: the thread, on another processor than the test
 */
struct canceller {
	struct cancelio_request *req;
	bool found;
	struct task_struct *task;
	struct completion go;
};

static inline int canceller_thread(void *arg)
{
	struct canceller *canceller = arg;

	wait_for_completion(&canceller->go);
	canceller->found = cancelio_request_cancel(canceller->req);
	return 0;
}

/* Before the test has made anything, for it may be skipped here; then @req is set. */
static inline void canceller_create(struct kunit *test, struct canceller *canceller)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, 0);

	if (other >= nr_cpu_ids)
		kunit_skip(test, "needs two processors");
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(0)));
	canceller->req = NULL;
	canceller->found = false;
	init_completion(&canceller->go);
	canceller->task = kthread_create(canceller_thread, canceller, "cancelio_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(canceller->task));
	get_task_struct(canceller->task);
	kthread_bind(canceller->task, other);
	wake_up_process(canceller->task);
}

/*
 * Has it cancel, and waits until it has taken the routine, which then wants the
 * lock of the queue: that may be held here, with interrupts off.
 */
static inline void canceller_take(void *arg)
{
	struct canceller *canceller = arg;
	u64 start = ktime_get_mono_fast_ns();

	complete(&canceller->go);
	while (READ_ONCE(canceller->req->cancel) &&
	       ktime_get_mono_fast_ns() - start < CORE_PATIENCE_NS)
		cpu_relax();
}

static inline bool canceller_join(struct canceller *canceller)
{
	kthread_stop(canceller->task);
	put_task_struct(canceller->task);
	return canceller->found;
}

/* For core_at(): the same from the test's own thread, where nobody wants a lock. */
static inline void core_cancel(void *arg)
{
	struct canceller *canceller = arg;

	canceller->found = cancelio_request_cancel(canceller->req);
}

/* ---- queues ---- */

static unsigned int core_handed;
static int core_handed_status;

/* Ends a request in a way that tells who has. */
static inline void core_canceled_on_queue(struct cancelio_request *req, int status)
{
	struct core *core = req->dev->priv;

	lockdep_assert_not_held(&core->lock);
	core_handed++;
	core_handed_status = status;
	cancelio_request_complete(req, status == -ECANCELED ? -EINTR : status);
}

static inline int core_insert(struct core *core, struct cancelio_queue *queue, struct fake *fake)
{
	int err;

	spin_lock_irq(&core->lock);
	err = cancelio_queue_insert(queue, &fake->req);
	spin_unlock_irq(&core->lock);
	return err;
}

static inline struct cancelio_request *core_remove_next(struct core *core,
							struct cancelio_queue *queue)
{
	struct cancelio_request *req;

	spin_lock_irq(&core->lock);
	req = cancelio_queue_remove_next(queue);
	spin_unlock_irq(&core->lock);
	return req;
}

static inline bool core_empty(struct core *core, struct cancelio_queue *queue)
{
	bool empty;

	spin_lock_irq(&core->lock);
	empty = cancelio_queue_empty(queue);
	spin_unlock_irq(&core->lock);
	return empty;
}

/* ---- before and after each test ---- */

static inline int core_init(struct kunit *test)
{
	struct cancelio_settings settings = { .model = &core_model, .size = 1 };
	struct core *core = kunit_kzalloc(test, sizeof(*core), GFP_KERNEL);

	if (!core)
		return -ENOMEM;
	spin_lock_init(&core->lock);
	cancelio_queue_init(&core->queue, &core->lock, NULL);
	cancelio_queue_init(&core->other, &core->lock, core_canceled_on_queue);
	core_handed = 0;
	cancelio_knobs_init(&settings.knobs);
	core->dev = cancelio_device_create(&settings);
	if (IS_ERR(core->dev))
		return PTR_ERR(core->dev);
	core->dev->priv = core;
	test->priv = core;
	core_between.fn = NULL;
	WRITE_ONCE(cancelio_stall_hook, core_hook);
	return 0;
}

/* What was accepted is accounted for, and nobody has anything any more. */
static inline void core_exit(struct kunit *test)
{
	struct core *core = to_core(test);
	struct cancelio_counters sum;
	int destroyed;

	WRITE_ONCE(cancelio_stall_hook, NULL);
	if (!core)
		return;
	KUNIT_EXPECT_TRUE(test, core_came());
	cancelio_table_counters(&core->dev->table, &sum);
	KUNIT_EXPECT_EQ(test, sum.accepted, sum.completed + sum.cancelled + sum.failed);
	KUNIT_EXPECT_EQ(test, 0, sum.pending);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&core->dev->table.requests));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&core->fakes));
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&core->dev->users));

	destroyed = atomic_read(&core_destroyed);
	cancelio_device_remove(core->dev);
	flush_workqueue(cancelio_workqueue);
	KUNIT_EXPECT_EQ(test, destroyed + 1, atomic_read(&core_destroyed));
}

/* ---- a hardware of the suite's own, with the lock of its queues ---- */

static struct cancelio_hardware hw;

static inline int core_hardware_init(struct kunit *test)
{
	int err = core_init(test);

	if (err)
		return err;
	memset(&hw, 0, sizeof(hw));
	cancelio_hardware_init(&hw, to_core(test)->dev, &to_core(test)->lock, true, NULL);
	return 0;
}

/* Nothing is left on it, but for its timer perhaps, which comes for what has gone. */
static inline void core_hardware_exit(struct kunit *test)
{
	if (to_core(test)) {
		flush_work(&hw.more);
		KUNIT_EXPECT_EQ(test, 0, hw.busy);
		KUNIT_EXPECT_EQ(test, 0, hw.aside);
		KUNIT_EXPECT_TRUE(test, list_empty(&hw.serving));
		KUNIT_EXPECT_TRUE(test, list_empty(&hw.apart));
		KUNIT_EXPECT_TRUE(test, list_empty(&hw.waiting.requests));
		KUNIT_EXPECT_NULL(test, timerqueue_getnext(&hw.due));
		cancelio_hardware_destroy(&hw);
	}
	core_exit(test);
}

/* Whether the timer's callback is running. */
static inline bool core_timer_runs(void)
{
	/* At this instant, which may be over at the next. */
	return data_race(hrtimer_callback_running(&hw.timer));
}

/* The timer may have come on another processor: it is through when this returns. */
static inline void core_timer_wait(void)
{
	while (core_timer_runs())
		cpu_relax();
}

/* A NEW request that a cancel meets as @mode and that takes so long. */
static inline struct fake *fake_fated(struct kunit *test, enum cancelio_cancel_mode mode,
				      u64 service_ns)
{
	struct fake *fake = fake_new(test);

	fake->req.fate = (struct cancelio_fate){
		.service_ns = service_ns, .limit = U32_MAX, .cancel = mode,
	};
	return fake;
}

/* How many requests were asked to be cancelled and ended otherwise. */
static inline u64 core_late(struct core *core)
{
	struct cancelio_counters counters;

	cancelio_table_counters(&core->dev->table, &counters);
	return counters.late;
}

#endif /* CANCELIO_CORE_TEST_H */
