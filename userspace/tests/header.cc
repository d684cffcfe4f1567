// SPDX-License-Identifier: MIT
// Every function of <cancelio.h>, from C++.
#include <cancelio.h>

int main()
{
	char buf[8];
	iovec iov = {buf, sizeof(buf)};
	cancelio_uring_io io = cancelio_io(buf, sizeof(buf), 0), pieces = cancelio_iov(&iov, 1, 0);
	cancelio_info info = cancelio_info();
	cancelio_uring_cancel all = cancelio_uring_cancel();
	io_uring_sqe sqe;

	cancelio_prep_read(&sqe, 0, &io, 1);
	cancelio_prep_write(&sqe, 0, &pieces, 1);
	cancelio_prep_read_fixed(&sqe, 0, &io, 1, 0);
	cancelio_prep_write_fixed(&sqe, 0, &io, 1, 0);
	cancelio_prep_flush(&sqe, 0, 1);
	cancelio_prep_control(&sqe, 0, CANCELIO_IOC_INFO, &info, 1);
	cancelio_prep_cancel(&sqe, 0, CANCELIO_BY_DEVICE, 0, 0);
	cancelio_prep_cancel_tag(&sqe, 0, 1);
	cancelio_prep_cancel_tag_all(&sqe, 0, 1);
	cancelio_prep_cancel_file(&sqe, 0);
	cancelio_prep_cancel_op(&sqe, 0, CANCELIO_OP_READ);
	cancelio_prep_command(&sqe, 0, CANCELIO_URING_CANCEL, &all);
	return 0;
}
