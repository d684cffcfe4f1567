/* SPDX-License-Identifier: MIT */
#ifndef CIO_RW_H
#define CIO_RW_H

#include "op.h"
#include "status.h"

struct cio_thread;

/* One request at a time on a synchronous file (W-CREATE-4). The wait can be cancelled. */
DWORD cio_sync_wait_file(struct cio_thread *self, struct cio_file *file);
void cio_sync_wake_file(struct cio_file *file);

static inline DWORD cio_sync_lock_file(struct cio_thread *self, struct cio_file *file)
{
	unsigned int free = 0;

	if (atomic_compare_exchange_strong(&file->busy, &free, 1))
		return CIO_OK;
	return cio_sync_wait_file(self, file);
}

static inline void cio_sync_unlock_file(struct cio_file *file)
{
	if (atomic_exchange(&file->busy, 0) == 2)
		cio_sync_wake_file(file);
}

/* The transfer, by real system calls, inside a synchronous call; moves the position. */
DWORD cio_sync_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes);
/* The rest of it, after a system call that has answered `n`. */
DWORD cio_sync_go_on(struct cio_thread *self, struct cio_request *req, long n, DWORD *bytes);

/* ReadFile and WriteFile, but that their end is the routine's. */
BOOL cio_rw_with_routine(HANDLE handle, void *buffer, DWORD length, LPOVERLAPPED overlapped,
			 LPOVERLAPPED_COMPLETION_ROUTINE routine, bool write);
/* A read, a write, a control or a named pipe's connect, once the handle and its rights have been looked at. */
BOOL cio_request_run(struct cio_thread *self, struct cio_request *req, HANDLE event,
		     LPDWORD transferred);
/* A checked request on a synchronous file. */
BOOL cio_rw_synchronous(struct cio_thread *self, struct cio_request *req, LPDWORD transferred);
/* The same with a routine. */
BOOL cio_rwex_synchronous(struct cio_thread *self, struct cio_request *req);

/*
 * Waits until the request is final, whatever signals `obj` gets meanwhile. Answers as a wait for
 * one object does.
 */
DWORD cio_wait_final(struct cio_thread *self, struct cio_object *obj, LPOVERLAPPED overlapped,
		     DWORD milliseconds, BOOL alertable);

#endif
