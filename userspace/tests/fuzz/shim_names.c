// SPDX-License-Identifier: MIT
/*
 * Names: of files, directories, pipes and other objects, in both kinds of string, given to whoever
 * takes one, in a folder that is empty at first. Whole names are held against a simple
 * specification; of the rest, each call succeeds, or fails with an error that stands in the list.
 */
#include <limits.h>
#include <windows.h>

#include "input.h"
#include "sandbox.h"

#define HANDLES 8

static char scratch[PATH_MAX];
static HANDLE handles[HANDLES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sandbox_enter();
	PROMISE(getcwd(scratch, sizeof(scratch)));
	return 0;
}

/* What a name can be refused for. */
static void check_error(void)
{
	static const DWORD allowed[] = {
		ERROR_FILE_NOT_FOUND,	 ERROR_PATH_NOT_FOUND,	     ERROR_ACCESS_DENIED,
		ERROR_INVALID_HANDLE,	 ERROR_WRITE_PROTECT,	     ERROR_SHARING_VIOLATION,
		ERROR_BAD_NETPATH,	 ERROR_FILE_EXISTS,	     ERROR_INVALID_PARAMETER,
		ERROR_INVALID_NAME,	 ERROR_DIR_NOT_EMPTY,	     ERROR_ALREADY_EXISTS,
		ERROR_PIPE_BUSY,	 ERROR_FILENAME_EXCED_RANGE, ERROR_DIRECTORY,
		ERROR_SEM_TIMEOUT,	 ERROR_CANT_RESOLVE_FILENAME, ERROR_BAD_PATHNAME,
		ERROR_BUFFER_OVERFLOW,	 ERROR_NO_SYSTEM_RESOURCES,
	};
	DWORD error = GetLastError();

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (error == allowed[i])
			return;
	broken("error %u is none of those that a name is refused with", error);
}

static void check(BOOL ok)
{
	if (!ok)
		check_error();
}

/* ---- names ---- */

static const char *const words[] = {
	"a", "b", "dir", "file", "fifo", "link", ".", "..", "/", "\\", "Z:", "c:", "\\\\?\\", "\\\\.\\",
	"//./", "pipe\\", "unix\\", "UNC\\", "GLOBALROOT\\", "NUL", "con", "COM1", "CONIN$", "*", "?",
	"\"", "<", ":", " ", "Local\\", "Global\\", "\xC3\xA4", "\xFF", "\x01", "/dev/null", "/proc/self",
	"tmp", "...", "x.txt", "|", "\\\\server\\share", "nul:", "\\\\?\\Z:\\", "\\\\.\\pipe\\",
};

/* Words, and single bytes; memory of just its size. */
static char *take_name(struct input *in)
{
	size_t length = 0, most = take_below(in, 12);
	char name[600];

	while (most-- && left(in)) {
		uint8_t c = take_uint8(in);

		if (c >= 0xD0) {
			const char *word = words[(c - 0xD0) % (sizeof(words) / sizeof(*words))];

			strcpy(name + length, word);
			length += strlen(word);
		} else if (c == 0xCF) {
			/* Longer than a name may be, or nearly. */
			size_t n = take_uint8(in) + 1;

			if (length + n > 500)
				n = 1;
			memset(name + length, 'n', n);
			length += n;
		} else if (c) {
			name[length++] = (char)c;
		}
		if (length > 550)
			break;
	}
	name[length] = '\0';
	return strdup(name);
}

static WCHAR *wide_of(const char *name)
{
	int n = MultiByteToWideChar(CP_UTF8, 0, name, -1, NULL, 0);
	WCHAR *wide = malloc(sizeof(*wide) * (size_t)n);

	PROMISE_EQ(MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, n), n);
	return wide;
}

static bool is_utf8(const char *name)
{
	return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, NULL, 0) != 0;
}

/* ---- whole names ---- */

/* Of a plain POSIX name: what there is between slashes, and what dots mean. */
static void specified(const char *name, char *whole)
{
	char copy[2 * PATH_MAX], *parts[PATH_MAX], *save = NULL;
	size_t count = 0, length = strlen(name);
	bool slash = name[length - 1] == '/';

	snprintf(copy, sizeof(copy), "%s/%s", *name == '/' ? "" : scratch, name);
	for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (!strcmp(part, "."))
			continue;
		if (!strcmp(part, ".."))
			count -= count > 0;
		else
			parts[count++] = part;
	}
	strcpy(whole, count ? "" : "/");
	for (size_t i = 0; i < count; i++)
		sprintf(whole + strlen(whole), "/%s", parts[i]);
	if (slash && count)
		strcat(whole, "/");
}

static bool is_plain(const char *name)
{
	return *name && !strchr(name, '\\') && !strchr(name, ':') && strncmp(name, "//", 2) != 0 &&
	       strncasecmp(name, "NUL", 3) != 0 && strncasecmp(name, "CON", 3) != 0 &&
	       strncasecmp(name, "COM", 3) != 0 && strlen(name) < MAX_PATH;
}

static void full_name(struct input *in, const char *name)
{
	static char whole[3 * PATH_MAX], again[PATH_MAX];
	DWORD n, size = take_uint8(in), most = size + 1;
	char *buffer = malloc(most), *part = buffer;
	WCHAR *wide = wide_of(name), wide_buffer[PATH_MAX];

	memset(buffer, 'x', most);
	n = GetFullPathNameA(name, size, buffer, &part);
	PROMISE_EQ(buffer[size], 'x');
	if (!n)
		check_error();
	if (is_plain(name)) {
		specified(name, whole);
		PROMISE_EQ(n, n > size || !size ? strlen(whole) + 1 : strlen(whole));
	}
	if (n && n < size) {
		PROMISE_EQ(strlen(buffer), n);
		if (is_plain(name))
			PROMISE(!strcmp(buffer, whole));
		PROMISE(!part || (part > buffer && part[-1] == '/' && !strchr(part, '/')));
		PROMISE_EQ(!part, buffer[n - 1] == '/');
		/* Once more changes nothing; but there may be a Linux name that Windows splits. */
		if (!strchr(buffer, '\\') && n < MAX_PATH) {
			PROMISE_EQ(GetFullPathNameA(buffer, sizeof(again), again, NULL), n);
			PROMISE(!strcmp(buffer, again));
		}
	}
	if (n && is_utf8(name)) {
		DWORD m = GetFullPathNameW(wide, PATH_MAX, wide_buffer, NULL);

		PROMISE(m && m < PATH_MAX && !wide_buffer[m]);
	}
	free(wide);
	free(buffer);
}

/* ---- calls ---- */

static void keep(struct input *in, HANDLE h)
{
	HANDLE *place = &handles[take_below(in, HANDLES)];

	if (*place)
		PROMISE(CloseHandle(*place));
	*place = h;
}

static void open_file(struct input *in, const char *name, bool is_wide)
{
	static const uint64_t accesses[] = {
		0, GENERIC_READ, GENERIC_WRITE, GENERIC_READ | GENERIC_WRITE, DELETE, FILE_APPEND_DATA,
		GENERIC_ALL, MAXIMUM_ALLOWED, FILE_READ_ATTRIBUTES, GENERIC_EXECUTE, SYNCHRONIZE,
	};
	static const uint64_t flags[] = {
		0, FILE_FLAG_OVERLAPPED, FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_BACKUP_SEMANTICS,
		FILE_FLAG_OPEN_REPARSE_POINT, FILE_FLAG_NO_BUFFERING, FILE_FLAG_WRITE_THROUGH,
		FILE_ATTRIBUTE_READONLY, FILE_FLAG_RANDOM_ACCESS,
		FILE_FLAG_DELETE_ON_CLOSE | FILE_FLAG_BACKUP_SEMANTICS,
	};
	DWORD access = (DWORD)TAKE_ONE_OF(in, accesses), share = take_uint8(in) % 9;
	DWORD how = take_uint8(in) % 7, flag = (DWORD)TAKE_ONE_OF(in, flags);
	WCHAR *wide = is_wide ? wide_of(name) : NULL;
	HANDLE template = handles[take_below(in, HANDLES)], h;

	h = is_wide ? CreateFileW(wide, access, share, NULL, how, flag, template) :
		      CreateFileA(name, access, share, NULL, how, flag, template);
	free(wide);
	if (h == INVALID_HANDLE_VALUE) {
		check_error();
		return;
	}
	PROMISE(h && how >= CREATE_NEW && how <= TRUNCATE_EXISTING && !(share & ~7u));
	PROMISE(GetLastError() == ERROR_SUCCESS || GetLastError() == ERROR_ALREADY_EXISTS);
	keep(in, h);
}

static void change_tree(struct input *in, const char *name, bool is_wide)
{
	WIN32_FILE_ATTRIBUTE_DATA data;
	DWORD attributes = take_uint8(in);
	WCHAR *wide = wide_of(name);
	char temp[PATH_MAX];

	switch (take_below(in, 7)) {
	case 0:
		check(is_wide ? CreateDirectoryW(wide, NULL) : CreateDirectoryA(name, NULL));
		break;
	case 1:
		check(is_wide ? RemoveDirectoryW(wide) : RemoveDirectoryA(name));
		break;
	case 2:
		check(is_wide ? DeleteFileW(wide) : DeleteFileA(name));
		break;
	case 3:
		check(is_wide ? SetFileAttributesW(wide, attributes) :
				SetFileAttributesA(name, attributes));
		break;
	case 4:
		check((is_wide ? GetFileAttributesW(wide) : GetFileAttributesA(name)) !=
		      INVALID_FILE_ATTRIBUTES);
		check(is_wide ? GetFileAttributesExW(wide, attributes % 3, &data) :
				GetFileAttributesExA(name, attributes % 3, &data));
		break;
	case 5:
		check(is_wide ? SetCurrentDirectoryW(wide) : SetCurrentDirectoryA(name));
		PROMISE_EQ(chdir(scratch), 0);
		break;
	default:
		check(GetTempFileNameA(name, "pre", attributes, temp) != 0);
		break;
	}
	free(wide);
}

static void make_object(struct input *in, const char *name, bool is_wide)
{
	WCHAR *wide = wide_of(name);
	DWORD mode = take_uint8(in), open = take_uint8(in);
	HANDLE h = NULL;

	switch (take_below(in, 6)) {
	case 0:
		h = is_wide ? CreateEventW(NULL, mode & 1, mode & 2, wide) :
			      CreateEventA(NULL, mode & 1, mode & 2, name);
		break;
	case 1:
		h = is_wide ? CreateMutexW(NULL, FALSE, wide) : CreateMutexA(NULL, FALSE, name);
		break;
	case 2:
		h = is_wide ? CreateSemaphoreW(NULL, (LONG)mode - 1, (LONG)open, wide) :
			      CreateSemaphoreA(NULL, (LONG)mode - 1, (LONG)open, name);
		break;
	case 3:
		h = is_wide ? OpenEventW(EVENT_MODIFY_STATE, FALSE, wide) :
			      OpenEventA(EVENT_MODIFY_STATE, FALSE, name);
		break;
	case 4:
		h = is_wide ? CreateNamedPipeW(wide, open, mode, 2, 512, 512, 0, NULL) :
			      CreateNamedPipeA(name, open, mode, 2, 512, 512, 0, NULL);
		h = h == INVALID_HANDLE_VALUE ? NULL : h;
		break;
	default:
		check(is_wide ? WaitNamedPipeW(wide, 1) : WaitNamedPipeA(name, 1));
		free(wide);
		return;
	}
	check(h != NULL);
	free(wide);
	if (h)
		keep(in, h);
}

/* ---- an input ---- */

/* What is there at first. Who opens the FIFO does not wait, for it is open already. */
static int prepare(void)
{
	int fd = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	PROMISE(fd >= 0);
	close(fd);
	PROMISE(mkdir("dir", 0700) == 0 && mkfifo("fifo", 0600) == 0 && symlink("dir", "link") == 0);
	return open("fifo", O_RDWR | O_CLOEXEC);
}

static void step(struct input *in)
{
	uint8_t kind = take_uint8(in);
	bool is_wide = kind & 0x80;
	char *name = take_name(in);

	switch (kind % 8) {
	case 0:
	case 1:
	case 2:
		open_file(in, name, is_wide);
		break;
	case 3:
	case 4:
		change_tree(in, name, is_wide);
		break;
	case 5:
		make_object(in, name, is_wide);
		break;
	case 6:
		full_name(in, name);
		break;
	default:
		keep(in, NULL);
	}
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	int fifo = prepare();

	for (int i = 0; i < 16 && left(&in); i++)
		step(&in);
	for (int i = 0; i < HANDLES; i++) {
		if (handles[i])
			PROMISE(CloseHandle(handles[i]));
		handles[i] = NULL;
	}
	close(fifo);
	sandbox_clear();
	return 0;
}
