/* SPDX-License-Identifier: MIT */
/* Handles: small numbers that lead to an object with a set of rights. */
#ifndef CIO_HANDLE_H
#define CIO_HANDLE_H

#include "object.h"

#define CIO_CURRENT_PROCESS ((HANDLE)(LONG_PTR)-1)
#define CIO_CURRENT_THREAD ((HANDLE)(LONG_PTR)-2)

extern const struct cio_class cio_file_class, cio_event_class, cio_thread_class;

/* Takes over no reference: the handle gets its own. NULL when there is no memory. */
HANDLE cio_handle_new(struct cio_object *obj, DWORD access);

/* The rights that the generic ones stand for, which differ from kind to kind. */
DWORD cio_map_generic(const struct cio_class *class, DWORD access);

/*
 * The object behind a handle, with a reference, or NULL with the last error set: 6 when the
 * handle is none or (with a class) of another kind, 5 when it lacks one of the rights.
 */
struct cio_object *cio_handle_get(HANDLE handle, const struct cio_class *class, DWORD access);
struct cio_object *cio_handle_get_access(HANDLE handle, const struct cio_class *class,
					 DWORD *access);

/* Calls fn for each object that has a handle, under the table's lock. */
void cio_handle_each(void (*fn)(struct cio_object *obj));

void cio_handle_lock(void);
void cio_handle_unlock(void);

#endif
