/* SPDX-License-Identifier: MIT */
/*
 * Copies one file, for CopyFile and its like, and for moves between file systems.
 *
 * To who cancels it, a copy is one synchronous call of its thread, from the source's open to the last
 * byte; only while the caller is asked how to go on (`report`) it is none.
 */
#ifndef CIO_COPY_H
#define CIO_COPY_H

#include <stdint.h>
#include <windows.h>

enum cio_copy_event {
	CIO_COPY_STREAM_STARTED, /* both are open, nothing is copied yet */
	CIO_COPY_CHUNK_STARTED,
	CIO_COPY_CHUNK_FINISHED,
	CIO_COPY_STREAM_FINISHED, /* all is copied, or the caller has stopped it */
	CIO_COPY_WAITING,	  /* there has been nothing to copy for a while */
	CIO_COPY_FAILED, /* by itself, not because the caller wanted it; the answer does not matter */
};

struct cio_copy_report {
	enum cio_copy_event event;
	HANDLE source, target;
	uint64_t size; /* of the whole; of a stream, which does not say: what has come so far */
	uint64_t done; /* what is copied, by this copy and the one that it goes on with */
	uint64_t chunk, chunk_size; /* the chunk's number, from 0 */
	DWORD error;
	COPYFILE2_COPY_PHASE phase;
};

struct cio_copy {
	DWORD flags; /* COPY_FILE_*; what is not known here has no effect */
	/*
	 * NULL: nobody wants to know. Answers PROGRESS_* or COPYFILE2_PROGRESS_PAUSE; any other
	 * answer means to go on.
	 */
	DWORD (*report)(const struct cio_copy *how, const struct cio_copy_report *report);
	LPPROGRESS_ROUTINE routine; /* for cio_copy_report_progress */
	PCOPYFILE2_PROGRESS_ROUTINE routine2;
	LPVOID data;
	LPBOOL cancel; /* polled, atomically; NULL: there is none */
};

/* A report for `routine`, with `data`. */
DWORD cio_copy_report_progress(const struct cio_copy *how, const struct cio_copy_report *report);

/*
 * 0, or the Win32 error. ERROR_REQUEST_ABORTED: by the answer to a report or by the flag;
 * ERROR_OPERATION_ABORTED: by CancelSynchronousIo or a scope; ERROR_REQUEST_PAUSED: by the answer.
 * Of a copy that failed no target is left, but where the caller stopped or paused it, or it can be
 * restarted.
 */
DWORD cio_copy_file(const char *from, const char *to, struct cio_copy *how);

#endif
