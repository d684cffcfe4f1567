// SPDX-License-Identifier: MIT
/*
 * A worker thread in synchronous I/O on something slow, and a user who loses patience.
 *
 *	sync_worker DEVICE
 *
 * The cancel reaches the call that the worker is in, and none that it makes later. So the user's
 * wish is kept in a flag too, which the worker reads between its calls, and the cancel is
 * repeated until the worker has noticed.
 */
#include <stdio.h>
#include <time.h>
#include <windows.h>

struct job {
	const char *device;
	volatile LONG cancelled; /* the user's wish */
	DWORD error; /* how it ended */
	const char *where;
};

static double start;

static void tell(const char *what)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	printf("%6.2f s  %s\n", (double)ts.tv_sec + (double)ts.tv_nsec / 1e9 - start, what);
	fflush(stdout);
}

static DWORD read_until_cancelled(struct job *job, HANDLE device)
{
	char buffer[512];
	DWORD bytes;

	job->where = "ReadFile";
	while (!__atomic_load_n(&job->cancelled, __ATOMIC_ACQUIRE)) {
		if (!ReadFile(device, buffer, sizeof(buffer), &bytes, NULL))
			return GetLastError();
		if (!bytes)
			return ERROR_HANDLE_EOF;
	}
	return ERROR_OPERATION_ABORTED;
}

static DWORD WINAPI SynchronousIoWorker(LPVOID arg)
{
	struct job *job = arg;
	HANDLE device;

	job->where = "CreateFile";
	tell("worker: opens the device");
	device = CreateFileA(job->device, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			     OPEN_EXISTING, 0, NULL);
	if (device == INVALID_HANDLE_VALUE) {
		job->error = GetLastError();
		return 1;
	}
	tell("worker: the device is open, reads");
	job->error = read_until_cancelled(job, device);
	CloseHandle(device);
	return 0;
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	struct timespec ts;
	HANDLE worker;
	char line[120];

	if (argc != 2) {
		fprintf(stderr, "usage: %s DEVICE\n", argv[0]);
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	start = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	job.device = argv[1];
	worker = CreateThread(NULL, 0, SynchronousIoWorker, &job, 0, NULL);
	if (!worker) {
		fprintf(stderr, "CreateThread: error %u\n", GetLastError());
		return 1;
	}

	if (WaitForSingleObject(worker, 1000) == WAIT_TIMEOUT) {
		tell("user: has waited a second, cancels");
		__atomic_store_n(&job.cancelled, 1, __ATOMIC_RELEASE);
		do
			CancelSynchronousIo(worker);
		while (WaitForSingleObject(worker, 10) == WAIT_TIMEOUT);
	}
	snprintf(line, sizeof(line), "worker: has ended in %s with error %u%s", job.where, job.error,
		 job.error == ERROR_OPERATION_ABORTED ? " (operation aborted)" : "");
	tell(line);
	CloseHandle(worker);
	return job.error == ERROR_OPERATION_ABORTED ? 0 : 1;
}
