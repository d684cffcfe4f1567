// SPDX-License-Identifier: GPL-2.0
/*
 * An open file's commands by their tags, and those with the same by age.
 */
#include "command.h"
#include "device.h"

static u64 command_tag(const struct command *command)
{
	return command_pdu(command->cmd)->tag;
}

static bool command_less(const struct command *command, u64 tag, u64 ticket)
{
	u64 own = command_tag(command);

	return own < tag || (own == tag && command->req.ticket < ticket);
}

static bool node_less(struct rb_node *node, const struct rb_node *other)
{
	const struct command *than = rb_entry(other, struct command, node);

	return command_less(rb_entry(node, struct command, node), command_tag(than),
			    than->req.ticket);
}

/**
 * command_list - let a command be found, and count it
 * @command: one that has entered its file; gets a ticket
 *
 * Context: any, no lock of ours held.
 */
void command_list(struct command *command)
{
	struct cancelio_file *file = command_file(command);
	unsigned long flags;

	command->req.ticket = cancelio_table_ticket(&file->dev->table);
	spin_lock_irqsave(&file->lock, flags);
	rb_add(&command->node, &file->tags, node_less);
	command->req.client->commands++;
	spin_unlock_irqrestore(&file->lock, flags);
}

/**
 * command_unlist - a command has ended, or is left behind
 * @command: the command, listed or not
 *
 * Context: any, no lock of ours held.
 */
void command_unlist(struct command *command)
{
	struct cancelio_file *file = command_file(command);
	unsigned long flags;

	spin_lock_irqsave(&file->lock, flags);
	if (!RB_EMPTY_NODE(&command->node)) {
		rb_erase(&command->node, &file->tags);
		RB_CLEAR_NODE(&command->node);
		command->req.client->commands--;
	}
	spin_unlock_irqrestore(&file->lock, flags);
}

/**
 * cancelio_command_next - go from one command with a tag to the next
 * @file: the open file
 * @tag: the tag
 * @after: a ticket, of a command that may be gone
 * @last: another, see cancelio_table_last()
 *
 * Context: any, no lock of ours held.
 * Return: the oldest request of a command with this tag that has not ended and has
 * a ticket above @after and not above @last, and a reference to it, or NULL.
 */
struct cancelio_request *cancelio_command_next(struct cancelio_file *file, u64 tag, u64 after,
					       u64 last)
{
	struct command *command, *next = NULL;
	struct rb_node *node;
	unsigned long flags;

	spin_lock_irqsave(&file->lock, flags);
	node = file->tags.rb_node;
	while (node) {
		command = rb_entry(node, struct command, node);
		if (command_less(command, tag, after + 1)) {
			node = node->rb_right;
		} else {
			next = command;
			node = node->rb_left;
		}
	}
	if (next && (command_tag(next) != tag || next->req.ticket > last))
		next = NULL;
	if (next)
		cancelio_request_get(&next->req);
	spin_unlock_irqrestore(&file->lock, flags);
	return next ? &next->req : NULL;
}
