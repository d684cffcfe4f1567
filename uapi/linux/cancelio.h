/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * cancelio: a slow character device whose every operation can be cancelled.
 *
 * What a program can ask a device of cancelio.ko, beside read, write, lseek
 * and poll. All types have a fixed width and every field a fixed offset, so
 * that a 32-bit program on a 64-bit kernel speaks the same language.
 *
 * A call that fails changes nothing. The errors, in the order of the checks:
 *	ENOTTY	the command is not one of these, nor of those of io_uring;
 *	ENODEV	the device was removed; not for CANCELIO_IOC_VERSION;
 *	EFAULT	the argument does not point to memory of the caller;
 *	EINVAL	a field that must be zero is not, or a value is none of those
 *		that are listed.
 * Others are named with the command.
 */
#ifndef _UAPI_LINUX_CANCELIO_H
#define _UAPI_LINUX_CANCELIO_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Counts up when something is added; what was there stays as it is. */
#define CANCELIO_API_VERSION	3

/*
 * What a device is.
 *	STREAM	a line: what is written comes out again, in order. A read waits
 *		for bytes, a write for room. No position.
 *	STORE	a medium of a fixed size: each read and write has a position and
 *		takes its time. A read at the end gives 0, a write ENOSPC.
 */
#define CANCELIO_MODEL_STREAM	1
#define CANCELIO_MODEL_STORE	2

/* The longest latency that can be set, in nanoseconds: one day. */
#define CANCELIO_LATENCY_MAX_NS	86400000000000ULL

/*
 * What a device can do beside.
 *	URING		it takes the io_uring commands below
 *	URING_EXIT	and the kernel ends them by itself when their ring is closed
 *			or their process calls exec. Where it cannot (before 6.7),
 *			the module sees to that, within a tenth of a second
 */
#define CANCELIO_FEATURE_URING		1
#define CANCELIO_FEATURE_URING_EXIT	2

/**
 * struct cancelio_info - a device, as it is now
 * @flags:		in: must be 0. out: 0
 * @model:		out: CANCELIO_MODEL_*. Ignored on the way in, as is every
 *			other field that is only written
 * @size:		out: bytes; the medium's size for a store, for a stream what
 *			the line holds before a write must wait
 * @pending:		out: requests that were begun and have not ended: opens,
 *			reads, writes and flushes that wait, and parts of them
 * @open_latency_ns:	out: nanoseconds an open takes; this one and the others
 *			in the mean, if they are random
 * @read_latency_ns:	out: nanoseconds a read of the store takes; on a stream
 *			those from the writing of a byte until it can be read
 * @write_latency_ns:	out: nanoseconds a write takes
 * @flush_latency_ns:	out: nanoseconds a flush takes, on a store
 * @control_latency_ns:	out: nanoseconds a CANCELIO_IOC_INFO takes
 * @features:		out: CANCELIO_FEATURE_*
 * @reserved:		in: must be 0. out: 0
 */
struct cancelio_info {
	__u32		flags;
	__u32		model;
	__aligned_u64	size;
	__aligned_u64	pending;
	__aligned_u64	open_latency_ns;
	__aligned_u64	read_latency_ns;
	__aligned_u64	write_latency_ns;
	__aligned_u64	flush_latency_ns;
	__aligned_u64	control_latency_ns;
	__aligned_u64	features;
	__aligned_u64	reserved[7];
};

/*
 * Whose requests a CANCELIO_IOC_CANCEL, or a CANCELIO_URING_CANCEL, means. In any
 * case only those that the calling process has begun, unless it has CAP_SYS_ADMIN.
 *	FILE	those of this open file
 *	ID	the one with this id
 *	PROCESS	those that this process has begun
 *	THREAD	those that this thread has begun
 *	DEVICE	all of this device
 *	TAG	the io_uring commands of this open file that have this tag
 *	OP	those of this open file that do this operation, a CANCELIO_OP_*
 */
#define CANCELIO_BY_FILE	1
#define CANCELIO_BY_ID		2
#define CANCELIO_BY_PROCESS	3
#define CANCELIO_BY_THREAD	4
#define CANCELIO_BY_DEVICE	5
#define CANCELIO_BY_TAG		6
#define CANCELIO_BY_OP		7

/* Only the oldest of those that are meant. */
#define CANCELIO_CANCEL_ONE	1

/**
 * struct cancelio_cancel - requests that shall be cancelled
 * @flags:		in: 0 or CANCELIO_CANCEL_ONE
 * @by:			in: CANCELIO_BY_*
 * @value:		in: the id, the process's or thread's number in the
 *			caller's namespace, the tag or the operation; must be 0
 *			for FILE and DEVICE
 * @found:		out: how many were asked to end. Each ends with ECANCELED,
 *			or with its own result if that came first, or later if
 *			its device does as it likes
 * @reserved:		in: must be 0
 */
struct cancelio_cancel {
	__u32		flags;
	__u32		by;
	__aligned_u64	value;
	__aligned_u64	found;
	__aligned_u64	reserved[5];
};

/* What a request is for. */
#define CANCELIO_OP_OPEN	1
#define CANCELIO_OP_READ	2
#define CANCELIO_OP_WRITE	3
#define CANCELIO_OP_FLUSH	4
#define CANCELIO_OP_CONTROL	5

/*
 * What a request is at.
 *	STARTED		the device has begun with it; else it waits
 *	CANCELABLE	it would end at once, or begin to, if it were cancelled now
 *	CANCELED	somebody has asked
 */
#define CANCELIO_STATE_STARTED		1
#define CANCELIO_STATE_CANCELABLE	2
#define CANCELIO_STATE_CANCELED		4

/**
 * struct cancelio_request_info - a request that has not ended
 * @flags:		in: must be 0. out: 0
 * @op:			out: CANCELIO_OP_*
 * @id:			in: 0, or the id after which to go on. out: its name. A
 *			device's requests have ids that grow; a call that goes
 *			on after a signal keeps its own
 * @state:		out: CANCELIO_STATE_*
 * @process:		out: who has begun it, in the caller's namespace; 0: not there
 * @thread:		out: the same
 * @pad:			in: must be 0. out: 0
 * @length:		out: bytes wanted
 * @age_ns:		out: nanoseconds since it was begun
 * @reserved:		in: must be 0. out: 0
 */
struct cancelio_request_info {
	__u32		flags;
	__u32		op;
	__aligned_u64	id;
	__u32		state;
	__s32		process;
	__s32		thread;
	__u32		pad;
	__aligned_u64	length;
	__aligned_u64	age_ns;
	__aligned_u64	reserved[4];
};

#define CANCELIO_IOC_MAGIC	0xC1

/* Stores CANCELIO_API_VERSION of the module that is loaded. */
#define CANCELIO_IOC_VERSION	_IOR(CANCELIO_IOC_MAGIC, 0x00, __u32)

/*
 * Fills a struct cancelio_info. It takes the device's control latency, and can be
 * cancelled meanwhile: EINTR after a signal, ECANCELED after a cancel.
 */
#define CANCELIO_IOC_INFO	_IOWR(CANCELIO_IOC_MAGIC, 0x01, struct cancelio_info)

/*
 * Cancels requests of this device: see struct cancelio_cancel. ENOENT: there is
 * none such; EPERM: there are, and they are others'.
 */
#define CANCELIO_IOC_CANCEL	_IOWR(CANCELIO_IOC_MAGIC, 0x02, struct cancelio_cancel)

/*
 * Shows the next request that the caller may cancel: see struct
 * cancelio_request_info. ENOENT: there is none after the given one.
 */
#define CANCELIO_IOC_REQUEST	_IOWR(CANCELIO_IOC_MAGIC, 0x03, struct cancelio_request_info)

/*
 * Commands of io_uring, IORING_OP_URING_CMD, in a ring of any kind but
 * IORING_SETUP_IOPOLL. sqe->cmd_op is one of these or a CANCELIO_IOC_*; sqe->cmd
 * holds a struct cancelio_uring_cmd, for CANCEL a struct cancelio_uring_cancel;
 * sqe->fd is the open device. <cancelio.h> of libcancelio fills them.
 *
 *	READ, WRITE	as read(2) and write(2), at the offset on a store; but
 *			that a write to a stream moves at most what the line holds
 *	FLUSH		as fsync(2), on a store
 *	CANCELIO_IOC_*	as ioctl(2)
 *	CANCEL		asks that others be cancelled
 *
 * A command that waits takes no thread. It ends once: with what it has moved, with
 * an error, or with ECANCELED, and then it has moved nothing. It is cancelled by
 * CANCEL and CANCELIO_IOC_CANCEL, when its process closes its last descriptor of
 * the device, when its ring is closed, by exit and by exec of the process; if only
 * its thread exits, before 6.7 at once and later when the ring is closed.
 * IORING_OP_ASYNC_CANCEL does not reach it.
 *
 * Errors of commands, beside those of the calls:
 *	EBADF		the file is not open for reading, or for writing
 *	EINVAL		an unknown flag, or a reserved field that is not 0; an offset
 *			on a stream; a buffer that is both registered and vectored;
 *			FLUSH to a stream, or with an argument
 *	EFAULT		an address is not the caller's, or not within the registered
 *			buffer
 *	EAGAIN		the open file has as many requests as it may; or it has
 *			O_NONBLOCK and cannot do it now
 *	EOPNOTSUPP	the ring is one for polling
 */
#define CANCELIO_URING_READ	_IOW(CANCELIO_IOC_MAGIC, 0x10, struct cancelio_uring_cmd)
#define CANCELIO_URING_WRITE	_IOW(CANCELIO_IOC_MAGIC, 0x11, struct cancelio_uring_cmd)
#define CANCELIO_URING_FLUSH	_IOW(CANCELIO_IOC_MAGIC, 0x12, struct cancelio_uring_cmd)
#define CANCELIO_URING_CANCEL	_IOW(CANCELIO_IOC_MAGIC, 0x13, struct cancelio_uring_cancel)

/**
 * struct cancelio_uring_cmd - what is in sqe->cmd, but of a CANCEL
 * @arg:	READ and WRITE: address of a struct cancelio_uring_io; FLUSH: must
 *		be 0; CANCELIO_IOC_*: as the third argument of ioctl(2). It is read
 *		when the command begins, which is before io_uring_enter(2) returns
 *		unless it was linked, drained or asked to be done by a worker.
 *		There are kernels (6.12) that read even the SQE again when a linked
 *		or drained command begins: it must stay as it is until then
 * @tag:	the caller's, for CANCELIO_BY_TAG; need not be unique
 */
struct cancelio_uring_cmd {
	__aligned_u64	arg;
	__aligned_u64	tag;
};

/* The memory is described by an array of struct iovec, 1024 at most. */
#define CANCELIO_IO_VECTORED	1

/**
 * struct cancelio_uring_io - what to read or write
 * @addr:	of the memory, or of the array; with IORING_URING_CMD_FIXED in
 *		sqe->uring_cmd_flags, within the registered buffer sqe->buf_index
 * @offset:	where, on a store; must be 0 for a stream
 * @len:	bytes, or length of the array
 * @flags:	0 or CANCELIO_IO_VECTORED
 * @reserved:	must be 0
 */
struct cancelio_uring_io {
	__aligned_u64	addr;
	__aligned_u64	offset;
	__u32		len;
	__u32		flags;
	__aligned_u64	reserved;
};

/**
 * struct cancelio_uring_cancel - what is in sqe->cmd of a CANCEL
 * @value:	as in struct cancelio_cancel
 * @by:		the same
 * @flags:	the same
 *
 * Its result is how many have ended by it, or are being aborted. ENOENT: there
 * is none such; EPERM: there are, and they are others'; EALREADY: all that there
 * are have begun, and their device may refuse, or they were asked before. Those
 * that are meant end on their own, each with ECANCELED or with its own result.
 */
struct cancelio_uring_cancel {
	__aligned_u64	value;
	__u32		by;
	__u32		flags;
};

#endif /* _UAPI_LINUX_CANCELIO_H */
