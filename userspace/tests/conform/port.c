// SPDX-License-Identifier: MIT
/* Completion ports (W-PORT, W-MODE). */
#include "conform.h"

static char buf[64];

/* What a call took from the port: its return, key, bytes and whose OVERLAPPED. */
static const char *taken(HANDLE port, DWORD time, OVERLAPPED *expected)
{
	OVERLAPPED *ov = (OVERLAPPED *)(ULONG_PTR)0x55;
	char *text = conform_text();
	ULONG_PTR key = 77;
	DWORD count = 77;
	BOOL result = FRESH(GetQueuedCompletionStatus(port, &count, &key, &ov, time));

	if (!result && !ov)
		snprintf(text, 64, "FALSE %u, nothing", last());
	else
		snprintf(text, 64, "%s, key %u, %u bytes, %s", result ? "TRUE" : conform_failure("FALSE"),
			 (unsigned int)key, (unsigned int)count,
			 ov == expected ? (ov ? "its own" : "no OVERLAPPED") : "another");
	return text;
}

static HANDLE port_new(void)
{
	return CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
}

static void modes_of_creation(void)
{
	HANDLE w = line_writer(), h = line_reader(), e = event_new(TRUE, FALSE), port, other, twin;

	port = FRESH(CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0));
	see("W-PORT-1 create", "handle", "%s", got(port));
	see("W-PORT-1 a port, but no file", "NULL 87", "%s",
	    got(FRESH(CreateIoCompletionPort(INVALID_HANDLE_VALUE, port, 0, 0))));
	see("W-PORT-1 associate gives the same port", "1", "%d",
	    CreateIoCompletionPort(h, port, 5, 0) == port);
	other = port_new();
	see("W-PORT-2 a second port", "NULL 87", "%s",
	    got(FRESH(CreateIoCompletionPort(h, other, 5, 0))));
	see("W-PORT-2 the same port again", "NULL 87", "%s",
	    got(FRESH(CreateIoCompletionPort(h, port, 6, 0))));
	twin = h;
	DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &twin, 0, FALSE,
			DUPLICATE_SAME_ACCESS);
	see("W-PORT-2 a second port by a duplicate", "NULL 87", "%s",
	    got(FRESH(CreateIoCompletionPort(twin, other, 5, 0))));
	see("W-PORT-2 a synchronous file", "NULL 87", "%s",
	    got(FRESH(CreateIoCompletionPort(w, port, 5, 0))));
	see("W-PORT-1 an event for a file", "NULL 6", "%s",
	    got(FRESH(CreateIoCompletionPort(e, port, 5, 0))));
	CloseHandle(twin);
	CloseHandle(h);
	see("W-PORT-1 a closed file", "NULL 6", "%s",
	    got(FRESH(CreateIoCompletionPort(h, port, 5, 0))));
	h = line_reader();
	see("W-PORT-1 an event for a port", "NULL 6", "%s",
	    got(FRESH(CreateIoCompletionPort(h, e, 5, 0))));
	CloseHandle(port);
	port = FRESH(CreateIoCompletionPort(h, NULL, 5, 0));
	see("W-PORT-1 create and associate", "handle", "%s", got(port));
	CloseHandle(port);
	CloseHandle(other);
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(w);
}

static void posted(void)
{
	OVERLAPPED one, two;
	HANDLE port = port_new();

	see("W-PORT-5 an empty port", "FALSE 258, nothing", "%s", taken(port, 0, NULL));
	see("W-PORT-5 an empty port for a time", "FALSE 258, nothing", "%s", taken(port, 20, NULL));
	see("W-PORT-9 post", "TRUE", "%s",
	    did(FRESH(PostQueuedCompletionStatus(port, 11, 1, &one))));
	PostQueuedCompletionStatus(port, 22, 2, &two);
	PostQueuedCompletionStatus(port, 33, 3, NULL);
	see("W-PORT-3 first", "TRUE, key 1, 11 bytes, its own", "%s", taken(port, 0, &one));
	see("W-PORT-3 second", "TRUE, key 2, 22 bytes, its own", "%s", taken(port, INFINITE, &two));
	see("W-PORT-9 no OVERLAPPED", "TRUE", "%s", ({
		OVERLAPPED *ov = &one;
		ULONG_PTR key;
		DWORD n;
		did(GetQueuedCompletionStatus(port, &n, &key, &ov, 0) && key == 3 && n == 33 && !ov);
	}));
	see("W-PORT-5 empty again", "FALSE 258, nothing", "%s", taken(port, 0, NULL));
	CloseHandle(port);
	see("W-PORT-9 post to a closed port", "FALSE 6", "%s",
	    did(FRESH(PostQueuedCompletionStatus(port, 1, 1, NULL))));
	see("W-PORT-5 a closed port", "FALSE 6, nothing", "%s", ({
		OVERLAPPED *ov = NULL;
		ULONG_PTR key;
		DWORD n;
		const char *text = did(FRESH(GetQueuedCompletionStatus(port, &n, &key, &ov, 0)));
		char *all = conform_text();

		snprintf(all, 64, "%s, %s", text, ov ? "something" : "nothing");
		all;
	}));
}

static void requests(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new(), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(NULL);

	CreateIoCompletionPort(h, port, 42, 0);
	see("W-PORT-3 read that waits", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-PORT-5 not yet", "FALSE 258, nothing", "%s", taken(port, 0, NULL));
	line_write(w, "port");
	see("W-PORT-5 its packet", "TRUE, key 42, 4 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	see("W-PORT-10 status after the packet", "0 4", "%x %u", status_of(&ov), count_of(&ov));
	see("W-GOR-4 result after the packet", "TRUE 4", "%s", result_of(h, &ov, FALSE));
	line_write(w, "at once");
	see("W-OVL-5 data is there", "begun", "%s", begun(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-OVL-5 packet after success at once", "TRUE, key 42, 7 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	ReadFile(h, buf, 64, NULL, &ov);
	see("W-PORT-5 cancel", "TRUE", "%s", did(FRESH(CancelIoEx(h, &ov))));
	see("W-PORT-5 packet of a cancelled read", "FALSE 995, key 42, 0 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	see("W-RACE-2 only one", "FALSE 258, nothing", "%s", taken(port, 20, NULL));

	ov = overlapped(e);
	ReadFile(h, buf, 64, NULL, &ov);
	line_write(w, "both");
	see("W-EVT-1 event beside the port", "object 0", "%s",
	    waited(WaitForSingleObject(e, LONG_TIME)));
	see("W-EVT-1 packet beside the event", "TRUE, key 42, 4 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	ov = overlapped((HANDLE)((ULONG_PTR)e | 1));
	ReadFile(h, buf, 64, NULL, &ov);
	line_write(w, "low");
	see("W-EVT-3 low bit: result", "TRUE 3", "%s", result_of(h, &ov, TRUE));
	see("W-PORT-11 low bit: no packet", "FALSE 258, nothing", "%s", taken(port, 20, NULL));
	ReadFile(h, buf, 64, NULL, &ov);
	CancelIoEx(h, &ov);
	see("W-EVT-3 low bit, cancelled: result", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	see("W-PORT-11 low bit, cancelled: no packet", "FALSE 258, nothing", "%s",
	    taken(port, 20, NULL));
	CloseHandle(e);
	CloseHandle(h);
	CloseHandle(port);
	CloseHandle(w);
}

static void after_the_event(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new();
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	CreateIoCompletionPort(h, port, 9, 0);
	ReadFile(h, buf, 64, NULL, &ov);
	CancelIoEx(h, &ov);
	see("W-RACE-2 the result is waited for", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	see("W-RACE-2 the packet comes all the same", "FALSE 995, key 9, 0 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	ReadFile(h, buf, 64, NULL, &ov);
	CloseHandle(h);
	see("W-CLOSE-3 packet after the file's end", "FALSE 995, key 9, 0 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	CloseHandle(ov.hEvent);
	CloseHandle(port);
	CloseHandle(w);
}

/* Failures at once leave no packet. */
static void failures(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new();
	OVERLAPPED ov = overlapped(NULL);

	CreateIoCompletionPort(h, port, 8, 0);
	ReadFile(h, buf, 64, NULL, &ov);
	CloseHandle(w);
	see("W-PORT-5 the writer closes", "FALSE 109, key 8, 0 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	ov = overlapped(NULL);
	see("W-OVL-7 no writer", "FALSE", "%.5s", did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-OVL-7 no packet", "FALSE 258, nothing", "%s", taken(port, 20, NULL));
	CloseHandle(h);
	CloseHandle(port);
}

static void files(void)
{
	HANDLE h, s = temp_new("port-file", "0123456789"), port = port_new();
	OVERLAPPED ov = overlapped(NULL);

	h = temp_open("port-file", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	CreateIoCompletionPort(h, port, 4, 0);
	ov.Offset = 7;
	see("W-OVL-5 read of a file", "begun", "%s", begun(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	see("W-OVL-5 its packet", "TRUE, key 4, 3 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	see("W-OVL-5 write to a file", "begun", "%s",
	    begun(FRESH(WriteFile(h, "abc", 3, NULL, &ov))));
	see("W-OVL-5 its packet, too", "TRUE, key 4, 3 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	see("W-OVL-5 that is all", "FALSE 258, nothing", "%s", taken(port, 20, NULL));
	CloseHandle(h);
	CloseHandle(s);
	CloseHandle(port);
}

static void many_at_once(void)
{
	OVERLAPPED_ENTRY entry[4];
	OVERLAPPED ov[3];
	HANDLE port = port_new();
	ULONG count = 9;
	int i;

	for (i = 0; i < 3; i++)
		PostQueuedCompletionStatus(port, 10 + i, 20 + i, &ov[i]);
	see("W-PORT-8 two of three", "TRUE", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 2, &count, 0, FALSE))));
	see("W-PORT-8 their number", "2", "%u", (unsigned int)count);
	see("W-PORT-8 keys", "20 21", "%u %u", (unsigned int)entry[0].lpCompletionKey,
	    (unsigned int)entry[1].lpCompletionKey);
	see("W-PORT-8 bytes", "10 11", "%u %u", (unsigned int)entry[0].dwNumberOfBytesTransferred,
	    (unsigned int)entry[1].dwNumberOfBytesTransferred);
	see("W-PORT-8 OVERLAPPED", "1 1", "%d %d", entry[0].lpOverlapped == &ov[0],
	    entry[1].lpOverlapped == &ov[1]);
	see("W-PORT-8 the third", "TRUE", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, LONG_TIME, FALSE))));
	see("W-PORT-8 its number", "1 22", "%u %u", (unsigned int)count,
	    (unsigned int)entry[0].lpCompletionKey);
	see("W-PORT-8 nothing", "FALSE 258", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, 0, FALSE))));
	see("W-PORT-8 room for none", "FALSE 87", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 0, &count, 0, FALSE))));
	CloseHandle(port);
	see("W-PORT-8 a closed port", "FALSE 6", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, 0, FALSE))));
}

static int apc_ran;

static void WINAPI count_apc(ULONG_PTR arg)
{
	apc_ran += (int)arg;
}

static void alertable(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new();
	OVERLAPPED ov = overlapped(NULL);
	OVERLAPPED_ENTRY entry[4];
	ULONG count = 0;

	CreateIoCompletionPort(h, port, 3, 0);
	apc_ran = 0;
	QueueUserAPC(count_apc, GetCurrentThread(), 1);
	see("W-PORT-13 one by one is not alertable", "FALSE 258, nothing", "%s",
	    taken(port, 20, NULL));
	see("W-PORT-8 not alertable", "FALSE 258", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, 20, FALSE))));
	see("W-PORT-13 nothing ran", "0", "%d", apc_ran);
	PostQueuedCompletionStatus(port, 1, 1, NULL);
	see("W-PORT-8 a packet is there", "TRUE", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, LONG_TIME, TRUE))));
	see("W-PORT-8 so nothing ran", "0", "%d", apc_ran);
	see("W-PORT-8 alertable", "FALSE 192", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, LONG_TIME, TRUE))));
	see("W-PORT-8 it ran", "1", "%d", apc_ran);
	ReadFile(h, buf, 64, NULL, &ov);
	CancelIoEx(h, &ov);
	see("W-PORT-8 a failed request", "TRUE", "%s",
	    did(FRESH(GetQueuedCompletionStatusEx(port, entry, 4, &count, LONG_TIME, TRUE))));
	see("W-PORT-8 its status", "1 1 c0000120", "%u %d %x", (unsigned int)count,
	    entry[0].lpOverlapped == &ov, status_of(&ov));
	CloseHandle(h);
	CloseHandle(port);
	CloseHandle(w);
}

static void skipping(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new(), f, s;
	OVERLAPPED ov = overlapped(NULL);
	const char *packet;

	CreateIoCompletionPort(h, port, 6, 0);
	see("W-MODE-1 skip the port on success", "TRUE", "%s",
	    did(FRESH(SetFileCompletionNotificationModes(h, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS))));
	ReadFile(h, buf, 64, NULL, &ov);
	line_write(w, "pend");
	see("W-MODE-1 a read that waited", "TRUE, key 6, 4 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	ReadFile(h, buf, 64, NULL, &ov);
	CancelIoEx(h, &ov);
	see("W-MODE-1 a cancelled one", "FALSE 995, key 6, 0 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	line_write(w, "now");
	/* Success at once and no packet, or pending and a packet: never both, never neither. */
	if (ReadFile(h, buf, 64, NULL, &ov))
		packet = !strcmp(taken(port, 20, NULL), "FALSE 258, nothing") ? "right" : "packet";
	else
		packet = !strcmp(taken(port, LONG_TIME, &ov), "TRUE, key 6, 3 bytes, its own") ?
				 "right" :
				 "no packet";
	see("W-MODE-1 success at once", "right", "%s", packet);
	see("W-MODE-1 no mode clears it", "TRUE", "%s",
	    did(FRESH(SetFileCompletionNotificationModes(h, 0))));
	line_write(w, "still");
	if (ReadFile(h, buf, 64, NULL, &ov))
		packet = !strcmp(taken(port, 20, NULL), "FALSE 258, nothing") ? "right" : "packet";
	else
		packet = !strcmp(taken(port, LONG_TIME, &ov), "TRUE, key 6, 5 bytes, its own") ?
				 "right" :
				 "no packet";
	see("W-MODE-1 success at once, still", "right", "%s", packet);
	see("W-MODE-1 unknown mode", "FALSE 87", "%s",
	    did(FRESH(SetFileCompletionNotificationModes(h, 0x80))));
	see("W-MODE-2 skip the file object", "TRUE", "%s",
	    did(FRESH(SetFileCompletionNotificationModes(h, FILE_SKIP_SET_EVENT_ON_HANDLE))));
	ov = overlapped(NULL);
	ReadFile(h, buf, 64, NULL, &ov);
	line_write(w, "quiet");
	see("W-MODE-2 packet", "TRUE, key 6, 5 bytes, its own", "%s", taken(port, LONG_TIME, &ov));
	see("W-MODE-2 file object", "reset", "%s", state(h));
	CloseHandle(h);
	see("W-MODE-1 a closed file", "FALSE 6", "%s",
	    did(FRESH(SetFileCompletionNotificationModes(h, 1))));

	s = temp_new("mode-file", "0123456789");
	f = temp_open("mode-file", GENERIC_READ, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	CreateIoCompletionPort(f, port, 7, 0);
	SetFileCompletionNotificationModes(f, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
	ov = overlapped(NULL);
	if (ReadFile(f, buf, 4, NULL, &ov))
		packet = !strcmp(taken(port, 20, NULL), "FALSE 258, nothing") ? "right" : "packet";
	else
		packet = !strcmp(taken(port, LONG_TIME, &ov), "TRUE, key 7, 4 bytes, its own") ?
				 "right" :
				 "no packet";
	see("W-MODE-1 a file's read", "right", "%s", packet);
	CloseHandle(f);
	CloseHandle(s);
	CloseHandle(port);
	CloseHandle(w);
}

static HANDLE the_port;
static const char *waiter_saw;

static DWORD WINAPI waiter(void *overlapped_expected)
{
	waiter_saw = taken(the_port, 5 * LONG_TIME, overlapped_expected);
	return 0;
}

static void waiting_threads(void)
{
	HANDLE thread;
	OVERLAPPED ov;

	the_port = port_new();
	thread = thread_new(waiter, &ov);
	Sleep(20);
	PostQueuedCompletionStatus(the_port, 1, 2, &ov);
	see("W-PORT-3 a waiting thread", "ended 0", "%s", thread_end(thread));
	see("W-PORT-3 its packet", "TRUE, key 2, 1 bytes, its own", "%s", waiter_saw);
	CloseHandle(the_port);
}

static DWORD WINAPI order_waiter(void *arg)
{
	OVERLAPPED *ov;
	ULONG_PTR key;
	DWORD n;

	SetEvent(arg);
	if (!GetQueuedCompletionStatus(the_port, &n, &key, &ov, LONG_TIME))
		return 99;
	return (DWORD)key;
}

/* Who waits cannot be seen from outside; a thread that was late is given another chance. */
#define CHANCES 4

static void last_come_first_served(void)
{
	HANDLE ready = event_new(FALSE, FALSE), first, second;
	const char *last_one = "", *first_one = "";
	int i;

	for (i = 0; i < CHANCES && strcmp(last_one, "ended 1"); i++) {
		the_port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 4);
		first = thread_new(order_waiter, ready);
		WaitForSingleObject(ready, LONG_TIME);
		Sleep(50 + 100 * i);
		second = thread_new(order_waiter, ready);
		WaitForSingleObject(ready, LONG_TIME);
		Sleep(50 + 100 * i);
		PostQueuedCompletionStatus(the_port, 0, 1, NULL);
		Sleep(50);
		PostQueuedCompletionStatus(the_port, 0, 2, NULL);
		last_one = thread_end(second);
		first_one = thread_end(first);
		CloseHandle(the_port);
	}
	see("W-PORT-3 who came last", "ended 1", "%s", last_one);
	see("W-PORT-3 who came first", "ended 2", "%s", first_one);
	CloseHandle(ready);
}

static DWORD WINAPI close_waiter(void *arg)
{
	OVERLAPPED *ov = &(OVERLAPPED){ .hEvent = NULL };
	ULONG_PTR key;
	DWORD n;

	SetEvent(arg);
	if (GetQueuedCompletionStatus(the_port, &n, &key, &ov, 1000))
		return 1;
	return ov ? 2 : GetLastError();
}

static DWORD WINAPI close_waiter_ex(void *arg)
{
	OVERLAPPED_ENTRY entry[2];
	ULONG count;

	SetEvent(arg);
	return GetQueuedCompletionStatusEx(the_port, entry, 2, &count, 1000, FALSE) ? 1 :
										       GetLastError();
}

static void closed(void)
{
	HANDLE ready = event_new(FALSE, FALSE), one, two;
	const char *one_by_one = "", *several = "";
	BOOL result = FALSE;
	int i;

	for (i = 0; i < CHANCES; i++) {
		the_port = port_new();
		one = thread_new(close_waiter, ready);
		WaitForSingleObject(ready, LONG_TIME);
		two = thread_new(close_waiter_ex, ready);
		WaitForSingleObject(ready, LONG_TIME);
		Sleep(50 + 100 * i);
		result = FRESH(CloseHandle(the_port));
		one_by_one = thread_end(one);
		several = thread_end(two);
		if (strcmp(one_by_one, "ended 6") && strcmp(several, "ended 6"))
			break;
	}
	see("W-PORT-7 closed while threads wait", "TRUE", "%s", did(result));
	see("W-PORT-7 who waits", "ended 735", "%s", one_by_one);
	see("W-PORT-8 who waits for several", "ended 735", "%s", several);
	CloseHandle(ready);
}

/* The port is gone, the file is not. */
static void outlived(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new();
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	CreateIoCompletionPort(h, port, 1, 0);
	ReadFile(h, buf, 64, NULL, &ov);
	CloseHandle(port);
	line_write(w, "on");
	see("W-PORT-12 the port's handle is closed", "TRUE 2", "%s", result_of(h, &ov, TRUE));
	see("W-PORT-12 a new read", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 64, NULL, &ov))));
	CancelIoEx(h, &ov);
	see("W-PORT-12 is cancelled", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(w);
}

static DWORD WINAPI issue_and_end(void *arg)
{
	OVERLAPPED *ov = arg;
	HANDLE h = (HANDLE)ov->Pointer;

	ov->Pointer = NULL;
	ReadFile(h, buf, 64, NULL, ov);
	return 0;
}

static void after_the_thread(void)
{
	HANDLE w = line_writer(), h = line_reader(), port = port_new();
	OVERLAPPED ov = overlapped(NULL);

	CreateIoCompletionPort(h, port, 13, 0);
	ov.Pointer = h;
	see("W-THREAD-3 the issuer ends", "ended 0", "%s", thread_end(thread_new(issue_and_end, &ov)));
	see("W-THREAD-3 its read goes on", "FALSE 258, nothing", "%s", taken(port, 50, NULL));
	line_write(w, "alive");
	see("W-THREAD-3 and ends as any other", "TRUE, key 13, 5 bytes, its own", "%s",
	    taken(port, LONG_TIME, &ov));
	see("W-THREAD-3 with its data", "alive", "%.5s", buf);
	CloseHandle(h);
	CloseHandle(port);
	CloseHandle(w);
}

static const struct conform_case cases[] = {
	{ modes_of_creation, 1 }, { posted, 0 },    { requests, 1 }, { after_the_event, 1 },
	{ failures, 0 },	  { files, 0 },	    { many_at_once, 0 }, { alertable, 1 },
	{ skipping, 1 },	  { waiting_threads, 0 }, { last_come_first_served, 0 },
	{ closed, 0 },		  { outlived, 1 },  { after_the_thread, 1 },
};

CONFORM_MAIN(cases)
