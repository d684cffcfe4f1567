/* SPDX-License-Identifier: MIT */
/* The whole of the API that cancelio offers, under the name that programs include. */
#ifndef _WINDOWS_
#define _WINDOWS_
#define _INC_WINDOWS

#include <stdarg.h>
#include <windef.h>
#include <winerror.h>
#include <winbase.h>
#include <winnls.h>
#include <libloaderapi.h>
#include <corecrt.h>
#include <corecrt_wstdlib.h>
#ifndef WIN32_LEAN_AND_MEAN
#include <winioctl.h>
#endif

C_ASSERT(sizeof(DWORD) == 4 && sizeof(LONG) == 4 && sizeof(WCHAR) == 2 && sizeof(BOOL) == 4);
C_ASSERT(sizeof(HANDLE) == 8 && sizeof(ULONG_PTR) == 8 && sizeof(SIZE_T) == 8);
C_ASSERT(sizeof(OVERLAPPED) == 32 && sizeof(OVERLAPPED_ENTRY) == 32);
C_ASSERT(sizeof(SECURITY_ATTRIBUTES) == 24 && sizeof(CRITICAL_SECTION) == 40);
C_ASSERT(sizeof(SRWLOCK) == 8 && sizeof(CONDITION_VARIABLE) == 8 && sizeof(INIT_ONCE) == 8);

#endif
