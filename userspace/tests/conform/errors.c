// SPDX-License-Identifier: MIT
/* Bad input: handles of the wrong kind, closed ones, none; numbers that are none (W-CLOSE-4, W-LE). */
#include "conform.h"

static char buf[64];
static DWORD n;

/* Each call that takes a file, with an event, a closed handle, NULL and INVALID_HANDLE_VALUE. */
static BOOL with_read(HANDLE h)
{
	return ReadFile(h, buf, 1, &n, NULL);
}

static BOOL with_write(HANDLE h)
{
	return WriteFile(h, buf, 1, &n, NULL);
}

static BOOL with_flush(HANDLE h)
{
	return FlushFileBuffers(h);
}

static BOOL with_size(HANDLE h)
{
	LARGE_INTEGER size;

	return GetFileSizeEx(h, &size);
}

static BOOL with_position(HANDLE h)
{
	LARGE_INTEGER to = { .QuadPart = 0 };

	return SetFilePointerEx(h, to, NULL, FILE_BEGIN);
}

static BOOL with_end(HANDLE h)
{
	return SetEndOfFile(h);
}

static BOOL with_cancel(HANDLE h)
{
	return CancelIo(h);
}

static BOOL with_cancel_ex(HANDLE h)
{
	return CancelIoEx(h, NULL);
}

static BOOL with_modes(HANDLE h)
{
	return SetFileCompletionNotificationModes(h, FILE_SKIP_SET_EVENT_ON_HANDLE);
}

static BOOL with_port(HANDLE h)
{
	OVERLAPPED_ENTRY entry;
	ULONG count;

	return GetQueuedCompletionStatusEx(h, &entry, 1, &count, 0, FALSE);
}

static BOOL with_post(HANDLE h)
{
	return PostQueuedCompletionStatus(h, 0, 0, NULL);
}

static BOOL with_set(HANDLE h)
{
	return SetEvent(h);
}

static BOOL with_reset(HANDLE h)
{
	return ResetEvent(h);
}

static BOOL with_pulse(HANDLE h)
{
	return PulseEvent(h);
}

static BOOL with_mutex(HANDLE h)
{
	return ReleaseMutex(h);
}

static BOOL with_semaphore(HANDLE h)
{
	return ReleaseSemaphore(h, 1, NULL);
}

static BOOL with_resume(HANDLE h)
{
	return ResumeThread(h) != (DWORD)-1;
}

static BOOL with_code(HANDLE h)
{
	return GetExitCodeThread(h, &n);
}

static BOOL with_thread_id(HANDLE h)
{
	return GetThreadId(h) != 0;
}

static BOOL with_sync(HANDLE h)
{
	return CancelSynchronousIo(h);
}

static BOOL with_information(HANDLE h)
{
	return GetHandleInformation(h, &n);
}

static VOID WINAPI routine(DWORD error, DWORD count, OVERLAPPED *ov)
{
	(void)error;
	(void)count;
	(void)ov;
}

static BOOL with_read_ex(HANDLE h)
{
	static OVERLAPPED ov;

	return ReadFileEx(h, buf, 1, &ov, routine);
}

static BOOL with_write_ex(HANDLE h)
{
	static OVERLAPPED ov;

	return WriteFileEx(h, buf, 1, &ov, routine);
}

static void WINAPI apc(ULONG_PTR arg)
{
	(void)arg;
}

static BOOL with_apc(HANDLE h)
{
	return QueueUserAPC(apc, h, 0) != 0;
}

static BOOL with_wait(HANDLE h)
{
	return WaitForSingleObject(h, 0) != WAIT_FAILED;
}

static BOOL with_type(HANDLE h)
{
	return GetFileType(h) != FILE_TYPE_UNKNOWN;
}

enum takes { A_FILE, A_PORT, AN_EVENT, A_MUTEX, A_SEMAPHORE, A_THREAD, ANY };

static const struct {
	const char *name;
	BOOL (*call)(HANDLE h);
	enum takes takes;
} calls[] = {
	{ "ReadFile", with_read, A_FILE },
	{ "WriteFile", with_write, A_FILE },
	{ "ReadFileEx", with_read_ex, A_FILE },
	{ "WriteFileEx", with_write_ex, A_FILE },
	{ "FlushFileBuffers", with_flush, A_FILE },
	{ "GetFileSizeEx", with_size, A_FILE },
	{ "SetFilePointerEx", with_position, A_FILE },
	{ "SetEndOfFile", with_end, A_FILE },
	{ "GetFileType", with_type, A_FILE },
	{ "CancelIo", with_cancel, A_FILE },
	{ "CancelIoEx", with_cancel_ex, A_FILE },
	{ "SetFileCompletionNotificationModes", with_modes, A_FILE },
	{ "GetQueuedCompletionStatusEx", with_port, A_PORT },
	{ "PostQueuedCompletionStatus", with_post, A_PORT },
	{ "SetEvent", with_set, AN_EVENT },
	{ "ResetEvent", with_reset, AN_EVENT },
	{ "PulseEvent", with_pulse, AN_EVENT },
	{ "ReleaseMutex", with_mutex, A_MUTEX },
	{ "ReleaseSemaphore", with_semaphore, A_SEMAPHORE },
	{ "ResumeThread", with_resume, A_THREAD },
	{ "GetExitCodeThread", with_code, A_THREAD },
	{ "GetThreadId", with_thread_id, A_THREAD },
	{ "CancelSynchronousIo", with_sync, A_THREAD },
	{ "QueueUserAPC", with_apc, A_THREAD },
	{ "WaitForSingleObject", with_wait, ANY },
	{ "GetHandleInformation", with_information, ANY },
};

static void every_call(void)
{
	HANDLE kinds[6] = { temp_new("kinds", "file"),
			    CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0),
			    event_new(TRUE, FALSE),
			    CreateMutexA(NULL, FALSE, NULL),
			    CreateSemaphoreA(NULL, 0, 9, NULL),
			    NULL };
	static const char *const kind_names[6] = { "a file",  "a port",	     "an event",
						   "a mutex", "a semaphore", "a thread" };
	HANDLE leave = event_new(TRUE, FALSE), closed;
	unsigned int i, kind;

	DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &kinds[5], 0,
			FALSE, DUPLICATE_SAME_ACCESS);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char name[100];

		for (kind = 0; kind < 6; kind++) {
			if (calls[i].takes == ANY || calls[i].takes == (enum takes)kind)
				continue;
			snprintf(name, sizeof(name), "W-CLOSE-4 %s with %s", calls[i].name,
				 kind_names[kind]);
			see(name, "FALSE 6", "%s", did(FRESH(calls[i].call(kinds[kind]))));
		}
		closed = event_new(TRUE, FALSE);
		CloseHandle(closed);
		snprintf(name, sizeof(name), "W-CLOSE-4 %s with a closed handle", calls[i].name);
		see(name, "FALSE 6", "%s", did(FRESH(calls[i].call(closed))));
		snprintf(name, sizeof(name), "W-CLOSE-4 %s with NULL", calls[i].name);
		see(name, "FALSE 6", "%s", did(FRESH(calls[i].call(NULL))));
		snprintf(name, sizeof(name), "W-CLOSE-4 %s with a number", calls[i].name);
		see(name, "FALSE 6", "%s",
		    did(FRESH(calls[i].call((HANDLE)(ULONG_PTR)0x7ffffff0))));
	}
	for (kind = 0; kind < 6; kind++)
		CloseHandle(kinds[kind]);
	CloseHandle(leave);
	DeleteFileA(temp_path("kinds"));
}

static void closing(void)
{
	see("W-CLOSE-4 NULL", "FALSE 6", "%s", did(FRESH(CloseHandle(NULL))));
	see("W-CLOSE-4 a number", "FALSE 6", "%s",
	    did(FRESH(CloseHandle((HANDLE)(ULONG_PTR)0x7ffffff0))));
	see("W-CLOSE-4 the process", "TRUE", "%s", did(FRESH(CloseHandle(GetCurrentProcess()))));
}

static const struct conform_case cases[] = {
	{ every_call, 0 },
	{ closing, 0 },
};

CONFORM_MAIN(cases)
