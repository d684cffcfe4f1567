// SPDX-License-Identifier: MIT
/* Work for the thread pool that comes from a call, not from a file. */
#include <stdlib.h>

#include "pool.h"
#include "status.h"

/* One packet for all submissions: as it leaves the queue it enters anew for the next. */
struct _TP_WORK {
	struct cio_pool_item item;
	struct cio_packet packet;
	bool queued; /* state lock, as for the next */
	unsigned int more; /* submissions after the one that is in the queue */
	union {
		PTP_WORK_CALLBACK work;
		PTP_SIMPLE_CALLBACK simple;
		LPTHREAD_START_ROUTINE legacy;
	} fn;
};

static struct _TP_WORK *work_of(struct cio_pool_item *item)
{
	return cio_entry(item, struct _TP_WORK, item);
}

static void call_work(struct cio_pool_item *item, struct _TP_CALLBACK_INSTANCE *instance,
		      const OVERLAPPED_ENTRY *entry)
{
	(void)entry;
	work_of(item)->fn.work(instance, item->context, work_of(item));
}

static void call_simple(struct cio_pool_item *item, struct _TP_CALLBACK_INSTANCE *instance,
			const OVERLAPPED_ENTRY *entry)
{
	(void)entry;
	work_of(item)->fn.simple(instance, item->context);
}

static void call_legacy(struct cio_pool_item *item, struct _TP_CALLBACK_INSTANCE *instance,
			const OVERLAPPED_ENTRY *entry)
{
	(void)entry;
	(void)instance;
	work_of(item)->fn.legacy(item->context);
}

static void work_destroy(struct cio_pool_item *item)
{
	free(work_of(item));
}

static void packet_release(struct cio_packet *packet)
{
	struct _TP_WORK *work = cio_entry(packet, struct _TP_WORK, packet);

	work->queued = work->more != 0;
	if (!work->queued)
		return;
	work->more--;
	cio_list_add_tail(&packet->link, &work->item.pool->port->packets);
}

static struct _TP_WORK *work_new(void *context, const TP_CALLBACK_ENVIRON *environment,
				 void (*call)(struct cio_pool_item *,
					      struct _TP_CALLBACK_INSTANCE *,
					      const OVERLAPPED_ENTRY *))
{
	struct _TP_WORK *work = calloc(1, sizeof(*work));

	if (!work) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	work->item.context = context;
	work->item.call = call;
	work->item.destroy = work_destroy;
	work->packet.key = (ULONG_PTR)&work->item;
	work->packet.release = packet_release;
	if (cio_pool_join(&work->item, environment))
		return work;
	free(work);
	return NULL;
}

static void work_submit(struct _TP_WORK *work)
{
	cio_state_lock();
	cio_pool_expect(&work->item);
	if (work->queued) {
		work->more++;
	} else {
		work->queued = true;
		cio_port_post(work->item.pool->port, &work->packet);
	}
	cio_state_unlock();
}

/* A callback that nobody can refer to: it goes when it has run. */
static void submit_once(struct _TP_WORK *work)
{
	work->item.closed = true;
	work_submit(work);
}

PTP_WORK WINAPI CreateThreadpoolWork(PTP_WORK_CALLBACK fn, PVOID context,
				     PTP_CALLBACK_ENVIRON environment)
{
	CIO_KEEP_ERRNO;
	struct _TP_WORK *work;

	if (!fn) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	work = work_new(context, environment, call_work);
	if (work)
		work->fn.work = fn;
	return work;
}

VOID WINAPI SubmitThreadpoolWork(PTP_WORK work)
{
	CIO_KEEP_ERRNO;

	work_submit(work);
}

VOID WINAPI WaitForThreadpoolWorkCallbacks(PTP_WORK work, BOOL cancel)
{
	CIO_KEEP_ERRNO;

	unsigned int count;

	if (cancel) {
		cio_state_lock();
		/* What a thread has already taken out of the queue runs. */
		count = work->more;
		work->more = 0;
		count += cio_port_drop(work->item.pool->port, work->packet.key);
		cio_pool_unexpect(&work->item, count);
		cio_state_unlock();
	}
	cio_pool_item_wait(&work->item);
}

VOID WINAPI CloseThreadpoolWork(PTP_WORK work)
{
	CIO_KEEP_ERRNO;

	cio_pool_item_close(&work->item);
}

BOOL WINAPI TrySubmitThreadpoolCallback(PTP_SIMPLE_CALLBACK fn, PVOID context,
					PTP_CALLBACK_ENVIRON environment)
{
	CIO_KEEP_ERRNO;
	struct _TP_WORK *work;

	if (!fn)
		return cio_fail(ERROR_INVALID_PARAMETER);
	work = work_new(context, environment, call_simple);
	if (!work)
		return FALSE;
	work->fn.simple = fn;
	submit_once(work);
	return TRUE;
}

/* Which kind of thread it is to be makes no difference here: each can wait, and stay. */
BOOL WINAPI QueueUserWorkItem(LPTHREAD_START_ROUTINE fn, PVOID context, ULONG flags)
{
	CIO_KEEP_ERRNO;
	struct _TP_WORK *work;

	if (!fn)
		return cio_fail(ERROR_INVALID_PARAMETER);
	work = work_new(context, NULL, call_legacy);
	if (!work)
		return FALSE;
	work->fn.legacy = fn;
	work->item.runs_long = flags & WT_EXECUTELONGFUNCTION;
	submit_once(work);
	return TRUE;
}
