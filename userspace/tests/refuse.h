/* SPDX-License-Identifier: MIT */
/* A kernel or a file system that refuses a system call, from now on, in this process and its children. */
#ifndef REFUSE_H
#define REFUSE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tap.h"

/* By what the C library makes them. */
#ifdef SYS_link
#define REFUSE_LINK SYS_link
#define REFUSE_UNLINK SYS_unlink
#define REFUSE_CHMOD SYS_chmod
#else
#define REFUSE_LINK SYS_linkat
#define REFUSE_UNLINK SYS_unlinkat
#define REFUSE_CHMOD SYS_fchmodat
#endif

static inline void refuse_by(struct sock_filter *code, unsigned short length)
{
	struct sock_fprog program = { length, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		SKIP("no seccomp");
}

/* Only with any of these bits in the argument of that number. */
static inline void refuse_bits(unsigned int nr, unsigned int argument, unsigned int bits,
			       unsigned int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[argument])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	refuse_by(code, sizeof(code) / sizeof(code[0]));
}

static inline void refuse(unsigned int nr, unsigned int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	refuse_by(code, sizeof(code) / sizeof(code[0]));
}

#endif
