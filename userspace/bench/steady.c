// SPDX-License-Identifier: MIT
/*
 * What a cycle of the library must do without, counted exactly once it has been through a few:
 * allocations, and wake-ups of other threads. And by ptrace(2), what it takes outside the kernel:
 * system calls, and instructions.
 */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "library.h"

#define ROUNDS	1000
#define WARM	100
#define STEPPED	10
/* An argument that no system call of a cycle has: the bounds of what is counted. */
#define BOUND	0x63616e63656cUL

/* ---- allocations: these take the place of libc's, in the library as well ---- */

static _Atomic unsigned long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}

void free(void *old)
{
	allocations++;
	__libc_free(old);
}

/* ---- wake-ups ---- */

/* Return: how often a thread has slept, which it does again by then. */
static unsigned long slept(const char *tid)
{
	unsigned long count = 0;
	char path[300], line[128];
	bool asleep = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	while (!asleep) {
		sched_yield();
		file = fopen(path, "r");
		if (!file)
			return 0;
		while (fgets(line, sizeof(line), file)) {
			if (!strncmp(line, "State:", 6))
				asleep = strchr(line + 6, 'S');
			sscanf(line, "voluntary_ctxt_switches: %lu", &count);
		}
		fclose(file);
	}
	return count;
}

/* The same of all threads of this process but this one. */
static unsigned long others_slept(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned long sum = 0;
	struct dirent *entry;

	if (!tasks)
		fail("no /proc");
	while ((entry = readdir(tasks)))
		if (*entry->d_name != '.' && atoi(entry->d_name) != (int)syscall(SYS_gettid))
			sum += slept(entry->d_name);
	closedir(tasks);
	return sum;
}

/* ---- system calls, and instructions outside the kernel ---- */

struct counts {
	unsigned long calls, instructions;
};

/* The tracee's, of which the tracer reads whether it is in what is counted by steps. */
static volatile long stepping;

static void run(void (*cycle)(void *), void *arg, int rounds)
{
	while (rounds--)
		cycle(arg);
}

static void bound(void)
{
	syscall(SYS_getpgid, BOUND);
}

static void run_traced(const struct steady *s)
{
	void *arg;

	ptrace(PTRACE_TRACEME);
	raise(SIGSTOP);
	arg = s->setup();
	run(s->cycle, arg, WARM);
	bound();
	run(s->cycle, arg, ROUNDS);
	bound();
	stepping = 1;
	run(s->cycle, arg, STEPPED);
	stepping = 0;
	_exit(0);
}

/* Whether the tracee is where nothing is to be counted: on its way into bound(). */
static bool at_bound(pid_t pid, bool *enters)
{
	struct __ptrace_syscall_info info = { 0 };

	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	*enters = info.op == PTRACE_SYSCALL_INFO_ENTRY;
	return *enters && info.entry.nr == SYS_getpgid && info.entry.args[0] == BOUND;
}

/*
 * What all threads of the tracee enter between its two bounds, and how many steps the first one
 * takes from then on. Stops of other kinds are of threads that begin: no cycle sends a signal.
 */
static void count(pid_t first, struct counts *counts)
{
	int status, bounds = 0;
	bool enters;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first && status)
				fail("what is counted has failed");
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (at_bound(pid, &enters))
				bounds++;
			else if (enters && bounds == 1)
				counts->calls++;
		} else if (pid == first && bounds == 2) {
			counts->instructions += ptrace(PTRACE_PEEKDATA, pid, &stepping, 0) == 1;
		}
		ptrace(pid == first && bounds == 2 ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, pid, 0, 0);
	}
	if (bounds != 2)
		fail("what is counted has not come to its end");
}

/* In a process of its own, with a library that has done nothing yet. */
static struct counts counts_of(const struct steady *s)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	struct counts counts = { 0 };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail("cannot fork");
	if (!pid)
		run_traced(s);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options) || ptrace(PTRACE_SYSCALL, pid, 0, 0))
		fail("cannot trace");
	count(pid, &counts);
	return counts;
}

/* ---- the rows ---- */

static const char *part(const struct steady *s, const char *what)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s.%s", s->name, what);
	return name;
}

void steady_print(const struct steady *s)
{
	struct counts counts = counts_of(s);
	double calls = (double)counts.calls / ROUNDS;
	unsigned long before;
	void *arg;

	figure(part(s, "outside"), (double)counts.instructions / STEPPED, "instr.", 0);
	if (s->no_calls)
		figure_none(part(s, "calls"), calls, "calls");
	else
		figure(part(s, "calls"), calls, "calls", 0);

	arg = s->setup();
	run(s->cycle, arg, WARM);
	before = others_slept();
	allocations = 0;
	run(s->cycle, arg, ROUNDS);
	figure_none(part(s, "allocations"), (double)allocations, "in 1000");
	figure_none(part(s, "wakeups"), (double)(others_slept() - before), "in 1000");
}
