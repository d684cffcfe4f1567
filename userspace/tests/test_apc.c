// SPDX-License-Identifier: MIT
/* APCs: which waits run them, what goes first, and what becomes of those that are late. */
#include <windows.h>

#include "host.h"

/* What has run, in order. */
static ULONG_PTR ran[64];
static int count;

static void CALLBACK note(ULONG_PTR data)
{
	CHECK(count < 64);
	ran[count++] = data;
}

static void queue(ULONG_PTR data)
{
	CHECK(QueueUserAPC(note, GetCurrentThread(), data));
}

/* As many as that have run since the last time. */
static int ran_since(void)
{
	int n = count;

	count = 0;
	return n;
}

static void which_waits_run_them(void)
{
	HANDLE unset = host_event(FALSE, FALSE), two[2] = { unset, host_event(FALSE, FALSE) }, m;
	OVERLAPPED ov = host_overlapped(host_event(TRUE, FALSE));
	int peer;
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	DWORD n;
	char c;

	CHECK_FAILS(ReadFile(h, &c, 1, NULL, &ov), ERROR_IO_PENDING);
	queue(1);
	/* W-APC-8 */
	CHECK_EQ(WaitForSingleObject(unset, 1), WAIT_TIMEOUT);
	CHECK_EQ(WaitForSingleObjectEx(unset, 1, FALSE), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjects(2, two, FALSE, 1), WAIT_TIMEOUT);
	CHECK_EQ(WaitForMultipleObjectsEx(2, two, TRUE, 1, FALSE), WAIT_TIMEOUT);
	CHECK_EQ(SignalObjectAndWait(two[1], unset, 1, FALSE), WAIT_TIMEOUT);
	CHECK_FAILS(GetOverlappedResultEx(h, &ov, &n, 1, FALSE), WAIT_TIMEOUT);
	CHECK_EQ(SleepEx(1, FALSE), 0);
	Sleep(1);
	CHECK_EQ(ran_since(), 0);
	/* W-APC-1 */
	CHECK_EQ(WaitForSingleObjectEx(unset, INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 1);
	CHECK(ResetEvent(two[1]));
	for (BOOL all = FALSE; all <= TRUE; all++) {
		queue(2);
		CHECK_EQ(WaitForMultipleObjectsEx(2, two, all, INFINITE, TRUE), WAIT_IO_COMPLETION);
		CHECK_EQ(ran_since(), 1);
	}
	queue(3);
	CHECK_EQ(SignalObjectAndWait(two[1], unset, INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 1);
	CHECK_EQ(WaitForSingleObject(two[1], 0), WAIT_OBJECT_0);
	queue(4);
	CHECK_FAILS(GetOverlappedResultEx(h, &ov, &n, INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 1);
	CHECK_EQ((DWORD)ov.Internal, STATUS_PENDING);
	queue(5);
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 1);
	/* Nothing has been taken from the objects (W-WAIT-4). */
	m = CreateMutexA(NULL, FALSE, NULL);
	two[0] = m;
	queue(6);
	CHECK_EQ(WaitForMultipleObjectsEx(2, two, TRUE, INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_FAILS(ReleaseMutex(m), ERROR_NOT_OWNER);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
}

/* A signalled object, then an APC, then the timeout (W-APC-2). */
static void what_goes_first(void)
{
	HANDLE set = host_event(FALSE, TRUE), unset = host_event(FALSE, FALSE), two[2] = { unset, set };

	queue(1);
	CHECK_EQ(WaitForSingleObjectEx(set, 0, TRUE), WAIT_OBJECT_0);
	CHECK(SetEvent(set));
	CHECK_EQ(WaitForSingleObjectEx(set, INFINITE, TRUE), WAIT_OBJECT_0);
	CHECK(SetEvent(set));
	CHECK_EQ(WaitForMultipleObjectsEx(2, two, FALSE, INFINITE, TRUE), WAIT_OBJECT_0 + 1);
	CHECK_EQ(SignalObjectAndWait(set, set, INFINITE, TRUE), WAIT_OBJECT_0);
	CHECK_EQ(ran_since(), 0);
	CHECK_EQ(WaitForSingleObjectEx(set, 0, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 1);
	queue(2);
	CHECK_EQ(WaitForMultipleObjectsEx(2, two, TRUE, 0, TRUE), WAIT_IO_COMPLETION);
	queue(3);
	CHECK_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 2);
	CHECK_EQ(SleepEx(0, TRUE), 0);
	CHECK_EQ(WaitForSingleObjectEx(set, 0, TRUE), WAIT_TIMEOUT);
}

static void CALLBACK queue_more(ULONG_PTR data)
{
	note(data);
	if (data < 5)
		CHECK(QueueUserAPC(queue_more, GetCurrentThread(), data + 1));
}

/* All of them, first come first served, and those that they queue (W-APC-3). */
static void all_in_order(void)
{
	for (ULONG_PTR i = 0; i < 40; i++)
		queue(i);
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	for (ULONG_PTR i = 0; i < 40; i++)
		CHECK_EQ(ran[i], i);
	CHECK_EQ(ran_since(), 40);
	queue_more(1);
	CHECK_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 5);
	CHECK_EQ(SleepEx(0, TRUE), 0);
}

static void CALLBACK wait_within(ULONG_PTR data)
{
	note(data);
	/* It runs those that are queued behind this one (W-APC-5). */
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	note(data + 100);
}

static void nested(void)
{
	CHECK(QueueUserAPC(wait_within, GetCurrentThread(), 1));
	queue(2);
	queue(3);
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(ran_since(), 4);
	CHECK(ran[0] == 1 && ran[1] == 2 && ran[2] == 3 && ran[3] == 101);
}

static void time_and_last_error(void)
{
	double t = host_seconds();

	CHECK_EQ(SleepEx(30, TRUE), 0);
	CHECK(host_seconds() - t >= 0.03);
	SetLastError(7);
	queue(1);
	CHECK_EQ(SleepEx(30, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(GetLastError(), 7);
}

static DWORD main_thread;
static atomic_int step;

static void CALLBACK note_step(ULONG_PTR data)
{
	CHECK(GetCurrentThreadId() != main_thread);
	CHECK_EQ(atomic_fetch_add(&step, 1), data);
}

static DWORD WINAPI first_step(LPVOID arg)
{
	(void)arg;
	CHECK_EQ(atomic_fetch_add(&step, 1), 2);
	return 0;
}

static DWORD WINAPI ends_at_once(LPVOID arg)
{
	(void)arg;
	return 0;
}

/* Before the procedure; after it, not any more (W-APC-6). */
static void before_and_after_the_thread(void)
{
	HANDLE t = CreateThread(NULL, 0, first_step, NULL, CREATE_SUSPENDED, NULL), weak;

	main_thread = GetCurrentThreadId();
	CHECK(QueueUserAPC(note_step, t, 0));
	CHECK(QueueUserAPC(note_step, t, 1));
	CHECK_EQ(WaitForSingleObject(t, 10), WAIT_TIMEOUT);
	CHECK_EQ(atomic_load(&step), 0);
	CHECK_EQ(ResumeThread(t), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&step), 3);
	CHECK_FAILS(QueueUserAPC(note_step, t, 0), ERROR_GEN_FAILURE);
	CHECK_FAILS(QueueUserAPC(note_step, NULL, 0), ERROR_INVALID_HANDLE);
	CHECK_FAILS(QueueUserAPC(note_step, host_event(TRUE, TRUE), 0), ERROR_INVALID_HANDLE);
	t = CreateThread(NULL, 0, ends_at_once, NULL, CREATE_SUSPENDED, NULL);
	CHECK(DuplicateHandle(GetCurrentProcess(), t, GetCurrentProcess(), &weak, SYNCHRONIZE, FALSE,
			      0));
	CHECK_FAILS(QueueUserAPC(note_step, weak, 0), ERROR_ACCESS_DENIED);
	CHECK_FAILS(QueueUserAPC(NULL, t, 0), ERROR_INVALID_PARAMETER);
	CHECK_EQ(ResumeThread(t), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static DWORD WINAPI end_with_apcs(LPVOID arg)
{
	for (ULONG_PTR i = 0; i < 10; i++)
		CHECK(QueueUserAPC(arg, GetCurrentThread(), i));
	return 5;
}

static void CALLBACK end_thread(ULONG_PTR data)
{
	atomic_store(&step, 1);
	ExitThread((DWORD)data);
}

static void CALLBACK never(ULONG_PTR data)
{
	(void)data;
	CHECK(!"dropped with the thread");
}

/* Nothing runs what is left when a thread ends (W-APC-7), and an APC may end its thread. */
static void dropped_with_the_thread(void)
{
	HANDLE t = CreateThread(NULL, 0, end_with_apcs, never, 0, NULL);
	DWORD code;

	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	t = CreateThread(NULL, 0, ends_at_once, NULL, CREATE_SUSPENDED, NULL);
	CHECK(QueueUserAPC(end_thread, t, 9) && QueueUserAPC(never, t, 1));
	CHECK_EQ(ResumeThread(t), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 9);
	CHECK_EQ(atomic_load(&step), 1);
}

/* Several threads command one, which does nothing but wait: each command is done once, in order. */
enum { SENDERS = 4, COMMANDS = 5000 };

static HANDLE server, quit;
static ULONG_PTR last[SENDERS];
static atomic_int commands;

static void CALLBACK obey(ULONG_PTR data)
{
	ULONG_PTR sender = data / COMMANDS, number = data % COMMANDS;

	CHECK_EQ(number, last[sender]++);
	atomic_fetch_add(&commands, 1);
}

static DWORD WINAPI serve(LPVOID arg)
{
	HANDLE two[2] = { quit, host_event(FALSE, FALSE) };
	int turn = 0;
	DWORD result;

	(void)arg;
	do {
		switch (turn++ % 3) {
		case 0:
			result = WaitForSingleObjectEx(quit, 1, TRUE);
			break;
		case 1:
			result = WaitForMultipleObjectsEx(2, two, FALSE, INFINITE, TRUE);
			break;
		default:
			result = SleepEx(0, TRUE) ? WAIT_IO_COMPLETION : WAIT_TIMEOUT;
		}
	} while (result != WAIT_OBJECT_0);
	/* What came after the event is still there. */
	SleepEx(0, TRUE);
	return 0;
}

static DWORD WINAPI command(LPVOID arg)
{
	ULONG_PTR sender = (ULONG_PTR)arg;

	for (ULONG_PTR i = 0; i < COMMANDS; i++)
		CHECK(QueueUserAPC(obey, server, sender * COMMANDS + i));
	return 0;
}

static void commands_from_others(void)
{
	HANDLE t[SENDERS];

	quit = host_event(TRUE, FALSE);
	server = CreateThread(NULL, 0, serve, NULL, 0, NULL);
	for (int i = 0; i < SENDERS; i++)
		t[i] = CreateThread(NULL, 0, command, (LPVOID)(ULONG_PTR)i, 0, NULL);
	CHECK_EQ(WaitForMultipleObjects(SENDERS, t, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK(SetEvent(quit));
	CHECK_EQ(WaitForSingleObject(server, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&commands), SENDERS * COMMANDS);
}

static HANDLE token;
static long signals_seen, apcs_seen;

static void CALLBACK count_apc(ULONG_PTR data)
{
	(void)data;
	apcs_seen++;
}

/* An auto-reset event and APCs race for one wait: neither the signal nor the APC is ever lost. */
static DWORD WINAPI count_both(LPVOID arg)
{
	int rounds = *(int *)arg;

	while (signals_seen < rounds || apcs_seen < rounds) {
		DWORD result = WaitForSingleObjectEx(token, INFINITE, TRUE);

		CHECK(result == WAIT_OBJECT_0 || result == WAIT_IO_COMPLETION);
		if (result == WAIT_OBJECT_0) {
			signals_seen++;
			CHECK(SetEvent(quit));
		}
	}
	return 0;
}

struct rounds {
	HANDLE to;
	int count;
};

static DWORD WINAPI send_apcs(LPVOID arg)
{
	struct rounds *r = arg;

	for (int i = 0; i < r->count; i++)
		CHECK(QueueUserAPC(count_apc, r->to, 0));
	return 0;
}

static void races_with_a_signal(void)
{
	int rounds = 5000;
	struct rounds r = { .count = rounds };
	HANDLE t;

	token = host_event(FALSE, FALSE);
	quit = host_event(FALSE, FALSE);
	r.to = CreateThread(NULL, 0, count_both, &rounds, 0, NULL);
	t = CreateThread(NULL, 0, send_apcs, &r, 0, NULL);
	for (int i = 0; i < rounds; i++)
		CHECK_EQ(SignalObjectAndWait(token, quit, INFINITE, FALSE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(r.to, INFINITE), WAIT_OBJECT_0);
	CHECK(signals_seen == rounds && apcs_seen == rounds);
}

static const struct tap_case cases[] = {
	CASE(which_waits_run_them, "alertable waits, and no others (W-APC-1/8, W-WAIT-4)"),
	CASE(what_goes_first, "an object, then an APC, then the timeout (W-APC-2/4)"),
	CASE(all_in_order, "all of them, in order (W-APC-3)"),
	CASE(nested, "an alertable wait within an APC (W-APC-5)"),
	CASE(time_and_last_error, "SleepEx: time, last error (W-APC-4)"),
	CASE(before_and_after_the_thread, "before the first step, after the end (W-APC-6)"),
	CASE(dropped_with_the_thread, "dropped at the thread's end (W-APC-7)"),
	CASE(commands_from_others, "commands from other threads, each once"),
	CASE(races_with_a_signal, "APCs race with signals: none is lost (W-APC-2)"),
};

TAP_MAIN(cases)
