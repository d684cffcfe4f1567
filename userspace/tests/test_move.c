// SPDX-License-Identifier: MIT
/* MoveFile and MoveFileEx within a volume (W-MOVE-1, W-CREATE-3, W-CREATE-8, W-LE-1). */
#include <windows.h>

#include <sys/mman.h>

#include "files.h"
#include "refuse.h"
#include "texts.h"

static ino_t inode_of(const char *path)
{
	struct stat st;

	CHECK_EQ(lstat(path, &st), 0);
	return st.st_ino;
}

static void moves(void)
{
	const char *a = text_file("a", "1"), *b = "b";
	ino_t inode = inode_of(a);

	SetLastError(0xdead);
	errno = 4711;
	CHECK(MoveFileA(a, b));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK_EQ(errno, 4711);
	only("b", "a");
	CHECK_EQ(inode_of(b), inode);
	/* Windows' names, and a name to itself. */
	CHECK(MoveFileA(windows_name(host_path("b")), windows_name(host_path("a"))));
	CHECK(MoveFileA(a, a));
	CHECK(MoveFileExA(a, "./a", MOVEFILE_REPLACE_EXISTING));
	/* Only the letters' case: another name here. */
	CHECK(MoveFileA(a, "A"));
	only("A", "a");
	CHECK(MoveFileExA("A", a, MOVEFILE_FAIL_IF_NOT_TRACKABLE));
	CHECK(has("a", "1"));
	/* A read-only file has a name like another. */
	CHECK(SetFileAttributesA(a, FILE_ATTRIBUTE_READONLY));
	CHECK(MoveFileA(a, b));
	only("b", "a");
}

static void names(void)
{
	const char *a = text_file("a", "1"), *b = "b";

	CHECK_FAILS(MoveFileA("no", b), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(MoveFileA("no/no", b), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA(a, "no/b"), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA(a, "a/b"), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA(NULL, b), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA(a, NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA("", b), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA(a, ""), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileA(a, "b?"), ERROR_INVALID_NAME);
	CHECK_FAILS(MoveFileA("a/", b), ERROR_INVALID_NAME);
	CHECK_FAILS(MoveFileA(a, "b/"), ERROR_INVALID_NAME);
	CHECK_FAILS(MoveFileA("NUL", b), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MoveFileExA(a, "NUL", MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK(host_exists("/dev/null"));
	CHECK(has("a", "1") && !host_exists(b));
}

static void flags(void)
{
	const char *a = text_file("a", "1"), *b = "b";

	CHECK_FAILS(MoveFileExA(a, b, 0x40), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MoveFileExA(a, b, 0x80000000), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MoveFileExA(a, b, MOVEFILE_CREATE_HARDLINK), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MoveFileExA(a, b, MOVEFILE_DELAY_UNTIL_REBOOT | MOVEFILE_COPY_ALLOWED),
		    ERROR_INVALID_PARAMETER);
	CHECK_FAILS(MoveFileExA(a, b, MOVEFILE_DELAY_UNTIL_REBOOT), ERROR_ACCESS_DENIED);
	CHECK_FAILS(MoveFileExA(a, NULL, MOVEFILE_DELAY_UNTIL_REBOOT), ERROR_ACCESS_DENIED);
	CHECK(has("a", "1") && !host_exists(b));
}

static void existing_targets(void)
{
	const char *a = text_file("a", "1"), *b = text_file("b", "2"), *d = "d";

	CHECK_FAILS(MoveFileA(a, b), ERROR_ALREADY_EXISTS);
	CHECK(has("a", "1") && has("b", "2"));
	CHECK(MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING));
	CHECK(has("b", "1"));
	only("b", "a");
	text_file("a", "3");
	CHECK(SetFileAttributesA(b, FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(MoveFileExA(a, b, MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK_EQ(mkdir(d, 0700), 0);
	CHECK_FAILS(MoveFileA(a, d), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(MoveFileExA(a, d, MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK_FAILS(MoveFileExA(d, a, MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	/* Nor one that a link leads to. */
	CHECK_EQ(symlink("d", "l"), 0);
	CHECK_FAILS(MoveFileExA(a, "l", MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK(has("a", "3") && has("b", "1") && host_exists(d) && host_exists("l"));
}

/* Sharing is asked of those who have the source open; an open target is never replaced. */
static void open_files(void)
{
	const char *a = text_file("a", "1"), *b = text_file("b", "2");
	HANDLE h = create(a, GENERIC_READ, SHARE, OPEN_EXISTING, 0);

	CHECK_FAILS(MoveFileA(a, "c"), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(a, RW, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(MoveFileA(a, "c"));
	CHECK(WriteFile(h, "xy", 2, &(DWORD){ 0 }, NULL));
	CHECK(has("c", "xy"));
	CHECK_FAILS(MoveFileA(b, "c"), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(MoveFileExA(b, "c", MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	h = create("c", 0, 0, OPEN_EXISTING, 0);
	CHECK_FAILS(MoveFileExA(b, "c", MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK(MoveFileA("c", a));
	CHECK(CloseHandle(h));
	CHECK(MoveFileExA(b, a, MOVEFILE_REPLACE_EXISTING));
	CHECK(has("a", "2"));
}

/* What is to be deleted cannot be moved, nor replaced (W-CREATE-8). */
static void deleted_files(void)
{
	const char *a = text_file("a", "1"), *b = text_file("b", "2");
	HANDLE h = create(a, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);

	CHECK(DeleteFileA(a));
	CHECK_FAILS(MoveFileA(a, "c"), ERROR_ACCESS_DENIED);
	CHECK_FAILS(MoveFileA(b, a), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(MoveFileExA(b, a, MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	only("b", "a");
	CHECK(MoveFileA(b, a));
}

/* FILE_FLAG_DELETE_ON_CLOSE is the file's, and goes with it to its new name. */
static void delete_on_close(void)
{
	const char *a = text_file("a", "1"), *b = "b";
	HANDLE h = create(a, RW | DELETE, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	HANDLE other;

	CHECK(MoveFileA(a, b));
	text_file("a", "another");
	CHECK(CloseHandle(h));
	only("a", "b");
	/* Of two names the one that it was opened by. */
	text_file("b", "2");
	CHECK_EQ(link(b, "c"), 0);
	h = create(b, RW | DELETE, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	CHECK(MoveFileA("c", "d"));
	CHECK(CloseHandle(h));
	only("d", "b");
	/* And on to where the last of two moves has put it. */
	h = create("d", RW | DELETE, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	other = create("d", GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_EQ(mkdir("e", 0700), 0);
	CHECK(MoveFileA("d", "e/x"));
	CHECK_EQ(chdir("e"), 0);
	CHECK(MoveFileA("x", "y"));
	CHECK_EQ(chdir(".."), 0);
	CHECK(CloseHandle(h));
	CHECK(host_exists("e/y"));
	CHECK(CloseHandle(other));
	CHECK(!host_exists("e/y"));
}

static void directories(void)
{
	const char *d = "d", *e = "e", *f;
	HANDLE h;

	enter();
	CHECK_EQ(mkdir(d, 0700) | mkdir(e, 0700), 0);
	f = text_file("d/f", "1");
	CHECK_FAILS(MoveFileA(d, e), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(MoveFileExA(d, e, MOVEFILE_REPLACE_EXISTING), ERROR_ACCESS_DENIED);
	CHECK_EQ(rmdir(e), 0);
	CHECK(MoveFileA("d/", "e/"));
	CHECK(has("e/f", "1"));
	CHECK(MoveFileExA(windows_name(host_path("e")), windows_name(host_path("d")), MOVEFILE_REPLACE_EXISTING));
	CHECK(has("d/f", "1"));
	CHECK_FAILS(MoveFileA(d, "d/x"), ERROR_INVALID_PARAMETER);
	CHECK_EQ(mkdir("d/x", 0700), 0);
	CHECK_FAILS(MoveFileA(d, "d/x/y"), ERROR_ACCESS_DENIED);
	/* Not while something in it is open, however little for. */
	h = create(f, 0, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK_FAILS(MoveFileA(d, e), ERROR_ACCESS_DENIED);
	CHECK(MoveFileA(f, "d/x/g"));
	CHECK_FAILS(MoveFileA(d, e), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	/* What begins in the same way is not in it. */
	h = create(text_file("dd", "2"), GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(MoveFileA(d, e));
	CHECK(CloseHandle(h));
	h = create(e, GENERIC_READ, SHARE, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	CHECK_FAILS(MoveFileA(e, d), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(e, GENERIC_READ, SHARE_ALL, OPEN_EXISTING,
		   FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_DELETE_ON_CLOSE);
	CHECK(MoveFileA("e/x/g", "g"));
	CHECK(RemoveDirectoryA("e/x"));
	CHECK(MoveFileA(e, d));
	CHECK(CloseHandle(h));
	only("g", "d");
}

static void links(void)
{
	char target[8] = "";

	text_file("f", "1");
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(symlink("f", "l") | symlink("d", "ld") |
		 symlink("no", "ln"), 0);
	CHECK(MoveFileA("l", "m"));
	CHECK_EQ(readlink("m", target, sizeof(target)), 1);
	CHECK(MoveFileA("ln", "mn"));
	CHECK_EQ(readlink("mn", target, sizeof(target)), 2);
	CHECK(MoveFileA("ld/", "md/"));
	CHECK_EQ(readlink("md", target, sizeof(target)), 1);
	CHECK(host_exists("f") && host_exists("d"));
	/* One that is replaced is replaced itself. */
	text_file("g", "2");
	CHECK(MoveFileExA("g", "m", MOVEFILE_REPLACE_EXISTING));
	CHECK(has("f", "1") && has("m", "2"));
	/* Names of one file are two names, though Linux' rename would leave both. */
	CHECK_EQ(link("f", "F"), 0);
	CHECK_FAILS(MoveFileA("f", "F"), ERROR_ALREADY_EXISTS);
	CHECK(MoveFileExA("f", "F", MOVEFILE_REPLACE_EXISTING));
	only("F", "f");
	CHECK(has("F", "1"));
}

static void wide_forms(void)
{
	static const WCHAR a[] = { 'a', 0 }, b[] = { 0xe4, 0 }, c[] = { 'n', 'o', '\\', 'c', 0 };

	text_file("a", "1");
	CHECK(MoveFileW(a, b));
	only("\xc3\xa4", "a");
	CHECK_FAILS(MoveFileW(a, b), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(MoveFileW(b, c), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(MoveFileW(b, NULL), ERROR_PATH_NOT_FOUND);
	text_file("a", "2");
	CHECK_FAILS(MoveFileExW(a, b, 0), ERROR_ALREADY_EXISTS);
	CHECK(MoveFileExW(a, b, MOVEFILE_REPLACE_EXISTING));
	CHECK(has("\xc3\xa4", "2"));
}

/* Where the file system knows no rename that replaces nothing, or not even hard links. */
static void old_file_systems(void)
{
	const char *a = text_file("a", "1"), *b = text_file("b", "2"), *c = "c";
	const char *d = "d", *e = "e";

	CHECK_EQ(mkdir(d, 0700) | mkdir(e, 0700) | mkdir("e/x", 0700), 0);
	refuse(SYS_renameat2, EINVAL);
	for (int links = 1; links >= 0; links--) {
		if (!links)
			refuse(REFUSE_LINK, EPERM);
		CHECK_FAILS(MoveFileA(a, b), ERROR_ALREADY_EXISTS);
		CHECK(has("a", "1") && has("b", "2"));
		CHECK(MoveFileA(a, c));
		only("c", "a");
		CHECK(MoveFileA(c, a));
		CHECK(has("a", "1"));
		CHECK_FAILS(MoveFileA(a, "no/a"), ERROR_PATH_NOT_FOUND);
		CHECK_FAILS(MoveFileA(d, e), ERROR_ALREADY_EXISTS);
		CHECK_FAILS(MoveFileA(d, b), ERROR_ALREADY_EXISTS);
		CHECK_FAILS(MoveFileA(d, "d/x"), ERROR_INVALID_PARAMETER);
		CHECK(!host_exists("d/x"));
		CHECK(MoveFileA(d, c));
		only("c", "d");
		CHECK(MoveFileA(c, d));
	}
	CHECK_EQ(link(a, c), -1);
}

#define MOVERS 4

/* However many move to one name, one of them gets there, and nothing is lost. */
static void race_to_a_name(void)
{
	unsigned int *won;

	enter();
	won = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(won != MAP_FAILED);
	for (long round = 0; round < host_rounds(200); round++) {
		pid_t movers[MOVERS];

		for (int i = 0; i < MOVERS; i++)
			text_file((char[]){ (char)('a' + i), 0 }, (char[]){ (char)('a' + i), 0 });
		*won = 0;
		for (int i = 0; i < MOVERS; i++) {
			movers[i] = fork();
			if (movers[i] == 0) {
				char name[] = { (char)('a' + i), 0 };
				BOOL done = MoveFileA(name, "to");

				if (done)
					__atomic_fetch_add(won, 1, __ATOMIC_RELAXED);
				_exit(!done && GetLastError() != ERROR_ALREADY_EXISTS);
			}
		}
		for (int i = 0; i < MOVERS; i++) {
			int status;

			CHECK(waitpid(movers[i], &status, 0) == movers[i] && status == 0);
		}
		CHECK_EQ(*won, 1);
		for (int i = 0; i < MOVERS; i++) {
			char name[] = { (char)('a' + i), 0 };

			CHECK(host_exists(name) != has("to", name));
		}
		CHECK(DeleteFileA("to"));
	}
}

static const struct tap_case cases[] = {
	CASE(moves, "a file changes its name and nothing else (W-MOVE-1, W-LE-1)"),
	CASE(names, "names that lead nowhere"),
	CASE(flags, "flags that are not offered"),
	CASE(existing_targets, "MOVEFILE_REPLACE_EXISTING"),
	CASE(open_files, "open files (W-CREATE-3)"),
	CASE(deleted_files, "deleted files that are open (W-CREATE-8)"),
	CASE(delete_on_close, "FILE_FLAG_DELETE_ON_CLOSE goes with the file (W-CREATE-8)"),
	CASE(directories, "directories"),
	CASE(links, "links"),
	CASE(wide_forms, "the W forms"),
	CASE(old_file_systems, "file systems that know less"),
	CASE(race_to_a_name, "one of many gets the name (W-MOVE-1)"),
};

TAP_MAIN(cases)
