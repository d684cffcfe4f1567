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

/* Of a client's pipe only the server's process knows how many there are: one that it had is there. */
static DWORD instances_of(struct cio_pipe *pipe)
{
	return pipe->server ? cio_pipe_instances(pipe) : pipe->instances;
}

static BOOL get_state(HANDLE handle, LPDWORD state, LPDWORD instances, LPDWORD collection,
		      LPDWORD timeout, const void *user)
{
	struct cio_pipe *pipe = get_pipe(handle, FILE_READ_ATTRIBUTES);

	if (!pipe)
		return FALSE;
	if (collection || timeout)
		return put_pipe(pipe, ERROR_INVALID_PARAMETER);
	/* Nobody is impersonated here. */
	if (user)
		return put_pipe(pipe, ERROR_CANNOT_IMPERSONATE);
	cio_lock_take(&pipe->lock);
	if (state)
		*state = (pipe->by_message ? PIPE_READMODE_MESSAGE : 0) |
			 (pipe->nowait ? PIPE_NOWAIT : 0);
	cio_lock_drop(&pipe->lock);
	if (instances)
		*instances = instances_of(pipe);
	return put_pipe(pipe, 0);
}

BOOL WINAPI GetNamedPipeHandleStateA(HANDLE handle, LPDWORD state, LPDWORD instances,
				     LPDWORD collection, LPDWORD timeout, LPSTR user, DWORD size)
{
	CIO_KEEP_ERRNO;

	(void)size;
	return get_state(handle, state, instances, collection, timeout, user);
}

BOOL WINAPI GetNamedPipeHandleStateW(HANDLE handle, LPDWORD state, LPDWORD instances,
				     LPDWORD collection, LPDWORD timeout, LPWSTR user, DWORD size)
{
	CIO_KEEP_ERRNO;

	(void)size;
	return get_state(handle, state, instances, collection, timeout, user);
}

BOOL WINAPI GetNamedPipeInfo(HANDLE handle, LPDWORD flags, LPDWORD out_size, LPDWORD in_size,
			     LPDWORD max_instances)
{
	CIO_KEEP_ERRNO;
	struct cio_pipe *pipe = get_pipe(handle, FILE_READ_ATTRIBUTES);

	if (!pipe)
		return FALSE;
	if (flags)
		*flags = (pipe->server ? PIPE_SERVER_END : PIPE_CLIENT_END) |
			 (pipe->messages ? PIPE_TYPE_MESSAGE : PIPE_TYPE_BYTE);
	if (out_size)
		*out_size = pipe->out_size;
	if (in_size)
		*in_size = pipe->in_size;
	if (max_instances)
		*max_instances = pipe->max_instances;
	return put_pipe(pipe, 0);
}

static BOOL get_process(HANDLE handle, int end, PULONG pid)
{
	struct cio_pipe *pipe = get_pipe(handle, 0);
	DWORD error = 0;

	if (!pipe)
		return FALSE;
	cio_lock_take(&pipe->lock);
	if (!pid)
		error = ERROR_INVALID_PARAMETER;
	else if (pipe->page)
		*pid = pipe->page->pid[end];
	else if (end == 0)
		*pid = GetCurrentProcessId();
	else
		error = ERROR_PIPE_NOT_CONNECTED;
	cio_lock_drop(&pipe->lock);
	return put_pipe(pipe, error);
}

BOOL WINAPI GetNamedPipeServerProcessId(HANDLE handle, PULONG pid)
{
	CIO_KEEP_ERRNO;

	return get_process(handle, 0, pid);
}

BOOL WINAPI GetNamedPipeClientProcessId(HANDLE handle, PULONG pid)
{
	CIO_KEEP_ERRNO;

	return get_process(handle, 1, pid);
}

/* A pipe of the kernel's can be looked into by way of another, which gets a copy. */
static DWORD copy_from_fifo(int fd, char *buffer, DWORD length, DWORD *copied)
{
	int copy[2];
	long n;

	if (pipe2(copy, O_CLOEXEC | O_NONBLOCK) != 0)
		return cio_errno_to_status(errno);
	n = syscall(SYS_tee, fd, copy[1], (size_t)length, SPLICE_F_NONBLOCK);
	if (n > 0)
		n = syscall(SYS_read, copy[0], buffer, (size_t)n);
	*copied = n > 0 ? (DWORD)n : 0;
	syscall(SYS_close, copy[0]);
	syscall(SYS_close, copy[1]);
	return CIO_OK;
}

static DWORD look_into_fifo(struct cio_file *file, char *buffer, DWORD length, DWORD *copied,
			    DWORD *all)
{
	struct pollfd p = { .fd = file->fd, .events = POLLIN };
	struct timespec zero = { 0, 0 };
	int there = 0;

	ioctl(file->fd, FIONREAD, &there);
	*all = (DWORD)there;
	if (there && buffer && length)
		return copy_from_fifo(file->fd, buffer, length, copied);
	/* Empty for good? A writer may have come and gone meanwhile. */
	if (!there && syscall(SYS_ppoll, &p, 1, &zero, NULL, 0) > 0 && p.revents & POLLHUP &&
	    !(p.revents & POLLIN))
		return CIO_PIPE_BROKEN;
	return CIO_OK;
}

static DWORD look_into_pipe(struct cio_pipe *pipe, char *buffer, DWORD length, DWORD *copied,
			    DWORD *all, DWORD *left)
{
	DWORD status;

	cio_lock_take(&pipe->lock);
	if (pipe->state != CIO_PIPE_IS_CONNECTED)
		status = CIO_INVALID_PIPE_STATE;
	else if (atomic_load(&pipe->page->disconnected))
		status = CIO_PIPE_DISCONNECTED;
	else
		status = cio_pipe_look(pipe, buffer, length, copied, all, left);
	cio_lock_drop(&pipe->lock);
	return status;
}

BOOL WINAPI PeekNamedPipe(HANDLE handle, LPVOID buffer, DWORD size, LPDWORD read,
			  LPDWORD available, LPDWORD left)
{
	CIO_KEEP_ERRNO;
	struct cio_file *file = cio_self() ? get_file(handle, FILE_READ_DATA) : NULL;
	DWORD copied = 0, all = 0, rest = 0, status;

	if (!file)
		return FALSE;
	if (file->pipe)
		status = look_into_pipe(file->pipe, buffer, size, &copied, &all, &rest);
	else if (file->type == S_IFIFO)
		status = look_into_fifo(file, buffer, size, &copied, &all);
	else
		status = CIO_INVALID_DEVICE_REQUEST;
	cio_object_put(&file->obj);
	if (!cio_status_ok(status))
		return cio_fail_status(status);
	if (read)
		*read = copied;
	if (available)
		*available = all;
	if (left)
		*left = rest;
	return TRUE;
}
