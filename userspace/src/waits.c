// SPDX-License-Identifier: MIT
#include <sched.h>

#include "handle.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

static DWORD wait_for_object(struct cio_thread *self, struct cio_object *obj, DWORD milliseconds,
			     bool alertable)
{
	struct cio_waiter link;
	struct cio_wait wait;

	cio_wait_init(&wait, self, &link, &obj, 1);
	wait.alertable = alertable;
	return cio_wait_run(&wait, milliseconds);
}

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD milliseconds)
{
	return WaitForSingleObjectEx(handle, milliseconds, FALSE);
}

DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD milliseconds, BOOL alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_object *obj;
	DWORD result;

	if (!self)
		return WAIT_FAILED;
	obj = cio_handle_get(handle, NULL, SYNCHRONIZE);
	if (!obj)
		return WAIT_FAILED;
	result = wait_for_object(self, obj, milliseconds, alertable);
	cio_object_put(obj);
	return result;
}

VOID WINAPI Sleep(DWORD milliseconds)
{
	SleepEx(milliseconds, FALSE);
}

DWORD WINAPI SleepEx(DWORD milliseconds, BOOL alertable)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_wait wait;
	DWORD result;

	if (!self) {
		sched_yield();
		return 0;
	}
	/* A sleeper has nothing better to do than to complete what comes meanwhile. */
	cio_wait_init(&wait, self, NULL, NULL, 0);
	wait.alertable = alertable;
	result = cio_wait_run(&wait, milliseconds);
	if (!milliseconds && result != WAIT_IO_COMPLETION)
		sched_yield();
	return result == WAIT_IO_COMPLETION ? WAIT_IO_COMPLETION : 0;
}
