// SPDX-License-Identifier: MIT
/*
 * The stream carries records, each with the lane that wrote it and its number there. A lane has
 * one request in flight; so what it writes is in order, and what it reads after an earlier
 * read was behind that on the line. A read is noted in the record's own entry by the
 * read's name, which finds a record that was read twice, and lets whoever sees to the lanes
 * of the killed count what is in their memory without counting it twice.
 */
#include "stress.h"

struct record {
	uint32_t magic, seq;
	uint16_t lane, index, count, episode;
	uint64_t fill[5];
	uint64_t sum;
};

_Static_assert(sizeof(struct record) == RECORD, "a record fills its place");

static uint64_t record_sum(const struct record *r)
{
	const uint64_t *word = (const uint64_t *)r;
	uint64_t sum = shared->seed;

	for (int i = 0; i < RECORD / 8 - 1; i++)
		sum = (sum ^ word[i]) * 0x100000001b3;
	return sum;
}

bool records_fill(struct lane *lane, uint32_t count)
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
			r->fill[k] = mix(r->seq, (uint64_t)k + (uint64_t)nr * 8);
		r->sum = record_sum(r);
		atomic_store(&BOOK->fate[nr][r->seq], TRIED);
	}
	return true;
}

void records_written(struct lane *lane, uint32_t moved)
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
	/* The library writes what a fault has left over. */
	if (EP->faults && BOOK->lanes[r->lane].door == DOOR_WIN32)
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

/* Of the flight; not 0. */
static uint32_t read_name(struct lane *lane)
{
	return (uint32_t)lane_number(lane) << 24 | ((atomic_load(&lane->serial) & 0x7fffff) + 1);
}

void records_read(struct lane *lane, uint32_t moved)
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

/* What there is in the memory of who can tell it no more, while it may still be going on. */
void lane_peek(struct lane *lane)
{
	const struct record *r = (const struct record *)lane->buf;

	if (atomic_load(&lane->op) != READ)
		return;
	for (uint32_t i = 0; i < lane->len / RECORD && record_is_good(&r[i]); i++)
		record_see(lane, &r[i], read_name(lane));
}

/* ---- the whole ---- */

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
