// SPDX-License-Identifier: MIT
/* An episode: its plan, its devices, its lulls, its end, and what must hold then. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

/* What may take this long hangs. */
unsigned int patience_s = 30;

int episodes_of[ENDINGS];

const char *const ending_names[ENDINGS] = {
	"each cancels its own",
	"all are killed",
	"the devices are pulled while they are busy",
	"the queues are purged",
	"rings and contexts are left as they are",
};

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
	crew_reap(false);
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
	if (!EP->faults || !EP->cancels || EP->never)
		return;
	/* What hangs by a fault ends when it is asked to, and else never. */
	for (int i = 0; i < 2; i++) {
		fd = open(i ? EP->stream : EP->store, O_RDWR | O_CLOEXEC);
		ioctl_cancel(fd, 5, 0, 0);
		close(fd);
	}
}

static bool is_hushed(void)
{
	for (int nr = 0; nr < LANES; nr++)
		if (lane_waits(nr) && (BOOK->lanes[nr].door == DOOR_URING ||
				       BOOK->lanes[nr].door == DOOR_COMMAND ||
				       BOOK->lanes[nr].door == DOOR_AIO))
			return false;
	crew_reap(false);
	return true;
}

static void lull(void)
{
	atomic_store(&EP->closing, true);
	atomic_store(&EP->phase, LULL);
	usleep(2000);
	/* To turn a knob is to wake who waits: so this is not done where it need not be. */
	if (EP->kicks)
		calm();
	WAIT_FOR(only_reads_wait(), "a request has not ended by itself");
	WAIT_FOR(only_reads_wait() && all_seen(), "what was written is not read");
	calm();
	if (EP->device) {
		counters_check(EP->stream, false);
		counters_check(EP->store, false);
	}
	if (!kernel_is_well())
		fail("the kernel is not well");
	if (EP->cancels && !EP->never) {
		atomic_store(&EP->phase, HUSH);
		WAIT_FOR(is_hushed(), "a request was cancelled, once, and does not end");
	}
	atomic_store(&EP->closing, false);
}

/* ---- the end of an episode ---- */

static bool nothing_pends(void)
{
	struct counters a, b;

	if (!counters_see(EP->stream, &a) || !counters_see(EP->store, &b))
		return false;
	/* What a stubborn line has begun for who was killed ends with bytes, or with room. */
	if (EP->never && a.pending) {
		feed();
		drink();
	}
	return !a.pending && !b.pending;
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
	WAIT_FOR(crew_no_orphans(), "a child of a process that was killed does not end");
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

	if (!crew_reap(false))
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
		crew_kill_all();
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
		crew_reap(false);
		if (EP->kills && one_in(rng, 100) && crew_size < SPAWNS) {
			int nr = 1 + (int)any(rng, (uint32_t)crew_size - 1);

			if (crew_has(nr)) {
				count_cancel(BY_KILL);
				crew_kill(nr);
				crew_add(one_in(rng, 2));
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
	EP->alone = one_in(rng, 2) ? -1 : (int)any(rng, device ? DOOR_AIO + 1 : DOOR_URING + 1);
	EP->cancels = !one_in(rng, 5);
	EP->signals = EP->cancels && !one_in(rng, 4);
	EP->kicks = one_in(rng, 2);
	EP->faults = device && EP->kicks && !one_in(rng, 3);
	EP->orders = device && one_in(rng, 3);
	EP->quota = device && one_in(rng, 3);
	EP->kills = one_in(rng, 2);
	EP->never = device && EP->kicks && one_in(rng, 2) && EP->ending != END_PURGED;
}

static void episode_tell(void)
{
	if (!getenv("STRESS_QUIET"))
		fprintf(stderr, "# episode %d: %s, read by %s%s%s%s%s%s%s%s\n", EP->number,
			ending_names[EP->ending], EP->alone < 0 ? "all" : door_names[EP->alone], EP->cancels ? ", cancels" : "",
			EP->signals ? ", signals" : "", EP->faults ? ", faults" : "",
			EP->orders ? ", orders" : "", EP->quota ? ", quota" : "",
			EP->kills ? ", kills" : "", EP->never ? ", stubborn" : "");
}

void episode(int number, bool device)
{
	struct rng rng = { 0 };
	unsigned int parts;
	long users = 0;

	plan(((rng = rng_of(number, SPAWNS, 0)), &rng), device);
	EP->number = number;
	episode_tell();
	book_clear();
	crew_size = 0;
	if (device ? !devices_make(&rng) : !make_fifo())
		return;
	keeper_fd = open(EP->stream, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	users = module_users();
	for (int i = 0; i < 4; i++)
		crew_add(i % 2);
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
