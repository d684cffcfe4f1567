// SPDX-License-Identifier: GPL-2.0
/*
 * Commands in rings of every kind, and in every manner of submission: linked,
 * drained, by a worker.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"

#define DEFER	(IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER)

FIXTURE(kinds)
{
	struct device dev;
	struct ring ring;
	int fd;
};

FIXTURE_VARIANT(kinds)
{
	const char *model;
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(kinds, stream_plain) { "stream", 0 };
FIXTURE_VARIANT_ADD(kinds, stream_sqe128) { "stream", IORING_SETUP_SQE128 };
FIXTURE_VARIANT_ADD(kinds, stream_cqe32) { "stream", IORING_SETUP_CQE32 };
FIXTURE_VARIANT_ADD(kinds, stream_sqe128_cqe32) {
	"stream", IORING_SETUP_SQE128 | IORING_SETUP_CQE32
};
FIXTURE_VARIANT_ADD(kinds, stream_sqpoll) { "stream", IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(kinds, stream_coop) { "stream", IORING_SETUP_COOP_TASKRUN };
FIXTURE_VARIANT_ADD(kinds, stream_coop_flag) {
	"stream", IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG
};
FIXTURE_VARIANT_ADD(kinds, stream_single) { "stream", IORING_SETUP_SINGLE_ISSUER };
FIXTURE_VARIANT_ADD(kinds, stream_defer) { "stream", DEFER };
FIXTURE_VARIANT_ADD(kinds, stream_submit_all) { "stream", IORING_SETUP_SUBMIT_ALL };
FIXTURE_VARIANT_ADD(kinds, store_plain) { "store", 0 };
FIXTURE_VARIANT_ADD(kinds, store_sqe128) { "store", IORING_SETUP_SQE128 };
FIXTURE_VARIANT_ADD(kinds, store_cqe32) { "store", IORING_SETUP_CQE32 };
FIXTURE_VARIANT_ADD(kinds, store_sqe128_cqe32) {
	"store", IORING_SETUP_SQE128 | IORING_SETUP_CQE32
};
FIXTURE_VARIANT_ADD(kinds, store_sqpoll) { "store", IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(kinds, store_coop) { "store", IORING_SETUP_COOP_TASKRUN };
FIXTURE_VARIANT_ADD(kinds, store_coop_flag) {
	"store", IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG
};
FIXTURE_VARIANT_ADD(kinds, store_single) { "store", IORING_SETUP_SINGLE_ISSUER };
FIXTURE_VARIANT_ADD(kinds, store_defer) { "store", DEFER };
FIXTURE_VARIANT_ADD(kinds, store_submit_all) { "store", IORING_SETUP_SUBMIT_ALL };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(kinds)
{
	MAKE_DEVICE(&self->dev, "kinds", variant->model);
	SETUP_RING(&self->ring, variant->flags);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	if (STORE)
		ASSERT_TRUE(area_fill(self->fd));
}

FIXTURE_TEARDOWN(kinds)
{
	ring_close(&self->ring);
	device_unmake("kinds");
}

TEST_F(kinds, there_and_back)
{
	fill_pattern(self->ring.buf[0], 500, LEN);
	prep_write(&self->ring, 0, self->fd, 0);
	EXPECT_EQ(LEN, run(&self->ring, 0));
	prep_read(&self->ring, 1, self->fd, 0);
	EXPECT_EQ(LEN, run(&self->ring, 1));
	EXPECT_TRUE(is_pattern(self->ring.buf[1], 500, LEN));
	EXPECT_EQ(LEN, result(&self->ring, 0));
	EXPECT_EQ(LEN, result(&self->ring, 1));
}

/* Ends that come from elsewhere: a timer, and another thread's write. */
TEST_F(kinds, done_after_a_wait)
{
	struct call call = { .fn = do_write, .fd = self->fd, .buf = self->ring.buf[50], .len = LEN };

	fill_pattern(self->ring.buf[50], 0, LEN);
	for (int i = 0; i < 20; i++) {
		set_latency(&self->dev, "read_latency_ns", STORE ? 100000 : 0);
		prep_read(&self->ring, i, self->fd, i);
		submit(&self->ring);
		if (!STORE) {
			wait_pending(&self->dev, 1);
			call_start(&call);
			EXPECT_EQ(LEN, call_join(&call));
		}
		reap_slot(&self->ring, i, 1);
		EXPECT_EQ(LEN, self->ring.res[i]);
		EXPECT_TRUE(is_pattern(self->ring.buf[i], 0, LEN));
	}
	EXPECT_EQ(20, ended(&self->ring, 0, 20, LEN));
}

/* Twenty that wait, of a device that lets them. */
static void start_reads(FIXTURE_DATA(kinds) *self, struct ring *ring)
{
	for (int i = 0; i < 20; i++)
		prep_read(ring, i, self->fd, i);
	submit(ring);
	wait_pending(&self->dev, 20);
}

TEST_F(kinds, cancelled)
{
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	start_reads(self, &self->ring);
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 7));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 7));
	EXPECT_EQ(19, cancel(&self->ring, self->fd, CANCELIO_BY_FILE, 0, 0));
	for (int i = 0; i < 20; i++)
		reap_slot(&self->ring, i, 1);
	EXPECT_EQ(20, ended(&self->ring, 0, 20, -ECANCELED));
	EXPECT_TRUE(is_blank(self->ring.buf[0], 20 * LEN));
}

/* Another ring goes, with twenty of its own. */
static void start_and_close(struct __test_metadata *_metadata, FIXTURE_DATA(kinds) *self,
			    const FIXTURE_VARIANT(kinds) *variant, bool have_ended)
{
	static struct ring ring;
	long users = module_users();

	memset(&ring, 0, sizeof(ring));
	ASSERT_EQ(NULL, ring_setup(&ring, variant->flags));
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	start_reads(self, &ring);
	if (have_ended)
		EXPECT_EQ(20, cancel(&self->ring, self->fd, CANCELIO_BY_FILE, 0, 0));
	ring_close(&ring);
	wait_pending(&self->dev, 0);
	EXPECT_EQ(20, counters(&self->dev).cancelled);
	wait_until(module_users() <= users);
}

TEST_F(kinds, closed)
{
	start_and_close(_metadata, self, variant, false);
}

/* Each is told once, though the ring goes before it has heard of an end. */
TEST_F(kinds, closed_when_they_have_ended)
{
	start_and_close(_metadata, self, variant, true);
}

/* ---- the manner of submission ---- */

FIXTURE(manner)
{
	struct device dev;
	struct ring ring;
	int fd;
};

FIXTURE_VARIANT(manner)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(manner, stream) { "stream" };
FIXTURE_VARIANT_ADD(manner, store) { "store" };

FIXTURE_SETUP(manner)
{
	MAKE_DEVICE(&self->dev, "manner", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
}

FIXTURE_TEARDOWN(manner)
{
	ring_close(&self->ring);
	device_unmake("manner");
}

#define FD	self->fd

/* A worker begins with it, and it then takes none; it is cancelled as any other. */
TEST_F(manner, by_a_worker)
{
	struct seen seen;

	prep_read(&self->ring, 0, FD, 0)->flags |= IOSQE_ASYNC;
	submit(&self->ring);
	wait_pending(&self->dev, 1);
	/* On behalf of the submitter. */
	ASSERT_EQ(1, see(&self->dev, &seen, 1));
	EXPECT_EQ(getpid(), seen.pid);
	EXPECT_EQ(syscall(SYS_gettid), seen.tid);
	EXPECT_EQ(1, cancel(&self->ring, FD, CANCELIO_BY_THREAD, seen.tid, 0));
	reap_slot(&self->ring, 0, 1);
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
}

TEST_F(manner, done_by_a_worker)
{
	set_latency(&self->dev, "read_latency_ns", STORE ? MSEC : 0);
	prep_read(&self->ring, 0, FD, 0)->flags |= IOSQE_ASYNC;
	prep_read(&self->ring, 1, FD, 0)->flags |= IOSQE_ASYNC;
	submit(&self->ring);
	if (!STORE) {
		wait_pending(&self->dev, 2);
		for (int i = 0; i < 2; i++)
			ASSERT_EQ(LEN, write(FD, self->ring.buf[9], LEN));
	}
	reap(&self->ring, 2);
	EXPECT_EQ(2, ended(&self->ring, 0, 2, LEN));
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(manner, cancel_by_a_worker)
{
	for (int i = 0; i < 10; i++) {
		prep_read(&self->ring, i, FD, 5);
		submit(&self->ring);
		prep_cancel(&self->ring, CANCEL, FD, CANCELIO_BY_TAG, 5, 0)->flags |= IOSQE_ASYNC;
		EXPECT_EQ(1, run(&self->ring, CANCEL));
		reap_slot(&self->ring, i, 1);
	}
	EXPECT_EQ(10, ended(&self->ring, 0, 10, -ECANCELED));
}

/* What comes after it begins when it has ended. */
TEST_F(manner, linked)
{
	prep_read(&self->ring, 0, FD, 0)->flags |= IOSQE_IO_LINK;
	prep_read(&self->ring, 1, FD, 1);
	submit(&self->ring);
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(-ENOENT, cancel_tag(&self->ring, FD, 1));
	/* One that fails takes the rest with it. */
	EXPECT_EQ(1, cancel_tag(&self->ring, FD, 0));
	EXPECT_EQ(2, ended(&self->ring, 0, 2, -ECANCELED));
	/* The second has never been seen by the device. */
	EXPECT_EQ(1, counters(&self->dev).cancelled);
	EXPECT_EQ(0, pending(&self->dev));

	prep_read(&self->ring, 2, FD, 2)->flags |= IOSQE_IO_HARDLINK;
	prep_read(&self->ring, 3, FD, 3);
	submit(&self->ring);
	EXPECT_EQ(1, cancel_tag(&self->ring, FD, 2));
	wait_pending(&self->dev, 1);
	EXPECT_EQ(-ECANCELED, result(&self->ring, 2));
	EXPECT_EQ(0, self->ring.count[3]);
	EXPECT_EQ(1, cancel_tag(&self->ring, FD, 3));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 3));
}

/* Its description is read when it begins. */
TEST_F(manner, linked_and_done)
{
	set_latency(&self->dev, "read_latency_ns", 0);
	prep_read(&self->ring, 0, FD, 0)->flags |= IOSQE_IO_LINK;
	prep_read(&self->ring, 1, FD, 1);
	if (STORE)
		ASSERT_EQ(0, set(&self->dev, "queue", "stop"));
	submit(&self->ring);
	EXPECT_EQ(1, pending(&self->dev));
	self->ring.io[1].len = 10;
	if (STORE) {
		ASSERT_EQ(0, set(&self->dev, "queue", "start"));
	} else {
		ASSERT_EQ(LEN, write(FD, self->ring.buf[9], LEN));
		ASSERT_EQ(10, write(FD, self->ring.buf[9], 10));
	}
	reap(&self->ring, 2);
	EXPECT_EQ(LEN, result(&self->ring, 0));
	EXPECT_EQ(10, result(&self->ring, 1));
}

/* What need not wait is no failure, whoever does it. */
TEST_F(manner, at_once)
{
	static const unsigned int manners[] = { 0, IOSQE_ASYNC, IOSQE_IO_DRAIN };

	set_latency(&self->dev, "read_latency_ns", 0);
	for (size_t i = 0; i < ARRAY_SIZE(manners); i++) {
		forget(&self->ring);
		if (!STORE)
			ASSERT_EQ(LEN + 10, write(FD, self->ring.buf, LEN + 10));
		prep_read(&self->ring, 0, FD, 0)->flags |= manners[i] | IOSQE_IO_LINK;
		prep_read(&self->ring, 1, FD, 1)->flags |= manners[i] & IOSQE_ASYNC;
		self->ring.io[1].len = 10;
		submit(&self->ring);
		reap_slot(&self->ring, 0, 1);
		reap_slot(&self->ring, 1, 1);
		EXPECT_EQ(LEN, result(&self->ring, 0));
		EXPECT_EQ(10, result(&self->ring, 1));
	}
}

TEST_F(manner, drained)
{
	prep_read(&self->ring, 0, FD, 0);
	prep_read(&self->ring, 1, FD, 1)->flags |= IOSQE_IO_DRAIN;
	submit(&self->ring);
	EXPECT_EQ(1, pending(&self->dev));
	/* A cancel that came after the drain would wait for it. */
	EXPECT_EQ(1, cancel_by(FD, CANCELIO_BY_TAG, 0));
	reap_slot(&self->ring, 0, 1);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	wait_pending(&self->dev, 1);
	EXPECT_EQ(1, cancel_by(FD, CANCELIO_BY_TAG, 1));
	reap_slot(&self->ring, 1, 1);
	EXPECT_EQ(-ECANCELED, result(&self->ring, 1));
}

/* A read and its cancel in one submission: the cancel finds it. */
TEST_F(manner, with_its_cancel)
{
	prep_read(&self->ring, 0, FD, 9);
	prep_cancel(&self->ring, CANCEL, FD, CANCELIO_BY_TAG, 9, 0);
	submit(&self->ring);
	reap(&self->ring, 2);
	EXPECT_EQ(1, result(&self->ring, CANCEL));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
	/* The other way round it comes too early. */
	prep_cancel(&self->ring, CANCEL, FD, CANCELIO_BY_TAG, 9, 0);
	prep_read(&self->ring, 1, FD, 9);
	submit(&self->ring);
	reap(&self->ring, 1);
	EXPECT_EQ(-ENOENT, self->ring.res[CANCEL]);
	EXPECT_EQ(1, pending(&self->dev));
}

/* io_uring's own cancel does not reach it. */
TEST_F(manner, async_cancel)
{
	struct io_uring_sqe *sqe;

	prep_read(&self->ring, 0, FD, 0);
	submit(&self->ring);
	sqe = io_uring_get_sqe(&self->ring.uring);
	io_uring_prep_cancel64(sqe, 0, 0);
	sqe->user_data = CANCEL;
	EXPECT_EQ(-ENOENT, run(&self->ring, CANCEL));
	EXPECT_EQ(1, count_state(&self->dev, "started", "yes"));
	EXPECT_EQ(1, cancel_tag(&self->ring, FD, 0));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
}

/* A registered file, without any descriptor. */
TEST_F(manner, registered_file)
{
	for (int i = 0; i < 2; i++) {
		int fd = open(self->dev.node, O_RDWR | O_CLOEXEC);

		ASSERT_EQ(0, io_uring_register_files(&self->ring.uring, &fd, 1));
		ASSERT_EQ(0, close(fd));
		prep_read(&self->ring, i, 0, 0)->flags |= IOSQE_FIXED_FILE;
		submit(&self->ring);
		settle(&self->ring);
		EXPECT_EQ(0, self->ring.count[i]);
		EXPECT_EQ(1, pending(&self->dev));
		prep_cancel(&self->ring, CANCEL, 0, CANCELIO_BY_TAG, 0, 0)->flags |=
			IOSQE_FIXED_FILE;
		EXPECT_EQ(1, run(&self->ring, CANCEL));
		EXPECT_EQ(-ECANCELED, result(&self->ring, i));
		ASSERT_EQ(0, io_uring_unregister_files(&self->ring.uring));
	}
}

TEST_HARNESS_MAIN
