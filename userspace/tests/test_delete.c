// SPDX-License-Identifier: MIT
/* DeleteFile, directories and temporary names (W-CREATE-8, W-LE-1). */
#include <windows.h>

#include "files.h"

static void deletes(void)
{
	const char *p = host_file("f");

	SetLastError(0xdead);
	CHECK(DeleteFileA(p));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK(!host_exists(p));
	CHECK_FAILS(DeleteFileA(p), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(DeleteFileA(host_path("no/f")), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(DeleteFileA(""), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(DeleteFileA(NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(DeleteFileA(host_path("f*")), ERROR_INVALID_NAME);
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK_FAILS(DeleteFileA(host_path("d")), ERROR_ACCESS_DENIED);
	host_file("f");
	CHECK_FAILS(DeleteFileA(host_path("f/")), ERROR_INVALID_NAME);
	CHECK(DeleteFileA(windows_name(p)));
	CHECK_EQ(mkfifo(p, 0600), 0);
	CHECK(DeleteFileA(p));
	/* Not even for root. */
	CHECK_FAILS(DeleteFileA("NUL"), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(DeleteFileA("\\\\.\\zero"), ERROR_INVALID_PARAMETER);
	CHECK(host_exists("/dev/null") && host_exists("/dev/zero"));
}

static void read_only(void)
{
	const char *p = host_file("f");

	CHECK(SetFileAttributesA(p, FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(DeleteFileA(p), ERROR_ACCESS_DENIED);
	CHECK(host_exists(p));
	CHECK(SetFileAttributesA(p, FILE_ATTRIBUTE_NORMAL));
	CHECK(DeleteFileA(p));
}

static void open_files(void)
{
	const char *p = host_file("f");
	HANDLE h = create(p, GENERIC_READ, SHARE, OPEN_EXISTING, 0), other;

	CHECK_FAILS(DeleteFileA(p), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(p, RW, SHARE_ALL, OPEN_EXISTING, 0);
	other = create(p, 0, 0, OPEN_EXISTING, 0);
	CHECK(DeleteFileA(p));
	/* It is still there, and can be reached by those who have it alone (W-CREATE-8). */
	CHECK(host_exists(p));
	CHECK(WriteFile(h, "abc", 3, &(DWORD){ 0 }, NULL));
	CHECK_FAILS(DeleteFileA(p), ERROR_ACCESS_DENIED);
	CHECK_ANSWER(GetFileAttributesA(p), INVALID_FILE_ATTRIBUTES, ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetFileAttributesA(p, FILE_ATTRIBUTE_READONLY), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	CHECK(host_exists(p));
	CHECK(CloseHandle(other));
	CHECK(!host_exists(p));
	CHECK(CloseHandle(create(p, RW, 0, CREATE_NEW, 0)));
}

/* Another name of an open file: that one goes. */
static void hard_links(void)
{
	HANDLE h = create(host_file("f"), RW, SHARE_ALL, OPEN_EXISTING, 0);

	CHECK_EQ(link(host_path("f"), host_path("g")), 0);
	CHECK(DeleteFileA(host_path("g")));
	CHECK(CloseHandle(h));
	CHECK(host_exists(host_path("f")));
	CHECK(!host_exists(host_path("g")));
}

static void links(void)
{
	host_file("f");
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK_EQ(symlink("f", host_path("l")), 0);
	CHECK_EQ(symlink("d", host_path("ld")), 0);
	CHECK_EQ(symlink("no", host_path("ln")), 0);
	CHECK(DeleteFileA(host_path("l")));
	CHECK(DeleteFileA(host_path("ln")));
	/* One that leads to a directory is one. */
	CHECK_FAILS(DeleteFileA(host_path("ld")), ERROR_ACCESS_DENIED);
	CHECK(RemoveDirectoryA(host_path("ld/")));
	CHECK(host_exists(host_path("f")) && host_exists(host_path("d")));
	CHECK(!host_exists(host_path("l")) && !host_exists(host_path("ld")));
}

static void directories(void)
{
	const char *d = host_path("d");
	HANDLE h;

	SetLastError(0xdead);
	CHECK(CreateDirectoryA(d, NULL));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK_FAILS(CreateDirectoryA(d, NULL), ERROR_ALREADY_EXISTS);
	CHECK(CreateDirectoryA(windows_name(host_path("d/e/")), NULL));
	CHECK_FAILS(CreateDirectoryA(host_path("no/d"), NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CreateDirectoryA("", NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CreateDirectoryA(host_file("f"), NULL), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(RemoveDirectoryA(d), ERROR_DIR_NOT_EMPTY);
	CHECK_FAILS(RemoveDirectoryA(host_path("f")), ERROR_DIRECTORY);
	CHECK_FAILS(RemoveDirectoryA(host_path("no")), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(RemoveDirectoryA(host_path("no/no")), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(RemoveDirectoryA(""), ERROR_PATH_NOT_FOUND);
	CHECK(RemoveDirectoryA(host_path("d/e")));
	/* Open ones are as open files are. */
	h = create(d, GENERIC_READ, SHARE, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	CHECK_FAILS(RemoveDirectoryA(d), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(d, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	CHECK(RemoveDirectoryA(d));
	CHECK(host_exists(d));
	CHECK(CloseHandle(h));
	CHECK(!host_exists(d));
}

static void wide_forms(void)
{
	static const WCHAR d[] = { 'd', 0 }, f[] = { 'd', '\\', 0xe4, 0 };

	CHECK_EQ(chdir(host_path(".")), 0);
	CHECK(CreateDirectoryW(d, NULL));
	CHECK(CloseHandle(CreateFileW(f, RW, 0, NULL, CREATE_NEW, 0, NULL)));
	CHECK(host_exists(host_path("d/\xc3\xa4")));
	CHECK_EQ(GetFileAttributesW(f), FILE_ATTRIBUTE_ARCHIVE);
	CHECK_FAILS(RemoveDirectoryW(d), ERROR_DIR_NOT_EMPTY);
	CHECK(SetFileAttributesW(f, FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(DeleteFileW(f), ERROR_ACCESS_DENIED);
	CHECK(SetFileAttributesW(f, 0));
	CHECK(DeleteFileW(f));
	CHECK(RemoveDirectoryW(d));
	CHECK_FAILS(DeleteFileW(NULL), ERROR_PATH_NOT_FOUND);
	CHECK_EQ(chdir("/"), 0);
}

static void temporary_paths(void)
{
	char buf[MAX_PATH];
	WCHAR wide[MAX_PATH];

	CHECK_EQ(setenv("TMPDIR", "/c", 1), 0);
	CHECK_EQ(unsetenv("TMP") | unsetenv("TEMP"), 0);
	CHECK_EQ(GetTempPathA(MAX_PATH, buf), 3);
	CHECK(!strcmp(buf, "/c/"));
	CHECK_EQ(setenv("TEMP", "/bb/", 1), 0);
	CHECK_EQ(GetTempPathA(MAX_PATH, buf), 4);
	CHECK(!strcmp(buf, "/bb/"));
	CHECK_EQ(setenv("TMP", "/a", 1), 0);
	CHECK_EQ(GetTempPathA(3, buf), 4);
	CHECK(!strcmp(buf, "/bb/"));
	CHECK_EQ(GetTempPathA(4, buf), 3);
	CHECK_EQ(GetTempPathW(MAX_PATH, wide), 3);
	CHECK(wide[0] == '/' && wide[1] == 'a' && wide[2] == '/' && !wide[3]);
	CHECK_EQ(GetTempPathW(0, NULL), 4);
}

static void temporary_names(void)
{
	static const WCHAR dot[] = { '.', 0 }, prefix[] = { 0xe4, 'b', 'c', 'd', 0 };
	char a[MAX_PATH], b[MAX_PATH], want[PATH_MAX];
	const char *dir = host_path(".");
	WCHAR wide[MAX_PATH];
	UINT n;

	/* With a number it is only a name; of a prefix three characters are taken. */
	CHECK_EQ(GetTempFileNameA(dir, "abcdef", 0x1234abcd, a), 0x1234abcd);
	snprintf(want, sizeof(want), "%s/abcabcd.tmp", dir);
	CHECK(!strcmp(a, want));
	CHECK(!host_exists(a));
	n = GetTempFileNameA(dir, "x", 0, a);
	CHECK(n > 0 && n <= 0xffff);
	CHECK_EQ(size_of(a), 0);
	CHECK(GetTempFileNameA(dir, "x", 0, b));
	CHECK(strcmp(a, b));
	CHECK_EQ(size_of(b), 0);
	CHECK_ANSWER(GetTempFileNameA(host_path("no"), "x", 0, a), 0, ERROR_DIRECTORY);
	CHECK_ANSWER(GetTempFileNameA(NULL, "x", 0, a), 0, ERROR_INVALID_PARAMETER);
	CHECK_EQ(chdir(dir), 0);
	CHECK_EQ(GetTempFileNameW(dot, prefix, 1, wide), 1);
	CHECK(wide[0] == '.' && wide[1] == '/' && wide[2] == 0xe4 && wide[4] == 'c' && wide[5] == '1');
	CHECK_EQ(chdir("/"), 0);
}

static const struct tap_case cases[] = {
	CASE(deletes, "DeleteFile"),
	CASE(read_only, "a read-only file is not deleted"),
	CASE(open_files, "an open file goes when it is closed (W-CREATE-8)"),
	CASE(hard_links, "the name that was given goes"),
	CASE(links, "links"),
	CASE(directories, "CreateDirectory, RemoveDirectory"),
	CASE(wide_forms, "the W forms"),
	CASE(temporary_paths, "GetTempPath"),
	CASE(temporary_names, "GetTempFileName"),
};

TAP_MAIN(cases)
