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
	cio_wait_final(self, &req->file->obj, req->overlapped, INFINITE, FALSE);
	*bytes = (DWORD)req->overlapped->InternalHigh;
	return (DWORD)req->overlapped->Internal;
}

static BOOL run_overlapped(struct cio_thread *self, struct cio_request *req, LPDWORD transferred)
{
	CIO_KEEP_ERRNO;
	OVERLAPPED hidden = { .Internal = STATUS_PENDING };
	bool hide = !req->overlapped;
	DWORD status, bytes = 0, error;

	if (hide && req->file->seekable)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (hide)
		req->overlapped = &hidden;
	req->hidden = hide;
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

/* What an application that gave an OVERLAPPED sees of a synchronous request. */
static void show_result(struct cio_request *req, DWORD status, DWORD bytes)
{
	/* An error leaves the OVERLAPPED as it was, but a cancelled request has been pending. */
	if (!cio_status_failed(status) || status == CIO_CANCELLED)
		cio_publish(req->event, req->overlapped, status, bytes);
	else if (bytes)
		req->overlapped->InternalHigh = bytes;
}

static DWORD transfer_locked(struct cio_thread *self, struct cio_request *req, DWORD *bytes)
{
	DWORD error = request_offset(req);

	if (error)
		return CIO_INVALID_PARAMETER;
	if (req->event)
		cio_unpublish(req->event);
	return cio_sync_transfer(self, req, bytes);
}

BOOL cio_rw_synchronous(struct cio_thread *self, struct cio_request *req, LPDWORD transferred)
{
	DWORD bytes = 0, status = CIO_INVALID_HANDLE;

	cio_sync_begin(self, req->file, req->overlapped);
	/* From here on the last close finds us; if it has been before, it is told from here. */
	if (!atomic_load(&req->file->closed)) {
		status = cio_sync_lock_file(self, req->file);
		if (status == CIO_OK) {
			status = transfer_locked(self, req, &bytes);
			cio_sync_unlock_file(req->file);
		}
	}
	cio_sync_end_on(&self->sync);
	if (status == CIO_END_OF_FILE && !req->overlapped)
		status = CIO_OK; /* W-RW-4 */
	if (transferred)
		*transferred = bytes;
	if (req->overlapped)
		show_result(req, status, bytes);
	return cio_status_ok(status) ? TRUE : cio_fail_status(status);
}

static bool takes_routine(struct cio_file *file)
{
	bool ok;

	cio_state_lock();
	ok = !file->port;
	cio_state_unlock();
	return ok;
}

static BOOL run(struct cio_thread *self, struct cio_request *req, HANDLE event,
		LPDWORD transferred)
{
	BOOL ok;

	if (!req->overlapped && !transferred)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (req->routine && !takes_routine(req->file))
		return cio_fail(ERROR_INVALID_PARAMETER); /* W-OVL-10 */
	if (event) {
		req->event = cio_handle_get(event, &cio_event_class, EVENT_MODIFY_STATE);
		if (!req->event)
			return FALSE;
	}
	if (req->file->overlapped)
		ok = run_overlapped(self, req, transferred);
	else if (req->routine)
		ok = cio_rwex_synchronous(self, req);
	else
		ok = cio_rw_synchronous(self, req, transferred);
	if (req->event)
		cio_object_put(req->event);
	return ok;
}

BOOL cio_read_or_write(HANDLE handle, void *buffer, DWORD length, LPDWORD transferred,
		       LPOVERLAPPED overlapped, LPOVERLAPPED_COMPLETION_ROUTINE routine, bool write)
{
	const DWORD needed = write ? FILE_WRITE_DATA | FILE_APPEND_DATA : FILE_READ_DATA;
	struct cio_thread *self = cio_self();
	HANDLE event = NULL;
	struct cio_handle *h;
	BOOL ok;

	if (transferred)
		*transferred = 0;
	if (overlapped) {
		__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELAXED);
		if (!routine) /* W-EVT-4 */
			event = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3);
	}
	if (!self)
		return FALSE;
	h = cio_handle_pin(handle);
	if (!h)
		return cio_fail(ERROR_INVALID_HANDLE);
	if (h->obj->class != &cio_file_class) {
		ok = cio_fail(ERROR_INVALID_HANDLE);
	} else if (!(h->access & needed)) {
		ok = cio_fail(ERROR_ACCESS_DENIED);
	} else {
		struct cio_request req = { .file = cio_entry(h->obj, struct cio_file, obj),
					   .overlapped = overlapped,
					   .routine = routine,
					   .write = write,
					   .append_only = !(h->access & FILE_WRITE_DATA),
					   .buffer = buffer,
					   .length = length };

		ok = run(self, &req, event, transferred);
	}
	cio_handle_unpin(h);
	return ok;
}

BOOL WINAPI ReadFile(HANDLE handle, LPVOID buffer, DWORD length, LPDWORD transferred,
		     LPOVERLAPPED overlapped)
{
	return cio_read_or_write(handle, buffer, length, transferred, overlapped, NULL, false);
}

BOOL WINAPI WriteFile(HANDLE handle, LPCVOID buffer, DWORD length, LPDWORD transferred,
		      LPOVERLAPPED overlapped)
{
	return cio_read_or_write(handle, (void *)buffer, length, transferred, overlapped, NULL, true);
}
