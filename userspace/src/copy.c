// SPDX-License-Identifier: MIT
/* The order of things in a copy: open, ask, move, ask ..., and what becomes of the target. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "copy_private.h"
#include "handle.h"
#include "place.h"
#include "share.h"
#include "status.h"
#include "sync.h"
#include "thread.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* A chunk is what takes about this long, and so is the wait of who cancels. */
#define CHUNK_NS 20000000u
#define CHUNK_FIRST (256u << 10)
#define CHUNK_LEAST (64u << 10)
#define CHUNK_MOST (64u << 20)

/* Whoever knows the source's handle can cancel what is done with it (W-CANCELIOEX-5). */
void cio_copy_enter(struct cio_copying *c)
{
	cio_sync_begin(c->self, c->in, NULL);
	cio_copy_watch_inside(c, true);
}

bool cio_copy_leave(struct cio_copying *c)
{
	cio_copy_watch_inside(c, false);
	return cio_sync_end(c->self);
}

DWORD cio_copy_error(long ret)
{
	return cio_status_to_error(cio_errno_to_status((int)-ret));
}

/* With a reference of the copy's own: the caller has the handle in its hands, and may close it. */
static DWORD open_file(struct cio_copying *c, const struct cio_open *open, HANDLE *handle,
		       struct cio_file **file, bool *existed)
{
	struct cio_object *obj;
	DWORD error = cio_file_open(c->self, open, handle, existed);

	if (error)
		return error;
	obj = cio_handle_get(*handle, &cio_file_class, 0);
	if (!obj)
		return ERROR_INVALID_HANDLE;
	*file = cio_entry(obj, struct cio_file, obj);
	return 0;
}

/* Others may have it open for whatever they like, if they let it be read. */
static DWORD open_source(struct cio_copying *c)
{
	struct cio_open open = {
		.path = c->from,
		.access = GENERIC_READ,
		.share = SHARE_ALL,
		.disposition = OPEN_EXISTING,
		.flags = FILE_FLAG_SEQUENTIAL_SCAN,
	};
	bool existed;
	DWORD error;

	c->phase = COPYFILE2_PHASE_PREPARE_SOURCE;
	if (c->how->flags & COPY_FILE_OPEN_SOURCE_FOR_WRITE)
		open.access |= GENERIC_WRITE;
	if (c->direct)
		open.flags |= FILE_FLAG_NO_BUFFERING;
	error = open_file(c, &open, &c->source, &c->in, &existed);
	if (error)
		return error;
	if (fstat(c->in->fd, &c->st) != 0)
		return cio_copy_error(-errno);
	/* What /proc offers has no size, and yet something in it. */
	c->sized = c->in->type == S_IFREG && (c->st.st_size > 0 || cio_copy_is_empty(c));
	c->sparse = c->sized && (uint64_t)c->st.st_blocks * 512 < (uint64_t)c->st.st_size;
	c->size = c->sized ? (uint64_t)c->st.st_size : 0;
	return 0;
}

/* A target that exists can be what is left of a copy that can be gone on with. */
static bool may_restart(const struct cio_copying *c)
{
	return c->sized && c->how->flags & (COPY_FILE_RESTARTABLE | COPY_FILE_RESUME_FROM_PAUSE);
}

/* A link that leads nowhere is no target yet (W-COPY-2). */
static bool leads_nowhere(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) != 0;
}

/* Whoever has it open lets it be written, and will see it change; nobody may be about to delete it. */
static DWORD open_target(struct cio_copying *c, const char *path, DWORD disposition, bool *existed)
{
	struct cio_open open = {
		.path = path,
		.access = GENERIC_WRITE,
		.share = FILE_SHARE_READ | FILE_SHARE_WRITE,
		.disposition = disposition,
		.mode = 0666,
	};

	if (c->direct)
		open.flags |= FILE_FLAG_NO_BUFFERING;
	/* Read-only it becomes at the end, so that a copy cut short can be gone on with. */
	if (c->in->type == S_IFREG)
		open.mode = (c->st.st_mode & 0777) | S_IRUSR | S_IWUSR;
	return open_file(c, &open, &c->target, &c->out, existed);
}

static DWORD open_as_told(struct cio_copying *c, bool *existed)
{
	bool fails = c->how->flags & COPY_FILE_FAIL_IF_EXISTS && !leads_nowhere(c->to);
	DWORD error = open_target(c, c->to, fails ? CREATE_NEW : OPEN_ALWAYS, existed);

	if (error != ERROR_FILE_EXISTS || !may_restart(c))
		return error;
	error = open_target(c, c->to, OPEN_EXISTING, existed);
	return error && error != ERROR_OPERATION_ABORTED ? ERROR_FILE_EXISTS : error;
}

/* It is emptied once nothing speaks against it any more. */
static DWORD empty_target(struct cio_copying *c, bool existed)
{
	bool fail_if_exists = c->how->flags & COPY_FILE_FAIL_IF_EXISTS;
	DWORD error;

	if (c->out->type != S_IFREG)
		return 0;
	if (c->in->type == S_IFREG && c->out->device == c->in->device &&
	    c->out->inode == c->in->inode)
		return ERROR_SHARING_VIOLATION;
	c->tracked = may_restart(c) && c->how->flags & COPY_FILE_RESTARTABLE && cio_copy_can_track(c);
	if (existed && may_restart(c) && cio_copy_restart_find(c)) {
		c->began = true;
		return 0;
	}
	if (existed && fail_if_exists)
		return ERROR_FILE_EXISTS;
	if (existed && ftruncate(c->out->fd, 0) != 0)
		return cio_copy_error(-errno);
	if (existed)
		cio_copy_forget_attributes(c);
	c->began = true;
	error = cio_copy_track(c, true);
	if (error)
		c->tracked = false;
	return error;
}

/* The link goes only when there is a file to take its place. */
static DWORD prepare_over_link(struct cio_copying *c)
{
	char made[CIO_PLACE_NAME];
	DWORD error = cio_copy_check_link(c);
	bool existed;

	if (error)
		return error;
	do {
		cio_place_name(c->to, made);
		error = open_target(c, made, CREATE_NEW, &existed);
	} while (error == ERROR_FILE_EXISTS);
	if (!error)
		error = empty_target(c, existed);
	if (!error)
		error = cio_copy_replace_link(c, made);
	else if (c->out)
		unlink(made);
	/* Of what it was to become, nothing is to be kept. */
	if (error)
		c->began = c->tracked = false;
	return error;
}

static DWORD prepare_target(struct cio_copying *c)
{
	bool existed = false;
	DWORD error;

	c->phase = COPYFILE2_PHASE_PREPARE_DEST;
	if (cio_copy_is_over_link(c))
		return prepare_over_link(c);
	error = open_as_told(c, &existed);
	return error ? error : empty_target(c, existed);
}

static void choose_means(struct cio_copying *c)
{
	c->budget = CHUNK_FIRST;
	c->offload = c->sized && c->out->type == S_IFREG && !c->direct &&
		     !(c->how->flags & COPY_FILE_NO_OFFLOAD);
	/* A hole is nothing to write: only where nothing is, it is there. */
	c->sparse = c->sparse && c->out->type == S_IFREG;
}

/*
 * As much as it takes the time for, by what the last one took; at most twice as much as that. What was
 * moved between holes may be too little to say anything.
 */
static void learn(struct cio_copying *c, uint64_t moved, uint64_t took)
{
	uint64_t next = took ? (uint64_t)((double)moved * CHUNK_NS / (double)took) : UINT64_MAX;

	if (moved < CHUNK_LEAST && took < CHUNK_NS)
		return;
	if (moved < c->budget && next > c->budget)
		return;
	if (next > 2 * c->budget)
		next = 2 * c->budget;
	if (next > CHUNK_MOST)
		next = CHUNK_MOST;
	c->budget = next < CHUNK_LEAST ? CHUNK_LEAST : next - next % CHUNK_LEAST;
}

static DWORD copy_chunk(struct cio_copying *c)
{
	uint64_t start = c->done, moved = c->moved, end, began;
	DWORD error = cio_copy_plan(c, &end);

	if (!error)
		error = cio_copy_ask(c, CIO_COPY_CHUNK_STARTED, end - start);
	if (error)
		return error;
	began = cio_now();
	error = cio_copy_chunk(c, end);
	learn(c, c->moved - moved, cio_now() - began);
	if (!error)
		error = cio_copy_track(c, false);
	if (!error && c->done > start)
		error = cio_copy_ask(c, CIO_COPY_CHUNK_FINISHED, c->done - start);
	return error;
}

static DWORD copy_piece(struct cio_copying *c, bool *ended)
{
	uint64_t start = c->done;
	DWORD error = cio_copy_piece(c, ended);

	if (!error && !*ended)
		error = cio_copy_ask(c, CIO_COPY_CHUNK_FINISHED, c->done - start);
	return error;
}

static DWORD copy_all(struct cio_copying *c)
{
	bool ended = false;
	DWORD error = 0;

	while (!error && (c->sized ? c->done < c->size : !ended)) {
		error = c->sized ? copy_chunk(c) : copy_piece(c, &ended);
		if (!error)
			c->chunk++;
	}
	return error;
}

static DWORD copy_data(struct cio_copying *c)
{
	DWORD error = cio_copy_ask(c, CIO_COPY_STREAM_STARTED, 0);

	if (!error)
		error = copy_all(c);
	if (!error) {
		c->told_end = true;
		error = cio_copy_ask(c, CIO_COPY_STREAM_FINISHED, 0);
	}
	return error ? error : cio_copy_finish(c);
}

static DWORD run(struct cio_copying *c)
{
	DWORD error;

	if (cio_copy_link(c, &error))
		return error;
	error = open_source(c);
	if (!error)
		error = prepare_target(c);
	if (error)
		return error;
	choose_means(c);
	return copy_data(c);
}

/*
 * By the name that it has: that which was given may be a link, and the caller may have gone to another
 * directory since.
 */
static void drop_target(const struct cio_copying *c)
{
	char self[CIO_FILE_PROC], path[PATH_MAX];
	ssize_t n;

	cio_file_proc(c->out, self);
	n = readlink(self, path, sizeof(path) - 1);
	if (n > 0)
		path[n] = '\0';
	cio_share_doom(c->out, n > 0 ? path : c->to);
}

/* What the target has to say of itself if it is to stay, and who is to know. */
static void end_early(struct cio_copying *c, DWORD error)
{
	bool wanted = error == ERROR_REQUEST_ABORTED || error == ERROR_REQUEST_PAUSED;

	if (!wanted)
		c->keep = c->tracked;
	if (error == ERROR_REQUEST_PAUSED)
		c->tracked = c->sized && c->out->type == S_IFREG && cio_copy_can_track(c);
	/* Who stops it wants to have all of it; who cancels it wants not to wait. */
	if (c->keep && wanted)
		cio_copy_track(c, true);
	if (!wanted)
		cio_copy_tell(c, CIO_COPY_FAILED, error);
	else if (c->keep && !c->told_end)
		cio_copy_tell(c, CIO_COPY_STREAM_FINISHED, error);
	if (c->began && !c->keep)
		drop_target(c);
}

static void close_file(HANDLE handle, struct cio_file *file)
{
	if (!file)
		return;
	CloseHandle(handle);
	cio_object_put(&file->obj);
}

DWORD cio_copy_file(const char *from, const char *to, struct cio_copy *how)
{
	struct cio_copying c = {
		.how = how,
		.self = cio_self(),
		.from = from,
		.to = to,
		.direct = how->flags & COPY_FILE_NO_BUFFERING,
	};
	DWORD error;

	if (!c.self)
		return ERROR_NOT_ENOUGH_MEMORY;
	/* Before anything has been touched, there is nothing to be deleted. */
	if (cio_copy_flag_is_set(&c))
		return ERROR_REQUEST_ABORTED;
	cio_copy_watch_start(&c);
	cio_copy_enter(&c);
	error = run(&c);
	cio_copy_leave(&c);
	if (cio_copy_watch_stop(&c) && error == ERROR_OPERATION_ABORTED)
		error = ERROR_REQUEST_ABORTED;
	if (error)
		end_early(&c, error);
	close_file(c.target, c.out);
	close_file(c.source, c.in);
	free(c.buffer);
	return error;
}
