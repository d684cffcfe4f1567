// SPDX-License-Identifier: GPL-2.0
/*
 * The device as a whole: its attributes, the module that is not unloaded
 * while it is in use, and storms of signals after which every byte is counted.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kselftest_harness.h"
#include "call_test.h"

FIXTURE(attributes)
{
	struct device dev;
};

FIXTURE_VARIANT(attributes)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(attributes, stream) { "stream" };
FIXTURE_VARIANT_ADD(attributes, store) { "store" };

FIXTURE_SETUP(attributes)
{
	SETUP_DEVICE(&self->dev, variant->model);
}

FIXTURE_TEARDOWN(attributes)
{
	device_teardown(&self->dev);
}

TEST_F(attributes, good_latencies)
{
	static const struct { const char *text; uint64_t ns; } good[] = {
		{ "1", 1 }, { "1000\n", 1000 }, { "+7", 7 }, { "0010", 10 },
		{ "4294967296", 4294967296 }, { "86400000000000", FOREVER }, { "0", 0 },
	};

	for (int n = 0; n < 3; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
			EXPECT_EQ(0, attr_write(&self->dev, latency_names[n], good[i].text,
						strlen(good[i].text)));
			EXPECT_EQ(good[i].ns, attr(&self->dev, latency_names[n]));
			/* Each is its own. */
			EXPECT_EQ(0, attr(&self->dev, latency_names[(n + 1) % 3]));
			EXPECT_EQ(0, attr(&self->dev, latency_names[(n + 2) % 3]));
		}
	}
}

#define BAD(text)	{ text, sizeof(text) - 1 }

TEST_F(attributes, bad_latencies_change_nothing)
{
	static const struct { const char *text; size_t len; } bad[] = {
		BAD("86400000000001"), BAD("18446744073709551615"), BAD("18446744073709551616"),
		BAD("99999999999999999999999999999999999"), BAD("-1"), BAD("-0"), BAD("\n"),
		BAD(" "), BAD("x"), BAD("0x10"), BAD("1x"), BAD("1 2"), BAD("1 "), BAD(" 1"),
		BAD("1\n\n"), BAD("1\n2"), BAD("1.5"), BAD("1e3"), BAD("1s"), BAD("++1"),
	};

	for (int n = 0; n < 3; n++) {
		ASSERT_EQ(0, set_latency(&self->dev, latency_names[n], 12345));
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			EXPECT_EQ(-EINVAL, attr_write(&self->dev, latency_names[n],
						      bad[i].text, bad[i].len))
				TH_LOG("value %zu: %s", i, bad[i].text);
			EXPECT_EQ(12345, attr(&self->dev, latency_names[n]));
		}
	}
}

TEST_F(attributes, read_only)
{
	static const char *const names[] = { "model", "size", "pending" };
	char before[64], after[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_TRUE(attr_text(&self->dev, names[i], before));
		/* The mode forbids it to all but root, and the file itself to root. */
		EXPECT_GT(0, attr_write(&self->dev, names[i], "1", 1));
		ASSERT_TRUE(attr_text(&self->dev, names[i], after));
		EXPECT_STREQ(before, after);
	}
	EXPECT_STREQ(variant->model, (attr_text(&self->dev, "model", before), before));
	EXPECT_EQ(0, attr(&self->dev, "pending"));
}

TEST_F(attributes, node_belongs_to_root)
{
	char path[128], devt[64], expected[64];
	struct stat st;

	ASSERT_EQ(0, stat(self->dev.node, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	ASSERT_TRUE(attr_text(&self->dev, "dev", devt));
	snprintf(expected, sizeof(expected), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	EXPECT_STREQ(expected, devt);
	snprintf(path, sizeof(path), SYSFS_CLASS "/%s/read_latency_ns", self->dev.name);
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0644, st.st_mode & 07777);
}

/* A request that waits keeps the latency that it began with. */
TEST_F(attributes, change_holds_for_later_requests)
{
	struct call slow = { .fn = do_open, .path = self->dev.node };
	struct call fast = slow;

	handle(SIGUSR1, 0);
	set_latency(&self->dev, "open_latency_ns", FOREVER);
	call_start(&slow);
	wait_pending(&self->dev, 1);
	set_latency(&self->dev, "open_latency_ns", 1);
	call_start(&fast);
	EXPECT_LE(0, call_join(&fast));
	close(fast.ret);
	EXPECT_FALSE(call_done(&slow));
	EXPECT_EQ(1, pending(&self->dev));
	call_signal(&slow, SIGUSR1);
	EXPECT_EQ(-1, call_join(&slow));

	/* And the other way round. */
	set_latency(&self->dev, "open_latency_ns", 100 * MSEC);
	call_start(&slow);
	wait_until(pending(&self->dev) || call_done(&slow));
	set_latency(&self->dev, "open_latency_ns", FOREVER);
	EXPECT_LE(0, call_join(&slow));
	EXPECT_LE(100 * MSEC, slow.ended - slow.started);
	close(slow.ret);
}

/* Bytes on the line arrive when they were to, whatever is set later. */
TEST(change_holds_for_later_bytes)
{
	struct device dev;
	uint64_t written;
	char buf[10];
	int fd;

	SETUP_DEVICE(&dev, "stream");
	fd = open(dev.node, O_RDWR);
	set_latency(&dev, "read_latency_ns", 100 * MSEC);
	written = now_ns();
	ASSERT_EQ(1, write(fd, "a", 1));
	set_latency(&dev, "read_latency_ns", FOREVER);
	EXPECT_EQ(1, read(fd, buf, sizeof(buf)));
	EXPECT_LE(100 * MSEC, now_ns() - written);
	device_teardown(&dev);
}

/* ---- unloading ---- */

static long unload(void)
{
	return syscall(SYS_delete_module, "cancelio", O_NONBLOCK) ? -errno : 0;
}

TEST_F(attributes, open_device_is_not_unloaded)
{
	int fd = open(self->dev.node, O_RDWR);
	char byte = 'x';

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_EQ(1, write(fd, &byte, 1));
	lseek(fd, 0, SEEK_SET);
	byte = 0;
	EXPECT_EQ(1, read(fd, &byte, 1));
	EXPECT_EQ('x', byte);
	close(fd);
}

TEST_F(attributes, device_that_is_being_opened_is_not_unloaded)
{
	struct call call = { .fn = do_open, .path = self->dev.node };

	handle(SIGUSR1, 0);
	set_latency(&self->dev, "open_latency_ns", FOREVER);
	call_start(&call);
	wait_pending(&self->dev, 1);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_EQ(1, pending(&self->dev));
	call_signal(&call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(EINTR, call.err);
}

/* ---- storms ---- */

#define READERS		4
#define WRITERS		4
#define RECORDS		2000
/* A record: the writer's number and the record's, so that each can be told. */
#define RECORD		4

struct storm {
	struct call calls[READERS + WRITERS];
	int fd;
	/* Of each writer, RECORDS at most. */
	int records;
	/* How often each record was read. */
	unsigned char seen[WRITERS][RECORDS];
	int interrupted;
	int taken;
};

static struct storm storm;

static long storm_write(struct call *call)
{
	unsigned char record[RECORD] = { call->pos };
	int i = 0;

	while (i < storm.records) {
		record[1] = i >> 8;
		record[2] = i;
		record[3] = record[0] ^ record[1] ^ record[2];
		switch (write(call->fd, record, RECORD)) {
		case RECORD:
			i++;
			break;
		case -1:
			if (errno != EINTR)
				return -1;
			__atomic_fetch_add(&storm.interrupted, 1, __ATOMIC_RELAXED);
			break;
		default:
			errno = EPROTO;
			return -1;
		}
	}
	return 0;
}

static long storm_read(struct call *call)
{
	unsigned char record[RECORD];
	int i;

	while (__atomic_load_n(&storm.taken, __ATOMIC_RELAXED) < WRITERS * storm.records) {
		switch (read(call->fd, record, RECORD)) {
		case RECORD:
			break;
		case -1:
			if (errno != EINTR)
				return -1;
			__atomic_fetch_add(&storm.interrupted, 1, __ATOMIC_RELAXED);
			continue;
		default:
			errno = EPROTO;
			return -1;
		}
		i = record[1] * 256 + record[2];
		if (record[0] >= WRITERS || i >= storm.records ||
		    record[3] != (record[0] ^ record[1] ^ record[2])) {
			errno = EBADMSG;
			return -1;
		}
		__atomic_fetch_add(&storm.seen[record[0]][i], 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&storm.taken, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

static int still_running(void)
{
	int n = 0;

	for (int i = 0; i < READERS + WRITERS; i++)
		n += !call_done(&storm.calls[i]);
	return n;
}

/* All threads are interrupted all the time; with and without SA_RESTART. */
static void run_storm(struct __test_metadata *_metadata, struct device *dev)
{
	unsigned int seed = 1;

	handle(SIGUSR1, 0);
	handle(SIGUSR2, SA_RESTART);
	storm.fd = open(dev->node, O_RDWR);
	storm.records = rounds(RECORDS);
	for (int i = 0; i < READERS + WRITERS; i++) {
		storm.calls[i] = (struct call){
			.fn = i < READERS ? storm_read : storm_write, .fd = storm.fd,
			.pos = i - READERS,
		};
		call_start(&storm.calls[i]);
	}
	while (still_running()) {
		for (int i = 0; i < READERS + WRITERS; i++) {
			if (rand_r(&seed) & 1)
				call_signal(&storm.calls[i], rand_r(&seed) & 1 ? SIGUSR1 : SIGUSR2);
		}
		pause_a_bit();
	}
	for (int i = 0; i < READERS + WRITERS; i++) {
		EXPECT_EQ(0, call_join(&storm.calls[i]))
			TH_LOG("thread %d: %s", i, strerror(storm.calls[i].err));
	}
	for (int w = 0; w < WRITERS; w++) {
		for (int i = 0; i < storm.records; i++) {
			ASSERT_EQ(1, storm.seen[w][i])
				TH_LOG("record %d of writer %d", i, w);
		}
	}
	EXPECT_EQ(0, pending(dev));
	EXPECT_EQ(0, drain(dev));
	/* Otherwise this was no storm. */
	EXPECT_LT(0, storm.interrupted);
}

FIXTURE(storms)
{
	struct device dev;
};

FIXTURE_SETUP(storms)
{
	SETUP_DEVICE(&self->dev, "stream");
}

FIXTURE_TEARDOWN(storms)
{
	device_teardown(&self->dev);
}

TEST_F(storms, empty_line)
{
	run_storm(_metadata, &self->dev);
}

TEST_F(storms, slow_reads)
{
	set_latency(&self->dev, "read_latency_ns", 100000);
	run_storm(_metadata, &self->dev);
}

TEST_F(storms, slow_writes)
{
	set_latency(&self->dev, "write_latency_ns", 100000);
	run_storm(_metadata, &self->dev);
}

TEST_HARNESS_MAIN
