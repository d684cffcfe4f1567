/* SPDX-License-Identifier: MIT */
#ifndef CIO_RW_H
#define CIO_RW_H

#include "op.h"

struct cio_thread;

/* One request at a time on a synchronous file (W-CREATE-4). The wait can be cancelled. */
DWORD cio_sync_lock_file(struct cio_thread *self, struct cio_file *file);
void cio_sync_unlock_file(struct cio_file *file);

/* The transfer, by real system calls, inside a synchronous call; moves the position. */
DWORD cio_sync_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes);

/* Waits until the request is final, whatever signals `obj` gets meanwhile. */
void cio_wait_final(struct cio_thread *self, struct cio_object *obj, LPOVERLAPPED overlapped);

#endif
