/* SPDX-License-Identifier: GPL-2.0 */
/* What cppcheck cannot guess of the kernel's words: which of them are loops. */
#define list_for_each_entry(p, head, member) for (p = next_of(head); p; p = next_of(p))
#define list_for_each_entry_reverse list_for_each_entry
#define list_for_each_entry_safe(p, n, head, member) \
	for (p = next_of(head), n = p; p; p = n, n = next_of(p))
#define for_each_possible_cpu(cpu) for (cpu = 0; cpu < cpus(); cpu++)
#define llist_for_each_entry_safe(p, n, head, member) \
	for (p = next_of(head), n = p; p; p = n, n = next_of(p))
