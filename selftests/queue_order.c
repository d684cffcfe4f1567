// SPDX-License-Identifier: GPL-2.0
/*
 * Orders to a device's queue: start, stop, drain and purge, and what becomes
 * of requests in each state.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "kselftest_harness.h"
#include "seen_test.h"

#define NEVER	"once-started-never"

FIXTURE(order)
{
	struct device dev;
	int fd;
	struct call read, write;
	char buf[2][16];
};

FIXTURE_VARIANT(order)
{
	const char *model;
	bool stream;
};

FIXTURE_VARIANT_ADD(order, stream) { "stream", true };
FIXTURE_VARIANT_ADD(order, store) { "store" };

FIXTURE_SETUP(order)
{
	MAKE_DEVICE(&self->dev, "order", variant->model);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->read = (struct call){
		.fn = do_read, .fd = self->fd, .buf = self->buf[0], .len = 16,
	};
	self->write = (struct call){
		.fn = do_write, .fd = self->fd, .buf = self->buf[1], .len = 16,
	};
}

FIXTURE_TEARDOWN(order)
{
	device_unmake("order");
}

#define ORDER(word)	ASSERT_EQ(0, set(&self->dev, "queue", word))

#define EXPECT_ERRNO(error, call)		\
	do {					\
		EXPECT_EQ(-1, call);		\
		EXPECT_EQ(error, errno);	\
	} while (0)

#define EXPECT_ENDS(error, call)		\
	do {					\
		EXPECT_EQ(-1, call_join(call));	\
		EXPECT_EQ(error, (call)->err);	\
	} while (0)

static short events(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pfd, 1, 0) < 0 ? -1 : pfd.revents;
}

TEST_F(order, words)
{
	static const char *const good[] = { "stop", "drain", "purge", "start" };
	static const char *const bad[] = {
		"\n", "Stop", "sto", "stopp", "stop ", " stop", "stop\n\n",
		"stop start", "0", "remove",
	};
	char text[64];

	ASSERT_TRUE(attr_text(&self->dev, "queue", text));
	EXPECT_STREQ("start", text);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char line[16];

		snprintf(line, sizeof(line), "%s\n", good[i]);
		EXPECT_EQ(0, set(&self->dev, "queue", line));
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			EXPECT_EQ(-EINVAL, set(&self->dev, "queue", bad[j]))
				TH_LOG("word '%s'", bad[j]);
			ASSERT_TRUE(attr_text(&self->dev, "queue", text));
			EXPECT_STREQ(good[i], text);
		}
	}
}

/* Requests come and wait, and can be cancelled there whatever the device is like. */
TEST_F(order, stop_and_start)
{
	struct call again = self->read;

	ASSERT_EQ(0, set(&self->dev, "cancel", NEVER));
	ORDER("stop");
	call_start(&self->write);
	wait_state(&self->dev, "queued", 1);
	call_start(&self->read);
	wait_state(&self->dev, "queued", 2);
	call_start(&again);
	wait_state(&self->dev, "queued", 3);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_THREAD, again.tid));
	EXPECT_ENDS(ECANCELED, &again);
	EXPECT_EQ(2, count_state(&self->dev, "queued", "yes"));
	ORDER("start");
	EXPECT_EQ(16, call_join(&self->write));
	EXPECT_EQ(16, call_join(&self->read));
}

/* A signal, too, and the call goes on with its place when it is restarted. */
TEST_F(order, stop_and_signal)
{
	handle(SIGUSR1, SA_RESTART);
	ORDER("stop");
	call_start(&self->read);
	EXPECT_EQ(3, interrupt(&self->dev, &self->read, SIGUSR1, 3));
	wait_state(&self->dev, "queued", 1);
	ORDER("start");
	if (variant->stream)
		ASSERT_EQ(16, write(self->fd, self->buf[1], 16));
	EXPECT_EQ(16, call_join(&self->read));
}

/* An open and what was started before are not concerned. */
TEST_F(order, stop_of_what_has_started)
{
	int fd;

	set_latency(&self->dev, "read_latency_ns", variant->stream ? 0 : 3000 * MSEC);
	call_start(&self->read);
	wait_state(&self->dev, "started", 1);
	ORDER("stop");
	fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	EXPECT_LE(0, fd);
	if (variant->stream) {
		/* The line gives nothing out: the read has its bytes when it may. */
		call_start(&self->write);
		wait_state(&self->dev, "queued", 1);
		EXPECT_EQ(1, count_state(&self->dev, "started", NULL));
		ORDER("start");
		EXPECT_EQ(16, call_join(&self->write));
	}
	EXPECT_EQ(16, call_join(&self->read));
}

TEST_F(order, drain)
{
	struct call reads[3];

	ASSERT_EQ(0, set(&self->dev, "cancel", NEVER));
	if (variant->stream) {
		ORDER("stop");
	} else {
		ASSERT_EQ(0, set(&self->dev, "channels", "1"));
		set_latency(&self->dev, "read_latency_ns", 200 * MSEC);
	}
	for (int i = 0; i < 3; i++) {
		reads[i] = self->read;
		call_start(&reads[i]);
		wait_pending(&self->dev, i + 1);
	}
	if (variant->stream) {
		self->write.len = 48;
		self->write.buf = calloc(1, 48);
		call_start(&self->write);
		wait_state(&self->dev, "queued", 4);
	}
	ORDER("drain");
	EXPECT_ERRNO(ESHUTDOWN, read(self->fd, self->buf[1], 1));
	EXPECT_ERRNO(ESHUTDOWN, write(self->fd, self->buf[1], 1));
	EXPECT_ERRNO(variant->stream ? EINVAL : ESHUTDOWN, fsync(self->fd));
	EXPECT_LE(0, open(self->dev.node, O_RDWR | O_CLOEXEC));
	/* All that was there before ends well. */
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(16, call_join(&reads[i]));
	if (variant->stream)
		EXPECT_EQ(48, call_join(&self->write));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(0, counters(&self->dev).cancelled);
	ORDER("start");
	EXPECT_EQ(16, write(self->fd, self->buf[1], 16));
}

/* What waits, and what has begun and can be cancelled; not an open. */
TEST_F(order, purge)
{
	struct call queued = self->read;
	struct call open = { .fn = do_open, .path = self->dev.node };

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	set_latency(&self->dev, "open_latency_ns", FOREVER);
	if (!variant->stream)
		ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	call_start(&self->read);
	wait_state(&self->dev, "started", 1);
	call_start(&open);
	wait_state(&self->dev, "started", 2);
	if (variant->stream)
		ORDER("stop");
	call_start(&queued);
	wait_state(&self->dev, "queued", 1);
	ORDER("purge");
	EXPECT_ENDS(ECANCELED, &self->read);
	EXPECT_ENDS(ECANCELED, &queued);
	EXPECT_EQ(1, count_state(&self->dev, "started", "yes"));
	EXPECT_FALSE(call_done(&open));
	EXPECT_ERRNO(ESHUTDOWN, read(self->fd, self->buf[1], 1));
	EXPECT_ERRNO(ESHUTDOWN, write(self->fd, self->buf[1], 1));
	set_latency(&self->dev, "read_latency_ns", 0);
	ORDER("start");
	EXPECT_EQ(16, write(self->fd, self->buf[1], 16));
	lseek(self->fd, 0, SEEK_SET);
	EXPECT_EQ(16, read(self->fd, self->buf[1], 16));
}

/* It waits for nobody: who does not let go ends as it would have, and may end well. */
TEST_F(order, purge_of_what_is_not_marked)
{
	ASSERT_EQ(0, set(&self->dev, "cancel", NEVER));
	set_latency(&self->dev, "read_latency_ns", variant->stream ? 0 : 3000 * MSEC);
	/* Bytes that are on their way when the gate is shut. */
	if (variant->stream) {
		set_latency(&self->dev, "read_latency_ns", 3000 * MSEC);
		ASSERT_EQ(16, write(self->fd, self->buf[1], 16));
	}
	call_start(&self->read);
	wait_state(&self->dev, "started", 1);
	ORDER("purge");
	EXPECT_EQ(16, call_join(&self->read));
	EXPECT_EQ(1, counters(&self->dev).late);
	EXPECT_EQ(0, counters(&self->dev).cancelled);
}

TEST_F(order, purge_of_a_slow_abort)
{
	uint64_t begun;

	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
	set_latency(&self->dev, "abort_latency_ns", 200 * MSEC);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	call_start(&self->read);
	wait_state(&self->dev, "started", 1);
	begun = now_ns();
	ORDER("purge");
	EXPECT_ENDS(ECANCELED, &self->read);
	EXPECT_LE(200 * MSEC, now_ns() - begun);
}

TEST_F(order, purge_of_a_hung_request)
{
	ASSERT_EQ(0, set(&self->dev, "faults", "read hang next=1"));
	call_start(&self->read);
	wait_state(&self->dev, "started", 1);
	ORDER("purge");
	EXPECT_ENDS(ECANCELED, &self->read);
}

/* ---- the stream alone: who does not wait ---- */

FIXTURE(line)
{
	struct device dev;
	int fd, nowait;
	char buf[16];
};

FIXTURE_SETUP(line)
{
	MAKE_DEVICE(&self->dev, "order", "stream");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	self->nowait = open(self->dev.node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_EQ(16, write(self->fd, "0123456789abcdef", 16));
}

FIXTURE_TEARDOWN(line)
{
	device_unmake("order");
}

TEST_F(line, stop)
{
	EXPECT_EQ(POLLIN | POLLOUT, events(self->fd));
	ORDER("stop");
	EXPECT_ERRNO(EAGAIN, read(self->nowait, self->buf, 16));
	EXPECT_ERRNO(EAGAIN, write(self->nowait, self->buf, 16));
	EXPECT_EQ(0, events(self->fd));
	ORDER("start");
	EXPECT_EQ(POLLIN | POLLOUT, events(self->fd));
	EXPECT_EQ(16, read(self->nowait, self->buf, 16));
	EXPECT_EQ(0, memcmp(self->buf, "0123456789abcdef", 16));
}

static long do_poll(struct call *call)
{
	struct pollfd pfd = { .fd = call->fd, .events = call->len };

	return poll(&pfd, 1, -1) == 1 ? pfd.revents : -1;
}

/* Who polls is woken by the order that lets it go on, and by one that never will. */
TEST_F(line, poll_over_an_order)
{
	static const char *const orders[] = { "start", "drain", "purge" };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct call call = { .fn = do_poll, .fd = self->fd, .len = POLLIN };

		ORDER("stop");
		call_start(&call);
		wait_in_syscall(&call, SYS_poll);
		ORDER(orders[i]);
		EXPECT_EQ(POLLIN, call_join(&call));
	}
}

TEST_F(line, refused)
{
	static const char *const orders[] = { "drain", "purge" };

	ASSERT_EQ(16, read(self->fd, self->buf, 16));
	EXPECT_EQ(POLLOUT, events(self->fd));
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		ORDER(orders[i]);
		EXPECT_EQ(POLLIN | POLLOUT, events(self->fd));
		EXPECT_ERRNO(ESHUTDOWN, read(self->nowait, self->buf, 16));
		EXPECT_ERRNO(ESHUTDOWN, write(self->nowait, self->buf, 16));
	}
	ORDER("start");
	EXPECT_EQ(POLLOUT, events(self->fd));
}

/* Bytes on the line are not requests: they stay. */
TEST_F(line, purge_leaves_the_bytes)
{
	ORDER("purge");
	ORDER("start");
	EXPECT_EQ(16, read(self->nowait, self->buf, 16));
	EXPECT_EQ(0, memcmp(self->buf, "0123456789abcdef", 16));
}

/* ---- the store alone ---- */

TEST(purge_of_stuck_and_split)
{
	struct { struct device dev; } own, *self = &own;
	struct call stuck = { .fn = do_read, .buf = malloc(16), .len = 16 }, split = stuck;

	MAKE_DEVICE(&self->dev, "order", "store");
	stuck.fd = split.fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&self->dev, "stuck", "1"));
	call_start(&stuck);
	wait_state(&self->dev, "queued", 1);
	ASSERT_EQ(0, set(&self->dev, "split", "4"));
	call_start(&split);
	wait_pending(&self->dev, 6);
	ORDER("purge");
	EXPECT_ENDS(ECANCELED, &stuck);
	EXPECT_ENDS(ECANCELED, &split);
	EXPECT_EQ(6, counters(&self->dev).cancelled);
	EXPECT_ERRNO(ESHUTDOWN, read(stuck.fd, stuck.buf, 16));
	device_unmake("order");
}

TEST_HARNESS_MAIN
