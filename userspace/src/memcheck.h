/* SPDX-License-Identifier: MIT */
/*
 * What valgrind cannot see, in the build for it: that the ring has filled memory, and that a thread
 * in io_uring_enter sleeps. It keeps all others waiting meanwhile, and in poll it does not. And the
 * signal mask that a handler leaves for what it returns to is lost.
 */
#ifndef CIO_MEMCHECK_H
#define CIO_MEMCHECK_H

#ifdef CIO_VALGRIND
#include <liburing.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <valgrind/memcheck.h>

#define CIO_HANDLER_MASKS false
#define cio_memory_filled(to, length) ((void)VALGRIND_MAKE_MEM_DEFINED(to, length))

static inline bool cio_memory_slept(const struct io_uring *uring, const struct __kernel_timespec *ts)
{
	struct pollfd ring = { .fd = uring->ring_fd, .events = POLLIN };
	int ms = -1;

	if (ts)
		ms = ts->tv_sec < INT_MAX / 1000 - 1 ?
			     (int)(ts->tv_sec * 1000 + (ts->tv_nsec + 999999) / 1000000) : INT_MAX;
	poll(&ring, 1, ms);
	return true;
}
#else
#define CIO_HANDLER_MASKS true
#define cio_memory_filled(to, length) ((void)0)
#define cio_memory_slept(uring, ts) false
#endif

#endif
