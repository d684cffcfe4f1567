/* SPDX-License-Identifier: MIT */
/*
 * What programs of wide characters take from the C library that theirs has not: wmain, which the
 * library calls where a program has no main, and numbers. For L"..." see <winnt.h>.
 */
#ifndef _CORECRT_WSTDLIB_H
#define _CORECRT_WSTDLIB_H

#include <stdlib.h>
#include <string.h>
/* Before the names below are other functions'; C++'s own header would take them back. */
#ifdef __cplusplus
#include <cwchar>
#else
#include <wchar.h>
#endif

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

/*
 * With -fshort-wchar the C library's functions would read strings of half the size as theirs, which
 * nothing warns of. These are the same for such strings; printf's %ls has none.
 */
#if __SIZEOF_WCHAR_T__ == 2

static inline size_t cio_wcslen(const wchar_t *s)
{
	const wchar_t *end = s;

	while (*end)
		end++;
	return (size_t)(end - s);
}

static inline wchar_t *cio_wcscpy(wchar_t *dest, const wchar_t *src)
{
	return (wchar_t *)memcpy(dest, src, (cio_wcslen(src) + 1) * sizeof(*src));
}

static inline wchar_t *cio_wcscat(wchar_t *dest, const wchar_t *src)
{
	cio_wcscpy(dest + cio_wcslen(dest), src);
	return dest;
}

static inline wchar_t *cio_wcsncpy(wchar_t *dest, const wchar_t *src, size_t n)
{
	size_t i;

	for (i = 0; i < n && src[i]; i++)
		dest[i] = src[i];
	for (; i < n; i++)
		dest[i] = 0;
	return dest;
}

static inline int cio_wcsncmp(const wchar_t *a, const wchar_t *b, size_t n)
{
	for (; n && *a && *a == *b; n--)
		a++, b++;
	return n ? (*a > *b) - (*a < *b) : 0;
}

static inline int cio_wcscmp(const wchar_t *a, const wchar_t *b)
{
	return cio_wcsncmp(a, b, (size_t)-1);
}

/* Of ASCII alone, as Microsoft's in the C locale. */
static inline int cio_wcsnicmp(const wchar_t *a, const wchar_t *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a, y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;

		if (x != y || !x)
			return x - y;
	}
	return 0;
}

static inline int cio_wcsicmp(const wchar_t *a, const wchar_t *b)
{
	return cio_wcsnicmp(a, b, (size_t)-1);
}

static inline wchar_t *cio_wcschr(const wchar_t *s, wchar_t c)
{
	for (; *s != c; s++)
		if (!*s)
			return NULL;
	return (wchar_t *)s;
}

static inline wchar_t *cio_wcsrchr(const wchar_t *s, wchar_t c)
{
	const wchar_t *at = s + cio_wcslen(s);

	while (*at != c)
		if (at-- == s)
			return NULL;
	return (wchar_t *)at;
}

static inline wchar_t *cio_wcsstr(const wchar_t *s, const wchar_t *part)
{
	size_t length = cio_wcslen(part);

	for (; cio_wcsncmp(s, part, length); s++)
		if (!*s)
			return NULL;
	return (wchar_t *)s;
}

static inline wchar_t *cio_wcsdup(const wchar_t *s)
{
	wchar_t *copy = (wchar_t *)malloc((cio_wcslen(s) + 1) * sizeof(*s));

	return copy ? cio_wcscpy(copy, s) : NULL;
}

#define wcslen cio_wcslen
#define wcscpy cio_wcscpy
#define wcscat cio_wcscat
#define wcsncpy cio_wcsncpy
#define wcscmp cio_wcscmp
#define wcsncmp cio_wcsncmp
#define wcschr cio_wcschr
#define wcsrchr cio_wcsrchr
#define wcsstr cio_wcsstr
#define _wcsicmp cio_wcsicmp
#define _wcsnicmp cio_wcsnicmp
#define _wcsdup cio_wcsdup
#endif

#ifdef __cplusplus
}

/* So that std::wcslen and its like are these, too. */
#if __SIZEOF_WCHAR_T__ == 2
namespace std
{
using ::cio_wcslen;
using ::cio_wcscpy;
using ::cio_wcscat;
using ::cio_wcsncpy;
using ::cio_wcscmp;
using ::cio_wcsncmp;
using ::cio_wcschr;
using ::cio_wcsrchr;
using ::cio_wcsstr;
}
#endif
#endif

#endif
