// SPDX-License-Identifier: GPL-2.0
/*
 * A call that sleeps on a stream: what a signal, a stop, a tracer and a kill do
 * to it, and that no byte is lost or doubled by it.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>

#include "kselftest_harness.h"
#include "call_test.h"

#define LEN	10

/*
 * A call that waits: a read of an empty line or a write to a full one.
 * feed() lets it go on.
 */
FIXTURE(waiting)
{
	struct device dev;
	int fd;
	struct call call;
	unsigned char buf[LEN];
	unsigned char *fill;
};

FIXTURE_VARIANT(waiting)
{
	long (*fn)(struct call *call);
	bool write;
};

FIXTURE_VARIANT_ADD(waiting, read) { .fn = do_read };
FIXTURE_VARIANT_ADD(waiting, readv) { .fn = do_readv };
FIXTURE_VARIANT_ADD(waiting, write) { .fn = do_write, .write = true };
FIXTURE_VARIANT_ADD(waiting, writev) { .fn = do_writev, .write = true };

FIXTURE_SETUP(waiting)
{
	SETUP_DEVICE(&self->dev, "stream");
	self->fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->fill = malloc(self->dev.size + LEN);
	self->call = (struct call){
		.fn = variant->fn, .fd = self->fd, .buf = self->buf, .len = LEN,
	};
	if (variant->write) {
		fill_pattern(self->fill, 0, self->dev.size);
		ASSERT_EQ(self->dev.size, write(self->fd, self->fill, self->dev.size));
		fill_pattern(self->buf, self->dev.size, LEN);
	}
}

FIXTURE_TEARDOWN(waiting)
{
	device_teardown(&self->dev);
}

/* Lets the call go on: bytes for a read, room for a write. */
static bool feed(FIXTURE_DATA(waiting) *self, bool write_waits)
{
	unsigned char bytes[LEN];

	if (write_waits)
		return read(self->fd, self->fill, LEN) == LEN && is_pattern(self->fill, 0, LEN);
	fill_pattern(bytes, 0, LEN);
	return write(self->fd, bytes, LEN) == LEN;
}

/*
 * The line must be as it would be if the call, which fed or not had not moved
 * a byte, had never been made. Empties it.
 */
static bool untouched(FIXTURE_DATA(waiting) *self, bool write_waits)
{
	size_t size = write_waits ? self->dev.size : 0;
	ssize_t n = 0;
	int fd = open(self->dev.node, O_RDONLY | O_NONBLOCK);

	if (size)
		n = read(fd, self->fill, size + LEN);
	if (n != (ssize_t)size || !is_pattern(self->fill, 0, size))
		return false;
	n = read(fd, self->fill, 1);
	close(fd);
	return n == -1 && errno == EAGAIN;
}

/* After feed() the call has moved its bytes, all of them, once. Empties the line. */
static bool moved(FIXTURE_DATA(waiting) *self, bool write_waits)
{
	if (!write_waits)
		return is_pattern(self->buf, 0, LEN) && drain(&self->dev) == 0;
	return read(self->fd, self->fill, self->dev.size + LEN) == (ssize_t)self->dev.size &&
	       is_pattern(self->fill, LEN, self->dev.size) && drain(&self->dev) == 0;
}

/* D-CANC-1, D-SCR-4: who waits in a queue is taken off it, and moved nothing. */
TEST_F(waiting, handler_without_restart)
{
	int i;

	handle(SIGUSR1, 0);
	for (i = 0; i < 20; i++) {
		call_start(&self->call);
		wait_pending(&self->dev, 1);
		call_signal(&self->call, SIGUSR1);
		ASSERT_EQ(-1, call_join(&self->call));
		ASSERT_EQ(EINTR, self->call.err);
		ASSERT_EQ(0, pending(&self->dev));
	}
	EXPECT_EQ(20, handled);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(waiting, handler_with_restart)
{
	handle(SIGUSR1, SA_RESTART);
	call_start(&self->call);
	ASSERT_EQ(20, interrupt(&self->dev, &self->call, SIGUSR1, 20));
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(feed(self, variant->write));
	ASSERT_EQ(LEN, call_join(&self->call));
	EXPECT_TRUE(moved(self, variant->write));
	EXPECT_EQ(0, pending(&self->dev));
}

TEST_F(waiting, blocked_signal)
{
	sigset_t set;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	/* To the process, whose threads all block it: nobody takes it. */
	kill(getpid(), SIGUSR1);
	call_signal(&self->call, SIGUSR1);
	ASSERT_TRUE(feed(self, variant->write));
	ASSERT_EQ(LEN, call_join(&self->call));
	EXPECT_EQ(0, handled);
	EXPECT_TRUE(moved(self, variant->write));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	EXPECT_EQ(1, handled);
}

/* The call of a child, with its result in memory that both see. */
static pid_t start_child(FIXTURE_DATA(waiting) *self, bool write_waits)
{
	unsigned char *shared = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memcpy(shared, self->buf, LEN);
	self->call.buf = shared;
	return child_start(&self->call, LEN);
}

TEST_F(waiting, stop_and_continue)
{
	int status;
	pid_t pid;

	pid = start_child(self, variant->write);
	wait_pending(&self->dev, 1);
	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(feed(self, variant->write));
	ASSERT_EQ(0, child_wait(pid));
	memcpy(self->buf, self->call.buf, LEN);
	EXPECT_TRUE(moved(self, variant->write));
}

/* Whoever is stopped takes nothing, and finds it when it goes on. */
TEST_F(waiting, fed_while_stopped)
{
	int status;
	pid_t pid;

	pid = start_child(self, variant->write);
	wait_pending(&self->dev, 1);
	kill(pid, SIGSTOP);
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(feed(self, variant->write));
	kill(pid, SIGCONT);
	ASSERT_EQ(0, child_wait(pid));
	memcpy(self->buf, self->call.buf, LEN);
	EXPECT_TRUE(moved(self, variant->write));
}

TEST_F(waiting, traced)
{
	int status;
	pid_t pid;

	pid = start_child(self, variant->write);
	wait_pending(&self->dev, 1);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, 0, 0));
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(feed(self, variant->write));
	ASSERT_EQ(0, child_wait(pid));
	memcpy(self->buf, self->call.buf, LEN);
	EXPECT_TRUE(moved(self, variant->write));
}

/* D-THR-1, D-THR-3 */
TEST_F(waiting, killed)
{
	pid_t pid;

	pid = start_child(self, variant->write);
	wait_pending(&self->dev, 1);
	kill(pid, SIGKILL);
	ASSERT_EQ(-SIGKILL, child_wait(pid));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_TRUE(untouched(self, variant->write));
}

/* A signal that ends a process by default is as good as a kill. */
TEST_F(waiting, terminated)
{
	pid_t pid;

	pid = start_child(self, variant->write);
	wait_pending(&self->dev, 1);
	kill(pid, SIGTERM);
	ASSERT_EQ(-SIGTERM, child_wait(pid));
	EXPECT_TRUE(untouched(self, variant->write));
}

/* D-CANC-5: what was done when the signal came is done. */
TEST_F(waiting, fed_then_interrupted)
{
	handle(SIGUSR1, 0);
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(hold(self->call.tid));
	ASSERT_TRUE(feed(self, variant->write));
	call_signal(&self->call, SIGUSR1);
	ASSERT_TRUE(let_go());
	ASSERT_EQ(LEN, call_join(&self->call));
	EXPECT_EQ(1, handled);
	EXPECT_TRUE(moved(self, variant->write));
}

/*
 * A reader that is killed when the bytes are its already leaves them to the
 * next one; a writer's are on the line.
 */
TEST_F(waiting, fed_then_killed)
{
	pid_t pid = start_child(self, variant->write);

	wait_pending(&self->dev, 1);
	ASSERT_TRUE(hold(pid));
	ASSERT_TRUE(feed(self, variant->write));
	kill(pid, SIGKILL);
	ASSERT_TRUE(let_go());
	ASSERT_EQ(-SIGKILL, child_wait(pid));
	if (!variant->write)
		ASSERT_EQ(LEN, read(self->fd, self->buf, LEN));
	EXPECT_TRUE(moved(self, variant->write));
}

TEST_F(waiting, first_of_two_handlers_interrupts)
{
	handle(SIGUSR1, 0);
	handle(SIGUSR2, SA_RESTART);
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(signal_twice(&self->call, SIGUSR2, SIGUSR1));
	ASSERT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(EINTR, self->call.err);
	EXPECT_EQ(2, handled);
	EXPECT_TRUE(untouched(self, variant->write));
}

TEST_F(waiting, first_of_two_handlers_restarts)
{
	handle(SIGUSR1, SA_RESTART);
	handle(SIGUSR2, 0);
	call_start(&self->call);
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(signal_twice(&self->call, SIGUSR2, SIGUSR1));
	wait_until(handled == 2);
	wait_pending(&self->dev, 1);
	ASSERT_TRUE(feed(self, variant->write));
	ASSERT_EQ(LEN, call_join(&self->call));
	EXPECT_TRUE(moved(self, variant->write));
}

TEST_HARNESS_MAIN
