// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints: the events of a request's life, in their order, with the
 * same id, and what they say of its end.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "seen_test.h"

#define TRACEFS		"/sys/kernel/tracing"
#define INSTANCE	TRACEFS "/instances/cancelio_selftest"

struct event {
	char name[24];
	char op[8];
	unsigned long long id, len, bytes, queued_ns, total_ns, cancel_ns;
	int status;
};

FIXTURE(trace)
{
	struct device dev;
	int fd;
	char buf[16];
	struct event events[32];
	int count;
};

FIXTURE_SETUP(trace)
{
	if (access(TRACEFS "/instances", F_OK))
		SKIP(return, "there is no " TRACEFS);
	MAKE_DEVICE(&self->dev, "trace", "store");
	self->fd = open(self->dev.node, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	/* That of a test that was killed. */
	rmdir(INSTANCE);
	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	ASSERT_EQ(0, write_text(INSTANCE "/events/cancelio/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	EXPECT_EQ(0, write_text(INSTANCE "/events/cancelio/enable", "0"));
	device_unmake("trace");
	EXPECT_EQ(0, rmdir(INSTANCE));
}

/* The number after " NAME=", or 0 and false. */
static bool field(const char *line, const char *name, unsigned long long *value)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(line, key);
	*value = at ? strtoull(at + strlen(key), NULL, 10) : 0;
	return at;
}

static bool parse(const char *line, const char *device, struct event *event)
{
	char of[64], *end;
	unsigned long long status;
	const char *at = strstr(line, " cancelio_");

	if (!at)
		return false;
	snprintf(of, sizeof(of), " dev=%s ", device);
	if (!strstr(at, of))
		return false;
	memset(event, 0, sizeof(*event));
	snprintf(event->name, sizeof(event->name), "%s", at + strlen(" cancelio_"));
	end = strchr(event->name, ':');
	if (end)
		*end = '\0';
	at = strchr(at, ':');
	if (!field(at, "id", &event->id) || sscanf(strstr(at, " op=") + 4, "%7s", event->op) != 1)
		return false;
	field(at, "len", &event->len);
	if (strcmp(event->name, "complete"))
		return true;
	event->status = field(at, "status", &status) ? (int)status : 1;
	if (strstr(at, " status=-"))
		event->status = -(int)strtol(strstr(at, " status=-") + 9, NULL, 10);
	return field(at, "bytes", &event->bytes) && field(at, "queued_ns", &event->queued_ns) &&
	       field(at, "total_ns", &event->total_ns) && field(at, "cancel_ns", &event->cancel_ns);
}

/* Return: the names of the events of the device so far, with spaces; static. */
static const char *names(FIXTURE_DATA(trace) *self)
{
	static char all[512];
	char line[512];
	FILE *file = fopen(INSTANCE "/trace", "re");

	self->count = 0;
	all[0] = '\0';
	while (file && fgets(line, sizeof(line), file) && self->count < 32) {
		struct event *event = &self->events[self->count];

		if (!parse(line, self->dev.name, event))
			continue;
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
			 self->count ? " " : "", event->name);
		self->count++;
	}
	if (file)
		fclose(file);
	return all;
}

/* All are of one request; the last is its end. */
static struct event *check_end(struct __test_metadata *_metadata, FIXTURE_DATA(trace) *self,
			       const char *op, unsigned long long len)
{
	struct event *end = &self->events[self->count - 1];

	for (struct event *event = self->events; event <= end; event++) {
		EXPECT_EQ(2, event->id);
		EXPECT_STREQ(op, event->op);
		if (event != end)
			EXPECT_EQ(len, event->len);
	}
	EXPECT_LE(end->queued_ns, end->total_ns);
	EXPECT_LE(end->cancel_ns, end->total_ns);
	return end;
}

#define CHECK_END(op, len)	check_end(_metadata, self, op, len)

TEST_F(trace, success)
{
	struct event *end;

	set_latency(&self->dev, "read_latency_ns", 20 * MSEC);
	ASSERT_EQ(16, read(self->fd, self->buf, 16));
	ASSERT_STREQ("start mark complete", names(self));
	end = CHECK_END("read", 16);
	EXPECT_EQ(0, end->status);
	EXPECT_EQ(16, end->bytes);
	EXPECT_LE(20 * MSEC, end->total_ns);
	EXPECT_LE(20 * MSEC, end->total_ns - end->queued_ns);
	EXPECT_EQ(0, end->cancel_ns);
}

/* What has to wait for a channel is queued first. */
TEST_F(trace, after_a_wait)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 16 };
	struct event *end;

	ASSERT_EQ(0, set(&self->dev, "queue", "stop"));
	set_latency(&self->dev, "read_latency_ns", MSEC);
	call_start(&call);
	wait_state(&self->dev, "queued", 1);
	ASSERT_EQ(0, set(&self->dev, "queue", "start"));
	ASSERT_EQ(16, call_join(&call));
	ASSERT_STREQ("queue mark start mark complete", names(self));
	end = CHECK_END("read", 16);
	EXPECT_LT(0, end->queued_ns);
	EXPECT_LE(MSEC, end->total_ns - end->queued_ns);
}

/* Without a latency there is nothing to see; with the least there is. */
TEST_F(trace, at_once)
{
	struct event *end;

	/* What takes no time is no request. */
	ASSERT_EQ(3, write(self->fd, self->buf, 3));
	ASSERT_STREQ("", names(self));
	/* What takes the least is one. */
	set_latency(&self->dev, "write_latency_ns", 1);
	ASSERT_EQ(3, write(self->fd, self->buf, 3));
	ASSERT_STREQ("start mark complete", names(self));
	end = CHECK_END("write", 3);
	EXPECT_EQ(0, end->status);
	EXPECT_EQ(3, end->bytes);
}

TEST_F(trace, failure)
{
	struct event *end;

	ASSERT_EQ(0, set(&self->dev, "faults", "flush error=EIO next=1"));
	ASSERT_EQ(-1, fsync(self->fd));
	ASSERT_STREQ("start complete", names(self));
	end = CHECK_END("flush", 0);
	EXPECT_EQ(-EIO, end->status);
	EXPECT_EQ(0, end->bytes);
}

static void cancel_one(FIXTURE_DATA(trace) *self, const char *state)
{
	struct call call = { .fn = do_read, .fd = self->fd, .buf = self->buf, .len = 16 };

	call_start(&call);
	wait_state(&self->dev, state, 1);
	cancel_by(self->fd, CANCELIO_BY_FILE, 0);
	call_join(&call);
}

TEST_F(trace, cancelled)
{
	struct event *end;

	set_latency(&self->dev, "read_latency_ns", FOREVER);
	cancel_one(self, "started");
	ASSERT_STREQ("start mark cancel abort complete", names(self));
	end = CHECK_END("read", 16);
	EXPECT_EQ(-ECANCELED, end->status);
	EXPECT_EQ(0, end->bytes);
	EXPECT_LT(0, end->cancel_ns);
}

TEST_F(trace, cancelled_where_it_waits)
{
	struct event *end;

	ASSERT_EQ(0, set(&self->dev, "queue", "stop"));
	cancel_one(self, "queued");
	ASSERT_STREQ("queue mark cancel complete", names(self));
	end = CHECK_END("read", 16);
	EXPECT_EQ(-ECANCELED, end->status);
	/* It never started. */
	EXPECT_EQ(0, end->queued_ns);
	EXPECT_LT(0, end->cancel_ns);
}

TEST_F(trace, slow_abort)
{
	struct event *end;

	ASSERT_EQ(0, set(&self->dev, "cancel", "slow"));
	set_latency(&self->dev, "abort_latency_ns", 20 * MSEC);
	set_latency(&self->dev, "read_latency_ns", FOREVER);
	cancel_one(self, "started");
	ASSERT_STREQ("start mark cancel abort complete", names(self));
	end = CHECK_END("read", 16);
	EXPECT_EQ(-ECANCELED, end->status);
	EXPECT_LE(20 * MSEC, end->cancel_ns);
}

/* Asked, not told to stop, and ended well. */
TEST_F(trace, late)
{
	struct event *end;

	ASSERT_EQ(0, set(&self->dev, "cancel", "once-started-never"));
	set_latency(&self->dev, "read_latency_ns", 300 * MSEC);
	cancel_one(self, "started");
	ASSERT_STREQ("start cancel complete", names(self));
	end = CHECK_END("read", 16);
	EXPECT_EQ(0, end->status);
	EXPECT_EQ(16, end->bytes);
	EXPECT_LE(300 * MSEC, end->total_ns);
	EXPECT_LT(0, end->cancel_ns);
}

/* A stuck channel hands it back to wait. */
TEST_F(trace, stuck)
{
	ASSERT_EQ(0, set(&self->dev, "stuck", "1"));
	cancel_one(self, "queued");
	ASSERT_STREQ("start queue mark cancel complete", names(self));
	EXPECT_EQ(-ECANCELED, CHECK_END("read", 16)->status);
}

TEST_HARNESS_MAIN
