// SPDX-License-Identifier: MIT
/* The life of one request, and what it signals (W-OVL, W-EVT, W-GOR, W-GOREX, W-HASOV). */
#include "conform.h"

static char buf[64];
static DWORD n;

static void pends(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, TRUE);
	OVERLAPPED ov = overlapped(e);

	ov.InternalHigh = 99;
	ov.Internal = 7;
	n = 55;
	see("W-OVL-4 read that waits", "FALSE 997", "%s", did(FRESH(ReadFile(h, buf, 64, &n, &ov))));
	see("W-RW-1 count while pending", "0", "%u", (unsigned int)n);
	see("W-OVL-2 Internal while pending", "103", "%x", status_of(&ov));
	see("W-OVL-2 InternalHigh while pending", "99", "%u", count_of(&ov));
	see("W-OVL-3 set event at start", "reset", "%s", state(e));
	see("W-HASOV-1 pending", "0", "%d", HasOverlappedIoCompleted(&ov) != 0);
	see("W-GOR-1 polled while pending", "FALSE 996 12345", "%s", result_of(h, &ov, FALSE));
	line_write(w, "hello");
	see("W-EVT-1 event at the end", "object 0", "%s", waited(WaitForSingleObject(e, LONG_TIME)));
	see("W-HASOV-1 ended", "1", "%d", HasOverlappedIoCompleted(&ov) != 0);
	see("W-OVL-8 status and count", "0 5", "%x %u", status_of(&ov), count_of(&ov));
	see("W-RW-1 count is not written later", "0", "%u", (unsigned int)n);
	see("W-GOR-4 result", "TRUE 5", "%s", result_of(h, &ov, FALSE));
	see("W-GOR-3 result once more, waiting", "TRUE 5", "%s", result_of(h, &ov, TRUE));
	see("W-RW-8 data", "hello", "%.5s", buf);
	see("W-EVT-1 file object beside an event", "reset", "%s", state(h));
	see("W-OVL-2 offset is not written back", "0 0", "%u %u", (unsigned int)ov.Offset,
	    (unsigned int)ov.OffsetHigh);
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

static void inline_success(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(e);

	line_write(w, "now");
	see("W-OVL-13 data is there", "begun", "%s", begun(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-OVL-5 event after success at once", "object 0", "%s",
	    waited(WaitForSingleObject(e, LONG_TIME)));
	see("W-OVL-5 result", "TRUE 3", "%s", result_of(h, &ov, TRUE));
	SetLastError(4321);
	GetOverlappedResult(h, &ov, &n, FALSE);
	see("W-LE-1 a result leaves the last error", "4321", "%u", last());
	ov.hEvent = NULL;
	line_write(w, "more");
	see("W-OVL-13 more data is there", "begun", "%s",
	    begun(FRESH(ReadFile(h, buf, 2, NULL, &ov))));
	see("W-OVL-5 file object after success at once", "object 0", "%s",
	    waited(WaitForSingleObject(h, LONG_TIME)));
	see("W-RW-8 as much as there is room for", "TRUE 2", "%s", result_of(h, &ov, TRUE));
	see("W-RW-8 the rest", "begun", "%s", begun(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-RW-8 result of the rest", "TRUE 2", "%s", result_of(h, &ov, TRUE));
	see("W-RW-8 bytes of the rest", "re", "%.2s", buf);
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

static void file_object(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL);

	see("W-EVT-2 fresh file object", "set", "%s", state(h));
	see("W-OVL-4 read without event", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-EVT-2 file object at start", "reset", "%s", state(h));
	line_write(w, "x");
	see("W-EVT-2 file object at the end", "object 0", "%s",
	    waited(WaitForSingleObject(h, LONG_TIME)));
	see("W-EVT-2 file object stays set", "set", "%s", state(h));
	see("W-GOR-2 result by the file object", "TRUE 1", "%s", result_of(h, &ov, TRUE));
	ov.hEvent = event_new(TRUE, FALSE);
	ReadFile(h, buf, 64, NULL, &ov);
	see("W-EVT-1 file object is reset beside an event", "reset", "%s", state(h));
	CancelIoEx(h, &ov);
	see("W-CANCEL-0 result of a cancelled read", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	see("W-EVT-1 and stays reset", "reset", "%s", state(h));
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static void low_bit(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, TRUE);
	OVERLAPPED ov = overlapped((HANDLE)((ULONG_PTR)e | 1));

	see("W-EVT-3 event with its low bit", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-EVT-3 is reset", "reset", "%s", state(e));
	line_write(w, "ab");
	see("W-EVT-3 is waited for", "TRUE 2", "%s", result_of(h, &ov, TRUE));
	see("W-EVT-3 is set", "set", "%s", state(e));
	see("W-EVT-3 wait for a handle with low bits", "object 0", "%s",
	    waited(WaitForSingleObject((HANDLE)((ULONG_PTR)e | 3), 0)));
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

static void bad_event(void)
{
	HANDLE w = line_writer(), h = line_reader(), closed = event_new(TRUE, FALSE);
	OVERLAPPED ov;

	line_write(w, "kept");
	CloseHandle(closed);
	ov = overlapped(closed);
	see("W-EVT-5 closed event", "FALSE 6", "%s", did(FRESH(ReadFile(h, buf, 2, NULL, &ov))));
	ov = overlapped(h);
	see("W-EVT-5 a file for an event", "FALSE 6", "%s",
	    did(FRESH(ReadFile(h, buf, 1, NULL, &ov))));
	CloseHandle(h);
	CloseHandle(w);
}

static void auto_event(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(FALSE, TRUE);
	OVERLAPPED ov = overlapped(e);

	see("W-OVL-4 read with auto-reset event", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-OVL-3 auto-reset event at start", "reset", "%s", state(e));
	line_write(w, "abc");
	see("W-EVT-6 wait consumes it", "object 0", "%s", waited(WaitForSingleObject(e, LONG_TIME)));
	see("W-EVT-6 it is consumed", "reset", "%s", state(e));
	see("W-GOR-3 result after that", "TRUE 3", "%s", result_of(h, &ov, TRUE));
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

/* Two requests share an event: the second's start hides the first's end. */
static void shared_event(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, FALSE);
	OVERLAPPED one = overlapped(e), two = overlapped(e);

	line_write(w, "1");
	ReadFile(h, buf, 1, NULL, &one);
	see("W-EVT-7 first of two on one event", "TRUE 1", "%s", result_of(h, &one, TRUE));
	see("W-EVT-7 is set by the first", "set", "%s", state(e));
	see("W-EVT-7 second starts", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 1, NULL, &two))));
	see("W-EVT-7 and resets it", "reset", "%s", state(e));
	see("W-GOR-3 the first's result is there", "TRUE 1", "%s", result_of(h, &one, TRUE));
	line_write(w, "2");
	see("W-EVT-7 second's result", "TRUE 1", "%s", result_of(h, &two, TRUE));
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

static void reused(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(e);
	int i, right = 0;

	for (i = 0; i < 100; i++) {
		char text[2] = { (char)('a' + i % 26), 0 };

		if (ReadFile(h, buf, 64, NULL, &ov) || GetLastError() != ERROR_IO_PENDING)
			break;
		if (WaitForSingleObject(e, 0) != WAIT_TIMEOUT)
			break;
		line_write(w, text);
		if (WaitForSingleObject(e, LONG_TIME) != WAIT_OBJECT_0)
			break;
		right += GetOverlappedResult(h, &ov, &n, FALSE) && n == 1 && buf[0] == text[0];
	}
	see("W-RACE-5 a hundred reads by one OVERLAPPED", "100", "%d", right);
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

static void several(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov[3];
	char c[3];
	HANDLE e[3];
	int i;

	for (i = 0; i < 3; i++) {
		e[i] = event_new(TRUE, FALSE);
		ov[i] = overlapped(e[i]);
		ReadFile(h, &c[i], 1, NULL, &ov[i]);
	}
	line_write(w, "abc");
	see("W-OVL-1 three reads end", "object 0", "%s",
	    waited(WaitForMultipleObjects(3, e, TRUE, LONG_TIME)));
	see("W-OVL-1 in order", "abc", "%c%c%c", c[0], c[1], c[2]);
	for (i = 0; i < 3; i++)
		CloseHandle(e[i]);
	CloseHandle(h);
	CloseHandle(w);
}

static void made_up_statuses(void)
{
	HANDLE w = line_writer(), h = line_reader();
	static const struct {
		unsigned int status;
		const char *name, *want;
	} rows[] = {
		{ 0x00000000, "W-GOR-4 of 0", "TRUE 9" },
		{ 0x00000102, "W-GOR-4 of STATUS_TIMEOUT", "TRUE 9" },
		{ 0x40000000, "W-GOR-4 of an informational status", "TRUE 9" },
		{ 0x80000005, "W-GOR-4 of STATUS_BUFFER_OVERFLOW", "FALSE 234 9" },
		{ 0x8000001a, "W-GOR-4 of STATUS_NO_MORE_ENTRIES", "FALSE 259 9" },
		{ 0xc0000001, "W-GOR-5 of STATUS_UNSUCCESSFUL", "FALSE 31 9" },
		{ 0xc0000005, "W-GOR-5 of STATUS_ACCESS_VIOLATION", "FALSE 998 9" },
		{ 0xc0000008, "W-GOR-5 of STATUS_INVALID_HANDLE", "FALSE 6 9" },
		{ 0xc000000d, "W-GOR-5 of STATUS_INVALID_PARAMETER", "FALSE 87 9" },
		{ 0xc0000010, "W-GOR-5 of STATUS_INVALID_DEVICE_REQUEST", "FALSE 1 9" },
		{ 0xc0000011, "W-GOR-5 of STATUS_END_OF_FILE", "FALSE 38 9" },
		{ 0xc0000017, "W-GOR-5 of STATUS_NO_MEMORY", "FALSE 8 9" },
		{ 0xc0000022, "W-GOR-5 of STATUS_ACCESS_DENIED", "FALSE 5 9" },
		{ 0xc0000023, "W-GOR-5 of STATUS_BUFFER_TOO_SMALL", "FALSE 122 9" },
		{ 0xc0000034, "W-GOR-5 of STATUS_OBJECT_NAME_NOT_FOUND", "FALSE 2 9" },
		{ 0xc0000035, "W-GOR-5 of STATUS_OBJECT_NAME_COLLISION", "FALSE 183 9" },
		{ 0xc000003a, "W-GOR-5 of STATUS_OBJECT_PATH_NOT_FOUND", "FALSE 3 9" },
		{ 0xc0000043, "W-GOR-5 of STATUS_SHARING_VIOLATION", "FALSE 32 9" },
		{ 0xc000004b, "W-GOR-5 of STATUS_THREAD_IS_TERMINATING", "FALSE 5 9" },
		{ 0xc0000056, "W-GOR-5 of STATUS_DELETE_PENDING", "FALSE 5 9" },
		{ 0xc000007f, "W-GOR-5 of STATUS_DISK_FULL", "FALSE 112 9" },
		{ 0xc000009a, "W-GOR-5 of STATUS_INSUFFICIENT_RESOURCES", "FALSE 1450 9" },
		{ 0xc000009d, "W-GOR-5 of STATUS_DEVICE_NOT_CONNECTED", "FALSE 1167 9" },
		{ 0xc00000ab, "W-GOR-5 of STATUS_INSTANCE_NOT_AVAILABLE", "FALSE 231 9" },
		{ 0xc00000ae, "W-GOR-5 of STATUS_PIPE_NOT_AVAILABLE", "FALSE 231 9" },
		{ 0xc00000b0, "W-GOR-5 of STATUS_PIPE_DISCONNECTED", "FALSE 233 9" },
		{ 0xc00000b1, "W-GOR-5 of STATUS_PIPE_CLOSING", "FALSE 232 9" },
		{ 0xc00000b2, "W-GOR-5 of STATUS_PIPE_CONNECTED", "FALSE 535 9" },
		{ 0xc00000b3, "W-GOR-5 of STATUS_PIPE_LISTENING", "FALSE 536 9" },
		{ 0xc00000b5, "W-GOR-5 of STATUS_IO_TIMEOUT", "FALSE 121 9" },
		{ 0xc0000120, "W-GOR-5 of STATUS_CANCELLED", "FALSE 995 9" },
		{ 0xc0000128, "W-GOR-5 of STATUS_FILE_CLOSED", "FALSE 6 9" },
		{ 0xc000014b, "W-GOR-5 of STATUS_PIPE_BROKEN", "FALSE 109 9" },
		{ 0xc0000184, "W-GOR-5 of STATUS_INVALID_DEVICE_STATE", "FALSE 22 9" },
		{ 0xc0000225, "W-GOR-5 of STATUS_NOT_FOUND", "FALSE 1168 9" },
		{ 0xc0000240, "W-GOR-5 of STATUS_REQUEST_ABORTED", "FALSE 1235 9" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OVERLAPPED ov = overlapped(NULL);

		ov.Internal = rows[i].status;
		ov.InternalHigh = 9;
		see(rows[i].name, rows[i].want, "%s", result_of(h, &ov, TRUE));
	}
	CloseHandle(h);
	CloseHandle(w);
}

/* The handle is looked at only where there is something to wait for. */
static void handle_of_result(void)
{
	OVERLAPPED ov = overlapped(NULL);

	ov.InternalHigh = 3;
	see("W-GOR-6 final, by a handle of nothing", "TRUE 3", "%s",
	    result_of((HANDLE)(ULONG_PTR)0x7ffffff0, &ov, TRUE));
	ov.Internal = 0x103;
	see("W-GOR-1 pending, by a handle of nothing", "FALSE 996 12345", "%s",
	    result_of((HANDLE)(ULONG_PTR)0x7ffffff0, &ov, FALSE));
	see("W-GOR-6 waiting, by a handle of nothing", "FALSE 6 12345", "%s",
	    result_of((HANDLE)(ULONG_PTR)0x7ffffff0, &ov, TRUE));
}

static int apc_ran;

static void WINAPI count_apc(ULONG_PTR arg)
{
	apc_ran += (int)arg;
}

static void result_ex(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(e);

	ReadFile(h, buf, 64, NULL, &ov);
	n = 77;
	see("W-GOREX-1 pending, no time", "FALSE 996", "%s",
	    did(FRESH(GetOverlappedResultEx(h, &ov, &n, 0, FALSE))));
	see("W-GOREX-1 count stays", "77", "%u", (unsigned int)n);
	see("W-GOREX-1 time is over", "FALSE 258", "%s",
	    did(FRESH(GetOverlappedResultEx(h, &ov, &n, 20, FALSE))));
	see("W-GOREX-1 time is over, alertable", "FALSE 258", "%s",
	    did(FRESH(GetOverlappedResultEx(h, &ov, &n, 20, TRUE))));
	apc_ran = 0;
	QueueUserAPC(count_apc, GetCurrentThread(), 1);
	see("W-APC-8 not alertable", "FALSE 258", "%s",
	    did(FRESH(GetOverlappedResultEx(h, &ov, &n, 20, FALSE))));
	see("W-APC-8 runs nothing", "0", "%d", apc_ran);
	see("W-GOREX-1 alertable, with an APC", "FALSE 192", "%s",
	    did(FRESH(GetOverlappedResultEx(h, &ov, &n, LONG_TIME, TRUE))));
	see("W-GOREX-1 the APC ran", "1", "%d", apc_ran);
	see("W-GOREX-1 still pending", "103", "%x", status_of(&ov));
	QueueUserAPC(count_apc, GetCurrentThread(), 1);
	line_write(w, "four");
	WaitForSingleObject(e, LONG_TIME);
	see("W-GOREX-2 final, with an APC", "TRUE", "%s",
	    did(FRESH(GetOverlappedResultEx(h, &ov, &n, INFINITE, TRUE))));
	see("W-GOREX-2 the APC waits on", "1", "%d", apc_ran);
	see("W-GOREX-2 count", "4", "%u", (unsigned int)n);
	see("W-APC-4 then a sleep runs it", "apc", "%s", waited(SleepEx(0, TRUE)));
	see("W-APC-4 it ran", "2", "%d", apc_ran);
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

/* Nobody writes any more: that fails at once or later, and a request that failed at once tells nobody. */
static void broken(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(e);

	ReadFile(h, buf, 64, NULL, &ov);
	CloseHandle(w);
	see("W-PIPE-5 writer closes, event", "object 0", "%s",
	    waited(WaitForSingleObject(e, LONG_TIME)));
	see("W-RW-9 writer closes", "FALSE 109 0", "%s", result_of(h, &ov, FALSE));
	see("W-RW-9 status", "c000014b", "%x", status_of(&ov));
	SetEvent(e);
	ov = overlapped(e);
	n = 5;
	see("W-RW-9 no writer is there", "FALSE 109", "%s",
	    did(FRESH(ReadFile(h, buf, 64, &n, &ov))));
	see("W-OVL-7 Internal after an error at once", "103", "%x", status_of(&ov));
	see("W-OVL-7 event after an error at once", "reset", "%s", state(e));
	see("W-RW-1 count after an error", "0", "%u", (unsigned int)n);
	CloseHandle(e);
	CloseHandle(h);
}

static const struct conform_case cases[] = {
	{ pends, 1 },	   { inline_success, 1 }, { file_object, 1 },	   { low_bit, 1 },
	{ bad_event, 0 },  { auto_event, 1 },	  { shared_event, 1 },	   { reused, 1 },
	{ several, 1 },	   { made_up_statuses, 0 }, { handle_of_result, 0 }, { result_ex, 1 },
	{ broken, 0 },
};

CONFORM_MAIN(cases)
