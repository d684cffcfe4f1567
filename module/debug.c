// SPDX-License-Identifier: GPL-2.0
/*
 * What debugfs shows of each device, in cancelio/cancelioN/: requests, counters,
 * cancel_to_end. For people; fields are only added.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "device.h"
#include "file.h"
#include "parts.h"
#include "stall.h"

static struct dentry *debug_root;

static const char *const state_names[] = {
	[CANCELIO_NEW] = "new",
	[CANCELIO_QUEUED] = "queued",
	[CANCELIO_STARTED] = "started",
	[CANCELIO_DONE] = "done",
};

/* The iterator is a request with a reference; the position is its ticket, 0 the head. */
static void *requests_start(struct seq_file *seq, loff_t *pos)
{
	struct cancelio_device *dev = seq->private;
	struct cancelio_request *req;

	if (!*pos)
		return SEQ_START_TOKEN;
	req = cancelio_table_next(&dev->table, *pos - 1, U64_MAX);
	/* The one of this position may be gone. */
	if (req)
		*pos = req->ticket;
	return req;
}

static void *requests_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct cancelio_device *dev = seq->private;
	struct cancelio_request *req = v, *next;

	next = cancelio_table_next(&dev->table, *pos, U64_MAX);
	if (v != SEQ_START_TOKEN)
		cancelio_request_put(req);
	*pos = next ? next->ticket : *pos + 1;
	return next;
}

static void requests_stop(struct seq_file *seq, void *v)
{
	if (v && v != SEQ_START_TOKEN)
		cancelio_request_put(v);
}

static int requests_show(struct seq_file *seq, void *v)
{
	struct cancelio_request *req = v;
	struct cancelio_client *client;
	u64 master;

	if (v == SEQ_START_TOKEN) {
		seq_printf(seq, "%8s %-7s %-7s %-10s %-8s %10s %8s %8s %10s %10s\n", "id", "op",
			   "state", "cancelable", "canceled", "age_ms", "pid", "tid", "bytes",
			   "part_of");
		return 0;
	}
	client = req->client;
	seq_printf(seq, "%8llu %-7s %-7s %-10s %-8s %10llu %8d %8d %10u",
		   req->ticket, cancelio_op_names[req->op], state_names[READ_ONCE(req->state)],
		   str_yes_no(READ_ONCE(req->cancel)),
		   str_yes_no(test_bit(CANCELIO_CANCELED, &req->flags)),
		   div_u64(ktime_get_ns() - req->accepted_at, NSEC_PER_MSEC),
		   client ? pid_vnr(client->process) : 0, client ? pid_vnr(client->thread) : 0,
		   req->len);
	master = cancelio_part_of(req);
	if (master)
		seq_printf(seq, " %10llu", master);
	seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations requests_sops = {
	.start = requests_start,
	.next = requests_next,
	.stop = requests_stop,
	.show = requests_show,
};
DEFINE_SEQ_ATTRIBUTE(requests);

static int counters_show(struct seq_file *seq, void *v)
{
	struct cancelio_device *dev = seq->private;
	struct cancelio_counters counters;

	cancelio_table_counters(&dev->table, &counters);
	seq_printf(seq, "accepted  %llu\n", counters.accepted);
	seq_printf(seq, "completed %llu\n", counters.completed);
	seq_printf(seq, "cancelled %llu\n", counters.cancelled);
	seq_printf(seq, "failed    %llu\n", counters.failed);
	seq_printf(seq, "pending   %llu\n", counters.pending);
	seq_printf(seq, "late      %llu\n", counters.late);
	seq_printf(seq, "overdue   %llu\n", counters.overdue);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int cancel_to_end_show(struct seq_file *seq, void *v)
{
	struct cancelio_device *dev = seq->private;
	u64 buckets[CANCELIO_BUCKETS];
	int i;

	cancelio_table_histogram(&dev->table, buckets);
	seq_puts(seq, "       below_ns   requests\n");
	for (i = 0; i < CANCELIO_BUCKETS; i++) {
		if (buckets[i])
			seq_printf(seq, "%15llu %10llu\n", 1ULL << i, buckets[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(cancel_to_end);

/**
 * cancelio_debug_add - show a device
 * @dev: the device, published
 *
 * Context: process, sleeps.
 */
void cancelio_debug_add(struct cancelio_device *dev)
{
	dev->debug = debugfs_create_dir(dev_name(&dev->dev), debug_root);
	debugfs_create_file("requests", 0400, dev->debug, dev, &requests_fops);
	debugfs_create_file("counters", 0400, dev->debug, dev, &counters_fops);
	debugfs_create_file("cancel_to_end", 0400, dev->debug, dev, &cancel_to_end_fops);
}

/**
 * cancelio_debug_remove - show a device no more
 * @dev: the device
 *
 * Nobody looks any more when this returns.
 *
 * Context: process, sleeps.
 */
void cancelio_debug_remove(struct cancelio_device *dev)
{
	debugfs_remove(dev->debug);
}

/**
 * cancelio_debug_init - make the module's folder
 *
 * Context: process, sleeps.
 */
void cancelio_debug_init(void)
{
	debug_root = debugfs_create_dir("cancelio", NULL);
	cancelio_stall_init(debug_root);
}

/**
 * cancelio_debug_exit - remove it
 *
 * Context: process, sleeps.
 */
void cancelio_debug_exit(void)
{
	debugfs_remove(debug_root);
}
