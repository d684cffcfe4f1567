// SPDX-License-Identifier: MIT
/* Handles, events, waits, threads and the last error. */
#include <errno.h>
#include <windows.h>

#include "host.h"

static void bad_handles(void)
{
	HANDLE e = host_event(TRUE, FALSE), bad[] = { NULL, (HANDLE)(ULONG_PTR)0x7ffffff0,
						(HANDLE)(LONG_PTR)-4096, (HANDLE)1, (HANDLE)3 };
	DWORD code;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_FAILS(CloseHandle(bad[i]), ERROR_INVALID_HANDLE);
		CHECK_FAILS(SetEvent(bad[i]), ERROR_INVALID_HANDLE);
		CHECK_FAILS(ResetEvent(bad[i]), ERROR_INVALID_HANDLE);
		CHECK_FAILS(GetExitCodeThread(bad[i], &code), ERROR_INVALID_HANDLE);
		SetLastError(0);
		CHECK_EQ(WaitForSingleObject(bad[i], 0), WAIT_FAILED);
		CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	}
	CHECK(CloseHandle(e));
	CHECK_FAILS(CloseHandle(e), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetEvent(e), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetEvent(GetCurrentThread()), ERROR_INVALID_HANDLE);
	/* Pseudo handles need no closing, and closing them has no effect. */
	CHECK(CloseHandle(GetCurrentThread()));
	CHECK(CloseHandle(GetCurrentProcess()));
}

static void handle_numbers(void)
{
	HANDLE e = host_event(TRUE, FALSE);

	CHECK(e != NULL && (ULONG_PTR)e % 4 == 0);
	CHECK(SetEvent((HANDLE)((ULONG_PTR)e | 3)));
	CHECK_EQ(WaitForSingleObject((HANDLE)((ULONG_PTR)e | 2), 0), WAIT_OBJECT_0);
	CHECK(CloseHandle((HANDLE)((ULONG_PTR)e | 1)));
	CHECK_FAILS(SetEvent(e), ERROR_INVALID_HANDLE);
	/* Thousands at a time, and all of them usable. */
	for (int round = 0; round < 2; round++) {
		static HANDLE many[5000];

		for (int i = 0; i < 5000; i++)
			many[i] = host_event(TRUE, i & 1);
		for (int i = 0; i < 5000; i++) {
			CHECK_EQ(WaitForSingleObject(many[i], 0), i & 1 ? WAIT_OBJECT_0 : WAIT_TIMEOUT);
			CHECK(CloseHandle(many[i]));
		}
	}
}

static BOOL duplicate(HANDLE from, HANDLE *to, DWORD access, DWORD options)
{
	return DuplicateHandle(GetCurrentProcess(), from, GetCurrentProcess(), to, access, FALSE,
			       options);
}

static void duplicates(void)
{
	HANDLE e = host_event(TRUE, FALSE), copy, weak, self;
	DWORD code;

	CHECK(duplicate(e, &copy, 0, DUPLICATE_SAME_ACCESS));
	CHECK(SetEvent(copy));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	CHECK(duplicate(e, &weak, SYNCHRONIZE, 0));
	CHECK_FAILS(ResetEvent(weak), ERROR_ACCESS_DENIED);
	CHECK_EQ(WaitForSingleObject(weak, 0), WAIT_OBJECT_0);
	CHECK_FAILS(duplicate(weak, &copy, EVENT_MODIFY_STATE, 0), ERROR_ACCESS_DENIED);
	/* The source is closed even though the call fails (W-HANDLE-1). */
	CHECK_FAILS(duplicate(weak, &copy, EVENT_ALL_ACCESS, DUPLICATE_CLOSE_SOURCE),
		    ERROR_ACCESS_DENIED);
	CHECK_FAILS(CloseHandle(weak), ERROR_INVALID_HANDLE);
	CHECK(duplicate(e, &weak, EVENT_MODIFY_STATE, 0));
	SetLastError(0);
	CHECK_EQ(WaitForSingleObject(weak, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK_FAILS(duplicate(NULL, &copy, 0, DUPLICATE_SAME_ACCESS), ERROR_INVALID_HANDLE);
	CHECK_FAILS(duplicate(e, &copy, 0, 8), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(DuplicateHandle(e, e, GetCurrentProcess(), &copy, 0, FALSE, 2),
		    ERROR_INVALID_HANDLE);
	CHECK(duplicate(GetCurrentThread(), &self, 0, DUPLICATE_SAME_ACCESS));
	CHECK(GetExitCodeThread(self, &code));
	CHECK_EQ(code, STILL_ACTIVE);
	CHECK(duplicate(e, NULL, 0, DUPLICATE_CLOSE_SOURCE));
	CHECK_FAILS(CloseHandle(e), ERROR_INVALID_HANDLE);
	/* The way that closing is documented. */
	CHECK(DuplicateHandle(GetCurrentProcess(), self, NULL, NULL, 0, FALSE,
			      DUPLICATE_CLOSE_SOURCE));
	CHECK_FAILS(CloseHandle(self), ERROR_INVALID_HANDLE);
	CHECK_FAILS(DuplicateHandle(GetCurrentProcess(), self, NULL, NULL, 0, FALSE,
				    DUPLICATE_CLOSE_SOURCE),
		    ERROR_INVALID_HANDLE);
}

static void flags_of_handles(void)
{
	HANDLE e = host_event(TRUE, TRUE), copy;
	DWORD flags = 77;

	CHECK(GetHandleInformation(e, &flags));
	CHECK_EQ(flags, 0);
	CHECK(SetHandleInformation(e, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
	CHECK(SetHandleInformation(e, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0xffffffff));
	CHECK(GetHandleInformation(e, &flags));
	CHECK_EQ(flags, HANDLE_FLAG_INHERIT | HANDLE_FLAG_PROTECT_FROM_CLOSE);
	CHECK_FAILS(CloseHandle(e), ERROR_INVALID_HANDLE);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	/* They belong to the handle: a copy begins with its own. */
	CHECK(duplicate(e, &copy, 0, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
	CHECK(GetHandleInformation(copy, &flags));
	CHECK_EQ(flags, 0);
	CHECK(SetHandleInformation(e, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0));
	CHECK(GetHandleInformation(e, &flags));
	CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
	CHECK(CloseHandle(e));
	CHECK_FAILS(GetHandleInformation(e, &flags), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetHandleInformation(e, 1, 1), ERROR_INVALID_HANDLE);
	CHECK(DuplicateHandle(GetCurrentProcess(), copy, GetCurrentProcess(), &e, 0, TRUE,
			      DUPLICATE_SAME_ACCESS));
	CHECK(GetHandleInformation(e, &flags));
	CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
	/* A number that is used again has none of the old flags. */
	for (int i = 0; i < 2000; i++) {
		HANDLE h = host_event(TRUE, TRUE);

		CHECK(GetHandleInformation(h, &flags));
		CHECK_EQ(flags, 0);
		CHECK(SetHandleInformation(h, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
		CHECK(CloseHandle(h));
	}
	CHECK(GetHandleInformation(GetCurrentProcess(), &flags));
	CHECK_EQ(flags, 0);
	CHECK(GetHandleInformation(GetCurrentThread(), &flags));
	CHECK_FAILS(SetHandleInformation(GetCurrentThread(), 1, 1), ERROR_ACCESS_DENIED);
	CHECK_FAILS(GetHandleInformation(e, NULL), ERROR_NOACCESS);
	CHECK_FAILS(GetHandleInformation(NULL, &flags), ERROR_INVALID_HANDLE);
}

static void the_same_object(void)
{
	HANDLE e = host_event(TRUE, TRUE), other = host_event(TRUE, TRUE), copy, self;

	CHECK(duplicate(e, &copy, SYNCHRONIZE, 0));
	SetLastError(7);
	CHECK(CompareObjectHandles(e, copy) && CompareObjectHandles(e, e));
	CHECK_EQ(GetLastError(), 7);
	CHECK_FAILS(CompareObjectHandles(e, other), ERROR_NOT_SAME_OBJECT);
	CHECK(duplicate(GetCurrentThread(), &self, 0, DUPLICATE_SAME_ACCESS));
	CHECK(CompareObjectHandles(GetCurrentThread(), self));
	CHECK_FAILS(CompareObjectHandles(GetCurrentProcess(), self), ERROR_NOT_SAME_OBJECT);
	CHECK_FAILS(CompareObjectHandles(e, NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CompareObjectHandles(NULL, e), ERROR_INVALID_HANDLE);
}

/* The current process is an object; it is not signalled while somebody can ask. */
static void process_handles(void)
{
	HANDLE e = host_event(TRUE, TRUE), process, weak, copy;

	CHECK(duplicate(GetCurrentProcess(), &process, 0, DUPLICATE_SAME_ACCESS));
	CHECK(process != GetCurrentProcess() && CompareObjectHandles(process, GetCurrentProcess()));
	CHECK_EQ(WaitForSingleObject(process, 0), WAIT_TIMEOUT);
	CHECK(DuplicateHandle(process, e, process, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
	CHECK(CompareObjectHandles(e, copy));
	CHECK(duplicate(process, &weak, SYNCHRONIZE, 0));
	CHECK_FAILS(DuplicateHandle(weak, e, process, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS),
		    ERROR_ACCESS_DENIED);
	CHECK_FAILS(DuplicateHandle(process, e, weak, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS),
		    ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetEvent(process), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(process) && CloseHandle(weak));
	CHECK_FAILS(DuplicateHandle(process, e, GetCurrentProcess(), &copy, 0, FALSE, 2),
		    ERROR_INVALID_HANDLE);
}

static void events(void)
{
	HANDLE manual = host_event(TRUE, TRUE), automatic = host_event(FALSE, TRUE);

	for (int i = 0; i < 3; i++)
		CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_OBJECT_0);
	CHECK(ResetEvent(manual));
	CHECK_EQ(WaitForSingleObject(manual, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(automatic, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);
	CHECK(SetEvent(automatic));
	CHECK(SetEvent(automatic));
	CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(automatic, 0), WAIT_TIMEOUT);
	SetLastError(7);
	CHECK(CreateEventA(NULL, FALSE, FALSE, NULL));
	CHECK_EQ(GetLastError(), 0);
}

static void a_wait_times_out(void)
{
	HANDLE e = host_event(TRUE, FALSE);
	double t = host_seconds();

	SetLastError(3);
	CHECK_EQ(WaitForSingleObject(e, 50), WAIT_TIMEOUT);
	CHECK_EQ(GetLastError(), 3);
	CHECK(host_seconds() - t >= 0.05);
	t = host_seconds();
	Sleep(30);
	CHECK(host_seconds() - t >= 0.03);
	/* A waiter that gave up must not swallow the next signal. */
	e = host_event(FALSE, FALSE);
	CHECK_EQ(WaitForSingleObject(e, 1), WAIT_TIMEOUT);
	CHECK(SetEvent(e));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
}

static HANDLE ping, pong;
enum { ROUNDS = 20000, CROWD = 8 };

static DWORD WINAPI answer(LPVOID arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(WaitForSingleObject(ping, INFINITE), WAIT_OBJECT_0);
		CHECK(SetEvent(pong));
	}
	return 0;
}

static void ping_pong(void)
{
	HANDLE t;

	ping = host_event(FALSE, FALSE);
	pong = host_event(FALSE, FALSE);
	t = CreateThread(NULL, 0, answer, NULL, 0, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(SetEvent(ping));
		CHECK_EQ(WaitForSingleObject(pong, INFINITE), WAIT_OBJECT_0);
	}
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static atomic_int passed, arrived;

static DWORD WINAPI pass_gate(LPVOID arg)
{
	atomic_fetch_add(&arrived, 1);
	CHECK_EQ(WaitForSingleObject(arg, INFINITE), WAIT_OBJECT_0);
	atomic_fetch_add(&passed, 1);
	return 0;
}

static void crowd(HANDLE gate, HANDLE *threads)
{
	DWORD tid[CROWD];

	atomic_store(&passed, 0);
	for (int i = 0; i < CROWD; i++)
		threads[i] = CreateThread(NULL, 0, pass_gate, gate, 0, &tid[i]);
	for (int i = 0; i < CROWD; i++)
		host_wait_syscall(tid[i], SYS_futex, SYS_futex);
}

static void release_one_or_all(void)
{
	HANDLE t[CROWD], gate = host_event(FALSE, FALSE);

	crowd(gate, t);
	for (int n = 1; n <= CROWD; n++) {
		CHECK(SetEvent(gate));
		while (atomic_load(&passed) < n)
			sched_yield();
		CHECK_EQ(atomic_load(&passed), n);
		CHECK_EQ(WaitForSingleObject(gate, 0), WAIT_TIMEOUT);
	}
	gate = host_event(TRUE, FALSE);
	crowd(gate, t);
	CHECK(SetEvent(gate));
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&passed), CROWD);
}

static DWORD WINAPI return_arg(LPVOID arg)
{
	return (DWORD)(ULONG_PTR)arg;
}

static DWORD WINAPI exit_deep(LPVOID arg)
{
	ExitThread((DWORD)(ULONG_PTR)arg + 1);
}

static void rights_of_opened_threads(void)
{
	DWORD all[] = { GENERIC_ALL, MAXIMUM_ALLOWED, THREAD_ALL_ACCESS };
	DWORD code;

	for (int i = 0; i < 3; i++) {
		HANDLE t = OpenThread(all[i], FALSE, GetCurrentThreadId());

		CHECK(t);
		CHECK_EQ(WaitForSingleObject(t, 0), WAIT_TIMEOUT);
		CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
		CHECK(GetExitCodeThread(t, &code));
		CHECK(CloseHandle(t));
	}
}

static void threads(void)
{
	HANDLE t, again;
	DWORD id, code;

	t = CreateThread(NULL, 100000, return_arg, (LPVOID)42, 0, &id);
	CHECK(t && id && id != GetCurrentThreadId());
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 42);
	CHECK_EQ(WaitForSingleObject(t, 0), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
	t = CreateThread(NULL, 0, exit_deep, (LPVOID)42, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 43);

	ping = host_event(TRUE, FALSE);
	t = CreateThread(NULL, 0, pass_gate, ping, 0, &id);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, STILL_ACTIVE);
	CHECK_EQ(WaitForSingleObject(t, 1), WAIT_TIMEOUT);
	again = OpenThread(SYNCHRONIZE, FALSE, id);
	CHECK(again && again != t);
	CHECK_FAILS(GetExitCodeThread(again, &code), ERROR_ACCESS_DENIED);
	/* Closing the handle does not stop the thread (W-CLOSE-4). */
	CHECK(CloseHandle(t));
	CHECK(SetEvent(ping));
	CHECK_EQ(WaitForSingleObject(again, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(again));

	SetLastError(0);
	CHECK(!OpenThread(SYNCHRONIZE, FALSE, id));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!CreateThread(NULL, 0, NULL, NULL, 0, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(!CreateThread(NULL, 0, return_arg, NULL, 0x80, NULL));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
}

static DWORD WINAPI own_error(LPVOID arg)
{
	(void)arg;
	CHECK_EQ(GetLastError(), 0);
	SetLastError(5);
	return 0;
}

static void last_error(void)
{
	HANDLE e = host_event(TRUE, TRUE), t;

	SetLastError(0xffffffffu);
	CHECK_EQ(GetLastError(), 0xffffffffu);
	t = CreateThread(NULL, 0, own_error, NULL, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	/* Success leaves it alone (W-LE-1). */
	CHECK(SetEvent(e) && ResetEvent(e) && CloseHandle(t));
	CHECK_EQ(GetLastError(), 0xffffffffu);
	errno = 77;
	CHECK_FAILS(CloseHandle(NULL), ERROR_INVALID_HANDLE);
	CHECK_EQ((HANDLE)CreateFileA("/no/such", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) ==
			 INVALID_HANDLE_VALUE,
		 1);
	WaitForSingleObject(e, 1);
	Sleep(1);
	CHECK_EQ(errno, 77);
}

/* Runs the function in a child of its own and tells how that ended. */
static DWORD WINAPI outlive_main(LPVOID arg)
{
	/* The first thread has ended when its task is a zombie. */
	char stat[512];

	do
		host_read_proc((DWORD)getpid(), "stat", stat, sizeof(stat));
	while (!strstr(stat, ") Z "));
	return (DWORD)(ULONG_PTR)arg;
}

static void end_of_last_thread(void)
{
	CreateThread(NULL, 0, outlive_main, (LPVOID)33, 0, NULL);
	ExitThread(1);
}

/* The same with the helper thread running, which must not keep the process. */
static void end_of_last_thread_with_helper(void)
{
	int peer;
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	char c;

	CHECK_FAILS(ReadFile(h, &c, 1, NULL, &ov), ERROR_IO_PENDING);
	CreateThread(NULL, 0, outlive_main, (LPVOID)34, 0, NULL);
	ExitThread(1);
}

static void last_thread(void)
{
	if (HOST_SANITIZED)
		SKIP("a sanitizer's own thread keeps the process");
	CHECK_EQ(host_exit_status(end_of_last_thread), 33);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(host_exit_status(end_of_last_thread_with_helper), 34);
}

enum { COMERS = 8 };

/* Each has its own, whatever the others do with theirs. */
static DWORD WINAPI come_and_go(LPVOID arg)
{
	for (long i = host_rounds(HOST_SANITIZED ? 5000 : 50000); i--;) {
		HANDLE e = host_event(FALSE, i & 1);

		CHECK_EQ(WaitForSingleObject(e, 0), i & 1 ? WAIT_OBJECT_0 : WAIT_TIMEOUT);
		CHECK(SetEvent(e));
		CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
		CHECK(CloseHandle(e));
	}
	return arg != NULL;
}

static void handles_come_and_go(void)
{
	HANDLE t[COMERS];

	for (int i = 0; i < COMERS; i++)
		t[i] = CreateThread(NULL, 0, come_and_go, NULL, 0, NULL);
	CHECK_EQ(WaitForMultipleObjects(COMERS, t, TRUE, INFINITE), WAIT_OBJECT_0);
}

static const struct tap_case cases[] = {
	CASE(bad_handles, "bad handles and pseudo handles (W-CLOSE-4)"),
	CASE(handle_numbers, "low bits, many handles (W-EVT-3)"),
	CASE(duplicates, "DuplicateHandle (W-HANDLE-1, W-THREAD-5)"),
	CASE(handles_come_and_go, "handles come and go in many threads, each with its own object"),
	CASE(flags_of_handles, "flags of handles (W-HANDLE-1, W-CLOSE-4)"),
	CASE(the_same_object, "CompareObjectHandles (W-HANDLE-1)"),
	CASE(process_handles, "handles of the process (W-HANDLE-1, W-WAIT-3)"),
	CASE(events, "events (W-EVENT-1/2, W-LE-1)"),
	CASE(a_wait_times_out, "a wait times out, Sleep sleeps (W-WAIT-2)"),
	CASE(ping_pong, "ping-pong on auto-reset events"),
	CASE(release_one_or_all, "auto-reset releases one, manual-reset all (W-EVENT-2)"),
	CASE(rights_of_opened_threads, "OpenThread's rights (W-THREAD-5)"),
	CASE(threads, "threads (W-THREAD-1/2/5)"),
	CASE(last_error, "the last error and errno (W-LE-1/2, W-THREAD-6)"),
	CASE(last_thread, "the last thread's end is the process's (W-THREAD-6)"),
};

TAP_MAIN(cases)
