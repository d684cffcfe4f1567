// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a device's requests when it is told to purge, and how long
 * they keep it.
 */
#include "core_test.h"

static struct cancelio_model model;
static struct fake *started;
static bool asked_at_the_gate;

static void core_submit(struct cancelio_request *req)
{
	cancelio_request_complete(req, -EOPNOTSUPP);
}

static void shut_gate(struct cancelio_device *dev, enum cancelio_order order)
{
	struct core *core = dev->priv;

	asked_at_the_gate = test_bit(CANCELIO_CANCELED, &started->req.flags);
	if (order == CANCELIO_ORDER_PURGE)
		cancelio_queue_purge(&core->queue, CANCELIO_GATE_PURGE);
}

static int device_init(struct kunit *test)
{
	int err = core_init(test);

	if (err)
		return err;
	model = core_model;
	model.order = shut_gate;
	to_core(test)->dev->model = &model;
	return 0;
}

/* K-QST-2: the gate first, then what waits, then what was started; an open is left alone. */
static void purge(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *waits = fake_accepted(test), *marked = fake_started(test);
	struct fake *open = fake_started(test);

	open->req.op = CANCELIO_OPEN;
	cancelio_request_mark_cancelable(&open->req, fake_cancel);
	cancelio_request_mark_cancelable(&marked->req, fake_cancel);
	KUNIT_ASSERT_EQ(test, 0, core_insert(core, &core->queue, waits));
	started = marked;
	cancelio_device_order(core->dev, CANCELIO_ORDER_PURGE);
	KUNIT_EXPECT_FALSE(test, asked_at_the_gate);
	fake_check(test, waits, -ECANCELED);
	KUNIT_EXPECT_EQ(test, 1, marked->routines);
	fake_check(test, marked, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, test_bit(CANCELIO_CANCELED, &open->req.flags));
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&open->req));
	cancelio_request_complete(&open->req, 0);
	fake_check(test, open, 0);
}

/* K-MARK-3: one that was started before the purge, and is marked after it, is late. */
static void mark_during_purge(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *told = fake_started(test), *called = fake_started(test);

	started = told;
	cancelio_device_order(core->dev, CANCELIO_ORDER_PURGE);
	KUNIT_EXPECT_EQ(test, 0, told->ended);
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			cancelio_request_mark_cancelable_ex(&told->req, fake_cancel));
	cancelio_request_complete(&told->req, -ECANCELED);
	fake_check(test, told, -ECANCELED);
	cancelio_request_mark_cancelable(&called->req, fake_cancel);
	KUNIT_EXPECT_EQ(test, 1, called->routines);
	fake_check(test, called, -ECANCELED);
}

/* K-SENT-7, K-QST-1: the other orders ask nothing of what was started. */
static void orders_that_leave_it(struct kunit *test)
{
	static const enum cancelio_order orders[] = {
		CANCELIO_ORDER_STOP, CANCELIO_ORDER_DRAIN, CANCELIO_ORDER_START,
	};
	struct core *core = to_core(test);
	struct fake *marked = fake_started(test);
	int i;

	cancelio_request_mark_cancelable(&marked->req, fake_cancel);
	started = marked;
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		cancelio_device_order(core->dev, orders[i]);
	KUNIT_EXPECT_FALSE(test, test_bit(CANCELIO_CANCELED, &marked->req.flags));
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&marked->req));
	cancelio_request_complete(&marked->req, 0);
	fake_check(test, marked, 0);
}

/* D-CSQ-12: who has ended a request, and looks at it still, has the device and its queues. */
static void stays_for_the_last_look(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_accepted(test);

	KUNIT_ASSERT_EQ(test, 0, core_insert(core, &core->queue, fake));
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&core->dev->users));
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, fake->ended);
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&core->dev->users));
	fake_check(test, fake, -ECANCELED);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&core->dev->users));
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(purge),
	KUNIT_CASE(mark_during_purge),
	KUNIT_CASE(orders_that_leave_it),
	KUNIT_CASE(stays_for_the_last_look),
	{}
};

static struct kunit_suite device_suite = {
	.name = "cancelio_device",
	.init = device_init,
	.exit = core_exit,
	.test_cases = device_cases,
};
kunit_test_suite(device_suite);
