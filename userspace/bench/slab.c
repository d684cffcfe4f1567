// SPDX-License-Identifier: MIT
/*
 * What the kernel's caches hold, from /proc/slabinfo. An object is counted with the
 * size that it takes there. Without slab_nomerge on the kernel's command line a cache may
 * stand for several, and io_uring's own cannot be told from the module's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "bench.h"

#define CACHES		512
/* Less than so much for each request is noise. */
#define NOISE		0.5

struct slab {
	char name[64];
	unsigned long objects, size;
};

struct slabs {
	int count;
	struct slab slab[CACHES];
};

struct slabs *slabs_read(void)
{
	struct slabs *slabs = calloc(1, sizeof(*slabs));
	FILE *file = fopen("/proc/slabinfo", "r");
	struct slab *slab;
	char line[512];

	if (!slabs || !file)
		fail("cannot read /proc/slabinfo: needs root");
	while (fgets(line, sizeof(line), file) && slabs->count < CACHES) {
		slab = &slabs->slab[slabs->count];
		if (sscanf(line, "%63s %lu %*u %lu", slab->name, &slab->objects, &slab->size) == 3)
			slabs->count++;
	}
	fclose(file);
	return slabs;
}

static double bytes_before(const struct slabs *slabs, const char *name)
{
	for (int i = 0; i < slabs->count; i++)
		if (!strcmp(slabs->slab[i].name, name))
			return (double)slabs->slab[i].objects * slabs->slab[i].size;
	return 0;
}

static double bytes_grown(const struct slabs *before, const struct slab *now)
{
	return (double)now->objects * now->size - bytes_before(before, now->name);
}

/* From 6.10 on, io_uring copies the SQE of each command that waits. */
static bool copies_sqe(void)
{
	int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 10);
}

static bool is_of_io_uring(const struct slab *slab)
{
	return !strcmp(slab->name, "io_kiocb") ||
	       (!strcmp(slab->name, "kmalloc-128") && copies_sqe());
}

static bool is_noise(double bytes, unsigned int count)
{
	return bytes < NOISE * count;
}

void slabs_print(const struct slabs *before, const char *name, unsigned int count, double limit)
{
	struct slabs *now = slabs_read();
	double bytes, sum = 0;
	char text[128];
	int i;

	for (i = 0; i < now->count; i++) {
		bytes = bytes_grown(before, &now->slab[i]);
		if (!is_noise(bytes, count) && !is_of_io_uring(&now->slab[i]))
			sum += bytes;
	}
	/* The count of a cache is exact to what is in one slab. */
	figure(name, (unsigned long)(sum / count + 0.5), "bytes", limit);
	for (i = 0; i < now->count; i++) {
		bytes = bytes_grown(before, &now->slab[i]);
		if (is_noise(bytes, count))
			continue;
		snprintf(text, sizeof(text), "%s.%s%s(%lu)", name,
			 is_of_io_uring(&now->slab[i]) ? "io_uring:" : "", now->slab[i].name,
			 now->slab[i].size);
		figure(text, bytes / count, "bytes", 0);
	}
	free(now);
}

double slabs_sum(const struct slabs *before)
{
	struct slabs *now = slabs_read();
	double sum = 0;

	for (int i = 0; i < now->count; i++)
		sum += bytes_grown(before, &now->slab[i]);
	free(now);
	return sum;
}
