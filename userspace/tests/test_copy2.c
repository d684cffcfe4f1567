// SPDX-License-Identifier: MIT
/* CopyFile2: its answers are HRESULTs, and it tells more (W-COPY-3). */
#include <windows.h>

#include "copy.h"

#define MOST 512
#define HR(error) HRESULT_FROM_WIN32(error)

/* What was told, and what is to be answered to the n-th message. */
struct told {
	int calls;
	COPYFILE2_MESSAGE at[MOST];
	int answer_at;
	COPYFILE2_MESSAGE_ACTION answer;
};

static COPYFILE2_MESSAGE_ACTION CALLBACK routine(const COPYFILE2_MESSAGE *message, PVOID context)
{
	struct told *t = context;
	int n = t->calls++;

	CHECK(n < MOST);
	t->at[n] = *message;
	return n == t->answer_at ? t->answer : COPYFILE2_PROGRESS_CONTINUE;
}

static const WCHAR *wide(const char *path)
{
	static WCHAR name[8][PATH_MAX];
	static int turn;

	turn = (turn + 1) % 8;
	CHECK(MultiByteToWideChar(CP_UTF8, 0, path, -1, name[turn], PATH_MAX));
	return name[turn];
}

static HRESULT copy(struct told *t, const char *from, const char *to, BOOL *flag, DWORD flags)
{
	COPYFILE2_EXTENDED_PARAMETERS more = {sizeof(more), flags, flag, t ? routine : NULL, t};

	if (t)
		t->calls = 0;
	SetLastError(0xdead);
	return CopyFile2(wide(from), wide(to), &more);
}

static void results(void)
{
	const char *from = copy_source("from", 1000), *to = host_path("to");
	COPYFILE2_EXTENDED_PARAMETERS more = {sizeof(more), 0, NULL, NULL, NULL};

	CHECK_EQ(CopyFile2(wide(from), wide(to), NULL), S_OK);
	copy_same(from, to);
	CHECK_EQ(CopyFile2(wide(from), wide(to), &more), S_OK);
	CHECK_EQ(GetLastError(), 0);
	CHECK_EQ(copy(NULL, from, to, NULL, COPY_FILE_FAIL_IF_EXISTS), HR(ERROR_FILE_EXISTS));
	CHECK_EQ((DWORD)HR(ERROR_FILE_EXISTS), 0x80070050u);
	CHECK_EQ(GetLastError(), ERROR_FILE_EXISTS);
	CHECK_EQ(copy(NULL, host_path("no"), to, NULL, 0), HR(ERROR_FILE_NOT_FOUND));
	CHECK_EQ(copy(NULL, from, from, NULL, 0), HR(ERROR_SHARING_VIOLATION));
	CHECK_EQ(CopyFile2(NULL, wide(to), NULL), HR(ERROR_PATH_NOT_FOUND));
	CHECK_EQ(CopyFile2(wide(from), NULL, NULL), HR(ERROR_PATH_NOT_FOUND));
	CHECK_EQ(copy(NULL, from, to, NULL, 0x10), E_INVALIDARG);
	CHECK_EQ(copy(NULL, from, to, NULL, COPY_FILE_DIRECTORY), E_INVALIDARG);
	for (more.dwSize = 0; more.dwSize < 2 * sizeof(more); more.dwSize++)
		if (more.dwSize != sizeof(more))
			CHECK_EQ(CopyFile2(wide(from), wide(to), &more), E_INVALIDARG);
	CHECK_EQ(copy(NULL, from, to, NULL,
		      COPY_FILE_REQUEST_SECURITY_PRIVILEGES | COPY_FILE_NO_OFFLOAD |
			      COPY_FILE_SKIP_ALTERNATE_STREAMS | COPY_FILE_DISABLE_PRE_ALLOCATION |
			      COPY_FILE_ENABLE_LOW_FREE_SPACE_MODE),
		 S_OK);
	copy_same(from, to);
}

/* The stream, chunk after chunk begun and ended, the stream; and what stands in each. */
static void messages(void)
{
	long size = 9 * MIB + 17;
	const char *from = copy_source("from", size), *to = host_path("to");
	static struct told t = {.answer_at = -1};
	ULONGLONG done = 0;
	int n = 1;

	CHECK_EQ(copy(&t, from, to, NULL, 0), S_OK);
	CHECK(t.calls >= 6);
	CHECK_EQ(t.at[0].Type, COPYFILE2_CALLBACK_STREAM_STARTED);
	CHECK_EQ(t.at[0].Info.StreamStarted.dwStreamNumber, 1);
	CHECK_EQ(t.at[0].Info.StreamStarted.uliStreamSize.QuadPart, size);
	CHECK_EQ(t.at[0].Info.StreamStarted.uliTotalFileSize.QuadPart, size);
	CHECK(t.at[0].Info.StreamStarted.hSourceFile);
	CHECK(t.at[0].Info.StreamStarted.hDestinationFile);
	for (; n < t.calls - 1; n += 2) {
		const COPYFILE2_MESSAGE *a = &t.at[n], *b = &t.at[n + 1];

		CHECK_EQ(a->Type, COPYFILE2_CALLBACK_CHUNK_STARTED);
		CHECK_EQ(b->Type, COPYFILE2_CALLBACK_CHUNK_FINISHED);
		CHECK_EQ(a->Info.ChunkStarted.dwStreamNumber, 1);
		CHECK_EQ(a->Info.ChunkStarted.uliChunkNumber.QuadPart, n / 2);
		CHECK_EQ(a->Info.ChunkStarted.uliStreamSize.QuadPart, size);
		CHECK_EQ(a->Info.ChunkStarted.uliTotalFileSize.QuadPart, size);
		CHECK(a->Info.ChunkStarted.hSourceFile == t.at[0].Info.StreamStarted.hSourceFile);
		CHECK_EQ(b->Info.ChunkFinished.dwStreamNumber, 1);
		CHECK_EQ(b->Info.ChunkFinished.dwFlags, 0);
		CHECK_EQ(b->Info.ChunkFinished.uliChunkNumber.QuadPart, n / 2);
		CHECK_EQ(b->Info.ChunkFinished.uliChunkSize.QuadPart,
			 a->Info.ChunkStarted.uliChunkSize.QuadPart);
		done += b->Info.ChunkFinished.uliChunkSize.QuadPart;
		CHECK_EQ(b->Info.ChunkFinished.uliStreamSize.QuadPart, size);
		CHECK_EQ(b->Info.ChunkFinished.uliStreamBytesTransferred.QuadPart, done);
		CHECK_EQ(b->Info.ChunkFinished.uliTotalFileSize.QuadPart, size);
		CHECK_EQ(b->Info.ChunkFinished.uliTotalBytesTransferred.QuadPart, done);
	}
	CHECK_EQ(n, t.calls - 1);
	CHECK_EQ(t.at[n].Type, COPYFILE2_CALLBACK_STREAM_FINISHED);
	CHECK_EQ(t.at[n].Info.StreamFinished.dwStreamNumber, 1);
	CHECK_EQ(t.at[n].Info.StreamFinished.uliStreamSize.QuadPart, size);
	CHECK_EQ(t.at[n].Info.StreamFinished.uliStreamBytesTransferred.QuadPart, size);
	CHECK_EQ(t.at[n].Info.StreamFinished.uliTotalFileSize.QuadPart, size);
	CHECK_EQ(t.at[n].Info.StreamFinished.uliTotalBytesTransferred.QuadPart, size);
	CHECK_EQ(done, size);
	copy_same(from, to);
}

static void empty(void)
{
	static struct told t = {.answer_at = -1};

	CHECK_EQ(copy(&t, host_file("from"), host_path("to"), NULL, 0), S_OK);
	CHECK_EQ(t.calls, 2);
	CHECK_EQ(t.at[0].Type, COPYFILE2_CALLBACK_STREAM_STARTED);
	CHECK_EQ(t.at[1].Type, COPYFILE2_CALLBACK_STREAM_FINISHED);
	CHECK_EQ(size_of(host_path("to")), 0);
}

/* To each message each answer. */
static void answers(void)
{
	const char *from = copy_source("from", 5 * MIB), *to = host_path("to");
	static struct told t;

	for (t.answer_at = 0; t.answer_at < 5; t.answer_at++) {
		COPYFILE2_MESSAGE *last;

		t.answer = COPYFILE2_PROGRESS_CANCEL;
		CHECK_EQ(copy(&t, from, to, NULL, 0), HR(ERROR_REQUEST_ABORTED));
		CHECK_EQ((DWORD)HR(ERROR_REQUEST_ABORTED), 0x800704d3u);
		CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
		CHECK_EQ(t.calls, t.answer_at + 1);
		CHECK(!host_exists(to));
		t.answer = COPYFILE2_PROGRESS_STOP;
		CHECK_EQ(copy(&t, from, to, NULL, 0), HR(ERROR_REQUEST_ABORTED));
		/* One more message: the stream has ended. */
		CHECK_EQ(t.calls, t.answer_at + 2);
		last = &t.at[t.answer_at + 1];
		CHECK_EQ(last->Type, COPYFILE2_CALLBACK_STREAM_FINISHED);
		copy_same_bytes(from, to,
				(long)last->Info.StreamFinished.uliTotalBytesTransferred.QuadPart);
		t.answer = COPYFILE2_PROGRESS_QUIET;
		CHECK_EQ(copy(&t, from, to, NULL, 0), S_OK);
		CHECK_EQ(t.calls, t.answer_at + 1);
		copy_same(from, to);
		t.answer = (COPYFILE2_MESSAGE_ACTION)99;
		CHECK_EQ(copy(&t, from, to, NULL, 0), S_OK);
		CHECK(t.calls > t.answer_at + 2);
		CHECK_EQ(unlink(to), 0);
	}
}

/* W-COPY-3: it is kept, with what is needed to go on; what was copied is not copied again. */
static void pauses(void)
{
	const char *from = copy_source("from", 5 * MIB), *to = host_path("to");
	static struct told t;
	ULONGLONG done;

	t.answer_at = 4;
	t.answer = COPYFILE2_PROGRESS_PAUSE;
	CHECK_EQ(copy(&t, from, to, NULL, 0), HR(ERROR_REQUEST_PAUSED));
	CHECK_EQ((DWORD)HR(ERROR_REQUEST_PAUSED), 0x80070beau);
	CHECK_EQ(GetLastError(), ERROR_REQUEST_PAUSED);
	CHECK_EQ(t.calls, 6);
	CHECK_EQ(t.at[5].Type, COPYFILE2_CALLBACK_STREAM_FINISHED);
	done = t.at[5].Info.StreamFinished.uliTotalBytesTransferred.QuadPart;
	CHECK_EQ(done, t.at[4].Info.ChunkFinished.uliTotalBytesTransferred.QuadPart);
	CHECK(done > 0 && size_of(to) > 5 * MIB);

	/* That it exists is no fault if it can be gone on with. */
	t.answer_at = -1;
	CHECK_EQ(copy(&t, from, to, NULL, COPY_FILE_FAIL_IF_EXISTS), HR(ERROR_FILE_EXISTS));
	CHECK_EQ(t.calls, 1);
	CHECK_EQ(t.at[0].Type, COPYFILE2_CALLBACK_ERROR);
	CHECK_EQ(copy(&t, from, to, NULL, COPY_FILE_FAIL_IF_EXISTS | COPY_FILE_RESUME_FROM_PAUSE),
		 S_OK);
	CHECK_EQ(t.at[1].Type, COPYFILE2_CALLBACK_CHUNK_STARTED);
	CHECK_EQ(t.at[2].Info.ChunkFinished.uliTotalBytesTransferred.QuadPart,
		 done + t.at[2].Info.ChunkFinished.uliChunkSize.QuadPart);
	copy_same(from, to);
	/* Now it is complete, and nothing to go on with. */
	CHECK_EQ(copy(&t, from, to, NULL, COPY_FILE_FAIL_IF_EXISTS | COPY_FILE_RESUME_FROM_PAUSE),
		 HR(ERROR_FILE_EXISTS));
	CHECK_EQ(copy(&t, from, to, NULL, COPY_FILE_RESUME_FROM_PAUSE), S_OK);
	CHECK(t.calls > 4);
	CHECK(t.at[2].Info.ChunkFinished.uliTotalBytesTransferred.QuadPart < done);
	copy_same(from, to);
}

/* A pause that comes when all is copied is none. */
static void pauses_too_late(void)
{
	const char *from = copy_source("from", 1000), *to = host_path("to");
	static struct told t;

	t.answer = COPYFILE2_PROGRESS_PAUSE;
	for (t.answer_at = 2; t.answer_at < 4; t.answer_at++) {
		CHECK_EQ(copy(&t, from, to, NULL, 0), S_OK);
		CHECK_EQ(t.calls, 4);
		copy_same(from, to);
	}
	for (t.answer_at = 0; t.answer_at < 2; t.answer_at++) {
		CHECK_EQ(copy(&t, host_file("empty"), to, NULL, 0), S_OK);
		CHECK_EQ(t.calls, 2);
		CHECK_EQ(size_of(to), 0);
	}
}

static COPYFILE2_MESSAGE error_of(struct told *t, const char *from, const char *to, DWORD flags,
				  DWORD error)
{
	t->answer_at = -1;
	CHECK_EQ(copy(t, from, to, NULL, flags), HR(error));
	CHECK(t->calls > 0);
	CHECK_EQ(t->at[t->calls - 1].Type, COPYFILE2_CALLBACK_ERROR);
	CHECK_EQ(t->at[t->calls - 1].Info.Error.hrFailure, HR(error));
	return t->at[t->calls - 1];
}

static void tells_errors(void)
{
	const char *from = copy_source("from", 1000), *to = host_path("to");
	static struct told t;
	COPYFILE2_MESSAGE m;

	m = error_of(&t, host_path("no"), to, 0, ERROR_FILE_NOT_FOUND);
	CHECK_EQ(m.Info.Error.CopyPhase, COPYFILE2_PHASE_PREPARE_SOURCE);
	CHECK_EQ(m.Info.Error.uliTotalBytesTransferred.QuadPart, 0);
	m = error_of(&t, from, host_path("no/no"), 0, ERROR_PATH_NOT_FOUND);
	CHECK_EQ(m.Info.Error.CopyPhase, COPYFILE2_PHASE_PREPARE_DEST);
	CHECK_EQ(m.Info.Error.uliTotalFileSize.QuadPart, 1000);
	/* Full; and what a device has taken stays taken. */
	m = error_of(&t, from, "/dev/full", 0, ERROR_DISK_FULL);
	CHECK_EQ(m.Info.Error.CopyPhase, COPYFILE2_PHASE_WRITE_DESTINATION);
	CHECK_EQ(m.Info.Error.dwStreamNumber, 1);
	CHECK_EQ(m.Info.Error.uliStreamSize.QuadPart, 1000);
	CHECK_EQ(m.Info.Error.uliChunkNumber.QuadPart, 0);
	CHECK_EQ(t.at[0].Type, COPYFILE2_CALLBACK_STREAM_STARTED);
}

static COPYFILE2_MESSAGE_ACTION CALLBACK end_when_waiting(const COPYFILE2_MESSAGE *message,
							  PVOID context)
{
	int *polls = context;

	if (message->Type != COPYFILE2_CALLBACK_POLL_CONTINUE)
		return COPYFILE2_PROGRESS_CONTINUE;
	return ++*polls < 2 ? COPYFILE2_PROGRESS_CONTINUE : COPYFILE2_PROGRESS_CANCEL;
}

/* While nothing comes it is asked now and then. */
static void polls(void)
{
	int polls = 0, peer;
	COPYFILE2_EXTENDED_PARAMETERS more = {sizeof(more), 0, NULL, end_when_waiting, &polls};

	CHECK_EQ(mkfifo(host_path("fifo"), 0600), 0);
	peer = open(host_path("fifo"), O_RDWR | O_CLOEXEC);
	CHECK_EQ(CopyFile2(wide(host_path("fifo")), wide(host_path("to")), &more),
		 HR(ERROR_REQUEST_ABORTED));
	CHECK_EQ(polls, 2);
	CHECK(!host_exists(host_path("to")));
	close(peer);
}

/* Nor does a stream that is full keep it from asking, whatever the source is. */
static void polls_when_full(void)
{
	const char *sources[] = {copy_source("from", MIB), "/dev/zero"};

	CHECK_EQ(mkfifo(host_path("fifo"), 0600), 0);
	for (int i = 0; i < 2; i++) {
		int polls = 0, peer = open(host_path("fifo"), O_RDWR | O_CLOEXEC);
		COPYFILE2_EXTENDED_PARAMETERS more = {sizeof(more), 0, NULL, end_when_waiting,
						      &polls};

		CHECK_EQ(CopyFile2(wide(sources[i]), wide(host_path("fifo")), &more),
			 HR(ERROR_REQUEST_ABORTED));
		CHECK_EQ(polls, 2);
		close(peer);
	}
}

static void flag(void)
{
	const char *from = copy_source("from", 1000), *to = host_path("to");
	BOOL cancel = TRUE;

	CHECK_EQ(copy(NULL, from, to, &cancel, 0), HR(ERROR_REQUEST_ABORTED));
	CHECK(!host_exists(to));
	cancel = FALSE;
	CHECK_EQ(copy(NULL, from, to, &cancel, 0), S_OK);
	copy_same(from, to);
}

static const struct tap_case cases[] = {
	CASE(results, "what it answers (W-COPY-3)"),
	CASE(messages, "the messages, in order, and what is in them"),
	CASE(empty, "an empty file"),
	CASE(answers, "CANCEL, STOP, QUIET and no answer, to each message"),
	CASE(pauses, "PAUSE, and going on (W-COPY-3)"),
	CASE(pauses_too_late, "PAUSE of what is complete"),
	CASE(tells_errors, "errors are told, and in which phase"),
	CASE(polls, "POLL_CONTINUE while nothing comes"),
	CASE(polls_when_full, "POLL_CONTINUE while nothing goes"),
	CASE(flag, "the flag"),
};

TAP_MAIN(cases)
