// SPDX-License-Identifier: MIT
/*
 * Threads held at one point of the library, while others go on. The test is linked with the static
 * library, and stands between its files.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <windows.h>

#include "host.h"

struct cio_thread;

void __real_cio_unpark(struct cio_thread *thread);
void __wrap_cio_unpark(struct cio_thread *thread);
void __real_cio_wake_later(struct cio_thread *thread);
void __wrap_cio_wake_later(struct cio_thread *thread);
void __real_cio_pool_call(struct cio_thread *self, const OVERLAPPED_ENTRY *entry);
void __wrap_cio_pool_call(struct cio_thread *self, const OVERLAPPED_ENTRY *entry);
bool __real_cio_service_start(void (*main)(void *arg), void *arg);
bool __wrap_cio_service_start(void (*main)(void *arg), void *arg);
struct cio_ring;
bool __real_cio_op_event(struct cio_ring *ring, uint64_t tag, int res);
bool __wrap_cio_op_event(struct cio_ring *ring, uint64_t tag, int res);
void __real_cio_thread_each(void (*fn)(struct cio_thread *thread, void *arg), void *arg);
void __wrap_cio_thread_each(void (*fn)(struct cio_thread *thread, void *arg), void *arg);
void WINAPI __real_LeaveCriticalSection(LPCRITICAL_SECTION cs);
void WINAPI __wrap_LeaveCriticalSection(LPCRITICAL_SECTION cs);
void WINAPI __real_ReleaseSRWLockShared(PSRWLOCK lock);
void WINAPI __wrap_ReleaseSRWLockShared(PSRWLOCK lock);
void WINAPI __real_ReleaseSRWLockExclusive(PSRWLOCK lock);
void WINAPI __wrap_ReleaseSRWLockExclusive(PSRWLOCK lock);
long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, ...);

static void wait_while(atomic_int *word, int value)
{
	while (atomic_load(word) == value)
		sched_yield();
}

/* ---- the end of a thread's second wait, while the wake-up of its first is still on its way ---- */

static HANDLE both, second;
static DWORD sleeper, other;
static atomic_int hold_unpark, unpark_held, second_ends, waits_over, setter_done;
/* Of which nobody may be told before it is final; and how often somebody was. */
static OVERLAPPED *_Atomic watched;
static atomic_int told;

static void nothing(int sig)
{
	(void)sig;
}

static void check_watched(void)
{
	OVERLAPPED *ov = atomic_load(&watched);

	if (!ov)
		return;
	CHECK_EQ(__atomic_load_n(&ov->Internal, __ATOMIC_ACQUIRE), 0);
	CHECK_EQ(ov->InternalHigh, 1);
	atomic_fetch_add(&told, 1);
}

void __wrap_cio_unpark(struct cio_thread *thread)
{
	check_watched();
	if (atomic_exchange(&hold_unpark, 0)) {
		atomic_store(&unpark_held, 1);
		wait_while(&second_ends, 0);
	}
	__real_cio_unpark(thread);
}

/* The wake-up comes, and finds what there is to be found: an end, or nothing, and so it sleeps on. */
static void let_it_come(void)
{
	atomic_store(&second_ends, 2);
	wait_while(&setter_done, 0);
	while (atomic_load(&waits_over) < 2 && host_syscall_of(sleeper) != SYS_futex)
		sched_yield();
}

/* See below: the request has let go of its file, and who waits for its event is about to be told. */
static atomic_int stage;
static DWORD ender, closer;
enum { OFF, ARMED, REAPED, LOCKED, TOLD, CLOSED };

static void see_the_file_stay(void)
{
	if (atomic_load(&stage) != LOCKED || (DWORD)__real_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0) != ender)
		return;
	atomic_store(&stage, TOLD);
	while (atomic_load(&stage) != CLOSED && host_syscall_of(closer) != SYS_futex)
		sched_yield();
	CHECK_EQ(atomic_load(&stage), TOLD);
}

void __wrap_cio_wake_later(struct cio_thread *thread)
{
	bool of_second = atomic_load(&unpark_held) && !atomic_load(&second_ends);

	check_watched();
	see_the_file_stay();
	__real_cio_wake_later(thread);
	if (of_second)
		let_it_come();
}

static DWORD WINAPI waits_twice(LPVOID arg)
{
	(void)arg;
	CHECK_EQ(WaitForSingleObject(both, INFINITE), WAIT_OBJECT_0);
	atomic_store(&waits_over, 1);
	CHECK_EQ(WaitForSingleObject(second, INFINITE), WAIT_OBJECT_0);
	atomic_store(&waits_over, 2);
	/* Alive, so that it can be looked at. */
	CHECK_EQ(WaitForSingleObject(both, INFINITE), WAIT_OBJECT_0);
	return 0;
}

static DWORD WINAPI waits_once(LPVOID arg)
{
	(void)arg;
	CHECK_EQ(WaitForSingleObject(both, INFINITE), WAIT_OBJECT_0);
	return 0;
}

static DWORD WINAPI sets_both(LPVOID arg)
{
	(void)arg;
	CHECK(SetEvent(both));
	atomic_store(&setter_done, 1);
	return 0;
}

static void wakes_are_not_lost(void)
{
	const struct sigaction interrupts = { .sa_handler = nothing };
	HANDLE t[3];
	DWORD id;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer holds signals back");
	CHECK_EQ(sigaction(SIGUSR1, &interrupts, NULL), 0);
	both = CreateEventA(NULL, TRUE, FALSE, NULL);
	second = CreateEventA(NULL, TRUE, FALSE, NULL);
	/* Who waits last is woken first: his wake-up is held, and with it that of the other. */
	t[0] = CreateThread(NULL, 0, waits_twice, NULL, 0, &sleeper);
	host_wait_syscall(sleeper, SYS_futex, SYS_futex);
	t[1] = CreateThread(NULL, 0, waits_once, NULL, 0, &other);
	host_wait_syscall(other, SYS_futex, SYS_futex);
	atomic_store(&hold_unpark, 1);
	t[2] = CreateThread(NULL, 0, sets_both, NULL, 0, &id);
	wait_while(&unpark_held, 0);
	/* It sees the end of its wait by itself, and begins the next. */
	CHECK_EQ(syscall(SYS_tgkill, getpid(), sleeper, SIGUSR1), 0);
	wait_while(&waits_over, 0);
	host_wait_syscall(sleeper, SYS_futex, SYS_futex);
	CHECK(SetEvent(second));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
}

/* ---- the event of a request, and what stands in its OVERLAPPED as the event wakes somebody ---- */

static OVERLAPPED request;
static HANDLE from;

static DWORD WINAPI reads_with_event(LPVOID arg)
{
	char c;

	(void)arg;
	CHECK(ReadFile(from, &c, 1, NULL, &request));
	return 0;
}

static DWORD WINAPI waits_for_event(LPVOID arg)
{
	(void)arg;
	CHECK_EQ(WaitForSingleObject(request.hEvent, INFINITE), WAIT_OBJECT_0);
	return 0;
}

/* Somebody waits for the event, and the byte comes. */
static void end_watched(int peer)
{
	DWORD id;
	HANDLE t = CreateThread(NULL, 0, waits_for_event, NULL, 0, &id);

	host_wait_syscall(id, SYS_futex, SYS_io_uring_enter);
	atomic_store(&told, 0);
	atomic_store(&watched, &request);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	atomic_store(&watched, NULL);
	CHECK(atomic_load(&told) >= 1);
}

static void events_are_set_last(void)
{
	HANDLE t;
	DWORD id;
	int peer;
	char c;

	from = host_fifo("f", GENERIC_READ, 0, &peer);
	request = host_overlapped(host_manual_event());
	t = CreateThread(NULL, 0, reads_with_event, NULL, 0, &id);
	host_wait_syscall(id, SYS_read, SYS_read);
	end_watched(peer);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);

	from = host_fifo("g", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	request.InternalHigh = 99;
	CHECK_FAILS(ReadFile(from, &c, 1, NULL, &request), ERROR_IO_PENDING);
	end_watched(peer);
}

/* ---- a callback that a thread of the pool has taken out of the queue, and has not begun ---- */

static atomic_int hold_call, call_held, called, cancelled;

void __wrap_cio_pool_call(struct cio_thread *self, const OVERLAPPED_ENTRY *entry)
{
	if (atomic_load(&hold_call)) {
		atomic_store(&call_held, 1);
		wait_while(&hold_call, 1);
	}
	__real_cio_pool_call(self, entry);
}

static VOID CALLBACK count_call(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)instance;
	(void)context;
	(void)work;
	atomic_fetch_add(&called, 1);
}

static DWORD WINAPI cancels_and_closes(LPVOID work)
{
	WaitForThreadpoolWorkCallbacks(work, TRUE);
	atomic_store(&cancelled, 1);
	CloseThreadpoolWork(work);
	return 0;
}

static void a_callback_under_way_is_waited_for(void)
{
	PTP_WORK work = CreateThreadpoolWork(count_call, NULL, NULL);
	HANDLE t;
	DWORD id;

	CHECK(work);
	atomic_store(&hold_call, 1);
	for (int i = 0; i < 10; i++)
		SubmitThreadpoolWork(work);
	wait_while(&call_held, 0);
	t = CreateThread(NULL, 0, cancels_and_closes, work, 0, &id);
	while (!atomic_load(&cancelled) && host_syscall_of(id) != SYS_futex)
		sched_yield();
	CHECK(!atomic_load(&cancelled));
	atomic_store(&hold_call, 0);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(atomic_load(&called) >= 1 && atomic_load(&called) < 10);
}

/* ---- a file whose last handle is closed while who ends its last request has let go of it ---- */

/* The ender has the byte in hand, and comes to the lock only when the closer has it for the last time. */
bool __wrap_cio_op_event(struct cio_ring *ring, uint64_t tag, int res)
{
	if (atomic_load(&stage) == ARMED && res == 1) {
		ender = (DWORD)__real_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
		atomic_store(&stage, REAPED);
		wait_while(&stage, REAPED);
	}
	return __real_cio_op_event(ring, tag, res);
}

void __wrap_cio_thread_each(void (*fn)(struct cio_thread *thread, void *arg), void *arg)
{
	if (atomic_load(&stage) == REAPED) {
		atomic_store(&stage, LOCKED);
		while (host_syscall_of(ender) != SYS_futex)
			sched_yield();
	}
	__real_cio_thread_each(fn, arg);
}

/* The closer has dropped the lock, for which the ender waits, and has the file's last reference soon. */
static long wake_and_wait(const long *arg)
{
	long woken = __real_syscall(SYS_futex, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);

	wait_while(&stage, LOCKED);
	return woken;
}

static DWORD WINAPI closes(LPVOID file)
{
	closer = GetCurrentThreadId();
	CHECK(CloseHandle(file));
	atomic_store(&stage, CLOSED);
	return 0;
}

static void files_outlive_their_requests(void)
{
	HANDLE t[2];
	DWORD id;
	int peer;
	char c;

	from = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	request = host_overlapped(host_manual_event());
	CHECK_FAILS(ReadFile(from, &c, 1, NULL, &request), ERROR_IO_PENDING);
	t[0] = CreateThread(NULL, 0, waits_for_event, NULL, 0, &id);
	host_wait_syscall(id, SYS_futex, SYS_io_uring_enter);
	atomic_store(&stage, ARMED);
	CHECK_EQ(write(peer, "x", 1), 1);
	wait_while(&stage, ARMED);
	t[1] = CreateThread(NULL, 0, closes, from, 0, &id);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&stage), CLOSED);
	CHECK(request.Internal == 0 && c == 'x');
}

/* ---- a cancel's signal that is refused: who sends it again is called without a lock ---- */

static atomic_int refuse_signal, started;

long __wrap_syscall(long nr, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_tgkill && atomic_exchange(&refuse_signal, 0)) {
		errno = EAGAIN;
		return -1;
	}
	if (nr == SYS_futex && (arg[1] & FUTEX_CMD_MASK) == FUTEX_WAKE &&
	    atomic_load(&stage) == LOCKED)
		return wake_and_wait(arg);
	return __real_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

bool __wrap_cio_service_start(void (*main)(void *arg), void *arg)
{
	/* It waits for ever if the library's lock is held. */
	CHECK(!second || SetEvent(second));
	atomic_fetch_add(&started, 1);
	return __real_cio_service_start(main, arg);
}

static DWORD WINAPI reads(LPVOID file)
{
	char byte;
	DWORD n;

	CHECK_FAILS(ReadFile(file, &byte, 1, &n, NULL), ERROR_OPERATION_ABORTED);
	return 0;
}

static void threads_start_without_the_lock(void)
{
	int peer;
	HANDLE h = host_fifo("f", GENERIC_READ, 0, &peer), t;
	DWORD id;

	second = CreateEventA(NULL, TRUE, FALSE, NULL);
	for (int by_file = 1; by_file >= 0; by_file--) {
		t = CreateThread(NULL, 0, reads, h, 0, &id);
		host_wait_syscall(id, SYS_read, SYS_read);
		atomic_store(&refuse_signal, 1);
		CHECK(by_file ? CancelIoEx(h, NULL) : CancelSynchronousIo(t));
		CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	}
	CHECK(atomic_load(&started) >= 1);
}

/* ---- a wake-up that comes when who is to sleep has let go of the lock, and does not sleep yet ---- */

static CONDITION_VARIABLE condition;
static atomic_int wake_on_release;

static void released(void)
{
	if (atomic_exchange(&wake_on_release, 0))
		WakeConditionVariable(&condition);
}

void WINAPI __wrap_LeaveCriticalSection(LPCRITICAL_SECTION cs)
{
	__real_LeaveCriticalSection(cs);
	released();
}

void WINAPI __wrap_ReleaseSRWLockShared(PSRWLOCK lock)
{
	__real_ReleaseSRWLockShared(lock);
	released();
}

void WINAPI __wrap_ReleaseSRWLockExclusive(PSRWLOCK lock)
{
	__real_ReleaseSRWLockExclusive(lock);
	released();
}

static void conditions_are_not_missed(void)
{
	CRITICAL_SECTION cs;
	SRWLOCK lock = SRWLOCK_INIT;

	InitializeCriticalSection(&cs);
	EnterCriticalSection(&cs);
	atomic_store(&wake_on_release, 1);
	CHECK(SleepConditionVariableCS(&condition, &cs, 10000));
	LeaveCriticalSection(&cs);
	DeleteCriticalSection(&cs);
	AcquireSRWLockShared(&lock);
	atomic_store(&wake_on_release, 1);
	CHECK(SleepConditionVariableSRW(&condition, &lock, 10000, CONDITION_VARIABLE_LOCKMODE_SHARED));
	ReleaseSRWLockShared(&lock);
	AcquireSRWLockExclusive(&lock);
	atomic_store(&wake_on_release, 1);
	CHECK(SleepConditionVariableSRW(&condition, &lock, 10000, 0));
	ReleaseSRWLockExclusive(&lock);
	CHECK_EQ(atomic_load(&wake_on_release), 0);
}

static const struct tap_case cases[] = {
	CASE(wakes_are_not_lost, "a wake-up on its way serves the thread's next wait, too"),
	CASE(events_are_set_last, "an event wakes nobody before its OVERLAPPED is final (W-OVL-8)"),
	CASE(a_callback_under_way_is_waited_for, "a cancel waits for the callback that is taken"),
	CASE(files_outlive_their_requests, "a file is there until its last request has ended"),
	CASE(threads_start_without_the_lock, "a thread of the library's starts without its lock"),
	CASE(conditions_are_not_missed, "who releases the lock to sleep misses no wake-up"),
};

TAP_MAIN(cases)
