// SPDX-License-Identifier: MIT
/* Reads and writes of files: positions, ends, appends (W-RW, W-OVL-12, W-CREATE-5, W-LE-1). */
#include "conform.h"

static char buf[64];
static DWORD n;

static unsigned int position(HANDLE h)
{
	return (unsigned int)SetFilePointer(h, 0, NULL, FILE_CURRENT);
}

static const char *content(const char *name)
{
	HANDLE h = temp_open(name, GENERIC_READ, OPEN_EXISTING, 0);
	char *text = conform_text();
	DWORD count = 0;

	if (!ReadFile(h, text, 60, &count, NULL))
		snprintf(text, 64, "unreadable");
	else
		text[count] = 0;
	CloseHandle(h);
	return text;
}

static void sequential(void)
{
	HANDLE h = temp_new("seq", "");

	see("W-RW-2 write", "TRUE", "%s", did(FRESH(WriteFile(h, "0123456789", 10, &n, NULL))));
	see("W-RW-2 position", "10", "%u", position(h));
	see("W-RW-4 read at the end", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 5, &n, NULL))));
	see("W-RW-4 reads nothing", "0", "%u", (unsigned int)n);
	see("W-RW-2 to the beginning", "0", "%u",
	    (unsigned int)SetFilePointer(h, 0, NULL, FILE_BEGIN));
	ReadFile(h, buf, 4, &n, NULL);
	see("W-RW-2 four bytes", "4 0123", "%u %.4s", (unsigned int)n, buf);
	ReadFile(h, buf, 60, &n, NULL);
	see("W-RW-2 as many as there are", "6 456789", "%u %.6s", (unsigned int)n, buf);
	SetFilePointer(h, 2, NULL, FILE_BEGIN);
	WriteFile(h, "xy", 2, &n, NULL);
	see("W-RW-2 position after a write", "4", "%u", position(h));
	see("W-RW-2 content", "01xy456789", "%s", content("seq"));
	CloseHandle(h);
	DeleteFileA(temp_path("seq"));
}

static void synchronous_with_overlapped(void)
{
	HANDLE h = temp_new("sov", "0123456789");
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	ov.Offset = 3;
	see("W-RW-3 read", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 4, &n, &ov))));
	see("W-RW-3 count", "4 3456", "%u %.4s", (unsigned int)n, buf);
	see("W-RW-3 status", "0 4", "%x %u", status_of(&ov), count_of(&ov));
	see("W-RW-3 offset", "3", "%u", (unsigned int)ov.Offset);
	see("W-RW-3 position moves", "7", "%u", position(h));
	see("W-OVL-5 event", "set", "%s", state(ov.hEvent));
	ov.Offset = 8;
	see("W-RW-3 write", "TRUE", "%s", did(FRESH(WriteFile(h, "ab", 2, &n, &ov))));
	see("W-RW-3 position moves, too", "10", "%u", position(h));
	ov.Offset = 100;
	n = 7;
	see("W-RW-4 read at the end, by an OVERLAPPED", "FALSE 38", "%s", did(FRESH(ReadFile(h, buf, 4, &n, &ov))));
	see("W-RW-4 count", "0", "%u", (unsigned int)n);
	see("W-RW-3 content", "01234567ab", "%s", content("sov"));
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	DeleteFileA(temp_path("sov"));
}

static void asynchronous(void)
{
	HANDLE s = temp_new("asy", "0123456789"), h;
	OVERLAPPED ov = overlapped(event_new(TRUE, FALSE));

	h = temp_open("asy", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
	n = 7;
	see("W-RW-5 read without an OVERLAPPED", "FALSE 87", "%s",
	    did(FRESH(ReadFile(h, buf, 4, &n, NULL))));
	see("W-RW-1 its count", "0", "%u", (unsigned int)n);
	see("W-RW-5 write without an OVERLAPPED", "FALSE 87", "%s",
	    did(FRESH(WriteFile(h, buf, 4, &n, NULL))));
	ov.Offset = 5;
	see("W-CREATE-5 read", "begun", "%s", begun(FRESH(ReadFile(h, buf, 60, NULL, &ov))));
	see("W-CREATE-5 result", "TRUE 5", "%s", result_of(h, &ov, TRUE));
	see("W-CREATE-5 bytes", "56789", "%.5s", buf);
	see("W-OVL-2 offset", "5", "%u", (unsigned int)ov.Offset);
	ov.Offset = 10;
	see("W-RW-4 asynchronous read at the end", "38", "%u", ({
		unsigned int error = 0;

		if (!FRESH(ReadFile(h, buf, 4, NULL, &ov)))
			error = last();
		if (error == ERROR_IO_PENDING)
			error = GetOverlappedResult(h, &ov, &n, TRUE) ? 0 : last();
		error;
	}));
	ov.Offset = 12;
	see("W-CREATE-5 write beyond the end", "begun", "%s",
	    begun(FRESH(WriteFile(h, "zz", 2, NULL, &ov))));
	see("W-CREATE-5 its result", "TRUE 2", "%s", result_of(h, &ov, TRUE));
	see("W-CREATE-5 size", "14", "%u", (unsigned int)GetFileSize(h, NULL));
	ov.Offset = ov.OffsetHigh = 0xffffffff;
	see("W-RW-6 append", "begun", "%s", begun(FRESH(WriteFile(h, "++", 2, NULL, &ov))));
	see("W-RW-6 its result", "TRUE 2", "%s", result_of(h, &ov, TRUE));
	see("W-RW-6 size", "16", "%u", (unsigned int)GetFileSize(h, NULL));
	ov.Offset = 14;
	ov.OffsetHigh = 0;
	ReadFile(h, buf, 2, NULL, &ov);
	GetOverlappedResult(h, &ov, &n, TRUE);
	see("W-RW-6 bytes", "++", "%.2s", buf);
	ov.Offset = 0;
	ov.OffsetHigh = 0x80000000;
	see("W-OVL-12 a negative offset, read", "FALSE 87", "%s",
	    did(FRESH(ReadFile(h, buf, 2, NULL, &ov))));
	see("W-OVL-12 a negative offset, write", "FALSE 87", "%s",
	    did(FRESH(WriteFile(h, buf, 2, NULL, &ov))));
	ov = overlapped(ov.hEvent);
	see("W-CANCELIOEX-3 nothing is left to cancel", "FALSE 1168", "%s",
	    did(FRESH(CancelIoEx(h, &ov))));
	CloseHandle(ov.hEvent);
	CloseHandle(h);
	CloseHandle(s);
	DeleteFileA(temp_path("asy"));
}

static void appending(void)
{
	HANDLE s = temp_new("app", "0123456789"), h;
	OVERLAPPED ov = overlapped(NULL);

	ov.Offset = ov.OffsetHigh = 0xffffffff;
	see("W-RW-6 append by a synchronous handle", "TRUE", "%s",
	    did(FRESH(WriteFile(s, "A", 1, &n, &ov))));
	see("W-RW-6 content", "0123456789A", "%s", content("app"));
	h = temp_open("app", FILE_APPEND_DATA | SYNCHRONIZE, OPEN_EXISTING, 0);
	SetFilePointer(h, 0, NULL, FILE_BEGIN);
	see("W-CREATE-6 handle only to append", "TRUE", "%s",
	    did(FRESH(WriteFile(h, "B", 1, &n, NULL))));
	ov.Offset = ov.OffsetHigh = 0;
	see("W-CREATE-6 with an offset", "TRUE", "%s", did(FRESH(WriteFile(h, "C", 1, &n, &ov))));
	see("W-CREATE-6 content", "0123456789ABC", "%s", content("app"));
	see("W-CREATE-6 does not read", "FALSE 5", "%s", did(FRESH(ReadFile(h, buf, 1, &n, NULL))));
	CloseHandle(h);
	CloseHandle(s);
	DeleteFileA(temp_path("app"));
}

static void nothing_at_all(void)
{
	HANDLE h = temp_new("zero", "0123456789");
	OVERLAPPED ov = overlapped(NULL);

	n = 7;
	see("W-RW-7 write of nothing", "TRUE", "%s", did(FRESH(WriteFile(h, buf, 0, &n, NULL))));
	see("W-RW-7 count", "0", "%u", (unsigned int)n);
	SetFilePointer(h, 5, NULL, FILE_BEGIN);
	WriteFile(h, buf, 0, &n, NULL);
	see("W-RW-7 does not truncate", "10", "%u", (unsigned int)GetFileSize(h, NULL));
	SetFilePointer(h, 50, NULL, FILE_BEGIN);
	WriteFile(h, buf, 0, &n, NULL);
	see("W-RW-7 does not extend", "10", "%u", (unsigned int)GetFileSize(h, NULL));
	SetFilePointer(h, 5, NULL, FILE_BEGIN);
	n = 7;
	see("W-RW-7 read of nothing", "TRUE", "%s", did(FRESH(ReadFile(h, buf, 0, &n, NULL))));
	see("W-RW-7 its count", "0 5", "%u %u", (unsigned int)n, position(h));
	ov.Offset = 2;
	see("W-RW-7 read of nothing, by an OVERLAPPED", "TRUE", "%s",
	    did(FRESH(ReadFile(h, buf, 0, &n, &ov))));
	CloseHandle(h);
	DeleteFileA(temp_path("zero"));
}

static void pointers(void)
{
	HANDLE h = temp_new("ptr", "0123456789");
	LARGE_INTEGER to, at;

	to.QuadPart = -3;
	see("W-RW-2 from the end", "TRUE", "%s", did(FRESH(SetFilePointerEx(h, to, &at, FILE_END))));
	see("W-RW-2 is there", "7", "%d", (int)at.QuadPart);
	to.QuadPart = -2;
	see("W-RW-2 from here", "TRUE", "%s",
	    did(FRESH(SetFilePointerEx(h, to, &at, FILE_CURRENT))));
	see("W-RW-2 is here", "5", "%d", (int)at.QuadPart);
	to.QuadPart = -6;
	see("W-RW-2 before the beginning", "FALSE 131", "%s",
	    did(FRESH(SetFilePointerEx(h, to, &at, FILE_CURRENT))));
	see("W-RW-2 stays", "5", "%u", position(h));
	see("W-RW-2 unknown method", "FALSE 87", "%s",
	    did(FRESH(SetFilePointerEx(h, to, &at, 3))));
	to.QuadPart = 0x123456789ll;
	see("W-RW-2 far beyond", "TRUE", "%s", did(FRESH(SetFilePointerEx(h, to, NULL, FILE_BEGIN))));
	see("W-RW-2 size as before", "10", "%u", (unsigned int)GetFileSize(h, NULL));
	{
		LONG high = 0;
		DWORD low = FRESH(SetFilePointer(h, 0, &high, FILE_CURRENT));

		see("W-RW-2 in two halves", "23456789 1", "%x %x", (unsigned int)low,
		    (unsigned int)high);
	}
	SetFilePointer(h, 12, NULL, FILE_BEGIN);
	see("W-RW-2 extended", "TRUE", "%s", did(FRESH(SetEndOfFile(h))));
	see("W-RW-2 size", "TRUE", "%s", did(FRESH(GetFileSizeEx(h, &at))));
	see("W-RW-2 the new size", "12", "%d", (int)at.QuadPart);
	SetFilePointer(h, 4, NULL, FILE_BEGIN);
	SetEndOfFile(h);
	see("W-RW-2 cut", "0123", "%s", content("ptr"));
	CloseHandle(h);
	see("W-CLOSE-4 position of a closed file", "FALSE 6", "%s",
	    did(FRESH(SetFilePointerEx(h, to, &at, FILE_BEGIN))));
	see("W-CLOSE-4 size of a closed file", "FALSE 6", "%s", did(FRESH(GetFileSizeEx(h, &at))));
	see("W-CLOSE-4 end of a closed file", "FALSE 6", "%s", did(FRESH(SetEndOfFile(h))));
	see("W-CLOSE-4 flush of a closed file", "FALSE 6", "%s", did(FRESH(FlushFileBuffers(h))));
	DeleteFileA(temp_path("ptr"));
}

static void two_handles(void)
{
	HANDLE one = temp_new("two", "0123456789"), two = NULL, other;

	DuplicateHandle(GetCurrentProcess(), one, GetCurrentProcess(), &two, 0, FALSE,
			DUPLICATE_SAME_ACCESS);
	other = temp_open("two", GENERIC_READ, OPEN_EXISTING, 0);
	SetFilePointer(one, 4, NULL, FILE_BEGIN);
	see("W-HANDLE-1 a duplicate has the same position", "4", "%u", position(two));
	see("W-HANDLE-1 another open file has its own", "0", "%u", position(other));
	ReadFile(two, buf, 2, &n, NULL);
	see("W-HANDLE-1 read by the duplicate", "45 6", "%.2s %u", buf, position(one));
	CloseHandle(one);
	see("W-HANDLE-1 the first is closed", "6", "%u", position(two));
	CloseHandle(two);
	CloseHandle(other);
	DeleteFileA(temp_path("two"));
}

static void last_errors(void)
{
	HANDLE h = temp_new("err", "0123456789");

	SetFilePointer(h, 0, NULL, FILE_BEGIN);
	FRESH(ReadFile(h, buf, 4, &n, NULL));
	see("W-LE-1 after a read", "48879", "%u", last());
	FRESH(WriteFile(h, buf, 4, &n, NULL));
	see("W-LE-1 after a write", "48879", "%u", last());
	FRESH(FlushFileBuffers(h));
	see("W-LE-1 after a flush", "48879", "%u", last());
	FRESH(SetEndOfFile(h));
	see("W-LE-1 after SetEndOfFile", "48879", "%u", last());
	FRESH(CloseHandle(h));
	see("W-LE-1 after CloseHandle", "48879", "%u", last());
	DeleteFileA(temp_path("err"));
}

static void bad_arguments(void)
{
	HANDLE h = temp_new("arg", "0123456789"), e = event_new(TRUE, FALSE);
	OVERLAPPED ov = overlapped(NULL);

	SetFilePointer(h, 0, NULL, FILE_BEGIN);
	see("W-RW-1 buffer of nothing", "FALSE 998", "%s", did(FRESH(ReadFile(h, NULL, 4, &n, NULL))));
	see("W-RW-1 position stays", "0", "%u", position(h));
	see("W-RW-1 no count, by an OVERLAPPED", "TRUE", "%s",
	    did(FRESH(ReadFile(h, buf, 4, NULL, &ov))));
	n = 7;
	see("W-RW-1 read of an event", "FALSE 6", "%s", did(FRESH(ReadFile(e, buf, 4, &n, NULL))));
	see("W-RW-1 count of that", "0", "%u", (unsigned int)n);
	n = 7;
	see("W-RW-1 write to no handle", "FALSE 6", "%s",
	    did(FRESH(WriteFile(NULL, buf, 4, &n, NULL))));
	see("W-RW-1 its count, too", "0", "%u", (unsigned int)n);
	see("W-RW-1 read of INVALID_HANDLE_VALUE", "FALSE 6", "%s",
	    did(FRESH(ReadFile(INVALID_HANDLE_VALUE, buf, 4, &n, NULL))));
	CloseHandle(e);
	CloseHandle(h);
	n = 7;
	see("W-CLOSE-4 read of a closed file", "FALSE 6", "%s",
	    did(FRESH(ReadFile(h, buf, 4, &n, NULL))));
	see("W-CLOSE-4 its count", "0", "%u", (unsigned int)n);
	DeleteFileA(temp_path("arg"));
}

static const struct conform_case cases[] = {
	{ sequential, 0 },     { synchronous_with_overlapped, 0 }, { asynchronous, 0 },
	{ appending, 0 },      { nothing_at_all, 0 },		   { pointers, 0 },
	{ two_handles, 0 },    { last_errors, 0 },		   { bad_arguments, 0 },
};

CONFORM_MAIN(cases)
