// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "lock.h"
#include "names.h"
#include "status.h"
#include "utf.h"

#define BUCKETS 64

/* Its object has no reference by it: who closes the last handle takes the name away first. */
struct cio_name {
	struct cio_name *next;
	struct cio_object *obj;
	char text[];
};

static struct cio_lock lock = CIO_LOCK_INIT;
static struct cio_name *buckets[BUCKETS];

void cio_names_lock(void)
{
	cio_lock_take(&lock);
}

void cio_names_unlock(void)
{
	cio_lock_drop(&lock);
}

void cio_names_reinit_in_child(void)
{
	cio_lock_reinit_in_child(&lock);
}

/*
 * Local\ names the space that a name without a prefix is in, Global\ another one. They are
 * directories, and there are no others.
 */
static DWORD find_fault(const char *name, const char **rest)
{
	const char *base = name;

	*rest = name;
	if (!strcmp(name, "Local") || !strcmp(name, "Global"))
		return ERROR_INVALID_HANDLE;
	if (!strncmp(name, "Local\\", 6))
		*rest = base = name + 6;
	else if (!strncmp(name, "Global\\", 7))
		base = name + 7;
	if (base != name && !*base)
		return ERROR_INVALID_NAME;
	if (*base == '\\')
		return ERROR_BAD_PATHNAME;
	return strchr(base, '\\') ? ERROR_PATH_NOT_FOUND : ERROR_SUCCESS;
}

static BOOL key_finish(struct cio_name_key *key)
{
	const char *rest;
	DWORD error = find_fault(key->text, &rest);

	if (error)
		return cio_fail(error);
	memmove(key->text, rest, strlen(rest) + 1);
	key->given = true;
	return TRUE;
}

static void key_none(struct cio_name_key *key)
{
	key->text[0] = '\0';
	key->given = false;
}

BOOL cio_name_from_a(struct cio_name_key *key, LPCSTR name)
{
	key_none(key);
	if (!name)
		return TRUE;
	if (strnlen(name, MAX_PATH) == MAX_PATH)
		return cio_fail(ERROR_FILENAME_EXCED_RANGE);
	strcpy(key->text, name);
	return key_finish(key);
}

BOOL cio_name_from_w(struct cio_name_key *key, LPCWSTR name)
{
	key_none(key);
	if (!name)
		return TRUE;
	if (cio_utf16_len(name) >= MAX_PATH)
		return cio_fail(ERROR_FILENAME_EXCED_RANGE);
	return cio_name_from_utf16(key->text, sizeof(key->text), name) && key_finish(key);
}

static struct cio_name **bucket_of(const char *text)
{
	unsigned int hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return &buckets[hash % BUCKETS];
}

/* Names' lock, as for the next two. The link that leads to it; to NULL when there is none. */
static struct cio_name **name_find(const char *text)
{
	struct cio_name **link = bucket_of(text);

	while (*link && strcmp((*link)->text, text) != 0)
		link = &(*link)->next;
	return link;
}

static bool name_add(struct cio_name **end, struct cio_object *obj, const char *text)
{
	size_t size = strlen(text) + 1;
	struct cio_name *name = malloc(sizeof(*name) + size);

	if (!name)
		return false;
	name->next = NULL;
	name->obj = obj;
	memcpy(name->text, text, size);
	obj->name = name;
	*end = name;
	return true;
}

static void name_unlink(struct cio_name *name)
{
	struct cio_name **link = name_find(name->text);

	/* Another may have the same name by now, if this one's last handle was found closing. */
	if (*link == name)
		*link = name->next;
}

void cio_name_drop(struct cio_object *obj)
{
	cio_names_lock();
	name_unlink(obj->name);
	free(obj->name);
	obj->name = NULL;
	cio_names_unlock();
}

/*
 * A handle to the object of that name. ERROR_FILE_NOT_FOUND: there is none, or its last handle is
 * being closed, and then the name is free.
 */
static DWORD open_locked(const struct cio_class *class, const char *text, DWORD access,
			 HANDLE *handle)
{
	struct cio_name **link = name_find(text), *name = *link;
	DWORD error;

	if (!name)
		return ERROR_FILE_NOT_FOUND;
	if (name->obj->class != class)
		return ERROR_INVALID_HANDLE;
	error = cio_handle_copy(name->obj, access, handle);
	if (error != ERROR_INVALID_HANDLE)
		return error;
	*link = name->next;
	return ERROR_FILE_NOT_FOUND;
}

static DWORD create_locked(struct cio_object *obj, const char *text, DWORD access, HANDLE *handle)
{
	DWORD error = open_locked(obj->class, text, access, handle);

	if (error != ERROR_FILE_NOT_FOUND)
		return error ? error : ERROR_ALREADY_EXISTS;
	if (!name_add(name_find(text), obj, text))
		return ERROR_NOT_ENOUGH_MEMORY;
	*handle = cio_handle_new(obj, access);
	if (*handle)
		return ERROR_SUCCESS;
	name_unlink(obj->name);
	free(obj->name);
	obj->name = NULL;
	return ERROR_NOT_ENOUGH_MEMORY;
}

HANDLE cio_name_create(struct cio_object *obj, const struct cio_name_key *key, DWORD access,
		       const SECURITY_ATTRIBUTES *attributes)
{
	HANDLE handle = NULL;
	DWORD error;

	access = cio_map_generic(obj->class, access) & obj->class->all;
	if (*key->text) {
		cio_names_lock();
		error = create_locked(obj, key->text, access, &handle);
		cio_names_unlock();
	} else {
		handle = cio_handle_new(obj, access);
		error = handle ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
	}
	cio_object_put(obj);
	if (handle && attributes && attributes->bInheritHandle)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	cio_fail(error);
	return handle;
}

HANDLE cio_name_open(const struct cio_class *class, const struct cio_name_key *key, DWORD access,
		     BOOL inherit)
{
	HANDLE handle = NULL;
	DWORD error;

	if (!*key->text) {
		/* The empty name is that of the directory itself. */
		cio_fail(key->given ? ERROR_INVALID_HANDLE : ERROR_INVALID_PARAMETER);
		return NULL;
	}
	access = cio_map_generic(class, access) & class->all;
	cio_names_lock();
	error = open_locked(class, key->text, access, &handle);
	cio_names_unlock();
	if (error)
		cio_fail(error);
	else if (inherit)
		cio_handle_set_flags(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	return handle;
}
