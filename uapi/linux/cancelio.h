/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * cancelio: a slow character device whose every operation can be cancelled.
 *
 * What a program can ask a device of cancelio.ko, beside read, write, lseek
 * and poll. All types have a fixed width and every field a fixed offset, so
 * that a 32-bit program on a 64-bit kernel speaks the same language.
 *
 * A call that fails changes nothing. The errors, in the order of the checks:
 *	ENOTTY	the command is not one of these;
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
#define CANCELIO_API_VERSION	2

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
	__aligned_u64	reserved[9];
};

/*
 * Whose requests a CANCELIO_IOC_CANCEL means. In any case only those that the
 * calling process has begun, unless it has CAP_SYS_ADMIN.
 *	FILE	those of this open file
 *	ID	the one with this id
 *	PROCESS	those that this process has begun
 *	THREAD	those that this thread has begun
 *	DEVICE	all of this device
 */
#define CANCELIO_BY_FILE	1
#define CANCELIO_BY_ID		2
#define CANCELIO_BY_PROCESS	3
#define CANCELIO_BY_THREAD	4
#define CANCELIO_BY_DEVICE	5

/**
 * struct cancelio_cancel - requests that shall be cancelled
 * @flags:		in: must be 0
 * @by:			in: CANCELIO_BY_*
 * @value:		in: the id, or the process's or thread's number in the
 *			caller's namespace; must be 0 for FILE and DEVICE
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

/* Fills a struct cancelio_info. */
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

#endif /* _UAPI_LINUX_CANCELIO_H */
