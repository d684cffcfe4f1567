// SPDX-License-Identifier: MIT
/*
 * cycle FIFO ROUNDS: a read pends, is cancelled and collected, so often; prints the time of
 * one, in ns. The same source for Windows and for the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

static void fail(const char *what)
{
	fprintf(stderr, "%s: error %u\n", what, (unsigned int)GetLastError());
	exit(1);
}

static void cycle(HANDLE file, OVERLAPPED *ov)
{
	DWORD bytes;
	char byte;

	if (ReadFile(file, &byte, 1, NULL, ov) || GetLastError() != ERROR_IO_PENDING)
		fail("ReadFile does not pend");
	if (!CancelIoEx(file, ov))
		fail("CancelIoEx");
	if (GetOverlappedResult(file, ov, &bytes, TRUE) ||
	    GetLastError() != ERROR_OPERATION_ABORTED)
		fail("GetOverlappedResult does not tell of a cancel");
}

int main(int argc, char **argv)
{
	LARGE_INTEGER start, end, frequency;
	OVERLAPPED ov = { 0 };
	int rounds, i;
	HANDLE file;

	if (argc != 3)
		return 2;
	rounds = atoi(argv[2]);
	file = CreateFileA(argv[1], GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			   OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
	if (file == INVALID_HANDLE_VALUE)
		fail("CreateFileA");
	ov.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!ov.hEvent)
		fail("CreateEventA");
	for (i = 0; i < rounds / 10; i++)
		cycle(file, &ov);
	QueryPerformanceFrequency(&frequency);
	QueryPerformanceCounter(&start);
	for (i = 0; i < rounds; i++)
		cycle(file, &ov);
	QueryPerformanceCounter(&end);
	printf("%.1f\n", (double)(end.QuadPart - start.QuadPart) * 1e9 /
			 (double)frequency.QuadPart / rounds);
	return 0;
}
