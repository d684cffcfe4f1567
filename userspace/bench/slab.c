// SPDX-License-Identifier: MIT
/*
 * What the kernel's caches hold, from /proc/slabinfo. An object is counted with the
 * size that it takes there, and one that is free but in use by a CPU's list as in use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

double slabs_grown(const struct slabs *before, const char *name, unsigned int count)
{
	struct slabs *now = slabs_read();
	char text[128];
	double bytes, sum = 0;

	for (int i = 0; i < now->count; i++) {
		bytes = bytes_grown(before, &now->slab[i]) / count;
		if (bytes < NOISE)
			continue;
		snprintf(text, sizeof(text), "%s.%s(%lu)", name, now->slab[i].name,
			 now->slab[i].size);
		figure(text, bytes, "bytes", 0);
		if (strcmp(now->slab[i].name, "io_kiocb"))
			sum += bytes;
	}
	free(now);
	return sum;
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
