// SPDX-License-Identifier: MIT
/*
 * Cycles of two threads: read(2) blocks, a signal comes, EINTR.
 *
 * Both are real-time threads of one CPU, and the reader has the higher priority:
 * so the other one runs only while the reader sleeps in its read. That makes the
 * hand-over both ways, costs the same on a pipe and on a device, and adds nothing
 * to either that would make the ratio look better.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define BATCH	2000

struct reader {
	pthread_t thread;
	int fd;
	/* How often it was interrupted; what it got, if anything else came. */
	volatile unsigned long interrupted;
	volatile long wrong;
};

static volatile unsigned long handled;

static void count_signal(int sig)
{
	(void)sig;
	handled++;
}

static void *read_again(void *arg)
{
	struct reader *reader = arg;
	char byte;
	ssize_t n;

	while ((n = read(reader->fd, &byte, 1)) < 0 && errno == EINTR)
		reader->interrupted++;
	reader->wrong = n < 0 ? -errno : n + 1;
	return NULL;
}

static void interrupt(void *arg)
{
	struct reader *reader = arg;
	unsigned long before = reader->interrupted;

	pthread_kill(reader->thread, SIGUSR1);
	if (reader->interrupted != before + 1 || handled != reader->interrupted || reader->wrong)
		fail("the read was interrupted %lu times by %lu signals, its result %ld",
		     reader->interrupted, handled, reader->wrong);
}

/* Starts a thread of a priority on this CPU, which is the first. */
static void start_above(struct reader *reader)
{
	struct sched_param mine = { .sched_priority = 1 }, its = { .sched_priority = 2 };
	pthread_attr_t attr;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu) || sched_setscheduler(0, SCHED_FIFO, &mine))
		fail("cannot become a real-time process: needs root");
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &its);
	if (pthread_create(&reader->thread, &attr, read_again, reader))
		fail("cannot start a thread");
}

static double signal_cycle(int fd)
{
	/* Else the kernel takes 50 ms of each second away from real-time threads. */
	long long share = setting("/proc/sys/kernel/sched_rt_runtime_us", -1);
	struct sigaction sa = { .sa_handler = count_signal };
	static struct reader reader;
	double ns;

	sigaction(SIGUSR1, &sa, NULL);
	reader.fd = fd;
	start_above(&reader);
	ns = measure(interrupt, &reader, BATCH);
	setting("/proc/sys/kernel/sched_rt_runtime_us", share);
	return ns;
}

/* The reader stays in its call until the process ends. */
double pipe_signal(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		fail("no pipe");
	return signal_cycle(fds[0]);
}

double stream_signal(void)
{
	struct device dev;
	double ns;

	device_make(&dev, "stream");
	ns = signal_cycle(device_open(&dev));
	device_remove(&dev);
	return ns;
}
