# SPDX-License-Identifier: MIT
#
# Compares what one conformance program printed on two systems.
#
#   awk -v name=PROGRAM -v tap=0 -f compare.awk DEVIATIONS WINE-OUTPUT OUR-OUTPUT

# Splits a line of TAP into what was looked at (key) and what was seen (value).
function parse(line)
{
	sub(/^(not )?ok [0-9]+ /, "", line)
	at = index(line, " = ")
	key = substr(line, 1, at - 1)
	value = substr(line, at + 3)
	# What the rule wants, beside what was seen.
	if (match(value, / \[rule: .*\]$/))
		value = substr(value, 1, RSTART - 1)
}

function result(good, text)
{
	cases++
	if (!good)
		bad++
	if (tap)
		print (good ? "ok " : "not ok ") cases " " text
	else if (!good && bad <= most)
		print "  FAILED " text
}

function explain(key)
{
	if (!tap && bad > most)
		return
	printf "%s   Wine: %s\n", tap ? "#" : " ", key in wine ? wine[key] : "nothing"
	printf "%s   here: %s\n", tap ? "#" : " ", key in ours ? ours[key] : "nothing"
}

BEGIN {
	# A program that died early would fill the screen.
	most = 20
	if (tap)
		print "# conform/" name
}

{ sub(/\r$/, "") }

FNR == 1 { file++ }

file == 1 {
	if (!/^#/ && NF && split($0, field, / *\| */) == 4 && field[1] == name) {
		wine_known[field[2]] = field[3]
		ours_known[field[2]] = field[4]
	}
	next
}

/^(died with|Bail out!)/ {
	died = died (file == 2 ? "under Wine: " : "here: ") $0 "; "
	next
}

!/^(not )?ok [0-9]+ / { next }

file == 2 {
	parse($0)
	if (key in wine)
		twice = twice key "; "
	wine[key] = value
	order[++lines] = key
	next
}

file == 3 {
	parse($0)
	# The slow device is not there under Wine.
	if (key ~ /^device /)
		next
	ours[key] = value
	right[key] = /^ok/
	if (!(key in wine))
		order[++lines] = key
}

END {
	if (died != "")
		result(0, died)
	for (i = 1; i <= lines; i++) {
		key = order[i]
		known = key in wine_known
		if (!(key in wine) || !(key in ours)) {
			result(0, key ": is missing on one side")
			explain(key)
		} else if (!right[key]) {
			result(0, key ": is not what the rule says")
			explain(key)
		} else if (wine[key] == ours[key]) {
			result(!known, key (known ? ": Wine deviates no more" : ""))
			same++
		} else if (!known) {
			result(0, key ": differs")
			explain(key)
		} else if (wine[key] != wine_known[key] || ours[key] != ours_known[key]) {
			result(0, key ": differs in another way than is known")
			explain(key)
		} else {
			result(1, key ": a deviation of Wine")
			deviations++
		}
		seen[key] = 1
	}
	for (key in wine_known)
		if (!(key in seen))
			result(0, key ": a deviation of nothing")
	if (twice != "")
		result(0, "twice the same: " twice)
	if (tap)
		print "1.." cases
	printf "%sconform/%-12s %4d lines, %4d same, %3d known deviations of Wine%s\n",
	       tap ? "# " : "", name, lines, same, deviations, bad ? ", " bad " FAILED" : ""
	exit bad > 0
}
