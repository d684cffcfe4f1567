/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rules of what goes wrong, as text.
 */
#ifndef CANCELIO_FAULTS_H
#define CANCELIO_FAULTS_H

#include "fate.h"

int cancelio_faults_parse(struct cancelio_knobs *knobs, const char *text);
ssize_t cancelio_faults_print(const struct cancelio_knobs *knobs, char *page);

#endif /* CANCELIO_FAULTS_H */
