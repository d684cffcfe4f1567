// SPDX-License-Identifier: MIT
/*
 * A fork while other threads have handles in use: in the child nobody has, and what it closes is
 * closed.
 */
#include <dirent.h>
#include <stdbool.h>
#include <windows.h>

#include "host.h"

static int peer;
static char buf[64];

/* How many descriptors of this process lead to the host's file. */
static int descriptors_of(const char *path)
{
	char name[PATH_MAX], target[PATH_MAX];
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int count = 0;

	CHECK(dir);
	while ((e = readdir(dir))) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%s", e->d_name);
		n = readlink(name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		count += !strcmp(target, path);
	}
	closedir(dir);
	return count;
}

/* The other end is the host's. */
static void check_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void check_closed(HANDLE h)
{
	const char *path = host_path("f");

	alarm(60);
	CHECK_EQ(descriptors_of(path), 2);
	CHECK(CloseHandle(h));
	CHECK_EQ(descriptors_of(path), 1);
	CHECK_FAILS(CloseHandle(h), ERROR_INVALID_HANDLE);
}

static pid_t fork_and_close(HANDLE h)
{
	pid_t pid = fork();

	if (pid == 0) {
		check_closed(h);
		_exit(0);
	}
	return pid;
}

static DWORD WINAPI reads(LPVOID h)
{
	DWORD n;

	ReadFile(h, buf, 1, &n, NULL);
	return 0;
}

static DWORD WINAPI flushes(LPVOID h)
{
	FlushFileBuffers(h);
	return 0;
}

static DWORD WINAPI waits(LPVOID h)
{
	WaitForSingleObject(h, INFINITE);
	return 0;
}

static DWORD WINAPI reads_overlapped(LPVOID h)
{
	static OVERLAPPED ov;
	DWORD n;

	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	GetOverlappedResult(h, &ov, &n, TRUE);
	return 0;
}

static void with_a_thread(HANDLE h, LPTHREAD_START_ROUTINE fn, long call, long other)
{
	DWORD id;
	HANDLE t = CreateThread(NULL, 0, fn, h, 0, &id);

	host_wait_syscall(id, call, other);
	check_child(fork_and_close(h));
	CHECK(CloseHandle(h));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void a_read(void)
{
	with_a_thread(host_fifo("f", GENERIC_READ, 0, &peer), reads, SYS_read, SYS_read);
}

static void a_flush(void)
{
	HANDLE h = host_fifo("f", GENERIC_WRITE, 0, &peer);
	DWORD n;

	CHECK(WriteFile(h, "x", 1, &n, NULL));
	with_a_thread(h, flushes, SYS_ppoll, SYS_poll);
}

/* What is pending has a hold on the file, too, and so has who waits for it. */
static void an_overlapped_read(void)
{
	with_a_thread(host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), reads_overlapped,
		      SYS_io_uring_enter, SYS_futex);
}

static void a_wait(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD id;
	HANDLE t;

	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	t = CreateThread(NULL, 0, waits, h, 0, &id);
	host_wait_syscall(id, SYS_io_uring_enter, SYS_futex);
	check_child(fork_and_close(h));
	CHECK(CancelIo(h));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

/* It was closed before, and only the other thread had it still. */
static void closed_before(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), e = h, t;
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD id, n;
	pid_t pid;

	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &e, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	t = CreateThread(NULL, 0, waits, e, 0, &id);
	host_wait_syscall(id, SYS_io_uring_enter, SYS_futex);
	CHECK(CloseHandle(e));
	pid = fork_and_close(h);
	check_child(pid);
	CHECK(CancelIo(h));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static pid_t forked;

static VOID CALLBACK forks(ULONG_PTR arg)
{
	forked = fork_and_close((HANDLE)arg);
}

/* The thread's own wait is over for the handles when its calls run. */
static void in_an_apc(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	HANDLE handles[2] = { h, CreateEventA(NULL, TRUE, FALSE, NULL) };
	OVERLAPPED ov = host_overlapped(NULL);
	DWORD n;

	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	for (int i = 0; i < 4; i++) {
		CHECK(QueueUserAPC(forks, GetCurrentThread(), (ULONG_PTR)h));
		if (i == 0)
			CHECK_EQ(WaitForSingleObjectEx(h, INFINITE, TRUE), WAIT_IO_COMPLETION);
		else if (i == 1)
			CHECK_EQ(WaitForMultipleObjectsEx(2, handles, TRUE, INFINITE, TRUE),
				 WAIT_IO_COMPLETION);
		else if (i == 2)
			CHECK_FAILS(GetOverlappedResultEx(h, &ov, &n, INFINITE, TRUE),
				    WAIT_IO_COMPLETION);
		else
			CHECK_EQ(SignalObjectAndWait(handles[1], h, INFINITE, TRUE),
				 WAIT_IO_COMPLETION);
		check_child(forked);
	}
}

static VOID CALLBACK forks_and_goes_on(ULONG_PTR arg)
{
	(void)arg;
	forked = fork();
}

/* The child comes back from there, and goes on with the handles. */
static void out_of_an_apc(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	HANDLE h;
	DWORD n;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer starts no threads in a child");
	h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(QueueUserAPC(forks_and_goes_on, GetCurrentThread(), 0));
	CHECK_EQ(WaitForSingleObjectEx(h, INFINITE, TRUE), WAIT_IO_COMPLETION);
	if (!forked) {
		alarm(60);
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
		CHECK(CancelIo(h));
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
		check_closed(h);
		_exit(0);
	}
	check_child(forked);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
}

static void forks_on_signal(int sig)
{
	(void)sig;
	forked = fork();
}

static DWORD WINAPI reads_and_goes_on(LPVOID h)
{
	DWORD n;

	CHECK(ReadFile(h, buf, 1, &n, NULL));
	CHECK(CloseHandle(h));
	CHECK_FAILS(CloseHandle(h), ERROR_INVALID_HANDLE);
	if (!forked) {
		CHECK_EQ(descriptors_of(host_path("f")), 1);
		_exit(0);
	}
	return 0;
}

/* Here the thread's own call has the handle, in the child as well. */
static void in_a_signal_handler(void)
{
	const struct sigaction action = { .sa_handler = forks_on_signal, .sa_flags = SA_RESTART };
	DWORD id;
	HANDLE h, t;

	if (HOST_SANITIZED)
		SKIP("the sanitizers do not fork in handlers");
	h = host_fifo("f", GENERIC_READ, 0, &peer);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	t = CreateThread(NULL, 0, reads_and_goes_on, h, 0, &id);
	host_wait_syscall(id, SYS_read, SYS_read);
	forked = -1;
	CHECK_EQ(syscall(SYS_tgkill, getpid(), id, SIGUSR1), 0);
	while (__atomic_load_n(&forked, __ATOMIC_ACQUIRE) < 0)
		sched_yield();
	CHECK_EQ(write(peer, "ab", 2), 2);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	check_child(forked);
}

static DWORD WINAPI makes_pipe(LPVOID name)
{
	HANDLE h = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL);

	return h == INVALID_HANDLE_VALUE ? GetLastError() : 0;
}

/* A child that has not run yet has the parent's sockets; so has one that is about to exec. */
static void a_name_is_free_at_once(void)
{
	char name[64];
	int go[2], status;
	DWORD id, code;
	HANDLE h, t;
	pid_t pid;

	snprintf(name, sizeof(name), "\\\\.\\pipe\\fork%d", (int)getpid());
	CHECK_EQ(pipe(go), 0);
	h = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL);
	CHECK(h != INVALID_HANDLE_VALUE);
	/* Without what the library does in a child. */
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		close(go[1]);
		syscall(SYS_read, go[0], buf, 1);
		_exit(0);
	}
	CHECK(CloseHandle(h));
	t = CreateThread(NULL, 0, makes_pipe, name, 0, &id);
	while (WaitForSingleObject(t, 0) == WAIT_TIMEOUT && host_syscall_of(id) != SYS_nanosleep)
		sched_yield();
	close(go[1]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 0);
	/* Where somebody listens, nobody is waited for. */
	CHECK_EQ(makes_pipe(name), ERROR_PIPE_BUSY);
}

static const struct tap_case cases[] = {
	CASE(a_read, "another thread reads: the child closes the file"),
	CASE(a_flush, "another thread flushes"),
	CASE(an_overlapped_read, "another thread has a read pending, and waits for it"),
	CASE(a_wait, "another thread waits for the file"),
	CASE(closed_before, "another thread is the last to have a handle that is closed"),
	CASE(in_an_apc, "a fork in an APC"),
	CASE(out_of_an_apc, "and the child goes on from there"),
	CASE(a_name_is_free_at_once, "a named pipe's name is free though a child has the socket"),
	CASE(in_a_signal_handler, "a fork in a signal's handler, on top of a call"),
};

TAP_MAIN(cases)
