/* SPDX-License-Identifier: MIT */
/* What concerns the process as a whole: fork, and the end of its last thread. */
#ifndef CIO_PROCESS_H
#define CIO_PROCESS_H

#include <sys/types.h>
#include <windows.h>

/* Once, when the library gets its first thread. */
void cio_process_init(void);

/*
 * The calling thread is about to die, and no other that the library knows lives. If no other
 * lives at all, the process ends here with the given code: the library's own must not keep it.
 */
void cio_process_maybe_over(DWORD code);

/* A thread of the library's is past all that it does, but the kernel may list it still. */
void cio_process_thread_dies(pid_t tid);

/* A thread with this id is there and was not when the id was last seen dying. */
void cio_process_thread_lives(pid_t tid);

#endif
