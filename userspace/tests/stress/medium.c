// SPDX-License-Identifier: MIT
/*
 * Each block of the store is written by one lane. It has a version that is settled and one that
 * is being written; who reads while neither changes must find the first.
 */
#include <stdio.h>
#include <string.h>

#include "stress.h"

enum { WORDS = BLOCK / 8 };

void blocks_choose(struct lane *lane, bool write, struct rng *rng)
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

/* Of several versions, parts of each: a copy may have come to any byte. */
static bool block_is_of(uint32_t nr, uint32_t from, uint32_t to, const unsigned char *data)
{
	for (int i = 0; i < BLOCK; i++) {
		uint32_t v = from;

		while (v <= to && data[i] != (unsigned char)(block_word(nr, v, i / 8) >> i % 8 * 8))
			v++;
		if (v > to)
			return false;
	}
	return true;
}

/* What is there instead, for a failure. */
static void block_tell(uint32_t nr, const unsigned char *data, char *text, size_t size)
{
	uint32_t turns = atomic_load(&BOOK->blocks[nr].turns), before = UINT32_MAX, v;
	size_t len = 0;

	for (int i = 0; i < WORDS && len < size; i++) {
		uint64_t word;

		memcpy(&word, data + i * 8, 8);
		for (v = 0; v <= turns + 1 && word != block_word(nr, v, i);)
			v++;
		if (v != before)
			len += (size_t)(v > turns + 1 ?
				snprintf(text + len, size - len, " %d:%lx", i, word) :
				snprintf(text + len, size - len, " %d:v%u", i, v));
		before = v;
	}
}

void blocks_snap(struct lane *lane)
{
	for (uint32_t i = 0; i < lane->len / BLOCK; i++) {
		struct block *b = &BOOK->blocks[lane->first + i];

		lane->turns[i] = atomic_load(&b->turns);
		lane->settled[i] = atomic_load(&b->settled);
		lane->attempt[i] = atomic_load(&b->attempt);
	}
}

void blocks_fill(struct lane *lane)
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

void blocks_written(struct lane *lane, uint32_t moved)
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
	char text[160] = "";
	const unsigned char *data = lane->buf + i * BLOCK;
	uint32_t nr = lane->first + i;
	struct block *b = &BOOK->blocks[nr];
	bool still = lane->settled[i] == lane->attempt[i] &&
		     lane->settled[i] == atomic_load(&b->settled) &&
		     lane->turns[i] == atomic_load(&b->turns);

	if (still ? block_is(nr, lane->settled[i], data) :
		    block_is_of(nr, lane->settled[i], atomic_load(&b->turns), data))
		return;
	block_tell(nr, data, text, sizeof(text));
	fail("lane %d (%s): block %u of the store is not what was written: version %u..%u%s, but%s",
	     lane_number(lane), door_names[lane->door], nr, lane->settled[i],
	     atomic_load(&b->turns), still ? ", and nobody writes it" : "", text);
}

void blocks_read(struct lane *lane, uint32_t moved)
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

