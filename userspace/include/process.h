/* SPDX-License-Identifier: MIT */
/* The C runtime's own way to make a thread. */
#ifndef _INC_PROCESS
#define _INC_PROCESS

#include <minwindef.h>

typedef void (*_beginthread_proc_type)(void *);
typedef unsigned int (*_beginthreadex_proc_type)(void *);

#ifdef __cplusplus
extern "C" {
#endif

WINBASEAPI uintptr_t _beginthread(_beginthread_proc_type StartAddress, unsigned int StackSize,
				  void *ArgList);
WINBASEAPI uintptr_t _beginthreadex(void *Security, unsigned int StackSize,
				    _beginthreadex_proc_type StartAddress, void *ArgList,
				    unsigned int InitFlag, unsigned int *ThrdAddr);
WINBASEAPI void _endthread(void) __attribute__((noreturn));
WINBASEAPI void _endthreadex(unsigned int ReturnCode) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
