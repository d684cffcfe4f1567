// SPDX-License-Identifier: GPL-2.0
/*
 * Cancelling by ioctl: whose requests, by what, who may, and what is seen of
 * them.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "seen_test.h"

#define NOBODY	65534

/* Reads that wait until they are cancelled, on two open files. */
FIXTURE(control)
{
	struct device dev;
	int fd[2];
	struct call call[3];
	char buf[3][8];
};

FIXTURE_VARIANT(control)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(control, stream) { "stream" };
FIXTURE_VARIANT_ADD(control, store) { "store" };

FIXTURE_SETUP(control)
{
	MAKE_DEVICE(&self->dev, "control", variant->model);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	for (int i = 0; i < 2; i++)
		self->fd[i] = open(self->dev.node, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		self->call[i] = (struct call){
			.fn = do_read, .fd = self->fd[i == 2], .buf = self->buf[i], .len = i + 1,
		};
}

FIXTURE_TEARDOWN(control)
{
	device_unmake("control");
}

/* Two on the first file, one on the second. The two opens had the first ids. */
#define ID(i)	(3 + (i))

static void start(FIXTURE_DATA(control) *self)
{
	for (int i = 0; i < 3; i++) {
		call_start(&self->call[i]);
		wait_state(&self->dev, "started", i + 1);
	}
}

#define EXPECT_CANCELED(call)				\
	do {						\
		EXPECT_EQ(-1, call_join(call));		\
		EXPECT_EQ(ECANCELED, (call)->err);	\
	} while (0)

TEST_F(control, by_file)
{
	start(self);
	ASSERT_EQ(2, cancel_by(self->fd[0], CANCELIO_BY_FILE, 0));
	EXPECT_CANCELED(&self->call[0]);
	EXPECT_CANCELED(&self->call[1]);
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_FILE, 0));
	ASSERT_EQ(1, cancel_by(self->fd[1], CANCELIO_BY_FILE, 0));
	EXPECT_CANCELED(&self->call[2]);
}

/* By any open file of the device. */
TEST_F(control, by_id)
{
	start(self);
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_ID, 0));
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_ID, ID(3)));
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_ID, UINT64_MAX));
	EXPECT_EQ(3, pending(&self->dev));
	for (int i = 2; i >= 0; i--) {
		ASSERT_EQ(1, cancel_by(self->fd[1], CANCELIO_BY_ID, ID(i)));
		EXPECT_CANCELED(&self->call[i]);
		EXPECT_EQ(-ENOENT, cancel_by(self->fd[1], CANCELIO_BY_ID, ID(i)));
		EXPECT_EQ(i, pending(&self->dev));
	}
}

/* Has a child wait in a read of the first file. */
static pid_t start_child(FIXTURE_DATA(control) *self)
{
	uint64_t before = pending(&self->dev);
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(read(self->fd[0], self->buf[0], 1) == -1 ? errno : 0);
	}
	wait_pending(&self->dev, before + 1);
	return pid;
}

TEST_F(control, by_process)
{
	const unsigned long long others[] = {
		0, 4194305, INT_MAX, 1ULL << 31, 1ULL << 32, -1ULL, 1,
	};
	pid_t pid;

	start(self);
	pid = start_child(self);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_PROCESS, others[i]));
		EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_THREAD, others[i]));
	}
	/* A thread that leads none is no process. */
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_PROCESS, self->call[0].tid));
	EXPECT_EQ(4, pending(&self->dev));
	ASSERT_EQ(1, cancel_by(self->fd[1], CANCELIO_BY_PROCESS, pid));
	EXPECT_EQ(ECANCELED, child_wait(pid));
	EXPECT_EQ(3, cancel_by(self->fd[1], CANCELIO_BY_PROCESS, getpid()));
	for (int i = 0; i < 3; i++)
		EXPECT_CANCELED(&self->call[i]);
}

/* Of one open file, those that do one thing. What is no command has no tag. */
TEST_F(control, by_operation)
{
	start(self);
	for (int op = CANCELIO_OP_OPEN; op <= CANCELIO_OP_CONTROL; op++) {
		if (op != CANCELIO_OP_READ)
			EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_OP, op));
	}
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_TAG, 0));
	EXPECT_EQ(3, pending(&self->dev));
	ASSERT_EQ(2, cancel_by(self->fd[0], CANCELIO_BY_OP, CANCELIO_OP_READ));
	EXPECT_CANCELED(&self->call[0]);
	EXPECT_CANCELED(&self->call[1]);
	EXPECT_EQ(1, pending(&self->dev));
	ASSERT_EQ(1, cancel_by(self->fd[1], CANCELIO_BY_OP, CANCELIO_OP_READ));
	EXPECT_CANCELED(&self->call[2]);
}

/* The oldest first, whatever names them. */
TEST_F(control, one)
{
	struct cancelio_cancel one = { .by = CANCELIO_BY_FILE, .flags = CANCELIO_CANCEL_ONE };

	start(self);
	for (int i = 0; i < 2; i++) {
		one.found = 0;
		ASSERT_EQ(0, ioctl(self->fd[0], CANCELIO_IOC_CANCEL, &one));
		EXPECT_EQ(1, one.found);
		EXPECT_CANCELED(&self->call[i]);
		EXPECT_EQ(2 - i, pending(&self->dev));
	}
	EXPECT_EQ(-1, ioctl(self->fd[0], CANCELIO_IOC_CANCEL, &one));
	EXPECT_EQ(ENOENT, errno);
	one.by = CANCELIO_BY_DEVICE;
	ASSERT_EQ(0, ioctl(self->fd[0], CANCELIO_IOC_CANCEL, &one));
	EXPECT_CANCELED(&self->call[2]);
}

TEST_F(control, by_thread)
{
	start(self);
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[1], CANCELIO_BY_THREAD, getpid()));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, cancel_by(self->fd[1], CANCELIO_BY_THREAD, self->call[i].tid));
		EXPECT_CANCELED(&self->call[i]);
		EXPECT_EQ(2 - i, pending(&self->dev));
	}
}

/* Opens, too, which have no file yet. */
TEST_F(control, by_device)
{
	struct call call = { .fn = do_open, .path = self->dev.node };

	start(self);
	set_latency(&self->dev, "open_latency_ns", FOREVER);
	call_start(&call);
	wait_pending(&self->dev, 4);
	ASSERT_EQ(4, cancel_by(self->fd[0], CANCELIO_BY_DEVICE, 0));
	EXPECT_CANCELED(&call);
	for (int i = 0; i < 3; i++)
		EXPECT_CANCELED(&self->call[i]);
	EXPECT_EQ(-ENOENT, cancel_by(self->fd[0], CANCELIO_BY_DEVICE, 0));
}

TEST_F(control, bad_values)
{
	static const unsigned int unknown[] = { 0, 8, 9, 255, 256, 1U << 31, ~0U };
	static const unsigned long long no_op[] = { 0, 6, 1ULL << 32 | CANCELIO_OP_READ, -1ULL };

	start(self);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		EXPECT_EQ(-EINVAL, cancel_by(self->fd[0], unknown[i], 1));
	for (size_t i = 0; i < ARRAY_SIZE(no_op); i++)
		EXPECT_EQ(-EINVAL, cancel_by(self->fd[0], CANCELIO_BY_OP, no_op[i]));
	EXPECT_EQ(-EINVAL, cancel_by(self->fd[0], CANCELIO_BY_FILE, 1));
	EXPECT_EQ(-EINVAL, cancel_by(self->fd[0], CANCELIO_BY_FILE, 1ULL << 63));
	EXPECT_EQ(-EINVAL, cancel_by(self->fd[0], CANCELIO_BY_DEVICE, 1));
	EXPECT_EQ(-EINVAL, cancel_by(self->fd[0], CANCELIO_BY_DEVICE, 1ULL << 63));
	EXPECT_EQ(3, count_state(&self->dev, "started", "yes"));
}

/* What found something could not say so: it cancels nothing. */
TEST_F(control, memory_that_cannot_be_written)
{
	struct cancelio_cancel *cancel = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	start(self);
	cancel->by = CANCELIO_BY_DEVICE;
	ASSERT_EQ(0, mprotect(cancel, 4096, PROT_READ));
	EXPECT_EQ(-1, ioctl(self->fd[0], CANCELIO_IOC_CANCEL, cancel));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(3, count_state(&self->dev, "started", "yes"));
	EXPECT_EQ(-1, ioctl(self->fd[0], CANCELIO_IOC_REQUEST, cancel));
	/* Its @by is not looked at: there is a request to tell of. */
	EXPECT_EQ(EFAULT, errno);
}

/* In a child that has lost its rights. */
static int nobody_may(FIXTURE_DATA(control) *self, pid_t root)
{
	struct cancelio_request_info info;
	struct call own = { .fn = do_read, .buf = self->buf[0], .len = 8 };

	if (setgid(NOBODY) || setuid(NOBODY))
		return 1;
	own.fd = open(self->dev.node, O_RDONLY);
	if (own.fd < 0)
		return 2;
	if (cancel_by(own.fd, CANCELIO_BY_DEVICE, 0) != -EPERM ||
	    cancel_by(self->fd[0], CANCELIO_BY_FILE, 0) != -EPERM ||
	    cancel_by(own.fd, CANCELIO_BY_ID, ID(0)) != -EPERM ||
	    cancel_by(own.fd, CANCELIO_BY_PROCESS, root) != -EPERM ||
	    cancel_by(own.fd, CANCELIO_BY_THREAD, self->call[0].tid) != -EPERM)
		return 3;
	if (cancel_by(own.fd, CANCELIO_BY_FILE, 0) != -ENOENT ||
	    cancel_by(own.fd, CANCELIO_BY_ID, 99) != -ENOENT ||
	    cancel_by(own.fd, CANCELIO_BY_PROCESS, getpid()) != -ENOENT)
		return 4;
	if (next_request(own.fd, 0, &info) != -ENOENT)
		return 5;
	call_start(&own);
	while (next_request(own.fd, 0, &info))
		pause_a_bit();
	if (info.process != getpid() || info.thread != own.tid || info.length != 8)
		return 6;
	if (next_request(own.fd, info.id, &info) != -ENOENT)
		return 7;
	/* Of all that there are, its own. */
	if (cancel_by(own.fd, CANCELIO_BY_DEVICE, 0) != 1)
		return 8;
	return call_join(&own) == -1 && own.err == ECANCELED ? 0 : 9;
}

TEST_F(control, others_need_a_right)
{
	pid_t root = getpid(), pid;

	start(self);
	ASSERT_EQ(0, chmod(self->dev.node, 0666));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(nobody_may(self, root));
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(3, count_state(&self->dev, "started", "yes"));
	EXPECT_EQ(3, cancel_by(self->fd[0], CANCELIO_BY_DEVICE, 0));
}

/* A request that the device does not let go keeps its result. */
TEST_F(control, who_was_late)
{
	unsigned char byte = 'x';
	struct call *call = &self->call[0];
	bool store = !strcmp(variant->model, "store");

	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	set_latency(&self->dev, "read_latency_ns", store ? 3000 * MSEC : 0);
	call_start(call);
	wait_state(&self->dev, "started", 1);
	ASSERT_EQ(1, cancel_by(self->fd[0], CANCELIO_BY_ID, ID(0)));
	ASSERT_EQ(1, cancel_by(self->fd[0], CANCELIO_BY_FILE, 0));
	if (!store)
		EXPECT_EQ(1, write(self->fd[1], &byte, 1));
	EXPECT_EQ(1, call_join(call));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(1, counters(&self->dev).late);
	EXPECT_EQ(0, counters(&self->dev).cancelled);
}

/* ---- what is seen ---- */

TEST_F(control, request_after_request)
{
	struct cancelio_request_info info;
	uint64_t begun = now_ns();

	EXPECT_EQ(-ENOENT, next_request(self->fd[0], 0, &info));
	start(self);
	info.id = 0;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, next_request(self->fd[1], info.id, &info));
		EXPECT_EQ(ID(i), info.id);
		EXPECT_EQ(CANCELIO_OP_READ, info.op);
		EXPECT_EQ(CANCELIO_STATE_STARTED | CANCELIO_STATE_CANCELABLE, info.state);
		EXPECT_EQ(getpid(), info.process);
		EXPECT_EQ(self->call[i].tid, info.thread);
		EXPECT_EQ(i + 1, info.length);
		EXPECT_LE(now_ns() - self->call[i].started, info.age_ns + 1000 * MSEC);
		EXPECT_GE(now_ns() - begun, info.age_ns);
		EXPECT_EQ(0, info.flags);
		EXPECT_EQ(0, info.pad);
	}
	EXPECT_EQ(-ENOENT, next_request(self->fd[1], info.id, &info));
	EXPECT_EQ(ID(2), info.id);
	EXPECT_EQ(-ENOENT, next_request(self->fd[1], UINT64_MAX, &info));
	/* One in the middle goes, and so does the one that was shown last. */
	ASSERT_EQ(1, cancel_by(self->fd[0], CANCELIO_BY_ID, ID(1)));
	EXPECT_CANCELED(&self->call[1]);
	ASSERT_EQ(0, next_request(self->fd[1], ID(0), &info));
	EXPECT_EQ(ID(2), info.id);
	ASSERT_EQ(0, next_request(self->fd[1], ID(1), &info));
	EXPECT_EQ(ID(2), info.id);
}

/* A child whose processes are counted from 1 has the numbers that it knows. */
static int child_of_namespace(FIXTURE_DATA(control) *self)
{
	struct cancelio_request_info info;
	struct call own = { .fn = do_read, .fd = self->fd[1], .buf = self->buf[0], .len = 8 };

	if (getpid() != 1)
		return 1;
	if (next_request(self->fd[0], 0, &info) || info.process || info.thread)
		return 2;
	call_start(&own);
	while (next_request(self->fd[0], ID(2), &info))
		pause_a_bit();
	if (info.process != 1 || info.thread != own.tid)
		return 3;
	if (cancel_by(self->fd[0], CANCELIO_BY_PROCESS, 1) != 1)
		return 4;
	return call_join(&own) == -1 && own.err == ECANCELED ? 0 : 5;
}

TEST_F(control, pid_namespace)
{
	pid_t pid;

	start(self);
	if (unshare(CLONE_NEWPID))
		SKIP(return, "no namespace of processes here");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(child_of_namespace(self));
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(3, pending(&self->dev));
	EXPECT_EQ(3, cancel_by(self->fd[0], CANCELIO_BY_DEVICE, 0));
}

/* A call that goes on after a signal is the same request still. */
TEST_F(control, restarted_call_keeps_its_id)
{
	struct cancelio_request_info info;

	handle(SIGUSR1, SA_RESTART);
	start(self);
	EXPECT_EQ(5, interrupt(&self->dev, &self->call[0], SIGUSR1, 5));
	wait_pending(&self->dev, 3);
	ASSERT_EQ(0, next_request(self->fd[0], 0, &info));
	EXPECT_EQ(ID(0), info.id);
	EXPECT_EQ(self->call[0].tid, info.thread);
	ASSERT_EQ(1, cancel_by(self->fd[0], CANCELIO_BY_ID, ID(0)));
	EXPECT_CANCELED(&self->call[0]);
}

TEST_HARNESS_MAIN
