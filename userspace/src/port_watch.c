// SPDX-License-Identifier: MIT
/*
 * Threads that have a slot of a port and sleep where the library does not see it: in a system call
 * of the application's own, for a lock of libc's, on a page of a slow disk. Others must not starve
 * for it (W-PORT-4).
 *
 * One thread of those that wait for packets while none can be given out looks around each tick: if
 * the port has given out nothing since the last, it asks the kernel which of the threads that have
 * slots sleep, and lends their slots to others. Whoever is found running again takes his slot back,
 * and there may be more running than slots until one asks for the next packet. While packets move, or
 * none is held up, nobody is looked at.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "port.h"
#include "thread.h"

#define CROWD 64 /* that one tick looks at */

struct crowd {
	pid_t tid[CROWD];
	bool sleeps[CROWD];
	unsigned int count;
};

/* Not by libc's open and read, which are points where a thread can be cancelled. */
static bool thread_sleeps(pid_t tid)
{
	char path[64], line[256], *state;
	long fd, n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true; /* it is at its end */
	n = syscall(SYS_read, fd, line, sizeof(line) - 1);
	syscall(SYS_close, fd);
	line[n > 0 ? n : 0] = '\0';
	state = strrchr(line, ')');
	return state && state[1] == ' ' && state[2] != 'R';
}

static bool holds_or_lends(const struct cio_thread *thread)
{
	return thread->slot || thread->lent;
}

/* Under the state lock. */
static void crowd_gather(struct cio_port *port, struct crowd *crowd)
{
	cio_list_each(pos, &port->members) {
		const struct cio_thread *t = cio_entry(pos, struct cio_thread, in_port);

		if (crowd->count < CROWD && holds_or_lends(t))
			crowd->tid[crowd->count++] = t->tid;
	}
}

/* A thread that has asked for a packet meanwhile has neither: it is left alone. */
static void slot_settle(struct cio_thread *thread, bool sleeps)
{
	if (sleeps && thread->slot) {
		cio_port_slot_free(thread);
		thread->lent = true;
	} else if (!sleeps && thread->lent) {
		cio_port_slot_take(thread);
	}
}

static void crowd_settle(struct cio_port *port, const struct crowd *crowd)
{
	cio_list_each(pos, &port->members) {
		struct cio_thread *t = cio_entry(pos, struct cio_thread, in_port);

		for (unsigned int i = 0; i < crowd->count; i++)
			if (crowd->tid[i] == t->tid)
				slot_settle(t, crowd->sleeps[i]);
	}
	cio_port_serve(port);
}

/* Under the state lock. True: there is somebody to look at. */
static bool look_around(struct cio_port_wait *w, struct crowd *crowd)
{
	struct cio_port *port = w->port;
	bool moved = port->taken != w->taken, held_up = cio_port_is_held_up(port);

	if (port->watcher != w)
		return false;
	if (!held_up && port->held_up == w->held_up) {
		port->watcher = NULL;
		w->watches = false;
	}
	w->taken = port->taken;
	w->held_up = port->held_up;
	if (held_up && !moved)
		crowd_gather(port, crowd);
	return crowd->count != 0;
}

void cio_port_watch(struct cio_port_wait *w)
{
	struct crowd crowd = { .count = 0 };
	bool looks;

	cio_state_lock();
	looks = look_around(w, &crowd);
	cio_state_unlock();
	if (!looks)
		return;
	for (unsigned int i = 0; i < crowd.count; i++)
		crowd.sleeps[i] = thread_sleeps(crowd.tid[i]);
	cio_state_lock();
	crowd_settle(w->port, &crowd);
	cio_state_unlock();
}
