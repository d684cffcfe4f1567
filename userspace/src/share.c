// SPDX-License-Identifier: MIT
/* Share modes between the files this process has open (W-CREATE-3), for regular files. */
#include <pthread.h>
#include <sys/stat.h>

#include "file.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cio_list open_files = CIO_LIST_INIT(open_files);

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
	return file->type == S_IFREG && file->access & (READS | WRITES | DELETE);
}

void cio_share_lock(void)
{
	pthread_mutex_lock(&lock);
}

void cio_share_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

bool cio_share_enter(struct cio_file *file)
{
	bool ok = true;

	if (!takes_part(file))
		return true;
	cio_share_lock();
	cio_list_each(pos, &open_files) {
		struct cio_file *other = cio_entry(pos, struct cio_file, sharing);

		if (other->device != file->device || other->inode != file->inode)
			continue;
		ok = ok && permits(other->share, file->access) && permits(file->share, other->access);
	}
	if (ok)
		cio_list_add_tail(&file->sharing, &open_files);
	cio_share_unlock();
	return ok;
}

void cio_share_leave(struct cio_file *file)
{
	if (!takes_part(file))
		return;
	cio_share_lock();
	cio_list_del(&file->sharing);
	cio_share_unlock();
}
