/* SPDX-License-Identifier: MIT */
/* Sleeping on a word of memory. Times are absolute, CLOCK_MONOTONIC, in nanoseconds. */
#ifndef CIO_FUTEX_H
#define CIO_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CIO_FOREVER UINT64_MAX

static inline uint64_t cio_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* May return early for no reason: the caller looks again. Neither of the two touches errno. */
static inline void cio_futex_wait(atomic_uint *word, unsigned int value, uint64_t deadline)
{
	struct timespec ts = { .tv_sec = (time_t)(deadline / 1000000000u),
			       .tv_nsec = (long)(deadline % 1000000000u) };
	int err = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
		deadline == CIO_FOREVER ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
	errno = err;
}

/* How many were asleep. */
static inline long cio_futex_wake(atomic_uint *word, int count)
{
	int err = errno;
	long woken = syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);

	errno = err;
	return woken;
}

#endif
