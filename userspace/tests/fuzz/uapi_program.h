/* SPDX-License-Identifier: MIT */
/*
 * What the parts of uapi_calls.c share: the two devices, the open files, the memory that is given to
 * the kernel, and the controls with what they have to answer.
 */
#ifndef UAPI_PROGRAM_H
#define UAPI_PROGRAM_H

#include "uapi.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define FILES 8
#define ROOM 65536

static struct device devices[] = {
	{ .name = "line", .model = CANCELIO_MODEL_STREAM, .size = 8192 },
	{ .name = "disk", .model = CANCELIO_MODEL_STORE, .size = 65536 },
};

static struct open_file {
	int fd;
	int how; /* as given to open(2) */
	struct device *dev;
} files[FILES];

/* Of this input: devices are not as they were new, or were removed. */
static bool changed;
static atomic_bool removed;
/* Something was asked of a device, or of io_uring, after which not all need end by itself. */
static bool loose;
/* A request may end with whatever error it was told to. */
static bool faulty;

static inline bool is_open(const struct open_file *f)
{
	return f->fd >= 0;
}

static inline struct open_file *take_file(struct input *in)
{
	uint8_t which = take_uint8(in);

	for (int i = 0; i < FILES; i++)
		if (is_open(&files[(which + i) % FILES]))
			return &files[(which + i) % FILES];
	return &files[which % FILES];
}

/* ---- memory ---- */

static uint8_t data[ROOM];
static uint8_t *edge; /* the end of what there is */

static inline void memory_open(void)
{
	uint8_t *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);

	PROMISE(pages != MAP_FAILED);
	PROMISE_EQ(mprotect(pages + 2 * 4096, 4096, PROT_NONE), 0);
	edge = pages + 2 * 4096;
}

enum place { GOOD, BAD, EDGE };

/* Mostly memory that is there; else a little of it, or none, or the kernel's. */
static inline void *take_memory(struct input *in, enum place *place)
{
	uint8_t how = take_uint8(in);

	*place = how < 0xE0 ? GOOD : how < 0xF0 ? EDGE : BAD;
	if (*place == GOOD)
		return data + how;
	if (*place == EDGE)
		return edge - (how & 15);
	switch (how & 3) {
	case 0:
		return NULL;
	case 1:
		return edge;
	case 2:
		return (void *)0xffff888000000000;
	default:
		return (void *)0x8000000000000000;
	}
}

static inline uint32_t take_length(struct input *in)
{
	static const uint64_t lengths[] = {
		0, 1, 2, 100, 511, 512, 513, 4095, 4096, 4097, 8191, 8192, 8193, 16384, 65024,
	};
	uint8_t which = take_uint8(in);

	/* Those that are too much go with memory that is not there. */
	return which < 0xF0 ? (uint32_t)lengths[which % COUNT(lengths)] : take_uint16(in) % 65024;
}

static inline uint64_t take_offset(struct input *in)
{
	static const uint64_t offsets[] = {
		0, 0, 0, 1, 512, 4096, 65535, 65536, 65537, 1ull << 32, 1ull << 62, 1ull << 63, ~0ull,
		(1ull << 63) - 1,
	};

	return TAKE_ONE_OF(in, offsets);
}

/* ---- controls ---- */

union argument {
	struct cancelio_info info;
	struct cancelio_cancel cancel;
	struct cancelio_request_info request;
	struct cancelio_uring_io io;
	uint32_t version;
	uint8_t bytes[160];
};

static inline bool is_zero(const void *at, size_t size)
{
	const uint8_t *byte = at;

	while (size--)
		if (*byte++)
			return false;
	return true;
}

static inline bool cancel_is_valid(uint32_t flags, uint32_t by, uint64_t value)
{
	if (flags & ~CANCELIO_CANCEL_ONE || by < CANCELIO_BY_FILE || by > CANCELIO_BY_OP)
		return false;
	if ((by == CANCELIO_BY_FILE || by == CANCELIO_BY_DEVICE) && value)
		return false;
	return by != CANCELIO_BY_OP ||
	       (value >= CANCELIO_OP_OPEN && value <= CANCELIO_OP_CONTROL);
}

/* The error that a control must give, as <linux/cancelio.h> says; 0: that depends. */
static inline int control_error(const struct device *dev, uint32_t code, const union argument *arg,
				enum place place)
{
	bool valid;

	if (code == CANCELIO_IOC_VERSION)
		return place == BAD ? -EFAULT : 0;
	if (code != CANCELIO_IOC_INFO && code != CANCELIO_IOC_CANCEL && code != CANCELIO_IOC_REQUEST)
		return -ENOTTY;
	if (!dev->live)
		return -ENODEV;
	/* It waits before it looks. */
	if (code == CANCELIO_IOC_INFO && (changed || faulty))
		return 0;
	if (place != GOOD)
		return place == BAD ? -EFAULT : 0;
	if (code == CANCELIO_IOC_INFO)
		valid = !arg->info.flags && is_zero(arg->info.reserved, sizeof(arg->info.reserved));
	else if (code == CANCELIO_IOC_CANCEL)
		valid = cancel_is_valid(arg->cancel.flags, arg->cancel.by, arg->cancel.value) &&
			is_zero(arg->cancel.reserved, sizeof(arg->cancel.reserved));
	else
		valid = !arg->request.flags && !arg->request.pad &&
			is_zero(arg->request.reserved, sizeof(arg->request.reserved));
	return valid ? 0 : -EINVAL;
}

/* What a control that has succeeded must have said, to a question that was @asked. */
static inline void check_answer(const struct device *dev, uint32_t code,
				const union argument *asked, const union argument *arg)
{
	switch (code) {
	case CANCELIO_IOC_VERSION:
		PROMISE_EQ(arg->version, CANCELIO_API_VERSION);
		break;
	case CANCELIO_IOC_INFO:
		PROMISE_EQ(arg->info.model, dev->model);
		PROMISE_EQ(arg->info.size, dev->size);
		PROMISE(!arg->info.flags &&
			is_zero(arg->info.reserved, sizeof(arg->info.reserved)));
		PROMISE(arg->info.features & CANCELIO_FEATURE_URING);
		break;
	case CANCELIO_IOC_CANCEL:
		PROMISE(arg->cancel.found > 0);
		if (asked->cancel.by == CANCELIO_BY_ID)
			PROMISE_EQ(arg->cancel.found, 1);
		break;
	case CANCELIO_IOC_REQUEST:
		PROMISE(arg->request.id > asked->request.id);
		PROMISE(arg->request.op >= CANCELIO_OP_OPEN && arg->request.op <= CANCELIO_OP_CONTROL);
		PROMISE(arg->request.state <= 7 && !arg->request.pad && !arg->request.flags);
		PROMISE(is_zero(arg->request.reserved, sizeof(arg->request.reserved)));
		break;
	}
}

static inline uint32_t take_code(struct input *in)
{
	static const uint64_t codes[] = {
		CANCELIO_IOC_VERSION, CANCELIO_IOC_INFO, CANCELIO_IOC_CANCEL, CANCELIO_IOC_REQUEST,
		CANCELIO_IOC_CANCEL, CANCELIO_IOC_REQUEST,
	};
	uint8_t which = take_uint8(in);

	if (which < 0xF0)
		return (uint32_t)codes[which % COUNT(codes)];
	/* Another number, size or direction, but never another driver's. */
	return _IOC(which & 3, CANCELIO_IOC_MAGIC, take_uint8(in) & 0x1F, take_uint16(in) & 0x3FFF);
}

/* Zeros but for the fields that mean something, and now and then one that must not be set. */
static inline void take_argument(struct input *in, uint32_t code, union argument *arg)
{
	static const uint64_t values[] = { 0, 0, 1, 2, 3, 4, 5, 6, 7, 1ull << 32, ~0ull };
	uint8_t how = take_uint8(in);

	memset(arg, 0, sizeof(*arg));
	if (code == CANCELIO_IOC_CANCEL) {
		arg->cancel.by = how & 7;
		arg->cancel.flags = how >> 3 & 1;
		arg->cancel.value = TAKE_ONE_OF(in, values);
		if (how & 0x10 && arg->cancel.by == CANCELIO_BY_PROCESS)
			arg->cancel.value = (uint64_t)getpid();
		if (how & 0x10 && arg->cancel.by == CANCELIO_BY_THREAD)
			arg->cancel.value = (uint64_t)syscall(SYS_gettid);
	} else if (code == CANCELIO_IOC_REQUEST) {
		arg->request.id = TAKE_ONE_OF(in, values);
	}
	if (how >= 0xE0)
		arg->bytes[take_uint8(in) % sizeof(arg->bytes)] = take_uint8(in);
}

#endif
