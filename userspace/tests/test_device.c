// SPDX-License-Identifier: MIT
/* The library on the slow devices. */
#include <windows.h>

#include "device.h"

static char buf[4096];

static void set_latency(const char *path, const char *what, const char *ns)
{
	char knob[64];

	snprintf(knob, sizeof(knob), "%s_latency_ns", what);
	device_tell(path, knob, ns);
}

static void stream_read_is_cancelled(void)
{
	HANDLE h = device_open(STREAM, FILE_FLAG_OVERLAPPED), w = device_open(STREAM, 0);
	OVERLAPPED ov = host_overlapped(host_manual_event());
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
	HANDLE h = device_open(STREAM, FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = host_overlapped(host_manual_event());

	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(CloseHandle(h));
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(ov.Internal, 0xC0000120u); /* W-CLOSE-2: cleanup gives 995 */
}

static void store_keeps_data(void)
{
	const char *path = device_store();
	HANDLE h = device_open(path, FILE_FLAG_OVERLAPPED), s = device_open(path, 0);
	OVERLAPPED ov = host_overlapped(host_manual_event());
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

static void store_read_is_cancelled(void)
{
	const char *path = device_store();
	HANDLE h = device_open(path, FILE_FLAG_OVERLAPPED);
	enum { N = 8 };
	OVERLAPPED ov[N];
	DWORD n;

	set_latency(path, "read", "30000000000");
	for (int i = 0; i < N; i++) {
		ov[i] = host_overlapped(host_manual_event());
		CHECK_FAILS(ReadFile(h, buf + i * 16, 16, NULL, &ov[i]), ERROR_IO_PENDING);
	}
	CHECK(CancelIoEx(h, &ov[3]));
	CHECK_FAILS(GetOverlappedResult(h, &ov[3], &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK(!HasOverlappedIoCompleted(&ov[2]));
	CHECK(CancelIo(h));
	for (int i = 0; i < N; i++)
		CHECK_FAILS(GetOverlappedResult(h, &ov[i], &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
}

static DWORD WINAPI slow_open(LPVOID arg)
{
	HANDLE h = host_open(STORE, GENERIC_READ, 0);

	*(DWORD *)arg = h == INVALID_HANDLE_VALUE ? GetLastError() : 0;
	return 0;
}

static DWORD WINAPI slow_read(LPVOID arg)
{
	HANDLE h = device_open(STORE, 0);
	DWORD n;

	*(DWORD *)arg = ReadFile(h, buf, 16, &n, NULL) ? 0 : GetLastError();
	return 0;
}

static void synchronous_calls_are_cancelled(void)
{
	const char *path = device_store();
	DWORD error = 0, tid;
	HANDLE t;

	set_latency(path, "open", "30000000000");
	t = CreateThread(NULL, 0, slow_open, &error, 0, &tid);
	host_wait_syscall(tid, SYS_openat, SYS_openat);
	while (!CancelSynchronousIo(t))
		CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	set_latency(path, "open", "0");
	set_latency(path, "read", "30000000000");
	t = CreateThread(NULL, 0, slow_read, &error, 0, &tid);
	host_wait_syscall(tid, SYS_pread64, SYS_pread64);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
}

static OVERLAPPED left;
static HANDLE shared;

static DWORD WINAPI leave_read(LPVOID arg)
{
	(void)arg;
	CHECK_FAILS(ReadFile(shared, buf, 16, NULL, &left), ERROR_IO_PENDING);
	return 0;
}

static void thread_exit_cancels(void)
{
	const char *path = device_store();
	HANDLE t;

	set_latency(path, "read", "30000000000");
	shared = device_open(path, FILE_FLAG_OVERLAPPED);
	left = host_overlapped(host_manual_event());
	t = CreateThread(NULL, 0, leave_read, NULL, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(left.Internal, 0xC0000120u);
}

static const struct tap_case cases[] = {
	CASE(stream_read_is_cancelled, "stream: a read is cancelled, the next gets its data"),
	CASE(stream_last_close, "stream: the last close gives a read back (W-CLOSE-2)"),
	CASE(store_keeps_data, "store: what is written is read"),
	CASE(store_read_is_cancelled, "store: reads are cancelled (W-CANCELIOEX-1)"),
	CASE(synchronous_calls_are_cancelled, "store: a slow open and read (W-CANCELSYNC-1)"),
	CASE(thread_exit_cancels, "store: a thread's exit cancels (W-THREAD-3)"),
};

TAP_MAIN(cases)
