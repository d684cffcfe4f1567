// SPDX-License-Identifier: MIT
#include <alloca.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apc.h"
#include "futex.h"
#include "handle.h"
#include "mutex.h"
#include "op.h"
#include "pool.h"
#include "port.h"
#include "process.h"
#include "scope.h"
#include "status.h"
#include "thread.h"
#include "tsan.h"
#include "wait.h"

static struct cio_list threads = CIO_LIST_INIT(threads); /* state lock */
static struct cio_list serving = CIO_LIST_INIT(serving); /* the same */
static pthread_key_t exit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool key_made;

__thread struct cio_thread *cio_this __attribute__((tls_model("initial-exec")));

static void thread_destroy(struct cio_object *obj)
{
	free(cio_entry(obj, struct cio_thread, obj));
}

const struct cio_class cio_thread_class = {
	.name = "thread",
	.all = THREAD_ALL_ACCESS,
	.read = READ_CONTROL | THREAD_GET_CONTEXT | THREAD_QUERY_INFORMATION,
	.write = READ_CONTROL | THREAD_TERMINATE | THREAD_SUSPEND_RESUME | THREAD_SET_CONTEXT |
		 THREAD_SET_INFORMATION,
	.execute = READ_CONTROL | SYNCHRONIZE | THREAD_QUERY_LIMITED_INFORMATION,
	.destroy = thread_destroy,
};

/*
 * What the thread has pending may have its OVERLAPPED and its buffer in the thread's own stack, in
 * frames that it has left, and is still written to. So this has a stack of its own, below those.
 */
static __attribute__((noinline)) void drain_below(struct cio_thread *thread)
{
	const size_t most = 32768;
	pthread_attr_t attr;
	size_t size, gap = 0;
	void *bottom;
	volatile char *frames;

	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		if (pthread_attr_getstack(&attr, &bottom, &size) == 0)
			gap = (size_t)((char *)&attr - (char *)bottom) / 2;
		pthread_attr_destroy(&attr);
	}
	frames = alloca(gap < most ? gap + 1 : most);
	frames[0] = 0;
	cio_ops_drain_thread(thread);
	frames[0] = 1;
}

static bool has_pending(struct cio_thread *thread)
{
	bool any;

	cio_state_lock();
	any = !cio_list_empty(&thread->ops);
	cio_state_unlock();
	return any;
}

/*
 * Runs as the destructor of a thread-specific key: for a return from the thread's procedure,
 * for ExitThread, and for threads that pthread_create made alike.
 */
static void thread_exits(void *arg)
{
	struct cio_thread *thread = arg;
	DWORD code = thread->exit_code;
	bool last, own = thread->idle;

	/* A cancellation that is still pending when a thread returns would be acted on in here. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	cio_port_leave(thread);
	if (has_pending(thread))
		drain_below(thread);
	cio_apcs_drop(thread);
	cio_scopes_leave(thread);
	cio_process_thread_dies(thread->tid);
	cio_state_lock();
	if (!own)
		cio_process_ends_with(code);
	cio_mutexes_abandon(thread);
	thread->exited = true;
	cio_list_del(&thread->link);
	last = cio_threads_all_idle();
	cio_object_signal(&thread->obj);
	cio_state_unlock();
	cio_this = NULL;
	cio_object_put(&thread->obj);
	if (last)
		cio_process_maybe_over();
}

/* What is refused now may be had by the next that asks. */
static bool have_key(void)
{
	bool have;

	pthread_once(&once, cio_process_init);
	cio_state_lock();
	if (!key_made)
		key_made = pthread_key_create(&exit_key, thread_exits) == 0;
	have = key_made;
	cio_state_unlock();
	return have;
}

struct cio_thread *cio_thread_new(void)
{
	struct cio_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	cio_object_init(&t->obj, &cio_thread_class, false);
	cio_list_init(&t->link);
	cio_list_init(&t->parked);
	cio_list_init(&t->mutexes);
	cio_list_init(&t->apcs);
	cio_list_init(&t->ops);
	cio_list_init(&t->in_port);
	/* The first call's number must differ from that of the signal last sent, which is none. */
	atomic_store(&t->sync.word, CIO_SYNC_NEXT);
	return t;
}

/* Makes the calling thread known under the given record. */
static bool thread_attach(struct cio_thread *t)
{
	if (!have_key() || pthread_setspecific(exit_key, t) != 0)
		return false;
	t->tid = (pid_t)syscall(SYS_gettid);
	cio_process_thread_lives(t->tid);
	cio_this = t;
	cio_sync_attach();
	cio_state_lock();
	cio_list_add_tail(&t->link, &threads);
	cio_state_unlock();
	return true;
}

void cio_thread_serve(struct cio_thread *self)
{
	self->tid = (pid_t)syscall(SYS_gettid);
	cio_this = self;
	cio_sync_attach();
	cio_state_lock();
	cio_list_add_tail(&self->link, &serving);
	cio_state_unlock();
}

void cio_thread_served(struct cio_thread *self)
{
	cio_state_lock();
	cio_list_del(&self->link);
	cio_state_unlock();
	cio_this = NULL;
	cio_object_put(&self->obj);
}

struct cio_thread *cio_self_make(void)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = cio_thread_new();

	if (t && !thread_attach(t)) {
		free(t);
		t = NULL;
	}
	if (!t)
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
	return t;
}

void cio_thread_each(void (*fn)(struct cio_thread *thread, void *arg), void *arg)
{
	cio_list_each(pos, &threads)
		fn(cio_entry(pos, struct cio_thread, link), arg);
}

bool cio_threads_all_idle(void)
{
	cio_list_each(pos, &threads)
		if (!cio_entry(pos, struct cio_thread, link)->idle)
			return false;
	return !cio_pools_have_work();
}

bool cio_thread_is_idle(pid_t tid)
{
	bool found = false;

	cio_state_lock();
	cio_list_each(pos, &threads) {
		const struct cio_thread *t = cio_entry(pos, struct cio_thread, link);

		found |= t->idle && t->tid == tid;
	}
	cio_state_unlock();
	return found;
}

void cio_thread_each_serving(void (*fn)(struct cio_thread *thread, void *arg), void *arg)
{
	cio_list_each(pos, &serving)
		fn(cio_entry(pos, struct cio_thread, link), arg);
}

bool cio_thread_is_in_call(void)
{
	const struct cio_thread *self = cio_this;
	unsigned int park = self ? atomic_load(&self->park) : CIO_PARK_NONE;

	return park == CIO_PARK_FUTEX || park == CIO_PARK_RING ||
	       (self && atomic_load(&self->sync.word) & CIO_SYNC_STATE);
}

void cio_thread_reinit_in_child(void)
{
	cio_list_init(&serving);
	cio_list_each_safe(pos, tmp, &threads) {
		struct cio_thread *t = cio_entry(pos, struct cio_thread, link);

		if (t == cio_this) {
			t->tid = (pid_t)syscall(SYS_gettid);
			t->registered = 0;
			atomic_store(&t->wake_queued, false);
			cio_list_init(&t->parked);
			continue;
		}
		cio_list_del(&t->link);
		cio_mutexes_abandon(t);
		t->exited = true;
		t->exit_code = 0;
		t->obj.signalled = true;
		/* The call it is in, if any, is the parent's. */
		atomic_store(&t->sync.word, CIO_SYNC_NEXT);
	}
}

/* What CreateThread's caller and the new thread share until both are on their way. */
struct launch {
	struct cio_thread *thread;
	atomic_uint state; /* 0: starting, 1: attached, 2: could not */
};

/* Before its first step, and nowhere else, can a thread be kept (W-THREAD-1). */
static void wait_for_resume(struct cio_thread *t)
{
	unsigned int count;

	while ((count = atomic_load(&t->suspended)))
		cio_futex_wait(&t->suspended, count, CIO_FOREVER);
}

static void *thread_main(void *arg)
{
	struct launch *launch = arg;
	struct cio_thread *t = launch->thread;
	bool ok = thread_attach(t);

	atomic_store(&launch->state, ok ? 1 : 2);
	cio_futex_wake(&launch->state, 1);
	if (ok) {
		wait_for_resume(t);
		/* What was queued before the thread's first step comes before it (W-APC-6). */
		cio_apcs_run(t);
		t->exit_code = t->start(t->arg);
	}
	return NULL;
}

static bool thread_launch(struct cio_thread *t, SIZE_T stack)
{
	struct launch launch = { .thread = t };
	pthread_attr_t attr;
	pthread_t id;
	int err = 0;

	if (stack > SIZE_MAX - 65535)
		return false;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (stack) {
		if (stack < (SIZE_T)PTHREAD_STACK_MIN)
			stack = (SIZE_T)PTHREAD_STACK_MIN;
		err = pthread_attr_setstacksize(&attr, (stack + 65535) & ~(SIZE_T)65535);
	}
	if (!err)
		err = pthread_create(&id, &attr, thread_main, &launch);
	pthread_attr_destroy(&attr);
	if (err)
		return false;
	while (atomic_load(&launch.state) == 0)
		cio_futex_wait(&launch.state, 0, CIO_FOREVER);
	return atomic_load(&launch.state) == 1;
}

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES attributes, SIZE_T stack,
			   LPTHREAD_START_ROUTINE start, LPVOID arg, DWORD flags, LPDWORD id)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t;
	HANDLE handle;

	if (!start || (flags & ~(STACK_SIZE_PARAM_IS_A_RESERVATION | CREATE_SUSPENDED))) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	t = cio_thread_new();
	if (!t) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	t->start = start;
	t->arg = arg;
	atomic_store(&t->suspended, flags & CREATE_SUSPENDED ? 1 : 0);
	handle = cio_handle_new(&t->obj, THREAD_ALL_ACCESS);
	/* The running thread holds a reference of its own: the one the record was born with. */
	if (!handle || !thread_launch(t, stack)) {
		if (handle)
			CloseHandle(handle);
		cio_object_put(&t->obj);
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	/* The handle is not known to anybody yet, so the record is still there. */
	if (id)
		*id = (DWORD)t->tid;
	if (attributes && attributes->bInheritHandle)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	return handle;
}

VOID WINAPI ExitThread(DWORD code)
{
	struct cio_thread *t = cio_self();

	if (t) {
		t->exit_code = code;
		/* While the caller's frames are there: requests may write to what is in them. */
		cio_ops_drain_thread(t);
	}
	pthread_exit(NULL);
}
