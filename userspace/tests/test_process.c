// SPDX-License-Identifier: MIT
/* The library in its process: no io_uring, fork, who is woken, what leaks. */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <windows.h>

#include "host.h"

static int peer;
static char buf[64];

static void forbid_uring(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

static void without_uring(int err)
{
	HANDLE h, e;
	DWORD n;

	forbid_uring(err);
	SetLastError(0);
	CHECK(host_open("/dev/null", GENERIC_READ, FILE_FLAG_OVERLAPPED) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_NOT_SUPPORTED);
	/* The rest of the library does not mind. */
	h = host_fifo("f", GENERIC_READ, 0, &peer);
	CHECK_EQ(write(peer, "abc", 3), 3);
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 3);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
	CHECK(CancelIo(h));
	e = CreateEventA(NULL, FALSE, FALSE, NULL);
	CHECK_EQ(WaitForSingleObject(e, 5), WAIT_TIMEOUT);
	Sleep(1);
	CHECK(CloseHandle(h));
}

static void uring_is_absent(void)
{
	without_uring(ENOSYS);
}

static void uring_is_forbidden(void)
{
	without_uring(EPERM);
}

static void fork_with_pending_reads(void)
{
	OVERLAPPED a = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL)), b = a;
	OVERLAPPED c = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	int status;
	HANDLE h;
	DWORD n;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer starts no threads in a child");
	h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	b.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &a), ERROR_IO_PENDING);
	CHECK_FAILS(ReadFile(h, buf + 1, 1, NULL, &b), ERROR_IO_PENDING);
	pid = fork();
	if (pid == 0) {
		char own;

		alarm(60);
		/* In the child, what was pending is over, and the handles work anew. */
		CHECK_FAILS(GetOverlappedResult(h, &a, &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_FAILS(GetOverlappedResult(h, &b, &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
		CHECK_FAILS(ReadFile(h, &own, 1, NULL, &c), ERROR_IO_PENDING);
		CHECK(CancelIoEx(h, &c));
		CHECK_FAILS(GetOverlappedResult(h, &c, &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK(CloseHandle(h));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	/* The parent's are untouched. */
	CHECK(!HasOverlappedIoCompleted(&a));
	CHECK_EQ(write(peer, "xy", 2), 2);
	CHECK(GetOverlappedResult(h, &a, &n, TRUE));
	CHECK(GetOverlappedResult(h, &b, &n, TRUE));
	CHECK(buf[0] == 'x' && buf[1] == 'y');
}

static DWORD WINAPI read_one(LPVOID arg)
{
	HANDLE *h = arg;
	DWORD n;

	__atomic_store_n((DWORD *)&h[1], GetCurrentThreadId(), __ATOMIC_RELEASE);
	CHECK(ReadFile(h[0], buf, 1, &n, NULL));
	return 0;
}

static void fork_with_a_thread_in_a_call(void)
{
	HANDLE h[2] = { host_fifo("f", GENERIC_READ, 0, &peer), NULL };
	HANDLE t = CreateThread(NULL, 0, read_one, h, 0, NULL);
	int status;
	DWORD tid;
	pid_t pid;

	CHECK(t);
	while (!(tid = __atomic_load_n((DWORD *)&h[1], __ATOMIC_ACQUIRE)))
		sched_yield();
	host_wait_syscall(tid, SYS_read, SYS_read);
	pid = fork();
	if (pid == 0) {
		/* The thread, and what it does, are the parent's. */
		CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
		CHECK_FAILS(CancelIoEx(h[0], NULL), ERROR_NOT_FOUND);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static atomic_int stop;

static DWORD WINAPI keep_busy(LPVOID arg)
{
	HANDLE h = arg, e = CreateEventA(NULL, TRUE, FALSE, NULL);
	char byte;

	while (!atomic_load(&stop)) {
		OVERLAPPED ov = host_overlapped(e);
		DWORD n;

		if (!ReadFile(h, &byte, 1, NULL, &ov))
			CancelIoEx(h, &ov);
		GetOverlappedResult(h, &ov, &n, TRUE);
		SetEvent(e);
		CloseHandle(CreateEventA(NULL, TRUE, FALSE, NULL));
	}
	return 0;
}

static void fork_while_others_are_inside(void)
{
	HANDLE h, t[3];

	if (HOST_SANITIZED)
		SKIP("a sanitizer's allocator may be locked in the child");
	h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	for (int i = 0; i < 3; i++)
		t[i] = CreateThread(NULL, 0, keep_busy, h, 0, NULL);
	for (int i = 0; i < 200; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			OVERLAPPED ov;
			char byte;
			DWORD n;

			alarm(60);
			ov = host_overlapped(CreateEventA(NULL, FALSE, FALSE, NULL));
			CHECK(ReadFile(h, &byte, 1, NULL, &ov) || CancelIoEx(h, &ov));
			GetOverlappedResult(h, &ov, &n, TRUE);
			/* The threads are the parent's, and here they are over. */
			CHECK_EQ(WaitForSingleObject(t[0], 0), WAIT_OBJECT_0);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
}

/* The task of this process that is neither this thread nor a worker of the kernel's. */
static DWORD helper_thread(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	DWORD found = 0;

	while ((entry = readdir(tasks))) {
		DWORD tid = (DWORD)atoi(entry->d_name);
		char comm[64];

		if (!tid || tid == GetCurrentThreadId())
			continue;
		host_read_proc(tid, "comm", comm, sizeof(comm));
		/* The latest: a sanitizer may have a thread too. */
		if (strncmp(comm, "iou-", 4) && tid > found)
			found = tid;
	}
	closedir(tasks);
	return found;
}

static long switches_of(DWORD tid)
{
	return host_status_of(tid, "\nvoluntary_ctxt_switches") +
	       host_status_of(tid, "\nnonvoluntary_ctxt_switches");
}

static void no_second_thread_wakes(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	DWORD n, helper;
	long before;

	CHECK(HOST_TSAN || helper_thread() == 0);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	helper = helper_thread();
	CHECK(helper);
	host_wait_syscall(helper, SYS_read, SYS_read);
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	before = switches_of(helper);
	for (int i = 0; i < 10000; i++) {
		CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
		CHECK(CancelIoEx(h, &ov));
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	}
	CHECK_EQ(switches_of(helper), before);
	/* That the count would show it: once nobody waits, the helper wakes. */
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK_EQ(write(peer, "x", 1), 1);
	while (!HasOverlappedIoCompleted(&ov))
		sched_yield();
	/* It counts when it sleeps again. */
	host_wait_syscall(helper, SYS_read, SYS_read);
	CHECK(switches_of(helper) > before);
}

static DWORD WINAPI write_later(LPVOID arg)
{
	for (int i = 0; i < 200; i++) {
		host_wait_syscall((DWORD)(ULONG_PTR)arg, SYS_io_uring_enter, SYS_io_uring_enter);
		CHECK_EQ(write(peer, "x", 1), 1);
		while (atomic_load(&stop) <= i)
			sched_yield();
	}
	return 0;
}

/* A thread that waits reaps what it waits for itself. */
static void the_waiter_reaps(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), t;
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	DWORD n, helper;
	long before;

	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	helper = helper_thread();
	host_wait_syscall(helper, SYS_read, SYS_read);
	before = switches_of(helper);
	t = CreateThread(NULL, 0, write_later, (LPVOID)(ULONG_PTR)GetCurrentThreadId(), 0, NULL);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
		CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
		if (i < 199)
			CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
		atomic_fetch_add(&stop, 1);
	}
	CHECK_EQ(switches_of(helper), before);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static DWORD WINAPI wait_for(LPVOID arg)
{
	CHECK_EQ(WaitForSingleObject(arg, INFINITE), WAIT_OBJECT_0);
	return 0;
}

/* The reaper's role goes to one who waits: seen by the system call he sleeps in. */
static void the_role_is_passed_on(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer), t[2];
	OVERLAPPED ov[2];
	DWORD tid[2];

	for (int i = 0; i < 2; i++)
		ov[i] = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	t[0] = CreateThread(NULL, 0, wait_for, ov[0].hEvent, 0, &tid[0]);
	host_wait_syscall(tid[0], SYS_futex, SYS_futex);
	/* With something pending, the one who waits already is woken to reap. */
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov[0]), ERROR_IO_PENDING);
	host_wait_syscall(tid[0], SYS_io_uring_enter, SYS_io_uring_enter);
	CHECK_FAILS(ReadFile(h, buf + 1, 1, NULL, &ov[1]), ERROR_IO_PENDING);
	t[1] = CreateThread(NULL, 0, wait_for, ov[1].hEvent, 0, &tid[1]);
	host_wait_syscall(tid[1], SYS_futex, SYS_futex);
	/* The first goes, the second takes over. */
	CHECK_EQ(write(peer, "1", 1), 1);
	CHECK_EQ(WaitForSingleObject(t[0], INFINITE), WAIT_OBJECT_0);
	host_wait_syscall(tid[1], SYS_io_uring_enter, SYS_io_uring_enter);
	CHECK_EQ(write(peer, "2", 1), 1);
	CHECK_EQ(WaitForSingleObject(t[1], INFINITE), WAIT_OBJECT_0);
}

static void no_system_calls_for_a_set_event(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	HANDLE e = CreateEventA(NULL, FALSE, FALSE, NULL);

	if (HOST_SANITIZED)
		SKIP("a sanitizer makes system calls of its own");
	CHECK(SetEvent(e));
	CHECK_EQ(WaitForSingleObject(e, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
	for (int i = 0; i < 1000; i++) {
		SetEvent(e);
		if (WaitForSingleObject(e, INFINITE) != WAIT_OBJECT_0)
			syscall(SYS_exit_group, 1);
	}
	syscall(SYS_exit_group, 0);
}

static void nothing_leaks(void)
{
	int before = -1, after = 0;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++) {
			char name[16];
			HANDLE h, e = CreateEventA(NULL, TRUE, FALSE, NULL);
			OVERLAPPED ov = host_overlapped(e);

			snprintf(name, sizeof(name), "f%d.%d", round, i);
			h = host_fifo(name, GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
			CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
			CHECK(CloseHandle(h));
			CHECK_EQ(WaitForSingleObject(e, INFINITE), WAIT_OBJECT_0);
			CHECK(CloseHandle(e));
			close(peer);
		}
		before = after;
		after = 0;
		for (int fd = 0; fd < 1024; fd++)
			after += fcntl(fd, F_GETFD) >= 0;
	}
	CHECK_EQ(after, before);
}

static const struct tap_case cases[] = {
	CASE(uring_is_absent, "io_uring is absent: 50, and all else works"),
	CASE(uring_is_forbidden, "io_uring is forbidden: 50, and all else works"),
	CASE(fork_with_pending_reads, "a fork leaves pending reads to the parent"),
	CASE(fork_with_a_thread_in_a_call, "a fork leaves a blocked call to the parent"),
	CASE(fork_while_others_are_inside, "a fork while other threads are inside"),
	CASE(no_second_thread_wakes, "pend, cancel, collect: no second thread wakes"),
	CASE(the_waiter_reaps, "who waits reaps, the helper sleeps on"),
	CASE(the_role_is_passed_on, "the reaper's role is passed on to one who waits"),
	CASE(no_system_calls_for_a_set_event, "SetEvent and a wait need no system call"),
	CASE(nothing_leaks, "no descriptors leak"),
};

TAP_MAIN(cases)
