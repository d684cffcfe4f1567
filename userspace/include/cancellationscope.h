/* SPDX-License-Identifier: MIT */
/*
 * cancellationscope.h: cancellation that sticks. Beyond Windows.
 *
 * CancelSynchronousIo cancels the call that a thread is in at that moment. If the thread is between
 * two calls there is nothing to cancel, and the next call blocks; and if the call one had in mind
 * has just ended, the cancel hits the next. A scope is entered, and everything inside is cancelled
 * together, whenever the cancel comes.
 *
 *	HANDLE scope = CreateCancellationScope(NULL, 0);
 *
 *	EnterCancellationScope(scope);
 *	... CreateFile, ReadFile, WriteFile, DeviceIoControl, FlushFileBuffers ...
 *	LeaveCancellationScope(scope);
 *
 *	CancelCancellationScope(scope);		in any thread, at any time
 *
 * From the cancel on, each synchronous and overlapped call begun inside fails with
 * ERROR_OPERATION_ABORTED and has done nothing. Those that are under way are cancelled as
 * CancelIoEx and CancelSynchronousIo do it: each may still succeed, or end with 995. It stays so
 * until the scope is left; a call after LeaveCancellationScope is an ordinary one, and no cancel can
 * hit it.
 *
 * Any number of threads may be inside, and each may enter a scope as often as it likes. Scopes
 * nest: a call inside two of them is cancelled by either. They are left in the reverse order; a
 * thread that ends leaves its own. A scope that is cancelled remains so, entered or not.
 *
 * An overlapped request belongs to the scopes that its thread was in when it began, until it ends,
 * even after its thread has left. What is no I/O goes on: waits, Sleep, GetQueuedCompletionStatus.
 * Put the scope among the objects of a wait that is to end with it.
 *
 * A scope is an object with a handle: CloseHandle and DuplicateHandle work as on any, and a wait
 * for it ends when it is cancelled. Threads and requests inside keep it alive, its timeout and its
 * bound object included; but who is to leave it needs a handle for that.
 */
#ifndef CANCELLATIONSCOPE_H
#define CANCELLATIONSCOPE_H

#include <minwinbase.h>

#define CANCELLATION_SCOPE_QUERY_STATE 0x0001u
#define CANCELLATION_SCOPE_MODIFY_STATE 0x0002u /* cancel it, set its timeout or handle */
#define CANCELLATION_SCOPE_ENTER 0x0004u
#define CANCELLATION_SCOPE_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x7u)

#ifdef __cplusplus
extern "C" {
#endif

/* NULL on failure. @flags is 0, else ERROR_INVALID_PARAMETER. */
WINBASEAPI HANDLE WINAPI CreateCancellationScope(LPSECURITY_ATTRIBUTES attributes, DWORD flags);

/* Puts the calling thread inside. TRUE even if the scope is cancelled already. */
WINBASEAPI BOOL WINAPI EnterCancellationScope(HANDLE scope);

/* ERROR_NOT_OWNER: it is not the one that the calling thread has entered last. */
WINBASEAPI BOOL WINAPI LeaveCancellationScope(HANDLE scope);

/* TRUE also when it is cancelled already. Does not wait for anything to end. */
WINBASEAPI BOOL WINAPI CancelCancellationScope(HANDLE scope);

/*
 * Cancels the scope when so much time has passed from now on. INFINITE takes the limit back, 0
 * cancels at once; what is cancelled stays so.
 */
WINBASEAPI BOOL WINAPI SetCancellationScopeTimeout(HANDLE scope, DWORD milliseconds);

/*
 * Cancels the scope when @waitable becomes signalled, an event or whatever else can be waited
 * for; its state is not changed by that. NULL takes it back. It may be closed afterwards.
 */
WINBASEAPI BOOL WINAPI SetCancellationScopeHandle(HANDLE scope, HANDLE waitable);

WINBASEAPI BOOL WINAPI IsCancellationScopeCancelled(HANDLE scope, PBOOL cancelled);

#ifdef __cplusplus
}
#endif

#endif
