// SPDX-License-Identifier: MIT
/*
 * VirtualAlloc and its like: buffers that begin with a page, and pages that nobody may touch.
 *
 * A region is one mapping, from its reservation to its release. What is reserved and not committed
 * is a page that may not be touched, and has no memory; so is what is committed as PAGE_NOACCESS.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap.h"
#include "list.h"
#include "status.h"
#include "thread.h"

#define GRANULARITY 65536
#define IGNORED (MEM_TOP_DOWN)

struct region {
	struct cio_list link;
	uintptr_t begin, end;
};

/* Under the lock of the heaps: regions are as rare, and a fork is told of that one already. */
static struct cio_list regions = CIO_LIST_INIT(regions);

static uintptr_t page_size(void)
{
	return (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* What mprotect calls it; -1 for what is not one of Windows' protections, or none of ours. */
static int protection_of(DWORD protect)
{
	switch (protect) {
	case PAGE_NOACCESS:
		return PROT_NONE;
	case PAGE_READONLY:
		return PROT_READ;
	case PAGE_READWRITE:
		return PROT_READ | PROT_WRITE;
	case PAGE_EXECUTE:
		return PROT_EXEC;
	case PAGE_EXECUTE_READ:
		return PROT_EXEC | PROT_READ;
	case PAGE_EXECUTE_READWRITE:
		return PROT_EXEC | PROT_READ | PROT_WRITE;
	}
	return -1;
}

/* Whole pages that hold it. False if they would go round the end of the address space. */
static bool pages_of(LPCVOID address, SIZE_T size, uintptr_t *begin, uintptr_t *end)
{
	uintptr_t page = page_size(), last = (uintptr_t)address + size;

	if (last < size || last > UINTPTR_MAX - page)
		return false;
	*begin = (uintptr_t)address & ~(page - 1);
	*end = (last + page - 1) & ~(page - 1);
	return true;
}

static struct region *region_of(uintptr_t begin, uintptr_t end)
{
	cio_list_each(pos, &regions) {
		struct region *r = cio_entry(pos, struct region, link);

		if (begin >= r->begin && end <= r->end)
			return r;
	}
	return NULL;
}

/* Where the kernel likes, but at a multiple of Windows' granularity: programs mask by it. */
static void *map_anywhere(SIZE_T size, int prot)
{
	char *all, *begin;

	all = mmap(NULL, size + GRANULARITY, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		   0);
	if (all == MAP_FAILED)
		return NULL;
	begin = (char *)(((uintptr_t)all + GRANULARITY - 1) & ~(uintptr_t)(GRANULARITY - 1));
	if (begin > all)
		munmap(all, (size_t)(begin - all));
	if (all + GRANULARITY > begin)
		munmap(begin + size, (size_t)(all + GRANULARITY - begin));
	return begin;
}

static void *map_at(uintptr_t begin, SIZE_T size, int prot)
{
	void *got = mmap((void *)begin, size, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	/* Kernels that do not know the flag take the address for a wish. */
	if (got != MAP_FAILED && got != (void *)begin) {
		munmap(got, size);
		got = MAP_FAILED;
	}
	return got == MAP_FAILED ? NULL : got;
}

static LPVOID reserve(LPVOID address, SIZE_T size, DWORD type, int prot)
{
	struct region *r;
	uintptr_t begin, end;
	void *got;

	if (address) /* a reservation begins with a granule */
		size += (uintptr_t)address & (GRANULARITY - 1);
	if (size > SIZE_MAX / 4 ||
	    !pages_of((void *)((uintptr_t)address & ~(uintptr_t)(GRANULARITY - 1)), size, &begin,
		      &end)) {
		cio_fail(size > SIZE_MAX / 4 ? ERROR_NOT_ENOUGH_MEMORY : ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!(type & MEM_COMMIT))
		prot = PROT_NONE;
	r = malloc(sizeof(*r));
	if (!r) {
		cio_fail(ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	got = address ? map_at(begin, end - begin, prot) : map_anywhere(end - begin, prot);
	if (!got) {
		free(r);
		cio_fail(address ? ERROR_INVALID_ADDRESS : ERROR_NOT_ENOUGH_MEMORY);
		return NULL;
	}
	r->begin = (uintptr_t)got;
	r->end = r->begin + (end - begin);
	cio_heap_lock();
	cio_list_add_tail(&r->link, &regions);
	cio_heap_unlock();
	return got;
}

static LPVOID commit(LPVOID address, SIZE_T size, int prot)
{
	uintptr_t begin, end;
	bool found;

	if (!pages_of(address, size, &begin, &end)) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	cio_heap_lock();
	found = region_of(begin, end) != NULL;
	if (found)
		found = mprotect((void *)begin, end - begin, prot) == 0;
	cio_heap_unlock();
	if (!found)
		cio_fail(ERROR_INVALID_ADDRESS);
	return found ? (LPVOID)begin : NULL;
}

LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protect)
{
	CIO_KEEP_ERRNO;
	int prot = protection_of(protect);

	type &= ~(DWORD)IGNORED;
	if (!size || prot < 0 || !(type & (MEM_COMMIT | MEM_RESERVE)) ||
	    type & ~(DWORD)(MEM_COMMIT | MEM_RESERVE)) {
		cio_fail(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!address || type & MEM_RESERVE)
		return reserve(address, size, type, prot);
	return commit(address, size, prot);
}

/* The pages lose their memory, and stay the region's. */
static DWORD decommit(struct region *r, uintptr_t begin, uintptr_t end)
{
	if (begin < r->begin || end > r->end ||
	    mmap((void *)begin, end - begin, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return ERROR_INVALID_ADDRESS;
	return 0;
}

BOOL WINAPI VirtualFree(LPVOID address, SIZE_T size, DWORD type)
{
	CIO_KEEP_ERRNO;
	uintptr_t begin, end;
	struct region *r;
	DWORD error = 0;

	if ((type != MEM_RELEASE && type != MEM_DECOMMIT) || (type == MEM_RELEASE && size) ||
	    !pages_of(address, size ? size : 1, &begin, &end))
		return cio_fail(ERROR_INVALID_PARAMETER);
	cio_heap_lock();
	r = region_of(begin, end);
	if (!r || (!size && (uintptr_t)address != r->begin)) {
		r = NULL;
		error = ERROR_INVALID_ADDRESS;
	} else if (type == MEM_DECOMMIT) {
		error = decommit(r, begin, size ? end : r->end);
		r = NULL;
	} else {
		cio_list_del(&r->link);
		munmap((void *)r->begin, r->end - r->begin);
	}
	cio_heap_unlock();
	free(r);
	return !error || cio_fail(error);
}

/* How the page is mapped now, as the kernel knows it. 0 if there is none. */
static DWORD protection_now(uintptr_t page)
{
	static const DWORD names[] = { PAGE_NOACCESS, PAGE_READONLY,	 PAGE_READWRITE,
				       PAGE_READWRITE, PAGE_EXECUTE,	 PAGE_EXECUTE_READ,
				       PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_READWRITE };
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	DWORD found = 0;
	char line[512], how[5];

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &begin, &end, how) != 3 || page < begin || page >= end)
			continue;
		/* Readable, writable, executable: a number of names[], which has 2 and 3 alike. */
		found = names[(how[2] == 'x') << 2 | (how[1] == 'w') << 1 |
			      (how[1] != 'w' && how[0] == 'r')];
	}
	if (maps)
		fclose(maps);
	return found;
}

BOOL WINAPI VirtualProtect(LPVOID address, SIZE_T size, DWORD protect, PDWORD old)
{
	CIO_KEEP_ERRNO;
	int prot = protection_of(protect);
	uintptr_t begin, end;
	DWORD was;

	if (prot < 0 || !size || !pages_of(address, size, &begin, &end))
		return cio_fail(ERROR_INVALID_PARAMETER);
	if (!old)
		return cio_fail(ERROR_NOACCESS);
	was = protection_now(begin);
	if (!was || mprotect((void *)begin, end - begin, prot) != 0)
		return cio_fail(ERROR_INVALID_ADDRESS);
	*old = was;
	return TRUE;
}
