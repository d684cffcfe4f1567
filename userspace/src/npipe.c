// SPDX-License-Identifier: MIT
/* CreateNamedPipe, ConnectNamedPipe, DisconnectNamedPipe (W-PIPE-2 to -4), and an end's life. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handle.h"
#include "npipe.h"
#include "ring.h"
#include "rw.h"
#include "thread.h"

#define KNOWN_OPEN_MODES \
	(PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_WRITE_THROUGH | \
	 FILE_FLAG_OVERLAPPED | WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY)
#define KNOWN_PIPE_MODES \
	(PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_NOWAIT | PIPE_REJECT_REMOTE_CLIENTS)
#define DEFAULT_TIMEOUT_MS 50

struct cio_pipe *cio_pipe_new(void)
{
	struct cio_pipe *pipe = calloc(1, sizeof(*pipe));

	if (!pipe)
		return NULL;
	pipe->file = cio_file_new();
	if (!pipe->file) {
		free(pipe);
		return NULL;
	}
	pipe->file->pipe = pipe;
	pipe->file->type = S_IFSOCK;
	pipe->file->roundabout = true;
	pipe->bell = -1;
	pipe->state = CIO_PIPE_IS_DISCONNECTED;
	cio_list_init(&pipe->in_name);
	cio_list_init(&pipe->in_listening);
	return pipe;
}

void cio_pipe_free(struct cio_pipe *pipe)
{
	cio_pipe_page_unmap(pipe->page);
	if (pipe->bell >= 0)
		syscall(SYS_close, pipe->bell);
	free(pipe);
}

/*
 * Both locks. The connection is no more: what was sent and not read is lost when the page says so
 * (W-PIPE-4), and can still be read when only the socket ends.
 */
static void end_connection(struct cio_pipe *pipe, bool disconnect, DWORD cut)
{
	struct cio_pipe_page *page = pipe->page;

	pipe->connection++;
	pipe->cut = cut;
	if (pipe->state == CIO_PIPE_IS_CONNECTED && !pipe->heir) {
		if (disconnect)
			atomic_store(&page->disconnected, 1);
		shutdown(pipe->file->fd, SHUT_RDWR);
		/* Now nothing comes any more. */
		if (cio_pipe_has_bytes(pipe))
			atomic_store(&page->end[pipe->server ? 0 : 1].lost, 1);
		cio_pipe_tell_flusher(pipe);
	}
	pipe->state = CIO_PIPE_IS_DISCONNECTED;
	pipe->page = NULL;
	cio_pipe_page_unmap(page);
	cio_pipe_forget_frames(pipe);
}

void cio_pipe_close(struct cio_pipe *pipe)
{
	CIO_KEEP_ERRNO;

	if (pipe->server)
		cio_pipe_name_leave(pipe);
	cio_lock_take(&pipe->lock);
	end_connection(pipe, false, CIO_PIPE_BROKEN);
	cio_lock_drop(&pipe->lock);
	/* W-CLOSE-2 */
	cio_ops_cut(pipe->file);
}

void cio_pipe_after_fork(struct cio_pipe *pipe)
{
	pipe->heir = true;
	cio_lock_reinit_in_child(&pipe->lock);
}

/* The bell has the descriptor's place until somebody comes. */
static DWORD hang_bell(struct cio_pipe *pipe)
{
	pipe->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pipe->bell >= 0)
		pipe->file->fd = fcntl(pipe->bell, F_DUPFD_CLOEXEC, 0);
	return pipe->file->fd >= 0 ? 0 : cio_status_to_error(cio_errno_to_status(errno));
}

static DWORD check_modes(DWORD open_mode, DWORD pipe_mode, DWORD instances)
{
	if (open_mode & ~KNOWN_OPEN_MODES || !(open_mode & PIPE_ACCESS_DUPLEX) ||
	    pipe_mode & ~KNOWN_PIPE_MODES)
		return ERROR_INVALID_PARAMETER;
	if (pipe_mode & PIPE_READMODE_MESSAGE && !(pipe_mode & PIPE_TYPE_MESSAGE))
		return ERROR_INVALID_PARAMETER;
	return instances < 1 || instances > PIPE_UNLIMITED_INSTANCES ? ERROR_INVALID_PARAMETER : 0;
}

static DWORD rights(DWORD open_mode)
{
	DWORD access = 0;

	if (open_mode & PIPE_ACCESS_INBOUND)
		access |= FILE_GENERIC_READ;
	if (open_mode & PIPE_ACCESS_OUTBOUND)
		access |= FILE_GENERIC_WRITE;
	return access;
}

static HANDLE server_new(struct cio_pipe *pipe, const char *name, bool first, DWORD *error)
{
	HANDLE handle = NULL;

	*error = hang_bell(pipe);
	if (!*error)
		pipe->state = CIO_PIPE_IS_LISTENING;
	/* The last, for from then on a client may come. */
	if (!*error && !(handle = cio_handle_new(&pipe->file->obj, pipe->file->access)))
		*error = ERROR_NOT_ENOUGH_MEMORY;
	if (!*error)
		*error = cio_pipe_name_join(pipe, name, first);
	if (*error && handle) {
		CloseHandle(handle);
		handle = NULL;
	}
	return handle;
}

static HANDLE create(DWORD error, const char *name, DWORD open_mode, DWORD pipe_mode,
		     DWORD instances, DWORD out_size, DWORD in_size, DWORD timeout,
		     const SECURITY_ATTRIBUTES *security)
{
	struct cio_pipe *pipe = NULL;
	HANDLE handle = NULL;
	struct cio_ring *ring;

	if (!error)
		error = check_modes(open_mode, pipe_mode, instances);
	if (!error && open_mode & FILE_FLAG_OVERLAPPED)
		error = cio_ring_get(&ring);
	if (!error && !(pipe = cio_pipe_new()))
		error = ERROR_NOT_ENOUGH_MEMORY;
	if (!error) {
		pipe->server = true;
		pipe->messages = pipe_mode & PIPE_TYPE_MESSAGE;
		pipe->by_message = pipe_mode & PIPE_READMODE_MESSAGE;
		pipe->nowait = pipe_mode & PIPE_NOWAIT;
		pipe->direction = open_mode & PIPE_ACCESS_DUPLEX;
		pipe->out_size = out_size;
		pipe->in_size = in_size;
		pipe->max_instances = instances;
		pipe->timeout = timeout ? timeout : DEFAULT_TIMEOUT_MS;
		pipe->file->overlapped = open_mode & FILE_FLAG_OVERLAPPED;
		pipe->file->access = rights(open_mode);
		handle = server_new(pipe, name, open_mode & FILE_FLAG_FIRST_PIPE_INSTANCE, &error);
		cio_object_put(&pipe->file->obj);
	}
	if (error) {
		cio_fail(error);
		return INVALID_HANDLE_VALUE;
	}
	if (security && security->bInheritHandle)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	return handle;
}

HANDLE WINAPI CreateNamedPipeA(LPCSTR name, DWORD open_mode, DWORD pipe_mode, DWORD instances,
			       DWORD out_size, DWORD in_size, DWORD timeout,
			       LPSECURITY_ATTRIBUTES security)
{
	CIO_KEEP_ERRNO;
	char key[CIO_PIPE_NAME];
	DWORD error = cio_pipe_name_from_ansi(key, name);

	if (!cio_self())
		return INVALID_HANDLE_VALUE;
	return create(error, key, open_mode, pipe_mode, instances, out_size, in_size, timeout,
		      security);
}

HANDLE WINAPI CreateNamedPipeW(LPCWSTR name, DWORD open_mode, DWORD pipe_mode, DWORD instances,
			       DWORD out_size, DWORD in_size, DWORD timeout,
			       LPSECURITY_ATTRIBUTES security)
{
	CIO_KEEP_ERRNO;
	char key[CIO_PIPE_NAME];
	DWORD error = cio_pipe_name_from_wide(key, name);

	if (!cio_self())
		return INVALID_HANDLE_VALUE;
	return create(error, key, open_mode, pipe_mode, instances, out_size, in_size, timeout,
		      security);
}

/* The server's end behind a handle, as an object with a reference. NULL with the last error set. */
static struct cio_pipe *get_server(HANDLE handle)
{
	struct cio_object *obj = cio_handle_get(handle, &cio_file_class, 0);
	struct cio_pipe *pipe;

	if (!obj)
		return NULL;
	pipe = cio_entry(obj, struct cio_file, obj)->pipe;
	if (pipe && pipe->server)
		return pipe;
	cio_object_put(obj);
	cio_fail(ERROR_INVALID_FUNCTION);
	return NULL;
}

/* After DisconnectNamedPipe the instance listens again. True: from now on. */
static bool listen_again(struct cio_pipe *pipe)
{
	bool now = false;
	uint64_t rings;

	cio_pipes_lock();
	cio_lock_take(&pipe->lock);
	if (pipe->state == CIO_PIPE_IS_DISCONNECTED && pipe->name) {
		now = true;
		pipe->state = CIO_PIPE_IS_LISTENING;
		if (syscall(SYS_read, pipe->bell, &rings, sizeof(rings)) < 0)
			rings = 0; /* it was quiet */
		cio_pipe_listen(pipe);
	}
	cio_lock_drop(&pipe->lock);
	cio_pipes_unlock();
	return now;
}

BOOL WINAPI ConnectNamedPipe(HANDLE handle, LPOVERLAPPED overlapped)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *self = cio_self();
	struct cio_pipe *pipe = self ? get_server(handle) : NULL;
	struct cio_request req = { .overlapped = overlapped, .write = CIO_PIPE_CONNECT };
	HANDLE event = NULL;
	DWORD bytes = 0;
	BOOL ok;

	if (!pipe)
		return FALSE;
	req.file = pipe->file;
	if (overlapped) {
		/* W-OVL-2 */
		__atomic_store_n(&overlapped->Internal, STATUS_PENDING, __ATOMIC_RELAXED);
		event = (HANDLE)((ULONG_PTR)overlapped->hEvent & ~(ULONG_PTR)3);
	}
	ok = listen_again(pipe) && pipe->nowait;
	if (!ok)
		ok = cio_request_run(self, &req, event, &bytes);
	cio_object_put(&pipe->file->obj);
	return ok;
}

BOOL WINAPI DisconnectNamedPipe(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct cio_pipe *pipe = cio_self() ? get_server(handle) : NULL;
	uint64_t one = 1;
	bool was;

	if (!pipe)
		return FALSE;
	cio_pipes_lock();
	cio_lock_take(&pipe->lock);
	was = pipe->state != CIO_PIPE_IS_DISCONNECTED;
	if (was) {
		cio_pipe_unlisten(pipe);
		end_connection(pipe, true, CIO_PIPE_DISCONNECTED);
		syscall(SYS_dup3, pipe->bell, pipe->file->fd, O_CLOEXEC);
		if (syscall(SYS_write, pipe->bell, &one, sizeof(one)) < 0)
			one = 0; /* it rings already */
	}
	cio_lock_drop(&pipe->lock);
	cio_pipes_unlock();
	if (was)
		cio_pipe_cut(pipe);
	cio_object_put(&pipe->file->obj);
	return was ? TRUE : cio_fail(ERROR_PIPE_NOT_CONNECTED);
}
