// SPDX-License-Identifier: GPL-2.0
/*
 * A process that closes an open file takes back what it has begun there, when
 * the descriptor is its last one, and only then; and only what is its own.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "kselftest_harness.h"
#include "seen_test.h"
#include "uring_test.h"

/* A call that waits for good on the one descriptor of an open file. */
FIXTURE(closing)
{
	struct device dev;
	struct call call;
	char *buf;
};

FIXTURE_VARIANT(closing)
{
	const char *model;
	long (*fn)(struct call *call);
};

FIXTURE_VARIANT_ADD(closing, stream_read) { "stream", do_read };
FIXTURE_VARIANT_ADD(closing, stream_write) { "stream", do_write };
FIXTURE_VARIANT_ADD(closing, store_read) { "store", do_read };
FIXTURE_VARIANT_ADD(closing, store_write) { "store", do_write };
FIXTURE_VARIANT_ADD(closing, store_fsync) { "store", do_fsync };
FIXTURE_VARIANT_ADD(closing, stream_control) { "stream", do_info };
FIXTURE_VARIANT_ADD(closing, store_control) { "store", do_info };

static const char *const latencies[] = {
	"read_latency_ns", "write_latency_ns", "flush_latency_ns", "control_latency_ns",
};

static void slow(const struct device *dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(latencies); i++)
		set_latency(dev, latencies[i], FOREVER);
}

FIXTURE_SETUP(closing)
{
	MAKE_DEVICE(&self->dev, "closing", variant->model);
	slow(&self->dev);
	self->buf = calloc(1, 16);
	self->call = (struct call){
		.fn = variant->fn, .fd = open(self->dev.node, O_RDWR | O_CLOEXEC),
		.buf = self->buf, .len = 16,
	};
	ASSERT_LE(0, self->call.fd);
}

FIXTURE_TEARDOWN(closing)
{
	device_unmake("closing");
}

static void start(FIXTURE_DATA(closing) *self)
{
	call_start(&self->call);
	wait_pending(&self->dev, 1);
}

#define EXPECT_CANCELED()				\
	do {						\
		EXPECT_EQ(-1, call_join(&self->call));	\
		EXPECT_EQ(ECANCELED, self->call.err);	\
		EXPECT_EQ(0, pending(&self->dev));	\
	} while (0)

/*
 * A cancel is asked where the file is closed, so that it shows when that is
 * done: nobody has asked.
 */
#define EXPECT_GOES_ON()						\
	do {								\
		struct seen seen;					\
									\
		ASSERT_EQ(1, see(&self->dev, &seen, 1));		\
		EXPECT_STREQ("no", seen.canceled);			\
		EXPECT_FALSE(call_done(&self->call));			\
	} while (0)

TEST_F(closing, last_descriptor)
{
	start(self);
	ASSERT_EQ(0, close(self->call.fd));
	EXPECT_CANCELED();
}

TEST_F(closing, one_of_two_descriptors)
{
	int other = dup(self->call.fd);

	start(self);
	ASSERT_EQ(0, close(self->call.fd));
	EXPECT_GOES_ON();
	/* It is the open file that counts, not the number by which the call came. */
	ASSERT_EQ(0, close(other));
	EXPECT_CANCELED();
}

/* Each has what was begun there, and only that. */
TEST_F(closing, another_open_file)
{
	struct call other = self->call;

	other.fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	start(self);
	call_start(&other);
	wait_pending(&self->dev, 2);
	ASSERT_EQ(0, close(other.fd));
	EXPECT_EQ(-1, call_join(&other));
	EXPECT_EQ(ECANCELED, other.err);
	EXPECT_GOES_ON();
	close(self->call.fd);
	EXPECT_CANCELED();
}

TEST_F(closing, dup2_over_it)
{
	int null = open("/dev/null", O_RDWR);

	start(self);
	ASSERT_EQ(self->call.fd, dup2(null, self->call.fd));
	EXPECT_CANCELED();
}

/* Onto itself it closes nothing. */
TEST_F(closing, dup2_of_itself)
{
	start(self);
	ASSERT_EQ(self->call.fd, dup2(self->call.fd, self->call.fd));
	EXPECT_GOES_ON();
	close(self->call.fd);
	EXPECT_CANCELED();
}

TEST_F(closing, close_range)
{
	start(self);
	ASSERT_EQ(0, syscall(SYS_close_range, self->call.fd, self->call.fd, 0));
	EXPECT_CANCELED();
}

/* A child has a table of its own: its descriptors are not the parent's. */
TEST_F(closing, child_that_closes)
{
	pid_t pid;

	start(self);
	pid = fork();
	if (!pid)
		_exit(close(self->call.fd));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_GOES_ON();
	close(self->call.fd);
	EXPECT_CANCELED();
}

TEST_F(closing, child_that_exits)
{
	pid_t pid;

	start(self);
	pid = fork();
	if (!pid)
		_exit(0);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_GOES_ON();
	close(self->call.fd);
	EXPECT_CANCELED();
}

/* The child has the file, too, but what the parent has begun is the parent's. */
TEST_F(closing, parent_that_closes)
{
	int fds[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	start(self);
	pid = fork();
	if (!pid) {
		close(fds[1]);
		_exit(read(fds[0], self->buf, 1));
	}
	close(fds[0]);
	ASSERT_EQ(0, close(self->call.fd));
	EXPECT_CANCELED();
	close(fds[1]);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(closing, parent_that_closes_lets_the_child_go_on)
{
	pid_t pid = fork();
	struct seen seen;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(variant->fn(&self->call) == -1 ? errno : 0);
	}
	wait_pending(&self->dev, 1);
	ASSERT_EQ(0, close(self->call.fd));
	ASSERT_EQ(1, see(&self->dev, &seen, 1));
	EXPECT_STREQ("no", seen.canceled);
	EXPECT_EQ(pid, seen.pid);
	self->call.fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(1, cancel_by(self->call.fd, CANCELIO_BY_PROCESS, pid));
	EXPECT_EQ(ECANCELED, child_wait(pid));
}

/* Two processes with one table are one here. */
static int close_in_shared_table(void *arg)
{
	struct call *call = arg;

	return close(call->fd);
}

TEST_F(closing, process_with_the_same_table)
{
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;

	start(self);
	pid = clone(close_in_shared_table, stack + 65536, CLONE_FILES | CLONE_VM | SIGCHLD,
		    &self->call);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_CANCELED();
}

/* Who executes a program gets a table of its own first: what it closes is not ours. */
static int exec_in_shared_table(void *arg)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

TEST_F(closing, program_with_the_same_table)
{
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;

	start(self);
	pid = clone(exec_in_shared_table, stack + 65536,
		    CLONE_FILES | CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_GOES_ON();
	close(self->call.fd);
	EXPECT_CANCELED();
}

/* In a child with a thread that waits: how the process goes on. */
static pid_t child_with_thread(FIXTURE_DATA(closing) *self, int (*then)(void *arg))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	start(self);
	_exit(then(NULL));
}

static int exit_now(void *arg)
{
	return 0;
}

TEST_F(closing, exit_with_a_thread_that_waits)
{
	pid_t pid = child_with_thread(self, exit_now);

	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, pending(&self->dev));
	/* The parent has the file still. */
	start(self);
	EXPECT_GOES_ON();
	close(self->call.fd);
	EXPECT_CANCELED();
}

TEST_F(closing, exec_with_a_thread_that_waits)
{
	pid_t pid = child_with_thread(self, exec_in_shared_table);

	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(1, counters(&self->dev).cancelled);
}

/* It asks, and does not wait: the call's own result comes later. */
TEST(device_that_does_not_let_go)
{
	struct call call = { .fn = do_read, .buf = malloc(16), .len = 16 };
	struct device dev;

	MAKE_DEVICE(&dev, "closing", "store");
	ASSERT_EQ(0, set(&dev, "cancel", "once-started-never"));
	set_latency(&dev, "read_latency_ns", 3000 * MSEC);
	call.fd = open(dev.node, O_RDWR | O_CLOEXEC);
	call_start(&call);
	wait_state(&dev, "started", 1);
	ASSERT_EQ(0, close(call.fd));
	EXPECT_EQ(16, call_join(&call));
	EXPECT_EQ(1, counters(&dev).late);
	device_unmake("closing");
}

/* ---- io_uring, whose workers are threads of the process ---- */

FIXTURE(closing_uring)
{
	struct device dev;
	struct ring ring;
	int fd;
};

FIXTURE_SETUP(closing_uring)
{
	MAKE_DEVICE(&self->dev, "closing", "store");
	SETUP_RING(&self->ring);
	slow(&self->dev);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	prep(&self->ring, OP_READ, self->fd, 0, 0);
	prep(&self->ring, OP_WRITE, self->fd, 1, 0);
	submit(&self->ring);
	wait_pending(&self->dev, 2);
}

FIXTURE_TEARDOWN(closing_uring)
{
	device_unmake("closing");
	io_uring_queue_exit(&self->ring.ring);
}

TEST_F(closing_uring, workers)
{
	ASSERT_EQ(0, close(self->fd));
	reap(&self->ring, 2);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_EQ(-ECANCELED, self->ring.res[1]);
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(closing_uring, workers_while_there_is_another_descriptor)
{
	int other = dup(self->fd);
	struct seen seen[2];

	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(2, see(&self->dev, seen, 2));
	EXPECT_STREQ("no", seen[0].canceled);
	EXPECT_STREQ("no", seen[1].canceled);
	EXPECT_TRUE(reaped(&self->ring));
	ASSERT_EQ(0, close(other));
	reap(&self->ring, 2);
	EXPECT_EQ(-ECANCELED, self->ring.res[0]);
	EXPECT_EQ(-ECANCELED, self->ring.res[1]);
}

TEST_HARNESS_MAIN
