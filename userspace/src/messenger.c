// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include <time.h>

#include "messenger.h"
#include "service.h"
#include "sync.h"
#include "thread.h"

#define PAUSE_NS 2000000

static atomic_bool running;

static void send_again(struct cio_thread *thread, void *arg)
{
	bool *left = arg;

	if (cio_sync_is_unsent(&thread->sync)) {
		cio_sync_send_again(thread);
		*left = true;
	}
}

/* False: there was nothing to send. */
static bool look_round(void)
{
	bool left = false;

	cio_state_lock();
	cio_thread_each(send_again, &left);
	cio_thread_each_serving(send_again, &left);
	cio_state_unlock();
	return left;
}

static void messenger_main(void *arg)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };

	(void)arg;
	do {
		while (look_round())
			nanosleep(&pause, NULL);
		/* Who has come after that look finds nobody running, or is found by the next one. */
		atomic_store(&running, false);
	} while (look_round() && !atomic_exchange(&running, true));
}

/* If there can be no such thread now, whoever cancels the call again sends it again, too. */
static void messenger_start(struct cio_work *work)
{
	(void)work;
	/* In the child of a fork, what was called for was the parent's. */
	if (atomic_load(&running) && !cio_service_start(messenger_main, NULL))
		atomic_store(&running, false);
}

static struct cio_work start = { .run = messenger_start };

void cio_messenger_call(void)
{
	if (!atomic_exchange(&running, true))
		cio_work_later(&start);
}

void cio_messenger_reinit_in_child(void)
{
	atomic_store(&running, false);
}
