/* SPDX-License-Identifier: MIT */
/* The library's cycles are measured in one file and counted in another. */
#ifndef CANCELIO_BENCH_LIBRARY_H
#define CANCELIO_BENCH_LIBRARY_H

#include <stdbool.h>
/*
 * A cycle to be counted, with what it needs, on which nothing has been spent before.
 * @no_calls: it may not even make a system call
 */
struct steady {
	const char *name;
	void *(*setup)(void);
	void (*cycle)(void *arg);
	bool no_calls;
};

void steady_print(const struct steady *s);

#endif
