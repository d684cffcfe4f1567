/* SPDX-License-Identifier: MIT */
/* The whole of the API that cancelio offers, under the name that programs include. */
#ifndef _WINDOWS_
#define _WINDOWS_

#include <windef.h>
#include <winerror.h>
#include <winbase.h>

#ifdef __cplusplus
static_assert(sizeof(DWORD) == 4 && sizeof(LONG) == 4 && sizeof(WCHAR) == 2, "Windows' sizes");
static_assert(sizeof(OVERLAPPED) == 32 && sizeof(SECURITY_ATTRIBUTES) == 24, "LP64 layouts");
#else
_Static_assert(sizeof(DWORD) == 4 && sizeof(LONG) == 4 && sizeof(WCHAR) == 2, "Windows' sizes");
_Static_assert(sizeof(OVERLAPPED) == 32 && sizeof(SECURITY_ATTRIBUTES) == 24, "LP64 layouts");
#endif

#endif
