/* SPDX-License-Identifier: MIT */
/* The lines of test_chaos, what is written to them and read, and the requests that say so. */
#ifndef CHAOS_H
#define CHAOS_H

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

#include "host.h"

enum { LINES = 6, MOST = 64, RECORDS = 1 << 22 };
enum { SYNC, BY_EVENT, BY_PORT, BY_POOL }; /* how a line is read */

static struct line {
	int how;
	HANDLE in, out, out_overlapped;
	int rest; /* the host's end for reading */
	PTP_IO io;
	atomic_uint next;
	atomic_uchar written[RECORDS], seen[RECORDS];
} lines[LINES];

/* A request whose end is told of by a routine, a packet or a callback. */
struct request {
	OVERLAPPED ov;
	struct line *line;
	uint64_t data[MOST];
	atomic_int due;
};

static HANDLE port;
static atomic_long requests_due, posts_due, aborted, ended;
static __thread unsigned int seed;

static unsigned int any(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

/* ---- the records ---- */

static void count_read(struct line *line, const uint64_t *data, DWORD bytes)
{
	CHECK_EQ(bytes % 8, 0);
	for (DWORD i = 0; i < bytes / 8; i++) {
		CHECK(data[i] < atomic_load(&line->next));
		CHECK_EQ(atomic_fetch_add(&line->seen[data[i]], 1), 0);
	}
}

/* Of a pipe's atomic writes each is taken whole or not at all. */
static DWORD prepare_write(struct line *line, uint64_t *data, unsigned int *first)
{
	unsigned int count = 1 + any(MOST);

	*first = atomic_fetch_add(&line->next, count);
	CHECK(*first + count < RECORDS);
	for (unsigned int i = 0; i < count; i++)
		data[i] = *first + i;
	return count * 8;
}

static void count_written(struct line *line, unsigned int first, DWORD bytes)
{
	for (DWORD i = 0; i < bytes / 8; i++)
		atomic_store(&line->written[first + i], 1);
}

/* What a request may end with. */
static void check_end(BOOL ok, DWORD error, DWORD bytes)
{
	atomic_fetch_add(ok ? &ended : &aborted, 1);
	if (ok)
		return;
	CHECK_EQ(error, ERROR_OPERATION_ABORTED);
	CHECK_EQ(bytes, 0);
}

static bool room(struct line *line)
{
	return atomic_load(&line->next) < RECORDS - 100 * MOST;
}

/* ---- requests ---- */

static void request_ends(struct request *r, DWORD error, DWORD bytes)
{
	CHECK_EQ(atomic_fetch_sub(&r->due, 1), 1);
	CHECK(HasOverlappedIoCompleted(&r->ov));
	CHECK_EQ(r->ov.InternalHigh, bytes);
	check_end(!error, error, bytes);
	count_read(r->line, r->data, bytes);
	memset(r, 0xee, sizeof(*r));
	free(r);
	atomic_fetch_sub(&requests_due, 1);
}

static struct request *request_new(struct line *line)
{
	struct request *r = calloc(1, sizeof(*r));

	r->line = line;
	atomic_store(&r->due, 1);
	atomic_fetch_add(&requests_due, 1);
	return r;
}

static VOID WINAPI routine(DWORD error, DWORD bytes, LPOVERLAPPED ov)
{
	request_ends((struct request *)ov, error, bytes);
}

static VOID CALLBACK pool_callback(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID ov,
				   ULONG error, ULONG_PTR bytes, PTP_IO io)
{
	(void)instance;
	(void)context;
	(void)io;
	request_ends(ov, error, (DWORD)bytes);
}

static DWORD WINAPI port_main(LPVOID arg)
{
	OVERLAPPED_ENTRY e[4];
	LPOVERLAPPED ov;
	ULONG_PTR key;
	DWORD n;

	(void)arg;
	for (;;) {
		BOOL ok = GetQueuedCompletionStatus(port, &n, &key, &ov, 5);

		if (!ok && !ov) {
			if (GetLastError() == ERROR_ABANDONED_WAIT_0 ||
			    GetLastError() == ERROR_INVALID_HANDLE)
				return 0; /* closed */
			CHECK_EQ(GetLastError(), WAIT_TIMEOUT);
			if (GetQueuedCompletionStatusEx(port, e, 4, &n, 5, FALSE))
				for (DWORD i = 0; i < n; i++)
					e[i].lpCompletionKey == 7 ?
						(void)atomic_fetch_sub(&posts_due, 1) :
						request_ends((struct request *)e[i].lpOverlapped,
							     e[i].lpOverlapped->Internal ? 995 : 0,
							     e[i].dwNumberOfBytesTransferred);
		} else if (key == 7) {
			atomic_fetch_sub(&posts_due, 1);
		} else {
			request_ends((struct request *)ov, ok ? 0 : GetLastError(), n);
		}
	}
}

/* ---- lines ---- */

static struct line *line_read(int how)
{
	for (;;) {
		struct line *line = &lines[any(LINES)];

		if (line->how == how)
			return line;
	}
}

static DWORD length(void)
{
	return 8 * (1 + any(MOST));
}

static void line_open(struct line *line, int n)
{
	char name[16];
	const char *path;
	int both;

	snprintf(name, sizeof(name), "line%d", n);
	path = host_path(name);
	line->how = n % 4;
	CHECK_EQ(mkfifo(path, 0600), 0);
	both = open(path, O_RDWR | O_CLOEXEC);
	line->in = host_open(path, GENERIC_READ, line->how ? FILE_FLAG_OVERLAPPED : 0);
	line->out = host_open(path, GENERIC_WRITE, 0);
	line->out_overlapped = host_open(path, GENERIC_WRITE, FILE_FLAG_OVERLAPPED);
	line->rest = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(both >= 0 && line->rest >= 0 && line->in != INVALID_HANDLE_VALUE &&
	      line->out != INVALID_HANDLE_VALUE && line->out_overlapped != INVALID_HANDLE_VALUE);
	close(both);
	if (line->how == BY_PORT)
		CHECK(CreateIoCompletionPort(line->in, port, 5, 0) == port);
	if (line->how == BY_POOL)
		CHECK(line->io = CreateThreadpoolIo(line->in, pool_callback, NULL, NULL));
}

static void line_close(struct line *line)
{
	uint64_t data[512];
	ssize_t n;

	if (line->io) {
		WaitForThreadpoolIoCallbacks(line->io, FALSE);
		CloseThreadpoolIo(line->io);
	}
	while ((n = read(line->rest, data, sizeof(data))) > 0)
		count_read(line, data, (DWORD)n);
	for (unsigned int i = 0; i < atomic_load(&line->next); i++)
		CHECK_EQ(atomic_load(&line->seen[i]), atomic_load(&line->written[i]));
	CHECK(CloseHandle(line->in));
	CHECK(CloseHandle(line->out));
	CHECK(CloseHandle(line->out_overlapped));
	close(line->rest);
}

#endif
