// SPDX-License-Identifier: MIT
/*
 * bench: what it takes to have something pend and to cancel it, beside a peer.
 *
 *	bench [--list] [--row NAME]...
 *
 * Prints CSV, a line for each figure:
 *
 *	name,value,unit,peer,ratio,limit,verdict
 *
 * The ratio is that of the value to the peer's, the limit is of the ratio where
 * there is one, and else of the value. The verdict is ok, MISSED, or - where there
 * is no limit. A row whose results are wrong says FAILED and why on stderr. The
 * exit status is 0 if nothing failed, be it missed or not.
 *
 * Each row is a process of its own: what it leaves behind is not the next one's.
 * Without --row all are run but some that need a machine of their own: the *_memory,
 * for which the kernel must be booted with slab_nomerge, and a million, 4 GiB.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/**
 * struct row - something to measure
 * @name: its name
 * @cycle: measures a cycle; NULL where @count does not
 * @count: prints figures of another kind, by itself
 * @peer: the row that it is compared with
 * @limit: what the ratio may be at most
 * @apart: only if it is asked for
 * @value: ns, once it was measured
 */
struct row {
	const char *name;
	double (*cycle)(void);
	void (*count)(void);
	const char *peer;
	double limit;
	bool apart;
	double value;
};

static struct row rows[] = {
	{ "pipe_uring", .cycle = pipe_uring },
	{ "stream_uring", .cycle = stream_uring, .peer = "pipe_uring", .limit = 1.00 },
	{ "stream_native", .cycle = stream_native, .peer = "pipe_uring", .limit = 1.10 },
	{ "store_native", .cycle = store_native, .peer = "pipe_uring", .limit = 1.40 },
	{ "pipe_signal", .cycle = pipe_signal },
	{ "stream_signal", .cycle = stream_signal, .peer = "pipe_signal", .limit = 1.00 },
	{ "stream_aio", .cycle = stream_aio, .peer = "pipe_uring", .limit = 1.20 },
	{ "stream_ten", .cycle = stream_ten },
	{ "stream_many", .cycle = stream_many, .peer = "stream_ten", .limit = 1.20 },
	{ "store_ten", .cycle = store_ten },
	{ "store_many", .cycle = store_many, .peer = "store_ten", .limit = 1.20 },
	{ "zero_read", .cycle = zero_read },
	{ "store_read", .cycle = store_read, .peer = "zero_read", .limit = 1.50 },
	{ "fifo_uring", .cycle = fifo_uring },
	{ "lib_event", .cycle = lib_event, .peer = "fifo_uring", .limit = 1.25 },
	{ "lib_port", .cycle = lib_port, .peer = "fifo_uring", .limit = 1.35 },
	{ "file_read", .cycle = file_read },
	{ "lib_file", .cycle = lib_file, .peer = "file_read", .limit = 1.15 },
	{ "pipe_read", .cycle = pipe_read },
	{ "lib_pipe", .cycle = lib_pipe, .peer = "pipe_read", .limit = 1.15 },
	{ "lib_set", .cycle = lib_set },
	{ "lib_cancel", .cycle = lib_cancel },
	{ "lib_cancel_many", .cycle = lib_cancel_many, .peer = "lib_cancel", .limit = 1.01 },
	{ "lib_nothing", .cycle = lib_nothing },
	{ "lib_nothing_many", .cycle = lib_nothing_many, .peer = "lib_nothing", .limit = 1.01 },
	{ "stream_cancel", .count = stream_cancel },
	{ "store_cancel", .count = store_cancel },
	{ "stream_exit", .count = stream_exit },
	{ "store_exit", .count = store_exit },
	{ "lib_event_exact", .count = lib_event_exact },
	{ "lib_port_exact", .count = lib_port_exact },
	{ "lib_file_exact", .count = lib_file_exact },
	{ "lib_pipe_exact", .count = lib_pipe_exact },
	{ "lib_set_exact", .count = lib_set_exact },
	{ "stream_memory", .count = stream_memory, .apart = true },
	{ "store_memory", .count = store_memory, .apart = true },
	{ "stream_million", .count = stream_million, .apart = true },
};

#define ROWS	(sizeof(rows) / sizeof(*rows))

/* ---- for the rows ---- */

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void fail(const char *format, ...)
{
	va_list args;

	fputs("bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double measure(void (*cycle)(void *arg), void *arg, int batch)
{
	/* What the kernel has put off, or cannot do below a real-time thread, is done then. */
	const struct timespec pause = { .tv_nsec = 10000000 };
	double took[BATCHES];
	uint64_t start;
	int i, n;

	for (n = -1; n < BATCHES; n++) {
		nanosleep(&pause, NULL);
		start = now_ns();
		for (i = 0; i < batch; i++)
			cycle(arg);
		if (n >= 0)
			took[n] = (double)(now_ns() - start) / batch;
	}
	qsort(took, BATCHES, sizeof(*took), compare);
	return took[BATCHES / 2];
}

static const char *verdict(double value, double limit)
{
	if (!limit)
		return "-";
	return value <= limit ? "ok" : "MISSED";
}

void figure(const char *name, double value, const char *unit, double limit)
{
	printf("%s,%.2f,%s,,,", name, value, unit);
	if (limit)
		printf("%.2f", limit);
	printf(",%s\n", verdict(value, limit));
	fflush(stdout);
}

void figure_none(const char *name, double value, const char *unit)
{
	printf("%s,%.2f,%s,,,0,%s\n", name, value, unit, value ? "MISSED" : "ok");
	fflush(stdout);
}

/* ---- the rows, one by one ---- */

static struct row *row_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	fail("there is no row %s", name);
}

/* In a process of its own, whose value comes back through shared memory. */
static bool row_measure(struct row *row, double *value)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail("cannot fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (row->cycle)
			*value = row->cycle();
		else
			row->count();
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("cannot wait");
	return !status;
}

static void row_print(const struct row *row, const struct row *peer)
{
	double ratio = peer ? row->value / peer->value : 0;

	printf("%s,%.1f,instructions,", row->name, row->value);
	if (peer)
		printf("%s,%.4f,%.2f,%s\n", peer->name, ratio, row->limit, verdict(ratio, row->limit));
	else
		printf(",,,-\n");
	fflush(stdout);
}

/* A peer is measured first, once. Return: false if it has failed. */
static bool row_run(struct row *row, double *shared)
{
	struct row *peer = row->peer ? row_find(row->peer) : NULL;

	if (row->value)
		return row->value > 0;
	if (peer && !row_run(peer, shared)) {
		row->value = -1;
		printf("%s,,,%s,,,FAILED\n", row->name, peer->name);
		return false;
	}
	if (!row_measure(row, shared)) {
		row->value = -1;
		printf("%s,,,,,,FAILED\n", row->name);
		return false;
	}
	row->value = row->cycle ? *shared : 1;
	if (row->cycle)
		row_print(row, peer);
	return true;
}

/* A million requests and their completions are more than most systems allow. */
static void set_limits(void)
{
	struct rlimit memlock = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &memlock))
		fail("cannot lift the limit of locked memory: needs root");
	setting("/proc/sys/fs/aio-max-nr", 1048576);
}

/* What all CPUs together have been idle for, in ticks, and what has passed. */
static void ticks_read(long long *idle, long long *all)
{
	FILE *file = fopen("/proc/stat", "r");
	long long ticks[8] = { 0 };

	if (!file || fscanf(file, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &ticks[0],
			    &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
			    &ticks[7]) != 8)
		fail("cannot read /proc/stat");
	fclose(file);
	*idle = ticks[3];
	*all = 0;
	for (int i = 0; i < 8; i++)
		*all += ticks[i];
}

/*
 * A kernel may go on after it has booted, 6.12 with tests of its cryptography: that must not be
 * counted with the first rows.
 */
static void wait_for_idle(void)
{
	const struct timespec pause = { .tv_nsec = 500000000 };
	long long idle, all, idle_before, all_before;

	ticks_read(&idle, &all);
	do {
		idle_before = idle;
		all_before = all;
		nanosleep(&pause, NULL);
		ticks_read(&idle, &all);
	} while (all - all_before == 0 || (idle - idle_before) * 10 < (all - all_before) * 9);
}

int main(int argc, char **argv)
{
	double *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool chosen = false, good = true;
	int i;

	if (shared == MAP_FAILED)
		fail("no memory");
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			for (size_t n = 0; n < ROWS; n++)
				puts(rows[n].name);
			return 0;
		}
		if (strcmp(argv[i], "--row") || !argv[i + 1])
			fail("usage: bench [--list] [--row NAME]...");
		row_find(argv[++i]);
		chosen = true;
	}
	set_limits();
	wait_for_idle();
	puts("name,value,unit,peer,ratio,limit,verdict");
	if (chosen) {
		for (i = 2; i < argc; i += 2)
			good &= row_run(row_find(argv[i]), shared);
	} else {
		for (size_t n = 0; n < ROWS; n++)
			good &= rows[n].apart || row_run(&rows[n], shared);
	}
	return good ? 0 : 1;
}
