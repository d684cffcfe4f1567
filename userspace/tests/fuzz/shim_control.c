// SPDX-License-Identifier: MIT
/*
 * DeviceIoControl: every code, and input and output of any size and place, on files of every kind.
 * It writes no more than it says, and what is to be zeros are zeros.
 */
#include <fcntl.h>
#include <ntddcancelio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <windows.h>

#include "input.h"
#include "sandbox.h"

#define FILE_SIZE 512

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sandbox_enter();
	PROMISE(mkdir("dir", 0700) == 0 && mkfifo("fifo", 0600) == 0);
	PROMISE(open("fifo", O_RDWR | O_CLOEXEC) >= 0);
	return 0;
}

static const uint64_t codes[] = {
	IOCTL_CANCELIO_VERSION, IOCTL_CANCELIO_INFO, IOCTL_CANCELIO_CANCEL, IOCTL_CANCELIO_REQUEST,
	IOCTL_DISK_GET_LENGTH_INFO, FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, FSCTL_SET_ZERO_DATA,
	CTL_CODE(FILE_DEVICE_CANCELIO, 0x804u, METHOD_NEITHER, FILE_ANY_ACCESS), 0,
};

static HANDLE open_one(struct input *in, bool *regular)
{
	static const char *const names[] = { "file", "file", "file", "fifo", "dir" };
	static const uint64_t accesses[] = {
		GENERIC_READ | GENERIC_WRITE, GENERIC_READ, GENERIC_WRITE, 0, FILE_APPEND_DATA,
	};
	uint8_t which = take_uint8(in);
	DWORD flags = which & 0x80 ? FILE_FLAG_OVERLAPPED : 0;
	const char *name = names[which % 5];
	HANDLE h = CreateFileA(name, (DWORD)TAKE_ONE_OF(in, accesses), 7, NULL, OPEN_EXISTING,
			       flags | FILE_FLAG_BACKUP_SEMANTICS, NULL);

	*regular = which % 5 < 3;
	return h;
}

/* Memory of just its size; or none, or none that is there. */
static uint8_t *take_memory(struct input *in, DWORD *size, bool *real)
{
	uint8_t how = take_uint8(in);
	uint8_t *memory;

	*size = how & 0x40 ? take_uint16(in) : how & 0x3F;
	*real = how < 0xE0;
	if (how >= 0xF0)
		return NULL;
	if (!*real)
		return (uint8_t *)((uintptr_t)how << 40 | 0xF000000000000000);
	memory = malloc(*size);
	PROMISE(memory);
	take(in, memory, *size);
	return memory;
}

static void check_error(DWORD error)
{
	PROMISE(error == ERROR_INVALID_FUNCTION || error == ERROR_ACCESS_DENIED ||
		error == ERROR_INVALID_HANDLE || error == ERROR_INVALID_PARAMETER ||
		error == ERROR_INSUFFICIENT_BUFFER || error == ERROR_MORE_DATA ||
		error == ERROR_NOACCESS || error == ERROR_NOT_SUPPORTED ||
		error == ERROR_INVALID_USER_BUFFER);
}

/* What the file has to be after FSCTL_SET_ZERO_DATA, from what it was. */
static void specify_zeros(uint8_t *content, const uint8_t *arg)
{
	int64_t range[2];

	memcpy(range, arg, sizeof(range));
	PROMISE(range[0] >= 0 && range[1] >= range[0]);
	for (int64_t i = range[0]; i < range[1] && i < FILE_SIZE; i++)
		content[i] = 0;
}

static void check_content(const uint8_t *want)
{
	uint8_t got[FILE_SIZE + 1];
	int fd = open("file", O_RDONLY | O_CLOEXEC);

	PROMISE_EQ(read(fd, got, sizeof(got)), FILE_SIZE);
	close(fd);
	PROMISE(!memcmp(got, want, FILE_SIZE));
}

static void one_call(struct input *in, uint8_t *content)
{
	bool regular, in_real, out_real, overlapped;
	DWORD code = (DWORD)TAKE_ONE_OF(in, codes), in_size, out_size, returned = 77, error;
	HANDLE h = open_one(in, &regular);
	uint8_t how = take_uint8(in), *from, *to, *before = NULL;
	OVERLAPPED ov = { 0 };
	BOOL ok;

	if (how & 1)
		code ^= 1u << (how >> 1 & 31);
	from = take_memory(in, &in_size, &in_real);
	to = take_memory(in, &out_size, &out_real);
	if (out_real && to) {
		before = malloc(out_size);
		PROMISE(before);
		memcpy(before, to, out_size);
	}
	overlapped = how & 0x80;
	SetLastError(0);
	ok = DeviceIoControl(h, code, from, in_size, to, out_size, how & 0x40 ? NULL : &returned,
			     overlapped ? &ov : NULL);
	error = GetLastError();
	PROMISE(error != ERROR_IO_PENDING);
	if (!ok)
		check_error(error);
	if (!(how & 0x40)) {
		PROMISE(returned <= out_size);
		if (before)
			PROMISE(!memcmp(to + returned, before + returned, out_size - returned));
	}
	if (ok && overlapped)
		PROMISE_EQ(ov.Internal, 0);
	if (ok && regular && code == FSCTL_SET_ZERO_DATA)
		specify_zeros(content, from);
	if (in_real)
		free(from);
	if (out_real)
		free(to);
	free(before);
	if (h != INVALID_HANDLE_VALUE)
		PROMISE(CloseHandle(h));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint8_t content[FILE_SIZE];
	int fd = open("file", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	memset(content, 'x', sizeof(content));
	PROMISE_EQ(write(fd, content, sizeof(content)), sizeof(content));
	close(fd);
	for (int i = 0; i < 4 && left(&in); i++)
		one_call(&in, content);
	check_content(content);
	return 0;
}
