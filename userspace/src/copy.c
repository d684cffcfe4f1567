// SPDX-License-Identifier: MIT
/* The order of things in a copy: open, ask, move, ask ..., and what becomes of the target. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "copy_private.h"
#include "handle.h"
#include "share.h"
#include "status.h"
#include "sync.h"
#include "thread.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* A chunk is what takes about this long, and so is the wait of who cancels. */
#define CHUNK_NS 20000000u
#define CHUNK_FIRST (1u << 20)
#define CHUNK_LEAST (64u << 10)
#define CHUNK_MOST (64u << 20)

void cio_copy_enter(struct cio_copying *c)
{
	cio_sync_begin(c->self, NULL, NULL);
}

bool cio_copy_leave(struct cio_copying *c)
{
	return cio_sync_end(c->self);
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
	if (c->how->flags & COPY_FILE_NO_BUFFERING)
		open.flags |= FILE_FLAG_NO_BUFFERING;
	error = open_file(c, &open, &c->source, &c->in, &existed);
	if (error)
		return error;
	if (fstat(c->in->fd, &c->st) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	/* What /proc offers has no size, and yet something in it. */
	c->sized = c->in->type == S_IFREG && c->st.st_size > 0;
	c->sparse = c->sized;
	c->size = c->sized ? (uint64_t)c->st.st_size : 0;
	return 0;
}

/* Whoever has it open lets it be written, and will see it change; nobody may be about to delete it. */
static DWORD open_target(struct cio_copying *c)
{
	struct cio_open open = {
		.path = c->to,
		.access = GENERIC_WRITE,
		.share = FILE_SHARE_READ | FILE_SHARE_WRITE,
		.disposition = OPEN_ALWAYS,
		.mode = 0666,
	};
	bool existed;
	DWORD error;

	c->phase = COPYFILE2_PHASE_PREPARE_DEST;
	if (c->how->flags & COPY_FILE_FAIL_IF_EXISTS)
		open.disposition = CREATE_NEW;
	if (c->how->flags & COPY_FILE_NO_BUFFERING)
		open.flags |= FILE_FLAG_NO_BUFFERING;
	/* Read-only it becomes at the end, so that a copy cut short can be gone on with. */
	if (c->in->type == S_IFREG)
		open.mode = (c->st.st_mode & 0777) | S_IRUSR | S_IWUSR;
	error = open_file(c, &open, &c->target, &c->out, &existed);
	if (error)
		return error;
	if (c->in->type == S_IFREG && c->out->device == c->in->device && c->out->inode == c->in->inode)
		return ERROR_SHARING_VIOLATION;
	c->began = c->out->type == S_IFREG;
	if (existed && c->began && ftruncate(c->out->fd, 0) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	return 0;
}

static void choose_means(struct cio_copying *c)
{
	c->budget = CHUNK_FIRST;
	c->direct = c->how->flags & COPY_FILE_NO_BUFFERING;
	c->offload = c->sized && c->out->type == S_IFREG && !c->direct &&
		     !(c->how->flags & COPY_FILE_NO_OFFLOAD);
	/* A hole is nothing to write: only where nothing is, it is there. */
	c->sparse = c->sparse && c->out->type == S_IFREG;
}

/* Twice as much as long as it is quick, half of it when it takes too long. */
static void learn(struct cio_copying *c, uint64_t took)
{
	if (took < CHUNK_NS / 2 && c->budget < CHUNK_MOST)
		c->budget *= 2;
	else if (took > CHUNK_NS * 2 && c->budget > CHUNK_LEAST)
		c->budget /= 2;
}

static DWORD copy_chunks(struct cio_copying *c)
{
	uint64_t start = c->done, end, began;
	DWORD error = 0;

	for (; !error && c->done < c->size; c->chunk++) {
		start = c->done;
		error = cio_copy_plan(c, &end);
		if (!error)
			error = cio_copy_ask(c, CIO_COPY_CHUNK_STARTED, end - start);
		if (error)
			break;
		began = cio_now();
		error = cio_copy_chunk(c, end);
		learn(c, cio_now() - began);
		if (!error && c->done > start)
			error = cio_copy_ask(c, CIO_COPY_CHUNK_FINISHED, c->done - start);
	}
	return error;
}

static DWORD copy_pieces(struct cio_copying *c)
{
	uint64_t start;
	bool ended = false;
	DWORD error = 0;

	for (; !error && !ended; c->chunk++) {
		start = c->done;
		error = cio_copy_piece(c, &ended);
		if (!error && !ended)
			error = cio_copy_ask(c, CIO_COPY_CHUNK_FINISHED, c->done - start);
	}
	return error;
}

static DWORD copy_data(struct cio_copying *c)
{
	DWORD error = cio_copy_ask(c, CIO_COPY_STREAM_STARTED, 0);

	if (!error)
		error = c->sized ? copy_chunks(c) : copy_pieces(c);
	return error;
}

/* What belongs to the data: the length, the time, and that nobody may write (W-COPY-1). */
static DWORD finish_target(struct cio_copying *c)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, c->st.st_mtim };
	struct stat st;

	c->phase = COPYFILE2_PHASE_WRITE_DESTINATION;
	if (c->out->type != S_IFREG)
		return 0;
	if (ftruncate(c->out->fd, (off_t)c->done) != 0)
		return cio_status_to_error(cio_errno_to_status(errno));
	if (c->in->type != S_IFREG)
		return 0;
	futimens(c->out->fd, times);
	if (!(c->st.st_mode & 0222) && fstat(c->out->fd, &st) == 0)
		fchmod(c->out->fd, st.st_mode & 07555);
	return 0;
}

static DWORD run(struct cio_copying *c)
{
	DWORD error = open_source(c);

	if (!error)
		error = open_target(c);
	if (error)
		return error;
	choose_means(c);
	error = copy_data(c);
	return error ? error : finish_target(c);
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
	struct cio_copying c = { .how = how, .self = cio_self(), .from = from, .to = to };
	DWORD error;

	if (!c.self)
		return ERROR_NOT_ENOUGH_MEMORY;
	cio_copy_enter(&c);
	error = run(&c);
	cio_copy_leave(&c);
	if (error && error != ERROR_REQUEST_ABORTED && error != ERROR_REQUEST_PAUSED)
		cio_copy_tell_failure(&c, error);
	if (error && c.began && !c.keep)
		cio_share_doom(c.out, to);
	close_file(c.target, c.out);
	close_file(c.source, c.in);
	free(c.buffer);
	return error;
}
