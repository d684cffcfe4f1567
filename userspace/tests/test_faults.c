// SPDX-License-Identifier: MIT
/*
 * What the kernel does rarely, made to happen. The test is linked with the static library, and
 * stands between it and the kernel: cancels that miss their target, kicks that come too early,
 * cancel signals that come too late, and submissions that are refused.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <windows.h>

#include "device.h"

int __real_cio_uring_submit(struct io_uring *ring, unsigned int flags);
int __wrap_cio_uring_submit(struct io_uring *ring, unsigned int flags);

static int peer;
static char buf[16];
static atomic_int misses, lies, cancels_seen, commands_seen, pauses_seen;
static atomic_int refusals, refused_with = EAGAIN;

static bool is_cancel(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_ASYNC_CANCEL ||
	       (sqe->opcode == IORING_OP_URING_CMD && sqe->cmd_op == CANCELIO_URING_CANCEL);
}

/* No operation of the library's has such a name. */
static void send_astray(struct io_uring_sqe *sqe)
{
	if (sqe->opcode == IORING_OP_ASYNC_CANCEL)
		sqe->addr = 3;
	else
		((struct cancelio_uring_cancel *)sqe->cmd)->value ^= 3;
}

/* Holds a cancel that is asked again back until the file of its target is closed. */
static atomic_int hold_again, again_held, again_open = -1;

static void hold_cancel(const struct io_uring_sqe *sqe)
{
	atomic_store(&again_held, 1);
	while (atomic_load(&hold_again))
		sched_yield();
	atomic_store(&again_open, fcntl(sqe->fd, F_GETFD) >= 0);
}

/*
 * Sends as many cancels as `misses` says astray: they answer -ENOENT, and their target lives on. It
 * also does after those that `lies` counts, which answer 0. As often as `refusals` says, takes
 * nothing at all.
 */
int __wrap_cio_uring_submit(struct io_uring *ring, unsigned int flags)
{
	if (atomic_load(&refusals) > 0) {
		atomic_fetch_sub(&refusals, 1);
		return -atomic_load(&refused_with);
	}
	for (unsigned int i = *ring->sq.khead; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];

		if (sqe->opcode == IORING_OP_TIMEOUT)
			atomic_fetch_add(&pauses_seen, 1);
		if (!is_cancel(sqe))
			continue;
		atomic_fetch_add(&cancels_seen, 1);
		atomic_fetch_add(&commands_seen, sqe->opcode == IORING_OP_URING_CMD);
		if (atomic_fetch_sub(&misses, 1) > 0)
			send_astray(sqe);
		else if (atomic_fetch_sub(&lies, 1) > 0)
			sqe->opcode = IORING_OP_NOP;
		else if (atomic_load(&hold_again))
			hold_cancel(sqe);
	}
	return __real_cio_uring_submit(ring, flags);
}

/*
 * Holds the first sleep in the ring back until the test says so: the sleeper has seen nothing to
 * do and is about to sleep.
 */
static atomic_int hold, held;

int __real_io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
			   unsigned int flags, sigset_t *sig, size_t size);
int __wrap_io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
			   unsigned int flags, sigset_t *sig, size_t size);

int __wrap_io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete,
			   unsigned int flags, sigset_t *sig, size_t size)
{
	if (atomic_load(&hold)) {
		atomic_store(&held, 1);
		while (atomic_load(&hold))
			sched_yield();
	}
	return __real_io_uring_enter2(fd, to_submit, min_complete, flags, sig, size);
}

/* Holds a cancel's signal back until the call it is for has its result. */
static atomic_int tardy;
static DWORD reader;

long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, ...);

static void let_the_call_end(void)
{
	CHECK_EQ(write(peer, "x", 1), 1);
	/* It waits for the signal, or is past the call already. */
	host_wait_syscall(reader, SYS_futex, SYS_ppoll);
}

long __wrap_syscall(long nr, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_tgkill && atomic_exchange(&tardy, 0))
		let_the_call_end();
	return __real_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* Closes a handle between a request's lookup of its file and its start. */
static HANDLE close_first;

void __real_cio_sync_begin(void *self, void *file, LPOVERLAPPED overlapped);
void __wrap_cio_sync_begin(void *self, void *file, LPOVERLAPPED overlapped);
DWORD __real_cio_op_run(void *self, const void *req, DWORD *bytes);
DWORD __wrap_cio_op_run(void *self, const void *req, DWORD *bytes);

static void close_now(void)
{
	HANDLE h = close_first;

	close_first = NULL;
	if (h)
		CHECK(CloseHandle(h));
}

void __wrap_cio_sync_begin(void *self, void *file, LPOVERLAPPED overlapped)
{
	close_now();
	__real_cio_sync_begin(self, file, overlapped);
}

DWORD __wrap_cio_op_run(void *self, const void *req, DWORD *bytes)
{
	close_now();
	return __real_cio_op_run(self, req, bytes);
}

static HANDLE pending_read(OVERLAPPED *ov)
{
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);

	*ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, ov), ERROR_IO_PENDING);
	return h;
}

static void cancel_is_asked_again(void)
{
	OVERLAPPED ov;
	HANDLE h = pending_read(&ov);
	DWORD n;

	atomic_store(&misses, 5);
	CHECK(CancelIoEx(h, &ov));
	/* Still pending, still cancellable (W-CANCELIOEX-4), and no second chain of cancels. */
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(atomic_load(&cancels_seen), 6);
}

static void cancel_is_asked_again_by_the_helper(void)
{
	OVERLAPPED ov;
	HANDLE h = pending_read(&ov);

	atomic_store(&misses, 5);
	CHECK(CancelIoEx(h, &ov));
	while (!HasOverlappedIoCompleted(&ov))
		sched_yield();
	CHECK_EQ(ov.Internal, 0xC0000120u);
}

static void an_answer_is_not_believed(void)
{
	OVERLAPPED ov;
	HANDLE h = pending_read(&ov);
	DWORD n;

	/* In the usual case the end comes with the answer, and nobody looks again. */
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(atomic_load(&cancels_seen), 1);
	CHECK_EQ(atomic_load(&pauses_seen), 0);

	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, &ov), ERROR_IO_PENDING);
	atomic_store(&lies, 2);
	CHECK(CancelIoEx(h, &ov));
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(atomic_load(&cancels_seen), 4);
	CHECK_EQ(atomic_load(&pauses_seen), 2);
}

/* On a store, where cancels are commands, too. */
static void cancels_by_command(void)
{
	const char *path = device_store();
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	HANDLE h;
	DWORD n;

	if (!device_takes_commands(path))
		SKIP("it takes no commands");
	device_tell(path, "read_latency_ns", "86400000000000");
	h = device_open(path, FILE_FLAG_OVERLAPPED);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(atomic_load(&commands_seen), 1);
	CHECK_EQ(atomic_load(&pauses_seen), 0);
	for (int lie = 0; lie < 2; lie++) {
		CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
		atomic_store(lie ? &lies : &misses, 3);
		atomic_store(&commands_seen, 0);
		CHECK(CancelIoEx(h, &ov));
		CHECK(!HasOverlappedIoCompleted(&ov));
		CHECK(CancelIoEx(h, NULL));
		CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
		CHECK_EQ(atomic_load(&commands_seen), 4);
	}
	/* Late, they hit nobody. */
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(CloseHandle(h));
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
}

struct target {
	HANDLE file;
	OVERLAPPED *overlapped;
};

static DWORD WINAPI cancel_target(void *arg)
{
	const struct target *target = arg;

	CHECK(CancelIoEx(target->file, target->overlapped));
	return 0;
}

/*
 * It names a descriptor, which must not be another file's by the time that the kernel looks. Who
 * cancels may be the one to ask again, and be held.
 */
static void a_command_cancels_in_its_file(void)
{
	struct cancelio_cancel all = { .by = CANCELIO_BY_DEVICE };
	const char *path = device_store();
	int fd = open(path, O_RDWR | O_CLOEXEC);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	struct target target = { .overlapped = &ov };
	HANDLE h, canceller;

	if (!device_takes_commands(path))
		SKIP("it takes no commands");
	device_tell(path, "read_latency_ns", "86400000000000");
	target.file = h = device_open(path, FILE_FLAG_OVERLAPPED);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	atomic_store(&hold_again, 1);
	atomic_store(&misses, 1);
	canceller = CreateThread(NULL, 0, cancel_target, &target, 0, NULL);
	while (!atomic_load(&again_held))
		sched_yield();
	CHECK_EQ(ioctl(fd, CANCELIO_IOC_CANCEL, &all), 0);
	CHECK_EQ(WaitForSingleObject(ov.hEvent, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(h));
	atomic_store(&hold_again, 0);
	while (atomic_load(&again_open) < 0)
		sched_yield();
	CHECK_EQ(atomic_load(&again_open), 1);
	CHECK_EQ(WaitForSingleObject(canceller, INFINITE), WAIT_OBJECT_0);
	close(fd);
}

/* The kernel has no memory (W-RW-11): for a while, or for good. */
static void submissions_are_refused(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, TRUE, NULL));
	HANDLE h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	DWORD n;

	atomic_store(&refusals, 20);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK_EQ(atomic_load(&refusals), 0);
	CHECK_EQ(write(peer, "a", 1), 1);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));

	/* More often than there is room in the queue. */
	CHECK_EQ(write(peer, "b", 1), 1);
	for (int i = 0; i < 300; i++) {
		atomic_store(&refusals, 1000000);
		CHECK_FAILS(ReadFile(h, buf, 1, &n, &ov), ERROR_NOT_ENOUGH_QUOTA);
		CHECK_FAILS(CancelIoEx(h, NULL), ERROR_NOT_FOUND);
		CHECK_EQ(n, 0);
		CHECK_EQ(ov.Internal, STATUS_PENDING); /* W-OVL-7 */
		CHECK_EQ(WaitForSingleObject(ov.hEvent, 0), WAIT_TIMEOUT);
	}
	/* None of them has taken the byte. */
	atomic_store(&refusals, 0);
	CHECK(ReadFile(h, buf, 1, &n, &ov));
	CHECK_EQ(n, 1);
	CHECK_EQ(buf[0], 'b');

	/* That there is no room for completions passes, however long it takes; a cancel gets through. */
	atomic_store(&refused_with, EBUSY);
	atomic_store(&refusals, 1000);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	atomic_store(&refused_with, ENOMEM);
	atomic_store(&refusals, 1000);
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
}

/* A write of which a part has been taken, and whose rest the kernel refuses, says how far it came. */
static void the_rest_is_refused(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	HANDLE h = host_fifo("f", GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &peer);
	static char big[200000];
	DWORD n;

	atomic_store(&refusals, 1000000);
	CHECK_FAILS(WriteFile(h, big, sizeof(big), &n, &ov), ERROR_NOT_ENOUGH_QUOTA);
	CHECK(n > 0 && n < sizeof(big));
	CHECK_EQ(ov.InternalHigh, n);
	atomic_store(&refusals, 0);
}

static void a_missed_cancel_loses_to_data(void)
{
	OVERLAPPED ov;
	HANDLE h = pending_read(&ov);
	DWORD n;
	int seen;

	atomic_store(&misses, 1000000);
	CHECK(CancelIoEx(h, &ov));
	CHECK_EQ(write(peer, "late", 4), 4);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 4);
	/* The chain ends with its target: the next request is not hit by it. */
	atomic_store(&misses, 0);
	seen = atomic_load(&cancels_seen);
	CHECK_FAILS(ReadFile(h, buf, sizeof(buf), NULL, &ov), ERROR_IO_PENDING);
	Sleep(300);
	CHECK_EQ(atomic_load(&cancels_seen), seen);
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
}

static DWORD WINAPI issue_and_end(LPVOID arg)
{
	HANDLE *h = arg;
	static OVERLAPPED ov;

	ov.hEvent = h[1];
	CHECK_FAILS(ReadFile(h[0], buf, 1, NULL, &ov), ERROR_IO_PENDING);
	/* The thread's end has to wait for it (W-THREAD-4). */
	atomic_store(&misses, 4);
	return 0;
}

static void thread_exit_waits_for_a_cancel_that_misses(void)
{
	HANDLE h[2] = { host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer),
			CreateEventA(NULL, TRUE, FALSE, NULL) };
	HANDLE t = CreateThread(NULL, 0, issue_and_end, h, 0, NULL);

	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(h[1], 0), WAIT_OBJECT_0);
}

static DWORD WINAPI wait_for(LPVOID arg)
{
	CHECK_EQ(WaitForSingleObject(arg, INFINITE), WAIT_OBJECT_0);
	return 0;
}

static void a_kick_reaped_by_another_is_not_lost(void)
{
	OVERLAPPED ov, other;
	HANDLE h = pending_read(&ov), e = CreateEventA(NULL, TRUE, FALSE, NULL), t;
	DWORD n;

	atomic_store(&hold, 1);
	t = CreateThread(NULL, 0, wait_for, e, 0, NULL);
	while (!atomic_load(&held))
		sched_yield();
	/* The kick goes into the ring, and this thread, looking after its own, takes it out. */
	CHECK(SetEvent(e));
	other = host_overlapped(NULL);
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &other), ERROR_IO_PENDING);
	CHECK(CancelIoEx(h, &other));
	CHECK_FAILS(GetOverlappedResult(h, &other, &n, TRUE), ERROR_OPERATION_ABORTED);
	atomic_store(&hold, 0);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

struct tardy_call {
	HANDLE file;
	int earlier, gate[2];
	int polled;
};

static DWORD WINAPI read_then_poll(LPVOID arg)
{
	struct tardy_call *c = arg;
	struct pollfd gate = { .fd = c->gate[0], .events = POLLIN };
	DWORD n;

	for (int i = 0; i < c->earlier; i++)
		CHECK(ReadFile(c->file, buf, 1, &n, NULL));
	__atomic_store_n(&reader, GetCurrentThreadId(), __ATOMIC_RELEASE);
	CHECK(ReadFile(c->file, buf, 1, &n, NULL));
	c->polled = ppoll(&gate, 1, NULL, NULL);
	return 0;
}

/* The signal does not outlive the call that it is for, be that the thread's first or second. */
static void a_late_signal_hits_nothing(void)
{
	for (int earlier = 0; earlier < 2; earlier++) {
		struct tardy_call c = { .earlier = earlier };
		HANDLE t;

		c.file = host_fifo(earlier ? "g" : "f", GENERIC_READ, 0, &peer);
		CHECK_EQ(pipe(c.gate), 0);
		reader = 0;
		t = CreateThread(NULL, 0, read_then_poll, &c, 0, NULL);
		for (int i = 0; i < earlier; i++)
			CHECK_EQ(write(peer, "x", 1), 1);
		while (!__atomic_load_n(&reader, __ATOMIC_ACQUIRE))
			sched_yield();
		host_wait_syscall(reader, SYS_read, SYS_read);
		atomic_store(&tardy, 1);
		CHECK(CancelSynchronousIo(t));
		CHECK_EQ(write(c.gate[1], "x", 1), 1);
		CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
		CHECK_EQ(c.polled, 1);
	}
}

static void close_before_the_start(void)
{
	HANDLE h = host_fifo("f", GENERIC_READ, 0, &peer), e = CreateEventA(NULL, TRUE, TRUE, NULL);
	OVERLAPPED ov = host_overlapped(e);
	DWORD n;

	close_first = h;
	CHECK_FAILS(ReadFile(h, buf, 1, &n, NULL), ERROR_INVALID_HANDLE);
	h = host_fifo("g", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	close_first = h;
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_INVALID_HANDLE);
	/* It has not started: the event is not even reset. */
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
	/* Another handle to the file keeps it going. */
	h = host_fifo("h", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &e, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	close_first = h;
	CHECK_FAILS(ReadFile(h, buf, 1, NULL, &ov), ERROR_IO_PENDING);
	CHECK(CloseHandle(e));
	CHECK_FAILS(GetOverlappedResult(NULL, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
}

static const struct tap_case cases[] = {
	CASE(cancel_is_asked_again, "a cancel that missed is asked again by who waits"),
	CASE(cancel_is_asked_again_by_the_helper, "and by the helper when nobody waits"),
	CASE(an_answer_is_not_believed, "a cancel that only seemed to hit is asked again"),
	CASE(cancels_by_command, "and a command that cancels another"),
	CASE(a_command_cancels_in_its_file, "which names a file that stays open meanwhile"),
	CASE(submissions_are_refused, "the kernel refuses what is submitted (W-RW-11)"),
	CASE(the_rest_is_refused, "and what is left of a write (W-GOR-5)"),
	CASE(a_missed_cancel_loses_to_data, "a late cancel hits no later request"),
	CASE(thread_exit_waits_for_a_cancel_that_misses, "a thread's end waits (W-THREAD-4)"),
	CASE(a_kick_reaped_by_another_is_not_lost, "a kick that another reaped is not lost"),
	CASE(a_late_signal_hits_nothing, "a cancel's signal does not outlive its call"),
	CASE(close_before_the_start, "the last close overtakes a request's start (W-CLOSE-2)"),
};

TAP_MAIN(cases)
