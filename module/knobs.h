/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The knobs of a device as text: what sysfs and configfs show and take.
 */
#ifndef CANCELIO_KNOBS_H
#define CANCELIO_KNOBS_H

#include "fate.h"

/* Names of files, and whether only a store has them. */
#define CANCELIO_KNOBS(X)		\
	X(open_latency_ns, false)	\
	X(read_latency_ns, false)	\
	X(write_latency_ns, false)	\
	X(flush_latency_ns, true)	\
	X(control_latency_ns, false)	\
	X(bandwidth, false)		\
	X(channels, true)		\
	X(stuck, true)			\
	X(split, true)			\
	X(cancel, false)		\
	X(abort_latency_ns, false)	\
	X(poll_interval_ns, false)	\
	X(race_window_ns, false)	\
	X(faults, false)		\
	X(seed, false)			\
	X(max_pending, false)		\
	X(watchdog_s, false)

#define CANCELIO_KNOB_ID(_name, _only)	CANCELIO_KNOB_##_name,
enum cancelio_knob {
	CANCELIO_KNOBS(CANCELIO_KNOB_ID)
	CANCELIO_KNOB_COUNT,
};

int cancelio_knob_line(char *line, size_t size, const char *text);
void cancelio_knobs_init(struct cancelio_knobs *knobs);
int cancelio_knob_parse(struct cancelio_knobs *knobs, enum cancelio_knob knob, const char *text);
ssize_t cancelio_knob_print(const struct cancelio_knobs *knobs, enum cancelio_knob knob,
			    char *page);

#endif /* CANCELIO_KNOBS_H */
