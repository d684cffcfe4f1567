/* SPDX-License-Identifier: MIT */
/*
 * A test program is a list of cases. Each case runs in a child of its own, so that one that
 * crashes or hangs is one failure; a failed check ends its case.
 */
#ifndef TAP_H
#define TAP_H

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP_SKIP 77

struct tap_case {
	const char *name;
	void (*run)(void);
};

#define CASE(fn, name) { name, fn }

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			fflush(stdout); \
			_exit(1); \
		} \
	} while (0)

#define CHECK_EQ(got, want) \
	do { \
		long long tap_got = (long long)(got), tap_want = (long long)(want); \
		if (tap_got != tap_want) { \
			printf("# %s:%d: %s is %lld (0x%llx), not %lld (0x%llx)\n", __FILE__, \
			       __LINE__, #got, tap_got, tap_got, tap_want, tap_want); \
			fflush(stdout); \
			_exit(1); \
		} \
	} while (0)

/* FALSE, and the last error that belongs to it. */
#define CHECK_FAILS(call, error) \
	do { \
		SetLastError(0xdead); \
		CHECK_EQ(call, FALSE); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

#define SKIP(reason) \
	do { \
		printf("# skipped: %s\n", reason); \
		fflush(stdout); \
		_exit(TAP_SKIP); \
	} while (0)

static inline int tap_main(const struct tap_case *cases, int count)
{
	int failed = 0;

	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			alarm(240);
			cases[i].run();
			fflush(stdout);
			/* Through exit(3), so that the leak checkers get their say. */
			exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid) {
			perror("# fork");
			return 1;
		}
		if (WIFEXITED(status) && WEXITSTATUS(status) == TAP_SKIP) {
			printf("ok %d %s # SKIP\n", i + 1, cases[i].name);
			continue;
		}
		if (WIFSIGNALED(status))
			printf("# signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
		failed += status != 0;
		printf("%s %d %s\n", status == 0 ? "ok" : "not ok", i + 1, cases[i].name);
	}
	return failed != 0;
}

#define TAP_MAIN(cases) \
	int main(void) \
	{ \
		return tap_main(cases, (int)(sizeof(cases) / sizeof((cases)[0]))); \
	}

#endif
