// SPDX-License-Identifier: GPL-2.0
/*
 * A command of io_uring that had to wait: from its submission to its end.
 *
 * A command ends in the task that has submitted it, for there is its memory. Who
 * has it in hand when its request ends (who submits it, or who cancels it by the
 * same ring) can often see to the end at once, without task work; so there is the
 * state CANCELIO_HELD.
 *
 * A ring that is closed, and a task that exits or calls exec, must not wait for a
 * device. Where io_uring says so, command_abandon() is called for each command;
 * where it does not, its file looks at the rings from time to time. A command that
 * its device will not let go is left behind as that of a killed caller.
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "command.h"
#include "compat.h"
#include "device.h"
#include "stall.h"

/* As often as io_uring itself looks whether a ring's requests have ended. */
#define WATCH_INTERVAL	max(HZ / 20, 1)

static struct kmem_cache *command_cache;

static struct command *to_command(struct cancelio_request *req)
{
	return container_of(req, struct command, req);
}

/* ---- its end ---- */

/* Who owns @command->cmd parts it from its command, which is gone. */
static void command_forget(struct command *command, unsigned int issue_flags)
{
	struct cancelio_file *file = command_file(command);
	unsigned long flags;

	/* Only who has the ring's lock may be in command_abandon(). */
	if (CANCELIO_URING_EXITS && issue_flags & IO_URING_F_UNLOCKED) {
		spin_lock_irqsave(&file->lock, flags);
		command_pdu(command->cmd)->command = NULL;
		spin_unlock_irqrestore(&file->lock, flags);
	}
	cancelio_request_put(&command->req);
}

/* As that, and tells io_uring: the last thing done, for then nothing keeps the module. */
static void command_finish(struct command *command, int result, unsigned int issue_flags)
{
	struct io_uring_cmd *cmd = command->cmd;

	command_forget(command, issue_flags);
	cancelio_uring_done(cmd, result, issue_flags);
}

/**
 * command_import - find the memory of a command
 * @cmd: the command, with its address
 * @command: what it has become, or NULL: it begins
 * @op: what it does
 * @len: bytes
 * @iter: is set
 * @issue_flags: io_uring's
 *
 * Context: process, of the submitter, or of anybody if that is gone.
 * Return: 0; -EFAULT: it is not the submitter's; -ECANCELED: the submitter is gone.
 */
int command_import(struct io_uring_cmd *cmd, struct command *command, enum cancelio_op op,
		   size_t len, struct iov_iter *iter, unsigned int issue_flags)
{
	struct command_pdu *pdu = command_pdu(cmd);
	int rw = op == CANCELIO_READ ? READ : WRITE;

	if (cmd->flags & IORING_URING_CMD_FIXED)
		return cancelio_uring_import_fixed(cmd, pdu->addr, len, rw, iter, issue_flags);
	if (!current->mm)
		return -ECANCELED;
	if (command && command->memory) {
		*iter = command->memory->iter;
		return 0;
	}
	if (!access_ok(u64_to_user_ptr(pdu->addr), len))
		return -EFAULT;
	iov_iter_ubuf(iter, rw, u64_to_user_ptr(pdu->addr), len);
	return 0;
}

/* Whether what a request brings has to do with the submitter's memory. */
static bool command_has_memory(const struct cancelio_request *req)
{
	return req->op == CANCELIO_READ ||
	       (req->op == CANCELIO_WRITE && !req->dev->model->takes_early);
}

/* The request has ended with 0. Where the submitter's memory is, if it is there still. */
static int command_move(struct command *command, unsigned int issue_flags)
{
	struct cancelio_request *req = &command->req;
	struct command_pdu *pdu = command_pdu(command->cmd);
	struct iov_iter iter = {};
	struct cancelio_io io = {
		.op = req->op,
		.pos = pdu->pos,
		.iter = &iter,
		.len = req->len,
		.bytes = req->bytes,
	};
	ssize_t moved;
	int err = 0;

	if (req->op == CANCELIO_CONTROL)
		return current->mm ? cancelio_file_control(command->cmd->file, command->cmd->cmd_op,
							   pdu->addr) : -ECANCELED;
	if (command_has_memory(req))
		err = command_import(command->cmd, command, req->op, req->len, &iter, issue_flags);
	/* Its model takes back what cannot be taken. */
	if (err)
		io.bytes = 0;
	moved = req->dev->model->finish(req->dev, &io);
	return err ? err : moved;
}

/* Who owns @command->cmd knows: 0 if bytes are to be moved yet. */
static int command_result(const struct command *command)
{
	return command->req.front == CANCELIO_LEFT ? -ECANCELED : command->req.status;
}

CANCELIO_URING_WORK(command_end)
{
	struct command *command = command_pdu(cmd)->command;
	int result = command_result(command);

	/* If the submitter is gone, a worker calls for each of a hundred thousand without a pause. */
	cond_resched();
	if (!result)
		result = command_move(command, issue_flags);
	command_finish(command, result, issue_flags);
}

/* As that, by who owns @command->cmd in a place that knows io_uring's @issue_flags. */
static void command_tell(struct command *command, unsigned int issue_flags)
{
	int result = command_result(command);

	if (result)
		command_finish(command, result, issue_flags);
	else
		io_uring_cmd_complete_in_task(command->cmd, command_end);
}

static void command_done(struct cancelio_request *req)
{
	struct command *command = to_command(req);

	command_unlist(command);
	cancelio_client_leave(req);
	switch (cancelio_front_end(req)) {
	case CANCELIO_RUNS:
		io_uring_cmd_complete_in_task(command->cmd, command_end);
		break;
	case CANCELIO_LEFT:
		cancelio_request_forgo(req);
		break;
	default:
		break;
	}
}

static void command_free(struct cancelio_request *req)
{
	struct command *command = to_command(req);

	if (command->memory)
		kfree(command->memory->segments);
	kfree(command->memory);
	kmem_cache_free(command_cache, command);
}

static const struct cancelio_request_ops command_ops = {
	.done = command_done,
	.free = command_free,
};

/* ---- in hand ---- */

/* Whether a command that runs is the caller's now, until command_release(). */
static bool command_hold(struct command *command)
{
	return cmpxchg(&command->req.front, CANCELIO_RUNS, CANCELIO_HELD) == CANCELIO_RUNS;
}

/* Who holds a command in its ring lets it run on, or tells of its end. */
static void command_release(struct command *command, unsigned int issue_flags)
{
	cancelio_stall(CANCELIO_STALL_RELEASE);
	if (!cancelio_front_release(&command->req))
		command_tell(command, issue_flags);
}

/**
 * cancelio_command_cancel - ask that a request be cancelled, by a command
 * @req: a request of any front door's, and a reference
 * @ring: the ring of who asks
 * @issue_flags: the same
 *
 * Context: process, of who asks; no lock of ours held.
 * Return: as cancelio_request_cancel().
 */
bool cancelio_command_cancel(struct cancelio_request *req, const void *ring,
			     unsigned int issue_flags)
{
	struct command *command = to_command(req);
	bool held, reached;

	held = req->ops == &command_ops && req->client->ring == ring &&
	       !(issue_flags & IO_URING_F_UNLOCKED) && command_hold(command);
	reached = cancelio_request_cancel(req);
	if (held)
		command_release(command, issue_flags);
	return reached;
}

/*
 * Cancels a command, and leaves its request behind if its device will not let it go.
 * Return: whether the caller owns its end; else somebody else sees to it.
 */
static bool command_leave(struct command *command)
{
	bool held = command_hold(command);

	cancelio_request_cancel(&command->req);
	if (!held)
		return false;
	if (cmpxchg(&command->req.front, CANCELIO_HELD, CANCELIO_LEFT) == CANCELIO_HELD)
		command_unlist(command);
	/* Else it has ended, and how is read next. */
	smp_acquire__after_ctrl_dep();
	return true;
}

/**
 * command_abandon - io_uring wants a command to end
 * @cmd: the command, one that has waited; its ring's lock is held
 * @issue_flags: io_uring's
 *
 * Context: process, of anybody.
 */
void command_abandon(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct cancelio_file *file = cmd->file->private_data;
	struct command *command;
	unsigned long flags;

	spin_lock_irqsave(&file->lock, flags);
	command = command_pdu(cmd)->command;
	if (command)
		cancelio_request_get(&command->req);
	spin_unlock_irqrestore(&file->lock, flags);
	if (!command)
		return;
	if (command_leave(command))
		command_tell(command, issue_flags);
	cancelio_request_put(&command->req);
	/* As in command_end(). */
	cond_resched();
}

/* ---- where io_uring does not say so ---- */

/* Whether the ring or the task of a client, which has commands, is on its way out. */
static bool client_leaves(const struct cancelio_client *client)
{
	bool leaves;

	lockdep_assert_held(&client->file->lock);

	rcu_read_lock();
	leaves = cancelio_uring_leaves(client->ring, client->context,
				       pid_task(client->thread, PIDTYPE_PID));
	rcu_read_unlock();
	return leaves;
}

static bool command_leaves(struct command *command)
{
	struct cancelio_client *client = command->req.client;
	unsigned long flags;
	bool leaves;

	spin_lock_irqsave(&client->file->lock, flags);
	leaves = !RB_EMPTY_NODE(&command->node) && client_leaves(client);
	spin_unlock_irqrestore(&client->file->lock, flags);
	return leaves;
}

static void commands_leave(struct cancelio_file *file)
{
	struct cancelio_table *table = &file->dev->table;
	u64 ticket = 0, last = cancelio_table_last(table);
	struct cancelio_request *req;

	while ((req = cancelio_table_next(table, ticket, last))) {
		struct command *command = to_command(req);

		ticket = req->ticket;
		if (req->ops == &command_ops && req->client->file == file &&
		    command_leaves(command) && command_leave(command))
			io_uring_cmd_complete_in_task(command->cmd, command_end);
		cancelio_request_put(req);
		cond_resched();
	}
}

/**
 * command_watch - look whether somebody waits in vain for commands to end
 * @work: of &struct cancelio_file
 */
void command_watch(struct work_struct *work)
{
	struct cancelio_file *file = container_of(to_delayed_work(work), struct cancelio_file,
						  watch);
	bool any = false, leaves = false;
	struct cancelio_client *client;

	scoped_guard(spinlock_irq, &file->lock) {
		list_for_each_entry(client, &file->clients, link) {
			if (!client->commands)
				continue;
			any = true;
			leaves |= client_leaves(client);
		}
	}
	if (leaves)
		commands_leave(file);
	if (any)
		queue_delayed_work(cancelio_workqueue, &file->watch, WATCH_INTERVAL);
}

/* ---- its beginning ---- */

/**
 * command_create - make the request of a command that has to wait
 * @dev: the device
 * @cmd: the command
 * @op: what it does
 *
 * Context: process, of who is to be charged.
 * Return: the command, with a NEW request, or NULL: there is no memory.
 */
struct command *command_create(struct cancelio_device *dev, struct io_uring_cmd *cmd,
			       enum cancelio_op op)
{
	struct command *command = kmem_cache_zalloc(command_cache, GFP_KERNEL_ACCOUNT);

	if (!command)
		return NULL;
	cancelio_request_init(&command->req, dev, &command_ops, op);
	RB_CLEAR_NODE(&command->node);
	command->cmd = cmd;
	return command;
}

/**
 * command_keep_memory - memory that is more than one piece
 * @command: a command that has not entered
 * @iter: the pieces, which are copied
 *
 * Context: process, of who is to be charged.
 * Return: 0 or -ENOMEM.
 */
int command_keep_memory(struct command *command, const struct iov_iter *iter)
{
	struct command_memory *memory;

	memory = kzalloc(sizeof(*memory), GFP_KERNEL_ACCOUNT);
	if (!memory)
		return -ENOMEM;
	command->memory = memory;
	memory->segments = dup_iter(&memory->iter, (struct iov_iter *)iter, GFP_KERNEL_ACCOUNT);
	return memory->segments ? 0 : -ENOMEM;
}

/**
 * command_run - submit a command
 * @command: one that has entered its file
 * @issue_flags: io_uring's
 *
 * Context: process, of the submitter.
 * Return: -EIOCBQUEUED: io_uring was told of its end or will be; or its result.
 */
int command_run(struct command *command, unsigned int issue_flags)
{
	struct io_uring_cmd *cmd = command->cmd;
	int result;

	command_pdu(cmd)->command = command;
	command_list(command);
	if (!CANCELIO_URING_EXITS)
		queue_delayed_work(cancelio_workqueue, &command_file(command)->watch,
				   WATCH_INTERVAL);
	cancelio_device_submit(&command->req);
	/* How it has ended is read next, if it has. */
	if (smp_load_acquire(&command->req.front) == CANCELIO_HELD) {
		/* While it is held nobody else tells of its end, of which io_uring must know. */
		io_uring_cmd_mark_cancelable(cmd, issue_flags);
		command_release(command, issue_flags);
		return -EIOCBQUEUED;
	}
	result = command->req.status ? : command_move(command, issue_flags);
	if (result == -EAGAIN) {
		command_finish(command, result, issue_flags);
		return -EIOCBQUEUED;
	}
	command_forget(command, issue_flags);
	return result;
}

/**
 * command_init - before the first command
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int command_init(void)
{
	command_cache = KMEM_CACHE(command, SLAB_ACCOUNT);
	return command_cache ? 0 : -ENOMEM;
}

/**
 * command_exit - after the last command
 *
 * Context: process, sleeps.
 */
void command_exit(void)
{
	kmem_cache_destroy(command_cache);
}
