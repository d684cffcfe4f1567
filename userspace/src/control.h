/* SPDX-License-Identifier: MIT */
/*
 * DeviceIoControl. Each code that is known has an entry in a table: what goes in and comes out, and
 * how it is done. The structs pass through a buffer of the request's own (METHOD_BUFFERED).
 */
#ifndef CIO_CONTROL_H
#define CIO_CONTROL_H

#include <linux/cancelio.h>
#include <stdbool.h>
#include <windows.h>

struct cio_file;
struct cio_op;
struct cio_request;
struct cio_thread;

union cio_control_args {
	DWORD refused; /* the status */
	__u32 version;
	struct cancelio_info info;
	struct cancelio_cancel cancel;
	struct cancelio_request_info request;
	GET_LENGTH_INFORMATION length;
	FILE_SET_SPARSE_BUFFER sparse;
	FILE_ZERO_DATA_INFORMATION zero;
};

struct cio_code {
	DWORD code;
	unsigned int ioctl; /* that of the same name, to which the rest applies; or `run` does it */
	bool waits; /* takes the device's latency */
	DWORD in; /* bytes that must come in; less is refused, but see `in_optional` */
	bool in_optional; /* none at all means zeros */
	DWORD out, least_out; /* bytes that come out, and fewest that make sense */
	bool out_optional;
	/* Without a thread it is not to be cancelled. */
	DWORD (*run)(struct cio_thread *self, const struct cio_file *file,
		     union cio_control_args *args);
};

/* Never NULL: what is not known refuses. */
const struct cio_code *cio_code_find(DWORD code);
/* Does nothing but end with args->refused. */
extern const struct cio_code cio_code_refused;

/* Does it, in the calling thread; in a synchronous call, if there is a thread given. */
DWORD cio_code_run(const struct cio_code *code, struct cio_thread *self,
		   const struct cio_file *file, union cio_control_args *args);
/* Whether the file is of the kind that knows this code at all; without waiting. */
bool cio_code_applies(const struct cio_code *code, const struct cio_file *file);
DWORD cio_code_status(long ret);

/* Of a synchronous request. */
DWORD cio_control_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes);

/* The steps of an operation: see op_private.h; and what a worker does of it. */
DWORD cio_control_step(struct cio_op *op);
DWORD cio_control_result(struct cio_op *op, int res);
long cio_control_call(struct cio_thread *self, struct cio_op *op);

#endif
