// SPDX-License-Identifier: MIT
/* How a copy asks its caller whether to go on (W-COPY-1, -2, -3). */
#include "copy_private.h"
#include "status.h"
#include "sync.h"
#include "thread.h"

static bool flag_is_set(const struct cio_copying *c)
{
	return c->how->cancel && __atomic_load_n(c->how->cancel, __ATOMIC_RELAXED);
}

DWORD cio_copy_error(const struct cio_copying *c, long ret)
{
	if (ret != -EINTR)
		return cio_status_to_error(cio_errno_to_status((int)-ret));
	/* Cancelled; and it may be the watch that did it. */
	return flag_is_set(c) ? ERROR_REQUEST_ABORTED : ERROR_OPERATION_ABORTED;
}

static DWORD do_as_told(struct cio_copying *c, DWORD answer)
{
	switch (answer) {
	case PROGRESS_CANCEL:
		c->keep = false;
		return ERROR_REQUEST_ABORTED;
	case PROGRESS_STOP:
		c->keep = true;
		return ERROR_REQUEST_ABORTED;
	case COPYFILE2_PROGRESS_PAUSE:
		/* CopyFileEx has no such answer. */
		if (!c->how->routine2)
			return 0;
		c->keep = true;
		return ERROR_REQUEST_PAUSED;
	case PROGRESS_QUIET:
		c->quiet = true;
		return 0;
	}
	return 0;
}

/* In here the caller may make synchronous calls of its own, so the copy is none. */
static DWORD call_report(struct cio_copying *c, const struct cio_copy_report *r, DWORD *answer)
{
	if (cio_copy_leave(c))
		return cio_copy_error(c, -EINTR);
	*answer = c->how->report(c->how, r);
	cio_copy_enter(c);
	return 0;
}

DWORD cio_copy_ask(struct cio_copying *c, enum cio_copy_event event, uint64_t chunk_size)
{
	struct cio_copy_report r = {
		.event = event,
		.source = c->source,
		.target = c->target,
		.size = c->size > c->done ? c->size : c->done,
		.done = c->done,
		.chunk = c->chunk,
		.chunk_size = chunk_size,
	};
	DWORD error = 0, answer = PROGRESS_CONTINUE;

	if (c->how->report && !c->quiet) {
		error = call_report(c, &r, &answer);
		if (!error)
			error = do_as_told(c, answer);
	}
	if (!error && flag_is_set(c))
		error = ERROR_REQUEST_ABORTED;
	return error;
}

void cio_copy_tell_failure(struct cio_copying *c, DWORD error)
{
	struct cio_copy_report r = {
		.event = CIO_COPY_FAILED,
		.source = c->source,
		.target = c->target,
		.size = c->size > c->done ? c->size : c->done,
		.done = c->done,
		.chunk = c->chunk,
		.error = error,
		.phase = c->phase,
	};

	if (c->how->report && !c->quiet)
		c->how->report(c->how, &r);
}

static LARGE_INTEGER large(uint64_t n)
{
	LARGE_INTEGER l = { .QuadPart = (LONGLONG)n };

	return l;
}

DWORD cio_copy_report_progress(const struct cio_copy *how, const struct cio_copy_report *r)
{
	DWORD reason;

	if (r->event == CIO_COPY_STREAM_STARTED)
		reason = CALLBACK_STREAM_SWITCH;
	else if (r->event == CIO_COPY_CHUNK_FINISHED)
		reason = CALLBACK_CHUNK_FINISHED;
	else
		return PROGRESS_CONTINUE;
	return how->routine(large(r->size), large(r->done), large(r->size), large(r->done), 1, reason,
			    r->source, r->target, how->data);
}
