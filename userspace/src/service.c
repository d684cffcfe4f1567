// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"
#include "process.h"
#include "service.h"

#define MAX_SERVICES 80

struct service {
	bool used; /* `slots` */
	atomic_int tid; /* 0 until it runs */
	void (*main)(void *arg);
	void *arg;
};

static struct cio_lock slots = CIO_LOCK_INIT;
static struct service services[MAX_SERVICES];

static struct service *slot_take(void (*main)(void *), void *arg)
{
	struct service *found = NULL;

	cio_lock_take(&slots);
	for (int i = 0; i < MAX_SERVICES && !found; i++)
		if (!services[i].used)
			found = &services[i];
	if (found) {
		found->used = true;
		found->main = main;
		found->arg = arg;
		atomic_store(&found->tid, 0);
	}
	cio_lock_drop(&slots);
	return found;
}

static void slot_free(struct service *s)
{
	cio_lock_take(&slots);
	s->used = false;
	cio_lock_drop(&slots);
}

static void *service_main(void *arg)
{
	struct service *s = arg;
	pid_t tid = (pid_t)syscall(SYS_gettid);

	atomic_store(&s->tid, tid);
	s->main(s->arg);
	/* Until the kernel has forgotten the thread, it must not be taken for the application's. */
	cio_process_thread_dies(tid);
	slot_free(s);
	return NULL;
}

bool cio_service_start(void (*main)(void *arg), void *arg)
{
	struct service *s = slot_take(main, arg);
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t id;
	int err;

	if (!s)
		return false;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&id, &attr, service_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		slot_free(s);
	return err == 0;
}

void cio_services_wait_started(void)
{
	for (int i = 0; i < MAX_SERVICES; i++) {
		bool starting;

		do {
			cio_lock_take(&slots);
			starting = services[i].used && !atomic_load(&services[i].tid);
			cio_lock_drop(&slots);
			if (starting)
				sched_yield();
		} while (starting);
	}
}

bool cio_service_is(pid_t tid)
{
	bool found = false;

	cio_lock_take(&slots);
	for (int i = 0; i < MAX_SERVICES && !found; i++)
		found = services[i].used && atomic_load(&services[i].tid) == tid;
	cio_lock_drop(&slots);
	return found;
}

void cio_services_reinit_in_child(void)
{
	memset(services, 0, sizeof(services));
	cio_lock_reinit_in_child(&slots);
}
