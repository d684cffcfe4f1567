// SPDX-License-Identifier: GPL-2.0
/*
 * An open that takes its time, of a stream and of a store.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "call_test.h"

#define MANY	8

FIXTURE(opening)
{
	struct device dev;
	struct call call;
	long users;
};

FIXTURE_VARIANT(opening)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(opening, stream) { .model = "stream" };
FIXTURE_VARIANT_ADD(opening, store) { .model = "store" };

FIXTURE_SETUP(opening)
{
	SETUP_DEVICE(&self->dev, variant->model);
	self->call = (struct call){ .fn = do_open, .path = self->dev.node };
	self->users = module_users();
	ASSERT_EQ(0, set_latency(&self->dev, "open_latency_ns", FOREVER));
}

FIXTURE_TEARDOWN(opening)
{
	device_teardown(&self->dev);
}

TEST_F(opening, handler_without_restart)
{
	handle(SIGUSR1, 0);
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(self->users, module_users());
}

TEST_F(opening, killed)
{
	pid_t pid = child_start(&self->call, -1);

	wait_pending(&self->dev, 1);
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(self->users, module_users());
}

TEST_F(opening, nonblock)
{
	int fd;

	EXPECT_EQ(-1, open(self->dev.node, O_RDWR | O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(self->users, module_users());
	ASSERT_EQ(0, set_latency(&self->dev, "open_latency_ns", 0));
	fd = open(self->dev.node, O_RDWR | O_NONBLOCK);
	EXPECT_LE(0, fd);
	close(fd);
}

TEST_F(opening, takes_its_latency)
{
	set_latency(&self->dev, "open_latency_ns", 50 * MSEC);
	call_start(&self->call);
	EXPECT_LE(0, call_join(&self->call));
	EXPECT_LE(50 * MSEC, self->call.ended - self->call.started);
	close(self->call.ret);
}

/* All of them wait at the same time, and none for another. */
TEST_F(opening, many_at_once)
{
	struct call calls[MANY];
	int i;

	handle(SIGUSR1, 0);
	for (i = 0; i < MANY; i++) {
		calls[i] = self->call;
		call_start(&calls[i]);
	}
	wait_pending(&self->dev, MANY);
	for (i = 0; i < MANY; i++)
		call_signal(&calls[i], SIGUSR1);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(-1, call_join(&calls[i]));
	EXPECT_EQ(self->users, module_users());
}

/*
 * Interrupted whenever it waits, an open whose latency began anew each time
 * would never be done.
 */
TEST_F(opening, restarted_open_goes_on)
{
	uint64_t latency = 200 * MSEC;
	int times;

	handle(SIGUSR1, SA_RESTART);
	set_latency(&self->dev, "open_latency_ns", latency);
	/* On a machine that stood still meanwhile there was no time for two. */
	do {
		call_start(&self->call);
		times = interrupt(&self->dev, &self->call, SIGUSR1, INT_MAX);
		ASSERT_LE(0, call_join(&self->call));
		EXPECT_LE(latency, self->call.ended - self->call.started);
		close(self->call.ret);
	} while (times < 2);
}

static uint64_t again;

static long open_again(struct call *call)
{
	long ret = do_open(call);

	if (ret < 0 && errno == EINTR) {
		again = now_ns();
		ret = do_open(call);
	}
	return ret;
}

/* An open that failed with EINTR is over: the thread's next one takes its whole time. */
TEST_F(opening, opening_again_starts_anew)
{
	uint64_t latency = 200 * MSEC, begun;

	handle(SIGUSR1, 0);
	set_latency(&self->dev, "open_latency_ns", latency);
	self->call.fn = open_again;
	do {
		begun = now_ns();
		call_start(&self->call);
		wait_until(pending(&self->dev) || call_done(&self->call));
		wait_until(now_ns() - begun > latency * 3 / 4);
		call_signal(&self->call, SIGUSR1);
		ASSERT_LE(0, call_join(&self->call));
		close(self->call.ret);
	} while (!again);
	EXPECT_LE(latency, self->call.ended - again);
}

TEST_HARNESS_MAIN
