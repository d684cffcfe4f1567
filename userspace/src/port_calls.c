// SPDX-License-Identifier: MIT
/* The public calls for completion ports. */
#include "apc.h"
#include "file.h"
#include "handle.h"
#include "port.h"
#include "status.h"
#include "thread.h"

/* Permission to leave out what this library never leaves out. */
#define SKIP_SET_USER_EVENT_ON_FAST_IO 4
#define KNOWN_MODES \
	(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE | \
	 SKIP_SET_USER_EVENT_ON_FAST_IO)

/* The port behind a handle, pinned; NULL, with the last error set, if it is none. */
static struct cio_handle *port_pin(HANDLE handle)
{
	struct cio_handle *h = cio_handle_pin(handle);
	DWORD error = ERROR_SUCCESS;

	if (!h) {
		cio_fail(ERROR_INVALID_HANDLE);
		return NULL;
	}
	if (h->obj->class != &cio_port_class)
		error = ERROR_INVALID_HANDLE;
	else if (!(h->access & IO_COMPLETION_MODIFY_STATE))
		error = ERROR_ACCESS_DENIED;
	if (error) {
		cio_handle_unpin(h);
		cio_fail(error);
		return NULL;
	}
	return h;
}

static struct cio_port *port_of(const struct cio_handle *h)
{
	return cio_entry(h->obj, struct cio_port, obj);
}

static HANDLE port_create(DWORD slots)
{
	struct cio_port *port = cio_port_new(slots);

	if (!port) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	return cio_handle_give(&port->obj, IO_COMPLETION_ALL_ACCESS);
}

static BOOL associate(HANDLE file, HANDLE port, ULONG_PTR key)
{
	struct cio_object *obj = cio_handle_get(file, &cio_file_class, 0);
	struct cio_handle *h;
	DWORD error;

	if (!obj)
		return FALSE;
	h = port_pin(port);
	error = h ? cio_port_bind(port_of(h), cio_entry(obj, struct cio_file, obj), key) : 0;
	if (h)
		cio_handle_unpin(h);
	cio_object_put(obj);
	return !error && h ? TRUE : h ? cio_fail(error) : FALSE;
}

HANDLE WINAPI CreateIoCompletionPort(HANDLE file, HANDLE existing, ULONG_PTR key, DWORD slots)
{
	CIO_KEEP_ERRNO;
	HANDLE port = existing;

	if (file == INVALID_HANDLE_VALUE && existing) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!existing)
		port = port_create(slots);
	if (!port || file == INVALID_HANDLE_VALUE || associate(file, port, key))
		return port;
	if (!existing) {
		DWORD error = GetLastError();

		CloseHandle(port);
		SetLastError(error);
	}
	return NULL;
}

BOOL WINAPI PostQueuedCompletionStatus(HANDLE handle, DWORD bytes, ULONG_PTR key,
				       LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	struct cio_handle *h = port_pin(handle);
	DWORD error;

	if (!h)
		return FALSE;
	error = cio_port_post_values(port_of(h), key, overlapped, bytes);
	cio_handle_unpin(h);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI GetQueuedCompletionStatus(HANDLE handle, LPDWORD bytes, PULONG_PTR key,
				      LPOVERLAPPED *overlapped, DWORD milliseconds)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	OVERLAPPED_ENTRY entry;
	struct cio_handle *h;
	DWORD result;

	/* There, they are written to blindly: the error is what comes of that. */
	if (!bytes || !key || !overlapped)
		return cio_fail(ERROR_NOACCESS);
	*overlapped = NULL;
	h = self ? port_pin(handle) : NULL;
	if (!h)
		return FALSE;
	result = cio_port_take(port_of(h), self, false, milliseconds, &entry);
	cio_handle_unpin(h);
	if (result != WAIT_OBJECT_0)
		return cio_fail(result); /* what ended the wait is the error's number, too */
	*bytes = entry.dwNumberOfBytesTransferred;
	*key = entry.lpCompletionKey;
	*overlapped = entry.lpOverlapped;
	return cio_status_ok((DWORD)entry.Internal) ? TRUE : cio_fail_status((DWORD)entry.Internal);
}

BOOL WINAPI GetQueuedCompletionStatusEx(HANDLE handle, LPOVERLAPPED_ENTRY entries, ULONG count,
					PULONG removed, DWORD milliseconds, BOOL alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_handle *h;
	DWORD result;

	if (!count)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (!entries || !removed)
		return cio_fail(ERROR_NOACCESS);
	h = self ? port_pin(handle) : NULL;
	if (!h)
		return FALSE;
	*removed = 0;
	result = cio_port_take(port_of(h), self, alertable, milliseconds, entries);
	if (result == WAIT_OBJECT_0)
		*removed = 1 + cio_port_take_more(port_of(h), entries + 1, count - 1);
	cio_handle_unpin(h);
	if (result == WAIT_IO_COMPLETION)
		cio_apcs_run(self);
	return result == WAIT_OBJECT_0 ? TRUE : cio_fail(result);
}

BOOL WINAPI SetFileCompletionNotificationModes(HANDLE handle, UCHAR modes)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, 0);
	struct cio_file *file;
	bool ok;

	if (!obj)
		return FALSE;
	file = cio_entry(obj, struct cio_file, obj);
	ok = file->overlapped && !(modes & ~KNOWN_MODES);
	if (ok) {
		cio_state_lock();
		file->modes |= modes;
		if (modes & FILE_SKIP_SET_EVENT_ON_HANDLE)
			obj->signalled = false;
		cio_state_unlock();
	}
	cio_object_put(obj);
	return ok ? TRUE : cio_fail(ERROR_INVALID_PARAMETER);
}
