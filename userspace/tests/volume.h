/* SPDX-License-Identifier: MIT */
/* Two volumes, with a directory of the case's own on each. */
#ifndef VOLUME_H
#define VOLUME_H

#include "texts.h"

static char volume[PATH_MAX];

static inline void remove_volume(void)
{
	char cmd[PATH_MAX + 16];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", volume);
	if (system(cmd) != 0)
		perror("# rm");
}

/* Enters one volume's directory; `volume` is another's. */
static inline void enter_two(void)
{
	static const char *const places[] = { "/dev/shm", "/tmp", "/var/tmp", "/run", "/dev" };
	struct stat here, there;

	enter();
	CHECK_EQ(stat(".", &here), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(volume, sizeof(volume), "%s/cancelio.XXXXXX", places[i]);
		if (stat(places[i], &there) == 0 && there.st_dev != here.st_dev && mkdtemp(volume)) {
			atexit(remove_volume);
			return;
		}
	}
	SKIP("no second volume");
}

/* A name on the other volume. */
static inline const char *far(const char *name)
{
	static char path[4][PATH_MAX + 64];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", volume, name);
	return path[turn];
}

#endif
