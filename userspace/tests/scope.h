/* SPDX-License-Identifier: MIT */
/* What the tests of cancellation scopes share. */
#ifndef SCOPE_H
#define SCOPE_H

#include <cancellationscope.h>
#include <stdbool.h>
#include <windows.h>

#include "host.h"

static int peer;
static char buf[64];

static inline HANDLE new_scope(void)
{
	HANDLE scope = CreateCancellationScope(NULL, 0);

	CHECK(scope);
	return scope;
}

static inline BOOL is_cancelled(HANDLE scope)
{
	BOOL cancelled = 42;

	CHECK(IsCancellationScopeCancelled(scope, &cancelled));
	CHECK(cancelled == TRUE || cancelled == FALSE);
	return cancelled;
}

/* A thread inside a scope, blocked in a read of `file`, and what becomes of that. */
struct reader {
	HANDLE scope, inner, file;
	OVERLAPPED *overlapped;
	DWORD tid, error, bytes;
	BOOL ok;
};

static inline DWORD WINAPI read_inside(LPVOID arg)
{
	struct reader *r = arg;

	CHECK(EnterCancellationScope(r->scope));
	if (r->inner)
		CHECK(EnterCancellationScope(r->inner));
	__atomic_store_n(&r->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	r->ok = ReadFile(r->file, buf, sizeof(buf), &r->bytes, NULL);
	r->error = GetLastError();
	if (r->inner)
		CHECK(LeaveCancellationScope(r->inner));
	CHECK(LeaveCancellationScope(r->scope));
	return 0;
}

static inline HANDLE start(struct reader *r)
{
	HANDLE t = CreateThread(NULL, 0, read_inside, r, 0, NULL);

	CHECK(t);
	while (!__atomic_load_n(&r->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(r->tid, SYS_read, SYS_futex);
	return t;
}

static inline void ends_aborted(struct reader *r, HANDLE t)
{
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
	CHECK(!r->ok);
	CHECK_EQ(r->error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(r->bytes, 0);
}

#endif
