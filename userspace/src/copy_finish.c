// SPDX-License-Identifier: MIT
/* What a copy gives its target at the end: the length, and what belongs to the file beside its data. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "copy_private.h"
#include "sync.h"
#include "thread.h"

/* The application's, not the system's, whose meaning depends on who and where. */
#define OURS "user."

static void copy_attribute(const struct cio_copying *c, const char *name)
{
	char *value = malloc(XATTR_SIZE_MAX);
	ssize_t n = value ? fgetxattr(c->in->fd, name, value, XATTR_SIZE_MAX) : -1;

	if (n >= 0)
		fsetxattr(c->out->fd, name, value, (size_t)n, 0);
	free(value);
}

static void forget_attribute(const struct cio_copying *c, const char *name)
{
	fremovexattr(c->out->fd, name);
}

static void each_attribute(const struct cio_copying *c, int fd,
			   void (*fn)(const struct cio_copying *c, const char *name))
{
	ssize_t n = flistxattr(fd, NULL, 0);
	char *names;

	if (n <= 0)
		return;
	names = malloc((size_t)n);
	n = names ? flistxattr(fd, names, (size_t)n) : 0;
	for (char *name = names; name < names + n; name += strlen(name) + 1)
		if (strncmp(name, OURS, strlen(OURS)) == 0)
			fn(c, name);
	free(names);
}

/* As far as the target's file system can have them: what it cannot is lost, as on Windows. */
static void copy_attributes(const struct cio_copying *c)
{
	each_attribute(c, c->in->fd, copy_attribute);
}

void cio_copy_forget_attributes(const struct cio_copying *c)
{
	each_attribute(c, c->out->fd, forget_attribute);
}

static long sync_data(struct cio_copying *c)
{
	return cio_sync_call(c->self, SYS_fdatasync, c->out->fd, 0, 0, 0, 0, 0);
}

/*
 * What a write has not said, some file systems (NFS, CIFS, FUSE) say at a close(2): that there is no
 * room, say. So one is made of another descriptor, while a failure still is the copy's; where nothing
 * is held back it costs nothing. A signal that is no cancel may have kept it from being asked.
 */
static long ask_for_errors(struct cio_copying *c)
{
	long fd, ret = -EINTR;

	while (ret == -EINTR) {
		fd = cio_sync_call(c->self, SYS_fcntl, c->out->fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
		if (fd < 0)
			return fd == -EINTR ? fd : sync_data(c);
		ret = syscall(SYS_close, (int)fd) == 0 ? 0 : -errno;
	}
	return ret;
}

/* The cut is what says that all is there; so all must be there before. */
static DWORD cut(struct cio_copying *c)
{
	long n = c->tracked ? sync_data(c) : 0;

	if (n >= 0)
		n = ask_for_errors(c);
	if (n < 0)
		return cio_copy_error(n);
	return ftruncate(c->out->fd, (off_t)c->done) == 0 ? 0 : cio_copy_error(-errno);
}

DWORD cio_copy_finish(struct cio_copying *c)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, c->st.st_mtim};
	struct stat st;
	DWORD error;

	c->phase = COPYFILE2_PHASE_WRITE_DESTINATION;
	if (c->out->type != S_IFREG)
		return 0;
	error = cut(c);
	if (error || c->in->type != S_IFREG)
		return error;
	copy_attributes(c);
	futimens(c->out->fd, times);
	if (!(c->st.st_mode & 0222) && fstat(c->out->fd, &st) == 0)
		fchmod(c->out->fd, st.st_mode & 07555);
	return 0;
}
