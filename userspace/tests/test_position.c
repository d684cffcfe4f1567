// SPDX-License-Identifier: MIT
/* The file pointer, sizes and kinds (W-CREATE-4, -5, W-RW-2 to -7). */
#include <windows.h>

#include "files.h"

static char buf[256];

static LARGE_INTEGER large(LONGLONG n)
{
	LARGE_INTEGER l;

	l.QuadPart = n;
	return l;
}

/* Where the pointer is; -1: the last error tells. */
static LONGLONG where(HANDLE h)
{
	LARGE_INTEGER at;

	return SetFilePointerEx(h, large(0), &at, FILE_CURRENT) ? at.QuadPart : -1;
}

static HANDLE ten_bytes(DWORD flags)
{
	HANDLE h = create(host_path("f"), RW, SHARE_ALL, CREATE_ALWAYS, flags);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	DWORD n;

	CHECK(WriteFile(h, "0123456789", 10, NULL, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK(CloseHandle(ov.hEvent));
	CHECK(SetFilePointerEx(h, large(0), NULL, FILE_BEGIN));
	return h;
}

static void moves(void)
{
	HANDLE h = ten_bytes(0);
	LARGE_INTEGER at;
	DWORD n;

	SetLastError(0xdead);
	CHECK(SetFilePointerEx(h, large(4), &at, FILE_BEGIN));
	CHECK_EQ(at.QuadPart, 4);
	CHECK(SetFilePointerEx(h, large(-1), &at, FILE_CURRENT));
	CHECK_EQ(at.QuadPart, 3);
	CHECK(ReadFile(h, buf, 2, &n, NULL));
	CHECK(!memcmp(buf, "34", 2));
	CHECK_EQ(where(h), 5);
	CHECK(SetFilePointerEx(h, large(-2), &at, FILE_END));
	CHECK_EQ(at.QuadPart, 8);
	CHECK(ReadFile(h, buf, 9, &n, NULL));
	CHECK_EQ(n, 2);
	/* Beyond the end nothing is there to be read (W-RW-4), and a write makes a hole. */
	CHECK(SetFilePointerEx(h, large(5), &at, FILE_END));
	CHECK_EQ(at.QuadPart, 15);
	CHECK(ReadFile(h, buf, 1, &n, NULL));
	CHECK_EQ(n, 0);
	CHECK_EQ(size_of(host_path("f")), 10);
	CHECK(WriteFile(h, "x", 1, &n, NULL));
	CHECK_EQ(size_of(host_path("f")), 16);
	CHECK_EQ(GetLastError(), 0xdead);
}

static void bad_moves(void)
{
	HANDLE h = ten_bytes(0), event = CreateEventA(NULL, TRUE, FALSE, NULL);
	LARGE_INTEGER at = large(77);

	CHECK(SetFilePointerEx(h, large(4), NULL, FILE_BEGIN));
	CHECK_FAILS(SetFilePointerEx(h, large(-1), &at, FILE_BEGIN), ERROR_NEGATIVE_SEEK);
	CHECK_FAILS(SetFilePointerEx(h, large(-5), &at, FILE_CURRENT), ERROR_NEGATIVE_SEEK);
	CHECK_FAILS(SetFilePointerEx(h, large(-11), &at, FILE_END), ERROR_NEGATIVE_SEEK);
	CHECK_FAILS(SetFilePointerEx(h, large(INT64_MIN), &at, FILE_CURRENT), ERROR_NEGATIVE_SEEK);
	CHECK_FAILS(SetFilePointerEx(h, large(INT64_MAX), &at, FILE_CURRENT),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SetFilePointerEx(h, large(0), &at, 3), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(SetFilePointerEx(event, large(0), &at, FILE_BEGIN), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetFilePointerEx(INVALID_HANDLE_VALUE, large(0), &at, FILE_BEGIN),
		    ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetFilePointerEx(NULL, large(0), &at, FILE_BEGIN), ERROR_INVALID_HANDLE);
	CHECK_EQ(at.QuadPart, 77);
	CHECK_EQ(where(h), 4);
	CHECK(CloseHandle(h));
	CHECK_FAILS(SetFilePointerEx(h, large(0), &at, FILE_BEGIN), ERROR_INVALID_HANDLE);
}

/* The older form: 32 bits, or 64 in two halves. */
static void halves(void)
{
	HANDLE h = ten_bytes(0);
	LONG high = 0;

	CHECK_ANSWER(SetFilePointer(h, 3, NULL, FILE_BEGIN), 3, 0xdead);
	CHECK_ANSWER(SetFilePointer(h, -1, NULL, FILE_CURRENT), 2, 0xdead);
	CHECK_ANSWER(SetFilePointer(h, -3, NULL, FILE_CURRENT), INVALID_SET_FILE_POINTER,
		     ERROR_NEGATIVE_SEEK);
	CHECK_ANSWER(SetFilePointer(h, 0, NULL, 9), INVALID_SET_FILE_POINTER,
		     ERROR_INVALID_PARAMETER);
	/* With a high half the low one has no sign; and it can look like the failure. */
	CHECK_ANSWER(SetFilePointer(h, -1, &high, FILE_BEGIN), INVALID_SET_FILE_POINTER, 0);
	CHECK_EQ(high, 0);
	CHECK_EQ(where(h), 0xffffffffll);
	high = 2;
	CHECK_ANSWER(SetFilePointer(h, 5, &high, FILE_BEGIN), 5, 0xdead);
	CHECK_EQ(high, 2);
	CHECK_EQ(where(h), 0x200000005ll);
	high = -1;
	CHECK_ANSWER(SetFilePointer(h, -6, &high, FILE_CURRENT), 0xffffffffu, 0);
	CHECK_EQ(high, 1);
	/* A place that 32 bits cannot tell is not gone to. */
	CHECK_ANSWER(SetFilePointer(h, 1, NULL, FILE_CURRENT), INVALID_SET_FILE_POINTER,
		     ERROR_INVALID_PARAMETER);
	CHECK_EQ(where(h), 0x1ffffffffll);
	CHECK_ANSWER(SetFilePointer((HANDLE)99, 0, NULL, FILE_BEGIN), INVALID_SET_FILE_POINTER,
		     ERROR_INVALID_HANDLE);
}

static void sizes(void)
{
	HANDLE h = ten_bytes(0), a = create(host_path("f"), 0, 0, OPEN_EXISTING, 0);
	LARGE_INTEGER size;
	DWORD high = 7;

	SetLastError(0xdead);
	CHECK(GetFileSizeEx(h, &size));
	CHECK_EQ(size.QuadPart, 10);
	CHECK_EQ(GetLastError(), 0xdead);
	/* The rights to the attributes are enough. */
	CHECK(GetFileSizeEx(a, &size));
	CHECK_EQ(size.QuadPart, 10);
	CHECK_ANSWER(GetFileSize(a, NULL), 10, 0xdead);
	CHECK(SetFilePointerEx(a, large(3), NULL, FILE_BEGIN));
	CHECK_EQ(where(a), 3);
	CHECK_EQ(truncate(host_path("f"), 0x3ffffffffll), 0);
	CHECK_ANSWER(GetFileSize(h, &high), INVALID_FILE_SIZE, 0);
	CHECK_EQ(high, 3);
	CHECK_FAILS(GetFileSizeEx(h, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetFileSizeEx((HANDLE)99, &size), ERROR_INVALID_HANDLE);
	CHECK_ANSWER(GetFileSize((HANDLE)99, &high), INVALID_FILE_SIZE, ERROR_INVALID_HANDLE);
}

static void end_of_file(void)
{
	HANDLE h = ten_bytes(0), r, a;
	LARGE_INTEGER size;
	DWORD n;

	CHECK(SetFilePointerEx(h, large(4), NULL, FILE_BEGIN));
	SetLastError(0xdead);
	CHECK(SetEndOfFile(h));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK(GetFileSizeEx(h, &size));
	CHECK_EQ(size.QuadPart, 4);
	CHECK(SetFilePointerEx(h, large(9), NULL, FILE_BEGIN));
	CHECK(SetEndOfFile(h));
	CHECK_EQ(size_of(host_path("f")), 9);
	CHECK_EQ(where(h), 9);
	CHECK(SetFilePointerEx(h, large(0), NULL, FILE_BEGIN));
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 9);
	CHECK(!memcmp(buf, "0123\0\0\0\0\0", 9));
	r = create(host_path("f"), GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	a = create(host_path("f"), FILE_APPEND_DATA, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_FAILS(SetEndOfFile(r), ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetEndOfFile(a), ERROR_ACCESS_DENIED);
	CHECK_FAILS(SetEndOfFile((HANDLE)99), ERROR_INVALID_HANDLE);
	CHECK_FAILS(SetEndOfFile(create("NUL", RW, SHARE_ALL, OPEN_EXISTING, 0)),
		    ERROR_INVALID_FUNCTION);
	CHECK_EQ(size_of(host_path("f")), 9);
}

/* The pointer of an overlapped file is kept, and moved by no request (W-CREATE-5). */
static void overlapped(void)
{
	HANDLE h = ten_bytes(FILE_FLAG_OVERLAPPED);
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));
	DWORD n;

	CHECK_EQ(where(h), 0);
	CHECK(SetFilePointerEx(h, large(7), NULL, FILE_BEGIN));
	ov.Offset = 2;
	CHECK(ReadFile(h, buf, 3, NULL, &ov) || GetOverlappedResult(h, &ov, &n, TRUE));
	CHECK(!memcmp(buf, "234", 3));
	CHECK_EQ(where(h), 7);
	CHECK_FAILS(ReadFile(h, buf, 3, &n, NULL), ERROR_INVALID_PARAMETER);
	CHECK(SetEndOfFile(h));
	CHECK_EQ(size_of(host_path("f")), 7);
}

/* One pointer for all handles to the file object, another for another CreateFile (W-HANDLE-1). */
static void whose_pointer(void)
{
	HANDLE h = ten_bytes(0), self = GetCurrentProcess(), copy, other;
	DWORD n;

	CHECK(DuplicateHandle(self, h, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
	other = create(host_path("f"), GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(ReadFile(copy, buf, 4, &n, NULL));
	CHECK_EQ(where(h), 4);
	CHECK_EQ(where(other), 0);
}

static void kinds(void)
{
	HANDLE r, w, t;
	int peer;

	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK_EQ(GetFileType(r), FILE_TYPE_PIPE);
	CHECK_EQ(GetFileType(w), FILE_TYPE_PIPE);
	CHECK_EQ(GetFileType(host_fifo("fifo", GENERIC_READ, 0, &peer)), FILE_TYPE_PIPE);
	CHECK_EQ(GetFileType(ten_bytes(0)), FILE_TYPE_DISK);
	CHECK_EQ(GetFileType(create("NUL", RW, 0, OPEN_EXISTING, 0)), FILE_TYPE_CHAR);
	t = host_tty(RW, 0, &peer);
	CHECK_ANSWER(GetFileType(t), FILE_TYPE_CHAR, 0xdead);
	CHECK_ANSWER(GetFileType((HANDLE)99), FILE_TYPE_UNKNOWN, ERROR_INVALID_HANDLE);
	CHECK_ANSWER(GetFileType(CreateEventA(NULL, TRUE, FALSE, NULL)), FILE_TYPE_UNKNOWN,
		     ERROR_INVALID_HANDLE);
}

/* What is no disk has a size, too, and a pointer that nobody looks at, as on Windows. */
static void pipes_and_devices(void)
{
	HANDLE r, w, nul = create("NUL", RW, 0, OPEN_EXISTING, 0);
	LARGE_INTEGER size;
	DWORD n;

	CHECK(CreatePipe(&r, &w, NULL, 0));
	CHECK(WriteFile(w, "abc", 3, &n, NULL));
	CHECK(GetFileSizeEx(r, &size));
	CHECK_EQ(size.QuadPart, 3);
	CHECK(SetFilePointerEx(r, large(2), NULL, FILE_BEGIN));
	CHECK(ReadFile(r, buf, sizeof(buf), &n, NULL));
	CHECK_EQ(n, 3);
	CHECK(!memcmp(buf, "abc", 3));
	CHECK(GetFileSizeEx(nul, &size));
	CHECK_EQ(size.QuadPart, 0);
}

/* Nothing is written, and nothing becomes longer or shorter (W-RW-7). */
static void zero_bytes(void)
{
	HANDLE h = ten_bytes(0);
	OVERLAPPED ov = { 0 };
	DWORD n = 5;

	CHECK(SetFilePointerEx(h, large(20), NULL, FILE_BEGIN));
	CHECK(WriteFile(h, buf, 0, &n, NULL));
	CHECK_EQ(n, 0);
	CHECK_EQ(size_of(host_path("f")), 10);
	CHECK_EQ(where(h), 20);
	CHECK(ReadFile(h, buf, 0, &n, NULL));
	ov.Offset = 3;
	CHECK(WriteFile(h, buf, 0, NULL, &ov));
	CHECK_EQ(ov.Internal, 0);
	CHECK_EQ(ov.InternalHigh, 0);
	CHECK_EQ(size_of(host_path("f")), 10);
}

struct blocked {
	HANDLE file;
	DWORD tid;
};

static DWORD WINAPI read_blocked(LPVOID arg)
{
	struct blocked *b = arg;
	DWORD n;

	__atomic_store_n(&b->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	return ReadFile(b->file, buf, 1, &n, NULL) ? 0 : GetLastError();
}

static DWORD WINAPI seek_blocked(LPVOID arg)
{
	struct blocked *b = arg;

	__atomic_store_n(&b->tid, GetCurrentThreadId(), __ATOMIC_RELEASE);
	return SetFilePointerEx(b->file, large(1), NULL, FILE_BEGIN) ? 0 : GetLastError();
}

/* It waits for its turn behind a request that is blocked, and can be cancelled there (W-CREATE-4). */
static void waits_for_its_turn(void)
{
	int peer;
	struct blocked b = { host_fifo("fifo", GENERIC_READ, 0, &peer), 0 }, c = b;
	HANDLE t = CreateThread(NULL, 0, read_blocked, &b, 0, NULL), u;
	DWORD code;

	while (!__atomic_load_n(&b.tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(b.tid, SYS_read, SYS_read);
	u = CreateThread(NULL, 0, seek_blocked, &c, 0, NULL);
	while (!__atomic_load_n(&c.tid, __ATOMIC_ACQUIRE))
		sched_yield();
	host_wait_syscall(c.tid, SYS_futex, SYS_futex);
	CHECK(CancelSynchronousIo(u));
	CHECK_EQ(WaitForSingleObject(u, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(u, &code));
	CHECK_EQ(code, ERROR_OPERATION_ABORTED);
	CHECK_EQ(write(peer, "x", 1), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code));
	CHECK_EQ(code, 0);
	CHECK(SetFilePointerEx(b.file, large(1), NULL, FILE_BEGIN));
}

static const struct tap_case cases[] = {
	CASE(moves, "SetFilePointerEx, reads and writes (W-RW-2, W-RW-4)"),
	CASE(bad_moves, "bad moves change nothing"),
	CASE(halves, "SetFilePointer"),
	CASE(sizes, "GetFileSize(Ex)"),
	CASE(end_of_file, "SetEndOfFile"),
	CASE(overlapped, "the pointer of an overlapped file (W-CREATE-5)"),
	CASE(whose_pointer, "whose pointer it is (W-HANDLE-1)"),
	CASE(kinds, "GetFileType"),
	CASE(pipes_and_devices, "pointers and sizes of what is no disk"),
	CASE(zero_bytes, "zero bytes (W-RW-7)"),
	CASE(waits_for_its_turn, "one at a time (W-CREATE-4)"),
};

TAP_MAIN(cases)
