// SPDX-License-Identifier: MIT
/* The progress routine of CopyFileEx, its answers, and the flag (W-COPY-1, W-COPY-2). */
#include <windows.h>

#include "copy.h"

#define MOST 4096

/* What the routine was told, and what it is to answer. */
struct told {
	int calls;
	struct {
		LONGLONG size, done;
		DWORD reason;
	} at[MOST];
	HANDLE source, target;
	int answer_at;
	DWORD answer;
	BOOL *flag; /* to be set then */
};

static DWORD WINAPI routine(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
			    LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
			    HANDLE target, LPVOID data)
{
	struct told *t = data;
	int n = t->calls++;

	CHECK(n < MOST);
	CHECK_EQ(stream, 1);
	CHECK_EQ(stream_size.QuadPart, size.QuadPart);
	CHECK_EQ(stream_done.QuadPart, done.QuadPart);
	if (n > 0)
		CHECK(source == t->source && target == t->target);
	t->source = source;
	t->target = target;
	t->at[n].size = size.QuadPart;
	t->at[n].done = done.QuadPart;
	t->at[n].reason = reason;
	if (n != t->answer_at)
		return PROGRESS_CONTINUE;
	if (t->flag)
		__atomic_store_n(t->flag, TRUE, __ATOMIC_RELEASE);
	return t->answer;
}

static void check_order(const struct told *t, long size)
{
	CHECK(t->calls > 0);
	CHECK_EQ(t->at[0].reason, CALLBACK_STREAM_SWITCH);
	CHECK_EQ(t->at[0].done, 0);
	for (int i = 0; i < t->calls; i++) {
		CHECK_EQ(t->at[i].size, size);
		if (i > 0)
			CHECK_EQ(t->at[i].reason, CALLBACK_CHUNK_FINISHED);
		if (i > 0)
			CHECK(t->at[i].done > t->at[i - 1].done);
	}
}

static BOOL copy(struct told *t, const char *from, const char *to, BOOL *flag, DWORD flags)
{
	SetLastError(0xdead);
	return CopyFileExA(from, to, routine, t, flag, flags);
}

static void order(void)
{
	static const DWORD flags[] = {0, COPY_FILE_NO_OFFLOAD, COPY_FILE_NO_BUFFERING,
				      COPY_FILE_RESTARTABLE,
				      COPY_FILE_RESTARTABLE | COPY_FILE_NO_BUFFERING};
	long size = 9 * MIB + 17;
	const char *from = copy_source("from", size), *to = host_path("to");

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		static struct told t;

		memset(&t, 0, sizeof(t));
		t.answer_at = -1;
		CHECK(copy(&t, from, to, NULL, flags[i]));
		check_order(&t, size);
		CHECK(t.calls > 2);
		CHECK_EQ(t.at[t.calls - 1].done, size);
		copy_same(from, to);
		/* They were open only for the time. */
		CHECK_FAILS(CloseHandle(t.source), ERROR_INVALID_HANDLE);
		CHECK_FAILS(CloseHandle(t.target), ERROR_INVALID_HANDLE);
	}
}

/* Of an empty file nothing is copied, and so there is one call. */
static void empty(void)
{
	static struct told t = {.answer_at = -1};

	CHECK(copy(&t, host_file("from"), host_path("to"), NULL, 0));
	CHECK_EQ(t.calls, 1);
	check_order(&t, 0);
	CHECK_EQ(size_of(host_path("to")), 0);
}

static DWORD WINAPI use_handles(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				LARGE_INTEGER stream_done, DWORD stream, DWORD reason,
				HANDLE source, HANDLE target, LPVOID data)
{
	BY_HANDLE_FILE_INFORMATION info;
	unsigned char b[16];
	DWORD n;

	(void)done, (void)stream_size, (void)stream_done, (void)stream;
	CHECK(GetFileInformationByHandle(target, &info));
	CHECK(GetFileInformationByHandle(source, &info));
	CHECK_EQ(info.nFileSizeLow, size.LowPart);
	/* A synchronous call in the midst of one, and it moves a position that the copy has not. */
	CHECK(ReadFile(source, b, sizeof(b), &n, NULL));
	CHECK_EQ(n, sizeof(b));
	CHECK_EQ(b[5], copy_byte(5 + 16 * *(int *)data));
	/* What the source's handle is open for, and the target's. */
	CHECK_FAILS(WriteFile(source, b, 1, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReadFile(target, b, 1, &n, NULL), ERROR_ACCESS_DENIED);
	*(int *)data += 1;
	SetLastError(12345);
	errno = 4711;
	return reason == CALLBACK_STREAM_SWITCH ? 77 : PROGRESS_CONTINUE;
}

static void handles(void)
{
	const char *from = copy_source("from", 3 * MIB);
	int calls = 0;

	/* No answer that there is: it goes on. */
	CHECK(CopyFileExA(from, host_path("to"), use_handles, &calls, NULL, 0));
	CHECK_EQ(GetLastError(), 0);
	CHECK(calls > 1);
	copy_same(from, host_path("to"));
}

/* CANCEL deletes the target, whether it was there or not; STOP keeps what there is of it (W-COPY-1). */
static void answer(int at, DWORD answer, DWORD flags, bool existed)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");
	static struct told t;

	memset(&t, 0, sizeof(t));
	t.answer_at = at;
	t.answer = answer;
	unlink(to);
	if (existed)
		copy_source("to", 500);
	CHECK(!copy(&t, from, to, NULL, flags));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	CHECK_EQ(t.calls, at + 1);
	CHECK_EQ(host_exists(to), answer == PROGRESS_STOP);
	if (answer == PROGRESS_STOP && !(flags & COPY_FILE_RESTARTABLE))
		copy_same_bytes(from, to, (long)t.at[at].done);
	CHECK_EQ(size_of(from), 9 * MIB);
}

static void answers(void)
{
	for (int at = 0; at < 4; at++) {
		answer(at, PROGRESS_CANCEL, 0, at % 2);
		answer(at, PROGRESS_STOP, 0, at % 2);
		answer(at, PROGRESS_CANCEL, COPY_FILE_RESTARTABLE, at % 2);
		answer(at, PROGRESS_STOP, COPY_FILE_RESTARTABLE, at % 2);
		answer(at, PROGRESS_STOP, COPY_FILE_NO_OFFLOAD, at % 2);
		answer(at, PROGRESS_STOP, COPY_FILE_RESTARTABLE | COPY_FILE_NO_BUFFERING, at % 2);
	}
}

/* Also when all is copied: it was still under way. */
static void answer_to_the_last(void)
{
	const char *from = copy_source("from", 1000), *to = host_path("to");
	static struct told t = {.answer_at = 1, .answer = PROGRESS_CANCEL};

	CHECK(!copy(&t, from, to, NULL, 0));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	CHECK_EQ(t.at[1].done, 1000);
	CHECK(!host_exists(to));
	t.calls = 0;
	t.answer = PROGRESS_STOP;
	CHECK(!copy(&t, from, to, NULL, 0));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	copy_same(from, to);
}

static void quiet(void)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");
	static struct told t = {.answer_at = 1, .answer = PROGRESS_QUIET};

	CHECK(copy(&t, from, to, NULL, 0));
	CHECK_EQ(t.calls, 2);
	copy_same(from, to);
}

/* COPYFILE2_PROGRESS_PAUSE is an answer to CopyFile2 alone. */
static void pause_is_no_answer(void)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");
	static struct told t = {.answer_at = 1, .answer = COPYFILE2_PROGRESS_PAUSE};

	CHECK(copy(&t, from, to, NULL, 0));
	CHECK(t.calls > 3);
	copy_same(from, to);
}

/* W-COPY-2: as CANCEL does, with a routine and without; before it began, nothing is touched. */
static void flag(void)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");
	static struct told t = {.answer_at = 2};
	BOOL cancel = FALSE;

	t.flag = &cancel;
	CHECK(!copy(&t, from, to, &cancel, COPY_FILE_RESTARTABLE));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	CHECK_EQ(t.calls, 3);
	CHECK(!host_exists(to));
	copy_source("to", 500);
	CHECK_FAILS(CopyFileExA(from, to, NULL, NULL, &cancel, 0), ERROR_REQUEST_ABORTED);
	CHECK_EQ(size_of(to), 500);
	/* STOP in the same breath: the flag wins. */
	memset(&t, 0, sizeof(t));
	cancel = FALSE;
	t.flag = &cancel;
	t.answer_at = 1;
	t.answer = PROGRESS_STOP;
	CHECK(!copy(&t, from, to, &cancel, 0));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	CHECK(!host_exists(to));
	cancel = FALSE;
	t.answer_at = -1;
	CHECK(CopyFileExA(from, to, NULL, NULL, &cancel, 0));
	copy_same(from, to);
}

/* Who has the target open and does not share its deletion is not robbed of it. */
static void cancelled_in_use(void)
{
	const char *from = copy_source("from", 9 * MIB), *to = copy_source("to", 500);
	static struct told t = {.answer_at = 1, .answer = PROGRESS_CANCEL};
	HANDLE h = create(to, GENERIC_READ, SHARE, OPEN_EXISTING, 0);

	CHECK(!copy(&t, from, to, NULL, 0));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	CHECK(host_exists(to));
	CHECK(CloseHandle(h));
	h = create(to, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	t.calls = 0;
	CHECK(!copy(&t, from, to, NULL, 0));
	/* Now it goes, with that handle (W-CREATE-8). */
	CHECK_NO_FILE(create(to, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	CHECK(!host_exists(to));
}

static const struct tap_case cases[] = {
	CASE(order, "the stream, then its chunks, in order (W-COPY-1)"),
	CASE(empty, "an empty file"),
	CASE(handles, "the handles can be used, and an unknown answer goes on"),
	CASE(answers, "CANCEL and STOP (W-COPY-1)"),
	CASE(answer_to_the_last, "CANCEL and STOP after the last chunk"),
	CASE(quiet, "QUIET"),
	CASE(pause_is_no_answer, "PAUSE is none of CopyFileEx's answers"),
	CASE(flag, "the flag (W-COPY-2)"),
	CASE(cancelled_in_use, "a cancelled target that is open elsewhere"),
};

TAP_MAIN(cases)
