/* SPDX-License-Identifier: MIT */
/* Windows' file names, as far as they make sense here, turned into paths. */
#ifndef CIO_PATH_H
#define CIO_PATH_H

#include <limits.h>
#include <stdbool.h>

/* 0, or an errno. `path` gets what open(2) is to be given. */
int cio_path_from_name(const char *name, char path[PATH_MAX]);

/* Tells a missing file from a missing directory on the way to it. */
bool cio_path_has_parent(const char *path);

#endif
