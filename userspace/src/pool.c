// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "apc.h"
#include "pool.h"
#include "process.h"
#include "status.h"
#include "thread.h"

#define IDLE_MS 5000 /* after so long without work, a thread ends */
#define DEFAULT_MAXIMUM 500

static struct cio_list pools = CIO_LIST_INIT(pools); /* state lock, as for the next */
static struct _TP_POOL *default_pool;

static const struct cio_class idle_class = { .name = "callbacks" };

/* ---- pools ---- */

static void pool_hungry(struct cio_port *port);
static void pool_launch(struct cio_work *work);

static struct _TP_POOL *pool_new(void)
{
	struct _TP_POOL *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->port = cio_port_new(0);
	if (!pool->port) {
		free(pool);
		return NULL;
	}
	pool->port->owner = pool;
	pool->port->hungry = pool_hungry;
	pool->launch.run = pool_launch;
	pool->maximum = DEFAULT_MAXIMUM;
	cio_list_init(&pool->items);
	cio_list_init(&pool->link);
	return pool;
}

static void pool_free(struct _TP_POOL *pool)
{
	cio_object_put(&pool->port->obj);
	free(pool);
}

/* Under the state lock. */
static bool pool_is_over(const struct _TP_POOL *pool)
{
	return pool->ended && !pool->threads;
}

/*
 * Its last item is gone, or it is being closed: the threads are sent away, and the last of them, or
 * we if there is none, frees it.
 */
static void pool_end(struct _TP_POOL *pool)
{
	struct cio_port *port = pool->port;
	bool over;

	cio_object_get(&port->obj);
	cio_state_lock();
	port->hungry = NULL;
	cio_list_del(&pool->link);
	pool->ended = true;
	over = pool_is_over(pool);
	cio_state_unlock();
	cio_port_close(port);
	cio_object_put(&port->obj);
	if (over)
		pool_free(pool);
}

static struct _TP_POOL *pool_of_process(void)
{
	struct _TP_POOL *fresh = NULL, *pool;

	cio_state_lock();
	pool = default_pool;
	cio_state_unlock();
	if (pool)
		return pool;
	fresh = pool_new();
	cio_state_lock();
	if (!default_pool && fresh) {
		default_pool = fresh;
		cio_list_add_tail(&fresh->link, &pools);
		fresh = NULL;
	}
	pool = default_pool;
	cio_state_unlock();
	if (fresh)
		pool_free(fresh);
	return pool;
}

/* ---- items ---- */

static bool item_is_over(const struct cio_pool_item *item)
{
	return item->closed && !item->expected && !item->running;
}

bool cio_pool_item_settle(struct cio_pool_item *item)
{
	if (item->expected || item->running)
		return false;
	cio_object_signal(&item->idle);
	return item->closed;
}

bool cio_pool_unexpect(struct cio_pool_item *item, unsigned int count)
{
	item->expected -= count < item->expected ? count : item->expected;
	return cio_pool_item_settle(item);
}

void cio_pool_item_destroy(struct cio_pool_item *item)
{
	struct _TP_POOL *pool = item->pool;
	bool last;

	cio_state_lock();
	cio_list_del(&item->link);
	last = pool->closing && cio_list_empty(&pool->items);
	cio_state_unlock();
	item->destroy(item);
	if (last)
		pool_end(pool);
}

void cio_pool_item_close(struct cio_pool_item *item)
{
	bool over;

	cio_state_lock();
	item->closed = true;
	over = item_is_over(item);
	cio_state_unlock();
	if (over)
		cio_pool_item_destroy(item);
}

/* No wait can be had without memory; nor can one that the caller relies on be left out. */
static void wait_unknown(struct cio_pool_item *item)
{
	bool idle;

	do {
		Sleep(1);
		cio_state_lock();
		idle = cio_object_ready(&item->idle, NULL);
		cio_state_unlock();
	} while (!idle);
}

void cio_pool_item_wait(struct cio_pool_item *item)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_object *idle = &item->idle;
	struct cio_waiter link;
	struct cio_wait wait;

	if (!self) {
		wait_unknown(item);
		return;
	}
	cio_wait_init(&wait, self, &link, &idle, 1);
	cio_wait_run(&wait, INFINITE);
}

/* ---- threads ---- */

/* The process is not to stay for a thread that waits for work and for nobody. */
static void thread_is_idle(struct cio_thread *self)
{
	bool all;

	cio_state_lock();
	self->idle = true;
	all = cio_threads_all_idle();
	cio_state_unlock();
	if (all)
		cio_process_maybe_over();
}

/* A callback's request is not to be cancelled because its thread has nothing to do. */
static bool thread_may_end(const struct _TP_POOL *pool, const struct cio_thread *self)
{
	unsigned int needed = cio_list_empty(&pool->items) ? 0 : 1;

	if (needed < pool->minimum)
		needed = pool->minimum;
	return cio_list_empty(&self->ops) && cio_list_empty(&self->apcs) &&
	       cio_list_empty(&pool->port->packets) && pool->threads > needed;
}

/* True: it is no thread of the pool any more. */
static bool thread_leaves(struct _TP_POOL *pool, struct cio_thread *self, DWORD result)
{
	bool leaves, over;

	cio_state_lock();
	leaves = result == ERROR_ABANDONED_WAIT_0 ||
		 (result == WAIT_TIMEOUT && thread_may_end(pool, self));
	if (leaves) {
		pool->threads--;
		self->idle = true;
	}
	over = leaves && pool_is_over(pool);
	cio_state_unlock();
	if (over)
		pool_free(pool);
	return leaves;
}

/* One less, whether it ends or never began. */
static void thread_is_lost(struct _TP_POOL *pool)
{
	bool over;

	cio_state_lock();
	pool->threads--;
	pool->launching = false;
	over = pool_is_over(pool);
	cio_state_unlock();
	if (over)
		pool_free(pool);
}

/* Work relies on this thread: it begins as soon as there is memory for what is known of it. */
static struct cio_thread *thread_begin(struct _TP_POOL *pool)
{
	struct cio_thread *self;
	bool ended = false;

	for (;;) {
		self = cio_self();
		cio_state_lock();
		if (self)
			pool->launching = false;
		ended = pool->ended;
		cio_state_unlock();
		if (self || ended)
			return self;
		Sleep(1);
	}
}

static void *thread_main(void *arg)
{
	struct _TP_POOL *pool = arg;
	struct cio_thread *self = thread_begin(pool);
	DWORD result, patience = IDLE_MS;
	OVERLAPPED_ENTRY entry;

	if (!self) {
		thread_is_lost(pool);
		return NULL;
	}
	do {
		thread_is_idle(self);
		result = cio_port_take(pool->port, self, true, patience, &entry);
		/* Who is needed though there is nothing to do need not look again. */
		patience = result == WAIT_TIMEOUT ? INFINITE : IDLE_MS;
		if (result == WAIT_OBJECT_0)
			cio_pool_call(self, &entry);
		else if (result == WAIT_IO_COMPLETION)
			cio_apcs_run(self);
	} while (!thread_leaves(pool, self, result));
	return NULL;
}

/* Signals are for the application's own threads. */
static bool thread_start(struct _TP_POOL *pool)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t id;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&id, &attr, thread_main, pool);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return err == 0;
}

/* `threads` has been raised for it. */
static bool thread_launch(struct _TP_POOL *pool)
{
	if (thread_start(pool))
		return true;
	thread_is_lost(pool);
	return false;
}

static void pool_launch(struct cio_work *work)
{
	struct _TP_POOL *pool = cio_entry(work, struct _TP_POOL, launch);
	bool wanted;

	cio_state_lock();
	wanted = pool->launching; /* not the parent's before a fork */
	cio_state_unlock();
	if (wanted)
		thread_launch(pool);
}

/*
 * Work waits and no thread does. One at a time: should it be needed, it will find more work than it
 * can take, or wait for a slot, which makes it the one who looks after the others.
 */
static void pool_hungry(struct cio_port *port)
{
	struct _TP_POOL *pool = port->owner;

	if (pool->launching || pool->threads >= pool->maximum)
		return;
	pool->launching = true;
	pool->threads++;
	cio_work_later(&pool->launch);
}

/* Threads, until there are as many. */
static bool pool_need_threads(struct _TP_POOL *pool, unsigned int count)
{
	bool needed, ok = true;

	do {
		cio_state_lock();
		needed = pool->threads < count;
		if (needed)
			pool->threads++;
		cio_state_unlock();
		ok = !needed || thread_launch(pool);
	} while (needed && ok);
	return ok;
}

/* The new item keeps the last thread from ending. */
bool cio_pool_join(struct cio_pool_item *item, const TP_CALLBACK_ENVIRON *environment)
{
	struct _TP_POOL *pool = environment && environment->Pool ? environment->Pool :
								   pool_of_process();

	cio_object_init(&item->idle, &idle_class, true);
	if (pool) {
		item->pool = pool;
		item->runs_long = environment && environment->u.s.LongFunction;
		cio_state_lock();
		cio_list_add_tail(&item->link, &pool->items);
		cio_state_unlock();
		if (pool_need_threads(pool, 1))
			return true;
		cio_state_lock();
		cio_list_del(&item->link);
		cio_state_unlock();
	}
	return cio_fail(ERROR_NOT_ENOUGH_MEMORY);
}

bool cio_pools_have_work(void)
{
	cio_list_each(pos, &pools) {
		const struct _TP_POOL *pool = cio_entry(pos, struct _TP_POOL, link);

		if (pool->threads && !cio_list_empty(&pool->port->packets))
			return true;
	}
	return false;
}

static void item_reset(struct cio_pool_item *item, const struct cio_thread *self)
{
	item->expected = 0;
	item->running = self && self->callback == item;
	item->idle.signalled = !item->running;
	cio_list_init(&item->idle.waiters);
}

void cio_pools_reinit_in_child(void)
{
	const struct cio_thread *self = cio_self_if_known();

	cio_list_each(pos, &pools) {
		struct _TP_POOL *pool = cio_entry(pos, struct _TP_POOL, link);

		cio_port_reset(pool->port);
		cio_list_each(i, &pool->items)
			item_reset(cio_entry(i, struct cio_pool_item, link), self);
		pool->launching = false;
		pool->threads = self && self->callback && self->callback->pool == pool;
	}
}

/* ---- the public calls ---- */

PTP_POOL WINAPI CreateThreadpool(PVOID reserved)
{
	CIO_KEEP_ERRNO;
	struct _TP_POOL *pool = reserved ? NULL : pool_new();

	if (!pool) {
		cio_fail(reserved ? ERROR_INVALID_PARAMETER : ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	cio_state_lock();
	cio_list_add_tail(&pool->link, &pools);
	cio_state_unlock();
	return pool;
}

VOID WINAPI CloseThreadpool(PTP_POOL pool)
{
	CIO_KEEP_ERRNO;
	bool over;

	cio_state_lock();
	pool->closing = true;
	over = cio_list_empty(&pool->items);
	cio_state_unlock();
	if (over)
		pool_end(pool);
}

VOID WINAPI SetThreadpoolThreadMaximum(PTP_POOL pool, DWORD most)
{
	CIO_KEEP_ERRNO;

	cio_state_lock();
	pool->maximum = most ? most : 1;
	if (pool->minimum > pool->maximum)
		pool->minimum = pool->maximum;
	cio_port_serve(pool->port);
	cio_state_unlock();
}

BOOL WINAPI SetThreadpoolThreadMinimum(PTP_POOL pool, DWORD least)
{
	CIO_KEEP_ERRNO;

	cio_state_lock();
	pool->minimum = least;
	if (pool->maximum < least)
		pool->maximum = least;
	cio_state_unlock();
	return pool_need_threads(pool, least) ? TRUE : cio_fail(ERROR_NOT_ENOUGH_MEMORY);
}
