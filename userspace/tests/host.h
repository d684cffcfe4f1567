/* SPDX-License-Identifier: MIT */
/* What the tests need of the host: files of every kind, and a look at what a thread is doing. */
#ifndef HOST_H
#define HOST_H

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <windows.h>

#include "tap.h"

/* The sanitizers' own limits: threads of their own, locks that do not survive a fork. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || defined(CIO_VALGRIND)
#define HOST_SANITIZED 1
#else
#define HOST_SANITIZED 0
#endif
#ifdef __SANITIZE_THREAD__
#define HOST_TSAN 1
#else
#define HOST_TSAN 0
#endif

static char host_dir[PATH_MAX];

static inline void host_remove_dir(void)
{
	char cmd[PATH_MAX + 16];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", host_dir);
	if (system(cmd) != 0)
		perror("# rm");
}

/* A path in a directory that goes with the case. */
static inline const char *host_path(const char *name)
{
	static char path[32][PATH_MAX + 64];
	static int turn;

	if (!*host_dir) {
		const char *tmp = getenv("TMPDIR");

		snprintf(host_dir, sizeof(host_dir), "%s/cancelio.XXXXXX", tmp ? tmp : "/tmp");
		CHECK(mkdtemp(host_dir));
		atexit(host_remove_dir);
	}
	turn = (turn + 1) % 32;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", host_dir, name);
	return path[turn];
}

static inline HANDLE host_open(const char *path, DWORD access, DWORD flags)
{
	return CreateFileA(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
			   flags, NULL);
}

/* A FIFO: the library's end with the access and flags given, and the host's end as *peer. */
static inline HANDLE host_fifo(const char *name, DWORD access, DWORD flags, int *peer)
{
	const char *path = host_path(name);
	HANDLE h;
	/* Open for both, so that neither of the two opens waits for the other. */
	int both, fd;

	CHECK_EQ(mkfifo(path, 0600), 0);
	both = open(path, O_RDWR | O_CLOEXEC);
	CHECK(both >= 0);
	h = host_open(path, access, flags);
	CHECK(h != INVALID_HANDLE_VALUE);
	fd = open(path, (access & GENERIC_READ ? O_WRONLY : O_RDONLY | O_NONBLOCK) | O_CLOEXEC);
	CHECK(fd >= 0);
	if (access & GENERIC_WRITE)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	close(both);
	*peer = fd;
	return h;
}

/* A terminal without line editing; *peer is its master. */
static inline HANDLE host_tty(DWORD access, DWORD flags, int *peer)
{
	struct termios raw;
	HANDLE h;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	CHECK(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	h = host_open(ptsname(fd), access, flags);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_EQ(tcgetattr(fd, &raw), 0);
	cfmakeraw(&raw);
	CHECK_EQ(tcsetattr(fd, TCSANOW, &raw), 0);
	*peer = fd;
	return h;
}

static inline HANDLE host_event(BOOL manual, BOOL set)
{
	HANDLE e = CreateEventA(NULL, manual, set, NULL);

	CHECK(e);
	return e;
}

static inline HANDLE host_manual_event(void)
{
	return host_event(TRUE, FALSE);
}

/* How often to do what is to be done n times: TEST_DIVIDE makes it less. */
static inline long host_rounds(long n)
{
	const char *divide = getenv("TEST_DIVIDE");
	long by = divide ? atol(divide) : 1;

	return by > 1 ? (n + by - 1) / by : n;
}

/* How a process that does this ends: by its exit status, or 1000 and the signal. */
static inline int host_exit_status(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60);
		fn();
		_exit(99);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline double host_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void host_read_proc(DWORD tid, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%u/%s", tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
}

/* The system call the thread sleeps in; -1 while it runs. */
static inline long host_syscall_of(DWORD tid)
{
	char buf[512];

	host_read_proc(tid, "syscall", buf, sizeof(buf));
	return buf[0] == 'r' ? -1 : strtol(buf, NULL, 10);
}

/* Until the thread sleeps in one of the system calls (give the same twice for one). */
static inline void host_wait_syscall(DWORD tid, long one, long other)
{
	long nr;

	for (;;) {
		nr = host_syscall_of(tid);
#ifdef CIO_VALGRIND
		/* So it sleeps for the ring there. */
		if (nr == SYS_poll)
			nr = SYS_io_uring_enter;
#endif
		if (nr == one || nr == other)
			return;
		usleep(200);
	}
}

/* The number behind a line "name:" of the thread's status. */
static inline long host_status_of(DWORD tid, const char *name)
{
	char buf[4096], *line;

	host_read_proc(tid, "status", buf, sizeof(buf));
	line = strstr(buf, name);
	CHECK(line);
	return strtol(line + strlen(name) + 1, NULL, 10);
}

static inline OVERLAPPED host_overlapped(HANDLE event)
{
	OVERLAPPED ov;

	memset(&ov, 0, sizeof(ov));
	ov.hEvent = event;
	return ov;
}

#endif
