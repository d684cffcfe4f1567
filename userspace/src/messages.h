/* SPDX-License-Identifier: MIT */
#ifndef CIO_MESSAGES_H
#define CIO_MESSAGES_H

#include <windows.h>

/* The text of an error number, with the line's end as on Windows; NULL if there is none. */
const char *cio_message(DWORD error);

#endif
