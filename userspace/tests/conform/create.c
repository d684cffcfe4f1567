// SPDX-License-Identifier: MIT
/* CreateFile: dispositions, access, sharing, names (W-CREATE). */
#include "conform.h"

#define ALL_SHARE (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

static char buf[64];
static DWORD n;

static HANDLE open_with(const char *name, DWORD access, DWORD share, DWORD disposition)
{
	return FRESH(CreateFileA(temp_path(name), access, share, NULL, disposition,
				 FILE_ATTRIBUTE_NORMAL, NULL));
}

/* What an attempt gives, and the last error of its success; nothing stays open. */
static const char *tried(const char *name, DWORD access, DWORD share, DWORD disposition)
{
	HANDLE h = open_with(name, access, share, disposition);
	char *text = conform_text();

	if (h == INVALID_HANDLE_VALUE)
		return got(h);
	snprintf(text, 64, "handle %u", last());
	CloseHandle(h);
	return text;
}

static unsigned int size_of(const char *name)
{
	HANDLE h = open_with(name, GENERIC_READ, ALL_SHARE, OPEN_EXISTING);
	unsigned int size = (unsigned int)GetFileSize(h, NULL);

	CloseHandle(h);
	return size;
}

static void dispositions(void)
{
	const DWORD rw = GENERIC_READ | GENERIC_WRITE;

	see("W-CREATE-2 OPEN_EXISTING of nothing", "INVALID 2", "%s",
	    tried("d1", rw, 0, OPEN_EXISTING));
	see("W-CREATE-2 TRUNCATE_EXISTING of nothing", "INVALID 2", "%s",
	    tried("d1", rw, 0, TRUNCATE_EXISTING));
	see("W-CREATE-2 CREATE_NEW", "handle 0", "%s", tried("d1", rw, 0, CREATE_NEW));
	see("W-CREATE-2 CREATE_NEW again", "INVALID 80", "%s", tried("d1", rw, 0, CREATE_NEW));
	see("W-CREATE-2 CREATE_ALWAYS of a new one", "handle 0", "%s",
	    tried("d2", rw, 0, CREATE_ALWAYS));
	see("W-CREATE-2 CREATE_ALWAYS of one that is there", "handle 183", "%s",
	    tried("d2", rw, 0, CREATE_ALWAYS));
	see("W-CREATE-2 OPEN_ALWAYS of a new one", "handle 0", "%s",
	    tried("d3", rw, 0, OPEN_ALWAYS));
	see("W-CREATE-2 OPEN_ALWAYS of one that is there", "handle 183", "%s",
	    tried("d3", rw, 0, OPEN_ALWAYS));
	see("W-CREATE-2 OPEN_EXISTING", "handle 0", "%s", tried("d3", rw, 0, OPEN_EXISTING));
	see("W-CREATE-2 a missing directory", "INVALID 3", "%s",
	    tried("nowhere/d1", rw, 0, OPEN_EXISTING));
	see("W-CREATE-2 create in a missing directory", "INVALID 3", "%s",
	    tried("nowhere/d1", rw, 0, CREATE_NEW));
	see("W-CREATE-2 disposition 0", "INVALID 87", "%s", tried("d1", rw, 0, 0));
	see("W-CREATE-2 disposition 6", "INVALID 87", "%s", tried("d1", rw, 0, 6));
	DeleteFileA(temp_path("d1"));
	DeleteFileA(temp_path("d2"));
	DeleteFileA(temp_path("d3"));
}

static void truncation(void)
{
	CloseHandle(temp_new("t1", "0123456789"));
	see("W-CREATE-2 OPEN_ALWAYS keeps the content", "handle 183", "%s",
	    tried("t1", GENERIC_WRITE, 0, OPEN_ALWAYS));
	see("W-CREATE-2 its size", "10", "%u", size_of("t1"));
	see("W-CREATE-2 TRUNCATE_EXISTING without GENERIC_WRITE", "INVALID 87", "%s",
	    tried("t1", GENERIC_READ, 0, TRUNCATE_EXISTING));
	see("W-CREATE-2 its size is as it was", "10", "%u", size_of("t1"));
	see("W-CREATE-2 TRUNCATE_EXISTING", "handle", "%.6s",
	    tried("t1", GENERIC_WRITE, 0, TRUNCATE_EXISTING));
	see("W-CREATE-2 its size is none", "0", "%u", size_of("t1"));
	CloseHandle(temp_new("t1", "0123456789"));
	see("W-CREATE-2 CREATE_ALWAYS only to read", "handle 183", "%s",
	    tried("t1", GENERIC_READ, 0, CREATE_ALWAYS));
	see("W-CREATE-2 its size is none, too", "0", "%u", size_of("t1"));
	CloseHandle(temp_new("t1", "0123456789"));
	see("W-CREATE-3 CREATE_ALWAYS of one in use", "0", "%u", ({
		HANDLE h = open_with("t1", GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING);
		const char *result = tried("t1", GENERIC_WRITE, ALL_SHARE, CREATE_ALWAYS);

		CloseHandle(h);
		strcmp(result, "INVALID 32") != 0;
	}));
	see("W-CREATE-3 it keeps its content", "10", "%u", size_of("t1"));
	DeleteFileA(temp_path("t1"));
}

static void access_rights(void)
{
	HANDLE h;

	CloseHandle(temp_new("a1", "data"));
	h = open_with("a1", GENERIC_READ, ALL_SHARE, OPEN_EXISTING);
	see("W-CREATE-6 read with the right", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 4, &n, NULL))));
	see("W-CREATE-6 write without", "FALSE 5", "%s", did(FRESH(WriteFile(h, "x", 1, &n, NULL))));
	see("W-FLUSH-1 flush without", "FALSE 5", "%s", did(FRESH(FlushFileBuffers(h))));
	see("W-CREATE-6 truncate without", "FALSE 5", "%s", did(FRESH(SetEndOfFile(h))));
	CloseHandle(h);
	h = open_with("a1", GENERIC_WRITE, ALL_SHARE, OPEN_EXISTING);
	see("W-CREATE-6 write with the right", "TRUE", "%s",
	    did(FRESH(WriteFile(h, "DA", 2, &n, NULL))));
	see("W-CREATE-6 read without", "FALSE 5", "%s", did(FRESH(ReadFile(h, buf, 4, &n, NULL))));
	see("W-FLUSH-1 flush with", "TRUE", "%s", did(FRESH(FlushFileBuffers(h))));
	CloseHandle(h);
	h = open_with("a1", 0, 0, OPEN_EXISTING);
	see("W-CREATE-3 no access at all", "handle", "%s", got(h));
	see("W-CREATE-6 cannot read", "FALSE 5", "%s", did(FRESH(ReadFile(h, buf, 4, &n, NULL))));
	CloseHandle(h);
	h = open_with("a1", FILE_APPEND_DATA, ALL_SHARE, OPEN_EXISTING);
	see("W-CREATE-6 only to append", "TRUE", "%s", did(FRESH(WriteFile(h, "++", 2, &n, NULL))));
	CloseHandle(h);
	see("W-CREATE-6 it was appended", "6", "%u", size_of("a1"));
	h = open_with("a1", FILE_READ_DATA, ALL_SHARE, OPEN_EXISTING);
	ReadFile(h, buf, 64, &n, NULL);
	see("W-CREATE-6 FILE_READ_DATA", "6 DAta++", "%u %.6s", (unsigned int)n, buf);
	CloseHandle(h);
	h = open_with("a1", GENERIC_ALL, ALL_SHARE, OPEN_EXISTING);
	see("W-CREATE-6 GENERIC_ALL writes", "TRUE", "%s",
	    did(FRESH(WriteFile(h, "X", 1, &n, NULL))));
	see("W-CREATE-6 GENERIC_ALL reads", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 1, &n, NULL))));
	CloseHandle(h);
	DeleteFileA(temp_path("a1"));
}

/* Each open file's access against each other's sharing, both ways. */
static void sharing(void)
{
	static const struct {
		DWORD access, share;
		const char *name;
	} modes[] = {
		{ GENERIC_READ, 0, "R-" },
		{ GENERIC_READ, FILE_SHARE_READ, "Rr" },
		{ GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, "Rrw" },
		{ GENERIC_WRITE, FILE_SHARE_READ, "Wr" },
		{ GENERIC_WRITE, FILE_SHARE_WRITE, "Ww" },
		{ GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, "RWrw" },
		{ 0, 0, "0-" },
		{ DELETE, ALL_SHARE, "Drwd" },
	};
	const unsigned int count = sizeof(modes) / sizeof(modes[0]);
	static const char *const want[] = {
		"R-: R- 32 Rr 32 Rrw 32 Wr 32 Ww 32 RWrw 32 0- 0 Drwd 32",
		"Rr: R- 32 Rr 0 Rrw 0 Wr 32 Ww 32 RWrw 32 0- 0 Drwd 32",
		"Rrw: R- 32 Rr 0 Rrw 0 Wr 0 Ww 32 RWrw 0 0- 0 Drwd 32",
		"Wr: R- 32 Rr 32 Rrw 0 Wr 32 Ww 32 RWrw 32 0- 0 Drwd 32",
		"Ww: R- 32 Rr 32 Rrw 32 Wr 32 Ww 0 RWrw 32 0- 0 Drwd 32",
		"RWrw: R- 32 Rr 32 Rrw 0 Wr 32 Ww 32 RWrw 0 0- 0 Drwd 32",
		"0-: R- 0 Rr 0 Rrw 0 Wr 0 Ww 0 RWrw 0 0- 0 Drwd 0",
		"Drwd: R- 32 Rr 32 Rrw 32 Wr 32 Ww 32 RWrw 32 0- 0 Drwd 0",
	};
	unsigned int i, j;

	CloseHandle(temp_new("s1", "shared"));
	for (i = 0; i < count; i++) {
		char name[40], saw[200];
		HANDLE first = open_with("s1", modes[i].access, modes[i].share, OPEN_EXISTING);

		snprintf(saw, sizeof(saw), "%s:", modes[i].name);
		for (j = 0; j < count; j++) {
			HANDLE second =
				open_with("s1", modes[j].access, modes[j].share, OPEN_EXISTING);
			unsigned int error = second == INVALID_HANDLE_VALUE ? last() : 0;

			snprintf(saw + strlen(saw), sizeof(saw) - strlen(saw), " %s %u",
				 modes[j].name, error);
			CloseHandle(second);
		}
		CloseHandle(first);
		snprintf(name, sizeof(name), "W-CREATE-3 beside %s", modes[i].name);
		see(name, want[i], "%s", saw);
	}
	see("W-CREATE-3 all are closed", "handle", "%.6s",
	    tried("s1", GENERIC_READ | GENERIC_WRITE, 0, OPEN_EXISTING));
	DeleteFileA(temp_path("s1"));
}

static void sharing_of_duplicates(void)
{
	HANDLE h, twin;

	CloseHandle(temp_new("s2", "shared"));
	h = open_with("s2", GENERIC_READ, 0, OPEN_EXISTING);
	DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &twin, 0, FALSE,
			DUPLICATE_SAME_ACCESS);
	CloseHandle(h);
	see("W-CREATE-3 a duplicate holds it", "INVALID 32", "%s",
	    tried("s2", GENERIC_READ, ALL_SHARE, OPEN_EXISTING));
	CloseHandle(twin);
	see("W-CREATE-3 the last one is closed", "handle", "%.6s",
	    tried("s2", GENERIC_READ, ALL_SHARE, OPEN_EXISTING));
	DeleteFileA(temp_path("s2"));
}

static void deletion(void)
{
	HANDLE h, keep;

	CloseHandle(temp_new("x1", "x"));
	h = open_with("x1", GENERIC_READ, FILE_SHARE_READ, OPEN_EXISTING);
	see("W-CREATE-8 delete of an open one", "FALSE 32", "%s",
	    did(FRESH(DeleteFileA(temp_path("x1")))));
	CloseHandle(h);
	see("W-CREATE-8 delete", "TRUE", "%s", did(FRESH(DeleteFileA(temp_path("x1")))));
	see("W-CREATE-8 delete again", "FALSE 2", "%s", did(FRESH(DeleteFileA(temp_path("x1")))));
	see("W-CREATE-8 delete in a missing directory", "FALSE 3", "%s",
	    did(FRESH(DeleteFileA(temp_path("nowhere/x1")))));
	see("W-CREATE-8 delete of a directory", "FALSE 5", "%s",
	    did(FRESH(DeleteFileA(conform_dir))));

	CloseHandle(temp_new("x2", "x"));
	h = CreateFileA(temp_path("x2"), GENERIC_READ | DELETE, ALL_SHARE, NULL, OPEN_EXISTING,
			FILE_FLAG_DELETE_ON_CLOSE, NULL);
	see("W-CREATE-8 DELETE_ON_CLOSE", "handle", "%s", got(h));
	see("W-CREATE-8 another must share it", "INVALID 32", "%s",
	    tried("x2", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, OPEN_EXISTING));
	keep = open_with("x2", GENERIC_READ, ALL_SHARE, OPEN_EXISTING);
	see("W-CREATE-8 one that shares it", "handle", "%s", got(keep));
	see("W-CREATE-8 it can be read", "TRUE", "%s", did(FRESH(ReadFile(keep, buf, 1, &n, NULL))));
	CloseHandle(keep);
	CloseHandle(h);
	see("W-CREATE-8 all are closed", "INVALID 2", "%s",
	    tried("x2", GENERIC_READ, ALL_SHARE, OPEN_EXISTING));
}

static void directories(void)
{
	HANDLE h;

	see("W-CREATE-7 a directory", "INVALID 5", "%s",
	    got(FRESH(CreateFileA(conform_dir, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING, 0,
				  NULL))));
	see("W-CREATE-7 a directory and a slash", "INVALID 3", "%s",
	    tried("", GENERIC_READ, ALL_SHARE, OPEN_EXISTING));
	h = FRESH(CreateFileA(conform_dir, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING,
			      FILE_FLAG_BACKUP_SEMANTICS, NULL));
	see("W-CREATE-7 a directory, for backup", "handle", "%s", got(h));
	see("W-CREATE-7 is not read", "FALSE", "%.5s", did(FRESH(ReadFile(h, buf, 1, &n, NULL))));
	CloseHandle(h);
	see("W-CREATE-7 make a directory", "TRUE", "%s",
	    did(FRESH(CreateDirectoryA(temp_path("sub"), NULL))));
	see("W-CREATE-7 make it again", "FALSE 183", "%s",
	    did(FRESH(CreateDirectoryA(temp_path("sub"), NULL))));
	CloseHandle(temp_new("sub/file", ""));
	see("W-CREATE-7 remove a full one", "FALSE 145", "%s",
	    did(FRESH(RemoveDirectoryA(temp_path("sub")))));
	see("W-CREATE-7 a directory's attributes", "16", "%u",
	    (unsigned int)GetFileAttributesA(temp_path("sub")) & 16);
	see("W-CREATE-7 a file's attributes", "0", "%u",
	    (unsigned int)GetFileAttributesA(temp_path("sub/file")) & 16);
	SetLastError(UNTOUCHED);
	see("W-CREATE-7 attributes of nothing", "4294967295", "%u",
	    (unsigned int)GetFileAttributesA(temp_path("sub/none")));
	see("W-CREATE-7 attributes of nothing: error", "2", "%u", last());
	DeleteFileA(temp_path("sub/file"));
	see("W-CREATE-7 remove an empty one", "TRUE", "%s",
	    did(FRESH(RemoveDirectoryA(temp_path("sub")))));
	see("W-CREATE-7 remove nothing", "FALSE 2", "%s",
	    did(FRESH(RemoveDirectoryA(temp_path("sub")))));
}

static const char *tried_path(const char *path)
{
	HANDLE h = FRESH(CreateFileA(path, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL));
	const char *result = got(h);

	if (h != INVALID_HANDLE_VALUE)
		CloseHandle(h);
	return result;
}

static char *backslashes(char *path)
{
	char *c;

	for (c = path; *c; c++)
		if (*c == '/')
			*c = '\\';
	return path;
}

static void names(void)
{
	static WCHAR wide[300];
	char path[300];
	HANDLE h;
	int i;

	CloseHandle(temp_new("name", "n"));
	snprintf(path, sizeof(path), "%s", temp_path("name"));
	see("W-CREATE-7 slashes", "handle", "%s", tried_path(path));
	see("W-CREATE-7 backslashes", "handle", "%s", tried_path(backslashes(path)));
	snprintf(path, sizeof(path), "Z:%s", temp_path("name"));
	see("W-CREATE-7 with a drive", "handle", "%s", tried_path(path));
	see("W-CREATE-7 with a drive and backslashes", "handle", "%s", tried_path(backslashes(path)));
	snprintf(path, sizeof(path), "\\\\?\\Z:%s", temp_path("name"));
	backslashes(path);
	see("W-CREATE-7 with a prefix", "handle", "%s", tried_path(path));
	snprintf(path, sizeof(path), "%s/./name", conform_dir);
	see("W-CREATE-7 with a dot", "handle", "%s", tried_path(path));
	snprintf(path, sizeof(path), "%s/gone/../name", conform_dir);
	see("W-CREATE-7 with two dots", "handle", "%s", tried_path(backslashes(path)));
	see("W-CREATE-7 no drive Q", "INVALID 3", "%s", tried_path("Q:\\name"));
	see("W-CREATE-7 no name", "INVALID 3", "%s", tried_path(""));
	see("W-CREATE-7 no string", "INVALID 3", "%s", tried_path(NULL));
	see("W-CREATE-7 NUL", "handle", "%s", tried_path("NUL"));
	see("W-CREATE-7 no such device", "INVALID 2", "%s", tried_path("\\\\.\\conform-none"));
	snprintf(path, sizeof(path), "%s", temp_path("name"));
	for (i = 0; path[i]; i++)
		wide[i] = (WCHAR)path[i];
	h = FRESH(CreateFileW(wide, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL));
	see("W-CREATE-7 CreateFileW", "handle", "%s", got(h));
	CloseHandle(h);
	wide[0] = 0;
	see("W-CREATE-7 CreateFileW, no name", "INVALID 3", "%s",
	    got(FRESH(CreateFileW(wide, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL))));
	see("W-CREATE-7 CreateFileW, no string", "INVALID 3", "%s",
	    got(FRESH(CreateFileW(NULL, GENERIC_READ, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL))));
	DeleteFileA(temp_path("name"));
}

static void kinds(void)
{
	HANDLE h = temp_new("kind", "k");

	see("W-CREATE-7 type of a file", "1", "%u", (unsigned int)GetFileType(h));
	CloseHandle(h);
	h = CreateFileA("NUL", GENERIC_READ | GENERIC_WRITE, ALL_SHARE, NULL, OPEN_EXISTING, 0, NULL);
	see("W-CREATE-7 type of NUL", "2", "%u", (unsigned int)GetFileType(h));
	see("W-CREATE-7 NUL takes all", "TRUE", "%s", did(FRESH(WriteFile(h, "abc", 3, &n, NULL))));
	see("W-CREATE-7 NUL took", "3", "%u", (unsigned int)n);
	see("W-CREATE-7 NUL gives nothing", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 3, &n, NULL))));
	see("W-CREATE-7 NUL gave", "0", "%u", (unsigned int)n);
	CloseHandle(h);
	see("W-CREATE-7 type of a closed one", "0", "%u", (unsigned int)FRESH(GetFileType(h)));
	see("W-CREATE-7 its error", "6", "%u", last());
	DeleteFileA(temp_path("kind"));
}

static const struct conform_case cases[] = {
	{ dispositions, 0 }, { truncation, 0 }, { access_rights, 0 }, { sharing, 0 },
	{ sharing_of_duplicates, 0 }, { deletion, 0 }, { directories, 0 }, { names, 0 }, { kinds, 0 },
};

CONFORM_MAIN(cases)
