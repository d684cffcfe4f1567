/* SPDX-License-Identifier: MIT */
/* Code pages: every one that is not UTF-16 is UTF-8 here. */
#ifndef _WINNLS_
#define _WINNLS_

#include <minwindef.h>

#define CP_ACP 0
#define CP_OEMCP 1
#define CP_THREAD_ACP 3
#define CP_UTF8 65001

#define MB_PRECOMPOSED 0x00000001u
#define MB_ERR_INVALID_CHARS 0x00000008u
#define WC_NO_BEST_FIT_CHARS 0x00000400u
#define WC_ERR_INVALID_CHARS 0x00000080u

#include <stringapiset.h>

#endif
