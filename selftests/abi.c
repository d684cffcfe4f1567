// SPDX-License-Identifier: GPL-2.0
/*
 * The contract in linux/cancelio.h: the ioctls, what they refuse, and that a
 * 32-bit program speaks the same language.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"
#include "call_test.h"

/* Programs are compiled against these; they never change. */
_Static_assert(sizeof(struct cancelio_info) == 128, "size");
_Static_assert(offsetof(struct cancelio_info, flags) == 0, "flags");
_Static_assert(offsetof(struct cancelio_info, model) == 4, "model");
_Static_assert(offsetof(struct cancelio_info, size) == 8, "size");
_Static_assert(offsetof(struct cancelio_info, pending) == 16, "pending");
_Static_assert(offsetof(struct cancelio_info, open_latency_ns) == 24, "open");
_Static_assert(offsetof(struct cancelio_info, read_latency_ns) == 32, "read");
_Static_assert(offsetof(struct cancelio_info, write_latency_ns) == 40, "write");
_Static_assert(offsetof(struct cancelio_info, flush_latency_ns) == 48, "flush");
_Static_assert(offsetof(struct cancelio_info, control_latency_ns) == 56, "control");
_Static_assert(offsetof(struct cancelio_info, features) == 64, "features");
_Static_assert(offsetof(struct cancelio_info, reserved) == 72, "reserved");

_Static_assert(sizeof(struct cancelio_cancel) == 64, "size");
_Static_assert(offsetof(struct cancelio_cancel, flags) == 0, "flags");
_Static_assert(offsetof(struct cancelio_cancel, by) == 4, "by");
_Static_assert(offsetof(struct cancelio_cancel, value) == 8, "value");
_Static_assert(offsetof(struct cancelio_cancel, found) == 16, "found");
_Static_assert(offsetof(struct cancelio_cancel, reserved) == 24, "reserved");

_Static_assert(sizeof(struct cancelio_request_info) == 80, "size");
_Static_assert(offsetof(struct cancelio_request_info, flags) == 0, "flags");
_Static_assert(offsetof(struct cancelio_request_info, op) == 4, "op");
_Static_assert(offsetof(struct cancelio_request_info, id) == 8, "id");
_Static_assert(offsetof(struct cancelio_request_info, state) == 16, "state");
_Static_assert(offsetof(struct cancelio_request_info, process) == 20, "process");
_Static_assert(offsetof(struct cancelio_request_info, thread) == 24, "thread");
_Static_assert(offsetof(struct cancelio_request_info, pad) == 28, "pad");
_Static_assert(offsetof(struct cancelio_request_info, length) == 32, "length");
_Static_assert(offsetof(struct cancelio_request_info, age_ns) == 40, "age");
_Static_assert(offsetof(struct cancelio_request_info, reserved) == 48, "reserved");

_Static_assert(sizeof(struct cancelio_uring_cmd) == 16, "size");
_Static_assert(offsetof(struct cancelio_uring_cmd, arg) == 0, "arg");
_Static_assert(offsetof(struct cancelio_uring_cmd, tag) == 8, "tag");

_Static_assert(sizeof(struct cancelio_uring_io) == 32, "size");
_Static_assert(offsetof(struct cancelio_uring_io, addr) == 0, "addr");
_Static_assert(offsetof(struct cancelio_uring_io, offset) == 8, "offset");
_Static_assert(offsetof(struct cancelio_uring_io, len) == 16, "len");
_Static_assert(offsetof(struct cancelio_uring_io, flags) == 20, "flags");
_Static_assert(offsetof(struct cancelio_uring_io, reserved) == 24, "reserved");

_Static_assert(sizeof(struct cancelio_uring_cancel) == 16, "size");
_Static_assert(offsetof(struct cancelio_uring_cancel, value) == 0, "value");
_Static_assert(offsetof(struct cancelio_uring_cancel, by) == 8, "by");
_Static_assert(offsetof(struct cancelio_uring_cancel, flags) == 12, "flags");

_Static_assert(CANCELIO_API_VERSION == 3, "version");
_Static_assert(CANCELIO_IOC_VERSION == 0x8004c100, "version");
_Static_assert(CANCELIO_IOC_INFO == 0xc080c101, "info");
_Static_assert(CANCELIO_IOC_CANCEL == 0xc040c102, "cancel");
_Static_assert(CANCELIO_IOC_REQUEST == 0xc050c103, "request");
_Static_assert(CANCELIO_URING_READ == 0x4010c110, "read");
_Static_assert(CANCELIO_URING_WRITE == 0x4010c111, "write");
_Static_assert(CANCELIO_URING_FLUSH == 0x4010c112, "flush");
_Static_assert(CANCELIO_URING_CANCEL == 0x4010c113, "cancel");
_Static_assert(CANCELIO_BY_FILE == 1 && CANCELIO_BY_ID == 2 && CANCELIO_BY_PROCESS == 3 &&
	       CANCELIO_BY_THREAD == 4 && CANCELIO_BY_DEVICE == 5 && CANCELIO_BY_TAG == 6 &&
	       CANCELIO_BY_OP == 7, "by");
_Static_assert(CANCELIO_CANCEL_ONE == 1, "flags of a cancel");
_Static_assert(CANCELIO_IO_VECTORED == 1, "flags of a read or write");
_Static_assert(CANCELIO_FEATURE_URING == 1 && CANCELIO_FEATURE_URING_EXIT == 2, "features");
_Static_assert(CANCELIO_OP_OPEN == 1 && CANCELIO_OP_READ == 2 && CANCELIO_OP_WRITE == 3 &&
	       CANCELIO_OP_FLUSH == 4 && CANCELIO_OP_CONTROL == 5, "operations");
_Static_assert(CANCELIO_STATE_STARTED == 1 && CANCELIO_STATE_CANCELABLE == 2 &&
	       CANCELIO_STATE_CANCELED == 4, "states");
_Static_assert(CANCELIO_MODEL_STREAM == 1 && CANCELIO_MODEL_STORE == 2, "models");
_Static_assert(CANCELIO_LATENCY_MAX_NS == 24ULL * 60 * 60 * 1000000000, "latency");

/* How a call comes in. Return: 0 or a negative errno. */
typedef long (*ioctl_fn)(int fd, unsigned int command, void *arg);

static long native_ioctl(int fd, unsigned int command, void *arg)
{
	return ioctl(fd, command, arg) ? -errno : 0;
}

#ifdef __x86_64__
#define IA32_GETPID	20
#define IA32_IOCTL	54

/* A system call as a 32-bit program makes it. All pointers are below 4 GiB. */
static long ia32_syscall(long nr, long arg1, long arg2, long arg3)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "a" (nr), "b" (arg1), "c" (arg2), "d" (arg3)
		     : "r8", "r9", "r10", "r11", "memory");
	/* An errno comes back in 32 bits. */
	return (int)ret;
}

static long compat_ioctl(int fd, unsigned int command, void *arg)
{
	return ia32_syscall(IA32_IOCTL, fd, command, (long)arg);
}

/* A kernel without these calls ends the process, hence the child. */
static bool have_compat(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(ia32_syscall(IA32_GETPID, 0, 0, 0) != getpid());
	return child_wait(pid) == 0;
}
#else
#define MAP_32BIT 0
#define compat_ioctl native_ioctl

static bool have_compat(void)
{
	return false;
}
#endif

FIXTURE(abi)
{
	struct device dev;
	int fd;
	struct cancelio_info *info;
	char *hole;
};

FIXTURE_VARIANT(abi)
{
	const char *model;
	uint32_t id;
	ioctl_fn ioctl;
	bool compat;
};

FIXTURE_VARIANT_ADD(abi, stream) { "stream", CANCELIO_MODEL_STREAM, native_ioctl };
FIXTURE_VARIANT_ADD(abi, store) { "store", CANCELIO_MODEL_STORE, native_ioctl };
FIXTURE_VARIANT_ADD(abi, compat_stream) { "stream", CANCELIO_MODEL_STREAM, compat_ioctl, true };
FIXTURE_VARIANT_ADD(abi, compat_store) { "store", CANCELIO_MODEL_STORE, compat_ioctl, true };

FIXTURE_SETUP(abi)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *memory;

	SETUP_DEVICE(&self->dev, variant->model);
	if (variant->compat && !have_compat())
		SKIP(return, "no 32-bit system calls here");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	self->hole = memory + page;
	ASSERT_EQ(0, mprotect(self->hole, page, PROT_NONE));
	self->info = (struct cancelio_info *)memory;
}

FIXTURE_TEARDOWN(abi)
{
	device_teardown(&self->dev);
}

#define IOCTL(command, arg)	variant->ioctl(self->fd, command, arg)

TEST_F(abi, version)
{
	uint32_t *version = (uint32_t *)self->info;

	version[1] = 0x12345678;
	EXPECT_EQ(0, IOCTL(CANCELIO_IOC_VERSION, version));
	EXPECT_EQ(CANCELIO_API_VERSION, version[0]);
	EXPECT_EQ(0x12345678, version[1]);
}

TEST_F(abi, info)
{
	struct cancelio_info *info = self->info;

	set_latency(&self->dev, "open_latency_ns", FOREVER);
	set_latency(&self->dev, "read_latency_ns", 0x100000001ULL);
	set_latency(&self->dev, "write_latency_ns", 3);
	/* What is only written is ignored on the way in. */
	memset(info, 0xff, offsetof(struct cancelio_info, reserved));
	info->flags = 0;
	ASSERT_EQ(0, IOCTL(CANCELIO_IOC_INFO, info));
	EXPECT_EQ(0, info->flags);
	EXPECT_EQ(variant->id, info->model);
	EXPECT_EQ(self->dev.size, info->size);
	EXPECT_EQ(0, info->pending);
	EXPECT_EQ(FOREVER, info->open_latency_ns);
	EXPECT_EQ(0x100000001ULL, info->read_latency_ns);
	EXPECT_EQ(3, info->write_latency_ns);
	EXPECT_EQ(0, info->flush_latency_ns);
	EXPECT_EQ(0, info->control_latency_ns);
	EXPECT_TRUE(info->features & CANCELIO_FEATURE_URING);
	EXPECT_EQ(0, info->features & ~(CANCELIO_FEATURE_URING | CANCELIO_FEATURE_URING_EXIT));
	for (size_t i = 0; i < ARRAY_SIZE(info->reserved); i++)
		EXPECT_EQ(0, info->reserved[i]);
}

/* Of the store alone, hence not one of those that every device has. */
TEST_F(abi, info_tells_of_flushes)
{
	if (variant->id == CANCELIO_MODEL_STORE)
		ASSERT_EQ(0, set_latency(&self->dev, "flush_latency_ns", 0x200000001ULL));
	memset(self->info, 0, sizeof(*self->info));
	EXPECT_EQ(0, IOCTL(CANCELIO_IOC_INFO, self->info));
	EXPECT_EQ(variant->id == CANCELIO_MODEL_STORE ? 0x200000001ULL : 0,
		  self->info->flush_latency_ns);
	set_latency(&self->dev, "flush_latency_ns", 0);
}

/* Which each device has, and which the call that tells of it takes. */
TEST_F(abi, info_tells_of_controls)
{
	uint64_t begun = now_ns();

	ASSERT_EQ(0, set_latency(&self->dev, "control_latency_ns", 30 * MSEC));
	memset(self->info, 0, sizeof(*self->info));
	EXPECT_EQ(0, IOCTL(CANCELIO_IOC_INFO, self->info));
	EXPECT_LE(30 * MSEC, now_ns() - begun);
	EXPECT_EQ(30 * MSEC, self->info->control_latency_ns);
	/* It is itself a request, which has ended. */
	EXPECT_EQ(0, self->info->pending);
	set_latency(&self->dev, "control_latency_ns", 0);
}

TEST_F(abi, info_tells_what_is_pending)
{
	struct call call = { .fn = do_open, .path = self->dev.node };
	int i;

	handle(SIGUSR1, 0);
	set_latency(&self->dev, "open_latency_ns", FOREVER);
	for (i = 0; i < 2; i++) {
		call_start(&call);
		wait_pending(&self->dev, 1);
		memset(self->info, 0, sizeof(*self->info));
		ASSERT_EQ(0, IOCTL(CANCELIO_IOC_INFO, self->info));
		EXPECT_EQ(1, self->info->pending);
		call_signal(&call, SIGUSR1);
		EXPECT_EQ(-1, call_join(&call));
		ASSERT_EQ(0, IOCTL(CANCELIO_IOC_INFO, self->info));
		EXPECT_EQ(0, self->info->pending);
	}
}

TEST_F(abi, unknown_commands)
{
	const unsigned int unknown[] = {
		0, 1, 0x5401, ~0U,
		_IO(CANCELIO_IOC_MAGIC, 0), _IO(CANCELIO_IOC_MAGIC, 1),
		_IOW(CANCELIO_IOC_MAGIC, 0, uint32_t), _IOR(CANCELIO_IOC_MAGIC, 0, uint64_t),
		_IOR(CANCELIO_IOC_MAGIC - 1, 0, uint32_t),
		_IOR(CANCELIO_IOC_MAGIC, 1, struct cancelio_info),
		_IOW(CANCELIO_IOC_MAGIC, 1, struct cancelio_info),
		_IOWR(CANCELIO_IOC_MAGIC, 1, char[120]),
		_IOWR(CANCELIO_IOC_MAGIC, 2, struct cancelio_info),
		_IOW(CANCELIO_IOC_MAGIC, 2, struct cancelio_cancel),
		_IOR(CANCELIO_IOC_MAGIC, 3, struct cancelio_request_info),
		_IOWR(CANCELIO_IOC_MAGIC, 4, struct cancelio_request_info),
		_IOWR(CANCELIO_IOC_MAGIC, 255, struct cancelio_info),
	};
	struct cancelio_info before;

	memset(self->info, 0, sizeof(before));
	before = *self->info;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-ENOTTY, IOCTL(unknown[i], self->info))
			TH_LOG("command %#x", unknown[i]);
		/* Before anything is looked at. */
		EXPECT_EQ(-ENOTTY, IOCTL(unknown[i], self->hole));
	}
	EXPECT_EQ(0, memcmp(&before, self->info, sizeof(before)));
}

TEST_F(abi, bad_memory)
{
	char *across = self->hole - sizeof(struct cancelio_info) + 1;

	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_VERSION, NULL));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_VERSION, self->hole));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_INFO, NULL));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_CANCEL, NULL));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_CANCEL, self->hole));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_REQUEST, NULL));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_REQUEST, self->hole));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_INFO, self->hole));
	memset(across, 0, sizeof(struct cancelio_info) - 1);
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_INFO, across));
	/* EFAULT is looked for before EINVAL. */
	across[0] = 1;
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_INFO, across));
	across[0] = 0;
	for (size_t i = 0; i < sizeof(struct cancelio_info) - 1; i++)
		ASSERT_EQ(0, across[i]);
	/* Memory that can be read, but not written. */
	ASSERT_EQ(0, mprotect(self->info, 1, PROT_READ));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_VERSION, self->info));
	EXPECT_EQ(-EFAULT, IOCTL(CANCELIO_IOC_INFO, self->info));
}

/*
 * The same requests, by the same numbers, whatever the program's word: one is
 * seen, cancelled by its id, and gone.
 */
TEST_F(abi, cancel_and_request)
{
	struct call call = { .fn = do_open, .path = self->dev.node };
	struct cancelio_request_info *request = (void *)self->info;
	struct cancelio_cancel *cancel = (void *)(request + 1);

	set_latency(&self->dev, "open_latency_ns", FOREVER);
	call_start(&call);
	wait_pending(&self->dev, 1);
	memset(request, 0, sizeof(*request));
	ASSERT_EQ(0, IOCTL(CANCELIO_IOC_REQUEST, request));
	EXPECT_EQ(CANCELIO_OP_OPEN, request->op);
	EXPECT_EQ(getpid(), request->process);
	EXPECT_EQ(call.tid, request->thread);
	memset(cancel, 0, sizeof(*cancel));
	cancel->by = CANCELIO_BY_ID;
	cancel->value = request->id;
	ASSERT_EQ(0, IOCTL(CANCELIO_IOC_CANCEL, cancel));
	EXPECT_EQ(1, cancel->found);
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
	EXPECT_EQ(-ENOENT, IOCTL(CANCELIO_IOC_REQUEST, request));
	EXPECT_EQ(-ENOENT, IOCTL(CANCELIO_IOC_CANCEL, cancel));
}

/* The struct just before the end of what is mapped: nothing behind it is touched. */
TEST_F(abi, exactly_its_size)
{
	struct cancelio_info *last = (void *)(self->hole - sizeof(*last));

	memset(last, 0, sizeof(*last));
	EXPECT_EQ(0, IOCTL(CANCELIO_IOC_INFO, last));
	EXPECT_EQ(variant->id, last->model);
	EXPECT_EQ(0, IOCTL(CANCELIO_IOC_VERSION, self->hole - sizeof(uint32_t)));
}

/* Each bit of bytes [from, to) must be zero; one by one. */
static void check_zero(struct __test_metadata *_metadata, FIXTURE_DATA(abi) *self,
		       ioctl_fn fn, unsigned int command, size_t from, size_t to)
{
	unsigned char *bytes = (unsigned char *)self->info;
	unsigned char before[sizeof(struct cancelio_info)];
	size_t i, size = _IOC_SIZE(command);
	int bit;

	for (i = from; i < to; i++) {
		for (bit = 0; bit < 8; bit++) {
			bytes[i] |= 1 << bit;
			memcpy(before, bytes, size);
			ASSERT_EQ(-EINVAL, fn(self->fd, command, bytes))
				TH_LOG("byte %zu bit %d", i, bit);
			ASSERT_EQ(0, memcmp(before, bytes, size));
			bytes[i] &= ~(1 << bit);
		}
	}
}

#define CHECK_ZERO(command, from, to)	\
	check_zero(_metadata, self, variant->ioctl, command, from, to)

TEST_F(abi, reserved)
{
	memset(self->info, 0, sizeof(*self->info));
	CHECK_ZERO(CANCELIO_IOC_INFO, 0, sizeof(self->info->flags));
	CHECK_ZERO(CANCELIO_IOC_INFO, offsetof(struct cancelio_info, reserved),
		   sizeof(struct cancelio_info));
	EXPECT_EQ(0, IOCTL(CANCELIO_IOC_INFO, self->info));
}

TEST_F(abi, reserved_of_cancel)
{
	struct cancelio_cancel *cancel = (void *)self->info;

	memset(cancel, 0, sizeof(*cancel));
	cancel->by = CANCELIO_BY_FILE;
	CHECK_ZERO(CANCELIO_IOC_CANCEL, offsetof(struct cancelio_cancel, reserved),
		   sizeof(*cancel));
	for (int bit = 0; bit < 32; bit++) {
		cancel->flags = 1U << bit;
		EXPECT_EQ(cancel->flags == CANCELIO_CANCEL_ONE ? -ENOENT : -EINVAL,
			  IOCTL(CANCELIO_IOC_CANCEL, cancel));
		EXPECT_EQ(1U << bit, cancel->flags);
	}
	cancel->flags = 0;
	EXPECT_EQ(-ENOENT, IOCTL(CANCELIO_IOC_CANCEL, cancel));
}

/* All but the id. What is only written is ignored, as long as it is not padding. */
TEST_F(abi, reserved_of_request)
{
	struct cancelio_request_info *request = (void *)self->info;

	memset(request, 0, sizeof(*request));
	CHECK_ZERO(CANCELIO_IOC_REQUEST, 0, offsetof(struct cancelio_request_info, op));
	CHECK_ZERO(CANCELIO_IOC_REQUEST, offsetof(struct cancelio_request_info, reserved),
		   sizeof(*request));
	request->pad = 1;
	EXPECT_EQ(-EINVAL, IOCTL(CANCELIO_IOC_REQUEST, request));
	request->pad = 0;
	EXPECT_EQ(-ENOENT, IOCTL(CANCELIO_IOC_REQUEST, request));
}

TEST_HARNESS_MAIN
