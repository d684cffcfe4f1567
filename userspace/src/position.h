/* SPDX-License-Identifier: MIT */
#ifndef CIO_POSITION_H
#define CIO_POSITION_H

#include <stdint.h>
#include <windows.h>

struct cio_file;

/* How many bytes there are to read: of a file, a device, a pipe. 0, or the Win32 error. */
DWORD cio_file_size(const struct cio_file *file, uint64_t *size);

#endif
