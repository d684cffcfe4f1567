// SPDX-License-Identifier: MIT
/* DeleteFile, CreateDirectory and RemoveDirectory. What is open stays until it is closed: see share.c. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "share.h"
#include "status.h"

static BOOL delete_file(DWORD error, const char *path)
{
	struct stat st;

	if (!error && lstat(path, &st) != 0)
		error = cio_path_slash_error(path, errno);
	if (!error)
		error = cio_path_check_delete(path, &st);
	if (!error)
		error = cio_share_remove(path, &st);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI DeleteFileA(LPCSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return delete_file(cio_path_from_ansi(name, path), path);
}

BOOL WINAPI DeleteFileW(LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return delete_file(cio_path_from_wide(name, path), path);
}

static BOOL create_directory(DWORD error, const char *path)
{
	if (!error && mkdir(path, 0777) != 0)
		error = cio_path_error(path, errno);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI CreateDirectoryA(LPCSTR name, LPSECURITY_ATTRIBUTES security)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	(void)security;
	return create_directory(cio_path_from_ansi(name, path), path);
}

BOOL WINAPI CreateDirectoryW(LPCWSTR name, LPSECURITY_ATTRIBUTES security)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	(void)security;
	return create_directory(cio_path_from_wide(name, path), path);
}

/* That it can be removed must be known now, even if it goes later. */
static DWORD check_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	if (!dir)
		return cio_path_error(path, errno);
	while (empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(dir);
	return empty ? 0 : ERROR_DIR_NOT_EMPTY;
}

static DWORD check_removable(const char *path, const struct stat *st)
{
	if (!cio_path_is_directory(path, st))
		return ERROR_DIRECTORY;
	return S_ISDIR(st->st_mode) ? check_empty(path) : 0;
}

static BOOL remove_directory(DWORD error, char *path)
{
	struct stat st;

	if (!error) {
		/* With the slash a link would be followed. */
		cio_path_strip(path);
		if (lstat(path, &st) != 0)
			error = cio_path_error(path, errno);
	}
	if (!error)
		error = check_removable(path, &st);
	if (!error)
		error = cio_share_remove(path, &st);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI RemoveDirectoryA(LPCSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return remove_directory(cio_path_from_ansi(name, path), path);
}

BOOL WINAPI RemoveDirectoryW(LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return remove_directory(cio_path_from_wide(name, path), path);
}
