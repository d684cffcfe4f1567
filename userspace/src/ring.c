// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "futex.h"
#include "object.h"
#include "op.h"
#include "ring.h"
#include "service.h"
#include "status.h"
#include "thread.h"
#include "tsan.h"
#include "wait.h"

#define SQ_ENTRIES 128
#define CQ_ENTRIES 4096
#define BATCH 32
#define MAX_REFUSALS 100
#define NEEDED (IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG)

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
struct cio_ring *_Atomic cio_the_ring;

static DWORD setup_error(int err)
{
	switch (err) {
	case ENOMEM:
		return ERROR_NOT_ENOUGH_MEMORY;
	case EMFILE:
	case ENFILE:
		return ERROR_TOO_MANY_OPEN_FILES;
	default:
		return ERROR_NOT_SUPPORTED; /* absent, forbidden, or too old */
	}
}

static DWORD ring_setup(struct cio_ring *r)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = CQ_ENTRIES };
	int err = -io_uring_queue_init_params(SQ_ENTRIES, &r->uring, &p);

	if (err)
		return setup_error(err);
	if ((p.features & NEEDED) != NEEDED || !r->uring.cq.kflags) {
		io_uring_queue_exit(&r->uring);
		return ERROR_NOT_SUPPORTED;
	}
	if (syscall(SYS_getrandom, &r->salt, sizeof(r->salt), GRND_INSECURE) != sizeof(r->salt)) {
		io_uring_queue_exit(&r->uring);
		return ERROR_NOT_SUPPORTED;
	}
	r->eventfd = eventfd(0, EFD_CLOEXEC);
	err = r->eventfd < 0 ? errno : -io_uring_register_eventfd(&r->uring, r->eventfd);
	if (err) {
		if (r->eventfd >= 0)
			syscall(SYS_close, r->eventfd);
		io_uring_queue_exit(&r->uring);
		return setup_error(err);
	}
	r->cq_mask = *r->uring.cq.kring_mask;
	cio_list_init(&r->parked);
	return 0;
}

DWORD cio_ring_get(struct cio_ring **ring)
{
	CIO_KEEP_ERRNO;
	struct cio_ring *r = atomic_load(&cio_the_ring);
	DWORD error = 0;

	if (!r) {
		pthread_mutex_lock(&making);
		r = atomic_load(&cio_the_ring);
		if (!r) {
			r = calloc(1, sizeof(*r));
			error = r ? ring_setup(r) : ERROR_NOT_ENOUGH_MEMORY;
			if (error)
				free(r);
			else
				atomic_store(&cio_the_ring, r);
		}
		pthread_mutex_unlock(&making);
	}
	*ring = r;
	return error;
}

void cio_ring_visit(struct cio_ring *r)
{
	atomic_fetch_add(&r->inside, 1);
	cio_ring_set_quiet(r, true);
	cio_ring_reap(r);
	cio_ring_leave(r);
}

bool cio_ring_submit_rest(struct cio_ring *r, int ret)
{
	int refusals = 0;

	while (io_uring_sq_ready(&r->uring)) {
		/* Room for completions can always be made; memory not. */
		if (ret < 0 && ret != -EINTR) {
			if (ret != -EBUSY && ++refusals > MAX_REFUSALS)
				return false;
			/* Others need the lock to make some. */
			cio_lock_drop(&r->sq_lock);
			cio_ring_reap(r);
			sched_yield();
			cio_lock_take(&r->sq_lock);
		}
		ret = cio_uring_submit(&r->uring, 0);
	}
	return true;
}

static void prep_kick(struct io_uring_sqe *sqe)
{
	*sqe = (struct io_uring_sqe){ 0 };
	io_uring_prep_nop(sqe);
	sqe->user_data = CIO_CQE_KICK;
}

/* Another thread's submission may have taken it along; what is left does no harm. */
bool cio_ring_refused(struct cio_ring *r, struct io_uring_sqe *slot, unsigned int place)
{
	if ((int)(place - __atomic_load_n(r->uring.sq.khead, __ATOMIC_ACQUIRE)) < 0)
		return true;
	prep_kick(slot);
	return false;
}

void cio_ring_kick(struct cio_ring *r)
{
	cio_ring_open(r);
	prep_kick(cio_ring_slot(r));
	cio_ring_close(r);
}

/*
 * A kick that another than the reaper has reaped is lost to a reaper that was just about to fall
 * asleep: it would sleep on over a tail that has not moved. The new kick is left in the ring.
 */
static void kick_reaped(struct cio_ring *r)
{
	struct cio_thread *t;
	bool lost;

	cio_state_lock();
	t = r->reaper;
	lost = t && t != cio_self_if_known() && atomic_load(&t->park) == CIO_PARK_NOTIFIED;
	cio_state_unlock();
	if (lost)
		cio_ring_kick(r);
}

/* Those that did not fit: the kernel is asked for them. The new tail. */
static unsigned int fetch_overflown(struct cio_ring *r)
{
	struct io_uring_cqe *cqe;

	io_uring_peek_batch_cqe(&r->uring, &cqe, 1);
	return __atomic_load_n(r->uring.cq.ktail, __ATOMIC_ACQUIRE);
}

/* The oldest completion, which is the caller's then. False: there is none. */
static inline bool take_news(struct cio_ring *r, uint64_t *tag, int *res)
{
	struct io_uring_cq *cq = &r->uring.cq;
	const struct io_uring_cqe *cqe;
	unsigned int head, tail;

	if (!cio_ring_has_news(r))
		return false;
	cio_lock_take(&r->cq_lock);
	head = *cq->khead;
	tail = __atomic_load_n(cq->ktail, __ATOMIC_ACQUIRE);
	if (head == tail)
		tail = fetch_overflown(r);
	if (head != tail) {
		cqe = &cq->cqes[head & r->cq_mask];
		*tag = cqe->user_data;
		*res = cqe->res;
		__atomic_store_n(cq->khead, head + 1, __ATOMIC_RELEASE);
	}
	cio_lock_drop(&r->cq_lock);
	cio_tsan_reap(r);
	return head != tail;
}

void cio_ring_reap(struct cio_ring *r)
{
	uint64_t answered[BATCH], tag = 0;
	unsigned int answers = 0;
	bool kicked = false;
	int res = 0;

	while (take_news(r, &tag, &res)) {
		if ((tag & CIO_CQE_KIND) == CIO_CQE_KICK)
			kicked = true;
		else if (cio_op_event(r, tag, res))
			answered[answers++] = tag;
		if (answers == BATCH) {
			cio_ops_watch(r, answered, answers);
			answers = 0;
		}
	}
	if (answers)
		cio_ops_watch(r, answered, answers);
	if (kicked)
		kick_reaped(r);
}

void cio_ring_sleep(struct cio_ring *r, uint64_t deadline)
{
	uint64_t now = deadline == CIO_FOREVER ? 0 : cio_now();
	uint64_t left = deadline > now ? deadline - now : 0;
	struct __kernel_timespec ts = { .tv_sec = (int64_t)(left / 1000000000u),
					.tv_nsec = (int64_t)(left % 1000000000u) };

	cio_uring_sleep(&r->uring, deadline == CIO_FOREVER ? NULL : &ts);
}

bool cio_ring_take_role(struct cio_ring *r, struct cio_thread *self)
{
	bool mine;

	cio_state_lock();
	/*
	 * Who waits for packets will mostly wait for those of requests to come: he sleeps in the ring
	 * from the beginning, and need not be woken to go there when the first is issued.
	 */
	if (!r->reaper && (atomic_load(&r->inflight) || self->port)) {
		cio_list_del(&self->parked);
		r->reaper = self;
		cio_ring_enter(r);
	}
	mine = r->reaper == self;
	if (!mine && cio_list_empty(&self->parked))
		cio_list_add_tail(&self->parked, &r->parked);
	cio_state_unlock();
	return mine;
}

void cio_ring_offer_role(struct cio_ring *r)
{
	struct cio_thread *t;

	if (r->reaper || cio_list_empty(&r->parked))
		return;
	/* The most recent: it is the next to be given a packet, too, if it waits for one. */
	t = cio_entry(r->parked.prev, struct cio_thread, parked);
	cio_list_del(&t->parked);
	r->reaper = t;
	cio_ring_enter(r);
	cio_wake_later(t);
}

void cio_ring_drop_role(struct cio_ring *r, struct cio_thread *self)
{
	bool was_mine;

	cio_state_lock();
	cio_list_del(&self->parked);
	was_mine = r->reaper == self;
	if (was_mine) {
		r->reaper = NULL;
		if (atomic_load(&r->inflight))
			cio_ring_offer_role(r);
	}
	cio_state_unlock();
	if (was_mine)
		cio_ring_leave(r);
}

static void helper_main(void *arg)
{
	struct cio_ring *r = arg;
	uint64_t count;

	for (;;) {
		if (read(r->eventfd, &count, sizeof(count)) < 0 && errno != EINTR)
			return;
		cio_ring_visit(r);
	}
}

bool cio_ring_start_helper(struct cio_ring *r)
{
	CIO_KEEP_ERRNO;
	bool ok;

	pthread_mutex_lock(&making);
	ok = atomic_load(&r->helper_running) || cio_service_start(helper_main, r);
	if (ok)
		atomic_store(&r->helper_running, true);
	pthread_mutex_unlock(&making);
	return ok;
}

void cio_ring_lock_all(void)
{
	struct cio_ring *r;

	pthread_mutex_lock(&making);
	r = cio_ring_if_made();
	if (r) {
		cio_lock_take(&r->sq_lock);
		cio_lock_take(&r->cq_lock);
	}
}

void cio_ring_unlock_all(void)
{
	struct cio_ring *r = cio_ring_if_made();

	if (r) {
		cio_lock_drop(&r->cq_lock);
		cio_lock_drop(&r->sq_lock);
	}
	pthread_mutex_unlock(&making);
}

void cio_ring_reinit_in_child(void)
{
	struct cio_ring *r = atomic_exchange(&cio_the_ring, NULL);

	if (r) {
		io_uring_queue_exit(&r->uring);
		syscall(SYS_close, r->eventfd);
		free(r);
	}
	pthread_mutex_unlock(&making);
}
