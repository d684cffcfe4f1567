// SPDX-License-Identifier: GPL-2.0
/*
 * Who tells io_uring of a command's end: the end itself, who submits the command,
 * who cancels it by the same ring, or who has it go with its task. One of two is held
 * where it has the command in hand, and the other comes. Each command completes once.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"
#include "stall_test.h"

#define TAG	17

/* What comes while somebody is held. */
enum meanwhile {
	NOTHING,
	TIME,		/* what the device was told to take is over */
	CANCELED,	/* somebody cancels by ioctl */
	OTHER_RING,	/* or by another ring, which has nothing in hand */
	REMOVED,	/* the device goes */
};

struct knob {
	const char *name, *text;
};

/* One thread submits what is in the ring, and is held where that leads. */
struct held {
	struct call call;
	struct ring *ring;
	int completions;
};

static long do_submit_held(struct call *call)
{
	struct held *held = (struct held *)call;

	pin(CPU_HELD);
	submit(held->ring);
	reap(held->ring, held->completions);
	return 0;
}

static void held_start(struct held *held, struct ring *ring, int completions)
{
	held->call.fn = do_submit_held;
	held->ring = ring;
	held->completions = completions;
	call_start(&held->call);
}

FIXTURE(command)
{
	struct device dev;
	struct ring ring, other;
	struct held held;
	int fd;
	long users;
};

/*
 * @knobs: how the device behaves
 * @state: in which the read waits; NULL: started
 * @point: where the submitter of the read, or of its cancel by the same ring, is held
 * @submitter: it is the first of them
 * @meanwhile, @told: what comes then, and what it is told
 * @read, @cancel: the results
 * @goes_on: the read is there still, and ends so when the device is removed
 * @counted: the reads that were completed, cancelled, failed, late
 */
FIXTURE_VARIANT(command)
{
	struct knob knobs[3];
	const char *state, *point;
	bool submitter;
	enum meanwhile meanwhile;
	long told;
	int read, cancel;
	bool goes_on;
	unsigned int counted[4];
};

#define FOR_EVER	{ "read_latency_ns", "86400000000000" }
#define SOME_TIME	{ "read_latency_ns", "4000000000" }
#define AT_ONCE		{ "read_latency_ns", "0" }
#define SLOW		{ "cancel", "slow" }
#define NEVER		{ "cancel", "once-started-never" }

/* The one who cancels has asked, and somebody else ends it. */
FIXTURE_VARIANT_ADD(command, asked_time) {
	.knobs = { SOME_TIME }, .point = "flagged", .meanwhile = TIME,
	.read = LEN, .cancel = -ENOENT, .counted = { 1, 0, 0, 1 },
};
FIXTURE_VARIANT_ADD(command, asked_canceled) {
	.knobs = { FOR_EVER }, .point = "flagged", .meanwhile = CANCELED, .told = 1,
	.read = -ECANCELED, .cancel = -ENOENT, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, asked_other_ring) {
	.knobs = { FOR_EVER }, .point = "flagged", .meanwhile = OTHER_RING, .told = 1,
	.read = -ECANCELED, .cancel = -ENOENT, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, asked_removed) {
	.knobs = { FOR_EVER }, .point = "flagged", .meanwhile = REMOVED,
	.read = -ENODEV, .cancel = -ENOENT,
};
FIXTURE_VARIANT_ADD(command, asked_slow_removed) {
	.knobs = { FOR_EVER, SLOW }, .point = "flagged", .meanwhile = REMOVED,
	.read = -ENODEV, .cancel = -ENOENT,
};
/* Nobody ends it: it runs on, and its end tells. */
FIXTURE_VARIANT_ADD(command, asked_in_vain) {
	.knobs = { FOR_EVER, NEVER }, .point = "flagged",
	.read = -ENODEV, .cancel = -EALREADY, .goes_on = true,
};
/* The one who cancels has the routine, and nobody else ends it. */
FIXTURE_VARIANT_ADD(command, taken_canceled) {
	.knobs = { FOR_EVER }, .point = "swapped", .meanwhile = CANCELED, .told = 1,
	.read = -ECANCELED, .cancel = 1, .counted = { 0, 1, 0, 0 },
};
/* To another it is one that was cancelled before, though it has not begun. */
FIXTURE_VARIANT_ADD(command, taken_queued_other_ring) {
	.knobs = { FOR_EVER, { "queue", "stop" } }, .state = "queued", .point = "swapped",
	.meanwhile = OTHER_RING, .told = -EALREADY, .read = -ECANCELED, .cancel = 1,
	.counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, taken_removed) {
	.knobs = { FOR_EVER }, .point = "swapped", .meanwhile = REMOVED,
	.read = -ECANCELED, .cancel = 1,
};
FIXTURE_VARIANT_ADD(command, taken_slow_removed) {
	.knobs = { FOR_EVER, SLOW }, .point = "swapped", .meanwhile = REMOVED,
	.read = -ENODEV, .cancel = 1,
};
/* It has ended it, and has not told: it is not found any more. */
FIXTURE_VARIANT_ADD(command, ended_canceled) {
	.knobs = { FOR_EVER }, .point = "notify", .meanwhile = CANCELED, .told = -ENOENT,
	.read = -ECANCELED, .cancel = 1, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, ended_other_ring) {
	.knobs = { FOR_EVER }, .point = "notify", .meanwhile = OTHER_RING, .told = -ENOENT,
	.read = -ECANCELED, .cancel = 1, .counted = { 0, 1, 0, 0 },
};
/* It is about to let it run, and it has ended. */
FIXTURE_VARIANT_ADD(command, let_go_slow_time) {
	.knobs = { FOR_EVER, SLOW, { "abort_latency_ns", "20000000" } }, .point = "release",
	.meanwhile = TIME, .read = -ECANCELED, .cancel = 1, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, let_go_slow_removed) {
	.knobs = { FOR_EVER, SLOW, { "abort_latency_ns", "86400000000000" } }, .point = "release",
	.meanwhile = REMOVED, .read = -ENODEV, .cancel = 1,
};
FIXTURE_VARIANT_ADD(command, let_go_never_time) {
	.knobs = { SOME_TIME, NEVER }, .point = "release", .meanwhile = TIME,
	.read = LEN, .cancel = -ENOENT, .counted = { 1, 0, 0, 1 },
};
FIXTURE_VARIANT_ADD(command, let_go_never_removed) {
	.knobs = { FOR_EVER, NEVER }, .point = "release", .meanwhile = REMOVED,
	.read = -ENODEV, .cancel = -ENOENT,
};
/* The same of the one who submits. */
FIXTURE_VARIANT_ADD(command, submit_time) {
	.knobs = { SOME_TIME }, .point = "release", .submitter = true, .meanwhile = TIME,
	.read = LEN, .counted = { 1, 0, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, submit_canceled) {
	.knobs = { FOR_EVER }, .point = "release", .submitter = true, .meanwhile = CANCELED,
	.told = 1, .read = -ECANCELED, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, submit_other_ring) {
	.knobs = { FOR_EVER }, .point = "release", .submitter = true, .meanwhile = OTHER_RING,
	.told = 1, .read = -ECANCELED, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, submit_queued_canceled) {
	.knobs = { FOR_EVER, { "queue", "stop" } }, .point = "release", .submitter = true,
	.meanwhile = CANCELED, .told = 1, .read = -ECANCELED, .counted = { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(command, submit_removed) {
	.knobs = { FOR_EVER }, .point = "release", .submitter = true, .meanwhile = REMOVED,
	.read = -ENODEV,
};
/* It ends in the submission itself. */
FIXTURE_VARIANT_ADD(command, submit_ended) {
	.knobs = { AT_ONCE, { "faults", "read error=EIO next=1" } }, .point = "notify",
	.submitter = true, .meanwhile = OTHER_RING, .told = -ENOENT, .read = -EIO,
	.counted = { 0, 0, 1, 0 },
};

FIXTURE_SETUP(command)
{
	SKIP_FOR(stall_setup(false));
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "forced", "store");
	SETUP_RING(&self->ring, 0);
	SETUP_RING(&self->other, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(area_fill(self->fd));
	for (int i = 0; i < 3 && variant->knobs[i].name; i++)
		ASSERT_EQ(0, set(&self->dev, variant->knobs[i].name, variant->knobs[i].text));
}

FIXTURE_TEARDOWN(command)
{
	stall_open_all();
	device_unmake("forced");
}

static long come(FIXTURE_DATA(command) *self, enum meanwhile meanwhile)
{
	switch (meanwhile) {
	case NOTHING:
		break;
	case TIME:
		wait_pending(&self->dev, 0);
		break;
	case CANCELED:
		return cancel_by(self->fd, CANCELIO_BY_FILE, 0);
	case OTHER_RING:
		return cancel_tag(&self->other, self->fd, TAG);
	case REMOVED:
		device_unmake("forced");
		break;
	}
	return 0;
}

TEST_F(command, completes_once)
{
	const unsigned int *counted = variant->counted;
	unsigned int before = counters(&self->dev).completed;

	prep_read(&self->ring, 0, self->fd, TAG);
	if (!variant->submitter) {
		submit(&self->ring);
		ASSERT_EQ(1, count_state(&self->dev, variant->state ?: "started", NULL));
		prep_cancel(&self->ring, CANCEL, self->fd, CANCELIO_BY_TAG, TAG,
			    CANCELIO_CANCEL_ONE);
	}
	ASSERT_EQ(0, stall_hold(variant->point, 1));
	/* What it cancels ends where it was submitted. */
	held_start(&self->held, &self->ring, variant->submitter);
	stall_wait_held(variant->point);
	EXPECT_EQ(variant->told, come(self, variant->meanwhile));
	EXPECT_TRUE(stall_is(variant->point, "held"));
	/* Who has it in hand has not told yet, and nobody has in its place. */
	EXPECT_EQ(0, io_uring_cq_ready(&self->ring.uring));
	ASSERT_EQ(0, stall_open(variant->point));

	EXPECT_EQ(0, call_join(&self->held.call));
	if (!variant->submitter) {
		reap_slot(&self->ring, CANCEL, 1);
		EXPECT_EQ(variant->cancel, result(&self->ring, CANCEL));
	}
	if (variant->goes_on) {
		EXPECT_EQ(INT_MAX, result(&self->ring, 0));
		EXPECT_EQ(1, pending(&self->dev));
		device_unmake("forced");
	}
	reap_slot(&self->ring, 0, 1);
	EXPECT_EQ(variant->read, result(&self->ring, 0));
	EXPECT_EQ(variant->read == LEN, is_pattern(self->ring.buf[0], 0, LEN));
	EXPECT_EQ(variant->read != LEN, is_blank(self->ring.buf[0], LEN));
	if (variant->meanwhile != REMOVED && !variant->goes_on)
		EXPECT_TRUE(ended_as(&self->dev, before, counted[0], counted[1], counted[2],
				     counted[3]));

	/* Nothing is left of it that would hold the module. */
	ring_close(&self->ring);
	ring_close(&self->other);
	close(self->fd);
	device_unmake("forced");
	wait_until(module_users() == self->users);
}

/* ---- its end is held, and has not told yet ---- */

FIXTURE(end)
{
	struct device dev;
	struct ring ring;
	struct held held;
	int fd;
};

FIXTURE_SETUP(end)
{
	SKIP_FOR(stall_setup(false));
	MAKE_DEVICE(&self->dev, "forced", "store");
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(area_fill(self->fd));
}

FIXTURE_TEARDOWN(end)
{
	stall_open_all();
	device_unmake("forced");
}

/* Who cancels it by the same ring has it in hand, lets it run, and its end tells. */
TEST_F(end, canceled_by_the_same_ring)
{
	unsigned int before = counters(&self->dev).completed;

	/* The interrupt is not to come in the submission, which has the ring's lock. */
	ASSERT_EQ(0, set(&self->dev, "read_latency_ns", "1000000000"));
	prep_read(&self->ring, 0, self->fd, TAG);
	ASSERT_EQ(0, stall_hold("notify", 1));
	held_start(&self->held, &self->ring, 1);
	wait_in_syscall(&self->held.call, SYS_io_uring_enter);
	stall_wait_held("notify");
	EXPECT_EQ(-ENOENT, cancel_tag(&self->ring, self->fd, TAG));
	EXPECT_TRUE(stall_is("notify", "held"));
	EXPECT_EQ(0, self->ring.count[0]);
	ASSERT_EQ(0, stall_open("notify"));
	EXPECT_EQ(0, call_join(&self->held.call));
	EXPECT_EQ(LEN, result(&self->ring, 0));
	EXPECT_TRUE(is_pattern(self->ring.buf[0], 0, LEN));
	EXPECT_TRUE(ended_as(&self->dev, before, 1, 0, 0, 0));
	ring_close(&self->ring);
}

/* ---- its task leaves it ---- */

FIXTURE(leave)
{
	struct device dev;
	struct call write;
	unsigned char out[LEN];
	int fd, go[2], ready[2];
	pid_t child;
	long users;
};

FIXTURE_VARIANT(leave)
{
	const char *model;
	/* Where whoever leaves it is held, or, on a stream, who brings it its bytes. */
	const char *point;
	struct knob knobs[3];
	enum meanwhile meanwhile;
	unsigned int counted[4];
};

/* It has asked, and somebody else ends it. */
FIXTURE_VARIANT_ADD(leave, asked_time) {
	"store", "flagged", { SOME_TIME }, TIME, { 1, 0, 0, 1 },
};
FIXTURE_VARIANT_ADD(leave, asked_canceled) {
	"store", "flagged", { FOR_EVER }, CANCELED, { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(leave, asked_removed) { "store", "flagged", { FOR_EVER }, REMOVED };
FIXTURE_VARIANT_ADD(leave, taken_slow_removed) {
	"store", "swapped", { FOR_EVER, SLOW }, REMOVED,
};
FIXTURE_VARIANT_ADD(leave, ended) {
	"store", "notify", { FOR_EVER }, CANCELED, { 0, 1, 0, 0 },
};
/* Its bytes have come, and it does not know: they are the next one's. */
FIXTURE_VARIANT_ADD(leave, bytes) { "stream", "notify", .counted = { 1, 0, 0, 0 } };

static long do_write_held(struct call *call)
{
	pin(CPU_HELD);
	return do_write(call);
}

/* A process whose read waits, until it is told to go. */
static pid_t leaver_start(FIXTURE_DATA(leave) *self, int cpu)
{
	static struct ring ring;
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(cpu);
	if (ring_setup(&ring, 0))
		_exit(2);
	prep_read(&ring, 0, self->fd, TAG);
	submit(&ring);
	/* What it becomes tells of nothing. */
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	if (write(self->ready[1], "", 1) != 1 || read(self->go[0], &byte, 1) != 1)
		_exit(3);
	execl("/proc/self/exe", "left", "-h", NULL);
	_exit(1);
}

/* Whether the kernel says of each command that its task goes, in that task. */
static bool uring_exits(int fd)
{
	struct cancelio_info info = { 0 };

	return !ioctl(fd, CANCELIO_IOC_INFO, &info) &&
	       info.features & CANCELIO_FEATURE_URING_EXIT;
}

static bool is_zombie(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

FIXTURE_SETUP(leave)
{
	SKIP_FOR(stall_setup(true));
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "forced", variant->model);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	if (!uring_exits(self->fd))
		SKIP(return, "this kernel has somebody else leave them");
	for (int i = 0; i < 3 && variant->knobs[i].name; i++)
		ASSERT_EQ(0, set(&self->dev, variant->knobs[i].name, variant->knobs[i].text));
	ASSERT_EQ(0, pipe2(self->go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(self->ready, O_CLOEXEC));
	fill_pattern(self->out, 0, LEN);
}

FIXTURE_TEARDOWN(leave)
{
	stall_open_all();
	device_unmake("forced");
}

static void leaver_wait(FIXTURE_DATA(leave) *self)
{
	char byte;

	if (read(self->ready[0], &byte, 1) != 1)
		abort();
}

static void leaver_go(FIXTURE_DATA(leave) *self)
{
	if (write(self->go[1], "", 1) != 1)
		abort();
}

TEST_F(leave, by_exec)
{
	const unsigned int *counted = variant->counted;
	bool stream = !strcmp(variant->model, "stream");
	unsigned char in[2 * LEN];

	self->child = leaver_start(self, stream ? CPU_CANCELLER : CPU_HELD);
	leaver_wait(self);
	ASSERT_EQ(1, pending(&self->dev));
	ASSERT_EQ(0, stall_hold(variant->point, 1));
	if (stream) {
		self->write = (struct call){
			.fn = do_write_held, .fd = self->fd, .buf = self->out, .len = LEN,
		};
		call_start(&self->write);
	} else {
		leaver_go(self);
	}
	stall_wait_held(variant->point);
	if (stream) {
		leaver_go(self);
		/* It does not wait for what is held. */
		wait_until(is_zombie(self->child));
	}
	switch (variant->meanwhile) {
	case TIME:
		wait_pending(&self->dev, 0);
		break;
	case CANCELED:
		cancel_by(self->fd, CANCELIO_BY_DEVICE, 0);
		break;
	case REMOVED:
		device_unmake("forced");
		break;
	default:
		break;
	}
	EXPECT_TRUE(stall_is(variant->point, "held"));
	ASSERT_EQ(0, stall_open(variant->point));

	/* What it has become says so when it is asked for help. */
	EXPECT_EQ(KSFT_SKIP, child_wait(self->child));
	if (stream) {
		EXPECT_EQ(LEN, call_join(&self->write));
		EXPECT_EQ(LEN, read(self->fd, in, sizeof(in)));
		EXPECT_TRUE(is_pattern(in, 0, LEN));
	}
	if (variant->meanwhile != REMOVED)
		EXPECT_TRUE(ended_as(&self->dev, 1, counted[0], counted[1], counted[2],
				     counted[3]));
	close(self->fd);
	device_unmake("forced");
	wait_until(module_users() == self->users);
}

TEST_HARNESS_MAIN
