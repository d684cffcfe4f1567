// SPDX-License-Identifier: GPL-2.0
/*
 * A canceller is held between its two steps: it has set the flag, and has not
 * asked who may be told. Meanwhile the request ends by somebody else; and the
 * races of several requests in one queue, and of a stream's two ends.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "stall_test.h"

#define LEN	100
#define READS	4

FIXTURE(flagged)
{
	struct device dev;
	int fd;
	unsigned char buf[READS][LEN];
	struct call reads[READS];
	struct canceller canceller;
};

FIXTURE_SETUP(flagged)
{
	SKIP_FOR(stall_setup(false));
	MAKE_DEVICE(&self->dev, "forced", "store");
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", FOREVER));
	self->fd = open(self->dev.node, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	for (int i = 0; i < READS; i++)
		self->reads[i] = (struct call){
			.fn = do_pread, .fd = self->fd, .buf = self->buf[i], .len = LEN,
		};
	/* It is the canceller that is held. */
	self->canceller = (struct canceller){ .by = CANCELIO_BY_FILE, .cpu = CPU_HELD };
}

FIXTURE_TEARDOWN(flagged)
{
	stall_open_all();
	device_unmake("forced");
}

/* So many reads wait, the first of them the oldest. */
static void start_reads(FIXTURE_DATA(flagged) *self, int count)
{
	for (int i = 0; i < count; i++) {
		call_start(&self->reads[i]);
		wait_in_syscall(&self->reads[i], SYS_pread64);
	}
}

static void hold_canceller(FIXTURE_DATA(flagged) *self)
{
	stall_hold("flagged", 1);
	canceller_start(&self->canceller, self->fd);
	canceller_go(&self->canceller);
	stall_wait_held("flagged");
}

static long let_canceller_go(FIXTURE_DATA(flagged) *self)
{
	stall_open("flagged");
	return call_join(&self->canceller.call);
}

/* Two who cancel: one has the routine, the other finds nobody to tell. */
TEST_F(flagged, other_canceller)
{
	start_reads(self, 1);
	hold_canceller(self);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&self->reads[0]));
	EXPECT_EQ(ECANCELED, self->reads[0].err);
	EXPECT_EQ(1, let_canceller_go(self));
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, 1, 0, 0));
}

/* Interleaving 6: a purge ends both what waits and what was started. */
TEST_F(flagged, purge)
{
	struct seen seen[2];

	ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	start_reads(self, 2);
	ASSERT_EQ(2, see(&self->dev, seen, 2));
	ASSERT_STREQ("queued", seen[1].state);
	self->canceller.by = CANCELIO_BY_ID;
	self->canceller.value = seen[1].id;
	hold_canceller(self);
	EXPECT_EQ(0, set(&self->dev, "queue", "purge"));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-1, call_join(&self->reads[i]));
		EXPECT_EQ(ECANCELED, self->reads[i].err);
	}
	EXPECT_EQ(1, let_canceller_go(self));
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, 2, 0, 0));
}

/*
 * A canceller has found a read that its caller's signal ends, and that is made again: who has
 * come too late is not told that there was one, and asks of the next.
 */
TEST_F(flagged, restarted)
{
	handle(SIGUSR1, SA_RESTART);
	start_reads(self, 1);
	ASSERT_EQ(0, stall_hold("found", 1));
	canceller_start(&self->canceller, self->fd);
	canceller_go(&self->canceller);
	stall_wait_held("found");
	call_signal(&self->reads[0], SIGUSR1);
	wait_until(handled == 1);
	wait_pending(&self->dev, 1);
	stall_open("found");
	EXPECT_EQ(-ENOENT, call_join(&self->canceller.call));
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&self->reads[0]));
	EXPECT_EQ(ECANCELED, self->reads[0].err);
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, 2, 0, 0));
}

/* D-CLEAN-2: the last close of the file cancels it. */
TEST_F(flagged, close)
{
	start_reads(self, 1);
	hold_canceller(self);
	EXPECT_EQ(0, close(self->fd));
	EXPECT_EQ(-1, call_join(&self->reads[0]));
	EXPECT_EQ(ECANCELED, self->reads[0].err);
	EXPECT_EQ(1, let_canceller_go(self));
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, 1, 0, 0));
}

/* The device is removed under it. */
TEST_F(flagged, removal)
{
	start_reads(self, 1);
	hold_canceller(self);
	device_unmake("forced");
	EXPECT_EQ(-1, call_join(&self->reads[0]));
	EXPECT_EQ(ENODEV, self->reads[0].err);
	EXPECT_EQ(1, let_canceller_go(self));
}

/* Interleaving 5, D-CANC-3: the timer ends it, and its memory is there all the same. */
TEST_F(flagged, timer)
{
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", 2000 * MSEC));
	ASSERT_EQ(0, stall_hold("flagged", 1));
	canceller_start(&self->canceller, self->fd);
	start_reads(self, 1);
	canceller_go(&self->canceller);
	stall_wait_held("flagged");
	EXPECT_EQ(LEN, call_join(&self->reads[0]));
	EXPECT_EQ(1, let_canceller_go(self));
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 1));
}

/* K-SYNC-2: the last part ends the master. */
TEST_F(flagged, parts)
{
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", 2000 * MSEC));
	ASSERT_EQ(0, set(&self->dev, "split", "40"));
	ASSERT_EQ(0, stall_hold("flagged", 1));
	canceller_start(&self->canceller, self->fd);
	start_reads(self, 1);
	canceller_go(&self->canceller);
	stall_wait_held("flagged");
	EXPECT_EQ(LEN, call_join(&self->reads[0]));
	EXPECT_EQ(1, let_canceller_go(self));
	EXPECT_TRUE(ended_as(&self->dev, 1, 4, 0, 0, 1));
}

/*
 * Interleaving 4, D-SCR-4: whoever starts what waits is held with the lock when
 * it has the first. The second is cancelled and passed over, the third is next.
 */
TEST_F(flagged, passed_over)
{
	struct seen seen[READS];
	char path[128];
	struct call change = { .fn = do_put_held, .path = path, .buf = "3" };

	if (processors() < 3)
		SKIP(return, "needs more processors");
	ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	start_reads(self, READS);
	ASSERT_EQ(READS, see(&self->dev, seen, READS));
	self->canceller.by = CANCELIO_BY_ID;
	self->canceller.value = seen[2].id;
	self->canceller.cpu = CPU_CANCELLER;
	canceller_start(&self->canceller, self->fd);
	ASSERT_EQ(0, stall_hold("dequeued", 1));
	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/channels", self->dev.name);
	call_start(&change);
	stall_wait_held("dequeued");
	canceller_go(&self->canceller);
	wait_until(count_taken(&self->dev) == 1);
	ASSERT_EQ(0, stall_open("dequeued"));

	EXPECT_EQ(0, call_join(&change));
	EXPECT_EQ(1, call_join(&self->canceller.call));
	EXPECT_EQ(-1, call_join(&self->reads[2]));
	EXPECT_EQ(ECANCELED, self->reads[2].err);
	EXPECT_EQ(3, count_state(&self->dev, "started", "yes"));
	EXPECT_EQ(3, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	for (int i = 0; i < READS; i++)
		wait_until(call_done(&self->reads[i]));
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, READS, 0, 0));
}

/* ---- a stream ---- */

FIXTURE(line)
{
	struct device dev;
	int fd;
	unsigned char in[LEN], out[LEN];
	struct call read, write;
	struct canceller canceller;
};

static long do_write_held(struct call *call)
{
	pin(CPU_HELD);
	return do_write(call);
}

static long do_read_held(struct call *call)
{
	pin(CPU_HELD);
	return do_read(call);
}

FIXTURE_SETUP(line)
{
	SKIP_FOR(stall_setup(false));
	MAKE_DEVICE(&self->dev, "forced", "stream");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	fill_pattern(self->out, 0, LEN);
	self->read = (struct call){
		.fn = do_read, .fd = self->fd, .buf = self->in, .len = LEN,
	};
	self->write = (struct call){
		.fn = do_write_held, .fd = self->fd, .buf = self->out, .len = LEN,
	};
	self->canceller = (struct canceller){ .by = CANCELIO_BY_FILE, .cpu = CPU_HELD };
}

FIXTURE_TEARDOWN(line)
{
	stall_open_all();
	device_unmake("forced");
}

static bool has_read(FIXTURE_DATA(line) *self)
{
	return call_join(&self->read) == LEN && is_pattern(self->in, 0, LEN);
}

/* Interleaving 3: who brings the bytes has the read already. */
TEST_F(line, writer_has_the_read)
{
	call_start(&self->read);
	wait_in_syscall(&self->read, SYS_read);
	ASSERT_EQ(0, stall_hold("unmarked", 1));
	call_start(&self->write);
	stall_wait_held("unmarked");
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_FALSE(call_done(&self->read));
	ASSERT_EQ(0, stall_open("unmarked"));
	EXPECT_EQ(LEN, call_join(&self->write));
	EXPECT_TRUE(has_read(self));
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 1));
}

/* Interleaving 5: the bytes come when the canceller has set the flag. */
TEST_F(line, bytes_come)
{
	call_start(&self->read);
	wait_in_syscall(&self->read, SYS_read);
	ASSERT_EQ(0, stall_hold("flagged", 1));
	canceller_start(&self->canceller, self->fd);
	canceller_go(&self->canceller);
	stall_wait_held("flagged");
	ASSERT_EQ(LEN, write(self->fd, self->out, LEN));
	EXPECT_TRUE(has_read(self));
	ASSERT_EQ(0, stall_open("flagged"));
	EXPECT_EQ(1, call_join(&self->canceller.call));
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 1));
}

/* The same by a signal: the reader itself cancels, and the bytes are not lost. */
TEST_F(line, bytes_come_after_a_signal)
{
	handle(SIGUSR1, 0);
	self->read.fn = do_read_held;
	call_start(&self->read);
	wait_in_syscall(&self->read, SYS_read);
	ASSERT_EQ(0, stall_hold("flagged", 1));
	call_signal(&self->read, SIGUSR1);
	stall_wait_held("flagged");
	ASSERT_EQ(LEN, write(self->fd, self->out, LEN));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_FALSE(call_done(&self->read));
	ASSERT_EQ(0, stall_open("flagged"));
	EXPECT_TRUE(has_read(self));
	EXPECT_EQ(1, handled);
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 1));
}

/* The signal was first: the read ends, and the bytes stay for the next. */
TEST_F(line, signal_before_bytes)
{
	handle(SIGUSR1, 0);
	self->read.fn = do_read_held;
	call_start(&self->read);
	wait_in_syscall(&self->read, SYS_read);
	ASSERT_EQ(0, stall_hold("notify", 1));
	call_signal(&self->read, SIGUSR1);
	stall_wait_held("notify");
	ASSERT_EQ(LEN, write(self->fd, self->out, LEN));
	ASSERT_EQ(0, stall_open("notify"));
	EXPECT_EQ(-1, call_join(&self->read));
	EXPECT_EQ(EINTR, self->read.err);
	EXPECT_EQ(1, handled);
	EXPECT_EQ(LEN, read(self->fd, self->in, LEN));
	EXPECT_TRUE(is_pattern(self->in, 0, LEN));
	EXPECT_TRUE(ended_as(&self->dev, 1, 0, 1, 0, 0));
}

/* The reader knows, by a signal, and is gone before who brings the bytes would wake it. */
TEST_F(line, reader_is_gone_before_it_is_woken)
{
	handle(SIGUSR1, 0);
	call_start(&self->read);
	wait_in_syscall(&self->read, SYS_read);
	ASSERT_EQ(0, stall_hold("ended", 1));
	call_start(&self->write);
	stall_wait_held("ended");
	call_signal(&self->read, SIGUSR1);
	wait_until(call_done(&self->read));
	EXPECT_TRUE(stall_is("ended", "held"));
	EXPECT_EQ(LEN, self->read.ret);
	EXPECT_TRUE(is_pattern(self->in, 0, LEN));
	EXPECT_EQ(1, handled);
	ASSERT_EQ(0, stall_open("ended"));
	EXPECT_TRUE(has_read(self));
	EXPECT_EQ(LEN, call_join(&self->write));
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 0));
}

/* It is killed while who brings the bytes is held: they stay for the next. */
static void kill_reader(struct __test_metadata *_metadata, FIXTURE_DATA(line) *self,
			const char *held)
{
	struct seen seen;
	pid_t child = child_start(&self->read, LEN);

	wait_until(see(&self->dev, &seen, 1) == 1 && asleep(seen.tid));
	ASSERT_EQ(child, seen.pid);
	ASSERT_EQ(0, stall_hold(held, 1));
	call_start(&self->write);
	stall_wait_held(held);
	kill(child, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(child));
	EXPECT_TRUE(stall_is(held, "held"));
	ASSERT_EQ(0, stall_open(held));
	EXPECT_EQ(LEN, call_join(&self->write));
	EXPECT_EQ(LEN, read(self->fd, self->in, LEN));
	EXPECT_TRUE(is_pattern(self->in, 0, LEN));
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 0));
}

TEST_F(line, reader_is_killed_before_it_is_told)
{
	kill_reader(_metadata, self, "notify");
}

/* Its turn at the line, which it has by then, goes to the next as well. */
TEST_F(line, reader_is_killed_when_it_has_its_turn)
{
	kill_reader(_metadata, self, "ended");
}

TEST_HARNESS_MAIN
