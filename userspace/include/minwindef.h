/* SPDX-License-Identifier: MIT */
/* The scalar types and calling conventions that every other header uses. */
#ifndef _MINWINDEF_H_
#define _MINWINDEF_H_

#include <stddef.h>
#include <basetsd.h>
#include <sal.h>

/* There is one calling convention here, so the names of the others mean nothing. */
#ifndef __stdcall
#define __stdcall
#endif
#ifndef __cdecl
#define __cdecl
#endif
#ifndef __fastcall
#define __fastcall
#endif
#ifndef __vectorcall
#define __vectorcall
#endif
#ifndef _stdcall
#define _stdcall
#endif
#ifndef _cdecl
#define _cdecl
#endif
#define WINAPI
#define CALLBACK
#define APIENTRY
#define WINAPIV
#define PASCAL
#define NTAPI
#define APIPRIVATE

/* Microsoft's words for what GNU C says otherwise. */
#ifndef __int8
#define __int8 char
#endif
#ifndef __int16
#define __int16 short
#endif
#ifndef __int32
#define __int32 int
#endif
#ifndef __int64
#define __int64 long long
#endif
#ifndef __forceinline
#define __forceinline static inline __attribute__((always_inline, unused))
#endif
#ifndef __declspec
#define __declspec(what) __declspec_##what
#define __declspec_align(n) __attribute__((aligned(n)))
#define __declspec_dllexport __attribute__((visibility("default")))
#define __declspec_dllimport
#define __declspec_naked __attribute__((naked))
#define __declspec_noinline __attribute__((noinline))
#define __declspec_noreturn __attribute__((noreturn))
#define __declspec_nothrow __attribute__((nothrow))
#define __declspec_novtable
#define __declspec_restrict __attribute__((malloc))
#define __declspec_selectany __attribute__((weak))
#define __declspec_thread __thread
#define __declspec_deprecated __attribute__((deprecated))
#endif

#ifndef CONST
#define CONST const
#endif
#ifndef FAR
#define FAR
#endif
#ifndef NEAR
#define NEAR
#endif
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif

#define DECLSPEC_IMPORT
#define WINBASEAPI __attribute__((visibility("default")))
#define WINADVAPI WINBASEAPI

#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif
#define MAX_PATH 260

/* Windows' long has 32 bits, so LONG and DWORD must not be C's long on LP64. */
typedef int BOOL, *PBOOL, *LPBOOL;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef uint32_t DWORD, *PDWORD, *LPDWORD;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef float FLOAT, *PFLOAT;
typedef uint32_t ULONG, *PULONG;
typedef unsigned short USHORT, *PUSHORT;
typedef unsigned char UCHAR, *PUCHAR;
typedef char *PSZ;
typedef void *LPVOID;
typedef const void *LPCVOID;

#include <winnt.h>

typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;
typedef LONG_PTR LRESULT;
typedef LONG *LPLONG;
typedef HANDLE *LPHANDLE;
typedef HANDLE HINSTANCE, HMODULE, HGLOBAL, HLOCAL, GLOBALHANDLE, LOCALHANDLE, HKEY, HRSRC, HRGN;
typedef HKEY *PHKEY;
typedef WORD ATOM;
typedef int HFILE;
typedef INT_PTR(WINAPI *FARPROC)(void);
typedef INT_PTR(WINAPI *NEARPROC)(void);
typedef INT_PTR(WINAPI *PROC)(void);

typedef struct _FILETIME {
	DWORD dwLowDateTime;
	DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

#define LOWORD(l) ((WORD)((DWORD_PTR)(l) & 0xffff))
#define HIWORD(l) ((WORD)(((DWORD_PTR)(l) >> 16) & 0xffff))
#define LOBYTE(w) ((BYTE)((DWORD_PTR)(w) & 0xff))
#define HIBYTE(w) ((BYTE)(((DWORD_PTR)(w) >> 8) & 0xff))
#define MAKEWORD(a, b) ((WORD)(LOBYTE(a) | ((WORD)LOBYTE(b) << 8)))
#define MAKELONG(a, b) ((LONG)(LOWORD(a) | ((DWORD)LOWORD(b) << 16)))

/* As templates of the standard library have these names, too, C++ does without. */
#if !defined(NOMINMAX) && !defined(__cplusplus)
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#endif

#endif
