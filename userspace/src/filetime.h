/* SPDX-License-Identifier: MIT */
/* Windows counts in units of 100 ns since 1601. */
#ifndef CIO_FILETIME_H
#define CIO_FILETIME_H

#include <stdint.h>
#include <windows.h>

#define CIO_FILETIME_EPOCH 116444736000000000ll
#define CIO_FILETIME_SECOND 10000000ll

static inline FILETIME cio_filetime(int64_t seconds, int64_t nanoseconds)
{
	uint64_t t = (uint64_t)(seconds * CIO_FILETIME_SECOND + nanoseconds / 100 +
				CIO_FILETIME_EPOCH);
	FILETIME ft = { (DWORD)t, (DWORD)(t >> 32) };

	return ft;
}

#endif
