// SPDX-License-Identifier: MIT
/* Whole names, and the directory that others are relative to. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "status.h"
#include "utf.h"

DWORD cio_path_answer(LPSTR buffer, DWORD size, const char *path)
{
	size_t length = strlen(path);

	if (length >= size)
		return (DWORD)length + 1;
	memcpy(buffer, path, length + 1);
	return (DWORD)length;
}

/* A path of the host's, because other calls of the program are to understand it, too. */
static BOOL whole_path(DWORD error, char *path)
{
	char cwd[PATH_MAX];
	size_t length;

	if (!error && *path != '/') {
		if (!getcwd(cwd, sizeof(cwd)))
			return cio_fail(cio_status_to_error(cio_errno_to_status(errno)));
		length = strlen(cwd);
		if (length + strlen(path) + 2 > PATH_MAX) {
			error = ERROR_FILENAME_EXCED_RANGE;
		} else {
			memmove(path + length + 1, path, strlen(path) + 1);
			memcpy(path, cwd, length);
			path[length] = '/';
		}
	}
	if (error)
		return cio_fail(error);
	cio_path_normalise(path);
	return TRUE;
}

/* Nothing need be there, so that it could not be there is no matter, if only it is a path. */
static DWORD path_of(DWORD error, const char *path)
{
	return error == ERROR_INVALID_NAME && *path ? 0 : error;
}

DWORD WINAPI GetFullPathNameA(LPCSTR name, DWORD size, LPSTR buffer, LPSTR *part)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX] = "", *slash;
	DWORD n;

	if (!name || !*name)
		return (DWORD)cio_fail(ERROR_INVALID_NAME);
	if (!whole_path(path_of(cio_path_from_ansi(name, path), path), path))
		return 0;
	n = cio_path_answer(buffer, size, path);
	if (part)
		*part = NULL;
	if (n < size && part) {
		slash = strrchr(buffer, '/');
		*part = slash && slash[1] ? slash + 1 : NULL;
	}
	return n;
}

DWORD WINAPI GetFullPathNameW(LPCWSTR name, DWORD size, LPWSTR buffer, LPWSTR *part)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX] = "";
	DWORD n, end;

	if (!name || !*name)
		return (DWORD)cio_fail(ERROR_INVALID_NAME);
	if (!whole_path(path_of(cio_path_from_wide(name, path), path), path))
		return 0;
	n = cio_utf16_answer(buffer, size, path);
	if (part)
		*part = NULL;
	if (n < size && part) {
		for (end = n; end && buffer[end - 1] != '/'; end--)
			;
		*part = end < n ? buffer + end : NULL;
	}
	return n;
}

DWORD WINAPI GetCurrentDirectoryA(DWORD size, LPSTR buffer)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	if (!getcwd(path, sizeof(path)))
		return (DWORD)cio_fail_status(cio_errno_to_status(errno));
	return cio_path_answer(buffer, size, path);
}

DWORD WINAPI GetCurrentDirectoryW(DWORD size, LPWSTR buffer)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	if (!getcwd(path, sizeof(path)))
		return (DWORD)cio_fail_status(cio_errno_to_status(errno));
	return cio_utf16_answer(buffer, size, path);
}

static BOOL change_directory(DWORD error, const char *path)
{
	struct stat st;

	if (!error && chdir(path) != 0) {
		/* A file where a directory is meant is told from a file on the way to one. */
		if (errno == ENOTDIR && lstat(path, &st) == 0)
			error = ERROR_DIRECTORY;
		else
			error = cio_path_error(path, errno);
	}
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI SetCurrentDirectoryA(LPCSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return change_directory(cio_path_from_ansi(name, path), path);
}

BOOL WINAPI SetCurrentDirectoryW(LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return change_directory(cio_path_from_wide(name, path), path);
}
