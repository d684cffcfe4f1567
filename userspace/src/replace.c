// SPDX-License-Identifier: MIT
/*
 * ReplaceFile (W-REPL-1). Whoever opens the replaced file's name finds the old file or the new one, at any
 * instant, and also if this process is killed there: the name is never renamed away, the new file is renamed
 * over it. The backup is a hard link, made before. Where there are no hard links, the two files change
 * names first; only where that is unknown, too, is there a moment without the name (and the old
 * file under that of the backup).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "identity.h"
#include "path.h"
#include "rename.h"
#include "share.h"
#include "status.h"

#define KNOWN_FLAGS \
	(REPLACEFILE_WRITE_THROUGH | REPLACEFILE_IGNORE_MERGE_ERRORS | REPLACEFILE_IGNORE_ACL_ERRORS)
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

struct replace {
	char replaced[PATH_MAX], replacement[PATH_MAX], backup[PATH_MAX];
	bool keeps; /* there is a backup to be made */
	DWORD flags;
	struct stat old, new;
};

static bool goes_through(const struct replace *r)
{
	return r->flags & REPLACEFILE_WRITE_THROUGH;
}

/* Both files are meant themselves, not the links that lead to them. */
static DWORD find_file(char path[PATH_MAX], struct stat *st)
{
	char *real = realpath(path, NULL);

	if (!real)
		return cio_path_slash_error(path, errno);
	snprintf(path, PATH_MAX, "%s", real);
	free(real);
	if (stat(path, st) != 0)
		return cio_path_error(path, errno);
	return S_ISREG(st->st_mode) ? 0 : ERROR_ACCESS_DENIED;
}

/*
 * What would fail later is told now, while nothing has been changed. Directories tell what is one
 * volume; files need not, on a file system that is laid over others.
 */
static DWORD check_parent(const char *path, struct stat *st)
{
	char parent[PATH_MAX];

	cio_parent_of(path, parent);
	if (stat(parent, st) != 0 || !S_ISDIR(st->st_mode))
		return ERROR_PATH_NOT_FOUND;
	if (eaccess(parent, W_OK | X_OK) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	return 0;
}

static DWORD check_same_parent(const char *path, const char *other)
{
	struct stat here, there;
	DWORD error = check_parent(path, &here);

	if (!error)
		error = check_parent(other, &there);
	return !error && here.st_dev != there.st_dev ? ERROR_NOT_SAME_DEVICE : error;
}

static DWORD look_at_files(struct replace *r)
{
	DWORD error = find_file(r->replaced, &r->old);

	if (!error && !(r->old.st_mode & 0222))
		error = ERROR_ACCESS_DENIED;
	if (!error)
		error = find_file(r->replacement, &r->new);
	/* The replacement is opened for this call alone. */
	if (!error && cio_same_file(&r->old, &r->new))
		error = ERROR_SHARING_VIOLATION;
	return error ? error : check_same_parent(r->replaced, r->replacement);
}

/* As cio_share_name tells it, for that is how it is remembered. */
static DWORD look_at_backup(struct replace *r)
{
	char *name;

	if (cio_path_strip(r->backup))
		return ERROR_INVALID_NAME;
	name = cio_share_name(r->backup);
	if (!name)
		return errno == ENOMEM ? ERROR_NOT_ENOUGH_MEMORY : ERROR_PATH_NOT_FOUND;
	snprintf(r->backup, PATH_MAX, "%s", name);
	free(name);
	return check_same_parent(r->backup, r->replaced);
}

/* Under the share lock. A backup of that name goes, unless it is one that Windows would not replace. */
static DWORD check_backup(const struct replace *r)
{
	struct stat st;

	if (lstat(r->backup, &st) != 0)
		return 0;
	if (cio_path_is_directory(r->backup, &st) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ||
	    (S_ISREG(st.st_mode) && !(st.st_mode & 0222)) ||
	    cio_same_name(r->backup, r->replaced) || cio_same_file(&st, &r->new))
		return ERROR_UNABLE_TO_REMOVE_REPLACED;
	/* One that is a link to the replaced file has been left by a call that was killed. */
	if (!cio_same_file(&st, &r->old) && cio_share_is_open(&st))
		return ERROR_UNABLE_TO_REMOVE_REPLACED;
	return 0;
}

/* Under the share lock: as if the two were opened as the documentation says. */
static DWORD check_open(const struct replace *r)
{
	DWORD writes = r->new.st_mode & 0222 ? FILE_WRITE_DATA : 0, error;

	error = cio_share_check(&r->old, FILE_READ_DATA | DELETE, SHARE_ALL);
	if (!error)
		error = cio_share_check(&r->new, FILE_READ_DATA | writes | DELETE, 0);
	return !error && r->keeps ? check_backup(r) : error;
}

/* The replacement takes over what the replaced file is beside its content. */
static DWORD merge(const struct replace *r)
{
	int err = cio_identity_permissions(r->replaced, r->replacement);

	if (err && !(r->flags & (REPLACEFILE_IGNORE_ACL_ERRORS | REPLACEFILE_IGNORE_MERGE_ERRORS)))
		return cio_path_error(r->replacement, err);
	err = cio_identity_streams(r->replaced, r->replacement);
	if (err && !(r->flags & REPLACEFILE_IGNORE_MERGE_ERRORS))
		return cio_path_error(r->replacement, err);
	err = goes_through(r) ? cio_sync_path(r->replacement) : 0;
	return err ? cio_path_error(r->replacement, err) : 0;
}

static bool is_file(const char *path, const struct stat *st)
{
	struct stat there;

	return lstat(path, &there) == 0 && cio_same_file(&there, st);
}

/* A rename of one link over another to the same file keeps both. */
static void drop_link(const char *path, const struct stat *st)
{
	if (is_file(path, st))
		unlink(path);
}

/*
 * The backup is another link to the old file. One that is there is replaced by a rename, too, for which the link
 * needs a name of its own for a moment. A call that is killed in this moment leaves that name, and the next
 * for the same file finds it by the inode's number and uses it up.
 */
static int link_backup(const struct replace *r)
{
	char own[PATH_MAX + 32], parent[PATH_MAX];

	cio_parent_of(r->backup, parent);
	snprintf(own, sizeof(own), "%s/~RF%jx.TMP", parent, (uintmax_t)r->old.st_ino);
	/* Another process may be at the same thing. */
	for (int tries = 0; tries < 100; tries++) {
		if (link(r->replaced, r->backup) == 0)
			return 0;
		if (errno != EEXIST)
			return errno;
		if (is_file(r->backup, &r->old)) {
			drop_link(own, &r->old);
			return 0;
		}
		if (link(r->replaced, own) != 0 && (errno != EEXIST || !is_file(own, &r->old)))
			return errno;
		if (rename(own, r->backup) != 0 && errno != ENOENT) {
			int err = errno;

			drop_link(own, &r->old);
			return err;
		}
	}
	return EBUSY;
}

static bool has_no_links(int err)
{
	return err == EPERM || err == EOPNOTSUPP || err == ENOSYS || err == EMLINK;
}

/* Either may be said by a file system that the two directories only seem to share. */
static DWORD failure(DWORD error)
{
	return errno == EXDEV ? ERROR_NOT_SAME_DEVICE : error;
}

/* What is left where even names cannot be exchanged. */
static DWORD rename_both(const struct replace *r)
{
	if (rename(r->replaced, r->backup) != 0)
		return failure(ERROR_UNABLE_TO_REMOVE_REPLACED);
	if (rename(r->replacement, r->replaced) == 0)
		return 0;
	return rename(r->backup, r->replaced) == 0 ? ERROR_UNABLE_TO_MOVE_REPLACEMENT :
						     ERROR_UNABLE_TO_MOVE_REPLACEMENT_2;
}

static int exchange(const struct replace *r)
{
	return renameat2(AT_FDCWD, r->replacement, AT_FDCWD, r->replaced, RENAME_EXCHANGE);
}

static DWORD exchange_names(const struct replace *r)
{
	if (exchange(r) != 0)
		return errno == EINVAL || errno == ENOSYS ? rename_both(r) :
							    failure(ERROR_UNABLE_TO_REMOVE_REPLACED);
	if (rename(r->replacement, r->backup) == 0) {
		drop_link(r->replacement, &r->old);
		return 0;
	}
	return exchange(r) == 0 ? ERROR_UNABLE_TO_MOVE_REPLACEMENT :
				  ERROR_UNABLE_TO_MOVE_REPLACEMENT_2;
}

static DWORD swap(const struct replace *r)
{
	int err = r->keeps ? link_backup(r) : 0;
	DWORD error;

	if (has_no_links(err))
		return exchange_names(r);
	errno = err;
	if (err)
		return failure(ERROR_UNABLE_TO_REMOVE_REPLACED);
	/* The old file's second name is on the disk before its first one is gone. */
	if (r->keeps && goes_through(r))
		cio_sync_parent(r->backup);
	if (rename(r->replacement, r->replaced) == 0)
		return 0;
	error = failure(r->keeps ? ERROR_UNABLE_TO_MOVE_REPLACEMENT :
				   ERROR_UNABLE_TO_REMOVE_REPLACED);
	if (r->keeps)
		unlink(r->backup);
	return error;
}

/* The old file takes what is remembered of its name to that of the backup. */
static DWORD swap_remembered(const struct replace *r)
{
	DWORD error = ERROR_NOT_ENOUGH_MEMORY;

	if (cio_share_rename_begin(&r->old, r->replaced, r->backup))
		error = swap(r);
	cio_share_rename_end(&r->old, !error);
	return error;
}

static DWORD swap_locked(const struct replace *r)
{
	DWORD error;

	cio_share_lock();
	error = check_open(r);
	if (!error)
		error = r->keeps ? swap_remembered(r) : swap(r);
	cio_share_unlock();
	return error;
}

static DWORD sync_names(const struct replace *r)
{
	int err = cio_sync_parent(r->replaced);

	if (!err && r->keeps)
		err = cio_sync_parent(r->backup);
	if (!err)
		err = cio_sync_parent(r->replacement);
	return err ? cio_path_error(r->replaced, err) : 0;
}

static DWORD replace(struct replace *r)
{
	DWORD error = look_at_files(r);

	if (!error && r->keeps)
		error = look_at_backup(r);
	if (error)
		return error;
	/* Once so that a call that must fail changes nothing, and once for good. */
	cio_share_lock();
	error = check_open(r);
	cio_share_unlock();
	if (!error)
		error = merge(r);
	if (!error)
		error = swap_locked(r);
	return !error && goes_through(r) ? sync_names(r) : error;
}

static bool are_good(const void *replaced, const void *replacement, DWORD flags,
		     const void *exclude, const void *reserved)
{
	return replaced && replacement && !(flags & ~KNOWN_FLAGS) && !exclude && !reserved;
}

BOOL WINAPI ReplaceFileA(LPCSTR replaced, LPCSTR replacement, LPCSTR backup, DWORD flags,
			 LPVOID exclude, LPVOID reserved)
{
	CIO_KEEP_ERRNO;
	struct replace r = { .keeps = backup, .flags = flags };
	DWORD error;

	if (!are_good(replaced, replacement, flags, exclude, reserved))
		return cio_fail(ERROR_INVALID_PARAMETER);
	error = cio_path_from_ansi(replaced, r.replaced);
	if (!error)
		error = cio_path_from_ansi(replacement, r.replacement);
	if (!error && backup)
		error = cio_path_from_ansi(backup, r.backup);
	if (!error)
		error = replace(&r);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI ReplaceFileW(LPCWSTR replaced, LPCWSTR replacement, LPCWSTR backup, DWORD flags,
			 LPVOID exclude, LPVOID reserved)
{
	CIO_KEEP_ERRNO;
	struct replace r = { .keeps = backup, .flags = flags };
	DWORD error;

	if (!are_good(replaced, replacement, flags, exclude, reserved))
		return cio_fail(ERROR_INVALID_PARAMETER);
	error = cio_path_from_wide(replaced, r.replaced);
	if (!error)
		error = cio_path_from_wide(replacement, r.replacement);
	if (!error && backup)
		error = cio_path_from_wide(backup, r.backup);
	if (!error)
		error = replace(&r);
	return error ? cio_fail(error) : TRUE;
}
