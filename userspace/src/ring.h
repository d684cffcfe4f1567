/* SPDX-License-Identifier: MIT */
/*
 * The io_uring and who looks after it.
 *
 * At most one thread, the reaper, sleeps in the ring: some thread that has to wait anyway. The
 * role goes from hand to hand among those who wait. While nobody is inside the library, a helper
 * thread sleeps on an eventfd; the kernel is told to signal it only then.
 */
#ifndef CIO_RING_H
#define CIO_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <windows.h>

#include "list.h"
#include "lock.h"
#include "tsan.h"

struct cio_thread;

struct cio_ring {
	struct io_uring uring;
	int eventfd;
	unsigned int cq_mask;
	struct cio_lock sq_lock, cq_lock;
	_Atomic unsigned int inside; /* threads that will look at the CQ before they leave */
	_Atomic unsigned int inflight; /* operations whose end has not been seen */
	struct cio_thread *reaper; /* state lock */
	struct cio_list parked; /* waiting threads that could become reaper; state lock */
	uint64_t salt; /* no other process has it */
	_Atomic bool watching; /* a timeout is on its way, for cio_ops_watch's sake */
	_Atomic bool helper_running;
};

/* The low two bits of user_data say whose completion it is; the rest names an operation. */
enum cio_cqe_kind { CIO_CQE_OP, CIO_CQE_CANCEL, CIO_CQE_CANCEL_AGAIN, CIO_CQE_KICK };
#define CIO_CQE_KIND 3u

/* Makes the process's ring if need be. 0, or the Win32 error for the lack of it. */
DWORD cio_ring_get(struct cio_ring **ring);
CIO_HIDDEN extern struct cio_ring *_Atomic cio_the_ring;

static inline struct cio_ring *cio_ring_if_made(void)
{
	return atomic_load_explicit(&cio_the_ring, memory_order_acquire);
}

static inline bool cio_ring_has_news(struct cio_ring *r)
{
	return __atomic_load_n(r->uring.cq.khead, __ATOMIC_RELAXED) !=
		       __atomic_load_n(r->uring.cq.ktail, __ATOMIC_ACQUIRE) ||
	       (__atomic_load_n(r->uring.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW);
}

/*
 * The eventfd is quiet while somebody is inside. Whoever sets the flag is inside, so the last to leave
 * clears it after every set. If somebody has entered before that, the flag is set again.
 */
static inline void cio_ring_set_quiet(struct cio_ring *r, bool quiet)
{
	__atomic_store_n(r->uring.cq.kflags, quiet ? IORING_CQ_EVENTFD_DISABLED : 0,
			 __ATOMIC_RELAXED);
}

/* Bracket whatever may leave completions behind: submissions, and a look at the CQ. */
static inline void cio_ring_enter(struct cio_ring *r)
{
	if (atomic_fetch_add(&r->inside, 1) == 0)
		cio_ring_set_quiet(r, true);
}

/* Enters, whoever is inside, reaps what is there, and leaves. */
void cio_ring_visit(struct cio_ring *ring);

static inline void cio_ring_leave(struct cio_ring *r)
{
	if (atomic_fetch_sub(&r->inside, 1) != 1)
		return;
	cio_ring_set_quiet(r, false);
	/* A completion may have come while the kernel still saw the flag. */
	__sync_synchronize();
	if (cio_ring_has_news(r) || atomic_load(&r->inside))
		cio_ring_visit(r);
}

/* As io_uring_submit(), and a sleep until there is a completion: 0 or more, or -errno. */
int cio_uring_submit(struct io_uring *uring, unsigned int flags);
int cio_uring_sleep(struct io_uring *uring, struct __kernel_timespec *ts);

/*
 * Hands over what a submission that answered `ret` has left in the queue, with its lock. False: the
 * kernel refuses it again and again.
 */
bool cio_ring_submit_rest(struct cio_ring *r, int ret);

static inline bool cio_ring_submit_locked(struct cio_ring *r, unsigned int flags)
{
	int ret = cio_uring_submit(&r->uring, flags);

	return __builtin_expect(!io_uring_sq_ready(&r->uring), 1) || cio_ring_submit_rest(r, ret);
}

/*
 * For what must not be lost, which goes on until the kernel takes it: slots for io_uring_prep_*(), and
 * their submission. The queue is the caller's in between. What is submitted so is mostly a cancel: its
 * target's end is fetched at once, or the kernel would interrupt the thread for it on its way out.
 */
static inline void cio_ring_open(struct cio_ring *r)
{
	cio_lock_take(&r->sq_lock);
}

static inline struct io_uring_sqe *cio_ring_slot(struct cio_ring *r)
{
	struct io_uring_sqe *slot;

	while (!(slot = io_uring_get_sqe(&r->uring)))
		cio_ring_submit_locked(r, 0);
	return slot;
}

static inline void cio_ring_close(struct cio_ring *r)
{
	cio_tsan_submit(r);
	while (!cio_ring_submit_locked(r, IORING_ENTER_GETEVENTS))
		;
	cio_lock_drop(&r->sq_lock);
}

/*
 * For what may be refused: a slot, and its submission. NULL, or false: the kernel refuses it, for lack
 * of memory, and has not got it.
 */
static inline struct io_uring_sqe *cio_ring_begin(struct cio_ring *r)
{
	struct io_uring_sqe *slot;

	cio_lock_take(&r->sq_lock);
	while (__builtin_expect(!(slot = io_uring_get_sqe(&r->uring)), 0)) {
		if (cio_ring_submit_locked(r, 0))
			continue;
		cio_lock_drop(&r->sq_lock);
		break;
	}
	return slot;
}

/* The submission was refused. Whether the kernel has got the slot at this place all the same. */
bool cio_ring_refused(struct cio_ring *r, struct io_uring_sqe *slot, unsigned int place);

static inline bool cio_ring_commit(struct cio_ring *r, struct io_uring_sqe *slot)
{
	unsigned int place = r->uring.sq.sqe_tail - 1;
	bool taken;

	cio_tsan_submit(r);
	taken = cio_ring_submit_locked(r, 0) || cio_ring_refused(r, slot, place);
	cio_lock_drop(&r->sq_lock);
	return taken;
}

void cio_ring_reap(struct cio_ring *ring);

/* Reaps what is already there, without a system call when nothing is. */
static inline void cio_ring_poll(void)
{
	struct cio_ring *r = cio_ring_if_made();

	if (r && cio_ring_has_news(r))
		cio_ring_visit(r);
}
/* Sleeps until there is a completion; only the reaper may. */
void cio_ring_sleep(struct cio_ring *ring, uint64_t deadline);
/* Ends the reaper's sleep. */
void cio_ring_kick(struct cio_ring *ring);

/* True: the caller is the reaper. False: another is, or there is nothing to reap. */
bool cio_ring_take_role(struct cio_ring *ring, struct cio_thread *self);
/* Passes the role on, if it was the caller's; the caller no longer waits. */
void cio_ring_drop_role(struct cio_ring *ring, struct cio_thread *self);
/* Under the state lock: gives a free role to one of those who wait, if any does. */
void cio_ring_offer_role(struct cio_ring *ring);

/* False: there can be no helper thread, so nothing may be left pending. */
bool cio_ring_start_helper(struct cio_ring *ring);

static inline bool cio_ring_need_helper(struct cio_ring *r)
{
	return atomic_load_explicit(&r->helper_running, memory_order_acquire) ||
	       cio_ring_start_helper(r);
}

/* The parent's ring, and all that is pending in it, is not the child's. */
void cio_ring_reinit_in_child(void);
void cio_ring_lock_all(void);
void cio_ring_unlock_all(void);

#endif
