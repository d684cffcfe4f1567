// SPDX-License-Identifier: MIT
/* MoveFileWithProgress between volumes: a copy and a delete (W-MOVE-1, W-COPY-1). */
#include <windows.h>

#include <cancellationscope.h>
#include <errno.h>
#include <sys/xattr.h>

#include "copy.h"
#include "refuse.h"
#include "texts.h"
#include "volume.h"

#define SIZE (3 * MIB + 12345)

/* What a move that has failed leaves: the source, and nothing beside it or there. */
static void check_intact(const char *name, const char *text)
{
	CHECK(has(name, text));
	CHECK_EQ(count_names(".", ""), 1);
	CHECK_EQ(count_names(volume, ""), 0);
}

static BOOL move(const char *from, const char *to)
{
	return MoveFileExA(from, to, MOVEFILE_COPY_ALLOWED);
}

/* The answers to the reports, in turn; the last is given again. What was seen at each. */
struct progress {
	DWORD answers[4];
	int calls;
	DWORD reason;
	LONGLONG size, done;
	bool target_seen;
	HANDLE scope;
	pid_t kill;
	const char *instead; /* takes the source's name */
	bool leave; /* for another directory */
	const char *more; /* is added to the source, once it is copied */
};

static DWORD CALLBACK on_progress(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				  LARGE_INTEGER stream_done, DWORD stream, DWORD reason,
				  HANDLE source, HANDLE target, LPVOID data)
{
	struct progress *p = data;
	LARGE_INTEGER there;

	CHECK_EQ(reason, p->calls ? CALLBACK_CHUNK_FINISHED : CALLBACK_STREAM_SWITCH);
	CHECK_EQ(stream, 1);
	CHECK(stream_size.QuadPart == size.QuadPart && stream_done.QuadPart == done.QuadPart);
	CHECK(done.QuadPart >= p->done && done.QuadPart <= size.QuadPart);
	CHECK(GetFileSizeEx(source, &there) && there.QuadPart == size.QuadPart);
	CHECK(GetFileSizeEx(target, &there));
	p->size = size.QuadPart;
	p->done = done.QuadPart;
	p->target_seen |= host_exists(far("b"));
	if (p->scope && done.QuadPart)
		CHECK(CancelCancellationScope(p->scope));
	if (p->kill && done.QuadPart)
		kill(getpid(), SIGKILL);
	if (p->leave)
		CHECK_EQ(chdir("/"), 0);
	if (p->instead && done.QuadPart)
		CHECK_EQ(rename(p->instead, "a"), 0);
	if (p->more && done.QuadPart)
		copy_fill(p->more, p->done, 1);
	return p->answers[p->calls < 3 ? p->calls++ : 3];
}

static BOOL move_reporting(const char *from, const char *to, struct progress *p, DWORD flags)
{
	return MoveFileWithProgressA(from, to, on_progress, p, flags);
}

static void moves(void)
{
	struct timespec times[2] = { { 1000, 0 }, { 2000, 0 } };
	struct stat st;
	char value[8];

	enter_two();
	for (int flags = 0; flags < 16; flags += MOVEFILE_WRITE_THROUGH) {
		copy_fill("a", 0, SIZE);
		CHECK_EQ(chmod("a", 0640) | utimensat(AT_FDCWD, "a", times, 0), 0);
		setxattr("a", "user.x", "1", 1, 0);
		errno = 4711;
		CHECK(MoveFileExA("a", far("b"), MOVEFILE_COPY_ALLOWED | (DWORD)flags));
		CHECK_EQ(errno, 4711);
		CHECK_EQ(count_names(".", ""), 0);
		CHECK_EQ(count_names(volume, ""), 1);
		CHECK_EQ(stat(far("b"), &st), 0);
		CHECK_EQ(st.st_mode, S_IFREG | 0640);
		CHECK_EQ(st.st_mtim.tv_sec, 2000);
		/* And back, to where attributes of the user's are known as a rule. */
		CHECK(MoveFileA(far("b"), "c"));
		copy_fill("a", 0, SIZE);
		copy_same("a", "c");
		if (getxattr("c", "user.x", value, sizeof(value)) >= 0)
			CHECK_EQ(value[0], '1');
		CHECK_EQ(unlink("a") | unlink("c"), 0);
		CHECK_EQ(count_names(volume, ""), 0);
	}
	text_file("a", "1");
	CHECK(SetFileAttributesA("a", FILE_ATTRIBUTE_READONLY));
	CHECK(move("a", far("b")));
	CHECK_EQ(GetFileAttributesA(far("b")), FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE);
	CHECK(!host_exists("a"));
}

static void refusals(void)
{
	enter_two();
	text_file("a", "1");
	CHECK_FAILS(MoveFileExA("a", far("b"), 0), ERROR_NOT_SAME_DEVICE);
	CHECK_FAILS(MoveFileExA("a", far("b"), MOVEFILE_REPLACE_EXISTING), ERROR_NOT_SAME_DEVICE);
	CHECK_FAILS(move("a", far("no/b")), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(move("no", far("b")), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(move("a", far("b/")), ERROR_INVALID_NAME);
	check_intact("a", "1");
	CHECK_EQ(unlink("a") | mkdir("d", 0700), 0);
	text_file("d/f", "2");
	CHECK_FAILS(MoveFileExA("d", far("d"), 0), ERROR_NOT_SAME_DEVICE);
	CHECK_FAILS(move("d", far("d")), ERROR_ACCESS_DENIED);
	check_intact("d/f", "2");
	CHECK_EQ(mkfifo("p", 0600), 0);
	CHECK_FAILS(move("p", far("p")), ERROR_NOT_SAME_DEVICE);
	CHECK(host_exists("p"));
}

static void existing_targets(void)
{
	struct progress p = { .answers = { PROGRESS_CONTINUE } };
	char b[PATH_MAX + 64];
	HANDLE h;

	enter_two();
	snprintf(b, sizeof(b), "%s", far("b"));
	text_file("a", "1");
	text_file(b, "2");
	/* Which is told before anything is copied. */
	CHECK_FAILS(move_reporting("a", b, &p, MOVEFILE_COPY_ALLOWED), ERROR_ALREADY_EXISTS);
	CHECK_EQ(p.calls, 0);
	CHECK(SetFileAttributesA(b, FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(MoveFileExA("a", b, 3), ERROR_ACCESS_DENIED);
	CHECK(SetFileAttributesA(b, FILE_ATTRIBUTE_NORMAL));
	h = create(b, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_FAILS(MoveFileExA("a", b, 3), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	CHECK_EQ(mkdir(far("d"), 0700), 0);
	CHECK_FAILS(MoveFileExA("a", far("d"), 3), ERROR_ACCESS_DENIED);
	CHECK(has("a", "1") && has(b, "2"));
	CHECK_EQ(count_names(volume, ""), 2);
	CHECK(MoveFileExA("a", b, 3));
	CHECK(has(b, "1") && !host_exists("a"));
	CHECK_EQ(count_names(volume, ""), 2);
}

static void open_sources(void)
{
	HANDLE h;

	enter_two();
	h = create(text_file("a", "1"), GENERIC_READ, SHARE, OPEN_EXISTING, 0);
	CHECK_FAILS(move("a", far("b")), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	check_intact("a", "1");
	/* Its deletion has to wait, the move need not. */
	h = create("a", GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(move("a", far("b")));
	CHECK(has(far("b"), "1") && host_exists("a"));
	CHECK(CloseHandle(h));
	CHECK(!host_exists("a"));
}

static void links(void)
{
	char target[8] = "";

	enter_two();
	text_file("f", "1");
	text_file(far("m"), "2");
	CHECK_EQ(symlink("f", "l") | symlink(".", "d"), 0);
	CHECK_FAILS(move("l", far("m")), ERROR_ALREADY_EXISTS);
	CHECK(MoveFileExA("l", far("m"), 3));
	CHECK_EQ(readlink(far("m"), target, sizeof(target)), 1);
	CHECK_EQ(target[0], 'f');
	CHECK(move("d/", far("d")));
	CHECK_EQ(readlink(far("d"), target, sizeof(target)), 1);
	CHECK(host_exists("f") && !host_exists("l") && !host_exists("d"));
	CHECK_EQ(count_names(volume, ""), 2);
}

static void progress(void)
{
	struct progress p = { .answers = { PROGRESS_CONTINUE } }, quiet = { .answers = { PROGRESS_QUIET } };
	struct progress none = { .answers = { PROGRESS_CANCEL } };
	WCHAR wide[64];

	enter_two();
	copy_fill("a", 0, SIZE);
	CHECK(move_reporting("a", far("b"), &p, MOVEFILE_COPY_ALLOWED));
	CHECK(p.calls >= 2);
	CHECK(p.size == SIZE && p.done == SIZE);
	/* Nobody has seen a part of it. */
	CHECK(!p.target_seen);
	CHECK(move_reporting(far("b"), "a", &quiet, MOVEFILE_COPY_ALLOWED));
	CHECK_EQ(quiet.calls, 1);
	/* Within a volume nobody is asked (W-MOVE-1). */
	CHECK(move_reporting("a", "c", &none, MOVEFILE_COPY_ALLOWED));
	CHECK_EQ(none.calls, 0);
	for (int i = 0; i == 0 || volume[i - 1]; i++)
		wide[i] = (WCHAR)volume[i];
	memcpy(wide + strlen(volume), (WCHAR[]){ '\\', 'b', 0 }, 3 * sizeof(WCHAR));
	memset(&p, 0, sizeof(p));
	CHECK(MoveFileWithProgressW((WCHAR[]){ 'c', 0 }, wide, on_progress, &p, MOVEFILE_COPY_ALLOWED));
	CHECK(p.calls >= 2 && !host_exists("c") && size_of(far("b")) == SIZE);
}

/* However it ends early, the source is there and nothing else (W-MOVE-1). */
static void cancels(void)
{
	static const struct progress cancelled[] = {
		{ .answers = { PROGRESS_CANCEL } },
		{ .answers = { PROGRESS_STOP } },
		{ .answers = { PROGRESS_CONTINUE, PROGRESS_CANCEL } },
		{ .answers = { PROGRESS_CONTINUE, PROGRESS_STOP } },
	};
	DWORD flags = MOVEFILE_COPY_ALLOWED | MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;

	enter_two();
	copy_fill("a", 0, SIZE);
	for (int named = 0; named < 2; named++) {
		if (named)
			refuse_bits(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
		for (int i = 0; i < 4; i++) {
			struct progress p = cancelled[i];

			CHECK_FAILS(move_reporting("a", far("b"), &p, flags), ERROR_REQUEST_ABORTED);
			CHECK_EQ(p.calls, i < 2 ? 1 : 2);
			CHECK_EQ(size_of("a"), SIZE);
			CHECK_EQ(count_names(volume, ""), 0);
		}
	}
	text_file(far("b"), "2");
	CHECK_FAILS(move_reporting("a", far("b"), &(struct progress){ .answers = { 0, 1 } }, flags),
		    ERROR_REQUEST_ABORTED);
	CHECK(has(far("b"), "2"));
	CHECK_EQ(count_names(volume, ""), 1);
}

static void cancelled_scope(void)
{
	struct progress p = { .scope = CreateCancellationScope(NULL, 0) };

	enter_two();
	copy_fill("a", 0, SIZE);
	CHECK(EnterCancellationScope(p.scope));
	CHECK_FAILS(move_reporting("a", far("b"), &p, MOVEFILE_COPY_ALLOWED), ERROR_OPERATION_ABORTED);
	CHECK(LeaveCancellationScope(p.scope));
	CHECK_EQ(size_of("a"), SIZE);
	CHECK_EQ(count_names(volume, ""), 0);
	CHECK(CloseHandle(p.scope));
}

static void move_and_die(void)
{
	struct progress p = { .kill = 1 };

	move_reporting("a", far("b"), &p, MOVEFILE_COPY_ALLOWED);
}

/* Killed in the midst of it, it leaves nothing; where files need names, one whose name tells. */
static void killed(void)
{
	enter_two();
	copy_fill("a", 0, SIZE);
	CHECK_EQ(host_exit_status(move_and_die), 1000 + SIGKILL);
	CHECK_EQ(size_of("a"), SIZE);
	CHECK_EQ(count_names(".", ""), 1);
	CHECK_EQ(count_names(volume, ""), count_names(volume, "~MV"));
	refuse_bits(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
	CHECK_EQ(host_exit_status(move_and_die), 1000 + SIGKILL);
	CHECK_EQ(size_of("a"), SIZE);
	CHECK(!host_exists(far("b")));
	CHECK(count_names(volume, "~MV") > 0);
}

static void named_copies(void)
{
	enter_two();
	refuse_bits(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
	text_file("a", "1");
	CHECK(move("a", far("b")));
	CHECK(has(far("b"), "1"));
	text_file("a", "3");
	CHECK_FAILS(move("a", far("b")), ERROR_ALREADY_EXISTS);
	CHECK(MoveFileExA("a", far("b"), 3 | MOVEFILE_WRITE_THROUGH));
	CHECK(has(far("b"), "3"));
	CHECK_EQ(count_names(volume, ""), 1);
	CHECK_EQ(count_names(".", ""), 0);
}

static void final_delete_fails(void)
{
	enter_two();
	text_file("a", "1");
	refuse(REFUSE_UNLINK, EACCES);
	CHECK(move("a", far("b")));
	CHECK(has("a", "1") && has(far("b"), "1"));
}

/* Only what was copied is deleted, and not what has its name by then. */
static void another_source(void)
{
	struct progress p = { .answers = { PROGRESS_CONTINUE, PROGRESS_QUIET }, .instead = "c" };

	enter_two();
	text_file("a", "1");
	text_file("c", "3");
	CHECK(move_reporting("a", far("b"), &p, MOVEFILE_COPY_ALLOWED));
	CHECK_EQ(p.calls, 2);
	CHECK(has("a", "3") && has(far("b"), "1") && !host_exists("c"));
}

/* Nor is what has been added to it: the move leaves two. */
static void source_grows(void)
{
	struct progress p = { .answers = { PROGRESS_CONTINUE, PROGRESS_QUIET }, .more = "a" };

	enter_two();
	copy_fill("a", 0, 1000);
	CHECK(move_reporting("a", far("b"), &p, MOVEFILE_COPY_ALLOWED));
	CHECK_EQ(size_of("a"), 1001);
	copy_same_bytes("a", far("b"), 1000);
	/* Written through, it goes as ever: it is its own writes that are not meant. */
	CHECK(MoveFileExA("a", far("b"),
			  MOVEFILE_COPY_ALLOWED | MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH));
	CHECK(!host_exists("a"));
	CHECK_EQ(size_of(far("b")), 1001);
}

/* Names are meant as they were when the call began. */
static void another_directory(void)
{
	struct progress p = { .leave = true };
	const char *near;

	enter_two();
	text_file("a", "1");
	CHECK(move_reporting("a", far("b"), &p, MOVEFILE_COPY_ALLOWED));
	near = host_path("a");
	CHECK(!host_exists(near) && has(far("b"), "1"));
	CHECK_EQ(chdir(volume), 0);
	memset(&p, 0, sizeof(p));
	p.leave = true;
	CHECK(move_reporting("b", near, &p, MOVEFILE_COPY_ALLOWED));
	CHECK(has(near, "1") && !host_exists(far("b")));
}

static void no_room(void)
{
	struct rlimit limit = { MIB, RLIM_INFINITY };

	enter_two();
	copy_fill("a", 0, SIZE);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_FAILS(move("a", far("b")), ERROR_FILE_TOO_LARGE);
	CHECK_EQ(size_of("a"), SIZE);
	CHECK_EQ(count_names(volume, ""), 0);
}

static const struct tap_case cases[] = {
	CASE(moves, "a file goes to another volume, and is whole (W-MOVE-1)"),
	CASE(refusals, "17 without MOVEFILE_COPY_ALLOWED, and what does not go (W-MOVE-1)"),
	CASE(existing_targets, "MOVEFILE_REPLACE_EXISTING"),
	CASE(open_sources, "open sources (W-CREATE-3, W-CREATE-8)"),
	CASE(links, "links are moved themselves"),
	CASE(progress, "progress is reported, within a volume it is not (W-MOVE-1, W-COPY-1)"),
	CASE(cancels, "CANCEL and STOP leave the source alone (W-MOVE-1)"),
	CASE(cancelled_scope, "a cancelled scope ends the copy"),
	CASE(killed, "a killed move leaves the source alone"),
	CASE(named_copies, "where a file needs a name"),
	CASE(final_delete_fails, "the final delete may fail (W-MOVE-1)"),
	CASE(another_source, "what takes the source's name meanwhile stays"),
	CASE(source_grows, "nor is a source deleted that has grown (W-MOVE-1)"),
	CASE(another_directory, "the routine may change the current directory"),
	CASE(no_room, "no room"),
};

TAP_MAIN(cases)
