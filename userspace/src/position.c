// SPDX-License-Identifier: MIT
/*
 * The file pointer, and the file's size and kind (W-CREATE-4, -5). As on Windows, everything has a
 * pointer; that of a pipe or an overlapped file is kept, and no request looks at it.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "rw.h"
#include "status.h"
#include "thread.h"

/* How many bytes there are to read: of a file, a device, a pipe. 0, or the Win32 error. */
static DWORD file_size(const struct cio_file *file, uint64_t *size)
{
	struct stat st;
	off_t end;
	int ready;

	if (file->type == S_IFIFO) {
		*size = ioctl(file->fd, FIONREAD, &ready) == 0 ? (uint64_t)ready : 0;
		return 0;
	}
	if (fstat(file->fd, &st) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	*size = (uint64_t)st.st_size;
	/* A device's size is where its end is. No request uses the descriptor's own position. */
	if (file->seekable && file->type != S_IFREG && file->type != S_IFDIR) {
		end = lseek(file->fd, 0, SEEK_END);
		*size = end > 0 ? (uint64_t)end : 0;
	}
	return 0;
}

static DWORD seek_own(struct cio_file *file, int64_t distance, DWORD method, uint64_t *result)
{
	uint64_t base = 0;
	int64_t place;
	DWORD error = 0;

	if (method == FILE_CURRENT)
		base = file->position;
	else if (method == FILE_END)
		error = file_size(file, &base);
	if (error)
		return error;
	if (__builtin_add_overflow((int64_t)base, distance, &place))
		return distance < 0 ? ERROR_NEGATIVE_SEEK : ERROR_INVALID_PARAMETER;
	if (place < 0)
		return ERROR_NEGATIVE_SEEK;
	*result = (uint64_t)place;
	return 0;
}

/* The position of a standard handle is the one that it shares with whoever else has it. */
static DWORD seek_host(const struct cio_file *file, int64_t distance, DWORD method, bool move,
		       uint64_t *result)
{
	static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END };
	off_t was = lseek(file->fd, 0, SEEK_CUR), place;

	if (was < 0)
		return ERROR_INVALID_FUNCTION;
	place = lseek(file->fd, distance, whence[method]);
	if (place < 0)
		return ERROR_NEGATIVE_SEEK;
	if (!move)
		lseek(file->fd, was, SEEK_SET);
	*result = (uint64_t)place;
	return 0;
}

/*
 * Between the requests of a synchronous file, never in the middle of one (W-CREATE-4): so it waits for
 * one that is blocked, and can be cancelled as that can.
 */
static DWORD seek(struct cio_file *file, int64_t distance, DWORD method, bool narrow,
		  uint64_t *result)
{
	struct cio_thread *self = cio_self();
	DWORD error;

	if (!self)
		return ERROR_NOT_ENOUGH_MEMORY;
	cio_sync_begin(self, file, NULL);
	error = cio_status_to_error(cio_sync_lock_file(self, file));
	if (!error) {
		if (file->host_position)
			error = seek_host(file, distance, method, !narrow, result);
		else
			error = seek_own(file, distance, method, result);
		/* Who asks for 32 bits is not moved to where these do not tell. */
		if (!error && narrow && *result >> 32)
			error = ERROR_INVALID_PARAMETER;
		if (!error && file->host_position && narrow)
			error = seek_host(file, distance, method, true, result);
		if (!error)
			file->position = *result;
		cio_sync_unlock_file(file);
	}
	cio_sync_end(self);
	return error;
}

static BOOL move_pointer(HANDLE handle, int64_t distance, DWORD method, bool narrow,
			 uint64_t *result)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, 0);
	struct cio_file *file;
	DWORD error;

	if (!obj)
		return FALSE;
	file = cio_entry(obj, struct cio_file, obj);
	if (method > FILE_END)
		error = ERROR_INVALID_PARAMETER;
	else
		error = seek(file, distance, method, narrow, result);
	cio_object_put(obj);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI SetFilePointerEx(HANDLE handle, LARGE_INTEGER distance, PLARGE_INTEGER pointer,
			     DWORD method)
{
	CIO_KEEP_ERRNO;
	uint64_t result = 0;

	if (!move_pointer(handle, distance.QuadPart, method, false, &result))
		return FALSE;
	if (pointer)
		pointer->QuadPart = (LONGLONG)result;
	return TRUE;
}

/* A low half that looks like the failure is told from it by the last error. */
static DWORD low_half(uint64_t value)
{
	if ((DWORD)value == INVALID_SET_FILE_POINTER)
		cio_fail(ERROR_SUCCESS);
	return (DWORD)value;
}

DWORD WINAPI SetFilePointer(HANDLE handle, LONG low, PLONG high, DWORD method)
{
	CIO_KEEP_ERRNO;
	int64_t distance = low;
	uint64_t result = 0;

	if (high)
		distance = (int64_t)((uint64_t)*high << 32 | (DWORD)low);
	if (!move_pointer(handle, distance, method, !high, &result))
		return INVALID_SET_FILE_POINTER;
	if (high)
		*high = (LONG)(result >> 32);
	return low_half(result);
}

static BOOL get_size(HANDLE handle, uint64_t *size)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, 0);
	DWORD error;

	if (!obj)
		return FALSE;
	error = file_size(cio_entry(obj, struct cio_file, obj), size);
	cio_object_put(obj);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI GetFileSizeEx(HANDLE handle, PLARGE_INTEGER size)
{
	CIO_KEEP_ERRNO;
	uint64_t value;

	if (!size)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (!get_size(handle, &value))
		return FALSE;
	size->QuadPart = (LONGLONG)value;
	return TRUE;
}

DWORD WINAPI GetFileSize(HANDLE handle, LPDWORD high)
{
	CIO_KEEP_ERRNO;
	uint64_t value;

	if (!get_size(handle, &value))
		return INVALID_FILE_SIZE;
	if (high)
		*high = (DWORD)(value >> 32);
	return low_half(value);
}

static DWORD cut_or_extend(struct cio_thread *self, struct cio_file *file)
{
	uint64_t place = file->position;
	DWORD error = 0;
	long ret;

	if (file->type != S_IFREG)
		return ERROR_INVALID_FUNCTION;
	if (file->host_position)
		error = seek_host(file, 0, FILE_CURRENT, false, &place);
	if (error)
		return error;
	ret = cio_sync_call(self, SYS_ftruncate, file->fd, (long)place, 0, 0, 0, 0);
	return ret < 0 ? cio_status_to_error(cio_errno_to_status((int)-ret)) : 0;
}

BOOL WINAPI SetEndOfFile(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_object *obj;
	struct cio_file *file;
	DWORD error;

	if (!self)
		return FALSE;
	obj = cio_handle_get(handle, &cio_file_class, FILE_WRITE_DATA);
	if (!obj)
		return FALSE;
	file = cio_entry(obj, struct cio_file, obj);
	cio_sync_begin(self, file, NULL);
	error = cio_status_to_error(cio_sync_lock_file(self, file));
	if (!error) {
		error = cut_or_extend(self, file);
		cio_sync_unlock_file(file);
	}
	cio_sync_end(self);
	cio_object_put(obj);
	return error ? cio_fail(error) : TRUE;
}

DWORD WINAPI GetFileType(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, 0);
	DWORD type = FILE_TYPE_DISK;

	if (!obj)
		return FILE_TYPE_UNKNOWN;
	switch (cio_entry(obj, struct cio_file, obj)->type) {
	case S_IFCHR:
		type = FILE_TYPE_CHAR;
		break;
	case S_IFIFO:
	case S_IFSOCK:
		type = FILE_TYPE_PIPE;
		break;
	}
	cio_object_put(obj);
	return type;
}
