/* SPDX-License-Identifier: MIT */
/* The places where threads wait on an address. */
#ifndef CIO_ADDRESS_H
#define CIO_ADDRESS_H

/* Around fork. In the child nobody waits. */
void cio_address_lock_all(void);
void cio_address_unlock_all(void);
void cio_address_reinit_in_child(void);

#endif
