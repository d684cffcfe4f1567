// SPDX-License-Identifier: MIT
/*
 * Copies that can be gone on with (COPY_FILE_RESTARTABLE, and a pause). Until it is complete the
 * target is longer than the source: behind the last byte it has a record of which source it is
 * made of, and how far. What the record says is on the disk before it says so; the cut that takes
 * it away is what makes the target complete. So whenever the copy is killed, the target is either
 * not begun, or tells the truth, or is complete. A record that does not fit the source, or itself,
 * is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "copy_private.h"
#include "sync.h"
#include "thread.h"

/* Between two records, unless they are asked for. */
#define TRACK_EVERY_NS 100000000u

struct record {
	char magic[8];
	uint64_t device, inode, size, seconds, nanoseconds;
	uint64_t done;
	uint64_t sum;
};

static const char magic[8] = {'C', 'I', 'O', 'C', 'O', 'P', 'Y', '1'};

/* FNV-1a: against half a record, not against malice. */
static uint64_t sum_of(const struct record *r)
{
	const unsigned char *byte = (const unsigned char *)r;
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < offsetof(struct record, sum); i++)
		sum = (sum ^ byte[i]) * 0x100000001b3u;
	return sum;
}

static struct record record_of(const struct cio_copying *c)
{
	struct record r = {
		.device = c->st.st_dev,
		.inode = c->st.st_ino,
		.size = (uint64_t)c->st.st_size,
		.seconds = (uint64_t)c->st.st_mtim.tv_sec,
		.nanoseconds = (uint64_t)c->st.st_mtim.tv_nsec,
		.done = c->done,
	};

	memcpy(r.magic, magic, sizeof(magic));
	r.sum = sum_of(&r);
	return r;
}

/* The target once more, for what its own descriptor is not open for: reading, and through the cache. */
static int reopen_target(const struct cio_copying *c, int flags)
{
	char path[CIO_FILE_PROC];

	cio_file_proc(c->out, path);
	return open(path, flags | O_CLOEXEC);
}

static bool read_record(const struct cio_copying *c, struct record *r)
{
	int fd = reopen_target(c, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, r, sizeof(*r), c->st.st_size);
	syscall(SYS_close, fd);
	return n == sizeof(*r);
}

static DWORD write_record(const struct cio_copying *c)
{
	int fd = c->direct ? reopen_target(c, O_WRONLY) : c->out->fd;
	struct record r = record_of(c);
	ssize_t n = fd < 0 ? -1 : pwrite(fd, &r, sizeof(r), c->st.st_size);
	DWORD error = n < 0 ? cio_copy_error(-errno) : n == sizeof(r) ? 0 : ERROR_DISK_FULL;

	if (fd != c->out->fd && fd >= 0)
		syscall(SYS_close, fd);
	return error;
}

bool cio_copy_restart_find(struct cio_copying *c)
{
	struct record r, mine;
	struct stat st;

	if (fstat(c->out->fd, &st) != 0 || st.st_size != c->st.st_size + (off_t)sizeof(r) ||
	    !read_record(c, &r))
		return false;
	mine = record_of(c);
	mine.done = r.done;
	mine.sum = sum_of(&mine);
	if (memcmp(&r, &mine, sizeof(r)) != 0 || r.done > r.size)
		return false;
	c->done = r.done;
	return true;
}

DWORD cio_copy_track(struct cio_copying *c, bool now)
{
	uint64_t time = cio_now();
	long n;

	if (!c->tracked || (!now && time - c->tracked_at < TRACK_EVERY_NS))
		return 0;
	c->tracked_at = time;
	n = c->done ? cio_sync_call(c->self, SYS_fdatasync, c->out->fd, 0, 0, 0, 0, 0) : 0;
	return n < 0 ? cio_copy_error(n) : write_record(c);
}
