/* SPDX-License-Identifier: MIT */
/* What a thread is asked to call at its next alertable wait (W-APC-*). */
#ifndef CIO_APC_H
#define CIO_APC_H

#include "object.h"

struct cio_apc {
	struct cio_list link;
	/* Called by the thread, without locks; the memory is the callee's from then on. */
	void (*run)(struct cio_apc *apc);
	/* The thread ends before: it will not be called (W-APC-7). Without locks. */
	void (*drop)(struct cio_apc *apc);
};

/* Under the state lock. False: the thread takes none any more. */
bool cio_apc_queue(struct cio_thread *thread, struct cio_apc *apc);

/* Runs what is queued for the calling thread, and what that queues. */
void cio_apcs_run(struct cio_thread *self);
/* The thread ends: it takes no more, and what it has got is dropped. */
void cio_apcs_drop(struct cio_thread *self);

#endif
