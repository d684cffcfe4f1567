/* SPDX-License-Identifier: MIT */
/*
 * A fuzzer that opens, makes and removes whatever name it is given must not do so to this machine:
 * in a mount namespace of its own all is read-only and without devices, but for one folder.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

/* A folder that is there on any Linux, and that is empty. */
#define SANDBOX "/mnt"

#define SANDBOX_DO(call) \
	do { \
		if ((call) != 0) { \
			fprintf(stderr, "sandbox: %s: %s\n", #call, strerror(errno)); \
			exit(1); \
		} \
	} while (0)

static inline void sandbox_set(const char *path, bool all, unsigned long set, unsigned long clear)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	SANDBOX_DO(mount_setattr(AT_FDCWD, path, all ? AT_RECURSIVE : 0, &attr, sizeof(attr)));
}

static inline void sandbox_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	SANDBOX_DO(fd < 0 || write(fd, text, strlen(text)) < 0);
	close(fd);
}

/* Who is not root is so to himself, or nothing could be made in there. */
static inline void sandbox_become_root(void)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", getuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getgid());
	SANDBOX_DO(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	sandbox_write("/proc/self/uid_map", uid);
	sandbox_write("/proc/self/setgroups", "deny");
	sandbox_write("/proc/self/gid_map", gid);
}

/*
 * From here on only what is below $FUZZ_OUT, the folder of corpus and finds, can be written, and
 * the current directory is an empty one in memory.
 */
static inline void sandbox_enter(void)
{
	const char *out = getenv("FUZZ_OUT");

	if (!out) {
		fputs("sandbox: FUZZ_OUT is to name the one folder that may change\n", stderr);
		exit(1);
	}
	if (unshare(CLONE_NEWNS) != 0)
		sandbox_become_root();
	SANDBOX_DO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	SANDBOX_DO(mount(out, out, NULL, MS_BIND | MS_REC, NULL));
	sandbox_set("/", true, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0);
	sandbox_set(out, false, 0, MOUNT_ATTR_RDONLY);
	/* Not below that folder, into which dots would lead from here. */
	SANDBOX_DO(mount("scratch", SANDBOX, "tmpfs", MS_NODEV | MS_NOSUID, "size=16m"));
	SANDBOX_DO(chdir(SANDBOX));
}

static inline int sandbox_remove(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	/* A volume that is mounted here stays, and is empty. */
	if (where->level && remove(path) != 0)
		PROMISE_EQ(errno, EBUSY);
	return 0;
}

/* As it was at first. */
static inline void sandbox_clear(void)
{
	PROMISE_EQ(nftw(SANDBOX, sandbox_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
