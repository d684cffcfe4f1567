/* SPDX-License-Identifier: MIT */
/* Completion ports: what a file hands its ends to, and what waits in their queue. */
#ifndef CIO_PORT_H
#define CIO_PORT_H

#include "object.h"

struct cio_port;

/* Part of what it stands for: an operation that has ended, or what was posted. */
struct cio_packet {
	struct cio_list link;
	ULONG_PTR key;
	LPOVERLAPPED overlapped;
	DWORD status, bytes;
	/* It has left the queue, and been read. Under the state lock. */
	void (*release)(struct cio_packet *packet);
};

/* Under the state lock: to a thread that waits there, or into the queue. */
void cio_port_post(struct cio_port *port, struct cio_packet *packet);

#endif
