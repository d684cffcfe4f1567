/* SPDX-License-Identifier: MIT */
/*
 * The names that are one thing or the other by UNICODE. A program that writes L"..." is compiled
 * with -fshort-wchar, and the C library knows nothing of such strings: for them there are the
 * names that the API has functions for, and no others.
 */
#ifndef _TCHAR_H_
#define _TCHAR_H_

#include <windows.h>

#define _T(x) TEXT(x)
#define _TEXT(x) TEXT(x)

/* A program begins with char here, whatever it is compiled for. */
#define _tmain main

#ifdef UNICODE
#define _tcslen(s) ((size_t)lstrlenW(s))
#define _tcscpy lstrcpyW
#define _tcscat lstrcatW
#define _tcscmp lstrcmpW
#define _tcsicmp lstrcmpiW
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define _tcslen strlen
#define _tcscpy strcpy
#define _tcscat strcat
#define _tcscmp strcmp
#define _tcsicmp strcasecmp
#define _tcsncmp strncmp
#define _tcsnicmp strncasecmp
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcstol strtol
#define _tcstoul strtoul
#define _tprintf printf
#define _ftprintf fprintf
#define _stprintf sprintf
#define _sntprintf snprintf
#define _vtprintf vprintf
#define _vsntprintf vsnprintf
#define _puttchar putchar
#define _putts puts
#define _fputts fputs
#define _fgetts fgets
#define _tfopen fopen
#define _ttoi atoi
#define _tgetenv getenv
#endif

#endif
