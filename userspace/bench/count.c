// SPDX-License-Identifier: MIT
/*
 * How many: what a hundred thousand and a million requests take in memory, and how
 * they end by one command and by the end of their process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MANY		100000
#define MILLION		1000000
#define BYTES_MAX	256
#define STALL_MAX_MS	100
#define MS		1e6
#define MIB		1048576.0

static void print(const char *model, const char *what, double value, const char *unit, double limit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", model, what);
	figure(name, value, unit, limit);
}

static void must_pend(const struct device *dev, unsigned int count)
{
	if (device_pending(dev) != count)
		fail("%llu of %u requests pend", device_pending(dev), count);
}

/* ---- memory ---- */

static void memory(const char *model)
{
	struct crowd *crowd;
	struct slabs *before;
	struct device dev;
	char name[32];

	crowd_device(&dev, model);
	crowd = crowd_make(&dev);
	before = slabs_read();
	crowd_submit(crowd, MANY);
	must_pend(&dev, MANY);
	snprintf(name, sizeof(name), "%s_memory", model);
	slabs_print(before, name, MANY, BYTES_MAX);
	crowd_cancel(crowd);
	crowd_reap(crowd);
	crowd_free(crowd);
	device_remove(&dev);
	free(before);
}

/* ---- all by one command ---- */

static void cancel_all(const char *model)
{
	uint64_t start, stall;
	struct crowd *crowd;
	struct device dev;

	crowd_device(&dev, model);
	crowd = crowd_make(&dev);
	crowd_submit(crowd, MANY);
	must_pend(&dev, MANY);
	stall_begin();
	start = now_ns();
	crowd_cancel(crowd);
	print(model, "cancel.command", (now_ns() - start) / MS, "ms", 0);
	start = now_ns();
	crowd_reap(crowd);
	print(model, "cancel.reap", (now_ns() - start) / MS, "ms", 0);
	stall = stall_end();
	must_pend(&dev, 0);
	print(model, "cancel.stall", stall / MS, "ms", STALL_MAX_MS);
	crowd_free(crowd);
	device_remove(&dev);
}

/* ---- by the end of their process ---- */

static pid_t start_owner(const struct device *dev)
{
	struct crowd *crowd;
	pid_t pid;
	int fds[2];
	char byte = 0;

	if (pipe(fds))
		fail("no pipe");
	pid = fork();
	if (pid < 0)
		fail("cannot fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		crowd = crowd_make(dev);
		crowd_submit(crowd, MANY);
		if (write(fds[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		fail("the process that submits has ended");
	close(fds[0]);
	return pid;
}

static void exit_all(const char *model)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	uint64_t start, stall;
	struct device dev;
	pid_t pid;
	int status;

	crowd_device(&dev, model);
	pid = start_owner(&dev);
	must_pend(&dev, MANY);
	stall_begin();
	start = now_ns();
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		fail("the process was not killed");
	print(model, "exit.process", (now_ns() - start) / MS, "ms", 0);
	/* The device tells by no event when its requests are gone. */
	while (device_pending(&dev))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
	print(model, "exit.requests", (now_ns() - start) / MS, "ms", 0);
	stall = stall_end();
	print(model, "exit.stall", stall / MS, "ms", STALL_MAX_MS);
	device_remove(&dev);
}

/* ---- a million ---- */

static void million(const char *model)
{
	uint64_t start, stall;
	struct slabs *before;
	struct crowd *crowd;
	struct device dev;

	crowd_device(&dev, model);
	device_set(&dev, "max_pending", MILLION);
	crowd = crowd_make(&dev);
	before = slabs_read();
	stall_begin();
	start = now_ns();
	crowd_submit(crowd, MILLION);
	print(model, "million.submit", (now_ns() - start) / MS, "ms", 0);
	must_pend(&dev, MILLION);
	print(model, "million.slab", slabs_sum(before) / MIB, "MiB", 0);
	start = now_ns();
	crowd_cancel(crowd);
	print(model, "million.command", (now_ns() - start) / MS, "ms", 0);
	start = now_ns();
	crowd_reap(crowd);
	print(model, "million.reap", (now_ns() - start) / MS, "ms", 0);
	stall = stall_end();
	must_pend(&dev, 0);
	print(model, "million.stall", stall / MS, "ms", 0);
	crowd_free(crowd);
	device_remove(&dev);
	free(before);
}

/* ---- the rows ---- */

void stream_memory(void)
{
	memory("stream");
}

void store_memory(void)
{
	memory("store");
}

void stream_cancel(void)
{
	cancel_all("stream");
}

void store_cancel(void)
{
	cancel_all("store");
}

void stream_exit(void)
{
	exit_all("stream");
}

void store_exit(void)
{
	exit_all("store");
}

void stream_million(void)
{
	million("stream");
}
