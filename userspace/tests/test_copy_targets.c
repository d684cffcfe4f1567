// SPDX-License-Identifier: MIT
/* What becomes of a target that a copy with COPY_FILE_COPY_SYMLINK replaces, or does not (W-COPY-2). */
#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <windows.h>

#include "copy.h"
#include "refuse.h"
#include "texts.h"

static BOOL copy(const char *from, const char *to, DWORD flags)
{
	SetLastError(0xdead);
	return CopyFileExA(from, to, NULL, NULL, NULL, flags);
}

static BOOL copy_link(const char *from, const char *to)
{
	return copy(from, to, COPY_FILE_COPY_SYMLINK);
}

static bool leads_to(const char *link, const char *target)
{
	char buf[64];
	ssize_t n = readlink(link, buf, sizeof(buf));

	return n == (ssize_t)strlen(target) && !memcmp(buf, target, (size_t)n);
}

/* What nobody could delete, nobody replaces by a link. */
static void not_to_be_deleted(void)
{
	struct stat st;

	text_file("a", "1");
	CHECK_EQ(symlink("a", "l") | mkdir("d", 0700) | symlink("d", "to_d"), 0);
	CHECK_FAILS(copy_link("l", "d"), ERROR_ACCESS_DENIED);
	CHECK_FAILS(copy_link("l", "to_d"), ERROR_ACCESS_DENIED);
	CHECK(leads_to("to_d", "d"));
	CHECK_FAILS(copy_link("a", "to_d"), ERROR_ACCESS_DENIED);
	CHECK(leads_to("to_d", "d"));
	text_file("read_only", "2");
	CHECK_EQ(chmod("read_only", 0444), 0);
	CHECK_FAILS(copy_link("l", "read_only"), ERROR_ACCESS_DENIED);
	CHECK(has("read_only", "2"));
	CHECK_EQ(count_names(".", ""), 5);
	/* Nobody's device; to make its node takes no more than the right to. */
	if (mknod("device", S_IFCHR | 0600, makedev(1, 3)) != 0)
		SKIP("no device can be made");
	CHECK_FAILS(copy_link("l", "device"), ERROR_ACCESS_DENIED);
	CHECK_EQ(lstat("device", &st), 0);
	CHECK(S_ISCHR(st.st_mode));
}

/* It has its name still when the call has failed, and when it is closed. */
static void in_use(void)
{
	static const DWORD errors[] = {ERROR_SHARING_VIOLATION, ERROR_ACCESS_DENIED};
	HANDLE h;

	text_file("a", "1");
	text_file("to", "2");
	CHECK_EQ(symlink("a", "l"), 0);
	for (DWORD i = 0; i < 2; i++) {
		h = create("to", GENERIC_READ, i ? SHARE_ALL : SHARE, OPEN_EXISTING, 0);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK_FAILS(copy_link("l", "to"), errors[i]);
		CHECK(CloseHandle(h));
		CHECK(has("to", "2"));
	}
	CHECK_EQ(count_names(".", ""), 3);
	CHECK(copy_link("l", "to"));
	CHECK(leads_to("to", "a"));
}

/* Nothing is taken away for what is not to be had. */
static void no_file_to_be_had(void)
{
	text_file("a", "1");
	CHECK_EQ(symlink("nowhere", "to"), 0);
	CHECK_FAILS(copy("a", "to", COPY_FILE_COPY_SYMLINK | COPY_FILE_FAIL_IF_EXISTS),
		    ERROR_FILE_EXISTS);
	refuse_bits(SYS_openat, 2, O_CREAT, ENOSPC);
	CHECK_FAILS(copy_link("a", "to"), ERROR_DISK_FULL);
	CHECK(leads_to("to", "nowhere"));
	CHECK_EQ(count_names(".", ""), 2);
}

/* The file takes the link's place. */
static void over_link(void)
{
	static const DWORD also[] = {0, COPY_FILE_RESTARTABLE, COPY_FILE_NO_BUFFERING};

	enter();
	text_file("b", "2");
	copy_source("a", MIB + 1);
	for (size_t i = 0; i < sizeof(also) / sizeof(also[0]); i++) {
		CHECK_EQ(symlink("b", "to"), 0);
		CHECK(copy("a", "to", COPY_FILE_COPY_SYMLINK | also[i]));
		copy_same("a", "to");
		CHECK(!leads_to("to", "b") && has("b", "2"));
		CHECK_EQ(unlink("to"), 0);
		CHECK_EQ(count_names(".", ""), 2);
	}
}

/* A rename that fails takes neither the link nor leaves a part beside it. */
static void link_stays(void)
{
	text_file("a", "1");
	CHECK_EQ(symlink("b", "to"), 0);
	refuse(SYS_renameat2, EIO);
	CHECK_FAILS(copy_link("a", "to"), ERROR_IO_DEVICE);
	CHECK_FAILS(copy("a", "to", COPY_FILE_COPY_SYMLINK | COPY_FILE_RESTARTABLE), ERROR_IO_DEVICE);
	CHECK(leads_to("to", "b"));
	CHECK_EQ(count_names(".", ""), 2);
}

/* What it was before is gone, and with it the attributes that the source lacks. */
static void attributes_go(void)
{
	char value[8];

	enter();
	copy_source("a", 1000);
	copy_source("to", 2000);
	if (setxattr("to", "user.old", "1", 1, 0) != 0)
		SKIP("no attributes of the user's");
	CHECK_EQ(setxattr("to", "user.both", "1", 1, 0) | setxattr("a", "user.both", "2", 1, 0) |
			 setxattr("a", "user.new", "2", 1, 0), 0);
	CHECK(copy("a", "to", 0));
	CHECK_EQ(getxattr("to", "user.old", value, sizeof(value)), -1);
	CHECK_EQ(errno, ENODATA);
	CHECK(getxattr("to", "user.both", value, sizeof(value)) == 1 && *value == '2');
	CHECK(getxattr("to", "user.new", value, sizeof(value)) == 1 && *value == '2');
	copy_same("a", "to");
}

static DWORD CALLBACK stop_then(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
				HANDLE target, LPVOID data)
{
	(void)size, (void)done, (void)stream_size, (void)stream_done, (void)stream, (void)source;
	(void)target, (void)data;
	return reason == CALLBACK_CHUNK_FINISHED ? PROGRESS_STOP : PROGRESS_CONTINUE;
}

/* But not from a target that is gone on with: it is the same file still. */
static void attributes_stay(void)
{
	char value[8];

	enter();
	copy_source("a", 4 * MIB);
	CHECK_FAILS(CopyFileExA("a", "to", stop_then, NULL, NULL, COPY_FILE_RESTARTABLE),
		    ERROR_REQUEST_ABORTED);
	if (setxattr("to", "user.mine", "1", 1, 0) != 0)
		SKIP("no attributes of the user's");
	CHECK(copy("a", "to", COPY_FILE_RESTARTABLE | COPY_FILE_FAIL_IF_EXISTS));
	CHECK_EQ(getxattr("to", "user.mine", value, sizeof(value)), 1);
	copy_same("a", "to");
}

static const struct tap_case cases[] = {
	CASE(not_to_be_deleted, "a link over what cannot be deleted"),
	CASE(in_use, "a link over what is open"),
	CASE(no_file_to_be_had, "a file over a link that cannot be made"),
	CASE(over_link, "a file over a link"),
	CASE(attributes_go, "attributes of an overwritten target"),
	CASE(attributes_stay, "attributes of a target that is gone on with"),
	CASE(link_stays, "a file that cannot take the link's name"),
};

TAP_MAIN(cases)
