// SPDX-License-Identifier: MIT
/* A cancel of a scope that races with the calls inside, and with leaving. */
#include "scope.h"

static int race_end;

/*
 * The second hole: the cancel comes when its call is over, and hits the next. Each round the cancel
 * races with reads inside, with leaving, and with reads outside, of which each finds a byte.
 */
static HANDLE race_scope[2];
static atomic_int race_round, race_seen, race_done, race_over;

static DWORD WINAPI race_canceller(LPVOID arg)
{
	(void)arg;
	for (int i = 1;; i++) {
		/* It spins, to be there at once; but not where it has no processor of its own. */
		for (int spun = 0; atomic_load(&race_round) < i; spun++) {
			if (atomic_load(&race_over))
				return 0;
			if (spun > 1000)
				sched_yield();
		}
		atomic_store(&race_seen, i);
		for (volatile int spin = i * 7 % 2000; spin > 0; spin--)
			;
		CHECK(CancelCancellationScope(race_scope[i % 2]));
		atomic_store(&race_done, i);
	}
}

/* Whether the read inside, of the one byte that is there, was cancelled. */
static bool race_read(HANDLE fifo)
{
	DWORD n = 42;

	CHECK_EQ(write(peer, "x", 1), 1);
	if (ReadFile(fifo, buf, 1, &n, NULL)) {
		CHECK_EQ(n, 1);
		return false;
	}
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CHECK_EQ(n, 0);
	CHECK_EQ(read(race_end, buf, 1), 1);
	return true;
}

/* As many rounds as fit into a minute: on a busy machine each waits for a processor twice. */
static void race_with_leave(bool overlapped, long rounds)
{
	DWORD flags = overlapped ? FILE_FLAG_OVERLAPPED : 0;
	HANDLE fifo = host_fifo("f", GENERIC_READ, flags, &peer), t;
	int inside = 0, outside = 0, i = 0;
	double began = host_seconds();

	race_end = open(host_path("f"), O_RDONLY | O_CLOEXEC);
	CHECK(race_end >= 0);
	t = CreateThread(NULL, 0, race_canceller, NULL, 0, NULL);
	while (i < rounds && (host_seconds() - began < 60 || !inside || !outside)) {
		HANDLE scope = new_scope();
		bool aborted = false;

		race_scope[++i % 2] = scope;
		CHECK(EnterCancellationScope(scope));
		atomic_store(&race_round, i);
		/* On one processor it would come too late each time. */
		while (i / 8 % 2 && atomic_load(&race_seen) < i)
			sched_yield();
		for (int reads = i % 8; reads > 0; reads--) {
			bool now = race_read(fifo);

			CHECK(now || !aborted); /* it sticks */
			aborted = now;
		}
		CHECK(LeaveCancellationScope(scope));
		if (atomic_load(&race_done) < i)
			outside++;
		inside += aborted;
		do {
			CHECK(!race_read(fifo));
			sched_yield();
		} while (atomic_load(&race_done) < i);
		CHECK(CloseHandle(scope));
	}
	atomic_store(&race_over, 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	printf("# of %d rounds %d were cancelled inside, %d outside\n", i, inside, outside);
	CHECK(inside && outside);
}

static void leave_is_exact(void)
{
	race_with_leave(false, host_rounds(20000));
}

static void leave_is_exact_overlapped(void)
{
	race_with_leave(true, host_rounds(10000));
}

static const struct tap_case cases[] = {
	CASE(leave_is_exact, "a cancel that races with leaving hits no call outside"),
	CASE(leave_is_exact_overlapped, "the same with overlapped requests"),
};

TAP_MAIN(cases)
