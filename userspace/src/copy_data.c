// SPDX-License-Identifier: MIT
/* How a copy moves its bytes: by the kernel alone where it can, and around holes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "copy_private.h"
#include "status.h"
#include "sync.h"
#include "thread.h"

/* What is read and written at once, where the kernel does not copy by itself. */
#define PIECE (256u << 10)
#define PAGE 4096
#define PATIENCE_NS 500000000

static bool get_buffer(struct cio_copying *c)
{
	void *buffer = c->buffer;

	/* So that it will do for direct I/O. */
	if (!buffer && posix_memalign(&buffer, PAGE, PIECE) != 0)
		return false;
	c->buffer = buffer;
	return true;
}

/* The system call, once more without the page cache's bypass where its rules are not to be met. */
static long transfer(struct cio_copying *c, struct cio_file *file, long nr, void *buffer,
		     size_t length, uint64_t at)
{
	long ret = cio_sync_call(c->self, nr, file->fd, (long)buffer, (long)length, (long)at, 0, 0);
	int flags;

	if (ret != -EINVAL || !c->direct)
		return ret;
	flags = fcntl(file->fd, F_GETFL);
	if (flags < 0 || !(flags & O_DIRECT) || fcntl(file->fd, F_SETFL, flags & ~O_DIRECT) != 0)
		return ret;
	return cio_sync_call(c->self, nr, file->fd, (long)buffer, (long)length, (long)at, 0, 0);
}

static long read_some(struct cio_copying *c, size_t length, uint64_t at)
{
	c->phase = COPYFILE2_PHASE_READ_SOURCE;
	return transfer(c, c->in, c->in->seekable ? SYS_pread64 : SYS_read, c->buffer, length, at);
}

/*
 * Until a stream has something, or takes something. Who copies by messages is told now and then that
 * it waits, and may end it then.
 */
static DWORD wait_for(struct cio_copying *c, const struct cio_file *file, short events)
{
	struct pollfd p = {.fd = file->fd, .events = events};
	DWORD error = 0;
	long n = 0;

	while (!error && n == 0 && !file->seekable) {
		struct timespec patience = {0, PATIENCE_NS};

		n = cio_sync_call(c->self, SYS_ppoll, (long)&p, 1,
				  c->how->routine2 ? (long)&patience : 0, 0, 0, 0);
		if (n == 0)
			error = cio_copy_ask(c, CIO_COPY_WAITING, 0);
		else if (n == -EINTR)
			error = cio_copy_error(n);
	}
	return error;
}

/* No SIGPIPE is of use to who did not write by himself. */
static long write_some(struct cio_copying *c, const char *from, size_t length, uint64_t at)
{
	long nr = c->out->seekable ? SYS_pwrite64 : SYS_write, n;
	struct cio_sigpipe sigpipe;

	if (c->out->type != S_IFIFO && c->out->type != S_IFSOCK)
		return transfer(c, c->out, nr, (void *)from, length, at);
	cio_sigpipe_block(&sigpipe);
	n = transfer(c, c->out, nr, (void *)from, length, at);
	/* It comes also with what had been written by the time the reader went. */
	cio_sigpipe_restore(&sigpipe, n < (long)length);
	return n;
}

/* A stream takes this much without waiting, once it takes anything. */
static size_t piece_of(const struct cio_copying *c, size_t length)
{
	bool waits = !c->out->seekable && c->how->routine2;

	return waits && length > PIPE_BUF ? PIPE_BUF : length;
}

/* Who is told that the copy waits is so in the midst of a piece as well. */
static DWORD write_all(struct cio_copying *c, size_t length, uint64_t at)
{
	DWORD error = 0;
	long n;

	c->phase = COPYFILE2_PHASE_WRITE_DESTINATION;
	for (size_t written = 0; !error && written < length; written += (size_t)n) {
		if (c->how->routine2)
			error = wait_for(c, c->out, POLLOUT);
		if (error)
			break;
		n = write_some(c, c->buffer + written, piece_of(c, length - written), at + written);
		if (n < 0)
			error = cio_copy_error(n);
		/* A device that takes nothing, and does not say why. */
		else if (n == 0)
			error = ERROR_DISK_FULL;
	}
	return error;
}

/* The source ends here, earlier than it had said. */
static void end_at(struct cio_copying *c, uint64_t end)
{
	if (end < c->size)
		c->size = end;
}

static DWORD move_by_hand(struct cio_copying *c, uint64_t at, uint64_t end, uint64_t *moved)
{
	size_t length = end - at < PIECE ? (size_t)(end - at) : PIECE;
	DWORD error;
	long n;

	if (!get_buffer(c))
		return ERROR_NOT_ENOUGH_MEMORY;
	n = read_some(c, length, at);
	if (n < 0)
		return cio_copy_error(n);
	error = write_all(c, (size_t)n, at);
	if (!error)
		*moved = (uint64_t)n;
	return error;
}

/*
 * *moved is 0 at the source's end. Whatever the kernel says against copying by itself, reading and
 * writing say again if it concerns them; many a file system's or a device's no does not.
 */
static DWORD move_some(struct cio_copying *c, uint64_t at, uint64_t end, uint64_t *moved)
{
	loff_t from = (loff_t)at, to = (loff_t)at;
	long n;

	*moved = 0;
	if (c->offload) {
		c->phase = COPYFILE2_PHASE_SERVER_COPY;
		n = cio_sync_call(c->self, SYS_copy_file_range, c->in->fd, (long)&from, c->out->fd,
				  (long)&to, (long)(end - at), 0);
		if (n == -EINTR)
			return cio_copy_error(n);
		if (n > 0) {
			*moved = (uint64_t)n;
			return 0;
		}
		/* Of files in /proc and the like it says that there is nothing, too. */
		if (n < 0)
			c->offload = false;
	}
	return move_by_hand(c, at, end, moved);
}

static DWORD seek(struct cio_copying *c, uint64_t at, int whence, uint64_t *found)
{
	long n = cio_sync_call(c->self, SYS_lseek, c->in->fd, (long)at, whence, 0, 0, 0);

	c->phase = COPYFILE2_PHASE_READ_SOURCE;
	if (n == -EINTR)
		return cio_copy_error(n);
	if (n >= 0) {
		*found = (uint64_t)n;
		return 0;
	}
	if (n != -ENXIO)
		c->sparse = false;
	*found = n == -ENXIO ? UINT64_MAX : at;
	return 0;
}

/* The next byte that is no hole's, or the end. */
static DWORD next_data(struct cio_copying *c, uint64_t at, uint64_t *data)
{
	struct stat st;
	DWORD error;

	*data = at;
	if (!c->sparse || at >= c->size || at < c->data_end)
		return 0;
	error = seek(c, at, SEEK_DATA, data);
	if (error || *data != UINT64_MAX)
		return error;
	/* A hole up to the end, wherever that is by now. */
	if (fstat(c->in->fd, &st) == 0)
		end_at(c, (uint64_t)st.st_size > at ? (uint64_t)st.st_size : at);
	*data = c->size;
	return 0;
}

DWORD cio_copy_plan(struct cio_copying *c, uint64_t *end)
{
	uint64_t data;
	DWORD error = next_data(c, c->done, &data);

	if (error)
		return error;
	*end = c->done + c->budget;
	if (data > *end)
		*end = data;
	if (*end > c->size)
		*end = c->size;
	return 0;
}

/* Where the data at `at` ends. Asked once: to tell it, some file systems look at every page. */
static DWORD end_of_data(struct cio_copying *c, uint64_t at, uint64_t *end)
{
	DWORD error = 0;

	if (c->sparse && at >= c->data_end)
		error = seek(c, at, SEEK_HOLE, &c->data_end);
	if (!error && c->sparse && c->data_end > at && c->data_end < *end)
		*end = c->data_end;
	return error;
}

DWORD cio_copy_chunk(struct cio_copying *c, uint64_t end)
{
	uint64_t at = c->done, limit, moved;
	DWORD error = 0;

	while (!error && at < end && at < c->size) {
		error = next_data(c, at, &at);
		if (error || at >= end)
			break;
		limit = end;
		error = end_of_data(c, at, &limit);
		while (!error && at < limit) {
			error = move_some(c, at, limit, &moved);
			if (!error && !moved)
				end_at(c, at);
			if (error || !moved)
				break;
			at += moved;
			c->moved += moved;
		}
	}
	if (at > end)
		at = end;
	c->done = at < c->size ? at : c->size;
	return error;
}

/* Nothing is taken out of the source before the target is ready: who cancels a wait loses no byte. */
DWORD cio_copy_piece(struct cio_copying *c, bool *ended)
{
	uint64_t moved = 0;
	DWORD error = wait_for(c, c->out, POLLOUT);

	if (!error)
		error = wait_for(c, c->in, POLLIN);
	if (!error)
		error = move_by_hand(c, c->done, c->done + PIECE, &moved);
	*ended = !moved;
	c->done += moved;
	return error;
}
