/* SPDX-License-Identifier: MIT */
/* What concerns the process as a whole: fork, and the end of its last thread. */
#ifndef CIO_PROCESS_H
#define CIO_PROCESS_H

struct cio_thread;

/* Once, when the library gets its first thread. */
void cio_process_init(void);

/* The thread is past its last call and about to die. */
void cio_process_thread_gone(struct cio_thread *thread);

#endif
