/* SPDX-License-Identifier: MIT */
/* Marks for an analyser that is not used here. */
#ifndef DRIVERSPECS_H
#define DRIVERSPECS_H

#include <sal.h>

#ifndef _Analysis_mode_
#define _Analysis_mode_(mode)
#endif
#ifndef _Analysis_code_type_user_code_
#define _Analysis_code_type_user_code_
#endif

#endif
