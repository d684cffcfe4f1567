// SPDX-License-Identifier: MIT
/* CreatePipe: a pipe of the kernel's, with a handle for each end (W-PIPE-1). */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "status.h"

/* Each end knows its own direction; the attributes of both can be read, and set (W-CREATE-6). */
#define READ_END (FILE_GENERIC_READ | FILE_WRITE_ATTRIBUTES)
#define WRITE_END (FILE_GENERIC_WRITE | FILE_READ_ATTRIBUTES)

static BOOL adopt(const int fds[2], PHANDLE read_end, PHANDLE write_end)
{
	HANDLE r = cio_file_adopt(fds[0], READ_END, false), w;

	if (!r) {
		syscall(SYS_close, fds[1]);
		return FALSE;
	}
	w = cio_file_adopt(fds[1], WRITE_END, false);
	if (!w) {
		DWORD error = GetLastError();

		CloseHandle(r);
		return cio_fail(error);
	}
	*read_end = r;
	*write_end = w;
	return TRUE;
}

BOOL WINAPI CreatePipe(PHANDLE read_end, PHANDLE write_end, LPSECURITY_ATTRIBUTES attributes,
		       DWORD size)
{
	CIO_KEEP_ERRNO;
	int fds[2];

	(void)attributes;
	if (!read_end || !write_end)
		return cio_fail(ERROR_NOACCESS);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return cio_fail_status(cio_errno_to_status(errno));
	/* A hint, which the kernel may refuse. */
	if (size > 65536)
		fcntl(fds[1], F_SETPIPE_SZ, size > 1u << 30 ? 1 << 30 : (int)size);
	return adopt(fds, read_end, write_end);
}
