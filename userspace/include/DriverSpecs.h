/* SPDX-License-Identifier: MIT */
/* As Microsoft's samples write it. */
#include <driverspecs.h>
