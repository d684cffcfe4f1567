/* SPDX-License-Identifier: MIT */
/* A string that grows. Once there is no memory for it, it stays as it is and says so. */
#ifndef CIO_TEXT_H
#define CIO_TEXT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct cio_text {
	char *s;
	size_t length, room;
	bool failed;
};

static inline void cio_text_add(struct cio_text *t, const char *s, size_t n)
{
	if (t->failed)
		return;
	if (t->length + n >= t->room) {
		size_t room = (t->length + n + 1) * 2;
		char *grown = realloc(t->s, room);

		if (!grown) {
			t->failed = true;
			return;
		}
		t->s = grown;
		t->room = room;
	}
	memcpy(t->s + t->length, s, n);
	t->length += n;
	t->s[t->length] = '\0';
}

static inline void cio_text_free(struct cio_text *t)
{
	free(t->s);
}

#endif
