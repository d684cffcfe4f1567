/* SPDX-License-Identifier: MIT */
/*
 * Overlapped requests on a cancelio store as commands of its module.
 *
 * The kernel runs a read or write of what has no poll in a thread for each; a command that waits
 * takes none. The rest is the same: the same steps, the same results, asked for in another way and
 * cancelled in another way.
 */
#ifndef CIO_COMMAND_H
#define CIO_COMMAND_H

#include <liburing.h>
#include <stdbool.h>

struct cio_file;
struct cio_op;
struct cio_ring;
struct cio_thread;

/*
 * Sets file->commands, of a character device. Takes as long as a control of the device. False: that
 * was cancelled.
 */
bool cio_command_detect(struct cio_thread *self, struct cio_file *file);

/* The transfer of what is left of an operation. */
void cio_command_prep(struct cio_op *op, struct io_uring_sqe *sqe);
/* A control. */
void cio_command_prep_control(struct cio_op *op, struct io_uring_sqe *sqe);
/* ASYNC_CANCEL does not reach a command. */
void cio_command_prep_cancel(const struct cio_ring *ring, const struct cio_file *file, uint64_t tag,
			     struct io_uring_sqe *sqe);

#endif
