// SPDX-License-Identifier: MIT
/* ReadFileEx, WriteFileEx and asynchronous procedure calls (W-RWEX, W-APC). */
#include "conform.h"

static char buf[64];
static int ended;
static DWORD end_error, end_count;
static OVERLAPPED *end_overlapped;

static VOID WINAPI on_end(DWORD error, DWORD count, OVERLAPPED *ov)
{
	ended++;
	end_error = error;
	end_count = count;
	end_overlapped = ov;
}

/* A request that is no more is not given to a later case. */
static const char *end_seen(OVERLAPPED *ov)
{
	char *text = conform_text();

	snprintf(text, 64, "%d times, error %u, %u bytes, %s", ended, (unsigned int)end_error,
		 (unsigned int)end_count, end_overlapped == ov ? "its own" : "another");
	ended = 0;
	end_overlapped = NULL;
	return text;
}

static char order[32];

static void WINAPI note(ULONG_PTR letter)
{
	order[strlen(order)] = (char)letter;
}

static const char *noted(void)
{
	char *text = conform_text();

	snprintf(text, 64, "%s", *order ? order : "none");
	memset(order, 0, sizeof(order));
	return text;
}

static void queue(char letter)
{
	QueueUserAPC(note, GetCurrentThread(), (ULONG_PTR)letter);
}

static void reads(void)
{
	HANDLE w = line_writer(), h = line_reader();
	/* Any pointer may stand there. */
	OVERLAPPED ov = overlapped((HANDLE)&ov);

	see("W-RWEX-1 read that waits", "TRUE", "%s",
	    did(FRESH(ReadFileEx(h, buf, 64, &ov, on_end))));
	see("W-RWEX-2 last error", "0", "%u", last());
	see("W-EVT-4 hEvent is not looked at", "1", "%d", ov.hEvent == (HANDLE)&ov);
	see("W-APC-4 nothing to run", "object 0", "%s", waited(SleepEx(0, TRUE)));
	line_write(w, "apc");
	see("W-APC-8 plain sleep", "0", "%d", ((void)Sleep(20), ended));
	see("W-APC-4 alertable sleep", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-3 the routine's arguments", "1 times, error 0, 3 bytes, its own", "%s",
	    end_seen(&ov));
	see("W-RWEX-3 status", "0 3", "%x %u", status_of(&ov), count_of(&ov));
	see("W-RWEX-1 only once", "object 0", "%s", waited(SleepEx(20, TRUE)));
	line_write(w, "there");
	see("W-RWEX-1 data is there", "TRUE", "%s",
	    did(FRESH(ReadFileEx(h, buf, 64, &ov, on_end))));
	see("W-APC-1 not before a wait", "0", "%d", ended);
	see("W-APC-1 in a wait", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-1 the routine after success at once", "1 times, error 0, 5 bytes, its own", "%s",
	    end_seen(&ov));
	see("W-RWEX-1 data", "there", "%.5s", buf);
	CloseHandle(h);
	CloseHandle(w);
}

static void writes(void)
{
	HANDLE keep = line_writer();
	HANDLE w = line_open(GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = overlapped(NULL);
	DWORD n = 0;

	see("W-RWEX-1 write", "TRUE", "%s", did(FRESH(WriteFileEx(w, "wrote", 5, &ov, on_end))));
	see("W-RWEX-1 write: wait", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-3 write: arguments", "1 times, error 0, 5 bytes, its own", "%s", end_seen(&ov));
	ReadFile(keep, buf, 64, &n, NULL);
	see("W-RWEX-1 what was written", "5 wrote", "%u %.5s", (unsigned int)n, buf);
	CloseHandle(w);
	CloseHandle(keep);
}

static void cancelled(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL), two = overlapped(NULL);

	ReadFileEx(h, buf, 64, &ov, on_end);
	see("W-RWEX-4 cancel", "TRUE", "%s", did(FRESH(CancelIoEx(h, &ov))));
	see("W-RWEX-4 the result is waited for", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	see("W-RWEX-4 nothing has run", "0", "%d", ended);
	see("W-RWEX-4 the routine comes all the same", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-4 arguments", "1 times, error 995, 0 bytes, its own", "%s", end_seen(&ov));
	ReadFileEx(h, buf, 1, &ov, on_end);
	ReadFileEx(h, buf, 1, &two, on_end);
	see("W-CANCELIO-3 CancelIo of two", "TRUE", "%s", did(FRESH(CancelIo(h))));
	while (ended < 2 && SleepEx(LONG_TIME, TRUE) == WAIT_IO_COMPLETION)
		;
	see("W-CANCELIO-3 both routines", "2 c0000120 c0000120", "%d %x %x", ended, status_of(&ov),
	    status_of(&two));
	ended = 0;
	CloseHandle(h);
	CloseHandle(w);
}

static void refused(void)
{
	HANDLE w = line_writer(), h = line_reader(), port;
	OVERLAPPED ov = overlapped(NULL);

	port = CreateIoCompletionPort(h, NULL, 1, 0);
	see("W-RWEX-5 read of a file with a port", "FALSE 87", "%s",
	    did(FRESH(ReadFileEx(h, buf, 64, &ov, on_end))));
	CloseHandle(port);
	CloseHandle(h);
	see("W-RWEX-1 read of a closed file", "FALSE 6", "%s",
	    did(FRESH(ReadFileEx(h, buf, 64, &ov, on_end))));
	see("W-RWEX-1 write to a closed file", "FALSE 6", "%s",
	    did(FRESH(WriteFileEx(h, "x", 1, &ov, on_end))));
	see("W-RWEX-1 none of them tells", "object 0", "%s", waited(SleepEx(20, TRUE)));
	CloseHandle(w);
}

static void broken(void)
{
	HANDLE w = line_writer(), h = line_reader();
	OVERLAPPED ov = overlapped(NULL);

	ReadFileEx(h, buf, 64, &ov, on_end);
	CloseHandle(w);
	see("W-RWEX-6 the writer closes", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-6 arguments", "1 times, error 109, 0 bytes, its own", "%s", end_seen(&ov));
	CloseHandle(h);
}

static void file_to_its_end(void)
{
	HANDLE h, s = temp_new("apc-file", "0123456789");
	OVERLAPPED ov = overlapped(NULL);

	h = temp_open("apc-file", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	ov.Offset = 6;
	see("W-RWEX-1 read of a file", "TRUE", "%s",
	    did(FRESH(ReadFileEx(h, buf, 64, &ov, on_end))));
	see("W-RWEX-1 read of a file: wait", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-3 read of a file: arguments", "1 times, error 0, 4 bytes, its own", "%s",
	    end_seen(&ov));
	see("W-OVL-2 read of a file: offset", "6", "%u", (unsigned int)ov.Offset);
	ov = overlapped(NULL);
	ov.Offset = 100;
	if (FRESH(ReadFileEx(h, buf, 64, &ov, on_end)))
		SleepEx(LONG_TIME, TRUE);
	else
		end_error = GetLastError();
	see("W-RWEX-6 at the end", "38", "%u", (unsigned int)end_error);
	ended = 0;
	ov = overlapped(NULL);
	ov.Offset = 2;
	WriteFileEx(h, "xy", 2, &ov, on_end);
	SleepEx(LONG_TIME, TRUE);
	see("W-RWEX-3 write to a file", "1 times, error 0, 2 bytes, its own", "%s", end_seen(&ov));
	see("W-RWEX-1 without an OVERLAPPED's wait nothing is left", "object 0", "%s",
	    waited(SleepEx(0, TRUE)));
	CloseHandle(h);
	CloseHandle(s);
}

static void user_apcs(void)
{
	HANDLE e = event_new(TRUE, TRUE);

	queue('a');
	queue('b');
	queue('c');
	see("W-APC-8 a plain wait", "object 0", "%s", waited(WaitForSingleObject(e, 0)));
	see("W-APC-2 the object is set", "object 0", "%s",
	    waited(WaitForSingleObjectEx(e, 0, TRUE)));
	ResetEvent(e);
	see("W-APC-2 not alertable", "timeout", "%s", waited(WaitForSingleObjectEx(e, 20, FALSE)));
	see("W-APC-2 none has run", "", "%s", order);
	see("W-APC-3 all of them, in order", "apc", "%s",
	    waited(WaitForSingleObjectEx(e, LONG_TIME, TRUE)));
	see("W-APC-3 the order", "abc", "%s", noted());
	queue('d');
	see("W-APC-2 before a timeout of 0", "apc", "%s", waited(WaitForSingleObjectEx(e, 0, TRUE)));
	see("W-APC-2 it ran", "d", "%s", noted());
	queue('e');
	see("W-APC-4 SleepEx(0)", "apc", "%s", waited(SleepEx(0, TRUE)));
	see("W-APC-4 SleepEx(0) again", "object 0", "%s", waited(SleepEx(0, TRUE)));
	see("W-APC-4 it ran", "e", "%s", noted());
	queue('f');
	see("W-WAIT-4 WaitForMultipleObjectsEx", "apc", "%s",
	    waited(WaitForMultipleObjectsEx(1, &e, FALSE, LONG_TIME, TRUE)));
	see("W-WAIT-4 it ran", "f", "%s", noted());
	queue('g');
	see("W-WAIT-4 all, alertable", "apc", "%s",
	    waited(WaitForMultipleObjectsEx(1, &e, TRUE, LONG_TIME, TRUE)));
	see("W-WAIT-4 all: it ran", "g", "%s", noted());
	CloseHandle(e);
}

static void WINAPI queue_another(ULONG_PTR letter)
{
	note(letter);
	queue((char)(letter + 1));
}

static HANDLE nested_event;

static void WINAPI nest(ULONG_PTR letter)
{
	note('(');
	WaitForSingleObjectEx(nested_event, 0, TRUE);
	note(letter);
	note(')');
}

static void from_within(void)
{
	nested_event = event_new(TRUE, FALSE);
	QueueUserAPC(queue_another, GetCurrentThread(), 'a');
	see("W-APC-3 one queues another", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	SleepEx(0, TRUE);
	see("W-APC-3 both run", "ab", "%s", noted());
	QueueUserAPC(nest, GetCurrentThread(), 'n');
	queue('x');
	queue('y');
	see("W-APC-5 one waits alertably", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-APC-5 the others run inside", "(xyn)", "%s", noted());
	CloseHandle(nested_event);
}

static DWORD WINAPI sleeper(void *ready)
{
	DWORD result;

	SetEvent(ready);
	result = SleepEx(LONG_TIME, TRUE);
	note('.');
	return result;
}

static DWORD WINAPI at_once(void *unused)
{
	(void)unused;
	note('t');
	return 5;
}

static void other_threads(void)
{
	HANDLE ready = event_new(FALSE, FALSE), thread = thread_new(sleeper, ready), weak = NULL;

	WaitForSingleObject(ready, LONG_TIME);
	Sleep(20);
	see("W-APC-1 to a thread that sleeps", "TRUE", "%s",
	    did(FRESH(QueueUserAPC(note, thread, 's') != 0)));
	see("W-APC-4 ends its sleep", "ended 192", "%s", thread_end(thread));
	see("W-APC-1 in this order", "s.", "%s", noted());

	thread = CreateThread(NULL, 0, at_once, NULL, CREATE_SUSPENDED, NULL);
	QueueUserAPC(note, thread, '1');
	QueueUserAPC(note, thread, '2');
	ResumeThread(thread);
	WaitForSingleObject(thread, LONG_TIME);
	see("W-APC-6 before the thread first runs", "12t", "%s", noted());
	see("W-APC-6 to an ended thread", "FALSE 31", "%s",
	    did(FRESH(QueueUserAPC(note, thread, 'z') != 0)));
	CloseHandle(thread);

	thread = CreateThread(NULL, 0, at_once, NULL, CREATE_SUSPENDED, NULL);
	DuplicateHandle(GetCurrentProcess(), thread, GetCurrentProcess(), &weak, SYNCHRONIZE, FALSE,
			0);
	see("W-APC-6 without THREAD_SET_CONTEXT", "FALSE 5", "%s",
	    did(FRESH(QueueUserAPC(note, weak, 'z') != 0)));
	ResumeThread(thread);
	thread_end(thread);
	CloseHandle(weak);
	see("W-APC-6 to an event", "FALSE 6", "%s",
	    did(FRESH(QueueUserAPC(note, ready, 'z') != 0)));
	see("W-APC-6 to nothing", "FALSE 6", "%s",
	    did(FRESH(QueueUserAPC(note, NULL, 'z') != 0)));
	noted();
	CloseHandle(ready);
}

/* The routine runs in the thread that issued, whoever cancels or waits. */
static HANDLE issuer_ready, issuer_go;
static DWORD ran_in;

static VOID WINAPI on_end_where(DWORD error, DWORD count, OVERLAPPED *ov)
{
	ran_in = GetCurrentThreadId();
	on_end(error, count, ov);
}

static OVERLAPPED issued;

static DWORD WINAPI issuer(void *file)
{
	ReadFileEx(file, buf, 64, &issued, on_end_where);
	SetEvent(issuer_ready);
	WaitForSingleObject(issuer_go, LONG_TIME);
	if (SleepEx(LONG_TIME, TRUE) != WAIT_IO_COMPLETION)
		return 1;
	return ran_in == GetCurrentThreadId() ? 0 : 2;
}

static void in_the_issuer(void)
{
	HANDLE w = line_writer(), h = line_reader(), thread;

	issued = overlapped(NULL);
	issuer_ready = event_new(FALSE, FALSE);
	issuer_go = event_new(FALSE, FALSE);
	thread = thread_new(issuer, h);
	WaitForSingleObject(issuer_ready, LONG_TIME);
	see("W-CANCELIOEX-1 another thread's read", "TRUE", "%s", did(FRESH(CancelIoEx(h, &issued))));
	see("W-RWEX-4 its result", "FALSE 995 0", "%s", result_of(h, &issued, TRUE));
	see("W-RWEX-1 its routine does not run here", "object 0", "%s", waited(SleepEx(10, TRUE)));
	SetEvent(issuer_go);
	see("W-RWEX-1 it runs there", "ended 0", "%s", thread_end(thread));
	see("W-RWEX-1 with these arguments", "1 times, error 995, 0 bytes, its own", "%s",
	    end_seen(&issued));
	CloseHandle(issuer_ready);
	CloseHandle(issuer_go);
	CloseHandle(h);
	CloseHandle(w);
}

static const struct conform_case cases[] = {
	{ reads, 1 },	      { writes, 1 },	{ cancelled, 1 },   { refused, 1 },
	{ broken, 0 },	      { file_to_its_end, 0 }, { user_apcs, 0 }, { from_within, 0 },
	{ other_threads, 0 }, { in_the_issuer, 1 },
};

CONFORM_MAIN(cases)
