/* SPDX-License-Identifier: MIT */
/* What the library knows of a thread, whether CreateThread made it or not. */
#ifndef CIO_THREAD_H
#define CIO_THREAD_H

#include <sys/types.h>

#include "object.h"
#include "sync.h"
#include "tsan.h"

struct cio_frame;
struct cio_port;
struct cio_wait;

struct cio_thread {
	struct cio_object obj;
	struct cio_list link; /* all live threads; state lock */
	pid_t tid;
	LPTHREAD_START_ROUTINE start;
	LPVOID arg;
	DWORD exit_code;
	bool exited; /* state lock */
	int priority; /* what SetThreadPriority was told; state lock */
	/* Its first step waits until this is 0, and then it stays 0. Changed under the state lock. */
	atomic_uint suspended;

	/* Where the thread sleeps when it waits: see wait.h. */
	atomic_uint park;
	atomic_bool wake_queued;
	struct cio_thread *wake_next;
	struct cio_list parked; /* in the ring's list of sleepers who could reap; state lock */

	int registered; /* the ring's descriptor of this thread, plus 1; 0: not yet, -1: cannot be */

	struct cio_sync sync;
	struct cio_frame *frame; /* the scope it has entered last: see scope.h */

	struct cio_list mutexes; /* that it owns; state lock */

	struct cio_list apcs; /* struct cio_apc, in the order of their calls; state lock */
	struct cio_wait *alert; /* the alertable wait that an APC would end; state lock */
	bool no_apcs; /* it ends; state lock */

	struct cio_port *port; /* that it asked last; state lock, as for this group */
	struct cio_list in_port;
	atomic_bool slot; /* it runs, as far as the port knows; read without the lock by itself */
	bool lent; /* it was found asleep: its slot is another's */
	bool idle; /* one of the pool's, which has nothing to do for the application */
	struct cio_pool_item *callback; /* one of the pool's: what it is calling */

	struct cio_list ops; /* pending operations it issued; state lock */
	bool draining;
	atomic_bool drained;
};

/* The cancel signal's handler reads it: initial-exec, so that no lookup can allocate. */
CIO_HIDDEN extern __thread struct cio_thread *cio_this __attribute__((tls_model("initial-exec")));

/* Makes the calling thread known. NULL, with the last error set, when there is no memory. */
struct cio_thread *cio_self_make(void);

/* The calling thread's record, made at its first call. NULL only when there is no memory. */
static inline struct cio_thread *cio_self(void)
{
	return cio_this ? cio_this : cio_self_make();
}

/* The same, but NULL when the thread has none yet. Safe in a signal handler. */
CIO_NO_TSAN static inline struct cio_thread *cio_self_if_known(void)
{
	return cio_this;
}

/*
 * A record for a thread of the library's own that makes synchronous calls. It is in a list of
 * its own, and holds nothing that would have to be given back at its end.
 */
struct cio_thread *cio_thread_new(void);
void cio_thread_serve(struct cio_thread *self);
void cio_thread_served(struct cio_thread *self);
/* Under the state lock. */
void cio_thread_each_serving(void (*fn)(struct cio_thread *thread, void *arg), void *arg);

/* Calls fn for each live thread, under the state lock. */
void cio_thread_each(void (*fn)(struct cio_thread *thread, void *arg), void *arg);

/* Under the state lock: no thread is there but idle ones of the pool, and no work for them. */
bool cio_threads_all_idle(void);
/* Whether it is the id of one of these. */
bool cio_thread_is_idle(pid_t tid);

/* The calling thread's own call, below a signal's handler. */
bool cio_thread_is_in_call(void);

/* The calling thread is the only one that came through fork. */
void cio_thread_reinit_in_child(void);

#endif
