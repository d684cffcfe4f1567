// SPDX-License-Identifier: GPL-2.0
/*
 * What comes out of a stream is what went in: who is served first, writes that
 * are not mixed and writes that are longer than the line, memory that is bad.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "call_test.h"

FIXTURE(line)
{
	struct device dev;
	int fd;
	unsigned char *buf;
};

FIXTURE_SETUP(line)
{
	SETUP_DEVICE(&self->dev, "stream");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(4 * self->dev.size);
	fill_pattern(self->buf, 0, 4 * self->dev.size);
}

FIXTURE_TEARDOWN(line)
{
	device_teardown(&self->dev);
}

/* Reads exactly that much; false if the bytes are not the pattern's. */
static bool take(FIXTURE_DATA(line) *self, size_t from, size_t len)
{
	unsigned char *bytes = malloc(len);
	size_t done = 0;
	ssize_t n;
	bool good;

	while (done < len) {
		n = read(self->fd, bytes + done, len - done);
		if (n <= 0)
			return false;
		done += n;
	}
	good = is_pattern(bytes, from, len);
	free(bytes);
	return good;
}

/* A write longer than the line, of which @pieces were taken, is interrupted. */
static void interrupt_long_write(struct __test_metadata *_metadata,
				 FIXTURE_DATA(line) *self, size_t pieces, int flags)
{
	struct call call = {
		.fn = do_write, .fd = self->fd, .buf = self->buf, .len = 3 * self->dev.size,
	};
	size_t size = self->dev.size, i;

	handle(SIGUSR1, flags);
	call_start(&call);
	for (i = 1; i < pieces; i++) {
		wait_pending(&self->dev, 1);
		ASSERT_TRUE(take(self, (i - 1) * size, size));
	}
	wait_pending(&self->dev, 1);
	call_signal(&call, SIGUSR1);
	ASSERT_EQ(pieces * size, call_join(&call));
	EXPECT_TRUE(take(self, (pieces - 1) * size, size));
	EXPECT_EQ(0, drain(&self->dev));
}

TEST_F(line, long_write_returns_its_count)
{
	interrupt_long_write(_metadata, self, 1, 0);
}

TEST_F(line, long_write_returns_its_later_count)
{
	interrupt_long_write(_metadata, self, 2, 0);
}

/* What has moved bytes is not restarted. */
TEST_F(line, long_write_is_not_restarted)
{
	interrupt_long_write(_metadata, self, 2, SA_RESTART);
}

TEST_F(line, long_write_goes_all_the_way)
{
	struct call call = {
		.fn = do_writev, .fd = self->fd, .buf = self->buf, .len = 3 * self->dev.size + 5,
	};

	call_start(&call);
	EXPECT_TRUE(take(self, 0, call.len));
	EXPECT_EQ(call.len, call_join(&call));
	EXPECT_EQ(0, drain(&self->dev));
}

#define MANY	8

TEST_F(line, readers_are_served_oldest_first)
{
	struct call calls[MANY];
	unsigned char got[MANY];
	int i;

	handle(SIGUSR1, 0);
	for (i = 0; i < MANY; i++) {
		calls[i] = (struct call){
			.fn = do_read, .fd = self->fd, .buf = &got[i], .len = 1,
		};
		call_start(&calls[i]);
		wait_pending(&self->dev, i + 1);
	}
	/* D-CR-5: who leaves the queue does not hold up those behind it. */
	call_signal(&calls[0], SIGUSR1);
	call_signal(&calls[3], SIGUSR1);
	wait_pending(&self->dev, MANY - 2);
	ASSERT_EQ(MANY - 2, write(self->fd, "012345", MANY - 2));
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(i == 0 || i == 3 ? -1 : 1, call_join(&calls[i]));
		if (i != 0 && i != 3)
			EXPECT_EQ('0' + i - 1 - (i > 3), got[i]);
	}
	EXPECT_EQ(0, drain(&self->dev));
}

TEST_F(line, writers_are_served_oldest_first)
{
	struct call calls[MANY];
	int i;

	ASSERT_EQ(self->dev.size, write(self->fd, self->buf, self->dev.size));
	for (i = 0; i < MANY; i++) {
		calls[i] = (struct call){
			.fn = do_write, .fd = self->fd, .len = 100,
			.buf = self->buf + self->dev.size + 100 * i,
		};
		call_start(&calls[i]);
		wait_pending(&self->dev, i + 1);
	}
	EXPECT_TRUE(take(self, 0, self->dev.size + MANY * 100));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(100, call_join(&calls[i]));
	EXPECT_EQ(0, drain(&self->dev));
}

/* D-CR-5, D-CSQ-6: a small write waits behind a big one, until that gives up. */
TEST_F(line, canceled_writer_lets_the_next_go)
{
	struct call big = { .fn = do_write, .fd = self->fd, .buf = self->buf, .len = 200 };
	struct call small = {
		.fn = do_write, .fd = self->fd, .len = 100,
		.buf = self->buf + self->dev.size - 100,
	};

	handle(SIGUSR1, 0);
	ASSERT_EQ(self->dev.size - 100, write(self->fd, self->buf, self->dev.size - 100));
	call_start(&big);
	wait_pending(&self->dev, 1);
	call_start(&small);
	wait_pending(&self->dev, 2);
	call_signal(&big, SIGUSR1);
	EXPECT_EQ(-1, call_join(&big));
	EXPECT_EQ(EINTR, big.err);
	EXPECT_EQ(100, call_join(&small));
	EXPECT_TRUE(take(self, 0, self->dev.size));
	EXPECT_EQ(0, drain(&self->dev));
}

#define WRITERS		4
#define MESSAGES	40

/* Each message: its length in two bytes, and the rest the writer's number. */
static long write_messages(struct call *call)
{
	unsigned char *message = malloc(call->len);
	unsigned int seed = call->pos;
	size_t len;
	int i;

	for (i = 0; i < MESSAGES; i++) {
		/* The first is as long as can be. */
		len = i ? 3 + rand_r(&seed) % (call->len - 3) : call->len;
		memset(message, call->pos, len);
		message[0] = (len - 1) >> 8;
		message[1] = len - 1;
		if (write(call->fd, message, len) != (ssize_t)len)
			return -1;
	}
	free(message);
	return 0;
}

static bool take_bytes(int fd, unsigned char *to, size_t len)
{
	ssize_t n;

	for (; len; to += n, len -= n) {
		n = read(fd, to, len);
		if (n <= 0)
			return false;
	}
	return true;
}

TEST_F(line, writes_are_not_mixed)
{
	size_t most = self->dev.size < 65536 ? self->dev.size : 65536;
	struct call calls[WRITERS];
	int count[WRITERS] = { 0 };
	unsigned char *message = self->buf;
	size_t len, i;
	int n;

	for (n = 0; n < WRITERS; n++) {
		calls[n] = (struct call){
			.fn = write_messages, .fd = self->fd, .len = most, .pos = n,
		};
		call_start(&calls[n]);
	}
	for (n = 0; n < WRITERS * MESSAGES; n++) {
		ASSERT_TRUE(take_bytes(self->fd, message, 3));
		len = message[0] * 256 + message[1] + 1;
		ASSERT_LE(len, most);
		ASSERT_LT(message[2], WRITERS);
		ASSERT_TRUE(take_bytes(self->fd, message + 3, len - 3));
		for (i = 3; i < len; i++)
			ASSERT_EQ(message[2], message[i]);
		count[message[2]]++;
	}
	for (n = 0; n < WRITERS; n++) {
		EXPECT_EQ(0, call_join(&calls[n]));
		EXPECT_EQ(MESSAGES, count[n]);
	}
	EXPECT_EQ(0, drain(&self->dev));
}

/* ---- memory ---- */

TEST_F(line, read_to_bad_memory_takes_nothing)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = alloc_before_hole(0), .len = 100 };
	struct call next = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 100 };

	ASSERT_EQ(100, write(self->fd, self->buf, 100));
	EXPECT_EQ(-1, do_read(&call));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, do_readv(&call));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(take(self, 0, 100));

	/* One who waits, too, and who waits behind it gets the bytes. */
	call_start(&call);
	wait_pending(&self->dev, 1);
	call_start(&next);
	wait_pending(&self->dev, 2);
	ASSERT_EQ(100, write(self->fd, self->buf + 100, 100));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(EFAULT, call.err);
	EXPECT_EQ(100, call_join(&next));
	EXPECT_TRUE(is_pattern(self->buf, 100, 100));
	EXPECT_EQ(0, drain(&self->dev));
}

TEST_F(line, read_across_a_hole_is_short)
{
	unsigned char *end = alloc_before_hole(1000);
	ssize_t n;

	ASSERT_EQ(2000, write(self->fd, self->buf, 2000));
	n = read(self->fd, end, 2000);
	/* How far the copy comes before it faults is the machine's. */
	ASSERT_LE(1, n);
	ASSERT_LE(n, 1000);
	EXPECT_TRUE(is_pattern(end, 0, n));
	EXPECT_TRUE(take(self, n, 2000 - n));
	EXPECT_EQ(0, drain(&self->dev));
}

TEST_F(line, write_from_bad_memory_puts_nothing)
{
	struct call bad = { .fn = do_write, .fd = self->fd, .buf = alloc_before_hole(0), .len = 100 };
	unsigned char *end = alloc_before_hole(1000);

	EXPECT_EQ(-1, do_write(&bad));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, do_writev(&bad));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, write(self->fd, end, 2000));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, drain(&self->dev));
}

/* The first piece has gone when the second meets the hole. */
TEST_F(line, long_write_from_a_hole_is_short)
{
	size_t size = self->dev.size;
	unsigned char *end = alloc_before_hole(size);

	fill_pattern(end, 0, size);
	EXPECT_EQ(size, write(self->fd, end, size + 1000));
	EXPECT_TRUE(take(self, 0, size));
	EXPECT_EQ(0, drain(&self->dev));
}

TEST_F(line, nothing_to_move_does_not_wait)
{
	struct iovec none[2] = { { self->buf, 0 }, { NULL, 0 } };

	EXPECT_EQ(0, read(self->fd, self->buf, 0));
	EXPECT_EQ(0, readv(self->fd, none, 2));
	EXPECT_EQ(0, readv(self->fd, none, 0));
	ASSERT_EQ(self->dev.size, write(self->fd, self->buf, self->dev.size));
	EXPECT_EQ(0, write(self->fd, self->buf, 0));
	EXPECT_EQ(0, writev(self->fd, none, 2));
	EXPECT_EQ(0, read(self->fd, self->buf, 0));
	EXPECT_TRUE(take(self, 0, self->dev.size));
	EXPECT_EQ(0, drain(&self->dev));
}

TEST_HARNESS_MAIN
