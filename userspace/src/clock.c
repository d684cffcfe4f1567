// SPDX-License-Identifier: MIT
/* What time it is, how long the machine has been up, and what it is like. */
#include <sched.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "status.h"

#define TICKS_PER_SECOND 10000000ll /* of 100 ns, in FILETIME and in the performance counter */
#define DAYS_1601_TO_1970 134774ll
#define SECONDS_PER_DAY 86400ll

static long long ticks_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * TICKS_PER_SECOND + ts.tv_nsec / 100;
}

/* As on Windows, these go on while the machine sleeps. */
ULONGLONG WINAPI GetTickCount64(VOID)
{
	return (ULONGLONG)ticks_of(CLOCK_BOOTTIME) / (TICKS_PER_SECOND / 1000);
}

DWORD WINAPI GetTickCount(VOID)
{
	return (DWORD)GetTickCount64();
}

/*
 * Windows' own frequency. Sources multiply the counter by a million, and at a thousand million
 * a second that would overflow within hours.
 */
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *count)
{
	if (!count)
		return cio_fail(ERROR_NOACCESS);
	count->QuadPart = ticks_of(CLOCK_BOOTTIME);
	return TRUE;
}

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *frequency)
{
	if (!frequency)
		return cio_fail(ERROR_NOACCESS);
	frequency->QuadPart = TICKS_PER_SECOND;
	return TRUE;
}

static FILETIME filetime_of(long long ticks)
{
	return (FILETIME){ .dwLowDateTime = (DWORD)ticks, .dwHighDateTime = (DWORD)(ticks >> 32) };
}

static long long ticks_in(const FILETIME *time)
{
	return (long long)((unsigned long long)time->dwHighDateTime << 32 | time->dwLowDateTime);
}

VOID WINAPI GetSystemTimePreciseAsFileTime(LPFILETIME time)
{
	*time = filetime_of(ticks_of(CLOCK_REALTIME) +
			    DAYS_1601_TO_1970 * SECONDS_PER_DAY * TICKS_PER_SECOND);
}

VOID WINAPI GetSystemTimeAsFileTime(LPFILETIME time)
{
	GetSystemTimePreciseAsFileTime(time);
}

static SYSTEMTIME systemtime_of(const struct tm *tm, long long ticks)
{
	return (SYSTEMTIME){
		.wYear = (WORD)(tm->tm_year + 1900),
		.wMonth = (WORD)(tm->tm_mon + 1),
		.wDayOfWeek = (WORD)tm->tm_wday,
		.wDay = (WORD)tm->tm_mday,
		.wHour = (WORD)tm->tm_hour,
		.wMinute = (WORD)tm->tm_min,
		.wSecond = (WORD)tm->tm_sec,
		.wMilliseconds = (WORD)(ticks % TICKS_PER_SECOND / (TICKS_PER_SECOND / 1000)),
	};
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME *filetime, LPSYSTEMTIME systemtime)
{
	CIO_KEEP_ERRNO;
	long long ticks = ticks_in(filetime);
	time_t seconds = (time_t)(ticks / TICKS_PER_SECOND - DAYS_1601_TO_1970 * SECONDS_PER_DAY);
	struct tm tm;

	/* A year must fit into a WORD, too: 30828 is the last that does as Windows counts. */
	if (ticks < 0 || !gmtime_r(&seconds, &tm))
		return cio_fail(ERROR_INVALID_PARAMETER);
	*systemtime = systemtime_of(&tm, ticks);
	return TRUE;
}

static bool is_date(const SYSTEMTIME *st)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (st->wYear % 4 == 0 && st->wYear % 100 != 0) || st->wYear % 400 == 0;

	return st->wYear >= 1601 && st->wYear <= 30827 && st->wMonth >= 1 && st->wMonth <= 12 &&
	       st->wDay >= 1 && st->wDay <= days[st->wMonth - 1] + (leap && st->wMonth == 2) &&
	       st->wHour < 24 && st->wMinute < 60 && st->wSecond < 60 && st->wMilliseconds < 1000;
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *st, LPFILETIME filetime)
{
	CIO_KEEP_ERRNO;
	struct tm tm = {
		.tm_year = st->wYear - 1900,
		.tm_mon = st->wMonth - 1,
		.tm_mday = st->wDay,
		.tm_hour = st->wHour,
		.tm_min = st->wMinute,
		.tm_sec = st->wSecond,
	};

	if (!is_date(st))
		return cio_fail(ERROR_INVALID_PARAMETER);
	*filetime = filetime_of((timegm(&tm) + DAYS_1601_TO_1970 * SECONDS_PER_DAY) *
				TICKS_PER_SECOND + st->wMilliseconds * (TICKS_PER_SECOND / 1000));
	return TRUE;
}

VOID WINAPI GetSystemTime(LPSYSTEMTIME systemtime)
{
	FILETIME now;

	GetSystemTimePreciseAsFileTime(&now);
	FileTimeToSystemTime(&now, systemtime);
}

VOID WINAPI GetLocalTime(LPSYSTEMTIME systemtime)
{
	CIO_KEEP_ERRNO;
	long long ticks = ticks_of(CLOCK_REALTIME);
	time_t seconds = (time_t)(ticks / TICKS_PER_SECOND);
	struct tm tm;

	localtime_r(&seconds, &tm);
	*systemtime = systemtime_of(&tm, ticks);
}

/* Those that the process may run on: what a program starts threads by. */
static int processors(DWORD_PTR *mask)
{
	cpu_set_t set;
	int count;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_SET(0, &set);
	*mask = 0;
	for (int i = 0; i < 64; i++)
		if (CPU_ISSET(i, &set))
			*mask |= (DWORD_PTR)1 << i;
	count = CPU_COUNT(&set);
	return count ? count : 1;
}

VOID WINAPI GetSystemInfo(LPSYSTEM_INFO info)
{
	CIO_KEEP_ERRNO;

	*info = (SYSTEM_INFO){
#if defined(__aarch64__)
		.wProcessorArchitecture = PROCESSOR_ARCHITECTURE_ARM64,
#else
		.wProcessorArchitecture = PROCESSOR_ARCHITECTURE_AMD64,
		.dwProcessorType = PROCESSOR_AMD_X8664,
#endif
		.dwPageSize = (DWORD)sysconf(_SC_PAGESIZE),
		.lpMinimumApplicationAddress = (LPVOID)0x10000,
		.lpMaximumApplicationAddress = (LPVOID)0x00007FFFFFFEFFFF,
		.dwAllocationGranularity = 0x10000,
	};
	info->dwNumberOfProcessors = (DWORD)processors(&info->dwActiveProcessorMask);
}

VOID WINAPI GetNativeSystemInfo(LPSYSTEM_INFO info)
{
	GetSystemInfo(info);
}
