/* SPDX-License-Identifier: MIT */
/* The library's cycles, which are measured in one file and counted in another. */
#ifndef CANCELIO_BENCH_LIBRARY_H
#define CANCELIO_BENCH_LIBRARY_H

#include <stdbool.h>
#include <windows.h>

/* A read that pends: who waits for it, waits for the event or at the port. */
struct overlapped {
	OVERLAPPED ov;
	HANDLE file, event, port;
	int peer;
	unsigned char buf[64];
};

void overlapped_setup(struct overlapped *o, bool port);

/* Each is a cycle, of a struct overlapped and of an event. */
void overlapped_event(void *arg);
void set_and_wait(void *arg);

#endif
