// SPDX-License-Identifier: MIT
/* What joins the two ends of a named pipe: sockets, a page, and the frames that go through. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "npipe.h"

/*
 * The kernel takes a piece of this size whole or not at all, as long as the socket's buffer is more
 * than twice as large.
 */
#define PIECE 32768u
#define MIN_BUFFER 34816u
#define MAX_BUFFER 106496u
#define PAGE 4096
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#define MORE 1u /* of the same message */

struct frame {
	uint32_t length, flags;
};

static void set_buffer(int fd, DWORD size)
{
	int bytes = (int)(size < MIN_BUFFER ? MIN_BUFFER : size > MAX_BUFFER ? MAX_BUFFER : size);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

DWORD cio_pipe_pair_new(struct cio_pipe_pair *pair, DWORD server_out, DWORD client_out)
{
	int err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair->end) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	set_buffer(pair->end[0], server_out);
	set_buffer(pair->end[1], client_out);
	pair->page = memfd_create("cancelio-pipe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (pair->page >= 0 && ftruncate(pair->page, PAGE) == 0 &&
	    fcntl(pair->page, F_ADD_SEALS, SEALS) == 0)
		return 0;
	err = errno;
	cio_pipe_pair_close(pair);
	return cio_status_to_error(cio_errno_to_status(err));
}

void cio_pipe_pair_close(struct cio_pipe_pair *pair)
{
	for (int i = 0; i < 2; i++)
		if (pair->end[i] >= 0)
			syscall(SYS_close, pair->end[i]);
	if (pair->page >= 0)
		syscall(SYS_close, pair->page);
	pair->end[0] = pair->end[1] = pair->page = -1;
}

/* It comes from another process, perhaps: one that could shrink it could kill us. */
struct cio_pipe_page *cio_pipe_page_map(int fd)
{
	struct stat st;
	void *page;

	if (fstat(fd, &st) != 0 || st.st_size != PAGE ||
	    (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		return NULL;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

void cio_pipe_page_unmap(struct cio_pipe_page *page)
{
	if (page)
		munmap(page, PAGE);
}

void cio_pipe_forget_frames(struct cio_pipe *pipe)
{
	pipe->in.open = pipe->in.more = false;
	pipe->in.left = 0;
}

bool cio_pipe_has_bytes(const struct cio_pipe *pipe)
{
	int bytes = 0;

	return pipe->in.left || (ioctl(pipe->file->fd, SIOCINQ, &bytes) == 0 && bytes);
}

bool cio_pipe_peer_is_gone(const struct cio_pipe *pipe)
{
	struct pollfd p = { .fd = pipe->file->fd, .events = POLLRDHUP };
	struct timespec zero = { 0, 0 };

	return syscall(SYS_ppoll, &p, 1, &zero, NULL, 0) > 0 && p.revents & (POLLHUP | POLLRDHUP);
}

void cio_pipe_tell_flusher(struct cio_pipe *pipe)
{
	atomic_uint *reads;

	if (!pipe->page)
		return;
	reads = &pipe->page->end[pipe->server ? 0 : 1].reads;
	if (!atomic_load(&pipe->page->end[pipe->server ? 0 : 1].flushes))
		return;
	atomic_fetch_add(reads, 1);
	/* Not a private one: who waits may be another process. */
	syscall(SYS_futex, reads, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* recv(2), which is a point where a thread can be cancelled, without being one. */
static long take(const struct cio_pipe *pipe, void *to, size_t length, int flags)
{
	long n;

	do
		n = syscall(SYS_recvfrom, pipe->file->fd, to, length, MSG_DONTWAIT | flags, NULL,
			    NULL);
	while (n < 0 && errno == EINTR);
	return n;
}

/* What the kernel's answer means when it is no count. */
static DWORD no_bytes(long n)
{
	if (n == 0 || errno == ECONNRESET)
		return CIO_PIPE_BROKEN;
	return errno == EAGAIN ? STATUS_PENDING : cio_errno_to_status(errno);
}

/* CIO_OK: a frame is open. */
static DWORD open_frame(struct cio_pipe *pipe)
{
	struct frame f;
	long n;

	if (pipe->in.open)
		return CIO_OK;
	n = take(pipe, &f, sizeof(f), 0);
	if (n != sizeof(f))
		return n > 0 ? CIO_PIPE_BROKEN : no_bytes(n);
	pipe->in.left = f.length;
	pipe->in.more = f.flags & MORE;
	pipe->in.open = true;
	return CIO_OK;
}

static DWORD take_from_frame(struct cio_pipe *pipe, char *buffer, uint32_t room, uint32_t *done)
{
	long n = 0;

	if (room > pipe->in.left)
		room = pipe->in.left;
	if (room) {
		n = take(pipe, buffer, room, 0);
		if (n <= 0)
			return no_bytes(n);
	}
	*done += (uint32_t)n;
	pipe->in.left -= (uint32_t)n;
	if (!pipe->in.left)
		pipe->in.open = false;
	return CIO_OK;
}

/* One message, or the rest of it; what does not fit is left to the next read (W-RW-10). */
static DWORD receive_message(struct cio_pipe *pipe, char *buffer, uint32_t length, uint32_t *done)
{
	DWORD status;

	for (;;) {
		status = open_frame(pipe);
		if (status != CIO_OK)
			return status;
		if (*done == length && pipe->in.left)
			return CIO_BUFFER_OVERFLOW;
		status = take_from_frame(pipe, buffer + *done, length - *done, done);
		if (status != CIO_OK)
			return status;
		if (!pipe->in.open && !pipe->in.more)
			return CIO_OK;
		if (*done == length)
			return CIO_BUFFER_OVERFLOW;
	}
}

/* Whatever there is, across all borders (W-RW-8). A read of no bytes takes none (W-RW-7). */
static DWORD receive_bytes(struct cio_pipe *pipe, char *buffer, uint32_t length, uint32_t *done)
{
	DWORD status;
	bool empty;

	do {
		/* One that only ends a message, which was cut short, is no write of no bytes. */
		empty = !pipe->in.open && !pipe->in.more;
		status = open_frame(pipe);
		if (status == CIO_OK && !length && pipe->in.left)
			return CIO_OK;
		empty = empty && !pipe->in.left;
		if (status == CIO_OK)
			status = take_from_frame(pipe, buffer + *done, length - *done, done);
		if (status != CIO_OK)
			return *done ? CIO_OK : status;
		if (empty && !*done)
			return CIO_OK;
	} while (*done < length || !length);
	return CIO_OK;
}

DWORD cio_pipe_receive(struct cio_pipe *pipe, char *buffer, uint32_t length, uint32_t *done)
{
	DWORD status = pipe->by_message ? receive_message(pipe, buffer, length, done) :
					  receive_bytes(pipe, buffer, length, done);

	cio_pipe_tell_flusher(pipe);
	return status;
}

static DWORD send_frame(struct cio_pipe *pipe, const char *data, uint32_t length, uint32_t flags)
{
	struct frame f = { length, flags };
	struct iovec iov[2] = { { &f, sizeof(f) }, { (void *)data, length } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	long n;

	do
		n = syscall(SYS_sendmsg, pipe->file->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return STATUS_PENDING;
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET ? CIO_PIPE_CLOSING :
							       cio_errno_to_status(errno);
	return (size_t)n == sizeof(f) + length ? CIO_OK : CIO_PIPE_BROKEN;
}

DWORD cio_pipe_send(struct cio_pipe *pipe, const char *buffer, uint32_t length, uint32_t *done)
{
	DWORD status;

	do {
		uint32_t n = length - *done < PIECE ? length - *done : PIECE;
		bool more = pipe->messages && *done + n < length;

		status = send_frame(pipe, buffer + *done, n, more ? MORE : 0);
		if (status != CIO_OK)
			return status;
		*done += n;
	} while (*done < length);
	return CIO_OK;
}

/* There is always room for it: the buffer is never as large as it may be. */
void cio_pipe_end_message(struct cio_pipe *pipe)
{
	int size = 0, larger;
	socklen_t room = sizeof(size);

	if (!pipe->messages)
		return;
	if (send_frame(pipe, NULL, 0, 0) != STATUS_PENDING)
		return;
	getsockopt(pipe->file->fd, SOL_SOCKET, SO_SNDBUF, &size, &room);
	larger = size; /* which the kernel doubles */
	setsockopt(pipe->file->fd, SOL_SOCKET, SO_SNDBUF, &larger, sizeof(larger));
	send_frame(pipe, NULL, 0, 0);
	larger = size / 2;
	setsockopt(pipe->file->fd, SOL_SOCKET, SO_SNDBUF, &larger, sizeof(larger));
}

int cio_pipe_unread(const struct cio_pipe *pipe)
{
	int bytes = 0;

	return ioctl(pipe->file->fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

struct look {
	char *buffer;
	DWORD length, copied, all, left;
	bool first; /* still in the first message */
	bool by_message;
};

static void look_at(struct look *l, const char *data, uint32_t n, bool more)
{
	uint32_t part = l->length - l->copied < n ? l->length - l->copied : n;

	l->all += n;
	if (l->first || !l->by_message) {
		if (l->buffer)
			memcpy(l->buffer + l->copied, data, part);
		l->copied += l->buffer ? part : 0;
		if (l->first)
			l->left += n - (l->buffer ? part : 0);
	}
	l->first = l->first && more;
}

/* All that is there is copied out to be counted: frames cannot be skipped in a socket. */
DWORD cio_pipe_look(struct cio_pipe *pipe, char *buffer, DWORD length, DWORD *copied, DWORD *all,
		    DWORD *left)
{
	struct look l = { buffer, buffer ? length : 0, 0, 0, 0, true, pipe->by_message };
	int there = 0;
	char *copy;
	long n = 0, at = 0;

	ioctl(pipe->file->fd, SIOCINQ, &there);
	copy = malloc((size_t)there + 1);
	if (!copy)
		return CIO_NO_MEMORY;
	if (there)
		n = take(pipe, copy, (size_t)there, MSG_PEEK);
	if (n < 0)
		n = 0;
	if (pipe->in.open) {
		at = (long)pipe->in.left < n ? (long)pipe->in.left : n;
		look_at(&l, copy, (uint32_t)at, pipe->in.more);
	} else if (pipe->in.more) {
		l.first = true;
	}
	while (at + (long)sizeof(struct frame) <= n) {
		struct frame f;

		memcpy(&f, copy + at, sizeof(f));
		at += (long)sizeof(f);
		if ((long)f.length > n - at)
			f.length = (uint32_t)(n - at);
		look_at(&l, copy + at, f.length, f.flags & MORE);
		at += (long)f.length;
	}
	free(copy);
	*copied = l.copied;
	*all = l.all;
	*left = pipe->messages ? l.left : 0;
	return !n && !pipe->in.open && cio_pipe_peer_is_gone(pipe) ? CIO_PIPE_BROKEN : CIO_OK;
}
