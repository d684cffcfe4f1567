// SPDX-License-Identifier: MIT
/*
 * What a request must do without once the library has been through a few: it allocates nothing,
 * and wakes nobody but the one who waits. Both are counted.
 */
#include <dirent.h>
#include <windows.h>

#include "host.h"

#define ROUNDS	500

static HANDLE file;
static int peer;

/* ---- allocations: these take the place of libc's, in the library as well ---- */

static atomic_long allocations;

#if !HOST_SANITIZED
#define SEEN __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

SEEN void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

SEEN void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

SEEN void *realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}

SEEN void free(void *old)
{
	allocations++;
	__libc_free(old);
}
#endif

/* That they do: else each of the counts would be 0. */
static void allocations_are_seen(void)
{
	long before;

	if (HOST_SANITIZED)
		SKIP("a sanitizer has an allocator of its own");
	before = atomic_load(&allocations);
	CHECK(CloseHandle(CreateEventA(NULL, TRUE, FALSE, NULL)));
	CHECK(atomic_load(&allocations) - before >= 2);
}

/* ---- who has slept ---- */

/* How often all threads but these two have; they sleep again when it is told. */
static long others_slept(DWORD one, DWORD other)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	long sum = 0;

	CHECK(tasks);
	while ((entry = readdir(tasks))) {
		DWORD tid = (DWORD)atoi(entry->d_name);
		char buf[4096];

		if (!tid || tid == one || tid == other)
			continue;
		do {
			sched_yield();
			host_read_proc(tid, "status", buf, sizeof(buf));
		} while (!strstr(buf, "State:\tS"));
		sum += host_status_of(tid, "\nvoluntary_ctxt_switches");
	}
	closedir(tasks);
	return sum;
}

/* @other is a second thread that may wake, or 0. */
static void check_steady(void (*cycle)(void *), void *arg, DWORD other)
{
	DWORD self = GetCurrentThreadId();
	long slept, allocated;

	for (int i = 0; i < 100; i++)
		cycle(arg);
	slept = others_slept(self, other);
	allocated = atomic_load(&allocations);
	for (int i = 0; i < ROUNDS; i++)
		cycle(arg);
	allocated = atomic_load(&allocations) - allocated;
	if (!HOST_SANITIZED)
		CHECK_EQ(allocated, 0);
	/* ThreadSanitizer has a thread that wakes by itself. */
	if (!HOST_TSAN)
		CHECK_EQ(others_slept(self, other) - slept, 0);
}

/* ---- the cycles ---- */

static void open_fifo(void)
{
	file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
}

static void cancel_cycle(void *arg)
{
	LPOVERLAPPED ov = arg;
	static char byte;
	DWORD n;

	CHECK_FAILS(ReadFile(file, &byte, 1, NULL, ov), ERROR_IO_PENDING);
	CHECK(CancelIoEx(file, ov));
	CHECK_FAILS(GetOverlappedResult(file, ov, &n, TRUE), ERROR_OPERATION_ABORTED);
}

static void cancelled_by_event(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));

	open_fifo();
	check_steady(cancel_cycle, &ov, 0);
}

static void cancelled_by_file(void)
{
	OVERLAPPED ov = host_overlapped(NULL);

	open_fifo();
	check_steady(cancel_cycle, &ov, 0);
}

static void inline_cycle(void *arg)
{
	LPOVERLAPPED ov = arg;
	char byte = 'x';
	DWORD n;

	CHECK_EQ(write(peer, &byte, 1), 1);
	if (!ReadFile(file, &byte, 1, NULL, ov))
		CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
	CHECK(GetOverlappedResult(file, ov, &n, TRUE));
	CHECK_EQ(n, 1);
}

static void data_is_there(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));

	open_fifo();
	check_steady(inline_cycle, &ov, 0);
}

/* The one who waits is in the ring by itself: no second thread reaps for it. */
static atomic_uint waiter;
static atomic_int over;

static void *write_to_the_waiter(void *arg)
{
	DWORD tid;

	while (!atomic_load(&over)) {
		tid = atomic_exchange(&waiter, 0);
		if (!tid) {
			sched_yield();
			continue;
		}
		host_wait_syscall(tid, SYS_io_uring_enter, SYS_io_uring_enter);
		CHECK_EQ(write(peer, "x", 1), 1);
	}
	return arg;
}

static void wait_cycle(void *arg)
{
	LPOVERLAPPED ov = arg;
	static char byte;
	DWORD n;

	CHECK_FAILS(ReadFile(file, &byte, 1, NULL, ov), ERROR_IO_PENDING);
	atomic_store(&waiter, GetCurrentThreadId());
	CHECK(GetOverlappedResult(file, ov, &n, TRUE));
	CHECK_EQ(n, 1);
}

static void *say_tid_and_write(void *arg)
{
	atomic_store((_Atomic DWORD *)arg, GetCurrentThreadId());
	return write_to_the_waiter(NULL);
}

static void sleeps_once(void (*cycle)(void *))
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	_Atomic DWORD tid = 0;
	pthread_t writer;
	long slept;

	CHECK_EQ(pthread_create(&writer, NULL, say_tid_and_write, &tid), 0);
	while (!atomic_load(&tid))
		sched_yield();
	check_steady(cycle, &ov, atomic_load(&tid));
	/* One wake-up for each end, not two. ThreadSanitizer's own locks sleep besides. */
	slept = host_status_of(GetCurrentThreadId(), "\nvoluntary_ctxt_switches");
	for (int i = 0; i < ROUNDS; i++)
		cycle(&ov);
	slept = host_status_of(GetCurrentThreadId(), "\nvoluntary_ctxt_switches") - slept;
	if (!HOST_TSAN)
		CHECK_EQ(slept, ROUNDS);
	atomic_store(&over, 1);
	CHECK_EQ(pthread_join(writer, NULL), 0);
}

static void waited_for(void)
{
	open_fifo();
	sleeps_once(wait_cycle);
}

static int apcs;

static VOID CALLBACK apc(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	(void)ov;
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(bytes, 0);
	apcs++;
}

static void apc_cycle(void *arg)
{
	LPOVERLAPPED ov = arg;
	static char byte;

	CHECK(ReadFileEx(file, &byte, 1, ov, apc));
	CHECK(CancelIoEx(file, ov));
	CHECK_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
}

static void cancelled_by_apc(void)
{
	OVERLAPPED ov = host_overlapped(NULL);

	open_fifo();
	check_steady(apc_cycle, &ov, 0);
	CHECK_EQ(apcs, ROUNDS + 100);
}

/* ---- a port, of which the same thread takes the packet, or another ---- */

static HANDLE port;
static atomic_long taken;
static _Atomic DWORD taker;

static void open_port(void)
{
	open_fifo();
	port = CreateIoCompletionPort(file, NULL, 1, 0);
	CHECK(port);
}

static void take_packet(void)
{
	LPOVERLAPPED ov = NULL;
	ULONG_PTR key;
	DWORD n;

	CHECK_FAILS(GetQueuedCompletionStatus(port, &n, &key, &ov, INFINITE),
		    ERROR_OPERATION_ABORTED);
	CHECK(ov && ov->Internal == 0xC0000120u);
}

static void port_cycle(void *arg)
{
	static char byte;

	CHECK_FAILS(ReadFile(file, &byte, 1, NULL, arg), ERROR_IO_PENDING);
	CHECK(CancelIoEx(file, arg));
	take_packet();
}

static void cancelled_by_port(void)
{
	OVERLAPPED ov = host_overlapped(NULL);

	open_port();
	check_steady(port_cycle, &ov, 0);
}

/* Who waits reaps the end, and hands the packet to itself. */
static void port_wait_cycle(void *arg)
{
	LPOVERLAPPED ov = NULL;
	static char byte;
	ULONG_PTR key;
	DWORD n;

	CHECK_FAILS(ReadFile(file, &byte, 1, NULL, arg), ERROR_IO_PENDING);
	atomic_store(&waiter, GetCurrentThreadId());
	CHECK(GetQueuedCompletionStatus(port, &n, &key, &ov, INFINITE));
	CHECK(ov == arg && n == 1);
}

static void waited_for_at_port(void)
{
	open_port();
	sleeps_once(port_wait_cycle);
}

static void post_cycle(void *arg)
{
	LPOVERLAPPED ov = NULL;
	ULONG_PTR key;
	DWORD n;

	for (ULONG_PTR i = 0; i < 3; i++)
		CHECK(PostQueuedCompletionStatus(port, 1, i, arg));
	for (ULONG_PTR i = 0; i < 3; i++) {
		CHECK(GetQueuedCompletionStatus(port, &n, &key, &ov, INFINITE));
		CHECK(ov == arg && key == i);
	}
}

static void posted(void)
{
	OVERLAPPED ov = host_overlapped(NULL);

	open_port();
	check_steady(post_cycle, &ov, 0);
}

/* Woken, it runs when the other has nothing to do, so that it sees what one deed of that brings. */
static void share_processor(int policy)
{
	const struct sched_param param = { 0 };
	cpu_set_t all, one;
	int cpu = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
	CHECK_EQ(sched_setscheduler(0, policy, &param), 0);
}

static __attribute__((noreturn)) void *take_packets(void *arg)
{
	(void)arg;
	share_processor(SCHED_BATCH);
	atomic_store(&taker, GetCurrentThreadId());
	for (;;) {
		take_packet();
		atomic_fetch_add(&taken, 1);
	}
}

static void other_port_cycle(void *arg)
{
	long before = atomic_load(&taken);
	static char byte;

	host_wait_syscall(atomic_load(&taker), SYS_futex, SYS_io_uring_enter);
	CHECK_FAILS(ReadFile(file, &byte, 1, NULL, arg), ERROR_IO_PENDING);
	host_wait_syscall(atomic_load(&taker), SYS_futex, SYS_io_uring_enter);
	CHECK(CancelIoEx(file, arg));
	while (atomic_load(&taken) == before)
		sched_yield();
}

static void taken_by_another(void)
{
	OVERLAPPED ov = host_overlapped(NULL);
	pthread_t thread;
	long woken;

	share_processor(SCHED_OTHER);
	open_port();
	CHECK_EQ(pthread_create(&thread, NULL, take_packets, NULL), 0);
	while (!atomic_load(&taker))
		sched_yield();
	woken = host_status_of(atomic_load(&taker), "\nvoluntary_ctxt_switches");
	check_steady(other_port_cycle, &ov, atomic_load(&taker));
	woken = host_status_of(atomic_load(&taker), "\nvoluntary_ctxt_switches") - woken;
	printf("# %ld wake-ups for %d packets\n", woken, ROUNDS + 100);
	/* One for each; now and then one has to wait for a lock. */
	if (!HOST_SANITIZED)
		CHECK(woken < (ROUNDS + 100) * 5 / 4);
}

static void sync_cycle(void *arg)
{
	char byte = 'x';
	DWORD n;

	CHECK_EQ(write(peer, &byte, 1), 1);
	CHECK(ReadFile(file, &byte, 1, &n, NULL));
	CHECK_EQ(n, 1);
	CHECK(SetEvent(arg));
	CHECK_EQ(WaitForSingleObject(arg, INFINITE), WAIT_OBJECT_0);
}

static void synchronous(void)
{
	file = host_fifo("f", GENERIC_READ, 0, &peer);
	check_steady(sync_cycle, CreateEventA(NULL, FALSE, FALSE, NULL), 0);
}

static const struct tap_case cases[] = {
	CASE(allocations_are_seen, "an allocation of the library is counted"),
	CASE(cancelled_by_event, "pend, cancel, collect by an event"),
	CASE(cancelled_by_file, "pend, cancel, collect by the file object"),
	CASE(cancelled_by_apc, "pend, cancel, collect by an APC"),
	CASE(cancelled_by_port, "pend, cancel, take the packet"),
	CASE(taken_by_another, "pend, cancel, another thread takes the packet"),
	CASE(data_is_there, "a read that finds its data"),
	CASE(waited_for, "a read that is waited for until another thread writes"),
	CASE(waited_for_at_port, "the same at a port"),
	CASE(posted, "packets that are posted and taken"),
	CASE(synchronous, "a synchronous read; an event that is set and waited for"),
};

TAP_MAIN(cases)
