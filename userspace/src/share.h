/* SPDX-License-Identifier: MIT */
/* Share modes and deleted files that are still open. */
#ifndef CIO_SHARE_H
#define CIO_SHARE_H

#include <limits.h>
#include <stdbool.h>
#include <windows.h>

struct cio_file;
struct stat;

/* Gets the memory that cio_share_enter may need. */
bool cio_share_prepare(struct cio_file *file);
/* 0, or the Win32 error why it cannot be open beside those that are. */
DWORD cio_share_enter(struct cio_file *file);
/* The file's last handle is gone. Deletes what was to be deleted then. */
void cio_share_leave(struct cio_file *file);

/*
 * Removes a file or an empty directory: at once, or when those who have it open have closed it. 0, or
 * the Win32 error.
 */
DWORD cio_share_remove(const char *path, const struct stat *st);
/*
 * The same for a file that is open, and goes with its last handle. False: it stays, for somebody else has
 * it open, and does not let it be deleted.
 */
bool cio_share_doom(struct cio_file *file, const char *path);
bool cio_share_is_doomed(const char *path);

/*
 * With the lock held. What stands in the way of opening it for so much, sharing so much: 0, or the Win32
 * error. Nothing is entered.
 */
DWORD cio_share_check(const struct stat *st, DWORD access, DWORD share);
/* With the lock held: by anybody, for whatever. */
bool cio_share_is_open(const struct stat *st);
/* With the lock held: whether something is open below the directory, whose path leads through no link. */
bool cio_share_is_open_below(const char *directory);
/*
 * With the lock held, around a rename: what is to be deleted by its old name is to be so by the new one,
 * both as cio_share_name tells them. False: there is no memory for it. The second says whether the
 * rename has been made, and follows wherever the first has been called.
 */
bool cio_share_rename_begin(const struct stat *st, const char *from, const char *to);
void cio_share_rename_end(const struct stat *st, bool done);

/* The path by which a file is found whatever becomes of the current directory; for free(3). */
char *cio_share_name(const char *path);

void cio_share_lock(void);
void cio_share_unlock(void);
/* Under the lock: what is to be deleted is the parent's business. */
void cio_share_reinit_in_child(void);

#endif
