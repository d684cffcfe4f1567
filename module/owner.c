// SPDX-License-Identifier: GPL-2.0
/*
 * On whose behalf a request is there, and how many each open file may have.
 */
#include <linux/fdtable.h>
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

static int same_file(const void *arg, struct file *file, unsigned int fd)
{
	return file == arg;
}

/**
 * cancelio_file_closed - whether the current process has no descriptor of a file
 * @file: the open file
 *
 * Context: process, not while it exits.
 */
bool cancelio_file_closed(struct file *file)
{
	return !iterate_fd(current->files, 0, same_file, file);
}

/*
 * Waits until the file may have one more. Who waits here has no request yet,
 * and so sees by itself what would have ended one.
 */
static int file_wait_for_room(struct file *file)
{
	struct cancelio_file *cfile = file->private_data;
	struct cancelio_device *dev = cfile->dev;
	bool closed = false, claimed = false;
	int err;

	/* One that had no descriptor to begin with, as a file that io_uring keeps, loses none. */
	if (cancelio_file_closed(file))
		err = wait_event_interruptible(dev->room, (claimed = file_claim(cfile)) ||
					       cancelio_device_removed(dev));
	else
		/* A close makes room, too, which is not for those that it is to end. */
		err = wait_event_interruptible(dev->room, cancelio_device_removed(dev) ||
					       (closed = cancelio_file_closed(file)) ||
					       (claimed = file_claim(cfile)));
	if (err || claimed)
		return err;
	return closed ? -ECANCELED : -ENODEV;
}

/**
 * cancelio_owner_enter - begin a request on behalf of the current thread
 * @owner: zeroed memory, the request's
 * @file: where; NULL for an open, which is not bounded
 * @nowait: do not wait until @file has fewer
 *
 * Context: process, of who asks; sleeps.
 * Return: 0; -EAGAIN: @file has as many as it may; -ERESTARTSYS: a signal came
 * first; -ECANCELED: a close; -ENODEV: the device's removal.
 */
int cancelio_owner_enter(struct cancelio_owner *owner, struct file *file, bool nowait)
{
	struct cancelio_file *cfile = file ? file->private_data : NULL;
	int err;

	if (cfile && !file_claim(cfile)) {
		err = nowait ? -EAGAIN : file_wait_for_room(file);
		if (err)
			return err;
	}
	if (cfile)
		kref_get(&cfile->ref);
	owner->file = cfile;
	owner->files = current->files;
	owner->process = get_pid(task_tgid(current));
	owner->thread = get_pid(task_pid(current));
	return 0;
}

/**
 * cancelio_owner_leave - the request has ended
 * @owner: one that has entered
 * @dev: its device
 *
 * Context: any.
 */
void cancelio_owner_leave(struct cancelio_owner *owner, struct cancelio_device *dev)
{
	if (!owner->file)
		return;
	atomic64_dec(&owner->file->pending);
	if (wq_has_sleeper(&dev->room))
		wake_up_all(&dev->room);
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
