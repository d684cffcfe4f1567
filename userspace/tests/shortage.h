/* SPDX-License-Identifier: MIT */
/*
 * Memory, threads and descriptors that run out at a chosen moment: for tests that are linked with the
 * static library, with --wrap for what is here.
 */
#ifndef SHORTAGE_H
#define SHORTAGE_H

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "host.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __real_posix_memalign(void **to, size_t alignment, size_t size);
int __real_pthread_key_create(pthread_key_t *key, void (*destroy)(void *value));
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_posix_memalign(void **to, size_t alignment, size_t size);
int __wrap_pthread_key_create(pthread_key_t *key, void (*destroy)(void *value));
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

/* How many requests, of whatever thread, are granted until one is refused; none is while it is 0. */
static atomic_long shortage_after;

static inline bool shortage_refuses(void)
{
	long left = atomic_load(&shortage_after);

	while (left > 0)
		if (atomic_compare_exchange_weak(&shortage_after, &left, left - 1))
			return left == 1;
	return false;
}

static inline void shortage_begin(long nth)
{
	atomic_store(&shortage_after, nth);
}

/* True: one was refused. */
static inline bool shortage_end(void)
{
	return atomic_exchange(&shortage_after, 0) == 0;
}

void *__wrap_malloc(size_t size)
{
	if (!shortage_refuses())
		return __real_malloc(size);
	errno = ENOMEM;
	return NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (!shortage_refuses())
		return __real_calloc(count, size);
	errno = ENOMEM;
	return NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	if (!shortage_refuses())
		return __real_realloc(old, size);
	errno = ENOMEM;
	return NULL;
}

int __wrap_posix_memalign(void **to, size_t alignment, size_t size)
{
	return shortage_refuses() ? ENOMEM : __real_posix_memalign(to, alignment, size);
}

int __wrap_pthread_key_create(pthread_key_t *key, void (*destroy)(void *value))
{
	return shortage_refuses() ? EAGAIN : __real_pthread_key_create(key, destroy);
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	return shortage_refuses() ? EAGAIN : __real_pthread_create(id, attr, fn, arg);
}

static inline int shortage_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* From now on n more can be opened; n < 0: as many as may be. */
static inline void shortage_of_descriptors(long n)
{
	struct rlimit limit;
	rlim_t top = 0;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			top = (rlim_t)fd + 1;
	limit.rlim_cur = n < 0 ? limit.rlim_max : top + (rlim_t)n;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#endif
