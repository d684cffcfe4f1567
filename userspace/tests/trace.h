/* SPDX-License-Identifier: MIT */
/* A call of the library's that is stopped at the borders of each system call that it makes. */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>
#include <sys/ptrace.h>
#include <windows.h>

#include "host.h"

/* A child that stands before the call; `prepare` runs in it before. */
static inline pid_t trace_start(void (*prepare)(void), BOOL (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		prepare();
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(TAP_SKIP);
		raise(SIGSTOP);
		_exit(call() ? 0 : 1);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == TAP_SKIP)
		SKIP("nothing can be traced, or refused");
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	return pid;
}

/* To the next border of a system call. False: it has ended, and well. */
static inline bool trace_step(pid_t pid)
{
	int status, signal = 0;

	for (;;) {
		CHECK_EQ(ptrace(PTRACE_SYSCALL, pid, 0, (long)signal), 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			CHECK_EQ(WEXITSTATUS(status), 0);
			return false;
		}
		CHECK(WIFSTOPPED(status));
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return true;
		signal = WSTOPSIG(status);
	}
}

static inline void trace_kill(pid_t pid)
{
	int status;

	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

/* The last component of the name at the address in the child. */
static inline void trace_read_name(pid_t pid, uint64_t address, char *name, size_t size)
{
	char path[64], text[PATH_MAX] = "";
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(memory >= 0);
	/* It may be near the end of what is mapped. */
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		if (pread(memory, text + n, 1, (off_t)(address + n)) != 1 || !text[n])
			break;
	close(memory);
	snprintf(name, size, "%.40s", strrchr(text, '/') ? strrchr(text, '/') + 1 : text);
}

/* "." for the current directory. */
static inline void trace_read_fd(pid_t pid, int fd, char *name, size_t size)
{
	char path[64], target[PATH_MAX] = "", here[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	CHECK(readlink(path, target, sizeof(target) - 1) > 0);
	CHECK(getcwd(here, sizeof(here)));
	if (!strcmp(target, here))
		strcpy(target, ".");
	snprintf(name, size, "%.40s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

/*
 * What the system call does of which the order counts: "sync FILE", "name NEW", "unlink NAME". False: it is none
 * of these, or the child does not stand at its beginning.
 */
static inline bool trace_deed(pid_t pid, char *deed, size_t size)
{
	struct __ptrace_syscall_info info = { 0 };
	char name[48];
	uint64_t *args = info.entry.args;

	CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	switch (info.entry.nr) {
	case SYS_fsync:
		trace_read_fd(pid, (int)args[0], name, sizeof(name));
		snprintf(deed, size, "sync %s", name);
		return true;
#ifdef SYS_rename
	case SYS_rename:
	case SYS_link:
		trace_read_name(pid, args[1], name, sizeof(name));
		snprintf(deed, size, "name %s", name);
		return true;
	case SYS_unlink:
		trace_read_name(pid, args[0], name, sizeof(name));
		snprintf(deed, size, "unlink %s", name);
		return true;
#endif
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_linkat:
		trace_read_name(pid, args[3], name, sizeof(name));
		snprintf(deed, size, "name %s", name);
		return true;
	case SYS_unlinkat:
		trace_read_name(pid, args[1], name, sizeof(name));
		snprintf(deed, size, "unlink %s", name);
		return true;
	}
	return false;
}

/* That the call does these deeds, in this order; it may do others between them. A * stands for anything. */
static inline void trace_order(void (*prepare)(void), BOOL (*call)(void), const char *const *order,
			       size_t count)
{
	pid_t pid = trace_start(prepare, call);
	size_t done = 0;

	while (trace_step(pid)) {
		char deed[64];

		if (!trace_deed(pid, deed, sizeof(deed)) || done == count)
			continue;
		if (!strncmp(deed, order[done], strcspn(order[done], "*")) &&
		    (strchr(order[done], '*') || !strcmp(deed, order[done])))
			done++;
	}
	if (done < count)
		printf("# missing: %s\n", order[done]);
	CHECK_EQ(done, count);
}

#endif
