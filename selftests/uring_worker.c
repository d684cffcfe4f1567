// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring where the device has no way of not waiting: transfers of the store,
 * and opens. They run in workers, which a cancel interrupts.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "uring_test.h"

FIXTURE(worker)
{
	struct device dev;
	int fd;
	struct ring ring;
};

FIXTURE_VARIANT(worker)
{
	enum op op;
	bool write;
};

FIXTURE_VARIANT_ADD(worker, read) { OP_READ, false };
FIXTURE_VARIANT_ADD(worker, readv) { OP_READV, false };
FIXTURE_VARIANT_ADD(worker, read_fixed) { OP_READ_FIXED, false };
FIXTURE_VARIANT_ADD(worker, write) { OP_WRITE, true };
FIXTURE_VARIANT_ADD(worker, writev) { OP_WRITEV, true };
FIXTURE_VARIANT_ADD(worker, write_fixed) { OP_WRITE_FIXED, true };

static int set_slow(const struct device *dev, bool write, uint64_t ns)
{
	return set_latency(dev, write ? "write_latency_ns" : "read_latency_ns", ns);
}

FIXTURE_SETUP(worker)
{
	SETUP_DEVICE(&self->dev, "store");
	SETUP_RING(&self->ring);
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(area_fill(self->fd));
	for (int i = 0; i < REQUESTS; i++)
		fill_pattern(self->ring.buf[i], 77, LEN);
	ASSERT_EQ(0, set_slow(&self->dev, variant->write, FOREVER));
}

FIXTURE_TEARDOWN(worker)
{
	io_uring_queue_exit(&self->ring.ring);
	device_teardown(&self->dev);
}

#define PREP(i)		prep(&self->ring, variant->op, self->fd, i, 1000 * (i))

/* Has so many workers wait in the device. */
static void start(FIXTURE_DATA(worker) *self, const FIXTURE_VARIANT(worker) *variant, int count)
{
	for (int i = 0; i < count; i++)
		PREP(i);
	submit(&self->ring);
	wait_pending(&self->dev, count);
}

/* Cancelled requests have moved nothing, here or there. */
static bool untouched(FIXTURE_DATA(worker) *self)
{
	for (int i = 0; i < REQUESTS; i++) {
		if (!is_pattern(self->ring.buf[i], 77, LEN))
			return false;
	}
	wait_pending(&self->dev, 0);
	set_latency(&self->dev, "read_latency_ns", 0);
	return area_untouched(self->fd) && reaped(&self->ring);
}

TEST_F(worker, takes_its_latency)
{
	unsigned char got[LEN];
	uint64_t begun = now_ns();

	set_slow(&self->dev, variant->write, 50 * MSEC);
	PREP(0);
	submit(&self->ring);
	reap(&self->ring, 1);
	EXPECT_EQ(LEN, self->ring.res[0]);
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	if (variant->write) {
		EXPECT_EQ(LEN, pread(self->fd, got, LEN, 0));
		EXPECT_TRUE(is_pattern(got, 77, LEN));
	} else {
		EXPECT_TRUE(is_pattern(self->ring.buf[0], 0, LEN));
	}
}

TEST_F(worker, end_of_the_medium)
{
	prep(&self->ring, variant->op, self->fd, 0, self->dev.size);
	submit(&self->ring);
	reap(&self->ring, 1);
	EXPECT_EQ(variant->write ? -ENOSPC : 0, self->ring.res[0]);
}

/* -EALREADY: the worker was told. What it makes of it is the request's result. */
TEST_F(worker, cancel_by_user_data)
{
	start(self, variant, 1);
	cancel(&self->ring, 0, -1, 0);
	reap(&self->ring, 2);
	EXPECT_EQ(-EALREADY, self->ring.res[CANCEL]);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
	EXPECT_TRUE(untouched(self));
}

TEST_F(worker, cancel_by_fd)
{
	start(self, variant, 1);
	cancel(&self->ring, 0, self->fd, IORING_ASYNC_CANCEL_FD);
	reap(&self->ring, 2);
	EXPECT_EQ(-EALREADY, self->ring.res[CANCEL]);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
	EXPECT_TRUE(untouched(self));
}

static void check_cancel_many(struct __test_metadata *_metadata, FIXTURE_DATA(worker) *self,
			      unsigned int flags)
{
	cancel(&self->ring, 0, self->fd, flags);
	reap(&self->ring, REQUESTS + 1);
	EXPECT_EQ(0, self->ring.res[CANCEL]);
	for (int i = 0; i < REQUESTS; i++)
		EXPECT_EQ(-EINTR, self->ring.res[i]);
	EXPECT_TRUE(untouched(self));
}

TEST_F(worker, cancel_all_of_fd)
{
	start(self, variant, REQUESTS);
	check_cancel_many(_metadata, self, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL);
}

TEST_F(worker, cancel_any)
{
	start(self, variant, REQUESTS);
	check_cancel_many(_metadata, self, IORING_ASYNC_CANCEL_ANY);
}

/* With one worker, the second request is cancelled before it gets to the device. */
TEST_F(worker, cancel_of_one_that_no_worker_has)
{
	unsigned int workers[2] = { 1, 1 };

	ASSERT_EQ(0, io_uring_register_iowq_max_workers(&self->ring.ring, workers));
	PREP(0);
	submit(&self->ring);
	wait_pending(&self->dev, 1);
	PREP(1);
	submit(&self->ring);
	cancel(&self->ring, 1, -1, 0);
	reap(&self->ring, 2);
	EXPECT_EQ(0, self->ring.res[CANCEL]);
	EXPECT_EQ(-ECANCELED, self->ring.res[1]);
	EXPECT_EQ(0, self->ring.count[0]);
	EXPECT_EQ(1, pending(&self->dev));
	cancel(&self->ring, 0, -1, 0);
	reap(&self->ring, 2);
	EXPECT_EQ(-EALREADY, self->ring.res[CANCEL]);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
	EXPECT_TRUE(untouched(self));
}

/* It waits until the request has ended, which it may fail to notice. */
TEST_F(worker, sync_cancel)
{
	int res;

	start(self, variant, 1);
	EXPECT_EQ(-ENOENT, sync_cancel(&self->ring, 1, -1, 0));
	EXPECT_EQ(1, pending(&self->dev));
	res = sync_cancel(&self->ring, 0, -1, 0);
	if (res != -ETIME)
		EXPECT_EQ(0, res);
	EXPECT_EQ(0, pending(&self->dev));
	reap(&self->ring, 1);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
	EXPECT_TRUE(untouched(self));
}

/*
 * The timeout looks for its request among those in workers, too, and tells the
 * worker; but its result is that of the last place where it looks, timeouts.
 */
TEST_F(worker, timeout_cancels)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };

	link_timeout(&self->ring, PREP(0), &ts);
	submit(&self->ring);
	wait_pending(&self->dev, 1);
	expire(&self->ring);
	reap(&self->ring, 3);
	EXPECT_EQ(0, self->ring.res[CANCEL]);
	EXPECT_EQ(-ENOENT, self->ring.res[TIMEOUT]);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
	EXPECT_TRUE(untouched(self));
}

TEST_F(worker, is_done_before_its_timeout)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };

	set_slow(&self->dev, variant->write, 0);
	link_timeout(&self->ring, PREP(0), &ts);
	submit(&self->ring);
	reap(&self->ring, 2);
	EXPECT_EQ(-ECANCELED, self->ring.res[TIMEOUT]);
	EXPECT_EQ(LEN, self->ring.res[0]);
}

TEST_F(worker, ring_is_closed)
{
	long users = module_users();
	struct ring ring = { 0 };
	int i, fd = open(self->dev.node, O_RDWR);

	ASSERT_EQ(NULL, ring_setup(&ring));
	for (i = 0; i < REQUESTS; i++)
		prep(&ring, variant->op, fd, i, 0);
	submit(&ring);
	wait_pending(&self->dev, REQUESTS);
	close(fd);
	io_uring_queue_exit(&ring.ring);
	wait_pending(&self->dev, 0);
	wait_until(module_users() == users);
	EXPECT_TRUE(untouched(self));
}

/* D-THR-1, D-THR-3 */
TEST_F(worker, process_is_killed)
{
	long users = module_users();
	pid_t pid = fork();

	if (!pid) {
		struct ring ring = { 0 };
		int i, fd = open(self->dev.node, O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fd < 0 || ring_setup(&ring))
			_exit(1);
		for (i = 0; i < REQUESTS; i++)
			prep(&ring, variant->op, fd, i, 0);
		submit(&ring);
		for (;;)
			pause();
	}
	wait_pending(&self->dev, REQUESTS);
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	wait_pending(&self->dev, 0);
	wait_until(module_users() == users);
	EXPECT_TRUE(untouched(self));
}

/* ---- opens ---- */

FIXTURE(opening)
{
	struct device dev;
	struct ring ring;
	long users;
};

FIXTURE_VARIANT(opening)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(opening, stream) { "stream" };
FIXTURE_VARIANT_ADD(opening, store) { "store" };

FIXTURE_SETUP(opening)
{
	SETUP_DEVICE(&self->dev, variant->model);
	SETUP_RING(&self->ring);
	self->users = module_users();
	ASSERT_EQ(0, set_latency(&self->dev, "open_latency_ns", FOREVER));
}

FIXTURE_TEARDOWN(opening)
{
	io_uring_queue_exit(&self->ring.ring);
	device_teardown(&self->dev);
}

static struct io_uring_sqe *prep_open(struct ring *ring, const struct device *dev, int i)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);

	io_uring_prep_openat(sqe, AT_FDCWD, dev->node, O_RDWR | O_CLOEXEC, 0);
	sqe->user_data = i;
	return sqe;
}

TEST_F(opening, takes_its_latency)
{
	uint64_t begun = now_ns();

	set_latency(&self->dev, "open_latency_ns", 50 * MSEC);
	prep_open(&self->ring, &self->dev, 0);
	submit(&self->ring);
	reap(&self->ring, 1);
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	EXPECT_LE(0, self->ring.res[0]);
	EXPECT_EQ(0, close(self->ring.res[0]));
}

/* Kernel 7.2 would hand on a driver's -ERESTARTSYS; this one does not give it that. */
TEST_F(opening, cancel)
{
	prep_open(&self->ring, &self->dev, 0);
	submit(&self->ring);
	wait_pending(&self->dev, 1);
	cancel(&self->ring, 0, -1, 0);
	reap(&self->ring, 2);
	EXPECT_EQ(-EALREADY, self->ring.res[CANCEL]);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
	EXPECT_EQ(0, pending(&self->dev));
	wait_until(module_users() == self->users);
}

TEST_F(opening, sync_cancel)
{
	int res;

	prep_open(&self->ring, &self->dev, 0);
	submit(&self->ring);
	wait_pending(&self->dev, 1);
	res = sync_cancel(&self->ring, 0, -1, 0);
	if (res != -ETIME)
		EXPECT_EQ(0, res);
	EXPECT_EQ(0, pending(&self->dev));
	reap(&self->ring, 1);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
}

TEST_F(opening, timeout_cancels)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };

	link_timeout(&self->ring, prep_open(&self->ring, &self->dev, 0), &ts);
	submit(&self->ring);
	wait_pending(&self->dev, 1);
	expire(&self->ring);
	reap(&self->ring, 3);
	EXPECT_EQ(0, self->ring.res[CANCEL]);
	EXPECT_EQ(-ENOENT, self->ring.res[TIMEOUT]);
	EXPECT_EQ(-EINTR, self->ring.res[0]);
}

TEST_F(opening, ring_is_closed)
{
	struct ring ring = { 0 };
	int i;

	ASSERT_EQ(NULL, ring_setup(&ring));
	for (i = 0; i < REQUESTS; i++)
		prep_open(&ring, &self->dev, i);
	submit(&ring);
	wait_pending(&self->dev, REQUESTS);
	io_uring_queue_exit(&ring.ring);
	wait_pending(&self->dev, 0);
	wait_until(module_users() == self->users);
}

TEST_F(opening, process_is_killed)
{
	pid_t pid = fork();

	if (!pid) {
		struct ring ring = { 0 };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ring_setup(&ring))
			_exit(1);
		prep_open(&ring, &self->dev, 0);
		submit(&ring);
		for (;;)
			pause();
	}
	wait_pending(&self->dev, 1);
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	wait_pending(&self->dev, 0);
	wait_until(module_users() == self->users);
}

TEST_HARNESS_MAIN
