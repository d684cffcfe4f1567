// SPDX-License-Identifier: MIT
/* Cancelling synchronous calls: CancelSynchronousIo, and CancelIoEx from another thread. */
#include <errno.h>
#include <stdbool.h>
#include <windows.h>

#include "host.h"

static int peer;

/* One call made in a thread of its own, and how it went. */
struct call {
	HANDLE file;
	const char *path;
	DWORD access, flags;
	char buf[64];
	DWORD tid, bytes, error;
	BOOL ok;
};

static DWORD WINAPI do_read(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = ReadFile(c->file, c->buf, sizeof(c->buf), &c->bytes, NULL);
	c->error = GetLastError();
	return 0;
}

static DWORD WINAPI do_write(LPVOID arg)
{
	static char big[300000];
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = WriteFile(c->file, big, sizeof(big), &c->bytes, NULL);
	c->error = GetLastError();
	return 0;
}

static DWORD WINAPI do_open(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->file = host_open(c->path, c->access, c->flags);
	c->ok = c->file != INVALID_HANDLE_VALUE;
	c->error = GetLastError();
	return 0;
}

/* Starts the call and returns when it is blocked in the system call. */
static HANDLE start(DWORD(WINAPI *fn)(LPVOID), struct call *c, long nr)
{
	HANDLE t = CreateThread(NULL, 0, fn, c, 0, NULL);

	CHECK(t);
	while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(c->tid, nr, nr);
	return t;
}

static void finish(HANDLE t)
{
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
}

static void blocked_read(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read);
	DWORD n;

	SetLastError(99);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(GetLastError(), 99);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(c.bytes, 0);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(ReadFile(c.file, c.buf, sizeof(c.buf), &n, NULL));
	CHECK_EQ(n, 4);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void blocked_open(void)
{
	struct call c = { .path = host_path("f"), .access = GENERIC_READ };
	struct call o = { .path = c.path, .access = GENERIC_WRITE, .flags = FILE_FLAG_OVERLAPPED };
	int before;
	HANDLE t;

	CHECK_EQ(mkfifo(c.path, 0600), 0);
	before = open_descriptors();
	t = start(do_open, &c, SYS_openat);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(open_descriptors(), before);
	/* An open is synchronous whatever the handle will be. */
	t = start(do_open, &o, SYS_openat);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(o.error, ERROR_OPERATION_ABORTED);
}

static void blocked_write(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_WRITE, 0, &peer) };
	HANDLE t = start(do_write, &c, SYS_write);
	static char back[65536];
	DWORD got = 0;
	ssize_t r;

	CHECK(CancelSynchronousIo(t));
	finish(t);
	/* What the pipe took is told: success with a part (W-RACE-4). */
	CHECK(c.ok);
	CHECK(c.bytes > 0 && c.bytes < 300000);
	CloseHandle(c.file);
	while ((r = read(peer, back, sizeof(back))) > 0)
		got += (DWORD)r;
	CHECK_EQ(got, c.bytes);
}

static void blocked_terminal(void)
{
	struct call c = { .file = host_tty(GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read);

	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
}

static void ex_reaches_synchronous_reads(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	struct call d = { .file = host_fifo("g", GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read), u = start(do_read, &d, SYS_read);
	OVERLAPPED none = { 0 };

	CHECK_FAILS(CancelIoEx(c.file, &none), ERROR_NOT_FOUND);
	CHECK(CancelIo(c.file));
	CHECK_EQ(WaitForSingleObject(t, 20), WAIT_TIMEOUT);
	CHECK(CancelIoEx(c.file, NULL));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(u, 20), WAIT_TIMEOUT);
	CHECK(CancelIoEx(d.file, NULL));
	finish(u);
	CHECK_EQ(d.error, ERROR_OPERATION_ABORTED);
}

static void one_request_at_a_time(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) }, d = c;
	HANDLE t = start(do_read, &c, SYS_read), u = start(do_read, &d, SYS_futex);

	/* The second waits for the first, and can be cancelled there. */
	CHECK(CancelSynchronousIo(u));
	finish(u);
	CHECK_EQ(d.error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(WaitForSingleObject(t, 0), WAIT_TIMEOUT);
	d.tid = 0;
	u = start(do_read, &d, SYS_futex);
	CHECK_EQ(write(peer, "one", 3), 3);
	finish(t);
	CHECK(c.ok);
	CHECK_EQ(c.bytes, 3);
	CHECK_EQ(write(peer, "four", 4), 4);
	finish(u);
	CHECK_EQ(d.bytes, 4);
}

static void last_close_releases_readers(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	HANDLE t = start(do_read, &c, SYS_read);

	CHECK(CloseHandle(c.file));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
}

static HANDLE gate;

static DWORD WINAPI wait_for_gate(LPVOID arg)
{
	__atomic_store_n((DWORD *)arg, GetCurrentThreadId(), __ATOMIC_RELEASE);
	WaitForSingleObject(gate, INFINITE);
	return 0;
}

static DWORD WINAPI sleep_long(LPVOID arg)
{
	__atomic_store_n((DWORD *)arg, GetCurrentThreadId(), __ATOMIC_RELEASE);
	Sleep(300);
	return 0;
}

static atomic_int stop;

static DWORD WINAPI run_free(LPVOID arg)
{
	__atomic_store_n((DWORD *)arg, GetCurrentThreadId(), __ATOMIC_RELEASE);
	while (!atomic_load(&stop))
		sched_yield();
	return 0;
}

static DWORD WINAPI read_hidden(LPVOID arg)
{
	struct call *c = arg;

	return do_read(c);
}

static HANDLE launch(DWORD(WINAPI *fn)(LPVOID), DWORD *tid)
{
	HANDLE t;

	*tid = 0;
	t = CreateThread(NULL, 0, fn, tid, 0, NULL);
	CHECK(t);
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return t;
}

static void nothing_to_cancel(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer) };
	HANDLE self, t;
	DWORD tid;

	gate = CreateEventA(NULL, TRUE, FALSE, NULL);
	t = launch(wait_for_gate, &tid);
	host_wait_syscall(tid, SYS_futex, SYS_futex);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	SetEvent(gate);
	finish(t);
	t = launch(sleep_long, &tid);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	finish(t);
	t = launch(run_free, &tid);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	atomic_store(&stop, 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	/* An overlapped pipe read without OVERLAPPED: only CancelIoEx sees it. */
	t = start(read_hidden, &c, SYS_io_uring_enter);
	CHECK_FAILS(CancelSynchronousIo(t), ERROR_NOT_FOUND);
	CHECK(CancelIoEx(c.file, NULL));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);

	CHECK_FAILS(CancelSynchronousIo(GetCurrentThread()), ERROR_NOT_FOUND);
	self = OpenThread(THREAD_TERMINATE, FALSE, GetCurrentThreadId());
	CHECK_FAILS(CancelSynchronousIo(self), ERROR_NOT_FOUND);
}

static void needs_the_right(void)
{
	HANDLE weak = OpenThread(THREAD_QUERY_INFORMATION | SYNCHRONIZE, FALSE,
				 GetCurrentThreadId());

	CHECK(weak);
	CHECK_FAILS(CancelSynchronousIo(weak), ERROR_ACCESS_DENIED);
	CHECK_FAILS(CancelSynchronousIo(CreateEventA(NULL, TRUE, FALSE, NULL)),
		    ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelSynchronousIo(NULL), ERROR_INVALID_HANDLE);
	CHECK_FAILS(CancelSynchronousIo(INVALID_HANDLE_VALUE), ERROR_INVALID_HANDLE);
}

static atomic_int alarms;

static void count_alarm(int sig)
{
	(void)sig;
	atomic_fetch_add(&alarms, 1);
}

static void other_signals_do_not_show(void)
{
	struct call c = { 0 };
	struct sigaction sa = { .sa_handler = count_alarm };
	HANDLE t;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer delivers signals when it likes");
	c.file = host_fifo("f", GENERIC_READ, 0, &peer);
	t = start(do_read, &c, SYS_read);

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 1; i <= 20; i++) {
		CHECK_EQ(syscall(SYS_tgkill, getpid(), c.tid, SIGUSR1), 0);
		while (atomic_load(&alarms) < i)
			sched_yield();
	}
	host_wait_syscall(c.tid, SYS_read, SYS_read);
	CHECK_EQ(write(peer, "x", 1), 1);
	finish(t);
	CHECK(c.ok);
	CHECK_EQ(c.bytes, 1);
}

/*
 * Handlers of the application's that lie on top of a blocked call when the cancel's signal comes.
 * They stay until they are let go, then make one system call more, to have it delivered there.
 */
static atomic_int entered[2], leave[2];

static void stay(int sig)
{
	int i = sig == SIGUSR2, err = errno;

	atomic_store(&entered[i], 1);
	while (!atomic_load(&leave[i]))
		sched_yield();
	sched_yield();
	errno = err;
}

static void install_stay(int sig, int mask_all)
{
	struct sigaction sa = { .sa_handler = stay, .sa_flags = SA_RESTART };

	if (mask_all)
		sigfillset(&sa.sa_mask);
	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

static void enter_handler(DWORD tid, int sig)
{
	CHECK_EQ(syscall(SYS_tgkill, getpid(), tid, sig), 0);
	while (!atomic_load(&entered[sig == SIGUSR2]))
		sched_yield();
}

static void ends_aborted(struct call *c, HANDLE t)
{
	DWORD n;

	CHECK_EQ(WaitForSingleObject(t, 60000), WAIT_OBJECT_0);
	CHECK(!c->ok);
	CHECK_EQ(c->error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(write(peer, "kept", 4), 4);
	CHECK(ReadFile(c->file, c->buf, sizeof(c->buf), &n, NULL));
	CHECK_EQ(n, 4);
}

static void cancel_under_a_handler(void)
{
	struct call c = { 0 };
	HANDLE t;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer delivers signals when it likes");
	c.file = host_fifo("f", GENERIC_READ, 0, &peer);
	install_stay(SIGUSR1, 0);
	t = start(do_read, &c, SYS_read);
	enter_handler(c.tid, SIGUSR1);
	CHECK(CancelSynchronousIo(t));
	atomic_store(&leave[0], 1);
	ends_aborted(&c, t);
}

static void cancel_under_two_handlers(void)
{
	struct call c = { 0 };
	HANDLE t;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer delivers signals when it likes");
	c.file = host_fifo("f", GENERIC_READ, 0, &peer);
	install_stay(SIGUSR1, 0);
	install_stay(SIGUSR2, 0);
	t = start(do_read, &c, SYS_read);
	enter_handler(c.tid, SIGUSR1);
	enter_handler(c.tid, SIGUSR2);
	CHECK(CancelSynchronousIo(t));
	atomic_store(&leave[1], 1);
	atomic_store(&leave[0], 1);
	ends_aborted(&c, t);
}

static void cancel_and_handler_at_once(void)
{
	struct call c = { 0 };
	HANDLE t;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer delivers signals when it likes");
	c.file = host_fifo("f", GENERIC_READ, 0, &peer);
	install_stay(SIGUSR1, 1);
	install_stay(SIGUSR2, 0);
	t = start(do_read, &c, SYS_read);
	enter_handler(c.tid, SIGUSR1);
	/* Both wait for the first handler's end, and are then delivered in one go. */
	CHECK_EQ(syscall(SYS_tgkill, getpid(), c.tid, SIGUSR2), 0);
	CHECK(CancelSynchronousIo(t));
	atomic_store(&leave[1], 1);
	atomic_store(&leave[0], 1);
	ends_aborted(&c, t);
}

/*
 * The stress: one thread makes short calls in a row, another cancels all the time. What is pinned:
 * an abort belongs to a cancel that overlapped with the call; there are no more aborts than TRUE
 * answers; the application's own system calls are never interrupted; no byte is lost.
 */
enum { ROUNDS = 20000, ABORTS = 50 };

static struct {
	HANDLE a, b, target;
	int a_peer, b_peer;
	atomic_long began, returned, answered; /* cancels */
	atomic_long aborts, bytes_a, bytes_b, wrong, interrupted, b_aborts;
	atomic_int done;
} s;

static void own_system_call(void)
{
	struct timespec ts = { 0, 1 };

	if (nanosleep(&ts, NULL) != 0)
		atomic_fetch_add(&s.interrupted, 1);
}

static void stress_read(HANDLE file, atomic_long *bytes, atomic_long *aborts)
{
	long before = atomic_load(&s.returned);
	char c;
	DWORD n;

	if (ReadFile(file, &c, 1, &n, NULL)) {
		atomic_fetch_add(bytes, n);
		return;
	}
	CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
	atomic_fetch_add(aborts, 1);
	if (atomic_load(&s.began) <= before)
		atomic_fetch_add(&s.wrong, 1);
}

static DWORD WINAPI stress_target(LPVOID arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS || atomic_load(&s.aborts) < ABORTS; i++) {
		stress_read(s.a, &s.bytes_a, &s.aborts);
		if (i % 64 == 0)
			own_system_call();
		if (s.b)
			stress_read(s.b, &s.bytes_b, &s.b_aborts);
	}
	atomic_store(&s.done, 1);
	return 0;
}

static DWORD WINAPI stress_feed(LPVOID arg)
{
	long *fed = arg;
	unsigned int i = 0;

	while (!atomic_load(&s.done)) {
		/* Short rations, so that reads do block and a cancel finds something. */
		if (++i % 4 == 0 && fed[0] - atomic_load(&s.bytes_a) < 2 &&
		    write(s.a_peer, "a", 1) == 1)
			fed[0]++;
		if (s.b && fed[1] - atomic_load(&s.bytes_b) < 2 && write(s.b_peer, "b", 1) == 1)
			fed[1]++;
		if (i % 8 == 0)
			sched_yield();
	}
	return 0;
}

static void stress(BOOL by_file)
{
	long fed[2] = { 0, 0 };
	HANDLE feeder;
	int left;

	s.target = CreateThread(NULL, 0, stress_target, NULL, 0, NULL);
	feeder = CreateThread(NULL, 0, stress_feed, fed, 0, NULL);
	for (unsigned int i = 0; !atomic_load(&s.done); i++) {
		BOOL hit;

		atomic_fetch_add(&s.began, 1);
		hit = by_file ? CancelIoEx(s.a, NULL) : CancelSynchronousIo(s.target);
		atomic_fetch_add(&s.answered, hit);
		atomic_fetch_add(&s.returned, 1);
		if (by_file || i % 3 == 0)
			sched_yield();
	}
	CHECK_EQ(WaitForSingleObject(s.target, INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(feeder, INFINITE), WAIT_OBJECT_0);
	printf("# %ld cancels, %ld TRUE, %ld aborts\n", s.began, s.answered, s.aborts);
	CHECK_EQ(s.wrong, 0);
	CHECK_EQ(s.interrupted, 0);
	CHECK_EQ(s.b_aborts, 0);
	CHECK(s.aborts <= s.answered);
	CHECK(s.answered > 0);
	/* What was written and not read is still in the pipe. */
	CHECK_EQ(ioctl(s.a_peer, FIONREAD, &left), 0);
	CHECK_EQ(s.bytes_a + left, fed[0]);
	if (s.b) {
		CHECK_EQ(ioctl(s.b_peer, FIONREAD, &left), 0);
		CHECK_EQ(s.bytes_b + left, fed[1]);
		CHECK(s.bytes_b >= ROUNDS);
	}
}

static void stress_by_thread(void)
{
	s.a = host_fifo("a", GENERIC_READ, 0, &s.a_peer);
	fcntl(s.a_peer, F_SETFL, O_NONBLOCK);
	stress(FALSE);
}

static void stress_by_file(void)
{
	s.a = host_fifo("a", GENERIC_READ, 0, &s.a_peer);
	s.b = host_fifo("b", GENERIC_READ, 0, &s.b_peer);
	fcntl(s.a_peer, F_SETFL, O_NONBLOCK);
	fcntl(s.b_peer, F_SETFL, O_NONBLOCK);
	stress(TRUE);
}

/* No signal can be queued for this process: the kernel refuses those that cancel, with EAGAIN. */
static void allow_signals(bool allow)
{
	struct rlimit limit;
	sigset_t probe;

	sigemptyset(&probe);
	sigaddset(&probe, SIGRTMIN + 5);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &probe, NULL), 0);
	CHECK_EQ(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	limit.rlim_cur = allow ? limit.rlim_max : 0;
	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	if (!allow && (syscall(SYS_tgkill, getpid(), gettid(), SIGRTMIN + 5) == 0 || errno != EAGAIN))
		SKIP("signals are queued without limit");
}

static int tasks(void)
{
	struct stat st;

	CHECK_EQ(stat("/proc/self/task", &st), 0);
	return (int)st.st_nlink;
}

/* What could not be sent is sent later, by a thread of the library's that ends when it is done. */
static void no_room_for_the_signal(void)
{
	struct call c = { .file = host_fifo("f", GENERIC_READ, 0, &peer) };
	int before;
	HANDLE t;

	t = start(do_read, &c, SYS_read);
	before = tasks();
	allow_signals(false);
	SetLastError(7);
	CHECK(CancelSynchronousIo(t));
	CHECK_EQ(GetLastError(), 7);
	CHECK(CancelSynchronousIo(t));
	CHECK(CancelIoEx(c.file, NULL));
	CHECK_EQ(WaitForSingleObject(t, 30), WAIT_TIMEOUT);
	allow_signals(true);
	finish(t);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	while (tasks() >= before)
		usleep(1000);
	/* Nothing of it is left for the next one. */
	CHECK_EQ(write(peer, "next", 4), 4);
	c.tid = 0;
	t = CreateThread(NULL, 0, do_read, &c, 0, NULL);
	finish(t);
	CHECK(c.ok);
	CHECK_EQ(c.bytes, 4);
}

/* A call that ends by itself meanwhile does not wait for a signal that it does not need. */
static void no_room_and_no_need(void)
{
	HANDLE file = host_fifo("f", GENERIC_READ, 0, &peer);
	struct call c, next;
	HANDLE t;

	allow_signals(false);
	for (int i = 0; i < 50; i++) {
		memset(&c, 0, sizeof(c));
		c.file = file;
		t = start(do_read, &c, SYS_read);
		CHECK(CancelSynchronousIo(t));
		CHECK_EQ(write(peer, "x", 1), 1);
		finish(t);
		/* The cancel has shown, or else the byte is there: it is never lost. */
		CHECK(c.ok && c.bytes == 1);
	}
	memset(&next, 0, sizeof(next));
	next.file = file;
	t = start(do_read, &next, SYS_read);
	allow_signals(true);
	CHECK_EQ(WaitForSingleObject(t, 50), WAIT_TIMEOUT);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(next.error, ERROR_OPERATION_ABORTED);
}

static const struct tap_case cases[] = {
	CASE(blocked_read, "a blocked read (W-CANCELSYNC-1/5)"),
	CASE(blocked_open, "a blocked open, and no descriptor leaks (W-CREATE-1)"),
	CASE(blocked_write, "a blocked write says what was taken (W-RACE-4)"),
	CASE(blocked_terminal, "a blocked read of a terminal"),
	CASE(ex_reaches_synchronous_reads, "CancelIoEx reaches synchronous reads (W-CANCELIOEX-5, W-CANCELIO-2)"),
	CASE(one_request_at_a_time, "one request at a time, the wait can be cancelled (W-CREATE-4)"),
	CASE(last_close_releases_readers, "the last close releases a blocked reader (W-CLOSE-2)"),
	CASE(nothing_to_cancel, "nothing to cancel (W-CANCELSYNC-2/3)"),
	CASE(needs_the_right, "rights and kinds of handles (W-CANCELSYNC-3)"),
	CASE(other_signals_do_not_show, "the application's signals do not end a read"),
	CASE(cancel_under_a_handler, "a cancel while the application's handler lies on top"),
	CASE(cancel_under_two_handlers, "and under two of them"),
	CASE(cancel_and_handler_at_once, "both signals come at once"),
	CASE(no_room_for_the_signal, "a cancel that comes while no signal can be queued"),
	CASE(no_room_and_no_need, "and one whose call ends before it can be"),
	CASE(stress_by_thread, "a cancel hits one call and no later one (W-CANCELSYNC-1)"),
	CASE(stress_by_file, "a cancel by file hits no other file's call (W-CANCELIOEX-1/5)"),
};

TAP_MAIN(cases)
