/* SPDX-License-Identifier: MIT */
/* Microsoft's names for what the C library has under others, and its bounded copies. */
#ifndef _INC_CORECRT
#define _INC_CORECRT

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define _stricmp strcasecmp
#define _strnicmp strncasecmp
#define _strdup strdup
#define _atoi64 atoll
#define _strtoi64 strtoll
#define _strtoui64 strtoull
#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif

typedef int errno_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Unlike vsnprintf: -1 if it does not fit, and no terminator if there is just no room for it. */
static inline int _vsnprintf(char *buffer, size_t count, const char *format, va_list args)
{
	va_list again;
	char *whole;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0)
		return -1;
	if ((size_t)n < count)
		return vsnprintf(buffer, count, format, args);
	whole = (char *)malloc((size_t)n + 1);
	if (!whole)
		return -1;
	vsnprintf(whole, (size_t)n + 1, format, args);
	memcpy(buffer, whole, (size_t)n < count ? (size_t)n : count);
	free(whole);
	return (size_t)n == count ? n : -1;
}

static inline int __attribute__((format(printf, 3, 4)))
_snprintf(char *buffer, size_t count, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = _vsnprintf(buffer, count, format, args);
	va_end(args);
	return n;
}

/* The bounded ones leave an empty string where Windows would end the program. */
static inline errno_t strcpy_s(char *dest, size_t size, const char *src)
{
	size_t length;

	if (!dest || !size)
		return EINVAL;
	dest[0] = 0;
	if (!src)
		return EINVAL;
	length = strlen(src);
	if (length >= size)
		return ERANGE;
	memcpy(dest, src, length + 1);
	return 0;
}

static inline errno_t strcat_s(char *dest, size_t size, const char *src)
{
	const char *end = dest && size ? (const char *)memchr(dest, 0, size) : NULL;
	size_t used;

	if (!end)
		return EINVAL;
	used = (size_t)(end - dest);
	if (!src || strlen(src) >= size - used) {
		dest[0] = 0;
		return src ? ERANGE : EINVAL;
	}
	memcpy(dest + used, src, strlen(src) + 1);
	return 0;
}

static inline int __attribute__((format(printf, 3, 4)))
sprintf_s(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	if (!buffer || !size || !format)
		return -1;
	va_start(args, format);
	n = vsnprintf(buffer, size, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < size)
		return n;
	buffer[0] = 0;
	return -1;
}

#ifdef __cplusplus
}
#endif

#endif
