/* SPDX-License-Identifier: MIT */
/* The file object: what one CreateFile made, however many handles lead to it. */
#ifndef CIO_FILE_H
#define CIO_FILE_H

#include <stdatomic.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "object.h"

struct cio_node;
struct cio_op;
struct cio_pipe;
struct cio_port;
struct cio_thread;

/*
 * Where order matters, requests are served one after the other: bytes of a stream go to the oldest
 * read, and those of two writes do not mingle. The ring alone would promise neither.
 */
struct cio_lane {
	struct cio_op *active;
	struct cio_list waiting;
};

struct cio_file {
	struct cio_object obj;
	int fd;
	mode_t type; /* S_IF* */
	bool overlapped; /* opened with FILE_FLAG_OVERLAPPED */
	bool seekable; /* requests have offsets */
	bool host_position; /* has one, which is the descriptor's own: see standard.c */
	bool console;
	bool commands; /* requests begin as commands: see command.h */
	bool roundabout; /* a request is more than a system call: overlapped, or a named pipe's */
	/* The last handle is gone: nothing starts any more. Set under the state lock. */
	atomic_bool closed;
	struct cio_list ops; /* pending; state lock */
	/* Reads, writes, and a named pipe's connects, unless seekable; state lock. */
	struct cio_lane lanes[3];
	struct cio_pipe *pipe; /* one end of a named pipe: see npipe.h */

	struct cio_port *port; /* state lock, as for the next two; once set, it stays (W-PORT-2) */
	ULONG_PTR key;
	UCHAR modes; /* FILE_SKIP_* */

	/* How many threads are in a synchronous request on an overlapped file. */
	atomic_uint flushes;

	/* A synchronous file object serves one request at a time, and keeps a position. */
	atomic_uint busy; /* futex: 0 free, 1 taken, 2 taken and wanted */
	uint64_t position;

	/* What the others must be compatible with, and what goes with the last: see share.c. */
	struct cio_list sharing;
	struct cio_node *node, *spare; /* the latter is for who turns out to be the first */
	char *doom; /* FILE_FLAG_DELETE_ON_CLOSE: the path to delete */
	char *next_doom; /* the same once the rename under way has been made */
	dev_t device;
	ino_t inode;
	DWORD access, share;
};

struct cio_file *cio_file_new(void);

/*
 * CreateFile for the library's own use, inside a synchronous call that its caller has begun, so that a
 * cancel meets the whole. 0 and a handle, or the Win32 error.
 */
struct cio_open {
	const char *path;
	DWORD access, share, disposition, flags;
	mode_t mode; /* of a file that is created, less the umask */
};
DWORD cio_file_open(struct cio_thread *self, const struct cio_open *open, HANDLE *handle,
		    bool *existed);

/*
 * Looks at what `file->fd` is. False: it is not open. What the fd can do is the caller's business, and
 * so are sharing and the access.
 */
bool cio_file_examine(struct cio_file *file);

/*
 * A handle for a descriptor that belongs to the library from now on, whatever comes of it. NULL with the
 * last error set.
 */
HANDLE cio_file_adopt(int fd, DWORD access, bool host_position);

/* A name by which the kernel finds the open file again, whatever it is open for. */
#define CIO_FILE_PROC 32
void cio_file_proc(const struct cio_file *file, char path[CIO_FILE_PROC]);

/* For files that are pipes. A write end's reader; what the read end still has. */
bool cio_pipe_has_reader(const struct cio_file *file);
bool cio_pipe_is_empty(const struct cio_file *file);

/*
 * write(2) and its kin without SIGPIPE: `call` runs with the signal blocked, and what it raised is
 * taken away. Only a pipe raises it.
 */
struct cio_sigpipe {
	sigset_t old;
	bool blocked, pending;
};
void cio_sigpipe_block(struct cio_sigpipe *s);
void cio_sigpipe_restore(struct cio_sigpipe *s, bool raised);

#endif
