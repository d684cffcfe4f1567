// SPDX-License-Identifier: GPL-2.0
/*
 * Who tells libaio of a request's end: the end itself, who submits it, or who has it
 * go with its context. One of two is held, and the other comes. Each request has one
 * event.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "stall_test.h"
#include <linux/aio_abi.h>
#include <sys/utsname.h>

#define LEN	100

/* What comes while somebody is held. */
enum meanwhile {
	TIME,		/* what the device was told to take is over */
	IO_CANCEL,
	CANCELED,	/* somebody cancels by ioctl */
	REMOVED,	/* the device goes */
};

/* One read, by a thread that may be held there. */
struct aio_call {
	struct call call;
	aio_context_t ctx;
	struct iocb iocb;
};

static long do_io_submit_held(struct call *call)
{
	struct aio_call *aio = (struct aio_call *)call;
	struct iocb *list[] = { &aio->iocb };

	pin(CPU_HELD);
	return syscall(SYS_io_submit, aio->ctx, 1, list);
}

/* Return: NULL, or why the test cannot be run. */
static const char *context_create(struct aio_call *aio, int fd, void *buf)
{
	*aio = (struct aio_call){
		.call = { .fn = do_io_submit_held },
		.iocb = {
			.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd,
			.aio_buf = (unsigned long)buf, .aio_nbytes = LEN, .aio_data = 4711,
		},
	};
	if (syscall(SYS_io_setup, 4, &aio->ctx))
		return "this kernel gives no context for libaio";
	return NULL;
}

static long context_destroy(struct aio_call *aio)
{
	return syscall(SYS_io_destroy, aio->ctx);
}

/* The result of the one event that there is, or that comes. */
static long aio_result(struct aio_call *aio)
{
	struct io_event events[2];
	struct timespec none = { 0 };

	if (syscall(SYS_io_getevents, aio->ctx, 1, 1, events, NULL) != 1)
		return INT_MAX;
	/* And not another. */
	if (syscall(SYS_io_getevents, aio->ctx, 0, 1, events + 1, &none) ||
	    events[0].data != 4711)
		return INT_MIN;
	return events[0].res;
}

static long aio_cancel(struct aio_call *aio)
{
	struct io_event event;

	return syscall(SYS_io_cancel, aio->ctx, &aio->iocb, &event) ? -errno : 0;
}

FIXTURE(aio)
{
	struct device dev;
	struct aio_call aio;
	unsigned char buf[LEN];
	int fd;
	long users;
};

/*
 * @latency: what the read takes
 * @knob, @value: one more, if not NULL
 * @point: where who submits is held, or the timer that ends it
 * @meanwhile, @told: what comes then, and what it is told
 * @result: of the read
 * @counted: the reads that were completed, cancelled, failed, late
 */
FIXTURE_VARIANT(aio)
{
	uint64_t latency;
	const char *knob, *value;
	const char *point;
	enum meanwhile meanwhile;
	long told, result;
	unsigned int counted[4];
};

/* It has ended when who submits would let it run. */
FIXTURE_VARIANT_ADD(aio, submit_time) {
	MSEC, NULL, NULL, "release", TIME, 0, LEN, { 1, 0, 0, 0 },
};
FIXTURE_VARIANT_ADD(aio, submit_canceled) {
	FOREVER, NULL, NULL, "release", CANCELED, 1, -ECANCELED, { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(aio, submit_queued_canceled) {
	FOREVER, "queue", "stop", "release", CANCELED, 1, -ECANCELED, { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(aio, submit_io_cancel) {
	FOREVER, NULL, NULL, "release", IO_CANCEL, -EINPROGRESS, -ECANCELED, { 0, 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(aio, submit_removed) {
	FOREVER, NULL, NULL, "release", REMOVED, 0, -ENODEV,
};
/* It ends in the submission itself. */
FIXTURE_VARIANT_ADD(aio, submit_ended) {
	0, "faults", "read error=EIO next=1", "notify", CANCELED, -ENOENT, -EIO, { 0, 0, 1, 0 },
};
/* It has ended, and nobody knows. */
FIXTURE_VARIANT_ADD(aio, end_io_cancel) {
	20 * MSEC, NULL, NULL, "notify", IO_CANCEL, -EINPROGRESS, LEN, { 1, 0, 0, 0 },
};
FIXTURE_VARIANT_ADD(aio, end_canceled) {
	20 * MSEC, NULL, NULL, "notify", CANCELED, -ENOENT, LEN, { 1, 0, 0, 0 },
};

FIXTURE_SETUP(aio)
{
	SKIP_FOR(stall_setup(false));
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "forced", "store");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(area_fill(self->fd));
	ASSERT_EQ(0, set_latency(&self->dev, "read_latency_ns", variant->latency));
	if (variant->knob)
		ASSERT_EQ(0, set(&self->dev, variant->knob, variant->value));
	memset(self->buf, 0xee, LEN);
	SKIP_FOR(context_create(&self->aio, self->fd, self->buf));
}

FIXTURE_TEARDOWN(aio)
{
	stall_open_all();
	device_unmake("forced");
}

static long come(FIXTURE_DATA(aio) *self, enum meanwhile meanwhile)
{
	switch (meanwhile) {
	case TIME:
		wait_pending(&self->dev, 0);
		break;
	case IO_CANCEL:
		return aio_cancel(&self->aio);
	case CANCELED:
		return cancel_by(self->fd, CANCELIO_BY_FILE, 0);
	case REMOVED:
		device_unmake("forced");
		break;
	}
	return 0;
}

TEST_F(aio, has_one_event)
{
	const unsigned int *counted = variant->counted;
	unsigned int before = counters(&self->dev).completed;

	ASSERT_EQ(0, stall_hold(variant->point, 1));
	call_start(&self->aio.call);
	stall_wait_held(variant->point);
	EXPECT_EQ(variant->told, come(self, variant->meanwhile));
	EXPECT_TRUE(stall_is(variant->point, "held"));
	ASSERT_EQ(0, stall_open(variant->point));

	EXPECT_EQ(1, call_join(&self->aio.call));
	EXPECT_EQ(variant->result, aio_result(&self->aio));
	EXPECT_EQ(variant->result == LEN, is_pattern(self->buf, 0, LEN));
	if (variant->meanwhile != REMOVED)
		EXPECT_TRUE(ended_as(&self->dev, before, counted[0], counted[1], counted[2],
				     counted[3]));
	/* Nothing is left of it that would hold the module. */
	EXPECT_EQ(0, context_destroy(&self->aio));
	close(self->fd);
	device_unmake("forced");
	wait_until(module_users() == self->users);
}

/* ---- its context goes ---- */

/* On which processors the kernel's workers are, as a mask. */
#define WORKERS	"/sys/devices/virtual/workqueue/cpumask"

FIXTURE(context)
{
	struct device dev;
	struct aio_call aio;
	struct call write;
	unsigned char *buf, out[LEN];
	int fd, ready[2];
	long users;
};

FIXTURE_SETUP(context)
{
	SKIP_FOR(stall_setup(true));
	self->users = module_users();
	MAKE_DEVICE(&self->dev, "forced", "stream");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	fill_pattern(self->out, 0, LEN);
	self->buf = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->buf);
	memset(self->buf, 0xee, LEN);
	ASSERT_EQ(0, pipe2(self->ready, O_CLOEXEC));
}

FIXTURE_TEARDOWN(context)
{
	stall_open_all();
	write_text(WORKERS, "ffffffff");
	device_unmake("forced");
}

/* A kernel that waits for every processor waits for the one that is held, too. */
static bool preemptible(void)
{
	struct utsname name;

	return !uname(&name) &&
	       (strstr(name.version, "PREEMPT ") || strstr(name.version, "PREEMPT_RT "));
}

static long do_write_held(struct call *call)
{
	pin(CPU_HELD);
	return do_write(call);
}

/* A process whose read waits, until it is killed. */
static pid_t reader_start(FIXTURE_DATA(context) *self)
{
	pid_t pid = fork();
	char byte;

	if (pid) {
		if (read(self->ready[0], &byte, 1) != 1)
			abort();
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (context_create(&self->aio, self->fd, self->buf) || do_io_submit_held(&self->aio.call) != 1)
		_exit(2);
	pin(CPU_CANCELLER);
	if (write(self->ready[1], "", 1) != 1)
		_exit(3);
	for (;;)
		pause();
}

/* The bytes have come, and the front door does not know when the context goes: they stay. */
TEST_F(context, goes_before_the_bytes_are_told)
{
	unsigned char in[2 * LEN];

	if (!preemptible())
		SKIP(return, "needs a kernel that can be preempted");
	SKIP_FOR(context_create(&self->aio, self->fd, self->buf));
	ASSERT_EQ(1, do_io_submit_held(&self->aio.call));
	pin(CPU_TEST);
	self->write = (struct call){
		.fn = do_write_held, .fd = self->fd, .buf = self->out, .len = LEN,
	};
	ASSERT_EQ(0, stall_hold("notify", 1));
	call_start(&self->write);
	stall_wait_held("notify");
	EXPECT_EQ(0, context_destroy(&self->aio));
	EXPECT_TRUE(stall_is("notify", "held"));
	ASSERT_EQ(0, stall_open("notify"));
	EXPECT_EQ(LEN, call_join(&self->write));
	EXPECT_EQ(0xee, self->buf[0]);
	EXPECT_EQ(LEN, read(self->fd, in, sizeof(in)));
	EXPECT_TRUE(is_pattern(in, 0, LEN));
	EXPECT_TRUE(ended_as(&self->dev, 1, 1, 0, 0, 0));
	close(self->fd);
	device_unmake("forced");
	wait_until(module_users() == self->users);
}

static bool stack_has(pid_t pid, const char *function)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	return strstr(read_text(path, text, sizeof(text)), function);
}

/*
 * The submitter dies while a worker has its memory: the memory stays until the worker
 * has told, which is what its owner's exit waits for.
 */
TEST_F(context, goes_while_bytes_are_moved)
{
	pid_t child;

	if (write_text(WORKERS, "1"))
		SKIP(return, "workers cannot be kept to one processor");
	child = reader_start(self);
	ASSERT_EQ(0, stall_hold("moved", 1));
	ASSERT_EQ(LEN, write(self->fd, self->out, LEN));
	stall_wait_held("moved");
	kill(child, SIGKILL);
	wait_until(stack_has(child, "exit_aio"));
	EXPECT_TRUE(stall_is("moved", "held"));
	ASSERT_EQ(0, stall_open("moved"));
	EXPECT_EQ(-SIGKILL, child_wait(child));
	close(self->fd);
	device_unmake("forced");
	wait_until(module_users() == self->users);
}

TEST_HARNESS_MAIN
