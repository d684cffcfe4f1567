// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "file.h"

static void only_sigpipe(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGPIPE);
}

void cio_sigpipe_block(struct cio_sigpipe *s)
{
	sigset_t set;

	only_sigpipe(&set);
	pthread_sigmask(SIG_BLOCK, &set, &s->old);
	s->blocked = sigismember(&s->old, SIGPIPE);
	s->pending = false;
	if (s->blocked) {
		/* One that was pending before is the application's, and stays. */
		sigpending(&set);
		s->pending = sigismember(&set, SIGPIPE);
	}
}

void cio_sigpipe_restore(struct cio_sigpipe *s, bool raised)
{
	struct timespec zero = { 0, 0 };
	sigset_t set;

	only_sigpipe(&set);
	if (raised && !s->pending) {
		/* Not sigtimedwait(3), which is a point where a thread can be cancelled. */
		syscall(SYS_rt_sigtimedwait, &set, NULL, &zero, _NSIG / 8);
	}
	if (!s->blocked)
		pthread_sigmask(SIG_SETMASK, &s->old, NULL);
}
