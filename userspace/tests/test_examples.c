// SPDX-License-Identifier: MIT
/* The examples that check themselves when they are run without arguments. */
#include <windows.h>

#include "host.h"

/* Beside the folder of the tests: each variant has its own. */
static const char *path_of(const char *example)
{
	static char path[PATH_MAX + 64];
	char self[PATH_MAX], *end;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CHECK(n > 0);
	self[n] = '\0';
	end = strstr(self, "/tests/");
	if (!end)
		SKIP("it is not here");
	*end = '\0';
	snprintf(path, sizeof(path), "%s/examples/%s", self, example);
	if (access(path, X_OK) != 0)
		SKIP("it has not been built");
	return path;
}

static void run(const char *example)
{
	const char *path = path_of(example);
	int status;
	pid_t pid = fork();


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

/* cancelcp, with up to four arguments; what it says goes to `out`. */
static pid_t cancelcp(int out, const char *const args[4])
{
	const char *path = path_of("cancelcp");
	pid_t pid = fork();

	if (pid == 0) {
		dup2(out, STDERR_FILENO);
		execl(path, "cancelcp", args[0], args[1], args[2], args[3], NULL);
		_exit(127);
	}
	CHECK(pid > 0);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int copy(const char *a, const char *b, const char *c, const char *d)
{
	const char *const args[4] = { a, b, c, d };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int status = status_of(cancelcp(null, args));

	close(null);
	return status;
}

static void make_file(const char *path, off_t size)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, "abc", 3) == 3 && ftruncate(fd, size) == 0);
	close(fd);
}

static void cancelcp_copies(void)
{
	const char *from = host_path("from"), *to = host_path("to");
	struct stat st;

	make_file(from, 3 << 20);
	CHECK_EQ(copy(from, to, NULL, NULL), 0);
	CHECK(stat(to, &st) == 0 && st.st_size == 3 << 20);
	CHECK_EQ(mkdir(host_path("dir"), 0700), 0);
	CHECK_EQ(copy("--restartable", from, host_path("dir"), NULL), 0);
	CHECK_EQ(access(host_path("dir/from"), R_OK), 0);
	CHECK_EQ(copy(host_path("no"), to, NULL, NULL), 1);
	CHECK_EQ(copy(from, NULL, NULL, NULL), 2);
	CHECK_EQ(copy("--timeout", "soon", from, to), 2);
	CHECK_EQ(copy("--no", from, to, NULL), 2);
	/* A copy that waits for ever, and is given no time. */
	CHECK_EQ(mkfifo(host_path("fifo"), 0600), 0);
	CHECK_EQ(copy("--timeout", "0.1", host_path("fifo"), to), 124);
}

/* Half way, at once, and nothing is left behind. */
static void cancelcp_interrupted(void)
{
	const char *const args[4] = { host_path("fifo"), host_path("to") };
	int peer, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct stat st;
	pid_t pid;

	CHECK_EQ(mkfifo(args[0], 0600), 0);
	peer = open(args[0], O_RDWR | O_CLOEXEC);
	CHECK_EQ(write(peer, "abc", 3), 3);
	pid = cancelcp(null, args);
	while (stat(args[1], &st) != 0 || st.st_size != 3)
		usleep(200);
	CHECK_EQ(kill(pid, SIGINT), 0);
	CHECK_EQ(status_of(pid), 130);
	CHECK(stat(args[1], &st) != 0);
	close(peer);
}

/* On a terminal it shows how far it is. */
static void cancelcp_bar(void)
{
	const char *const args[4] = { host_path("from"), host_path("to") };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	char text[8192];
	ssize_t n = 0, got;
	pid_t pid;

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	make_file(args[0], 3 << 20);
	pid = cancelcp(slave, args);
	CHECK_EQ(status_of(pid), 0);
	close(slave);
	while (n < (ssize_t)sizeof(text) - 1 &&
	       (got = read(master, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
		n += got;
	text[n] = '\0';
	CHECK(strstr(text, "100% [########################] 3.0 MiB of 3.0 MiB"));
}

static const struct tap_case cases[] = {
	CASE(iocp_server, "a server with a completion port"),
	CASE(apc_reader, "a reader by APCs"),
	CASE(pool_reader, "a reader in the thread pool"),
	CASE(pipe_server, "a server of named pipes"),
	CASE(scoped_copy, "a copy with a time limit, in a scope"),
	CASE(cancelcp_copies, "cp that can be cancelled"),
	CASE(cancelcp_interrupted, "cp that can be cancelled: Ctrl-C"),
	CASE(cancelcp_bar, "cp that can be cancelled: its bar"),
};

TAP_MAIN(cases)
