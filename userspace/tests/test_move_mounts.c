// SPDX-License-Identifier: MIT
/* Moves beside mounts, at the tree's root, and of pipes (W-MOVE-1). All mounts are this process' own. */
#include <windows.h>

#include <sys/mount.h>

#include "texts.h"

static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
		SKIP("no mounts of one's own");
}

/* One inode behind both names is not two hard links. */
static void mounted_on(void)
{
	enter();
	own_mounts();
	text_file("a", "1");
	text_file("b", "2");
	CHECK_EQ(mount("a", "b", "none", MS_BIND, NULL), 0);
	CHECK(!MoveFileExA("a", "b", MOVEFILE_REPLACE_EXISTING | MOVEFILE_COPY_ALLOWED));
	CHECK(has("a", "1"));
	CHECK_EQ(umount("b"), 0);
	CHECK(has("b", "2"));
	CHECK(MoveFileExA("a", "b", MOVEFILE_REPLACE_EXISTING));
	CHECK(has("b", "1") && !host_exists("a"));
	/* Of two that are, one stays. */
	CHECK_EQ(link("b", "c"), 0);
	CHECK(MoveFileExA("b", "c", MOVEFILE_REPLACE_EXISTING));
	CHECK(has("c", "1") && !host_exists("b"));
}

/* The same directory by two mounts, which Linux takes for two volumes. */
static void mounted_twice(void)
{
	enter();
	own_mounts();
	CHECK_EQ(mkdir("d", 0700) | mkdir("e", 0700), 0);
	text_file("d/f", "1");
	CHECK_EQ(mount("d", "e", "none", MS_BIND, NULL), 0);
	for (DWORD flags = 0; flags < 16; flags++) {
		MoveFileExA("d/f", "e/f", flags & ~(DWORD)MOVEFILE_DELAY_UNTIL_REBOOT);
		CHECK(has("d/f", "1"));
		CHECK_EQ(count_names("d", ""), 1);
	}
	CHECK_EQ(umount("e"), 0);
}

/* The directory of the case becomes the root. */
static void below_root(void)
{
	HANDLE h;

	if (mkdir("proc", 0700) != 0 || mount("/proc", "proc", "none", MS_BIND | MS_REC, NULL) != 0 ||
	    chroot(".") != 0 || chdir("/") != 0)
		SKIP("no root of one's own");
	CHECK_EQ(mkdir("/d", 0700), 0);
	text_file("/d/f", "1");
	h = create("/d/f", GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_FAILS(MoveFileExA("/d", "/e", 0), ERROR_ACCESS_DENIED);
	CHECK_FAILS(MoveFileExA("d", "e", 0), ERROR_ACCESS_DENIED);
	CHECK(CloseHandle(h));
	CHECK(MoveFileExA("/d", "/e", 0));
	h = create("/e/f", DELETE, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(MoveFileExA("/e/f", "/f", 0));
	CHECK(CloseHandle(h));
	CHECK(!host_exists("/f"));
	_exit(0);
}

/* In a process that leaves the case its own root to tidy up from. */
static void at_root(void)
{
	int status;

	enter();
	own_mounts();
	status = host_exit_status(below_root);
	CHECK_EQ(umount2("proc", MNT_DETACH), 0);
	if (status == TAP_SKIP)
		_exit(TAP_SKIP);
	CHECK_EQ(status, 0);
}

static _Atomic DWORD writer;

static DWORD WINAPI write_one(LPVOID path)
{
	int fd;

	atomic_store(&writer, GetCurrentThreadId());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK_EQ(write(fd, "x", 1), 1);
	return (DWORD)close(fd);
}

/* Who waits for a reader does not get one that only passes by. */
static void pipe_with_writer(void)
{
	char byte;
	HANDLE t;
	int fd;

	enter();
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(mkfifo("a", 0600), 0);
	t = CreateThread(NULL, 0, write_one, "a", 0, NULL);
	CHECK(t);
	while (!atomic_load(&writer))
		sched_yield();
	host_wait_syscall(writer, SYS_openat, SYS_openat);
	CHECK(MoveFileExA("a", "b", MOVEFILE_WRITE_THROUGH));
	CHECK_EQ(host_syscall_of(writer), SYS_openat);
	fd = open("b", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(CloseHandle(t));
	close(fd);
}

static const struct tap_case cases[] = {
	CASE(mounted_on, "a file that is mounted on the other name"),
	CASE(mounted_twice, "a directory that is mounted twice"),
	CASE(at_root, "directly below the root"),
	CASE(pipe_with_writer, "a FIFO whose writer waits for a reader"),
};

TAP_MAIN(cases)
