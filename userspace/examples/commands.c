// SPDX-License-Identifier: MIT
/*
 * Ten reads in flight on a store, by one thread; each is cancelled by its tag, and each ends once.
 *
 *	commands [STORE]
 *
 * For a store that takes its time:
 *	echo 5000000000 > /sys/class/cancelio/cancelio1/read_latency_ns
 */
#include <cancelio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { READS = 10, SIZE = 512 };

/* What a CQE belongs to: its user_data is the read's number, and for its cancel a hundred more. */
enum { CANCEL = 100 };

static const char *meaning(int res)
{
	return res < 0 ? strerror(-res) : "success";
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/cancelio1";
	struct cancelio_uring_io io[READS];
	static char buf[READS][SIZE];
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int ends[READS] = { 0 }, cancelled = 0;
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		perror(path);
		return 1;
	}
	if (io_uring_queue_init(2 * READS, &ring, 0) < 0) {
		fprintf(stderr, "there is no io_uring\n");
		return 1;
	}

	for (int i = 0; i < READS; i++) {
		io[i] = cancelio_io(buf[i], SIZE, (__u64)i * SIZE);
		sqe = io_uring_get_sqe(&ring);
		cancelio_prep_read(sqe, fd, &io[i], (__u64)i);
		io_uring_sqe_set_data64(sqe, (__u64)i);
	}
	io_uring_submit(&ring);
	printf("%d reads are submitted\n", READS);

	for (int i = 0; i < READS; i++) {
		sqe = io_uring_get_sqe(&ring);
		cancelio_prep_cancel_tag(sqe, fd, (__u64)i);
		io_uring_sqe_set_data64(sqe, CANCEL + (__u64)i);
	}
	io_uring_submit(&ring);

	/* A read and its cancel end in either order. */
	for (int i = 0; i < 2 * READS; i++) {
		if (io_uring_wait_cqe(&ring, &cqe) < 0)
			return 1;
		if (cqe->user_data < CANCEL) {
			ends[cqe->user_data]++;
			cancelled += cqe->res == -ECANCELED;
			printf("read   %2d ends with %4d (%s)\n", (int)cqe->user_data, cqe->res,
			       meaning(cqe->res));
		} else {
			printf("cancel %2d ends with %4d (%s)\n", (int)(cqe->user_data - CANCEL),
			       cqe->res, meaning(cqe->res));
		}
		io_uring_cqe_seen(&ring, cqe);
	}
	for (int i = 0; i < READS; i++)
		if (ends[i] != 1)
			return 1;
	printf("%d of %d reads were cancelled\n", cancelled, READS);
	io_uring_queue_exit(&ring);
	return 0;
}
