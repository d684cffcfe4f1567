// SPDX-License-Identifier: MIT
/* UTF-8 and UTF-16, and the strings' functions. */
#include <errno.h>
#include <windows.h>

#include "tap.h"

static WCHAR wide[64];
static char narrow[64];

static int to_wide(const char *s, int count, DWORD flags)
{
	memset(wide, 0xee, sizeof(wide));
	return MultiByteToWideChar(CP_UTF8, flags, s, count, wide, 64);
}

static int to_narrow(const WCHAR *s, int count, DWORD flags)
{
	memset(narrow, 0xee, sizeof(narrow));
	return WideCharToMultiByte(CP_UTF8, flags, s, count, narrow, 64, NULL, NULL);
}

static void there_and_back(void)
{
	static const char text[] = "a\x7f\u00a0\u07ff\u0800\uffff\U00010000\U0010ffff";
	static const WCHAR same[] = u"a\x7f\u00a0\u07ff\u0800\uffff\U00010000\U0010ffff";
	int units = (int)(sizeof(same) / sizeof(same[0]));

	CHECK_EQ(to_wide(text, -1, MB_ERR_INVALID_CHARS), units);
	CHECK_EQ(memcmp(wide, same, sizeof(same)), 0);
	CHECK_EQ(to_narrow(same, -1, WC_ERR_INVALID_CHARS), sizeof(text));
	CHECK_EQ(memcmp(narrow, text, sizeof(text)), 0);
	/* By count there is no 0 but what is counted. */
	CHECK_EQ(to_wide(text, 3, 0), 3);
	CHECK_EQ(wide[3], 0xeeee);
	CHECK_EQ(to_narrow(u"ab\0c", 4, 0), 4);
	CHECK_EQ(memcmp(narrow, "ab\0c", 4), 0);
	/* Any negative count is that of a string. */
	CHECK_EQ(to_wide("ab", -2, 0), 3);
	/* Only asking. */
	CHECK_EQ(MultiByteToWideChar(CP_ACP, 0, text, -1, NULL, 0), units);
	CHECK_EQ(WideCharToMultiByte(CP_ACP, 0, same, -1, NULL, 0, NULL, NULL), sizeof(text));
}

static void no_characters(void)
{
	static const struct {
		const char *from;
		const WCHAR *to;
	} bad[] = {
		{ "\x80", u"\ufffd" },
		{ "a\xff""b", u"a\ufffdb" },
		{ "\xc0\xaf", u"\ufffd\ufffd" },	       /* overlong */
		{ "\xc3", u"\ufffd" },			       /* cut short */
		{ "\xe2\x82", u"\ufffd" },
		{ "\xe2\x82""a", u"\ufffda" },
		{ "\xf0\x9f\x98", u"\ufffd" },
		{ "\xf0\x9f\x98\xf0\x9f\x98\x80", u"\ufffd\U0001F600" },
		{ "\xe0\x80\x80", u"\ufffd\ufffd\ufffd" },
		{ "\xed\xa0\x80", u"\ufffd\ufffd\ufffd" },      /* a surrogate */
		{ "\xf4\x90\x80\x80", u"\ufffd\ufffd\ufffd\ufffd" }, /* beyond the last */
		{ "\xf5", u"\ufffd" },
	};
	static const WCHAR alone[][4] = { { 0xD800 }, { 0xDC00 }, { 'a', 0xD83D }, { 0xD83D, 'b' },
					  { 0xDE00, 0xD83D } };
	static const char *const instead[] = { "\ufffd", "\ufffd", "a\ufffd", "\ufffdb",
					       "\ufffd\ufffd" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(to_wide(bad[i].from, -1, 0), lstrlenW(bad[i].to) + 1);
		CHECK_EQ(lstrcmpW(wide, bad[i].to), 0);
		CHECK_FAILS(to_wide(bad[i].from, -1, MB_ERR_INVALID_CHARS),
			    ERROR_NO_UNICODE_TRANSLATION);
	}
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		CHECK_EQ(to_narrow(alone[i], -1, 0), strlen(instead[i]) + 1);
		CHECK_EQ(strcmp(narrow, instead[i]), 0);
		CHECK_FAILS(to_narrow(alone[i], -1, WC_ERR_INVALID_CHARS),
			    ERROR_NO_UNICODE_TRANSLATION);
	}
}

static void bad_input(void)
{
	BOOL used = 7;
	int err = errno = 99;

	CHECK_FAILS(MultiByteToWideChar(1252, 0, "a", 1, wide, 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, 0, NULL, 1, wide, 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, 0, "a", 0, wide, 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, 0, "a", 1, wide, -1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, 0, "a", 1, NULL, 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, 0, (char *)wide, 1, wide, 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, MB_PRECOMPOSED, "a", 1, wide, 1), ERROR_INVALID_FLAGS);
	CHECK_FAILS(MultiByteToWideChar(CP_UTF8, 0, "abc", 3, wide, 2), ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(MultiByteToWideChar(CP_ACP, MB_PRECOMPOSED, "abc", 3, wide, 3), 3);
	CHECK_FAILS(WideCharToMultiByte(1252, 0, u"a", 1, narrow, 1, NULL, NULL),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(WideCharToMultiByte(CP_UTF8, 0, NULL, 1, narrow, 1, NULL, NULL),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(WideCharToMultiByte(CP_UTF8, 0, u"a", 1, narrow, 1, "?", NULL),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(WideCharToMultiByte(CP_UTF8, 0, u"a", 1, narrow, 1, NULL, &used),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(WideCharToMultiByte(CP_UTF8, WC_NO_BEST_FIT_CHARS, u"a", 1, narrow, 1, NULL, NULL),
		    ERROR_INVALID_FLAGS);
	CHECK_FAILS(WideCharToMultiByte(CP_UTF8, 0, u"\u00e4", 1, narrow, 1, NULL, NULL),
		    ERROR_INSUFFICIENT_BUFFER);
	CHECK_EQ(WideCharToMultiByte(CP_ACP, 0, u"\u00e4", 1, narrow, 2, "?", &used), 2);
	CHECK_EQ(used, FALSE);
	CHECK_EQ(errno, err);
}

static void strings(void)
{
	char a[16] = "one";
	WCHAR w[16] = u"one";

	CHECK_EQ(lstrlenA(NULL), 0);
	CHECK_EQ(lstrlenW(NULL), 0);
	CHECK(lstrcatA(a, "two") == a && strcmp(a, "onetwo") == 0);
	CHECK(lstrcatW(w, u"two") == w && lstrcmpW(w, u"onetwo") == 0);
	CHECK(lstrcpynA(a, "abcdef", 4) == a && strcmp(a, "abc") == 0);
	CHECK(lstrcpynW(w, u"abcdef", 4) == w && lstrcmpW(w, u"abc") == 0);
	CHECK(lstrcpyA(a, "") == a && !a[0] && lstrcpyW(w, u"") == w && !w[0]);
	CHECK(!lstrcpyA(NULL, "a") && !lstrcpyW(w, NULL) && !lstrcatA(a, NULL) && !lstrcatW(NULL, w));
	CHECK(!lstrcpynA(a, "b", 0) && !lstrcpynW(w, u"b", -1) && !a[0] && !w[0]);
	CHECK(lstrcmpA("a", "b") < 0 && lstrcmpA("b", "a") > 0 && lstrcmpA("a", "ab") < 0);
	CHECK(lstrcmpA("Ab", "aB") != 0 && lstrcmpiA("Ab", "aB") == 0 && lstrcmpiA("a", "C") < 0);
	CHECK(lstrcmpW(u"a", u"\uffff") < 0 && lstrcmpiW(u"Ab", u"aB") == 0);
	CHECK(lstrcmpA(NULL, "") < 0 && lstrcmpW(u"", NULL) > 0 && lstrcmpiA(NULL, NULL) == 0);
}

static const struct tap_case cases[] = {
	CASE(there_and_back, "UTF-8 and UTF-16, there and back"),
	CASE(no_characters, "what is no character is U+FFFD, or refused"),
	CASE(bad_input, "bad input"),
	CASE(strings, "strings"),
};

TAP_MAIN(cases)
