// SPDX-License-Identifier: GPL-2.0
/*
 * The front door of system calls: open, read, write, fsync, lseek and poll.
 *
 * Whoever must wait sleeps here on a request of its own, interruptibly. A
 * signal cancels the request, and its end is awaited, so that the answer is
 * always the request's: a transfer that won against the signal is kept. The
 * bytes move in the caller's context and after the request has ended well,
 * for which reason a cancelled call has moved none. A device that is stubborn
 * makes a signal wait, but not SIGKILL: who is killed leaves the request
 * behind.
 *
 * io_uring comes in by this door, too. On a stream it tries with IOCB_NOWAIT
 * and then arms ->poll; on a store, which has no ->poll, and for an open,
 * which it tries with O_NONBLOCK, it sends a worker that sleeps here.
 */
#include <linux/rcuwait.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/cancelio.h>

#include "device.h"
#include "file.h"
#include "parts.h"
#include "stall.h"

/**
 * struct file_call - a request with a thread that sleeps until it has ended
 * @req: the request
 * @sleeper: the thread
 */
struct file_call {
	struct cancelio_request req;
	struct rcuwait sleeper;
};

static struct file_call *to_call(struct cancelio_request *req)
{
	return container_of(req, struct file_call, req);
}

/**
 * cancelio_request_forgo - a request has ended, and nobody takes what it brings
 * @req: the request
 *
 * Context: any, no lock of ours held; in ->done of a front door.
 */
void cancelio_request_forgo(struct cancelio_request *req)
{
	if (!req->status && cancelio_op_is_models(req->op) && req->dev->model->forgo)
		req->dev->model->forgo(req);
}

static void call_done(struct cancelio_request *req)
{
	cancelio_client_leave(req);
	if (cancelio_front_end(req) == CANCELIO_LEFT) {
		cancelio_request_forgo(req);
		return;
	}
	cancelio_stall(CANCELIO_STALL_ENDED);
	rcuwait_wake_up(&to_call(req)->sleeper);
}

static void call_free(struct cancelio_request *req)
{
	kfree(to_call(req));
}

static const struct cancelio_request_ops call_ops = {
	.done = call_done,
	.free = call_free,
};

/* Sleeps until the request has ended. Return: 0, or -EINTR if what @state allows came first. */
static int call_sleep(struct file_call *call, unsigned int state)
{
	return rcuwait_wait_event(&call->sleeper,
				  /* All that its end has written is seen. */
				  smp_load_acquire(&call->req.front) == CANCELIO_ENDED, state);
}

/* Awaits the end of a request that a signal has cancelled. */
static int call_wait_canceled(struct file_call *call, const struct cancelio_call_id *id)
{
	struct cancelio_request *req = &call->req;

	if (call_sleep(call, TASK_KILLABLE) &&
	    cmpxchg(&req->front, CANCELIO_RUNS, CANCELIO_LEFT) == CANCELIO_RUNS)
		return -EINTR;
	/* Else it has ended, and how is read next. */
	smp_acquire__after_ctrl_dep();
	/* Who else has asked was told that it ends, and would ask in vain of the next. */
	if (req->status != -ECANCELED || test_bit(CANCELIO_FOR_GOOD, &req->flags))
		return req->status;
	/* A worker of io_uring is not restarted: its request fails. */
	if (!(current->flags & PF_IO_WORKER)) {
		const struct cancelio_progress progress = {
			.ticket = req->ticket,
			.deadline = cancelio_request_deadline(req),
		};

		cancelio_restart_save(&req->dev->restarts, id, &progress);
	}
	return -ERESTARTSYS;
}

/* Return: the request's status, or -ERESTARTSYS if a signal ended it. */
static int call_wait(struct file_call *call, const struct cancelio_call_id *id)
{
	if (!call_sleep(call, TASK_INTERRUPTIBLE))
		return call->req.status;
	cancelio_request_interrupt(&call->req);
	return call_wait_canceled(call, id);
}

/* If this is a call that goes on after a signal, it does so where it was. */
static void call_resume(struct file_call *call, const struct cancelio_call_id *id)
{
	struct cancelio_progress progress;

	if (!cancelio_restart_take(&call->req.dev->restarts, id, &progress))
		return;
	call->req.ticket = progress.ticket;
	call->req.due.expires = progress.deadline;
}

/**
 * cancelio_file_enter - make a request of what has to wait
 * @req: a request of the front door's, NEW
 * @file: where; NULL for an open
 * @caller: on whose behalf
 * @io: what; its chunk is @req's from here on, whatever this returns
 * @nowait: do not wait until @file has fewer requests
 *
 * Context: process, of who is to be charged; sleeps, unless @nowait.
 * Return: 0: it is to be submitted; or as cancelio_client_enter().
 */
int cancelio_file_enter(struct cancelio_request *req, struct file *file,
			const struct cancelio_caller *caller, struct cancelio_io *io, bool nowait)
{
	int err;

	req->len = io->len;
	req->chunk = io->chunk;
	req->fate = io->fate;
	err = cancelio_client_enter(req, file, caller, nowait);
	if (err || !cancelio_op_is_models(io->op) || !req->dev->model->prepare)
		return err;
	err = req->dev->model->prepare(req);
	if (err)
		cancelio_client_leave(req);
	return err;
}

/**
 * cancelio_file_wait - have something done, and wait
 * @dev: the device
 * @file: where; NULL for an open
 * @io: what; gets the bytes that may move
 *
 * Context: process, of the caller; sleeps.
 * Return: 0, a negative errno, or -ERESTARTSYS.
 */
int cancelio_file_wait(struct cancelio_device *dev, struct file *file, struct cancelio_io *io)
{
	const struct cancelio_caller caller = cancelio_caller_current();
	const struct cancelio_call_id id = {
		.op = io->op, .file = file, .pos = io->pos, .len = io->len,
	};
	struct file_call *call;
	int err;

	call = kzalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);
	if (!call) {
		cancelio_stream_chunk_free(io->chunk);
		return -ENOMEM;
	}
	rcuwait_init(&call->sleeper);
	cancelio_request_init(&call->req, dev, &call_ops, io->op);
	call->req.front = CANCELIO_RUNS;
	err = cancelio_file_enter(&call->req, file, &caller, io,
				  file && file->f_flags & O_NONBLOCK);
	if (!err) {
		call_resume(call, &id);
		cancelio_device_submit(&call->req);
		err = call_wait(call, &id);
		io->bytes = call->req.bytes;
	}
	cancelio_request_put(&call->req);
	return err;
}

static int file_open(struct inode *inode, struct file *file)
{
	struct cancelio_device *dev = container_of(inode->i_cdev, struct cancelio_device, cdev);
	struct cancelio_io io = { .op = CANCELIO_OPEN };
	struct cancelio_file *cfile;
	int err;

	err = cancelio_device_get_open(dev);
	if (err)
		return err;
	cfile = cancelio_file_create(dev);
	if (!cfile) {
		err = -ENOMEM;
		goto err_dev;
	}
	if (file->f_flags & O_NONBLOCK && cancelio_may_wait(dev, CANCELIO_OPEN))
		err = -EAGAIN;
	else
		err = cancelio_file_wait(dev, NULL, &io);
	/* io_uring of 7.2 hands -ERESTARTSYS of an open to the program. */
	if (err == -ERESTARTSYS && current->flags & PF_IO_WORKER)
		err = -EINTR;
	if (err)
		goto err_file;
	file->private_data = cfile;
	return 0;

err_file:
	cancelio_file_release(cfile);
err_dev:
	cancelio_device_put_open(dev);
	return err;
}

static int stream_file_open(struct inode *inode, struct file *file)
{
	int err = file_open(inode, file);

	if (err)
		return err;
	file->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, file);
}

static int store_file_open(struct inode *inode, struct file *file)
{
	/* Nothing is cached, so all I/O is direct. */
	file->f_mode |= FMODE_CAN_ODIRECT;
	return file_open(inode, file);
}

static bool match_closer(struct cancelio_request *req, const void *arg)
{
	const struct cancelio_client *closer = arg;

	return req->client && req->client->file == closer->file &&
	       req->client->files == closer->files;
}

/*
 * A process closes its last descriptor of this open file: what it has begun
 * there ends with -ECANCELED. Another process that has the file as well goes on,
 * and so does this one while it has another descriptor.
 */
static int file_flush(struct file *file, fl_owner_t id)
{
	struct cancelio_file *cfile = file->private_data;
	const struct cancelio_client closer = { .file = cfile, .files = id };

	/* Who waits for room does so while others have requests. */
	if (!atomic64_read(&cfile->pending))
		return 0;
	if (!(current->flags & PF_EXITING) && !cancelio_file_closed(file))
		return 0;
	wake_up_all(&cfile->dev->room);
	cancelio_table_cancel(&cfile->dev->table, match_closer, &closer);
	return 0;
}

static int file_release(struct inode *inode, struct file *file)
{
	struct cancelio_file *cfile = file->private_data;
	struct cancelio_device *dev = cfile->dev;

	cancelio_file_release(cfile);
	cancelio_device_put_open(dev);
	return 0;
}

/**
 * cancelio_file_begin - do what can be done at once
 * @file: the open file
 * @io: what, with @op, @pos, @iter and @nowait, all else 0
 *
 * Context: process, of the caller; may fault, not wait.
 * Return: bytes moved, a negative errno, or -EAGAIN; unless @io->nowait, that
 * says that @io is ready to be waited for, and has a chunk perhaps.
 */
ssize_t cancelio_file_begin(struct file *file, struct cancelio_io *io)
{
	struct cancelio_file *cfile = file->private_data;

	return cfile->dev->model->begin(cfile->dev, io);
}

/* One step: what is there at once, or after a wait what the request was for. */
static ssize_t file_step(struct kiocb *iocb, struct cancelio_io *io)
{
	struct file *file = iocb->ki_filp;
	struct cancelio_file *cfile = file->private_data;
	struct cancelio_device *dev = cfile->dev;
	ssize_t n;

	n = cancelio_file_begin(file, io);
	if (n != -EAGAIN || io->nowait) {
		cancelio_restart_forget(&dev->restarts);
		return n;
	}
	if (iocb->ki_flags & IOCB_AIO_RW)
		return cancelio_aio_submit(iocb, io);
	n = cancelio_file_wait(dev, file, io);
	return n ? n : dev->model->finish(dev, io);
}

static ssize_t file_io(struct kiocb *iocb, struct iov_iter *iter, enum cancelio_op op)
{
	struct file *file = iocb->ki_filp;
	struct cancelio_io io = {
		.op = op,
		.pos = iocb->ki_pos,
		.iter = iter,
		.nowait = iocb->ki_flags & IOCB_NOWAIT ||
			  (file->f_op->poll && file->f_flags & O_NONBLOCK),
	};
	struct cancelio_file *cfile = file->private_data;
	ssize_t done = 0, n;

	if (cancelio_device_removed(cfile->dev))
		return -ENODEV;
	if (!iov_iter_count(iter))
		return 0;
	do {
		n = file_step(iocb, &io);
		if (n <= 0)
			break;
		done += n;
		io.pos += n;
		io.fate = (struct cancelio_fate){};
		io.chunk = NULL;
		/* A write that a stream takes in pieces goes on; a read has had its bytes. */
		if (op == CANCELIO_READ || n < io.len || iocb->ki_flags & IOCB_AIO_RW)
			break;
		cond_resched();
	} while (iov_iter_count(iter) && !cancelio_caller_killed());

	/* What returns a short count is not restarted. */
	if (done && n == -ERESTARTSYS)
		cancelio_restart_forget(&cfile->dev->restarts);
	iocb->ki_pos = io.pos;
	return done ? done : n;
}

static ssize_t file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return file_io(iocb, to, CANCELIO_READ);
}

static ssize_t file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return file_io(iocb, from, CANCELIO_WRITE);
}

static loff_t store_llseek(struct file *file, loff_t offset, int whence)
{
	struct cancelio_file *cfile = file->private_data;

	return fixed_size_llseek(file, offset, whence, cfile->dev->size);
}

/* What a write of the store has returned for is on the medium already. */
static int store_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct cancelio_file *cfile = file->private_data;
	struct cancelio_io io = { .op = CANCELIO_FLUSH };

	return cancelio_file_wait(cfile->dev, file, &io);
}

static __poll_t stream_poll(struct file *file, poll_table *wait)
{
	struct cancelio_file *cfile = file->private_data;

	return cfile->dev->model->poll(cfile->dev, file, wait);
}

const struct file_operations cancelio_stream_fops = {
	.owner = THIS_MODULE,
	.open = stream_file_open,
	.flush = file_flush,
	.release = file_release,
	.read_iter = file_read_iter,
	.write_iter = file_write_iter,
	.poll = stream_poll,
	.unlocked_ioctl = cancelio_file_ioctl,
	.uring_cmd = cancelio_file_uring_cmd,
	.compat_ioctl = compat_ptr_ioctl,
};

const struct file_operations cancelio_store_fops = {
	.owner = THIS_MODULE,
	.open = store_file_open,
	.flush = file_flush,
	.release = file_release,
	.read_iter = file_read_iter,
	.write_iter = file_write_iter,
	.llseek = store_llseek,
	.fsync = store_fsync,
	.unlocked_ioctl = cancelio_file_ioctl,
	.uring_cmd = cancelio_file_uring_cmd,
	.compat_ioctl = compat_ptr_ioctl,
};
