// SPDX-License-Identifier: MIT
/* A kernel that refuses: calls that a container forbids, that are not there, or have run out. */
#include <errno.h>
#include <linux/falloc.h>
#include <windows.h>
#include <winioctl.h>

#include "host.h"
#include "refuse.h"

static void no_file(HANDLE h, DWORD error)
{
	CHECK_EQ(GetLastError(), error);
	CHECK(h == INVALID_HANDLE_VALUE);
}

static HANDLE open_overlapped(void)
{
	SetLastError(0xdead);
	return host_open("/dev/null", GENERIC_READ, FILE_FLAG_OVERLAPPED);
}

/* Where there can be no ring, nothing is overlapped; and all else goes on. */
static void without_ring(unsigned int nr, unsigned int err, DWORD error)
{
	HANDLE h;
	DWORD n;
	char c;

	refuse(nr, err);
	no_file(open_overlapped(), error);
	h = host_open("/dev/zero", GENERIC_READ, 0);
	CHECK(h != INVALID_HANDLE_VALUE && ReadFile(h, &c, 1, &n, NULL) && n == 1);
	CHECK(CloseHandle(h));
	no_file(open_overlapped(), error);
}

static void ring_forbidden(void)
{
	without_ring(SYS_io_uring_setup, EPERM, ERROR_NOT_SUPPORTED);
}

static void ring_absent(void)
{
	without_ring(SYS_io_uring_setup, ENOSYS, ERROR_NOT_SUPPORTED);
}

static void ring_without_memory(void)
{
	without_ring(SYS_io_uring_setup, ENOMEM, ERROR_NOT_ENOUGH_MEMORY);
}

static void ring_without_files(void)
{
	without_ring(SYS_eventfd2, ENFILE, ERROR_TOO_MANY_OPEN_FILES);
}

static void ring_that_tells_nobody(void)
{
	without_ring(SYS_io_uring_register, EPERM, ERROR_NOT_SUPPORTED);
}

static void ring_without_numbers(void)
{
	without_ring(SYS_getrandom, ENOSYS, ERROR_NOT_SUPPORTED);
}

/* Memory is looked at by a call that may be forbidden: then it is believed to be there. */
static void memory_unseen(void)
{
	FILE_ZERO_DATA_INFORMATION zero = { .FileOffset.QuadPart = 1, .BeyondFinalZero.QuadPart = 3 };
	HANDLE h = CreateFileA(host_path("f"), GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_NEW, 0,
			       NULL);
	char text[4];
	DWORD n;

	CHECK(h != INVALID_HANDLE_VALUE && WriteFile(h, "abcd", 4, &n, NULL));
	refuse(SYS_process_vm_readv, EPERM);
	CHECK(DeviceIoControl(h, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &n, NULL));
	CHECK_EQ(SetFilePointer(h, 0, NULL, FILE_BEGIN), 0);
	CHECK(ReadFile(h, text, 4, &n, NULL) && n == 4 && !memcmp(text, "a\0\0d", 4));
}

/* A flush waits for the reader, and has nothing to wait by. */
static void flush_without(unsigned int nr, unsigned int err, DWORD error)
{
	HANDLE r, w;
	DWORD n;
	char c;

	CHECK(CreatePipe(&r, &w, NULL, 0));
	refuse(nr, err);
	CHECK(FlushFileBuffers(w));
	CHECK(WriteFile(w, "x", 1, &n, NULL));
	CHECK_FAILS(FlushFileBuffers(w), error);
	CHECK(ReadFile(r, &c, 1, &n, NULL) && c == 'x');
	CHECK(FlushFileBuffers(w));
}

static void no_instance_to_watch(void)
{
	flush_without(SYS_inotify_init1, EMFILE, ERROR_TOO_MANY_OPEN_FILES);
}

static void no_watch(void)
{
	flush_without(SYS_inotify_add_watch, ENOSPC, ERROR_DISK_FULL);
}

/* The file may be read, and asked for is whatever is allowed. */
static void what_is_allowed(void)
{
	const char *path = host_path("f");
	HANDLE h;
	DWORD n;
	char c;
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	refuse_bits(SYS_openat, 2, O_RDWR, EACCES);
	h = host_open(path, MAXIMUM_ALLOWED, 0);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(ReadFile(h, &c, 1, &n, NULL) && n == 1 && c == 'x');
	CHECK(CloseHandle(h));
	h = host_open(path, GENERIC_READ | GENERIC_WRITE, 0);
	no_file(h, ERROR_ACCESS_DENIED);
}

/* A file system without direct I/O: the flag was a wish (W-CREATE-7). */
static void no_direct_io(void)
{
	HANDLE h;
	DWORD n;

	refuse_bits(SYS_openat, 2, O_DIRECT, EINVAL);
	refuse_bits(SYS_fcntl, 2, O_DIRECT, EINVAL);
	h = CreateFileA(host_path("f"), GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_FLAG_NO_BUFFERING,
			NULL);
	CHECK(h != INVALID_HANDLE_VALUE && WriteFile(h, "x", 1, &n, NULL) && n == 1);
	CHECK(CloseHandle(h));
	h = host_open(host_path("f"), GENERIC_READ, FILE_FLAG_NO_BUFFERING);
	CHECK(h != INVALID_HANDLE_VALUE && CloseHandle(h));
}

/* Times and permissions that are not ours to change. */
static void attributes(void)
{
	const char *path = host_path("f");
	HANDLE h = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
	FILETIME time = { 1, 0x01d00000 };
	DWORD before;

	CHECK(h != INVALID_HANDLE_VALUE);
	before = GetFileAttributesA(path);
	refuse(SYS_utimensat, EPERM);
	refuse(SYS_fchmodat, EPERM);
	refuse(REFUSE_CHMOD, EPERM);
	refuse(SYS_fchmod, EPERM);
	CHECK_FAILS(SetFileTime(h, NULL, NULL, &time), ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetFileAttributesA(path, FILE_ATTRIBUTE_READONLY), ERROR_ACCESS_DENIED);
	CHECK_EQ(GetFileAttributesA(path), before);
}

/* On /proc nobody knows when a file came to be: by the oldest of its times it was there. */
static void no_birth(void)
{
	WIN32_FILE_ATTRIBUTE_DATA data;

	memset(&data, 0, sizeof(data));
	CHECK(GetFileAttributesExA("/proc/version", GetFileExInfoStandard, &data));
	CHECK(data.ftCreationTime.dwHighDateTime != 0);
	CHECK(CompareFileTime(&data.ftCreationTime, &data.ftLastWriteTime) <= 0);
	CHECK(CompareFileTime(&data.ftCreationTime, &data.ftLastAccessTime) <= 0);
}

static DWORD WINAPI leave(LPVOID arg)
{
	(void)arg;
	ExitThread(5);
}

/* A thread can end though nothing can be opened any more. */
static void no_descriptor_left(void)
{
	struct rlimit some, none;
	HANDLE t;
	DWORD code;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &some), 0);
	none = (struct rlimit){ 0, some.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	t = CreateThread(NULL, 0, leave, NULL, 0, NULL);
	CHECK(t);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code) && code == 5);
	/* Who looks for leaks at the end needs some. */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &some), 0);
}

/* Some processor there is. */
static void no_affinity(void)
{
	SYSTEM_INFO info;

	refuse(SYS_sched_getaffinity, ENOSYS);
	GetSystemInfo(&info);
	CHECK(info.dwActiveProcessorMask & 1);
	CHECK(info.dwNumberOfProcessors >= 1);
}

static const struct tap_case cases[] = {
	CASE(ring_forbidden, "io_uring is forbidden"),
	CASE(ring_absent, "io_uring is not there"),
	CASE(ring_without_memory, "a ring gets no memory"),
	CASE(ring_without_files, "nor a descriptor"),
	CASE(ring_that_tells_nobody, "it can tell nobody"),
	CASE(ring_without_numbers, "there is nothing random"),
	CASE(memory_unseen, "memory cannot be looked at (W-IOCTL-3)"),
	CASE(no_instance_to_watch, "a flush has nothing to watch by"),
	CASE(no_watch, "and nothing to watch with"),
	CASE(what_is_allowed, "reading is allowed, and MAXIMUM_ALLOWED asked for"),
	CASE(no_direct_io, "a file system without direct I/O (W-CREATE-7)"),
	CASE(attributes, "times and permissions"),
	CASE(no_birth, "a file system that does not know when a file came to be"),
	CASE(no_descriptor_left, "a thread ends, and no descriptor is left (W-THREAD-3)"),
	CASE(no_affinity, "which processors there are"),
};

TAP_MAIN(cases)
