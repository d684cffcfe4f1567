// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>

#include "handle.h"
#include "status.h"
#include "thread.h"

#define CHUNK 256
#define MAX_CHUNKS 65536

struct entry {
	struct cio_object *obj; /* NULL: free */
	DWORD access;
	uint32_t next_free;
};

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static struct entry *chunks[MAX_CHUNKS];
static uint32_t used; /* entries that have ever been handed out */

/*
 * Freed entries wait in a queue, not on a stack: a number that was closed comes back as late as
 * can be, and a stale handle is found out rather than taken for its successor.
 */
static uint32_t free_head, free_tail; /* index + 1, 0: none */

void cio_handle_lock(void)
{
	pthread_mutex_lock(&table);
}

void cio_handle_unlock(void)
{
	pthread_mutex_unlock(&table);
}

static struct entry *entry_at(uint32_t index)
{
	return &chunks[index / CHUNK][index % CHUNK];
}

static HANDLE handle_of(uint32_t index)
{
	return (HANDLE)((ULONG_PTR)(index + 1) * 4);
}

/* The two low bits of a handle belong to the application. */
static struct entry *entry_of(HANDLE handle, uint32_t *index)
{
	ULONG_PTR n = (ULONG_PTR)handle / 4;
	struct entry *e;

	if (n == 0 || n > used)
		return NULL;
	*index = (uint32_t)(n - 1);
	e = entry_at(*index);
	return e->obj ? e : NULL;
}

static bool entry_alloc(uint32_t *index)
{
	if (free_head) {
		*index = free_head - 1;
		free_head = entry_at(*index)->next_free;
		if (!free_head)
			free_tail = 0;
		return true;
	}
	if (used == CHUNK * MAX_CHUNKS)
		return false;
	if (used % CHUNK == 0) {
		chunks[used / CHUNK] = calloc(CHUNK, sizeof(struct entry));
		if (!chunks[used / CHUNK])
			return false;
	}
	*index = used++;
	return true;
}

static void entry_free(uint32_t index)
{
	struct entry *e = entry_at(index);

	e->obj = NULL;
	e->next_free = 0;
	if (free_tail)
		entry_at(free_tail - 1)->next_free = index + 1;
	else
		free_head = index + 1;
	free_tail = index + 1;
}

static HANDLE handle_add(struct cio_object *obj, DWORD access)
{
	uint32_t index;

	if (!entry_alloc(&index))
		return NULL;
	cio_object_get(obj);
	obj->handles++;
	entry_at(index)->obj = obj;
	entry_at(index)->access = access;
	return handle_of(index);
}

HANDLE cio_handle_new(struct cio_object *obj, DWORD access)
{
	HANDLE handle;

	cio_handle_lock();
	handle = handle_add(obj, access);
	cio_handle_unlock();
	return handle;
}

static struct cio_object *get_current_thread(DWORD *access)
{
	struct cio_thread *self = cio_self();

	if (!self)
		return NULL;
	cio_object_get(&self->obj);
	*access = THREAD_ALL_ACCESS;
	return &self->obj;
}

struct cio_object *cio_handle_get_access(HANDLE handle, const struct cio_class *class,
					 DWORD *access)
{
	struct cio_object *obj = NULL;
	struct entry *e;
	uint32_t index;

	if (handle == CIO_CURRENT_THREAD) {
		obj = get_current_thread(access);
	} else {
		cio_handle_lock();
		e = entry_of(handle, &index);
		if (e) {
			obj = e->obj;
			*access = e->access;
			cio_object_get(obj);
		}
		cio_handle_unlock();
	}
	if (obj && class && obj->class != class) {
		cio_object_put(obj);
		obj = NULL;
	}
	if (!obj)
		cio_fail(ERROR_INVALID_HANDLE);
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
		if (entry_at(i)->obj)
			fn(entry_at(i)->obj);
}

BOOL WINAPI CloseHandle(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_object *obj = NULL;
	struct entry *e;
	uint32_t index;
	bool last = false;

	if (handle == CIO_CURRENT_PROCESS || handle == CIO_CURRENT_THREAD)
		return TRUE;
	cio_handle_lock();
	e = entry_of(handle, &index);
	if (e) {
		obj = e->obj;
		last = --obj->handles == 0;
		entry_free(index);
	}
	cio_handle_unlock();
	if (!obj)
		return cio_fail(ERROR_INVALID_HANDLE);
	if (last && obj->class->last_handle)
		obj->class->last_handle(obj);
	cio_object_put(obj);
	return TRUE;
}

DWORD cio_map_generic(const struct cio_class *class, DWORD access)
{
	DWORD mapped = access & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
	DWORD all = class == &cio_file_class  ? FILE_ALL_ACCESS :
		    class == &cio_event_class ? EVENT_ALL_ACCESS :
						THREAD_ALL_ACCESS;

	if (access & (GENERIC_ALL | MAXIMUM_ALLOWED))
		mapped = (mapped & ~MAXIMUM_ALLOWED) | all;
	if (class == &cio_file_class) {
		mapped |= access & GENERIC_READ ? FILE_GENERIC_READ : 0;
		mapped |= access & GENERIC_WRITE ? FILE_GENERIC_WRITE : 0;
		mapped |= access & GENERIC_EXECUTE ? FILE_GENERIC_EXECUTE : 0;
	} else {
		mapped |= access & GENERIC_READ ? READ_CONTROL | 1 : 0;
		mapped |= access & GENERIC_WRITE ? READ_CONTROL | 2 : 0;
		mapped |= access & GENERIC_EXECUTE ? READ_CONTROL | SYNCHRONIZE : 0;
	}
	return mapped;
}

/* Another handle, and its error. What has lost its last handle meanwhile gets no new one. */
static DWORD add_copy(struct cio_object *obj, DWORD access, HANDLE *target)
{
	DWORD error = 0;
	HANDLE copy;

	cio_handle_lock();
	if (obj->class->last_handle && !obj->handles) {
		error = ERROR_INVALID_HANDLE;
	} else {
		copy = handle_add(obj, access);
		if (copy)
			*target = copy;
		else
			error = ERROR_NOT_ENOUGH_MEMORY;
	}
	cio_handle_unlock();
	return error;
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
		error = add_copy(obj, access, target);
	cio_object_put(obj);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process,
			    LPHANDLE target, DWORD access, BOOL inherit, DWORD options)
{
	CIO_KEEP_ERRNO;
	BOOL ok;

	(void)inherit; /* no call of this library starts a process that could inherit */
	if (source_process != CIO_CURRENT_PROCESS || target_process != CIO_CURRENT_PROCESS)
		return cio_fail(ERROR_INVALID_HANDLE);
	ok = duplicate(source, target, access, options);
	if (options & DUPLICATE_CLOSE_SOURCE) {
		DWORD error = GetLastError();

		CloseHandle(source);
		SetLastError(error);
	}
	return ok;
}
