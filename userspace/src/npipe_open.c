// SPDX-License-Identifier: MIT
/* The client's way to a named pipe: CreateFile and WaitNamedPipe. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "handle.h"
#include "npipe.h"
#include "scope.h"
#include "thread.h"

static DWORD sync_error(long ret)
{
	if (ret == -ECONNREFUSED || ret == 0)
		return ERROR_FILE_NOT_FOUND;
	return cio_status_to_error(cio_errno_to_status((int)-ret));
}

/* What came with the answer, if it is what it should be. */
static void take_descriptors(struct msghdr *msg, struct cio_pipe_pair *pair)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fds[2];

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fds)))
		return;
	memcpy(fds, CMSG_DATA(c), sizeof(fds));
	pair->end[1] = fds[0];
	pair->page = fds[1];
}

static DWORD receive_answer(struct cio_thread *self, int fd, struct cio_pipe_answer *a,
			    struct cio_pipe_pair *pair)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = { a, sizeof(*a) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	long n = cio_sync_call(self, SYS_recvmsg, fd, (long)&msg, MSG_CMSG_CLOEXEC, 0, 0, 0);

	/* One that closes without an answer has just closed its last instance. */
	if (n <= 0)
		return sync_error(n == -ECONNRESET ? 0 : n);
	take_descriptors(&msg, pair);
	return n == sizeof(*a) ? a->error : ERROR_BAD_PIPE;
}

/* Inside a synchronous call. */
static DWORD ask(struct cio_thread *self, int fd, const struct cio_pipe_call *call, DWORD timeout,
		 struct cio_pipe_answer *a, struct cio_pipe_pair *pair)
{
	struct timespec ts = { timeout / 1000, (long)(timeout % 1000) * 1000000 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sockaddr_un addr;
	unsigned int length = cio_pipe_address(&addr, call->name);
	long ret = cio_sync_call(self, SYS_connect, fd, (long)&addr, length, 0, 0, 0);

	if (ret < 0)
		return sync_error(ret);
	ret = cio_sync_call(self, SYS_sendto, fd, (long)call, sizeof(*call), MSG_NOSIGNAL, 0, 0);
	if (ret < 0)
		return sync_error(ret == -EPIPE ? 0 : ret);
	ret = cio_sync_call(self, SYS_ppoll, (long)&p, 1,
			    timeout == NMPWAIT_WAIT_FOREVER ? 0 : (long)&ts, 0, 0, 0);
	if (ret <= 0)
		return ret ? sync_error(ret) : ERROR_SEM_TIMEOUT;
	return receive_answer(self, fd, a, pair);
}

/* Asks the process that has the name, and waits for its answer: a call that a cancel reaches. */
static DWORD call_server(struct cio_thread *self, const char *name, uint32_t what, DWORD access,
			 DWORD timeout, struct cio_pipe_answer *a, struct cio_pipe_pair *pair)
{
	struct cio_pipe_call call = { .what = what, .access = access, .pid = (DWORD)getpid() };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	DWORD error;

	if (fd < 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	memcpy(call.name, name, strlen(name) + 1);
	cio_sync_begin(self, NULL, NULL);
	error = ask(self, fd, &call, timeout, a, pair);
	cio_sync_end(self);
	syscall(SYS_close, fd);
	return error;
}

static HANDLE client_new(struct cio_pipe_pair *pair, const struct cio_pipe_answer *a, DWORD access,
			 DWORD flags, DWORD *error)
{
	struct cio_pipe *pipe = cio_pipe_new();
	HANDLE handle = NULL;

	*error = ERROR_NOT_ENOUGH_MEMORY;
	if (!pipe)
		return NULL;
	pipe->page = cio_pipe_page_map(pair->page);
	if (pipe->page) {
		pipe->file->fd = pair->end[1];
		pair->end[1] = -1;
		pipe->file->access = access;
		pipe->file->overlapped = flags & FILE_FLAG_OVERLAPPED;
		pipe->state = CIO_PIPE_IS_CONNECTED;
		pipe->messages = a->messages;
		pipe->direction = a->direction;
		pipe->out_size = a->out_size;
		pipe->in_size = a->in_size;
		pipe->max_instances = a->max_instances;
		pipe->timeout = a->timeout;
		pipe->instances = a->instances;
		handle = cio_handle_new(&pipe->file->obj, access);
	}
	if (handle)
		*error = 0;
	cio_object_put(&pipe->file->obj);
	return handle;
}

HANDLE cio_pipe_open(struct cio_thread *self, const char *name, DWORD access, DWORD flags)
{
	struct cio_pipe_pair pair = { { -1, -1 }, -1 };
	struct cio_pipe_answer a = { 0 };
	HANDLE handle = NULL;
	DWORD error;

	if (self->frame && cio_frame_cancelled(self->frame))
		error = ERROR_OPERATION_ABORTED;
	else if (cio_pipe_admit(name, access, (DWORD)getpid(), &a, &pair))
		error = a.error;
	else
		error = call_server(self, name, CIO_PIPE_OPEN, access, NMPWAIT_WAIT_FOREVER, &a, &pair);
	if (!error)
		handle = client_new(&pair, &a, access, flags, &error);
	cio_pipe_pair_close(&pair);
	cio_fail(error);
	return handle ? handle : INVALID_HANDLE_VALUE;
}

static BOOL wait_for(DWORD error, const char *name, DWORD timeout)
{
	struct cio_pipe_pair none = { { -1, -1 }, -1 };
	struct cio_thread *self = cio_self();
	struct cio_pipe_answer a = { 0 };

	if (!self)
		return FALSE;
	if (!error && timeout == NMPWAIT_USE_DEFAULT_WAIT) {
		if (!cio_pipe_describe(name, &a))
			error = call_server(self, name, CIO_PIPE_DESCRIBE, 0, NMPWAIT_WAIT_FOREVER,
					    &a, &none);
		timeout = a.timeout;
	}
	if (!error)
		error = call_server(self, name, CIO_PIPE_WAIT, 0, timeout, &a, &none);
	cio_pipe_pair_close(&none);
	return error ? cio_fail(error) : TRUE;
}

BOOL WINAPI WaitNamedPipeA(LPCSTR name, DWORD timeout)
{
	CIO_KEEP_ERRNO;
	char key[CIO_PIPE_NAME];

	return wait_for(cio_pipe_name_from_ansi(key, name), key, timeout);
}

BOOL WINAPI WaitNamedPipeW(LPCWSTR name, DWORD timeout)
{
	CIO_KEEP_ERRNO;
	char key[CIO_PIPE_NAME];

	return wait_for(cio_pipe_name_from_wide(key, name), key, timeout);
}
