// SPDX-License-Identifier: MIT
/* Names of events, mutexes and semaphores. */
#include <windows.h>

#include "host.h"

/* NULL, and the last error that belongs to it. */
#define CHECK_NO_HANDLE(call, error) \
	do { \
		SetLastError(0xdead); \
		CHECK((call) == NULL); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

#define CHECK_HANDLE(handle, call, error) \
	do { \
		SetLastError(0xdead); \
		(handle) = (call); \
		CHECK(handle); \
		CHECK_EQ(GetLastError(), error); \
	} while (0)

static BOOL same_object(HANDLE a, HANDLE b)
{
	return CompareObjectHandles(a, b);
}

static void wide(WCHAR *to, const char *from)
{
	while ((*to++ = (WCHAR)*from++))
		;
}

/* The existing object, whatever else was asked for (W-EVENT-1). */
static void created_twice(void)
{
	HANDLE e, m, s, h;
	WCHAR name[20];

	CHECK_HANDLE(e, CreateEventA(NULL, TRUE, FALSE, "event"), 0);
	CHECK_HANDLE(h, CreateEventA(NULL, FALSE, TRUE, "event"), ERROR_ALREADY_EXISTS);
	CHECK(h != e && same_object(e, h));
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
	CHECK(SetEvent(e));
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	wide(name, "event");
	CHECK_HANDLE(h, CreateEventW(NULL, FALSE, TRUE, name), ERROR_ALREADY_EXISTS);
	CHECK(same_object(e, h));
	CHECK_HANDLE(h, CreateEventExA(NULL, "event", 0, SYNCHRONIZE), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(SetEvent(h), ERROR_ACCESS_DENIED);

	CHECK_HANDLE(m, CreateMutexA(NULL, FALSE, "mutex"), 0);
	/* It is nobody's: the second caller does not become the owner. */
	CHECK_HANDLE(h, CreateMutexA(NULL, TRUE, "mutex"), ERROR_ALREADY_EXISTS);
	CHECK(same_object(m, h));
	CHECK_FAILS(ReleaseMutex(h), ERROR_NOT_OWNER);
	wide(name, "mutex");
	CHECK_HANDLE(h, CreateMutexW(NULL, TRUE, name), ERROR_ALREADY_EXISTS);
	CHECK(same_object(m, h));

	CHECK_HANDLE(s, CreateSemaphoreA(NULL, 1, 1, "semaphore"), 0);
	CHECK_HANDLE(h, CreateSemaphoreA(NULL, 5, 9, "semaphore"), ERROR_ALREADY_EXISTS);
	CHECK_FAILS(ReleaseSemaphore(h, 1, NULL), ERROR_TOO_MANY_POSTS);
	wide(name, "semaphore");
	CHECK_HANDLE(h, CreateSemaphoreW(NULL, 5, 9, name), ERROR_ALREADY_EXISTS);
	CHECK(same_object(s, h));
}

static void opened(void)
{
	HANDLE e = CreateEventA(NULL, TRUE, FALSE, "e"), m = CreateMutexA(NULL, FALSE, "m");
	HANDLE s = CreateSemaphoreA(NULL, 0, 1, "s"), h;
	WCHAR we[] = { 'e', 0 }, wm[] = { 'm', 0 }, ws[] = { 's', 0 };
	DWORD flags;

	CHECK_HANDLE(h, OpenEventA(EVENT_ALL_ACCESS, FALSE, "e"), 0xdead);
	CHECK(same_object(e, h));
	CHECK_HANDLE(h, OpenEventW(EVENT_MODIFY_STATE, TRUE, we), 0xdead);
	CHECK(SetEvent(h));
	CHECK(GetHandleInformation(h, &flags));
	CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
	SetLastError(0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_FAILED);
	CHECK_EQ(GetLastError(), ERROR_ACCESS_DENIED);
	CHECK_HANDLE(h, OpenEventA(GENERIC_EXECUTE, FALSE, "e"), 0xdead);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK_FAILS(ResetEvent(h), ERROR_ACCESS_DENIED);
	CHECK_HANDLE(h, OpenMutexA(SYNCHRONIZE, FALSE, "m"), 0xdead);
	CHECK(same_object(m, h));
	CHECK_HANDLE(h, OpenMutexW(MUTEX_ALL_ACCESS, FALSE, wm), 0xdead);
	CHECK(same_object(m, h));
	CHECK_HANDLE(h, OpenSemaphoreA(SEMAPHORE_MODIFY_STATE, FALSE, "s"), 0xdead);
	CHECK(ReleaseSemaphore(h, 1, NULL));
	CHECK_HANDLE(h, OpenSemaphoreW(SYNCHRONIZE, FALSE, ws), 0xdead);
	CHECK(same_object(s, h));

	CHECK_NO_HANDLE(OpenEventA(EVENT_ALL_ACCESS, FALSE, "none"), ERROR_FILE_NOT_FOUND);
	CHECK_NO_HANDLE(OpenMutexA(MUTEX_ALL_ACCESS, FALSE, "none"), ERROR_FILE_NOT_FOUND);
	CHECK_NO_HANDLE(OpenSemaphoreA(SYNCHRONIZE, FALSE, "none"), ERROR_FILE_NOT_FOUND);
	CHECK_NO_HANDLE(OpenEventA(EVENT_ALL_ACCESS, FALSE, NULL), ERROR_INVALID_PARAMETER);
	CHECK_NO_HANDLE(OpenEventW(EVENT_ALL_ACCESS, FALSE, NULL), ERROR_INVALID_PARAMETER);
	CHECK_NO_HANDLE(OpenMutexA(EVENT_ALL_ACCESS, FALSE, NULL), ERROR_INVALID_PARAMETER);
	CHECK_NO_HANDLE(OpenSemaphoreA(EVENT_ALL_ACCESS, FALSE, NULL), ERROR_INVALID_PARAMETER);
}

static void one_space_for_all_kinds(void)
{
	HANDLE h;

	CHECK(CreateEventA(NULL, TRUE, FALSE, "x"));
	CHECK_NO_HANDLE(CreateMutexA(NULL, TRUE, "x"), ERROR_INVALID_HANDLE);
	CHECK_NO_HANDLE(CreateSemaphoreA(NULL, 1, 1, "x"), ERROR_INVALID_HANDLE);
	CHECK_NO_HANDLE(OpenMutexA(SYNCHRONIZE, FALSE, "x"), ERROR_INVALID_HANDLE);
	CHECK_NO_HANDLE(OpenSemaphoreA(SYNCHRONIZE, FALSE, "x"), ERROR_INVALID_HANDLE);
	/* Case matters. */
	CHECK_NO_HANDLE(OpenEventA(SYNCHRONIZE, FALSE, "X"), ERROR_FILE_NOT_FOUND);
	CHECK_HANDLE(h, CreateMutexA(NULL, FALSE, "X"), 0);
}

static void the_last_handle_takes_the_name_along(void)
{
	HANDLE h = CreateEventA(NULL, TRUE, TRUE, "gone"), copy;

	CHECK(DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
			      DUPLICATE_SAME_ACCESS));
	CHECK(CloseHandle(h));
	CHECK_HANDLE(h, OpenEventA(SYNCHRONIZE, FALSE, "gone"), 0xdead);
	CHECK(CloseHandle(h) && CloseHandle(copy));
	CHECK_NO_HANDLE(OpenEventA(SYNCHRONIZE, FALSE, "gone"), ERROR_FILE_NOT_FOUND);
	CHECK_HANDLE(h, CreateMutexA(NULL, FALSE, "gone"), 0);
	CHECK(CloseHandle(h));
	/* Hundreds at a time, each found again. */
	for (int i = 0; i < 500; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		CHECK_HANDLE(h, CreateSemaphoreA(NULL, i, 1000, name), 0);
	}
	for (int i = 0; i < 500; i++) {
		char name[16];
		LONG count;

		snprintf(name, sizeof(name), "n%d", i);
		CHECK_HANDLE(h, OpenSemaphoreA(SEMAPHORE_ALL_ACCESS, FALSE, name), 0xdead);
		CHECK(ReleaseSemaphore(h, 1, &count));
		CHECK_EQ(count, i);
	}
}

static void prefixes_and_backslashes(void)
{
	static const struct {
		const char *name;
		DWORD error;
	} wrong[] = {
		{ "Local", ERROR_INVALID_HANDLE }, { "Global", ERROR_INVALID_HANDLE },
		{ "Local\\", ERROR_INVALID_NAME }, { "Global\\", ERROR_INVALID_NAME },
		{ "\\a", ERROR_BAD_PATHNAME },	   { "Local\\\\a", ERROR_BAD_PATHNAME },
		{ "a\\b", ERROR_PATH_NOT_FOUND },  { "a\\", ERROR_PATH_NOT_FOUND },
		{ "local\\a", ERROR_PATH_NOT_FOUND }, { "Local\\a\\b", ERROR_PATH_NOT_FOUND },
		{ "Global\\a\\b", ERROR_PATH_NOT_FOUND },
	};
	HANDLE plain, local, global;

	CHECK_HANDLE(plain, CreateEventA(NULL, TRUE, FALSE, "p"), 0);
	CHECK_HANDLE(local, CreateEventA(NULL, TRUE, FALSE, "Local\\p"), ERROR_ALREADY_EXISTS);
	CHECK(same_object(plain, local));
	CHECK_HANDLE(global, CreateEventA(NULL, TRUE, FALSE, "Global\\p"), 0);
	CHECK_FAILS(same_object(plain, global), ERROR_NOT_SAME_OBJECT);
	CHECK_HANDLE(global, OpenEventA(SYNCHRONIZE, FALSE, "Global\\p"), 0xdead);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_NO_HANDLE(CreateEventA(NULL, TRUE, FALSE, wrong[i].name), wrong[i].error);
		CHECK_NO_HANDLE(OpenEventA(SYNCHRONIZE, FALSE, wrong[i].name), wrong[i].error);
		CHECK_NO_HANDLE(CreateMutexA(NULL, FALSE, wrong[i].name), wrong[i].error);
	}
}

/* As NULL for Create; nothing can be opened by it. */
static void empty_names(void)
{
	HANDLE a, b;
	WCHAR none[] = { 0 };

	CHECK_HANDLE(a, CreateEventA(NULL, TRUE, FALSE, ""), 0);
	CHECK_HANDLE(b, CreateEventW(NULL, TRUE, FALSE, none), 0);
	CHECK(!same_object(a, b));
	CHECK_NO_HANDLE(OpenEventA(SYNCHRONIZE, FALSE, ""), ERROR_INVALID_HANDLE);
	CHECK_NO_HANDLE(OpenEventW(SYNCHRONIZE, FALSE, none), ERROR_INVALID_HANDLE);
}

static void long_names(void)
{
	char name[MAX_PATH + 2];
	WCHAR w[MAX_PATH + 2];
	HANDLE h, again;

	memset(name, 'n', sizeof(name));
	name[MAX_PATH] = '\0';
	CHECK_NO_HANDLE(CreateEventA(NULL, TRUE, FALSE, name), ERROR_FILENAME_EXCED_RANGE);
	CHECK_NO_HANDLE(OpenEventA(SYNCHRONIZE, FALSE, name), ERROR_FILENAME_EXCED_RANGE);
	name[MAX_PATH - 1] = '\0';
	CHECK_HANDLE(h, CreateEventA(NULL, TRUE, FALSE, name), 0);
	wide(w, name);
	CHECK_HANDLE(again, OpenEventW(SYNCHRONIZE, FALSE, w), 0xdead);
	CHECK(same_object(h, again));
	/* Characters count, not the bytes that they take here. */
	for (int i = 0; i < MAX_PATH - 1; i++)
		w[i] = 0x20ac;
	CHECK_HANDLE(h, CreateEventW(NULL, TRUE, FALSE, w), 0);
	CHECK_HANDLE(again, OpenEventW(SYNCHRONIZE, FALSE, w), 0xdead);
	w[MAX_PATH - 1] = 'x';
	w[MAX_PATH] = 0;
	CHECK_NO_HANDLE(CreateEventW(NULL, TRUE, FALSE, w), ERROR_FILENAME_EXCED_RANGE);
	w[0] = 0xd800; /* half a character */
	w[1] = 0;
	CHECK_NO_HANDLE(CreateEventW(NULL, TRUE, FALSE, w), ERROR_INVALID_NAME);
}

static void flags_and_inheritance(void)
{
	SECURITY_ATTRIBUTES inherit = { sizeof(inherit), NULL, TRUE };
	HANDLE h, t;
	DWORD flags;

	CHECK_HANDLE(h, CreateEventExA(NULL, NULL, CREATE_EVENT_INITIAL_SET, EVENT_ALL_ACCESS), 0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_TIMEOUT);
	CHECK_HANDLE(h, CreateEventExW(NULL, NULL, 3, SYNCHRONIZE), 0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK_FAILS(SetEvent(h), ERROR_ACCESS_DENIED);
	CHECK_NO_HANDLE(CreateEventExA(NULL, NULL, 4, EVENT_ALL_ACCESS), ERROR_INVALID_PARAMETER);
	CHECK_HANDLE(h, CreateMutexExW(NULL, NULL, CREATE_MUTEX_INITIAL_OWNER, MUTEX_ALL_ACCESS),
		     0);
	CHECK(ReleaseMutex(h));
	CHECK_HANDLE(h, CreateSemaphoreExW(NULL, 1, 1, NULL, 0, GENERIC_ALL), 0);
	CHECK_EQ(WaitForSingleObject(h, 0), WAIT_OBJECT_0);
	CHECK(ReleaseSemaphore(h, 1, NULL));
	CHECK(GetHandleInformation(h, &flags));
	CHECK_EQ(flags, 0);

	CHECK_HANDLE(h, CreateEventA(&inherit, TRUE, TRUE, NULL), 0);
	CHECK(GetHandleInformation(h, &flags));
	CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
	t = OpenThread(SYNCHRONIZE, TRUE, GetCurrentThreadId());
	CHECK(GetHandleInformation(t, &flags));
	CHECK_EQ(flags, HANDLE_FLAG_INHERIT);
}

enum { THREADS = 4, ROUNDS = 5000 };

/* Whoever creates it, all that have it at one time have the same. */
static DWORD WINAPI create_and_close(LPVOID arg)
{
	LONG *created = arg;

	for (int i = 0; i < ROUNDS; i++) {
		HANDLE h, again;

		SetLastError(0xdead);
		h = CreateMutexA(NULL, FALSE, "contended");
		CHECK(h);
		CHECK(GetLastError() == 0 || GetLastError() == ERROR_ALREADY_EXISTS);
		*created += GetLastError() == 0;
		again = OpenMutexA(SYNCHRONIZE, FALSE, "contended");
		CHECK(again && same_object(h, again));
		CHECK(CloseHandle(h) && CloseHandle(again));
	}
	return 0;
}

static void created_and_closed_at_once(void)
{
	HANDLE t[THREADS];
	LONG created[THREADS] = { 0 }, total = 0;

	for (int i = 0; i < THREADS; i++)
		t[i] = CreateThread(NULL, 0, create_and_close, &created[i], 0, NULL);
	CHECK_EQ(WaitForMultipleObjects(THREADS, t, TRUE, INFINITE), WAIT_OBJECT_0);
	for (int i = 0; i < THREADS; i++)
		total += created[i];
	CHECK(total >= 1);
	CHECK_NO_HANDLE(OpenMutexA(SYNCHRONIZE, FALSE, "contended"), ERROR_FILE_NOT_FOUND);
}

static const struct tap_case cases[] = {
	CASE(created_twice, "created twice: the same object, 183 (W-EVENT-1, W-LE-1)"),
	CASE(opened, "opened, and with which rights"),
	CASE(one_space_for_all_kinds, "one space for all kinds, case matters"),
	CASE(the_last_handle_takes_the_name_along, "the last handle takes the name along"),
	CASE(prefixes_and_backslashes, "Local\\, Global\\, and other backslashes"),
	CASE(empty_names, "empty names"),
	CASE(long_names, "long names, and none that is no text"),
	CASE(flags_and_inheritance, "flags of the Ex forms, inheritance"),
	CASE(created_and_closed_at_once, "created and closed by several threads at once"),
};

TAP_MAIN(cases)
