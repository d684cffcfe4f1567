# SPDX-License-Identifier: GPL-2.0
#
# Reads a kernel log and prints each place where the kernel found something wrong, with
# some lines of context; exits with 1 if there was one.
#
#   awk -f vm/klog.awk LOG
#   awk -v foreign=1 -f vm/klog.awk LOG
#
# A data race is reported with the stacks of both who took part. One in which no function of the
# module is among them is the kernel's with itself: it is not ours to judge, and not a finding.
# The second form prints one line for each of these, and nothing else.

BEGIN {
	before = 3
	after = 40
	# What user processes do to themselves, and what every start of the VM says.
	harmless = "traps: |Spectre V2|out-of-tree module|module verification failed"
	bad = "BUG:|BUG at |WARNING: |Oops|Kernel panic|general protection fault[,:]" \
		"|unable to handle|divide error|invalid opcode|stack segment:" \
		"|blocked for more than|blocked on a mutex|soft lockup|hard LOCKUP" \
		"|BUG [^ ]+ \\(|detected stalls|detected expedited stalls|self-detected stall" \
		"|circular locking|recursive locking|inconsistent lock state|bad unlock balance" \
		"|held lock freed|lock held|locks? still held|suspicious RCU usage" \
		"|non-static key|nested lock was not taken|irq lock inversion" \
		"|sleeping function called|scheduling while atomic|Voluntary context switch" \
		"|KASAN:|KCSAN:|UBSAN:|KFENCE:|ODEBUG:|refcount_t:" \
		"|list_(add|del).*corruption|unreferenced object|suspected memory leak|Bad page|Bad rss|bad pagetable" \
		"|DEBUG_LOCKS_WARN_ON|cut here|usercopy:|stack corrupted|Out of memory:"
	race = "BUG: KCSAN: "
}

{
	sub(/\r$/, "")
	line[NR] = $0
}

# Whether the race reported in line @i has nothing to do with the module. One whose report
# breaks off is taken for ours.
function is_foreign(i)
{
	if (line[i] !~ race)
		return 0
	for (; i <= NR && line[i] !~ /\[cancelio\]/; i++)
		if (line[i] ~ /Reported by Kernel Concurrency Sanitizer/)
			return 1
	return 0
}

function is_bad(i)
{
	return line[i] ~ bad && line[i] !~ harmless && !is_foreign(i)
}

function show_around(i,    j)
{
	if (left <= 0) {
		if (found)
			print "  ..."
		for (j = i - before; j < i; j++)
			if (j > printed && j > 0)
				print "  " line[j]
	}
	left = after
	found++
	print "> " line[i]
}

END {
	for (i = 1; i <= NR; i++) {
		if (foreign) {
			if (is_foreign(i))
				print substr(line[i], index(line[i], race) + length(race))
			continue
		}
		if (is_bad(i)) {
			show_around(i)
			printed = i
		} else if (left > 0) {
			left--
			print "  " line[i]
			printed = i
		}
	}
	exit found > 0
}
