// SPDX-License-Identifier: MIT
/* FormatMessage. */
#include <errno.h>
#include <windows.h>

#include "tap.h"

#define FROM_STRING FORMAT_MESSAGE_FROM_STRING
#define FROM_SYSTEM FORMAT_MESSAGE_FROM_SYSTEM
#define IGNORE_INSERTS FORMAT_MESSAGE_IGNORE_INSERTS

static char out[512];

static DWORD format(DWORD flags, const char *source, ...)
{
	va_list args;
	DWORD n;

	memset(out, 'x', sizeof(out));
	va_start(args, source);
	n = FormatMessageA(flags | FROM_STRING, source, 0, 0, out, sizeof(out), &args);
	va_end(args);
	return n;
}

#define IS(n, text) \
	do { \
		CHECK_EQ(n, strlen(text)); \
		if (strcmp(out, text) != 0) \
			printf("# \"%s\"\n", out); \
		CHECK(strcmp(out, text) == 0); \
	} while (0)

static DWORD message(DWORD id, DWORD language, DWORD flags)
{
	memset(out, 'x', sizeof(out));
	return FormatMessageA(FROM_SYSTEM | IGNORE_INSERTS | flags, NULL, id, language, out,
			      sizeof(out), NULL);
}

static void of_the_system(void)
{
	static const DWORD known[] = { 0, 1, 2, 3, 4, 5, 6, 8, 17, 21, 22, 31, 32, 33, 38, 50, 80, 87,
				       109, 112, 121, 122, 131, 183, 231, 232, 233, 234, 258, 535,
				       536, 735, 995, 996, 997, 998, 1167, 1168, 1117, 1235, 1450,
				       1460, 1784, 1816, 3050 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		DWORD n = message(known[i], 0, 0);

		if (!n)
			printf("# no message %u\n", known[i]);
		CHECK(n > 3 && n == strlen(out));
		CHECK(strcmp(out + n - 3, ".\r\n") == 0);
		/* The same from its HRESULT. */
		CHECK_EQ(message((DWORD)HRESULT_FROM_WIN32(known[i]), 0x409, 0), n);
	}
	CHECK_FAILS(message(0xABCDE, 0, 0), ERROR_MR_MID_NOT_FOUND);
	CHECK_FAILS(message(5, MAKELANGID(0x07, SUBLANG_DEFAULT), 0), ERROR_RESOURCE_LANG_NOT_FOUND);
	CHECK(message(5, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), 0));
}

static void rare_inserts(void)
{
	IS(format(0, "%1!p!", (ULONG_PTR)0xAB), "00000000000000AB");
	IS(format(0, "%1!wc!%2!c!", (ULONG_PTR)u'x', (ULONG_PTR)'y'), "xy");
	IS(format(0, "[%1!*d!]", (ULONG_PTR)5, (ULONG_PTR)42), "[   42]");
	IS(format(0, "[%1!-*.*d!]", (ULONG_PTR)5, (ULONG_PTR)3, (ULONG_PTR)7), "[007  ]");
	CHECK_FAILS(format(0, "%1!-+-+-+-+-+-+-+-+d!", (ULONG_PTR)1), ERROR_INVALID_PARAMETER);
}

static void width_of_the_system(void)
{
	DWORD n = message(995, 0, 0), m;

	/* The line's end becomes a space. */
	m = message(995, 0, FORMAT_MESSAGE_MAX_WIDTH_MASK);
	CHECK_EQ(m, n - 1);
	CHECK(out[m - 1] == ' ' && !strchr(out, '\r'));
}

static void into_a_new_buffer(void)
{
	char *text = NULL;
	WCHAR *wide = NULL;
	DWORD n, m;

	n = FormatMessageA(FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER | IGNORE_INSERTS, NULL, 2, 0,
			   (LPSTR)&text, 0, NULL);
	CHECK(n && text && strlen(text) == n);
	m = FormatMessageW(FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER | IGNORE_INSERTS, NULL, 2, 0,
			   (LPWSTR)&wide, 100, NULL);
	CHECK_EQ(m, n);
	CHECK_EQ(lstrlenW(wide), n);
	for (DWORD i = 0; i < n; i++)
		CHECK_EQ(wide[i], text[i]);
	CHECK(!LocalFree(text));
	/* As much as was asked for, if that is more. */
	CHECK(HeapSize(GetProcessHeap(), 0, wide) >= 200);
	CHECK(HeapFree(GetProcessHeap(), 0, wide));
	text = out;
	CHECK_FAILS(FormatMessageA(FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL, 0xABCDE, 0,
				   (LPSTR)&text, 0, NULL), ERROR_MR_MID_NOT_FOUND);
	CHECK(!text);
	/* Nor is there a buffer for nothing. */
	text = out;
	CHECK_FAILS(FormatMessageA(FROM_STRING | FORMAT_MESSAGE_ALLOCATE_BUFFER, "", 0, 0,
				   (LPSTR)&text, 100, NULL), ERROR_NO_WORK_DONE);
	CHECK(!text);
	wide = (WCHAR *)out;
	CHECK_FAILS(FormatMessageW(FROM_STRING | FORMAT_MESSAGE_ALLOCATE_BUFFER, u"%0", 0, 0,
				   (LPWSTR)&wide, 0, NULL), ERROR_NO_WORK_DONE);
	CHECK(!wide);
}

static void small_buffer(void)
{
	DWORD n = message(2, 0, 0);
	WCHAR wide[512];
	int err = errno;

	CHECK_FAILS(FormatMessageA(FROM_SYSTEM, NULL, 2, 0, out, n, NULL), ERROR_INSUFFICIENT_BUFFER);
	CHECK_FAILS(FormatMessageW(FROM_SYSTEM, NULL, 2, 0, wide, n, NULL), ERROR_INSUFFICIENT_BUFFER);
	CHECK_FAILS(FormatMessageA(FROM_SYSTEM, NULL, 2, 0, out, 0, NULL), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(FormatMessageA(FROM_SYSTEM, NULL, 2, 0, out, n + 1, NULL), n);
	CHECK_EQ(FormatMessageW(FROM_SYSTEM, NULL, 2, 0, wide, n + 1, NULL), n);
	CHECK_EQ(errno, err);
}

static void bad_input(void)
{
	CHECK_FAILS(FormatMessageA(FROM_SYSTEM, NULL, 2, 0, NULL, 9, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(FormatMessageA(0, NULL, 2, 0, out, 9, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(FormatMessageA(FROM_STRING, NULL, 0, 0, out, 9, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(FormatMessageW(FROM_STRING, NULL, 0, 0, (LPWSTR)out, 9, NULL),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(FormatMessageA(FORMAT_MESSAGE_FROM_HMODULE, NULL, 2, 0, out, 9, NULL),
		    ERROR_RESOURCE_DATA_NOT_FOUND);
	CHECK_FAILS(FormatMessageA(FROM_STRING, "%1", 0, 0, out, 9, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(format(0, "%1!d", 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(format(0, "%1!f!", 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(format(0, "%1!--------d!", 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(format(0, "%"), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(format(0, ""), ERROR_NO_WORK_DONE);
	CHECK_EQ(out[0], '\0');
}

static void inserts(void)
{
	ULONG_PTR array[] = { (ULONG_PTR)"one", 2, (ULONG_PTR)"three" };

	IS(format(0, "%1 and %2", "this", "that"), "this and that");
	IS(format(0, "%2, %1, %2", "a", "b"), "b, a, b");
	IS(format(0, "%1!d! %2!u! %3!x! %4!08X!", -5, 7, 0xab, 0xcd), "-5 7 ab 000000CD");
	IS(format(0, "%1!u! %1!i! %1!hu!", 0xFFFFFFFFu), "4294967295 -1 65535");
	IS(format(0, "%1!I64d! %2!llx!", -1ll, 1ull << 40), "-1 10000000000");
	IS(format(0, "[%1!5d!] [%1!-5d!] [%1!+d!] [%1!.3d!]", 42), "[   42] [42   ] [+42] [042]");
	IS(format(0, "[%1!6s!] [%1!-6s!] [%1!.2s!] %2!c!", "abc", 'z'), "[   abc] [abc   ] [ab] z");
	IS(format(0, "[%1!*.*s!] [%1!*d!]", 5, 2, "abcd"), "[   ab] [    2]");
	IS(format(0, "%1!S! %1!ls! %2!hs!", u"wide", "narrow"), "wide wide narrow");
	IS(format(0, "%1", NULL), "(null)");
	IS(format(0, "%%%.%!%r%t%b|%q"), "%.!\r\t |q");
	IS(format(0, "a%nb%0c"), "a\r\nb");
	IS(format(IGNORE_INSERTS, "%1 %2!d! %n."), "%1 %2!d! \r\n.");
	IS(FormatMessageA(FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, "%3%2!d!%1", 0, 0, out,
			  sizeof(out), (va_list *)array), "three2one");
	IS(format(0, "%12", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"), "12");
}

static void widths(void)
{
	IS(format(10, "one two three four"), "one two\r\nthree\r\nfour");
	IS(format(11, "one two three four"), "one two\r\nthree four");
	IS(format(10, "one two\r\nthree%nfour five"), "one two\r\nthree\r\nfour five");
	IS(format(4, "unbreakable a b"), "unbr\r\neaka\r\nble\r\na b");
	IS(format(20, "a    b      c                   d e f"),
	   "a    b      c\r\n            d e f");
	IS(format(255, "one\r\ntwo%nthree"), "one two\r\nthree");
	IS(format(255, "one\ntwo\r\n"), "one two ");
	IS(format(0, "one\r\ntwo"), "one\r\ntwo");
	IS(format(0, "one\ntwo\rthree"), "one\r\ntwo\r\nthree");
	/* The string goes before the system's texts. */
	IS(format(FROM_SYSTEM, "one"), "one");
}

static void wide_ones(void)
{
	static const WCHAR source[] = u"%1!s! %2!S! \u00e9\U0001F600 %1!ls! %2!hs!";
	static const WCHAR want[] = u"w\u00fcste narrow \u00e9\U0001F600 w\u00fcste narrow";
	WCHAR wide[64];
	ULONG_PTR array[] = { (ULONG_PTR)u"w\u00fcste", (ULONG_PTR)"narrow" };

	CHECK_EQ(FormatMessageW(FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, source, 0, 0, wide, 64,
				(va_list *)array), lstrlenW(want));
	CHECK_EQ(lstrcmpW(wide, want), 0);
}

static const struct tap_case cases[] = {
	CASE(of_the_system, "texts of errors and of their HRESULTs"),
	CASE(rare_inserts, "pointers, wide characters, widths from arguments"),
	CASE(width_of_the_system, "a text without its line's end"),
	CASE(into_a_new_buffer, "ALLOCATE_BUFFER"),
	CASE(small_buffer, "a buffer that is too small"),
	CASE(bad_input, "bad input"),
	CASE(inserts, "inserts and escapes"),
	CASE(widths, "a greatest width"),
	CASE(wide_ones, "in UTF-16"),
};

TAP_MAIN(cases)
