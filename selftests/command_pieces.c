// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of io_uring from and to memory in pieces, whoever looks at the array: who
 * submits, a worker, or the kernel for a program with words of 32 bits.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"
#include <stdatomic.h>
#include <sys/syscall.h>

#define PIECE	3
#define MOST	1024

FIXTURE(pieces)
{
	struct device dev;
	struct ring ring;
	struct iovec iov[MOST + 1];
	unsigned char buf[PIECE * (MOST + 1)];
	int fd;
};

FIXTURE_VARIANT(pieces)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(pieces, stream) { "stream" };
FIXTURE_VARIANT_ADD(pieces, store) { "store" };

FIXTURE_SETUP(pieces)
{
	MAKE_DEVICE(&self->dev, "pieces", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(pieces)
{
	ring_close(&self->ring);
	device_unmake("pieces");
}

/* The last piece of memory is first in the array. */
static void prepare_pieces(FIXTURE_DATA(pieces) *self, unsigned int op, int count)
{
	for (int i = 0; i < count; i++)
		self->iov[i] = (struct iovec){ self->buf + PIECE * (count - 1 - i), PIECE };
	prep_io(&self->ring, 0, self->fd, op, self->iov, count, 0, 0);
	self->ring.io[0].flags = CANCELIO_IO_VECTORED;
}

static bool is_reversed(const unsigned char *buf, int count)
{
	for (int i = 0; i < count; i++) {
		if (!is_pattern(buf + PIECE * (count - 1 - i), PIECE * i, PIECE))
			return false;
	}
	return true;
}

TEST_F(pieces, there_and_back)
{
	static const int counts[] = { 1, 3, 8, 9, 300, MOST };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		int count = counts[i];

		for (int k = 0; k < count; k++)
			fill_pattern(self->buf + PIECE * (count - 1 - k), PIECE * k, PIECE);
		prepare_pieces(self, CANCELIO_URING_WRITE, count);
		EXPECT_EQ(PIECE * count, run(&self->ring, 0));
		memset(self->buf, BLANK, sizeof(self->buf));
		prepare_pieces(self, CANCELIO_URING_READ, count);
		EXPECT_EQ(PIECE * count, run(&self->ring, 0));
		EXPECT_TRUE(is_reversed(self->buf, count))
			TH_LOG("%d pieces", count);
		EXPECT_TRUE(is_blank(self->buf + PIECE * count, PIECE));
	}
}

/* The array is gone when the bytes come. */
TEST_F(pieces, after_a_wait)
{
	static const int counts[] = { 1, 3, 9, MOST };
	unsigned char bytes[PIECE * MOST];

	fill_pattern(bytes, 0, sizeof(bytes));
	set_latency(&self->dev, "read_latency_ns", strcmp(variant->model, "store") ? 0 : MSEC);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		ssize_t len = PIECE * counts[i];

		memset(self->buf, BLANK, sizeof(self->buf));
		prepare_pieces(self, CANCELIO_URING_READ, counts[i]);
		/* A store has had them before. */
		if (!strcmp(variant->model, "store"))
			ASSERT_EQ(len, pwrite(self->fd, bytes, len, 0));
		submit(&self->ring);
		memset(self->iov, 0xff, sizeof(self->iov));
		if (strcmp(variant->model, "store")) {
			EXPECT_EQ(1, pending(&self->dev));
			ASSERT_EQ(len, write(self->fd, bytes, len));
		}
		reap(&self->ring, 1);
		EXPECT_EQ(len, self->ring.res[0]);
		EXPECT_TRUE(is_reversed(self->buf, counts[i]))
			TH_LOG("%d pieces", counts[i]);
	}
}

TEST_F(pieces, none)
{
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	prepare_pieces(self, CANCELIO_URING_READ, 0);
	EXPECT_EQ(0, run(&self->ring, 0));
	/* Some that are empty. */
	prepare_pieces(self, CANCELIO_URING_READ, 3);
	for (int i = 0; i < 3; i++)
		self->iov[i].iov_len = 0;
	EXPECT_EQ(0, run(&self->ring, 0));
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(pieces, too_many)
{
	static const unsigned int counts[] = { MOST + 1, 4096, 1U << 31, UINT_MAX };

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		prepare_pieces(self, CANCELIO_URING_READ, 1);
		self->ring.io[0].len = counts[i];
		EXPECT_EQ(-EINVAL, run(&self->ring, 0));
	}
	prepare_pieces(self, CANCELIO_URING_READ, 2);
	self->iov[1].iov_len = -1;
	EXPECT_EQ(-EINVAL, run(&self->ring, 0));
	EXPECT_EQ(0, pending(&self->dev));
}

/* ---- whose array it is ---- */

FIXTURE(array)
{
	struct device dev, slow;
	struct ring ring;
	int fd;
};

FIXTURE_SETUP(array)
{
	MAKE_DEVICE(&self->dev, "array", "store");
	MAKE_DEVICE(&self->slow, "slow", "stream");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(array)
{
	if (self->ring.buf)
		ring_close(&self->ring);
	device_unmake("slow");
	device_unmake("array");
}

/* An open that waits, in a worker. */
static void prep_open(FIXTURE_DATA(array) *self, int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring.uring);

	io_uring_prep_openat(sqe, AT_FDCWD, self->slow.node, O_RDWR | O_CLOEXEC, 0);
	sqe->flags |= IOSQE_ASYNC;
	sqe->user_data = slot;
}

static void limit_workers(FIXTURE_DATA(array) *self, unsigned int count)
{
	unsigned int most[2] = { count, count };

	if (io_uring_register_iowq_max_workers(&self->ring.uring, most))
		abort();
}

struct release {
	atomic_bool go;
	int fd;
	pthread_t thread;
};

static void *release_main(void *arg)
{
	struct release *release = arg;
	struct cancelio_cancel one = { .by = CANCELIO_BY_DEVICE, .flags = CANCELIO_CANCEL_ONE };

	while (!atomic_load(&release->go))
		;
	if (ioctl(release->fd, CANCELIO_IOC_CANCEL, &one))
		abort();
	return NULL;
}

/*
 * A worker that is made while its owner is in no system call: the one before it has begun
 * to wait, and its owner was interrupted to make another.
 */
TEST_F(array, worker_of_an_interrupt)
{
	unsigned char bytes[LEN];
	struct iovec iov[2] = { { bytes, 30 }, { bytes + 30, LEN - 30 } };
	struct release release = { .fd = open(self->slow.node, O_RDWR | O_CLOEXEC) };

	SETUP_RING(&self->ring, 0);
	ASSERT_LE(0, release.fd);
	fill_pattern(bytes, 0, LEN);
	ASSERT_EQ(0, set_latency(&self->slow, "open_latency_ns", FOREVER));
	ASSERT_EQ(0, pthread_create(&release.thread, NULL, release_main, &release));
	limit_workers(self, 1);
	prep_open(self, 0);
	prep_open(self, 1);
	prep_io(&self->ring, 2, self->fd, CANCELIO_URING_WRITE, iov, 2, 0, 0)->flags |= IOSQE_ASYNC;
	self->ring.io[2].flags = CANCELIO_IO_VECTORED;
	submit(&self->ring);
	wait_pending(&self->slow, 1);
	limit_workers(self, 2);
	atomic_store(&release.go, true);
	/* Of the first open, whose worker takes the second, and of the write. */
	while (io_uring_cq_ready(&self->ring.uring) < 2)
		;
	pthread_join(release.thread, NULL);
	reap(&self->ring, 2);
	EXPECT_GT(0, self->ring.res[0]);
	EXPECT_EQ(LEN, self->ring.res[2]);
	EXPECT_EQ(0, self->ring.count[1]);
	memset(bytes, BLANK, LEN);
	EXPECT_EQ(LEN, pread(self->fd, bytes, LEN, 0));
	EXPECT_TRUE(is_pattern(bytes, 0, LEN));
}

#ifdef __x86_64__
/* As a program of 32 bits calls. */
static long call_32(long nr, long a, long b)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b) : "memory", "r8", "r9",
		     "r10", "r11");
	return (int)ret;
}

static bool calls_32(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(call_32(20, 0, 0) != getpid());
	return !child_wait(pid);
}

struct iovec_32 {
	uint32_t base, len;
};

static struct iovec_32 piece_32(void *base, uint32_t len)
{
	return (struct iovec_32){ (uint32_t)(unsigned long)base, len };
}

/* A ring that a program of 32 bits has made. */
TEST_F(array, words_of_32_bits)
{
	void *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct io_uring_params *params = low;
	struct iovec_32 *iov = low + 512;
	unsigned char *bytes = low + 1024;
	int ring_fd;

	ASSERT_NE(MAP_FAILED, low);
	if (!calls_32())
		SKIP(return, "this kernel takes no calls of 32 bits");
	ring_fd = call_32(SYS_io_uring_setup, SLOTS, (long)params);
	ASSERT_LE(0, ring_fd);
	ASSERT_EQ(0, io_uring_queue_mmap(ring_fd, params, &self->ring.uring));
	for (unsigned int i = 0; i < params->sq_entries; i++)
		self->ring.uring.sq.array[i] = i;
	self->ring.buf = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	fill_pattern(bytes, 0, LEN);
	for (int worker = 0; worker < 2; worker++) {
		int flags = worker ? IOSQE_ASYNC : 0;

		iov[0] = piece_32(bytes, 30);
		iov[1] = piece_32(bytes + 30, LEN - 30);
		prep_io(&self->ring, 0, self->fd, CANCELIO_URING_WRITE, iov, 2, 0, 0)->flags |= flags;
		self->ring.io[0].flags = CANCELIO_IO_VECTORED;
		EXPECT_EQ(LEN, run(&self->ring, 0));
		iov[0] = piece_32(bytes + 500, 60);
		iov[1] = piece_32(bytes + 560, LEN - 60);
		prep_io(&self->ring, 1, self->fd, CANCELIO_URING_READ, iov, 2, 0, 0)->flags |= flags;
		self->ring.io[1].flags = CANCELIO_IO_VECTORED;
		EXPECT_EQ(LEN, run(&self->ring, 1));
		EXPECT_TRUE(is_pattern(bytes + 500, 0, LEN));
		memset(bytes + 500, BLANK, LEN);
		/* A length below 0. */
		iov[1].len = 1U << 31;
		prep_io(&self->ring, 2, self->fd, CANCELIO_URING_READ, iov, 2, 0, 0)->flags |= flags;
		self->ring.io[2].flags = CANCELIO_IO_VECTORED;
		EXPECT_EQ(-EINVAL, run(&self->ring, 2));
		EXPECT_TRUE(is_blank(bytes + 500, LEN));
	}
}
#endif

TEST_HARNESS_MAIN
