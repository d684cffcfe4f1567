/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that differs between the kernels cancelio is built for, and
 * nothing else: the code is written for the newest, and what an older one
 * lacks is made up here.
 */
#ifndef CANCELIO_COMPAT_H
#define CANCELIO_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/io_uring_types.h>
#include <linux/version.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/*
 * Whether io_uring cancels the commands of a ring that is closed, and of a task that
 * calls exec, by itself. Where it does not, it waits for them in vain, which can be
 * seen in the ring and in the task.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define CANCELIO_URING_EXITS	true
static inline const void *cancelio_uring_context(struct io_uring_cmd *cmd)
{
	return NULL;
}

static inline bool cancelio_uring_leaves(const void *ring, const void *context,
					 struct task_struct *task)
{
	return false;
}
#else
#define CANCELIO_URING_EXITS	false
#define IO_URING_F_CANCEL	0
static inline void io_uring_cmd_mark_cancelable(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
}

static inline const void *cancelio_uring_context(struct io_uring_cmd *cmd)
{
	return cmd_to_io_kiocb(cmd)->task->io_uring;
}

/*
 * The caller knows that there is a command of @ring and @context, which keeps both, and
 * that @task, if it is not NULL, was the submitter: a thread that calls exec gets the
 * number of another.
 */
static inline bool cancelio_uring_leaves(const void *ring, const void *context,
					 struct task_struct *task)
{
	struct io_ring_ctx *ctx = (void *)ring;
	struct io_uring_task *tctx = (void *)context;

	if (percpu_ref_is_dying(&ctx->refs) || !task || READ_ONCE(task->io_uring) != tctx)
		return true;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return atomic_read(&tctx->in_idle);
#else
	return atomic_read(&tctx->in_cancel);
#endif
}
#endif

/* The 16 bytes in its SQE; what they are may be changed by the submitter at any time. */
static inline const void *cancelio_uring_payload(struct io_uring_cmd *cmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	return cmd->cmd;
#else
	return cmd->sqe->cmd;
#endif
}

static inline const void *cancelio_uring_ring(struct io_uring_cmd *cmd)
{
	return cmd_to_io_kiocb(cmd)->ctx;
}

/* Whether the program that has the ring has words of 32 bits. */
static inline bool cancelio_uring_compat(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return cmd_to_io_kiocb(cmd)->ctx->compat;
#else
	return issue_flags & IO_URING_F_COMPAT;
#endif
}

/* A ring for polling: newer kernels let commands in there, and never cancel them. */
static inline bool cancelio_uring_polls(struct io_uring_cmd *cmd)
{
	return cmd_to_io_kiocb(cmd)->ctx->flags & IORING_SETUP_IOPOLL;
}

static inline struct task_struct *cancelio_uring_task(struct io_uring_cmd *cmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	return cmd_to_io_kiocb(cmd)->task;
#else
	return cmd_to_io_kiocb(cmd)->tctx->task;
#endif
}

static inline int cancelio_uring_import_fixed(struct io_uring_cmd *cmd, u64 addr, size_t len,
					      int rw, struct iov_iter *iter,
					      unsigned int issue_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return io_uring_cmd_import_fixed(addr, len, rw, iter, cmd);
#else
	return io_uring_cmd_import_fixed(addr, len, rw, iter, cmd, issue_flags);
#endif
}

static inline void cancelio_uring_done(struct io_uring_cmd *cmd, int result,
				       unsigned int issue_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	io_uring_cmd_done(cmd, result, 0, issue_flags);
#else
	io_uring_cmd_done(cmd, result, issue_flags);
#endif
}

/*
 * A result that is known as a command begins. An older io_uring takes one above 0 for
 * a failure: it breaks a chain of links, and if a worker brings it, nobody is told.
 */
static inline int cancelio_uring_result(struct io_uring_cmd *cmd, int result,
					unsigned int issue_flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	if (result > 0) {
		cancelio_uring_done(cmd, result, issue_flags);
		return -EIOCBQUEUED;
	}
#endif
	return result;
}

/* Defines a callback for io_uring_cmd_complete_in_task(), with @cmd and @issue_flags. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define CANCELIO_URING_WORK(_name)							\
	static void _name(struct io_uring_cmd *cmd, unsigned int issue_flags)
#else
#define CANCELIO_URING_WORK(_name)							\
	static void _name##_work(struct io_uring_cmd *cmd, unsigned int issue_flags);	\
	static void _name(struct io_tw_req tw_req, io_tw_token_t tw)			\
	{										\
		_name##_work(io_uring_cmd_from_tw(tw_req),				\
			     IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);			\
	}										\
	static void _name##_work(struct io_uring_cmd *cmd, unsigned int issue_flags)
#endif

#endif /* CANCELIO_COMPAT_H */
