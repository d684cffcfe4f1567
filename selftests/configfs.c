// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that are made and removed in configfs.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "call_test.h"

#define CONFIGFS	"/sys/kernel/config/cancelio"
#define NAME		CONFIGFS "/selftest"

/* Return: 0 or a negative errno. */
static int put(const char *name, const char *text)
{
	char path[128];
	int fd, err = 0;

	snprintf(path, sizeof(path), NAME "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Without its newline; static. */
static const char *get(const char *name)
{
	static char text[64];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), NAME "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int remove_directory(void)
{
	return rmdir(NAME) ? -errno : 0;
}

FIXTURE(config)
{
	struct device dev;
};

FIXTURE_SETUP(config)
{
	if (geteuid())
		SKIP(return, "needs root");
	if (access(CONFIGFS, F_OK))
		SKIP(return, "there is no " CONFIGFS);
	if (!access(NAME, F_OK)) {
		put("live", "0");
		remove_directory();
	}
	ASSERT_EQ(0, mkdir(NAME, 0755));
}

FIXTURE_TEARDOWN(config)
{
	put("live", "0");
	EXPECT_EQ(0, remove_directory());
}

/* The device that the directory stands for. */
static void find(FIXTURE_DATA(config) *self)
{
	snprintf(self->dev.name, sizeof(self->dev.name), "%.31s", get("device"));
	snprintf(self->dev.node, sizeof(self->dev.node), "/dev/%s", self->dev.name);
}

TEST_F(config, defaults)
{
	EXPECT_STREQ("stream", get("model"));
	EXPECT_STREQ("65536", get("size"));
	EXPECT_STREQ("0", get("open_latency_ns"));
	EXPECT_STREQ("0", get("read_latency_ns"));
	EXPECT_STREQ("0", get("write_latency_ns"));
	EXPECT_STREQ("0", get("live"));
	EXPECT_STREQ("", get("device"));
}

TEST_F(config, a_device_comes_and_goes)
{
	char byte = 'x', text[64];
	int fd;

	ASSERT_EQ(0, put("model", "store\n"));
	EXPECT_STREQ("16777216", get("size"));
	ASSERT_EQ(0, put("size", "4096"));
	ASSERT_EQ(0, put("read_latency_ns", "1000"));
	ASSERT_EQ(0, put("live", "1"));
	EXPECT_STREQ("1", get("live"));
	find(self);
	ASSERT_TRUE(attr_text(&self->dev, "model", text));
	EXPECT_STREQ("store", text);
	EXPECT_EQ(4096, attr(&self->dev, "size"));
	EXPECT_EQ(1000, attr(&self->dev, "read_latency_ns"));
	EXPECT_EQ(0, attr(&self->dev, "write_latency_ns"));

	fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, &byte, 1, 4095));
	EXPECT_EQ(-1, pwrite(fd, &byte, 1, 4096));
	EXPECT_EQ(ENOSPC, errno);
	close(fd);

	ASSERT_EQ(0, put("live", "0"));
	EXPECT_STREQ("", get("device"));
	EXPECT_EQ(-1, access(self->dev.node, F_OK));
	EXPECT_FALSE(attr_text(&self->dev, "model", text));
}

/* A new device has nothing of the one that was. */
TEST_F(config, a_device_is_made_anew)
{
	int fd;

	ASSERT_EQ(0, put("live", "1"));
	find(self);
	fd = open(self->dev.node, O_RDWR | O_NONBLOCK);
	ASSERT_EQ(1, write(fd, "a", 1));
	close(fd);
	ASSERT_EQ(0, put("live", "0"));
	ASSERT_EQ(0, put("live", "1"));
	find(self);
	fd = open(self->dev.node, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, read(fd, &self->dev, 1));
	EXPECT_EQ(EAGAIN, errno);
	close(fd);
}

/* As when it is unplugged: who has it open is told, and holds nothing up. */
TEST_F(config, an_open_device_goes)
{
	char byte;
	int fd;

	ASSERT_EQ(0, put("live", "1"));
	find(self);
	fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(fd, "a", 1));
	EXPECT_EQ(-EBUSY, remove_directory());
	EXPECT_EQ(0, put("live", "0"));
	EXPECT_STREQ("0", get("live"));
	EXPECT_STREQ("", get("device"));
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, remove_directory());
	EXPECT_EQ(-1, write(fd, "a", 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(0, close(fd));
	ASSERT_EQ(0, mkdir(NAME, 0755));
}

TEST_F(config, a_device_that_is_being_opened_goes)
{
	struct call call = { .fn = do_open, .path = self->dev.node };

	ASSERT_EQ(0, put("open_latency_ns", "86400000000000"));
	ASSERT_EQ(0, put("live", "1"));
	find(self);
	call_start(&call);
	wait_pending(&self->dev, 1);
	EXPECT_EQ(0, put("live", "0"));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ENODEV, call.err);
}

/* An open file of a device that is gone holds the module, and nothing else does. */
TEST_F(config, an_open_file_of_a_device_that_went)
{
	long users = module_users();
	int fd;

	ASSERT_EQ(0, put("live", "1"));
	find(self);
	fd = open(self->dev.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put("live", "0"));
	EXPECT_LT(users, module_users());
	close(fd);
	wait_until(module_users() == users);
}

TEST_F(config, a_live_device_keeps_its_directory_and_settings)
{
	ASSERT_EQ(0, put("live", "1"));
	EXPECT_EQ(-EBUSY, remove_directory());
	EXPECT_EQ(-EBUSY, put("model", "store"));
	EXPECT_EQ(-EBUSY, put("size", "1"));
	EXPECT_EQ(-EBUSY, put("read_latency_ns", "1"));
	EXPECT_EQ(0, put("live", "1"));
	EXPECT_STREQ("stream", get("model"));
	EXPECT_STREQ("65536", get("size"));
	EXPECT_STREQ("0", get("read_latency_ns"));
}

TEST_F(config, a_directory_holds_the_module)
{
	EXPECT_EQ(-1, syscall(SYS_delete_module, "cancelio", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_STREQ("stream", get("model"));
}

TEST_F(config, bad_values)
{
	static const char *const bad[][2] = {
		{ "model", "disk" }, { "model", "\n" }, { "model", "streams" },
		{ "size", "0" }, { "size", "-1" }, { "size", "x" }, { "size", "64k" },
		{ "size", "18446744073709551616" },
		{ "open_latency_ns", "86400000000001" }, { "read_latency_ns", "-1" },
		{ "write_latency_ns", "1s" }, { "write_latency_ns", "0x10" },
		{ "live", "2" }, { "live", "x" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		char before[64];

		snprintf(before, sizeof(before), "%s", get(bad[i][0]));
		EXPECT_EQ(-EINVAL, put(bad[i][0], bad[i][1]))
			TH_LOG("%s to %s", bad[i][1], bad[i][0]);
		EXPECT_STREQ(before, get(bad[i][0]));
	}
}

TEST_F(config, a_size_that_the_model_does_not_have)
{
	ASSERT_EQ(0, put("size", "1048577"));
	EXPECT_EQ(-EINVAL, put("live", "1"));
	EXPECT_STREQ("0", get("live"));
	EXPECT_STREQ("1048577", get("size"));
	/* For a store it is good, and stays what was set. */
	ASSERT_EQ(0, put("model", "store"));
	EXPECT_STREQ("1048577", get("size"));
	EXPECT_EQ(0, put("live", "1"));
	find(self);
	EXPECT_EQ(1048577, attr(&self->dev, "size"));
}

TEST_F(config, a_store_that_is_too_big)
{
	ASSERT_EQ(0, put("model", "store"));
	ASSERT_EQ(0, put("size", "9223372036854775807"));
	EXPECT_EQ(-ENOMEM, put("live", "1"));
	EXPECT_STREQ("0", get("live"));
	/* It was not left half made: the directory can go. */
	ASSERT_EQ(0, remove_directory());
	ASSERT_EQ(0, mkdir(NAME, 0755));
}

TEST_HARNESS_MAIN
