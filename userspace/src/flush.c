// SPDX-License-Identifier: MIT
/* FlushFileBuffers: a synchronous request whatever the handle is (W-FLUSH-1, -2). */
#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "npipe.h"
#include "rw.h"
#include "status.h"
#include "sync.h"
#include "thread.h"

#ifndef TCSBRK
#define TCSBRK 0x5409
#endif

/*
 * Nothing tells a pipe's writer that all has been read: poll only knows that there is room. But each
 * read is an event for who watches the pipe's inode, and so is the reader's end.
 */
static DWORD wait_until_read(struct cio_thread *self, const struct cio_file *file, int events)
{
	struct pollfd p[2] = { { .fd = events, .events = POLLIN }, { .fd = file->fd } };
	char buf[4096] __attribute__((aligned(8)));
	char name[CIO_FILE_PROC];
	long n;

	cio_file_proc(file, name);
	if (inotify_add_watch(events, name, IN_ACCESS | IN_CLOSE) < 0)
		return cio_errno_to_status(errno);
	/* Watched first, looked at then: what is read in between is an event that waits. */
	while (!cio_pipe_is_empty(file)) {
		if (!cio_pipe_has_reader(file))
			return CIO_PIPE_BROKEN;
		n = cio_sync_call(self, SYS_ppoll, (long)p, 2, 0, 0, 0, 0);
		if (n < 0)
			return cio_errno_to_status((int)-n);
		n = syscall(SYS_read, events, buf, sizeof(buf));
		(void)n;
	}
	return CIO_OK;
}

static DWORD flush_pipe(struct cio_thread *self, const struct cio_file *file)
{
	DWORD status;
	int events;

	/* What nobody can read any more is lost already. */
	if (cio_pipe_is_empty(file) || !cio_pipe_has_reader(file))
		return CIO_OK;
	events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (events < 0)
		return cio_errno_to_status(errno);
	status = wait_until_read(self, file, events);
	syscall(SYS_close, events);
	return status;
}

/* A line's output is sent (W-FLUSH-2); a device that has nothing to flush cannot be asked to. */
static DWORD flush_device(struct cio_thread *self, const struct cio_file *file)
{
	long ret;

	if (isatty(file->fd))
		ret = cio_sync_call(self, SYS_ioctl, file->fd, TCSBRK, 1, 0, 0, 0);
	else
		ret = cio_sync_call(self, SYS_fsync, file->fd, 0, 0, 0, 0, 0);
	if (ret == -EINVAL)
		return CIO_INVALID_DEVICE_REQUEST;
	return ret < 0 ? cio_errno_to_status((int)-ret) : CIO_OK;
}

static DWORD flush(struct cio_thread *self, struct cio_file *file)
{
	if (file->pipe)
		return cio_pipe_flush(self, file->pipe);
	return file->type == S_IFIFO ? flush_pipe(self, file) : flush_device(self, file);
}

/* On a synchronous file it waits for its turn as any request does (W-CREATE-4). */
static DWORD flush_in_turn(struct cio_thread *self, struct cio_file *file)
{
	DWORD status = cio_sync_lock_file(self, file);

	if (status == CIO_OK) {
		status = flush(self, file);
		cio_sync_unlock_file(file);
	}
	return status;
}

static DWORD run(struct cio_thread *self, struct cio_file *file)
{
	DWORD status;

	atomic_fetch_add(&file->flushes, 1);
	cio_sync_begin(self, file, NULL);
	/* From here on the last close finds us; if it has been before, it is told from here. */
	if (atomic_load(&file->closed))
		status = CIO_INVALID_HANDLE;
	else
		status = file->overlapped ? flush(self, file) : flush_in_turn(self, file);
	cio_sync_end(self);
	atomic_fetch_sub(&file->flushes, 1);
	return status;
}

BOOL WINAPI FlushFileBuffers(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_handle *h;
	struct cio_file *file;
	DWORD status;

	if (!self)
		return FALSE;
	h = cio_handle_pin_as(handle, &cio_file_class, 0);
	if (!h)
		return FALSE;
	file = cio_entry(h->obj, struct cio_file, obj);
	if (!(h->access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		status = CIO_ACCESS_DENIED;
	else if (file->console)
		status = CIO_INVALID_HANDLE;
	else
		status = run(self, file);
	cio_handle_unpin(h);
	return cio_status_ok(status) ? TRUE : cio_fail_status(status);
}
