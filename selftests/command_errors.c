// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of io_uring that are refused: with which error, and that nothing was
 * changed by them.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"

/* They would be met by what is not refused. */
#define RULES	"read,write,flush,control error=EIO next=99"

/* No program's memory. */
#define FOREIGN	((void *)0x8000000000000000UL)

FIXTURE(refused)
{
	struct device dev;
	struct ring ring;
	struct counters before;
	char *hole;
	int fd, reader, writer;
};

FIXTURE_VARIANT(refused)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(refused, stream) { "stream" };
FIXTURE_VARIANT_ADD(refused, store) { "store" };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(refused)
{
	MAKE_DEVICE(&self->dev, "refused", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	self->reader = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	self->writer = open(self->dev.node, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, self->writer);
	self->hole = alloc_before_hole(sizeof(struct cancelio_info));
	ASSERT_TRUE(STORE ? area_fill(self->fd) : write(self->fd, "x", 1) == 1);
	ASSERT_EQ(0, set(&self->dev, "faults", RULES));
	self->before = counters(&self->dev);
}

/* Whatever was refused has changed nothing. */
FIXTURE_TEARDOWN(refused)
{
	struct counters after = counters(&self->dev);
	char path[128], rules[128];
	FILE *file;

	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/faults", self->dev.name);
	file = fopen(path, "re");
	if (file) {
		EXPECT_NE(NULL, fgets(rules, sizeof(rules), file));
		EXPECT_STREQ(RULES "\n", rules);
		fclose(file);
		EXPECT_EQ(0, memcmp(&self->before, &after, sizeof(after)));
		set(&self->dev, "faults", "clear");
		EXPECT_TRUE(STORE ? area_untouched(self->fd) : drain(&self->dev) == 1);
	}
	settle(&self->ring);
	EXPECT_TRUE(is_blank(self->ring.buf[0], MEMORY));
	ring_close(&self->ring);
	device_unmake("refused");
}

#define READ	CANCELIO_URING_READ
#define WRITE	CANCELIO_URING_WRITE
#define BUF	self->ring.buf[0]

#define EXPECT_REFUSED(err)	EXPECT_EQ(-(err), run(&self->ring, 0))

#define COMMAND(fd, op, arg)	prep(&self->ring, 0, fd, op, arg, 0)
#define IO(fd, op, ...)		prep_io(&self->ring, 0, fd, op, __VA_ARGS__, 0)

TEST_F(refused, unknown_commands)
{
	static const unsigned int unknown[] = {
		0, 1, ~0U, _IO(CANCELIO_IOC_MAGIC, 0x10),
		_IOR(CANCELIO_IOC_MAGIC, 0x10, struct cancelio_uring_cmd),
		_IOW(CANCELIO_IOC_MAGIC, 0x10, struct cancelio_uring_io),
		_IOW(CANCELIO_IOC_MAGIC - 1, 0x10, struct cancelio_uring_cmd),
		_IOW(CANCELIO_IOC_MAGIC, 0x14, struct cancelio_uring_cmd),
		_IOW(CANCELIO_IOC_MAGIC, 0x0f, struct cancelio_uring_cmd),
		_IOWR(CANCELIO_IOC_MAGIC, 0x01, struct cancelio_cancel),
	};

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		/* Before anything is looked at. */
		COMMAND(self->fd, unknown[i], FOREIGN);
		EXPECT_REFUSED(ENOTTY)
			TH_LOG("%#x", unknown[i]);
	}
}

TEST_F(refused, wrong_way)
{
	IO(self->writer, READ, BUF, LEN, 0);
	EXPECT_REFUSED(EBADF);
	IO(self->reader, WRITE, BUF, LEN, 0);
	EXPECT_REFUSED(EBADF);
	/* Nor nothing at all. */
	IO(self->writer, READ, BUF, 0, 0);
	EXPECT_REFUSED(EBADF);
}

TEST_F(refused, fields)
{
	for (int write = 0; write < 2; write++) {
		unsigned int op = write ? WRITE : READ;

		for (int bit = 1; bit < 32; bit++) {
			IO(self->fd, op, BUF, LEN, 0);
			self->ring.io[0].flags = 1U << bit;
			EXPECT_REFUSED(EINVAL);
		}
		for (int bit = 0; bit < 64; bit++) {
			IO(self->fd, op, BUF, LEN, 0);
			self->ring.io[0].reserved = 1ULL << bit;
			EXPECT_REFUSED(EINVAL);
		}
		/* None that a file can have. */
		IO(self->fd, op, BUF, LEN, 1ULL << 63);
		EXPECT_REFUSED(EINVAL);
		IO(self->fd, op, BUF, LEN, -1ULL);
		EXPECT_REFUSED(EINVAL);
		/* Flags that io_uring does not know. */
		IO(self->fd, op, BUF, LEN, 0)->uring_cmd_flags = 1U << 15;
		EXPECT_REFUSED(EINVAL);
		if (STORE)
			continue;
		IO(self->fd, op, BUF, LEN, 1);
		EXPECT_REFUSED(EINVAL);
		IO(self->fd, op, BUF, LEN, LLONG_MAX);
		EXPECT_REFUSED(EINVAL);
	}
}

TEST_F(refused, registered_and_vectored)
{
	struct iovec iov = { BUF, LEN };

	IO(self->fd, READ, &iov, 1, 0)->uring_cmd_flags = IORING_URING_CMD_FIXED;
	self->ring.io[0].flags = CANCELIO_IO_VECTORED;
	EXPECT_REFUSED(EINVAL);
}

TEST_F(refused, not_within_the_registered_buffer)
{
	unsigned char *begin = BUF, *end = BUF + MEMORY;
	struct io_uring_sqe *sqe;
	const struct {
		unsigned char *at;
		size_t len;
	} outside[] = {
		{ begin - 1, LEN }, { end - LEN + 1, LEN }, { end, 1 }, { begin, MEMORY + 1 },
		{ NULL, LEN }, { (unsigned char *)-1UL, LEN }, { begin, UINT_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		for (int write = 0; write < 2; write++) {
			IO(self->fd, write ? WRITE : READ, outside[i].at, outside[i].len, 0)
				->uring_cmd_flags = IORING_URING_CMD_FIXED;
			EXPECT_REFUSED(EFAULT)
				TH_LOG("%zu", i);
		}
	}
	/* One that is not registered. */
	sqe = IO(self->fd, READ, BUF, LEN, 0);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
	sqe->buf_index = 1;
	EXPECT_REFUSED(EFAULT);
}

TEST_F(refused, memory_that_is_not_the_callers)
{
	struct iovec iov = { FOREIGN, LEN };

	for (int write = 0; write < 2; write++) {
		unsigned int op = write ? WRITE : READ;

		/* Where the command's own description is. */
		COMMAND(self->fd, op, NULL);
		EXPECT_REFUSED(EFAULT);
		COMMAND(self->fd, op, FOREIGN);
		EXPECT_REFUSED(EFAULT);
		COMMAND(self->fd, op, self->hole + sizeof(struct cancelio_info) -
			sizeof(struct cancelio_uring_io) + 1);
		EXPECT_REFUSED(EFAULT);
		IO(self->fd, op, FOREIGN, LEN, 0);
		EXPECT_REFUSED(EFAULT);
		IO(self->fd, op, &iov, 1, 0);
		self->ring.io[0].flags = CANCELIO_IO_VECTORED;
		EXPECT_REFUSED(EFAULT);
		IO(self->fd, op, self->hole + sizeof(struct cancelio_info), 1, 0);
		self->ring.io[0].flags = CANCELIO_IO_VECTORED;
		EXPECT_REFUSED(EFAULT);
	}
	COMMAND(self->fd, CANCELIO_IOC_VERSION, NULL);
	EXPECT_REFUSED(EFAULT);
	COMMAND(self->fd, CANCELIO_IOC_CANCEL, self->hole + sizeof(struct cancelio_info));
	EXPECT_REFUSED(EFAULT);
	COMMAND(self->fd, CANCELIO_IOC_REQUEST, FOREIGN);
	EXPECT_REFUSED(EFAULT);
}

/* A line takes the bytes when the command begins, and so sees that at once. */
TEST_F(refused, write_from_memory_that_is_not_there)
{
	if (STORE)
		SKIP(return, "a store looks later");
	IO(self->fd, WRITE, self->hole + sizeof(struct cancelio_info) - LEN, LEN + 1, 0);
	EXPECT_REFUSED(EFAULT);
	EXPECT_EQ(-1, write(self->fd, self->hole + sizeof(struct cancelio_info) - LEN, LEN + 1));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(refused, flushes)
{
	COMMAND(self->fd, CANCELIO_URING_FLUSH, BUF);
	EXPECT_REFUSED(EINVAL);
	if (!STORE) {
		COMMAND(self->fd, CANCELIO_URING_FLUSH, NULL);
		EXPECT_REFUSED(EINVAL);
	}
}

TEST_F(refused, cancels)
{
	static const struct cancelio_uring_cancel bad[] = {
		{ 0, 0, 0 }, { 0, CANCELIO_BY_OP + 1, 0 }, { 0, ~0U, 0 },
		{ 1, CANCELIO_BY_FILE, 0 }, { 1ULL << 63, CANCELIO_BY_DEVICE, 0 },
		{ 0, CANCELIO_BY_OP, 0 }, { CANCELIO_OP_CONTROL + 1, CANCELIO_BY_OP, 0 },
		{ 1ULL << 32 | CANCELIO_OP_READ, CANCELIO_BY_OP, 0 },
		{ 0, CANCELIO_BY_FILE, 2 }, { 0, CANCELIO_BY_TAG, 1U << 31 },
		{ 0, CANCELIO_BY_FILE, CANCELIO_CANCEL_ONE | 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, cancel(&self->ring, self->fd, bad[i].by, bad[i].value,
					  bad[i].flags))
			TH_LOG("%zu", i);
	}
}

TEST_F(refused, controls)
{
	struct cancelio_info info = { .flags = 1 };
	struct cancelio_cancel cancel = { .by = CANCELIO_BY_FILE, .reserved = { 1 } };
	struct cancelio_request_info request = { .pad = 1 };

	set(&self->dev, "faults", "clear");
	COMMAND(self->fd, CANCELIO_IOC_INFO, &info);
	EXPECT_REFUSED(EINVAL);
	COMMAND(self->fd, CANCELIO_IOC_CANCEL, &cancel);
	EXPECT_REFUSED(EINVAL);
	COMMAND(self->fd, CANCELIO_IOC_REQUEST, &request);
	EXPECT_REFUSED(EINVAL);
	set(&self->dev, "faults", RULES);
}

/* O_NONBLOCK: what would have to wait is told so, and no worker tries in vain. */
TEST_F(refused, what_must_not_wait)
{
	int fd;

	if (STORE)
		SKIP(return, "a store's transfers never are at once");
	fd = open(self->dev.node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	set(&self->dev, "faults", "clear");
	ASSERT_EQ(1, drain(&self->dev));
	self->before = counters(&self->dev);
	IO(fd, READ, BUF, LEN, 0);
	EXPECT_REFUSED(EAGAIN);
	ASSERT_TRUE(line_fill(self->fd, &self->dev));
	IO(fd, WRITE, BUF, LEN, 0);
	EXPECT_REFUSED(EAGAIN);
	EXPECT_TRUE(line_is_fill(self->fd, &self->dev));
	ASSERT_EQ(1, write(self->fd, "x", 1));
	set(&self->dev, "faults", RULES);
	/* drain() opens the device. */
	self->before = counters(&self->dev);
	EXPECT_EQ(0, self->before.cancelled + self->before.failed);
}

TEST_F(refused, removed_device)
{
	static const unsigned int ops[] = {
		READ, WRITE, CANCELIO_URING_FLUSH, CANCELIO_IOC_INFO, CANCELIO_IOC_CANCEL,
		CANCELIO_IOC_REQUEST,
	};
	uint32_t version = 0;

	set(&self->dev, "faults", "clear");
	ASSERT_EQ(0, config_put("refused", "live", "0"));
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		/* Before the memory is looked at. */
		COMMAND(self->fd, ops[i], FOREIGN);
		EXPECT_REFUSED(ENODEV);
	}
	EXPECT_EQ(-ENODEV, cancel(&self->ring, self->fd, CANCELIO_BY_FILE, 0, 0));
	/* What does not exist comes before, and the contract's version is always told. */
	COMMAND(self->fd, 0, NULL);
	EXPECT_REFUSED(ENOTTY);
	COMMAND(self->fd, CANCELIO_IOC_VERSION, &version);
	EXPECT_EQ(0, run(&self->ring, 0));
	EXPECT_EQ(CANCELIO_API_VERSION, version);
	ASSERT_EQ(0, device_live(&self->dev, "refused"));
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(STORE ? area_fill(self->fd) : write(self->fd, "x", 1) == 1);
	set(&self->dev, "faults", RULES);
	self->before = counters(&self->dev);
}

TEST_F(refused, ring_for_polling)
{
	struct ring ring;

	memset(ring.count, 0, sizeof(ring.count));
	SKIP_FOR(ring_setup(&ring, IORING_SETUP_IOPOLL));
	prep_read(&ring, 0, self->fd, 0);
	EXPECT_EQ(-EOPNOTSUPP, run(&ring, 0));
	prep_cancel(&ring, 0, self->fd, CANCELIO_BY_FILE, 0, 0);
	EXPECT_EQ(-EOPNOTSUPP, run(&ring, 0));
	ring_close(&ring);
}

/* ---- an open file that has as many requests as it may ---- */

FIXTURE(full)
{
	struct device dev;
	struct ring ring;
	int fd;
};

FIXTURE_VARIANT(full)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(full, stream) { "stream" };
FIXTURE_VARIANT_ADD(full, store) { "store" };

FIXTURE_SETUP(full)
{
	MAKE_DEVICE(&self->dev, "full", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, set(&self->dev, "max_pending", "1"));
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	prep_read(&self->ring, 0, self->fd, 100);
	submit(&self->ring);
	ASSERT_EQ(1, pending(&self->dev));
}

FIXTURE_TEARDOWN(full)
{
	ring_close(&self->ring);
	device_unmake("full");
}

TEST_F(full, the_next_is_refused)
{
	static const unsigned int manners[] = { 0, IOSQE_ASYNC };
	unsigned long long accepted = counters(&self->dev).accepted;

	for (size_t i = 0; i < ARRAY_SIZE(manners); i++) {
		prep_read(&self->ring, 1 + i, self->fd, 101)->flags |= manners[i];
		EXPECT_EQ(-EAGAIN, run(&self->ring, 1 + i));
	}
	EXPECT_EQ(-ENOENT, cancel_tag(&self->ring, self->fd, 101));
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(accepted, counters(&self->dev).accepted);
	/* What need not wait is none. */
	prep_io(&self->ring, 3, self->fd, CANCELIO_URING_READ, self->ring.buf[3], 0, 0, 0);
	EXPECT_EQ(0, run(&self->ring, 3));
	/* When the one has gone there is room. */
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 100));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 0));
	prep_read(&self->ring, 4, self->fd, 101);
	submit(&self->ring);
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 101));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 4));
}

/* Another open file has room of its own. */
TEST_F(full, another_file)
{
	int fd = open(self->dev.node, O_RDWR | O_CLOEXEC);

	prep_read(&self->ring, 1, fd, 1);
	submit(&self->ring);
	EXPECT_EQ(2, pending(&self->dev));
	EXPECT_EQ(1, cancel_tag(&self->ring, fd, 1));
	EXPECT_EQ(-ECANCELED, result(&self->ring, 1));
}

/* What a write is told to meet is met by the one that is let in. */
TEST_F(full, refused_write_meets_no_fault)
{
	ASSERT_EQ(0, set(&self->dev, "faults", "write short=7 next=1"));
	if (STORE)
		set_latency(&self->dev, "write_latency_ns", MSEC);
	prep_write(&self->ring, 1, self->fd, 1);
	EXPECT_EQ(-EAGAIN, run(&self->ring, 1));
	EXPECT_EQ(1, cancel_tag(&self->ring, self->fd, 100));
	prep_write(&self->ring, 2, self->fd, 2);
	EXPECT_EQ(7, run(&self->ring, 2));
	if (!STORE)
		EXPECT_EQ(7, drain(&self->dev));
}

TEST_HARNESS_MAIN
