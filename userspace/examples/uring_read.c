// SPDX-License-Identifier: MIT
/*
 * A read through io_uring that waits for a byte and is cancelled.
 *
 *	uring_read DEVICE
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>

enum { THE_READ = 1, THE_CANCEL = 2 };

int main(int argc, char **argv)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int cancelled = 0;
	char byte;
	int fd, i;

	fd = open(argc > 1 ? argv[1] : "/dev/cancelio0", O_RDONLY);
	if (fd < 0 || io_uring_queue_init(8, &ring, 0) < 0) {
		perror("uring_read");
		return 1;
	}

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, fd, &byte, 1, 0);
	io_uring_sqe_set_data64(sqe, THE_READ);
	io_uring_submit(&ring);
	printf("the read is submitted and waits\n");

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_cancel64(sqe, THE_READ, 0);
	io_uring_sqe_set_data64(sqe, THE_CANCEL);
	io_uring_submit(&ring);

	for (i = 0; i < 2; i++) {
		if (io_uring_wait_cqe(&ring, &cqe) < 0)
			return 1;
		printf("the %s ends with %d (%s)\n",
		       cqe->user_data == THE_READ ? "read" : "cancel", cqe->res,
		       cqe->res < 0 ? strerror(-cqe->res) : "success");
		if (cqe->user_data == THE_READ)
			cancelled = cqe->res == -ECANCELED;
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	return !cancelled;
}
