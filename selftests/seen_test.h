/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device of the test's own, and what can be seen of its requests: in debugfs,
 * and by the ioctls.
 */
#ifndef CANCELIO_TEST_SEEN_H
#define CANCELIO_TEST_SEEN_H

#include <sys/ioctl.h>
#include <sys/stat.h>

#include "call_test.h"

#define CONFIGFS	"/sys/kernel/config/cancelio"
#define DEBUGFS		"/sys/kernel/debug/cancelio"

/* ---- files of a line or so ---- */

/* What a file says, as much as there is room for; nothing if it cannot be read. */
static inline char *read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Return: 0 or a negative errno. */
static inline int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* ---- a device that is made for one test ---- */

/* Return: 0 or a negative errno. */
static inline int config_put(const char *dir, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIGFS "/%s/%s", dir, name);
	return write_text(path, text);
}

/* Takes the device away, open or not. */
static inline void device_unmake(const char *dir)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIGFS "/%s", dir);
	if (access(path, F_OK))
		return;
	config_put(dir, "live", "0");
	rmdir(path);
}

/* Makes the device of a directory. Return: 0 or a negative errno. */
static inline int device_live(struct device *dev, const char *dir)
{
	char path[128];
	int fd, err = config_put(dir, "live", "1");
	ssize_t n;

	if (err)
		return err;
	memset(dev, 0, sizeof(*dev));
	snprintf(path, sizeof(path), CONFIGFS "/%s/device", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, dev->name, sizeof(dev->name) - 1);
	close(fd);
	dev->name[n > 0 ? n - 1 : 0] = '\0';
	snprintf(dev->node, sizeof(dev->node), "/dev/%s", dev->name);
	dev->size = attr(dev, "size");
	return 0;
}

/*
 * Makes a fast device with a directory of this name, above another one if
 * @lower is not NULL.
 * Return: NULL, or why the test cannot be run.
 */
static inline const char *device_make(struct device *dev, const char *dir, const char *model,
				      const struct device *lower)
{
	char path[128];

	if (geteuid())
		return "needs root";
	if (access(CONFIGFS, F_OK))
		return "there is no " CONFIGFS;
	if (access(DEBUGFS, F_OK))
		return "there is no " DEBUGFS;
	/* That of a test that was killed. */
	device_unmake(dir);
	snprintf(path, sizeof(path), CONFIGFS "/%s", dir);
	if (mkdir(path, 0755) || config_put(dir, "model", model) ||
	    (lower && config_put(dir, "lower", lower->name)) || device_live(dev, dir))
		return "the device cannot be made";
	return NULL;
}

#define MAKE_DEVICE(dev, dir, model)	SKIP_FOR(device_make(dev, dir, model, NULL))

/* Return: 0 or a negative errno. */
static inline int set(const struct device *dev, const char *name, const char *text)
{
	return attr_write(dev, name, text, strlen(text));
}

/* ---- debugfs ---- */

struct seen {
	unsigned long long id, age_ms, bytes, part_of;
	char op[8], state[8], cancelable[4], canceled[4];
	int pid, tid;
};

static inline FILE *debug_open(const struct device *dev, const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", dev->name, name);
	file = fopen(path, "re");
	if (!file)
		abort();
	return file;
}

/* Return: how many requests there are, of which the first @max are in @seen. */
static inline size_t see(const struct device *dev, struct seen *seen, size_t max)
{
	FILE *file = debug_open(dev, "requests");
	struct seen *s, bin;
	char line[256];
	size_t n;

	if (!fgets(line, sizeof(line), file) || !strstr(line, " cancelable "))
		abort();
	for (n = 0; fgets(line, sizeof(line), file); n++) {
		s = n < max ? &seen[n] : &bin;
		s->part_of = 0;
		if (sscanf(line, "%llu %7s %7s %3s %3s %llu %d %d %llu %llu", &s->id, s->op,
			   s->state, s->cancelable, s->canceled, &s->age_ms, &s->pid, &s->tid,
			   &s->bytes, &s->part_of) < 9)
			abort();
	}
	fclose(file);
	return n;
}

/* How many are in this state, and, unless that is NULL, so cancelable. */
static inline size_t count_state(const struct device *dev, const char *state,
				 const char *cancelable)
{
	struct seen seen[64];
	size_t n = see(dev, seen, 64), i, count = 0;

	for (i = 0; i < n && i < 64; i++)
		count += !strcmp(seen[i].state, state) &&
			 (!cancelable || !strcmp(seen[i].cancelable, cancelable));
	return count;
}

/* Not on its way any more. A part has no thread, and one that was killed is gone. */
static inline bool asleep(int tid)
{
	char path[32], text[512], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	state = strrchr(read_text(path, text, sizeof(text)), ')');
	return !state || state[2] != 'R';
}

/*
 * Waits until so many are in this state, and their threads asleep: from when a
 * request is seen in a state, it is some steps until it can be cancelled there.
 */
static inline void wait_state(const struct device *dev, const char *state, size_t count)
{
	struct seen seen[64];
	size_t n, i, found;

	for (;;) {
		n = see(dev, seen, 64);
		for (i = found = 0; i < n && i < 64; i++)
			found += asleep(seen[i].tid) && !strcmp(seen[i].state, state);
		/* Awake, they may have moved on. */
		if (found == count && count_state(dev, state, NULL) == count)
			return;
		pause_a_bit();
	}
}

/* So many have been asked to be cancelled, and have not ended. */
static inline void wait_canceled(const struct device *dev, size_t count)
{
	struct seen seen[64];
	size_t n, i, found;

	for (;;) {
		n = see(dev, seen, 64);
		for (i = found = 0; i < n && i < 64; i++)
			found += !strcmp(seen[i].canceled, "yes");
		if (found == count)
			return;
		pause_a_bit();
	}
}

struct counters {
	unsigned long long accepted, completed, cancelled, failed, pending, late, overdue;
};

static inline struct counters counters(const struct device *dev)
{
	FILE *file = debug_open(dev, "counters");
	struct counters c;

	if (fscanf(file, "accepted %llu completed %llu cancelled %llu", &c.accepted, &c.completed,
		   &c.cancelled) != 3 ||
	    fscanf(file, " failed %llu pending %llu late %llu overdue %llu", &c.failed, &c.pending,
		   &c.late, &c.overdue) != 4)
		abort();
	fclose(file);
	return c;
}

static inline bool adds_up(const struct counters *c)
{
	return c->accepted == c->completed + c->cancelled + c->failed + c->pending;
}

/* The sum of cancel_to_end. */
static inline unsigned long long cancel_to_end(const struct device *dev)
{
	FILE *file = debug_open(dev, "cancel_to_end");
	unsigned long long below, before = 0, count, sum = 0;
	char line[128];

	if (!fgets(line, sizeof(line), file))
		abort();
	while (fscanf(file, "%llu %llu", &below, &count) == 2) {
		/* Powers of two that grow, and none that is empty. */
		if (!count || below <= before || below & (below - 1))
			abort();
		before = below;
		sum += count;
	}
	fclose(file);
	return sum;
}

/* ---- ioctls ---- */

/* Return: how many were found, or a negative errno. */
static inline long cancel_by(int fd, unsigned int by, unsigned long long value)
{
	struct cancelio_cancel cancel = { .by = by, .value = value, .found = 4711 };

	return ioctl(fd, CANCELIO_IOC_CANCEL, &cancel) ? -errno : (long)cancel.found;
}

/* The next request after an id. Return: 0 or a negative errno. */
static inline int next_request(int fd, unsigned long long after, struct cancelio_request_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = after;
	return ioctl(fd, CANCELIO_IOC_REQUEST, info) ? -errno : 0;
}

/* ---- calls ---- */

static inline long do_fsync(struct call *call)
{
	return fsync(call->fd);
}

#endif /* CANCELIO_TEST_SEEN_H */
