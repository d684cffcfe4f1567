// SPDX-License-Identifier: MIT
/* Attributes and times of files, by name and by handle. */
#include <windows.h>

#include "files.h"

/* 1601 to 1970, in units of 100 ns. */
#define EPOCH 116444736000000000ll

static ULONGLONG join(FILETIME ft)
{
	return (ULONGLONG)ft.dwHighDateTime << 32 | ft.dwLowDateTime;
}

static FILETIME split(ULONGLONG t)
{
	FILETIME ft = { (DWORD)t, (DWORD)(t >> 32) };

	return ft;
}

static void by_name(void)
{
	const char *f = host_file("f");

	CHECK_EQ(mkdir(host_path("d"), 0500), 0);
	CHECK_ANSWER(GetFileAttributesA(f), FILE_ATTRIBUTE_ARCHIVE, 0xdead);
	CHECK_EQ(GetFileAttributesA(windows_name(f)), FILE_ATTRIBUTE_ARCHIVE);
	CHECK_EQ(GetFileAttributesA(host_path("d")), FILE_ATTRIBUTE_DIRECTORY);
	CHECK_EQ(GetFileAttributesA(host_path("d/")), FILE_ATTRIBUTE_DIRECTORY);
	CHECK_EQ(GetFileAttributesA("Z:\\"), FILE_ATTRIBUTE_DIRECTORY);
	CHECK_EQ(GetFileAttributesA("NUL"), FILE_ATTRIBUTE_ARCHIVE);
	CHECK_ANSWER(GetFileAttributesA(host_path("no")), INVALID_FILE_ATTRIBUTES,
		     ERROR_FILE_NOT_FOUND);
	CHECK_ANSWER(GetFileAttributesA(host_path("no/no")), INVALID_FILE_ATTRIBUTES,
		     ERROR_PATH_NOT_FOUND);
	CHECK_ANSWER(GetFileAttributesA(host_path("f/")), INVALID_FILE_ATTRIBUTES,
		     ERROR_INVALID_NAME);
	CHECK_ANSWER(GetFileAttributesA(host_path("f/x")), INVALID_FILE_ATTRIBUTES,
		     ERROR_PATH_NOT_FOUND);
	CHECK_ANSWER(GetFileAttributesA(host_path("x*")), INVALID_FILE_ATTRIBUTES,
		     ERROR_INVALID_NAME);
	CHECK_ANSWER(GetFileAttributesA(""), INVALID_FILE_ATTRIBUTES, ERROR_PATH_NOT_FOUND);
	CHECK_ANSWER(GetFileAttributesA(NULL), INVALID_FILE_ATTRIBUTES, ERROR_PATH_NOT_FOUND);
}

static void links(void)
{
	host_file("f");
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK_EQ(symlink("f", host_path("lf")) | symlink("d", host_path("ld")) |
		 symlink("no", host_path("ln")), 0);
	CHECK_EQ(GetFileAttributesA(host_path("lf")),
		 FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_REPARSE_POINT);
	CHECK_EQ(GetFileAttributesA(host_path("ld")),
		 FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT);
	CHECK_EQ(GetFileAttributesA(host_path("ln")),
		 FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_REPARSE_POINT);
}

static void set(void)
{
	const char *f = host_file("f");
	struct stat st;

	CHECK_EQ(chmod(f, 0664), 0);
	SetLastError(0xdead);
	CHECK(SetFileAttributesA(f, FILE_ATTRIBUTE_READONLY));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK_EQ(GetFileAttributesA(f), FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_READONLY);
	CHECK_EQ(stat(f, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0444);
	/* 0 stands for normal; and what has no place here is forgotten. */
	CHECK(SetFileAttributesA(f, 0));
	CHECK_EQ(stat(f, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0644);
	CHECK(SetFileAttributesA(f, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | 0x80000000u));
	CHECK_EQ(GetFileAttributesA(f), FILE_ATTRIBUTE_ARCHIVE);
	CHECK_FAILS(SetFileAttributesA(host_path("no"), 0), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(SetFileAttributesA("", 0), ERROR_PATH_NOT_FOUND);
	/* Of a directory nothing is changed: its write permission is another thing. */
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK(SetFileAttributesA(host_path("d"), FILE_ATTRIBUTE_READONLY));
	CHECK_EQ(stat(host_path("d"), &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0700);
}

static void everything_by_name(void)
{
	const char *f = host_file("f");
	struct timespec times[2] = { { 1000000000, 100 }, { 1234567890, 123456789 } };
	WIN32_FILE_ATTRIBUTE_DATA data;

	CHECK_EQ(truncate(f, 0x500000007ll), 0);
	CHECK_EQ(utimensat(AT_FDCWD, f, times, 0), 0);
	CHECK(GetFileAttributesExA(f, GetFileExInfoStandard, &data));
	CHECK_EQ(data.dwFileAttributes, FILE_ATTRIBUTE_ARCHIVE);
	CHECK_EQ(data.nFileSizeHigh, 5);
	CHECK_EQ(data.nFileSizeLow, 7);
	CHECK_EQ(join(data.ftLastAccessTime), EPOCH + 1000000000ll * 10000000 + 1);
	CHECK_EQ(join(data.ftLastWriteTime), EPOCH + 1234567890ll * 10000000 + 1234567);
	CHECK(join(data.ftCreationTime) > EPOCH);
	CHECK_FAILS(GetFileAttributesExA(f, (GET_FILEEX_INFO_LEVELS)1, &data),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetFileAttributesExA(host_path("no"), GetFileExInfoStandard, &data),
		    ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(GetFileAttributesExA(f, GetFileExInfoStandard, NULL), ERROR_NOACCESS);
	CHECK_EQ(data.nFileSizeLow, 7);
}

static void by_handle(void)
{
	const char *f = host_file("f");
	HANDLE h, d, r, w;
	BY_HANDLE_FILE_INFORMATION info;
	struct stat st;

	CHECK_EQ(truncate(f, 7), 0);
	CHECK_EQ(link(f, host_path("g")), 0);
	CHECK_EQ(stat(f, &st), 0);
	h = create(f, 0, 0, OPEN_EXISTING, 0);
	CHECK(GetFileInformationByHandle(h, &info));
	CHECK_EQ(info.dwFileAttributes, FILE_ATTRIBUTE_ARCHIVE);
	CHECK_EQ(info.nFileSizeLow, 7);
	CHECK_EQ(info.nFileSizeHigh, 0);
	CHECK_EQ(info.nNumberOfLinks, 2);
	CHECK_EQ((ino_t)info.nFileIndexHigh << 32 | info.nFileIndexLow, st.st_ino);
	CHECK_EQ(info.dwVolumeSerialNumber, (DWORD)st.st_dev);
	CHECK_EQ(join(info.ftLastWriteTime),
		 EPOCH + (ULONGLONG)st.st_mtim.tv_sec * 10000000 + st.st_mtim.tv_nsec / 100);
	d = create(host_path("."), 0, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	CHECK(GetFileInformationByHandle(d, &info));
	CHECK_EQ(info.dwFileAttributes, FILE_ATTRIBUTE_DIRECTORY);
	CHECK_FAILS(GetFileInformationByHandle(h, NULL), ERROR_NOACCESS);
	CHECK_FAILS(GetFileInformationByHandle((HANDLE)99, &info), ERROR_INVALID_HANDLE);
	/* It is a question to a file system. */
	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK_FAILS(GetFileInformationByHandle(r, &info), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(GetFileInformationByHandle(create("NUL", RW, 0, OPEN_EXISTING, 0), &info),
		    ERROR_INVALID_FUNCTION);
	CHECK_EQ(info.dwFileAttributes, FILE_ATTRIBUTE_DIRECTORY);
}

static void times(void)
{
	HANDLE h = create(host_path("f"), RW, SHARE_ALL, CREATE_NEW, 0), r, a;
	FILETIME access = split(EPOCH + 15), write = split(EPOCH - 3), none = { 0, 0 };
	FILETIME stop = { 0xffffffffu, 0xffffffffu }, c, x, y;
	struct stat st;

	CHECK(SetFileTime(h, NULL, &access, &write));
	CHECK_EQ(stat(host_path("f"), &st), 0);
	CHECK_EQ(st.st_atim.tv_sec, 0);
	CHECK_EQ(st.st_atim.tv_nsec, 1500);
	CHECK_EQ(st.st_mtim.tv_sec, -1);
	CHECK_EQ(st.st_mtim.tv_nsec, 999999700);
	CHECK(SetFileTime(h, &write, NULL, NULL));
	CHECK(SetFileTime(h, NULL, &none, &stop));
	CHECK(GetFileTime(h, &c, &x, &y));
	CHECK_EQ(join(x), join(access));
	CHECK_EQ(join(y), join(write));
	CHECK_EQ(CompareFileTime(&x, &y), 1);
	CHECK_EQ(CompareFileTime(&y, &x), -1);
	CHECK_EQ(CompareFileTime(&x, &x), 0);
	r = create(host_path("f"), GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_FAILS(SetFileTime(r, NULL, &none, &access), ERROR_ACCESS_DENIED);
	a = create(host_path("f"), FILE_WRITE_ATTRIBUTES, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(SetFileTime(a, NULL, NULL, &access));
	CHECK(GetFileTime(r, NULL, NULL, &y));
	CHECK_EQ(join(y), join(access));
	CHECK_FAILS(GetFileTime((HANDLE)99, &c, NULL, NULL), ERROR_INVALID_HANDLE);
}

static const struct tap_case cases[] = {
	CASE(by_name, "GetFileAttributes"),
	CASE(links, "GetFileAttributes of links"),
	CASE(set, "SetFileAttributes"),
	CASE(everything_by_name, "GetFileAttributesEx"),
	CASE(by_handle, "GetFileInformationByHandle"),
	CASE(times, "GetFileTime, SetFileTime, CompareFileTime"),
};

TAP_MAIN(cases)
