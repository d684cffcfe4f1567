/* SPDX-License-Identifier: MIT */
/*
 * What a handle leads to: a counted object that can be waited for.
 *
 * One lock, the state lock, guards every object's signal state and waiters, every file's and
 * thread's list of pending operations, the queues of ports and of APCs, and who reaps the ring.
 * Nothing sleeps and nothing of the application's is called under it. Threads to be woken, and
 * work that may not be done under it, are gathered and seen to after it has been dropped.
 */
#ifndef CIO_OBJECT_H
#define CIO_OBJECT_H

#include <stdatomic.h>
#include <stdint.h>
#include <windows.h>

#include "list.h"
#include "lock.h"

struct cio_name;
struct cio_thread;
struct cio_object;
struct cio_wait;

struct cio_class {
	const char *name;
	/* Every right there is, and those that the generic ones stand for. */
	DWORD all, read, write, execute;
	bool no_waits; /* a wait for it fails: ERROR_INVALID_HANDLE */
	/* No handle leads to the object any more; references may remain. May sleep. */
	void (*last_handle)(struct cio_object *obj);
	void (*destroy)(struct cio_object *obj);
	/*
	 * State lock. Whether a wait of this thread would be satisfied now, and what its
	 * satisfaction does; true: the object was abandoned. NULL: `signalled` says, and an
	 * auto-reset object is reset.
	 */
	bool (*ready)(const struct cio_object *obj, const struct cio_thread *thread);
	bool (*take)(struct cio_object *obj, struct cio_thread *thread);
	/* What SignalObjectAndWait does to it; NULL: nothing. State lock. 0, or a Win32 error. */
	DWORD (*release)(struct cio_object *obj, struct cio_thread *thread);
	DWORD release_access; /* the rights that it needs */
	/* The child of a fork has this object and none of the parent's other threads. */
	void (*after_fork)(struct cio_object *obj);
};

struct cio_object {
	const struct cio_class *class;
	atomic_uint refs;
	unsigned int handles; /* handle table's lock */
	struct cio_name *name; /* NULL: it has none; names' lock */
	bool signalled; /* state lock, like all below */
	bool auto_reset;
	struct cio_list waiters; /* struct cio_waiter */
};

/* What is to be done once the state lock is free, by whoever drops it. */
struct cio_work {
	struct cio_work *next;
	bool queued; /* state lock */
	void (*run)(struct cio_work *work);
};

struct cio_state {
	struct cio_lock lock;
	/* Gathered under it. */
	struct cio_thread *to_wake;
	struct cio_work *to_do, **to_do_end;
};

CIO_HIDDEN extern struct cio_state cio_state;

static inline void cio_state_lock(void)
{
	cio_lock_take(&cio_state.lock);
}

/* The rest of dropping it, when something has been gathered. */
void cio_state_unlock_gathered(void);

static inline void cio_state_unlock(void)
{
	if (__builtin_expect(cio_state.to_wake || cio_state.to_do, 0))
		cio_state_unlock_gathered();
	else
		cio_lock_drop(&cio_state.lock);
}

void cio_state_reinit_in_child(void);

/*
 * Under the state lock. What is queued already is not queued twice: so what the thread is to see when
 * it is woken is stored before.
 */
void cio_wake_later(struct cio_thread *thread);
void cio_work_later(struct cio_work *work);

void cio_object_init(struct cio_object *obj, const struct cio_class *class, bool signalled);

static inline void cio_object_get(struct cio_object *obj)
{
	atomic_fetch_add_explicit(&obj->refs, 1, memory_order_relaxed);
}

/* True: it was the last reference, and the object is the caller's to destroy. */
static inline bool cio_object_unref(struct cio_object *obj)
{
	return atomic_fetch_sub_explicit(&obj->refs, 1, memory_order_acq_rel) == 1;
}

static inline void cio_object_put(struct cio_object *obj)
{
	if (cio_object_unref(obj))
		obj->class->destroy(obj);
}

/* Under the state lock: */
static inline bool cio_object_ready(const struct cio_object *obj, const struct cio_thread *thread)
{
	return obj->class->ready ? obj->class->ready(obj, thread) : obj->signalled;
}

/* Only of one that is ready. True: it was abandoned. */
static inline bool cio_object_take(struct cio_object *obj, struct cio_thread *thread)
{
	if (obj->class->take)
		return obj->class->take(obj, thread);
	if (obj->auto_reset)
		obj->signalled = false;
	return false;
}

/* Ends the waits that can be ended now. */
void cio_object_serve(struct cio_object *obj);

static inline void cio_object_signal(struct cio_object *obj)
{
	obj->signalled = true;
	if (!cio_list_empty(&obj->waiters))
		cio_object_serve(obj);
}

#endif
