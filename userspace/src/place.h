/* SPDX-License-Identifier: MIT */
/* How something new comes to a name at which something may be already: whole, or not at all. */
#ifndef CIO_PLACE_H
#define CIO_PLACE_H

#include <limits.h>
#include <windows.h>

#define CIO_PLACE_NAME (PATH_MAX + 32)

/* A name beside the path that this directory hardly has. */
void cio_place_name(const char *path, char name[CIO_PLACE_NAME]);

/*
 * Gives what was made under such a name the name that it is for. Is there something already, `check` is
 * asked, under the share lock: 0, or why that may not be replaced. 0, or the Win32 error; then what was
 * made is gone, and what was there is still there.
 */
DWORD cio_place(const char *made, const char *path, DWORD (*check)(const void *arg),
		const void *arg);

#endif
