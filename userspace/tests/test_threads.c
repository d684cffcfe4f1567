// SPDX-License-Identifier: MIT
/* Threads: suspended ones, their ids and rights, the C runtime's, and the current process. */
#include <errno.h>
#include <process.h>
#include <windows.h>

#include "host.h"

#define MINUS_ONE ((DWORD)-1)

#define CHECK_DWORD_FAILS(call, value, error) \
	do { \
		SetLastError(0xdead); \
		CHECK_EQ(call, value); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

static atomic_int steps;

static DWORD WINAPI step(LPVOID arg)
{
	atomic_fetch_add(&steps, 1);
	return (DWORD)(ULONG_PTR)arg;
}

static HANDLE copy_with(HANDLE h, DWORD access)
{
	HANDLE copy;

	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, access, FALSE, 0));
	return copy;
}

static void suspended(void)
{
	DWORD id, code;
	HANDLE t = CreateThread(NULL, 0, step, (LPVOID)42, CREATE_SUSPENDED, &id), again;

	CHECK(t && id);
	host_wait_syscall(id, SYS_futex, SYS_futex);
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	CHECK_EQ(atomic_load(&steps), 0);
	/* It is a thread like others. */
	CHECK_EQ(GetThreadId(t), id);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, STILL_ACTIVE);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	again = OpenThread(THREAD_SUSPEND_RESUME, FALSE, id);
	CHECK(again);
	/* Each tells what the count was. */
	CHECK_EQ(SuspendThread(again), 1);
	CHECK_EQ(SuspendThread(t), 2);
	CHECK_EQ(ResumeThread(t), 3);
	CHECK_EQ(ResumeThread(again), 2);
	CHECK_EQ(WaitForSingleObject(t, 10), WAIT_TIMEOUT);
	CHECK_EQ(atomic_load(&steps), 0);
	SetLastError(7);
	CHECK_EQ(ResumeThread(t), 1);
	CHECK_EQ(GetLastError(), 7);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&steps), 1);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 42);
	CHECK_EQ(ResumeThread(t), 0);
	CHECK_DWORD_FAILS(SuspendThread(t), MINUS_ONE, ERROR_ACCESS_DENIED);
}

static void suspended_too_often(void)
{
	HANDLE t = CreateThread(NULL, 0, step, NULL, CREATE_SUSPENDED, NULL);

	for (DWORD i = 1; i < MAXIMUM_SUSPEND_COUNT; i++)
		CHECK_EQ(SuspendThread(t), i);
	CHECK_DWORD_FAILS(SuspendThread(t), MINUS_ONE, ERROR_SIGNAL_REFUSED);
	for (DWORD i = MAXIMUM_SUSPEND_COUNT; i > 0; i--)
		CHECK_EQ(ResumeThread(t), i);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void running_ones_go_on(void)
{
	CHECK_EQ(ResumeThread(GetCurrentThread()), 0);
	CHECK_DWORD_FAILS(SuspendThread(GetCurrentThread()), MINUS_ONE, ERROR_NOT_SUPPORTED);
}

static DWORD WINAPI resume_many(LPVOID arg)
{
	HANDLE *t = arg;

	for (int i = 0; i < 200; i++)
		CHECK(ResumeThread(t[i]) <= 2);
	return 0;
}

/* Two resume the same threads, each suspended twice: all run, each once. */
static void resumed_by_two(void)
{
	static HANDLE t[200];
	HANDLE helpers[2];

	for (int i = 0; i < 200; i++) {
		t[i] = CreateThread(NULL, 65536, step, NULL, CREATE_SUSPENDED, NULL);
		CHECK(t[i]);
		CHECK_EQ(SuspendThread(t[i]), 1);
	}
	for (int i = 0; i < 2; i++)
		helpers[i] = CreateThread(NULL, 0, resume_many, t, 0, NULL);
	for (int i = 0; i < 200; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForMultipleObjects(2, helpers, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&steps), 200);
}

static void bad_input(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, NULL), bad[] = { NULL, e, GetCurrentProcess() };
	HANDLE t = CreateThread(NULL, 0, step, NULL, CREATE_SUSPENDED, NULL), weak;
	DWORD code;

	for (int i = 0; i < 3; i++) {
		CHECK_DWORD_FAILS(ResumeThread(bad[i]), MINUS_ONE, ERROR_INVALID_HANDLE);
		CHECK_DWORD_FAILS(SuspendThread(bad[i]), MINUS_ONE, ERROR_INVALID_HANDLE);
		CHECK_DWORD_FAILS(GetThreadId(bad[i]), 0, ERROR_INVALID_HANDLE);
		CHECK_DWORD_FAILS(GetThreadPriority(bad[i]), THREAD_PRIORITY_ERROR_RETURN,
				  ERROR_INVALID_HANDLE);
		CHECK_FAILS(SetThreadPriority(bad[i], 0), ERROR_INVALID_HANDLE);
		CHECK_FAILS(GetExitCodeThread(bad[i], &code), ERROR_INVALID_HANDLE);
	}
	weak = copy_with(t, SYNCHRONIZE);
	CHECK_DWORD_FAILS(ResumeThread(weak), MINUS_ONE, ERROR_ACCESS_DENIED);
	CHECK_DWORD_FAILS(SuspendThread(weak), MINUS_ONE, ERROR_ACCESS_DENIED);
	CHECK_DWORD_FAILS(GetThreadId(weak), 0, ERROR_ACCESS_DENIED);
	CHECK_DWORD_FAILS(GetThreadPriority(weak), THREAD_PRIORITY_ERROR_RETURN,
			  ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetThreadPriority(weak, 0), ERROR_ACCESS_DENIED);
	CHECK_FAILS(GetExitCodeThread(t, NULL), ERROR_NOACCESS);
	CHECK_EQ(atomic_load(&steps), 0);
	CHECK_EQ(GetThreadId(copy_with(t, THREAD_QUERY_LIMITED_INFORMATION)), GetThreadId(t));
	CHECK_EQ(ResumeThread(copy_with(t, THREAD_SUSPEND_RESUME)), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	/* NULL is what CreateThread fails with (W-THREAD-1). */
	SetLastError(0);
	CHECK(CreateThread(NULL, 0, NULL, NULL, CREATE_SUSPENDED, NULL) == NULL);
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK(CreateThread(NULL, (SIZE_T)1 << 60, step, NULL, 0, NULL) == NULL);
	CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
	SetLastError(0);
	CHECK(CreateThread(NULL, (SIZE_T)-1, step, NULL, 0, NULL) == NULL);
	CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
}

static void ids(void)
{
	HANDLE t, real;

	CHECK_EQ(GetThreadId(GetCurrentThread()), GetCurrentThreadId());
	real = OpenThread(THREAD_QUERY_INFORMATION, FALSE, GetCurrentThreadId());
	CHECK_EQ(GetThreadId(real), GetCurrentThreadId());
	t = CreateThread(NULL, 0, step, NULL, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	/* One that is over has its id still. */
	CHECK(GetThreadId(t) && GetThreadId(t) != GetCurrentThreadId());
	CHECK_EQ(GetCurrentProcessId(), getpid());
	CHECK(GetCurrentProcessorNumber() < (DWORD)sysconf(_SC_NPROCESSORS_CONF));
}

static void priorities(void)
{
	static const int good[] = { -15, -2, -1, 0, 1, 2, 15 }, wrong[] = { -16, -3, 3, 14, 16, 99 };
	HANDLE self = GetCurrentThread();

	CHECK_EQ(GetThreadPriority(self), THREAD_PRIORITY_NORMAL);
	for (int i = 0; i < 7; i++) {
		CHECK(SetThreadPriority(self, good[i]));
		CHECK_EQ(GetThreadPriority(self), good[i]);
	}
	for (int i = 0; i < 6; i++)
		CHECK_FAILS(SetThreadPriority(self, wrong[i]), ERROR_INVALID_PARAMETER);
	CHECK(SetThreadPriority(self, THREAD_MODE_BACKGROUND_BEGIN));
	CHECK_EQ(GetThreadPriority(self), THREAD_PRIORITY_TIME_CRITICAL);
}

static atomic_int spinning;

static DWORD WINAPI spin(LPVOID arg)
{
	HANDLE stop = arg;

	atomic_store(&spinning, 1);
	while (WaitForSingleObject(stop, 0) == WAIT_TIMEOUT)
		;
	return 0;
}

/* On one CPU with another that wants it, a switch must come at some time. */
static void switches(void)
{
	HANDLE stop = CreateEventA(NULL, TRUE, FALSE, NULL), t;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	t = CreateThread(NULL, 0, spin, stop, 0, NULL);
	while (!atomic_load(&spinning))
		sched_yield();
	while (!SwitchToThread())
		;
	CHECK(SetEvent(stop));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static unsigned int crt_step(void *arg)
{
	atomic_fetch_add(&steps, 1);
	if (arg)
		_endthreadex(7);
	return 8;
}

static void crt_threads(void)
{
	unsigned int id = 0;
	DWORD code;
	HANDLE t;

	t = (HANDLE)_beginthreadex(NULL, 0, crt_step, NULL, 0, &id);
	CHECK(t);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 8);
	CHECK_EQ(GetThreadId(t), id);
	CHECK(CloseHandle(t));
	t = (HANDLE)_beginthreadex(NULL, 0, crt_step, &code, CREATE_SUSPENDED, NULL);
	CHECK_EQ(WaitForSingleObject(t, 5), WAIT_TIMEOUT);
	CHECK_EQ(ResumeThread(t), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 7);
	errno = 0;
	CHECK_EQ(_beginthreadex(NULL, 0, NULL, NULL, 0, NULL), 0);
	CHECK_EQ(errno, EINVAL);
}

static HANDLE done;

static void plain_step(void *arg)
{
	CHECK(SetEvent(done));
	if (arg)
		_endthread();
}

/* The thread closes its own handle; so a stale one is no handle at all. */
static void crt_threads_close_their_handles(void)
{
	done = CreateEventA(NULL, FALSE, FALSE, NULL);
	for (int i = 0; i < 2; i++) {
		uintptr_t t = _beginthread(plain_step, 0, i ? &steps : NULL);
		DWORD flags;

		CHECK(t != (uintptr_t)-1);
		CHECK_EQ(WaitForSingleObject(done, INFINITE), WAIT_OBJECT_0);
		while (GetHandleInformation((HANDLE)t, &flags))
			sched_yield();
		CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	}
	errno = 0;
	CHECK_EQ(_beginthread(NULL, 0, NULL), (uintptr_t)-1);
	CHECK_EQ(errno, EINVAL);
}

/* Runs the function in a child of its own and tells how that ended. */
static void end_with_others_alive(void)
{
	int peer;
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	static char c;

	CHECK_FAILS(ReadFile(h, &c, 1, NULL, &ov), ERROR_IO_PENDING);
	CreateThread(NULL, 0, step, NULL, CREATE_SUSPENDED, NULL);
	ExitProcess(44);
}

static void end_again(void)
{
	ExitProcess(46);
}

static void end_in_handler(void)
{
	atexit(end_again);
	ExitProcess(45);
}

static DWORD WINAPI end_process(LPVOID arg)
{
	ExitProcess((UINT)(ULONG_PTR)arg);
}

static void ended_by_many(void)
{
	for (int i = 0; i < 8; i++)
		CreateThread(NULL, 0, end_process, (LPVOID)47, 0, NULL);
	ExitProcess(47);
}

/* The suspended thread keeps the process after the end of the first (W-THREAD-6). */
static DWORD WINAPI resume_last(LPVOID arg)
{
	char stat[512];

	do
		host_read_proc((DWORD)getpid(), "stat", stat, sizeof(stat));
	while (!strstr(stat, ") Z "));
	CHECK_EQ(ResumeThread(arg), 1);
	return 1;
}

static void ended_by_the_last(void)
{
	HANDLE t = CreateThread(NULL, 0, end_process, (LPVOID)48, CREATE_SUSPENDED, NULL);

	CreateThread(NULL, 0, resume_last, t, 0, NULL);
	ExitThread(2);
}

static void end_of_process(void)
{
	CHECK_EQ(host_exit_status(end_with_others_alive), 44);
	CHECK_EQ(host_exit_status(end_in_handler), 46);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(host_exit_status(ended_by_many), 47);
	CHECK_EQ(host_exit_status(ended_by_the_last), 48);
}

static const struct tap_case cases[] = {
	CASE(suspended, "CREATE_SUSPENDED, SuspendThread, ResumeThread (W-THREAD-1)"),
	CASE(suspended_too_often, "the count's limit"),
	CASE(running_ones_go_on, "a thread that has begun is not suspended"),
	CASE(resumed_by_two, "resumed by two at once"),
	CASE(bad_input, "bad handles, rights and arguments (W-THREAD-1)"),
	CASE(ids, "ids of threads and processes (W-THREAD-5)"),
	CASE(priorities, "priorities are remembered"),
	CASE(switches, "SwitchToThread tells whether it has switched"),
	CASE(crt_threads, "_beginthreadex, _endthreadex (W-THREAD-2)"),
	CASE(crt_threads_close_their_handles, "_beginthread, _endthread"),
	CASE(end_of_process, "ExitProcess (W-PEXIT-1, W-THREAD-6)"),
};

TAP_MAIN(cases)
