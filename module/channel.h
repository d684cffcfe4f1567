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
void hardware_stop_timer(struct cancelio_request *req);
void hardware_end_all(struct list_head *left);
void hardware_ended(struct cancelio_hardware *hw);

/* Whether a cancel finds a routine. */
static inline bool hardware_marks(struct cancelio_request *req)
{
	return req->fate.cancel == CANCELIO_CANCEL_PROMPT ||
	       req->fate.cancel == CANCELIO_CANCEL_SLOW;
}

#endif /* CANCELIO_CHANNEL_H */
