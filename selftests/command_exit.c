// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of the commands of who goes: its ring is closed, its process ends,
 * is killed or calls exec, its last descriptor is closed. Whatever the device
 * makes of it, nobody waits for it, and nothing is left but what it keeps.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "command_test.h"

#define COMMANDS	20
#define MANY		2000

enum way { RING_IS_CLOSED, EXIT, THREAD_EXIT, EXEC, KILL };

FIXTURE(goes)
{
	struct device dev;
	long users;
	/* The child goes when it can read, and this end is closed when it has gone. */
	int go[2], gone[2];
};

FIXTURE_VARIANT(goes)
{
	const char *model;
	const char *mode;
	const char *faults;
	/* The device keeps what it was given. */
	bool stays;
};

FIXTURE_VARIANT_ADD(goes, stream_prompt) { "stream", "prompt" };
FIXTURE_VARIANT_ADD(goes, stream_never) { "stream", "once-started-never", .stays = true };
FIXTURE_VARIANT_ADD(goes, store_prompt) { "store", "prompt" };
FIXTURE_VARIANT_ADD(goes, store_never) { "store", "once-started-never", .stays = true };
FIXTURE_VARIANT_ADD(goes, store_slow) { "store", "slow", .stays = true };
FIXTURE_VARIANT_ADD(goes, store_hung) { "store", "prompt", "read hang rate=1000000" };
FIXTURE_VARIANT_ADD(goes, store_hung_never) {
	"store", "once-started-never", "read hang rate=1000000", true,
};

static void behave(const struct device *dev, const char *mode, const char *faults)
{
	if (set(dev, "cancel", mode) || (faults && set(dev, "faults", faults)))
		abort();
	set_latencies(dev, FOREVER);
	set_latency(dev, "abort_latency_ns", FOREVER);
}

FIXTURE_SETUP(goes)
{
	static struct ring probe;

	self->users = module_users();
	MAKE_DEVICE(&self->dev, "goes", variant->model);
	SETUP_RING(&probe, 0);
	ring_close(&probe);
	behave(&self->dev, variant->mode, variant->faults);
	ASSERT_EQ(0, pipe2(self->go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(self->gone, O_CLOEXEC));
}

FIXTURE_TEARDOWN(goes)
{
	device_unmake("goes");
}

static void start(struct ring *ring, const char *node)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ring_setup(ring, 0))
		_exit(100);
	for (int i = 0; i < COMMANDS; i++)
		prep_read(ring, i, fd, i);
	submit(ring);
}

static long start_in_thread(struct call *call)
{
	start(call->buf, call->path);
	return 0;
}

/* In a child. */
static void go(FIXTURE_DATA(goes) *self, enum way way)
{
	static struct ring ring;
	struct call call = { .fn = start_in_thread, .buf = &ring, .path = self->dev.node };
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(self->go[1]);
	close(self->gone[0]);
	if (way == THREAD_EXIT) {
		call_start(&call);
		call_join(&call);
	} else {
		start(&ring, self->dev.node);
	}
	if (read(self->go[0], &byte, 1) != 1)
		_exit(101);
	switch (way) {
	case RING_IS_CLOSED:
		/* The open file lives on. */
		ring_close(&ring);
		close(self->gone[1]);
		for (;;)
			pause();
	case THREAD_EXIT:
		ring_close(&ring);
		_exit(7);
	case EXIT:
		_exit(7);
	case EXEC:
		execl("/bin/true", "true", NULL);
		_exit(102);
	case KILL:
		close(self->gone[1]);
		for (;;)
			pause();
	}
}

/* None is in the device any more that it does not keep. */
static void wait_gone(const struct device *dev, bool stays)
{
	if (stays)
		wait_canceled(dev, COMMANDS);
	else
		wait_pending(dev, 0);
}

/* Has a child go in this way. Return: its status when it has. */
static int let_go_by(FIXTURE_DATA(goes) *self, enum way way, bool stays)
{
	pid_t pid = fork();
	char byte;

	if (!pid)
		go(self, way);
	close(self->gone[1]);
	/* Those of a thread that has gone may have gone with it. */
	if (way != THREAD_EXIT)
		wait_pending(&self->dev, COMMANDS);
	if (write(self->go[1], "x", 1) != 1)
		abort();
	/* Whether by its end or not. */
	if (read(self->gone[0], &byte, 1))
		abort();
	if (way == RING_IS_CLOSED)
		wait_gone(&self->dev, stays);
	if (way == RING_IS_CLOSED || way == KILL)
		kill(pid, SIGKILL);
	return child_wait(pid);
}

static void check_gone(struct __test_metadata *_metadata, FIXTURE_DATA(goes) *self, bool stays)
{
	wait_gone(&self->dev, stays);
	EXPECT_EQ(stays ? COMMANDS : 0, pending(&self->dev));
	EXPECT_EQ(stays ? 0 : COMMANDS, counters(&self->dev).cancelled);
	/* Neither the open file nor the directory wait for what is left. */
	ASSERT_EQ(0, config_put("goes", "live", "0"));
	ASSERT_EQ(0, rmdir(CONFIGFS "/goes"));
	wait_until(module_users() <= self->users);
}

#define GOES(way, status)						\
	do {								\
		EXPECT_EQ(status, let_go_by(self, way, variant->stays));			\
		check_gone(_metadata, self, variant->stays);		\
	} while (0)

TEST_F(goes, ring_is_closed)
{
	GOES(RING_IS_CLOSED, -SIGKILL);
}

TEST_F(goes, exit)
{
	GOES(EXIT, 7);
}

TEST_F(goes, thread_exit)
{
	GOES(THREAD_EXIT, 7);
}

/* The program that is executed runs. */
TEST_F(goes, exec)
{
	GOES(EXEC, 0);
}

TEST_F(goes, kill)
{
	GOES(KILL, -SIGKILL);
}

/* ---- descriptors, and the device ---- */

FIXTURE(stays)
{
	struct device dev;
	struct ring ring;
	int fd;
};

FIXTURE_VARIANT(stays)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(stays, stream) { "stream" };
FIXTURE_VARIANT_ADD(stays, store) { "store" };

#define STORE	(!strcmp(variant->model, "store"))

FIXTURE_SETUP(stays)
{
	MAKE_DEVICE(&self->dev, "stays", variant->model);
	SETUP_RING(&self->ring, 0);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	set_latencies(&self->dev, FOREVER);
}

FIXTURE_TEARDOWN(stays)
{
	ring_close(&self->ring);
	device_unmake("stays");
}

static void submit_all(FIXTURE_DATA(stays) *self)
{
	for (int i = 0; i < COMMANDS; i++)
		prep_read(&self->ring, i, self->fd, i);
	submit(&self->ring);
}

#define EXPECT_ALL(res)							\
	do {								\
		for (int i = 0; i < COMMANDS; i++)			\
			reap_slot(&self->ring, i, 1);			\
		EXPECT_EQ(COMMANDS, ended(&self->ring, 0, COMMANDS, res));	\
		EXPECT_EQ(0, pending(&self->dev));			\
	} while (0)

TEST_F(stays, last_descriptor)
{
	int other = dup(self->fd);

	submit_all(self);
	ASSERT_EQ(0, close(self->fd));
	settle(&self->ring);
	EXPECT_EQ(COMMANDS, count_state(&self->dev, "started", "yes"));
	ASSERT_EQ(0, close(other));
	EXPECT_ALL(-ECANCELED);
}

/* A child that has them all goes, and it is none of its business. */
TEST_F(stays, child)
{
	pid_t pid;

	submit_all(self);
	pid = fork();
	if (!pid) {
		ring_close(&self->ring);
		close(self->fd);
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	settle(&self->ring);
	EXPECT_EQ(COMMANDS, count_state(&self->dev, "started", "yes"));
}

/* And one that stays does not keep its parent's. */
TEST_F(stays, child_that_stays)
{
	pid_t pid;

	submit_all(self);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ASSERT_EQ(0, close(self->fd));
	EXPECT_ALL(-ECANCELED);
	kill(pid, SIGKILL);
	EXPECT_EQ(-SIGKILL, child_wait(pid));
}

/* The device does as it likes, and who waits is told then. */
TEST_F(stays, last_descriptor_of_a_stubborn_device)
{
	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	submit_all(self);
	ASSERT_EQ(0, close(self->fd));
	wait_canceled(&self->dev, COMMANDS);
	settle(&self->ring);
	EXPECT_EQ(0, ended(&self->ring, 0, COMMANDS, -ECANCELED));
	ASSERT_EQ(0, config_put("stays", "live", "0"));
	reap(&self->ring, COMMANDS);
	EXPECT_EQ(COMMANDS, ended(&self->ring, 0, COMMANDS, -ENODEV));
}

TEST_F(stays, removal)
{
	submit_all(self);
	ASSERT_EQ(0, config_put("stays", "live", "0"));
	reap(&self->ring, COMMANDS);
	EXPECT_EQ(COMMANDS, ended(&self->ring, 0, COMMANDS, -ENODEV));
	EXPECT_EQ(-ENODEV, cancel_tag(&self->ring, self->fd, 1));
}

TEST_F(stays, purge)
{
	submit_all(self);
	ASSERT_EQ(0, set(&self->dev, "queue", "purge"));
	EXPECT_ALL(-ECANCELED);
	/* And lets nothing in. */
	prep_read(&self->ring, 40, self->fd, 0);
	EXPECT_EQ(-ESHUTDOWN, run(&self->ring, 40));
}

/* ---- memory ---- */

#define SLAB	"/sys/kernel/slab/command/"

/* How many there are, of this kind and of those that the kernel keeps with it. */
static unsigned long objects(void)
{
	unsigned long count = 0;
	FILE *file;

	if (write_text(SLAB "shrink", "1"))
		abort();
	file = fopen(SLAB "objects", "re");
	if (!file || fscanf(file, "%lu", &count) != 1)
		abort();
	fclose(file);
	return count;
}

static void submit_many(FIXTURE_DATA(stays) *self)
{
	for (int i = 0; i < MANY; i++) {
		prep_read(&self->ring, i % COMMANDS, self->fd, i);
		if (i % COMMANDS == COMMANDS - 1)
			submit(&self->ring);
	}
}

/* All of it: the ring's own goes with the ring. */
TEST_F(stays, memory_goes)
{
	unsigned long before, cancelled;

	if (access(SLAB "objects", R_OK))
		SKIP(return, "there is no " SLAB);
	if (STORE)
		ASSERT_EQ(0, set(&self->dev, "channels", "65536"));
	ring_close(&self->ring);
	before = objects();
	for (int way = 0; way < 3; way++) {
		cancelled = counters(&self->dev).cancelled;
		ASSERT_EQ(NULL, ring_setup(&self->ring, 0));
		/* The last time the device keeps its requests until it is removed. */
		if (way == 2)
			ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
		submit_many(self);
		EXPECT_EQ(MANY, pending(&self->dev));
		/* Of those before, some may have been on their way out. */
		EXPECT_LE(MANY, objects());
		if (way == 0)
			EXPECT_EQ(MANY, cancel(&self->ring, self->fd, CANCELIO_BY_FILE, 0, 0));
		ring_close(&self->ring);
		if (way == 2) {
			EXPECT_EQ(MANY, pending(&self->dev));
			EXPECT_EQ(cancelled, counters(&self->dev).cancelled);
			ASSERT_EQ(0, config_put("stays", "live", "0"));
		} else {
			wait_pending(&self->dev, 0);
			EXPECT_EQ(cancelled + MANY, counters(&self->dev).cancelled);
		}
		wait_until(objects() < before + MANY / 2);
	}
	ASSERT_EQ(NULL, ring_setup(&self->ring, 0));
}

TEST_HARNESS_MAIN
