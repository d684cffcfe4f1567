// SPDX-License-Identifier: GPL-2.0
/*
 * What a device must not do with a request: the core says so in the kernel's
 * log, and where it can it refuses. The log is what tells that something is
 * wrong, so these warnings are kept from the console, and counted where the
 * kernel notes which of them it has given.
 */
#include <linux/bug.h>
#include <linux/console.h>
#include <linux/module.h>

#include "core_test.h"

static int loglevel;

static void core_submit(struct cancelio_request *req)
{
	cancelio_request_complete(req, -EOPNOTSUPP);
}

/* How many of the module's warnings were given since the last look. */
static unsigned int given(void)
{
	struct bug_entry *bug = THIS_MODULE->bug_table;
	unsigned int i, count = 0;

	for (i = 0; i < THIS_MODULE->num_bugs; i++, bug++) {
		count += !!(bug->flags & BUGFLAG_DONE);
		bug->flags &= ~BUGFLAG_DONE;
	}
	return count;
}

/* What was printed before is on the console when this returns. */
static void flush(void)
{
	console_lock();
	console_unlock();
}

static int misuse_init(struct kunit *test)
{
	given();
	flush();
	loglevel = console_loglevel;
	console_loglevel = CONSOLE_LOGLEVEL_SILENT;
	return core_init(test);
}

static void misuse_exit(struct kunit *test)
{
	flush();
	console_loglevel = loglevel;
	/* From here on a warning is one. */
	given();
	core_exit(test);
}

/* D-IRP-2, V-5: the second end is none, whatever it says. */
static void complete_twice(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	cancelio_request_complete(&fake->req, 0);
	KUNIT_EXPECT_EQ(test, 0, given());
	cancelio_request_complete(&fake->req, -EIO);
	KUNIT_EXPECT_EQ(test, 1, given());
	fake_check(test, fake, 0);
}

/* V-1: it must be taken back first. */
static void complete_marked(struct kunit *test)
{
	struct fake *fake = fake_started(test);

	KUNIT_EXPECT_EQ(test, 0, cancelio_request_mark_cancelable_ex(&fake->req, fake_cancel));
	cancelio_request_complete(&fake->req, 0);
	KUNIT_EXPECT_EQ(test, 1, given());
	KUNIT_EXPECT_EQ(test, 0, cancelio_request_unmark_cancelable(&fake->req));
	fake_check(test, fake, 0);
}

/* K-SYNC-6, V-6: it must be off its list first. */
static void complete_linked(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	LIST_HEAD(list);

	cancelio_queue_link(&list, &fake->req);
	KUNIT_EXPECT_EQ(test, 0, given());
	cancelio_request_complete(&fake->req, 0);
	KUNIT_EXPECT_EQ(test, 1, given());
	list_del_init(&fake->req.link);
	fake_check(test, fake, 0);
}

/* D-CSQ-10, V-6 */
static void link_twice(struct kunit *test)
{
	struct fake *fake = fake_started(test);
	LIST_HEAD(list);
	LIST_HEAD(other);

	cancelio_queue_link(&list, &fake->req);
	KUNIT_EXPECT_EQ(test, 0, given());
	cancelio_queue_link(&other, &fake->req);
	KUNIT_EXPECT_EQ(test, 1, given());
	list_del_init(&fake->req.link);
	cancelio_request_complete(&fake->req, 0);
	fake_check(test, fake, 0);
}

/* D-SCR-6, K-FWD-1, V-2: refused, and nothing was changed: it can be cancelled where it is. */
static void hand_on_marked(struct kunit *test)
{
	int (*const ways[])(struct cancelio_queue *queue, struct cancelio_request *req) = {
		cancelio_queue_forward, cancelio_queue_requeue,
	};
	struct core *core = to_core(test);
	int i, err;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct fake *fake = fake_started(test);

		cancelio_request_mark_cancelable(&fake->req, fake_cancel);
		spin_lock_irq(&core->lock);
		err = ways[i](&core->other, &fake->req);
		spin_unlock_irq(&core->lock);
		KUNIT_EXPECT_EQ(test, -EBUSY, err);
		KUNIT_EXPECT_EQ(test, 1, given());
		KUNIT_EXPECT_TRUE(test, core_empty(core, &core->other));
		KUNIT_EXPECT_EQ(test, CANCELIO_STARTED, fake->req.state);
		KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
		KUNIT_EXPECT_EQ(test, 1, fake->routines);
		KUNIT_EXPECT_EQ(test, 0, core_handed);
		fake_check(test, fake, -ECANCELED);
	}
}

static int put_back, marked_again;

static void put_back_on_cancel(struct cancelio_request *req, int status)
{
	struct core *core = req->dev->priv;

	marked_again = cancelio_request_mark_cancelable_ex(req, fake_cancel);
	spin_lock_irq(&core->lock);
	put_back = cancelio_queue_forward(&core->queue, req);
	spin_unlock_irq(&core->lock);
	cancelio_request_complete(req, status);
}

/* K-ONQ-1: one that was cancelled while it waited is to be ended, not to wait again. */
static void put_back_what_was_canceled(struct kunit *test)
{
	struct core *core = to_core(test);
	struct fake *fake = fake_started(test);

	core->other.canceled_on_queue = put_back_on_cancel;
	KUNIT_ASSERT_EQ(test, 0, core_insert(core, &core->other, fake));
	KUNIT_EXPECT_TRUE(test, cancelio_request_cancel(&fake->req));
	KUNIT_EXPECT_EQ(test, -EINVAL, marked_again);
	KUNIT_EXPECT_EQ(test, -EBUSY, put_back);
	KUNIT_EXPECT_EQ(test, 1, given());
	KUNIT_EXPECT_TRUE(test, core_empty(core, &core->queue));
	KUNIT_EXPECT_EQ(test, 0, fake->routines);
	fake_check(test, fake, -ECANCELED);
}

static struct kunit_case misuse_cases[] = {
	KUNIT_CASE(complete_twice),
	KUNIT_CASE(complete_marked),
	KUNIT_CASE(complete_linked),
	KUNIT_CASE(link_twice),
	KUNIT_CASE(hand_on_marked),
	KUNIT_CASE(put_back_what_was_canceled),
	{}
};

static struct kunit_suite misuse_suite = {
	.name = "cancelio_misuse",
	.init = misuse_init,
	.exit = misuse_exit,
	.test_cases = misuse_cases,
};
kunit_test_suite(misuse_suite);
