/* SPDX-License-Identifier: MIT */
/*
 * What the files of an operation share: op.c (its life), op_step.c (what is asked of the kernel
 * next), op_cancel.c (asking that it end).
 */
#ifndef CIO_OP_PRIVATE_H
#define CIO_OP_PRIVATE_H

#include "op.h"

#define CIO_OP_CHUNK 64
#define CIO_OP_CHUNKS 16384

/* Operations are never freed, only reused: a late CQE can always look at what it names. */
CIO_HIDDEN extern struct cio_op *_Atomic cio_op_chunks[CIO_OP_CHUNKS];

static inline struct cio_op *cio_op_at(uint32_t index)
{
	return &atomic_load_explicit(&cio_op_chunks[index / CIO_OP_CHUNK],
				     memory_order_acquire)[index % CIO_OP_CHUNK];
}

/* How many there are; state lock. */
uint32_t cio_ops_made(void);

/* One step further. PENDING: a CQE will come. Otherwise the operation has ended. */
DWORD cio_step_next(struct cio_op *op);
DWORD cio_step_result(struct cio_op *op, int res);
/* For cio_step_next: what it is to wait for has been decided. */
DWORD cio_step_submit(struct cio_op *op);
/* What a cancelled operation ends with. */
DWORD cio_step_cancelled(struct cio_op *op);

/* The kernel, or a worker in its place, has a result. */
void cio_op_arrived(struct cio_op *op, int res);

/* Asks the kernel to cancel the operation of this name, if it is there still. */
void cio_op_submit_cancel(struct cio_ring *ring, uint64_t tag);
/* A CQE of a cancel, or of the pause before the next one; answers as cio_op_event(). */
bool cio_cancel_event(struct cio_ring *ring, uint64_t tag, int res);

static inline uint64_t tag_of(const struct cio_op *op)
{
	return (uint64_t)atomic_load_explicit(&op->generation, memory_order_relaxed) << 32 |
	       (uint64_t)op->index << 2;
}

/* A CQE of the operation itself is proof of life; of a cancel's CQE the target may be gone. */
static inline struct cio_op *op_of(uint64_t tag)
{
	return cio_op_at((uint32_t)tag >> 2);
}

static inline bool op_is_current(uint64_t tag)
{
	return tag_of(op_of(tag)) == (tag & ~(uint64_t)CIO_CQE_KIND);
}

static inline bool cancel_asked(struct cio_op *op)
{
	return atomic_load(&op->flags) & CIO_OP_CANCEL;
}

#endif
