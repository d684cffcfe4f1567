// SPDX-License-Identifier: MIT
/* One callback: who is called, and what it can ask for meanwhile. */
#include "pool.h"
#include "status.h"
#include "thread.h"

static struct cio_pool_item *item_named(ULONG_PTR key)
{
	return key & CIO_POOL_IO_NAME ? cio_pool_io_named(key) : (struct cio_pool_item *)key;
}

/* NULL: nobody expects it, or not any more. */
static struct cio_pool_item *callback_begin(struct cio_thread *self, ULONG_PTR key)
{
	struct cio_pool_item *item;

	cio_state_lock();
	item = item_named(key);
	if (item && !item->any_time) {
		if (item->expected)
			item->expected--;
		else
			item = NULL;
	}
	if (item) {
		item->running++;
		self->callback = item;
	}
	cio_state_unlock();
	return item;
}

static void callback_end(struct cio_thread *self, struct cio_pool_item *item)
{
	bool over = false;

	cio_state_lock();
	self->callback = NULL;
	if (item) {
		item->running--;
		over = cio_pool_item_settle(item);
	}
	cio_state_unlock();
	if (over)
		cio_pool_item_destroy(item);
}

static void do_afterwards(const struct _TP_CALLBACK_INSTANCE *instance)
{
	if (instance->section)
		LeaveCriticalSection(instance->section);
	if (instance->mutex)
		ReleaseMutex(instance->mutex);
	if (instance->semaphore)
		ReleaseSemaphore(instance->semaphore, (LONG)instance->semaphore_count, NULL);
	if (instance->event)
		SetEvent(instance->event);
}

void cio_pool_call(struct cio_thread *self, const OVERLAPPED_ENTRY *entry)
{
	struct _TP_CALLBACK_INSTANCE instance = { 0 };

	instance.item = callback_begin(self, entry->lpCompletionKey);
	if (!instance.item)
		return;
	if (instance.item->runs_long)
		CallbackMayRunLong(&instance);
	instance.item->call(instance.item, &instance, entry);
	do_afterwards(&instance);
	callback_end(self, instance.item);
}

/* ---- the public calls ---- */

/* The callback gives its slot back, once: another may run beside it. */
BOOL WINAPI CallbackMayRunLong(PTP_CALLBACK_INSTANCE instance)
{
	CIO_KEEP_ERRNO;

	if (!instance->gave_slot_back)
		cio_port_block(cio_self());
	instance->gave_slot_back = true;
	return TRUE;
}

VOID WINAPI DisassociateCurrentThreadFromCallback(PTP_CALLBACK_INSTANCE instance)
{
	CIO_KEEP_ERRNO;

	callback_end(cio_self(), instance->item);
	instance->item = NULL;
}

VOID WINAPI SetEventWhenCallbackReturns(PTP_CALLBACK_INSTANCE instance, HANDLE event)
{
	instance->event = event;
}

VOID WINAPI ReleaseSemaphoreWhenCallbackReturns(PTP_CALLBACK_INSTANCE instance, HANDLE semaphore,
						DWORD count)
{
	instance->semaphore = semaphore;
	instance->semaphore_count = count;
}

VOID WINAPI ReleaseMutexWhenCallbackReturns(PTP_CALLBACK_INSTANCE instance, HANDLE mutex)
{
	instance->mutex = mutex;
}

VOID WINAPI LeaveCriticalSectionWhenCallbackReturns(PTP_CALLBACK_INSTANCE instance,
						    PCRITICAL_SECTION section)
{
	instance->section = section;
}
