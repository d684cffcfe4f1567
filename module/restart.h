/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A system call that a signal interrupts and the kernel restarts enters the
 * driver anew. What it has waited by then is kept here, so that neither its
 * latency nor its place among those who wait starts over.
 */
#ifndef CANCELIO_RESTART_H
#define CANCELIO_RESTART_H

#include <linux/list.h>
#include <linux/spinlock.h>

#include "request.h"

/**
 * struct cancelio_restarts - the interrupted calls of one device
 * @lock: guards the rest; taken in process context only
 * @calls: oldest first
 * @count: length of @calls
 */
struct cancelio_restarts {
	spinlock_t lock;	/* calls, count */
	struct list_head calls;
	unsigned int count;
};

/**
 * struct cancelio_progress - how far an interrupted call has got
 * @ticket: of its request
 * @deadline: of its request, 0 if that had not started
 */
struct cancelio_progress {
	u64 ticket;
	ktime_t deadline;
};

/**
 * struct cancelio_call_id - what makes two calls of one thread the same call
 * @op: what it does
 * @file: the open file, or NULL for an open
 * @pos: where, for a device that has positions
 * @len: bytes wanted
 */
struct cancelio_call_id {
	enum cancelio_op op;
	const struct file *file;
	loff_t pos;
	size_t len;
};

void cancelio_restarts_init(struct cancelio_restarts *restarts);
void cancelio_restarts_free(struct cancelio_restarts *restarts);
void cancelio_restart_save(struct cancelio_restarts *restarts,
			   const struct cancelio_call_id *id,
			   const struct cancelio_progress *progress);
void __cancelio_restart_forget(struct cancelio_restarts *restarts);
bool cancelio_restart_take(struct cancelio_restarts *restarts,
			   const struct cancelio_call_id *id,
			   struct cancelio_progress *progress);

/* Whether there is none; what a thread has saved it sees without the lock. */
static inline bool cancelio_restarts_empty(const struct cancelio_restarts *restarts)
{
	return list_empty_careful(&restarts->calls);
}

/**
 * cancelio_restart_forget - the current thread does something else
 * @restarts: the device's
 *
 * Context: process, of the caller.
 */
static inline void cancelio_restart_forget(struct cancelio_restarts *restarts)
{
	if (!cancelio_restarts_empty(restarts))
		__cancelio_restart_forget(restarts);
}

#endif /* CANCELIO_RESTART_H */
