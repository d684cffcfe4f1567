/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that differs between the kernels cancelio is built for, and
 * nothing else: the code is written for the newest, and what an older one
 * lacks is made up here.
 */
#ifndef CANCELIO_COMPAT_H
#define CANCELIO_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *),
	      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif /* CANCELIO_COMPAT_H */
