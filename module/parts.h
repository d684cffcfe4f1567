/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Associated requests: parts of a master that are sent to a target, this
 * device or the one below it. Only the master belongs to a thread and is
 * cancelled from outside; its cancel cancels the parts, and it ends when the
 * last of them has.
 */
#ifndef CANCELIO_PARTS_H
#define CANCELIO_PARTS_H

#include "request.h"

/* More would be memory for one request that nobody wants to give. */
#define CANCELIO_PARTS_MAX	1024

int cancelio_parts_create(struct cancelio_request *master, unsigned int count);
int cancelio_parts_add(struct cancelio_request *master, struct cancelio_device *dev, size_t len,
		       struct cancelio_request **part);
void cancelio_parts_send(struct cancelio_request *master,
			 void (*ended)(struct cancelio_request *master, int status));
void cancelio_parts_free(struct cancelio_request *master);
struct cancelio_device *cancelio_parts_target(struct cancelio_request *master);
u64 cancelio_part_of(struct cancelio_request *req);
bool cancelio_part_is_split(struct cancelio_request *req);

#endif /* CANCELIO_PARTS_H */
