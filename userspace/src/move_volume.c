// SPDX-License-Identifier: MIT
/*
 * A move between volumes is a copy and a delete (W-MOVE-1). The copy has no name until it is whole, so
 * nobody finds a part of a file, and a process that is killed leaves none. Where the file system
 * knows no nameless files, it has a name of its own beside the target.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "copy.h"
#include "move.h"
#include "path.h"
#include "place.h"
#include "rename.h"
#include "share.h"
#include "status.h"

struct target {
	int fd;
	bool named;
	char path[CIO_PLACE_NAME]; /* where the copy is to go */
};

static void make_nameless(int fd, char name[32])
{
	snprintf(name, 32, "/proc/self/fd/%d", fd);
}

static int open_nameless(struct target *t, const struct cio_move *m, mode_t mode)
{
	char parent[PATH_MAX];

	cio_parent_of(m->to, parent);
	t->fd = (int)syscall(SYS_openat, AT_FDCWD, parent, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (t->fd < 0)
		return errno;
	make_nameless(t->fd, t->path);
	return 0;
}

static int open_named(struct target *t, const struct cio_move *m, mode_t mode)
{
	t->named = true;
	do {
		cio_place_name(m->to, t->path);
		t->fd = (int)syscall(SYS_openat, AT_FDCWD, t->path,
				     O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
	} while (t->fd < 0 && errno == EEXIST);
	return t->fd < 0 ? errno : 0;
}

/* Read-only it becomes with its content. */
static int open_target(struct target *t, const struct cio_move *m)
{
	mode_t mode = (m->st.st_mode & 0777) | S_IRUSR | S_IWUSR;
	int err = open_nameless(t, m, mode);

	if (err == EOPNOTSUPP || err == EISDIR || err == EINVAL || err == ENOENT)
		err = open_named(t, m, mode);
	return err;
}

static void close_target(struct target *t)
{
	if (t->named)
		unlink(t->path);
	syscall(SYS_close, t->fd);
}

/* Only a name can be renamed over another. */
static int name_over(struct target *t, const struct cio_move *m)
{
	char nameless[32];

	if (!t->named) {
		make_nameless(t->fd, nameless);
		cio_place_name(m->to, t->path);
		if (linkat(AT_FDCWD, nameless, AT_FDCWD, t->path, AT_SYMLINK_FOLLOW) != 0)
			return errno;
		t->named = true;
	}
	if (rename(t->path, m->to) != 0)
		return errno;
	t->named = false;
	return 0;
}

static int name_new(struct target *t, const struct cio_move *m)
{
	int err;

	if (!t->named)
		return linkat(AT_FDCWD, t->path, AT_FDCWD, m->to, AT_SYMLINK_FOLLOW) == 0 ? 0 :
											    errno;
	err = cio_rename_new(t->path, m->to, false);
	t->named = err;
	return err;
}

static DWORD move_error(const struct cio_move *m, int err)
{
	return err == EEXIST ? ERROR_ALREADY_EXISTS : cio_path_error(m->to, err);
}

/* Under the share lock. The whole file gets its name. */
static DWORD give_name(struct target *t, const struct cio_move *m)
{
	int err = name_new(t, m);
	DWORD error;

	if (err != EEXIST || !cio_move_replaces(m))
		return err ? move_error(m, err) : 0;
	error = cio_move_check_target(m);
	if (error)
		return error;
	err = name_over(t, m);
	return err ? move_error(m, err) : 0;
}

/* MOVEFILE_WRITE_THROUGH: first the one, then the other, so that at no time there is neither. */
static DWORD flush(const struct cio_move *m, const struct target *t, const char *name)
{
	int err = 0;

	if (!(m->flags & MOVEFILE_WRITE_THROUGH))
		return 0;
	if (t && syscall(SYS_fsync, t->fd) != 0)
		err = errno;
	else if (name)
		err = cio_sync_parent(name);
	return err ? cio_path_error(m->to, err) : 0;
}

static DWORD fill_target(const struct cio_move *m, const struct target *t)
{
	struct cio_copy how = {
		.report = m->routine ? cio_copy_report_progress : NULL,
		.routine = m->routine,
		.data = m->data,
	};
	DWORD error = cio_copy_file(m->from, t->path, &how);

	return error ? error : flush(m, t, NULL);
}

static DWORD copy_file(const struct cio_move *m)
{
	struct target t = { .fd = -1 };
	int err = open_target(&t, m);
	DWORD error;

	if (err)
		return cio_path_error(m->to, err);
	error = fill_target(m, &t);
	if (!error) {
		cio_share_lock();
		error = give_name(&t, m);
		cio_share_unlock();
	}
	close_target(&t);
	return error ? error : flush(m, NULL, m->to);
}

static DWORD check_place(const void *arg)
{
	const struct cio_move *m = arg;

	return cio_move_replaces(m) ? cio_move_check_target(m) : ERROR_ALREADY_EXISTS;
}

static DWORD copy_link(const struct cio_move *m)
{
	char leads_to[PATH_MAX], made[CIO_PLACE_NAME];
	ssize_t n = readlink(m->from, leads_to, sizeof(leads_to) - 1);
	DWORD error;
	int err;

	if (n < 0)
		return cio_path_error(m->from, errno);
	leads_to[n] = '\0';
	do
		cio_place_name(m->to, made);
	while ((err = symlink(leads_to, made) == 0 ? 0 : errno) == EEXIST);
	if (err)
		return cio_path_error(m->to, err);
	error = cio_place(made, m->to, check_place, m);
	return error ? error : flush(m, NULL, m->to);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Nobody has written to it, as far as a file system shows it. */
static bool is_unchanged(const struct stat *now, const struct stat *then)
{
	return cio_same_file(now, then) && now->st_size == then->st_size &&
	       same_time(&now->st_mtim, &then->st_mtim) && same_time(&now->st_ctim, &then->st_ctim);
}

/*
 * If it cannot be, or has come to be more than what was copied, there are two, and the move has succeeded
 * all the same.
 */
static DWORD delete_source(const struct cio_move *m)
{
	struct stat st;

	if (lstat(m->from, &st) != 0 || !is_unchanged(&st, &m->st) ||
	    cio_share_remove(m->from, &m->st) != 0)
		return 0;
	return flush(m, NULL, m->from);
}

static DWORD copy_and_delete(struct cio_move *m)
{
	struct stat st;
	DWORD error;

	/* Known now, rather than after a long copy. */
	if (!cio_move_replaces(m) && lstat(m->to, &st) == 0)
		return ERROR_ALREADY_EXISTS;
	/* To write it through may have changed its times. */
	if (lstat(m->from, &st) == 0 && cio_same_file(&st, &m->st))
		m->st = st;
	if (S_ISLNK(m->st.st_mode))
		error = copy_link(m);
	else if (S_ISREG(m->st.st_mode))
		error = copy_file(m);
	else
		error = ERROR_NOT_SAME_DEVICE;
	return error ? error : delete_source(m);
}

DWORD cio_move_between_volumes(const struct cio_move *m)
{
	struct cio_move whole = *m;
	DWORD error;

	if (!(m->flags & MOVEFILE_COPY_ALLOWED))
		return ERROR_NOT_SAME_DEVICE;
	if (S_ISDIR(m->st.st_mode))
		return ERROR_ACCESS_DENIED;
	/* The routine may go to another directory. */
	whole.from = cio_share_name(m->from);
	whole.to = whole.from ? cio_share_name(m->to) : NULL;
	if (whole.to)
		error = strlen(whole.from) < PATH_MAX && strlen(whole.to) < PATH_MAX ?
				copy_and_delete(&whole) :
				ERROR_FILENAME_EXCED_RANGE;
	else
		error = cio_path_error(whole.from ? m->to : m->from, errno);
	free(whole.from);
	free(whole.to);
	return error;
}
