/* SPDX-License-Identifier: MIT */
/*
 * long cio_sync_stub(const uint64_t *word, long nr, long a1, ... long a6)
 * long cio_sync_stub4(const uint64_t *word, long nr, long a1, ... long a4)
 *
 * One system call, skipped when the word says "cancelled". Between cio_sync_begin_pc and
 * cio_sync_end_pc the call has not happened or is to be restarted: a signal handler that finds
 * the thread there may send it to cio_sync_cancel_pc instead. At cio_sync_end_pc it has happened,
 * and its result stands.
 */
#define CANCELLED_BIT 1
#define EINTR 4

	.text
	.globl cio_sync_stub, cio_sync_stub4, cio_sync_begin_pc, cio_sync_end_pc, cio_sync_cancel_pc
	.hidden cio_sync_stub, cio_sync_stub4, cio_sync_begin_pc, cio_sync_end_pc, cio_sync_cancel_pc
	.type cio_sync_stub, %function
	.type cio_sync_stub4, %function

#if defined(__x86_64__)
cio_sync_stub4:
	.cfi_startproc
	movq %rdi, %r11
	movq %rsi, %rax
	movq %rdx, %rdi
	movq %rcx, %rsi
	movq %r8, %rdx
	movq %r9, %r10
	jmp cio_sync_begin_pc
	.cfi_endproc
cio_sync_stub:
	.cfi_startproc
	movq %rdi, %r11
	movq %rsi, %rax
	movq %rdx, %rdi
	movq %rcx, %rsi
	movq %r8, %rdx
	movq %r9, %r10
	movq 8(%rsp), %r8
	movq 16(%rsp), %r9
cio_sync_begin_pc:
	testb $(1 << CANCELLED_BIT), (%r11)
	jnz cio_sync_cancel_pc
	syscall
cio_sync_end_pc:
	ret
cio_sync_cancel_pc:
	movq $-EINTR, %rax
	ret
	.cfi_endproc
#elif defined(__aarch64__)
cio_sync_stub4:
cio_sync_stub:
	.cfi_startproc
	mov x9, x0
	mov x8, x1
	mov x0, x2
	mov x1, x3
	mov x2, x4
	mov x3, x5
	mov x4, x6
	mov x5, x7
cio_sync_begin_pc:
	ldr x10, [x9]
	tbnz x10, #CANCELLED_BIT, cio_sync_cancel_pc
	svc #0
cio_sync_end_pc:
	ret
cio_sync_cancel_pc:
	mov x0, #-EINTR
	ret
	.cfi_endproc
#else
#error "cancelio knows the system calls of x86-64 and aarch64"
#endif
	.size cio_sync_stub, . - cio_sync_stub
#if defined(__x86_64__)
	.size cio_sync_stub4, cio_sync_stub - cio_sync_stub4
#endif

#if defined(__SANITIZE_THREAD__) && defined(__x86_64__)
	.globl cio_sync_restorer
	.hidden cio_sync_restorer
cio_sync_restorer:
	movl $15, %eax /* rt_sigreturn */
	syscall
#endif
	.section .note.GNU-stack, "", %progbits
