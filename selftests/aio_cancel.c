// SPDX-License-Identifier: GPL-2.0
/*
 * libaio: cancelling one, destroying a context, and the end of a process.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "aio_test.h"

/* More than an interrupt cancels by itself. */
#define MANY	400

FIXTURE(aio)
{
	struct device dev;
	struct aio *aio;
	int fd;
	long users;
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
	self->users = module_users();
	self->aio = mmap(NULL, sizeof(*self->aio), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->aio);
	MAKE_DEVICE(&self->dev, "aio_cancel", variant->model);
	SETUP_CONTEXT(self->aio);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	if (STORE)
		ASSERT_EQ(0, set(&self->dev, "channels", "1024"));
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	set_latency(&self->dev, "abort_latency_ns", FOREVER);
}

FIXTURE_TEARDOWN(aio)
{
	context_destroy(self->aio);
	device_unmake("aio_cancel");
}

static void start(struct aio *aio, int fd, int count)
{
	for (int i = 0; i < count; i++)
		prep_read(aio, i, fd);
	if (submit(aio, 0, count) != count)
		abort();
}

TEST_F(aio, cancelled)
{
	start(self->aio, self->fd, 3);
	EXPECT_EQ(3, pending(&self->dev));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 1));
	reap(self->aio, 1);
	EXPECT_EQ(1, self->aio->count[1]);
	EXPECT_EQ(1, ended(self->aio, 0, 3, -ECANCELED));
	EXPECT_EQ(2, count_state(&self->dev, "started", "yes"));
	/* It is gone, and nothing more comes of it. */
	EXPECT_EQ(-EINVAL, cancel(self->aio, 1));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 0));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 2));
	reap(self->aio, 2);
	EXPECT_EQ(3, ended(self->aio, 0, 3, -ECANCELED));
	EXPECT_EQ(3, counters(&self->dev).cancelled);
	EXPECT_TRUE(is_blank(self->aio->buf[0], 3 * LEN));
	if (!STORE)
		EXPECT_TRUE(line_is_empty(self->fd));
}

TEST_F(aio, cancelled_write_moves_nothing)
{
	prep(self->aio, 0, self->fd, IOCB_CMD_PWRITE, self->aio->buf[0], LEN, 0);
	ASSERT_EQ(1, submit(self->aio, 0, 1));
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 0));
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 1, -ECANCELED));
	set_latency(&self->dev, "read_latency_ns", 0);
	if (STORE) {
		ASSERT_EQ(LEN, pread(self->fd, self->aio->buf[1], LEN, 0));
		EXPECT_EQ(0, self->aio->buf[1][0]);
	} else {
		EXPECT_TRUE(line_is_empty(self->fd));
	}
}

TEST_F(aio, one_that_has_ended)
{
	set_latency(&self->dev, "read_latency_ns", STORE ? MSEC : 0);
	start(self->aio, self->fd, 1);
	if (!STORE) {
		set_latency(&self->dev, "write_latency_ns", 0);
		ASSERT_EQ(LEN, write(self->fd, self->aio->buf[9], LEN));
	}
	reap(self->aio, 1);
	EXPECT_EQ(-EINVAL, cancel(self->aio, 0));
	EXPECT_EQ(1, ended(self->aio, 0, 1, LEN));
}

/* By all that cancels others. */
TEST_F(aio, cancelled_by_ioctl)
{
	start(self->aio, self->fd, 3);
	EXPECT_EQ(-ENOENT, cancel_by(self->fd, CANCELIO_BY_TAG, 0));
	EXPECT_EQ(3, cancel_by(self->fd, CANCELIO_BY_OP, CANCELIO_OP_READ));
	reap(self->aio, 3);
	EXPECT_EQ(3, ended(self->aio, 0, 3, -ECANCELED));
	EXPECT_EQ(-EINVAL, cancel(self->aio, 0));
}

/* There io_cancel(2) does not wait for the device. */
static bool is_rt(void)
{
	return !access("/sys/kernel/realtime", F_OK);
}

TEST_F(aio, stubborn)
{
	if (is_rt())
		SKIP(return, "PREEMPT_RT");
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	set_latency(&self->dev, "read_latency_ns", STORE ? 1000 * MSEC : 0);
	start(self->aio, self->fd, 1);
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 0));
	/* As long as the device keeps it one may ask again. */
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 0));
	wait_canceled(&self->dev, 1);
	if (!STORE) {
		set_latency(&self->dev, "write_latency_ns", 0);
		ASSERT_EQ(LEN, write(self->fd, self->aio->buf[9], LEN));
	}
	reap(self->aio, 1);
	EXPECT_EQ(1, ended(self->aio, 0, 1, LEN));
	EXPECT_EQ(1, counters(&self->dev).late);
}

/* The device may take its time, and then there is one event. */
TEST_F(aio, slow)
{
	uint64_t begun;

	if (is_rt())
		SKIP(return, "PREEMPT_RT");
	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
	set_latency(&self->dev, "abort_latency_ns", 50 * MSEC);
	start(self->aio, self->fd, 1);
	begun = now_ns();
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 0));
	reap(self->aio, 1);
	EXPECT_LE(50 * MSEC, now_ns() - begun);
	EXPECT_EQ(1, ended(self->aio, 0, 1, -ECANCELED));
}

TEST_F(aio, last_descriptor)
{
	start(self->aio, self->fd, 3);
	ASSERT_EQ(0, close(self->fd));
	reap(self->aio, 3);
	EXPECT_EQ(3, ended(self->aio, 0, 3, -ECANCELED));
}

TEST_F(aio, removal)
{
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	start(self->aio, self->fd, 3);
	ASSERT_EQ(0, config_put("aio_cancel", "live", "0"));
	reap(self->aio, 3);
	EXPECT_EQ(3, ended(self->aio, 0, 3, -ENODEV));
}

/* ---- all at once ---- */

TEST_F(aio, context_is_destroyed)
{
	start(self->aio, self->fd, MANY);
	EXPECT_EQ(MANY, pending(&self->dev));
	EXPECT_EQ(0, context_destroy(self->aio));
	/* Who destroys it waits for them all. */
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(MANY, counters(&self->dev).cancelled);
	EXPECT_EQ(-EINVAL, cancel(self->aio, 0));
}

/* Who goes does not wait for a device that does not let go. */
TEST_F(aio, context_is_destroyed_of_a_stubborn_device)
{
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	start(self->aio, self->fd, MANY);
	/* Neither for one that was asked before, which the kernel has forgotten then. */
	EXPECT_EQ(-EINPROGRESS, cancel(self->aio, 1));
	EXPECT_EQ(0, context_destroy(self->aio));
	EXPECT_EQ(MANY, pending(&self->dev));
	EXPECT_EQ(0, counters(&self->dev).cancelled);
	ASSERT_EQ(0, close(self->fd));
	device_unmake("aio_cancel");
	wait_until(module_users() <= self->users);
}

FIXTURE(ends)
{
	struct device dev;
	long users;
};

FIXTURE_VARIANT(ends)
{
	const char *model, *mode;
	/* The device keeps what it was given. */
	bool stays;
	int signal;
	bool exec;
};

FIXTURE_VARIANT_ADD(ends, stream_exit) { "stream", "prompt" };
FIXTURE_VARIANT_ADD(ends, store_exit) { "store", "prompt" };
FIXTURE_VARIANT_ADD(ends, store_kill) { "store", "prompt", .signal = SIGKILL };
FIXTURE_VARIANT_ADD(ends, store_exec) { "store", "prompt", .exec = true };
FIXTURE_VARIANT_ADD(ends, stream_never_exit) { "stream", "once-started-never", true };
FIXTURE_VARIANT_ADD(ends, store_never_exit) { "store", "once-started-never", true };
FIXTURE_VARIANT_ADD(ends, store_never_kill) {
	"store", "once-started-never", true, .signal = SIGKILL,
};
FIXTURE_VARIANT_ADD(ends, store_never_exec) {
	"store", "once-started-never", true, .exec = true,
};
FIXTURE_VARIANT_ADD(ends, store_slow_exit) { "store", "slow", true };

FIXTURE_SETUP(ends)
{
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "aio_ends", variant->model);
	ASSERT_EQ(0, set(&self->dev, "cancel", variant->mode));
	if (STORE)
		ASSERT_EQ(0, set(&self->dev, "channels", "1024"));
	set_latency(&self->dev, "read_latency_ns", STORE ? FOREVER : 0);
	set_latency(&self->dev, "abort_latency_ns", FOREVER);
}

FIXTURE_TEARDOWN(ends)
{
	device_unmake("aio_ends");
}

static void end(const char *node, bool exec, int signal)
{
	static struct aio aio;
	int fd = open(node, O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || context_setup(&aio))
		_exit(100);
	start(&aio, fd, MANY);
	if (exec)
		execl("/bin/true", "true", NULL);
	while (signal)
		pause();
	_exit(0);
}

TEST_F(ends, process)
{
	pid_t pid = fork();

	if (!pid)
		end(self->dev.node, variant->exec, variant->signal);
	if (variant->signal) {
		wait_pending(&self->dev, MANY);
		kill(pid, variant->signal);
	}
	EXPECT_EQ(-variant->signal, child_wait(pid));
	EXPECT_EQ(variant->stays ? MANY : 0, pending(&self->dev));
	EXPECT_EQ(variant->stays ? 0 : MANY, counters(&self->dev).cancelled);
	device_unmake("aio_ends");
	wait_until(module_users() <= self->users);
}

TEST_HARNESS_MAIN
