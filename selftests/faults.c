// SPDX-License-Identifier: GPL-2.0
/*
 * What goes wrong because a device was told so.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "knob_test.h"

#define SIZE	4096

/* ---- the rules as text ---- */

FIXTURE(rules)
{
	struct made made;
};

FIXTURE_VARIANT(rules)
{
	const char *model;
	bool live;
};

FIXTURE_VARIANT_ADD(rules, to_be) { "model=store", false };
FIXTURE_VARIANT_ADD(rules, store) { "model=store", true };
FIXTURE_VARIANT_ADD(rules, stream) { "model=stream", true };

FIXTURE_SETUP(rules)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_plan(&self->made, "a", variant->model));
	if (variant->live)
		ASSERT_EQ(0, device_go_live(&self->made));
}

FIXTURE_TEARDOWN(rules)
{
	EXPECT_EQ(0, device_unmake(&self->made));
}

#define PUT(text)	(variant->live ? knob_put(&self->made, "faults", text) :	\
					 config_put(&self->made, "faults", text))
#define GET()		(variant->live ? knob_get(&self->made, "faults") :		\
					 config_get(&self->made, "faults"))

TEST_F(rules, good)
{
	/* As it is written, and as it is shown. */
	static const char *const good[][2] = {
		{ "read error=EIO next=1", "read error=EIO next=1" },
		{ "write short=1 rate=1\n", "write short=1 rate=1" },
		{ "open hang next=1000000000", "open hang next=1000000000" },
		{ "flush error=5 rate=1000000", "flush error=EIO rate=1000000" },
		{ "all error=41 next=2", "all error=41 next=2" },
		{ "open,read,write,flush hang rate=2", "all hang rate=2" },
		{ "flush,open error=133 next=3", "open,flush error=133 next=3" },
		{ "control hang next=1", "control hang next=1" },
		{ "open,read,write,flush,control hang rate=2", "open,read,write,flush,control hang rate=2" },
		{ "read,write short=1073741824 next=1", "read,write short=1073741824 next=1" },
		{ "read,read error=1 next=1", "read error=EPERM next=1" },
		{ "read error=EREMOTEIO next=1", "read error=EREMOTEIO next=1" },
	};
	char all[1024] = "";

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, PUT(good[i][0]))
			TH_LOG("%s", good[i][0]);
		/* Each is behind those that are there. */
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? "\n" : "",
			 good[i][1]);
		EXPECT_STREQ(all, GET());
	}
	EXPECT_EQ(0, PUT("clear\n"));
	EXPECT_STREQ("", GET());
}

TEST_F(rules, bad)
{
	static const char *const bad[] = {
		"\n", "x", "read", "read hang", "hang next=1", "read next=1", "read hang next=1 x",
		"read hang next=1 ", " read hang next=1", "read  hang next=1", "read hang next=1\n\n",
		"read hang next=1\nread hang next=1", "Read hang next=1", "reads hang next=1",
		"read, hang next=1", ",read hang next=1", "read,,write hang next=1",
		"read,all hang next=1", "poll hang next=1", "read hang=1 next=1", "read error next=1",
		"read error= next=1", "read error=0 next=1", "read error=134 next=1",
		"read error=-5 next=1", "read error=EWHAT next=1", "read error=eio next=1",
		"read error=125 next=1", "read error=ECANCELED next=1", "read error=512 next=1",
		"read short next=1", "read short=0 next=1", "read short=-1 next=1",
		"read short=1073741825 next=1", "open short=1 next=1", "flush short=1 next=1",
		"read,flush short=1 next=1", "control short=1 next=1", "all short=1 next=1", "read long=1 next=1",
		"read hang next=0", "read hang next=-1", "read hang next=1000000001",
		"read hang rate=0", "read hang rate=1000001", "read hang rate=x", "read hang rate=1%",
		"read hang often=1", "read hang next", "read hang 1", "clear all", "Clear", "clear ",
	};
	char text[128];

	ASSERT_EQ(0, PUT("write short=7 next=7"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, PUT(bad[i]))
			TH_LOG("%s", bad[i]);
		EXPECT_STREQ("write short=7 next=7", GET());
	}
	/* Longer than any rule needs to be. */
	snprintf(text, sizeof(text), "read hang next=%0100d", 1);
	EXPECT_EQ(-EINVAL, PUT(text));
	EXPECT_STREQ("write short=7 next=7", GET());
}

TEST_F(rules, sixteen_at_most)
{
	char before[1024];

	for (int i = 0; i < 16; i++)
		ASSERT_EQ(0, PUT("open error=EIO next=1"));
	snprintf(before, sizeof(before), "%.1023s", GET());
	EXPECT_EQ(-ENOSPC, PUT("open error=EIO next=1"));
	/* What is no rule is that first. */
	EXPECT_EQ(-EINVAL, PUT("x"));
	EXPECT_STREQ(before, GET());
	if (variant->live) {
		/* One that is over makes room. */
		EXPECT_EQ(-1, open(self->made.dev.node, O_RDWR));
		EXPECT_EQ(0, PUT("open error=EIO next=1"));
		EXPECT_EQ(-ENOSPC, PUT("open error=EIO next=1"));
		EXPECT_STREQ(before, GET());
	}
	EXPECT_EQ(0, PUT("clear"));
	EXPECT_EQ(0, PUT("open error=EIO next=1"));
	EXPECT_STREQ("open error=EIO next=1", GET());
}

/* ---- what they do ---- */

FIXTURE(faults)
{
	struct made made;
	struct call call;
	int fd;
	char buf[SIZE];
};

FIXTURE_VARIANT(faults)
{
	const char *model;
};

FIXTURE_VARIANT_ADD(faults, store) { "model=store;size=4096" };
FIXTURE_VARIANT_ADD(faults, stream) { "model=stream;size=4096" };

FIXTURE_SETUP(faults)
{
	SKIP_FOR(cannot_make());
	ASSERT_EQ(0, device_make(&self->made, "a", variant->model));
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	/* There is something to be read: of a store its start, again and again. */
	fill_pattern((unsigned char *)self->buf, 0, SIZE);
	ASSERT_EQ(SIZE / 2, write(self->fd, self->buf, SIZE / 2));
	lseek(self->fd, 0, SEEK_SET);
	self->call = (struct call){ .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 1 };
	handle(SIGUSR1, 0);
}

FIXTURE_TEARDOWN(faults)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

#define RULE(text)	ASSERT_EQ(0, knob_put(&self->made, "faults", text))
#define RULES()		knob_get(&self->made, "faults")

TEST_F(faults, an_error_for_the_next_n)
{
	RULE("read error=EIO next=2");
	EXPECT_EQ(-1, read(self->fd, self->buf, 10));
	EXPECT_EQ(EIO, errno);
	EXPECT_STREQ("read error=EIO next=1", RULES());
	/* It is for reads. */
	EXPECT_EQ(1, write(self->fd, "", 1));
	EXPECT_STREQ("read error=EIO next=1", RULES());
	lseek(self->fd, 0, SEEK_SET);
	EXPECT_EQ(-1, read(self->fd, self->buf, 10));
	EXPECT_EQ(EIO, errno);
	EXPECT_STREQ("", RULES());
	/* Those that failed have taken nothing away. */
	memset(self->buf, 0, 10);
	EXPECT_EQ(10, read(self->fd, self->buf, 10));
	if (!strcmp(variant->model, "model=stream;size=4096"))
		EXPECT_TRUE(is_pattern((unsigned char *)self->buf, 0, 10));
}

TEST_F(faults, an_error_by_number)
{
	static const int numbers[] = { 1, EINTR, EAGAIN, 41, 133 };
	char rule[64];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(rule, sizeof(rule), "read,write error=%d next=2", numbers[i]);
		RULE(rule);
		EXPECT_EQ(-1, read(self->fd, self->buf, 10));
		EXPECT_EQ(numbers[i], errno);
		EXPECT_EQ(-1, write(self->fd, self->buf, 10));
		EXPECT_EQ(numbers[i], errno);
		EXPECT_STREQ("", RULES());
	}
}

TEST_F(faults, a_failed_write_writes_nothing)
{
	RULE("write error=ENOSPC next=1");
	EXPECT_EQ(-1, write(self->fd, "xxxx", 4));
	EXPECT_EQ(ENOSPC, errno);
	lseek(self->fd, 0, SEEK_SET);
	EXPECT_EQ(SIZE / 2, read(self->fd, self->buf, SIZE / 2));
	EXPECT_TRUE(is_pattern((unsigned char *)self->buf, 0, SIZE / 2));
}

TEST_F(faults, short_transfers)
{
	RULE("read,write short=10 next=2");
	EXPECT_EQ(10, read(self->fd, self->buf, 100));
	EXPECT_TRUE(is_pattern((unsigned char *)self->buf, 0, 10));
	EXPECT_EQ(10, write(self->fd, memset(self->buf, 'x', 100), 100));
	EXPECT_STREQ("", RULES());
	/* No more is on the line, or on the medium. */
	EXPECT_EQ(2, read(self->fd, self->buf, 2));
	if (strstr(variant->model, "store")) {
		EXPECT_EQ(100, pread(self->fd, self->buf, 100, 10));
		EXPECT_EQ('x', self->buf[9]);
		EXPECT_TRUE(is_pattern((unsigned char *)self->buf + 10, 20, 90));
	} else {
		EXPECT_EQ(SIZE / 2 - 12 + 10, read(self->fd, self->buf, SIZE));
	}
	/* What is not longer is not cut. */
	RULE("write short=10 next=1");
	EXPECT_EQ(10, write(self->fd, self->buf, 10));
	EXPECT_STREQ("", RULES());
}

TEST_F(faults, the_first_that_fits)
{
	RULE("write error=EIO rate=1000000");
	RULE("read error=EINVAL next=1");
	RULE("all error=EROFS rate=1000000");
	RULE("all error=EPIPE rate=1000000");
	EXPECT_EQ(-1, write(self->fd, "x", 1));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, read(self->fd, self->buf, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, read(self->fd, self->buf, 1));
	EXPECT_EQ(EROFS, errno);
	EXPECT_EQ(-1, open(self->made.dev.node, O_RDWR));
	EXPECT_EQ(EROFS, errno);
	RULE("clear");
	EXPECT_EQ(1, read(self->fd, self->buf, 1));
}

/* By a control one sees how it goes: it must be named, and what asks and cancels never waits. */
TEST_F(faults, of_controls)
{
	struct cancelio_cancel cancel = { .by = CANCELIO_BY_FILE };
	struct cancelio_request_info request = { 0 };
	struct call call = { .fn = do_info, .fd = self->fd };
	uint32_t version;

	RULE("all error=EIO rate=1000000");
	EXPECT_EQ(0, do_info(&call));
	RULE("clear");
	RULE("control error=EROFS next=1");
	RULE("control hang rate=1000000");
	EXPECT_EQ(0, ioctl(self->fd, CANCELIO_IOC_VERSION, &version));
	EXPECT_EQ(-1, ioctl(self->fd, CANCELIO_IOC_REQUEST, &request));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, do_info(&call));
	EXPECT_EQ(EROFS, errno);
	call_start(&call);
	wait_pending(&self->made.dev, 1);
	EXPECT_EQ(0, ioctl(self->fd, CANCELIO_IOC_REQUEST, &request));
	EXPECT_EQ(CANCELIO_OP_CONTROL, request.op);
	EXPECT_EQ(0, ioctl(self->fd, CANCELIO_IOC_CANCEL, &cancel));
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(ECANCELED, call.err);
}

TEST_F(faults, always)
{
	RULE("read error=EIO rate=1000000");
	for (int i = 0; i < 50; i++)
		ASSERT_EQ(-1, read(self->fd, self->buf, 1));
	EXPECT_STREQ("read error=EIO rate=1000000", RULES());
}

/* Which of 64 reads fail, a bit for each; with the seed that is there, if none is given. */
static uint64_t which_fail(const FIXTURE_DATA(faults) *self, const char *seed)
{
	uint64_t bits = 0;
	char byte;

	if (seed)
		knob_put(&self->made, "seed", seed);
	for (int i = 0; i < 64; i++)
		bits |= (uint64_t)(read(self->fd, &byte, 1) < 0) << i;
	return bits;
}

TEST_F(faults, a_seed_repeats)
{
	uint64_t first, second;

	RULE("read error=EIO rate=500000");
	first = which_fail(self, "1");
	EXPECT_LE(16, __builtin_popcountll(first));
	EXPECT_GE(48, __builtin_popcountll(first));
	second = which_fail(self, "2");
	EXPECT_NE(first, second);
	EXPECT_EQ(first, which_fail(self, "1"));
	/* It goes on, and does not begin anew by itself. */
	EXPECT_NE(first, which_fail(self, NULL));
	/* A new device begins with the seed that it was given. */
	close(self->fd);
	ASSERT_EQ(0, config_put(&self->made, "live", "0"));
	ASSERT_EQ(0, config_put(&self->made, "seed", "2"));
	ASSERT_EQ(0, device_go_live(&self->made));
	RULE("read error=EIO rate=500000");
	self->fd = open(self->made.dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(SIZE, write(self->fd, self->buf, SIZE));
	lseek(self->fd, 0, SEEK_SET);
	EXPECT_EQ(second, which_fail(self, NULL));
}

TEST_F(faults, a_rate_is_one)
{
	RULE("read error=EIO rate=100000");
	EXPECT_LE(1, __builtin_popcountll(which_fail(self, "1")));
	EXPECT_GE(20, __builtin_popcountll(which_fail(self, "1")));
}

TEST_F(faults, open)
{
	int fd;

	RULE("open error=ENXIO next=1");
	EXPECT_EQ(-1, open(self->made.dev.node, O_RDWR));
	EXPECT_EQ(ENXIO, errno);
	fd = open(self->made.dev.node, O_RDWR);
	EXPECT_LE(0, fd);
	close(fd);
}

/* An error takes as long as the operation does. */
TEST_F(faults, an_error_takes_its_time)
{
	uint64_t begun = now_ns();

	ASSERT_EQ(0, knob_put(&self->made, "open_latency_ns", "50000000"));
	RULE("open error=EIO next=1");
	EXPECT_EQ(-1, open(self->made.dev.node, O_RDWR));
	EXPECT_LE(50 * MSEC, now_ns() - begun);
}

/* It would go on at once, but never ends by itself. */
TEST_F(faults, hang)
{
	static const struct { long (*fn)(struct call *call); const char *rule; } ops[] = {
		{ do_read, "read hang next=1" }, { do_write, "write hang next=1" },
		{ do_open, "open hang next=1" },
	};
	struct counters before = counters_see(&self->made);

	self->call.path = self->made.dev.node;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		RULE(ops[i].rule);
		self->call.fn = ops[i].fn;
		call_start(&self->call);
		wait_state(&self->made, &self->call, "started");
		EXPECT_STREQ("", RULES());
		/* The next one is not held up. */
		EXPECT_EQ(1, read(self->fd, self->buf, 1));
		EXPECT_EQ(1, write(self->fd, self->buf, 1));
		EXPECT_FALSE(call_done(&self->call));
		call_signal(&self->call, SIGUSR1);
		EXPECT_EQ(-1, call_join(&self->call));
		EXPECT_EQ(EINTR, self->call.err);
	}
	EXPECT_EQ(3, counters_see(&self->made).cancelled - before.cancelled);
}

TEST_F(faults, a_hang_ends_with_the_device)
{
	struct call stubborn;

	RULE("read hang next=2");
	call_start(&self->call);
	wait_state(&self->made, &self->call, "started");
	ASSERT_EQ(0, knob_put(&self->made, "cancel", "once-started-never"));
	stubborn = self->call;
	call_start(&stubborn);
	wait_state(&self->made, &stubborn, "started");
	call_signal(&stubborn, SIGUSR1);
	wait_until(in_cancel(&self->made));
	EXPECT_FALSE(call_done(&stubborn));
	ASSERT_EQ(0, config_put(&self->made, "live", "0"));
	EXPECT_EQ(-1, call_join(&self->call));
	EXPECT_EQ(ENODEV, self->call.err);
	EXPECT_EQ(-1, call_join(&stubborn));
	EXPECT_EQ(ENODEV, stubborn.err);
}

/* ---- what only one of them has ---- */

FIXTURE(one)
{
	struct made made;
	char buf[16];
	int fd;
};

FIXTURE_SETUP(one)
{
	SKIP_FOR(cannot_make());
}

FIXTURE_TEARDOWN(one)
{
	close(self->fd);
	EXPECT_EQ(0, device_unmake(&self->made));
}

TEST_F(one, flush)
{
	struct call call = { .fn = do_fsync };

	ASSERT_EQ(0, device_make(&self->made, "a", "model=store"));
	call.fd = self->fd = open(self->made.dev.node, O_RDWR);
	handle(SIGUSR1, 0);
	RULE("flush error=EREMOTEIO next=1");
	EXPECT_EQ(-1, fsync(self->fd));
	EXPECT_EQ(EREMOTEIO, errno);
	EXPECT_EQ(0, fdatasync(self->fd));
	RULE("flush hang next=1");
	call_start(&call);
	wait_state(&self->made, &call, "started");
	call_signal(&call, SIGUSR1);
	EXPECT_EQ(-1, call_join(&call));
	EXPECT_EQ(EINTR, call.err);
}

/* Nobody who does not wait meets what never ends, and the rule is there still. */
TEST_F(one, a_hang_is_for_who_may_wait)
{
	ASSERT_EQ(0, device_make(&self->made, "a", "model=stream"));
	self->fd = open(self->made.dev.node, O_RDWR | O_NONBLOCK);
	RULE("read,write hang next=1");
	EXPECT_EQ(1, write(self->fd, "x", 1));
	EXPECT_EQ(1, read(self->fd, self->buf, 1));
	EXPECT_EQ(-1, read(self->fd, self->buf, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_STREQ("read,write hang next=1", RULES());
}

TEST_HARNESS_MAIN
