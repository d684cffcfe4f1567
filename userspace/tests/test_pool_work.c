// SPDX-License-Identifier: MIT
/* The thread pool: work, its threads, and the end of the process. */
#include "pool.h"

/* Whether the process has so many threads beside the first; ThreadSanitizer's are not to be counted. */
static bool has_threads(long count)
{
	return HOST_TSAN || host_status_of((DWORD)getpid(), "Threads:") - 1 == count;
}

static DWORD WINAPI open_gate_once_waited(LPVOID arg)
{
	host_wait_syscall((DWORD)(ULONG_PTR)arg, SYS_futex, SYS_io_uring_enter);
	CHECK(SetEvent(gate));
	return 0;
}

static void forget_queued_work(void)
{
	TP_CALLBACK_ENVIRON env;
	PTP_POOL pool = CreateThreadpool(NULL);
	PTP_WORK work;
	HANDLE t;

	gate = host_manual_event();
	SetThreadpoolThreadMaximum(pool, 1);
	InitializeThreadpoolEnvironment(&env);
	SetThreadpoolCallbackPool(&env, pool);
	work = CreateThreadpoolWork(wait_at_gate, NULL, &env);
	for (int i = 0; i < 10; i++)
		SubmitThreadpoolWork(work);
	while (!atomic_load(&calls))
		usleep(200);
	t = CreateThread(NULL, 0, open_gate_once_waited, (LPVOID)(ULONG_PTR)GetCurrentThreadId(), 0,
			 NULL);
	/* The one that runs is waited for, the others are forgotten. */
	WaitForThreadpoolWorkCallbacks(work, TRUE);
	CHECK_EQ(WaitForSingleObject(gate, 0), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&calls), 1);
	SubmitThreadpoolWork(work);
	SubmitThreadpoolWork(work);
	WaitForThreadpoolWorkCallbacks(work, FALSE);
	CHECK_EQ(atomic_load(&calls), 3);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CloseThreadpoolWork(work);
	CloseThreadpool(pool);
}

static VOID CALLBACK count_work(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	CHECK(instance && work);
	atomic_fetch_add((atomic_int *)context, 1);
}

static VOID CALLBACK count_simple(PTP_CALLBACK_INSTANCE instance, PVOID context)
{
	SetEventWhenCallbackReturns(instance, called);
	atomic_fetch_add((atomic_int *)context, 1);
}

static DWORD WINAPI count_item(LPVOID context)
{
	atomic_fetch_add((atomic_int *)context, 1);
	CHECK(SetEvent(called));
	return 0;
}

static void work(void)
{
	PTP_WORK w = CreateThreadpoolWork(count_work, &calls, NULL);

	called = host_event(FALSE, FALSE);
	for (int round = 1; round <= 20; round++) {
		for (int i = 0; i < 500; i++)
			SubmitThreadpoolWork(w);
		WaitForThreadpoolWorkCallbacks(w, FALSE);
		CHECK_EQ(atomic_load(&calls), round * 500);
	}
	SubmitThreadpoolWork(w);
	CloseThreadpoolWork(w);
	CHECK(TrySubmitThreadpoolCallback(count_simple, &calls, NULL));
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
	CHECK(QueueUserWorkItem(count_item, &calls, WT_EXECUTEDEFAULT));
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
	CHECK(QueueUserWorkItem(count_item, &calls, WT_EXECUTEINIOTHREAD | WT_EXECUTELONGFUNCTION));
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
	while (atomic_load(&calls) < 10004)
		usleep(200);
	CHECK_EQ(atomic_load(&calls), 10004);
}

/* Each waits for all to be there: so there must be a thread for each. */
enum { TOGETHER = 12 };
static int fds[2];

static VOID CALLBACK meet_in_wait(PTP_CALLBACK_INSTANCE instance, PVOID context)
{
	(void)instance;
	(void)context;
	if (atomic_fetch_add(&calls, 1) == TOGETHER - 1)
		CHECK(SetEvent(gate));
	CHECK_EQ(WaitForSingleObject(gate, INFINITE), WAIT_OBJECT_0);
	CHECK(ReleaseSemaphore(called, 1, NULL));
}

static VOID CALLBACK meet_in_read(PTP_CALLBACK_INSTANCE instance, PVOID context)
{
	char c;

	(void)instance;
	(void)context;
	if (atomic_fetch_add(&calls, 1) == TOGETHER - 1)
		CHECK_EQ(write(fds[1], "xxxxxxxxxxxxxxxxx", TOGETHER), TOGETHER);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK(ReleaseSemaphore(called, 1, NULL));
}

static void meet(PTP_SIMPLE_CALLBACK fn)
{
	gate = host_manual_event();
	called = CreateSemaphoreA(NULL, 0, TOGETHER, NULL);
	CHECK(called);
	CHECK_EQ(pipe(fds), 0);
	for (int i = 0; i < TOGETHER; i++)
		CHECK(TrySubmitThreadpoolCallback(fn, NULL, NULL));
	for (int i = 0; i < TOGETHER; i++)
		CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
}

static void as_many_threads_as_sleep(void)
{
	meet(meet_in_wait);
}

static void also_outside(void)
{
	meet(meet_in_read);
}

/* As many as have slots compute, and say so: another runs beside them, and ends that. */
static atomic_bool enough;

static VOID CALLBACK compute(PTP_CALLBACK_INSTANCE instance, PVOID context)
{
	(void)context;
	CHECK(CallbackMayRunLong(instance));
	atomic_fetch_add(&calls, 1);
	while (!atomic_load(&enough))
		;
}

static DWORD WINAPI end_it(LPVOID context)
{
	(void)context;
	atomic_store(&enough, true);
	CHECK(SetEvent(called));
	return 0;
}

static void long_callbacks(void)
{
	int slots = (int)sysconf(_SC_NPROCESSORS_ONLN);

	called = host_event(FALSE, FALSE);
	for (int i = 0; i < slots; i++)
		CHECK(TrySubmitThreadpoolCallback(compute, NULL, NULL));
	while (atomic_load(&calls) < slots)
		usleep(200);
	CHECK(QueueUserWorkItem(end_it, NULL, WT_EXECUTEDEFAULT));
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
}

static struct {
	HANDLE event, mutex, semaphore;
	CRITICAL_SECTION section;
} after;

static VOID CALLBACK leave_all_behind(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)context;
	(void)work;
	EnterCriticalSection(&after.section);
	CHECK_EQ(WaitForSingleObject(after.mutex, INFINITE), WAIT_OBJECT_0);
	LeaveCriticalSectionWhenCallbackReturns(instance, &after.section);
	ReleaseMutexWhenCallbackReturns(instance, after.mutex);
	ReleaseSemaphoreWhenCallbackReturns(instance, after.semaphore, 2);
	SetEventWhenCallbackReturns(instance, after.event);
	CHECK_EQ(WaitForSingleObject(after.event, 0), WAIT_TIMEOUT);
	DisassociateCurrentThreadFromCallback(instance);
	/* Nobody waits for it any more. */
	CHECK_EQ(WaitForSingleObject(gate, INFINITE), WAIT_OBJECT_0);
}

static void when_it_returns(void)
{
	PTP_WORK w = CreateThreadpoolWork(leave_all_behind, NULL, NULL);

	gate = host_manual_event();
	after.event = host_manual_event();
	after.mutex = CreateMutexA(NULL, FALSE, NULL);
	after.semaphore = CreateSemaphoreA(NULL, 0, 5, NULL);
	InitializeCriticalSection(&after.section);
	SubmitThreadpoolWork(w);
	WaitForThreadpoolWorkCallbacks(w, FALSE);
	CloseThreadpoolWork(w);
	CHECK_EQ(WaitForSingleObject(after.event, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(after.mutex, 0), WAIT_TIMEOUT);
	CHECK(!TryEnterCriticalSection(&after.section));
	CHECK(SetEvent(gate));
	CHECK_EQ(WaitForSingleObject(after.event, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(WaitForSingleObject(after.semaphore, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(after.semaphore, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(after.mutex, 0), WAIT_OBJECT_0);
	CHECK(TryEnterCriticalSection(&after.section));
}

static void limits(void)
{
	TP_CALLBACK_ENVIRON env;
	PTP_POOL pool = CreateThreadpool(NULL);
	PTP_WORK work;

	gate = host_manual_event();
	CHECK(SetThreadpoolThreadMinimum(pool, 3));
	CHECK(has_threads(3));
	SetThreadpoolThreadMaximum(pool, 4);
	InitializeThreadpoolEnvironment(&env);
	SetThreadpoolCallbackPool(&env, pool);
	work = CreateThreadpoolWork(wait_at_gate, NULL, &env);
	for (int i = 0; i < 8; i++)
		SubmitThreadpoolWork(work);
	while (atomic_load(&calls) < 4)
		usleep(200);
	CHECK(has_threads(4));
	CHECK(SetEvent(gate));
	WaitForThreadpoolWorkCallbacks(work, FALSE);
	CHECK_EQ(atomic_load(&calls), 8);
	/* The pool ends with what is in it. */
	CloseThreadpool(pool);
	SubmitThreadpoolWork(work);
	WaitForThreadpoolWorkCallbacks(work, FALSE);
	CHECK_EQ(atomic_load(&calls), 9);
	CloseThreadpoolWork(work);
	while (!has_threads(0))
		usleep(200);
}

static void idle_threads_end(void)
{
	called = host_event(FALSE, FALSE);
	CHECK(QueueUserWorkItem(count_item, &calls, 0));
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
	CHECK(HOST_TSAN || !has_threads(0));
	while (!has_threads(0))
		usleep(10000);
}

/* ---- the process ---- */

static VOID CALLBACK no_io(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID overlapped,
			   ULONG result, ULONG_PTR bytes, PTP_IO io)
{
	(void)instance;
	(void)context;
	(void)overlapped;
	(void)result;
	(void)bytes;
	(void)io;
}

static void leave_with_idle_pool(void)
{
	int peer;
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);

	called = host_event(FALSE, FALSE);
	CHECK(CreateThreadpoolIo(h, no_io, NULL, NULL));
	CHECK(QueueUserWorkItem(count_item, &calls, 0));
	CHECK_EQ(WaitForSingleObject(called, INFINITE), WAIT_OBJECT_0);
	ExitThread(21);
}

static atomic_bool go_idle;

static DWORD WINAPI stay_busy(LPVOID arg)
{
	(void)arg;
	while (!atomic_load(&go_idle))
		sched_yield();
	return 0;
}

/* Behind the library's own destructor, which made its key before. */
static void linger(void *arg)
{
	(void)arg;
	atomic_store(&go_idle, true);
	for (;;)
		pause();
}

/* The pool becomes idle when the last thread is past the library, and not yet gone. */
static void leave_while_pool_gets_idle(void)
{
	pthread_key_t key;

	/* The library knows the thread from here on, and has its key. */
	CHECK_EQ(SleepEx(0, TRUE), 0);
	CHECK(QueueUserWorkItem(stay_busy, NULL, 0));
	CHECK_EQ(pthread_key_create(&key, linger), 0);
	CHECK_EQ(pthread_setspecific(key, &go_idle), 0);
	ExitThread(23);
}

static DWORD WINAPI outlive_all(LPVOID arg)
{
	char stat[512];

	do
		host_read_proc((DWORD)getpid(), "stat", stat, sizeof(stat));
	while (!strstr(stat, ") Z "));
	CHECK_EQ(write((int)(ULONG_PTR)arg, "x", 1), 1);
	return 0;
}

static void leave_with_busy_pool(void)
{
	CHECK(QueueUserWorkItem(outlive_all, (LPVOID)(ULONG_PTR)fds[1], 0));
	ExitThread(22);
}

static void end_of_last_thread(void)
{
	char c;

	if (HOST_SANITIZED)
		SKIP("a sanitizer's own thread keeps the process");
	for (int i = 0; i < 20; i++)
		CHECK_EQ(host_exit_status(leave_with_idle_pool), 21);
	CHECK_EQ(host_exit_status(leave_while_pool_gets_idle), 23);
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(host_exit_status(leave_with_busy_pool), 22);
		CHECK_EQ(read(fds[0], &c, 1), 1);
	}
}

static void child_has_a_pool(void)
{
	PTP_WORK w = CreateThreadpoolWork(count_work, &calls, NULL);

	if (HOST_SANITIZED)
		SKIP("a sanitizer's locks do not survive a fork with threads");
	SubmitThreadpoolWork(w);
	WaitForThreadpoolWorkCallbacks(w, FALSE);
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t pid;

		SubmitThreadpoolWork(w);
		pid = fork();
		if (pid == 0) {
			alarm(30);
			atomic_store(&calls, 0);
			/* What the parent expects is not expected here. */
			WaitForThreadpoolWorkCallbacks(w, FALSE);
			SubmitThreadpoolWork(w);
			WaitForThreadpoolWorkCallbacks(w, FALSE);
			_exit(atomic_load(&calls));
		}
		CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 1);
		WaitForThreadpoolWorkCallbacks(w, FALSE);
		CHECK_EQ(atomic_load(&calls), 2 + i);
	}
}

static const struct tap_case cases[] = {
	CASE(forget_queued_work, "waiting, and forgetting what is queued"),
	CASE(work, "work, simple callbacks, work items"),
	CASE(as_many_threads_as_sleep, "a thread for each callback that waits"),
	CASE(also_outside, "and for each that sleeps outside of the library"),
	CASE(long_callbacks, "a callback that computes for long gives its slot back"),
	CASE(when_it_returns, "what is done when a callback has returned, or has been let go"),
	CASE(limits, "a pool of one's own, its limits and its end"),
	CASE(idle_threads_end, "idle threads end"),
	CASE(end_of_last_thread, "idle threads do not keep the process (W-THREAD-6)"),
	CASE(child_has_a_pool, "the child of a fork has a pool"),
};

TAP_MAIN(cases)
