// SPDX-License-Identifier: MIT
/*
 * Everything at once. An episode has devices of its own, processes that use them in every way that
 * there is, and one who stirs: this one. Now and then there is a lull, in which each request must
 * end by itself, and in the end all goes in one of five ways. Then nothing may be left, and the
 * books must balance. Without devices there are FIFOs, for the front doors that take them.
 *
 *	stress [--seed N] [--seconds N] [--only EPISODE]
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

struct shared *shared;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void fail(const char *format, ...)
{
	va_list args;

	if (atomic_exchange(&shared->claimed, true))
		return;
	va_start(args, format);
	vsnprintf(shared->failure, sizeof(shared->failure), format, args);
	va_end(args);
	atomic_store(&shared->failed, true);
}

struct rng rng_of(int episode, int slot, int thread)
{
	struct rng rng = { shared->seed + ((uint64_t)episode << 40) + ((uint64_t)slot << 20) +
			   (uint64_t)thread };

	rng.state = rng_next(&rng);
	return rng;
}

/* ---- the whole ---- */

static void tell_summary(uint64_t began, int episodes)
{
	static const char *const outs[] = { "done", "short", "cancelled", "again", "failed", "left" };
	static const char *const means[] = {
		"signal", "ioctl", "async_cancel", "command", "io_cancel", "timeout", "close",
		"ring", "win32", "scope", "order", "kill", "exec", "fork", "pull",
	};

	printf("# seed %lu, %d episodes, %.0f s;", shared->seed, episodes,
	       (double)(now_ns() - began) / 1e9);
	for (int d = 0; d < DOORS; d++) {
		printf(" %s", door_names[d]);
		for (int o = 0; o < OUTS; o++)
			if (shared->outcomes[d][o])
				printf(" %lu %s", shared->outcomes[d][o], outs[o]);
		printf(";");
	}
	printf(" cancels by");
	for (int m = 0; m < MEANS; m++)
		if (shared->cancels[m])
			printf(" %s %lu", means[m], shared->cancels[m]);
	printf("\n");
}

static int tell_results(int failed_ending, const char *again)
{
	int count = 0;

	for (int e = 0; e < ENDINGS; e++) {
		if (e == failed_ending)
			printf("not ok %d - stress: %s\n# %s\n# again: %s\n", ++count,
			       ending_names[e], shared->failure, again);
		else if (episodes_of[e])
			printf("ok %d - stress: %s\n", ++count, ending_names[e]);
	}
	printf("1..%d\n", count);
	fflush(stdout);
	return failed_ending >= 0;
}

int main(int argc, char **argv)
{
	int only = -1, failed = -1, number = 0;
	uint64_t seconds = 10, seed = 0, began;
	bool device;
	char again[256];

	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return usleep(1000);
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoull(argv[i + 1], NULL, 0);

		if (!strcmp(argv[i], "--seed"))
			seed = value;
		else if (!strcmp(argv[i], "--seconds"))
			seconds = value;
		else if (!strcmp(argv[i], "--only"))
			only = (int)value;
		else
			return fprintf(stderr, "stress: what is %s?\n", argv[i]), 2;
	}
	if (getenv("STRESS_PATIENCE"))
		patience_s = (unsigned int)atoi(getenv("STRESS_PATIENCE"));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return perror("stress: mmap"), 2;
	shared->seed = seed ? seed : now_ns() % 1000000000;
	device = !access("/sys/kernel/config/cancelio", W_OK) && !access("/sys/kernel/debug/cancelio", X_OK);
	began = now_ns();
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (only >= 0)
		number = only;
	do
		episode(number++, device);
	while (!atomic_load(&shared->failed) &&
	       (only >= 0 ? now_ns() - began < seconds * 1000000000 && (number = only, true) :
			    now_ns() - began < seconds * 1000000000));
	if (atomic_load(&shared->failed)) {
		failed = EP->ending;
		snprintf(again, sizeof(again), "%s--seed %lu; episode %d: --only %d",
			 getenv("STRESS_AGAIN") ? getenv("STRESS_AGAIN") : "stress ",
			 shared->seed, number - 1, number - 1);
		fprintf(stderr, "stress: FAILED: %s\nstress: again: %s\n", shared->failure, again);
		crew_kill_all();
		unlink(EP->device ? "" : EP->stream);
	}
	tell_summary(began, number);
	return tell_results(failed, again);
}
