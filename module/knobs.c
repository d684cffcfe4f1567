// SPDX-License-Identifier: GPL-2.0
/*
 * The knobs as text: see knobs.h, and fate.h for what they do.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/cancelio.h>

#include "faults.h"
#include "knobs.h"

#define DAY_NS	CANCELIO_LATENCY_MAX_NS

/**
 * cancelio_knob_line - copy a line that was written, without its newline
 * @line: where to
 * @size: bytes there
 * @text: what was written
 *
 * Context: any.
 * Return: 0, or -EINVAL: it is too long.
 */
int cancelio_knob_line(char *line, size_t size, const char *text)
{
	ssize_t len = strscpy(line, text, size);

	if (len < 0)
		return -EINVAL;
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	return 0;
}

/**
 * struct knob - one file
 * @offset: in &struct cancelio_knobs
 * @min: of a number
 * @max: the same
 * @parse: 0, or -EINVAL and nothing was changed
 * @print: as a show function of sysfs
 */
struct knob {
	size_t offset;
	u64 min;
	u64 max;
	int (*parse)(const struct knob *knob, void *value, const char *text);
	ssize_t (*print)(const struct knob *knob, const void *value, char *page);
};

static int number_parse(const struct knob *knob, void *value, const char *text)
{
	u64 number;

	if (kstrtou64(text, 10, &number) || number < knob->min || number > knob->max)
		return -EINVAL;
	WRITE_ONCE(*(u64 *)value, number);
	return 0;
}

static ssize_t number_print(const struct knob *knob, const void *value, char *page)
{
	return sysfs_emit(page, "%llu\n", *(const u64 *)value);
}

static const char *const cancel_names[] = {
	[CANCELIO_CANCEL_PROMPT] = "prompt",
	[CANCELIO_CANCEL_SLOW] = "slow",
	[CANCELIO_CANCEL_POLL] = "poll",
	[CANCELIO_CANCEL_NEVER] = "once-started-never",
};

static int cancel_parse(const struct knob *knob, void *value, const char *text)
{
	int mode = sysfs_match_string(cancel_names, text);

	if (mode < 0)
		return -EINVAL;
	WRITE_ONCE(*(u64 *)value, mode);
	return 0;
}

static ssize_t cancel_print(const struct knob *knob, const void *value, char *page)
{
	return sysfs_emit(page, "%s\n", cancel_names[*(const u64 *)value]);
}

static bool parse_ns(const char *word, u64 *ns)
{
	/* A newline at the end has gone already. */
	return word && !strchr(word, '\n') && !kstrtou64(word, 10, ns) && *ns <= DAY_NS;
}

/* NS, uniform FROM TO, or exponential MEAN. */
static int latency_parse(const struct knob *knob, void *value, const char *text)
{
	struct cancelio_latency latency = { .spread = CANCELIO_FIXED }, *told = value;
	char copy[64], *rest = copy, *word;

	if (cancelio_knob_line(copy, sizeof(copy), text))
		return -EINVAL;
	word = strsep(&rest, " ");
	if (!strcmp(word, "uniform"))
		latency.spread = CANCELIO_UNIFORM;
	else if (!strcmp(word, "exponential"))
		latency.spread = CANCELIO_EXPONENTIAL;
	if (latency.spread != CANCELIO_FIXED)
		word = strsep(&rest, " ");
	if (!parse_ns(word, &latency.from))
		return -EINVAL;
	if (latency.spread == CANCELIO_UNIFORM &&
	    (!parse_ns(strsep(&rest, " "), &latency.to) || latency.from >= latency.to))
		return -EINVAL;
	if (rest)
		return -EINVAL;
	told->spread = latency.spread;
	WRITE_ONCE(told->from, latency.from);
	WRITE_ONCE(told->to, latency.to);
	return 0;
}

static ssize_t latency_print(const struct knob *knob, const void *value, char *page)
{
	const struct cancelio_latency *latency = value;

	switch (latency->spread) {
	case CANCELIO_UNIFORM:
		return sysfs_emit(page, "uniform %llu %llu\n", latency->from, latency->to);
	case CANCELIO_EXPONENTIAL:
		return sysfs_emit(page, "exponential %llu\n", latency->from);
	default:
		return sysfs_emit(page, "%llu\n", latency->from);
	}
}

static int faults_parse(const struct knob *knob, void *value, const char *text)
{
	return cancelio_faults_parse(value, text);
}

static ssize_t faults_print(const struct knob *knob, const void *value, char *page)
{
	return cancelio_faults_print(value, page);
}

#define KNOB_NUMBER(_name, _min, _max)					\
	[CANCELIO_KNOB_##_name] = {					\
		offsetof(struct cancelio_knobs, _name), _min, _max,	\
		number_parse, number_print				\
	}
#define KNOB_LATENCY(_name, _field)					\
	[CANCELIO_KNOB_##_name] = {					\
		offsetof(struct cancelio_knobs, _field), 0, DAY_NS,	\
		latency_parse, latency_print				\
	}

static const struct knob knob_table[CANCELIO_KNOB_COUNT] = {
	KNOB_LATENCY(open_latency_ns, latency[CANCELIO_OPEN]),
	KNOB_LATENCY(read_latency_ns, latency[CANCELIO_READ]),
	KNOB_LATENCY(write_latency_ns, latency[CANCELIO_WRITE]),
	KNOB_LATENCY(flush_latency_ns, latency[CANCELIO_FLUSH]),
	KNOB_LATENCY(control_latency_ns, latency[CANCELIO_CONTROL]),
	KNOB_LATENCY(abort_latency_ns, abort_latency),
	KNOB_NUMBER(bandwidth, 0, 1ULL << 40),
	KNOB_NUMBER(channels, 1, 65536),
	KNOB_NUMBER(stuck, 0, 65536),
	KNOB_NUMBER(split, 0, 1ULL << 30),
	KNOB_NUMBER(poll_interval_ns, 100 * NSEC_PER_USEC, DAY_NS),
	KNOB_NUMBER(race_window_ns, 0, NSEC_PER_MSEC),
	KNOB_NUMBER(seed, 0, U64_MAX),
	KNOB_NUMBER(max_pending, 1, 1 << 24),
	KNOB_NUMBER(watchdog_s, 0, 86400),
	[CANCELIO_KNOB_cancel] = {
		offsetof(struct cancelio_knobs, cancel), 0, 0, cancel_parse, cancel_print
	},
	[CANCELIO_KNOB_faults] = {
		0, 0, 0, faults_parse, faults_print
	},
};

/**
 * cancelio_knobs_init - what a device does that was told nothing
 * @knobs: is set
 */
void cancelio_knobs_init(struct cancelio_knobs *knobs)
{
	*knobs = (struct cancelio_knobs){
		.cancel = CANCELIO_CANCEL_PROMPT,
		.abort_latency.from = NSEC_PER_SEC,
		.poll_interval_ns = 10 * NSEC_PER_MSEC,
		.channels = 64,
		.max_pending = 1 << 20,
		.watchdog_s = 300,
		.seed = 1,
	};
}

/**
 * cancelio_knob_parse - turn a knob
 * @knobs: all of them
 * @knob: which
 * @text: what was written, with a newline or without
 *
 * Context: any, with the lock that guards @knobs.
 * Return: 0, or -EINVAL: then nothing was changed.
 */
int cancelio_knob_parse(struct cancelio_knobs *knobs, enum cancelio_knob knob, const char *text)
{
	const struct knob *entry = &knob_table[knob];

	return entry->parse(entry, (void *)knobs + entry->offset, text);
}

/**
 * cancelio_knob_print - show a knob
 * @knobs: all of them
 * @knob: which
 * @page: as in a show function of sysfs
 *
 * Context: process.
 * Return: the length.
 */
ssize_t cancelio_knob_print(const struct cancelio_knobs *knobs, enum cancelio_knob knob,
			    char *page)
{
	const struct knob *entry = &knob_table[knob];

	return entry->print(entry, (const void *)knobs + entry->offset, page);
}
