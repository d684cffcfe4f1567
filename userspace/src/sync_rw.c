// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "futex.h"
#include "npipe.h"
#include "rw.h"
#include "status.h"
#include "thread.h"

DWORD cio_sync_wait_file(struct cio_thread *self, struct cio_file *file)
{
	while (atomic_exchange(&file->busy, 2) != 0) {
		/* Given up, the word may say "wanted" for nothing: one needless wake-up. */
		if (cio_sync_call(self, SYS_futex, (long)&file->busy,
				  FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0, 0, 0) == -EINTR)
			return CIO_CANCELLED;
	}
	return CIO_OK;
}

/* To those who want it, and those who wait for it to be idle: see file_ready(). */
void cio_sync_wake_file(struct cio_file *file)
{
	cio_futex_wake(&file->busy, 1);
	cio_state_lock();
	cio_object_serve(&file->obj);
	cio_state_unlock();
}

static long transfer_once(struct cio_thread *self, struct cio_request *req, DWORD done)
{
	long fd = req->file->fd, buffer = (long)req->buffer + done, length = req->length - done;
	long offset = (long)(req->offset + done);
	struct iovec iov = { (char *)req->buffer + done, req->length - done };

	if (!req->file->seekable)
		return cio_sync_call(self, req->write ? SYS_write : SYS_read, fd, buffer, length, 0,
				     0, 0);
	if (req->append)
		return cio_sync_call(self, SYS_pwritev2, fd, (long)&iov, 1, 0, 0, RWF_APPEND);
	return cio_sync_call(self, req->write ? SYS_pwrite64 : SYS_pread64, fd, buffer, length,
			     offset, 0, 0);
}

/* A write goes on until all is taken; a read only where the file, not the moment, sets its end. */
static bool goes_on(const struct cio_request *req, DWORD done)
{
	return done < req->length && (req->write || req->file->type == S_IFREG);
}

/*
 * A request of no bytes, which Linux grants at once. On a pipe of Windows a read waits until there is
 * something to read, and takes nothing; and a write without a reader fails (W-RW-7, -9).
 */
static DWORD touch_pipe(struct cio_thread *self, const struct cio_request *req)
{
	struct pollfd p = { .fd = req->file->fd, .events = POLLIN };
	long ret;

	if (req->write)
		return cio_pipe_has_reader(req->file) ? CIO_OK : CIO_PIPE_CLOSING;
	ret = cio_sync_call(self, SYS_ppoll, (long)&p, 1, 0, 0, 0, 0);
	if (ret < 0)
		return cio_errno_to_status((int)-ret);
	return p.revents & POLLIN ? CIO_OK : CIO_PIPE_BROKEN;
}

static DWORD go_on(struct cio_thread *self, struct cio_request *req, long n, DWORD *done)
{
	DWORD status;

	for (;;) {
		if (n > 0)
			*done += (DWORD)n;
		if (n <= 0 || !goes_on(req, *done))
			break;
		n = transfer_once(self, req, *done);
	}
	if (n < 0) {
		status = cio_errno_to_status((int)-n);
		/* A write that failed says so, whatever was taken before (W-GOR-5). */
		return *done && (!req->write || status == CIO_CANCELLED) ? CIO_OK : status;
	}
	if (*done)
		return CIO_OK;
	if (!req->length && req->file->type == S_IFIFO)
		return touch_pipe(self, req);
	if (req->write || !req->length)
		return CIO_OK;
	return req->file->type == S_IFIFO ? CIO_PIPE_BROKEN : CIO_END_OF_FILE;
}

static void move_position(struct cio_request *req, DWORD done)
{
	struct stat st;

	if (!req->file->seekable)
		return;
	if (!req->append)
		req->file->position = req->offset + done;
	else if (fstat(req->file->fd, &st) == 0)
		req->file->position = (uint64_t)st.st_size;
}

DWORD cio_sync_go_on(struct cio_thread *self, struct cio_request *req, long n, DWORD *bytes)
{
	CIO_KEEP_ERRNO;
	DWORD status = go_on(self, req, n, bytes);

	if (cio_status_ok(status) || *bytes)
		move_position(req, *bytes);
	return status;
}

DWORD cio_sync_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes)
{
	bool pipe = req->write && req->file->type == S_IFIFO;
	struct cio_sigpipe sigpipe;
	DWORD status;

	if (req->file->pipe)
		return cio_pipe_transfer(self, req, bytes);
	if (pipe)
		cio_sigpipe_block(&sigpipe);
	status = cio_sync_go_on(self, req, transfer_once(self, req, 0), bytes);
	if (pipe)
		cio_sigpipe_restore(&sigpipe, *bytes < req->length);
	return status;
}
