/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forced races: threads that are held at a stall point of the module's test
 * build, and what is done meanwhile.
 *
 * Who is held spins, perhaps with interrupts off. So whoever may be has the
 * first processor for itself, a canceller that may have to wait for a lock the
 * second, and the test, which lets them go, the third. While somebody is held
 * the test makes no thread, unmaps nothing and copies no page on write: each of
 * these may need an answer from every processor.
 */
#ifndef CANCELIO_TEST_STALL_H
#define CANCELIO_TEST_STALL_H

#include "seen_test.h"

#define STALLS		DEBUGFS "/stall"
#define STALL_POINTS	14

static const char *const stall_points[STALL_POINTS] = {
	"arm", "armed", "flagged", "swapped", "dequeued", "unmarked", "notify", "look",
	"ended", "release", "moved", "passed", "polled", "found",
};

/* ---- points ---- */

static inline int stall_write(const char *point, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), STALLS "/%s", point);
	return write_text(path, text);
}

/* The n-th who gets there from now on is held. Return: 0 or a negative errno. */
static inline int stall_hold(const char *point, unsigned int n)
{
	char text[32];

	snprintf(text, sizeof(text), "hold %u", n);
	return stall_write(point, text);
}

static inline int stall_open(const char *point)
{
	return stall_write(point, "open");
}

static inline bool stall_is(const char *point, const char *state)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), STALLS "/%s", point);
	read_text(path, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, state);
}

static inline void stall_wait_held(const char *point)
{
	wait_until(stall_is(point, "held"));
}

static inline void stall_open_all(void)
{
	for (int i = 0; i < STALL_POINTS; i++)
		stall_open(stall_points[i]);
}

/* ---- processors ---- */

enum { CPU_HELD, CPU_CANCELLER, CPU_TEST };

static inline int processors(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* The calling thread goes there, or to the last one that there is. */
static inline void pin(int cpu)
{
	cpu_set_t set;

	if (cpu >= processors())
		cpu = processors() - 1;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		abort();
}

/*
 * Before everything else in a test. @waits: somebody has to wait for a lock
 * that another one is held with.
 * Return: NULL, or why the test cannot be run.
 */
static inline const char *stall_setup(bool waits)
{
	if (geteuid())
		return "needs root";
	if (access(STALLS, F_OK))
		return "needs the module's test build (make module TEST=1)";
	if (processors() < 2 + waits)
		return "needs more processors";
	if (mlockall(MCL_CURRENT))
		return "the memory cannot be locked";
	stall_open_all();
	pin(CPU_TEST);
	return NULL;
}

/* ---- calls ---- */

static inline long do_pread_held(struct call *call)
{
	pin(CPU_HELD);
	return do_pread(call);
}

/* A write of call->buf to the file of call->path. */
static inline long do_put_held(struct call *call)
{
	pin(CPU_HELD);
	return write_text(call->path, call->buf);
}

/**
 * struct canceller - cancels requests when it is told to
 * @call: the ioctl; its result is how many were found, or a negative errno
 * @by: CANCELIO_BY_*
 * @value: of @by
 * @cpu: where it runs
 * @go: it was told to
 */
struct canceller {
	struct call call;
	unsigned int by;
	unsigned long long value;
	int cpu;
	bool go;
};

static inline long do_cancel(struct call *call)
{
	struct canceller *canceller = (struct canceller *)call;

	pin(canceller->cpu);
	wait_until(__atomic_load_n(&canceller->go, __ATOMIC_ACQUIRE));
	return cancel_by(call->fd, canceller->by, canceller->value);
}

static inline void canceller_start(struct canceller *canceller, int fd)
{
	canceller->call.fn = do_cancel;
	canceller->call.fd = fd;
	call_start(&canceller->call);
}

static inline void canceller_go(struct canceller *canceller)
{
	__atomic_store_n(&canceller->go, true, __ATOMIC_RELEASE);
}

/* ---- states ---- */

/* How many requests were asked to be cancelled, and nobody is to be told any more. */
static inline size_t count_taken(const struct device *dev)
{
	struct seen seen[16];
	size_t n = see(dev, seen, 16), i, count = 0;

	for (i = 0; i < n && i < 16; i++)
		count += !strcmp(seen[i].canceled, "yes") && !strcmp(seen[i].cancelable, "no");
	return count;
}

/* What became of all requests of a device, which has none now, beside so many opens. */
static inline bool ended_as(const struct device *dev, unsigned int opens, unsigned int completed,
			    unsigned int cancelled, unsigned int failed, unsigned int late)
{
	struct counters c = counters(dev);

	if (adds_up(&c) && !c.pending && c.completed == completed + opens &&
	    c.cancelled == cancelled && c.failed == failed && c.late == late)
		return true;
	printf("# %s: completed %llu cancelled %llu failed %llu pending %llu late %llu\n",
	       dev->name, c.completed, c.cancelled, c.failed, c.pending, c.late);
	return false;
}

#endif /* CANCELIO_TEST_STALL_H */
