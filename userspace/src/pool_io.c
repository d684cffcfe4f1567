// SPDX-License-Identifier: MIT
/* Files whose ends are callbacks in the thread pool (W-TPIO-*, W-BIND-1). */
#include <stdlib.h>

#include "file.h"
#include "handle.h"
#include "op.h"
#include "pool.h"
#include "status.h"

#define CHUNK 64
#define MAX_CHUNKS 16384

/*
 * Never freed, only reused, under another name: the file, which has the name for its key, may send
 * packets when the TP_IO is long gone.
 */
struct _TP_IO {
	struct cio_pool_item item;
	PTP_WIN32_IO_CALLBACK fn;
	uint32_t index, generation; /* state lock, as for the next */
	bool in_use;
	struct _TP_IO *next_free;
};

static struct _TP_IO *chunks[MAX_CHUNKS]; /* state lock, as for the next two */
static uint32_t made;
static struct _TP_IO *free_ios;

static ULONG_PTR name_of(const struct _TP_IO *io)
{
	return (ULONG_PTR)io->generation << 32 | (ULONG_PTR)io->index << 1 | CIO_POOL_IO_NAME;
}

struct cio_pool_item *cio_pool_io_named(ULONG_PTR name)
{
	uint32_t index = (uint32_t)name >> 1;
	struct _TP_IO *io = index < made ? &chunks[index / CHUNK][index % CHUNK] : NULL;

	return io && io->in_use && name_of(io) == name ? &io->item : NULL;
}

static bool ios_grow(void)
{
	struct _TP_IO *chunk;

	if (made == CHUNK * MAX_CHUNKS)
		return false;
	chunk = calloc(CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	chunks[made / CHUNK] = chunk;
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunk[i].index = made + i;
		chunk[i].next_free = free_ios;
		free_ios = &chunk[i];
	}
	made += CHUNK;
	return true;
}

static struct _TP_IO *io_alloc(void)
{
	struct _TP_IO *io = NULL;

	cio_state_lock();
	if (free_ios || ios_grow()) {
		io = free_ios;
		free_ios = io->next_free;
		io->in_use = true;
		io->item = (struct cio_pool_item){ 0 };
	}
	cio_state_unlock();
	return io;
}

static void io_free(struct cio_pool_item *item)
{
	struct _TP_IO *io = cio_entry(item, struct _TP_IO, item);

	cio_state_lock();
	io->in_use = false;
	io->generation++;
	io->next_free = free_ios;
	free_ios = io;
	cio_state_unlock();
}

static void call_io(struct cio_pool_item *item, struct _TP_CALLBACK_INSTANCE *instance,
		    const OVERLAPPED_ENTRY *entry)
{
	struct _TP_IO *io = cio_entry(item, struct _TP_IO, item);

	io->fn(instance, item->context, entry->lpOverlapped,
	       cio_status_to_error((DWORD)entry->Internal), entry->dwNumberOfBytesTransferred, io);
}

/* Sets the last error. */
static bool bind_file(HANDLE handle, struct cio_pool_item *item, ULONG_PTR key)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, 0);
	DWORD error;

	if (!obj)
		return false;
	error = cio_port_bind(item->pool->port, cio_entry(obj, struct cio_file, obj), key);
	cio_object_put(obj);
	return error ? cio_fail(error) : true;
}

PTP_IO WINAPI CreateThreadpoolIo(HANDLE file, PTP_WIN32_IO_CALLBACK fn, PVOID context,
				 PTP_CALLBACK_ENVIRON environment)
{
	CIO_KEEP_ERRNO;
	struct _TP_IO *io = fn ? io_alloc() : NULL;

	if (!io) {
		cio_fail(fn ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER);
		return NULL;
	}
	io->fn = fn;
	io->item.context = context;
	io->item.call = call_io;
	io->item.destroy = io_free;
	if (!cio_pool_join(&io->item, environment)) {
		io_free(&io->item);
		return NULL;
	}
	if (!bind_file(file, &io->item, name_of(io))) {
		cio_pool_item_close(&io->item);
		return NULL;
	}
	return io;
}

VOID WINAPI StartThreadpoolIo(PTP_IO io)
{
	CIO_KEEP_ERRNO;

	cio_state_lock();
	cio_pool_expect(&io->item);
	cio_state_unlock();
}

VOID WINAPI CancelThreadpoolIo(PTP_IO io)
{
	CIO_KEEP_ERRNO;
	bool over;

	cio_state_lock();
	over = cio_pool_unexpect(&io->item, 1);
	cio_state_unlock();
	if (over)
		cio_pool_item_destroy(&io->item);
}

/*
 * To cancel is to forget what has been queued, and what will come of requests that are pending; they
 * themselves go on (W-TPIO-4).
 */
VOID WINAPI WaitForThreadpoolIoCallbacks(PTP_IO io, BOOL cancel)
{
	CIO_KEEP_ERRNO;
	struct cio_port *port = io->item.pool->port;

	if (cancel) {
		cio_state_lock();
		cio_pool_unexpect(&io->item, cio_port_drop(port, name_of(io)) +
						     cio_ops_silence(port, name_of(io)));
		cio_state_unlock();
	}
	cio_pool_item_wait(&io->item);
}

VOID WINAPI CloseThreadpoolIo(PTP_IO io)
{
	CIO_KEEP_ERRNO;

	cio_pool_item_close(&io->item);
}

/* ---- the older form: the file is bound to a function, for good ---- */

struct bound {
	struct cio_pool_item item;
	struct bound *next;
	LPOVERLAPPED_COMPLETION_ROUTINE fn;
};

static struct bound *all_bound; /* one for each function; state lock */

static void call_bound(struct cio_pool_item *item, struct _TP_CALLBACK_INSTANCE *instance,
		       const OVERLAPPED_ENTRY *entry)
{
	(void)instance;
	cio_entry(item, struct bound, item)
		->fn(cio_status_to_error((DWORD)entry->Internal),
		     entry->dwNumberOfBytesTransferred, entry->lpOverlapped);
}

static struct bound *find_bound(LPOVERLAPPED_COMPLETION_ROUTINE fn)
{
	struct bound *b;

	cio_state_lock();
	for (b = all_bound; b && b->fn != fn; b = b->next)
		;
	cio_state_unlock();
	return b;
}

/* Two threads may make one each: the second is found from now on, and both stay. */
static struct bound *make_bound(LPOVERLAPPED_COMPLETION_ROUTINE fn)
{
	struct bound *b = calloc(1, sizeof(*b));

	if (!b) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	b->fn = fn;
	b->item.call = call_bound;
	b->item.any_time = true;
	if (!cio_pool_join(&b->item, NULL)) {
		free(b);
		return NULL;
	}
	cio_state_lock();
	b->next = all_bound;
	all_bound = b;
	cio_state_unlock();
	return b;
}

BOOL WINAPI BindIoCompletionCallback(HANDLE file, LPOVERLAPPED_COMPLETION_ROUTINE fn, ULONG flags)
{
	CIO_KEEP_ERRNO;
	struct bound *b;

	if (!fn || flags)
		return cio_fail(ERROR_INVALID_PARAMETER);
	b = find_bound(fn);
	if (!b)
		b = make_bound(fn);
	return b && bind_file(file, &b->item, (ULONG_PTR)&b->item);
}
