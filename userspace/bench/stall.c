// SPDX-License-Identifier: MIT
/*
 * The longest time for which nobody else can run: on each CPU, a thread of the highest
 * real-time priority sleeps for a millisecond, and again, and notes when it wakes up.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

struct watcher {
	pthread_t thread;
	bool there;
	uint64_t longest;
};

static struct watcher *watchers;
static long cpus;
static bool over;

static void *watch(void *arg)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct watcher *watcher = arg;
	uint64_t before, now;

	for (before = now_ns(); !__atomic_load_n(&over, __ATOMIC_ACQUIRE); before = now) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
		now = now_ns();
		if (now - before > watcher->longest)
			watcher->longest = now - before;
		__atomic_store_n(&watcher->there, true, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void watch_cpu(struct watcher *watcher, int number)
{
	struct sched_param param = { .sched_priority = 99 };
	pthread_attr_t attr;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(number, &cpu);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	pthread_attr_setaffinity_np(&attr, sizeof(cpu), &cpu);
	if (pthread_create(&watcher->thread, &attr, watch, watcher))
		fail("cannot start a real-time thread on CPU %d: needs root", number);
	pthread_attr_destroy(&attr);
}

void stall_begin(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	watchers = calloc(cpus, sizeof(*watchers));
	if (!watchers)
		fail("no memory");
	over = false;
	for (i = 0; i < cpus; i++)
		watch_cpu(&watchers[i], i);
	for (i = 0; i < cpus; i++)
		while (!__atomic_load_n(&watchers[i].there, __ATOMIC_ACQUIRE))
			clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
}

uint64_t stall_end(void)
{
	uint64_t longest = 0;
	int i;

	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	for (i = 0; i < cpus; i++) {
		pthread_join(watchers[i].thread, NULL);
		if (watchers[i].longest > longest)
			longest = watchers[i].longest;
	}
	free(watchers);
	return longest;
}
