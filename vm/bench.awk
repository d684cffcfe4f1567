# SPDX-License-Identifier: GPL-2.0
#
# The table of vm/bench, from its figures: boot,name,value,unit,peer,ratio,limit,verdict.
# Exits with 1 if one was missed, has failed, or two boots differ too much.

BEGIN {
	most = 1	# percent

	say["pipe_uring"] = "pipe: io_uring READ, ASYNC_CANCEL"
	say["stream_uring"] = "stream: the same"
	say["stream_native"] = "stream: native READ, CANCEL by tag"
	say["store_native"] = "store: the same, its timer running"
	say["pipe_signal"] = "pipe: read(2), a signal, EINTR"
	say["stream_signal"] = "stream: the same"
	say["stream_aio"] = "stream: io_submit, io_cancel, io_getevents"
	say["stream_ten"] = "stream: one of 10 cancelled and submitted again"
	say["stream_many"] = "stream: one of 100,000"
	say["store_ten"] = "store: one of 10 cancelled and submitted again"
	say["store_many"] = "store: one of 100,000"
	say["zero_read"] = "/dev/zero: io_uring READ of 4 KiB"
	say["store_read"] = "store without latency: native READ of 4 KiB"

	say["fifo_uring"] = "FIFO: io_uring READ, ASYNC_CANCEL"
	say["lib_event"] = "ReadFile pends, CancelIoEx, GetOverlappedResult"
	say["lib_port"] = "ReadFile, CancelIoEx, GetQueuedCompletionStatus"
	say["file_read"] = "file: read(2) of 64 bytes"
	say["lib_file"] = "file: ReadFile of 64 bytes"
	say["pipe_read"] = "FIFO: read(2) of 64 bytes"
	say["lib_pipe"] = "FIFO: ReadFile of 64 bytes"
	say["lib_set"] = "SetEvent, WaitForSingleObject"
	say["lib_cancel"] = "ReadFile pends, CancelIoEx(h, NULL), ..."
	say["lib_cancel_many"] = "  with 10,000 pending on other handles"
	say["lib_nothing"] = "CancelIoEx(h, NULL) with nothing to cancel"
	say["lib_nothing_many"] = "  with 10,000 pending on other handles"
	say["lib_event.outside"] = "ReadFile pends, CancelIoEx, ...: outside the kernel"
	say["lib_port.outside"] = "the same through a port: outside the kernel"
	say["lib_file.outside"] = "file: ReadFile of 64 bytes: outside the kernel"
	say["lib_pipe.outside"] = "FIFO: ReadFile of 64 bytes: outside the kernel"
	say["lib_set.outside"] = "SetEvent, WaitForSingleObject: outside the kernel"
	after["calls"] = "  system calls"
	after["allocations"] = "  allocations"
	after["wakeups"] = "  wake-ups of other threads"
	say["wine_event"] = "Wine: ReadFile pends, CancelIoEx, ..."
	say["lib_wall"] = "the library: the same source"

	device["stream"] = "stream"
	device["store"] = "store"
	say["memory"] = "memory of the module for a request"
	say["cancel.command"] = "100,000 cancelled by one command"
	say["cancel.reap"] = "and reaped"
	say["cancel.stall"] = "longest stall meanwhile"
	say["exit.process"] = "a process with 100,000 killed"
	say["exit.requests"] = "and its requests gone"
	say["exit.stall"] = "longest stall meanwhile"
	say["million.submit"] = "a million submitted"
	say["million.slab"] = "memory of the kernel's caches"
	say["million.command"] = "all cancelled by one command"
	say["million.reap"] = "and reaped"
	say["million.stall"] = "longest stall, all in all"
}

function text(name,    parts) {
	if (name in say)
		return say[name]
	parts = name
	sub(/.*\./, "", parts)
	if (parts in after)
		return after[parts]
	match(name, /^[a-z]+_/)
	parts = substr(name, RSTART + RLENGTH)
	if (parts in say)
		return substr(name, 1, RLENGTH - 1) ": " say[parts]
	if (sub(/^memory\./, "", parts))
		return sub(/^io_uring:/, "", parts) ? "  and io_uring's own: " parts : "  of which " parts
	return name
}

# 12345.6 -> 12,345.6
function grouped(number,    left, right) {
	right = number ~ /\./ ? substr(number, index(number, ".")) : ""
	left = number
	sub(/\..*/, "", left)
	while (left ~ /[0-9][0-9][0-9][0-9]/ && length(left) > 3) {
		right = "," substr(left, length(left) - 2) right
		left = substr(left, 1, length(left) - 3)
	}
	return left right
}

function percent(a, b) {
	return a ? (b > a ? b - a : a - b) * 100 / a : 0
}

$8 == "MISSED" || $8 == "FAILED" {
	bad = 1
	verdict[$2] = $8
}

# Times of many requests at once are not a cycle's: they are told, not compared.
!($2 in first) {
	order[++count] = $2
	first[$2] = $3
	unit[$2] = $4
	ratio[$2] = $6
	limit[$2] = $7
	if (!($2 in verdict))
		verdict[$2] = $8
	next
}

unit[$2] == "instructions" && percent(first[$2], $3) >= worst {
	worst = percent(first[$2], $3)
	worst_name = $2
}

# What has failed has no unit.
function kind(name) {
	if (unit[name] == "")
		return last == "" ? "a cycle" : last
	return unit[name] == "instructions" ? "a cycle" : \
		unit[name] == "ns" ? "a cycle on this machine, pinned" : "how many"
}

function heading(title) {
	printf "\n%-50s %12s  %6s  %7s\n", title, title == "how many" ? "" : \
		title == "a cycle" ? "instructions" : "ns", title == "how many" ? "" : "ratio", "at most"
}

END {
	for (i = 1; i <= count && format == "table"; i++) {
		name = order[i]
		counts = kind(name) == "how many"
		if (i == 1)
			printf "Linux %s, %s\n", kernel, "instructions of the guest; 1 ms is a million"
		if (kind(name) != last)
			heading(last = kind(name))
		printf "%-50s %12s  %6s  %7s  %s\n", text(name),
			counts ? grouped(sprintf(unit[name] == "bytes" ? "%.0f" : "%.1f", first[name])) : \
				first[name] != "" ? grouped(sprintf("%.0f", first[name])) : "",
			counts ? unit[name] : ratio[name] != "" ? sprintf("%.3f", ratio[name]) : "",
			limit[name], verdict[name] == "-" ? "" : verdict[name]
	}
	if (worst_name != "") {
		if (worst > most)
			bad = 1
		if (format == "table")
			printf "\nTwo boots differ by %.2f %% at most (%s): %s\n", worst, worst_name,
				(worst > most) ? "MISSED" : "ok"
	}
	exit bad
}
