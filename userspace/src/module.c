// SPDX-License-Identifier: MIT
/*
 * Programs ask kernel32.dll for functions that an older Windows had not. Here all its functions
 * are in this library, whichever of the system's names it is asked for by.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "status.h"
#include "utf.h"

#define EXPORT __attribute__((visibility("default")))

/* What the handles point at. */
static const char library, program;

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *backslash = strrchr(path, '\\');

	if (backslash && (!slash || backslash > slash))
		slash = backslash;
	return slash ? slash + 1 : path;
}

static HMODULE module_named(const char *name)
{
	static const char *const ours[] = { "kernel32", "kernelbase", "ntdll" };
	size_t length;

	name = base_name(name);
	length = strlen(name);
	if (length > 4 && !strcasecmp(name + length - 4, ".dll"))
		length -= 4;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (length == strlen(ours[i]) && !strncasecmp(name, ours[i], length))
			return (HMODULE)(uintptr_t)&library;
	cio_fail(ERROR_MOD_NOT_FOUND);
	return NULL;
}

static bool is_module(HMODULE module)
{
	return module == &library || module == &program;
}

EXPORT HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName)
{
	CIO_KEEP_ERRNO;

	return lpModuleName ? module_named(lpModuleName) : (HMODULE)(uintptr_t)&program;
}

EXPORT HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName)
{
	CIO_KEEP_ERRNO;
	char name[4096];

	if (!lpModuleName)
		return GetModuleHandleA(NULL);
	return cio_name_from_utf16(name, sizeof(name), lpModuleName) ? module_named(name) : NULL;
}

EXPORT HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName)
{
	CIO_KEEP_ERRNO;

	if (lpLibFileName && *lpLibFileName)
		return module_named(lpLibFileName);
	cio_fail(ERROR_INVALID_PARAMETER);
	return NULL;
}

EXPORT HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName)
{
	CIO_KEEP_ERRNO;

	if (lpLibFileName && *lpLibFileName)
		return GetModuleHandleW(lpLibFileName);
	cio_fail(ERROR_INVALID_PARAMETER);
	return NULL;
}

EXPORT BOOL WINAPI FreeLibrary(HMODULE hLibModule)
{
	CIO_KEEP_ERRNO;

	return is_module(hLibModule) || cio_fail(ERROR_MOD_NOT_FOUND);
}

/* A function of the file that @object lies in, and not of one that this file needs in turn. */
static void *function_beside(const void *object, const char *name)
{
	Dl_info wanted, found;
	void *function = dlsym(RTLD_DEFAULT, name);

	if (function && dladdr(object, &wanted) && dladdr(function, &found) &&
	    wanted.dli_fbase == found.dli_fbase)
		return function;
	return NULL;
}

EXPORT FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName)
{
	CIO_KEEP_ERRNO;
	void *function;

	if (hModule && !is_module(hModule)) {
		cio_fail(ERROR_MOD_NOT_FOUND);
		return NULL;
	}
	if ((uintptr_t)lpProcName < 0x10000) {
		cio_fail(lpProcName ? ERROR_INVALID_ORDINAL : ERROR_PROC_NOT_FOUND);
		return NULL;
	}
	if (hModule == &library)
		function = function_beside(&library, lpProcName);
	else
		function = dlsym(RTLD_DEFAULT, lpProcName);
	if (!function)
		cio_fail(ERROR_PROC_NOT_FOUND);
	return (FARPROC)function;
}
