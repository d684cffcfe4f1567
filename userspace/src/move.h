/* SPDX-License-Identifier: MIT */
/* What a move within a volume and one between volumes have in common. */
#ifndef CIO_MOVE_H
#define CIO_MOVE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <windows.h>

struct cio_move {
	char *from, *to;
	struct stat st; /* of the source: the link itself, if it is one */
	DWORD flags; /* MOVEFILE_* */
	LPPROGRESS_ROUTINE routine; /* NULL: nobody wants to know */
	LPVOID data;
};

static inline bool cio_move_replaces(const struct cio_move *m)
{
	return m->flags & MOVEFILE_REPLACE_EXISTING;
}

/* Under the share lock: 0, or why what is there may not be replaced. */
DWORD cio_move_check_target(const struct cio_move *m);

/* When a rename has found that there are two volumes. 0, or the Win32 error. */
DWORD cio_move_between_volumes(const struct cio_move *m);

#endif
