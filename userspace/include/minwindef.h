/* SPDX-License-Identifier: MIT */
/* The scalar types and calling conventions that every other header uses. */
#ifndef _MINWINDEF_H_
#define _MINWINDEF_H_

#include <stddef.h>
#include <basetsd.h>

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
#define WINAPI
#define CALLBACK
#define APIENTRY
#define WINAPIV
#define PASCAL
#define CONST const

#define WINBASEAPI __attribute__((visibility("default")))

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
typedef void *LPVOID;
typedef const void *LPCVOID;

#include <winnt.h>

typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;
typedef LONG_PTR LRESULT;
typedef LONG *LPLONG;
typedef HANDLE *LPHANDLE;
typedef HANDLE HINSTANCE, HMODULE, HGLOBAL, HLOCAL;
typedef INT_PTR(WINAPI *FARPROC)(void);

#define LOWORD(l) ((WORD)((DWORD_PTR)(l) & 0xffff))
#define HIWORD(l) ((WORD)(((DWORD_PTR)(l) >> 16) & 0xffff))
#define LOBYTE(w) ((BYTE)((DWORD_PTR)(w) & 0xff))
#define HIBYTE(w) ((BYTE)(((DWORD_PTR)(w) >> 8) & 0xff))
#define MAKEWORD(a, b) ((WORD)(LOBYTE(a) | ((WORD)LOBYTE(b) << 8)))
#define MAKELONG(a, b) ((LONG)(LOWORD(a) | ((DWORD)LOWORD(b) << 16)))

#endif
