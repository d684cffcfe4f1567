// SPDX-License-Identifier: MIT
#include "handle.h"
#include "op.h"
#include "status.h"
#include "thread.h"

BOOL WINAPI CancelIo(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_object *obj;

	if (!self)
		return FALSE;
	obj = cio_handle_get(handle, &cio_file_class, 0);
	if (!obj)
		return FALSE;
	/* TRUE whether or not there was something (W-CANCELIO-2). */
	cio_ops_cancel(cio_entry(obj, struct cio_file, obj), NULL, self);
	cio_object_put(obj);
	return TRUE;
}

struct sync_search {
	struct cio_file *file;
	LPOVERLAPPED overlapped;
	bool found;
};

static void cancel_sync(struct cio_thread *thread, void *arg)
{
	struct sync_search *s = arg;

	if (cio_sync_cancel(thread, s->file, s->overlapped))
		s->found = true;
}

static bool cancel_synchronous(struct cio_file *file, LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	struct sync_search s = { file, overlapped, false };

	cio_state_lock();
	cio_thread_each(cancel_sync, &s);
	cio_state_unlock();
	return s.found;
}

BOOL WINAPI CancelIoEx(HANDLE handle, LPOVERLAPPED overlapped)
{
	struct cio_handle *h;
	struct cio_file *file;
	bool found;

	if (!cio_self())
		return FALSE;
	h = cio_handle_pin(handle);
	if (!h)
		return cio_fail(ERROR_INVALID_HANDLE);
	if (h->obj->class != &cio_file_class) {
		cio_handle_unpin(h);
		return cio_fail(ERROR_INVALID_HANDLE);
	}
	file = cio_entry(h->obj, struct cio_file, obj);
	found = file->overlapped && cio_ops_cancel(file, overlapped, NULL);
	if (!file->overlapped || atomic_load(&file->flushes))
		found |= cancel_synchronous(file, overlapped);
	cio_handle_unpin(h);
	return found ? TRUE : cio_fail(ERROR_NOT_FOUND);
}

BOOL WINAPI CancelSynchronousIo(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj;
	bool found;

	obj = cio_handle_get(handle, &cio_thread_class, THREAD_TERMINATE);
	if (!obj)
		return FALSE;
	cio_state_lock();
	found = cio_sync_cancel(cio_entry(obj, struct cio_thread, obj), NULL, NULL);
	cio_state_unlock();
	cio_object_put(obj);
	return found ? TRUE : cio_fail(ERROR_NOT_FOUND);
}
