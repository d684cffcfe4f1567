// SPDX-License-Identifier: MIT
/* A thread with several requests in flight: io_uring, the module's commands, libaio. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

static bool usable(struct lane *lane)
{
	return !lane_busy(lane) && !atomic_load(&lane->left);
}

static struct lane *idle_lane(struct actor *actor)
{
	uint32_t from = any(&actor->rng, (uint32_t)actor->count);

	for (int i = 0; i < actor->count; i++) {
		struct lane *lane = &actor->lanes[(from + (uint32_t)i) % (uint32_t)actor->count];

		if (usable(lane))
			return lane;
	}
	return NULL;
}

/* How many wait for their end. */
static int in_flight(struct actor *actor)
{
	int count = 0;

	for (int i = 0; i < actor->count; i++)
		count += lane_busy(&actor->lanes[i]) && !atomic_load(&actor->lanes[i].left);
	return count;
}

static int lanes_left(struct actor *actor)
{
	int count = 0;

	for (int i = 0; i < actor->count; i++)
		count += atomic_load(&actor->lanes[i].left);
	return count;
}

static enum op choose(struct actor *actor, struct lane *lane)
{
	uint32_t n = any(&actor->rng, EP->device ? 14 : 8);

	if (n < 3)
		return READ;
	if (n < 7)
		return WRITE;
	if (n < 8)
		return EP->device && lane->door == DOOR_URING ? POLL : READ;
	if (n < 10)
		return SREAD;
	if (n < 12)
		return SWRITE;
	if (lane->door == DOOR_AIO)
		return SREAD;
	return n < 13 ? FLUSH : lane->door == DOOR_COMMAND ? CONTROL : FLUSH;
}

static void start(struct actor *actor, struct lane *lane, enum op op)
{
	int fd = op == READ || op == WRITE || op == POLL ? atomic_load(&actor->stream) :
							  atomic_load(&actor->store);
	int err;

	/* The device was pulled. */
	if (fd < 0 || !lane_begin(lane, op, &actor->rng))
		return;
	lane->fd = fd;
	err = actor->async->start(actor, lane, op);
	if (err)
		lane_end(lane, err, 0);
}

static void cancel_one(struct actor *actor)
{
	struct lane *lane = &actor->lanes[any(&actor->rng, (uint32_t)actor->count)];

	if (!lane_busy(lane) || atomic_load(&lane->left))
		return;
	atomic_store(&lane->asked, true);
	actor->async->cancel(actor, lane);
}

/* The last descriptor of this open file: what waits there ends. */
static void close_stream(struct actor *actor)
{
	count_cancel(BY_CLOSE);
	close_own(actor);
	atomic_store(&actor->stream, open_stream(actor, 0));
}

/* The ring or context goes, and what becomes of its requests nobody is told. */
static void leave(struct actor *actor)
{
	count_cancel(BY_RING_END);
	for (int i = 0; i < actor->count; i++)
		lane_abandon(&actor->lanes[i]);
	actor->async->close(actor);
	if (!actor->async->open(actor))
		fail("no ring, or no context, to be had again");
}

static void do_something(struct actor *actor)
{
	struct lane *lane = idle_lane(actor);

	if (lane && !one_in(&actor->rng, 6))
		start(actor, lane, op_allowed(lane->door, choose(actor, lane)));
	if (!EP->cancels || !one_in(&actor->rng, 3))
		return;
	switch (any(&actor->rng, 200)) {
	case 0:
		if (EP->alone < 0 && lanes_left(actor) + in_flight(actor) < actor->count)
			leave(actor);
		break;
	case 1 ... 8:
		if (actor->closes)
			close_stream(actor);
		break;
	default:
		cancel_one(actor);
	}
}

/* Each is asked once, and then ends. */
static void stop(struct actor *actor)
{
	int rounds = 0;

	for (int i = 0; i < actor->count; i++) {
		struct lane *lane = &actor->lanes[i];

		if (!lane_busy(lane) || atomic_load(&lane->left))
			continue;
		atomic_store(&lane->asked, true);
		actor->async->cancel(actor, lane);
	}
	while (in_flight(actor) && !atomic_load(&shared->failed)) {
		actor->async->reap(actor, 50);
		/* io_uring itself misses a request that is just between two of its steps. */
		rounds++;
		for (int i = 0; rounds % 8 == 0 && i < actor->count; i++)
			if (actor->lanes[i].door == DOOR_URING && lane_busy(&actor->lanes[i]) &&
			    !atomic_load(&actor->lanes[i].left))
				actor->async->cancel(actor, &actor->lanes[i]);
	}
}

static void lull(struct actor *actor)
{
	for (int i = 0; i < actor->count && atomic_load(&EP->phase) == LULL; i++)
		if (usable(&actor->lanes[i]) && door_reads(actor->lanes[i].door))
			start(actor, &actor->lanes[i], READ);
	actor->async->reap(actor, 5);
}

void *async_main(void *arg)
{
	struct actor *actor = arg;

	atomic_store(&actor->tid, (int)syscall(SYS_gettid));
	atomic_store(&actor->stream, open_stream(actor, 0));
	atomic_store(&actor->store, open_store(actor));
	if (!actor->async->open(actor)) {
		fail("no ring, or no context, to be had");
		return NULL;
	}
	while (atomic_load(&EP->phase) != STOP && !atomic_load(&shared->failed)) {
		if (atomic_load(&EP->phase) == LULL) {
			lull(actor);
			continue;
		}
		if (atomic_load(&EP->phase) == HUSH) {
			stop(actor);
			usleep(1000);
			continue;
		}
		do_something(actor);
		actor->async->reap(actor, idle_lane(actor) ? 0 : 2);
	}
	if (EP->ending == END_LEFT && one_in(&actor->rng, 2))
		leave(actor);
	stop(actor);
	actor->async->close(actor);
	close_own(actor);
	close(atomic_exchange(&actor->store, -1));
	atomic_store(&actor->over, true);
	return NULL;
}
