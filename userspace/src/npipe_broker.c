// SPDX-License-Identifier: MIT
/*
 * Clients of other processes. Each name of a pipe is a socket in the abstract name space; one thread
 * for all names answers who comes there, and hands him the client's end of a connection.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "npipe.h"
#include "service.h"

#define BACKLOG 128
#define BIND_ATTEMPTS 1000
#define BIND_PAUSE_NS 1000000
#define ACCEPT_PAUSE_NS 10000000

struct caller {
	struct cio_list in_waiting; /* of a name, until it is answered; names' lock */
	int fd;
	uint64_t id; /* of the name that it came to */
	char name[CIO_PIPE_NAME];
};

static int poller = -1; /* names' lock, but for the thread itself; likewise below */
static uint64_t last_id;

/* A name too long for an address is told from others by its hash. */
unsigned int cio_pipe_address(struct sockaddr_un *addr, const char *name)
{
	uint64_t hash = 14695981039346656037u;
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = (hash ^ *c) * 1099511628211u;
	n = snprintf(addr->sun_path + 1, sizeof(addr->sun_path) - 1, "cancelio/pipe/%016llx/%.64s",
		     (unsigned long long)hash, name);
	return (unsigned int)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void answer(int fd, const struct cio_pipe_answer *a, const struct cio_pipe_pair *pair)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)a, sizeof(*a) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c = &control.header;
	int fds[2];

	if (pair && pair->end[1] >= 0) {
		fds[0] = pair->end[1];
		fds[1] = pair->page;
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(c), fds, sizeof(fds));
	}
	/* Who does not listen any more has given up. */
	syscall(SYS_sendmsg, fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void caller_free(struct caller *c)
{
	cio_pipes_lock();
	cio_list_del(&c->in_waiting);
	cio_pipes_unlock();
	epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
	syscall(SYS_close, c->fd);
	free(c);
}

static void answer_open(struct caller *c, const struct cio_pipe_call *call)
{
	struct cio_pipe_pair pair;
	struct cio_pipe_answer a;

	if (!cio_pipe_admit(c->name, call->access, call->pid, &a, &pair))
		a.error = ERROR_FILE_NOT_FOUND;
	answer(c->fd, &a, &pair);
	cio_pipe_pair_close(&pair);
}

/* True: he waits. */
static bool answer_wait(struct caller *c)
{
	struct cio_pipe_answer a = { .error = ERROR_FILE_NOT_FOUND };
	struct cio_pipe_port *port;
	bool listens, waits;
	const char *text;

	cio_pipes_lock();
	port = cio_pipe_port_find(c->id, &text, &listens);
	waits = port && !listens;
	if (waits)
		cio_list_add_tail(&c->in_waiting, &port->waiting);
	cio_pipes_unlock();
	if (!waits) {
		a.error = port ? 0 : ERROR_FILE_NOT_FOUND;
		answer(c->fd, &a, NULL);
	}
	return waits;
}

static void answer_describe(struct caller *c)
{
	struct cio_pipe_answer a;

	if (!cio_pipe_describe(c->name, &a))
		a.error = ERROR_FILE_NOT_FOUND;
	answer(c->fd, &a, NULL);
}

static bool is_ours(int fd)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0 &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

/* What he says, or that he has gone. */
static void hear(struct caller *c)
{
	static const struct cio_pipe_answer denied = { .error = ERROR_ACCESS_DENIED };
	struct cio_pipe_call call;
	long n = syscall(SYS_recvfrom, c->fd, &call, sizeof(call), MSG_DONTWAIT, NULL, NULL);
	bool waits = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == sizeof(call) && !is_ours(c->fd)) {
		answer(c->fd, &denied, NULL);
	} else if (n == sizeof(call) && !strncmp(call.name, c->name, sizeof(call.name))) {
		if (call.what == CIO_PIPE_OPEN)
			answer_open(c, &call);
		else if (call.what == CIO_PIPE_DESCRIBE)
			answer_describe(c);
		else if (call.what == CIO_PIPE_WAIT && cio_list_empty(&c->in_waiting))
			waits = answer_wait(c);
	}
	if (!waits)
		caller_free(c);
}

static void watch(int fd, uint64_t data)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = data };

	epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
}

static void pause_for(long ns)
{
	struct timespec pause = { .tv_nsec = ns };

	syscall(SYS_nanosleep, &pause, NULL);
}

/* Someone is at a name's door, which may be closed by now. */
static void welcome(uint64_t id)
{
	struct caller *c = calloc(1, sizeof(*c));
	struct cio_pipe_port *port;
	int fd = -1, err = EAGAIN;
	const char *text;
	bool listens;

	cio_pipes_lock();
	port = cio_pipe_port_find(id, &text, &listens);
	if (port) {
		fd = (int)syscall(SYS_accept4, port->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		err = errno;
		if (c)
			memcpy(c->name, text, strlen(text) + 1);
	}
	cio_pipes_unlock();
	if (fd < 0 || !c) {
		/* He waits until there is a descriptor, and is at the door at once again. */
		if (fd < 0 && err != EAGAIN)
			pause_for(ACCEPT_PAUSE_NS);
		if (fd >= 0)
			syscall(SYS_close, fd);
		free(c);
		return;
	}
	c->fd = fd;
	c->id = id;
	cio_list_init(&c->in_waiting);
	watch(fd, (uint64_t)(uintptr_t)c);
}

/* Names are odd, callers are addresses. */
static void serve(void *arg)
{
	struct epoll_event e;
	long n;

	(void)arg;
	for (;;) {
		n = syscall(SYS_epoll_pwait, poller, &e, 1, -1, NULL, 0);
		if (n < 0 && errno != EINTR)
			return;
		if (n != 1)
			continue;
		if (e.data.u64 & 1)
			welcome(e.data.u64 >> 1);
		else
			hear((struct caller *)(uintptr_t)e.data.u64);
	}
}

static DWORD start(void)
{
	if (poller >= 0)
		return 0;
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller < 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	if (cio_service_start(serve, NULL))
		return 0;
	syscall(SYS_close, poller);
	poller = -1;
	return ERROR_NOT_ENOUGH_MEMORY;
}

/* Whether anybody listens there. */
static bool is_answered(const struct sockaddr_un *addr, unsigned int length)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 &&
		       syscall(SYS_connect, fd, (const struct sockaddr *)addr, length) != 0 &&
		       errno == ECONNREFUSED;

	if (fd >= 0)
		syscall(SYS_close, fd);
	return !refused;
}

/*
 * 0, or the errno. An address at which nobody listens is a process's that has just been forked, and
 * has not come to closing what it need not have: until then it keeps what we have closed.
 */
static int bind_to(int fd, const struct sockaddr_un *addr, unsigned int length)
{
	int err = 0;

	for (int i = 0; i < BIND_ATTEMPTS; i++) {
		err = bind(fd, (const struct sockaddr *)addr, length) == 0 ? 0 : errno;
		if (err != EADDRINUSE || is_answered(addr, length))
			break;
		pause_for(BIND_PAUSE_NS);
	}
	return err;
}

DWORD cio_broker_open(struct cio_pipe_port *port, const char *name)
{
	struct sockaddr_un addr;
	unsigned int length = cio_pipe_address(&addr, name);
	DWORD error = start();
	int err;

	if (error)
		return error;
	port->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (port->fd < 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	err = bind_to(port->fd, &addr, length);
	if (!err && listen(port->fd, BACKLOG) != 0)
		err = errno;
	if (err) {
		syscall(SYS_close, port->fd);
		return err == EADDRINUSE ? ERROR_ACCESS_DENIED :
					   cio_status_to_error(cio_errno_to_status(err));
	}
	port->id = ++last_id;
	cio_list_init(&port->waiting);
	watch(port->fd, port->id << 1 | 1);
	return 0;
}

static void dismiss(struct cio_pipe_port *port, DWORD error)
{
	struct cio_pipe_answer a = { .error = error };

	cio_list_each_safe(pos, tmp, &port->waiting) {
		struct caller *c = cio_entry(pos, struct caller, in_waiting);

		cio_list_del(&c->in_waiting);
		/* He goes then, which the thread hears. */
		answer(c->fd, &a, NULL);
	}
}

void cio_broker_tell(struct cio_pipe_port *port)
{
	dismiss(port, 0);
}

/* A child of a fork that has the socket, too, must not keep the name alive, nor end it. */
void cio_broker_close(struct cio_pipe_port *port, bool shared)
{
	if (!shared) {
		dismiss(port, ERROR_FILE_NOT_FOUND);
		epoll_ctl(poller, EPOLL_CTL_DEL, port->fd, NULL);
		shutdown(port->fd, SHUT_RDWR);
	}
	syscall(SYS_close, port->fd);
}

void cio_broker_reinit_in_child(void)
{
	if (poller >= 0)
		syscall(SYS_close, poller);
	poller = -1;
}
