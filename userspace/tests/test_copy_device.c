// SPDX-License-Identifier: MIT
/* Copies from and to the slow devices: they end where the device does, and at once when cancelled. */
#include <cancellationscope.h>
#include <windows.h>

#include "copy.h"
#include "device.h"

#define A_MINUTE "60000000000"

/* One copy made in a thread of its own, and how it went. */
struct copier {
	const char *from, *to;
	LPPROGRESS_ROUTINE routine;
	BOOL *cancel;
	HANDLE scope, thread;
	DWORD error;
};

static DWORD WINAPI copy(LPVOID arg)
{
	struct copier *c = arg;

	if (c->scope)
		CHECK(EnterCancellationScope(c->scope));
	c->error = CopyFileExA(c->from, c->to, c->routine, c, c->cancel, 0) ? 0 : GetLastError();
	if (c->scope)
		CHECK(LeaveCancellationScope(c->scope));
	return 0;
}

static void start(struct copier *c)
{
	c->thread = CreateThread(NULL, 0, copy, c, 0, NULL);
	CHECK(c->thread);
}

static void ends_with(struct copier *c, DWORD error)
{
	CHECK_EQ(WaitForSingleObject(c->thread, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(c->thread));
	CHECK_EQ(c->error, error);
}

static void store_ends(void)
{
	const char *store = device_store(), *to = host_path("to"), *from;
	long size = (long)device_info(store).size;

	/* All of it, and not a byte more. */
	from = copy_source("from", size);
	CHECK(CopyFileA(from, store, FALSE));
	CHECK(CopyFileA(store, to, FALSE));
	copy_same(from, to);
	copy_fill(from, size, 1);
	CHECK_FAILS(CopyFileA(from, store, FALSE), ERROR_DISK_FULL);
	CHECK(host_exists(store));
	CHECK_EQ(truncate(from, 1000), 0);
	CHECK(CopyFileA(from, store, FALSE));
	CHECK(CopyFileA(store, to, FALSE));
	copy_same_bytes(to, to, size);
}

static void cancel_each_way(const char *from, const char *to, const char *slow)
{
	BOOL flag = FALSE;
	struct copier c = {.from = from, .to = to, .cancel = &flag};

	start(&c);
	device_wait_pending(slow, 1);
	__atomic_store_n(&flag, TRUE, __ATOMIC_RELEASE);
	ends_with(&c, ERROR_REQUEST_ABORTED);
	c.cancel = NULL;
	start(&c);
	device_wait_pending(slow, 1);
	CHECK(CancelSynchronousIo(c.thread));
	ends_with(&c, ERROR_OPERATION_ABORTED);
	c.scope = CreateCancellationScope(NULL, 0);
	start(&c);
	device_wait_pending(slow, 1);
	CHECK(SetCancellationScopeTimeout(c.scope, 1));
	ends_with(&c, ERROR_OPERATION_ABORTED);
	CHECK(CloseHandle(c.scope));
	CHECK_EQ(device_info(slow).pending, 0);
}

/* A minute is never waited for. */
static void slow_store(void)
{
	const char *store = device_store(), *to = host_path("to");
	double began = host_seconds();

	device_tell(store, "read_latency_ns", A_MINUTE);
	cancel_each_way(store, to, store);
	CHECK(!host_exists(to));
	device_reset();
	device_tell(store, "write_latency_ns", A_MINUTE);
	cancel_each_way(copy_source("from", MIB), store, store);
	CHECK(host_seconds() - began < 50);
}

static DWORD WINAPI stop_at_ten(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				LARGE_INTEGER stream_done, DWORD stream, DWORD reason,
				HANDLE source, HANDLE target, LPVOID data)
{
	(void)stream_size, (void)stream_done, (void)stream, (void)reason, (void)source;
	(void)target, (void)data;
	/* How much it is to be is not known: it is what has come. */
	CHECK_EQ(size.QuadPart, done.QuadPart);
	return done.QuadPart < 10 ? PROGRESS_CONTINUE : PROGRESS_STOP;
}

/* A line has no end: it is the caller who makes one. */
static void stream_has_no_end(void)
{
	const char *stream = STREAM, *to = host_path("to");
	struct copier c = {.from = stream, .to = to};
	int fd = open(stream, O_WRONLY | O_CLOEXEC);
	char text[16];

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "abcde", 5), 5);
	start(&c);
	while (size_of(to) != 5)
		usleep(200);
	CHECK_EQ(WaitForSingleObject(c.thread, 0), WAIT_TIMEOUT);
	CHECK(CancelSynchronousIo(c.thread));
	ends_with(&c, ERROR_OPERATION_ABORTED);
	CHECK(!host_exists(to));
	c.routine = stop_at_ten;
	start(&c);
	CHECK_EQ(write(fd, "0123456789", 10), 10);
	ends_with(&c, ERROR_REQUEST_ABORTED);
	CHECK_EQ(size_of(to), 10);
	/* And as a target: what goes in comes out. */
	CHECK(CopyFileA(to, stream, FALSE));
	close(fd);
	fd = open(stream, O_RDONLY | O_CLOEXEC);
	CHECK_EQ(read(fd, text, sizeof(text)), 10);
	CHECK(memcmp(text, "0123456789", 10) == 0);
	close(fd);
}

/* A device that fails in the midst. */
static void fault(void)
{
	const char *store = device_store(), *to = host_path("to");

	device_tell(store, "faults", "read error=EIO next=1");
	CHECK_FAILS(CopyFileA(store, to, FALSE), ERROR_IO_DEVICE);
	CHECK(!host_exists(to));
	device_tell(store, "faults", "clear");
	CHECK(CopyFileA(store, to, FALSE));
}

static const struct tap_case cases[] = {
	CASE(store_ends, "a store is copied to its end, and filled to it"),
	CASE(slow_store, "a slow store, cancelled each way"),
	CASE(stream_has_no_end, "a stream has no end"),
	CASE(fault, "a store that fails"),
};

TAP_MAIN(cases)
