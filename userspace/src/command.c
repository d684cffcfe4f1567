// SPDX-License-Identifier: MIT
#include <cancelio.h>
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "command.h"
#include "op_private.h"
#include "thread.h"

#define VERSION_WITH_COMMANDS 3

bool cio_command_detect(struct cio_thread *self, struct cio_file *file)
{
	struct cancelio_info info = { 0 };
	uint32_t version;
	long ret;

	if (ioctl(file->fd, CANCELIO_IOC_VERSION, &version) != 0 ||
	    version < VERSION_WITH_COMMANDS)
		return true;
	cio_sync_begin(self, NULL, NULL);
	ret = cio_sync_call(self, SYS_ioctl, file->fd, CANCELIO_IOC_INFO, (long)&info, 0, 0, 0);
	cio_sync_end(self);
	/* Where the module must look for itself whether a ring is closed, worker threads do better. */
	file->commands = ret == 0 && info.model == CANCELIO_MODEL_STORE &&
			 info.features & CANCELIO_FEATURE_URING_EXIT;
	return ret != -EINTR && ret != -ECANCELED;
}

/*
 * A tag is the open file's, which a forked child shares; and who may cancel what others have begun
 * reaches all that have the tag. So it is made of two numbers: who in this process, and which process.
 */
static uint64_t command_tag(const struct cio_ring *ring, uint64_t tag)
{
	return tag ^ ring->salt;
}

void cio_command_prep(struct cio_op *op, struct io_uring_sqe *sqe)
{
	op->io = cancelio_io(op->buffer + op->done, op->length - op->done, op->offset + op->done);
	if (op->write)
		cancelio_prep_write(sqe, op->file->fd, &op->io, command_tag(op->ring, tag_of(op)));
	else
		cancelio_prep_read(sqe, op->file->fd, &op->io, command_tag(op->ring, tag_of(op)));
}

void cio_command_prep_control(struct cio_op *op, struct io_uring_sqe *sqe)
{
	cancelio_prep_control(sqe, op->file->fd, op->code->ioctl, &op->args,
			      command_tag(op->ring, tag_of(op)));
}

void cio_command_prep_cancel(const struct cio_ring *ring, const struct cio_file *file, uint64_t tag,
			     struct io_uring_sqe *sqe)
{
	cancelio_prep_cancel_tag(sqe, file->fd, command_tag(ring, tag));
}
