// SPDX-License-Identifier: MIT
/* Named pipes: their names and instances, connecting, and bytes (W-PIPE-2 to -5, W-RW-7 to -9). */
#include "npipe.h"

static char buf[256];
static char big[1 << 20];

static void bad_arguments(void)
{
	static const struct {
		const char *name;
		DWORD open_mode, pipe_mode, instances, error;
	} cases[] = {
		{ NULL, PIPE_ACCESS_DUPLEX, 0, 1, ERROR_PATH_NOT_FOUND },
		{ "", PIPE_ACCESS_DUPLEX, 0, 1, ERROR_INVALID_NAME },
		{ "pipe", PIPE_ACCESS_DUPLEX, 0, 1, ERROR_INVALID_NAME },
		{ "\\\\.\\pipe\\", PIPE_ACCESS_DUPLEX, 0, 1, ERROR_INVALID_NAME },
		{ "\\\\.\\pip\\x", PIPE_ACCESS_DUPLEX, 0, 1, ERROR_INVALID_NAME },
		{ "\\\\.\\pipe\\x", 0, 0, 1, ERROR_INVALID_PARAMETER },
		{ "\\\\.\\pipe\\x", PIPE_ACCESS_DUPLEX | 4, 0, 1, ERROR_INVALID_PARAMETER },
		{ "\\\\.\\pipe\\x", PIPE_ACCESS_DUPLEX, 16, 1, ERROR_INVALID_PARAMETER },
		{ "\\\\.\\pipe\\x", PIPE_ACCESS_DUPLEX, PIPE_READMODE_MESSAGE, 1,
		  ERROR_INVALID_PARAMETER },
		{ "\\\\.\\pipe\\x", PIPE_ACCESS_DUPLEX, 0, 0, ERROR_INVALID_PARAMETER },
		{ "\\\\.\\pipe\\x", PIPE_ACCESS_DUPLEX, 0, 256, ERROR_INVALID_PARAMETER },
	};
	HANDLE e = npipe_event(), client;
	OVERLAPPED ov = host_overlapped(NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SetLastError(0xdead);
		CHECK(CreateNamedPipeA(cases[i].name, cases[i].open_mode, cases[i].pipe_mode,
				       cases[i].instances, 0, 0, 0,
				       NULL) == INVALID_HANDLE_VALUE);
		CHECK_EQ(GetLastError(), cases[i].error);
	}
	CHECK_FAILS(ConnectNamedPipe(NULL, NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(ConnectNamedPipe(INVALID_HANDLE_VALUE, &ov), ERROR_INVALID_HANDLE);
	CHECK_FAILS(ConnectNamedPipe(e, &ov), ERROR_INVALID_HANDLE);
	CHECK_FAILS(DisconnectNamedPipe(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(DisconnectNamedPipe(e), ERROR_INVALID_HANDLE);
	/* What a client cannot do. */
	npipe_server(PIPE_ACCESS_DUPLEX, BYTES);
	client = npipe_client(0);
	CHECK_FAILS(ConnectNamedPipe(client, NULL), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(DisconnectNamedPipe(client), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(WaitNamedPipeA("nothing", 1), ERROR_INVALID_NAME);
	CHECK_FAILS(WaitNamedPipeA("\\\\.\\pipe\\cancelio-is-not-there", 1), ERROR_FILE_NOT_FOUND);
}

/* W-PIPE-2 */
static void names(void)
{
	WCHAR wide[64];
	char other[80];
	HANDLE h, c;

	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
	h = npipe_server(PIPE_ACCESS_DUPLEX, BYTES);
	CHECK_EQ(GetFileType(h), FILE_TYPE_PIPE);
	/* Any case, any slash. */
	snprintf(other, sizeof(other), "//./PIPE/CANCELIO-test-%d", (int)getpid());
	c = CreateFileA(other, GENERIC_READ, 0, NULL, OPEN_EXISTING, SECURITY_SQOS_PRESENT, NULL);
	CHECK(c != INVALID_HANDLE_VALUE);
	CHECK(CloseHandle(c) && CloseHandle(h));
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
	for (int i = 0; (wide[i] = (WCHAR)npipe_name()[i]); i++)
		;
	h = CreateNamedPipeW(wide, PIPE_ACCESS_DUPLEX, BYTES, 1, 0, 0, 0, NULL);
	CHECK(h != INVALID_HANDLE_VALUE);
	c = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
	CHECK(c != INVALID_HANDLE_VALUE);
	CHECK(WaitNamedPipeW(wide, 1) == FALSE && GetLastError() == ERROR_SEM_TIMEOUT);
}

static void instances(void)
{
	HANDLE one, two, c;

	one = CreateNamedPipeA(npipe_name(), PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
			       BYTES, 2, 0, 0, 0, NULL);
	CHECK(one != INVALID_HANDLE_VALUE);
	CHECK(CreateNamedPipeA(npipe_name(), PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
			       BYTES, 2, 0, 0, 0, NULL) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	/* One that is not like the first. */
	CHECK(CreateNamedPipeA(npipe_name(), PIPE_ACCESS_INBOUND, BYTES, 2, 0, 0, 0, NULL) ==
	      INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	two = CreateNamedPipeA(npipe_name(), PIPE_ACCESS_DUPLEX, BYTES, 2, 0, 0, 0, NULL);
	CHECK(two != INVALID_HANDLE_VALUE);
	CHECK(CreateNamedPipeA(npipe_name(), PIPE_ACCESS_DUPLEX, BYTES, 2, 0, 0, 0, NULL) ==
	      INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
	npipe_client(0);
	c = npipe_client(0);
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
	/* A client that goes leaves its instance busy until that is told to disconnect. */
	CHECK(CloseHandle(c));
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
	CHECK(CloseHandle(two));
	two = CreateNamedPipeA(npipe_name(), PIPE_ACCESS_DUPLEX, BYTES, 2, 0, 0, 0, NULL);
	CHECK(two != INVALID_HANDLE_VALUE);
	npipe_client(0);
	CHECK(CloseHandle(one));
}

static void directions(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_INBOUND, BYTES), c;
	DWORD n;

	CHECK(npipe_open(GENERIC_READ | GENERIC_WRITE, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	c = npipe_open(GENERIC_WRITE, 0);
	CHECK(c != INVALID_HANDLE_VALUE);
	CHECK(WriteFile(c, "in", 2, &n, NULL) && n == 2);
	CHECK_FAILS(ReadFile(c, buf, 2, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL) && n == 2);
	CHECK_FAILS(WriteFile(h, "out", 3, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(c) && CloseHandle(h));
	h = npipe_server(PIPE_ACCESS_OUTBOUND, BYTES);
	CHECK(npipe_open(GENERIC_WRITE, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	c = npipe_open(GENERIC_READ, 0);
	CHECK(WriteFile(h, "out", 3, &n, NULL) && n == 3);
	CHECK(ReadFile(c, buf, sizeof(buf), &n, NULL) && n == 3);
}

/* W-PIPE-3 */
static void connect_overlapped(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES), c;
	HANDLE e = npipe_event();
	OVERLAPPED ov = host_overlapped(e);
	DWORD n;

	CHECK(SetEvent(e));
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, FALSE), ERROR_IO_INCOMPLETE);
	/* As long as nobody is there. */
	CHECK_FAILS(ReadFile(h, buf, 1, &n, &(OVERLAPPED){ 0 }), ERROR_PIPE_LISTENING);
	CHECK_FAILS(WriteFile(h, buf, 1, &n, &(OVERLAPPED){ 0 }), ERROR_PIPE_LISTENING);
	c = npipe_client(0);
	CHECK_EQ(WaitForSingleObject(e, INFINITE), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(h, &ov, &n, FALSE));
	CHECK_EQ(n, 0);
	/* Again: an inline error, of which nobody is told. */
	CHECK(SetEvent(e));
	CHECK_FAILS(ConnectNamedPipe(h, &ov), ERROR_PIPE_CONNECTED);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
	CHECK_EQ(ov.Internal, STATUS_PENDING);
	CHECK(CloseHandle(c));
	CHECK_FAILS(ConnectNamedPipe(h, &ov), ERROR_NO_DATA);
	CHECK(DisconnectNamedPipe(h));
	CHECK_FAILS(DisconnectNamedPipe(h), ERROR_PIPE_NOT_CONNECTED);
	CHECK(npipe_open(GENERIC_READ, 0) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_PIPE_BUSY);
	/* Who came before the call. */
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	c = npipe_client(0);
	CHECK_EQ(npipe_end(h, &ov, &n), 0);
	CHECK(WriteFile(c, "x", 1, &n, NULL));
	memset(&ov, 0, sizeof(ov));
	CHECK(ReadFile(h, buf, 9, &n, &ov) && n == 1 && buf[0] == 'x');
}

static DWORD WINAPI connect_in_thread(LPVOID h)
{
	return ConnectNamedPipe(h, NULL) ? 0 : GetLastError();
}

static DWORD end_of(HANDLE thread)
{
	DWORD code;

	CHECK_EQ(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(thread, &code) && CloseHandle(thread));
	return code;
}

static void connect_synchronous(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX, BYTES), t, c;
	DWORD tid;

	t = CreateThread(NULL, 0, connect_in_thread, h, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	c = npipe_client(0);
	CHECK_EQ(end_of(t), 0);
	CHECK_FAILS(ConnectNamedPipe(h, NULL), ERROR_PIPE_CONNECTED);
	CHECK(CloseHandle(c));
	CHECK_FAILS(ConnectNamedPipe(h, NULL), ERROR_NO_DATA);
	CHECK(DisconnectNamedPipe(h));
	/* W-PIPE-4, W-CANCELSYNC-1: by the thread, and by the file. */
	t = CreateThread(NULL, 0, connect_in_thread, h, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	t = CreateThread(NULL, 0, connect_in_thread, h, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(CancelIoEx(h, NULL));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	/* And ended from elsewhere. */
	t = CreateThread(NULL, 0, connect_in_thread, h, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(DisconnectNamedPipe(h));
	CHECK_EQ(end_of(t), ERROR_PIPE_NOT_CONNECTED);
	/* A cancelled connect leaves the instance as it was: it listens. */
	t = CreateThread(NULL, 0, connect_in_thread, h, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	npipe_client(0);
	CHECK_FAILS(ConnectNamedPipe(h, NULL), ERROR_PIPE_CONNECTED);
	/* On an overlapped handle without an OVERLAPPED the call waits. */
	h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES);
	t = CreateThread(NULL, 0, connect_in_thread, h, 0, &tid);
	host_wait_syscall(tid, SYS_io_uring_enter, SYS_io_uring_enter);
	npipe_client(0);
	CHECK_EQ(end_of(t), 0);
}

/* W-PIPE-4, W-CANCELIO-1, W-CANCELIOEX-1 to -3, W-THREAD-3 */
static DWORD WINAPI connect_and_end(LPVOID arg)
{
	void **a = arg;

	return ConnectNamedPipe(a[0], a[1]) ? 0 : GetLastError();
}

static void cancel_connect(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES);
	OVERLAPPED ov = host_overlapped(npipe_event());
	void *both[2] = { h, &ov };
	DWORD n;

	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK(CancelIoEx(h, &ov));
	CHECK_EQ(npipe_end(h, &ov, &n), ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_OBJECT_0);
	CHECK_FAILS(CancelIoEx(h, &ov), ERROR_NOT_FOUND);
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK(CancelIo(h));
	CHECK_EQ(npipe_end(h, &ov, &n), ERROR_OPERATION_ABORTED);
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK(CancelIoEx(h, NULL));
	CHECK_EQ(npipe_end(h, &ov, &n), ERROR_OPERATION_ABORTED);
	CHECK_EQ(end_of(CreateThread(NULL, 0, connect_and_end, both, 0, NULL)), ERROR_IO_PENDING);
	CHECK_EQ(npipe_end(h, &ov, &n), ERROR_OPERATION_ABORTED);
	/* Disconnecting ends it with an error of its own. */
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK(DisconnectNamedPipe(h));
	CHECK_EQ(npipe_end(h, &ov, &n), ERROR_PIPE_NOT_CONNECTED);
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	npipe_client(0);
	CHECK_EQ(npipe_end(h, &ov, &n), 0);
}

/* Through a port, and by closing (W-PORT-5, W-PORT-11, W-CLOSE-2). */
static void connect_at_port(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES);
	HANDLE port = CreateIoCompletionPort(h, NULL, 5, 1);
	OVERLAPPED ov = host_overlapped(NULL), *done;
	ULONG_PTR key;
	DWORD n;

	CHECK(port);
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	npipe_client(0);
	CHECK(GetQueuedCompletionStatus(port, &n, &key, &done, INFINITE));
	CHECK(done == &ov && key == 5 && n == 0);
	CHECK_FAILS(ConnectNamedPipe(h, &ov), ERROR_PIPE_CONNECTED);
	CHECK_FAILS(GetQueuedCompletionStatus(port, &n, &key, &done, 0), WAIT_TIMEOUT);
	CHECK(DisconnectNamedPipe(h));
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetQueuedCompletionStatus(port, &n, &key, &done, INFINITE),
		    ERROR_OPERATION_ABORTED);
	CHECK(done == &ov);
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK(CloseHandle(h));
	CHECK_FAILS(GetQueuedCompletionStatus(port, &n, &key, &done, INFINITE), ERROR_BROKEN_PIPE);
	CHECK(done == &ov);
}

static void bytes_come_through(void)
{
	HANDLE h, c;
	DWORD n;

	npipe_pair(&h, &c, BYTES, 0);
	CHECK(WriteFile(c, "abc", 3, &n, NULL) && n == 3);
	CHECK(WriteFile(c, "def", 3, &n, NULL) && n == 3);
	CHECK(ReadFile(h, buf, 4, &n, NULL) && n == 4);
	CHECK(ReadFile(h, buf + 4, 100, &n, NULL) && n == 2);
	CHECK(!memcmp(buf, "abcdef", 6));
	CHECK(WriteFile(h, "answer", 6, &n, NULL) && n == 6);
	CHECK(ReadFile(c, buf, 100, &n, NULL) && n == 6 && !memcmp(buf, "answer", 6));
	/* A write of no bytes is a read of none (W-RW-7). */
	CHECK(WriteFile(h, "", 0, &n, NULL) && n == 0);
	CHECK(ReadFile(c, buf, 100, &n, NULL) && n == 0);
	/* A read of none takes none. */
	CHECK(WriteFile(h, "x", 1, &n, NULL));
	CHECK(ReadFile(c, buf, 0, &n, NULL) && n == 0);
	CHECK(ReadFile(c, buf, 9, &n, NULL) && n == 1);
	/* W-RW-9: what was written before is read, then the pipe is broken. */
	CHECK(WriteFile(c, "last", 4, &n, NULL));
	CHECK(CloseHandle(c));
	CHECK(ReadFile(h, buf, 2, &n, NULL) && n == 2);
	CHECK(ReadFile(h, buf, 9, &n, NULL) && n == 2);
	CHECK_FAILS(ReadFile(h, buf, 9, &n, NULL), ERROR_BROKEN_PIPE);
	CHECK_FAILS(ReadFile(h, buf, 0, &n, NULL), ERROR_BROKEN_PIPE);
	CHECK_FAILS(WriteFile(h, "x", 1, &n, NULL), ERROR_NO_DATA);
	CHECK_FAILS(WriteFile(h, "x", 0, &n, NULL), ERROR_NO_DATA);
}

static void overlapped_bytes(void)
{
	HANDLE h, c, e = npipe_event();
	OVERLAPPED r = host_overlapped(e), w = host_overlapped(npipe_event());
	DWORD n, sum;

	npipe_pair(&h, &c, BYTES, FILE_FLAG_OVERLAPPED);
	CHECK_PENDS(ReadFile(h, buf, 100, NULL, &r));
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_TIMEOUT);
	CHECK(WriteFile(c, "hello", 5, &n, &w) && n == 5);
	CHECK_EQ(WaitForSingleObject(w.hEvent, 0), WAIT_OBJECT_0);
	CHECK_EQ(npipe_end(h, &r, &n), 0);
	CHECK(n == 5 && !memcmp(buf, "hello", 5));
	/* What is there is read at once. */
	CHECK(WriteFile(c, "again", 5, &n, &w));
	CHECK(ReadFile(h, buf, 100, &n, &r) && n == 5);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	/* Two reads, in the order of their coming. */
	CHECK_PENDS(ReadFile(h, buf, 1, NULL, &r));
	CHECK_PENDS(ReadFile(h, buf + 1, 1, NULL, &w));
	{
		OVERLAPPED v = host_overlapped(NULL);

		CHECK(WriteFile(c, "12", 2, &n, &v));
	}
	CHECK_EQ(npipe_end(h, &r, &n), 0);
	CHECK_EQ(npipe_end(h, &w, &n), 0);
	CHECK(!memcmp(buf, "12", 2));
	/* A write with no room waits, and is whole at its end (W-RW-8). */
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 + i / 509);
	CHECK_PENDS(WriteFile(c, big, sizeof(big), NULL, &w));
	for (sum = 0; sum < sizeof(big); sum += n) {
		BOOL ok = ReadFile(h, buf, sizeof(buf), &n, &r);

		CHECK(ok || GetLastError() == ERROR_IO_PENDING);
		CHECK_EQ(npipe_end(h, &r, &n), 0);
		CHECK(!memcmp(buf, big + sum, n));
	}
	CHECK_EQ(npipe_end(c, &w, &n), 0);
	CHECK_EQ(n, sizeof(big));
	/* W-PIPE-5 */
	CHECK_PENDS(ReadFile(h, buf, 100, NULL, &r));
	CHECK(CloseHandle(c));
	CHECK_EQ(npipe_end(h, &r, &n), ERROR_BROKEN_PIPE);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	CHECK_FAILS(WriteFile(h, "x", 1, &n, &w), ERROR_NO_DATA);
}

static void cancel_requests(void)
{
	HANDLE h, c;
	OVERLAPPED r = host_overlapped(npipe_event()), s = r, w = host_overlapped(npipe_event());
	DWORD n, sum, before;

	npipe_pair(&h, &c, BYTES, FILE_FLAG_OVERLAPPED);
	CHECK_PENDS(ReadFile(h, buf, 100, NULL, &r));
	CHECK(CancelIoEx(h, &r));
	CHECK_EQ(npipe_end(h, &r, &n), ERROR_OPERATION_ABORTED);
	CHECK_EQ(n, 0);
	/* The second of two, which waits for its turn. */
	CHECK_PENDS(ReadFile(h, buf, 100, NULL, &r));
	CHECK_PENDS(ReadFile(h, buf + 100, 100, NULL, &s));
	CHECK(CancelIoEx(h, &s));
	CHECK_EQ(npipe_end(h, &s, &n), ERROR_OPERATION_ABORTED);
	CHECK(WriteFile(c, "1", 1, &n, &w));
	CHECK_EQ(npipe_end(h, &r, &n), 0);
	CHECK_EQ(n, 1);
	/* A write of which a part is gone: that part counts (W-RACE-4). */
	CHECK_PENDS(WriteFile(c, big, sizeof(big), NULL, &w));
	CHECK(CancelIo(c));
	CHECK_EQ(npipe_end(c, &w, &before), 0);
	CHECK(before > 0 && before < sizeof(big));
	CHECK(!WriteFile(c, big, 1, NULL, &w) && GetLastError() == ERROR_IO_PENDING);
	CHECK(CancelIoEx(c, NULL));
	CHECK_EQ(npipe_end(c, &w, &n), ERROR_OPERATION_ABORTED);
	for (sum = 0; sum < before; sum += n) {
		ReadFile(h, buf, sizeof(buf), &n, &r);
		CHECK_EQ(npipe_end(h, &r, &n), 0);
	}
	CHECK_EQ(sum, before);
	CHECK_PENDS(ReadFile(h, buf, sizeof(buf), &n, &r));
	CHECK(CloseHandle(h));
	CHECK_EQ(WaitForSingleObject(r.hEvent, INFINITE), WAIT_OBJECT_0);
	/* W-CLOSE-2: a pipe's own way. */
	CHECK_EQ(r.Internal, 0xC000014B);
}

/* W-PIPE-4: what was not read is lost, and both ends' requests end. */
static void disconnect(void)
{
	HANDLE h, c;
	OVERLAPPED r = host_overlapped(npipe_event()), s = host_overlapped(npipe_event());
	OVERLAPPED w = host_overlapped(npipe_event());
	DWORD n;

	npipe_pair(&h, &c, BYTES, FILE_FLAG_OVERLAPPED);
	CHECK(WriteFile(h, "unread", 6, &n, &w));
	CHECK_PENDS(ReadFile(h, buf, 9, &n, &r));
	CHECK_PENDS(ReadFile(h, buf, 9, &n, &s));
	CHECK(DisconnectNamedPipe(h));
	CHECK_EQ(npipe_end(h, &r, &n), ERROR_PIPE_NOT_CONNECTED);
	CHECK_EQ(npipe_end(h, &s, &n), ERROR_PIPE_NOT_CONNECTED);
	CHECK_FAILS(ReadFile(c, buf, 9, &n, &w), ERROR_PIPE_NOT_CONNECTED);
	CHECK_FAILS(WriteFile(c, buf, 9, &n, &w), ERROR_PIPE_NOT_CONNECTED);
	CHECK_FAILS(ReadFile(h, buf, 9, &n, &w), ERROR_PIPE_NOT_CONNECTED);
	CHECK_FAILS(WriteFile(h, buf, 9, &n, &w), ERROR_PIPE_NOT_CONNECTED);
	CHECK(CloseHandle(c));
	/* A new client has a new connection. */
	CHECK_PENDS(ConnectNamedPipe(h, &r));
	c = npipe_client(FILE_FLAG_OVERLAPPED);
	CHECK_EQ(npipe_end(h, &r, &n), 0);
	CHECK_PENDS(ReadFile(c, buf, 9, &n, &r));
	CHECK(WriteFile(h, "new", 3, &n, &w));
	CHECK_EQ(npipe_end(c, &r, &n), 0);
	CHECK(n == 3 && !memcmp(buf, "new", 3));
	CHECK_PENDS(ReadFile(c, buf, 9, &n, &r));
	CHECK_PENDS(WriteFile(h, big, sizeof(big), &n, &w));
	CHECK(DisconnectNamedPipe(h));
	CHECK(npipe_end(c, &r, &n) == ERROR_PIPE_NOT_CONNECTED || n);
	CHECK_EQ(npipe_end(h, &w, &n), ERROR_PIPE_NOT_CONNECTED);
}

/* Who waits in a synchronous call. */
struct call {
	HANDLE file;
	DWORD n, error;
	BOOL write, flush;
};

static DWORD WINAPI do_call(LPVOID arg)
{
	struct call *c = arg;
	BOOL ok;

	SetLastError(0);
	ok = c->flush ? FlushFileBuffers(c->file) :
	     c->write ? WriteFile(c->file, big, sizeof(big), &c->n, NULL) :
			ReadFile(c->file, buf, sizeof(buf), &c->n, NULL);
	c->error = ok ? 0 : GetLastError();
	return c->error;
}

static HANDLE begin(struct call *call, long nr)
{
	DWORD tid;
	HANDLE t = CreateThread(NULL, 0, do_call, call, 0, &tid);

	CHECK(t);
	host_wait_syscall(tid, nr, nr);
	return t;
}

static void synchronous_calls(void)
{
	HANDLE h, c, t;
	struct call call;
	DWORD n;

	npipe_pair(&h, &c, BYTES, 0);
	call = (struct call){ .file = h };
	t = begin(&call, SYS_ppoll);
	CHECK(WriteFile(c, "go", 2, &n, NULL));
	CHECK_EQ(end_of(t), 0);
	CHECK_EQ(call.n, 2);
	t = begin(&call, SYS_ppoll);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	t = begin(&call, SYS_ppoll);
	CHECK(CancelIoEx(h, NULL));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	t = begin(&call, SYS_ppoll);
	CHECK(DisconnectNamedPipe(h));
	CHECK_EQ(end_of(t), ERROR_PIPE_NOT_CONNECTED);
	CHECK(CloseHandle(c) && CloseHandle(h));

	npipe_pair(&h, &c, BYTES, 0);
	call = (struct call){ .file = h };
	t = begin(&call, SYS_ppoll);
	CHECK(CloseHandle(c));
	CHECK_EQ(end_of(t), ERROR_BROKEN_PIPE);
	CHECK(CloseHandle(h));

	npipe_pair(&h, &c, BYTES, 0);
	call = (struct call){ .file = h, .write = TRUE };
	t = begin(&call, SYS_ppoll);
	CHECK(CloseHandle(c));
	CHECK_EQ(end_of(t), ERROR_NO_DATA);
}

/* W-FLUSH-2 */
static void flush(void)
{
	HANDLE h, c, t;
	struct call call;
	DWORD n;

	npipe_pair(&h, &c, BYTES, FILE_FLAG_OVERLAPPED);
	CHECK(CloseHandle(c) && CloseHandle(h));
	npipe_pair(&h, &c, BYTES, 0);
	CHECK(FlushFileBuffers(h));
	CHECK(WriteFile(h, "abc", 3, &n, NULL));
	call = (struct call){ .file = h, .flush = TRUE };
	t = begin(&call, SYS_futex);
	CHECK(ReadFile(c, buf, 2, &n, NULL));
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	CHECK(ReadFile(c, buf, 2, &n, NULL));
	CHECK_EQ(end_of(t), 0);
	CHECK(WriteFile(h, "abc", 3, &n, NULL));
	t = begin(&call, SYS_futex);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	t = begin(&call, SYS_futex);
	CHECK(CloseHandle(c));
	CHECK_EQ(end_of(t), ERROR_BROKEN_PIPE);
	CHECK(CloseHandle(h));
	npipe_pair(&h, &c, BYTES, 0);
	call.file = h;
	CHECK(WriteFile(h, "abc", 3, &n, NULL));
	t = begin(&call, SYS_futex);
	CHECK(DisconnectNamedPipe(h));
	CHECK_EQ(end_of(t), ERROR_PIPE_NOT_CONNECTED);
	CHECK(FlushFileBuffers(h));
}

static DWORD WINAPI wait_for_pipe(LPVOID timeout)
{
	return WaitNamedPipeA(npipe_name(), (DWORD)(ULONG_PTR)timeout) ? 0 : GetLastError();
}

static void wait_for_instance(void)
{
	HANDLE h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES), c, t;
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD tid;

	CHECK(WaitNamedPipeA(npipe_name(), NMPWAIT_WAIT_FOREVER));
	c = npipe_client(0);
	CHECK_FAILS(WaitNamedPipeA(npipe_name(), NMPWAIT_NOWAIT), ERROR_SEM_TIMEOUT);
	CHECK_FAILS(WaitNamedPipeA(npipe_name(), NMPWAIT_USE_DEFAULT_WAIT), ERROR_SEM_TIMEOUT);
	CHECK_FAILS(WaitNamedPipeA(npipe_name(), 20), ERROR_SEM_TIMEOUT);
	t = CreateThread(NULL, 0, wait_for_pipe, (LPVOID)(ULONG_PTR)NMPWAIT_WAIT_FOREVER, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(CloseHandle(c) && DisconnectNamedPipe(h));
	CHECK_PENDS(ConnectNamedPipe(h, &ov));
	CHECK_EQ(end_of(t), 0);
	npipe_client(0);
	t = CreateThread(NULL, 0, wait_for_pipe, (LPVOID)(ULONG_PTR)NMPWAIT_WAIT_FOREVER, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(end_of(t), ERROR_OPERATION_ABORTED);
	t = CreateThread(NULL, 0, wait_for_pipe, (LPVOID)(ULONG_PTR)NMPWAIT_WAIT_FOREVER, 0, &tid);
	host_wait_syscall(tid, SYS_ppoll, SYS_ppoll);
	CHECK(CloseHandle(h));
	CHECK_EQ(end_of(t), ERROR_FILE_NOT_FOUND);
}

static const struct tap_case cases[] = {
	CASE(bad_arguments, "bad arguments get their errors"),
	CASE(names, "a name is found in any case, and goes with its last instance"),
	CASE(instances, "as many clients as instances"),
	CASE(directions, "an end goes only the ways that its pipe has"),
	CASE(connect_overlapped, "an overlapped connect pends, or says who is there"),
	CASE(connect_synchronous, "a synchronous connect waits, and can be cancelled"),
	CASE(cancel_connect, "a pending connect is cancelled by every means"),
	CASE(connect_at_port, "a connect's end goes to the port"),
	CASE(bytes_come_through, "bytes come through, then the end"),
	CASE(overlapped_bytes, "overlapped reads and writes"),
	CASE(cancel_requests, "cancelled reads and writes lose nothing"),
	CASE(disconnect, "disconnecting discards, and ends what pends"),
	CASE(synchronous_calls, "synchronous reads and writes end by every means"),
	CASE(flush, "a flush waits until all is read"),
	CASE(wait_for_instance, "WaitNamedPipe waits for one that listens"),
};

TAP_MAIN(cases)
