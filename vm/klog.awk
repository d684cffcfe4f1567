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
# Nor is an assertion of io_uring, up to 6.12, that only who submits to a ring with DEFER_TASKRUN
# posts its completions: its own worker that ends a ring does, for every command that is left.
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
	assertion = "WARNING: .* at io_uring/io_uring.h:[0-9]+ io_get_cqe_overflow"
}

{
	sub(/\r$/, "")
	line[NR] = $0
}

# Whether lines @i and following, up to one with @last, have @pattern; -1: there is no such last one.
function report_has(i, last, pattern,    has)
{
	for (; i <= NR; i++) {
		if (line[i] ~ pattern)
			has = 1
		if (line[i] ~ last)
			return has + 0
	}
	return -1
}

# Whether what line @i reports has nothing to do with the module. What breaks off is taken for
# ours.
function is_foreign(i)
{
	if (line[i] ~ race)
		return report_has(i, "Reported by Kernel Concurrency Sanitizer", "\\[cancelio\\]") == 0
	if (line[i] ~ "cut here" && line[i + 1] ~ assertion)
		i++
	return line[i] ~ assertion && report_has(i, "end trace", " io_ring_exit_work[+]") == 1 &&
		report_has(i, "end trace", "[+].*\\[cancelio\\]") == 0
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
			if (line[i] !~ "cut here" && is_foreign(i)) {
				sub(/^\[[^]]*\] |.*BUG: KCSAN: /, "", line[i])
				sub(/CPU: [0-9]+ PID: [0-9]+ /, "", line[i])
				print line[i]
			}
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
