// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "apc.h"
#include "handle.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

bool cio_apc_queue(struct cio_thread *thread, struct cio_apc *apc)
{
	if (thread->no_apcs)
		return false;
	cio_list_add_tail(&apc->link, &thread->apcs);
	if (thread->alert)
		cio_wait_end(thread->alert, WAIT_IO_COMPLETION);
	return true;
}

static struct cio_apc *first_apc(struct cio_thread *self)
{
	struct cio_apc *apc = NULL;

	cio_state_lock();
	if (!cio_list_empty(&self->apcs)) {
		apc = cio_entry(self->apcs.next, struct cio_apc, link);
		cio_list_del(&apc->link);
	}
	cio_state_unlock();
	return apc;
}

void cio_apcs_run(struct cio_thread *self)
{
	CIO_KEEP_ERRNO;
	struct cio_apc *apc;

	while ((apc = first_apc(self)))
		apc->run(apc);
}

void cio_apcs_drop(struct cio_thread *self)
{
	struct cio_apc *apc;

	cio_state_lock();
	self->no_apcs = true;
	cio_state_unlock();
	while ((apc = first_apc(self)))
		apc->drop(apc);
}

struct user_apc {
	struct cio_apc apc;
	PAPCFUNC fn;
	ULONG_PTR data;
};

static void user_drop(struct cio_apc *apc)
{
	free(cio_entry(apc, struct user_apc, apc));
}

static void user_run(struct cio_apc *apc)
{
	struct user_apc *u = cio_entry(apc, struct user_apc, apc);
	PAPCFUNC fn = u->fn;
	ULONG_PTR data = u->data;

	/* Before the call, which may end the thread. */
	free(u);
	fn(data);
}

DWORD WINAPI QueueUserAPC(PAPCFUNC fn, HANDLE handle, ULONG_PTR data)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj = cio_handle_get(handle, &cio_thread_class, THREAD_SET_CONTEXT);
	struct user_apc *u;
	bool queued;

	if (!obj)
		return 0;
	u = fn ? malloc(sizeof(*u)) : NULL;
	if (!u) {
		cio_object_put(obj);
		return (DWORD)cio_fail(fn ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER);
	}
	*u = (struct user_apc){ { .run = user_run, .drop = user_drop }, fn, data };
	cio_state_lock();
	queued = cio_apc_queue(cio_entry(obj, struct cio_thread, obj), &u->apc);
	cio_state_unlock();
	cio_object_put(obj);
	if (!queued) {
		free(u);
		return (DWORD)cio_fail(ERROR_GEN_FAILURE); /* W-APC-6 */
	}
	return 1;
}
