// SPDX-License-Identifier: MIT
/* Waits for one, any and all of several objects, and SignalObjectAndWait. */
#include <windows.h>

#include "host.h"

/* WAIT_FAILED, and the last error that belongs to it. */
#define CHECK_WAIT_FAILS(call, error) \
	do { \
		SetLastError(0xdead); \
		CHECK_EQ(call, WAIT_FAILED); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

static BOOL is_set(HANDLE h)
{
	DWORD result = WaitForSingleObject(h, 0);

	CHECK(result == WAIT_OBJECT_0 || result == WAIT_TIMEOUT);
	return result == WAIT_OBJECT_0;
}

static HANDLE weak_copy(HANDLE h, DWORD access)
{
	HANDLE copy;

	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, access, FALSE, 0));
	return copy;
}

static DWORD WINAPI return_arg(LPVOID arg)
{
	return (DWORD)(ULONG_PTR)arg;
}

static void bad_input(void)
{
	HANDLE h[65], port;

	for (int i = 0; i < 65; i++)
		h[i] = host_event(FALSE, TRUE);
	for (int all = 0; all < 2; all++) {
		CHECK_WAIT_FAILS(WaitForMultipleObjects(0, h, all, 0), ERROR_INVALID_PARAMETER);
		CHECK_WAIT_FAILS(WaitForMultipleObjects(65, h, all, 0), ERROR_INVALID_PARAMETER);
		CHECK_WAIT_FAILS(WaitForMultipleObjects(MAXDWORD, h, all, 0),
				 ERROR_INVALID_PARAMETER);
		CHECK_WAIT_FAILS(WaitForMultipleObjects(2, NULL, all, 0), ERROR_NOACCESS);
		h[64] = h[1];
		h[1] = NULL;
		CHECK_WAIT_FAILS(WaitForMultipleObjects(3, h, all, 0), ERROR_INVALID_HANDLE);
		h[1] = weak_copy(h[64], EVENT_MODIFY_STATE);
		CHECK_WAIT_FAILS(WaitForMultipleObjects(3, h, all, 0), ERROR_ACCESS_DENIED);
		CHECK_WAIT_FAILS(WaitForSingleObject(h[1], 0), ERROR_ACCESS_DENIED);
		CHECK(CloseHandle(h[1]));
		CHECK_WAIT_FAILS(WaitForMultipleObjects(3, h, all, INFINITE),
				 ERROR_INVALID_HANDLE);
		h[1] = h[64];
	}
	/* The same object twice, by one handle or two, is for any of them only (W-WAIT-1). */
	h[1] = h[0];
	CHECK_WAIT_FAILS(WaitForMultipleObjects(3, h, TRUE, 0), ERROR_INVALID_PARAMETER);
	h[1] = weak_copy(h[0], SYNCHRONIZE);
	CHECK_WAIT_FAILS(WaitForMultipleObjects(3, h, TRUE, 0), ERROR_INVALID_PARAMETER);
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
	CHECK(port);
	CHECK_WAIT_FAILS(WaitForSingleObject(port, 0), ERROR_INVALID_HANDLE);
	CHECK_WAIT_FAILS(SignalObjectAndWait(h[2], port, 0, FALSE), ERROR_INVALID_HANDLE);
	h[1] = port;
	CHECK_WAIT_FAILS(WaitForMultipleObjects(3, h, FALSE, 0), ERROR_INVALID_HANDLE);
	/* None of them has taken anything. */
	for (int i = 2; i < 64; i++)
		CHECK(is_set(h[i]));
	CHECK(is_set(h[0]));
}

static void any_takes_the_lowest(void)
{
	HANDLE h[64];

	for (int i = 0; i < 64; i++)
		h[i] = host_event(FALSE, i % 7 == 3);
	/* One after the other, the lowest first, and only that one is consumed (W-WAIT-1). */
	for (int i = 3; i < 64; i += 7)
		CHECK_EQ(WaitForMultipleObjects(64, h, FALSE, i & 1 ? INFINITE : 0),
			 WAIT_OBJECT_0 + i);
	SetLastError(7);
	CHECK_EQ(WaitForMultipleObjects(64, h, FALSE, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjects(64, h, FALSE, 5), WAIT_TIMEOUT);
	CHECK_EQ(GetLastError(), 7);
	CHECK(SetEvent(h[63]));
	h[1] = h[0] = h[63];
	CHECK_EQ(WaitForMultipleObjects(64, h, FALSE, INFINITE), WAIT_OBJECT_0);
	CHECK(!is_set(h[63]));
}

static void all_takes_all_or_nothing(void)
{
	HANDLE h[64];

	for (int i = 0; i < 64; i++)
		h[i] = host_event(i == 5, i != 40);
	CHECK_EQ(WaitForMultipleObjects(64, h, TRUE, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjects(64, h, TRUE, 5), WAIT_TIMEOUT);
	for (int i = 0; i < 64; i++) {
		CHECK_EQ(is_set(h[i]), i != 40);
		CHECK(SetEvent(h[i]));
	}
	CHECK_EQ(WaitForMultipleObjects(64, h, TRUE, 0), WAIT_OBJECT_0);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(is_set(h[i]), i == 5);
}

struct job {
	HANDLE h[4];
	DWORD count, result;
	BOOL all;
};

static DWORD WINAPI wait_job(LPVOID arg)
{
	struct job *job = arg;

	job->result = WaitForMultipleObjects(job->count, job->h, job->all, INFINITE);
	return 0;
}

static HANDLE start(struct job *job)
{
	DWORD tid;
	HANDLE t = CreateThread(NULL, 0, wait_job, job, 0, &tid);

	CHECK(t);
	host_wait_syscall(tid, SYS_futex, SYS_futex);
	return t;
}

static void sleepers_are_woken(void)
{
	struct job any = { .count = 3 }, all = { .count = 3, .all = TRUE };
	HANDLE t;

	for (int i = 0; i < 3; i++)
		any.h[i] = all.h[i] = host_event(FALSE, FALSE);
	t = start(&any);
	CHECK(SetEvent(any.h[2]));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(any.result, WAIT_OBJECT_0 + 2);
	CHECK(!is_set(any.h[2]));

	t = start(&all);
	CHECK(SetEvent(all.h[2]) && SetEvent(all.h[0]));
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	/* What it has not got yet, others may take. */
	CHECK(is_set(all.h[0]));
	CHECK(SetEvent(all.h[1]));
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	CHECK(SetEvent(all.h[0]));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(all.result, WAIT_OBJECT_0);
	for (int i = 0; i < 3; i++)
		CHECK(!is_set(all.h[i]));
}

/* Of those that wait for an event, the one that can use it gets it. */
static void the_one_that_can_takes_it(void)
{
	HANDLE a = host_event(FALSE, FALSE), b = host_event(FALSE, FALSE), t1, t2;
	struct job both = { .h = { a, b }, .count = 2, .all = TRUE }, one = { .h = { a }, .count = 1 };

	t1 = start(&both);
	t2 = start(&one);
	CHECK(SetEvent(a));
	CHECK_EQ(WaitForSingleObject(t2, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(t1, 20), WAIT_TIMEOUT);
	CHECK(SetEvent(b) && SetEvent(a));
	CHECK_EQ(WaitForSingleObject(t1, INFINITE), WAIT_OBJECT_0);
}

static void kinds_of_objects(void)
{
	HANDLE t = CreateThread(NULL, 0, return_arg, NULL, 0, NULL), process, h[6];
	int peer;

	CHECK(DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), GetCurrentProcess(), &process,
			      SYNCHRONIZE, FALSE, 0));
	h[0] = GetCurrentProcess();
	h[1] = GetCurrentThread();
	h[2] = process;
	CHECK_EQ(WaitForMultipleObjects(3, h, FALSE, 5), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(GetCurrentProcess(), 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(process, 1), WAIT_TIMEOUT);
	h[3] = t;
	CHECK_EQ(WaitForMultipleObjects(4, h, FALSE, INFINITE), WAIT_OBJECT_0 + 3);
	/* A file nothing is pending on, a thread that is over, a mutex, a semaphore (W-WAIT-3). */
	h[0] = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	h[1] = CreateMutexA(NULL, FALSE, NULL);
	h[2] = CreateSemaphoreA(NULL, 1, 1, NULL);
	h[4] = host_event(FALSE, TRUE);
	CHECK_EQ(WaitForMultipleObjects(5, h, TRUE, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForMultipleObjects(5, h, TRUE, 0), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObject(h[2], 0), WAIT_TIMEOUT);
	CHECK(ReleaseMutex(h[1]));
	CHECK_FAILS(ReleaseMutex(h[1]), ERROR_NOT_OWNER);
}

/* Pending reads and events together, as the loops of servers have them. */
static void files_among_them(void)
{
	int peer[2];
	HANDLE h[3];
	OVERLAPPED ov[2];
	char buf[2];
	DWORD n;

	h[0] = host_event(TRUE, FALSE);
	for (int i = 0; i < 2; i++) {
		h[1 + i] = host_fifo(i ? "a" : "b", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer[i]);
		ov[i] = host_overlapped(NULL);
		CHECK_FAILS(ReadFile(h[1 + i], &buf[i], 1, NULL, &ov[i]), ERROR_IO_PENDING);
	}
	CHECK_EQ(WaitForMultipleObjects(3, h, FALSE, 5), WAIT_TIMEOUT);
	CHECK_EQ(write(peer[1], "x", 1), 1);
	CHECK_EQ(WaitForMultipleObjects(3, h, FALSE, INFINITE), WAIT_OBJECT_0 + 2);
	CHECK(GetOverlappedResult(h[2], &ov[1], &n, FALSE));
	CHECK_EQ(WaitForMultipleObjects(2, h + 1, TRUE, 5), WAIT_TIMEOUT);
	CHECK_EQ(write(peer[0], "y", 1), 1);
	CHECK_EQ(WaitForMultipleObjects(2, h + 1, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(h[1], &ov[0], &n, FALSE));
	CHECK(buf[0] == 'y' && buf[1] == 'x');
}

static void signal_and_wait(void)
{
	HANDLE e = host_event(FALSE, FALSE), f = host_event(FALSE, TRUE), sem, mutex;
	HANDLE weak = weak_copy(e, SYNCHRONIZE), deaf = weak_copy(f, EVENT_MODIFY_STATE);

	CHECK_EQ(SignalObjectAndWait(e, f, 0, FALSE), WAIT_OBJECT_0);
	CHECK(is_set(e) && !is_set(f));
	CHECK_EQ(SignalObjectAndWait(e, f, 5, FALSE), WAIT_TIMEOUT);
	/* What it signals it may wait for. */
	CHECK_EQ(SignalObjectAndWait(e, e, INFINITE, FALSE), WAIT_OBJECT_0);
	CHECK(!is_set(e));

	/* Errors signal nothing, and wait for nothing. */
	CHECK_WAIT_FAILS(SignalObjectAndWait(NULL, f, 0, FALSE), ERROR_INVALID_HANDLE);
	CHECK_WAIT_FAILS(SignalObjectAndWait(e, NULL, 0, FALSE), ERROR_INVALID_HANDLE);
	CHECK_WAIT_FAILS(SignalObjectAndWait(GetCurrentThread(), f, 0, FALSE),
			 ERROR_INVALID_HANDLE);
	CHECK_WAIT_FAILS(SignalObjectAndWait(weak, f, 0, FALSE), ERROR_ACCESS_DENIED);
	CHECK_WAIT_FAILS(SignalObjectAndWait(e, deaf, 0, FALSE), ERROR_ACCESS_DENIED);
	CHECK(!is_set(e));

	sem = CreateSemaphoreA(NULL, 0, 1, NULL);
	CHECK(SetEvent(f));
	CHECK_EQ(SignalObjectAndWait(sem, f, 0, FALSE), WAIT_OBJECT_0);
	CHECK(SetEvent(f));
	CHECK_WAIT_FAILS(SignalObjectAndWait(sem, f, 0, FALSE), ERROR_TOO_MANY_POSTS);
	mutex = CreateMutexA(NULL, FALSE, NULL);
	CHECK_WAIT_FAILS(SignalObjectAndWait(mutex, f, 0, FALSE), ERROR_NOT_OWNER);
	CHECK(is_set(f));
	CHECK_EQ(WaitForSingleObject(mutex, 0), WAIT_OBJECT_0);
	CHECK_EQ(SignalObjectAndWait(mutex, sem, 0, FALSE), WAIT_OBJECT_0);
	CHECK_FAILS(ReleaseMutex(mutex), ERROR_NOT_OWNER);
}

static HANDLE ping, pong;
enum { ROUNDS = 5000 };

static DWORD WINAPI answer(LPVOID arg)
{
	(void)arg;
	CHECK_EQ(WaitForSingleObject(ping, INFINITE), WAIT_OBJECT_0);
	for (int i = 1; i < ROUNDS; i++)
		CHECK_EQ(SignalObjectAndWait(pong, ping, INFINITE, FALSE), WAIT_OBJECT_0);
	CHECK(SetEvent(pong));
	return 0;
}

static void signal_and_wait_in_turn(void)
{
	HANDLE t;

	ping = host_event(FALSE, FALSE);
	pong = host_event(FALSE, FALSE);
	t = CreateThread(NULL, 0, answer, NULL, 0, NULL);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(SignalObjectAndWait(ping, pong, INFINITE, FALSE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static DWORD WINAPI pulse_until_over(LPVOID arg)
{
	HANDLE *h = arg;

	while (WaitForSingleObject(h[1], 0) == WAIT_TIMEOUT)
		CHECK(PulseEvent(h[0]));
	return 0;
}

/*
 * The wait has begun when the event is signalled: a pulse, which reaches only those who wait,
 * must reach the thread that has asked for it by SignalObjectAndWait.
 */
static DWORD WINAPI pulse_back(LPVOID arg)
{
	HANDLE *h = arg;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(WaitForSingleObject(h[0], INFINITE), WAIT_OBJECT_0);
		CHECK(PulseEvent(h[1]));
	}
	return 0;
}

static void signal_and_wait_is_one_step(void)
{
	HANDLE h[2] = { host_event(FALSE, FALSE), host_event(TRUE, FALSE) };
	HANDLE t = CreateThread(NULL, 0, pulse_back, h, 0, NULL);

	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(SignalObjectAndWait(h[0], h[1], INFINITE, FALSE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void pulses(void)
{
	HANDLE h[2] = { host_event(TRUE, FALSE), host_event(TRUE, FALSE) }, t[3], p;
	struct job job[3];

	/* Nobody waits: nothing is left behind. */
	CHECK(PulseEvent(h[0]) && !is_set(h[0]));
	CHECK(SetEvent(h[0]) && PulseEvent(h[0]) && !is_set(h[0]));
	for (int i = 0; i < 3; i++) {
		job[i] = (struct job){ .h = { h[0] }, .count = 1 };
		t[i] = start(&job[i]);
	}
	CHECK(PulseEvent(h[0]));
	CHECK_EQ(WaitForMultipleObjects(3, t, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK(!is_set(h[0]));

	ping = host_event(FALSE, FALSE);
	for (int i = 0; i < 2; i++) {
		job[i] = (struct job){ .h = { ping }, .count = 1 };
		t[i] = start(&job[i]);
	}
	CHECK(PulseEvent(ping));
	CHECK_EQ(WaitForMultipleObjects(2, t, FALSE, INFINITE) & ~1u, WAIT_OBJECT_0);
	CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, 20), WAIT_TIMEOUT);
	CHECK(PulseEvent(ping));
	CHECK_EQ(WaitForMultipleObjects(2, t, TRUE, INFINITE), WAIT_OBJECT_0);

	p = CreateThread(NULL, 0, pulse_until_over, h, 0, NULL);
	for (int i = 0; i < 200; i++)
		CHECK_EQ(WaitForSingleObject(h[0], INFINITE), WAIT_OBJECT_0);
	CHECK(SetEvent(h[1]));
	CHECK_EQ(WaitForSingleObject(p, INFINITE), WAIT_OBJECT_0);
	CHECK_FAILS(PulseEvent(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(PulseEvent(weak_copy(h[0], SYNCHRONIZE)), ERROR_ACCESS_DENIED);
}

/* The wait goes on for the object, whose handle is nobody's any more (W-WAIT-2). */
static void closing_what_is_waited_for(void)
{
	struct job job = { .count = 2 };
	HANDLE t, copy;

	job.h[0] = host_event(TRUE, FALSE);
	job.h[1] = host_event(TRUE, FALSE);
	copy = weak_copy(job.h[1], EVENT_MODIFY_STATE);
	t = start(&job);
	CHECK(CloseHandle(job.h[0]) && CloseHandle(job.h[1]));
	CHECK_WAIT_FAILS(WaitForSingleObject(job.h[0], 0), ERROR_INVALID_HANDLE);
	/* Others come and go meanwhile. */
	for (int i = 0; i < 1000; i++)
		CHECK(CloseHandle(host_event(TRUE, TRUE)));
	CHECK_EQ(WaitForSingleObject(t, 5), WAIT_TIMEOUT);
	CHECK(SetEvent(copy));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(job.result, WAIT_OBJECT_0 + 1);
}

static const struct tap_case cases[] = {
	CASE(bad_input, "bad counts, handles, rights; duplicates (W-WAIT-1/2)"),
	CASE(any_takes_the_lowest, "any of 64: the lowest, and it alone (W-WAIT-1)"),
	CASE(all_takes_all_or_nothing, "all of 64, or nothing (W-WAIT-1)"),
	CASE(sleepers_are_woken, "any and all, asleep (W-WAIT-1)"),
	CASE(the_one_that_can_takes_it, "an event goes to the one that can use it"),
	CASE(kinds_of_objects, "every kind of object (W-WAIT-3)"),
	CASE(files_among_them, "files among the objects (W-WAIT-3, W-EVT-1)"),
	CASE(signal_and_wait, "SignalObjectAndWait"),
	CASE(signal_and_wait_in_turn, "SignalObjectAndWait, two in turn"),
	CASE(signal_and_wait_is_one_step, "SignalObjectAndWait is one step"),
	CASE(pulses, "PulseEvent reaches those who wait (W-EVENT-2)"),
	CASE(closing_what_is_waited_for, "closing what is waited for (W-WAIT-2)"),
};

TAP_MAIN(cases)
