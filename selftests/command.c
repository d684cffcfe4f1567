// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of io_uring that move bytes: at once and after a wait, from and to
 * memory in one piece, in three, and registered.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"

enum form { PLAIN, VECTORED, FIXED };

FIXTURE(transfer)
{
	struct device dev;
	struct ring ring;
	struct iovec iov[SLOTS][3];
	int fd;
};

FIXTURE_VARIANT(transfer)
{
	const char *model;
	enum form form;
};

FIXTURE_VARIANT_ADD(transfer, stream_plain) { "stream", PLAIN };
FIXTURE_VARIANT_ADD(transfer, stream_vectored) { "stream", VECTORED };
FIXTURE_VARIANT_ADD(transfer, stream_fixed) { "stream", FIXED };
FIXTURE_VARIANT_ADD(transfer, store_plain) { "store", PLAIN };
FIXTURE_VARIANT_ADD(transfer, store_vectored) { "store", VECTORED };
FIXTURE_VARIANT_ADD(transfer, store_fixed) { "store", FIXED };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(transfer)
{
	MAKE_DEVICE(&self->dev, "command", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	if (STORE)
		ASSERT_TRUE(area_fill(self->fd));
}

FIXTURE_TEARDOWN(transfer)
{
	ring_close(&self->ring);
	device_unmake("command");
}

/* LEN bytes of the slot's memory, whose tag is its number. */
static void prepare(FIXTURE_DATA(transfer) *self, enum form form, int slot, bool write,
		    uint64_t pos)
{
	unsigned char *buf = self->ring.buf[slot];
	struct io_uring_sqe *sqe;

	sqe = prep_io(&self->ring, slot, self->fd, write ? CANCELIO_URING_WRITE : CANCELIO_URING_READ,
		      buf, LEN, pos, slot);
	if (form == FIXED)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	if (form != VECTORED)
		return;
	self->iov[slot][0] = (struct iovec){ buf, 30 };
	self->iov[slot][1] = (struct iovec){ buf + 30, 0 };
	self->iov[slot][2] = (struct iovec){ buf + 30, LEN - 30 };
	self->ring.io[slot].addr = (unsigned long)self->iov[slot];
	self->ring.io[slot].len = 3;
	self->ring.io[slot].flags = CANCELIO_IO_VECTORED;
}

#define READ(slot, pos)		prepare(self, variant->form, slot, false, pos)
#define WRITE(slot, pos)	prepare(self, variant->form, slot, true, pos)
#define RESULT(slot)		result(&self->ring, slot)

/* Bytes for the next reads of a stream; a store has them. */
#define GIVE(from, len)								\
	do {									\
		unsigned char bytes[len];					\
										\
		fill_pattern(bytes, from, len);					\
		if (!STORE)							\
			ASSERT_EQ(len, write(self->fd, bytes, len));		\
	} while (0)

TEST_F(transfer, read_at_once)
{
	struct counters before = counters(&self->dev);

	GIVE(1000, LEN);
	READ(0, STORE ? 1000 : 0);
	submit(&self->ring);
	/* Without anything that the kernel does later. */
	ASSERT_EQ(1, io_uring_cq_ready(&self->ring.uring));
	EXPECT_EQ(LEN, RESULT(0));
	EXPECT_TRUE(is_pattern(self->ring.buf[0], 1000, LEN));
	if (!STORE)
		EXPECT_EQ(before.accepted, counters(&self->dev).accepted);
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(transfer, read_after_a_wait)
{
	struct counters before = counters(&self->dev);
	uint64_t begun = now_ns();
	struct seen seen;

	set_latency(&self->dev, "read_latency_ns", 50 * MSEC);
	READ(0, STORE ? 1000 : 0);
	submit(&self->ring);
	ASSERT_EQ(1, see(&self->dev, &seen, 1));
	EXPECT_STREQ("read", seen.op);
	EXPECT_STREQ("started", seen.state);
	EXPECT_EQ(getpid(), seen.pid);
	EXPECT_EQ(syscall(SYS_gettid), seen.tid);
	EXPECT_EQ(LEN, seen.bytes);
	/* What describes the memory was read when the command began. */
	memset(self->iov, 0xff, sizeof(self->iov));
	memset(self->ring.io, 0xff, sizeof(self->ring.io));
	GIVE(1000, LEN);
	reap(&self->ring, 1);
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	EXPECT_EQ(LEN, RESULT(0));
	EXPECT_TRUE(is_pattern(self->ring.buf[0], 1000, LEN));
	EXPECT_EQ(before.completed + 1, counters(&self->dev).completed);
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(transfer, write_at_once)
{
	unsigned char got[LEN];

	fill_pattern(self->ring.buf[0], 77, LEN);
	WRITE(0, STORE ? 1000 : 0);
	submit(&self->ring);
	ASSERT_EQ(1, io_uring_cq_ready(&self->ring.uring));
	EXPECT_EQ(LEN, RESULT(0));
	ASSERT_EQ(LEN, STORE ? pread(self->fd, got, LEN, 1000) : read(self->fd, got, LEN));
	EXPECT_TRUE(is_pattern(got, 77, LEN));
	if (STORE) {
		ASSERT_EQ(LEN, pread(self->fd, got, LEN, 1000 - LEN));
		EXPECT_TRUE(is_pattern(got, 1000 - LEN, LEN));
		ASSERT_EQ(LEN, pread(self->fd, got, LEN, 1000 + LEN));
		EXPECT_TRUE(is_pattern(got, 1000 + LEN, LEN));
	}
}

TEST_F(transfer, write_after_a_wait)
{
	unsigned char *got = malloc(self->dev.size);
	uint64_t begun = now_ns();
	size_t more = self->dev.size - 4096;

	if (!STORE)
		ASSERT_TRUE(line_fill(self->fd, &self->dev));
	fill_pattern(self->ring.buf[0], self->dev.size, LEN);
	set_latency(&self->dev, "write_latency_ns", STORE ? 50 * MSEC : 0);
	WRITE(0, STORE ? 1000 : 0);
	submit(&self->ring);
	EXPECT_EQ(1, count_state(&self->dev, "started", "yes"));
	memset(self->iov, 0xff, sizeof(self->iov));
	memset(self->ring.io, 0xff, sizeof(self->ring.io));
	if (!STORE)
		ASSERT_EQ(4096, read(self->fd, got, 4096));
	reap(&self->ring, 1);
	EXPECT_EQ(LEN, RESULT(0));
	if (STORE) {
		EXPECT_LE(50 * MSEC, now_ns() - begun);
		ASSERT_EQ(LEN, pread(self->fd, got, LEN, 1000));
		EXPECT_TRUE(is_pattern(got, self->dev.size, LEN));
	} else {
		ASSERT_EQ(more + LEN, read(self->fd, got, self->dev.size));
		EXPECT_TRUE(is_pattern(got, 4096, more + LEN));
	}
}

/* Less than was asked for, and nothing beyond it. */
TEST_F(transfer, short_reads)
{
	for (int wait = 0; wait < 2; wait++) {
		set_latency(&self->dev, "read_latency_ns", STORE && wait ? MSEC : 0);
		if (!wait)
			GIVE(self->dev.size - 40, 40);
		if (STORE) {
			unsigned char tail[40];

			fill_pattern(tail, self->dev.size - 40, 40);
			ASSERT_EQ(40, pwrite(self->fd, tail, 40, self->dev.size - 40));
		}
		READ(0, STORE ? self->dev.size - 40 : 0);
		submit(&self->ring);
		if (wait)
			GIVE(self->dev.size - 40, 40);
		reap(&self->ring, 1);
		EXPECT_EQ(40, RESULT(0));
		EXPECT_TRUE(is_pattern(self->ring.buf[0], self->dev.size - 40, 40));
		EXPECT_TRUE(is_blank(self->ring.buf[0] + 40, LEN - 40));
		forget(&self->ring);
	}
}

/* Also EAGAIN is an end like others, and not io_uring's to try again. */
TEST_F(transfer, faults)
{
	static const struct {
		const char *rule;
		int result;
	} faults[] = {
		{ "all error=EIO next=1", -EIO },
		{ "all error=EAGAIN next=1", -EAGAIN },
		{ "read,write short=7 next=1", 7 },
	};

	for (int i = 0; i < 6; i++) {
		bool puts = i & 1;
		int result = faults[i / 2].result, moved = result > 0 ? result : 0;

		if (!puts)
			GIVE(0, LEN);
		ASSERT_EQ(0, set(&self->dev, "faults", faults[i / 2].rule));
		fill_pattern(self->ring.buf[i], 0, LEN);
		if (puts)
			WRITE(i, 0);
		else
			READ(i, 0);
		EXPECT_EQ(result, run(&self->ring, i))
			TH_LOG("%d", i);
		if (!STORE)
			EXPECT_EQ(puts ? moved : LEN - moved, drain(&self->dev));
	}
}

/* One that hangs is pending until it is cancelled, and takes nothing away. */
TEST_F(transfer, hangs)
{
	GIVE(0, LEN);
	ASSERT_EQ(0, set(&self->dev, "faults", "read hang next=1"));
	READ(5, 0);
	submit(&self->ring);
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 5));
	EXPECT_EQ(-ECANCELED, RESULT(5));
	EXPECT_TRUE(is_blank(self->ring.buf[5], LEN));
	READ(6, 0);
	EXPECT_EQ(LEN, run(&self->ring, 6));
	EXPECT_TRUE(is_pattern(self->ring.buf[6], 0, LEN));
}

TEST_F(transfer, cancelled_read_moves_nothing)
{
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	READ(3, 0);
	submit(&self->ring);
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 3));
	EXPECT_EQ(-ECANCELED, RESULT(3));
	set_latency(&self->dev, "read_latency_ns", 0);
	GIVE(0, LEN);
	READ(4, 0);
	EXPECT_EQ(LEN, run(&self->ring, 4));
	EXPECT_TRUE(is_pattern(self->ring.buf[4], 0, LEN));
	EXPECT_TRUE(is_blank(self->ring.buf[3], LEN));
	EXPECT_EQ(0, drain(&self->dev) * !STORE);
}

TEST_F(transfer, cancelled_write_moves_nothing)
{
	if (!STORE)
		ASSERT_TRUE(line_fill(self->fd, &self->dev));
	set_latency(&self->dev, "write_latency_ns", STORE ? FOREVER : 0);
	WRITE(3, 0);
	submit(&self->ring);
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 3));
	EXPECT_EQ(-ECANCELED, RESULT(3));
	EXPECT_TRUE(STORE ? area_untouched(self->fd) : line_is_fill(self->fd, &self->dev));
	if (!STORE)
		EXPECT_TRUE(line_is_empty(self->fd));
}

TEST_HARNESS_MAIN
