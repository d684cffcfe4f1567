/* SPDX-License-Identifier: MIT */
/* Strings that end where their buffer does: the functions of bytes (Cb) and of characters (Cch). */
#ifndef _STRSAFE_H_INCLUDED_
#define _STRSAFE_H_INCLUDED_

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <winerror.h>
#include <winnt.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007Au)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057u)
#define STRSAFE_E_END_OF_FILE ((HRESULT)0x80070026u)

/* strnlen is POSIX', and a program may be compiled for C alone. */
static inline size_t strsafe_length_(const char *s, size_t most)
{
	const char *end = (const char *)memchr(s, 0, most);

	return end ? (size_t)(end - s) : most;
}

static inline HRESULT StringCchLengthA(const char *psz, size_t cchMax, size_t *pcchLength)
{
	size_t length = psz && cchMax <= STRSAFE_MAX_CCH ? strsafe_length_(psz, cchMax) : cchMax;

	if (pcchLength)
		*pcchLength = length < cchMax ? length : 0;
	return length < cchMax ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}

static inline HRESULT StringCchCopyA(char *pszDest, size_t cchDest, const char *pszSrc)
{
	size_t length;

	if (!cchDest || cchDest > STRSAFE_MAX_CCH)
		return STRSAFE_E_INVALID_PARAMETER;
	length = strsafe_length_(pszSrc, cchDest);
	memmove(pszDest, pszSrc, length < cchDest ? length : cchDest - 1);
	pszDest[length < cchDest ? length : cchDest - 1] = 0;
	return length < cchDest ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

static inline HRESULT StringCchCatA(char *pszDest, size_t cchDest, const char *pszSrc)
{
	size_t length;

	if (StringCchLengthA(pszDest, cchDest, &length) != S_OK)
		return STRSAFE_E_INVALID_PARAMETER;
	return StringCchCopyA(pszDest + length, cchDest - length, pszSrc);
}

static inline HRESULT StringCchVPrintfA(char *pszDest, size_t cchDest, const char *pszFormat,
					va_list argList)
{
	int length;

	if (!cchDest || cchDest > STRSAFE_MAX_CCH)
		return STRSAFE_E_INVALID_PARAMETER;
	length = vsnprintf(pszDest, cchDest, pszFormat, argList);
	return length >= 0 && (size_t)length < cchDest ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

__attribute__((format(printf, 3, 4))) static inline HRESULT
StringCchPrintfA(char *pszDest, size_t cchDest, const char *pszFormat, ...)
{
	va_list args;
	HRESULT result;

	va_start(args, pszFormat);
	result = StringCchVPrintfA(pszDest, cchDest, pszFormat, args);
	va_end(args);
	return result;
}

static inline HRESULT StringCchLengthW(const WCHAR *psz, size_t cchMax, size_t *pcchLength)
{
	size_t length = 0;

	if (!psz || cchMax > STRSAFE_MAX_CCH)
		length = cchMax;
	while (length < cchMax && psz[length])
		length++;
	if (pcchLength)
		*pcchLength = length < cchMax ? length : 0;
	return length < cchMax ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}

static inline HRESULT StringCchCopyW(WCHAR *pszDest, size_t cchDest, const WCHAR *pszSrc)
{
	size_t i;

	if (!cchDest || cchDest > STRSAFE_MAX_CCH)
		return STRSAFE_E_INVALID_PARAMETER;
	for (i = 0; i < cchDest - 1 && pszSrc[i]; i++)
		pszDest[i] = pszSrc[i];
	pszDest[i] = 0;
	return pszSrc[i] ? STRSAFE_E_INSUFFICIENT_BUFFER : S_OK;
}

static inline HRESULT StringCchCatW(WCHAR *pszDest, size_t cchDest, const WCHAR *pszSrc)
{
	size_t length;

	if (StringCchLengthW(pszDest, cchDest, &length) != S_OK)
		return STRSAFE_E_INVALID_PARAMETER;
	return StringCchCopyW(pszDest + length, cchDest - length, pszSrc);
}

#define StringCbCopyA(dest, bytes, src) StringCchCopyA(dest, bytes, src)
#define StringCbCatA(dest, bytes, src) StringCchCatA(dest, bytes, src)
#define StringCbLengthA(s, bytes, length) StringCchLengthA(s, bytes, length)
#define StringCbPrintfA(dest, bytes, ...) StringCchPrintfA(dest, bytes, __VA_ARGS__)
#define StringCbVPrintfA(dest, bytes, format, args) StringCchVPrintfA(dest, bytes, format, args)
#define StringCbCopyW(dest, bytes, src) StringCchCopyW(dest, (bytes) / sizeof(WCHAR), src)
#define StringCbCatW(dest, bytes, src) StringCchCatW(dest, (bytes) / sizeof(WCHAR), src)

#ifdef UNICODE
#define StringCchCopy StringCchCopyW
#define StringCchCat StringCchCatW
#define StringCchLength StringCchLengthW
#define StringCbCopy StringCbCopyW
#define StringCbCat StringCbCatW
#else
#define StringCchCopy StringCchCopyA
#define StringCchCat StringCchCatA
#define StringCchLength StringCchLengthA
#define StringCchPrintf StringCchPrintfA
#define StringCchVPrintf StringCchVPrintfA
#define StringCbCopy StringCbCopyA
#define StringCbCat StringCbCatA
#define StringCbLength StringCbLengthA
#define StringCbPrintf StringCbPrintfA
#define StringCbVPrintf StringCbVPrintfA
#endif

#ifdef __cplusplus
}
#endif

#endif
