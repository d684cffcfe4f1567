// SPDX-License-Identifier: MIT
/*
 * The library: synchronous calls, and requests that tell of their end by an event, by a routine,
 * by a packet. A thread for each of these; the first one of the process cancels what they do.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <windows.h>
#include <cancellationscope.h>
#include <ntddcancelio.h>

#include "stress.h"

enum { BY_CALL, BY_EVENT, BY_ROUTINE, BY_PACKET, HOWS, MORE = 4 };

/* A lane with what Windows wants of its requests. */
struct place {
	OVERLAPPED ov;
	struct lane *lane;
	HANDLE event, h;
	struct user *user;
	bool pending;
};

struct user {
	int how;
	struct rng rng;
	HANDLE thread, stream, store, port;
	struct place places[MORE];
	int count;
	atomic_bool over;
};

static struct user users[HOWS];
/* That nobody has bound to anything. */
static HANDLE bystander;

static long errno_of(DWORD error)
{
	switch (error) {
	case ERROR_OPERATION_ABORTED:
		return -ECANCELED;
	case ERROR_IO_DEVICE:
		return -EIO;
	case ERROR_NOT_READY:
		return -EAGAIN;
	case ERROR_DEVICE_NOT_CONNECTED:
		return -ESHUTDOWN;
	case ERROR_FILE_NOT_FOUND:
		return -ENODEV;
	default:
		return -(long)(100000 + error);
	}
}

static bool goes_on(void)
{
	return atomic_load(&EP->phase) != STOP && !atomic_load(&shared->failed) &&
	       !atomic_load(&EP->pulled);
}

static HANDLE open_handle(const char *path, DWORD flags)
{
	HANDLE h;

	do {
		h = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
				NULL, OPEN_EXISTING, flags, NULL);
		if (h != INVALID_HANDLE_VALUE)
			return h;
		if (GetLastError() != ERROR_OPERATION_ABORTED && GetLastError() != ERROR_IO_DEVICE &&
		    GetLastError() != ERROR_DEVICE_NOT_CONNECTED && !atomic_load(&EP->pulled))
			fail("CreateFile: error %u", (unsigned int)GetLastError());
		Sleep(1);
	} while (goes_on());
	return INVALID_HANDLE_VALUE;
}

/* ---- what is done ---- */

static enum op choose(struct user *user)
{
	uint32_t n = any(&user->rng, EP->device ? 12 : 7);

	if (atomic_load(&EP->phase) != RUN || n < 3)
		return READ;
	if (n < 7)
		return WRITE;
	if (n < 9 || user->store == INVALID_HANDLE_VALUE)
		return SREAD;
	if (n < 11 || user->how == BY_ROUTINE)
		return SWRITE;
	return CONTROL;
}

/* Since its end nobody has touched it. */
static void check_untouched(struct place *p)
{
	static const unsigned char ends[sizeof(OVERLAPPED)] = { [0 ... sizeof(OVERLAPPED) - 1] = 0xee };

	if (p->ov.Internal && memcmp(&p->ov, ends, sizeof(p->ov)))
		fail("an OVERLAPPED was written to after its end");
}

static void place_ended(struct place *p, DWORD error, DWORD bytes)
{
	struct lane *lane = p->lane;
	bool moves = lane->len > 0;

	/* A routine is told of no bytes with an error; of a write that was cut they stand there. */
	if (error && !bytes && p->user->how == BY_ROUTINE && p->pending)
		bytes = (DWORD)p->ov.InternalHigh;
	if (!p->pending) {
		fail("a request of the library's has ended twice (how %d, error %u)", p->user->how,
		     (unsigned int)error);
		return;
	}
	p->pending = false;
	if (!HasOverlappedIoCompleted(&p->ov))
		fail("the end was told, and Internal is STATUS_PENDING (how %d)", p->user->how);
	if (p->ov.InternalHigh != bytes)
		fail("%u bytes were told, and InternalHigh is %u (how %d)", (unsigned int)bytes,
		     (unsigned int)p->ov.InternalHigh, p->user->how);
	if (error)
		lane_end(lane, errno_of(error), moves ? bytes : 0);
	else
		lane_end(lane, moves ? (long)bytes : 0, moves ? bytes : 0);
	memset(&p->ov, 0xee, sizeof(p->ov));
}

static VOID WINAPI routine(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	place_ended((struct place *)ov, error, bytes);
}

static BOOL issue(struct place *p, enum op op)
{
	static struct cancelio_info none, info[HOWS * MORE];
	struct lane *lane = p->lane;
	struct cancelio_info *to = &info[lane - users[0].places[0].lane];
	bool routines = p->user->how == BY_ROUTINE;

	switch (op) {
	case READ:
	case SREAD:
		return routines ? ReadFileEx(p->h, lane->buf, lane->len, &p->ov, routine) :
				  ReadFile(p->h, lane->buf, lane->len, NULL, &p->ov);
	case WRITE:
	case SWRITE:
		return routines ? WriteFileEx(p->h, lane->buf, lane->len, &p->ov, routine) :
				  WriteFile(p->h, lane->buf, lane->len, NULL, &p->ov);
	default:
		return DeviceIoControl(p->h, IOCTL_CANCELIO_INFO, &none, sizeof(none), to,
				       sizeof(*to), NULL, &p->ov);
	}
}

static void start(struct place *p, enum op op)
{
	struct user *user = p->user;
	struct lane *lane = p->lane;
	DWORD error;

	check_untouched(p);
	p->h = op == READ || op == WRITE ? user->stream : user->store;
	if (p->h == INVALID_HANDLE_VALUE || !lane_begin(lane, op, &user->rng))
		return;
	memset(&p->ov, 0, sizeof(p->ov));
	p->ov.hEvent = p->event;
	if (op == SREAD || op == SWRITE)
		p->ov.Offset = lane->first * BLOCK;
	p->pending = true;
	SetLastError(0);
	if (issue(p, op))
		return; /* its end is told in the usual way */
	error = GetLastError();
	if (error == ERROR_IO_PENDING)
		return;
	/* Nothing more comes of it. What it had moved before stands in the OVERLAPPED. */
	p->pending = false;
	lane_end(lane, errno_of(error), lane->len ? (uint32_t)p->ov.InternalHigh : 0);
	memset(&p->ov, 0xee, sizeof(p->ov));
}

/* ---- how the end is seen ---- */

static void see_event(struct user *user)
{
	HANDLE events[MORE];
	struct place *of[MORE];
	DWORD n = 0, got, bytes = 0;
	BOOL ok;

	for (int i = 0; i < user->count; i++)
		if (user->places[i].pending) {
			of[n] = &user->places[i];
			events[n++] = user->places[i].event;
		}
	if (!n) {
		SleepEx(1, FALSE);
		return;
	}
	got = WaitForMultipleObjects(n, events, FALSE, 2);
	if (got == WAIT_TIMEOUT)
		return;
	if (got >= n) {
		fail("WaitForMultipleObjects: %u, error %u", (unsigned int)got,
		     (unsigned int)GetLastError());
		return;
	}
	if (!HasOverlappedIoCompleted(&of[got]->ov))
		fail("an event was set before its request had ended");
	ok = GetOverlappedResult(of[got]->h, &of[got]->ov, &bytes, FALSE);
	place_ended(of[got], ok ? 0 : GetLastError(), bytes);
}

static void see_packet(struct user *user)
{
	OVERLAPPED_ENTRY e[4];
	LPOVERLAPPED ov = NULL;
	ULONG_PTR key = 0;
	DWORD n = 0;
	BOOL ok;

	if (one_in(&user->rng, 2)) {
		ok = GetQueuedCompletionStatus(user->port, &n, &key, &ov, 2);
		if (!ok && !ov)
			return;
		if (key != 7)
			fail("a packet with the key %lu", (unsigned long)key);
		place_ended((struct place *)ov, ok ? 0 : GetLastError(), n);
		return;
	}
	if (!GetQueuedCompletionStatusEx(user->port, e, 4, &n, 2, FALSE))
		return;
	for (DWORD i = 0; i < n; i++) {
		struct place *p = (struct place *)e[i].lpOverlapped;
		DWORD bytes = 0, error;

		if (!p->pending) {
			fail("a packet of a request that has ended");
			return;
		}
		ok = GetOverlappedResult(p->h, &p->ov, &bytes, FALSE);
		error = ok ? 0 : GetLastError();
		if (bytes != e[i].dwNumberOfBytesTransferred)
			fail("the packet says %u bytes, the OVERLAPPED %u",
			     (unsigned int)e[i].dwNumberOfBytesTransferred, (unsigned int)bytes);
		place_ended(p, error, bytes);
	}
}

static void see(struct user *user)
{
	if (user->how == BY_EVENT)
		see_event(user);
	else if (user->how == BY_ROUTINE)
		SleepEx(2, TRUE);
	else
		see_packet(user);
}

/* ---- threads ---- */

static int pending_of(struct user *user)
{
	int count = 0;

	for (int i = 0; i < user->count; i++)
		count += user->places[i].pending;
	return count;
}

static void open_both(struct user *user)
{
	DWORD flags = user->how == BY_CALL ? 0 : FILE_FLAG_OVERLAPPED;

	user->stream = open_handle(EP->stream, flags);
	if (user->how == BY_PACKET && user->stream != INVALID_HANDLE_VALUE &&
	    !CreateIoCompletionPort(user->stream, user->port, 7, 0))
		fail("CreateIoCompletionPort: error %u", (unsigned int)GetLastError());
}

static void open_more(struct user *user)
{
	user->store = INVALID_HANDLE_VALUE;
	if (!EP->device)
		return;
	user->store = open_handle(EP->store, user->how == BY_CALL ? 0 : FILE_FLAG_OVERLAPPED);
	if (user->how == BY_PACKET && user->store != INVALID_HANDLE_VALUE &&
	    !CreateIoCompletionPort(user->store, user->port, 7, 0))
		fail("CreateIoCompletionPort: error %u", (unsigned int)GetLastError());
}

/* Its requests there are given back. */
static void close_with_requests(struct user *user)
{
	count_cancel(BY_CLOSE);
	if (user->stream == INVALID_HANDLE_VALUE || !CloseHandle(user->stream))
		return;
	for (int i = 0; i < user->count; i++) {
		struct place *p = &user->places[i];

		if (p->pending && p->h == user->stream)
			p->h = NULL;
	}
	open_both(user);
}

static void cancel_somehow(struct user *user)
{
	struct place *p = &user->places[any(&user->rng, (uint32_t)user->count)];

	if (!p->pending || !p->h)
		return;
	count_cancel(BY_WIN32);
	switch (any(&user->rng, 8)) {
	case 0:
		CancelIo(p->h);
		break;
	case 1:
		CancelIoEx(p->h, NULL);
		break;
	default:
		if (!CancelIoEx(p->h, &p->ov) && GetLastError() != ERROR_NOT_FOUND)
			fail("CancelIoEx: error %u", (unsigned int)GetLastError());
	}
}

/* In a lull nobody writes. */
static bool may_start(void)
{
	return atomic_load(&EP->phase) == RUN || door_reads(DOOR_WIN32);
}

static DWORD WINAPI overlapped_main(LPVOID arg)
{
	struct user *user = arg;

	open_both(user);
	open_more(user);
	while (goes_on()) {
		for (int i = 0; i < user->count; i++)
			if (!user->places[i].pending && may_start() && !one_in(&user->rng, 3))
				start(&user->places[i], op_allowed(DOOR_WIN32, choose(user)));
		if (EP->cancels && atomic_load(&EP->phase) == RUN && one_in(&user->rng, 3))
			cancel_somehow(user);
		if (EP->cancels && atomic_load(&EP->phase) == RUN && one_in(&user->rng, 100))
			close_with_requests(user);
		see(user);
	}
	for (int i = 0; i < user->count; i++)
		if (user->places[i].pending && user->places[i].h)
			CancelIoEx(user->places[i].h, &user->places[i].ov);
	while (pending_of(user) && !atomic_load(&shared->failed))
		see(user);
	/* No second notice of anything. */
	see(user);
	CloseHandle(user->stream);
	CloseHandle(user->store);
	atomic_store(&user->over, true);
	return 0;
}

static void call_once(struct user *user, struct lane *lane, enum op op)
{
	HANDLE h = op == READ || op == WRITE ? user->stream : user->store;
	struct cancelio_info info = { 0 };
	OVERLAPPED at = { .Offset = lane->first * BLOCK };
	LPOVERLAPPED ov = op == SREAD || op == SWRITE ? &at : NULL;
	DWORD n = 0;
	BOOL ok;

	if (op == CONTROL)
		ok = DeviceIoControl(h, IOCTL_CANCELIO_INFO, &info, sizeof(info), &info,
				     sizeof(info), &n, NULL);
	else if (op == READ || op == SREAD)
		ok = ReadFile(h, lane->buf, lane->len, &n, ov);
	else
		ok = WriteFile(h, lane->buf, lane->len, &n, ov);
	if (op == CONTROL)
		n = 0;
	lane_end(lane, ok ? (long)n : errno_of(GetLastError()), n);
}

static DWORD WINAPI call_main_win32(LPVOID arg)
{
	struct user *user = arg;
	struct lane *lane = user->places[0].lane;

	open_both(user);
	open_more(user);
	while (goes_on()) {
		enum op op = op_allowed(DOOR_WIN32, choose(user));
		HANDLE scope = NULL;

		if (!may_start()) {
			Sleep(1);
			continue;
		}
		if (op > WRITE && user->store == INVALID_HANDLE_VALUE)
			continue;
		if (!lane_begin(lane, op, &user->rng))
			continue;
		if (EP->cancels && atomic_load(&EP->phase) == RUN && one_in(&user->rng, 4)) {
			scope = CreateCancellationScope(NULL, 0);
			EnterCancellationScope(scope);
			SetCancellationScopeTimeout(scope, any(&user->rng, 20));
			count_cancel(BY_SCOPE);
		}
		call_once(user, lane, op);
		if (scope) {
			LeaveCancellationScope(scope);
			CloseHandle(scope);
		}
	}
	CloseHandle(user->stream);
	CloseHandle(user->store);
	atomic_store(&user->over, true);
	return 0;
}

/* Once for a flight, when the library says that it has reached it. */
static void stop_caller(struct user *user, uint32_t *asked)
{
	struct lane *lane = user->places[0].lane;
	uint32_t serial = atomic_load(&lane->serial);

	if (atomic_load(&user->over) || (lane_busy(lane) && *asked == serial))
		return;
	if (CancelSynchronousIo(user->thread) && lane_busy(lane) &&
	    atomic_load(&lane->serial) == serial) {
		*asked = serial;
		count_cancel(BY_WIN32);
	}
}

static void user_start(int spawn, int how, int *used)
{
	struct user *user = &users[how];

	user->how = how;
	user->rng = rng_of(EP->number, spawn, how + 1);
	user->count = how == BY_CALL ? 1 : MORE;
	for (int i = 0; i < user->count; i++) {
		struct place *p = &user->places[i];

		p->user = user;
		p->lane = &BOOK->lanes[spawn * SPAWN_LANES + (*used)++];
		p->lane->door = DOOR_WIN32;
		if (how == BY_EVENT)
			p->event = CreateEventA(NULL, i % 2, FALSE, NULL);
	}
	if (how == BY_PACKET)
		user->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	user->thread = CreateThread(NULL, 0, how == BY_CALL ? call_main_win32 : overlapped_main,
				    user, 0, NULL);
	if (!user->thread)
		fail("CreateThread: error %u", (unsigned int)GetLastError());
}

void win32_worker(int spawn)
{
	struct rng rng = rng_of(EP->number, spawn, 0);
	HANDLE threads[HOWS];
	uint32_t asked = 0;
	int used = 0;

	bystander = CreateEventA(NULL, TRUE, FALSE, NULL);
	for (int how = 0; how < HOWS; how++) {
		user_start(spawn, how, &used);
		threads[how] = users[how].thread;
	}
	while (goes_on()) {
		if (atomic_load(&EP->phase) == RUN && EP->cancels && one_in(&rng, 3)) {
			CancelSynchronousIo(users[any(&rng, HOWS)].thread);
			count_cancel(BY_WIN32);
		}
		if (WaitForSingleObject(bystander, any(&rng, 4)) != WAIT_TIMEOUT)
			fail("an event that is bound to nothing was set");
	}
	while (WaitForMultipleObjects(HOWS, threads, TRUE, 20) == WAIT_TIMEOUT &&
	       !atomic_load(&shared->failed))
		stop_caller(&users[BY_CALL], &asked);
	if (WaitForSingleObject(bystander, 0) != WAIT_TIMEOUT)
		fail("an event that is bound to nothing was set");
}
