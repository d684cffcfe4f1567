// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that are made, told and looked at, and a module that is loaded, while each
 * of the faults comes that can come there: what has failed is not there, and can be had
 * afterwards.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"
#include "inject_test.h"

#define ROUNDS()	for (inject_start(&self->inject); inject_round(&self->inject); )
#define CALL(call)	INJECT(&self->inject, call)
#define FAILED_WELL(err) (self->inject.hit && is_fault(-(err)))

FIXTURE(faulty)
{
	struct inject inject;
	struct made made, lower;
};

FIXTURE_SETUP(faulty)
{
	SKIP_FOR(cannot_make());
	SKIP_FOR(cannot_inject());
}

FIXTURE_TEARDOWN(faulty)
{
}

TEST_F(faulty, directory)
{
	int ret;

	device_plan(&self->made, "directory", "");
	ASSERT_EQ(0, rmdir(self->made.dir));
	ROUNDS() {
		CALL(ret = mkdir(self->made.dir, 0755));
		if (ret) {
			EXPECT_TRUE(FAILED_WELL(-self->inject.err));
			EXPECT_EQ(-1, access(self->made.dir, F_OK));
			continue;
		}
		EXPECT_EQ(0, rmdir(self->made.dir));
	}
	EXPECT_LE(1, INJECTED(&self->inject));
}

/* What is not live after a fault keeps nothing: neither its directory nor a module's use. */
static void go_live(struct __test_metadata *_metadata, FIXTURE_DATA(faulty) *self)
{
	long users = module_users();
	char path[192];
	int fd, n;

	snprintf(path, sizeof(path), "%s/live", self->made.dir);
	ROUNDS() {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		CALL(n = write(fd, "1", 1));
		close(fd);
		if (n != 1) {
			EXPECT_TRUE(FAILED_WELL(-self->inject.err)) TH_LOG("fault %u: %s",
				self->inject.nth, strerror(self->inject.err));
			EXPECT_STREQ("0", config_get(&self->made, "live"));
			EXPECT_STREQ("", config_get(&self->made, "device"));
			continue;
		}
		EXPECT_STREQ("1", config_get(&self->made, "live"));
		EXPECT_EQ(0, config_put(&self->made, "live", "0"));
	}
	EXPECT_LE(10, INJECTED(&self->inject));
	EXPECT_EQ(users, module_users());
	/* And then it works. */
	EXPECT_EQ(0, device_go_live(&self->made));
	EXPECT_EQ(0, pending(&self->made.dev));
	EXPECT_EQ(0, device_unmake(&self->made));
}

TEST_F(faulty, stream_goes_live)
{
	ASSERT_EQ(0, device_plan(&self->made, "stream", "model=stream"));
	go_live(_metadata, self);
}

TEST_F(faulty, store_goes_live)
{
	ASSERT_EQ(0, device_plan(&self->made, "store", "model=store;size=131072"));
	go_live(_metadata, self);
}

TEST_F(faulty, stacked_goes_live)
{
	char settings[128];

	ASSERT_EQ(0, device_make(&self->lower, "lower", "model=store;size=131072"));
	snprintf(settings, sizeof(settings), "model=store;size=131072;lower=%.31s",
		 self->lower.dev.name);
	ASSERT_EQ(0, device_plan(&self->made, "upper", settings));
	go_live(_metadata, self);
	EXPECT_EQ(0, device_unmake(&self->lower));
}

/* Reads and writes of the medium that are sent down, as parts. */
TEST_F(faulty, stacked_transfer)
{
	static unsigned char bytes[16384], got[16384];
	char settings[128];
	ssize_t n;
	int fd;

	ASSERT_EQ(0, device_make(&self->lower, "below", "model=store;split=4096;read_latency_ns=1000"));
	snprintf(settings, sizeof(settings), "model=store;lower=%.31s;split=8192",
		 self->lower.dev.name);
	ASSERT_EQ(0, device_make(&self->made, "above", settings));
	fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	fill_pattern(bytes, 0, sizeof(bytes));
	ASSERT_EQ(sizeof(bytes), pwrite(fd, bytes, sizeof(bytes), 0));
	ROUNDS() {
		memset(got, 0, sizeof(got));
		CALL(n = pread(fd, got, sizeof(got), 0));
		EXPECT_TRUE(inject_moved(&self->inject, n < 0 ? -self->inject.err : n,
					 sizeof(got)));
		EXPECT_TRUE(is_pattern(got, 0, n < 0 ? 0 : n));
		EXPECT_EQ(0, pending(&self->made.dev));
	}
	/* The request, its client, the parts and what each of them is split into. */
	EXPECT_LE(6, INJECTED(&self->inject));
	close(fd);
	EXPECT_EQ(0, device_unmake(&self->made));
	EXPECT_EQ(0, device_unmake(&self->lower));
}

static const char *const told[][2] = {
	{ "read_latency_ns", "uniform 1 2" }, { "abort_latency_ns", "exponential 5" },
	{ "bandwidth", "1000000" }, { "channels", "3" }, { "stuck", "1" },
	{ "cancel", "slow" }, { "faults", "read error=EIO next=1000" }, { "seed", "77" },
	{ "max_pending", "9" }, { "watchdog_s", "10" }, { "race_window_ns", "100" },
};

/* What was not taken is as before. */
TEST_F(faulty, attributes)
{
	char before[256];
	int err;

	ASSERT_EQ(0, device_make(&self->made, "told", "model=store"));
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		snprintf(before, sizeof(before), "%.255s", knob_get(&self->made, told[i][0]));
		ROUNDS() {
			CALL(err = knob_put(&self->made, told[i][0], told[i][1]));
			if (!err)
				continue;
			EXPECT_TRUE(FAILED_WELL(err)) TH_LOG("%s: %d", told[i][0], err);
			EXPECT_STREQ(before, knob_get(&self->made, told[i][0]));
		}
		EXPECT_STREQ(told[i][1], knob_get(&self->made, told[i][0]));
	}
	EXPECT_EQ(0, device_unmake(&self->made));
}

TEST_F(faulty, debugfs)
{
	static const char *const names[] = { "requests", "counters", "cancel_to_end" };
	unsigned int hits = 0;
	char path[192];
	int fd;

	ASSERT_EQ(0, device_make(&self->made, "seen", "model=store"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", self->made.dev.name, names[i]);
		ROUNDS() {
			CALL(fd = open(path, O_RDONLY | O_CLOEXEC));
			if (fd < 0)
				EXPECT_TRUE(FAILED_WELL(-self->inject.err));
			close(fd);
		}
		hits += INJECTED(&self->inject);
		EXPECT_STRNE("?", text_read(path));
	}
	EXPECT_LE(3, hits);
	EXPECT_EQ(0, device_unmake(&self->made));
}

static unsigned int devices(void)
{
	unsigned int n = 0, i;
	char path[64];

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), SYSFS_CLASS "/cancelio%u", i);
		n += !access(path, F_OK);
	}
	return n;
}

/*
 * The module is there whole, or not at all. But for devices that cannot be shown, which is
 * the last that it does: they are told, and the others are there.
 */
TEST_F_TIMEOUT(faulty, module, 240)
{
	const char *args = "streams=2 stores=1 store_size=131072";
	int ko = open(getenv("CANCELIO_KO") ?: "/cancelio.ko", O_RDONLY | O_CLOEXEC), ret;
	unsigned int there = 3;

	if (ko < 0)
		SKIP(return, "there is no /cancelio.ko: CANCELIO_KO can name another");
	if (syscall(SYS_delete_module, "cancelio", O_NONBLOCK))
		SKIP(return, "cancelio.ko is in use");
	/* Linux 6.12 forgets the name of a cache that it cannot show. */
	ASSERT_TRUE(inject_spare("sysfs_slab_add"));
	for (inject_start(&self->inject); there == 3 && inject_round(&self->inject); ) {
		CALL(ret = syscall(SYS_finit_module, ko, args, 0));
		if (ret) {
			EXPECT_TRUE(FAILED_WELL(-self->inject.err)) TH_LOG("fault %u: %s",
				self->inject.nth, strerror(self->inject.err));
			EXPECT_EQ(-1, access(SYSFS_CLASS, F_OK));
			EXPECT_EQ(-1, access(CONFIGFS, F_OK));
			EXPECT_EQ(-1, access(DEBUGFS, F_OK));
			continue;
		}
		there = devices();
		EXPECT_EQ(0, syscall(SYS_delete_module, "cancelio", O_NONBLOCK));
	}
	EXPECT_EQ(2, there);
	EXPECT_LE(30, self->inject.nth);
	ASSERT_EQ(0, syscall(SYS_finit_module, ko, "", 0));
	close(ko);
}

TEST_HARNESS_MAIN
