/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of cancelio share: finding a device and giving it back as it
 * was, threads and processes that make one call, and waiting for states that
 * the kernel shows. Nothing here sleeps to give something time to happen.
 *
 * A wait has no limit of its own: a test whose state never comes is ended by
 * the harness, after 30 seconds.
 */
#ifndef CANCELIO_TEST_H
#define CANCELIO_TEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/cancelio.h>

#define SYSFS_CLASS	"/sys/class/cancelio"
#define MSEC		1000000ULL
/* A latency that no test sees the end of. */
#define FOREVER		CANCELIO_LATENCY_MAX_NS

/* The start of a store's medium, as far as the tests look at it. */
#define AREA	65536

/* Some rules of the stream begin at 4096 bytes, and need room on both sides. */
#define STREAM_SIZE_MIN	16384
#define STORE_SIZE_MIN	(2 * AREA)

/* ---- time and waiting ---- */

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Between two looks at a state. */
static inline void pause_a_bit(void)
{
	const struct timespec ts = { .tv_nsec = 200000 };

	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
}

#define wait_until(condition)		\
	do {				\
		while (!(condition))	\
			pause_a_bit();	\
	} while (0)

/* ---- devices ---- */

struct device {
	char name[32];
	char node[64];
	size_t size;
	uint64_t latencies[3];
};

static const char *const latency_names[3] = {
	"open_latency_ns", "read_latency_ns", "write_latency_ns",
};

/* The text of an attribute without its newline; false if it cannot be read. */
static inline bool attr_text(const struct device *dev, const char *name, char text[64])
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/%s", dev->name, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, 63);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* A number, or UINT64_MAX, which no attribute can have. */
static inline uint64_t attr(const struct device *dev, const char *name)
{
	char text[64];

	return attr_text(dev, name, text) ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* Return: 0 or a negative errno. */
static inline int attr_write(const struct device *dev, const char *name, const char *text, size_t len)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/%s", dev->name, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		err = -errno;
	close(fd);
	return err;
}

/* Return: 0 or a negative errno. */
static inline int set_latency(const struct device *dev, const char *name, uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)ns);
	return attr_write(dev, name, text, strlen(text));
}

static inline uint64_t pending(const struct device *dev)
{
	return attr(dev, "pending");
}

static inline void wait_pending(const struct device *dev, uint64_t count)
{
	wait_until(pending(dev) == count);
}

/* How many hold the module; -1 if it is not loaded. */
static inline long module_users(void)
{
	FILE *file = fopen("/sys/module/cancelio/refcnt", "r");
	long users = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &users) != 1)
		users = -1;
	fclose(file);
	return users;
}

/* Takes all that can be read now. Return: how many bytes. */
static inline size_t drain(const struct device *dev)
{
	int fd = open(dev->node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	static char bin[65536];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(fd, bin, sizeof(bin))) > 0)
		sum += n;
	close(fd);
	return sum;
}

static inline bool device_find(struct device *dev, const char *model)
{
	DIR *dir = opendir(SYSFS_CLASS);
	char text[64] = "";
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		snprintf(dev->name, sizeof(dev->name), "%.31s", entry->d_name);
		found = attr_text(dev, "model", text) && !strcmp(text, model);
	}
	if (dir)
		closedir(dir);
	snprintf(dev->node, sizeof(dev->node), "/dev/%s", dev->name);
	return found;
}

/*
 * Gets hold of a device of a model, fast and empty.
 * Return: NULL, or why the test cannot be run.
 */
static inline const char *device_setup(struct device *dev, const char *model)
{
	int i;

	if (geteuid())
		return "needs root";
	if (module_users() < 0)
		return "cancelio.ko is not loaded";
	if (!device_find(dev, model))
		return "there is no device of this model";
	dev->size = attr(dev, "size");
	if (dev->size < (strcmp(model, "stream") ? STORE_SIZE_MIN : STREAM_SIZE_MIN))
		return "the device is too small";
	/* A test that was killed before this one may be on its way out. */
	wait_pending(dev, 0);
	for (i = 0; i < 3; i++) {
		dev->latencies[i] = attr(dev, latency_names[i]);
		if (set_latency(dev, latency_names[i], 0))
			return "the latencies cannot be set";
	}
	if (!strcmp(model, "stream"))
		drain(dev);
	return NULL;
}

static inline void device_teardown(const struct device *dev)
{
	int i;

	for (i = 0; i < 3; i++)
		set_latency(dev, latency_names[i], dev->latencies[i]);
}

/* In FIXTURE_SETUP(): skips the test if there is a reason to. */
#define SKIP_FOR(reason)				\
	do {						\
		const char *why = (reason);		\
							\
		if (why)				\
			SKIP(return, "%s", why);	\
	} while (0)

#define SETUP_DEVICE(dev, model)	SKIP_FOR(device_setup(dev, model))

/* ---- bytes ---- */

/* Not periodic in any power of two, so that a lost or doubled byte shows. */
static inline unsigned char pattern(size_t i)
{
	return i % 251;
}

static inline void fill_pattern(unsigned char *buf, size_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern(from + i);
}

static inline bool is_pattern(const unsigned char *buf, size_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] != pattern(from + i))
			return false;
	}
	return true;
}

/* Memory that ends, at its last byte, where nothing is mapped. */
static inline void *alloc_before_hole(size_t len)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t room = (len + page - 1) / page * page;
	char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + room, page, PROT_NONE))
		abort();
	return p + room - len;
}

/* Leaves so much room in an empty line. */
static inline bool leave_room(int fd, const struct device *dev,
			      const unsigned char *buf, size_t room)
{
	ssize_t len = dev->size - room;

	return write(fd, buf, len) == len;
}

static inline bool area_fill(int fd)
{
	static unsigned char area[AREA];

	fill_pattern(area, 0, AREA);
	return pwrite(fd, area, AREA, 0) == AREA;
}

static inline bool area_untouched(int fd)
{
	static unsigned char area[AREA];

	return pread(fd, area, AREA, 0) == AREA && is_pattern(area, 0, AREA);
}

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

#endif /* CANCELIO_TEST_H */
