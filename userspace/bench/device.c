// SPDX-License-Identifier: MIT
/*
 * Devices of the benchmark's own, by configfs: those that are there stay as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define CONFIGFS	"/sys/kernel/config/cancelio"

static void text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("cannot write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

static void text_read(const char *path, char text[64])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 63);

	if (n < 0)
		fail("cannot read %s: %s", path, strerror(errno));
	close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static void config_write(const struct device *dev, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dev->dir, name);
	text_write(path, text);
}

/* Those that are there: a row that fails leaves none behind. */
static struct device *devices;

static void clean_up(void)
{
	char path[128];
	int fd;

	for (; devices; devices = devices->next) {
		snprintf(path, sizeof(path), "%s/live", devices->dir);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "0", 1) == 1)
			rmdir(devices->dir);
	}
}

void device_make(struct device *dev, const char *model)
{
	static int number;
	char path[128], text[64];

	snprintf(dev->dir, sizeof(dev->dir), CONFIGFS "/bench-%d-%d", getpid(), number++);
	if (mkdir(dev->dir, 0755))
		fail("cannot make %s: %s (is cancelio.ko loaded?)", dev->dir, strerror(errno));
	if (!devices)
		atexit(clean_up);
	dev->next = devices;
	devices = dev;
	config_write(dev, "model", model);
	config_write(dev, "live", "1");
	snprintf(path, sizeof(path), "%s/device", dev->dir);
	text_read(path, text);
	snprintf(dev->name, sizeof(dev->name), "%.31s", text);
	snprintf(dev->node, sizeof(dev->node), "/dev/%s", dev->name);
}

void device_remove(struct device *dev)
{
	struct device **link = &devices;

	while (*link != dev)
		link = &(*link)->next;
	*link = dev->next;
	config_write(dev, "live", "0");
	if (rmdir(dev->dir))
		fail("cannot remove %s: %s", dev->dir, strerror(errno));
}

int device_open(const struct device *dev)
{
	int fd = open(dev->node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("cannot open %s: %s", dev->node, strerror(errno));
	return fd;
}

static void knob_path(const struct device *dev, const char *knob, char path[128])
{
	snprintf(path, 128, "/sys/class/cancelio/%s/%s", dev->name, knob);
}

void device_set(const struct device *dev, const char *knob, unsigned long long value)
{
	char path[128], text[32];

	knob_path(dev, knob, path);
	snprintf(text, sizeof(text), "%llu", value);
	text_write(path, text);
}

unsigned long long device_pending(const struct device *dev)
{
	char path[128], text[64];

	knob_path(dev, "pending", path);
	text_read(path, text);
	return strtoull(text, NULL, 10);
}

long long setting(const char *path, long long value)
{
	char before[64], text[32];

	text_read(path, before);
	snprintf(text, sizeof(text), "%lld", value);
	text_write(path, text);
	return strtoll(before, NULL, 10);
}
