// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "handle.h"
#include "names.h"
#include "status.h"

struct semaphore {
	struct cio_object obj;
	LONG count, maximum; /* state lock */
};

static struct semaphore *semaphore_of(const struct cio_object *obj)
{
	return cio_entry(obj, struct semaphore, obj);
}

static void semaphore_destroy(struct cio_object *obj)
{
	free(semaphore_of(obj));
}

static bool semaphore_ready(const struct cio_object *obj, const struct cio_thread *thread)
{
	(void)thread;
	return semaphore_of(obj)->count > 0;
}

static bool semaphore_take(struct cio_object *obj, struct cio_thread *thread)
{
	(void)thread;
	semaphore_of(obj)->count--;
	return false;
}

static DWORD semaphore_add(struct semaphore *s, LONG count, LONG *previous)
{
	if (count > s->maximum - s->count)
		return ERROR_TOO_MANY_POSTS;
	*previous = s->count;
	s->count += count;
	cio_object_serve(&s->obj);
	return ERROR_SUCCESS;
}

static DWORD semaphore_release(struct cio_object *obj, struct cio_thread *self)
{
	LONG previous;

	(void)self;
	return semaphore_add(semaphore_of(obj), 1, &previous);
}

static const struct cio_class semaphore_class = {
	.name = "semaphore",
	.all = SEMAPHORE_ALL_ACCESS,
	.read = READ_CONTROL | SEMAPHORE_QUERY_STATE,
	.write = READ_CONTROL | SEMAPHORE_MODIFY_STATE,
	.execute = READ_CONTROL | SYNCHRONIZE,
	.destroy = semaphore_destroy,
	.ready = semaphore_ready,
	.take = semaphore_take,
	.release = semaphore_release,
	.release_access = SEMAPHORE_MODIFY_STATE,
};

static HANDLE semaphore_create(const SECURITY_ATTRIBUTES *attributes, LONG initial, LONG maximum,
			       const struct cio_name_key *key, DWORD flags, DWORD access)
{
	struct semaphore *s;

	if (initial < 0 || maximum <= 0 || initial > maximum || flags) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	cio_object_init(&s->obj, &semaphore_class, false);
	s->count = initial;
	s->maximum = maximum;
	return cio_name_create(&s->obj, key, access, attributes);
}

HANDLE WINAPI CreateSemaphoreA(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum,
			       LPCSTR name)
{
	return CreateSemaphoreExA(attributes, initial, maximum, name, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE WINAPI CreateSemaphoreW(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum,
			       LPCWSTR name)
{
	return CreateSemaphoreExW(attributes, initial, maximum, name, 0, SEMAPHORE_ALL_ACCESS);
}

HANDLE WINAPI CreateSemaphoreExA(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum,
				 LPCSTR name, DWORD flags, DWORD access)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_a(&key, name))
		return NULL;
	return semaphore_create(attributes, initial, maximum, &key, flags, access);
}

HANDLE WINAPI CreateSemaphoreExW(LPSECURITY_ATTRIBUTES attributes, LONG initial, LONG maximum,
				 LPCWSTR name, DWORD flags, DWORD access)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_w(&key, name))
		return NULL;
	return semaphore_create(attributes, initial, maximum, &key, flags, access);
}

HANDLE WINAPI OpenSemaphoreA(DWORD access, BOOL inherit, LPCSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_a(&key, name))
		return NULL;
	return cio_name_open(&semaphore_class, &key, access, inherit);
}

HANDLE WINAPI OpenSemaphoreW(DWORD access, BOOL inherit, LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_w(&key, name))
		return NULL;
	return cio_name_open(&semaphore_class, &key, access, inherit);
}

BOOL WINAPI ReleaseSemaphore(HANDLE handle, LONG count, LPLONG previous)
{
	struct cio_handle *h;
	LONG was = 0;
	DWORD error;

	if (count <= 0)
		return cio_fail(ERROR_INVALID_PARAMETER);
	h = cio_handle_pin_as(handle, &semaphore_class, SEMAPHORE_MODIFY_STATE);
	if (!h)
		return FALSE;
	cio_state_lock();
	error = semaphore_add(semaphore_of(h->obj), count, &was);
	cio_state_unlock();
	cio_handle_unpin(h);
	if (error)
		return cio_fail(error);
	if (previous)
		*previous = was;
	return TRUE;
}
