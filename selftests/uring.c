// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring on a stream: a request that cannot be done at once is armed by
 * poll, so that every way of cancelling gets it out at once.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "uring_test.h"

FIXTURE(armed)
{
	struct device dev;
	int fd;
	unsigned char *fill;
	struct ring ring;
};

FIXTURE_VARIANT(armed)
{
	enum op op;
	bool write;
	/* What it ends with when it is done. */
	int res;
};

FIXTURE_VARIANT_ADD(armed, read) { OP_READ, false, LEN };
FIXTURE_VARIANT_ADD(armed, readv) { OP_READV, false, LEN };
FIXTURE_VARIANT_ADD(armed, read_fixed) { OP_READ_FIXED, false, LEN };
FIXTURE_VARIANT_ADD(armed, write) { OP_WRITE, true, LEN };
FIXTURE_VARIANT_ADD(armed, writev) { OP_WRITEV, true, LEN };
FIXTURE_VARIANT_ADD(armed, write_fixed) { OP_WRITE_FIXED, true, LEN };
FIXTURE_VARIANT_ADD(armed, poll_in) { OP_POLL_IN, false, POLLIN };
FIXTURE_VARIANT_ADD(armed, poll_out) { OP_POLL_OUT, true, POLLOUT };

FIXTURE_SETUP(armed)
{
	SETUP_DEVICE(&self->dev, "stream");
	SETUP_RING(&self->ring);
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->fill = malloc(2 * self->dev.size);
	fill_pattern(self->fill, 0, 2 * self->dev.size);
	if (variant->write)
		ASSERT_EQ(self->dev.size, write(self->fd, self->fill, self->dev.size));
	fill_pattern(self->ring.buf[0], self->dev.size, LEN);
}

FIXTURE_TEARDOWN(armed)
{
	io_uring_queue_exit(&self->ring.ring);
	device_teardown(&self->dev);
}

#define PREP(i)		prep(&self->ring, variant->op, self->fd, i, 0)
#define POLLS		(variant->op == OP_POLL_IN || variant->op == OP_POLL_OUT)

/* Makes the request possible: bytes for a read, 4096 bytes of room for a write. */
static bool feed(FIXTURE_DATA(armed) *self, bool write_waits)
{
	if (!write_waits)
		return write(self->fd, self->fill, LEN) == LEN;
	return read(self->fd, self->fill, 4096) == 4096 && is_pattern(self->fill, 0, 4096);
}

/* A cancelled request has moved nothing, and what comes now is not its any more. */
static bool untouched(FIXTURE_DATA(armed) *self, bool write_waits)
{
	unsigned char got[LEN + 1];

	if (write_waits)
		return drain(&self->dev) == self->dev.size && reaped(&self->ring);
	return write(self->fd, self->fill, LEN) == LEN &&
	       read(self->fd, got, sizeof(got)) == LEN && is_pattern(got, 0, LEN) &&
	       drain(&self->dev) == 0 && reaped(&self->ring);
}

TEST_F(armed, is_done_when_it_can)
{
	PREP(0);
	submit(&self->ring);
	EXPECT_TRUE(reaped(&self->ring));
	ASSERT_TRUE(feed(self, variant->write));
	reap(&self->ring, 1);
	EXPECT_EQ(variant->res, self->ring.res[0]);
	if (POLLS)
		return;
	if (!variant->write) {
		EXPECT_TRUE(is_pattern(self->ring.buf[0], 0, LEN));
		EXPECT_EQ(0, drain(&self->dev));
		return;
	}
	ASSERT_EQ(self->dev.size - 4096 + LEN, read(self->fd, self->fill, 2 * self->dev.size));
	EXPECT_TRUE(is_pattern(self->fill, 4096, self->dev.size - 4096 + LEN));
}

TEST_F(armed, cancel_by_user_data)
{
	PREP(0);
	submit(&self->ring);
	/* A reader of io_uring that is armed by poll is not a request of the device. */
	EXPECT_EQ(0, pending(&self->dev));
	cancel(&self->ring, 0, -1, 0);
	reap(&self->ring, 2);
	EXPECT_EQ(0, self->ring.res[CANCEL]);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, cancel_by_fd)
{
	int other = open(self->dev.node, O_RDWR);

	PREP(0);
	submit(&self->ring);
	cancel(&self->ring, 0, other, IORING_ASYNC_CANCEL_FD);
	reap(&self->ring, 1);
	EXPECT_EQ(-ENOENT, self->ring.res[CANCEL]);
	cancel(&self->ring, 0, self->fd, IORING_ASYNC_CANCEL_FD);
	reap(&self->ring, 2);
	EXPECT_EQ(0, self->ring.res[CANCEL]);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_TRUE(untouched(self, variant->write));
}

static void submit_all(FIXTURE_DATA(armed) *self, const FIXTURE_VARIANT(armed) *variant)
{
	int i;

	for (i = 0; i < REQUESTS; i++)
		PREP(i);
	submit(&self->ring);
}

TEST_F(armed, cancel_all_of_fd)
{
	int i;

	submit_all(self, variant);
	cancel(&self->ring, 0, self->fd, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL);
	reap(&self->ring, REQUESTS + 1);
	EXPECT_EQ(REQUESTS, self->ring.res[CANCEL]);
	for (i = 0; i < REQUESTS; i++)
		EXPECT_EQ(-ECANCELED, self->ring.res[i]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, cancel_all_of_user_data)
{
	PREP(0);
	PREP(0);
	PREP(1);
	submit(&self->ring);
	cancel(&self->ring, 0, -1, IORING_ASYNC_CANCEL_ALL);
	reap(&self->ring, 3);
	EXPECT_EQ(2, self->ring.res[CANCEL]);
	EXPECT_EQ(2, self->ring.count[0]);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_EQ(0, self->ring.count[1]);
	cancel(&self->ring, 1, -1, IORING_ASYNC_CANCEL_ALL);
	reap(&self->ring, 2);
	EXPECT_EQ(1, self->ring.res[CANCEL]);
	EXPECT_EQ(-ECANCELED, self->ring.res[1]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, cancel_any)
{
	int i;

	submit_all(self, variant);
	cancel(&self->ring, 0, -1, IORING_ASYNC_CANCEL_ANY);
	reap(&self->ring, REQUESTS + 1);
	EXPECT_EQ(REQUESTS, self->ring.res[CANCEL]);
	for (i = 0; i < REQUESTS; i++)
		EXPECT_EQ(-ECANCELED, self->ring.res[i]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, sync_cancel)
{
	PREP(0);
	submit(&self->ring);
	EXPECT_EQ(-ENOENT, sync_cancel(&self->ring, 1, -1, 0));
	EXPECT_EQ(0, sync_cancel(&self->ring, 0, -1, 0));
	reap(&self->ring, 1);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, sync_cancel_all_of_fd)
{
	int i;

	submit_all(self, variant);
	EXPECT_LE(0, sync_cancel(&self->ring, 0, self->fd,
				 IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL));
	reap(&self->ring, REQUESTS);
	for (i = 0; i < REQUESTS; i++)
		EXPECT_EQ(-ECANCELED, self->ring.res[i]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, timeout_cancels)
{
	struct __kernel_timespec ts = { .tv_nsec = 10 * MSEC };

	link_timeout(&self->ring, PREP(0), &ts);
	submit(&self->ring);
	reap(&self->ring, 2);
	EXPECT_EQ(-ETIME, self->ring.res[TIMEOUT]);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(armed, is_done_before_its_timeout)
{
	struct __kernel_timespec ts = { .tv_sec = 1000 };

	link_timeout(&self->ring, PREP(0), &ts);
	submit(&self->ring);
	ASSERT_TRUE(feed(self, variant->write));
	reap(&self->ring, 2);
	EXPECT_EQ(-ECANCELED, self->ring.res[TIMEOUT]);
	EXPECT_EQ(variant->res, self->ring.res[0]);
}

/* The file is let go of, and with it the module. */
TEST_F(armed, ring_is_closed)
{
	long users = module_users();
	struct ring ring = { 0 };
	int i, fd = open(self->dev.node, O_RDWR);

	ASSERT_EQ(NULL, ring_setup(&ring));
	for (i = 0; i < REQUESTS; i++)
		prep(&ring, variant->op, fd, i, 0);
	submit(&ring);
	close(fd);
	EXPECT_LT(users, module_users());
	io_uring_queue_exit(&ring.ring);
	wait_until(module_users() == users);
	EXPECT_TRUE(untouched(self, variant->write));
}

/* D-THR-1, D-THR-3 */
TEST_F(armed, process_is_killed)
{
	long users = module_users();
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		struct ring ring = { 0 };
		int i, fd = open(self->dev.node, O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fd < 0 || ring_setup(&ring))
			_exit(1);
		for (i = 0; i < REQUESTS; i++)
			prep(&ring, variant->op, fd, i, 0);
		submit(&ring);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ASSERT_EQ(0, read(ready[0], &byte, 1));
	EXPECT_LT(users, module_users());
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	wait_until(module_users() == users);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_HARNESS_MAIN
