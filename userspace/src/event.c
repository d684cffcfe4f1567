// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "handle.h"
#include "names.h"
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
	.release_access = EVENT_MODIFY_STATE,
};

static HANDLE event_create(const SECURITY_ATTRIBUTES *attributes, const struct cio_name_key *key,
			   DWORD flags, DWORD access)
{
	struct cio_object *obj;

	if (flags & ~(CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET)) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	obj = calloc(1, sizeof(*obj));
	if (!obj) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	cio_object_init(obj, &cio_event_class, flags & CREATE_EVENT_INITIAL_SET);
	obj->auto_reset = !(flags & CREATE_EVENT_MANUAL_RESET);
	return cio_name_create(obj, key, access, attributes);
}

static DWORD flags_of(BOOL manual, BOOL initial)
{
	return (manual ? CREATE_EVENT_MANUAL_RESET : 0) | (initial ? CREATE_EVENT_INITIAL_SET : 0);
}

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES attributes, BOOL manual, BOOL initial,
			   LPCSTR name)
{
	return CreateEventExA(attributes, name, flags_of(manual, initial), EVENT_ALL_ACCESS);
}

HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES attributes, BOOL manual, BOOL initial,
			   LPCWSTR name)
{
	return CreateEventExW(attributes, name, flags_of(manual, initial), EVENT_ALL_ACCESS);
}

HANDLE WINAPI CreateEventExA(LPSECURITY_ATTRIBUTES attributes, LPCSTR name, DWORD flags,
			     DWORD access)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	return cio_name_from_a(&key, name) ? event_create(attributes, &key, flags, access) : NULL;
}

HANDLE WINAPI CreateEventExW(LPSECURITY_ATTRIBUTES attributes, LPCWSTR name, DWORD flags,
			     DWORD access)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	return cio_name_from_w(&key, name) ? event_create(attributes, &key, flags, access) : NULL;
}

HANDLE WINAPI OpenEventA(DWORD access, BOOL inherit, LPCSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_a(&key, name))
		return NULL;
	return cio_name_open(&cio_event_class, &key, access, inherit);
}

HANDLE WINAPI OpenEventW(DWORD access, BOOL inherit, LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_w(&key, name))
		return NULL;
	return cio_name_open(&cio_event_class, &key, access, inherit);
}

/* Nothing below touches errno: neither the locks do, nor waking somebody. */
BOOL WINAPI SetEvent(HANDLE handle)
{
	struct cio_handle *h = cio_handle_pin_as(handle, &cio_event_class, EVENT_MODIFY_STATE);

	if (!h)
		return FALSE;
	cio_state_lock();
	cio_object_signal(h->obj);
	cio_state_unlock();
	cio_handle_unpin(h);
	return TRUE;
}

BOOL WINAPI ResetEvent(HANDLE handle)
{
	struct cio_handle *h = cio_handle_pin_as(handle, &cio_event_class, EVENT_MODIFY_STATE);

	if (!h)
		return FALSE;
	cio_state_lock();
	h->obj->signalled = false;
	cio_state_unlock();
	cio_handle_unpin(h);
	return TRUE;
}

/* Whoever waits at this moment, and nobody after it. */
BOOL WINAPI PulseEvent(HANDLE handle)
{
	struct cio_handle *h = cio_handle_pin_as(handle, &cio_event_class, EVENT_MODIFY_STATE);

	if (!h)
		return FALSE;
	cio_state_lock();
	cio_object_signal(h->obj);
	h->obj->signalled = false;
	cio_state_unlock();
	cio_handle_unpin(h);
	return TRUE;
}
