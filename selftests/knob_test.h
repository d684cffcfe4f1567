/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Devices that a test makes for itself, tells how to behave, and looks into:
 * configfs, sysfs and debugfs.
 */
#ifndef CANCELIO_TEST_KNOB_H
#define CANCELIO_TEST_KNOB_H

#include <sys/stat.h>

#include "call_test.h"

#define CONFIGFS	"/sys/kernel/config/cancelio"
#define DEBUGFS		"/sys/kernel/debug/cancelio"

/* FOREVER, as it is written. */
#define DAY		"86400000000000"

/* A device that a directory in configfs stands for. */
struct made {
	struct device dev;
	char dir[96];
};

/* ---- small files ---- */

/* Return: 0 or a negative errno. */
static inline int text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

/* The whole text without the newline at its end, or "?"; static. */
static inline const char *text_read(const char *path)
{
	static char text[4097];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return "?";
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return "?";
	text[n] = '\0';
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return text;
}

static inline int config_put(const struct made *made, const char *name, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", made->dir, name);
	return text_write(path, text);
}

static inline const char *config_get(const struct made *made, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", made->dir, name);
	return text_read(path);
}

/* The same file of the live device. */
static inline int knob_put(const struct made *made, const char *name, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/%s", made->dev.name, name);
	return text_write(path, text);
}

static inline const char *knob_get(const struct made *made, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/%s", made->dev.name, name);
	return text_read(path);
}

/* ---- devices ---- */

/* In FIXTURE_SETUP(), for SKIP_FOR(): why no device can be made, or NULL. */
static inline const char *cannot_make(void)
{
	if (geteuid())
		return "needs root";
	if (access(CONFIGFS, F_OK))
		return "there is no " CONFIGFS;
	if (access(DEBUGFS, F_OK))
		return "there is no " DEBUGFS;
	return NULL;
}

static inline int device_unmake(struct made *made)
{
	config_put(made, "live", "0");
	return rmdir(made->dir) ? -errno : 0;
}

static inline int device_go_live(struct made *made)
{
	int err = config_put(made, "live", "1");

	if (err)
		return err;
	snprintf(made->dev.name, sizeof(made->dev.name), "%.31s", config_get(made, "device"));
	snprintf(made->dev.node, sizeof(made->dev.node), "/dev/%s", made->dev.name);
	made->dev.size = attr(&made->dev, "size");
	return 0;
}

/*
 * Makes a directory whose name has @label, and writes the settings there:
 * "NAME=VALUE;NAME=VALUE".
 */
static inline int device_plan(struct made *made, const char *label, const char *settings)
{
	char copy[512], *rest = copy, *name, *value;
	int err = 0;

	snprintf(made->dir, sizeof(made->dir), CONFIGFS "/%.24s.%.24s",
		 program_invocation_short_name, label);
	/* One of a test that was killed. */
	if (!access(made->dir, F_OK))
		device_unmake(made);
	if (mkdir(made->dir, 0755))
		return -errno;
	snprintf(copy, sizeof(copy), "%s", settings);
	while (!err && (value = strsep(&rest, ";"))) {
		name = strsep(&value, "=");
		if (value)
			err = config_put(made, name, value);
	}
	return err;
}

static inline int device_make(struct made *made, const char *label, const char *settings)
{
	int err = device_plan(made, label, settings);

	return err ? err : device_go_live(made);
}

/* ---- requests ---- */

struct seen {
	unsigned long long id, bytes, part_of;
	char op[8], state[12];
	bool cancelable, canceled;
	int tid;
};

/* What is pending, oldest first. Return: how many. */
static inline int requests_see(const struct made *made, struct seen *seen, int most)
{
	char path[128], line[256], cancelable[8], canceled[8];
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), DEBUGFS "/%s/requests", made->dev.name);
	file = fopen(path, "re");
	while (file && n < most && fgets(line, sizeof(line), file)) {
		struct seen *s = &seen[n];

		*s = (struct seen){ 0 };
		if (sscanf(line, "%llu %7s %11s %7s %7s %*s %*s %d %llu %llu", &s->id, s->op,
			   s->state, cancelable, canceled, &s->tid, &s->bytes, &s->part_of) < 7)
			continue;
		s->cancelable = !strcmp(cancelable, "yes");
		s->canceled = !strcmp(canceled, "yes");
		n++;
	}
	if (file)
		fclose(file);
	return n;
}

/* How many are in this state. */
static inline int in_state(const struct made *made, const char *state)
{
	static struct seen seen[256];
	int i, n = requests_see(made, seen, 256), count = 0;

	for (i = 0; i < n; i++)
		count += !strcmp(seen[i].state, state);
	return count;
}

static inline int in_cancel(const struct made *made)
{
	static struct seen seen[256];
	int i, n = requests_see(made, seen, 256), count = 0;

	for (i = 0; i < n; i++)
		count += seen[i].canceled;
	return count;
}

/* The state of the request that a thread has begun; "" if there is none. */
static inline struct seen request_of(const struct made *made, const struct call *call)
{
	static struct seen seen[256];
	int i, n = requests_see(made, seen, 256);

	for (i = 0; i < n; i++) {
		if (seen[i].tid == call->tid)
			return seen[i];
	}
	return (struct seen){ 0 };
}

static inline void wait_state(const struct made *made, const struct call *call, const char *state)
{
	wait_until(!strcmp(request_of(made, call).state, state));
}

/* ---- counters ---- */

struct counters {
	unsigned long long accepted, completed, cancelled, failed, pending, late;
};

static inline struct counters counters_see(const struct made *made)
{
	struct counters c;
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "/%s/counters", made->dev.name);
	if (sscanf(text_read(path), "accepted %llu completed %llu cancelled %llu failed %llu pending %llu late %llu",
		   &c.accepted, &c.completed, &c.cancelled, &c.failed, &c.pending, &c.late) != 6)
		abort();
	return c;
}

/* What has become of the requests since @before, as text; static. */
static inline const char *counters_since(const struct made *made, const struct counters *before)
{
	struct counters c = counters_see(made);
	static char text[128];

	if (c.accepted != c.completed + c.cancelled + c.failed + c.pending)
		return "the counters do not add up";
	snprintf(text, sizeof(text), "%llu done, %llu cancelled, %llu failed, %llu pending, %llu late",
		 c.completed - before->completed, c.cancelled - before->cancelled,
		 c.failed - before->failed, c.pending - before->pending, c.late - before->late);
	return text;
}

/* ---- calls ---- */

static inline long do_fsync(struct call *call)
{
	return fsync(call->fd);
}

/* Threads that each make the same call; each begun when the one before is pending. */
static inline void calls_start(const struct made *made, struct call *calls, int count,
			       struct call like)
{
	uint64_t before = pending(&made->dev);
	int i;

	for (i = 0; i < count; i++) {
		calls[i] = like;
		call_start(&calls[i]);
		wait_pending(&made->dev, before + i + 1);
	}
}

static inline void calls_signal(struct call *calls, int count, int sig)
{
	int i;

	for (i = 0; i < count; i++)
		call_signal(&calls[i], sig);
}

#endif /* CANCELIO_TEST_KNOB_H */
