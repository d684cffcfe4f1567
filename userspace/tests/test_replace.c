// SPDX-License-Identifier: MIT
/* ReplaceFile: what it does, what it keeps, and its errors (W-REPL-1, W-CREATE-3, W-LE-1). */
#include <windows.h>

#include <errno.h>
#include <sys/xattr.h>

#include "refuse.h"
#include "texts.h"

/* "r" is to be replaced by "n", which differs in all that can be told. */
static void prepare(void)
{
	text_file("r", "old");
	text_file("n", "new one");
}

/* Both files as they were: a call that fails changes nothing. */
static void check_unchanged(void)
{
	CHECK(has("r", "old") && has("n", "new one"));
}

static void check_replaced(const char *backup)
{
	CHECK(has("r", "new one"));
	CHECK(!host_exists("n"));
	if (backup)
		CHECK(has(backup, "old"));
}

static BOOL replace(const char *backup, DWORD flags)
{
	return ReplaceFileA("r", "n", backup, flags, NULL, NULL);
}

static void replaces(void)
{
	prepare();
	SetLastError(0xdead);
	errno = 4711;
	CHECK(replace(NULL, 0));
	CHECK_EQ(GetLastError(), 0xdead);
	CHECK_EQ(errno, 4711);
	check_replaced(NULL);
	CHECK_EQ(count_names(".", ""), 1);
	prepare();
	CHECK(replace("b", 0));
	check_replaced("b");
	/* The next backup takes the place of the last. */
	text_file("b", "older");
	prepare();
	CHECK(replace("b", REPLACEFILE_WRITE_THROUGH));
	check_replaced("b");
	CHECK_EQ(count_names(".", ""), 2);
	prepare();
	CHECK(ReplaceFileA(windows_name(host_path("r")), windows_name(host_path("n")),
			   windows_name(host_path("b")), 7, NULL, NULL));
	check_replaced("b");
	CHECK_EQ(count_names(".", ""), 2);
}

static void bad_parameters(void)
{
	prepare();
	CHECK_FAILS(ReplaceFileA(NULL, "n", NULL, 0, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReplaceFileA("r", NULL, NULL, 0, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReplaceFileA("r", "n", NULL, 8, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReplaceFileA("r", "n", NULL, 0, "", NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReplaceFileA("r", "n", NULL, 0, NULL, ""), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReplaceFileW(NULL, NULL, NULL, 0, NULL, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReplaceFileA("no", "n", NULL, 0, NULL, NULL), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(ReplaceFileA("no/r", "n", NULL, 0, NULL, NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(ReplaceFileA("r", "no", "b", 0, NULL, NULL), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(ReplaceFileA("r", "no/n", NULL, 0, NULL, NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(ReplaceFileA("r/", "n", NULL, 0, NULL, NULL), ERROR_INVALID_NAME);
	CHECK_FAILS(ReplaceFileA("r", "n", "b/", 0, NULL, NULL), ERROR_INVALID_NAME);
	CHECK_FAILS(ReplaceFileA("r", "n", "b>", 0, NULL, NULL), ERROR_INVALID_NAME);
	CHECK_FAILS(ReplaceFileA("r", "n", "no/b", 0, NULL, NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(ReplaceFileA("r", "n", "r/b", 0, NULL, NULL), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(ReplaceFileA("", "n", NULL, 0, NULL, NULL), ERROR_PATH_NOT_FOUND);
	/* The replacement is opened for itself alone. */
	CHECK_FAILS(ReplaceFileA("r", "r", NULL, 0, NULL, NULL), ERROR_SHARING_VIOLATION);
	check_unchanged();
	CHECK_EQ(count_names(".", ""), 2);
}

static void wrong_files(void)
{
	prepare();
	CHECK_EQ(mkdir("d", 0700) | mkfifo("p", 0600), 0);
	CHECK_FAILS(ReplaceFileA("d", "n", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReplaceFileA("r", "d", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReplaceFileA("p", "n", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReplaceFileA("NUL", "n", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReplaceFileA("r", "NUL", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	/* A backup that cannot be replaced. */
	CHECK_FAILS(replace("d", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	CHECK_FAILS(replace("r", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	CHECK_FAILS(replace("./r", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	CHECK_FAILS(replace("n", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	text_file("b", "kept");
	CHECK(SetFileAttributesA("b", FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(replace("b", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	CHECK(has("b", "kept"));
	CHECK(SetFileAttributesA("r", FILE_ATTRIBUTE_READONLY));
	CHECK_FAILS(replace(NULL, 0), ERROR_ACCESS_DENIED);
	check_unchanged();
	/* A read-only replacement becomes what the replaced file was. */
	CHECK(SetFileAttributesA("r", FILE_ATTRIBUTE_NORMAL));
	CHECK(SetFileAttributesA("n", FILE_ATTRIBUTE_READONLY));
	CHECK(replace(NULL, 0));
	check_replaced(NULL);
	CHECK_EQ(GetFileAttributesA("r"), FILE_ATTRIBUTE_ARCHIVE);
}

static HANDLE open_sharing(const char *name, DWORD access, DWORD share)
{
	HANDLE h = create(name, access, share, OPEN_EXISTING, 0);

	CHECK(h != INVALID_HANDLE_VALUE);
	return h;
}

static void open_files(void)
{
	char buf[8];
	DWORD n;
	HANDLE h;

	prepare();
	text_file("b", "kept");
	h = open_sharing("r", GENERIC_READ, SHARE);
	CHECK_FAILS(replace(NULL, 0), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = open_sharing("r", GENERIC_WRITE, FILE_SHARE_DELETE);
	CHECK_FAILS(replace(NULL, 0), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = open_sharing("n", GENERIC_READ, SHARE_ALL);
	CHECK_FAILS(replace(NULL, 0), ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = open_sharing("b", 0, SHARE_ALL);
	CHECK_FAILS(replace("b", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	CHECK(CloseHandle(h));
	h = open_sharing("r", GENERIC_READ, SHARE_ALL);
	CHECK(DeleteFileA("r"));
	CHECK_FAILS(replace(NULL, 0), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	prepare();
	check_unchanged();
	CHECK(has("b", "kept"));
	/* Who shares its deletion keeps the old file. */
	h = open_sharing("r", RW, SHARE_ALL);
	CHECK(replace(NULL, 0));
	check_replaced(NULL);
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL) && n == 3 && !memcmp(buf, "old", 3));
	CHECK(CloseHandle(h));
	CHECK(has("r", "new one"));
}

/* FILE_FLAG_DELETE_ON_CLOSE is the old file's: its backup goes, the new one stays (W-CREATE-8). */
static void delete_on_close(void)
{
	DWORD access = GENERIC_READ | DELETE;
	HANDLE h;

	prepare();
	h = create("r", access, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	CHECK(replace("b", 0));
	CHECK(CloseHandle(h));
	CHECK(has("r", "new one") && !host_exists("b"));
	prepare();
	h = create("r", access, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	CHECK(replace(NULL, 0));
	CHECK(CloseHandle(h));
	CHECK(has("r", "new one"));
}

static void links(void)
{
	prepare();
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(symlink("../r", "d/l"), 0);
	CHECK(ReplaceFileA("d/l", "n", "d/b", 0, NULL, NULL));
	check_replaced("d/b");
	CHECK(has("d/l", "new one"));
	/* A link where the backup is to be is replaced, and not followed. */
	prepare();
	text_file("f", "kept");
	CHECK_EQ(symlink("f", "b"), 0);
	CHECK(replace("b", 0));
	check_replaced("b");
	CHECK(has("f", "kept"));
	/* A call that was killed has left a backup that is the replaced file; one that it could not rename. */
	prepare();
	CHECK_EQ(unlink("b") | link("r", "b"), 0);
	CHECK(replace("b", 0));
	check_replaced("b");
}

/* A name left by a call that was killed is used up by the next; one that is a stranger's is not. */
static void leftovers(void)
{
	char own[64];
	struct stat st;

	prepare();
	text_file("b", "older");
	CHECK_EQ(stat("r", &st), 0);
	snprintf(own, sizeof(own), "~RF%jx.TMP", (uintmax_t)st.st_ino);
	CHECK_EQ(link("r", own), 0);
	CHECK(replace("b", 0));
	check_replaced("b");
	CHECK_EQ(count_names(".", ""), 2);
	CHECK_EQ(stat("r", &st), 0);
	snprintf(own, sizeof(own), "~RF%jx.TMP", (uintmax_t)st.st_ino);
	text_file(own, "kept");
	text_file("n", "another");
	CHECK_FAILS(replace("b", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	CHECK(has("r", "new one") && has("n", "another") && has("b", "old") && has(own, "kept"));
}

static void identity(void)
{
	char value[8];
	struct stat old, new, st;

	prepare();
	CHECK_EQ(chmod("r", 04640) | chmod("n", 0666), 0);
	if (geteuid() == 0)
		CHECK_EQ(chown("r", 12, 34) | chmod("r", 04640), 0);
	CHECK_EQ(stat("r", &old) | stat("n", &new), 0);
	if (setxattr("r", "user.a", "1", 1, 0) != 0)
		SKIP("no attributes on this file system");
	CHECK_EQ(setxattr("r", "user.b", "2", 1, 0) | setxattr("n", "user.b", "3", 1, 0), 0);
	CHECK(replace("b", 0));
	check_replaced("b");
	CHECK_EQ(stat("r", &st), 0);
	/* Who may do what stays with the name, but no set-user-ID; what it is comes with the new one. */
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK(st.st_uid == old.st_uid && st.st_gid == old.st_gid);
	CHECK_EQ(st.st_ino, new.st_ino);
	CHECK_EQ(st.st_mtim.tv_nsec, new.st_mtim.tv_nsec);
	CHECK_EQ(getxattr("r", "user.a", value, sizeof(value)), 1);
	CHECK_EQ(value[0], '1');
	CHECK_EQ(getxattr("r", "user.b", value, sizeof(value)), 1);
	CHECK_EQ(value[0], '3');
	CHECK_EQ(stat("b", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 04640);
}

/* An access control list: version 2; the owner, user 7, the group, the mask, the others. */
static const unsigned char acl[] = {
	2, 0, 0, 0,
	1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 7, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
	16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
};

static void access_lists(void)
{
	unsigned char value[128];

	prepare();
	if (setxattr("r", "system.posix_acl_access", acl, sizeof(acl), 0) != 0)
		SKIP("no access control lists on this file system");
	CHECK(replace(NULL, 0));
	CHECK_EQ(getxattr("r", "system.posix_acl_access", value, sizeof(value)), sizeof(acl));
	CHECK(!memcmp(value, acl, sizeof(acl)));
	/* And none where there was none. */
	text_file("n", "third");
	CHECK_EQ(rename("r", "x") | rename("n", "r") | rename("x", "n"), 0);
	CHECK(replace(NULL, 0));
	CHECK_EQ(getxattr("r", "system.posix_acl_access", value, sizeof(value)), -1);
	CHECK_EQ(errno, ENODATA);
}

static void merge_errors(void)
{
	struct stat st;

	prepare();
	CHECK_EQ(chmod("r", 0600) | chmod("n", 0666), 0);
	if (setxattr("r", "user.a", "1", 1, 0) != 0)
		SKIP("no attributes on this file system");
	refuse(SYS_setxattr, ENOSPC);
	CHECK_FAILS(replace(NULL, REPLACEFILE_IGNORE_ACL_ERRORS), ERROR_DISK_FULL);
	check_unchanged();
	CHECK(replace(NULL, REPLACEFILE_IGNORE_MERGE_ERRORS));
	check_replaced(NULL);
	prepare();
	CHECK_EQ(chmod("n", 0666), 0);
	refuse(REFUSE_CHMOD, EPERM);
	CHECK_FAILS(replace(NULL, 0), ERROR_ACCESS_DENIED);
	check_unchanged();
	CHECK(replace(NULL, REPLACEFILE_IGNORE_ACL_ERRORS));
	check_replaced(NULL);
	CHECK_EQ(stat("r", &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0666);
}

static void no_permission(void)
{
	prepare();
	CHECK_EQ(mkdir("d", 0755) | mkdir("o", 0777) | chmod("o", 0777), 0);
	CHECK_EQ(rename("r", "d/r") | rename("n", "o/n"), 0);
	if (geteuid() == 0)
		CHECK_EQ(chmod("o/n", 0666) | chmod(".", 0755) | seteuid(4711), 0);
	else
		CHECK_EQ(chmod("d", 0555), 0);
	CHECK_FAILS(ReplaceFileA("d/r", "o/n", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK_FAILS(ReplaceFileA("o/n", "d/r", NULL, 0, NULL, NULL), ERROR_ACCESS_DENIED);
	CHECK(has("d/r", "old") && has("o/n", "new one"));
	if (getuid() == 0)
		CHECK_EQ(seteuid(0), 0);
	else
		CHECK_EQ(chmod("d", 0755), 0);
}

/* The next renames, one a bit, lowest first: these fail, and how. */
static unsigned int failing, failure;

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int __wrap_rename(const char *from, const char *to)
{
	bool fails = failing & 1;

	failing >>= 1;
	if (!fails)
		return __real_rename(from, to);
	errno = (int)failure;
	return -1;
}

static void check_failure(const char *backup, unsigned int which, unsigned int how, DWORD error)
{
	failing = which;
	failure = how;
	CHECK_FAILS(replace(backup, 0), error);
	CHECK_EQ(failing, 0);
}

/* The documented errors of renames that fail, and where both files are then. */
static void failing_renames(void)
{
	prepare();
	check_failure(NULL, 1, EIO, ERROR_UNABLE_TO_REMOVE_REPLACED);
	check_failure(NULL, 1, EXDEV, ERROR_NOT_SAME_DEVICE);
	check_failure("b", 1, EIO, ERROR_UNABLE_TO_MOVE_REPLACEMENT);
	check_failure("b", 1, EXDEV, ERROR_NOT_SAME_DEVICE);
	check_unchanged();
	CHECK(!host_exists("b"));
	text_file("b", "kept");
	check_failure("b", 1, EACCES, ERROR_UNABLE_TO_REMOVE_REPLACED);
	check_unchanged();
	CHECK(has("b", "kept"));
	refuse(REFUSE_LINK, EPERM);
	/* Exchanged, and exchanged back. */
	check_failure("b", 1, EIO, ERROR_UNABLE_TO_MOVE_REPLACEMENT);
	check_unchanged();
	CHECK(has("b", "kept"));
	CHECK_EQ(count_names(".", ""), 3);
}

static void failing_renames_alone(void)
{
	prepare();
	text_file("b", "kept");
	refuse(REFUSE_LINK, EPERM);
	refuse(SYS_renameat2, EINVAL);
	check_failure("b", 1, EIO, ERROR_UNABLE_TO_REMOVE_REPLACED);
	check_failure("b", 1, EXDEV, ERROR_NOT_SAME_DEVICE);
	CHECK(has("b", "kept"));
	check_failure("b", 2, EIO, ERROR_UNABLE_TO_MOVE_REPLACEMENT);
	check_unchanged();
	check_failure("b", 6, EIO, ERROR_UNABLE_TO_MOVE_REPLACEMENT_2);
	CHECK(has("b", "old") && has("n", "new one") && !host_exists("r"));
	CHECK_EQ(rename("b", "r"), 0);
	/* What may not be linked may not be exchanged, either. */
	refuse(SYS_renameat2, EPERM);
	CHECK_FAILS(replace("b", 0), ERROR_UNABLE_TO_REMOVE_REPLACED);
	check_unchanged();
	CHECK_EQ(count_names(".", ""), 2);
}

static bool no_memory;

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

char *__wrap_strdup(const char *s)
{
	if (!no_memory)
		return __real_strdup(s);
	errno = ENOMEM;
	return NULL;
}

/* That a file is to be deleted on close is not forgotten: rather the call fails (W-CREATE-8). */
static void out_of_memory(void)
{
	HANDLE h, other;

	prepare();
	h = create("r", GENERIC_READ | DELETE, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	other = create("r", GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	no_memory = true;
	CHECK_FAILS(replace("b", 0), ERROR_NOT_ENOUGH_MEMORY);
	CHECK_FAILS(MoveFileA("r", "c"), ERROR_NOT_ENOUGH_MEMORY);
	check_unchanged();
	CHECK_EQ(count_names(".", ""), 2);
	no_memory = false;
	CHECK_FAILS(MoveFileA("r", "n"), ERROR_ALREADY_EXISTS);
	CHECK(MoveFileA("r", "c"));
	CHECK(CloseHandle(h));
	CHECK(CloseHandle(other));
	only("n", "c");
	CHECK_EQ(count_names(".", ""), 1);
}

/* Without hard links, and without exchanges of names. */
static void poor_file_systems(void)
{
	enter();
	refuse(REFUSE_LINK, EPERM);
	for (int exchanges = 1; exchanges >= 0; exchanges--) {
		if (!exchanges)
			refuse(SYS_renameat2, EINVAL);
		unlink("b");
		for (int backup = 0; backup < 2; backup++) {
			prepare();
			CHECK(replace("b", 0));
			check_replaced("b");
			CHECK_EQ(count_names(".", ""), 2);
		}
	}
}

static void wide_form(void)
{
	static const WCHAR r[] = { 'r', 0 }, n[] = { 0xe4, 0 }, b[] = { '.', '\\', 'b', 0 };

	prepare();
	CHECK_EQ(rename("n", "\xc3\xa4"), 0);
	CHECK(ReplaceFileW(r, n, b, 0, NULL, NULL));
	check_replaced("b");
	CHECK_FAILS(ReplaceFileW(r, n, NULL, 0, NULL, NULL), ERROR_FILE_NOT_FOUND);
}

static const struct tap_case cases[] = {
	CASE(replaces, "one file takes the name of another (W-REPL-1, W-LE-1)"),
	CASE(bad_parameters, "bad parameters and names"),
	CASE(wrong_files, "files that cannot be replaced, and backups (W-REPL-1)"),
	CASE(open_files, "open files (W-CREATE-3, W-CREATE-8)"),
	CASE(delete_on_close, "FILE_FLAG_DELETE_ON_CLOSE goes with the backup (W-CREATE-8)"),
	CASE(links, "links"),
	CASE(leftovers, "what a killed call has left"),
	CASE(identity, "what is kept of the replaced file (W-REPL-1)"),
	CASE(access_lists, "access control lists"),
	CASE(merge_errors, "REPLACEFILE_IGNORE_*"),
	CASE(no_permission, "no permission"),
	CASE(failing_renames, "1175 and 1176 keep both names (W-REPL-1)"),
	CASE(failing_renames_alone, "1177 leaves the old file under the backup's name (W-REPL-1)"),
	CASE(out_of_memory, "no memory for the new name (W-CREATE-8)"),
	CASE(poor_file_systems, "file systems that know less"),
	CASE(wide_form, "the W form"),
};

TAP_MAIN(cases)
