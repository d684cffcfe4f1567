// SPDX-License-Identifier: MIT
/*
 * FormatMessage. Everything is put together in UTF-8, and becomes UTF-16 at the end for those who
 * want it. A precision of a string counts bytes of that.
 */
#include <stdarg.h>
#include <stdio.h>

#include "messages.h"
#include "status.h"
#include "text.h"
#include "utf.h"

#define SOURCES (FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_FROM_SYSTEM)
#define INSERTS 99

struct format {
	DWORD flags;
	bool wide; /* what %1!s! means */
	va_list *list;
	const ULONG_PTR *array;
	ULONG_PTR args[INSERTS + 2]; /* those taken from the list so far; two for the stars */
	unsigned int taken;
	struct cio_text text;
	size_t column; /* how much the line has */
	size_t space; /* where its last run of spaces begins; 0 if it has none */
	bool in_space;
	DWORD error;
};

static void add_char(struct format *f, char c)
{
	cio_text_add(&f->text, &c, 1);
}

static void begin_line(struct format *f, size_t column)
{
	f->column = column;
	f->space = 0;
	f->in_space = false;
}

static void add_break(struct format *f)
{
	cio_text_add(&f->text, "\r\n", 2);
	begin_line(f, 0);
}

/* The line is full: it ends at its last spaces, which go, or here if it has none. */
static void wrap(struct format *f)
{
	struct cio_text *t = &f->text;
	size_t rest = f->space ? f->space : t->length, end = t->length;

	while (rest < end && t->s[rest] == ' ')
		rest++;
	cio_text_add(t, "\r\n", 2); /* for the room */
	if (t->failed)
		return;
	if (f->space) {
		memmove(t->s + f->space + 2, t->s + rest, end - rest);
		memcpy(t->s + f->space, "\r\n", 2);
		t->length = f->space + 2 + (end - rest);
		t->s[t->length] = '\0';
	}
	begin_line(f, end - rest);
}

static void add_wrapped(struct format *f, char c)
{
	DWORD width = f->flags & FORMAT_MESSAGE_MAX_WIDTH_MASK;

	if (c == ' ' && !f->in_space)
		f->space = f->text.length;
	f->in_space = c == ' ';
	add_char(f, c);
	if (++f->column == width && width != FORMAT_MESSAGE_MAX_WIDTH_MASK)
		wrap(f);
}

static void add_string(struct format *f, const char *s, size_t n)
{
	while (n--)
		add_wrapped(f, *s++);
}

static bool fail(struct format *f, DWORD error)
{
	f->error = error;
	return false;
}

/* Insert @number, counted from 1. The list can be walked only once, so what has passed is kept. */
static bool argument(struct format *f, unsigned int number, ULONG_PTR *value)
{
	if (f->array) {
		*value = f->array[number - 1];
		return true;
	}
	if (!f->list)
		return fail(f, ERROR_INVALID_PARAMETER);
	for (; f->taken < number; f->taken++)
		f->args[f->taken] = va_arg(*f->list, ULONG_PTR);
	*value = f->args[number - 1];
	return true;
}

/* What stands between the exclamation marks, in the parts that printf knows. */
struct spec {
	char flags[8];
	int width, precision; /* -1: none */
	int bits; /* of a number */
	bool wide; /* of a string */
	char type;
};

static bool number_or_star(struct format *f, const char **p, unsigned int *insert, int *value)
{
	ULONG_PTR arg;

	if (**p == '*') {
		(*p)++;
		if (!argument(f, (*insert)++, &arg))
			return false;
		*value = (int)arg;
		return true;
	}
	for (*value = 0; **p >= '0' && **p <= '9'; (*p)++)
		if (*value < 100000)
			*value = *value * 10 + (**p - '0');
	return true;
}

static bool parse_size(const char **p, struct spec *s)
{
	static const struct {
		const char *name;
		int bits;
	} sizes[] = { { "I64", 64 }, { "I32", 32 }, { "ll", 64 }, { "hh", 8 }, { "I", 64 },
		      { "z", 64 },   { "l", 32 },   { "w", 32 }, { "h", 16 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = strlen(sizes[i].name);

		if (strncmp(*p, sizes[i].name, n) != 0)
			continue;
		s->bits = sizes[i].bits;
		if (**p == 'l' || **p == 'w')
			s->wide = true;
		else if (**p == 'h')
			s->wide = false;
		*p += n;
		return true;
	}
	return false;
}

static bool parse(struct format *f, const char **p, unsigned int *insert, struct spec *s)
{
	size_t n = strspn(*p, "-+ #0");

	*s = (struct spec){ .width = -1, .precision = -1, .bits = 32, .wide = f->wide };
	if (n >= sizeof(s->flags))
		return fail(f, ERROR_INVALID_PARAMETER);
	memcpy(s->flags, *p, n);
	*p += n;
	if (!number_or_star(f, p, insert, &s->width))
		return false;
	if (**p == '.') {
		(*p)++;
		if (!number_or_star(f, p, insert, &s->precision))
			return false;
	}
	parse_size(p, s);
	s->type = **p;
	/* In capitals they mean the other kind. */
	if (s->type == 'S' || s->type == 'C') {
		s->wide = !f->wide;
		s->type += 'a' - 'A';
	}
	if (!s->type || !strchr("sdiuxXocp", s->type) || (*p)[1] != '!')
		return fail(f, ERROR_INVALID_PARAMETER);
	*p += 2;
	return true;
}

static void print_string(struct format *f, const struct spec *s, const char *value)
{
	size_t n = s->precision >= 0 ? strnlen(value, (size_t)s->precision) : strlen(value);
	size_t width = s->width > 0 ? (size_t)s->width : 0;
	bool left = strchr(s->flags, '-');

	for (size_t i = n; !left && i < width; i++)
		add_wrapped(f, ' ');
	add_string(f, value, n);
	for (size_t i = n; left && i < width; i++)
		add_wrapped(f, ' ');
}

static void print_wide(struct format *f, const struct spec *s, const WCHAR *value, size_t count)
{
	size_t need = cio_utf8_from_utf16(NULL, 0, value, count, NULL);
	char *utf8 = malloc(need + 1);

	if (!utf8) {
		f->text.failed = true;
		return;
	}
	cio_utf8_from_utf16(utf8, need, value, count, NULL);
	utf8[need] = '\0';
	print_string(f, s, utf8);
	free(utf8);
}

static void print_text(struct format *f, const struct spec *s, ULONG_PTR value)
{
	const WCHAR unit = (WCHAR)value;
	const char byte[2] = { (char)value, '\0' };

	if (s->type == 'c' && s->wide)
		print_wide(f, s, &unit, 1);
	else if (s->type == 'c')
		print_string(f, s, byte);
	else if (!value)
		print_string(f, s, "(null)");
	else if (s->wide)
		print_wide(f, s, (const WCHAR *)value, cio_utf16_len((const WCHAR *)value));
	else
		print_string(f, s, (const char *)value);
}

static long long sign_extend(ULONG_PTR value, int bits)
{
	return (long long)(value << (64 - bits)) >> (64 - bits);
}

static void print_number(struct format *f, const struct spec *s, ULONG_PTR value)
{
	bool is_signed = s->type == 'd' || s->type == 'i';
	char how[32], out[512];
	int width = s->width, precision = s->precision, bits = s->bits, n;

	if (s->type == 'p') {
		n = snprintf(out, sizeof(out), "%016llX", (unsigned long long)value);
		add_string(f, out, (size_t)n);
		return;
	}
	/* Numbers are never that wide, but the buffer is not. */
	width = width > 255 ? 255 : width < -255 ? -255 : width;
	precision = precision > 255 ? 255 : precision;
	snprintf(how, sizeof(how), "%%%s*.*ll%c", s->flags, s->type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (is_signed)
		n = snprintf(out, sizeof(out), how, width < 0 && s->width == -1 ? 0 : width, precision,
			     sign_extend(value, bits));
	else
		n = snprintf(out, sizeof(out), how, width < 0 && s->width == -1 ? 0 : width, precision,
			     bits == 64 ? value : value & ((1ull << bits) - 1));
#pragma GCC diagnostic pop
	add_string(f, out, (size_t)n);
}

/* "%1" or "%1!format!"; *p is at the digit. */
static bool insert(struct format *f, const char **p)
{
	unsigned int number = 0;
	struct spec s = { .width = -1, .precision = -1, .wide = f->wide, .type = 's' };
	ULONG_PTR value;

	for (int i = 0; i < 2 && **p >= '0' && **p <= '9'; i++, (*p)++)
		number = number * 10 + (unsigned int)(**p - '0');
	if (**p == '!') {
		(*p)++;
		if (!parse(f, p, &number, &s))
			return false;
	}
	if (!argument(f, number, &value))
		return false;
	if (s.type == 's' || s.type == 'c')
		print_text(f, &s, value);
	else
		print_number(f, &s, value);
	return true;
}

/* What follows a percent sign; *done at "%0". */
static bool escape(struct format *f, const char **p, bool *done)
{
	char c = **p;

	if (c >= '1' && c <= '9') {
		if (!(f->flags & FORMAT_MESSAGE_IGNORE_INSERTS))
			return insert(f, p);
		add_wrapped(f, '%');
		return true; /* the digits follow as they are */
	}
	(*p)++;
	switch (c) {
	case '0':
		*done = true;
		return true;
	case '\0':
		return fail(f, ERROR_INVALID_PARAMETER);
	case 'n':
		add_break(f);
		return true;
	case 'r':
		add_char(f, '\r');
		return true;
	case 't':
		add_char(f, '\t');
		return true;
	case 'b':
		add_char(f, ' ');
		return true;
	default:
		add_wrapped(f, c);
		return true;
	}
}

static bool expand(struct format *f, const char *p)
{
	bool done = false;

	while (*p && !done) {
		if (*p == '%') {
			p++;
			if (!escape(f, &p, &done))
				return false;
		} else if (*p == '\r' || *p == '\n') {
			p += p[0] == '\r' && p[1] == '\n' ? 2 : 1;
			/* With a width given, the message's line breaks are spaces. */
			if (f->flags & FORMAT_MESSAGE_MAX_WIDTH_MASK)
				add_wrapped(f, ' ');
			else
				add_break(f);
		} else {
			add_wrapped(f, *p++);
		}
	}
	return f->text.failed ? fail(f, ERROR_NOT_ENOUGH_MEMORY) : true;
}

static bool speaks(DWORD language)
{
	WORD primary = PRIMARYLANGID(language);

	return primary == LANG_NEUTRAL || primary == LANG_ENGLISH;
}

/* An HRESULT that was made of an error number says what the number says. */
static const char *system_message(DWORD id)
{
	if (id >> 16 == (0x8000 | FACILITY_WIN32))
		id &= 0xFFFF;
	return cio_message(id);
}

static bool run(struct format *f, LPCVOID source, DWORD id, DWORD language)
{
	const char *text;

	if (f->flags & FORMAT_MESSAGE_FROM_STRING)
		return source ? expand(f, source) : fail(f, ERROR_INVALID_PARAMETER);
	/* No module has a table of messages here. */
	if (!(f->flags & FORMAT_MESSAGE_FROM_SYSTEM))
		return fail(f, ERROR_RESOURCE_DATA_NOT_FOUND);
	if (!speaks(language))
		return fail(f, ERROR_RESOURCE_LANG_NOT_FOUND);
	text = system_message(id);
	return text ? expand(f, text) : fail(f, ERROR_MR_MID_NOT_FOUND);
}

static bool begin(struct format *f, DWORD flags, bool wide, LPCVOID buffer, va_list *arguments)
{
	*f = (struct format){ .flags = flags, .wide = wide };
	if (!buffer || !(flags & SOURCES))
		return fail(f, ERROR_INVALID_PARAMETER);
	if (flags & FORMAT_MESSAGE_ARGUMENT_ARRAY)
		f->array = (const ULONG_PTR *)arguments;
	else
		f->list = arguments;
	cio_text_add(&f->text, "", 0);
	return true;
}

/* The place for @count units of @unit bytes: the caller's, or one that is made for it. */
static void *room_for(struct format *f, LPVOID buffer, DWORD size, size_t count, size_t unit)
{
	void *made;

	if (!(f->flags & FORMAT_MESSAGE_ALLOCATE_BUFFER)) {
		if (count > size)
			fail(f, ERROR_INSUFFICIENT_BUFFER);
		return count > size ? NULL : buffer;
	}
	/* Who is told that there is nothing frees nothing. */
	if (count == 1) {
		fail(f, ERROR_NO_WORK_DONE);
		return NULL;
	}
	made = LocalAlloc(LMEM_FIXED, (count > size ? count : size) * unit);
	if (!made)
		fail(f, ERROR_NOT_ENOUGH_MEMORY);
	memcpy(buffer, &made, sizeof(made));
	return made;
}

static DWORD end(struct format *f, LPVOID buffer, DWORD count)
{
	void *none = NULL;

	cio_text_free(&f->text);
	if (f->error && buffer && f->flags & FORMAT_MESSAGE_ALLOCATE_BUFFER)
		memcpy(buffer, &none, sizeof(none));
	if (!f->error && !count)
		f->error = ERROR_NO_WORK_DONE;
	if (f->error)
		return (DWORD)cio_fail(f->error);
	return count;
}

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPSTR buffer,
			    DWORD size, va_list *arguments)
{
	CIO_KEEP_ERRNO;
	struct format f;
	DWORD count = 0;
	char *to;

	if (begin(&f, flags, false, buffer, arguments) && run(&f, source, id, language)) {
		to = room_for(&f, buffer, size, f.text.length + 1, 1);
		if (to) {
			memcpy(to, f.text.s, f.text.length + 1);
			count = (DWORD)f.text.length;
		}
	}
	return end(&f, buffer, count);
}

static char *utf8_of(LPCWSTR s)
{
	size_t count = cio_utf16_len(s) + 1, need = cio_utf8_from_utf16(NULL, 0, s, count, NULL);
	char *utf8 = malloc(need);

	if (utf8)
		cio_utf8_from_utf16(utf8, need, s, count, NULL);
	return utf8;
}

DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPWSTR buffer,
			    DWORD size, va_list *arguments)
{
	CIO_KEEP_ERRNO;
	bool converted = flags & FORMAT_MESSAGE_FROM_STRING && source;
	char *utf8 = converted ? utf8_of(source) : NULL;
	struct format f;
	DWORD count = 0;
	WCHAR *to;

	if (!begin(&f, flags, true, buffer, arguments)) {
		/* nothing to do */
	} else if (converted && !utf8) {
		fail(&f, ERROR_NOT_ENOUGH_MEMORY);
	} else if (run(&f, utf8, id, language)) {
		size_t need = cio_utf16_from_utf8(NULL, 0, f.text.s, f.text.length + 1, NULL);

		to = room_for(&f, buffer, size, need, sizeof(*to));
		if (to) {
			cio_utf16_from_utf8(to, need, f.text.s, f.text.length + 1, NULL);
			count = (DWORD)need - 1;
		}
	}
	free(utf8);
	return end(&f, buffer, count);
}
