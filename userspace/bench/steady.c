// SPDX-License-Identifier: MIT
/*
 * What a cycle of the library must do without, counted exactly once it has been through a few:
 * allocations, and wake-ups of other threads. And its system calls, by ptrace(2).
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

/* ---- system calls ---- */

static void run(void (*cycle)(void *), void *arg, int rounds)
{
	while (rounds--)
		cycle(arg);
}

static void bound(void)
{
	syscall(SYS_getpgid, BOUND);
}

/* What all threads of the tracee enter between the two bounds. */
static unsigned long entries_of(pid_t first)
{
	unsigned long entries = 0;
	int status, bounds = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first && status)
				fail("what is counted has failed");
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			struct __ptrace_syscall_info info = { 0 };

			ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
			if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
				;
			else if (info.entry.nr == SYS_getpgid && info.entry.args[0] == BOUND)
				bounds++;
			else if (bounds == 1)
				entries++;
		}
		/* Other stops are of threads that begin: no cycle sends a signal. */
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	}
	if (bounds != 2)
		fail("what is counted has not come to its end");
	return entries;
}

/* In a process of its own, with a library that has done nothing yet. */
static double calls_of(const struct steady *s)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail("cannot fork");
	if (!pid) {
		void *arg;

		ptrace(PTRACE_TRACEME);
		raise(SIGSTOP);
		arg = s->setup();
		run(s->cycle, arg, WARM);
		bound();
		run(s->cycle, arg, ROUNDS);
		bound();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options) || ptrace(PTRACE_SYSCALL, pid, 0, 0))
		fail("cannot trace");
	return (double)entries_of(pid) / ROUNDS;
}

/* ---- the rows ---- */

void steady_print(const struct steady *s)
{
	unsigned long before;
	char name[64];
	void *arg;

	snprintf(name, sizeof(name), "%s.calls", s->name);
	if (s->no_calls)
		figure_none(name, calls_of(s), "calls");
	else
		figure(name, calls_of(s), "calls", 0);

	arg = s->setup();
	run(s->cycle, arg, WARM);
	before = others_slept();
	allocations = 0;
	run(s->cycle, arg, ROUNDS);
	snprintf(name, sizeof(name), "%s.allocations", s->name);
	figure_none(name, (double)allocations, "in 1000");
	snprintf(name, sizeof(name), "%s.wakeups", s->name);
	figure_none(name, (double)(others_slept() - before), "in 1000");
}
