/* SPDX-License-Identifier: MIT */
/* The handle types of the window system: source that only names them compiles. */
#ifndef _WINDEF_H_
#define _WINDEF_H_

#include <minwindef.h>

typedef HANDLE HWND, HMENU, HDC, HICON, HCURSOR, HBRUSH, HGDIOBJ, HFONT, HBITMAP, HPEN, HDESK;
typedef DWORD COLORREF, *LPCOLORREF;

typedef struct tagRECT {
	LONG left, top, right, bottom;
} RECT, *PRECT, *LPRECT;

typedef struct tagPOINT {
	LONG x, y;
} POINT, *PPOINT, *LPPOINT;

#endif
