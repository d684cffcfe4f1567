/* SPDX-License-Identifier: MIT */
#ifndef _NAMEDPIPE_H_
#define _NAMEDPIPE_H_

#include <minwinbase.h>

#ifdef __cplusplus
extern "C" {
#endif

WINBASEAPI BOOL WINAPI CreatePipe(PHANDLE hReadPipe, PHANDLE hWritePipe,
				  LPSECURITY_ATTRIBUTES lpPipeAttributes, DWORD nSize);

#ifdef __cplusplus
}
#endif

#endif
