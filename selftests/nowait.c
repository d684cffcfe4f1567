// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes of a stream that must not wait: O_NONBLOCK and RWF_NOWAIT.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "kselftest_harness.h"
#include "call_test.h"

#define SMALL	4096

FIXTURE(nowait)
{
	struct device dev;
	int fd;
	int blocking;
	unsigned char *buf;
};

/* The two ways of saying that a call shall not wait. */
FIXTURE_VARIANT(nowait)
{
	bool by_call;
};

FIXTURE_VARIANT_ADD(nowait, nonblock) { .by_call = false };
FIXTURE_VARIANT_ADD(nowait, rwf_nowait) { .by_call = true };

FIXTURE_SETUP(nowait)
{
	SETUP_DEVICE(&self->dev, "stream");
	self->blocking = open(self->dev.node, O_RDWR);
	self->fd = open(self->dev.node, O_RDWR | (variant->by_call ? 0 : O_NONBLOCK));
	ASSERT_LE(0, self->blocking);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(2 * self->dev.size);
	fill_pattern(self->buf, 0, 2 * self->dev.size);
}

FIXTURE_TEARDOWN(nowait)
{
	device_teardown(&self->dev);
}

/* Return: bytes or a negative errno. */
static ssize_t try_read(int fd, bool by_call, void *buf, size_t len)
{
	struct iovec iov = { buf, len };
	ssize_t n;

	n = by_call ? preadv2(fd, &iov, 1, -1, RWF_NOWAIT) : read(fd, buf, len);
	return n < 0 ? -errno : n;
}

static ssize_t try_write(int fd, bool by_call, const void *buf, size_t len)
{
	struct iovec iov = { (void *)buf, len };
	ssize_t n;

	n = by_call ? pwritev2(fd, &iov, 1, -1, RWF_NOWAIT) : write(fd, buf, len);
	return n < 0 ? -errno : n;
}

#define TRY_READ(buf, len)	try_read(self->fd, variant->by_call, buf, len)
#define TRY_WRITE(buf, len)	try_write(self->fd, variant->by_call, buf, len)

TEST_F(nowait, read)
{
	unsigned char got[100];

	EXPECT_EQ(-EAGAIN, TRY_READ(got, 100));
	ASSERT_EQ(60, write(self->blocking, self->buf, 60));
	EXPECT_EQ(20, TRY_READ(got, 20));
	EXPECT_EQ(40, TRY_READ(got + 20, 80));
	EXPECT_TRUE(is_pattern(got, 0, 60));
	EXPECT_EQ(-EAGAIN, TRY_READ(got, 100));
	EXPECT_EQ(0, TRY_READ(got, 0));
	EXPECT_EQ(0, pending(&self->dev));
}

/* What was written last is not there yet, and does not hide what is. */
TEST_F(nowait, read_finds_what_has_arrived)
{
	unsigned char got[100];
	uint64_t written;
	ssize_t n;

	ASSERT_EQ(10, write(self->blocking, self->buf, 10));
	set_latency(&self->dev, "read_latency_ns", 100 * MSEC);
	written = now_ns();
	ASSERT_EQ(10, write(self->blocking, self->buf + 10, 10));
	n = TRY_READ(got, 100);
	if (now_ns() - written < 100 * MSEC)
		EXPECT_EQ(10, n);
	ASSERT_LE(10, n);
	if (n == 10)
		ASSERT_EQ(10, read(self->blocking, got + 10, 90));
	EXPECT_LE(100 * MSEC, now_ns() - written);
	EXPECT_TRUE(is_pattern(got, 0, 20));
}

/* Who waits gets the bytes, whoever comes in between. */
TEST_F(nowait, read_while_others_wait)
{
	unsigned char got[2];
	struct call call = { .fn = do_read, .fd = self->blocking, .buf = got, .len = 1 };

	call_start(&call);
	wait_pending(&self->dev, 1);
	ASSERT_EQ(1, write(self->blocking, "a", 1));
	EXPECT_EQ(-EAGAIN, TRY_READ(got + 1, 1));
	EXPECT_EQ(1, call_join(&call));
	EXPECT_EQ('a', got[0]);
}

TEST_F(nowait, small_write_is_whole_or_not_at_all)
{
	ASSERT_TRUE(leave_room(self->blocking, &self->dev, self->buf, SMALL - 1));
	EXPECT_EQ(-EAGAIN, TRY_WRITE(self->buf, SMALL));
	EXPECT_EQ(100, TRY_WRITE(self->buf, 100));
	EXPECT_EQ(-EAGAIN, TRY_WRITE(self->buf, SMALL - 100));
	EXPECT_EQ(SMALL - 101, TRY_WRITE(self->buf, SMALL - 101));
	EXPECT_EQ(-EAGAIN, TRY_WRITE(self->buf, 1));
	EXPECT_EQ(0, TRY_WRITE(self->buf, 0));
	EXPECT_EQ(self->dev.size, drain(&self->dev));
}

TEST_F(nowait, long_write_takes_what_has_room)
{
	size_t size = self->dev.size;

	ASSERT_TRUE(leave_room(self->blocking, &self->dev, self->buf, SMALL - 1));
	EXPECT_EQ(SMALL - 1, TRY_WRITE(self->buf + size - (SMALL - 1), SMALL + 1));
	EXPECT_EQ(-EAGAIN, TRY_WRITE(self->buf, SMALL + 1));
	ASSERT_EQ(size, read(self->blocking, self->buf + size, size));
	EXPECT_TRUE(is_pattern(self->buf + size, 0, size));
	EXPECT_EQ(size, TRY_WRITE(self->buf, size + 1));
	EXPECT_EQ(size, drain(&self->dev));
	EXPECT_EQ(size, TRY_WRITE(self->buf, size));
	EXPECT_EQ(size, drain(&self->dev));
}

/* There is room for it, but not before those who wait. */
TEST_F(nowait, write_while_others_wait)
{
	struct call call = { .fn = do_write, .fd = self->blocking, .buf = self->buf, .len = 200 };

	handle(SIGUSR1, 0);
	ASSERT_TRUE(leave_room(self->blocking, &self->dev, self->buf, 100));
	call_start(&call);
	wait_pending(&self->dev, 1);
	EXPECT_EQ(-EAGAIN, TRY_WRITE(self->buf, 1));
	EXPECT_EQ(-EAGAIN, TRY_WRITE(self->buf, SMALL + 1));
	call_signal(&call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(1, TRY_WRITE(self->buf, 1));
}

/* Who could not write has asked for the line, which stays ready for one write. */
TEST_F(nowait, write_asks_for_the_line)
{
	struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
	uint64_t begun = now_ns();

	set_latency(&self->dev, "write_latency_ns", 50 * MSEC);
	EXPECT_EQ(-EAGAIN, TRY_WRITE("a", 1));
	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	while (TRY_WRITE("b", 1) == -EAGAIN)
		pause_a_bit();
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	EXPECT_EQ(-EAGAIN, TRY_WRITE("c", 1));
	set_latency(&self->dev, "write_latency_ns", 0);
	EXPECT_EQ(1, TRY_READ(self->buf, 100));
	EXPECT_EQ('b', self->buf[0]);
}

TEST_F(nowait, bad_memory)
{
	void *bad = alloc_before_hole(0);

	EXPECT_EQ(-EFAULT, TRY_WRITE(bad, 10));
	EXPECT_EQ(-EAGAIN, TRY_READ(bad, 10));
	ASSERT_EQ(10, write(self->blocking, self->buf, 10));
	EXPECT_EQ(-EFAULT, TRY_READ(bad, 10));
	EXPECT_EQ(10, drain(&self->dev));
}

TEST_F(nowait, has_no_position)
{
	struct iovec iov = { self->buf, 10 };

	ASSERT_EQ(10, write(self->blocking, self->buf, 10));
	for (int whence = SEEK_SET; whence <= SEEK_HOLE; whence++) {
		EXPECT_EQ(-1, lseek(self->fd, 0, whence));
		EXPECT_EQ(ESPIPE, errno);
	}
	EXPECT_EQ(-1, pread(self->fd, self->buf, 10, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->fd, self->buf, 10, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, preadv(self->fd, &iov, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwritev(self->fd, &iov, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(10, drain(&self->dev));
}

TEST_HARNESS_MAIN
