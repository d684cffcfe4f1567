/* SPDX-License-Identifier: MIT */
/*
 * Overlapped requests that the kernel only knows as calls that block: a thread of the library's makes
 * the call. There are as many as there are such calls at a time, up to a limit, and they end when
 * there is nothing to do. The end is an operation's like any other, and a cancel is that of the
 * synchronous call that the worker is in.
 */
#ifndef CIO_OFFLOAD_H
#define CIO_OFFLOAD_H

#include <stdbool.h>

struct cio_op;

/* Of the issuer. False: there is nobody to do it. */
bool cio_offload(struct cio_op *op);

/*
 * Under the state lock, of one that is offloaded: cancels the call. True: no worker has it, nor will;
 * its end is left to the caller.
 */
bool cio_offload_cancel(struct cio_op *op);

void cio_offload_reinit_in_child(void);

#endif
