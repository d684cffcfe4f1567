// SPDX-License-Identifier: MIT
/* Named pipes (W-PIPE-2 to -5, W-RW-7 to -10, W-OVL-6): the patterns of the SDK's servers. */
#include "conform.h"

static char name[64], buf[128];
static DWORD n;

#define MESSAGES (PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT)

/* Another for each case, for Wine may need a while to forget one. */
static HANDLE server(DWORD open_mode, DWORD pipe_mode, DWORD instances)
{
	HANDLE h = CreateNamedPipeA(name, open_mode, pipe_mode, instances, 4096, 4096, 0, NULL);

	if (h == INVALID_HANDLE_VALUE)
		conform_setup_failed(name);
	return h;
}

static void new_name(void)
{
	static int count;

	snprintf(name, sizeof(name), "\\\\.\\pipe\\conform-%u-%d", (unsigned int)GetCurrentProcessId(),
		 count++);
}

static HANDLE client(DWORD access, DWORD flags)
{
	return CreateFileA(name, access, 0, NULL, OPEN_EXISTING, flags, NULL);
}

static HANDLE client_of_messages(DWORD flags)
{
	HANDLE c = client(GENERIC_READ | GENERIC_WRITE, flags);
	DWORD mode = PIPE_READMODE_MESSAGE;

	if (c == INVALID_HANDLE_VALUE || !SetNamedPipeHandleState(c, &mode, NULL, NULL))
		conform_setup_failed("client");
	return c;
}

static void arguments(void)
{
	HANDLE h, c;

	new_name();
	see("W-PIPE-2 no such pipe", "INVALID 2", "%s", got(FRESH(client(GENERIC_READ, 0))));
	see("W-PIPE-2 wait for no such pipe", "FALSE 2", "%s", did(FRESH(WaitNamedPipeA(name, 1))));
	see("W-PIPE-2 a name that is none", "INVALID 123", "%s",
	    got(FRESH(CreateNamedPipeA("pipe", PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL))));
	see("W-PIPE-2 no instances", "INVALID 87", "%s",
	    got(FRESH(CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, 0, 0, 0, 0, 0, NULL))));
	see("W-PIPE-2 too many instances", "INVALID 87", "%s",
	    got(FRESH(CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, 0, 256, 0, 0, 0, NULL))));
	see("W-PIPE-2 messages from bytes", "INVALID 87", "%s",
	    got(FRESH(CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, PIPE_READMODE_MESSAGE, 1, 0, 0, 0,
				       NULL))));
	/* Wine has made some. */
	new_name();
	h = server(PIPE_ACCESS_INBOUND, 0, 1);
	see("W-PIPE-2 type", "3", "%u", (unsigned int)GetFileType(h));
	see("W-PIPE-2 the first once more", "INVALID 5", "%s",
	    got(FRESH(CreateNamedPipeA(name, PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE, 0,
				       1, 0, 0, 0, NULL))));
	see("W-PIPE-2 a direction that there is not", "INVALID 5", "%s",
	    got(FRESH(client(GENERIC_READ, 0))));
	c = client(GENERIC_WRITE, 0);
	see("W-PIPE-2 one that there is", "handle", "%s", got(c));
	see("W-PIPE-2 all are busy", "INVALID 231", "%s", got(FRESH(client(GENERIC_WRITE, 0))));
	see("W-PIPE-2 wait while all are busy", "FALSE 121", "%s",
	    did(FRESH(WaitNamedPipeA(name, 20))));
	see("W-PIPE-3 a client that connects", "FALSE 1", "%s", did(FRESH(ConnectNamedPipe(c, NULL))));
	see("W-CREATE-6 read from it", "FALSE 5", "%s", did(FRESH(ReadFile(c, buf, 1, &n, NULL))));
	CloseHandle(c);
	CloseHandle(h);
}

static void connects(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, TRUE));
	HANDLE h, c;

	new_name();
	h = server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, 0, 1);
	see("W-PIPE-3 connect", "FALSE 997", "%s", did(FRESH(ConnectNamedPipe(h, &ov))));
	see("W-PIPE-3 its event", "reset", "%s", state(ov.hEvent));
	see("W-PIPE-4 cancelled", "TRUE", "%s", did(FRESH(CancelIoEx(h, &ov))));
	see("W-PIPE-4 its result", "FALSE 995 0", "%s", result_of(h, &ov, TRUE));
	see("W-PIPE-3 connect anew", "FALSE 997", "%s", did(FRESH(ConnectNamedPipe(h, &ov))));
	c = client(GENERIC_READ | GENERIC_WRITE, 0);
	see("W-PIPE-3 a client comes", "TRUE 0", "%s", result_of(h, &ov, TRUE));
	see("W-PIPE-3 its event, then", "set", "%s", state(ov.hEvent));
	see("W-PIPE-3 it is there already", "FALSE 535", "%s", did(FRESH(ConnectNamedPipe(h, &ov))));
	see("W-OVL-7 nobody is told", "reset 103", "%s %x", state(ov.hEvent), status_of(&ov));
	CloseHandle(c);
	see("W-PIPE-3 it has gone", "FALSE 232", "%s", did(FRESH(ConnectNamedPipe(h, &ov))));
	see("W-PIPE-4 disconnect", "TRUE", "%s", did(FRESH(DisconnectNamedPipe(h))));
	see("W-PIPE-3 and connect", "FALSE 997", "%s", did(FRESH(ConnectNamedPipe(h, &ov))));
	see("W-PIPE-4 disconnect who waits", "TRUE", "%s", did(FRESH(DisconnectNamedPipe(h))));
	/* For who does not do that. */
	CancelIoEx(h, &ov);
	see("W-PIPE-4 its end", "FALSE 233 0", "%s", result_of(h, &ov, TRUE));
	CloseHandle(h);
	h = server(PIPE_ACCESS_DUPLEX, 0, 1);
	c = client(GENERIC_READ | GENERIC_WRITE, 0);
	see("W-PIPE-3 synchronous, it is there", "FALSE 535", "%s",
	    did(FRESH(ConnectNamedPipe(h, NULL))));
	CloseHandle(c);
	CloseHandle(h);
	CloseHandle(ov.hEvent);
}

static void ends(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE)), w = overlapped(NULL);
	HANDLE h, c;

	new_name();
	h = server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, 0, 1);
	see("W-PIPE-3 read while nobody is there", "FALSE 536", "%s",
	    did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	c = client(GENERIC_READ | GENERIC_WRITE, 0);
	see("W-RW-8 a read waits", "FALSE 997", "%s", did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	WriteFile(c, "abc", 3, &n, NULL);
	see("W-RW-8 for what comes", "TRUE 3", "%s", result_of(h, &ov, TRUE));
	see("W-RW-8 a read waits again", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	CloseHandle(c);
	see("W-PIPE-5 the client closes", "object 0", "%s",
	    waited(WaitForSingleObject(ov.hEvent, LONG_TIME)));
	see("W-PIPE-5 result", "FALSE 109 0", "%s", result_of(h, &ov, TRUE));
	see("W-RW-9 read once more", "FALSE 109", "%s", did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	see("W-RW-9 write", "FALSE 232", "%s", did(FRESH(WriteFile(h, buf, 9, NULL, &ov))));
	DisconnectNamedPipe(h);
	see("W-PIPE-4 read after that", "FALSE 233", "%s", did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	ConnectNamedPipe(h, &ov);
	c = client(GENERIC_READ | GENERIC_WRITE, 0);
	result_of(h, &ov, TRUE);
	WriteFile(h, "unread", 6, NULL, &w);
	result_of(h, &w, TRUE);
	see("W-PIPE-4 pending when disconnected", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	DisconnectNamedPipe(h);
	see("W-PIPE-4 its result, then", "FALSE 233 0", "%s", result_of(h, &ov, TRUE));
	see("W-PIPE-4 unread bytes are lost", "FALSE 233", "%s",
	    did(FRESH(ReadFile(c, buf, 9, &n, NULL))));
	see("W-PIPE-4 the client writes", "FALSE 233", "%s",
	    did(FRESH(WriteFile(c, buf, 9, &n, NULL))));
	CloseHandle(c);
	CloseHandle(h);
	CloseHandle(ov.hEvent);
}

static LPOVERLAPPED routine_ov;
static DWORD routine_error, routine_bytes;

static VOID WINAPI routine(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	routine_error = error;
	routine_bytes = bytes;
	routine_ov = ov;
}

static void messages(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE)), *done = NULL;
	HANDLE h, c, port;
	DWORD all, left;
	ULONG_PTR key;
	BOOL ok;

	new_name();
	h = server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, MESSAGES, 1);
	c = client_of_messages(0);
	WriteFile(c, "abcdef", 6, &n, NULL);
	WriteFile(c, "xy", 2, &n, NULL);
	see("W-RW-10 a look", "TRUE", "%s", did(FRESH(PeekNamedPipe(h, buf, 4, &n, &all, &left))));
	see("W-RW-10 what it sees", "4 8 2", "%u %u %u", (unsigned int)n, (unsigned int)all,
	    (unsigned int)left);
	see("W-RW-10 a message that does not fit", "FALSE 234", "%s",
	    did(FRESH(ReadFile(h, buf, 2, &n, &ov))));
	see("W-OVL-6 status", "80000005 2", "%x %u", status_of(&ov), count_of(&ov));
	see("W-OVL-6 event", "set", "%s", state(ov.hEvent));
	see("W-OVL-6 result", "FALSE 234 2", "%s", result_of(h, &ov, TRUE));
	see("W-RWEX-1 its next part by a routine", "1", "%d",
	    FRESH(ReadFileEx(h, buf, 2, &ov, routine)));
	see("W-RWEX-2 is a warning", "234", "%u", last());
	see("W-RWEX-3 which comes", "apc", "%s", waited(SleepEx(LONG_TIME, TRUE)));
	see("W-RWEX-3 as no error", "1 0 2", "%d %u %u", routine_ov == &ov,
	    (unsigned int)routine_error, (unsigned int)routine_bytes);
	see("W-RW-10 the rest", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 9, &n, &ov))));
	see("W-RW-10 of it", "2 ef", "%u %.2s", (unsigned int)n, buf);
	see("W-RW-10 the next", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 9, &n, &ov))));
	see("W-RW-10 alone", "2 xy", "%u %.2s", (unsigned int)n, buf);
	see("W-RW-7 a read that waits", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 9, NULL, &ov))));
	WriteFile(c, "", 0, &n, NULL);
	see("W-RW-7 ends with no bytes", "TRUE 0", "%s", result_of(h, &ov, TRUE));
	see("W-OVL-6 one that waits with no room", "FALSE 997", "%s",
	    did(FRESH(ReadFile(h, buf, 1, NULL, &ov))));
	WriteFile(c, "12", 2, &n, NULL);
	see("W-OVL-6 its result", "FALSE 234 1", "%s", result_of(h, &ov, TRUE));
	ok = ReadFile(h, buf, 9, &n, &ov);
	see("W-RW-10 and its rest", "1 1 2", "%d %u %.1s", ok, (unsigned int)n, buf);
	port = CreateIoCompletionPort(h, NULL, 5, 1);
	WriteFile(c, "abc", 3, &n, NULL);
	ok = ReadFile(h, buf, 2, NULL, &ov);
	see("W-PORT-6 at a port", "FALSE 234", "%s", did(ok));
	ok = FRESH(GetQueuedCompletionStatus(port, &n, &key, &done, LONG_TIME));
	see("W-PORT-6 the packet", "FALSE 234 2 1", "%s %u %d", did(ok), (unsigned int)n, done == &ov);
	CloseHandle(c);
	CloseHandle(h);
	CloseHandle(port);
	CloseHandle(ov.hEvent);
}

/* A server with several instances, clients in threads, one loop over all events. */
enum { INSTANCES = 3, CLIENTS = 6, TALKS = 20 };

static DWORD WINAPI talk(void *arg)
{
	char text[32], reply[32];
	DWORD got_n;
	HANDLE c;
	int i;

	for (;;) {
		c = client(GENERIC_READ | GENERIC_WRITE, 0);
		if (c != INVALID_HANDLE_VALUE)
			break;
		if (GetLastError() != ERROR_PIPE_BUSY)
			return 1;
		WaitNamedPipeA(name, LONG_TIME);
	}
	i = PIPE_READMODE_MESSAGE;
	SetNamedPipeHandleState(c, (DWORD *)&i, NULL, NULL);
	for (i = 0; i < TALKS; i++) {
		snprintf(text, sizeof(text), "%d %d", *(int *)arg, i);
		if (!TransactNamedPipe(c, text, (DWORD)strlen(text), reply, sizeof(reply), &got_n,
				       NULL))
			return 2;
		if (got_n != strlen(text) || memcmp(text, reply, got_n) != 0)
			return 3;
	}
	CloseHandle(c);
	return 0;
}

struct instance {
	OVERLAPPED ov;
	HANDLE pipe;
	enum { CONNECTING, READING, WRITING } doing;
	DWORD bytes;
	char text[64];
};

/* Until it waits. */
static void go_on(struct instance *s, int *gone)
{
	BOOL ok = TRUE;

	for (;;) {
		switch (s->doing) {
		case CONNECTING:
			ok = ConnectNamedPipe(s->pipe, &s->ov);
			if (!ok && GetLastError() == ERROR_PIPE_CONNECTED) {
				s->doing = READING;
				continue;
			}
			return;
		case READING:
			ok = ReadFile(s->pipe, s->text, sizeof(s->text), &s->bytes, &s->ov);
			break;
		case WRITING:
			ok = WriteFile(s->pipe, s->text, s->bytes, &n, &s->ov);
			break;
		}
		if (!ok && GetLastError() == ERROR_IO_PENDING)
			return;
		if (ok) {
			s->doing = s->doing == READING ? WRITING : READING;
			continue;
		}
		++*gone;
		DisconnectNamedPipe(s->pipe);
		s->doing = CONNECTING;
	}
}

static void event_server(void)
{
	struct instance s[INSTANCES];
	HANDLE events[INSTANCES], threads[CLIENTS];
	int ids[CLIENTS], gone = 0, bad = 0, i;
	DWORD which, bytes;
	BOOL ok;

	new_name();
	memset(s, 0, sizeof(s));
	for (i = 0; i < INSTANCES; i++) {
		s[i].pipe = server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, MESSAGES, INSTANCES);
		s[i].ov.hEvent = events[i] = event_new(TRUE, FALSE);
		go_on(&s[i], &gone);
	}
	for (i = 0; i < CLIENTS; i++) {
		ids[i] = i;
		threads[i] = thread_new(talk, &ids[i]);
	}
	while (gone < CLIENTS) {
		which = WaitForMultipleObjects(INSTANCES, events, FALSE, LONG_TIME) - WAIT_OBJECT_0;
		if (which >= INSTANCES)
			break;
		ok = GetOverlappedResult(s[which].pipe, &s[which].ov, &bytes, FALSE);
		if (!ok) {
			gone++;
			DisconnectNamedPipe(s[which].pipe);
			s[which].doing = CONNECTING;
		} else if (s[which].doing == READING) {
			s[which].bytes = bytes;
			s[which].doing = WRITING;
		} else {
			s[which].doing = READING;
		}
		go_on(&s[which], &gone);
	}
	for (i = 0; i < CLIENTS; i++)
		bad += strcmp(thread_end(threads[i]), "ended 0") != 0;
	see("W-PIPE-3 an overlapped server's clients", "6 gone, 0 bad", "%d gone, %d bad", gone, bad);
	for (i = 0; i < INSTANCES; i++) {
		CancelIoEx(s[i].pipe, NULL);
		GetOverlappedResult(s[i].pipe, &s[i].ov, &bytes, TRUE);
		CloseHandle(s[i].pipe);
		CloseHandle(events[i]);
	}
}

/* A server of completion routines: all of a connection happens in them. */
static struct instance apc;
static int apc_ended;

static VOID WINAPI apc_read(DWORD error, DWORD bytes, LPOVERLAPPED ov);

static VOID WINAPI apc_written(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	if (error || bytes != apc.bytes ||
	    !ReadFileEx(apc.pipe, apc.text, sizeof(apc.text), ov, apc_read))
		apc_ended = 1;
}

static VOID WINAPI apc_read(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	apc.bytes = bytes;
	if (error || !WriteFileEx(apc.pipe, apc.text, bytes, ov, apc_written))
		apc_ended = 1;
}

static void routine_server(void)
{
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));
	int id = 0;
	HANDLE t;

	new_name();
	memset(&apc, 0, sizeof(apc));
	apc.pipe = server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, MESSAGES, 1);
	ConnectNamedPipe(apc.pipe, &ov);
	t = thread_new(talk, &id);
	see("W-PIPE-3 a routine's server has a client", "TRUE 0", "%s", result_of(apc.pipe, &ov, TRUE));
	apc_ended = 0;
	ReadFileEx(apc.pipe, apc.text, sizeof(apc.text), &apc.ov, apc_read);
	while (!apc_ended && SleepEx(LONG_TIME, TRUE) == WAIT_IO_COMPLETION)
		;
	see("W-RWEX-1 which talks until it goes", "1 ended 0", "%d %s", apc_ended, thread_end(t));
	CloseHandle(apc.pipe);
	CloseHandle(ov.hEvent);
}

static void flushes(void)
{
	HANDLE h, c;

	new_name();
	h = server(PIPE_ACCESS_DUPLEX, 0, 1);
	c = client(GENERIC_READ | GENERIC_WRITE, 0);
	see("W-FLUSH-2 nothing to flush", "TRUE", "%s", did(FRESH(FlushFileBuffers(h))));
	WriteFile(h, "abc", 3, &n, NULL);
	ReadFile(c, buf, 9, &n, NULL);
	see("W-FLUSH-2 all is read", "TRUE", "%s", did(FRESH(FlushFileBuffers(h))));
	WriteFile(c, "last", 4, &n, NULL);
	CloseHandle(c);
	see("W-RW-9 the client's last words", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 9, &n, NULL))));
	see("W-RW-9 then the end", "FALSE 109", "%s", did(FRESH(ReadFile(h, buf, 9, &n, NULL))));
	CloseHandle(h);
}

static const struct conform_case cases[] = {
	{ arguments, 0 }, { connects, 0 },     { ends, 0 },	  { messages, 0 },
	{ flushes, 0 },	  { event_server, 0 }, { routine_server, 0 },
};

CONFORM_MAIN(cases)
