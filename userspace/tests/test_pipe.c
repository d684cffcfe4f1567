// SPDX-License-Identifier: MIT
/* CreatePipe and the standard handles (W-PIPE-1, W-RW-7 to -9). */
#include <windows.h>

#include "files.h"

static char buf[256];

static void bytes_come_through(void)
{
	HANDLE r, w;
	DWORD n;

	SetLastError(0xdead);
	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK(WriteFile(w, "hello ", 6, &n, NULL));
	CHECK_EQ(n, 6);
	CHECK(WriteFile(w, "world", 5, &n, NULL));
	/* A stream: no borders are kept, and a short read leaves the rest (W-RW-8). */
	CHECK(ReadFile(r, buf, 8, &n, NULL));
	CHECK_EQ(n, 8);
	CHECK(ReadFile(r, buf + 8, sizeof(buf) - 8, &n, NULL));
	CHECK_EQ(n, 3);
	CHECK(!memcmp(buf, "hello world", 11));
	/* Each end goes its way, and both are synchronous. */
	CHECK_FAILS(WriteFile(r, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReadFile(w, buf, 1, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReadFile(r, buf, 1, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK(CloseHandle(r) && CloseHandle(w));
}

static void overlapped_structure(void)
{
	HANDLE r, w, e = CreateEventA(NULL, TRUE, FALSE, NULL);
	OVERLAPPED ov = host_overlapped(e);
	DWORD n;

	/* Its offset has no meaning, and need not be zero (W-OVL-12). */
	ov.Offset = 7;
	ov.OffsetHigh = 0x80000000u;
	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK(WriteFile(w, "abc", 3, NULL, &ov));
	CHECK_EQ(ov.Internal, 0);
	CHECK_EQ(ov.InternalHigh, 3);
	CHECK(ResetEvent(e));
	CHECK(ReadFile(r, buf, sizeof(buf), &n, &ov));
	CHECK_EQ(n, 3);
	CHECK_EQ(WaitForSingleObject(e, 0), WAIT_OBJECT_0);
}

static void writer_gone(void)
{
	HANDLE r, w;
	DWORD n;

	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK(WriteFile(w, "abc", 3, &n, NULL));
	CHECK(CloseHandle(w));
	CHECK(ReadFile(r, buf, 2, &n, NULL));
	CHECK_EQ(n, 2);
	CHECK(ReadFile(r, buf, 2, &n, NULL));
	CHECK_EQ(n, 1);
	CHECK_FAILS(ReadFile(r, buf, 2, &n, NULL), ERROR_BROKEN_PIPE);
	CHECK_EQ(n, 0);
	CHECK_FAILS(ReadFile(r, buf, 0, &n, NULL), ERROR_BROKEN_PIPE);
}

static void reader_gone(void)
{
	HANDLE r, w;
	DWORD n;

	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK(CloseHandle(r));
	/* SIGPIPE would end this case. */
	CHECK_FAILS(WriteFile(w, "x", 1, &n, NULL), ERROR_NO_DATA);
	CHECK_EQ(n, 0);
	CHECK_FAILS(WriteFile(w, "x", 0, &n, NULL), ERROR_NO_DATA);
}

static void bad_arguments(void)
{
	HANDLE r = (HANDLE)1, w = (HANDLE)2;
	SECURITY_ATTRIBUTES security = { sizeof(security), NULL, TRUE };
	struct rlimit all, few;
	DWORD n;

	CHECK_FAILS(CreatePipe(NULL, &w, NULL, 0), ERROR_NOACCESS);
	CHECK_FAILS(CreatePipe(&r, NULL, NULL, 0), ERROR_NOACCESS);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_FAILS(CreatePipe(&r, &w, NULL, 0), ERROR_TOO_MANY_OPEN_FILES);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	CHECK(r == (HANDLE)1 && w == (HANDLE)2);
	/* The size is a hint, however wild. */
	CHECK(CreatePipe(&r, &w, &security, 0xffffffffu));
	CHECK(GetHandleInformation(r, &n));
	CHECK_EQ(n, HANDLE_FLAG_INHERIT);
	CHECK(WriteFile(w, "x", 1, &n, NULL));
	CHECK(ReadFile(r, buf, 1, &n, NULL));
}

/* One call made in a thread of its own, and how it went. */
struct call {
	HANDLE file;
	DWORD length, tid, bytes, error;
	BOOL ok;
};

static DWORD WINAPI do_read(LPVOID arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	SetLastError(0);
	c->ok = ReadFile(c->file, buf, c->length, &c->bytes, NULL);
	c->error = GetLastError();
	return 0;
}

static HANDLE start(struct call *c, long nr)
{
	HANDLE t = CreateThread(NULL, 0, do_read, c, 0, NULL);

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

static void released_by_data_and_end(void)
{
	struct call c = { .length = sizeof(buf) };
	HANDLE w, t;
	DWORD n;

	CHECK(CreatePipe(&c.file, &w, NULL, 0));
	t = start(&c, SYS_read);
	CHECK(WriteFile(w, "abc", 3, &n, NULL));
	finish(t);
	CHECK(c.ok);
	CHECK_EQ(c.bytes, 3);
	c.tid = 0;
	t = start(&c, SYS_read);
	CHECK(CloseHandle(w));
	finish(t);
	CHECK(!c.ok);
	CHECK_EQ(c.error, ERROR_BROKEN_PIPE);
}

static void released_by_cancel(void)
{
	struct call c = { .length = sizeof(buf) };
	HANDLE w, t;

	CHECK(CreatePipe(&c.file, &w, NULL, 0));
	t = start(&c, SYS_read);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	c.tid = 0;
	t = start(&c, SYS_read);
	CHECK(CancelIoEx(c.file, NULL));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
}

/* A read of no bytes tells when there are some, and takes none. */
static void read_of_no_bytes(void)
{
	struct call c = { .length = 0 };
	HANDLE w, t;
	DWORD n;

	CHECK(CreatePipe(&c.file, &w, NULL, 0));
	t = start(&c, SYS_ppoll);
	CHECK(CancelSynchronousIo(t));
	finish(t);
	CHECK_EQ(c.error, ERROR_OPERATION_ABORTED);
	c.tid = 0;
	t = start(&c, SYS_ppoll);
	CHECK(WriteFile(w, "abc", 3, &n, NULL));
	finish(t);
	CHECK(c.ok);
	CHECK_EQ(c.bytes, 0);
	CHECK(ReadFile(c.file, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 3);
}

static void overlapped_read_of_no_bytes(void)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	HANDLE h;
	DWORD n = 9;
	int peer;

	h = host_fifo("f", GENERIC_READ, FILE_FLAG_OVERLAPPED, &peer);
	CHECK_FAILS(ReadFile(h, buf, 0, NULL, &ov), ERROR_IO_PENDING);
	CHECK(CancelIoEx(h, &ov));
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_FAILS(ReadFile(h, buf, 0, NULL, &ov), ERROR_IO_PENDING);
	CHECK_EQ(write(peer, "abc", 3), 3);
	CHECK(GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(n, 0);
	/* Inline, now that there is something. */
	CHECK(ReadFile(h, buf, 0, NULL, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK(ReadFile(h, buf, sizeof(buf), NULL, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(ov.InternalHigh, 3);
	CHECK_EQ(close(peer), 0);
	CHECK(!ReadFile(h, buf, 0, NULL, &ov));
	if (GetLastError() == ERROR_IO_PENDING)
		CHECK(!GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(GetLastError(), ERROR_BROKEN_PIPE);

	h = host_fifo("g", GENERIC_WRITE, FILE_FLAG_OVERLAPPED, &peer);
	CHECK(WriteFile(h, buf, 0, NULL, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK_EQ(close(peer), 0);
	CHECK_FAILS(WriteFile(h, buf, 0, NULL, &ov), ERROR_NO_DATA);
}

/* Descriptor `fd` becomes a file with these bytes in it, open at its beginning. */
static void redirect(int fd, const char *path, const char *bytes, int flags)
{
	int file = open(path, O_CREAT | O_RDWR | flags | O_CLOEXEC, 0600);

	CHECK(file >= 0);
	CHECK_EQ(write(file, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQ(dup2(file, fd), fd);
	CHECK_EQ(close(file), 0);
}

static void standard_handles(void)
{
	const char *in = host_path("in");
	LARGE_INTEGER two = { .QuadPart = 2 }, zero = { .QuadPart = 0 }, at;
	HANDLE h;
	DWORD n;

	CHECK_ANSWER(GetStdHandle(77), INVALID_HANDLE_VALUE, ERROR_INVALID_HANDLE);
	CHECK_EQ(close(2), 0);
	CHECK(GetStdHandle(STD_ERROR_HANDLE) == NULL);
	redirect(0, in, "0123456789", 0);
	h = GetStdHandle(STD_INPUT_HANDLE);
	CHECK(h && h != INVALID_HANDLE_VALUE);
	CHECK(GetStdHandle(STD_INPUT_HANDLE) == h);
	CHECK_EQ(GetFileType(h), FILE_TYPE_DISK);
	/* The position is the descriptor's, whoever moves it. */
	CHECK(ReadFile(h, buf, 4, &n, NULL));
	CHECK_EQ(n, 4);
	CHECK_EQ(read(0, buf, 1), 1);
	CHECK_EQ(buf[0], '4');
	CHECK(SetFilePointerEx(h, zero, &at, FILE_CURRENT));
	CHECK_EQ(at.QuadPart, 5);
	CHECK(SetFilePointerEx(h, two, &at, FILE_BEGIN));
	CHECK_EQ(read(0, buf, 1), 1);
	CHECK_EQ(buf[0], '2');
	CHECK_FAILS(SetFilePointerEx(h, (LARGE_INTEGER){ .QuadPart = -9 }, &at, FILE_CURRENT),
		    ERROR_NEGATIVE_SEEK);
	CHECK_EQ(SetFilePointer(h, -1, NULL, FILE_END), 9);
	CHECK(ReadFile(h, buf, 4, &n, NULL));
	CHECK_EQ(n, 1);
	CHECK(ReadFile(h, buf, 4, &n, NULL));
	CHECK_EQ(n, 0);
	/* The handle is closed, and the descriptor is not. */
	CHECK(CloseHandle(h));
	CHECK_FAILS(ReadFile(h, buf, 4, &n, NULL), ERROR_INVALID_HANDLE);
	CHECK_EQ(lseek(0, 0, SEEK_SET), 0);
	CHECK_EQ(read(0, buf, 1), 1);
}

static void standard_output(void)
{
	const char *out = host_path("out");
	char got[32] = "";
	HANDLE h;
	DWORD n;
	int fd;

	redirect(2, out, "", 0);
	h = GetStdHandle(STD_ERROR_HANDLE);
	CHECK_EQ(write(2, "a", 1), 1);
	CHECK(WriteFile(h, "b", 1, &n, NULL));
	CHECK_EQ(write(2, "c", 1), 1);
	CHECK(FlushFileBuffers(h));
	fd = open(out, O_RDONLY | O_CLOEXEC);
	CHECK_EQ(read(fd, got, sizeof(got)), 3);
	CHECK(!strcmp(got, "abc"));
}

static const struct tap_case cases[] = {
	CASE(bytes_come_through, "bytes come through (W-PIPE-1, W-RW-8)"),
	CASE(overlapped_structure, "an OVERLAPPED on a synchronous pipe (W-OVL-12)"),
	CASE(writer_gone, "the writer is gone (W-RW-9)"),
	CASE(reader_gone, "the reader is gone (W-RW-9)"),
	CASE(bad_arguments, "bad arguments"),
	CASE(released_by_data_and_end, "a blocked read ends by data, and by the end (W-PIPE-1)"),
	CASE(released_by_cancel, "a blocked read is cancelled (W-PIPE-1)"),
	CASE(read_of_no_bytes, "a read of no bytes waits for some (W-RW-7)"),
	CASE(overlapped_read_of_no_bytes, "no bytes, overlapped (W-RW-7, W-RW-9)"),
	CASE(standard_handles, "GetStdHandle"),
	CASE(standard_output, "a standard handle beside its descriptor"),
};

TAP_MAIN(cases)
