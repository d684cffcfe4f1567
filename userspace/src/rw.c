// SPDX-License-Identifier: MIT
/* ReadFile and WriteFile: the checks that both kinds of handle share, and the two ways on. */
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "op.h"
#include "rw.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

#define APPEND_OFFSET UINT64_MAX
#define CURRENT_OFFSET (UINT64_MAX - 1)

static uint64_t offset_of(LPOVERLAPPED ov)
{
	return (uint64_t)ov->OffsetHigh << 32 | ov->Offset;
}

/*
 * Only a regular file can grow. Elsewhere the kernel takes no notice of an append, which would then
 * go to the beginning; the end of a device is where a write finds no room.
 */
static DWORD append_at_end(struct cio_request *req)
{
	off_t end;

	if (req->file->type == S_IFREG)
		return 0;
	end = lseek(req->file->fd, 0, SEEK_END);
	if (end < 0)
		return ERROR_INVALID_PARAMETER;
	req->append = false;
	req->offset = (uint64_t)end;
	return 0;
}

/* Where to. 0, or the Win32 error. A file without a position ignores what it is told (W-OVL-12). */
static DWORD request_offset(struct cio_request *req)
{
	uint64_t offset;

	if (!req->file->seekable)
		return 0;
	if (!req->overlapped)
		offset = CURRENT_OFFSET;
	else
		offset = offset_of(req->overlapped);
	if (offset == CURRENT_OFFSET && !req->file->overlapped) {
		req->offset = req->file->position;
	} else if (offset == APPEND_OFFSET && req->write) {
		req->append = true;
	} else if ((int64_t)offset < 0 || (int64_t)(offset + req->length) < 0) {
		return ERROR_INVALID_PARAMETER;
	} else {
		req->offset = offset;
	}
	req->append = req->append || (req->write && req->append_only);
	return req->append ? append_at_end(req) : 0;
}

/* Waits for a request whose OVERLAPPED the caller has never seen (W-RW-5). */
static DWORD wait_hidden(struct cio_thread *self, struct cio_request *req, DWORD *bytes)
{
	cio_wait_final(self, &req->file->obj, req->overlapped);
	*bytes = (DWORD)req->overlapped->InternalHigh;
	return (DWORD)req->overlapped->Internal;
}

static BOOL run_overlapped(struct cio_thread *self, struct cio_request *req, LPDWORD transferred)
{
	OVERLAPPED hidden = { .Internal = STATUS_PENDING };
	bool hide = !req->overlapped;
	DWORD status, bytes = 0, error;

	if (hide && req->file->seekable)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (hide)
		req->overlapped = &hidden;
	error = request_offset(req);
	if (error)
		return cio_fail(error);
	status = cio_op_run(self, req, &bytes);
	if (hide && status == STATUS_PENDING)
		status = wait_hidden(self, req, &bytes);
	if (status == STATUS_PENDING)
		return cio_fail(ERROR_IO_PENDING);
	if (transferred)
		*transferred = bytes;
	return cio_status_ok(status) ? TRUE : cio_fail_status(status);
}

static BOOL run_synchronous(struct cio_thread *self, struct cio_request *req, LPDWORD transferred)
{
	DWORD bytes = 0, error = 0, status;

	cio_sync_begin(self, req->file, req->overlapped);
	/* From here on the last close finds us; if it has been before, it is told from here. */
	if (atomic_load(&req->file->closed)) {
		cio_sync_end(self);
		return cio_fail(ERROR_INVALID_HANDLE);
	}
	status = cio_sync_lock_file(self, req->file);
	if (status == CIO_OK) {
		error = request_offset(req);
		if (!error) {
			cio_unpublish(req->file, req->event);
			status = cio_sync_transfer(self, req, &bytes);
		}
		cio_sync_unlock_file(req->file);
	}
	cio_sync_end(self);
	if (error)
		return cio_fail(error);
	if (status == CIO_END_OF_FILE && !req->overlapped)
		status = CIO_OK; /* W-RW-4 */
	if (transferred)
		*transferred = bytes;
	/* An error leaves the OVERLAPPED as it was, but a cancelled request has been pending. */
	if (cio_status_ok(status) || status == CIO_CANCELLED)
		cio_publish(req->file, req->event, req->overlapped, status, bytes);
	else if (bytes && req->overlapped)
		req->overlapped->InternalHigh = bytes;
	return cio_status_ok(status) ? TRUE : cio_fail_status(status);
}

static BOOL read_or_write(HANDLE handle, void *buffer, DWORD length, LPDWORD transferred,
			  LPOVERLAPPED overlapped, bool write)
{
	struct cio_thread *self = cio_self();
	struct cio_request req = { .overlapped = overlapped, .buffer = buffer, .length = length,
				   .write = write };
	struct cio_object *obj;
	HANDLE event;
	DWORD access;
	BOOL ok;

	if (transferred)
		*transferred = 0;
	if (overlapped)
		__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELAXED);
	if (!self)
		return FALSE;
	obj = cio_handle_get_access(handle, &cio_file_class, &access);
	if (!obj)
		return FALSE;
	req.file = cio_entry(obj, struct cio_file, obj);
	req.append_only = !(access & FILE_WRITE_DATA);
	event = overlapped ? (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3) : NULL;
	if (!(access & (write ? FILE_WRITE_DATA | FILE_APPEND_DATA : FILE_READ_DATA)))
		ok = cio_fail(ERROR_ACCESS_DENIED);
	else if (!overlapped && !transferred)
		ok = cio_fail(ERROR_INVALID_PARAMETER);
	else if (event && !(req.event = cio_handle_get(event, &cio_event_class, EVENT_MODIFY_STATE)))
		ok = FALSE;
	else if (req.file->overlapped)
		ok = run_overlapped(self, &req, transferred);
	else
		ok = run_synchronous(self, &req, transferred);
	if (req.event)
		cio_object_put(req.event);
	cio_object_put(obj);
	return ok;
}

BOOL WINAPI ReadFile(HANDLE handle, LPVOID buffer, DWORD length, LPDWORD transferred,
		     LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	return read_or_write(handle, buffer, length, transferred, overlapped, false);
}

BOOL WINAPI WriteFile(HANDLE handle, LPCVOID buffer, DWORD length, LPDWORD transferred,
		      LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	return read_or_write(handle, (void *)buffer, length, transferred, overlapped, true);
}
