// SPDX-License-Identifier: MIT
/*
 * A system call that waits, and a signal that ends it.
 *
 *	signal_read read DEVICE		read(2) of a byte that does not come
 *	signal_read open DEVICE		open(2) of a device that takes its time
 *
 * The signal comes after a second, with a handler and without SA_RESTART.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void on_alarm(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	char byte;
	int fd, ret;

	if (argc != 3 || (strcmp(argv[1], "read") && strcmp(argv[1], "open"))) {
		fprintf(stderr, "usage: %s read|open DEVICE\n", argv[0]);
		return 2;
	}
	sigaction(SIGALRM, &action, NULL);

	if (!strcmp(argv[1], "open")) {
		alarm(1);
		ret = open(argv[2], O_RDONLY);
	} else {
		fd = open(argv[2], O_RDONLY);
		if (fd < 0) {
			perror(argv[2]);
			return 1;
		}
		alarm(1);
		ret = read(fd, &byte, 1);
	}
	printf("%s gives %d (%s)\n", argv[1], ret, ret < 0 ? strerror(errno) : "success");
	return !(ret < 0 && errno == EINTR);
}
