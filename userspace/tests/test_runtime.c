// SPDX-License-Identifier: MIT
/* Heaps, thread local storage, clocks. */
#include <errno.h>
#include <windows.h>

#include "host.h"

static void heap_blocks(void)
{
	HANDLE h = GetProcessHeap();
	char *p = HeapAlloc(h, HEAP_ZERO_MEMORY, 37), *q;

	CHECK(p && (ULONG_PTR)p % 16 == 0);
	CHECK_EQ(HeapSize(h, 0, p), 37);
	for (int i = 0; i < 37; i++)
		CHECK_EQ(p[i], 0);
	memset(p, 7, 37);
	p = HeapReAlloc(h, HEAP_ZERO_MEMORY, p, 5000);
	CHECK(p && p[36] == 7 && p[37] == 0 && p[4999] == 0);
	CHECK_EQ(HeapSize(h, 0, p), 5000);
	/* It shrinks where it is, and grows there only into what it has. */
	q = HeapReAlloc(h, HEAP_REALLOC_IN_PLACE_ONLY, p, 100);
	CHECK(q == p);
	CHECK_FAILS(HeapReAlloc(h, HEAP_REALLOC_IN_PLACE_ONLY, p, 1 << 20) != NULL,
		    ERROR_NOT_ENOUGH_MEMORY);
	CHECK_EQ(HeapSize(h, 0, p), 100);
	/* What is new is cleared, though it was the block's before. */
	memset(p, 7, 100);
	CHECK(HeapReAlloc(h, HEAP_REALLOC_IN_PLACE_ONLY, p, 90) == p);
	CHECK(HeapReAlloc(h, HEAP_REALLOC_IN_PLACE_ONLY | HEAP_ZERO_MEMORY, p, 95) == p);
	CHECK(p[89] == 7 && p[90] == 0 && p[94] == 0 && p[95] == 7);
	CHECK(HeapValidate(h, 0, p) && HeapValidate(h, 0, NULL));
	CHECK(HeapFree(h, 0, p));
	CHECK(HeapFree(h, 0, NULL));
	p = HeapAlloc(h, 0, 0);
	CHECK(p && HeapSize(h, 0, p) == 0);
	CHECK(HeapFree(h, 0, p));
	CHECK(HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0));
	CHECK_FAILS(HeapSetInformation(NULL, (HEAP_INFORMATION_CLASS)77, NULL, 0),
		    ERROR_INVALID_PARAMETER);
}

static void heap_bad(void)
{
	HANDLE h = GetProcessHeap(), own = HeapCreate(0, 0, 0), bad[] = { NULL, (HANDLE)4, &h };
	char *p = HeapAlloc(own, 0, 10);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_FAILS(HeapAlloc(bad[i], 0, 1) != NULL, ERROR_INVALID_HANDLE);
		CHECK_FAILS(HeapReAlloc(bad[i], 0, p, 1) != NULL, ERROR_INVALID_HANDLE);
		CHECK_FAILS(HeapFree(bad[i], 0, p), ERROR_INVALID_HANDLE);
		CHECK_FAILS(HeapFree(bad[i], 0, NULL), ERROR_INVALID_HANDLE);
		CHECK_FAILS(HeapDestroy(bad[i]), ERROR_INVALID_HANDLE);
		CHECK_EQ(HeapSize(bad[i], 0, p), (SIZE_T)-1);
		CHECK(!HeapValidate(bad[i], 0, NULL));
	}
	CHECK_FAILS(HeapDestroy(h), ERROR_INVALID_HANDLE);
	/* A block of another heap. */
	CHECK_FAILS(HeapFree(h, 0, p), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(HeapReAlloc(h, 0, p, 20) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(HeapReAlloc(h, 0, NULL, 20) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_EQ(HeapSize(h, 0, p), (SIZE_T)-1);
	CHECK(!HeapValidate(h, 0, p) && HeapValidate(own, 0, p));
	CHECK_FAILS(HeapFree(own, 0, p + 1), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(HeapAlloc(h, 0, (SIZE_T)-1) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	CHECK_FAILS(HeapReAlloc(own, 0, p, (SIZE_T)-8) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	CHECK(HeapFree(own, 0, p));
	CHECK(HeapDestroy(own));
	CHECK_FAILS(HeapAlloc(own, 0, 1) != NULL, ERROR_INVALID_HANDLE);
	CHECK_FAILS(HeapDestroy(own), ERROR_INVALID_HANDLE);
	CHECK_FAILS(HeapCreate(HEAP_CREATE_ENABLE_EXECUTE, 0, 0) != NULL, ERROR_NOT_SUPPORTED);
}

/* What is not freed goes with the heap: the leak checker looks. */
static void heap_destroyed(void)
{
	HANDLE own = HeapCreate(HEAP_NO_SERIALIZE, 0, 0), other = HeapCreate(0, 0, 0);
	void *p = HeapAlloc(other, 0, 100);

	for (int i = 0; i < 1000; i++) {
		void *q = HeapAlloc(own, 0, (SIZE_T)i);

		CHECK(q);
		if (i % 3 == 0)
			CHECK(HeapFree(own, 0, q));
		else if (i % 3 == 1)
			CHECK(HeapReAlloc(own, 0, q, (SIZE_T)i * 5));
	}
	CHECK(HeapDestroy(own));
	CHECK_EQ(HeapSize(other, 0, p), 100);
	CHECK(HeapDestroy(other));
}

static void heap_limit(void)
{
	HANDLE own = HeapCreate(0, 0, 10000);
	void *p = HeapAlloc(own, 0, 6000), *q;

	CHECK(p);
	CHECK_FAILS(HeapAlloc(own, 0, 5000) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	CHECK_FAILS(HeapReAlloc(own, 0, p, 10001) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	p = HeapReAlloc(own, 0, p, 10000);
	CHECK(p);
	CHECK_FAILS(HeapAlloc(own, 0, 1) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	p = HeapReAlloc(own, 0, p, 4000);
	q = HeapAlloc(own, 0, 6000);
	CHECK(p && q);
	CHECK(HeapFree(own, 0, q));
	CHECK(HeapAlloc(own, 0, 6000));
	CHECK(HeapDestroy(own));
	/* What fails for want of room in place counts for nothing. */
	own = HeapCreate(0, 0, 10000);
	p = HeapAlloc(own, 0, 100);
	CHECK_FAILS(HeapReAlloc(own, HEAP_REALLOC_IN_PLACE_ONLY, p, 9000) != NULL,
		    ERROR_NOT_ENOUGH_MEMORY);
	CHECK(HeapAlloc(own, 0, 9900));
	CHECK(HeapDestroy(own));
	/* It is at least what it begins with. */
	own = HeapCreate(0, 4096, 1024);
	CHECK(HeapAlloc(own, 0, 4096));
	CHECK_FAILS(HeapAlloc(own, 0, 1) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	CHECK(HeapDestroy(own));
}

static DWORD WINAPI allocate_and_free(LPVOID heap)
{
	for (int i = 0; i < 2000; i++) {
		void *p = HeapAlloc(heap, 0, (SIZE_T)(i % 100));

		CHECK(p);
		p = HeapReAlloc(heap, 0, p, (SIZE_T)(i % 300));
		CHECK(p && HeapFree(heap, 0, p));
	}
	return 0;
}

/* Threads in the heap do not hold up a child that comes by fork. */
static void heap_threads_and_fork(void)
{
	HANDLE own = HeapCreate(0, 0, 0), t[2];

	for (int i = 0; i < 2; i++)
		t[i] = CreateThread(NULL, 0, allocate_and_free, own, 0, NULL);
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			CHECK(HeapFree(own, 0, HeapAlloc(own, 0, 10)));
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
		CloseHandle(t[i]);
	}
	CHECK(HeapDestroy(own));
}

static void local_and_global(void)
{
	HANDLE own = HeapCreate(0, 0, 0);
	char *p = LocalAlloc(LPTR, 20), *q = GlobalAlloc(GMEM_FIXED, 20), *r = HeapAlloc(own, 0, 1);

	CHECK(p && q && !p[19]);
	CHECK_EQ(LocalSize(p), 20);
	CHECK_EQ(GlobalSize(q), 20);
	CHECK_EQ(LocalReAlloc(p, 8, 0), p);
	CHECK_EQ(LocalSize(p), 8);
	/* What is fixed may not move, and so cannot grow to this size; and is as it was. */
	CHECK_FAILS(LocalReAlloc(p, 1 << 20, 0) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	CHECK_EQ(LocalSize(p), 8);
	p = LocalReAlloc(p, 1 << 20, LMEM_MOVEABLE | LMEM_ZEROINIT);
	CHECK(p && !p[8] && !p[(1 << 20) - 1]);
	CHECK_EQ(LocalReAlloc(p, 1, LMEM_MODIFY), p);
	CHECK_EQ(LocalSize(p), 1 << 20);
	CHECK_FAILS((BOOL)LocalSize(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS((BOOL)GlobalSize(r), ERROR_INVALID_HANDLE);
	CHECK_FAILS(GlobalReAlloc(NULL, 8, GMEM_MOVEABLE) != NULL, ERROR_INVALID_HANDLE);
	CHECK(!LocalFree(p));
	CHECK(!GlobalFree(q));
	CHECK(!LocalFree(NULL));
	SetLastError(0);
	CHECK(LocalFree(r) == r);
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK_FAILS(LocalAlloc(LPTR, (SIZE_T)-1) != NULL, ERROR_NOT_ENOUGH_MEMORY);
	CHECK(HeapDestroy(own));
}

/* Sources for Windows take these from <string.h> and <stdio.h>. */
static void microsoft_names(void)
{
	char s[6] = "12345", big[32];
	int numbers[7];

	CHECK(!_stricmp("Async", "aSYNC") && !_strnicmp("-Async", "-async9", 6));
	CHECK_EQ(_countof(numbers), 7);
	CHECK_EQ(_snprintf(s, 5, "%s", "abcd"), 4);
	CHECK(!strcmp(s, "abcd"));
	/* No room for the terminator, and no room. */
	s[4] = s[5] = 'x';
	CHECK_EQ(_snprintf(s, 4, "%d", 1234), 4);
	CHECK(!memcmp(s, "1234xx", 6));
	CHECK_EQ(_snprintf(s, 4, "%d", 56789), -1);
	CHECK(!memcmp(s, "5678xx", 6));
	CHECK_EQ(strcpy_s(big, sizeof(big), "ab"), 0);
	CHECK_EQ(strcat_s(big, sizeof(big), "cd"), 0);
	CHECK(!strcmp(big, "abcd"));
	CHECK_EQ(strcat_s(big, 5, "e"), ERANGE);
	CHECK_EQ(big[0], 0);
	CHECK_EQ(strcpy_s(big, 2, "ab"), ERANGE);
	CHECK_EQ(strcpy_s(big, 0, "ab"), EINVAL);
	CHECK_EQ(sprintf_s(big, sizeof(big), "%d", 17), 2);
	CHECK(!strcmp(big, "17"));
	CHECK_EQ(sprintf_s(big, 3, "%d", 170), -1);
	CHECK_EQ(big[0], 0);
}

static DWORD slot;

static DWORD WINAPI use_slot(LPVOID arg)
{
	SetLastError(5);
	CHECK(!TlsGetValue(slot));
	CHECK_EQ(GetLastError(), ERROR_SUCCESS);
	CHECK(TlsSetValue(slot, arg));
	CHECK(TlsGetValue(slot) == arg);
	return 0;
}

static void tls(void)
{
	static int a, b;
	DWORD other = TlsAlloc();
	HANDLE t;

	slot = TlsAlloc();
	CHECK(slot != TLS_OUT_OF_INDEXES && other != TLS_OUT_OF_INDEXES && slot != other);
	CHECK_EQ(use_slot(&a), 0);
	t = CreateThread(NULL, 0, use_slot, &b, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CloseHandle(t);
	CHECK(TlsGetValue(slot) == &a);
	CHECK(!TlsGetValue(other));
	CHECK(TlsFree(slot));
	CHECK_FAILS(TlsFree(slot), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(TlsSetValue(slot, &a), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(TlsGetValue(slot) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(TlsGetValue(TLS_OUT_OF_INDEXES) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(TlsFree(0x80000000u), ERROR_INVALID_PARAMETER);
	/* What is allocated anew is empty. */
	slot = TlsAlloc();
	CHECK(!TlsGetValue(slot));
}

static void tls_runs_out(void)
{
	DWORD n = 0, index[2000];

	SetLastError(0);
	while ((index[n] = TlsAlloc()) != TLS_OUT_OF_INDEXES)
		CHECK(++n < 2000);
	CHECK_EQ(GetLastError(), ERROR_NO_MORE_ITEMS);
	CHECK(n >= 64);
	CHECK(TlsSetValue(index[n - 1], &n) && TlsGetValue(index[n - 1]) == &n);
	while (n--)
		CHECK(TlsFree(index[n]));
}

static void clocks(void)
{
	LARGE_INTEGER a, b, frequency;
	ULONGLONG ticks = GetTickCount64();
	FILETIME ft;
	time_t now;

	CHECK(QueryPerformanceFrequency(&frequency) && frequency.QuadPart == 10000000);
	CHECK(QueryPerformanceCounter(&a));
	Sleep(30);
	CHECK(QueryPerformanceCounter(&b));
	CHECK(b.QuadPart - a.QuadPart >= 300000);
	CHECK(GetTickCount64() - ticks >= 29);
	CHECK(GetTickCount() - (DWORD)ticks < 0x7FFFFFFF);
	CHECK_FAILS(QueryPerformanceCounter(NULL), ERROR_NOACCESS);
	CHECK_FAILS(QueryPerformanceFrequency(NULL), ERROR_NOACCESS);
	now = time(NULL);
	GetSystemTimeAsFileTime(&ft);
	a.LowPart = ft.dwLowDateTime;
	a.HighPart = (LONG)ft.dwHighDateTime;
	CHECK(a.QuadPart / 10000000 - 11644473600ll - now <= 60);
	CHECK(a.QuadPart / 10000000 - 11644473600ll - now >= -1);
}

static void dates(void)
{
	static const struct {
		ULONGLONG ticks;
		SYSTEMTIME st;
	} known[] = {
		{ 0, { 1601, 1, 1, 1, 0, 0, 0, 0 } },
		{ 116444736000000000ull, { 1970, 1, 4, 1, 0, 0, 0, 0 } },
		{ 125963423999990000ull, { 2000, 2, 2, 29, 23, 59, 59, 999 } },
		{ 133800812451230000ull, { 2024, 12, 2, 31, 1, 14, 5, 123 } },
	};
	SYSTEMTIME st, bad = { 2023, 2, 0, 29, 0, 0, 0, 0 };
	FILETIME ft;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ft.dwLowDateTime = (DWORD)known[i].ticks;
		ft.dwHighDateTime = (DWORD)(known[i].ticks >> 32);
		CHECK(FileTimeToSystemTime(&ft, &st));
		CHECK_EQ(st.wYear, known[i].st.wYear);
		CHECK_EQ(st.wMonth, known[i].st.wMonth);
		CHECK_EQ(st.wDayOfWeek, known[i].st.wDayOfWeek);
		CHECK_EQ(st.wDay, known[i].st.wDay);
		CHECK_EQ(st.wHour, known[i].st.wHour);
		CHECK_EQ(st.wMinute, known[i].st.wMinute);
		CHECK_EQ(st.wSecond, known[i].st.wSecond);
		CHECK_EQ(st.wMilliseconds, known[i].st.wMilliseconds);
		memset(&ft, 0, sizeof(ft));
		CHECK(SystemTimeToFileTime(&st, &ft));
		CHECK_EQ((ULONGLONG)ft.dwHighDateTime << 32 | ft.dwLowDateTime, known[i].ticks);
	}
	CHECK_FAILS(SystemTimeToFileTime(&bad, &ft), ERROR_INVALID_PARAMETER);
	bad.wYear = 1600;
	CHECK_FAILS(SystemTimeToFileTime(&bad, &ft), ERROR_INVALID_PARAMETER);
	ft.dwHighDateTime = 0x80000000u;
	CHECK_FAILS(FileTimeToSystemTime(&ft, &st), ERROR_INVALID_PARAMETER);
	GetSystemTime(&st);
	CHECK(SystemTimeToFileTime(&st, &ft));
	GetLocalTime(&st);
	CHECK(SystemTimeToFileTime(&st, &ft));
}

static void machine(void)
{
	SYSTEM_INFO info;
	cpu_set_t one;

	GetSystemInfo(&info);
	CHECK_EQ(info.dwPageSize, sysconf(_SC_PAGESIZE));
	CHECK_EQ(info.dwAllocationGranularity, 65536);
	CHECK(info.dwNumberOfProcessors >= 1 && info.dwActiveProcessorMask);
	/* A process that may run on one only has one. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	GetNativeSystemInfo(&info);
	CHECK_EQ(info.dwNumberOfProcessors, 1);
}

static const struct tap_case cases[] = {
	CASE(heap_blocks, "heap: allocate, grow, shrink, free"),
	CASE(heap_bad, "heap: bad handles, blocks, sizes, options"),
	CASE(heap_destroyed, "heap: its blocks go with it"),
	CASE(heap_limit, "heap: a greatest size"),
	CASE(heap_threads_and_fork, "heap: threads, and fork among them"),
	CASE(local_and_global, "LocalAlloc and GlobalAlloc"),
	CASE(microsoft_names, "Microsoft's names of the C library"),
	CASE(tls, "thread local storage"),
	CASE(tls_runs_out, "thread local storage: used up"),
	CASE(clocks, "clocks"),
	CASE(dates, "dates"),
	CASE(machine, "the machine"),
};

TAP_MAIN(cases)
