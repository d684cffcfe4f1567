/* SPDX-License-Identifier: MIT */
/*
 * One overlapped read, write or control in flight.
 *
 *   start -> [issuing] -> inline end, told by the call itself
 *                     \-> [pending] -> end, told by event, file object or OVERLAPPED
 *
 * In a stream it may have to wait for its turn before anything is asked of the kernel.
 *
 * Who has the operation is decided in `flags`: a completion that comes while the issuer is still
 * in its call is left to the issuer, any other belongs to whoever reaps it. A cancel sets a flag
 * and asks the kernel; it never ends an operation.
 */
#ifndef CIO_OP_H
#define CIO_OP_H

#include <linux/cancelio.h>
#include <stdatomic.h>
#include <stdint.h>
#include <windows.h>

#include "apc.h"
#include "control.h"
#include "file.h"
#include "list.h"
#include "object.h"
#include "port.h"
#include "ring.h"

#define CIO_OP_ISSUING 1u
#define CIO_OP_ARRIVED 2u /* a CQE came while ISSUING; its result is in `res` */
#define CIO_OP_CANCEL 4u /* somebody asked */
#define CIO_OP_ENDED 8u /* with ARRIVED: it is over, as `status` says */
#define CIO_OP_CUT 32u /* with CANCEL: its connection was ended from here, see npipe.h */
#define CIO_OP_ANSWERED 16u /* the kernel says that it has been cancelled */

struct cio_op {
	struct cio_list in_file, in_thread, in_lane; /* state lock */
	struct cio_op *next_free;
	struct cio_ring *ring;
	struct cio_file *file;
	struct cio_object *event; /* NULL: the file object is signalled instead */
	struct cio_thread *thread; /* that has issued it, and takes it along when it ends; state lock */
	struct cio_frame *frame; /* it was begun in it, while pending; state lock */
	LPOVERLAPPED overlapped;
	LPOVERLAPPED_COMPLETION_ROUTINE routine; /* its end is an APC to `thread` */
	bool no_packet; /* its end is not the port's business */
	/* Its notification, for as long as that is queued; the operation is reused after it. */
	union {
		struct cio_apc apc;
		struct cio_packet packet;
	};

	uint32_t index;
	_Atomic uint32_t generation; /* of this use; part of user_data */
	_Atomic uint32_t flags;
	_Atomic uint32_t cancel_pause_ms;
	int res;
	DWORD status;

	bool queued; /* waits for its turn in its lane; state lock */
	bool withdrawn; /* was cancelled while it waited; its CQE is only the messenger */
	uint8_t write; /* and which of the file's lanes it is in */
	bool append, polling;
	_Atomic bool command; /* it goes by a command of the module: see command.h */
	char *buffer;
	uint32_t length, done;
	uint64_t offset;
	const struct cio_code *code; /* it is a control; NULL: a read or write */
	union { /* of the command; the kernel may look at it until its CQE */
		struct cancelio_uring_io io;
		union cio_control_args args;
	};
	bool offloaded; /* state lock, as for the next */
	struct cio_thread *worker; /* that is at it */
};

struct cio_request {
	struct cio_file *file;
	struct cio_object *event;
	LPOVERLAPPED overlapped;
	LPOVERLAPPED_COMPLETION_ROUTINE routine;
	bool hidden; /* the application knows nothing of the OVERLAPPED */
	uint8_t write; /* 0: a read; else see npipe.h, too */
	bool append;
	bool append_only; /* the handle can do nothing else */
	void *buffer;
	DWORD length;
	uint64_t offset;
	const struct cio_code *code; /* a control, with its input; NULL: a read or write */
	const union cio_control_args *args;
};

/*
 * Starts the request. STATUS_PENDING: it will end later. Anything else: it has ended inline, with
 * *bytes transferred; on success or a warning the notifications have been made (W-OVL-5, -6), on an
 * error none has (W-OVL-7).
 */
DWORD cio_op_run(struct cio_thread *self, const struct cio_request *req, DWORD *bytes);

/*
 * A CQE of an operation, of its cancel, or of the pause before the next one. True: the kernel says
 * that the operation is cancelled, but its end has not been seen.
 */
bool cio_op_event(struct cio_ring *ring, uint64_t tag, int res);

/*
 * Looks after what has been cancelled, as the kernel says, if its end is not among what has been
 * reaped since. `tags` are those for which cio_op_event said so.
 */
void cio_ops_watch(struct cio_ring *ring, const uint64_t *tags, unsigned int count);

/*
 * Asks for the cancellation of what is pending on a file: all of it, or only that of one
 * OVERLAPPED, or only that of one thread. False: there was nothing.
 */
bool cio_ops_cancel(struct cio_file *file, LPOVERLAPPED overlapped, struct cio_thread *thread);

/* Cancels all that is pending on a named pipe, whose connection ends. */
void cio_ops_cut(struct cio_file *file);

/* The same of all that was begun in a scope. */
struct cio_scope;
void cio_ops_cancel_scope(const struct cio_scope *scope);

/*
 * The calling thread ends: cancels what it has issued, and waits for its end, but lets go what is
 * bound for a port (W-THREAD-3, -4).
 */
void cio_ops_drain_thread(struct cio_thread *self);

/* For synchronous requests that have an OVERLAPPED: publishes a result and signals the event. */
void cio_publish(struct cio_object *event, LPOVERLAPPED overlapped, DWORD status, DWORD bytes);
/* The other half: what a start resets (W-OVL-3). */
void cio_unpublish(struct cio_object *event);

/*
 * Under the state lock: no packet of what is pending comes to this port under this key. Tells how
 * many it would have been.
 */
unsigned int cio_ops_silence(const struct cio_port *port, ULONG_PTR key);

/* Pending operations belong to the parent. */
void cio_ops_reinit_in_child(void);
/* Without locks: what they have a hold on is let go. */
void cio_ops_release_in_child(void);

#endif
