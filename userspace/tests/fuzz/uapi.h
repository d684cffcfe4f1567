/* SPDX-License-Identifier: MIT */
/*
 * What the fuzzers of the module share: the kernel's coverage as libFuzzer's guide, the devices, and
 * a look at whether the kernel still works.
 *
 * KCOV notes in a page of ours each branch that this thread takes in the module. Each pair of
 * neighbours is hashed into counters that libFuzzer takes into account as it would its own.
 */
#ifndef UAPI_H
#define UAPI_H

#include <errno.h>
#include <fcntl.h>
#include <linux/cancelio.h>
#include <linux/kcov.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "input.h"

#define CONFIGS "/sys/kernel/config/cancelio"
#define CLASS "/sys/class/cancelio"
#define DEBUG "/sys/kernel/debug/cancelio"

/* As long as nothing in here takes, however slow the machine. */
#define PATIENCE_MS 20000

/* ---- coverage ---- */

#define EDGES (1u << 15)
#define PCS (1u << 16)

/* libFuzzer reads them. */
__attribute__((used, section("__libfuzzer_extra_counters"))) static volatile uint8_t edges[EDGES];
static uint8_t ever[EDGES];
static unsigned int edges_found;
static unsigned long *pcs;

static inline void coverage_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	PROMISE(fd >= 0);
	PROMISE_EQ(ioctl(fd, KCOV_INIT_TRACE, (unsigned long)PCS), 0);
	pcs = mmap(NULL, PCS * sizeof(*pcs), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	PROMISE(pcs != MAP_FAILED);
	PROMISE_EQ(ioctl(fd, KCOV_ENABLE, (unsigned long)KCOV_TRACE_PC), 0);
}

static inline void coverage_begin(void)
{
	__atomic_store_n(pcs, 0, __ATOMIC_RELAXED);
}

static inline void coverage_end(void)
{
	unsigned long n = __atomic_load_n(pcs, __ATOMIC_RELAXED), before = 0;

	for (unsigned long i = 1; i <= n && i < PCS; i++) {
		/* Where in its page it is, for the module may be elsewhere the next time. */
		unsigned long here = (pcs[i] & 0xFFF) * 0x9E3779B97F4A7C15;
		unsigned int edge = (unsigned int)((here ^ before) >> (64 - 15));

		edges[edge] = 1;
		edges_found += !ever[edge];
		ever[edge] = 1;
		before = here >> 1;
	}
}

/* ---- small things ---- */

/* A tick, or libFuzzer's own alarm, may come into any call that can be interrupted. */
#define AGAIN(call) \
	({ \
		long again_; \
\
		do \
			again_ = (long)(call); \
		while (again_ < 0 && errno == EINTR); \
		again_; \
	})

static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* What a file says now; its length, or -errno. */
static inline ssize_t file_get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	n = n < 0 ? -errno : n;
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return n;
}

static inline ssize_t file_put(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, data, size);
	n = n < 0 ? -errno : n;
	close(fd);
	return n;
}

/* ---- the kernel ---- */

/* KASAN, a warning, lockdep: whatever it is, it was this input, or one shortly before. */
static inline void kernel_check(void)
{
	static int tainted_fd = -1, locks_fd;
	static char before[32];
	char now[32] = "", locks[4096];
	ssize_t n;

	if (tainted_fd < 0) {
		tainted_fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
		locks_fd = open("/proc/lockdep_stats", O_RDONLY | O_CLOEXEC);
		PROMISE(pread(tainted_fd, before, sizeof(before) - 1, 0) > 0);
	}
	PROMISE(pread(tainted_fd, now, sizeof(now) - 1, 0) > 0);
	if (strcmp(now, before) != 0)
		broken("the kernel complains (tainted %s): see its log", now);
	/* That tells of much, and takes its time. */
	if (random() % 256 || locks_fd < 0)
		return;
	n = pread(locks_fd, locks, sizeof(locks) - 1, 0);
	locks[n > 0 ? n : 0] = '\0';
	if (strstr(locks, "debug_locks:"))
		PROMISE(atoi(strstr(locks, "debug_locks:") + 12) == 1);
}

/* ---- who stands in the way of a hang ---- */

static atomic_uint_least64_t input_began, call_began;
static atomic_uint inputs;
static void (*relieve)(void);

/* Stacks of all of this process's threads, as the kernel knows them. */
static inline void show_stacks(void)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "for t in /proc/%d/task/*; do echo \"$t\"; cat $t/wchan $t/syscall $t/stack; done >&2",
		 getpid());
	if (system(command) != 0)
		fputs("no stacks\n", stderr);
}

static inline void *watch(void *unused)
{
	uint64_t began;

	(void)unused;
	for (;;) {
		usleep(50000);
		began = atomic_load(&call_began);
		if (began && now_ms() - began > 200)
			relieve();
		began = atomic_load(&input_began);
		if (began && now_ms() - began > 6 * PATIENCE_MS) {
			show_stacks();
			broken("an input that never ends");
		}
	}
	return NULL;
}

static inline void on_tick(int signal)
{
	(void)signal;
}

static timer_t again_timer, intr_timer;

/*
 * A call that may wait: after a millisecond a signal has it restarted, after three the next ends it.
 * Who does not care for signals is soon relieved of its device.
 */
static inline void call_begin(bool restarts)
{
	const struct itimerspec again = { .it_value.tv_nsec = 1000000 };
	const struct itimerspec intr = { .it_value.tv_nsec = restarts ? 3000000 : 1000000,
					 .it_interval.tv_nsec = 3000000 };

	atomic_store(&call_began, now_ms());
	if (restarts)
		timer_settime(again_timer, 0, &again, NULL);
	timer_settime(intr_timer, 0, &intr, NULL);
}

static inline void call_end(void)
{
	static const struct itimerspec never;

	timer_settime(again_timer, 0, &never, NULL);
	timer_settime(intr_timer, 0, &never, NULL);
	atomic_store(&call_began, 0);
}

static inline void make_timer(timer_t *timer, int signal, int flags)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = flags };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal };

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	PROMISE_EQ(sigaction(signal, &action, NULL), 0);
	PROMISE_EQ(timer_create(CLOCK_MONOTONIC, &event, timer), 0);
}

/* The input that runs, in a file that is there also when this process is not. */
static uint8_t *running;
#define RUNNING_MOST 8192

/* Counts, whose last lines vm/fuzz looks at. */
static inline void tell_edges(void)
{
	fprintf(stderr, "EDGES %u\n", edges_found);
}

static inline void guard_open(void (*how)(void))
{
	pthread_t thread;
	sigset_t all, before;
	int fd = open("running", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	PROMISE(fd >= 0 && ftruncate(fd, RUNNING_MOST) == 0);
	running = mmap(NULL, RUNNING_MOST, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	PROMISE(running != MAP_FAILED);
	relieve = how;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	PROMISE_EQ(pthread_create(&thread, NULL, watch, NULL), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	make_timer(&again_timer, SIGUSR1, SA_RESTART);
	make_timer(&intr_timer, SIGUSR2, 0);
	atexit(tell_edges);
}

/* What stops the whole machine leaves its log. */
static inline void trace_input(const uint8_t *data, size_t size)
{
	char line[1024];
	int length = snprintf(line, sizeof(line), "<6>input:"), fd;

	for (size_t i = 0; i < size && length < 1000; i++)
		length += snprintf(line + length, sizeof(line) - (size_t)length, "%02x", data[i]);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	PROMISE_EQ(write(fd, line, (size_t)length), length);
	close(fd);
}

static inline void guard_begin(const uint8_t *data, size_t size)
{
	uint32_t n = size < RUNNING_MOST - 4 ? (uint32_t)size : RUNNING_MOST - 4;

	memcpy(running, &n, 4);
	memcpy(running + 4, data, n);
	if (getenv("FUZZ_TRACE"))
		trace_input(data, n);
	atomic_store(&input_began, now_ms());
	coverage_begin();
}

/* After coverage_end(), and after whatever the input has left behind is gone. */
static inline void guard_end(void)
{
	kernel_check();
	atomic_store(&input_began, 0);
	memset(running, 0, 4);
}

/* ---- devices ---- */

struct device {
	const char *name; /* of its folder in configfs */
	uint32_t model;
	uint64_t size;
	bool live;
	char id[32];
	uint32_t told; /* which of knobs_at_first[] it may not have any more */
};

static inline void config_put(const struct device *dev, const char *attribute, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), CONFIGS "/%s/%s", dev->name, attribute);
	PROMISE_EQ(file_put(path, value, strlen(value)), strlen(value));
}

static inline void device_remove(struct device *dev)
{
	config_put(dev, "live", "0");
	dev->live = false;
}

/* As it is when it is new. */
static inline void device_make(struct device *dev)
{
	char path[256], size[32];

	snprintf(path, sizeof(path), CONFIGS "/%s", dev->name);
	if (dev->live)
		device_remove(dev);
	if (mkdir(path, 0700) == 0) {
		snprintf(size, sizeof(size), "%llu", (unsigned long long)dev->size);
		config_put(dev, "model", dev->model == CANCELIO_MODEL_STORE ? "store" : "stream");
		config_put(dev, "size", size);
	}
	config_put(dev, "live", "1");
	snprintf(path, sizeof(path), CONFIGS "/%s/device", dev->name);
	PROMISE(file_get(path, dev->id, sizeof(dev->id)) > 1);
	dev->id[strcspn(dev->id, "\n")] = '\0';
	dev->live = true;
	dev->told = 0;
}

/* What a knob says at first, and whether only a store has it. */
static const struct knob {
	const char *name, *value;
	bool store;
} knobs_at_first[] = {
	{ "queue", "start", false },	       { "cancel", "prompt", false },
	{ "faults", "clear", false },	       { "open_latency_ns", "0", false },
	{ "read_latency_ns", "0", false },     { "write_latency_ns", "0", false },
	{ "control_latency_ns", "0", false },  { "flush_latency_ns", "0", true },
	{ "abort_latency_ns", "1000000000", false },
	{ "poll_interval_ns", "10000000", false },
	{ "race_window_ns", "0", false },      { "bandwidth", "0", false },
	{ "channels", "64", true },	       { "stuck", "0", true },
	{ "split", "0", true },		       { "max_pending", "1048576", false },
	{ "watchdog_s", "300", false },	       { "seed", "1", false },
};
#define KNOBS (sizeof(knobs_at_first) / sizeof(*knobs_at_first))

/* The knob of this name was turned. */
static inline void device_told(struct device *dev, const char *name)
{
	for (size_t i = 0; i < KNOBS; i++)
		if (!strcmp(knobs_at_first[i].name, name))
			dev->told |= 1u << i;
}

/* As new: much cheaper than to make another, for which a grace period of RCU must pass. */
static inline void device_reset(struct device *dev)
{
	char path[256];

	for (const struct knob *k = knobs_at_first; k < knobs_at_first + KNOBS; k++) {
		if (!(dev->told & 1u << (k - knobs_at_first)))
			continue;
		snprintf(path, sizeof(path), CLASS "/%s/%s", dev->id, k->name);
		PROMISE_EQ(file_put(path, k->value, strlen(k->value)), strlen(k->value));
	}
	dev->told = 0;
}

/* The same for the folder of one that is not live. */
static inline void config_reset(const struct device *dev)
{
	char size[32];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)dev->size);
	config_put(dev, "model", dev->model == CANCELIO_MODEL_STORE ? "store" : "stream");
	config_put(dev, "size", size);
	config_put(dev, "lower", "\n");
	for (const struct knob *k = knobs_at_first + 1; k < knobs_at_first + KNOBS; k++)
		config_put(dev, k->name, k->value);
}

static inline uint64_t device_pending(const struct device *dev)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), CLASS "/%s/pending", dev->id);
	PROMISE(file_get(path, text, sizeof(text)) > 0);
	return strtoull(text, NULL, 10);
}

#endif
