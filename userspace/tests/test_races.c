// SPDX-License-Identifier: MIT
/* Cancel against completion, many times: W-RACE-1 to W-RACE-6. */
#include <windows.h>

#include <errno.h>

#include "host.h"

static int peer;
static HANDLE file;

/*
 * A feeder writes numbers, one byte each, while the reader cancels each of its reads at once. Each
 * read ends once, with the next byte or none: nothing lost, nothing twice, nothing out of order.
 */
static atomic_long permits;
static atomic_int over;

static DWORD WINAPI feed(LPVOID arg)
{
	unsigned char next = 0;
	long *fed = arg;

	while (!atomic_load(&over)) {
		if (atomic_load(&permits) <= 0)
			continue;
		atomic_fetch_sub(&permits, 1);
		CHECK_EQ(write(peer, &next, 1), 1);
		next++;
		++*fed;
	}
	return 0;
}

static void cancel_against_data(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	long fed = 0, got = 0, aborted = 0, late = 0, lost_cancels = 0, total = host_rounds(100000);
	HANDLE feeder;
	int left;

	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	feeder = CreateThread(NULL, 0, feed, &fed, 0, NULL);
	for (long i = 0; i < total; i++) {
		unsigned char byte = 0xee;
		BOOL pended, found;
		DWORD n = 99;

		if (i % 8 == 0)
			atomic_fetch_add(&permits, 1);
		pended = !ReadFile(file, &byte, 1, NULL, &ov);
		CHECK(!pended || GetLastError() == ERROR_IO_PENDING);
		/* The writer and the cancel start together. */
		if (i % 2 == 0)
			atomic_fetch_add(&permits, 1);
		for (volatile int spin = 0; spin < (int)(i % 50) * 40; spin++)
			;
		found = CancelIoEx(file, &ov);
		if (!found) {
			CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
			CHECK(HasOverlappedIoCompleted(&ov)); /* W-RACE-3 */
			late++;
		}
		if (GetOverlappedResult(file, &ov, &n, TRUE)) {
			CHECK_EQ(n, 1);
			CHECK_EQ(byte, (unsigned char)got);
			got++;
			lost_cancels += found;
		} else {
			CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
			CHECK(found);
			CHECK_EQ(n, 0);
			CHECK_EQ(byte, 0xee);
			aborted++;
		}
		CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0); /* W-RACE-2 */
	}
	atomic_store(&over, 1);
	CHECK_EQ(WaitForSingleObject(feeder, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(ioctl(peer, FIONREAD, &left), 0);
	printf("# %ld read, %ld aborted, %ld cancels late, %ld lost\n", got, aborted, late,
	       lost_cancels);
	CHECK_EQ(got + aborted, total);
	CHECK_EQ(got + left, fed);
	CHECK(got > 0 && aborted > 0);
}

/*
 * Several threads, each with reads of its own on one file, cancel one another's all the time. The
 * memory of each request is overwritten as soon as it has ended (W-RACE-6).
 */
enum { CROWD = 4 };
static atomic_long crowd_bytes, crowd_ends;

static DWORD WINAPI crowd_reader(LPVOID arg)
{
	long total = host_rounds(20000);
	HANDLE e = CreateEventA(NULL, (BOOL)(ULONG_PTR)arg & 1, FALSE, NULL);

	for (long i = 0; i < total; i++) {
		OVERLAPPED *ov = calloc(1, sizeof(*ov));
		char *byte = malloc(1);
		DWORD n = 0;

		ov->hEvent = e;
		if (!ReadFile(file, byte, 1, NULL, ov)) {
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
			if (i % 3 == 0)
				CancelIoEx(file, NULL);
			else if (i % 3 == 1)
				CancelIo(file);
			else
				CancelIoEx(file, ov);
		}
		if (GetOverlappedResult(file, ov, &n, TRUE))
			atomic_fetch_add(&crowd_bytes, n);
		else
			CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
		atomic_fetch_add(&crowd_ends, 1);
		memset(ov, 0xa5, sizeof(*ov));
		free(ov);
		free(byte);
	}
	return 0;
}

static void crowd(void)
{
	long fed = 0, total = host_rounds(20000);
	HANDLE t[CROWD];
	int left;

	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	for (ULONG_PTR i = 0; i < CROWD; i++)
		t[i] = CreateThread(NULL, 0, crowd_reader, (LPVOID)i, 0, NULL);
	while (atomic_load(&crowd_ends) < CROWD * total) {
		if (fed - atomic_load(&crowd_bytes) < 1000 && write(peer, "x", 1) == 1)
			fed++;
		else
			sched_yield();
	}
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(ioctl(peer, FIONREAD, &left), 0);
	CHECK_EQ(crowd_bytes + left, fed);
}

/* One OVERLAPPED and event, reused at once by a poller: no stale signal may end the next wait. */
static void reuse_after_polling(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	char byte;

	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	for (long i = 0, n = host_rounds(20000); i < n; i++) {
		if (ReadFile(file, &byte, 1, NULL, &ov))
			continue;
		CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
		CHECK_EQ(write(peer, "x", 1), 1);
		while (!HasOverlappedIoCompleted(&ov))
			sched_yield();
		CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
	}
}

/* Reads of one thread, waited for by another, which is woken from the ring or from its futex. */
static HANDLE ready[64];
static OVERLAPPED many[64];
static char bytes[64];

static DWORD WINAPI issue_all(LPVOID arg)
{
	for (int i = 0; i < 64; i++)
		CHECK_FAILS(ReadFile(file, &bytes[i], 1, NULL, &many[i]), ERROR_IO_PENDING);
	SetEvent(((HANDLE *)arg)[0]);
	WaitForSingleObject(((HANDLE *)arg)[1], INFINITE);
	return 0;
}

static DWORD WINAPI wait_all(LPVOID arg)
{
	int from = (int)(ULONG_PTR)arg;

	for (int i = from; i < 64; i += 4)
		CHECK_EQ(WaitForSingleObject(ready[i], INFINITE), WAIT_OBJECT_0);
	return 0;
}

static void many_waiters(void)
{
	HANDLE sync[2] = { CreateEventA(NULL, TRUE, FALSE, NULL),
			   CreateEventA(NULL, TRUE, FALSE, NULL) };
	HANDLE issuer, t[4];

	for (int i = 0; i < 64; i++)
		many[i] = host_overlapped(ready[i] = CreateEventA(NULL, TRUE, FALSE, NULL));
	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	for (int i = 0; i < 4; i++)
		t[i] = CreateThread(NULL, 0, wait_all, (LPVOID)(ULONG_PTR)i, 0, NULL);
	issuer = CreateThread(NULL, 0, issue_all, sync, 0, NULL);
	CHECK_EQ(WaitForSingleObject(sync[0], INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 64; i++) {
		char c = (char)i;

		CHECK_EQ(write(peer, &c, 1), 1);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(bytes[i], i); /* the oldest read gets the first byte */
	SetEvent(sync[1]);
	CHECK_EQ(WaitForSingleObject(issuer, INFINITE), WAIT_OBJECT_0);
}

/* Pending writes of several parts each do not mingle, and come in their order. */
static void writes_in_order(void)
{
	enum { SIZE = 100000, N = 6 };
	OVERLAPPED ov[N];
	char *data[N], *back = malloc(SIZE);
	DWORD n;

	file = host_fifo("f", GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &peer);
	for (int i = 0; i < N; i++) {
		data[i] = malloc(SIZE);
		memset(data[i], 'a' + i, SIZE);
		ov[i] = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
		CHECK_FAILS(WriteFile(file, data[i], SIZE, NULL, &ov[i]), ERROR_IO_PENDING);
	}
	/* One of those that wait for their turn is taken out. */
	CHECK(CancelIoEx(file, &ov[3]));
	CHECK_FAILS(GetOverlappedResult(file, &ov[3], &n, TRUE), ERROR_OPERATION_ABORTED);
	for (int i = 0; i < N; i++) {
		if (i == 3)
			continue;
		for (int got = 0; got < SIZE;) {
			ssize_t r = read(peer, back + got, (size_t)(SIZE - got));

			CHECK(r > 0);
			got += (int)r;
		}
		CHECK(!memcmp(back, data[i], SIZE));
		CHECK(GetOverlappedResult(file, &ov[i], &n, TRUE));
		CHECK_EQ(n, SIZE);
	}
	for (int i = 0; i < N; i++)
		free(data[i]);
	free(back);
}

/* Threads that leave reads behind, over and over. */
static DWORD WINAPI leave_behind(LPVOID arg)
{
	OVERLAPPED *ov = arg;

	for (int i = 0; i < 4; i++)
		CHECK_FAILS(ReadFile(file, &bytes[i], 1, NULL, &ov[i]), ERROR_IO_PENDING);
	return 0;
}

static void exits(void)
{
	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	for (long i = 0, n = host_rounds(1000); i < n; i++) {
		OVERLAPPED ov[4] = { 0 };
		HANDLE t = CreateThread(NULL, 0, leave_behind, ov, 0, NULL);

		CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
		CHECK(CloseHandle(t));
		for (int k = 0; k < 4; k++)
			CHECK_EQ(ov[k].Internal, 0xC0000120u);
	}
}

/* The last close gives requests back while another thread looks for them. */
static DWORD WINAPI close_it(LPVOID arg)
{
	CHECK(CloseHandle(arg));
	return 0;
}

static void closes(void)
{
	int keep = -1;

	for (long i = 0, n = host_rounds(2000); i < n; i++) {
		OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
		char name[24], byte;
		HANDLE t;

		snprintf(name, sizeof(name), "f%ld", i);
		file = host_fifo(name, GENERIC_READ, FILE_FLAG_OVERLAPPED, &keep);
		CHECK_FAILS(ReadFile(file, &byte, 1, NULL, &ov), ERROR_IO_PENDING);
		t = CreateThread(NULL, 0, close_it, file, 0, NULL);
		if (!CancelIoEx(file, &ov))
			CHECK(GetLastError() == ERROR_NOT_FOUND ||
			      GetLastError() == ERROR_INVALID_HANDLE);
		CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
		CHECK_EQ(ov.Internal, 0xC0000120u);
		CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
		CHECK(CloseHandle(t));
		CHECK(CloseHandle(ov.hEvent));
		close(keep);
		unlink(host_path(name));
	}
}

static DWORD WINAPI reap_for_others(LPVOID arg)
{
	return WaitForSingleObject(arg, INFINITE);
}

/*
 * Who has seen the end, and closes the last handle, has closed the file: another thread, who has
 * made that end known, may not be holding it any more. A pipe without a reader shows it.
 */
static void closed_is_closed(void)
{
	HANDLE stop = CreateEventA(NULL, TRUE, FALSE, NULL);
	HANDLE t = CreateThread(NULL, 0, reap_for_others, stop, 0, NULL);
	const char *path = host_path("f");
	long total = host_rounds(20000);

	CHECK_EQ(mkfifo(path, 0600), 0);
	signal(SIGPIPE, SIG_IGN);
	for (long i = 0; i < total; i++) {
		int both = open(path, O_RDWR | O_CLOEXEC), fed = open(path, O_WRONLY | O_CLOEXEC);
		HANDLE h = host_open(path, GENERIC_READ, FILE_FLAG_OVERLAPPED);
		OVERLAPPED ov = host_overlapped(NULL);
		char byte;

		CHECK(both >= 0 && fed >= 0 && h != INVALID_HANDLE_VALUE);
		close(both);
		CHECK_FAILS(ReadFile(h, &byte, 1, NULL, &ov), ERROR_IO_PENDING);
		CHECK_EQ(write(fed, "x", 1), 1);
		while (!HasOverlappedIoCompleted(&ov))
			;
		CHECK(CloseHandle(h));
		CHECK_EQ(write(fed, "x", 1), -1);
		CHECK_EQ(errno, EPIPE);
		close(fed);
	}
	CHECK(SetEvent(stop));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static const struct tap_case cases[] = {
	CASE(cancel_against_data, "cancel against data: each read ends once (W-RACE-1/2/3)"),
	CASE(crowd, "threads cancel one another's reads (W-RACE-6, W-CANCELIOEX-6)"),
	CASE(reuse_after_polling, "an OVERLAPPED is reused at once (W-RACE-5)"),
	CASE(many_waiters, "many waiters; the oldest read gets the first byte"),
	CASE(writes_in_order, "pending writes keep their order and do not mingle"),
	CASE(exits, "threads end with reads pending (W-THREAD-3/4)"),
	CASE(closes, "close against cancel (W-CLOSE-2/3)"),
	CASE(closed_is_closed, "who has seen the end and closes, has closed (W-RACE-6)"),
};

TAP_MAIN(cases)
