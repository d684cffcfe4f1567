/* SPDX-License-Identifier: MIT */
/*
 * What ThreadSanitizer cannot see: that what happened before a submission happened before its
 * completion too, by way of the kernel.
 */
#ifndef CIO_TSAN_H
#define CIO_TSAN_H

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define CIO_NO_TSAN __attribute__((no_sanitize_thread))
#define cio_tsan_submit(ring) __tsan_release(ring)
#define cio_tsan_reap(ring) __tsan_acquire(ring)
#else
#define CIO_NO_TSAN
#define cio_tsan_submit(ring) ((void)(ring))
#define cio_tsan_reap(ring) ((void)(ring))
#endif

#endif
