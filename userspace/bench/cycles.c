// SPDX-License-Identifier: MIT
/*
 * Cycles of one request by io_uring: it pends, is cancelled, and both are reaped.
 *
 * All are alike but for what is prepared: a ring of 64 entries with no flags, one
 * io_uring_submit() for the read, one io_uring_submit_and_wait() for the cancel,
 * which waits for both completions. So each takes two system calls, and
 * io_uring_submit() has returned, with the read waiting, before it is cancelled.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cancelio.h>

#include "bench.h"

#define BATCH		2000
#define LEN		4096

/* The user_data, and the tag. */
enum { READ = 1, CANCEL };

struct cycle {
	struct io_uring ring;
	int fd;
	struct cancelio_uring_io io;
	/* What the cancel's result must be. */
	int cancelled;
	unsigned char buf[LEN];
};

static void setup(struct cycle *cycle, int fd, int cancelled)
{
	int err = io_uring_queue_init(64, &cycle->ring, 0);

	if (err)
		fail("no io_uring: error %d", -err);
	cycle->fd = fd;
	cycle->cancelled = cancelled;
	cycle->io = cancelio_io(cycle->buf, LEN, 0);
}

/* The read must be in flight: a completion now would be its failure. */
static void submit_read(struct cycle *cycle, struct io_uring_sqe *sqe)
{
	sqe->user_data = READ;
	if (io_uring_submit(&cycle->ring) != 1 || io_uring_cq_ready(&cycle->ring))
		fail("the read does not pend");
}

static void submit_cancel(struct cycle *cycle, struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;

	sqe->user_data = CANCEL;
	if (io_uring_submit_and_wait(&cycle->ring, 2) != 1)
		fail("the cancel is not submitted");
	io_uring_for_each_cqe(&cycle->ring, head, cqe) {
		if (cqe->res != (cqe->user_data == READ ? -ECANCELED : cycle->cancelled))
			fail("the %s has the result %d", cqe->user_data == READ ? "read" : "cancel",
			     cqe->res);
		seen += cqe->user_data;
	}
	if (seen != READ + CANCEL)
		fail("not each has ended once");
	io_uring_cq_advance(&cycle->ring, 2);
}

static void async_cancel(void *arg)
{
	struct io_uring_sqe *sqe;
	struct cycle *cycle = arg;

	sqe = io_uring_get_sqe(&cycle->ring);
	io_uring_prep_read(sqe, cycle->fd, cycle->buf, LEN, 0);
	submit_read(cycle, sqe);
	sqe = io_uring_get_sqe(&cycle->ring);
	io_uring_prep_cancel64(sqe, READ, 0);
	submit_cancel(cycle, sqe);
}

static void native_cancel(void *arg)
{
	struct io_uring_sqe *sqe;
	struct cycle *cycle = arg;

	sqe = io_uring_get_sqe(&cycle->ring);
	cancelio_prep_read(sqe, cycle->fd, &cycle->io, READ);
	submit_read(cycle, sqe);
	sqe = io_uring_get_sqe(&cycle->ring);
	cancelio_prep_cancel_tag(sqe, cycle->fd, READ);
	submit_cancel(cycle, sqe);
}

/* A read that pends not. */
static void submit_whole(struct cycle *cycle, struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;

	sqe->user_data = READ;
	if (io_uring_submit_and_wait(&cycle->ring, 1) != 1 ||
	    io_uring_peek_cqe(&cycle->ring, &cqe))
		fail("the read is not submitted");
	if (cqe->user_data != READ || cqe->res != LEN)
		fail("the read has the result %d", cqe->res);
	io_uring_cqe_seen(&cycle->ring, cqe);
}

static void read_at_once(void *arg)
{
	struct io_uring_sqe *sqe;
	struct cycle *cycle = arg;

	sqe = io_uring_get_sqe(&cycle->ring);
	io_uring_prep_read(sqe, cycle->fd, cycle->buf, LEN, 0);
	submit_whole(cycle, sqe);
}

static void native_at_once(void *arg)
{
	struct io_uring_sqe *sqe;
	struct cycle *cycle = arg;

	sqe = io_uring_get_sqe(&cycle->ring);
	cancelio_prep_read(sqe, cycle->fd, &cycle->io, READ);
	submit_whole(cycle, sqe);
}

/* ---- the rows ---- */

static struct cycle cycle;

double pipe_uring(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		fail("no pipe");
	setup(&cycle, fds[0], 0);
	return measure(async_cancel, &cycle, BATCH);
}

/* Opened by its name, as the library opens it. */
double fifo_uring(void)
{
	const char *path = "/tmp/bench.fifo";
	int fd;

	if (mkfifo(path, 0600) || open(path, O_RDWR | O_CLOEXEC) < 0)
		fail("no FIFO");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("the FIFO does not open");
	unlink(path);
	setup(&cycle, fd, 0);
	return measure(async_cancel, &cycle, BATCH);
}

/* @read_ns: on a store, how long a read takes. */
static double on_device(const char *model, uint64_t read_ns, void (*fn)(void *), int cancelled)
{
	struct device dev;
	double ns;

	device_make(&dev, model);
	device_set(&dev, "read_latency_ns", read_ns);
	setup(&cycle, device_open(&dev), cancelled);
	ns = measure(fn, &cycle, BATCH);
	if (device_pending(&dev))
		fail("%llu requests are left over", device_pending(&dev));
	close(cycle.fd);
	device_remove(&dev);
	return ns;
}

double stream_uring(void)
{
	return on_device("stream", 0, async_cancel, 0);
}

double stream_native(void)
{
	return on_device("stream", 0, native_cancel, 1);
}

double store_native(void)
{
	return on_device("store", HOUR_NS, native_cancel, 1);
}

double zero_read(void)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("no /dev/zero");
	setup(&cycle, fd, 0);
	return measure(read_at_once, &cycle, BATCH);
}

double store_read(void)
{
	return on_device("store", 0, native_at_once, 0);
}
