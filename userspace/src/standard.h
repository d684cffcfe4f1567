/* SPDX-License-Identifier: MIT */
#ifndef CIO_STANDARD_H
#define CIO_STANDARD_H

/* What guards the standard handles; held over fork. */
void cio_standard_lock(void);
void cio_standard_unlock(void);

#endif
