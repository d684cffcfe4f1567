// SPDX-License-Identifier: MIT
/*
 * Memory, threads and descriptors that run out in calls on files: each fails with the error that says
 * so, has changed nothing and kept nothing, and works when it is made again.
 */
#include <dirent.h>
#include <windows.h>

#include "shortage.h"

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
		error = shortage_wait(ended);
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
			shortage_made(copy) :
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

static const struct step steps[] = {
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
};

static void memory_runs_out(void)
{
	make_files();
	SHORTAGE(steps, shortage_refuse_memory);
}

static void descriptors_run_out(void)
{
	make_files();
	SHORTAGE(steps, shortage_refuse_descriptors);
}

/* The thread that waits for clients, of whom there is none. */
static DWORD broker(void)
{
	struct dirent *entry;
	DIR *tasks = opendir("/proc/self/task");
	DWORD tid = 0;

	CHECK(tasks);
	while (!tid && (entry = readdir(tasks)))
		if (*entry->d_name != '.' &&
		    host_syscall_of((DWORD)atol(entry->d_name)) == SYS_epoll_pwait)
			tid = (DWORD)atol(entry->d_name);
	closedir(tasks);
	return tid;
}

static int opens_when_told(int told)
{
	char go;

	shortage_of_descriptors(-1);
	CHECK_EQ(read(told, &go, 1), 1);
	return CreateFileA(pipe_name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL) ==
	       INVALID_HANDLE_VALUE;
}

/* The server's thread sleeps as long as it cannot let him in; it has nothing to try meanwhile. */
static void a_client_waits_for_a_descriptor(void)
{
	char path[64], buf[256] = "";
	int told[2], state, status;
	HANDLE server;
	DWORD tid;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("a child has no threads");
	snprintf(pipe_name, sizeof(pipe_name), "\\\\.\\pipe\\shortage.%d", getpid());
	server = CreateNamedPipeA(pipe_name, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL);
	CHECK(server != INVALID_HANDLE_VALUE);
	while (!(tid = broker()))
		usleep(1000);
	snprintf(path, sizeof(path), "/proc/self/task/%u/syscall", tid);
	state = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(state >= 0 && pipe(told) == 0);
	pid = fork();
	if (pid == 0)
		_exit(opens_when_told(told[0]));
	CHECK(pid > 0);
	shortage_of_descriptors(0);
	CHECK_EQ(write(told[1], "", 1), 1);
	while (strtol(buf, NULL, 10) != SYS_nanosleep) {
		usleep(200);
		CHECK(pread(state, buf, sizeof(buf) - 1, 0) > 0);
	}
	shortage_of_descriptors(-1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(CloseHandle(server));
}

static const struct tap_case cases[] = {
	CASE(memory_runs_out, "memory and threads, one refused at a time"),
	CASE(descriptors_run_out, "descriptors"),
	CASE(a_client_waits_for_a_descriptor, "a named pipe's client waits until its server has a descriptor"),
};

TAP_MAIN(cases)
