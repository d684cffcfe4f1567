// SPDX-License-Identifier: MIT
#include "command.h"
#include "offload.h"
#include "op_private.h"
#include "scope.h"
#include "thread.h"
#include "wait.h"

#define MAX_CANCEL_PAUSE_MS 100
#define CANCEL_BATCH 32
/* No operation has this name. */
#define WATCH_TAG (~(uint64_t)CIO_CQE_KIND | CIO_CQE_CANCEL_AGAIN)

/*
 * What is to be submitted for operations that are cancelled. By the time that it is they may have
 * ended; but their files stay open until the kernel has it.
 */
struct batch {
	struct {
		struct cio_file *file;
		uint64_t tag;
		bool command;
		bool withdrawn; /* the kernel knows nothing of it: its end comes as a CQE all the same */
	} items[CANCEL_BATCH];
	unsigned int count;
};

/* State lock. Of a withdrawn operation there is one messenger, whoever else asks. */
static void batch_add(struct batch *b, struct cio_op *op, bool withdrawn)
{
	unsigned int i = b->count++;

	cio_object_get(&op->file->obj);
	b->items[i].file = op->file;
	b->items[i].tag = tag_of(op);
	b->items[i].command = atomic_load(&op->command);
	b->items[i].withdrawn = withdrawn;
}

static void batch_add_cancel(struct batch *b, struct cio_op *op)
{
	if (!op->code || !op->offloaded)
		batch_add(b, op, false);
	else if (cio_offload_cancel(op))
		batch_add(b, op, true);
}

static void batch_submit(struct cio_ring *ring, struct batch *b)
{
	if (!b->count)
		return;
	cio_ring_open(ring);
	for (unsigned int i = 0; i < b->count; i++) {
		struct io_uring_sqe *sqe = cio_ring_slot(ring);
		uint64_t tag = b->items[i].tag;

		if (b->items[i].withdrawn)
			io_uring_prep_nop(sqe);
		else if (b->items[i].command)
			cio_command_prep_cancel(ring, b->items[i].file, tag, sqe);
		else
			io_uring_prep_cancel64(sqe, tag, 0);
		sqe->user_data = b->items[i].withdrawn ? tag : tag | CIO_CQE_CANCEL;
	}
	cio_ring_close(ring);
	for (unsigned int i = 0; i < b->count; i++)
		cio_object_put(&b->items[i].file->obj);
}

void cio_op_submit_cancel(struct cio_ring *ring, uint64_t tag)
{
	struct batch b;

	b.count = 0;
	cio_state_lock();
	if (op_is_current(tag))
		batch_add_cancel(&b, op_of(tag));
	cio_state_unlock();
	batch_submit(ring, &b);
}

static void submit_pause(struct cio_ring *ring, uint32_t ms, uint64_t tag)
{
	struct __kernel_timespec ts = { .tv_nsec = ms * 1000000ll };
	struct io_uring_sqe *sqe;

	cio_ring_open(ring);
	sqe = cio_ring_slot(ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	sqe->user_data = tag;
	cio_ring_close(ring);
}

/*
 * A cancel that did not hit: the target runs in a worker, or was between two steps, or the kernel
 * has lost the request (it happens). While the target lives it is asked again, after a pause,
 * which is a timeout in the ring: whoever waits there is woken by it.
 */
static void cancel_missed(struct cio_ring *ring, uint64_t tag)
{
	struct cio_op *op = op_of(tag);
	uint32_t ms = atomic_load_explicit(&op->cancel_pause_ms, memory_order_relaxed);

	ms = ms ? ms * 2 : 1;
	if (ms > MAX_CANCEL_PAUSE_MS)
		ms = MAX_CANCEL_PAUSE_MS;
	atomic_store_explicit(&op->cancel_pause_ms, ms, memory_order_relaxed);
	submit_pause(ring, ms, (tag & ~(uint64_t)CIO_CQE_KIND) | CIO_CQE_CANCEL_AGAIN);
}

/*
 * Of what the kernel says is cancelled, the end mostly lies in the same batch. When it does not, it is
 * on its way in another thread, or was lost: one timeout for all such tells.
 */
void cio_ops_watch(struct cio_ring *ring, const uint64_t *tags, unsigned int count)
{
	bool missing = false;

	for (unsigned int i = 0; i < count && !missing; i++)
		missing = op_is_current(tags[i]);
	if (missing && !atomic_exchange(&ring->watching, true))
		submit_pause(ring, MAX_CANCEL_PAUSE_MS, WATCH_TAG);
}

/* Asks again for all of which the kernel has said that they are cancelled, and which live on. */
static void watch_over(struct cio_ring *ring)
{
	const uint32_t both = CIO_OP_CANCEL | CIO_OP_ANSWERED;
	struct batch b;
	uint32_t i = 0;

	atomic_store(&ring->watching, false);
	do {
		b.count = 0;
		cio_state_lock();
		for (; i < cio_ops_made() && b.count < CANCEL_BATCH; i++) {
			struct cio_op *op = cio_op_at(i);

			if (!op->in_file.next || cio_list_empty(&op->in_file) ||
			    (atomic_load(&op->flags) & both) != both)
				continue;
			atomic_fetch_and(&op->flags, ~CIO_OP_ANSWERED);
			batch_add_cancel(&b, op);
		}
		cio_state_unlock();
		batch_submit(ring, &b);
	} while (b.count == CANCEL_BATCH);
}

bool cio_cancel_event(struct cio_ring *ring, uint64_t tag, int res)
{
	uint64_t name = tag & ~(uint64_t)CIO_CQE_KIND;

	switch (tag & CIO_CQE_KIND) {
	case CIO_CQE_CANCEL:
		if (!op_is_current(tag))
			break;
		if (res >= 0) {
			/* Should its successor get the mark, that is asked for once too often. */
			atomic_fetch_or(&op_of(tag)->flags, CIO_OP_ANSWERED);
			return true;
		}
		cancel_missed(ring, tag);
		break;
	case CIO_CQE_CANCEL_AGAIN:
		if (tag == WATCH_TAG)
			watch_over(ring);
		else
			cio_op_submit_cancel(ring, name);
		break;
	}
	return false;
}

/* Marks an operation, and adds what is to be submitted for it. */
static void op_cancel(struct cio_op *op, struct batch *b)
{
	uint32_t flags = atomic_fetch_or(&op->flags, CIO_OP_CANCEL);

	if (flags & CIO_OP_CANCEL)
		return; /* the kernel was asked, and is asked again until the end */
	if (op->queued) {
		op->queued = false;
		op->withdrawn = true;
		cio_list_del(&op->in_lane);
		batch_add(b, op, true);
	} else if (!(flags & CIO_OP_ISSUING)) {
		batch_add_cancel(b, op);
	}
	/* Else its issuer sees the mark before it lets go, and asks for us. */
}

/* A full batch means that there may be more. True: there was something. */
static bool gather(struct cio_file *file, LPOVERLAPPED overlapped, struct cio_thread *thread,
		   struct batch *b)
{
	struct cio_list *head = file ? &file->ops : &thread->ops;
	bool found = false;

	b->count = 0;
	cio_state_lock();
	cio_list_each(pos, head) {
		struct cio_op *op = file ? cio_entry(pos, struct cio_op, in_file) :
					   cio_entry(pos, struct cio_op, in_thread);

		if (b->count == CANCEL_BATCH)
			break;
		if ((overlapped && op->overlapped != overlapped) ||
		    (thread && op->thread != thread))
			continue;
		found = true;
		op_cancel(op, b);
	}
	cio_state_unlock();
	return found;
}

bool cio_ops_cancel(struct cio_file *file, LPOVERLAPPED overlapped, struct cio_thread *thread)
{
	struct cio_ring *ring = cio_ring_if_made();
	bool found = false;
	struct batch b;

	if (!ring)
		return false;
	do {
		found |= gather(file, overlapped, thread, &b);
		if (!b.count)
			break;
		cio_ring_enter(ring);
		batch_submit(ring, &b);
		cio_ring_reap(ring);
		cio_ring_leave(ring);
	} while (b.count == CANCEL_BATCH);
	return found;
}

void cio_ops_cut(struct cio_file *file)
{
	cio_state_lock();
	cio_list_each(pos, &file->ops)
		atomic_fetch_or(&cio_entry(pos, struct cio_op, in_file)->flags, CIO_OP_CUT);
	cio_state_unlock();
	cio_ops_cancel(file, NULL, NULL);
}

/* The next batch, from operation *next on. */
static void gather_scope(const struct cio_scope *scope, uint32_t *next, struct batch *b)
{
	b->count = 0;
	cio_state_lock();
	for (; *next < cio_ops_made() && b->count < CANCEL_BATCH; (*next)++) {
		struct cio_op *op = cio_op_at(*next);

		if (op->frame && cio_frame_within(op->frame, scope))
			op_cancel(op, b);
	}
	cio_state_unlock();
}

void cio_ops_cancel_scope(const struct cio_scope *scope)
{
	struct cio_ring *ring = cio_ring_if_made();
	uint32_t next = 0;
	struct batch b;

	if (!ring)
		return;
	do {
		gather_scope(scope, &next, &b);
		if (!b.count)
			break;
		cio_ring_enter(ring);
		batch_submit(ring, &b);
		cio_ring_reap(ring);
		cio_ring_leave(ring);
	} while (b.count == CANCEL_BATCH);
}

void cio_ops_drain_thread(struct cio_thread *self)
{
	bool idle;

	cio_state_lock();
	cio_list_each_safe(pos, tmp, &self->ops) {
		struct cio_op *op = cio_entry(pos, struct cio_op, in_thread);

		if (!op->file->port || op->routine)
			continue;
		/* The kernel will say that it is cancelled, and who reaps that issues it again. */
		cio_list_del(&op->in_thread);
		op->thread = NULL;
	}
	idle = cio_list_empty(&self->ops);
	atomic_store(&self->drained, idle);
	self->draining = !idle;
	cio_state_unlock();
	if (idle)
		return;
	cio_ops_cancel(NULL, NULL, self);
	cio_wait_until(self, &self->drained, CIO_FOREVER);
}
