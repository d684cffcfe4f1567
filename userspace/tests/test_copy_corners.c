// SPDX-License-Identifier: MIT
/* Copies whose routine does more than to look on, and what of it can be relied on (W-COPY-1, W-COPY-3). */
#include <windows.h>

#include "copy.h"
#include "texts.h"

#define SIZE (2 * MIB + 777)

/* What the routine does when it is called for the second time, and what it answers. */
static void (*deed)(HANDLE source, HANDLE target);
static DWORD answer;
static int calls;

static DWORD CALLBACK act(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
			  LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
			  HANDLE target, LPVOID data)
{
	CHECK(data == &calls && stream == 1);
	CHECK(size.QuadPart == stream_size.QuadPart && done.QuadPart == stream_done.QuadPart);
	CHECK_EQ(reason, calls ? CALLBACK_CHUNK_FINISHED : CALLBACK_STREAM_SWITCH);
	if (++calls != 2)
		return PROGRESS_CONTINUE;
	deed(source, target);
	return answer;
}

static BOOL copy(const char *from, const char *to, void (*what)(HANDLE, HANDLE), DWORD then)
{
	deed = what;
	answer = then;
	calls = 0;
	return CopyFileExA(from, to, act, &calls, NULL, 0);
}

static void prepare(void)
{
	enter();
	copy_fill("a", 0, SIZE);
}

static void leave(HANDLE source, HANDLE target)
{
	(void)source;
	(void)target;
	CHECK_EQ(chdir("/"), 0);
}

/* The target is meant that was opened, wherever the caller has gone. */
static void another_directory(void)
{
	prepare();
	CHECK_FAILS(copy("a", "b", leave, PROGRESS_CANCEL), ERROR_REQUEST_ABORTED);
	CHECK(!host_exists(host_path("b")));
	CHECK_EQ(chdir(host_path(".")), 0);
	CHECK_FAILS(copy("a", "b", leave, PROGRESS_STOP), ERROR_REQUEST_ABORTED);
	CHECK(host_exists(host_path("b")));
	CHECK_EQ(chdir(host_path(".")), 0);
	CHECK(copy("a", "b", leave, PROGRESS_CONTINUE));
	copy_same(host_path("a"), host_path("b"));
}

static void do_nothing(HANDLE source, HANDLE target)
{
	(void)source;
	(void)target;
}

/* What the link leads to is the target, and goes (W-COPY-1). */
static void target_by_link(void)
{
	prepare();
	text_file("b", "2");
	CHECK_EQ(symlink("b", "l"), 0);
	CHECK_FAILS(copy("a", "l", do_nothing, PROGRESS_CANCEL), ERROR_REQUEST_ABORTED);
	CHECK(!host_exists("b") && host_exists("l"));
	CHECK(copy("a", "l", do_nothing, PROGRESS_CONTINUE));
	copy_same("a", "b");
}

static void read_and_seek(HANDLE source, HANDLE target)
{
	char buf[16];
	DWORD n;

	CHECK_EQ(SetFilePointer(source, 100, NULL, FILE_BEGIN), 100);
	CHECK(ReadFile(source, buf, sizeof(buf), &n, NULL) && n == sizeof(buf));
	for (int i = 0; i < 16; i++)
		CHECK_EQ((unsigned char)buf[i], copy_byte(100 + i));
	CHECK_EQ(SetFilePointer(target, 5, NULL, FILE_BEGIN), 5);
}

static void close_both(HANDLE source, HANDLE target)
{
	CHECK(CloseHandle(source));
	CHECK(CloseHandle(target));
}

static void copy_again(HANDLE source, HANDLE target)
{
	(void)source;
	(void)target;
	CHECK(CopyFileA("a", "c", TRUE));
}

static void delete_source(HANDLE source, HANDLE target)
{
	(void)source;
	(void)target;
	CHECK(DeleteFileA("a"));
}

/* The target is in use, and the caller of the copy is not excepted. */
static void move_target(HANDLE source, HANDLE target)
{
	(void)source;
	(void)target;
	CHECK_FAILS(MoveFileA("b", "c"), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(DeleteFileA("b"), ERROR_SHARING_VIOLATION);
	CHECK_FAILS(MoveFileExA("c", "b", MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
}

static void meddling(void)
{
	prepare();
	CHECK(copy("a", "b", read_and_seek, PROGRESS_CONTINUE));
	copy_same("a", "b");
	CHECK(copy("a", "b", close_both, PROGRESS_CONTINUE));
	copy_same("a", "b");
	CHECK(copy("a", "b", copy_again, PROGRESS_CONTINUE));
	copy_same("a", "b");
	copy_same("a", "c");
	CHECK(copy("a", "b", move_target, PROGRESS_CONTINUE));
	copy_same("a", "b");
	CHECK(copy("a", "b", delete_source, PROGRESS_CONTINUE));
	CHECK(!host_exists("a"));
	copy_same("c", "b");
}

/* How often each message came, and what is answered to which. */
static int messages[8];
static COPYFILE2_MESSAGE_TYPE answered;

static COPYFILE2_MESSAGE_ACTION CALLBACK count(const COPYFILE2_MESSAGE *message, PVOID context)
{
	messages[message->Type]++;
	return message->Type == answered ? *(COPYFILE2_MESSAGE_ACTION *)context :
					   COPYFILE2_PROGRESS_CONTINUE;
}

static HRESULT copy2(COPYFILE2_MESSAGE_TYPE type, COPYFILE2_MESSAGE_ACTION action)
{
	COPYFILE2_EXTENDED_PARAMETERS p = {
		.dwSize = sizeof(p),
		.pProgressRoutine = count,
		.pvCallbackContext = &action,
	};

	answered = type;
	memset(messages, 0, sizeof(messages));
	return CopyFile2((WCHAR[]){ 'a', 0 }, (WCHAR[]){ 'b', 0 }, &p);
}

/* A stream is begun once and ended once, whoever ends it; who cancels hears no more (W-COPY-3). */
static void one_end(void)
{
	prepare();
	for (int type = COPYFILE2_CALLBACK_CHUNK_STARTED; type <= COPYFILE2_CALLBACK_STREAM_FINISHED;
	     type++) {
		CHECK_EQ(copy2(type, COPYFILE2_PROGRESS_STOP),
			 HRESULT_FROM_WIN32(ERROR_REQUEST_ABORTED));
		CHECK_EQ(messages[COPYFILE2_CALLBACK_STREAM_STARTED], 1);
		CHECK_EQ(messages[COPYFILE2_CALLBACK_STREAM_FINISHED], 1);
		CHECK_EQ(messages[COPYFILE2_CALLBACK_ERROR], 0);
		CHECK(host_exists("b"));
		CHECK_EQ(copy2(type, COPYFILE2_PROGRESS_CANCEL),
			 HRESULT_FROM_WIN32(ERROR_REQUEST_ABORTED));
		CHECK_EQ(messages[COPYFILE2_CALLBACK_STREAM_FINISHED],
			 type == COPYFILE2_CALLBACK_STREAM_FINISHED);
		CHECK(!host_exists("b"));
	}
	/* A pause that comes with the end is too late. */
	CHECK_EQ(copy2(COPYFILE2_CALLBACK_STREAM_FINISHED, COPYFILE2_PROGRESS_PAUSE), S_OK);
	copy_same("a", "b");
}

/* Counts beyond 32 bits, and no more blocks than the source has. */
static void beyond_4_gib(void)
{
	struct stat st;
	int fd;

	enter();
	fd = open("a", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (ftruncate(fd, (5l << 30) + 1) != 0)
		SKIP("no such large files here");
	CHECK_EQ(pwrite(fd, "x", 1, (4l << 30) + 5), 1);
	close(fd);
	CHECK(copy("a", "b", do_nothing, PROGRESS_CONTINUE));
	CHECK_EQ(stat("b", &st), 0);
	CHECK_EQ(st.st_size, (5l << 30) + 1);
	CHECK(st.st_blocks < 1000);
	fd = open("b", O_RDONLY | O_CLOEXEC);
	CHECK(pread(fd, &(char){ 0 }, 1, 4l << 30) == 1);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA) >> 12, ((4l << 30) + 5) >> 12);
	close(fd);
}

static const struct tap_case cases[] = {
	CASE(another_directory, "the routine may change the current directory (W-COPY-1)"),
	CASE(target_by_link, "a cancelled copy's target, named by a link (W-COPY-1)"),
	CASE(meddling, "the routine may use both handles and both files (W-COPY-1)"),
	CASE(one_end, "a stream ends once (W-COPY-3)"),
	CASE(beyond_4_gib, "more than 32 bits of bytes"),
};

TAP_MAIN(cases)
