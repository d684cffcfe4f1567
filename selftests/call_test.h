/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Calls that wait, made by threads and processes, and what happens to them.
 */
#ifndef CANCELIO_TEST_CALL_H
#define CANCELIO_TEST_CALL_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "cancelio_test.h"

/* ---- signals ---- */

/* How often the handler has run. */
static volatile int handled;

static inline void count_signal(int sig)
{
	__atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

static inline void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = count_signal, .sa_flags = flags };

	if (sigaction(sig, &sa, NULL))
		abort();
}

/* ---- a thread that makes one call ---- */

struct call {
	/* Set by whoever starts it, as far as @fn uses them. */
	long (*fn)(struct call *call);
	int fd;
	const char *path;
	void *buf;
	size_t len;
	off_t pos;
	/* What the call returned, once @done. */
	long ret;
	int err;
	uint64_t started, ended;
	bool done;

	pthread_t thread;
	pid_t tid;
};

static inline void *call_thread(void *arg)
{
	struct call *call = arg;

	__atomic_store_n(&call->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	call->started = now_ns();
	call->ret = call->fn(call);
	call->err = call->ret < 0 ? errno : 0;
	call->ended = now_ns();
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static inline void call_start(struct call *call)
{
	call->done = false;
	call->tid = 0;
	if (pthread_create(&call->thread, NULL, call_thread, call))
		abort();
	while (!__atomic_load_n(&call->tid, __ATOMIC_ACQUIRE))
		sched_yield();
}

static inline bool call_done(struct call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

static inline long call_join(struct call *call)
{
	pthread_join(call->thread, NULL);
	return call->ret;
}

static inline void call_signal(struct call *call, int sig)
{
	pthread_kill(call->thread, sig);
}

/* Waits until the thread sleeps in a system call of this number. */
static inline void wait_in_syscall(struct call *call, long nr)
{
	char path[64], text[256];
	bool there = false;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", call->tid);
	while (!there) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		there = text[0] >= '0' && text[0] <= '9' && strtol(text, NULL, 10) == nr;
		if (!there)
			pause_a_bit();
	}
}

static inline long do_read(struct call *call)
{
	return read(call->fd, call->buf, call->len);
}

static inline long do_write(struct call *call)
{
	return write(call->fd, call->buf, call->len);
}

/* In two parts, of which neither is empty. */
static inline struct iovec *split(struct call *call, struct iovec iov[2])
{
	size_t first = call->len / 3 + 1;

	iov[0] = (struct iovec){ call->buf, first };
	iov[1] = (struct iovec){ (char *)call->buf + first, call->len - first };
	return iov;
}

static inline long do_readv(struct call *call)
{
	struct iovec iov[2];

	return readv(call->fd, split(call, iov), 2);
}

static inline long do_writev(struct call *call)
{
	struct iovec iov[2];

	return writev(call->fd, split(call, iov), 2);
}

static inline long do_pread(struct call *call)
{
	return pread(call->fd, call->buf, call->len, call->pos);
}

static inline long do_pwrite(struct call *call)
{
	return pwrite(call->fd, call->buf, call->len, call->pos);
}

static inline long do_open(struct call *call)
{
	return open(call->path, O_RDWR | O_CLOEXEC);
}

/* A control that takes its time. */
static inline long do_info(struct call *call)
{
	struct cancelio_info info = { 0 };

	return ioctl(call->fd, CANCELIO_IOC_INFO, &info);
}

/* ---- order ---- */

/*
 * Makes things happen to a thread before it can run again: it may only run on
 * this CPU, which from here to let_go() does not leave us until we sleep.
 */
static inline bool hold(pid_t tid)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	return !sched_setaffinity(tid, sizeof(cpu), &cpu) &&
	       !sched_setaffinity(0, sizeof(cpu), &cpu) &&
	       !sched_setscheduler(0, SCHED_FIFO, &param);
}

static inline bool let_go(void)
{
	struct sched_param param = { 0 };

	return !sched_setscheduler(0, SCHED_OTHER, &param);
}

/* The signal with the lower number is delivered first, and its handler decides. */
static inline bool signal_twice(struct call *call, int sig1, int sig2)
{
	if (!hold(call->tid))
		return false;
	call_signal(call, sig1);
	call_signal(call, sig2);
	return let_go();
}

/* ---- a process that makes one call ---- */

/* The child's exit status is 0 if the call returned what it was meant to. */
static inline pid_t child_start(struct call *call, long expected)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid)
		return pid;
	/* It must not outlive a test that fails. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(2);
	_exit(call->fn(call) == expected ? 0 : 1);
}

/* Return: the exit status, or minus the signal that ended it. */
static inline int child_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- interrupting a call again and again ---- */

/*
 * Interrupts a call whenever it waits, until it has returned or @most times.
 * Return: how often its handler ran.
 */
static inline int interrupt(const struct device *dev, struct call *call, int sig, int most)
{
	int before = handled, times = 0;

	while (!call_done(call) && times < most) {
		if (!pending(dev)) {
			sched_yield();
			continue;
		}
		call_signal(call, sig);
		times++;
		while (handled - before < times && !call_done(call))
			sched_yield();
	}
	return handled - before;
}

#endif /* CANCELIO_TEST_CALL_H */
