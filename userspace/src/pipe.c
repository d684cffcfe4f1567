// SPDX-License-Identifier: MIT
/* Pipes: CreatePipe, with a handle for each end (W-PIPE-1), and what a pipe can be asked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "status.h"

/* Each end knows its own direction; the attributes of both can be read, and set (W-CREATE-6). */
#define READ_END (FILE_GENERIC_READ | FILE_WRITE_ATTRIBUTES)
#define WRITE_END (FILE_GENERIC_WRITE | FILE_READ_ATTRIBUTES)

/* A pipe has no reader any more when its write end is in error. */
bool cio_pipe_has_reader(const struct cio_file *file)
{
	struct pollfd p = { .fd = file->fd, .events = 0 };
	struct timespec zero = { 0, 0 };

	/* Not poll(3), which is a point where a thread can be cancelled. */
	return syscall(SYS_ppoll, &p, 1, &zero, NULL, 0) <= 0 || !(p.revents & POLLERR);
}

bool cio_pipe_is_empty(const struct cio_file *file)
{
	int unread = 0;

	return ioctl(file->fd, FIONREAD, &unread) != 0 || unread == 0;
}

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

	if (!read_end || !write_end)
		return cio_fail(ERROR_NOACCESS);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return cio_fail_status(cio_errno_to_status(errno));
	/* A hint, which the kernel may refuse. */
	if (size > 65536)
		fcntl(fds[1], F_SETPIPE_SZ, size > 1u << 30 ? 1 << 30 : (int)size);
	if (!adopt(fds, read_end, write_end))
		return FALSE;
	if (attributes && attributes->bInheritHandle) {
		cio_handle_set_flags(*read_end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
		cio_handle_set_flags(*write_end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	}
	return TRUE;
}
