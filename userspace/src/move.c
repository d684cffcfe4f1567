// SPDX-License-Identifier: MIT
/*
 * MoveFile and its kin (W-MOVE-1). Within a volume it is one rename, which nobody sees half done and
 * nobody can cancel; between volumes see move_volume.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "move.h"
#include "path.h"
#include "rename.h"
#include "share.h"
#include "status.h"

/* No file here is one whose links are tracked, so that none loses its tracking (0x20). */
#define KNOWN_FLAGS \
	(MOVEFILE_REPLACE_EXISTING | MOVEFILE_COPY_ALLOWED | MOVEFILE_DELAY_UNTIL_REBOOT | \
	 MOVEFILE_WRITE_THROUGH | MOVEFILE_FAIL_IF_NOT_TRACKABLE)
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static DWORD check_flags(DWORD flags)
{
	if (flags & ~KNOWN_FLAGS)
		return ERROR_INVALID_PARAMETER;
	if (flags & MOVEFILE_DELAY_UNTIL_REBOOT)
		/* Nothing is done here at the next start: to anybody as to who is no administrator. */
		return flags & MOVEFILE_COPY_ALLOWED ? ERROR_INVALID_PARAMETER :
						       ERROR_ACCESS_DENIED;
	return 0;
}

/* Slashes at the end of a name are for directories, and would lead the kernel through a link. */
static DWORD look_at_source(struct cio_move *m)
{
	bool slash = cio_path_strip(m->from), directory;

	if (lstat(m->from, &m->st) != 0)
		return cio_path_error(m->from, errno);
	directory = cio_path_is_directory(m->from, &m->st);
	if (slash && !directory)
		return ERROR_INVALID_NAME;
	/* To root Linux would give away /dev/null. */
	if (S_ISCHR(m->st.st_mode) || S_ISBLK(m->st.st_mode))
		return ERROR_INVALID_PARAMETER;
	return cio_path_strip(m->to) && !directory ? ERROR_INVALID_NAME : 0;
}

/* What Windows lets nobody replace: directories, devices, read-only files, files that are open. */
DWORD cio_move_check_target(const struct cio_move *m)
{
	struct stat st;

	if (lstat(m->to, &st) != 0)
		return 0;
	if (S_ISDIR(m->st.st_mode) || cio_path_check_delete(m->to, &st) != 0 ||
	    cio_share_is_open(&st))
		return ERROR_ACCESS_DENIED;
	return 0;
}

static int rename_over(const struct cio_move *m)
{
	struct stat from, to;

	if (rename(m->from, m->to) != 0)
		return errno;
	/* Of two links to one file Linux' rename keeps both. */
	if (lstat(m->from, &from) == 0 && lstat(m->to, &to) == 0 && cio_same_file(&from, &m->st) &&
	    cio_same_file(&to, &m->st) && to.st_nlink > 1)
		return unlink(m->from) == 0 ? 0 : errno;
	return 0;
}

static DWORD rename_error(const struct cio_move *m, int err)
{
	char parent[PATH_MAX];
	struct stat st;

	switch (err) {
	case EEXIST:
	case ENOTEMPTY:
		return ERROR_ALREADY_EXISTS;
	case EISDIR:
		return ERROR_ACCESS_DENIED;
	case EINVAL:
		/* A directory into itself, or into one that it contains and that is open for it. */
		cio_parent_of(m->to, parent);
		return stat(parent, &st) == 0 && !cio_same_file(&st, &m->st) ?
			       ERROR_ACCESS_DENIED :
			       ERROR_INVALID_PARAMETER;
	}
	return cio_path_error(m->to, err);
}

/* Under the share lock: those who have it open have agreed to what happens to its name. */
static DWORD check_open(const struct cio_move *m, const char *from)
{
	DWORD error = cio_share_check(&m->st, DELETE, SHARE_ALL);

	if (!error && S_ISDIR(m->st.st_mode) && cio_share_is_open_below(from))
		return ERROR_ACCESS_DENIED;
	return error;
}

static int rename_by_kind(const struct cio_move *m, bool same)
{
	/* Where the letters' case counts for nothing, the file system changes it if it can. */
	if (same)
		return rename(m->from, m->to) == 0 || errno == EXDEV ? 0 : errno;
	if (cio_move_replaces(m))
		return rename_over(m);
	return cio_rename_new(m->from, m->to, S_ISDIR(m->st.st_mode));
}

/* With both names as they are remembered of open files. */
static DWORD rename_locked(const struct cio_move *m, const char *from, const char *to)
{
	bool same = cio_same_name(m->from, m->to);
	DWORD error = check_open(m, from);
	int err = ENOMEM;

	if (!error && cio_move_replaces(m) && !same)
		error = cio_move_check_target(m);
	if (error)
		return error;
	if (cio_share_rename_begin(&m->st, from, to))
		err = rename_by_kind(m, same);
	cio_share_rename_end(&m->st, !err);
	return err ? rename_error(m, err) : 0;
}

static DWORD rename_within_volume(const struct cio_move *m)
{
	char *from = cio_share_name(m->from), *to = from ? cio_share_name(m->to) : NULL;
	DWORD error;

	if (!to) {
		error = cio_path_error(from ? m->to : m->from, errno);
	} else {
		cio_share_lock();
		error = rename_locked(m, from, to);
		cio_share_unlock();
	}
	free(from);
	free(to);
	return error;
}

/* MOVEFILE_WRITE_THROUGH: the content first, so that the new name never leads to less than all of it. */
static DWORD rename_through(const struct cio_move *m)
{
	int err = cio_sync_path(m->from);
	DWORD error = err ? cio_path_error(m->from, err) : rename_within_volume(m);

	if (error)
		return error;
	err = cio_sync_parent(m->to);
	if (!err)
		err = cio_sync_parent(m->from);
	return err ? cio_path_error(m->to, err) : 0;
}

static DWORD move_file(struct cio_move *m)
{
	DWORD error = look_at_source(m);

	if (error)
		return error;
	error = m->flags & MOVEFILE_WRITE_THROUGH ? rename_through(m) : rename_within_volume(m);
	return error == ERROR_NOT_SAME_DEVICE ? cio_move_between_volumes(m) : error;
}

BOOL WINAPI MoveFileWithProgressA(LPCSTR from, LPCSTR to, LPPROGRESS_ROUTINE routine, LPVOID data,
				  DWORD flags)
{
	CIO_KEEP_ERRNO;
	char from_path[PATH_MAX], to_path[PATH_MAX];
	struct cio_move m = { from_path, to_path, .flags = flags, .routine = routine, .data = data };
	DWORD error = check_flags(flags);

	if (!error)
		error = cio_path_from_ansi(from, from_path);
	if (!error)
		error = cio_path_from_ansi(to, to_path);
	if (!error)
		error = move_file(&m);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI MoveFileWithProgressW(LPCWSTR from, LPCWSTR to, LPPROGRESS_ROUTINE routine, LPVOID data,
				  DWORD flags)
{
	CIO_KEEP_ERRNO;
	char from_path[PATH_MAX], to_path[PATH_MAX];
	struct cio_move m = { from_path, to_path, .flags = flags, .routine = routine, .data = data };
	DWORD error = check_flags(flags);

	if (!error)
		error = cio_path_from_wide(from, from_path);
	if (!error)
		error = cio_path_from_wide(to, to_path);
	if (!error)
		error = move_file(&m);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI MoveFileExA(LPCSTR from, LPCSTR to, DWORD flags)
{
	return MoveFileWithProgressA(from, to, NULL, NULL, flags);
}

BOOL WINAPI MoveFileExW(LPCWSTR from, LPCWSTR to, DWORD flags)
{
	return MoveFileWithProgressW(from, to, NULL, NULL, flags);
}

BOOL WINAPI MoveFileA(LPCSTR from, LPCSTR to)
{
	return MoveFileWithProgressA(from, to, NULL, NULL, MOVEFILE_COPY_ALLOWED);
}

BOOL WINAPI MoveFileW(LPCWSTR from, LPCWSTR to)
{
	return MoveFileWithProgressW(from, to, NULL, NULL, MOVEFILE_COPY_ALLOWED);
}
