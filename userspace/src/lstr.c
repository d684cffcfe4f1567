// SPDX-License-Identifier: MIT
/*
 * Strings of either kind. A NULL counts as empty where Windows lets it, and is refused where it does
 * so; pointers that lead nowhere are not caught, for there are no structured exceptions. Comparing
 * is by the code units, and without case by ASCII, not by the rules of a language.
 */
#include <string.h>

#include "status.h"
#include "utf.h"

int WINAPI lstrlenA(LPCSTR s)
{
	return s ? (int)strlen(s) : 0;
}

int WINAPI lstrlenW(LPCWSTR s)
{
	return s ? (int)cio_utf16_len(s) : 0;
}

LPSTR WINAPI lstrcpyA(LPSTR to, LPCSTR from)
{
	return to && from ? strcpy(to, from) : NULL;
}

LPWSTR WINAPI lstrcpyW(LPWSTR to, LPCWSTR from)
{
	return to && from ? memcpy(to, from, (cio_utf16_len(from) + 1) * sizeof(*from)) : NULL;
}

/* At most @size units with the 0, which is always there. */
LPSTR WINAPI lstrcpynA(LPSTR to, LPCSTR from, int size)
{
	size_t n;

	if (!to || !from || size <= 0)
		return NULL;
	n = strnlen(from, (size_t)size - 1);
	memcpy(to, from, n);
	to[n] = '\0';
	return to;
}

LPWSTR WINAPI lstrcpynW(LPWSTR to, LPCWSTR from, int size)
{
	int n = 0;

	if (!to || !from || size <= 0)
		return NULL;
	for (; n < size - 1 && from[n]; n++)
		to[n] = from[n];
	to[n] = 0;
	return to;
}

LPSTR WINAPI lstrcatA(LPSTR to, LPCSTR from)
{
	return to && from ? strcat(to, from) : NULL;
}

LPWSTR WINAPI lstrcatW(LPWSTR to, LPCWSTR from)
{
	if (!to || !from)
		return NULL;
	lstrcpyW(to + cio_utf16_len(to), from);
	return to;
}

static unsigned int fold(unsigned int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static unsigned int same(unsigned int c)
{
	return c;
}

static int compare_a(const unsigned char *a, const unsigned char *b, unsigned int (*as)(unsigned int))
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	for (; *a && as(*a) == as(*b); a++)
		b++;
	return (as(*a) > as(*b)) - (as(*a) < as(*b));
}

static int compare_w(LPCWSTR a, LPCWSTR b, unsigned int (*as)(unsigned int))
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	for (; *a && as(*a) == as(*b); a++)
		b++;
	return (as(*a) > as(*b)) - (as(*a) < as(*b));
}

int WINAPI lstrcmpA(LPCSTR a, LPCSTR b)
{
	return compare_a((const unsigned char *)a, (const unsigned char *)b, same);
}

int WINAPI lstrcmpW(LPCWSTR a, LPCWSTR b)
{
	return compare_w(a, b, same);
}

int WINAPI lstrcmpiA(LPCSTR a, LPCSTR b)
{
	return compare_a((const unsigned char *)a, (const unsigned char *)b, fold);
}

int WINAPI lstrcmpiW(LPCWSTR a, LPCWSTR b)
{
	return compare_w(a, b, fold);
}
