// SPDX-License-Identifier: MIT
/* What a copy has to know of the file systems that it meets. */
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "copy_private.h"

/* Those that <linux/magic.h> does not know. */
#define CIFS 0xff534d42
#define SMB2 0xfe534d42
#define ZFS 0x2fc12fc1
#define BCACHEFS 0xca451a4e
#define HFS 0x4244
#define HFSPLUS 0x482b

static bool type_is_among(int fd, const uint32_t *types, size_t count)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if ((uint32_t)fs.f_type == types[i])
			return true;
	return false;
}

/*
 * Whether nothing is what a file of size 0 has in it. In /proc and its like, and in who knows what of
 * FUSE's, there is something nevertheless. So believed are those on a disk, and those without one of
 * which it is known.
 */
bool cio_copy_is_empty(const struct cio_copying *c)
{
	static const uint32_t types[] = {
		TMPFS_MAGIC, RAMFS_MAGIC, BTRFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
		NFS_SUPER_MAGIC, CIFS, SMB2, ZFS, BCACHEFS,
	};

	return major(c->st.st_dev) != 0 ||
	       type_is_among(c->in->fd, types, sizeof(types) / sizeof(types[0]));
}

/*
 * Whether it costs nothing to write behind the target's end. These know no holes: all that is before
 * would be written as zeros, in one call that nobody can cancel.
 */
bool cio_copy_can_track(const struct cio_copying *c)
{
	static const uint32_t types[] = {MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC, HFS, HFSPLUS};

	return !type_is_among(c->out->fd, types, sizeof(types) / sizeof(types[0]));
}
