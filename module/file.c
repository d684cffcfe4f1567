// SPDX-License-Identifier: GPL-2.0
/*
 * The front door of system calls: open, read, write, lseek, poll and ioctl.
 *
 * Whoever must wait sleeps here on a request of its own, interruptibly. A
 * signal cancels the request, and its end is awaited, so that the answer is
 * always the request's: a transfer that won against the signal is kept. The
 * bytes move in the caller's context and after the request has ended well,
 * for which reason a cancelled call has moved none.
 *
 * io_uring comes in by this door, too. On a stream it tries with IOCB_NOWAIT
 * and then arms ->poll; on a store, which has no ->poll, and for an open,
 * which it tries with O_NONBLOCK, it sends a worker that sleeps here.
 */
#include <linux/completion.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/cancelio.h>

#include "device.h"

/**
 * struct file_call - a request with a thread that sleeps until it has ended
 * @req: the request
 * @ended: it has
 */
struct file_call {
	struct cancelio_request req;
	struct completion ended;
};

static struct file_call *to_call(struct cancelio_request *req)
{
	return container_of(req, struct file_call, req);
}

static void call_done(struct cancelio_request *req)
{
	complete(&to_call(req)->ended);
}

static void call_free(struct cancelio_request *req)
{
	cancelio_stream_chunk_free(req->chunk);
	kfree(to_call(req));
}

static const struct cancelio_request_ops call_ops = {
	.done = call_done,
	.free = call_free,
};

/*
 * Return: the request's status, or -ERESTARTSYS if a signal ended it. After
 * the cancel the wait is not for ever: no device keeps a request.
 */
static int call_wait(struct file_call *call, const struct cancelio_call_id *id)
{
	struct cancelio_request *req = &call->req;

	if (!wait_for_completion_interruptible(&call->ended))
		return req->status;

	cancelio_request_cancel(req);
	wait_for_completion(&call->ended);
	if (req->status != -ECANCELED)
		return req->status;
	/* A worker of io_uring is not restarted: its request fails. */
	if (!(current->flags & PF_IO_WORKER)) {
		const struct cancelio_progress progress = {
			.ticket = req->ticket,
			.deadline = req->deadline,
		};

		cancelio_restart_save(&req->dev->restarts, id, &progress);
	}
	return -ERESTARTSYS;
}

/*
 * Submits and waits; takes @io->chunk over, if there is an @io.
 * Return: 0, a negative errno, or -ERESTARTSYS.
 */
static int file_wait(struct cancelio_device *dev, const struct cancelio_call_id *id,
		     struct cancelio_io *io, void (*submit)(struct cancelio_request *req))
{
	struct cancelio_progress progress;
	struct file_call *call;
	int err;

	call = kzalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);
	if (!call) {
		if (io)
			cancelio_stream_chunk_free(io->chunk);
		return -ENOMEM;
	}
	init_completion(&call->ended);
	cancelio_request_init(&call->req, dev, &call_ops, id->op);
	call->req.len = id->len;
	if (cancelio_restart_take(&dev->restarts, id, &progress)) {
		call->req.ticket = progress.ticket;
		call->req.deadline = progress.deadline;
	}
	if (io) {
		call->req.chunk = io->chunk;
		io->chunk = NULL;
	}

	submit(&call->req);
	err = call_wait(call, id);
	cancelio_request_put(&call->req);
	return err;
}

static int file_open(struct inode *inode, struct file *file)
{
	struct cancelio_device *dev = container_of(inode->i_cdev, struct cancelio_device, cdev);
	const struct cancelio_call_id id = { .op = CANCELIO_OPEN };
	int err;

	err = cancelio_device_get_open(dev);
	if (err)
		return err;
	if (file->f_flags & O_NONBLOCK && cancelio_latency_ns(dev, CANCELIO_OPEN))
		err = -EAGAIN;
	else
		err = file_wait(dev, &id, NULL, cancelio_device_submit_open);
	/* io_uring of 7.2 hands -ERESTARTSYS of an open to the program. */
	if (err == -ERESTARTSYS && current->flags & PF_IO_WORKER)
		err = -EINTR;
	if (err) {
		cancelio_device_put_open(dev);
		return err;
	}
	file->private_data = dev;
	return 0;
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

static int file_release(struct inode *inode, struct file *file)
{
	cancelio_device_put_open(file->private_data);
	return 0;
}

/* One step: what is there at once, or after a wait what the request was for. */
static ssize_t file_step(struct file *file, struct cancelio_io *io)
{
	struct cancelio_device *dev = file->private_data;
	struct cancelio_call_id id;
	ssize_t n;

	n = dev->model->begin(dev, io);
	if (n != -EAGAIN || io->nowait)
		return n;
	id.op = io->op;
	id.file = file;
	id.pos = io->pos;
	id.len = io->len;
	n = file_wait(dev, &id, io, dev->model->submit);
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
	ssize_t done = 0, n;

	if (!iov_iter_count(iter))
		return 0;
	do {
		n = file_step(file, &io);
		if (n <= 0)
			break;
		done += n;
		io.pos += n;
		/* A write that a stream takes in pieces goes on; a read has had its bytes. */
		if (op == CANCELIO_READ || n < io.len)
			break;
		cond_resched();
	} while (iov_iter_count(iter) && !fatal_signal_pending(current));

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
	struct cancelio_device *dev = file->private_data;

	return fixed_size_llseek(file, offset, whence, dev->size);
}

/* What a write of the store has returned for is on the medium already. */
static int store_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return 0;
}

static __poll_t stream_poll(struct file *file, poll_table *wait)
{
	struct cancelio_device *dev = file->private_data;

	return dev->model->poll(dev, file, wait);
}

static long ioctl_info(struct cancelio_device *dev, void __user *arg)
{
	struct cancelio_info info;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.flags || memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	info.model = dev->model->id;
	info.size = dev->size;
	info.pending = atomic64_read(&dev->pending);
	info.open_latency_ns = cancelio_latency_ns(dev, CANCELIO_OPEN);
	info.read_latency_ns = cancelio_latency_ns(dev, CANCELIO_READ);
	info.write_latency_ns = cancelio_latency_ns(dev, CANCELIO_WRITE);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long file_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (command) {
	case CANCELIO_IOC_VERSION:
		return put_user(CANCELIO_API_VERSION, (__u32 __user *)argp);
	case CANCELIO_IOC_INFO:
		return ioctl_info(file->private_data, argp);
	default:
		return -ENOTTY;
	}
}

const struct file_operations cancelio_stream_fops = {
	.owner = THIS_MODULE,
	.open = stream_file_open,
	.release = file_release,
	.read_iter = file_read_iter,
	.write_iter = file_write_iter,
	.poll = stream_poll,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

const struct file_operations cancelio_store_fops = {
	.owner = THIS_MODULE,
	.open = store_file_open,
	.release = file_release,
	.read_iter = file_read_iter,
	.write_iter = file_write_iter,
	.llseek = store_llseek,
	.fsync = store_fsync,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
