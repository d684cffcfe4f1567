// SPDX-License-Identifier: MIT
/*
 * A copy made of many synchronous calls, of which each could block, with one time limit for all of
 * them: a cancellation scope.
 *
 *	scoped_copy SOURCE TARGET MILLISECONDS
 *	scoped_copy
 *
 * Without arguments it shows itself, with a FIFO whose writer comes to the end once, and then stops
 * half way.
 */
#include <cancellationscope.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <windows.h>

/* No word of time or cancellation in here: that is the caller's. FALSE with the last error set. */
static BOOL copy(const char *source, const char *target)
{
	HANDLE in, out = INVALID_HANDLE_VALUE;
	char buffer[4096];
	DWORD n, written, error = ERROR_SUCCESS;
	BOOL ok;

	in = CreateFileA(source, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			 OPEN_EXISTING, 0, NULL);
	ok = in != INVALID_HANDLE_VALUE;
	if (ok) {
		out = CreateFileA(target, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
		ok = out != INVALID_HANDLE_VALUE;
	}
	while (ok) {
		ok = ReadFile(in, buffer, sizeof(buffer), &n, NULL);
		if (!ok && GetLastError() == ERROR_BROKEN_PIPE) {
			ok = TRUE; /* the end, if it is a pipe */
			break;
		}
		if (ok && n == 0)
			break;
		if (ok)
			ok = WriteFile(out, buffer, n, &written, NULL);
	}
	if (ok)
		ok = FlushFileBuffers(out);
	if (!ok)
		error = GetLastError();
	if (in != INVALID_HANDLE_VALUE)
		CloseHandle(in);
	if (out != INVALID_HANDLE_VALUE)
		CloseHandle(out);
	SetLastError(error);
	return ok;
}

/* Whatever call the time runs out in, or between which two: the next fails, too. */
static DWORD copy_in_time(const char *source, const char *target, DWORD milliseconds)
{
	HANDLE scope = CreateCancellationScope(NULL, 0);
	DWORD error = ERROR_SUCCESS;

	if (!scope || !SetCancellationScopeTimeout(scope, milliseconds) ||
	    !EnterCancellationScope(scope))
		return GetLastError();
	if (!copy(source, target))
		error = GetLastError();
	LeaveCancellationScope(scope);
	CloseHandle(scope);
	/* Outside, calls are ordinary ones again: what is left of it can be cleaned up. */
	if (error && !DeleteFileA(target))
		fprintf(stderr, "%s is left: error %u\n", target, GetLastError());
	return error;
}

static char fifo[64], target[64];
static HANDLE stopped;

/* Half of it, and the rest only if it is not to stop there. */
static DWORD WINAPI write_fifo(LPVOID whole)
{
	HANDLE out = CreateFileA(fifo, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
				 OPEN_EXISTING, 0, NULL);
	DWORD n;
	BOOL ok = out != INVALID_HANDLE_VALUE && WriteFile(out, "half of it, ", 12, &n, NULL);

	if (whole)
		ok = ok && WriteFile(out, "the rest", 8, &n, NULL);
	else
		WaitForSingleObject(stopped, INFINITE);
	CloseHandle(out);
	return ok ? 0 : 1;
}

static int show(BOOL whole, DWORD milliseconds, DWORD expected)
{
	HANDLE writer = CreateThread(NULL, 0, write_fifo, whole ? &stopped : NULL, 0, NULL);
	DWORD error = copy_in_time(fifo, target, milliseconds), code = 1;
	WIN32_FILE_ATTRIBUTE_DATA data;
	BOOL there = GetFileAttributesExA(target, GetFileExInfoStandard, &data);

	SetEvent(stopped);
	WaitForSingleObject(writer, INFINITE);
	GetExitCodeThread(writer, &code);
	CloseHandle(writer);
	printf("%s within %u ms: error %u, %s\n", whole ? "all that is there" : "a writer that stops",
	       milliseconds, error, there ? "the copy is there" : "nothing is left");
	return code == 0 && error == expected && there == whole &&
			       (!there || data.nFileSizeLow == 20) ?
		       0 :
		       1;
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/scoped_copy.XXXXXX";
	int failed;
	DWORD error;

	if (argc == 4) {
		error = copy_in_time(argv[1], argv[2], (DWORD)strtoul(argv[3], NULL, 10));
		if (error)
			fprintf(stderr, "%s: error %u\n", argv[1], error);
		return error != 0;
	}
	if (argc != 1) {
		fprintf(stderr, "usage: %s [SOURCE TARGET MILLISECONDS]\n", argv[0]);
		return 2;
	}
	stopped = CreateEventA(NULL, TRUE, FALSE, NULL);
	if (!stopped || !mkdtemp(dir))
		return 1;
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	snprintf(target, sizeof(target), "%s/copy", dir);
	if (mkfifo(fifo, 0600) != 0)
		return 1;
	failed = show(TRUE, 60000, ERROR_SUCCESS);
	unlink(target);
	ResetEvent(stopped);
	failed |= show(FALSE, 100, ERROR_OPERATION_ABORTED);
	unlink(fifo);
	rmdir(dir);
	return failed;
}
