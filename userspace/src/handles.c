// SPDX-License-Identifier: MIT
/* What can be done with handles of every kind, but for closing them. */
#include "handle.h"
#include "status.h"

#define HANDLE_FLAGS (HANDLE_FLAG_INHERIT | HANDLE_FLAG_PROTECT_FROM_CLOSE)

static bool is_pseudo(HANDLE handle)
{
	return handle == CIO_CURRENT_PROCESS || handle == CIO_CURRENT_THREAD;
}

/* There is only this process to copy from and to. */
static BOOL check_process(HANDLE handle)
{
	struct cio_object *obj;

	if (handle == CIO_CURRENT_PROCESS)
		return TRUE;
	obj = cio_handle_get(handle, &cio_process_class, PROCESS_DUP_HANDLE);
	if (!obj)
		return FALSE;
	cio_object_put(obj);
	return TRUE;
}

static BOOL duplicate(HANDLE source, HANDLE *target, DWORD access, DWORD options)
{
	struct cio_object *obj;
	DWORD granted, error = 0;

	if (options & ~(DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS))
		return cio_fail(ERROR_INVALID_PARAMETER);
	obj = cio_handle_get_access(source, NULL, &granted);
	if (!obj)
		return FALSE;
	access = options & DUPLICATE_SAME_ACCESS ? granted : cio_map_generic(obj->class, access);
	if (access & ~granted) {
		cio_object_put(obj);
		return cio_fail(ERROR_ACCESS_DENIED);
	}
	if (target)
		error = cio_handle_copy(obj, access, target);
	cio_object_put(obj);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process,
			    LPHANDLE target, DWORD access, BOOL inherit, DWORD options)
{
	CIO_KEEP_ERRNO;
	BOOL ok;

	if (!check_process(source_process))
		return FALSE;
	/* Without a process to be duplicated into, it is only closed. */
	if (!target_process && options & DUPLICATE_CLOSE_SOURCE)
		return CloseHandle(source);
	if (!check_process(target_process))
		return FALSE;
	ok = duplicate(source, target, access, options);
	if (ok && target && inherit)
		cio_handle_set_flags(*target, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	if (options & DUPLICATE_CLOSE_SOURCE) {
		DWORD error = GetLastError();

		CloseHandle(source);
		SetLastError(error);
	}
	return ok;
}

BOOL WINAPI CompareObjectHandles(HANDLE first, HANDLE second)
{
	CIO_KEEP_ERRNO;
	struct cio_object *a, *b;
	DWORD access;
	BOOL same;

	a = cio_handle_get_access(first, NULL, &access);
	if (!a)
		return FALSE;
	b = cio_handle_get_access(second, NULL, &access);
	cio_object_put(a);
	if (!b)
		return FALSE;
	/* What the first was may have been destroyed since, but then the second is no handle of it. */
	same = a == b;
	cio_object_put(b);
	return same ? TRUE : cio_fail(ERROR_NOT_SAME_OBJECT);
}

BOOL WINAPI GetHandleInformation(HANDLE handle, LPDWORD flags)
{
	CIO_KEEP_ERRNO;
	struct cio_handle *h = cio_handle_pin(handle);

	if (!h && !is_pseudo(handle))
		return cio_fail(ERROR_INVALID_HANDLE);
	if (flags) {
		cio_handle_lock();
		*flags = h ? h->flags : 0;
		cio_handle_unlock();
	}
	if (h)
		cio_handle_unpin(h);
	return flags ? TRUE : cio_fail(ERROR_NOACCESS);
}

/* Bits that are none are ignored, as Windows does it. */
BOOL WINAPI SetHandleInformation(HANDLE handle, DWORD mask, DWORD flags)
{
	CIO_KEEP_ERRNO;

	if (is_pseudo(handle))
		return cio_fail(ERROR_ACCESS_DENIED);
	return cio_handle_set_flags(handle, mask & HANDLE_FLAGS, flags);
}
