/* SPDX-License-Identifier: MIT */
/* Flags and wait results, and the header that gathers the topical ones. */
#ifndef _WINBASE_H_
#define _WINBASE_H_

#include <stdarg.h>
#include <minwinbase.h>
#include <errhandlingapi.h>
#include <fileapi.h>
#include <handleapi.h>
#include <heapapi.h>
#include <ioapiset.h>
#include <memoryapi.h>
#include <namedpipeapi.h>
#include <processenv.h>
#include <processthreadsapi.h>
#include <profileapi.h>
#include <synchapi.h>
#include <sysinfoapi.h>
#include <threadpoolapiset.h>
#include <threadpoollegacyapiset.h>
#include <timezoneapi.h>

#define FILE_FLAG_WRITE_THROUGH 0x80000000u
#define FILE_FLAG_OVERLAPPED 0x40000000u
#define FILE_FLAG_NO_BUFFERING 0x20000000u
#define FILE_FLAG_RANDOM_ACCESS 0x10000000u
#define FILE_FLAG_SEQUENTIAL_SCAN 0x08000000u
#define FILE_FLAG_DELETE_ON_CLOSE 0x04000000u
#define FILE_FLAG_BACKUP_SEMANTICS 0x02000000u
#define FILE_FLAG_POSIX_SEMANTICS 0x01000000u
#define FILE_FLAG_SESSION_AWARE 0x00800000u
#define FILE_FLAG_OPEN_REPARSE_POINT 0x00200000u
#define FILE_FLAG_OPEN_NO_RECALL 0x00100000u
#define FILE_FLAG_FIRST_PIPE_INSTANCE 0x00080000u
#define FILE_FLAG_OPEN_REQUIRING_OPLOCK 0x00040000u

#define SECURITY_ANONYMOUS 0x00000000u
#define SECURITY_IDENTIFICATION 0x00010000u
#define SECURITY_IMPERSONATION 0x00020000u
#define SECURITY_DELEGATION 0x00030000u
#define SECURITY_CONTEXT_TRACKING 0x00040000u
#define SECURITY_EFFECTIVE_ONLY 0x00080000u
#define SECURITY_SQOS_PRESENT 0x00100000u
#define SECURITY_VALID_SQOS_FLAGS 0x001F0000u

#define PIPE_ACCESS_INBOUND 0x00000001u
#define PIPE_ACCESS_OUTBOUND 0x00000002u
#define PIPE_ACCESS_DUPLEX 0x00000003u
#define PIPE_CLIENT_END 0x00000000u
#define PIPE_SERVER_END 0x00000001u
#define PIPE_WAIT 0x00000000u
#define PIPE_NOWAIT 0x00000001u
#define PIPE_READMODE_BYTE 0x00000000u
#define PIPE_READMODE_MESSAGE 0x00000002u
#define PIPE_TYPE_BYTE 0x00000000u
#define PIPE_TYPE_MESSAGE 0x00000004u
#define PIPE_ACCEPT_REMOTE_CLIENTS 0x00000000u
#define PIPE_REJECT_REMOTE_CLIENTS 0x00000008u
#define PIPE_UNLIMITED_INSTANCES 255u
#define NMPWAIT_WAIT_FOREVER 0xFFFFFFFFu
#define NMPWAIT_NOWAIT 0x00000001u
#define NMPWAIT_USE_DEFAULT_WAIT 0x00000000u

#define FILE_BEGIN 0u
#define FILE_CURRENT 1u
#define FILE_END 2u

#define FILE_TYPE_UNKNOWN 0x0000u
#define FILE_TYPE_DISK 0x0001u
#define FILE_TYPE_CHAR 0x0002u
#define FILE_TYPE_PIPE 0x0003u
#define FILE_TYPE_REMOTE 0x8000u

#define STD_INPUT_HANDLE ((DWORD)-10)
#define STD_OUTPUT_HANDLE ((DWORD)-11)
#define STD_ERROR_HANDLE ((DWORD)-12)

#define HANDLE_FLAG_INHERIT 0x00000001u
#define HANDLE_FLAG_PROTECT_FROM_CLOSE 0x00000002u

#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 0x1
#define FILE_SKIP_SET_EVENT_ON_HANDLE 0x2

/* Not by way of STATUS_*: those a program may have asked winnt.h not to define. */
#define INFINITE 0xFFFFFFFFu
#define WAIT_FAILED ((DWORD)0xFFFFFFFFu)
#define WAIT_OBJECT_0 ((DWORD)0x00000000u)
#define WAIT_ABANDONED ((DWORD)0x00000080u)
#define WAIT_ABANDONED_0 ((DWORD)0x00000080u)
#define WAIT_IO_COMPLETION ((DWORD)0x000000C0u)

#define THREAD_PRIORITY_IDLE (-15)
#define THREAD_PRIORITY_LOWEST (-2)
#define THREAD_PRIORITY_BELOW_NORMAL (-1)
#define THREAD_PRIORITY_NORMAL 0
#define THREAD_PRIORITY_ABOVE_NORMAL 1
#define THREAD_PRIORITY_HIGHEST 2
#define THREAD_PRIORITY_TIME_CRITICAL 15
#define THREAD_PRIORITY_ERROR_RETURN MAXLONG
#define THREAD_MODE_BACKGROUND_BEGIN 0x00010000
#define THREAD_MODE_BACKGROUND_END 0x00020000

#define CREATE_SUSPENDED 0x00000004u
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x00010000u

#define WT_EXECUTEDEFAULT 0x00000000u
#define WT_EXECUTEINIOTHREAD 0x00000001u
#define WT_EXECUTEINPERSISTENTTHREAD 0x00000080u
#define WT_EXECUTELONGFUNCTION 0x00000010u
#define WT_TRANSFER_IMPERSONATION 0x00000100u

#define PROGRESS_CONTINUE 0
#define PROGRESS_CANCEL 1
#define PROGRESS_STOP 2
#define PROGRESS_QUIET 3

#define CALLBACK_CHUNK_FINISHED 0x00000000u
#define CALLBACK_STREAM_SWITCH 0x00000001u

#define COPY_FILE_FAIL_IF_EXISTS 0x00000001u
#define COPY_FILE_RESTARTABLE 0x00000002u
#define COPY_FILE_OPEN_SOURCE_FOR_WRITE 0x00000004u
#define COPY_FILE_ALLOW_DECRYPTED_DESTINATION 0x00000008u
#define COPY_FILE_DIRECTORY 0x00000080u
#define COPY_FILE_COPY_SYMLINK 0x00000800u
#define COPY_FILE_NO_BUFFERING 0x00001000u
#define COPY_FILE_REQUEST_SECURITY_PRIVILEGES 0x00002000u
#define COPY_FILE_RESUME_FROM_PAUSE 0x00004000u
#define COPY_FILE_SKIP_ALTERNATE_STREAMS 0x00008000u
#define COPY_FILE_NO_OFFLOAD 0x00040000u
#define COPY_FILE_OPEN_AND_COPY_REPARSE_POINT 0x00200000u
#define COPY_FILE_IGNORE_EDP_BLOCK 0x00400000u
#define COPY_FILE_IGNORE_SOURCE_ENCRYPTION 0x00800000u
#define COPY_FILE_DONT_REQUEST_DEST_WRITE_DAC 0x02000000u
#define COPY_FILE_DISABLE_PRE_ALLOCATION 0x04000000u
#define COPY_FILE_ENABLE_LOW_FREE_SPACE_MODE 0x08000000u
#define COPY_FILE_REQUEST_COMPRESSED_TRAFFIC 0x10000000u

#define COPYFILE2_MESSAGE_COPY_OFFLOAD 0x00000001

#define MOVEFILE_REPLACE_EXISTING 0x00000001u
#define MOVEFILE_COPY_ALLOWED 0x00000002u
#define MOVEFILE_DELAY_UNTIL_REBOOT 0x00000004u
#define MOVEFILE_WRITE_THROUGH 0x00000008u
#define MOVEFILE_CREATE_HARDLINK 0x00000010u
#define MOVEFILE_FAIL_IF_NOT_TRACKABLE 0x00000020u

#define REPLACEFILE_WRITE_THROUGH 0x00000001u
#define REPLACEFILE_IGNORE_MERGE_ERRORS 0x00000002u
#define REPLACEFILE_IGNORE_ACL_ERRORS 0x00000004u

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100u
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200u
#define FORMAT_MESSAGE_FROM_STRING 0x00000400u
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800u
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000u
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000u
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000FFu

#define LMEM_FIXED 0x0000u
#define LMEM_MOVEABLE 0x0002u
#define LMEM_ZEROINIT 0x0040u
#define LMEM_MODIFY 0x0080u
#define LPTR (LMEM_FIXED | LMEM_ZEROINIT)
#define GMEM_FIXED 0x0000u
#define GMEM_MOVEABLE 0x0002u
#define GMEM_ZEROINIT 0x0040u
#define GMEM_MODIFY 0x0080u
#define GPTR (GMEM_FIXED | GMEM_ZEROINIT)

#define MoveMemory RtlMoveMemory
#define CopyMemory RtlCopyMemory
#define FillMemory RtlFillMemory
#define ZeroMemory RtlZeroMemory
#define SecureZeroMemory RtlSecureZeroMemory

/*
 * The library publishes the data and the byte count before Internal, with release order.
 * A poller that reads nothing else needs the acquire to see them.
 */
#define HasOverlappedIoCompleted(lpOverlapped) \
	((DWORD)__atomic_load_n(&(lpOverlapped)->Internal, __ATOMIC_ACQUIRE) != 0x00000103u)

typedef DWORD(WINAPI *LPPROGRESS_ROUTINE)(LARGE_INTEGER TotalFileSize,
					  LARGE_INTEGER TotalBytesTransferred,
					  LARGE_INTEGER StreamSize,
					  LARGE_INTEGER StreamBytesTransferred,
					  DWORD dwStreamNumber, DWORD dwCallbackReason,
					  HANDLE hSourceFile, HANDLE hDestinationFile,
					  LPVOID lpData);

typedef enum _COPYFILE2_MESSAGE_TYPE {
	COPYFILE2_CALLBACK_NONE = 0,
	COPYFILE2_CALLBACK_CHUNK_STARTED,
	COPYFILE2_CALLBACK_CHUNK_FINISHED,
	COPYFILE2_CALLBACK_STREAM_STARTED,
	COPYFILE2_CALLBACK_STREAM_FINISHED,
	COPYFILE2_CALLBACK_POLL_CONTINUE,
	COPYFILE2_CALLBACK_ERROR,
	COPYFILE2_CALLBACK_MAX
} COPYFILE2_MESSAGE_TYPE;

typedef enum _COPYFILE2_MESSAGE_ACTION {
	COPYFILE2_PROGRESS_CONTINUE = 0,
	COPYFILE2_PROGRESS_CANCEL,
	COPYFILE2_PROGRESS_STOP,
	COPYFILE2_PROGRESS_QUIET,
	COPYFILE2_PROGRESS_PAUSE
} COPYFILE2_MESSAGE_ACTION;

typedef enum _COPYFILE2_COPY_PHASE {
	COPYFILE2_PHASE_NONE = 0,
	COPYFILE2_PHASE_PREPARE_SOURCE,
	COPYFILE2_PHASE_PREPARE_DEST,
	COPYFILE2_PHASE_READ_SOURCE,
	COPYFILE2_PHASE_WRITE_DESTINATION,
	COPYFILE2_PHASE_SERVER_COPY,
	COPYFILE2_PHASE_NAMEGRAFT_COPY,
	COPYFILE2_PHASE_MAX
} COPYFILE2_COPY_PHASE;

typedef struct COPYFILE2_MESSAGE {
	COPYFILE2_MESSAGE_TYPE Type;
	DWORD dwPadding;
	union {
		struct {
			DWORD dwStreamNumber;
			DWORD dwReserved;
			HANDLE hSourceFile;
			HANDLE hDestinationFile;
			ULARGE_INTEGER uliChunkNumber;
			ULARGE_INTEGER uliChunkSize;
			ULARGE_INTEGER uliStreamSize;
			ULARGE_INTEGER uliTotalFileSize;
		} ChunkStarted;
		struct {
			DWORD dwStreamNumber;
			DWORD dwFlags;
			HANDLE hSourceFile;
			HANDLE hDestinationFile;
			ULARGE_INTEGER uliChunkNumber;
			ULARGE_INTEGER uliChunkSize;
			ULARGE_INTEGER uliStreamSize;
			ULARGE_INTEGER uliStreamBytesTransferred;
			ULARGE_INTEGER uliTotalFileSize;
			ULARGE_INTEGER uliTotalBytesTransferred;
		} ChunkFinished;
		struct {
			DWORD dwStreamNumber;
			DWORD dwReserved;
			HANDLE hSourceFile;
			HANDLE hDestinationFile;
			ULARGE_INTEGER uliStreamSize;
			ULARGE_INTEGER uliTotalFileSize;
		} StreamStarted;
		struct {
			DWORD dwStreamNumber;
			DWORD dwReserved;
			HANDLE hSourceFile;
			HANDLE hDestinationFile;
			ULARGE_INTEGER uliStreamSize;
			ULARGE_INTEGER uliStreamBytesTransferred;
			ULARGE_INTEGER uliTotalFileSize;
			ULARGE_INTEGER uliTotalBytesTransferred;
		} StreamFinished;
		struct {
			DWORD dwReserved;
		} PollContinue;
		struct {
			COPYFILE2_COPY_PHASE CopyPhase;
			DWORD dwStreamNumber;
			HRESULT hrFailure;
			DWORD dwReserved;
			ULARGE_INTEGER uliChunkNumber;
			ULARGE_INTEGER uliStreamSize;
			ULARGE_INTEGER uliStreamBytesTransferred;
			ULARGE_INTEGER uliTotalFileSize;
			ULARGE_INTEGER uliTotalBytesTransferred;
		} Error;
	} Info;
} COPYFILE2_MESSAGE;

typedef COPYFILE2_MESSAGE_ACTION(CALLBACK *PCOPYFILE2_PROGRESS_ROUTINE)(
	const COPYFILE2_MESSAGE *pMessage, PVOID pvCallbackContext);

typedef struct COPYFILE2_EXTENDED_PARAMETERS {
	DWORD dwSize;
	DWORD dwCopyFlags;
	BOOL *pfCancel;
	PCOPYFILE2_PROGRESS_ROUTINE pProgressRoutine;
	PVOID pvCallbackContext;
} COPYFILE2_EXTENDED_PARAMETERS;

#ifdef __cplusplus
extern "C" {
#endif

WINBASEAPI BOOL WINAPI CopyFileA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName,
				 BOOL bFailIfExists);
WINBASEAPI BOOL WINAPI CopyFileW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName,
				 BOOL bFailIfExists);
WINBASEAPI BOOL WINAPI CopyFileExA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName,
				   LPPROGRESS_ROUTINE lpProgressRoutine, LPVOID lpData,
				   LPBOOL pbCancel, DWORD dwCopyFlags);
WINBASEAPI BOOL WINAPI CopyFileExW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName,
				   LPPROGRESS_ROUTINE lpProgressRoutine, LPVOID lpData,
				   LPBOOL pbCancel, DWORD dwCopyFlags);
WINBASEAPI HRESULT WINAPI CopyFile2(PCWSTR pwszExistingFileName, PCWSTR pwszNewFileName,
				    COPYFILE2_EXTENDED_PARAMETERS *pExtendedParameters);

WINBASEAPI BOOL WINAPI PulseEvent(HANDLE hEvent);
WINBASEAPI BOOL WINAPI BindIoCompletionCallback(HANDLE FileHandle,
						LPOVERLAPPED_COMPLETION_ROUTINE Function,
						ULONG Flags);
WINBASEAPI BOOL WINAPI SetFileCompletionNotificationModes(HANDLE FileHandle, UCHAR Flags);

WINBASEAPI HANDLE WINAPI CreateNamedPipeA(LPCSTR lpName, DWORD dwOpenMode, DWORD dwPipeMode,
					  DWORD nMaxInstances, DWORD nOutBufferSize,
					  DWORD nInBufferSize, DWORD nDefaultTimeOut,
					  LPSECURITY_ATTRIBUTES lpSecurityAttributes);
WINBASEAPI BOOL WINAPI WaitNamedPipeA(LPCSTR lpNamedPipeName, DWORD nTimeOut);
WINBASEAPI BOOL WINAPI CallNamedPipeA(LPCSTR lpNamedPipeName, LPVOID lpInBuffer,
				      DWORD nInBufferSize, LPVOID lpOutBuffer,
				      DWORD nOutBufferSize, LPDWORD lpBytesRead, DWORD nTimeOut);
WINBASEAPI BOOL WINAPI GetNamedPipeHandleStateA(HANDLE hNamedPipe, LPDWORD lpState,
						LPDWORD lpCurInstances,
						LPDWORD lpMaxCollectionCount,
						LPDWORD lpCollectDataTimeout, LPSTR lpUserName,
						DWORD nMaxUserNameSize);
WINBASEAPI BOOL WINAPI GetNamedPipeClientProcessId(HANDLE Pipe, PULONG ClientProcessId);
WINBASEAPI BOOL WINAPI GetNamedPipeServerProcessId(HANDLE Pipe, PULONG ServerProcessId);

WINBASEAPI BOOL WINAPI MoveFileA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName);
WINBASEAPI BOOL WINAPI MoveFileW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName);
WINBASEAPI BOOL WINAPI MoveFileExA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName, DWORD dwFlags);
WINBASEAPI BOOL WINAPI MoveFileExW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName,
				   DWORD dwFlags);
WINBASEAPI BOOL WINAPI MoveFileWithProgressA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName,
					     LPPROGRESS_ROUTINE lpProgressRoutine, LPVOID lpData,
					     DWORD dwFlags);
WINBASEAPI BOOL WINAPI MoveFileWithProgressW(LPCWSTR lpExistingFileName, LPCWSTR lpNewFileName,
					     LPPROGRESS_ROUTINE lpProgressRoutine, LPVOID lpData,
					     DWORD dwFlags);
WINBASEAPI BOOL WINAPI ReplaceFileA(LPCSTR lpReplacedFileName, LPCSTR lpReplacementFileName,
				    LPCSTR lpBackupFileName, DWORD dwReplaceFlags,
				    LPVOID lpExclude, LPVOID lpReserved);
WINBASEAPI BOOL WINAPI ReplaceFileW(LPCWSTR lpReplacedFileName, LPCWSTR lpReplacementFileName,
				    LPCWSTR lpBackupFileName, DWORD dwReplaceFlags,
				    LPVOID lpExclude, LPVOID lpReserved);

WINBASEAPI DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId,
				       DWORD dwLanguageId, LPSTR lpBuffer, DWORD nSize,
				       va_list *Arguments);
WINBASEAPI DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId,
				       DWORD dwLanguageId, LPWSTR lpBuffer, DWORD nSize,
				       va_list *Arguments);

WINBASEAPI HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes);
WINBASEAPI HLOCAL WINAPI LocalFree(HLOCAL hMem);
WINBASEAPI HLOCAL WINAPI LocalReAlloc(HLOCAL hMem, SIZE_T uBytes, UINT uFlags);
WINBASEAPI SIZE_T WINAPI LocalSize(HLOCAL hMem);
WINBASEAPI HGLOBAL WINAPI GlobalAlloc(UINT uFlags, SIZE_T dwBytes);
WINBASEAPI HGLOBAL WINAPI GlobalFree(HGLOBAL hMem);
WINBASEAPI HGLOBAL WINAPI GlobalReAlloc(HGLOBAL hMem, SIZE_T dwBytes, UINT uFlags);
WINBASEAPI SIZE_T WINAPI GlobalSize(HGLOBAL hMem);

WINBASEAPI int WINAPI lstrlenA(LPCSTR lpString);
WINBASEAPI int WINAPI lstrlenW(LPCWSTR lpString);
WINBASEAPI LPSTR WINAPI lstrcpyA(LPSTR lpString1, LPCSTR lpString2);
WINBASEAPI LPWSTR WINAPI lstrcpyW(LPWSTR lpString1, LPCWSTR lpString2);
WINBASEAPI LPSTR WINAPI lstrcpynA(LPSTR lpString1, LPCSTR lpString2, int iMaxLength);
WINBASEAPI LPWSTR WINAPI lstrcpynW(LPWSTR lpString1, LPCWSTR lpString2, int iMaxLength);
WINBASEAPI LPSTR WINAPI lstrcatA(LPSTR lpString1, LPCSTR lpString2);
WINBASEAPI LPWSTR WINAPI lstrcatW(LPWSTR lpString1, LPCWSTR lpString2);
WINBASEAPI int WINAPI lstrcmpA(LPCSTR lpString1, LPCSTR lpString2);
WINBASEAPI int WINAPI lstrcmpW(LPCWSTR lpString1, LPCWSTR lpString2);
WINBASEAPI int WINAPI lstrcmpiA(LPCSTR lpString1, LPCSTR lpString2);
WINBASEAPI int WINAPI lstrcmpiW(LPCWSTR lpString1, LPCWSTR lpString2);

/* A thread's callbacks go to the pool given, or to the process' own if there is none. */
FORCEINLINE VOID InitializeThreadpoolEnvironment(PTP_CALLBACK_ENVIRON pcbe)
{
	TpInitializeCallbackEnviron(pcbe);
}

FORCEINLINE VOID SetThreadpoolCallbackPool(PTP_CALLBACK_ENVIRON pcbe, PTP_POOL ptpp)
{
	TpSetCallbackThreadpool(pcbe, ptpp);
}

FORCEINLINE VOID SetThreadpoolCallbackRunsLong(PTP_CALLBACK_ENVIRON pcbe)
{
	TpSetCallbackLongFunction(pcbe);
}

FORCEINLINE VOID SetThreadpoolCallbackPriority(PTP_CALLBACK_ENVIRON pcbe,
					       TP_CALLBACK_PRIORITY Priority)
{
	TpSetCallbackPriority(pcbe, Priority);
}

FORCEINLINE VOID DestroyThreadpoolEnvironment(PTP_CALLBACK_ENVIRON pcbe)
{
	TpDestroyCallbackEnviron(pcbe);
}

#ifdef UNICODE
#define CopyFile CopyFileW
#define CopyFileEx CopyFileExW
#define MoveFile MoveFileW
#define MoveFileEx MoveFileExW
#define MoveFileWithProgress MoveFileWithProgressW
#define ReplaceFile ReplaceFileW
#define FormatMessage FormatMessageW
#define lstrlen lstrlenW
#define lstrcpy lstrcpyW
#define lstrcpyn lstrcpynW
#define lstrcat lstrcatW
#define lstrcmp lstrcmpW
#define lstrcmpi lstrcmpiW
#else
#define CopyFile CopyFileA
#define CopyFileEx CopyFileExA
#define CreateNamedPipe CreateNamedPipeA
#define WaitNamedPipe WaitNamedPipeA
#define CallNamedPipe CallNamedPipeA
#define GetNamedPipeHandleState GetNamedPipeHandleStateA
#define MoveFile MoveFileA
#define MoveFileEx MoveFileExA
#define MoveFileWithProgress MoveFileWithProgressA
#define ReplaceFile ReplaceFileA
#define FormatMessage FormatMessageA
#define lstrlen lstrlenA
#define lstrcpy lstrcpyA
#define lstrcpyn lstrcpynA
#define lstrcat lstrcatA
#define lstrcmp lstrcmpA
#define lstrcmpi lstrcmpiA
#endif

#ifdef __cplusplus
}
#endif

#endif
