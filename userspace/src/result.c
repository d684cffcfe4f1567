// SPDX-License-Identifier: MIT
#include "apc.h"
#include "handle.h"
#include "ring.h"
#include "rw.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

static DWORD status_of(LPOVERLAPPED overlapped)
{
	return (DWORD)__atomic_load_n(&overlapped->Internal, __ATOMIC_ACQUIRE);
}

/*
 * Every request is published under the state lock, together with the signal of its object. So one
 * who looks at the request when that object is signalled misses nothing, and is not deceived by a
 * signal that was meant for another request, or was consumed by another waiter.
 */
DWORD cio_wait_final(struct cio_thread *self, struct cio_object *obj, LPOVERLAPPED overlapped,
		     DWORD milliseconds, BOOL alertable)
{
	struct cio_waiter link;
	struct cio_wait wait;

	cio_wait_init(&wait, self, &link, &obj, 1);
	wait.overlapped = overlapped;
	wait.alertable = alertable;
	return cio_wait_run(&wait, milliseconds);
}

/* Takes an auto-reset event as any wait does. WAIT_FAILED with the last error set. */
static DWORD wait_for_result(HANDLE handle, LPOVERLAPPED overlapped, DWORD milliseconds,
			     BOOL alertable)
{
	struct cio_thread *self = cio_self();
	HANDLE target = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3);
	struct cio_handle *h;
	DWORD result;

	if (!self)
		return WAIT_FAILED;
	h = cio_handle_pin(target ? target : handle);
	if (!h || (!target && h->obj->class != &cio_file_class)) {
		cio_handle_refuse(h, NULL);
		return WAIT_FAILED;
	}
	if (!(h->access & SYNCHRONIZE)) {
		cio_handle_refuse(h, h->obj->class);
		return WAIT_FAILED;
	}
	result = cio_wait_final(self, h->obj, overlapped, milliseconds, alertable);
	cio_handle_unpin(h);
	if (result == WAIT_IO_COMPLETION)
		cio_apcs_run(self);
	return result;
}

BOOL WINAPI GetOverlappedResultEx(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD transferred,
				  DWORD milliseconds, BOOL alertable)
{
	DWORD status = status_of(overlapped), result;

	if (status == STATUS_PENDING) {
		cio_ring_poll();
		status = status_of(overlapped);
	}
	if (status == STATUS_PENDING) {
		if (!milliseconds)
			return cio_fail(ERROR_IO_INCOMPLETE);
		result = wait_for_result(handle, overlapped, milliseconds, alertable);
		if (result == WAIT_FAILED)
			return FALSE;
		if (result != WAIT_OBJECT_0)
			return cio_fail(result); /* 258 and 192, as they are (W-GOREX-1) */
		status = status_of(overlapped);
	}
	if (transferred)
		*transferred = (DWORD)overlapped->InternalHigh;
	return cio_status_ok(status) ? TRUE : cio_fail_status(status);
}

BOOL WINAPI GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD transferred,
				BOOL wait)
{
	return GetOverlappedResultEx(handle, overlapped, transferred, wait ? INFINITE : 0, FALSE);
}
