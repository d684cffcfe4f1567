/* SPDX-License-Identifier: MIT */
/*
 * Names of events, mutexes and semaphores. All kinds share one space of names, which is this
 * process's own. A name lasts as long as its object has a handle.
 */
#ifndef CIO_NAMES_H
#define CIO_NAMES_H

#include "object.h"

/* A name as it is looked up: UTF-8, without the prefix Local\; empty: no name. */
struct cio_name_key {
	char text[MAX_PATH * 3 + 1];
	bool given; /* not NULL */
};

/* FALSE with the last error set: it can be no object's name. */
BOOL cio_name_from_a(struct cio_name_key *key, LPCSTR name);
BOOL cio_name_from_w(struct cio_name_key *key, LPCWSTR name);

/*
 * The end of each CreateXxx: a handle to the object, whose reference is taken over, or to another
 * of its kind that has the name already. The last error is 0 or ERROR_ALREADY_EXISTS (W-EVENT-1);
 * NULL: what has failed.
 */
HANDLE cio_name_create(struct cio_object *obj, const struct cio_name_key *key, DWORD access,
		       const SECURITY_ATTRIBUTES *attributes);
HANDLE cio_name_open(const struct cio_class *class, const struct cio_name_key *key, DWORD access,
		     BOOL inherit);

/* The last handle of a named object is closed. */
void cio_name_drop(struct cio_object *obj);

void cio_names_lock(void);
void cio_names_unlock(void);
void cio_names_reinit_in_child(void);

#endif
