/* SPDX-License-Identifier: MIT */
/*
 * What every fuzzer needs: its input as numbers and strings, and promises that end it when they are
 * broken. libFuzzer then saves the input.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct input {
	const uint8_t *at, *end;
};

__attribute__((noreturn, format(printf, 1, 2))) static inline void broken(const char *format, ...)
{
	va_list args;

	fputs("BROKEN: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(stderr);
	abort();
}

#define PROMISE(cond) \
	do { \
		if (!(cond)) \
			broken("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#define PROMISE_EQ(got, want) \
	do { \
		long long got_ = (long long)(got), want_ = (long long)(want); \
		if (got_ != want_) \
			broken("%s:%d: %s is %lld, not %lld", __FILE__, __LINE__, #got, got_, \
			       want_); \
	} while (0)

static inline size_t left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

/* An input that is over goes on with zeros, so that a short one is a program as well. */
static inline void take(struct input *in, void *to, size_t size)
{
	size_t n = left(in) < size ? left(in) : size;

	memset(to, 0, size);
	memcpy(to, in->at, n);
	in->at += n;
}

#define TAKE(type) \
	static inline type##_t take_##type(struct input *in) \
	{ \
		type##_t value; \
\
		take(in, &value, sizeof(value)); \
		return value; \
	}
TAKE(uint8)
TAKE(uint16)
TAKE(uint32)
TAKE(uint64)

static inline uint32_t take_below(struct input *in, uint32_t bound)
{
	return take_uint8(in) % bound;
}

/* One of those that mean something, or now and then any number at all. */
#define TAKE_ONE_OF(in, values) \
	take_one_of(in, values, sizeof(values) / sizeof(*(values)))
static inline uint64_t take_one_of(struct input *in, const uint64_t *values, size_t count)
{
	uint8_t which = take_uint8(in);

	return which < 240 ? values[which % count] : take_uint64(in);
}

#endif
