// SPDX-License-Identifier: MIT
/*
 * Very many native reads of one device in one ring, and what one cancel among them
 * takes.
 *
 * They are more than a ring has room for completions: what does not fit, the kernel
 * keeps in a list of its own and loses none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cancelio.h>

#include "bench.h"

#define MANY		100000
#define FEW		10
#define BATCH		500
#define PLACES		16
#define SQ_ENTRIES	1024
#define CQ_ENTRIES	65536
#define CANCEL		UINT64_MAX

struct crowd {
	struct io_uring ring;
	int fd;
	struct cancelio_uring_io io;
	unsigned int count;
	int cancelled;
	uint64_t random;
	unsigned char buf[16];
};

void crowd_device(struct device *dev, const char *model)
{
	device_make(dev, model);
	if (!strcmp(model, "store")) {
		device_set(dev, "channels", 65536);
		device_set(dev, "read_latency_ns", HOUR_NS);
	}
}

struct crowd *crowd_make(const struct device *dev)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = CQ_ENTRIES,
	};
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	int err;

	if (!crowd)
		fail("no memory");
	err = io_uring_queue_init_params(SQ_ENTRIES, &crowd->ring, &params);
	if (err)
		fail("no io_uring: error %d", -err);
	crowd->fd = device_open(dev);
	crowd->io = cancelio_io(crowd->buf, sizeof(crowd->buf), 0);
	crowd->random = 88172645463325252ULL;
	return crowd;
}

static void prep_read(struct crowd *crowd, uint64_t tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&crowd->ring);

	cancelio_prep_read(sqe, crowd->fd, &crowd->io, tag);
	sqe->user_data = tag;
}

static void submit(struct crowd *crowd, int count)
{
	int n = io_uring_submit(&crowd->ring);

	if (n != count)
		fail("%d of %d are submitted", n, count);
}

void crowd_submit(struct crowd *crowd, unsigned int count)
{
	unsigned int n;

	while (crowd->count < count) {
		for (n = 0; n < SQ_ENTRIES && crowd->count < count; n++)
			prep_read(crowd, crowd->count++);
		submit(crowd, n);
	}
	if (io_uring_cq_ready(&crowd->ring))
		fail("a read does not pend");
}

void crowd_cancel(struct crowd *crowd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&crowd->ring);

	cancelio_prep_cancel_file(sqe, crowd->fd);
	sqe->user_data = CANCEL;
	submit(crowd, 1);
}

/* Return: the number of completions taken. */
static unsigned int reap_some(struct crowd *crowd, unsigned char *ended)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	int err;

	err = io_uring_wait_cqe(&crowd->ring, &cqe);
	if (err)
		fail("no completion: error %d", -err);
	io_uring_for_each_cqe(&crowd->ring, head, cqe) {
		n++;
		if (cqe->user_data == CANCEL) {
			crowd->cancelled = cqe->res;
			continue;
		}
		if (cqe->user_data >= crowd->count || ended[cqe->user_data]++)
			fail("a read has ended twice");
		if (cqe->res != -ECANCELED)
			fail("a read has the result %d", cqe->res);
	}
	io_uring_cq_advance(&crowd->ring, n);
	return n;
}

void crowd_reap(struct crowd *crowd)
{
	unsigned char *ended = calloc(crowd->count, 1);
	unsigned int n = 0;

	if (!ended)
		fail("no memory");
	while (n < crowd->count + 1)
		n += reap_some(crowd, ended);
	if (crowd->cancelled != (int)crowd->count)
		fail("the cancel of %u has the result %d", crowd->count, crowd->cancelled);
	if (*crowd->ring.cq.koverflow)
		fail("%u completions are lost", *crowd->ring.cq.koverflow);
	crowd->count = 0;
	free(ended);
}

void crowd_free(struct crowd *crowd)
{
	io_uring_queue_exit(&crowd->ring);
	close(crowd->fd);
	free(crowd);
}

/* ---- the cycle: one of them is cancelled, and submitted again ---- */

/* Marsaglia's xorshift: no order for a list or a tree to profit from. */
static uint64_t random_tag(struct crowd *crowd)
{
	crowd->random ^= crowd->random << 13;
	crowd->random ^= crowd->random >> 7;
	crowd->random ^= crowd->random << 17;
	return ((crowd->random >> 32) * crowd->count) >> 32;
}

static void cancel_one(void *arg)
{
	struct crowd *crowd = arg;
	uint64_t tag = random_tag(crowd);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&crowd->ring);
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	cancelio_prep_cancel_tag(sqe, crowd->fd, tag);
	sqe->user_data = CANCEL;
	if (io_uring_submit_and_wait(&crowd->ring, 2) != 1)
		fail("the cancel is not submitted");
	io_uring_for_each_cqe(&crowd->ring, head, cqe) {
		n++;
		if (cqe->user_data == CANCEL ? cqe->res != 1 :
		    cqe->user_data != tag || cqe->res != -ECANCELED)
			fail("the cancel of %llu ends %llu with %d", (unsigned long long)tag,
			     (unsigned long long)cqe->user_data, cqe->res);
	}
	if (n != 2)
		fail("%u have ended", n);
	io_uring_cq_advance(&crowd->ring, n);
	prep_read(crowd, tag);
	submit(crowd, 1);
}

static double cancel_among(const struct device *dev, unsigned int count)
{
	struct crowd *crowd = crowd_make(dev);
	double ns;

	crowd_submit(crowd, count);
	ns = measure(cancel_one, crowd, BATCH);
	if (device_pending(dev) != count)
		fail("%llu requests pend", device_pending(dev));
	crowd_cancel(crowd);
	crowd_reap(crowd);
	crowd_free(crowd);
	return ns;
}

static double among_many(const char *model)
{
	struct device dev;
	double ns;

	crowd_device(&dev, model);
	ns = cancel_among(&dev, MANY);
	device_remove(&dev);
	return ns;
}

/*
 * The kernel frees cheaper into the page that it takes objects from, and whether ten
 * objects share one is chance. So there is a mean of several places: each time, others
 * have taken one more object.
 */
static double among_few(const char *model)
{
	struct device dev, others;
	struct crowd *crowd;
	double sum = 0;
	int i;

	crowd_device(&others, model);
	crowd = crowd_make(&others);
	crowd_device(&dev, model);
	for (i = 1; i <= PLACES; i++) {
		crowd_submit(crowd, i);
		sum += cancel_among(&dev, FEW);
	}
	device_remove(&dev);
	crowd_cancel(crowd);
	crowd_reap(crowd);
	crowd_free(crowd);
	device_remove(&others);
	return sum / PLACES;
}

double stream_ten(void)
{
	return among_few("stream");
}

double stream_many(void)
{
	return among_many("stream");
}

double store_ten(void)
{
	return among_few("store");
}

double store_many(void)
{
	return among_many("store");
}
