// SPDX-License-Identifier: MIT
/* What CreateFile is asked for besides the name: kinds, flags, attributes, deletion (W-CREATE). */
#include <windows.h>

#include "files.h"

static void directories(void)
{
	const char *d = host_path("d");
	HANDLE h;
	DWORD n;

	CHECK_EQ(mkdir(d, 0700), 0);
	CHECK_NO_FILE(create(d, 0, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(d, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(d, RW, SHARE_ALL, OPEN_ALWAYS, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(d, RW, SHARE_ALL, CREATE_ALWAYS, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(d, RW, SHARE_ALL, CREATE_NEW, 0), ERROR_FILE_EXISTS);
	h = create(d, RW, FILE_SHARE_READ, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_EQ(GetFileType(h), FILE_TYPE_DISK);
	CHECK(!ReadFile(h, &n, 4, &n, NULL));
	CHECK(FlushFileBuffers(h));
	/* It is shared as a file is (W-CREATE-3). */
	CHECK_NO_FILE(create(d, GENERIC_WRITE, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS),
		      ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(h));
	h = create(host_path("d/"), 0, SHARE_ALL, OPEN_ALWAYS, FILE_FLAG_BACKUP_SEMANTICS);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_ALREADY_EXISTS);
	CHECK_NO_FILE(create(d, RW, SHARE_ALL, CREATE_ALWAYS, FILE_FLAG_BACKUP_SEMANTICS),
		      ERROR_ALREADY_EXISTS);
	/* The flag changes nothing for a file. */
	CHECK(CloseHandle(create(host_path("f"), RW, 0, CREATE_NEW, FILE_FLAG_BACKUP_SEMANTICS)));
	CHECK_EQ(size_of(host_path("f")), 0);
}

/* Hints, what has no meaning here, and bits that mean nothing anywhere: none is an error. */
/* Also where there is no direct I/O, as on the ramfs of a small system, which says so late (W-CREATE-7). */
static void new_without_buffers(void)
{
	static const DWORD dispositions[] = { CREATE_NEW, OPEN_ALWAYS, CREATE_ALWAYS };
	static char page[4096] __attribute__((aligned(4096)));

	for (size_t i = 0; i < sizeof(dispositions) / sizeof(dispositions[0]); i++) {
		const char *path = host_path("new");
		HANDLE h;
		DWORD n;

		SetLastError(0xdead);
		h = CreateFileA(path, RW, 0, NULL, dispositions[i], FILE_FLAG_NO_BUFFERING, NULL);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK_EQ(GetLastError(), 0);
		CHECK(WriteFile(h, page, sizeof(page), &n, NULL) && n == sizeof(page));
		CHECK(CloseHandle(h));
		CHECK_EQ(unlink(path), 0);
	}
}

static void flags_and_attributes(void)
{
	const DWORD flags[] = {
		FILE_FLAG_WRITE_THROUGH, FILE_FLAG_NO_BUFFERING, FILE_FLAG_RANDOM_ACCESS,
		FILE_FLAG_SEQUENTIAL_SCAN, FILE_FLAG_POSIX_SEMANTICS, FILE_FLAG_SESSION_AWARE,
		FILE_FLAG_OPEN_REPARSE_POINT, FILE_FLAG_OPEN_NO_RECALL, FILE_FLAG_FIRST_PIPE_INSTANCE,
		SECURITY_SQOS_PRESENT | SECURITY_IMPERSONATION, FILE_ATTRIBUTE_NORMAL,
		FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_ARCHIVE,
		FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, 0x00008008,
		FILE_ATTRIBUTE_DIRECTORY,
	};
	SECURITY_ATTRIBUTES security = { sizeof(security), NULL, FALSE };
	HANDLE h;
	DWORD n;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		static char page[8192] __attribute__((aligned(4096)));

		security.bInheritHandle = i % 2;
		h = CreateFileA(host_path("f"), RW, 0, &security, CREATE_ALWAYS, flags[i], NULL);
		CHECK(h != INVALID_HANDLE_VALUE);
		CHECK(GetHandleInformation(h, &n));
		CHECK_EQ(n, i % 2 ? HANDLE_FLAG_INHERIT : 0);
		CHECK(WriteFile(h, page, 4096, &n, NULL));
		CHECK_EQ(n, 4096);
		CHECK(CloseHandle(h));
		CHECK_EQ(size_of(host_path("f")), 4096);
	}
}

static void read_only(void)
{
	const char *p = host_path("f");
	HANDLE h = create(p, RW, SHARE_ALL, CREATE_NEW, FILE_ATTRIBUTE_READONLY), t;
	DWORD n;

	/* Who makes it may write it. */
	CHECK(WriteFile(h, "abc", 3, &n, NULL));
	CHECK(CloseHandle(h));
	CHECK_NO_FILE(create(p, GENERIC_WRITE, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, FILE_APPEND_DATA, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE_ALL, CREATE_ALWAYS, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, GENERIC_WRITE, SHARE_ALL, TRUNCATE_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE),
		      ERROR_ACCESS_DENIED);
	CHECK_EQ(size_of(p), 3);
	t = create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(t != INVALID_HANDLE_VALUE);
	/* A template gives its attributes to what is created, and to nothing else. */
	CHECK(CloseHandle(CreateFileA(host_path("g"), RW, 0, NULL, CREATE_NEW, 0, t)));
	CHECK(GetFileAttributesA(host_path("g")) & FILE_ATTRIBUTE_READONLY);
	CHECK(CloseHandle(CreateFileA(p, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING, 0, (HANDLE)99)));
	CHECK_NO_FILE(CreateFileA(host_path("h"), RW, 0, NULL, CREATE_NEW, 0, (HANDLE)99),
		      ERROR_INVALID_HANDLE);
	CHECK(!host_exists(host_path("h")));
}

/* As much as there is to be had. */
static void maximum_allowed(void)
{
	HANDLE h = create(host_path("f"), MAXIMUM_ALLOWED, 0, CREATE_NEW, 0);
	char c = 0;
	DWORD n;

	CHECK(WriteFile(h, "x", 1, &n, &(OVERLAPPED){ 0 }));
	CHECK(ReadFile(h, &c, 1, &n, &(OVERLAPPED){ 0 }));
	CHECK_EQ(c, 'x');
	/* Rights that no file has are granted to nobody. */
	CHECK_NO_FILE(create(host_path("g"), GENERIC_READ | 0x8000, 0, CREATE_NEW, 0),
		      ERROR_ACCESS_DENIED);
	CHECK(!host_exists(host_path("g")));
}

static void links(void)
{
	HANDLE h;
	DWORD n;

	host_file("f");
	CHECK_EQ(symlink("f", host_path("l")), 0);
	h = create(host_path("l"), RW, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(WriteFile(h, "abc", 3, &n, NULL));
	CHECK_EQ(size_of(host_path("f")), 3);
	/* The link itself goes; its target stays. */
	CHECK(CloseHandle(create(host_path("l"), DELETE, SHARE_ALL, OPEN_EXISTING,
				 FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_DELETE_ON_CLOSE)));
	CHECK(!host_exists(host_path("l")));
	CHECK_EQ(size_of(host_path("f")), 3);
}

static void delete_on_close(void)
{
	const char *p = host_path("f");
	HANDLE h = create(p, RW, SHARE_ALL, CREATE_NEW, FILE_FLAG_DELETE_ON_CLOSE), other, copy;
	HANDLE self = GetCurrentProcess();

	/* It has the right to delete, which the others must share (W-CREATE-8). */
	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE, OPEN_EXISTING, 0), ERROR_SHARING_VIOLATION);
	other = create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);
	CHECK(other != INVALID_HANDLE_VALUE);
	CHECK(DuplicateHandle(self, h, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
	CHECK(CloseHandle(h));
	CHECK(CloseHandle(create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0)));
	/* Its last handle dooms the file, and the last of all handles takes it. */
	CHECK(CloseHandle(copy));
	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, 0, SHARE_ALL, OPEN_EXISTING, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, RW, SHARE_ALL, CREATE_ALWAYS, 0), ERROR_ACCESS_DENIED);
	CHECK_NO_FILE(create(p, RW, SHARE_ALL, CREATE_NEW, 0), ERROR_ACCESS_DENIED);
	CHECK(host_exists(p));
	CHECK(CloseHandle(other));
	CHECK(!host_exists(p));
	CHECK(CloseHandle(create(p, RW, 0, CREATE_NEW, 0)));
	CHECK(host_exists(p));

	other = create(p, GENERIC_READ, SHARE, OPEN_EXISTING, 0);
	CHECK_NO_FILE(create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE),
		      ERROR_SHARING_VIOLATION);
	CHECK(CloseHandle(other));
	CHECK(host_exists(p));
}

/* What cannot be opened is not deleted, and what has taken the name since is somebody else's. */
static void delete_what_was_opened(void)
{
	char was[PATH_MAX];
	const char *p = host_file("f");
	HANDLE h;

	CHECK_EQ(mkdir(host_path("d"), 0700), 0);
	CHECK_NO_FILE(create(p, RW, SHARE_ALL, CREATE_NEW, FILE_FLAG_DELETE_ON_CLOSE),
		      ERROR_FILE_EXISTS);
	CHECK(host_exists(p));
	h = create(p, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	CHECK_EQ(rename(p, host_path("moved")), 0);
	host_file("f");
	CHECK(CloseHandle(h));
	CHECK(host_exists(host_path("f")));
	CHECK(host_exists(host_path("moved")));
	/* A relative name is that of then, wherever the process has gone. */
	CHECK(getcwd(was, sizeof(was)));
	CHECK_EQ(chdir(host_path(".")), 0);
	h = create("f", GENERIC_READ, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
	CHECK_EQ(chdir(was), 0);
	CHECK(CloseHandle(h));
	CHECK(!host_exists(host_path("f")));
	h = create(host_path("d"), GENERIC_READ, SHARE_ALL, OPEN_EXISTING,
		   FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_DELETE_ON_CLOSE);
	CHECK(CloseHandle(h));
	CHECK(!host_exists(host_path("d")));
	CHECK_NO_FILE(create("NUL", RW, SHARE_ALL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE),
		      ERROR_ACCESS_DENIED);
}

/* The process's end closes its handles; a child that came by fork does not delete the parent's. */
static void delete_at_exit(void)
{
	const char *p = host_path("f");
	HANDLE h;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		h = create(p, RW, SHARE_ALL, CREATE_NEW, FILE_FLAG_DELETE_ON_CLOSE);
		if (h == INVALID_HANDLE_VALUE || !host_exists(p))
			_exit(1);
		pid = fork();
		if (pid == 0)
			_exit(CloseHandle(h) && host_exists(p) ? 0 : 2);
		if (waitpid(pid, &status, 0) != pid || status != 0 || !host_exists(p))
			_exit(3);
		/* What host.h removes at exit is this case's business, not its child's. */
		snprintf(host_dir, sizeof(host_dir), "%s/none", p);
		exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK(!host_exists(p));
}

static atomic_int stop;

static DWORD WINAPI make_and_delete(LPVOID path)
{
	while (!atomic_load(&stop)) {
		HANDLE h = create(path, RW, SHARE_ALL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE);

		if (h != INVALID_HANDLE_VALUE)
			CHECK(CloseHandle(h));
		else
			CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	}
	return 0;
}

/* Who gets in keeps the file's name there, however close to its deletion he came. */
static void open_against_delete(void)
{
	char path[PATH_MAX];
	BY_HANDLE_FILE_INFORMATION info;
	int opened = 0, tries = 0;
	struct stat st;
	HANDLE t;

	snprintf(path, sizeof(path), "%s", host_path("f"));
	t = CreateThread(NULL, 0, make_and_delete, path, 0, NULL);
	CHECK(t);
	for (; opened < 2000 && tries < 1000000; tries++) {
		HANDLE h = create(path, GENERIC_READ, SHARE_ALL, OPEN_EXISTING, 0);

		if (h == INVALID_HANDLE_VALUE) {
			CHECK(GetLastError() == ERROR_FILE_NOT_FOUND ||
			      GetLastError() == ERROR_ACCESS_DENIED);
			continue;
		}
		opened++;
		CHECK(GetFileInformationByHandle(h, &info));
		CHECK_EQ(info.nNumberOfLinks, 1);
		CHECK_EQ(stat(path, &st), 0);
		CHECK_EQ(st.st_ino, (ino_t)info.nFileIndexHigh << 32 | info.nFileIndexLow);
		CHECK(CloseHandle(h));
	}
	atomic_store(&stop, 1);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	printf("# %d of %d opened\n", opened, tries);
	CHECK(opened > 0);
	CHECK(!host_exists(path));
}

static const struct tap_case cases[] = {
	CASE(directories, "directories and FILE_FLAG_BACKUP_SEMANTICS"),
	CASE(flags_and_attributes, "flags and attributes that are accepted"),
	CASE(new_without_buffers, "new files with FILE_FLAG_NO_BUFFERING"),
	CASE(read_only, "read-only files, also for root; templates"),
	CASE(maximum_allowed, "MAXIMUM_ALLOWED, and rights that there are not"),
	CASE(links, "links, followed and opened themselves"),
	CASE(delete_on_close, "FILE_FLAG_DELETE_ON_CLOSE and the others (W-CREATE-8)"),
	CASE(delete_what_was_opened, "what is deleted is what was opened (W-CREATE-8)"),
	CASE(open_against_delete, "an open races with a deletion (W-CREATE-8)"),
	CASE(delete_at_exit, "deletion at the process's end (W-PEXIT-1)"),
};

TAP_MAIN(cases)
