# SPDX-License-Identifier: GPL-2.0
#
# Reads a kernel log and prints each place where the kernel found something wrong, with
# some lines of context; exits with 1 if there was one.
#
#   awk -f vm/klog.awk LOG

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
		"|list_(add|del).*corruption|unreferenced object|Bad page|Bad rss|bad pagetable" \
		"|DEBUG_LOCKS_WARN_ON|cut here|usercopy:|stack corrupted|Out of memory:"
}

{
	sub(/\r$/, "")
	line[NR % (before + 1)] = $0
}

$0 ~ bad && $0 !~ harmless {
	if (left <= 0) {
		if (found)
			print "  ..."
		for (i = NR - before; i < NR; i++)
			if (i > printed && i > 0)
				print "  " line[i % (before + 1)]
	}
	left = after
	found++
	print "> " $0
	printed = NR
	next
}

left > 0 {
	left--
	print "  " $0
	printed = NR
}

END {
	exit found > 0
}
