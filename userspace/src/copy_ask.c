// SPDX-License-Identifier: MIT
/* How a copy asks its caller whether to go on (W-COPY-1, -2, -3). */
#include "copy_private.h"

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
		/* CopyFileEx has no such answer; and what is complete needs no pause (W-COPY-3). */
		if (!c->how->routine2 || (c->in->type == S_IFREG && c->done >= c->size))
			return 0;
		c->keep = true;
		return ERROR_REQUEST_PAUSED;
	case PROGRESS_QUIET:
		c->quiet = true;
		return 0;
	}
	return 0;
}

static struct cio_copy_report report_of(const struct cio_copying *c, enum cio_copy_event event)
{
	struct cio_copy_report r = {
		.event = event,
		.source = c->source,
		.target = c->target,
		.size = c->size > c->done ? c->size : c->done,
		.done = c->done,
		.chunk = c->chunk,
		.phase = c->phase,
	};

	return r;
}

static bool is_asked(const struct cio_copying *c)
{
	return c->how->report && !c->quiet;
}

/* Meanwhile the caller may make synchronous calls of its own, so the copy is none. */
static DWORD call_report(struct cio_copying *c, const struct cio_copy_report *r)
{
	DWORD answer;

	if (cio_copy_leave(c)) {
		cio_copy_enter(c);
		return ERROR_OPERATION_ABORTED;
	}
	answer = c->how->report(c->how, r);
	cio_copy_enter(c);
	return do_as_told(c, answer);
}

DWORD cio_copy_ask(struct cio_copying *c, enum cio_copy_event event, uint64_t chunk_size)
{
	struct cio_copy_report r = report_of(c, event);
	DWORD error = 0;

	r.chunk_size = chunk_size;
	if (is_asked(c))
		error = call_report(c, &r);
	if (!cio_copy_flag_is_set(c))
		return error;
	c->keep = false;
	return ERROR_REQUEST_ABORTED;
}

void cio_copy_tell(struct cio_copying *c, enum cio_copy_event event, DWORD error)
{
	struct cio_copy_report r = report_of(c, event);

	r.error = error;
	if (is_asked(c))
		c->how->report(c->how, &r);
}

static LARGE_INTEGER large(uint64_t n)
{
	LARGE_INTEGER l = {.QuadPart = (LONGLONG)n};

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
	return how->routine(large(r->size), large(r->done), large(r->size), large(r->done), 1,
			    reason, r->source, r->target, how->data);
}
