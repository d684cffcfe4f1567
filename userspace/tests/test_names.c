// SPDX-License-Identifier: MIT
/* Which file a name means (W-CREATE-7). */
#include <windows.h>

#include "files.h"

static bool opens(const char *name)
{
	HANDLE h = create(name, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);

	return h != INVALID_HANDLE_VALUE && CloseHandle(h);
}

#define CHECK_NO_NAME(name, error) \
	CHECK_NO_FILE(create(name, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0), error)

static void slashes(void)
{
	char name[PATH_MAX];

	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK(CloseHandle(create(host_path("d\\f"), RW, 0, CREATE_NEW, 0)));
	CHECK_EQ(size_of(host_path("d/f")), 0);
	CHECK(opens(host_path("d//f")));
	CHECK(opens(host_path("d\\\\f")));
	CHECK(opens(host_path("d\\.\\f")));
	/* A name that has a backslash in it, as Linux allows, goes first. */
	snprintf(name, sizeof(name), "%s", host_path("d\\g"));
	CHECK_EQ(close(open(name, O_CREAT | O_RDWR, 0600)), 0);
	CHECK_NO_FILE(create(name, RW, 0, CREATE_NEW, 0), ERROR_FILE_EXISTS);
	CHECK_EQ(size_of(host_path("d/g")), -1);
}

static void dots(void)
{
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK_EQ(mkdir(host_path("other"), 0700), 0);
	CHECK_EQ(mkdir(host_path("other/d"), 0700), 0);
	CHECK_EQ(symlink("other/d", host_path("link")), 0);
	host_file("f");
	/* The Windows way of writing it: what the dots take away need not be there. */
	CHECK(opens(windows_name(host_path("no/../f"))));
	CHECK(opens(windows_name(host_path("d/./../d/../f"))));
	CHECK(opens(windows_name(host_path("link/../f"))));
	CHECK(opens("Z:\\..\\..\\dev\\null"));
	/* As a path of Linux it is the kernel's. */
	CHECK_NO_NAME(host_path("no/../f"), ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME(host_path("link/../f"), ERROR_FILE_NOT_FOUND);
	CHECK(opens(host_path("d/../f")));
}

static void devices(void)
{
	char buf[4] = "xxxx";
	DWORD n;
	HANDLE h;

	h = create("\\\\.\\zero", GENERIC_READ, SHARE, OPEN_EXISTING, 0);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(ReadFile(h, buf, 4, &n, NULL));
	CHECK_EQ(n, 4);
	CHECK(!memcmp(buf, "\0\0\0\0", 4));
	CHECK(opens("//./null"));
	CHECK(opens("\\\\?\\null"));
	CHECK_NO_NAME("\\\\.\\no-such-device", ERROR_FILE_NOT_FOUND);
	CHECK_NO_NAME("\\\\.\\pipe\\none", ERROR_FILE_NOT_FOUND);
	CHECK_NO_NAME("\\\\.\\", ERROR_FILE_NOT_FOUND);
	CHECK_NO_NAME("\\\\?\\GLOBALROOT\\Device\\Null", ERROR_PATH_NOT_FOUND);
}

static void dos_devices(void)
{
	const char *const nul[] = { "NUL", "nul", "NUL:", "\\\\.\\NUL", "\\\\?\\nul" };
	HANDLE h;
	DWORD n;

	CHECK_EQ(chdir(host_path(".")), 0);
	for (int i = 0; i < 5; i++) {
		h = create(nul[i], RW, 0, CREATE_ALWAYS, 0);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK(WriteFile(h, "x", 1, &n, NULL));
		CHECK_EQ(n, 1);
		CHECK(ReadFile(h, &n, 1, &n, NULL));
		CHECK_EQ(n, 0);
	}
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(rmdir(host_dir), 0);
	/* Without a terminal there is no console either. */
	CHECK(setsid() >= 0 || getpid() == getsid(0));
	CHECK_NO_NAME("CONOUT$", ERROR_FILE_NOT_FOUND);
	CHECK_NO_NAME("conin$", ERROR_FILE_NOT_FOUND);
	CHECK_NO_NAME("\\\\.\\CON", ERROR_FILE_NOT_FOUND);
	if (!host_exists("/dev/ttyS255"))
		CHECK_NO_NAME("\\\\.\\COM256", ERROR_FILE_NOT_FOUND);
}

static void drives(void)
{
	char name[PATH_MAX];

	host_file("f");
	CHECK(opens(windows_name(host_path("f"))));
	snprintf(name, sizeof(name), "z:%s", host_path("f"));
	CHECK(opens(name));
	CHECK_EQ(chdir(host_path(".")), 0);
	CHECK(opens("Z:f"));
	CHECK(opens("Z:.\\f"));
	CHECK_NO_NAME("Z:no", ERROR_FILE_NOT_FOUND);
	CHECK_NO_NAME("Z:\\no\\f", ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME("C:\\f", ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME("Q:f", ERROR_PATH_NOT_FOUND);
	CHECK_NO_FILE(create("Q:\\f", RW, 0, CREATE_ALWAYS, 0), ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME("\\\\?\\Q:\\f", ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME("\\\\?\\Z:f", ERROR_PATH_NOT_FOUND);
	/* A file of Linux that looks like a drive. */
	host_file("q:x");
	CHECK(opens("q:x"));
}

static void namespaces(void)
{
	const char *f = host_file("f");
	char name[PATH_MAX + 16];
	static const char *const before[] = { "\\\\?\\unix%s", "\\\\.\\unix%s", "//?/unix%s",
					      "\\\\?\\UNIX%s", "\\\\.\\Z:%s", "\\\\?\\z:%s",
					      "\\\\?\\%s" };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		snprintf(name, sizeof(name), before[i], f);
		CHECK(opens(name));
	}
	snprintf(name, sizeof(name), "\\\\?\\%s", windows_name(f));
	CHECK(opens(name));
	/* Behind it a path of Linux is taken as it stands: a backslash is no slash, a star no wild card. */
	snprintf(name, sizeof(name), "\\\\?\\%s", host_path("a\\b*"));
	CHECK(CloseHandle(create(name, RW, 0, CREATE_NEW, 0)));
	CHECK_EQ(size_of(host_path("a\\b*")), 0);
}

static void servers(void)
{
	CHECK_NO_NAME("\\\\server\\share\\f", ERROR_BAD_NETPATH);
	CHECK_NO_NAME("//server/share/f", ERROR_BAD_NETPATH);
	CHECK_NO_NAME("\\\\?\\UNC\\server\\share\\f", ERROR_BAD_NETPATH);
	/* A path of Linux with a slash too many. */
	CHECK(opens("//dev/null"));
	CHECK_NO_NAME("//dev/no-such-file", ERROR_FILE_NOT_FOUND);
}

static void wild_cards(void)
{
	const char *const bad[] = { "a*b", "a?b", "a<b", "a>b", "a|b", "a\"b", "a\001b" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_NO_NAME(host_path(bad[i]), ERROR_INVALID_NAME);
		CHECK_NO_NAME(windows_name(host_path(bad[i])), ERROR_INVALID_NAME);
		CHECK_NO_FILE(create(host_path(bad[i]), RW, 0, CREATE_ALWAYS, 0), ERROR_INVALID_NAME);
		CHECK(!host_exists(host_path(bad[i])));
		/* Linux allows it, and such a file is found. */
		host_file(bad[i]);
		CHECK(opens(host_path(bad[i])));
		CHECK(opens(windows_name(host_path(bad[i]))));
	}
}

static void trailing_slash(void)
{
	host_file("f");
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK_NO_NAME(host_path("f/"), ERROR_INVALID_NAME);
	CHECK_NO_NAME(windows_name(host_path("f/")), ERROR_INVALID_NAME);
	CHECK_NO_NAME(host_path("f/x"), ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME(host_path("no/"), ERROR_FILE_NOT_FOUND);
	CHECK_NO_FILE(create(host_path("no/"), RW, 0, CREATE_ALWAYS, 0), ERROR_INVALID_NAME);
	CHECK_NO_NAME(host_path("d/"), ERROR_PATH_NOT_FOUND);
	CHECK_NO_FILE(create(host_path("d/"), RW, SHARE, OPEN_EXISTING, 0), ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME(host_path("d"), ERROR_ACCESS_DENIED);
}

static void empty_and_long(void)
{
	char name[PATH_MAX], deep[PATH_MAX];
	int length;

	CHECK_NO_NAME("", ERROR_PATH_NOT_FOUND);
	CHECK_NO_NAME(NULL, ERROR_PATH_NOT_FOUND);
	/* A name of 259 characters fits into MAX_PATH with its 0; one of 260 does not. */
	host_file("f");
	length = snprintf(name, sizeof(name), "%s", host_path("."));
	while (length + 2 < MAX_PATH - 2) {
		strcpy(name + length, "/.");
		length += 2;
	}
	strcpy(name + length, length == MAX_PATH - 3 ? "/f" : "//f");
	CHECK_EQ(strlen(name), MAX_PATH - 1);
	CHECK(opens(name));
	snprintf(deep, sizeof(deep), "/%s", name);
	CHECK_NO_NAME(deep, ERROR_FILENAME_EXCED_RANGE);
	/* The prefix is there to go beyond. */
	snprintf(deep, sizeof(deep), "\\\\?\\/%s", name);
	CHECK(opens(deep));
}

/* ASCII as it is, anything else by the caller. */
static const WCHAR *wide(const char *name)
{
	static WCHAR buf[2][PATH_MAX];
	static int turn;
	WCHAR *w = buf[turn = !turn];
	int i;

	for (i = 0; name[i]; i++)
		w[i] = (WCHAR)(unsigned char)name[i];
	w[i] = 0;
	return buf[turn];
}

static HANDLE create_wide(const WCHAR *name, DWORD disposition)
{
	SetLastError(0xdead);
	return CreateFileW(name, RW, 0, NULL, disposition, 0, NULL);
}

static void wide_names(void)
{
	CREATEFILE2_EXTENDED_PARAMETERS more = { sizeof(more), FILE_ATTRIBUTE_READONLY,
						 FILE_FLAG_SEQUENTIAL_SCAN, 0, NULL, NULL };
	char path[PATH_MAX];
	WCHAR *w;
	HANDLE h;

	CHECK(CloseHandle(create_wide(wide(windows_name(host_path("f"))), CREATE_NEW)));
	CHECK_EQ(size_of(host_path("f")), 0);
	/* U+00E9, and U+1F600 by a pair of surrogates. */
	w = (WCHAR *)wide(host_path("e12"));
	w[strlen(host_path("e12")) - 3] = 0xe9;
	w[strlen(host_path("e12")) - 2] = 0xd83d;
	w[strlen(host_path("e12")) - 1] = 0xde00;
	CHECK(CloseHandle(create_wide(w, CREATE_NEW)));
	CHECK_EQ(size_of(host_path("\xc3\xa9\xf0\x9f\x98\x80")), 0);
	w[strlen(host_path("e12")) - 1] = 'x';
	CHECK_NO_FILE(create_wide(w, CREATE_NEW), ERROR_INVALID_NAME);
	CHECK_NO_FILE(create_wide(NULL, OPEN_EXISTING), ERROR_PATH_NOT_FOUND);
	CHECK_NO_FILE(create_wide(wide(""), OPEN_EXISTING), ERROR_PATH_NOT_FOUND);
	/* The limit is the A form's. */
	memset(path, '/', 300);
	strcpy(path + 300, host_path("f"));
	CHECK(CloseHandle(create_wide(wide(path), OPEN_EXISTING)));

	CHECK(CloseHandle(CreateFile2(wide(host_path("f")), RW, 0, OPEN_EXISTING, NULL)));
	h = CreateFile2(wide(host_path("g")), RW, 0, CREATE_NEW, &more);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_EQ(GetFileAttributesA(host_path("g")) & FILE_ATTRIBUTE_READONLY,
		 FILE_ATTRIBUTE_READONLY);
	more.dwSize = 4;
	SetLastError(0xdead);
	CHECK_NO_FILE(CreateFile2(wide(host_path("h")), RW, 0, CREATE_NEW, &more),
		      ERROR_INVALID_PARAMETER);
	CHECK(!host_exists(host_path("h")));
}

static void full_names(void)
{
	static const WCHAR lone[] = { 0xd800, 'x', 0 };
	char buf[MAX_PATH], cwd[PATH_MAX], *part;
	WCHAR wbuf[MAX_PATH], *wpart;

	CHECK_EQ(GetFullPathNameA("Z:\\a\\..\\b\\.\\c", MAX_PATH, buf, &part), 4);
	CHECK(!strcmp(buf, "/b/c"));
	CHECK(!strcmp(part, "c"));
	CHECK_EQ(GetFullPathNameA("/a//b/../c/", MAX_PATH, buf, &part), 5);
	CHECK(!strcmp(buf, "/a/c/"));
	CHECK(!part);
	CHECK_EQ(GetFullPathNameA("/..", MAX_PATH, buf, NULL), 1);
	CHECK(!strcmp(buf, "/"));
	CHECK_EQ(chdir(host_path(".")), 0);
	CHECK(getcwd(cwd, sizeof(cwd)));
	strcat(cwd, "/x*");
	CHECK_EQ(GetFullPathNameA("y\\..\\x*", MAX_PATH, buf, &part), strlen(cwd));
	CHECK(!strcmp(buf, cwd));
	CHECK(!strcmp(part, "x*"));
	/* What it would need, with the 0, and nothing written. */
	CHECK_EQ(GetFullPathNameA("/a/b", 4, buf, &part), 5);
	CHECK(!strcmp(buf, cwd));
	CHECK_EQ(GetFullPathNameA("/a/b", 5, buf, &part), 4);
	CHECK_ANSWER(GetFullPathNameA("", MAX_PATH, buf, &part), 0, ERROR_INVALID_NAME);
	CHECK_EQ(GetFullPathNameW(wide("Z:\\a\\b"), MAX_PATH, wbuf, &wpart), 4);
	CHECK(wpart == wbuf + 3 && *wpart == 'b' && !wpart[1]);
	CHECK_EQ(GetFullPathNameW(wide("/a/b"), 4, wbuf, &wpart), 5);
	CHECK_ANSWER(GetFullPathNameW(lone, MAX_PATH, wbuf, &wpart), 0, ERROR_INVALID_NAME);
}

static void current_directory(void)
{
	char buf[PATH_MAX], real[PATH_MAX];
	DWORD n;

	host_file("f");
	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK(SetCurrentDirectoryA(windows_name(host_path("d"))));
	n = GetCurrentDirectoryA(sizeof(buf), buf);
	CHECK_EQ(n, strlen(buf));
	CHECK(realpath(host_path("d"), real));
	CHECK(!strcmp(buf, real));
	CHECK_EQ(GetCurrentDirectoryA(n, buf), n + 1);
	CHECK_EQ(GetCurrentDirectoryW(0, NULL), n + 1);
	CHECK_FAILS(SetCurrentDirectoryA(host_path("no")), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(SetCurrentDirectoryA(host_path("no/no")), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(SetCurrentDirectoryA(host_path("f")), ERROR_DIRECTORY);
	CHECK_FAILS(SetCurrentDirectoryA(""), ERROR_PATH_NOT_FOUND);
	CHECK(SetCurrentDirectoryW(wide("..")));
	CHECK_EQ(GetCurrentDirectoryA(sizeof(buf), buf), n - 2);
}

static const struct tap_case cases[] = {
	CASE(slashes, "either slash, and a backslash in a name"),
	CASE(dots, "dots in names of either kind"),
	CASE(devices, "devices"),
	CASE(dos_devices, "NUL, CON and serial lines"),
	CASE(drives, "drives"),
	CASE(namespaces, "\\\\?\\ and \\\\.\\ (W-CREATE-7)"),
	CASE(servers, "names of servers"),
	CASE(wild_cards, "characters that are in no name"),
	CASE(trailing_slash, "a slash behind the name"),
	CASE(empty_and_long, "no name, and too long a one (W-CREATE-7)"),
	CASE(wide_names, "names in UTF-16; CreateFile2"),
	CASE(full_names, "GetFullPathName"),
	CASE(current_directory, "the current directory"),
};

TAP_MAIN(cases)
