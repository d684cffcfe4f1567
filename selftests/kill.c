// SPDX-License-Identifier: GPL-2.0
/*
 * SIGKILL ends whoever waits, whatever the device makes of it. What a stubborn
 * device has still to do is left behind, and does no harm.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define LEN	16

static const struct {
	const char *name;
	long (*fn)(struct call *call);
} ops[] = {
	{ "open", do_open }, { "read", do_read }, { "write", do_write }, { "flush", do_fsync },
	{ "control", do_info },
};

static const char *const latencies[] = {
	"open_latency_ns", "read_latency_ns", "write_latency_ns", "flush_latency_ns",
	"control_latency_ns",
};

FIXTURE(killed)
{
	struct device dev;
	char buf[LEN];
};

FIXTURE_VARIANT(killed)
{
	const char *mode;
	/* One more knob, if not NULL. */
	const char *knob, *value;
	const char *state;
	/* The request is there still when who made it is gone. */
	bool stays;
	/* It never is where an open or a control is. */
	bool transfers_only;
};

FIXTURE_VARIANT_ADD(killed, prompt) { "prompt", .state = "started" };
FIXTURE_VARIANT_ADD(killed, slow) { "slow", .state = "started", .stays = true };
FIXTURE_VARIANT_ADD(killed, poll) { "poll", .state = "started", .stays = true };
FIXTURE_VARIANT_ADD(killed, never) { "once-started-never", .state = "started", .stays = true };
FIXTURE_VARIANT_ADD(killed, hung) { "prompt", "faults", "all hang rate=1000000", "started" };
FIXTURE_VARIANT_ADD(killed, hung_never) {
	"once-started-never", "faults", "all hang rate=1000000", "started", true
};
FIXTURE_VARIANT_ADD(killed, stuck) {
	"once-started-never", "stuck", "64", "queued", .transfers_only = true
};
FIXTURE_VARIANT_ADD(killed, queued) {
	"once-started-never", "queue", "stop", "queued", .transfers_only = true
};

static void behave(const struct device *dev, const char *mode, const char *knob, const char *value)
{
	if (set(dev, "cancel", mode) || (knob && set(dev, knob, value)))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(latencies); i++)
		set_latency(dev, latencies[i], FOREVER);
	set_latency(dev, "abort_latency_ns", FOREVER);
	set_latency(dev, "poll_interval_ns", FOREVER);
}

FIXTURE_SETUP(killed)
{
	MAKE_DEVICE(&self->dev, "killed", "store");
}

FIXTURE_TEARDOWN(killed)
{
	device_unmake("killed");
}

/* Has a child make a call. */
static pid_t start(const struct device *dev, struct call *call, const char *state)
{
	pid_t pid = child_start(call, -2);

	wait_state(dev, state, 1);
	return pid;
}

TEST_F(killed, operations)
{
	for (size_t i = variant->transfers_only; i < ARRAY_SIZE(ops) - variant->transfers_only; i++) {
		struct call call = {
			.fn = ops[i].fn, .path = self->dev.node, .buf = self->buf, .len = LEN,
		};
		struct seen seen;
		pid_t pid;

		call.fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
		behave(&self->dev, variant->mode, variant->knob, variant->value);
		pid = start(&self->dev, &call, variant->state);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(-SIGKILL, child_wait(pid));
		if (variant->stays) {
			ASSERT_EQ(1, see(&self->dev, &seen, 1));
			EXPECT_STREQ(ops[i].name, seen.op);
			EXPECT_STREQ("started", seen.state);
			EXPECT_STREQ("yes", seen.canceled);
			EXPECT_STREQ("no", seen.cancelable);
		} else {
			EXPECT_EQ(0, pending(&self->dev));
		}
		/* Neither the open file nor the directory wait for what is left. */
		EXPECT_EQ(0, close(call.fd));
		ASSERT_EQ(0, config_put("killed", "live", "0"));
		ASSERT_EQ(0, rmdir(CONFIGFS "/killed"));
		ASSERT_EQ(NULL, device_make(&self->dev, "killed", "store", NULL));
	}
}

FIXTURE(leftover)
{
	struct device dev;
	struct call call;
	unsigned char buf[LEN];
};

FIXTURE_VARIANT(leftover)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(leftover, stream) { "stream" };
FIXTURE_VARIANT_ADD(leftover, store) { "store" };

FIXTURE_SETUP(leftover)
{
	MAKE_DEVICE(&self->dev, "killed", variant->model);
	self->call = (struct call){
		.fn = do_read, .fd = open(self->dev.node, O_RDWR | O_CLOEXEC),
		.buf = self->buf, .len = LEN,
	};
	ASSERT_LE(0, self->call.fd);
}

FIXTURE_TEARDOWN(leftover)
{
	device_unmake("killed");
}

static pid_t kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	return child_wait(pid);
}

/* All threads of a process, and nothing of another's. */
TEST_F(leftover, threads)
{
	struct call calls[10];
	pid_t pid;

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	call_start(&self->call);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < 10; i++) {
			calls[i] = self->call;
			call_start(&calls[i]);
		}
		for (;;)
			pause();
	}
	wait_state(&self->dev, "started", 11);
	EXPECT_EQ(-SIGKILL, kill_child(pid));
	wait_canceled(&self->dev, 10);
	EXPECT_EQ(11, pending(&self->dev));
	EXPECT_FALSE(call_done(&self->call));
}

/* Each ends when its device lets it, and is counted as what it was. */
TEST_F(leftover, ends_later)
{
	bool store = !strcmp(variant->model, "store");
	struct counters c;
	pid_t pid;

	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
	set_latency(&self->dev, "abort_latency_ns", 500 * MSEC);
	set_latency(&self->dev, "read_latency_ns", store ? FOREVER : 0);
	pid = start(&self->dev, &self->call, "started");
	EXPECT_EQ(-SIGKILL, kill_child(pid));
	wait_pending(&self->dev, 0);
	c = counters(&self->dev);
	EXPECT_EQ(1, c.cancelled);
	EXPECT_EQ(0, c.late);

	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	set_latency(&self->dev, "read_latency_ns", store ? 3000 * MSEC : 0);
	pid = start(&self->dev, &self->call, "started");
	EXPECT_EQ(-SIGKILL, kill_child(pid));
	EXPECT_EQ(1, pending(&self->dev));
	if (!store)
		ASSERT_EQ(1, write(self->call.fd, "x", 1));
	wait_pending(&self->dev, 0);
	EXPECT_EQ(c.completed + 1, counters(&self->dev).completed);
	EXPECT_EQ(1, counters(&self->dev).late);
}

/* Who waits for room among an open file's requests has none to leave behind. */
TEST_F(leftover, who_waits_for_room)
{
	struct call other = self->call;
	pid_t pid;

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	ASSERT_EQ(0, set(&self->dev, "max_pending", "1"));
	call_start(&self->call);
	wait_state(&self->dev, "started", 1);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		call_start(&other);
		wait_in_syscall(&other, SYS_read);
		kill(getpid(), SIGKILL);
	}
	EXPECT_EQ(-SIGKILL, child_wait(pid));
	EXPECT_EQ(1, pending(&self->dev));
	EXPECT_EQ(1, cancel_by(self->call.fd, CANCELIO_BY_FILE, 0));
	EXPECT_EQ(-1, call_join(&self->call));
	/* The room is there for the next. */
	call_start(&other);
	wait_state(&self->dev, "started", 1);
}

/* ---- the stream: nothing is lost ---- */

FIXTURE(line)
{
	struct device dev;
	int fd;
	unsigned char *buf;
};

FIXTURE_SETUP(line)
{
	MAKE_DEVICE(&self->dev, "killed", "stream");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	self->buf = malloc(2 * self->dev.size);
	fill_pattern(self->buf, 0, 2 * self->dev.size);
}

FIXTURE_TEARDOWN(line)
{
	device_unmake("killed");
}

/* The bytes that a killed reader's request got are for the next, as is its turn. */
TEST_F(line, killed_reader)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf + 1000, .len = LEN };
	pid_t pid = start(&self->dev, &call, "started");

	EXPECT_EQ(-SIGKILL, kill_child(pid));
	EXPECT_EQ(1, pending(&self->dev));
	call_start(&call);
	wait_pending(&self->dev, 2);
	ASSERT_EQ(LEN, write(self->fd, self->buf, LEN));
	ASSERT_EQ(LEN, call_join(&call));
	EXPECT_TRUE(is_pattern(call.buf, 0, LEN));
	EXPECT_EQ(0, pending(&self->dev));
	EXPECT_EQ(0, drain(&self->dev));
}

/* What a killed writer has given to the device goes on the line, in its place. */
TEST_F(line, killed_writer)
{
	struct call call = { .fn = do_write, .fd = self->fd, .buf = self->buf, .len = LEN };
	size_t size = self->dev.size;
	unsigned char *got = malloc(size);
	pid_t pid;

	fill_pattern(self->buf, size, LEN);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fill_pattern(got, 0, size);
		if (write(self->fd, got, size) != (ssize_t)size)
			_exit(1);
		do_write(&call);
		_exit(2);
	}
	wait_state(&self->dev, "started", 1);
	EXPECT_EQ(-SIGKILL, kill_child(pid));
	EXPECT_EQ(1, pending(&self->dev));
	ASSERT_EQ(size, read(self->fd, got, size));
	EXPECT_TRUE(is_pattern(got, 0, size));
	wait_pending(&self->dev, 0);
	ASSERT_EQ(LEN, read(self->fd, got, size));
	EXPECT_TRUE(is_pattern(got, size, LEN));
}

/* ---- sent down ---- */

TEST(sent_down)
{
	struct device lower, upper;
	struct call call = { .fn = do_read, .len = LEN, .buf = malloc(LEN) };
	pid_t pid;

	MAKE_DEVICE(&lower, "killed_lower", "store");
	SKIP_FOR(device_make(&upper, "killed", "store", &lower));
	ASSERT_EQ(0, set(&lower, "cancel", "once-started-never"));
	set_latency(&lower, "read_latency_ns", FOREVER);
	call.fd = open(upper.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, call.fd);
	pid = child_start(&call, -2);
	wait_state(&lower, "started", 1);
	EXPECT_EQ(-SIGKILL, kill_child(pid));
	wait_canceled(&lower, 1);
	EXPECT_EQ(1, pending(&upper));
	/* It is the lower one's as long as that lives. */
	ASSERT_EQ(0, config_put("killed_lower", "live", "0"));
	wait_pending(&upper, 0);
	EXPECT_EQ(1, counters(&upper).failed);
	EXPECT_EQ(1, counters(&upper).late);
	close(call.fd);
	device_unmake("killed");
	device_unmake("killed_lower");
}

TEST_HARNESS_MAIN
