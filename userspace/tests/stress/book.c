// SPDX-License-Identifier: MIT
/*
 * The books: what each request must end in, and where the bytes are.
 *
 * The stream carries records, each with the lane that wrote it and its number there. A lane has
 * one request in flight; so what it writes is in order, and what it reads after an earlier
 * read was behind that on the line. A read is noted in the record's own entry by the
 * read's name, which finds a record that was read twice, and lets whoever sees to the lanes
 * of the killed count what is in their memory without counting it twice.
 *
 * Each block of the store is written by one lane. It has a version that is settled and one that
 * is being written; who reads while neither changes must find the first.
 */
#include <stdio.h>
#include <string.h>

#include "stress.h"

enum { BLANK = 0xee, WORDS = BLOCK / 8, PER_READ = MOST / RECORD };

struct record {
	uint32_t magic, seq;
	uint16_t lane, index, count, episode;
	uint64_t fill[5];
	uint64_t sum;
};

_Static_assert(sizeof(struct record) == RECORD, "a record fills its place");

static const char *const op_names[] = { "nothing", "read", "write", "store read", "store write",
					"flush", "control", "poll" };
static const char *const door_names[] = { "call", "poll", "uring", "command", "aio", "win32" };

static int lane_number(const struct lane *lane)
{
	return (int)(lane - BOOK->lanes);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	struct rng rng = { a * 0x2545f4914f6cdd1d + b };

	return rng_next(&rng);
}

/* ---- the stream ---- */

static uint64_t record_sum(const struct record *r)
{
	const uint64_t *word = (const uint64_t *)r;
	uint64_t sum = shared->seed;

	for (int i = 0; i < RECORD / 8 - 1; i++)
		sum = (sum ^ word[i]) * 0x100000001b3;
	return sum;
}

static bool records_fill(struct lane *lane, uint32_t count)
{
	struct record *r = (struct record *)lane->buf;
	int nr = lane_number(lane);

	if (lane->seq + count > SEQS)
		return false;
	lane->first = lane->seq;
	lane->seq += count;
	lane->len = count * RECORD;
	for (uint32_t i = 0; i < count; i++, r++) {
		*r = (struct record){ .magic = 0xca9ce110, .seq = lane->first + i,
				      .lane = (uint16_t)nr, .index = (uint16_t)i,
				      .count = (uint16_t)count,
				      .episode = (uint16_t)EP->number };
		for (int k = 0; k < 5; k++)
			r->fill[k] = mix(r->seq, (uint64_t)(k + nr * 8));
		r->sum = record_sum(r);
		atomic_store(&BOOK->fate[nr][r->seq], TRIED);
	}
	return true;
}

static void records_written(struct lane *lane, uint32_t moved)
{
	int nr = lane_number(lane);

	if (moved % RECORD)
		fail("lane %d: a write moved %u bytes, half a record", nr, moved);
	for (uint32_t i = 0; i < lane->len / RECORD; i++)
		atomic_store(&BOOK->fate[nr][lane->first + i],
			     i < moved / RECORD ? TAKEN : REFUSED);
}

/* The write of @r did not go on behind it, in the same read: then it was short. */
static void record_follow(const struct record *r, const struct record *next)
{
	if (r->index + 1 == r->count)
		return;
	if (next->lane == r->lane && next->seq == r->seq + 1)
		return;
	/* Between its pieces others may come. */
	if (EP->device && (r->index + 1) % (EP->stream_size / RECORD) == 0)
		return;
	atomic_store(&BOOK->torn[r->lane][r->seq], 1);
}

static bool record_is_good(const struct record *r)
{
	return r->magic == 0xca9ce110 && r->sum == record_sum(r) && r->lane < LANES &&
	       r->seq < SEQS && r->episode == (uint16_t)EP->number;
}

static void record_see(struct lane *lane, const struct record *r, uint32_t name)
{
	int nr = lane_number(lane);
	uint32_t before = 0;

	if (!record_is_good(r)) {
		fail("lane %d (%s): what it has read is no record", nr, door_names[lane->door]);
		return;
	}
	if (!atomic_compare_exchange_strong(&BOOK->seen[r->lane][r->seq], &before, name)) {
		if (before != name)
			fail("record %u of lane %u was read twice: by lane %u and lane %d (%s)",
			     r->seq, r->lane, before >> 24, nr, door_names[lane->door]);
		return;
	}
	if (atomic_load(&BOOK->fate[r->lane][r->seq]) == REFUSED)
		fail("lane %d (%s) read record %u of lane %u (%s), whose write had failed", nr,
		     door_names[lane->door], r->seq, r->lane,
		     door_names[BOOK->lanes[r->lane].door]);
	if (BOOK->last[nr][r->lane] > r->seq + 1)
		fail("lane %d (%s) read record %u of lane %u after %u", nr,
		     door_names[lane->door], r->seq, r->lane, BOOK->last[nr][r->lane] - 1);
	BOOK->last[nr][r->lane] = r->seq + 1;
}

static bool is_blank(const unsigned char *p, size_t len)
{
	return !len || (p[0] == BLANK && !memcmp(p, p + 1, len - 1));
}

/* Of the flight; not 0. */
static uint32_t read_name(struct lane *lane)
{
	return (uint32_t)lane_number(lane) << 24 | ((atomic_load(&lane->serial) & 0x7fffff) + 1);
}

static void records_read(struct lane *lane, uint32_t moved)
{
	uint32_t name = read_name(lane);
	const struct record *r = (const struct record *)lane->buf;
	uint32_t count = moved / RECORD;

	if (moved % RECORD)
		fail("lane %d (%s) read %u bytes, half a record", lane_number(lane),
		     door_names[lane->door], moved);
	for (uint32_t i = 0; i < count; i++)
		record_see(lane, &r[i], name);
	for (uint32_t i = 0; i + 1 < count && !atomic_load(&shared->failed); i++)
		record_follow(&r[i], &r[i + 1]);
	if (!is_blank(lane->buf + moved, lane->len - moved))
		fail("lane %d (%s): a read that moved %u bytes has changed the memory behind",
		     lane_number(lane), door_names[lane->door], moved);
}

/* ---- the store ---- */

static uint64_t block_word(uint32_t nr, uint32_t version, int i)
{
	return version ? mix((uint64_t)nr << 32 | version, (uint64_t)i) : 0;
}

static bool block_is(uint32_t nr, uint32_t version, const unsigned char *data)
{
	for (int i = 0; i < WORDS; i++) {
		uint64_t word;

		memcpy(&word, data + i * 8, 8);
		if (word != block_word(nr, version, i))
			return false;
	}
	return true;
}

/* Of several versions, parts of each. */
static bool block_is_of(uint32_t nr, uint32_t from, uint32_t to, const unsigned char *data)
{
	for (int i = 0; i < WORDS; i++) {
		uint32_t v = from;
		uint64_t word;

		memcpy(&word, data + i * 8, 8);
		while (v <= to && word != block_word(nr, v, i))
			v++;
		if (v > to)
			return false;
	}
	return true;
}

static void blocks_snap(struct lane *lane)
{
	for (uint32_t i = 0; i < lane->len / BLOCK; i++) {
		struct block *b = &BOOK->blocks[lane->first + i];

		lane->turns[i] = atomic_load(&b->turns);
		lane->settled[i] = atomic_load(&b->settled);
		lane->attempt[i] = atomic_load(&b->attempt);
	}
}

static void blocks_fill(struct lane *lane)
{
	for (uint32_t i = 0; i < lane->len / BLOCK; i++) {
		struct block *b = &BOOK->blocks[lane->first + i];
		uint32_t version = atomic_fetch_add(&b->turns, 1) + 1;
		uint64_t *word = (uint64_t *)(lane->buf + i * BLOCK);

		atomic_store(&b->attempt, version);
		for (int k = 0; k < WORDS; k++)
			word[k] = block_word(lane->first + i, version, k);
	}
}

static void blocks_written(struct lane *lane, uint32_t moved)
{
	if (moved % BLOCK)
		fail("lane %d (%s): a write to the store moved %u bytes", lane_number(lane),
		     door_names[lane->door], moved);
	for (uint32_t i = 0; i < lane->len / BLOCK; i++) {
		struct block *b = &BOOK->blocks[lane->first + i];

		if (i < moved / BLOCK)
			atomic_store(&b->settled, atomic_load(&b->attempt));
		else
			atomic_store(&b->attempt, atomic_load(&b->settled));
	}
}

static void block_read(struct lane *lane, uint32_t i)
{
	const unsigned char *data = lane->buf + i * BLOCK;
	uint32_t nr = lane->first + i;
	struct block *b = &BOOK->blocks[nr];
	bool still = lane->settled[i] == lane->attempt[i] &&
		     lane->settled[i] == atomic_load(&b->settled) &&
		     lane->turns[i] == atomic_load(&b->turns);

	if (still ? block_is(nr, lane->settled[i], data) :
		    block_is_of(nr, lane->settled[i], atomic_load(&b->turns), data))
		return;
	/* The medium of another device, which has come after one that was pulled. */
	fail("lane %d (%s): block %u of the store is not what was written: version %u..%u%s",
	     lane_number(lane), door_names[lane->door], nr, lane->settled[i],
	     atomic_load(&b->turns), still ? ", and nobody writes it" : "");
}

static void blocks_read(struct lane *lane, uint32_t moved)
{
	if (moved % BLOCK)
		fail("lane %d (%s): a read of the store moved %u bytes", lane_number(lane),
		     door_names[lane->door], moved);
	for (uint32_t i = 0; i < moved / BLOCK; i++)
		block_read(lane, i);
	if (!is_blank(lane->buf + moved, lane->len - moved))
		fail("lane %d (%s): a read of the store that moved %u bytes has changed the memory behind",
		     lane_number(lane), door_names[lane->door], moved);
}

/* What is left by one who was killed in the midst: all of the old, all of the new, or some of both. */
void book_check_block(uint32_t nr, const unsigned char *data)
{
	struct block *b = &BOOK->blocks[nr];
	uint32_t settled = atomic_load(&b->settled), attempt = atomic_load(&b->attempt);

	if (!(settled == attempt ? block_is(nr, settled, data) :
				   block_is(nr, settled, data) || block_is(nr, attempt, data) ||
				   block_is_of(nr, settled, attempt, data)))
		fail("in the end, block %u of the store is neither version %u nor %u", nr, settled,
		     attempt);
}

/* ---- lanes ---- */

static void blocks_choose(struct lane *lane, bool write, struct rng *rng)
{
	uint32_t count = 1 + any(rng, one_in(rng, 2) ? 2 : MOST / BLOCK);
	uint32_t own = (uint32_t)lane_number(lane) * LANE_BLOCKS;

	lane->len = count * BLOCK;
	if (write)
		lane->first = own + any(rng, LANE_BLOCKS - count + 1);
	else if (one_in(rng, 2))
		lane->first = own;
	else
		lane->first = any(rng, BLOCKS - count + 1);
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
	if (op == WRITE && !records_fill(lane, 1 + any(rng, one_in(rng, 3) ? PER_READ : 4)))
		return false;
	if (op == READ)
		lane->len = RECORD * (1 + any(rng, one_in(rng, 2) ? 4 : PER_READ));
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
		return EP->cancels || stopping || EP->orders || atomic_load(&EP->closing);
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

/* As that, while it may still be going on: what is there already. */
void lane_peek(struct lane *lane)
{
	const struct record *r = (const struct record *)lane->buf;

	if (atomic_load(&lane->op) != READ)
		return;
	for (uint32_t i = 0; i < lane->len / RECORD && record_is_good(&r[i]); i++)
		record_see(lane, &r[i], read_name(lane));
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

/* ---- the whole ---- */

void book_clear(void)
{
	memset(BOOK, 0, sizeof(*BOOK));
}

/* Whether each record that was taken has been read. */
bool book_all_seen(void)
{
	for (int nr = 0; nr < LANES; nr++)
		for (uint32_t seq = 0; seq < BOOK->lanes[nr].seq; seq++)
			if (atomic_load(&BOOK->fate[nr][seq]) == TAKEN &&
			    !atomic_load(&BOOK->seen[nr][seq]))
				return false;
	return true;
}

static void book_check_record(int nr, uint32_t seq, bool whole)
{
	uint8_t fate = atomic_load(&BOOK->fate[nr][seq]);
	bool seen = atomic_load(&BOOK->seen[nr][seq]);
	const char *door = door_names[BOOK->lanes[nr].door];

	if (seen && fate == REFUSED)
		fail("record %u of lane %d (%s) was read, and its write had failed", seq, nr, door);
	if (seen && fate == UNUSED)
		fail("record %u of lane %d (%s) was read and never written", seq, nr, door);
	if (whole && !seen && fate == TAKEN)
		fail("record %u of lane %d (%s) was written and never read", seq, nr, door);
	/* Something else came where its write should have gone on. */
	if (atomic_load(&BOOK->torn[nr][seq]) && seq + 1 < SEQS &&
	    (atomic_load(&BOOK->fate[nr][seq + 1]) == TAKEN ||
	     atomic_load(&BOOK->seen[nr][seq + 1])))
		fail("the write of lane %d (%s) was torn behind record %u", nr, door, seq);
}

/* In a quiet moment. @whole: all that was written has been read. */
void book_check_stream(bool whole)
{
	for (int nr = 0; nr < LANES; nr++)
		for (uint32_t seq = 0; seq < BOOK->lanes[nr].seq; seq++)
			book_check_record(nr, seq, whole);
}
