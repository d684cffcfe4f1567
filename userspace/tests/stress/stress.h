/* SPDX-License-Identifier: MIT */
/*
 * A stress of the devices by every front door at once, and of the library; see main.c.
 *
 *	main.c    one episode after the other, and what came of them
 *	episode.c set up, stir, lull, end, check
 *	crew.c    the processes
 *	worker.c  a process with a thread for each front door
 *	call.c    read(2), write(2) and their like; poll, select, epoll
 *	async.c   what the next three have in common
 *	ring.c    io_uring: READ, WRITE, POLL_ADD, and the commands of the module
 *	aio.c     libaio
 *	win32.c   the library
 *	shake.c   what is done to the devices meanwhile
 *	device.c  configfs, sysfs, debugfs, the module
 *	book.c    what each request must end in
 *	line.c    the stream's records: which was written, which was read
 *	medium.c  the store's blocks: which version is where
 *
 * All random numbers come from the seed: each thread has a generator of its own, named by the
 * episode, its process's slot and its own number. So the plan repeats; the schedule does not.
 */
#ifndef STRESS_H
#define STRESS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

enum {
	RECORD = 64,		/* bytes of a record on the stream */
	MOST = 4096,		/* bytes of the longest request */
	LANES = 256,
	SEQS = 16384,		/* records that a lane may write in an episode */
	BLOCK = 512,		/* bytes of a block of the store */
	LANE_BLOCKS = 16,	/* that only one lane writes */
	BLOCKS = LANES * LANE_BLOCKS,
	SPAWNS = 15,		/* processes of an episode; 16 lanes each */
	SPAWN_LANES = 16,
	KEEPER = LANES - 1,	/* the lane of who runs the episodes */
};

enum door { DOOR_CALL, DOOR_POLL, DOOR_URING, DOOR_COMMAND, DOOR_AIO, DOOR_WIN32, DOORS };
enum outcome { OUT_DONE, OUT_SHORT, OUT_CANCELED, OUT_AGAIN, OUT_FAILED, OUT_GONE, OUTS };
enum means {
	BY_SIGNAL, BY_IOCTL, BY_ASYNC_CANCEL, BY_COMMAND, BY_IO_CANCEL, BY_TIMEOUT, BY_CLOSE,
	BY_RING_END, BY_WIN32, BY_SCOPE, BY_ORDER, BY_KILL, BY_EXEC, BY_FORK, BY_PULL, MEANS,
};
enum op { NONE, READ, WRITE, SREAD, SWRITE, FLUSH, CONTROL, POLL };

/*
 * RUN: everything. LULL: no new request but reads of the stream, nothing is cancelled, and what
 * is in flight must end by itself, but for these. HUSH: who has several in flight cancels each,
 * once, and waits. STOP: each cancels what it has, once, and ends.
 */
enum phase { RUN, LULL, HUSH, STOP };
enum ending { END_GENTLY, END_KILLED, END_PULLED, END_PURGED, END_LEFT, ENDINGS };

struct rng {
	uint64_t state;
};

/* A place for one request at a time, with its memory, which everybody sees. */
struct lane {
	_Atomic uint32_t op;		/* enum op: what is in flight */
	_Atomic uint32_t serial;	/* of the flight */
	uint8_t door;
	_Atomic bool asked;		/* its own thread has asked for a cancel */
	_Atomic bool left;		/* nobody is told any more what becomes of it */
	bool nonblock;
	uint32_t len;			/* bytes */
	uint32_t first;			/* record or block */
	uint32_t seq;			/* the next record */
	int fd;
	_Atomic uint64_t begun;		/* ns */
	uint32_t settled[MOST / BLOCK], attempt[MOST / BLOCK], turns[MOST / BLOCK];
	_Alignas(4096) unsigned char buf[MOST];
};

struct block {
	_Atomic uint32_t settled, attempt, turns;
};

enum { UNUSED, TRIED, TAKEN, REFUSED };	/* what became of a record's write */

struct book {
	struct lane lanes[LANES];
	_Atomic uint32_t seen[LANES][SEQS];	/* by which read; 0: by none */
	_Atomic uint8_t fate[LANES][SEQS];
	_Atomic uint8_t torn[LANES][SEQS];	/* its write did not go on behind it */
	uint32_t last[LANES][LANES];		/* of a reading lane, of each writing one */
	struct block blocks[BLOCKS];
};

/* What an episode is like; fixed while it lasts, but for phase. */
struct episode {
	int number;
	enum ending ending;
	bool device;			/* there is one; else FIFOs */
	bool kicks;			/* in a lull the devices must be told to let go */
	bool cancels, signals, faults, orders, quota, kills, never;
	int alone;			/* the one enum door that reads the stream; -1: all do */
	uint32_t stream_size, store_size;
	char stream[64], store[64];
	_Atomic int phase;
	_Atomic bool pulled, closing;
};

struct shared {
	struct episode ep;
	uint64_t seed;
	_Atomic bool failed, claimed;
	char failure[512];
	_Atomic uint64_t outcomes[DOORS][OUTS];
	_Atomic uint64_t cancels[MEANS];
	_Atomic uint64_t progress;	/* of anything, for who waits */
	struct book book;
};

extern struct shared *shared;
#define EP	(&shared->ep)
#define BOOK	(&shared->book)

/* ---- what happens by chance ---- */

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline uint32_t any(struct rng *rng, uint32_t below)
{
	return (uint32_t)((rng_next(rng) >> 32) * below >> 32);
}

static inline bool one_in(struct rng *rng, uint32_t n)
{
	return any(rng, n) == 0;
}

/* ---- main.c ---- */

/* Something is wrong. The first to say so is heard; nobody goes on for long. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct rng rng_of(int episode, int slot, int thread);
uint64_t now_ns(void);
static inline void count_cancel(enum means means)
{
	atomic_fetch_add_explicit(&shared->cancels[means], 1, memory_order_relaxed);
}

/* ---- episode.c ---- */
extern const char *const ending_names[ENDINGS];
extern int episodes_of[ENDINGS];	/* how many went well */
extern unsigned int patience_s;
void episode(int number, bool device);

/* ---- crew.c ---- */
extern int crew_size;			/* processes so far; each has a number */
void crew_add(bool win32);
bool crew_has(int nr);
int crew_reap(bool killed);
void crew_kill(int nr);
void crew_kill_all(void);
bool crew_no_orphans(void);
bool lane_is_dead(int nr);
bool lane_waits(int nr);
void hangs(const char *what);
long module_users(void);

/* ---- book.c ---- */
extern const char *const door_names[DOORS];
void book_clear(void);
bool lane_begin(struct lane *lane, enum op op, struct rng *rng);
bool door_reads(int door);
enum op op_allowed(int door, enum op op);
void lane_end(struct lane *lane, long result, uint32_t moved);
void lane_abandon(struct lane *lane);
void lane_settle(struct lane *lane);

static inline bool lane_busy(struct lane *lane)
{
	return atomic_load(&lane->op) != NONE;
}

/* What names a flight in a user_data or a tag. */
static inline uint64_t lane_name(struct lane *lane)
{
	return (uint64_t)(lane - BOOK->lanes) | (uint64_t)atomic_load(&lane->serial) << 16;
}

static inline int lane_number(const struct lane *lane)
{
	return (int)(lane - BOOK->lanes);
}

struct lane *lane_named(uint64_t name, const char *who);

/* ---- line.c, medium.c ---- */

/* What memory is filled with before something is read to it. */
enum { BLANK = 0xee };

static inline bool is_blank(const unsigned char *p, size_t len)
{
	return !len || (p[0] == BLANK && !memcmp(p, p + 1, len - 1));
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	struct rng rng = { a * 0x2545f4914f6cdd1d + b };

	return rng_next(&rng);
}

bool records_fill(struct lane *lane, uint32_t count);
void records_written(struct lane *lane, uint32_t moved);
void records_read(struct lane *lane, uint32_t moved);
void lane_peek(struct lane *lane);
bool book_all_seen(void);
void book_check_stream(bool whole);

void blocks_choose(struct lane *lane, bool write, struct rng *rng);
void blocks_snap(struct lane *lane);
void blocks_fill(struct lane *lane);
void blocks_written(struct lane *lane, uint32_t moved);
void blocks_read(struct lane *lane, uint32_t moved);
void book_check_block(uint32_t nr, const unsigned char *data);

/* ---- device.c ---- */
struct counters {
	uint64_t accepted, completed, cancelled, failed, pending, late, told;
};

int text_put(const char *path, const char *text);
bool text_get(const char *path, char *text, size_t size);
int knob_put(const char *node, const char *knob, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool devices_make(struct rng *rng);
void devices_pull(void);
void devices_unmake(void);
void devices_calm(void);
bool counters_see(const char *node, struct counters *c);
void counters_check(const char *node, bool quiet);
void devices_show(void);
long ioctl_cancel(int fd, uint32_t by, uint64_t value, uint32_t flags);
int module_remove(void);
void module_reload(void);
bool kernel_is_well(void);

/* ---- worker.c ---- */
enum { THREADS = 8 };

/* A thread of a worker. */
struct actor {
	struct rng rng;
	struct lane *lanes;
	int count;
	enum door door;
	_Atomic int stream, store;	/* descriptors; others may close them */
	_Atomic int tid;
	_Atomic bool over;
	bool closes;			/* so no worker may look up a descriptor later */
	unsigned long thread;		/* pthread_t */
	const struct async *async;
	void *door_data;
};

int open_stream(struct actor *actor, int flags);
int open_store(struct actor *actor);
void close_own(struct actor *actor);
void worker_main(int spawn, bool win32);
int open_files(void);

/* ---- the front doors ---- */
void *call_main(void *arg);
void *poll_main(void *arg);
void *async_main(void *arg);
void win32_worker(int spawn);

/* A front door where requests are begun here and end there. */
struct async {
	bool (*open)(struct actor *actor);
	/* 0; or a negative errno: it was not begun, and that is its end. */
	int (*start)(struct actor *actor, struct lane *lane, enum op op);
	/* Asks for an end. */
	void (*cancel)(struct actor *actor, struct lane *lane);
	/* Waits for something to end, up to so many ms. */
	void (*reap)(struct actor *actor, int ms);
	/* The end of the ring or context, whatever is in flight; open() may follow. */
	void (*close)(struct actor *actor);
};

extern const struct async ring_async, aio_async;

/* ---- shake.c ---- */
void shake(struct rng *rng);

#endif
