// SPDX-License-Identifier: MIT
/* COPY_FILE_RESTARTABLE: whatever ends a copy, it is gone on with or begun anew. */
#include <windows.h>

#include "copy.h"

struct told {
	LONGLONG first, last; /* of what was done, as the routine was told */
	LONGLONG stop_at;     /* answer when so much is done; 0: never */
	DWORD answer;
	DWORD pause_us;
};

static DWORD WINAPI routine(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
			    LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
			    HANDLE target, LPVOID data)
{
	struct told *t = data;

	(void)size, (void)stream_size, (void)stream_done, (void)stream, (void)source, (void)target;
	if (reason == CALLBACK_STREAM_SWITCH)
		t->first = done.QuadPart;
	t->last = done.QuadPart;
	if (t->pause_us)
		usleep(t->pause_us);
	return t->stop_at && done.QuadPart >= t->stop_at ? t->answer : PROGRESS_CONTINUE;
}

static BOOL copy(struct told *t, const char *from, const char *to, DWORD flags)
{
	SetLastError(0xdead);
	return CopyFileExA(from, to, routine, t, NULL, COPY_FILE_RESTARTABLE | flags);
}

/* Half of it is there, and where it stands. */
static struct told half(const char *from, const char *to)
{
	struct told t = {.stop_at = 2 * MIB, .answer = PROGRESS_STOP};

	unlink(to);
	CHECK(!copy(&t, from, to, 0));
	CHECK_EQ(GetLastError(), ERROR_REQUEST_ABORTED);
	CHECK(t.last >= 2 * MIB);
	CHECK(size_of(to) > size_of(from));
	return t;
}

static void goes_on(void)
{
	const char *from = copy_source("from", 9 * MIB + 17), *to = host_path("to");
	struct told t = half(from, to), u = {0};

	/* More than once, and from where it was. */
	u = (struct told){.stop_at = t.last + 1, .answer = PROGRESS_STOP};
	CHECK(!copy(&u, from, to, COPY_FILE_FAIL_IF_EXISTS));
	CHECK_EQ(u.first, t.last);
	CHECK(u.last > t.last);
	t = (struct told){0};
	CHECK(copy(&t, from, to, COPY_FILE_FAIL_IF_EXISTS));
	CHECK_EQ(t.first, u.last);
	copy_same(from, to);
	/* Complete it is not gone on with. */
	CHECK(!copy(&t, from, to, COPY_FILE_FAIL_IF_EXISTS));
	CHECK_EQ(GetLastError(), ERROR_FILE_EXISTS);
	copy_same(from, to);
	CHECK(copy(&t, from, to, 0));
	CHECK_EQ(t.first, 0);
	copy_same(from, to);
}

static void begins_anew(const char *from, const char *to)
{
	struct told t = {0};

	CHECK(!copy(&t, from, to, COPY_FILE_FAIL_IF_EXISTS));
	CHECK_EQ(GetLastError(), ERROR_FILE_EXISTS);
	CHECK(copy(&t, from, to, 0));
	CHECK_EQ(t.first, 0);
	copy_same(from, to);
}

/* Another source, however like the old one, and a source that has changed. */
static void another_source(void)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");
	struct timespec times[2] = {{0, UTIME_OMIT}, {1000000000, 0}};
	struct stat st;

	half(from, to);
	CHECK_EQ(stat(from, &st), 0);
	copy_source("twin", 9 * MIB);
	times[1] = st.st_mtim;
	CHECK_EQ(utimensat(AT_FDCWD, host_path("twin"), times, 0), 0);
	begins_anew(host_path("twin"), to);
	half(from, to);
	times[1].tv_nsec ^= 1;
	CHECK_EQ(utimensat(AT_FDCWD, from, times, 0), 0);
	begins_anew(from, to);
	half(from, to);
	copy_fill(from, 9 * MIB, 1);
	begins_anew(from, to);
	half(from, to);
	CHECK_EQ(truncate(from, 5 * MIB), 0);
	begins_anew(from, to);
}

/* A record with any one bit wrong, with a byte too few or too many, or far too good. */
static void damaged_record(void)
{
	const char *from = copy_source("from", 4 * MIB + 100), *to = host_path("to");
	long size = 4 * MIB + 100, length;
	unsigned char byte;
	int fd;

	half(from, to);
	length = size_of(to) - size;
	CHECK(length > 0 && length <= 512);
	for (long at = 0; at < length; at += 5) {
		half(from, to);
		fd = open(to, O_RDWR | O_CLOEXEC);
		CHECK_EQ(pread(fd, &byte, 1, size + at), 1);
		byte ^= (unsigned char)(1 << at % 8);
		CHECK_EQ(pwrite(fd, &byte, 1, size + at), 1);
		close(fd);
		begins_anew(from, to);
	}
	half(from, to);
	CHECK_EQ(truncate(to, size + length - 1), 0);
	begins_anew(from, to);
	half(from, to);
	CHECK_EQ(truncate(to, size + length + 1), 0);
	begins_anew(from, to);
	copy_source("foreign", 9 * MIB);
	begins_anew(from, host_path("foreign"));
}

/* CANCEL means that nothing is to be gone on with; a failure means that something is. */
static void ends(void)
{
	const char *from = copy_source("from", 9 * MIB), *to = host_path("to");
	struct told t = half(from, to), u = {.stop_at = 1, .answer = PROGRESS_CANCEL};
	struct rlimit limit = {6 * MIB, RLIM_INFINITY};

	CHECK(!copy(&u, from, to, 0));
	CHECK_EQ(u.first, t.last);
	CHECK(!host_exists(to));
	/* The record's own place is beyond the limit. */
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	u = (struct told){0};
	CHECK(!copy(&u, from, to, 0));
	CHECK_EQ(GetLastError(), ERROR_FILE_TOO_LARGE);
	CHECK(!host_exists(to));
	limit.rlim_cur = RLIM_INFINITY;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK(copy(&u, from, to, 0));
	copy_same(from, to);
}

/* Where there is nowhere to keep the record, or no size to put it behind, the flag does nothing. */
static void without_a_record(void)
{
	struct told t = {0};
	const char *from = copy_source("from", 1000);

	CHECK(copy(&t, from, "/dev/null", 0));
	CHECK(copy(&t, host_file("empty"), host_path("to"), 0));
	CHECK_EQ(size_of(host_path("to")), 0);
	CHECK(copy(&t, "/proc/self/status", host_path("to"), 0));
	CHECK(size_of(host_path("to")) > 100);
}

/* Holes stay holes, also when it is gone on with behind one. */
static void sparse(void)
{
	const char *from = host_file("from"), *to = host_path("to");
	struct told t = {.stop_at = 1, .answer = PROGRESS_STOP};

	CHECK_EQ(truncate(from, 64 * MIB), 0);
	copy_fill(from, 40 * MIB, 100000);
	CHECK(!copy(&t, from, to, 0));
	CHECK(t.last >= 40 * MIB);
	t = (struct told){0};
	CHECK(copy(&t, from, to, 0));
	CHECK(t.first >= 40 * MIB);
	copy_same(from, to);
	CHECK(copy_blocks(to) < 2 * MIB);
}

static const char *kill_from, *kill_to;

static void copy_slowly(void)
{
	struct told t = {.pause_us = 300};

	_exit(copy(&t, kill_from, kill_to, 0) ? 0 : 1);
}

/* Whenever it is killed: the next goes on, or begins anew, and in the end all is there. */
static void killed(void)
{
	long rounds = host_rounds(20), kills = 0, gone_on = 0, longest = 1;

	kill_from = copy_source("from", 32 * MIB);
	kill_to = host_path("to");
	for (long i = 0; i < rounds; i++) {
		struct told t = {0};
		int status;
		pid_t pid;

		unlink(kill_to);
		for (int times = 0; times < 3; times++) {
			double began = host_seconds();

			pid = fork();
			if (pid == 0)
				copy_slowly();
			CHECK(pid > 0);
			usleep((useconds_t)(i * 7919 % longest));
			kill(pid, SIGKILL);
			CHECK_EQ(waitpid(pid, &status, 0), pid);
			if (WIFEXITED(status))
				CHECK_EQ(WEXITSTATUS(status), 0);
			else
				kills++;
			/* As long as it takes, so that the kills fall all over it. */
			if (WIFEXITED(status))
				longest = (long)((host_seconds() - began) * 1e6) + 1;
			else if (times == 0)
				longest += longest / 4 + 500;
		}
		CHECK(copy(&t, kill_from, kill_to, 0));
		gone_on += t.first > 0;
		copy_same(kill_from, kill_to);
	}
	printf("# %ld kills, %ld of %ld copies gone on with\n", kills, gone_on, rounds);
	CHECK(kills > rounds);
}

static const struct tap_case cases[] = {
	CASE(goes_on, "a stopped copy goes on where it was (W-COPY-1)"),
	CASE(another_source, "not with another source, nor with one that has changed"),
	CASE(damaged_record, "not by a record that is damaged"),
	CASE(ends, "CANCEL deletes what could be gone on with"),
	CASE(without_a_record, "where there is no place for a record"),
	CASE(sparse, "sparse files"),
	CASE(killed, "kill -9 at any moment"),
};

TAP_MAIN(cases)
