// SPDX-License-Identifier: MIT
/*
 * Code pages. There is one that is not UTF-16, so CP_ACP and its kin are UTF-8 as well, as on a
 * Windows that was told so.
 */
#include <string.h>

#include "status.h"
#include "utf.h"

static bool is_utf8(UINT page)
{
	return page == CP_UTF8 || page == CP_ACP || page == CP_OEMCP || page == CP_THREAD_ACP;
}

static int give(size_t need, size_t room)
{
	if (need > INT32_MAX)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (room && need > room)
		return cio_fail(ERROR_INSUFFICIENT_BUFFER);
	return (int)need;
}

int WINAPI MultiByteToWideChar(UINT page, DWORD flags, LPCCH from, int count, LPWSTR to, int room)
{
	size_t length, need;
	bool bad;

	if (!is_utf8(page) || !from || count == 0 || room < 0 || (room && !to) ||
	    (LPCVOID)from == (LPCVOID)to)
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (flags & ~(MB_ERR_INVALID_CHARS | (page == CP_UTF8 ? 0 : MB_PRECOMPOSED)))
		return cio_fail(ERROR_INVALID_FLAGS);
	length = count < 0 ? strlen(from) + 1 : (size_t)count;
	need = cio_utf16_from_utf8(to, (size_t)room, from, length, &bad);
	if (bad && flags & MB_ERR_INVALID_CHARS)
		return cio_fail(ERROR_NO_UNICODE_TRANSLATION);
	return give(need, (size_t)room);
}

/* UTF-8 has every character, so that the default one is never used. */
int WINAPI WideCharToMultiByte(UINT page, DWORD flags, LPCWCH from, int count, LPSTR to, int room,
			       LPCCH replacement, LPBOOL replaced)
{
	size_t length, need;
	bool bad;

	if (!is_utf8(page) || !from || count == 0 || room < 0 || (room && !to) ||
	    (LPCVOID)from == (LPCVOID)to || (page == CP_UTF8 && (replacement || replaced)))
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (flags & ~(page == CP_UTF8 ? WC_ERR_INVALID_CHARS : WC_NO_BEST_FIT_CHARS))
		return cio_fail(ERROR_INVALID_FLAGS);
	length = count < 0 ? cio_utf16_len(from) + 1 : (size_t)count;
	need = cio_utf8_from_utf16(to, (size_t)room, from, length, &bad);
	if (replaced)
		*replaced = bad;
	if (bad && flags & WC_ERR_INVALID_CHARS)
		return cio_fail(ERROR_NO_UNICODE_TRANSLATION);
	return give(need, (size_t)room);
}
