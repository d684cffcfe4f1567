// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <string.h>

#include "status.h"
#include "utf.h"

#define REPLACEMENT 0xFFFDu

static bool is_high(WCHAR c)
{
	return (c & 0xFC00) == 0xD800;
}

static bool is_low(WCHAR c)
{
	return (c & 0xFC00) == 0xDC00;
}

/* The character at *pos, which moves behind it. */
static uint32_t take16(const WCHAR *s, size_t count, size_t *pos, bool *bad)
{
	WCHAR c = s[(*pos)++];

	if (!is_high(c) && !is_low(c))
		return c;
	if (is_high(c) && *pos < count && is_low(s[*pos]))
		return 0x10000 + ((uint32_t)(c & 0x3FF) << 10) + (s[(*pos)++] & 0x3FF);
	*bad = true;
	return REPLACEMENT;
}

static size_t put8(char *to, uint32_t c)
{
	static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3F));
	to[0] = (char)(n == 1 ? c : lead[n] | c);
	return n;
}

/*
 * The same in UTF-8. Which second byte is right depends on the first: overlong forms, surrogates
 * and what lies beyond U+10FFFF are no characters.
 */
static uint32_t take8(const unsigned char *s, size_t count, size_t *pos, bool *bad)
{
	unsigned char first = s[(*pos)++], low = 0x80, high = 0xBF;
	uint32_t c;
	int more;

	if (first < 0x80)
		return first;
	if (first < 0xC2 || first > 0xF4) {
		*bad = true;
		return REPLACEMENT;
	}
	more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
	c = first & (0x3Fu >> more);
	if (first == 0xE0)
		low = 0xA0;
	else if (first == 0xED)
		high = 0x9F;
	else if (first == 0xF0)
		low = 0x90;
	else if (first == 0xF4)
		high = 0x8F;
	for (; more; more--, low = 0x80, high = 0xBF) {
		if (*pos == count || s[*pos] < low || s[*pos] > high) {
			*bad = true;
			return REPLACEMENT;
		}
		c = c << 6 | (s[(*pos)++] & 0x3F);
	}
	return c;
}

static size_t put16(WCHAR *to, uint32_t c)
{
	if (c < 0x10000) {
		to[0] = (WCHAR)c;
		return 1;
	}
	to[0] = (WCHAR)(0xD800 + ((c - 0x10000) >> 10));
	to[1] = (WCHAR)(0xDC00 + (c & 0x3FF));
	return 2;
}

size_t cio_utf8_from_utf16(char *to, size_t room, const WCHAR *from, size_t count, bool *bad)
{
	size_t need = 0, pos = 0, n;
	bool unused;
	char one[4];

	if (!bad)
		bad = &unused;
	*bad = false;
	while (pos < count) {
		n = put8(one, take16(from, count, &pos, bad));
		if (need + n <= room)
			memcpy(to + need, one, n);
		else
			room = 0; /* a shorter one that would still fit must not follow */
		need += n;
	}
	return need;
}

size_t cio_utf16_from_utf8(WCHAR *to, size_t room, const char *from, size_t count, bool *bad)
{
	size_t need = 0, pos = 0, n;
	bool unused;
	WCHAR one[2];

	if (!bad)
		bad = &unused;
	*bad = false;
	while (pos < count) {
		n = put16(one, take8((const unsigned char *)from, count, &pos, bad));
		if (need + n <= room)
			memcpy(to + need, one, n * sizeof(*one));
		else
			room = 0;
		need += n;
	}
	return need;
}

size_t cio_utf16_len(const WCHAR *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

BOOL cio_name_from_utf16(char *to, size_t room, LPCWSTR name)
{
	bool bad;
	size_t need = cio_utf8_from_utf16(to, room, name, cio_utf16_len(name) + 1, &bad);

	if (bad)
		return cio_fail(ERROR_INVALID_NAME);
	return need <= room ? TRUE : cio_fail(ERROR_FILENAME_EXCED_RANGE);
}

DWORD cio_utf16_answer(LPWSTR buffer, DWORD size, const char *utf8)
{
	size_t count = strlen(utf8) + 1;
	size_t need = cio_utf16_from_utf8(NULL, 0, utf8, count, NULL);

	if (need > size)
		return (DWORD)need;
	cio_utf16_from_utf8(buffer, size, utf8, count, NULL);
	return (DWORD)need - 1;
}
