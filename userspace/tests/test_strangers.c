// SPDX-License-Identifier: MIT
/*
 * A thread is made known to the library at its first call, for which there may be no memory: then that
 * call fails and says so, has done nothing, and works when it is made again.
 */
#include <cancellationscope.h>
#include <windows.h>
#include <winioctl.h>

#include "shortage.h"

/* What the calls are about, made by a thread that it knows. */
static HANDLE event, mutex, scope, pipe_end, reader, file, port;
static OVERLAPPED over;
static DWORD word, count, known;
static char byte;

static BOOL wait_one(void) { return WaitForSingleObject(event, 0) != WAIT_FAILED; }
static BOOL wait_many(void) { return WaitForMultipleObjects(1, &event, TRUE, 0) != WAIT_FAILED; }
static BOOL wait_address(void)
{
	DWORD same = word;

	return WaitOnAddress(&word, &same, sizeof(word), 0) || GetLastError() == ERROR_TIMEOUT;
}
static BOOL make_mutex(void)
{
	HANDLE m = CreateMutexA(NULL, TRUE, NULL);

	return m && ReleaseMutex(m) && CloseHandle(m);
}
static BOOL open_thread(void)
{
	HANDLE t = OpenThread(THREAD_QUERY_INFORMATION, FALSE, known);

	return t && CloseHandle(t);
}
static BOOL open_plain(void)
{
	HANDLE h = host_open("/dev/null", GENERIC_READ, 0);

	return h != INVALID_HANDLE_VALUE && CloseHandle(h);
}
static BOOL make_server(const WCHAR *wide, const char *name)
{
	HANDLE h = wide ? CreateNamedPipeW(wide, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL) :
			  CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL);

	return h != INVALID_HANDLE_VALUE && CloseHandle(h);
}
static BOOL make_server_a(void) { return make_server(NULL, "\\\\.\\pipe\\shortage.stranger"); }
static BOOL make_server_w(void) { return make_server(u"\\\\.\\pipe\\shortage.stranger", NULL); }
static BOOL wait_server(void)
{
	return WaitNamedPipeA("\\\\.\\pipe\\shortage.reader", NMPWAIT_WAIT_FOREVER);
}
static BOOL cancel(void) { return CancelIo(reader); }
static BOOL cancel_thread(void)
{
	/* There is nothing to cancel. */
	return CancelSynchronousIo(GetCurrentThread()) || GetLastError() == ERROR_NOT_FOUND;
}
static BOOL control(void)
{
	GET_LENGTH_INFORMATION length;

	/* No disk. */
	return DeviceIoControl(file, IOCTL_DISK_GET_LENGTH_INFO, NULL, 0, &length, sizeof(length),
			       &count, NULL) || GetLastError() == ERROR_INVALID_FUNCTION;
}
static BOOL flush(void) { return FlushFileBuffers(pipe_end); }
static BOOL read_one(void) { return ReadFile(file, &byte, 1, &count, NULL); }
static BOOL write_one(void) { return WriteFile(file, "x", 1, &count, NULL); }
static BOOL seek(void) { return SetFilePointerEx(file, (LARGE_INTEGER){ 0 }, NULL, FILE_BEGIN); }
static BOOL cut(void) { return SetEndOfFile(file); }
static BOOL result(void)
{
	return GetOverlappedResultEx(reader, &over, &count, 1, FALSE) ||
	       GetLastError() == WAIT_TIMEOUT;
}
static BOOL enter(void) { return EnterCancellationScope(scope) && LeaveCancellationScope(scope); }
static BOOL leave(void)
{
	/* It is not inside. */
	return LeaveCancellationScope(scope) || GetLastError() == ERROR_NOT_OWNER;
}
static BOOL take_packet(void)
{
	LPOVERLAPPED overlapped;
	ULONG_PTR key;

	return GetQueuedCompletionStatus(port, &count, &key, &overlapped, 0) ||
	       GetLastError() == WAIT_TIMEOUT;
}
static BOOL take_mutex(void)
{
	return WaitForSingleObject(mutex, 0) == WAIT_OBJECT_0 && ReleaseMutex(mutex);
}
static BOOL own_handle(void)
{
	HANDLE h;

	return DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &h, 0,
			       FALSE, DUPLICATE_SAME_ACCESS) && CloseHandle(h);
}
static BOOL make_heap(void)
{
	HANDLE heap = HeapCreate(0, 0, 0);

	return heap && HeapDestroy(heap);
}

#define CALL(fn) { #fn, fn }

static const struct call {
	const char *name;
	BOOL (*make)(void);
} calls[] = {
	CALL(wait_one),	     CALL(wait_many),  CALL(wait_address), CALL(make_mutex), CALL(open_thread),
	CALL(open_plain),    CALL(make_server_a), CALL(make_server_w), CALL(wait_server),
	CALL(cancel),	     CALL(cancel_thread), CALL(control), CALL(flush),	 CALL(read_one),
	CALL(write_one),     CALL(seek),       CALL(cut),	   CALL(result),     CALL(enter),
	CALL(leave),	     CALL(take_packet), CALL(take_mutex),  CALL(own_handle), CALL(make_heap),
};

static void make_objects(void)
{
	HANDLE r;
	int fd = open(host_path("file"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, "bytes", 5) == 5);
	close(fd);
	file = host_open(host_path("file"), GENERIC_READ | GENERIC_WRITE, 0);
	known = GetCurrentThreadId();
	event = CreateEventA(NULL, TRUE, TRUE, NULL);
	mutex = CreateMutexA(NULL, FALSE, NULL);
	scope = CreateCancellationScope(NULL, 0);
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	CHECK(CreatePipe(&r, &pipe_end, NULL, 0));
	reader = CreateNamedPipeA("\\\\.\\pipe\\shortage.reader", PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
				  0, 1, 0, 0, 0, NULL);
	CHECK(event && mutex && scope && port && file != INVALID_HANDLE_VALUE &&
	      reader != INVALID_HANDLE_VALUE);
	over = host_overlapped(NULL);
	CHECK_FAILS(ConnectNamedPipe(reader, &over), ERROR_IO_PENDING);
}

static void *be_a_stranger(void *arg)
{
	const struct call *call = arg;
	BOOL ok, refused;
	DWORD error;

	shortage_begin(1);
	SetLastError(0xdead);
	ok = call->make();
	error = GetLastError();
	refused = shortage_end();
	if (!refused || ok || error != ERROR_NOT_ENOUGH_MEMORY)
		printf("# %s\n", call->name);
	CHECK(refused && !ok);
	CHECK_EQ(error, ERROR_NOT_ENOUGH_MEMORY);
	if (!call->make())
		printf("# %s: error %u\n", call->name, GetLastError());
	CHECK(call->make());
	return NULL;
}

static void in_a_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}

static void a_first_call_is_refused(void)
{
	make_objects();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		in_a_thread(be_a_stranger, (void *)&calls[i]);
}

/* What cannot fail does what it is to do all the same. */
static void *sleep_as_a_stranger(void *arg)
{
	double start = host_seconds();

	(void)arg;
	shortage_begin(1);
	Sleep(30);
	CHECK(shortage_end());
	CHECK(host_seconds() - start >= 0.03);
	return NULL;
}

static atomic_int calls_begun, calls_done;

static VOID CALLBACK slow(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)instance;
	(void)context;
	(void)work;
	atomic_fetch_add(&calls_begun, 1);
	Sleep(30);
	atomic_fetch_add(&calls_done, 1);
}

static void *wait_as_a_stranger(void *work)
{
	shortage_begin(1);
	WaitForThreadpoolWorkCallbacks(work, FALSE);
	CHECK(shortage_end());
	CHECK_EQ(atomic_load(&calls_done), 1);
	return NULL;
}

static void what_cannot_fail(void)
{
	PTP_WORK work = CreateThreadpoolWork(slow, NULL, NULL);

	in_a_thread(sleep_as_a_stranger, NULL);
	CHECK(work);
	SubmitThreadpoolWork(work);
	/* Then the pool needs no more memory. */
	while (!atomic_load(&calls_begun))
		sched_yield();
	in_a_thread(wait_as_a_stranger, work);
	CloseThreadpoolWork(work);
}

static const struct tap_case cases[] = {
	CASE(a_first_call_is_refused, "a thread's first call gets no memory"),
	CASE(what_cannot_fail, "a sleep, and a wait for callbacks, get none"),
};

TAP_MAIN(cases)
