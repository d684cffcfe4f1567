// SPDX-License-Identifier: MIT
/*
 * Strings: code pages, held against iconv and against Unicode's own table of what UTF-8 is; the
 * lstr functions, against libc's; FormatMessage. Each string has memory of just its size, so that
 * AddressSanitizer sees one step too far.
 */
#include <iconv.h>
#include <strings.h>
#include <strsafe.h>
#include <sys/mman.h>
#include <windows.h>

#include "input.h"

/* What the calls may fail with. */
static void check_conversion_error(void)
{
	DWORD error = GetLastError();

	PROMISE(error == ERROR_INVALID_PARAMETER || error == ERROR_INVALID_FLAGS ||
		error == ERROR_NO_UNICODE_TRANSLATION || error == ERROR_INSUFFICIENT_BUFFER);
}

static void *own_copy(const void *data, size_t size)
{
	void *copy = malloc(size);

	PROMISE(copy);
	memcpy(copy, data, size);
	return copy;
}

/* The Unicode standard, table 3-7: what may follow which first byte. */
static const struct {
	uint8_t first, last, from, to, more;
} well_formed[] = {
	{ 0x00, 0x7F, 0, 0, 0 },	 { 0xC2, 0xDF, 0x80, 0xBF, 1 },
	{ 0xE0, 0xE0, 0xA0, 0xBF, 2 }, { 0xE1, 0xEC, 0x80, 0xBF, 2 },
	{ 0xED, 0xED, 0x80, 0x9F, 2 }, { 0xEE, 0xEF, 0x80, 0xBF, 2 },
	{ 0xF0, 0xF0, 0x90, 0xBF, 3 }, { 0xF1, 0xF3, 0x80, 0xBF, 3 },
	{ 0xF4, 0xF4, 0x80, 0x8F, 3 },
};

/* Bytes of the longest piece at @s that is a character or the beginning of one; at least 1. */
static size_t piece_of(const uint8_t *s, size_t size, bool *whole)
{
	*whole = false;
	for (size_t i = 0; i < sizeof(well_formed) / sizeof(*well_formed); i++) {
		size_t n = 1;

		if (*s < well_formed[i].first || *s > well_formed[i].last)
			continue;
		if (n < size && well_formed[i].more && s[n] >= well_formed[i].from &&
		    s[n] <= well_formed[i].to)
			for (n++; n < size && n <= well_formed[i].more && (s[n] & 0xC0) == 0x80;)
				n++;
		*whole = n == 1u + well_formed[i].more;
		return n;
	}
	return 1;
}

static size_t convert(const char *to, const char *from, const void *data, size_t size, void *out,
		      size_t room)
{
	iconv_t how = iconv_open(to, from);
	char *in_at = (char *)data, *out_at = out;
	size_t in_left = size, out_left = room;

	PROMISE(how != (iconv_t)-1);
	PROMISE(iconv(how, &in_at, &in_left, &out_at, &out_left) == 0 && !in_left);
	iconv_close(how);
	return room - out_left;
}

/* What the bytes are in UTF-16, each bad piece a U+FFFD: its units. */
static size_t utf16_expected(const uint8_t *s, size_t size, WCHAR *out, bool *bad)
{
	uint8_t *good = malloc(3 * size + 1);
	size_t length = 0, n;
	bool whole;

	*bad = false;
	for (size_t i = 0; i < size; i += n) {
		n = piece_of(s + i, size - i, &whole);
		memcpy(good + length, whole ? s + i : (const uint8_t *)"\xEF\xBF\xBD", whole ? n : 3);
		length += whole ? n : 3;
		*bad |= !whole;
	}
	length = convert("UTF-16LE", "UTF-8", good, length, out, 2 * length) / 2;
	free(good);
	return length;
}

static void to_wide(struct input *in)
{
	static const uint64_t pages[] = { CP_UTF8, CP_ACP, CP_OEMCP, CP_THREAD_ACP, 1252, 65000 };
	UINT page = (UINT)TAKE_ONE_OF(in, pages);
	DWORD flags = take_below(in, 16);
	uint32_t room = take_uint8(in);
	size_t size = left(in), expected;
	uint8_t *bytes = own_copy(in->at, size);
	WCHAR *want = malloc(4 * size + 8), *got;
	bool bad;
	int need, n;

	expected = utf16_expected(bytes, size, want, &bad);
	need = MultiByteToWideChar(page, flags, (LPCCH)bytes, (int)size, NULL, 0);
	got = malloc(2 * room + 1);
	n = MultiByteToWideChar(page, flags, (LPCCH)bytes, (int)size, got, (int)room);
	if (!need)
		check_conversion_error();
	if (need)
		PROMISE_EQ(need, expected);
	if (need && page == CP_UTF8 && flags & MB_ERR_INVALID_CHARS)
		PROMISE(!bad);
	if (room)
		PROMISE_EQ(n, need <= (int)room ? need : 0);
	if (n && room)
		PROMISE(!memcmp(got, want, 2 * expected));
	if (!n)
		check_conversion_error();
	free(got);
	free(want);
	free(bytes);
}

static bool is_lone(const WCHAR *s, size_t count, size_t i)
{
	if ((s[i] & 0xFC00) == 0xD800)
		return i + 1 == count || (s[i + 1] & 0xFC00) != 0xDC00;
	if ((s[i] & 0xFC00) == 0xDC00)
		return !i || (s[i - 1] & 0xFC00) != 0xD800;
	return false;
}

static void from_wide(struct input *in)
{
	static const uint64_t pages[] = { CP_UTF8, CP_ACP, CP_OEMCP, CP_THREAD_ACP, 437 };
	UINT page = (UINT)TAKE_ONE_OF(in, pages);
	DWORD flags = take_uint8(in) & 1 ? WC_ERR_INVALID_CHARS : take_uint16(in);
	uint32_t room = take_uint8(in);
	size_t count = left(in) / 2, expected;
	WCHAR *units = own_copy(in->at, 2 * count), *mended = own_copy(units, 2 * count);
	char *want = malloc(3 * count + 4), *got = malloc(room + 1);
	bool bad = false;
	int need, n;

	for (size_t i = 0; i < count; i++)
		if (is_lone(units, count, i)) {
			mended[i] = 0xFFFD;
			bad = true;
		}
	expected = convert("UTF-8", "UTF-16LE", mended, 2 * count, want, 3 * count + 4);
	need = WideCharToMultiByte(page, flags, units, (int)count, NULL, 0, NULL, NULL);
	n = WideCharToMultiByte(page, flags, units, (int)count, got, (int)room, NULL, NULL);
	if (need)
		PROMISE_EQ(need, expected);
	else
		check_conversion_error();
	if (need && flags & WC_ERR_INVALID_CHARS)
		PROMISE(!bad);
	if (room)
		PROMISE_EQ(n, need <= (int)room ? need : 0);
	if (n && room)
		PROMISE(!memcmp(got, want, expected));
	if (!n)
		check_conversion_error();
	free(got);
	free(want);
	free(mended);
	free(units);
}

/* ---- strings that end with a 0 ---- */

static char *take_string(struct input *in, size_t most)
{
	size_t size = take_uint8(in) % (most + 1), n = left(in) < size ? left(in) : size;
	char *s = calloc(1, n + 1);

	memcpy(s, in->at, n);
	in->at += n;
	s[strlen(s)] = '\0';
	return realloc(s, strlen(s) + 1);
}

static WCHAR *take_wide(struct input *in, size_t most)
{
	size_t size = take_uint8(in) % (most + 1), n = left(in) / 2 < size ? left(in) / 2 : size;
	WCHAR *s = calloc(n + 1, sizeof(*s));

	memcpy(s, in->at, 2 * n);
	in->at += 2 * n;
	return s;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void narrow_strings(struct input *in)
{
	char *a = take_string(in, 40), *b = take_string(in, 40);
	size_t room = take_below(in, 64), length, la = strlen(a), lb = strlen(b);
	char *to = malloc(room + 1), *both = malloc(la + lb + 1);

	PROMISE_EQ(lstrlenA(a), la);
	PROMISE_EQ(lstrcmpA(a, b), sign(strcmp(a, b)));
	PROMISE_EQ(lstrcmpiA(a, b), sign(strcasecmp(a, b)));
	PROMISE(lstrcpyA(both, a) == both && lstrcatA(both, b) == both);
	PROMISE(strlen(both) == la + lb && !memcmp(both, a, la) && !strcmp(both + la, b));
	memset(to, 'x', room + 1);
	PROMISE(lstrcpynA(to, a, (int)room) == (room ? to : NULL));
	if (room)
		PROMISE(strlen(to) == (la < room ? la : room - 1) && !strncmp(to, a, strlen(to)));
	PROMISE_EQ(to[room], 'x');
	PROMISE_EQ(StringCchCopyA(to, room, a), !room	    ? STRSAFE_E_INVALID_PARAMETER
						: la < room ? S_OK
							    : STRSAFE_E_INSUFFICIENT_BUFFER);
	if (room && la < room)
		PROMISE_EQ(StringCchCatA(to, room, b),
			   la + lb < room ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER);
	if (room)
		PROMISE(StringCchLengthA(to, room, &length) == S_OK && length < room);
	free(both);
	free(to);
	free(b);
	free(a);
}

static int compare_units(const WCHAR *a, const WCHAR *b, bool folded)
{
	for (;; a++, b++) {
		unsigned int x = *a, y = *b;

		if (folded && x < 128 && y < 128) {
			x = (unsigned int)(x >= 'A' && x <= 'Z' ? x + 32 : x);
			y = (unsigned int)(y >= 'A' && y <= 'Z' ? y + 32 : y);
		}
		if (x != y || !x)
			return x < y ? -1 : x > y;
	}
}

static void wide_strings(struct input *in)
{
	WCHAR *a = take_wide(in, 40), *b = take_wide(in, 40);
	size_t room = take_below(in, 64), la = 0, lb = 0;
	WCHAR *to = malloc(2 * (room + 1)), *both;

	while (a[la])
		la++;
	while (b[lb])
		lb++;
	both = malloc(2 * (la + lb + 1));
	PROMISE_EQ(lstrlenW(a), la);
	PROMISE_EQ(lstrcmpW(a, b), compare_units(a, b, false));
	PROMISE_EQ(sign(lstrcmpiW(a, b)), -sign(lstrcmpiW(b, a)));
	if (!compare_units(a, b, true))
		PROMISE_EQ(lstrcmpiW(a, b), 0);
	PROMISE(lstrcpyW(both, a) == both && lstrcatW(both, b) == both);
	PROMISE(!memcmp(both, a, 2 * la) && !memcmp(both + la, b, 2 * (lb + 1)));
	to[room] = 'x';
	PROMISE(lstrcpynW(to, a, (int)room) == (room ? to : NULL));
	if (room) {
		size_t n = la < room ? la : room - 1;

		PROMISE(!memcmp(to, a, 2 * n) && !to[n]);
	}
	PROMISE_EQ(to[room], 'x');
	free(both);
	free(to);
	free(b);
	free(a);
}

/* ---- FormatMessage ---- */

/*
 * One argument that is a string of either kind as well as a number: of 64 bits its address, of 32
 * what is left of that, a width that is not too much.
 */
static void *argument(void)
{
	static char *page;

	if (!page) {
		page = mmap((void *)0x200000000000, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		PROMISE(page == (void *)0x200000000000);
		memcpy(page + 32, "\x41\x42\xC3\xA4\0\0\0\0", 8);
	}
	return page + 32;
}

/* That a message cannot grow without bound is its widths', which are six digits at most. */
#define MESSAGE_MOST 40

static void check_message(DWORD n, DWORD room, bool made)
{
	DWORD error = GetLastError();

	if (n)
		PROMISE(made || n < room);
	else
		PROMISE(error == ERROR_INVALID_PARAMETER || error == ERROR_INSUFFICIENT_BUFFER ||
			error == ERROR_NO_WORK_DONE || error == ERROR_NOT_ENOUGH_MEMORY ||
			error == ERROR_RESOURCE_DATA_NOT_FOUND ||
			error == ERROR_RESOURCE_LANG_NOT_FOUND || error == ERROR_MR_MID_NOT_FOUND);
}

static void message(struct input *in)
{
	static const uint64_t kinds[] = {
		FORMAT_MESSAGE_FROM_STRING,
		FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY,
		FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY |
			FORMAT_MESSAGE_ALLOCATE_BUFFER,
		FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
		FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER,
		FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS,
		FORMAT_MESSAGE_FROM_HMODULE,
	};
	DWORD flags = (DWORD)TAKE_ONE_OF(in, kinds) | take_uint8(in);
	DWORD id = take_uint8(in) & 1 ? take_uint32(in) : take_uint16(in), room = take_uint8(in);
	bool wide = take_uint8(in) & 1, made = flags & FORMAT_MESSAGE_ALLOCATE_BUFFER;
	DWORD language = take_uint8(in), n;
	ULONG_PTR args[102];
	void *buffer, *source, *out;

	for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++)
		args[i] = (ULONG_PTR)argument();
	/* A list is not to be had without a caller's own. */
	if (flags & FORMAT_MESSAGE_FROM_STRING)
		flags |= FORMAT_MESSAGE_ARGUMENT_ARRAY;
	source = wide ? (void *)take_wide(in, MESSAGE_MOST) : (void *)take_string(in, MESSAGE_MOST);
	buffer = malloc(room * (wide ? 2 : 1) + 1);
	out = made ? (void *)&buffer : buffer;
	if (made)
		free(buffer);
	n = wide ? FormatMessageW(flags, source, id, language, out, room, (va_list *)args) :
		   FormatMessageA(flags, source, id, language, out, room, (va_list *)args);
	check_message(n, room, made);
	if (n && wide)
		PROMISE_EQ(((WCHAR *)buffer)[n], 0);
	else if (n)
		PROMISE_EQ(((char *)buffer)[n], 0);
	if (!made)
		free(buffer);
	else if (n)
		LocalFree(buffer);
	free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct input *in) = {
		to_wide, from_wide, narrow_strings, wide_strings, message,
	};
	struct input in = { data, data + size };

	kinds[take_below(&in, sizeof(kinds) / sizeof(*kinds))](&in);
	return 0;
}
