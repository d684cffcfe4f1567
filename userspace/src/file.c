// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command.h"
#include "file.h"
#include "handle.h"
#include "op.h"
#include "path.h"
#include "ring.h"
#include "status.h"
#include "thread.h"

#define KNOWN_FLAGS \
	(FILE_FLAG_WRITE_THROUGH | FILE_FLAG_OVERLAPPED | FILE_FLAG_NO_BUFFERING | \
	 FILE_FLAG_RANDOM_ACCESS | FILE_FLAG_SEQUENTIAL_SCAN)
#define KNOWN_ATTRIBUTES \
	(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | \
	 FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_TEMPORARY | \
	 FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)
#define KNOWN_SHARES (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define KNOWN_ACCESS \
	(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL | FILE_ALL_ACCESS)

struct open_args {
	const char *path;
	DWORD access, share, disposition, flags;
};

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
	cio_share_leave(file);
	cio_ops_cancel(file, NULL, NULL);
	cio_state_lock();
	cio_thread_each(cancel_sync_on, file);
	cio_state_unlock();
}

static void file_destroy(struct cio_object *obj)
{
	struct cio_file *file = cio_entry(obj, struct cio_file, obj);

	/* Not close(3), which is a point where a thread can be cancelled. */
	if (file->fd >= 0)
		syscall(SYS_close, file->fd);
	free(file);
}

/* Whoever had it busy is not here. */
static void file_after_fork(struct cio_object *obj)
{
	atomic_store(&cio_entry(obj, struct cio_file, obj)->busy, 0);
}

static DWORD check_args(const struct open_args *a)
{
	if (a->access & ~KNOWN_ACCESS || a->share & ~KNOWN_SHARES ||
	    a->flags & ~(KNOWN_FLAGS | KNOWN_ATTRIBUTES))
		return ERROR_INVALID_PARAMETER;
	if (a->disposition < CREATE_NEW || a->disposition > TRUNCATE_EXISTING)
		return ERROR_INVALID_PARAMETER;
	if (a->disposition == TRUNCATE_EXISTING && !(a->access & (GENERIC_WRITE | GENERIC_ALL)))
		return ERROR_INVALID_PARAMETER;
	return 0;
}

static DWORD specific_access(DWORD access)
{
	DWORD a = access & FILE_ALL_ACCESS;

	if (access & (GENERIC_READ))
		a |= FILE_GENERIC_READ;
	if (access & (GENERIC_WRITE))
		a |= FILE_GENERIC_WRITE;
	if (access & GENERIC_EXECUTE)
		a |= FILE_GENERIC_EXECUTE;
	if (access & GENERIC_ALL)
		a |= FILE_ALL_ACCESS;
	/* CreateFile always asks for these two on its own. */
	return a | SYNCHRONIZE | FILE_READ_ATTRIBUTES;
}

static int open_flags(DWORD access, DWORD flags)
{
	bool reads = access & (FILE_READ_DATA | FILE_EXECUTE);
	bool writes = access & (FILE_WRITE_DATA | FILE_APPEND_DATA);
	int f = O_CLOEXEC | O_NOCTTY;

	if (!reads && !writes)
		return f | O_PATH;
	f |= reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
	if ((access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == FILE_APPEND_DATA)
		f |= O_APPEND;
	if (flags & FILE_FLAG_WRITE_THROUGH)
		f |= O_DSYNC;
	if (flags & FILE_FLAG_NO_BUFFERING)
		f |= O_DIRECT;
	return f;
}

/* The open itself: a real system call that CancelSynchronousIo reaches (W-CREATE-1). */
static int do_open(struct cio_thread *self, const char *path, int flags, mode_t mode)
{
	long fd = cio_sync_call(self, SYS_openat, AT_FDCWD, (long)path, flags, (long)mode, 0, 0);

	/* Not every file system and device knows direct I/O; Windows' flag is a wish there. */
	if (fd == -EINVAL && flags & O_DIRECT)
		fd = cio_sync_call(self, SYS_openat, AT_FDCWD, (long)path, flags & ~O_DIRECT,
				   (long)mode, 0, 0);
	return (int)fd;
}

static int do_create(struct cio_thread *self, const struct open_args *a, int flags)
{
	mode_t mode = a->flags & FILE_ATTRIBUTE_READONLY ? 0444 : 0666;

	/* O_PATH and O_CREAT do not go together. */
	if (flags & O_PATH)
		flags = (flags & ~O_PATH) | O_RDONLY;
	return do_open(self, a->path, flags | O_CREAT | O_EXCL, mode);
}

/*
 * Opens or creates as the disposition says. The descriptor or -errno; *existed tells which of the
 * two it was. Whether the file is there is found out by the attempt, never by a look before it.
 */
static int open_or_create(struct cio_thread *self, const struct open_args *a, int flags,
			  bool *existed)
{
	bool may_open = a->disposition != CREATE_NEW;
	bool may_create = a->disposition != OPEN_EXISTING && a->disposition != TRUNCATE_EXISTING;
	int fd = -ENOENT;

	/* Another process may make and remove the file in between, but hardly for ever. */
	for (int tries = 0; tries < 100; tries++) {
		*existed = true;
		if (may_open) {
			fd = do_open(self, a->path, flags, 0);
			if (fd != -ENOENT || !may_create)
				break;
		}
		*existed = false;
		fd = do_create(self, a, flags);
		if (fd != -EEXIST || !may_open)
			break;
	}
	return fd;
}

static DWORD empty_file(int fd)
{
	char self[64];

	/* By name, because the descriptor may be open for reading only. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (ftruncate(fd, 0) != 0 && truncate(self, 0) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	return 0;
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

/* Looks at what was opened. 0, or the Win32 error why it cannot be used. */
static DWORD file_examine(struct cio_thread *self, struct cio_file *file,
			  const struct open_args *a, bool existed)
{
	struct stat st;
	DWORD error = 0;

	if (fstat(file->fd, &st) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	if (S_ISDIR(st.st_mode))
		return ERROR_ACCESS_DENIED;
	file->type = st.st_mode & S_IFMT;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	file->overlapped = a->flags & FILE_FLAG_OVERLAPPED;
	file->seekable = is_seekable(file->fd, file->type);
	if (file->overlapped && file->type == S_IFCHR && file->seekable &&
	    !cio_command_detect(self, file))
		return ERROR_OPERATION_ABORTED;
	if (!cio_share_enter(file))
		return ERROR_SHARING_VIOLATION;
	if (existed && file->type == S_IFREG &&
	    (a->disposition == CREATE_ALWAYS || a->disposition == TRUNCATE_EXISTING))
		error = empty_file(file->fd);
	if (error) {
		cio_share_leave(file);
		return error;
	}
	if (a->flags & FILE_FLAG_RANDOM_ACCESS)
		posix_fadvise(file->fd, 0, 0, POSIX_FADV_RANDOM);
	if (a->flags & FILE_FLAG_SEQUENTIAL_SCAN)
		posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	/*
	 * Where the kernel is old, it is this flag that lets the ring try a pipe or a terminal
	 * and wait for it by poll, rather than block a worker in it.
	 */
	if (file->overlapped && (file->type == S_IFIFO || isatty(file->fd)))
		fcntl(file->fd, F_SETFL, fcntl(file->fd, F_GETFL) | O_NONBLOCK);
	return 0;
}

static DWORD open_error(const struct open_args *a, int err)
{
	if (err == ENOENT && !cio_path_has_parent(a->path))
		return ERROR_PATH_NOT_FOUND;
	if (err == EEXIST)
		return ERROR_FILE_EXISTS;
	return cio_status_to_error(cio_errno_to_status(err));
}

static HANDLE create_file(struct cio_thread *self, const struct open_args *a)
{
	struct cio_file *file = cio_file_new();
	bool existed = false;
	HANDLE handle = NULL;
	DWORD error;

	if (!file) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return INVALID_HANDLE_VALUE;
	}
	file->access = specific_access(a->access);
	file->share = a->share;
	cio_sync_begin(self, NULL, NULL);
	file->fd = open_or_create(self, a, open_flags(file->access, a->flags), &existed);
	cio_sync_end(self);

	error = file->fd < 0 ? open_error(a, -file->fd) : file_examine(self, file, a, existed);
	if (!error) {
		handle = cio_handle_new(&file->obj, file->access);
		if (!handle) {
			cio_share_leave(file);
			error = ERROR_NOT_ENOUGH_MEMORY;
		}
	}
	cio_object_put(&file->obj);
	if (error) {
		cio_fail(error);
		return INVALID_HANDLE_VALUE;
	}
	if (a->disposition == CREATE_ALWAYS || a->disposition == OPEN_ALWAYS)
		cio_fail(existed ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
	return handle;
}

HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security,
			  DWORD disposition, DWORD flags, HANDLE template)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_ring *ring;
	char path[PATH_MAX];
	struct open_args a = { path, access, share, disposition, flags };
	DWORD error;
	int err;

	(void)security; /* no security here, and nothing inherits */
	if (!self)
		return INVALID_HANDLE_VALUE;
	error = name && *name ? check_args(&a) : ERROR_PATH_NOT_FOUND;
	/* Attributes to copy from a template matter only where a file can be created. */
	if (!error && template && disposition != OPEN_EXISTING && disposition != TRUNCATE_EXISTING)
		error = ERROR_NOT_SUPPORTED;
	if (!error && flags & FILE_FLAG_OVERLAPPED)
		error = cio_ring_get(&ring);
	if (!error) {
		err = cio_path_from_name(name, path);
		error = cio_status_to_error(err ? cio_errno_to_status(err) : CIO_OK);
	}
	if (error) {
		cio_fail(error);
		return INVALID_HANDLE_VALUE;
	}
	return create_file(self, &a);
}
