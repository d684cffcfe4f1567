// SPDX-License-Identifier: MIT
/* The processes of an episode: how they come and go, and what is shown of them when something hangs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

static struct {
	pid_t pid;
	bool win32;
} workers[SPAWNS];
int crew_size;

void crew_add(bool win32)
{
	int nr = crew_size;
	pid_t pid;

	if (nr == SPAWNS)
		return;
	crew_size++;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		worker_main(nr, win32);
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	workers[nr].pid = pid;
	workers[nr].win32 = win32;
}

/* One has ended. By itself it may do so when it is told to, or by exec. */
static void reaped(int nr, int status, bool killed)
{
	workers[nr].pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && killed)
		return;
	fail("process %d (%s) has ended with status 0x%x", nr,
	     workers[nr].win32 ? "win32" : "plain", status);
}

/* Whether it is there still, as far as is known. */
bool crew_has(int nr)
{
	return workers[nr].pid != 0;
}

int crew_reap(bool killed)
{
	int alive = 0;

	for (int i = 0; i < crew_size; i++) {
		int status;

		if (!workers[i].pid)
			continue;
		if (waitpid(workers[i].pid, &status, WNOHANG) == workers[i].pid)
			reaped(i, status, killed);
		else
			alive++;
	}
	return alive;
}

void crew_kill(int nr)
{
	int status;

	if (!workers[nr].pid)
		return;
	kill(workers[nr].pid, SIGKILL);
	if (waitpid(workers[nr].pid, &status, 0) == workers[nr].pid)
		reaped(nr, status, true);
}

void crew_kill_all(void)
{
	/* All at once, and then their ends. */
	for (int i = 0; i < crew_size; i++)
		if (workers[i].pid)
			kill(workers[i].pid, SIGKILL);
	for (int i = 0; i < crew_size; i++)
		crew_kill(i);
}

/* Those whose parents were killed. */
bool crew_no_orphans(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid < 0 && errno == ECHILD;
}

bool lane_is_dead(int nr)
{
	return nr / SPAWN_LANES < SPAWNS && !workers[nr / SPAWN_LANES].pid;
}

bool lane_waits(int nr)
{
	struct lane *lane = &BOOK->lanes[nr];

	return lane_busy(lane) && !atomic_load(&lane->left) && !lane_is_dead(nr);
}

/* ---- what is shown ---- */

long module_users(void)
{
	char text[32];

	return text_get("/sys/module/cancelio/refcnt", text, sizeof(text)) ? atol(text) : -1;
}

static void show_stacks(void)
{
	char path[64], text[8192];

	for (int i = 0; i < crew_size; i++) {
		if (!workers[i].pid)
			continue;
		snprintf(path, sizeof(path), "ls /proc/%d/task", workers[i].pid);
		FILE *list = popen(path, "r");
		int tid;

		while (list && fscanf(list, "%d", &tid) == 1) {
			snprintf(path, sizeof(path), "/proc/%d/stack", tid);
			if (text_get(path, text, sizeof(text)))
				fprintf(stderr, "# thread %d of process %d (%s):\n%s\n", tid, i,
					workers[i].win32 ? "win32" : "plain", text);
		}
		if (list)
			pclose(list);
	}
	if (EP->device)
		text_put("/proc/sysrq-trigger", "t");
}

static void show_lanes(void)
{

	for (int nr = 0; nr < LANES; nr++) {
		struct lane *lane = &BOOK->lanes[nr];

		if (lane_busy(lane) && !lane_is_dead(nr))
			fprintf(stderr, "# lane %d (%s): op %u, %u bytes, %.3f s old%s%s\n", nr,
				door_names[lane->door], lane->op, lane->len,
				(double)(now_ns() - lane->begun) / 1e9,
				lane->asked ? ", asked" : "", lane->left ? ", left" : "");
	}
}

/* Shown while it hangs: who hears of a failure ends. */
void hangs(const char *what)
{
	if (EP->device)
		fprintf(stderr, "# the module has %ld users\n", module_users());
	show_lanes();
	devices_show();
	show_stacks();
	fail("it hangs: %s", what);
}
