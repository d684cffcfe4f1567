// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "handle.h"
#include "mutex.h"
#include "names.h"
#include "status.h"

/* State lock for all but the object. */
struct mutex {
	struct cio_object obj;
	struct cio_thread *owner;
	struct cio_list in_thread; /* of the owner */
	unsigned int depth;
	bool abandoned;
};

static struct mutex *mutex_of(const struct cio_object *obj)
{
	return cio_entry(obj, struct mutex, obj);
}

/* Nobody can ask for it any more, but its owner may be alive. */
static void mutex_destroy(struct cio_object *obj)
{
	struct mutex *m = mutex_of(obj);

	cio_state_lock();
	cio_list_del(&m->in_thread);
	cio_state_unlock();
	free(m);
}

static bool mutex_ready(const struct cio_object *obj, const struct cio_thread *thread)
{
	const struct mutex *m = mutex_of(obj);

	return !m->owner || m->owner == thread;
}

static bool mutex_take(struct cio_object *obj, struct cio_thread *thread)
{
	struct mutex *m = mutex_of(obj);
	bool abandoned = m->abandoned;

	m->abandoned = false;
	if (!m->depth++) {
		m->owner = thread;
		cio_list_add_tail(&m->in_thread, &thread->mutexes);
	}
	return abandoned;
}

static void mutex_free(struct mutex *m)
{
	m->owner = NULL;
	m->depth = 0;
	cio_list_del(&m->in_thread);
	cio_object_serve(&m->obj);
}

static DWORD mutex_release(struct cio_object *obj, struct cio_thread *self)
{
	struct mutex *m = mutex_of(obj);

	if (!self || m->owner != self)
		return ERROR_NOT_OWNER;
	if (m->depth == 1)
		mutex_free(m);
	else
		m->depth--;
	return ERROR_SUCCESS;
}

static const struct cio_class mutex_class = {
	.name = "mutex",
	.all = MUTEX_ALL_ACCESS,
	.read = READ_CONTROL | MUTANT_QUERY_STATE,
	.write = READ_CONTROL,
	.execute = READ_CONTROL | SYNCHRONIZE,
	.destroy = mutex_destroy,
	.ready = mutex_ready,
	.take = mutex_take,
	.release = mutex_release,
	.release_access = SYNCHRONIZE,
};

void cio_mutexes_abandon(struct cio_thread *thread)
{
	while (!cio_list_empty(&thread->mutexes)) {
		struct mutex *m = cio_entry(thread->mutexes.next, struct mutex, in_thread);

		m->abandoned = true;
		mutex_free(m);
	}
}

static HANDLE mutex_create(const SECURITY_ATTRIBUTES *attributes, const struct cio_name_key *key,
			   DWORD flags, DWORD access)
{
	struct cio_thread *self = cio_self();
	struct mutex *m;

	if (!self)
		return NULL;
	if (flags & ~CREATE_MUTEX_INITIAL_OWNER) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	cio_object_init(&m->obj, &mutex_class, false);
	cio_list_init(&m->in_thread);
	if (flags & CREATE_MUTEX_INITIAL_OWNER) {
		cio_state_lock();
		mutex_take(&m->obj, self);
		cio_state_unlock();
	}
	return cio_name_create(&m->obj, key, access, attributes);
}

HANDLE WINAPI CreateMutexA(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCSTR name)
{
	return CreateMutexExA(attributes, name, owned ? CREATE_MUTEX_INITIAL_OWNER : 0,
			      MUTEX_ALL_ACCESS);
}

HANDLE WINAPI CreateMutexW(LPSECURITY_ATTRIBUTES attributes, BOOL owned, LPCWSTR name)
{
	return CreateMutexExW(attributes, name, owned ? CREATE_MUTEX_INITIAL_OWNER : 0,
			      MUTEX_ALL_ACCESS);
}

HANDLE WINAPI CreateMutexExA(LPSECURITY_ATTRIBUTES attributes, LPCSTR name, DWORD flags,
			     DWORD access)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	return cio_name_from_a(&key, name) ? mutex_create(attributes, &key, flags, access) : NULL;
}

HANDLE WINAPI CreateMutexExW(LPSECURITY_ATTRIBUTES attributes, LPCWSTR name, DWORD flags,
			     DWORD access)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	return cio_name_from_w(&key, name) ? mutex_create(attributes, &key, flags, access) : NULL;
}

HANDLE WINAPI OpenMutexA(DWORD access, BOOL inherit, LPCSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_a(&key, name))
		return NULL;
	return cio_name_open(&mutex_class, &key, access, inherit);
}

HANDLE WINAPI OpenMutexW(DWORD access, BOOL inherit, LPCWSTR name)
{
	CIO_KEEP_ERRNO;
	struct cio_name_key key;

	if (!cio_name_from_w(&key, name))
		return NULL;
	return cio_name_open(&mutex_class, &key, access, inherit);
}

/* Needs no right: who has got the mutex by this handle or another may give it back. */
BOOL WINAPI ReleaseMutex(HANDLE handle)
{
	struct cio_handle *h = cio_handle_pin_as(handle, &mutex_class, 0);
	DWORD error;

	if (!h)
		return FALSE;
	cio_state_lock();
	error = mutex_release(h->obj, cio_self_if_known());
	cio_state_unlock();
	cio_handle_unpin(h);
	return error ? cio_fail(error) : TRUE;
}
