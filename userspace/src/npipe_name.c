// SPDX-License-Identifier: MIT
/* The names of pipes, their instances, and how a client is given one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "npipe.h"
#include "path.h"
#include "utf.h"

struct cio_pipe_name {
	struct cio_list link;
	struct cio_list instances; /* struct cio_pipe, by in_name */
	struct cio_list listening; /* those that can be connected to, by in_listening */
	unsigned int count;
	struct cio_pipe_port port;
	/* What the first instance was made with, and the others must be. */
	bool messages;
	DWORD direction, max_instances, timeout;
	char text[];
};

static struct cio_lock lock = CIO_LOCK_INIT;
static struct cio_list names = CIO_LIST_INIT(names);

void cio_pipes_lock(void)
{
	cio_lock_take(&lock);
}

void cio_pipes_unlock(void)
{
	cio_lock_drop(&lock);
}

/* Its instances are the parent's: they keep what they have, but nobody comes to them here. */
void cio_pipes_reinit_in_child(void)
{
	cio_list_each_safe(pos, tmp, &names) {
		struct cio_pipe_name *n = cio_entry(pos, struct cio_pipe_name, link);

		cio_broker_close(&n->port, true);
		cio_list_del(&n->link);
	}
	cio_broker_reinit_in_child();
	cio_lock_reinit_in_child(&lock);
}

static bool is_slash(char c)
{
	return c == '/' || c == '\\';
}

/* W-CREATE-7: either slash, and any case. */
static DWORD name_from_utf8(char name[CIO_PIPE_NAME], const char *path)
{
	static const char folder[] = "pipe";
	size_t n = 0;

	if (!is_slash(path[0]) || !is_slash(path[1]) || (path[2] != '.' && path[2] != '?') ||
	    !is_slash(path[3]) || strncasecmp(path + 4, folder, 4) != 0 || !is_slash(path[8]) ||
	    !path[9])
		return ERROR_INVALID_NAME;
	for (const char *c = path + 9; *c; c++) {
		if (n == CIO_PIPE_NAME - 1)
			return ERROR_INVALID_NAME;
		name[n++] = (char)(*c == '/' ? '\\' : *c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	}
	name[n] = '\0';
	return 0;
}

DWORD cio_pipe_name_from_ansi(char name[CIO_PIPE_NAME], LPCSTR path)
{
	return path ? name_from_utf8(name, path) : ERROR_PATH_NOT_FOUND;
}

DWORD cio_pipe_name_from_wide(char name[CIO_PIPE_NAME], LPCWSTR path)
{
	char utf8[PATH_MAX];

	if (!path)
		return ERROR_PATH_NOT_FOUND;
	if (!cio_name_from_utf16(utf8, sizeof(utf8), path))
		return ERROR_INVALID_NAME;
	return name_from_utf8(name, utf8);
}

static struct cio_pipe_name *find(const char *text)
{
	cio_list_each(pos, &names) {
		struct cio_pipe_name *n = cio_entry(pos, struct cio_pipe_name, link);

		if (!strcmp(n->text, text))
			return n;
	}
	return NULL;
}

struct cio_pipe_port *cio_pipe_port_find(uint64_t id, const char **text, bool *listens)
{
	cio_list_each(pos, &names) {
		struct cio_pipe_name *n = cio_entry(pos, struct cio_pipe_name, link);

		if (n->port.id != id)
			continue;
		*text = n->text;
		*listens = !cio_list_empty(&n->listening);
		return &n->port;
	}
	return NULL;
}

static struct cio_pipe_name *name_new(const struct cio_pipe *first, const char *text, DWORD *error)
{
	size_t size = strlen(text) + 1;
	struct cio_pipe_name *n = calloc(1, sizeof(*n) + size);

	*error = n ? 0 : ERROR_NOT_ENOUGH_MEMORY;
	if (!n)
		return NULL;
	memcpy(n->text, text, size);
	cio_list_init(&n->instances);
	cio_list_init(&n->listening);
	n->messages = first->messages;
	n->direction = first->direction;
	n->max_instances = first->max_instances;
	n->timeout = first->timeout;
	*error = cio_broker_open(&n->port, text);
	if (*error) {
		free(n);
		return NULL;
	}
	cio_list_add_tail(&n->link, &names);
	return n;
}

/* Whether a further instance is like the first. */
static DWORD check_instance(const struct cio_pipe_name *n, const struct cio_pipe *pipe, bool first)
{
	if (first || n->messages != pipe->messages || n->direction != pipe->direction)
		return ERROR_ACCESS_DENIED;
	if (n->max_instances != PIPE_UNLIMITED_INSTANCES && n->count >= n->max_instances)
		return ERROR_PIPE_BUSY;
	return 0;
}

DWORD cio_pipe_name_join(struct cio_pipe *pipe, const char *text, bool first)
{
	struct cio_pipe_name *n;
	DWORD error = 0;

	cio_pipes_lock();
	n = find(text);
	if (n)
		error = check_instance(n, pipe, first);
	else
		n = name_new(pipe, text, &error);
	if (!error) {
		pipe->name = n;
		pipe->max_instances = n->max_instances;
		pipe->timeout = n->timeout;
		n->count++;
		cio_list_add_tail(&pipe->in_name, &n->instances);
		cio_pipe_listen(pipe);
	}
	cio_pipes_unlock();
	return error;
}

void cio_pipe_name_leave(struct cio_pipe *pipe)
{
	struct cio_pipe_name *n;

	cio_pipes_lock();
	n = pipe->name;
	cio_pipe_unlisten(pipe);
	cio_list_del(&pipe->in_name);
	pipe->name = NULL;
	if (n && --n->count == 0 && !pipe->heir) {
		cio_broker_close(&n->port, false);
		cio_list_del(&n->link);
		free(n);
	}
	cio_pipes_unlock();
}

void cio_pipe_listen(struct cio_pipe *pipe)
{
	cio_list_add_tail(&pipe->in_listening, &pipe->name->listening);
	cio_broker_tell(&pipe->name->port);
}

void cio_pipe_unlisten(struct cio_pipe *pipe)
{
	cio_list_del(&pipe->in_listening);
}

DWORD cio_pipe_instances(struct cio_pipe *pipe)
{
	DWORD count;

	cio_pipes_lock();
	count = pipe->name ? pipe->name->count : 0;
	cio_pipes_unlock();
	return count;
}

static void describe(const struct cio_pipe_name *n, const struct cio_pipe *pipe,
		     struct cio_pipe_answer *answer)
{
	answer->messages = n->messages;
	answer->max_instances = n->max_instances;
	answer->timeout = n->timeout;
	answer->instances = n->count;
	answer->direction = n->direction;
	answer->out_size = pipe->out_size;
	answer->in_size = pipe->in_size;
}

bool cio_pipe_describe(const char *text, struct cio_pipe_answer *answer)
{
	struct cio_pipe_name *n;

	memset(answer, 0, sizeof(*answer));
	cio_pipes_lock();
	n = find(text);
	if (n)
		describe(n, cio_entry(n->instances.next, struct cio_pipe, in_name), answer);
	cio_pipes_unlock();
	return n != NULL;
}

/* The client may go no way that the pipe has not. */
static bool may_open(DWORD direction, DWORD access)
{
	if (access & FILE_READ_DATA && !(direction & PIPE_ACCESS_OUTBOUND))
		return false;
	return !(access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) || direction & PIPE_ACCESS_INBOUND;
}

/* Names' lock. The server's end of the pair becomes the instance's. */
static DWORD connect_to(struct cio_pipe *pipe, DWORD pid, struct cio_pipe_pair *pair)
{
	struct cio_pipe_page *page;
	uint64_t one = 1;
	DWORD error = cio_pipe_pair_new(pair, pipe->out_size, pipe->in_size);

	if (error)
		return error;
	page = cio_pipe_page_map(pair->page);
	if (!page) {
		cio_pipe_pair_close(pair);
		return ERROR_NOT_ENOUGH_MEMORY;
	}
	page->pid[0] = (DWORD)getpid();
	page->pid[1] = pid;
	cio_lock_take(&pipe->lock);
	pipe->page = page;
	pipe->state = CIO_PIPE_IS_CONNECTED;
	cio_pipe_forget_frames(pipe);
	/* Whoever waits at the descriptor, or is about to, keeps the number. */
	syscall(SYS_dup3, pair->end[0], pipe->file->fd, O_CLOEXEC);
	cio_lock_drop(&pipe->lock);
	syscall(SYS_close, pair->end[0]);
	pair->end[0] = -1;
	if (syscall(SYS_write, pipe->bell, &one, sizeof(one)) < 0)
		return 0; /* it rings already */
	return 0;
}

bool cio_pipe_admit(const char *text, DWORD access, DWORD pid, struct cio_pipe_answer *answer,
		    struct cio_pipe_pair *pair)
{
	struct cio_pipe_name *n;
	struct cio_pipe *pipe;

	memset(answer, 0, sizeof(*answer));
	*pair = (struct cio_pipe_pair){ { -1, -1 }, -1 };
	cio_pipes_lock();
	n = find(text);
	if (n && !may_open(n->direction, access)) {
		answer->error = ERROR_ACCESS_DENIED;
	} else if (n && cio_list_empty(&n->listening)) {
		answer->error = ERROR_PIPE_BUSY;
	} else if (n) {
		pipe = cio_entry(n->listening.next, struct cio_pipe, in_listening);
		answer->error = connect_to(pipe, pid, pair);
		if (!answer->error)
			cio_pipe_unlisten(pipe);
		describe(n, pipe, answer);
	}
	cio_pipes_unlock();
	return n != NULL;
}
