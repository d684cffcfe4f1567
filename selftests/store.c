// SPDX-License-Identifier: GPL-2.0
/*
 * The store: positions and the end of the medium, what is as on a disk, and
 * the channels that serve 64 transfers at once.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>

#include "kselftest_harness.h"
#include "call_test.h"

#define LEN	100

FIXTURE(store)
{
	struct device dev;
	int fd;
	off_t size;
	unsigned char buf[2 * LEN];
	struct call call;
};

FIXTURE_SETUP(store)
{
	SETUP_DEVICE(&self->dev, "store");
	self->size = self->dev.size;
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	/* The tests work at the two ends. */
	ASSERT_TRUE(area_fill(self->fd));
	fill_pattern(self->buf, 0, LEN);
	ASSERT_EQ(LEN, pwrite(self->fd, self->buf, LEN, self->size - LEN));
	self->call = (struct call){
		.fn = do_pread, .fd = self->fd, .buf = self->buf, .len = LEN, .pos = 3,
	};
}

FIXTURE_TEARDOWN(store)
{
	device_teardown(&self->dev);
}

/* ---- positions ---- */

TEST_F(store, reads_and_writes_have_a_position)
{
	struct iovec iov[2] = { { self->buf, 30 }, { self->buf + 30, 70 } };

	EXPECT_EQ(LEN, read(self->fd, self->buf, LEN));
	EXPECT_TRUE(is_pattern(self->buf, 0, LEN));
	EXPECT_EQ(LEN, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(LEN, readv(self->fd, iov, 2));
	EXPECT_TRUE(is_pattern(self->buf, LEN, LEN));
	EXPECT_EQ(LEN, preadv(self->fd, iov, 2, 7));
	EXPECT_TRUE(is_pattern(self->buf, 7, LEN));
	EXPECT_EQ(LEN, pread(self->fd, self->buf, LEN, 9));
	EXPECT_TRUE(is_pattern(self->buf, 9, LEN));
	EXPECT_EQ(2 * LEN, lseek(self->fd, 0, SEEK_CUR));

	fill_pattern(self->buf, 77, LEN);
	EXPECT_EQ(LEN, write(self->fd, self->buf, LEN));
	EXPECT_EQ(LEN, writev(self->fd, iov, 2));
	EXPECT_EQ(4 * LEN, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(LEN, pwritev(self->fd, iov, 2, 4 * LEN));
	EXPECT_EQ(LEN, pwrite(self->fd, self->buf, LEN, 5 * LEN));
	EXPECT_EQ(4 * LEN, lseek(self->fd, 0, SEEK_CUR));
	for (int at = 0; at < 7; at++) {
		EXPECT_EQ(LEN, pread(self->fd, self->buf, LEN, at * LEN));
		EXPECT_TRUE(is_pattern(self->buf, at >= 2 && at < 6 ? 77 : at * LEN, LEN));
	}
}

TEST_F(store, seek)
{
	EXPECT_EQ(10, lseek(self->fd, 10, SEEK_SET));
	EXPECT_EQ(7, lseek(self->fd, -3, SEEK_CUR));
	EXPECT_EQ(self->size - 5, lseek(self->fd, -5, SEEK_END));
	EXPECT_EQ(self->size, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, lseek(self->fd, -self->size, SEEK_END));
	EXPECT_EQ(self->size, lseek(self->fd, self->size, SEEK_SET));
	EXPECT_EQ(0, read(self->fd, self->buf, 1));
}

TEST_F(store, bad_seek_changes_nothing)
{
	const struct { off_t offset; int whence; } bad[] = {
		{ -1, SEEK_SET }, { self->size + 1, SEEK_SET }, { INT64_MAX, SEEK_SET },
		{ INT64_MIN, SEEK_SET }, { -43, SEEK_CUR }, { self->size - 41, SEEK_CUR },
		{ INT64_MAX, SEEK_CUR }, { 1, SEEK_END }, { -self->size - 1, SEEK_END },
		{ 0, SEEK_DATA }, { 0, SEEK_HOLE }, { 0, 5 }, { 0, -1 },
	};

	ASSERT_EQ(42, lseek(self->fd, 42, SEEK_SET));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, lseek(self->fd, bad[i].offset, bad[i].whence))
			TH_LOG("seek %zu", i);
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(42, lseek(self->fd, 0, SEEK_CUR));
	}
}

/* Neither takes its time, which would be a day. */
TEST_F(store, end_of_the_medium)
{
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	ASSERT_EQ(self->size, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, read(self->fd, self->buf, 1));
	EXPECT_EQ(0, pread(self->fd, self->buf, LEN, self->size));
	EXPECT_EQ(0, pread(self->fd, self->buf, LEN, self->size + 1));
	EXPECT_EQ(0, pread(self->fd, self->buf, LEN, INT64_MAX - LEN));
	EXPECT_EQ(-1, write(self->fd, self->buf, 1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwrite(self->fd, self->buf, LEN, self->size));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwrite(self->fd, self->buf, LEN, INT64_MAX - LEN));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(self->size, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(-1, pread(self->fd, self->buf, LEN, -1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pwrite(self->fd, self->buf, LEN, -1));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(store, across_the_end)
{
	struct iovec iov[2] = { { self->buf, 30 }, { self->buf + 30, 70 } };

	EXPECT_EQ(LEN, pread(self->fd, self->buf, 2 * LEN, self->size - LEN));
	EXPECT_TRUE(is_pattern(self->buf, 0, LEN));
	EXPECT_EQ(40, preadv(self->fd, iov, 2, self->size - 40));
	EXPECT_TRUE(is_pattern(self->buf, 60, 40));

	fill_pattern(self->buf, 200, 2 * LEN);
	EXPECT_EQ(50, pwrite(self->fd, self->buf, LEN, self->size - 50));
	EXPECT_EQ(1, pwritev(self->fd, iov, 2, self->size - 1));
	EXPECT_EQ(LEN, pread(self->fd, self->buf, LEN, self->size - LEN));
	EXPECT_TRUE(is_pattern(self->buf, 0, 50));
	EXPECT_TRUE(is_pattern(self->buf + 50, 200, 49));
	EXPECT_EQ(pattern(200), self->buf[99]);
	EXPECT_TRUE(area_untouched(self->fd));
}

TEST_F(store, nothing_to_move_does_not_wait)
{
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	EXPECT_EQ(0, read(self->fd, self->buf, 0));
	EXPECT_EQ(0, write(self->fd, self->buf, 0));
	EXPECT_EQ(0, pwrite(self->fd, self->buf, 0, self->size));
}

TEST_F(store, bad_memory)
{
	unsigned char *end = alloc_before_hole(LEN), *bad = alloc_before_hole(0);
	ssize_t n;

	ASSERT_EQ(5, lseek(self->fd, 5, SEEK_SET));
	EXPECT_EQ(-1, read(self->fd, bad, LEN));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, write(self->fd, bad, LEN));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(5, lseek(self->fd, 0, SEEK_CUR));

	n = read(self->fd, end, 2 * LEN);
	ASSERT_LE(1, n);
	ASSERT_LE(n, LEN);
	EXPECT_TRUE(is_pattern(end, 5, n));
	EXPECT_EQ(5 + n, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_TRUE(area_untouched(self->fd));

	fill_pattern(end, 77, LEN);
	n = pwrite(self->fd, end, 2 * LEN, 0);
	ASSERT_LE(1, n);
	ASSERT_LE(n, LEN);
	EXPECT_EQ(2 * LEN, pread(self->fd, self->buf, 2 * LEN, 0));
	EXPECT_TRUE(is_pattern(self->buf, 77, n));
	EXPECT_TRUE(is_pattern(self->buf + n, n, 2 * LEN - n));
}

/* ---- what is as on a disk ---- */

TEST_F(store, fsync)
{
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
}

TEST_F(store, nonblock_changes_nothing)
{
	uint64_t begun;
	int fd = open(self->dev.node, O_RDWR | O_NONBLOCK);

	ASSERT_LE(0, fd);
	set_latency(&self->dev, "read_latency_ns", 50 * MSEC);
	begun = now_ns();
	EXPECT_EQ(LEN, pread(fd, self->buf, LEN, 0));
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	EXPECT_TRUE(is_pattern(self->buf, 0, LEN));
	close(fd);
}

TEST_F(store, direct_changes_nothing)
{
	int fd = open(self->dev.node, O_RDWR | O_DIRECT);

	ASSERT_LE(0, fd);
	EXPECT_EQ(LEN, pread(fd, self->buf, LEN, 3));
	EXPECT_TRUE(is_pattern(self->buf, 3, LEN));
	EXPECT_EQ(LEN, pwrite(fd, self->buf, LEN, 3));
	EXPECT_TRUE(area_untouched(self->fd));
	close(fd);
}

TEST_F(store, nowait_is_not_supported)
{
	struct iovec iov = { self->buf, LEN };

	EXPECT_EQ(-1, preadv2(self->fd, &iov, 1, 0, RWF_NOWAIT));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, pwritev2(self->fd, &iov, 1, 0, RWF_NOWAIT));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_TRUE(area_untouched(self->fd));
}

TEST_F(store, always_ready)
{
	struct pollfd pollfd = { .fd = self->fd, .events = POLLIN | POLLOUT };
	struct epoll_event event = { .events = EPOLLIN };

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	EXPECT_EQ(1, poll(&pollfd, 1, -1));
	EXPECT_EQ(POLLIN | POLLOUT, pollfd.revents);
	EXPECT_EQ(-1, epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, self->fd, &event));
	EXPECT_EQ(EPERM, errno);
}

/* ---- channels ---- */

#define CHANNELS	64

struct served {
	struct call calls[CHANNELS + 2];
	unsigned char bytes[CHANNELS + 2][LEN];
};

static void start_one(FIXTURE_DATA(store) *self, struct served *served, int i)
{
	served->calls[i] = self->call;
	served->calls[i].buf = served->bytes[i];
	call_start(&served->calls[i]);
	wait_pending(&self->dev, i + 1);
}

static struct served *fill_channels(FIXTURE_DATA(store) *self)
{
	struct served *served = calloc(1, sizeof(*served));

	handle(SIGUSR1, 0);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	for (int i = 0; i < CHANNELS; i++)
		start_one(self, served, i);
	return served;
}

/* From one of the 64 that are served to the end. */
static void end_all(FIXTURE_DATA(store) *self, struct served *served, int from)
{
	for (int i = from; i < CHANNELS; i++)
		call_signal(&served->calls[i], SIGUSR1);
	for (int i = from; i < CHANNELS; i++)
		call_join(&served->calls[i]);
}

/* As many as there are channels: one of them is free again, and serves at once. */
TEST_F(store, each_channel_serves)
{
	struct served *served = fill_channels(self);

	call_signal(&served->calls[0], SIGUSR1);
	EXPECT_EQ(-1, call_join(&served->calls[0]));
	EXPECT_EQ(EINTR, served->calls[0].err);
	set_latency(&self->dev, "read_latency_ns", 0);
	EXPECT_EQ(LEN, pread(self->fd, self->buf, LEN, 0));
	end_all(self, served, 1);
	EXPECT_EQ(0, pending(&self->dev));
}

/* D-CR-5: a cancelled transfer hands its channel to who has waited longest. */
TEST_F(store, who_finds_no_channel_waits)
{
	struct served *served = fill_channels(self);
	struct call *oldest = &served->calls[CHANNELS], *next = &served->calls[CHANNELS + 1];

	start_one(self, served, CHANNELS);
	/* It would be done at once, if it were served. */
	set_latency(&self->dev, "read_latency_ns", 0);
	start_one(self, served, CHANNELS + 1);
	call_signal(&served->calls[0], SIGUSR1);
	EXPECT_EQ(-1, call_join(&served->calls[0]));
	EXPECT_EQ(CHANNELS + 1, pending(&self->dev));
	EXPECT_FALSE(call_done(next));

	call_signal(&served->calls[1], SIGUSR1);
	EXPECT_EQ(-1, call_join(&served->calls[1]));
	EXPECT_EQ(LEN, call_join(next));
	EXPECT_TRUE(is_pattern(next->buf, 3, LEN));

	call_signal(oldest, SIGUSR1);
	EXPECT_EQ(-1, call_join(oldest));
	EXPECT_EQ(EINTR, oldest->err);
	end_all(self, served, 2);
	EXPECT_EQ(0, pending(&self->dev));
}

/* A transfer that is done hands its channel on, too. */
TEST_F(store, waiting_transfer_is_served_in_its_turn)
{
	struct served *served = fill_channels(self);
	struct call *brief = &served->calls[CHANNELS], *next = &served->calls[CHANNELS + 1];

	call_signal(&served->calls[0], SIGUSR1);
	EXPECT_EQ(-1, call_join(&served->calls[0]));
	*brief = *next = self->call;
	brief->buf = served->bytes[CHANNELS];
	next->buf = served->bytes[CHANNELS + 1];
	set_latency(&self->dev, "read_latency_ns", 500 * MSEC);
	call_start(brief);
	wait_until(pending(&self->dev) == CHANNELS || call_done(brief));
	/* It would be done at once, if it were served. */
	set_latency(&self->dev, "read_latency_ns", 0);
	call_start(next);
	EXPECT_EQ(LEN, call_join(next));
	EXPECT_EQ(LEN, call_join(brief));
	end_all(self, served, 1);
	EXPECT_EQ(0, pending(&self->dev));
}

/* D-CSQ-6, K-OWN-1: one that waits is cancelled, and takes no channel with it. */
TEST_F(store, waiting_transfer_is_canceled)
{
	struct served *served = fill_channels(self);
	struct call *waiting = &served->calls[CHANNELS];

	set_latency(&self->dev, "read_latency_ns", 0);
	for (int i = 0; i < 3; i++) {
		start_one(self, served, CHANNELS);
		call_signal(waiting, SIGUSR1);
		EXPECT_EQ(-1, call_join(waiting));
		EXPECT_EQ(EINTR, waiting->err);
		EXPECT_EQ(CHANNELS, pending(&self->dev));
	}
	end_all(self, served, 0);
	for (int i = 0; i < 2 * CHANNELS; i++)
		EXPECT_EQ(LEN, pread(self->fd, self->buf, LEN, 0));
}

TEST_HARNESS_MAIN
