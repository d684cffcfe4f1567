/* SPDX-License-Identifier: MIT */
/* What the tests of files have in common. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <windows.h>

#include "host.h"

static inline HANDLE create(const char *name, DWORD access, DWORD share, DWORD disposition, DWORD flags)
{
	SetLastError(0xdead);
	return CreateFileA(name, access, share, NULL, disposition, flags, NULL);
}

#define CHECK_NO_FILE(call, error) \
	do { \
		CHECK((call) == INVALID_HANDLE_VALUE); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

#define RW (GENERIC_READ | GENERIC_WRITE)
#define SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE)

static inline long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

#define SHARE_ALL (SHARE | FILE_SHARE_DELETE)

/* The last error, when a call that answers otherwise than by FALSE has failed. */
#define CHECK_ANSWER(call, answer, error) \
	do { \
		SetLastError(0xdead); \
		CHECK_EQ(call, answer); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

/* The name as Windows has it: on drive Z:, with backslashes. */
static inline const char *windows_name(const char *path)
{
	static char name[8][PATH_MAX];
	static int turn;
	char *n = name[turn = (turn + 1) % 8];

	snprintf(n, PATH_MAX, "Z:%s", path);
	for (; *n; n++)
		if (*n == '/')
			*n = '\\';
	return name[turn];
}

/* An empty file, made behind the library's back. */
static inline const char *host_file(const char *name)
{
	const char *path = host_path(name);

	CHECK_EQ(close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644)), 0);
	return path;
}

static inline bool host_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

#endif
