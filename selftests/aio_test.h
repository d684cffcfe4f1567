/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libaio without its library: the system calls, and what became of each request.
 */
#ifndef CANCELIO_TEST_AIO_H
#define CANCELIO_TEST_AIO_H

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "seen_test.h"

#define LEN	100
#define SLOTS	1024

/* What is left of memory that nothing was read to. */
#define BLANK	0xee

struct aio {
	aio_context_t ctx;
	struct iocb iocb[SLOTS];
	unsigned char buf[SLOTS][LEN];
	/* Of each slot, how many events there were, and the last one's result. */
	unsigned int count[SLOTS];
	long long res[SLOTS];
};

/* Return: NULL, or why the test cannot be run. */
static inline const char *context_setup(struct aio *aio)
{
	memset(aio, 0, sizeof(*aio));
	memset(aio->buf, BLANK, sizeof(aio->buf));
	if (!syscall(SYS_io_setup, SLOTS, &aio->ctx))
		return NULL;
	return errno == ENOSYS ? "this kernel has no libaio" : "no context to be had";
}

#define SETUP_CONTEXT(aio)	SKIP_FOR(context_setup(aio))

static inline int context_destroy(struct aio *aio)
{
	return syscall(SYS_io_destroy, aio->ctx) ? -errno : 0;
}

/* @op is IOCB_CMD_*. */
static inline struct iocb *prep(struct aio *aio, int slot, int fd, unsigned int op,
				const void *buf, size_t len, uint64_t pos)
{
	struct iocb *iocb = &aio->iocb[slot];

	*iocb = (struct iocb){
		.aio_data = slot, .aio_lio_opcode = op, .aio_fildes = fd,
		.aio_buf = (unsigned long)buf, .aio_nbytes = len, .aio_offset = pos,
	};
	return iocb;
}

/* LEN bytes to the slot's own memory. */
static inline struct iocb *prep_read(struct aio *aio, int slot, int fd)
{
	return prep(aio, slot, fd, IOCB_CMD_PREAD, aio->buf[slot], LEN, 0);
}

/* Slots [from, to). Return: how many were taken, or a negative errno. */
static inline long submit(struct aio *aio, int from, int to)
{
	struct iocb *iocbs[SLOTS];
	long n;

	for (int i = from; i < to; i++)
		iocbs[i - from] = &aio->iocb[i];
	n = syscall(SYS_io_submit, aio->ctx, (long)(to - from), iocbs);
	return n < 0 ? -errno : n;
}

/* Waits for so many events. */
static inline void reap(struct aio *aio, int count)
{
	struct io_event event;

	while (count) {
		long n = syscall(SYS_io_getevents, aio->ctx, 1L, 1L, &event, NULL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != 1 || event.data >= SLOTS)
			abort();
		aio->count[event.data]++;
		aio->res[event.data] = event.res;
		count--;
	}
}

/* No event is left over. */
static inline bool reaped(struct aio *aio)
{
	struct timespec none = { 0 };
	struct io_event event;

	return syscall(SYS_io_getevents, aio->ctx, 1L, 1L, &event, &none) == 0;
}

/* Submits one and waits. Return: its result, or that of the submission. */
static inline long run(struct aio *aio, int slot)
{
	unsigned int before = aio->count[slot];
	long n = submit(aio, slot, slot + 1);

	if (n != 1)
		return n;
	while (aio->count[slot] == before)
		reap(aio, 1);
	return aio->res[slot];
}

/* Return: 0 or a negative errno; -EINPROGRESS if it was cancelled, or will be. */
static inline int cancel(struct aio *aio, int slot)
{
	struct io_event event;

	return syscall(SYS_io_cancel, aio->ctx, &aio->iocb[slot], &event) ? -errno : 0;
}

/* How many of slots [from, to) have ended once with this result, and none more than once. */
static inline int ended(struct aio *aio, int from, int to, long long res)
{
	int count = 0;

	for (int i = from; i < to; i++) {
		if (aio->count[i] > 1)
			return -1;
		count += aio->count[i] && aio->res[i] == res;
	}
	return reaped(aio) ? count : -2;
}

static inline bool is_blank(const unsigned char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] != BLANK)
			return false;
	}
	return true;
}

static inline bool line_is_empty(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 0;
}

#endif /* CANCELIO_TEST_AIO_H */
