// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "path.h"
#include "rename.h"

/* Not open(2), close(2) and fsync(2) themselves, at which a thread can be cancelled. */
static int open_path(const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

static void close_fd(int fd)
{
	syscall(SYS_close, fd);
}

/* An empty directory may be replaced by a directory, so the name can be taken and then filled. */
static int claim_for_directory(const char *from, const char *to)
{
	int err;

	if (mkdir(to, 0700) != 0)
		return errno;
	if (rename(from, to) == 0)
		return 0;
	err = errno;
	rmdir(to);
	/* Somebody has put something into it already. */
	return err == ENOTEMPTY ? EEXIST : err;
}

static int claim_for_file(const char *from, const char *to)
{
	int fd = open_path(to, O_CREAT | O_EXCL | O_WRONLY, 0600), err;

	if (fd < 0)
		return errno;
	close_fd(fd);
	if (rename(from, to) == 0)
		return 0;
	err = errno;
	unlink(to);
	return err;
}

/* Who is killed in between leaves both names, and never none. */
static int link_and_unlink(const char *from, const char *to)
{
	int err;

	if (link(from, to) != 0)
		return errno;
	if (unlink(from) == 0)
		return 0;
	err = errno;
	unlink(to);
	return err;
}

int cio_rename_new(const char *from, const char *to, bool directory)
{
	int err;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* The file system does not know the flag; or a directory would be below itself. */
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (directory)
		return claim_for_directory(from, to);
	err = link_and_unlink(from, to);
	/* Nor does it have hard links. */
	if (err == EPERM || err == EOPNOTSUPP || err == ENOSYS || err == EMLINK)
		return claim_for_file(from, to);
	return err;
}

int cio_sync_path(const char *path)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(path, &st) != 0)
		return errno;
	/* To open others does something: it lets a FIFO's writer go, say. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	fd = open_path(path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0) {
		if (errno == ELOOP || errno == ENXIO)
			return 0;
		if (errno != EACCES && errno != EPERM)
			return errno;
		/* Who may not read it may still wait for everything. */
		sync();
		return 0;
	}
	if (syscall(SYS_fsync, fd) != 0 && errno != EINVAL && errno != EROFS)
		err = errno;
	close_fd(fd);
	return err;
}

void cio_parent_of(const char *path, char parent[PATH_MAX])
{
	const char *slash;

	strcpy(parent, path);
	cio_path_strip(parent);
	slash = strrchr(parent, '/');
	if (!slash)
		strcpy(parent, ".");
	else
		parent[slash == parent ? 1 : slash - parent] = '\0';
}

int cio_sync_parent(const char *path)
{
	char parent[PATH_MAX + 2];

	cio_parent_of(path, parent);
	/* By its slash a link is followed. */
	strcat(parent, "/");
	return cio_sync_path(parent);
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool is_listed(const char *directory, const char *name)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	bool found = false;

	/* Then nobody knows. Two names are what is usual. */
	if (!dir)
		return true;
	while (!found && (entry = readdir(dir)))
		found = !strcmp(entry->d_name, name);
	closedir(dir);
	return found;
}

bool cio_same_name(const char *a, const char *b)
{
	char parent_a[PATH_MAX], parent_b[PATH_MAX];
	struct stat st_a, st_b;

	if (lstat(a, &st_a) != 0 || lstat(b, &st_b) != 0 || !cio_same_file(&st_a, &st_b))
		return false;
	cio_parent_of(a, parent_a);
	cio_parent_of(b, parent_b);
	if (stat(parent_a, &st_a) != 0 || stat(parent_b, &st_b) != 0 ||
	    !cio_same_file(&st_a, &st_b))
		return false;
	return !strcmp(last_of(a), last_of(b)) || !is_listed(parent_b, last_of(b));
}
