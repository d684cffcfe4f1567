// SPDX-License-Identifier: MIT
/*
 * The cycle of libaio: io_submit, io_cancel, io_getevents, by the bare system calls.
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define BATCH	2000
#define LEN	4096
#define DATA	0x1234

struct aio {
	aio_context_t ctx;
	struct iocb iocb;
};

static void aio_cycle(void *arg)
{
	struct aio *aio = arg;
	struct iocb *iocb = &aio->iocb;
	struct io_event event;

	if (syscall(SYS_io_submit, aio->ctx, 1, &iocb) != 1)
		fail("io_submit: error %d", errno);
	if (syscall(SYS_io_cancel, aio->ctx, iocb, &event) != -1 || errno != EINPROGRESS)
		fail("io_cancel: error %d", errno);
	if (syscall(SYS_io_getevents, aio->ctx, 1, 1, &event, NULL) != 1)
		fail("io_getevents: error %d", errno);
	if (event.data != DATA || event.res != -ECANCELED)
		fail("the read has the result %lld", (long long)event.res);
}

double stream_aio(void)
{
	static unsigned char buf[LEN];
	struct aio aio = { 0 };
	struct device dev;
	double ns;

	device_make(&dev, "stream");
	aio.iocb.aio_fildes = device_open(&dev);
	aio.iocb.aio_lio_opcode = IOCB_CMD_PREAD;
	aio.iocb.aio_buf = (unsigned long)buf;
	aio.iocb.aio_nbytes = LEN;
	aio.iocb.aio_data = DATA;
	if (syscall(SYS_io_setup, 64, &aio.ctx))
		fail("io_setup: error %d", errno);
	ns = measure(aio_cycle, &aio, BATCH);
	if (device_pending(&dev))
		fail("%llu requests are left over", device_pending(&dev));
	syscall(SYS_io_destroy, aio.ctx);
	close(aio.iocb.aio_fildes);
	device_remove(&dev);
	return ns;
}
