// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that the kernel restarts after a signal: see restart.h.
 *
 * A driver that returns -ERESTARTSYS is not told whether the call was
 * restarted or failed with EINTR, and a program that calls again by itself
 * after EINTR looks the same as a restart. It matters here: an interrupted
 * read is over, and the next one takes its whole latency. So the signal that
 * is about to be delivered is looked at, nearly as the signal code will look at
 * it: here the lowest number comes first, there a fault's signal does.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "restart.h"

/* Threads that die between the two calls leave theirs behind. */
#define RESTARTS_MAX	256

struct restart_call {
	struct list_head link;
	struct pid *thread;
	struct cancelio_call_id id;
	struct cancelio_progress progress;
};

/* Whether no handler without SA_RESTART stands between current and a restart. */
static bool signal_restarts(void)
{
	struct sigpending *pending[] = {
		&current->pending, &current->signal->shared_pending,
	};
	/* Our own cannot go away. */
	struct sighand_struct *sighand = rcu_dereference_raw(current->sighand);
	bool restarts = true;
	unsigned int i;
	int sig;

	spin_lock_irq(&sighand->siglock);
	for (i = 0; i < ARRAY_SIZE(pending); i++) {
		for (sig = 1; sig <= _NSIG; sig++) {
			struct sigaction *sa = &sighand->action[sig - 1].sa;

			if (!sigismember(&pending[i]->signal, sig) ||
			    sigismember(&current->blocked, sig))
				continue;
			if (sa->sa_handler == SIG_DFL || sa->sa_handler == SIG_IGN)
				continue;
			/* The first handler decides, whatever comes after it. */
			restarts = sa->sa_flags & SA_RESTART;
			goto out;
		}
	}
out:
	spin_unlock_irq(&sighand->siglock);
	return restarts;
}

static void call_free(struct restart_call *call)
{
	put_pid(call->thread);
	kfree(call);
}

/* Takes this thread's call, or the oldest of all when there are too many. */
static struct restart_call *call_remove(struct cancelio_restarts *restarts, struct pid *thread)
{
	struct restart_call *call;

	lockdep_assert_held(&restarts->lock);

	list_for_each_entry(call, &restarts->calls, link) {
		if (call->thread != thread && thread)
			continue;
		list_del(&call->link);
		restarts->count--;
		return call;
	}
	return NULL;
}

/**
 * cancelio_restarts_init - no call is interrupted
 * @restarts: the device's
 */
void cancelio_restarts_init(struct cancelio_restarts *restarts)
{
	spin_lock_init(&restarts->lock);
	INIT_LIST_HEAD(&restarts->calls);
	restarts->count = 0;
}

/**
 * cancelio_restarts_free - forget all calls
 * @restarts: the device's; nobody else uses it any more
 */
void cancelio_restarts_free(struct cancelio_restarts *restarts)
{
	struct restart_call *call, *next;

	list_for_each_entry_safe(call, next, &restarts->calls, link)
		call_free(call);
}

/**
 * cancelio_restart_save - remember a call that is about to return -ERESTARTSYS
 * @restarts: the device's
 * @id: the call of the current thread
 * @progress: how far it has got
 *
 * Nothing is remembered if the call will fail with EINTR, or without memory.
 *
 * Context: process, of the caller.
 */
void cancelio_restart_save(struct cancelio_restarts *restarts,
			   const struct cancelio_call_id *id,
			   const struct cancelio_progress *progress)
{
	struct restart_call *call, *oldest = NULL;

	if (!signal_restarts())
		return;
	call = kmalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);
	if (!call)
		return;
	call->thread = get_pid(task_pid(current));
	call->id = *id;
	call->progress = *progress;

	spin_lock(&restarts->lock);
	if (restarts->count == RESTARTS_MAX)
		oldest = call_remove(restarts, NULL);
	list_add_tail(&call->link, &restarts->calls);
	restarts->count++;
	spin_unlock(&restarts->lock);

	if (oldest)
		call_free(oldest);
}

/* Takes what was remembered of this thread, if anything was. */
static struct restart_call *call_remove_own(struct cancelio_restarts *restarts)
{
	struct restart_call *call;

	spin_lock(&restarts->lock);
	call = call_remove(restarts, task_pid(current));
	spin_unlock(&restarts->lock);
	return call;
}

/* See cancelio_restart_forget(). */
void __cancelio_restart_forget(struct cancelio_restarts *restarts)
{
	struct restart_call *call = call_remove_own(restarts);

	if (call)
		call_free(call);
}

/**
 * cancelio_restart_take - find out whether this is a call that goes on
 * @restarts: the device's
 * @id: the call of the current thread
 * @progress: set if it is
 *
 * A thread's next call to the device either goes on with what it was doing or
 * has given that up, so that what was remembered of it is gone after this.
 *
 * Context: process, of the caller.
 * Return: true if the call is the one that was remembered.
 */
bool cancelio_restart_take(struct cancelio_restarts *restarts,
			   const struct cancelio_call_id *id,
			   struct cancelio_progress *progress)
{
	struct restart_call *call;
	bool same;

	call = cancelio_restarts_empty(restarts) ? NULL : call_remove_own(restarts);
	if (!call)
		return false;

	same = call->id.op == id->op && call->id.file == id->file &&
	       call->id.pos == id->pos && call->id.len == id->len;
	if (same)
		*progress = call->progress;
	call_free(call);
	return same;
}
