// SPDX-License-Identifier: MIT
/* Completion ports: packets that are posted and taken (W-PORT-*). */
#include "port.h"

static void creation(void)
{
	HANDLE port = port_new(0), e = CreateEventA(NULL, TRUE, FALSE, NULL);

	SetLastError(0);
	CHECK(!CreateIoCompletionPort(INVALID_HANDLE_VALUE, port, 0, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_PARAMETER);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(NULL, NULL, 0, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(e, NULL, 0, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	SetLastError(0);
	CHECK(!CreateIoCompletionPort(e, port, 0, 0));
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	/* A port cannot be waited for (W-WAIT-3). */
	SetLastError(0);
	CHECK_EQ(WaitForSingleObject(port, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_INVALID_HANDLE);
	CHECK(CloseHandle(port));
	CHECK_FAILS(CloseHandle(port), ERROR_INVALID_HANDLE);
}

static void values_and_order(void)
{
	HANDLE port = port_new(1);
	OVERLAPPED *ov;
	ULONG_PTR key;
	DWORD bytes;

	CHECK(PostQueuedCompletionStatus(port, 0xfedcba98u, (ULONG_PTR)-1, (LPOVERLAPPED)0x123));
	CHECK(PostQueuedCompletionStatus(port, 0, 0, NULL));
	SetLastError(5);
	CHECK(GetQueuedCompletionStatus(port, &bytes, &key, &ov, INFINITE));
	CHECK(bytes == 0xfedcba98u && key == (ULONG_PTR)-1 && ov == (LPOVERLAPPED)0x123);
	/* A packet without an OVERLAPPED is one all the same. */
	CHECK(GetQueuedCompletionStatus(port, &bytes, &key, &ov, 0));
	CHECK(!bytes && !key && !ov);
	CHECK_EQ(GetLastError(), 5);
	for (ULONG_PTR i = 0; i < 1000; i++)
		post(port, i);
	for (ULONG_PTR i = 0; i < 1000; i++)
		CHECK_EQ(take(port, 0), i);
	takes_nothing(port, WAIT_TIMEOUT);
}

static void bad_input(void)
{
	HANDLE port = port_new(1), e = CreateEventA(NULL, TRUE, FALSE, NULL), weak;
	HANDLE bad[] = { NULL, INVALID_HANDLE_VALUE, e, (HANDLE)0x7ffffff0, GetCurrentThread() };
	OVERLAPPED_ENTRY entry;
	OVERLAPPED *ov;
	ULONG_PTR key;
	ULONG count;
	DWORD bytes;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		takes_nothing(bad[i], ERROR_INVALID_HANDLE);
		CHECK_FAILS(PostQueuedCompletionStatus(bad[i], 0, 0, NULL), ERROR_INVALID_HANDLE);
		CHECK_FAILS(GetQueuedCompletionStatusEx(bad[i], &entry, 1, &count, 0, FALSE),
			    ERROR_INVALID_HANDLE);
	}
	CHECK(DuplicateHandle(GetCurrentProcess(), port, GetCurrentProcess(), &weak,
			      IO_COMPLETION_QUERY_STATE, FALSE, 0));
	takes_nothing(weak, ERROR_ACCESS_DENIED);
	CHECK_FAILS(PostQueuedCompletionStatus(weak, 0, 0, NULL), ERROR_ACCESS_DENIED);

	post(port, 7);
	CHECK_FAILS(GetQueuedCompletionStatus(port, NULL, &key, &ov, 0), ERROR_NOACCESS);
	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, NULL, &ov, 0), ERROR_NOACCESS);
	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, NULL, 0), ERROR_NOACCESS);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, NULL, 1, &count, 0, FALSE), ERROR_NOACCESS);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, &entry, 1, NULL, 0, FALSE), ERROR_NOACCESS);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, &entry, 0, &count, 0, FALSE),
		    ERROR_INVALID_PARAMETER);
	CHECK_EQ(take(port, 0), 7);
	CHECK(CloseHandle(port));
	/* The port lives as long as one of its handles does. */
	takes_nothing(weak, ERROR_ACCESS_DENIED);
	takes_nothing(port, ERROR_INVALID_HANDLE);
}

static void a_wait_times_out(void)
{
	HANDLE port = port_new(1);
	double t = host_seconds();
	OVERLAPPED_ENTRY entry;
	OVERLAPPED *ov = (OVERLAPPED *)1;
	ULONG_PTR key;
	ULONG count;
	DWORD bytes;

	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &ov, 30), WAIT_TIMEOUT);
	CHECK(!ov && host_seconds() - t >= 0.03);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, &entry, 1, &count, 30, FALSE), WAIT_TIMEOUT);
	CHECK(host_seconds() - t >= 0.06);
	/* Who gave up takes no packet along. */
	post(port, 3);
	CHECK_EQ(take(port, 0), 3);
}

static int apcs;

static void WINAPI count_apc(ULONG_PTR arg)
{
	apcs += (int)arg;
}

static void several_at_once(void)
{
	HANDLE port = port_new(1);
	OVERLAPPED_ENTRY e[4];
	ULONG count;

	for (ULONG_PTR i = 0; i < 6; i++)
		CHECK(PostQueuedCompletionStatus(port, (DWORD)i + 100, i, (LPOVERLAPPED)(i * 16)));
	CHECK(QueueUserAPC(count_apc, GetCurrentThread(), 1));
	/* What is there comes before the APC (W-PORT-8). */
	CHECK(GetQueuedCompletionStatusEx(port, e, 4, &count, INFINITE, TRUE));
	CHECK_EQ(count, 4);
	CHECK_EQ(apcs, 0);
	for (ULONG i = 0; i < 4; i++)
		CHECK(e[i].lpCompletionKey == i && e[i].lpOverlapped == (LPOVERLAPPED)(i * 16ul) &&
		      e[i].dwNumberOfBytesTransferred == i + 100);
	CHECK(GetQueuedCompletionStatusEx(port, e, 4, &count, 0, TRUE));
	CHECK_EQ(count, 2);
	CHECK_EQ(apcs, 0);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, e, 4, &count, 0, FALSE), WAIT_TIMEOUT);
	CHECK_EQ(apcs, 0);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, e, 4, &count, 0, TRUE), WAIT_IO_COMPLETION);
	CHECK_EQ(apcs, 1);
	/* Without the alertable argument, and in the plain form, none runs (W-PORT-13). */
	CHECK(QueueUserAPC(count_apc, GetCurrentThread(), 1));
	takes_nothing(port, WAIT_TIMEOUT);
	CHECK_EQ(apcs, 1);
	CHECK_FAILS(GetQueuedCompletionStatusEx(port, e, 4, &count, INFINITE, TRUE),
		    WAIT_IO_COMPLETION);
	CHECK_EQ(apcs, 2);
}

static const struct tap_case cases[] = {
	CASE(creation, "creation and its errors (W-PORT-1, W-WAIT-3)"),
	CASE(values_and_order, "posted values come through, in order (W-PORT-3/9)"),
	CASE(bad_input, "bad handles, rights and pointers"),
	CASE(a_wait_times_out, "a wait times out (W-PORT-5)"),
	CASE(several_at_once, "several packets at once, and APCs (W-PORT-8/13)"),
};

TAP_MAIN(cases)
