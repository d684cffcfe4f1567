// SPDX-License-Identifier: MIT
/* CreateFile (W-CREATE): what is asked for, the open itself, and a look at what it opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command.h"
#include "file.h"
#include "handle.h"
#include "npipe.h"
#include "path.h"
#include "ring.h"
#include "share.h"
#include "status.h"
#include "thread.h"

#define KNOWN_SHARES (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define KNOWN_ACCESS \
	(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL | FILE_ALL_ACCESS | \
	 MAXIMUM_ALLOWED | ACCESS_SYSTEM_SECURITY)

#define READS (FILE_READ_DATA | FILE_EXECUTE)
#define WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA)

struct open_args {
	const char *path;
	DWORD access, share, disposition, flags;
	bool inherits;
	const char *pipe; /* it is a named pipe; NULL: it is not */
	mode_t mode; /* of a file that is created; 0: as the attributes say */
	bool within; /* a synchronous call of the caller's, of which this is a part */
};

/* Of the flags and attributes, those that are not known here or mean nothing are wishes (W-CREATE-7). */
static DWORD check_args(const struct open_args *a)
{
	if (a->share & ~KNOWN_SHARES)
		return ERROR_INVALID_PARAMETER;
	if (a->disposition < CREATE_NEW || a->disposition > TRUNCATE_EXISTING)
		return ERROR_INVALID_PARAMETER;
	if (a->disposition == TRUNCATE_EXISTING && !(a->access & (GENERIC_WRITE | GENERIC_ALL)))
		return ERROR_INVALID_PARAMETER;
	/* Rights that there are not are nobody's to give. */
	return a->access & ~KNOWN_ACCESS ? ERROR_ACCESS_DENIED : 0;
}

static DWORD specific_access(const struct open_args *a)
{
	DWORD access = cio_map_generic(&cio_file_class, a->access) & FILE_ALL_ACCESS;

	if (a->flags & FILE_FLAG_DELETE_ON_CLOSE)
		access |= DELETE;
	/* CreateFile always asks for these two on its own. */
	return access | SYNCHRONIZE | FILE_READ_ATTRIBUTES;
}

static int open_flags(DWORD access, DWORD flags)
{
	bool reads = access & READS, writes = access & WRITES;
	int f = O_CLOEXEC | O_NOCTTY;

	if (flags & FILE_FLAG_OPEN_REPARSE_POINT)
		f |= O_NOFOLLOW;
	if (!reads && !writes)
		return f | O_PATH;
	f |= reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
	if ((access & WRITES) == FILE_APPEND_DATA)
		f |= O_APPEND;
	if (flags & FILE_FLAG_WRITE_THROUGH)
		f |= O_DSYNC;
	if (flags & FILE_FLAG_NO_BUFFERING)
		f |= O_DIRECT;
	return f;
}

/* The open itself: a real system call that CancelSynchronousIo reaches (W-CREATE-1). */
static int try_open(struct cio_thread *self, const char *path, int flags, mode_t mode)
{
	return (int)cio_sync_call(self, SYS_openat, AT_FDCWD, (long)path, flags, (long)mode, 0, 0);
}

/* What exists. The ways on from an error are those where Windows' flag asks for less than ours. */
static int do_open(struct cio_thread *self, const struct open_args *a, int flags)
{
	int fd = try_open(self, a->path, flags, 0);

	/* Not every file system and device knows direct I/O; Windows' flag is a wish there. */
	if (fd == -EINVAL && flags & O_DIRECT)
		fd = try_open(self, a->path, flags & ~O_DIRECT, 0);
	/* The right to write to a directory is one to create files in it. */
	if (fd == -EISDIR && a->flags & FILE_FLAG_BACKUP_SEMANTICS)
		fd = try_open(self, a->path, O_DIRECTORY | O_CLOEXEC | (flags & O_NOFOLLOW), 0);
	/* A link to be opened itself has no data. */
	if (fd == -ELOOP && flags & O_NOFOLLOW)
		fd = try_open(self, a->path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0);
	if ((fd == -EACCES || fd == -EROFS) && a->access & MAXIMUM_ALLOWED)
		fd = try_open(self, a->path, (flags & ~O_ACCMODE) | O_RDONLY, 0);
	return fd;
}

static int do_create(struct cio_thread *self, const struct open_args *a, int flags, int exclusive)
{
	mode_t mode = a->mode ? a->mode : a->flags & FILE_ATTRIBUTE_READONLY ? 0444 : 0666;
	int fd;

	/* O_PATH and O_CREAT do not go together. */
	if (flags & O_PATH)
		flags = (flags & ~O_PATH) | O_RDONLY;
	fd = try_open(self, a->path, (flags & ~O_DIRECT) | O_CREAT | exclusive, mode);
	/* Some file systems say only when the file is there that they know no direct I/O. */
	if (fd >= 0 && flags & O_DIRECT)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_DIRECT);
	return fd;
}

static bool is_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool creates(const struct open_args *a)
{
	return a->disposition != OPEN_EXISTING && a->disposition != TRUNCATE_EXISTING;
}

/*
 * Opens or creates as the disposition says. The descriptor or -errno; *existed tells which of the
 * two it was. Whether the file is there is found out by the attempt, never by a look before it.
 */
static int open_or_create(struct cio_thread *self, const struct open_args *a, int flags,
			  bool *existed)
{
	/* A device is opened, whatever the disposition: its driver takes no notice of it. */
	bool may_open = a->disposition != CREATE_NEW || is_device(a->path);
	bool may_create = creates(a);
	int fd = -ENOENT;

	/* Another process may make and remove the file in between, but hardly for ever. */
	for (int tries = 0; tries < 100; tries++) {
		*existed = true;
		if (may_open) {
			fd = do_open(self, a, flags);
			if (fd != -ENOENT || !may_create)
				break;
		}
		*existed = false;
		/* Through a link that leads nowhere a file is created where it leads. */
		fd = do_create(self, a, flags, tries && may_open && is_link(a->path) ? 0 : O_EXCL);
		if (fd != -EEXIST || !may_open)
			break;
	}
	return fd;
}

static bool empties(const struct open_args *a)
{
	return a->disposition == CREATE_ALWAYS || a->disposition == TRUNCATE_EXISTING;
}

static DWORD empty_file(const struct cio_file *file)
{
	char self[CIO_FILE_PROC];

	/* By name, because the descriptor may be open for reading only. */
	cio_file_proc(file, self);
	if (ftruncate(file->fd, 0) != 0 && truncate(self, 0) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	return 0;
}

/*
 * What Windows forbids and Linux may allow: a directory where a file is meant, and changes of a file
 * that is read-only, which Linux allows to root.
 */
static DWORD check_kind(const struct cio_file *file, const struct open_args *a, bool existed)
{
	struct stat st;

	if (S_ISDIR(file->type)) {
		if (a->flags & FILE_FLAG_BACKUP_SEMANTICS)
			return empties(a) ? ERROR_ALREADY_EXISTS : 0;
		return cio_path_ends_in_slash(a->path) ? ERROR_PATH_NOT_FOUND : ERROR_ACCESS_DENIED;
	}
	if (!existed || !S_ISREG(file->type))
		return 0;
	if (file->access & WRITES || empties(a) || a->flags & FILE_FLAG_DELETE_ON_CLOSE)
		if (fstat(file->fd, &st) == 0 && !(st.st_mode & 0222))
			return ERROR_ACCESS_DENIED;
	return 0;
}

/* FILE_FLAG_DELETE_ON_CLOSE is a promise, so what keeping it needs is got now (W-CREATE-8). */
static DWORD prepare_delete(struct cio_file *file, const struct open_args *a)
{
	if (!(a->flags & FILE_FLAG_DELETE_ON_CLOSE))
		return 0;
	if (S_ISCHR(file->type) || S_ISBLK(file->type))
		return ERROR_ACCESS_DENIED;
	file->doom = cio_share_name(a->path);
	return file->doom ? 0 : cio_status_to_error(cio_errno_to_status(errno));
}

static void set_modes(const struct cio_file *file, const struct open_args *a)
{
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
}

/* Its name went between the open and cio_share_enter: that came too late for a deleted file. */
static bool was_deleted(const struct cio_file *file, const char *path)
{
	struct stat st;

	if (fstat(file->fd, &st) != 0 || st.st_nlink)
		return false;
	/* Some paths lead to what has no name. */
	return stat(path, &st) != 0 || st.st_ino != file->inode || st.st_dev != file->device;
}

static void withdraw(struct cio_file *file)
{
	/* Not opened after all, so what was to go with it stays. */
	free(file->doom);
	file->doom = NULL;
	cio_share_leave(file);
}

/* Looks at what was opened. 0, or the Win32 error why it cannot be used. */
static DWORD look_at(struct cio_thread *self, struct cio_file *file, const struct open_args *a,
		     bool existed)
{
	DWORD error;

	if (!cio_file_examine(file))
		return cio_status_to_error(cio_errno_to_status(errno));
	file->roundabout = file->overlapped = a->flags & FILE_FLAG_OVERLAPPED;
	error = check_kind(file, a, existed);
	if (error)
		return error;
	if (file->overlapped && file->type == S_IFCHR && file->seekable &&
	    !cio_command_detect(self, file))
		return ERROR_OPERATION_ABORTED;
	error = prepare_delete(file, a);
	if (!error)
		error = cio_share_enter(file);
	if (!error && file->type == S_IFREG) {
		if (was_deleted(file, a->path))
			error = ERROR_ACCESS_DENIED;
		else if (existed && empties(a))
			error = empty_file(file);
		if (error)
			withdraw(file);
	}
	if (!error)
		set_modes(file, a);
	return error;
}

static DWORD open_error(const struct open_args *a, int err)
{
	struct stat st;

	if (err == EEXIST)
		return cio_share_is_doomed(a->path) ? ERROR_ACCESS_DENIED : ERROR_FILE_EXISTS;
	/* A directory where a file is meant, or a file that is to have a slash in its name. */
	if (err == EISDIR && cio_path_ends_in_slash(a->path))
		return stat(a->path, &st) == 0 ? ERROR_PATH_NOT_FOUND : ERROR_INVALID_NAME;
	return cio_path_slash_error(a->path, err);
}

/* 0 and a handle, or the Win32 error; *existed: what was opened was there before. */
static DWORD open_handle(struct cio_thread *self, const struct open_args *a, HANDLE *handle,
			 bool *existed, bool *device)
{
	struct cio_file *file = cio_file_new();
	DWORD error;

	if (!file)
		return ERROR_NOT_ENOUGH_MEMORY;
	/* Before there is a new file, for which it could be too little. */
	if (creates(a) && !(cio_share_prepare(file) && cio_handle_room())) {
		cio_object_put(&file->obj);
		return ERROR_NOT_ENOUGH_MEMORY;
	}
	file->access = specific_access(a);
	file->share = a->share;
	if (!a->within)
		cio_sync_begin(self, NULL, NULL);
	file->fd = open_or_create(self, a, open_flags(file->access, a->flags), existed);
	if (!a->within)
		cio_sync_end(self);

	error = file->fd < 0 ? open_error(a, -file->fd) : look_at(self, file, a, *existed);
	if (!error) {
		*handle = cio_handle_new(&file->obj, file->access);
		if (!*handle) {
			cio_share_leave(file);
			error = ERROR_NOT_ENOUGH_MEMORY;
		}
	}
	*device = file->type == S_IFCHR;
	cio_object_put(&file->obj);
	return error;
}

static HANDLE open_file(struct cio_thread *self, const struct open_args *a)
{
	bool existed = false, device = false;
	HANDLE handle = NULL;
	DWORD error = open_handle(self, a, &handle, &existed, &device);

	if (error) {
		cio_fail(error);
		return INVALID_HANDLE_VALUE;
	}
	if (a->inherits)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	/* Success says something, too. A device is there, but has not been emptied. */
	if (existed && (a->disposition == OPEN_ALWAYS || (a->disposition == CREATE_ALWAYS && !device)))
		cio_fail(ERROR_ALREADY_EXISTS);
	else
		cio_fail(ERROR_SUCCESS);
	return handle;
}

DWORD cio_file_open(struct cio_thread *self, const struct cio_open *open, HANDLE *handle,
		    bool *existed)
{
	struct open_args a = { open->path,  open->access, open->share, open->disposition,
			       open->flags, false,	  NULL,	       open->mode,
			       true };
	bool device;

	*existed = false;
	return open_handle(self, &a, handle, existed, &device);
}

/* The file that a new one is to take its attributes from. */
static DWORD use_template(struct open_args *a, HANDLE template)
{
	struct cio_object *obj;
	struct stat st;

	/* Where nothing can be created it is not looked at. */
	if (!template || a->disposition == OPEN_EXISTING || a->disposition == TRUNCATE_EXISTING)
		return 0;
	obj = cio_handle_get(template, &cio_file_class, 0);
	if (!obj)
		return GetLastError();
	if (fstat(cio_entry(obj, struct cio_file, obj)->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    !(st.st_mode & 0222))
		a->flags |= FILE_ATTRIBUTE_READONLY;
	cio_object_put(obj);
	return 0;
}

static HANDLE open_pipe(struct cio_thread *self, const struct open_args *a)
{
	HANDLE handle = cio_pipe_open(self, a->pipe, specific_access(a), a->flags);

	if (handle != INVALID_HANDLE_VALUE && a->inherits)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	return handle;
}

static HANDLE create_file(DWORD error, struct open_args *a, HANDLE template)
{
	struct cio_thread *self = cio_self();
	struct cio_ring *ring;

	if (!self)
		return INVALID_HANDLE_VALUE;
	if (!error)
		error = check_args(a);
	if (!error)
		error = use_template(a, template);
	if (!error && a->flags & FILE_FLAG_OVERLAPPED)
		error = cio_ring_get(&ring);
	if (error) {
		cio_fail(error);
		return INVALID_HANDLE_VALUE;
	}
	return a->pipe ? open_pipe(self, a) : open_file(self, a);
}

/* Of the security there is nothing here; and the flag is kept, though nothing inherits. */
static bool wants_heirs(const SECURITY_ATTRIBUTES *security)
{
	return security && security->bInheritHandle;
}

static DWORD name_from_ansi(struct open_args *a, char *path, char *pipe, LPCSTR name)
{
	DWORD error = cio_path_from_ansi(name, path);

	/* Named pipes are no files, and have no paths. */
	if (error != ERROR_FILE_NOT_FOUND || cio_pipe_name_from_ansi(pipe, name) != 0)
		return error;
	a->pipe = pipe;
	return 0;
}

static DWORD name_from_wide(struct open_args *a, char *path, char *pipe, LPCWSTR name)
{
	DWORD error = cio_path_from_wide(name, path);

	if (error != ERROR_FILE_NOT_FOUND || cio_pipe_name_from_wide(pipe, name) != 0)
		return error;
	a->pipe = pipe;
	return 0;
}

HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security,
			  DWORD disposition, DWORD flags, HANDLE template)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX], pipe[CIO_PIPE_NAME];
	struct open_args a = { path,  access, share, disposition, flags, wants_heirs(security),
			       NULL,  0,      false };

	return create_file(name_from_ansi(&a, path, pipe, name), &a, template);
}

HANDLE WINAPI CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES security,
			  DWORD disposition, DWORD flags, HANDLE template)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX], pipe[CIO_PIPE_NAME];
	struct open_args a = { path,  access, share, disposition, flags, wants_heirs(security),
			       NULL,  0,      false };

	return create_file(name_from_wide(&a, path, pipe, name), &a, template);
}

HANDLE WINAPI CreateFile2(LPCWSTR name, DWORD access, DWORD share, DWORD disposition,
			  LPCREATEFILE2_EXTENDED_PARAMETERS more)
{
	CIO_KEEP_ERRNO;
	char path[PATH_MAX], pipe[CIO_PIPE_NAME];
	struct open_args a = { path, access, share, disposition, 0, false, NULL, 0, false };

	if (more && more->dwSize < sizeof(*more)) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return INVALID_HANDLE_VALUE;
	}
	if (more) {
		a.flags = more->dwFileAttributes | more->dwFileFlags | more->dwSecurityQosFlags;
		a.inherits = wants_heirs(more->lpSecurityAttributes);
	}
	return create_file(name_from_wide(&a, path, pipe, name), &a, more ? more->hTemplateFile : NULL);
}
