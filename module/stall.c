// SPDX-License-Identifier: GPL-2.0
/*
 * The stall points in debugfs, one file each in cancelio/stall/:
 *
 *	echo hold > arm		the next who gets there is held
 *	echo hold 3 > arm	the third who gets there, two pass
 *	cat arm			"open", "armed" until somebody comes, then "held", or "late"
 *	echo open > arm		lets go on who is held
 *
 * Who is held spins, for the places are such where nobody may sleep: with a
 * lock held or in an interrupt. After ten seconds it goes on by itself, which is
 * late, so that a test that has died does not take the machine along.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "stall.h"

#define STALL_MAX_NS	(10 * NSEC_PER_SEC)

enum stall_state {
	STALL_OPEN,
	STALL_ARMED,
	STALL_HELD,
	STALL_LATE,
};

/*
 * @state goes from OPEN to ARMED and back to OPEN by who writes the file, and
 * from ARMED to HELD by who gets there and brings @pass to 0, and from there to
 * LATE by the same.
 */
struct stall {
	const char *name;
	int state;
	atomic_t pass;
};

static struct stall stalls[CANCELIO_STALLS] = {
	[CANCELIO_STALL_ARM] = { .name = "arm" },
	[CANCELIO_STALL_ARMED] = { .name = "armed" },
	[CANCELIO_STALL_FLAGGED] = { .name = "flagged" },
	[CANCELIO_STALL_SWAPPED] = { .name = "swapped" },
	[CANCELIO_STALL_DEQUEUED] = { .name = "dequeued" },
	[CANCELIO_STALL_UNMARKED] = { .name = "unmarked" },
	[CANCELIO_STALL_NOTIFY] = { .name = "notify" },
	[CANCELIO_STALL_LOOK] = { .name = "look" },
	[CANCELIO_STALL_ENDED] = { .name = "ended" },
	[CANCELIO_STALL_RELEASE] = { .name = "release" },
	[CANCELIO_STALL_MOVED] = { .name = "moved" },
	[CANCELIO_STALL_PASSED] = { .name = "passed" },
	[CANCELIO_STALL_POLLED] = { .name = "polled" },
	[CANCELIO_STALL_FOUND] = { .name = "found" },
};

static const char *const stall_names[] = {
	[STALL_OPEN] = "open",
	[STALL_ARMED] = "armed",
	[STALL_HELD] = "held",
	[STALL_LATE] = "late",
};

void (*cancelio_stall_hook)(enum cancelio_stall point);

/**
 * cancelio_stall - be held here, if a test wants it
 * @point: where
 *
 * Context: any; may spin for ten seconds.
 */
void cancelio_stall(enum cancelio_stall point)
{
	void (*hook)(enum cancelio_stall point) = READ_ONCE(cancelio_stall_hook);
	struct stall *stall = &stalls[point];
	u64 start;

	if (hook)
		hook(point);
	if (READ_ONCE(stall->state) != STALL_ARMED || !atomic_dec_and_test(&stall->pass))
		return;
	if (cmpxchg(&stall->state, STALL_ARMED, STALL_HELD) != STALL_ARMED)
		return;
	start = ktime_get_mono_fast_ns();
	while (READ_ONCE(stall->state) == STALL_HELD &&
	       ktime_get_mono_fast_ns() - start < STALL_MAX_NS)
		cpu_relax();
	if (cmpxchg(&stall->state, STALL_HELD, STALL_LATE) == STALL_HELD)
		pr_info("cancelio: stall %s: nobody has let go of %s\n", stall->name, current->comm);
}

static ssize_t stall_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct stall *stall = file_inode(file)->i_private;
	char text[16];
	int n;

	n = scnprintf(text, sizeof(text), "%s\n", stall_names[READ_ONCE(stall->state)]);
	return simple_read_from_buffer(buf, len, pos, text, n);
}

static ssize_t stall_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct stall *stall = file_inode(file)->i_private;
	unsigned int count = 1;
	char text[32], *word;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = '\0';
	word = strim(text);
	if (!strcmp(word, "open")) {
		WRITE_ONCE(stall->state, STALL_OPEN);
		return len;
	}
	if (strncmp(word, "hold", 4) ||
	    (word[4] && (word[4] != ' ' || kstrtouint(word + 5, 10, &count) || !count)))
		return -EINVAL;
	if (READ_ONCE(stall->state) != STALL_OPEN)
		return -EBUSY;
	atomic_set(&stall->pass, count);
	WRITE_ONCE(stall->state, STALL_ARMED);
	return len;
}

static const struct file_operations stall_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = stall_read,
	.write = stall_write,
	.llseek = default_llseek,
};

/**
 * cancelio_stall_init - show the stall points
 * @parent: the module's folder in debugfs
 *
 * Context: process.
 */
void cancelio_stall_init(struct dentry *parent)
{
	struct dentry *dir = debugfs_create_dir("stall", parent);
	struct stall *stall;

	for (stall = stalls; stall < stalls + CANCELIO_STALLS; stall++)
		debugfs_create_file(stall->name, 0600, dir, stall, &stall_fops);
}
