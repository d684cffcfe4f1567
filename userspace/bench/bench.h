/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the benchmark share.
 *
 * Time is CLOCK_MONOTONIC. Under qemu -icount shift=0,sleep=off, where vm/bench
 * runs this, a nanosecond of it is one instruction of the guest.
 */
#ifndef CANCELIO_BENCH_H
#define CANCELIO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured is measured so often, after once that does not count. */
#define BATCHES		15

/* A latency that nothing here sees the end of: an hour. */
#define HOUR_NS		3600000000000ULL

/* ---- bench.c ---- */

uint64_t now_ns(void);

/* Ends the program, for it could not be set up, or a result was wrong. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * What one call of @cycle takes, in ns: the median of batches of @batch calls,
 * after one that does not count. A cycle looks at each of its results, and fails.
 */
double measure(void (*cycle)(void *arg), void *arg, int batch);

/* A figure beside the cycles. @limit is what it may be at most; 0: whatever it is. */
void figure(const char *name, double value, const char *unit, double limit);
/* One that must be 0. */
void figure_none(const char *name, double value, const char *unit);

/* ---- device.c ---- */

/* A device of the benchmark's own, gone when the program ends. */
struct device {
	struct device *next;
	char name[32];
	char node[64];
	char dir[64];
};

/* @model is "stream" or "store". Its latencies are 0. */
void device_make(struct device *dev, const char *model);
void device_remove(struct device *dev);
/* Opened for reading and writing. */
int device_open(const struct device *dev);
void device_set(const struct device *dev, const char *knob, unsigned long long value);
unsigned long long device_pending(const struct device *dev);

/* Writes a number to a file of /proc or /sys. Return: what it was before. */
long long setting(const char *path, long long value);

/* ---- crowd.c ---- */

struct crowd;

/* A device whose reads do not end: on a store, most of very many have a channel and a timer. */
void crowd_device(struct device *dev, const char *model);
/* Opens the device, with a ring of the caller's process. */
struct crowd *crowd_make(const struct device *dev);
/* Submits reads until there are @count, with the user_data and tags from 0 on. */
void crowd_submit(struct crowd *crowd, unsigned int count);
/* Cancels all by one command, which has not failed; none is reaped. */
void crowd_cancel(struct crowd *crowd);
/* Takes all completions, and looks that each has ended once, cancelled. */
void crowd_reap(struct crowd *crowd);
void crowd_free(struct crowd *crowd);

/* ---- stall.c ---- */

/* Watches, on each CPU, for how long a real-time thread cannot run. */
void stall_begin(void);
/* Return: the longest time, in ns. */
uint64_t stall_end(void);

/* ---- slab.c ---- */

struct slabs;

/* All caches of the kernel as they are now. */
struct slabs *slabs_read(void);
/*
 * Prints what has grown since, in bytes for each of @count requests: the sum without
 * io_uring's own, which has a limit, and cache by cache with the size of an object.
 */
void slabs_print(const struct slabs *before, const char *name, unsigned int count, double limit);
/* What all caches together have grown, in bytes. */
double slabs_sum(const struct slabs *before);

/* ---- the rows: cycles ---- */

double pipe_uring(void);
double fifo_uring(void);
double stream_uring(void);
double stream_native(void);
double store_native(void);
double zero_read(void);
double store_read(void);

double pipe_signal(void);
double stream_signal(void);

double stream_aio(void);

double stream_ten(void);
double stream_many(void);
double store_ten(void);
double store_many(void);

double lib_event(void);
double lib_port(void);

double file_read(void);
double lib_file(void);
double pipe_read(void);
double lib_pipe(void);

double lib_set(void);

double lib_cancel(void);
double lib_cancel_many(void);
double lib_nothing(void);
double lib_nothing_many(void);

/* ---- the rows: how many ---- */

void stream_memory(void);
void store_memory(void);
void stream_cancel(void);
void store_cancel(void);
void stream_exit(void);
void store_exit(void);
void stream_million(void);
void lib_event_exact(void);
void lib_port_exact(void);
void lib_file_exact(void);
void lib_pipe_exact(void);
void lib_set_exact(void);

#endif /* CANCELIO_BENCH_H */
