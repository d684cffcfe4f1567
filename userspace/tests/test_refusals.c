// SPDX-License-Identifier: MIT
/* Bad input, and what is rarely asked for: Windows' exact error, and nothing has changed. */
#include <errno.h>
#include <cancellationscope.h>
#include <windows.h>
#include <winioctl.h>

#include "npipe.h"

#define MANY 900

static char long_name[MANY + 1];
static WCHAR long_wide[MANY + 1];

static void make_long(void)
{
	for (int i = 0; i < MANY; i++)
		long_wide[i] = (WCHAR)(long_name[i] = 'n');
}

#define CHECK_NULL(call, error) \
	do { \
		SetLastError(0xdead); \
		CHECK((call) == NULL); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

/* No longer than MAX_PATH, whatever is made or opened by it. */
static void names_of_objects(void)
{
	make_long();
	CHECK_NULL(CreateEventA(NULL, FALSE, FALSE, long_name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(CreateEventW(NULL, FALSE, FALSE, long_wide), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(OpenEventA(SYNCHRONIZE, FALSE, long_name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(OpenEventW(SYNCHRONIZE, FALSE, long_wide), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(CreateMutexA(NULL, FALSE, long_name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(CreateMutexW(NULL, FALSE, long_wide), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(OpenMutexA(SYNCHRONIZE, FALSE, long_name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(OpenMutexW(SYNCHRONIZE, FALSE, long_wide), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(CreateSemaphoreA(NULL, 0, 1, long_name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(CreateSemaphoreW(NULL, 0, 1, long_wide), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(OpenSemaphoreA(SYNCHRONIZE, FALSE, long_name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NULL(OpenSemaphoreW(SYNCHRONIZE, FALSE, long_wide), ERROR_FILENAME_EXCED_RANGE);
}

/* ---- named pipes ---- */

static void pipes_that_are_none(void)
{
	HANDLE file = host_open("/dev/null", GENERIC_READ | GENERIC_WRITE, 0);
	DWORD n = 9, mode = PIPE_READMODE_BYTE;
	char buf[4];
	ULONG pid;

	CHECK_FAILS(GetNamedPipeInfo(file, &n, NULL, NULL, NULL), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(GetNamedPipeHandleStateA(file, &n, NULL, NULL, NULL, NULL, 0),
		    ERROR_INVALID_FUNCTION);
	CHECK_FAILS(GetNamedPipeClientProcessId(file, &pid), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(SetNamedPipeHandleState(file, &mode, NULL, NULL), ERROR_INVALID_FUNCTION);
	CHECK_FAILS(TransactNamedPipe(file, "a", 1, buf, 4, &n, NULL), ERROR_INVALID_FUNCTION);
	CHECK_EQ(n, 0);
	CHECK_FAILS(GetNamedPipeInfo(NULL, &n, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
}

static void pipes_in_part(void)
{
	HANDLE h, c;
	ULONG pid = 7;
	char buf[4];

	h = npipe_server(PIPE_ACCESS_DUPLEX, MESSAGES);
	/* Nobody is there yet; the server is. */
	CHECK_FAILS(GetNamedPipeClientProcessId(h, &pid), ERROR_PIPE_NOT_CONNECTED);
	CHECK_EQ(pid, 7);
	CHECK(GetNamedPipeServerProcessId(h, &pid) && pid == GetCurrentProcessId());
	c = npipe_client(0);
	CHECK_FAILS(GetNamedPipeClientProcessId(h, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetNamedPipeServerProcessId(c, NULL), ERROR_INVALID_PARAMETER);
	/* Where would the count go? */
	CHECK_FAILS(TransactNamedPipe(c, "a", 1, buf, 4, NULL, NULL), ERROR_INVALID_PARAMETER);
}

static DWORD WINAPI echo(LPVOID h)
{
	char buf[16];
	DWORD n;

	CHECK(ConnectNamedPipe(h, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
	CHECK(ReadFile(h, buf, sizeof(buf), &n, NULL));
	CHECK(WriteFile(h, buf, n, &n, NULL));
	return 0;
}

static void a_call_by_a_wide_name(void)
{
	SECURITY_ATTRIBUTES heirs = { sizeof(heirs), NULL, TRUE };
	WCHAR wide[64];
	DWORD n, flags = 0;
	char buf[8];
	HANDLE h, t;

	CHECK_EQ(MultiByteToWideChar(CP_UTF8, 0, npipe_name(), -1, wide, 64), strlen(npipe_name()) + 1);
	CHECK_FAILS(CallNamedPipeW(NULL, "ask", 3, buf, 8, &n, 0), ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(CallNamedPipeW(wide, "ask", 3, buf, 8, &n, 1), ERROR_FILE_NOT_FOUND);
	h = CreateNamedPipeW(wide, PIPE_ACCESS_DUPLEX, MESSAGES, 1, 0, 0, 0, &heirs);
	CHECK(h != INVALID_HANDLE_VALUE);
	CHECK(GetHandleInformation(h, &flags) && flags == HANDLE_FLAG_INHERIT);
	t = CreateThread(NULL, 0, echo, h, 0, NULL);
	CHECK(CallNamedPipeW(wide, "ask", 3, buf, 8, &n, NMPWAIT_WAIT_FOREVER));
	CHECK(n == 3 && !memcmp(buf, "ask", 3));
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
}

static void names_of_pipes(void)
{
	char name[MANY + 16] = "\\\\.\\pipe\\";

	make_long();
	strcat(name, long_name);
	SetLastError(0xdead);
	CHECK(CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_INVALID_NAME);
	SetLastError(0xdead);
	CHECK(CreateNamedPipeW(NULL, PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, NULL) == INVALID_HANDLE_VALUE);
	CHECK_EQ(GetLastError(), ERROR_PATH_NOT_FOUND);
}

/* ---- files ---- */

static void temporary_files(void)
{
	char name[MAX_PATH], dir[PATH_MAX + 64];
	WCHAR wide[MAX_PATH];
	size_t n;

	CHECK_FAILS(GetTempFileNameA(NULL, "p", 0, name), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetTempFileNameA("/tmp", "p", 0, NULL), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetTempFileNameW(NULL, u"p", 0, wide), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(GetTempFileNameA("/dev/null", "p", 0, name), ERROR_DIRECTORY);
	/* A directory whose name leaves no room in MAX_PATH for a file's. */
	n = (size_t)snprintf(dir, sizeof(dir), "%s", host_path(""));
	while (n < MAX_PATH - 12) {
		if (n % 50 == 49) {
			CHECK(mkdir(dir, 0700) == 0 || errno == EEXIST);
			dir[n++] = '/';
		}
		dir[n++] = 'd';
		dir[n] = '\0';
	}
	CHECK_EQ(mkdir(dir, 0700), 0);
	CHECK_FAILS(GetTempFileNameA(dir, "p", 0, name), ERROR_BUFFER_OVERFLOW);
	/* What cannot be made there is no reason to try another name. */
	CHECK_EQ(GetTempFileNameA("/proc/self/fd", "p", 0, name), 0);
	CHECK(GetLastError() != ERROR_FILE_EXISTS);
}

static void the_folder_for_them(void)
{
	char path[MAX_PATH];

	CHECK_EQ(unsetenv("TMP") | unsetenv("TEMP") | unsetenv("TMPDIR"), 0);
	CHECK_EQ(GetTempPathA(sizeof(path), path), 5);
	CHECK_EQ(strcmp(path, "/tmp/"), 0);
}

static void attributes_by_a_wide_name(void)
{
	WIN32_FILE_ATTRIBUTE_DATA data;

	memset(&data, 0xff, sizeof(data));
	CHECK(GetFileAttributesExW(u"/tmp", GetFileExInfoStandard, &data));
	CHECK(data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY);
	CHECK_FAILS(GetFileAttributesExW(u"/nowhere/at/all", GetFileExInfoStandard, &data),
		    ERROR_PATH_NOT_FOUND);
	CHECK_FAILS(GetFileAttributesExW(NULL, GetFileExInfoStandard, &data), ERROR_PATH_NOT_FOUND);
}

/* What a standard handle permits is what its descriptor is open for. */
static void standard_handles(void)
{
	int in = open("/dev/null", O_RDONLY), out = open("/dev/null", O_WRONLY);
	HANDLE h;
	DWORD n;
	char c;

	CHECK(dup2(in, 0) == 0);
	h = GetStdHandle(STD_INPUT_HANDLE);
	CHECK(ReadFile(h, &c, 1, &n, NULL) && n == 0);
	CHECK_FAILS(WriteFile(h, "x", 1, &n, NULL), ERROR_ACCESS_DENIED);
	CHECK(dup2(out, 2) == 2);
	h = GetStdHandle(STD_ERROR_HANDLE);
	CHECK(WriteFile(h, "x", 1, &n, NULL) && n == 1);
	CHECK_FAILS(ReadFile(h, &c, 1, &n, NULL), ERROR_ACCESS_DENIED);
}

/* Flags that are wishes where the file cannot fulfil them. */
static void wishes(void)
{
	SECURITY_ATTRIBUTES heirs = { sizeof(heirs), NULL, TRUE };
	const char *link = host_path("link");
	DWORD n, flags;
	HANDLE h;
	char c;

	/* No direct I/O on /proc. */
	h = host_open("/proc/version", GENERIC_READ, FILE_FLAG_NO_BUFFERING);
	CHECK(h != INVALID_HANDLE_VALUE && ReadFile(h, &c, 1, &n, NULL) && n == 1);
	CHECK_EQ(symlink("/nowhere", link), 0);
	/* The link itself is there, though it leads nowhere. */
	h = host_open(link, FILE_READ_ATTRIBUTES, FILE_FLAG_OPEN_REPARSE_POINT);
	CHECK(h != INVALID_HANDLE_VALUE);
	h = CreateFileA("/dev/null", GENERIC_READ, 0, &heirs, OPEN_EXISTING, 0, NULL);
	CHECK(GetHandleInformation(h, &flags) && flags == HANDLE_FLAG_INHERIT);
}

static void parents(void)
{
	char deep[PATH_MAX + 80];
	int fd;

	snprintf(deep, sizeof(deep), "%s", host_path("a"));
	CHECK(mkdir(deep, 0700) == 0);
	strcat(deep, "/b");
	CHECK(mkdir(deep, 0700) == 0);
	fd = open(host_path("f"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && close(fd) == 0 && chdir(deep) == 0);
	/* Nothing is left to take out of. */
	CHECK(GetFileAttributesA("..\\..\\f") == FILE_ATTRIBUTE_ARCHIVE ||
	      GetFileAttributesA("..\\..\\f") == FILE_ATTRIBUTE_NORMAL);
	CHECK_EQ(GetFileAttributesA("..\\..\\a\\b") & FILE_ATTRIBUTE_DIRECTORY,
		 FILE_ATTRIBUTE_DIRECTORY);
	CHECK_EQ(GetFileAttributesA("x\\..") & FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_DIRECTORY);
	SetLastError(0xdead);
	CHECK_EQ(GetFileAttributesA("..\\f"), INVALID_FILE_ATTRIBUTES);
	CHECK_EQ(GetLastError(), ERROR_FILE_NOT_FOUND);
}

/* The current directory is gone. */
static void nowhere(void)
{
	char path[MAX_PATH];
	WCHAR wide[MAX_PATH];

	CHECK(mkdir(host_path("gone"), 0700) == 0 && chdir(host_path("gone")) == 0);
	CHECK_EQ(rmdir(host_path("gone")), 0);
	CHECK_FAILS(GetCurrentDirectoryA(MAX_PATH, path), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(GetCurrentDirectoryW(MAX_PATH, wide), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(GetFullPathNameA("f", MAX_PATH, path, NULL), ERROR_FILE_NOT_FOUND);
	CHECK_FAILS(GetFullPathNameW(NULL, MAX_PATH, wide, NULL), ERROR_INVALID_NAME);
	CHECK_EQ(chdir("/"), 0);
}

/* ---- the rest ---- */

static VOID CALLBACK never(DWORD error, DWORD bytes, LPOVERLAPPED overlapped)
{
	(void)error;
	(void)bytes;
	(void)overlapped;
	CHECK(!"called");
}

static void routines(void)
{
	HANDLE h = host_open("/dev/zero", GENERIC_READ, 0);
	OVERLAPPED ov = host_overlapped(NULL);
	char c = 'c';

	CHECK_FAILS(ReadFileEx(h, &c, 1, NULL, never), ERROR_INVALID_PARAMETER);
	CHECK_FAILS(ReadFileEx(h, &c, 1, &ov, NULL), ERROR_INVALID_PARAMETER);
	CHECK_EQ(SleepEx(0, TRUE), 0);
	CHECK_EQ(c, 'c');
}

/* W-WAIT-3: nobody waits for a port, and so no scope does. */
static void scopes(void)
{
	HANDLE scope = CreateCancellationScope(NULL, 0);
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	BOOL cancelled = TRUE;

	CHECK_FAILS(SetCancellationScopeHandle(scope, port), ERROR_INVALID_HANDLE);
	CHECK_FAILS(IsCancellationScopeCancelled(scope, NULL), ERROR_INVALID_PARAMETER);
	CHECK(IsCancellationScopeCancelled(scope, &cancelled) && !cancelled);
}

/* An event that may be set and not waited for: the request goes on. */
static void results(void)
{
	HANDLE event = host_manual_event(), weak, h, c;
	OVERLAPPED ov;
	DWORD n;
	char buf[4];

	CHECK(DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(), &weak, EVENT_MODIFY_STATE,
			      FALSE, 0));
	ov = host_overlapped(weak);
	h = npipe_server(PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, BYTES);
	c = npipe_client(0);
	CHECK_FAILS(ReadFile(h, buf, 4, NULL, &ov), ERROR_IO_PENDING);
	CHECK_FAILS(GetOverlappedResult(h, &ov, &n, TRUE), ERROR_ACCESS_DENIED);
	CHECK(WriteFile(c, "abc", 3, &n, NULL));
	CHECK_EQ(WaitForSingleObject(event, INFINITE), WAIT_OBJECT_0);
	CHECK(GetOverlappedResult(h, &ov, &n, FALSE) && n == 3);
}

static void positions(void)
{
	HANDLE h = host_open("/dev/zero", GENERIC_READ, 0);
	LARGE_INTEGER end = { .QuadPart = -1 };
	int fds[2];

	CHECK(SetFilePointerEx(h, (LARGE_INTEGER){ 0 }, &end, FILE_END) && end.QuadPart == 0);
	/* What the C library's descriptor cannot seek, its handle cannot. */
	CHECK(pipe(fds) == 0 && dup2(fds[0], 0) == 0);
	SetLastError(0xdead);
	CHECK_EQ(SetFilePointer(GetStdHandle(STD_INPUT_HANDLE), 0, NULL, FILE_CURRENT),
		 INVALID_SET_FILE_POINTER);
	CHECK_EQ(GetLastError(), ERROR_INVALID_FUNCTION);
}

static void controls(void)
{
	FILE_ZERO_DATA_INFORMATION zero = { .FileOffset.QuadPart = 2, .BeyondFinalZero.QuadPart = 2 };
	HANDLE null = host_open("/dev/null", GENERIC_READ | GENERIC_WRITE, 0);
	HANDLE h = CreateFileA(host_path("f"), GENERIC_WRITE, 0, NULL, CREATE_NEW, 0, NULL);
	DWORD n;

	CHECK_FAILS(DeviceIoControl(null, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &n, NULL),
		    ERROR_INVALID_FUNCTION);
	CHECK_FAILS(DeviceIoControl(null, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &n, NULL),
		    ERROR_INVALID_FUNCTION);
	/* Nothing is to be zero. */
	CHECK(DeviceIoControl(h, FSCTL_SET_ZERO_DATA, &zero, sizeof(zero), NULL, 0, &n, NULL));
}

static void pages_to_run(void)
{
	static const unsigned char returns[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */
	unsigned char *p = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
	DWORD old = 0;
	int (*fn)(void);

	CHECK(p);
	memcpy(p, returns, sizeof(returns));
	memcpy(&fn, &p, sizeof(p));
#ifdef __x86_64__
	CHECK_EQ(fn(), 42);
	CHECK(VirtualProtect(p, 4096, PAGE_EXECUTE, &old));
	CHECK_EQ(fn(), 42);
#endif
	CHECK(VirtualFree(p, 0, MEM_RELEASE));
}

static DWORD WINAPI nothing(LPVOID arg)
{
	(void)arg;
	return 3;
}

/* A stack as small as one byte is one that a thread can run on; a handle may be inherited. */
static void small_stacks(void)
{
	SECURITY_ATTRIBUTES heirs = { sizeof(heirs), NULL, TRUE };
	HANDLE t = CreateThread(&heirs, 1, nothing, NULL, 0, NULL);
	DWORD flags, code;

	CHECK(t && GetHandleInformation(t, &flags) && flags == HANDLE_FLAG_INHERIT);
	CHECK_EQ(WaitForSingleObject(t, INFINITE), WAIT_OBJECT_0);
	CHECK(GetExitCodeThread(t, &code) && code == 3);
	CHECK_NULL(CreateThread(NULL, SIZE_MAX, nothing, NULL, 0, NULL), ERROR_NOT_ENOUGH_MEMORY);
}

static void variables(void)
{
	CONDITION_VARIABLE variable;
	SRWLOCK lock = SRWLOCK_INIT;

	memset(&variable, 0xff, sizeof(variable));
	InitializeConditionVariable(&variable);
	AcquireSRWLockExclusive(&lock);
	CHECK_FAILS(SleepConditionVariableSRW(&variable, &lock, 1, 0), ERROR_TIMEOUT);
	ReleaseSRWLockExclusive(&lock);
}

static const struct tap_case cases[] = {
	CASE(names_of_objects, "names that are too long"),
	CASE(pipes_that_are_none, "what is no named pipe"),
	CASE(pipes_in_part, "a named pipe that nobody has opened; no place for an answer"),
	CASE(a_call_by_a_wide_name, "CallNamedPipeW, and a handle to inherit"),
	CASE(names_of_pipes, "names of pipes"),
	CASE(temporary_files, "temporary files where none can be"),
	CASE(the_folder_for_them, "no variable says where they go"),
	CASE(attributes_by_a_wide_name, "GetFileAttributesExW"),
	CASE(standard_handles, "standard handles for one direction"),
	CASE(wishes, "flags that are wishes (W-CREATE-7)"),
	CASE(parents, "a name that leads upwards"),
	CASE(nowhere, "the current directory is gone"),
	CASE(routines, "a completion routine without a request, a request without a routine"),
	CASE(scopes, "a scope that is to wait for a port (W-WAIT-3)"),
	CASE(results, "an event that is not to be waited for"),
	CASE(positions, "positions where there are none"),
	CASE(controls, "controls on what is no file, and of nothing"),
	CASE(pages_to_run, "pages to run"),
	CASE(small_stacks, "the smallest stack"),
	CASE(variables, "a condition variable that has to be initialised"),
};

TAP_MAIN(cases)
