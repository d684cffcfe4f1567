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
 *	EFAULT	the argument does not point to memory of the caller;
 *	EINVAL	a field that must be zero is not.
 */
#ifndef _UAPI_LINUX_CANCELIO_H
#define _UAPI_LINUX_CANCELIO_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Counts up when something is added; what was there stays as it is. */
#define CANCELIO_API_VERSION	1

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
 *			reads and writes that wait
 * @open_latency_ns:	out: nanoseconds an open takes
 * @read_latency_ns:	out: nanoseconds a read of the store takes; on a stream
 *			those from the writing of a byte until it can be read
 * @write_latency_ns:	out: nanoseconds a write takes
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
	__aligned_u64	reserved[10];
};

#define CANCELIO_IOC_MAGIC	0xC1

/* Stores CANCELIO_API_VERSION of the module that is loaded. */
#define CANCELIO_IOC_VERSION	_IOR(CANCELIO_IOC_MAGIC, 0x00, __u32)

/* Fills a struct cancelio_info. */
#define CANCELIO_IOC_INFO	_IOWR(CANCELIO_IOC_MAGIC, 0x01, struct cancelio_info)

#endif /* _UAPI_LINUX_CANCELIO_H */
