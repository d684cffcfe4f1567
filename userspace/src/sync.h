/* SPDX-License-Identifier: MIT */
/*
 * Synchronous calls that another thread can cancel, exactly.
 *
 * A thread's word says whether it is inside such a call, and which: the low two bits are the
 * state, the rest counts calls. A canceller moves the word from "in this call" to "cancelled"
 * and sends a signal. So a cancel is bound to one call, and can hit no other: once the word has
 * moved on, the exchange fails.
 */
#ifndef CIO_SYNC_H
#define CIO_SYNC_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

struct cio_file;
struct cio_thread;

#define CIO_SYNC_IDLE 0u
#define CIO_SYNC_IN_CALL 1u
#define CIO_SYNC_CANCELLED 2u
#define CIO_SYNC_STATE 3u
#define CIO_SYNC_NEXT 4u

/* In `sent`: the kernel has refused the signal; somebody is sending it just now. */
#define CIO_SYNC_UNSENT 1u
#define CIO_SYNC_SENDING 2u

struct cio_sync {
	_Atomic uint64_t word;
	/* The call, cut to 32 bits, whose cancel signal has been sent, or is to be, as the low bits say. */
	atomic_uint sent;
	atomic_bool held_back; /* the signal came, and was blocked to come again */
	/* What the call is about. Valid for as long as the word says the same call. */
	_Atomic(struct cio_file *) file;
	_Atomic(LPOVERLAPPED) overlapped;
};

/* Lets the cancel signal through to the calling thread. */
void cio_sync_attach(void);

void cio_sync_begin(struct cio_thread *self, struct cio_file *file, LPOVERLAPPED overlapped);

/* The rest of cio_sync_end, for a call that was cancelled. */
void cio_sync_end_cancelled(struct cio_sync *sync, uint64_t word);

/* True: the call was cancelled (which it may not have noticed). No signal is left behind. */
static inline bool cio_sync_end_on(struct cio_sync *sync)
{
	uint64_t word = atomic_load_explicit(&sync->word, memory_order_relaxed);
	uint64_t next = (word & ~(uint64_t)CIO_SYNC_STATE) + CIO_SYNC_NEXT;

	word = atomic_exchange(&sync->word, next);
	if ((word & CIO_SYNC_STATE) == CIO_SYNC_IN_CALL)
		return false;
	cio_sync_end_cancelled(sync, word);
	return true;
}

bool cio_sync_end(struct cio_thread *self);

/*
 * A system call between begin and end. Answers -errno; -EINTR only when the call was cancelled
 * and the system call had no effect.
 */
long cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4, long a5,
		   long a6);

long cio_sync_stub4(const _Atomic uint64_t *word, long nr, long a1, long a2, long a3, long a4);

/* The same for the calls of every day, which have few arguments and are rarely interrupted. */
static inline long cio_sync_call4(struct cio_thread *self, struct cio_sync *sync, long nr, long a1,
				  long a2, long a3, long a4)
{
	long ret = cio_sync_stub4(&sync->word, nr, a1, a2, a3, a4);

	if (__builtin_expect(ret != -EINTR, 1))
		return ret;
	/* Of a cancelled call it says so again. */
	return cio_sync_call(self, nr, a1, a2, a3, a4, 0, 0);
}

/* For a signal that the kernel has refused. Under the state lock, which keeps the thread alive. */
static inline bool cio_sync_is_unsent(struct cio_sync *sync)
{
	return (atomic_load(&sync->sent) & CIO_SYNC_STATE) == CIO_SYNC_UNSENT;
}

void cio_sync_send_again(struct cio_thread *target);

/*
 * State lock. Cancels the synchronous call the thread is in. With a file, only when the call is about that
 * file (and, if given, that OVERLAPPED). False: there is none.
 */
bool cio_sync_cancel(struct cio_thread *target, struct cio_file *file, LPOVERLAPPED overlapped);

#endif
