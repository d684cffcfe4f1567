// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "path.h"
#include "status.h"
#include "utf.h"

static bool is_slash(char c)
{
	return c == '/' || c == '\\';
}

static bool is_drive(const char *name)
{
	return ((name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z')) &&
	       name[1] == ':';
}

/* \\?\ or \\.\, with either kind of slash. */
static bool has_namespace(const char *name)
{
	return is_slash(name[0]) && is_slash(name[1]) && (name[2] == '?' || name[2] == '.') &&
	       is_slash(name[3]);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void turn_slashes(char *path)
{
	for (; *path; path++)
		if (*path == '\\')
			*path = '/';
}

static DWORD set_path(char *path, const char *before, const char *rest)
{
	int n = snprintf(path, PATH_MAX, "%s%s", before, rest);

	return n < PATH_MAX ? 0 : ERROR_FILENAME_EXCED_RANGE;
}

static DWORD set_turned(char *path, const char *before, const char *rest)
{
	DWORD error = set_path(path, before, rest);

	if (!error)
		turn_slashes(path);
	return error;
}

/* NUL, CON and their like have no directory, and may carry a colon. */
static const char *dos_device(const char *name)
{
	static const struct {
		const char *name, *path;
	} devices[] = {
		{ "NUL", "/dev/null" },
		{ "CON", CIO_CONSOLE },
		{ "CONIN$", CIO_CONSOLE },
		{ "CONOUT$", CIO_CONSOLE },
	};
	size_t length = strlen(name);

	if (length > 1 && name[length - 1] == ':')
		length--;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (strlen(devices[i].name) == length &&
		    strncasecmp(name, devices[i].name, length) == 0)
			return devices[i].path;
	return NULL;
}

/* COM1 is the first serial line. 0: it is no such name. */
static int serial_line(const char *name)
{
	char *end;
	long n;

	if (strncasecmp(name, "COM", 3) != 0 || name[3] < '1' || name[3] > '9')
		return 0;
	n = strtol(name + 3, &end, 10);
	return n <= 256 && (!*end || !strcmp(end, ":")) ? (int)n : 0;
}

static DWORD device_path(const char *name, char *path)
{
	const char *known = dos_device(name);
	int line = serial_line(name);
	DWORD error;

	if (known)
		return set_path(path, known, "");
	error = set_turned(path, "/dev/", name);
	if (!error && line && !exists(path))
		snprintf(path, PATH_MAX, "/dev/ttyS%d", line - 1);
	return error;
}

/* One component and the slash behind it, in either case: what follows, or NULL. */
static const char *after(const char *name, const char *component)
{
	size_t length = strlen(component);

	if (strncasecmp(name, component, length) != 0 || !is_slash(name[length]))
		return NULL;
	return name + length + 1;
}

/*
 * What comes after \\?\ and \\.\ is taken as it stands. A POSIX path may follow, whose backslashes
 * are then no slashes: so every file has a name.
 */
static DWORD namespace_path(const char *rest, char *path)
{
	const char *unix_path = after(rest, "unix");

	if (*rest == '/')
		return set_path(path, rest, "");
	if (is_drive(rest)) {
		if ((*rest != 'Z' && *rest != 'z') || (rest[2] && !is_slash(rest[2])))
			return ERROR_PATH_NOT_FOUND;
		return set_turned(path, "/", rest[2] ? rest + 3 : "");
	}
	if (unix_path)
		return set_turned(path, "/", unix_path);
	if (after(rest, "UNC"))
		return ERROR_BAD_NETPATH;
	if (after(rest, "GLOBALROOT"))
		return ERROR_PATH_NOT_FOUND;
	/* Named pipes are no files: who can open one looks for it himself. */
	if (after(rest, "pipe") || !*rest)
		return ERROR_FILE_NOT_FOUND;
	return device_path(rest, path);
}

/* Drive Z: is the whole tree, and the current directory is on it: as in Wine. */
static DWORD drive_path(const char *name, char *path)
{
	if (*name != 'Z' && *name != 'z')
		return ERROR_PATH_NOT_FOUND;
	return set_turned(path, name[2] ? "" : ".", name + 2);
}

void cio_path_normalise(char *path)
{
	bool absolute = *path == '/', slash = cio_path_ends_in_slash(path);
	char *out = path + absolute, *floor = out;

	for (char *in = path; *in;) {
		size_t n = strcspn(in, "/");

		if (n == 2 && in[0] == '.' && in[1] == '.') {
			if (out > floor) {
				while (out > floor && *--out != '/')
					;
			} else if (!absolute) {
				if (out > path)
					*out++ = '/';
				memmove(out, "..", 2);
				out += 2;
				floor = out;
			}
		} else if (n && !(n == 1 && *in == '.')) {
			if (out > path + absolute)
				*out++ = '/';
			memmove(out, in, n);
			out += n;
		}
		in += n;
		in += strspn(in, "/");
	}
	if (slash && out > path && out[-1] != '/')
		*out++ = '/';
	if (out == path)
		*out++ = '.';
	*out = '\0';
}

/*
 * No file of Windows has one of these in its name. A file of Linux may, and is found; but what is
 * not there is an error in the name, and nothing is created under it.
 */
static DWORD check_characters(const char *path)
{
	for (const unsigned char *c = (const unsigned char *)path; *c; c++)
		if ((*c < ' ' || strchr("*?<>|\"", *c)) && !exists(path))
			return ERROR_INVALID_NAME;
	return 0;
}

/* Tells a missing file from a missing directory on the way to it. */
static bool has_parent(const char *path)
{
	char parent[PATH_MAX];
	size_t length = strlen(path);
	struct stat st;

	while (length > 1 && path[length - 1] == '/')
		length--;
	while (length && path[length - 1] != '/')
		length--;
	if (length <= 1)
		return true;
	memcpy(parent, path, length);
	parent[length] = '\0';
	return stat(parent, &st) == 0 && S_ISDIR(st.st_mode);
}

static DWORD path_from_name(const char *name, char *path)
{
	const char *device;
	DWORD error;

	if (!*name)
		return ERROR_PATH_NOT_FOUND;
	if (has_namespace(name))
		return namespace_path(name + 4, path);
	device = dos_device(name);
	error = set_path(path, device ? device : name, "");
	if (error || device)
		return error;
	/* A backslash and a colon are legal characters here: who has them in its name goes first. */
	if (!strchr(path, '\\') && !is_drive(path)) {
		if (serial_line(path) && !exists(path))
			return device_path(name, path);
		/* Sloppy for a path, a server for Windows: it is what it can be. */
		if (path[0] == '/' && path[1] == '/' && !has_parent(path))
			return ERROR_BAD_NETPATH;
		return check_characters(path);
	}
	if (exists(path))
		return 0;
	if (is_slash(name[0]) && is_slash(name[1]))
		return ERROR_BAD_NETPATH;
	error = is_drive(name) ? drive_path(name, path) : set_turned(path, name, "");
	if (error)
		return error;
	cio_path_normalise(path);
	return check_characters(path);
}

DWORD cio_path_from_ansi(LPCSTR name, char *path)
{
	if (!name)
		return ERROR_PATH_NOT_FOUND;
	if (!has_namespace(name) && strnlen(name, MAX_PATH) == MAX_PATH)
		return ERROR_FILENAME_EXCED_RANGE;
	return path_from_name(name, path);
}

DWORD cio_path_from_wide(LPCWSTR name, char *path)
{
	char utf8[PATH_MAX];

	if (!name)
		return ERROR_PATH_NOT_FOUND;
	return cio_name_from_utf16(utf8, sizeof(utf8), name) ? path_from_name(utf8, path) :
							       GetLastError();
}

bool cio_path_ends_in_slash(const char *path)
{
	size_t length = strlen(path);

	return length > 1 && path[length - 1] == '/';
}

bool cio_path_strip(char *path)
{
	size_t length = strlen(path);
	bool any = false;

	while (length > 1 && path[length - 1] == '/') {
		path[--length] = '\0';
		any = true;
	}
	return any;
}

bool cio_path_is_directory(const char *path, const struct stat *st)
{
	struct stat target;

	return S_ISDIR(st->st_mode) ||
	       (S_ISLNK(st->st_mode) && stat(path, &target) == 0 && S_ISDIR(target.st_mode));
}

DWORD cio_path_check_delete(const char *path, const struct stat *st)
{
	if (cio_path_is_directory(path, st))
		return ERROR_ACCESS_DENIED;
	/* Such as /dev/null. */
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		return ERROR_INVALID_PARAMETER;
	if (S_ISREG(st->st_mode) && !(st->st_mode & 0222))
		return ERROR_ACCESS_DENIED;
	return 0;
}

DWORD cio_path_error(const char *path, int err)
{
	if (err == ENOENT && !has_parent(path))
		return ERROR_PATH_NOT_FOUND;
	return cio_status_to_error(cio_errno_to_status(err));
}

DWORD cio_path_slash_error(const char *path, int err)
{
	char bare[PATH_MAX];
	size_t length = strlen(path);

	if (err == ENOTDIR && cio_path_ends_in_slash(path)) {
		memcpy(bare, path, length);
		bare[length - 1] = '\0';
		if (exists(bare))
			return ERROR_INVALID_NAME;
	}
	return cio_path_error(path, err);
}
