// SPDX-License-Identifier: MIT
/* CreateFile, and synchronous reads and writes of files (W-CREATE, W-RW). */
#include <sys/mman.h>
#include <windows.h>

#include "files.h"

static char buf[256];

static void dispositions(void)
{
	const char *p = host_path("f");
	HANDLE h;
	DWORD n;

	CHECK_NO_FILE(create(p, RW, 0, OPEN_EXISTING, 0), ERROR_FILE_NOT_FOUND);
	CHECK_NO_FILE(create(p, RW, 0, TRUNCATE_EXISTING, 0), ERROR_FILE_NOT_FOUND);
	CHECK_NO_FILE(create(host_path("no/f"), RW, 0, OPEN_EXISTING, 0), ERROR_PATH_NOT_FOUND);
	CHECK_NO_FILE(create(host_path("no/f"), RW, 0, CREATE_ALWAYS, 0), ERROR_PATH_NOT_FOUND);
	CHECK(CloseHandle(create(p, RW, 0, CREATE_NEW, 0)));
	CHECK_EQ(GetLastError(), 0);
	CHECK_NO_FILE(create(p, RW, 0, CREATE_NEW, 0), ERROR_FILE_EXISTS);
	h = create(p, RW, 0, OPEN_ALWAYS, 0);
	CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
	CHECK(WriteFile(h, "12345", 5, &n, NULL));
	CloseHandle(h);
	CHECK_EQ(size_of(p), 5);
	CHECK_NO_FILE(create(p, GENERIC_READ, 0, TRUNCATE_EXISTING, 0), ERROR_INVALID_PARAMETER);
	CHECK_EQ(size_of(p), 5);
	CHECK(CloseHandle(create(p, GENERIC_WRITE, 0, TRUNCATE_EXISTING, 0)));
	CHECK_EQ(size_of(p), 0);
	CHECK_EQ(truncate(p, 9), 0);
	/* Emptied even through a handle that only reads. */
	CHECK(CloseHandle(create(p, GENERIC_READ, 0, CREATE_ALWAYS, 0)));
	CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
	CHECK_EQ(size_of(p), 0);
	CHECK(CloseHandle(create(host_path("g"), RW, 0, CREATE_ALWAYS, 0)));
	CHECK_EQ(GetLastError(), 0);
	CHECK(CloseHandle(create(host_path("h"), RW, 0, OPEN_ALWAYS, 0)));
	CHECK_EQ(GetLastError(), 0);
	CHECK_EQ(size_of(host_path("h")), 0);
}

static void bad_arguments(void)
{
	const char *p = host_path("f");
	char longest[PATH_MAX + 10];

	CHECK_NO_FILE(create(p, RW, 0, 0, 0), ERROR_INVALID_PARAMETER);
	CHECK_NO_FILE(create(p, RW, 0, 6, 0), ERROR_INVALID_PARAMETER);
	CHECK_NO_FILE(create(p, RW, 8, CREATE_ALWAYS, 0), ERROR_INVALID_PARAMETER);
	CHECK_NO_FILE(create(p, 0x04000000, 0, CREATE_ALWAYS, 0), ERROR_ACCESS_DENIED);
	SetLastError(0);
	CHECK_NO_FILE(CreateFileA(p, RW, 0, NULL, CREATE_ALWAYS, 0, GetCurrentThread()),
		      ERROR_INVALID_HANDLE);
	CHECK_EQ(size_of(p), -1);
	CHECK_NO_FILE(create(NULL, RW, 0, OPEN_EXISTING, 0), ERROR_PATH_NOT_FOUND);
	CHECK_NO_FILE(create("", RW, 0, OPEN_EXISTING, 0), ERROR_PATH_NOT_FOUND);
	CHECK_NO_FILE(create(host_path("."), RW, SHARE, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(host_path("."), GENERIC_READ, SHARE, OPEN_EXISTING, 0),
		      ERROR_ACCESS_DENIED);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CHECK_NO_FILE(create(longest, RW, 0, CREATE_ALWAYS, 0), ERROR_FILENAME_EXCED_RANGE);
	CHECK_EQ(symlink("f", p), 0);
	CHECK_NO_FILE(create(p, RW, 0, OPEN_EXISTING, 0), ERROR_CANT_RESOLVE_FILENAME);
}

static void sharing(void)
{
	const char *p = host_path("f");
	HANDLE h = create(p, RW, 0, CREATE_NEW, 0), copy, other;

	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE, OPEN_EXISTING, 0), ERROR_SHARING_VIOLATION);
	/* Attributes only: always compatible. And it cannot read. */
	other = create(p, 0, 0, OPEN_EXISTING, 0);
	CHECK(other != INVALID_HANDLE_VALUE);
	CHECK_FAILS(ReadFile(other, buf, 1, (DWORD[]){ 0 }, NULL), ERROR_ACCESS_DENIED);
	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	CloseHandle(h);
	CHECK_EQ(truncate(p, 3), 0);
	CHECK_NO_FILE(create(p, GENERIC_WRITE, SHARE, TRUNCATE_EXISTING, 0),
		      ERROR_SHARING_VIOLATION);
	CHECK_EQ(size_of(p), 3);
	CloseHandle(copy);
	h = create(p, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0);
	CHECK(h != INVALID_HANDLE_VALUE);
	/* Mine against the share mode of the other, and his against mine. */
	CHECK_NO_FILE(create(p, GENERIC_WRITE, SHARE, OPEN_EXISTING, 0), ERROR_SHARING_VIOLATION);
	CHECK_NO_FILE(create(p, GENERIC_READ, FILE_SHARE_WRITE, OPEN_EXISTING, 0),
		      ERROR_SHARING_VIOLATION);
	CHECK(create(p, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE);
}

static void position(void)
{
	HANDLE h = create(host_path("f"), RW, 0, CREATE_NEW, 0);
	OVERLAPPED ov = { 0 };
	DWORD n;

	CHECK(WriteFile(h, "0123456789", 10, &n, NULL));
	CHECK_EQ(n, 10);
	CHECK(ReadFile(h, buf, 4, &n, NULL));
	CHECK_EQ(n, 0);
	/* An OVERLAPPED sets the place, and the position follows (W-RW-3). */
	ov.Offset = 2;
	CHECK(ReadFile(h, buf, 3, &n, &ov));
	CHECK(!memcmp(buf, "234", 3));
	CHECK_EQ(ov.Offset, 2);
	CHECK_EQ(ov.Internal, 0);
	CHECK_EQ(ov.InternalHigh, 3);
	CHECK(ReadFile(h, buf, 100, &n, NULL));
	CHECK_EQ(n, 5);
	CHECK(!memcmp(buf, "56789", 5));
	CHECK(ReadFile(h, buf, 100, &n, NULL));
	CHECK_EQ(n, 0);
	ov.Offset = 10;
	CHECK_FAILS(ReadFile(h, buf, 1, &n, &ov), ERROR_HANDLE_EOF);
	CHECK_EQ(n, 0);
	ov.Offset = ov.OffsetHigh = 0xffffffffu;
	CHECK(WriteFile(h, "ab", 2, NULL, &ov));
	CHECK(WriteFile(h, "c", 1, &n, NULL));
	ov.Offset = 9;
	ov.OffsetHigh = 0;
	CHECK(ReadFile(h, buf, 100, NULL, &ov));
	CHECK_EQ(ov.InternalHigh, 4);
	CHECK(!memcmp(buf, "9abc", 4));
	ov.OffsetHigh = 0x80000000u;
	CHECK_FAILS(WriteFile(h, "x", 1, &n, &ov), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, NULL), ERROR_INVALID_PARAMETER);
}

static void event_of_a_synchronous_request(void)
{
	HANDLE h = create(host_path("f"), RW, 0, CREATE_NEW, 0);
	OVERLAPPED ov = { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
	DWORD n;

	CHECK(WriteFile(h, "abc", 3, &n, &ov));
	CHECK_EQ(n, 3);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	ov.hEvent = h;
	CHECK_FAILS(WriteFile(h, "abc", 3, &n, &ov), ERROR_INVALID_HANDLE);
	CHECK_EQ(size_of(host_path("f")), 3);
}

static void rights(void)
{
	const char *p = host_path("f");
	HANDLE r, a, w;
	DWORD n;

	w = create(p, GENERIC_WRITE, SHARE, CREATE_NEW, 0);
	CHECK(WriteFile(w, "abcdef", 6, &n, NULL));
	CHECK_FAILS(ReadFile(w, buf, 1, &n, NULL), ERROR_ACCESS_DENIED);
	r = create(p, GENERIC_READ, SHARE, OPEN_EXISTING, 0);
	CHECK_FAILS(WriteFile(r, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);
	/* Append only: whatever the offset says. */
	a = create(p, FILE_APPEND_DATA, SHARE, OPEN_EXISTING, 0);
	CHECK(WriteFile(a, "ghi", 3, &n, NULL));
	CHECK(WriteFile(a, "jkl", 3, &n, &(OVERLAPPED){ 0 }));
	CHECK_EQ(size_of(p), 12);
	CHECK(ReadFile(r, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 12);
	CHECK(!memcmp(buf, "abcdefghijkl", 12));
	CHECK_EQ(create(p, FILE_READ_DATA, SHARE, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE, 1);
}

/* The rights are the handle's, not the file object's (W-CREATE-6, W-HANDLE-1). */
static void append_only_duplicates(void)
{
	const char *names[] = { host_path("f"), host_path("g") };
	DWORD flags[] = { 0, FILE_FLAG_OVERLAPPED };

	for (int i = 0; i < 2; i++) {
		OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
		HANDLE h = create(names[i], RW, SHARE, CREATE_NEW, flags[i]), self, a;
		DWORD n;

		self = GetCurrentProcess();
		CHECK(WriteFile(h, "abcdef", 6, &n, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
		CHECK(DuplicateHandle(self, h, self, &a, FILE_APPEND_DATA | SYNCHRONIZE, FALSE, 0));
		CHECK(WriteFile(a, "ghi", 3, &n, &ov) || GetOverlappedResult(a, &ov, &n, TRUE));
		CHECK_EQ(size_of(names[i]), 9);
		CHECK(WriteFile(h, "A", 1, &n, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
		CHECK_EQ(size_of(names[i]), 9);
	}
}

/* What is to be emptied and cannot be: no handle, and nothing is left open (W-CREATE-2). */
static void cannot_be_emptied(void)
{
	int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[64];
	DWORD n;
	HANDLE h;

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "kept", 4), 4);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_NO_FILE(create(path, RW, 0, CREATE_ALWAYS, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(path, RW, 0, TRUNCATE_EXISTING, 0), ERROR_ACCESS_DENIED);
	/* Those that failed share nothing with this one. */
	h = create(path, GENERIC_READ, 0, OPEN_EXISTING, 0);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 4);
}

/* A device that only seems to seek has no position: no OVERLAPPED is needed, no offset bad. */
static void devices_without_position(void)
{
	HANDLE h = create("/dev/zero", GENERIC_READ, SHARE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	HANDLE r = create("/dev/urandom", GENERIC_READ, SHARE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	DWORD n;

	ov.OffsetHigh = 0x80000000u;
	CHECK(ReadFile(h, buf, 8, &n, NULL));
	CHECK_EQ(n, 8);
	CHECK(ReadFile(r, buf, 8, &n, NULL));
	CHECK(ReadFile(h, buf, 8, &n, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 8);
}

static void descriptors_are_not_inherited(void)
{
	enum { MAX = 64 };
	int was_open[MAX], added = 0;
	HANDLE h;

	for (int fd = 0; fd < MAX; fd++)
		was_open[fd] = fcntl(fd, F_GETFD) >= 0;
	h = create(host_path("f"), RW, 0, CREATE_NEW, FILE_FLAG_OVERLAPPED);
	CHECK(h != INVALID_HANDLE_VALUE);
	for (int fd = 0; fd < MAX; fd++) {
		int flags = fcntl(fd, F_GETFD);

		CHECK(was_open[fd] || flags < 0 || flags & FD_CLOEXEC);
		added += !was_open[fd] && flags >= 0;
	}
	CHECK(added > 0);
}

static void out_of_descriptors(void)
{
	struct rlimit all, none;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_NO_FILE(create("/dev/null", GENERIC_READ, SHARE, OPEN_EXISTING, 0),
		      ERROR_TOO_MANY_OPEN_FILES);
	CHECK_NO_FILE(create("/dev/null", GENERIC_READ, SHARE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED),
		      ERROR_TOO_MANY_OPEN_FILES);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	CHECK(create("/dev/null", GENERIC_READ, SHARE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED) !=
	      INVALID_HANDLE_VALUE);
}

static void disk_full(void)
{
	HANDLE h = create("/dev/full", GENERIC_WRITE, SHARE, OPEN_EXISTING, 0);
	DWORD n = 1;

	CHECK_FAILS(WriteFile(h, "x", 1, &n, NULL), ERROR_DISK_FULL);
	CHECK_EQ(n, 0);
}

/* A write that fails half way says so, and how far it came (W-GOR-5). */
static void write_fails_half_way(void)
{
	static char big[10000];
	struct rlimit limit = { 6000, 6000 };
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n;
	HANDLE h;

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	h = create(host_path("f"), RW, SHARE, CREATE_NEW, 0);
	CHECK_FAILS(WriteFile(h, big, sizeof(big), &n, NULL), ERROR_FILE_TOO_LARGE);
	CHECK_EQ(n, 6000);
	/* The position is behind what was taken. */
	CHECK_FAILS(WriteFile(h, big, 1, &n, NULL), ERROR_FILE_TOO_LARGE);
	CHECK_EQ(n, 0);
	CHECK_FAILS(WriteFile(h, big, sizeof(big), &n, &ov), ERROR_FILE_TOO_LARGE);
	CHECK_EQ(n, 6000);
	CHECK_EQ(ov.InternalHigh, 6000);

	h = create(host_path("g"), RW, SHARE, CREATE_NEW, FILE_FLAG_OVERLAPPED);
	ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	CHECK(!WriteFile(h, big, sizeof(big), &n, &ov));
	if (GetLastError() == ERROR_IO_PENDING)
		CHECK(!GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(GetLastError(), ERROR_FILE_TOO_LARGE);
	CHECK_EQ(n, 6000);
	CHECK_EQ(ov.InternalHigh, 6000);
}

static void device_dispositions(void)
{
	CHECK(CloseHandle(create("/dev/null", GENERIC_WRITE, SHARE, OPEN_ALWAYS, 0)));
	CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
	/* Its driver takes no notice of what is to become of what was there. */
	CHECK(CloseHandle(create("/dev/null", GENERIC_WRITE, SHARE, CREATE_ALWAYS, 0)));
	CHECK_EQ(GetLastError(), 0);
	CHECK(CloseHandle(create("/dev/null", GENERIC_WRITE, SHARE, CREATE_NEW, 0)));
	/* Two who share nothing meet on a device, as on Windows where its driver does not mind. */
	CHECK(create("/dev/null", RW, 0, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE);
	CHECK(create("/dev/null", RW, 0, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE);
}

static const struct tap_case cases[] = {
	CASE(dispositions, "dispositions (W-CREATE-2)"),
	CASE(bad_arguments, "bad arguments change nothing"),
	CASE(sharing, "share modes (W-CREATE-3)"),
	CASE(position, "position, offset, end of file (W-RW-1/2/3/4/6)"),
	CASE(event_of_a_synchronous_request, "a synchronous request with an event"),
	CASE(rights, "rights, append-only (W-CREATE-6)"),
	CASE(append_only_duplicates, "append-only duplicates (W-CREATE-6, W-HANDLE-1)"),
	CASE(cannot_be_emptied, "CREATE_ALWAYS of what cannot be emptied (W-CREATE-2)"),
	CASE(devices_without_position, "devices that only seem to seek (W-RW-5, W-OVL-12)"),
	CASE(descriptors_are_not_inherited, "descriptors are close-on-exec"),
	CASE(out_of_descriptors, "too many open files"),
	CASE(disk_full, "a full disk"),
	CASE(write_fails_half_way, "a write fails half way (W-GOR-5)"),
	CASE(device_dispositions, "dispositions and sharing of devices"),
};

TAP_MAIN(cases)
