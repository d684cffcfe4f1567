// SPDX-License-Identifier: MIT
/* The tables between errno, status and error, by their numbers. Of the library's inside. */
#include "../src/messages.h"
#include "../src/status.h"
#include "tap.h"

/* Section 1 of the rules. */
static const struct {
	DWORD status, error;
} rows[] = {
	{ 0, 0 },		{ 0x103, 997 },		{ 0x102, 0 },
	{ 0x40000000, 0 },	{ 0x80000005, 234 },	{ 0x8000001A, 259 },
	{ 0xC0000001, 31 },	{ 0xC0000005, 998 },	{ 0xC0000008, 6 },
	{ 0xC000000D, 87 },	{ 0xC0000010, 1 },	{ 0xC0000011, 38 },
	{ 0xC0000017, 8 },	{ 0xC0000120, 995 },	{ 0xC0000128, 6 },
	{ 0xC0000184, 22 },	{ 0xC000004B, 5 },	{ 0xC0000022, 5 },
	{ 0xC0000023, 122 },	{ 0xC0000034, 2 },	{ 0xC0000035, 183 },
	{ 0xC000003A, 3 },	{ 0xC0000043, 32 },	{ 0xC0000056, 5 },
	{ 0xC000007F, 112 },	{ 0xC000009A, 1450 },	{ 0xC000009D, 1167 },
	{ 0xC00000AB, 231 },	{ 0xC00000AE, 231 },	{ 0xC00000B0, 233 },
	{ 0xC00000B1, 232 },	{ 0xC00000B2, 535 },	{ 0xC00000B3, 536 },
	{ 0xC00000B5, 121 },	{ 0xC000014B, 109 },	{ 0xC0000225, 1168 },
	{ 0xC0000240, 1235 },	{ 0xC0000044, 1816 },	{ 0xC00000A2, 19 },
	{ 0xC00000A3, 21 },	{ 0xC00000BA, 5 },	{ 0xC00000BB, 50 },
	{ 0xC0000106, 206 },	{ 0xC000011F, 4 },	{ 0xC0000185, 1117 },
	{ 0xC0000904, 223 },	{ 0xC0000033, 123 },	{ 0xC0000046, 288 },
	{ 0xC0000047, 298 },	{ 0xC00000D4, 17 },	{ 0xC0000101, 145 },
	{ 0x80000006, 18 },	{ 0x80000011, 170 },	{ 0xC0000004, 24 },
	{ 0xC0000006, 999 },	{ 0xC0000039, 161 },	{ 0xC0000054, 33 },
	{ 0xC0000061, 1314 },	{ 0xC000009C, 23 },	{ 0xC0000103, 267 },
	{ 0xC00002B6, 1617 },
};

static void statuses(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (cio_status_to_error(rows[i].status) != rows[i].error)
			printf("# status %x\n", rows[i].status);
		CHECK_EQ(cio_status_to_error(rows[i].status), rows[i].error);
	}
	/* No error is known for it. */
	CHECK_EQ(cio_status_to_error(0xCFFFFFFFu), ERROR_MR_MID_NOT_FOUND);
}

static void severities(void)
{
	CHECK(cio_status_ok(0) && cio_status_ok(0x102) && cio_status_ok(0x40000000));
	CHECK(!cio_status_ok(0x80000005) && !cio_status_failed(0x80000005));
	CHECK(!cio_status_ok(0xC0000120) && cio_status_failed(0xC0000120));
	CHECK(!cio_status_failed(0) && !cio_status_failed(0x40000000));
}

static void errnos(void)
{
	static const struct {
		int err;
		DWORD error;
	} want[] = {
		{ ENOENT, 2 },	     { ENOTDIR, 3 },	 { EMFILE, 4 },	    { EACCES, 5 },
		{ EPERM, 5 },	     { EISDIR, 5 },	 { EBADF, 6 },	    { ENOMEM, 8 },
		{ EXDEV, 17 },	     { EROFS, 19 },	 { ENXIO, 2 },	    { ENODEV, 2 },
		{ EBUSY, 32 },	     { EOPNOTSUPP, 50 }, { EINVAL, 87 },    { ENOSPC, 112 },
		{ ETIMEDOUT, 121 },  { EILSEQ, 123 },	 { EEXIST, 183 },   { ENOTEMPTY, 145 },
		{ ENAMETOOLONG, 206 }, { EFBIG, 223 },	 { EPIPE, 232 },    { ECANCELED, 995 },
		{ EINTR, 995 },	     { EFAULT, 998 },	 { EIO, 1117 },	    { ENOTCONN, 1167 },
		{ ENOBUFS, 1450 },   { ELOOP, 1921 },	 { ENOTTY, 1 },	    { ENOMEDIUM, 21 },
		{ ENFILE, 4 },	     { EDQUOT, 112 },	 { EAGAIN, 21 },    { ECHRNG, 31 },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		DWORD status = cio_errno_to_status(want[i].err);

		if (cio_status_to_error(status) != want[i].error)
			printf("# errno %d\n", want[i].err);
		CHECK(cio_status_failed(status));
		CHECK_EQ(cio_status_to_error(status), want[i].error);
	}
}

/* Each error number that the kernel has leads to one that has a name. */
static void every_errno(void)
{
	for (int err = 1; err < 134; err++) {
		DWORD status = cio_errno_to_status(err);

		CHECK(cio_status_failed(status));
		CHECK(cio_status_to_error(status) != ERROR_MR_MID_NOT_FOUND);
	}
}

/* Whatever a call leaves as the last error, FormatMessage knows what it says. */
static void every_error(void)
{
	char given[256];
	DWORD n;

	for (DWORD error = 0; error < 16384; error++) {
		const char *text = cio_message(error);

		if (!text)
			continue;
		/* A sentence, as Windows ends it, without inserts; and no other error's. */
		n = (DWORD)strlen(text);
		CHECK(n > 3 && n < sizeof(given) && !strcmp(text + n - 3, ".\r\n") && !strchr(text, '%'));
		CHECK_EQ(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, error, 0, given,
					sizeof(given), NULL), n);
		CHECK(!strcmp(given, text));
		for (DWORD other = error + 1; other < 2048; other++) {
			const char *its = cio_message(other);

			CHECK(!its || strcmp(text, its) != 0);
		}
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!cio_message(rows[i].error))
			printf("# error %u\n", rows[i].error);
		CHECK(cio_message(rows[i].error));
	}
	for (int err = 1; err < 134; err++)
		CHECK(cio_message(cio_status_to_error(cio_errno_to_status(err))));
}

static void failing(void)
{
	SetLastError(0);
	CHECK_EQ(cio_fail_status(0x80000005), FALSE);
	CHECK_EQ(GetLastError(), ERROR_MORE_DATA);
	CHECK_EQ(cio_fail(ERROR_HANDLE_EOF), FALSE);
	CHECK_EQ(GetLastError(), ERROR_HANDLE_EOF);
}

static const struct tap_case cases[] = {
	CASE(statuses, "each status has Windows' error"),
	CASE(severities, "a warning is neither success nor failure"),
	CASE(errnos, "errno becomes the error that fits"),
	CASE(every_errno, "each errno has some error"),
	CASE(every_error, "each error has words of its own"),
	CASE(failing, "a failure sets the last error"),
};

TAP_MAIN(cases)
