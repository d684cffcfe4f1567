// SPDX-License-Identifier: MIT
// What sources of Windows do with the headers, and must find no fault with.
#define WIN32_NO_STATUS
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>
#include <process.h>
#include <tchar.h>
#include <winioctl.h>

C_ASSERT(STATUS_CANCELLED < 0 && (DWORD)STATUS_CANCELLED == 0xC0000120u);
C_ASSERT((DWORD)STATUS_BUFFER_OVERFLOW == 0x80000005u && STATUS_PENDING == 0x103);
C_ASSERT(ERROR_OPERATION_ABORTED == 995 && ERROR_IO_INCOMPLETE == 996 && ERROR_IO_PENDING == 997);
C_ASSERT(ERROR_ABANDONED_WAIT_0 == 735 && ERROR_NOT_FOUND == 1168 && ERROR_REQUEST_PAUSED == 3050);
C_ASSERT((DWORD)HRESULT_FROM_WIN32(ERROR_CANCELLED) == 0x800704C7u && HRESULT_FROM_WIN32(0) == S_OK);
C_ASSERT(FAILED(E_FAIL) && SUCCEEDED(S_FALSE));
C_ASSERT(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS) == 0x222000);
C_ASSERT(offsetof(OVERLAPPED, OffsetHigh) == 20 && offsetof(OVERLAPPED, hEvent) == 24);
C_ASSERT(offsetof(OVERLAPPED_ENTRY, dwNumberOfBytesTransferred) == 24);
C_ASSERT(offsetof(CRITICAL_SECTION, OwningThread) == 16 && offsetof(CRITICAL_SECTION, SpinCount) == 32);
C_ASSERT(sizeof(SYSTEM_INFO) == 48 && sizeof(BY_HANDLE_FILE_INFORMATION) == 52);
C_ASSERT(sizeof(TP_CALLBACK_ENVIRON) == 72 && sizeof(TEXT("ab")) == 3 * sizeof(TCHAR));
C_ASSERT(sizeof(COPYFILE2_MESSAGE) == 80 && sizeof(COPYFILE2_EXTENDED_PARAMETERS) == 32);
C_ASSERT(offsetof(COPYFILE2_MESSAGE, Info.ChunkFinished.uliTotalBytesTransferred) == 72);
C_ASSERT(offsetof(COPYFILE2_MESSAGE, Info.StreamFinished.uliTotalBytesTransferred) == 56);
C_ASSERT(offsetof(COPYFILE2_MESSAGE, Info.Error.uliTotalBytesTransferred) == 56);
C_ASSERT(COPY_FILE_COPY_SYMLINK == 0x800 && COPY_FILE_NO_OFFLOAD == 0x40000);

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE condition = CONDITION_VARIABLE_INIT;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

struct request {
	LIST_ENTRY link;
	OVERLAPPED ov;
};

DECLSPEC_ALIGN(16) static volatile LONG flags;
static __declspec(align(64)) LONG64 total;

static struct request *request_of(LPOVERLAPPED ov)
{
	return CONTAINING_RECORD(ov, struct request, ov);
}

int _tmain(_In_ int argc, _In_reads_(argc) TCHAR **argv)
{
	const TCHAR *name = _T("name");
	struct request r;
	LARGE_INTEGER big;
	LONG rc = 0;

	(void)argv;
	ZeroMemory(&r, sizeof(r));
	big.QuadPart = Int32x32To64(argc, 3);
	AcquireSRWLockExclusive(&lock);
	WakeConditionVariable(&condition);
	InitOnceInitialize(&once);
	if (rc == ERROR_SUCCESS && request_of(&r.ov) == &r && _tcslen(name) == 4)
		_tprintf(_T("%lld\n"), big.QuadPart);
	switch (GetLastError()) {
	case NO_ERROR:
	case ERROR_IO_PENDING:
		return HasOverlappedIoCompleted(&r.ov);
	}
	switch (WaitForSingleObject(NULL, INFINITE)) {
	case WAIT_OBJECT_0:
	case WAIT_OBJECT_0 + 1:
	case WAIT_IO_COMPLETION:
	case WAIT_TIMEOUT:
	case WAIT_FAILED:
		break;
	}
	InterlockedOr(&flags, 1);
	InterlockedAdd64(&total, InterlockedExchangeAdd(&flags, 1));
	MemoryBarrier();
	return (int)InterlockedCompareExchangeAcquire(&flags, 0, 1);
}
