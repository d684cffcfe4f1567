/* SPDX-License-Identifier: MIT */
/* What the tests of completion ports share. */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
#include <windows.h>

#include "host.h"

static inline HANDLE port_new(DWORD slots)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, slots);

	CHECK(port);
	return port;
}

static inline void post(HANDLE port, ULONG_PTR key)
{
	CHECK(PostQueuedCompletionStatus(port, 1, key, NULL));
}

/* The key of the packet that must be there, or comes. */
static inline ULONG_PTR take(HANDLE port, DWORD milliseconds)
{
	OVERLAPPED *ov = (OVERLAPPED *)1;
	ULONG_PTR key = 0;
	DWORD bytes;

	CHECK(GetQueuedCompletionStatus(port, &bytes, &key, &ov, milliseconds));
	return key;
}

static inline void takes_nothing(HANDLE port, DWORD error)
{
	OVERLAPPED *ov = (OVERLAPPED *)1;
	ULONG_PTR key;
	DWORD bytes;

	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &ov, 0), error);
	CHECK(!ov);
}

#endif
