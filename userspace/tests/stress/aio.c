// SPDX-License-Identifier: MIT
/* libaio, by its system calls. */
#include <linux/aio_abi.h>
#include <string.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

struct context {
	aio_context_t ctx;
	struct iocb iocb[SPAWN_LANES];
	struct iovec iov[SPAWN_LANES][2];
};

static bool aio_open(struct actor *actor)
{
	struct context *c = actor->door_data;

	if (!c)
		actor->door_data = c = calloc(1, sizeof(*c));
	c->ctx = 0;
	return syscall(SYS_io_setup, SPAWN_LANES, &c->ctx) == 0;
}

static void aio_close(struct actor *actor)
{
	struct context *c = actor->door_data;

	if (syscall(SYS_io_destroy, c->ctx))
		fail("io_destroy: %s", strerror(errno));
}

static int aio_start(struct actor *actor, struct lane *lane, enum op op)
{
	struct context *c = actor->door_data;
	int i = (int)(lane - actor->lanes);
	bool write = op == WRITE || op == SWRITE, vectored = one_in(&actor->rng, 3);
	struct iocb *iocb = &c->iocb[i];

	*iocb = (struct iocb){
		.aio_data = lane_name(lane), .aio_fildes = (uint32_t)lane->fd,
		.aio_lio_opcode = vectored ? (write ? IOCB_CMD_PWRITEV : IOCB_CMD_PREADV) :
					     (write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD),
		.aio_buf = (unsigned long)lane->buf, .aio_nbytes = lane->len,
		.aio_offset = op == SREAD || op == SWRITE ? (int64_t)lane->first * BLOCK : 0,
	};
	if (vectored) {
		c->iov[i][0] = (struct iovec){ lane->buf, RECORD / 2 };
		c->iov[i][1] = (struct iovec){ lane->buf + RECORD / 2, lane->len - RECORD / 2 };
		iocb->aio_buf = (unsigned long)c->iov[i];
		iocb->aio_nbytes = 2;
	}
	return syscall(SYS_io_submit, c->ctx, 1L, &iocb) == 1 ? 0 : -errno;
}

static void aio_cancel(struct actor *actor, struct lane *lane)
{
	struct context *c = actor->door_data;
	struct io_event event;
	long err;

	count_cancel(BY_IO_CANCEL);
	err = syscall(SYS_io_cancel, c->ctx, &c->iocb[lane - actor->lanes], &event) ? errno : 0;
	if (err != EINPROGRESS && err != EINVAL)
		fail("io_cancel gives %ld", err);
}

static void aio_reap(struct actor *actor, int ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };
	struct context *c = actor->door_data;
	struct io_event events[8];
	long n = syscall(SYS_io_getevents, c->ctx, ms ? 1L : 0L, 8L, events, &ts);

	for (long i = 0; i < n; i++) {
		struct lane *lane = lane_named(events[i].data, "libaio");

		if (lane)
			lane_end(lane, (long)events[i].res,
				 events[i].res > 0 ? (uint32_t)events[i].res : 0);
	}
}

const struct async aio_async = {
	.open = aio_open,
	.start = aio_start,
	.cancel = aio_cancel,
	.reap = aio_reap,
	.close = aio_close,
};
