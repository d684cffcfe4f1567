// SPDX-License-Identifier: MIT
/* MoveFileEx at every instant, and the order in which things come to the disk (W-MOVE-1). */
#include <windows.h>

#include <dirent.h>
#include <errno.h>

#include "refuse.h"
#include "texts.h"
#include "trace.h"
#include "volume.h"

/* What is moved where; and what is refused to it. */
static struct move {
	const char *to;
	DWORD flags;
	bool older; /* there is a file of the new name */
	bool nameless, noreplace;
} move;

static void prepare_files(void)
{
	unlink("b");
	unlink(far("b"));
	text_file("a", "content");
	if (move.older)
		text_file(move.to, "older");
}

static void prepare_call(void)
{
	if (!move.nameless)
		refuse_bits(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
	if (!move.noreplace)
		refuse(SYS_renameat2, EINVAL);
}

static BOOL call(void)
{
	return MoveFileExA("a", move.to, move.flags);
}

/* Under each of the names all of a file, and all the time what is moved under one of them. */
static void check_instant(void)
{
	bool there = has(move.to, "content");

	CHECK(has("a", "content") || (there && !host_exists("a")));
	if (move.older)
		CHECK(there || has(move.to, "older"));
	else
		CHECK(there || !host_exists(move.to));
	/* A copy that has a name while it grows has it beside the target, and says what it is. */
	CHECK(count_names(volume, "") <= 2);
	CHECK_EQ(count_names(volume, "b") + count_names(volume, "~MV"), count_names(volume, ""));
	if (move.nameless && !move.older)
		CHECK_EQ(count_names(volume, "~MV"), 0);
}

/* Looked at, and killed. False: the call has come to its end before. */
static bool killed_at(int border)
{
	pid_t pid;

	prepare_files();
	pid = trace_start(prepare_call, call);
	while (trace_step(pid)) {
		if (--border)
			continue;
		check_instant();
		trace_kill(pid);
		check_instant();
		return true;
	}
	return false;
}

static void remove_leftovers(void)
{
	DIR *dir = opendir(volume);
	struct dirent *entry;

	CHECK(dir);
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "~MV", 3))
			CHECK_EQ(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	closedir(dir);
}

static void every_instant(bool other_volume)
{
	static char there[PATH_MAX + 64];

	enter_two();
	snprintf(there, sizeof(there), "%s", other_volume ? far("b") : "b");
	for (int variant = 0; variant < 8; variant++) {
		int border = 1;

		move.to = there;
		move.older = variant & 1;
		move.nameless = !(variant & 2);
		move.noreplace = !(variant & 4);
		move.flags = MOVEFILE_COPY_ALLOWED | (move.older ? MOVEFILE_REPLACE_EXISTING : 0);
		if (!other_volume && !move.nameless)
			continue;
		while (killed_at(border)) {
			border++;
			remove_leftovers();
		}
		CHECK(border > 6);
		CHECK(has(there, "content") && !host_exists("a"));
		CHECK_EQ(count_names(volume, ""), other_volume);
	}
}

static void within_a_volume(void)
{
	every_instant(false);
}

static void between_volumes(void)
{
	every_instant(true);
}

#define ORDER(...) \
	trace_order(prepare_call, call, ((const char *const[]){ __VA_ARGS__ }), \
		    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* MOVEFILE_WRITE_THROUGH: the content before the name, the new name before the old one goes. */
static void durable_order(void)
{
	static char there[PATH_MAX + 64], directory[PATH_MAX];

	enter_two();
	snprintf(there, sizeof(there), "%s", far("b"));
	snprintf(directory, sizeof(directory), "sync %s", strrchr(volume, '/') + 1);
	move.flags = MOVEFILE_COPY_ALLOWED | MOVEFILE_WRITE_THROUGH;
	move.nameless = move.noreplace = true;
	CHECK_EQ(mkdir("d", 0700), 0);
	move.to = "d/b";
	prepare_files();
	ORDER("sync a", "name b", "sync d", "sync .");
	CHECK_EQ(unlink("d/b"), 0);
	move.to = there;
	prepare_files();
	ORDER("sync #*", "name b", directory, "unlink a", "sync .");
	move.nameless = false;
	prepare_files();
	ORDER("sync ~MV*", "name b", directory, "unlink a", "sync .");
}

static const struct tap_case cases[] = {
	CASE(within_a_volume, "killed at every instant within a volume (W-MOVE-1)"),
	CASE(between_volumes, "killed at every instant between volumes (W-MOVE-1)"),
	CASE(durable_order, "MOVEFILE_WRITE_THROUGH: in this order to the disk"),
};

TAP_MAIN(cases)
