// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "futex.h"
#include "memcheck.h"
#include "messenger.h"
#include "port.h"
#include "scope.h"
#include "sync.h"
#include "tsan.h"
#include "thread.h"

long cio_sync_stub(const _Atomic uint64_t *word, long nr, long a1, long a2, long a3, long a4,
		   long a5, long a6);
extern const char cio_sync_begin_pc[], cio_sync_end_pc[], cio_sync_cancel_pc[];

static int cancel_signal;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static inline unsigned long *pc_of(ucontext_t *uc)
{
#if defined(__x86_64__)
	return (unsigned long *)&uc->uc_mcontext.gregs[REG_RIP];
#else
	return (unsigned long *)&uc->uc_mcontext.pc;
#endif
}

/*
 * Blocks the signal where it hit, and sends it anew. If that was in a handler of the application's,
 * the block goes with it: what it returns to has a mask of its own, and gets the signal. However
 * many handlers lie on top of the call, the signal comes down to it. In the library's own code
 * cio_sync_end undoes the block.
 */
CIO_NO_TSAN static void deliver_later(struct cio_thread *self, int sig, ucontext_t *uc)
{
	int err = errno, pid = getpid();
	/* As kill(2) would say it. To oneself this is allowed, and is never refused for a limit. */
	int info[sizeof(siginfo_t) / sizeof(int)] = { sig, 0, SI_USER, 0, pid };

	if (!CIO_HANDLER_MASKS)
		return;
	sigaddset(&uc->uc_sigmask, sig);
	atomic_store(&self->sync.held_back, true);
	syscall(SYS_rt_tgsigqueueinfo, pid, self->tid, sig, info);
	errno = err;
}

/*
 * The kernel has wound the program counter back to the system call's instruction if the call is
 * to be restarted, which SA_RESTART makes of every interrupted call that can be. So a counter
 * inside the range means: nothing has happened. Elsewhere it may be a handler on top of such a call,
 * which will go back to the instruction and past the test before it.
 */
CIO_NO_TSAN static void on_cancel(int sig, siginfo_t *info, void *context)
{
	struct cio_thread *self = cio_self_if_known();
	unsigned long *pc = pc_of(context);

	(void)info;
	if (!self || !(atomic_load(&self->sync.word) & CIO_SYNC_CANCELLED))
		return;
	if (*pc >= (unsigned long)cio_sync_begin_pc && *pc < (unsigned long)cio_sync_end_pc)
		*pc = (unsigned long)cio_sync_cancel_pc;
	else
		deliver_later(self, sig, context);
}

#ifdef __SANITIZE_THREAD__
/*
 * ThreadSanitizer's own sigaction delays a handler to a moment of its choice, which is never the
 * one inside a system call that it does not know.
 */
static int set_handler(int sig)
{
	struct {
		void (*handler)(int, siginfo_t *, void *);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} sa = { on_cancel, SA_SIGINFO | SA_RESTART, NULL, 0 };
#ifdef __x86_64__
	extern void cio_sync_restorer(void);

	sa.flags |= 0x04000000; /* SA_RESTORER */
	sa.restorer = cio_sync_restorer;
#endif
	return (int)syscall(SYS_rt_sigaction, sig, &sa, NULL, 8);
}
#else
static int set_handler(int sig)
{
	struct sigaction sa;

	sa.sa_sigaction = on_cancel;
	sa.sa_flags = SA_SIGINFO | SA_RESTART;
	sigemptyset(&sa.sa_mask);
	return sigaction(sig, &sa, NULL);
}
#endif

/*
 * The highest real-time signal that nobody has claimed yet. The last one is left alone: it is
 * what other libraries reach for first.
 */
static void install_handler(void)
{
	struct sigaction old;

	for (int sig = SIGRTMAX - 1; sig > SIGRTMIN; sig--) {
		if (sigaction(sig, NULL, &old) != 0 || (old.sa_flags & SA_SIGINFO) ||
		    old.sa_handler != SIG_DFL)
			continue;
		if (set_handler(sig) == 0) {
			cancel_signal = sig;
			return;
		}
	}
}

static void unblock_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, cancel_signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void cio_sync_attach(void)
{
	pthread_once(&once, install_handler);
	unblock_signal();
}

/* A call in a scope that is cancelled begins as a cancelled one; there is no signal to wait for. */
static void begin_in_scope(struct cio_thread *self, uint64_t word)
{
	uint64_t call = word & ~(uint64_t)CIO_SYNC_STATE;

	if (!cio_frame_cancelled(self->frame))
		return;
	/* Else a canceller was faster, and sends one. */
	if (atomic_compare_exchange_strong(&self->sync.word, &word, call | CIO_SYNC_CANCELLED))
		atomic_store(&self->sync.sent, (unsigned int)call);
}

void cio_sync_begin(struct cio_thread *self, struct cio_file *file, LPOVERLAPPED overlapped)
{
	struct cio_sync *sync = &self->sync;
	uint64_t word = atomic_load_explicit(&sync->word, memory_order_relaxed);

	atomic_store_explicit(&sync->file, file, memory_order_relaxed);
	atomic_store_explicit(&sync->overlapped, overlapped, memory_order_relaxed);
	/* Between calls the state's bits are 0. */
	atomic_store(&sync->word, word | CIO_SYNC_IN_CALL);
	if (self->frame)
		begin_in_scope(self, word | CIO_SYNC_IN_CALL);
}

bool cio_sync_end(struct cio_thread *self)
{
	return cio_sync_end_on(&self->sync);
}

/*
 * The signal must not outlive the call: it would interrupt one of the application's own system
 * calls, and not all of those restart. Once it has been sent, it is delivered no later than at the
 * end of the next system call.
 */
void cio_sync_end_cancelled(struct cio_sync *sync, uint64_t word)
{
	unsigned int call = (unsigned int)(word & ~(uint64_t)CIO_SYNC_STATE), sent;

	while ((sent = atomic_load(&sync->sent)) != call) {
		/* One that could not be sent is not needed any more. */
		if (sent == (call | CIO_SYNC_UNSENT) &&
		    atomic_compare_exchange_strong(&sync->sent, &sent, call))
			return;
		cio_futex_wait(&sync->sent, sent, CIO_FOREVER);
	}
	syscall(SYS_gettid);
	/* One that was held back comes now, and finds that there is nothing left to do. */
	if (atomic_exchange(&sync->held_back, false))
		unblock_signal();
}

long cio_sync_call(struct cio_thread *self, long nr, long a1, long a2, long a3, long a4, long a5,
		   long a6)
{
	bool slot = atomic_load_explicit(&self->slot, memory_order_relaxed) &&
		    cio_port_block_for_call(self);
	long ret;

	/*
	 * A device that answers EINTR on its own account was woken by somebody else's signal.
	 * Only a cancel may show.
	 */
	do
		ret = cio_sync_stub(&self->sync.word, nr, a1, a2, a3, a4, a5, a6);
	while (ret == -EINTR && !(atomic_load(&self->sync.word) & CIO_SYNC_CANCELLED));
	if (slot)
		cio_port_unblock(self);
	return ret;
}

/*
 * The thread cannot leave the call until `sent` says that its signal has been sent, or that it has
 * not: so its id is its own until then.
 */
static void send_signal(struct cio_thread *target, unsigned int call)
{
	struct cio_sync *sync = &target->sync;
	bool sent = syscall(SYS_tgkill, getpid(), target->tid, cancel_signal) == 0 ||
		    errno != EAGAIN;

	atomic_store(&sync->sent, sent ? call : call | CIO_SYNC_UNSENT);
	cio_futex_wake(&sync->sent, 1);
	if (!sent)
		cio_messenger_call();
}

void cio_sync_send_again(struct cio_thread *target)
{
	unsigned int sent = atomic_load(&target->sync.sent), call = sent & ~CIO_SYNC_STATE;

	if (sent == (call | CIO_SYNC_UNSENT) &&
	    atomic_compare_exchange_strong(&target->sync.sent, &sent, call | CIO_SYNC_SENDING))
		send_signal(target, call);
}

bool cio_sync_cancel(struct cio_thread *target, struct cio_file *file, LPOVERLAPPED overlapped)
{
	struct cio_sync *sync = &target->sync;
	uint64_t word = atomic_load(&sync->word);
	uint64_t call = word & ~(uint64_t)CIO_SYNC_STATE;

	if ((word & CIO_SYNC_STATE) == CIO_SYNC_IDLE)
		return false;
	/* If the call has changed meanwhile, these are another call's, and the exchange fails. */
	if (file && atomic_load(&sync->file) != file)
		return false;
	if (overlapped && atomic_load(&sync->overlapped) != overlapped)
		return false;
	if ((word & CIO_SYNC_STATE) == CIO_SYNC_CANCELLED) {
		cio_sync_send_again(target);
		return atomic_load(&sync->word) == word;
	}
	if (!atomic_compare_exchange_strong(&sync->word, &word, call | CIO_SYNC_CANCELLED))
		/* Either the call is over, or another canceller was faster with this very one. */
		return word == (call | CIO_SYNC_CANCELLED);
	send_signal(target, (unsigned int)call);
	return true;
}
