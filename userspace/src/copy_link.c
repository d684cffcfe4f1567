// SPDX-License-Identifier: MIT
/* COPY_FILE_COPY_SYMLINK: links that are copied as such, or stand where the target is to be. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>

#include "copy_private.h"
#include "path.h"
#include "share.h"
#include "sync.h"
#include "thread.h"

#define LINKS (COPY_FILE_COPY_SYMLINK | COPY_FILE_OPEN_AND_COPY_REPARSE_POINT)

/* What is in a link's way is replaced as by a file: no directory, nothing read-only, nothing in use. */
static DWORD remove_target(struct cio_copying *c)
{
	struct stat st;

	if (c->how->flags & COPY_FILE_FAIL_IF_EXISTS)
		return ERROR_FILE_EXISTS;
	if (lstat(c->to, &st) != 0)
		return errno == ENOENT ? 0 : cio_path_error(c->to, errno);
	if (st.st_dev == c->st.st_dev && st.st_ino == c->st.st_ino)
		return ERROR_SHARING_VIOLATION;
	if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && !(st.st_mode & 0222)))
		return ERROR_ACCESS_DENIED;
	return cio_share_remove(c->to, &st);
}

static DWORD make_link(struct cio_copying *c, const char *leads_to)
{
	DWORD error;
	long ret;

	/* Another process may put something there again, but hardly for ever. */
	for (int tries = 0; tries < 100; tries++) {
		ret = cio_sync_call(c->self, SYS_symlinkat, (long)leads_to, AT_FDCWD, (long)c->to,
				    0, 0, 0);
		if (ret == 0)
			return 0;
		if (ret != -EEXIST)
			return cio_path_error(c->to, (int)-ret);
		error = remove_target(c);
		if (error)
			return error;
	}
	return ERROR_ACCESS_DENIED;
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

DWORD cio_copy_replace_link(struct cio_copying *c)
{
	struct stat st;

	if (!(c->how->flags & LINKS) || lstat(c->to, &st) != 0 || !S_ISLNK(st.st_mode))
		return 0;
	return remove_target(c);
}
