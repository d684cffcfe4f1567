// SPDX-License-Identifier: MIT
/*
 * What runs out, at each place where it can: a call that needs memory, a thread or a descriptor and
 * gets none fails with the error that says so, has changed nothing and kept nothing, and works when
 * it is made again. Objects, threads and memory; test_shortage_files.c has the files.
 */
#include <cancellationscope.h>
#include <process.h>
#include <windows.h>

#include "shortage.h"

/* ---- objects ---- */

static DWORD an_event(void)
{
	return shortage_made(CreateEventA(NULL, FALSE, FALSE, NULL));
}

/* Once it has failed, nobody finds the name. */
static DWORD a_name(HANDLE (*make)(const char *name), HANDLE (*find)(const char *name))
{
	HANDLE h = make("x"), other;
	DWORD error = GetLastError();

	if (!h) {
		long left = atomic_exchange(&shortage_after, 0);

		CHECK(!find("x"));
		CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
		atomic_store(&shortage_after, left);
		return error;
	}
	CHECK_EQ(error, 0);
	other = find("x");
	error = shortage_made(other);
	CHECK(CloseHandle(h));
	return error;
}

#define NAMED(what, create, open, all) \
	static HANDLE make_##what(const char *name) { return create; } \
	static HANDLE find_##what(const char *name) { return open(all, FALSE, name); } \
	static DWORD a_named_##what(void) { return a_name(make_##what, find_##what); }

NAMED(event, CreateEventA(NULL, TRUE, FALSE, name), OpenEventA, EVENT_ALL_ACCESS)
NAMED(mutex, CreateMutexA(NULL, FALSE, name), OpenMutexA, MUTEX_ALL_ACCESS)
NAMED(semaphore, CreateSemaphoreA(NULL, 1, 1, name), OpenSemaphoreA, SEMAPHORE_ALL_ACCESS)

static DWORD a_port(void)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
	LPOVERLAPPED overlapped;
	ULONG_PTR key;
	DWORD bytes, error = 0;

	if (!port)
		return GetLastError();
	if (!PostQueuedCompletionStatus(port, 1, 2, NULL)) {
		CHECK_EQ(GetLastError(), ERROR_NO_SYSTEM_RESOURCES);
		error = ERROR_NOT_ENOUGH_MEMORY;
	} else {
		/* The packet stays for who can take it. */
		if (!GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0)) {
			error = GetLastError();
			CHECK(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0));
		}
		CHECK(bytes == 1 && key == 2);
	}
	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0), WAIT_TIMEOUT);
	CHECK(CloseHandle(port));
	return error;
}

/* A scope whose event or time has it cancelled. */
static DWORD a_scope(void)
{
	HANDLE scope = CreateCancellationScope(NULL, 0), event;
	DWORD error = 0;
	BOOL cancelled;

	if (!scope)
		return GetLastError();
	event = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!event)
		error = GetLastError();
	else if (!EnterCancellationScope(scope))
		error = GetLastError();
	else {
		if (!SetCancellationScopeTimeout(scope, 60000) ||
		    !SetCancellationScopeHandle(scope, event))
			error = GetLastError();
		else
			SetEvent(event);
		CHECK(IsCancellationScopeCancelled(scope, &cancelled));
		CHECK_EQ(cancelled, !error);
		CHECK(LeaveCancellationScope(scope));
	}
	if (event)
		CHECK(CloseHandle(event));
	CHECK(CloseHandle(scope));
	return error;
}

/* ---- threads ---- */

static DWORD WINAPI answer(LPVOID arg)
{
	return *(DWORD *)arg;
}

static DWORD a_thread(void)
{
	DWORD value = 7, code = 0, error;
	HANDLE t = CreateThread(NULL, 0, answer, &value, 0, NULL);

	if (!t)
		return GetLastError();
	error = shortage_wait(t);
	CHECK(GetExitCodeThread(t, &code) && code == 7);
	CHECK(CloseHandle(t));
	return error;
}

static void set(void *event)
{
	SetEvent(event);
}

/* The C library's way: by errno. */
static DWORD a_thread_of_the_runtime(void)
{
	HANDLE done = CreateEventA(NULL, FALSE, FALSE, NULL);
	DWORD error = 0;

	if (!done)
		return GetLastError();
	if (_beginthread(set, 0, done) == (uintptr_t)-1) {
		CHECK(errno == EAGAIN || errno == ENOMEM);
		error = ERROR_NOT_ENOUGH_MEMORY;
	} else {
		error = shortage_wait(done);
	}
	CHECK(CloseHandle(done));
	return error;
}

static int apcs;

static VOID CALLBACK apc(ULONG_PTR arg)
{
	apcs += (int)arg;
}

static DWORD an_apc(void)
{
	DWORD error = 0;

	apcs = 0;
	if (!QueueUserAPC(apc, GetCurrentThread(), 1))
		error = GetLastError();
	SleepEx(0, TRUE);
	CHECK_EQ(apcs, !error);
	return error;
}

static DWORD thread_data(void)
{
	DWORD index = TlsAlloc();

	if (index == TLS_OUT_OF_INDEXES)
		return GetLastError();
	CHECK(TlsSetValue(index, &index) && TlsGetValue(index) == &index);
	CHECK(TlsFree(index));
	return 0;
}

/* ---- the pool ---- */

static DWORD WINAPI set_it(LPVOID event)
{
	SetEvent(event);
	return 0;
}

static DWORD an_item(void)
{
	HANDLE done = CreateEventA(NULL, FALSE, FALSE, NULL);
	DWORD error = 0;

	if (!done)
		return GetLastError();
	if (!QueueUserWorkItem(set_it, done, WT_EXECUTEDEFAULT))
		error = GetLastError();
	else
		error = shortage_wait(done);
	CHECK(CloseHandle(done));
	return error;
}

static VOID CALLBACK work_done(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)instance;
	(void)work;
	atomic_fetch_add((atomic_int *)context, 1);
}

/* Each is a link of this directory, which is looked at without a descriptor. */
static nlink_t threads_there(void)
{
	struct stat st;

	CHECK_EQ(stat("/proc/self/task", &st), 0);
	return st.st_nlink;
}

/* Its threads end when they come to it: so the pool is freed. */
static void end_pool(PTP_POOL pool, nlink_t threads_before)
{
	CloseThreadpool(pool);
	while (threads_there() > threads_before)
		usleep(200);
}

/* In a pool of its own. */
static DWORD work_of_a_pool(void)
{
	nlink_t threads = threads_there();
	TP_CALLBACK_ENVIRON environment;
	PTP_POOL pool = CreateThreadpool(NULL);
	DWORD error = 0;
	atomic_int calls = 0;
	PTP_WORK work;

	if (!pool)
		return GetLastError();
	InitializeThreadpoolEnvironment(&environment);
	SetThreadpoolCallbackPool(&environment, pool);
	work = CreateThreadpoolWork(work_done, &calls, &environment);
	if (!work) {
		error = GetLastError();
	} else {
		/* Two make a thread that is there start a second. */
		SubmitThreadpoolWork(work);
		SubmitThreadpoolWork(work);
		WaitForThreadpoolWorkCallbacks(work, FALSE);
		CHECK_EQ(atomic_load(&calls), 2);
		CloseThreadpoolWork(work);
	}
	end_pool(pool, threads);
	return error;
}

static DWORD threads_of_a_pool(void)
{
	nlink_t threads = threads_there();
	PTP_POOL pool = CreateThreadpool(NULL);
	DWORD error = 0;

	if (!pool)
		return GetLastError();
	if (!SetThreadpoolThreadMinimum(pool, 2))
		error = GetLastError();
	end_pool(pool, threads);
	return error;
}

/* ---- memory itself ---- */

static DWORD a_heap(void)
{
	HANDLE heap = HeapCreate(0, 0, 0);
	DWORD error = 0;
	char *p, *more;

	if (!heap)
		return GetLastError();
	p = HeapAlloc(heap, HEAP_ZERO_MEMORY, 100);
	if (!p) {
		error = ERROR_NOT_ENOUGH_MEMORY; /* HeapAlloc promises no last error */
	} else {
		memset(p, 'p', 100);
		more = HeapReAlloc(heap, 0, p, 100000);
		if (!more)
			error = ERROR_NOT_ENOUGH_MEMORY;
		/* What is refused leaves the old block as it was. */
		p = more ? more : p;
		CHECK_EQ(HeapSize(heap, 0, p), more ? 100000 : 100);
		CHECK(p[0] == 'p' && p[99] == 'p');
	}
	CHECK(HeapDestroy(heap));
	return error;
}

static DWORD pages_anywhere(void)
{
	char *p = VirtualAlloc(NULL, 65536, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

	if (!p)
		return GetLastError();
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
	return 0;
}

static DWORD pages_at_a_place(void)
{
	char *p = VirtualAlloc((LPVOID)0x200000000000, 65536, MEM_RESERVE, PAGE_NOACCESS);

	if (!p)
		return GetLastError();
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
	return 0;
}

static DWORD formatted(DWORD flags, const char *format, ...)
{
	LPSTR text = NULL;
	va_list args;
	DWORD n;

	va_start(args, format);
	n = FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ALLOCATE_BUFFER | flags, format,
			   0, 0, (LPSTR)&text, 0, &args);
	va_end(args);
	if (!n)
		return GetLastError();
	CHECK_EQ(n, strlen(text));
	CHECK(!LocalFree(text));
	return 0;
}

static DWORD a_message(void)
{
	return formatted(0, "%1!ls! of %2 and %3!-200s!|", u"three", "two", "one");
}

/* ---- one after the other is refused ---- */

static const struct step steps[] = {
	{ "event", an_event, 0, false },
	{ "named event", a_named_event, 0, false },
	{ "named mutex", a_named_mutex, 0, false },
	{ "named semaphore", a_named_semaphore, 0, false },
	{ "port", a_port, 0, false },
	{ "scope", a_scope, 0, false },
	{ "thread", a_thread, 0, false },
	{ "_beginthread", a_thread_of_the_runtime, 0, false },
	{ "APC", an_apc, 0, false },
	{ "TLS", thread_data, ERROR_NO_MORE_ITEMS, false },
	{ "work item", an_item, 0, false },
	{ "work of a pool", work_of_a_pool, 0, false },
	{ "threads of a pool", threads_of_a_pool, 0, false },
	{ "heap", a_heap, 0, false },
	{ "pages", pages_anywhere, 0, false },
	{ "pages at a place", pages_at_a_place, 0, false },
	{ "message", a_message, 0, false },
};

static void memory_runs_out(void)
{
	SHORTAGE(steps, shortage_refuse_memory);
}

static void descriptors_run_out(void)
{
	SHORTAGE(steps, shortage_refuse_descriptors);
}

static const struct tap_case cases[] = {
	CASE(memory_runs_out, "memory and threads, one refused at a time"),
	CASE(descriptors_run_out, "descriptors"),
};

TAP_MAIN(cases)
