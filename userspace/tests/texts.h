/* SPDX-License-Identifier: MIT */
/* Small files made and looked at behind the library's back, in a directory of the case's own. */
#ifndef TEXTS_H
#define TEXTS_H

#include <dirent.h>

#include "files.h"

/* From then on, names are those of the directory. */
static inline void enter(void)
{
	if (!*host_dir)
		CHECK_EQ(chdir(host_path(".")), 0);
}

static inline const char *text_file(const char *name, const char *text)
{
	int fd;

	enter();
	fd = open(name, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
	CHECK_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
	return name;
}

static inline bool has(const char *name, const char *text)
{
	char buf[64];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, sizeof(buf));

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

/* How many names that begin so the directory has. */
static inline int count_names(const char *directory, const char *beginning)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int count = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			 !strncmp(entry->d_name, beginning, strlen(beginning));
	closedir(dir);
	return count;
}

/* The one is there, and the other is not, or no more. */
static inline void only(const char *there, const char *gone)
{
	CHECK(host_exists(there));
	CHECK(!host_exists(gone));
}

#endif
