// SPDX-License-Identifier: GPL-2.0
/*
 * What a cancel meets: prompt, slow, poll and once-started-never, in every
 * operation that can wait; and the window in which it races with the end.
 */
#define _GNU_SOURCE
#include <sys/ioctl.h>

#include "kselftest_harness.h"
#include "knob_test.h"

#define SIZE	4096

FIXTURE(cancel)
{
	struct made made;
	struct counters before;
	struct call call;
	int fd;
	char buf[SIZE];
};

FIXTURE_VARIANT(cancel)
{
	const char *model;
	/* What makes it wait until it is told to end; NULL: the line does. */
	const char *latency;
	long (*fn)(struct call *call);
	size_t len;
	/* What it returns when it is done; of an open that is a descriptor. */
	long ret;
};

FIXTURE_VARIANT_ADD(cancel, store_read)
{
	"model=store;size=4096", "read_latency_ns", do_pread, SIZE, SIZE
};

FIXTURE_VARIANT_ADD(cancel, store_write)
{
	"model=store;size=4096", "write_latency_ns", do_pwrite, SIZE, SIZE
};

FIXTURE_VARIANT_ADD(cancel, store_flush)
{
	"model=store;size=4096", "flush_latency_ns", do_fsync, 0, 0
};

FIXTURE_VARIANT_ADD(cancel, store_open)
{
	"model=store;size=4096", "open_latency_ns", do_open, 0, 0
};

FIXTURE_VARIANT_ADD(cancel, stream_open)
{
	"model=stream;size=4096", "open_latency_ns", do_open, 0, 0
};

FIXTURE_VARIANT_ADD(cancel, stream_read)
{
	"model=stream;size=4096", NULL, do_read, SIZE, 1
};

FIXTURE_VARIANT_ADD(cancel, stream_write)
{
	"model=stream;size=4096", NULL, do_write, SIZE, SIZE
};

FIXTURE_SETUP(cancel)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", variant->model));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	if (variant->fn == do_write)
		ASSERT_EQ(SIZE, write(self->fd, self->buf, SIZE));
	self->call = (struct call){
		.fn = variant->fn, .fd = self->fd, .path = self->made.dev.node,
		.buf = self->buf, .len = variant->len,
	};
	self->before = counters_see(&self->made);
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(cancel)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

/* Has the call begin; it takes so long, if it is not for the line to say. */
#define BEGIN(mode, latency_ns)								\
	do {										\
		ASSERT_EQ(0, knob_put(&self->made, "cancel", mode));			\
		if (variant->latency)							\
			ASSERT_EQ(0, knob_put(&self->made, variant->latency, latency_ns)); \
		call_start(&self->call);						\
		wait_until(in_state(&self->made, "started") == 1);			\
	} while (0)

/* Lets the line do what the call waits for. */
static void serve(const FIXTURE_DATA(cancel) *self)
{
	static char bin[SIZE];

	if (self->call.fn == do_read)
		write(self->fd, "x", 1);
	else if (self->call.fn == do_write)
		read(self->fd, bin, SIZE);
}

#define EXPECT_CANCELLED()								\
	do {										\
		EXPECT_EQ(-1, call_join(&self->call));					\
		EXPECT_EQ(EINTR, self->call.err);					\
		EXPECT_STREQ("0 done, 1 cancelled, 0 failed, 0 pending, 0 late",	\
			     counters_since(&self->made, &self->before));		\
	} while (0)

/* Waits until the cancel was seen to be asked, and the request goes on all the same. */
#define EXPECT_GOES_ON()								\
	do {										\
		struct seen seen;							\
											\
		wait_until(in_cancel(&self->made) || call_done(&self->call));		\
		EXPECT_EQ(1, requests_see(&self->made, &seen, 1));			\
		EXPECT_STREQ("started", seen.state);					\
		EXPECT_TRUE(seen.canceled);						\
		EXPECT_FALSE(seen.cancelable);						\
		EXPECT_FALSE(call_done(&self->call));					\
	} while (0)

/* Nothing is too stubborn for that. */
#define EXPECT_ENDS_WITH_THE_DEVICE()							\
	do {										\
		ASSERT_EQ(0, config_put(&self->made, "live", "0"));			\
		EXPECT_EQ(-1, call_join(&self->call));					\
		EXPECT_EQ(ENODEV, self->call.err);					\
	} while (0)

TEST_F(cancel, prompt)
{
	struct seen seen;

	BEGIN("prompt", DAY);
	ASSERT_EQ(1, requests_see(&self->made, &seen, 1));
	EXPECT_TRUE(seen.cancelable);
	call_signal(&self->call, SIGUSR1);
	EXPECT_CANCELLED();
}

TEST_F(cancel, slow_takes_its_time)
{
	uint64_t asked;

	ASSERT_EQ(0, knob_put(&self->made, "abort_latency_ns", "uniform 50000000 60000000"));
	BEGIN("slow", DAY);
	asked = now_ns();
	call_signal(&self->call, SIGUSR1);
	EXPECT_CANCELLED();
	EXPECT_LE(50 * MSEC, self->call.ended - asked);
}

TEST_F(cancel, slow_is_under_way)
{
	struct seen seen;

	ASSERT_EQ(0, knob_put(&self->made, "abort_latency_ns", DAY));
	BEGIN("slow", DAY);
	ASSERT_EQ(1, requests_see(&self->made, &seen, 1));
	EXPECT_TRUE(seen.cancelable);
	call_signal(&self->call, SIGUSR1);
	EXPECT_GOES_ON();
	/* What it waited for comes too late. */
	serve(self);
	EXPECT_GOES_ON();
	EXPECT_ENDS_WITH_THE_DEVICE();
}

TEST_F(cancel, poll_ends_at_the_next_look)
{
	ASSERT_EQ(0, knob_put(&self->made, "poll_interval_ns", "50000000"));
	BEGIN("poll", DAY);
	call_signal(&self->call, SIGUSR1);
	EXPECT_CANCELLED();
	EXPECT_LE(50 * MSEC, self->call.ended - self->call.started);
}

TEST_F(cancel, poll_does_not_end_before)
{
	struct seen seen;

	ASSERT_EQ(0, knob_put(&self->made, "poll_interval_ns", DAY));
	BEGIN("poll", DAY);
	ASSERT_EQ(1, requests_see(&self->made, &seen, 1));
	EXPECT_FALSE(seen.cancelable);
	call_signal(&self->call, SIGUSR1);
	EXPECT_GOES_ON();
	EXPECT_ENDS_WITH_THE_DEVICE();
}

/* A look that finds nothing changes nothing. */
TEST_F(cancel, poll_and_no_cancel)
{
	ASSERT_EQ(0, knob_put(&self->made, "poll_interval_ns", "100000"));
	BEGIN("poll", "50000000");
	serve(self);
	EXPECT_LE(variant->ret, call_join(&self->call));
	EXPECT_STREQ("1 done, 0 cancelled, 0 failed, 0 pending, 0 late",
		     counters_since(&self->made, &self->before));
	if (variant->latency)
		EXPECT_LE(50 * MSEC, self->call.ended - self->call.started);
}

/* The signal waits for the end, and its handler runs; the call was done. */
TEST_F(cancel, never)
{
	/* Long enough for the signal to come first, on a machine that is not too slow. */
	BEGIN("once-started-never", "1000000000");
	call_signal(&self->call, SIGUSR1);
	EXPECT_GOES_ON();
	serve(self);
	call_join(&self->call);
	EXPECT_LE(variant->ret, self->call.ret);
	EXPECT_TRUE(variant->fn == do_open || self->call.ret == variant->ret);
	EXPECT_EQ(1, handled);
	EXPECT_STREQ("1 done, 0 cancelled, 0 failed, 0 pending, 1 late",
		     counters_since(&self->made, &self->before));
}

TEST_F(cancel, never_ends_with_the_device)
{
	BEGIN("once-started-never", DAY);
	call_signal(&self->call, SIGUSR1);
	EXPECT_GOES_ON();
	EXPECT_ENDS_WITH_THE_DEVICE();
}

/* What a cancel meets was settled when the request came. */
TEST_F(cancel, change_holds_for_later_requests)
{
	BEGIN("once-started-never", DAY);
	ASSERT_EQ(0, knob_put(&self->made, "cancel", "prompt"));
	call_signal(&self->call, SIGUSR1);
	EXPECT_GOES_ON();
	EXPECT_ENDS_WITH_THE_DEVICE();
}

/* Who is killed is gone at once. The request it leaves ends when it ends. */
TEST_F(cancel, a_killed_caller_leaves_a_stubborn_request)
{
	struct seen seen;
	pid_t pid;

	ASSERT_EQ(0, knob_put(&self->made, "cancel", "once-started-never"));
	if (variant->latency)
		ASSERT_EQ(0, knob_put(&self->made, variant->latency, "1000000000"));
	pid = child_start(&self->call, -2);
	wait_until(in_state(&self->made, "started") == 1);
	kill(pid, SIGKILL);
	wait_until(in_cancel(&self->made));
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	if (!variant->latency) {
		ASSERT_EQ(1, requests_see(&self->made, &seen, 1));
		EXPECT_STREQ("started", seen.state);
	}
	serve(self);
	wait_pending(&self->made.dev, 0);
	EXPECT_STREQ("1 done, 0 cancelled, 0 failed, 0 pending, 1 late",
		     counters_since(&self->made, &self->before));
	/* A byte that came to the killed one is the next reader's. */
	if (variant->fn == do_read) {
		EXPECT_EQ(1, read(self->fd, self->buf, SIZE));
		EXPECT_EQ('x', self->buf[0]);
	}
}

/* ---- a request that waits ---- */

FIXTURE(waiting)
{
	struct made made;
	struct call calls[2];
	char byte;
	int fd;
};

FIXTURE_VARIANT(waiting)
{
	const char *mode;
};

FIXTURE_VARIANT_ADD(waiting, slow) { "slow" };
FIXTURE_VARIANT_ADD(waiting, poll) { "poll" };
FIXTURE_VARIANT_ADD(waiting, never) { "once-started-never" };

FIXTURE_SETUP(waiting)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", "model=store;size=4096;channels=1;read_latency_ns="
				 DAY ";abort_latency_ns=" DAY ";poll_interval_ns=" DAY));
	ASSERT_EQ(0, knob_put(&self->made, "cancel", variant->mode));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(waiting)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

/* The device has nothing to say before it has begun. */
TEST_F(waiting, ends_at_once)
{
	struct counters before = counters_see(&self->made);

	calls_start(&self->made, self->calls, 2, (struct call){
		.fn = do_pread, .fd = self->fd, .buf = &self->byte, .len = 1,
	});
	EXPECT_STREQ("queued", request_of(&self->made, &self->calls[1]).state);
	call_signal(&self->calls[1], SIGUSR1);
	EXPECT_EQ(-1, call_join(&self->calls[1]));
	EXPECT_EQ(EINTR, self->calls[1].err);
	EXPECT_STREQ("0 done, 1 cancelled, 0 failed, 1 pending, 0 late",
		     counters_since(&self->made, &before));
	EXPECT_FALSE(call_done(&self->calls[0]));
	EXPECT_EQ(0, config_put(&self->made, "live", "0"));
	EXPECT_EQ(-1, call_join(&self->calls[0]));
}

/* ---- the race window ---- */

FIXTURE(window)
{
	struct made made;
	int fd;
};

FIXTURE_SETUP(window)
{
	SKIP_FOR(cannot_make());
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(window)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

#define STANDS		1000
/* Each stands still for half of the window, in the mean: this is far from it. */
#define STOOD_AT_LEAST	(STANDS * MSEC / 4)

TEST_F(window, a_cancel_stands_still)
{
	char byte;
	struct call call = { .fn = do_read, .buf = &byte, .len = 1 };
	uint64_t begun;

	/* A stubborn one can be cancelled again and again, at no other cost. */
	ASSERT_EQ(0, device_make(&self->made, "a", "model=stream;race_window_ns=1000000;"
				 "cancel=once-started-never"));
	self->fd = call.fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	calls_start(&self->made, &call, 1, call);
	wait_until(in_state(&self->made, "started") == 1);
	begun = now_ns();
	for (int i = 0; i < STANDS; i++) {
		struct cancelio_cancel cancel = { .by = CANCELIO_BY_FILE };

		ASSERT_EQ(0, ioctl(self->fd, CANCELIO_IOC_CANCEL, &cancel));
	}
	EXPECT_LE(STOOD_AT_LEAST, now_ns() - begun);
	EXPECT_EQ(1, write(self->fd, "x", 1));
	EXPECT_EQ(1, call_join(&call));
}

/* The other side: each transfer that had to wait is taken off its channel. */
TEST_F(window, an_end_stands_still)
{
	uint64_t begun;
	char byte;

	ASSERT_EQ(0, device_make(&self->made, "a", "model=store;race_window_ns=1000000;"
				 "read_latency_ns=1000"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	begun = now_ns();
	for (int i = 0; i < STANDS; i++)
		ASSERT_EQ(1, pread(self->fd, &byte, 1, 0));
	EXPECT_LE(STOOD_AT_LEAST, now_ns() - begun);
}

/*
 * A reader is cancelled and served at the same moment, until each has won. Who
 * loses has done nothing: the byte is read by the reader, or is there still.
 */
TEST_F(window, cancel_and_end_both_win)
{
	unsigned int read_it = 0, cancelled = 0;
	struct counters before, after;
	char byte, left;

	ASSERT_EQ(0, device_make(&self->made, "a", "model=stream;race_window_ns=1000000"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	before = counters_see(&self->made);
	/* Some of the reads have been asked to end, and did not. */
	while (read_it < 3 || cancelled < 3 || !counters_see(&self->made).late) {
		struct call call = { .fn = do_read, .fd = self->fd, .buf = &byte, .len = 1 };

		byte = 0;
		call_start(&call);
		wait_pending(&self->made.dev, 1);
		call_signal(&call, SIGUSR1);
		ASSERT_EQ(1, write(self->fd, "x", 1));
		if (call_join(&call) == 1) {
			ASSERT_EQ('x', byte);
			ASSERT_EQ(0, drain(&self->made.dev));
			read_it++;
		} else {
			ASSERT_EQ(EINTR, call.err);
			ASSERT_EQ(1, read(self->fd, &left, 1));
			ASSERT_EQ('x', left);
			cancelled++;
		}
	}
	/* Each request ended once, as its caller was told; drain() opens the device. */
	after = counters_see(&self->made);
	EXPECT_EQ(0, after.pending);
	EXPECT_EQ(0, after.failed);
	EXPECT_EQ(cancelled, after.cancelled - before.cancelled);
	EXPECT_EQ(2 * read_it, after.completed - before.completed);
}

/* The same for a request whose end is a timer's, and that changes a medium. */
TEST_F(window, a_write_is_done_or_not)
{
	unsigned int written = 0, cancelled = 0;
	struct counters before, after;
	char old = 0, now, next;

	ASSERT_EQ(0, device_make(&self->made, "a",
				 "model=store;size=1;race_window_ns=1000000"));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	before = counters_see(&self->made);
	for (int i = 0; written < 3 || cancelled < 3; i++) {
		struct call call = { .fn = do_pwrite, .fd = self->fd, .buf = &next, .len = 1 };
		char latency[16];

		next = old + 1;
		/* About as long as a signal takes, which is another matter on each machine. */
		snprintf(latency, sizeof(latency), "%d", 100000 + i % 32 * 100000);
		ASSERT_EQ(0, knob_put(&self->made, "write_latency_ns", latency));
		call_start(&call);
		wait_until(pending(&self->made.dev) || call_done(&call));
		call_signal(&call, SIGUSR1);
		if (call_join(&call) == 1) {
			old = next;
			written++;
		} else {
			ASSERT_EQ(EINTR, call.err);
			cancelled++;
		}
		ASSERT_EQ(1, pread(self->fd, &now, 1, 0));
		ASSERT_EQ(old, now);
	}
	after = counters_see(&self->made);
	EXPECT_EQ(cancelled, after.cancelled - before.cancelled);
	EXPECT_EQ(2 * written + cancelled, after.completed - before.completed);
}

TEST_HARNESS_MAIN
