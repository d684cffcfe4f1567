// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "handle.h"
#include "status.h"

static void event_destroy(struct cio_object *obj)
{
	free(obj);
}

static DWORD event_release(struct cio_object *obj, struct cio_thread *self)
{
	(void)self;
	cio_object_signal(obj);
	return ERROR_SUCCESS;
}

const struct cio_class cio_event_class = {
	.name = "event",
	.all = EVENT_ALL_ACCESS,
	.read = READ_CONTROL | EVENT_QUERY_STATE,
	.write = READ_CONTROL | EVENT_MODIFY_STATE,
	.execute = READ_CONTROL | SYNCHRONIZE,
	.destroy = event_destroy,
	.release = event_release,
};

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual, BOOL initial,
			   LPCSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj;
	HANDLE handle;

	(void)attributes; /* no security here, and nothing inherits */
	if (name) {
		/* A name that other processes cannot see would only look like the real thing. */
		cio_fail(ERROR_NOT_SUPPORTED);
		return NULL;
	}
	obj = calloc(1, sizeof(*obj));
	if (!obj) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	cio_object_init(obj, &cio_event_class, initial != FALSE);
	obj->auto_reset = !manual;
	handle = cio_handle_new(obj, EVENT_ALL_ACCESS);
	cio_object_put(obj);
	/* One of the few calls that set the last error on success too (W-LE-1). */
	cio_fail(handle ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY);
	return handle;
}

BOOL WINAPI SetEvent(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj = cio_handle_get(handle, &cio_event_class, EVENT_MODIFY_STATE);

	if (!obj)
		return FALSE;
	cio_state_lock();
	cio_object_signal(obj);
	cio_state_unlock();
	cio_object_put(obj);
	return TRUE;
}

BOOL WINAPI ResetEvent(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj = cio_handle_get(handle, &cio_event_class, EVENT_MODIFY_STATE);

	if (!obj)
		return FALSE;
	cio_state_lock();
	obj->signalled = false;
	cio_state_unlock();
	cio_object_put(obj);
	return TRUE;
}
