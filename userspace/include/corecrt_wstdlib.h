/* SPDX-License-Identifier: MIT */
/*
 * What programs of wide characters take from the C library that theirs has not: wmain, which the
 * library calls where a program has no main, and numbers. For L"..." see <winnt.h>.
 */
#ifndef _CORECRT_WSTDLIB_H
#define _CORECRT_WSTDLIB_H

#include <minwindef.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline long _wtol(const WCHAR *s)
{
	unsigned long n = 0;
	int negative;

	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (unsigned long)(*s - '0');
	return (long)(negative ? 0 - n : n);
}

static inline int _wtoi(const WCHAR *s)
{
	return (int)_wtol(s);
}

#ifdef __cplusplus
}
#endif

#endif
