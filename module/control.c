// SPDX-License-Identifier: GPL-2.0
/*
 * The controls, by ioctl(2) and by io_uring's commands: what the device is, which
 * requests it has, and cancelling them.
 *
 * A process sees and cancels the requests that it has begun itself, by any of
 * its threads and on any open file of the device; who has CAP_SYS_ADMIN, all
 * but parts of others: those are their master's.
 */
#include <linux/capability.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/cancelio.h>

#include "compat.h"
#include "device.h"
#include "file.h"
#include "stall.h"

/* Commands that a cancel by their own ring ends by itself; the others get there later. */
#define AT_ONCE	64

/**
 * struct who - whose requests a caller means and may have
 * @file: the open file through which it asks
 * @by: CANCELIO_BY_*
 * @one: only the oldest
 * @value: of @by
 * @pid: of @by, if it is a process or a thread
 * @last: tickets above it are of requests that come too late
 * @ring: by which of io_uring's rings it asks, or NULL
 * @issue_flags: of who asks by a ring
 * @admin: whether it may have others': asked when it is first needed
 * @denied: there was one that it may not have
 * @found: how many there were
 * @reached: how many of them have ended by it, or are about to
 * @refused: how many will end as their device likes
 */
struct who {
	struct cancelio_file *file;
	u32 by;
	bool one;
	u64 value;
	struct pid *pid;
	u64 last;
	const void *ring;
	unsigned int issue_flags;
	enum { ADMIN_UNKNOWN, ADMIN_NO, ADMIN_YES } admin;
	bool denied;
	u64 found;
	u64 reached;
	u64 refused;
};

static const u32 uapi_ops[CANCELIO_OPS] = {
	[CANCELIO_OPEN] = CANCELIO_OP_OPEN,
	[CANCELIO_READ] = CANCELIO_OP_READ,
	[CANCELIO_WRITE] = CANCELIO_OP_WRITE,
	[CANCELIO_FLUSH] = CANCELIO_OP_FLUSH,
	[CANCELIO_CONTROL] = CANCELIO_OP_CONTROL,
};

static bool who_means(const struct who *who, const struct cancelio_request *req)
{
	const struct cancelio_client *client = req->client;

	if (!client)
		return false;
	switch (who->by) {
	case CANCELIO_BY_FILE:
		return client->file == who->file;
	case CANCELIO_BY_PROCESS:
		return client->process == who->pid;
	case CANCELIO_BY_THREAD:
		return client->thread == who->pid;
	case CANCELIO_BY_OP:
		return client->file == who->file && uapi_ops[req->op] == who->value;
	default:
		/* Who goes through the requests finds no others. */
		return true;
	}
}

static bool may_have(struct who *who, const struct cancelio_request *req)
{
	if (req->client->process == task_tgid(current))
		return true;
	if (who->admin == ADMIN_UNKNOWN)
		who->admin = capable(CAP_SYS_ADMIN) ? ADMIN_YES : ADMIN_NO;
	return who->admin == ADMIN_YES;
}

/* The oldest request after @ticket that may be meant, and a reference to it, or NULL. */
static struct cancelio_request *who_next(struct who *who, u64 ticket)
{
	if (who->by == CANCELIO_BY_TAG)
		return cancelio_command_next(who->file, who->value, ticket, who->last);
	if (who->by == CANCELIO_BY_ID && !who->value)
		return NULL;
	if (who->by == CANCELIO_BY_ID)
		return cancelio_table_next(&who->file->dev->table, max(ticket, who->value - 1),
					   min(who->last, who->value));
	return cancelio_table_next(&who->file->dev->table, ticket, who->last);
}

static void who_cancel(struct who *who, struct cancelio_request *req)
{
	bool asked = test_bit(CANCELIO_CANCELED, &req->flags);
	bool reached;

	cancelio_stall(CANCELIO_STALL_FOUND);
	/* One that has just ended by itself, or by its caller's signal, was not there. */
	if (!cancelio_request_want_end(req))
		return;
	who->found++;
	/* What ends here is told when the command is through, all of it in one go. */
	if (who->ring && who->found <= AT_ONCE)
		reached = cancelio_command_cancel(req, who->ring, who->issue_flags);
	else
		reached = cancelio_request_cancel(req);
	/* One that is about to begin looks first whether it was cancelled. */
	reached = reached || (!asked && READ_ONCE(req->state) < CANCELIO_STARTED);
	/* Several may ask at the same time, and it is one that ends. */
	if (reached && !test_and_set_bit(CANCELIO_COUNTED, &req->flags))
		who->reached++;
	else if (READ_ONCE(req->state) != CANCELIO_DONE)
		who->refused++;
}

static void who_cancel_all(struct who *who)
{
	struct cancelio_request *req;
	u64 ticket = 0;

	who->last = cancelio_table_last(&who->file->dev->table);
	/* One that has just ended by itself is not the one. */
	while (!(who->one && who->reached + who->refused) && (req = who_next(who, ticket))) {
		ticket = req->ticket;
		if (who_means(who, req)) {
			if (may_have(who, req))
				who_cancel(who, req);
			else
				who->denied = true;
		}
		cancelio_request_put(req);
		cond_resched();
	}
}

/* What a cancel by ioctl(2) and one by a command have in common. */
static int who_init(struct who *who, struct file *file, u32 by, u64 value, u32 flags)
{
	bool all = by == CANCELIO_BY_FILE || by == CANCELIO_BY_DEVICE;

	if (flags & ~CANCELIO_CANCEL_ONE || by < CANCELIO_BY_FILE || by > CANCELIO_BY_OP ||
	    (all && value))
		return -EINVAL;
	if (by == CANCELIO_BY_OP && (value < CANCELIO_OP_OPEN || value > CANCELIO_OP_CONTROL))
		return -EINVAL;
	*who = (struct who){
		.file = file->private_data,
		.by = by,
		.one = flags & CANCELIO_CANCEL_ONE,
		.value = value,
	};
	return 0;
}

/* Return: 0, or why there is none; else @who knows how many. */
static int who_run(struct who *who)
{
	if (who->by == CANCELIO_BY_PROCESS || who->by == CANCELIO_BY_THREAD) {
		who->pid = who->value <= INT_MAX ? find_get_pid(who->value) : NULL;
		if (!who->pid)
			return -ENOENT;
	}
	who_cancel_all(who);
	put_pid(who->pid);
	if (who->found)
		return 0;
	return who->denied ? -EPERM : -ENOENT;
}

static long ioctl_cancel(struct file *file, void __user *arg)
{
	struct cancelio_cancel cancel;
	struct who who;
	int err;

	if (copy_from_user(&cancel, arg, sizeof(cancel)))
		return -EFAULT;
	if (memchr_inv(cancel.reserved, 0, sizeof(cancel.reserved)))
		return -EINVAL;
	err = who_init(&who, file, cancel.by, cancel.value, cancel.flags);
	if (err)
		return err;
	/* What is cancelled cannot be taken back when it cannot be told. */
	if (copy_to_user(arg, &cancel, sizeof(cancel)))
		return -EFAULT;
	err = who_run(&who);
	if (err)
		return err;
	cancel.found = who.found;
	return copy_to_user(arg, &cancel, sizeof(cancel)) ? -EFAULT : 0;
}

/**
 * cancelio_file_cancel - CANCELIO_URING_CANCEL
 * @file: the open file
 * @cancel: what is meant
 * @ring: by which ring
 * @issue_flags: io_uring's
 *
 * Context: process, of the caller.
 * Return: see &struct cancelio_uring_cancel.
 */
int cancelio_file_cancel(struct file *file, const struct cancelio_uring_cancel *cancel,
			 const void *ring, unsigned int issue_flags)
{
	struct who who;
	int err;

	err = who_init(&who, file, cancel->by, cancel->value, cancel->flags);
	if (err)
		return err;
	who.ring = ring;
	who.issue_flags = issue_flags;
	err = who_run(&who);
	if (err)
		return err;
	if (who.reached)
		return min_t(u64, who.reached, INT_MAX);
	/* Those that ended by themselves meanwhile were not there. */
	return who.refused ? -EALREADY : -ENOENT;
}

static void describe(const struct cancelio_request *req, struct cancelio_request_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = req->ticket;
	info->op = uapi_ops[req->op];
	if (READ_ONCE(req->state) == CANCELIO_STARTED)
		info->state |= CANCELIO_STATE_STARTED;
	if (READ_ONCE(req->cancel))
		info->state |= CANCELIO_STATE_CANCELABLE;
	if (test_bit(CANCELIO_CANCELED, &req->flags))
		info->state |= CANCELIO_STATE_CANCELED;
	info->process = pid_vnr(req->client->process);
	info->thread = pid_vnr(req->client->thread);
	info->length = req->len;
	info->age_ns = ktime_get_ns() - req->accepted_at;
}

static long ioctl_request(struct cancelio_file *file, void __user *arg)
{
	struct cancelio_request_info info;
	u64 ticket, last = cancelio_table_last(&file->dev->table);
	struct who who = { .file = file };
	struct cancelio_request *req;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.flags || info.pad || memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	ticket = info.id;
	while ((req = cancelio_table_next(&file->dev->table, ticket, last))) {
		if (req->client && may_have(&who, req))
			break;
		ticket = req->ticket;
		cancelio_request_put(req);
		cond_resched();
	}
	if (!req)
		return -ENOENT;
	describe(req, &info);
	cancelio_request_put(req);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ioctl_info(struct cancelio_file *file, void __user *arg)
{
	struct cancelio_device *dev = file->dev;
	struct cancelio_counters counters;
	struct cancelio_info info;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.flags || memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	cancelio_table_counters(&dev->table, &counters);
	info.model = dev->model->id;
	info.size = dev->size;
	info.pending = counters.pending;
	info.open_latency_ns = cancelio_latency_mean(dev, CANCELIO_OPEN);
	info.read_latency_ns = cancelio_latency_mean(dev, CANCELIO_READ);
	info.write_latency_ns = cancelio_latency_mean(dev, CANCELIO_WRITE);
	info.flush_latency_ns = cancelio_latency_mean(dev, CANCELIO_FLUSH);
	info.control_latency_ns = cancelio_latency_mean(dev, CANCELIO_CONTROL);
	info.features = 0;
	if (IS_ENABLED(CONFIG_IO_URING))
		info.features |= CANCELIO_FEATURE_URING;
	if (IS_ENABLED(CONFIG_IO_URING) && CANCELIO_URING_EXITS)
		info.features |= CANCELIO_FEATURE_URING_EXIT;
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/**
 * cancelio_control_waits - whether a control may take any time, or go wrong
 * @dev: the device
 * @code: CANCELIO_IOC_*
 *
 * Asking and cancelling must be possible whatever a device is told.
 *
 * Context: any.
 */
bool cancelio_control_waits(struct cancelio_device *dev, unsigned int code)
{
	return code == CANCELIO_IOC_INFO && cancelio_is_told(dev, CANCELIO_CONTROL);
}

/**
 * cancelio_file_control - do what a control is for, at once
 * @file: the open file
 * @code: CANCELIO_IOC_*
 * @arg: address of its argument
 *
 * Context: process, of the caller.
 * Return: 0 or a negative errno.
 */
long cancelio_file_control(struct file *file, unsigned int code, u64 arg)
{
	struct cancelio_file *cfile = file->private_data;
	void __user *argp = u64_to_user_ptr(arg);

	if (code == CANCELIO_IOC_VERSION)
		return put_user(CANCELIO_API_VERSION, (__u32 __user *)argp);
	if (code != CANCELIO_IOC_INFO && code != CANCELIO_IOC_CANCEL &&
	    code != CANCELIO_IOC_REQUEST)
		return -ENOTTY;
	if (cancelio_device_removed(cfile->dev))
		return -ENODEV;
	switch (code) {
	case CANCELIO_IOC_INFO:
		return ioctl_info(cfile, argp);
	case CANCELIO_IOC_CANCEL:
		return ioctl_cancel(file, argp);
	default:
		return ioctl_request(cfile, argp);
	}
}

/**
 * cancelio_file_ioctl - see <linux/cancelio.h>
 * @file: the open file
 * @code: CANCELIO_IOC_*
 * @arg: its argument
 *
 * Context: process; sleeps as long as the control takes.
 * Return: 0 or a negative errno.
 */
long cancelio_file_ioctl(struct file *file, unsigned int code, unsigned long arg)
{
	struct cancelio_file *cfile = file->private_data;
	struct cancelio_io io = { .op = CANCELIO_CONTROL };
	int err;

	if (!cancelio_device_removed(cfile->dev) && cancelio_control_waits(cfile->dev, code)) {
		err = cancelio_file_wait(cfile->dev, file, &io);
		if (err)
			return err;
	}
	return cancelio_file_control(file, code, arg);
}
