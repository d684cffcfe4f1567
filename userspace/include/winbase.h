/* SPDX-License-Identifier: MIT */
/* Flags and wait results, and the header that gathers the topical ones. */
#ifndef _WINBASE_H_
#define _WINBASE_H_

#include <minwinbase.h>
#include <errhandlingapi.h>
#include <handleapi.h>
#include <fileapi.h>
#include <ioapiset.h>
#include <synchapi.h>
#include <processthreadsapi.h>

#define FILE_FLAG_WRITE_THROUGH 0x80000000u
#define FILE_FLAG_OVERLAPPED 0x40000000u
#define FILE_FLAG_NO_BUFFERING 0x20000000u
#define FILE_FLAG_RANDOM_ACCESS 0x10000000u
#define FILE_FLAG_SEQUENTIAL_SCAN 0x08000000u
#define FILE_FLAG_DELETE_ON_CLOSE 0x04000000u
#define FILE_FLAG_BACKUP_SEMANTICS 0x02000000u
#define FILE_FLAG_POSIX_SEMANTICS 0x01000000u
#define FILE_FLAG_OPEN_REPARSE_POINT 0x00200000u
#define FILE_FLAG_FIRST_PIPE_INSTANCE 0x00080000u

#define INFINITE 0xFFFFFFFFu
#define WAIT_FAILED ((DWORD)0xFFFFFFFFu)
#define WAIT_OBJECT_0 (STATUS_WAIT_0 + 0)
#define WAIT_ABANDONED (STATUS_ABANDONED_WAIT_0 + 0)
#define WAIT_ABANDONED_0 (STATUS_ABANDONED_WAIT_0 + 0)
#define WAIT_IO_COMPLETION STATUS_USER_APC

#define CREATE_SUSPENDED 0x00000004u
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x00010000u

/*
 * The library publishes the data and the byte count before Internal, with release order.
 * A poller that reads nothing else needs the acquire to see them.
 */
#define HasOverlappedIoCompleted(lpOverlapped) \
	((DWORD)__atomic_load_n(&(lpOverlapped)->Internal, __ATOMIC_ACQUIRE) != STATUS_PENDING)

#endif
