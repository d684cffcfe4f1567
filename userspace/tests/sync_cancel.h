/* SPDX-License-Identifier: MIT */
/* A synchronous call in a thread of its own, for the tests that cancel it. */
#ifndef SYNC_CANCEL_H
#define SYNC_CANCEL_H

#include <stdbool.h>
#include <windows.h>

#include "host.h"

/* One call made in a thread of its own, and how it went. */
struct call {
	HANDLE file;
	const char *path;
	DWORD access, flags;
	char buf[64];
	DWORD tid, bytes, error;
	BOOL ok;
};

static inline DWORD WINAPI do_read(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = ReadFile(c->file, c->buf, sizeof(c->buf), &c->bytes, NULL);
	c->error = GetLastError();
	return 0;
}

/* Starts the call and returns when it is blocked in the system call. */
static inline HANDLE start(DWORD(WINAPI *fn)(LPVOID), struct call *c, long nr)
{
	HANDLE t = CreateThread(NULL, 0, fn, c, 0, NULL);

	CHECK(t);
	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(c->tid, nr, nr);
	return t;
}

static inline void finish(HANDLE t)
{
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
}

#endif
