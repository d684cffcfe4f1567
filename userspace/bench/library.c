// SPDX-License-Identifier: MIT
/*
 * Cycles of the library, as a Windows program writes them, and of what stands below it.
 *
 * An overlapped read pends on a FIFO, is cancelled and waited for; its peer is fifo_uring in
 * cycles.c. A synchronous read finds its 64 bytes there; its peer is read(2) on the same file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <windows.h>

#include "bench.h"
#include "library.h"

#define BATCH		2000
#define READ_BATCH	900	/* 16 of these are less than a pipe holds */
#define MANY		10000
#define LEN		64
#define KEY		7

/* ---- what is read ---- */

static const char *path_new(const char *name)
{
	static char dir[] = "/tmp/bench.XXXXXX", path[64];

	if (strstr(dir, "XXXXXX") && !mkdtemp(dir))
		fail("no folder in /tmp");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static HANDLE file_open(const char *path, DWORD flags)
{
	HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
				  OPEN_EXISTING, flags, NULL);

	if (file == INVALID_HANDLE_VALUE)
		fail("CreateFileA: error %u", GetLastError());
	return file;
}

/* The writer's end stays open: else a read would end with ERROR_BROKEN_PIPE. */
static int fifo_make(const char *path)
{
	int fd;

	if (mkfifo(path, 0600))
		fail("no FIFO");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("the FIFO does not open");
	return fd;
}

/* ---- pend, cancel, collect ---- */

struct overlapped {
	OVERLAPPED ov;
	HANDLE file;
	unsigned char buf[LEN];
};

static void *fifo_setup(void)
{
	const char *path = path_new("fifo");
	static struct overlapped o;

	fifo_make(path);
	o.file = file_open(path, FILE_FLAG_OVERLAPPED);
	unlink(path);
	return &o;
}

static void *event_setup(void)
{
	struct overlapped *o = fifo_setup();

	o->ov.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!o->ov.hEvent)
		fail("CreateEventA: error %u", GetLastError());
	return o;
}

static void must_pend(struct overlapped *o)
{
	if (ReadFile(o->file, o->buf, sizeof(o->buf), NULL, &o->ov) ||
	    GetLastError() != ERROR_IO_PENDING)
		fail("the read does not pend: error %u", GetLastError());
}

static void overlapped_event(void *arg)
{
	struct overlapped *o = arg;
	DWORD bytes;

	must_pend(o);
	if (!CancelIoEx(o->file, &o->ov))
		fail("CancelIoEx: error %u", GetLastError());
	if (GetOverlappedResult(o->file, &o->ov, &bytes, TRUE) ||
	    GetLastError() != ERROR_OPERATION_ABORTED)
		fail("the read is not cancelled: error %u", GetLastError());
}

double lib_event(void)
{
	return measure(overlapped_event, event_setup(), BATCH);
}

void lib_event_exact(void)
{
	steady_print(&(struct steady){ "lib_event", event_setup, overlapped_event, false });
}

/* ---- the same through a completion port ---- */

static HANDLE port;

static void *port_setup(void)
{
	struct overlapped *o = fifo_setup();

	port = CreateIoCompletionPort(o->file, NULL, KEY, 1);
	if (!port)
		fail("CreateIoCompletionPort: error %u", GetLastError());
	return o;
}

static void overlapped_port(void *arg)
{
	struct overlapped *o = arg;
	LPOVERLAPPED ov = NULL;
	ULONG_PTR key = 0;
	DWORD bytes;

	must_pend(o);
	if (!CancelIoEx(o->file, &o->ov))
		fail("CancelIoEx: error %u", GetLastError());
	if (GetQueuedCompletionStatus(port, &bytes, &key, &ov, INFINITE) ||
	    GetLastError() != ERROR_OPERATION_ABORTED || ov != &o->ov || key != KEY)
		fail("the packet is not that of the cancelled read: error %u", GetLastError());
}

double lib_port(void)
{
	return measure(overlapped_port, port_setup(), BATCH);
}

void lib_port_exact(void)
{
	steady_print(&(struct steady){ "lib_port", port_setup, overlapped_port, false });
}

/* ---- a synchronous read, 64 bytes that are there ---- */

struct reads {
	HANDLE file;
	int fd;
	/* The number in front of the next 64 bytes. */
	uint64_t next;
	uint64_t buf[LEN / 8];
};

static void read_posix(void *arg)
{
	struct reads *r = arg;

	if (read(r->fd, r->buf, LEN) != LEN || r->buf[0] != r->next++)
		fail("read(2) has not read what is there");
}

static void read_win32(void *arg)
{
	struct reads *r = arg;
	DWORD bytes;

	if (!ReadFile(r->file, r->buf, LEN, &bytes, NULL) || bytes != LEN ||
	    r->buf[0] != r->next++)
		fail("ReadFile has not read what is there: error %u", GetLastError());
}

/* The file is at its beginning, and has as much as all batches read. */
static void *reads_new(const char *path, int fd)
{
	static struct reads r;
	uint64_t block[LEN / 8] = { 0 };

	for (; block[0] < (BATCHES + 1) * READ_BATCH; block[0]++)
		if (write(fd, block, LEN) != LEN)
			fail("the file or pipe is too small");
	lseek(fd, 0, SEEK_SET);
	r = (struct reads){ .fd = fd, .file = file_open(path, 0) };
	unlink(path);
	return &r;
}

static void *file_setup(void)
{
	const char *path = path_new("file");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		fail("no file");
	return reads_new(path, fd);
}

static void *pipe_setup(void)
{
	const char *path = path_new("fifo");
	int fd = fifo_make(path);

	if (fcntl(fd, F_SETPIPE_SZ, 1 << 20) < 0)
		fail("a pipe cannot have 1 MiB");
	return reads_new(path, fd);
}

double file_read(void)
{
	return measure(read_posix, file_setup(), READ_BATCH);
}

double lib_file(void)
{
	return measure(read_win32, file_setup(), READ_BATCH);
}

double pipe_read(void)
{
	return measure(read_posix, pipe_setup(), READ_BATCH);
}

double lib_pipe(void)
{
	return measure(read_win32, pipe_setup(), READ_BATCH);
}

void lib_file_exact(void)
{
	steady_print(&(struct steady){ "lib_file", file_setup, read_win32, false });
}

void lib_pipe_exact(void)
{
	steady_print(&(struct steady){ "lib_pipe", pipe_setup, read_win32, false });
}

/* ---- an event ---- */

static void set_and_wait(void *arg)
{
	if (!SetEvent(arg) || WaitForSingleObject(arg, INFINITE) != WAIT_OBJECT_0)
		fail("the event is not set");
}

static void *set_setup(void)
{
	return CreateEventA(NULL, FALSE, FALSE, NULL);
}

double lib_set(void)
{
	return measure(set_and_wait, set_setup(), BATCH);
}

void lib_set_exact(void)
{
	steady_print(&(struct steady){ "lib_set", set_setup, set_and_wait, true });
}

/* ---- one of many ---- */

/* Each by a handle of its own, so that the kernel has them all. */
static void pend_many(void)
{
	struct rlimit files = { MANY + 1000, MANY + 1000 };
	static struct overlapped many[MANY];
	const char *path = path_new("others");

	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("cannot have %d files open", MANY);
	fifo_make(path);
	for (int i = 0; i < MANY; i++) {
		many[i].file = file_open(path, FILE_FLAG_OVERLAPPED);
		must_pend(&many[i]);
	}
	unlink(path);
}

static void cancel_file(void *arg)
{
	struct overlapped *o = arg;
	DWORD bytes;

	must_pend(o);
	if (!CancelIoEx(o->file, NULL))
		fail("CancelIoEx: error %u", GetLastError());
	if (GetOverlappedResult(o->file, &o->ov, &bytes, TRUE) ||
	    GetLastError() != ERROR_OPERATION_ABORTED)
		fail("the read is not cancelled: error %u", GetLastError());
}

static void cancel_nothing(void *arg)
{
	struct overlapped *o = arg;

	if (CancelIoEx(o->file, NULL) || GetLastError() != ERROR_NOT_FOUND)
		fail("there was something to cancel");
}

static double cancel_cycle(void (*cycle)(void *), bool many)
{
	struct overlapped *o = event_setup();

	/* The library's thread is there from the first one on, and locks take more from then on. */
	overlapped_event(o);
	if (many)
		pend_many();
	return measure(cycle, o, BATCH);
}

double lib_cancel(void)
{
	return cancel_cycle(cancel_file, false);
}

double lib_cancel_many(void)
{
	return cancel_cycle(cancel_file, true);
}

double lib_nothing(void)
{
	return cancel_cycle(cancel_nothing, false);
}

double lib_nothing_many(void)
{
	return cancel_cycle(cancel_nothing, true);
}
