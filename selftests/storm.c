// SPDX-License-Identifier: GPL-2.0
/*
 * Hundreds of requests at once: all that end do so without one growing out of
 * the other, and who goes through them comes to an end.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define PROCESSES	5
#define THREADS		100
#define MANY		(PROCESSES * THREADS)
/* A thread that wants no stack to speak of. */
#define STACK		65536

static struct seen seen[MANY + 1];

/* Waits until so many requests are in this state. */
static void wait_many(const struct device *dev, const char *state, size_t count)
{
	size_t n, i, found = 0;

	while (found != count) {
		n = see(dev, seen, MANY + 1);
		for (i = found = 0; i < n && i <= MANY; i++)
			found += !strcmp(seen[i].state, state);
		if (found != count)
			pause_a_bit();
	}
}

static size_t canceled(const struct device *dev)
{
	size_t n = see(dev, seen, MANY + 1), i, found = 0;

	for (i = 0; i < n && i <= MANY; i++)
		found += !strcmp(seen[i].canceled, "yes");
	return found;
}

static pthread_t thread_start(void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (pthread_create(&thread, &attr, fn, arg))
		abort();
	pthread_attr_destroy(&attr);
	return thread;
}

/* ---- killed ---- */

static void *read_byte(void *arg)
{
	char byte;

	return read(*(int *)arg, &byte, 1) == 1 ? arg : NULL;
}

static pid_t readers_start(int fd)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < THREADS; i++)
		thread_start(read_byte, &fd);
	for (;;)
		pause();
}

/*
 * Each of the requests that killed readers have left has its turn at the byte,
 * and passes it on: one after the other, not one within the other.
 */
TEST(killed_readers)
{
	struct counters before, after;
	pid_t pids[PROCESSES];
	struct device dev;
	char byte = 0;
	int fd;

	MAKE_DEVICE(&dev, "storm", "stream");
	ASSERT_EQ(0, set(&dev, "cancel", "once-started-never"));
	fd = open(dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	before = counters(&dev);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = readers_start(fd);
	wait_many(&dev, "started", MANY);
	for (int i = 0; i < PROCESSES; i++) {
		EXPECT_EQ(0, kill(pids[i], SIGKILL));
		EXPECT_EQ(-SIGKILL, child_wait(pids[i]));
	}
	EXPECT_EQ(MANY, pending(&dev));
	EXPECT_EQ(MANY, canceled(&dev));

	ASSERT_EQ(1, write(fd, "k", 1));
	wait_pending(&dev, 0);
	after = counters(&dev);
	EXPECT_TRUE(adds_up(&after));
	EXPECT_EQ(MANY, after.completed - before.completed);
	EXPECT_EQ(MANY, after.late - before.late);
	EXPECT_EQ(0, after.cancelled + after.failed);
	ASSERT_EQ(1, read(fd, &byte, 1));
	EXPECT_EQ('k', byte);
	EXPECT_EQ(0, drain(&dev));
	close(fd);
	device_unmake("storm");
}

/* ---- they come again ---- */

#define COMERS	16
/* So many cancels are enough. */
#define CANCELS	(20 * COMERS)

struct comer {
	int fd;
	bool stop;
	pthread_t thread;
	unsigned int times;
};

static void *come_again(void *arg)
{
	struct comer *comer = arg;
	char byte;

	while (!__atomic_load_n(&comer->stop, __ATOMIC_ACQUIRE)) {
		if (pread(comer->fd, &byte, 1, 0) != -1 || errno != ECANCELED)
			return NULL;
		comer->times++;
	}
	return comer;
}

FIXTURE(coming)
{
	struct device dev;
	int fd;
	struct comer comers[COMERS];
};

FIXTURE_VARIANT(coming)
{
	unsigned int by;
	bool of_process;
};

FIXTURE_VARIANT_ADD(coming, by_file) { CANCELIO_BY_FILE };
FIXTURE_VARIANT_ADD(coming, by_process) { CANCELIO_BY_PROCESS, true };
FIXTURE_VARIANT_ADD(coming, by_device) { CANCELIO_BY_DEVICE };

FIXTURE_SETUP(coming)
{
	MAKE_DEVICE(&self->dev, "storm", "store");
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	for (int i = 0; i < COMERS; i++) {
		self->comers[i] = (struct comer){ .fd = self->fd };
		self->comers[i].thread = thread_start(come_again, &self->comers[i]);
	}
	wait_many(&self->dev, "started", COMERS);
}

FIXTURE_TEARDOWN(coming)
{
	device_unmake("storm");
}

/* Each thread has one request at a time: who is cancelled and comes again is not found twice. */
TEST_F(coming, are_not_waited_for)
{
	unsigned long long value = variant->of_process ? getpid() : 0;
	unsigned int times = 0;
	long found, sum = 0;
	void *good;

	while (sum < CANCELS) {
		found = cancel_by(self->fd, variant->by, value);
		if (found == -ENOENT) {
			pause_a_bit();
			continue;
		}
		ASSERT_LT(0, found);
		ASSERT_GE(COMERS, found);
		sum += found;
	}
	for (int i = 0; i < COMERS; i++)
		__atomic_store_n(&self->comers[i].stop, true, __ATOMIC_RELEASE);
	/* Some have come again once more before they saw that. */
	for (int i = 0; i < COMERS; i++) {
		while (pthread_tryjoin_np(self->comers[i].thread, &good)) {
			cancel_by(self->fd, variant->by, value);
			pause_a_bit();
		}
		EXPECT_NE(NULL, good);
		times += self->comers[i].times;
	}
	EXPECT_LE(sum, times);
	EXPECT_EQ(times, counters(&self->dev).cancelled);
}

/* ---- they have waited ---- */

static void *pread_byte(void *arg)
{
	char byte;

	return pread(*(int *)arg, &byte, 1, 0) == 1 ? arg : NULL;
}

/*
 * All wait behind a queue that is stopped, and take no time then. More than
 * whoever starts the queue serves itself: the others are not forgotten.
 */
TEST(more_than_one_serves)
{
	pthread_t threads[MANY];
	struct device dev;
	void *good;
	int fd;

	MAKE_DEVICE(&dev, "storm", "store");
	ASSERT_EQ(0, set(&dev, "queue", "stop"));
	fd = open(dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (int i = 0; i < MANY; i++)
		threads[i] = thread_start(pread_byte, &fd);
	wait_many(&dev, "queued", MANY);
	ASSERT_EQ(0, set(&dev, "queue", "start"));
	wait_pending(&dev, 0);
	for (int i = 0; i < MANY; i++) {
		pthread_join(threads[i], &good);
		EXPECT_NE(NULL, good);
	}
	EXPECT_EQ(0, counters(&dev).cancelled + counters(&dev).failed);
	close(fd);
	device_unmake("storm");
}

TEST_HARNESS_MAIN
