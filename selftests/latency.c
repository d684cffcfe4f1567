// SPDX-License-Identifier: GPL-2.0
/*
 * The time that a transfer of the store takes, and what signals do to it.
 */
#define _GNU_SOURCE
#include <setjmp.h>

#include "kselftest_harness.h"
#include "call_test.h"

#define LEN	100

FIXTURE(slow)
{
	struct device dev;
	int fd;
	unsigned char buf[LEN];
	struct call call;
	uint64_t latency;
};

FIXTURE_VARIANT(slow)
{
	long (*fn)(struct call *call);
	bool write;
};

FIXTURE_VARIANT_ADD(slow, read) { .fn = do_read };
FIXTURE_VARIANT_ADD(slow, readv) { .fn = do_readv };
FIXTURE_VARIANT_ADD(slow, pread) { .fn = do_pread };
FIXTURE_VARIANT_ADD(slow, write) { .fn = do_write, .write = true };
FIXTURE_VARIANT_ADD(slow, writev) { .fn = do_writev, .write = true };
FIXTURE_VARIANT_ADD(slow, pwrite) { .fn = do_pwrite, .write = true };

static int set_slow(FIXTURE_DATA(slow) *self, bool write, uint64_t ns)
{
	return set_latency(&self->dev, write ? "write_latency_ns" : "read_latency_ns", ns);
}

FIXTURE_SETUP(slow)
{
	SETUP_DEVICE(&self->dev, "store");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(area_fill(self->fd));
	fill_pattern(self->buf, 77, LEN);
	self->call = (struct call){
		.fn = variant->fn, .fd = self->fd, .buf = self->buf, .len = LEN,
	};
	self->latency = 100 * MSEC;
	ASSERT_EQ(0, set_slow(self, variant->write, FOREVER));
}

FIXTURE_TEARDOWN(slow)
{
	device_teardown(&self->dev);
}

/* The call has failed: no byte moved, on either side, nor did the position. */
static bool not_moved(FIXTURE_DATA(slow) *self)
{
	set_latency(&self->dev, "read_latency_ns", 0);
	return is_pattern(self->buf, 77, LEN) && lseek(self->fd, 0, SEEK_CUR) == 0 &&
	       area_untouched(self->fd);
}

static bool moved(FIXTURE_DATA(slow) *self, bool write)
{
	unsigned char bytes[2 * LEN];

	if (!write)
		return is_pattern(self->buf, 0, LEN);
	return pread(self->fd, bytes, 2 * LEN, 0) == 2 * LEN &&
	       is_pattern(bytes, 77, LEN) && is_pattern(bytes + LEN, LEN, LEN);
}

TEST_F(slow, takes_its_latency)
{
	set_slow(self, variant->write, self->latency);
	call_start(&self->call);
	EXPECT_EQ(LEN, call_join(&self->call));
	EXPECT_LE(self->latency, self->call.ended - self->call.started);
	EXPECT_TRUE(moved(self, variant->write));
}

/* K-MARK-2: a started request is cancelled by its abort. */
TEST_F(slow, handler_without_restart)
{
	handle(SIGUSR1, 0);
	for (int i = 0; i < 20; i++) {
		call_start(&self->call);
		wait_pending(&self->dev, 1);
		call_signal(&self->call, SIGUSR1);
		ASSERT_EQ(-1, call_join(&self->call));
		ASSERT_EQ(EINTR, self->call.err);
		ASSERT_EQ(0, pending(&self->dev));
	}
	EXPECT_TRUE(not_moved(self));
}

/* D-THR-1, D-THR-3 */
TEST_F(slow, killed)
{
	pid_t pid = child_start(&self->call, -1);

	wait_pending(&self->dev, 1);
	kill(pid, SIGKILL);
	ASSERT_EQ(-SIGKILL, child_wait(pid));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_TRUE(not_moved(self));
}

/*
 * Interrupted whenever it waits, a call whose latency began anew each time
 * would never be done.
 */
static void check_restarts(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self,
			   bool write, bool beside_blocked)
{
	int times;

	set_slow(self, write, self->latency);
	/* On a machine that stood still meanwhile there was no time for two. */
	do {
		ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
		call_start(&self->call);
		if (beside_blocked)
			call_signal(&self->call, SIGUSR1);
		times = interrupt(&self->dev, &self->call, SIGUSR2, INT_MAX);
		ASSERT_EQ(LEN, call_join(&self->call));
		EXPECT_LE(self->latency, self->call.ended - self->call.started);
	} while (times < 2);
	EXPECT_TRUE(moved(self, write));
}

TEST_F(slow, restarted_call_goes_on)
{
	handle(SIGUSR2, SA_RESTART);
	check_restarts(_metadata, self, variant->write, false);
}

/* A signal that is blocked has no say in whether the call is restarted. */
TEST_F(slow, restarted_call_goes_on_beside_blocked_signal)
{
	sigset_t set;

	handle(SIGUSR1, 0);
	handle(SIGUSR2, SA_RESTART);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	check_restarts(_metadata, self, variant->write, true);
}

/* Nor has one that stops and continues. */
TEST_F(slow, continued_call_goes_on)
{
	int status, times;
	pid_t pid;

	set_slow(self, variant->write, self->latency);
	do {
		ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
		pid = child_start(&self->call, LEN);
		for (times = 0;; times++) {
			wait_until(pending(&self->dev) || waitpid(pid, &status, WNOHANG) == pid);
			kill(pid, SIGSTOP);
			if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
				break;
			kill(pid, SIGCONT);
		}
	} while (times < 2);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* What call_again(), and the handlers of the last two tests, do. */
static struct call inner;

static long call_again(struct call *call)
{
	long ret = inner.fn(call);

	if (ret < 0 && errno == EINTR) {
		inner.started = now_ns();
		ret = inner.fn(call);
	}
	return ret;
}

/* A call that failed with EINTR is over: the thread's next one takes its whole time. */
static void check_anew(struct __test_metadata *_metadata, FIXTURE_DATA(slow) *self, bool write,
		       bool (*interrupt)(struct call *call))
{
	uint64_t begun;

	inner.fn = self->call.fn;
	self->call.fn = call_again;
	set_slow(self, write, self->latency);
	do {
		inner.started = 0;
		ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
		begun = now_ns();
		call_start(&self->call);
		wait_until(pending(&self->dev) || call_done(&self->call));
		wait_until(now_ns() - begun > self->latency * 3 / 4);
		ASSERT_TRUE(interrupt(&self->call));
		ASSERT_EQ(LEN, call_join(&self->call));
	} while (!inner.started);
	EXPECT_LE(self->latency, self->call.ended - inner.started);
}

static bool signal_once(struct call *call)
{
	call_signal(call, SIGUSR1);
	return true;
}

TEST_F(slow, calling_again_starts_anew)
{
	handle(SIGUSR1, 0);
	check_anew(_metadata, self, variant->write, signal_once);
}

static bool signal_two(struct call *call)
{
	/* It may have ended by itself. */
	return signal_twice(call, SIGUSR2, SIGUSR1) || call_done(call);
}

/* What the second handler would have done does not count. */
TEST_F(slow, calling_again_after_two_signals_starts_anew)
{
	handle(SIGUSR1, 0);
	handle(SIGUSR2, SA_RESTART);
	check_anew(_metadata, self, variant->write, signal_two);
}

static sigjmp_buf away;

static void call_inner(int sig)
{
	inner.started = now_ns();
	inner.ret = inner.fn(&inner);
	inner.ended = now_ns();
	count_signal(sig);
}

static long same_again_after_jump(struct call *call)
{
	sigset_t set;
	long ret;

	if (!sigsetjmp(away, 1)) {
		ret = inner.fn(call);
	} else {
		inner.started = now_ns();
		call->len--;
		ret = inner.fn(call);
	}
	/* From here on there is nowhere to jump to. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return ret;
}

static void jump(int sig)
{
	siglongjmp(away, 1);
}

/*
 * A call that a handler makes, or that is made where the handler jumped to, is
 * another one, although the one that was interrupted could have been restarted.
 */
TEST_F(slow, call_in_handler_starts_anew)
{
	struct sigaction sa = { .sa_handler = call_inner, .sa_flags = SA_RESTART };
	unsigned char bytes[LEN];
	uint64_t begun;

	fill_pattern(bytes, 77, LEN);
	inner = self->call;
	inner.buf = bytes;
	inner.len--;
	sigaction(SIGUSR1, &sa, NULL);
	set_slow(self, variant->write, self->latency);
	do {
		handled = 0;
		ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
		begun = now_ns();
		call_start(&self->call);
		wait_until(now_ns() - begun > self->latency * 3 / 4);
		call_signal(&self->call, SIGUSR1);
		ASSERT_EQ(LEN, call_join(&self->call));
	} while (!handled || self->call.ended < inner.ended);
	EXPECT_EQ(LEN - 1, inner.ret);
	EXPECT_LE(self->latency, inner.ended - inner.started);
}

TEST_F(slow, call_after_jump_starts_anew)
{
	struct sigaction sa = { .sa_handler = jump, .sa_flags = SA_RESTART };
	uint64_t begun;

	inner.fn = self->call.fn;
	self->call.fn = same_again_after_jump;
	sigaction(SIGUSR1, &sa, NULL);
	set_slow(self, variant->write, self->latency);
	do {
		inner.started = 0;
		self->call.len = LEN;
		ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
		begun = now_ns();
		call_start(&self->call);
		wait_until(pending(&self->dev) || call_done(&self->call));
		wait_until(now_ns() - begun > self->latency * 3 / 4);
		call_signal(&self->call, SIGUSR1);
		call_join(&self->call);
	} while (!inner.started);
	EXPECT_EQ(LEN - 1, self->call.ret);
	EXPECT_LE(self->latency, self->call.ended - inner.started);
}

TEST_HARNESS_MAIN
