// SPDX-License-Identifier: GPL-2.0
/*
 * Associated requests: see parts.h.
 *
 * Who ends a master that was sent is decided by a count, for there are two who
 * may have to be waited for: the last part, and the cancel routine, which walks
 * the parts. The count has one for each part, one while they are being sent,
 * and one for the master's mark. Who ends a part and sees only the mark left
 * takes that back and ends the master; if it cannot be taken back, the cancel
 * routine has been or will be called, gives up the mark's count when it is
 * through, and whoever reaches 0 ends the master.
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "device.h"
#include "parts.h"

/**
 * struct part - a request that is a part
 * @req: the request
 * @master: of which; there until the part has ended
 * @ticket: of @master; 0 until sent
 * @split: it is for the same device as @master
 * @index: its place in the master
 */
struct part {
	struct cancelio_request req;
	struct cancelio_request *master;
	u64 ticket;
	bool split;
	unsigned int index;
};

/**
 * struct part_slot - one part's place in its master
 * @part: the part, and the master's reference to it; NULL once it has ended
 * @status: how it has
 * @len: bytes wanted
 * @bytes: bytes that may move
 */
struct part_slot {
	struct part *part;
	int status;
	size_t len;
	size_t bytes;
};

/**
 * struct cancelio_parts - a master's
 * @left: see above
 * @lock: guards @slots once they are sent; taken alone, interrupts off
 * @ended: see cancelio_parts_send()
 * @count: parts that were added
 * @slots: of each
 */
struct cancelio_parts {
	atomic_t left;
	spinlock_t lock;	/* slots */
	void (*ended)(struct cancelio_request *master, int status);
	unsigned int count;
	struct part_slot slots[];
};

static struct part *to_part(struct cancelio_request *req)
{
	return container_of(req, struct part, req);
}

/*
 * What the master moved is what its parts moved from the first on without a
 * gap. Nothing moved: the first error.
 */
static int parts_result(struct cancelio_request *master)
{
	struct cancelio_parts *parts = master->parts;
	struct part_slot *slot;

	master->bytes = 0;
	for (slot = parts->slots; slot < parts->slots + parts->count; slot++) {
		master->bytes += slot->bytes;
		if (slot->status || slot->bytes < slot->len)
			return master->bytes ? 0 : slot->status;
	}
	return 0;
}

static void parts_end(struct cancelio_request *master)
{
	master->parts->ended(master, parts_result(master));
	cancelio_request_put(master);
}

/* One of the counts that are not the mark's is given up. */
static void parts_put(struct cancelio_request *master)
{
	struct cancelio_parts *parts = master->parts;
	int left;

	/* Without our count, the cancel routine may end it under our hands. */
	cancelio_request_get(master);
	left = atomic_dec_return(&parts->left);
	if (left == 1 && !cancelio_request_unmark_cancelable(master))
		left = atomic_dec_return(&parts->left);
	if (!left)
		parts_end(master);
	cancelio_request_put(master);
}

static void part_done(struct cancelio_request *req)
{
	struct part *part = to_part(req);
	struct cancelio_parts *parts = part->master->parts;
	struct part_slot *slot = &parts->slots[part->index];
	unsigned long flags;

	spin_lock_irqsave(&parts->lock, flags);
	slot->part = NULL;
	slot->status = req->status;
	slot->bytes = req->bytes;
	spin_unlock_irqrestore(&parts->lock, flags);

	parts_put(part->master);
	/* The master's reference; the core has one still. */
	cancelio_request_put(req);
}

static void part_free(struct cancelio_request *req)
{
	kfree(to_part(req));
}

static const struct cancelio_request_ops part_ops = {
	.done = part_done,
	.free = part_free,
};

/* A part, and a reference to it, or NULL: it has ended. */
static struct cancelio_request *parts_get(struct cancelio_parts *parts, unsigned int index)
{
	struct cancelio_request *req = NULL;
	unsigned long flags;

	spin_lock_irqsave(&parts->lock, flags);
	if (parts->slots[index].part) {
		req = &parts->slots[index].part->req;
		cancelio_request_get(req);
	}
	spin_unlock_irqrestore(&parts->lock, flags);
	return req;
}

/*
 * The cancel routine of a master that was sent. A part that was not sent yet
 * is told all the same, and ends as soon as it is.
 */
static void parts_cancel(struct cancelio_request *master)
{
	struct cancelio_parts *parts = master->parts;
	struct cancelio_request *req;
	unsigned int i;

	for (i = 0; i < parts->count; i++) {
		req = parts_get(parts, i);
		if (!req)
			continue;
		cancelio_request_cancel(req);
		cancelio_request_put(req);
	}
	if (atomic_dec_and_test(&parts->left))
		parts_end(master);
}

/**
 * cancelio_parts_create - let a request have parts
 * @master: a NEW request
 * @count: at most so many
 *
 * Context: process, of who is to be charged.
 * Return: 0 or -ENOMEM.
 */
int cancelio_parts_create(struct cancelio_request *master, unsigned int count)
{
	struct cancelio_parts *parts;

	parts = kvzalloc(struct_size(parts, slots, count), GFP_KERNEL_ACCOUNT);
	if (!parts)
		return -ENOMEM;
	spin_lock_init(&parts->lock);
	master->parts = parts;
	return 0;
}

/**
 * cancelio_parts_add - make one part, behind those that are there
 * @master: a NEW request with parts
 * @dev: its target, which is there as long as the master's device is
 * @len: bytes
 * @part: is set to the part, NEW
 *
 * Context: process, of who is to be charged.
 * Return: 0 or -ENOMEM.
 */
int cancelio_parts_add(struct cancelio_request *master, struct cancelio_device *dev, size_t len,
		       struct cancelio_request **part)
{
	struct cancelio_parts *parts = master->parts;
	struct part *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	cancelio_request_init(&new->req, dev, &part_ops, master->op);
	new->req.len = len;
	new->req.bytes = len;
	new->master = master;
	new->split = dev == master->dev;
	new->index = parts->count++;
	parts->slots[new->index].part = new;
	parts->slots[new->index].len = len;
	*part = &new->req;
	return 0;
}

/**
 * cancelio_parts_send - send all parts to their targets
 * @master: a STARTED request with parts, which the caller owns and has not
 *	marked
 * @ended: the last part has ended, and the callee owns @master again, which is
 *	not marked and whose bytes are set. Any context, no lock held
 *
 * Until then @master is cancelable; a cancel goes to its parts. If one was
 * asked already, they are sent all the same, and each ends as it begins.
 *
 * Context: any, no lock of ours held.
 */
void cancelio_parts_send(struct cancelio_request *master,
			 void (*ended)(struct cancelio_request *master, int status))
{
	struct cancelio_parts *parts = master->parts;
	unsigned int i, count = parts->count;

	parts->ended = ended;
	atomic_set(&parts->left, count + 2);
	cancelio_request_get(master);
	cancelio_request_mark_cancelable(master, parts_cancel);
	for (i = 0; i < count; i++) {
		/* One that was not sent cannot have ended. */
		struct part *part = parts->slots[i].part;

		part->ticket = master->ticket;
		part->req.dev->model->submit(&part->req);
	}
	parts_put(master);
}

/**
 * cancelio_parts_free - give back what a master had for its parts
 * @master: a request that nobody uses any more, with parts that have ended or
 *	were never sent, or without any
 *
 * Context: any.
 */
void cancelio_parts_free(struct cancelio_request *master)
{
	struct cancelio_parts *parts = master->parts;
	unsigned int i;

	if (!parts)
		return;
	for (i = 0; i < parts->count; i++) {
		if (parts->slots[i].part)
			cancelio_request_put(&parts->slots[i].part->req);
	}
	kvfree(parts);
}

/**
 * cancelio_parts_target - where the parts of a request will go
 * @master: a request that was not sent yet
 *
 * Context: any.
 * Return: the device, or NULL: there are no parts.
 */
struct cancelio_device *cancelio_parts_target(struct cancelio_request *master)
{
	return master->parts ? master->parts->slots[0].part->req.dev : NULL;
}

/**
 * cancelio_part_of - of what a request is a part
 * @req: a request to which the caller has a reference
 *
 * Context: any.
 * Return: the master's ticket, or 0: it is not a part.
 */
u64 cancelio_part_of(struct cancelio_request *req)
{
	return req->ops == &part_ops ? to_part(req)->ticket : 0;
}

/**
 * cancelio_part_is_split - whether its own device has made a request a part
 * @req: a request to which the caller has a reference
 *
 * Context: any.
 */
bool cancelio_part_is_split(struct cancelio_request *req)
{
	return req->ops == &part_ops && to_part(req)->split;
}
