/* SPDX-License-Identifier: MIT */
/* Doubly linked lists whose links live in the elements, so that linking never allocates. */
#ifndef CIO_LIST_H
#define CIO_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* What other files of the library reach by its address, without a table in between. */
#define CIO_HIDDEN __attribute__((visibility("hidden")))

struct cio_list {
	struct cio_list *next, *prev;
};

#define CIO_LIST_INIT(name) { &(name), &(name) }
#define cio_entry(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define cio_list_each(pos, head) \
	for (struct cio_list *pos = (head)->next; pos != (head); pos = pos->next)
#define cio_list_each_safe(pos, tmp, head) \
	for (struct cio_list *pos = (head)->next, *tmp = pos->next; pos != (head); \
	     pos = tmp, tmp = pos->next)

static inline void cio_list_init(struct cio_list *l)
{
	l->next = l->prev = l;
}

static inline bool cio_list_empty(const struct cio_list *l)
{
	return l->next == l;
}

static inline void cio_list_add_tail(struct cio_list *l, struct cio_list *head)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* Leaves the element an empty list, so that deleting it again does nothing. */
static inline void cio_list_del(struct cio_list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	cio_list_init(l);
}

#endif
