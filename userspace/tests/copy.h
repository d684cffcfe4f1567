/* SPDX-License-Identifier: MIT */
/* What the tests of copies have in common: files with known bytes, and looks at them. */
#ifndef COPY_H
#define COPY_H

#include "files.h"

#define MIB (1l << 20)

/* No two places of a file look alike. */
static inline unsigned char copy_byte(long at)
{
	return (unsigned char)((at * 2654435761u >> 13) ^ at);
}

static inline void copy_fill(const char *path, long from, long length)
{
	static unsigned char block[1 << 16];
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	while (length > 0) {
		long n = length < (long)sizeof(block) ? length : (long)sizeof(block);

		for (long i = 0; i < n; i++)
			block[i] = copy_byte(from + i);
		CHECK_EQ(pwrite(fd, block, (size_t)n, from), n);
		from += n;
		length -= n;
	}
	close(fd);
}

static inline const char *copy_source(const char *name, long length)
{
	const char *path = host_file(name);

	copy_fill(path, 0, length);
	return path;
}

/* The first so many bytes of the two are the same, and `to` has no more. */
static inline void copy_same_bytes(const char *from, const char *to, long length)
{
	static char a[1 << 16], b[1 << 16];
	int x = open(from, O_RDONLY | O_CLOEXEC), y = open(to, O_RDONLY | O_CLOEXEC);

	CHECK(x >= 0 && y >= 0);
	CHECK_EQ(size_of(to), length);
	for (long at = 0; at < length;) {
		ssize_t n = pread(x, a, sizeof(a), at);

		CHECK(n > 0);
		if (n > length - at)
			n = length - at;
		CHECK_EQ(pread(y, b, (size_t)n, at), n);
		CHECK(memcmp(a, b, (size_t)n) == 0);
		at += n;
	}
	close(x);
	close(y);
}

static inline void copy_same(const char *from, const char *to)
{
	copy_same_bytes(from, to, size_of(from));
}

static inline mode_t copy_mode(const char *path)
{
	struct stat st;

	CHECK_EQ(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline long copy_blocks(const char *path)
{
	struct stat st;

	CHECK_EQ(stat(path, &st), 0);
	return (long)st.st_blocks * 512;
}

#endif
