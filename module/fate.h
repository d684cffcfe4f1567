/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a device is told to behave, and what that means for one request.
 */
#ifndef CANCELIO_FATE_H
#define CANCELIO_FATE_H

#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct cancelio_device;

enum cancelio_op {
	CANCELIO_OPEN,
	CANCELIO_READ,
	CANCELIO_WRITE,
	CANCELIO_FLUSH,
	CANCELIO_CONTROL,
	CANCELIO_OPS,
};

/* Whether an operation is served by the device's model. */
static inline bool cancelio_op_is_models(enum cancelio_op op)
{
	return op == CANCELIO_READ || op == CANCELIO_WRITE || op == CANCELIO_FLUSH;
}

/* For people, and in the rules of what goes wrong. */
extern const char *const cancelio_op_names[CANCELIO_OPS];

/* What a cancel of a started request meets. */
enum cancelio_cancel_mode {
	CANCELIO_CANCEL_PROMPT,		/* it ends at once */
	CANCELIO_CANCEL_SLOW,		/* it ends when the abort has taken its time */
	CANCELIO_CANCEL_POLL,		/* the device looks from time to time */
	CANCELIO_CANCEL_NEVER,		/* it ends as it would have */
};

enum cancelio_spread {
	CANCELIO_FIXED,			/* always @from */
	CANCELIO_UNIFORM,		/* @from to @to */
	CANCELIO_EXPONENTIAL,		/* @from in the mean */
};

/* How long something takes, in nanoseconds. */
struct cancelio_latency {
	enum cancelio_spread spread;
	u64 from;
	u64 to;
};

enum cancelio_fault_kind {
	CANCELIO_FAULT_ERROR,		/* ends with errno @value */
	CANCELIO_FAULT_SHORT,		/* moves @value bytes at most */
	CANCELIO_FAULT_HANG,		/* never ends by itself */
};

/**
 * struct cancelio_fault - one rule of when what goes wrong
 * @ops: bits by enum cancelio_op
 * @kind: what
 * @value: of @kind
 * @next: for so many requests, or 0
 * @ppm: else for so many of a million
 */
struct cancelio_fault {
	unsigned int ops;
	enum cancelio_fault_kind kind;
	u64 value;
	u64 next;
	u64 ppm;
};

#define CANCELIO_FAULTS_MAX	16

/**
 * struct cancelio_knobs - all that a device can be told
 * @latency: of each operation; of a stream's read, the line's
 * @abort_latency: of an abort, where cancel is slow
 * @poll_interval_ns: between two looks, where the device polls
 * @cancel: what a cancel meets
 * @race_window_ns: the most that both sides of a cancel wait before they decide
 * @bandwidth: bytes a second, of a line or of each channel; 0: no limit
 * @channels: requests served at once
 * @stuck: of them, those that are stuck
 * @split: bytes of the biggest part of a request; 0: it is not split
 * @max_pending: requests that an open file may have outstanding
 * @watchdog_s: seconds after which a request that was cancelled and did not end
 *	is named; 0: never
 * @seed: of all that is random
 * @faults: @fault_count rules, the first that fits holds
 */
struct cancelio_knobs {
	struct cancelio_latency latency[CANCELIO_OPS];
	struct cancelio_latency abort_latency;
	u64 poll_interval_ns;
	u64 cancel;
	u64 race_window_ns;
	u64 bandwidth;
	u64 channels;
	u64 stuck;
	u64 split;
	u64 max_pending;
	u64 watchdog_s;
	u64 seed;
	unsigned int fault_count;
	struct cancelio_fault faults[CANCELIO_FAULTS_MAX];
};

/**
 * struct cancelio_behavior - what one device is told now
 * @lock: guards the rest; innermost, interrupts off
 * @knobs: READ_ONCE() without the lock for single numbers, WRITE_ONCE() therefore with it
 * @random: where all that is random comes from, in the order of requests
 */
struct cancelio_behavior {
	spinlock_t lock;	/* knobs, random */
	struct cancelio_knobs knobs;
	struct rnd_state random;
};

/* The service_ns of what never ends by itself. */
#define CANCELIO_UNTIL_TOLD	U64_MAX

/**
 * struct cancelio_fate - what a device was told to do with one request
 * @service_ns: nanoseconds until it is done, or CANCELIO_UNTIL_TOLD
 * @deadline: instead, once it is started: when, on CLOCK_MONOTONIC
 * @cancel_ns: where cancel is slow what the abort takes, where the device polls
 *	the time between two looks
 * @limit: bytes that it moves at most
 * @error: it ends with that, 0 or a negative errno
 * @cancel: what a cancel meets, once it is started
 * @hang: it never ends by itself
 */
struct cancelio_fate {
	union {
		u64 service_ns;
		ktime_t deadline;
	};
	u64 cancel_ns;
	u32 limit;
	short error;
	u8 cancel;
	bool hang;
};

void cancelio_behavior_init(struct cancelio_behavior *behavior,
			    const struct cancelio_knobs *knobs);
void cancelio_behavior_get(struct cancelio_behavior *behavior, struct cancelio_knobs *knobs);
int cancelio_behavior_set(struct cancelio_behavior *behavior, unsigned int knob, const char *text);
u64 cancelio_latency_draw(struct cancelio_device *dev, enum cancelio_op op);
u64 cancelio_latency_mean(struct cancelio_device *dev, enum cancelio_op op);
bool cancelio_latency_zero(struct cancelio_device *dev, enum cancelio_op op);
bool cancelio_is_told(struct cancelio_device *dev, enum cancelio_op op);
bool cancelio_may_wait(struct cancelio_device *dev, enum cancelio_op op);
u64 cancelio_transfer_ns(struct cancelio_device *dev, size_t len);
void cancelio_fate_draw(struct cancelio_device *dev, enum cancelio_op op, bool may_hang,
			struct cancelio_fate *fate);
void cancelio_fate_draw_service(struct cancelio_device *dev, enum cancelio_op op, size_t len,
				struct cancelio_fate *fate);
void cancelio_race_window(struct cancelio_device *dev);

#endif /* CANCELIO_FATE_H */
