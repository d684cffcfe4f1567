// SPDX-License-Identifier: GPL-2.0
/*
 * Reads and writes of libaio that meet each fault that they can meet where they are
 * submitted: each has one event, and what has failed has moved nothing.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "aio_test.h"
#include "inject_test.h"

FIXTURE(faulty)
{
	struct inject inject;
	struct device dev;
	struct aio *aio;
	struct iovec iov[2];
	int fd;
};

FIXTURE_VARIANT(faulty)
{
	const char *model;
	const char *latency;
	bool vectored;
};

FIXTURE_VARIANT_ADD(faulty, stream) { "stream", "0", false };
FIXTURE_VARIANT_ADD(faulty, stream_waits) { "stream", "1000000", false };
FIXTURE_VARIANT_ADD(faulty, stream_vectored) { "stream", "1000000", true };
FIXTURE_VARIANT_ADD(faulty, store) { "store", "0", false };
FIXTURE_VARIANT_ADD(faulty, store_waits) { "store", "1000000", false };
FIXTURE_VARIANT_ADD(faulty, store_vectored) { "store", "1000000", true };

#define STORE	(!strcmp(variant->model, "store"))
#define WAITS	(variant->latency[0] != '0')

FIXTURE_SETUP(faulty)
{
	uint64_t ns = strtoull(variant->latency, NULL, 10);

	SKIP_FOR(cannot_inject());
	MAKE_DEVICE(&self->dev, "inject_aio", variant->model);
	self->aio = mmap(NULL, sizeof(*self->aio), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->aio);
	SETUP_CONTEXT(self->aio);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", ns));
	ASSERT_EQ(0, set_latency(&self->dev, "write_latency_ns", ns));
}

FIXTURE_TEARDOWN(faulty)
{
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_TRUE(reaped(self->aio));
	EXPECT_EQ(0, context_destroy(self->aio));
	close(self->fd);
	device_unmake("inject_aio");
}

static void prepare(FIXTURE_DATA(faulty) *self, bool vectored, bool write)
{
	unsigned char *buf = self->aio->buf[0];

	self->iov[0] = (struct iovec){ buf, 30 };
	self->iov[1] = (struct iovec){ buf + 30, LEN - 30 };
	if (vectored)
		prep(self->aio, 0, self->fd, write ? IOCB_CMD_PWRITEV : IOCB_CMD_PREADV,
		     self->iov, 2, 0);
	else
		prep(self->aio, 0, self->fd, write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD, buf, LEN, 0);
}

/* Submits it with a fault. Return: what became of it. */
static long run_faulty(FIXTURE_DATA(faulty) *self)
{
	unsigned int before = self->aio->count[0];
	long n;

	INJECT(&self->inject, n = submit(self->aio, 0, 1));
	if (n != 1)
		return n;
	while (self->aio->count[0] == before)
		reap(self->aio, 1);
	return self->aio->count[0] == before + 1 ? self->aio->res[0] : INT_MIN;
}

/* In the order in which they are read: of a store all is there still. */
static bool left(int fd, bool store, size_t from)
{
	unsigned char got[LEN];
	size_t len = store ? LEN : LEN - from;

	if (store)
		return pread(fd, got, LEN, 0) == LEN && is_pattern(got, 0, LEN);
	return (!len || read(fd, got, len) == (ssize_t)len) && is_pattern(got, from, len) &&
	       line_is_empty(fd);
}

TEST_F(faulty, read)
{
	unsigned char bytes[LEN];
	size_t done;
	long n;

	fill_pattern(bytes, 0, LEN);
	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		ASSERT_EQ(LEN, STORE ? pwrite(self->fd, bytes, LEN, 0) :
			  write(self->fd, bytes, LEN));
		memset(self->aio->buf[0], BLANK, LEN);
		prepare(self, variant->vectored, false);
		n = run_faulty(self);
		ASSERT_TRUE(inject_moved(&self->inject, n, LEN)) TH_LOG("%ld", n);
		done = n < 0 ? 0 : n;
		EXPECT_TRUE(is_pattern(self->aio->buf[0], 0, done));
		EXPECT_TRUE(is_blank(self->aio->buf[0] + done, LEN - done));
		EXPECT_TRUE(left(self->fd, STORE, done));
	}
	/* What was put on a line may have arrived before it is read. */
	EXPECT_LE(1 + WAITS * STORE, INJECTED(&self->inject));
}

TEST_F(faulty, write)
{
	unsigned char got[LEN], none[LEN] = { 0 };
	size_t done;
	long n;

	for (inject_start(&self->inject); inject_round(&self->inject); ) {
		if (STORE)
			ASSERT_EQ(LEN, pwrite(self->fd, none, LEN, 0));
		fill_pattern(self->aio->buf[0], 0, LEN);
		prepare(self, variant->vectored, true);
		n = run_faulty(self);
		ASSERT_TRUE(inject_moved(&self->inject, n, LEN)) TH_LOG("%ld", n);
		done = n < 0 ? 0 : n;
		/* A line that nothing was put on would keep us waiting. */
		if (STORE || done)
			ASSERT_EQ(STORE ? LEN : (ssize_t)done, STORE ?
				  pread(self->fd, got, LEN, 0) : read(self->fd, got, LEN));
		EXPECT_TRUE(is_pattern(got, 0, done));
		EXPECT_TRUE(STORE ? !memcmp(got + done, none, LEN - done) :
			    line_is_empty(self->fd));
	}
	EXPECT_LE(1 + WAITS + variant->vectored, INJECTED(&self->inject));
}

TEST_HARNESS_MAIN
