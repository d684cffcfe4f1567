/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The emulated hardware: a number of channels, each of which serves one
 * request at a time and takes request->service_ns for it.
 */
#ifndef CANCELIO_HARDWARE_H
#define CANCELIO_HARDWARE_H

#include "request.h"

/**
 * struct cancelio_hardware - channels, and the requests that wait for one
 * @lock: guards @busy and @waiting, and holds a request's start and its
 *	abort apart. Innermost, taken with interrupts off
 * @channels: requests served at once; fixed
 * @busy: channels in use
 * @waiting: requests not yet started
 */
struct cancelio_hardware {
	spinlock_t lock;	/* busy, waiting, a start against an abort */
	unsigned int channels;
	unsigned int busy;
	struct cancelio_queue waiting;
};

void cancelio_hardware_init(struct cancelio_hardware *hw, unsigned int channels);
void cancelio_hardware_submit(struct cancelio_hardware *hw, struct cancelio_request *req);

#endif /* CANCELIO_HARDWARE_H */
