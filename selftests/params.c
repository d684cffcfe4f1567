// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parameters, and its loading and unloading. It is loaded from
 * the file that the environment names in CANCELIO_KO, or else /cancelio.ko,
 * and in the end as it was at first.
 */
#define _GNU_SOURCE
#include <dirent.h>

#include "kselftest_harness.h"
#include "call_test.h"

static const char *const names[] = {
	"streams", "stores", "stream_size", "store_size",
	"open_latency_ns", "read_latency_ns", "write_latency_ns",
};

/* Return: 0 or a negative errno. */
static int load(int ko, const char *args)
{
	return syscall(SYS_finit_module, ko, args, 0) ? -errno : 0;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "cancelio", O_NONBLOCK) ? -errno : 0;
}

/* The parameters with which the module was loaded, as it would take them. */
static bool loaded_args(char *args, size_t size)
{
	char path[128], value[64];
	size_t len = 0;
	FILE *file;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/module/cancelio/parameters/%s", names[i]);
		file = fopen(path, "r");
		if (!file || fscanf(file, "%63s", value) != 1)
			return false;
		fclose(file);
		len += snprintf(args + len, size - len, "%s=%s ", names[i], value);
	}
	return len < size;
}

FIXTURE(params)
{
	int ko;
	char args[512];
};

FIXTURE_SETUP(params)
{
	const char *path = getenv("CANCELIO_KO") ?: "/cancelio.ko";

	if (geteuid())
		SKIP(return, "needs root");
	if (!loaded_args(self->args, sizeof(self->args)))
		SKIP(return, "cancelio.ko is not loaded");
	self->ko = open(path, O_RDONLY | O_CLOEXEC);
	if (self->ko < 0)
		SKIP(return, "there is no %s: CANCELIO_KO can name another", path);
	if (unload())
		SKIP(return, "cancelio.ko is in use");
}

FIXTURE_TEARDOWN(params)
{
	unload();
	EXPECT_EQ(0, load(self->ko, self->args));
}

/* Entries of the class in sysfs; -1 if there is none. */
static int count_devices(void)
{
	DIR *dir = opendir(SYSFS_CLASS);
	struct dirent *entry;
	int n = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

TEST_F(params, defaults)
{
	struct device stream, store;

	ASSERT_EQ(0, load(self->ko, ""));
	EXPECT_EQ(2, count_devices());
	ASSERT_TRUE(device_find(&stream, "stream"));
	ASSERT_TRUE(device_find(&store, "store"));
	EXPECT_STREQ("cancelio0", stream.name);
	EXPECT_STREQ("cancelio1", store.name);
	EXPECT_EQ(65536, attr(&stream, "size"));
	EXPECT_EQ(16777216, attr(&store, "size"));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, attr(&stream, latency_names[i]));
		EXPECT_EQ(0, attr(&store, latency_names[i]));
	}
	EXPECT_EQ(0, pending(&stream));
	EXPECT_EQ(0, pending(&store));
	EXPECT_EQ(0, unload());
	EXPECT_EQ(-1, count_devices());
	EXPECT_EQ(-1, access(stream.node, F_OK));
	EXPECT_EQ(-1, access(store.node, F_OK));
}

TEST_F(params, bad_values)
{
	static const char *const bad[] = {
		"streams=65", "streams=4294967295", "streams=-1", "streams=x", "streams=",
		"streams", "stores=65", "stores=-1", "stores=1.5",
		"stream_size=0", "stream_size=1048577", "stream_size=-1",
		"stream_size=18446744073709551615",
		"store_size=0", "store_size=9223372036854775808", "store_size=-1",
		"store_size=18446744073709551615", "store_size=16M",
		"open_latency_ns=86400000000001", "open_latency_ns=-1",
		"read_latency_ns=86400000000001", "read_latency_ns=1s",
		"write_latency_ns=86400000000001", "write_latency_ns=18446744073709551615",
		/* A good one before it does not help. */
		"streams=2 stores=65",
	};
	/* What does not fit the parameter's type is the kernel's to refuse. */
	static const char *const large[] = {
		"streams=4294967296", "stores=99999999999999999999",
		"stream_size=18446744073709551616", "store_size=18446744073709551616",
		"open_latency_ns=18446744073709551616",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, load(self->ko, bad[i]))
			TH_LOG("parameter %s", bad[i]);
		EXPECT_EQ(-1, module_users());
		EXPECT_EQ(-1, count_devices());
	}
	for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
		EXPECT_EQ(-ERANGE, load(self->ko, large[i]))
			TH_LOG("parameter %s", large[i]);
		EXPECT_EQ(-1, module_users());
	}
}

/* The devices that were made before memory ran out are gone again. */
TEST_F(params, not_enough_memory)
{
	EXPECT_EQ(-ENOMEM, load(self->ko, "streams=3 store_size=4611686018427387904"));
	EXPECT_EQ(-1, module_users());
	EXPECT_EQ(-1, count_devices());
	EXPECT_EQ(0, load(self->ko, "streams=3"));
	EXPECT_EQ(4, count_devices());
}

/* Less than the machine has, and more than is free: nobody dies of it. */
TEST_F(params, not_enough_free_memory)
{
	unsigned long long total = 0, free = 0;
	char line[128], args[64];
	FILE *file = fopen("/proc/meminfo", "r");

	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "MemTotal:", 9))
			total = strtoull(line + 9, NULL, 10);
		if (!strncmp(line, "MemAvailable:", 13))
			free = strtoull(line + 13, NULL, 10);
	}
	fclose(file);
	ASSERT_LT(free, total);
	snprintf(args, sizeof(args), "store_size=%llu", (free + total) / 2 * 1024);
	EXPECT_EQ(-ENOMEM, load(self->ko, args));
	EXPECT_EQ(-1, module_users());
	EXPECT_EQ(-1, count_devices());
}

TEST_F(params, counts)
{
	struct device dev;
	char model[64];

	ASSERT_EQ(0, load(self->ko, "streams=0 stores=0"));
	EXPECT_EQ(0, count_devices());
	ASSERT_EQ(0, unload());

	ASSERT_EQ(0, load(self->ko, "streams=64 stores=64 store_size=4096"));
	EXPECT_EQ(128, count_devices());
	for (int i = 0; i < 128; i++) {
		snprintf(dev.name, sizeof(dev.name), "cancelio%d", i);
		ASSERT_TRUE(attr_text(&dev, "model", model));
		EXPECT_STREQ(i < 64 ? "stream" : "store", model);
		EXPECT_EQ(i < 64 ? 65536 : 4096, attr(&dev, "size"));
	}
	EXPECT_EQ(0, unload());
}

TEST_F(params, sizes)
{
	struct device dev;
	char bytes[3];
	int fd;

	ASSERT_EQ(0, load(self->ko, "stream_size=1 store_size=1"));
	ASSERT_TRUE(device_find(&dev, "stream"));
	EXPECT_EQ(1, attr(&dev, "size"));
	fd = open(dev.node, O_RDWR | O_NONBLOCK);
	EXPECT_EQ(1, write(fd, "ab", 2));
	EXPECT_EQ(-1, write(fd, "b", 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(1, read(fd, bytes, 3));
	EXPECT_EQ('a', bytes[0]);
	close(fd);
	ASSERT_TRUE(device_find(&dev, "store"));
	EXPECT_EQ(1, attr(&dev, "size"));
	fd = open(dev.node, O_RDWR);
	EXPECT_EQ(1, write(fd, "ab", 2));
	EXPECT_EQ(1, pread(fd, bytes, 3, 0));
	EXPECT_EQ('a', bytes[0]);
	close(fd);
	ASSERT_EQ(0, unload());

	ASSERT_EQ(0, load(self->ko, "stream_size=1048576"));
	ASSERT_TRUE(device_find(&dev, "stream"));
	EXPECT_EQ(1048576, attr(&dev, "size"));
}

TEST_F(params, latencies)
{
	const char args[] =
		"open_latency_ns=86400000000000 read_latency_ns=2 write_latency_ns=4294967296";
	struct device dev;

	ASSERT_EQ(0, load(self->ko, args));
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(device_find(&dev, i ? "store" : "stream"));
		EXPECT_EQ(FOREVER, attr(&dev, "open_latency_ns"));
		EXPECT_EQ(2, attr(&dev, "read_latency_ns"));
		EXPECT_EQ(4294967296, attr(&dev, "write_latency_ns"));
	}
}

TEST_F(params, store_keeps_until_unloaded)
{
	static char bytes[4096], zeros[4096];
	struct device dev;
	int fd;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, load(self->ko, "store_size=4096"));
		ASSERT_TRUE(device_find(&dev, "store"));
		fd = open(dev.node, O_RDWR);
		ASSERT_EQ(4096, read(fd, bytes, 4096));
		EXPECT_EQ(0, memcmp(bytes, zeros, 4096));
		memset(bytes, 'x', 4096);
		ASSERT_EQ(4096, pwrite(fd, bytes, 4096, 0));
		close(fd);
		fd = open(dev.node, O_RDWR);
		ASSERT_EQ(4096, read(fd, bytes, 4096));
		EXPECT_EQ('x', bytes[4095]);
		close(fd);
		ASSERT_EQ(0, unload());
	}
}

/*
 * Bytes that have not arrived, a line that is getting ready, a transfer that
 * was just cancelled: their timers are the module's, and end with it.
 */
TEST_F(params, unload_right_after_use)
{
	char byte;
	struct call call = { .fn = do_pread, .buf = &byte, .len = 1 };
	struct device stream, store;

	handle(SIGUSR1, 0);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, load(self->ko, "read_latency_ns=2000000 store_size=4096"));
		ASSERT_TRUE(device_find(&stream, "stream"));
		ASSERT_TRUE(device_find(&store, "store"));
		call.fd = open(stream.node, O_RDWR | O_NONBLOCK);
		ASSERT_EQ(1, write(call.fd, "a", 1));
		set_latency(&stream, "write_latency_ns", 1000000 + 50000 * i);
		EXPECT_EQ(-1, write(call.fd, "b", 1));
		close(call.fd);
		call.fd = open(store.node, O_RDWR);
		call_start(&call);
		wait_until(pending(&store) || call_done(&call));
		call_signal(&call, SIGUSR1);
		call_join(&call);
		close(call.fd);
		ASSERT_EQ(0, unload());
	}
}

static int tell(const struct device *dev, const char *name, const char *text)
{
	return attr_write(dev, name, text, strlen(text));
}

/* Who was killed has left a request behind that its device does not let go. */
TEST_F(params, unload_with_requests_left_behind)
{
	char byte = 0;
	struct call call = { .buf = &byte, .len = 1 };
	struct device devs[2];
	pid_t pid;

	ASSERT_EQ(0, load(self->ko, "store_size=4096"));
	ASSERT_TRUE(device_find(&devs[0], "stream"));
	ASSERT_TRUE(device_find(&devs[1], "store"));
	for (int i = 0; i < 4; i++) {
		const struct device *dev = &devs[i / 2];

		call.fn = i % 2 ? do_write : do_read;
		call.fd = open(dev->node, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, call.fd);
		ASSERT_EQ(0, tell(dev, "cancel", i % 2 ? "poll" : "once-started-never"));
		set_latency(dev, "poll_interval_ns", FOREVER);
		set_latency(dev, "read_latency_ns", FOREVER);
		set_latency(dev, "write_latency_ns", FOREVER);
		pid = child_start(&call, 0);
		wait_pending(dev, 1 + i % 2);
		kill(pid, SIGKILL);
		ASSERT_EQ(-SIGKILL, child_wait(pid));
		EXPECT_EQ(1 + i % 2, pending(dev));
		/* An open file holds the module; the requests do not. */
		EXPECT_EQ(-EWOULDBLOCK, unload());
		close(call.fd);
	}
	wait_until(!module_users());
	EXPECT_EQ(0, unload());
	EXPECT_EQ(-1, count_devices());
}

TEST_HARNESS_MAIN
