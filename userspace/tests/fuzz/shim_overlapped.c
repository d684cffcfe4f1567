// SPDX-License-Identifier: MIT
/*
 * Programs of overlapped calls on pipes, FIFOs, files and ports, with handles of every kind and
 * state, and cancels in between. Whatever the order: each request that was accepted ends once, with
 * a status that stands in the list, and tells of it once; what it did not move stays as it was; a
 * call that is refused gives an error that stands in the list.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <windows.h>
#include <ntstatus.h>

#include "input.h"
#include "sandbox.h"

#define HANDLES 8
#define SLOTS 8
#define STEPS 48
#define CANARY 0x5A
#define ROOM 300
/* A request that has not ended so long after it was cancelled never will. */
#define PATIENCE_MS 20000

enum kind { NOTHING, FIFO_READ, FIFO_WRITE, REGULAR, PIPE_SERVER, PIPE_CLIENT, EVENT, PORT, KINDS };

static struct {
	HANDLE h;
	enum kind kind;
	bool overlapped;
} handles[HANDLES];

/* An OVERLAPPED is used again only when its request is over and has told so. */
static struct slot {
	OVERLAPPED ov;
	bool pending; /* accepted, and its end was not seen yet */
	bool reads;
	int routines; /* that are to run yet */
	DWORD length;
	uint8_t data[ROOM];
} slots[SLOTS];

static int peers[2]; /* the other ends: what writes to the FIFO that is read, and reads the other */
static HANDLE fuzzer;
static atomic_bool blocked;
static _Atomic(HANDLE) blocked_on;
static char base[32];

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Whoever waits for what never comes is cancelled, by both means: so no input takes for ever. */
static void *relieve(void *unused)
{
	(void)unused;
	for (;;) {
		HANDLE h = atomic_load(&blocked_on);

		usleep(500);
		if (!atomic_load(&blocked))
			continue;
		CancelSynchronousIo(fuzzer);
		if (h)
			CancelIoEx(h, NULL);
	}
	return NULL;
}

/* The fuzzer's own writes raise it. The library's do as well, and hide it. */
static volatile sig_atomic_t own_write;

static void on_sigpipe(int signal)
{
	(void)signal;
	if (!own_write)
		broken("a SIGPIPE escaped");
}

static void begin_block(HANDLE h)
{
	atomic_store(&blocked_on, h);
	atomic_store(&blocked, true);
}

static void end_block(void)
{
	atomic_store(&blocked, false);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	sandbox_enter();
	signal(SIGPIPE, on_sigpipe);
	snprintf(base, sizeof(base), "\\\\.\\pipe\\fuzz%d", getpid());
	PROMISE(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &fuzzer,
				0, FALSE, DUPLICATE_SAME_ACCESS));
	PROMISE_EQ(pthread_create(&thread, NULL, relieve, NULL), 0);
	return 0;
}

static void check_error(DWORD error)
{
	static const DWORD allowed[] = {
		ERROR_INVALID_FUNCTION,	   ERROR_ACCESS_DENIED,	    ERROR_INVALID_HANDLE,
		ERROR_HANDLE_EOF,	   ERROR_INVALID_PARAMETER, ERROR_BROKEN_PIPE,
		ERROR_CALL_NOT_IMPLEMENTED, ERROR_PIPE_BUSY,	    ERROR_NO_DATA,
		ERROR_PIPE_NOT_CONNECTED,  ERROR_MORE_DATA,	    ERROR_PIPE_CONNECTED,
		ERROR_PIPE_LISTENING,	   ERROR_OPERATION_ABORTED, ERROR_IO_INCOMPLETE,
		ERROR_NOT_FOUND,	   ERROR_BAD_PIPE,	    ERROR_NEGATIVE_SEEK,
		ERROR_INSUFFICIENT_BUFFER, ERROR_NOACCESS,	    WAIT_TIMEOUT,
		WAIT_IO_COMPLETION,	   ERROR_FILE_NOT_FOUND,    ERROR_NOT_SUPPORTED,
		ERROR_DISK_FULL,	   ERROR_ABANDONED_WAIT_0,  ERROR_SEEK_ON_DEVICE,
		ERROR_FILE_TOO_LARGE,	   ERROR_TOO_MANY_POSTS,
	};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (error == allowed[i])
			return;
	broken("error %u is none of those that a request fails with", error);
}

static void check(BOOL ok)
{
	if (!ok)
		check_error(GetLastError());
}

/* ---- requests ---- */

static DWORD status_of(const struct slot *s)
{
	return (DWORD)__atomic_load_n(&s->ov.Internal, __ATOMIC_ACQUIRE);
}

/* What may stand in Internal when a request is over. */
static void check_end(struct slot *s)
{
	static const DWORD allowed[] = {
		STATUS_SUCCESS,		STATUS_BUFFER_OVERFLOW,	   STATUS_END_OF_FILE,
		STATUS_CANCELLED,	STATUS_PIPE_BROKEN,	   STATUS_PIPE_DISCONNECTED,
		STATUS_PIPE_CLOSING,	STATUS_PIPE_CONNECTED,	   STATUS_PIPE_EMPTY,
		STATUS_PIPE_LISTENING,	STATUS_INVALID_PARAMETER,  STATUS_INVALID_DEVICE_REQUEST,
		STATUS_DISK_FULL,	STATUS_ACCESS_DENIED,	   STATUS_ACCESS_VIOLATION,
		STATUS_INVALID_HANDLE,	STATUS_FILE_CLOSED,
	};
	DWORD status = status_of(s), i;

	for (i = 0; i < sizeof(allowed) / sizeof(*allowed) && allowed[i] != status;)
		i++;
	if (i == sizeof(allowed) / sizeof(*allowed))
		broken("a request ended with status 0x%08x", status);
	if (!(status >> 31))
		PROMISE(s->ov.InternalHigh <= s->length);
	if (s->reads && s->ov.InternalHigh <= s->length)
		for (i = (DWORD)s->ov.InternalHigh; i < ROOM; i++)
			PROMISE_EQ(s->data[i], CANARY);
	s->pending = false;
}

static struct slot *take_slot(struct input *in, bool reads)
{
	struct slot *s = &slots[take_below(in, SLOTS)];

	if (s->pending && status_of(s) == STATUS_PENDING)
		return NULL;
	if (s->pending)
		check_end(s);
	/* The routine gets it yet. */
	if (s->routines)
		return NULL;
	memset(&s->ov, 0, sizeof(s->ov));
	memset(s->data, CANARY, sizeof(s->data));
	s->reads = reads;
	s->length = take_uint16(in) % (ROOM + 1);
	return s;
}

static HANDLE take_handle(struct input *in)
{
	uint8_t which = take_uint8(in);

	if (which < 240)
		return handles[which % HANDLES].h;
	switch (which % 4) {
	case 0:
		return INVALID_HANDLE_VALUE;
	case 1:
		return GetCurrentThread();
	case 2:
		return fuzzer;
	default:
		return (HANDLE)(ULONG_PTR)take_uint16(in);
	}
}

static bool is_port(HANDLE h)
{
	for (int i = 0; i < HANDLES; i++)
		if (handles[i].h == h && handles[i].kind == PORT)
			return true;
	return false;
}

/* The caller was told @ok and @error by the call that was to begin it. */
static void begun(struct slot *s, BOOL ok, DWORD error)
{
	if (ok || error == ERROR_MORE_DATA) {
		PROMISE(status_of(s) != STATUS_PENDING);
		check_end(s);
	} else if (error == ERROR_IO_PENDING) {
		s->pending = true;
	} else {
		check_error(error);
	}
}

static void set_event(struct input *in, OVERLAPPED *ov)
{
	uint8_t which = take_uint8(in);

	if (which & 0x40)
		ov->hEvent = (HANDLE)((ULONG_PTR)handles[which % HANDLES].h | (which >> 7));
	ov->Offset = which & 0x20 ? take_uint32(in) % 4096 : 0;
	if ((which & 0x30) == 0x30)
		ov->OffsetHigh = ov->Offset = which & 8 ? 0xFFFFFFFF : 0x80000000;
}

static void read_or_write(struct input *in)
{
	HANDLE h = take_handle(in);
	bool reads = take_uint8(in) & 1;
	struct slot *s = take_slot(in, reads);
	BOOL ok;

	if (!s)
		return;
	set_event(in, &s->ov);
	SetLastError(0);
	begin_block(NULL);
	ok = reads ? ReadFile(h, s->data, s->length, NULL, &s->ov) :
		     WriteFile(h, s->data, s->length, NULL, &s->ov);
	end_block();
	begun(s, ok, GetLastError());
}

static void CALLBACK routine(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	struct slot *s = (struct slot *)((char *)ov - offsetof(struct slot, ov));

	PROMISE(s->routines-- > 0);
	PROMISE(status_of(s) != STATUS_PENDING);
	if (error)
		check_error(error);
	PROMISE(bytes <= s->length);
	if (s->pending)
		check_end(s);
}

static void read_or_write_ex(struct input *in)
{
	HANDLE h = take_handle(in);
	bool reads = take_uint8(in) & 1;
	struct slot *s = take_slot(in, reads);
	BOOL ok;

	if (!s)
		return;
	set_event(in, &s->ov);
	SetLastError(0);
	begin_block(NULL);
	ok = reads ? ReadFileEx(h, s->data, s->length, &s->ov, routine) :
		     WriteFileEx(h, s->data, s->length, &s->ov, routine);
	end_block();
	if (ok)
		s->routines = 1;
	s->pending = ok;
	if (!ok)
		check_error(GetLastError());
}

/* Without an OVERLAPPED, and on whatever handle: what would wait is relieved. */
static void read_or_write_sync(struct input *in)
{
	static uint8_t data[ROOM];
	HANDLE h = take_handle(in);
	uint8_t how = take_uint8(in);
	DWORD length = take_uint16(in) % (ROOM + 1), moved = 77;
	BOOL ok;

	memset(data, CANARY, sizeof(data));
	SetLastError(0);
	begin_block(h);
	ok = how & 1 ? ReadFile(h, data, length, &moved, NULL) :
		       WriteFile(h, data, length, &moved, NULL);
	end_block();
	PROMISE(moved <= length);
	check(ok);
	for (DWORD i = how & 1 ? moved : 0; i < ROOM; i++)
		PROMISE_EQ(data[i], CANARY);
}

/* ---- cancels and results ---- */

static void cancel(struct input *in)
{
	HANDLE h = take_handle(in);
	uint8_t how = take_uint8(in);

	if (how % 3 == 0)
		check(CancelIo(h));
	else
		check(CancelIoEx(h, how % 3 == 1 ? NULL : &slots[how % SLOTS].ov));
}

static void result(struct input *in)
{
	HANDLE h = take_handle(in);
	struct slot *s = &slots[take_below(in, SLOTS)];
	DWORD bytes = 77, before = status_of(s);
	uint8_t how = take_uint8(in);
	BOOL ok;

	SetLastError(0);
	ok = how & 1 ? GetOverlappedResult(h, &s->ov, &bytes, FALSE) :
		       GetOverlappedResultEx(h, &s->ov, &bytes, how & 2 ? 1 : 0, how & 4);
	if (before != STATUS_PENDING && ok)
		PROMISE_EQ(bytes, (DWORD)s->ov.InternalHigh);
	if (how & 1 && !ok && before != STATUS_PENDING)
		PROMISE(GetLastError() != ERROR_IO_INCOMPLETE);
	check(ok);
}

static void wait_for(struct input *in)
{
	uint8_t how = take_uint8(in), count = take_uint8(in) % (HANDLES + 1);
	HANDLE set[HANDLES];
	DWORD n;

	if (how & 1) {
		n = SleepEx(how & 2, TRUE);
		PROMISE(n == 0 || n == WAIT_IO_COMPLETION);
		return;
	}
	for (int i = 0; i < count; i++)
		set[i] = take_handle(in);
	n = WaitForMultipleObjectsEx(count, set, how & 2, how & 4 ? 1 : 0, how & 8);
	if (n == WAIT_FAILED)
		check_error(GetLastError());
	else
		PROMISE(n < count || n == WAIT_TIMEOUT || n == WAIT_IO_COMPLETION);
}

static void check_packet(LPOVERLAPPED ov)
{
	/* Posts have others than requests. */
	if (ov < &slots[0].ov || ov > &slots[SLOTS - 1].ov)
		return;
	PROMISE(((char *)ov - (char *)slots) % sizeof(*slots) == offsetof(struct slot, ov));
}

static void port(struct input *in)
{
	HANDLE h = take_handle(in), other;
	uint8_t how = take_uint8(in);
	OVERLAPPED_ENTRY entries[4];
	LPOVERLAPPED ov = NULL;
	ULONG_PTR key;
	DWORD bytes;
	ULONG n = 0;

	switch (how % 5) {
	case 0:
		other = take_handle(in);
		check(CreateIoCompletionPort(h, other, how, how & 3) != NULL);
		break;
	case 1:
		check(PostQueuedCompletionStatus(h, how, 1, (LPOVERLAPPED)(ULONG_PTR)how));
		break;
	case 2:
		check(SetFileCompletionNotificationModes(h, how >> 4));
		break;
	case 3:
		check(GetQueuedCompletionStatus(h, &bytes, &key, &ov, how & 8 ? 1 : 0));
		check_packet(ov);
		break;
	default:
		check(GetQueuedCompletionStatusEx(h, entries, how & 3, &n, 0, how & 8));
		PROMISE(n <= (how & 3u));
		break;
	}
}

/* ---- handles ---- */

static void forget(int i)
{
	if (!handles[i].h)
		return;
	PROMISE(CloseHandle(handles[i].h));
	handles[i].h = NULL;
	handles[i].kind = NOTHING;
}

static HANDLE open_named(const char *name, DWORD access, DWORD flags)
{
	HANDLE h;

	/* A FIFO's open waits for the other end. Relief may come late, and end any open. */
	begin_block(NULL);
	h = CreateFileA(name, access, 7, NULL, OPEN_ALWAYS, flags, NULL);
	end_block();
	check(h != INVALID_HANDLE_VALUE);
	return h == INVALID_HANDLE_VALUE ? NULL : h;
}

static HANDLE serve(struct input *in, DWORD flags)
{
	uint8_t how = take_uint8(in);
	HANDLE h = CreateNamedPipeA(base, (how & 3) | flags, (how >> 2 & 6), 3, how, how, 0, NULL);

	check(h != INVALID_HANDLE_VALUE);
	return h == INVALID_HANDLE_VALUE ? NULL : h;
}

static void make_handle(struct input *in)
{
	uint8_t how = take_uint8(in), mode = take_uint8(in);
	DWORD flags = how & 0x80 ? 0 : FILE_FLAG_OVERLAPPED;
	int i = how % HANDLES;

	forget(i);
	handles[i].kind = (enum kind)(mode % KINDS);
	switch (handles[i].kind) {
	case FIFO_READ:
		handles[i].h = open_named("in", GENERIC_READ, flags);
		break;
	case FIFO_WRITE:
		handles[i].h = open_named("out", GENERIC_WRITE, flags);
		break;
	case REGULAR:
		handles[i].h = open_named("file", GENERIC_READ | GENERIC_WRITE, flags);
		break;
	case PIPE_SERVER:
		handles[i].h = serve(in, flags);
		break;
	case PIPE_CLIENT:
		handles[i].h = open_named(base, (DWORD)(mode & 0xC0) << 24, flags);
		break;
	case EVENT:
		handles[i].h = CreateEventA(NULL, mode & 0x40, mode & 0x80, NULL);
		break;
	case PORT:
		handles[i].h = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, mode >> 6);
		break;
	default:
		break;
	}
	if (!handles[i].h)
		handles[i].kind = NOTHING;
}

static void change_handle(struct input *in)
{
	uint8_t how = take_uint8(in);
	HANDLE h = take_handle(in), copy = NULL;
	DWORD mode = how >> 4, state, unread;

	switch (how % 8) {
	case 0:
		forget(how >> 3 & 7);
		break;
	case 1:
		/* A port has no second handle; others do. */
		if (is_port(h))
			return;
		check(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
				      DUPLICATE_SAME_ACCESS));
		if (copy)
			PROMISE(CloseHandle(copy));
		break;
	case 2:
		check(how & 8 ? SetEvent(h) : ResetEvent(h));
		break;
	case 3:
		check(SetNamedPipeHandleState(h, &mode, NULL, NULL));
		break;
	case 4:
		check(GetNamedPipeHandleStateA(h, &state, NULL, NULL, NULL, NULL, 0));
		break;
	case 5:
		check(PeekNamedPipe(h, NULL, 0, NULL, &unread, NULL));
		break;
	case 6:
		check(SetFilePointer(h, how, NULL, how >> 6) != INVALID_SET_FILE_POINTER);
		break;
	default:
		begin_block(h);
		check(FlushFileBuffers(h));
		end_block();
		break;
	}
}

static void connect_pipe(struct input *in)
{
	HANDLE h = take_handle(in);
	uint8_t how = take_uint8(in);
	struct slot *s;
	BOOL ok;

	if (how & 1) {
		check(DisconnectNamedPipe(h));
		return;
	}
	s = how & 2 ? NULL : take_slot(in, false);
	if (!(how & 2) && !s)
		return;
	SetLastError(0);
	begin_block(h);
	ok = ConnectNamedPipe(h, s ? &s->ov : NULL);
	end_block();
	if (s)
		begun(s, ok, GetLastError());
	else
		check(ok);
}

static void peer(struct input *in)
{
	uint8_t data[256] = { 0 };
	uint8_t how = take_uint8(in);
	ssize_t n;

	own_write = 1;
	n = how & 1 ? write(peers[0], data, how) : read(peers[1], data, how);
	own_write = 0;
	(void)n;
	if (how == 0xFE && peers[0] >= 0) {
		close(peers[0]);
		peers[0] = -1;
	} else if (how == 0xFC && peers[1] >= 0) {
		close(peers[1]);
		peers[1] = -1;
	}
}

/* ---- an input ---- */

static void prepare(void)
{
	static bool made;
	int keep, file;

	if (!made)
		PROMISE(mkfifo("in", 0600) == 0 && mkfifo("out", 0600) == 0);
	made = true;
	file = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	PROMISE(file >= 0);
	close(file);
	keep = open("in", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	peers[0] = open("in", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	peers[1] = open("out", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	PROMISE(keep >= 0 && peers[0] >= 0 && peers[1] >= 0);
	memset(slots, 0, sizeof(slots));
	handles[0].h = open_named("in", GENERIC_READ, FILE_FLAG_OVERLAPPED);
	handles[1].h = open_named("out", GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	handles[2].h = open_named("file", GENERIC_READ | GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	handles[3].h = CreateEventA(NULL, TRUE, FALSE, NULL);
	handles[0].kind = FIFO_READ;
	handles[1].kind = FIFO_WRITE;
	handles[2].kind = REGULAR;
	handles[3].kind = EVENT;
	close(keep);
}

static bool all_over(void)
{
	for (struct slot *s = slots; s < slots + SLOTS; s++) {
		if (s->pending && status_of(s) != STATUS_PENDING)
			check_end(s);
		if (s->pending || s->routines)
			return false;
	}
	return true;
}

/* Every file is closed, so all that was pending ends, and every routine runs. */
static void finish(void)
{
	uint64_t deadline = now_ms() + PATIENCE_MS;

	for (int i = 0; i < HANDLES; i++)
		forget(i);
	while (!all_over()) {
		if (now_ms() > deadline)
			broken("a request has not ended, or its routine not run");
		SleepEx(all_over() ? 0 : 1, TRUE);
	}
	/* None that runs twice, and none for a request that was never accepted. */
	SleepEx(0, TRUE);
	for (int i = 0; i < 2; i++)
		if (peers[i] >= 0)
			close(peers[i]);
	PROMISE_EQ(unlink("file"), 0);
}

static void step(struct input *in)
{
	static void (*const kinds[])(struct input *in) = {
		read_or_write, read_or_write, read_or_write_ex, read_or_write_sync, cancel, result,
		wait_for, port, make_handle, make_handle, change_handle, connect_pipe, peer,
	};

	kinds[take_below(in, sizeof(kinds) / sizeof(*kinds))](in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	prepare();
	for (int i = 0; i < STEPS && left(&in); i++)
		step(&in);
	finish();
	return 0;
}
