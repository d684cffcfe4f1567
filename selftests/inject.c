// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that meet each fault that they can meet: what fails has an errno that is
 * documented and has done nothing, what is short has moved what it says, and what comes
 * after it works.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>

#include "kselftest_harness.h"
#include "knob_test.h"
#include "inject_test.h"

#define LEN	10000

FIXTURE(faulty)
{
	struct inject inject;
	struct counters before;
	struct made made;
	int fd;
};

/* Where a call is done at once it makes no request; with a latency it does. */
FIXTURE_VARIANT(faulty)
{
	const char *settings;
};

#define WAITS	"open_latency_ns=1000000;read_latency_ns=1000000;write_latency_ns=1000000;" \
		"flush_latency_ns=1000000;control_latency_ns=1000000"

FIXTURE_VARIANT_ADD(faulty, stream) { "model=stream" };
FIXTURE_VARIANT_ADD(faulty, stream_waits) { "model=stream;" WAITS };
FIXTURE_VARIANT_ADD(faulty, store) { "model=store" };
FIXTURE_VARIANT_ADD(faulty, store_waits) { "model=store;" WAITS };
FIXTURE_VARIANT_ADD(faulty, store_split) { "model=store;split=4000;" WAITS };

#define WAITING		(!!strstr(variant->settings, "latency"))
#define STORE		(!!strstr(variant->settings, "store"))

FIXTURE_SETUP(faulty)
{
	SKIP_FOR(cannot_make());
	SKIP_FOR(cannot_inject());
	ASSERT_EQ(0, device_make(&self->made, "inject", variant->settings));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->before = counters_see(&self->made);
}

/* Nothing is pending, and what there was is accounted for. */
FIXTURE_TEARDOWN(faulty)
{
	struct counters c = counters_see(&self->made);

	EXPECT_EQ(0, c.pending);
	EXPECT_EQ(c.accepted, c.completed + c.cancelled + c.failed);
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

#define ROUNDS()	for (inject_start(&self->inject); inject_round(&self->inject); )
#define CALL(call)	INJECT(&self->inject, call)
#define FAILED_WELL()	(self->inject.hit && is_fault(self->inject.err))
#define MOVED(ret, len)	inject_moved(&self->inject, (ret) < 0 ? -self->inject.err : (ret), len)

TEST_F(faulty, open_and_close)
{
	long users = module_users();
	int fd;

	ROUNDS() {
		CALL(fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC));
		if (fd < 0) {
			EXPECT_TRUE(FAILED_WELL());
			EXPECT_EQ(users, module_users());
			continue;
		}
		EXPECT_EQ(0, close(fd));
	}
	/* The file, a request and its client. */
	EXPECT_LE(3, INJECTED(&self->inject));
	EXPECT_EQ(users, module_users());
}

/* What a stream has had put on it; a store has it at position 0. */
static bool take(FIXTURE_DATA(faulty) *self, bool store, unsigned char *got, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = store ? pread(self->fd, got + done, len - done, done) :
		    read(self->fd, got + done, len - done);
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

static bool line_empty(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 0;
}

/* What a read has not returned is there for the next one. */
TEST_F(faulty, read)
{
	static unsigned char bytes[LEN], got[LEN];
	size_t done;
	ssize_t n;

	fill_pattern(bytes, 0, LEN);
	ROUNDS() {
		ASSERT_EQ(LEN, STORE ? pwrite(self->fd, bytes, LEN, 0) :
			  write(self->fd, bytes, LEN));
		memset(got, 0, LEN);
		if (STORE)
			CALL(n = pread(self->fd, got, LEN, 0));
		else
			CALL(n = read(self->fd, got, LEN));
		ASSERT_TRUE(MOVED(n, LEN)) TH_LOG("fault %u: %zd, %m", self->inject.nth, n);
		done = n < 0 ? 0 : n;
		EXPECT_TRUE(is_pattern(got, 0, done));
		if (STORE) {
			EXPECT_TRUE(take(self, true, got, LEN) && is_pattern(got, 0, LEN));
		} else {
			EXPECT_TRUE(take(self, false, got, LEN - done));
			EXPECT_TRUE(is_pattern(got, done, LEN - done));
			EXPECT_TRUE(line_empty(self->fd));
		}
	}
	/* What was put on a line may have arrived before it is read. */
	EXPECT_LE(WAITING && STORE ? 2 : 1, INJECTED(&self->inject));
}

/* What a write has not returned is nowhere. */
TEST_F(faulty, write)
{
	static unsigned char bytes[LEN], got[LEN], none[LEN];
	size_t done;
	ssize_t n;

	fill_pattern(bytes, 0, LEN);
	ROUNDS() {
		if (STORE)
			ASSERT_EQ(LEN, pwrite(self->fd, none, LEN, 0));

		if (STORE)
			CALL(n = pwrite(self->fd, bytes, LEN, 0));
		else
			CALL(n = write(self->fd, bytes, LEN));
		ASSERT_TRUE(MOVED(n, LEN)) TH_LOG("fault %u: %zd, %m", self->inject.nth, n);
		done = n < 0 ? 0 : n;
		ASSERT_TRUE(take(self, STORE, got, STORE ? LEN : done));
		EXPECT_TRUE(is_pattern(got, 0, done));
		EXPECT_TRUE(STORE ? !memcmp(got + done, none, LEN - done) : line_empty(self->fd));
	}
	EXPECT_LE(WAITING || !STORE ? 2 : 1, INJECTED(&self->inject));
}

/* More than can be had in one piece of memory, and in two pieces of the caller's. */
TEST_F(faulty, vectored)
{
	static unsigned char bytes[65536], got[65536];
	struct iovec out[2] = { { bytes, 30001 }, { bytes + 30001, sizeof(bytes) - 30001 } };
	struct iovec in[2] = { { got, 40001 }, { got + 40001, sizeof(got) - 40001 } };
	size_t put, taken;
	ssize_t n;

	fill_pattern(bytes, 0, sizeof(bytes));
	ROUNDS() {
		if (STORE)
			CALL(n = pwritev(self->fd, out, 2, 0));
		else
			CALL(n = writev(self->fd, out, 2));
		ASSERT_TRUE(MOVED(n, sizeof(bytes)));
		put = n < 0 ? 0 : n;
		if (!put)
			continue;
		memset(got, 0, sizeof(got));
		in[1].iov_len = put > 40001 ? put - 40001 : 0;
		n = STORE ? preadv(self->fd, in, 2, 0) : readv(self->fd, in, 2);
		ASSERT_LT(0, n);
		EXPECT_TRUE(is_pattern(got, 0, n < (ssize_t)put ? n : (ssize_t)put));
		taken = n;
		while (!STORE && taken < put) {
			n = read(self->fd, got, put - taken);
			ASSERT_LT(0, n);
			EXPECT_TRUE(is_pattern(got, taken, n));
			taken += n;
		}
		if (!STORE)
			EXPECT_TRUE(line_empty(self->fd));
	}
	EXPECT_LE(1, INJECTED(&self->inject));
}

TEST_F(faulty, fsync)
{
	struct counters before;
	int ret;

	if (!STORE)
		SKIP(return, "a stream has no fsync");
	ROUNDS() {
		before = counters_see(&self->made);
		CALL(ret = fsync(self->fd));
		if (ret) {
			EXPECT_TRUE(FAILED_WELL());
			continue;
		}
		EXPECT_STREQ("1 done, 0 cancelled, 0 failed, 0 pending, 0 late",
			     counters_since(&self->made, &before));
	}
	EXPECT_LE(1, INJECTED(&self->inject));
}

TEST_F(faulty, poll)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int ep = epoll_create1(EPOLL_CLOEXEC), ret;

	if (STORE)
		SKIP(return, "a store is always ready");
	ASSERT_LE(0, ep);
	ROUNDS() {
		CALL(ret = epoll_ctl(ep, EPOLL_CTL_ADD, self->fd, &event));
		if (ret) {
			EXPECT_TRUE(FAILED_WELL());
			continue;
		}
		EXPECT_EQ(1, epoll_wait(ep, &event, 1, -1));
		ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_DEL, self->fd, NULL));
	}
	EXPECT_LE(1, INJECTED(&self->inject));
	close(ep);
}

TEST_F(faulty, info)
{
	struct cancelio_info info;
	int ret;

	ROUNDS() {
		memset(&info, 0, sizeof(info));
		CALL(ret = ioctl(self->fd, CANCELIO_IOC_INFO, &info));
		if (ret) {
			EXPECT_TRUE(FAILED_WELL());
			EXPECT_EQ(0, info.size);
			continue;
		}
		EXPECT_EQ(self->made.dev.size, info.size);
	}
	EXPECT_LE(WAITING ? 3 : 2, INJECTED(&self->inject));
}

/* An fsync that waits until it is cancelled. */
static void start_fsync(FIXTURE_DATA(faulty) *self, struct call *call)
{
	*call = (struct call){ .fn = do_fsync, .fd = self->fd };
	if (knob_put(&self->made, "flush_latency_ns", DAY))
		abort();
	call_start(call);
	wait_pending(&self->made.dev, 1);
}

/* Return: whether there was something to cancel. */
static bool cancel_file(int fd)
{
	struct cancelio_cancel cancel = { .by = CANCELIO_BY_FILE };

	return !ioctl(fd, CANCELIO_IOC_CANCEL, &cancel);
}

TEST_F(faulty, request)
{
	struct cancelio_request_info info;
	struct call call;
	int ret;

	if (!STORE)
		SKIP(return, "what waits here is an fsync");
	start_fsync(self, &call);
	ROUNDS() {
		memset(&info, 0, sizeof(info));
		CALL(ret = ioctl(self->fd, CANCELIO_IOC_REQUEST, &info));
		if (ret) {
			EXPECT_TRUE(FAILED_WELL());
			EXPECT_EQ(0, info.id);
			continue;
		}
		EXPECT_EQ(CANCELIO_OP_FLUSH, info.op);
		EXPECT_EQ(call.tid, (pid_t)info.thread);
	}
	EXPECT_LE(2, INJECTED(&self->inject));
	EXPECT_TRUE(cancel_file(self->fd));
	EXPECT_EQ(-1, call_join(&call));
}

/*
 * A fault of the last copy alone leaves the cancel done: it cannot be taken back when it
 * cannot be told. What the kernel needs now and then to watch over memory may fail, too, and
 * nobody sees it; but the next fault is another one's then.
 */
TEST_F(faulty, cancel)
{
	int undone = 0, untold = 0, ret;
	struct call call;

	if (!STORE)
		SKIP(return, "what waits here is an fsync");
	while (!untold) {
		ROUNDS() {
			struct cancelio_cancel cancel = { .by = CANCELIO_BY_FILE };

			start_fsync(self, &call);
			CALL(ret = ioctl(self->fd, CANCELIO_IOC_CANCEL, &cancel));
			EXPECT_TRUE(!ret || FAILED_WELL());
			EXPECT_EQ(!ret, cancel.found);
			if (ret && cancel_file(self->fd))
				undone++;
			else if (ret)
				untold++;
			EXPECT_EQ(-1, call_join(&call));
			EXPECT_EQ(ECANCELED, call.err);
		}
	}
	EXPECT_LE(2, undone);
}

struct interrupted {
	const struct device *dev;
	pthread_t thread;
};

static void *signal_once(void *arg)
{
	struct interrupted *main = arg;

	wait_pending(main->dev, 1);
	pthread_kill(main->thread, SIGUSR1);
	return NULL;
}

/* A call that cannot be remembered while its signal is handled begins anew. */
TEST_F(faulty, restart)
{
	struct interrupted main = { &self->made.dev, pthread_self() };
	unsigned char got[100];
	pthread_t thread;
	ssize_t n;

	if (!STORE)
		SKIP(return, "what waits here is a read of the medium");
	ASSERT_EQ(0, knob_put(&self->made, "read_latency_ns", "50000000"));
	handle(SIGUSR1, SA_RESTART);
	ROUNDS() {
		ASSERT_EQ(0, pthread_create(&thread, NULL, signal_once, &main));
		CALL(n = pread(self->fd, got, sizeof(got), 0));
		/* One that has failed before it waited gives the other nothing to see. */
		if (n < 0)
			EXPECT_EQ(sizeof(got), pread(self->fd, got, sizeof(got), 0));
		pthread_join(thread, NULL);
		EXPECT_TRUE(MOVED(n, sizeof(got)));
	}
	EXPECT_LE(3, INJECTED(&self->inject));
	EXPECT_LT(0, handled);
}

TEST_HARNESS_MAIN
