/* SPDX-License-Identifier: MIT */
/* The C runtime's names for what unistd.h has. */
#ifndef _INC_IO
#define _INC_IO

#include <fcntl.h>
#include <unistd.h>

#define _close close
#define _dup dup
#define _dup2 dup2
#define _isatty isatty
#define _open open
#define _read read
#define _unlink unlink
#define _write write

#endif
