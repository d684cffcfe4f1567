// SPDX-License-Identifier: MIT
/* Modules and their functions; strings that end where their buffer does. */
#include <strsafe.h>
#include <windows.h>

#include "tap.h"

static void functions_of_kernel32(void)
{
	HMODULE module = GetModuleHandleA("kernel32.dll");
	BOOL(WINAPI * cancel)(HANDLE, LPOVERLAPPED);

	CHECK(module);
	CHECK(GetModuleHandleA("KERNEL32") == module);
	CHECK(GetModuleHandleA("C:\\windows\\system32\\KernelBase.DLL") == module);
	CHECK(GetModuleHandleW((LPCWSTR)u"ntdll.dll") == module);
	CHECK(LoadLibraryA("kernel32.dll") == module);
	CHECK(LoadLibraryW((LPCWSTR)u"kernel32.dll") == module);
	cancel = (BOOL(WINAPI *)(HANDLE, LPOVERLAPPED))(void *)GetProcAddress(module,
										"CancelIoEx");
	CHECK(cancel == CancelIoEx);
	CHECK_FAILS(cancel(NULL, NULL), ERROR_INVALID_HANDLE);
	CHECK(FreeLibrary(module));
}

static void what_is_not_there(void)
{
	HMODULE module = GetModuleHandleA("kernel32.dll");

	CHECK_FAILS(GetModuleHandleA("user32.dll") != NULL, ERROR_MOD_NOT_FOUND);
	CHECK_FAILS(GetModuleHandleA("") != NULL, ERROR_MOD_NOT_FOUND);
	CHECK_FAILS(LoadLibraryA("hid.dll") != NULL, ERROR_MOD_NOT_FOUND);
	CHECK_FAILS(LoadLibraryA(NULL) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(LoadLibraryW(NULL) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetProcAddress(module, "NoSuchFunction") != NULL, ERROR_PROC_NOT_FOUND);
	/* The C library's and the library's own are not kernel32's. */
	CHECK_FAILS(GetProcAddress(module, "printf") != NULL, ERROR_PROC_NOT_FOUND);
	CHECK_FAILS(GetProcAddress(module, "cio_fail") != NULL, ERROR_PROC_NOT_FOUND);
	CHECK_FAILS(GetProcAddress(module, (LPCSTR)(ULONG_PTR)12) != NULL, ERROR_INVALID_ORDINAL);
	CHECK_FAILS(GetProcAddress((HMODULE)(ULONG_PTR)0x1230, "ReadFile") != NULL,
		    ERROR_MOD_NOT_FOUND);
	CHECK_FAILS(FreeLibrary((HMODULE)(ULONG_PTR)0x1230), ERROR_MOD_NOT_FOUND);
	CHECK_FAILS(FreeLibrary(NULL), ERROR_MOD_NOT_FOUND);
}

static void the_program(void)
{
	HMODULE module = GetModuleHandleA(NULL);

	CHECK(module);
	CHECK(GetModuleHandleW(NULL) == module);
	CHECK(module != GetModuleHandleA("kernel32"));
	CHECK(GetProcAddress(module, "ReadFile") == (FARPROC)(void *)ReadFile);
	CHECK(GetProcAddress(NULL, "ReadFile") == (FARPROC)(void *)ReadFile);
}

static void safe_strings(void)
{
	char buf[8] = "abc";
	WCHAR wide[4] = { 'a', 0 };
	size_t length;

	CHECK_EQ(StringCbCat(buf, sizeof(buf), "def"), S_OK);
	CHECK(!strcmp(buf, "abcdef"));
	CHECK_EQ(StringCbCat(buf, sizeof(buf), "gh"), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK(!strcmp(buf, "abcdefg"));
	CHECK_EQ(StringCchCopyA(buf, 3, "xyz"), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK(!strcmp(buf, "xy"));
	CHECK_EQ(StringCchCopyA(buf, 0, "x"), STRSAFE_E_INVALID_PARAMETER);
	CHECK_EQ(StringCchPrintfA(buf, sizeof(buf), "%d", 1234567), S_OK);
	CHECK_EQ(StringCchPrintfA(buf, sizeof(buf), "%d", 12345678), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK(!strcmp(buf, "1234567"));
	CHECK_EQ(StringCchLengthA(buf, 8, &length), S_OK);
	CHECK_EQ(length, 7);
	CHECK_EQ(StringCchLengthA(buf, 7, &length), STRSAFE_E_INVALID_PARAMETER);
	CHECK_EQ(StringCchCatW(wide, 4, (const WCHAR *)u"bc"), S_OK);
	CHECK(wide[2] == 'c' && !wide[3]);
	CHECK_EQ(StringCbCatW(wide, sizeof(wide), (const WCHAR *)u"d"), STRSAFE_E_INSUFFICIENT_BUFFER);
	CHECK_EQ(StringCchLengthW(wide, 4, &length), S_OK);
	CHECK_EQ(length, 3);
}

static const struct tap_case cases[] = {
	CASE(functions_of_kernel32, "kernel32's functions are found by name"),
	CASE(what_is_not_there, "what is not there is told to be missing"),
	CASE(the_program, "the program is a module as well"),
	CASE(safe_strings, "strings end where their buffer does"),
};

TAP_MAIN(cases)
