// SPDX-License-Identifier: MIT
/* CopyFile: what is copied, what is refused, and what stays as it was (W-COPY-2). */
#include <sys/xattr.h>
#include <windows.h>

#include "copy.h"

static void copies(void)
{
	static const long sizes[] = { 0, 1, 4095, 4096, 65537, 5 * MIB + 3 };
	const char *from = host_path("from"), *to = host_path("to");

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unlink(from);
		copy_source("from", sizes[i]);
		/* Of the last error Windows makes 0. */
		SetLastError(0xdead);
		CHECK(CopyFileA(from, to, FALSE));
		CHECK_EQ(GetLastError(), 0);
		copy_same(from, to);
	}
}

static const struct tap_case cases[] = {
	CASE(copies, "CopyFile, of files of many sizes"),
};

TAP_MAIN(cases)
