// SPDX-License-Identifier: MIT
/* Wide strings of a source for Windows, compiled as pkg-config has it: with -fshort-wchar. */
#include <windows.h>
/* Too late to change what the names below mean. */
#include <wchar.h>

#include "host.h"

static const wchar_t async_file[] = L"AsyncFile";

static void compare(void)
{
	const wchar_t *s = async_file;

	CHECK_EQ(sizeof(L"ab"), 6);
	CHECK(wcslen(L"abc") == 3 && wcslen(L"") == 0);
	CHECK(!wcscmp(s, L"AsyncFile") && wcscmp(s, L"AsyncFilf") < 0 && wcscmp(L"b", L"a") > 0);
	CHECK(wcscmp(L"ab", L"a") > 0 && wcscmp(L"", L"a") < 0);
	CHECK(!wcsncmp(s, L"Asyx", 3) && wcsncmp(s, L"Asyx", 4) < 0 && !wcsncmp(s, L"x", 0));
	CHECK(!_wcsicmp(s, L"aSYNCfILE") && _wcsicmp(s, L"Async") > 0 && _wcsicmp(L"[", L"a") < 0);
	CHECK(!_wcsnicmp(s, L"ASYNCx", 5) && _wcsnicmp(s, L"ASYNCx", 6));
}

static void find(void)
{
	const wchar_t *s = async_file;

	CHECK(wcschr(s, L'F') == s + 5 && !wcschr(s, L'x') && wcschr(s, 0) == s + 9);
	CHECK(wcsrchr(s, L'y') == s + 2 && !wcsrchr(s, L'x') && wcsrchr(s, L'A') == s);
	CHECK(wcsrchr(L"aa", L'a')[1] == 0);
	CHECK(wcsstr(s, L"File") == s + 5 && !wcsstr(s, L"Filex") && wcsstr(s, L"") == s);
}

static void copy(void)
{
	wchar_t name[16], *dup;

	CHECK(wcscpy(name, L"Async") == name && wcscat(name, L"File") == name);
	CHECK(!wcscmp(name, async_file));
	dup = _wcsdup(name);
	CHECK(dup && dup != name && !wcscmp(dup, name));
	free(dup);
	CHECK(wcsncpy(name, L"xy", 4) == name);
	CHECK(name[1] == L'y' && !name[2] && !name[3] && name[4] == L'c');
	wcsncpy(name, L"abcd", 2);
	CHECK(name[0] == L'a' && name[1] == L'b' && !name[2]);
}

static void api(void)
{
	HANDLE e, again;

	CHECK(GetModuleHandleW(L"kernel32.dll"));
	e = CreateEventW(NULL, TRUE, FALSE, L"wide");
	again = OpenEventA(EVENT_MODIFY_STATE, FALSE, "wide");
	CHECK(e && again && SetEvent(again));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	CHECK_EQ(lstrlenW(L"abc"), 3);
}

static const struct tap_case cases[] = {
	CASE(compare, "wide strings are compared"),
	CASE(find, "something is found in one"),
	CASE(copy, "they are copied"),
	CASE(api, "the API takes them"),
};

TAP_MAIN(cases)
