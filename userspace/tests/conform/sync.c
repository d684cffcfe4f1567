// SPDX-License-Identifier: MIT
/* Events, mutexes, semaphores and waits (W-EVENT, W-WAIT, W-APC-2). */
#include "conform.h"

static void events(void)
{
	HANDLE manual = event_new(TRUE, FALSE), automatic = event_new(FALSE, TRUE);

	see("W-EVENT-2 new manual event", "reset", "%s", state(manual));
	see("W-EVENT-2 SetEvent", "TRUE", "%s", did(FRESH(SetEvent(manual))));
	see("W-EVENT-2 stays set", "set", "%s", state(manual));
	see("W-EVENT-2 stays set once more", "set", "%s", state(manual));
	see("W-EVENT-2 ResetEvent", "TRUE", "%s", did(FRESH(ResetEvent(manual))));
	see("W-EVENT-2 is reset", "reset", "%s", state(manual));
	see("W-EVENT-2 auto-reset event made set", "set", "%s", state(automatic));
	see("W-EVENT-2 a wait resets it", "reset", "%s", state(automatic));
	SetEvent(automatic);
	SetEvent(automatic);
	see("W-EVENT-2 set twice", "set", "%s", state(automatic));
	see("W-EVENT-2 is set once", "reset", "%s", state(automatic));
	see("W-EVENT-2 PulseEvent without waiters", "TRUE", "%s", did(FRESH(PulseEvent(manual))));
	see("W-EVENT-2 leaves it reset", "reset", "%s", state(manual));
	SetEvent(automatic);
	see("W-EVENT-2 PulseEvent of a set event", "TRUE", "%s", did(FRESH(PulseEvent(automatic))));
	see("W-EVENT-2 resets it", "reset", "%s", state(automatic));
	CloseHandle(manual);
	CloseHandle(automatic);
}

static void mutexes(void)
{
	HANDLE m = FRESH(CreateMutexA(NULL, TRUE, NULL));

	see("W-WAIT-3 mutex, owned", "handle", "%s", got(m));
	see("W-WAIT-3 taken again", "object 0", "%s", waited(WaitForSingleObject(m, 0)));
	see("W-WAIT-3 first release", "TRUE", "%s", did(FRESH(ReleaseMutex(m))));
	see("W-WAIT-3 second release", "TRUE", "%s", did(FRESH(ReleaseMutex(m))));
	see("W-WAIT-3 one release too many", "FALSE 288", "%s", did(FRESH(ReleaseMutex(m))));
	CloseHandle(m);
	see("W-WAIT-3 release of a closed one", "FALSE 6", "%s", did(FRESH(ReleaseMutex(m))));
}

static DWORD WINAPI take_and_die(void *mutex)
{
	WaitForSingleObject(mutex, INFINITE);
	return 0;
}

static DWORD WINAPI release_foreign(void *mutex)
{
	return FRESH(ReleaseMutex(mutex)) ? 0 : GetLastError();
}

static DWORD WINAPI try_it(void *handle)
{
	return WaitForSingleObject(handle, 0);
}

static void mutex_of_threads(void)
{
	HANDLE m = CreateMutexA(NULL, FALSE, NULL), two[2];

	see("W-WAIT-3 its owner ends", "ended 0", "%s", thread_end(thread_new(take_and_die, m)));
	see("W-WAIT-3 it is abandoned", "abandoned 0", "%s", waited(WaitForSingleObject(m, 0)));
	see("W-WAIT-3 only once", "object 0", "%s", waited(WaitForSingleObject(m, 0)));
	see("W-WAIT-3 not the owner releases", "ended 288", "%s",
	    thread_end(thread_new(release_foreign, m)));
	see("W-WAIT-3 not the owner waits", "ended 258", "%s", thread_end(thread_new(try_it, m)));
	ReleaseMutex(m);
	ReleaseMutex(m);
	see("W-WAIT-3 released, another takes it", "ended 0", "%s",
	    thread_end(thread_new(try_it, m)));
	two[0] = event_new(TRUE, FALSE);
	two[1] = m;
	see("W-WAIT-1 abandoned, any of two", "abandoned 1", "%s",
	    waited(WaitForMultipleObjects(2, two, FALSE, 0)));
	ReleaseMutex(m);
	CloseHandle(two[0]);
	CloseHandle(m);
}

static void semaphores(void)
{
	HANDLE s = FRESH(CreateSemaphoreA(NULL, 1, 3, NULL));
	LONG before = -1;

	see("W-WAIT-3 semaphore of 1", "handle", "%s", got(s));
	see("W-WAIT-3 first wait", "set", "%s", state(s));
	see("W-WAIT-3 second wait", "reset", "%s", state(s));
	see("W-WAIT-3 release of 2", "TRUE", "%s", did(FRESH(ReleaseSemaphore(s, 2, &before))));
	see("W-WAIT-3 count before", "0", "%d", (int)before);
	see("W-WAIT-3 over the limit", "FALSE 298", "%s",
	    did(FRESH(ReleaseSemaphore(s, 2, &before))));
	see("W-WAIT-3 release of 0", "FALSE 87", "%s",
	    did(FRESH(ReleaseSemaphore(s, 0, &before))));
	see("W-WAIT-3 release of -1", "FALSE 87", "%s",
	    did(FRESH(ReleaseSemaphore(s, -1, &before))));
	see("W-WAIT-3 without count before", "TRUE", "%s",
	    did(FRESH(ReleaseSemaphore(s, 1, NULL))));
	see("W-WAIT-3 three waits", "set set set", "%s %s %s", state(s), state(s), state(s));
	see("W-WAIT-3 a fourth", "reset", "%s", state(s));
	CloseHandle(s);
	see("W-WAIT-3 limit 0", "NULL 87", "%s", got(FRESH(CreateSemaphoreA(NULL, 0, 0, NULL))));
	see("W-WAIT-3 more than the limit", "NULL 87", "%s",
	    got(FRESH(CreateSemaphoreA(NULL, 4, 3, NULL))));
	see("W-WAIT-3 less than nothing", "NULL 87", "%s",
	    got(FRESH(CreateSemaphoreA(NULL, -1, 3, NULL))));
}

static void several(void)
{
	HANDLE h[3];
	int i;

	for (i = 0; i < 3; i++)
		h[i] = event_new(FALSE, i > 0);
	see("W-WAIT-1 any: the lowest", "object 1", "%s",
	    waited(WaitForMultipleObjects(3, h, FALSE, 0)));
	see("W-WAIT-1 only that is consumed", "object 2", "%s",
	    waited(WaitForMultipleObjects(3, h, FALSE, 0)));
	see("W-WAIT-1 none is left", "timeout", "%s",
	    waited(WaitForMultipleObjects(3, h, FALSE, 0)));
	SetEvent(h[0]);
	SetEvent(h[2]);
	see("W-WAIT-1 all: one is missing", "timeout", "%s",
	    waited(WaitForMultipleObjects(3, h, TRUE, 20)));
	see("W-WAIT-1 all: nothing was consumed", "set", "%s", state(h[0]));
	SetEvent(h[0]);
	SetEvent(h[1]);
	see("W-WAIT-1 all", "object 0", "%s", waited(WaitForMultipleObjects(3, h, TRUE, 0)));
	see("W-WAIT-1 all are consumed", "reset reset reset", "%s %s %s", state(h[0]), state(h[1]),
	    state(h[2]));
	for (i = 0; i < 3; i++)
		CloseHandle(h[i]);
}

static void limits(void)
{
	HANDLE h[65], e = event_new(TRUE, TRUE), closed;
	int i;

	for (i = 0; i < 65; i++)
		h[i] = event_new(TRUE, i == 63);
	see("W-WAIT-1 no handles", "failed 87", "%s",
	    waited(FRESH(WaitForMultipleObjects(0, h, FALSE, 0))));
	see("W-WAIT-1 65 handles", "failed 87", "%s",
	    waited(FRESH(WaitForMultipleObjects(65, h, FALSE, 0))));
	see("W-WAIT-1 64 handles", "object 63", "%s",
	    waited(FRESH(WaitForMultipleObjects(64, h, FALSE, 0))));
	closed = h[1];
	CloseHandle(closed);
	see("W-WAIT-2 a closed one among them", "failed 6", "%s",
	    waited(FRESH(WaitForMultipleObjects(3, h, FALSE, 0))));
	CloseHandle(h[0]);
	h[0] = h[1] = e;
	see("W-WAIT-1 the same twice, all", "failed 87", "%s",
	    waited(FRESH(WaitForMultipleObjects(2, h, TRUE, 0))));
	see("W-WAIT-1 the same twice, any", "object 0", "%s",
	    waited(FRESH(WaitForMultipleObjects(2, h, FALSE, 0))));
	CloseHandle(e);
	see("W-WAIT-2 closed handle", "failed 6", "%s",
	    waited(FRESH(WaitForSingleObject(closed, 0))));
	see("W-WAIT-2 no handle", "failed 6", "%s", waited(FRESH(WaitForSingleObject(NULL, 0))));
	see("W-EVENT-2 SetEvent of a closed one", "FALSE 6", "%s", did(FRESH(SetEvent(closed))));
	see("W-EVENT-2 ResetEvent of a closed one", "FALSE 6", "%s",
	    did(FRESH(ResetEvent(closed))));
	see("W-EVENT-2 PulseEvent of nothing", "FALSE 6", "%s", did(FRESH(PulseEvent(NULL))));
	for (i = 2; i < 65; i++)
		CloseHandle(h[i]);
}

static void rights(void)
{
	HANDLE e = event_new(TRUE, FALSE), only_wait = NULL, only_set = NULL;

	DuplicateHandle(GetCurrentProcess(), e, GetCurrentProcess(), &only_wait, SYNCHRONIZE, FALSE,
			0);
	DuplicateHandle(GetCurrentProcess(), e, GetCurrentProcess(), &only_set, EVENT_MODIFY_STATE,
			FALSE, 0);
	see("W-HANDLE-1 set without the right", "FALSE 5", "%s", did(FRESH(SetEvent(only_wait))));
	see("W-HANDLE-1 set with it", "TRUE", "%s", did(FRESH(SetEvent(only_set))));
	see("W-WAIT-2 wait without the right", "failed 5", "%s",
	    waited(FRESH(WaitForSingleObject(only_set, 0))));
	see("W-WAIT-2 wait with it", "object 0", "%s",
	    waited(FRESH(WaitForSingleObject(only_wait, 0))));
	CloseHandle(only_set);
	CloseHandle(only_wait);
	CloseHandle(e);
}

static DWORD WINAPI set_later(void *event)
{
	Sleep(30);
	SetEvent(event);
	return 0;
}

static void wakes(void)
{
	HANDLE h[3], thread;

	h[0] = event_new(FALSE, FALSE);
	h[1] = thread = thread_new(set_later, h[0]);
	see("W-WAIT-1 woken by SetEvent", "object 0", "%s",
	    waited(WaitForMultipleObjects(2, h, FALSE, LONG_TIME)));
	see("W-THREAD-2 woken by a thread's end", "object 1", "%s",
	    waited(WaitForMultipleObjects(2, h, FALSE, LONG_TIME)));
	CloseHandle(thread);
	h[1] = event_new(FALSE, TRUE);
	thread = thread_new(set_later, h[0]);
	see("W-WAIT-1 all, the last comes later", "object 0", "%s",
	    waited(WaitForMultipleObjects(2, h, TRUE, LONG_TIME)));
	thread_end(thread);
	see("W-WAIT-2 time is over", "timeout", "%s", waited(WaitForSingleObject(h[0], 30)));
	CloseHandle(h[0]);
	CloseHandle(h[1]);
}

static DWORD WINAPI answer(void *arg)
{
	HANDLE *pair = arg;

	if (WaitForSingleObject(pair[0], LONG_TIME) != WAIT_OBJECT_0)
		return 1;
	SetEvent(pair[1]);
	return 0;
}

static int apc_ran;

static void WINAPI count_apc(ULONG_PTR arg)
{
	apc_ran += (int)arg;
}

static void signal_and_wait(void)
{
	HANDLE pair[2] = { event_new(FALSE, FALSE), event_new(FALSE, FALSE) };
	HANDLE thread = thread_new(answer, pair), m = CreateMutexA(NULL, FALSE, NULL);
	HANDLE s = CreateSemaphoreA(NULL, 1, 1, NULL);

	see("W-APC-1 SignalObjectAndWait", "object 0", "%s",
	    waited(SignalObjectAndWait(pair[0], pair[1], LONG_TIME, FALSE)));
	see("W-APC-1 the other thread", "ended 0", "%s", thread_end(thread));
	see("W-APC-1 time is over", "timeout", "%s",
	    waited(SignalObjectAndWait(pair[0], pair[1], 10, FALSE)));
	see("W-APC-1 signals all the same", "set", "%s", state(pair[0]));
	apc_ran = 0;
	QueueUserAPC(count_apc, GetCurrentThread(), 1);
	see("W-APC-2 alertable, with an APC", "apc", "%s",
	    waited(SignalObjectAndWait(pair[0], pair[1], LONG_TIME, TRUE)));
	see("W-APC-2 it signalled, and the APC ran", "set 1", "%s %d", state(pair[0]), apc_ran);
	see("W-WAIT-3 signals a mutex that is not owned", "failed 288", "%s",
	    waited(FRESH(SignalObjectAndWait(m, pair[1], 0, FALSE))));
	see("W-WAIT-3 signals a full semaphore", "failed 298", "%s",
	    waited(FRESH(SignalObjectAndWait(s, pair[1], 0, FALSE))));
	see("W-WAIT-2 signals nothing", "failed 6", "%s",
	    waited(FRESH(SignalObjectAndWait(NULL, pair[1], 0, FALSE))));
	see("W-WAIT-2 signals what is no such object", "failed 6", "%s",
	    waited(FRESH(SignalObjectAndWait(GetCurrentThread(), pair[1], 0, FALSE))));
	WaitForSingleObject(m, 0);
	SetEvent(pair[1]);
	see("W-WAIT-3 signals its own mutex", "object 0", "%s",
	    waited(FRESH(SignalObjectAndWait(m, pair[1], 0, FALSE))));
	CloseHandle(s);
	CloseHandle(m);
	CloseHandle(pair[0]);
	CloseHandle(pair[1]);
}

static void names(void)
{
	HANDLE one = FRESH(CreateEventA(NULL, TRUE, TRUE, "conform-name")), two, three;

	see("W-EVENT-1 a new name", "handle", "%s", got(one));
	see("W-EVENT-1 a new name: last error", "0", "%u", last());
	two = FRESH(CreateEventA(NULL, FALSE, FALSE, "conform-name"));
	see("W-EVENT-1 the name again", "handle", "%s", got(two));
	see("W-EVENT-1 the name again: last error", "183", "%u", last());
	see("W-EVENT-1 it is the same event", "set set", "%s %s", state(two), state(two));
	ResetEvent(one);
	see("W-EVENT-1 reset by the other handle", "reset", "%s", state(two));
	three = FRESH(OpenEventA(SYNCHRONIZE, FALSE, "conform-name"));
	see("W-EVENT-1 opened by name", "handle", "%s", got(three));
	see("W-EVENT-1 opened without the right to set", "FALSE 5", "%s",
	    did(FRESH(SetEvent(three))));
	see("W-EVENT-1 a mutex of an event's name", "NULL 6", "%s",
	    got(FRESH(CreateMutexA(NULL, FALSE, "conform-name"))));
	CloseHandle(three);
	CloseHandle(two);
	CloseHandle(one);
	see("W-EVENT-1 all are closed", "NULL 2", "%s",
	    got(FRESH(OpenEventA(SYNCHRONIZE, FALSE, "conform-name"))));
}

static void unnamed(void)
{
	HANDLE e = FRESH(CreateEventA(NULL, TRUE, TRUE, NULL));

	see("W-EVENT-1 no name: last error", "0", "%u", last());
	CloseHandle(e);
	e = FRESH(CreateEventW(NULL, TRUE, TRUE, NULL));
	see("W-EVENT-1 CreateEventW", "set", "%s", state(e));
	CloseHandle(e);
	e = FRESH(CreateEventExA(NULL, NULL, CREATE_EVENT_MANUAL_RESET | CREATE_EVENT_INITIAL_SET,
				 SYNCHRONIZE));
	see("W-EVENT-1 CreateEventEx, only to wait", "set set", "%s %s", state(e), state(e));
	see("W-EVENT-1 CreateEventEx, not to set", "FALSE 5", "%s", did(FRESH(SetEvent(e))));
	CloseHandle(e);
	see("W-EVENT-1 CreateEventEx, unknown flag", "NULL 87", "%s",
	    got(FRESH(CreateEventExA(NULL, NULL, 4, EVENT_ALL_ACCESS))));
}

static const struct conform_case cases[] = {
	{ events, 0 },	   { mutexes, 0 }, { mutex_of_threads, 0 }, { semaphores, 0 }, { several, 0 },
	{ limits, 0 },	   { rights, 0 },  { wakes, 0 },	    { signal_and_wait, 0 },
	{ unnamed, 0 },	   { names, 0 },
};

CONFORM_MAIN(cases)
