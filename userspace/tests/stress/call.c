// SPDX-License-Identifier: MIT
/* System calls that wait, and those that ask before. */
#include <fcntl.h>
#include <linux/cancelio.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "stress.h"

static long call_ended(ssize_t n)
{
	return n < 0 ? -errno : n;
}

/* In two pieces, sometimes. */
static int pieces(struct lane *lane, struct iovec iov[2], struct rng *rng)
{
	size_t cut = one_in(rng, 3) ? any(rng, lane->len) : lane->len;

	iov[0] = (struct iovec){ lane->buf, cut };
	iov[1] = (struct iovec){ lane->buf + cut, lane->len - cut };
	return cut < lane->len ? 2 : 1;
}

static long call_make(struct actor *actor, struct lane *lane, enum op op)
{
	int fd = op == READ || op == WRITE ? atomic_load(&actor->stream) :
					     atomic_load(&actor->store);
	off_t pos = (off_t)lane->first * BLOCK;
	struct cancelio_info info = { 0 };
	struct iovec iov[2];
	int n;

	switch (op) {
	case READ:
		n = pieces(lane, iov, &actor->rng);
		return call_ended(n > 1 ? readv(fd, iov, n) : read(fd, lane->buf, lane->len));
	case WRITE:
		n = pieces(lane, iov, &actor->rng);
		return call_ended(n > 1 ? writev(fd, iov, n) : write(fd, lane->buf, lane->len));
	case SREAD:
		n = pieces(lane, iov, &actor->rng);
		return call_ended(n > 1 ? preadv(fd, iov, n, pos) :
					  pread(fd, lane->buf, lane->len, pos));
	case SWRITE:
		n = pieces(lane, iov, &actor->rng);
		return call_ended(n > 1 ? pwritev(fd, iov, n, pos) :
					  pwrite(fd, lane->buf, lane->len, pos));
	case FLUSH:
		return call_ended(fsync(fd));
	default:
		return call_ended(ioctl(fd, CANCELIO_IOC_INFO, &info));
	}
}

static enum op call_choose(struct actor *actor)
{
	if (atomic_load(&EP->phase) != RUN)
		return READ;
	switch (any(&actor->rng, EP->device ? 12 : 6)) {
	case 0 ... 2:
		return READ;
	case 3 ... 5:
		return WRITE;
	case 6 ... 7:
		return SREAD;
	case 8 ... 9:
		return SWRITE;
	case 10:
		return FLUSH;
	default:
		return CONTROL;
	}
}

static void reopen(struct actor *actor)
{
	close_own(actor);
	atomic_store(&actor->stream, open_stream(actor, 0));
}

static bool goes_on(void)
{
	return atomic_load(&EP->phase) != STOP && !atomic_load(&shared->failed);
}

/* One request at a time, each a call that sleeps. */
void *call_main(void *arg)
{
	struct actor *actor = arg;
	struct lane *lane = actor->lanes;

	atomic_store(&actor->tid, (int)syscall(SYS_gettid));
	atomic_store(&actor->stream, open_stream(actor, 0));
	atomic_store(&actor->store, open_store(actor));
	while (goes_on() && atomic_load(&actor->stream) >= 0) {
		enum op op = op_allowed(DOOR_CALL, call_choose(actor));
		long result;

		/* In a lull nobody writes. */
		if (atomic_load(&EP->phase) != RUN && op != READ) {
			usleep(1000);
			continue;
		}
		if (!lane_begin(lane, op, &actor->rng))
			continue;
		result = call_make(actor, lane, op);
		lane_end(lane, result, result > 0 ? (uint32_t)result : 0);
		if (result == -ENODEV)
			break;
		/* Somebody has closed it meanwhile. */
		if (result == -EBADF || result == -ECANCELED)
			reopen(actor);
	}
	close_own(actor);
	close(atomic_exchange(&actor->store, -1));
	atomic_store(&actor->over, true);
	return NULL;
}

/* Return: whether it might go on. */
static bool await(struct actor *actor, int fd, int epoll, bool write)
{
	/* For bytes it may wait until a signal says that this is the end. */
	bool forever = !write && one_in(&actor->rng, 2);
	int ms = forever ? -1 : 1 + (int)any(&actor->rng, 40);
	struct pollfd pfd = { .fd = fd, .events = write ? POLLOUT : POLLIN };
	struct timeval tv = { .tv_usec = ms * 1000 };
	struct epoll_event event = { .events = (write ? EPOLLOUT : EPOLLIN) | EPOLLET };
	fd_set set;
	int n;

	switch (any(&actor->rng, 3)) {
	case 0:
		return poll(&pfd, 1, ms) > 0;
	case 1:
		FD_ZERO(&set);
		FD_SET(fd, &set);
		return select(fd + 1, write ? NULL : &set, write ? &set : NULL, NULL,
			      forever ? NULL : &tv) > 0;
	default:
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
			fail("EPOLL_CTL_ADD: %s", strerror(errno));
		n = epoll_wait(epoll, &event, 1, ms);
		epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
		return n > 0;
	}
}

/* As an event loop does: polls, and then tries without waiting. */
void *poll_main(void *arg)
{
	struct actor *actor = arg;
	struct lane *lane = actor->lanes;
	int fd = open_stream(actor, O_NONBLOCK), epoll = epoll_create1(EPOLL_CLOEXEC);

	atomic_store(&actor->tid, (int)syscall(SYS_gettid));
	while (goes_on() && fd >= 0) {
		bool write = op_allowed(DOOR_POLL, one_in(&actor->rng, 2) ? WRITE : READ) == WRITE;
		long result;

		if (atomic_load(&EP->phase) != RUN && write) {
			usleep(1000);
			continue;
		}
		if (!await(actor, fd, epoll, write) &&
		    (atomic_load(&EP->phase) != RUN || !one_in(&actor->rng, 4)))
			continue;
		if (!lane_begin(lane, write ? WRITE : READ, &actor->rng))
			continue;
		lane->nonblock = true;
		result = call_ended(write ? syscall(SYS_write, fd, lane->buf, (size_t)lane->len) :
					    syscall(SYS_read, fd, lane->buf, (size_t)lane->len));
		lane_end(lane, result, result > 0 ? (uint32_t)result : 0);
		if (result == -ENODEV)
			break;
	}
	if (fd >= 0)
		close(fd);
	close(epoll);
	atomic_store(&actor->over, true);
	return NULL;
}
