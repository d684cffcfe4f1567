/* SPDX-License-Identifier: MIT */
/* UTF-16, which the W functions speak, and UTF-8, which everything else here speaks. */
#ifndef CIO_UTF_H
#define CIO_UTF_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/*
 * Both convert @count units of @from and answer how many units all of it takes; no more than
 * @room of them are written, and only whole characters. What is no character becomes U+FFFD, as on
 * Windows, and sets *@bad, which may be NULL: an unpaired surrogate is one such, and so is each
 * longest beginning of a UTF-8 sequence that does not go on.
 */
size_t cio_utf8_from_utf16(char *to, size_t room, const WCHAR *from, size_t count, bool *bad);
size_t cio_utf16_from_utf8(WCHAR *to, size_t room, const char *from, size_t count, bool *bad);

/* The number of units before the 0. */
size_t cio_utf16_len(const WCHAR *s);

/*
 * The name that a W function was given, 0-terminated, in @to. FALSE with the last error set: a
 * name with an unpaired surrogate can be no file's (ERROR_INVALID_NAME), one that needs more
 * than @room bytes is too long (ERROR_FILENAME_EXCED_RANGE).
 */
BOOL cio_name_from_utf16(char *to, size_t room, LPCWSTR name);

/*
 * What GetTempPathW and its like do with a string: the length without the 0 if it fits into
 * @size units, else the size that would do, and nothing written.
 */
DWORD cio_utf16_answer(LPWSTR buffer, DWORD size, const char *utf8);

#endif
