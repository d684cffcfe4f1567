// SPDX-License-Identifier: MIT
/* What one thread can ask about another, or do to it. */
#include "futex.h"
#include "handle.h"
#include "status.h"
#include "thread.h"

static struct cio_thread *thread_of(struct cio_object *obj)
{
	return cio_entry(obj, struct cio_thread, obj);
}

static struct cio_thread *thread_get(HANDLE handle, DWORD access)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_thread_class, access);

	return obj ? thread_of(obj) : NULL;
}

/* For what each of two rights is enough. */
static struct cio_thread *thread_get_either(HANDLE handle, DWORD either)
{
	DWORD granted;
	struct cio_object *obj = cio_handle_get_access(handle, &cio_thread_class, &granted);

	if (!obj)
		return NULL;
	if (!(granted & either)) {
		cio_object_put(obj);
		cio_fail(ERROR_ACCESS_DENIED);
		return NULL;
	}
	return thread_of(obj);
}

BOOL WINAPI GetExitCodeThread(HANDLE handle, LPDWORD code)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = thread_get_either(handle, THREAD_QUERY_INFORMATION |
								 THREAD_QUERY_LIMITED_INFORMATION);

	if (!t)
		return FALSE;
	if (code) {
		cio_state_lock();
		*code = t->exited ? t->exit_code : STILL_ACTIVE;
		cio_state_unlock();
	}
	cio_object_put(&t->obj);
	return code ? TRUE : cio_fail(ERROR_NOACCESS);
}

DWORD WINAPI GetThreadId(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = thread_get_either(handle, THREAD_QUERY_INFORMATION |
								 THREAD_QUERY_LIMITED_INFORMATION);
	DWORD id;

	if (!t)
		return 0;
	id = (DWORD)t->tid;
	cio_object_put(&t->obj);
	return id;
}

struct by_id {
	DWORD id;
	struct cio_thread *found;
};

static void match_id(struct cio_thread *thread, void *arg)
{
	struct by_id *want = arg;

	if ((DWORD)thread->tid != want->id || want->found)
		return;
	cio_object_get(&thread->obj);
	want->found = thread;
}

HANDLE WINAPI OpenThread(DWORD access, BOOL inherit, DWORD id)
{
	CIO_KEEP_ERRNO;
	struct by_id want = { .id = id };
	HANDLE handle;

	if (!cio_self())
		return NULL;
	cio_state_lock();
	cio_thread_each(match_id, &want);
	cio_state_unlock();
	if (!want.found) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	access = cio_map_generic(&cio_thread_class, access) & THREAD_ALL_ACCESS;
	handle = cio_handle_give(&want.found->obj, access);
	if (handle && inherit)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	return handle;
}

/* State lock. The thread's first step comes when the count reaches 0; from then on it stays. */
static DWORD resume_locked(struct cio_thread *t)
{
	unsigned int count = atomic_load(&t->suspended);

	if (count)
		atomic_store(&t->suspended, count - 1);
	return count;
}

DWORD WINAPI ResumeThread(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = thread_get(handle, THREAD_SUSPEND_RESUME);
	DWORD previous;

	if (!t)
		return (DWORD)-1;
	cio_state_lock();
	previous = resume_locked(t);
	cio_state_unlock();
	if (previous == 1)
		cio_futex_wake(&t->suspended, 1);
	cio_object_put(&t->obj);
	return previous;
}

/* State lock. A thread that has begun cannot be stopped at any point without harm. */
static DWORD suspend_locked(struct cio_thread *t, DWORD *previous)
{
	*previous = atomic_load(&t->suspended);
	if (t->exited)
		return ERROR_ACCESS_DENIED;
	if (!*previous)
		return ERROR_NOT_SUPPORTED;
	if (*previous == MAXIMUM_SUSPEND_COUNT)
		return ERROR_SIGNAL_REFUSED;
	atomic_store(&t->suspended, *previous + 1);
	return ERROR_SUCCESS;
}

DWORD WINAPI SuspendThread(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = thread_get(handle, THREAD_SUSPEND_RESUME);
	DWORD previous, error;

	if (!t)
		return (DWORD)-1;
	cio_state_lock();
	error = suspend_locked(t, &previous);
	cio_state_unlock();
	cio_object_put(&t->obj);
	return error ? ((void)cio_fail(error), (DWORD)-1) : previous;
}

static bool is_priority(int priority)
{
	return (priority >= THREAD_PRIORITY_LOWEST && priority <= THREAD_PRIORITY_HIGHEST) ||
	       priority == THREAD_PRIORITY_IDLE || priority == THREAD_PRIORITY_TIME_CRITICAL;
}

/*
 * Remembered, and nothing else: a thread of Linux that has lowered its priority may not raise it
 * again without privilege.
 */
BOOL WINAPI SetThreadPriority(HANDLE handle, int priority)
{
	CIO_KEEP_ERRNO;
	bool background = priority == THREAD_MODE_BACKGROUND_BEGIN ||
			  priority == THREAD_MODE_BACKGROUND_END;
	struct cio_thread *t;

	if (!is_priority(priority) && !background)
		return cio_fail(ERROR_INVALID_PARAMETER);
	t = thread_get_either(handle, THREAD_SET_INFORMATION | THREAD_SET_LIMITED_INFORMATION);
	if (!t)
		return FALSE;
	if (!background) {
		cio_state_lock();
		t->priority = priority;
		cio_state_unlock();
	}
	cio_object_put(&t->obj);
	return TRUE;
}

int WINAPI GetThreadPriority(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = thread_get_either(handle, THREAD_QUERY_INFORMATION |
								 THREAD_QUERY_LIMITED_INFORMATION);
	int priority;

	if (!t)
		return THREAD_PRIORITY_ERROR_RETURN;
	cio_state_lock();
	priority = t->priority;
	cio_state_unlock();
	cio_object_put(&t->obj);
	return priority;
}
