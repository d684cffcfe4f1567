// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <unistd.h>

#include "apc.h"
#include "file.h"
#include "handle.h"
#include "port.h"
#include "ring.h"
#include "thread.h"

/* Results of a wait, besides WAIT_*, ERROR_ABANDONED_WAIT_0 and what only cio_port_take() sees. */
#define ASLEEP 0xFFFF0001u
#define WATCH 0xFFFF0002u

static void port_destroy(struct cio_object *obj)
{
	free(cio_entry(obj, struct cio_port, obj));
}

static void port_last_handle(struct cio_object *obj)
{
	cio_port_close(cio_entry(obj, struct cio_port, obj));
}

static void port_after_fork(struct cio_object *obj)
{
	cio_port_reset(cio_entry(obj, struct cio_port, obj));
}

const struct cio_class cio_port_class = {
	.name = "port",
	.all = IO_COMPLETION_ALL_ACCESS,
	.read = READ_CONTROL | IO_COMPLETION_QUERY_STATE,
	.write = READ_CONTROL | IO_COMPLETION_MODIFY_STATE,
	.execute = READ_CONTROL | SYNCHRONIZE,
	.no_waits = true, /* W-WAIT-3 */
	.last_handle = port_last_handle,
	.destroy = port_destroy,
	.after_fork = port_after_fork,
};

struct cio_port *cio_port_new(DWORD slots)
{
	struct cio_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	cio_object_init(&port->obj, &cio_port_class, false);
	cio_list_init(&port->packets);
	cio_list_init(&port->waiters);
	cio_list_init(&port->members);
	port->slots = slots ? slots : (DWORD)sysconf(_SC_NPROCESSORS_ONLN);
	return port;
}

DWORD cio_port_bind(struct cio_port *port, struct cio_file *file, ULONG_PTR key)
{
	DWORD error = 0;

	cio_state_lock();
	if (!file->overlapped || file->port) {
		error = ERROR_INVALID_PARAMETER; /* W-PORT-2 */
	} else if (port->closed) {
		error = ERROR_INVALID_HANDLE;
	} else {
		cio_object_get(&port->obj);
		file->port = port;
		file->key = key;
	}
	cio_state_unlock();
	return error;
}

void cio_port_unbind(struct cio_file *file)
{
	if (file->port)
		cio_object_put(&file->port->obj);
}

/* ---- slots; under the state lock ---- */

void cio_port_slot_take(struct cio_thread *thread)
{
	thread->idle = thread->lent = false;
	if (!thread->port || thread->slot)
		return;
	thread->slot = true;
	thread->port->running++;
}

void cio_port_slot_free(struct cio_thread *thread)
{
	if (!thread->slot)
		return;
	thread->slot = false;
	thread->port->running--;
}

static void member_leave(struct cio_thread *thread)
{
	cio_port_slot_free(thread);
	cio_list_del(&thread->in_port);
	thread->lent = false;
	thread->port = NULL;
}

/* Who asks for a packet has dealt with the last one. */
static void member_asks(struct cio_port *port, struct cio_thread *self)
{
	struct cio_port *old = self->port;

	if (old == port) {
		cio_port_slot_free(self);
		self->lent = false;
		return;
	}
	if (old) {
		member_leave(self);
		cio_port_serve(old);
	}
	if (!port->closed) {
		cio_list_add_tail(&self->in_port, &port->members);
		self->port = port;
	}
}

void cio_port_leave(struct cio_thread *self)
{
	struct cio_port *port;

	cio_state_lock();
	port = self->port;
	if (port) {
		member_leave(self);
		cio_port_serve(port);
	}
	cio_state_unlock();
}

bool cio_port_block(struct cio_thread *self)
{
	bool had;

	cio_state_lock();
	had = self->slot;
	if (had) {
		cio_port_slot_free(self);
		cio_port_serve(self->port);
	}
	cio_state_unlock();
	return had;
}

void cio_port_unblock(struct cio_thread *self)
{
	cio_state_lock();
	cio_port_slot_take(self);
	cio_state_unlock();
}

bool cio_port_block_for_call(struct cio_thread *self)
{
	const struct cio_file *file = atomic_load(&self->sync.file);

	return (!file || file->type != S_IFREG) && cio_port_block(self);
}

/* ---- packets; under the state lock ---- */

static void packet_read(struct cio_port *port, OVERLAPPED_ENTRY *entry)
{
	struct cio_packet *packet = cio_entry(port->packets.next, struct cio_packet, link);

	entry->lpCompletionKey = packet->key;
	entry->lpOverlapped = packet->overlapped;
	entry->Internal = packet->status;
	entry->dwNumberOfBytesTransferred = packet->bytes;
	cio_list_del(&packet->link);
	port->taken++;
	packet->release(packet);
}

static void waiter_unlink(struct cio_port_wait *w)
{
	cio_list_del(&w->link);
	if (w->port->watcher == w)
		w->port->watcher = NULL;
}

static void hand_over(struct cio_port *port, struct cio_port_wait *w)
{
	packet_read(port, w->entry);
	waiter_unlink(w);
	cio_port_slot_take(w->wait.thread);
	cio_wait_end(&w->wait, WAIT_OBJECT_0);
}

/* Of those that wait, one looks after the threads that have the slots: the least likely to be next. */
static void watch_begin(struct cio_port *port)
{
	struct cio_port_wait *w;

	port->held_up++;
	if (port->watcher)
		return;
	w = cio_entry(port->waiters.prev, struct cio_port_wait, link);
	waiter_unlink(w);
	port->watcher = w;
	cio_wait_end(&w->wait, WATCH);
}

void cio_port_serve(struct cio_port *port)
{
	while (!cio_list_empty(&port->packets) && !cio_list_empty(&port->waiters)) {
		struct cio_port_wait *w = cio_entry(port->waiters.next, struct cio_port_wait, link);

		if (atomic_load(&w->wait.done)) {
			waiter_unlink(w); /* an APC has been faster */
		} else if (port->running >= port->slots) {
			watch_begin(port);
			return;
		} else {
			hand_over(port, w);
		}
	}
	if (port->hungry && !cio_list_empty(&port->packets))
		port->hungry(port);
}

void cio_port_post(struct cio_port *port, struct cio_packet *packet)
{
	if (port->closed) {
		packet->release(packet); /* W-PORT-12 */
		return;
	}
	cio_list_add_tail(&packet->link, &port->packets);
	if (!cio_list_empty(&port->waiters) || port->hungry)
		cio_port_serve(port);
}

static void packets_release(struct cio_port *port)
{
	while (!cio_list_empty(&port->packets)) {
		struct cio_packet *packet = cio_entry(port->packets.next, struct cio_packet, link);

		cio_list_del(&packet->link);
		packet->release(packet);
	}
}

unsigned int cio_port_drop(struct cio_port *port, ULONG_PTR key)
{
	unsigned int count = 0;

	cio_list_each_safe(pos, tmp, &port->packets) {
		struct cio_packet *packet = cio_entry(pos, struct cio_packet, link);

		if (packet->key != key)
			continue;
		cio_list_del(&packet->link);
		packet->release(packet);
		count++;
	}
	return count;
}

void cio_port_close(struct cio_port *port)
{
	cio_state_lock();
	port->closed = true;
	packets_release(port);
	while (!cio_list_empty(&port->waiters)) {
		struct cio_port_wait *w = cio_entry(port->waiters.next, struct cio_port_wait, link);

		waiter_unlink(w);
		cio_wait_end(&w->wait, ERROR_ABANDONED_WAIT_0);
	}
	while (!cio_list_empty(&port->members))
		member_leave(cio_entry(port->members.next, struct cio_thread, in_port));
	cio_state_unlock();
}

void cio_port_reset(struct cio_port *port)
{
	struct cio_thread *self = cio_self_if_known();

	packets_release(port); /* they are for the parent to deal with */
	cio_list_init(&port->waiters);
	cio_list_init(&port->members);
	port->watcher = NULL;
	port->running = 0;
	if (self && self->port == port) {
		cio_list_add_tail(&self->in_port, &port->members);
		port->running = self->slot;
	}
}

/* ---- what was posted by hand ---- */

#define POSTED_CHUNK 64

/* Never freed, only reused; state lock. */
static struct cio_list free_posted = CIO_LIST_INIT(free_posted);

static void posted_release(struct cio_packet *packet)
{
	cio_list_add_tail(&packet->link, &free_posted);
}

static bool posted_grow(void)
{
	struct cio_packet *chunk = calloc(POSTED_CHUNK, sizeof(*chunk));

	for (int i = 0; chunk && i < POSTED_CHUNK; i++)
		posted_release(&chunk[i]);
	return chunk != NULL;
}

DWORD cio_port_post_values(struct cio_port *port, ULONG_PTR key, LPOVERLAPPED overlapped,
			   DWORD bytes)
{
	DWORD error = 0;

	cio_state_lock();
	if (port->closed) {
		error = ERROR_INVALID_HANDLE;
	} else if (cio_list_empty(&free_posted) && !posted_grow()) {
		error = ERROR_NO_SYSTEM_RESOURCES;
	} else {
		struct cio_packet *packet = cio_entry(free_posted.prev, struct cio_packet, link);

		cio_list_del(&packet->link);
		packet->key = key;
		packet->overlapped = overlapped;
		packet->status = 0;
		packet->bytes = bytes;
		packet->release = posted_release;
		cio_port_post(port, packet);
	}
	cio_state_unlock();
	return error;
}

/* ---- the threads ---- */

/* Under the state lock. Should it have been the watcher, another takes over. */
static void queue_leave(struct cio_port_wait *w)
{
	bool watcher = w->port->watcher == w;

	waiter_unlink(w);
	if (watcher)
		cio_port_serve(w->port);
}

static void queue_enter(struct cio_port_wait *w)
{
	struct cio_port *port = w->port;

	if (w->watches)
		cio_list_add_tail(&w->link, &port->waiters);
	else
		cio_list_add_tail(&w->link, port->waiters.next); /* in front of all */
	if (!cio_port_is_held_up(port))
		return;
	port->held_up++;
	if (!port->watcher) {
		port->watcher = w;
		w->watches = true;
	}
}

/* Under the state lock. ASLEEP: it is one of the waiters now. */
static DWORD take_or_queue(struct cio_port_wait *w, bool may_wait)
{
	struct cio_port *port = w->port;

	if (port->closed)
		return ERROR_ABANDONED_WAIT_0;
	if (!cio_list_empty(&port->packets) && port->running < port->slots) {
		packet_read(port, w->entry);
		if (port->hungry)
			cio_port_serve(port);
		return WAIT_OBJECT_0;
	}
	cio_wait_start(&w->wait);
	if (atomic_load(&w->wait.done))
		return w->wait.result;
	if (!may_wait) {
		cio_wait_give_up(&w->wait);
		return WAIT_TIMEOUT;
	}
	queue_enter(w);
	return ASLEEP;
}

/* Under the state lock: the sleep is over. */
static DWORD woken(struct cio_port_wait *w)
{
	if (cio_wait_give_up(&w->wait))
		return WAIT_TIMEOUT;
	if (w->wait.result != WATCH)
		return w->wait.result;
	w->watches = true;
	atomic_store(&w->wait.done, false);
	return take_or_queue(w, true);
}

/* The watcher's sleep ends each tick. True: that is why it has ended. */
static bool sleep_a_while(struct cio_port_wait *w, uint64_t deadline)
{
	uint64_t tick = w->watches ? cio_deadline(CIO_PORT_TICK_MS) : CIO_FOREVER;

	return !cio_wait_until(w->wait.thread, &w->wait.done, tick < deadline ? tick : deadline) &&
	       tick < deadline;
}

static DWORD wait_in_queue(struct cio_port_wait *w, DWORD milliseconds)
{
	uint64_t deadline = cio_deadline(milliseconds);
	DWORD result;

	do {
		while (sleep_a_while(w, deadline))
			cio_port_watch(w);
		/* Who has been given a packet has been given a slot, and is out of the queue. */
		if (atomic_load(&w->wait.done) && w->wait.result == WAIT_OBJECT_0)
			return WAIT_OBJECT_0;
		cio_state_lock();
		result = woken(w);
		if (result != ASLEEP) {
			queue_leave(w);
			cio_port_slot_take(w->wait.thread);
		}
		cio_state_unlock();
	} while (result == ASLEEP);
	return result;
}

DWORD cio_port_take(struct cio_port *port, struct cio_thread *self, bool alertable,
		    DWORD milliseconds, OVERLAPPED_ENTRY *entry)
{
	struct cio_port_wait w;
	DWORD result;

	cio_ring_poll();
	cio_wait_init(&w.wait, self, NULL, NULL, 0);
	w.wait.alertable = alertable;
	w.port = port;
	w.entry = entry;
	w.watches = false;
	w.taken = w.held_up = 0;
	cio_list_init(&w.link);
	cio_state_lock();
	member_asks(port, self);
	result = take_or_queue(&w, milliseconds != 0);
	if (result != ASLEEP)
		cio_port_slot_take(self);
	cio_state_unlock();
	if (result == ASLEEP)
		result = wait_in_queue(&w, milliseconds);
	return result;
}

ULONG cio_port_take_more(struct cio_port *port, OVERLAPPED_ENTRY *entries, ULONG room)
{
	ULONG count = 0;

	cio_state_lock();
	while (count < room && !cio_list_empty(&port->packets))
		packet_read(port, &entries[count++]);
	cio_state_unlock();
	return count;
}
