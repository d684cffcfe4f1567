// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of what goes wrong, as text: one a line,
 *
 *	OPERATIONS WHAT WHEN
 *
 * OPERATIONS	open, read, write, flush, with commas; or all
 * WHAT		error=EIO (a name or a number), short=BYTES, or hang
 * WHEN		next=N requests, or rate=N of a million
 *
 * A line that is written adds a rule, behind those that are there; the first
 * that fits a request holds. A rule for the next N is gone when they have been.
 * "clear" takes all rules away.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "faults.h"
#include "knobs.h"

/* Above this are numbers that no program shall see. */
#define ERRNO_MAX	133
#define SHORT_MAX	(1ULL << 30)
#define NEXT_MAX	1000000000ULL
#define RATE_MAX	1000000ULL

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EPERM", EPERM }, { "EINTR", EINTR }, { "EIO", EIO }, { "ENXIO", ENXIO },
	{ "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES }, { "EBUSY", EBUSY },
	{ "ENODEV", ENODEV }, { "EINVAL", EINVAL }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS },
	{ "EPIPE", EPIPE }, { "EBADMSG", EBADMSG }, { "EILSEQ", EILSEQ },
	{ "ECONNRESET", ECONNRESET }, { "ETIMEDOUT", ETIMEDOUT }, { "EREMOTEIO", EREMOTEIO },
};

static bool parse_number(const char *text, u64 min, u64 max, u64 *number)
{
	return !strchr(text, '\n') && !kstrtou64(text, 10, number) && *number >= min && *number <= max;
}

static bool parse_error(const char *text, u64 *number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (!strcmp(text, errors[i].name)) {
			*number = errors[i].number;
			return true;
		}
	}
	/* What the core says of a cancelled request is no fault. */
	return parse_number(text, 1, ERRNO_MAX, number) && *number != ECANCELED;
}

/* But control, by which one sees how it goes: that must be named. */
#define ALL_OPS	GENMASK(CANCELIO_FLUSH, 0)

static bool parse_ops(char *text, unsigned int *ops)
{
	char *name;
	int op;

	*ops = 0;
	if (!strcmp(text, "all")) {
		*ops = ALL_OPS;
		return true;
	}
	while ((name = strsep(&text, ","))) {
		op = match_string(cancelio_op_names, CANCELIO_OPS, name);
		if (op < 0)
			return false;
		*ops |= BIT(op);
	}
	return true;
}

static bool parse_what(char *text, struct cancelio_fault *fault)
{
	if (!strcmp(text, "hang")) {
		fault->kind = CANCELIO_FAULT_HANG;
		return true;
	}
	if (strstarts(text, "error=")) {
		fault->kind = CANCELIO_FAULT_ERROR;
		return parse_error(text + 6, &fault->value);
	}
	if (strstarts(text, "short=")) {
		fault->kind = CANCELIO_FAULT_SHORT;
		/* An open and a flush have no bytes. */
		return parse_number(text + 6, 1, SHORT_MAX, &fault->value) &&
		       !(fault->ops & ~(BIT(CANCELIO_READ) | BIT(CANCELIO_WRITE)));
	}
	return false;
}

static bool parse_when(char *text, struct cancelio_fault *fault)
{
	if (strstarts(text, "next="))
		return parse_number(text + 5, 1, NEXT_MAX, &fault->next);
	if (strstarts(text, "rate="))
		return parse_number(text + 5, 1, RATE_MAX, &fault->ppm);
	return false;
}

static bool fault_over(const struct cancelio_fault *fault)
{
	return !fault->ppm && !fault->next;
}

/* Rules that are over make room for others. */
static void faults_tidy(struct cancelio_knobs *knobs)
{
	unsigned int i, kept = 0;

	for (i = 0; i < knobs->fault_count; i++) {
		if (!fault_over(&knobs->faults[i]))
			knobs->faults[kept++] = knobs->faults[i];
	}
	WRITE_ONCE(knobs->fault_count, kept);
}

/**
 * cancelio_faults_parse - add a rule, or clear them
 * @knobs: have the rules
 * @text: a line
 *
 * Context: any, with the lock that guards @knobs.
 * Return: 0; -EINVAL if it is no rule, -ENOSPC if there are as many as there
 * can be: then nothing was changed.
 */
int cancelio_faults_parse(struct cancelio_knobs *knobs, const char *text)
{
	struct cancelio_fault fault = {};
	char copy[96], *rest = copy, *ops, *what, *when;

	if (cancelio_knob_line(copy, sizeof(copy), text))
		return -EINVAL;
	if (!strcmp(copy, "clear")) {
		WRITE_ONCE(knobs->fault_count, 0);
		return 0;
	}
	ops = strsep(&rest, " ");
	what = strsep(&rest, " ");
	when = strsep(&rest, " ");
	if (!when || rest || !parse_ops(ops, &fault.ops) || !parse_what(what, &fault) ||
	    !parse_when(when, &fault))
		return -EINVAL;

	faults_tidy(knobs);
	if (knobs->fault_count == CANCELIO_FAULTS_MAX)
		return -ENOSPC;
	knobs->faults[knobs->fault_count] = fault;
	WRITE_ONCE(knobs->fault_count, knobs->fault_count + 1);
	return 0;
}

static int print_ops(char *page, int at, unsigned int ops)
{
	const char *separator = "";
	int op, start = at;

	if (ops == ALL_OPS)
		return sysfs_emit_at(page, at, "all");
	for (op = 0; op < CANCELIO_OPS; op++) {
		if (!(ops & BIT(op)))
			continue;
		at += sysfs_emit_at(page, at, "%s%s", separator, cancelio_op_names[op]);
		separator = ",";
	}
	return at - start;
}

static int print_error(char *page, int at, u64 number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].number == number)
			return sysfs_emit_at(page, at, " error=%s", errors[i].name);
	}
	return sysfs_emit_at(page, at, " error=%llu", number);
}

/**
 * cancelio_faults_print - show the rules as they would be written
 * @knobs: have them
 * @page: as in a show function of sysfs
 *
 * Context: process.
 * Return: the length.
 */
ssize_t cancelio_faults_print(const struct cancelio_knobs *knobs, char *page)
{
	const struct cancelio_fault *fault;
	int at = 0;

	for (fault = knobs->faults; fault < knobs->faults + knobs->fault_count; fault++) {
		if (fault_over(fault))
			continue;
		at += print_ops(page, at, fault->ops);
		if (fault->kind == CANCELIO_FAULT_ERROR)
			at += print_error(page, at, fault->value);
		else if (fault->kind == CANCELIO_FAULT_SHORT)
			at += sysfs_emit_at(page, at, " short=%llu", fault->value);
		else
			at += sysfs_emit_at(page, at, " hang");
		if (fault->ppm)
			at += sysfs_emit_at(page, at, " rate=%llu\n", fault->ppm);
		else
			at += sysfs_emit_at(page, at, " next=%llu\n", fault->next);
	}
	return at;
}
