// SPDX-License-Identifier: GPL-2.0
/*
 * On whose behalf a request is there, and how many each open file may have.
 *
 * All requests of one thread on one open file share a client. It is there as
 * long as one of them is, and the last one of a file until the next: who calls
 * again and again finds it.
 */
#include <linux/fdtable.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "command.h"
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
	spin_lock_init(&file->lock);
	INIT_LIST_HEAD(&file->clients);
	file->tags = RB_ROOT;
	INIT_DELAYED_WORK(&file->watch, command_watch);
	return file;
}

static void file_free(struct kref *ref)
{
	kfree(container_of(ref, struct cancelio_file, ref));
}

static void file_put(struct cancelio_file *file)
{
	kref_put(&file->ref, file_free);
}

/**
 * cancelio_file_release - the file is closed for good
 * @file: the file, which its clients may keep
 *
 * Context: process.
 */
void cancelio_file_release(struct cancelio_file *file)
{
	cancel_delayed_work_sync(&file->watch);
	if (file->recent)
		cancelio_client_put(file->recent);
	file_put(file);
}

static bool client_is(const struct cancelio_client *client, const struct cancelio_caller *caller)
{
	return client->thread == task_pid(caller->task) && client->files == caller->files &&
	       client->ring == caller->ring && client->context == caller->context;
}

static struct cancelio_client *client_find(struct cancelio_file *file,
					   const struct cancelio_caller *caller)
{
	struct cancelio_client *client;

	lockdep_assert_held(&file->lock);

	list_for_each_entry(client, &file->clients, link) {
		if (client_is(client, caller) && refcount_inc_not_zero(&client->ref))
			return client;
	}
	return NULL;
}

static struct cancelio_client *client_create(struct cancelio_file *file,
					     const struct cancelio_caller *caller)
{
	struct cancelio_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return NULL;
	refcount_set(&client->ref, 1);
	INIT_LIST_HEAD(&client->link);
	client->files = caller->files;
	client->process = get_pid(task_tgid(caller->task));
	client->thread = get_pid(task_pid(caller->task));
	client->ring = caller->ring;
	client->context = caller->context;
	if (file) {
		kref_get(&file->ref);
		client->file = file;
	}
	return client;
}

/* Another one has become the recent one of its file. */
static struct cancelio_client *client_remember(struct cancelio_client *client)
{
	struct cancelio_client *old;
	unsigned long flags;

	refcount_inc(&client->ref);
	spin_lock_irqsave(&client->file->lock, flags);
	old = client->file->recent;
	client->file->recent = client;
	if (list_empty(&client->link))
		list_add(&client->link, &client->file->clients);
	spin_unlock_irqrestore(&client->file->lock, flags);
	if (old)
		cancelio_client_put(old);
	return client;
}

/**
 * cancelio_client_get - find or make the client of a caller
 * @file: the open file; NULL for an open
 * @caller: who calls
 *
 * Context: process.
 * Return: the client and a reference, or NULL: there is no memory.
 */
struct cancelio_client *cancelio_client_get(struct cancelio_file *file,
					    const struct cancelio_caller *caller)
{
	struct cancelio_client *client;
	unsigned long flags;

	if (!file)
		return client_create(NULL, caller);
	spin_lock_irqsave(&file->lock, flags);
	client = file->recent;
	if (client && client_is(client, caller)) {
		refcount_inc(&client->ref);
		spin_unlock_irqrestore(&file->lock, flags);
		return client;
	}
	client = client_find(file, caller);
	spin_unlock_irqrestore(&file->lock, flags);

	if (!client)
		client = client_create(file, caller);
	return client ? client_remember(client) : NULL;
}

/**
 * cancelio_client_put - drop a reference
 * @client: the client; NULL is none
 *
 * Context: any.
 */
void cancelio_client_put(struct cancelio_client *client)
{
	struct cancelio_file *file;
	unsigned long flags;

	if (!client || !refcount_dec_and_test(&client->ref))
		return;
	/* Who finds it in the list now leaves it alone. */
	file = client->file;
	if (file) {
		spin_lock_irqsave(&file->lock, flags);
		list_del(&client->link);
		spin_unlock_irqrestore(&file->lock, flags);
		file_put(file);
	}
	put_pid(client->process);
	put_pid(client->thread);
	kfree(client);
}

/**
 * cancelio_file_full - whether an open file has as many requests as it may
 * @file: the open file
 *
 * Context: any.
 */
bool cancelio_file_full(struct cancelio_file *file)
{
	return atomic64_read(&file->pending) >= READ_ONCE(file->dev->behavior.knobs.max_pending);
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
 * cancelio_client_enter - begin a request on behalf of a caller
 * @req: a NEW request without a client
 * @file: where; NULL for an open, which is not bounded
 * @caller: who calls
 * @nowait: do not wait until @file has fewer
 *
 * Context: process, of who asks; sleeps.
 * Return: 0: @req has a client; -EAGAIN: @file has as many as it may; -ERESTARTSYS:
 * a signal came first; -ECANCELED: a close; -ENODEV: the device's removal; -ENOMEM.
 */
int cancelio_client_enter(struct cancelio_request *req, struct file *file,
			  const struct cancelio_caller *caller, bool nowait)
{
	struct cancelio_file *cfile = file ? file->private_data : NULL;
	int err;

	if (cfile && !file_claim(cfile)) {
		err = nowait ? -EAGAIN : file_wait_for_room(file);
		if (err)
			return err;
	}
	req->client = cancelio_client_get(cfile, caller);
	if (req->client)
		return 0;
	if (cfile)
		atomic64_dec(&cfile->pending);
	return -ENOMEM;
}

/**
 * cancelio_client_leave - a request that has entered has ended
 * @req: the request
 *
 * It keeps its client until it is freed.
 *
 * Context: any.
 */
void cancelio_client_leave(struct cancelio_request *req)
{
	struct cancelio_device *dev = req->dev;

	if (!req->client->file)
		return;
	atomic64_dec(&req->client->file->pending);
	if (wq_has_sleeper(&dev->room))
		wake_up_all(&dev->room);
}
