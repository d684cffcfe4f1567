// SPDX-License-Identifier: MIT
/* Threads as the C runtime makes them. Its calls report by errno. */
#include <errno.h>
#include <process.h>
#include <stdlib.h>
#include <windows.h>

struct start {
	_beginthread_proc_type fn;
	void *arg;
	HANDLE handle;
};

/* Of a thread that _beginthread made: its own handle, which it closes at its end. */
static __thread HANDLE own_handle;

static int errno_of_last_error(void)
{
	switch (GetLastError()) {
	case ERROR_INVALID_PARAMETER:
		return EINVAL;
	case ERROR_ACCESS_DENIED:
		return EACCES;
	default:
		return EAGAIN;
	}
}

uintptr_t _beginthreadex(void *security, unsigned int stack, _beginthreadex_proc_type start,
			 void *arg, unsigned int flags, unsigned int *id)
{
	HANDLE handle = CreateThread(security, stack, start, arg, flags, id);

	if (!handle)
		errno = errno_of_last_error();
	return (uintptr_t)handle;
}

void _endthreadex(unsigned int code)
{
	ExitThread(code);
}

static DWORD WINAPI run(LPVOID arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	own_handle = start.handle;
	start.fn(start.arg);
	_endthread();
}

/* The thread may be over, and its handle closed, when this returns. */
uintptr_t _beginthread(_beginthread_proc_type fn, unsigned int stack, void *arg)
{
	struct start *start = fn ? malloc(sizeof(*start)) : NULL;
	HANDLE handle;

	if (!start) {
		errno = fn ? ENOMEM : EINVAL;
		return (uintptr_t)-1;
	}
	handle = CreateThread(NULL, stack, run, start, CREATE_SUSPENDED, NULL);
	if (!handle) {
		errno = errno_of_last_error();
		free(start);
		return (uintptr_t)-1;
	}
	*start = (struct start){ fn, arg, handle };
	ResumeThread(handle);
	return (uintptr_t)handle;
}

void _endthread(void)
{
	HANDLE handle = own_handle;

	own_handle = NULL;
	if (handle)
		CloseHandle(handle);
	ExitThread(0);
}
