// SPDX-License-Identifier: MIT
/* The control codes that are known. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <ntddcancelio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"
#include "file.h"
#include "status.h"
#include "sync.h"

#define UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

static long call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4)
{
	long ret;

	if (self)
		return cio_sync_call(self, nr, a1, a2, a3, a4, 0, 0);
	ret = syscall(nr, a1, a2, a3, a4);
	return ret < 0 ? -errno : ret;
}

DWORD cio_code_status(long ret)
{
	if (ret >= 0)
		return CIO_OK;
	if (ret == -EBADF)
		return CIO_ACCESS_DENIED; /* open for nothing but its name: see open_flags() */
	if (ret == -ENOENT)
		return CIO_NOT_FOUND;
	return cio_errno_to_status((int)-ret);
}

static DWORD run_refused(struct cio_thread *self, const struct cio_file *file,
			 union cio_control_args *args)
{
	(void)self;
	(void)file;
	return args->refused;
}

static DWORD run_unknown(struct cio_thread *self, const struct cio_file *file,
			 union cio_control_args *args)
{
	(void)self;
	(void)file;
	(void)args;
	return CIO_INVALID_DEVICE_REQUEST;
}

/* Of block devices, and of those character devices that have an end. */
static DWORD run_length(struct cio_thread *self, const struct cio_file *file,
			union cio_control_args *args)
{
	long end = -ENOTTY;
	uint64_t size = 0;

	if (file->type == S_IFBLK)
		end = call(self, SYS_ioctl, file->fd, BLKGETSIZE64, (long)&size, 0);
	else if (file->type == S_IFCHR && file->seekable && !file->host_position)
		size = (uint64_t)(end = call(self, SYS_lseek, file->fd, 0, SEEK_END, 0));
	args->length.Length.QuadPart = (LONGLONG)size;
	return cio_code_status(end);
}

static DWORD run_sparse(struct cio_thread *self, const struct cio_file *file,
			union cio_control_args *args)
{
	(void)self;
	(void)args;
	if (file->type != S_IFREG)
		return CIO_INVALID_DEVICE_REQUEST;
	return file->access & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES) ? CIO_OK :
									   CIO_ACCESS_DENIED;
}

static DWORD run_zero(struct cio_thread *self, const struct cio_file *file,
		      union cio_control_args *args)
{
	LONGLONG from = args->zero.FileOffset.QuadPart, to = args->zero.BeyondFinalZero.QuadPart;

	if (file->type != S_IFREG)
		return CIO_INVALID_DEVICE_REQUEST;
	if (from < 0 || to < from)
		return CIO_INVALID_PARAMETER;
	if (from == to)
		return CIO_OK;
	return cio_code_status(call(self, SYS_fallocate, file->fd,
				    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from));
}

static const struct cio_code codes[] = {
	{ .code = IOCTL_CANCELIO_VERSION,
	  .ioctl = CANCELIO_IOC_VERSION,
	  .out = sizeof(__u32),
	  .least_out = sizeof(__u32) },
	{ .code = IOCTL_CANCELIO_INFO,
	  .ioctl = CANCELIO_IOC_INFO,
	  .waits = true,
	  .in = sizeof(struct cancelio_info),
	  .in_optional = true,
	  .out = sizeof(struct cancelio_info),
	  .least_out = UP_TO(struct cancelio_info, model) },
	{ .code = IOCTL_CANCELIO_CANCEL,
	  .ioctl = CANCELIO_IOC_CANCEL,
	  .in = sizeof(struct cancelio_cancel),
	  .out = sizeof(struct cancelio_cancel),
	  .least_out = UP_TO(struct cancelio_cancel, found),
	  .out_optional = true },
	{ .code = IOCTL_CANCELIO_REQUEST,
	  .ioctl = CANCELIO_IOC_REQUEST,
	  .in = sizeof(struct cancelio_request_info),
	  .in_optional = true,
	  .out = sizeof(struct cancelio_request_info),
	  .least_out = UP_TO(struct cancelio_request_info, id) },
	{ .code = IOCTL_DISK_GET_LENGTH_INFO,
	  .run = run_length,
	  .out = sizeof(GET_LENGTH_INFORMATION),
	  .least_out = sizeof(GET_LENGTH_INFORMATION) },
	{ .code = FSCTL_SET_SPARSE,
	  .run = run_sparse,
	  .in = sizeof(FILE_SET_SPARSE_BUFFER),
	  .in_optional = true },
	{ .code = FSCTL_SET_ZERO_DATA, .run = run_zero, .in = sizeof(FILE_ZERO_DATA_INFORMATION) },
};

static const struct cio_code unknown = { .run = run_unknown };
const struct cio_code cio_code_refused = { .run = run_refused };

const struct cio_code *cio_code_find(DWORD code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return &codes[i];
	return &unknown;
}

/* Only the module's own devices answer to its magic number, and never wait to tell the version. */
bool cio_code_applies(const struct cio_code *code, const struct cio_file *file)
{
	__u32 version;

	return !code->ioctl || (file->type == S_IFCHR &&
				call(NULL, SYS_ioctl, file->fd, CANCELIO_IOC_VERSION,
				     (long)&version, 0) == 0);
}

DWORD cio_code_run(const struct cio_code *code, struct cio_thread *self,
		   const struct cio_file *file, union cio_control_args *args)
{
	if (code->run)
		return code->run(self, file, args);
	return cio_code_status(call(self, SYS_ioctl, file->fd, code->ioctl, (long)args, 0));
}
