// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "path.h"
#include "place.h"
#include "rename.h"
#include "share.h"

void cio_place_name(const char *path, char name[CIO_PLACE_NAME])
{
	static _Atomic unsigned int turn;
	char parent[PATH_MAX];

	cio_parent_of(path, parent);
	snprintf(name, CIO_PLACE_NAME, "%s/~MV%x.%x.TMP", parent, (unsigned int)getpid(), turn++);
}

static DWORD place(const char *made, const char *path, DWORD (*check)(const void *arg),
		   const void *arg)
{
	int err = cio_rename_new(made, path, false);
	DWORD error;

	if (err != EEXIST)
		return err ? cio_path_error(path, err) : 0;
	error = check(arg);
	if (error)
		return error;
	return rename(made, path) == 0 ? 0 : cio_path_error(path, errno);
}

DWORD cio_place(const char *made, const char *path, DWORD (*check)(const void *arg),
		const void *arg)
{
	DWORD error;

	cio_share_lock();
	error = place(made, path, check, arg);
	cio_share_unlock();
	if (error)
		unlink(made);
	return error;
}
