// SPDX-License-Identifier: MIT
/* CopyFile, CopyFileEx and CopyFile2: what they take, and how they answer. */
#include "copy.h"
#include "path.h"
#include "status.h"

/* Some of these mean nothing here, where there is no encryption and no compression. */
#define EX_FLAGS                                                                                   \
	(COPY_FILE_FAIL_IF_EXISTS | COPY_FILE_RESTARTABLE | COPY_FILE_OPEN_SOURCE_FOR_WRITE |      \
	 COPY_FILE_ALLOW_DECRYPTED_DESTINATION | COPY_FILE_COPY_SYMLINK | COPY_FILE_NO_BUFFERING | \
	 COPY_FILE_NO_OFFLOAD | COPY_FILE_REQUEST_COMPRESSED_TRAFFIC)
#define COPY2_FLAGS                                                                       \
	(EX_FLAGS | COPY_FILE_REQUEST_SECURITY_PRIVILEGES | COPY_FILE_RESUME_FROM_PAUSE | \
	 COPY_FILE_SKIP_ALTERNATE_STREAMS | COPY_FILE_OPEN_AND_COPY_REPARSE_POINT |       \
	 COPY_FILE_IGNORE_EDP_BLOCK | COPY_FILE_IGNORE_SOURCE_ENCRYPTION |                \
	 COPY_FILE_DONT_REQUEST_DEST_WRITE_DAC | COPY_FILE_DISABLE_PRE_ALLOCATION |       \
	 COPY_FILE_ENABLE_LOW_FREE_SPACE_MODE)

/* On success the last error is 0, as on Windows. */
static BOOL copy_file(DWORD error, const char *from, const char *to, struct cio_copy *how)
{
	if (!error && how->flags & ~EX_FLAGS)
		error = ERROR_INVALID_PARAMETER;
	if (!error)
		error = cio_copy_file(from, to, how);
	cio_fail(error);
	return !error;
}

static BOOL copy_ansi(LPCSTR from, LPCSTR to, struct cio_copy *how)
{
	char a[PATH_MAX], b[PATH_MAX];
	DWORD error = cio_path_from_ansi(from, a);

	return copy_file(error ? error : cio_path_from_ansi(to, b), a, b, how);
}

static BOOL copy_wide(LPCWSTR from, LPCWSTR to, struct cio_copy *how)
{
	char a[PATH_MAX], b[PATH_MAX];
	DWORD error = cio_path_from_wide(from, a);

	return copy_file(error ? error : cio_path_from_wide(to, b), a, b, how);
}

static struct cio_copy plain(BOOL fail_if_exists)
{
	struct cio_copy how = {.flags = fail_if_exists ? COPY_FILE_FAIL_IF_EXISTS : 0};

	return how;
}

static struct cio_copy with_progress(LPPROGRESS_ROUTINE routine, LPVOID data, LPBOOL cancel,
				     DWORD flags)
{
	struct cio_copy how = {
		.flags = flags,
		.report = routine ? cio_copy_report_progress : NULL,
		.routine = routine,
		.data = data,
		.cancel = cancel,
	};

	return how;
}

BOOL WINAPI CopyFileA(LPCSTR from, LPCSTR to, BOOL fail_if_exists)
{
	CIO_KEEP_ERRNO;
	struct cio_copy how = plain(fail_if_exists);

	return copy_ansi(from, to, &how);
}

BOOL WINAPI CopyFileW(LPCWSTR from, LPCWSTR to, BOOL fail_if_exists)
{
	CIO_KEEP_ERRNO;
	struct cio_copy how = plain(fail_if_exists);

	return copy_wide(from, to, &how);
}

BOOL WINAPI CopyFileExA(LPCSTR from, LPCSTR to, LPPROGRESS_ROUTINE routine, LPVOID data,
			LPBOOL cancel, DWORD flags)
{
	CIO_KEEP_ERRNO;
	struct cio_copy how = with_progress(routine, data, cancel, flags);

	return copy_ansi(from, to, &how);
}

BOOL WINAPI CopyFileExW(LPCWSTR from, LPCWSTR to, LPPROGRESS_ROUTINE routine, LPVOID data,
			LPBOOL cancel, DWORD flags)
{
	CIO_KEEP_ERRNO;
	struct cio_copy how = with_progress(routine, data, cancel, flags);

	return copy_wide(from, to, &how);
}

static ULARGE_INTEGER large(uint64_t n)
{
	ULARGE_INTEGER l = {.QuadPart = n};

	return l;
}

static void fill_chunk_started(COPYFILE2_MESSAGE *m, const struct cio_copy_report *r)
{
	m->Type = COPYFILE2_CALLBACK_CHUNK_STARTED;
	m->Info.ChunkStarted.dwStreamNumber = 1;
	m->Info.ChunkStarted.hSourceFile = r->source;
	m->Info.ChunkStarted.hDestinationFile = r->target;
	m->Info.ChunkStarted.uliChunkNumber = large(r->chunk);
	m->Info.ChunkStarted.uliChunkSize = large(r->chunk_size);
	m->Info.ChunkStarted.uliStreamSize = large(r->size);
	m->Info.ChunkStarted.uliTotalFileSize = large(r->size);
}

static void fill_chunk_finished(COPYFILE2_MESSAGE *m, const struct cio_copy_report *r)
{
	m->Type = COPYFILE2_CALLBACK_CHUNK_FINISHED;
	m->Info.ChunkFinished.dwStreamNumber = 1;
	m->Info.ChunkFinished.hSourceFile = r->source;
	m->Info.ChunkFinished.hDestinationFile = r->target;
	m->Info.ChunkFinished.uliChunkNumber = large(r->chunk);
	m->Info.ChunkFinished.uliChunkSize = large(r->chunk_size);
	m->Info.ChunkFinished.uliStreamSize = large(r->size);
	m->Info.ChunkFinished.uliStreamBytesTransferred = large(r->done);
	m->Info.ChunkFinished.uliTotalFileSize = large(r->size);
	m->Info.ChunkFinished.uliTotalBytesTransferred = large(r->done);
}

static void fill_stream_started(COPYFILE2_MESSAGE *m, const struct cio_copy_report *r)
{
	m->Type = COPYFILE2_CALLBACK_STREAM_STARTED;
	m->Info.StreamStarted.dwStreamNumber = 1;
	m->Info.StreamStarted.hSourceFile = r->source;
	m->Info.StreamStarted.hDestinationFile = r->target;
	m->Info.StreamStarted.uliStreamSize = large(r->size);
	m->Info.StreamStarted.uliTotalFileSize = large(r->size);
}

static void fill_stream_finished(COPYFILE2_MESSAGE *m, const struct cio_copy_report *r)
{
	m->Type = COPYFILE2_CALLBACK_STREAM_FINISHED;
	m->Info.StreamFinished.dwStreamNumber = 1;
	m->Info.StreamFinished.hSourceFile = r->source;
	m->Info.StreamFinished.hDestinationFile = r->target;
	m->Info.StreamFinished.uliStreamSize = large(r->size);
	m->Info.StreamFinished.uliStreamBytesTransferred = large(r->done);
	m->Info.StreamFinished.uliTotalFileSize = large(r->size);
	m->Info.StreamFinished.uliTotalBytesTransferred = large(r->done);
}

static void fill_error(COPYFILE2_MESSAGE *m, const struct cio_copy_report *r)
{
	m->Type = COPYFILE2_CALLBACK_ERROR;
	m->Info.Error.CopyPhase = r->phase;
	m->Info.Error.dwStreamNumber = 1;
	m->Info.Error.hrFailure = HRESULT_FROM_WIN32(r->error);
	m->Info.Error.uliChunkNumber = large(r->chunk);
	m->Info.Error.uliStreamSize = large(r->size);
	m->Info.Error.uliStreamBytesTransferred = large(r->done);
	m->Info.Error.uliTotalFileSize = large(r->size);
	m->Info.Error.uliTotalBytesTransferred = large(r->done);
}

static DWORD report_message(const struct cio_copy *how, const struct cio_copy_report *r)
{
	COPYFILE2_MESSAGE m = {.Type = COPYFILE2_CALLBACK_POLL_CONTINUE};

	switch (r->event) {
	case CIO_COPY_STREAM_STARTED:
		fill_stream_started(&m, r);
		break;
	case CIO_COPY_CHUNK_STARTED:
		fill_chunk_started(&m, r);
		break;
	case CIO_COPY_CHUNK_FINISHED:
		fill_chunk_finished(&m, r);
		break;
	case CIO_COPY_STREAM_FINISHED:
		fill_stream_finished(&m, r);
		break;
	case CIO_COPY_WAITING:
		break;
	case CIO_COPY_FAILED:
		fill_error(&m, r);
		break;
	}
	return (DWORD)how->routine2(&m, how->data);
}

static DWORD copy_extended(LPCWSTR from, LPCWSTR to, const COPYFILE2_EXTENDED_PARAMETERS *more)
{
	char a[PATH_MAX], b[PATH_MAX];
	struct cio_copy how = {0};
	DWORD error;

	if (more) {
		if (more->dwSize != sizeof(*more) || more->dwCopyFlags & ~COPY2_FLAGS)
			return ERROR_INVALID_PARAMETER;
		how.flags = more->dwCopyFlags;
		how.routine2 = more->pProgressRoutine;
		how.report = how.routine2 ? report_message : NULL;
		how.data = more->pvCallbackContext;
		how.cancel = more->pfCancel;
	}
	error = cio_path_from_wide(from, a);
	if (!error)
		error = cio_path_from_wide(to, b);
	return error ? error : cio_copy_file(a, b, &how);
}

HRESULT WINAPI CopyFile2(PCWSTR from, PCWSTR to, COPYFILE2_EXTENDED_PARAMETERS *more)
{
	CIO_KEEP_ERRNO;
	DWORD error = copy_extended(from, to, more);

	cio_fail(error);
	return HRESULT_FROM_WIN32(error);
}
