// SPDX-License-Identifier: MIT
/* Where temporary files are, and how they are called. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "path.h"
#include "status.h"
#include "utf.h"

/* Windows asks the first two of these, Linux the third. */
static void temp_path(char path[PATH_MAX])
{
	static const char *const names[] = { "TMP", "TEMP", "TMPDIR" };
	const char *value = NULL;
	size_t length;

	for (int i = 0; i < 3 && (!value || !*value); i++)
		value = getenv(names[i]);
	if (!value || !*value || strlen(value) > PATH_MAX - 2)
		value = "/tmp";
	strcpy(path, value);
	length = strlen(path);
	if (path[length - 1] != '/')
		strcpy(path + length, "/");
}

DWORD WINAPI GetTempPathA(DWORD size, LPSTR buffer)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	temp_path(path);
	return cio_path_answer(buffer, size, path);
}

DWORD WINAPI GetTempPathW(DWORD size, LPWSTR buffer)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	temp_path(path);
	return cio_utf16_answer(buffer, size, path);
}

/* False: there is a file of that name, or it cannot be made, as errno says. */
static bool make_file(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);

	if (fd >= 0)
		syscall(SYS_close, fd);
	return fd >= 0;
}

/* 16 bits that the next caller will not have, and another process hardly. */
static UINT next_number(void)
{
	static _Atomic unsigned int turn;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (UINT)(now.tv_nsec >> 10 ^ (long)getpid() << 4) + turn++;
}

/* Three characters of the prefix, of which some may have several bytes. */
static size_t prefix_length(const char *prefix)
{
	size_t n = 0;

	for (int characters = 0; prefix[n]; n++)
		if ((prefix[n] & 0xc0) != 0x80 && ++characters > 3)
			break;
	return n;
}

/*
 * In `name`, which has room for MAX_PATH, as the application's buffer has. The number that became part
 * of the name, or 0 with the last error set.
 */
static UINT temp_file_name(DWORD error, const char *dir, const char *prefix, UINT unique, char *name)
{
	struct stat st;
	const char *slash;
	UINT number;

	if (!error && (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)))
		error = ERROR_DIRECTORY;
	if (!error && strlen(dir) > MAX_PATH - 14)
		error = ERROR_BUFFER_OVERFLOW;
	if (error)
		return (UINT)cio_fail(error);
	slash = cio_path_ends_in_slash(dir) || !strcmp(dir, "/") ? "" : "/";
	/* Each number once; the name of one that is given is not looked for. */
	for (UINT tries = 0, first = next_number(); tries < 0x10000; tries++) {
		number = (unique ? unique : first + tries) & 0xffff;
		if (!number && !unique)
			continue;
		if (snprintf(name, MAX_PATH, "%s%s%.*s%x.tmp", dir, slash,
			     (int)prefix_length(prefix), prefix, number) >= MAX_PATH)
			return (UINT)cio_fail(ERROR_BUFFER_OVERFLOW);
		if (unique || make_file(name))
			return unique ? unique : number;
		if (errno != EEXIST)
			return (UINT)cio_fail(cio_path_error(name, errno));
	}
	return (UINT)cio_fail(ERROR_FILE_EXISTS);
}

UINT WINAPI GetTempFileNameA(LPCSTR dir, LPCSTR prefix, UINT unique, LPSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	if (!dir || !name)
		return (UINT)cio_fail(ERROR_INVALID_PARAMETER);
	return temp_file_name(cio_path_from_ansi(dir, path), path, prefix ? prefix : "", unique, name);
}

UINT WINAPI GetTempFileNameW(LPCWSTR dir, LPCWSTR prefix, UINT unique, LPWSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX], utf8_name[MAX_PATH], utf8_prefix[64] = "";
	UINT n;

	if (!dir || !name)
		return (UINT)cio_fail(ERROR_INVALID_PARAMETER);
	if (prefix)
		cio_utf8_from_utf16(utf8_prefix, sizeof(utf8_prefix) - 1, prefix,
				    cio_utf16_len(prefix), NULL);
	n = temp_file_name(cio_path_from_wide(dir, path), path, utf8_prefix, unique, utf8_name);
	if (n)
		cio_utf16_answer(name, MAX_PATH, utf8_name);
	return n;
}
