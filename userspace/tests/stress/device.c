// SPDX-License-Identifier: MIT
/* The devices of an episode: made in configfs, told in sysfs, looked at in debugfs; and the module. */
#include <fcntl.h>
#include <linux/cancelio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

#define CONFIGFS "/sys/kernel/config/cancelio"
#define DEBUGFS "/sys/kernel/debug/cancelio"

/* Return: 0 or a negative errno. */
int text_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* All of it that fits, without the last newline. */
bool text_get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	while (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	return true;
}

static int config_put(const char *dir, const char *name, const char *format, ...)
{
	char path[128], text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), CONFIGFS "/%s/%s", dir, name);
	return text_put(path, text);
}

/* Of a live device, by its node. */
int knob_put(const char *node, const char *knob, const char *format, ...)
{
	char path[160], text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "/sys/class/cancelio/%s/%s", strrchr(node, '/') + 1, knob);
	return text_put(path, text);
}

/* ---- they come and go ---- */

static bool has_lower;

static bool live(const char *dir, char *node, size_t size)
{
	char path[96], name[32];
	int err;

	snprintf(path, sizeof(path), CONFIGFS "/%s/device", dir);
	err = config_put(dir, "live", "1");
	if (err || !text_get(path, name, sizeof(name))) {
		fail("%s cannot be made: %d", dir, err);
		return false;
	}
	snprintf(node, size, "/dev/%s", name);
	for (int i = 0; access(node, R_OK | W_OK) && i < 2000; i++)
		usleep(5000);
	return true;
}

static bool make_dir(const char *dir)
{
	char path[96];

	snprintf(path, sizeof(path), CONFIGFS "/%s", dir);
	if (mkdir(path, 0755) && errno != EEXIST) {
		fail("%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/* A stream and a store, which may stand above another. */
bool devices_make(struct rng *rng)
{
	static const uint32_t sizes[] = { 256, 1024, 4096, 16384, 65536 };
	char lower[64] = "";

	EP->stream_size = sizes[any(rng, 5)];
	EP->store_size = BLOCKS * BLOCK;
	has_lower = one_in(rng, 3);
	if (!make_dir("stress-stream") || !make_dir("stress-store"))
		return false;
	config_put("stress-stream", "size", "%u", EP->stream_size);
	config_put("stress-store", "model", "store");
	if (has_lower) {
		if (!make_dir("stress-lower"))
			return false;
		config_put("stress-lower", "model", "store");
		config_put("stress-lower", "size", "%u", EP->store_size);
		if (!live("stress-lower", lower, sizeof(lower)))
			return false;
		if (config_put("stress-store", "lower", "%s", lower + strlen("/dev/")))
			fail("the store takes no lower device");
	}
	if (config_put("stress-store", "size", "%u", EP->store_size))
		fail("the store takes no size");
	return live("stress-stream", EP->stream, sizeof(EP->stream)) &&
	       live("stress-store", EP->store, sizeof(EP->store));
}

/* Pulls the plugs, whatever goes on. */
void devices_pull(void)
{
	atomic_store(&EP->pulled, true);
	if (config_put("stress-stream", "live", "0"))
		fail("the stream cannot be pulled");
	if (config_put("stress-store", "live", "0"))
		fail("the store cannot be pulled");
	count_cancel(BY_PULL);
}

static void remove_dir(const char *dir)
{
	char path[96];

	snprintf(path, sizeof(path), CONFIGFS "/%s", dir);
	if (access(path, F_OK))
		return;
	/* Busy as long as it is live, and a lower one as long as it has an upper one's reference. */
	config_put(dir, "live", "0");
	if (rmdir(path))
		fail("rmdir %s: %s", path, strerror(errno));
}

void devices_unmake(void)
{
	char path[128];

	remove_dir("stress-store");
	remove_dir("stress-stream");
	remove_dir("stress-lower");
	snprintf(path, sizeof(path), DEBUGFS "/%s", EP->stream + 5);
	if (!access(path, F_OK))
		fail("%s is still there", path);
	snprintf(path, sizeof(path), DEBUGFS "/%s", EP->store + 5);
	if (!access(path, F_OK))
		fail("%s is still there", path);
}

/* As they are when they are new, for what comes from now on. */
void devices_calm(void)
{
	static const char *const at_first[][2] = {
		{ "queue", "start" }, { "faults", "clear" }, { "cancel", "prompt" },
		{ "read_latency_ns", "0" }, { "write_latency_ns", "0" },
		{ "open_latency_ns", "0" }, { "control_latency_ns", "0" },
		{ "flush_latency_ns", "0" }, { "bandwidth", "0" }, { "stuck", "0" },
		{ "channels", "64" }, { "max_pending", "1048576" },
	};

	for (size_t i = 0; i < sizeof(at_first) / sizeof(at_first[0]); i++) {
		knob_put(EP->stream, at_first[i][0], "%s", at_first[i][1]);
		knob_put(EP->store, at_first[i][0], "%s", at_first[i][1]);
	}
}

/* ---- what they show ---- */

bool counters_see(const char *node, struct counters *c)
{
	char path[128], text[2048], *line, *rest;
	unsigned long long count;

	snprintf(path, sizeof(path), DEBUGFS "/%s/counters", node + 5);
	if (!text_get(path, text, sizeof(text)))
		return false;
	*c = (struct counters){ 0 };
	if (sscanf(text, "accepted %lu completed %lu cancelled %lu failed %lu pending %lu late %lu",
		   &c->accepted, &c->completed, &c->cancelled, &c->failed, &c->pending,
		   &c->late) != 6)
		return false;
	snprintf(path, sizeof(path), DEBUGFS "/%s/cancel_to_end", node + 5);
	if (!text_get(path, text, sizeof(text)))
		return false;
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (sscanf(line, "%*u %llu", &count) == 1)
			c->told += count;
	return true;
}

/* They add up, at any time; @quiet: and nothing is pending, nothing is shown. */
void counters_check(const char *node, bool quiet)
{
	char path[128], text[4096];
	struct counters c;

	if (!counters_see(node, &c)) {
		fail("%s has no counters", node);
		return;
	}
	if (c.accepted != c.completed + c.cancelled + c.failed + c.pending)
		fail("%s: accepted %lu, completed %lu, cancelled %lu, failed %lu, pending %lu",
		     node, c.accepted, c.completed, c.cancelled, c.failed, c.pending);
	if (!quiet)
		return;
	if (c.pending)
		fail("%s: %lu are pending, and nobody is there", node, c.pending);
	/* Who purges cancels what nobody has asked for. */
	if (!EP->orders && EP->ending != END_PURGED && c.told != c.cancelled + c.late)
		fail("%s: %lu were asked to end; %lu were cancelled, %lu late", node, c.told,
		     c.cancelled, c.late);
	snprintf(path, sizeof(path), DEBUGFS "/%s/requests", node + 5);
	if (!text_get(path, text, sizeof(text)) || strchr(text, '\n'))
		fail("%s: debugfs shows requests in a quiet moment:\n%s", node, text);
}

static void show_file(const char *path)
{
	static char text[65536];

	if (text_get(path, text, sizeof(text)))
		fprintf(stderr, "# %s:\n%s\n", path, text);
}

/* For who wants to know why it hangs. */
void devices_show(void)
{
	const char *const nodes[] = { EP->stream, EP->store };
	char path[128];

	for (int i = 0; EP->device && i < 2; i++) {
		snprintf(path, sizeof(path), DEBUGFS "/%s/requests", nodes[i] + 5);
		show_file(path);
		snprintf(path, sizeof(path), DEBUGFS "/%s/counters", nodes[i] + 5);
		show_file(path);
	}
}

/* Return: how many were found, or a negative errno. */
long ioctl_cancel(int fd, uint32_t by, uint64_t value, uint32_t flags)
{
	struct cancelio_cancel cancel = { .flags = flags, .by = by, .value = value };

	count_cancel(BY_IOCTL);
	return ioctl(fd, CANCELIO_IOC_CANCEL, &cancel) ? -errno : (long)cancel.found;
}

/* ---- the module ---- */

static int module_load(void)
{
	int fd = open("/cancelio.ko", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

/* Return: 0; -EWOULDBLOCK: it is in use. */
int module_remove(void)
{
	return syscall(SYS_delete_module, "cancelio", O_NONBLOCK) ? -errno : 0;
}

/* Nothing holds it, or soon nothing will: what it was waiting for takes no time any more. */
void module_reload(void)
{
	int err;

	if (access("/cancelio.ko", R_OK))
		return;
	for (int i = 0; (err = module_remove()) == -EWOULDBLOCK && i < 4000; i++)
		usleep(5000);
	if (err) {
		fail("the module cannot be removed: %s", strerror(-err));
		return;
	}
	err = module_load();
	if (err)
		fail("the module cannot be loaded again: %s", strerror(-err));
}

/* Neither an oops, nor a warning, unless others judge these, nor a lockup so far. */
bool kernel_is_well(void)
{
	unsigned long bad = 1UL << 5 | 1UL << 7 | 1UL << 14;
	char text[32] = "0";

	if (!getenv("STRESS_WARNED"))
		bad |= 1UL << 9;
	text_get("/proc/sys/kernel/tainted", text, sizeof(text));
	return !(strtoul(text, NULL, 10) & bad);
}
