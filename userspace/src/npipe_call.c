// SPDX-License-Identifier: MIT
/* TransactNamedPipe and CallNamedPipe: a message, and the answer to it. */
#include "handle.h"
#include "npipe.h"
#include "rw.h"
#include "thread.h"

/* Only between ends that speak in messages, and with nothing left from before. */
static DWORD check_talk(struct cio_pipe *pipe)
{
	DWORD status = CIO_OK, error = 0;

	cio_lock_take(&pipe->lock);
	if (!pipe->by_message || pipe->direction != PIPE_ACCESS_DUPLEX)
		error = ERROR_BAD_PIPE;
	else if (pipe->state == CIO_PIPE_IS_CONNECTED && cio_pipe_has_bytes(pipe))
		status = CIO_PIPE_BUSY;
	cio_lock_drop(&pipe->lock);
	return error ? error : cio_status_to_error(status);
}

/* In an overlapped transaction, too, it is the call that waits for room. */
static DWORD send_message(struct cio_thread *self, struct cio_pipe *pipe, void *message,
			  DWORD length)
{
	struct cio_request req = {
		.file = pipe->file, .write = 1, .buffer = message, .length = length
	};
	DWORD bytes = 0, status;

	atomic_fetch_add(&pipe->file->flushes, 1);
	cio_sync_begin(self, pipe->file, NULL);
	status = cio_pipe_transfer(self, &req, &bytes);
	cio_sync_end(self);
	atomic_fetch_sub(&pipe->file->flushes, 1);
	if (status == CIO_OK && bytes < length)
		status = CIO_CANCELLED;
	return cio_status_to_error(status);
}

static BOOL transact(struct cio_thread *self, struct cio_pipe *pipe, void *message, DWORD length,
		     struct cio_request *reply, DWORD *bytes)
{
	LPOVERLAPPED ov = reply->overlapped;
	HANDLE event = ov ? (HANDLE)((ULONG_PTR)ov->hEvent & ~(ULONG_PTR)3) : NULL;
	DWORD error, ignored;

	if (ov) /* W-OVL-2 */
		__atomic_store_n(&ov->Internal, STATUS_PENDING, __ATOMIC_RELAXED);
	error = check_talk(pipe);
	if (!error)
		error = send_message(self, pipe, message, length);
	if (error)
		return cio_fail(error);
	return cio_request_run(self, reply, event, bytes ? bytes : &ignored);
}

BOOL WINAPI TransactNamedPipe(HANDLE handle, LPVOID message, DWORD length, LPVOID buffer,
			      DWORD size, LPDWORD bytes, LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	struct cio_request reply = { .overlapped = overlapped, .buffer = buffer, .length = size };
	struct cio_thread *self = cio_self();
	struct cio_object *obj;
	BOOL ok;

	if (!self)
		return FALSE;
	if (bytes)
		*bytes = 0;
	if (!bytes && !overlapped)
		return cio_fail(ERROR_INVALID_PARAMETER);
	obj = cio_handle_get(handle, &cio_file_class, FILE_READ_DATA | FILE_WRITE_DATA);
	if (!obj)
		return FALSE;
	reply.file = cio_entry(obj, struct cio_file, obj);
	if (reply.file->pipe)
		ok = transact(self, reply.file->pipe, message, length, &reply, bytes);
	else
		ok = cio_fail(ERROR_INVALID_FUNCTION);
	cio_object_put(obj);
	return ok;
}

/* The open, which waits for an instance once, if there is none. */
static HANDLE open_or_wait(LPCSTR name, LPCWSTR wide, DWORD timeout)
{
	const DWORD access = GENERIC_READ | GENERIC_WRITE;
	HANDLE h;

	for (int tries = 0;; tries++) {
		h = wide ? CreateFileW(wide, access, 0, NULL, OPEN_EXISTING, 0, NULL) :
			   CreateFileA(name, access, 0, NULL, OPEN_EXISTING, 0, NULL);
		if (h != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY || tries)
			return h;
		if (!(wide ? WaitNamedPipeW(wide, timeout) : WaitNamedPipeA(name, timeout)))
			return h;
	}
}

static BOOL call(HANDLE h, LPVOID message, DWORD length, LPVOID buffer, DWORD size, LPDWORD bytes)
{
	DWORD mode = PIPE_READMODE_MESSAGE, error;
	BOOL ok;

	if (h == INVALID_HANDLE_VALUE)
		return FALSE;
	ok = SetNamedPipeHandleState(h, &mode, NULL, NULL) &&
	     TransactNamedPipe(h, message, length, buffer, size, bytes, NULL);
	error = GetLastError();
	CloseHandle(h);
	return ok ? TRUE : cio_fail(error);
}

BOOL WINAPI CallNamedPipeA(LPCSTR name, LPVOID message, DWORD length, LPVOID buffer, DWORD size,
			   LPDWORD bytes, DWORD timeout)
{
	CIO_KEEP_ERRNO;

	return call(open_or_wait(name, NULL, timeout), message, length, buffer, size, bytes);
}

BOOL WINAPI CallNamedPipeW(LPCWSTR name, LPVOID message, DWORD length, LPVOID buffer, DWORD size,
			   LPDWORD bytes, DWORD timeout)
{
	CIO_KEEP_ERRNO;

	if (!name)
		return cio_fail(ERROR_PATH_NOT_FOUND);
	return call(open_or_wait(NULL, name, timeout), message, length, buffer, size, bytes);
}
