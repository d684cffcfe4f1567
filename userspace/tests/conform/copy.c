// SPDX-License-Identifier: MIT
/* CopyFile, CopyFileEx, CopyFile2: results, progress, who else has the files open (W-COPY). */
#include "conform.h"

static const char *content(const char *name)
{
	HANDLE h = temp_open(name, GENERIC_READ, OPEN_EXISTING, 0);
	char *text = conform_text();
	DWORD count = 0;

	if (h == INVALID_HANDLE_VALUE)
		return conform_failure("none");
	if (!ReadFile(h, text, 60, &count, NULL))
		snprintf(text, 64, "unreadable");
	else
		snprintf(text + count, 64 - count, "%s", count ? "" : "empty");
	CloseHandle(h);
	return text;
}

static void file_new(const char *name, const char *text)
{
	SetFileAttributesA(temp_path(name), FILE_ATTRIBUTE_NORMAL);
	CloseHandle(temp_new(name, text));
}

static const char *copy(const char *from, const char *to, BOOL fail_if_exists)
{
	BOOL ok = FRESH(CopyFileA(temp_path(from), temp_path(to), fail_if_exists));

	return ok && last() == 0 ? "TRUE 0" : conform_failure(ok ? "TRUE" : "FALSE");
}

static void results(void)
{
	file_new("a", "one");
	see("W-COPY-2 copy", "TRUE 0", "%s", copy("a", "b", TRUE));
	see("W-COPY-2 its content", "one", "%s", content("b"));
	see("W-COPY-2 once more", "TRUE 0", "%s", copy("a", "b", FALSE));
	see("W-COPY-2 not over what is there", "FALSE 80", "%s", copy("a", "b", TRUE));
	see("W-COPY-2 no source", "FALSE 2", "%s", copy("no", "b", FALSE));
	see("W-COPY-2 no source's folder", "FALSE 3", "%s", copy("no/no", "b", FALSE));
	see("W-COPY-2 no target's folder", "FALSE 3", "%s", copy("a", "no/no", FALSE));
	see("W-COPY-2 to itself", "FALSE 32", "%s", copy("a", "a", FALSE));
	see("W-COPY-2 it is as it was", "one", "%s", content("a"));
	see("W-COPY-2 no name", "FALSE 3", "%s",
	    did(FRESH(CopyFileA(NULL, temp_path("b"), FALSE))));
	see("W-COPY-2 to no name", "FALSE 3", "%s",
	    did(FRESH(CopyFileA(temp_path("a"), NULL, FALSE))));
	CreateDirectoryA(temp_path("d"), NULL);
	see("W-COPY-2 a directory", "FALSE 5", "%s", copy("d", "c", FALSE));
	see("W-COPY-2 to a directory", "FALSE 5", "%s", copy("a", "d", FALSE));
	see("W-COPY-2 an unknown flag", "FALSE 87", "%s",
	    did(FRESH(CopyFileExA(temp_path("a"), temp_path("c"), NULL, NULL, NULL, 0x10))));
	RemoveDirectoryA(temp_path("d"));
}

static void read_only(void)
{
	file_new("a", "one");
	file_new("b", "two");
	SetFileAttributesA(temp_path("b"), FILE_ATTRIBUTE_READONLY);
	see("W-COPY-2 over a read-only file", "FALSE 5", "%s", copy("a", "b", FALSE));
	see("W-COPY-2 which stays", "two", "%s", content("b"));
	see("W-COPY-2 of a read-only file", "TRUE 0", "%s", copy("b", "c", FALSE));
	see("W-COPY-2 is one", "1", "%u",
	    (unsigned int)(GetFileAttributesA(temp_path("c")) & FILE_ATTRIBUTE_READONLY));
	SetFileAttributesA(temp_path("b"), FILE_ATTRIBUTE_NORMAL);
	SetFileAttributesA(temp_path("c"), FILE_ATTRIBUTE_NORMAL);
	DeleteFileA(temp_path("c"));
}

static void times(void)
{
	FILETIME t = {0x12345600, 0x01c00000}, u = {0, 0};
	HANDLE h = temp_new("a", "one");

	SetFileTime(h, NULL, NULL, &t);
	CloseHandle(h);
	see("W-COPY-2 copy of an old file", "TRUE 0", "%s", copy("a", "b", FALSE));
	h = temp_open("b", GENERIC_READ, OPEN_EXISTING, 0);
	GetFileTime(h, NULL, NULL, &u);
	CloseHandle(h);
	see("W-COPY-2 time of the last write", "0", "%d", (int)CompareFileTime(&t, &u));
}

static const char *copy_while(const char *open, DWORD access, DWORD share)
{
	HANDLE h = CreateFileA(temp_path(open), access, share, NULL, OPEN_EXISTING, 0, NULL);
	const char *result = copy("a", "b", FALSE);

	CloseHandle(h);
	return result;
}

static void sharing(void)
{
	const DWORD rw = GENERIC_READ | GENERIC_WRITE;

	file_new("a", "one");
	file_new("b", "two");
	see("W-CREATE-3 source, not to be read", "FALSE 32", "%s",
	    copy_while("a", GENERIC_READ, FILE_SHARE_WRITE));
	see("W-CREATE-3 source, being written", "TRUE 0", "%s",
	    copy_while("a", rw, FILE_SHARE_READ));
	see("W-CREATE-3 source, to be deleted", "TRUE 0", "%s",
	    copy_while("a", DELETE, FILE_SHARE_READ));
	see("W-CREATE-3 target, not to be written", "FALSE 32", "%s",
	    copy_while("b", GENERIC_WRITE, FILE_SHARE_READ));
	see("W-CREATE-3 target, being written", "TRUE 0", "%s",
	    copy_while("b", rw, FILE_SHARE_WRITE));
	see("W-CREATE-3 target, being read", "TRUE 0", "%s",
	    copy_while("b", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE));
	see("W-CREATE-3 target, to be deleted", "FALSE 32", "%s",
	    copy_while("b", DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE));
}

struct told {
	int calls, answer_at;
	DWORD answer, first, stream;
	LONGLONG size, before, after;
	BOOL *flag;
};

static DWORD WINAPI routine(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
			    LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE source,
			    HANDLE target, LPVOID data)
{
	struct told *t = data;

	(void)stream_size, (void)stream_done, (void)source, (void)target;
	if (!t->calls) {
		t->first = reason;
		t->stream = stream;
		t->size = size.QuadPart;
		t->before = done.QuadPart;
	}
	t->after = done.QuadPart;
	if (t->calls++ != t->answer_at)
		return PROGRESS_CONTINUE;
	if (t->flag)
		*t->flag = TRUE;
	return t->answer;
}

static const char *copy_told(struct told *t, DWORD answer, int at, BOOL *flag)
{
	memset(t, 0, sizeof(*t));
	t->answer = answer;
	t->answer_at = at;
	t->flag = flag;
	return did(FRESH(CopyFileExA(temp_path("a"), temp_path("b"), routine, t, flag, 0)));
}

static void progress(void)
{
	struct told t;

	file_new("a", "0123456789");
	see("W-COPY-1 with a routine", "TRUE", "%s", copy_told(&t, 0, -1, NULL));
	see("W-COPY-1 calls", "2", "%d", t.calls);
	see("W-COPY-1 the first", "1 1", "%u %u", (unsigned int)t.first, (unsigned int)t.stream);
	see("W-COPY-1 is told", "10 0", "%d %d", (int)t.size, (int)t.before);
	see("W-COPY-1 the last is told", "10", "%d", (int)t.after);
	see("W-COPY-1 CANCEL", "FALSE 1235", "%s", copy_told(&t, PROGRESS_CANCEL, 0, NULL));
	see("W-COPY-1 nothing is left", "none 2", "%s", content("b"));
	see("W-COPY-1 CANCEL at the end", "FALSE 1235", "%s",
	    copy_told(&t, PROGRESS_CANCEL, 1, NULL));
	see("W-COPY-1 nothing is left of it", "none 2", "%s", content("b"));
	see("W-COPY-1 STOP at once", "FALSE 1235", "%s", copy_told(&t, PROGRESS_STOP, 0, NULL));
	see("W-COPY-1 what there was is left", "empty", "%s", content("b"));
	see("W-COPY-1 QUIET", "TRUE", "%s", copy_told(&t, PROGRESS_QUIET, 0, NULL));
	see("W-COPY-1 is not asked any more", "1", "%d", t.calls);
	see("W-COPY-1 all is copied", "0123456789", "%s", content("b"));
}

static void flag(void)
{
	BOOL cancel = FALSE;
	struct told t;

	file_new("a", "0123456789");
	see("W-COPY-2 the flag", "FALSE 1235", "%s", copy_told(&t, PROGRESS_CONTINUE, 0, &cancel));
	see("W-COPY-2 nothing is left", "none 2", "%s", content("b"));
	see("W-COPY-2 the flag, before", "FALSE 1235", "%s",
	    did(FRESH(CopyFileExA(temp_path("a"), temp_path("b"), NULL, NULL, &cancel, 0))));
}

static const WCHAR *wide(const char *name)
{
	static WCHAR text[4][300];
	static int turn;

	turn = (turn + 1) % 4;
	MultiByteToWideChar(CP_UTF8, 0, temp_path(name), -1, text[turn], 300);
	return text[turn];
}

typedef HRESULT(WINAPI *copy2_t)(PCWSTR from, PCWSTR to, COPYFILE2_EXTENDED_PARAMETERS *more);

static copy2_t copy_file2;

/* The answer, and the last error if it is a failure. */
static const char *copied(HRESULT result)
{
	char *text = conform_text();

	snprintf(text, 64, result < 0 ? "%x %u" : "%x", (unsigned int)result, last());
	return text;
}

static const char *copy2(const char *from, const char *to, DWORD size, DWORD flags)
{
	COPYFILE2_EXTENDED_PARAMETERS more = {0};

	more.dwSize = size;
	more.dwCopyFlags = flags;
	return copy_file2 ? copied(FRESH(copy_file2(wide(from), wide(to), &more))) : "missing";
}

static void extended(void)
{
	const DWORD size = sizeof(COPYFILE2_EXTENDED_PARAMETERS);

	copy_file2 = (copy2_t)(void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "CopyFile2");
	file_new("a", "one");
	DeleteFileA(temp_path("b"));
	see("W-COPY-3 copy", "0", "%s",
	    copy_file2 ? copied(copy_file2(wide("a"), wide("b"), NULL)) : "missing");
	see("W-COPY-3 its content", "one", "%s", content("b"));
	see("W-COPY-3 not over what is there", "80070050 80", "%s",
	    copy2("a", "b", size, COPY_FILE_FAIL_IF_EXISTS));
	see("W-COPY-3 no source", "80070002 2", "%s", copy2("no", "b", size, 0));
	see("W-COPY-3 to itself", "80070020 32", "%s", copy2("a", "a", size, 0));
	see("W-COPY-3 a wrong size", "80070057 87", "%s", copy2("a", "b", size - 1, 0));
	see("W-COPY-3 again", "0", "%s", copy2("a", "b", size, 0));
	DeleteFileA(temp_path("a"));
	DeleteFileA(temp_path("b"));
}

static const struct conform_case cases[] = {
	{results, 0},  {read_only, 0}, {times, 0},    {sharing, 0},
	{progress, 0}, {flag, 0},      {extended, 0},
};

CONFORM_MAIN(cases)
