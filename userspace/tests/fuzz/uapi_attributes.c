// SPDX-License-Identifier: MIT
/*
 * The module's files: attributes in configfs and sysfs, and what debugfs shows. Any bytes are written
 * to any of them, at any place; directories of any name come and go. A write that fails changes
 * nothing; what a knob shows it also takes, and shows again.
 */
#include "uapi.h"

#define ROOM 8192
/* A medium is memory, of which the machine has not much. */
#define SIZE_MOST (1 << 20)

static struct device devices[] = {
	{ .name = "line", .model = CANCELIO_MODEL_STREAM, .size = 8192 },
	{ .name = "disk", .model = CANCELIO_MODEL_STORE, .size = 65536 },
};

static const char *const names[] = {
	"live", "model", "size", "lower", "device", "queue", "pending", "open_latency_ns",
	"read_latency_ns", "write_latency_ns", "flush_latency_ns", "control_latency_ns",
	"abort_latency_ns", "bandwidth", "channels", "stuck", "split", "poll_interval_ns",
	"race_window_ns", "seed", "max_pending", "watchdog_s", "cancel", "faults",
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const words[] = {
	"0", "1", "64", "65536", "65537", "86400000000000", "86400000000001", "18446744073709551615",
	"18446744073709551616", "uniform 1 2", "uniform 2 1", "uniform ", "exponential ", "exponential 5",
	"prompt", "slow", "poll", "once-started-never", "start", "stop", "drain", "purge", "stream",
	"store", "clear", "open", "read", "write", "flush", "control", "all", ",", "error=", "EIO",
	"short=", "512", "hang", " ", "next=", "rate=", "1000000", "1000001", "1073741824", "\n", "-1",
	"+1", "0x10", "cancelio", "y", "n", "1099511627776", "error=125", "16777216", "100000", "\t", "",
};

/* Something was changed; a device may be another than it was. */
static bool dirty, reborn;

static void nothing(void)
{
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	coverage_open();
	guard_open(nothing);
	for (size_t i = 0; i < COUNT(devices); i++)
		device_make(&devices[i]);
	return 0;
}

/* Words, and single bytes. */
static size_t take_text(struct input *in, char *text, size_t most)
{
	size_t count = take_below(in, 8), length = 0;

	while (count--) {
		uint8_t c = take_uint8(in);
		const char *word = words[c % COUNT(words)];
		size_t n = strlen(word);

		if (c >= 0xF8)
			text[length++] = (char)take_uint8(in);
		else if (length + n < most)
			length += (size_t)(stpcpy(text + length, word) - (text + length));
		if (length + 1 >= most)
			break;
	}
	return length;
}

/* Folders whose device is not live, of which there may be some at a time. */
static const char *const folders[] = { "x", "y", "line", "disk" };

static void file_path(struct input *in, char *path, size_t size, bool *is_knob)
{
	uint8_t where = take_uint8(in), what = take_uint8(in) % COUNT(names);
	const struct device *dev = &devices[where % COUNT(devices)];
	static const char *const seen[] = { "requests", "counters", "cancel_to_end" };

	*is_knob = what >= 7;
	if (where < 0x60) {
		snprintf(path, size, CLASS "/%s/%s", dev->id, names[what]);
	} else if (where < 0xD0) {
		snprintf(path, size, CONFIGS "/%s/%s", folders[where % COUNT(folders)], names[what]);
	} else {
		snprintf(path, size, DEBUG "/%s/%s", dev->id, seen[where % COUNT(seen)]);
		*is_knob = false;
	}
}

static bool same(const char *a, ssize_t na, const char *b, ssize_t nb)
{
	return na == nb && (na <= 0 || !memcmp(a, b, (size_t)na));
}

/* What it shows now is what it is told to be, but that rules of faults add up. */
static void check_shown(const char *path, const char *name)
{
	static char first[ROOM], second[ROOM];
	ssize_t n = file_get(path, first, sizeof(first)), m;

	if (n <= 0 || !strcmp(name, "faults"))
		return;
	if (file_put(path, first, (size_t)n) != n)
		broken("%s does not take what it shows: %s", path, first);
	m = file_get(path, second, sizeof(second));
	PROMISE(same(first, n, second, m));
}

/* There would not be the memory. */
static bool is_too_much(const char *path, const char *text)
{
	const char *name = strrchr(path, '/') + 1;

	return !strcmp(name, "size") && strtoull(text, NULL, 10) > SIZE_MOST;
}

static void put(struct input *in)
{
	static char before[ROOM], after[ROOM], text[ROOM];
	bool is_knob, at_place = take_uint8(in) < 0x20;
	char path[256];
	ssize_t n, m, written;
	size_t length;
	int fd;

	file_path(in, path, sizeof(path), &is_knob);
	length = take_text(in, text, sizeof(text) - 1);
	text[length] = '\0';
	if (is_too_much(path, text))
		return;
	n = file_get(path, before, sizeof(before));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	written = at_place ? pwrite(fd, text, length, take_uint16(in)) : write(fd, text, length);
	close(fd);
	dirty |= written > 0;
	reborn |= written > 0 && (!strcmp(strrchr(path, '/'), "/live") || strstr(path, CONFIGS));
	for (size_t i = 0; i < COUNT(devices); i++)
		if (written > 0 && strstr(path, devices[i].id))
			device_told(&devices[i], strrchr(path, '/') + 1);
	m = file_get(path, after, sizeof(after));
	if (written < 0 && strcmp(strrchr(path, '/'), "/pending"))
		PROMISE(same(before, n, after, m));
	if (written > 0 && is_knob)
		check_shown(path, strrchr(path, '/') + 1);
}

static void get(struct input *in)
{
	static char text[ROOM], whole[ROOM];
	uint16_t place = take_uint16(in), size = take_uint16(in) % ROOM;
	bool is_knob;
	char path[256];
	ssize_t n, m;
	int fd;

	file_path(in, path, sizeof(path), &is_knob);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = take_uint8(in) & 1 ? pread(fd, text, size, place) : read(fd, text, size);
	PROMISE(n <= size);
	/* A part of a knob is the part of the whole. */
	if (is_knob && n > 0) {
		m = pread(fd, whole, sizeof(whole), 0);
		PROMISE(m > 0 && memmem(whole, (size_t)m, text, (size_t)n));
	}
	lseek(fd, place, SEEK_SET);
	close(fd);
}

/* A folder of any name, for a moment; or one of ours, which may be live. */
static void folder(struct input *in)
{
	char name[64], path[256];
	size_t length = take_below(in, 40);
	uint8_t how = take_uint8(in);

	if (how & 1) {
		snprintf(path, sizeof(path), CONFIGS "/%s", folders[how >> 2 & 1]);
		if (how & 2)
			rmdir(path);
		else
			mkdir(path, 0700);
		dirty = true;
		return;
	}
	take(in, name, length);
	name[length] = '\0';
	snprintf(path, sizeof(path), CONFIGS "/%s", name);
	if (!strchr(name, '/') && mkdir(path, 0700) == 0)
		PROMISE_EQ(rmdir(path), 0);
}

static void turn_live(struct input *in)
{
	uint8_t how = take_uint8(in);
	char path[256];

	snprintf(path, sizeof(path), CONFIGS "/%s/live", folders[how % COUNT(folders)]);
	file_put(path, how & 4 ? "1" : "0", 1);
	dirty = reborn = true;
}

static bool is_live(const struct device *dev)
{
	char path[256], text[8] = "";

	snprintf(path, sizeof(path), CONFIGS "/%s/live", dev->name);
	PROMISE(file_get(path, text, sizeof(text)) > 0);
	return text[0] == '1';
}

/* Nothing of an input is there for the next, so that each finds the same. */
static void clear(void)
{
	char path[256];

	/* The one that may be above the other first. */
	for (int i = 1; i >= 0; i--) {
		snprintf(path, sizeof(path), CONFIGS "/%s/live", folders[i]);
		file_put(path, "0", 1);
		snprintf(path, sizeof(path), CONFIGS "/%s", folders[i]);
		if (rmdir(path) != 0)
			PROMISE_EQ(errno, ENOENT);
	}
	for (size_t i = 0; i < COUNT(devices); i++) {
		struct device *dev = &devices[i];

		dev->live = is_live(dev);
		if (dev->live && !reborn) {
			device_reset(dev);
			continue;
		}
		if (dev->live)
			device_remove(dev);
		config_reset(dev);
		device_make(dev);
	}
	dirty = reborn = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	guard_begin(data, size);
	/* So that even an empty input finds something: libFuzzer believes in no other. */
	device_pending(&devices[0]);
	for (int i = 0; i < 24 && left(&in); i++) {
		switch (take_below(&in, 8)) {
		case 0:
			folder(&in);
			break;
		case 1:
			turn_live(&in);
			break;
		case 2:
		case 3:
			get(&in);
			break;
		default:
			put(&in);
		}
	}
	coverage_end();
	if (dirty)
		clear();
	guard_end();
	return 0;
}
