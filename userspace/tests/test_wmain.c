// SPDX-License-Identifier: MIT
/* A program that begins with wmain: its arguments and environment are UTF-16. */
#include <stdio.h>
#include <string.h>
#include <uchar.h>
#include <unistd.h>
#include <windows.h>

/* The tests are built with hidden visibility; what the library is to find must be seen. */
__attribute__((visibility("default"))) int __cdecl wmain(int argc, WCHAR *argv[], WCHAR *envp[]);

static int failed, count;

static void check(int good, const char *name)
{
	printf("%s %d %s\n", good ? "ok" : "not ok", ++count, name);
	failed += !good;
}

static int same(const WCHAR *s, const char16_t *want)
{
	size_t i = 0;

	while (s[i] && s[i] == want[i])
		i++;
	return s[i] == want[i];
}

int __cdecl wmain(int argc, WCHAR *argv[], WCHAR *envp[])
{
	static char *arguments[] = { "test_wmain", "gr\xc3\xbcn \xf0\x9f\x98\x80", " -12x", NULL };
	static char *environment[] = { "LANG=C", "A=b", NULL };

	if (argc == 1) {
		execve("/proc/self/exe", arguments, environment);
		return 1;
	}
	check(argc == 3 && !argv[3], "all arguments");
	check(same(argv[1], u"gr\u00fcn \U0001f600"), "an argument in UTF-16");
	check(_wtoi(argv[2]) == -12, "a number");
	check(envp[0] && envp[1] && !envp[2] && same(envp[1], u"A=b"), "the environment");
	printf("1..%d\n", count);
	return failed != 0;
}
