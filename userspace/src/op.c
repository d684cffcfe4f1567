// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "op.h"
#include "status.h"
#include "thread.h"
#include "wait.h"

#define CHUNK 64
#define MAX_CHUNKS 16384
#define MAX_TRANSFER 0x7ffff000u /* the most that the kernel moves in one call */
#define MAX_CANCEL_PAUSE_MS 100
#define CANCEL_BATCH 32
/* No operation has this name. */
#define WATCH_TAG (~(uint64_t)CIO_CQE_KIND | CIO_CQE_CANCEL_AGAIN)

/* Operations are never freed, only reused: a late CQE can always look at what it names. */
static struct cio_op *_Atomic chunks[MAX_CHUNKS];
static uint32_t made; /* state lock, as are all in this group */
static struct cio_op *free_ops;

static struct cio_op *op_at(uint32_t index)
{
	return &atomic_load_explicit(&chunks[index / CHUNK], memory_order_acquire)[index % CHUNK];
}

static uint64_t tag_of(const struct cio_op *op)
{
	return (uint64_t)atomic_load_explicit(&op->generation, memory_order_relaxed) << 32 |
	       (uint64_t)op->index << 2;
}

/* A CQE of the operation itself is proof of life; of a cancel's CQE the target may be gone. */
static struct cio_op *op_of(uint64_t tag)
{
	return op_at((uint32_t)tag >> 2);
}

static bool op_is_current(uint64_t tag)
{
	return tag_of(op_of(tag)) == (tag & ~(uint64_t)CIO_CQE_KIND);
}

static bool ops_grow(void)
{
	struct cio_op *chunk;

	if (made == CHUNK * MAX_CHUNKS)
		return false;
	chunk = calloc(CHUNK, sizeof(*chunk));
	if (!chunk)
		return false;
	atomic_store_explicit(&chunks[made / CHUNK], chunk, memory_order_release);
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunk[i].index = made + i;
		chunk[i].next_free = free_ops;
		free_ops = &chunk[i];
	}
	made += CHUNK;
	return true;
}

static struct cio_lane *lane_of(const struct cio_op *op)
{
	return op->file->seekable ? NULL : &op->file->lanes[op->write];
}

static void lane_enter(struct cio_op *op)
{
	struct cio_lane *lane = lane_of(op);

	op->queued = lane && lane->active;
	cio_list_init(&op->in_lane);
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
		      const struct cio_request *req, struct cio_op **started,
		      bool *queued)
{
	struct cio_op *op;
	DWORD status = STATUS_PENDING;

	cio_state_lock();
	if (atomic_load(&req->file->closed))
		status = CIO_INVALID_HANDLE;
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
	op->overlapped = req->overlapped;
	op->write = req->write;
	op->append = req->append;
	op->polling = false;
	op->withdrawn = false;
	op->buffer = req->buffer;
	op->length = req->length;
	op->offset = req->offset;
	op->done = 0;
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
	cio_state_unlock();
	*started = op;
	return STATUS_PENDING;
}

static void publish_locked(struct cio_file *file, struct cio_object *event,
			   LPOVERLAPPED overlapped, DWORD status, DWORD bytes)
{
	if (overlapped) {
		overlapped->InternalHigh = bytes;
		/* From this store on, the application may do with its memory what it likes. */
		__atomic_store_n(&overlapped->Internal, status, __ATOMIC_RELEASE);
	}
	cio_object_signal(event ? event : &file->obj);
}

/*
 * The end, again in one step: status and signal cannot be seen apart, so that a thread which sees
 * the one and starts its next request with the same event cannot lose its reset to our signal.
 * Returns the operation whose turn has come, for the caller to begin.
 */
static struct cio_op *op_finish(struct cio_op *op, DWORD status, bool notify)
{
	struct cio_file *file = op->file;
	struct cio_object *event = op->event;
	struct cio_thread *thread = op->thread;
	struct cio_op *next;

	cio_state_lock();
	if (notify)
		publish_locked(file, event, op->overlapped, status, op->done);
	cio_list_del(&op->in_file);
	cio_list_del(&op->in_thread);
	next = lane_leave(op);
	atomic_fetch_sub(&op->ring->inflight, 1);
	if (thread->draining && cio_list_empty(&thread->ops)) {
		cio_wake_later(thread);
		atomic_store(&thread->drained, true);
	}
	atomic_fetch_add(&op->generation, 1);
	op->next_free = free_ops;
	free_ops = op;
	cio_state_unlock();
	if (event)
		cio_object_put(event);
	cio_object_put(&file->obj);
	return next;
}

static bool cancel_asked(struct cio_op *op)
{
	return atomic_load(&op->flags) & CIO_OP_CANCEL;
}

static void prep_cancel(struct io_uring_sqe *sqe, uint64_t tag)
{
	*sqe = (struct io_uring_sqe){ 0 };
	io_uring_prep_cancel64(sqe, tag, 0);
	sqe->user_data = tag | CIO_CQE_CANCEL;
}

/* The kernel knows nothing of a request that still waited: its end comes as a CQE all the same. */
static void prep_withdrawn(struct io_uring_sqe *sqe, uint64_t tag)
{
	*sqe = (struct io_uring_sqe){ 0 };
	io_uring_prep_nop(sqe);
	sqe->user_data = tag;
}

static void submit_cancel(struct cio_ring *ring, uint64_t tag)
{
	struct io_uring_sqe sqe;

	prep_cancel(&sqe, tag);
	cio_ring_submit(ring, &sqe, 1);
}

static void submit_pause(struct cio_ring *ring, uint32_t ms, uint64_t tag)
{
	struct __kernel_timespec ts = { .tv_nsec = ms * 1000000ll };
	struct io_uring_sqe sqe = { 0 };

	io_uring_prep_timeout(&sqe, &ts, 0, 0);
	sqe.user_data = tag;
	cio_ring_submit(ring, &sqe, 1);
}

/* The steps of an operation. PENDING: a CQE will come. Otherwise it has ended. */

static DWORD step_end(struct cio_op *op, DWORD status)
{
	/*
	 * What has been moved before a cancel has been moved: that is success with a partial count
	 * (W-RACE-4). A read's error will come again, a write's may not: it is told, and the
	 * count beside it.
	 */
	if (op->done && (!op->write || status == CIO_CANCELLED))
		return CIO_OK;
	return status;
}

static DWORD step_submit(struct cio_op *op)
{
	struct io_uring_sqe sqe = { 0 };
	uint32_t length = op->length - op->done;
	char *buffer = op->buffer + op->done;
	uint64_t offset = op->file->seekable ? op->offset + op->done : (uint64_t)-1;

	if (op->polling)
		io_uring_prep_poll_add(&sqe, op->file->fd, op->write ? POLLOUT : POLLIN);
	else if (op->write)
		io_uring_prep_write(&sqe, op->file->fd, buffer, length, offset);
	else
		io_uring_prep_read(&sqe, op->file->fd, buffer, length, offset);
	if (op->append && !op->polling) {
		sqe.off = 0;
		sqe.rw_flags = RWF_APPEND;
	}
	sqe.user_data = tag_of(op);
	cio_ring_submit(op->ring, &sqe, 1);
	return STATUS_PENDING;
}

/*
 * A write to a pipe is tried by plain write(2) and only its waiting is left to the ring. The
 * ring would retry inside the issuing thread at any moment, and raise SIGPIPE there. It is not
 * libc's call, which is a point where a thread can be cancelled.
 */
static DWORD step_write_pipe(struct cio_op *op)
{
	struct cio_sigpipe sigpipe;
	ssize_t n;
	int err;

	cio_sigpipe_block(&sigpipe);
	do {
		n = syscall(SYS_write, op->file->fd, op->buffer + op->done,
			    op->length - op->done);
		err = n < 0 ? errno : 0;
		if (n > 0)
			op->done += (uint32_t)n;
	} while ((n > 0 && op->done < op->length) || err == EINTR);
	cio_sigpipe_restore(&sigpipe, err == EPIPE);

	if (!err)
		return CIO_OK;
	if (err != EAGAIN)
		return step_end(op, cio_errno_to_status(err));
	if (cancel_asked(op))
		return step_end(op, CIO_CANCELLED);
	op->polling = true;
	return step_submit(op);
}

static DWORD step_next(struct cio_op *op)
{
	if (op->write && op->file->type == S_IFIFO)
		return step_write_pipe(op);
	op->polling = false;
	return step_submit(op);
}

static DWORD end_of_read(struct cio_op *op)
{
	if (op->done || !op->length)
		return CIO_OK;
	return op->file->type == S_IFIFO ? CIO_PIPE_BROKEN : CIO_END_OF_FILE;
}

static bool wants_more(struct cio_op *op, uint32_t moved)
{
	if (op->done == op->length || !moved)
		return false;
	return op->write || moved == MAX_TRANSFER;
}

static DWORD step_result(struct cio_op *op, int res)
{
	if (op->withdrawn)
		return CIO_CANCELLED;
	if (op->polling && res >= 0)
		return step_next(op);
	if (res >= 0) {
		op->done += (uint32_t)res;
		if (wants_more(op, (uint32_t)res))
			return cancel_asked(op) ? CIO_OK : step_next(op);
		return op->write ? CIO_OK : end_of_read(op);
	}
	if (res == -EINTR || res == -ECANCELED) {
		/* Nobody asked: it was a signal, or the end of the thread that submitted. */
		return cancel_asked(op) ? step_end(op, CIO_CANCELLED) : step_next(op);
	}
	if (res == -EAGAIN && !op->polling) {
		if (cancel_asked(op))
			return step_end(op, CIO_CANCELLED);
		op->polling = true;
		return step_submit(op);
	}
	return step_end(op, cio_errno_to_status(-res));
}

/*
 * The issuer's half. Ends when the operation has ended inline, or when it is agreed that its next
 * completion belongs to whoever reaps it.
 */
static DWORD op_issue(struct cio_op *op, bool queued)
{
	uint64_t tag = tag_of(op);
	struct cio_ring *ring = op->ring;
	DWORD status = queued ? STATUS_PENDING : step_next(op);

	while (status == STATUS_PENDING) {
		uint32_t flags = atomic_load(&op->flags);

		if (!(flags & CIO_OP_ARRIVED)) {
			cio_ring_reap(ring);
			flags = atomic_load(&op->flags);
		}
		if (flags & CIO_OP_ARRIVED) {
			atomic_fetch_and(&op->flags, ~CIO_OP_ARRIVED);
			status = flags & CIO_OP_ENDED ? op->status : step_result(op, op->res);
			continue;
		}
		if (!atomic_compare_exchange_strong(&op->flags, &flags, flags & ~CIO_OP_ISSUING))
			continue;
		/* The operation may be gone by now; but its name is ours to use. */
		if (flags & CIO_OP_CANCEL)
			submit_cancel(ring, tag);
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
static void op_end(struct cio_op *op, DWORD status, bool notify)
{
	for (;;) {
		op = op_finish(op, status, notify);
		if (!op)
			return;
		status = cancel_asked(op) ? CIO_CANCELLED : step_next(op);
		if (status == STATUS_PENDING)
			return;
		op->status = status;
		if (!op_arrive(op, CIO_OP_ENDED))
			return;
		notify = true;
	}
}

DWORD cio_op_run(struct cio_thread *self, const struct cio_request *req, DWORD *bytes)
{
	struct cio_ring *ring;
	struct cio_op *op;
	DWORD status, error = cio_ring_get(&ring);
	bool queued;

	if (error)
		return error == ERROR_NOT_SUPPORTED ? CIO_NOT_SUPPORTED : CIO_NO_MEMORY;
	if (!cio_ring_need_helper(ring))
		return CIO_NO_MEMORY;
	status = op_start(ring, self, req, &op, &queued);
	if (status != STATUS_PENDING)
		return status;
	cio_ring_enter(ring);
	status = op_issue(op, queued);
	if (status == STATUS_PENDING) {
		cio_state_lock();
		cio_ring_offer_role(ring);
		cio_state_unlock();
	} else {
		/*
		 * Who cancelled it was told that there was something, and waits for the news:
		 * so it has been pending, though it is over already.
		 */
		bool cancelled = status == CIO_CANCELLED;

		*bytes = op->done;
		if (op->done && op->overlapped)
			op->overlapped->InternalHigh = op->done;
		op_end(op, status, cancelled || cio_status_ok(status));
		if (cancelled)
			status = STATUS_PENDING;
	}
	cio_ring_leave(ring);
	return status;
}

static void op_arrived(struct cio_op *op, int res)
{
	DWORD status;

	op->res = res;
	if (!op_arrive(op, 0))
		return;
	atomic_fetch_and(&op->flags, ~CIO_OP_ARRIVED);
	status = step_result(op, res);
	if (status != STATUS_PENDING)
		op_end(op, status, true);
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
	struct io_uring_sqe sqes[CANCEL_BATCH];
	unsigned int n;
	uint32_t i = 0;

	atomic_store(&ring->watching, false);
	do {
		n = 0;
		cio_state_lock();
		for (; i < made && n < CANCEL_BATCH; i++) {
			struct cio_op *op = op_at(i);

			if (!op->in_file.next || cio_list_empty(&op->in_file) ||
			    (atomic_load(&op->flags) & both) != both)
				continue;
			atomic_fetch_and(&op->flags, ~CIO_OP_ANSWERED);
			prep_cancel(&sqes[n++], tag_of(op));
		}
		cio_state_unlock();
		if (n)
			cio_ring_submit(ring, sqes, n);
	} while (n == CANCEL_BATCH);
}

bool cio_op_event(struct cio_ring *ring, uint64_t tag, int res)
{
	uint64_t name = tag & ~(uint64_t)CIO_CQE_KIND;

	switch (tag & CIO_CQE_KIND) {
	case CIO_CQE_OP:
		op_arrived(op_of(tag), res);
		break;
	case CIO_CQE_CANCEL:
		if (!op_is_current(tag))
			break;
		if (res == 0) {
			/* Should its successor get the mark, that is asked for once too often. */
			atomic_fetch_or(&op_of(tag)->flags, CIO_OP_ANSWERED);
			return true;
		}
		cancel_missed(ring, tag);
		break;
	case CIO_CQE_CANCEL_AGAIN:
		if (tag == WATCH_TAG)
			watch_over(ring);
		else if (op_is_current(tag))
			submit_cancel(ring, name);
		break;
	}
	return false;
}

/* Marks an operation. True: there is something to submit, by the caller. */
static bool op_cancel(struct cio_op *op, struct io_uring_sqe *sqe)
{
	uint32_t flags = atomic_fetch_or(&op->flags, CIO_OP_CANCEL);

	if (flags & CIO_OP_CANCEL)
		return false; /* the kernel was asked, and is asked again until the end */
	if (op->queued) {
		op->queued = false;
		op->withdrawn = true;
		cio_list_del(&op->in_lane);
		prep_withdrawn(sqe, tag_of(op));
		return true;
	}
	prep_cancel(sqe, tag_of(op));
	/* Its issuer sees the mark before it lets go, and asks for us. */
	return !(flags & CIO_OP_ISSUING);
}

/* Returns how many requests were gathered; a full batch means there may be more. */
static unsigned int gather(struct cio_file *file, LPOVERLAPPED overlapped,
			   struct cio_thread *thread, struct io_uring_sqe *sqes, unsigned int max,
			   bool *found)
{
	struct cio_list *head = file ? &file->ops : &thread->ops;
	unsigned int n = 0;

	cio_state_lock();
	cio_list_each(pos, head) {
		struct cio_op *op = file ? cio_entry(pos, struct cio_op, in_file) :
					   cio_entry(pos, struct cio_op, in_thread);

		if (n == max)
			break;
		if ((overlapped && op->overlapped != overlapped) ||
		    (thread && op->thread != thread))
			continue;
		*found = true;
		if (op_cancel(op, &sqes[n]))
			n++;
	}
	cio_state_unlock();
	return n;
}

bool cio_ops_cancel(struct cio_file *file, LPOVERLAPPED overlapped, struct cio_thread *thread)
{
	struct cio_ring *ring = cio_ring_if_made();
	struct io_uring_sqe sqes[CANCEL_BATCH];
	bool found = false;
	unsigned int n;

	if (!ring)
		return false;
	do {
		n = gather(file, overlapped, thread, sqes, CANCEL_BATCH, &found);
		if (!n)
			break;
		cio_ring_enter(ring);
		cio_ring_submit(ring, sqes, n);
		cio_ring_reap(ring);
		cio_ring_leave(ring);
	} while (n == CANCEL_BATCH);
	return found;
}

void cio_ops_drain_thread(struct cio_thread *self)
{
	bool idle;

	cio_state_lock();
	idle = cio_list_empty(&self->ops);
	atomic_store(&self->drained, idle);
	self->draining = !idle;
	cio_state_unlock();
	if (idle)
		return;
	cio_ops_cancel(NULL, NULL, self);
	cio_wait_until(self, &self->drained, CIO_FOREVER);
}

void cio_publish(struct cio_file *file, struct cio_object *event, LPOVERLAPPED overlapped,
		 DWORD status, DWORD bytes)
{
	cio_state_lock();
	publish_locked(file, event, overlapped, status, bytes);
	/* It is only on an overlapped handle that the event takes the file object's place. */
	cio_object_signal(&file->obj);
	cio_state_unlock();
}

void cio_unpublish(struct cio_file *file, struct cio_object *event)
{
	cio_state_lock();
	file->obj.signalled = false;
	if (event)
		event->signalled = false;
	cio_state_unlock();
}

void cio_ops_reinit_in_child(void)
{
	for (uint32_t i = 0; i < made; i++) {
		struct cio_op *op = op_at(i);

		if (!op->in_file.next || cio_list_empty(&op->in_file))
			continue;
		/* To the child, they look cancelled. Its memory is its own: nobody else sees it. */
		publish_locked(op->file, op->event, op->overlapped, CIO_CANCELLED, op->done);
		/* The references are kept: the child is a poor place to close things. */
		cio_list_del(&op->in_file);
		cio_list_del(&op->in_thread);
		cio_list_init(&op->file->lanes[op->write].waiting);
		op->file->lanes[op->write].active = NULL;
		atomic_fetch_add(&op->generation, 1);
		op->next_free = free_ops;
		free_ops = op;
	}
}
