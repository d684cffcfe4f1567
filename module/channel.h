/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What channel.c, a request on a channel, has for hardware.c, the channels and
 * the requests that wait for one.
 */
#ifndef CANCELIO_CHANNEL_H
#define CANCELIO_CHANNEL_H

#include "hardware.h"

int hardware_start(struct cancelio_hardware *hw, struct cancelio_request *req);
bool hardware_leave(struct cancelio_request *req, int status);
void hardware_expire(struct cancelio_hardware *hw, struct list_head *left, int limit);
void hardware_end(struct cancelio_request *req);
void hardware_end_all(struct list_head *left);
void hardware_ended(struct cancelio_hardware *hw);

/* Whether some of what is served may be due. */
static inline bool hardware_is_due(struct cancelio_hardware *hw)
{
	struct timerqueue_node *next = timerqueue_getnext(&hw->due);

	return next && !ktime_after(next->expires, ktime_get());
}

/* Whether a cancel finds a routine. */
static inline bool hardware_marks(struct cancelio_request *req)
{
	return req->fate.cancel == CANCELIO_CANCEL_PROMPT ||
	       req->fate.cancel == CANCELIO_CANCEL_SLOW;
}

#endif /* CANCELIO_CHANNEL_H */
