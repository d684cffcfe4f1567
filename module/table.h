/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The requests that a device has accepted and that have not ended, by ticket,
 * and what became of the others.
 */
#ifndef CANCELIO_TABLE_H
#define CANCELIO_TABLE_H

#include <linux/atomic.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct cancelio_device;
struct cancelio_request;

/* Powers of two of nanoseconds, up to what a day is below. */
#define CANCELIO_BUCKETS	48

/**
 * struct cancelio_counters - what became of a device's requests
 * @accepted: all; always the sum of the next four
 * @completed: ended with 0
 * @cancelled: ended with -ECANCELED
 * @failed: ended with another error
 * @pending: have not ended
 * @late: of those that ended otherwise, how many were asked to be cancelled
 * @overdue: the watchdog has named
 */
struct cancelio_counters {
	u64 accepted;
	u64 completed;
	u64 cancelled;
	u64 failed;
	u64 pending;
	u64 late;
	u64 overdue;
};

/**
 * struct cancelio_table - see above
 * @tickets: the last one given out
 * @lock: guards the rest; innermost, interrupts off
 * @requests: by ticket
 * @youngest: the last of them: a new one comes behind it; or NULL
 * @counters: see there
 * @cancel_to_end: of the requests that were asked to be cancelled, how many took
 *	less than 2^i ns from then to their end, and 2^(i-1) or more
 */
struct cancelio_table {
	atomic64_t tickets;
	spinlock_t lock;	/* all that follows */
	struct rb_root requests;
	struct rb_node *youngest;
	struct cancelio_counters counters;
	u64 cancel_to_end[CANCELIO_BUCKETS];
};

void cancelio_table_init(struct cancelio_table *table);
void cancelio_table_add(struct cancelio_request *req);
void cancelio_table_pass(struct cancelio_table *table);
void cancelio_table_remove(struct cancelio_request *req);
void cancelio_table_overdue(struct cancelio_request *req);
struct cancelio_request *cancelio_table_next(struct cancelio_table *table, u64 after, u64 last);

/* A ticket for a request that needs one before it is accepted. */
static inline u64 cancelio_table_ticket(struct cancelio_table *table)
{
	return atomic64_inc_return(&table->tickets);
}

/*
 * The youngest ticket so far. Who goes through all requests goes so far: there is
 * always one more, where those that end come again.
 */
static inline u64 cancelio_table_last(struct cancelio_table *table)
{
	return atomic64_read(&table->tickets);
}

void cancelio_table_counters(struct cancelio_table *table, struct cancelio_counters *counters);
void cancelio_table_histogram(struct cancelio_table *table, u64 buckets[CANCELIO_BUCKETS]);
u64 cancelio_table_cancel(struct cancelio_table *table,
			  bool (*match)(struct cancelio_request *req, const void *arg),
			  const void *arg);

#endif /* CANCELIO_TABLE_H */
