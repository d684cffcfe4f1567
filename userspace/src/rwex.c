// SPDX-License-Identifier: MIT
/* ReadFileEx and WriteFileEx: what is accepted ends with an APC to the caller (W-RWEX-*). */
#include <stdlib.h>

#include "rw.h"
#include "status.h"
#include "thread.h"

/* A synchronous file's: the request is over when the APC is queued. */
struct sync_apc {
	struct cio_apc apc;
	LPOVERLAPPED_COMPLETION_ROUTINE routine;
	DWORD error, bytes;
	LPOVERLAPPED overlapped;
};

static void sync_apc_drop(struct cio_apc *apc)
{
	free(cio_entry(apc, struct sync_apc, apc));
}

static void sync_apc_run(struct cio_apc *apc)
{
	struct sync_apc a = *cio_entry(apc, struct sync_apc, apc);

	sync_apc_drop(apc);
	a.routine(a.error, a.bytes, a.overlapped);
}

BOOL cio_rwex_synchronous(struct cio_thread *self, struct cio_request *req)
{
	struct sync_apc *a = malloc(sizeof(*a));
	bool queued = false;
	DWORD bytes = 0;
	BOOL ok;

	if (!a)
		return cio_fail(ERROR_NOT_ENOUGH_MEMORY);
	ok = cio_rw_synchronous(self, req, &bytes);
	/* A cancelled request has been pending, and so its routine is called. */
	if (ok || GetLastError() == ERROR_MORE_DATA || GetLastError() == ERROR_OPERATION_ABORTED) {
		bool cancelled = !ok && GetLastError() == ERROR_OPERATION_ABORTED;

		*a = (struct sync_apc){ { .run = sync_apc_run, .drop = sync_apc_drop },
					req->routine,
					cancelled ? ERROR_OPERATION_ABORTED : ERROR_SUCCESS,
					cancelled ? 0 : bytes,
					req->overlapped };
		cio_state_lock();
		queued = cio_apc_queue(self, &a->apc);
		cio_state_unlock();
		if (cancelled)
			cio_fail(ERROR_IO_PENDING);
	}
	if (!queued)
		free(a);
	return ok;
}

static BOOL with_routine(HANDLE handle, void *buffer, DWORD length, LPOVERLAPPED overlapped,
			 LPOVERLAPPED_COMPLETION_ROUTINE routine, bool write)
{
	if (!overlapped || !routine)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (cio_rw_with_routine(handle, buffer, length, overlapped, routine, write) ||
	    GetLastError() == ERROR_IO_PENDING)
		SetLastError(ERROR_SUCCESS); /* W-RWEX-2 */
	else if (GetLastError() != ERROR_MORE_DATA)
		return FALSE;
	return TRUE;
}

BOOL WINAPI ReadFileEx(HANDLE handle, LPVOID buffer, DWORD length, LPOVERLAPPED overlapped,
		       LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
	CIO_KEEP_ERRNO;
	return with_routine(handle, buffer, length, overlapped, routine, false);
}

BOOL WINAPI WriteFileEx(HANDLE handle, LPCVOID buffer, DWORD length, LPOVERLAPPED overlapped,
			LPOVERLAPPED_COMPLETION_ROUTINE routine)
{
	CIO_KEEP_ERRNO;
	return with_routine(handle, (void *)buffer, length, overlapped, routine, true);
}
