/* SPDX-License-Identifier: MIT */
/*
 * Threads of the library's own. They take no signal of the application's, and do not keep the
 * process alive when its last thread ends.
 */
#ifndef CIO_SERVICE_H
#define CIO_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

/* False: there can be no such thread now. */
bool cio_service_start(void (*main)(void *arg), void *arg);

/* Whether a thread is one of these; once all that were about to start have said who they are. */
bool cio_service_is(pid_t tid);
void cio_services_wait_started(void);

/* They are the parent's. */
void cio_services_reinit_in_child(void);

#endif
