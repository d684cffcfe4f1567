/* SPDX-License-Identifier: MIT */
/* Names of files changed so that nothing is lost on the way, on whatever file system. */
#ifndef CIO_RENAME_H
#define CIO_RENAME_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/* These answer 0 or an errno. */

/* A rename that replaces nothing: EEXIST if there is something. */
int cio_rename_new(const char *from, const char *to, bool directory);

/* What is in the file or directory is on the disk. A link and the like have nothing in them. */
int cio_sync_path(const char *path);
/* The same for the directory that the name is in, and so for the name. */
int cio_sync_parent(const char *path);

/* The directory that the name is in. */
void cio_parent_of(const char *path, char parent[PATH_MAX]);

/* Both lead to one file. */
static inline bool cio_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/*
 * The two names are one name, by different paths or, where the file system takes them for equal, in
 * different letters. Two hard links in a directory are two.
 */
bool cio_same_name(const char *a, const char *b);

#endif
