/* SPDX-License-Identifier: MIT */
/*
 * The thread pool: threads that wait at a port, and what they are asked to call.
 *
 * A packet of a pool's port names an item by its key: either the item's address, which stays while
 * one of its packets is in the queue, or the name of a TP_IO (see pool_io.c), for a file may go on
 * to send packets when that is gone.
 */
#ifndef CIO_POOL_H
#define CIO_POOL_H

#include "object.h"
#include "port.h"

struct cio_pool_item;

struct _TP_POOL {
	struct cio_list link; /* all pools; state lock, as for all below */
	struct cio_list items;
	struct cio_port *port;
	struct cio_work launch; /* starts a thread */
	unsigned int threads; /* also those that are being started */
	unsigned int minimum, maximum;
	bool launching; /* one that has not come to the port yet */
	bool closing; /* ends with its last item */
	bool ended; /* is freed by its last thread */
};

struct _TP_CALLBACK_INSTANCE {
	struct cio_pool_item *item; /* NULL: it need not be waited for any more */
	bool gave_slot_back;
	/* What is to be done when the callback has returned. */
	HANDLE event, mutex, semaphore;
	DWORD semaphore_count;
	PCRITICAL_SECTION section;
};

struct cio_pool_item {
	struct cio_list link; /* the pool's; state lock, as for all below */
	struct _TP_POOL *pool;
	struct cio_object idle; /* signalled while no callback is expected and none runs */
	unsigned int expected, running;
	bool closed; /* goes with the last callback */
	bool any_time; /* its callbacks come unexpected, and it stays for ever */
	bool runs_long;
	void *context;
	void (*call)(struct cio_pool_item *item, struct _TP_CALLBACK_INSTANCE *instance,
		     const OVERLAPPED_ENTRY *entry);
	/* No packet, callback or list has it any more. Without locks. */
	void (*destroy)(struct cio_pool_item *item);
};

/*
 * The pool that the environment names, with a thread to serve it, and the item as one of its own.
 * False, with the last error set: there can be no thread.
 */
bool cio_pool_join(struct cio_pool_item *item, const TP_CALLBACK_ENVIRON *environment);
/* The item's owner lets go. */
void cio_pool_item_close(struct cio_pool_item *item);
/* Waits until no callback is expected and none runs. */
void cio_pool_item_wait(struct cio_pool_item *item);

/* Under the state lock. */
static inline void cio_pool_expect(struct cio_pool_item *item)
{
	item->expected++;
	item->idle.signalled = false;
}

/* Under the state lock: so many callbacks are not to come. True: the item goes, see below. */
bool cio_pool_unexpect(struct cio_pool_item *item, unsigned int count);
/* Under the state lock: one callback fewer runs, or is expected. True: the item goes. */
bool cio_pool_item_settle(struct cio_pool_item *item);
/* The rest of it, without locks. */
void cio_pool_item_destroy(struct cio_pool_item *item);

/* Under the state lock: the item of this name, NULL if it is gone. */
#define CIO_POOL_IO_NAME 1u
struct cio_pool_item *cio_pool_io_named(ULONG_PTR name);

/* Calls what the packet is for, in a thread of the pool. */
void cio_pool_call(struct cio_thread *self, const OVERLAPPED_ENTRY *entry);

/* Under the state lock: a thread will find something to do, though it may still look idle. */
bool cio_pools_have_work(void);

/* In the child of a fork no pool has a thread, and nothing is expected. */
void cio_pools_reinit_in_child(void);

#endif
