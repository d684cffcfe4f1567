// SPDX-License-Identifier: MIT
/*
 * The way into the kernel, by a descriptor of the ring that is registered for the calling thread:
 * the kernel need not look it up and count its users each time. In liburing that is a matter of the
 * ring, and so of one thread.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "memcheck.h"
#include "ring.h"
#include "status.h"
#include "thread.h"

static int register_ring(const struct io_uring *uring)
{
	CIO_KEEP_ERRNO;
	struct io_uring_rsrc_update update = { .offset = -1u, .data = (uint64_t)uring->ring_fd };

	if (syscall(SYS_io_uring_register, uring->ring_fd, IORING_REGISTER_RING_FDS, &update, 1) != 1)
		return -1;
	return (int)update.offset + 1;
}

/* What to call the ring, and the flag that goes with it. */
static inline unsigned int ring_of_thread(const struct io_uring *uring, unsigned int *flags)
{
	struct cio_thread *self = cio_self_if_known();

	if (self && !self->registered)
		self->registered = register_ring(uring);
	if (!self || self->registered < 0)
		return (unsigned int)uring->ring_fd;
	*flags |= IORING_ENTER_REGISTERED_RING;
	return (unsigned int)self->registered - 1;
}

int cio_uring_submit(struct io_uring *uring, unsigned int flags)
{
	struct io_uring_sq *sq = &uring->sq;
	unsigned int fd = ring_of_thread(uring, &flags), tail = sq->sqe_tail;

	sq->sqe_head = tail;
	__atomic_store_n(sq->ktail, tail, __ATOMIC_RELEASE);
	return io_uring_enter(fd, tail - __atomic_load_n(sq->khead, __ATOMIC_ACQUIRE), 0, flags,
			      NULL);
}

int cio_uring_sleep(struct io_uring *uring, struct __kernel_timespec *ts)
{
	struct io_uring_getevents_arg arg = { .ts = (uint64_t)(uintptr_t)ts };
	unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
	unsigned int fd = ring_of_thread(uring, &flags);

	return io_uring_enter2(fd, 0, !cio_memory_slept(uring, ts), flags, (sigset_t *)&arg, sizeof(arg));
}
