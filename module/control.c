// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls: what the device is, which requests it has, and cancelling them.
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

#include "device.h"
#include "file.h"

/**
 * struct who - whose requests a caller means and may have
 * @file: the open file through which it asks
 * @by: CANCELIO_BY_*
 * @value: of @by, if it is an id
 * @pid: of @by, if it is a process or a thread
 * @admin: whether it may have others': asked when it is first needed
 * @denied: there was one that it may not have
 */
struct who {
	struct cancelio_file *file;
	u32 by;
	u64 value;
	struct pid *pid;
	enum { ADMIN_UNKNOWN, ADMIN_NO, ADMIN_YES } admin;
	bool denied;
};

static bool who_means(const struct who *who, const struct cancelio_request *req)
{
	const struct cancelio_owner *owner = &req->owner;

	if (!owner->process)
		return false;
	switch (who->by) {
	case CANCELIO_BY_FILE:
		return owner->file == who->file;
	case CANCELIO_BY_ID:
		return req->ticket == who->value;
	case CANCELIO_BY_PROCESS:
		return owner->process == who->pid;
	case CANCELIO_BY_THREAD:
		return owner->thread == who->pid;
	default:
		return true;
	}
}

static bool may_have(struct who *who, const struct cancelio_request *req)
{
	if (req->owner.process == task_tgid(current))
		return true;
	if (who->admin == ADMIN_UNKNOWN)
		who->admin = capable(CAP_SYS_ADMIN) ? ADMIN_YES : ADMIN_NO;
	return who->admin == ADMIN_YES;
}

static bool match_who(struct cancelio_request *req, const void *arg)
{
	struct who *who = (void *)arg;

	if (!who_means(who, req))
		return false;
	if (may_have(who, req))
		return true;
	who->denied = true;
	return false;
}

static long ioctl_cancel(struct cancelio_file *file, void __user *arg)
{
	struct cancelio_cancel cancel;
	struct who who = { .file = file };

	if (copy_from_user(&cancel, arg, sizeof(cancel)))
		return -EFAULT;
	if (cancel.flags || memchr_inv(cancel.reserved, 0, sizeof(cancel.reserved)) ||
	    cancel.by < CANCELIO_BY_FILE || cancel.by > CANCELIO_BY_DEVICE)
		return -EINVAL;
	if ((cancel.by == CANCELIO_BY_FILE || cancel.by == CANCELIO_BY_DEVICE) && cancel.value)
		return -EINVAL;
	/* What is cancelled cannot be taken back when it cannot be told. */
	if (copy_to_user(arg, &cancel, sizeof(cancel)))
		return -EFAULT;
	who.by = cancel.by;
	who.value = cancel.value;
	if (cancel.by == CANCELIO_BY_PROCESS || cancel.by == CANCELIO_BY_THREAD) {
		who.pid = cancel.value <= INT_MAX ? find_get_pid(cancel.value) : NULL;
		if (!who.pid)
			return -ENOENT;
	}
	cancel.found = cancelio_table_cancel(&file->dev->table, match_who, &who);
	put_pid(who.pid);
	if (!cancel.found)
		return who.denied ? -EPERM : -ENOENT;
	return copy_to_user(arg, &cancel, sizeof(cancel)) ? -EFAULT : 0;
}

static const u32 uapi_ops[CANCELIO_OPS] = {
	[CANCELIO_OPEN] = CANCELIO_OP_OPEN,
	[CANCELIO_READ] = CANCELIO_OP_READ,
	[CANCELIO_WRITE] = CANCELIO_OP_WRITE,
	[CANCELIO_FLUSH] = CANCELIO_OP_FLUSH,
};

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
	info->process = pid_vnr(req->owner.process);
	info->thread = pid_vnr(req->owner.thread);
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
		if (req->owner.process && may_have(&who, req))
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
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/**
 * cancelio_file_ioctl - see <linux/cancelio.h>
 * @file: the open file
 * @command: CANCELIO_IOC_*
 * @arg: its argument
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
long cancelio_file_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct cancelio_file *cfile = file->private_data;
	void __user *argp = (void __user *)arg;

	if (command == CANCELIO_IOC_VERSION)
		return put_user(CANCELIO_API_VERSION, (__u32 __user *)argp);
	if (command != CANCELIO_IOC_INFO && command != CANCELIO_IOC_CANCEL &&
	    command != CANCELIO_IOC_REQUEST)
		return -ENOTTY;
	if (cancelio_device_removed(cfile->dev))
		return -ENODEV;
	switch (command) {
	case CANCELIO_IOC_INFO:
		return ioctl_info(cfile, argp);
	case CANCELIO_IOC_CANCEL:
		return ioctl_cancel(cfile, argp);
	default:
		return ioctl_request(cfile, argp);
	}
}
