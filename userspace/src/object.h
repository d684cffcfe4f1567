/* SPDX-License-Identifier: MIT */
/*
 * What a handle leads to: a counted object that can be waited for.
 *
 * One lock, the state lock, guards every object's signal state and waiters, every file's and
 * thread's list of pending operations, and who reaps the ring. Nothing sleeps and nothing of
 * the application's is called under it. Threads to be woken are gathered and woken after it
 * has been dropped.
 */
#ifndef CIO_OBJECT_H
#define CIO_OBJECT_H

#include <stdatomic.h>
#include <stdint.h>
#include <windows.h>

#include "list.h"

struct cio_thread;
struct cio_object;

struct cio_class {
	const char *name;
	/* No handle leads to the object any more; references may remain. May sleep. */
	void (*last_handle)(struct cio_object *obj);
	void (*destroy)(struct cio_object *obj);
};

struct cio_object {
	const struct cio_class *class;
	atomic_uint refs;
	unsigned int handles; /* handle table's lock */
	bool signalled; /* state lock, like all below */
	bool auto_reset;
	struct cio_list waiters;
};

/* Lives on the waiting thread's stack. */
struct cio_waiter {
	struct cio_list link;
	struct cio_thread *thread;
	atomic_bool done;
	/* Is told of every signal and takes none: for one who looks at an OVERLAPPED instead. */
	bool watches;
};

void cio_state_lock(void);
void cio_state_unlock(void);
void cio_state_reinit_in_child(void);

void cio_object_init(struct cio_object *obj, const struct cio_class *class, bool signalled);
void cio_object_get(struct cio_object *obj);
void cio_object_put(struct cio_object *obj);

/* Under the state lock: */
void cio_object_signal(struct cio_object *obj);
bool cio_object_try_take(struct cio_object *obj);
void cio_object_add_waiter(struct cio_object *obj, struct cio_waiter *w);
void cio_wake_later(struct cio_thread *thread);

#endif
