// SPDX-License-Identifier: MIT
/*
 * ReplaceFile at every instant (W-REPL-1): it is stopped before and after each of its system calls, looked
 * at, and killed there; and killed at random while somebody reads.
 */
#include <windows.h>

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "refuse.h"
#include "texts.h"
#include "trace.h"

static bool is_there(const char *name)
{
	return host_exists(name);
}

/* How a call is made, and on what kind of file system. */
struct variant {
	const char *backup; /* "b", or NULL */
	bool older; /* there is a backup already */
	bool links, exchanges;
	DWORD flags;
};

static const struct variant variants[] = {
	{ NULL, false, true, true, 0 },
	{ "b", false, true, true, 0 },
	{ "b", true, true, true, 0 },
	{ "b", true, true, true, REPLACEFILE_WRITE_THROUGH },
	{ NULL, false, false, false, REPLACEFILE_WRITE_THROUGH },
	{ "b", false, false, true, 0 },
	{ "b", true, false, true, 0 },
	{ "b", false, false, false, 0 },
	{ "b", true, false, false, REPLACEFILE_WRITE_THROUGH },
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

/* Calls `fn` with each name in the directory; their number. */
static int each_name(void (*fn)(const char *name))
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	int count = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		fn(entry->d_name);
	}
	closedir(dir);
	return count;
}

static void remove_name(const char *name)
{
	CHECK_EQ(unlink(name), 0);
}

static void prepare(const struct variant *v)
{
	enter();
	each_name(remove_name);
	text_file("r", "old");
	text_file("n", "the new one");
	if (v->older)
		text_file("b", "older");
}

static BOOL replace(const struct variant *v)
{
	return ReplaceFileA("r", "n", v->backup, v->flags, NULL, NULL);
}

static const struct variant *current;

static void prepare_call(void)
{
	if (!current->links)
		refuse(REFUSE_LINK, EPERM);
	if (!current->exchanges)
		refuse(SYS_renameat2, EINVAL);
}

static BOOL call(void)
{
	return replace(current);
}

static bool is_new(const char *name)
{
	return has(name, "the new one");
}

/* A link with a name of its own, on its way to become the backup. */
static bool is_leftover(const char *name)
{
	return !strncmp(name, "~RF", 3) && has(name, "old");
}

static void check_name(const char *name)
{
	if (!strcmp(name, "r") || !strcmp(name, "n") || (current->backup && !strcmp(name, "b")))
		return;
	CHECK(current->older && current->links && is_leftover(name));
}

static void check_any_name(const char *name)
{
	CHECK(strlen(name) == 1);
}

/* What holds at any instant, for whoever looks. */
static void check_instant(const struct variant *v)
{
	bool whole = has("r", "old") || is_new("r");

	if (v->backup && !v->links && !v->exchanges)
		whole = whole || (!is_there("r") && has("b", "old") && is_new("n"));
	CHECK(whole);
	/* The new file is under one name, the old one under one at least, unless there is to be no backup. */
	CHECK(is_new("r") != is_new("n"));
	if (v->backup)
		CHECK(has("r", "old") || has("b", "old") || (!v->links && has("n", "old")));
	if (v->older)
		CHECK(has("b", "older") || has("b", "old"));
	each_name(check_name);
}

/* Who comes after a killed call replaces as if nothing had been, and leaves nothing of it. */
static void check_afterwards(const struct variant *v)
{
	if (!v->links || !is_there("n"))
		return;
	CHECK(replace(v));
	CHECK(is_new("r") && !is_there("n"));
	if (v->backup)
		CHECK(has("b", "old"));
	CHECK_EQ(each_name(check_any_name), v->backup ? 2 : 1);
}

/* Looked at and killed at the border given. The number of borders that the call has, if that is less. */
static int run_to(const struct variant *v, int border)
{
	int n = 0;
	pid_t pid;

	prepare(v);
	current = v;
	pid = trace_start(prepare_call, call);
	while (trace_step(pid)) {
		if (++n < border)
			continue;
		check_instant(v);
		trace_kill(pid);
		check_instant(v);
		check_afterwards(v);
		return 0;
	}
	return n;
}

static void every_instant(void)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		int border = 1, borders;

		while ((borders = run_to(&variants[i], border)) == 0)
			border++;
		/* At least one look at each file, and the rename. */
		CHECK(borders > 6);
		CHECK(is_new("r") && !is_there("n"));
		if (variants[i].backup)
			CHECK(has("b", "old"));
	}
}

/*
 * REPLACEFILE_WRITE_THROUGH: the new content, then the backup's name, are on the disk before the
 * name is given away; and that is, before the call returns.
 */
static void durable_order(void)
{
	static const struct variant v = { "b", true, true, true, REPLACEFILE_WRITE_THROUGH };
	static const char *const order[] = { "sync n", "name b", "sync .", "name r", "sync ." };

	prepare(&v);
	current = &v;
	trace_order(prepare_call, call, order, sizeof(order) / sizeof(order[0]));
}

#define WORDS 8192

/* What the writer has come to, seen by all. */
static struct progress {
	_Atomic unsigned int started, done;
	atomic_bool over;
} *progress;

static void write_generation(const char *name, unsigned int generation)
{
	static unsigned int words[WORDS];
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	for (int i = 0; i < WORDS; i++)
		words[i] = generation;
	CHECK_EQ(write(fd, words, sizeof(words)), sizeof(words));
	close(fd);
}

/* All of the file, which is of one generation. */
static unsigned int read_generation(const char *name)
{
	static unsigned int words[WORDS + 1];
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(read(fd, words, sizeof(words)), WORDS * sizeof(words[0]));
	close(fd);
	for (int i = 1; i < WORDS; i++)
		CHECK_EQ(words[i], words[0]);
	return words[0];
}

static void replace_for_ever(void)
{
	const struct variant v = { "b", true, true, true, 0 };

	for (unsigned int generation = progress->started + 1;; generation++) {
		write_generation("n", generation);
		progress->started = generation;
		CHECK(replace(&v));
		progress->done = generation;
	}
}

static void read_until_over(void)
{
	unsigned int last = 0;

	while (!progress->over) {
		unsigned int done = progress->done, generation = read_generation("r");

		CHECK(generation >= done && generation >= last);
		last = generation;
	}
}

static void killed_at_random(void)
{
	unsigned int seed = (unsigned int)getpid(), last = 0;
	pid_t reader;
	int status;

	enter();
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(progress != MAP_FAILED);
	printf("# seed %u\n", seed);
	write_generation("r", 0);
	reader = fork();
	if (reader == 0) {
		alarm(200);
		read_until_over();
		_exit(0);
	}
	for (long round = 0; round < host_rounds(200); round++) {
		pid_t writer = fork();
		unsigned int generation;

		if (writer == 0) {
			alarm(60);
			replace_for_ever();
		}
		usleep((useconds_t)(rand_r(&seed) % 10000));
		trace_kill(writer);
		generation = read_generation("r");
		CHECK(generation == progress->done || generation == progress->started);
		CHECK(generation >= last);
		/* Of a call cut short the backup is the file itself. */
		if (is_there("b"))
			CHECK(read_generation("b") <= generation);
		progress->done = last = generation;
	}
	CHECK(last > 0);
	progress->over = true;
	CHECK(waitpid(reader, &status, 0) == reader && status == 0);
}

static const struct tap_case cases[] = {
	CASE(every_instant, "killed at every instant, it leaves the old or the new (W-REPL-1)"),
	CASE(durable_order, "REPLACEFILE_WRITE_THROUGH: in this order to the disk"),
	CASE(killed_at_random, "killed at random while somebody reads (W-REPL-1)"),
};

TAP_MAIN(cases)
