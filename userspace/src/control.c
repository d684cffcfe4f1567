// SPDX-License-Identifier: MIT
/* DeviceIoControl: the request, synchronous and overlapped (W-IOCTL-*). */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "command.h"
#include "control.h"
#include "handle.h"
#include "offload.h"
#include "op_private.h"
#include "rw.h"
#include "status.h"
#include "thread.h"

/* Reads of memory that may not be there: false. Where the call is forbidden, it is taken on trust. */
static bool memory_read(void *to, const void *from, size_t size)
{
	struct iovec local = { to, size }, remote = { (void *)from, size };
	long n = syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0);

	if (n < 0 && errno != EFAULT) {
		memcpy(to, from, size);
		return true;
	}
	return n == (long)size;
}

static bool memory_write(void *to, const void *from, size_t size)
{
	struct iovec local = { (void *)from, size }, remote = { to, size };
	long n = syscall(SYS_process_vm_writev, getpid(), &local, 1, &remote, 1, 0);

	if (n < 0 && errno != EFAULT) {
		memcpy(to, from, size);
		return true;
	}
	return n == (long)size;
}

/* Both ends of it: what lies between is found out when it is written. */
static bool memory_there(const char *at, DWORD size)
{
	char byte;

	return !size ||
	       (at && memory_read(&byte, at, 1) && memory_read(&byte, at + size - 1, 1));
}

/* Copies out what fits. */
static DWORD finish(const struct cio_code *code, const union cio_control_args *args,
		    void *out, DWORD length, DWORD *bytes)
{
	DWORD size = length < code->out ? length : code->out;

	if (size && !memory_write(out, args, size))
		return CIO_ACCESS_VIOLATION;
	*bytes = size;
	return size < code->out && size ? CIO_BUFFER_OVERFLOW : CIO_OK;
}

DWORD cio_control_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes)
{
	union cio_control_args args = *req->args;
	DWORD status = cio_code_run(req->code, self, req->file, &args);

	if (status != CIO_OK)
		return status;
	return finish(req->code, &args, req->buffer, req->length, bytes);
}

static DWORD op_finish(struct cio_op *op)
{
	return finish(op->code, &op->args, op->buffer, op->length, &op->done);
}

static DWORD step_command(struct cio_op *op)
{
	struct io_uring_sqe *sqe = cio_ring_begin(op->ring);

	if (!sqe)
		return CIO_QUOTA_EXCEEDED;
	cio_command_prep_control(op, sqe);
	sqe->user_data = tag_of(op);
	return cio_ring_commit(op->ring, sqe) ? STATUS_PENDING : CIO_QUOTA_EXCEEDED;
}

DWORD cio_control_step(struct cio_op *op)
{
	DWORD status;

	if (!op->code->waits) {
		status = cio_code_run(op->code, NULL, op->file, &op->args);
		return status == CIO_OK ? op_finish(op) : status;
	}
	if (!cio_code_applies(op->code, op->file))
		return CIO_INVALID_DEVICE_REQUEST;
	if (atomic_load(&op->command))
		return step_command(op);
	return cio_offload(op) ? STATUS_PENDING : CIO_NO_MEMORY;
}

/*
 * A command ends also with the thread that has submitted it; then it is made again. It does not wait
 * for room, and a call does.
 */
DWORD cio_control_result(struct cio_op *op, int res)
{
	if (!op->offloaded && (res == -ECANCELED || res == -EAGAIN)) {
		if (cancel_asked(op))
			return CIO_CANCELLED;
		atomic_store(&op->command, res == -ECANCELED);
		return cio_control_step(op);
	}
	return res >= 0 ? op_finish(op) : cio_code_status(res);
}

long cio_control_call(struct cio_thread *self, struct cio_op *op)
{
	return cio_sync_call(self, SYS_ioctl, op->file->fd, op->code->ioctl, (long)&op->args, 0, 0,
			     0);
}

/* What goes in; a status why nothing does. */
static DWORD take_input(const struct cio_code *code, const void *in, DWORD length,
			union cio_control_args *args)
{
	memset(args, 0, sizeof(*args));
	if (!code->in || (!length && code->in_optional))
		return CIO_OK;
	if (length < code->in)
		return CIO_INVALID_PARAMETER;
	return memory_read(args, in, code->in) ? CIO_OK : CIO_ACCESS_VIOLATION;
}

static DWORD check_output(const struct cio_code *code, DWORD length)
{
	if (length >= code->least_out || (!length && code->out_optional))
		return CIO_OK;
	return CIO_BUFFER_TOO_SMALL;
}

struct buffers {
	LPVOID in, out;
	DWORD in_length, out_length;
};

/* A refusal is the request's own end: it comes after what each start resets. */
static const struct cio_code *prepare(DWORD number, const struct buffers *b,
				      union cio_control_args *args)
{
	const struct cio_code *code = cio_code_find(number);
	DWORD status = take_input(code, b->in, b->in_length, args);

	if (status == CIO_OK)
		status = check_output(code, b->out_length);
	if (status == CIO_OK)
		return code;
	args->refused = status;
	return &cio_code_refused;
}

/* The rights are part of the code. */
static bool has_rights(const struct cio_handle *h, DWORD number)
{
	DWORD needs = number >> 14 & 3;

	if (needs & FILE_READ_ACCESS && !(h->access & FILE_READ_DATA))
		return false;
	return !(needs & FILE_WRITE_ACCESS) || h->access & FILE_WRITE_DATA;
}

static BOOL control(struct cio_thread *self, struct cio_handle *h, DWORD number,
		    const struct buffers *b, LPDWORD returned, LPOVERLAPPED overlapped)
{
	union cio_control_args args;
	struct cio_request req = { .file = cio_entry(h->obj, struct cio_file, obj),
				   .overlapped = overlapped,
				   .args = &args,
				   .buffer = b->out,
				   .length = b->out_length };
	HANDLE event = NULL;

	if (overlapped)
		event = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3);
	if (h->obj->class != &cio_file_class)
		return cio_fail(ERROR_INVALID_HANDLE);
	if (!has_rights(h, number))
		return cio_fail(ERROR_ACCESS_DENIED);
	if (number % 4 != METHOD_NEITHER &&
	    (!memory_there(b->in, b->in_length) || !memory_there(b->out, b->out_length)))
		return cio_fail(ERROR_NOACCESS);
	req.code = prepare(number, b, &args);
	return cio_request_run(self, &req, event, returned);
}

BOOL WINAPI DeviceIoControl(HANDLE handle, DWORD number, LPVOID in, DWORD in_length, LPVOID out,
			    DWORD out_length, LPDWORD returned, LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	const struct buffers b = { in, out, in_length, out_length };
	struct cio_thread *self = cio_self();
	struct cio_handle *h;
	BOOL ok;

	if (returned)
		*returned = 0;
	if (overlapped)
		__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELAXED);
	if (!self)
		return FALSE;
	h = cio_handle_pin(handle);
	if (!h)
		return cio_fail(ERROR_INVALID_HANDLE);
	ok = control(self, h, number, &b, returned, overlapped);
	cio_handle_unpin(h);
	return ok;
}
