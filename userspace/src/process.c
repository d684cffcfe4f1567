// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "address.h"
#include "file.h"
#include "handle.h"
#include "heap.h"
#include "messenger.h"
#include "names.h"
#include "npipe.h"
#include "object.h"
#include "offload.h"
#include "op.h"
#include "pool.h"
#include "process.h"
#include "ring.h"
#include "scope.h"
#include "service.h"
#include "share.h"
#include "standard.h"
#include "thread.h"
#include "timer.h"

/*
 * Threads that are past their last call but may still be listed by the kernel. Two that end at
 * the same time must not each take the other for alive. Guarded by its own lock.
 */
static pthread_mutex_t dying_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t dying_tids[1024];
static _Atomic DWORD last_code;

static void before_fork(void)
{
	cio_address_lock_all();
	cio_heap_lock();
	pthread_mutex_lock(&dying_lock);
	cio_standard_lock();
	cio_pipes_lock();
	cio_share_lock();
	cio_ring_lock_all();
	cio_names_lock();
	cio_handle_lock();
	cio_state_lock();
}

static void after_fork_in_parent(void)
{
	cio_handle_unlock();
	cio_names_unlock();
	cio_ring_unlock_all();
	cio_share_unlock();
	cio_pipes_unlock();
	cio_standard_unlock();
	pthread_mutex_unlock(&dying_lock);
	cio_heap_unlock();
	cio_address_unlock_all();
	/* The last, for what has been gathered under it may need the others. */
	cio_state_unlock();
}

static void forget_others(struct cio_object *obj)
{
	cio_list_init(&obj->waiters);
	if (obj->class->after_fork)
		obj->class->after_fork(obj);
}

/*
 * The child has the handles and one thread. What is pending, and whoever waits for it, are the
 * parent's; the ring is made anew when the child needs one.
 */
static void after_fork_in_child(void)
{
	cio_handle_each(forget_others);
	forget_others(&cio_process_object);
	cio_scopes_reinit_in_child();
	cio_timers_reinit_in_child();
	cio_services_reinit_in_child();
	cio_messenger_reinit_in_child();
	cio_offload_reinit_in_child();
	cio_ops_reinit_in_child();
	cio_pools_reinit_in_child();
	cio_thread_reinit_in_child();
	cio_state_reinit_in_child();
	cio_share_reinit_in_child();
	cio_handle_reinit_in_child();
	cio_names_reinit_in_child();
	cio_ring_reinit_in_child();
	cio_pipes_reinit_in_child();
	cio_share_unlock();
	cio_standard_unlock();
	pthread_mutex_unlock(&dying_lock);
	cio_heap_reinit_in_child();
	cio_address_reinit_in_child();
	cio_ops_release_in_child();
	/* In a signal's handler, on top of a call, the thread has handles in use itself. */
	if (!cio_thread_is_in_call())
		cio_handle_forget_pins_in_child();
}

void cio_process_init(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static bool is_dying(pid_t tid)
{
	for (size_t i = 0; i < sizeof(dying_tids) / sizeof(dying_tids[0]); i++)
		if (dying_tids[i] == tid)
			return true;
	return false;
}

void cio_process_thread_dies(pid_t tid)
{
	static unsigned int turn;

	pthread_mutex_lock(&dying_lock);
	dying_tids[turn++ % (sizeof(dying_tids) / sizeof(dying_tids[0]))] = tid;
	pthread_mutex_unlock(&dying_lock);
}

void cio_process_thread_lives(pid_t tid)
{
	pthread_mutex_lock(&dying_lock);
	for (size_t i = 0; i < sizeof(dying_tids) / sizeof(dying_tids[0]); i++)
		if (dying_tids[i] == tid)
			dying_tids[i] = 0;
	pthread_mutex_unlock(&dying_lock);
}

/* Neither a zombie, as the first thread becomes, nor one of the kernel's workers for the ring. */
static bool is_live_thread(const char *tid)
{
	char path[64], line[256], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%s/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	state = strrchr(line, ')');
	if (!state || strstr(line, "(iou-"))
		return false;
	return state[2] != 'Z' && state[2] != 'X';
}

static bool others_live(pid_t self)
{
	DIR *tasks = opendir("/proc/self/task");
	bool found = !tasks; /* not to be known: then the process is left alone */
	struct dirent *entry;

	while (tasks && !found && (entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && tid != self && !is_dying(tid) && !cio_service_is(tid) &&
		    !cio_thread_is_idle(tid))
			found = is_live_thread(entry->d_name);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

void cio_process_ends_with(DWORD code)
{
	atomic_store(&last_code, code);
}

void cio_process_maybe_over(void)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;
	pid_t self = (pid_t)syscall(SYS_gettid);
	bool over;

	cio_services_wait_started();
	pthread_mutex_lock(&dying_lock);
	over = !others_live(self);
	pthread_mutex_unlock(&dying_lock);
	/* Two may find it, and exit(3) is for one. */
	if (over && !atomic_flag_test_and_set(&ending))
		exit((int)atomic_load(&last_code));
}
