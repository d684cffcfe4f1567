/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Named places in the core where a test can hold whoever gets there. Only the
 * test build has them (make module TEST=1).
 */
#ifndef CANCELIO_STALL_H
#define CANCELIO_STALL_H

struct dentry;

/*
 *	ARM		before a request is armed
 *	ARMED		armed, and the flag not looked at yet
 *	FLAGGED		a canceller has set the flag, and not swapped yet
 *	SWAPPED		a canceller has the routine, and has not called it yet
 *	DEQUEUED	off its queue, and not started yet
 *	UNMARKED	taken back from cancellation, and not completed yet
 *	NOTIFY		ended, and the front door not told yet
 *	LOOK		a hardware's timer has come, and has not taken its lock yet
 *	ENDED		a call knows that it has ended, and is not woken yet
 *	RELEASE		a front door has a request in hand, and is about to let it run
 *	MOVED		a worker has moved bytes, and has not told yet
 *	PASSED		served without a request, and its bytes not moved yet
 *	POLLED		who polls has looked, and not gone to sleep yet
 *	FOUND		a canceller has found a request, and not asked yet
 */
enum cancelio_stall {
	CANCELIO_STALL_ARM,
	CANCELIO_STALL_ARMED,
	CANCELIO_STALL_FLAGGED,
	CANCELIO_STALL_SWAPPED,
	CANCELIO_STALL_DEQUEUED,
	CANCELIO_STALL_UNMARKED,
	CANCELIO_STALL_NOTIFY,
	CANCELIO_STALL_LOOK,
	CANCELIO_STALL_ENDED,
	CANCELIO_STALL_RELEASE,
	CANCELIO_STALL_MOVED,
	CANCELIO_STALL_PASSED,
	CANCELIO_STALL_POLLED,
	CANCELIO_STALL_FOUND,
	CANCELIO_STALLS,
};

#ifdef CANCELIO_TEST
void cancelio_stall(enum cancelio_stall point);
void cancelio_stall_init(struct dentry *parent);
/* Runs at each point, before anybody is held there; for tests in the kernel. */
extern void (*cancelio_stall_hook)(enum cancelio_stall point);
#else
static inline void cancelio_stall(enum cancelio_stall point) {}
static inline void cancelio_stall_init(struct dentry *parent) {}
#endif

#endif /* CANCELIO_STALL_H */
