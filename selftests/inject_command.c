// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring's commands, and its own reads and writes of a stream, that meet each fault
 * that they can meet in their submitter: each ends once, and what has failed has moved
 * nothing.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"
#include "inject_test.h"

enum form { PLAIN, VECTORED, FIXED, RING };

#define PIECES	20

FIXTURE(faulty)
{
	struct inject inject;
	struct device dev;
	struct ring ring;
	struct iovec iov[PIECES];
	int fd;
};

FIXTURE_VARIANT(faulty)
{
	const char *model;
	const char *latency;
	enum form form;
};

FIXTURE_VARIANT_ADD(faulty, stream) { "stream", "0", PLAIN };
FIXTURE_VARIANT_ADD(faulty, stream_waits) { "stream", "1000000", PLAIN };
FIXTURE_VARIANT_ADD(faulty, stream_vectored) { "stream", "1000000", VECTORED };
FIXTURE_VARIANT_ADD(faulty, stream_fixed) { "stream", "1000000", FIXED };
FIXTURE_VARIANT_ADD(faulty, stream_ring) { "stream", "1000000", RING };
FIXTURE_VARIANT_ADD(faulty, store) { "store", "0", PLAIN };
FIXTURE_VARIANT_ADD(faulty, store_waits) { "store", "1000000", PLAIN };
FIXTURE_VARIANT_ADD(faulty, store_vectored) { "store", "1000000", VECTORED };
FIXTURE_VARIANT_ADD(faulty, store_fixed) { "store", "1000000", FIXED };

#define STORE	(!strcmp(variant->model, "store"))
#define SLOT	0

FIXTURE_SETUP(faulty)
{
	SKIP_FOR(cannot_inject());
	MAKE_DEVICE(&self->dev, "inject_command", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	set_latencies(&self->dev, strtoull(variant->latency, NULL, 10));
}

FIXTURE_TEARDOWN(faulty)
{
	EXPECT_EQ(0, pending(&self->dev));
	ring_close(&self->ring);
	close(self->fd);
	device_unmake("inject_command");
}

/* LEN bytes of the slot's memory; in more pieces than fit into io_uring's own list. */
static void prepare(FIXTURE_DATA(faulty) *self, enum form form, bool write)
{
	unsigned char *buf = self->ring.buf[SLOT];
	struct io_uring_sqe *sqe;

	if (form == RING) {
		sqe = io_uring_get_sqe(&self->ring.uring);
		io_uring_prep_rw(write ? IORING_OP_WRITE : IORING_OP_READ, sqe, self->fd, buf, LEN, 0);
		sqe->user_data = SLOT;
		return;
	}
	sqe = prep_io(&self->ring, SLOT, self->fd,
		      write ? CANCELIO_URING_WRITE : CANCELIO_URING_READ, buf, LEN, 0, 7);
	if (form == FIXED)
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	if (form != VECTORED)
		return;
	for (int i = 0; i < PIECES; i++)
		self->iov[i] = (struct iovec){ buf + i * (LEN / PIECES), LEN / PIECES };
	self->ring.io[SLOT].addr = (unsigned long)self->iov;
	self->ring.io[SLOT].len = PIECES;
	self->ring.io[SLOT].flags = CANCELIO_IO_VECTORED;
}

/* Submits what was prepared, and waits for it, with a fault. Return: its one result. */
static int run_faulty(FIXTURE_DATA(faulty) *self)
{
	unsigned int before = self->ring.count[SLOT];
	int res;

	INJECT(&self->inject, res = run(&self->ring, SLOT));
	settle(&self->ring);
	return self->ring.count[SLOT] == before + 1 ? res : INT_MIN;
}

/* A copy to or from memory that is registered is none to user space. */
#define PLACES(copies)	((variant->form == FIXED ? 0 : (copies)))

TEST_F(faulty, read)
{
	unsigned char bytes[LEN], got[LEN];
	size_t done;
	int n;

	fill_pattern(bytes, 0, LEN);
	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		ASSERT_EQ(LEN, STORE ? pwrite(self->fd, bytes, LEN, 0) :
			  write(self->fd, bytes, LEN));
		memset(self->ring.buf[SLOT], BLANK, LEN);
		prepare(self, variant->form, false);
		n = run_faulty(self);
		ASSERT_TRUE(inject_moved(&self->inject, n, LEN)) TH_LOG("%d", n);
		done = n < 0 ? 0 : n;
		EXPECT_TRUE(is_pattern(self->ring.buf[SLOT], 0, done));
		EXPECT_TRUE(is_blank(self->ring.buf[SLOT] + done, LEN - done));
		if (STORE) {
			EXPECT_EQ(LEN, pread(self->fd, got, LEN, 0));
			EXPECT_TRUE(is_pattern(got, 0, LEN));
			continue;
		}
		if (done < LEN) {
			ASSERT_EQ((ssize_t)(LEN - done), read(self->fd, got, LEN));
			EXPECT_TRUE(is_pattern(got, done, LEN - done));
		}
		EXPECT_TRUE(line_is_empty(self->fd));
	}
	EXPECT_LE(1 + PLACES(1) * (variant->form != RING), INJECTED(&self->inject));
}

TEST_F(faulty, write)
{
	unsigned char got[LEN], none[LEN] = { 0 };
	size_t done;
	int n;

	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		if (STORE)
			ASSERT_EQ(LEN, pwrite(self->fd, none, LEN, 0));
		fill_pattern(self->ring.buf[SLOT], 0, LEN);
		prepare(self, variant->form, true);
		n = run_faulty(self);
		ASSERT_TRUE(inject_moved(&self->inject, n, LEN)) TH_LOG("%d", n);
		done = n < 0 ? 0 : n;
		/* A line that nothing was put on would keep us waiting. */
		if (STORE || done)
			ASSERT_EQ(STORE ? LEN : (ssize_t)done, STORE ?
				  pread(self->fd, got, LEN, 0) : read(self->fd, got, LEN));
		EXPECT_TRUE(is_pattern(got, 0, done));
		EXPECT_TRUE(STORE ? !memcmp(got + done, none, LEN - done) :
			    line_is_empty(self->fd));
	}
	EXPECT_LE(1 + PLACES(1), INJECTED(&self->inject));
}

TEST_F(faulty, flush_and_info)
{
	struct cancelio_info info;
	int ret;

	for (inject_start(&self->inject); STORE && inject_round(&self->inject); ) {
		prep(&self->ring, SLOT, self->fd, CANCELIO_URING_FLUSH, NULL, 7);
		ret = run_faulty(self);
		EXPECT_TRUE(ret == 0 || (self->inject.hit && is_fault(-ret)));
	}
	if (STORE)
		EXPECT_LE(1, INJECTED(&self->inject));
	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		memset(&info, 0, sizeof(info));
		prep(&self->ring, SLOT, self->fd, CANCELIO_IOC_INFO, &info, 7);
		ret = run_faulty(self);
		EXPECT_TRUE(ret == 0 || (self->inject.hit && is_fault(-ret)));
		EXPECT_EQ(ret ? 0 : self->dev.size, info.size);
	}
	EXPECT_LE(2, INJECTED(&self->inject));
}

/* A cancel needs no memory, and reaches what it is to reach whatever fails. */
TEST_F(faulty, cancel)
{
	int ret;

	if (STORE || variant->form != PLAIN)
		SKIP(return, "what waits here is a read of an empty line");
	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		prep_read(&self->ring, 1, self->fd, 8);
		submit(&self->ring);
		EXPECT_EQ(1, pending(&self->dev));
		INJECT(&self->inject, ret = cancel_tag(&self->ring, self->fd, 8));
		EXPECT_EQ(1, ret);
		reap_slot(&self->ring, 1, self->inject.nth);
		EXPECT_EQ(-ECANCELED, self->ring.res[1]);
	}
}

/* The line's memory, and what one waits for to read it, is as before. */
TEST_F(faulty, waits_and_is_cancelled)
{
	int ret;

	if (STORE || variant->form == RING)
		SKIP(return, "what waits here is a command that reads an empty line");
	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		prepare(self, variant->form, false);
		INJECT(&self->inject, submit(&self->ring));
		ret = result(&self->ring, SLOT);
		if (ret != INT_MAX) {
			EXPECT_TRUE(self->inject.hit && is_fault(-ret)) TH_LOG("%d", ret);
			EXPECT_EQ(0, pending(&self->dev));
		} else {
			EXPECT_EQ(1, pending(&self->dev));
			EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 7));
			EXPECT_EQ(-ECANCELED, result(&self->ring, SLOT));
		}
		forget(&self->ring);
	}
	EXPECT_LE(2, INJECTED(&self->inject));
}

TEST_HARNESS_MAIN
