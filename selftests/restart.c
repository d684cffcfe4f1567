// SPDX-License-Identifier: GPL-2.0
/*
 * A call that a signal interrupts and the kernel restarts keeps its place
 * among those who wait.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define CALLS		3
/* Transfers that a store serves at once. */
#define CHANNELS	64

FIXTURE(place)
{
	struct device dev;
	int fd;
	unsigned char bytes[CALLS];
	struct call calls[CALLS];
};

FIXTURE_SETUP(place)
{
	int i;

	SETUP_DEVICE(&self->dev, "stream");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	for (i = 0; i < CALLS; i++)
		self->calls[i] = (struct call){ .fd = self->fd, .buf = &self->bytes[i], .len = 1 };
	handle(SIGUSR1, SA_RESTART);
}

FIXTURE_TEARDOWN(place)
{
	device_teardown(&self->dev);
}

static void start_in_order(FIXTURE_DATA(place) *self, long (*fn)(struct call *call))
{
	int i;

	for (i = 0; i < CALLS; i++) {
		self->calls[i].fn = fn;
		call_start(&self->calls[i]);
		wait_pending(&self->dev, i + 1);
	}
}

/* Until the call waits again. */
static void restart(FIXTURE_DATA(place) *self, struct call *call)
{
	int before = handled;

	call_signal(call, SIGUSR1);
	wait_until(handled > before);
	wait_pending(&self->dev, CALLS);
}

TEST_F(place, of_a_reader)
{
	int i;

	start_in_order(self, do_read);
	restart(self, &self->calls[0]);
	restart(self, &self->calls[1]);
	restart(self, &self->calls[0]);
	for (i = 0; i < CALLS; i++) {
		ASSERT_EQ(1, write(self->fd, "abc" + i, 1));
		EXPECT_EQ(1, call_join(&self->calls[i]));
		EXPECT_EQ('a' + i, self->bytes[i]);
	}
}

TEST_F(place, of_a_writer)
{
	unsigned char *rest = malloc(self->dev.size);
	int i;

	ASSERT_EQ(self->dev.size, write(self->fd, rest, self->dev.size));
	memcpy(self->bytes, "abc", CALLS);
	start_in_order(self, do_write);
	restart(self, &self->calls[0]);
	restart(self, &self->calls[1]);
	ASSERT_EQ(self->dev.size, read(self->fd, rest, self->dev.size));
	for (i = 0; i < CALLS; i++) {
		EXPECT_EQ(1, call_join(&self->calls[i]));
		ASSERT_EQ(1, read(self->fd, rest, 1));
		EXPECT_EQ('a' + i, rest[0]);
	}
	free(rest);
}

/* Two reads of one thread: what the first was interrupted in gives the second nothing. */
static long read_twice(struct call *call)
{
	long ret = read(call->fd, call->buf, call->len);

	if (ret != -1 || errno != EINTR)
		return -1;
	return read(call->fd, call->buf, call->len);
}

TEST_F(place, is_lost_by_calling_again)
{
	static const int order[] = { 1, 2, 0 };
	int i;

	handle(SIGUSR1, 0);
	start_in_order(self, do_read);
	call_signal(&self->calls[0], SIGUSR1);
	ASSERT_EQ(-1, call_join(&self->calls[0]));
	EXPECT_EQ(EINTR, self->calls[0].err);
	wait_pending(&self->dev, 2);
	self->calls[0].fn = read_twice;
	call_start(&self->calls[0]);
	wait_pending(&self->dev, CALLS);
	call_signal(&self->calls[0], SIGUSR1);
	wait_until(handled == 2);
	wait_pending(&self->dev, CALLS);
	for (i = 0; i < CALLS; i++) {
		ASSERT_EQ(1, write(self->fd, "abc" + i, 1));
		EXPECT_EQ(1, call_join(&self->calls[order[i]]));
		EXPECT_EQ('a' + i, self->bytes[order[i]]);
	}
}

/*
 * A transfer that waits for a channel, restarted while a newer one waits
 * behind it: when a channel gets free, it is served, and the newer one then
 * keeps that channel for ever.
 */
TEST(place_of_a_transfer)
{
	struct call busy[CHANNELS], older, newer;
	unsigned char bytes[CHANNELS + 2];
	struct device dev;
	int fd, i;

	SETUP_DEVICE(&dev, "store");
	fd = open(dev.node, O_RDWR);
	ASSERT_LE(0, fd);
	handle(SIGUSR1, SA_RESTART);
	handle(SIGUSR2, 0);

	set_latency(&dev, "read_latency_ns", FOREVER);
	for (i = 0; i < CHANNELS; i++) {
		busy[i] = (struct call){ .fn = do_pread, .fd = fd, .buf = &bytes[i], .len = 1 };
		call_start(&busy[i]);
	}
	wait_pending(&dev, CHANNELS);
	older = newer = busy[0];
	older.buf = &bytes[CHANNELS];
	newer.buf = &bytes[CHANNELS + 1];
	call_start(&older);
	wait_pending(&dev, CHANNELS + 1);
	call_start(&newer);
	wait_pending(&dev, CHANNELS + 2);

	/* Once restarted, the older one needs no time but that for a channel. */
	set_latency(&dev, "read_latency_ns", 0);
	call_signal(&older, SIGUSR1);
	wait_until(handled == 1);
	wait_pending(&dev, CHANNELS + 2);
	call_signal(&busy[0], SIGUSR2);
	EXPECT_EQ(-1, call_join(&busy[0]));
	EXPECT_EQ(1, call_join(&older));

	EXPECT_EQ(CHANNELS, pending(&dev));
	call_signal(&newer, SIGUSR2);
	EXPECT_EQ(-1, call_join(&newer));
	for (i = 1; i < CHANNELS; i++) {
		call_signal(&busy[i], SIGUSR2);
		EXPECT_EQ(-1, call_join(&busy[i]));
	}
	EXPECT_EQ(0, pending(&dev));
	device_teardown(&dev);
}

/* What it has waited can only make it shorter. */
TEST(restarted_call_takes_no_longer_than_a_new_one)
{
	struct device dev;
	unsigned char byte;
	struct call call = { .fn = do_pread, .buf = &byte, .len = 1 };

	SETUP_DEVICE(&dev, "store");
	call.fd = open(dev.node, O_RDWR);
	ASSERT_LE(0, call.fd);
	handle(SIGUSR1, SA_RESTART);
	set_latency(&dev, "read_latency_ns", FOREVER);
	call_start(&call);
	wait_pending(&dev, 1);
	set_latency(&dev, "read_latency_ns", 0);
	EXPECT_EQ(1, pending(&dev));
	call_signal(&call, SIGUSR1);
	EXPECT_EQ(1, call_join(&call));
	device_teardown(&dev);
}

/* ---- who else has asked ---- */

FIXTURE(both)
{
	struct device dev;
	struct call call;
	char byte;
};

FIXTURE_VARIANT(both)
{
	int flags;	/* of the signal's handler */
	bool signal_first;
};

FIXTURE_VARIANT_ADD(both, signal_then_cancel) { SA_RESTART, true };
FIXTURE_VARIANT_ADD(both, cancel_then_signal) { SA_RESTART, false };
FIXTURE_VARIANT_ADD(both, signal_without_restart) { 0, true };

FIXTURE_SETUP(both)
{
	MAKE_DEVICE(&self->dev, "both", "store");
	self->call = (struct call){
		.fn = do_pread, .fd = open(self->dev.node, O_RDWR | O_CLOEXEC),
		.buf = &self->byte, .len = 1,
	};
	ASSERT_LE(0, self->call.fd);
	handle(SIGUSR1, variant->flags);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	set_latency(&self->dev, "abort_latency_ns", 300 * MSEC);
	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
}

FIXTURE_TEARDOWN(both)
{
	device_unmake("both");
}

/*
 * A device takes its time to cancel a read, for a signal and for who has named it: that
 * one was told that it ends, so it is not restarted.
 */
TEST_F(both, the_call_ends)
{
	call_start(&self->call);
	wait_state(&self->dev, "started", 1);
	if (variant->signal_first) {
		call_signal(&self->call, SIGUSR1);
		wait_canceled(&self->dev, 1);
	}
	EXPECT_EQ(1, cancel_by(self->call.fd, CANCELIO_BY_THREAD, self->call.tid));
	if (!variant->signal_first)
		call_signal(&self->call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ECANCELED, self->call.err);
	EXPECT_EQ(1, counters(&self->dev).cancelled);
}

/* ---- what is remembered of a call ---- */

FIXTURE(memory)
{
	struct device dev;
	int fd;
};

FIXTURE_SETUP(memory)
{
	MAKE_DEVICE(&self->dev, "restart", "store");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	handle(SIGUSR1, SA_RESTART);
}

FIXTURE_TEARDOWN(memory)
{
	device_unmake("restart");
}

/* The id of this process's youngest request after an earlier one, when there is one. */
static unsigned long long next_id(int fd, unsigned long long after)
{
	struct cancelio_request_info info;

	wait_until(!next_request(fd, after, &info));
	return info.id;
}

#define STEP	1024

/* A write in two steps, and the second of them once more. */
static long write_and_go_on(struct call *call)
{
	if (pwrite(call->fd, call->buf, 2 * STEP, 0) != STEP)
		return -2;
	return pwrite(call->fd, call->buf, STEP, STEP);
}

/*
 * The signal comes in the second step of a write, which returns what the first
 * has done, and is not restarted. Who then writes the rest begins anew.
 */
TEST_F(memory, of_a_short_count_is_none)
{
	struct call call = {
		.fn = write_and_go_on, .fd = self->fd, .buf = calloc(2, STEP),
	};
	unsigned long long first, second;

	/* A step has as many parts as there can be. */
	ASSERT_EQ(0, set(&self->dev, "split", "1"));
	ASSERT_EQ(0, set(&self->dev, "queue", "stop"));
	call_start(&call);
	first = next_id(self->fd, 0);
	wait_pending(&self->dev, STEP + 1);
	set_latency(&self->dev, "write_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&self->dev, "queue", "start"));
	second = next_id(self->fd, first);
	/* The step's first parts are on all channels, the others wait. */
	wait_pending(&self->dev, STEP + 1);
	wait_in_syscall(&call, SYS_pwrite64);
	call_signal(&call, SIGUSR1);
	EXPECT_LT(second, next_id(self->fd, second));
	EXPECT_EQ(1, handled);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
}

/* It is done when it would have been, whatever latency is given out by then. */
TEST_F(memory, of_when_it_is_done)
{
	char byte;
	struct call call = { .fn = do_pread, .fd = self->fd, .buf = &byte, .len = 1 };

	set_latency(&self->dev, "read_latency_ns", 2000 * MSEC);
	call_start(&call);
	wait_state(&self->dev, "started", 1);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	call_signal(&call, SIGUSR1);
	EXPECT_EQ(1, call_join(&call));
	EXPECT_EQ(1, handled);
	EXPECT_LE(2000 * MSEC, call.ended - call.started);
}

static struct call inner;

static void call_inner(int sig)
{
	inner.ret = do_pread(&inner);
	count_signal(sig);
}

/* A call that a handler makes is another one, also when it has nothing to wait for. */
TEST_F(memory, is_lost_by_a_call_that_does_not_wait)
{
	struct sigaction sa = { .sa_handler = call_inner, .sa_flags = SA_RESTART };
	unsigned char bytes[2];
	struct call call = { .fn = do_pread, .fd = self->fd, .buf = &bytes[0], .len = 1 };
	struct cancelio_request_info info;
	unsigned long long id;

	inner = call;
	inner.buf = &bytes[1];
	inner.pos = self->dev.size;
	inner.ret = -2;
	sigaction(SIGUSR1, &sa, NULL);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	call_start(&call);
	id = next_id(self->fd, 0);
	call_signal(&call, SIGUSR1);
	wait_until(handled == 1);
	EXPECT_EQ(0, inner.ret);
	wait_pending(&self->dev, 1);
	ASSERT_EQ(0, next_request(self->fd, 0, &info));
	EXPECT_EQ(call.tid, info.thread);
	EXPECT_LT(id, info.id);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
}

/* Signal upon signal while there is no room: it is the same call, in its old place. */
TEST_F(memory, outlasts_a_wait_for_room)
{
	char bytes[3];
	struct call calls[3];
	struct cancelio_request_info info;
	unsigned long long id;

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	for (int i = 0; i < 3; i++) {
		calls[i] = (struct call){
			.fn = do_pread, .fd = self->fd, .buf = &bytes[i], .len = 1,
		};
		call_start(&calls[i]);
		wait_state(&self->dev, "started", i + 1);
	}
	id = next_id(self->fd, 0);
	ASSERT_EQ(0, set(&self->dev, "max_pending", "2"));
	for (int i = 1; i <= 3; i++) {
		call_signal(&calls[0], SIGUSR1);
		wait_until(handled == i);
		wait_pending(&self->dev, 2);
		/* It waits for room. */
		wait_in_syscall(&calls[0], SYS_pread64);
	}
	EXPECT_LT(id, next_id(self->fd, 0));
	ASSERT_EQ(0, set(&self->dev, "max_pending", "3"));
	wait_pending(&self->dev, 3);
	ASSERT_EQ(0, next_request(self->fd, 0, &info));
	EXPECT_EQ(id, info.id);
	EXPECT_EQ(calls[0].tid, info.thread);
}

TEST_HARNESS_MAIN
