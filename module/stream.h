/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stream.c, the line and those who wait for it, and stream_io.c, the steps
 * of reads and writes, share.
 */
#ifndef CANCELIO_STREAM_H
#define CANCELIO_STREAM_H

#include <linux/hrtimer.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "device.h"
#include "hardware.h"

/* Up to here, a write that cannot wait is whole or not at all, as on a pipe. */
#define WRITE_WHOLE	((size_t)PIPE_BUF)

/**
 * struct stream_chunk - the bytes of one write
 * @link: on the line
 * @arrives: when they can be read, on CLOCK_MONOTONIC
 * @len: how many
 * @read: how many of them are gone
 * @asks: the write that brings it needs the line ready: one that did not, never will
 * @data: the bytes
 */
struct stream_chunk {
	struct list_head link;
	ktime_t arrives;
	size_t len;
	size_t read;
	bool asks;
	u8 data[];
};

/**
 * struct stream - one line
 * @dev: its device
 * @lock: guards the rest, and is the lock of @readers and @writers; interrupts off
 * @line: chunks, oldest first; only who has the turn takes any away
 * @coming: the first of them that was not seen to have arrived, or NULL
 * @held: bytes on the line
 * @last: when the last byte put there can be read, on CLOCK_MONOTONIC
 * @turn: a reader has the turn
 * @asked: the line was asked for; it is ready at @ready
 * @ready: when, on CLOCK_MONOTONIC
 * @polled: somebody who polls wants to write
 * @repoll: the line they had asked for was taken: they must look, and ask, again
 * @readers: reads that wait
 * @writers: writes that wait, each with its chunk
 * @arrival: runs until @coming arrives
 * @turnaround: runs until the line is ready
 * @poll: who polls
 */
struct stream {
	struct cancelio_device *dev;
	spinlock_t lock;	/* all that follows, but poll */
	struct list_head line;
	struct stream_chunk *coming;
	size_t held;
	ktime_t last;
	bool turn;
	bool asked;
	ktime_t ready;
	bool polled;
	bool repoll;
	struct cancelio_hardware readers;
	struct cancelio_hardware writers;
	struct hrtimer arrival;
	struct hrtimer turnaround;
	wait_queue_head_t poll;
};

static inline struct stream *to_stream(struct cancelio_device *dev)
{
	return dev->priv;
}

/* stream.c; the first six with the lock held, the others without. */
struct stream_chunk *stream_arrived(struct stream *stream);
bool stream_readable(struct stream *stream);
bool stream_ready(struct stream *stream);
void stream_ask(struct stream *stream);
size_t stream_room(struct stream *stream);
void stream_append(struct stream *stream, struct stream_chunk *chunk);
void stream_run(struct stream *stream);
void stream_return_turn(struct stream *stream);

/* stream_io.c */
ssize_t stream_begin(struct cancelio_device *dev, struct cancelio_io *io);
ssize_t stream_finish(struct cancelio_device *dev, struct cancelio_io *io);

#endif /* CANCELIO_STREAM_H */
