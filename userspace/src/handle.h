/* SPDX-License-Identifier: MIT */
/*
 * Handles: small numbers that lead to an object with a set of rights.
 *
 * A call pins the handle's entry for as long as it needs the object, by one atomic addition and
 * without a lock. CloseHandle makes the handle invalid at once; the entry, and the reference that
 * it has on the object, go with the last pin.
 */
#ifndef CIO_HANDLE_H
#define CIO_HANDLE_H

#include "object.h"

#define CIO_CURRENT_PROCESS ((HANDLE)(LONG_PTR)-1)
#define CIO_CURRENT_THREAD ((HANDLE)(LONG_PTR)-2)

#define CIO_HANDLE_CHUNK 256
#define CIO_HANDLE_CHUNKS 65536
/* In `state`, above the number of pins. */
#define CIO_HANDLE_LIVE (1ull << 62)
#define CIO_HANDLE_CLOSING (1ull << 63)

struct cio_handle {
	_Atomic uint64_t state; /* 0 pins and no flag: free */
	struct cio_object *obj;
	DWORD access;
	DWORD flags; /* HANDLE_FLAG_*; table's lock */
	uint32_t index;
	uint32_t next_free; /* table's lock */
};

CIO_HIDDEN extern struct cio_handle *_Atomic cio_handle_chunks[CIO_HANDLE_CHUNKS];

CIO_HIDDEN extern const struct cio_class cio_file_class, cio_event_class, cio_thread_class,
	cio_process_class;
/* What GetCurrentProcess means; it is always there. */
CIO_HIDDEN extern struct cio_object cio_process_object;

/* The last pin of a closed one is gone. */
void cio_handle_free(struct cio_handle *h);

static inline void cio_handle_unpin(struct cio_handle *h)
{
	if (atomic_fetch_sub(&h->state, 1) == (CIO_HANDLE_CLOSING | 1))
		cio_handle_free(h);
}

/* NULL: it is none, or one of the pseudo handles. Leaves the last error alone. */
static inline struct cio_handle *cio_handle_pin(HANDLE handle)
{
	/* The two low bits of a handle belong to the application. */
	ULONG_PTR n = (ULONG_PTR)handle / 4 - 1;
	struct cio_handle *h;

	if (n >= (ULONG_PTR)CIO_HANDLE_CHUNK * CIO_HANDLE_CHUNKS)
		return NULL;
	h = atomic_load_explicit(&cio_handle_chunks[n / CIO_HANDLE_CHUNK], memory_order_acquire);
	if (!h)
		return NULL;
	h += n % CIO_HANDLE_CHUNK;
	if (atomic_fetch_add(&h->state, 1) & CIO_HANDLE_LIVE)
		return h;
	cio_handle_unpin(h);
	return NULL;
}

/* The rest of cio_handle_pin_as, when it has no good answer. */
struct cio_handle *cio_handle_refuse(struct cio_handle *h, const struct cio_class *class);

/*
 * For a kind that has no pseudo handles. NULL with the last error set: 6 when the handle is none
 * of that kind, 5 when it lacks one of the rights.
 */
static inline struct cio_handle *cio_handle_pin_as(HANDLE handle, const struct cio_class *class,
						   DWORD access)
{
	struct cio_handle *h = cio_handle_pin(handle);

	if (h && h->obj->class == class && !(access & ~h->access))
		return h;
	return cio_handle_refuse(h, class);
}

/* Takes over no reference: the handle gets its own. NULL when there is no memory. */
HANDLE cio_handle_new(struct cio_object *obj, DWORD access);
/* Whether one more can be made, as far as memory goes. */
bool cio_handle_room(void);

/*
 * The same for a public call that has just made the object: takes the reference over, and sets
 * the last error if there is no memory.
 */
HANDLE cio_handle_give(struct cio_object *obj, DWORD access);

/*
 * One more handle to an object that has some, and its error. ERROR_INVALID_HANDLE: the last one
 * has been closed meanwhile, and it matters to this object.
 */
DWORD cio_handle_copy(struct cio_object *obj, DWORD access, HANDLE *handle);

/* HANDLE_FLAG_*. FALSE with the last error set. */
BOOL cio_handle_set_flags(HANDLE handle, DWORD mask, DWORD flags);

/* The rights that the generic ones stand for, which differ from kind to kind. */
DWORD cio_map_generic(const struct cio_class *class, DWORD access);

/*
 * The object behind a handle, with a reference, or NULL with the last error set: 6 when the
 * handle is none or (with a class) of another kind, 5 when it lacks one of the rights.
 */
struct cio_object *cio_handle_get(HANDLE handle, const struct cio_class *class, DWORD access);
struct cio_object *cio_handle_get_access(HANDLE handle, const struct cio_class *class,
					 DWORD *access);

/* Calls fn for each object that has a handle, or one that is being closed, under the table's lock. */
void cio_handle_each(void (*fn)(struct cio_object *obj));

void cio_handle_lock(void);
void cio_handle_unlock(void);
void cio_handle_reinit_in_child(void);
/*
 * Without locks: who had handles in use is not here, and did not come back to let them go. The calling
 * thread has none in use.
 */
void cio_handle_forget_pins_in_child(void);

#endif
