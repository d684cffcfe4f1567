/* SPDX-License-Identifier: MIT */
/* What concerns the process as a whole: fork, and the end of its last thread. */
#ifndef CIO_PROCESS_H
#define CIO_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>
#include <windows.h>

/* Once, when the library gets its first thread. */
void cio_process_init(void);

/* The code of the application's thread that has ended last. */
void cio_process_ends_with(DWORD code);

/*
 * All threads that the library knows are idle or about to die, the calling one among them. If no other
 * lives at all, the process ends here: the library's own must not keep it.
 */
void cio_process_maybe_over(void);

/*
 * A thread is past all that it does, but the kernel may list it still. One of the application's says so
 * before it leaves the library's list: whoever finds none there must not take it for one that lives.
 */
void cio_process_thread_dies(pid_t tid);

/* A thread with this id is there and was not when the id was last seen dying. */
void cio_process_thread_lives(pid_t tid);

#endif
