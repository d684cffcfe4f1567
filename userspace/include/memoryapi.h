/* SPDX-License-Identifier: MIT */
#ifndef _MEMORYAPI_H_
#define _MEMORYAPI_H_

#include <minwindef.h>

#ifdef __cplusplus
extern "C" {
#endif

WINBASEAPI LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType,
				      DWORD flProtect);
WINBASEAPI BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType);
WINBASEAPI BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect,
				      PDWORD lpflOldProtect);

#ifdef __cplusplus
}
#endif

#endif
