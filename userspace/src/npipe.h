/* SPDX-License-Identifier: MIT */
/*
 * Named pipes (W-PIPE-*): one end of one, which is a file object like others.
 *
 * Two ends are joined by a pair of sockets, in which every write is a frame of its own: so messages
 * have borders, and a write of no bytes arrives. What cannot be said in the stream, because it must
 * not wait until the stream has been read, stands in a page that both ends have mapped.
 *
 *   npipe.c         the calls        npipe_link.c    joining two ends, and the frames between them
 *   npipe_io.c      requests         npipe_name.c    names, their instances, and who comes to them
 *   npipe_open.c    the client       npipe_broker.c  who comes from other processes
 *   npipe_state.c   what an end is asked about itself   npipe_call.c   a message and its answer
 */
#ifndef CIO_NPIPE_H
#define CIO_NPIPE_H

#include "file.h"
#include "lock.h"
#include "op.h"
#include "status.h"

#define CIO_BUFFER_OVERFLOW 0x80000005u
#define CIO_PIPE_NOT_AVAILABLE 0xC00000ACu
#define CIO_INVALID_PIPE_STATE 0xC00000ADu
#define CIO_PIPE_BUSY 0xC00000AEu
#define CIO_PIPE_DISCONNECTED 0xC00000B0u
#define CIO_PIPE_CONNECTED 0xC00000B2u
#define CIO_PIPE_LISTENING 0xC00000B3u
#define CIO_PIPE_EMPTY 0xC00000D9u

/* A name's bytes in UTF-8, lower case. */
#define CIO_PIPE_NAME (256 * 3 + 1)

/* cio_request's `write`, and cio_op's. */
#define CIO_PIPE_CONNECT 2

struct cio_pipe_name;

enum cio_pipe_state { CIO_PIPE_IS_LISTENING, CIO_PIPE_IS_CONNECTED, CIO_PIPE_IS_DISCONNECTED };

/* Shared by the two ends, which may be of two processes. */
struct cio_pipe_page {
	atomic_uint disconnected; /* the server has called DisconnectNamedPipe */
	/* What end n (the server is 0) has read: counted, and woken, while the other end flushes. */
	struct {
		atomic_uint reads, flushes;
		atomic_uint lost; /* it was closed before it had read all */
	} end[2];
	DWORD pid[2];
};

struct cio_pipe {
	struct cio_file *file;
	bool server;
	bool heir; /* came by a fork: what is done to it must not be done to the parent's */
	bool messages; /* the pipe's type */
	DWORD direction; /* PIPE_ACCESS_* */
	DWORD out_size, in_size, max_instances, timeout;
	DWORD instances; /* of a client: when it came */
	int bell; /* of a server: an eventfd, readable unless it listens */

	struct cio_pipe_name *name; /* of a server; names' lock, as for the next two */
	struct cio_list in_name, in_listening;

	/* Guards what follows, and every use of the socket but waiting for it. */
	struct cio_lock lock;
	enum cio_pipe_state state; /* of a server: changed under the names' lock, too */
	unsigned int connection; /* counts them */
	DWORD cut; /* the status of what was pending when the connection was ended from here */
	bool by_message, nowait;
	struct cio_pipe_page *page;
	struct {
		uint32_t left; /* of the frame that is being read */
		bool open, more; /* it is; more frames of its message will follow */
	} in;
};

static inline struct cio_pipe *cio_pipe_of(const struct cio_file *file)
{
	return file->pipe;
}

/* npipe_link.c: all but the first with the pipe's lock. */

/* The two ends of a new connection, and the page's descriptor. 0, or the Win32 error. */
struct cio_pipe_pair {
	int end[2], page;
};
DWORD cio_pipe_pair_new(struct cio_pipe_pair *pair, DWORD server_out, DWORD client_out);
void cio_pipe_pair_close(struct cio_pipe_pair *pair);
/* NULL: it is not one, or cannot be mapped. */
struct cio_pipe_page *cio_pipe_page_map(int fd);
void cio_pipe_page_unmap(struct cio_pipe_page *page);

/* Nothing is pending, nobody is told. */
void cio_pipe_forget_frames(struct cio_pipe *pipe);
/* Whether there is something that has not been read. */
bool cio_pipe_has_bytes(const struct cio_pipe *pipe);
bool cio_pipe_peer_is_gone(const struct cio_pipe *pipe);
/* STATUS_PENDING: there is nothing (more) to read, or no room. *done counts on. */
DWORD cio_pipe_receive(struct cio_pipe *pipe, char *buffer, uint32_t length, uint32_t *done);
DWORD cio_pipe_send(struct cio_pipe *pipe, const char *buffer, uint32_t length, uint32_t *done);
/* A message of which a part has been sent ends with it. */
void cio_pipe_end_message(struct cio_pipe *pipe);
/* What can be read: all of it, and the rest of the first message. */
DWORD cio_pipe_look(struct cio_pipe *pipe, char *buffer, DWORD length, DWORD *copied, DWORD *all,
		    DWORD *left);
/* How much of what this end has sent has not been read, in a unit of the kernel's own. */
int cio_pipe_unread(const struct cio_pipe *pipe);
/* Wakes who flushes at the other end. */
void cio_pipe_tell_flusher(struct cio_pipe *pipe);

/* npipe_io.c */

/* A request's next step: STATUS_PENDING, or its end. Called as cio_step_next(). */
DWORD cio_pipe_step(struct cio_op *op);
/* What a cancelled request ends with. */
DWORD cio_pipe_cancelled(struct cio_op *op);
DWORD cio_pipe_transfer(struct cio_thread *self, struct cio_request *req, DWORD *bytes);
DWORD cio_pipe_flush(struct cio_thread *self, struct cio_pipe *pipe);
/* Ends whatever is under way on a connection that has ended from here. */
void cio_pipe_cut(struct cio_pipe *pipe);

/* npipe_name.c */

/* What a client wants, and what it gets. */
struct cio_pipe_answer {
	DWORD error;
	DWORD messages, out_size, in_size, max_instances, timeout, instances, direction;
};

void cio_pipes_lock(void);
void cio_pipes_unlock(void);
void cio_pipes_reinit_in_child(void);

/*
 * The name behind \\.\pipe\. 0, or the Win32 error: ERROR_INVALID_NAME when it names no pipe.
 */
DWORD cio_pipe_name_from_ansi(char name[CIO_PIPE_NAME], LPCSTR path);
DWORD cio_pipe_name_from_wide(char name[CIO_PIPE_NAME], LPCWSTR path);

/* Makes the server's end an instance of the name. 0, or the Win32 error. */
DWORD cio_pipe_name_join(struct cio_pipe *pipe, const char *text, bool first);
void cio_pipe_name_leave(struct cio_pipe *pipe);
/* Names' lock. The instance can be connected to from now on; or not any more. */
void cio_pipe_listen(struct cio_pipe *pipe);
void cio_pipe_unlisten(struct cio_pipe *pipe);
DWORD cio_pipe_instances(struct cio_pipe *pipe);

/*
 * Connects a client of the process `pid` to an instance that listens. False: the name is not one
 * of this process. *pair holds the client's end if answer->error is 0.
 */
bool cio_pipe_admit(const char *name, DWORD access, DWORD pid, struct cio_pipe_answer *answer,
		    struct cio_pipe_pair *pair);
/* The same for who only wants to know. */
bool cio_pipe_describe(const char *name, struct cio_pipe_answer *answer);

/* npipe_broker.c, with the names' lock. */
struct cio_pipe_port {
	uint64_t id;
	int fd;
	struct cio_list waiting; /* who waits for an instance to listen */
};

/* Opens a name to other processes. ERROR_ACCESS_DENIED: another process has it. */
DWORD cio_broker_open(struct cio_pipe_port *port, const char *name);
void cio_broker_close(struct cio_pipe_port *port, bool shared);
/* An instance listens. */
void cio_broker_tell(struct cio_pipe_port *port);
struct cio_pipe_port *cio_pipe_port_find(uint64_t id, const char **text, bool *listens);
void cio_broker_reinit_in_child(void);

/* npipe_open.c */

/* CreateFile's arguments, all checked. */
HANDLE cio_pipe_open(struct cio_thread *self, const char *name, DWORD access, DWORD flags);
/* The other half of cio_broker's talk. */
struct cio_pipe_call {
	uint32_t what; /* enum cio_pipe_calls */
	DWORD access, pid;
	char name[CIO_PIPE_NAME];
};
enum cio_pipe_calls { CIO_PIPE_OPEN = 0x70697031, CIO_PIPE_WAIT, CIO_PIPE_DESCRIBE };
/* The address of a name's socket: its length. */
struct sockaddr_un;
unsigned int cio_pipe_address(struct sockaddr_un *addr, const char *name);

/* npipe.c */

struct cio_pipe *cio_pipe_new(void);
/* For file.c: the last handle has been closed; the file goes; a fork's child has it. */
void cio_pipe_close(struct cio_pipe *pipe);
void cio_pipe_free(struct cio_pipe *pipe);
void cio_pipe_after_fork(struct cio_pipe *pipe);

#endif
