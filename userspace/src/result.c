// SPDX-License-Identifier: MIT
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
 * who watches that object and looks at the request in between misses nothing, and is not deceived
 * by a signal that was meant for another request, or was consumed by another waiter.
 */
void cio_wait_final(struct cio_thread *self, struct cio_object *obj, LPOVERLAPPED overlapped)
{
	bool final;

	do {
		struct cio_waiter w = { .thread = self, .watches = true };

		cio_state_lock();
		final = status_of(overlapped) != STATUS_PENDING;
		if (!final)
			cio_object_add_waiter(obj, &w);
		cio_state_unlock();
		if (!final)
			cio_wait_until(self, &w.done, CIO_FOREVER);
	} while (!final);
}

/* The wait of GetOverlappedResult, which takes an auto-reset event as any wait does. */
static BOOL wait_for_result(HANDLE handle, LPOVERLAPPED overlapped)
{
	struct cio_thread *self = cio_self();
	HANDLE target = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3);
	struct cio_object *obj;

	if (!self)
		return FALSE;
	obj = target ? cio_handle_get(target, NULL, SYNCHRONIZE) :
		       cio_handle_get(handle, &cio_file_class, SYNCHRONIZE);
	if (!obj)
		return FALSE;
	cio_wait_final(self, obj, overlapped);
	cio_state_lock();
	cio_object_try_take(obj);
	cio_state_unlock();
	cio_object_put(obj);
	return TRUE;
}

BOOL WINAPI GetOverlappedResult(HANDLE handle, LPOVERLAPPED overlapped, LPDWORD transferred,
				BOOL wait)
{
	CIO_KEEP_ERRNO;
	DWORD status = status_of(overlapped);

	if (status == STATUS_PENDING) {
		cio_ring_poll();
		status = status_of(overlapped);
	}
	if (status == STATUS_PENDING) {
		if (!wait)
			return cio_fail(ERROR_IO_INCOMPLETE);
		if (!wait_for_result(handle, overlapped))
			return FALSE;
		status = status_of(overlapped);
	}
	if (transferred)
		*transferred = (DWORD)overlapped->InternalHigh;
	return cio_status_ok(status) ? TRUE : cio_fail_status(status);
}
