/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command of io_uring that had to wait: what command.c, its life, has for
 * uring.c, which begins it.
 */
#ifndef CANCELIO_COMMAND_H
#define CANCELIO_COMMAND_H

#include <linux/build_bug.h>
#include <linux/uio.h>

#include "compat.h"
#include "file.h"

/**
 * struct command_memory - memory that is more than one piece
 * @iter: the pieces
 * @segments: what @iter needs
 */
struct command_memory {
	struct iov_iter iter;
	const void *segments;
};

/**
 * struct command - a command
 * @req: the request; who takes @front out of CANCELIO_RUNS, owns @cmd
 * @cmd: io_uring's
 * @memory: of a vectored one, or NULL
 * @node: in the tags of its file, under the file's lock; empty once it has ended
 *
 * There may be a million of them.
 */
struct command {
	struct cancelio_request req;
	struct io_uring_cmd *cmd;
	struct command_memory *memory;
	struct rb_node node;
};
static_assert(sizeof(struct command) <= 256);

/**
 * struct command_pdu - what a command has in io_uring's own memory
 * @command: itself; under the file's lock, NULL once io_uring is told of its end
 * @tag: the submitter's
 * @addr: of the memory, or of a control's argument
 * @pos: where, on a store
 */
struct command_pdu {
	struct command *command;
	u64 tag;
	u64 addr;
	u64 pos;
};

/* tags.c */
void command_list(struct command *command);
void command_unlist(struct command *command);

/* command.c */
int command_init(void);
void command_exit(void);
struct command *command_create(struct cancelio_device *dev, struct io_uring_cmd *cmd,
			       enum cancelio_op op);
int command_keep_memory(struct command *command, const struct iov_iter *iter);
int command_run(struct command *command, unsigned int issue_flags);
int command_import(struct io_uring_cmd *cmd, struct command *command, enum cancelio_op op,
		   size_t len, struct iov_iter *iter, unsigned int issue_flags);
void command_abandon(struct io_uring_cmd *cmd, unsigned int issue_flags);
void command_watch(struct work_struct *work);

static inline struct command_pdu *command_pdu(struct io_uring_cmd *cmd)
{
	static_assert(sizeof(struct command_pdu) <= sizeof_field(struct io_uring_cmd, pdu));

	return (struct command_pdu *)cmd->pdu;
}

static inline struct cancelio_file *command_file(struct command *command)
{
	return command->req.client->file;
}

#endif /* CANCELIO_COMMAND_H */
