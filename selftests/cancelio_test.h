/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of cancelio share: finding a device and giving it back as it
 * was, waiting for states that the kernel shows, and bytes that can be told
 * apart. Nothing here sleeps to give something time to happen.
 *
 * A wait has no limit of its own: a test whose state never comes is ended by
 * the harness. What takes a second takes half a minute where an emulated
 * kernel checks itself; so it has patience. Included after the harness.
 */
#ifndef CANCELIO_TEST_H
#define CANCELIO_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/cancelio.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	180 /* seconds */

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

/* How often to do what is to be done so many times: TEST_DIVIDE makes it less. */
static inline int rounds(int times)
{
	const char *divide = getenv("TEST_DIVIDE");
	int by = divide ? atoi(divide) : 1;

	return by > 1 ? times / by + 1 : times;
}

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

/* The first of a model: those that the module was loaded with come first. */
static inline bool device_find(struct device *dev, const char *model)
{
	char text[64] = "";
	int n;

	for (n = 0; n < 256; n++) {
		snprintf(dev->name, sizeof(dev->name), "cancelio%d", n);
		snprintf(dev->node, sizeof(dev->node), "/dev/cancelio%d", n);
		if (attr_text(dev, "model", text) && !strcmp(text, model))
			return true;
	}
	return false;
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

#endif /* CANCELIO_TEST_H */
