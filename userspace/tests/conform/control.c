// SPDX-License-Identifier: MIT
/* DeviceIoControl where there is nothing to control (W-IOCTL, W-OVL-7). */
#include "conform.h"

#define NO_SUCH_CODE 0x80002000

static char buf[64];
static DWORD n;

static BOOL control(HANDLE h, OVERLAPPED *ov)
{
	return FRESH(DeviceIoControl(h, NO_SUCH_CODE, NULL, 0, buf, sizeof(buf), &n, ov));
}

static void unknown_code(void)
{
	HANDLE h = temp_new("control", "x"), r, w;
	OVERLAPPED ov = overlapped(event_new(TRUE, TRUE));

	see("W-IOCTL-3 unknown code", "FALSE 1", "%s", did(control(h, NULL)));
	see("W-IOCTL-2 with an OVERLAPPED", "FALSE 1", "%s", did(control(h, &ov)));
	CloseHandle(h);
	h = temp_open("control", GENERIC_READ, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	ov.Internal = 5;
	SetEvent(ov.hEvent);
	see("W-IOCTL-3 unknown code, overlapped", "FALSE 1", "%s", did(control(h, &ov)));
	see("W-OVL-7 event", "reset", "%s", state(ov.hEvent));
	see("W-OVL-7 Internal", "103", "%x", status_of(&ov));
	CloseHandle(h);
	CreatePipe(&r, &w, NULL, 0);
	see("W-IOCTL-3 unknown code for a pipe", "FALSE", "%.5s", did(control(r, NULL)));
	WriteFile(w, "kept", 4, &n, NULL);
	ReadFile(r, buf, sizeof(buf), &n, NULL);
	see("W-IOCTL-3 the pipe is as it was", "4 kept", "%u %.4s", (unsigned int)n, buf);
	CloseHandle(r);
	CloseHandle(w);
	CloseHandle(ov.hEvent);
	DeleteFileA(temp_path("control"));
}

static void bad_handles(void)
{
	HANDLE e = event_new(TRUE, FALSE), port;

	see("W-CLOSE-4 an event", "FALSE 6", "%s", did(control(e, NULL)));
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	see("W-CLOSE-4 a port", "FALSE 6", "%s", did(control(port, NULL)));
	CloseHandle(port);
	CloseHandle(e);
	see("W-CLOSE-4 a closed handle", "FALSE 6", "%s", did(control(e, NULL)));
	see("W-CLOSE-4 NULL", "FALSE 6", "%s", did(control(NULL, NULL)));
	see("W-CLOSE-4 INVALID_HANDLE_VALUE", "FALSE 6", "%s",
	    did(control(INVALID_HANDLE_VALUE, NULL)));
}

static const struct conform_case cases[] = {
	{ unknown_code, 0 },
	{ bad_handles, 0 },
};

CONFORM_MAIN(cases)
