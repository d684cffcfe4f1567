/* SPDX-License-Identifier: MIT */
/* What the files that make up the copy engine share: see copy.h for what it is. */
#ifndef CIO_COPY_PRIVATE_H
#define CIO_COPY_PRIVATE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "copy.h"
#include "file.h"
#include "timer.h"

struct cio_thread;

/* Looks at the caller's flag while a system call keeps the copy from doing so. */
struct cio_copy_watch {
	struct cio_timer timer;
	struct cio_thread *thread;
	LPBOOL cancel;
	bool inside; /* the thread is in the copy's synchronous call; state lock, like fired */
	bool fired;  /* it has cancelled that */
};

struct cio_copying {
	struct cio_copy *how;
	struct cio_thread *self;
	const char *from, *to;
	HANDLE source, target;
	struct cio_file *in, *out;
	struct stat st; /* of the source, at the beginning */
	struct cio_copy_watch watch;
	COPYFILE2_COPY_PHASE phase;
	bool quiet;    /* the caller does not want to be asked any more */
	bool began;    /* the target is what this copy has made of it */
	bool keep;     /* so it stays, though the copy has failed */
	bool told_end; /* the caller knows that the stream is at its end */

	bool sized;	   /* the source says how much it is, and there it ends */
	bool sparse;	   /* it has holes, and can be asked where */
	uint64_t data_end; /* up to here there is none */
	bool offload;	   /* the kernel may copy by itself */
	bool direct;	   /* past the page cache */
	uint64_t size, done;
	uint64_t moved; /* less than is done: of a hole nothing */
	uint64_t chunk, budget;
	char *buffer;

	bool tracked;	     /* the target tells how far it is */
	uint64_t tracked_at; /* when it was told last */
};

/* Those of a DWORD answer 0 or the Win32 error. That it was cancelled is ERROR_OPERATION_ABORTED. */

/* copy.c: the copy is a synchronous call from the one to the other. True: it was cancelled. */
void cio_copy_enter(struct cio_copying *c);
bool cio_copy_leave(struct cio_copying *c);
/* What a system call's failure means. */
DWORD cio_copy_error(long ret);

/* copy_watch.c */
bool cio_copy_flag_is_set(const struct cio_copying *c);
void cio_copy_watch_start(struct cio_copying *c);
void cio_copy_watch_inside(struct cio_copying *c, bool inside);
/* True: it has cancelled the copy. */
bool cio_copy_watch_stop(struct cio_copying *c);

/* copy_ask.c */
DWORD cio_copy_ask(struct cio_copying *c, enum cio_copy_event event, uint64_t chunk_size);
/* Where the answer does not matter any more. */
void cio_copy_tell(struct cio_copying *c, enum cio_copy_event event, DWORD error);

/* copy_data.c: where a chunk that begins at `done` ends, and the chunk itself. */
DWORD cio_copy_plan(struct cio_copying *c, uint64_t *end);
DWORD cio_copy_chunk(struct cio_copying *c, uint64_t end);
/* Whatever there is of a source that does not say how much: one piece. *ended: there is no more. */
DWORD cio_copy_piece(struct cio_copying *c, bool *ended);

/* copy_host.c: the source has a size of 0, and means it; the target can say how far it is. */
bool cio_copy_is_empty(const struct cio_copying *c);
bool cio_copy_can_track(const struct cio_copying *c);

/* copy_restart.c */
bool cio_copy_restart_find(struct cio_copying *c);
/* Says in the target how far it is; unless it is to be at once, not more often than is good. */
DWORD cio_copy_track(struct cio_copying *c, bool now);

/* copy_finish.c */
DWORD cio_copy_finish(struct cio_copying *c);
/* What a target that begins anew has of the application's attributes is another file's. */
void cio_copy_forget_attributes(const struct cio_copying *c);

/* copy_link.c. False: the source is no symbolic link. */
bool cio_copy_link(struct cio_copying *c, DWORD *error);
/* The target's name is that of a link, which the copy is to replace. */
bool cio_copy_is_over_link(const struct cio_copying *c);
/* 0, or why that must not be; and it done, by a file that was made under another name (place.h). */
DWORD cio_copy_check_link(const struct cio_copying *c);
DWORD cio_copy_replace_link(const struct cio_copying *c, const char *made);

#endif
