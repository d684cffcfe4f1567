// SPDX-License-Identifier: MIT
/* What programs use beside their I/O: texts of errors, locks, atomic operations, heaps. */
#include "conform.h"

static char buf[64];

static const char *formatted(DWORD flags, const void *source, DWORD code, char *to, DWORD size, ...)
{
	char *text = conform_text();
	va_list args;
	DWORD length;

	va_start(args, size);
	memset(to, 0, size);
	length = FRESH(FormatMessageA(flags, source, code, 0, to, size, &args));
	va_end(args);
	if (length)
		snprintf(text, 64, "%u", (unsigned int)length);
	else
		snprintf(text, 64, "0 %u", last());
	return text;
}

static void messages(void)
{
	const DWORD ignore = FORMAT_MESSAGE_IGNORE_INSERTS;
	static const DWORD codes[] = { 0,   1,	 2,   3,   5,	6,   8,	  32,  38,  80,	 87,  109,
				       122, 183, 232, 234, 995, 996, 997, 998, 1168, 1460 };
	char text[512], *allocated = NULL;
	unsigned int i, good = 0;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | ignore, NULL, codes[i], 0,
					      text, sizeof(text), NULL);

		good += length > 4 && strlen(text) == length && !strcmp(text + length - 2, "\r\n");
	}
	see("SDK texts of errors", "22", "%u", good);
	see("SDK text of no error", "0 317", "%s",
	    formatted(FORMAT_MESSAGE_FROM_SYSTEM | ignore, NULL, 0x2fffffff, text, sizeof(text)));
	see("SDK no room", "0 122", "%s",
	    formatted(FORMAT_MESSAGE_FROM_SYSTEM | ignore, NULL, 5, text, 3));
	see("SDK allocated", "1", "%d",
	    FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER | ignore,
			   NULL, 5, 0, (char *)&allocated, 0, NULL) == strlen(allocated));
	see("SDK given back", "1", "%d", LocalFree(allocated) == NULL);
	see("SDK a string with inserts", "15", "%s",
	    formatted(FORMAT_MESSAGE_FROM_STRING, "%1!d! of %2 in %%", 0, text, sizeof(text), 12,
		      "five"));
	see("SDK the string", "12 of five in %", "%s", text);
	see("SDK inserts are left alone", "5", "%s",
	    formatted(FORMAT_MESSAGE_FROM_STRING | ignore, "a %1!", 0, text, sizeof(text)));
	see("SDK from nowhere", "0 87", "%s", formatted(ignore, NULL, 5, text, sizeof(text)));
}

static void conditions(void)
{
	CONDITION_VARIABLE condition = CONDITION_VARIABLE_INIT;
	CRITICAL_SECTION section;
	SRWLOCK lock = SRWLOCK_INIT;

	InitializeCriticalSection(&section);
	EnterCriticalSection(&section);
	see("SDK critical section, again", "1", "%d", TryEnterCriticalSection(&section) != 0);
	LeaveCriticalSection(&section);
	see("SDK condition, time is over", "FALSE 1460", "%s",
	    did(FRESH(SleepConditionVariableCS(&condition, &section, 10))));
	LeaveCriticalSection(&section);
	DeleteCriticalSection(&section);
	AcquireSRWLockExclusive(&lock);
	see("SDK lock held", "0 0", "%d %d", TryAcquireSRWLockExclusive(&lock) != 0,
	    TryAcquireSRWLockShared(&lock) != 0);
	see("SDK condition of a lock, time is over", "FALSE 1460", "%s",
	    did(FRESH(SleepConditionVariableSRW(&condition, &lock, 10, 0))));
	ReleaseSRWLockExclusive(&lock);
	AcquireSRWLockShared(&lock);
	see("SDK lock shared", "1", "%d", TryAcquireSRWLockShared(&lock) != 0);
	see("SDK not exclusive then", "0", "%d", TryAcquireSRWLockExclusive(&lock) != 0);
	ReleaseSRWLockShared(&lock);
	ReleaseSRWLockShared(&lock);
	see("SDK lock is free", "1", "%d", TryAcquireSRWLockExclusive(&lock) != 0);
	ReleaseSRWLockExclusive(&lock);
}

static void interlocked(void)
{
	LONG volatile a = 5;
	LONG64 volatile b = 1;
	PVOID volatile p = NULL;

	see("SDK increment", "6", "%d", (int)InterlockedIncrement(&a));
	see("SDK decrement", "5", "%d", (int)InterlockedDecrement(&a));
	see("SDK exchange", "5", "%d", (int)InterlockedExchange(&a, 9));
	see("SDK add, old value", "9", "%d", (int)InterlockedExchangeAdd(&a, 3));
	see("SDK compare, unlike", "12", "%d", (int)InterlockedCompareExchange(&a, 1, 2));
	see("SDK compare, like", "12", "%d", (int)InterlockedCompareExchange(&a, 1, 12));
	see("SDK value after that", "1", "%d", (int)a);
	see("SDK or", "1", "%d", (int)InterlockedOr(&a, 6));
	see("SDK and", "7", "%d", (int)InterlockedAnd(&a, 2));
	see("SDK 64 bits", "1", "%d", InterlockedIncrement64(&b) == 2);
	see("SDK a pointer", "1", "%d",
	    InterlockedCompareExchangePointer(&p, buf, NULL) == NULL && p == buf);
}

static void heaps(void)
{
	HANDLE heap = HeapCreate(0, 0, 0);
	char *block = HeapAlloc(heap, HEAP_ZERO_MEMORY, 100);

	see("SDK zeroed block", "0 100", "%d %u", block[0] | block[50] | block[99],
	    (unsigned int)HeapSize(heap, 0, block));
	strcpy(block, "kept");
	block = HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, 1000);
	see("SDK larger block", "kept 0 1000", "%s %d %u", block, block[500],
	    (unsigned int)HeapSize(heap, 0, block));
	see("SDK block is freed", "TRUE", "%s", did(FRESH(HeapFree(heap, 0, block))));
	see("SDK nothing is freed", "TRUE", "%s", did(FRESH(HeapFree(heap, 0, NULL))));
	HeapAlloc(heap, 0, 10);
	see("SDK heap with a block in it", "TRUE", "%s", did(FRESH(HeapDestroy(heap))));
	block = HeapAlloc(GetProcessHeap(), 0, 0);
	see("SDK block of no size", "0", "%u",
	    (unsigned int)HeapSize(GetProcessHeap(), 0, block));
	HeapFree(GetProcessHeap(), 0, block);
}

static const struct conform_case cases[] = {
	{ messages, 0 },
	{ conditions, 0 },
	{ interlocked, 0 },
	{ heaps, 0 },
};

CONFORM_MAIN(cases)
