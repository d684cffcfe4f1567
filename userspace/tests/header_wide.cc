// SPDX-License-Identifier: MIT
// C++'s own headers take back the names of wide functions that are macros: not these.
#include <windows.h>

#include <cwchar>
#include <string>

int main(int argc, char **)
{
	const wchar_t *text = argc ? L"abc" : L"";

	return !(wcslen(text) == 3 && std::wcslen(text) == 3 && std::wcschr(text, L'c') == text + 2);
}
