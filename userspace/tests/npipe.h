/* SPDX-License-Identifier: MIT */
/* What the tests of named pipes share: a name of their own, and two ends. */
#ifndef TEST_NPIPE_H
#define TEST_NPIPE_H

#include "host.h"

#define BYTES (PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT)
#define MESSAGES (PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT)

/* No other process has it. */
static inline const char *npipe_name(void)
{
	static char name[64];

	if (!*name)
		snprintf(name, sizeof(name), "\\\\.\\pipe\\cancelio-test-%d", (int)getpid());
	return name;
}

static inline HANDLE npipe_server(DWORD open_mode, DWORD pipe_mode)
{
	HANDLE h = CreateNamedPipeA(npipe_name(), open_mode, pipe_mode, PIPE_UNLIMITED_INSTANCES,
				    4096, 4096, 0, NULL);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

static inline HANDLE npipe_open(DWORD access, DWORD flags)
{
	return CreateFileA(npipe_name(), access, 0, NULL, OPEN_EXISTING, flags, NULL);
}

static inline HANDLE npipe_client(DWORD flags)
{
	HANDLE h = npipe_open(GENERIC_READ | GENERIC_WRITE, flags);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

/* Both ends of a connection. */
static inline void npipe_pair(HANDLE *server, HANDLE *client, DWORD pipe_mode, DWORD flags)
{
	DWORD mode = pipe_mode & PIPE_READMODE_MESSAGE;

	*server = npipe_server(PIPE_ACCESS_DUPLEX | flags, pipe_mode);
	*client = npipe_client(flags);
	CHECK(SetNamedPipeHandleState(*client, &mode, NULL, NULL));
}

static inline HANDLE npipe_event(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, NULL);

	CHECK(e);
	return e;
}

/* Begun, and not over. */
#define CHECK_PENDS(call) \
	do { \
		CHECK_FAILS(call, ERROR_IO_PENDING); \
	} while (0)

/* The end of a request that may have been inline. */
static inline DWORD npipe_end(HANDLE h, OVERLAPPED *ov, DWORD *n)
{
	return GetOverlappedResult(h, ov, n, TRUE) ? 0 : GetLastError();
}

#endif
