// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that wait in a queue: who ends one that is cancelled while it comes
 * in, goes out, is handed on or given up. The interleavings are those of
 * request_test.c.
 */
#include "core_test.h"

static void core_submit(struct cancelio_request *req)
{
	cancelio_request_complete(req, -EOPNOTSUPP);
}

/* A request in a queue; one that a device has had, if so. */
static struct fake *fake_queued(struct kunit *test, struct cancelio_queue *queue, bool delivered)
{
	struct fake *fake = delivered ? fake_started(test) : fake_accepted(test);

	KUNIT_ASSERT_EQ(test, 0, core_insert(to_core(test), queue, fake));
	return fake;
}

/* D-CSQ-6: the oldest first, whatever came when. */
static void oldest_first(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fakes[3];
	int i;

	KUNIT_EXPECT_NULL(test, core_remove_next(core, &core->queue));
	for (i = 0; i < 3; i++)
		fakes[i] = fake_accepted(test);
	KUNIT_EXPECT_EQ(test, 0, core_insert(core, &core->queue, fakes[1]));
	KUNIT_EXPECT_EQ(test, 0, core_insert(core, &core->queue, fakes[2]));
	KUNIT_EXPECT_EQ(test, 0, core_insert(core, &core->queue, fakes[0]));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_PTR_EQ(test, &fakes[i]->req, core_remove_next(core, &core->queue));
		KUNIT_EXPECT_EQ(test, -EINVAL, cancelio_request_unmark_cancelable(&fakes[i]->req));
		cancelio_request_complete(&fakes[i]->req, 0);
		fake_check(test, fakes[i], 0);
	}
	KUNIT_EXPECT_NULL(test, core_remove_next(core, &core->queue));
}

/* K-OWN-1: one of many is cancelled where it is, the others stay. */
static void cancel_in_the_middle(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fakes[3];
	int i;

	for (i = 0; i < 3; i++)
		fakes[i] = fake_queued(test, &core->queue, false);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fakes[1]->req));
	fake_check(test, fakes[1], -ECANCELED);
	for (i = 0; i < 3; i += 2) {
		KUNIT_EXPECT_PTR_EQ(test, &fakes[i]->req, core_remove_next(core, &core->queue));
		cancelio_request_complete(&fakes[i]->req, 0);
		fake_check(test, fakes[i], 0);
	}
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
}

/* Interleaving 1, D-CSQ-5: who inserts one that was cancelled keeps it, and ends it. */
static void insert_canceled(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_accepted(test);

	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_insert(core, &core->queue, fake));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* The same, cancelled when it was linked already. */
static void insert_cancel_before_arm(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_accepted(test);
	struct canceller canceller = { .req = &fake->req, .found = true };

	core_at(CANCELIO_STALL_ARM, core_cancel, &canceller);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_insert(core, &core->queue, fake));
	KUNIT_EXPECT_FALSE(test, canceller.found);
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* Interleaving 2: the routine waits for the lock, and who inserts lets go. */
static void insert_cancel_once_armed(struct kunit *test)
{
	struct core *core = to_core(test);
	struct canceller canceller;
	struct fake *fake;

	canceller_create(test, &canceller);
	fake = fake_accepted(test);
	canceller.req = &fake->req;
	core_at(CANCELIO_STALL_ARMED, canceller_take, &canceller);
	KUNIT_EXPECT_EQ(test, 0, core_insert(core, &core->queue, fake));
	KUNIT_EXPECT_TRUE(test, canceller_join(&canceller));
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	KUNIT_EXPECT_PTR_EQ(test, canceller.task, fake->ender);
	fake_check(test, fake, -ECANCELED);
}

/* Interleaving 3: off the queue, it is the device's, which looks before it begins. */
static void cancel_once_dequeued(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->queue, false);
	struct canceller canceller = { .req = &fake->req, .found = true };

	core_at(CANCELIO_STALL_DEQUEUED, core_cancel, &canceller);
	KUNIT_EXPECT_PTR_EQ(test, &fake->req, core_remove_next(core, &core->queue));
	KUNIT_EXPECT_FALSE(test, canceller.found);
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	KUNIT_EXPECT_TRUE(test, cancelio_request_is_canceled(&fake->req));
	cancelio_request_complete(&fake->req, 0);
	KUNIT_EXPECT_EQ(test, 1, core_late(core));
	fake_check(test, fake, 0);
}

/* Interleaving 4, D-SCR-4: one that is being cancelled is passed over, and left linked. */
static void pass_over_canceled(struct kunit *test)
{
	struct core *core = to_core(test);
	struct cancelio_request *next, *none;
	struct canceller canceller;
	struct fake *first, *second;
	bool linked;

	canceller_create(test, &canceller);
	first = fake_queued(test, &core->queue, false);
	second = fake_queued(test, &core->queue, false);
	canceller.req = &first->req;
	spin_lock_irq(&core->lock);
	canceller_take(&canceller);
	next = cancelio_queue_remove_next(&core->queue);
	none = cancelio_queue_remove_next(&core->queue);
	linked = !list_empty(&first->req.link);
	spin_unlock_irq(&core->lock);

	KUNIT_EXPECT_PTR_EQ(test, &second->req, next);
	KUNIT_EXPECT_NULL(test, none);
	KUNIT_EXPECT_TRUE(test, linked);
	KUNIT_EXPECT_TRUE(test, canceller_join(&canceller));
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	KUNIT_EXPECT_PTR_EQ(test, canceller.task, first->ender);
	fake_check(test, first, -ECANCELED);
	cancelio_request_complete(&second->req, 0);
	fake_check(test, second, 0);
}

static void end_next(void *arg)
{
	struct core *core = arg;
	struct cancelio_request *req = core_remove_next(core, &core->queue);

	if (req)
		cancelio_request_complete(req, 0);
}

/* Interleaving 5 */
static void end_between_flag_and_swap(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->queue, false);

	core_at(CANCELIO_STALL_FLAGGED, end_next, core);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, core_late(core));
	fake_check(test, fake, 0);
}

static void purge(void *arg)
{
	struct core *core = arg;

	cancelio_queue_purge(&core->queue, CANCELIO_GATE_PURGE);
}

static void remove(void *arg)
{
	struct core *core = arg;

	cancelio_queue_purge(&core->queue, CANCELIO_GATE_REMOVED);
}

/* Interleaving 6: the purge swaps first, and ends it. */
static void purge_between_flag_and_swap(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->queue, false);

	core_at(CANCELIO_STALL_FLAGGED, purge, core);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	fake_check(test, fake, -ECANCELED);
}

/* The same with a removal, whose status it then has. */
static void remove_between_flag_and_swap(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->queue, false);

	core_at(CANCELIO_STALL_FLAGGED, remove, core);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, core_late(core));
	fake_check(test, fake, -ENODEV);
}

/* Interleaving 6, the other way round: the canceller has swapped, the purge passes it over. */
static void purge_after_swap(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *first = fake_queued(test, &core->queue, false);
	struct fake *second = fake_queued(test, &core->queue, false);
	cancelio_cancel_fn routine;

	set_bit(CANCELIO_CANCELED, &first->req.flags);
	routine = xchg(&first->req.cancel, NULL);
	KUNIT_ASSERT_NOT_NULL(test, routine);
	purge(core);
	KUNIT_EXPECT_EQ(test, 0, first->ended);
	fake_check(test, second, -ECANCELED);
	routine(&first->req);
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	fake_check(test, first, -ECANCELED);
}

/* K-QST-1: what each gate lets in and out. */
static void gates(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->queue, false);
	struct fake *late = fake_accepted(test);

	spin_lock_irq(&core->lock);
	cancelio_queue_stop(&core->queue);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_NULL(test, core_remove_next(core, &core->queue));
	KUNIT_EXPECT_EQ(test, 0, core_insert(core, &core->queue, late));
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&late->req));
	fake_check(test, late, -ECANCELED);

	late = fake_accepted(test);
	spin_lock_irq(&core->lock);
	cancelio_queue_drain(&core->queue);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, core_insert(core, &core->queue, late));
	KUNIT_EXPECT_EQ(test, CANCELIO_NEW, late->req.state);
	KUNIT_EXPECT_PTR_EQ(test, &fake->req, core_remove_next(core, &core->queue));
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));

	purge(core);
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, core_insert(core, &core->queue, late));
	spin_lock_irq(&core->lock);
	cancelio_queue_start(&core->queue);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_EQ(test, 0, core_insert(core, &core->queue, late));
	KUNIT_EXPECT_PTR_EQ(test, &late->req, core_remove_next(core, &core->queue));

	cancelio_request_complete(&fake->req, 0);
	fake_check(test, fake, 0);
	cancelio_request_complete(&late->req, 0);
	fake_check(test, late, 0);
}

/* What was removed never comes back, whatever is asked of it. */
static void removed_for_good(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->queue, false);

	remove(core);
	fake_check(test, fake, -ENODEV);
	fake = fake_accepted(test);
	spin_lock_irq(&core->lock);
	cancelio_queue_stop(&core->queue);
	cancelio_queue_drain(&core->queue);
	cancelio_queue_start(&core->queue);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_EQ(test, -ENODEV, core_insert(core, &core->queue, fake));
	purge(core);
	KUNIT_EXPECT_EQ(test, -ENODEV, core_insert(core, &core->queue, fake));
	cancelio_request_complete(&fake->req, -ENODEV);
	fake_check(test, fake, -ENODEV);
}

static int core_forward(struct core *core, struct cancelio_queue *queue, struct fake *fake)
{
	int err;

	spin_lock_irq(&core->lock);
	err = cancelio_queue_forward(queue, &fake->req);
	spin_unlock_irq(&core->lock);
	return err;
}

static int core_requeue(struct core *core, struct cancelio_queue *queue, struct fake *fake)
{
	int err;

	spin_lock_irq(&core->lock);
	err = cancelio_queue_requeue(queue, &fake->req);
	spin_unlock_irq(&core->lock);
	return err;
}

/* K-FWD-1: what a closed queue refuses is its device's still, and as it was. */
static void forward(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_started(test);

	spin_lock_irq(&core->lock);
	cancelio_queue_drain(&core->other);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_EQ(test, -EBUSY, core_forward(core, &core->other, fake));
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, fake->req.state);
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->other));

	KUNIT_EXPECT_EQ(test, 0, core_forward(core, &core->queue, fake));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, fake->req.state);
	KUNIT_EXPECT_PTR_EQ(test, &fake->req, core_remove_next(core, &core->queue));
	cancelio_request_complete(&fake->req, 0);
	fake_check(test, fake, 0);
}

/* K-FWD-3: one that was cancelled is not taken, and is not handed back twice. */
static void forward_canceled(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *before = fake_started(test), *meanwhile = fake_started(test);
	struct canceller canceller = { .req = &meanwhile->req, .found = true };

	cancelio_request_cancel(&before->req);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_forward(core, &core->other, before));
	core_at(CANCELIO_STALL_ARM, core_cancel, &canceller);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_forward(core, &core->other, meanwhile));
	KUNIT_EXPECT_FALSE(test, canceller.found);
	KUNIT_EXPECT_EQ(test, 0, core_handed);
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->other));
	cancelio_request_complete(&before->req, -ECANCELED);
	fake_check(test, before, -ECANCELED);
	cancelio_request_complete(&meanwhile->req, -ECANCELED);
	fake_check(test, meanwhile, -ECANCELED);
}

/* Interleaving 2 with one that is handed on: its routine hands it back, once. */
static void forward_cancel_once_armed(struct kunit *test)
{
	struct core *core = to_core(test);
	struct canceller canceller;
	struct fake *fake;

	canceller_create(test, &canceller);
	fake = fake_started(test);
	canceller.req = &fake->req;
	core_at(CANCELIO_STALL_ARMED, canceller_take, &canceller);
	KUNIT_EXPECT_EQ(test, 0, core_forward(core, &core->other, fake));
	KUNIT_EXPECT_TRUE(test, canceller_join(&canceller));
	KUNIT_EXPECT_EQ(test, 1, core_handed);
	KUNIT_EXPECT_PTR_EQ(test, canceller.task, fake->ender);
	fake_check(test, fake, -EINTR);
}

/* K-FWD-4: back in its place, also while the queue drains. */
static void requeue(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *first = fake_queued(test, &core->queue, false);
	struct fake *second = fake_queued(test, &core->queue, false);

	KUNIT_EXPECT_PTR_EQ(test, &first->req, core_remove_next(core, &core->queue));
	cancelio_request_start(&first->req);
	spin_lock_irq(&core->lock);
	cancelio_queue_drain(&core->queue);
	spin_unlock_irq(&core->lock);
	KUNIT_EXPECT_EQ(test, 0, core_requeue(core, &core->queue, first));
	KUNIT_EXPECT_EQ(test, CANCELIO_QUEUED, first->req.state);
	KUNIT_EXPECT_PTR_EQ(test, &first->req, core_remove_next(core, &core->queue));
	KUNIT_EXPECT_PTR_EQ(test, &second->req, core_remove_next(core, &core->queue));
	cancelio_request_complete(&first->req, 0);
	fake_check(test, first, 0);
	cancelio_request_complete(&second->req, 0);
	fake_check(test, second, 0);
}

/* K-QST-2: what is given back to a queue that was purged counts as cancelled. */
static void requeue_refused(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_started(test);

	purge(core);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_requeue(core, &core->queue, fake));
	remove(core);
	KUNIT_EXPECT_EQ(test, -ENODEV, core_requeue(core, &core->queue, fake));
	KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, fake->req.state);
	cancelio_request_cancel(&fake->req);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_requeue(core, &core->other, fake));
	KUNIT_EXPECT_EQ(test, 0, core_handed);
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->other));
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* K-OWN-1: a device is not told of what it has never had. */
static void undelivered_is_not_handed_back(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->other, false);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	fake_check(test, fake, -ECANCELED);
	fake = fake_queued(test, &core->other, false);
	cancelio_queue_purge(&core->other, CANCELIO_GATE_PURGE);
	fake_check(test, fake, -ECANCELED);
	KUNIT_EXPECT_EQ(test, 0, core_handed);
}

/* K-OWN-3, K-ONQ-1: what it has had it gets back, and ends as it sees fit. */
static void delivered_is_handed_back(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_queued(test, &core->other, true);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, core_handed);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_handed_status);
	fake_check(test, fake, -EINTR);

	fake = fake_queued(test, &core->other, true);
	cancelio_queue_purge(&core->other, CANCELIO_GATE_PURGE);
	KUNIT_EXPECT_EQ(test, 2, core_handed);
	KUNIT_EXPECT_EQ(test, -ECANCELED, core_handed_status);
	fake_check(test, fake, -EINTR);

	spin_lock_irq(&core->lock);
	cancelio_queue_start(&core->other);
	spin_unlock_irq(&core->lock);
	fake = fake_queued(test, &core->other, true);
	cancelio_queue_purge(&core->other, CANCELIO_GATE_REMOVED);
	KUNIT_EXPECT_EQ(test, 3, core_handed);
	KUNIT_EXPECT_EQ(test, -ENODEV, core_handed_status);
	fake_check(test, fake, -ENODEV);
}

/* K-OWN-3: a queue that has nobody to hand it to ends it itself. */
static void delivered_without_a_callback(struct kunit *test)
{
	struct fake *fake = fake_queued(test, &to_core(test)->queue, true);

	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, core_handed);
	fake_check(test, fake, -ECANCELED);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(oldest_first),
	KUNIT_CASE(cancel_in_the_middle),
	KUNIT_CASE(insert_canceled),
	KUNIT_CASE(insert_cancel_before_arm),
	KUNIT_CASE(insert_cancel_once_armed),
	KUNIT_CASE(cancel_once_dequeued),
	KUNIT_CASE(pass_over_canceled),
	KUNIT_CASE(end_between_flag_and_swap),
	KUNIT_CASE(purge_between_flag_and_swap),
	KUNIT_CASE(remove_between_flag_and_swap),
	KUNIT_CASE(purge_after_swap),
	KUNIT_CASE(gates),
	KUNIT_CASE(removed_for_good),
	KUNIT_CASE(forward),
	KUNIT_CASE(forward_canceled),
	KUNIT_CASE(forward_cancel_once_armed),
	KUNIT_CASE(requeue),
	KUNIT_CASE(requeue_refused),
	KUNIT_CASE(undelivered_is_not_handed_back),
	KUNIT_CASE(delivered_is_handed_back),
	KUNIT_CASE(delivered_without_a_callback),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "cancelio_queue",
	.init = core_init,
	.exit = core_exit,
	.test_cases = queue_cases,
};
kunit_test_suite(queue_suite);
