// SPDX-License-Identifier: GPL-2.0
/*
 * Cancelling commands of io_uring: by everything that names them, by everybody
 * who may, and what both sides are told in each mode of a device.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"

#define NOBODY	65534

FIXTURE(cancel)
{
	struct device dev;
	struct ring ring;
	int fd, other;
};

FIXTURE_VARIANT(cancel)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(cancel, stream) { "stream" };
FIXTURE_VARIANT_ADD(cancel, store) { "store" };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(cancel)
{
	MAKE_DEVICE(&self->dev, "command_cancel", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	self->other = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->other);
	set_latencies(&self->dev, FOREVER);
}

FIXTURE_TEARDOWN(cancel)
{
	ring_close(&self->ring);
	device_unmake("command_cancel");
}

/* Slots from 0 on, one for each tag. */
static void start(FIXTURE_DATA(cancel) *self, const uint64_t *tags, int count)
{
	for (int i = 0; i < count; i++)
		prep_read(&self->ring, i, self->fd, tags[i]);
	submit(&self->ring);
}

#define START(...)							\
	start(self, (const uint64_t []){ __VA_ARGS__ },			\
	      sizeof((const uint64_t []){ __VA_ARGS__ }) / sizeof(uint64_t))

#define CANCEL_BY(by, value, flags)	cancel(&self->ring, self->fd, by, value, flags)
#define TAG(tag)		CANCEL_BY(CANCELIO_BY_TAG, tag, 0)
#define TAG_ONE(tag)		CANCEL_BY(CANCELIO_BY_TAG, tag, CANCELIO_CANCEL_ONE)
#define CANCELED(from, to)	ended(&self->ring, from, to, -ECANCELED)

TEST_F(cancel, oldest_of_a_tag)
{
	START(5, 4, 5, 6, 5);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(1, TAG_ONE(5));
		EXPECT_EQ(-ECANCELED, result(&self->ring, 2 * i));
		EXPECT_EQ(i + 1, CANCELED(0, 5));
	}
	EXPECT_EQ(-ENOENT, TAG_ONE(5));
	EXPECT_EQ(2, pending(&self->dev));
	EXPECT_EQ(3, counters(&self->dev).cancelled);
}

TEST_F(cancel, all_of_a_tag)
{
	START(5, 4, 5, 6, 5);
	EXPECT_EQ(3, TAG(5));
	EXPECT_EQ(3, CANCELED(0, 5));
	EXPECT_EQ(0, self->ring.count[1] + self->ring.count[3]);
	EXPECT_EQ(-ENOENT, TAG(5));
	EXPECT_EQ(1, TAG(6));
	EXPECT_EQ(1, TAG(4));
	EXPECT_EQ(5, CANCELED(0, 5));
	EXPECT_EQ(-ENOENT, TAG(6));
}

TEST_F(cancel, any_number_is_a_tag)
{
	static const uint64_t tags[] = {
		0, -1ULL, 1ULL << 63, 1, 1ULL << 32, (1ULL << 63) - 1, -2ULL,
	};

	start(self, tags, ARRAY_SIZE(tags));
	EXPECT_EQ(-ENOENT, TAG(2));
	EXPECT_EQ(-ENOENT, TAG((1ULL << 63) + 1));
	for (int i = ARRAY_SIZE(tags) - 1; i >= 0; i--) {
		EXPECT_EQ(1, TAG(tags[i]));
		EXPECT_EQ(-ECANCELED, result(&self->ring, i));
		EXPECT_EQ(i, pending(&self->dev));
	}
}

/* Each is found among many, in whatever order they come and go. */
TEST_F(cancel, many_tags)
{
	for (int i = 0; i < 60; i++)
		prep_read(&self->ring, i, self->fd, i * 37 % 61);
	submit(&self->ring);
	for (int i = 0; i < 60; i++) {
		int slot = i * 23 % 61 % 60;

		if (self->ring.count[slot])
			continue;
		EXPECT_EQ(1, TAG(slot * 37 % 61));
		EXPECT_EQ(-ECANCELED, result(&self->ring, slot));
	}
	EXPECT_EQ(60 - (int)pending(&self->dev), CANCELED(0, 60));
}

/* Tags are an open file's. */
TEST_F(cancel, tag_of_another_file)
{
	START(5);
	EXPECT_EQ(-ENOENT, cancel(&self->ring, self->other, CANCELIO_BY_TAG, 5, 0));
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(1, TAG(5));
}

TEST_F(cancel, one_that_has_ended)
{
	set_latencies(&self->dev, STORE ? MSEC : 0);
	START(5);
	if (!STORE)
		ASSERT_EQ(LEN, write(self->fd, self->ring.buf[9], LEN));
	reap(&self->ring, 1);
	EXPECT_EQ(-ENOENT, TAG(5));
	EXPECT_EQ(LEN, result(&self->ring, 0));
	EXPECT_EQ(0, counters(&self->dev).late);
}

/* However it was begun, and on no other open file. */
TEST_F(cancel, by_file)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->ring.buf[9], .len = LEN };
	struct call other = call;

	other.fd = self->other;
	START(1, 2);
	call_start(&call);
	wait_pending(&self->dev, 3);
	call_start(&other);
	wait_pending(&self->dev, 4);
	wait_in_syscall(&call, SYS_read);
	EXPECT_EQ(3, CANCEL_BY(CANCELIO_BY_FILE, 0, 0));
	EXPECT_EQ(2, CANCELED(0, 2));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_FILE, 0, 0));
	EXPECT_EQ(1, CANCEL_BY(CANCELIO_BY_DEVICE, 0, 0));
	EXPECT_EQ(-1, call_join(&other));
}

TEST_F(cancel, by_operation)
{
	START(1, 2);
	prep_write(&self->ring, 2, self->fd, 1);
	prep_write(&self->ring, 3, self->fd, 1);
	prep(&self->ring, 4, self->fd, CANCELIO_IOC_INFO, self->ring.buf[4], 1);
	if (STORE)
		prep(&self->ring, 5, self->fd, CANCELIO_URING_FLUSH, NULL, 1);
	memset(self->ring.buf[4], 0, LEN);
	submit(&self->ring);
	EXPECT_EQ(5 + STORE, pending(&self->dev));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_OP, CANCELIO_OP_OPEN, 0));
	EXPECT_EQ(2, CANCEL_BY(CANCELIO_BY_OP, CANCELIO_OP_WRITE, 0));
	EXPECT_EQ(2, CANCELED(2, 4));
	EXPECT_EQ(1, CANCEL_BY(CANCELIO_BY_OP, CANCELIO_OP_CONTROL, 0));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 4));
	EXPECT_EQ(STORE ? 1 : -ENOENT, CANCEL_BY(CANCELIO_BY_OP, CANCELIO_OP_FLUSH, 0));
	EXPECT_EQ(2, pending(&self->dev));
	EXPECT_EQ(1, CANCEL_BY(CANCELIO_BY_OP, CANCELIO_OP_READ, CANCELIO_CANCEL_ONE));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
	EXPECT_EQ(1, CANCEL_BY(CANCELIO_BY_OP, CANCELIO_OP_READ, 0));
	EXPECT_EQ(5 + STORE, CANCELED(0, 6));
}

TEST_F(cancel, by_id)
{
	struct cancelio_request_info info = { 0 };

	START(1, 2, 3);
	ASSERT_EQ(0, next_request(self->fd, 0, &info));
	ASSERT_EQ(0, next_request(self->fd, info.id, &info));
	EXPECT_EQ(CANCELIO_OP_READ, info.op);
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_ID, 0, 0));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_ID, info.id + 2, 0));
	EXPECT_EQ(1, cancel(&self->ring, self->other, CANCELIO_BY_ID, info.id, 0));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 1));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_ID, info.id, 0));
	EXPECT_EQ(2, pending(&self->dev));
}

TEST_F(cancel, by_process_thread_and_device)
{
	START(1, 2, 3, 4);
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_PROCESS, 1, 0));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_PROCESS, 1ULL << 32 | getpid(), 0));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_THREAD, 1, 0));
	EXPECT_EQ(1, CANCEL_BY(CANCELIO_BY_PROCESS, getpid(), CANCELIO_CANCEL_ONE));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
	EXPECT_EQ(1, CANCEL_BY(CANCELIO_BY_THREAD, syscall(SYS_gettid), CANCELIO_CANCEL_ONE));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 1));
	EXPECT_EQ(1, cancel(&self->ring, self->other, CANCELIO_BY_DEVICE, 0,
			    CANCELIO_CANCEL_ONE));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 2));
	EXPECT_EQ(1, cancel(&self->ring, self->other, CANCELIO_BY_DEVICE, 0, 0));
	EXPECT_EQ(4, CANCELED(0, 4));
	EXPECT_EQ(-ENOENT, CANCEL_BY(CANCELIO_BY_THREAD, syscall(SYS_gettid), 0));
}

/* ---- who asks ---- */

TEST_F(cancel, by_another_ring)
{
	static struct ring asks;

	memset(&asks, 0, sizeof(asks));
	ASSERT_EQ(NULL, ring_setup(&asks, 0));
	START(1, 2, 3);
	EXPECT_EQ(1, cancel(&asks, self->fd, CANCELIO_BY_TAG, 2, 0));
	reap(&self->ring, 1);
	EXPECT_EQ(-ECANCELED, result(&self->ring, 1));
	EXPECT_EQ(2, cancel(&asks, self->fd, CANCELIO_BY_FILE, 0, 0));
	reap_slot(&self->ring, 2, 1);
	EXPECT_EQ(3, CANCELED(0, 3));
	ring_close(&asks);
}

TEST_F(cancel, by_ioctl)
{
	struct cancelio_cancel one = {
		.by = CANCELIO_BY_TAG, .value = 7, .flags = CANCELIO_CANCEL_ONE,
	};

	START(7, 8, 7, 7);
	ASSERT_EQ(0, ioctl(self->fd, CANCELIO_IOC_CANCEL, &one));
	EXPECT_EQ(1, one.found);
	reap_slot(&self->ring, 0, 1);
	EXPECT_EQ(2, cancel_by(self->fd, CANCELIO_BY_TAG, 7));
	reap_slot(&self->ring, 3, 1);
	EXPECT_EQ(3, CANCELED(0, 4));
	EXPECT_EQ(-ENOENT, cancel_by(self->fd, CANCELIO_BY_TAG, 7));
	/* And that by a command. */
	one = (struct cancelio_cancel){ .by = CANCELIO_BY_TAG, .value = 8 };
	prep(&self->ring, 9, self->fd, CANCELIO_IOC_CANCEL, &one, 0);
	EXPECT_EQ(0, run(&self->ring, 9));
	EXPECT_EQ(1, one.found);
	reap_slot(&self->ring, 1, 1);
	EXPECT_EQ(4, CANCELED(0, 4));
}

/* In a child that has lost its rights. Return: 0, or what went wrong. */
static int nobody_may(int fd, pid_t root)
{
	static struct ring ring;

	if (ring_setup(&ring, 0) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	if (cancel(&ring, fd, CANCELIO_BY_TAG, 1, 0) != -EPERM ||
	    cancel(&ring, fd, CANCELIO_BY_TAG, 1, CANCELIO_CANCEL_ONE) != -EPERM ||
	    cancel(&ring, fd, CANCELIO_BY_FILE, 0, 0) != -EPERM ||
	    cancel(&ring, fd, CANCELIO_BY_OP, CANCELIO_OP_READ, 0) != -EPERM ||
	    cancel(&ring, fd, CANCELIO_BY_PROCESS, root, 0) != -EPERM ||
	    cancel(&ring, fd, CANCELIO_BY_DEVICE, 0, 0) != -EPERM)
		return 2;
	if (cancel(&ring, fd, CANCELIO_BY_TAG, 2, 0) != -ENOENT)
		return 3;
	/* Of those with a tag, its own. */
	prep_read(&ring, 0, fd, 1);
	prep_read(&ring, 1, fd, 1);
	submit(&ring);
	if (cancel(&ring, fd, CANCELIO_BY_TAG, 1, CANCELIO_CANCEL_ONE) != 1 ||
	    result(&ring, 0) != -ECANCELED)
		return 4;
	return cancel(&ring, fd, CANCELIO_BY_FILE, 0, 0) == 1 &&
	       result(&ring, 1) == -ECANCELED ? 0 : 5;
}

TEST_F(cancel, others_need_a_right)
{
	pid_t root = getpid(), pid;

	START(1, 1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(nobody_may(self->fd, root));
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(2, count_state(&self->dev, "started", "yes"));
	EXPECT_EQ(2, TAG(1));
}

/* ---- what it meets ---- */

/* Those that wait go at once, whatever the device does with those that it has begun. */
TEST_F(cancel, undelivered)
{
	if (!STORE)
		SKIP(return, "a stream begins with each");
	ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	START(0, 1, 2, 3);
	EXPECT_EQ(3, count_state(&self->dev, "queued", "yes"));
	EXPECT_EQ(1, TAG(2));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 2));
	EXPECT_EQ(2, CANCEL_BY(CANCELIO_BY_FILE, 0, 0));
	EXPECT_EQ(3, CANCELED(0, 4));
	EXPECT_EQ(-EALREADY, CANCEL_BY(CANCELIO_BY_FILE, 0, 0));
	EXPECT_EQ(-EALREADY, TAG(0));
	EXPECT_EQ(1, pending(&self->dev));
}

TEST_F(cancel, slow)
{
	uint64_t begun;

	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
	set_latency(&self->dev, "abort_latency_ns", 50 * MSEC);
	START(1);
	begun = now_ns();
	EXPECT_EQ(1, TAG(1));
	reap_slot(&self->ring, 0, 1);
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
	/* It is being aborted, and need not be asked twice. */
	set_latency(&self->dev, "abort_latency_ns", FOREVER);
	prep_read(&self->ring, 1, self->fd, 1);
	submit(&self->ring);
	EXPECT_EQ(1, TAG(1));
	EXPECT_EQ(-EALREADY, TAG(1));
	EXPECT_EQ(-EALREADY, TAG_ONE(1));
	EXPECT_EQ(0, self->ring.count[1]);
	ASSERT_EQ(0, config_put("command_cancel", "live", "0"));
	reap_slot(&self->ring, 1, 1);
	EXPECT_EQ(-ENODEV, result(&self->ring, 1));
}

/* The device looks now and then whether it was asked. */
TEST_F(cancel, polled)
{
	ASSERT_EQ(0, set(&self->dev, "cancel", "poll"));
	set_latency(&self->dev, "poll_interval_ns", 20 * MSEC);
	START(1, 1);
	EXPECT_EQ(-EALREADY, TAG(1));
	reap_slot(&self->ring, 0, 1);
	reap_slot(&self->ring, 1, 1);
	EXPECT_EQ(2, CANCELED(0, 2));
	EXPECT_EQ(-ENOENT, TAG(1));
}

/* Who cannot be cancelled has its own result. */
TEST_F(cancel, never)
{
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	set_latencies(&self->dev, STORE ? 1000 * MSEC : 0);
	START(1);
	EXPECT_EQ(-EALREADY, TAG(1));
	EXPECT_EQ(-EALREADY, CANCEL_BY(CANCELIO_BY_FILE, 0, 0));
	if (!STORE)
		ASSERT_EQ(LEN, write(self->fd, self->ring.buf[9], LEN));
	reap_slot(&self->ring, 0, 1);
	EXPECT_EQ(LEN, result(&self->ring, 0));
	EXPECT_EQ(1, counters(&self->dev).late);
	EXPECT_EQ(0, counters(&self->dev).cancelled);
	EXPECT_EQ(-ENOENT, TAG(1));
}

TEST_F(cancel, stuck)
{
	if (!STORE)
		SKIP(return, "a stream has no channels");
	ASSERT_EQ(0, set(&self->dev, "stuck", "1"));
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	START(1);
	EXPECT_EQ(1, TAG(1));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
}

TEST_HARNESS_MAIN
