/* SPDX-License-Identifier: MIT */
/* Windows' file names turned into the paths that the kernel is given. */
#ifndef CIO_PATH_H
#define CIO_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <windows.h>

struct stat;

/* What a console's name leads to. */
#define CIO_CONSOLE "/dev/tty"

/*
 * 0, or the Win32 error. `path` has room for PATH_MAX bytes. The name's last component keeps its
 * slash behind it: only a directory may have one.
 */
DWORD cio_path_from_ansi(LPCSTR name, char *path);
DWORD cio_path_from_wide(LPCWSTR name, char *path);

/* Takes "." and ".." out of a path, and doubled slashes, without a look at what is there. */
void cio_path_normalise(char *path);

bool cio_path_ends_in_slash(const char *path);
/* Takes the slashes at its end off a path. False: there were none. */
bool cio_path_strip(char *path);

/* With its lstat. A link to a directory is one for Windows, which means the link by it and not the target. */
bool cio_path_is_directory(const char *path, const struct stat *st);

/* With its lstat: 0, or why Windows lets nobody delete or replace it, though to root Linux may. */
DWORD cio_path_check_delete(const char *path, const struct stat *st);

/* The length if it fits with its 0; if not, the room that it needs, and nothing is written. */
DWORD cio_path_answer(LPSTR buffer, DWORD size, const char *path);

/* What a failed system call on the path means. */
DWORD cio_path_error(const char *path, int err);
/* The same where a slash behind what is no directory makes the name a bad one. */
DWORD cio_path_slash_error(const char *path, int err);

#endif
