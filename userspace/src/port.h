/* SPDX-License-Identifier: MIT */
/*
 * Completion ports: what a file hands its ends to, and the threads that take them (W-PORT-*).
 *
 * Packets leave in the order of their coming, to the thread that has come last. A thread belongs to
 * the port that it asked last, and has one of the port's slots while it runs: no packet is given
 * out while all slots are taken. It gives the slot back when it asks for a packet, when it sleeps in
 * this library, and when the port finds that it sleeps elsewhere (port_watch.c).
 */
#ifndef CIO_PORT_H
#define CIO_PORT_H

#include "object.h"
#include "wait.h"

struct cio_file;
struct cio_port_wait;

/* Part of what it stands for: an operation that has ended, or what was posted. */
struct cio_packet {
	struct cio_list link;
	ULONG_PTR key;
	LPOVERLAPPED overlapped;
	DWORD status, bytes;
	/* It has left the queue, and been read. Under the state lock. */
	void (*release)(struct cio_packet *packet);
};

struct cio_port {
	struct cio_object obj;
	bool closed; /* state lock, as for all below */
	struct cio_list packets; /* the oldest first */
	struct cio_list waiters; /* struct cio_port_wait, the most recent first */
	struct cio_list members; /* struct cio_thread, by its `in_port` */
	unsigned int slots, running;
	/* Counts the packets given out, and the times that none could be for want of a slot. */
	unsigned int taken, held_up;
	struct cio_port_wait *watcher; /* who looks after those that have the slots */
	/* Packets wait and no thread does. NULL: nobody wants to know. */
	void (*hungry)(struct cio_port *port);
	void *owner;
};

/* A thread in the port's queue of threads. */
struct cio_port_wait {
	struct cio_wait wait;
	struct cio_list link;
	struct cio_port *port;
	OVERLAPPED_ENTRY *entry; /* what it gets, with the packet's status as Internal */
	bool watches;
	unsigned int taken, held_up; /* when it looked last */
};

extern const struct cio_class cio_port_class;

/* 0 slots: as many as there are processors. NULL: no memory. */
struct cio_port *cio_port_new(DWORD slots);
/* The port gives nothing out any more: its threads get ERROR_ABANDONED_WAIT_0. */
void cio_port_close(struct cio_port *port);

/* The file's ends go to the port from now on. 0, or the Win32 error. */
DWORD cio_port_bind(struct cio_port *port, struct cio_file *file, ULONG_PTR key);
/* The file is no more. */
void cio_port_unbind(struct cio_file *file);

/* Under the state lock: to a thread that waits there, or into the queue. */
void cio_port_post(struct cio_port *port, struct cio_packet *packet);
/* What was posted by hand. False: no memory, or the port is closed. */
DWORD cio_port_post_values(struct cio_port *port, ULONG_PTR key, LPOVERLAPPED overlapped,
			   DWORD bytes);
/* Under the state lock: those with this key leave the queue unread. Tells how many they were. */
unsigned int cio_port_drop(struct cio_port *port, ULONG_PTR key);

/*
 * Takes a packet, or waits for one. WAIT_OBJECT_0, WAIT_TIMEOUT, WAIT_IO_COMPLETION (the APCs are
 * to be run), or ERROR_ABANDONED_WAIT_0.
 */
DWORD cio_port_take(struct cio_port *port, struct cio_thread *self, bool alertable,
		    DWORD milliseconds, OVERLAPPED_ENTRY *entry);
/* Further packets that are there already, up to `room`. Tells how many. */
ULONG cio_port_take_more(struct cio_port *port, OVERLAPPED_ENTRY *entries, ULONG room);

/* The thread ends: it belongs to no port. */
void cio_port_leave(struct cio_thread *self);

/*
 * Around a sleep of a thread that has a slot (thread->slot). cio_port_block() gives it back; true:
 * it must be claimed again afterwards.
 */
bool cio_port_block(struct cio_thread *self);
void cio_port_unblock(struct cio_thread *self);
/* The same around a system call that may wait for somebody, which one on a regular file does not. */
bool cio_port_block_for_call(struct cio_thread *self);

/* In the child of a fork: one thread, no packets. */
void cio_port_reset(struct cio_port *port);

/* Under the state lock, for port_watch.c: hands out what can be. */
void cio_port_serve(struct cio_port *port);
void cio_port_slot_take(struct cio_thread *thread);
void cio_port_slot_free(struct cio_thread *thread);

#define CIO_PORT_TICK_MS 10
/* What the watcher does each tick. */
void cio_port_watch(struct cio_port_wait *w);

static inline bool cio_port_is_held_up(const struct cio_port *port)
{
	return !cio_list_empty(&port->packets) && port->running >= port->slots;
}

#endif
