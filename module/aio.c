// SPDX-License-Identifier: GPL-2.0
/*
 * The front door of libaio: reads and writes that io_submit(2) has begun and that
 * had to wait. No thread sleeps on them.
 *
 * Two things make it different from others. The kernel cancels under a lock of
 * its own, which the completion needs as well: so a cancel is only noted there, and
 * done a moment later, in an interrupt that comes as soon as the lock is free.
 * And bytes move where nobody of the submitter's is: so a worker borrows its
 * memory, which is the right one even if it has forked since.
 *
 * When a context is destroyed the kernel waits until all its requests have ended,
 * whatever signals come. A device that is stubborn then keeps its request, and the
 * event comes without it.
 */
#include <linux/compat.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

/* aio.h needs a declaration that it does not bring. */
#include <linux/fs.h>
#include <linux/aio.h>

#include "device.h"
#include "file.h"
#include "stall.h"

/* They may wait for the memory of others, so what must go on is not theirs. */
static struct workqueue_struct *aio_movers;

/* Cancels that an interrupt carries out by itself. */
#define AT_ONCE	16

/**
 * struct aio - one of io_submit(2)'s
 * @req: the request; @front decides who completes @iocb
 * @iocb: the kernel's; not to be touched once completed
 * @pos: where
 * @iter: the submitter's memory; empty if the bytes were taken when it began
 * @segments: what @iter needs, if anything
 * @mm: whose memory; there until @iocb is completed, for which its end waits
 * @asked: it was cancelled, and nobody has seen to what then comes
 * @leaves: its context is being destroyed
 * @canceled: in the lists of struct aio_cancels
 * @work: moves the bytes
 */
struct aio {
	struct cancelio_request req;
	struct kiocb *iocb;
	loff_t pos;
	struct iov_iter iter;
	const void *segments;
	struct mm_struct *mm;
	bool asked;
	bool leaves;
	struct llist_node canceled;
	struct work_struct work;
};

static struct aio *to_aio(struct cancelio_request *req)
{
	return container_of(req, struct aio, req);
}

/* Who calls owns @iocb's completion. */
static void aio_complete(struct aio *aio, ssize_t result)
{
	aio->iocb->ki_complete(aio->iocb, result);
	/* Until then a cancel may find it by @iocb. */
	cancelio_request_put(&aio->req);
}

/* The request has ended with 0. Where the submitter's memory is. */
static ssize_t aio_finish(struct aio *aio)
{
	struct cancelio_device *dev = aio->req.dev;
	struct cancelio_io io = {
		.op = aio->req.op,
		.pos = aio->pos,
		.iter = &aio->iter,
		.len = aio->req.len,
		.bytes = aio->req.bytes,
	};

	return dev->model->finish(dev, &io);
}

/*
 * The memory is there, though its last user may be on its way out: before it is taken
 * apart, and before it is freed, that one waits until @iocb is completed. So it must not
 * be this worker who puts the last reference.
 */
static void aio_move(struct work_struct *work)
{
	struct aio *aio = container_of(work, struct aio, work);
	ssize_t result;

	kthread_use_mm(aio->mm);
	result = aio_finish(aio);
	kthread_unuse_mm(aio->mm);
	cancelio_stall(CANCELIO_STALL_MOVED);
	aio_complete(aio, result);
}

/* Who calls owns the completion of a request that has ended. */
static void aio_tell(struct aio *aio)
{
	if (aio->req.status)
		aio_complete(aio, aio->req.status);
	else
		queue_work(aio_movers, &aio->work);
}

static void aio_done(struct cancelio_request *req)
{
	cancelio_client_leave(req);
	switch (cancelio_front_end(req)) {
	case CANCELIO_RUNS:
		aio_tell(to_aio(req));
		break;
	case CANCELIO_LEFT:
		cancelio_request_forgo(req);
		break;
	default:
		break;
	}
}

static void aio_free(struct cancelio_request *req)
{
	struct aio *aio = to_aio(req);

	kfree(aio->segments);
	kfree(aio);
}

static const struct cancelio_request_ops aio_ops = {
	.done = aio_done,
	.free = aio_free,
};

static int aio_cancel(struct kiocb *iocb);

/*
 * Sees to a request that was cancelled and that its device keeps. The kernel has forgotten
 * it by now, and would not call again when the context goes: so it is told anew, or, if
 * that is what happens, the request is left behind. The context is there yet: who has
 * called io_cancel(2) has not left it.
 *
 * Who comes while another has the request in hand leaves it to that one.
 */
static void aio_settle(struct aio *aio)
{
	u8 *front = &aio->req.front;

	while (READ_ONCE(aio->asked) &&
	       cmpxchg(front, CANCELIO_RUNS, CANCELIO_HELD) == CANCELIO_RUNS) {
		WRITE_ONCE(aio->asked, false);
		if (!READ_ONCE(aio->leaves)) {
			kiocb_set_cancel_fn(aio->iocb, aio_cancel);
		} else if (cmpxchg(front, CANCELIO_HELD, CANCELIO_LEFT) == CANCELIO_HELD) {
			aio_complete(aio, -ECANCELED);
			return;
		}
		if (!cancelio_front_release(&aio->req)) {
			aio_tell(aio);
			return;
		}
	}
}

static void aio_cancel_now(struct aio *aio)
{
	cancelio_request_cancel(&aio->req);
	/* Before the look at who has it in hand, who looks here when it has let go. */
	smp_store_mb(aio->asked, true);
	aio_settle(aio);
	cancelio_request_put(&aio->req);
}

/**
 * struct aio_cancels - what was to be cancelled, on one processor
 * @noted: all of it; the latest first
 * @irq: does it
 * @left: what is too much for an interrupt
 * @work: does that
 */
struct aio_cancels {
	struct llist_head noted;
	struct irq_work irq;
	struct llist_head left;
	struct work_struct work;
};

static DEFINE_PER_CPU(struct aio_cancels, aio_cancels);

static void aio_cancel_many(struct work_struct *work)
{
	struct aio_cancels *cancels = container_of(work, struct aio_cancels, work);
	struct llist_node *list = llist_reverse_order(llist_del_all(&cancels->left));
	struct aio *aio, *next;

	llist_for_each_entry_safe(aio, next, list, canceled) {
		aio_cancel_now(aio);
		cond_resched();
	}
}

/* Comes on the processor that has noted, as soon as interrupts are on there again. */
static void aio_cancel_some(struct irq_work *work)
{
	struct aio_cancels *cancels = container_of(work, struct aio_cancels, irq);
	struct llist_node *list = llist_reverse_order(llist_del_all(&cancels->noted)), *next;
	unsigned int count = 0;

	for (; list; list = next) {
		next = list->next;
		if (count++ < AT_ONCE)
			aio_cancel_now(llist_entry(list, struct aio, canceled));
		else
			llist_add(list, &cancels->left);
	}
	if (count > AT_ONCE)
		queue_work(cancelio_workqueue, &cancels->work);
}

/*
 * Whether it is a thread's io_cancel(2) that cancels, and not the end of the context,
 * which is told by whoever is the last to use that: an interrupt, a thread that
 * leaves io_submit(2). The kernel calls for both alike, so this must be seen from
 * outside. A 32-bit program's are all taken for the latter; and so are all on PREEMPT_RT,
 * where our interrupt is a thread, which may come before the kernel has forgotten the
 * request: it could not be told anew.
 */
static bool aio_is_call(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) && in_task() && !(current->flags & (PF_KTHREAD | PF_EXITING)) &&
	       !in_compat_syscall() &&
	       syscall_get_nr(current, current_pt_regs()) == __NR_io_cancel;
}

/*
 * Called with the context's lock held and interrupts off: once for each time that it
 * was set, and not after the completion.
 */
static int aio_cancel(struct kiocb *iocb)
{
	struct aio_cancels *cancels = raw_cpu_ptr(&aio_cancels);
	struct aio *aio = iocb->private;

	cancelio_request_get(&aio->req);
	WRITE_ONCE(aio->leaves, !aio_is_call());
	llist_add(&aio->canceled, &cancels->noted);
	irq_work_queue(&cancels->irq);
	return 0;
}

/* What the bytes need when they move. */
static int aio_keep_memory(struct aio *aio, struct iov_iter *iter)
{
	aio->mm = current->mm;
	aio->segments = dup_iter(&aio->iter, iter, GFP_KERNEL_ACCOUNT);
	return aio->segments || iter_is_ubuf(iter) ? 0 : -ENOMEM;
}

static struct aio *aio_create(struct kiocb *iocb, struct cancelio_io *io)
{
	struct cancelio_file *cfile = iocb->ki_filp->private_data;
	struct aio *aio;

	aio = kzalloc(sizeof(*aio), GFP_KERNEL_ACCOUNT);
	if (!aio)
		return NULL;
	cancelio_request_init(&aio->req, cfile->dev, &aio_ops, io->op);
	aio->iocb = iocb;
	aio->pos = io->pos;
	INIT_WORK(&aio->work, aio_move);
	return aio;
}

/**
 * cancelio_aio_submit - let a read or write of libaio wait
 * @iocb: the kernel's, IOCB_AIO_RW
 * @io: what, ready to be waited for
 *
 * Context: process, of the submitter.
 * Return: -EIOCBQUEUED: the completion has come or will; or a negative errno.
 */
ssize_t cancelio_aio_submit(struct kiocb *iocb, struct cancelio_io *io)
{
	const struct cancelio_caller caller = cancelio_caller_current();
	struct aio *aio;
	ssize_t result;
	int err;

	aio = aio_create(iocb, io);
	if (!aio) {
		cancelio_stream_chunk_free(io->chunk);
		return -ENOMEM;
	}
	err = aio_keep_memory(aio, io->iter);
	if (err)
		cancelio_stream_chunk_free(io->chunk);
	else
		err = cancelio_file_enter(&aio->req, iocb->ki_filp, &caller, io, true);
	if (err) {
		cancelio_request_put(&aio->req);
		return err;
	}
	iocb->private = aio;
	cancelio_request_get(&aio->req);
	kiocb_set_cancel_fn(iocb, aio_cancel);
	cancelio_device_submit(&aio->req);
	cancelio_stall(CANCELIO_STALL_RELEASE);
	if (cancelio_front_release(&aio->req)) {
		aio_settle(aio);
	} else {
		/* It has ended already: the bytes move where they are at home. */
		result = aio->req.status ? : aio_finish(aio);
		aio_complete(aio, result);
	}
	cancelio_request_put(&aio->req);
	return -EIOCBQUEUED;
}

/**
 * cancelio_aio_init - before the first device
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int cancelio_aio_init(void)
{
	int cpu;

	aio_movers = alloc_workqueue("cancelio_aio", WQ_UNBOUND, 0);
	if (!aio_movers)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct aio_cancels *cancels = per_cpu_ptr(&aio_cancels, cpu);

		init_llist_head(&cancels->noted);
		init_irq_work(&cancels->irq, aio_cancel_some);
		init_llist_head(&cancels->left);
		INIT_WORK(&cancels->work, aio_cancel_many);
	}
	return 0;
}

/**
 * cancelio_aio_exit - after the last device was freed; cancelio_workqueue is there yet
 *
 * Context: process, sleeps.
 */
void cancelio_aio_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(&aio_cancels, cpu)->irq);
	destroy_workqueue(aio_movers);
}
