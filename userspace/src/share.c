// SPDX-License-Identifier: MIT
/*
 * What the files that this process has open owe each other: share modes (W-CREATE-3), and that a
 * deleted file stays, for all to see and for nobody to open, until the last of them is closed
 * (W-CREATE-8). Linux has neither, so neither reaches beyond the process.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "share.h"
#include "status.h"

/* One file of the host's, however often it is open. Guarded by the lock, like all here. */
struct cio_node {
	struct cio_list link;
	struct cio_list files;
	dev_t device;
	ino_t inode;
	char *doomed; /* the path to go with the last file; NULL: it stays */
	bool directory;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

#define BUCKETS 256
static struct cio_list buckets[BUCKETS];

#define READS (FILE_READ_DATA | FILE_EXECUTE)
#define WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA)

static bool permits(DWORD share, DWORD access)
{
	return !((access & READS && !(share & FILE_SHARE_READ)) ||
		 (access & WRITES && !(share & FILE_SHARE_WRITE)) ||
		 (access & DELETE && !(share & FILE_SHARE_DELETE)));
}

/* Who only asks for attributes stands in nobody's way. */
static bool takes_part(const struct cio_file *file)
{
	return file->access & (READS | WRITES | DELETE);
}

void cio_share_lock(void)
{
	pthread_mutex_lock(&lock);
}

void cio_share_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static struct cio_list *bucket_of(ino_t inode)
{
	struct cio_list *bucket = &buckets[(inode ^ inode >> 8) % BUCKETS];

	if (!bucket->next)
		cio_list_init(bucket);
	return bucket;
}

static struct cio_node *node_find(dev_t device, ino_t inode)
{
	cio_list_each(pos, bucket_of(inode)) {
		struct cio_node *node = cio_entry(pos, struct cio_node, link);

		if (node->device == device && node->inode == inode)
			return node;
	}
	return NULL;
}

bool cio_share_prepare(struct cio_file *file)
{
	if (!file->spare)
		file->spare = calloc(1, sizeof(*file->spare));
	return file->spare;
}

static struct cio_node *node_new(struct cio_file *file)
{
	struct cio_node *node;

	if (!cio_share_prepare(file))
		return NULL;
	node = file->spare;
	file->spare = NULL;
	node->device = file->device;
	node->inode = file->inode;
	node->directory = S_ISDIR(file->type);
	cio_list_init(&node->files);
	cio_list_add_tail(&node->link, bucket_of(node->inode));
	return node;
}

static void take_doom(struct cio_node *node, struct cio_file *file)
{
	if (!file->doom || node->doomed)
		return;
	node->doomed = file->doom;
	file->doom = NULL;
}

static void remove_name(const struct cio_node *node)
{
	struct stat st;

	/* What has come under the name meanwhile is somebody else's. */
	if (lstat(node->doomed, &st) != 0 || st.st_dev != node->device ||
	    st.st_ino != node->inode)
		return;
	if (node->directory)
		rmdir(node->doomed);
	else
		unlink(node->doomed);
}

/* The process takes its handles with it, and with them what was to go with the last (W-PEXIT-1). */
static void at_exit(void)
{
	cio_share_lock();
	for (int i = 0; i < BUCKETS; i++) {
		if (!buckets[i].next)
			continue;
		cio_list_each(pos, &buckets[i]) {
			struct cio_node *node = cio_entry(pos, struct cio_node, link);

			cio_list_each(at, &node->files) {
				struct cio_file *file = cio_entry(at, struct cio_file, sharing);

				take_doom(node, file);
			}
			if (node->doomed)
				remove_name(node);
		}
	}
	cio_share_unlock();
}

static void watch_exit(void)
{
	atexit(at_exit);
}

static DWORD check_node(const struct cio_node *node, const struct cio_file *file)
{
	if (node->doomed)
		return ERROR_ACCESS_DENIED;
	cio_list_each(pos, &node->files) {
		struct cio_file *other = cio_entry(pos, struct cio_file, sharing);

		if (takes_part(other) && takes_part(file) &&
		    !(permits(other->share, file->access) && permits(file->share, other->access)))
			return ERROR_SHARING_VIOLATION;
	}
	return 0;
}

DWORD cio_share_enter(struct cio_file *file)
{
	struct cio_node *node;
	DWORD error;

	/* Elsewhere Windows leaves it to the driver, and there is none here that minds. */
	if (!S_ISREG(file->type) && !S_ISDIR(file->type) && !file->doom)
		return 0;
	if (file->doom)
		pthread_once(&exit_once, watch_exit);
	cio_share_lock();
	node = node_find(file->device, file->inode);
	error = node ? check_node(node, file) : 0;
	if (!node) {
		node = node_new(file);
		error = node ? 0 : ERROR_NOT_ENOUGH_MEMORY;
	}
	if (!error) {
		cio_list_add_tail(&file->sharing, &node->files);
		file->node = node;
	}
	cio_share_unlock();
	return error;
}

void cio_share_leave(struct cio_file *file)
{
	struct cio_node *node = file->node;

	if (!node)
		return;
	cio_share_lock();
	file->node = NULL;
	cio_list_del(&file->sharing);
	take_doom(node, file);
	if (cio_list_empty(&node->files)) {
		if (node->doomed)
			remove_name(node);
		cio_list_del(&node->link);
		free(node->doomed);
		free(node);
	}
	cio_share_unlock();
}

/* With the node's files still there, of which one (or none) does not matter. 0, or the Win32 error. */
static DWORD doom(struct cio_node *node, const char *path, const struct cio_file *self)
{
	if (node->doomed)
		return ERROR_ACCESS_DENIED;
	cio_list_each(pos, &node->files) {
		struct cio_file *file = cio_entry(pos, struct cio_file, sharing);

		if (file != self && takes_part(file) && !(file->share & FILE_SHARE_DELETE))
			return ERROR_SHARING_VIOLATION;
	}
	pthread_once(&exit_once, watch_exit);
	/* By its whole name: the current directory may be another by then. */
	node->doomed = cio_share_name(path);
	return node->doomed ? 0 : cio_status_to_error(cio_errno_to_status(errno));
}

DWORD cio_share_remove(const char *path, const struct stat *st)
{
	bool directory = S_ISDIR(st->st_mode);
	struct cio_node *node;
	DWORD error = 0;

	cio_share_lock();
	node = node_find(st->st_dev, st->st_ino);
	if (node)
		error = doom(node, path, NULL);
	else if ((directory ? rmdir(path) : unlink(path)) != 0)
		error = cio_status_to_error(cio_errno_to_status(errno));
	cio_share_unlock();
	return error;
}

bool cio_share_doom(struct cio_file *file, const char *path)
{
	bool ok;

	cio_share_lock();
	ok = file->node && doom(file->node, path, file) == 0;
	cio_share_unlock();
	return ok;
}

DWORD cio_share_check(const struct stat *st, DWORD access, DWORD share)
{
	struct cio_file asker = { .access = access, .share = share };
	struct cio_node *node = node_find(st->st_dev, st->st_ino);

	return node ? check_node(node, &asker) : 0;
}

bool cio_share_is_open(const struct stat *st)
{
	return node_find(st->st_dev, st->st_ino);
}

static bool is_below(const struct cio_file *file, const char *directory)
{
	size_t length = strlen(directory);
	char self[CIO_FILE_PROC], path[PATH_MAX];
	ssize_t n;

	cio_file_proc(file, self);
	n = readlink(self, path, sizeof(path));
	return n > (ssize_t)length && !memcmp(path, directory, length) && path[length] == '/';
}

bool cio_share_is_open_below(const char *directory)
{
	for (int i = 0; i < BUCKETS; i++) {
		if (!buckets[i].next)
			continue;
		cio_list_each(pos, &buckets[i]) {
			struct cio_node *node = cio_entry(pos, struct cio_node, link);

			cio_list_each(at, &node->files)
				if (is_below(cio_entry(at, struct cio_file, sharing), directory))
					return true;
		}
	}
	return false;
}

bool cio_share_rename_begin(const struct stat *st, const char *from, const char *to)
{
	struct cio_node *node = node_find(st->st_dev, st->st_ino);

	if (!node)
		return true;
	cio_list_each(pos, &node->files) {
		struct cio_file *file = cio_entry(pos, struct cio_file, sharing);

		/* The same file may have been opened by another of its names. */
		if (!file->doom || strcmp(file->doom, from) != 0)
			continue;
		file->next_doom = strdup(to);
		if (!file->next_doom)
			return false;
	}
	return true;
}

void cio_share_rename_end(const struct stat *st, bool done)
{
	struct cio_node *node = node_find(st->st_dev, st->st_ino);

	if (!node)
		return;
	cio_list_each(pos, &node->files) {
		struct cio_file *file = cio_entry(pos, struct cio_file, sharing);
		char *next = file->next_doom;

		if (!next)
			continue;
		file->next_doom = NULL;
		free(done ? file->doom : next);
		if (done)
			file->doom = next;
	}
}

bool cio_share_is_doomed(const char *path)
{
	struct cio_node *node = NULL;
	struct stat st;
	bool doomed;

	if (stat(path, &st) != 0)
		return false;
	cio_share_lock();
	node = node_find(st.st_dev, st.st_ino);
	doomed = node && node->doomed;
	cio_share_unlock();
	return doomed;
}

char *cio_share_name(const char *path)
{
	char parent[PATH_MAX], *slash, *real, *name;
	size_t length = strlen(path);

	memcpy(parent, path, length + 1);
	while (length > 1 && parent[length - 1] == '/')
		parent[--length] = '\0';
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	/* The directory's own name may lead through links; that of the file itself must not. */
	real = realpath(!slash ? "." : *parent ? parent : "/", NULL);
	if (!real)
		return NULL;
	if (asprintf(&name, "%s/%s", strcmp(real, "/") ? real : "", slash ? slash + 1 : parent) < 0)
		name = NULL;
	free(real);
	return name;
}

void cio_share_reinit_in_child(void)
{
	for (int i = 0; i < BUCKETS; i++) {
		if (!buckets[i].next)
			continue;
		cio_list_each(pos, &buckets[i]) {
			struct cio_node *node = cio_entry(pos, struct cio_node, link);

			free(node->doomed);
			node->doomed = NULL;
			cio_list_each(at, &node->files) {
				struct cio_file *file = cio_entry(at, struct cio_file, sharing);

				free(file->doom);
				file->doom = NULL;
			}
		}
	}
}
