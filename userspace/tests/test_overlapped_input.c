// SPDX-License-Identifier: MIT
/* Overlapped reads and writes with bad events, buffers and handles, which change nothing. */
#include <sys/mman.h>

#include <windows.h>

#include "host.h"

static char buf[256];
static int peer;

static void bad_event(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(h);
	DWORD n;

	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), &n, &ov), ERROR_INVALID_HANDLE);
	ov.hEvent = (HANDLE)(ULONG_PTR)0x10000;
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), &n, &ov), ERROR_INVALID_HANDLE);
	ov.hEvent = NULL;
	ReadFile(h, buf, sizeof(buf), &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 4);
}

static void WINAPI never(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	(void)error;
	(void)bytes;
	(void)ov;
	abort();
}

/* An empty pipe is not waited for: a program may have nobody else to write to it. */
static void null_buffer(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	int other;
	HANDLE s = host_fifo("s", GENERIC_READ, 0, &other), e = host_manual_event();
	OVERLAPPED ov = host_overlapped(e);
	DWORD n = 7;

	SetEvent(e);
	CHECK_FAILS(ReadFile(h, NULL, 4, &n, &ov), ERROR_NOACCESS);
	CHECK_EQ(n, 0);
	/* Rejected before anything began (W-OVL-2, W-OVL-7). */
	CHECK_EQ(ov.Internal, STATUS_PENDING);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
	CHECK_FAILS(ReadFileEx(h, (void *)1, 4, &ov, never), ERROR_NOACCESS);
	CHECK_EQ(SleepEx(0, TRUE), 0);
	n = 7;
	CHECK_FAILS(ReadFile(s, NULL, 4, &n, NULL), ERROR_NOACCESS);
	CHECK_EQ(n, 0);
	CHECK_FAILS(ReadFile(s, NULL, 4, &n, &ov), ERROR_NOACCESS);
	/* What is wrong with the handle is said first. */
	CHECK_FAILS(WriteFile(s, NULL, 4, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReadFile(e, NULL, 4, &n, NULL), ERROR_INVALID_HANDLE);
	/* Nowhere is room enough for nothing. */
	ReadFile(h, NULL, 0, &n, &ov);
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 0);
	CHECK_FAILS(ReadFile(h, NULL, 4, &n, &ov), ERROR_NOACCESS);
	ReadFile(h, buf, sizeof(buf), &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 4);
}

static void bad_buffer(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	DWORD n;

	CHECK(page != MAP_FAILED);
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(!ReadFile(h, page, 4, &n, &ov));
	if (GetLastError() == ERROR_IO_PENDING)
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_NOACCESS);
	else
		CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	ReadFile(h, buf, sizeof(buf), &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 4);
}

static void rights(void)
{
	HANDLE r = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	HANDLE e = host_manual_event();
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n = 1;

	CHECK_FAILS(WriteFile(r, "x", 1, &n, &ov), ERROR_ACCESS_DENIED);
	CHECK_EQ(n, 0);
	CHECK_FAILS(ReadFile(e, buf, 1, &n, &ov), ERROR_INVALID_HANDLE);
	CHECK_FAILS(ReadFile(INVALID_HANDLE_VALUE, buf, 1, &n, &ov), ERROR_INVALID_HANDLE);
	CHECK_FAILS(ReadFile(NULL, buf, 1, &n, &ov), ERROR_INVALID_HANDLE);
}

static const struct tap_case cases[] = {
	CASE(bad_event, "a bad event fails before any I/O (W-EVT-5)"),
	CASE(null_buffer, "no buffer fails with 998 at once, even if there is nothing to read"),
	CASE(bad_buffer, "a bad buffer fails with 998 and loses nothing"),
	CASE(rights, "rights and kinds of handles (W-CREATE-6)"),
};

TAP_MAIN(cases)
