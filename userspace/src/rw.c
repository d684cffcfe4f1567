// SPDX-License-Identifier: MIT
/* ReadFile and WriteFile: the checks that both kinds of handle share, and the two ways on. */
#include <sys/stat.h>
#include <sys/syscall.h>
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
	CIO_KEEP_ERRNO;
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

	if (!req->file->seekable || req->code)
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
	OVERLAPPED hidden = { .Internal = STATUS_PENDING };
	bool hide = !req->overlapped;
	DWORD status, bytes = 0, error;

	if (hide && req->file->seekable && !req->code)
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

static DWORD transfer_at(struct cio_thread *self, struct cio_request *req, DWORD *bytes)
{
	DWORD error = request_offset(req);

	if (error)
		return CIO_INVALID_PARAMETER;
	if (req->event)
		cio_unpublish(req->event);
	return req->code ? cio_control_transfer(self, req, bytes) :
			   cio_sync_transfer(self, req, bytes);
}

/* Whether one system call that has answered `n` was the whole of a request. */
static inline bool is_all(const struct cio_file *file, DWORD length, long n, bool write)
{
	return n > 0 && (n == length || (!write && file->type != S_IFREG));
}

/*
 * A request that needs nothing but a system call at the file's own position. What the first one
 * leaves to be done, or to be told of, goes the way of all others.
 */
static inline DWORD transfer_plain(struct cio_thread *self, struct cio_file *file, void *buffer,
				   DWORD length, DWORD *bytes, bool write)
{
	struct cio_request req;
	long n;

	if (file->seekable)
		n = cio_sync_call4(self, &self->sync, write ? SYS_pwrite64 : SYS_pread64, file->fd,
				   (long)buffer, length, (long)file->position);
	else
		n = cio_sync_call4(self, &self->sync, write ? SYS_write : SYS_read, file->fd,
				   (long)buffer, length, 0);
	if (__builtin_expect(is_all(file, length, n, write), 1)) {
		*bytes = (DWORD)n;
		if (file->seekable)
			file->position += (uint64_t)n;
		return CIO_OK;
	}
	req = (struct cio_request){ .file = file,
				    .write = write,
				    .buffer = buffer,
				    .length = length,
				    .offset = file->position };
	return cio_sync_go_on(self, &req, n, bytes);
}

/* Both kinds; without a `req`, the request is plain. */
static inline __attribute__((always_inline)) DWORD
synchronous(struct cio_thread *self, struct cio_file *file, void *buffer, DWORD length,
	    DWORD *bytes, bool write, struct cio_request *req)
{
	DWORD status = CIO_INVALID_HANDLE;

	cio_sync_begin(self, file, req ? req->overlapped : NULL);
	/* From here on the last close finds us; if it has been before, it is told from here. */
	if (!atomic_load(&file->closed)) {
		status = cio_sync_lock_file(self, file);
		if (status == CIO_OK) {
			status = req ? transfer_at(self, req, bytes) :
				       transfer_plain(self, file, buffer, length, bytes, write);
			cio_sync_unlock_file(file);
		}
	}
	cio_sync_end_on(&self->sync);
	if (status == CIO_END_OF_FILE && !(req && req->overlapped))
		status = CIO_OK; /* W-RW-4 */
	return status;
}

BOOL cio_rw_synchronous(struct cio_thread *self, struct cio_request *req, LPDWORD transferred)
{
	CIO_KEEP_ERRNO;
	DWORD bytes = 0, status;

	status = synchronous(self, req->file, req->buffer, req->length, &bytes, req->write, req);
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

static bool take_event(struct cio_request *req, HANDLE event)
{
	struct cio_handle *h = cio_handle_pin(event);
	DWORD error = ERROR_SUCCESS;

	if (!h)
		return cio_fail(ERROR_INVALID_HANDLE);
	if (h->obj->class != &cio_event_class)
		error = ERROR_INVALID_HANDLE;
	else if (!(h->access & EVENT_MODIFY_STATE))
		error = ERROR_ACCESS_DENIED;
	else
		cio_object_get(req->event = h->obj);
	cio_handle_unpin(h);
	return !error || cio_fail(error);
}

BOOL cio_request_run(struct cio_thread *self, struct cio_request *req, HANDLE event,
		     LPDWORD transferred)
{
	BOOL ok;

	if (!req->overlapped && !transferred)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (req->routine && !takes_routine(req->file))
		return cio_fail(ERROR_INVALID_PARAMETER); /* W-OVL-10 */
	if (event && !take_event(req, event))
		return FALSE;
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

/*
 * NULL and its like, which would be noticed only when there are bytes to put there. What else is
 * not mapped costs a system call to find out; it fails with the same error, later.
 */
static inline bool is_nowhere(const void *buffer, DWORD length)
{
	return (ULONG_PTR)buffer < 65536 && length;
}

/* Finds the file, and the rights to it. */
static inline BOOL check_and_run(HANDLE handle, struct cio_request *req, HANDLE event,
				 LPDWORD transferred)
{
	const DWORD needed = req->write ? FILE_WRITE_DATA | FILE_APPEND_DATA : FILE_READ_DATA;
	struct cio_thread *self = cio_self();
	struct cio_handle *h;
	BOOL ok;

	if (!self)
		return FALSE;
	h = cio_handle_pin(handle);
	if (!h)
		return cio_fail(ERROR_INVALID_HANDLE);
	if (h->obj->class != &cio_file_class) {
		ok = cio_fail(ERROR_INVALID_HANDLE);
	} else if (!(h->access & needed)) {
		ok = cio_fail(ERROR_ACCESS_DENIED);
	} else if (is_nowhere(req->buffer, req->length)) {
		ok = cio_fail(ERROR_NOACCESS);
	} else {
		req->file = cio_entry(h->obj, struct cio_file, obj);
		req->append_only = !(h->access & FILE_WRITE_DATA);
		ok = cio_request_run(self, req, event, transferred);
	}
	cio_handle_unpin(h);
	return ok;
}

/* W-OVL-2. The low bits of a handle are nobody's. */
static inline HANDLE begin_overlapped(LPOVERLAPPED overlapped)
{
	__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELAXED);
	return (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3);
}

static __attribute__((noinline)) BOOL read_or_write(HANDLE handle, void *buffer, DWORD length,
						    LPDWORD transferred, LPOVERLAPPED overlapped,
						    bool write)
{
	struct cio_request req = {
		.overlapped = overlapped, .write = write, .buffer = buffer, .length = length
	};

	if (transferred)
		*transferred = 0;
	return check_and_run(handle, &req, overlapped ? begin_overlapped(overlapped) : NULL,
			     transferred);
}

BOOL cio_rw_with_routine(HANDLE handle, void *buffer, DWORD length, LPOVERLAPPED overlapped,
			 LPOVERLAPPED_COMPLETION_ROUTINE routine, bool write)
{
	struct cio_request req = { .overlapped = overlapped,
				   .routine = routine,
				   .write = write,
				   .buffer = buffer,
				   .length = length };

	/* Whatever hEvent holds is the application's own (W-EVT-4). */
	begin_overlapped(overlapped);
	return check_and_run(handle, &req, NULL, NULL);
}

/* Pipes are not among them when written: see cio_sync_transfer(). */
static inline bool is_plain(const struct cio_handle *h, bool write)
{
	const struct cio_file *file = cio_entry(h->obj, struct cio_file, obj);

	if (h->obj->class != &cio_file_class || file->roundabout)
		return false;
	return write ? h->access & FILE_WRITE_DATA && file->type != S_IFIFO :
		       h->access & FILE_READ_DATA;
}

/* Most calls are of this kind; of what is not, all is found out anew. */
static inline __attribute__((always_inline)) BOOL
try_plain(HANDLE handle, void *buffer, DWORD length, LPDWORD transferred, bool write)
{
	struct cio_thread *self = cio_this;
	DWORD bytes = 0, status;
	struct cio_handle *h;

	h = self && transferred && !is_nowhere(buffer, length) ? cio_handle_pin(handle) : NULL;
	if (!h || !is_plain(h, write)) {
		if (h)
			cio_handle_unpin(h);
		return read_or_write(handle, buffer, length, transferred, NULL, write);
	}
	*transferred = 0;
	status = synchronous(self, cio_entry(h->obj, struct cio_file, obj), buffer, length, &bytes,
			     write, NULL);
	*transferred = bytes;
	cio_handle_unpin(h);
	return status == CIO_OK ? TRUE : cio_fail_status(status);
}

BOOL WINAPI ReadFile(HANDLE handle, LPVOID buffer, DWORD length, LPDWORD transferred,
		     LPOVERLAPPED overlapped)
{
	if (overlapped)
		return read_or_write(handle, buffer, length, transferred, overlapped, false);
	return try_plain(handle, buffer, length, transferred, false);
}

BOOL WINAPI WriteFile(HANDLE handle, LPCVOID buffer, DWORD length, LPDWORD transferred,
		      LPOVERLAPPED overlapped)
{
	if (overlapped)
		return read_or_write(handle, (void *)buffer, length, transferred, overlapped, true);
	return try_plain(handle, (void *)buffer, length, transferred, true);
}
