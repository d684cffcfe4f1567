// SPDX-License-Identifier: MIT
/*
 * Everything at once, at random: threads read and write lines (FIFOs) in all ways that there are, and
 * cancel each other, while others end, fork, and close. Counted is that each request ends once, is
 * told of once, and that each record written to a line is read once and whole, and no other.
 *
 * CHAOS_SEED and CHAOS_SECONDS choose another run, and a longer one.
 */
#include <cancellationscope.h>
#include <dirent.h>

#include "chaos.h"

enum { WORKERS = 6, PORT_THREADS = 2 };

static HANDLE workers[WORKERS], spare_event;
static atomic_bool stop, flood;
static atomic_long apcs_due, steps, forks;
static const char *_Atomic doing[WORKERS];
static unsigned int first_seed = 1;
static __thread int me;

static void collect(HANDLE h, LPOVERLAPPED ov, struct line *line, uint64_t *data)
{
	DWORD n = 0;
	BOOL ok;

	while (!(ok = GetOverlappedResultEx(h, ov, &n, any(4) ? INFINITE : any(3), TRUE)))
		if (GetLastError() != WAIT_IO_COMPLETION && GetLastError() != WAIT_TIMEOUT &&
		    GetLastError() != ERROR_IO_INCOMPLETE)
			break;
	check_end(ok, GetLastError(), n);
	count_read(line, data, n);
}

static void cancel_somehow(HANDLE h, LPOVERLAPPED ov)
{
	switch (any(5)) {
	case 0:
		CHECK(CancelIo(h));
		break;
	case 1:
		CancelIoEx(h, ov);
		break;
	case 2:
		CancelIoEx(h, NULL);
		break;
	default:
		return;
	}
}

static void read_by_event(void)
{
	struct line *line = line_read(BY_EVENT);
	HANDLE h = line->in, e = any(3) ? CreateEventA(NULL, any(2), any(2), NULL) : NULL;
	HANDLE dup = NULL;
	OVERLAPPED ov[3];
	uint64_t data[3][MOST];
	int count = 1 + (int)any(3);

	if (!any(4))
		CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &dup, 0, FALSE,
				      DUPLICATE_SAME_ACCESS));
	for (int i = 0; i < count; i++) {
		ov[i] = host_overlapped(e);
		if (!ReadFile(dup ? dup : h, data[i], length(), NULL, &ov[i]))
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	}
	if (dup && any(2)) {
		CHECK(CloseHandle(dup));
		dup = NULL;
	}
	for (int i = 0; i < count; i++) {
		if (!any(3))
			WaitForSingleObjectEx(e ? e : h, any(2), any(2));
		cancel_somehow(h, &ov[i]);
	}
	for (int i = 0; i < count; i++)
		collect(h, &ov[i], line, data[i]);
	if (e)
		CHECK(CloseHandle(e));
	if (dup)
		CHECK(CloseHandle(dup));
}

static void read_by_routine(void)
{
	struct line *line = line_read(BY_EVENT);
	struct request *r = request_new(line);

	CHECK(ReadFileEx(line->in, r->data, length(), &r->ov, routine));
	if (any(2))
		SleepEx(any(2), TRUE);
	if (!any(3))
		CHECK(CancelIo(line->in));
}

static void read_by_notice(int how)
{
	struct line *line = line_read(how);
	struct request *r = request_new(line);

	if (how == BY_POOL)
		StartThreadpoolIo(line->io);
	if (!ReadFile(line->in, r->data, length(), NULL, &r->ov))
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	if (!any(3))
		CancelIoEx(line->in, NULL);
	if (!any(8))
		CHECK(CancelIo(line->in));
}

static void read_synchronously(void)
{
	struct line *line = line_read(SYNC);
	HANDLE scope = NULL;
	uint64_t data[MOST];
	DWORD n = 0;
	BOOL ok;

	if (!any(3)) {
		scope = CreateCancellationScope(NULL, 0);
		CHECK(EnterCancellationScope(scope));
		CHECK(SetCancellationScopeTimeout(scope, any(3)));
	}
	ok = ReadFile(line->in, data, length(), &n, NULL);
	check_end(ok, GetLastError(), n);
	count_read(line, data, n);
	if (scope) {
		CHECK(LeaveCancellationScope(scope));
		CHECK(CloseHandle(scope));
	}
}

static void write_somehow(void)
{
	struct line *line = &lines[any(LINES)];
	bool overlapped = any(2);
	OVERLAPPED ov = host_overlapped(NULL);
	uint64_t data[MOST];
	unsigned int first;
	DWORD n = 0, bytes;
	BOOL ok;

	if (!room(line))
		return;
	ov.hEvent = overlapped ? CreateEventA(NULL, TRUE, FALSE, NULL) : NULL;
	bytes = prepare_write(line, data, &first);
	ok = WriteFile(overlapped ? line->out_overlapped : line->out, data, bytes, &n,
		       overlapped ? &ov : NULL);
	if (!ok && overlapped) {
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
		cancel_somehow(line->out_overlapped, &ov);
		ok = GetOverlappedResult(line->out_overlapped, &ov, &n, TRUE);
	}
	check_end(ok, GetLastError(), n);
	CHECK(!ok || n == bytes);
	count_written(line, first, n);
	if (overlapped)
		CHECK(CloseHandle(ov.hEvent));
}

struct errand {
	struct line *line;
	OVERLAPPED ov[2];
	uint64_t data[2][MOST];
	struct request *by_port;
	unsigned int seed;
};

/* Ends with requests pending: its own are cancelled, those for the port live on (W-THREAD-3). */
static DWORD WINAPI run_errand(LPVOID arg)
{
	struct errand *e = arg;

	seed = e->seed;
	for (int i = 0; i < 2; i++)
		if (!ReadFile(e->line->in, e->data[i], length(), NULL, &e->ov[i]))
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	if (!ReadFile(e->by_port->line->in, e->by_port->data, length(), NULL, &e->by_port->ov))
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	if (any(2))
		ExitThread(3);
	return 3;
}

static void start_thread_that_ends(void)
{
	struct errand e = { .line = line_read(BY_EVENT),
			    .by_port = request_new(line_read(BY_PORT)),
			    .seed = any(1 << 20) };
	HANDLE t;
	DWORD n;

	e.ov[0] = e.ov[1] = host_overlapped(NULL);
	t = CreateThread(NULL, 0, run_errand, &e, 0, NULL);
	CHECK(t);
	while (any(2))
		CancelSynchronousIo(t);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
	for (int i = 0; i < 2; i++) {
		BOOL ok;

		/* W-THREAD-4 */
		CHECK(HasOverlappedIoCompleted(&e.ov[i]));
		ok = GetOverlappedResult(e.line->in, &e.ov[i], &n, FALSE);
		check_end(ok, GetLastError(), n);
		count_read(e.line, e.data[i], n);
	}
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The last close gives back what is pending (W-CLOSE-2). */
static void close_with_requests(void)
{
	int fds[2];
	char path[64], byte[4];
	OVERLAPPED ov[4];
	HANDLE h, e = CreateEventA(NULL, TRUE, FALSE, NULL);

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	/* An open can be cancelled, too. */
	while ((h = host_open(path, GENERIC_READ, FILE_FLAG_OVERLAPPED)) == INVALID_HANDLE_VALUE)
		CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	for (int i = 0; i < 4; i++) {
		ov[i] = host_overlapped(e);
		CHECK_FAILS(ReadFile(h, &byte[i], 1, NULL, &ov[i]), ERROR_IO_PENDING);
	}
	CHECK(CloseHandle(h));
	for (int i = 0; i < 4; i++) {
		DWORD n;

		CHECK_FAILS(GetOverlappedResult(NULL, &ov[i], &n, TRUE), ERROR_OPERATION_ABORTED);
	}
	CHECK(CloseHandle(e));
	close(fds[0]);
	close(fds[1]);
}

static VOID CALLBACK nothing(ULONG_PTR arg)
{
	(void)arg;
	atomic_fetch_sub(&apcs_due, 1);
}

static VOID CALLBACK work(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK w)
{
	(void)instance;
	(void)w;
	SetEvent(spare_event);
	atomic_fetch_add((atomic_int *)context, 1);
}

static void work_in_pool(void)
{
	atomic_int ran = 0;
	PTP_WORK w = CreateThreadpoolWork(work, &ran, NULL);
	int count = 1 + (int)any(5);
	BOOL cancel = any(2);

	CHECK(w);
	for (int i = 0; i < count; i++)
		SubmitThreadpoolWork(w);
	WaitForThreadpoolWorkCallbacks(w, cancel);
	CHECK(cancel ? atomic_load(&ran) <= count : atomic_load(&ran) == count);
	CloseThreadpoolWork(w);
}

static void fork_here(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	struct line *line = line_read(BY_EVENT);
	int status, fds[2];
	char path[64], byte;
	DWORD n;
	pid_t pid;

	if (HOST_SANITIZED || any(8))
		return;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		HANDLE h, e = CreateEventA(NULL, FALSE, TRUE, NULL);

		alarm(60);
		CHECK_EQ(WaitForSingleObject(e, INFINITE), WAIT_OBJECT_0);
		ov.hEvent = e;
		CHECK_EQ(pipe(fds), 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
		h = host_open(path, GENERIC_READ, FILE_FLAG_OVERLAPPED);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK_FAILS(ReadFile(h, &byte, 1, NULL, &ov), ERROR_IO_PENDING);
		CHECK(CancelIoEx(h, &ov));
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_FAILS(ReadFile(h, &byte, 1, NULL, &ov), ERROR_IO_PENDING);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
		CHECK(CloseHandle(h));
		CHECK(CloseHandle(line->in));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	atomic_fetch_add(&forks, 1);
}

static void signal_and_wait(void)
{
	HANDLE e[2] = { CreateEventA(NULL, FALSE, any(2), NULL), spare_event };

	SetEvent(any(2) ? e[0] : spare_event);
	WaitForMultipleObjectsEx(2, e, FALSE, 1, any(2));
	WaitForMultipleObjects(2, e, TRUE, any(2));
	CHECK(CloseHandle(e[0]));
}

static void step(void)
{
#define DO(call) \
	do { \
		atomic_store(&doing[me], #call); \
		call; \
	} while (0)
	switch (any(16)) {
	case 0:
	case 1:
		DO(read_by_event());
		break;
	case 2:
		DO(read_by_routine());
		break;
	case 3:
		DO(read_by_notice(BY_PORT));
		break;
	case 4:
		DO(read_by_notice(BY_POOL));
		break;
	case 5:
		DO(read_synchronously());
		break;
	case 6:
		DO(start_thread_that_ends());
		break;
	case 7:
		DO(close_with_requests());
		break;
	case 8:
		atomic_fetch_add(&posts_due, 1);
		CHECK(PostQueuedCompletionStatus(port, 1, 7, NULL));
		break;
	case 9:
		atomic_fetch_add(&apcs_due, 1);
		CHECK(QueueUserAPC(nothing, workers[any(WORKERS)], 0));
		break;
	case 10:
		DO(work_in_pool());
		break;
	case 11:
		DO(fork_here());
		break;
	case 12:
		DO(signal_and_wait());
		break;
	default:
		DO(write_somehow());
	}
	DO(SleepEx(0, TRUE));
	atomic_fetch_add(&steps, 1);
}

static DWORD WINAPI worker_main(LPVOID arg)
{
	me = (int)(intptr_t)arg;
	seed = first_seed * 1000003u + (unsigned int)me * 7919u;
	while (!atomic_load(&stop))
		step();
	/* Until nothing can come any more. */
	atomic_store(&doing[me], "end");
	while (!atomic_load(&flood))
		SleepEx(1, TRUE);
	while (SleepEx(0, TRUE) == WAIT_IO_COMPLETION)
		;
	return 0;
}

/* Whoever is stuck is so by chance: for want of a writer, or of a reader. */
static void disturb(void)
{
	struct line *line = &lines[any(LINES)];

	switch (any(4)) {
	case 0:
		CancelSynchronousIo(workers[any(WORKERS)]);
		break;
	case 1:
		CancelIoEx(line->in, NULL);
		break;
	case 2:
		CancelIoEx(line->out_overlapped, NULL);
		break;
	default:
		CancelIoEx(line->out, NULL);
	}
	if (any(2))
		usleep(any(200));
}

/* All that is due has come, once the last requests have been cancelled. */
static void wait_for_the_rest(void)
{
	while (atomic_load(&requests_due) || atomic_load(&posts_due)) {
		for (int i = 0; i < LINES; i++)
			CancelIoEx(lines[i].in, NULL);
		usleep(1000);
	}
}

static bool workers_at_end(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (!doing[i] || strcmp(doing[i], "end"))
			return false;
	return true;
}

static void tell_where(int sig)
{
	(void)sig;
	for (int i = 0; i < WORKERS; i++)
		printf("# worker %d: %s\n", i, doing[i]);
	printf("# due: %ld requests, %ld packets, %ld calls; %ld steps\n", atomic_load(&requests_due),
	       atomic_load(&posts_due), atomic_load(&apcs_due), atomic_load(&steps));
	fflush(stdout);
	if (getenv("CHAOS_STAY"))
		pause();
	_exit(1);
}

static void chaos(void)
{
	const char *s = getenv("CHAOS_SEED"), *t = getenv("CHAOS_SECONDS");
	HANDLE readers[PORT_THREADS];
	unsigned int seconds = t ? (unsigned int)atoi(t) : 3;
	double end = host_seconds() + seconds;
	int files;

	first_seed = seed = s ? (unsigned int)atoi(s) : 1;
	signal(SIGALRM, tell_where);
	alarm(seconds + 120);
	CHECK_EQ(WaitForSingleObject(GetCurrentThread(), 0), WAIT_TIMEOUT);
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1 + any(3));
	spare_event = CreateEventA(NULL, FALSE, FALSE, NULL);
	close_with_requests(); /* so that the ring is there */
	files = open_files();
	for (int i = 0; i < LINES; i++)
		line_open(&lines[i], i);
	for (int i = 0; i < PORT_THREADS; i++)
		CHECK(readers[i] = CreateThread(NULL, 0, port_main, NULL, 0, NULL));
	for (int i = 0; i < WORKERS; i++)
		CHECK(workers[i] = CreateThread(NULL, 0, worker_main, (LPVOID)(intptr_t)i,
						CREATE_SUSPENDED, NULL));
	for (int i = 0; i < WORKERS; i++)
		ResumeThread(workers[i]);
	while (host_seconds() < end)
		disturb();
	atomic_store(&stop, true);
	while (!workers_at_end())
		disturb();
	wait_for_the_rest();
	atomic_store(&flood, true);
	CHECK_EQ(WaitForMultipleObjects(WORKERS, workers, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&apcs_due), 0);
	for (int i = 0; i < WORKERS; i++)
		CHECK(CloseHandle(workers[i]));
	for (int i = 0; i < LINES; i++)
		line_close(&lines[i]);
	CHECK(CloseHandle(port));
	CHECK_EQ(WaitForMultipleObjects(PORT_THREADS, readers, TRUE, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(open_files(), files);
	printf("# %ld steps: %ld requests ended, %ld aborted; %ld forks\n", atomic_load(&steps),
	       atomic_load(&ended), atomic_load(&aborted), atomic_load(&forks));
	CHECK(atomic_load(&ended) && atomic_load(&aborted));
}

static const struct tap_case cases[] = {
	CASE(chaos, "everything at once: each request ends once, each record is read once"),
};

TAP_MAIN(cases)
