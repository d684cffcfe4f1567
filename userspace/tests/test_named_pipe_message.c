// SPDX-License-Identifier: MIT
/* Named pipes: messages, looks, transactions, other processes, and races (W-RW-7, -10, W-OVL-6). */
#include <cancellationscope.h>

#include "npipe.h"

static char buf[256];
static char big[300000], back[300000];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 + i / 509);
}

static void borders(void)
{
	HANDLE h, c;
	DWORD n, mode;

	npipe_pair(&h, &c, MESSAGES, 0);
	CHECK(WriteFile(c, "one", 3, &n, NULL) && n == 3);
	CHECK(WriteFile(c, "", 0, &n, NULL) && n == 0);
	CHECK(WriteFile(c, "three", 5, &n, NULL) && n == 5);
	CHECK(ReadFile(h, buf, 100, &n, NULL) && n == 3 && !memcmp(buf, "one", 3));
	CHECK(ReadFile(h, buf, 100, &n, NULL) && n == 0);
	/* The rest is the next read's (W-RW-10). */
	CHECK_FAILS(ReadFile(h, buf, 2, &n, NULL), ERROR_MORE_DATA);
	CHECK(n == 2 && !memcmp(buf, "th", 2));
	CHECK_FAILS(ReadFile(h, buf, 0, &n, NULL), ERROR_MORE_DATA);
	CHECK(ReadFile(h, buf, 3, &n, NULL) && n == 3 && !memcmp(buf, "ree", 3));
	/* Who reads bytes sees no borders. */
	mode = PIPE_READMODE_BYTE;
	CHECK(SetNamedPipeHandleState(h, &mode, NULL, NULL));
	CHECK(WriteFile(c, "ab", 2, &n, NULL) && WriteFile(c, "cd", 2, &n, NULL));
	CHECK(ReadFile(h, buf, 3, &n, NULL) && n == 3 && !memcmp(buf, "abc", 3));
	CHECK(ReadFile(h, buf, 3, &n, NULL) && n == 1 && buf[0] == 'd');
	/* A large one, which goes in parts. */
	mode = PIPE_READMODE_MESSAGE;
	CHECK(SetNamedPipeHandleState(h, &mode, NULL, NULL));
	CHECK(WriteFile(c, big, 60000, &n, NULL) && n == 60000);
	CHECK_FAILS(ReadFile(h, back, 32768, &n, NULL), ERROR_MORE_DATA);
	CHECK_EQ(n, 32768);
	CHECK(ReadFile(h, back + n, sizeof(back) - n, &n, NULL));
	CHECK_EQ(n, 60000 - 32768);
	CHECK(!memcmp(big, back, 60000));
}

static LPOVERLAPPED routine_ov;
static DWORD routine_error, routine_bytes;

static VOID WINAPI routine(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	routine_error = error;
	routine_bytes = bytes;
	routine_ov = ov;
}

/* A warning is told of in every way (W-OVL-6, W-PORT-6, W-RWEX-2, -3). */
static void warnings(void)
{
	HANDLE h, c, port;
	OVERLAPPED ov = host_overlapped(npipe_event()), w = host_overlapped(NULL), *done;
	ULONG_PTR key;
	DWORD n;

	npipe_pair(&h, &c, MESSAGES, FILE_FLAG_OVERLAPPED);
	/* Inline. */
	CHECK(WriteFile(c, "abcdef", 6, &n, &w));
	CHECK_FAILS(ReadFile(h, buf, 2, &n, &ov), ERROR_MORE_DATA);
	CHECK_EQ(n, 2);
	CHECK_EQ(ov.Internal, 0x80000005u);
	CHECK_EQ(ov.InternalHigh, 2);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, FALSE), ERROR_MORE_DATA);
	CHECK_EQ(n, 2);
	/* By a routine. */
	SetLastError(0);
	CHECK(ReadFileEx(h, buf, 2, &ov, routine));
	CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
	CHECK(routine_ov == &ov && routine_error == 0 && routine_bytes == 2);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, FALSE), ERROR_MORE_DATA);
	CHECK(ReadFile(h, buf, 2, &n, &ov) && n == 2);
	/* Pended. */
	CHECK_PENDS(ReadFile(h, buf, 2, NULL, &ov));
	CHECK(WriteFile(c, "xyz", 3, &n, &w));
	CHECK_EQ(npipe_end(h, &ov, &n), ERROR_MORE_DATA);
	CHECK_EQ(n, 2);
	CHECK(ReadFile(h, buf, 2, &n, &ov) && n == 1);
	/* A message of no bytes ends a read that waits (W-RW-7). */
	CHECK_PENDS(ReadFile(h, buf, 2, NULL, &ov));
	CHECK(WriteFile(c, "", 0, &n, &w));
	CHECK_EQ(npipe_end(h, &ov, &n), 0);
	CHECK_EQ(n, 0);
	/* At a port. */
	port = CreateIoCompletionPort(h, NULL, 3, 1);
	CHECK(WriteFile(c, "abcd", 4, &n, &w));
	CHECK_FAILS(ReadFile(h, buf, 3, &n, &ov), ERROR_MORE_DATA);
	CHECK_FAILS(GetQueuedCompletionStatus(port, &n, &key, &done, INFINITE), ERROR_MORE_DATA);
	CHECK(done == &ov && n == 3);
	CHECK(ReadFile(h, buf, 3, &n, &ov) && n == 1);
	CHECK(GetQueuedCompletionStatus(port, &n, &key, &done, INFINITE) && n == 1);
}

/* A handle without FILE_FLAG_OVERLAPPED tells a routine of it as well. */
static void warning_of_a_synchronous_read(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	HANDLE h, c;
	DWORD n;

	npipe_pair(&h, &c, MESSAGES, 0);
	CHECK(WriteFile(c, "abcdef", 6, &n, NULL));
	routine_ov = NULL;
	SetLastError(0);
	CHECK(ReadFileEx(h, buf, 2, &ov, routine));
	CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
	CHECK_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
	CHECK(routine_ov == &ov && routine_error == 0 && routine_bytes == 2);
	CHECK(ReadFile(h, buf, 4, &n, NULL) && n == 4);
}

static void large_messages(void)
{
	HANDLE h, c;
	OVERLAPPED r = host_overlapped(npipe_event()), w = host_overlapped(npipe_event());
	DWORD n, sent, mode = PIPE_READMODE_MESSAGE;

	fill();
	npipe_pair(&h, &c, MESSAGES, FILE_FLAG_OVERLAPPED);
	/* Larger than what fits: it is one message all the same. */
	CHECK_PENDS(WriteFile(c, big, sizeof(big), NULL, &w));
	CHECK(ReadFile(h, back, sizeof(back), NULL, &r) || GetLastError() == ERROR_IO_PENDING);
	CHECK_EQ(npipe_end(h, &r, &n), 0);
	CHECK_EQ(n, sizeof(big));
	CHECK(!memcmp(big, back, sizeof(big)));
	CHECK_EQ(npipe_end(c, &w, &n), 0);
	CHECK_EQ(n, sizeof(big));
	/* Cancelled half way: the message ends there, and the next begins anew (W-RACE-4). */
	CHECK_PENDS(WriteFile(c, big, sizeof(big), NULL, &w));
	CHECK(CancelIoEx(c, &w));
	CHECK_EQ(npipe_end(c, &w, &sent), 0);
	CHECK(sent > 0 && sent < sizeof(big));
	CHECK(ReadFile(h, back, sizeof(back), &n, &r));
	CHECK_EQ(n, sent);
	CHECK(!memcmp(big, back, sent));
	CHECK(WriteFile(c, "next", 4, &n, &w));
	CHECK(ReadFile(h, buf, sizeof(buf), &n, &r) && n == 4);
	/* The reader is cancelled half way: what he has, he has. */
	CHECK(CloseHandle(c) && CloseHandle(h));
	h = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES);
	c = npipe_client(0);
	CHECK(SetNamedPipeHandleState(c, &mode, NULL, NULL));
	CHECK(WriteFile(c, "", 0, &n, NULL));
	CHECK(ReadFile(h, buf, 1, &n, NULL) && n == 0);
}

static void looks(void)
{
	HANDLE h, c, r, w;
	DWORD n, all, left;

	h = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES);
	CHECK_FAILS(PeekNamedPipe(h, NULL, 0, NULL, NULL, NULL), ERROR_BAD_PIPE);
	c = npipe_client(0);
	CHECK(PeekNamedPipe(h, NULL, 0, &n, &all, &left) && n == 0 && all == 0 && left == 0);
	CHECK(WriteFile(c, "first", 5, &n, NULL) && WriteFile(c, "second", 6, &n, NULL));
	CHECK(PeekNamedPipe(h, buf, 3, &n, &all, &left));
	CHECK(n == 3 && all == 11 && left == 2 && !memcmp(buf, "fir", 3));
	CHECK(PeekNamedPipe(h, buf, 100, &n, &all, &left) && n == 5 && all == 11 && left == 0);
	CHECK(PeekNamedPipe(h, NULL, 0, &n, &all, &left) && n == 0 && all == 11 && left == 5);
	CHECK_FAILS(ReadFile(h, buf, 1, &n, NULL), ERROR_MORE_DATA);
	CHECK(PeekNamedPipe(h, buf, 2, &n, &all, &left) && n == 2 && all == 10 && left == 2);
	CHECK(CloseHandle(c));
	CHECK(PeekNamedPipe(h, NULL, 0, NULL, &all, NULL) && all == 10);
	CHECK(ReadFile(h, buf, 9, &n, NULL) && ReadFile(h, buf, 9, &n, NULL));
	CHECK_FAILS(PeekNamedPipe(h, NULL, 0, NULL, &all, NULL), ERROR_BROKEN_PIPE);
	CHECK_FAILS(PeekNamedPipe(NULL, NULL, 0, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
	/* Pipes without a name, too. */
	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK(PeekNamedPipe(r, buf, 9, &n, &all, &left) && n == 0 && all == 0);
	CHECK(WriteFile(w, "abc", 3, &n, NULL));
	CHECK(PeekNamedPipe(r, buf, 2, &n, &all, &left));
	CHECK(n == 2 && all == 3 && left == 0 && !memcmp(buf, "ab", 2));
	CHECK(CloseHandle(w));
	CHECK(ReadFile(r, buf, 9, &n, NULL) && n == 3);
	CHECK_FAILS(PeekNamedPipe(r, NULL, 0, NULL, &all, NULL), ERROR_BROKEN_PIPE);
	CHECK_FAILS(PeekNamedPipe(host_open("/dev/null", GENERIC_READ, 0), NULL, 0, NULL, NULL, NULL),
		    ERROR_INVALID_FUNCTION);
}

static void states(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES), c = npipe_open(GENERIC_READ, 0);
	DWORD mode, n, flags, out, in, max;
	ULONG pid;

	CHECK(GetNamedPipeHandleStateA(h, &mode, &n, NULL, NULL, NULL, 0));
	CHECK(mode == PIPE_READMODE_MESSAGE && n == 1);
	CHECK(GetNamedPipeHandleStateW(c, &mode, &n, NULL, NULL, NULL, 0));
	CHECK(mode == PIPE_READMODE_BYTE && n == 1);
	CHECK_FAILS(GetNamedPipeHandleStateA(h, NULL, NULL, &n, NULL, NULL, 0),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetNamedPipeHandleStateA(h, NULL, NULL, NULL, NULL, buf, 9),
		    ERROR_CANNOT_IMPERSONATE);
	mode = PIPE_READMODE_MESSAGE;
	CHECK_FAILS(SetNamedPipeHandleState(c, &mode, NULL, NULL), ERROR_ACCESS_DENIED);
	mode = 8;
	CHECK_FAILS(SetNamedPipeHandleState(h, &mode, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SetNamedPipeHandleState(h, NULL, &mode, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SetNamedPipeHandleState(NULL, &mode, NULL, NULL), ERROR_INVALID_HANDLE);
	CHECK(GetNamedPipeInfo(h, &flags, &out, &in, &max));
	CHECK(flags == (PIPE_SERVER_END | PIPE_TYPE_MESSAGE) && out == 4096 && in == 4096 &&
	      max == PIPE_UNLIMITED_INSTANCES);
	CHECK(GetNamedPipeInfo(c, &flags, NULL, NULL, NULL));
	CHECK_EQ(flags, PIPE_CLIENT_END | PIPE_TYPE_MESSAGE);
	CHECK(GetNamedPipeClientProcessId(h, &pid) && pid == GetCurrentProcessId());
	CHECK(GetNamedPipeServerProcessId(c, &pid) && pid == GetCurrentProcessId());
	/* Who does not wait. */
	mode = PIPE_READMODE_MESSAGE | PIPE_NOWAIT;
	CHECK(SetNamedPipeHandleState(h, &mode, NULL, NULL));
	CHECK_FAILS(ReadFile(h, buf, 9, &n, NULL), ERROR_NO_DATA);
	CHECK(DisconnectNamedPipe(h));
	CHECK(ConnectNamedPipe(h, NULL));
	CHECK_FAILS(ConnectNamedPipe(h, NULL), ERROR_PIPE_LISTENING);
	npipe_client(0);
	CHECK_FAILS(ConnectNamedPipe(h, NULL), ERROR_PIPE_CONNECTED);
}

static DWORD WINAPI answer(LPVOID h)
{
	char message[32];
	DWORD n, m;

	while (ReadFile(h, message, sizeof(message), &n, NULL)) {
		for (DWORD i = 0; i < n; i++)
			message[i] = (char)(message[i] - 32);
		CHECK(WriteFile(h, message, n, &m, NULL) && m == n);
	}
	return GetLastError();
}

static DWORD WINAPI connect_and_answer(LPVOID h)
{
	CHECK(ConnectNamedPipe(h, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
	return answer(h);
}

static void transactions(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES), c = npipe_client(0);
	HANDLE t = CreateThread(NULL, 0, answer, h, 0, NULL);
	DWORD n, mode = PIPE_READMODE_MESSAGE, code;
	OVERLAPPED ov = host_overlapped(npipe_event());

	CHECK_FAILS(TransactNamedPipe(c, "abc", 3, buf, 9, &n, NULL), ERROR_BAD_PIPE);
	CHECK(SetNamedPipeHandleState(c, &mode, NULL, NULL));
	CHECK(TransactNamedPipe(c, "abc", 3, buf, 9, &n, NULL));
	CHECK(n == 3 && !memcmp(buf, "ABC", 3));
	CHECK_FAILS(TransactNamedPipe(c, "abc", 3, buf, 2, &n, NULL), ERROR_MORE_DATA);
	CHECK_EQ(n, 2);
	CHECK_FAILS(TransactNamedPipe(c, "x", 1, buf, 2, &n, NULL), ERROR_PIPE_BUSY);
	CHECK(ReadFile(c, buf, 9, &n, NULL) && n == 1);
	CHECK(CloseHandle(c));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code) && code == ERROR_BROKEN_PIPE);
	CHECK(DisconnectNamedPipe(h));
	/* Overlapped, and cancelled (W-IOCTL-4). */
	CHECK(CloseHandle(h));
	npipe_pair(&h, &c, MESSAGES, FILE_FLAG_OVERLAPPED);
	CHECK_PENDS(TransactNamedPipe(c, "ask", 3, buf, 9, NULL, &ov));
	CHECK(CancelIoEx(c, &ov));
	CHECK_EQ(npipe_end(c, &ov, &n), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(TransactNamedPipe(NULL, "", 0, buf, 9, &n, NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CallNamedPipeA("\\\\.\\pipe\\cancelio-no", "", 0, buf, 9, &n, 1),
		    ERROR_FILE_NOT_FOUND);
	CHECK(CloseHandle(h) && CloseHandle(c));
	h = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES);
	t = CreateThread(NULL, 0, connect_and_answer, h, 0, NULL);
	CHECK(CallNamedPipeA(npipe_name(), "abc", 3, buf, 9, &n, NMPWAIT_WAIT_FOREVER));
	CHECK(n == 3 && !memcmp(buf, "ABC", 3));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

/* In a scope that is cancelled nothing is done, though it need not wait. */
static void in_a_scope(void)
{
	HANDLE scope = CreateCancellationScope(NULL, 0), h, c, spare;
	DWORD n;

	npipe_pair(&h, &c, MESSAGES, 0);
	spare = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES);
	CHECK(WriteFile(c, "kept", 4, &n, NULL));
	CHECK(scope && EnterCancellationScope(scope) && CancelCancellationScope(scope));
	CHECK_FAILS(ReadFile(h, buf, 9, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(WriteFile(h, buf, 9, &n, NULL), ERROR_OPERATION_ABORTED);
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(WaitNamedPipeA(npipe_name(), 1), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(ConnectNamedPipe(spare, NULL), ERROR_OPERATION_ABORTED);
	CHECK(LeaveCancellationScope(scope));
	CHECK(ReadFile(h, buf, 9, &n, NULL) && n == 4);
	npipe_client(0);
	CHECK_FAILS(ConnectNamedPipe(spare, NULL), ERROR_PIPE_CONNECTED);
}

/* What a fork's child does to what it has leaves the parent's alone. */
static void in_a_child(void)
{
	HANDLE h, c, spare, port;
	OVERLAPPED ov = host_overlapped(NULL);
	int status;
	pid_t pid;
	DWORD n;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer: no threads after a fork with threads");
	npipe_pair(&h, &c, MESSAGES, FILE_FLAG_OVERLAPPED);
	spare = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES);
	CHECK(WriteFile(c, "parent's", 8, &n, &ov));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char own[80];

		CHECK(CloseHandle(h) && CloseHandle(c) && CloseHandle(spare));
		CHECK(npipe_open(GENERIC_READ | GENERIC_WRITE, 0) != INVALID_HANDLE_VALUE);
		snprintf(own, sizeof(own), "%s-child", npipe_name());
		port = CreateNamedPipeA(own, PIPE_ACCESS_DUPLEX, MESSAGES, 1, 0, 0, 0, NULL);
		CHECK(port != INVALID_HANDLE_VALUE && CloseHandle(port));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(ReadFile(h, buf, 100, &n, &ov) && n == 8);
	CHECK(CloseHandle(c));
	CHECK_FAILS(ReadFile(h, buf, 100, &n, &ov), ERROR_BROKEN_PIPE);
	/* It was the child that came, and is gone, too. */
	CHECK_FAILS(ReadFile(spare, buf, 1, &n, NULL), ERROR_BROKEN_PIPE);
	CHECK_FAILS(ConnectNamedPipe(spare, NULL), ERROR_NO_DATA);
	CHECK(CloseHandle(h) && CloseHandle(spare));
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
}

/* A process of its own, which knows nothing of this one but the name. */
static void other_process(void)
{
	const char *name = npipe_name();
	OVERLAPPED ov = host_overlapped(NULL);
	HANDLE h;
	int ready[2], status;
	DWORD n, mode = PIPE_READMODE_MESSAGE;
	ULONG who;
	pid_t pid;

	CHECK_EQ(pipe(ready), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char go;

		CHECK(read(ready[0], &go, 1) == 1);
		CHECK_FAILS(!(CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, MESSAGES, 9, 0, 0, 0, NULL) ==
			      INVALID_HANDLE_VALUE), ERROR_ACCESS_DENIED);
		CHECK(WaitNamedPipeA(name, NMPWAIT_USE_DEFAULT_WAIT));
		h = npipe_open(GENERIC_READ | GENERIC_WRITE, 0);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
		CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
		CHECK(GetNamedPipeServerProcessId(h, &who) && who == (ULONG)getppid());
		CHECK(SetNamedPipeHandleState(h, &mode, NULL, NULL));
		CHECK(WriteFile(h, "from afar", 9, &n, NULL));
		CHECK(ReadFile(h, buf, 100, &n, NULL) && n == 6 && !memcmp(buf, "answer", 6));
		/* Disconnected while it waits, or before. */
		CHECK(WriteFile(h, "done", 4, &n, NULL));
		CHECK_FAILS(ReadFile(h, buf, 100, &n, NULL), ERROR_PIPE_NOT_CONNECTED);
		/* And gone without a word. */
		CHECK(WaitNamedPipeA(name, NMPWAIT_WAIT_FOREVER));
		h = npipe_open(GENERIC_READ | GENERIC_WRITE, 0);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK(ReadFile(h, buf, 1, &n, NULL) || GetLastError() == ERROR_MORE_DATA);
		_exit(7);
	}
	CHECK(pid > 0);
	/* The same name as the child's, which took it from its parent. */
	h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, MESSAGES);
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK_EQ(write(ready[1], "g", 1), 1);
	CHECK_EQ(npipe_end(h, &ov, &n), 0);
	CHECK(GetNamedPipeClientProcessId(h, &who) && who == (ULONG)pid);
	ReadFile(h, buf, 100, NULL, &ov);
	CHECK_EQ(npipe_end(h, &ov, &n), 0);
	CHECK(n == 9 && !memcmp(buf, "from afar", 9));
	CHECK(WriteFile(h, "answer", 6, &n, &ov));
	CHECK(FlushFileBuffers(h));
	ReadFile(h, buf, 100, NULL, &ov);
	CHECK_EQ(npipe_end(h, &ov, &n), 0);
	CHECK_EQ(n, 4);
	CHECK(DisconnectNamedPipe(h));
	/* It waits for that, and may be there at once. */
	CHECK(!ConnectNamedPipe(h, &ov));
	if (GetLastError() != ERROR_PIPE_CONNECTED)
		CHECK_EQ(npipe_end(h, &ov, &n), 0);
	CHECK(WriteFile(h, "bye", 3, &n, &ov));
	CHECK(!ReadFile(h, buf, 100, NULL, &ov));
	CHECK(GetLastError() == ERROR_BROKEN_PIPE || npipe_end(h, &ov, &n) == ERROR_BROKEN_PIPE);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
}

/* Reads are cancelled while their bytes come: none is lost, none comes twice (W-RACE-1 to -4). */
enum { ROUNDS = HOST_SANITIZED ? 2000 : 20000 };
static HANDLE race_client;

static DWORD WINAPI race_writer(LPVOID arg)
{
	DWORD n;

	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++)
		CHECK(WriteFile(race_client, &i, sizeof(i), &n, NULL) && n == sizeof(i));
	return 0;
}

static void cancel_race(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, MESSAGES), t;
	OVERLAPPED ov = host_overlapped(npipe_event());
	unsigned int next = 0, value, aborted = 0;
	DWORD n, error;

	race_client = npipe_client(0);
	/* It begins when one is cancelled for which nothing came. */
	t = CreateThread(NULL, 0, race_writer, NULL, CREATE_SUSPENDED, NULL);
	while (next < ROUNDS) {
		BOOL done = ReadFile(h, &value, sizeof(value), NULL, &ov);

		if (!done) {
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
			CancelIoEx(h, &ov);
		}
		error = npipe_end(h, &ov, &n);
		if (error) {
			CHECK_EQ(error, ERROR_OPERATION_ABORTED);
			CHECK_EQ(n, 0);
			if (!aborted++)
				CHECK_EQ(ResumeThread(t), 1);
			continue;
		}
		CHECK_EQ(n, sizeof(value));
		CHECK_EQ(value, next);
		next++;
	}
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	printf("# %u aborted\n", aborted);
}

/* Clients come while connects are cancelled: each is found. */
static DWORD WINAPI race_clients(LPVOID arg)
{
	DWORD n;

	(void)arg;
	for (int i = 0; i < ROUNDS / 50;) {
		HANDLE c = npipe_open(GENERIC_READ | GENERIC_WRITE, 0);
		char byte;

		if (c == INVALID_HANDLE_VALUE) {
			CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
			CHECK(WaitNamedPipeA(npipe_name(), NMPWAIT_WAIT_FOREVER));
			continue;
		}
		/* Until the server has seen it. */
		CHECK(ReadFile(c, &byte, 1, &n, NULL) && n == 1);
		CloseHandle(c);
		i++;
	}
	return 0;
}

static void connect_race(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES), t;
	OVERLAPPED ov = host_overlapped(npipe_event());
	int clients = 0;
	DWORD n, error;

	t = CreateThread(NULL, 0, race_clients, NULL, 0, NULL);
	while (clients < ROUNDS / 50) {
		CHECK(!ConnectNamedPipe(h, &ov));
		error = GetLastError();
		if (error == ERROR_IO_PENDING) {
			CancelIoEx(h, &ov);
			error = npipe_end(h, &ov, &n);
		}
		if (error == ERROR_OPERATION_ABORTED)
			continue;
		CHECK(error == 0 || error == ERROR_PIPE_CONNECTED);
		clients++;
		memset(&ov.Internal, 0, sizeof(ov.Internal));
		WriteFile(h, "!", 1, NULL, &ov);
		CHECK_EQ(npipe_end(h, &ov, &n), 0);
		/* The client's close. */
		ReadFile(h, buf, 1, NULL, &ov);
		CHECK(GetLastError() == ERROR_BROKEN_PIPE ||
		      npipe_end(h, &ov, &n) == ERROR_BROKEN_PIPE);
		CHECK(DisconnectNamedPipe(h));
	}
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static const struct tap_case cases[] = {
	CASE(borders, "messages keep their borders"),
	CASE(warnings, "a message that does not fit is a warning, told in every way"),
	CASE(warning_of_a_synchronous_read, "also of a synchronous handle, by a routine (W-RWEX-2)"),
	CASE(large_messages, "messages larger than what fits"),
	CASE(looks, "a look takes nothing"),
	CASE(states, "what an end and its pipe are"),
	CASE(transactions, "a message and its answer"),
	CASE(in_a_scope, "a cancelled scope"),
	CASE(in_a_child, "a child of a fork"),
	CASE(other_process, "a client in another process"),
	CASE(cancel_race, "cancelled reads lose and double nothing"),
	CASE(connect_race, "cancelled connects lose no client"),
};

TAP_MAIN(cases)
