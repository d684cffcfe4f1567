// SPDX-License-Identifier: MIT
/* A program may begin with wmain, as on Windows, if it has no main. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf.h"

int wmain(int argc, WCHAR **argv, WCHAR **envp) __attribute__((weak));
int main(int argc, char **argv, char **envp);

/* The program may keep them beyond wmain; so they stay, and are seen to be in use. */
static WCHAR **volatile arguments, **volatile environment;

static WCHAR *wide(const char *s)
{
	size_t length = strlen(s);
	WCHAR *to = calloc(length + 1, sizeof(*to));

	if (!to)
		abort();
	cio_utf16_from_utf8(to, length, s, length, NULL);
	return to;
}

static WCHAR **wide_all(char **strings)
{
	size_t count = 0;
	WCHAR **all;

	while (strings[count])
		count++;
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		abort();
	for (size_t i = 0; i < count; i++)
		all[i] = wide(strings[i]);
	return all;
}

/* The application's own goes first. */
__attribute__((visibility("default"), weak)) int main(int argc, char **argv, char **envp)
{
	if (!wmain) {
		fputs("libcancelio: the program has neither main nor wmain\n", stderr);
		return 127;
	}
	arguments = wide_all(argv);
	environment = wide_all(envp);
	return wmain(argc, arguments, environment);
}
