// SPDX-License-Identifier: MIT
/* VirtualAlloc, VirtualFree, VirtualProtect. */
#include <setjmp.h>
#include <stdint.h>
#include <windows.h>

#include "host.h"

#define PAGE 4096

static sigjmp_buf touched_badly;

static void caught(int sig)
{
	(void)sig;
	siglongjmp(touched_badly, 1);
}

/* Whether a byte can be read there, and then written. */
static int access_to(volatile char *p)
{
	volatile int may = 0;

	signal(SIGSEGV, caught);
	if (!sigsetjmp(touched_badly, 1)) {
		char c = *p;

		may = 1;
		*p = c;
		may = 2;
	}
	return may;
}

static void reserve_and_commit(void)
{
	char *p = VirtualAlloc(NULL, 3 * PAGE, MEM_RESERVE, PAGE_READWRITE);

	CHECK(p);
	CHECK_EQ((uintptr_t)p % 65536, 0);
	CHECK_EQ(access_to(p), 0);
	CHECK_EQ(VirtualAlloc(p + PAGE + 7, 1, MEM_COMMIT, PAGE_READWRITE), p + PAGE);
	CHECK_EQ(access_to(p), 0);
	CHECK_EQ(access_to(p + PAGE), 2);
	CHECK_EQ(access_to(p + 2 * PAGE), 0);
	p[PAGE] = 'x';
	CHECK(VirtualFree(p + PAGE, 1, MEM_DECOMMIT));
	CHECK_EQ(access_to(p + PAGE), 0);
	CHECK_EQ(VirtualAlloc(p, 3 * PAGE, MEM_COMMIT, PAGE_READWRITE), p);
	CHECK_EQ(p[PAGE], 0);
	CHECK(VirtualFree(p, 0, MEM_DECOMMIT));
	CHECK_EQ(access_to(p + 2 * PAGE), 0);
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
	CHECK_FAILS(VirtualFree(p, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
	/* The room is free again, down to the granule that the address lies in. */
	CHECK_EQ(VirtualAlloc(p + PAGE, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY), p);
	CHECK_EQ(access_to(p + PAGE), 1);
	CHECK_FAILS(VirtualAlloc(p, PAGE, MEM_RESERVE, PAGE_READWRITE) != NULL,
		    ERROR_INVALID_ADDRESS);
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
}

static void protect(void)
{
	/* A commit without a reservation, and without an address, is both. */
	char *p = VirtualAlloc(NULL, 1, MEM_COMMIT, PAGE_READWRITE);
	DWORD old = 0;

	CHECK(p);
	CHECK_EQ(access_to(p), 2);
	CHECK(VirtualProtect(p, 1, PAGE_READONLY, &old));
	CHECK_EQ(old, PAGE_READWRITE);
	CHECK_EQ(access_to(p), 1);
	CHECK(VirtualProtect(p, 1, PAGE_NOACCESS, &old));
	CHECK_EQ(old, PAGE_READONLY);
	CHECK_EQ(access_to(p), 0);
	CHECK(VirtualProtect(p, 1, PAGE_EXECUTE_READ, &old));
	CHECK_EQ(old, PAGE_NOACCESS);
	CHECK(VirtualProtect(p, 1, PAGE_READWRITE, &old));
	CHECK_EQ(old, PAGE_EXECUTE_READ);
	CHECK_FAILS(VirtualProtect(p, 1, PAGE_READWRITE | PAGE_READONLY, &old),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualProtect(p, 0, PAGE_READONLY, &old), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualProtect(p, 1, PAGE_READONLY, NULL), ERROR_NOACCESS);
	CHECK_EQ(access_to(p), 2);
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
	CHECK_FAILS(VirtualProtect(p, 1, PAGE_READONLY, &old), ERROR_INVALID_ADDRESS);
	CHECK_EQ(old, PAGE_EXECUTE_READ);
}

static void bad(void)
{
	char *p = VirtualAlloc(NULL, 2 * PAGE, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

	CHECK_FAILS(VirtualAlloc(NULL, 0, MEM_COMMIT, PAGE_READWRITE) != NULL,
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualAlloc(NULL, 1, 0, PAGE_READWRITE) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualAlloc(NULL, 1, MEM_COMMIT | MEM_RELEASE, PAGE_READWRITE) != NULL,
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualAlloc(NULL, 1, MEM_COMMIT, 0) != NULL, ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualAlloc(NULL, (SIZE_T)-1, MEM_RESERVE, PAGE_READWRITE) != NULL,
		    ERROR_NOT_ENOUGH_MEMORY);
	CHECK_FAILS(VirtualAlloc(NULL, (SIZE_T)1 << 60, MEM_RESERVE, PAGE_READWRITE) != NULL,
		    ERROR_NOT_ENOUGH_MEMORY);
	CHECK_FAILS(VirtualAlloc(p, (SIZE_T)-1, MEM_COMMIT, PAGE_READWRITE) != NULL,
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualAlloc(p, 3 * PAGE, MEM_COMMIT, PAGE_READWRITE) != NULL,
		    ERROR_INVALID_ADDRESS);
	CHECK_FAILS(VirtualFree(p, 1, MEM_RELEASE), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualFree(p, 0, MEM_RELEASE | MEM_DECOMMIT), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualFree(p, 0, 0), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(VirtualFree(p + PAGE, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
	CHECK_FAILS(VirtualFree(p, 3 * PAGE, MEM_DECOMMIT), ERROR_INVALID_ADDRESS);
	CHECK_FAILS(VirtualFree(NULL, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
	CHECK_FAILS(VirtualFree(&p, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
	CHECK_EQ(access_to(p), 2);
	CHECK_EQ(access_to(p + PAGE), 2);
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
}

/* What such pages are mostly got for: a buffer that a request must not touch, and fails by. */
static void guards_a_request(void)
{
	int peer;
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	char *p = VirtualAlloc(NULL, PAGE, MEM_COMMIT, PAGE_READWRITE);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n, old;

	CHECK(VirtualProtect(p, PAGE, PAGE_READONLY, &old));
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(!ReadFile(h, p, 4, &n, &ov));
	if (GetLastError() == ERROR_IO_PENDING)
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_NOACCESS);
	else
		CHECK_EQ(GetLastError(), ERROR_NOACCESS);
	CHECK(VirtualProtect(p, PAGE, PAGE_READWRITE, &old));
	ReadFile(h, p, 4, &n, &ov);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK(n == 4 && !memcmp(p, "kept", 4));
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
}

static const struct tap_case cases[] = {
	CASE(reserve_and_commit, "pages are reserved, committed, given back"),
	CASE(protect, "pages are protected"),
	CASE(bad, "bad sizes, types, addresses"),
	CASE(guards_a_request, "a request fails by a page that may not be touched"),
};

TAP_MAIN(cases)
