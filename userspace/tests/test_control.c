// SPDX-License-Identifier: MIT
/* DeviceIoControl on what every host has (W-IOCTL-*). */
#include <ntddcancelio.h>

#include "files.h"

#define UNKNOWN CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)

static int peer;

static HANDLE new_file(DWORD access, DWORD flags)
{
	HANDLE h = CreateFileA(host_path("file"), access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			       OPEN_ALWAYS, flags, NULL);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

/* A code that the file does not know: 1, and nothing is told (W-IOCTL-3, W-OVL-7). */
static void check_refuses(HANDLE h, bool overlapped)
{
	static const DWORD codes[] = { UNKNOWN, IOCTL_CANCELIO_VERSION, IOCTL_CANCELIO_INFO, 0,
				       0xffffffff };
	OVERLAPPED ov = host_overlapped(host_manual_event());
	char out[256];

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		DWORD n = 42;
		LPOVERLAPPED no = NULL;

		CHECK_FAILS(DeviceIoControl(h, codes[i], NULL, 0, out, sizeof(out), &n, no),
			    ERROR_INVALID_FUNCTION);
		CHECK_EQ(n, 0);
		CHECK(SetEvent(ov.hEvent));
		ov.Internal = 0;
		CHECK_FAILS(DeviceIoControl(h, codes[i], NULL, 0, out, sizeof(out), NULL, &ov),
			    ERROR_INVALID_FUNCTION);
		CHECK_EQ(ov.Internal, STATUS_PENDING);
		CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	}
	if (overlapped)
		CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
}

static void unknown_codes(void)
{
	const DWORD rw = GENERIC_READ | GENERIC_WRITE;

	for (int o = 0; o < 2; o++) {
		DWORD flags = o ? FILE_FLAG_OVERLAPPED : 0;
		HANDLE null = host_open("/dev/null", rw, flags);

		CHECK(null != INVALID_HANDLE_VALUE);
		check_refuses(null, o);
		check_refuses(new_file(rw, flags), o);
		check_refuses(host_tty(rw, flags, &peer), o);
	}
	CHECK_EQ(mkfifo(host_path("p"), 0600), 0);
	check_refuses(host_open(host_path("p"), rw, FILE_FLAG_OVERLAPPED), true);
	check_refuses(host_open(host_path("p"), rw, 0), false);
}

static void bad_input(void)
{
	HANDLE file = new_file(GENERIC_READ | GENERIC_WRITE, 0), event = host_manual_event();
	OVERLAPPED ov = host_overlapped((HANDLE)0x7ffffff0);
	char out[64];
	DWORD n = 42;

	CHECK_FAILS(DeviceIoControl(NULL, UNKNOWN, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_INVALID_HANDLE);
	CHECK_EQ(n, 0);
	CHECK_FAILS(DeviceIoControl(INVALID_HANDLE_VALUE, UNKNOWN, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_INVALID_HANDLE);
	CHECK_FAILS(DeviceIoControl(event, UNKNOWN, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_INVALID_HANDLE);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, NULL, 0, NULL, 0, NULL, NULL),
		    ERROR_INVALID_PARAMETER); /* W-IOCTL-1 */
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, NULL, 0, NULL, 0, NULL, &ov),
		    ERROR_INVALID_HANDLE); /* W-EVT-5 */
	CHECK_EQ(ov.Internal, STATUS_PENDING);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, NULL, 4, NULL, 0, &n, NULL), ERROR_NOACCESS);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, NULL, 0, NULL, 4, &n, NULL), ERROR_NOACCESS);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, (LPVOID)16, 4, out, 4, &n, NULL),
		    ERROR_NOACCESS);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, out, 4, (LPVOID)-4096, 4, &n, NULL),
		    ERROR_NOACCESS);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, out, 4, out, 0x7fffffff, &n, NULL),
		    ERROR_NOACCESS);
	CloseHandle(file);
	CHECK_FAILS(DeviceIoControl(file, UNKNOWN, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_INVALID_HANDLE);
}

/* The rights that a code needs are part of it. */
static void rights(void)
{
	const DWORD code = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, 0);
	const DWORD reads = code | FILE_READ_ACCESS << 14, writes = code | FILE_WRITE_ACCESS << 14;
	HANDLE r = new_file(GENERIC_READ, 0), w = new_file(GENERIC_WRITE, 0), none = new_file(0, 0);
	DWORD n;

	CHECK_FAILS(DeviceIoControl(r, reads, NULL, 0, NULL, 0, &n, NULL), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(DeviceIoControl(r, writes, NULL, 0, NULL, 0, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(DeviceIoControl(w, writes, NULL, 0, NULL, 0, &n, NULL), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(DeviceIoControl(w, reads | writes, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_ACCESS_DENIED);
	CHECK_FAILS(DeviceIoControl(none, code, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_INVALID_FUNCTION);
}

/* Files can be sparse, and get holes; inline success is told like any other (W-OVL-5). */
static void holes(void)
{
	HANDLE h = new_file(GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	HANDLE s = new_file(GENERIC_READ | GENERIC_WRITE, 0), r = new_file(GENERIC_READ, 0);
	OVERLAPPED ov = host_overlapped(host_manual_event());
	FILE_ZERO_DATA_INFORMATION zero = { .FileOffset.QuadPart = 2, .BeyondFinalZero.QuadPart = 4 };
	HANDLE port = CreateIoCompletionPort(h, NULL, 7, 0);
	FILE_SET_SPARSE_BUFFER sparse = { TRUE };
	LPOVERLAPPED which;
	ULONG_PTR key;
	char buf[8];
	DWORD n;

	CHECK(port);
	CHECK(WriteFile(s, "abcdefgh", 8, &n, NULL));
	CHECK(DeviceIoControl(s, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &n, NULL));
	CHECK_EQ(n, 0);
	CHECK(DeviceIoControl(s, FSCTL_SET_SPARSE, &sparse, sizeof(sparse), NULL, 0, &n, NULL));
	CHECK_FAILS(DeviceIoControl(r, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_ACCESS_DENIED);
	if (!DeviceIoControl(h, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, NULL, &ov)) {
		CHECK_EQ(GetLastError(), ERROR_NOT_SUPPORTED);
		SKIP("the file system makes no holes");
	}
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
	CHECK_EQ(ov.Internal, 0);
	CHECK(GetQueuedCompletionStatus(port, &n, &key, &which, 0));
	CHECK(which == &ov && key == 7 && n == 0);
	CHECK_EQ(SetFilePointer(s, 0, NULL, FILE_BEGIN), 0);
	CHECK(ReadFile(s, buf, 8, &n, NULL));
	CHECK(n == 8 && !memcmp(buf, "ab\0\0efgh", 8));

	zero.BeyondFinalZero.QuadPart = 1;
	CHECK_FAILS(DeviceIoControl(s, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &n, NULL),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(DeviceIoControl(s, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero) - 1, NULL, 0, &n,
				    NULL),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(DeviceIoControl(s, IOCTL_DISK_GET_LENGTH_INFO, NULL, 0, buf, 8, &n, NULL),
		    ERROR_INVALID_FUNCTION);
}

static const struct tap_case cases[] = {
	CASE(unknown_codes, "unknown codes of every kind of file (W-IOCTL-3)"),
	CASE(bad_input, "bad input (W-IOCTL-1)"),
	CASE(rights, "the rights that a code needs"),
	CASE(holes, "sparse files and holes; inline success is told (W-OVL-5)"),
};

TAP_MAIN(cases)
