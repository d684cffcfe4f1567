// SPDX-License-Identifier: MIT
/*
 * Heaps, on malloc. A block begins with what Windows would know of it: its exact size, its heap,
 * and, for a heap that can be destroyed, its neighbours. A block of another heap, or none, is
 * recognised by that: it must at least be memory that can be read.
 *
 * There are no structured exceptions here: HEAP_GENERATE_EXCEPTIONS is accepted and raises none.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "list.h"
#include "lock.h"
#include "status.h"
#include "thread.h"

struct heap {
	struct cio_list link;
	struct cio_list blocks;
	SIZE_T used, limit; /* a limit of 0 is none */
};

struct block {
	struct cio_list link;
	struct heap *heap;
	SIZE_T size;
} __attribute__((aligned(16)));

static struct heap process_heap;
static struct cio_list heaps = CIO_LIST_INIT(heaps); /* those that HeapCreate made */
static struct cio_lock lock = CIO_LOCK_INIT; /* their list and lists; nothing is allocated under it */

void cio_heap_lock(void)
{
	cio_lock_take(&lock);
}

void cio_heap_unlock(void)
{
	cio_lock_drop(&lock);
}

void cio_heap_reinit_in_child(void)
{
	cio_lock_reinit_in_child(&lock);
}

/* A handle may be anything, so it is not looked at but looked for. */
static struct heap *heap_of(HANDLE handle)
{
	struct heap *found = NULL;

	if (handle == &process_heap)
		return &process_heap;
	cio_lock_take(&lock);
	cio_list_each(pos, &heaps)
		if (cio_entry(pos, struct heap, link) == handle)
			found = handle;
	cio_lock_drop(&lock);
	if (!found)
		cio_fail(ERROR_INVALID_HANDLE);
	return found;
}

static struct block *block_of(struct heap *heap, LPCVOID mem)
{
	struct block *b = (struct block *)mem;

	if (b && !((ULONG_PTR)b % _Alignof(struct block)) && (--b)->heap == heap)
		return b;
	cio_fail(ERROR_INVALID_PARAMETER);
	return NULL;
}

/* Counts @size more, in place of @old, if the heap's limit lets it. */
static bool charge(struct heap *heap, SIZE_T old, SIZE_T size)
{
	bool ok;

	if (heap == &process_heap)
		return true;
	cio_lock_take(&lock);
	ok = !heap->limit || (size <= heap->limit && heap->used - old <= heap->limit - size);
	if (ok)
		heap->used += size - old;
	cio_lock_drop(&lock);
	return ok;
}

static void link_block(struct heap *heap, struct block *b)
{
	if (heap == &process_heap)
		return;
	cio_lock_take(&lock);
	cio_list_add_tail(&b->link, &heap->blocks);
	cio_lock_drop(&lock);
}

static void unlink_block(struct heap *heap, struct block *b)
{
	if (heap == &process_heap)
		return;
	cio_lock_take(&lock);
	cio_list_del(&b->link);
	cio_lock_drop(&lock);
}

static LPVOID no_memory(void)
{
	cio_fail(ERROR_NOT_ENOUGH_MEMORY);
	return NULL;
}

static LPVOID allocate(struct heap *heap, DWORD flags, SIZE_T size)
{
	SIZE_T whole = size + sizeof(struct block);
	struct block *b;

	if (whole < size || !charge(heap, 0, size))
		return no_memory();
	b = flags & HEAP_ZERO_MEMORY ? calloc(1, whole) : malloc(whole);
	if (!b) {
		charge(heap, size, 0);
		return no_memory();
	}
	b->heap = heap;
	b->size = size;
	link_block(heap, b);
	return b + 1;
}

static void release(struct heap *heap, struct block *b)
{
	unlink_block(heap, b);
	charge(heap, b->size, 0);
	b->heap = NULL; /* so that a second time is mostly noticed */
	free(b);
}

static LPVOID resize(struct heap *heap, struct block *b, DWORD flags, SIZE_T size)
{
	SIZE_T whole = size + sizeof(struct block), old = b->size;
	struct block *moved = b;

	if (whole < size || !charge(heap, old, size))
		return no_memory();
	if (whole > malloc_usable_size(b) || size < old / 2) {
		if (!(flags & HEAP_REALLOC_IN_PLACE_ONLY)) {
			unlink_block(heap, b);
			moved = realloc(b, whole);
			link_block(heap, moved ? moved : b);
		} else if (size > old) {
			moved = NULL;
		}
	}
	if (!moved) {
		charge(heap, size, old);
		return no_memory();
	}
	moved->size = size;
	if (flags & HEAP_ZERO_MEMORY && size > old)
		memset((char *)(moved + 1) + old, 0, size - old);
	return moved + 1;
}

HANDLE WINAPI GetProcessHeap(VOID)
{
	return &process_heap;
}

HANDLE WINAPI HeapCreate(DWORD options, SIZE_T initial, SIZE_T maximum)
{
	CIO_KEEP_ERRNO;
	struct heap *heap;

	if (options & HEAP_CREATE_ENABLE_EXECUTE) {
		cio_fail(ERROR_NOT_SUPPORTED);
		return NULL;
	}
	/* So that the library knows of a fork. */
	if (!cio_self())
		return NULL;
	heap = calloc(1, sizeof(*heap));
	if (!heap)
		return no_memory();
	cio_list_init(&heap->blocks);
	heap->limit = maximum && maximum < initial ? initial : maximum;
	cio_lock_take(&lock);
	cio_list_add_tail(&heap->link, &heaps);
	cio_lock_drop(&lock);
	return heap;
}

BOOL WINAPI HeapDestroy(HANDLE handle)
{
	CIO_KEEP_ERRNO;
	struct heap *heap = heap_of(handle);

	if (!heap)
		return FALSE;
	if (heap == &process_heap)
		return cio_fail(ERROR_INVALID_HANDLE);
	cio_lock_take(&lock);
	cio_list_del(&heap->link);
	cio_lock_drop(&lock);
	cio_list_each_safe(pos, tmp, &heap->blocks)
		free(cio_entry(pos, struct block, link));
	free(heap);
	return TRUE;
}

LPVOID WINAPI HeapAlloc(HANDLE handle, DWORD flags, SIZE_T size)
{
	CIO_KEEP_ERRNO;
	struct heap *heap = heap_of(handle);

	return heap ? allocate(heap, flags, size) : NULL;
}

LPVOID WINAPI HeapReAlloc(HANDLE handle, DWORD flags, LPVOID mem, SIZE_T size)
{
	CIO_KEEP_ERRNO;
	struct heap *heap = heap_of(handle);
	struct block *b = heap ? block_of(heap, mem) : NULL;

	return b ? resize(heap, b, flags, size) : NULL;
}

BOOL WINAPI HeapFree(HANDLE handle, DWORD flags, LPVOID mem)
{
	CIO_KEEP_ERRNO;
	struct heap *heap = heap_of(handle);
	struct block *b;

	(void)flags;
	if (!heap || !mem)
		return heap != NULL;
	b = block_of(heap, mem);
	if (!b)
		return FALSE;
	release(heap, b);
	return TRUE;
}

SIZE_T WINAPI HeapSize(HANDLE handle, DWORD flags, LPCVOID mem)
{
	struct heap *heap = heap_of(handle);
	struct block *b = heap ? block_of(heap, mem) : NULL;

	(void)flags;
	return b ? b->size : (SIZE_T)-1;
}

/* Of a whole heap there is nothing to find out: its memory is malloc's, which watches over it. */
BOOL WINAPI HeapValidate(HANDLE handle, DWORD flags, LPCVOID mem)
{
	struct heap *heap = heap_of(handle);

	(void)flags;
	return heap && (!mem || block_of(heap, mem));
}

/* Every corruption that malloc notices ends the process, and there is nothing else to set. */
BOOL WINAPI HeapSetInformation(HANDLE handle, HEAP_INFORMATION_CLASS class, PVOID information,
			       SIZE_T length)
{
	(void)information;
	(void)length;
	if (handle && !heap_of(handle))
		return FALSE;
	if (class != HeapCompatibilityInformation && class != HeapEnableTerminationOnCorruption &&
	    class != HeapOptimizeResources)
		return cio_fail(ERROR_INVALID_PARAMETER);
	return TRUE;
}

/* The memory of LMEM_MOVEABLE does not move either. */
HLOCAL WINAPI LocalAlloc(UINT flags, SIZE_T size)
{
	CIO_KEEP_ERRNO;

	return allocate(&process_heap, flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0, size);
}

HLOCAL WINAPI LocalFree(HLOCAL mem)
{
	CIO_KEEP_ERRNO;
	struct block *b;

	if (!mem)
		return NULL;
	b = block_of(&process_heap, mem);
	if (!b) {
		cio_fail(ERROR_INVALID_HANDLE);
		return mem;
	}
	release(&process_heap, b);
	return NULL;
}

static struct block *local_block(HLOCAL mem)
{
	struct block *b = mem ? block_of(&process_heap, mem) : NULL;

	if (!b)
		cio_fail(ERROR_INVALID_HANDLE);
	return b;
}

/* What is fixed stays where it is, unless it is said that it may move. */
HLOCAL WINAPI LocalReAlloc(HLOCAL mem, SIZE_T size, UINT flags)
{
	CIO_KEEP_ERRNO;
	struct block *b = local_block(mem);

	if (!b || flags & LMEM_MODIFY)
		return b ? mem : NULL;
	return resize(&process_heap, b,
		      (flags & LMEM_MOVEABLE ? 0 : HEAP_REALLOC_IN_PLACE_ONLY) |
			      (flags & LMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0),
		      size);
}

SIZE_T WINAPI LocalSize(HLOCAL mem)
{
	CIO_KEEP_ERRNO;
	struct block *b = local_block(mem);

	return b ? b->size : 0;
}

HGLOBAL WINAPI GlobalAlloc(UINT flags, SIZE_T size)
{
	return LocalAlloc(flags & GMEM_ZEROINIT ? LMEM_ZEROINIT : 0, size);
}

HGLOBAL WINAPI GlobalFree(HGLOBAL mem)
{
	return LocalFree(mem);
}

HGLOBAL WINAPI GlobalReAlloc(HGLOBAL mem, SIZE_T size, UINT flags)
{
	return LocalReAlloc(mem, size, flags);
}

SIZE_T WINAPI GlobalSize(HGLOBAL mem)
{
	return LocalSize(mem);
}
