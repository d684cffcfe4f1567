// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "handle.h"
#include "lock.h"
#include "names.h"
#include "status.h"
#include "thread.h"

static struct cio_lock table = CIO_LOCK_INIT;
struct cio_handle *_Atomic cio_handle_chunks[CIO_HANDLE_CHUNKS];
static uint32_t used; /* entries that have ever been handed out; table's lock, as the next two */

/*
 * Freed entries wait in a queue, not on a stack: a number that was closed comes back as late as
 * can be, and a stale handle is found out rather than taken for its successor.
 */
static uint32_t free_head, free_tail; /* index + 1, 0: none */

void cio_handle_lock(void)
{
	cio_lock_take(&table);
}

void cio_handle_unlock(void)
{
	cio_lock_drop(&table);
}

void cio_handle_reinit_in_child(void)
{
	cio_lock_reinit_in_child(&table);
}

static struct cio_handle *entry_at(uint32_t index)
{
	struct cio_handle *chunk = atomic_load_explicit(&cio_handle_chunks[index / CIO_HANDLE_CHUNK],
							memory_order_relaxed);

	return &chunk[index % CIO_HANDLE_CHUNK];
}

static HANDLE handle_of(const struct cio_handle *h)
{
	return (HANDLE)(((ULONG_PTR)h->index + 1) * 4);
}

static bool has_room(void)
{
	return free_head || used % CIO_HANDLE_CHUNK != 0 ||
	       (used < (uint32_t)CIO_HANDLE_CHUNK * CIO_HANDLE_CHUNKS &&
		atomic_load_explicit(&cio_handle_chunks[used / CIO_HANDLE_CHUNK],
				     memory_order_relaxed));
}

static bool table_grow(void)
{
	struct cio_handle *chunk;

	if (used == (uint32_t)CIO_HANDLE_CHUNK * CIO_HANDLE_CHUNKS)
		return false;
	chunk = calloc(CIO_HANDLE_CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	for (uint32_t i = 0; i < CIO_HANDLE_CHUNK; i++)
		chunk[i].index = used + i;
	atomic_store_explicit(&cio_handle_chunks[used / CIO_HANDLE_CHUNK], chunk,
			      memory_order_release);
	return true;
}

static struct cio_handle *entry_alloc(void)
{
	struct cio_handle *h;

	if (free_head) {
		h = entry_at(free_head - 1);
		free_head = h->next_free;
		if (!free_head)
			free_tail = 0;
		return h;
	}
	if (!has_room() && !table_grow())
		return NULL;
	return entry_at(used++);
}

static HANDLE handle_add(struct cio_object *obj, DWORD access)
{
	struct cio_handle *h = entry_alloc();

	if (!h)
		return NULL;
	cio_object_get(obj);
	obj->handles++;
	h->obj = obj;
	h->access = access;
	h->flags = 0;
	/* Not a store: a call with a stale handle may be looking at it right now. */
	atomic_fetch_or(&h->state, CIO_HANDLE_LIVE);
	return handle_of(h);
}

void cio_handle_free(struct cio_handle *h)
{
	uint64_t closing = CIO_HANDLE_CLOSING;
	struct cio_object *obj;

	/* A call with a stale handle may have looked in between, and then it is the last. */
	if (!atomic_compare_exchange_strong(&h->state, &closing, 0))
		return;
	/* Not before: until then the entry could go, come back, and be closed again. */
	obj = h->obj;
	cio_handle_lock();
	h->next_free = 0;
	if (free_tail)
		entry_at(free_tail - 1)->next_free = h->index + 1;
	else
		free_head = h->index + 1;
	free_tail = h->index + 1;
	cio_handle_unlock();
	cio_object_put(obj);
}

HANDLE cio_handle_new(struct cio_object *obj, DWORD access)
{
	HANDLE handle;

	cio_handle_lock();
	handle = handle_add(obj, access);
	cio_handle_unlock();
	return handle;
}

bool cio_handle_room(void)
{
	bool room;

	cio_handle_lock();
	room = has_room() || table_grow();
	cio_handle_unlock();
	return room;
}

HANDLE cio_handle_give(struct cio_object *obj, DWORD access)
{
	HANDLE handle = cio_handle_new(obj, access);

	cio_object_put(obj);
	if (!handle)
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
	return handle;
}

struct cio_handle *cio_handle_refuse(struct cio_handle *h, const struct cio_class *class)
{
	CIO_KEEP_ERRNO;

	cio_fail(h && h->obj->class == class ? ERROR_ACCESS_DENIED : ERROR_INVALID_HANDLE);
	if (h)
		cio_handle_unpin(h);
	return NULL;
}

/* NULL with the last error set. */
static struct cio_object *get_pseudo(HANDLE handle, DWORD *access)
{
	struct cio_thread *self = handle == CIO_CURRENT_THREAD ? cio_self() : NULL;
	struct cio_object *obj = self ? &self->obj : NULL;

	if (handle == CIO_CURRENT_PROCESS)
		obj = &cio_process_object;
	else if (handle != CIO_CURRENT_THREAD)
		cio_fail(ERROR_INVALID_HANDLE);
	if (!obj)
		return NULL;
	cio_object_get(obj);
	*access = obj->class->all;
	return obj;
}

struct cio_object *cio_handle_get_access(HANDLE handle, const struct cio_class *class,
					 DWORD *access)
{
	struct cio_handle *h = cio_handle_pin(handle);
	struct cio_object *obj = NULL;

	if (h) {
		obj = h->obj;
		*access = h->access;
		cio_object_get(obj);
		cio_handle_unpin(h);
	} else {
		obj = get_pseudo(handle, access);
	}
	if (obj && class && obj->class != class) {
		cio_object_put(obj);
		cio_fail(ERROR_INVALID_HANDLE);
		return NULL;
	}
	return obj;
}

struct cio_object *cio_handle_get(HANDLE handle, const struct cio_class *class, DWORD access)
{
	DWORD granted;
	struct cio_object *obj = cio_handle_get_access(handle, class, &granted);

	if (obj && (granted & access) != access) {
		cio_object_put(obj);
		cio_fail(ERROR_ACCESS_DENIED);
		return NULL;
	}
	return obj;
}

void cio_handle_each(void (*fn)(struct cio_object *obj))
{
	for (uint32_t i = 0; i < used; i++)
		if (atomic_load(&entry_at(i)->state) & (CIO_HANDLE_LIVE | CIO_HANDLE_CLOSING))
			fn(entry_at(i)->obj);
}

/* No handle leads to the object any more. */
static void object_is_closed(struct cio_object *obj)
{
	if (obj->name)
		cio_name_drop(obj);
	if (obj->class->last_handle)
		obj->class->last_handle(obj);
}

static bool is_file(const struct cio_object *obj)
{
	return obj->class == &cio_file_class;
}

void cio_handle_forget_pins_in_child(void)
{
	const uint64_t flags = CIO_HANDLE_LIVE | CIO_HANDLE_CLOSING;

	for (uint32_t i = 0; i < used; i++) {
		struct cio_handle *h = entry_at(i);

		if ((atomic_fetch_and(&h->state, flags) & flags) && is_file(h->obj))
			atomic_store(&h->obj->refs, 0);
	}
	/* What has a file otherwise, calls and operations, is the parent's. */
	for (uint32_t i = 0; i < used; i++)
		if (atomic_load(&entry_at(i)->state) && is_file(entry_at(i)->obj))
			cio_object_get(entry_at(i)->obj);
	for (uint32_t i = 0; i < used; i++) {
		struct cio_handle *h = entry_at(i);

		if (atomic_load(&h->state) != CIO_HANDLE_CLOSING)
			continue;
		/* Its closer may not have come so far; to do it again does no harm. */
		if (!h->obj->handles)
			object_is_closed(h->obj);
		cio_handle_free(h);
	}
}

BOOL WINAPI CloseHandle(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_handle *h = cio_handle_pin(handle);
	struct cio_object *obj;
	bool closed, last = false;

	if (!h) {
		/* A pseudo handle can be closed, and stays what it is. */
		if (handle == CIO_CURRENT_PROCESS || handle == CIO_CURRENT_THREAD)
			return TRUE;
		return cio_fail(ERROR_INVALID_HANDLE);
	}
	obj = h->obj;
	cio_handle_lock();
	closed = atomic_load(&h->state) & CIO_HANDLE_LIVE &&
		 !(h->flags & HANDLE_FLAG_PROTECT_FROM_CLOSE);
	if (closed) {
		atomic_fetch_add(&h->state, CIO_HANDLE_CLOSING - CIO_HANDLE_LIVE);
		last = --obj->handles == 0;
	}
	cio_handle_unlock();
	if (last)
		object_is_closed(obj);
	cio_handle_unpin(h);
	return closed ? TRUE : cio_fail(ERROR_INVALID_HANDLE);
}

BOOL cio_handle_set_flags(HANDLE handle, DWORD mask, DWORD flags)
{
	struct cio_handle *h = cio_handle_pin(handle);

	if (!h)
		return cio_fail(ERROR_INVALID_HANDLE);
	cio_handle_lock();
	h->flags = (h->flags & ~mask) | (flags & mask);
	cio_handle_unlock();
	cio_handle_unpin(h);
	return TRUE;
}

DWORD cio_map_generic(const struct cio_class *class, DWORD access)
{
	DWORD mapped = access & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);

	if (access & (GENERIC_ALL | MAXIMUM_ALLOWED))
		mapped = (mapped & ~MAXIMUM_ALLOWED) | class->all;
	mapped |= access & GENERIC_READ ? class->read : 0;
	mapped |= access & GENERIC_WRITE ? class->write : 0;
	mapped |= access & GENERIC_EXECUTE ? class->execute : 0;
	return mapped;
}

DWORD cio_handle_copy(struct cio_object *obj, DWORD access, HANDLE *handle)
{
	DWORD error = 0;
	HANDLE copy;

	cio_handle_lock();
	if ((obj->class->last_handle || obj->name) && !obj->handles) {
		error = ERROR_INVALID_HANDLE;
	} else {
		copy = handle_add(obj, access);
		if (copy)
			*handle = copy;
		else
			error = ERROR_NOT_ENOUGH_MEMORY;
	}
	cio_handle_unlock();
	return error;
}
