/* SPDX-License-Identifier: MIT */
/* What the tests of the thread pool share. */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <windows.h>

#include "host.h"

static atomic_int calls;
static HANDLE called, gate;

static inline VOID CALLBACK wait_at_gate(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_WORK work)
{
	(void)instance;
	(void)context;
	(void)work;
	atomic_fetch_add(&calls, 1);
	CHECK_EQ(WaitForSingleObject(gate, INFINITE), WAIT_OBJECT_0);
}

#endif
