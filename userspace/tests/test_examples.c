// SPDX-License-Identifier: MIT
/* The examples that check themselves when they are run without arguments. */
#include <windows.h>

#include "host.h"

/* Beside the folder of the tests: each variant has its own. */
static void run(const char *example)
{
	char self[PATH_MAX], path[PATH_MAX + 64], *end;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	CHECK(n > 0);
	self[n] = '\0';
	end = strstr(self, "/tests/");
	if (!end)
		SKIP("it is not here");
	*end = '\0';
	snprintf(path, sizeof(path), "%s/examples/%s", self, example);
	if (access(path, X_OK) != 0)
		SKIP("it has not been built");
	pid = fork();
	if (pid == 0) {
		CHECK(freopen("/dev/null", "w", stdout));
		execl(path, example, NULL);
		_exit(127);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
}

static void iocp_server(void)
{
	run("iocp_server");
}

static void pool_reader(void)
{
	run("pool_reader");
}

static void apc_reader(void)
{
	run("apc_reader");
}

static void scoped_copy(void)
{
	run("scoped_copy");
}

static void pipe_server(void)
{
	run("pipe_server");
}

static const struct tap_case cases[] = {
	CASE(iocp_server, "a server with a completion port"),
	CASE(apc_reader, "a reader by APCs"),
	CASE(pool_reader, "a reader in the thread pool"),
	CASE(pipe_server, "a server of named pipes"),
	CASE(scoped_copy, "a copy with a time limit, in a scope"),
};

TAP_MAIN(cases)
