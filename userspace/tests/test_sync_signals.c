// SPDX-License-Identifier: MIT
/* Cancels of synchronous calls among other signals, and without room for their own. */
#include <errno.h>

#include "sync_cancel.h"

static int peer;

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
	CASE(other_signals_do_not_show, "the application's signals do not end a read"),
	CASE(cancel_under_a_handler, "a cancel while the application's handler lies on top"),
	CASE(cancel_under_two_handlers, "and under two of them"),
	CASE(cancel_and_handler_at_once, "both signals come at once"),
	CASE(no_room_for_the_signal, "a cancel that comes while no signal can be queued"),
	CASE(no_room_and_no_need, "and one whose call ends before it can be"),
};

TAP_MAIN(cases)
