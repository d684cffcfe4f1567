// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "op_private.h"
#include "scope.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

struct cio_op *_Atomic cio_op_chunks[CIO_OP_CHUNKS];
static uint32_t made; /* state lock, as are all in this group */
static struct cio_op *free_ops;
static struct cio_op *lost_ops; /* in the child of a fork: what was pending */

uint32_t cio_ops_made(void)
{
	return made;
}

static bool ops_grow(void)
{
	CIO_KEEP_ERRNO;
	struct cio_op *chunk;

	if (made == CIO_OP_CHUNK * CIO_OP_CHUNKS)
		return false;
	chunk = calloc(CIO_OP_CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	atomic_store_explicit(&cio_op_chunks[made / CIO_OP_CHUNK], chunk, memory_order_release);
	for (uint32_t i = CIO_OP_CHUNK; i-- > 0;) {
		chunk[i].index = made + i;
		chunk[i].next_free = free_ops;
		free_ops = &chunk[i];
	}
	made += CIO_OP_CHUNK;
	return true;
}

static struct cio_lane *lane_of(const struct cio_op *op)
{
	return op->file->seekable || op->code ? NULL : &op->file->lanes[op->write];
}

static void lane_enter(struct cio_op *op)
{
	struct cio_lane *lane = lane_of(op);

	op->queued = lane && lane->active;
	if (op->queued)
		cio_list_add_tail(&op->in_lane, &lane->waiting);
	else if (lane)
		lane->active = op;
}

/* The operation whose turn it is now, if it has become somebody's. */
static struct cio_op *lane_leave(struct cio_op *op)
{
	struct cio_lane *lane = lane_of(op);
	struct cio_op *next = NULL;

	if (!lane || lane->active != op)
		return NULL;
	if (!cio_list_empty(&lane->waiting)) {
		next = cio_entry(lane->waiting.next, struct cio_op, in_lane);
		cio_list_del(&next->in_lane);
		next->queued = false;
	}
	lane->active = next;
	return next;
}

/*
 * The start of a request, in one step for all who look on: reset, and findable for a cancel.
 * STATUS_PENDING, or why it could not start.
 */
static DWORD op_start(struct cio_ring *ring, struct cio_thread *self,
		      const struct cio_request *req, struct cio_op **started, bool *queued,
		      bool *sleepers)
{
	struct cio_op *op;
	DWORD status = STATUS_PENDING;

	cio_state_lock();
	if (atomic_load(&req->file->closed))
		status = CIO_INVALID_HANDLE;
	else if (self->frame && cio_frame_cancelled(self->frame))
		status = CIO_CANCELLED;
	else if (!free_ops && !ops_grow())
		status = CIO_NO_MEMORY;
	if (status != STATUS_PENDING) {
		cio_state_unlock();
		return status;
	}
	op = free_ops;
	free_ops = op->next_free;
	op->ring = ring;
	op->file = req->file;
	op->event = req->event;
	op->thread = self;
	op->frame = cio_frame_get(self->frame);
	op->overlapped = req->overlapped;
	op->routine = req->routine;
	op->no_packet = req->hidden || (ULONG_PTR)req->overlapped->hEvent & 1; /* W-EVT-3 */
	op->write = req->write;
	op->append = req->append;
	op->polling = false;
	atomic_store_explicit(&op->command, req->file->commands, memory_order_relaxed);
	op->withdrawn = false;
	op->buffer = req->buffer;
	op->length = req->length;
	op->offset = req->offset;
	op->done = 0;
	op->code = req->code;
	if (op->code) {
		op->args = *req->args;
		op->offloaded = false;
	}
	atomic_store_explicit(&op->cancel_pause_ms, 0, memory_order_relaxed);
	atomic_store_explicit(&op->flags, CIO_OP_ISSUING, memory_order_relaxed);
	cio_object_get(&op->file->obj);
	if (op->event) {
		cio_object_get(op->event);
		op->event->signalled = false;
	}
	op->file->obj.signalled = false;
	cio_list_add_tail(&op->in_file, &op->file->ops);
	cio_list_add_tail(&op->in_thread, &self->ops);
	lane_enter(op);
	*queued = op->queued;
	atomic_fetch_add(&ring->inflight, 1);
	/* Who begins to wait after this sees that there is something to reap. */
	*sleepers = !ring->reaper && !cio_list_empty(&ring->parked);
	cio_state_unlock();
	*started = op;
	return STATUS_PENDING;
}

static void publish_locked(LPOVERLAPPED overlapped, DWORD status, DWORD bytes)
{
	overlapped->InternalHigh = bytes;
	/* From this store on, the application may do with its memory what it likes. */
	__atomic_store_n(&overlapped->Internal, status, __ATOMIC_RELEASE);
}

static void op_free_locked(struct cio_op *op)
{
	op->next_free = free_ops;
	free_ops = op;
}

static void packet_release(struct cio_packet *packet)
{
	op_free_locked(cio_entry(packet, struct cio_op, packet));
}

static void apc_drop(struct cio_apc *apc)
{
	cio_state_lock();
	op_free_locked(cio_entry(apc, struct cio_op, apc));
	cio_state_unlock();
}

/* A failed request has moved nothing, and a warning is not an error here (W-RWEX-3). */
static void apc_run(struct cio_apc *apc)
{
	struct cio_op *op = cio_entry(apc, struct cio_op, apc);
	LPOVERLAPPED_COMPLETION_ROUTINE routine = op->routine;
	DWORD error = cio_status_failed(op->status) ? cio_status_to_error(op->status) : 0;
	LPOVERLAPPED overlapped = op->overlapped;
	DWORD bytes = error ? 0 : op->done;

	apc_drop(apc);
	routine(error, bytes, overlapped);
}

/* The APC or the packet. False: neither, and the operation is free. */
static bool op_queue_end(struct cio_op *op, DWORD status, bool inlined)
{
	struct cio_file *file = op->file;

	op->status = status;
	if (op->routine) {
		op->apc = (struct cio_apc){ .run = apc_run, .drop = apc_drop };
		return cio_apc_queue(op->thread, &op->apc);
	}
	if (!file->port || op->no_packet)
		return false;
	if (inlined && cio_status_ok(status) && file->modes & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
		return false; /* W-MODE-1 */
	op->packet = (struct cio_packet){ .key = file->key,
					  .overlapped = op->overlapped,
					  .status = status,
					  .bytes = op->done,
					  .release = packet_release };
	cio_port_post(file->port, &op->packet);
	return true;
}

/* W-OVL-8. True: the notification has the operation now. */
static bool op_notify(struct cio_op *op, DWORD status, bool inlined)
{
	publish_locked(op->overlapped, status, op->done);
	if (op->event)
		cio_object_signal(op->event);
	else if (!(op->file->modes & FILE_SKIP_SET_EVENT_ON_HANDLE))
		cio_object_signal(&op->file->obj);
	else /* for who waits for this request, and not for the file */
		cio_object_serve(&op->file->obj);
	return op_queue_end(op, status, inlined);
}

/* Whether its thread was waiting for the last of what it has issued, to end. */
static void thread_forget(struct cio_op *op)
{
	struct cio_thread *thread = op->thread;

	cio_list_del(&op->in_thread);
	if (!thread || !thread->draining || !cio_list_empty(&thread->ops))
		return;
	atomic_store(&thread->drained, true);
	cio_wake_later(thread);
}

static void frame_forget(struct cio_op *op)
{
	if (!op->frame)
		return;
	cio_frame_put(op->frame);
	op->frame = NULL;
}

enum how { SILENT, INLINE, PENDED };

/*
 * The end, again in one step: status and signal cannot be seen apart, so that a thread which sees
 * the one and starts its next request with the same event cannot lose its reset to our signal.
 * Returns the operation whose turn has come, for the caller to begin.
 */
static struct cio_op *op_finish(struct cio_op *op, DWORD status, enum how how)
{
	struct cio_file *file = op->file;
	struct cio_object *event = op->event;
	struct cio_op *next;
	bool queued, last;

	cio_state_lock();
	/*
	 * Before anybody can know of the end: who then closes the file's last handle finds its
	 * descriptor closed when he returns. Until the lock is dropped the file is not freed.
	 */
	last = cio_object_unref(&file->obj);
	atomic_fetch_add(&op->generation, 1);
	cio_list_del(&op->in_file);
	next = lane_leave(op);
	frame_forget(op);
	atomic_fetch_sub(&op->ring->inflight, 1);
	queued = how != SILENT && op_notify(op, status, how == INLINE);
	thread_forget(op);
	if (!queued)
		op_free_locked(op);
	cio_state_unlock();
	if (event)
		cio_object_put(event);
	if (last)
		file->obj.class->destroy(&file->obj);
	return next;
}

/*
 * The issuer's half. Ends when the operation has ended inline, or when it is agreed that its next
 * completion belongs to whoever reaps it.
 */
static DWORD op_issue(struct cio_op *op, bool queued)
{
	uint64_t tag = tag_of(op);
	struct cio_ring *ring = op->ring;
	DWORD status = queued ? STATUS_PENDING : cio_step_next(op);

	while (status == STATUS_PENDING) {
		uint32_t flags = atomic_load(&op->flags);

		if (!(flags & CIO_OP_ARRIVED) && cio_ring_has_news(ring)) {
			cio_ring_reap(ring);
			flags = atomic_load(&op->flags);
		}
		if (flags & CIO_OP_ARRIVED) {
			atomic_fetch_and(&op->flags, ~CIO_OP_ARRIVED);
			status = flags & CIO_OP_ENDED ? op->status : cio_step_result(op, op->res);
			continue;
		}
		if (!atomic_compare_exchange_strong(&op->flags, &flags, flags & ~CIO_OP_ISSUING))
			continue;
		/* The operation may be gone by now: it is asked for by its name. */
		if (flags & CIO_OP_CANCEL)
			cio_op_submit_cancel(ring, tag);
		break;
	}
	return status;
}

/* False: the issuer is still in its call and goes on with what arrived. */
static bool op_arrive(struct cio_op *op, uint32_t how)
{
	return !(atomic_fetch_or(&op->flags, CIO_OP_ARRIVED | how) & CIO_OP_ISSUING);
}

/* Ends an operation, and begins the next of its lane, which may be over at once, and so on. */
static void op_end(struct cio_op *op, DWORD status, enum how how)
{
	for (;;) {
		op = op_finish(op, status, how);
		if (!op)
			return;
		status = cancel_asked(op) ? cio_step_cancelled(op) : cio_step_next(op);
		if (status == STATUS_PENDING)
			return;
		op->status = status;
		if (!op_arrive(op, CIO_OP_ENDED))
			return;
		how = PENDED;
	}
}

static DWORD ring_for_ops(struct cio_ring **ring)
{
	DWORD error = 0;

	*ring = cio_ring_if_made();
	if (!*ring)
		error = cio_ring_get(ring);
	if (error)
		return error == ERROR_NOT_SUPPORTED ? CIO_NOT_SUPPORTED : CIO_NO_MEMORY;
	return cio_ring_need_helper(*ring) ? CIO_OK : CIO_NO_MEMORY;
}

static void offer_role(struct cio_ring *ring)
{
	cio_state_lock();
	cio_ring_offer_role(ring);
	cio_state_unlock();
}

DWORD cio_op_run(struct cio_thread *self, const struct cio_request *req, DWORD *bytes)
{
	struct cio_ring *ring;
	struct cio_op *op;
	bool queued, sleepers;
	DWORD status;

	status = ring_for_ops(&ring);
	if (status != CIO_OK)
		return status;
	status = op_start(ring, self, req, &op, &queued, &sleepers);
	if (status != STATUS_PENDING)
		return status;
	cio_ring_enter(ring);
	status = op_issue(op, queued);
	if (status == STATUS_PENDING) {
		if (sleepers)
			offer_role(ring);
	} else {
		/*
		 * Who cancelled it was told that there was something, and waits for the news:
		 * so it has been pending, though it is over already.
		 */
		bool cancelled = status == CIO_CANCELLED;

		*bytes = op->done;
		if (op->done)
			op->overlapped->InternalHigh = op->done;
		op_end(op, status,
		       cancelled		   ? PENDED :
		       cio_status_failed(status) ? SILENT :
						   INLINE);
		if (cancelled)
			status = STATUS_PENDING;
	}
	cio_ring_leave(ring);
	return status;
}

void cio_op_arrived(struct cio_op *op, int res)
{
	DWORD status;

	op->res = res;
	if (!op_arrive(op, 0))
		return;
	atomic_fetch_and(&op->flags, ~CIO_OP_ARRIVED);
	status = cio_step_result(op, res);
	if (status != STATUS_PENDING)
		op_end(op, status, PENDED);
}

bool cio_op_event(struct cio_ring *ring, uint64_t tag, int res)
{
	if ((tag & CIO_CQE_KIND) != CIO_CQE_OP)
		return cio_cancel_event(ring, tag, res);
	cio_op_arrived(op_of(tag), res);
	return false;
}

void cio_publish(struct cio_object *event, LPOVERLAPPED overlapped, DWORD status, DWORD bytes)
{
	cio_state_lock();
	publish_locked(overlapped, status, bytes);
	if (event)
		cio_object_signal(event);
	cio_state_unlock();
}

void cio_unpublish(struct cio_object *event)
{
	if (!event)
		return;
	cio_state_lock();
	event->signalled = false;
	cio_state_unlock();
}

unsigned int cio_ops_silence(const struct cio_port *port, ULONG_PTR key)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < made; i++) {
		struct cio_op *op = cio_op_at(i);

		if (!op->in_file.next || cio_list_empty(&op->in_file) || op->no_packet ||
		    op->routine || op->file->port != port || op->file->key != key)
			continue;
		op->no_packet = true;
		count++;
	}
	return count;
}

void cio_ops_reinit_in_child(void)
{
	for (uint32_t i = 0; i < made; i++) {
		struct cio_op *op = cio_op_at(i);

		if (!op->in_file.next || cio_list_empty(&op->in_file))
			continue;
		/* To the child, they look cancelled. Its memory is its own: nobody else sees it. */
		publish_locked(op->overlapped, CIO_CANCELLED, op->done);
		cio_object_signal(op->event ? op->event : &op->file->obj);
		cio_list_del(&op->in_file);
		cio_list_del(&op->in_thread);
		frame_forget(op);
		cio_list_init(&op->file->lanes[op->write].waiting);
		op->file->lanes[op->write].active = NULL;
		atomic_fetch_add(&op->generation, 1);
		op->next_free = lost_ops;
		lost_ops = op;
	}
}

void cio_ops_release_in_child(void)
{
	while (lost_ops) {
		struct cio_op *op = lost_ops;

		lost_ops = op->next_free;
		if (op->event)
			cio_object_put(op->event);
		cio_object_put(&op->file->obj);
		cio_state_lock();
		op_free_locked(op);
		cio_state_unlock();
	}
}
