// SPDX-License-Identifier: MIT
/*
 * What runs out, at each place where it can: a call that needs memory, a thread or a descriptor and
 * gets none fails with the error that says so, has changed nothing and kept nothing, and works when
 * it is made again.
 */
#include <cancellationscope.h>
#include <dirent.h>
#include <process.h>
#include <windows.h>

#include "shortage.h"

struct step {
	const char *name;
	/* Does it and undoes it; the error if it fails. */
	DWORD (*run)(void);
	/* Instead of ERROR_NOT_ENOUGH_MEMORY. */
	DWORD error;
	bool no_memory; /* is needed */
};

/* What an open needs is there before. */
static char folder[PATH_MAX], plain[PATH_MAX + 64], fifo[PATH_MAX + 64], fresh[PATH_MAX + 64];

static void make_files(void)
{
	int fd;

	strcpy(plain, host_path("plain"));
	strcpy(fifo, host_path("fifo"));
	strcpy(fresh, host_path("fresh"));
	strcpy(folder, host_dir);
	fd = open(plain, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
	CHECK_EQ(mkfifo(fifo, 0600), 0);
}

/* Also a wait may need memory, at a thread's first call. */
static DWORD wait_for(HANDLE h)
{
	DWORD error = 0, result = WaitForSingleObject(h, INFINITE);

	if (result == WAIT_FAILED) {
		error = GetLastError();
		result = WaitForSingleObject(h, INFINITE);
	}
	CHECK_EQ(result, WAIT_OBJECT_0);
	return error;
}

/* ---- objects ---- */

static DWORD made(HANDLE h)
{
	if (!h || h == INVALID_HANDLE_VALUE)
		return GetLastError();
	CHECK(CloseHandle(h));
	return 0;
}

static DWORD an_event(void)
{
	return made(CreateEventA(NULL, FALSE, FALSE, NULL));
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
	error = made(other);
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
	error = wait_for(t);
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
		error = wait_for(done);
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
		error = wait_for(done);
	CHECK(CloseHandle(done));
	return error;
}

static VOID CALLBACK work_done(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)instance;
	(void)work;
	atomic_fetch_add((atomic_int *)context, 1);
}

static int threads_there(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Its threads end when they come to it: so the pool is freed. */
static void end_pool(PTP_POOL pool, int threads_before)
{
	CloseThreadpool(pool);
	while (threads_there() > threads_before)
		usleep(200);
}

/* In a pool of its own. */
static DWORD work_of_a_pool(void)
{
	int threads = threads_there();
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
	int threads = threads_there();
	PTP_POOL pool = CreateThreadpool(NULL);
	DWORD error = 0;

	if (!pool)
		return GetLastError();
	if (!SetThreadpoolThreadMinimum(pool, 2))
		error = GetLastError();
	end_pool(pool, threads);
	return error;
}

static HANDLE ended;

static VOID CALLBACK io_done(DWORD error, DWORD bytes, LPOVERLAPPED overlapped)
{
	(void)bytes;
	(void)overlapped;
	CHECK_EQ(error, 0);
	SetEvent(ended);
}

/* One routine for good is kept by the process, as on Windows. */
static DWORD a_callback_for_io(void)
{
	HANDLE h = host_open(plain, GENERIC_READ, FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD error = 0;
	char text[4];

	if (h == INVALID_HANDLE_VALUE)
		return GetLastError();
	ended = CreateEventA(NULL, FALSE, FALSE, NULL);
	if (!ended) {
		error = GetLastError();
	} else if (!BindIoCompletionCallback(h, io_done, 0)) {
		error = GetLastError();
	} else if (!ReadFile(h, text, 4, NULL, &ov) && GetLastError() != ERROR_IO_PENDING) {
		error = GetLastError();
	} else {
		error = wait_for(ended);
		CHECK_EQ(ov.InternalHigh, 4);
	}
	if (ended)
		CHECK(CloseHandle(ended));
	CHECK(CloseHandle(h));
	return error;
}

static VOID CALLBACK tp_done(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID overlapped,
			     ULONG result, ULONG_PTR bytes, PTP_IO io)
{
	(void)instance;
	(void)overlapped;
	(void)io;
	CHECK_EQ(result, 0);
	atomic_fetch_add((atomic_int *)context, (int)bytes);
}

static DWORD io_of_a_pool(void)
{
	HANDLE h = host_open(plain, GENERIC_READ, FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = host_overlapped(NULL);
	atomic_int bytes = 0;
	DWORD error = 0;
	char text[4];
	PTP_IO io;

	if (h == INVALID_HANDLE_VALUE)
		return GetLastError();
	io = CreateThreadpoolIo(h, tp_done, &bytes, NULL);
	if (!io) {
		error = GetLastError();
	} else {
		StartThreadpoolIo(io);
		if (!ReadFile(h, text, 4, NULL, &ov) && GetLastError() != ERROR_IO_PENDING) {
			error = GetLastError();
			CancelThreadpoolIo(io);
		}
		WaitForThreadpoolIoCallbacks(io, FALSE);
		CHECK_EQ(atomic_load(&bytes), error ? 0 : 4);
		CloseThreadpoolIo(io);
	}
	CHECK(CloseHandle(h));
	return error;
}

/* ---- files ---- */

static DWORD a_file(void)
{
	HANDLE h = host_open(plain, GENERIC_READ, 0), copy;
	DWORD n, error;
	char text[4];

	if (h == INVALID_HANDLE_VALUE)
		return GetLastError();
	CHECK(ReadFile(h, text, 4, &n, NULL) && n == 4);
	error = DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
				DUPLICATE_SAME_ACCESS) ?
			made(copy) :
			GetLastError();
	CHECK(CloseHandle(h));
	return error;
}

/* It is not there where it could not be opened. */
static DWORD a_new_file(void)
{
	HANDLE h = CreateFileA(fresh, GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
	DWORD error = GetLastError();

	CHECK_EQ(access(fresh, F_OK), h == INVALID_HANDLE_VALUE ? -1 : 0);
	if (h == INVALID_HANDLE_VALUE)
		return error;
	CHECK(CloseHandle(h));
	CHECK_EQ(unlink(fresh), 0);
	return 0;
}

static DWORD a_pending_read(void)
{
	HANDLE h = CreateFileA(fifo, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
			       FILE_FLAG_OVERLAPPED, NULL);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n, error = 0;
	char text[4];

	if (h == INVALID_HANDLE_VALUE)
		return GetLastError();
	SetLastError(0);
	CHECK(!ReadFile(h, text, 4, NULL, &ov));
	if (GetLastError() != ERROR_IO_PENDING) {
		error = GetLastError();
		/* It has not begun. */
		CHECK_FAILS(CancelIoEx(h, &ov), ERROR_NOT_FOUND);
	} else {
		CHECK(CancelIoEx(h, &ov));
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	}
	CHECK(CloseHandle(h));
	return error;
}

static DWORD routines;

static VOID CALLBACK routine(DWORD error, DWORD bytes, LPOVERLAPPED overlapped)
{
	(void)overlapped;
	CHECK_EQ(error, 0);
	routines += bytes;
}

/* On a synchronous handle the routine is an APC; its read must not have moved the position. */
static DWORD a_routine(void)
{
	HANDLE h = host_open(plain, GENERIC_READ, 0);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD error = 0;
	char text[4];

	if (h == INVALID_HANDLE_VALUE)
		return GetLastError();
	routines = 0;
	if (!ReadFileEx(h, text, 4, &ov, routine)) {
		error = GetLastError();
		CHECK_EQ(SetFilePointer(h, 0, NULL, FILE_CURRENT), 0);
	}
	SleepEx(0, TRUE);
	CHECK_EQ(routines, error ? 0 : 4);
	CHECK(CloseHandle(h));
	return error;
}

/* W-COPY: what could not be copied is not there. */
static DWORD a_copy(void)
{
	DWORD error = 0;

	if (!CopyFileA(plain, fresh, TRUE)) {
		error = GetLastError();
		CHECK_EQ(access(fresh, F_OK), -1);
	} else {
		CHECK_EQ(unlink(fresh), 0);
	}
	return error;
}

static DWORD a_pipe(void)
{
	HANDLE r, w;
	DWORD n, error = 0;
	char c[2];

	if (!CreatePipe(&r, &w, NULL, 0))
		return GetLastError();
	/* What is refused has written nothing. */
	if (!WriteFile(w, "x", 1, &n, NULL)) {
		error = GetLastError();
		CHECK(WriteFile(w, "x", 1, &n, NULL));
	}
	CHECK(ReadFile(r, c, 2, &n, NULL) && n == 1);
	CHECK(CloseHandle(r) && CloseHandle(w));
	return error;
}

static char pipe_name[64];

static DWORD talk(HANDLE server)
{
	HANDLE client = CreateFileA(pipe_name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
				    0, NULL);
	DWORD n, there = 0, error = 0;
	char text[4];

	if (client == INVALID_HANDLE_VALUE)
		return GetLastError();
	CHECK(WriteFile(client, "word", 4, &n, NULL));
	if (!PeekNamedPipe(server, text, 4, &n, &there, NULL))
		error = GetLastError();
	else
		CHECK(there == 4 && n == 4);
	/* It is still there. */
	CHECK(ReadFile(server, text, 4, &n, NULL) && n == 4 && !memcmp(text, "word", 4));
	CHECK(CloseHandle(client));
	return error;
}

static DWORD a_named_pipe(void)
{
	HANDLE server;
	DWORD error;

	snprintf(pipe_name, sizeof(pipe_name), "\\\\.\\pipe\\shortage.%d", getpid());
	server = CreateNamedPipeA(pipe_name, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL);
	if (server == INVALID_HANDLE_VALUE)
		return GetLastError();
	error = talk(server);
	CHECK(CloseHandle(server));
	return error;
}

static DWORD a_temporary_file(void)
{
	char name[MAX_PATH];

	if (!GetTempFileNameA(folder, "tmp", 0, name))
		return GetLastError();
	CHECK_EQ(unlink(name), 0);
	return 0;
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
	{ "callback for a file", a_callback_for_io, 0, false },
	{ "I/O of a pool", io_of_a_pool, 0, false },
	{ "file", a_file, 0, false },
	{ "new file", a_new_file, 0, false },
	{ "pending read", a_pending_read, 0, false },
	{ "completion routine", a_routine, 0, false },
	{ "copy", a_copy, 0, false },
	{ "pipe", a_pipe, 0, false },
	{ "named pipe", a_named_pipe, 0, false },
	{ "temporary file", a_temporary_file, 0, true },
	{ "heap", a_heap, 0, false },
	{ "pages", pages_anywhere, 0, false },
	{ "pages at a place", pages_at_a_place, 0, false },
	{ "message", a_message, 0, false },
};

enum { ALL_GRANTED = 10, ONE_REFUSED = 11 };

static const struct step *step;
static long nth;

/* Also not of those that failed: what is made once has been made when it is counted. */
static void no_descriptor_stays(void)
{
	int open;

	CHECK_EQ(step->run(), 0);
	open = shortage_descriptors();
	for (int i = 0; i < 3; i++) {
		shortage_begin(nth);
		step->run();
		shortage_end();
	}
	/* A thread of the library's may look at something just now. */
	while (shortage_descriptors() > open)
		usleep(1000);
}

/* In a child each time: what the library makes once is made again. */
static void refuse_memory(void)
{
	DWORD error;

	shortage_begin(nth);
	error = step->run();
	if (!shortage_end()) {
		CHECK_EQ(error, 0);
		_exit(ALL_GRANTED);
	}
	if (error && error != step->error)
		CHECK_EQ(error, ERROR_NOT_ENOUGH_MEMORY);
	no_descriptor_stays();
	/* By exit(3), so that a leak is looked for; the files are for the next as well. */
	*host_dir = '\0';
	exit(ONE_REFUSED);
}

static void refuse_descriptors(void)
{
	DWORD error;

	shortage_of_descriptors(nth - 1);
	error = step->run();
	shortage_of_descriptors(-1);
	if (error)
		CHECK_EQ(error, ERROR_TOO_MANY_OPEN_FILES);
	no_descriptor_stays();
	_exit(error ? ONE_REFUSED : ALL_GRANTED);
}

static void refuse_each(void (*refuse)(void), bool of_files)
{
	make_files();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int status = ONE_REFUSED;

		step = &steps[i];
		for (nth = 1; status == ONE_REFUSED; nth++) {
			fflush(stdout);
			status = host_exit_status(refuse);
		}
		if (status != ALL_GRANTED)
			printf("# %s, number %ld\n", step->name, nth - 1);
		CHECK_EQ(status, ALL_GRANTED);
		CHECK(of_files || step->no_memory || nth > 2);
	}
}

static void memory_runs_out(void)
{
	if (HOST_TSAN)
		SKIP("a child has no threads");
	refuse_each(refuse_memory, false);
}

static void descriptors_run_out(void)
{
	if (HOST_TSAN)
		SKIP("a child has no threads");
	refuse_each(refuse_descriptors, true);
}

static const struct tap_case cases[] = {
	CASE(memory_runs_out, "memory and threads, one refused at a time"),
	CASE(descriptors_run_out, "descriptors"),
};

TAP_MAIN(cases)
