/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: a request's life.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cancelio

#if !defined(CANCELIO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CANCELIO_TRACE_H

#include <linux/tracepoint.h>

#include "device.h"
#include "request.h"

TRACE_DEFINE_ENUM(CANCELIO_OPEN);
TRACE_DEFINE_ENUM(CANCELIO_READ);
TRACE_DEFINE_ENUM(CANCELIO_WRITE);
TRACE_DEFINE_ENUM(CANCELIO_FLUSH);
TRACE_DEFINE_ENUM(CANCELIO_CONTROL);

#define show_cancelio_op(op)						\
	__print_symbolic(op,						\
			 { CANCELIO_OPEN,	"open" },		\
			 { CANCELIO_READ,	"read" },		\
			 { CANCELIO_WRITE,	"write" },		\
			 { CANCELIO_FLUSH,	"flush" },		\
			 { CANCELIO_CONTROL,	"control" })

DECLARE_EVENT_CLASS(cancelio_request,
	TP_PROTO(const struct cancelio_request *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		__field(int, dev)
		__field(int, op)
		__field(u64, id)
		__field(size_t, len)
	),
	TP_fast_assign(
		__entry->dev = req->dev->id;
		__entry->op = req->op;
		__entry->id = req->ticket;
		__entry->len = req->len;
	),
	TP_printk("dev=cancelio%d id=%llu op=%s len=%zu",
		  __entry->dev, __entry->id, show_cancelio_op(__entry->op), __entry->len)
);

/* It waits, undelivered or handed back. */
DEFINE_EVENT(cancelio_request, cancelio_queue,
	TP_PROTO(const struct cancelio_request *req), TP_ARGS(req));
/* A device has begun with it. */
DEFINE_EVENT(cancelio_request, cancelio_start,
	TP_PROTO(const struct cancelio_request *req), TP_ARGS(req));
/* Its owner lets it be cancelled. */
DEFINE_EVENT(cancelio_request, cancelio_mark,
	TP_PROTO(const struct cancelio_request *req), TP_ARGS(req));
/* Somebody asks that it be cancelled. */
DEFINE_EVENT(cancelio_request, cancelio_cancel,
	TP_PROTO(const struct cancelio_request *req), TP_ARGS(req));
/* The hardware was told to stop. */
DEFINE_EVENT(cancelio_request, cancelio_abort,
	TP_PROTO(const struct cancelio_request *req), TP_ARGS(req));

/*
 * It has ended. Times in nanoseconds: total_ns since it was accepted; of them,
 * queued_ns until it was started last (0: never); cancel_ns since a cancel was
 * first asked (0: never).
 */
TRACE_EVENT(cancelio_complete,
	TP_PROTO(const struct cancelio_request *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		__field(int, dev)
		__field(int, op)
		__field(u64, id)
		__field(int, status)
		__field(size_t, bytes)
		__field(u64, queued_ns)
		__field(u64, total_ns)
		__field(u64, cancel_ns)
	),
	TP_fast_assign(
		u64 now = ktime_get_ns(), asked = READ_ONCE(req->canceled_at);

		__entry->dev = req->dev->id;
		__entry->op = req->op;
		__entry->id = req->ticket;
		__entry->status = req->status;
		__entry->bytes = req->bytes;
		__entry->queued_ns = req->started_at ? req->started_at - req->accepted_at : 0;
		__entry->total_ns = now - req->accepted_at;
		__entry->cancel_ns = asked ? now - asked : 0;
	),
	TP_printk("dev=cancelio%d id=%llu op=%s status=%d bytes=%zu queued_ns=%llu total_ns=%llu cancel_ns=%llu",
		  __entry->dev, __entry->id, show_cancelio_op(__entry->op), __entry->status,
		  __entry->bytes, __entry->queued_ns, __entry->total_ns, __entry->cancel_ns)
);

#endif /* CANCELIO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
