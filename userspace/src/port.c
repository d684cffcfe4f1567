// SPDX-License-Identifier: MIT
#include "handle.h"
#include "port.h"
#include "wait.h"

struct cio_port {
	struct cio_object obj;
	struct cio_list packets; /* state lock, as for all below */
	struct cio_list waiters; /* the most recent first (W-PORT-3) */
};

void cio_port_post(struct cio_port *port, struct cio_packet *packet)
{
	cio_list_add_tail(&packet->link, &port->packets);
}
