/* SPDX-License-Identifier: MIT */
/*
 * The slow devices. CANCELIO_STREAM and CANCELIO_STORE name others than the first two; without a
 * device a case is skipped.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <dirent.h>
#include <linux/cancelio.h>
#include <stdbool.h>

#include "host.h"

static inline const char *device(const char *variable, const char *path)
{
	if (getenv(variable))
		path = getenv(variable);
	if (access(path, R_OK | W_OK) != 0)
		SKIP("no device");
	return path;
}

#define STREAM device("CANCELIO_STREAM", "/dev/cancelio0")
#define STORE device("CANCELIO_STORE", "/dev/cancelio1")
#define RW (GENERIC_READ | GENERIC_WRITE)

static inline void device_tell(const char *path, const char *knob, const char *value)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "/sys/class/cancelio/%s/%s", strrchr(path, '/') + 1, knob);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		SKIP("the device cannot be told how to behave");
	CHECK_EQ(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static inline void device_reset(void)
{
	static const char *const at_first[][2] = {
		{ "open_latency_ns", "0" },	 { "read_latency_ns", "0" },
		{ "write_latency_ns", "0" },	 { "control_latency_ns", "0" },
		{ "abort_latency_ns", "0" },	 { "cancel", "prompt" },
		{ "faults", "clear" },		 { "max_pending", "1048576" },
	};
	const char *path = STORE;

	for (size_t i = 0; i < sizeof(at_first) / sizeof(at_first[0]); i++)
		device_tell(path, at_first[i][0], at_first[i][1]);
}

/* The store, as it is when it is new; and so it is left, unless the case fails. */
static inline const char *device_store(void)
{
	device_reset();
	atexit(device_reset);
	return STORE;
}

static inline HANDLE device_open(const char *path, DWORD flags)
{
	HANDLE h = host_open(path, RW, flags);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

static inline struct cancelio_info device_info(const char *path)
{
	struct cancelio_info info = { 0 };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, CANCELIO_IOC_INFO, &info), 0);
	close(fd);
	return info;
}

/* Whether the library has its requests served without threads. */
static inline bool device_takes_commands(const char *path)
{
	return device_info(path).features & CANCELIO_FEATURE_URING_EXIT;
}

static inline void device_wait_pending(const char *path, unsigned int count)
{
	while (device_info(path).pending != count)
		usleep(200);
}

/* Threads that io_uring has made for this process. */
static inline int device_workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		char name[300], comm[32] = "";
		FILE *f;

		snprintf(name, sizeof(name), "/proc/self/task/%s/comm", entry->d_name);
		f = fopen(name, "re");
		if (!f)
			continue;
		count += fgets(comm, sizeof(comm), f) && !strncmp(comm, "iou-wrk", 7);
		fclose(f);
	}
	closedir(dir);
	return count;
}

#endif
