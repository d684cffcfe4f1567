// SPDX-License-Identifier: MIT
/* What an end of a named pipe is asked, and told, about itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "handle.h"
#include "npipe.h"
#include "rw.h"
#include "thread.h"

/* Any file object with these rights. NULL with the last error set. */
static struct cio_file *get_file(HANDLE handle, DWORD access)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, access);

	return obj ? cio_entry(obj, struct cio_file, obj) : NULL;
}

/* An end of a named pipe. */
static struct cio_pipe *get_pipe(HANDLE handle, DWORD access)
{
	struct cio_file *file = get_file(handle, access);

	if (!file || file->pipe)
		return file ? file->pipe : NULL;
	cio_fail(file->type == S_IFIFO ? ERROR_NOT_SUPPORTED : ERROR_INVALID_FUNCTION);
	cio_object_put(&file->obj);
	return NULL;
}

static BOOL put_pipe(struct cio_pipe *pipe, DWORD error)
{
	cio_object_put(&pipe->file->obj);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI SetNamedPipeHandleState(HANDLE handle, LPDWORD mode, LPDWORD collection,
				    LPDWORD timeout)
{
	CIO_KEEP_ERRNO;
	struct cio_pipe *pipe = get_pipe(handle, FILE_WRITE_ATTRIBUTES);
	DWORD error = 0;

	if (!pipe)
		return FALSE;
	/* These two are for pipes of other machines. */
	if (collection || timeout || (mode && *mode & ~(PIPE_READMODE_MESSAGE | PIPE_NOWAIT)) ||
	    (mode && *mode & PIPE_READMODE_MESSAGE && !pipe->messages))
		error = ERROR_INVALID_PARAMETER;
	if (!error && mode) {
		cio_lock_take(&pipe->lock);
		pipe->by_message = *mode & PIPE_READMODE_MESSAGE;
		pipe->nowait = *mode & PIPE_NOWAIT;
		cio_lock_drop(&pipe->lock);
	}
	return put_pipe(pipe, error);
}
