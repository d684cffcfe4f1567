/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open file, as the front doors see it.
 */
#ifndef CANCELIO_FILE_H
#define CANCELIO_FILE_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/kref.h>

struct cancelio_device;
struct cancelio_owner;

/**
 * struct cancelio_file - one open file
 * @ref: the file's own, and one of each request that it has outstanding
 * @dev: its device; there until the file is released
 * @pending: requests outstanding
 */
struct cancelio_file {
	struct kref ref;
	struct cancelio_device *dev;
	atomic64_t pending;
};

/* owner.c */
struct cancelio_file *cancelio_file_create(struct cancelio_device *dev);
void cancelio_file_put(struct cancelio_file *file);
int cancelio_owner_enter(struct cancelio_owner *owner, struct file *file, bool nowait);
bool cancelio_file_closed(struct file *file);
void cancelio_owner_leave(struct cancelio_owner *owner, struct cancelio_device *dev);
void cancelio_owner_put(struct cancelio_owner *owner);

/* control.c */
long cancelio_file_ioctl(struct file *file, unsigned int command, unsigned long arg);

#endif /* CANCELIO_FILE_H */
