# SPDX-License-Identifier: GPL-2.0
#
# Reads the TAP of test programs, prints a line for each program as it ends, and appends
# "pass NAME", "fail NAME" or "skip NAME" for each test case to a file.
#
#   awk -v label=6.1 -v programs="a b" -v results=FILE -f vm/tap.awk
#
# A line "# PROGRAM", for one of the programs named, begins that program's output. One
# that is never seen, or ends before its plan is fulfilled, or with a status other than 0
# although it reported no failure, is one more failure.

function result(what, name)
{
	print what, name >>results
	count[what]++
}

function finish(    text)
{
	if (program == "")
		return
	if (plan == "")
		result("fail", label " " program ": died before its first test")
	else if (seen < plan)
		result("fail", sprintf("%s %s: ended after %d of %d tests", label, program, seen, plan))
	else if (status + 0 != 0 && !count["fail"])
		result("fail", sprintf("%s %s: ended with status %d", label, program, status))
	text = sprintf("  %-8s %-28s %4d passed", label, program, count["pass"])
	if (count["fail"])
		text = text sprintf(", %d failed", count["fail"])
	if (count["skip"])
		text = text sprintf(", %d skipped", count["skip"])
	print took == "" ? text : sprintf("%-68s%s", text, took)
	fflush()
	program = ""
}

BEGIN {
	n = split(programs, list)
	for (i = 1; i <= n; i++)
		known[list[i]] = 1
}

{ sub(/\r$/, "") }

/^# [^ ]+$/ && ($2 in known) {
	finish()
	program = $2
	plan = status = took = ""
	seen = 0
	delete count
	delete known[program]
	next
}

/^# [^ ]+ ended with [0-9]+( after [0-9]+ s)?$/ && $2 == program {
	status = $5
	if (NF > 5)
		took = int($7 / 60) ":" sprintf("%02d", $7 % 60)
	finish()
	next
}

/^1\.\.[0-9]+/ && plan == "" {
	plan = substr($1, 4) + 0
	# A plan of no tests is how a whole program is skipped.
	if (plan == 0)
		result("skip", label " " program)
	next
}

/^(not )?ok [0-9]+/ {
	seen++
	name = $0
	sub(/^(not )?ok [0-9]+ *(- )?/, "", name)
	skipped = toupper(name) ~ /# *SKIP/
	sub(/ *#.*/, "", name)
	name = label " " program ": " (name == "" ? "test " seen : name)
	result($1 == "not" ? "fail" : skipped ? "skip" : "pass", name)
}

END {
	finish()
	for (i = 1; i <= n; i++)
		if (list[i] in known)
			result("fail", label " " list[i] ": was never run")
}
