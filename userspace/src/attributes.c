// SPDX-License-Identifier: MIT
/*
 * What is known of a file without reading it. FILE_ATTRIBUTE_READONLY means that nobody may write
 * it; the attributes that Linux has no place for are accepted and forgotten.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "file.h"
#include "filetime.h"
#include "handle.h"
#include "path.h"
#include "share.h"
#include "status.h"

#define WRITABLE 0222

static DWORD attributes_of(const struct statx *sx)
{
	DWORD attributes = S_ISDIR(sx->stx_mode) ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;

	if (S_ISREG(sx->stx_mode) && !(sx->stx_mode & WRITABLE))
		attributes |= FILE_ATTRIBUTE_READONLY;
	if (S_ISLNK(sx->stx_mode))
		attributes |= FILE_ATTRIBUTE_REPARSE_POINT;
	return attributes;
}

static FILETIME filetime_of(const struct statx_timestamp *t)
{
	return cio_filetime(t->tv_sec, t->tv_nsec);
}

/* Not every file system knows when a file came to be. By then, it was there. */
static FILETIME creation_time(const struct statx *sx)
{
	const struct statx_timestamp *oldest = &sx->stx_mtime;

	if (sx->stx_mask & STATX_BTIME)
		return filetime_of(&sx->stx_btime);
	if (sx->stx_ctime.tv_sec < oldest->tv_sec)
		oldest = &sx->stx_ctime;
	return filetime_of(oldest);
}

static bool statx_file(int dir, const char *path, int flags, struct statx *sx)
{
	return statx(dir, path, flags, STATX_BASIC_STATS | STATX_BTIME, sx) == 0;
}

/*
 * What the name leads to. A link is told to be one, as Windows does, by an attribute added to those
 * of its target; one that leads nowhere is there itself.
 */
static DWORD look_up(const char *path, struct statx *sx, DWORD *attributes)
{
	struct statx target;

	if (!statx_file(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, sx))
		return cio_path_slash_error(path, errno);
	*attributes = attributes_of(sx);
	if (S_ISLNK(sx->stx_mode) && statx_file(AT_FDCWD, path, 0, &target)) {
		*sx = target;
		*attributes = attributes_of(sx) | FILE_ATTRIBUTE_REPARSE_POINT;
	}
	return cio_share_is_doomed(path) ? ERROR_ACCESS_DENIED : 0;
}

static DWORD get_attributes(DWORD error, const char *path)
{
	DWORD attributes = 0;
	struct statx sx;

	if (!error)
		error = look_up(path, &sx, &attributes);
	if (!error)
		return attributes;
	cio_fail(error);
	return INVALID_FILE_ATTRIBUTES;
}

DWORD WINAPI GetFileAttributesA(LPCSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return get_attributes(cio_path_from_ansi(name, path), path);
}

DWORD WINAPI GetFileAttributesW(LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return get_attributes(cio_path_from_wide(name, path), path);
}

static BOOL get_attributes_ex(DWORD error, const char *path, GET_FILEEX_INFO_LEVELS level,
			      WIN32_FILE_ATTRIBUTE_DATA *data)
{
	struct statx sx;
	DWORD attributes;

	if (level != GetFileExInfoStandard)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (!error)
		error = look_up(path, &sx, &attributes);
	if (!error && !data)
		error = ERROR_NOACCESS;
	if (error)
		return cio_fail(error);
	data->dwFileAttributes = attributes;
	data->ftCreationTime = creation_time(&sx);
	data->ftLastAccessTime = filetime_of(&sx.stx_atime);
	data->ftLastWriteTime = filetime_of(&sx.stx_mtime);
	data->nFileSizeHigh = S_ISREG(sx.stx_mode) ? (DWORD)(sx.stx_size >> 32) : 0;
	data->nFileSizeLow = S_ISREG(sx.stx_mode) ? (DWORD)sx.stx_size : 0;
	return TRUE;
}

BOOL WINAPI GetFileAttributesExA(LPCSTR name, GET_FILEEX_INFO_LEVELS level, LPVOID data)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return get_attributes_ex(cio_path_from_ansi(name, path), path, level, data);
}

BOOL WINAPI GetFileAttributesExW(LPCWSTR name, GET_FILEEX_INFO_LEVELS level, LPVOID data)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return get_attributes_ex(cio_path_from_wide(name, path), path, level, data);
}

static BOOL set_attributes(DWORD error, const char *path, DWORD attributes)
{
	struct stat st;
	mode_t mode;

	if (!error && stat(path, &st) != 0)
		error = cio_path_slash_error(path, errno);
	else if (!error && cio_share_is_doomed(path))
		error = ERROR_ACCESS_DENIED;
	if (error)
		return cio_fail(error);
	/* For a directory Windows keeps it as a mark that keeps nobody from writing: not here. */
	if (!S_ISREG(st.st_mode))
		return TRUE;
	mode = st.st_mode & 07777;
	if (attributes & FILE_ATTRIBUTE_READONLY)
		mode &= ~(mode_t)WRITABLE;
	else if (!(mode & WRITABLE))
		mode |= S_IWUSR;
	if (mode != (st.st_mode & 07777) && chmod(path, mode) != 0)
		return cio_fail(cio_path_error(path, errno));
	return TRUE;
}

BOOL WINAPI SetFileAttributesA(LPCSTR name, DWORD attributes)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return set_attributes(cio_path_from_ansi(name, path), path, attributes);
}

BOOL WINAPI SetFileAttributesW(LPCWSTR name, DWORD attributes)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX];

	return set_attributes(cio_path_from_wide(name, path), path, attributes);
}

/* Files and directories; what else a handle leads to has none of this on Windows. */
static DWORD examine(HANDLE handle, DWORD access, struct statx *sx)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, access);
	DWORD error = 0;

	if (!obj)
		return GetLastError();
	if (!statx_file(cio_entry(obj, struct cio_file, obj)->fd, "", AT_EMPTY_PATH, sx))
		error = cio_status_to_error(cio_errno_to_status(errno));
	else if (S_ISCHR(sx->stx_mode) || S_ISFIFO(sx->stx_mode) || S_ISSOCK(sx->stx_mode))
		error = ERROR_INVALID_FUNCTION;
	cio_object_put(obj);
	return error;
}

BOOL WINAPI GetFileInformationByHandle(HANDLE handle, LPBY_HANDLE_FILE_INFORMATION info)
{
	CIO_KEEP_ERRNO;
	struct statx sx;
	DWORD error = examine(handle, FILE_READ_ATTRIBUTES, &sx);

	if (!error && !info)
		error = ERROR_NOACCESS;
	if (error)
		return cio_fail(error);
	info->dwFileAttributes = attributes_of(&sx);
	info->ftCreationTime = creation_time(&sx);
	info->ftLastAccessTime = filetime_of(&sx.stx_atime);
	info->ftLastWriteTime = filetime_of(&sx.stx_mtime);
	info->dwVolumeSerialNumber = (DWORD)makedev(sx.stx_dev_major, sx.stx_dev_minor);
	info->nFileSizeHigh = S_ISREG(sx.stx_mode) ? (DWORD)(sx.stx_size >> 32) : 0;
	info->nFileSizeLow = S_ISREG(sx.stx_mode) ? (DWORD)sx.stx_size : 0;
	info->nNumberOfLinks = sx.stx_nlink;
	info->nFileIndexHigh = (DWORD)(sx.stx_ino >> 32);
	info->nFileIndexLow = (DWORD)sx.stx_ino;
	return TRUE;
}

BOOL WINAPI GetFileTime(HANDLE handle, LPFILETIME creation, LPFILETIME access, LPFILETIME write)
{
	CIO_KEEP_ERRNO;
	struct statx sx;
	DWORD error = examine(handle, FILE_READ_ATTRIBUTES, &sx);

	if (error)
		return cio_fail(error);
	if (creation)
		*creation = creation_time(&sx);
	if (access)
		*access = filetime_of(&sx.stx_atime);
	if (write)
		*write = filetime_of(&sx.stx_mtime);
	return TRUE;
}

/* No time, 0 and all ones (which asks that this handle leave the time alone) change nothing. */
static struct timespec timespec_of(const FILETIME *ft)
{
	struct timespec ts = { 0, UTIME_OMIT };
	int64_t t, rest;

	if (!ft || (!ft->dwLowDateTime && !ft->dwHighDateTime) ||
	    (ft->dwLowDateTime == 0xFFFFFFFFu && ft->dwHighDateTime == 0xFFFFFFFFu))
		return ts;
	t = (int64_t)((uint64_t)ft->dwHighDateTime << 32 | ft->dwLowDateTime) - CIO_FILETIME_EPOCH;
	rest = t % CIO_FILETIME_SECOND;
	if (rest < 0)
		rest += CIO_FILETIME_SECOND;
	ts.tv_sec = (time_t)((t - rest) / CIO_FILETIME_SECOND);
	ts.tv_nsec = (long)(rest * 100);
	return ts;
}

BOOL WINAPI SetFileTime(HANDLE handle, const FILETIME *creation, const FILETIME *access,
			const FILETIME *write)
{
	CIO_KEEP_ERRNO;
	struct timespec times[2] = { timespec_of(access), timespec_of(write) };
	struct cio_object *obj;
	char self[CIO_FILE_PROC];
	DWORD error = 0;

	(void)creation; /* Linux sets it itself, and for good */
	obj = cio_handle_get(handle, &cio_file_class, FILE_WRITE_ATTRIBUTES);
	if (!obj)
		return FALSE;
	cio_file_proc(cio_entry(obj, struct cio_file, obj), self);
	if (utimensat(AT_FDCWD, self, times, 0) != 0)
		error = cio_status_to_error(cio_errno_to_status(errno));
	cio_object_put(obj);
	return error ? cio_fail(error) : TRUE;
}

LONG WINAPI CompareFileTime(const FILETIME *one, const FILETIME *two)
{
	uint64_t a = (uint64_t)one->dwHighDateTime << 32 | one->dwLowDateTime;
	uint64_t b = (uint64_t)two->dwHighDateTime << 32 | two->dwLowDateTime;

	return a < b ? -1 : a > b;
}
