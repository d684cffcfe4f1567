// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "file.h"
#include "handle.h"
#include "object.h"
#include "op.h"
#include "process.h"
#include "ring.h"
#include "thread.h"

static void before_fork(void)
{
	cio_share_lock();
	cio_ring_lock_all();
	cio_handle_lock();
	cio_state_lock();
}

static void after_fork_in_parent(void)
{
	cio_state_unlock();
	cio_handle_unlock();
	cio_ring_unlock_all();
	cio_share_unlock();
}

static void forget_others(struct cio_object *obj)
{
	cio_list_init(&obj->waiters);
	cio_file_reinit_in_child(obj);
}

/*
 * The child has the handles and one thread. What is pending, and whoever waits for it, are the
 * parent's; the ring is made anew when the child needs one.
 */
static void after_fork_in_child(void)
{
	cio_handle_each(forget_others);
	cio_ops_reinit_in_child();
	cio_thread_reinit_in_child();
	cio_state_reinit_in_child();
	cio_handle_unlock();
	cio_ring_reinit_in_child();
	cio_share_unlock();
}

void cio_process_init(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void cio_process_thread_gone(struct cio_thread *thread)
{
	(void)thread;
}
