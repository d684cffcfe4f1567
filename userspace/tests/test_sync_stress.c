// SPDX-License-Identifier: MIT
/* Synchronous calls in a row, and cancels all the time: W-CANCELSYNC-1, W-CANCELIOEX-1/5. */
#include "sync_cancel.h"

/*
 * The stress: one thread makes short calls in a row, another cancels all the time. What is pinned:
 * an abort belongs to a cancel that overlapped with the call; there are no more aborts than TRUE
 * answers; the application's own system calls are never interrupted; no byte is lost.
 */
enum { ROUNDS = 20000, ABORTS = 50 };

static struct {
	HANDLE a, b, target;
	int a_peer, b_peer;
	atomic_long began, returned, answered; /* cancels */
	atomic_long aborts, bytes_a, bytes_b, wrong, interrupted, b_aborts;
	atomic_int done;
} s;

static void own_system_call(void)
{
	struct timespec ts = { 0, 1 };

	if (nanosleep(&ts, NULL) != 0)
		atomic_fetch_add(&s.interrupted, 1);
}

static void stress_read(HANDLE file, atomic_long *bytes, atomic_long *aborts)
{
	long before = atomic_load(&s.returned);
	char c;
	DWORD n;

	if (ReadFile(file, &c, 1, &n, NULL)) {
		atomic_fetch_add(bytes, n);
		return;
	}
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	atomic_fetch_add(aborts, 1);
	if (atomic_load(&s.began) <= before)
		atomic_fetch_add(&s.wrong, 1);
}

static DWORD WINAPI stress_target(LPVOID arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS || atomic_load(&s.aborts) < ABORTS; i++) {
		stress_read(s.a, &s.bytes_a, &s.aborts);
		if (i % 64 == 0)
			own_system_call();
		if (s.b)
			stress_read(s.b, &s.bytes_b, &s.b_aborts);
	}
	atomic_store(&s.done, 1);
	return 0;
}

static DWORD WINAPI stress_feed(LPVOID arg)
{
	long *fed = arg;
	unsigned int i = 0;

	while (!atomic_load(&s.done)) {
		/* Short rations, so that reads do block and a cancel finds something. */
		if (++i % 4 == 0 && fed[0] - atomic_load(&s.bytes_a) < 2 &&
		    write(s.a_peer, "a", 1) == 1)
			fed[0]++;
		if (s.b && fed[1] - atomic_load(&s.bytes_b) < 2 && write(s.b_peer, "b", 1) == 1)
			fed[1]++;
		if (i % 8 == 0)
			sched_yield();
	}
	return 0;
}

static void stress(BOOL by_file)
{
	long fed[2] = { 0, 0 };
	HANDLE feeder;
	int left;

	s.target = CreateThread(NULL, 0, stress_target, NULL, 0, NULL);
	feeder = CreateThread(NULL, 0, stress_feed, fed, 0, NULL);
	for (unsigned int i = 0; !atomic_load(&s.done); i++) {
		BOOL hit;

		atomic_fetch_add(&s.began, 1);
		hit = by_file ? CancelIoEx(s.a, NULL) : CancelSynchronousIo(s.target);
		atomic_fetch_add(&s.answered, hit);
		atomic_fetch_add(&s.returned, 1);
		if (by_file || i % 3 == 0)
			sched_yield();
	}
	CHECK_EQ(WaitForSingleObject(s.target, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(feeder, INFINITE), WAIT_OBJECT_0);
	printf("# %ld cancels, %ld TRUE, %ld aborts\n", s.began, s.answered, s.aborts);
	CHECK_EQ(s.wrong, 0);
	CHECK_EQ(s.interrupted, 0);
	CHECK_EQ(s.b_aborts, 0);
	CHECK(s.aborts <= s.answered);
	CHECK(s.answered > 0);
	/* What was written and not read is still in the pipe. */
	CHECK_EQ(ioctl(s.a_peer, FIONREAD, &left), 0);
	CHECK_EQ(s.bytes_a + left, fed[0]);
	if (s.b) {
		CHECK_EQ(ioctl(s.b_peer, FIONREAD, &left), 0);
		CHECK_EQ(s.bytes_b + left, fed[1]);
		CHECK(s.bytes_b >= ROUNDS);
	}
}

static void stress_by_thread(void)
{
	s.a = host_fifo("a", GENERIC_READ, 0, &s.a_peer);
	fcntl(s.a_peer, F_SETFL, O_NONBLOCK);
	stress(FALSE);
}

static void stress_by_file(void)
{
	s.a = host_fifo("a", GENERIC_READ, 0, &s.a_peer);
	s.b = host_fifo("b", GENERIC_READ, 0, &s.b_peer);
	fcntl(s.a_peer, F_SETFL, O_NONBLOCK);
	fcntl(s.b_peer, F_SETFL, O_NONBLOCK);
	stress(TRUE);
}

static const struct tap_case cases[] = {
	CASE(stress_by_thread, "a cancel hits one call and no later one (W-CANCELSYNC-1)"),
	CASE(stress_by_file, "a cancel by file hits no other file's call (W-CANCELIOEX-1/5)"),
};

TAP_MAIN(cases)
