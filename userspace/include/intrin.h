/* SPDX-License-Identifier: MIT */
/* The intrinsics of Microsoft's compiler that this API is about: the Interlocked family's. */
#ifndef __INTRIN_H_
#define __INTRIN_H_

#include <windef.h>

#endif
