// SPDX-License-Identifier: GPL-2.0
/*
 * What debugfs shows of requests, also of very many and while they come and go.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

FIXTURE(shown)
{
	struct device dev;
	int fd;
	char *buf;
};

FIXTURE_SETUP(shown)
{
	MAKE_DEVICE(&self->dev, "shown", "store");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(1 << 20);
}

FIXTURE_TEARDOWN(shown)
{
	device_unmake("shown");
}

static bool is_row(const struct seen *row, const char *op, const char *state,
		   const char *cancelable, const char *canceled)
{
	return !strcmp(row->op, op) && !strcmp(row->state, state) &&
	       !strcmp(row->cancelable, cancelable) && !strcmp(row->canceled, canceled);
}

TEST_F(shown, nothing)
{
	struct seen seen;

	EXPECT_EQ(0, see(&self->dev, &seen, 1));
	/* The fixture's open. */
	EXPECT_EQ(1, counters(&self->dev).accepted);
	EXPECT_EQ(1, counters(&self->dev).completed);
	EXPECT_EQ(0, cancel_to_end(&self->dev));
}

TEST_F(shown, operations)
{
	static const char *const latencies[] = {
		"open_latency_ns", "read_latency_ns", "write_latency_ns", "flush_latency_ns",
		"control_latency_ns",
	};
	static const char *const ops[] = { "open", "read", "write", "flush", "control" };
	struct call calls[] = {
		{ .fn = do_open, .path = self->dev.node },
		{ .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 3 },
		{ .fn = do_write, .fd = self->fd, .buf = self->buf, .len = 1 << 20 },
		{ .fn = do_fsync, .fd = self->fd },
		{ .fn = do_info, .fd = self->fd },
	};
	struct seen seen[5];
	uint64_t begun = now_ns();

	for (int i = 0; i < 5; i++) {
		set_latency(&self->dev, latencies[i], FOREVER);
		call_start(&calls[i]);
		wait_state(&self->dev, "started", i + 1);
	}
	wait_until(now_ns() - begun > 50 * MSEC);
	ASSERT_EQ(5, see(&self->dev, seen, 5));
	for (int i = 0; i < 5; i++) {
		EXPECT_TRUE(is_row(&seen[i], ops[i], "started", "yes", "no"))
			TH_LOG("row %d", i);
		EXPECT_EQ(i + 2, seen[i].id);
		EXPECT_EQ(getpid(), seen[i].pid);
		EXPECT_EQ(calls[i].tid, seen[i].tid);
		EXPECT_EQ(calls[i].len, seen[i].bytes);
		EXPECT_EQ(0, seen[i].part_of);
		EXPECT_GE((now_ns() - begun) / MSEC, seen[i].age_ms);
	}
	/* They were there before the wait of 50 ms was over. */
	wait_until(see(&self->dev, seen, 5) == 5 && seen[4].age_ms >= 20);
	EXPECT_LE(seen[4].age_ms, seen[0].age_ms);
}

/* Of three reads one has the channel; then all are asked to end. */
TEST_F(shown, states)
{
	struct call calls[3];
	struct seen seen[3];

	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	for (int i = 0; i < 3; i++) {
		calls[i] = (struct call){
			.fn = do_read, .fd = self->fd, .buf = self->buf, .len = 8,
		};
		call_start(&calls[i]);
		wait_state(&self->dev, i ? "queued" : "started", i ? i : 1);
	}
	ASSERT_EQ(3, see(&self->dev, seen, 3));
	EXPECT_TRUE(is_row(&seen[0], "read", "started", "no", "no"));
	EXPECT_TRUE(is_row(&seen[1], "read", "queued", "yes", "no"));
	EXPECT_TRUE(is_row(&seen[2], "read", "queued", "yes", "no"));
	EXPECT_EQ(3, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	ASSERT_EQ(1, see(&self->dev, seen, 3));
	EXPECT_TRUE(is_row(&seen[0], "read", "started", "no", "yes"));
	EXPECT_EQ(2, counters(&self->dev).cancelled);
	EXPECT_EQ(2, cancel_to_end(&self->dev));
}

/* ---- very many ---- */

#define MASTERS	5
#define PARTS	1024
#define ROWS	(MASTERS * (PARTS + 1))

static volatile bool enough;

/* Opens and closes, and so has requests come and go. */
static long do_opens(struct call *call)
{
	long n = 0;
	int fd;

	for (; !enough; n++) {
		fd = open(call->path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return n;
}

/* Each row that is there all the time is shown once, in order. */
static void check_rows(struct __test_metadata *_metadata, const struct device *dev,
		       struct seen *rows, size_t most)
{
	size_t n = see(dev, rows, most), i, masters = 0, parts = 0;
	unsigned long long of[MASTERS];

	ASSERT_GE(most, n);
	for (i = 0; i < n; i++) {
		if (i)
			ASSERT_LT(rows[i - 1].id, rows[i].id);
		if (strcmp(rows[i].op, "read"))
			continue;
		if (!rows[i].part_of) {
			ASSERT_GT(MASTERS, masters);
			ASSERT_EQ(PARTS * 512, rows[i].bytes);
			ASSERT_EQ(getpid(), rows[i].pid);
			of[masters++] = rows[i].id;
			continue;
		}
		parts++;
		ASSERT_EQ(512, rows[i].bytes);
		ASSERT_EQ(0, rows[i].pid);
		ASSERT_EQ(0, rows[i].tid);
		ASSERT_LT(0, masters);
		/* The masters were begun one after the other. */
		ASSERT_EQ(of[masters - 1], rows[i].part_of);
	}
	ASSERT_EQ(MASTERS, masters);
	ASSERT_EQ(MASTERS * PARTS, parts);
}

TEST_F(shown, very_many)
{
	struct call opens = { .fn = do_opens, .path = self->dev.node }, reads[MASTERS];
	struct seen *rows = calloc(ROWS + 16, sizeof(*rows));
	uint64_t begun = now_ns();

	ASSERT_EQ(0, set(&self->dev, "split", "512"));
	ASSERT_EQ(0, set(&self->dev, "channels", "1"));
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	for (int i = 0; i < MASTERS; i++) {
		reads[i] = (struct call){
			.fn = do_pread, .fd = self->fd, .buf = self->buf, .len = PARTS * 512,
		};
		call_start(&reads[i]);
		wait_pending(&self->dev, (i + 1) * (PARTS + 1));
	}
	call_start(&opens);
	do {
		check_rows(_metadata, &self->dev, rows, ROWS + 16);
	} while (now_ns() - begun < 500 * MSEC);
	enough = true;
	EXPECT_LT(0, call_join(&opens));

	EXPECT_EQ(MASTERS, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
	for (int i = 0; i < MASTERS; i++) {
		EXPECT_EQ(-1, call_join(&reads[i]));
		EXPECT_EQ(ECANCELED, reads[i].err);
	}
	EXPECT_EQ(ROWS, counters(&self->dev).cancelled);
	EXPECT_EQ(ROWS, cancel_to_end(&self->dev));
}

/* Who reads when all of them go sees each at most once, and comes to an end. */
TEST_F(shown, that_go_while_they_are_shown)
{
	struct call call = { .fn = do_pread, .fd = self->fd, .buf = self->buf, .len = PARTS * 512 };
	char path[128], text[1024];
	size_t sum = 0, lines = 0;
	ssize_t n;
	int fd;

	ASSERT_EQ(0, set(&self->dev, "split", "512"));
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	call_start(&call);
	wait_pending(&self->dev, PARTS + 1);
	snprintf(path, sizeof(path), DEBUGFS "/%s/requests", self->dev.name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	while ((n = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
		sum += n;
		if (sum == (size_t)n) {
			EXPECT_EQ(1, cancel_by(self->fd, CANCELIO_BY_FILE, 0));
			call_join(&call);
		}
	}
	EXPECT_EQ(0, n);
	/* The kernel had at most a page of them before they went. */
	EXPECT_LT(1, lines);
	EXPECT_GT(PARTS, lines);
	close(fd);
}

/* A file that is open when the device goes gives an error, and nothing else. */
TEST_F(shown, device_that_goes)
{
	char path[128], text[256];
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/%s/counters", self->dev.name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, config_put("shown", "live", "0"));
	EXPECT_EQ(-1, read(fd, text, sizeof(text)));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, access(path, F_OK));
	close(fd);
}

TEST_HARNESS_MAIN
