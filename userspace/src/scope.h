/* SPDX-License-Identifier: MIT */
/*
 * Cancellation scopes.
 *
 * Each stay of a thread in a scope is a frame; the thread has its innermost, each frame the one
 * around it. A synchronous call is inside what its thread is inside. An operation keeps the frame
 * it was begun in until its end, wherever its thread is by then.
 *
 * Why the cancel of a scope can neither miss a call inside nor hit one outside:
 *
 * - A synchronous call says that it is in a call (the thread's word), and then looks at the flags of
 *   its scopes; a canceller sets the flag, and then looks at the word. In the one order or the other,
 *   one of the two sees the other; both go through the one exchange of that word.
 * - A canceller cancels the calls of threads that have a frame in the scope, under the state lock. To
 *   leave, a thread takes that lock too. So while it is looked at, whatever call it is in is inside.
 * - An operation looks at the flags when it is linked where a canceller finds it, under the state
 *   lock, under which they are set.
 */
#ifndef CIO_SCOPE_H
#define CIO_SCOPE_H

#include "list.h"
#include "object.h"

struct cio_scope;
struct cio_thread;

struct cio_frame {
	struct cio_list in_scope; /* state lock, as for all below */
	struct cio_scope *scope; /* a reference */
	struct cio_frame *outer; /* one of its references */
	struct cio_thread *thread; /* NULL: it has left */
	unsigned int refs; /* the thread's, the inner frames', the operations' */
};

/* The thread's own chain, or under the state lock: whether a call begun in it would fail. */
bool cio_frame_cancelled(const struct cio_frame *frame);

/* Under the state lock. */
bool cio_frame_within(const struct cio_frame *frame, const struct cio_scope *scope);
static inline struct cio_frame *cio_frame_get(struct cio_frame *frame)
{
	if (frame)
		frame->refs++;
	return frame;
}
void cio_frame_put(struct cio_frame *frame);

/* The calling thread ends: it leaves what it is in. */
void cio_scopes_leave(struct cio_thread *self);

void cio_scopes_reinit_in_child(void);

#endif
