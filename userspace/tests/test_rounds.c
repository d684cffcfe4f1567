// SPDX-License-Identifier: MIT
/*
 * Write against cancel, over and over: W-RACE-1 to W-RACE-6 for each kind of notification.
 *
 * One thread writes bytes, one cancels reads at random, one has three of them in flight, cancels
 * as well, and collects them in their order. Each read ends once, with the next bytes or none; each
 * of its notifications comes once, and not before its end; afterwards its memory is let alone.
 *
 * ROUNDS is the number of reads in each case.
 */
#include <windows.h>

#include "host.h"

#define DEFAULT_ROUNDS	20000
#define DEPTH		3
#define LENGTH		4
#define AHEAD		8	/* bytes that the writer is ahead of the reader, at most */
#define FREE		0x5a5a5a5a5a5a5a5aULL
#define UNTOUCHED	0xee

struct slot {
	OVERLAPPED ov;
	HANDLE event;
	unsigned char buffer[LENGTH];
	DWORD length;
	/* What the notification said, and how often there has been one. */
	DWORD error, bytes;
	int told;
	/* The reader's own cancel has found it. */
	BOOL found;
};

struct kind {
	void (*setup)(void);
	/* TRUE, or FALSE and ERROR_IO_PENDING, as by ReadFile. */
	BOOL (*issue)(struct slot *s);
	/* Waits for a notification of @s, and takes those of others that come before. */
	void (*wait)(struct slot *s);
	/* There must be no notification left. */
	void (*none_left)(void);
};

static HANDLE file;
static int peer;
static struct slot slots[DEPTH];
static atomic_long fed, got;
static atomic_int over;
/* The reader is about to cancel: a byte that comes now meets it. */
static atomic_int now;

/* ---- the bytes: no two stretches of them are alike ---- */

static unsigned char byte_at(long i)
{
	return (unsigned char)((uint64_t)i * 0x9e3779b97f4a7c15ULL >> 56);
}

static unsigned int next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned int)(*state >> 32);
}

static void spin(unsigned int turns)
{
	for (volatile unsigned int i = 0; i < turns; i++)
		;
}

/* ---- the two others ---- */

static void *feed(void *arg)
{
	uint64_t seed = 0xfeed;
	long ahead = 0, turns = 0;
	unsigned char bytes[LENGTH];

	while (!atomic_load(&over)) {
		long from = atomic_load(&fed), count = 1 + next_random(&seed) % LENGTH;

		/* Mostly a read is there before its bytes, sometimes after them. */
		if (atomic_exchange(&now, 0))
			ahead = 0;
		if (from - atomic_load(&got) > ahead) {
			if (++turns % 8192 == 0)
				sched_yield();
			continue;
		}
		ahead = next_random(&seed) % AHEAD;
		for (long i = 0; i < count; i++)
			bytes[i] = byte_at(from + i);
		CHECK_EQ(write(peer, bytes, (size_t)count), count);
		atomic_fetch_add(&fed, count);
	}
	return arg;
}

/* As it comes: what it is aimed at may be over, or its next use may have begun. */
static void cancel_some(uint64_t *seed)
{
	LPOVERLAPPED ov = next_random(seed) % 3 ? &slots[next_random(seed) % DEPTH].ov : NULL;

	SetLastError(0);
	if (!CancelIoEx(file, ov))
		CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
}

static DWORD WINAPI cancel(LPVOID arg)
{
	uint64_t seed = 0xcace1;

	(void)arg;
	while (!atomic_load(&over)) {
		cancel_some(&seed);
		/* The CPUs are for the other two, most of the time. */
		usleep(next_random(&seed) % 50);
	}
	return 0;
}

/* ---- the reader ---- */

static void start(const struct kind *kind, struct slot *s, uint64_t *seed)
{
	memset(s->buffer, UNTOUCHED, sizeof(s->buffer));
	s->length = 1 + next_random(seed) % LENGTH;
	s->told = 0;
	s->found = FALSE;
	s->ov = host_overlapped(s->event);
	if (!kind->issue(s))
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
}

struct tally {
	long aborted, late;
};

static void collect(const struct kind *kind, struct slot *s, struct tally *tally)
{
	DWORD n = 99;

	kind->wait(s);
	CHECK_EQ(s->told, 1); /* W-RACE-2 */
	CHECK(HasOverlappedIoCompleted(&s->ov)); /* W-OVL-8 */
	if (GetOverlappedResult(file, &s->ov, &n, FALSE)) {
		CHECK_EQ(s->error, 0);
		CHECK_EQ(s->bytes, n);
		CHECK(n >= 1 && n <= s->length);
		for (DWORD i = 0; i < n; i++)
			CHECK_EQ(s->buffer[i], byte_at(atomic_load(&got) + i));
		atomic_fetch_add(&got, n);
		tally->late += s->found;
	} else {
		CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
		CHECK_EQ(s->error, ERROR_OPERATION_ABORTED);
		CHECK_EQ(s->bytes, 0);
		n = 0;
		tally->aborted++;
	}
	for (DWORD i = n; i < LENGTH; i++)
		CHECK_EQ(s->buffer[i], UNTOUCHED);
	/* Whoever still writes there is found out before the next use (W-RACE-6). */
	s->ov.Internal = s->ov.InternalHigh = FREE;
}

static void cancel_own(uint64_t *seed)
{
	switch (next_random(seed) % 6) {
	case 0:
		CHECK(CancelIo(file));
		break;
	case 1:
		cancel_some(seed);
		break;
	}
}

/* The oldest is the one whose bytes come next. */
static void cancel_oldest(struct slot *s, uint64_t *seed)
{
	atomic_store(&now, 1);
	spin(next_random(seed) % 3000);
	s->found = CancelIoEx(file, &s->ov);
	/* FALSE means that it is final (W-RACE-3). */
	CHECK(s->found || HasOverlappedIoCompleted(&s->ov));
}

static void run(const struct kind *kind)
{
	long total = getenv("ROUNDS") ? atol(getenv("ROUNDS")) : DEFAULT_ROUNDS;
	struct tally tally = { 0 };
	double began = host_seconds();
	uint64_t seed = 0x5eed;
	pthread_t feeder;
	HANDLE canceller;
	int left;

	total = host_rounds(total);
	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	kind->setup();
	CHECK_EQ(pthread_create(&feeder, NULL, feed, NULL), 0);
	canceller = CreateThread(NULL, 0, cancel, NULL, 0, NULL);
	for (long i = 0; i < total + DEPTH; i++) {
		struct slot *s = &slots[i % DEPTH];

		if (i >= DEPTH) {
			if (next_random(&seed) % 4)
				cancel_oldest(s, &seed);
			collect(kind, s, &tally);
			spin(next_random(&seed) % 500);
			CHECK_EQ(s->ov.Internal, FREE);
			CHECK_EQ(s->ov.InternalHigh, FREE);
			CHECK_EQ(s->told, 1);
		}
		if (i < total) {
			start(kind, s, &seed);
			cancel_own(&seed);
		}
	}
	atomic_store(&over, 1);
	CHECK_EQ(pthread_join(feeder, NULL), 0);
	CHECK_EQ(WaitForSingleObject(canceller, INFINITE), WAIT_OBJECT_0);
	kind->none_left();
	CHECK_EQ(ioctl(peer, FIONREAD, &left), 0);
	printf("# %ld reads, %ld aborted, %ld got data although cancelled, %ld bytes, %.1f s\n",
	       total, tally.aborted, tally.late, atomic_load(&got), host_seconds() - began);
	CHECK_EQ(atomic_load(&got) + left, atomic_load(&fed));
	CHECK(atomic_load(&got) > 0 && tally.aborted > 0);
}

static void result_told(struct slot *s)
{
	s->told++;
	s->error = GetOverlappedResult(file, &s->ov, &s->bytes, FALSE) ? 0 : GetLastError();
}

static void nothing(void)
{
}

static BOOL issue_read(struct slot *s)
{
	return ReadFile(file, s->buffer, s->length, NULL, &s->ov);
}

/* ---- an event ---- */

static void event_setup(void)
{
	for (int i = 0; i < DEPTH; i++)
		slots[i].event = CreateEventA(NULL, FALSE, TRUE, NULL);
}

static void event_wait(struct slot *s)
{
	CHECK_EQ(WaitForSingleObject(s->event, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(s->event, 0), WAIT_TIMEOUT);
	result_told(s);
}

static void event_none_left(void)
{
	for (int i = 0; i < DEPTH; i++)
		CHECK_EQ(WaitForSingleObject(slots[i].event, 0), WAIT_TIMEOUT);
}

static void by_event(void)
{
	run(&(struct kind){ event_setup, issue_read, event_wait, event_none_left });
}

/* ---- GetOverlappedResult waits, for a manual event ---- */

static void result_setup(void)
{
	for (int i = 0; i < DEPTH; i++)
		slots[i].event = CreateEventA(NULL, TRUE, FALSE, NULL);
}

/* The event is that of the read before, too, and is not set by it again (W-RACE-5). */
static BOOL result_issue(struct slot *s)
{
	BOOL done = issue_read(s);
	DWORD error = GetLastError();

	if (WaitForSingleObject(s->event, 0) == WAIT_OBJECT_0)
		CHECK(HasOverlappedIoCompleted(&s->ov));
	SetLastError(error);
	return done;
}

static void result_wait(struct slot *s)
{
	s->told++;
	s->error = GetOverlappedResult(file, &s->ov, &s->bytes, TRUE) ? 0 : GetLastError();
	CHECK_EQ(WaitForSingleObject(s->event, 0), WAIT_OBJECT_0);
}

static void by_result(void)
{
	run(&(struct kind){ result_setup, result_issue, result_wait, nothing });
}

/* ---- APCs ---- */

static VOID CALLBACK apc(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	struct slot *s = (struct slot *)ov;

	s->told++;
	s->error = error;
	s->bytes = bytes;
}

static BOOL apc_issue(struct slot *s)
{
	CHECK(ReadFileEx(file, s->buffer, s->length, &s->ov, apc));
	return TRUE;
}

static void apc_wait(struct slot *s)
{
	while (!s->told)
		CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
}

static void apc_none_left(void)
{
	CHECK_EQ(SleepEx(0, TRUE), 0);
}

static void by_apc(void)
{
	run(&(struct kind){ nothing, apc_issue, apc_wait, apc_none_left });
}

/* ---- a completion port ---- */

static HANDLE port;

static void port_setup(void)
{
	port = CreateIoCompletionPort(file, NULL, 7, 1);
	CHECK(port);
}

static BOOL port_take(DWORD timeout)
{
	LPOVERLAPPED ov = NULL;
	ULONG_PTR key = 0;
	struct slot *s;
	DWORD bytes = 99, error = 0;

	if (!GetQueuedCompletionStatus(port, &bytes, &key, &ov, timeout))
		error = GetLastError();
	if (!ov) {
		CHECK_EQ(error, WAIT_TIMEOUT);
		return FALSE;
	}
	CHECK_EQ(key, 7);
	s = (struct slot *)ov;
	s->told++;
	s->error = error;
	s->bytes = bytes;
	return TRUE;
}

static void port_wait(struct slot *s)
{
	while (!s->told)
		CHECK(port_take(INFINITE));
}

static void port_none_left(void)
{
	CHECK(!port_take(0));
}

static void by_port(void)
{
	run(&(struct kind){ port_setup, issue_read, port_wait, port_none_left });
}

static const struct tap_case cases[] = {
	CASE(by_event, "write against cancel, told by auto-reset events"),
	CASE(by_result, "write against cancel, GetOverlappedResult waits"),
	CASE(by_apc, "write against cancel, told by APCs"),
	CASE(by_port, "write against cancel, told by a completion port"),
};

TAP_MAIN(cases)
