/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file and those who use it, as the front doors see them.
 */
#ifndef CANCELIO_FILE_H
#define CANCELIO_FILE_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "request.h"

struct cancelio_device;
struct cancelio_io;
struct cancelio_uring_cancel;
struct io_uring_cmd;

/*
 * How a request stands with its front door, in @front; xchg() and cmpxchg() only.
 *	HELD	somebody of the front door has it in hand, and sees to its end if
 *		that comes now: so it begins
 *	RUNS	its end finds the front door by itself
 *	ENDED	it has ended
 *	LEFT	the front door has gone: nobody takes what it brings
 */
enum cancelio_front {
	CANCELIO_HELD,
	CANCELIO_RUNS,
	CANCELIO_ENDED,
	CANCELIO_LEFT,
};

/**
 * struct cancelio_file - one open file
 * @ref: the file's own, and one of each client
 * @dev: its device; there until the file is released
 * @pending: requests outstanding
 * @watch: looks for commands whose ring or task waits for them in vain
 * @lock: guards the rest; innermost, interrupts off
 * @clients: who has requests
 * @recent: the one who came last, and a reference, or NULL
 * @tags: the io_uring commands that have not ended, by tag
 */
struct cancelio_file {
	struct kref ref;
	struct cancelio_device *dev;
	atomic64_t pending;
	struct delayed_work watch;
	spinlock_t lock;	/* all that follows */
	struct list_head clients;
	struct cancelio_client *recent;
	struct rb_root tags;
};

/**
 * struct cancelio_client - a thread that uses an open file
 * @ref: of each of its requests, and of the file if it was the last to come
 * @file: the open file, with a reference; NULL for an open
 * @files: its table of descriptors: only compared
 * @process: with a reference
 * @thread: the same
 * @ring: by which of io_uring's rings it comes, NULL for calls; there while it has
 *	commands
 * @context: what io_uring knows of @thread, if that matters; the same
 * @link: in @file->clients; under the file's lock
 * @commands: its commands of io_uring that have not ended; the same
 */
struct cancelio_client {
	refcount_t ref;
	struct cancelio_file *file;
	fl_owner_t files;
	struct pid *process;
	struct pid *thread;
	const void *ring;
	const void *context;
	struct list_head link;
	unsigned long commands;
};

/**
 * struct cancelio_caller - who makes a call, as long as it lasts
 * @task: the thread, which a worker may stand in for
 * @files: see &struct cancelio_client
 * @ring: the same
 * @context: the same
 */
struct cancelio_caller {
	struct task_struct *task;
	fl_owner_t files;
	const void *ring;
	const void *context;
};

/* Somebody who makes a system call. */
static inline struct cancelio_caller cancelio_caller_current(void)
{
	return (struct cancelio_caller){ .task = current, .files = current->files };
}

/*
 * The request has ended. Return: how it stood. Who finds CANCELIO_RUNS tells; what was
 * left stays so.
 */
static inline enum cancelio_front cancelio_front_end(struct cancelio_request *req)
{
	u8 front = READ_ONCE(req->front);

	while (front != CANCELIO_LEFT && !try_cmpxchg(&req->front, &front, CANCELIO_ENDED))
		;
	return front;
}

/* Who has the request in hand lets it go. Return: whether it runs; else it has ended. */
static inline bool cancelio_front_release(struct cancelio_request *req)
{
	if (cmpxchg(&req->front, CANCELIO_HELD, CANCELIO_RUNS) == CANCELIO_HELD)
		return true;
	/* How it has is read next. */
	smp_acquire__after_ctrl_dep();
	return false;
}

/* client.c */
struct cancelio_file *cancelio_file_create(struct cancelio_device *dev);
void cancelio_file_release(struct cancelio_file *file);
bool cancelio_file_closed(struct file *file);
bool cancelio_file_full(struct cancelio_file *file);
struct cancelio_client *cancelio_client_get(struct cancelio_file *file,
					    const struct cancelio_caller *caller);
void cancelio_client_put(struct cancelio_client *client);
int cancelio_client_enter(struct cancelio_request *req, struct file *file,
			  const struct cancelio_caller *caller, bool nowait);
void cancelio_client_leave(struct cancelio_request *req);

/* file.c */
ssize_t cancelio_file_begin(struct file *file, struct cancelio_io *io);
int cancelio_file_enter(struct cancelio_request *req, struct file *file,
			const struct cancelio_caller *caller, struct cancelio_io *io, bool nowait);
int cancelio_file_wait(struct cancelio_device *dev, struct file *file, struct cancelio_io *io);
void cancelio_request_forgo(struct cancelio_request *req);

/* aio.c */
ssize_t cancelio_aio_submit(struct kiocb *iocb, struct cancelio_io *io);
int cancelio_aio_init(void);
void cancelio_aio_exit(void);

/* uring.c */
int cancelio_file_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

/* tags.c, command.c */
struct cancelio_request *cancelio_command_next(struct cancelio_file *file, u64 tag, u64 after,
					       u64 last);
bool cancelio_command_cancel(struct cancelio_request *req, const void *ring,
			     unsigned int issue_flags);

/* control.c */
long cancelio_file_ioctl(struct file *file, unsigned int code, unsigned long arg);
long cancelio_file_control(struct file *file, unsigned int code, u64 arg);
bool cancelio_control_waits(struct cancelio_device *dev, unsigned int code);
int cancelio_file_cancel(struct file *file, const struct cancelio_uring_cancel *cancel,
			 const void *ring, unsigned int issue_flags);

#endif /* CANCELIO_FILE_H */
