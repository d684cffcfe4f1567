/* SPDX-License-Identifier: MIT */
/* Mutexes belong to a thread, and are abandoned when it ends. */
#ifndef CIO_MUTEX_H
#define CIO_MUTEX_H

#include "thread.h"

/* Under the state lock: the thread ends, or is not in this process. */
void cio_mutexes_abandon(struct cio_thread *thread);

#endif
