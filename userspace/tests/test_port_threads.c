// SPDX-License-Identifier: MIT
/* The threads of a completion port: which is served, and how many may run (W-PORT-3, -4, -7). */
#include "port.h"

enum { CROWD = 4, STOP = 999 };

struct taker {
	HANDLE port, thread;
	DWORD tid;
	atomic_int got, done; /* packets */
	_Atomic(ULONG_PTR) last;
	DWORD error;
	void (*then)(struct taker *t); /* after each packet */
};

static DWORD WINAPI taker_main(LPVOID arg)
{
	struct taker *t = arg;

	for (;;) {
		OVERLAPPED *ov = (OVERLAPPED *)1;
		ULONG_PTR key;
		DWORD bytes;

		if (!GetQueuedCompletionStatus(t->port, &bytes, &key, &ov, INFINITE)) {
			CHECK(!ov);
			t->error = GetLastError();
			return 1;
		}
		if (key == STOP)
			return 0;
		atomic_store(&t->last, key);
		atomic_fetch_add(&t->got, 1);
		if (t->then)
			t->then(t);
		atomic_fetch_add(&t->done, 1);
	}
}

static void taker_start(struct taker *t, HANDLE port, void (*then)(struct taker *))
{
	memset(t, 0, sizeof(*t));
	t->port = port;
	t->then = then;
	t->thread = CreateThread(NULL, 0, taker_main, t, 0, &t->tid);
	CHECK(t->thread);
	host_wait_syscall(t->tid, SYS_futex, SYS_futex);
}

static void taker_wait(struct taker *t, int count)
{
	while (atomic_load(&t->got) < count)
		usleep(200);
}

/* It has dealt with so many, and waits for the next. */
static void taker_is_back(struct taker *t, int count)
{
	while (atomic_load(&t->done) < count)
		usleep(200);
	host_wait_syscall(t->tid, SYS_futex, SYS_futex);
}

static void taker_join(struct taker *t)
{
	CHECK_EQ(WaitForSingleObject(t->thread, INFINITE), WAIT_OBJECT_0);
}

static void last_come_first_served(void)
{
	HANDLE port = port_new(CROWD);
	struct taker t[CROWD];

	for (int i = 0; i < CROWD; i++)
		taker_start(&t[i], port, NULL);
	/* Who has dealt with his packet is the last again. */
	for (ULONG_PTR n = 1; n <= 5; n++) {
		post(port, n);
		taker_is_back(&t[CROWD - 1], (int)n);
		CHECK_EQ(t[CROWD - 1].last, n);
	}
	for (int i = CROWD; i-- > 0;) {
		if (i < CROWD - 1)
			CHECK_EQ(atomic_load(&t[i].got), 0);
		post(port, STOP);
		taker_join(&t[i]);
	}
}

static void closing_frees_the_waiters(void)
{
	HANDLE port = port_new(1);
	struct taker t[CROWD];

	for (int i = 0; i < CROWD; i++)
		taker_start(&t[i], port, NULL);
	CHECK(CloseHandle(port));
	for (int i = 0; i < CROWD; i++) {
		taker_join(&t[i]);
		CHECK_EQ(t[i].error, ERROR_ABANDONED_WAIT_0);
	}
}

static atomic_bool go_on;
static HANDLE gate, restless_port, other_one;
static int pipe_fds[2];
static HANDLE fifo;

static void spin(struct taker *t)
{
	(void)t;
	while (!atomic_load(&go_on))
		;
}

static void wait_for_gate(struct taker *t)
{
	(void)t;
	CHECK_EQ(WaitForSingleObject(gate, INFINITE), WAIT_OBJECT_0);
}

static void read_pipe(struct taker *t)
{
	char c;

	(void)t;
	CHECK_EQ(read(pipe_fds[0], &c, 1), 1);
}

static void read_fifo(struct taker *t)
{
	DWORD bytes;
	char c;

	(void)t;
	CHECK(ReadFile(fifo, &c, 1, &bytes, NULL));
	CHECK_EQ(bytes, 1);
}

static void no_more_than_slots_run(void)
{
	HANDLE port = port_new(1);
	struct taker first, second;
	double t;

	taker_start(&second, port, NULL);
	taker_start(&first, port, spin);
	post(port, 1);
	taker_wait(&first, 1);
	post(port, 2);
	/* For as many looks at it, the first runs and keeps its slot. */
	for (t = host_seconds(); host_seconds() - t < 0.1;)
		CHECK_EQ(atomic_load(&second.got), 0);
	atomic_store(&go_on, true);
	taker_wait(&first, 2);
	CHECK_EQ(first.last, 2);
	CHECK_EQ(atomic_load(&second.got), 0);
	post(port, STOP);
	taker_join(&first);
	/* Its end gives the slot back. */
	post(port, 3);
	taker_wait(&second, 1);
	post(port, STOP);
	taker_join(&second);
}

/* The first has the only slot and sleeps in `sleep`: the second gets what comes. */
static void sleeper_gives_way(void (*sleep)(struct taker *), void (*wake)(void))
{
	HANDLE port = port_new(1);
	struct taker first, second;

	taker_start(&second, port, NULL);
	taker_start(&first, port, sleep);
	for (int n = 1; n <= 5; n++) {
		post(port, 1);
		taker_wait(&first, n);
		post(port, 2);
		taker_wait(&second, n);
		CHECK_EQ(second.last, 2);
		CHECK_EQ(atomic_load(&first.got), n);
		taker_is_back(&second, n);
		wake();
		taker_is_back(&first, n);
	}
	CHECK(CloseHandle(port));
	taker_join(&first);
	taker_join(&second);
}

static void open_gate(void)
{
	CHECK(SetEvent(gate));
}

static void write_pipe(void)
{
	CHECK_EQ(write(pipe_fds[1], "x", 1), 1);
}

static void sleep_in_wait(void)
{
	gate = CreateEventA(NULL, FALSE, FALSE, NULL);
	sleeper_gives_way(wait_for_gate, open_gate);
}

static void sleep_in_call(void)
{
	fifo = host_fifo("f", GENERIC_READ, 0, &pipe_fds[1]);
	sleeper_gives_way(read_fifo, write_pipe);
}

static void sleep_elsewhere(void)
{
	CHECK_EQ(pipe(pipe_fds), 0);
	sleeper_gives_way(read_pipe, write_pipe);
}

/* A slot that was lent is taken back by who is found running, and is not lost on the way. */
static void lent_slots_come_back(void)
{
	HANDLE port = port_new(1);
	struct taker first, second, third;

	CHECK_EQ(pipe(pipe_fds), 0);
	taker_start(&third, port, NULL);
	taker_start(&second, port, spin);
	taker_start(&first, port, read_pipe);
	post(port, 1);
	taker_wait(&first, 1);
	post(port, 2);
	taker_wait(&second, 1);
	write_pipe();
	taker_is_back(&first, 1);
	/* Both could take it but for the second, which has the slot and runs. */
	post(port, 3);
	usleep(50000);
	CHECK_EQ(atomic_load(&first.got) + atomic_load(&third.got), 1);
	atomic_store(&go_on, true);
	taker_wait(&second, 2);
	CHECK(CloseHandle(port));
	taker_join(&first);
	taker_join(&second);
	taker_join(&third);
}

/* To ask another port is to leave this one. */
static void other_port(void)
{
	HANDLE one = port_new(1), two = port_new(1);
	struct taker t;

	post(one, 1);
	CHECK_EQ(take(one, 0), 1);
	taker_start(&t, one, NULL);
	post(one, 2); /* the slot is ours */
	CHECK_EQ(atomic_load(&t.got), 0);
	takes_nothing(two, WAIT_TIMEOUT);
	taker_wait(&t, 1);
	/* Closing the port one belongs to leaves nothing behind. */
	CHECK(CloseHandle(two));
	post(one, STOP);
	taker_join(&t);
	post(one, 3);
	CHECK_EQ(take(one, 0), 3);
}

/* What was held up is given to who waits, with the slot, and is not there for who comes next. */
static void other_port_at_once(void)
{
	HANDLE one = port_new(1), two = port_new(1);
	struct taker watches, waits;

	post(one, 1);
	CHECK_EQ(take(one, 0), 1);
	taker_start(&watches, one, NULL);
	taker_start(&waits, one, NULL);
	post(one, 2);
	takes_nothing(two, WAIT_TIMEOUT);
	takes_nothing(one, WAIT_TIMEOUT);
	taker_wait(&waits, 1);
	CHECK(CloseHandle(one));
	taker_join(&watches);
	taker_join(&waits);
}

static void spin_and_read(struct taker *t)
{
	spin(t);
	read_pipe(t);
}

static atomic_int given_up;

/* What it does afterwards the library does not see. */
static DWORD WINAPI wait_a_while(LPVOID port)
{
	OVERLAPPED *ov;
	ULONG_PTR key;
	DWORD bytes;

	CHECK_FAILS(GetQueuedCompletionStatus(port, &bytes, &key, &ov, 300), WAIT_TIMEOUT);
	atomic_store(&given_up, 1);
	while (atomic_load(&given_up) == 1)
		usleep(200);
	return 0;
}

/* Who looks after the sleepers gives up: another of those that wait does it then. */
static void there_is_always_a_watcher(void)
{
	HANDLE port = port_new(1), watches;
	struct taker first, second;
	DWORD tid;

	CHECK_EQ(pipe(pipe_fds), 0);
	taker_start(&first, port, spin_and_read);
	post(port, 1);
	taker_wait(&first, 1);
	post(port, 2);
	watches = CreateThread(NULL, 0, wait_a_while, port, 0, &tid);
	host_wait_syscall(tid, SYS_futex, SYS_futex);
	taker_start(&second, port, NULL);
	while (!atomic_load(&given_up))
		usleep(200);
	CHECK_EQ(atomic_load(&second.got), 0);
	atomic_store(&go_on, true);
	/* The first sleeps, and nothing but a look at it shows that. */
	taker_wait(&second, 1);
	write_pipe();
	taker_is_back(&first, 1);
	atomic_store(&given_up, 2);
	CHECK_EQ(WaitForSingleObject(watches, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(port));
	taker_join(&first);
	taker_join(&second);
}

/* ---- many of all ---- */

enum { PRODUCERS = 3, CONSUMERS = 6, PACKETS = 20000 };

static unsigned char seen[PRODUCERS * PACKETS];
static atomic_int left;

static DWORD WINAPI produce(LPVOID arg)
{
	for (ULONG_PTR i = 0; i < PACKETS; i++)
		post(gate, (ULONG_PTR)arg * PACKETS + i + 1);
	return 0;
}

static DWORD WINAPI consume(LPVOID arg)
{
	unsigned int seed = (unsigned int)(ULONG_PTR)arg;
	OVERLAPPED_ENTRY e[3];
	ULONG count;

	while (atomic_load(&left) > 0) {
		BOOL ok = GetQueuedCompletionStatusEx(gate, e, 1 + rand_r(&seed) % 3, &count,
						      (DWORD)rand_r(&seed) % 3, FALSE);

		for (ULONG i = 0; ok && i < count; i++) {
			CHECK_EQ(__atomic_fetch_add(&seen[e[i].lpCompletionKey - 1], 1,
						    __ATOMIC_RELAXED),
				 0);
			atomic_fetch_sub(&left, 1);
		}
	}
	return 0;
}

static void each_packet_once(void)
{
	HANDLE t[PRODUCERS + CONSUMERS];

	gate = port_new(2);
	atomic_store(&left, PRODUCERS * PACKETS);
	for (ULONG_PTR i = 0; i < PRODUCERS; i++)
		t[i] = CreateThread(NULL, 0, produce, (LPVOID)i, 0, NULL);
	for (ULONG_PTR i = 0; i < CONSUMERS; i++)
		t[PRODUCERS + i] = CreateThread(NULL, 0, consume, (LPVOID)i, 0, NULL);
	for (int i = 0; i < PRODUCERS + CONSUMERS; i++)
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
	CHECK_EQ(atomic_load(&left), 0);
}

/* Whatever its threads do with a packet, the next is not held up for ever. */
enum { SLEEPERS = 5, RESTLESS = 200 };

static void do_something(unsigned int *seed)
{
	unsigned int n = (unsigned int)rand_r(seed);

	switch (n % 6) {
	case 0:
		usleep(n % 3000);
		break;
	case 1:
		Sleep(n % 3);
		break;
	case 2:
		WaitForSingleObject(gate, n % 3);
		break;
	case 3:
		takes_nothing(other_one, WAIT_TIMEOUT);
		break;
	case 4:
		for (double t = host_seconds(); host_seconds() - t < 0.0005;)
			;
		break;
	}
}

static DWORD WINAPI be_restless(LPVOID arg)
{
	unsigned int seed = (unsigned int)(ULONG_PTR)arg;
	HANDLE port = restless_port;

	for (;;) {
		OVERLAPPED_ENTRY e;
		ULONG count;

		if (!GetQueuedCompletionStatusEx(port, &e, 1, &count, (DWORD)rand_r(&seed) % 20, TRUE)) {
			CHECK(GetLastError() == WAIT_TIMEOUT || GetLastError() == WAIT_IO_COMPLETION);
			continue;
		}
		if (e.lpCompletionKey == STOP)
			return 0;
		atomic_fetch_sub(&left, 1);
		do_something(&seed);
	}
}

static void CALLBACK nothing(ULONG_PTR arg)
{
	(void)arg;
}

static void nobody_starves(void)
{
	unsigned int seed = 1;
	HANDLE t[SLEEPERS];

	gate = CreateEventA(NULL, TRUE, FALSE, NULL);
	other_one = port_new(1);
	for (DWORD slots = 1; slots <= 2; slots++) {
		restless_port = port_new(slots);
		atomic_store(&left, RESTLESS);
		for (ULONG_PTR i = 0; i < SLEEPERS; i++)
			t[i] = CreateThread(NULL, 0, be_restless, (LPVOID)(i + 1), 0, NULL);
		for (ULONG_PTR i = 0; i < RESTLESS; i++) {
			post(restless_port, i + 10000);
			CHECK(QueueUserAPC(nothing, t[i % SLEEPERS], 0));
			if (rand_r(&seed) % 4 == 0)
				usleep((unsigned int)rand_r(&seed) % 1000);
		}
		while (atomic_load(&left) > 0)
			usleep(1000);
		for (int i = 0; i < SLEEPERS; i++)
			post(restless_port, STOP);
		for (int i = 0; i < SLEEPERS; i++)
			CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
		CHECK(CloseHandle(restless_port));
	}
}

static void a_child_has_the_port_anew(void)
{
	HANDLE port = port_new(1);
	struct taker t;
	int status;
	pid_t pid;

	if (HOST_SANITIZED)
		SKIP("a sanitizer's locks do not survive a fork with threads");
	taker_start(&t, port, NULL);
	post(port, 1);
	taker_is_back(&t, 1);
	pid = fork();
	if (pid == 0) {
		struct taker own;

		alarm(30);
		/* Neither the parent's waiter nor what it has queued is here. */
		takes_nothing(port, WAIT_TIMEOUT);
		post(port, 5);
		CHECK_EQ(take(port, 0), 5);
		taker_start(&own, port, NULL);
		post(port, STOP);
		taker_join(&own);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	post(port, STOP);
	taker_join(&t);
}

static const struct tap_case cases[] = {
	CASE(last_come_first_served, "who came last is served first (W-PORT-3)"),
	CASE(closing_frees_the_waiters, "closing the port frees its waiters (W-PORT-7)"),
	CASE(no_more_than_slots_run, "no packet while all slots are taken (W-PORT-4)"),
	CASE(sleep_in_wait, "a thread that waits gives its slot back (W-PORT-4)"),
	CASE(sleep_in_call, "so does one that sleeps in a synchronous call (W-PORT-4)"),
	CASE(sleep_elsewhere, "and one that sleeps outside of the library (W-PORT-4)"),
	CASE(lent_slots_come_back, "a lent slot comes back (W-PORT-4)"),
	CASE(there_is_always_a_watcher, "who waits is served though another has given up (W-PORT-4)"),
	CASE(other_port, "asking another port leaves this one (W-PORT-4)"),
	CASE(other_port_at_once, "and leaves what is held up to who waits (W-PORT-4)"),
	CASE(each_packet_once, "many threads, each packet once"),
	CASE(nobody_starves, "threads that sleep, compute, ask elsewhere: all packets are taken"),
	CASE(a_child_has_the_port_anew, "the child of a fork has the port anew"),
};

TAP_MAIN(cases)
