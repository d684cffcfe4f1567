// SPDX-License-Identifier: GPL-2.0
/*
 * libaio: reads and writes that are begun at once and end later, and what is told
 * of them.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "aio_test.h"

FIXTURE(aio)
{
	struct device dev;
	struct aio *aio;
	int fd;
};

FIXTURE_VARIANT(aio)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(aio, stream) { "stream" };
FIXTURE_VARIANT_ADD(aio, store) { "store" };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(aio)
{
	self->aio = mmap(NULL, sizeof(*self->aio), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->aio);
	MAKE_DEVICE(&self->dev, "aio", variant->model);
	SETUP_CONTEXT(self->aio);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	if (STORE)
		ASSERT_TRUE(area_fill(self->fd));
}

FIXTURE_TEARDOWN(aio)
{
	context_destroy(self->aio);
	device_unmake("aio");
}

/* Bytes for the next reads of a stream; a store has them. */
static bool give(int fd, bool store, size_t from, size_t len)
{
	unsigned char bytes[4096];

	fill_pattern(bytes, from, len);
	return store || write(fd, bytes, len) == (ssize_t)len;
}

#define GIVE(from, len)	ASSERT_TRUE(give(self->fd, STORE, from, len))
#define BUF(slot)	self->aio->buf[slot]

TEST_F(aio, at_once)
{
	unsigned char got[LEN];

	GIVE(0, LEN);
	prep_read(self->aio, 0, self->fd);
	EXPECT_EQ(LEN, run(self->aio, 0));
	EXPECT_TRUE(is_pattern(BUF(0), 0, LEN));
	fill_pattern(BUF(1), 77, LEN);
	prep(self->aio, 1, self->fd, IOCB_CMD_PWRITE, BUF(1), LEN, 0);
	EXPECT_EQ(LEN, run(self->aio, 1));
	ASSERT_EQ(LEN, read(self->fd, got, LEN));
	EXPECT_TRUE(is_pattern(got, 77, LEN));
	EXPECT_EQ(2, ended(self->aio, 0, 2, LEN));
}

/* The submission returns at once, and no thread waits. */
TEST_F(aio, read_after_a_wait)
{
	uint64_t begun = now_ns();
	struct seen seen;

	set_latency(&self->dev, "read_latency_ns", 50 * MSEC);
	prep_read(self->aio, 0, self->fd);
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	ASSERT_EQ(1, see(&self->dev, &seen, 1));
	EXPECT_STREQ("read", seen.op);
	EXPECT_STREQ("started", seen.state);
	EXPECT_EQ(getpid(), seen.pid);
	EXPECT_EQ(syscall(SYS_gettid), seen.tid);
	EXPECT_EQ(LEN, seen.bytes);
	GIVE(0, LEN);
	reap(self->aio, 1);
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	EXPECT_EQ(1, ended(self->aio, 0, 1, LEN));
	EXPECT_TRUE(is_pattern(BUF(0), 0, LEN));
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(aio, write_after_a_wait)
{
	unsigned char *got = malloc(2 * self->dev.size);

	if (!STORE) {
		fill_pattern(got, 0, self->dev.size);
		ASSERT_EQ(self->dev.size, write(self->fd, got, self->dev.size));
	}
	set_latency(&self->dev, "write_latency_ns", STORE ? 50 * MSEC : 0);
	fill_pattern(BUF(0), self->dev.size, LEN);
	prep(self->aio, 0, self->fd, IOCB_CMD_PWRITE, BUF(0), LEN, STORE ? 1000 : 0);
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	EXPECT_EQ(1, count_state(&self->dev, "started", "yes"));
	if (!STORE)
		ASSERT_EQ(4096, read(self->fd, got, 4096));
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 1, LEN));
	if (STORE) {
		ASSERT_EQ(LEN, pread(self->fd, got, LEN, 1000));
	} else {
		ASSERT_EQ(self->dev.size - 4096, read(self->fd, got, self->dev.size - 4096));
		ASSERT_EQ(LEN, read(self->fd, got, self->dev.size));
	}
	EXPECT_TRUE(is_pattern(got, self->dev.size, LEN));
}

TEST_F(aio, vectored)
{
	struct iovec iov[3] = { { BUF(0), 30 }, { BUF(0) + 30, 0 }, { BUF(0) + 30, LEN - 30 } };
	struct iovec out[2] = { { BUF(1) + 50, 50 }, { BUF(1), 50 } };
	unsigned char got[LEN];

	set_latency(&self->dev, "read_latency_ns", STORE ? MSEC : 0);
	prep(self->aio, 0, self->fd, IOCB_CMD_PREADV, iov, 3, 0);
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	memset(iov, 0xff, sizeof(iov));
	GIVE(0, LEN);
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 1, LEN));
	EXPECT_TRUE(is_pattern(BUF(0), 0, LEN));
	fill_pattern(BUF(1), 0, LEN);
	prep(self->aio, 1, self->fd, IOCB_CMD_PWRITEV, out, 2, 0);
	EXPECT_EQ(LEN, run(self->aio, 1));
	ASSERT_EQ(LEN, read(self->fd, got, LEN));
	EXPECT_TRUE(is_pattern(got, 50, 50) && is_pattern(got + 50, 0, 50));
}

TEST_F(aio, eventfd)
{
	int event = eventfd(0, EFD_CLOEXEC);
	eventfd_t count;

	set_latency(&self->dev, "read_latency_ns", STORE ? MSEC : 0);
	for (int i = 0; i < 3; i++) {
		struct iocb *iocb = prep_read(self->aio, i, self->fd);

		iocb->aio_flags = IOCB_FLAG_RESFD;
		iocb->aio_resfd = event;
	}
	ASSERT_EQ(3, submit(self->aio, 0, 3));
	for (eventfd_t sum = 0; sum < 3; sum += count) {
		if (!STORE && !sum)
			GIVE(0, 3 * LEN);
		ASSERT_EQ(0, eventfd_read(event, &count));
	}
	reap(self->aio, 3);
	EXPECT_EQ(3, ended(self->aio, 0, 3, LEN));
	/* A cancelled one tells, too. */
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	prep_read(self->aio, 3, self->fd)->aio_flags = IOCB_FLAG_RESFD;
	self->aio->iocb[3].aio_resfd = event;
	ASSERT_EQ(1, submit(self->aio, 3, 4));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 3));
	ASSERT_EQ(0, eventfd_read(event, &count));
	EXPECT_EQ(1, count);
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 3, 4, -ECANCELED));
}

/* Of a line's state; a store has none to wait for. */
TEST_F(aio, poll)
{
	struct iocb *iocb = prep(self->aio, 0, self->fd, IOCB_CMD_POLL, NULL, 0, 0);

	iocb->aio_buf = POLLIN;
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	if (STORE) {
		reap(self->aio, 1);
		EXPECT_TRUE(self->aio->res[0] & POLLIN);
		return;
	}
	EXPECT_TRUE(reaped(self->aio));
	/* It is no request. */
	EXPECT_EQ(0, pending(&self->dev));
	GIVE(0, 1);
	reap(self->aio, 1);
	EXPECT_TRUE(self->aio->res[0] & POLLIN);
	ASSERT_EQ(1, read(self->fd, BUF(9), 1));
	*prep(self->aio, 1, self->fd, IOCB_CMD_POLL, NULL, 0, 0) = *iocb;
	self->aio->iocb[1].aio_data = 1;
	ASSERT_EQ(1, submit(self->aio, 1, 2));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 1));
	reap(self->aio, 1);
	EXPECT_EQ(1, self->aio->count[1]);
	EXPECT_TRUE(reaped(self->aio));
}

/* What cannot be begun is told by the submission. */
TEST_F(aio, as_many_as_it_may)
{
	ASSERT_EQ(0, set(&self->dev, "max_pending", "2"));
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	for (int i = 0; i < 4; i++)
		prep_read(self->aio, i, self->fd);
	EXPECT_EQ(4, submit(self->aio, 0, 4));
	reap(self->aio, 2);
	EXPECT_EQ(2, ended(self->aio, 2, 4, -EAGAIN));
	EXPECT_EQ(2, pending(&self->dev));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 0));
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 2, -ECANCELED));
	/* There is room again. */
	self->aio->count[2] = 0;
	EXPECT_EQ(1, submit(self->aio, 2, 3));
	EXPECT_EQ(2, pending(&self->dev));
}

TEST_F(aio, must_not_wait)
{
	int fd = open(self->dev.node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	prep_read(self->aio, 0, fd);
	prep_read(self->aio, 1, self->fd)->aio_rw_flags = RWF_NOWAIT;
	if (STORE) {
		/* It has no way of not waiting, and a file's flag does not mean its transfers. */
		EXPECT_EQ(LEN, run(self->aio, 0));
		EXPECT_EQ(-EOPNOTSUPP, run(self->aio, 1));
		return;
	}
	EXPECT_EQ(-EAGAIN, run(self->aio, 0));
	EXPECT_EQ(-EAGAIN, run(self->aio, 1));
	EXPECT_EQ(0, pending(&self->dev));
	GIVE(0, 2 * LEN);
	self->aio->count[0] = self->aio->count[1] = 0;
	EXPECT_EQ(LEN, run(self->aio, 0));
	EXPECT_EQ(LEN, run(self->aio, 1));
	EXPECT_TRUE(is_pattern(BUF(1), LEN % 251, LEN));
}

TEST_F(aio, faults)
{
	static const char *const rules[] = { "all error=EIO next=1", "read,write short=7 next=1" };

	set_latency(&self->dev, "read_latency_ns", STORE ? MSEC : 0);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, set(&self->dev, "faults", rules[i]));
		prep_read(self->aio, i, self->fd);
		ASSERT_EQ(1, submit(self->aio, i, i + 1));
		GIVE(0, LEN);
		reap(self->aio, 1);
		EXPECT_EQ(i ? 7 : -EIO, self->aio->res[i]);
	}
	if (!STORE)
		EXPECT_EQ(2 * LEN - 7, drain(&self->dev));
}

/* ---- memory ---- */

/* It was the submitter's when it was submitted, and is, whoever touches the page meanwhile. */
TEST_F(aio, submitter_has_forked)
{
	int go[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	set_latency(&self->dev, "read_latency_ns", STORE ? 300 * MSEC : 0);
	prep_read(self->aio, 0, self->fd);
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		/* The page is its own from here on. */
		BUF(0)[LEN - 1] = 1;
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(is_blank(BUF(0), LEN - 1) && BUF(0)[LEN - 1] == 1 ? 0 : 2);
	}
	BUF(1)[0] = 2;
	GIVE(0, LEN);
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 1, LEN));
	EXPECT_TRUE(is_pattern(BUF(0), 0, LEN));
	EXPECT_EQ(2, BUF(1)[0]);
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(aio, memory_has_gone)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	set_latency(&self->dev, "read_latency_ns", STORE ? 50 * MSEC : 0);
	prep(self->aio, 0, self->fd, IOCB_CMD_PREAD, page, LEN, 0);
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	ASSERT_EQ(0, munmap(page, 4096));
	GIVE(0, LEN);
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 1, -EFAULT));
	/* It took nothing. */
	prep_read(self->aio, 1, self->fd);
	EXPECT_EQ(LEN, run(self->aio, 1));
	EXPECT_TRUE(is_pattern(BUF(1), 0, LEN));
}

TEST_HARNESS_MAIN
