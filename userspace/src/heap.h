/* SPDX-License-Identifier: MIT */
/* The lock of the heaps and the regions of pages, taken around fork. */
#ifndef CIO_HEAP_H
#define CIO_HEAP_H

void cio_heap_lock(void);
void cio_heap_unlock(void);
void cio_heap_reinit_in_child(void);

#endif
