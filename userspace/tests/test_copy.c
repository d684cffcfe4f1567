// SPDX-License-Identifier: MIT
/* CopyFile: what is copied, what is refused, and what stays as it was (W-COPY-2). */
#include <sys/xattr.h>
#include <windows.h>

#include "copy.h"

static void copies(void)
{
	static const long sizes[] = {0, 1, 4095, 4096, 65537, 5 * MIB + 3};
	const char *from = host_path("from"), *to = host_path("to");

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unlink(from);
		copy_source("from", sizes[i]);
		/* Of the last error Windows makes 0. */
		SetLastError(0xdead);
		CHECK(CopyFileA(from, to, FALSE));
		CHECK_EQ(GetLastError(), 0);
		copy_same(from, to);
	}
	/* What it was, and not only its beginning, is gone. */
	copy_source("long", 100000);
	CHECK(CopyFileA(host_path("from"), host_path("long"), FALSE));
	copy_same(host_path("from"), host_path("long"));
}

static void names(void)
{
	static const WCHAR from[] = {'f', 0}, to[] = {'.', '\\', 0xe4, 0};
	const char *f = copy_source("f", 1000), *t = host_path("t");

	CHECK(CopyFileA(windows_name(f), windows_name(t), TRUE));
	copy_same(f, t);
	CHECK_EQ(chdir(host_path(".")), 0);
	CHECK(CopyFileW(from, to, TRUE));
	copy_same(f, host_path("\xc3\xa4"));
	CHECK(CopyFileExW(from, to, NULL, NULL, NULL, 0));
	CHECK_FAILS(CopyFileW(from, to, TRUE), ERROR_FILE_EXISTS);
	CHECK_FAILS(CopyFileW(NULL, to, TRUE), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CopyFileExW(from, NULL, NULL, NULL, NULL, 0), ERROR_PATH_NOT_FOUND);
	CHECK_EQ(chdir("/"), 0);
}

/* W-COPY-2. Nothing changes of what is refused. */
static void refuses(void)
{
	const char *from = copy_source("from", 1000), *to = copy_source("to", 500);
	const char *dir = host_path("dir"), *no = host_path("no");

	CHECK_EQ(mkdir(dir, 0700), 0);
	CHECK_FAILS(CopyFileA(no, to, FALSE), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(CopyFileA(host_path("no/no"), to, FALSE), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CopyFileA(from, host_path("no/no"), FALSE), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CopyFileA(NULL, to, FALSE), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CopyFileA(from, NULL, FALSE), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CopyFileA("", to, FALSE), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CopyFileA(from, host_path("a*"), FALSE), ERROR_INVALID_NAME);
	CHECK_FAILS(CopyFileA(from, to, TRUE), ERROR_FILE_EXISTS);
	CHECK_FAILS(CopyFileA(dir, to, FALSE), ERROR_ACCESS_DENIED);
	CHECK_FAILS(CopyFileA(from, dir, FALSE), ERROR_ACCESS_DENIED);
	CHECK_FAILS(CopyFileA(from, dir, TRUE), ERROR_FILE_EXISTS);
	/* The flags' bits that there are not. */
	CHECK_FAILS(CopyFileExA(from, to, NULL, NULL, NULL, 0x10), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(CopyFileExA(from, to, NULL, NULL, NULL, 0x80000000u), ERROR_INVALID_PARAMETER);
	/* CopyFile2 alone knows this one. */
	CHECK_FAILS(CopyFileExA(from, to, NULL, NULL, NULL, COPY_FILE_RESUME_FROM_PAUSE),
		    ERROR_INVALID_PARAMETER);
	CHECK(!host_exists(no));
	copy_same_bytes(from, to, 500);
	CHECK_EQ(size_of(from), 1000);
}

/* Itself by whatever name, and nothing of it is lost. */
static void itself(void)
{
	const char *from = copy_source("from", 1000);

	CHECK_EQ(link(from, host_path("hard")), 0);
	CHECK_EQ(symlink("from", host_path("soft")), 0);
	CHECK_FAILS(CopyFileA(from, from, FALSE), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(CopyFileA(from, host_path("./from"), FALSE), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(CopyFileA(from, host_path("hard"), FALSE), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(CopyFileA(host_path("soft"), from, FALSE), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(CopyFileA(from, from, TRUE), ERROR_FILE_EXISTS);
	CHECK_EQ(size_of(from), 1000);
}

static void read_only(void)
{
	const char *from = copy_source("from", 1000), *to = copy_source("to", 500);

	CHECK(SetFileAttributesA(to, FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_ACCESS_DENIED);
	CHECK_EQ(size_of(to), 500);
	CHECK(SetFileAttributesA(to, FILE_ATTRIBUTE_NORMAL));
	/* What the source is, the target becomes, whether it was there or not. */
	CHECK(SetFileAttributesA(from, FILE_ATTRIBUTE_READONLY));
	CHECK(CopyFileA(from, to, FALSE));
	CHECK_EQ(GetFileAttributesA(to), FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE);
	CHECK(CopyFileA(from, host_path("new"), FALSE));
	CHECK(GetFileAttributesA(host_path("new")) & FILE_ATTRIBUTE_READONLY);
	copy_same(from, host_path("new"));
	CHECK_FAILS(CopyFileExA(from, host_path("new2"), NULL, NULL, NULL,
				COPY_FILE_OPEN_SOURCE_FOR_WRITE),
		    ERROR_ACCESS_DENIED);
	CHECK(!host_exists(host_path("new2")));
	CHECK(SetFileAttributesA(from, FILE_ATTRIBUTE_NORMAL));
	CHECK(CopyFileExA(from, host_path("new2"), NULL, NULL, NULL,
			  COPY_FILE_OPEN_SOURCE_FOR_WRITE));
}

static void attributes(void)
{
	struct timespec times[2] = {{1000000001, 5}, {1000000002, 123456789}};
	const char *from = copy_source("from", 1000), *to = host_path("to");
	bool extended;
	char value[8];
	struct stat st;

	umask(022);
	CHECK_EQ(chmod(from, 04755), 0);
	extended = setxattr(from, "user.note", "abc", 3, 0) == 0;
	CHECK_EQ(utimensat(AT_FDCWD, from, times, 0), 0);
	CHECK(CopyFileA(from, to, FALSE));
	CHECK_EQ(stat(to, &st), 0);
	CHECK_EQ(st.st_mtim.tv_sec, 1000000002);
	CHECK_EQ(st.st_mtim.tv_nsec, 123456789);
	/* A new file gets the permissions, but nobody's rights. */
	CHECK_EQ(copy_mode(to), 0755);
	if (extended) {
		CHECK_EQ(getxattr(to, "user.note", value, sizeof(value)), 3);
		CHECK(memcmp(value, "abc", 3) == 0);
	}
	CHECK_EQ(chmod(from, 0600), 0);
	CHECK(CopyFileA(from, host_path("private"), FALSE));
	CHECK_EQ(copy_mode(host_path("private")), 0600);
	/* One that was there keeps its own. */
	CHECK(CopyFileA(from, to, FALSE));
	CHECK_EQ(copy_mode(to), 0755);
}

/* W-CREATE-3: as Windows opens the two, other handles permitting. */
static void sharing(void)
{
	const char *from = copy_source("from", 1000), *to = copy_source("to", 500);
	HANDLE h;

	h = create(from, GENERIC_READ, FILE_SHARE_WRITE, OPEN_EXISTING, 0);
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_SHARING_VIOLATION);
	/* The source is opened first. */
	CHECK_FAILS(CopyFileA(host_path("no"), from, FALSE), ERROR_FILE_NOT_FOUND);
	CHECK(CloseHandle(h));
	h = create(to, GENERIC_WRITE, FILE_SHARE_READ, OPEN_EXISTING, 0);
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(to, DELETE, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(to, GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING, 0);
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	CHECK_EQ(size_of(to), 500);

	h = create(from, RW, FILE_SHARE_READ, OPEN_EXISTING, 0);
	CHECK(CopyFileA(from, to, FALSE));
	CHECK(CloseHandle(h));
	h = create(from, DELETE, FILE_SHARE_READ, OPEN_EXISTING, 0);
	CHECK(CopyFileA(from, to, FALSE));
	CHECK(CloseHandle(h));
	h = create(to, RW, FILE_SHARE_WRITE, OPEN_EXISTING, 0);
	CHECK(CopyFileA(from, to, FALSE));
	CHECK(CloseHandle(h));
	copy_same(from, to);
	/* W-CREATE-8: what is about to go is nobody's any more. */
	h = create(to, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(DeleteFileA(to));
	CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_ACCESS_DENIED);
	CHECK_FAILS(CopyFileA(to, host_path("new"), FALSE), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	CHECK(!host_exists(host_path("new")));
}

static void check_link(const char *path, const char *leads_to)
{
	char buf[PATH_MAX];
	ssize_t n = readlink(path, buf, sizeof(buf));

	CHECK_EQ(n, strlen(leads_to));
	CHECK(memcmp(buf, leads_to, (size_t)n) == 0);
}

static void links(void)
{
	const char *from = copy_source("from", 1000);

	CHECK_EQ(symlink("from", host_path("l")), 0);
	CHECK_EQ(symlink("beyond", host_path("nowhere")), 0);
	/* What it leads to is copied, and to where it leads. */
	CHECK(CopyFileA(host_path("l"), host_path("to"), TRUE));
	copy_same(from, host_path("to"));
	CHECK_FAILS(CopyFileA(host_path("to"), host_path("l"), TRUE), ERROR_FILE_EXISTS);
	CHECK(CopyFileA(from, host_path("nowhere"), TRUE));
	check_link(host_path("nowhere"), "beyond");
	copy_same(from, host_path("beyond"));
	CHECK_EQ(unlink(host_path("beyond")), 0);
	CHECK(CopyFileA(from, host_path("nowhere"), FALSE));
	copy_same(from, host_path("beyond"));
}

static BOOL copy_link(const char *from, const char *to, DWORD flags)
{
	SetLastError(0xdead);
	return CopyFileExA(from, to, NULL, NULL, NULL, flags | COPY_FILE_COPY_SYMLINK);
}

static void links_themselves(void)
{
	const char *from = copy_source("from", 1000), *to = copy_source("to", 500);

	CHECK_EQ(symlink("from", host_path("l")), 0);
	CHECK(copy_link(host_path("l"), host_path("l2"), COPY_FILE_FAIL_IF_EXISTS));
	check_link(host_path("l2"), "from");
	CHECK_EQ(symlink("to", host_path("l3")), 0);
	CHECK_FAILS(copy_link(host_path("l"), host_path("l3"), COPY_FILE_FAIL_IF_EXISTS),
		    ERROR_FILE_EXISTS);
	CHECK(copy_link(host_path("l"), host_path("l3"), 0));
	check_link(host_path("l3"), "from");
	CHECK_FAILS(copy_link(host_path("l"), host_path("l"), 0), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(copy_link(host_path("l"), host_path("."), 0), ERROR_ACCESS_DENIED);
	CHECK_FAILS(copy_link(host_path("l"), host_path("no/l"), 0), ERROR_PATH_NOT_FOUND);
	check_link(host_path("l"), "from");
	/* A file overwrites a link, and not what it leads to; with the other flag it never does. */
	CHECK_FAILS(copy_link(to, host_path("l3"), COPY_FILE_FAIL_IF_EXISTS), ERROR_FILE_EXISTS);
	CHECK(copy_link(to, host_path("l3"), 0));
	CHECK(!(GetFileAttributesA(host_path("l3")) & FILE_ATTRIBUTE_REPARSE_POINT));
	copy_same(to, host_path("l3"));
	CHECK_EQ(size_of(from), 1000);
	CHECK(copy_link(host_path("l"), to, 0));
	check_link(to, "from");
}

static void leaves_errno_and_descriptors(void)
{
	const char *from = copy_source("from", 1000), *to = host_path("to");
	struct rlimit limit;
	int first, last;

	CHECK(CopyFileA(from, to, FALSE));
	first = dup(0);
	close(first);
	errno = 4711;
	CHECK(CopyFileA(from, to, FALSE));
	CHECK(!CopyFileA(from, to, TRUE));
	CHECK(!CopyFileA(host_path("no"), to, TRUE));
	CHECK(!CopyFileA(from, from, FALSE));
	CHECK_EQ(errno, 4711);
	last = dup(0);
	CHECK_EQ(last, first);
	close(last);
	/* Who has no descriptors left is told so, and keeps what he has. */
	for (rlim_t left = 0; left < 2; left++) {
		CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
		limit.rlim_cur = (rlim_t)first + left;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
		CHECK_FAILS(CopyFileA(from, to, FALSE), ERROR_TOO_MANY_OPEN_FILES);
		limit.rlim_cur = limit.rlim_max;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	}
	CHECK_EQ(size_of(to), 1000);
}

static const struct tap_case cases[] = {
	CASE(copies, "CopyFile, of files of many sizes"),
	CASE(names, "names, and the W forms"),
	CASE(refuses, "what is refused changes nothing (W-COPY-2)"),
	CASE(itself, "a file is not copied to itself"),
	CASE(read_only, "read-only files"),
	CASE(attributes, "times, permissions and extended attributes"),
	CASE(sharing, "who else has the files open"),
	CASE(links, "links are followed"),
	CASE(links_themselves, "COPY_FILE_COPY_SYMLINK"),
	CASE(leaves_errno_and_descriptors, "errno stays, and no descriptor is left"),
};

TAP_MAIN(cases)
