/* SPDX-License-Identifier: MIT */
/* One request's outcome is an NTSTATUS; what a call reports is a Win32 error. */
#ifndef CIO_STATUS_H
#define CIO_STATUS_H

#include <errno.h>
#include <windows.h>

#define CIO_OK 0x00000000u
#define CIO_UNSUCCESSFUL 0xC0000001u
#define CIO_ACCESS_VIOLATION 0xC0000005u
#define CIO_INVALID_HANDLE 0xC0000008u
#define CIO_INVALID_PARAMETER 0xC000000Du
#define CIO_NO_SUCH_DEVICE 0xC000000Eu
#define CIO_INVALID_DEVICE_REQUEST 0xC0000010u
#define CIO_END_OF_FILE 0xC0000011u
#define CIO_NO_MEDIA 0xC0000013u
#define CIO_NO_MEMORY 0xC0000017u
#define CIO_BUFFER_OVERFLOW 0x80000005u /* a warning */
#define CIO_ACCESS_DENIED 0xC0000022u
#define CIO_BUFFER_TOO_SMALL 0xC0000023u
#define CIO_NAME_NOT_FOUND 0xC0000034u
#define CIO_NAME_COLLISION 0xC0000035u
#define CIO_PATH_NOT_FOUND 0xC000003Au
#define CIO_SHARING_VIOLATION 0xC0000043u
#define CIO_QUOTA_EXCEEDED 0xC0000044u
#define CIO_DISK_FULL 0xC000007Fu
#define CIO_INSUFFICIENT_RESOURCES 0xC000009Au
#define CIO_DEVICE_NOT_CONNECTED 0xC000009Du
#define CIO_WRITE_PROTECTED 0xC00000A2u
#define CIO_DEVICE_NOT_READY 0xC00000A3u
#define CIO_PIPE_CLOSING 0xC00000B1u
#define CIO_IO_TIMEOUT 0xC00000B5u
#define CIO_IS_A_DIRECTORY 0xC00000BAu
#define CIO_NOT_SUPPORTED 0xC00000BBu
#define CIO_NAME_TOO_LONG 0xC0000106u
#define CIO_TOO_MANY_FILES 0xC000011Fu
#define CIO_CANCELLED 0xC0000120u
#define CIO_PIPE_BROKEN 0xC000014Bu
#define CIO_IO_DEVICE_ERROR 0xC0000185u
#define CIO_NOT_FOUND 0xC0000225u
#define CIO_UNRESOLVED 0xC0000280u
#define CIO_FILE_TOO_LARGE 0xC0000904u

static inline BOOL cio_status_ok(DWORD status)
{
	return (status & 0x80000000u) == 0;
}

/* A warning is neither success nor failure. */
static inline BOOL cio_status_failed(DWORD status)
{
	return status >> 30 == 3;
}

DWORD cio_status_to_error(DWORD status);
DWORD cio_errno_to_status(int err);

/* Sets the last error and answers FALSE, so that a call can end in `return cio_fail(...)`. */
static inline BOOL cio_fail(DWORD error)
{
	SetLastError(error);
	return FALSE;
}

static inline BOOL cio_fail_status(DWORD status)
{
	return cio_fail(cio_status_to_error(status));
}

/* Programs that mix both worlds test errno after their own calls: ours must not show in it. */
static inline void cio_errno_restore(const int *saved)
{
	errno = *saved;
}
#define CIO_KEEP_ERRNO \
	const int cio_saved_errno __attribute__((cleanup(cio_errno_restore), unused)) = errno

#endif
