// SPDX-License-Identifier: MIT
/*
 * Everything at once. An episode has devices of its own, processes that use them in every way that
 * there is, and one who stirs: this one. Now and then there is a lull, in which each request must
 * end by itself, and in the end all goes in one of five ways. Then nothing may be left, and the
 * books must balance. Without devices there are FIFOs, for the front doors that take them.
 *
 *	stress [--seed N] [--seconds N] [--only EPISODE]
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

/* What may take this long hangs. */
static unsigned int patience_s = 30;

struct shared *shared;

static const char *const ending_names[ENDINGS] = {
	"each cancels its own",
	"all are killed",
	"the devices are pulled while they are busy",
	"the queues are purged",
	"rings and contexts are left as they are",
};

static struct {
	pid_t pid;
	bool win32;
} workers[SPAWNS];
static int spawned, episodes_of[ENDINGS];

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void fail(const char *format, ...)
{
	static _Atomic int turn;
	va_list args;

	if (atomic_exchange(&shared->failed, true))
		return;
	va_start(args, format);
	vsnprintf(shared->failure, sizeof(shared->failure), format, args);
	va_end(args);
	atomic_fetch_add(&turn, 1);
}

struct rng rng_of(int episode, int slot, int thread)
{
	struct rng rng = { shared->seed + ((uint64_t)episode << 40) + ((uint64_t)slot << 20) +
			   (uint64_t)thread };

	rng.state = rng_next(&rng);
	return rng;
}

/* ---- processes ---- */

static void spawn(bool win32)
{
	int nr = spawned;
	pid_t pid;

	if (nr == SPAWNS)
		return;
	spawned++;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		worker_main(nr, win32);
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	workers[nr].pid = pid;
	workers[nr].win32 = win32;
}

/* One has ended. By itself it may do so when it is told to, or by exec. */
static void reaped(int nr, int status, bool killed)
{
	workers[nr].pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && killed)
		return;
	fail("process %d (%s) has ended with status 0x%x", nr,
	     workers[nr].win32 ? "win32" : "plain", status);
}

static int reap_workers(bool killed)
{
	int alive = 0;

	for (int i = 0; i < spawned; i++) {
		int status;

		if (!workers[i].pid)
			continue;
		if (waitpid(workers[i].pid, &status, WNOHANG) == workers[i].pid)
			reaped(i, status, killed);
		else
			alive++;
	}
	return alive;
}

static void kill_worker(int nr)
{
	int status;

	if (!workers[nr].pid)
		return;
	kill(workers[nr].pid, SIGKILL);
	if (waitpid(workers[nr].pid, &status, 0) == workers[nr].pid)
		reaped(nr, status, true);
}

static void kill_all(void)
{
	/* All at once, and then their ends. */
	for (int i = 0; i < spawned; i++)
		if (workers[i].pid)
			kill(workers[i].pid, SIGKILL);
	for (int i = 0; i < spawned; i++)
		kill_worker(i);
}

/* Those whose parents were killed. */
static bool no_orphans(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid < 0 && errno == ECHILD;
}

static bool lane_is_dead(int nr)
{
	return nr / SPAWN_LANES < SPAWNS && !workers[nr / SPAWN_LANES].pid;
}

static bool lane_waits(int nr)
{
	struct lane *lane = &BOOK->lanes[nr];

	return lane_busy(lane) && !atomic_load(&lane->left) && !lane_is_dead(nr);
}

/* ---- waiting ---- */

static long module_users(void)
{
	char text[32];

	return text_get("/sys/module/cancelio/refcnt", text, sizeof(text)) ? atol(text) : -1;
}

static void show_stacks(void)
{
	char path[64], text[8192];

	for (int i = 0; i < spawned; i++) {
		if (!workers[i].pid)
			continue;
		snprintf(path, sizeof(path), "ls /proc/%d/task", workers[i].pid);
		FILE *list = popen(path, "r");
		int tid;

		while (list && fscanf(list, "%d", &tid) == 1) {
			snprintf(path, sizeof(path), "/proc/%d/stack", tid);
			if (text_get(path, text, sizeof(text)))
				fprintf(stderr, "# thread %d of process %d (%s):\n%s\n", tid, i,
					workers[i].win32 ? "win32" : "plain", text);
		}
		if (list)
			pclose(list);
	}
	if (EP->device)
		text_put("/proc/sysrq-trigger", "t");
}

static void show_lanes(void)
{
	static const char *const doors[] = { "call", "poll", "uring", "command", "aio", "win32" };

	for (int nr = 0; nr < LANES; nr++) {
		struct lane *lane = &BOOK->lanes[nr];

		if (lane_busy(lane) && !lane_is_dead(nr))
			fprintf(stderr, "# lane %d (%s): op %u, %u bytes, %.3f s old%s%s\n", nr,
				doors[lane->door], lane->op, lane->len,
				(double)(now_ns() - lane->begun) / 1e9,
				lane->asked ? ", asked" : "", lane->left ? ", left" : "");
	}
}

/* Shown while it hangs: who hears of a failure ends. */
static void hangs(const char *what)
{
	if (EP->device)
		fprintf(stderr, "# the module has %ld users\n", module_users());
	show_lanes();
	devices_show();
	show_stacks();
	fail("it hangs: %s", what);
}

/* Until it has become so, in good time: as long as there is progress there is hope. */
#define WAIT_FOR(cond, what)							\
	do {									\
		uint64_t wait_from = now_ns(), wait_seen = shared->progress;	\
		uint64_t wait_begun = wait_from;				\
										\
		while (!(cond) && !atomic_load(&shared->failed)) {		\
			if (wait_seen != shared->progress) {			\
				wait_seen = shared->progress;			\
				wait_from = now_ns();				\
			}							\
			if (now_ns() - wait_from > patience_s * 1000000000ull ||	\
			    now_ns() - wait_begun > 4 * patience_s * 1000000000ull)	\
				hangs(what);					\
			usleep(2000);						\
		}								\
	} while (0)

/* ---- a lull ---- */

/* Nothing but who waits for bytes that do not come. */
static bool only_reads_wait(void)
{
	/* By exec, a process ends now and then. */
	reap_workers(false);
	for (int nr = 0; nr < LANES; nr++) {
		uint32_t op = atomic_load(&BOOK->lanes[nr].op);

		if (lane_waits(nr) && op != READ && op != POLL)
			return false;
	}
	return true;
}

/* Also in the memory of those who can tell it no more. */
static bool all_seen(void)
{
	for (int nr = 0; nr < LANES; nr++)
		if (lane_is_dead(nr) || atomic_load(&BOOK->lanes[nr].left))
			lane_peek(&BOOK->lanes[nr]);
	return book_all_seen();
}

static int keeper_fd = -1;

/* Who could not be told to end, ends by what it waits for. */
static void feed(void)
{
	struct lane *lane = &BOOK->lanes[KEEPER];
	struct rng rng = rng_of(EP->number, SPAWNS, (int)lane->serial);
	ssize_t n;

	if (!lane_begin(lane, WRITE, &rng))
		return;
	lane->nonblock = true;
	lane->door = DOOR_POLL;
	n = syscall(SYS_write, keeper_fd, lane->buf, (size_t)lane->len);
	lane_end(lane, n < 0 ? -errno : n, n > 0 ? (uint32_t)n : 0);
}

/* If nobody else is there to read. */
static void drink(void)
{
	struct lane *lane = &BOOK->lanes[KEEPER];
	struct rng rng = rng_of(EP->number, SPAWNS, (int)lane->serial);
	ssize_t n;

	lane->door = DOOR_POLL;
	do {
		if (!lane_begin(lane, READ, &rng))
			return;
		lane->nonblock = true;
		n = syscall(SYS_read, keeper_fd, lane->buf, (size_t)lane->len);
		lane_end(lane, n < 0 ? -errno : n, n > 0 ? (uint32_t)n : 0);
	} while (n > 0);
}

static void calm(void)
{
	int fd;

	if (!EP->device)
		return;
	devices_calm();
	if (!EP->faults)
		return;
	/* What hangs by a fault ends when it is asked to, and else never. */
	for (int i = 0; i < 2; i++) {
		fd = open(i ? EP->stream : EP->store, O_RDWR | O_CLOEXEC);
		ioctl_cancel(fd, 5, 0, 0);
		close(fd);
	}
}

static void lull(void)
{
	atomic_store(&EP->closing, true);
	atomic_store(&EP->phase, LULL);
	usleep(2000);
	calm();
	WAIT_FOR(only_reads_wait(), "a request has not ended by itself");
	WAIT_FOR(only_reads_wait() && all_seen(), "what was written is not read");
	if (EP->device) {
		counters_check(EP->stream, false);
		counters_check(EP->store, false);
	}
	if (!kernel_is_well())
		fail("the kernel is not well");
	atomic_store(&EP->closing, false);
}

/* ---- the end of an episode ---- */

static bool nothing_pends(void)
{
	struct counters a, b;

	return counters_see(EP->stream, &a) && counters_see(EP->store, &b) && !a.pending &&
	       !b.pending;
}

static bool drunk_all(void)
{
	drink();
	return book_all_seen();
}

static void check_medium(void)
{
	static unsigned char medium[BLOCKS * BLOCK];
	int fd = open(EP->store, O_RDWR | O_CLOEXEC);
	size_t done = 0;
	ssize_t n = 1;

	/* A long read may be cut. */
	while (done < sizeof(medium) && n > 0) {
		n = pread(fd, medium + done, sizeof(medium) - done, (off_t)done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (n <= 0)
		fail("the store cannot be read: %zd", n);
	for (uint32_t nr = 0; nr < BLOCKS && !atomic_load(&shared->failed); nr++)
		book_check_block(nr, medium + nr * BLOCK);
	close(fd);
}

/* Nobody is there any more. */
static void settle(long users)
{
	WAIT_FOR(no_orphans(), "a child of a process that was killed does not end");
	if (EP->device && !atomic_load(&EP->pulled)) {
		WAIT_FOR(nothing_pends(), "requests are pending, and nobody is there");
		WAIT_FOR(module_users() <= users, "open files are left");
	}
	for (int nr = 0; nr < LANES; nr++)
		lane_settle(&BOOK->lanes[nr]);
	if (atomic_load(&EP->pulled)) {
		book_check_stream(false);
		return;
	}
	WAIT_FOR(drunk_all(), "what was written is not to be read");
	/* And what may have been written. */
	usleep(20000);
	drink();
	book_check_stream(true);
	if (EP->device)
		check_medium();
}

static bool all_over(void)
{
	static int rounds;

	if (!reap_workers(false))
		return true;
	/* What a stubborn device has begun ends when it has its bytes. */
	if (EP->never && ++rounds % 16 == 0 && !atomic_load(&EP->pulled))
		feed();
	return false;
}

static void end_episode(void)
{
	switch (EP->ending) {
	case END_KILLED:
		count_cancel(BY_KILL);
		kill_all();
		atomic_store(&EP->closing, true);
		calm();
		atomic_store(&EP->phase, STOP);
		return;
	case END_PULLED:
		devices_pull();
		break;
	case END_PURGED:
		atomic_store(&EP->closing, true);
		knob_put(EP->stream, "queue", "purge");
		knob_put(EP->store, "queue", "purge");
		count_cancel(BY_ORDER);
		usleep(20000);
		break;
	default:
		lull();
		atomic_store(&EP->closing, true);
	}
	atomic_store(&EP->phase, STOP);
	WAIT_FOR(all_over(), "a request was cancelled and does not end");
	if (EP->ending != END_PULLED)
		calm();
}

/* ---- an episode ---- */

static void stir(struct rng *rng, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ull;

	while (now_ns() < end && !atomic_load(&shared->failed)) {
		shake(rng);
		reap_workers(false);
		if (EP->kills && one_in(rng, 100) && spawned < SPAWNS) {
			int nr = 1 + (int)any(rng, (uint32_t)spawned - 1);

			if (workers[nr].pid) {
				count_cancel(BY_KILL);
				kill_worker(nr);
				spawn(one_in(rng, 2));
			}
		}
		usleep(any(rng, 4000));
	}
}

static bool make_fifo(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(EP->stream, sizeof(EP->stream), "%.32s/cancelio-stress.%d", tmp ? tmp : "/tmp",
		 (int)getpid());
	unlink(EP->stream);
	if (mkfifo(EP->stream, 0600))
		fail("mkfifo: %s", strerror(errno));
	return !atomic_load(&shared->failed);
}

static void plan(struct rng *rng, bool device)
{
	memset(EP, 0, sizeof(*EP));
	EP->device = device;
	EP->ending = device ? any(rng, ENDINGS) : any(rng, 2);
	EP->cancels = !one_in(rng, 5);
	EP->signals = EP->cancels && !one_in(rng, 4);
	EP->faults = device && one_in(rng, 3);
	EP->orders = device && one_in(rng, 3);
	EP->quota = device && one_in(rng, 3);
	EP->kills = one_in(rng, 2);
	EP->never = device && one_in(rng, 2) && EP->ending != END_PURGED;
}

static void episode_tell(void)
{
	if (!getenv("STRESS_QUIET"))
		fprintf(stderr, "# episode %d: %s%s%s%s%s%s%s%s\n", EP->number,
			ending_names[EP->ending], EP->cancels ? ", cancels" : "",
			EP->signals ? ", signals" : "", EP->faults ? ", faults" : "",
			EP->orders ? ", orders" : "", EP->quota ? ", quota" : "",
			EP->kills ? ", kills" : "", EP->never ? ", stubborn" : "");
}

static void episode(int number, bool device)
{
	struct rng rng = { 0 };
	unsigned int parts;
	long users = 0;

	plan(((rng = rng_of(number, SPAWNS, 0)), &rng), device);
	EP->number = number;
	episode_tell();
	book_clear();
	spawned = 0;
	if (device ? !devices_make(&rng) : !make_fifo())
		return;
	keeper_fd = open(EP->stream, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	users = module_users();
	for (int i = 0; i < 4; i++)
		spawn(i % 2);
	parts = 1 + any(&rng, 4);
	for (unsigned int i = 0; i < parts && !atomic_load(&shared->failed); i++) {
		if (i)
			lull();
		atomic_store(&EP->phase, RUN);
		stir(&rng, 200 + any(&rng, 500));
	}
	end_episode();
	if (!atomic_load(&shared->failed))
		settle(users);
	if (atomic_load(&shared->failed))
		return;
	if (device && !atomic_load(&EP->pulled)) {
		counters_check(EP->stream, true);
		counters_check(EP->store, true);
	}
	close(keeper_fd);
	if (device)
		devices_unmake();
	else
		unlink(EP->stream);
	if (device && one_in(&rng, 3))
		module_reload();
	if (!kernel_is_well())
		fail("the kernel is not well");
	episodes_of[EP->ending]++;
}

/* ---- the whole ---- */

static void tell_summary(uint64_t began, int episodes)
{
	static const char *const doors[] = { "call", "poll", "uring", "command", "aio", "win32" };
	static const char *const outs[] = { "done", "short", "cancelled", "again", "failed", "left" };
	static const char *const means[] = {
		"signal", "ioctl", "async_cancel", "command", "io_cancel", "timeout", "close",
		"ring", "win32", "scope", "order", "kill", "exec", "fork", "pull",
	};

	fprintf(stderr, "stress: seed %lu, %d episodes, %.0f s;", shared->seed, episodes,
		(double)(now_ns() - began) / 1e9);
	for (int d = 0; d < DOORS; d++) {
		fprintf(stderr, " %s", doors[d]);
		for (int o = 0; o < OUTS; o++)
			if (shared->outcomes[d][o])
				fprintf(stderr, " %lu %s", shared->outcomes[d][o], outs[o]);
		fprintf(stderr, ";");
	}
	fprintf(stderr, " cancels by");
	for (int m = 0; m < MEANS; m++)
		if (shared->cancels[m])
			fprintf(stderr, " %s %lu", means[m], shared->cancels[m]);
	fprintf(stderr, "\n");
}

static int tell_results(int failed_ending, const char *again)
{
	int count = 0;

	for (int e = 0; e < ENDINGS; e++) {
		if (e == failed_ending)
			printf("not ok %d - stress: %s\n# %s\n# again: %s\n", ++count,
			       ending_names[e], shared->failure, again);
		else if (episodes_of[e])
			printf("ok %d - stress: %s\n", ++count, ending_names[e]);
	}
	printf("1..%d\n", count);
	fflush(stdout);
	return failed_ending >= 0;
}

int main(int argc, char **argv)
{
	int only = -1, failed = -1, number = 0;
	uint64_t seconds = 10, seed = 0, began;
	bool device;
	char again[256];

	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return usleep(1000);
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 0);

		if (!strcmp(argv[i], "--seed"))
			seed = value;
		else if (!strcmp(argv[i], "--seconds"))
			seconds = value;
		else if (!strcmp(argv[i], "--only"))
			only = (int)value;
		else
			return fprintf(stderr, "stress: what is %s?\n", argv[i]), 2;
	}
	if (getenv("STRESS_PATIENCE"))
		patience_s = (unsigned int)atoi(getenv("STRESS_PATIENCE"));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return perror("stress: mmap"), 2;
	shared->seed = seed ? seed : now_ns() % 1000000000;
	device = !access("/sys/kernel/config/cancelio", W_OK) && !access("/sys/kernel/debug/cancelio", X_OK);
	began = now_ns();
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (only >= 0)
		number = only;
	do
		episode(number++, device);
	while (!atomic_load(&shared->failed) &&
	       (only >= 0 ? now_ns() - began < seconds * 1000000000 && (number = only, true) :
			    now_ns() - began < seconds * 1000000000));
	if (atomic_load(&shared->failed)) {
		failed = EP->ending;
		snprintf(again, sizeof(again), "%s--seed %lu; episode %d: --only %d",
			 getenv("STRESS_AGAIN") ? getenv("STRESS_AGAIN") : "stress ",
			 shared->seed, number - 1, number - 1);
		fprintf(stderr, "stress: FAILED: %s\nstress: again: %s\n", shared->failure, again);
		kill_all();
		unlink(EP->device ? "" : EP->stream);
	}
	tell_summary(began, number);
	return tell_results(failed, again);
}
