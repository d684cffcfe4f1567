// SPDX-License-Identifier: MIT
/*
 * The library on the slow device. CANCELIO_STREAM and CANCELIO_STORE name others than the first
 * two; without a device the cases are skipped.
 */
#include <windows.h>

#include "host.h"

static char buf[4096];

static const char *device(const char *variable, const char *path)
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

static void set_latency(const char *path, const char *what, const char *ns)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "/sys/class/cancelio/%s/%s_latency_ns", strrchr(path, '/') + 1,
		 what);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		SKIP("its latency cannot be set");
	CHECK_EQ(write(fd, ns, strlen(ns)), strlen(ns));
	close(fd);
}

static HANDLE open_device(const char *path, DWORD flags)
{
	HANDLE h = host_open(path, RW, flags);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

static HANDLE manual_event(void)
{
	return CreateEventA(NULL, TRUE, FALSE, NULL);
}

static void stream_read_is_cancelled(void)
{
	HANDLE h = open_device(STREAM, FILE_FLAG_OVERLAPPED), w = open_device(STREAM, 0);
	OVERLAPPED ov = host_overlapped(manual_event());
	DWORD n;

	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, &ov), ERROR_IO_PENDING);
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, &ov), ERROR_IO_PENDING);
	CHECK(WriteFile(w, "hello", 5, &n, NULL));
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 5);
	CHECK(!memcmp(buf, "hello", 5));
}

static void stream_last_close(void)
{
	HANDLE h = open_device(STREAM, FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = host_overlapped(manual_event());

	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(CloseHandle(h));
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(ov.Internal, 0xC0000120u); /* W-CLOSE-2: cleanup gives 995 */
}

static void store_keeps_data(void)
{
	HANDLE h = open_device(STORE, FILE_FLAG_OVERLAPPED), s = open_device(STORE, 0);
	OVERLAPPED ov = host_overlapped(manual_event());
	DWORD n;

	ov.Offset = 8192;
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 3);
	WriteFile(h, buf, sizeof(buf), NULL, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, sizeof(buf));
	memset(buf, 0, sizeof(buf));
	ReadFile(h, buf, sizeof(buf), NULL, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		CHECK_EQ(buf[i], (char)(i * 3));
	/* A synchronous handle has a position, and an end. */
	CHECK(ReadFile(s, buf, 16, &n, NULL));
	CHECK_EQ(n, 16);
	ov.Offset = 0;
	ov.OffsetHigh = 16;
	CHECK_FAILS(ReadFile(s, buf, 16, &n, &ov), ERROR_HANDLE_EOF);
	CHECK_FAILS(ReadFile(h, buf, 16, &n, NULL), ERROR_INVALID_PARAMETER);
}

/* The store's requests run in workers of the kernel: a cancel is answered late. */
static void store_read_is_cancelled(void)
{
	HANDLE h = open_device(STORE, FILE_FLAG_OVERLAPPED);
	enum { N = 8 };
	OVERLAPPED ov[N];
	DWORD n;

	set_latency(STORE, "read", "30000000000");
	for (int i = 0; i < N; i++) {
		ov[i] = host_overlapped(manual_event());
		CHECK_FAILS(ReadFile(h, buf + i * 16, 16, NULL, &ov[i]), ERROR_IO_PENDING);
	}
	CHECK(CancelIoEx(h, &ov[3]));
	CHECK_FAILS(GetOverlappedResult(h, &ov[3], &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK(!HasOverlappedIoCompleted(&ov[2]));
	CHECK(CancelIo(h));
	for (int i = 0; i < N; i++)
		CHECK_FAILS(GetOverlappedResult(h, &ov[i], &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
	set_latency(STORE, "read", "0");
}

static DWORD WINAPI slow_open(LPVOID arg)
{
	HANDLE h = host_open(STORE, GENERIC_READ, 0);

	*(DWORD *)arg = h == INVALID_HANDLE_VALUE ? GetLastError() : 0;
	return 0;
}

static DWORD WINAPI slow_read(LPVOID arg)
{
	HANDLE h = open_device(STORE, 0);
	DWORD n;

	*(DWORD *)arg = ReadFile(h, buf, 16, &n, NULL) ? 0 : GetLastError();
	return 0;
}

static void synchronous_calls_are_cancelled(void)
{
	DWORD error = 0, tid;
	HANDLE t;

	set_latency(STORE, "open", "30000000000");
	t = CreateThread(NULL, 0, slow_open, &error, 0, &tid);
	host_wait_syscall(tid, SYS_openat, SYS_openat);
	while (!CancelSynchronousIo(t))
		CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	set_latency(STORE, "open", "0");
	set_latency(STORE, "read", "30000000000");
	t = CreateThread(NULL, 0, slow_read, &error, 0, &tid);
	host_wait_syscall(tid, SYS_pread64, SYS_pread64);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	set_latency(STORE, "read", "0");
}

static OVERLAPPED left;
static HANDLE shared;

static DWORD WINAPI leave_read(LPVOID arg)
{
	(void)arg;
	CHECK_FAILS(ReadFile(shared, buf, 16, NULL, &left), ERROR_IO_PENDING);
	return 0;
}

static void thread_exit_cancels_worker_requests(void)
{
	HANDLE t;

	set_latency(STORE, "read", "30000000000");
	shared = open_device(STORE, FILE_FLAG_OVERLAPPED);
	left = host_overlapped(manual_event());
	t = CreateThread(NULL, 0, leave_read, NULL, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(left.Internal, 0xC0000120u);
	set_latency(STORE, "read", "0");
}

static const struct tap_case cases[] = {
	CASE(stream_read_is_cancelled, "stream: a read is cancelled, the next gets its data"),
	CASE(stream_last_close, "stream: the last close gives a read back (W-CLOSE-2)"),
	CASE(store_keeps_data, "store: what is written is read"),
	CASE(store_read_is_cancelled, "store: reads in workers are cancelled (W-CANCELIOEX-1)"),
	CASE(synchronous_calls_are_cancelled, "store: a slow open and read (W-CANCELSYNC-1)"),
	CASE(thread_exit_cancels_worker_requests, "store: a thread's exit cancels (W-THREAD-3)"),
};

TAP_MAIN(cases)
