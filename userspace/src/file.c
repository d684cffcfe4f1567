// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "npipe.h"
#include "op.h"
#include "share.h"
#include "port.h"
#include "status.h"
#include "thread.h"

static void file_last_handle(struct cio_object *obj);
static void file_destroy(struct cio_object *obj);
static void file_after_fork(struct cio_object *obj);

/*
 * A synchronous file is signalled while it has nothing to do (W-EVT-2), which its `busy` says; that
 * somebody waits for it is left there, for him who has it.
 */
static bool file_ready(const struct cio_object *obj, const struct cio_thread *thread)
{
	struct cio_file *file = cio_entry(obj, struct cio_file, obj);
	unsigned int busy = 1;

	(void)thread;
	if (file->overlapped)
		return obj->signalled;
	return !atomic_compare_exchange_strong(&file->busy, &busy, 2) && busy == 0;
}

const struct cio_class cio_file_class = {
	.name = "file",
	.all = FILE_ALL_ACCESS,
	.read = FILE_GENERIC_READ,
	.write = FILE_GENERIC_WRITE,
	.execute = FILE_GENERIC_EXECUTE,
	.last_handle = file_last_handle,
	.destroy = file_destroy,
	.ready = file_ready,
	.after_fork = file_after_fork,
};

struct cio_file *cio_file_new(void)
{
	struct cio_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	cio_object_init(&file->obj, &cio_file_class, true);
	cio_list_init(&file->ops);
	cio_list_init(&file->lanes[0].waiting);
	cio_list_init(&file->lanes[1].waiting);
	cio_list_init(&file->lanes[2].waiting);
	cio_list_init(&file->sharing);
	file->fd = -1;
	return file;
}

static void cancel_sync_on(struct cio_thread *thread, void *arg)
{
	cio_sync_cancel(thread, arg, NULL);
}

/*
 * What a driver's cleanup does: the requests that are left are given back (W-CLOSE-2). One that has
 * found its file, but has not started yet, would come too late for that: it does not start.
 */
static void file_last_handle(struct cio_object *obj)
{
	struct cio_file *file = cio_entry(obj, struct cio_file, obj);

	cio_state_lock();
	atomic_store(&file->closed, true);
	cio_state_unlock();
	if (file->pipe)
		cio_pipe_close(file->pipe);
	cio_share_leave(file);
	cio_ops_cancel(file, NULL, NULL);
	cio_state_lock();
	cio_thread_each(cancel_sync_on, file);
	cio_state_unlock();
}

static void file_destroy(struct cio_object *obj)
{
	CIO_KEEP_ERRNO;
	struct cio_file *file = cio_entry(obj, struct cio_file, obj);

	/* Not close(3), which is a point where a thread can be cancelled. */
	if (file->fd >= 0)
		syscall(SYS_close, file->fd);
	/* An operation may be at its end, and have given up its reference: see op_finish(). */
	cio_state_lock();
	cio_state_unlock();
	cio_port_unbind(file);
	if (file->pipe)
		cio_pipe_free(file->pipe);
	free(file->doom);
	free(file->spare);
	free(file);
}

/* Whoever had it busy is not here. */
static void file_after_fork(struct cio_object *obj)
{
	struct cio_file *file = cio_entry(obj, struct cio_file, obj);

	atomic_store(&file->busy, 0);
	atomic_store(&file->flushes, 0);
	if (file->pipe)
		cio_pipe_after_fork(file->pipe);
}

/*
 * Whether offsets mean something. Some character devices accept any seek and stay where they are, so
 * that only one that has moved is believed.
 */
static bool is_seekable(int fd, mode_t type)
{
	bool moved;

	if (lseek(fd, 0, SEEK_CUR) < 0)
		return false;
	if (type != S_IFCHR)
		return true;
	moved = lseek(fd, 1, SEEK_SET) == 1 && lseek(fd, 0, SEEK_CUR) == 1;
	lseek(fd, 0, SEEK_SET);
	return moved;
}

bool cio_file_examine(struct cio_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) != 0)
		return false;
	file->type = st.st_mode & S_IFMT;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	file->seekable = !file->host_position && is_seekable(file->fd, file->type);
	/* A terminal may be a serial line; these two are what a console is to a program. */
	file->console = S_ISCHR(st.st_mode) && (st.st_rdev == makedev(5, 0) ||
						(file->host_position && isatty(file->fd)));
	return true;
}

HANDLE cio_file_adopt(int fd, DWORD access, bool host_position)
{
	struct cio_file *file = cio_file_new();
	HANDLE handle = NULL;

	if (!file) {
		syscall(SYS_close, fd);
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	file->fd = fd;
	file->host_position = host_position;
	file->access = access;
	file->share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
	if (!cio_file_examine(file))
		cio_fail(ERROR_INVALID_HANDLE);
	else if (!(handle = cio_handle_new(&file->obj, access)))
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
	cio_object_put(&file->obj);
	return handle;
}

void cio_file_proc(const struct cio_file *file, char path[CIO_FILE_PROC])
{
	snprintf(path, CIO_FILE_PROC, "/proc/self/fd/%d", file->fd);
}
