// SPDX-License-Identifier: MIT
/* What copies move: sparse files, changing ones, streams; between file systems, onto full ones. */
#include <sys/mount.h>
#include <sys/statfs.h>
#include <windows.h>

#include "copy.h"

static const DWORD ways[] = {0, COPY_FILE_NO_OFFLOAD, COPY_FILE_NO_BUFFERING};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static BOOL copy(const char *from, const char *to, DWORD flags)
{
	SetLastError(0xdead);
	return CopyFileExA(from, to, NULL, NULL, NULL, flags);
}

/* Holes before, between and behind the data. */
static void sparse(void)
{
	const char *from = host_file("from"), *to = host_path("to");

	CHECK_EQ(truncate(from, 300 * MIB + 5), 0);
	copy_fill(from, 20 * MIB, 1000);
	copy_fill(from, 100 * MIB + 3, MIB);
	for (size_t i = 0; i < WAYS; i++) {
		CHECK(copy(from, to, ways[i]));
		copy_same(from, to);
		CHECK(copy_blocks(to) < 3 * MIB);
	}
	/* Nothing but a hole, over what was there. */
	CHECK_EQ(truncate(from, 0) | truncate(from, 50 * MIB), 0);
	CHECK(copy(from, to, 0));
	copy_same(from, to);
	CHECK_EQ(copy_blocks(to), 0);
}

/* Some other file system than that of the case's directory. */
static const char *elsewhere(void)
{
	static char path[64];
	struct stat a, b;

	if (stat("/dev/shm", &a) != 0 || stat(host_path("."), &b) != 0 || a.st_dev == b.st_dev)
		SKIP("there is only one file system");
	snprintf(path, sizeof(path), "/dev/shm/cancelio.copy.%d", getpid());
	return path;
}

static void between_file_systems(void)
{
	const char *from = copy_source("from", 5 * MIB + 1), *there = elsewhere();

	for (size_t i = 0; i < WAYS; i++) {
		CHECK(copy(from, there, ways[i]));
		copy_same(from, there);
		CHECK(copy(there, host_path("back"), ways[i]));
		copy_same(from, host_path("back"));
	}
	CHECK_EQ(truncate(from, 0) | truncate(from, 40 * MIB), 0);
	copy_fill(from, 10 * MIB, MIB);
	CHECK(copy(from, there, 0));
	copy_same(from, there);
	CHECK(copy_blocks(there) < 2 * MIB);
	CHECK_EQ(unlink(there), 0);
}

/* What the routine does to the source, once so much has been copied. */
static struct change {
	const char *path;
	long at, size;
} change;

static DWORD WINAPI change_it(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
			      LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
			      HANDLE target, LPVOID data)
{
	struct change *c = data;

	(void)size, (void)stream_size, (void)stream_done, (void)stream, (void)reason, (void)source;
	(void)target;
	if (!c->path || done.QuadPart < c->at)
		return PROGRESS_CONTINUE;
	if (c->size > size_of(c->path))
		copy_fill(c->path, size_of(c->path), c->size - size_of(c->path));
	else
		CHECK_EQ(truncate(c->path, c->size), 0);
	c->path = NULL;
	return PROGRESS_CONTINUE;
}

static void copy_changing(long at, long size, DWORD flags)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");

	CHECK_EQ(truncate(from, 9 * MIB), 0);
	change = (struct change){from, at, size};
	CHECK(CopyFileExA(from, to, change_it, &change, NULL, flags));
	CHECK(!change.path);
}

/* As much is copied as there was when it began, or what is left of that. */
static void grows_and_shrinks(void)
{
	static const DWORD also[] = {0, COPY_FILE_NO_OFFLOAD, COPY_FILE_NO_BUFFERING,
				     COPY_FILE_RESTARTABLE};
	const char *from = host_path("from"), *to = host_path("to");

	for (size_t i = 0; i < sizeof(also) / sizeof(also[0]); i++) {
		copy_changing(MIB, 30 * MIB, also[i]);
		copy_same_bytes(from, to, 9 * MIB);
		copy_changing(0, 10 * MIB, also[i]);
		copy_same_bytes(from, to, 9 * MIB);
		copy_changing(0, 5 * MIB + 3, also[i]);
		copy_same(from, to);
		copy_changing(MIB, 8 * MIB + 7, also[i]);
		copy_same(from, to);
		copy_changing(0, 0, also[i]);
		CHECK_EQ(size_of(to), 0);
		/* Shorter than what was copied by then: that stays. */
		copy_changing(4 * MIB, MIB, also[i]);
		CHECK(size_of(to) >= 4 * MIB && size_of(to) < 9 * MIB);
	}
}

/* Nothing is as much as anything. */
static void empty_grows(void)
{
	const char *from = host_file("from"), *to = host_path("to");

	change = (struct change){from, 0, MIB};
	CHECK(CopyFileExA(from, to, change_it, &change, NULL, 0));
	CHECK(!change.path && size_of(from) == MIB);
	CHECK_EQ(size_of(to), 0);
}

/* The end of a hole comes nearer. */
static void sparse_shrinks(void)
{
	const char *from = host_file("from"), *to = host_path("to");

	CHECK_EQ(truncate(from, 100 * MIB), 0);
	change = (struct change){from, 0, 60 * MIB};
	CHECK(CopyFileExA(from, to, change_it, &change, NULL, 0));
	CHECK_EQ(size_of(to), 60 * MIB);
	CHECK_EQ(copy_blocks(to), 0);
}

/* No size, or one that is not true, and yet something in it. */
static void pseudo_files(void)
{
	static const char *const paths[] = {"/proc/self/maps", "/proc/version",
					    "/sys/kernel/mm/transparent_hugepage/enabled"};
	char buf[256], *to = strdup(host_path("to"));
	ssize_t n;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], R_OK) != 0)
			continue;
		/* Most are read-only, and so becomes what is made of them. */
		unlink(to);
		CHECK(copy(paths[i], to, 0));
		CHECK(size_of(to) > 0 && size_of(to) != 4096);
	}
	CHECK_EQ(unlink(to), 0);
	CHECK(copy("/proc/version", to, 0));
	n = read(open("/proc/version", O_RDONLY | O_CLOEXEC), buf, sizeof(buf));
	CHECK_EQ(size_of(to), n);
	free(to);
}

struct stream {
	const char *path;
	long length;
};

static void *feed(void *arg)
{
	const struct stream *s = arg;
	int fd = open(s->path, O_WRONLY | O_CLOEXEC);
	unsigned char block[5000];

	for (long at = 0; at < s->length; at += (long)sizeof(block)) {
		long n =
			s->length - at < (long)sizeof(block) ? s->length - at : (long)sizeof(block);

		for (long i = 0; i < n; i++)
			block[i] = copy_byte(at + i);
		CHECK_EQ(write(fd, block, (size_t)n), n);
	}
	close(fd);
	return NULL;
}

static void *drain(void *arg)
{
	const struct stream *s = arg;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	unsigned char block[3000];
	long at = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			CHECK_EQ(block[i], copy_byte(at++));
	CHECK_EQ(n, 0);
	CHECK_EQ(at, s->length);
	close(fd);
	return NULL;
}

/* From a stream up to its end, into one, and from one to another. */
static void streams(void)
{
	struct stream in = {host_path("in"), 3 * MIB + 11}, out = {host_path("out"), 3 * MIB + 11};
	const char *from = copy_source("from", 3 * MIB + 11);
	pthread_t feeder, drainer;

	CHECK_EQ(mkfifo(in.path, 0600) | mkfifo(out.path, 0600), 0);
	CHECK_EQ(pthread_create(&feeder, NULL, feed, &in), 0);
	CHECK(copy(in.path, host_path("to"), 0));
	CHECK_EQ(pthread_join(feeder, NULL), 0);
	copy_same(from, host_path("to"));
	CHECK_EQ(pthread_create(&drainer, NULL, drain, &out), 0);
	CHECK(copy(from, out.path, 0));
	CHECK_EQ(pthread_join(drainer, NULL), 0);
	CHECK_EQ(pthread_create(&feeder, NULL, feed, &in), 0);
	CHECK_EQ(pthread_create(&drainer, NULL, drain, &out), 0);
	CHECK(copy(in.path, out.path, COPY_FILE_RESTARTABLE));
	CHECK_EQ(pthread_join(feeder, NULL) | pthread_join(drainer, NULL), 0);
}

static void *read_a_little(void *arg)
{
	int fd = open(arg, O_RDONLY | O_CLOEXEC);
	char byte;

	CHECK_EQ(read(fd, &byte, 1), 1);
	close(fd);
	return NULL;
}

/* Whose reader goes: an error (W-RW-9), and no SIGPIPE. */
static void broken_stream(void)
{
	const char *from = copy_source("from", 3 * MIB);
	char *out = strdup(host_path("out"));
	pthread_t reader;

	CHECK_EQ(mkfifo(out, 0600), 0);
	CHECK_EQ(pthread_create(&reader, NULL, read_a_little, out), 0);
	CHECK_FAILS(copy(from, out, 0), ERROR_NO_DATA);
	CHECK_EQ(pthread_join(reader, NULL), 0);
	CHECK(host_exists(out));
	free(out);
}

static void devices(void)
{
	const char *from = copy_source("from", 3 * MIB);

	CHECK(copy(from, "NUL", 0));
	CHECK(copy("/dev/null", host_path("to"), 0));
	CHECK_EQ(size_of(host_path("to")), 0);
	CHECK_FAILS(copy(from, "/dev/full", 0), ERROR_DISK_FULL);
	CHECK(host_exists("/dev/full"));
}

/* A target that there is no room for is not left lying about. */
static void no_room(void)
{
	const char *from = copy_source("from", 5 * MIB);
	struct rlimit limit = {3 * MIB, RLIM_INFINITY};
	char *dir = strdup(host_path("small")), *to = malloc(PATH_MAX);

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (size_t i = 0; i < WAYS; i++) {
		CHECK_FAILS(copy(from, host_path("to"), ways[i]), ERROR_FILE_TOO_LARGE);
		CHECK(!host_exists(host_path("to")));
	}
	limit.rlim_cur = RLIM_INFINITY;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(mkdir(dir, 0700), 0);
	if (mount("none", dir, "tmpfs", 0, "size=3m") == 0) {
		snprintf(to, PATH_MAX, "%s/to", dir);
		for (size_t i = 0; i < WAYS; i++) {
			CHECK_FAILS(copy(from, to, ways[i]), ERROR_DISK_FULL);
			CHECK(!host_exists(to));
		}
		/* What can be gone on with is kept, and is gone on with when there is room. */
		CHECK_FAILS(copy(from, to, COPY_FILE_RESTARTABLE), ERROR_DISK_FULL);
		CHECK(host_exists(to));
		CHECK_EQ(mount("none", dir, "tmpfs", MS_REMOUNT, "size=9m"), 0);
		CHECK(copy(from, to, COPY_FILE_RESTARTABLE | COPY_FILE_FAIL_IF_EXISTS));
		copy_same(from, to);
		CHECK_EQ(umount(dir), 0);
	}
	free(dir);
	free(to);
}

static const struct tap_case cases[] = {
	CASE(sparse, "holes stay holes"),
	CASE(between_file_systems, "between file systems"),
	CASE(grows_and_shrinks, "a source that grows or shrinks"),
	CASE(empty_grows, "an empty source that grows"),
	CASE(sparse_shrinks, "a hole that shrinks"),
	CASE(pseudo_files, "files without a size"),
	CASE(streams, "from and to streams"),
	CASE(broken_stream, "a stream whose reader goes (W-RW-9)"),
	CASE(devices, "devices"),
	CASE(no_room, "no room"),
};

TAP_MAIN(cases)
