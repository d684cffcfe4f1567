/* SPDX-License-Identifier: MIT */
/*
 * Sends the cancel signals again that the kernel has refused because the user's limit of queued
 * signals is used up (RLIMIT_SIGPENDING). A canceller holds locks, and must not wait for that.
 */
#ifndef CIO_MESSENGER_H
#define CIO_MESSENGER_H

/* Some thread's signal is unsent. State lock. */
void cio_messenger_call(void);

void cio_messenger_reinit_in_child(void);

#endif
