// SPDX-License-Identifier: MIT
/*
 * Stands between the copy and the kernel: a system call that fails at any place, that is refused half
 * way, or between which and the next one the copy is cancelled.
 */
#include <errno.h>
#include <stdarg.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <windows.h>

#include "copy.h"
#include "volume.h"

struct cio_thread;

long __real_cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4,
			  long a5, long a6);
long __wrap_cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4,
			  long a5, long a6);

/* What happens to calls of this kind (0: all), from the n-th on, so many times. */
static struct {
	long nr;
	int from, times, error;
	long at_most;  /* what a call may move */
	HANDLE cancel; /* the thread whose call is cancelled before it */
	int seen;
	BOOL cancelled;
	long most; /* what copy_file_range(2) was asked for from there on, at first */
	long most_from;
} fault;

static DWORD WINAPI cancel_it(LPVOID thread)
{
	fault.cancelled = CancelSynchronousIo(thread);
	return 0;
}

/* By another thread, because none cancels itself; when this returns, it has. */
static void cancel_here(HANDLE thread)
{
	HANDLE t = CreateThread(NULL, 0, cancel_it, thread, 0, NULL);

	CHECK(t);
	while (WaitForSingleObject(t, 0) == WAIT_TIMEOUT)
		sched_yield();
	CloseHandle(t);
}

long __wrap_cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4,
			  long a5, long a6)
{
	bool hit = (!fault.nr || fault.nr == nr) && fault.seen++ >= fault.from &&
		   fault.seen <= fault.from + fault.times;

	if (hit && fault.cancel)
		cancel_here(fault.cancel);
	if (hit && fault.error)
		return -fault.error;
	if (nr == SYS_copy_file_range && fault.most_from && !fault.most &&
	    *(loff_t *)a2 >= fault.most_from)
		fault.most = a5;
	if (hit && fault.at_most && nr == SYS_copy_file_range && a5 > fault.at_most)
		a5 = fault.at_most;
	if (hit && fault.at_most && nr != SYS_copy_file_range && a3 > fault.at_most)
		a3 = fault.at_most;
	return __real_cio_sync_call(self, nr, a1, a2, a3, a4, a5, a6);
}

long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);

/* What a file that could be written to says at its next close(2). */
static int close_error;

static bool is_written(int fd)
{
	struct stat st;

	return (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

long __wrap_syscall(long nr, ...)
{
	long a[6], ret;
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (nr != SYS_close || !close_error || !is_written((int)a[0]))
		return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	/* It is closed all the same. */
	ret = __real_syscall(nr, a[0]);
	CHECK_EQ(ret, 0);
	errno = close_error;
	close_error = 0;
	return -1;
}

static void set_fault(long nr, int from, int times, int error)
{
	memset(&fault, 0, sizeof(fault));
	fault.nr = nr;
	fault.from = from;
	fault.times = times;
	fault.error = error;
}

static const char *from, *to;

static void prepare(long size)
{
	from = copy_source("from", size);
	to = host_path("to");
	unlink(to);
}

static BOOL copy(DWORD flags)
{
	SetLastError(0xdead);
	return CopyFileExA(from, to, NULL, NULL, NULL, flags);
}

/* Wherever the kernel does not want to copy by itself, it is done by hand, from there on. */
static void refused(void)
{
	static const int errors[] = {EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM, EBADF, EIO};

	prepare(5 * MIB + 3);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		for (int at = 0; at < 3; at++) {
			set_fault(SYS_copy_file_range, at, 1000, errors[i]);
			CHECK(copy(0));
			CHECK_EQ(fault.seen, at + 1);
			copy_same(from, to);
		}
	}
	/* It says that there is nothing, and there is. */
	set_fault(SYS_copy_file_range, 1, 1000, 0);
	fault.at_most = 1;
	CHECK(copy(0));
	copy_same(from, to);
}

static void refuse_direct(int from_call, int error)
{
	set_fault(SYS_pread64, from_call, 1, error);
	CHECK(copy(COPY_FILE_NO_BUFFERING));
	copy_same(from, to);
}

/* Less than was asked for; and a file that cannot be asked for its holes. */
static void short_calls(void)
{
	prepare(300000);
	set_fault(SYS_pread64, 0, 100000, 0);
	fault.at_most = 777;
	CHECK(copy(COPY_FILE_NO_OFFLOAD));
	copy_same(from, to);
	set_fault(SYS_pwrite64, 0, 100000, 0);
	fault.at_most = 777;
	CHECK(copy(COPY_FILE_NO_OFFLOAD));
	copy_same(from, to);
	set_fault(SYS_copy_file_range, 0, 100000, 0);
	fault.at_most = 777;
	CHECK(copy(0));
	copy_same(from, to);
	CHECK_EQ(truncate(from, 5 * MIB), 0);
	for (int at = 0; at < 3; at++) {
		set_fault(SYS_lseek, at, 1, EINVAL);
		CHECK(copy(0));
		copy_same(from, to);
	}
}

/* Direct I/O's rules, which differ from one file system to the next. */
static void direct(void)
{
	int fd;

	prepare(MIB + 3);
	fd = open(from, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		SKIP("the file system knows no direct I/O");
	close(fd);
	for (int at = 0; at < 4; at++)
		refuse_direct(at, EINVAL);
}

/* Each call, one after the other, fails for good: the error is told, and nothing is left. */
static void each_call_fails(void)
{
	static const DWORD flags[] = {COPY_FILE_NO_OFFLOAD,
				      COPY_FILE_RESTARTABLE | COPY_FILE_NO_OFFLOAD};
	int at, failed = 0;

	prepare(MIB + 3);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		for (at = 0; at < 1000; at++) {
			unlink(to);
			set_fault(0, at, 1, EIO);
			if (copy(flags[i])) {
				copy_same(from, to);
				if (fault.seen <= at)
					break;
				continue;
			}
			failed++;
			CHECK_EQ(GetLastError(), ERROR_IO_DEVICE);
			if (!(flags[i] & COPY_FILE_RESTARTABLE))
				CHECK(!host_exists(to));
			set_fault(0, 1000000, 0, 0);
			CHECK(copy(flags[i]));
			copy_same(from, to);
		}
		CHECK(at < 1000);
	}
	CHECK(failed > 10);
}

/* A file system that says only at the end that there was no room, as NFS does. */
static void close_fails(void)
{
	prepare(MIB);
	close_error = ENOSPC;
	CHECK_FAILS(copy(0), ERROR_DISK_FULL);
	CHECK(!host_exists(to));
	close_error = EDQUOT;
	CHECK(!copy(COPY_FILE_RESTARTABLE));
	CHECK(host_exists(to) && size_of(to) > MIB);
	CHECK(copy(COPY_FILE_RESTARTABLE | COPY_FILE_FAIL_IF_EXISTS));
	copy_same(from, to);
	/* It was only interrupted, so it is asked again. */
	close_error = EINTR;
	CHECK(copy(0));
	CHECK_EQ(close_error, 0);
	copy_same(from, to);
	/* Without a descriptor to spare, too. */
	set_fault(SYS_fcntl, 0, 1, EMFILE);
	CHECK(copy(0));
	copy_same(from, to);
	set_fault(SYS_fdatasync, 0, 1, EIO);
	CHECK(copy(0));
	CHECK_EQ(fault.seen, 0);
}

/* The source of a move stays until all of it is there (W-MOVE-1). */
static void close_fails_in_move(void)
{
	enter_two();
	text_file("a", "content");
	close_error = ENOSPC;
	CHECK_FAILS(MoveFileExA("a", far("b"), MOVEFILE_COPY_ALLOWED), ERROR_DISK_FULL);
	CHECK(has("a", "content"));
	CHECK_EQ(count_names(volume, ""), 0);
	text_file(far("b"), "older");
	close_error = EIO;
	CHECK_FAILS(MoveFileExA("a", far("b"), MOVEFILE_COPY_ALLOWED | MOVEFILE_REPLACE_EXISTING),
		    ERROR_IO_DEVICE);
	CHECK(has("a", "content") && has(far("b"), "older"));
	CHECK_EQ(count_names(volume, ""), 1);
	CHECK(MoveFileExA("a", far("b"), MOVEFILE_COPY_ALLOWED | MOVEFILE_REPLACE_EXISTING));
	CHECK(has(far("b"), "content") && !host_exists("a"));
}

/* A hole takes no time, whatever the disk does: by it nothing is learnt of how long a chunk takes. */
static void holes_teach_nothing(void)
{
	enum { HOLES = 12 };

	prepare(0);
	for (int i = 1; i <= HOLES; i++)
		copy_fill(from, 10 * MIB * i, i < HOLES ? 4096 : 8 * MIB);
	set_fault(0, 0, 0, 0);
	fault.most_from = 10 * MIB * HOLES;
	CHECK(copy(0));
	CHECK(fault.most > 0 && fault.most <= MIB);
	copy_same(from, to);
}

int __real_fstatfs(int fd, struct statfs *fs);
int __wrap_fstatfs(int fd, struct statfs *fs);

/* What each file system says that it is; 0: what it is. */
static __typeof__(((struct statfs *)0)->f_type) fs_type;

int __wrap_fstatfs(int fd, struct statfs *fs)
{
	int ret = __real_fstatfs(fd, fs);

	if (fs_type)
		fs->f_type = fs_type;
	return ret;
}

static DWORD CALLBACK look_and_stop(LARGE_INTEGER size, LARGE_INTEGER done,
				    LARGE_INTEGER stream_size, LARGE_INTEGER stream_done,
				    DWORD stream, DWORD reason, HANDLE source, HANDLE target,
				    LPVOID data)
{
	(void)size, (void)stream_size, (void)stream_done, (void)stream, (void)source, (void)target;
	CHECK_EQ(size_of(to), done.QuadPart);
	return reason == CALLBACK_CHUNK_FINISHED ? *(DWORD *)data : PROGRESS_CONTINUE;
}

/* Where there are no holes, nothing is written behind the end; so there is nothing to go on with. */
static void no_record_without_holes(void)
{
	static const unsigned int types[] = {MSDOS_SUPER_MAGIC, 0x2011bab0};
	DWORD answer;

	prepare(4 * MIB);
	for (size_t i = 0; i < 2; i++) {
		fs_type = types[i];
		set_fault(0, 0, 0, 0);
		answer = PROGRESS_STOP;
		CHECK_FAILS(CopyFileExA(from, to, look_and_stop, &answer, NULL,
					COPY_FILE_RESTARTABLE), ERROR_REQUEST_ABORTED);
		CHECK(size_of(to) > 0 && size_of(to) < 4 * MIB);
		CHECK_FAILS(copy(COPY_FILE_RESTARTABLE | COPY_FILE_FAIL_IF_EXISTS), ERROR_FILE_EXISTS);
		answer = PROGRESS_CONTINUE;
		CHECK(CopyFileExA(from, to, look_and_stop, &answer, NULL, COPY_FILE_RESTARTABLE));
		copy_same(from, to);
		CHECK_EQ(unlink(to), 0);
		/* What has failed is as of any copy's. */
		set_fault(SYS_copy_file_range, 1, 1, EINTR);
		CHECK_FAILS(copy(COPY_FILE_RESTARTABLE), ERROR_OPERATION_ABORTED);
		CHECK(!host_exists(to));
	}
}

/* What is in a link's way is there as long as the link is not. */
static void link_fails(void)
{
	text_file("a", "1");
	CHECK_EQ(symlink("a", "l"), 0);
	for (int at = 0; at < 3; at++) {
		unlink("to");
		text_file("to", "2");
		set_fault(SYS_symlinkat, at, 1, ENOSPC);
		if (CopyFileExA("l", "to", NULL, NULL, NULL, COPY_FILE_COPY_SYMLINK))
			CHECK(has("to", "1"));
		else
			CHECK(has("to", "2") && fault.seen == at + 1);
		CHECK_EQ(count_names(".", ""), 3);
	}
}

static HANDLE copier;

static DWORD WINAPI copy_cancelled(LPVOID flags)
{
	return copy((DWORD)(ULONG_PTR)flags) ? 0 : GetLastError();
}

/*
 * Between each two of its system calls: the cancel finds a call to cancel, and is not forgotten
 * (W-CANCELSYNC-1, -5).
 */
static void cancelled_between_calls(void)
{
	static const DWORD flags[] = {0, COPY_FILE_NO_OFFLOAD, COPY_FILE_RESTARTABLE,
				      COPY_FILE_COPY_SYMLINK};
	int calls = 0;

	prepare(2 * MIB);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		for (int at = 0;; at++) {
			DWORD error;

			unlink(to);
			set_fault(0, at, 1, 0);
			copier = CreateThread(NULL, 0, copy_cancelled, (LPVOID)(ULONG_PTR)flags[i],
					      CREATE_SUSPENDED, NULL);
			fault.cancel = copier;
			CHECK_EQ(ResumeThread(copier), 1);
			CHECK_EQ(WaitForSingleObject(copier, INFINITE), WAIT_OBJECT_0);
			CHECK(GetExitCodeThread(copier, &error));
			CHECK(CloseHandle(copier));
			if (fault.seen <= at)
				break;
			CHECK(fault.cancelled);
			CHECK_EQ(error, ERROR_OPERATION_ABORTED);
			if (flags[i] != COPY_FILE_RESTARTABLE)
				CHECK(!host_exists(to));
			calls++;
		}
		copy_same(from, to);
	}
	printf("# cancelled before each of %d calls\n", calls);
	CHECK(calls > 20);
}

static const struct tap_case cases[] = {
	CASE(refused, "a kernel that does not copy, or not to the end"),
	CASE(short_calls, "calls that do less"),
	CASE(direct, "direct I/O that is refused"),
	CASE(each_call_fails, "each system call fails once"),
	CASE(close_fails, "an error that a close tells"),
	CASE(close_fails_in_move, "the same between volumes (W-MOVE-1)"),
	CASE(link_fails, "a link that cannot be made"),
	CASE(holes_teach_nothing, "a chunk does not grow by holes"),
	CASE(no_record_without_holes, "no record where there are no holes"),
	CASE(cancelled_between_calls, "cancelled between each two system calls (W-CANCELSYNC-1)"),
};

TAP_MAIN(cases)
