// SPDX-License-Identifier: MIT
/*
 * Overlapped I/O on a store, which goes by commands where the kernel ends them with their ring, and by
 * reads and writes elsewhere: what is tested must not depend on it, and each kernel does one of them.
 */
#include <ntddcancelio.h>
#include <windows.h>

#include "store.h"

static void many_are_cancelled(void)
{
	const char *path = device_store();

	device_tell(path, "read_latency_ns", LONG);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	start_reads(MANY);
	device_wait_pending(path, MANY);
	CHECK_EQ(device_workers() == 0, device_takes_commands(path));
	CHECK(CancelIoEx(store, &ovs[7]));
	check_aborted(&ovs[7]);
	CHECK_FAILS(CancelIoEx(store, &ovs[7]), ERROR_NOT_FOUND);
	device_wait_pending(path, MANY - 1);
	CHECK(!HasOverlappedIoCompleted(&ovs[6]));
	CHECK(CancelIoEx(store, NULL));
	for (int i = 0; i < MANY; i++)
		check_aborted(&ovs[i]);
	CHECK_FAILS(CancelIoEx(store, NULL), ERROR_NOT_FOUND);
	CHECK_EQ(device_info(path).pending, 0);
}

static void many_complete(void)
{
	const char *path = device_store();
	DWORD n;

	fill(path, MANY * SIZE);
	device_tell(path, "read_latency_ns", "20000000");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	start_reads(MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK(GetOverlappedResult(store, &ovs[i], &n, TRUE));
		CHECK_EQ(n, SIZE);
		check_bytes(data[i], SIZE, (uint64_t)i * SIZE);
	}
	/* And when nobody waits. */
	start_reads(MANY);
	for (int i = 0; i < MANY; i++) {
		while (!HasOverlappedIoCompleted(&ovs[i]))
			sched_yield();
		CHECK_EQ(ovs[i].Internal, 0);
		CHECK_EQ(ovs[i].InternalHigh, SIZE);
	}
}

static void many_writes(void)
{
	const char *path = device_store();
	unsigned char back[SIZE];
	DWORD n;
	int fd;

	device_tell(path, "write_latency_ns", "20000000");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	for (int i = 0; i < MANY; i++) {
		memset(data[i], i + i / 256, SIZE);
		ovs[i] = at((uint64_t)i * SIZE);
		CHECK_FAILS(WriteFile(store, data[i], SIZE, NULL, &ovs[i]), ERROR_IO_PENDING);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < MANY; i++) {
		CHECK(GetOverlappedResult(store, &ovs[i], &n, TRUE));
		CHECK_EQ(n, SIZE);
		CHECK_EQ(pread(fd, back, SIZE, i * SIZE), SIZE);
		CHECK(!memcmp(back, data[i], SIZE));
	}
	close(fd);
}

/* How a request ends, be that in its call or later: 0 or the error, and the bytes. */
static DWORD outcome(BOOL done, OVERLAPPED *ov, DWORD *n)
{
	DWORD error = done ? 0 : GetLastError();

	if (error != ERROR_IO_PENDING) {
		*n = (DWORD)ov->InternalHigh;
		if (!done)
			return error;
		CHECK_EQ(WaitForSingleObject(ov->hEvent, 0), WAIT_OBJECT_0);
	}
	return GetOverlappedResult(store, ov, n, TRUE) ? 0 : GetLastError();
}

static DWORD read_at(uint64_t offset, void *to, DWORD size, DWORD *n)
{
	OVERLAPPED ov = at(offset);

	*n = 0;
	return outcome(ReadFile(store, to, size, NULL, &ov), &ov, n);
}

static DWORD write_at(uint64_t offset, const void *from, DWORD size, DWORD *n)
{
	OVERLAPPED ov = at(offset);

	*n = 0;
	return outcome(WriteFile(store, from, size, NULL, &ov), &ov, n);
}

static void check_results(const char *latency)
{
	const char *path = device_store();
	uint64_t size = device_info(path).size;
	unsigned char bytes[4 * SIZE];
	DWORD n;

	fill(path, size);
	device_tell(path, "read_latency_ns", latency);
	device_tell(path, "write_latency_ns", latency);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	CHECK_EQ(read_at(1000, bytes, sizeof(bytes), &n), 0);
	CHECK_EQ(n, sizeof(bytes));
	check_bytes(bytes, n, 1000);
	CHECK_EQ(read_at(size - 5, bytes, sizeof(bytes), &n), 0);
	CHECK_EQ(n, 5);
	check_bytes(bytes, n, size - 5);
	CHECK_EQ(read_at(size, bytes, 1, &n), ERROR_HANDLE_EOF);
	CHECK_EQ(n, 0);
	CHECK_EQ(read_at(INT64_MAX - 8, bytes, 8, &n), ERROR_HANDLE_EOF);
	CHECK_EQ(read_at(INT64_MAX - 8, bytes, 9, &n), ERROR_INVALID_PARAMETER);
	CHECK_EQ(read_at(1ull << 63, bytes, 1, &n), ERROR_INVALID_PARAMETER);
	CHECK_EQ(read_at(0, bytes, 0, &n), 0);
	CHECK_EQ(read_at(size, bytes, 0, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(read_at(0, (void *)8, 4, &n), ERROR_NOACCESS);
	CHECK_EQ(write_at(0, (void *)8, 4, &n), ERROR_NOACCESS);

	CHECK_EQ(write_at(size, bytes, 1, &n), ERROR_DISK_FULL);
	CHECK_EQ(n, 0);
	/* What found room has been written, and the count tells (W-GOR-5). */
	CHECK_EQ(write_at(size - 5, "abcdefgh", 8, &n), ERROR_DISK_FULL);
	CHECK_EQ(n, 5);
	CHECK_EQ(read_at(size - 6, bytes, 6, &n), 0);
	CHECK_EQ(bytes[0], byte_at(size - 6));
	CHECK(!memcmp(bytes + 1, "abcde", 5));
	/* A store cannot grow, and what is at its beginning stays (W-RW-6). */
	CHECK_EQ(write_at(UINT64_MAX, "x", 1, &n), ERROR_DISK_FULL);
	CHECK_EQ(read_at(0, bytes, SIZE, &n), 0);
	check_bytes(bytes, SIZE, 0);
}

static void results_at_once(void)
{
	check_results("0");
}

static void results_later(void)
{
	check_results("2000000");
}

static void synchronous_append(void)
{
	const char *path = device_store();
	unsigned char bytes[SIZE];
	OVERLAPPED ov = at(UINT64_MAX);
	HANDLE h;
	DWORD n;

	fill(path, SIZE);
	h = device_open(path, 0);
	CHECK_FAILS(WriteFile(h, "x", 1, &n, &ov), ERROR_DISK_FULL);
	CHECK_EQ(n, 0);
	CHECK(ReadFile(h, bytes, SIZE, &n, NULL));
	check_bytes(bytes, SIZE, 0);
	CHECK(CloseHandle(h));
	h = host_open(path, FILE_APPEND_DATA, 0);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_FAILS(WriteFile(h, "x", 1, &n, NULL), ERROR_DISK_FULL);
}

static void faults(void)
{
	const char *path = device_store();
	unsigned char bytes[4 * SIZE], back[4 * SIZE];
	DWORD n;

	fill(path, 4096);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	device_tell(path, "read_latency_ns", "1000000");
	device_tell(path, "write_latency_ns", "1000000");
	device_tell(path, "faults", "read error=EIO next=1");
	CHECK_EQ(read_at(0, bytes, SIZE, &n), ERROR_IO_DEVICE);
	device_tell(path, "faults", "read short=10 next=1");
	CHECK_EQ(read_at(0, bytes, SIZE, &n), 0);
	CHECK_EQ(n, 10);
	/* The device is only asked again. */
	device_tell(path, "faults", "read error=EAGAIN next=2");
	CHECK_EQ(read_at(0, bytes, SIZE, &n), 0);
	CHECK_EQ(n, SIZE);
	check_bytes(bytes, SIZE, 0);
	/* A write goes on until all is taken (W-RW-8). */
	memset(bytes, 'w', sizeof(bytes));
	device_tell(path, "faults", "write short=10 next=5");
	CHECK_EQ(write_at(100, bytes, sizeof(bytes), &n), 0);
	CHECK_EQ(n, sizeof(bytes));
	CHECK_EQ(read_at(100, back, sizeof(back), &n), 0);
	CHECK(!memcmp(bytes, back, sizeof(back)));
	device_tell(path, "faults", "write short=10 next=1");
	device_tell(path, "faults", "write error=EIO next=1");
	CHECK_EQ(write_at(100, bytes, sizeof(bytes), &n), ERROR_IO_DEVICE);
	CHECK_EQ(n, 10);
}

/* As many as an open file may have outstanding: the next waits, without a turn of the processor. */
static void no_room(void)
{
	const char *path = device_store();
	OVERLAPPED last = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	struct cancelio_info info;
	DWORD n;

	fill(path, 4096);
	device_tell(path, "read_latency_ns", LONG);
	device_tell(path, "control_latency_ns", "1000000");
	device_tell(path, "max_pending", "2");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	start_reads(4);
	CHECK_FAILS(DeviceIoControl(store, IOCTL_CANCELIO_INFO, NULL, 0, &info, sizeof(info), NULL,
				    &last),
		    ERROR_IO_PENDING);
	/* Who waits for room has a thread; which two have it is not said. */
	while (device_workers() < 2)
		usleep(200);
	device_wait_pending(path, 2);
	/* Who has no room can be cancelled, as can who has it; then another has it. */
	CHECK(CancelIoEx(store, &ovs[3]));
	check_aborted(&ovs[3]);
	device_wait_pending(path, 2);
	CHECK(CancelIoEx(store, &ovs[0]));
	check_aborted(&ovs[0]);
	CHECK(CancelIoEx(store, &ovs[1]));
	check_aborted(&ovs[1]);
	CHECK(GetOverlappedResult(store, &last, &n, TRUE));
	CHECK_EQ(n, sizeof(info));
	CHECK(CancelIoEx(store, &ovs[2]));
	check_aborted(&ovs[2]);
	device_wait_pending(path, 0);
}

/* A cancel is a wish: what the device makes of it is the result. */
static void stubborn_device(void)
{
	const char *path = device_store();
	OVERLAPPED ov = at(SIZE);
	DWORD n;

	fill(path, 4096);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	device_tell(path, "read_latency_ns", "500000000");
	device_tell(path, "cancel", "once-started-never");
	CHECK_FAILS(ReadFile(store, data[0], SIZE, NULL, &ov), ERROR_IO_PENDING);
	device_wait_pending(path, 1);
	CHECK(CancelIoEx(store, &ov));
	CHECK(CancelIo(store));
	CHECK(GetOverlappedResult(store, &ov, &n, TRUE));
	CHECK_EQ(n, SIZE);
	check_bytes(data[0], SIZE, SIZE);

	device_tell(path, "read_latency_ns", LONG);
	device_tell(path, "abort_latency_ns", "300000000");
	for (int poll = 0; poll < 2; poll++) {
		double start;

		device_tell(path, "cancel", poll ? "poll" : "slow");
		CHECK_FAILS(ReadFile(store, data[0], SIZE, NULL, &ov), ERROR_IO_PENDING);
		device_wait_pending(path, 1);
		start = host_seconds();
		CHECK(CancelIoEx(store, &ov));
		check_aborted(&ov);
		CHECK(poll || host_seconds() - start >= 0.3);
		device_wait_pending(path, 0);
	}
}

static DWORD WINAPI slow_look(LPVOID arg)
{
	HANDLE h = host_open(STORE, RW, FILE_FLAG_OVERLAPPED);

	*(DWORD *)arg = h == INVALID_HANDLE_VALUE ? GetLastError() : 0;
	return 0;
}

/* An overlapped open asks the device what it can do. */
static void open_asks(void)
{
	const char *path = device_store();
	DWORD error = 0, tid, n;
	HANDLE t;

	device_tell(path, "control_latency_ns", LONG);
	t = CreateThread(NULL, 0, slow_look, &error, 0, &tid);
	host_wait_syscall(tid, SYS_ioctl, SYS_ioctl);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	device_tell(path, "control_latency_ns", "0");
	device_wait_pending(path, 0);

	/* One that does not answer is read as any other. */
	fill(path, 4096);
	device_tell(path, "faults", "control error=EIO next=1");
	device_tell(path, "read_latency_ns", "1000000");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	CHECK_EQ(read_at(SIZE, data[0], SIZE, &n), 0);
	CHECK_EQ(n, SIZE);
	check_bytes(data[0], SIZE, SIZE);
	CHECK(device_workers() > 0);
}

static const struct tap_case cases[] = {
	CASE(many_are_cancelled, "hundreds pend and are cancelled, with or without threads (W-CANCELIOEX-1)"),
	CASE(many_complete, "hundreds of reads complete, each with its bytes"),
	CASE(many_writes, "hundreds of writes complete, each in its place"),
	CASE(results_at_once, "what ends at once: ends, offsets, errors (W-RW-4/6, W-OVL-12)"),
	CASE(results_later, "and what ends later"),
	CASE(synchronous_append, "an append finds no room, on a synchronous handle too (W-RW-6)"),
	CASE(faults, "errors, short transfers, a device that says: again (W-RW-8, W-GOR-5)"),
	CASE(no_room, "who finds no room waits for it, and can be cancelled (W-CANCELIOEX-1)"),
	CASE(stubborn_device, "a device does with a cancel as it likes (W-CANCELIOEX-2)"),
	CASE(open_asks, "the open asks what the device can do, and can be cancelled (W-CREATE-1)"),
};

TAP_MAIN(cases)
