// SPDX-License-Identifier: MIT
/*
 * The books: what each request must end in. Where the bytes are is in line.c and medium.c.
 */
#include <string.h>

#include "stress.h"

static const char *const op_names[] = { "nothing", "read", "write", "store read", "store write",
					"flush", "control", "poll" };
const char *const door_names[DOORS] = { "call", "poll", "uring", "command", "aio", "win32" };

/*
 * In some episodes only one front door reads, and does nothing else there: so that nobody else makes good
 * a wake-up that it has missed.
 */
bool door_reads(int door)
{
	return EP->alone < 0 || EP->alone == door;
}

enum op op_allowed(int door, enum op op)
{
	if (op == READ && !door_reads(door))
		return WRITE;
	return (op == WRITE || op == POLL) && EP->alone == door ? READ : op;
}

/**
 * lane_begin - before a request is submitted
 * Return: false if there is to be none.
 */
bool lane_begin(struct lane *lane, enum op op, struct rng *rng)
{
	if (lane_busy(lane))
		fail("lane %d is in use", lane_number(lane));
	atomic_store(&lane->asked, false);
	lane->nonblock = false;
	lane->len = 0;
	if (op == WRITE && !records_fill(lane, 1 + any(rng, one_in(rng, 3) ? MOST / RECORD : 4)))
		return false;
	if (op == READ)
		lane->len = RECORD * (1 + any(rng, one_in(rng, 2) ? 4 : MOST / RECORD));
	if (op == SREAD || op == SWRITE)
		blocks_choose(lane, op == SWRITE, rng);
	if (op == SWRITE)
		blocks_fill(lane);
	if (op == READ || op == SREAD)
		memset(lane->buf, BLANK, lane->len);
	if (op == SREAD)
		blocks_snap(lane);
	atomic_store(&lane->begun, now_ns());
	atomic_fetch_add(&lane->serial, 1);
	atomic_store(&lane->op, op);
	return true;
}

static bool may_end_with(struct lane *lane, int err)
{
	bool stopping = atomic_load(&EP->phase) == STOP || atomic_load(&lane->asked);

	switch (err) {
	case ECANCELED:
		return EP->cancels || stopping || EP->orders || atomic_load(&EP->closing) ||
		       (atomic_load(&EP->pulled) && lane->door == DOOR_WIN32);
	case EINTR:
		return (lane->door == DOOR_CALL || lane->door == DOOR_POLL ||
			lane->door == DOOR_URING) &&
		       (EP->signals || EP->cancels || stopping);
	case EAGAIN:
		return lane->nonblock || (EP->quota && (lane->door == DOOR_COMMAND ||
							lane->door == DOOR_AIO));
	case EIO:
		return EP->faults;
	case ESHUTDOWN:
		return EP->orders || atomic_load(&EP->closing);
	case ENODEV:
		return atomic_load(&EP->pulled);
	case EBADF:
		return EP->cancels && lane->door == DOOR_CALL;
	default:
		return false;
	}
}

static void outcome_count(struct lane *lane, long result, uint32_t moved)
{
	enum outcome out = OUT_DONE;

	if (result == -ECANCELED || result == -EINTR)
		out = OUT_CANCELED;
	else if (result == -EAGAIN)
		out = OUT_AGAIN;
	else if (result < 0)
		out = OUT_FAILED;
	else if (lane->len && moved < lane->len)
		out = OUT_SHORT;
	atomic_fetch_add_explicit(&shared->outcomes[lane->door][out], 1, memory_order_relaxed);
	/* Who only tries to help is no progress. */
	if (lane != &BOOK->lanes[KEEPER] && result != -EAGAIN)
		atomic_fetch_add_explicit(&shared->progress, 1, memory_order_relaxed);
}

static void bytes_moved(struct lane *lane, enum op op, uint32_t moved)
{
	switch (op) {
	case READ:
		records_read(lane, moved);
		break;
	case WRITE:
		records_written(lane, moved);
		break;
	case SREAD:
		blocks_read(lane, moved);
		break;
	case SWRITE:
		blocks_written(lane, moved);
		break;
	default:
		break;
	}
}

/**
 * lane_end - a request has ended, as its front door tells
 * @result: 0 or more, or a negative errno
 * @moved: bytes; more than 0 with an error only where the door says so
 */
void lane_end(struct lane *lane, long result, uint32_t moved)
{
	enum op op = atomic_load(&lane->op);

	if (op == NONE) {
		fail("lane %d (%s) has ended twice, now with %ld", lane_number(lane),
		     door_names[lane->door], result);
		return;
	}
	if (result < 0 && !may_end_with(lane, (int)-result))
		fail("lane %d (%s): a %s of %u bytes ended with errno %ld", lane_number(lane),
		     door_names[lane->door], op_names[op], lane->len, -result);
	if (moved > lane->len || (result == 0 && lane->len && !moved))
		fail("lane %d (%s): a %s of %u bytes moved %u", lane_number(lane),
		     door_names[lane->door], op_names[op], lane->len, moved);
	bytes_moved(lane, op, moved < lane->len ? moved : lane->len);
	outcome_count(lane, result, moved);
	atomic_store(&lane->op, NONE);
}

/* Nobody will be told what becomes of what is in flight. */
void lane_abandon(struct lane *lane)
{
	if (!lane_busy(lane))
		return;
	atomic_store(&lane->left, true);
}

/*
 * Its process is gone, or its ring is, and nothing of it is pending: what was read is in its
 * memory, and a write has come to be or not.
 */
void lane_settle(struct lane *lane)
{
	enum op op = atomic_load(&lane->op);
	uint32_t moved = 0;

	if (op == READ) {
		while (moved < lane->len && !is_blank(lane->buf + moved, RECORD))
			moved += RECORD;
		records_read(lane, moved);
	}
	if (op == NONE)
		return;
	atomic_fetch_add_explicit(&shared->outcomes[lane->door][OUT_GONE], 1,
				  memory_order_relaxed);
	/* Its writes stay TRIED, its blocks between two versions. */
	atomic_store(&lane->op, NONE);
}

struct lane *lane_named(uint64_t name, const char *who)
{
	struct lane *lane = &BOOK->lanes[name & (LANES - 1)];

	if ((name & 0xffff) >= LANES || !lane_busy(lane) || lane_name(lane) != name) {
		fail("%s: an end of lane %u's request %u, which has ended or never was", who,
		     (unsigned int)(name & 0xffff), (unsigned int)(name >> 16));
		return NULL;
	}
	return lane;
}

void book_clear(void)
{
	memset(BOOK, 0, sizeof(*BOOK));
}
