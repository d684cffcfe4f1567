/* SPDX-License-Identifier: MIT */
/*
 * io_uring in a program: the module's commands, what else goes to its files, and rings of several
 * kinds. Each that is sent ends once.
 */
#ifndef UAPI_RING_H
#define UAPI_RING_H

#include <cancelio.h>
#include <liburing.h>

#include "uapi_program.h"

#define SENDS 192

static struct io_uring ring;
static bool ring_special, ring_polls;

/* By what they have as user_data, from 1 on. */
static struct sent {
	bool ended;
	bool command;
	bool only_error; /* @must is certain */
	int must;
	union argument arg;
	struct iovec iov[3];
} sent[SENDS + 2];
static unsigned int sent_count;

static inline void ring_open(unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };

	/* Not every kernel has every kind. */
	if (io_uring_queue_init_params(64, &ring, &params) != 0) {
		PROMISE(flags);
		PROMISE_EQ(io_uring_queue_init(64, &ring, 0), 0);
		flags = 0;
	}
	ring_special = flags != 0;
	ring_polls = flags & IORING_SETUP_IOPOLL;
	struct iovec fixed[] = { { data, ROOM }, { edge - 4096, 4096 } };
	PROMISE_EQ(io_uring_register_buffers(&ring, fixed, 2), 0);
}

static inline void ring_take_cqe(const struct io_uring_cqe *cqe)
{
	struct sent *s = &sent[cqe->user_data];

	PROMISE(cqe->user_data >= 1 && cqe->user_data <= sent_count);
	PROMISE(!s->ended);
	s->ended = true;
	if (s->only_error && !loose && !atomic_load(&removed))
		PROMISE_EQ(cqe->res, s->must);
}

static inline void ring_reap(void)
{
	struct io_uring_cqe *cqe;

	io_uring_get_events(&ring);
	while (io_uring_peek_cqe(&ring, &cqe) == 0) {
		ring_take_cqe(cqe);
		io_uring_cqe_seen(&ring, cqe);
	}
}

/* An SQE that cannot be stops the others, which go the next time. */
static inline void ring_submit(void)
{
	call_begin(false);
	for (int i = 0; i < 64 && io_uring_sq_ready(&ring); i++)
		io_uring_submit_and_get_events(&ring);
	call_end();
	ring_reap();
}

/* The next to be sent, or NULL: there were enough. */
static inline struct io_uring_sqe *ring_next(struct sent **s)
{
	struct io_uring_sqe *sqe;

	if (sent_count == SENDS)
		return NULL;
	sqe = io_uring_get_sqe(&ring);
	if (!sqe) {
		ring_submit();
		sqe = io_uring_get_sqe(&ring);
	}
	if (!sqe)
		return NULL;
	*s = &sent[++sent_count];
	**s = (struct sent){ .ended = false };
	return sqe;
}

static inline void ring_finish_sqe(struct input *in, struct io_uring_sqe *sqe)
{
	static const uint8_t flags[] = { IOSQE_ASYNC, IOSQE_IO_LINK, IOSQE_IO_DRAIN, IOSQE_IO_HARDLINK };
	uint8_t how = take_uint8(in);

	sqe->user_data = sent_count;
	if (how >= 0xC0) {
		sqe->flags |= flags[how % COUNT(flags)];
		loose = true;
	}
	if (how & 1)
		ring_submit();
}

/* What a READ or WRITE that is so must fail with, if it is certain; 0: it depends. */
static inline int io_error(const struct open_file *f, uint32_t op, const struct sent *s, bool fixed)
{
	const struct cancelio_uring_io *io = &s->arg.io;
	int access = f->how & O_ACCMODE;

	if (!f->dev->live)
		return -ENODEV;
	if (access == (op == CANCELIO_URING_READ ? O_WRONLY : O_RDONLY))
		return -EBADF;
	if (io->flags & ~CANCELIO_IO_VECTORED || io->reserved || io->offset >> 63)
		return -EINVAL;
	if (io->flags & CANCELIO_IO_VECTORED && fixed)
		return -EINVAL;
	return io->offset && f->dev->model == CANCELIO_MODEL_STREAM ? -EINVAL : 0;
}

/* Any byte but those that tell where: what is read would go to other memory of this program's. */
static inline void spoil(struct input *in, struct cancelio_uring_io *io)
{
	struct cancelio_uring_io was = *io;
	uint8_t *byte = (uint8_t *)io + take_uint8(in) % sizeof(*io);

	*byte = take_uint8(in);
	io->addr = was.addr;
	io->len = was.len;
	io->flags = (io->flags & ~CANCELIO_IO_VECTORED) | (was.flags & CANCELIO_IO_VECTORED);
}

static inline void ring_read_or_write(struct input *in, const struct open_file *f,
				      struct io_uring_sqe *sqe, struct sent *s)
{
	uint8_t how = take_uint8(in);
	uint32_t op = how & 1 ? CANCELIO_URING_READ : CANCELIO_URING_WRITE;
	bool fixed = how & 2, bad_arg = how >= 0xF8;
	enum place place;
	uint64_t tag = how >> 2 & 3;

	s->arg.io = cancelio_io(take_memory(in, &place), take_length(in), take_offset(in));
	if (how & 0x10) {
		for (size_t i = 0; i < COUNT(s->iov); i++)
			s->iov[i] = (struct iovec){ take_memory(in, &place), take_length(in) };
		s->arg.io = cancelio_iov(s->iov, take_uint8(in) & 3, s->arg.io.offset);
	}
	if (how >= 0xE0)
		spoil(in, &s->arg.io);
	cancelio_prep_control(sqe, f->fd, op, bad_arg ? NULL : &s->arg.io, tag);
	if (fixed) {
		sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
		sqe->buf_index = how >> 5 & 1;
	}
	s->must = bad_arg ? (f->dev->live ? -EFAULT : -ENODEV) : io_error(f, op, s, fixed);
	s->only_error = s->must != 0;
}

static inline void ring_control(struct input *in, const struct open_file *f,
				struct io_uring_sqe *sqe, struct sent *s)
{
	uint32_t code = take_code(in);

	take_argument(in, code, &s->arg);
	cancelio_prep_control(sqe, f->fd, code, &s->arg, take_uint8(in) & 3);
	s->must = control_error(f->dev, code, &s->arg, GOOD);
	/* Some of the numbers are no controls but commands. */
	s->only_error = s->must && (code & 0xFF) < 0x10;
}

static inline void ring_cancel(struct input *in, const struct open_file *f,
			       struct io_uring_sqe *sqe, struct sent *s)
{
	union argument arg;

	take_argument(in, CANCELIO_IOC_CANCEL, &arg);
	cancelio_prep_cancel(sqe, f->fd, arg.cancel.by, arg.cancel.value, arg.cancel.flags);
	if (!f->dev->live)
		s->must = -ENODEV;
	else if (!cancel_is_valid(arg.cancel.flags, arg.cancel.by, arg.cancel.value))
		s->must = -EINVAL;
	s->only_error = s->must != 0;
}

/* Any bytes where a command's own are, and any flags. */
static inline void ring_raw(struct input *in, const struct open_file *f, struct io_uring_sqe *sqe)
{
	static const uint64_t ops[] = {
		CANCELIO_URING_FLUSH, CANCELIO_URING_CANCEL, CANCELIO_IOC_VERSION, CANCELIO_IOC_INFO,
		CANCELIO_URING_READ, CANCELIO_URING_WRITE,
	};
	uint64_t cmd[2];
	enum place place;

	/* An address is one that may be written to, whatever the command. */
	cmd[0] = (uint64_t)(uintptr_t)take_memory(in, &place);
	cmd[1] = take_uint64(in);
	if (place == GOOD) {
		struct cancelio_uring_io *io = (void *)(data + (cmd[0] - (uintptr_t)data));

		*io = cancelio_io(take_memory(in, &place), take_length(in), take_offset(in));
	}
	cancelio_prep_command(sqe, f->fd, (uint32_t)TAKE_ONE_OF(in, ops), cmd);
	sqe->uring_cmd_flags = take_uint8(in) < 0xE0 ? 0 : take_uint32(in);
	sqe->buf_index = take_uint8(in) & 3;
	sqe->ioprio = take_uint8(in) < 0xF0 ? 0 : take_uint16(in);
}

static inline void ring_command(struct input *in)
{
	const struct open_file *f = take_file(in);
	struct io_uring_sqe *sqe;
	struct sent *s;

	if (!is_open(f))
		return;
	sqe = ring_next(&s);
	if (!sqe)
		return;
	s->command = true;
	switch (take_below(in, 8)) {
	case 0:
		ring_control(in, f, sqe, s);
		break;
	case 1:
		ring_cancel(in, f, sqe, s);
		break;
	case 2:
		ring_raw(in, f, sqe);
		break;
	case 3:
		cancelio_prep_flush(sqe, f->fd, take_uint8(in) & 3);
		break;
	default:
		ring_read_or_write(in, f, sqe, s);
	}
	/* Who polls for ends is told before anything else that these have none. */
	if (ring_polls && s->only_error)
		s->must = -EOPNOTSUPP;
	ring_finish_sqe(in, sqe);
}

/* What is not the module's own, but comes to its files. */
static inline void ring_plain(struct input *in)
{
	const struct open_file *f = take_file(in);
	uint8_t how = take_uint8(in);
	struct io_uring_sqe *sqe;
	struct sent *s;
	enum place place;
	void *memory = take_memory(in, &place);
	uint32_t length = take_length(in);
	uint64_t offset = how & 0x80 ? (uint64_t)-1 : take_offset(in);

	sqe = is_open(f) ? ring_next(&s) : NULL;
	if (!sqe)
		return;
	s->iov[0] = (struct iovec){ memory, length };
	switch (how & 7) {
	case 0:
		io_uring_prep_read(sqe, f->fd, memory, length, offset);
		break;
	case 1:
		io_uring_prep_write(sqe, f->fd, memory, length, offset);
		break;
	case 2:
		io_uring_prep_readv(sqe, f->fd, s->iov, 1, offset);
		break;
	case 3:
		io_uring_prep_write_fixed(sqe, f->fd, memory, length, offset, how >> 3 & 1);
		break;
	case 4:
		io_uring_prep_poll_add(sqe, f->fd, how & 8 ? POLLIN : POLLOUT);
		break;
	case 5:
		io_uring_prep_fsync(sqe, f->fd, 0);
		break;
	default:
		io_uring_prep_cancel64(sqe, take_uint8(in), how & 8 ? 0 : IORING_ASYNC_CANCEL_ALL);
	}
	ring_finish_sqe(in, sqe);
}

static inline bool ring_all_ended(bool commands)
{
	for (unsigned int i = 1; i <= sent_count; i++)
		if (!sent[i].ended && (sent[i].command || !commands))
			return false;
	return true;
}

static inline void ring_replace(unsigned int flags)
{
	io_uring_queue_exit(&ring);
	sent_count = 0;
	ring_open(flags);
}

static inline void ring_kind(struct input *in)
{
	static const unsigned int kinds[] = {
		IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_IOPOLL,
		IORING_SETUP_SQE128,
		0,
	};

	ring_submit();
	ring_replace(kinds[take_below(in, COUNT(kinds))]);
}

/* What is armed by poll, or in a worker, knows nothing of a close. */
static inline void ring_cancel_plain(void)
{
	struct io_uring_sqe *sqe;
	struct sent *s;

	ring_submit();
	sqe = io_uring_get_sqe(&ring);
	s = &sent[++sent_count];
	*s = (struct sent){ .ended = false };
	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	sqe->user_data = sent_count;
	ring_submit();
}

/* All files are closed. Of each command there is a word, unless its device was told to refuse. */
static inline void ring_end(void)
{
	uint64_t deadline = now_ms() + PATIENCE_MS;

	ring_reap();
	while (!loose && !ring_all_ended(true)) {
		if (now_ms() > deadline)
			broken("a command has not ended with its file");
		ring_reap();
		if (!ring_all_ended(true))
			usleep(200);
	}
	if (!ring_all_ended(false) || ring_special)
		ring_replace(0);
	sent_count = 0;
}

#endif
