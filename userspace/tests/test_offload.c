// SPDX-License-Identifier: MIT
/*
 * Controls that worker threads make, without a device: the library is linked in, and its ioctl(2) is
 * a read of one byte from a pipe.
 */
#include <cancelio.h>
#include <cancellationscope.h>
#include <errno.h>
#include <ntddcancelio.h>
#include <stdbool.h>
#include <windows.h>

#include "host.h"

struct cio_thread;

static int gate[2];
static atomic_bool no_threads;

long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __real_cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4,
			  long a5, long a6);
long __wrap_cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4,
			  long a5, long a6);
bool __real_cio_service_start(void (*main)(void *arg), void *arg);
bool __wrap_cio_service_start(void (*main)(void *arg), void *arg);

long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	if (nr == SYS_ioctl && (unsigned int)b == CANCELIO_IOC_VERSION)
		return 0;
	return __real_syscall(nr, a, b, c, d, e, f);
}

long __wrap_cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4,
			  long a5, long a6)
{
	struct cancelio_info *info = (struct cancelio_info *)a3;
	char byte = 0;
	long n;

	if (nr != SYS_ioctl || (unsigned int)a2 != CANCELIO_IOC_INFO)
		return __real_cio_sync_call(self, nr, a1, a2, a3, a4, a5, a6);
	n = __real_cio_sync_call(self, SYS_read, gate[0], (long)&byte, 1, 0, 0, 0);
	if (n < 0)
		return n;
	info->model = (unsigned char)byte;
	return 0;
}

/* Two of them, who both find that there are no threads when both count on one. */
static atomic_int together;

bool __wrap_cio_service_start(void (*main)(void *arg), void *arg)
{
	if (atomic_load(&together) > 0) {
		atomic_fetch_sub(&together, 1);
		while (atomic_load(&together))
			sched_yield();
		return false;
	}
	return !atomic_load(&no_threads) && __real_cio_service_start(main, arg);
}

static HANDLE device(void)
{
	HANDLE h = host_open("/dev/null", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);

	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_EQ(pipe(gate), 0);
	return h;
}

enum { MANY = 100 };
static struct cancelio_info info[MANY];
static OVERLAPPED ov[MANY];

static void begin(HANDLE h, int i)
{
	ov[i] = host_overlapped(ov[i].hEvent ? ov[i].hEvent : CreateEventA(NULL, TRUE, FALSE, NULL));
	CHECK_FAILS(DeviceIoControl(h, IOCTL_CANCELIO_INFO, NULL, 0, &info[i], sizeof(info[i]), NULL,
				    &ov[i]),
		    ERROR_IO_PENDING);
}

static void open_gate(char byte)
{
	CHECK_EQ(write(gate[1], &byte, 1), 1);
}

static void many_end(void)
{
	HANDLE h = device();
	int seen[MANY + 1] = { 0 };
	DWORD n;

	for (int i = 0; i < MANY; i++)
		begin(h, i);
	for (int i = 0; i < MANY; i++)
		open_gate((char)(i + 1));
	for (int i = 0; i < MANY; i++) {
		CHECK(GetOverlappedResult(h, &ov[i], &n, TRUE));
		CHECK_EQ(n, sizeof(info[i]));
		CHECK(info[i].model >= 1 && info[i].model <= MANY);
		CHECK_EQ(seen[info[i].model]++, 0);
	}
}

static void many_are_cancelled(void)
{
	HANDLE h = device(), scope = CreateCancellationScope(NULL, 0);
	DWORD n;

	CHECK(EnterCancellationScope(scope));
	for (int i = 0; i < MANY; i++)
		begin(h, i);
	CHECK(LeaveCancellationScope(scope));
	CHECK(CancelIoEx(h, &ov[MANY - 1]));
	CHECK_FAILS(GetOverlappedResult(h, &ov[MANY - 1], &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK(CancelCancellationScope(scope));
	for (int i = 0; i < MANY; i++) {
		CHECK_FAILS(GetOverlappedResult(h, &ov[i], &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_EQ(n, 0);
	}
	/* The workers are as good as new. */
	begin(h, 0);
	open_gate(3);
	CHECK(GetOverlappedResult(h, &ov[0], &n, TRUE));
	CHECK_EQ(info[0].model, 3);
	begin(h, 1);
	CHECK(CloseHandle(h)); /* W-CLOSE-2 */
	CHECK_EQ(WaitForSingleObject(ov[1].hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(ov[1].Internal, 0xC0000120u);
}

/*
 * No byte is lost and none taken twice, whoever is faster; and no cancel is lost, at whatever moment
 * of its call it finds the worker: in every fourth round nothing else would end the call.
 */
static void cancel_races_with_the_end(void)
{
	long rounds = host_rounds(10000), aborted = 0;
	HANDLE h = device();
	DWORD n;

	for (long i = 0; i < rounds; i++) {
		bool starve = i % 4 == 3, early = i % 4 == 1;
		BOOL found, ok;

		begin(h, 0);
		begin(h, 1);
		if (early)
			open_gate(1);
		for (volatile int spin = i * 11 % 3000; spin > 0; spin--)
			;
		found = CancelIoEx(h, &ov[0]);
		if (!found)
			CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
		if (!early && !starve)
			open_gate(1);
		ok = GetOverlappedResult(h, &ov[0], &n, TRUE);
		CHECK(ok || (found && GetLastError() == ERROR_OPERATION_ABORTED));
		CHECK(!starve || !ok);
		aborted += !ok;
		if (starve)
			open_gate(1);
		/* One byte is there: either has it. */
		if (ok) {
			CHECK(CancelIoEx(h, &ov[1]));
			CHECK_FAILS(GetOverlappedResult(h, &ov[1], &n, TRUE),
				    ERROR_OPERATION_ABORTED);
		} else {
			CHECK(GetOverlappedResult(h, &ov[1], &n, TRUE));
		}
	}
	printf("# %ld of %ld rounds aborted\n", aborted, rounds);
	CHECK(aborted && aborted < rounds);
}

static void no_worker_to_be_had(void)
{
	HANDLE h = device();
	DWORD n;

	begin(h, 0);
	open_gate(1);
	CHECK(GetOverlappedResult(h, &ov[0], &n, TRUE));
	atomic_store(&no_threads, true);
	begin(h, 0); /* the one that there is */
	begin(h, 1); /* it is left to that one */
	open_gate(1);
	open_gate(1);
	CHECK(GetOverlappedResult(h, &ov[0], &n, TRUE));
	CHECK(GetOverlappedResult(h, &ov[1], &n, TRUE));
}

static void no_worker_at_all(void)
{
	HANDLE h = device();
	DWORD n;

	/* The ring's helper is made by a first request. */
	CHECK(DeviceIoControl(h, IOCTL_CANCELIO_VERSION, NULL, 0, &info[0], 4, &n, NULL));
	atomic_store(&no_threads, true);
	ov[0] = host_overlapped(CreateEventA(NULL, TRUE, TRUE, NULL));
	CHECK_FAILS(DeviceIoControl(h, IOCTL_CANCELIO_INFO, NULL, 0, &info[0], sizeof(info[0]),
				    NULL, &ov[0]),
		    ERROR_NOT_ENOUGH_MEMORY);
	CHECK_EQ(ov[0].Internal, STATUS_PENDING);
	CHECK_EQ(WaitForSingleObject(ov[0].hEvent, 0), WAIT_TIMEOUT);
	CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
	atomic_store(&no_threads, false);
	begin(h, 0);
	open_gate(1);
	CHECK(GetOverlappedResult(h, &ov[0], &n, TRUE));
}

static DWORD WINAPI begin_in_vain(LPVOID h)
{
	static OVERLAPPED mine;
	static struct cancelio_info out;
	DWORD n;

	mine.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!DeviceIoControl(h, IOCTL_CANCELIO_INFO, NULL, 0, &out, sizeof(out), NULL, &mine) &&
	    GetLastError() == ERROR_IO_PENDING)
		GetOverlappedResult(h, &mine, &n, TRUE);
	CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
	return 0;
}

/* Each of two counts on the worker of the other. */
static void no_worker_for_two(void)
{
	HANDLE h = device(), t;
	DWORD n;

	CHECK(DeviceIoControl(h, IOCTL_CANCELIO_VERSION, NULL, 0, &info[0], 4, &n, NULL));
	ov[0] = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	CHECK(DeviceIoControl(h, IOCTL_CANCELIO_VERSION, NULL, 0, &info[0], 4, NULL, &ov[0]));
	atomic_store(&together, 2);
	t = CreateThread(NULL, 0, begin_in_vain, h, 0, NULL);
	if (!DeviceIoControl(h, IOCTL_CANCELIO_INFO, NULL, 0, &info[0], sizeof(info[0]), NULL,
			     &ov[0]) &&
	    GetLastError() == ERROR_IO_PENDING)
		GetOverlappedResult(h, &ov[0], &n, TRUE);
	CHECK_EQ(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

/* A worker with nothing to do does not keep the process. */
static void last_thread_ends(void)
{
	int status;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer has a thread of its own");
	pid = fork();
	if (pid == 0) {
		HANDLE h = device();
		DWORD n;

		alarm(60);
		begin(h, 0);
		open_gate(1);
		CHECK(GetOverlappedResult(h, &ov[0], &n, TRUE));
		ExitThread(6);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 6);
}

static void in_a_forked_child(void)
{
	int status;
	HANDLE h;
	pid_t pid;
	DWORD n;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer starts no threads in a child");
	h = device();
	begin(h, 0);
	begin(h, 1);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		CHECK_FAILS(GetOverlappedResult(h, &ov[0], &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_EQ(pipe(gate), 0);
		begin(h, 2);
		begin(h, 3);
		CHECK(CancelIoEx(h, &ov[2]));
		CHECK_FAILS(GetOverlappedResult(h, &ov[2], &n, TRUE), ERROR_OPERATION_ABORTED);
		open_gate(9);
		CHECK(GetOverlappedResult(h, &ov[3], &n, TRUE));
		CHECK_EQ(info[3].model, 9);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	open_gate(1);
	open_gate(1);
	CHECK(GetOverlappedResult(h, &ov[0], &n, TRUE));
	CHECK(GetOverlappedResult(h, &ov[1], &n, TRUE));
}

static const struct tap_case cases[] = {
	CASE(many_end, "more calls than workers: each ends once"),
	CASE(many_are_cancelled, "they are cancelled, by file, by scope, by the last close"),
	CASE(cancel_races_with_the_end, "a cancel races with the end (W-RACE-1)"),
	CASE(no_worker_to_be_had, "no further worker: the call waits for one"),
	CASE(no_worker_at_all, "no worker: refused, and nothing told (W-OVL-7)"),
	CASE(no_worker_for_two, "nor for two that count on each other's: both are refused"),
	CASE(last_thread_ends, "workers do not keep the process"),
	CASE(in_a_forked_child, "a forked child"),
};

TAP_MAIN(cases)
