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

/* ---- what is refused, one after the other ---- */

struct step {
	const char *name;
	/* Does it and undoes it; the error if it fails. */
	DWORD (*run)(void);
	/* Instead of ERROR_NOT_ENOUGH_MEMORY. */
	DWORD error;
	bool no_memory; /* is needed */
};

/* Also a wait may need memory, at a thread's first call. */
static inline DWORD shortage_wait(HANDLE h)
{
	DWORD error = 0, result = WaitForSingleObject(h, INFINITE);

	if (result == WAIT_FAILED) {
		error = GetLastError();
		result = WaitForSingleObject(h, INFINITE);
	}
	CHECK_EQ(result, WAIT_OBJECT_0);
	return error;
}

static inline DWORD shortage_made(HANDLE h)
{
	if (!h || h == INVALID_HANDLE_VALUE)
		return GetLastError();
	CHECK(CloseHandle(h));
	return 0;
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
	for (long left = n; n >= 0; top++) {
		bool is_free = fcntl((int)top, F_GETFD) < 0;

		if (is_free && !left--)
			break;
	}
	limit.rlim_cur = n < 0 ? limit.rlim_max : top;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

enum { ALL_GRANTED = 10, ONE_REFUSED = 11 };

static const struct step *shortage_step;
static long shortage_nth;

/* Also not of those that failed: what is made once has been made when it is counted. */
static inline void shortage_leaves_nothing(void)
{
	int open;

	CHECK_EQ(shortage_step->run(), 0);
	open = shortage_descriptors();
	for (int i = 0; i < 3; i++) {
		shortage_begin(shortage_nth);
		shortage_step->run();
		shortage_end();
	}
	/* A thread of the library's may look at something just now. */
	while (shortage_descriptors() > open)
		usleep(1000);
}

/* In a child each time: what the library makes once is made again. */
static inline void shortage_refuse_memory(void)
{
	DWORD error;

	shortage_begin(shortage_nth);
	error = shortage_step->run();
	if (!shortage_end()) {
		CHECK_EQ(error, 0);
		_exit(ALL_GRANTED);
	}
	if (error && error != shortage_step->error)
		CHECK_EQ(error, ERROR_NOT_ENOUGH_MEMORY);
	shortage_leaves_nothing();
	/* By exit(3), so that a leak is looked for; the files are for the next as well. */
	*host_dir = '\0';
	exit(ONE_REFUSED);
}

static inline void shortage_refuse_descriptors(void)
{
	DWORD error;

	shortage_of_descriptors(shortage_nth - 1);
	error = shortage_step->run();
	shortage_of_descriptors(-1);
	if (error)
		CHECK_EQ(error, ERROR_TOO_MANY_OPEN_FILES);
	shortage_leaves_nothing();
	_exit(error ? ONE_REFUSED : ALL_GRANTED);
}

static inline void shortage_refuse_each(const struct step *steps, size_t count, void (*refuse)(void))
{
	if (HOST_TSAN)
		SKIP("a child has no threads");
	for (size_t i = 0; i < count; i++) {
		int status = ONE_REFUSED;

		shortage_step = &steps[i];
		for (shortage_nth = 1; status == ONE_REFUSED; shortage_nth++) {
			fflush(stdout);
			status = host_exit_status(refuse);
		}
		if (status != ALL_GRANTED)
			printf("# %s, number %ld\n", shortage_step->name, shortage_nth - 1);
		CHECK_EQ(status, ALL_GRANTED);
		CHECK(refuse == shortage_refuse_descriptors || shortage_step->no_memory || shortage_nth > 2);
	}
}

#define SHORTAGE(steps, refuse) shortage_refuse_each(steps, sizeof(steps) / sizeof((steps)[0]), refuse)

#endif
