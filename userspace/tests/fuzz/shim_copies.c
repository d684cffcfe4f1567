// SPDX-License-Identifier: MIT
/*
 * Copies, moves and replacements, of files, directories and links within a volume and to another
 * that is soon full, with every flag, and a progress routine that answers as the input says. What
 * succeeds has done what it is for and nothing else; what fails has changed nothing, unless it was
 * the target of a copy; the source of a copy stays in any case.
 */
#include <windows.h>

#include "input.h"
#include "sandbox.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const names[] = {
	"a", "b", "c", "dir", "dir/x", "link", "gone", "v/a", "v/b", "v/dir", "missing/a", "A", "",
	"a*", "dir/", "big",
};
#define NAMES COUNT(names)

/* How each of them looks. */
static struct state {
	mode_t kind; /* 0: is not there */
	mode_t mode;
	off_t size;
	uint64_t hash;
	ino_t inode;
} before[NAMES], after[NAMES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sandbox_enter();
	SANDBOX_DO(mkdir("v", 0700));
	SANDBOX_DO(mount("volume", "v", "tmpfs", MS_NODEV | MS_NOSUID, "size=256k,nr_inodes=6"));
	return 0;
}

/* ---- the tree ---- */

/* Most of an input's time, if it were looked at. */
__attribute__((no_sanitize("address", "undefined", "coverage"))) static uint64_t
hash_words(uint64_t hash, const uint64_t *words, size_t count)
{
	while (count--)
		hash = (hash ^ *words++) * 0x100000001B3;
	return hash;
}

static uint64_t hash_of(const char *name, off_t *size)
{
	static uint64_t block[1 << 17];
	uint64_t hash = 0xCBF29CE484222325;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*size = 0;
	PROMISE(fd >= 0);
	while ((n = read(fd, block, sizeof(block))) > 0) {
		*size += n;
		memset((char *)block + n, 0, -(size_t)n & 7);
		hash = hash_words(hash, block, ((size_t)n + 7) / 8);
	}
	close(fd);
	return hash;
}

static void look(struct state *states)
{
	struct stat st;

	for (size_t i = 0; i < NAMES; i++) {
		states[i] = (struct state){ 0 };
		if (lstat(names[i], &st) != 0)
			continue;
		states[i].kind = st.st_mode & S_IFMT;
		states[i].mode = st.st_mode & 0777;
		states[i].inode = st.st_ino;
		if (S_ISREG(st.st_mode))
			states[i].hash = hash_of(names[i], &states[i].size);
	}
}

static bool same(const struct state *a, const struct state *b)
{
	return a->kind == b->kind && a->size == b->size && a->hash == b->hash;
}

static void put(const char *name, size_t size, uint8_t seed)
{
	static uint8_t bytes[1 << 17];
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	PROMISE(fd >= 0 && size <= sizeof(bytes));
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(seed + i * 7);
	PROMISE_EQ(write(fd, bytes, size), size);
	close(fd);
}

static void prepare(struct input *in)
{
	static const size_t sizes[] = { 0, 1, 100, 4096, 5000, 70000, 131072, 300 };
	uint8_t which = take_uint8(in);

	put("a", sizes[which & 7], 1);
	put("b", sizes[which >> 3 & 7], 2);
	put("v/b", sizes[which >> 6 & 3], 3);
	put("big", 131072, 4);
	/* Holes, and more than the other volume has room for. */
	PROMISE_EQ(truncate("big", 600000), 0);
	PROMISE(mkdir("dir", 0700) == 0 && symlink("a", "link") == 0 && symlink("no", "gone") == 0);
}

/* ---- the progress ---- */

static struct {
	struct input *in;
	BOOL cancel;
	DWORD calls, last;
	LONGLONG moved;
} told;

static DWORD answer(LONGLONG total, LONGLONG moved, DWORD reason)
{
	static const DWORD answers[] = { PROGRESS_CONTINUE, PROGRESS_CANCEL, PROGRESS_STOP,
					 PROGRESS_QUIET };
	uint8_t how = take_uint8(told.in);

	/* The first tells of the stream; and whoever wanted no more gets no more. */
	if (!told.calls)
		PROMISE_EQ(reason, CALLBACK_STREAM_SWITCH);
	PROMISE_EQ(told.last, PROGRESS_CONTINUE);
	PROMISE(moved >= told.moved && moved <= total);
	told.calls++;
	told.moved = moved;
	told.cancel = how >= 0xF8;
	told.last = how < 0x80 ? PROGRESS_CONTINUE : answers[how & 3];
	return told.last;
}

static DWORD CALLBACK progress(LARGE_INTEGER total, LARGE_INTEGER moved, LARGE_INTEGER stream_size,
			       LARGE_INTEGER stream_moved, DWORD stream, DWORD reason, HANDLE from,
			       HANDLE to, LPVOID data)
{
	(void)from;
	(void)to;
	PROMISE(data == &told && stream == 1 && stream_size.QuadPart == total.QuadPart &&
		stream_moved.QuadPart == moved.QuadPart);
	return answer(total.QuadPart, moved.QuadPart, reason);
}

static LPPROGRESS_ROUTINE take_routine(struct input *in)
{
	bool cancel = false;
	uint8_t how = take_uint8(in);

	cancel = how >= 0xF0;
	memset(&told, 0, sizeof(told));
	told.in = in;
	told.cancel = cancel;
	return how & 1 ? progress : NULL;
}

/* ---- calls ---- */

static void check_error(DWORD error)
{
	static const DWORD allowed[] = {
		ERROR_FILE_NOT_FOUND,	  ERROR_PATH_NOT_FOUND,	   ERROR_ACCESS_DENIED,
		ERROR_NOT_SAME_DEVICE,	  ERROR_SHARING_VIOLATION, ERROR_FILE_EXISTS,
		ERROR_INVALID_PARAMETER,  ERROR_DISK_FULL,	   ERROR_INVALID_NAME,
		ERROR_ALREADY_EXISTS,	  ERROR_DIRECTORY,	   ERROR_REQUEST_ABORTED,
		ERROR_UNABLE_TO_MOVE_REPLACEMENT, ERROR_UNABLE_TO_MOVE_REPLACEMENT_2,
		ERROR_UNABLE_TO_REMOVE_REPLACED,  ERROR_CANT_RESOLVE_FILENAME,
		ERROR_DIR_NOT_EMPTY,		  ERROR_NOT_SUPPORTED, ERROR_BAD_PATHNAME,
		ERROR_INVALID_FUNCTION,
	};

	for (size_t i = 0; i < COUNT(allowed); i++)
		if (error == allowed[i])
			return;
	broken("error %u is none of those that a copy fails with", error);
}

/* Two names of one file look as one; a link's target does not look as the link. */
static bool one_file(size_t i, size_t j)
{
	if (i == j || (before[i].kind && before[i].inode == before[j].inode))
		return true;
	return before[i].kind == S_IFLNK || before[j].kind == S_IFLNK;
}

/* Nothing but these two has changed, and what stands or stood below them. */
static void check_others(size_t one, size_t two, size_t three)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (i == one || i == two || i == three || one_file(i, one) || one_file(i, two) ||
		    one_file(i, three) || strstr(names[i], "dir"))
			continue;
		if (!same(&before[i], &after[i]))
			broken("%s has changed, and was not meant", names[i]);
	}
}

static bool plain(size_t i)
{
	return before[i].kind == S_IFREG && !strchr(names[i], '*');
}

static HANDLE held;

static void check_copy(size_t from, size_t to, bool ok, DWORD error)
{
	bool flagged = told.calls && told.cancel;

	look(after);
	check_others(to, to, to);
	if (!one_file(from, to) && !same(&before[from], &after[from]))
		broken("a copy has changed its source %s", names[from]);
	if (ok && plain(from) && after[to].kind == S_IFREG)
		PROMISE(same(&before[from], &after[to]));
	if (ok)
		PROMISE(told.last != PROGRESS_CANCEL && told.last != PROGRESS_STOP && !flagged);
	else if (error != ERROR_REQUEST_ABORTED && error != ERROR_DISK_FULL && !one_file(from, to))
		PROMISE(same(&before[to], &after[to]));
	if (ok || error != ERROR_REQUEST_ABORTED || before[to].kind == S_IFLNK)
		return;
	/* Of what was stopped, the beginning stays; but the flag has the last word. */
	if (!told.calls)
		PROMISE(same(&before[to], &after[to]));
	else if (flagged || told.last == PROGRESS_CANCEL)
		PROMISE(!after[to].kind || held);
	else if (plain(from))
		PROMISE(after[to].kind == S_IFREG);
}

static void copy(struct input *in)
{
	size_t from = take_below(in, NAMES), to = take_below(in, NAMES);
	uint8_t how = take_uint8(in);
	DWORD flags = take_uint8(in) & 0xF;
	LPPROGRESS_ROUTINE routine = take_routine(in);
	DWORD error = 0;
	bool ok;

	if (how >= 0xF0)
		flags |= 1u << (how & 15);
	memcpy(before, after, sizeof(before));
	SetLastError(0);
	if (how & 1)
		ok = CopyFileA(names[from], names[to], how & 2);
	else
		ok = CopyFileExA(names[from], names[to], routine, &told, &told.cancel, flags);
	if (!ok)
		error = GetLastError();
	if (!ok)
		check_error(error);
	check_copy(from, to, ok, error);
}

static COPYFILE2_MESSAGE_ACTION CALLBACK message(const COPYFILE2_MESSAGE *m, PVOID data)
{
	(void)m;
	PROMISE(data == &told);
	return (COPYFILE2_MESSAGE_ACTION)(take_uint8(told.in) < 0xC0 ? 0 : take_uint8(told.in) % 5);
}

static void copy2(struct input *in)
{
	size_t from = take_below(in, NAMES), to = take_below(in, NAMES);
	COPYFILE2_EXTENDED_PARAMETERS more = { .dwSize = sizeof(more) };
	uint8_t how = take_uint8(in);
	WCHAR wide[2][64];
	HRESULT result;

	(void)take_routine(in);
	more.dwCopyFlags = how & 0xF;
	more.pProgressRoutine = how & 0x10 ? message : NULL;
	more.pvCallbackContext = &told;
	more.pfCancel = how & 0x20 ? &told.cancel : NULL;
	if (how >= 0xF0)
		more.dwSize = how & 0xF;
	MultiByteToWideChar(CP_UTF8, 0, names[from], -1, wide[0], 64);
	MultiByteToWideChar(CP_UTF8, 0, names[to], -1, wide[1], 64);
	memcpy(before, after, sizeof(before));
	result = CopyFile2(wide[0], wide[1], how & 0x40 ? NULL : &more);
	look(after);
	check_others(to, to, to);
	if (result == S_OK && plain(from) && after[to].kind == S_IFREG)
		PROMISE(same(&before[from], &after[to]));
	if (result != S_OK && (result & 0xFFFF) != ERROR_REQUEST_PAUSED)
		check_error((DWORD)result & 0xFFFF);
	if (!one_file(from, to))
		PROMISE(same(&before[from], &after[from]));
}

static bool other_volume(size_t i, size_t j)
{
	return !strncmp(names[i], "v/", 2) != !strncmp(names[j], "v/", 2);
}

/* A copy to another volume is there to stay, even if its source cannot be deleted (W-MOVE-1). */
static bool source_may_stay(size_t from, size_t to)
{
	return other_volume(from, to) && (held || !(before[from].mode & 0200)) &&
	       same(&before[from], &after[from]);
}

static void move(struct input *in)
{
	static const uint64_t flags[] = { 0, MOVEFILE_REPLACE_EXISTING, MOVEFILE_COPY_ALLOWED,
					  MOVEFILE_REPLACE_EXISTING | MOVEFILE_COPY_ALLOWED,
					  MOVEFILE_WRITE_THROUGH };
	size_t from = take_below(in, NAMES), to = take_below(in, NAMES);
	uint8_t how = take_uint8(in);
	DWORD flag = (DWORD)TAKE_ONE_OF(in, flags) & 0x3F;
	LPPROGRESS_ROUTINE routine = take_routine(in);
	BOOL ok;

	/* Nothing may happen when the next system starts, for there is none. */
	flag &= ~(DWORD)MOVEFILE_DELAY_UNTIL_REBOOT;
	memcpy(before, after, sizeof(before));
	SetLastError(0);
	if (how & 1)
		ok = MoveFileA(names[from], names[to]);
	else if (how & 2)
		ok = MoveFileExA(names[from], names[to], flag);
	else
		ok = MoveFileWithProgressA(names[from], names[to], routine, &told, flag);
	if (!ok)
		check_error(GetLastError());
	look(after);
	check_others(from, to, to);
	if (ok && !one_file(from, to)) {
		PROMISE(!after[from].kind || source_may_stay(from, to));
		PROMISE(same(&before[from], &after[to]));
	} else if (!ok && !one_file(from, to)) {
		PROMISE(same(&before[from], &after[from]));
		if (GetLastError() != ERROR_REQUEST_ABORTED && GetLastError() != ERROR_DISK_FULL)
			PROMISE(same(&before[to], &after[to]));
	}
}

static void replace(struct input *in)
{
	size_t old = take_below(in, NAMES), new = take_below(in, NAMES), backup;
	uint8_t how = take_uint8(in);
	DWORD error;
	BOOL ok;

	backup = how & 1 ? take_below(in, NAMES) : old;
	memcpy(before, after, sizeof(before));
	ok = ReplaceFileA(names[old], names[new], how & 1 ? names[backup] : NULL, how >> 4 & 7, NULL,
			  how >= 0xF0 ? &told : NULL);
	error = GetLastError();
	if (!ok)
		check_error(error);
	look(after);
	check_others(old, new, backup);
	if (one_file(old, new) || one_file(backup, new) || (how & 1 && one_file(backup, old)))
		return;
	if (ok) {
		PROMISE(same(&before[new], &after[old]) && !after[new].kind);
		if (how & 1)
			PROMISE(same(&before[old], &after[backup]));
	} else if (error != ERROR_UNABLE_TO_MOVE_REPLACEMENT &&
		   error != ERROR_UNABLE_TO_MOVE_REPLACEMENT_2) {
		PROMISE(same(&before[old], &after[old]) && same(&before[new], &after[new]));
	}
}

/*
 * Somebody has one of them open, and shares it or does not. What was moved meanwhile goes at the
 * close.
 */
static void hold(struct input *in)
{
	size_t which = take_below(in, NAMES);
	uint8_t how = take_uint8(in);

	if (held)
		PROMISE(CloseHandle(held));
	held = CreateFileA(names[which], how & 8 ? GENERIC_READ : GENERIC_WRITE, how & 7, NULL,
			   OPEN_EXISTING, 0, NULL);
	if (held == INVALID_HANDLE_VALUE)
		held = NULL;
	look(after);
}

static void change(struct input *in)
{
	size_t which = take_below(in, NAMES);
	uint8_t how = take_uint8(in);

	SetFileAttributesA(names[which], how & 1 ? FILE_ATTRIBUTE_READONLY : FILE_ATTRIBUTE_NORMAL);
	look(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct input *in) = {
		copy, copy, copy2, move, move, replace, hold, change,
	};
	struct input in = { data, data + size };

	prepare(&in);
	look(after);
	for (int i = 0; i < 8 && left(&in); i++)
		kinds[take_below(&in, COUNT(kinds))](&in);
	if (held)
		PROMISE(CloseHandle(held));
	held = NULL;
	sandbox_clear();
	return 0;
}
