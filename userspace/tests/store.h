/* SPDX-License-Identifier: MIT */
/* A store with known bytes, and hundreds of reads on it. */
#ifndef STORE_H
#define STORE_H

#include "device.h"

enum { MANY = 300, SIZE = 64 };
#define LONG "86400000000000"

static OVERLAPPED ovs[MANY];
static unsigned char data[MANY][SIZE];
static HANDLE store;

static inline OVERLAPPED at(uint64_t offset)
{
	OVERLAPPED ov = host_overlapped(CreateEventA(NULL, TRUE, FALSE, NULL));

	CHECK(ov.hEvent);
	ov.Offset = (DWORD)offset;
	ov.OffsetHigh = (DWORD)(offset >> 32);
	return ov;
}

static inline unsigned char byte_at(uint64_t offset)
{
	return (unsigned char)(offset * 7 + offset / 251);
}

/* The store has known contents, but what each case overwrites. */
static inline void fill(const char *path, size_t size)
{
	unsigned char *all = malloc(size);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	for (size_t i = 0; i < size; i++)
		all[i] = byte_at(i);
	CHECK_EQ(pwrite(fd, all, size, 0), size);
	close(fd);
	free(all);
}

static inline void check_bytes(const unsigned char *bytes, size_t count, uint64_t offset)
{
	for (size_t i = 0; i < count; i++)
		CHECK_EQ(bytes[i], byte_at(offset + i));
}

static inline void start_reads(int count)
{
	for (int i = 0; i < count; i++) {
		ovs[i] = at((uint64_t)i * SIZE);
		CHECK_FAILS(ReadFile(store, data[i], SIZE, NULL, &ovs[i]), ERROR_IO_PENDING);
	}
}

static inline void check_aborted(OVERLAPPED *ov)
{
	DWORD n = 1;

	CHECK_FAILS(GetOverlappedResult(store, ov, &n, TRUE), ERROR_OPERATION_ABORTED);
	CHECK_EQ(n, 0);
	CHECK_EQ(WaitForSingleObject(ov->hEvent, 0), WAIT_OBJECT_0);
}

#endif
