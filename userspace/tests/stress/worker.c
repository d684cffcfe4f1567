// SPDX-License-Identifier: MIT
/*
 * A process with a thread for each front door, and with one that disturbs these: by signals, by
 * closing what they use, by cancels; by fork, by exec.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/cancelio.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

enum { CALLERS = 2, MORE_LANES = 4 };

static struct actor actors[THREADS];
static int actor_count;
/* What is no file that can be read, to be put in the place of one that is closed. */
static int nothing;
/* Between who closes its own and who closes others' descriptors. */
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

static void heard(int sig)
{
	(void)sig;
}

/* An open can be cancelled, and where it takes time it is refused to who does not wait. */
static int open_device(const char *path, int flags)
{
	int nonblock = flags & O_NONBLOCK, fd;

	while ((fd = open(path, flags | O_CLOEXEC)) < 0) {
		if (errno == ENODEV || errno == ENXIO || errno == ENOENT) {
			if (!atomic_load(&EP->pulled))
				fail("open %s: %s", path, strerror(errno));
			return -1;
		}
		if (errno == EAGAIN && flags & O_NONBLOCK)
			flags &= ~O_NONBLOCK;
		else if (errno != EINTR && errno != ECANCELED && errno != EIO && errno != ESHUTDOWN)
			fail("open %s: %s", path, strerror(errno));
		if (atomic_load(&EP->phase) == STOP || atomic_load(&shared->failed))
			return -1;
		usleep(1000);
	}
	if (nonblock != (flags & O_NONBLOCK) && fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("F_SETFL: %s", strerror(errno));
	return fd;
}

int open_stream(struct actor *actor, int flags)
{
	(void)actor;
	return open_device(EP->stream, O_RDWR | flags);
}

int open_store(struct actor *actor)
{
	(void)actor;
	return EP->device ? open_device(EP->store, O_RDWR) : -1;
}

int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

/* Its owner closes the stream. */
void close_own(struct actor *actor)
{
	int fd;

	pthread_mutex_lock(&files_lock);
	fd = atomic_exchange(&actor->stream, -1);
	if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&files_lock);
}

static void actor_add(int spawn, enum door door, int lanes, void *(*main)(void *))
{
	static int used;
	struct actor *actor = &actors[actor_count];

	actor->rng = rng_of(EP->number, spawn, actor_count + 1);
	actor->lanes = &BOOK->lanes[spawn * SPAWN_LANES + used];
	actor->count = lanes;
	actor->door = door;
	actor->stream = actor->store = -1;
	actor->closes = one_in(&actor->rng, 2);
	for (int i = 0; i < lanes; i++)
		actor->lanes[i].door = door;
	/* Both in one ring. */
	for (int i = 0; door == DOOR_URING && EP->device && i < lanes; i += 2)
		actor->lanes[i].door = DOOR_COMMAND;
	actor->async = door == DOOR_AIO ? &aio_async : &ring_async;
	used += lanes;
	actor_count++;
	if (pthread_create((pthread_t *)&actor->thread, NULL, main, actor))
		fail("pthread_create");
}

/* ---- what is done to them ---- */

static struct actor *some_actor(struct rng *rng)
{
	return &actors[any(rng, (uint32_t)actor_count)];
}

static void send_signal(struct actor *actor, int sig)
{
	if (atomic_load(&actor->over))
		return;
	count_cancel(BY_SIGNAL);
	pthread_kill(actor->thread, sig);
}

/* As close(2) by another thread, but that the number is nobody else's meanwhile. */
static void close_under(struct actor *actor)
{
	int fd;

	if (actor->door != DOOR_CALL)
		return;
	pthread_mutex_lock(&files_lock);
	fd = atomic_load(&actor->stream);
	if (fd >= 0 && dup3(nothing, fd, O_CLOEXEC) == fd)
		count_cancel(BY_CLOSE);
	pthread_mutex_unlock(&files_lock);
}

static void cancel_by_ioctl(struct rng *rng, int fd)
{
	struct actor *actor = some_actor(rng);
	uint32_t flags = one_in(rng, 2) ? CANCELIO_CANCEL_ONE : 0;
	long n = 0;

	switch (any(rng, 3)) {
	case 0:
		n = ioctl_cancel(fd, CANCELIO_BY_THREAD, (uint64_t)atomic_load(&actor->tid), flags);
		break;
	case 1:
		n = ioctl_cancel(fd, CANCELIO_BY_PROCESS, (uint64_t)getpid(), CANCELIO_CANCEL_ONE);
		break;
	default:
		if (atomic_load(&actor->stream) >= 0)
			n = ioctl_cancel(atomic_load(&actor->stream), CANCELIO_BY_FILE, 0, flags);
	}
	if (n < 0 && n != -ENOENT && n != -ENODEV && n != -EBADF && n != -EINVAL && n != -EINTR)
		fail("CANCELIO_IOC_CANCEL: errno %ld", -n);
}

/*
 * A child has all descriptors as well, and reads by one of its parent's; sometimes it is killed
 * at that. It is alone with its lane, and uses nothing that another thread may have locked.
 */
static void fork_child(struct rng *rng, struct lane *lane)
{
	int fd = atomic_load(&actors[0].stream), status;
	pid_t pid;

	if (fd < 0 || lane_busy(lane))
		return;
	lane->door = DOOR_CALL;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* One whose parent was killed before that is seen to by who runs the episodes. */
		for (int i = 0; i < 20 && atomic_load(&EP->phase) == RUN; i++) {
			bool write = op_allowed(DOOR_CALL, one_in(rng, 2) ? WRITE : READ) == WRITE;
			long n;

			if (!lane_begin(lane, write ? WRITE : READ, rng))
				break;
			/* What the parent closes meanwhile stays open here. */
			n = write ? syscall(SYS_write, fd, lane->buf, (size_t)lane->len) :
				    syscall(SYS_read, fd, lane->buf, (size_t)lane->len);
			lane_end(lane, n < 0 ? -errno : n, n > 0 ? (uint32_t)n : 0);
		}
		_exit(0);
	}
	if (pid < 0)
		return;
	count_cancel(BY_FORK);
	usleep(any(rng, 20000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* Where it was is seen to when the process is gone. */
	lane_abandon(lane);
}

static void disturb(struct rng *rng, int fd, struct lane *forked)
{
	switch (any(rng, 24)) {
	case 0 ... 7:
		if (EP->signals)
			send_signal(some_actor(rng), one_in(rng, 2) ? SIGUSR1 : SIGUSR2);
		break;
	case 8 ... 17:
		if (EP->cancels && EP->device)
			cancel_by_ioctl(rng, fd);
		break;
	case 18 ... 20:
		if (EP->cancels && EP->device)
			close_under(some_actor(rng));
		break;
	case 21:
		if (EP->kills && one_in(rng, 10) && forked && !atomic_load(&forked->left))
			fork_child(rng, forked);
		break;
	default:
		break;
	}
}

/* A thread that waits in a call is asked in two ways; that by ioctl is done once for a flight. */
static void stop_callers(int fd)
{
	uint32_t asked[THREADS] = { 0 };
	bool over = false;

	while (!over && !atomic_load(&shared->failed)) {
		over = true;
		for (int i = 0; i < actor_count; i++) {
			struct actor *actor = &actors[i];
			struct lane *lane = actor->lanes;

			if (atomic_load(&actor->over))
				continue;
			over = false;
			if (actor->door == DOOR_POLL)
				send_signal(actor, SIGUSR1);
			if (actor->door != DOOR_CALL)
				continue;
			if (i % 2 && fd >= 0 && lane_busy(lane)) {
				if (asked[i] != lane->serial &&
				    ioctl_cancel(fd, CANCELIO_BY_THREAD,
						 (uint64_t)atomic_load(&actor->tid), 0) > 0)
					asked[i] = lane->serial;
			} else if (!lane_busy(lane) || fd < 0 || i % 2 == 0) {
				/* For one that is just about to wait, or to open. */
				send_signal(actor, SIGUSR1);
			}
		}
		usleep(20000);
	}
}

static void catch_signals(void)
{
	struct sigaction act = { .sa_handler = heard };

	sigaction(SIGUSR1, &act, NULL);
	act.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &act, NULL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
}

static void plain_worker(int spawn)
{
	struct lane *forked = &BOOK->lanes[spawn * SPAWN_LANES + SPAWN_LANES - 1];
	struct rng rng = rng_of(EP->number, spawn, 0);
	uint64_t exec_at = EP->kills && one_in(&rng, 6) ? 50 + any(&rng, 1500) : 0;
	uint64_t begun = now_ns();
	int files = open_files(), fd;

	catch_signals();
	nothing = open("/", O_PATH | O_CLOEXEC);
	fd = EP->device ? open_stream(NULL, 0) : -1;
	for (int i = 0; i < CALLERS; i++)
		actor_add(spawn, DOOR_CALL, 1, call_main);
	actor_add(spawn, DOOR_POLL, 1, poll_main);
	actor_add(spawn, DOOR_URING, 6, async_main);
	if (EP->device)
		actor_add(spawn, DOOR_AIO, 4, async_main);
	while (atomic_load(&EP->phase) != STOP && !atomic_load(&shared->failed)) {
		if (atomic_load(&EP->phase) == RUN)
			disturb(&rng, fd, forked);
		usleep(any(&rng, 3000));
		if (exec_at && spawn && now_ns() - begun > exec_at * 1000000 &&
		    atomic_load(&EP->phase) == RUN) {
			count_cancel(BY_EXEC);
			execl("/proc/self/exe", "stress", "--nothing", NULL);
			_exit(70);
		}
	}
	stop_callers(fd);
	for (int i = 0; i < actor_count; i++)
		pthread_join(actors[i].thread, NULL);
	if (fd >= 0)
		close(fd);
	close(nothing);
	if (!atomic_load(&shared->failed) && open_files() != files)
		fail("process %d has %d files open, and had %d", spawn, open_files(), files);
}

void worker_main(int spawn, bool win32)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (win32)
		win32_worker(spawn);
	else
		plain_worker(spawn);
	_exit(0);
}
