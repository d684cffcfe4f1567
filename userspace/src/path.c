// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"

static bool is_slash(char c)
{
	return c == '/' || c == '\\';
}

/* \\.\NAME, with either kind of slash. */
static const char *device_name(const char *name)
{
	if (is_slash(name[0]) && is_slash(name[1]) && name[2] == '.' && is_slash(name[3]) &&
	    name[4])
		return name + 4;
	return NULL;
}

static void turn_slashes(char *path)
{
	for (; *path; path++)
		if (*path == '\\')
			*path = '/';
}

int cio_path_from_name(const char *name, char path[PATH_MAX])
{
	const char *device = device_name(name);
	struct stat st;
	int n;

	n = snprintf(path, PATH_MAX, "%s%s", device ? "/dev/" : "", device ? device : name);
	if (n >= PATH_MAX)
		return ENAMETOOLONG;
	/* A backslash is a legal character here, so a file that has one in its name goes first. */
	if (strchr(path, '\\') && lstat(path, &st) != 0)
		turn_slashes(path);
	return 0;
}

bool cio_path_has_parent(const char *path)
{
	char parent[PATH_MAX];
	char *slash;
	struct stat st;

	strncpy(parent, path, sizeof(parent) - 1);
	parent[sizeof(parent) - 1] = '\0';
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return true;
	*slash = '\0';
	return stat(parent, &st) == 0 && S_ISDIR(st.st_mode);
}
