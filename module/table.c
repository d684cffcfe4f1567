// SPDX-License-Identifier: GPL-2.0
/*
 * A device's requests: see table.h.
 */
#include <linux/bitops.h>
#include <linux/minmax.h>

#include "device.h"
#include "request.h"
#include "table.h"

/**
 * cancelio_table_init - no request was accepted yet
 * @table: zeroed memory
 */
void cancelio_table_init(struct cancelio_table *table)
{
	spin_lock_init(&table->lock);
	table->requests = RB_ROOT;
}

static bool request_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct cancelio_request, node)->ticket <
	       rb_entry(b, struct cancelio_request, node)->ticket;
}

static void table_insert(struct cancelio_table *table, struct cancelio_request *req)
{
	struct rb_node *last = table->youngest;

	lockdep_assert_held(&table->lock);

	/* As each does, but for those that go on with an earlier one. */
	if (last && request_less(last, &req->node)) {
		rb_link_node(&req->node, last, &last->rb_right);
		rb_insert_color(&req->node, &table->requests);
		table->youngest = &req->node;
		return;
	}
	rb_add(&req->node, &table->requests, request_less);
	if (!last)
		table->youngest = &req->node;
}

/**
 * cancelio_table_add - a request was accepted
 * @req: the request; gets a ticket, if it has none
 *
 * Context: any; a queue's lock may be held.
 */
void cancelio_table_add(struct cancelio_request *req)
{
	struct cancelio_table *table = &req->dev->table;
	unsigned long flags;

	spin_lock_irqsave(&table->lock, flags);
	if (!req->ticket)
		req->ticket = cancelio_table_ticket(table);
	table_insert(table, req);
	table->counters.accepted++;
	table->counters.pending++;
	spin_unlock_irqrestore(&table->lock, flags);
}

/**
 * cancelio_table_pass - count what was served at once, and so was no request
 * @table: the device's
 *
 * Context: any, no lock of ours held.
 */
void cancelio_table_pass(struct cancelio_table *table)
{
	unsigned long flags;

	spin_lock_irqsave(&table->lock, flags);
	table->counters.accepted++;
	table->counters.completed++;
	spin_unlock_irqrestore(&table->lock, flags);
}

/**
 * cancelio_table_remove - a request has ended
 * @req: the request, DONE and with its status
 *
 * Context: any, no lock of ours held.
 */
void cancelio_table_remove(struct cancelio_request *req)
{
	struct cancelio_table *table = &req->dev->table;
	struct cancelio_counters *counters = &table->counters;
	u64 asked = READ_ONCE(req->canceled_at), ns = 0;
	unsigned long flags;

	if (asked)
		ns = max_t(s64, ktime_get_ns() - asked, 0);

	spin_lock_irqsave(&table->lock, flags);
	if (table->youngest == &req->node)
		table->youngest = rb_prev(&req->node);
	rb_erase(&req->node, &table->requests);
	counters->pending--;
	if (!req->status)
		counters->completed++;
	else if (req->status == -ECANCELED)
		counters->cancelled++;
	else
		counters->failed++;
	if (asked) {
		counters->late += req->status != -ECANCELED;
		table->cancel_to_end[min(fls64(ns), CANCELIO_BUCKETS - 1)]++;
	}
	spin_unlock_irqrestore(&table->lock, flags);
}

/**
 * cancelio_table_overdue - the watchdog has named a request
 * @req: the request
 *
 * Context: any, no lock of ours held.
 */
void cancelio_table_overdue(struct cancelio_request *req)
{
	struct cancelio_table *table = &req->dev->table;
	unsigned long flags;

	spin_lock_irqsave(&table->lock, flags);
	table->counters.overdue++;
	spin_unlock_irqrestore(&table->lock, flags);
}

/**
 * cancelio_table_next - go from one request to the next
 * @table: the device's
 * @after: a ticket, of a request that may be gone
 * @last: another, see cancelio_table_last()
 *
 * Context: any, no lock of ours held.
 * Return: the oldest request with a ticket above @after and not above @last,
 * and a reference to it, or NULL.
 */
struct cancelio_request *cancelio_table_next(struct cancelio_table *table, u64 after, u64 last)
{
	struct cancelio_request *req, *next = NULL;
	struct rb_node *node;
	unsigned long flags;

	spin_lock_irqsave(&table->lock, flags);
	node = table->requests.rb_node;
	while (node) {
		req = rb_entry(node, struct cancelio_request, node);
		if (req->ticket > after) {
			next = req;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	if (next && next->ticket > last)
		next = NULL;
	/* What is in the table has the core's reference still. */
	if (next)
		cancelio_request_get(next);
	spin_unlock_irqrestore(&table->lock, flags);
	return next;
}

/**
 * cancelio_table_counters - what became of the requests so far
 * @table: the device's
 * @counters: is set, all of it at one instant
 *
 * Context: any, no lock of ours held.
 */
void cancelio_table_counters(struct cancelio_table *table, struct cancelio_counters *counters)
{
	unsigned long flags;

	spin_lock_irqsave(&table->lock, flags);
	*counters = table->counters;
	spin_unlock_irqrestore(&table->lock, flags);
}

/**
 * cancelio_table_histogram - how long cancelled requests took to end
 * @table: the device's
 * @buckets: is set, see &struct cancelio_table
 *
 * Context: any, no lock of ours held.
 */
void cancelio_table_histogram(struct cancelio_table *table, u64 buckets[CANCELIO_BUCKETS])
{
	unsigned long flags;

	spin_lock_irqsave(&table->lock, flags);
	memcpy(buckets, table->cancel_to_end, sizeof(table->cancel_to_end));
	spin_unlock_irqrestore(&table->lock, flags);
}

/**
 * cancelio_table_cancel - ask that some requests be cancelled
 * @table: the device's
 * @match: which
 * @arg: for @match
 *
 * Each that is there when this begins and @match takes, once. Requests that
 * come meanwhile are not reached, but for those that go on after a signal.
 *
 * Context: process, no lock of ours held.
 * Return: how many.
 */
u64 cancelio_table_cancel(struct cancelio_table *table,
			  bool (*match)(struct cancelio_request *req, const void *arg),
			  const void *arg)
{
	u64 ticket = 0, found = 0, last = cancelio_table_last(table);
	struct cancelio_request *req;

	while ((req = cancelio_table_next(table, ticket, last))) {
		ticket = req->ticket;
		if (match(req, arg)) {
			cancelio_request_cancel(req);
			found++;
		}
		cancelio_request_put(req);
		cond_resched();
	}
	return found;
}
