// SPDX-License-Identifier: MIT
/* DeviceIoControl on the slow devices (W-IOCTL-*). */
#include <errno.h>
#include <ntddcancelio.h>
#include <windows.h>

#include "device.h"

#define CANCELLED 0xC0000120u
#define BUFFER_OVERFLOW 0x80000005u

static struct cancelio_info info;

static void tell_control(const char *path, const char *ns)
{
	device_tell(path, "control_latency_ns", ns);
}

static const char *the_stream;

static void reset_stream(void)
{
	tell_control(the_stream, "0");
	device_tell(the_stream, "cancel", "prompt");
}

static const char *new_stream(void)
{
	the_stream = STREAM;
	reset_stream();
	atexit(reset_stream);
	return the_stream;
}

static BOOL ask(HANDLE h, DWORD code, void *out, DWORD size, DWORD *n)
{
	return DeviceIoControl(h, code, NULL, 0, out, size, n, NULL);
}

static void sizes(void)
{
	const char *path = device_store();
	GET_LENGTH_INFORMATION length;
	__u32 version[2] = { 0, 77 };
	DWORD n;

	for (int o = 0; o < 2; o++) {
		HANDLE h = device_open(path, o ? FILE_FLAG_OVERLAPPED : 0);

		CHECK(ask(h, IOCTL_CANCELIO_VERSION, version, sizeof(version), &n));
		CHECK(n == 4 && version[0] >= 3 && version[1] == 77);
		CHECK_FAILS(ask(h, IOCTL_CANCELIO_VERSION, version, 3, &n),
			    ERROR_INSUFFICIENT_BUFFER);
		CHECK_EQ(n, 0);
		CHECK(ask(h, IOCTL_CANCELIO_INFO, &info, sizeof(info), &n));
		CHECK(n == sizeof(info) && info.model == CANCELIO_MODEL_STORE);
		CHECK(ask(h, IOCTL_DISK_GET_LENGTH_INFO, &length, sizeof(length), &n));
		CHECK(n == sizeof(length) && (__u64)length.Length.QuadPart == info.size);
		CHECK_FAILS(ask(h, IOCTL_CANCELIO_INFO, &info, 7, &n), ERROR_INSUFFICIENT_BUFFER);
		CHECK_FAILS(ask(h, IOCTL_CANCELIO_INFO, NULL, 0, &n), ERROR_INSUFFICIENT_BUFFER);
		/* A part is a warning, and tells how much. */
		memset(&info, 0xee, sizeof(info));
		CHECK_FAILS(ask(h, IOCTL_CANCELIO_INFO, &info, 16, &n), ERROR_MORE_DATA);
		CHECK(n == 16 && info.model == CANCELIO_MODEL_STORE);
		CHECK(info.size && info.pending == 0xeeeeeeeeeeeeeeeeull);
		/* Too short an input, and one that the device refuses. */
		CHECK_FAILS(DeviceIoControl(h, IOCTL_CANCELIO_INFO, &info, 8, &info, sizeof(info),
					    &n, NULL),
			    ERROR_INVALID_PARAMETER);
		CHECK_FAILS(DeviceIoControl(h, IOCTL_CANCELIO_INFO, &info, sizeof(info), &info,
					    sizeof(info), &n, NULL),
			    ERROR_INVALID_PARAMETER);
	}
}

/* The rule for warnings: they are told, with the count (W-OVL-6). */
static void warnings_are_told(void)
{
	const char *path = device_store();
	HANDLE h = device_open(path, FILE_FLAG_OVERLAPPED);
	HANDLE port = CreateIoCompletionPort(h, NULL, 5, 0);
	OVERLAPPED ov = host_overlapped(host_manual_event()), *which = NULL;
	ULONG_PTR key;
	DWORD n = 0;

	CHECK_FAILS(DeviceIoControl(h, IOCTL_CANCELIO_VERSION, NULL, 0, &info, 3, NULL, &ov),
		    ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(ov.Internal, STATUS_PENDING);
	if (!DeviceIoControl(h, IOCTL_CANCELIO_INFO, NULL, 0, &info, 24, NULL, &ov))
		CHECK(GetLastError() == ERROR_IO_PENDING || GetLastError() == ERROR_MORE_DATA);
	CHECK_FAILS(GetQueuedCompletionStatus(port, &n, &key, &which, INFINITE), ERROR_MORE_DATA);
	CHECK(which == &ov && n == 24 && key == 5);
	CHECK_EQ(ov.Internal, BUFFER_OVERFLOW);
	CHECK_EQ(ov.InternalHigh, 24);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_MORE_DATA);
	CHECK_EQ(n, 24);
}

struct call {
	HANDLE h;
	DWORD tid, n, error;
	BOOL ok;
};

static DWORD WINAPI do_ask(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = ask(c->h, IOCTL_CANCELIO_INFO, &info, sizeof(info), &c->n);
	c->error = GetLastError();
	return 0;
}

static HANDLE start(struct call *c, long nr, long other)
{
	HANDLE t;

	c->tid = 0;
	t = CreateThread(NULL, 0, do_ask, c, 0, NULL);
	CHECK(t);
	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(c->tid, nr, other);
	return t;
}

static void ends_aborted(struct call *c, HANDLE t)
{
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(!c->ok);
	CHECK_EQ(c->error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(c->n, 0);
}

static void synchronous_is_cancelled(void)
{
	const char *path = device_store();
	struct call c = { .h = device_open(path, 0) };
	HANDLE t;

	tell_control(path, "3600000000000");
	t = start(&c, SYS_ioctl, SYS_ioctl);
	CHECK(CancelSynchronousIo(t)); /* W-CANCELSYNC-1 */
	ends_aborted(&c, t);
	t = start(&c, SYS_ioctl, SYS_ioctl);
	CHECK(CancelIoEx(c.h, NULL)); /* W-CANCELIOEX-5 */
	ends_aborted(&c, t);
	t = start(&c, SYS_ioctl, SYS_ioctl);
	CHECK(CloseHandle(c.h)); /* W-CLOSE-2 */
	ends_aborted(&c, t);
}

/* W-IOCTL-2: a hidden block, which only CancelIoEx sees. */
static void hidden_is_cancelled(const char *path)
{
	struct call c = { .h = device_open(path, FILE_FLAG_OVERLAPPED) };
	HANDLE t;

	CHECK(ask(c.h, IOCTL_CANCELIO_INFO, &info, sizeof(info), &c.n));
	CHECK_EQ(c.n, sizeof(info));
	tell_control(path, "3600000000000");
	t = start(&c, SYS_io_uring_enter, SYS_futex);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	CHECK(CancelIoEx(c.h, NULL));
	ends_aborted(&c, t);
}

static struct cancelio_info infos[100];
static OVERLAPPED ovs[100];

static void begin(HANDLE h, int from, int to)
{
	for (int i = from; i < to; i++) {
		ovs[i] = host_overlapped(host_manual_event());
		CHECK_FAILS(DeviceIoControl(h, IOCTL_CANCELIO_INFO, NULL, 0, &infos[i],
					    sizeof(infos[i]), NULL, &ovs[i]),
			    ERROR_IO_PENDING);
	}
}

static void aborted(HANDLE h, int from, int to)
{
	for (int i = from; i < to; i++) {
		DWORD n = 1;

		CHECK_FAILS(GetOverlappedResult(h, &ovs[i], &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_EQ(n, 0);
		CHECK_EQ(ovs[i].Internal, CANCELLED);
		CHECK_EQ(WaitForSingleObject(ovs[i].hEvent, 0), WAIT_OBJECT_0);
	}
}

/* More than there are workers, so that some are cancelled before they have one. */
static void overlapped_is_cancelled(const char *path)
{
	HANDLE h = device_open(path, FILE_FLAG_OVERLAPPED);
	DWORD n;

	tell_control(path, "3600000000000");
	begin(h, 0, 100);
	CHECK_FAILS(GetOverlappedResult(h, &ovs[50], &n, FALSE), ERROR_IO_INCOMPLETE);
	CHECK(CancelIoEx(h, &ovs[99]));
	aborted(h, 99, 100);
	CHECK(CancelIoEx(h, &ovs[3]));
	aborted(h, 3, 4);
	CHECK(!HasOverlappedIoCompleted(&ovs[4]));
	CHECK(CancelIo(h));
	aborted(h, 0, 100);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);

	tell_control(path, "20000000");
	begin(h, 0, 5);
	for (int i = 0; i < 5; i++) {
		CHECK(GetOverlappedResult(h, &ovs[i], &n, TRUE));
		CHECK_EQ(n, sizeof(infos[i]));
		CHECK(infos[i].model && infos[i].control_latency_ns == 20000000);
	}
}

static DWORD WINAPI leave_behind(LPVOID h)
{
	begin(h, 0, 10);
	return 0;
}

/* W-THREAD-3 and W-CLOSE-2: but what is bound for a port survives its thread. */
static void thread_and_close(const char *path)
{
	HANDLE h = device_open(path, FILE_FLAG_OVERLAPPED), t, port;
	LPOVERLAPPED which;
	ULONG_PTR key;
	DWORD n;

	tell_control(path, "3600000000000");
	t = CreateThread(NULL, 0, leave_behind, h, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(ovs[i].Internal, CANCELLED);
	begin(h, 0, 10);
	CHECK(CloseHandle(h));
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(WaitForSingleObject(ovs[i].hEvent, INFINITE), WAIT_OBJECT_0);
		CHECK_EQ(ovs[i].Internal, CANCELLED);
	}
	tell_control(path, "0");
	h = device_open(path, FILE_FLAG_OVERLAPPED);
	port = CreateIoCompletionPort(h, NULL, 0, 0);
	tell_control(path, "100000000");
	t = CreateThread(NULL, 0, leave_behind, h, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 10; i++) {
		CHECK(GetQueuedCompletionStatus(port, &n, &key, &which, INFINITE));
		CHECK_EQ(n, sizeof(infos[0]));
	}
}

static void store_hidden(void)
{
	hidden_is_cancelled(device_store());
}

static void store_overlapped(void)
{
	overlapped_is_cancelled(device_store());
}

static void store_thread_and_close(void)
{
	thread_and_close(device_store());
}

static void stream_hidden(void)
{
	hidden_is_cancelled(new_stream());
}

static void stream_overlapped(void)
{
	overlapped_is_cancelled(new_stream());
}

static void stream_thread_and_close(void)
{
	thread_and_close(new_stream());
}

static DWORD WINAPI read_by_itself(LPVOID path)
{
	static char buf[16];
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, buf, sizeof(buf), 0), -1);
	CHECK_EQ(errno, ECANCELED);
	return 0;
}

/* What a device is asked to do about its requests. */
static void device_cancels(void)
{
	const char *path = device_store();
	HANDLE h = device_open(path, FILE_FLAG_OVERLAPPED), s = device_open(path, 0);
	struct cancelio_cancel cancel = { .by = CANCELIO_BY_PROCESS, .value = (__u64)getpid() };
	struct cancelio_request_info request = { 0 };
	static char buf[16];
	OVERLAPPED ov = host_overlapped(host_manual_event());
	HANDLE t;
	DWORD n;

	CHECK_FAILS(ask(s, IOCTL_CANCELIO_REQUEST, &request, sizeof(request), &n), ERROR_NOT_FOUND);
	CHECK_FAILS(DeviceIoControl(s, IOCTL_CANCELIO_CANCEL, &cancel, sizeof(cancel), NULL, 0, &n,
				    NULL),
		    ERROR_NOT_FOUND);
	device_tell(path, "read_latency_ns", "3600000000000");
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, &ov), ERROR_IO_PENDING);
	device_wait_pending(path, 1);
	CHECK(ask(s, IOCTL_CANCELIO_REQUEST, &request, sizeof(request), &n));
	CHECK_EQ(n, sizeof(request));
	CHECK_EQ(request.op, CANCELIO_OP_READ);
	CHECK_EQ(request.length, sizeof(buf));
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(DeviceIoControl(s, IOCTL_CANCELIO_CANCEL, &cancel, sizeof(cancel), &cancel, 8,
				    &n, NULL),
		    ERROR_INSUFFICIENT_BUFFER);
	t = CreateThread(NULL, 0, read_by_itself, (LPVOID)path, 0, NULL);
	device_wait_pending(path, 1);
	CHECK(DeviceIoControl(s, IOCTL_CANCELIO_CANCEL, &cancel, sizeof(cancel), &cancel,
			      sizeof(cancel), &n, NULL));
	CHECK(n == sizeof(cancel) && cancel.found == 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	cancel.found = 0;
	cancel.by = 99;
	CHECK_FAILS(DeviceIoControl(s, IOCTL_CANCELIO_CANCEL, &cancel, sizeof(cancel), NULL, 0, &n,
				    NULL),
		    ERROR_INVALID_PARAMETER);
}

static const struct tap_case cases[] = {
	CASE(sizes, "device: sizes of buffers (W-IOCTL-3)"),
	CASE(warnings_are_told, "device: a part is a warning, and told (W-OVL-6)"),
	CASE(synchronous_is_cancelled, "device: a synchronous control is cancelled (W-IOCTL-4)"),
	CASE(store_hidden, "store: without OVERLAPPED on an overlapped handle (W-IOCTL-2)"),
	CASE(store_overlapped, "store: overlapped controls are cancelled (W-IOCTL-4)"),
	CASE(store_thread_and_close, "store: their thread's end, and the last close"),
	CASE(stream_hidden, "stream: without OVERLAPPED (W-IOCTL-2)"),
	CASE(stream_overlapped, "stream: overlapped controls are cancelled (W-IOCTL-4)"),
	CASE(stream_thread_and_close, "stream: their thread's end, and the last close"),
	CASE(device_cancels, "device: its requests are looked at and cancelled"),
};

TAP_MAIN(cases)
