// SPDX-License-Identifier: GPL-2.0
/*
 * The watchdog: what was cancelled and does not end is named in the kernel's
 * log, once.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

FIXTURE(watchdog)
{
	struct device dev;
	int fd, kmsg;
	char buf[16];
	struct call call;
};

FIXTURE_SETUP(watchdog)
{
	MAKE_DEVICE(&self->dev, "watchdog", "store");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->kmsg);
	lseek(self->kmsg, 0, SEEK_END);
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	self->call = (struct call){ .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 16 };
}

FIXTURE_TEARDOWN(watchdog)
{
	device_unmake("watchdog");
}

/*
 * The lines about the device since the last look. Return: how many; the last
 * one is in @last.
 */
static int lines(FIXTURE_DATA(watchdog) *self, char last[512])
{
	char record[2048], name[64], *text;
	ssize_t n;
	int count = 0;

	snprintf(name, sizeof(name), "%s: ", self->dev.name);
	for (;;) {
		n = read(self->kmsg, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n < 0)
			return count;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || !strstr(text, name))
			continue;
		record[strcspn(record, "\n")] = '\0';
		snprintf(last, 512, "%s", strstr(text, name) + strlen(name));
		count++;
	}
}

static void start(FIXTURE_DATA(watchdog) *self, uint64_t latency)
{
	set_latency(&self->dev, "read_latency_ns", latency);
	call_start(&self->call);
	wait_state(&self->dev, "started", 1);
}

static unsigned long long overdue(FIXTURE_DATA(watchdog) *self)
{
	return counters(&self->dev).overdue;
}

TEST_F(watchdog, names_it_once)
{
	char last[512], expected[512];
	uint64_t begun;

	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "1"));
	start(self, 3500 * MSEC);
	begun = now_ns();
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(0, overdue(self));
	wait_until(overdue(self));
	EXPECT_LE(1000 * MSEC, now_ns() - begun);
	EXPECT_EQ(1, lines(self, last));
	snprintf(expected, sizeof(expected), "read 2 of process %d was cancelled 1 s ago and has not ended",
		 getpid());
	EXPECT_STREQ(expected, last);
	/* Asked again, it is looked at again; but it is known. */
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(16, call_join(&self->call));
	EXPECT_EQ(0, lines(self, last));
	EXPECT_EQ(1, overdue(self));
	EXPECT_EQ(1, counters(&self->dev).late);
}

/* Several, with their own times; a part of a request is named without a process. */
TEST_F(watchdog, names_each)
{
	char last[512];

	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "1"));
	ASSERT_EQ(0, set(&self->dev, "split", "8"));
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	call_start(&self->call);
	wait_state(&self->dev, "started", 3);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	wait_until(overdue(self) == 3);
	EXPECT_EQ(3, lines(self, last));
	EXPECT_EQ(0, strncmp(last, "read 4 was cancelled ", 21));
	EXPECT_EQ(NULL, strstr(last, "process"));
}

/* One whose time is not over when another is named: the watchdog comes back for it. */
TEST_F(watchdog, names_the_later_one_later)
{
	struct call later = self->call;
	uint64_t asked;

	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "2"));
	start(self, FOREVER);
	call_start(&later);
	wait_state(&self->dev, "started", 2);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_THREAD, self->call.tid));
	asked = now_ns();
	wait_until(now_ns() - asked > 1500 * MSEC);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_THREAD, later.tid));
	wait_until(overdue(self) == 2);
	EXPECT_LE(3500 * MSEC, now_ns() - asked);
}

/* A day is not over, a second is. */
TEST_F(watchdog, another_time_holds_at_once)
{
	uint64_t asked;
	char last[512];

	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "86400"));
	start(self, FOREVER);
	cancel_by(self->fd, CANCELIO_BY_FILE, 0);
	asked = now_ns();
	wait_until(now_ns() - asked > 1200 * MSEC);
	EXPECT_EQ(0, overdue(self));
	EXPECT_EQ(0, lines(self, last));
	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "1"));
	wait_until(overdue(self) == 1);
	EXPECT_EQ(1, lines(self, last));
}

TEST_F(watchdog, off)
{
	uint64_t asked;

	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "1"));
	start(self, FOREVER);
	cancel_by(self->fd, CANCELIO_BY_FILE, 0);
	asked = now_ns();
	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "0"));
	wait_until(now_ns() - asked > 1500 * MSEC);
	EXPECT_EQ(0, overdue(self));
	/* It was late all the time. */
	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "1"));
	wait_until(overdue(self) == 1);
}

/* What ends in time, and what nobody has cancelled. */
TEST_F(watchdog, leaves_others_alone)
{
	struct call other = self->call;
	uint64_t asked;
	char last[512];

	ASSERT_EQ(0, set(&self->dev, "watchdog_s", "1"));
	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
	set_latency(&self->dev, "abort_latency_ns", 300 * MSEC);
	start(self, FOREVER);
	call_start(&other);
	wait_state(&self->dev, "started", 2);
	EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_THREAD, other.tid));
	asked = now_ns();
	call_join(&other);
	EXPECT_EQ(ECANCELED, other.err);
	wait_until(now_ns() - asked > 1500 * MSEC);
	EXPECT_EQ(0, overdue(self));
	EXPECT_EQ(0, lines(self, last));
	EXPECT_EQ(1, pending(&self->dev));
}

TEST_HARNESS_MAIN
