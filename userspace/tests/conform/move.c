// SPDX-License-Identifier: MIT
/* MoveFile and ReplaceFile: names, targets, open files, and what is left (W-MOVE-1, W-REPL-1, W-CREATE-3). */
#include "conform.h"

#define ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static void put(const char *name, const char *content)
{
	SetFileAttributesA(temp_path(name), FILE_ATTRIBUTE_NORMAL);
	DeleteFileA(temp_path(name));
	CloseHandle(temp_new(name, content));
}

static HANDLE hold(const char *name, DWORD access, DWORD share)
{
	HANDLE h = CreateFileA(temp_path(name), access, share, NULL, OPEN_EXISTING, 0, NULL);

	if (h == INVALID_HANDLE_VALUE)
		conform_setup_failed(name);
	return h;
}

/* What of the names given, of one letter each, is there, and what is in it. */
static const char *left(const char *names)
{
	char *text = conform_text(), name[2] = "";
	size_t length = 0;

	*text = 0;
	for (; *names; names++) {
		HANDLE h;
		DWORD n = 0;

		name[0] = *names;
		h = temp_open(name, GENERIC_READ, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
		if (h == INVALID_HANDLE_VALUE)
			continue;
		length += (size_t)snprintf(text + length, 64 - length, "%s%c:", length ? " " : "",
					   *names);
		if (ReadFile(h, text + length, 10, &n, NULL))
			length += n;
		text[length] = 0;
		CloseHandle(h);
	}
	return *text ? text : "nothing";
}

static void forget(const char *names)
{
	char name[2] = "";

	for (; *names; names++) {
		name[0] = *names;
		SetFileAttributesA(temp_path(name), FILE_ATTRIBUTE_NORMAL);
		if (!DeleteFileA(temp_path(name)))
			RemoveDirectoryA(temp_path(name));
	}
}

static const char *move(const char *from, const char *to, DWORD flags)
{
	return did(FRESH(MoveFileExA(temp_path(from), temp_path(to), flags)));
}

static void names(void)
{
	put("a", "1");
	see("W-MOVE-1 a move", "TRUE", "%s", did(FRESH(MoveFileA(temp_path("a"), temp_path("b")))));
	see("W-MOVE-1 leaves", "b:1", "%s", left("ab"));
	see("W-LE-1 a move's last error", "beef", "%x",
	    (FRESH(MoveFileA(temp_path("b"), temp_path("a"))), last()));
	see("W-MOVE-1 to itself", "TRUE", "%s", move("a", "a", 0));
	see("W-MOVE-1 a file that is missing", "FALSE 2", "%s", move("no", "b", 0));
	see("W-MOVE-1 a directory that is missing", "FALSE 3", "%s", move("no/a", "b", 0));
	see("W-MOVE-1 to a directory that is missing", "FALSE 3", "%s", move("a", "no/b", 0));
	see("W-MOVE-1 from no name", "FALSE 3", "%s",
	    did(FRESH(MoveFileA("", temp_path("b")))));
	see("W-MOVE-1 an impossible name", "FALSE 123", "%s", move("a", "b?", 0));
	see("W-MOVE-1 and all the time", "a:1", "%s", left("ab"));
	see("W-MOVE-1 a flag that is none", "FALSE 87", "%s", move("a", "b", 0x40));
	forget("b");
	put("a", "1");
	see("W-MOVE-1 a reserved flag", "FALSE 87", "%s", move("a", "b", 0x10));
	forget("b");
	put("a", "1");
	see("W-MOVE-1 later and now", "FALSE 87", "%s",
	    move("a", "b", MOVEFILE_DELAY_UNTIL_REBOOT | MOVEFILE_COPY_ALLOWED));
	forget("ab");
}

static void targets(void)
{
	put("a", "1");
	put("b", "2");
	see("W-MOVE-1 to a file", "FALSE 183", "%s", move("a", "b", 0));
	see("W-MOVE-1 which stays", "a:1 b:2", "%s", left("ab"));
	see("W-MOVE-1 over a file", "TRUE", "%s", move("a", "b", MOVEFILE_REPLACE_EXISTING));
	see("W-MOVE-1 which goes", "b:1", "%s", left("ab"));
	put("a", "3");
	SetFileAttributesA(temp_path("b"), FILE_ATTRIBUTE_READONLY);
	see("W-MOVE-1 over a read-only file", "FALSE 5", "%s", move("a", "b", MOVEFILE_REPLACE_EXISTING));
	forget("ab");
	put("a", "3");
	put("b", "1");
	SetFileAttributesA(temp_path("b"), FILE_ATTRIBUTE_READONLY);
	see("W-MOVE-1 a read-only file", "TRUE", "%s", move("b", "c", 0));
	SetFileAttributesA(temp_path("c"), FILE_ATTRIBUTE_NORMAL);
	see("W-MOVE-1 what is left", "a:3 c:1", "%s", left("abc"));
	CreateDirectoryA(temp_path("d"), NULL);
	see("W-MOVE-1 to a directory", "FALSE 183", "%s", move("a", "d", 0));
	see("W-MOVE-1 over a directory", "FALSE 5", "%s", move("a", "d", MOVEFILE_REPLACE_EXISTING));
	CreateDirectoryA(temp_path("e"), NULL);
	see("W-MOVE-1 a directory to one", "FALSE 183", "%s", move("d", "e", 0));
	see("W-MOVE-1 a directory over one", "FALSE 5", "%s", move("d", "e", MOVEFILE_REPLACE_EXISTING));
	see("W-MOVE-1 a directory into itself", "FALSE 87", "%s", move("d", "d/x", 0));
	RemoveDirectoryA(temp_path("e"));
	put("d/f", "4");
	see("W-MOVE-1 a directory", "TRUE", "%s", move("d", "e", 0));
	see("W-MOVE-1 with what is in it", "TRUE", "%s", move("e/f", "f", 0));
	see("W-MOVE-1 all that is left", "a:3 c:1 e: f:4", "%s", left("abcdef"));
	forget("acef");
}

static void open_files(void)
{
	HANDLE h;

	put("a", "1");
	h = hold("a", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE);
	see("W-CREATE-3 who does not share its deletion", "FALSE 32", "%s", move("a", "b", 0));
	CloseHandle(h);
	h = hold("a", GENERIC_READ, ALL);
	see("W-CREATE-3 who shares it", "TRUE", "%s", move("a", "b", 0));
	put("a", "2");
	see("W-CREATE-3 over an open file", "FALSE 5", "%s", move("a", "b", MOVEFILE_REPLACE_EXISTING));
	CloseHandle(h);
	h = hold("b", 0, 0);
	see("W-CREATE-3 over one open for its attributes", "FALSE 5", "%s",
	    move("a", "b", MOVEFILE_REPLACE_EXISTING));
	see("W-CREATE-3 one open for its attributes", "TRUE", "%s", move("b", "c", 0));
	CloseHandle(h);
	h = hold("c", GENERIC_READ, ALL);
	DeleteFileA(temp_path("c"));
	see("W-CREATE-8 to a deleted file", "FALSE 183", "%s", move("a", "c", 0));
	see("W-CREATE-8 over a deleted file", "FALSE 5", "%s", move("a", "c", MOVEFILE_REPLACE_EXISTING));
	CloseHandle(h);
	see("W-CREATE-8 once it is gone", "TRUE", "%s", move("a", "c", 0));
	see("W-CREATE-8 what is left", "c:2", "%s", left("abc"));
	h = CreateFileA(temp_path("c"), GENERIC_READ | DELETE, ALL, NULL, OPEN_EXISTING,
			FILE_FLAG_DELETE_ON_CLOSE, NULL);
	see("W-CREATE-8 one to be deleted on close", "TRUE", "%s", move("c", "b", 0));
	CloseHandle(h);
	see("W-CREATE-8 goes from its new name", "nothing", "%s", left("abc"));
	forget("abc");
}

static int reports;

static DWORD CALLBACK count_report(LARGE_INTEGER size, LARGE_INTEGER done, LARGE_INTEGER stream_size,
				   LARGE_INTEGER stream_done, DWORD stream, DWORD reason, HANDLE from,
				   HANDLE to, LPVOID data)
{
	(void)size;
	(void)done;
	(void)stream_size;
	(void)stream_done;
	(void)stream;
	(void)reason;
	(void)from;
	(void)to;
	reports++;
	return *(const DWORD *)data;
}

static void volumes(void)
{
	char there[64];
	DWORD answer = PROGRESS_CANCEL;

	put("a", "1");
	snprintf(there, sizeof(there), "/dev/shm/conform.%u", (unsigned int)GetCurrentProcessId());
	see("W-MOVE-1 with a routine", "TRUE", "%s",
	    did(FRESH(MoveFileWithProgressA(temp_path("a"), temp_path("b"), count_report, &answer, 0))));
	see("W-MOVE-1 no report within a volume", "0", "%d", reports);
	/* If there is another volume at all. */
	if (MoveFileExA(temp_path("b"), there, 0)) {
		MoveFileExA(there, temp_path("b"), 0);
	} else if (last() == ERROR_NOT_SAME_DEVICE) {
		see("W-MOVE-1 another volume", "TRUE", "%s",
		    did(FRESH(MoveFileExA(temp_path("b"), there, MOVEFILE_COPY_ALLOWED))));
		see("W-MOVE-1 the old file is gone", "nothing", "%s", left("ab"));
		put("b", "2");
		see("W-MOVE-1 to a file on another volume", "FALSE 183", "%s",
		    did(FRESH(MoveFileExA(temp_path("b"), there, MOVEFILE_COPY_ALLOWED))));
		see("W-MOVE-1 over a file on another volume", "TRUE", "%s",
		    did(FRESH(MoveFileExA(temp_path("b"), there,
					  MOVEFILE_COPY_ALLOWED | MOVEFILE_REPLACE_EXISTING))));
		see("W-MOVE-1 back", "TRUE", "%s", did(FRESH(MoveFileA(there, temp_path("b")))));
		see("W-MOVE-1 the new file is back", "b:2", "%s", left("ab"));
		see("W-MOVE-1 cancelled", "FALSE 1235", "%s",
		    did(FRESH(MoveFileWithProgressA(temp_path("b"), there, count_report, &answer,
						    MOVEFILE_COPY_ALLOWED))));
		see("W-MOVE-1 cancelled, the source is there", "b:2", "%s", left("ab"));
		see("W-MOVE-1 cancelled, the target is not", "FALSE 2", "%s",
		    did(FRESH(DeleteFileA(there))));
		CreateDirectoryA(temp_path("d"), NULL);
		see("W-MOVE-1 a directory to another volume", "FALSE 17", "%s",
		    did(FRESH(MoveFileExA(temp_path("d"), there, 0))));
		see("W-MOVE-1 nor by a copy", "FALSE 5", "%s",
		    did(FRESH(MoveFileA(temp_path("d"), there))));
	}
	forget("abd");
}

/* The A form of Wine takes a backup that is NULL for an empty name. */
static const char *replace(const char *replaced, const char *replacement, const char *backup, DWORD flags)
{
	WCHAR wide[3][260], *w;
	const char *names[3] = { temp_path(replaced), temp_path(replacement),
				 backup ? temp_path(backup) : "" };

	for (int i = 0; i < 3; i++) {
		const char *c = names[i];

		for (w = wide[i]; (*w = (WCHAR)*c); w++, c++)
			;
	}
	return did(FRESH(ReplaceFileW(wide[0], wide[1], backup ? wide[2] : NULL, flags, NULL, NULL)));
}

static void two_files(void)
{
	put("r", "old");
	put("n", "new");
}

static void replacements(void)
{
	two_files();
	see("W-REPL-1 replace", "TRUE", "%s", replace("r", "n", NULL, 0));
	see("W-REPL-1 leaves", "r:new", "%s", left("rnb"));
	two_files();
	see("W-REPL-1 with a backup", "TRUE", "%s", replace("r", "n", "b", 0));
	see("W-REPL-1 leaves two", "r:new b:old", "%s", left("rnb"));
	put("r", "third");
	put("n", "fourth");
	see("W-REPL-1 with another", "TRUE", "%s", replace("r", "n", "b", 7));
	see("W-REPL-1 leaves the last", "r:fourth b:third", "%s", left("rnb"));
	two_files();
	see("W-REPL-1 a replaced file that is missing", "FALSE 2", "%s", replace("q", "n", NULL, 0));
	see("W-REPL-1 a directory that is missing", "FALSE 3", "%s", replace("q/r", "n", NULL, 0));
	see("W-REPL-1 a replacement that is missing", "FALSE 2", "%s", replace("r", "q", NULL, 0));
	see("W-REPL-1 a replacement's directory", "FALSE 3", "%s", replace("r", "q/n", NULL, 0));
	see("W-REPL-1 a backup's directory", "FALSE 3", "%s", replace("r", "n", "q/b", 0));
	see("W-REPL-1 by itself", "FALSE 32", "%s", replace("r", "r", NULL, 0));
	see("W-REPL-1 none", "FALSE 87", "%s",
	    did(FRESH(ReplaceFileW(NULL, NULL, NULL, 0, NULL, NULL))));
	CreateDirectoryA(temp_path("d"), NULL);
	see("W-REPL-1 a directory", "FALSE 5", "%s", replace("d", "n", NULL, 0));
	see("W-REPL-1 by a directory", "FALSE 5", "%s", replace("r", "d", NULL, 0));
	see("W-REPL-1 a directory for a backup", "FALSE 1175", "%s", replace("r", "n", "d", 0));
	see("W-REPL-1 after all that", "r:old n:new d:", "%s", left("rnd"));
	SetFileAttributesA(temp_path("r"), FILE_ATTRIBUTE_READONLY);
	see("W-REPL-1 a read-only file", "FALSE 5", "%s", replace("r", "n", NULL, 0));
	forget("rnbd");
}

static void open_replacements(void)
{
	HANDLE h;

	two_files();
	h = hold("r", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE);
	see("W-CREATE-3 replace what is not shared", "FALSE 32", "%s", replace("r", "n", NULL, 0));
	CloseHandle(h);
	h = hold("n", GENERIC_READ, ALL);
	see("W-CREATE-3 by what is open", "FALSE 32", "%s", replace("r", "n", NULL, 0));
	CloseHandle(h);
	see("W-CREATE-3 both are there", "r:old n:new", "%s", left("rn"));
	h = hold("r", GENERIC_READ, ALL);
	see("W-CREATE-3 replace what is shared", "TRUE", "%s", replace("r", "n", "b", 0));
	CloseHandle(h);
	see("W-CREATE-3 it is the backup", "r:new b:old", "%s", left("rnb"));
	forget("rnb");
}

static const struct conform_case cases[] = {
	{ names, 0 },	     { targets, 0 },	  { open_files, 0 },
	{ volumes, 0 },	     { replacements, 0 }, { open_replacements, 0 },
};

CONFORM_MAIN(cases)
