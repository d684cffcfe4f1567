// SPDX-License-Identifier: MIT
/*
 * Thread local storage, on pthread's keys. As many as those there can be, less what others in the
 * process use: about a thousand, as on Windows.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "status.h"

static atomic_bool ours[PTHREAD_KEYS_MAX];

static bool is_ours(DWORD index)
{
	return index < PTHREAD_KEYS_MAX &&
	       atomic_load_explicit(&ours[index], memory_order_relaxed);
}

DWORD WINAPI TlsAlloc(VOID)
{
	CIO_KEEP_ERRNO;
	pthread_key_t key;

	if (pthread_key_create(&key, NULL) != 0) {
		cio_fail(ERROR_NO_MORE_ITEMS);
		return TLS_OUT_OF_INDEXES;
	}
	if (key >= PTHREAD_KEYS_MAX) {
		pthread_key_delete(key);
		cio_fail(ERROR_NO_MORE_ITEMS);
		return TLS_OUT_OF_INDEXES;
	}
	atomic_store(&ours[key], true);
	return key;
}

/* A NULL can be the value: so this one clears the last error where it succeeds. */
LPVOID WINAPI TlsGetValue(DWORD index)
{
	if (!is_ours(index)) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	cio_fail(ERROR_SUCCESS);
	return pthread_getspecific(index);
}

BOOL WINAPI TlsSetValue(DWORD index, LPVOID value)
{
	CIO_KEEP_ERRNO;

	if (!is_ours(index))
		return cio_fail(ERROR_INVALID_PARAMETER);
	return pthread_setspecific(index, value) == 0 ? TRUE : cio_fail(ERROR_NOT_ENOUGH_MEMORY);
}

BOOL WINAPI TlsFree(DWORD index)
{
	CIO_KEEP_ERRNO;

	if (index >= PTHREAD_KEYS_MAX || !atomic_exchange(&ours[index], false))
		return cio_fail(ERROR_INVALID_PARAMETER);
	pthread_key_delete(index);
	return TRUE;
}
