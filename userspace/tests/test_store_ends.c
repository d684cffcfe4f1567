// SPDX-License-Identifier: MIT
/* Overlapped reads on a store that end early: by cancels, with their thread, file or process. */
#include <errno.h>
#include <windows.h>

#include "store.h"

/* Each ends once: with its bytes, or with none. */
static void cancel_against_end(void)
{
	const char *path = device_store();
	long ended = 0, aborted = 0, total = host_rounds(3000);

	fill(path, 4096);
	device_tell(path, "read_latency_ns", "uniform 0 2000000");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	ovs[0] = at(0);
	for (long i = 0; i < total; i++) {
		uint64_t offset = (uint64_t)(i % 32) * SIZE;
		BOOL found;
		DWORD n;

		memset(data[0], 0xee, SIZE);
		ovs[0].Offset = (DWORD)offset;
		if (!ReadFile(store, data[0], SIZE, NULL, &ovs[0]))
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
		for (volatile long spin = 0; spin < i % 100 * 1000; spin++)
			;
		found = CancelIoEx(store, &ovs[0]);
		if (!found)
			CHECK_EQ(GetLastError(), ERROR_NOT_FOUND);
		if (GetOverlappedResult(store, &ovs[0], &n, TRUE)) {
			CHECK_EQ(n, SIZE);
			check_bytes(data[0], SIZE, offset);
			ended++;
		} else {
			CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
			CHECK(found);
			for (int k = 0; k < SIZE; k++)
				CHECK_EQ(data[0][k], 0xee);
			aborted++;
		}
		CHECK_EQ(WaitForSingleObject(ovs[0].hEvent, 0), WAIT_OBJECT_0);
	}
	printf("# %ld ended, %ld aborted\n", ended, aborted);
	CHECK(ended > 0 && aborted > 0);
}

/* Threads cancel one another's; the memory of each is gone as soon as it has ended (W-RACE-6). */
static DWORD WINAPI crowd_member(LPVOID arg)
{
	long total = host_rounds(1000);
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, NULL);

	for (long i = 0; i < total; i++) {
		OVERLAPPED *ov = calloc(1, sizeof(*ov));
		unsigned char *bytes = malloc(SIZE);
		DWORD n;

		ov->hEvent = e;
		ov->Offset = SIZE;
		if (!ReadFile(store, bytes, SIZE, NULL, ov)) {
			CHECK_EQ(GetLastError(), ERROR_IO_PENDING);
			if (i % 4 == 0)
				CancelIoEx(store, NULL);
			else if (i % 4 == 1)
				CancelIo(store);
			else if (i % 4 == 2)
				CancelIoEx(store, ov);
		}
		if (GetOverlappedResult(store, ov, &n, TRUE))
			check_bytes(bytes, SIZE, SIZE);
		else
			CHECK_EQ(GetLastError(), ERROR_OPERATION_ABORTED);
		memset(ov, 0xa5, sizeof(*ov));
		free(ov);
		free(bytes);
	}
	return *(DWORD *)arg;
}

static void crowd(void)
{
	const char *path = device_store();
	DWORD code = 7, got;
	HANDLE t[4];

	fill(path, 4096);
	device_tell(path, "read_latency_ns", "uniform 0 1000000");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	for (int i = 0; i < 4; i++)
		t[i] = CreateThread(NULL, 0, crowd_member, &code, 0, NULL);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(WaitForSingleObject(t[i], INFINITE), WAIT_OBJECT_0);
		CHECK(GetExitCodeThread(t[i], &got));
		CHECK_EQ(got, code);
	}
	device_wait_pending(path, 0);
}

static DWORD WINAPI leave_reads(LPVOID arg)
{
	(void)arg;
	start_reads(MANY / 3);
	return 0;
}

static void thread_leaves_them(void)
{
	const char *path = device_store();
	OVERLAPPED ours = at(0);
	unsigned char bytes[SIZE];
	HANDLE t;

	device_tell(path, "read_latency_ns", LONG);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	CHECK_FAILS(ReadFile(store, bytes, SIZE, NULL, &ours), ERROR_IO_PENDING);
	t = CreateThread(NULL, 0, leave_reads, NULL, 0, NULL);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < MANY / 3; i++)
		CHECK_EQ(ovs[i].Internal, 0xC0000120u);
	CHECK(!HasOverlappedIoCompleted(&ours));
	device_wait_pending(path, 1);
	CHECK(CancelIoEx(store, &ours));
	check_aborted(&ours);
}

/* Whether the only write on the store is a thread's, or that of a worker which the thread has. */
static bool write_is_of(int fd, DWORD tid)
{
	struct cancelio_request_info info = { 0 };
	char path[64], comm[32] = "", worker[32];
	FILE *f;

	if (ioctl(fd, CANCELIO_IOC_REQUEST, &info) != 0 || info.op != CANCELIO_OP_WRITE)
		return false;
	if ((DWORD)info.thread == tid)
		return true;
	snprintf(worker, sizeof(worker), "iou-wrk-%u\n", tid);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", info.thread);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(comm, sizeof(comm), f))
			comm[0] = '\0';
		fclose(f);
	}
	return !strcmp(comm, worker);
}

static DWORD WINAPI wait_for(LPVOID arg)
{
	return WaitForSingleObject(arg, INFINITE);
}

/*
 * A write is taken in two steps. Another thread, which waits in the library, begins the second one,
 * and ends: so the kernel ends the step, and nobody has asked for that.
 */
static void other_thread_ends(void)
{
	const char *path = device_store();
	HANDLE over = CreateEventA(NULL, TRUE, FALSE, NULL), t;
	OVERLAPPED ov = at(SIZE);
	unsigned char back[SIZE];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	DWORD tid, n;

	memset(data[0], 'w', SIZE);
	device_tell(path, "write_latency_ns", "300000000");
	device_tell(path, "faults", "write short=10 next=1");
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	t = CreateThread(NULL, 0, wait_for, over, 0, &tid);
	host_wait_syscall(tid, SYS_futex, SYS_futex);
	CHECK_FAILS(WriteFile(store, data[0], SIZE, NULL, &ov), ERROR_IO_PENDING);
	while (!write_is_of(fd, tid))
		usleep(200);
	CHECK(SetEvent(over));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(store, &ov, &n, TRUE));
	CHECK_EQ(n, SIZE);
	CHECK_EQ(pread(fd, back, SIZE, SIZE), SIZE);
	CHECK(!memcmp(back, data[0], SIZE));
	close(fd);
}

static void last_close(void)
{
	const char *path = device_store();

	device_tell(path, "read_latency_ns", LONG);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	start_reads(MANY / 3);
	CHECK(CloseHandle(store));
	for (int i = 0; i < MANY / 3; i++) {
		CHECK_EQ(WaitForSingleObject(ovs[i].hEvent, INFINITE), WAIT_OBJECT_0);
		CHECK_EQ(ovs[i].Internal, 0xC0000120u);
	}
	device_wait_pending(path, 0);
}

static void process_ends(void)
{
	const char *path = device_store();

	device_tell(path, "read_latency_ns", LONG);
	for (int killed = 0; killed < 2; killed++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			store = device_open(path, FILE_FLAG_OVERLAPPED);
			start_reads(MANY / 3);
			device_wait_pending(path, MANY / 3);
			if (killed)
				raise(SIGKILL);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, killed ? SIGKILL : 0);
		device_wait_pending(path, 0);
	}
}

/* The id of the only read that this process has begun on the store. */
static uint64_t own_request(const char *path)
{
	struct cancelio_request_info info = { 0 };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t id = 0;

	CHECK(fd >= 0);
	while (ioctl(fd, CANCELIO_IOC_REQUEST, &info) == 0) {
		if (info.process == getpid() && info.op == CANCELIO_OP_READ) {
			CHECK_EQ(id, 0);
			id = info.id;
		}
		info.flags = info.pad = 0;
		memset(info.reserved, 0, sizeof(info.reserved));
	}
	CHECK_EQ(errno, ENOENT);
	close(fd);
	return id;
}

static void read_once(OVERLAPPED *ov)
{
	*ov = at(0);
	CHECK_FAILS(ReadFile(store, data[0], SIZE, NULL, ov), ERROR_IO_PENDING);
}

/* Parent and child have the open file in common, and the same names for what they begin. */
static void fork_shares_the_file(void)
{
	const char *path = device_store();
	OVERLAPPED first, ov;
	int go[2], status;
	uint64_t id;
	char byte;
	pid_t pid;

	if (HOST_TSAN)
		SKIP("ThreadSanitizer starts no threads in a child");
	device_tell(path, "read_latency_ns", LONG);
	store = device_open(path, FILE_FLAG_OVERLAPPED);
	read_once(&first);
	CHECK_EQ(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		alarm(120);
		CHECK_EQ(read(go[0], &byte, 1), 1);
		read_once(&ov);
		while (!own_request(path))
			usleep(200);
		CHECK(CancelIoEx(store, &ov));
		check_aborted(&ov);
		_exit(0);
	}
	CHECK(CancelIoEx(store, &first));
	check_aborted(&first);
	read_once(&ov);
	while (!(id = own_request(path)))
		usleep(200);
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(!HasOverlappedIoCompleted(&ov));
	CHECK_EQ(own_request(path), id);
	CHECK(CancelIoEx(store, &ov));
	check_aborted(&ov);
}

static const struct tap_case cases[] = {
	CASE(cancel_against_end, "cancel against end: each read ends once (W-RACE-1/2/3)"),
	CASE(crowd, "threads cancel one another's reads (W-RACE-6, W-CANCELIOEX-6)"),
	CASE(thread_leaves_them, "a thread ends and leaves a hundred (W-THREAD-3)"),
	CASE(other_thread_ends, "a thread ends that has gone on with another's write"),
	CASE(last_close, "the last close gives a hundred back (W-CLOSE-2)"),
	CASE(process_ends, "a process ends, or is killed, with a hundred (W-PEXIT-1)"),
	CASE(fork_shares_the_file, "a child cancels its own, not its parent's"),
};

TAP_MAIN(cases)
