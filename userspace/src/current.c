// SPDX-License-Identifier: MIT
/* The calling thread and its process. */
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handle.h"
#include "status.h"
#include "thread.h"

static void never_destroyed(struct cio_object *obj)
{
	(void)obj;
}

const struct cio_class cio_process_class = {
	.name = "process",
	.all = PROCESS_ALL_ACCESS,
	.read = READ_CONTROL | PROCESS_QUERY_INFORMATION | PROCESS_VM_READ,
	.write = READ_CONTROL | PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION | PROCESS_VM_WRITE |
		 PROCESS_DUP_HANDLE,
	.execute = READ_CONTROL | SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION |
		   PROCESS_TERMINATE,
	.destroy = never_destroyed,
};

/* Nobody in it lives to see it signalled. */
struct cio_object cio_process_object = {
	.class = &cio_process_class,
	.refs = 1,
	.waiters = CIO_LIST_INIT(cio_process_object.waiters),
};

HANDLE WINAPI GetCurrentThread(void)
{
	return CIO_CURRENT_THREAD;
}

HANDLE WINAPI GetCurrentProcess(void)
{
	return CIO_CURRENT_PROCESS;
}

DWORD WINAPI GetCurrentThreadId(void)
{
	CIO_KEEP_ERRNO;
	struct cio_thread *t = cio_self();

	return t ? (DWORD)t->tid : (DWORD)syscall(SYS_gettid);
}

DWORD WINAPI GetCurrentProcessId(void)
{
	return (DWORD)getpid();
}

DWORD WINAPI GetCurrentProcessorNumber(void)
{
	CIO_KEEP_ERRNO;
	int cpu = sched_getcpu();

	return cpu < 0 ? 0 : (DWORD)cpu;
}

static long switches(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw + usage.ru_nvcsw : 0;
}

BOOL WINAPI SwitchToThread(void)
{
	CIO_KEEP_ERRNO;
	long before = switches();

	sched_yield();
	return switches() != before;
}

/*
 * exit(3) is for one thread, once. Others that end the process meanwhile are held here until it
 * is over, as if they had been ended already; one that asks for it again in a handler of
 * atexit(3)'s gets it at once.
 */
VOID WINAPI ExitProcess(UINT code)
{
	static atomic_int ending;
	int nobody = 0, self = (int)syscall(SYS_gettid);

	if (atomic_compare_exchange_strong(&ending, &nobody, self))
		exit((int)code);
	if (nobody == self)
		_exit((int)code);
	for (;;)
		pause();
}
