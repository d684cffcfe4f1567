// SPDX-License-Identifier: GPL-2.0
/*
 * A device is taken away while it is in use. Every request ends, those that a
 * cancel would not have ended, too; who has it open is told from then on.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>

#include "kselftest_harness.h"
#include "seen_test.h"
#include "uring_test.h"

static const char *const latencies[] = {
	"open_latency_ns", "read_latency_ns", "write_latency_ns", "flush_latency_ns",
};

static void slow(const struct device *dev)
{
	for (int i = 0; i < 4; i++)
		set_latency(dev, latencies[i], FOREVER);
	set_latency(dev, "abort_latency_ns", FOREVER);
	set_latency(dev, "poll_interval_ns", FOREVER);
}

/* Removes it, and sees that another can take its place. */
#define REMOVE(dev)							\
	do {								\
		struct device again;					\
									\
		ASSERT_EQ(0, config_put("removal", "live", "0"));	\
		EXPECT_NE(0, access((dev)->node, F_OK));		\
		ASSERT_EQ(0, device_live(&again, "removal"));		\
		EXPECT_EQ(0, pending(&again));				\
	} while (0)

/* A call that waits. */
FIXTURE(removal)
{
	struct device dev;
	int fd;
	char *buf;
	long users;
};

FIXTURE_VARIANT(removal)
{
	const char *model;
	long (*fn)(struct call *call);
	const char *mode;
	const char *state;
	/* One more knob, and how many requests there are in that state, if not 1. */
	const char *knob, *value;
	int count;
	bool canceled;
};

#define NEVER			"once-started-never"

FIXTURE_VARIANT_ADD(removal, open) { "store", do_open, "prompt", "started" };
FIXTURE_VARIANT_ADD(removal, open_never) { "stream", do_open, NEVER, "started" };
FIXTURE_VARIANT_ADD(removal, open_hung) {
	"stream", do_open, NEVER, "started", "faults", "all hang rate=1000000"
};
FIXTURE_VARIANT_ADD(removal, read) { "store", do_read, "prompt", "started" };
FIXTURE_VARIANT_ADD(removal, read_slow) { "store", do_read, "slow", "started" };
FIXTURE_VARIANT_ADD(removal, read_poll) { "store", do_read, "poll", "started" };
FIXTURE_VARIANT_ADD(removal, read_never) { "store", do_read, NEVER, "started" };
FIXTURE_VARIANT_ADD(removal, write) { "store", do_write, "prompt", "started" };
FIXTURE_VARIANT_ADD(removal, fsync_never) { "store", do_fsync, NEVER, "started" };
FIXTURE_VARIANT_ADD(removal, read_hung) {
	"store", do_read, "prompt", "started", "faults", "read hang next=1"
};
FIXTURE_VARIANT_ADD(removal, read_hung_never) {
	"store", do_read, NEVER, "started", "faults", "read hang next=1"
};
FIXTURE_VARIANT_ADD(removal, read_stuck) { "store", do_read, NEVER, "queued", "stuck", "1" };
FIXTURE_VARIANT_ADD(removal, read_queued) { "store", do_read, NEVER, "queued", "queue", "stop" };
FIXTURE_VARIANT_ADD(removal, read_split) { "store", do_read, "prompt", "started", "split", "4", 5 };
FIXTURE_VARIANT_ADD(removal, read_split_never) {
	"store", do_read, NEVER, "started", "split", "4", 5
};
FIXTURE_VARIANT_ADD(removal, read_in_abort) {
	"store", do_read, "slow", "started", .canceled = true
};
FIXTURE_VARIANT_ADD(removal, read_canceled_poll) {
	"store", do_read, "poll", "started", .canceled = true
};
FIXTURE_VARIANT_ADD(removal, read_canceled_never) {
	"store", do_read, NEVER, "started", .canceled = true
};
FIXTURE_VARIANT_ADD(removal, stream_read) { "stream", do_read, "prompt", "started" };
FIXTURE_VARIANT_ADD(removal, stream_read_slow) { "stream", do_read, "slow", "started" };
FIXTURE_VARIANT_ADD(removal, stream_read_poll) { "stream", do_read, "poll", "started" };
FIXTURE_VARIANT_ADD(removal, stream_read_never) { "stream", do_read, NEVER, "started" };
FIXTURE_VARIANT_ADD(removal, stream_read_queued) {
	"stream", do_read, NEVER, "queued", "queue", "stop"
};
FIXTURE_VARIANT_ADD(removal, stream_read_hung) {
	"stream", do_read, NEVER, "started", "faults", "read hang next=1"
};
FIXTURE_VARIANT_ADD(removal, stream_read_in_abort) {
	"stream", do_read, "slow", "started", .canceled = true
};
FIXTURE_VARIANT_ADD(removal, stream_write) { "stream", do_write, "prompt", "started" };
FIXTURE_VARIANT_ADD(removal, stream_write_never) { "stream", do_write, NEVER, "started" };
FIXTURE_VARIANT_ADD(removal, stream_write_queued) {
	"stream", do_write, NEVER, "queued", "queue", "stop"
};

FIXTURE_SETUP(removal)
{
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "removal", variant->model);
	self->buf = calloc(1, 16);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, set(&self->dev, "cancel", variant->mode));
	if (variant->knob)
		ASSERT_EQ(0, set(&self->dev, variant->knob, variant->value));
	slow(&self->dev);
}

FIXTURE_TEARDOWN(removal)
{
	device_unmake("removal");
	close(self->fd);
	/* Nothing is left of it that would hold the module. */
	wait_until(module_users() == self->users);
}

TEST_F(removal, ends_it)
{
	struct call call = {
		.fn = variant->fn, .fd = self->fd, .path = self->dev.node,
		.buf = self->buf, .len = 16,
	};

	call_start(&call);
	wait_state(&self->dev, variant->state, variant->count ?: 1);
	if (variant->canceled) {
		ASSERT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
		wait_canceled(&self->dev, 1);
	}
	REMOVE(&self->dev);
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ENODEV, call.err);
}

/* ---- those who have it open ---- */

FIXTURE(unplugged)
{
	struct device dev;
	int fd;
	char *buf;
};

FIXTURE_VARIANT(unplugged)
{
	const char *model;
	bool stream;
};

FIXTURE_VARIANT_ADD(unplugged, stream) { "stream", true };
FIXTURE_VARIANT_ADD(unplugged, store) { "store" };

FIXTURE_SETUP(unplugged)
{
	MAKE_DEVICE(&self->dev, "removal", variant->model);
	self->buf = calloc(1, 16);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(unplugged)
{
	device_unmake("removal");
}

#define EXPECT_ERRNO(error, call)		\
	do {					\
		EXPECT_EQ(-1, call);		\
		EXPECT_EQ(error, errno);	\
	} while (0)

TEST_F(unplugged, open_file)
{
	struct cancelio_request_info request;
	uint32_t version;
	char path[64];

	ASSERT_EQ(16, write(self->fd, self->buf, 16));
	REMOVE(&self->dev);
	EXPECT_ERRNO(ENODEV, read(self->fd, self->buf, 16));
	EXPECT_ERRNO(ENODEV, write(self->fd, self->buf, 16));
	EXPECT_ERRNO(variant->stream ? EINVAL : ENODEV, fsync(self->fd));
	/* Of the ioctls, one is about the module, and the others' arguments do not matter. */
	EXPECT_EQ(-ENODEV, cancel_by(self->fd, CANCELIO_BY_DEVICE, 0));
	EXPECT_EQ(-ENODEV, cancel_by(self->fd, 0, 0));
	EXPECT_EQ(-ENODEV, next_request(self->fd, 0, &request));
	EXPECT_ERRNO(ENODEV, ioctl(self->fd, CANCELIO_IOC_INFO, NULL));
	EXPECT_EQ(0, ioctl(self->fd, CANCELIO_IOC_VERSION, &version));
	/* Not a way to a device that came in its place, either. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_TRUE(errno == ENXIO || errno == ENODEV || errno == ENOENT);
	if (variant->stream) {
		fcntl(self->fd, F_SETFL, O_NONBLOCK);
		EXPECT_ERRNO(ENODEV, read(self->fd, self->buf, 16));
		EXPECT_ERRNO(ENODEV, write(self->fd, self->buf, 16));
	}
	EXPECT_EQ(0, close(self->fd));
}

/* Also where there would have been nothing to do, or another thing to say. */
TEST_F(unplugged, whatever_is_asked)
{
	if (!variant->stream)
		ASSERT_EQ(0, lseek(self->fd, self->dev.size, SEEK_SET) - self->dev.size);
	ASSERT_EQ(0, config_put("removal", "live", "0"));
	EXPECT_ERRNO(ENODEV, read(self->fd, self->buf, 0));
	EXPECT_ERRNO(ENODEV, write(self->fd, self->buf, 0));
	/* At the end of a store there is nothing to read, and no room. */
	EXPECT_ERRNO(ENODEV, read(self->fd, self->buf, 16));
	EXPECT_ERRNO(ENODEV, write(self->fd, self->buf, 16));
	/* What the module does not know it does not know of a removed device, either. */
	EXPECT_ERRNO(ENOTTY, ioctl(self->fd, _IO('x', 99), NULL));
	EXPECT_ERRNO(ENODEV, ioctl(self->fd, CANCELIO_IOC_INFO, NULL));
	EXPECT_ERRNO(ENODEV, ioctl(self->fd, CANCELIO_IOC_CANCEL, NULL));
	EXPECT_ERRNO(ENODEV, ioctl(self->fd, CANCELIO_IOC_REQUEST, NULL));
	EXPECT_ERRNO(EFAULT, ioctl(self->fd, CANCELIO_IOC_VERSION, NULL));
}

/* Nothing of what a device has is the next one's. */
TEST_F(unplugged, two_at_once)
{
	struct device next;
	int fd;

	ASSERT_EQ(16, write(self->fd, "0123456789abcdef", 16));
	ASSERT_EQ(0, config_put("removal", "live", "0"));
	ASSERT_EQ(0, device_live(&next, "removal"));
	/* The name is taken until the last file is closed. */
	EXPECT_STRNE(self->dev.name, next.name);
	fd = open(next.node, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, fd);
	if (variant->stream) {
		EXPECT_ERRNO(EAGAIN, read(fd, self->buf, 16));
	} else {
		EXPECT_EQ(16, read(fd, self->buf, 16));
		EXPECT_EQ(0, self->buf[0]);
	}
	EXPECT_ERRNO(ENODEV, read(self->fd, self->buf, 16));
	close(fd);
}

/* Who waits for room among an open file's requests comes and sees. */
TEST_F(unplugged, quota)
{
	struct call first = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 1 };
	struct call second = first;

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&self->dev, "max_pending", "1"));
	call_start(&first);
	wait_state(&self->dev, "started", 1);
	call_start(&second);
	wait_in_syscall(&second, SYS_read);
	EXPECT_EQ(1, pending(&self->dev));
	REMOVE(&self->dev);
	EXPECT_EQ(-1, call_join(&first));
	EXPECT_EQ(ENODEV, first.err);
	EXPECT_EQ(-1, call_join(&second));
	EXPECT_EQ(ENODEV, second.err);
}

TEST_F(unplugged, uring)
{
	struct ring ring = { 0 };

	SKIP_FOR(ring_setup(&ring));
	slow(&self->dev);
	prep(&ring, OP_READ, self->fd, 0, 0);
	submit(&ring);
	/* On a stream it is armed when the submit has returned; nothing waits there. */
	if (!variant->stream)
		wait_pending(&self->dev, 1);
	REMOVE(&self->dev);
	reap(&ring, 1);
	EXPECT_EQ(-ENODEV, ring.res[0]);
	io_uring_queue_exit(&ring.ring);
}

static long do_poll(struct call *call)
{
	struct pollfd pfd = { .fd = call->fd, .events = POLLIN };

	return poll(&pfd, 1, -1) == 1 ? pfd.revents : -1;
}

static long do_epoll(struct call *call)
{
	struct epoll_event event;

	return epoll_wait(call->fd, &event, 1, -1) == 1 ? event.events : -1;
}

TEST(poll_of_a_removed_stream)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct call poller = { .fn = do_poll }, epoller = { .fn = do_epoll };
	struct device dev;

	MAKE_DEVICE(&dev, "removal", "stream");
	poller.fd = open(dev.node, O_RDONLY | O_CLOEXEC);
	epoller.fd = epoll_create1(0);
	ASSERT_EQ(0, epoll_ctl(epoller.fd, EPOLL_CTL_ADD, poller.fd, &event));
	call_start(&poller);
	wait_in_syscall(&poller, SYS_poll);
	call_start(&epoller);
	wait_in_syscall(&epoller, SYS_epoll_wait);
	REMOVE(&dev);
	EXPECT_EQ(POLLIN | POLLERR | POLLHUP, call_join(&poller));
	EXPECT_EQ(EPOLLIN | EPOLLERR | EPOLLHUP, call_join(&epoller));
	device_unmake("removal");
}

/* ---- a device above another ---- */

FIXTURE(stacked)
{
	struct device lower, upper;
	struct call call;
	char *buf;
};

FIXTURE_SETUP(stacked)
{
	MAKE_DEVICE(&self->lower, "removal_lower", "store");
	SKIP_FOR(device_make(&self->upper, "removal", "store", &self->lower));
	slow(&self->lower);
	self->buf = malloc(16);
	self->call = (struct call){ .fn = do_read, .buf = self->buf, .len = 16 };
	self->call.fd = open(self->upper.node, O_RDWR | O_CLOEXEC);
}

FIXTURE_TEARDOWN(stacked)
{
	device_unmake("removal");
	device_unmake("removal_lower");
}

TEST_F(stacked, upper)
{
	call_start(&self->call);
	wait_state(&self->lower, "started", 1);
	ASSERT_EQ(0, config_put("removal", "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ECANCELED, self->call.err);
	EXPECT_EQ(0, pending(&self->lower));
	EXPECT_EQ(1, counters(&self->lower).cancelled);
}

/* It is the lower one's to end what that has begun; the upper one does not wait. */
TEST_F(stacked, upper_of_a_stubborn_lower)
{
	ASSERT_EQ(0, set(&self->lower, "cancel", NEVER));
	call_start(&self->call);
	wait_state(&self->lower, "started", 1);
	ASSERT_EQ(0, config_put("removal", "live", "0"));
	EXPECT_FALSE(call_done(&self->call));
	wait_canceled(&self->lower, 1);
	ASSERT_EQ(0, config_put("removal_lower", "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ENODEV, self->call.err);
}

/* Nor does who waits for the room that the other one's request has. */
TEST_F(stacked, upper_with_one_who_waits_for_room)
{
	struct call second = self->call;

	ASSERT_EQ(0, set(&self->lower, "cancel", NEVER));
	ASSERT_EQ(0, set(&self->upper, "max_pending", "1"));
	call_start(&self->call);
	wait_state(&self->lower, "started", 1);
	call_start(&second);
	wait_in_syscall(&second, SYS_read);
	ASSERT_EQ(0, config_put("removal", "live", "0"));
	EXPECT_EQ(-1, call_join(&second));
	EXPECT_EQ(ENODEV, second.err);
	EXPECT_FALSE(call_done(&self->call));
	ASSERT_EQ(0, config_put("removal_lower", "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
}

TEST_F(stacked, lower)
{
	call_start(&self->call);
	wait_state(&self->lower, "started", 1);
	ASSERT_EQ(0, config_put("removal_lower", "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ENODEV, self->call.err);
	EXPECT_EQ(0, pending(&self->upper));
	/* The upper one is there, and has nothing to serve from. */
	EXPECT_ERRNO(ENODEV, read(self->call.fd, self->buf, 16));
	EXPECT_EQ(2, counters(&self->upper).failed);
}

TEST_HARNESS_MAIN
