// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "identity.h"

#define ACL "system.posix_acl_access"

/* The value of an attribute, for free(3), and its size; NULL with errno set. */
static char *read_attribute(const char *path, const char *name, size_t *size)
{
	char *value = malloc(XATTR_SIZE_MAX);
	ssize_t n;

	if (!value)
		return NULL;
	n = getxattr(path, name, value, XATTR_SIZE_MAX);
	if (n < 0) {
		free(value);
		return NULL;
	}
	*size = (size_t)n;
	return value;
}

static bool is_missing(int err)
{
	return err == ENODATA || err == EOPNOTSUPP;
}

static int copy_attribute(const char *from, const char *to, const char *name, int flags)
{
	size_t size;
	char *value = read_attribute(from, name, &size);
	int err = 0;

	if (!value)
		return errno;
	if (setxattr(to, name, value, size, flags) != 0)
		err = errno;
	free(value);
	return err;
}

static int copy_acl(const char *from, const char *to)
{
	int err = copy_attribute(from, to, ACL, 0);

	if (!is_missing(err))
		return err;
	/* One that it has from its directory says more than the mode does. */
	return removexattr(to, ACL) == 0 || is_missing(errno) ? 0 : errno;
}

int cio_identity_permissions(const char *from, const char *to)
{
	struct stat old, new;
	mode_t mode;
	int err;

	if (stat(from, &old) != 0 || stat(to, &new) != 0)
		return errno;
	/* The owner first: what the mode gives to a group must not reach another. */
	if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) &&
	    chown(to, old.st_uid, old.st_gid) != 0)
		return errno;
	err = copy_acl(from, to);
	if (err)
		return err;
	/* Set-user-ID was given to the old content, and is not for a new one to inherit. */
	mode = old.st_mode & 01777;
	return chmod(to, mode) == 0 ? 0 : errno;
}

/* The names of all attributes, for free(3); NULL with errno set. */
static char *list_attributes(const char *path, ssize_t *size)
{
	char *names = malloc(XATTR_LIST_MAX);

	if (!names)
		return NULL;
	*size = listxattr(path, names, XATTR_LIST_MAX);
	if (*size >= 0)
		return names;
	free(names);
	return NULL;
}

int cio_identity_streams(const char *from, const char *to)
{
	ssize_t size;
	char *names = list_attributes(from, &size);
	int err = 0;

	if (!names)
		return is_missing(errno) ? 0 : errno;
	for (char *name = names; !err && name < names + size; name += strlen(name) + 1) {
		if (strncmp(name, "user.", 5) != 0)
			continue;
		err = copy_attribute(from, to, name, XATTR_CREATE);
		/* There already, or gone meanwhile. */
		if (err == EEXIST || err == ENODATA)
			err = 0;
	}
	free(names);
	return err;
}
