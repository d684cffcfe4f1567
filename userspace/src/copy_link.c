// SPDX-License-Identifier: MIT
/* COPY_FILE_COPY_SYMLINK: links that are copied as such, or stand where the target is to be. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include "copy_private.h"
#include "path.h"
#include "place.h"
#include "share.h"
#include "sync.h"
#include "thread.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define LINKS (COPY_FILE_COPY_SYMLINK | COPY_FILE_OPEN_AND_COPY_REPARSE_POINT)

/* What is in a link's way is replaced as by a file: no directory, nothing read-only, nothing in use. */
static DWORD check_target(const void *arg)
{
	const struct cio_copying *c = arg;
	struct stat st;
	DWORD error;

	if (c->how->flags & COPY_FILE_FAIL_IF_EXISTS)
		return ERROR_FILE_EXISTS;
	if (lstat(c->to, &st) != 0)
		return errno == ENOENT ? 0 : cio_path_error(c->to, errno);
	if (st.st_dev == c->st.st_dev && st.st_ino == c->st.st_ino)
		return ERROR_SHARING_VIOLATION;
	if (cio_path_check_delete(c->to, &st) != 0)
		return ERROR_ACCESS_DENIED;
	error = cio_share_check(&st, DELETE, SHARE_ALL);
	return error || !cio_share_is_open(&st) ? error : ERROR_ACCESS_DENIED;
}

static DWORD make_link(struct cio_copying *c, const char *leads_to)
{
	char made[CIO_PLACE_NAME];
	long ret;

	do {
		cio_place_name(c->to, made);
		ret = cio_sync_call(c->self, SYS_symlinkat, (long)leads_to, AT_FDCWD, (long)made, 0,
				    0, 0);
	} while (ret == -EEXIST);
	return ret < 0 ? cio_path_error(c->to, (int)-ret) : cio_place(made, c->to, check_target, c);
}

bool cio_copy_link(struct cio_copying *c, DWORD *error)
{
	char leads_to[PATH_MAX];
	long n;

	if (!(c->how->flags & LINKS) || lstat(c->from, &c->st) != 0 || !S_ISLNK(c->st.st_mode))
		return false;
	c->phase = COPYFILE2_PHASE_PREPARE_SOURCE;
	n = cio_sync_call(c->self, SYS_readlinkat, AT_FDCWD, (long)c->from, (long)leads_to,
			  sizeof(leads_to), 0, 0);
	if (n < 0 || n == sizeof(leads_to)) {
		*error = n < 0 ? cio_path_error(c->from, (int)-n) : ERROR_FILENAME_EXCED_RANGE;
		return true;
	}
	leads_to[n] = '\0';
	c->phase = COPYFILE2_PHASE_PREPARE_DEST;
	*error = make_link(c, leads_to);
	return true;
}

bool cio_copy_is_over_link(const struct cio_copying *c)
{
	struct stat st;

	return c->how->flags & LINKS && lstat(c->to, &st) == 0 && S_ISLNK(st.st_mode);
}

DWORD cio_copy_check_link(const struct cio_copying *c)
{
	DWORD error;

	cio_share_lock();
	error = check_target(c);
	cio_share_unlock();
	return error;
}

DWORD cio_copy_replace_link(const struct cio_copying *c, const char *made)
{
	return cio_place(made, c->to, check_target, c);
}
