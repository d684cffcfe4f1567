// SPDX-License-Identifier: GPL-2.0
/*
 * One request, started, whose device marks it and takes it back while somebody
 * cancels it: the exact answers, and who ends it. The test is the device.
 *
 * The numbered interleavings are those of canceller and device at the one
 * pointer that decides:
 *	1 cancelled before it was armed		2 cancelled between arming and the look
 *	3 taken back, then cancelled		4 cancelled, then taken back
 *	5 ended between flag and swap		6 given up between flag and swap
 */
#include "../file.h"
#include "core_test.h"

static void core_submit(struct cancelio_request *req)
{
	cancelio_request_complete(req, -EOPNOTSUPP);
}

/* D-CANC-1: the routine is called once, and the flag stays. */
static void mark_then_cancel(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_EQ(test, 0, cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	KUNIT_EXPECT_TRUE(test, test_bit(CANCELIO_CANCELED, &fake->req.flags));
	fake_check(test, fake, -ECANCELED);
}

static void other_cancel(struct cancelio_request *req)
{
	cancelio_request_complete(req, -EIO);
}

/* K-MARK-2: a second mark is refused and changes nothing. */
static void mark_twice(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_EQ(test, 0, cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			cancelio_request_mark_cancelable_ex(&fake->req, other_cancel));
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	fake_check(test, fake, -ECANCELED);
}

/* K-MARK-2, interleaving 1: who asks to be told is told, and the routine never runs. */
static void mark_ex_canceled(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	KUNIT_EXPECT_NULL(test, fake->req.cancel);
	KUNIT_EXPECT_EQ(test, -EINVAL, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_TRUE(test, cancelio_request_is_canceled(&fake->req));
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* K-MARK-1: of the plain form, the routine runs inside the call, as if marked before. */
static void mark_plain_canceled(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	cancelio_request_cancel(&fake->req);
	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	KUNIT_EXPECT_EQ(test, -ECANCELED, fake->unmarked);
	fake_check(test, fake, -ECANCELED);
}

static void mark_plain(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	fake_check(test, fake, -ECANCELED);
}

/* Interleaving 1, with the mark begun: the mark takes the routine back itself. */
static void mark_cancel_before_arm(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	struct canceller canceller = { .req = &fake->req, .found = true };

	core_at(CANCELIO_STALL_ARM, core_cancel, &canceller);
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_FALSE(test, canceller.found);
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	KUNIT_EXPECT_NULL(test, fake->req.cancel);
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* Interleaving 2: the routine has run, and whoever marks must let go. */
static void mark_cancel_once_armed(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	struct canceller canceller = { .req = &fake->req };

	core_at(CANCELIO_STALL_ARMED, core_cancel, &canceller);
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_TRUE(test, canceller.found);
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	fake_check(test, fake, -ECANCELED);
}

/* K-UNMARK-1: 0, and the routine never runs; K-ISC-3: what was asked stays asked. */
static void unmark_then_cancel(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_EQ(test, -EINVAL, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_EQ(test, -EINVAL, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* K-UNMARK-1, interleaving 4: the routine is running and owns the request. */
static void unmark_in_routine(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	cancelio_request_cancel(&fake->req);
	KUNIT_EXPECT_EQ(test, -ECANCELED, fake->unmarked);
	fake_check(test, fake, -ECANCELED);
}

/* The same, where the routine has been taken and has not begun: the slower cancel. */
static void unmark_before_routine(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	cancelio_cancel_fn routine;

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	set_bit(CANCELIO_CANCELED, &fake->req.flags);
	routine = xchg(&fake->req.cancel, NULL);
	KUNIT_ASSERT_TRUE(test, routine == fake_cancel);
	KUNIT_EXPECT_EQ(test, -ECANCELED, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->ended);
	routine(&fake->req);
	fake_check(test, fake, -ECANCELED);
}

/* Interleaving 3: the device has it back, and ends it as it likes. */
static void unmark_cancel_before_end(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	struct canceller canceller = { .req = &fake->req, .found = true };

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	core_at(CANCELIO_STALL_UNMARKED, core_cancel, &canceller);
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_FALSE(test, canceller.found);
	KUNIT_EXPECT_TRUE(test, cancelio_request_is_canceled(&fake->req));
	cancelio_request_complete(&fake->req, 0);
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	KUNIT_EXPECT_EQ(test, 1, core_late(to_core(test)));
	fake_check(test, fake, 0);
}

static void end_by_device(void *arg)
{
	struct fake *fake = arg;

	if (!cancelio_request_unmark_cancelable(&fake->req))
		cancelio_request_complete(&fake->req, 0);
}

/* Interleaving 5, D-CANC-3: who cancels holds a reference, and finds nobody to tell. */
static void end_between_flag_and_swap(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	core_at(CANCELIO_STALL_FLAGGED, end_by_device, fake);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	KUNIT_EXPECT_EQ(test, 1, core_late(to_core(test)));
	fake_check(test, fake, 0);
}

/* Two who cancel: one of them gets the routine, here the one who came last. */
static void cancel_between_flag_and_swap(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	struct canceller canceller = { .req = &fake->req };

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	core_at(CANCELIO_STALL_FLAGGED, core_cancel, &canceller);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_TRUE(test, canceller.found);
	KUNIT_EXPECT_EQ(test, 1, fake->routines);
	fake_check(test, fake, -ECANCELED);
}

static void mark_by_device(void *arg)
{
	struct fake *fake = arg;

	if (cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel) == -ECANCELED)
		cancelio_request_complete(&fake->req, -ECANCELED);
}

/* D-SCR-2: marked between flag and swap, the mark sees the flag and swaps first. */
static void mark_between_flag_and_swap(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	core_at(CANCELIO_STALL_FLAGGED, mark_by_device, fake);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	fake_check(test, fake, -ECANCELED);
}

/* It has ended, and the front door does not know yet: too late, and not found any more. */
static void cancel_before_notify(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_started(test);
	struct canceller canceller = { .req = &fake->req, .found = true };

	core_at(CANCELIO_STALL_NOTIFY, core_cancel, &canceller);
	cancelio_request_complete(&fake->req, 0);
	KUNIT_EXPECT_FALSE(test, canceller.found);
	KUNIT_EXPECT_NULL(test, cancelio_table_next(&core->dev->table, 0, U64_MAX));
	KUNIT_EXPECT_EQ(test, 0, core_late(core));
	fake_check(test, fake, 0);
}

/* D-IRP-8, K-UNMARK-3: a reference keeps the memory, and nothing can be done to it. */
static void cancel_ended(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&fake->req));
	cancelio_request_complete(&fake->req, -EIO);
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, -EINVAL, cancelio_request_unmark_cancelable(&fake->req));
	fake_check(test, fake, -EIO);
}

/* K-ISC-1: of a request that is marked, only the routine is told. */
static void is_canceled(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_FALSE(test, cancelio_request_is_canceled(&fake->req));
	cancelio_request_mark_cancelable(&fake->req, fake_cancel);
	KUNIT_EXPECT_FALSE(test, cancelio_request_is_canceled(&fake->req));
	set_bit(CANCELIO_CANCELED, &fake->req.flags);
	KUNIT_EXPECT_FALSE(test, cancelio_request_is_canceled(&fake->req));
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&fake->req));
	KUNIT_EXPECT_TRUE(test, cancelio_request_is_canceled(&fake->req));
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* D-CANC-1: the first who asks is the one whose time counts. */
static void canceled_at(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	u64 before = ktime_get_ns(), asked;

	KUNIT_EXPECT_EQ(test, 0, fake->req.canceled_at);
	cancelio_request_cancel(&fake->req);
	asked = fake->req.canceled_at;
	KUNIT_EXPECT_LE(test, before, asked);
	cancelio_request_cancel(&fake->req);
	KUNIT_EXPECT_EQ(test, asked, fake->req.canceled_at);
	cancelio_request_complete(&fake->req, -ECANCELED);
	fake_check(test, fake, -ECANCELED);
}

/* Each end is counted as what it was. */
static void counters(struct kunit *test)
{
	static const int ends[] = { 0, 0, -ECANCELED, -EIO, -ENODEV, -EINTR };
	struct core *core = to_core(test);
	struct cancelio_counters sum;
	struct fake *fakes[ARRAY_SIZE(ends)];
	int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		fakes[i] = fake_started(test);
	cancelio_table_counters(&core->dev->table, &sum);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(ends), sum.pending);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		KUNIT_EXPECT_EQ(test, i + 1, fakes[i]->req.ticket);
		cancelio_request_complete(&fakes[i]->req, ends[i]);
		fake_check(test, fakes[i], ends[i]);
	}
	cancelio_table_counters(&core->dev->table, &sum);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(ends), sum.accepted);
	KUNIT_EXPECT_EQ(test, 2, sum.completed);
	KUNIT_EXPECT_EQ(test, 1, sum.cancelled);
	KUNIT_EXPECT_EQ(test, 3, sum.failed);
	KUNIT_EXPECT_EQ(test, 0, sum.late);
}

static bool match_odd(struct cancelio_request *req, const void *arg)
{
	return req->ticket % 2;
}

/* Those that are meant are asked, each once, the others not. */
static void cancel_some(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fakes[5];
	int i;

	for (i = 0; i < ARRAY_SIZE(fakes); i++) {
		fakes[i] = fake_started(test);
		cancelio_request_mark_cancelable(&fakes[i]->req, fake_cancel);
	}
	KUNIT_EXPECT_EQ(test, 3, cancelio_table_cancel(&core->dev->table, match_odd, NULL));
	KUNIT_EXPECT_EQ(test, 0, cancelio_table_cancel(&core->dev->table, match_odd, NULL));
	for (i = 0; i < ARRAY_SIZE(fakes); i++) {
		bool odd = !(i % 2);

		KUNIT_EXPECT_EQ(test, odd, fakes[i]->ended);
		if (!odd)
			end_by_device(fakes[i]);
		fake_check(test, fakes[i], odd ? -ECANCELED : 0);
	}
}

/* Each way in which an end and somebody of the front door can come together. */
static void front_door(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	struct cancelio_request *req = &fake->req;

	KUNIT_EXPECT_EQ(test, CANCELIO_HELD, req->front);
	KUNIT_EXPECT_TRUE(test, cancelio_front_release(req));
	KUNIT_EXPECT_EQ(test, CANCELIO_RUNS, req->front);
	KUNIT_EXPECT_EQ(test, CANCELIO_RUNS, cancelio_front_end(req));
	KUNIT_EXPECT_EQ(test, CANCELIO_ENDED, req->front);

	req->front = CANCELIO_HELD;
	KUNIT_EXPECT_EQ(test, CANCELIO_HELD, cancelio_front_end(req));
	KUNIT_EXPECT_FALSE(test, cancelio_front_release(req));
	KUNIT_EXPECT_EQ(test, CANCELIO_ENDED, req->front);

	/* Who looks later must know that nobody is there to take what it brings. */
	req->front = CANCELIO_LEFT;
	KUNIT_EXPECT_EQ(test, CANCELIO_LEFT, cancelio_front_end(req));
	KUNIT_EXPECT_EQ(test, CANCELIO_LEFT, req->front);
	cancelio_request_complete(req, 0);
	fake_check(test, fake, 0);
}

/* Who wants an end is seen by who ends it, or comes too late and is told. */
static void want_end(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_FALSE(test, cancelio_request_interrupt(&fake->req));
	KUNIT_EXPECT_FALSE(test, test_bit(CANCELIO_FOR_GOOD, &fake->req.flags));
	KUNIT_EXPECT_FALSE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_TRUE(test, test_bit(CANCELIO_FOR_GOOD, &fake->req.flags));
	KUNIT_EXPECT_TRUE(test, cancelio_request_want_end(&fake->req));
	cancelio_request_complete(&fake->req, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, cancelio_request_want_end(&fake->req));
	fake_check(test, fake, -ECANCELED);
}

static struct kunit_case request_cases[] = {
	KUNIT_CASE(mark_then_cancel),
	KUNIT_CASE(mark_twice),
	KUNIT_CASE(mark_ex_canceled),
	KUNIT_CASE(mark_plain_canceled),
	KUNIT_CASE(mark_plain),
	KUNIT_CASE(mark_cancel_before_arm),
	KUNIT_CASE(mark_cancel_once_armed),
	KUNIT_CASE(unmark_then_cancel),
	KUNIT_CASE(unmark_in_routine),
	KUNIT_CASE(unmark_before_routine),
	KUNIT_CASE(unmark_cancel_before_end),
	KUNIT_CASE(end_between_flag_and_swap),
	KUNIT_CASE(cancel_between_flag_and_swap),
	KUNIT_CASE(mark_between_flag_and_swap),
	KUNIT_CASE(cancel_before_notify),
	KUNIT_CASE(cancel_ended),
	KUNIT_CASE(want_end),
	KUNIT_CASE(is_canceled),
	KUNIT_CASE(canceled_at),
	KUNIT_CASE(counters),
	KUNIT_CASE(cancel_some),
	KUNIT_CASE(front_door),
	{}
};

static struct kunit_suite request_suite = {
	.name = "cancelio_request",
	.init = core_init,
	.exit = core_exit,
	.test_cases = request_cases,
};
kunit_test_suite(request_suite);
