// SPDX-License-Identifier: GPL-2.0
/*
 * On whose behalf a request is there, and how many each open file may have.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "device.h"
#include "file.h"

/**
 * cancelio_file_create - what a new open file needs
 * @dev: the device, which is there until the file is released
 *
 * Context: process.
 * Return: the file, or NULL: there is no memory.
 */
struct cancelio_file *cancelio_file_create(struct cancelio_device *dev)
{
	struct cancelio_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return NULL;
	kref_init(&file->ref);
	file->dev = dev;
	init_waitqueue_head(&file->room);
	return file;
}

static void file_free(struct kref *ref)
{
	kfree(container_of(ref, struct cancelio_file, ref));
}

/**
 * cancelio_file_put - drop a reference
 * @file: the file
 *
 * Context: any.
 */
void cancelio_file_put(struct cancelio_file *file)
{
	kref_put(&file->ref, file_free);
}

static bool file_claim(struct cancelio_file *file)
{
	s64 max = READ_ONCE(file->dev->behavior.knobs.max_pending);
	s64 pending = atomic64_read(&file->pending);

	do {
		if (pending >= max)
			return false;
	} while (!atomic64_try_cmpxchg(&file->pending, &pending, pending + 1));
	return true;
}

/**
 * cancelio_owner_enter - begin a request on behalf of the current thread
 * @owner: zeroed memory, the request's
 * @file: where; NULL for an open, which is not bounded
 * @nowait: do not wait until @file has fewer
 *
 * Context: process, of who asks; sleeps.
 * Return: 0; -EAGAIN: @file has as many as it may; -ERESTARTSYS: a signal came
 * first.
 */
int cancelio_owner_enter(struct cancelio_owner *owner, struct cancelio_file *file, bool nowait)
{
	int err;

	if (file && !file_claim(file)) {
		if (nowait)
			return -EAGAIN;
		err = wait_event_interruptible(file->room, file_claim(file));
		if (err)
			return err;
	}
	if (file)
		kref_get(&file->ref);
	owner->file = file;
	owner->files = current->files;
	owner->process = get_pid(task_tgid(current));
	owner->thread = get_pid(task_pid(current));
	return 0;
}

/**
 * cancelio_owner_leave - the request has ended
 * @owner: one that has entered
 *
 * Context: any.
 */
void cancelio_owner_leave(struct cancelio_owner *owner)
{
	struct cancelio_file *file = owner->file;

	if (!file)
		return;
	atomic64_dec(&file->pending);
	if (wq_has_sleeper(&file->room))
		wake_up(&file->room);
}

/**
 * cancelio_owner_put - the request is freed
 * @owner: one that has entered, or not
 *
 * Context: any.
 */
void cancelio_owner_put(struct cancelio_owner *owner)
{
	put_pid(owner->process);
	put_pid(owner->thread);
	if (owner->file)
		cancelio_file_put(owner->file);
}
