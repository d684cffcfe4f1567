// SPDX-License-Identifier: MIT
/*
 * GetStdHandle: descriptors 0, 1 and 2 as synchronous files. Their position stays the descriptor's, so
 * that what the program writes by printf does not end up under what it writes by WriteFile.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "standard.h"
#include "status.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static HANDLE handles[3]; /* NULL: not asked for yet */

void cio_standard_lock(void)
{
	pthread_mutex_lock(&lock);
}

void cio_standard_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static DWORD access_of(int fd)
{
	switch (fcntl(fd, F_GETFL) & O_ACCMODE) {
	case O_RDONLY:
		return FILE_GENERIC_READ;
	case O_WRONLY:
		return FILE_GENERIC_WRITE | FILE_READ_ATTRIBUTES;
	default:
		return FILE_GENERIC_READ | FILE_GENERIC_WRITE;
	}
}

/* On a copy: CloseHandle takes the handle from the program, and not the descriptor from its C library. */
static HANDLE wrap(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? NULL : cio_file_adopt(copy, access_of(fd), true);
}

HANDLE WINAPI GetStdHandle(DWORD which)
{
	CIO_KEEP_ERRNO;
	DWORD index = STD_INPUT_HANDLE - which;
	HANDLE handle;

	if (index > 2) {
		cio_fail(ERROR_INVALID_HANDLE);
		return INVALID_HANDLE_VALUE;
	}
	cio_standard_lock();
	if (!handles[index])
		handles[index] = wrap((int)index);
	handle = handles[index];
	cio_standard_unlock();
	return handle;
}
