// SPDX-License-Identifier: GPL-2.0
/*
 * What a device does with each request: see fate.h.
 *
 * All that is random is drawn when a request comes and from one generator, so
 * that a seed and the same requests in the same order give the same run.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/cancelio.h>

#include "device.h"
#include "fate.h"
#include "knobs.h"

const char *const cancelio_op_names[CANCELIO_OPS] = {
	[CANCELIO_OPEN] = "open",
	[CANCELIO_READ] = "read",
	[CANCELIO_WRITE] = "write",
	[CANCELIO_FLUSH] = "flush",
	[CANCELIO_CONTROL] = "control",
};

/**
 * cancelio_behavior_init - tell a new device how to behave
 * @behavior: the device's
 * @knobs: the first ones
 */
void cancelio_behavior_init(struct cancelio_behavior *behavior,
			    const struct cancelio_knobs *knobs)
{
	spin_lock_init(&behavior->lock);
	behavior->knobs = *knobs;
	prandom_seed_state(&behavior->random, knobs->seed);
}

/**
 * cancelio_behavior_get - what a device is told now
 * @behavior: the device's
 * @knobs: is set to it
 *
 * Context: any.
 */
void cancelio_behavior_get(struct cancelio_behavior *behavior, struct cancelio_knobs *knobs)
{
	unsigned long flags;

	spin_lock_irqsave(&behavior->lock, flags);
	*knobs = behavior->knobs;
	spin_unlock_irqrestore(&behavior->lock, flags);
}

/**
 * cancelio_behavior_set - tell a device something else
 * @behavior: the device's
 * @knob: an enum cancelio_knob
 * @text: see cancelio_knob_parse()
 *
 * Holds for requests that come after it.
 *
 * Context: any.
 * Return: as cancelio_knob_parse().
 */
int cancelio_behavior_set(struct cancelio_behavior *behavior, unsigned int knob, const char *text)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&behavior->lock, flags);
	err = cancelio_knob_parse(&behavior->knobs, knob, text);
	if (!err && knob == CANCELIO_KNOB_seed)
		prandom_seed_state(&behavior->random, behavior->knobs.seed);
	spin_unlock_irqrestore(&behavior->lock, flags);
	return err;
}

/* Below @n, which is not 0; all are equally likely to within n/2^64. */
static u64 random_below(struct rnd_state *random, u64 n)
{
	u64 high = prandom_u32_state(random), low = prandom_u32_state(random);

	return mul_u64_u64_shr(high << 32 | low, n, 64);
}

/*
 * A fraction of 2^32, exponentially distributed with a mean of 1, after von
 * Neumann, who needs nothing but comparisons: of a run of falling random
 * numbers the first is kept if the run's length is odd; each run that is not
 * adds 1.
 */
static u64 random_exponential(struct rnd_state *random)
{
	u64 whole = 0;

	for (;; whole++) {
		u32 first = prandom_u32_state(random), last = first, next;
		bool odd = true;

		while ((next = prandom_u32_state(random)) < last) {
			last = next;
			odd = !odd;
		}
		if (odd)
			return whole << 32 | first;
	}
}

static u64 latency_draw(struct rnd_state *random, const struct cancelio_latency *latency)
{
	u64 ns;

	switch (latency->spread) {
	case CANCELIO_UNIFORM:
		return latency->from + random_below(random, latency->to - latency->from + 1);
	case CANCELIO_EXPONENTIAL:
		ns = mul_u64_u64_shr(latency->from, random_exponential(random), 32);
		return min_t(u64, ns, CANCELIO_LATENCY_MAX_NS);
	default:
		return latency->from;
	}
}

/**
 * cancelio_latency_draw - how long an operation takes this time
 * @dev: the device
 * @op: the operation
 *
 * Context: any.
 * Return: nanoseconds.
 */
u64 cancelio_latency_draw(struct cancelio_device *dev, enum cancelio_op op)
{
	struct cancelio_behavior *behavior = &dev->behavior;
	unsigned long flags;
	u64 ns;

	spin_lock_irqsave(&behavior->lock, flags);
	ns = latency_draw(&behavior->random, &behavior->knobs.latency[op]);
	spin_unlock_irqrestore(&behavior->lock, flags);
	return ns;
}

/**
 * cancelio_latency_mean - how long an operation takes in the mean
 * @dev: the device
 * @op: the operation
 *
 * Context: any.
 * Return: nanoseconds.
 */
u64 cancelio_latency_mean(struct cancelio_device *dev, enum cancelio_op op)
{
	struct cancelio_behavior *behavior = &dev->behavior;
	struct cancelio_latency latency;
	unsigned long flags;

	spin_lock_irqsave(&behavior->lock, flags);
	latency = behavior->knobs.latency[op];
	spin_unlock_irqrestore(&behavior->lock, flags);
	if (latency.spread == CANCELIO_UNIFORM)
		return latency.from + (latency.to - latency.from) / 2;
	return latency.from;
}

/**
 * cancelio_latency_zero - whether an operation never takes any time
 * @dev: the device
 * @op: the operation
 *
 * Context: any.
 */
bool cancelio_latency_zero(struct cancelio_device *dev, enum cancelio_op op)
{
	const struct cancelio_latency *latency = &dev->behavior.knobs.latency[op];

	/* A uniform one has a @to that is not 0. */
	return !READ_ONCE(latency->from) && !READ_ONCE(latency->to);
}

/* Whether a rule can hold for an operation, of any kind or of one that never ends. */
static bool fault_possible(struct cancelio_device *dev, enum cancelio_op op, bool hang)
{
	struct cancelio_behavior *behavior = &dev->behavior;
	struct cancelio_knobs *knobs = &behavior->knobs;
	const struct cancelio_fault *fault;
	bool possible = false;
	unsigned long flags;

	if (!READ_ONCE(knobs->fault_count))
		return false;
	spin_lock_irqsave(&behavior->lock, flags);
	for (fault = knobs->faults; fault < knobs->faults + knobs->fault_count; fault++)
		possible |= fault->ops & BIT(op) && (fault->next || fault->ppm) &&
			    (!hang || fault->kind == CANCELIO_FAULT_HANG);
	spin_unlock_irqrestore(&behavior->lock, flags);
	return possible;
}

/**
 * cancelio_may_wait - whether an operation may take any time
 * @dev: the device
 * @op: the operation
 *
 * Context: any.
 */
bool cancelio_may_wait(struct cancelio_device *dev, enum cancelio_op op)
{
	return !cancelio_latency_zero(dev, op) || fault_possible(dev, op, true);
}

/**
 * cancelio_is_told - whether an operation may take any time or go wrong
 * @dev: the device
 * @op: the operation
 *
 * Context: any.
 */
bool cancelio_is_told(struct cancelio_device *dev, enum cancelio_op op)
{
	return !cancelio_latency_zero(dev, op) || fault_possible(dev, op, false);
}

/**
 * cancelio_transfer_ns - how long bytes take on their way
 * @dev: the device
 * @len: how many
 *
 * Context: any.
 * Return: nanoseconds, CANCELIO_LATENCY_MAX_NS at most.
 */
u64 cancelio_transfer_ns(struct cancelio_device *dev, size_t len)
{
	u64 bandwidth = READ_ONCE(dev->behavior.knobs.bandwidth);

	if (!bandwidth)
		return 0;
	if (div64_u64(len, bandwidth) >= CANCELIO_LATENCY_MAX_NS / NSEC_PER_SEC)
		return CANCELIO_LATENCY_MAX_NS;
	return mul_u64_u64_div_u64(len, NSEC_PER_SEC, bandwidth);
}

/* Whether a rule holds for this request. */
static bool fault_fires(struct cancelio_behavior *behavior, struct cancelio_fault *fault)
{
	lockdep_assert_held(&behavior->lock);

	if (!fault->ppm)
		return fault->next && fault->next--;
	return random_below(&behavior->random, 1000000) < fault->ppm;
}

/* Whether nothing of a request's fate is random, but perhaps how long it takes. */
static bool fate_is_fixed(const struct cancelio_knobs *knobs)
{
	return !READ_ONCE(knobs->fault_count) &&
	       READ_ONCE(knobs->cancel) != CANCELIO_CANCEL_SLOW;
}

static void fate_init(const struct cancelio_knobs *knobs, struct cancelio_fate *fate)
{
	*fate = (struct cancelio_fate){
		.service_ns = CANCELIO_UNTIL_TOLD,
		.limit = U32_MAX,
		.cancel = READ_ONCE(knobs->cancel),
	};
	if (fate->cancel == CANCELIO_CANCEL_POLL)
		fate->cancel_ns = READ_ONCE(knobs->poll_interval_ns);
}

static void fate_draw(struct cancelio_behavior *behavior, enum cancelio_op op, bool may_hang,
		      struct cancelio_fate *fate)
{
	struct cancelio_knobs *knobs = &behavior->knobs;
	struct cancelio_fault *fault;

	lockdep_assert_held(&behavior->lock);

	fate_init(knobs, fate);
	if (fate->cancel == CANCELIO_CANCEL_SLOW)
		fate->cancel_ns = latency_draw(&behavior->random, &knobs->abort_latency);
	for (fault = knobs->faults; fault < knobs->faults + knobs->fault_count; fault++) {
		if (!(fault->ops & BIT(op)) || (fault->kind == CANCELIO_FAULT_HANG && !may_hang) ||
		    !fault_fires(behavior, fault))
			continue;
		if (fault->kind == CANCELIO_FAULT_ERROR)
			fate->error = -(short)fault->value;
		else if (fault->kind == CANCELIO_FAULT_SHORT)
			fate->limit = min_t(u64, fault->value, U32_MAX);
		else
			fate->hang = true;
		break;
	}
}

/**
 * cancelio_fate_draw - decide what goes wrong with a request, and what cancel meets
 * @dev: the device
 * @op: what the request does
 * @may_hang: it is one that can wait
 * @fate: is set; the service is CANCELIO_UNTIL_TOLD
 *
 * Context: any.
 */
void cancelio_fate_draw(struct cancelio_device *dev, enum cancelio_op op, bool may_hang,
			struct cancelio_fate *fate)
{
	struct cancelio_behavior *behavior = &dev->behavior;
	unsigned long flags;

	if (fate_is_fixed(&behavior->knobs)) {
		fate_init(&behavior->knobs, fate);
		return;
	}
	spin_lock_irqsave(&behavior->lock, flags);
	fate_draw(behavior, op, may_hang, fate);
	spin_unlock_irqrestore(&behavior->lock, flags);
}

/**
 * cancelio_fate_draw_service - the same, for a request that takes its time
 * @dev: the device
 * @op: what the request does
 * @len: bytes that it moves
 * @fate: is set
 *
 * Context: any.
 */
void cancelio_fate_draw_service(struct cancelio_device *dev, enum cancelio_op op, size_t len,
				struct cancelio_fate *fate)
{
	struct cancelio_behavior *behavior = &dev->behavior;
	unsigned long flags;

	spin_lock_irqsave(&behavior->lock, flags);
	fate_draw(behavior, op, true, fate);
	if (!fate->hang)
		fate->service_ns = latency_draw(&behavior->random, &behavior->knobs.latency[op]);
	spin_unlock_irqrestore(&behavior->lock, flags);
	if (!fate->hang)
		fate->service_ns += cancelio_transfer_ns(dev, min_t(size_t, len, fate->limit));
}

/**
 * cancelio_race_window - stand still where a cancel and an end may meet
 * @dev: the device
 *
 * Called by both sides between what makes them want the request and the
 * exchange that decides who has it. For a random part of the window, so that
 * each of them wins sometimes; its randomness is not the seed's, for how often
 * it is drawn is a matter of chance.
 *
 * Context: any; spins for 1 ms at most.
 */
void cancelio_race_window(struct cancelio_device *dev)
{
	u64 window = READ_ONCE(dev->behavior.knobs.race_window_ns);
	u64 until;

	if (likely(!window))
		return;
	/* By the clock: a delay loop is only as good as the moment of its calibration. */
	until = ktime_get_ns() + mul_u64_u64_shr(get_random_u32(), window, 32);
	while (ktime_get_ns() < until)
		cpu_relax();
}
